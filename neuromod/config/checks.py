"""The sections of a configuration one by one, each against the tables and against those it refers to.

Every function takes plain JSON and adds to `problems` (each ends the loading) and `notes` (each becomes a
warning), so that one pass finds all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuromod import _core
from neuromod.config.plasticity import PARTS, checked_homeostatic, checked_short_term, look_at_rest
from neuromod.config.read import MAX_PROBLEMS, join, shown
from neuromod.config.sections import (
    AXES,
    Area,
    AreaKeys,
    LatticeKeys,
    NeuronModel,
    NeuronModelKeys,
    Plasticity,
    PlasticityKeys,
    Sense,
    add_unknown_key,
    near_name,
    validated,
)
from neuromod.config.tables import (
    RULE_ALIASES,
    add_unknown_name,
    check_orders,
    checked_values,
    defaults_of,
    registered,
    unit_doubts,
)

__all__ = [
    "MAX_AREAS",
    "MAX_SITES",
    "add_no_such",
    "checked_areas",
    "checked_lattice_shape",
    "checked_neuron_model",
    "checked_plasticity",
    "checked_senses",
    "column",
    "neuron_values",
]

MAX_AREAS = 4096
"""Areas of one configuration: the test for overlaps takes time quadratic in their number."""
MAX_SITES = 2**31 - 1
"""Sites of one area: positions of neurons are 32-bit integers."""

# Keys of an area that are taken over as they stand.
_AS_GIVEN = ("name", "sense", "neuron_type", "density", "region", "drive", "receptors")


# ---- lattice and neurons -----------------------------------------------------------------------------------


def checked_lattice_shape(raw: dict[str, Any], problems: list[str]) -> tuple[int, ...] | None:
    """The section ``lattice_shape``; None where it is missing (said elsewhere) or wrong.

    Parameters
    ----------
    raw : dict
        The whole configuration.
    problems : list of str
        Gets one entry for each problem.

    Returns
    -------
    tuple of four int, or None
    """
    if "lattice_shape" not in raw:
        return None
    part = validated(LatticeKeys, {"lattice_shape": raw["lattice_shape"]}, "", problems)
    return None if part is None else part.lattice_shape


def checked_neuron_model(section: Any, problems: list[str], notes: list[str]) -> NeuronModel | None:
    """The section ``neuron_model``; None where its model is not known.

    Parameters
    ----------
    section : object
        Plain JSON.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    NeuronModel or None
    """
    keys = validated(NeuronModelKeys, section, "neuron_model", problems)
    if keys is None:
        # Its parameters are looked at all the same, if there is a model to look at them with.
        section = section if isinstance(section, dict) else {}
        keys = validated(
            NeuronModelKeys, {k: section[k] for k in ("type", "params_default") if k in section}, "", []
        )
        if keys is None:
            return None
    models = _core.neuron_models()
    name = registered(keys.type, models)
    if name is None:
        add_unknown_name(problems, "neuron_model.type", keys.type, "a neuron model", models)
        return None
    values = neuron_values(name, keys.params_default, {}, "neuron_model.params_default", problems, notes)
    return NeuronModel(type=name, params_default=values, inhibitory_fraction=keys.inhibitory_fraction)


def neuron_values(
    model: str,
    given: Mapping[str, Any],
    base: Mapping[str, float],
    where: str,
    problems: list[str],
    notes: list[str],
) -> dict[str, float]:
    """Those parameters of a neuron model that are right.

    Parameters
    ----------
    model : str
        Registered name.
    given : mapping of str to object
        Plain JSON by name of the parameter.
    base : mapping of str to float, in the units of the model's table
        What counts before the model's defaults.
    where : str
        JSON path of `given`.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    dict of str to float
    """
    about = _core.neuron_models()[model]
    values = checked_values(given, about["params"], where, problems)
    check_orders(values, base, about, where, problems)
    notes += unit_doubts(values, about["params"], where)
    return values


# ---- areas and senses --------------------------------------------------------------------------------------


def checked_areas(
    section: Any,
    shape: tuple[int, ...] | None,
    neuron_model: NeuronModel | None,
    problems: list[str],
    notes: list[str],
) -> dict[int, Area]:
    """Those entries of ``areas`` that are right, by their position.

    Parameters
    ----------
    section : object
        Plain JSON.
    shape : tuple of four int, or None
        The lattice's, where that is right.
    neuron_model : NeuronModel or None
        What areas without a model of their own have.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    dict of int to Area
    """
    if not isinstance(section, list) or not 1 <= len(section) <= MAX_AREAS:
        came = f"{len(section)} of them" if isinstance(section, list) else shown(section)
        problems.append(f"areas: must be an array of 1 to {MAX_AREAS} areas; got {came}")
        return {}
    areas = {}
    first_of: dict[str, int] = {}
    for k, entry in enumerate(section):
        before = len(problems)
        keys = validated(AreaKeys, entry, f"areas[{k}]", problems)
        if not isinstance(entry, dict):
            continue
        # From here on the raw values, so that what one key is wrong in does not hide what another is.
        name = entry.get("name")
        if isinstance(name, str) and first_of.setdefault(name, k) != k:
            problems.append(
                f"areas[{k}].name: must differ from areas[{first_of[name]}].name; got {shown(name)}"
            )
        _check_ranges(entry.get("coord_ranges"), shape, f"areas[{k}].coord_ranges", problems)
        model, params = _area_params(entry, k, neuron_model, problems, notes)
        if keys is not None and len(problems) == before:
            ranges = {axis: getattr(keys.coord_ranges, axis) for axis in AXES}
            fields = {key: getattr(keys, key) for key in _AS_GIVEN}
            areas[k] = Area(coord_ranges=ranges, model=model, params=params, **fields)
    _check_overlaps(areas, problems)
    return areas


def _area_params(
    entry: dict[str, Any],
    k: int,
    neuron_model: NeuronModel | None,
    problems: list[str],
    notes: list[str],
) -> tuple[str | None, dict[str, float]]:
    """The area's own model, if it has one, and its own parameters."""
    models = _core.neuron_models()
    model, params = entry.get("model"), entry.get("params", {})
    own = registered(model, models) if isinstance(model, str) else None
    if isinstance(model, str) and own is None:
        add_unknown_name(problems, f"areas[{k}].model", model, "a neuron model", models)
    default = None if neuron_model is None else neuron_model.type
    name = default if model is None else own
    if name is None or not isinstance(params, dict):
        return own, {}
    base = neuron_model.params_default if neuron_model is not None and name == default else {}
    return own, neuron_values(name, params, base, f"areas[{k}].params", problems, notes)


