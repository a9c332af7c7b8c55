"""Neurons, populations and projections: other shapes, other orders, and what is refused by name."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, NeuromodWarning, Simulation
from neuromod.network.store import SynapseStore


def network() -> Simulation:
    sim = Simulation(dt=1.0, seed=1)
    e = sim.create(8, name="E", positions="grid")
    i = sim.create(4, name="I", neuron_type="inhibitory")
    sim.connect(e, e, probability=1.0, weight=0.1, rule="stdp", name="p")
    sim.connect(i, e, probability=1.0, weight=0.1, rule="istdp", name="q")
    sim.connect(e, i, probability=0.5, weight=0.1, rule="graupner_brunel", name="g")
    return sim


# ---- projections ---------------------------------------------------------------------------------------------------

REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda p: setattr(p, "delay", lambda d: d), TypeError, r"^delay: must not be a function here$"),
    (
        lambda p: p.rewire([0, 1, 2], post=[1, 2]),
        ValueError,
        r"^post: must be one neuron for each of 3 synapses; got 2$",
    ),
    (
        lambda p: p.prune(condition=lambda w: w[:3] > 0),
        ValueError,
        r"^condition: must give one mark for each of 56 weights; got \(3,\)$",
    ),
    (
        lambda p: p.to_scipy("wieght"),
        ValueError,
        r"^variable: must be one of weight, delay; got 'wieght'; did you mean 'weight'\?$",
    ),
    (lambda p: p.to_scipy(3), ValueError, r"^variable: must be one of weight, delay; got 3$"),
    (lambda p: p.to_scipy("weight", pre=[0, 0]), ValueError, r"^pre: must name each neuron once$"),
    (
        lambda p: p.rule_params["tau_pluss"],
        KeyError,
        r"projections\['p'\]\.rule_params\.tau_pluss: unknown parameter; did you mean 'tau_plus'\?",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_a_projection_refuses(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    sim = network()
    before = sim.digest()
    with pytest.raises(error, match=message):
        call(sim.projections["p"])
    assert sim.digest() == before


def test_weak_synapses_are_found_by_a_condition_and_exported() -> None:
    sim = network()
    p = sim.projections["p"]
    p.weight = np.arange(56) / 64
    chosen = p.to_scipy("weight", pre=[5, 2], post=[0, 1, 3]).toarray()
    assert p.prune(condition=lambda w: w < 0.5) == 32 and p.weight.min() == 0.5
    where = {
        (a, b): w for a, b, w in zip(p.pre_id.tolist(), p.post_id.tolist(), p.weight.tolist(), strict=True)
    }
    kept = [[where.get((a, b), 0.0) for b in (0, 1, 3)] for a in (5, 2)]
    assert np.array_equal(np.where(chosen < 0.5, 0.0, chosen), kept) and chosen.shape == (2, 3)


def test_what_a_running_network_cannot_take_is_refused() -> None:
    sim = network()
    sim.run(3)
    before = sim.digest()
    with pytest.raises(
        ValueError, match=r"^projections\['q'\]\.homeostatic: must be None; only excitatory synapses"
    ):
        sim.projections["q"].homeostatic = True
    with pytest.raises(ValueError, match=r"^projections\['g'\]\.rule_params\.delay_ca: is fixed by connect"):
        sim.projections["g"].rule_params["delay_ca"] = 7.0
    assert sim.digest() == before


def test_live_parameters_are_shown_and_copied_as_a_dict() -> None:
    params = network().projections["p"].rule_params
    plain = dict(params)
    assert plain["tau_plus"] == 20.0 and repr(params) == repr(plain)
    for other in (copy.copy(params), copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert type(other) is dict and other == plain
    copy.copy(params)["tau_plus"] = 5.0
    assert params["tau_plus"] == 20.0


def test_an_eligibility_is_set_as_a_whole() -> None:
    sim = Simulation(dt=1.0, seed=1)
    cells = sim.create(4)
    p = sim.connect(cells, cells, probability=1.0, weight=0.1, rule="rstdp")
    p.eligibility = np.arange(12) / 8
    p.eligibility += 1.0
    assert p.eligibility.tolist() == (np.arange(12) / 8 + 1.0).tolist()


# ---- populations ---------------------------------------------------------------------------------------------------


def test_a_part_of_a_population_is_taken_by_position() -> None:
    cells = network().populations["E"]
    part = cells[[6, 2, 5]]
    assert (part[1].id, part[-1].id) == (2, 5)
    for index in ([0, 8], [-9], [[0, 1]]):
        with pytest.raises(IndexError, match=r"^E\[\.\.\.\]: must be positions from -8 to 7; got \["):
            cells[index]
    assert cells[[-8, 7]].ids.tolist() == [0, 7]


def test_a_population_of_several_models_names_them() -> None:
    sim = Simulation(dt=1.0, seed=1)
    both = sim.create(3, name="A") + sim.create(2, "izhikevich", name="B")
    assert repr(both) == "Population('A+B', neurons=5, models=lif, izhikevich, excitatory)"
    sim = network()
    two = sim.populations
    assert repr(two["E"] + two["I"]) == "Population('E+I', neurons=12, model='lif', mixed)"


def test_what_is_set_of_no_neurons_changes_none() -> None:
    """Also a parameter, which was said not to exist there."""
    sim = network()
    none, before = sim.populations["E"][:0], sim.digest()
    for name in ("drive_rate", "tau_m", "v_membrane"):
        setattr(none, name, 3.0)
        assert getattr(none, name).shape == (0,)
    with pytest.raises(AttributeError, match=r"^E\[:0\]\.tau_mm: no such column"):
        none.tau_mm = 3.0
    assert sim.digest() == before


def test_a_neuron_shows_its_site_or_the_position_that_it_was_given() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    sim.initialize_neurons(["V1_like"], density=0.001)
    made = sim.create(2, positions=[[1.5, 2.0], [3.0, 4.5]])
    first, bare = sim.model.neurons[0], sim.create(1)[0]
    assert f"position={first.position()}, " in repr(first) and first.x >= 0
    assert "position=(3.0, 4.5), " in repr(made[1]) and "position" not in repr(bare)


def test_neurons_are_initialized_in_an_area_that_is_given_as_a_population() -> None:
    sims = [Simulation(BrainModel("brain_base_model.json"), seed=1) for _ in range(2)]
    ids = [
        sim.initialize_neurons(areas, density=0.001)
        for sim, areas in zip(sims, (sims[0].populations["V1_like"], ["V1_like"]), strict=True)
    ]
    assert len(ids[0]) and np.array_equal(*ids) and sims[0].digest() == sims[1].digest()
    with pytest.raises(ValueError, match=r"^area_names: must be areas of the lattice; 'E' has no sites"):
        network().initialize_neurons(network().populations["E"])


def test_events_without_a_weight_are_told() -> None:
    sim = Simulation(dt=1.0, seed=1)
    with pytest.warns(
        NeuromodWarning, match=r"drive\.weight: is 0, so events at 5 Hz change nothing; give a weight"
    ):
        sim.create(2, drive={"rate": 5.0})


# ---- all weights in one array --------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [False, True])
def test_weights_of_all_are_those_of_each_after_the_first_step(later: bool) -> None:
    """An engine takes the plastic ones out of the block, whether that is current or a projection was made since."""
    sim, alone = network(), network()
    block = sim.model.synapses.weight
    block[:] *= 1.5
    for each in alone.projections.values():
        each.weight = each.weight * 1.5
    for each in (sim, alone) if later else ():
        each.connect("E", "E", probability=0.5, weight=0.2, rule="stdp", name="late")
    for each in (sim, alone):
        each.run(5)
    assert not block.flags.writeable and sim.digest() == alone.digest()
    parts = [projection.weight for projection in sim.projections.values()]
    assert np.array_equal(sim.model.synapses.weight, np.concatenate(parts))


@pytest.mark.parametrize("looked", [False, True])
def test_a_change_that_fails_leaves_what_was_handed_out(
    looked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and tags of the user stay writable, and are the network's."""
    sim, full = network(), SynapseStore._changed

    def fails(self: Any, *args: Any, **given: Any) -> None:
        full(self, *args, **given)
        raise MemoryError

    p, before = sim.projections["p"], sim.digest()
    if looked:
        sim.model.synapses[0].plasticity_tag = 2.0
        block = sim.model.synapses.weight
        assert block.flags.writeable
    with monkeypatch.context() as patch:
        patch.setattr(SynapseStore, "_changed", fails)
        with pytest.raises(MemoryError):
            p.remove([0])
    assert len(p) == 56
    if looked:
        block[1] = 0.75
        sim.model.synapses[0].plasticity_tag = 3.0
        assert (sim.model.synapses[0].plasticity_tag, p.weight[1]) == (3.0, 0.75)
    else:
        assert sim.digest() == before


