"""Configurations: what is read, what is refused and in which words, what is only warned of."""

from __future__ import annotations

import copy
import json
import math
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import _core, config, config_checks, config_read
from neuromod.config import check_neuromodulation, check_params, check_rule, json_schema, load, nearest
from neuromod.errors import ConfigError, NeuromodWarning

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def shipped_once() -> dict[str, Any]:
    return load("brain_base_model.json")[0]


@pytest.fixture
def shipped(shipped_once: dict[str, Any]) -> dict[str, Any]:
    """The shipped configuration, free to be spoilt."""
    return copy.deepcopy(shipped_once)


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


# ---- what is right -----------------------------------------------------------------------------------------


def test_shipped_configuration_loads_by_bare_name_without_a_warning():
    raw, checked = load("brain_base_model.json")
    assert checked.lattice_shape == (20, 20, 20, 20)
    assert [area.name for area in checked.areas][:2] == ["V1_like", "A1_like"]
    assert {area.n_sites for area in checked.areas} == {8000}
    assert {name: sense.areal for name, sense in checked.senses.items()} == {
        "vision": "V1_like",
        "audition": "A1_like",
        "touch": "S1_like",
    }
    assert checked.experiment == raw["experiment"]


def test_shipped_parameters_are_the_tables_defaults():
    """The file shows the defaults to its reader, so it must not drift from the C tables."""
    raw, checked = load("brain_base_model.json")
    assert check_params("lif", raw["neuron_model"]["params_default"]) == check_params("lif")
    assert checked.neuromodulation == check_neuromodulation({})


def test_a_file_goes_before_the_shipped_one(tmp_path, shipped, monkeypatch):
    written(tmp_path, json.dumps(put(shipped, "lattice_shape", [30, 20, 20, 20])), "brain_base_model.json")
    monkeypatch.chdir(tmp_path)
    assert load("brain_base_model.json")[1].lattice_shape[0] == 30
    assert load(Path("brain_base_model.json"))[1].lattice_shape[0] == 30


def test_raw_is_a_plain_deep_copy_with_nothing_dropped(shipped):
    shipped["visualisation"] = {"colours": ["red", {"deep": None}]}
    raw, _ = load(shipped)
    assert raw == shipped
    raw["areas"][0]["name"] = "changed"
    assert shipped["areas"][0]["name"] == "V1_like"


def test_numpy_numbers_and_tuples_count_as_json(shipped):
    put(shipped, "lattice_shape", np.array([20, 20, 20, 20]))
    put(shipped, "areas.0.coord_ranges.x", (np.int64(0), 19))
    put(shipped, "neuron_model.params_default.tau_m", np.float32(12.5))
    raw, checked = load(shipped)
    assert raw["lattice_shape"] == [20, 20, 20, 20] and type(raw["lattice_shape"]) is list
    assert type(raw["areas"][0]["coord_ranges"]["x"][0]) is int
    assert checked.neuron_model.params_default["tau_m"] == 12.5


def test_byte_order_mark_is_skipped(tmp_path, shipped):
    path = written(tmp_path, b"\xef\xbb\xbf" + json.dumps(shipped).encode())
    assert load(path)[0] == shipped


def test_least_configuration_has_documented_defaults():
    area = {"name": "A", "coord_ranges": {axis: [0, 1] for axis in "xyzw"}}
    _, checked = load({"lattice_shape": [2, 2, 2, 2], "areas": [area]})
    assert (checked.neuron_model.type, checked.neuron_model.inhibitory_fraction) == ("lif", 0.0)
    assert (checked.drive.rate, checked.drive.weight) == (0.0, 0.0)
    assert (checked.plasticity.rule, checked.plasticity.params) == ("none", {})
    assert (checked.plasticity.weight_min, checked.plasticity.weight_max) == (0.0, 1.0)
    assert checked.neuromodulation["enabled"] is True and checked.senses == {}
    assert (checked.simulation.dt, checked.simulation.seed, checked.experiment) == (1.0, None, None)


def test_config_cannot_be_changed(shipped):
    _, checked = load(shipped)
    with pytest.raises(ValueError, match="frozen"):
        checked.simulation.dt = 0.1
    with pytest.raises(ValueError, match="frozen"):
        checked.areas = ()


