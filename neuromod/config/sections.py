"""The sections of a configuration as frozen pydantic models, and what pydantic finds wrong in our words.

Only what stands here is fixed. The parameters of neuron models, plasticity rules and modulators are facts of
their C files; ``config/tables.py`` reads them from there.
"""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neuromod.config.read import ROOT, join, shown

__all__ = [
    "AXES",
    "Area",
    "AreaKeys",
    "Config",
    "CoordRanges",
    "Drive",
    "LatticeKeys",
    "Name",
    "NeuronModel",
    "NeuronModelKeys",
    "Plasticity",
    "PlasticityKeys",
    "Sense",
    "Simulation",
    "add_unknown_key",
    "near_name",
    "nearest",
    "validated",
    "with_unit",
]

AXES = ("x", "y", "z", "w")
"""The lattice's axes, in the order of ``lattice_shape``."""

# 2**31 - 1: coordinates and the positions of neurons in their columns are 32-bit integers.
Size = Annotated[int, Field(ge=1, le=2**31 - 1)]
Index = Annotated[int, Field(ge=0, le=2**31 - 2)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
# What it multiplies is of the order of 1; the bound keeps products of several finite.
Density = Annotated[float, Field(ge=0.0, le=1e6)]
# Far above any weight in use and far below the overflow of float32, which weights are stored in.
Weight = Annotated[float, Field(ge=-1e9, le=1e9, json_schema_extra={"unit": "mV"})]
NeuronType = Literal["excitatory", "inhibitory"]


class Section(BaseModel):
    """What all sections share: no unknown key, no conversion of types, no NaN, no change once made."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Range = Annotated[tuple[Index, Index], Field(strict=False)]


class LatticeKeys(Section):
    """The section ``lattice_shape``, by itself.

    Parameters
    ----------
    lattice_shape : array of four int, >= 1
        Sites along x, y, z and w.
    """

    lattice_shape: Annotated[tuple[Size, Size, Size, Size], Field(strict=False)] = Field(
        description="Sites along x, y, z and w."
    )


class CoordRanges(Section):
    """First and last coordinate of an area on each axis, both included.

    Parameters
    ----------
    x, y, z, w : array of two int, >= 0
    """

    x: Range
    y: Range
    z: Range
    w: Range


class Drive(Section):
    """Background input that each neuron gets of its own: Poisson events, and noise drawn anew in each step.

    Parameters
    ----------
    rate : float, Hz, 0 to 1e6, default 0
    weight : float, mV, default 0
        What one event adds; below 0 it inhibits.
    noise : float, mV, >= 0, default 0
        Standard deviation of a normal current, of each step whatever its length.
    noise_uniform : float, mV, >= 0, default 0
        Half the width of a uniform current around 0, as of Izhikevich's networks.
    """

    rate: float = Field(
        default=0.0, ge=0.0, le=1e6, description="Events per second.", json_schema_extra={"unit": "Hz"}
    )
    weight: Weight = Field(default=0.0, description="What one event adds; below 0 it inhibits.")
    noise: float = Field(
        default=0.0,
        ge=0.0,
        le=1e9,
        description="Standard deviation of a normal current, drawn anew in each step.",
        json_schema_extra={"unit": "mV"},
    )
    noise_uniform: float = Field(
        default=0.0,
        ge=0.0,
        le=1e9,
        description="Half the width of a uniform current around 0, drawn anew in each step.",
        json_schema_extra={"unit": "mV"},
    )


class NeuronModelKeys(Section):
    """The fixed keys of the section ``neuron_model``.

    Parameters
    ----------
    type : str, default "lif"
        A registered neuron model, lower or upper case.
    params_default : dict
        Parameters that differ from the model's defaults; checked against its table.
    inhibitory_fraction : float, 0 to 1, default 0
        Share of inhibitory neurons where no type is given.
    """

    type: Name = Field(default="lif", description="A registered neuron model.")
    params_default: dict[str, Any] = Field(
        default={}, description="Parameters that differ from the model's defaults."
    )
    inhibitory_fraction: Fraction = Field(
        default=0.0, description="Share of inhibitory neurons where no type is given."
    )


class NeuronModel(Section):
    """The checked section ``neuron_model``.

    Parameters
    ----------
    type : str, default "lif"
        Registered name, lower case.
    params_default : dict of str to float, in the units of the model's table
        What was given; `neuromod.config.check_params` fills in the rest.
    inhibitory_fraction : float, 0 to 1, default 0
    """

    type: str = "lif"
    params_default: dict[str, float] = {}
    inhibitory_fraction: float = 0.0


class AreaKeys(Section):
    """The keys of an entry of ``areas``.

    Parameters
    ----------
    name : str
    coord_ranges : CoordRanges
    sense : str, optional
        The sense that feeds the area.
    model : str, optional
        A registered neuron model. Default: ``neuron_model.type``.
    params : dict
        Parameters that differ from ``neuron_model.params_default``.
    neuron_type : {"excitatory", "inhibitory"}, optional
        Default: by ``neuron_model.inhibitory_fraction``.
    density : float, 0 to 1, optional
        Share of the sites that get a neuron.
    region : str, optional
        Region whose modulator levels act here.
    drive : Drive, optional
        Default: the section ``background_drive``.
    receptors : dict of str to float, no unit, 0 to 1e6
        By modulator: density d of its receptors, default 1. A factor f acts here as ``1 + d * (f - 1)``, the rise of
        a threshold as d times itself.
    """

    name: Name
    coord_ranges: CoordRanges
    sense: Name | None = Field(default=None, description="The sense that feeds the area.")
    model: Name | None = Field(
        default=None, description="A registered neuron model. Default: neuron_model.type."
    )
    params: dict[str, Any] = Field(
        default={}, description="Parameters that differ from neuron_model.params_default."
    )
    neuron_type: NeuronType | None = Field(
        default=None, description="Default: by neuron_model.inhibitory_fraction."
    )
    density: Fraction | None = Field(default=None, description="Share of the sites that get a neuron.")
    region: Name | None = Field(default=None, description="Region whose modulator levels act here.")
    drive: Drive | None = Field(default=None, description="Default: the section background_drive.")
    receptors: dict[str, Density] = Field(
        default={}, description="By modulator: part of its effect that is felt here. Default: 1."
    )


class Area(Section):
    """A checked entry of ``areas``.

    Parameters
    ----------
    name : str
    coord_ranges : dict of str to (int, int)
        Axis -> first and last coordinate, both included.
    sense, model, neuron_type, region : str or None
        `model` is a registered name.
    params : dict of str to float, in the units of the table
        What was given; it goes before the section ``neuron_model``'s.
    density : float, 0 to 1, or None
    drive : Drive or None
    receptors : dict of str to float, no unit, 0 to 1e6
        Modulator -> density of its receptors; 1 where it is not named.
    """

    name: str
    coord_ranges: dict[str, tuple[int, int]]
    sense: str | None = None
    model: str | None = None
    params: dict[str, float] = {}
    neuron_type: NeuronType | None = None
    density: float | None = None
    region: str | None = None
    drive: Drive | None = None
    receptors: dict[str, float] = {}

    @property
    def n_sites(self) -> int:
        """Number of lattice sites."""
        return math.prod(high - low + 1 for low, high in self.coord_ranges.values())


class Sense(Section):
    """An entry of ``senses``.

    Parameters
    ----------
    areal : str
        Name of the area that the sense feeds.
    w_index : int, >= 0, optional
        Position on the w axis; one of the area's.
    input_size : array of 1 to 4 int, >= 1, optional
        Shape of the input.
    input_description : str, optional
    """

    # Descriptions of senses carry more keys elsewhere; they are named in a warning, see config.py.
    model_config = ConfigDict(extra="ignore")

    areal: Name = Field(description="Name of the area that the sense feeds.")
    w_index: Index | None = Field(
        default=None, description="Position on the w axis; must be one of the area's."
    )
    input_size: Annotated[tuple[Size, ...], Field(strict=False, min_length=1, max_length=4)] | None = Field(
        default=None, description="Shape of the input."
    )
    input_description: str | None = None


class PlasticityKeys(Section):
    """The keys of the section ``plasticity`` besides the parameters of its rule.

    Parameters
    ----------
    rule : str
        Registered name, or "none".
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of plastic weights.
    weight_decay : float, 0 to 1 per step, default 0
        Share of a plastic weight lost in each step.
    weight_dependence : float, >= 0, default 0
        Exponent of soft bounds; 0: hard ones.
    """

    # The parameters of the rule stand beside these, and are checked against the rule's table.
    model_config = ConfigDict(extra="ignore")

    rule: Name
    weight_min: Weight = Field(default=0.0, description="Lower bound of plastic weights.")
    weight_max: Weight = Field(default=1.0, description="Upper bound of plastic weights.")
    weight_decay: Fraction = Field(default=0.0, description="Share of a plastic weight lost in each step.")
    weight_dependence: float = Field(
        default=0.0,
        ge=0.0,
        description="Soft bounds: exponent of the room above (below) a weight that grows (falls); 0: hard.",
    )


class Plasticity(Section):
    """A rule of plasticity, checked and complete.

    Parameters
    ----------
    rule : str, default "none"
        Registered name, or "none".
    params : dict of str to float, in the units of the table
        Every parameter of the rule, defaults filled in; empty for "none".
    weight_min, weight_max : float, mV, default 0 and 1
    weight_decay : float, 0 to 1 per step, default 0
    weight_dependence : float, >= 0, default 0
        Exponent of soft bounds (Guetig et al. 2003); 0: hard ones.
    short_term, homeostatic : dict of str to float, in ms and Hz, optional
        Complete, where they are on; see ``config/plasticity.py``.
    """

    rule: str = "none"
    params: dict[str, float] = {}
    weight_min: float = 0.0
    weight_max: float = 1.0
    weight_decay: float = 0.0
    weight_dependence: float = 0.0
    short_term: dict[str, float] | None = None
    homeostatic: dict[str, float] | None = None


class Simulation(Section):
    """The section ``simulation``.

    Parameters
    ----------
    dt : float, ms, > 0, default 1
        Length of a step.
    seed : int, 0 .. 2**64 - 1, optional
        Default: drawn, and kept.
    """

    dt: float = Field(default=1.0, gt=0.0, description="Length of a step.", json_schema_extra={"unit": "ms"})
    seed: Annotated[int, Field(ge=0, le=2**64 - 1)] | None = Field(
        default=None, description="Default: drawn, and kept."
    )


class Config(Section):
    """A checked configuration.

    Parameters
    ----------
    lattice_shape : tuple of four int
        Sites along x, y, z, w.
    areas : tuple of Area
        At least one; no two share a site.
    neuron_model : NeuronModel
    drive : Drive
        The section ``background_drive``.
    plasticity : Plasticity
    neuromodulation : dict
        ``enabled`` and, for each modulator, its parameters, complete (see `check_neuromodulation`).
    senses : dict of str to Sense
    simulation : Simulation
    experiment : dict or None
        As given; ``neuromod.experiment`` checks it.
    """

    lattice_shape: tuple[int, int, int, int]
    areas: tuple[Area, ...]
    neuron_model: NeuronModel = NeuronModel()
    drive: Drive = Drive()
    plasticity: Plasticity = Plasticity()
    neuromodulation: dict[str, Any]
    senses: dict[str, Sense] = {}
    simulation: Simulation = Simulation()
    experiment: dict[str, Any] | None = None

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.lattice_shape))
        return (
            f"Config(lattice={shape}, areas={len(self.areas)}, model={self.neuron_model.type!r}, "
            f"rule={self.plasticity.rule!r}, dt={self.simulation.dt:g} ms)"
        )

    def __str__(self) -> str:
        return repr(self)

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
        for area in self.areas:
            if area.name == name:
                return area
        raise KeyError(name)


# ---- what is wrong, in our words ---------------------------------------------------------------------------


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely means.

    Parameters
    ----------
    key : str
    known : iterable of str

    Returns
    -------
    str or None
        None where nothing is near.

    Examples
    --------
    >>> nearest("tau_pluss", ["tau_minus", "tau_plus"])
    'tau_plus'
    """
    if len(key) > 100:  # the comparison takes time quadratic in the length
        return None
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(key.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def near_name(problems: list[str], key: str, known: Iterable[str]) -> str | None:
    """The `nearest` name, as long as comparing is cheap: thousands of wrong names must not take minutes to refuse.

    Parameters
    ----------
    problems : list of str
        What is wrong so far; the longer, the fewer names are compared.
    key : str
    known : iterable of str

    Returns
    -------
    str or None
    """
    names = list(known)
    return nearest(key, names) if len(names) * (1 + len(problems)) <= _COMPARISONS else None


_COMPARISONS = 2000


def add_unknown_key(problems: list[str], where: str, key: str, known: Iterable[str]) -> None:
    """The problem of a key that a section does not have.

    Parameters
    ----------
    problems : list of str
        Gets the problem.
    where : str
        JSON path of the section.
    key : str
    known : iterable of str
        The keys that it may have.
    """
    names = list(known)
    near = near_name(problems, key, names)
    hint = f"did you mean {near!r}?" if near is not None else f"known are {', '.join(sorted(names))}"
    problems.append(f"{join(where, key)}: unknown key; {hint}")


Model = TypeVar("Model", bound=Section)


def validated(cls: type[Model], value: Any, where: str, problems: list[str]) -> Model | None:
    """The value as a `cls`, or None and what is wrong with it added to `problems`.

    Parameters
    ----------
    cls : type of Section
    value : object
        Plain JSON.
    where : str
        JSON path of `value`.
    problems : list of str
        Gets one entry for each problem.

    Returns
    -------
    cls or None
    """
    try:
        return cls.model_validate(value)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            _add_in_words(problems, cls, problem, where)
        return None


def _add_in_words(problems: list[str], cls: type[BaseModel], problem: Mapping[str, Any], where: str) -> None:
    loc: list[Any] = list(problem["loc"])
    path = join(where, *loc) or ROOT
    fields = _fields_around(cls, loc)
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        add_unknown_key(problems, join(where, *loc[:-1]), loc[-1], fields)
        return
    if kind == "missing":
        problems.append(f"{path}: is required; got nothing")
        return
    unit = _unit(fields.get(loc[-1])) if loc else "1"
    rule = with_unit(_rule(kind, problem.get("ctx", {}), value), unit)
    problems.append(f"{path}: must be {rule}; got {shown(value)}")


def with_unit(rule: str, unit: str) -> str:
    """A rule and the unit of the number that it is for.

    Parameters
    ----------
    rule : str
    unit : str
        "1" for a pure number.

    Returns
    -------
    str

    Examples
    --------
    >>> with_unit("> 0", "ms"), with_unit(">= 0", "1/step"), with_unit("finite", "mV")
    ('> 0 ms', '>= 0 per step', 'finite, in mV')
    """
    if unit == "1":
        return rule
    if unit.startswith("1/"):
        return f"{rule} per {unit[2:]}"
    return f"{rule} {unit}" if rule[-1].isdigit() else f"{rule}, in {unit}"


_MUST_BE = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "finite",
    "bool_type": "true or false",
    "string_type": "text",
    "string_unicode": "text that UTF-8 can encode",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than_equal": "<= {le}",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "string_too_short": "at least {min_length} character long",
    "string_too_long": "at most {max_length} characters long",
    "literal_error": "{expected}",
}


def _rule(kind: str, context: Mapping[str, Any], value: Any) -> str:
    if kind == "float_type" and isinstance(value, int) and not isinstance(value, bool):
        kind = "finite_number"  # an integer beyond the largest double
    if kind not in _MUST_BE:  # none that the sections above can lead to
        return f"valid ({kind})"
    plain = {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in context.items()}
    return _MUST_BE[kind].format(**plain)


def _fields_around(cls: type[BaseModel], loc: list[Any]) -> Mapping[str, Any]:
    """The fields of the section that holds the last part of `loc`."""
    for part in loc[:-1]:
        inner = _section_in(cls.model_fields[part].annotation) if part in cls.model_fields else None
        cls = inner or cls
    return cls.model_fields


def _section_in(kind: Any) -> type[BaseModel] | None:
    """The section that a field's type is, be it optional or not."""
    parts = get_args(kind) if get_origin(kind) is types.UnionType else (kind,)
    return next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


def _unit(field: Any) -> str:
    extra = getattr(field, "json_schema_extra", None)
    return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else "1"
