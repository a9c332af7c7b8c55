"""Saved systems of modulators and critics that somebody has changed: what is wrong is named, with its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from test_saved import through_json

from neuromod import ConfigError, NeuromodulationSystem, RescorlaWagner, TDCritic


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


def test_features_of_a_critic_come_back() -> None:
    critic = RescorlaWagner()
    critic.update([1.0, 2.0], 1.0)
    state = through_json(critic.to_dict())
    again = RescorlaWagner.from_dict(state)
    assert again.value([1.0, 2.0]) == critic.value([1.0, 2.0]) != 0.0
