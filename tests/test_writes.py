"""Whatever can be written to either acts from the next step on, in every copy alike, or raises."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    LevelMonitor,
    NeuromodulationSystem,
    NeuromodWarning,
    Neuron,
    OUCurrent,
    RateMonitor,
    RateSource,
    RescorlaWagner,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    StepCurrent,
    Synapse,
    SynapseMonitor,
    TDCritic,
    create_neuromodulation_system,
)
from neuromod.closed import ReadOnlyDict
from neuromod.network.columns import STRUCTURAL

pytestmark = pytest.mark.filterwarnings("ignore:.*did you mean seconds:neuromod.NeuromodWarning")

LINE = {"z": [0, 0], "w": [0, 0]}
CONFIG = {
    "lattice_shape": [40, 4, 1, 1],
    "areas": [
        {"name": "s", "model": "poisson", "neuron_type": "excitatory", "params": {"rate": 60.0},
         "coord_ranges": {"x": [0, 39], "y": [0, 0], **LINE}, "region": "left"},
        {"name": "t", "model": "lif", "neuron_type": "excitatory",
         "params": {"i_offset": 14.0, "tau_syn_excitatory": 5.0, "tau_syn_inhibitory": 5.0},
         "coord_ranges": {"x": [0, 19], "y": [1, 1], **LINE}, "region": "left", "receptors": {"dopamine": 0.5}},
        {"name": "u", "model": "izhikevich", "neuron_type": "excitatory",
         "params": {"tau_syn_excitatory": 5.0, "tau_syn_inhibitory": 5.0},
         "coord_ranges": {"x": [0, 9], "y": [2, 2], **LINE}, "region": "right"},
    ],
}  # fmt: skip
RULE = {"rule": "rstdp", "short_term": True, "homeostatic": {"every": 50.0}}


def world() -> Simulation:
    system = create_neuromodulation_system({"serotonin": {}, "acetylcholine": {}}, regions=["left", "right"])
    system.add_release("dopamine", ["t"], 0.01)
    sim = Simulation(BrainModel(config=CONFIG), seed=5, neuromodulation=system)
    for name in "stu":
        sim.initialize_neurons([name])
    sim.connect("s", "t", probability=0.5, weight=0.4, rule=RULE, name="p")
    sim.connect("t", "u", probability=0.5, weight=0.4, rule="none", name="q")
    sim.run(40)
    return sim


def parts(sim: Simulation) -> dict[str, Any]:
    """Every public object that hangs on a simulation, by a name."""
    system = sim.neuromodulation
    assert system is not None
    return {
        "sim": sim,
        "model": sim.model,
        "neurons": sim.model.neurons,
        "synapses": sim.model.synapses,
        "neuron of lif": sim.model.neurons[45],
        "neuron of izhikevich": sim.model.neurons[61],
        "neuron of poisson": sim.model.neurons[3],
        "synapse": sim.model.synapses[7],
        "projection p": sim.projections["p"],
        "projection q": sim.projections["q"],
        "system": system,
        **{f"modulator {name}": getattr(system, name) for name in system.names},
        **{f"state of {name}": getattr(system, name).state for name in system.names},
    }


def others() -> dict[str, Any]:
    """Public objects that are no part of a simulation's state."""
    sim = world()
    own = sim.create(3, "lif", name="own", region="left")
    return {
        "population": own,
        "current": StepCurrent(sim, own, [1.0], [5.0]),
        "noise current": OUCurrent(sim, own, 0.0, 1.0, 5.0),
        "rates": RateSource(sim, sim.create(2, "poisson", region="left"), [1.0, 2.0], interval=5.0),
        "hook": sim.every(5.0, lambda _: None),
        "checkpoints": sim.checkpointing("checkpoints", every=5.0),
        "weights": SynapseMonitor(sim, "p"),
        "spikes": SpikeMonitor(sim),
        "samples": StateMonitor(sim, "v_membrane", every=5),
        "levels": LevelMonitor(sim),
        "rate": RateMonitor(sim),
        "replicas": sim.replicas(2),
        "critic": TDCritic(),
        "trials": RescorlaWagner(),
        "lone neuron": Neuron(id=0),
        "lone synapse": Synapse(pre_id=0, post_id=1),
        "lone system": NeuromodulationSystem(),
    }


