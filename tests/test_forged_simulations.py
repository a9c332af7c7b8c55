"""Saved simulations that are wrong in one way each: the message names the place, the rule and what came."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_files import rewritten
from test_saved import unsigned

from neuromod import (
    BrainModel,
    ConfigError,
    FileError,
    LevelMonitor,
    NeuromodulationSystem,
    RateSource,
    Simulation,
    StateMonitor,
    SynapseMonitor,
)
from neuromod.state import unpack

Change = Callable[[Any], Any]


def network() -> Simulation:
    """Two populations, a plastic and a static projection, spikes and rates to come, two modulators' zones."""
    sim = Simulation(dt=1.0, seed=1, neuromodulation=NeuromodulationSystem())
    a = sim.create(6, name="A", positions="grid", receptors={"dopamine": 0.5})
    b = sim.create(4, "spike_source", name="B")
    sim.connect(a, a, probability=1.0, weight=0.1, rule="stdp", short_term=True, name="p")
    sim.connect(b, a, probability=1.0, weight=0.1, rule="none", name="q")
    sim.set_spike_times(b.ids, [[12.0], [13.0], [], [14.0]])
    sim.run(5)
    return sim


def unsealed(sim: Simulation) -> Any:
    """As a version of the package wrote it that had no sum."""
    state = json.loads(json.dumps(sim.to_dict()))
    for holder in (state, state["model"]):
        del holder["version"], holder["sha256"]
    return state


def refused(change: Change, message: str) -> None:
    state = unsealed(network())
    Simulation.from_dict(copy.deepcopy(state))
    change(state)
    with pytest.raises(ConfigError, match=message):
        Simulation.from_dict(state)


# ---- the model -----------------------------------------------------------------------------------------------------

MODEL: list[tuple[str, Change, str]] = [
    ("no state", lambda m: m.pop("state"), r"state\.model\.state: is required"),
    ("config", lambda m: m.update(config=[]), r"state\.model\.config: must be a configuration; got \[\]"),
]
STATE: list[tuple[str, Change, str]] = [
    ("projections", lambda s: s.update(projections={}), r"\.projections: must be a list; got \{\}"),
    (
        "name twice",
        lambda s: s["projections"][1].update(name="p"),
        r"each name must be another; got \['p', 'p'\]",
    ),
    (
        "number twice",
        lambda s: s["projections"][1].update(number=0),
        r"each number must be another; got \[0, 0\]",
    ),
    ("populations", lambda s: s.update(populations=3), r"\.state\.populations: must be a list; got 3"),
    (
        "receptors",
        lambda s: s["populations"][0].update(receptors=[]),
        r"populations\[0\]\.receptors: must be a mapping; got \[\]",
    ),
    (
        "ids",
        lambda s: s["populations"][0].update(ids=3),
        r"populations\[0\]\.ids: must be an array of type i8; got 3",
    ),
]
PROJECTION: list[tuple[str, Change, str]] = [
    ("name", lambda p: p.update(name=""), r"\[0\]\.name: must be a non-empty text; got ''"),
    ("name of no text", lambda p: p.update(name=3), r"\[0\]\.name: must be a non-empty text; got 3"),
    ("type", lambda p: p.pop("synapse_type"), r"\[0\]\.synapse_type: is required"),
    ("bounds", lambda p: p.update(bounds=[0.0]), r"\[0\]\.bounds: must be weight_min, .*; got \[0\.0\]"),
    ("bounds of no list", lambda p: p.update(bounds=1), r"\[0\]\.bounds: must be weight_min, .*; got 1"),
    ("learning", lambda p: p.update(learning=1), r"\[0\]\.learning: must be true or false; got 1"),
    ("short_term", lambda p: p.update(short_term=[]), r"\[0\]\.short_term: must be a mapping; got \[\]"),
    ("post", lambda p: shorter(p["post"]), r"\[0\]\.post: must be as long as pre, 30; got 29"),
    (
        "rows",
        lambda p: p["rows"].update(count=1),
        r"\[0\]\.rows: must be neurons that hold all of pre; got 1 from 0",
    ),
    (
        "rows too far",
        lambda p: p["rows"].update(first=9),
        r"rows: must be neurons that hold all of pre; got 6 from 9",
    ),
    (
        "rows' delay",
        lambda p: p["rows"].update(delay=0),
        r"rows\.delay: must be a whole number from 1 to 65535; got 0",
    ),
]