def test_rows_are_cut_anew_only_where_the_network_has_outgrown_them() -> None:
    """One projection is made before the network has several partitions, one after."""

    def grown(at_first: bool) -> Simulation:
        sim = Simulation(dt=1.0, seed=1)
        a = sim.create(50, "poisson", name="a", rate=200.0)
        b = sim.create(50, name="b", v_threshold=-64.0)
        if not at_first:
            sim.create(10_000, name="c")
        sim.connect(a, b, in_degree=5, weight={"uniform": [0.5, 1.0]}, delay={"uniform": [1, 3]}, rule="none")
        if at_first:
            sim.create(10_000, name="c")
        sim.connect(b, a, in_degree=5, weight=0.5, rule="none")
        return sim

    first, last = grown(True), grown(False)
    for sim in (first, last):
        sim.run(60, progress=False)
    assert first.model.neurons.spike_count[50:100].sum() > 0
    assert first.digest() == last.digest()


# ---- rows that several projections share ---------------------------------------------------------------------------


def joined(**given: Any) -> Simulation:
    """Static projections of different weights from one population, whose rows are joined at the first step."""
    sim = Simulation(dt=1.0, seed=1, threads=1)
    a = sim.create(300, "poisson", name="a", rate=100.0)
    for name in ("b", "c"):
        post = sim.create(300, name=f"to {name}", v_threshold=-64.0)
        about = {
            "in_degree": 10,
            "weight": {"uniform": [0.2, 0.6]},
            "delay": {"uniform": [1, 9]},
            "rule": "none",
        }
        sim.connect(a, post, name=name, **about, **given)
    return sim


