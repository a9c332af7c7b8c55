"""The JSON Schema of configurations, from the sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromod.config import modulators, plasticity, sections
from neuromod.config.describe import section_schema
from neuromod.config.keys import Section, spellings
from neuromod.config.whole import Config

__all__ = ["json_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


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
    schema = section_schema(Config)
    properties = schema["properties"]
    properties["areas"] |= {"items": _by_model(sections.Area, "model", "params")}
    properties["neuron_model"] = _neuron_model()
    properties["plasticity"] = _plasticity()
    properties["neuromodulation"] = _neuromodulation()
    about = {"title": "neuromod configuration", "description": schema["description"], "type": "object"}
    return {"$schema": _DIALECT, **about, "required": schema["required"], "properties": properties}


def _by_choice(key: str, choices: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each value of `key`, what holds then."""
    return [
        {"if": {"properties": {key: spellings([name])}, "required": [key]}, "then": then}
        for name, then in choices.items()
    ]


def _by_model(section: type[Section], key: str, params: str) -> dict[str, Any]:
    """A section in which the parameters under `params` are those of the model that `key` names."""
    tables = {
        model: {"properties": {params: section_schema(sections.neuron_section(model))}}
        for model in sections.NEURON_MODELS
    }
    return {**section_schema(section), "allOf": _by_choice(key, tables)}


def _neuron_model() -> dict[str, Any]:
    schema = _by_model(sections.NeuronModel, "type", "params_default")
    common = section_schema(sections.neuron_section(sections.NeuronModel.known["type"].default))
    schema["allOf"].append(
        {"if": {"not": {"required": ["type"]}}, "then": {"properties": {"params_default": common}}}
    )
    return schema


def _plasticity() -> dict[str, Any]:
    fixed = section_schema(plasticity.Plasticity)
    off = {"type": "object", "properties": {"enabled": {"const": False}}, "required": ["enabled"]}
    choices = {}
    for name in plasticity.RULE_NAMES:
        choices[name] = section_schema(plasticity.rule_section(plasticity.RULE_ALIASES.get(name, name)))
        for part in ("short_term", "homeostatic"):
            choices[name]["properties"][part]["anyOf"].append(off)
    about = {name: fixed[name] for name in ("description", "type")}
    without = {"if": {"not": {"required": ["rule"]}}, "then": choices[plasticity.DEFAULT_RULE]}
    return {
        **about,
        "properties": {"rule": fixed["properties"]["rule"]},
        "allOf": [*_by_choice("rule", choices), without],
    }


def _neuromodulation() -> dict[str, Any]:
    not_both = {"not": {"required": ["decay_rate", "tau"]}}
    schema = section_schema(modulators.Neuromodulation) | {"additionalProperties": False}
    for name in modulators.MODULATORS:
        schema["properties"][name] = section_schema(modulators.modulator_section(name)) | not_both
    free = f"^(?!({'|'.join([*modulators.RESERVED, *modulators.MODULATORS])})$){modulators.DECLARED_NAME.pattern}$"
    declared = {free: section_schema(modulators.Declared) | not_both}
    return schema | {"patternProperties": declared, "maxProperties": modulators.MAX_MODULATORS + 1}
