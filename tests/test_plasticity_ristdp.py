"""Reward-modulated inhibitory plasticity: one pair in closed form, random networks against integration, and the rate
that it settles at while dopamine is up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracle_rules import ELIGIBLE, integrated
from plastic_network import PlasticNetwork, network, random_network, settled

from neuromod import NeuromodulationSystem, _core

TABLE = {name: field["default"] for name, field in _core.plasticity_rules()["ristdp"]["params"].items()}
WIDE = {"weight_min": 0.0, "weight_max": 10.0}
STEPS = 120


def one_pair(distance: int, level: float) -> PlasticNetwork:
    """An arrival in step 40 and a spike of the target `distance` steps later, under dopamine that stands still."""
    system = NeuromodulationSystem()
    system.dopamine.state.decay_rate, system.dopamine.state.level = 0.0, level
    return network(
        {"rule": "ristdp", **WIDE, "learning_rate": 0.01, "target_rate": 4.0, "tau_c": 60.0},
        [(0, 1)],
        {0: [39], 1: [40 + distance]},
        n_neurons=2,
        weight=-0.5,
        synapse_type="inhibitory",
        neuromodulation=system,
    )


@pytest.mark.parametrize("level", [0.9, 0.2])
@pytest.mark.parametrize("distance", [-30, -7, -1, 0, 1, 6, 25])
def test_one_pair_earns_what_its_trace_says(distance: int, level: float) -> None:
    """The trace gains a exp(-|s| / tau) at the later of the two and loses a 2 rho0 tau at the arrival; each jump of
    the trace at t earns rate g tau_c (1 - exp(-(T - t) / tau_c)) until T, with g = 2 (level - 0.5)."""
    net = one_pair(distance, level)
    net.sim.run(STEPS)
    jumps = [(40, -TABLE["a"] * 2.0 * 0.004 * TABLE["tau"])]
    jumps += [(max(40, 40 + distance), TABLE["a"] * math.exp(-abs(distance) / TABLE["tau"]))]
    g = 2.0 * (level - 0.5)
    earned = sum(jump * 0.01 * g * 60.0 * -math.expm1(-(STEPS - at) / 60.0) for at, jump in jumps)
    trace = sum(jump * math.exp(-(STEPS - at) / 60.0) for at, jump in jumps)
    assert -net.weight[0] == pytest.approx(0.5 + earned, rel=2e-7)
    assert net.sim.projections["P"].eligibility[0] == pytest.approx(trace, rel=2e-7)
    assert abs(earned) > 1e-3


def test_at_its_baseline_dopamine_teaches_nothing_and_the_trace_is_there() -> None:
    net = one_pair(0, 0.5)
    before = net.weight.tobytes()
    net.sim.run(STEPS)
    assert net.weight.tobytes() == before
    assert net.sim.projections["P"].eligibility[0] > 0.1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "rule",
    [
        {"learning_rate": 0.002, "target_rate": 120.0, "a": 0.5, "tau_c": 60.0, **WIDE},
        {
            "learning_rate": 0.004,
            "target_rate": 50.0,
            "tau": 9.0,
            "tau_c": 25.0,
            "weight_min": 0.2,
            "weight_max": 0.7,
        },
    ],
    ids=["both ways", "bounded"],
)
def test_reward_modulated_networks_agree_with_integration(rule: dict[str, float], seed: int) -> None:
    """Dopamine decays from 0.9 to its baseline of 0.5 by a tenth a step, twice."""
    system = NeuromodulationSystem()
    net = random_network(
        {"rule": "ristdp", **rule}, seed, 80, synapse_type="inhibitory", neuromodulation=system
    )
    before = np.abs(net.weight)
    for _ in range(2):
        system.process_reward(1.0, 0.0)
        start = system.dopamine.state.level
        net.sim.run(40)
    assert start > 0.8
    modulation = _core.modulators()["dopamine"]["params"]["learning_rate_modulation"]["default"]

    def signal(step: int) -> float:
        return modulation * (start - 0.5) * 0.9 ** ((step - 1) % 40)

    params = TABLE | {key: rule[key] for key in TABLE if key in rule}
    bounds = {"low": rule["weight_min"], "high": rule["weight_max"]}
    expected = np.array(
        [integrated(s, net.spikes, 80, ELIGIBLE["ristdp"], params, signal, **bounds) for s in net.synapses]
    )
    np.testing.assert_allclose(np.abs(net.weight), expected[:, 0], rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(net.sim.projections["P"].eligibility, expected[:, 1], rtol=1e-5, atol=1e-6)
    assert np.abs(expected[:, 0] - before).max() > 0.02
    if rule["target_rate"] == 120.0:
        assert (expected[:, 0] > before).any()
        assert (expected[:, 0] < before).any()


@pytest.mark.long
def test_reward_modulated_rate_settles_while_dopamine_is_up_and_not_at_its_baseline() -> None:
    rule = {"rule": "ristdp", "learning_rate": 1e-5, "tau_c": 200.0, "target_rate": 8.0, **WIDE}
    rates = []
    for baseline in (0.5, 0.8):
        system = NeuromodulationSystem()
        system.dopamine.state.decay_rate, system.dopamine.state.baseline = 0.0, baseline
        rates.append(settled(rule, system))
    assert rates[0][0] > 40.0
    assert rates[0][1] == pytest.approx(8.0, rel=0.03)
    assert rates[1][1] == pytest.approx(rates[1][0], rel=0.1), "no signal, no learning"
