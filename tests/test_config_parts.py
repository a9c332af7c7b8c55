"""The parts of the checks that others call, the JSON Schema, and what checking costs."""

from __future__ import annotations

import copy
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from config_samples import MISTAKES, expected_message, problems_of, put, written

from neuromod import _core, config
from neuromod.config import (
    check_neuromodulation,
    check_params,
    check_rule,
    json_schema,
    load,
    nearest,
    reference,
)
from neuromod.config import read as config_read
from neuromod.config.describe import section_schema
from neuromod.config.keys import Section, section_of
from neuromod.errors import ConfigError

DATA = Path(__file__).parent / "data"


@pytest.fixture
def shipped() -> dict[str, Any]:
    """The shipped configuration, free to be spoilt."""
    return copy.deepcopy(load("brain_base_model.json")[0])


# ---- the parts that others call ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", list(_core.neuron_models()))
def test_params_are_complete_in_the_tables_order(model):
    table = _core.neuron_models()[model]["params"]
    assert list(check_params(model)) == list(table)
    assert check_params(model, {}) == {name: field["default"] for name, field in table.items()}
    for name, field in table.items():
        value = field["words"][-1] if "words" in field else field["default"] + 0.0625
        assert check_params(model.upper(), {name: value}) == {**check_params(model), name: value}


OUTSIDE = {
    "NM_ANY": [],
    "NM_POSITIVE": [0.0, -1.0],
    "NM_NON_NEGATIVE": [-1.0],
    "NM_UNIT_INTERVAL": [-0.1, 1.1],
    "NM_WORD": [0, 1.0, "none of them", ["symmetric"]],
}


@pytest.mark.parametrize("model", [name for name, about in _core.neuron_models().items() if about["params"]])
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
    [(name, *pair) for name, about in _core.neuron_models().items() for pair in about["greater_than"]],
)
def test_every_order_of_every_model_is_held(model, greater, lesser):
    defaults = check_params(model)
    with pytest.raises(ConfigError, match=f"params.{greater}: must be > {lesser} .*, the default"):
        check_params(model, {greater: defaults[lesser]})
    with pytest.raises(ConfigError, match=f"params.{lesser}: must be < {greater} .*, the default"):
        check_params(model, {lesser: defaults[greater]})


def test_check_params_refuses_what_is_no_model_or_no_mapping():
    with pytest.raises(
        ConfigError, match=r"^model: must be a neuron model, one of lif, .*did you mean 'lif'"
    ):
        check_params("lyf")
    with pytest.raises(ConfigError, match=r"^params: must be an object; got 3$"):
        check_params("lif", 3)
    with pytest.raises(ConfigError, match=r"^model: must be a neuron model"):
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
    with pytest.raises(ConfigError, match=r"^rule: must be a rule of plasticity.*did you mean 'stdp'"):
        check_rule("stpd", where="rule")
    with pytest.raises(ConfigError, match=r"^plasticity: must be an object; got 3"):
        check_rule(3)


@pytest.mark.parametrize("section", [{}, {"learning_rate": 0.02}, {"enabled": True}, {"weight_max": 2.0}])
def test_a_section_without_a_rule_is_hebbian(section):
    assert check_rule(section).rule == "hebbian"
    assert check_rule(section).params["learning_rate"] == section.get("learning_rate", 0.01)
    with pytest.raises(ConfigError, match=r"^plasticity\.tau_plus: unknown key for rule 'hebbian'"):
        check_rule({**section, "tau_plus": 20.0})


@pytest.mark.parametrize("section", [{}, {"rule": "stdp"}, {"rule": "hebb_like"}])
def test_a_section_that_is_not_enabled_is_rule_none(section):
    assert check_rule({**section, "enabled": False}).rule == "none"


def test_neuromodulation_is_complete_and_tau_takes_the_place_of_the_decay_rate():
    section = check_neuromodulation({"dopamine": {"tau": 200}})
    usual = {name: about for name, about in _core.modulators().items() if not about["optional"]}
    assert list(section) == ["enabled", *usual]
    for name, about in usual.items():
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


