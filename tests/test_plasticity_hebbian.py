"""The Hebbian rule in simulations of exact spike trains: its definition, bounds, decay, modulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle_plasticity import RULES, Learning
from plastic_network import network, random_network

from neuromod import NeuromodulationSystem

WIDE = {"weight_min": -10.0, "weight_max": 10.0}


def learning(rule: dict[str, Any], **options: Any) -> Learning:
    """The oracle's view of a rule as `connect` takes it."""
    keys = ("weight_min", "weight_max", "weight_decay", "weight_dependence")
    common = {key: rule[key] for key in keys if key in rule}
    return Learning(
        RULES["hebbian"], {"learning_rate": rule.get("learning_rate", 0.01)}, exact=True, **common, **options
    )


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ([4], 0.51),  # fires as the spike of step 1 arrives, three steps later
        ([3], 0.495),  # fires a step before
        ([5], 0.495),  # a step after
        ([1], 0.495),  # together with the source, but before the arrival
        ([], 0.495),
        ([2, 3, 4, 5], 0.51),
    ],
)
def test_one_arrival(target: list[int], expected: float) -> None:
    net = network({"rule": "hebbian"}, [(0, 1)], {0: [1], 1: target}, n_neurons=2, delay=3)
    net.sim.run(3)
    assert net.weight[0] == 0.5
    net.sim.run(5)
    assert net.weight[0] == pytest.approx(expected, abs=6e-8)  # an ulp


def test_a_silent_source_changes_nothing() -> None:
    net = network({"rule": "hebbian"}, [(0, 1)], {1: list(range(1, 50))}, n_neurons=2, weight=0.3)
    before = net.weight.tobytes()
    net.sim.run(50)
    assert net.weight.tobytes() == before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "rule",
    [
        {**WIDE},
        {**WIDE, "learning_rate": 0.2},
        {"learning_rate": 0.05, "weight_min": 0.1, "weight_max": 0.7},
        {"learning_rate": 0.05, "weight_min": 0.1, "weight_max": 0.7, "weight_decay": 0.01},
        {"learning_rate": 0.2, "weight_max": 0.9, "weight_dependence": 1.0},
        {"learning_rate": 0.2, "weight_min": 0.1, "weight_dependence": 2.0, "weight_decay": 0.01},
    ],
    ids=["default", "strong", "bounded", "decaying", "soft", "softer and decaying"],
)
def test_random_networks_agree_with_the_definition(rule: dict[str, float], seed: int) -> None:
    dt = (1.0, 0.5)[seed % 2]
    net = random_network({"rule": "hebbian", **rule}, seed, 150, dt=dt)
    before = net.weight.copy()
    net.sim.run(150)
    decays = 150 if "weight_decay" in rule else 0
    expected = net.assert_rounding_apart(150, learning(rule, dt=dt), decays)
    assert np.abs(expected - before).max() > 0.02, "hardly anything was learnt: nothing was compared"


def test_weights_stop_at_their_bounds() -> None:
    """Synapse 0 -> 2 sees its target fire with every arrival, 1 -> 2 with none."""
    trains = {0: list(range(1, 100, 2)), 1: list(range(2, 101, 2)), 2: list(range(2, 101, 2))}
    rule = {"rule": "hebbian", "learning_rate": 0.05, "weight_min": 0.25, "weight_max": 0.75}
    net = network(rule, [(0, 2), (1, 2)], trains, n_neurons=3)
    net.sim.run(100)
    assert net.weight.tolist() == [0.75, 0.25]


def test_inhibitory_projection_learns_strengths() -> None:
    signs = np.where(np.arange(60) % 2, 1.0, -1.0)
    rule = {"learning_rate": 0.05, "weight_max": 0.9, "weight_decay": 0.005}
    net = random_network(
        {"rule": "hebbian", **rule},
        7,
        100,
        synapse_type="inhibitory",
        weight=signs * np.linspace(0.2, 0.8, 60),
    )
    net.sim.run(100)
    net.assert_rounding_apart(100, learning(rule, inhibitory=True))


def test_decay_goes_on_without_spikes_and_dopamine_leaves_it_alone() -> None:
    system = NeuromodulationSystem()
    system.dopamine.state.baseline = system.dopamine.state.level = 0.0
    rule = {"rule": "hebbian", "weight_decay": 0.1}
    net = network(rule, [(0, 1)], {}, n_neurons=2, neuromodulation=system)
    net.sim.run(10)
    assert net.weight[0] == pytest.approx(0.5 * 0.9**10, rel=1e-6)


def test_learning_follows_the_level_at_the_start_of_each_step() -> None:
    """After a reward dopamine decays from 0.9 to 0.5 by a tenth a step; a change in step k counts 2 L_k."""
    system = NeuromodulationSystem()
    net = random_network({"rule": "hebbian", **WIDE}, 8, 100, neuromodulation=system)
    system.process_reward(1.0, 0.0)
    net.sim.run(100)
    oracle = learning(WIDE, factor=lambda step, post: 2.0 * (0.5 + 0.4 * 0.9 ** (step - 1)))
    net.assert_rounding_apart(100, oracle)


def test_two_projections_learn_apart() -> None:
    """A second projection over the same pairs, static, keeps its weights."""
    net = network({"rule": "hebbian"}, [(0, 1)], {0: [1, 4], 1: [2]}, n_neurons=2)
    other = net.sim.connect([0], [1], pairs=[(0, 1)], weight=0.25, rule="none", name="S")
    net.sim.run(10)
    assert net.weight[0] == pytest.approx(0.505, abs=1.2e-7)  # two roundings
    assert other.weight.tolist() == [0.25]
