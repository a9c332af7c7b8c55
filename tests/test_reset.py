"""`Simulation.reset`: a network reset in place goes on as a fresh one, to the bit."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import random_models
from grid import sheet

from neuromod import (
    BrainModel,
    NeuromodWarning,
    OUCurrent,
    RampCurrent,
    Simulation,
    SineCurrent,
    SpikeMonitor,
    StepCurrent,
    _core,
    create_neuromodulation_system,
)

SHORT = {"U": 0.5, "tau_rec": 100.0, "tau_facil": 10.0}
RULES = sorted(_core.plasticity_rules())
N = 24


def living(rule: Any = "rstdp", **how: Any) -> Simulation:
    """24 driven and noisy neurons under one rule, with short-term plasticity, homeostasis, modulators and sources."""
    area = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    model = "adex_clopath" if rule == "clopath" else "lif"
    areas = [
        {"name": "a", "model": model, "neuron_type": "excitatory", "coord_ranges": {**area, "x": [0, N - 1]},
         "drive": {"rate": 900.0, "weight": 2.0}},
        {"name": "s", "model": "spike_source", "neuron_type": "excitatory", "coord_ranges": {**area, "x": [N, N + 3]}},
    ]  # fmt: skip
    network = BrainModel(config={"lattice_shape": [N + 4, 1, 1, 1], "areas": areas})
    system = create_neuromodulation_system({"dopamine": {"tau": 50.0}})
    sim = Simulation(network, seed=5, neuromodulation=system)
    sim.initialize_neurons()
    full = {"rule": rule} if rule == "none" else {"rule": rule, "homeostatic": {"every": 20.0, "tau": 200.0}}
    about = {"weight": {"uniform": [0.1, 0.9]}, "delay": {"uniform": [1, 7]}, **how}
    sim.connect("a", "a", in_degree=8, multapses=False, rule=full, short_term=SHORT, name="p", **about)
    sim.connect("s", "a", in_degree=2, weight=0.7, rule="none", name="q")
    sim.set_spike_times(np.arange(N, N + 4), [[3.0, 70.0], [5.0], [], [120.0]])
    sim.model.neurons.v_membrane[:N] = np.linspace(-70.0, -60.0, N)
    system.process_reward(1.0, 0.2)
    return sim


# ---- a fresh network ------------------------------------------------------------------------------------------------


CURRENTS: dict[str, Callable[[Simulation], Any]] = {
    "step": lambda sim: StepCurrent(sim, "a", [5.0, 0.0, 8.0], [10.0, 40.0, 60.0], stop=90.0),
    "ramp": lambda sim: RampCurrent(sim, "a", 0.0, 9.0, 20.0, 120.0),
    "sine": lambda sim: SineCurrent(sim, "a", 6.0, 25.0),
    "ou": lambda sim: OUCurrent(sim, "a", 4.0, 3.0, 10.0),
}


@pytest.mark.parametrize("kind", CURRENTS)
def test_currents_begin_anew_with_the_network(kind: str) -> None:
    fresh, sim = living("none"), living("none")
    for each in (fresh, sim):
        current = CURRENTS[kind](each)
    sim.run(110)
    sim.reset(weights=True, parameters=True)
    assert current.is_on
    for each in (fresh, sim):
        each.run(150)
    assert sim.digest() == fresh.digest()
    without = living("none")
    without.run(150)
    assert not np.array_equal(sim.model.neurons.v_membrane, without.model.neurons.v_membrane)


@pytest.mark.parametrize("rule", ["none", *RULES])
def test_reset_in_place_is_a_fresh_simulation(rule: str) -> None:
    fresh, sim = living(rule), living(rule)
    sim.run(150)
    sim.neuromodulation.process_reward(0.0, 1.0)
    sim.model.neurons.i_offset[:N] = 0.5
    sim.run(10)
    sim.reset(weights=True, parameters=True)
    fresh.run(0)  # low-pass traces start at the potentials that were set
    assert (sim.time, sim.current_step) == (0.0, 0) and sim.digest() == fresh.digest()
    for n in (1, 100, 60):
        assert np.array_equal(sim.run(n)["spike_counts"], fresh.run(n)["spike_counts"])
        assert sim.digest() == fresh.digest()


@pytest.mark.parametrize("rule", ["none", *RULES])
def test_trained_weights_stay_and_all_else_is_as_in_a_fresh_network_with_them(rule: str) -> None:
    fresh, sim = living(rule), living(rule)
    sim.run(150)
    trained = sim.projections["p"].weight.copy()
    assert rule == "none" or not np.array_equal(trained, fresh.projections["p"].weight)
    sim.reset()
    assert np.array_equal(sim.projections["p"].weight, trained)
    fresh.projections["p"].weight = trained
    for n in (1, 120):
        sim.run(n), fresh.run(n)
    assert sim.digest() == fresh.digest()


def test_parameters_stay_unless_they_are_asked_back() -> None:
    fresh, sim = living(), living()
    fresh.model.neurons.v_threshold[:N] = -55.0
    sim.run(50)
    sim.model.neurons.v_threshold[:N] = -55.0
    sim.reset(weights=True)
    sim.run(80), fresh.run(80)
    assert sim.digest() == fresh.digest()
    sim.reset(parameters=True)
    assert set(sim.model.neurons.v_threshold[:N].tolist()) == {-50.0}


def test_short_term_plasticity_changed_in_mid_run_begins_with_its_new_parameters() -> None:
    """As in a fresh network, whether an engine was bound before the change or not."""

    def changed(bound: bool, n_steps: int) -> Simulation:
        sim = living("stdp")
        if bound:
            sim.digest()
        sim.run(n_steps)
        sim.projections["p"].short_term.update(U=0.3, tau_rec=30.0)
        return sim

    sims = [changed(False, 0), changed(True, 0), changed(True, 60)]
    sims[2].reset(weights=True)
    for sim in sims:
        sim.run(80)
    assert len({sim.digest() for sim in sims}) == 1


@pytest.mark.parametrize("rule", ["stdp", "clopath", "graupner_brunel"])
def test_a_run_of_no_step_is_no_beginning(rule: str) -> None:
    def build(idle: bool) -> Simulation:
        sim = living(rule)
        if idle:
            sim.run(0)
        sim.model.neurons.v_membrane[:] = -62.0
        sim.projections["p"].weight[:3] = 0.25
        if idle:
            sim.run(0)
        return sim

    plain, idle = build(False), build(True)
    for _ in range(2):
        for sim in (plain, idle):
            sim.run(60)
        assert plain.digest() == idle.digest()
        for sim in (plain, idle):
            sim.reset(weights=True)


@pytest.mark.parametrize("rule", ["stdp", "clopath", "none"])
@pytest.mark.parametrize("when", ["before the first step", "after neurons were added"])
def test_a_run_that_was_refused_is_no_beginning(rule: str, when: str) -> None:
    """A wrong level or parameter was noted as the beginning: `reset` brought it back, and no file of it was read."""
    sims, is_late = [living(rule), living(rule)], when != "before the first step"
    wrong = -1 if is_late else N - 1
    if is_late:
        for each in sims:
            each.run(10)
            each.create(3, "lif", name="late", drive={"rate": 900.0, "weight": 2.0})
    sims[0].neuromodulation.level[0, 0] = 3.0  # type: ignore[union-attr]
    sims[0].model.neurons.drive_rate[wrong] = -1.0
    sims[0].model.neurons.v_membrane[:N] = -90.0
    with pytest.raises(ValueError, match="must be"):
        sims[0].run(10)
    for each in sims:
        each.neuromodulation.level[0, 0] = 0.6  # type: ignore[union-attr]
        each.model.neurons.drive_rate[wrong] = 800.0
        each.model.neurons.v_membrane[:N] = -66.0
        each.run(30)
    assert sims[0].digest() == sims[1].digest()
    sims[0] = Simulation.from_dict(sims[0].to_dict())
    for each in sims:
        each.reset(weights=True, parameters=True)
        each.run(30)
    assert sims[0].digest() == sims[1].digest()


def test_before_the_first_step_nothing_is_reset_and_twice_is_once() -> None:
    sim, fresh = living(), living()
    sim.reset(weights=True, parameters=True)
    assert sim.digest() == fresh.digest()
    for _ in range(2):
        sim.run(40)
        sim.reset(weights=True)
        sim.reset(weights=True)
    assert sim.digest() == fresh.digest()


def test_reset_takes_no_notice_of_threads_and_cuts() -> None:
    one, two = living(), living()
    one.threads, two.threads = 1, 4
    one.run(90)
    for _ in range(90):
        two.step()
    for sim in (one, two):
        sim.reset()
        sim.run(70)
    assert one.digest() == two.digest()


@pytest.mark.parametrize("rule", ["stdp", "graupner_brunel"])
def test_weights_are_read_as_they_are_after_the_beginning_was_noted(rule: str) -> None:
    """Noting reads the weights of a kept projection; what is read after the run is what the run has made."""
    sim = living(rule)
    p = sim.projections["p"]
    for _ in range(2):
        before = p.weight.copy()
        p.add([[0, 1]], weight=0.5)
        sim.run(100)
        assert np.isin(p.weight, before).mean() < 0.9


# ---- changed networks -----------------------------------------------------------------------------------------------


def test_what_was_added_goes_back_to_when_it_was_first_stepped_and_removed_stays_removed() -> None:
    sim = living("stdp")
    sim.run(60)
    p = sim.projections["p"]
    weights = living("stdp").projections["p"].weight
    first = {(a, b, d): w for a, b, d, w in zip(p.pre_id, p.post_id, p.delay, weights, strict=True)}
    p.plasticity_tag = np.arange(len(p))
    new = sim.connect("a", "a", out_degree=2, weight={"uniform": [0.2, 0.4]}, rule="stdp", name="new")
    made = new.weight.copy()
    p.remove(np.arange(0, len(p), 2))
    at = p.add([[0, 1], [1, 2]], weight=0.33)
    p.plasticity_tag[at] = -1.0
    sim.run(100)
    sim.model.remove_neuron(3)
    sim.run(20)
    sim.reset(weights=True)
    kept = (new.pre_id != 3) & (new.post_id != 3)
    assert kept.all() and len(new) < len(made)
    old = p.plasticity_tag >= 0
    assert {w == np.float32(0.33) for w in p.weight[~old].tolist()} <= {True}
    assert all(
        first[a, b, d] == w
        for a, b, d, w in zip(p.pre_id[old], p.post_id[old], p.delay[old], p.weight[old], strict=True)
    )
    v = sim.model.neurons.v_membrane
    assert np.array_equal(v[:3], np.linspace(-70.0, -60.0, N)[:3])
    sim.run(50)
    assert Simulation.from_dict(sim.to_dict()).digest() == sim.digest()


@pytest.mark.parametrize("how", ["none", "copy", "look", "pickle", "from_dict"])
def test_what_was_added_and_not_stepped_yet_is_noted_when_it_is_stepped(how: str) -> None:
    """A copy is made in between: nothing that is new has begun yet."""
    sim = living("stdp")
    sim.run(20)
    new = sim.create(5, "lif", name="new", drive={"rate": 900.0, "weight": 2.0})
    sim.connect("a", new, in_degree=4, weight=0.3, rule="stdp", name="fresh")
    if how == "look":
        sim.copy(), sim.to_dict()
    elif how != "none":
        ways: dict[str, Callable[[Simulation], Simulation]] = {
            "copy": Simulation.copy,
            "pickle": lambda one: pickle.loads(pickle.dumps(one)),
            "from_dict": lambda one: Simulation.from_dict(json.loads(json.dumps(one.to_dict()))),
        }
        sim = ways[how](sim)
    sim.populations["new"].v_membrane = -55.0
    sim.projections["fresh"].weight[:] = 0.25
    sim.run(60)
    sim.reset(weights=True, parameters=True)
    assert np.all(sim.populations["new"].v_membrane == -55.0)
    assert np.all(sim.projections["fresh"].weight == np.float32(0.25))


def test_a_removed_projection_is_forgotten() -> None:
    sim = living("stdp")
    sim.run(30)
    sim.remove_projection("p")
    q = sim.connect("a", "a", in_degree=3, weight=0.5, rule="stdp", name="p")
    sim.run(30)
    sim.reset(weights=True)
    assert set(q.weight.tolist()) == {0.5}


# ---- copies ----------------------------------------------------------------------------------------------------


WAYS: dict[str, Callable[[Simulation], Simulation]] = {
    "copy": lambda sim: sim.copy(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda sim: pickle.loads(pickle.dumps(sim)),
    "file": lambda sim: Simulation.from_dict(json.loads(json.dumps(sim.to_dict()))),
    "replica": lambda sim: sim.replicas(2)[0],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", ["none", "rstdp", "graupner_brunel", "clopath"])
def test_a_copy_begins_where_its_original_began(way: str, rule: str) -> None:
    sim, fresh = living(rule), living(rule)
    sim.run(80)
    sim.projections["p"].remove([0, 5, 9])
    fresh.projections["p"].remove([0, 5, 9])
    fresh.run(0)
    sim.run(10)
    other = WAYS[way](sim)
    sim.run(20)
    other.run(5)
    for each in (sim, other):
        each.reset(weights=True, parameters=True)
        assert each.digest() == fresh.digest()
    fresh.run(60)
    for each in (sim, other):
        each.run(60)
        assert each.digest() == fresh.digest()


@pytest.mark.filterwarnings("ignore:run. the network has no neurons")
@pytest.mark.filterwarnings("ignore:external_input")  # of the first step, which comes back with it
@pytest.mark.parametrize("seed", range(30))
def test_random_simulations_are_reset_alike(seed: int) -> None:
    """After any steps and changes: reset, run, reset, run is the same run twice; and in a restored twin."""
    sim = random_models.simulation_of(seed, plain=True)
    twin = Simulation.from_dict(sim.to_dict())
    digests = []
    for each in (sim, sim, twin):
        each.reset(weights=True, parameters=True)
        assert each.current_step == 0
        each.run(40)
        digests.append(each.digest())
    assert len(set(digests)) == 1


def test_a_state_without_its_beginning_is_not_reset() -> None:
    sim = living()
    sim.run(10)
    state = sim.to_dict()
    del state["simulation"]["beginning"], state["sha256"], state["version"]
    del state["model"]["sha256"], state["model"]["version"]
    other = Simulation.from_dict(state)
    with pytest.raises(
        RuntimeError, match=r"^reset: needs the beginning, which the saved state does not have$"
    ):
        other.reset()
    assert other.current_step == 10


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("neurons",), 3, r"beginning.neurons: must be a list; got 3"),
        (("level",), {"dtype": "<f8", "shape": [1], "values": [0.5]}, r"beginning.level: must have 3 entries"),
        (("synapses", "nobody"), {}, r"beginning.synapses.nobody: unknown key"),
        (("schedule", "ids"), {"dtype": "<i8", "shape": [0], "values": []}, r"schedule.ids: must be as long as steps"),
        (("synapses", "p", "weight"), {"dtype": "<f4", "shape": [2], "values": [0.5, 1.0]}, r"p.weight: must have 1 "),
    ],
)  # fmt: skip
def test_a_spoilt_beginning_is_refused(path: tuple[str, ...], value: Any, message: str) -> None:
    from neuromod.errors import ConfigError

    sim = living()
    sim.run(10)
    state = json.loads(json.dumps(sim.to_dict()))
    place = state["simulation"]["beginning"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ConfigError, match=r"sha256|unknown key"):
        Simulation.from_dict(state)
    del state["sha256"], state["version"], state["model"]["sha256"], state["model"]["version"]
    with pytest.raises(ConfigError, match=message):
        Simulation.from_dict(state)


# ---- recorders, arguments, old views ---------------------------------------------------------------------------


def test_a_reset_whose_warning_is_an_error_changes_nothing() -> None:
    sim = living()
    spikes = SpikeMonitor(sim)
    sim.run(60)
    digest, n = sim.digest(), spikes.count
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NeuromodWarning, match=r"^reset: 1 monitor ends"):
            sim.reset()
    assert sim.digest() == digest
    sim.run(60)
    assert spikes.count > n


def test_recorders_end_with_a_word_and_keep_what_they_have() -> None:
    sim = living()
    spikes = SpikeMonitor(sim)
    sim.run(60)
    n = spikes.count
    assert n > 0
    with pytest.warns(NeuromodWarning, match=r"^reset: 1 monitor ends"):
        sim.reset()
    again = SpikeMonitor(sim)
    sim.run(60)
    assert spikes.count == n and again.count > 0
    again.stop()
    sim.reset()


def test_views_and_projections_live_on() -> None:
    sim = living("stdp")
    p, neuron, synapse = sim.projections["p"], sim.model.neurons[2], sim.model.synapses[7]
    before = synapse.weight
    sim.run(80)
    late = p.weight
    sim.reset(weights=True)
    assert synapse.weight == before and neuron.v_membrane == np.linspace(-70.0, -60.0, N)[2]
    assert np.array_equal(p.weight, living("stdp").projections["p"].weight)
    with pytest.raises(ValueError, match="read-only"):
        late[0] = 0.3
    p.weight[7] = 0.25
    assert synapse.weight == 0.25
    sim.run(1)


@pytest.mark.parametrize("name", ["weights", "parameters"])
def test_an_argument_is_true_or_false(name: str) -> None:
    sim = sheet(3, 1)
    with pytest.raises(TypeError, match=rf"^{name}: must be True or False; got 1$"):
        sim.reset(**{name: 1})


def test_an_empty_network_is_reset() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    with pytest.warns(NeuromodWarning, match="has no neurons"):
        sim.run(5)
    sim.reset()
    assert sim.current_step == 0
