"""Pairs of spikes in one step: the drift of independent trains is the same in any time step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plastic_network import network

from neuromod import NeuromodulationSystem, Simulation, _core
from neuromod.errors import ConfigError

TAU = 20.0
WIDE = {"weight_min": -1e3, "weight_max": 1e3}
PAIRS = {"a_plus": 0.01, "a_minus": 0.0105, "tau_plus": TAU, "tau_minus": TAU}
RULES: dict[str, dict[str, Any]] = {
    "stdp": PAIRS,
    "rstdp": {**PAIRS, "a_plus": 1.0, "a_minus": 1.05, "learning_rate": 0.0, "tau_c": 1e12},
    "triplet": {"a2_plus": 0.01, "a2_minus": 0.0105, "a3_plus": 0.0, "a3_minus": 0.0, "tau_plus": TAU,
                "tau_minus": TAU},
    "stdp_nearest": PAIRS,
    "istdp": {"learning_rate": 0.01, "target_rate": 0.0, "tau": TAU},
    "ristdp": {"a": 1.0, "target_rate": 0.0, "tau": TAU, "learning_rate": 0.0, "tau_c": 1e12},
}  # fmt: skip


def drift(rule: str, dt: float, coincident: str | None = None) -> float:
    """Sum of the changes by one pair over all distances in time, times the step: the drift of independent trains by
    the product of their rates. Source i arrives in step i + 2; the target fires in the middle."""
    reach = round(14 * TAU / dt)
    n = 2 * reach + 1
    given = {} if coincident is None else {"coincident": coincident}
    trains = {i: [i + 1] for i in range(n)} | {n: [reach + 2]}
    rules = {"rule": rule, **WIDE, **RULES[rule], **given}
    net = network(rules, [(i, n) for i in range(n)], trains, n_neurons=n + 1, weight=0.0, dt=dt)
    net.sim.run(n + 2)
    p = net.sim.projections["P"]
    changes = p.eligibility if rule in ("rstdp", "ristdp") else p.weight
    return float(changes.astype(np.float64).sum() * dt) / (100.0 if rule in ("rstdp", "ristdp") else 1.0)


def theory(rule: str) -> float:
    """The integral of the window, mV ms."""
    return 0.02 * TAU if rule.endswith("istdp") else (0.01 - 0.0105) * TAU


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("rule", RULES)
def test_the_drift_is_that_of_theory_up_to_second_order(rule: str, dt: float) -> None:
    """The trapezoid rule is off by (dt / tau)^2 / 12 of each side; 1e-5 is rounding and the reach of 14 tau."""
    assert drift(rule, dt) == pytest.approx(theory(rule), rel=dt**2 / TAU**2 / 12.0 * 1.1 + 1e-5)


@pytest.mark.parametrize("rule", ["stdp", "rstdp", "triplet"])
def test_arrivals_first_and_no_pairs_are_off_in_first_order(rule: str) -> None:
    """Arrivals first: half a step more of a_plus and less of a_minus; not counted: half a step less of both."""
    base = drift(rule, 1.0)
    assert drift(rule, 1.0, "pre_first") - base == pytest.approx(0.5 * (0.01 + 0.0105), rel=1e-4)
    assert drift(rule, 1.0, "none") - base == pytest.approx(0.5 * (0.0105 - 0.01), rel=1e-3)


def test_every_lazy_rule_has_the_parameter() -> None:
    for name, about in _core.plasticity_rules().items():
        if name not in ("hebbian", "graupner_brunel", "clopath"):
            assert about["params"]["coincident"]["words"] == ("half", "pre_first", "none"), name


def test_a_word_that_is_none_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"rule\.coincident: must be one of half, pre_first, none; got 'post_first'"
    ):
        drift("stdp", 1.0, "post_first")


@pytest.mark.parametrize("rule", ["stdp", "rstdp", "triplet", "bcm"])
def test_resumed_in_the_step_of_a_pair_is_uninterrupted(rule: str) -> None:
    """Looks, cuts and a saved state between an arrival with a spike of the target and the next arrival."""
    nets = [
        network({"rule": rule, **WIDE}, [(0, 1)], {0: [4, 30], 1: [2, 5, 9]}, n_neurons=2) for _ in range(3)
    ]
    nets[0].sim.run(60)
    for _ in range(60):
        nets[1].sim.run(1)
        _ = nets[1].weight[0]
    nets[2].sim.run(5)
    again = Simulation.from_dict(nets[2].sim.to_dict())
    again.run(55)
    digests = {sim.digest() for sim in (nets[0].sim, nets[1].sim, again)}
    assert len(digests) == 1


def test_a_state_saved_before_the_parameter_was_there_counts_arrivals_first() -> None:
    net = network({"rule": "stdp", **WIDE}, [(0, 1)], {0: [4], 1: [5]}, n_neurons=2, weight=0.0)
    again = Simulation.from_dict(as_version_1(net.sim.to_dict()))
    assert again.projections["P"].rule_params["coincident"] == "pre_first"
    again.run(10)
    assert again.projections["P"].weight[0] == np.float32(0.01)


def test_a_state_of_version_1_goes_on_within_its_bounds() -> None:
    """The signal changes its sign before and after the state is saved; each half alone would leave the bounds."""

    def start() -> Simulation:
        system = NeuromodulationSystem()
        system.dopamine.state.decay_rate = 0.0
        rule = {
            "rule": "rstdp",
            "coincident": "pre_first",
            "learning_rate": 0.05,
            "tau_c": 1e3,
            "weight_max": 0.6,
        }
        trains = {0: [4, 100], 1: [7]}
        return network(rule, [(0, 1)], trains, n_neurons=2, weight=0.55, neuromodulation=system).sim

    def go(sim: Simulation, *parts: tuple[int, float]) -> None:
        for steps, level in parts:
            sim.neuromodulation.dopamine.state.level = level
            sim.run(steps)

    whole, cut = start(), start()
    go(whole, (20, 1.0), (10, 0.0), (10, 1.0))
    go(cut, (20, 1.0), (10, 0.0), (10, 1.0))
    state = as_version_1(cut.to_dict())
    shown = state["model"]["state"]["projections"][0]["columns"]["weight"]["values"]
    shown[0] += 1e-3  # as it was rounded, and bounded, then
    again = Simulation.from_dict(state)
    for sim in (whole, again):
        go(sim, (20, 0.2), (60, 0.9))
    assert again.projections["P"].weight[0] == whole.projections["P"].weight[0]
    assert again.projections["P"].eligibility[0] == whole.projections["P"].eligibility[0] > 0.0


def as_version_1(state: Any) -> Any:
    """Without what was added since, out of all mappings in the state."""
    if isinstance(state, dict):
        state |= {"format": 1} if "format" in state else {}
        for key in ("version", "sha256", "coincident", "turn", "n_turns", "sign", "late"):
            state.pop(key, None)
    for value in state.values() if isinstance(state, dict) else state if isinstance(state, list) else ():
        as_version_1(value)
    return state
