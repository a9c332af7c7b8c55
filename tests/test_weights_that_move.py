"""Weights that move between events, by a rule with `advance`: current wherever they are read, saved or transmitted, and
none the worse for a reading. By the rule of Graupner & Brunel, with noise, under dopamine and short-term plasticity."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle_graupner_brunel import drifted
from plastic_network import network

from neuromod import BrainModel, Simulation, create_neuromodulation_system

pytestmark = pytest.mark.long

# Moves within 100 ms.
FAST = {"tau": 4100.0, "gamma_d": 20.0, "gamma_p": 30.0, "sigma": 0.5}
STEPS = 160


def rule_of(**params: Any) -> dict[str, Any]:
    return {"rule": "graupner_brunel", **params}


def brain(threads: int = 1, rule: dict[str, Any] | None = None, seed: int = 4) -> Simulation:
    """4,400 driven neurons in two parts, under dopamine that decays; learnt weights drive them in turn."""
    n = 4400
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    config = {
        "lattice_shape": [n, 1, 1, 1],
        "areas": [
            {"name": "A", "coord_ranges": {**line, "x": [0, 2999]}},
            {"name": "B", "coord_ranges": {**line, "x": [3000, n - 1]}},
        ],
        "neuron_model": {
            "type": "lif",
            "params_default": {"v_rest": 0.0, "v_reset": 0.0, "v_threshold": 15.0},
        },
        "background_drive": {"rate": 700.0, "weight": 2.0},
        "plasticity": {"rule": "none"},
    }
    system = create_neuromodulation_system({"dopamine": {"tau": 60.0}})
    sim = Simulation(BrainModel(config=config), seed=seed, neuromodulation=system, dt=0.5, threads=threads)
    sim.initialize_neurons()
    learns = rule_of(**(FAST | {"weight_max": 2.0})) if rule is None else rule
    sim.connect("A", ["A", "B"], in_degree=5, weight=0.5, delay={"uniform": [2, 9]}, rule=learns, name="P")
    sim.connect(
        "B", "A", in_degree=4, weight=-0.5, delay=3, synapse_type="inhibitory",
        rule=rule_of(**(FAST | {"delay_ca": 2.0})), short_term={"U": 0.4, "tau_rec": 40.0}, name="Q",
    )  # fmt: skip
    system.process_reward(0.9)
    return sim


def bits(sim: Simulation) -> tuple[bytes, ...]:
    columns = [sim.projections[name].weight.tobytes() for name in "PQ"]
    return (*columns, *(sim.projections["P"].state(k).tobytes() for k in ("rho", "c", "factor_p")))


@pytest.fixture(scope="module")
def plain() -> tuple[str, tuple[bytes, ...]]:
    sim = brain()
    sim.run(STEPS, progress=False)
    assert sim.model.neurons.spike_count.sum() > 3000
    assert np.ptp(sim.projections["P"].weight) > 1.0
    return sim.digest(), bits(sim)


@pytest.mark.parametrize("threads", [2, 3, 4, 6])
def test_any_number_of_threads_gives_the_same_bits(threads: int, plain: Any) -> None:
    sim = brain(threads)
    sim.run(STEPS, progress=False)
    assert (sim.digest(), bits(sim)) == plain


@pytest.mark.parametrize("cut", [1, 7, 80])
def test_any_cut_of_the_run_gives_the_same_bits(cut: int, plain: Any) -> None:
    sim = brain()
    while sim.current_step < STEPS:
        sim.run(min(cut, STEPS - sim.current_step), progress=False)
    assert (sim.digest(), bits(sim)) == plain


LOOKS: dict[str, Callable[[Simulation], object]] = {
    "weights": lambda sim: sim.projections["P"].weight,
    "all weights": lambda sim: sim.model.synapses.weight,
    "one weight": lambda sim: sim.projections["P"].weight_of(7),
    "a view": lambda sim: sim.model.synapses[9].weight,
    "state": lambda sim: sim.projections["P"].state("rho"),
    "digest": lambda sim: sim.digest(),
    "to_dict": lambda sim: sim.to_dict() if sim.current_step % 40 == 0 else None,
    "copy": lambda sim: sim.copy() if sim.current_step % 20 == 0 else None,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_in_every_step_leaves_no_trace(look: Callable[[Simulation], object], plain: Any) -> None:
    sim = brain()
    look(sim)
    for _ in range(STEPS):
        sim.run(1, progress=False)
        look(sim)
    assert (sim.digest(), bits(sim)) == plain


def test_a_look_from_a_progress_callback_leaves_no_trace(plain: Any) -> None:
    sim, seen = brain(), []

    def report(*_: object) -> None:
        seen.append(float(sim.projections["P"].weight.mean()))

    sim.run(STEPS, progress=report)
    assert seen
    assert (sim.digest(), bits(sim)) == plain


def test_all_ways_to_look_see_the_same() -> None:
    sim = brain()
    for _ in range(3):
        sim.run(37, progress=False)
        p, q = sim.projections["P"], sim.projections["Q"]
        column = sim.model.synapses.weight
        assert np.array_equal(column, np.concatenate([p.weight, q.weight]))
        for k in (0, 5, 4000, len(p) - 1):
            assert p.weight_of(k) == p.weight[k] == sim.model.synapses[k].weight
        rho = p.state("rho").astype(np.float64)
        assert p.weight == pytest.approx(np.clip(2.0 * rho, 0.0, 2.0), abs=2e-7)
        assert q.weight[0] <= 0.0


def test_a_reading_is_what_the_next_event_finds() -> None:
    """With noise, long after calcium has fallen below the thresholds and in the middle of it."""
    for gap in (3, 200):
        read, ran = (
            network(rule_of(**FAST), [(0, 1)] * 50, {1: [10, 10 + gap]}, n_neurons=2, weight=0.5)
            for _ in "ab"
        )
        read.sim.run(10 + gap - 1)
        ran.sim.run(10 + gap)
        before, after = (net.sim.projections["P"].state("rho") for net in (read, ran))
        assert np.abs(after - before).max() < 0.05  # one ms later
        read.sim.run(1)
        assert np.array_equal(read.sim.projections["P"].state("rho"), after)
        raw = ran.sim._engine.state()["events"]["P"]["columns"]
        assert (raw["last_event"] == 10 + gap).all()
        assert np.array_equal(raw["rho"], after)


def test_replicas_and_copies_give_the_same_bits(plain: Any) -> None:
    sim = brain()
    sim.run(60, progress=False)
    replicas = sim.replicas(2, seeds=[4, 5])
    copy = sim.copy()
    replicas.run(STEPS - 60, threads=2, progress=False)
    copy.run(STEPS - 60, progress=False)
    assert (copy.digest(), bits(copy)) == (replicas[0].digest(), bits(replicas[0])) == plain
    assert bits(replicas[1]) != plain[1]


def test_a_saved_state_goes_on_with_the_same_bits(plain: Any) -> None:
    sim = brain()
    sim.run(60, progress=False)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    again.run(STEPS - 60, progress=False)
    assert (again.digest(), bits(again)) == plain


def test_a_model_that_is_saved_alone_has_the_weights_of_its_moment() -> None:
    """And goes on from them in another simulation, whose clock starts at 0."""
    sim = brain()
    sim.run(90, progress=False)
    model = BrainModel.from_dict(json.loads(json.dumps(sim.model.to_dict())))
    other = Simulation(model, seed=1, dt=0.5)
    assert np.array_equal(other.projections["P"].weight, sim.projections["P"].weight)
    assert np.array_equal(other.projections["P"].state("c"), sim.projections["P"].state("c"))
    other.run(1)
    assert np.abs(other.projections["P"].weight - sim.projections["P"].weight).max() < 0.2


def test_another_projection_changes_no_bit_whenever_it_is_made(plain: Any) -> None:
    sim = brain()
    sim.connect("B", "B", in_degree=2, weight=0.0, rule="none", name="before")
    sim.run(50, progress=False)
    sim.connect("A", "B", in_degree=2, weight=0.0, rule=rule_of(weight_max=0.0), name="later")
    sim.run(STEPS - 50, progress=False)
    assert bits(sim) == plain[1]


def test_a_removed_neuron_takes_its_synapses_along_and_the_others_go_on() -> None:
    net = network(rule_of(tau=2000.0), [(0, 2), (1, 2)], {1: [40]}, n_neurons=3, weight=[0.3, 0.8])
    rest = network(rule_of(tau=2000.0), [(0, 1)], {0: [40]}, n_neurons=2, weight=[0.8])
    net.sim.run(30)
    net.sim.model.remove_neuron(0)
    net.sim.run(1000)
    rest.sim.run(1030)
    assert len(net.weight) == 1
    assert net.weight[0] == pytest.approx(rest.weight[0], abs=3e-7)
    assert net.weight[0] > 0.81


# ---- written, transmitted, scaled -------------------------------------------------------------------------------


@pytest.mark.parametrize("short_term", [None, {"U": 1.0, "tau_rec": 5.0}], ids=["static", "short_term"])
def test_the_transmitted_weight_is_that_of_the_arrival(short_term: dict[str, float] | None) -> None:
    """The target's spike of step 1 still potentiates at 12 ms and drifts for another second; the next event of the
    synapse is the arrival that delivers it, and the one after that comes 80 s later. With U = 1 the first
    spike uses all of the weight."""
    config = {
        "lattice_shape": [2, 1, 1, 1],
        "areas": [
            {"name": name, "coord_ranges": {"x": [x, x], "y": [0, 0], "z": [0, 0], "w": [0, 0]}, "model": model,
             "params": params}
            for x, name, model, params in (
                (0, "S", "spike_source", {}),
                (1, "T", "lif", {"tau_m": 1e12, "v_rest": 0.0, "v_reset": -9.0, "v_threshold": 20.0}),
            )
        ],
    }  # fmt: skip
    rule = rule_of(**(FAST | {"weight_min": 0.0, "weight_max": 2.0}))
    for arrival in (12, 1000, 80_000):
        sim = Simulation(BrainModel(config=config), seed=1)
        ids = sim.initialize_neurons()
        projection = sim.connect(
            "S", "T", pairs=[ids], weight=0.5, rule=rule, synapse_type="excitatory", short_term=short_term
        )
        sim.model.neurons[1].v_membrane = 30.0
        sim.set_spike_times(ids[:1], [[arrival - 1.0]])
        sim.run(arrival - 1)
        assert sim.model.neurons.spike_count[1] == 1
        before = sim.model.neurons.v_membrane[1]
        sim.run(1)
        weight = projection.weight[0]
        assert abs(weight - 0.5) > 0.01
        assert sim.model.neurons.v_membrane[1] - before == pytest.approx(weight, abs=1e-6)


def test_a_weight_that_is_set_is_where_rho_goes_on_from() -> None:
    net = network(rule_of(tau=2000.0), [(0, 1)] * 3, {}, n_neurons=2, weight=[0.1, 0.2, 0.9])
    net.sim.run(700)
    net.sim.projections["P"].weight[1] = 0.7
    net.sim.run(800)
    expected = [drifted(0.1, 1500.0, 2000.0), drifted(0.7, 800.0, 2000.0), drifted(0.9, 1500.0, 2000.0)]
    assert net.weight == pytest.approx(np.array(expected), abs=3e-7)
    assert net.sim.projections["P"].state("rho") == pytest.approx(np.array(expected), abs=3e-7)


def test_homeostatic_scaling_finds_weights_that_are_current() -> None:
    """Scaled by a silent target's 1 + strength after 1 s, of drift all along; and drifting on from there."""
    rule = rule_of(tau=2000.0, homeostatic={"target_rate": 5.0, "tau": 1e9, "strength": 0.1, "every": 1000.0})
    net = network(rule, [(0, 1)], {}, n_neurons=2, weight=0.3)
    net.sim.run(1000)
    rate = net.sim._engine.state()["rates"]["P"][1][1]
    scaled = drifted(0.3, 1000.0, 2000.0) * (1.0 + 0.1 * (5.0 - rate) / 5.0)
    assert net.weight[0] == pytest.approx(scaled, abs=1e-6)
    net.sim.run(500)
    assert net.weight[0] == pytest.approx(drifted(scaled, 500.0, 2000.0), abs=1e-6)