@pytest.mark.long
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
    (path, value)
    for path, value, message in MISTAKES
    if not any(words in expected_message(path, message) for words in BEYOND_A_SCHEMA)
]


@pytest.mark.long
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
    table = {"value": {"unit": "1", "default": 0.0, "domain": domain, "doc": "A value."}}
    schema = section_schema(section_of(table, Section, "Table"))["properties"]["value"]
    check = jsonschema.Draft202012Validator(schema)
    for value in (-1e300, -1.0, -5e-324, -0.0, 0.0, 5e-324, 0.5, 1.0, math.nextafter(1.0, 2.0), 2.0, 1e300):
        assert check.is_valid(value) == _core.domain_holds(domain, value), value


# ---- the reference for people ------------------------------------------------------------------------------


def test_reference_has_every_parameter_with_unit_default_and_sentence():
    lines = set(reference().splitlines())
    tables = (_core.neuron_models(), _core.plasticity_rules(), _core.modulators())
    for about in (about for table in tables for about in table.values()):
        for name, field in about["params"].items():
            words = field.get("words", ())
            kind, default = ("text", field["default"]) if words else ("number", f"{field['default']:.15g}")
            assert any(
                line.startswith(f"| `{name}` | {kind} | {'' if field['unit'] == '1' else field['unit']}")
                and line.endswith(f"| {field['doc']} |")
                and (f"| {default} |" in line or f"| {field['default']} |" in line)
                and all(f"'{word}'" in line for word in words)
                for line in lines
            ), name


def test_reference_is_one_table_for_each_section():
    page = reference()
    for title in (
        "areas[k]",
        "plasticity.short_term",
        "The rule stdp",
        "neuromodulation.dopamine",
        "senses.NAME",
    ):
        assert page.count(f"## {title}\n") == 1
    for line in page.splitlines():
        assert not line.startswith("|") or line.count("|") == 7, line


def test_known_keys_are_listed_once():
    """Several rules have a learning rate."""
    with pytest.raises(ConfigError) as caught:
        check_rule({"rule": "none", "qqqqqq": 1})
    names = caught.value.problems[0].split("known are ")[1].split(", ")
    assert len(names) == len(set(names)) and "learning_rate" in names


# ---- cost --------------------------------------------------------------------------------------------------


def test_importing_the_package_does_not_import_pydantic():
    code = "import neuromod, sys; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})


LARGE = {
    "numbers": b"[" + b"0," * 500_000 + b"0]",
    "brackets": b"[" * 10**6,
    "one text": b'"' + b"x" * 10**6 + b'"',
    "arrays": b"[" + b"[]," * 300_000 + b"[]]",
    "NaN": b"[" + b"NaN," * 250_000 + b"0]",
    "one number": b"[" + b"1" * 10**6 + b"]",
    "keys": json.dumps({f"key{k}": 0 for k in range(80_000)}).encode(),
    "unknown keys": json.dumps(
        {"plasticity": {"rule": "stdp"} | {f"tau{k}": 0 for k in range(80_000)}}
    ).encode(),
    "unknown modulators": json.dumps(
        {"neuromodulation": {f"dopamine{k}": 0 for k in range(50_000)}}
    ).encode(),
    "wrong senses": json.dumps({"senses": {f"s{k}": {"areal": "A"} for k in range(40_000)}}).encode(),
    "wrong areas": json.dumps(
        {"areas": [{"name": f"A{k % 9}", "sense": "visoin"} for k in range(4096)]}
    ).encode(),
}


@pytest.mark.long
@pytest.mark.parametrize("name", LARGE)
def test_a_megabyte_of_anything_is_refused_in_time(tmp_path, name):
    """No input makes the search for near names, or anything else, quadratic: 1 MB of processor time < 3 s.

    Measured 0.05 to 0.9 s on two shared cores; a comparison for each pair would take minutes.
    """
    path = written(tmp_path, LARGE[name])
    began = time.process_time()
    problems = problems_of(path)
    assert time.process_time() - began < 3.0
    assert 1 <= len(problems) <= config_read.MAX_PROBLEMS + 1
    assert sum(map(len, problems)) < 100_000


def test_module_names_are_all_there():
    assert all(hasattr(config, name) for name in config.__all__)
