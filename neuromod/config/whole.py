"""The whole configuration: its sections, each checked by itself; and what in it is right but not acted on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator

from neuromod.config.keys import Section, attempt, key
from neuromod.config.lifecycle import Lifecycle
from neuromod.config.modulators import COMMON, MODULATORS, read_neuromodulation
from neuromod.config.plasticity import RULES, Homeostatic, Plasticity, ShortTerm, is_on, own_keys, read_rule
from neuromod.config.sections import (
    MAX_AREAS,
    NEURON_MODELS,
    Area,
    Drive,
    NeuronModel,
    Sense,
    Simulation,
    Size,
    common_neuron,
)
from neuromod.problems import Problem, Wrong, join, listed, nearest, shown, unless
from neuromod.units import SLOW_TIMES, dt_doubt, unit_doubt

__all__ = ["Config"]

_KNOWN_ELSEWHERE = ("model_version", "dimensions")
# Of unknown sections only those are warned of that are this close to a known one: others belong to other tools.
_LIKELY_MISSPELT = 0.8
_MAX_SECTIONS = 100


def _few(given: Any) -> Any:
    if isinstance(given, list) and len(given) <= MAX_AREAS:
        return given
    came = f"{len(given)} of them" if isinstance(given, list) else shown(given)
    raise Wrong([Problem((), f"must be an array of at most {MAX_AREAS} areas; got {came}")])


def _senses(given: Any) -> dict[str, Sense | None]:
    """By name; one after the other, so that thousands of wrong ones are refused in time."""
    if not isinstance(given, dict):
        raise Wrong([Problem((), "must be an object", given)])
    found: list[Problem] = []
    return unless(found, {name: attempt(Sense.model_validate, given[name], found, name) for name in given})


Sites = Annotated[tuple[Size, Size, Size, Size], Field(strict=False)]
Areas = Annotated[tuple[Area, ...], Field(strict=False), BeforeValidator(_few)]
Rule = Annotated[Plasticity, PlainValidator(read_rule, json_schema_input_type=Plasticity)]
Senses = Annotated[dict[str, Sense], PlainValidator(_senses, json_schema_input_type=dict[str, Sense])]
System = Annotated[
    dict[str, Any], PlainValidator(read_neuromodulation, json_schema_input_type=dict[str, Any])
]


class Config(Section):
    """A configuration; sections that are not listed here are kept and not acted on."""

    model_config = ConfigDict(extra="ignore")
    stands_in = True

    lattice_shape: Sites = key(..., "Sites along x, y, z and w.")
    areas: Areas = key(..., "The areas; no two share a site. Without any, `add_neuron` fills the lattice.")
    neuron_model: NeuronModel = key(NeuronModel, "What neurons are unless their area says otherwise.")
    drive: Drive = key(Drive, "Background input of each neuron.", validation_alias="background_drive")
    plasticity: Rule = key(lambda: read_rule("none"), "The rule of plastic projections.")
    neuromodulation: System = key(lambda: read_neuromodulation({}), "Modulators, by name.")
    senses: Senses = key(dict, "Senses, by name.")
    lifecycle: Lifecycle = key(
        lambda: Lifecycle(enabled=False),
        "How neurons age, die and have children; without it they do not.",
        validation_alias="cell_lifecycle",
    )
    simulation: Simulation = key(Simulation, "Length of a step, and the seed.")
    experiment: dict[str, Any] | None = key(None, "What `neuromod run` does; checked there.")

    @classmethod
    def _together(cls, content: Mapping[str, Any]) -> Iterator[Problem]:
        """An experiment may be left out, but not be null."""
        if content.get("experiment", {}) is None:
            yield Problem(("experiment",), "must be an object", None)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.lattice_shape))
        return (
            f"Config(lattice={shape or 'none'}, areas={len(self.areas)}, model={self.neuron_model.type!r}, "
            f"rule={self.plasticity.rule!r}, dt={self.simulation.dt:g} ms)"
        )

    __str__ = __repr__

    def area(self, name: str) -> Area:
        """The area of that name.

        Parameters
        ----------
        name : str

        Returns
        -------
        Area

        Raises
        ------
        KeyError
            If there is none.
        """
        return {area.name: area for area in self.areas}[name]


class WithoutLattice(Config):
    """A configuration without a lattice: ``areas`` is empty and there is no ``lattice_shape``."""

    lattice_shape: tuple[()] = key((), "None.")  # type: ignore[assignment]
    areas: tuple[()] = key((), "None.", strict=False)


def read_sections(content: Any) -> Config:
    """A configuration from plain JSON, each section checked by itself; areas by the common neuron model."""
    neuron_model = content.get("neuron_model") if isinstance(content, dict) else None
    bare = isinstance(content, dict) and content.get("areas") == [] and "lattice_shape" not in content
    return (WithoutLattice if bare else Config).model_validate(content, context=common_neuron(neuron_model))


# ---- what is right, but not acted on, or not likely to be meant: a sentence each, for warnings -------------


def whole_notes(content: Mapping[str, Any], config: Config) -> Iterator[str]:
    """Of a whole configuration."""
    yield from _section_notes(content, [*Config.known, *_KNOWN_ELSEWHERE])
    common = config.neuron_model
    table = NEURON_MODELS[common.type]["params"]
    yield from _unit_doubts(table, common.params_default, "neuron_model.params_default")
    for k, area in enumerate(config.areas):
        table = NEURON_MODELS[area.model or common.type]["params"]
        yield from _unit_doubts(table, area.params, f"areas[{k}].params")
    doubt = dt_doubt(config.simulation.dt, "simulation.dt")
    if doubt is not None:
        yield doubt
    yield from rule_notes(content.get("plasticity"), config.plasticity, "plasticity")
    yield from modulator_notes(config.neuromodulation, "neuromodulation")
    for name, sense in content.get("senses", {}).items():
        yield from _others((key for key in sense if key not in Sense.known), join("senses", name))


def _section_notes(content: Mapping[str, Any], known: list[str]) -> Iterator[str]:
    """Of sections that are misspelt, or known and not acted on."""
    for name in content if len(content) <= _MAX_SECTIONS else ():
        likely = difflib.get_close_matches(name, known, n=1, cutoff=_LIKELY_MISSPELT)
        if name not in known and likely and likely[0] not in content:
            yield f"{join('', name)}: unknown section, not acted on; did you mean {likely[0]!r}?"
    if content.get("dimensions", 4) != 4:
        yield f"dimensions: not acted on, a lattice has 4; got {shown(content['dimensions'])}"


def rule_notes(given: Any, rule: Plasticity, where: str) -> Iterator[str]:
    """Of the section of a rule; `given` may be the rule's name alone, or nothing."""
    content = given if isinstance(given, dict) else {}
    yield from part_notes(ShortTerm, content.get("short_term"), join(where, "short_term"))
    yield from part_notes(Homeostatic, content.get("homeostatic"), join(where, "homeostatic"))
    if rule.rule in RULES:
        yield from _unit_doubts(RULES[rule.rule]["params"], rule.params, where)
    else:  # switching a rule off must not require to delete its parameters
        idle = [name for name in content if name not in Plasticity.known]
        if idle:
            yield f"{where}: the rule is 'none'; not acted on: {', '.join(idle)}"
        if is_on(content.get("homeostatic")):
            yield f"{join(where, 'homeostatic')}: not acted on; the rule is 'none'"
    if rule.rule != "bcm" and is_on(content.get("metaplasticity")):
        yield f"{join(where, 'metaplasticity')}: not acted on; the rule 'bcm' has a sliding threshold"