def shorter(array: dict[str, Any]) -> None:
    """One value less."""
    array["values"].pop()
    array["shape"][0] -= 1


def ids_of(table: list[tuple[str, Change, str]]) -> list[str]:
    return [row[0] for row in table]


@pytest.mark.parametrize(("name", "change", "message"), MODEL, ids=ids_of(MODEL))
def test_what_is_no_model_is_refused(name: str, change: Change, message: str) -> None:
    refused(lambda state: change(state["model"]), message)


@pytest.mark.parametrize(("name", "change", "message"), STATE, ids=ids_of(STATE))
def test_what_is_no_state_of_a_model_is_refused(name: str, change: Change, message: str) -> None:
    refused(lambda state: change(state["model"]["state"]), message)


@pytest.mark.parametrize(("name", "change", "message"), PROJECTION, ids=ids_of(PROJECTION))
def test_what_is_no_projection_is_refused(name: str, change: Change, message: str) -> None:
    refused(lambda state: change(state["model"]["state"]["projections"][0]), message)


def test_a_sealed_projection_without_rows_is_refused() -> None:
    """Only a state from before there were sums may lack them."""
    from neuromod.state import sealed

    content = json.loads(json.dumps(network().model.to_dict()))
    plain = {name: content[name] for name in ("format", "models", "config", "state")}
    del plain["state"]["projections"][1]["rows"]
    resealed = sealed({**plain, "state": unpack(plain["state"])})
    with pytest.raises(ConfigError, match=r"^state\.state\.projections\[1\]\.rows: is required$"):
        BrainModel.from_dict({**resealed, "state": plain["state"]})


def test_a_neuron_of_no_site_and_no_population_shows_no_position() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    sim.initialize_neurons(["V1_like"], density=0.0005)
    state = unsealed(sim)
    neurons = state["model"]["state"]["neurons"]
    for axis in "xyzw":
        neurons[axis]["values"][0] = -1
    cells = Simulation.from_dict(state).model.neurons
    first, second = cells[0], cells[1]
    assert "position" not in repr(first) and "position=(" in repr(second)


# ---- the simulation ------------------------------------------------------------------------------------------------

SIMULATION: list[tuple[str, Change, str]] = [
    (
        "rates",
        lambda s: s.update(rates=3),
        r"simulation\.rates: must be a list of rates that vary in time; got 3",
    ),
    (
        "dt and rates",
        lambda s: s.update(rates=[{}], dt="1"),
        r"^state\.simulation\.dt: must be a number .*; got '1'$",
    ),
    ("no schedule", lambda s: s.pop("schedule"), r"simulation\.schedule: is required"),
    ("schedule", lambda s: s.update(schedule=[1]), r"simulation\.schedule: must be steps and ids; got \[1\]"),
    (
        "schedule of no list",
        lambda s: s.update(schedule=1),
        r"simulation\.schedule: must be steps and ids; got 1",
    ),
    (
        "as many ids",
        lambda s: shorter(s["schedule"][1]),
        r"schedule\.ids: must be as long as steps, 3; got 2",
    ),
    (
        "steps gone by",
        lambda s: s["schedule"][0]["values"].__setitem__(0, 1),
        r"simulation\.schedule: must be steps to come, ascending",
    ),
    ("keys", lambda s: s["engine"].update({3: 4}), r"simulation\.engine: keys must be text; got 3"),
    (
        "a type",
        lambda s: s.update(rates=[{"dtype": "|b1", "shape": [1], "values": [2]}]),
        r"rates\[0\]\.values: must be numbers of type \|b1; got \[2\]",
    ),
]