def _check_ranges(ranges: Any, shape: tuple[int, ...] | None, where: str, problems: list[str]) -> None:
    if not isinstance(ranges, dict):
        return
    before, n_sites = len(problems), 1
    for position, axis in enumerate(AXES):
        pair = ranges.get(axis)
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair)):
            continue
        low, high = pair
        n_sites *= high - low + 1
        if low > high:
            problems.append(f"{where}.{axis}: must go from low to high; got {shown(pair)}")
        elif shape is not None and high >= shape[position] and high <= MAX_SITES:
            problems.append(
                f"{where}.{axis}: must lie in the lattice, 0 .. {shape[position] - 1}; got {shown(pair)}"
            )
    if len(problems) == before and n_sites > MAX_SITES:
        problems.append(f"{where}: must hold at most {MAX_SITES} sites; got {shown(n_sites)}")


def _check_overlaps(areas: dict[int, Area], problems: list[str]) -> None:
    """No site in two areas: it would get two neurons, or which area its neuron is in would depend on the order."""
    positions = list(areas)
    bounds = np.array([list(areas[k].coord_ranges.values()) for k in positions], dtype=np.int64).reshape(
        -1, 4, 2
    )
    low, high = bounds[:, :, 0], bounds[:, :, 1]
    for row in range(1, len(positions)):
        shared = np.all((low[:row] <= high[row]) & (low[row] <= high[:row]), axis=1)
        if shared.any():
            other = positions[int(np.argmax(shared))]
            both = _intersection(areas[other], areas[positions[row]])
            problems.append(
                f"areas[{positions[row]}].coord_ranges: must not share sites with areas[{other}] "
                f"({shown(areas[other].name)}); got {both} in both"
            )