def public(thing: Any) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


EVERY = [(owner, name) for owner, thing in parts(world()).items() for name in public(thing)]
REFUSED = (AttributeError, TypeError, ValueError, KeyError)


def other_value(value: Any) -> Any:
    """A value of the same kind that differs and is most likely allowed."""
    if isinstance(value, bool | np.bool_):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.5 if np.isfinite(value) and value else 0.25
    if isinstance(value, np.ndarray):
        return (
            np.where(np.isfinite(value), value * 0.5 + 0.125, value) if value.dtype.kind == "f" else value + 1
        )
    if isinstance(value, Mapping):
        return {name: other_value(each) for name, each in value.items()}
    if isinstance(value, str):
        return value + "_other"
    return ("dopamine",) if value is None else value


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")
    return bool(a == b)


def check_all_agree(sim: Simulation) -> str:
    """The running simulation, a copy and a restored state end alike."""
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    twin = sim.copy()
    for one in (sim, twin, again):
        for _ in range(60):
            one.step()
    assert sim.digest() == twin.digest() == again.digest()
    return sim.digest()


def outcome(sim: Simulation, name: str, write: Callable[[], None], untouched: str) -> str:
    """ "acts", "refused" (nothing was changed), or "refused later": by the next step, which names it."""
    error = None
    try:
        write()
    except REFUSED as refused:
        error = refused
    if error is not None:
        assert name in str(error), error
        assert check_all_agree(sim) == untouched
        return "refused"
    try:
        sim.copy().step()
    except ValueError as refused:
        error = refused
    if error is not None:
        assert re.search(rf"\b{name}\b", str(error)), error
        return "refused later"
    return "acts"


@pytest.fixture(scope="module")
def untouched() -> str:
    return check_all_agree(world())


@pytest.mark.parametrize(("owner", "name"), EVERY, ids=[f"{owner}.{name}" for owner, name in EVERY])
def test_every_public_attribute_acts_or_raises(owner: str, name: str, untouched: str) -> None:
    sim = world()
    thing = parts(sim)[owner]
    try:
        before = getattr(thing, name)
    except AttributeError:
        before = 0.0
    before = before.copy() if isinstance(before, np.ndarray) else before
    wanted: Any = "something" if callable(before) else other_value(before)
    wanted = {"external_input": 1000.0, "tau": 50.0}.get(name, wanted) if np.ndim(before) == 0 else wanted
    if outcome(sim, name, lambda: setattr(thing, name, wanted), untouched) == "acts":
        shown = getattr(thing, name)
        assert not callable(before)
        assert (
            equal(shown, wanted) or equal(shown, np.asarray(wanted, np.float32)) or isinstance(before, tuple)
        )
        # What acts on nothing by itself is at least kept and saved; threads change no bit.
        assert check_all_agree(sim) != untouched or name == "threads" or equal(before, wanted)


MAPPINGS = [
    *(("projection p", name) for name in ("rule_params", "short_term", "homeostatic")),
    *((f"neuron of {model}", "params") for model in ("lif", "izhikevich", "poisson")),
]


def test_every_public_mapping_is_walked_over() -> None:
    found = [
        (owner, name)
        for owner, name in EVERY
        if isinstance(getattr(parts_once[owner], name, None), MutableMapping)
        and not isinstance(getattr(parts_once[owner], name), dict)
        and getattr(parts_once[owner], name)
    ]
    assert sorted(found) == sorted(MAPPINGS)


parts_once = parts(world())


def entries() -> Iterator[tuple[str, str, str]]:
    for owner, name in MAPPINGS:
        for key in getattr(parts_once[owner], name):
            yield owner, name, key


@pytest.mark.parametrize(("owner", "name", "key"), list(entries()))
def test_every_entry_of_a_public_mapping_acts_or_raises(
    owner: str, name: str, key: str, untouched: str
) -> None:
    sim = world()
    mapping = getattr(parts(sim)[owner], name)
    wanted = other_value(mapping[key])
    if outcome(sim, key, lambda: mapping.__setitem__(key, wanted), untouched) == "acts":
        assert getattr(parts(sim)[owner], name)[key] == wanted
        assert check_all_agree(sim) != untouched


