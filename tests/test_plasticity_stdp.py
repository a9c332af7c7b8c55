"""Pair-based STDP in simulations of exact spike trains: its closed form, the sum over pairs, bounds, modulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracle_plasticity import RULES, Learning
from plastic_network import PlasticNetwork, network, random_network

from neuromod import NeuromodulationSystem, _core

DEFAULTS = {name: field["default"] for name, field in _core.plasticity_rules()["stdp"]["params"].items()}
WIDE = {"weight_min": -10.0, "weight_max": 10.0}
STRONG = {"learning_rate": 1.5, "a_plus": 0.03, "a_minus": 0.05, "tau_plus": 7.0, "tau_minus": 11.0}


def learning(rule: dict[str, Any], **options: Any) -> Learning:
    """The oracle's view of a rule as `connect` takes it."""
    common = {
        key: rule[key]
        for key in ("weight_min", "weight_max", "weight_decay", "weight_dependence")
        if key in rule
    }
    params = DEFAULTS | {key: rule[key] for key in DEFAULTS if key in rule}
    return Learning(RULES["stdp"], params, exact=True, **common, **options)


def pair(source_step: int, target_step: int, delay: int, dt: float = 1.0, **rule: Any) -> float:
    """Weight change by one spike of the source and one of the target, float64."""
    net = network(
        {"rule": "stdp", **WIDE, **rule},
        [(0, 1)],
        {0: [source_step], 1: [target_step]},
        n_neurons=2,
        weight=0.0,
        delay=delay,
        dt=dt,
    )
    net.sim.run(60)
    return float(net.weight[0])


@pytest.mark.parametrize("dt", [1.0, 0.1, 2.5])
@pytest.mark.parametrize("delay", [1, 4])
@pytest.mark.parametrize("distance", [-30, -7, -1, 0, 1, 6, 25])
def test_one_pair_gives_the_published_window(distance: int, delay: int, dt: float) -> None:
    """dw = A+ exp(-s/tau+) for s > 0, -A- exp(s/tau-) for s < 0, half of both at 0; s from the arrival to the spike."""
    arrival = 33
    dw = pair(arrival - delay, arrival + distance, delay, dt, tau_plus=16.8, tau_minus=33.7)
    time = distance * dt
    exact = 0.01 * math.exp(-time / 16.8) if time > 0 else -0.012 * math.exp(time / 33.7)
    assert dw == pytest.approx((0.01 - 0.012) / 2.0 if time == 0 else exact, rel=3e-7)


@pytest.mark.parametrize(("coincident", "exact"), [("half", -0.001), ("pre_first", 0.01), ("none", 0.0)])
def test_a_pair_in_one_step_counts_as_coincident_says(coincident: str, exact: float) -> None:
    assert pair(30, 34, 4, coincident=coincident) == pytest.approx(exact, rel=3e-7)


def test_learning_rate_multiplies_both_sides() -> None:
    for target in (10, 20):
        once, thrice = (pair(14, target, 1, learning_rate=rate) for rate in (1.0, 3.0))
        assert once != 0.0
        assert thrice == pytest.approx(3.0 * once, rel=1e-7)


def test_every_spike_pairs_with_every_other() -> None:
    """Three arrivals, then two target spikes, 5 ms apart each: a sum of six exponentials; nearest-neighbour pairing
    would give two."""
    net = network(
        {"rule": "stdp", **WIDE}, [(0, 1)], {0: [9, 14, 19], 1: [25, 30]}, n_neurons=2, weight=0.0, delay=1
    )
    net.sim.run(40)
    exact = 0.01 * sum(math.exp(-(t - s) / 20.0) for t in (25, 30) for s in (10, 15, 20))
    assert net.weight[0] == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "rule",
    [
        {**WIDE},
        {**WIDE, **STRONG},
        {**STRONG, "weight_min": 0.1, "weight_max": 0.7},
        {**STRONG, "weight_min": 0.1, "weight_max": 0.7, "weight_decay": 0.01},
        {"a_plus": -0.01, "a_minus": -0.02},
        {**STRONG, "weight_min": 0.1, "weight_max": 0.7, "coincident": "pre_first"},
        {**STRONG, "coincident": "none", "weight_dependence": 1.0},
        {**STRONG, "weight_max": 0.9, "weight_dependence": 1.0},
        {**STRONG, "weight_min": 0.1, "weight_dependence": 2.0, "weight_decay": 0.01},
    ],
    ids=[
        "default",
        "strong",
        "bounded",
        "decaying",
        "anti-Hebbian",
        "arrivals first",
        "none",
        "soft",
        "softer and decaying",
    ],
)
def test_random_networks_agree_with_the_sum_over_pairs(rule: dict[str, Any], seed: int) -> None:
    dt = (1.0, 0.5)[seed % 2]
    net = random_network({"rule": "stdp", **rule}, seed, 150, dt=dt)
    before = net.weight.copy()
    net.sim.run(150)
    expected = net.assert_rounding_apart(150, learning(rule, dt=dt))
    assert np.abs(expected - before).max() > 0.02, "hardly anything was learnt: nothing was compared"


def test_constant_delay_of_any_length_agrees_too() -> None:
    for delay in (1, 3, 20):
        net = random_network({"rule": "stdp", **WIDE}, 40, 120, delay=delay)
        net.sim.run(120)
        net.assert_rounding_apart(120, learning(WIDE))


