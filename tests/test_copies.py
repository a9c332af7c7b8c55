"""Views are equal and hashed by model and id; every public object can be copied and pickled, and the copy is whole."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import neuromod
from neuromod import (
    BrainModel,
    ConfigError,
    DopamineSystem,
    ImageCurrent,
    LevelMonitor,
    Neuron,
    OUCurrent,
    RampCurrent,
    RateMonitor,
    RateSource,
    RemovedError,
    RescorlaWagner,
    Simulation,
    SineCurrent,
    SpikeMonitor,
    StateMonitor,
    StepCurrent,
    SweepTable,
    Synapse,
    SynapseMonitor,
    TDCritic,
    create_neuromodulation_system,
)

HISTAMINE = {"response": {"linear": {"strength": 0.5}}, "targets": ["gain"]}


def network() -> Simulation:
    model = BrainModel("brain_base_model.json")
    sim = Simulation(model, seed=1, neuromodulation=create_neuromodulation_system({"histamine": HISTAMINE}))
    sim.initialize_neurons(["V1_like"], density=0.01)
    sim.connect(
        "V1_like", "V1_like", in_degree=3, weight=0.5, rule="rstdp", synapse_type="excitatory", name="p"
    )
    sim.connect(
        "V1_like", "V1_like", in_degree=3, weight=0.5, rule="none", synapse_type="excitatory", name="q"
    )
    return sim


def watched() -> tuple[Simulation, list[Any]]:
    """A network that has run and grown, with one monitor of each kind."""
    sim = network()
    sim.run(30)
    monitors = [SpikeMonitor(sim), StateMonitor(sim, "v_membrane", [3, 5], every=7), LevelMonitor(sim)]
    monitors.append(RateMonitor(sim, bin_ms=20.0))
    sim.run(40)
    new = sim.model.add_neuron(0, 0, 0, 19)
    sim.model.add_synapse(new.id, 5, 0.4)
    sim.model.remove_neuron(7)
    sim.run(40)
    return sim, monitors


# ---- equality -----------------------------------------------------------------------------------------------------


def test_views_of_one_neuron_are_equal_and_of_two_are_not() -> None:
    model, other = network().model, network().model
    assert model.neurons[0] == model.neurons[0] and hash(model.neurons[0]) == hash(model.neurons[0])
    assert model.neurons[0] != model.neurons[1] and model.neurons[0] != other.neurons[0]
    assert model.neurons[0] != 0 and Neuron(id=0) != Neuron(id=0)
    seen = {model.neurons[3]: "three"}
    before = model.neurons[3]
    model.remove_neuron(0)
    assert seen[model.neurons[3]] == "three" and before == model.neurons[3]
    assert model.neurons[5] in model.neurons.values()


def test_a_removed_neuron_is_equal_to_itself_alone() -> None:
    model = network().model
    gone, again = model.neurons[4], model.neurons[4]
    model.remove_neuron(4)
    assert gone == again and gone != model.neurons[5] and len({gone, again}) == 1


def test_a_synapse_is_found_among_the_synapses() -> None:
    model = network().model
    made = [model.add_synapse(0, 1, 0.5) for _ in range(3)]  # parallel ones are different synapses
    assert len(set(made)) == 3 and made[0] != made[1]
    where = [model.synapses.index(synapse) for synapse in made]
    assert len(set(where)) == 3 and all(model.synapses[k] == s for k, s in zip(where, made, strict=True))
    assert all(synapse in model.synapses and model.synapses.count(synapse) == 1 for synapse in made)
    assert made[0] == next(s for s in model.synapses if s == made[0])
    assert Synapse(0, 1) not in model.synapses and 3 not in model.synapses and Synapse(0, 1) != Synapse(0, 1)
    assert made[0] not in network().model.synapses
    with pytest.raises(ValueError, match=r"synapses\.index: must be a synapse of this model"):
        model.synapses.index(Synapse(0, 1))
    with pytest.raises(ValueError, match=r"synapses\.index"):
        model.synapses.index(made[0], where[0] + 1)


def test_a_synapse_keeps_its_hash_through_every_change() -> None:
    sim = network()
    model = sim.model
    early, waiting = model.synapses[100], model.add_synapse(10, 11)
    notes = {early: "early", waiting: "waiting"}
    model.add_synapse(0, 2)
    model.remove_neuron(next(k for k in model.neurons if k not in (early.pre_id, early.post_id, 10, 11)))
    sim.run(20)
    assert notes[model.synapses[model.synapses.index(early)]] == "early"
    assert notes[model.synapses[model.synapses.index(waiting)]] == "waiting"
    gone = model.synapses[model.synapses.index(early)]
    hash(gone)
    model.remove_neuron(early.pre_id)
    assert early in notes and early not in model.synapses and gone != waiting


def test_a_loop_that_hashes_new_synapses_merges_them_once() -> None:
    model = network().model
    before = model._store._version
    assert len({model.add_synapse(0, 1) for _ in range(50)}) == 50
    assert model._store._version == before


# ---- copies -------------------------------------------------------------------------------------------------------

WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "pickle 2": lambda thing: pickle.loads(pickle.dumps(thing, 2)),
}
SWEPT = {
    "rate": np.ones(3),
    "seed": np.arange(3),
    "value": np.arange(3.0),
    "error": np.array(["", "", "why"]),
}
THINGS: dict[str, Callable[[Simulation], Any]] = {
    "model": lambda sim: sim.model,
    "simulation": lambda sim: sim,
    "system": lambda sim: sim.neuromodulation,
    "dopamine": lambda sim: sim.neuromodulation.dopamine,  # type: ignore[union-attr]
    "histamine": lambda sim: sim.neuromodulation.histamine,  # type: ignore[union-attr]
    "state": lambda sim: sim.neuromodulation.dopamine.state,  # type: ignore[union-attr]
    "alone": lambda sim: DopamineSystem(baseline=0.3),
    "projections": lambda sim: sim.projections,
    "projection": lambda sim: sim.projections["p"],
    "neurons": lambda sim: sim.model.neurons,
    "synapses": lambda sim: sim.model.synapses,
    "neuron": lambda sim: sim.model.neurons[3],
    "population": lambda sim: sim.populations["V1_like"],
    "part of a population": lambda sim: sim.populations["V1_like"][[5, 1]],
    "populations": lambda sim: sim.populations,
    "synapse": lambda sim: sim.model.synapses[5],
    "params": lambda sim: sim.model.neurons[3].params,
    "lone neuron": lambda sim: Neuron(id=3, x=1, model_type="adex", params={"a": 2.0}, v_membrane=-61.0),
    "lone synapse": lambda sim: Synapse(3, 4, 0.25, 2, 1.5, "inhibitory"),
    "replicas": lambda sim: sim.replicas(2),
    "spikes": lambda sim: SpikeMonitor(sim, [1, 2]),
    "samples": lambda sim: StateMonitor(sim, "v_membrane"),
    "levels": lambda sim: LevelMonitor(sim),
    "rate": lambda sim: RateMonitor(sim),
    "weights": lambda sim: SynapseMonitor(sim, "p"),
    "step current": lambda sim: StepCurrent(sim, "V1_like", 5.0),
    "ramp current": lambda sim: RampCurrent(sim, [1, 2], 0.0, 5.0, 30.0, 40.0),
    "sine current": lambda sim: SineCurrent(sim, "V1_like", 5.0, 20.0),
    "ou current": lambda sim: OUCurrent(sim, [3, 1], 0.0, 5.0, 20.0),
    "image current": lambda sim: ImageCurrent(sim, "V1_like", np.ones((1, 1)), 5.0),
    "rate source": lambda sim: RateSource(
        sim, sim.initialize_neurons(["A1_like"], density=0.001, model="poisson"), [5.0, 9.0], interval=7.0
    ),
    "td critic": lambda sim: TDCritic(),
    "rescorla-wagner": lambda sim: RescorlaWagner(),
    "configuration": lambda sim: sim.model._config,
    "error": lambda sim: ConfigError(["a: must be b; got c"]),
    "run": lambda sim: sim.run(3),
    "sweep table": lambda sim: SweepTable(SWEPT, {"rate": [1.0]}),
    "step": lambda sim: sim.step(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_every_public_object_can_be_copied(
    thing: Callable[[Simulation], Any], way: Callable[[Any], Any]
) -> None:
    sim = network()
    sim.run(20)
    one = thing(sim)
    other = way(one)
    assert type(other).__name__ == type(one).__name__
    assert repr(other) == repr(one)
    assert repr(way(other)) == repr(one)  # what came alone travels on


def test_no_public_class_was_forgotten() -> None:
    made = network()
    covered = {type(thing(made)) for thing in THINGS.values()}
    classes = {
        thing
        for thing in (getattr(neuromod, name) for name in neuromod.__all__)
        if isinstance(thing, type) and not issubclass(thing, BaseException)
    }
    alike = {neuromod.SerotoninSystem, neuromod.NorepinephrineSystem}
    # is one with its communicator: tests/test_ranks.py
    elsewhere = {neuromod.RankSimulation}
    assert classes - covered - alike - elsewhere == set()


@pytest.mark.parametrize("way", [copy.deepcopy, WAYS["pickle"]])
def test_a_simulation_and_its_monitors_are_copied_whole(way: Callable[[Any], Any]) -> None:
    """Growth, records, running state; one simulation for all, as before; and neither writes the other."""
    sim, monitors = watched()
    other, same, model, dopamine, spared = way(
        (sim, monitors, sim.model, sim.neuromodulation.dopamine, sim.model.neurons[9])  # type: ignore[union-attr]
    )
    assert other.model is model and dopamine._levels is other.neuromodulation._levels
    assert spared == model.neurons[9] and spared != sim.model.neurons[9]
    assert other.digest() == sim.digest()
    before = sim.digest()
    model.neurons.v_membrane[:] += 1.0
    other.projections["p"].weight[:] = 0.0
    dopamine.state.level = 0.9
    assert sim.digest() == before
    other, same = way((sim, monitors))
    for each in (sim, other):
        each.run(60)
        assert each.model.neurons[3].v_membrane == sim.model.neurons[3].v_membrane
    assert other.digest() == sim.digest()
    for mine, theirs in zip(monitors, same, strict=True):
        assert theirs._sim is other and type(theirs) is type(mine)
        for name in ("step", "id", "values", "time", "rate", "bin_end"):
            if hasattr(mine, name):
                assert np.array_equal(getattr(mine, name), getattr(theirs, name), equal_nan=True), name
    assert monitors[0].count > 0


def test_a_stopped_monitor_stays_stopped() -> None:
    sim, monitors = watched()
    for monitor in monitors[:3]:
        monitor.stop()
    other, same = copy.deepcopy((sim, monitors))
    other.run(50)
    assert same[0].count == monitors[0].count and np.array_equal(same[1].values, monitors[1].values)
    assert same[3].count >= same[0].count


def test_a_shallow_copy_of_a_model_shares_no_columns() -> None:
    """It did: growth of the copy was lost to the engine of the first."""
    sim = network()
    twin = copy.copy(sim.model)
    assert twin is not sim.model and not np.shares_memory(
        twin.neurons.v_membrane, sim.model.neurons.v_membrane
    )
    other = copy.copy(sim)
    assert other.model is not sim.model
    for each in (sim, other):
        each.run(40)
    assert other.digest() == sim.digest()


def test_a_view_whose_model_is_gone_says_what_to_do() -> None:
    neurons = BrainModel("brain_base_model.json").neurons
    with pytest.raises(
        TypeError, match="neurons: cannot be copied or pickled, as its model is gone; keep the BrainModel"
    ):
        pickle.dumps(neurons)


def test_a_removed_view_is_not_pickled() -> None:
    model = network().model
    gone = model.neurons[3]
    model.remove_neuron(3)
    with pytest.raises(RemovedError, match=r"neurons\[3\]: must be in the network"):
        pickle.dumps(gone)


def test_an_unpickled_object_is_checked() -> None:
    """What a pickle holds goes the way of `from_dict`."""
    again, (kind, content) = BrainModel.__reduce_ex__(network().model, 4)
    content["state"]["projections"][0]["post"][0] = 10**6
    with pytest.raises(ConfigError, match="sha256"):
        again(kind, content)
    del content["version"], content["sha256"]
    with pytest.raises(ConfigError, match="post: must be from 0"):
        again(kind, content)
    again, (kind, model, system, content, threads) = network().__reduce_ex__(4)
    content["simulation"]["engine"]["step"] = 2**40
    with pytest.raises(ConfigError, match="sha256"):
        again(kind, model, system, content, threads)


def run_on(sim: Simulation) -> tuple[str, Simulation, Any]:
    monitor = SpikeMonitor(sim)
    sim.run(40)
    return sim.digest(), sim, monitor


@pytest.mark.long
def test_workers_of_a_pool_take_and_give_back_simulations() -> None:
    sims = [network() for _ in range(2)]
    for sim in sims:
        sim.run(10)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(run_on, sims))
    with ThreadPoolExecutor(2) as threads:
        here = list(threads.map(run_on, sims))
    assert [row[0] for row in found] == [row[0] for row in here]
    for digest, sim, monitor in found:
        assert sim.digest() == digest and monitor._sim is sim
        assert np.array_equal(monitor.id, here[0][2].id)
