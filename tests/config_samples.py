"""Configurations that are wrong in one way each, and the message that says so; used by the tests of configurations."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from neuromod import _core
from neuromod.config import load
from neuromod.errors import ConfigError


def put(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
    place: Any = content
    for key in parents:
        place = place[key]
    place[last] = value
    return content


def problems_of(source: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(source)
    return caught.value.problems


def written(folder: Path, content: bytes | str, name: str = "brain.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Path of the change, value, and the message after its path (or, after "= ", the whole message).
MISTAKES: list[tuple[str, Any, str]] = [
    ("neuron_model.params_default.tau_mm", 1, "unknown key; did you mean 'tau_m'?"),
    ("neuron_model.params_default.tau_m", "3", "must be a number > 0 ms; got '3'"),
    ("neuron_model.params_default.tau_m", True, "must be a number > 0 ms; got True"),
    ("neuron_model.params_default.tau_m", math.nan, "must be > 0 ms; got nan"),
    ("neuron_model.params_default.tau_m", -3.0, "must be > 0 ms; got -3.0"),
    ("neuron_model.params_default.v_rest", [1], "must be a finite number, in mV; got [1]"),
    ("neuron_model.params_default.v_rest", -math.inf, "must be finite, in mV; got -inf"),
    ("neuron_model.params_default.tau_m", 10**400, "must be > 0 ms; got an integer of 1329 bits"),
    ("neuron_model.params_default", 3, "must be an object; got 3"),
    ("neuron_model.params_default.v_threshold", -71, "must be > v_reset (-70.0 mV); got -71.0"),
    (
        "neuron_model.params_default",
        {"v_reset": -50.0},
        "= neuron_model.params_default.v_reset: must be < v_threshold (-50.0 mV, the default); got -50.0",
    ),
    (
        "neuron_model.type",
        "liff",
        "must be a neuron model, one of {models}; got 'liff' (did you mean 'lif'?)",
    ),
    ("neuron_model.type", 3, "must be text; got 3"),
    ("neuron_model.inhibitory_fraction", 1.5, "must be <= 1; got 1.5"),
    ("neuron_model", None, "must be an object; got None"),
    ("lattice_shape", [20, 20, 20], "= lattice_shape[3]: is required; got nothing"),
    ("lattice_shape.0", 0, "must be >= 1; got 0"),
    ("lattice_shape.2", 20.5, "must be a whole number; got 20.5"),
    ("lattice_shape", "20", "must be an array; got '20'"),
    ("areas", {}, "must be an array of at most 4096 areas; got {}"),
    ("areas", None, "must be an array of at most 4096 areas; got None"),
    ("areas.3", "A1", "must be an object; got 'A1'"),
    ("areas.1.coord_ranges.x", [0, 20], "must lie in the lattice, 0 .. 19; got [0, 20]"),
    ("areas.1.coord_ranges.x", [-1, 3], "= areas[1].coord_ranges.x[0]: must be >= 0; got -1"),
    ("areas.1.coord_ranges.x", [3, 1], "must go from low to high; got [3, 1]"),
    ("areas.1.coord_ranges.x", [3], "= areas[1].coord_ranges.x[1]: is required; got nothing"),
    ("areas.1.coord_ranges.x", 3, "must be an array; got 3"),
    ("areas.1.coord_ranges.v", [0, 0], "unknown key; known are w, x, y, z"),
    ("areas.3.name", "V1_like", "must differ from areas[0].name; got 'V1_like'"),
    ("areas.3.name", "", "must be at least 1 character long; got ''"),
    ("areas.1.neuron_type", "exc", "must be 'excitatory' or 'inhibitory'; got 'exc'"),
    ("areas.1.densty", 0.5, "unknown key; did you mean 'density'?"),
    ("areas.1.density", 1.5, "must be <= 1; got 1.5"),
    ("areas.1.model", "LIIF", "must be a neuron model, one of {models}; got 'LIIF' (did you mean 'lif'?)"),
    ("areas.1.params", {"tau_n": 3}, "= areas[1].params.tau_n: unknown key; did you mean 'tau_m'?"),
    (
        "areas.1.params",
        {"v_reset": -40},
        "= areas[1].params.v_reset: must be < v_threshold (-50.0 mV); got -40.0",
    ),
    ("areas.1.drive", {"rate": -1}, "= areas[1].drive.rate: must be >= 0 Hz; got -1"),
    ("areas.1.drive", {"weigth": 1}, "= areas[1].drive.weigth: unknown key; did you mean 'weight'?"),
    ("areas.1.sense", "auditon", "must be the name of a sense; got 'auditon'; did you mean 'audition'?"),
    (
        "areas.4.coord_ranges.w",
        [0, 0],
        "= areas[4].coord_ranges: must not share sites with areas[0] ('V1_like'); "
        "got x 0 .. 19, y 0 .. 19, z 0 .. 19, w 0 .. 0 in both",
    ),
    ("senses.vision.areal", "V2_like", "must be the name of an area; got 'V2_like'; did you mean 'V1_like'?"),
    ("senses.vision.w_index", 1, "must lie in the area's range of w, 0 .. 0; got 1"),
    ("senses.vision.input_size", [20, 0], "= senses.vision.input_size[1]: must be >= 1; got 0"),
    ("senses", [], "must be an object; got []"),
    ("senses.my eye", {}, "= senses['my eye'].areal: is required; got nothing"),
    ("background_drive.rate", -1, "must be >= 0 Hz; got -1"),
    ("background_drive.rate", 10000000.0, "must be <= 1000000 Hz; got 10000000.0"),
    ("background_drive.weight", math.inf, "must be finite, in mV; got inf"),
    (
        "plasticity.rule",
        "hebian",
        "must be a rule of plasticity, one of {rules}; got 'hebian' (did you mean 'hebbian'?)",
    ),
    ("plasticity.tau_plus", 3, "unknown key for rule 'hebbian'; it is a parameter of {with_tau_plus}"),
    ("plasticity.learning_rat", 3, "unknown key; did you mean 'learning_rate'?"),
    ("plasticity.weight_min", 2, "must be <= weight_max (1.0 mV); got 2.0"),
    ("plasticity.weight_decay", -0.1, "must be >= 0; got -0.1"),
    ("plasticity.rul", "stdp", "unknown key; did you mean 'rule'?"),
    ("plasticity.enabled", 3, "must be true or false; got 3"),
    ("neuron_model.model_type", "lif", "unknown key; did you mean 'type'?"),
    ("neuron_model.tau_m", 10.0, "must stand in params_default, as tau_m"),
    ("neuron_model.tau_membrane", 10.0, "must stand in params_default, as tau_m"),
    ("neuron_model.params_default.tau_membrane", 10.0, "unknown key; did you mean 'tau_m'?"),
    ("areas.0.bounds", {}, "unknown key; did you mean 'coord_ranges'?"),
    ("neuromodulation.enabled", 1, "must be true or false; got 1"),
    ("neuromodulation.dopamin", {}, "unknown key; did you mean 'dopamine'?"),
    ("neuromodulation.dopamine.bsaeline", 1, "unknown key; did you mean 'baseline'?"),
    ("neuromodulation.dopamine.baseline", 1.5, "must be between 0 and 1; got 1.5"),
    (
        "neuromodulation.dopamine.tau",
        50,
        "= neuromodulation.dopamine: must have decay_rate or tau, not both; got 0.1 and 50 ms",
    ),
    ("neuromodulation.dopamine", 3, "must be an object; got 3"),
    ("simulation.dt", 0, "must be a number > 0 ms, from 1e-09 to 1e+15; got 0"),
    ("simulation.seed", 2**64, "must be <= 18446744073709551615; got 18446744073709551616"),
    ("simulation.threads", 2, "unknown key; known are dt, seed"),
    ("experiment", [], "must be an object; got []"),
    ("elsewhere", {"a": [1.0, math.nan]}, "= elsewhere.a[1]: must be finite; got nan"),
    ("elsewhere", {3: 4}, "must have text for keys; got 3"),
    ("elsewhere", object, "must be a JSON value; got <class 'object'>"),
]


def json_path(path: str) -> str:
    return re.sub(r"\.(\d+)", r"[\1]", path)


def expected_message(path: str, message: str) -> str:
    rules = _core.plasticity_rules()
    message = message[2:] if message.startswith("= ") else f"{json_path(path)}: {message}"
    for word, names in (
        ("{models}", _core.neuron_models()),
        ("{rules}", ["none", *rules]),
        ("{with_tau_plus}", [name for name in rules if "tau_plus" in rules[name]["params"]]),
    ):
        message = message.replace(word, ", ".join(names))
    return message
