"""The sections on neurons, areas, senses and the simulation: what each key may be, and the values once checked.

The parameters of neuron models, plasticity rules and modulators are facts of their C files and are read from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from neuromod import _core
from neuromod.arguments import LONGEST_STEP, SHORTEST_STEP
from neuromod.config.keys import (
    Name,
    Section,
    key,
    registered,
    registered_as,
    right_part,
    section_of,
    spellings,
)
from neuromod.problems import KNOWN_KEYS, NAMES, Problem, Wrong, nearest, unless

__all__ = ["Area", "Drive", "NeuronModel", "Sense", "Simulation"]

NEURON_MODELS = _core.neuron_models()
MAX_AREAS = 4096
"""Areas of one configuration: the test for overlaps takes time quadratic in their number."""

# Coordinates and the positions of neurons in their columns are 32-bit integers.
Size = Annotated[int, Field(ge=1, le=2**31 - 1)]
Index = Annotated[int, Field(ge=0, le=2**31 - 2)]
Range = Annotated[tuple[Index, Index], Field(strict=False)]
Shape = Annotated[tuple[Size, ...], Field(strict=False, min_length=1, max_length=4)]
# What a density multiplies is of the order of 1; the bound keeps products of several finite.
Density = Annotated[float, Field(ge=0, le=1e6)]
NeuronType = Literal["excitatory", "inhibitory"]
ModelName = Annotated[
    Name, registered_as("a neuron model", NEURON_MODELS), WithJsonSchema(spellings(NEURON_MODELS))
]


@cache
def neuron_section(model: str) -> type[Section]:
    """The parameters of a neuron model, and the lasting current of its neurons."""
    return section_of(_core.neuron_params(model), Section, model, NEURON_MODELS[model]["title"] + ".")


def neuron_values(model: str, given: Any, base: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters of a neuron model; `base` counts for the others, before the model's defaults."""
    if not isinstance(given, dict):
        raise Wrong([Problem((), "must be an object", given)])
    found: list[Problem] = []
    values = right_part(neuron_section(model), given, found).model_dump(exclude_unset=True)
    found += _broken_orders(NEURON_MODELS[model], values, base)
    return unless(found, values)


def _broken_orders(
    about: Mapping[str, Any], values: Mapping[str, Any], base: Mapping[str, Any]
) -> Iterator[Problem]:
    """Each pair of parameters of which one must be greater and is not, e.g. the threshold and the reset."""
    table = about["params"]
    known = {**{name: field["default"] for name, field in table.items()}, **base, **values}
    for greater, lesser in about["greater_than"]:
        if known[greater] > known[lesser] or not (greater in values or lesser in values):
            continue
        culprit, sign, other = (greater, ">", lesser) if greater in values else (lesser, "<", greater)
        source = "" if other in values or other in base else ", the default"
        rule = f"must be {sign} {other} ({known[other]} {table[other]['unit']}{source})"
        yield Problem((culprit,), rule, values[culprit])


def common_neuron(section: Any) -> tuple[str | None, dict[str, Any]]:
    """Model and right parameters of areas without a model of their own; None where the model is not known."""
    content = section if isinstance(section, dict) else {}
    model, given = registered(content.get("type", "lif"), NEURON_MODELS), content.get("params_default", {})
    if model is None or not isinstance(given, dict):
        return None, {}
    return model, right_part(neuron_section(model), given, []).model_dump(exclude_unset=True)