def are_joined(sim: Simulation) -> list[bool]:
    return [table.joined is not None for table in sim._session.store.tables]


def test_joined_rows_read_as_rows_by_themselves() -> None:
    sim, alone = joined(), joined()
    alone.projections["b"].weight.copy()
    for each in (sim, alone):
        each.run(5, progress=False)
    assert are_joined(sim) == [True, True]
    for table, other in zip(sim._session.store.tables, joined()._session.store.tables, strict=True):
        assert other.joined is None
        assert np.array_equal(table.bucket_start, other.bucket_start)
        few, many = np.arange(3), np.arange(len(table))
        for where in (few, many):
            assert np.array_equal(
                table.weights.sampled("weight", where), other.weights.sampled("weight", where)
            )
    assert are_joined(sim) == [True, True] and sim.digest() == alone.digest()


@pytest.mark.parametrize("apart", [False, True])
def test_another_thread_reads_static_weights(apart: bool) -> None:
    """A copy, read-only, of joined rows and of others; the rows stay as they are, and no bit is another."""
    sim, alone, found = joined(), joined(), []
    right = alone.projections["b"].weight.copy()
    held = sim.projections["b"].weight if apart else None

    def look() -> None:
        found.append(sim.projections["b"].weight)

    def progress(*_: float) -> None:
        thread = threading.Thread(target=look)
        thread.start()
        found.append(thread)

    sim.run(2, progress=False)
    sim.run(400, progress=progress)
    threads = [each for each in found if isinstance(each, threading.Thread)]
    for thread in threads:
        thread.join(60)
    assert are_joined(sim) == [not apart] * 2 and (held is not None) == apart
    seen = [each for each in found if isinstance(each, np.ndarray)]
    assert not any(each.flags.writeable for each in seen)
    assert seen and all(np.array_equal(each, right) for each in seen)
    alone.run(402, progress=False)
    assert sim.digest() == alone.digest()


