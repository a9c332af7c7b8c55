"""What is right in a configuration, but not acted on, or not likely to be meant: one sentence each, for warnings."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from neuromod.config.keys import Section, number_of, registered
from neuromod.config.modulators import MODULATORS, Declared, modulator_names, modulator_section
from neuromod.config.plasticity import RULES, Homeostatic, ShortTerm, is_on, own_keys, rule_name, rule_section
from neuromod.config.problems import join, listed, nearest, shown
from neuromod.config.sections import NEURON_MODELS, Sense, neuron_section
from neuromod.errors import NeuromodWarning

# A parameter below 1 and a hundred times smaller than its default of 1 or more looks like seconds or volts.
_TOO_SMALL = 0.01
_LIKELY_UNIT = {"ms": "seconds", "mV": "volts"}
_KNOWN_ELSEWHERE = ("model_version", "dimensions", "cell_lifecycle")
_LIFECYCLE_SWITCHES = ("enabled", "enable_death", "enable_reproduction")
# Of unknown sections only those are warned of that are this close to a known one: others belong to other tools.
_LIKELY_MISSPELT = 0.8
_MAX_SECTIONS = 100


def say(notes: Iterable[str]) -> None:
    """Each note as one warning, at the line of the user's that led here."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "neuromod":
        level, frame = level + 1, frame.f_back
    for note in notes:
        warnings.warn(note, NeuromodWarning, stacklevel=level)


def whole_notes(content: Mapping[str, Any], known: Iterable[str]) -> Iterator[str]:
    """Of a whole configuration that is right; `known` are the sections that are acted on."""
    yield from _section_notes(content, [*known, *_KNOWN_ELSEWHERE])
    section = content.get("neuron_model", {})
    common = section.get("type", "lif")
    yield from _neuron_notes(common, section.get("params_default", {}), "neuron_model.params_default")
    for k, area in enumerate(content["areas"]):
        yield from _neuron_notes(area.get("model") or common, area.get("params", {}), f"areas[{k}].params")
    yield from rule_notes(content.get("plasticity", "none"), "plasticity")
    yield from modulator_notes(content.get("neuromodulation", {}), "neuromodulation")
    for name, sense in content.get("senses", {}).items():
        yield from _others([key for key in sense if key not in Sense.known], join("senses", name))


def rule_notes(given: str | Mapping[str, Any], where: str) -> Iterator[str]:
    """Of a rule that is right."""
    content = {"rule": given} if isinstance(given, str) else given
    rule = rule_name(content)
    yield from part_notes(ShortTerm, content.get("short_term"), join(where, "short_term"))
    yield from part_notes(Homeostatic, content.get("homeostatic"), join(where, "homeostatic"))
    if rule in RULES:
        params = {name: value for name, value in content.items() if name in RULES[rule]["params"]}
        yield from _unit_doubts(rule_section(rule), params, where)
    else:  # switching a rule off must not require to delete its parameters
        idle = [name for name in content if any(name in about["params"] for about in RULES.values())]
        if idle:
            yield f"{where}: the rule is 'none'; not acted on: {', '.join(idle)}"
        if is_on(content.get("homeostatic", False)):
            yield f"{join(where, 'homeostatic')}: not acted on; the rule is 'none'"
    if rule != "bcm" and is_on(content.get("metaplasticity", False)):
        yield f"{join(where, 'metaplasticity')}: not acted on; the rule 'bcm' has a sliding threshold"


def part_notes(section: type[Section], given: Any, where: str) -> Iterator[str]:
    """Of a part of the section ``plasticity`` that is right."""
    if isinstance(given, dict) and is_on(given):
        _, renamed = own_keys(section, given)
        for key, name in renamed.items():
            yield f"{join(where, key)}: read as {name}"
        yield from _others([key for key in given if key not in section.known and key not in renamed], where)


def modulator_notes(content: Mapping[str, Any], where: str) -> Iterator[str]:
    """Of a section ``neuromodulation`` that is right."""
    for name in modulator_names(content):
        section = modulator_section(name) if name in MODULATORS else Declared
        yield from _unit_doubts(section, content.get(name, {}), join(where, name))


def _section_notes(content: Mapping[str, Any], known: list[str]) -> Iterator[str]:
    """Of sections that are misspelt, or known and not acted on."""
    for key in content if len(content) <= _MAX_SECTIONS else ():
        near = nearest(key, known) if key not in known else None
        if near is not None and near not in content and _likeness(key, near) > _LIKELY_MISSPELT:
            yield f"{join('', key)}: unknown section, not acted on; did you mean {near!r}?"
    if content.get("dimensions", 4) != 4:
        yield f"dimensions: not acted on, a lattice has 4; got {shown(content['dimensions'])}"
    if _lifecycle_is_on(content.get("cell_lifecycle")):
        yield "cell_lifecycle: not acted on yet; no neuron ages, dies or divides"


def _likeness(one: str, two: str) -> float:
    return difflib.SequenceMatcher(None, one, two).ratio()


def _lifecycle_is_on(section: Any) -> bool:
    if not isinstance(section, dict):
        return section is not None
    switches = [section[name] for name in _LIFECYCLE_SWITCHES if name in section]
    return section.get("enabled", True) is not False and (not switches or any(switches))


def _neuron_notes(model: str, params: Mapping[str, Any], where: str) -> Iterator[str]:
    name = registered(model, NEURON_MODELS)
    return _unit_doubts(neuron_section(name), params, where) if name is not None else iter(())


def _unit_doubts(section: type[Section], values: Mapping[str, Any], where: str) -> Iterator[str]:
    """Values that look as if they were in seconds or volts."""
    for key, given in values.items():
        field, value = section.known[key], number_of(given)
        unit = section.about(key).get("unit")
        if value is None or unit not in _LIKELY_UNIT:
            continue
        default = abs(field.get_default(call_default_factory=True))
        if 0.0 < abs(value) < 1.0 <= default and abs(value) <= _TOO_SMALL * default:
            doubt = f"got {shown(given)}, did you mean {_LIKELY_UNIT[unit]}?"
            yield f"{join(where, key)}: is in {unit}; {doubt}"


def _others(keys: list[str], where: str) -> Iterator[str]:
    """Of keys that belong to other tools."""
    if keys:
        yield f"{where}: not acted on: {listed(keys)}"
