"""Saved states that somebody has changed: what is wrong is named, with its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_saved import through_json, unsigned

from neuromod import ConfigError, NeuromodulationSystem, RateSource, RescorlaWagner, Simulation, TDCritic


def system(**changes: Any) -> dict[str, Any]:
    """A system's state without its seal."""
    made = NeuromodulationSystem(["a", "b"])
    made.add_release("dopamine", ["V1_like"], 0.01)
    state = through_json(made.to_dict())
    del state["version"], state["sha256"]
    return state | changes


SYSTEMS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "name": (
        lambda s: s["declared"].update({"No Name": {}}),
        "declared: must have names of modulators; got 'No Name'",
    ),
    "reserved name": (
        lambda s: s["declared"].update(names={}),
        "declared: must have names of modulators; got 'names'",
    ),
    "known name": (
        lambda s: s["declared"].update(dopamine={"response": "linear", "targets": ["gain"], "offset": 0.0}),
        "declared.dopamine: must not be a registered modulator",
    ),
    "no target": (
        lambda s: s["declared"].update(own={"response": "linear", "targets": [], "offset": 0.0}),
        "declared.own.targets: must be one or more; got []",
    ),
    "neutral": (
        lambda s: s["modulators"]["dopamine"].update(neutral=1),
        "modulators.dopamine.neutral: must be true or false; got 1",
    ),
    "neutral at nothing": (
        lambda s: s["modulators"]["dopamine"].update(neutral=True, baseline=[0.5, 0.0]),
        "modulators.dopamine.neutral: must have a factor > 0 at the baseline to divide by; got the baseline 0.0",
    ),
    "releases": (lambda s: s.update(releases={"0": 1}), "releases: must be a list; got "),
    "release": (lambda s: s["releases"][0].pop("amount"), "releases[0].amount: is required"),
}


@pytest.mark.parametrize("what", SYSTEMS)
def test_a_changed_system_is_refused(what: str) -> None:
    spoil, message = SYSTEMS[what]
    state = system()
    good = NeuromodulationSystem.from_dict(state)
    assert good.regions == ("a", "b") and good.to_dict()["releases"] == state["releases"]
    spoil(state)
    with pytest.raises(ConfigError, match=re.escape(message)):
        NeuromodulationSystem.from_dict(state)


TABLES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "features alone": (lambda t: t.pop("keys"), "keys: is required"),
    "no features": (lambda t: t.pop("features"), "features: is required"),
    "a key alone": (lambda t: t.update(keys=["a"]), "keys: must be pairs of a key and a number"),
    "three": (lambda t: t.update(keys=[["a", 0.5, 0.5]]), "keys: must be pairs of a key and a number"),
    "no number": (lambda t: t.update(keys=[["a", True]]), "keys: must be pairs of a key and a number"),
    "no double": (lambda t: t.update(keys=[["a", 2**60]]), "keys: must be pairs of a key and a number"),
    "twice": (
        lambda t: t.update(keys=[["a", 0.5], ["a", 0.25]]),
        "keys: must be different keys, with numbers from",
    ),
    "a text of features": (lambda t: t.update(features="0.5"), "features: must be numbers; got '0.5'"),
    "no numbers": (lambda t: t.update(features=[0.5, None]), "features: must be numbers; got [0.5, None]"),
}


@pytest.mark.parametrize("table", ["weights", "traces", "salience"])
@pytest.mark.parametrize("what", TABLES)
def test_a_changed_table_of_a_critic_is_refused(what: str, table: str) -> None:
    critic: Any = RescorlaWagner(salience={"a": 0.5}) if table == "salience" else TDCritic(trace_decay=0.5)
    critic.update("a", 1.0)
    state = through_json(critic.to_dict())
    del state["version"], state["sha256"]
    spoil, message = TABLES[what]
    spoil(state[table])
    with pytest.raises(
        ConfigError, match=re.escape(f"state.{table}.{message}" if message[0] != "s" else message)
    ):
        type(critic).from_dict(state)


def test_a_salience_beyond_one_is_refused() -> None:
    state = through_json(RescorlaWagner(salience={"a": 0.5}).to_dict())
    del state["version"], state["sha256"]
    state["salience"]["keys"][0][1] = 1.5
    rule = r"state\.salience\.keys: must be different keys, with numbers from 0\.0 to 1\.0"
    with pytest.raises(ConfigError, match=rule):
        RescorlaWagner.from_dict(state)


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


def test_features_of_a_critic_come_back() -> None:
    critic = RescorlaWagner()
    critic.update([1.0, 2.0], 1.0)
    state = through_json(critic.to_dict())
    again = RescorlaWagner.from_dict(state)
    assert again.value([1.0, 2.0]) == critic.value([1.0, 2.0]) != 0.0