@pytest.mark.parametrize(("owner", "name"), MAPPINGS)
def test_a_mapping_takes_no_other_key_and_loses_none(owner: str, name: str) -> None:
    sim = world()
    mapping = getattr(parts(sim)[owner], name)
    before, first = dict(mapping), next(iter(mapping))
    with pytest.raises((KeyError, ValueError), match="tau_mm"):
        mapping["tau_mm"] = 1.0
    with pytest.raises(TypeError, match=first):
        del mapping[first]
    assert dict(mapping) == before


@pytest.mark.parametrize("reach", ["model.config", "projections", "releases", "receptors"])
def test_other_mappings_cannot_be_written(reach: str) -> None:
    sim = world()
    assert sim.neuromodulation is not None
    found: dict[str, Callable[[], Any]] = {
        "model.config": lambda: sim.model.config["areas"][0],
        "projections": lambda: sim.projections,
        "releases": lambda: sim.neuromodulation.releases[0],  # type: ignore[union-attr]
        "receptors": lambda: sim.model.neurons[45].receptors,
    }
    before = sim.digest()
    for write in (lambda m: m.__setitem__("name", "other"), lambda m: m.pop("name"), lambda m: m.clear()):
        with pytest.raises((TypeError, AttributeError)):
            write(found[reach]())
    assert sim.digest() == before


def test_the_configuration_is_a_dict_whose_copies_are_plain() -> None:
    config = world().model.config
    assert config == CONFIG
    assert json.loads(json.dumps(config)) == CONFIG
    for plain in (copy.deepcopy(config), pickle.loads(pickle.dumps(config)) | {}):
        plain["simulation"] = {"dt": 0.5}
    changed = copy.deepcopy(config)
    changed["areas"][0]["params"]["rate"] = 1.0
    assert type(changed["areas"][0]) is dict
    assert config["areas"][0]["params"]["rate"] == 60.0
    assert BrainModel(config=changed).config["areas"][0]["params"]["rate"] == 1.0
    assert isinstance(pickle.loads(pickle.dumps(config)), ReadOnlyDict)
    for write in (
        lambda: config["areas"].append({}),
        lambda: config["areas"].sort(),
        lambda: config.update({}),
        lambda: config["areas"][0].setdefault("x", 1),
    ):
        with pytest.raises(TypeError, match="config: is read-only"):
            write()


@pytest.mark.parametrize("owner", [*parts(world()), *others()])
def test_a_name_that_does_not_exist_raises_with_the_near_one(owner: str) -> None:
    thing = (parts(world()) | others())[owner]
    columns = {name for name in public(thing) if isinstance(getattr(thing, name, None), np.ndarray)}
    for name in columns if "collection" in type(thing).__name__.lower() else public(thing):
        if len(name) < 5:
            continue
        misspelt = name[:2] + name[3] + name[2] + name[4:]
        if misspelt == name or hasattr(thing, misspelt):
            continue
        with pytest.raises(AttributeError, match=misspelt) as caught:
            setattr(thing, misspelt, 1)
        assert "did you mean" in str(caught.value), name
        assert not hasattr(thing, misspelt)


@pytest.mark.parametrize("owner", list(others()))
def test_attributes_of_other_objects_are_read_only_or_checked(owner: str) -> None:
    thing = others()[owner]
    for name in public(thing):
        try:
            before = getattr(thing, name)
        except AttributeError:
            continue
        wanted = "something" if callable(before) else other_value(before)
        error = None
        try:
            setattr(thing, name, wanted)
        except REFUSED as refused:
            error = refused
        if error is None:
            assert equal(getattr(thing, name), wanted), name
        else:
            assert name in str(error), name
            assert callable(before) or equal(getattr(thing, name), before)