def _intersection(one: Area, two: Area) -> str:
    parts = []
    for axis, (low, high) in one.coord_ranges.items():
        other_low, other_high = two.coord_ranges[axis]
        parts.append(f"{axis} {max(low, other_low)} .. {min(high, other_high)}")
    return ", ".join(parts)


def checked_senses(
    raw: dict[str, Any], areas: dict[int, Area], problems: list[str], notes: list[str]
) -> dict[str, Sense]:
    """The section ``senses``, against the areas that it names and that name it.

    Parameters
    ----------
    raw : dict
        The whole configuration.
    areas : dict of int to Area
        Those that are right, by position.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    dict of str to Sense
        Those that are right.
    """
    section = raw.get("senses", {})
    if not isinstance(section, dict):
        problems.append(f"senses: must be an object; got {shown(section)}")
        return {}
    by_name = {area.name: area for area in areas.values()}
    names = [name for name in column(raw.get("areas"), "name") if isinstance(name, str)]
    senses = {}
    for name, entry in section.items():
        where = join("senses", name)
        sense = validated(Sense, entry, where, problems)
        if not isinstance(entry, dict):
            continue
        _look_at_extra_keys(entry, where, problems, notes)
        if sense is not None:
            senses[name] = sense
        areal, w = entry.get("areal"), entry.get("w_index")
        if not isinstance(areal, str):
            continue
        if names and areal not in names:
            add_no_such(problems, f"{where}.areal", "the name of an area", areal, names)
        elif areal in by_name and type(w) is int:
            low, high = by_name[areal].coord_ranges["w"]
            if not low <= w <= high and w >= 0:
                problems.append(
                    f"{where}.w_index: must lie in the area's range of w, {low} .. {high}; got {shown(w)}"
                )
    for k, given in enumerate(column(raw.get("areas"), "sense")):
        if "senses" in raw and isinstance(given, str) and given not in section:
            add_no_such(problems, f"areas[{k}].sense", "the name of a sense", given, list(section))
    return senses


def column(entries: Any, key: str) -> list[Any]:
    """One key of every entry, also of those that are wrong.

    Parameters
    ----------
    entries : object
        Plain JSON that should be an array of objects.
    key : str

    Returns
    -------
    list
        As long as `entries`; None where there is no such key, and empty where `entries` is no array.
    """
    entries = entries if isinstance(entries, list) else []
    return [entry.get(key) if isinstance(entry, dict) else None for entry in entries]


def _look_at_extra_keys(entry: dict[str, Any], where: str, problems: list[str], notes: list[str]) -> None:
    """Senses carry more elsewhere: a key near to a known one is a mistake, others are named in one note."""
    known = list(Sense.model_fields)
    extra = []
    for key in entry:
        if key in known:
            continue
        near = near_name(problems, key, known) if len(entry) <= MAX_PROBLEMS else None
        if near is not None and near not in entry:
            add_unknown_key(problems, where, key, known)
        else:
            extra.append(key)
    if extra:
        notes.append(f"{where}: not acted on: {shown(', '.join(extra[:20]))[1:-1]}")