def test_repr_is_one_line(shipped):
    text = repr(load(shipped)[1])
    assert text == "Config(lattice=20x20x20x20, areas=6, model='lif', rule='hebbian', dt=1 ms)"


# ---- a file from elsewhere ---------------------------------------------------------------------------------


def test_file_from_elsewhere_loads_and_says_what_is_not_acted_on():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        raw, checked = load(DATA / "foreign_brain.json")
    assert raw == json.loads((DATA / "foreign_brain.json").read_text(encoding="utf-8"))
    assert checked.neuron_model.type == "lif"
    assert checked.neuron_model.params_default["v_threshold"] == -52.5
    assert checked.plasticity.rule == "hebbian" and checked.plasticity.params == {"learning_rate": 0.002}
    assert checked.neuromodulation["serotonin"]["inhibition_strength"] == 0.5
    assert checked.area("Hippocampus_like").n_sites == 24 * 24 * 8 * 3
    assert all(w.category is NeuromodWarning for w in caught)
    assert all(Path(w.filename) == Path(__file__) for w in caught), "a warning stands at the user's line"
    assert sorted(str(w.message).split(":")[0] for w in caught) == [
        "cell_lifecycle",
        "plasticity.homeostatic",
        "plasticity.short_term",
        "senses.vision",
    ]


@pytest.mark.parametrize(
    "section", [{"enabled": False, "enable_death": True}, {"enable_death": False}, {"enabled": False}]
)
def test_life_cycle_that_is_off_is_no_warning(shipped, section):
    load(put(shipped, "cell_lifecycle", section))


@pytest.mark.parametrize("section", [{}, {"max_age": 9}, {"enable_death": True}, {"enabled": True}, [1]])
def test_life_cycle_that_is_on_is_one_warning(shipped, section):
    with pytest.warns(NeuromodWarning, match="^cell_lifecycle: not acted on yet") as caught:
        load(put(shipped, "cell_lifecycle", section))
    assert len(caught) == 1


def test_misspelt_section_is_warned_of(shipped):
    shipped["neuromodulaton"] = shipped.pop("neuromodulation")
    shipped["metadata"] = {"author": "me"}
    with pytest.warns(NeuromodWarning) as caught:
        load(shipped)
    assert [str(w.message) for w in caught] == [
        "neuromodulaton: unknown section, not acted on; did you mean 'neuromodulation'?"
    ]


def test_parameters_of_a_rule_that_is_off_are_one_warning(shipped):
    with pytest.warns(NeuromodWarning, match="'none'; not acted on: learning_rate, tau_plus") as caught:
        load(put(shipped, "plasticity", {"rule": "none", "learning_rate": 0.1, "tau_plus": 20}))
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("neuron_model.params_default.tau_m", 0.02, "neuron_model.params_default.tau_m: is in ms.*seconds"),
        ("areas.1.params", {"v_threshold": -0.05}, r"areas\[1\].params.v_threshold: is in mV.*volts"),
        ("dimensions", 3, "dimensions: not acted on, a lattice has 4; got 3"),
    ],
)
def test_what_looks_unintended_is_warned_of(shipped, path, value, words):
    with pytest.warns(NeuromodWarning, match=words) as caught:
        load(put(shipped, path, value))
    assert len(caught) == 1


# ---- ten bad configurations --------------------------------------------------------------------------------