@pytest.mark.parametrize(
    ("owner", "name", "value", "hint"),
    [
        ("sim", "dt", 2.0, "Simulation.dt: is read-only; it is fixed when the simulation is made"),
        ("sim", "seed", 3, r"Simulation.seed: is read-only; it is fixed .* copy\(seed=...\)"),
        ("sim", "neuromodulation", None, "Simulation.neuromodulation: is read-only"),
        ("model", "seed", 3, "BrainModel.seed: no such attribute"),
        ("projection p", "leraning", True, "did you mean 'learning'"),
        ("projection p", "rule", "none", "learning = False"),
        ("projection p", "learning_rate", 0.1, r"did you mean rule_params\['learning_rate'\]\?"),
        ("projection p", "tau_plu", 0.1, r"did you mean rule_params\['tau_plus'\]\?"),
        ("projection p", "tau_rec", 0.1, r"did you mean short_term\['tau_rec'\]\?"),
        ("neurons", "v_membran", 1.0, "did you mean 'v_membrane'"),
        ("neurons", "id", 1, "neurons.id: is read-only"),
        ("synapses", "delay", 3, "synapses.delay: is read-only"),
        ("neuron of lif", "x", 3, "Neuron.x: is read-only"),
        ("neuron of poisson", "v_membrane", -50.0, "a poisson neuron has none"),
        ("modulator dopamine", "name", "x", "DopamineSystem.name: is read-only"),
        ("system", "dopamine", None, "NeuromodulationSystem.dopamine: is read-only"),
    ],
)
def test_what_is_said(owner: str, name: str, value: Any, hint: str) -> None:
    with pytest.raises(AttributeError, match=hint):
        setattr(parts(world())[owner], name, value)


def test_arrays_that_are_copies_of_state_cannot_be_written() -> None:
    sim = world()
    system, p = sim.neuromodulation, sim.projections["p"]
    assert system is not None
    arrays = [p.pre_id, p.post_id, p.delay, system.dopamine.state.level, system.dopamine.state.tonic]
    replicas = sim.replicas(2)
    arrays += [replicas.column("v_membrane"), replicas.weight("p"), replicas.level("dopamine")]
    for array in (*arrays, *(getattr(sim.model.neurons, name) for name in sorted(STRUCTURAL))):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


# ---- i_offset ------------------------------------------------------------------------------------------------


def population(model: str, n: int = 3, **keys: Any) -> Simulation:
    area = {"name": "A", "model": model, "coord_ranges": {"x": [0, n - 1], "y": [0, 0], **LINE}, **keys}
    sim = Simulation(BrainModel(config={"lattice_shape": [n, 1, 1, 1], "areas": [area]}), seed=1)
    sim.initialize_neurons(["A"])
    return sim


WITH_INPUT = ["lif", "lif_adaptive", "izhikevich", "adex", "adex_clopath", "lif_cond", "lif_nmda_gaba_b"]


@pytest.mark.parametrize("model", WITH_INPUT)
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_i_offset_is_an_external_input_in_every_step(model: str, noise: float) -> None:
    current = np.array([0.0, 7.0, 3000.0 if model.startswith("adex") else 300.0])
    lasting, by_step, by_run = (population(model) for _ in range(3))
    for sim in (lasting, by_step, by_run):
        sim.model.neurons.drive_noise[:] = noise
    lasting.model.neurons.i_offset[:] = current
    for _ in range(200):
        by_step.model.neurons.external_input[:] = current
        by_step.step()
    by_run.run(200, input=np.tile(current, (200, 1)))
    lasting.run(200)
    for name in ("v_membrane", "spike_count", "last_spike_time"):
        ours, step, run = (getattr(s.model.neurons, name) for s in (lasting, by_step, by_run))
        assert np.array_equal(ours, step)
        assert np.array_equal(ours, run)
    assert lasting.model.neurons.spike_count[2] > 5


def test_every_model_with_an_input_is_tested() -> None:
    from neuromod import _core

    assert {name for name, about in _core.neuron_models().items() if not about["is_source"]} == set(
        WITH_INPUT
    )


def test_i_offset_adds_to_an_external_input_and_gets_the_gain() -> None:
    system = NeuromodulationSystem()
    ends = []
    for offset, once in ((5.0, 4.0), (0.0, 9.0)):
        sim = Simulation(population("lif").model, seed=1, neuromodulation=system)
        sim.model.neurons.v_membrane[:] = -65.0
        sim.model.neurons.i_offset[:] = offset
        sim.model.neurons.external_input[:] = once
        sim.step()
        ends.append(sim.model.neurons.v_membrane.copy())
    assert np.array_equal(ends[0], ends[1])
    assert ends[0][0] > -65.0 + 9.0 * (1 - np.exp(-1 / 20.0)) * 1.5


