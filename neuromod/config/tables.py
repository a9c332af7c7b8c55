"""Values checked against the C tables of neuron models, plasticity rules and modulators.

The tables give name, unit, default and domain of every parameter; no such fact is written here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from neuromod import _core
from neuromod.config.read import join, shown
from neuromod.config.sections import add_unknown_key, near_name, with_unit

__all__ = [
    "RULE_ALIASES",
    "add_unknown_name",
    "check_orders",
    "checked_values",
    "defaults_of",
    "domain_rule",
    "registered",
    "unit_doubts",
]

RULE_ALIASES = {"hebb_like": "hebbian"}
"""Names that rules of plasticity have elsewhere."""

Table = Mapping[str, Mapping[str, Any]]

# A parameter below 1 and a hundred times smaller than its default of 1 or more looks like seconds or volts.
_TOO_SMALL = 0.01
_LIKELY_UNIT = {"ms": "seconds", "mV": "volts"}


def registered(name: str, known: Iterable[str]) -> str | None:
    """The registered name that `name` stands for, all lower or all upper case.

    Parameters
    ----------
    name : str
    known : iterable of str

    Returns
    -------
    str or None
        None where it stands for none.

    Examples
    --------
    >>> registered("LIF", ["lif", "adex"]), registered("Lif", ["lif", "adex"])
    ('lif', None)
    """
    names = list(known)
    if name in names:
        return name
    lower = name.lower()
    return lower if name.isupper() and lower in names else None


def defaults_of(table: Table) -> dict[str, float]:
    """Every parameter of a table with its default.

    Parameters
    ----------
    table : mapping
        Parameter -> unit, default, domain, as ``_core.neuron_models()[name]["params"]`` has it.

    Returns
    -------
    dict of str to float
    """
    return {name: field["default"] for name, field in table.items()}


def add_unknown_name(problems: list[str], where: str, name: object, what: str, known: Iterable[str]) -> None:
    """The problem of a model's or rule's name that is not registered.

    Parameters
    ----------
    problems : list of str
        Gets the problem.
    where : str
        JSON path of `name`.
    name : object
        What came.
    what : str
        What it must be: "a neuron model".
    known : iterable of str
        The registered names.
    """
    names = list(known)
    near = near_name(problems, name, names) if isinstance(name, str) else None
    hint = f" (did you mean {near!r}?)" if near is not None else ""
    problems.append(f"{where}: must be {what}, one of {', '.join(names)}; got {shown(name)}{hint}")


def domain_rule(field: Mapping[str, Any], number: bool = False) -> str:
    """What a value must be: the domain's phrase and the unit, e.g. ``> 0 ms``.

    Parameters
    ----------
    field : mapping
        One entry of a table.
    number : bool, default False
        Whether to say that it must be a number, which is what was wrong.
    """
    phrase = _core.domain_phrase(field["domain"])
    if number:
        phrase = f"a number {phrase}" if phrase[-1].isdigit() else f"a {phrase} number"
    return with_unit(phrase, field["unit"])


def checked_values(
    given: Mapping[str, Any], table: Table, where: str, problems: list[str]
) -> dict[str, float]:
    """Those of `given` that are parameters of `table` and in their domains; the others go to `problems`.

    Parameters
    ----------
    given : mapping of str to object
    table : mapping
        Parameter -> unit, default, domain, as ``_core.neuron_models()[name]["params"]`` has it.
    where : str
        JSON path of `given`.
    problems : list of str

    Returns
    -------
    dict of str to float
    """
    values = {}
    for name, value in given.items():
        if name not in table:
            add_unknown_key(problems, where, name, table)
            continue
        number = _number(value)
        if number is None:
            problems.append(
                f"{join(where, name)}: must be {domain_rule(table[name], number=True)}; got {shown(value)}"
            )
        elif not _core.domain_holds(table[name]["domain"], number):
            problems.append(f"{join(where, name)}: must be {domain_rule(table[name])}; got {shown(value)}")
        else:
            values[name] = number
    return values


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def check_orders(
    values: Mapping[str, float],
    base: Mapping[str, float],
    about: Mapping[str, Any],
    where: str,
    problems: list[str],
) -> None:
    """Whether each pair of parameters of which one must be greater is so, e.g. the threshold above the reset.

    Parameters
    ----------
    values : mapping of str to float, in the units of the model's table
        What was given at `where`; the path of a problem is one of these.
    base : mapping of str to float, in the units of the model's table
        What counts for a parameter that is not among them, before the default.
    about : mapping
        A model, as ``_core.neuron_models()[name]`` has it.
    where : str
    problems : list of str
    """
    table = about["params"]
    known = {**defaults_of(table), **base, **values}
    for greater, lesser in about["orders"]:
        if known[greater] > known[lesser] or not (greater in values or lesser in values):
            continue
        culprit, rule, other = (greater, ">", lesser) if greater in values else (lesser, "<", greater)
        source = "" if other in values or other in base else ", the default"
        problems.append(
            f"{join(where, culprit)}: must be {rule} {other} "
            f"({known[other]} {table[other]['unit']}{source}); got {values[culprit]}"
        )


def unit_doubts(values: Mapping[str, float], table: Table, where: str) -> list[str]:
    """Values that look as if they were in seconds or volts.

    Parameters
    ----------
    values : mapping of str to float, in the units of `table`
    table : mapping
        Parameter -> unit, default, domain.
    where : str
        JSON path of `values`.

    Returns
    -------
    list of str
        One sentence each.
    """
    doubts = []
    for name, value in values.items():
        unit, default = table[name]["unit"], table[name]["default"]
        small = 0.0 < abs(value) < 1.0 <= abs(default) and abs(value) <= _TOO_SMALL * abs(default)
        if unit in _LIKELY_UNIT and small:
            doubts.append(
                f"{join(where, name)}: is in {unit}; got {shown(value)}, did you mean {_LIKELY_UNIT[unit]}?"
            )
    return doubts