def add_no_such(problems: list[str], where: str, what: str, name: str, known: list[str]) -> None:
    """The problem of a name that means nothing in this configuration.

    Parameters
    ----------
    problems : list of str
        Gets the problem.
    where : str
        JSON path of the name.
    what : str
        What it must be: "the name of an area".
    name : object
        What came.
    known : list of str
        The names that it may be.
    """
    near = near_name(problems, name, known)
    hint = (
        f"; did you mean {near!r}?"
        if near is not None
        else f"; known are {shown(', '.join(known[:20]))[1:-1]}"
    )
    problems.append(f"{where}: must be {what}; got {shown(name)}{hint}")


# ---- plasticity --------------------------------------------------------------------------------------------


def checked_plasticity(section: Any, where: str, problems: list[str], notes: list[str]) -> Plasticity | None:
    """A rule with its parameters, or the rule's name alone; None where the rule is not known.

    Parameters
    ----------
    section : object
        Plain JSON.
    where : str
        JSON path of `section`.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    Plasticity or None
    """
    section = {"rule": section} if isinstance(section, str) else section
    keys = validated(PlasticityKeys, section, where, problems)
    if not isinstance(section, dict):
        return None
    own = {k: v for k, v in section.items() if k not in PlasticityKeys.model_fields and k not in PARTS}
    parts = {}
    for part, check in (("short_term", checked_short_term), ("homeostatic", checked_homeostatic)):
        parts[part] = check(section.get(part), join(where, part), problems, notes)
    rules = _core.plasticity_rules()
    name = _rule_name(section.get("rule"), rules)
    if name is None:
        if keys is not None:
            known = ["none", *rules, *RULE_ALIASES]
            add_unknown_name(problems, join(where, "rule"), keys.rule, "a rule of plasticity", known)
        anywhere = [param for rule in rules.values() for param in rule["params"]]
        for key in own:
            if key not in anywhere:
                _add_unknown_param(problems, where, key, anywhere)
        return None
    values = _rule_values(name, own, where, rules, problems, notes)
    look_at_rest(section, name, where, notes)
    if keys is None:
        return None
    if keys.weight_min > keys.weight_max:
        problems.append(
            f"{where}.weight_min: must be <= weight_max ({keys.weight_max} mV); got {keys.weight_min}"
        )
    table = rules[name]["params"] if name != "none" else {}
    return Plasticity(
        rule=name,
        params={**defaults_of(table), **values},
        weight_min=keys.weight_min,
        weight_max=keys.weight_max,
        weight_decay=keys.weight_decay,
        weight_dependence=keys.weight_dependence,
        **parts,
    )


def _rule_name(given: Any, rules: Mapping[str, Any]) -> str | None:
    if not isinstance(given, str):
        return None
    name = registered(given, ["none", *rules, *RULE_ALIASES])
    return None if name is None else RULE_ALIASES.get(name, name)


def _rule_values(
    name: str,
    own: dict[str, Any],
    where: str,
    rules: Mapping[str, Any],
    problems: list[str],
    notes: list[str],
) -> dict[str, float]:
    table = {} if name == "none" else rules[name]["params"]
    values = checked_values({k: v for k, v in own.items() if k in table}, table, where, problems)
    notes += unit_doubts(values, table, where)
    idle = []
    for key in own:
        if key in table:
            continue
        owners = [rule for rule, about in rules.items() if key in about["params"]]
        if not owners:
            anywhere = table or [param for rule in rules.values() for param in rule["params"]]
            _add_unknown_param(problems, where, key, anywhere)
        elif name == "none":  # switching a rule off must not require to delete its parameters
            idle.append(key)
        else:
            problems.append(
                f"{join(where, key)}: unknown key for rule {name!r}; it is a parameter of {', '.join(owners)}"
            )
    if idle:
        notes.append(f"{where}: the rule is 'none'; not acted on: {', '.join(idle)}")
    return values


def _add_unknown_param(problems: list[str], where: str, key: str, params: Any) -> None:
    add_unknown_key(problems, where, key, [*PlasticityKeys.model_fields, *params, *PARTS])