@pytest.mark.parametrize(("name", "change", "message"), SIMULATION, ids=ids_of(SIMULATION))
def test_what_is_no_simulation_is_refused(name: str, change: Change, message: str) -> None:
    refused(lambda state: change(state["simulation"]), message)


def test_a_pickled_simulation_takes_no_other_system() -> None:
    """What stands for the system in the content must be there exactly where a system came with it."""
    from neuromod.saved import content_of, simulation_again

    sim = Simulation(dt=1.0, seed=1)
    sim.create(3)
    content = content_of(sim)
    assert content["simulation"]["neuromodulation"] is None
    with pytest.raises(ConfigError, match=r"neuromodulation: must be that of the system that came with it"):
        simulation_again(Simulation, sim.model.copy(), NeuromodulationSystem(), content, 1)
    assert simulation_again(Simulation, sim.model.copy(), None, content, 1).digest() == sim.digest()


# ---- the beginning -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moved() -> dict[str, Any]:
    """The state of a simulation that has moved on, with a schedule of spikes and rates that vary."""
    sim = Simulation(seed=1, neuromodulation=NeuromodulationSystem())
    a, b = sim.create(3, "poisson", name="A"), sim.create(3, "lif", name="B")
    c = sim.create(2, "spike_source", name="C")
    sim.connect(a, b, probability=1.0, weight=0.5, rule="stdp", name="p")
    RateSource(sim, a, [10.0, 20.0], interval=5.0)
    sim.set_spike_times(c, [[7.0], [8.0, 9.0]])
    sim.run(3)
    return unsigned(sim.to_dict())


BEGINNING = ("simulation", "beginning")
MOVED: dict[str, tuple[tuple[Any, ...], Callable[[Any], Any], str]] = {
    "no level": (BEGINNING, lambda s: s.pop("level"), "simulation.beginning.level: is required"),
    "neurons": (BEGINNING, lambda s: s.update(neurons=3), "beginning.neurons: must be a list; got 3"),
    "ids": ((*BEGINNING, "neurons", 0), lambda s: s.update(id="all"), "beginning.neurons[0].id: must be"),
    "column": (
        (*BEGINNING, "neurons", 0, "columns"),
        lambda s: s.update(wings=s["age"]),
        "beginning.neurons[0].columns.wings: unknown",
    ),
    "levels": (BEGINNING, lambda s: s.update(level=np.full(2, 0.5)), "beginning.level: must have 3 entries"),
    "schedule": (
        (*BEGINNING, "schedule"),
        lambda s: s.update(ids=np.arange(1)),
        "beginning.schedule.ids: must be as long as steps, 3; got ",
    ),
    "no schedule": (
        (*BEGINNING, "schedule"),
        lambda s: s.update(ids="all"),
        "beginning.schedule.ids: must be",
    ),
    "no steps of rates": (
        ("simulation", "rates", 0),
        lambda s: s.update(steps=None),
        "simulation.rates[0].steps: must be",
    ),
    "no rates": (
        ("simulation", "rates", 0),
        lambda s: s.update(rates="fast"),
        "simulation.rates[0].rates: must be",
    ),
}


def test_an_unchanged_state_comes_back(moved: dict[str, Any]) -> None:
    again = Simulation.from_dict(unsigned(moved))
    assert again.current_step == 3
    again.reset()
    assert again.current_step == 0 and len(again.model.neurons) == 8


@pytest.mark.parametrize("what", MOVED)
def test_a_changed_beginning_is_refused(what: str, moved: dict[str, Any]) -> None:
    path, spoil, message = MOVED[what]
    state = unsigned(moved)
    place: Any = state
    for key in path:
        place = place[key]
    spoil(place)
    with pytest.raises(ConfigError, match=re.escape(message)):
        Simulation.from_dict(state)


