"""Configurations: what is read, what is refused and in which words, what is only warned of."""

from __future__ import annotations

import copy
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from config_samples import MISTAKES, expected_message, problems_of, put, written

from neuromod import BrainModel
from neuromod.config import check_neuromodulation, check_params, load
from neuromod.config import checks as config_checks
from neuromod.config import read as config_read
from neuromod.errors import ConfigError, NeuromodWarning

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def shipped_once() -> dict[str, Any]:
    return load("brain_base_model.json")[0]


@pytest.fixture
def shipped(shipped_once: dict[str, Any]) -> dict[str, Any]:
    """The shipped configuration, free to be spoilt."""
    return copy.deepcopy(shipped_once)


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
        "plasticity.homeostatic.scaling_rate",
        "plasticity.homeostatic.time_window",
        "plasticity.short_term.default_type",
        "senses.vision",
    ]


@pytest.mark.parametrize(
    ("section", "on"),
    [({}, True), ({"max_age": 9}, True), ({"enabled": False, "enable_death": True}, False), (None, False)],
)
def test_life_cycle_is_on_where_the_section_stands(shipped, section, on):
    _, checked = load(shipped if section is None else put(shipped, "cell_lifecycle", section))
    assert checked.lifecycle.enabled is on
    assert checked.lifecycle.max_age == (section or {}).get("max_age", 100_000)


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
    "65 brackets": (
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        "brain.json: must be nested at most 64 deep; got more",
    ),
    "not UTF-8": (b'{"a": "\xff"}', "brain.json: must be UTF-8; got byte 0xff at position 7"),
    "UTF-16": ("{}".encode("utf-16"), "brain.json: must be UTF-8; got byte 0xff at position 0"),
    "cut short": (
        b'{"areas": [',
        "brain.json, line 1, column 12: must be JSON (Expecting value); got the end of the file",
    ),
    "a comment": (
        b"{\n  // my\n}",
        "brain.json, line 2, column 3: must be JSON (Expecting property name enclosed in double quotes); got '// my'; "
        "JSON has no comments",
    ),
    "a comma too many": (
        b'{"areas": [1,\n]}',
        "brain.json, line 2, column 1: must be JSON (Expecting value); got ']}'; the comma before it is one too many",
    ),
    "single quotes": (
        b"{\"areas\": 'A'}",
        "brain.json, line 1, column 11: must be JSON (Expecting value); got \"'A'}\"; "
        "text and keys stand in double quotes",
    ),
    "True": (
        b'{"enabled": True}',
        "brain.json, line 1, column 13: must be JSON (Expecting value); got 'True}'; JSON writes true",
    ),
    "lines that are none to JSON": (
        '{"name": "\u2028\u2028", 3}'.encode(),
        "brain.json, line 1, column 16: must be JSON (Expecting property name enclosed in double quotes); got '3}'",
    ),
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


@pytest.mark.parametrize(("path", "value", "message"), MISTAKES, ids=[path for path, _, _ in MISTAKES])
def test_each_mistake_is_one_problem_with_its_path(shipped, path, value, message):
    assert problems_of(put(shipped, path, value)) == (expected_message(path, message),)


def test_missing_sections():
    assert problems_of({}) == (
        "lattice_shape: is required; got nothing",
        "areas: is required; got nothing",
    )
    assert (
        problems_of({"lattice": [1, 1, 1, 1], "area": []})[1] == "areas: is required; got 'area' in its place"
    )


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
    assert problems_of(written(tmp_path, b" " * 100)) == (
        "brain.json: must be a JSON object; got an empty file",
    )


def test_a_file_of_64_mb_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "brain.json"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    assert problems_of(path) == (f"brain.json: must be at most {64 * 1024 * 1024} bytes; got more",)


def test_file_that_is_not_there(tmp_path):
    (problem,) = problems_of("brain_base_mdel.json")
    assert problem == (
        "config_path: must be a file, or one that is shipped, brain_base_model.json; got 'brain_base_mdel.json'; "
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
    assert len(problems) == 3 and max(map(len, problems)) < 250, problems


def test_lone_surrogates_are_refused_and_can_be_printed(tmp_path, shipped):
    shipped["areas"][3]["name"] = "\ud800"
    shipped["plasticity"]["\udfff"] = 1
    (name, key) = problems_of(written(tmp_path, json.dumps(shipped)))
    assert name == r"areas[3].name: must be text that UTF-8 can encode; got '\ud800'"
    assert key.startswith(r"plasticity['\udfff']: unknown key; known are ")
    (name + key).encode()


@pytest.mark.long
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
        "areas: must be an array of at most 4096 areas; got 4097 of them",
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


@pytest.mark.parametrize("section", ["lattice_shape", "areas"])
def test_a_required_section_may_not_be_null(section: str) -> None:
    content = {"lattice_shape": [1, 1, 1, 1], "areas": [], section: None}
    with pytest.raises(ConfigError, match=rf"{section}: must be an array"):
        load(content)


def test_a_lattice_may_have_no_area() -> None:
    model = BrainModel(config={"lattice_shape": [4, 4, 4, 4], "areas": []})
    first, second = model.add_neuron(1, 2, 3, 0), model.add_neuron(1, 2, 3, 1)
    model.add_synapse(first.id, second.id, weight=0.5, delay=1)
    assert (len(model.neurons), len(model.synapses)) == (2, 1)
    with pytest.raises(ValueError, match=r"^x: must be between 0 and 3; got 4$"):
        model.add_neuron(4, 0, 0, 0)
    again = BrainModel.from_dict(model.to_dict())
    assert again.neuron_at(1, 2, 3, 1).id == second.id