UNREADABLE = {
    "bad JSON": (
        b'{\n  "lattice_shape": [20, 20 20, 20]\n}',
        "brain.json, line 2, column 28: must be JSON (Expecting ',' delimiter); got '20, 20]'",
    ),
    "empty file": (b" \n", "brain.json: must be a JSON object; got an empty file"),
    "10^4 brackets": (b"[" * 10**4, "brain.json: must be nested at most 64 deep; got far more"),
    "10^5 objects": (b'{"a":' * 10**5, "brain.json: must be nested at most 64 deep; got far more"),
    "65 brackets": (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "brain.json: must be nested at most 64 deep; got more"),
    "not UTF-8": (b'{"a": "\xff"}', "brain.json: must be UTF-8; got byte 0xff at position 7"),
    "UTF-16": ("{}".encode("utf-16"), "brain.json: must be UTF-8; got byte 0xff at position 0"),
    "cut short": (b'{"areas": [', "brain.json, line 1, column 12: must be JSON (Expecting value); got the end of the file"),
    "no object": (b"[1, 2]", "configuration: must be an object; got [1, 2]"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file(tmp_path, name):
    content, message = UNREADABLE[name]
    path = written(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems == (message,)
    assert caught.value.__notes__ == [f"in {path}"]


# path of the change, value, message
MISTAKES = [
    ("neuron_model.params_default.tau_mm", 1, "neuron_model.params_default.tau_mm: unknown key; did you mean 'tau_m'?"),
    ("neuron_model.params_default.tau_m", "3", "neuron_model.params_default.tau_m: must be a number > 0 ms; got '3'"),
    ("neuron_model.params_default.tau_m", True, "neuron_model.params_default.tau_m: must be a number > 0 ms; got True"),
    ("neuron_model.params_default.tau_m", math.nan, "neuron_model.params_default.tau_m: must be > 0 ms; got nan"),
    ("neuron_model.params_default.tau_m", -3.0, "neuron_model.params_default.tau_m: must be > 0 ms; got -3.0"),
    ("neuron_model.params_default.v_rest", [1], "neuron_model.params_default.v_rest: must be a finite number, in mV; got [1]"),
    ("neuron_model.params_default.v_rest", -math.inf, "neuron_model.params_default.v_rest: must be finite, in mV; got -inf"),
    ("neuron_model.params_default.tau_m", 10**400, "neuron_model.params_default.tau_m: must be > 0 ms; got an integer of 1329 bits"),
    ("neuron_model.params_default", 3, "neuron_model.params_default: must be an object; got 3"),
    ("neuron_model.params_default.v_threshold", -71, "neuron_model.params_default.v_threshold: must be > v_reset (-70.0 mV); got -71.0"),
    ("neuron_model.params_default", {"v_reset": -50.0}, "neuron_model.params_default.v_reset: must be < v_threshold (-50.0 mV, the default); got -50.0"),
    ("neuron_model.type", "liff", "neuron_model.type: must be a neuron model, one of {models}; got 'liff' (did you mean 'lif'?)"),
    ("neuron_model.type", 3, "neuron_model.type: must be text; got 3"),
    ("neuron_model.inhibitory_fraction", 1.5, "neuron_model.inhibitory_fraction: must be <= 1; got 1.5"),
    ("neuron_model", None, "neuron_model: must be an object; got None"),
    ("lattice_shape", [20, 20, 20], "lattice_shape[3]: is required; got nothing"),
    ("lattice_shape.0", 0, "lattice_shape[0]: must be >= 1; got 0"),
    ("lattice_shape.2", 20.5, "lattice_shape[2]: must be a whole number; got 20.5"),
    ("lattice_shape", "20", "lattice_shape: must be an array; got '20'"),
    ("areas", [], "areas: must be an array of 1 to 4096 areas; got 0 of them"),
    ("areas", {}, "areas: must be an array of 1 to 4096 areas; got {}"),
    ("areas.1", "A1", "areas[1]: must be an object; got 'A1'"),
    ("areas.1.coord_ranges.x", [0, 20], "areas[1].coord_ranges.x: must lie in the lattice, 0 .. 19; got [0, 20]"),
    ("areas.1.coord_ranges.x", [-1, 3], "areas[1].coord_ranges.x[0]: must be >= 0; got -1"),
    ("areas.1.coord_ranges.x", [3, 1], "areas[1].coord_ranges.x: must go from low to high; got [3, 1]"),
    ("areas.1.coord_ranges.x", [3], "areas[1].coord_ranges.x[1]: is required; got nothing"),
    ("areas.1.coord_ranges.x", 3, "areas[1].coord_ranges.x: must be an array; got 3"),
    ("areas.1.coord_ranges.v", [0, 0], "areas[1].coord_ranges.v: unknown key; known are w, x, y, z"),
    ("areas.3.name", "V1_like", "areas[3].name: must differ from areas[0].name; got 'V1_like'"),
    ("areas.3.name", "", "areas[3].name: must be at least 1 character long; got ''"),
    ("areas.1.neuron_type", "exc", "areas[1].neuron_type: must be 'excitatory' or 'inhibitory'; got 'exc'"),
    ("areas.1.densty", 0.5, "areas[1].densty: unknown key; did you mean 'density'?"),
    ("areas.1.density", 1.5, "areas[1].density: must be <= 1; got 1.5"),
    ("areas.1.model", "LIIF", "areas[1].model: must be a neuron model, one of {models}; got 'LIIF' (did you mean 'lif'?)"),
    ("areas.1.params", {"tau_n": 3}, "areas[1].params.tau_n: unknown key; did you mean 'tau_m'?"),
    ("areas.1.params", {"v_reset": -40}, "areas[1].params.v_reset: must be < v_threshold (-50.0 mV); got -40.0"),
    ("areas.1.drive", {"rate": -1}, "areas[1].drive.rate: must be >= 0 Hz; got -1"),
    ("areas.1.drive", {"weigth": 1}, "areas[1].drive.weigth: unknown key; did you mean 'weight'?"),
    ("areas.1.sense", "auditon", "areas[1].sense: must be the name of a sense; got 'auditon'; did you mean 'audition'?"),
    ("areas.4.coord_ranges.w", [0, 0], "areas[4].coord_ranges: must not share sites with areas[0] ('V1_like'); got x 0 .. 19, y 0 .. 19, z 0 .. 19, w 0 .. 0 in both"),
    ("senses.vision.areal", "V2_like", "senses.vision.areal: must be the name of an area; got 'V2_like'; did you mean 'V1_like'?"),
    ("senses.vision.w_index", 1, "senses.vision.w_index: must lie in the area's range of w, 0 .. 0; got 1"),
    ("senses.vision.input_size", [20, 0], "senses.vision.input_size[1]: must be >= 1; got 0"),
    ("senses", [], "senses: must be an object; got []"),
    ("senses.my eye", {}, "senses['my eye'].areal: is required; got nothing"),
    ("background_drive.rate", -1, "background_drive.rate: must be >= 0 Hz; got -1"),
    ("background_drive.rate", 1e7, "background_drive.rate: must be <= 1000000 Hz; got 10000000.0"),
    ("background_drive.weight", math.inf, "background_drive.weight: must be finite, in mV; got inf"),
    ("plasticity.rule", "hebian", "plasticity.rule: must be a rule of plasticity, one of {rules}; got 'hebian' (did you mean 'hebbian'?)"),
    ("plasticity.tau_plus", 3, "plasticity.tau_plus: unknown key for rule 'hebbian'; it is a parameter of {with_tau_plus}"),
    ("plasticity.learning_rat", 3, "plasticity.learning_rat: unknown key; did you mean 'learning_rate'?"),
    ("plasticity.weight_min", 2, "plasticity.weight_min: must be <= weight_max (1.0 mV); got 2.0"),
    ("plasticity.weight_decay", -0.1, "plasticity.weight_decay: must be >= 0; got -0.1"),
    ("plasticity", {}, "plasticity.rule: is required; got nothing"),
    ("neuromodulation.enabled", 1, "neuromodulation.enabled: must be true or false; got 1"),
    ("neuromodulation.dopamin", {}, "neuromodulation.dopamin: unknown key; did you mean 'dopamine'?"),
    ("neuromodulation.dopamine.bsaeline", 1, "neuromodulation.dopamine.bsaeline: unknown key; did you mean 'baseline'?"),
    ("neuromodulation.dopamine.baseline", 1.5, "neuromodulation.dopamine.baseline: must be between 0 and 1; got 1.5"),
    ("neuromodulation.dopamine.tau", 50, "neuromodulation.dopamine: must have decay_rate or tau, not both; got 0.1 and 50 ms"),
    ("neuromodulation.dopamine", 3, "neuromodulation.dopamine: must be an object; got 3"),
    ("simulation.dt", 0, "simulation.dt: must be > 0 ms; got 0"),
    ("simulation.seed", 2**64, "simulation.seed: must be <= 18446744073709551615; got 18446744073709551616"),
    ("simulation.threads", 2, "simulation.threads: unknown key; known are dt, seed"),
    ("experiment", [], "experiment: must be an object; got []"),
    ("elsewhere", {"a": [1.0, math.nan]}, "elsewhere.a[1]: must be finite; got nan"),
    ("elsewhere", {3: 4}, "elsewhere: must have text for keys; got 3"),
    ("elsewhere", object, "elsewhere: must be a JSON value; got <class 'object'>"),
]


@pytest.mark.parametrize(("path", "value", "message"), MISTAKES, ids=[path for path, _, _ in MISTAKES])
def test_each_mistake_is_one_problem_with_its_path(shipped, path, value, message):
    rules = _core.plasticity_rules()
    expected = message
    for word, names in (
        ("{models}", _core.neuron_models()),
        ("{rules}", ["none", *rules, "hebb_like"]),
        ("{with_tau_plus}", [name for name in rules if "tau_plus" in rules[name]["params"]]),
    ):
        expected = expected.replace(word, ", ".join(names))
    assert problems_of(put(shipped, path, value)) == (expected,)


def test_missing_sections():
    assert problems_of({}) == (
        "lattice_shape: is required; got nothing",
        "areas: is required; got nothing",
    )
    assert problems_of({"lattice": [1, 1, 1, 1], "area": []})[1] == "areas: is required; got 'area' in its place"


def test_missing_key_of_an_area(shipped):
    del shipped["areas"][2]["coord_ranges"]
    assert problems_of(shipped) == ("areas[2].coord_ranges: is required; got nothing",)


def test_misspelt_key_of_a_sense(shipped):
    shipped["senses"]["vision"]["areall"] = shipped["senses"]["vision"].pop("areal")
    assert problems_of(shipped) == (
        "senses.vision.areal: is required; got nothing",
        "senses.vision.areall: unknown key; did you mean 'areal'?",
    )


def test_every_problem_comes_at_once(shipped):
    """Also those that stand beside others in one section, or that only two sections together show."""
    put(shipped, "lattice_shape.3", 0)
    put(shipped, "areas.0.coord_ranges.x", [5, 2])
    put(shipped, "areas.0.coord_ranges.y", None)
    put(shipped, "areas.0.params", {"tau_m": 0, "tau": 1})
    put(shipped, "areas.0.nmae", 1)
    put(shipped, "senses.vision.areal", "nowhere")
    put(shipped, "senses.vision.w_index", "0")
    put(shipped, "plasticity.tau_pluss", 1)
    put(shipped, "neuron_model.params_default.v_reset", 0)
    put(shipped, "neuron_model.inhibitory_fraction", -1)
    put(shipped, "simulation.dt", math.nan)
    put(shipped, "else", [math.inf])
    assert sorted(problem.split(":")[0] for problem in problems_of(shipped)) == [
        "areas[0].coord_ranges.x",
        "areas[0].coord_ranges.y",
        "areas[0].nmae",
        "areas[0].params.tau",
        "areas[0].params.tau_m",
        "else[0]",
        "lattice_shape[3]",
        "neuron_model.inhibitory_fraction",
        "neuron_model.params_default.v_threshold",
        "plasticity.tau_pluss",
        "senses.vision.areal",
        "senses.vision.w_index",
        "simulation.dt",
    ]


def test_problems_beyond_a_hundred_are_counted(shipped):
    problems = problems_of(put(shipped, "elsewhere", [math.nan] * 250))
    assert len(problems) == config_read.MAX_PROBLEMS + 1
    assert problems[-1] == "configuration: must be free of problems; got 150 more of them"


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400, "1" * 5000])
def test_numbers_that_json_or_a_double_does_not_have(tmp_path, shipped, literal):
    text = json.dumps(put(shipped, "neuron_model.params_default.tau_m", 123.25)).replace("123.25", literal)
    (problem,) = problems_of(written(tmp_path, text))
    assert problem.startswith("neuron_model.params_default.tau_m: must be > 0 ms; got ")


def test_numbers_that_do_not_fit_are_found_in_sections_not_acted_on_too(tmp_path, shipped):
    text = json.dumps(shipped)[:-1] + ', "mine": {"a": [0, 1e999], "b": NaN}}'
    assert problems_of(written(tmp_path, text)) == (
        "mine.a[1]: must be finite; got inf",
        "mine.b: must be finite; got nan",
    )


def test_repeated_keys(tmp_path, shipped):
    text = json.dumps(shipped).replace('"weight_min"', '"weight_max": 2, "weight_max": 3, "weight_min"')
    text = text.replace('"name": "A1_like"', '"name": "A1", "name": "A1_like"')
    assert problems_of(written(tmp_path, text)) == (
        "areas[1].name: must be given once; got it 2 times",
        "plasticity.weight_max: must be given once; got it 3 times",
    )


def test_too_large_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(config_read, "MAX_BYTES", 100)
    assert problems_of(written(tmp_path, b" " * 101)) == ("brain.json: must be at most 100 bytes; got more",)
    assert problems_of(written(tmp_path, b" " * 100)) == ("brain.json: must be a JSON object; got an empty file",)


def test_a_file_of_64_mb_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "brain.json"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    assert problems_of(path) == (f"brain.json: must be at most {64 * 1024 * 1024} bytes; got more",)


def test_file_that_is_not_there(tmp_path):
    (problem,) = problems_of("brain_base_mdel.json")
    assert problem == (
        "config_path: must be a file, or one of brain_base_model.json; got 'brain_base_mdel.json'; "
        "did you mean 'brain_base_model.json'?"
    )
    assert problems_of(tmp_path)[0].startswith("config_path: must be a file")
    assert problems_of("a\0b")[0].startswith("config_path: must be a file")
    assert problems_of("a" * 10_000)[0].startswith("config_path: must be a file")
    assert problems_of(3)[0] == "config_path: must be a path or an object; got 3"


def test_dict_that_contains_itself(shipped):
    shipped["mine"] = shipped
    assert problems_of(shipped) == (
        "configuration: must be nested at most 64 deep; got more, or a part of itself",
    )


def test_dict_that_shares_its_parts_without_end(monkeypatch):
    monkeypatch.setattr(config_read, "MAX_VALUES", 1000)
    part: Any = [0]
    for _ in range(40):
        part = [part, part]
    assert problems_of({"mine": part}) == ("configuration: must have at most 1000 values; got more",)


def test_long_values_and_keys_are_cut(shipped):
    shipped["plasticity"]["k" * 10**7] = 1
    shipped["areas"][0]["name"] = "n" * 10**7
    problems = problems_of(shipped)
    assert len(problems) == 4 and max(map(len, problems)) < 250, problems


def test_lone_surrogates_are_refused_and_can_be_printed(tmp_path, shipped):
    shipped["areas"][3]["name"] = "\ud800"
    shipped["plasticity"]["\udfff"] = 1
    (name, key) = problems_of(written(tmp_path, json.dumps(shipped)))
    assert name == r"areas[3].name: must be text that UTF-8 can encode; got '\ud800'"
    assert key.startswith(r"plasticity['\udfff']: unknown key; known are ")
    (name + key).encode()


def test_limits_on_areas_and_sites():
    area = {"name": "A", "coord_ranges": {"x": [0, 2**31 - 2], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}
    content = {"lattice_shape": [2**31 - 1, 2, 1, 1], "areas": [area]}
    assert load(content)[1].areas[0].n_sites == config_checks.MAX_SITES
    area["coord_ranges"]["y"] = [0, 1]
    assert problems_of(content) == (
        "areas[0].coord_ranges: must hold at most 2147483647 sites; got 4294967294",
    )
    many = [
        {"name": f"A{k}", "coord_ranges": {"x": [k, k], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}
        for k in range(config_checks.MAX_AREAS + 1)
    ]
    assert len(load({**content, "areas": many[:-1]})[1].areas) == config_checks.MAX_AREAS
    assert problems_of({**content, "areas": many}) == (
        "areas: must be an array of 1 to 4096 areas; got 4097 of them",
    )


def test_overlaps_against_a_plain_search():
    """The vectorised test finds exactly the areas that share a site with an earlier one."""
    random = np.random.default_rng(7)
    areas, sites, expected = [], [], []
    for k in range(60):
        low = random.integers(0, 12, 4)
        high = low + random.integers(0, 3, 4)
        ranges = {axis: [int(a), int(b)] for axis, a, b in zip("xyzw", low, high, strict=True)}
        areas.append({"name": f"A{k}", "coord_ranges": ranges})
        own = set(np.ndindex(*(high - low + 1)))
        own = {tuple(int(a + b) for a, b in zip(low, site, strict=True)) for site in own}
        if any(own & other for other in sites):
            expected.append(f"areas[{k}].coord_ranges")
        sites.append(own)
    assert 3 < len(expected) < 57
    found = [p.split(":")[0] for p in problems_of({"lattice_shape": [16] * 4, "areas": areas})]
    assert found == expected


# ---- the parts that others call ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", list(_core.neuron_models()))
def test_params_are_complete_in_the_tables_order(model):
    table = _core.neuron_models()[model]["params"]
    assert list(check_params(model)) == list(table)
    assert check_params(model, {}) == {name: field["default"] for name, field in table.items()}
    for name, field in table.items():
        value = field["default"] + 0.0625
        assert check_params(model.upper(), {name: value}) == {**check_params(model), name: value}


OUTSIDE = {"NM_ANY": [], "NM_POSITIVE": [0.0, -1.0], "NM_NON_NEGATIVE": [-1.0], "NM_UNIT_INTERVAL": [-0.1, 1.1]}


@pytest.mark.parametrize("model", list(_core.neuron_models()))
def test_every_parameter_of_every_model_is_held_to_its_domain(model):
    for name, field in _core.neuron_models()[model]["params"].items():
        for value in [math.nan, math.inf, -math.inf, "1", None, False, *OUTSIDE[field["domain"]]]:
            with pytest.raises(ConfigError) as caught:
                check_params(model, {name: value}, where="here")
            assert caught.value.problems[0].startswith(f"here.{name}: must be "), (name, value)
        with pytest.raises(ConfigError, match=f"here.{name}x: unknown key; did you mean '{name}'"):
            check_params(model, {name + "x": 1.0}, where="here")


@pytest.mark.parametrize(
    ("model", "greater", "lesser"),
    [(name, *pair) for name, about in _core.neuron_models().items() for pair in about["orders"]],
)
def test_every_order_of_every_model_is_held(model, greater, lesser):
    defaults = check_params(model)
    with pytest.raises(ConfigError, match=f"params.{greater}: must be > {lesser} .*, the default"):
        check_params(model, {greater: defaults[lesser]})
    with pytest.raises(ConfigError, match=f"params.{lesser}: must be < {greater} .*, the default"):
        check_params(model, {lesser: defaults[greater]})


def test_check_params_refuses_what_is_no_model_or_no_mapping():
    with pytest.raises(ConfigError, match="^model: must be a neuron model, one of lif, .*did you mean 'lif'"):
        check_params("lyf")
    with pytest.raises(ConfigError, match="^params: must be an object; got 3$"):
        check_params("lif", 3)
    with pytest.raises(ConfigError, match="^model: must be a neuron model"):
        check_params(None)


@pytest.mark.parametrize("rule", list(_core.plasticity_rules()))
def test_rules_by_name_and_by_section(rule):
    table = _core.plasticity_rules()[rule]["params"]
    by_name = check_rule(rule)
    assert (by_name.rule, list(by_name.params)) == (rule, list(table))
    assert (by_name.weight_min, by_name.weight_max, by_name.weight_decay) == (0.0, 1.0, 0.0)
    changed = check_rule({"rule": rule.upper(), "weight_min": -1, next(iter(table)): 0.5})
    assert (changed.rule, changed.weight_min, changed.params[next(iter(table))]) == (rule, -1.0, 0.5)
    for name, field in table.items():
        for value in [math.nan, "1", *OUTSIDE[field["domain"]]]:
            with pytest.raises(ConfigError, match=f"^rule.{name}: must be "):
                check_rule({"rule": rule, name: value}, where="rule")


def test_rule_none_and_alias():
    assert check_rule("none").params == {}
    assert check_rule("hebb_like") == check_rule("hebbian")
    with pytest.raises(ConfigError, match=r"^rule\.rule: must be a rule of plasticity.*did you mean 'stdp'"):
        check_rule("stpd", where="rule")
    with pytest.raises(ConfigError, match="^plasticity: must be an object; got 3"):
        check_rule(3)


def test_neuromodulation_is_complete_and_tau_takes_the_place_of_the_decay_rate():
    section = check_neuromodulation({"dopamine": {"tau": 200}})
    assert list(section) == ["enabled", *_core.modulators()]
    for name, about in _core.modulators().items():
        expected = {key: field["default"] for key, field in about["params"].items()}
        if name == "dopamine":
            del expected["decay_rate"]
            expected["tau"] = 200.0
        assert section[name] == expected
    assert check_neuromodulation(None) == check_neuromodulation({})
    with pytest.raises(ConfigError, match=r"^n\.dopamine\.tau: must be > 0 ms; got 0$"):
        check_neuromodulation({"dopamine": {"tau": 0}}, where="n")


@pytest.mark.parametrize("name", list(_core.modulators()))
def test_every_parameter_of_every_modulator_is_held_to_its_domain(name):
    for key, field in _core.modulators()[name]["params"].items():
        for value in [math.nan, "1", None, *OUTSIDE[field["domain"]]]:
            with pytest.raises(ConfigError, match=rf"^neuromodulation\.{name}\.{key}: must be "):
                check_neuromodulation({name: {key: value}})


def test_nearest():
    assert nearest("tau_pluss", ["tau_minus", "tau_plus"]) == "tau_plus"
    assert nearest("v1_LIKE", ["A1_like", "V1_like"]) == "V1_like"
    assert nearest("qqq", ["tau_plus"]) is None
    assert nearest("", ["tau_plus"]) is None
    assert nearest("tau_plus", []) is None
    assert nearest("t" * 10**7, ["tau_plus"]) is None


# ---- JSON Schema -------------------------------------------------------------------------------------------


def validator():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_schema_accepts_the_shipped_configuration_and_the_foreign_one():
    check = validator()
    check.validate(load("brain_base_model.json")[0])
    check.validate(json.loads((DATA / "foreign_brain.json").read_text(encoding="utf-8")))


# Relations between values; parameters of an area without a model of its own; numbers that JSON does not have.
BEYOND_A_SCHEMA = (
    "must differ",
    "in both",
    "must be < ",
    "must be > v_",
    "lattice, 0",
    "low to high",
    "name of",
    "range of w",
    "weight_max",
    "elsewhere",
    "areas[1].params",
    "inf",
    "nan",
    "1329 bits",
)
WITHIN_A_SCHEMA = [
    (path, value) for path, value, message in MISTAKES if not any(words in message for words in BEYOND_A_SCHEMA)
]


@pytest.mark.parametrize(("path", "value"), WITHIN_A_SCHEMA, ids=[path for path, _ in WITHIN_A_SCHEMA])
def test_schema_refuses_the_same_mistakes(shipped, path, value):
    assert not validator().is_valid(put(shipped, path, value))


def test_schema_says_what_the_tables_say():
    schema = json_schema()["properties"]
    for model, about in _core.neuron_models().items():
        (part,) = [
            branch["then"]["properties"]["params_default"]
            for branch in schema["neuron_model"]["allOf"]
            if model in branch["if"].get("properties", {}).get("type", {}).get("enum", [])
        ]
        for name, field in about["params"].items():
            assert part["properties"][name]["unit"] == field["unit"]
            assert part["properties"][name]["default"] == field["default"]
            assert part["properties"][name]["description"] == field["doc"]
        assert part["additionalProperties"] is False


@pytest.mark.parametrize("domain", ["NM_ANY", "NM_POSITIVE", "NM_NON_NEGATIVE", "NM_UNIT_INTERVAL"])
def test_schema_bounds_are_the_cores_domains(domain):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    from neuromod.config_schema import _DOMAINS

    check = jsonschema.Draft202012Validator({"type": "number", **_DOMAINS[domain]})
    for value in (-1e300, -1.0, -5e-324, -0.0, 0.0, 5e-324, 0.5, 1.0, math.nextafter(1.0, 2.0), 2.0, 1e300):
        assert check.is_valid(value) == _core.domain_holds(domain, value), value


# ---- cost --------------------------------------------------------------------------------------------------


def test_importing_the_package_does_not_import_pydantic():
    code = "import neuromod, sys; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})


def test_a_megabyte_of_anything_is_quick(tmp_path):
    """The goal is 50 ms; four times that leaves room for a busy machine."""
    for content in (b"[" + b"0," * 500_000 + b"0]", b"[" * 10**6, b'"' + b"x" * 10**6 + b'"', b"[" + b"[]," * 300_000 + b"[]]"):
        path = written(tmp_path, content)
        began = time.perf_counter()
        assert len(problems_of(path)) == 1
        assert time.perf_counter() - began < 0.2


def test_module_names_are_all_there():
    assert all(hasattr(config, name) for name in config.__all__)