# ---- monitors in files ---------------------------------------------------------------------------------------------


def saved_with(tmp_path: Path, *make: Callable[[Simulation], Any]) -> Path:
    sim = network()
    kept = [each(sim) for each in make]
    sim.run(3)
    sim.save(tmp_path / "good.npz")
    assert len(Simulation.load(tmp_path / "good.npz").monitors) == len(kept)
    return tmp_path / "good.npz"


def changed(path: Path, change: Change) -> Path:
    """The file with another record of its first monitor, whose own sum is right."""
    return rewritten(
        path, path.with_name("forged.npz"), lambda file: change(file["content"]["monitors"][0]["own"])
    )


MONITORS: list[tuple[Callable[[Simulation], Any], Change, str]] = [
    (
        lambda sim: StateMonitor(sim, "v_membrane", [0, 1]),
        lambda own: own.update(variable=3),
        r"monitors\[0\]\.own\.variable: must be the name of a column; got 3$",
    ),
    (
        LevelMonitor,
        lambda own: own.update(names=["x"]),
        r"own\.names: must be that of the modulators; got \['x'\]$",
    ),
    (
        lambda sim: SynapseMonitor(sim, sim.projections["p"]),
        lambda own: own.update(ends=[1]),
        r"own\.ends: must be the ids of sources and targets; got \[1\]$",
    ),
    (
        lambda sim: SynapseMonitor(sim, sim.projections["p"]),
        lambda own: own.update(ends=3),
        r"own\.ends: must be the ids of sources and targets; got 3$",
    ),
    (
        lambda sim: SynapseMonitor(sim, sim.projections["p"]),
        lambda own: own.update(projection=3),
        r"own\.projection: must be the name of a projection, and of a variable; got \(3, 'weight'\)$",
    ),
    (
        lambda sim: SynapseMonitor(sim, sim.projections["p"]),
        lambda own: own.update(variable=3),
        r"own\.projection: must be the name of a projection, and of a variable; got \('p', 3\)$",
    ),
    (
        lambda sim: SynapseMonitor(sim, sim.projections["p"]),
        lambda own: own.update(projection="r"),
        r"own\.projection: must be one of the network's; got 'r'$",
    ),
]


@pytest.mark.parametrize(("make", "change", "message"), MONITORS)
def test_what_is_no_monitor_is_refused(make: Any, change: Change, message: str, tmp_path: Path) -> None:
    forged = changed(saved_with(tmp_path, make), change)
    with pytest.raises(FileError, match=message) as caught:
        Simulation.load(forged)
    assert str(caught.value).startswith(f"{forged}: monitors[0]")


def test_a_monitor_without_a_kind_is_refused(tmp_path: Path) -> None:
    good = saved_with(tmp_path, LevelMonitor)
    forged = rewritten(good, tmp_path / "forged.npz", lambda file: file["content"]["monitors"][0].pop("kind"))
    with pytest.raises(FileError, match=r"monitors\[0\]\.kind: is required$"):
        Simulation.load(forged)


def test_a_monitor_of_synapses_that_are_all_gone_comes_back(tmp_path: Path) -> None:
    sim = network()
    monitor = SynapseMonitor(sim, sim.projections["q"])
    sim.run(2)
    sim.remove_projection("q")
    sim.run(2)
    sim.save(tmp_path / "a.npz")
    again = Simulation.load(tmp_path / "a.npz").monitors[0]
    assert np.array_equal(again.values, monitor.values, equal_nan=True) and np.isnan(again.values[-1]).all()


def test_a_monitor_of_a_class_of_ones_own_is_not_saved(tmp_path: Path) -> None:
    class Own(StateMonitor):
        pass

    sim = network()
    monitor = Own(sim, "v_membrane", [0])
    with pytest.raises(TypeError, match=r"^save: holds monitors of the classes SpikeMonitor, .*; got Own$"):
        sim.save(tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists() and monitor.values.shape == (0, 1)