class NeuronModel(Section):
    """The section ``neuron_model``: what neurons are unless their area says otherwise."""

    type: ModelName = key("lif", "A registered neuron model.")
    params_default: dict[str, Any] = key({}, "Parameters that differ from the model's defaults.")
    inhibitory_fraction: float = key(0.0, "Share of inhibitory neurons where no type is given.", ge=0, le=1)

    @field_validator("params_default")
    @classmethod
    def _of_the_model(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return neuron_values(info.data["type"], given, {}) if "type" in info.data else given

    @classmethod
    def _unknown(cls, names: list[str]) -> list[Problem]:
        """Unknown keys; the parameters of neuron models are named, since other simulators have them here."""
        params = {param for about in NEURON_MODELS.values() for param in about["params"]}
        own = [name for name in names if NAMES.get(name, name) in params]
        found = [
            Problem((name,), f"must stand in params_default, as {NAMES.get(name, name)}") for name in own
        ]
        return found + super()._unknown([name for name in names if name not in own])


class Drive(Section):
    """Background input that each neuron gets of its own: Poisson events, and a noisy current."""

    # 1e9 mV is far above any weight in use and far below the overflow of float32, which weights are stored in.
    rate: float = key(0.0, "Events per second.", unit="Hz", ge=0, le=1e6)
    weight: float = key(0.0, "What one event adds; below 0 it inhibits.", unit="mV", ge=-1e9, le=1e9)
    noise: float = key(
        0.0,
        "Normal white-noise current: standard deviation of its mean over 1 ms, at any dt.",
        unit="mV sqrt(ms)",
        ge=0,
        le=1e9,
    )
    noise_uniform: float = key(
        0.0,
        "Uniform white-noise current around 0: half of its width in a step of 1 ms; 1 / sqrt(dt) of it at other dt.",
        unit="mV sqrt(ms)",
        ge=0,
        le=1e9,
    )
    noise_per_step: float = key(
        0.0,
        "Standard deviation of a normal current, drawn anew in each step, of that size whatever dt.",
        unit="mV",
        ge=0,
        le=1e9,
    )
    noise_uniform_per_step: float = key(
        0.0,
        "Half the width of a uniform current around 0, drawn anew in each step, of that size whatever dt.",
        unit="mV",
        ge=0,
        le=1e9,
    )


class CoordRanges(Section):
    """First and last coordinate of an area on each axis, both included."""

    x: Range = key(..., "Along x.")
    y: Range = key(..., "Along y.")
    z: Range = key(..., "Along z.")
    w: Range = key(..., "Along w.")


AXES = tuple(CoordRanges.known)
"""The lattice's axes, in the order of ``lattice_shape``."""


def _as_dict(given: Any) -> dict[str, tuple[int, int]]:
    return CoordRanges.model_validate(given).model_dump()


Box = Annotated[dict[str, tuple[int, int]], PlainValidator(_as_dict, json_schema_input_type=CoordRanges)]


class Area(Section):
    """An entry of ``areas``: a box of lattice sites, and what differs for the neurons in it."""

    name: Name = key(..., "Name of the area; no two areas have the same.")
    coord_ranges: Box = key(..., "First and last coordinate on each axis, both included.")
    sense: Name | None = key(None, "The sense that feeds the area.")
    model: ModelName | None = key(None, "A registered neuron model. Default: neuron_model.type.")
    params: dict[str, Any] = key({}, "Parameters that differ from neuron_model.params_default.")
    neuron_type: NeuronType | None = key(None, "Default: by neuron_model.inhibitory_fraction.")
    density: float | None = key(None, "Share of the sites that get a neuron.", ge=0, le=1)
    region: Name | None = key(None, "Region whose modulator levels act here.")
    drive: Drive | None = key(None, "Default: the section background_drive.")
    receptors: dict[str, Density] = key({}, "By modulator: part of its effect that is felt here. Default: 1.")

    @field_validator("params")
    @classmethod
    def _of_its_model(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Checked by the area's model, or by the common one, which the context hands down."""
        common, base = info.context or (None, {})
        model = info.data["model"] or common if "model" in info.data else None
        return given if model is None else neuron_values(model, given, base if model == common else {})

    @property
    def n_sites(self) -> int:
        """Number of lattice sites."""
        return math.prod(high - low + 1 for low, high in self.coord_ranges.values())


class Sense(Section):
    """An entry of ``senses``; keys of other tools may stand beside these."""

    model_config = ConfigDict(extra="ignore")

    areal: Name = key(..., "Name of the area that the sense feeds.")
    w_index: Index | None = key(None, "Position on the w axis; must be one of the area's.")
    input_size: Shape | None = key(None, "Shape of the input.")
    input_description: str | None = key(None, "What the input is, in words.")

    @classmethod
    def _together(cls, content: Mapping[str, Any]) -> Iterator[Problem]:
        """A key that is near to one of ours is a mistake; others are other tools'."""
        for name in content if len(content) <= 100 else ():
            near = nearest(name, cls.known) if name not in cls.known else None
            if near is not None and near not in content:
                yield Problem((name,), "unknown key", known=cls.known, far=KNOWN_KEYS)


_STEP = f"a number > 0 ms, from {SHORTEST_STEP:g} to {LONGEST_STEP:g}"


class Simulation(Section):
    """The section ``simulation``."""

    dt: float = key(1.0, "Length of a step.", unit="ms", says=_STEP, ge=SHORTEST_STEP, le=LONGEST_STEP)
    seed: int | None = key(None, "Default: drawn, and kept.", ge=0, le=2**64 - 1)
