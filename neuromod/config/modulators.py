"""The section ``neuromodulation``: registered modulators, and those that a configuration declares.

A registered modulator's parameters are those of its C file. A declared one has no C file: its response, targets and
kinetics stand in the configuration, and its parameters are those that the core has for that response.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, create_model

from neuromod import _core
from neuromod.config.keys import Name, Section, attempt, key, not_registered, parameter, section_of
from neuromod.problems import KNOWN_KEYS, Problem, Wrong, shown, unless

MODULATORS = _core.modulators()
RESPONSES = _core.responses()
TARGETS = _core.target_names()
_FIRST = next(iter(RESPONSES.values()))["params"]
COMMON = {name: _FIRST[name] for name in ("baseline", "decay_rate", "sensitivity")}
"""Parameters that stand beside a declared modulator's response; the others stand inside."""
TAU = {"unit": "ms", "domain": "NM_POSITIVE", "default": 10.0, "doc": "In place of decay_rate."}
_OFFSET = {
    "unit": "1",
    "domain": "NM_ANY",
    "default": 1.0,
    "doc": "Factor at a response of 0; thresholds have none.",
}
MAX_MODULATORS = 64
"""Modulators of one system: each costs every region a number and every step a multiplication."""
DECLARED_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = (
    "add_release clamp clamped set_diffusion enabled neutral event from_dict get_state level modulate_learning "
    "modulate_neuron_update names process_punishment process_reward process_uncertainty regions "
    "releases reset step to_dict"
)
RESERVED = tuple(_TAKEN.split())
"""What a system has under names of its own, which no modulator may take."""

Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]


class Release(Section):
    """The key ``release`` of a modulator, or an entry of it."""

    areas: Names = key(..., "Areas whose spikes release the modulator.")
    amount: float = key(..., "What one spike adds to the level of each region; divided by nothing.")
    regions: Names | None = key(None, "Regions that they project to. Default: all.")


def _release(given: Any) -> dict[str, Any]:
    return Release.model_validate(given).model_dump(mode="json")


def _releases(given: Any) -> list[dict[str, Any] | None]:
    """One release or several; one after the other, so that thousands of wrong ones are refused in time."""
    found: list[Problem] = []
    entries = (
        [attempt(_release, one, found, k) for k, one in enumerate(given)] if isinstance(given, list) else []
    )
    return unless(found, entries if isinstance(given, list) else [_release(given)])


_OneOrMore = PlainValidator(_releases, json_schema_input_type=Release | tuple[Release, ...])
Releases = Annotated[list[dict[str, Any]], _OneOrMore]


class Modulator(Section):
    """What every modulator may have besides its parameters."""

    # Made, not a plain default: where tau is not given, decay_rate counts.
    tau: float = parameter(TAU | {"default": lambda: TAU["default"]})
    neutral: bool = key(False, "Whether it has no effect at its baseline. Default: the system's.")
    release: Releases = key(list, "Areas whose spikes release the modulator; one object or several.")

    @classmethod
    def _together(cls, content: Mapping[str, Any]) -> Iterator[Problem]:
        """A decay that is given twice."""
        if "tau" in content and "decay_rate" in content:
            came = f"{shown(content['decay_rate'])} and {shown(content['tau'])} ms"
            yield Problem((), f"must have decay_rate or tau, not both; got {came}")

    def complete(self) -> dict[str, Any]:
        """Every parameter; ``tau`` in place of ``decay_rate``, and ``release``, where they were given."""
        given = self.model_fields_set
        left_out = {"decay_rate" if "tau" in given else "tau", *({"release", "neutral"} - given)}
        return self.model_dump(exclude=left_out)


@cache
def modulator_section(name: str) -> type[Modulator]:
    """What a registered modulator may have."""
    about = MODULATORS[name]
    doc = about["title"] + ("; only where it is named." if about["optional"] else ".")
    return section_of(about["params"], Modulator, name, doc)