def test_soft_bounds_of_an_inhibitory_projection_are_those_of_its_strengths() -> None:
    signs = np.where(np.arange(60) % 2, 1.0, -1.0)
    rule = {**STRONG, "weight_min": -5.0, "weight_max": 0.9, "weight_dependence": 1.0}  # below 0 counts as 0
    weight = signs * np.linspace(0.2, 0.8, 60)
    net = random_network({"rule": "stdp", **rule}, 7, 100, synapse_type="inhibitory", weight=weight)
    given = np.sign(net.weight)
    net.sim.run(100)
    net.assert_rounding_apart(100, learning(rule, inhibitory=True))
    assert np.array_equal(np.sign(net.weight), given)


def test_soft_bounds_are_never_crossed_and_hold_what_lies_on_them() -> None:
    """All growth at the upper bound and all loss at the lower one is scaled by 0."""
    rule = {"rule": "stdp", **STRONG, "weight_dependence": 1.0}
    trains = {0: [10], 1: [12], 2: [8]}
    net = network(rule, [(0, 1), (0, 2)], trains, n_neurons=3, weight=[1.0, 0.0])
    net.sim.run(20)
    assert net.weight.tolist() == [1.0, 0.0]


def test_inhibitory_projection_learns_strengths() -> None:
    signs = np.where(np.arange(60) % 2, 1.0, -1.0)
    rule = {**STRONG, "weight_max": 0.9}
    net = random_network(
        {"rule": "stdp", **rule}, 7, 100, synapse_type="inhibitory", weight=signs * np.linspace(0.2, 0.8, 60)
    )
    given = np.sign(net.weight.copy())
    assert set(given) == {-1.0, 1.0}
    net.sim.run(100)
    net.assert_rounding_apart(100, learning(rule, inhibitory=True))
    assert np.array_equal(np.copysign(1.0, net.weight), given)


def test_no_presynaptic_spikes_change_nothing() -> None:
    """And no rounding either: every weight keeps its bits."""
    trains = {i: list(range(1, 100, 3)) for i in range(10, 20)}
    pairs = [(i, j) for i in range(10) for j in range(10, 20)]
    weight = np.random.default_rng(0).uniform(0.0, 1.0, len(pairs))
    net = network({"rule": "stdp"}, pairs, trains, n_neurons=20, weight=weight)
    before = net.weight.tobytes()
    net.sim.run(100)
    assert net.weight.tobytes() == before


def test_presynaptic_spikes_alone_change_nothing() -> None:
    net = network({"rule": "stdp"}, [(0, 1)], {0: [1, 5, 9]}, n_neurons=2)
    net.sim.run(20)
    assert net.weight[0] == 0.5


def test_spikes_under_way_and_traces_survive_a_cut_of_the_run() -> None:
    """run(1) many times is run(n), to the bit: the ring of traces is read across the cuts."""
    a, b = (random_network({"rule": "stdp", **STRONG}, 3, 80) for _ in range(2))
    a.sim.run(80)
    for _ in range(80):
        b.sim.run(1)
    assert a.weight.tobytes() == b.weight.tobytes()


# ---- dopamine ------------------------------------------------------------------------------------------------


def dopamine(regions: tuple[str, ...] | None = None, **params: float) -> NeuromodulationSystem:
    system = NeuromodulationSystem(regions)
    for name, value in params.items():
        setattr(system.dopamine.state, name, value)
    return system


def test_learning_follows_the_level_at_the_start_of_each_step() -> None:
    """After a reward dopamine decays from 0.9 to 0.5 by a tenth a step; a change in step k counts 2 L_k."""
    system = dopamine()
    net = random_network({"rule": "stdp", **WIDE, **STRONG}, 8, 100, neuromodulation=system)
    system.process_reward(1.0, 0.0)
    net.sim.run(100)
    oracle = learning(WIDE | STRONG, factor=lambda step, post: 2.0 * (0.5 + 0.4 * 0.9 ** (step - 1)))
    net.assert_rounding_apart(100, oracle)


def test_no_dopamine_no_learning() -> None:
    net = random_network({"rule": "stdp"}, 9, 100, neuromodulation=dopamine(baseline=0.0, level=0.0))
    before = net.weight.tobytes()
    net.sim.run(100)
    assert net.weight.tobytes() == before


def test_level_set_between_steps_gates_the_next_one() -> None:
    system = dopamine(decay_rate=0.0)
    net = network(
        {"rule": "stdp", **WIDE}, [(0, 1)], {0: [1, 2, 3], 1: [2, 3, 4]}, n_neurons=2, neuromodulation=system
    )
    factor = {1: 0.2, 2: 1.0, 3: 0.0, 4: 0.7}
    for step in range(1, 5):
        system.dopamine.state.level = factor[step]
        net.sim.step()
    oracle = learning(WIDE, factor=lambda step, post: 2.0 * factor[step])
    net.assert_rounding_apart(4, oracle)


def two_regions(levels: tuple[float, float]) -> PlasticNetwork:
    system = dopamine(("R0", "R1"), decay_rate=0.0)
    net = random_network({"rule": "stdp", **WIDE, **STRONG}, 10, 100, regions=2, neuromodulation=system)
    system.level[:, system.names.index("dopamine")] = levels
    return net


def test_each_target_learns_by_its_own_region() -> None:
    """Neurons 0 .. 5 lie in region R0, 6 .. 11 in R1; what counts is the target's."""
    levels = (0.9, 0.25)
    net = two_regions(levels)
    net.sim.run(100)
    oracle = learning(WIDE | STRONG, factor=lambda step, post: 2.0 * levels[post >= 6])
    net.assert_rounding_apart(100, oracle)


def test_a_region_without_dopamine_does_not_learn_while_the_other_does() -> None:
    net = two_regions((0.0, 0.5))
    before = net.weight.copy()
    net.sim.run(100)
    still = np.array([synapse.post < 6 for synapse in net.synapses])
    assert 10 < still.sum() < 50
    assert np.array_equal(net.weight[still], before[still])
    assert (net.weight[~still] != before[~still]).all()