def part_notes(section: type[Section], given: Any, where: str) -> Iterator[str]:
    """Of a part of the section ``plasticity``."""
    if isinstance(given, dict) and is_on(given):
        own, renamed = own_keys(section, given)
        yield from (f"{join(where, name)}: read as {ours}" for name, ours in renamed.items())
        others = [name for name in given if name not in {*section.known, *renamed}]
        near = (nearest(name, [each for each in section.known if each not in own]) for name in others)
        hint = next((f"; did you mean {name!r}?" for name in near if name is not None), "")
        yield from (note + hint for note in _others(others, where))
        yield from _unit_doubts(SLOW_TIMES, own, where)


def modulator_notes(system: Mapping[str, Any], where: str) -> Iterator[str]:
    """Of a section ``neuromodulation``."""
    for name, modulator in system.items():
        if isinstance(modulator, dict):
            table = MODULATORS[name]["params"] if name in MODULATORS else COMMON
            yield from _unit_doubts({**table, "tau": SLOW_TIMES["tau"]}, modulator, join(where, name))


def _unit_doubts(table: Mapping[str, Any], values: Mapping[str, Any], where: str) -> Iterator[str]:
    """Values that look as if they were in seconds or volts."""
    for name, about in table.items():
        doubt = unit_doubt(join(where, name), about, values[name]) if name in values else None
        if doubt is not None:
            yield doubt


def _others(keys: Iterable[str], where: str) -> Iterator[str]:
    """Of keys that belong to other tools."""
    names = listed(keys)
    if names:
        yield f"{where}: not acted on: {names}"