class Responses(Section):
    """One of the responses of the core, with its parameters."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})


@cache
def response_section(kind: str) -> type[Section]:
    """The parameters of a response."""
    table = {name: about for name, about in RESPONSES[kind]["params"].items() if name not in COMMON}
    return section_of(table, Section, kind, RESPONSES[kind]["title"] + ".")


_KINDS: dict[str, Any] = {kind: (response_section(kind), Field(default_factory=dict)) for kind in RESPONSES}
OneResponse = create_model("OneResponse", __base__=Responses, **_KINDS)


def _response(given: Any) -> dict[str, dict[str, float]]:
    """The one response with its parameters, complete."""
    if not isinstance(given, dict) or len(given) != 1:
        raise Wrong([Problem((), f"must be an object with one of {', '.join(RESPONSES)}", given)])
    one = OneResponse.model_validate(given)
    return {kind: getattr(one, kind).model_dump() for kind in given}


def _targets(given: Any) -> list[str]:
    if not isinstance(given, list) or not 1 <= len(given) <= len(TARGETS):
        raise Wrong([Problem((), f"must be an array of one or more of {', '.join(TARGETS)}", given)])
    found = []
    for k, name in enumerate(given):
        if name not in TARGETS:
            found.append(not_registered((k,), name, "a target", TARGETS))
        elif name in given[:k]:
            found.append(Problem((k,), "must not stand twice", name))
    return unless(found, given)


_SEVERAL = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(TARGETS)}}
Targets = Annotated[list[str], PlainValidator(_targets), WithJsonSchema(_SEVERAL)]
AsResponse = Annotated[dict[str, Any], PlainValidator(_response, json_schema_input_type=OneResponse)]


class Declared(Modulator):
    """A modulator that stands in the configuration alone."""

    baseline: float = parameter(COMMON["baseline"])
    decay_rate: float = parameter(COMMON["decay_rate"])
    sensitivity: float = parameter(COMMON["sensitivity"])
    offset: float = parameter(_OFFSET)
    response: AsResponse = key(..., "One response of the level, with its parameters.")
    targets: Targets = key(..., "What the modulator acts on.")


class Neuromodulation(Section):
    """The section ``neuromodulation``, besides the modulators."""

    model_config = ConfigDict(extra="ignore")

    enabled: bool = key(True, "Whether modulators act.")
    neutral: bool = key(False, "Whether no modulator has an effect at its baseline.")


def _is_declaration(given: Any) -> bool:
    return isinstance(given, dict) and ("response" in given or "targets" in given)


def modulator_names(content: Any) -> list[str]:
    """The modulators that a system has: those that are not optional, those that are named, those declared."""
    given = content if isinstance(content, dict) else {}
    own = [name for name in given if _is_declaration(given[name]) and DECLARED_NAME.fullmatch(name)]
    system = [name for name, about in MODULATORS.items() if name in given or not about["optional"]]
    return system + [name for name in own if name not in MODULATORS and name not in RESERVED]


def known_modulators(content: Any) -> list[str]:
    """Modulators that a system of this configuration may have: the registered ones and those declared."""
    return list(dict.fromkeys([*MODULATORS, *modulator_names(content)]))


def read_neuromodulation(given: Any) -> dict[str, Any]:
    """``enabled`` and every modulator that a system has, complete."""
    found: list[Problem] = []
    switch = attempt(Neuromodulation.model_validate, given, found)
    content = given if isinstance(given, dict) else {}
    system: dict[str, Any] = {"enabled": switch is None or switch.enabled}
    if switch is not None and switch.neutral:
        system["neutral"] = True
    for name in modulator_names(content):
        section = modulator_section(name) if name in MODULATORS else Declared
        modulator = attempt(section.model_validate, content.get(name, {}), found, name)
        system[name] = None if modulator is None else modulator.complete()
    known = {*system, *Neuromodulation.known}
    found += (_no_modulator(name, content[name]) for name in content if name not in known)
    n = sum(name not in Neuromodulation.known for name in system)
    if n > MAX_MODULATORS:
        rule = f"must be at most {MAX_MODULATORS} modulators; got {n}"
        found.append(Problem((), rule))
    return unless(found, system)


def _no_modulator(name: str, given: Any) -> Problem:
    """What is wrong with a key that is neither a registered modulator nor one that may be declared."""
    if not _is_declaration(given):
        more = "; one that is declared here has a response and targets" if isinstance(given, dict) else ""
        return Problem(
            (name,), "unknown key", known=("enabled", "neutral", *MODULATORS), far=KNOWN_KEYS + more
        )
    if name in RESERVED:
        return Problem((name,), "must differ from what a system has", name)
    return Problem((name,), "must be a name of small letters, digits and _", name)
