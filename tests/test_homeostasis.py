"""Homeostatic scaling: its factor against the sum over all spikes, pair rules included, and rates that go home."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from oracle_homeostasis import factor
from oracle_plasticity import RULES, Learning
from plastic_network import network, random_network

from neuromod import BrainModel, NeuromodulationSystem, Simulation, _core
from neuromod.config import check_rule, load
from neuromod.errors import ConfigError, NeuromodWarning

PART = {"target_rate": 200.0, "tau": 60.0, "strength": 0.2, "every": 20.0}
WIDE = {"weight_min": -10.0, "weight_max": 10.0}
STILL = {"a_plus": 0.0, "a_minus": 0.0}


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize(
    "rule", [{"rule": "stdp", **STILL}, {"rule": "hebbian", "learning_rate": 0.0}, {"rule": "rstdp"}]
)
def test_weights_that_do_not_learn_are_multiplied_by_the_factors(rule: dict[str, Any], dt: float) -> None:
    net = random_network({**rule, **WIDE, "homeostatic": PART}, 1, 210, dt=dt)
    before = net.weight.astype(float)
    net.sim.run(210)
    every = round(20.0 / dt)
    exact = before.copy()
    for k, synapse in enumerate(net.synapses):
        for step in range(every, 211, every):
            exact[k] *= factor(net.spikes[synapse.post], step, PART, dt)
    np.testing.assert_allclose(net.weight, exact, rtol=2e-6)
    assert np.abs(exact / before - 1.0).max() > 0.1
    assert net.sim.projections["P"].homeostatic == PART


def test_a_pair_rule_is_brought_up_to_date_first() -> None:
    """STDP until the scaling, one factor, STDP on: against the oracle of the rule on both sides of it."""
    part = {**PART, "every": 70.0}
    net = random_network({"rule": "stdp", **WIDE, "homeostatic": part}, 3, 130)
    twin = random_network({"rule": "stdp", **WIDE}, 3, 130)
    for each in (net, twin):
        each.sim.run(69)
    assert net.weight.tobytes() == twin.weight.tobytes()
    for each in (net, twin):
        each.sim.run(1)
    factors = [factor(twin.spikes[s.post], 70, part, 1.0) for s in twin.synapses]
    scaled = np.where(twin.weight > 0.0, twin.weight * np.array(factors), twin.weight)
    np.testing.assert_allclose(net.weight, scaled, rtol=1e-6)
    assert np.abs(net.weight / twin.weight - 1.0).max() > 0.01
    # from here on both learn the same, however late the synapses are visited: spikes are counted once
    net.sim.run(60)
    twin.sim.run(60)
    params = {"learning_rate": 1.0, "a_plus": 0.01, "a_minus": 0.012, "tau_plus": 20.0, "tau_minus": 20.0,
              "coincident": "half"}  # fmt: skip
    late = twin.expected(130, Learning(RULES["stdp"], params, **WIDE))
    np.testing.assert_allclose(
        net.weight - scaled, late - twin.expected(70, Learning(RULES["stdp"], params, **WIDE)), atol=2e-6
    )


def test_what_is_bounded_and_what_is_left_alone() -> None:
    """Bounds hold; weights at or below 0 stay; the ratio of the others does; inhibitory projections have none."""
    trains = {0: [5], 1: []}  # a silent target: everything grows by half, and again
    part = {"target_rate": 10.0, "tau": 1000.0, "strength": 0.5, "every": 10.0}
    rule = {"rule": "stdp", **STILL, "weight_min": -2.0, "weight_max": 1.0, "homeostatic": part}
    net = network(rule, [(0, 1)] * 4, trains, n_neurons=2, weight=[-1.0, 0.0, 0.01, 0.5])
    net.sim.run(2000)
    assert net.weight.tolist() == [-1.0, 0.0, 1.0, 1.0]
    net = network(rule, [(0, 1)] * 2, trains, n_neurons=2, weight=[0.01, 0.02])
    net.sim.run(100)
    assert net.weight[1] == pytest.approx(2.0 * net.weight[0], rel=1e-6)
    assert net.weight[0] > 0.01
    net = network(rule, [(0, 1)], trains, n_neurons=2, weight=[0.5], synapse_type="inhibitory")
    assert net.sim.projections["P"].homeostatic is None
    net.sim.run(100)
    assert net.weight[0] == 0.5


def learning_network(seed: int, part: dict[str, Any] | None, rule: str = "stdp", n: int = 60) -> Simulation:
    """Poisson sources onto lif neurons, of which half are starved and half are overdriven."""
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "S", "coord_ranges": {**line, "x": [0, 79]}, "model": "poisson", "params": {"rate": 20.0}},
        {"name": "T", "coord_ranges": {**line, "x": [80, 79 + n]}, "drive": {"rate": 500.0, "weight": 0.5}},
    ]
    still = STILL if rule == "stdp" else {}
    section = {"rule": rule, **still, "weight_max": 20.0, **({} if part is None else {"homeostatic": part})}
    sim = Simulation(
        BrainModel(config={"lattice_shape": [80 + n, 1, 1, 1], "areas": areas, "plasticity": section}),
        seed=seed,
    )
    sim.initialize_neurons()
    sim.connect(
        "S", "T", probability=0.5, weight={"uniform": [0.1, 1.0]}, synapse_type="excitatory", name="P"
    )
    return sim


def test_rates_go_to_the_target() -> None:
    """From 3 to 19 Hz by neuron to 8 Hz, on average within 3 % and for every neuron within 1 Hz."""
    part = {"target_rate": 8.0, "tau": 3000.0, "strength": 0.03, "every": 500.0}
    sim = learning_network(2, part)
    first = sim.run(2000)["spike_counts"][80:] / 2.0
    assert first.min() < 4.0
    assert first.max() > 15.0
    sim.run(118_000)
    last = sim.run(20_000)["spike_counts"][80:] / 20.0
    assert last.mean() == pytest.approx(8.0, rel=0.03)
    assert np.abs(last - 8.0).max() < 1.0
    control = learning_network(2, None)
    control.run(120_000)
    assert abs((control.run(20_000)["spike_counts"][80:] / 20.0).mean() - 8.0) > 2.0


@pytest.mark.parametrize("rule", ["stdp", "triplet", "rstdp"])
def test_same_bits_for_any_number_of_threads_and_any_cut_of_the_run(rule: str) -> None:
    """9,000 targets, in more than one part."""
    assert _core.partitions(9080)[0] > 1
    part = {"target_rate": 8.0, "tau": 300.0, "strength": 0.1, "every": 50.0}
    digests = set()
    for threads, cuts in ((1, [120]), (2, [50, 70]), (3, [1, 49, 70])):
        sim = learning_network(4, part, rule, n=9000)
        sim._session.threads = threads
        for n_steps in cuts:
            sim.run(n_steps)
        digests.add(sim.digest())
    assert len(digests) == 1


def test_state_goes_through_json_and_changes_of_the_network() -> None:
    sim = learning_network(5, {"target_rate": 8.0, "tau": 300.0, "strength": 0.1, "every": 50.0})
    sim.run(130)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    for each in (sim, again):
        each.run(130)
    assert again.digest() == sim.digest()
    # another projection elsewhere: averages are carried over
    ids = again.model.neurons.id
    again.connect(ids[:2], ids[:2], pairs=[(0, 1)], weight=0.0, rule="none", synapse_type="excitatory")
    for each in (sim, again):
        each.run(130)
    assert again.projections["P"].weight.tobytes() == sim.projections["P"].weight.tobytes()


def test_dopamine_does_not_change_it() -> None:
    weights = []
    for level in (0.1, 0.9):
        system = NeuromodulationSystem()
        net = random_network(
            {"rule": "stdp", **STILL, **WIDE, "homeostatic": PART}, 6, 100, neuromodulation=system
        )
        system.dopamine.state.level = level
        net.sim.run(100)
        weights.append(net.weight.tobytes())
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"target_rate": 0},
            r"homeostatic\.target_rate: must be > 0, in Hz; got 0|homeostatic\.target_rate: must be > 0 Hz; got 0",
        ),
        ({"strength": 2}, r"homeostatic\.strength: must be <= 1; got 2"),
        ({"every": -1}, r"homeostatic\.every: must be > 0 ms; got -1"),
        ([], r"homeostatic: must be an object; got \[\]"),
    ],
)
def test_bad_values_are_refused_with_their_path(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_rule({"rule": "stdp", "homeostatic": given})


def test_what_the_sections_say() -> None:
    config = {
        "lattice_shape": [1, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": {axis: [0, 0] for axis in "xyzw"}}],
    }

    def said(section: dict[str, Any]) -> list[str]:
        with pytest.warns(NeuromodWarning) as caught:
            load({**config, "plasticity": section})
        return [str(w.message) for w in caught]

    for part in ("homeostatic", "metaplasticity"):
        assert load({**config, "plasticity": {"rule": "stdp", part: {"enabled": False, "x": 1}}})
        assert load({**config, "plasticity": {"rule": "bcm", part: {"enabled": True}}})
    assert said({"rule": "none", "homeostatic": {}}) == [
        "plasticity.homeostatic: not acted on; the rule is 'none'"
    ]
    assert said({"rule": "stdp", "metaplasticity": {"enabled": True}}) == [
        "plasticity.metaplasticity: not acted on; the rule 'bcm' has a sliding threshold"
    ]
    given = {
        "rule": "stdp",
        "homeostatic": {"target_rate": 4.0, "time_window": 500, "scaling_rate": 0.02, "z": 0},
    }
    assert said(given) == [
        "plasticity.homeostatic.time_window: read as tau",
        "plasticity.homeostatic.scaling_rate: read as strength",
        "plasticity.homeostatic: not acted on: z",
    ]
    with pytest.warns(NeuromodWarning):
        part = load({**config, "plasticity": given})[1].plasticity.homeostatic
    assert part == {"target_rate": 4.0, "tau": 500.0, "strength": 0.02, "every": 1000.0}


def test_copies_and_replicas_go_on_with_it() -> None:
    """Together with short-term plasticity; a copy, and replicas with their own bits and no more."""
    part = {"target_rate": 8.0, "tau": 300.0, "strength": 0.1, "every": 50.0}
    sim = learning_network(6, part)
    sim.connect(
        "S",
        "T",
        probability=0.2,
        weight=1.0,
        short_term=True,
        rule="stdp",
        synapse_type="excitatory",
        name="Q",
    )
    assert sim.projections["Q"].homeostatic is not None
    sim.run(130)
    twin = sim.copy()
    assert twin.digest() == sim.digest()
    group = sim.replicas(2, seeds=[sim.seed, 99])
    for each in (sim, twin, group):
        each.run(130)
    assert twin.digest() == sim.digest() == group[0].digest()
    assert group[1].digest() != sim.digest()
    assert group[1].projections["Q"].short_term == sim.projections["Q"].short_term
