"""Rounding to the nearest float32: no random word acts, in any kind of event, and small changes are lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plastic_network import network
from test_small_changes import N, slow

from neuromod import ConfigError, NeuromodulationSystem, Simulation
from neuromod._core import plasticity_rules

RULES = sorted(
    {*plasticity_rules()} - {"clopath"}
)  # clopath learns from potentials, which sources do not have
PARTS = {"weight_decay": 1e-4, "homeostatic": {"target_rate": 5.0, "every": 50.0, "tau": 200.0}}


def taught(rule: str, rounding: str, seed: int, **options: Any) -> Simulation:
    """60 steps of spikes onto and from each of 20 targets, with decay and scaling of the weights."""
    still = {"sigma": 0.0} if "sigma" in plasticity_rules()[rule]["params"] else {}
    parts = PARTS if options.get("synapse_type") != "inhibitory" else {"weight_decay": 1e-4}
    section = {"rule": rule, "rounding": rounding, "weight_max": 2.0, **still, **parts}
    trains = {i: [3 + i % 7, 20 + i % 11, 43] for i in range(20)} | {
        20 + i: [6, 21 + i % 5, 50] for i in range(20)
    }
    edges = [(i, 20 + j) for i in range(20) for j in range(20)]
    system = NeuromodulationSystem()
    named = {"weight": 0.6, "seed": seed, "neuromodulation": system, **options}
    return network(section, edges, trains, n_neurons=40, **named).sim


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["excitatory", "inhibitory"])
def test_rounding_to_the_nearest_draws_nothing(rule: str, kind: str) -> None:
    def columns(rounding: str, seed: int) -> list[Any]:
        sim = taught(rule, rounding, seed, synapse_type=kind)
        sim.neuromodulation.process_reward(1.0)
        sim.run(120)
        p = sim.projections["P"]
        return [p.weight.copy(), *(np.array(p.state(name)) for name in plasticity_rules()[rule]["state"])]

    nearest = [columns("nearest", seed) for seed in (1, 2)]
    unbiased = [columns("unbiased", seed) for seed in (1, 2)]
    for one, other in zip(*nearest, strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(np.any(one != other) for one, other in zip(*unbiased, strict=True)), "no rounding took place"
    for one, other in zip(nearest[0], unbiased[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("rule", "roundings"), [("stdp", 1), ("stdp_nearest", 500)])
def test_decay_to_the_nearest_is_that_of_float32(rule: str, roundings: int) -> None:
    """A lazy rule rounds once, when the weight is read; another one in each step."""
    section = {"rule": rule, "weight_decay": 1e-3, "rounding": "nearest"}
    net = network(section, [(i, N) for i in range(N)], {}, n_neurons=N + 1, weight=0.6)
    net.sim.run(500)
    weight = np.float32(0.6)
    for _ in range(roundings):
        weight = np.float32(float(weight) * (1.0 - 1e-3) ** (500 // roundings))
    np.testing.assert_array_equal(net.weight, weight)


def test_changes_below_half_the_spacing_are_lost() -> None:
    rule = {"rule": "stdp", "a_plus": 1e-8, "a_minus": 0.0, "tau_plus": 2.0, "weight_max": 10.0}
    lost, kept = slow({**rule, "rounding": "nearest"}, 1000), slow(rule, 1000)
    for sim in (lost, kept):
        sim.run(1000)
    np.testing.assert_array_equal(lost.projections["P"].weight, np.float32(1.0))
    assert kept.projections["P"].weight.mean(dtype=np.float64) > 1.0


def test_rounding_is_saved_and_may_change_during_a_run() -> None:
    sim, whole = (taught("rstdp", "unbiased", 1) for _ in range(2))
    assert sim.projections["P"].rounding == "unbiased"
    sim.run(20)
    sim.projections["P"].rounding = "nearest"
    again = Simulation.from_dict(sim.to_dict())
    assert again.projections["P"].rounding == "nearest"
    whole.run(20)
    whole.projections["P"].rounding = "nearest"
    for each in (sim, again, whole):
        each.run(80)
    assert sim.digest() == again.digest() == whole.digest()


def test_an_unknown_rounding_is_refused_and_changes_nothing() -> None:
    sim = taught("stdp", "nearest", 1)
    with pytest.raises(ConfigError, match="rounding"):
        sim.projections["P"].rounding = "up"
    assert sim.projections["P"].rounding == "nearest"
    with pytest.raises(ConfigError, match="rounding"):
        taught("stdp", "stochastic", 1)