def test_i_offset_is_set_in_all_places_where_a_parameter_is() -> None:
    sim = population("lif", params={"i_offset": 20.0})
    assert sim.model.neurons.i_offset.tolist() == [20.0] * 3
    neuron = sim.model.neurons[1]
    neuron.params["i_offset"] = 2.0
    assert neuron.i_offset == 2.0
    neuron.i_offset = 3.0
    assert sim.model.neurons.i_offset.tolist() == [20.0, 3.0, 20.0]
    base = {
        "lattice_shape": [3, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": {"x": [0, 2], "y": [0, 0], **LINE}}],
    }
    common = BrainModel(config={**base, "neuron_model": {"params_default": {"i_offset": 4.0}}})
    assert common.add_neuron(0, 0, 0, 0).i_offset == 4.0
    assert common.add_neuron(1, 0, 0, 0, params={"i_offset": 5.0}).i_offset == 5.0
    other = Simulation(common, seed=1)
    other.initialize_neurons(["A"], params={"i_offset": 6.0})
    assert common.neurons.i_offset.tolist() == [4.0, 5.0, 6.0]
    assert Neuron(id=0, i_offset=1.5).params["i_offset"] == 1.5
    with pytest.raises(ValueError, match="i_offset: must be finite"):
        neuron.i_offset = np.nan
    sim.model.neurons.i_offset[2] = np.inf
    with pytest.raises(ValueError, match=r"neurons\[2\].i_offset: must be finite"):
        sim.run(1)


def test_26_spikes_in_a_second_as_theory_says() -> None:
    """tau 20 ms, threshold 15 mV above rest and 20 mV above reset, current 20 mV, 5 ms refractory."""
    sim = population("lif", n=1, params={"i_offset": 20.0})
    wanted = 1000.0 / (20.0 * np.log(25.0 / 5.0) + 5.0)
    assert abs(sim.run(1000)["spike_counts"][0] - wanted) < 1.5


def test_an_external_input_that_meets_a_long_run_is_said_once() -> None:
    sim = population("lif")
    sim.model.neurons.external_input[1] = 20.0
    sim.step()
    sim.run(50)
    sim.model.neurons.external_input[1] = 20.0
    with pytest.warns(
        NeuromodWarning, match=r"external_input: acts in the first of the steps alone.*i_offset"
    ):
        sim.run(50)
    sim.model.neurons.external_input[1] = 20.0
    sim.run(50)


@pytest.mark.parametrize("model", ["poisson", "spike_source"])
def test_a_source_refuses_an_input(model: str) -> None:
    sim = population(model)
    neuron, before = sim.model.neurons[1], sim.digest()
    for name in ("i_offset", "external_input"):
        with pytest.raises(
            ValueError, match=f"{name}: must be 0, since a {model} neuron has no input; got 3.0"
        ):
            setattr(neuron, name, 3.0)
    with pytest.raises(ValueError, match="input: must be 0 for a source"):
        sim.run(2, input=np.ones((2, 2)), input_ids=[0, 1])
    assert sim.digest() == before
    for name in ("i_offset", "external_input", "drive_rate", "drive_noise"):
        getattr(sim.model.neurons, name)[1] = 3.0
        with pytest.raises(
            ValueError, match=rf"neurons\[1\].{name}: must be 0, since a {model} neuron has no input"
        ):
            sim.run(2)
        getattr(sim.model.neurons, name)[1] = 0.0
    sim.run(2, input=np.zeros((2, 3)), input_ids=[0, 1, 2])
    sim.run(2, input=np.ones((2, 3)))  # an array for all: what stands for a source is not read


def test_a_saved_state_of_before_has_no_i_offset() -> None:
    sim = population("lif")
    state = sim.to_dict()
    assert "i_offset" not in state["model"]["state"]["neurons"]
    assert Simulation.from_dict(state).model.neurons.i_offset.tolist() == [0.0] * 3
