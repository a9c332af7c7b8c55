"""The JSON Schema of configurations, from the sections and from the C tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromod import _core
from neuromod.config.modulators import (
    COMMON,
    DECLARED_NAME,
    MAX_MODULATORS,
    OFFSET,
    RESERVED,
    TAU,
    NeuromodulationKeys,
    ReleaseKeys,
)
from neuromod.config.plasticity import HomeostaticKeys, ShortTermKeys
from neuromod.config.sections import (
    AreaKeys,
    Drive,
    LatticeKeys,
    NeuronModelKeys,
    PlasticityKeys,
    Section,
    Sense,
    Simulation,
)
from neuromod.config.tables import RULE_ALIASES

__all__ = ["json_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What JSON Schema says for each domain of the core; tests/test_config_parts.py holds the two against each other.
DOMAINS: dict[str, dict[str, float]] = {
    "NM_ANY": {},
    "NM_POSITIVE": {"exclusiveMinimum": 0},
    "NM_NON_NEGATIVE": {"minimum": 0},
    "NM_UNIT_INTERVAL": {"minimum": 0, "maximum": 1},
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of configurations.

    Returns
    -------
    dict
        With unit, default, domain and description of every parameter of every registered neuron model, plasticity
        rule and modulator. What JSON Schema cannot say, e.g. that areas must not overlap, `load` checks alone.

    Examples
    --------
    >>> json_schema()["required"]
    ['lattice_shape', 'areas']
    """
    return {
        "$schema": _DIALECT,
        "title": "neuromod configuration",
        "description": "Sections that are not listed here are kept and not acted on.",
        "type": "object",
        "required": ["lattice_shape", "areas"],
        "properties": {
            "lattice_shape": _section(LatticeKeys)["properties"]["lattice_shape"],
            "areas": {"type": "array", "minItems": 1, "items": _area()},
            "neuron_model": _neuron_model(),
            "background_drive": _section(Drive),
            "plasticity": _plasticity(),
            "neuromodulation": _neuromodulation(),
            "senses": {"type": "object", "additionalProperties": _section(Sense)},
            "simulation": _section(Simulation),
            "experiment": {"type": "object", "description": "What `neuromod run` does; checked there."},
        },
    }


def _section(cls: type[Section]) -> dict[str, Any]:
    """A section's own schema, with what it refers to put in place and pydantic's made-up titles left out."""
    schema = cls.model_json_schema()
    plain: dict[str, Any] = _without_references(schema, schema.get("$defs", {}))
    return plain


def _without_references(part: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_without_references(item, parts) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        part = {**parts[part["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in part.items() if k != "$ref"}}
    return {
        key: _without_references(item, parts)
        for key, item in part.items()
        if key != "$defs" and not (key == "title" and isinstance(item, str))
    }


def _params(table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: {
            "type": "number",
            **DOMAINS[field["domain"]],
            "default": field["default"],
            "unit": field["unit"],
            "description": field["doc"],
        }
        for name, field in table.items()
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _spellings(names: list[str]) -> dict[str, Any]:
    return {"enum": [*names, *(name.upper() for name in names)]}


def _by_choice(key: str, choices: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """For each value of `key`, what holds then."""
    return [
        {"if": {"properties": {key: _spellings([name])}, "required": [key]}, "then": then}
        for name, then in choices.items()
    ]


def _model_params(key: str, params: str) -> list[dict[str, Any]]:
    """The parameters under `params` are those of the model that `key` names."""
    models = _core.neuron_models()
    return _by_choice(
        key,
        {name: {"properties": {params: _object(_params(about["params"]))}} for name, about in models.items()},
    )


def _neuron_model() -> dict[str, Any]:
    models = _core.neuron_models()
    schema = _section(NeuronModelKeys)
    schema["properties"]["type"] |= _spellings(list(models))
    lif = {"properties": {"params_default": _object(_params(models["lif"]["params"]))}}
    of_default = {"if": {"not": {"required": ["type"]}}, "then": lif}
    return {**schema, "allOf": [*_model_params("type", "params_default"), of_default]}


def _area() -> dict[str, Any]:
    schema = _section(AreaKeys)
    schema["properties"]["model"]["anyOf"] = [_spellings(list(_core.neuron_models())), {"type": "null"}]
    return {**schema, "allOf": _model_params("model", "params")}


def _plasticity() -> dict[str, Any]:
    rules = _core.plasticity_rules()
    schema = _section(PlasticityKeys)
    fixed = schema["properties"]
    fixed["rule"] |= _spellings(["none", *rules, *RULE_ALIASES])
    parts: dict[str, Any] = {"metaplasticity": {"description": "Kept; the rule bcm has a sliding threshold."}}
    for name, cls in (("short_term", ShortTermKeys), ("homeostatic", HomeostaticKeys)):
        off = {"type": "object", "properties": {"enabled": {"const": False}}, "required": ["enabled"]}
        parts[name] = {"anyOf": [{"type": ["boolean", "null"]}, off, _section(cls)]}
    everything = {k: v for about in rules.values() for k, v in _params(about["params"]).items()}
    choices = {"none": _object({**fixed, **{name: {} for name in everything}, **parts})}
    for name, about in rules.items():
        choices[name] = _object({**fixed, **_params(about["params"]), **parts})
    choices |= {alias: choices[name] for alias, name in RULE_ALIASES.items() if name in choices}
    return {**schema, "allOf": _by_choice("rule", choices)}


def _neuromodulation() -> dict[str, Any]:
    fixed = _section(NeuromodulationKeys)["properties"]
    release = _section(ReleaseKeys)
    beside = {**_params({"tau": TAU}), "release": {"anyOf": [release, {"type": "array", "items": release}]}}
    beside["tau"].pop("default")
    not_both = {"not": {"required": ["decay_rate", "tau"]}}
    each = {}
    for name, about in _core.modulators().items():
        text = about["title"] + ("; only where it is named." if about["optional"] else "")
        each[name] = {**_object({**_params(about["params"]), **beside}), **not_both, "description": text}
    declared = {**_object({**_declared(), **beside}), **not_both, "required": ["response", "targets"]}
    name = f"^(?!({'|'.join([*RESERVED, *each])})$){DECLARED_NAME.pattern}$"
    return {
        **_object({**fixed, **each}),
        "patternProperties": {name: declared},
        "maxProperties": MAX_MODULATORS + 1,
    }


def _declared() -> dict[str, Any]:
    """What a modulator may have that stands in the configuration alone."""
    kinds = _core.responses()
    table = next(iter(kinds.values()))["params"]
    inside = {
        kind: _object(_params({name: field for name, field in about["params"].items() if name not in COMMON}))
        for kind, about in kinds.items()
    }
    target = {"enum": list(_core.target_names())}
    return {
        **_params({**{name: table[name] for name in COMMON}, "offset": OFFSET}),
        "response": {**_object(inside), "minProperties": 1, "maxProperties": 1},
        "targets": {"type": "array", "minItems": 1, "uniqueItems": True, "items": target},
    }