def test_projections_of_two_signs_onto_one_port_are_not_joined_together() -> None:
    sims = [Simulation(dt=1.0, seed=1) for _ in range(2)]
    for sim, apart in zip(sims, (False, True), strict=True):
        a = sim.create(300, "poisson", name="a", rate=100.0)
        for kind in ("excitatory", "inhibitory", "excitatory"):
            post = sim.create(300, name=None, v_threshold=-64.0)
            sim.connect(
                a, post, in_degree=10, weight={"uniform": [0.2, 0.6]}, rule="none",
                synapse_type=kind, port="excitatory",
            )  # fmt: skip
        for each in sim.projections.values() if apart else ():
            each.weight.copy()
        sim.run(100, progress=False)
    assert are_joined(sims[0]) == [True, False, True]
    assert sims[0].digest() == sims[1].digest()


# ---- stored states -------------------------------------------------------------------------------------------------


def test_joined_weights_that_were_written_go_back() -> None:
    sim = joined()
    sim.run(5, progress=False)
    before = sim.digest()
    sim.store("here")
    sim.projections["b"].weight[:7] = 0.125
    sim.run(5, progress=False)
    sim.restore("here")
    assert sim.digest() == before


def test_joined_weights_that_nobody_wrote_stay_joined() -> None:
    sim = joined()
    sim.run(5, progress=False)
    before = sim.digest()
    sim.store("here")
    sim.run(5, progress=False)
    sim.restore("here")
    assert are_joined(sim) == [True, True] and sim.digest() == before


def test_diffusion_goes_back() -> None:
    from neuromod import NeuromodulationSystem

    system = NeuromodulationSystem(["a", "b"])
    system.set_diffusion("dopamine", 0.1, [(0, 1)])
    sim = Simulation(dt=1.0, seed=1, neuromodulation=system)
    for region in ("a", "b"):
        sim.create(3, region=region)
    sim.run(3)
    before = sim.digest()
    sim.store("here")
    system.set_diffusion("dopamine", 0.3, [(0, 1)])
    sim.run(3)
    sim.restore("here")
    assert sim.digest() == before and system.to_dict()["diffusion"]["dopamine"]["rate"] == 0.1


# ---- ids of which most are gone ------------------------------------------------------------------------------------


def test_ids_are_found_where_most_are_gone() -> None:
    """There is no table of all ids then: they are searched for."""
    sim = Simulation(dt=1.0, seed=1)
    cells, more = sim.create(8, name="E"), sim.create(4, name="I", i_offset=25.0)
    sim.connect(more, cells, probability=1.0, weight=0.5, rule="none", name="p")
    state = sim.to_dict()
    del state["version"], state["sha256"], state["model"]["version"], state["model"]["sha256"]
    own = state["model"]["state"]
    own["next_id"] = 10**8
    own["neurons"]["id"]["values"][-1] = 10**8 - 1
    own["populations"][1]["ids"]["values"][-1] = 10**8 - 1
    again = Simulation.from_dict(state)
    neurons, last = again.model.neurons, 10**8 - 1
    assert neurons[last].id == last and neurons[10].id == 10 and len(again.model._store.columns._slot_of) == 0
    for gone in (11, 5 * 10**7, last - 1):
        with pytest.raises(KeyError, match=rf"neurons\[{gone}\]: must be in the network; it was removed"):
            neurons[gone]
    pairs = [[last, 0], [0, last]]
    p = again.connect([0, last], [0, last], pairs=pairs, weight=0.5, synapse_type="excitatory", name="ends")
    assert sorted(p.pre_id.tolist()) == [0, last]
    with pytest.raises(ValueError, match=r"^pairs: must be ids of neurons in the network; got 11$"):
        again.connect([0], [0], pairs=[[0, 11]], weight=0.5)
    for each in (sim, again):
        each.run(5)
    assert np.array_equal(sim.model.neurons.v_membrane, again.model.neurons.v_membrane)
