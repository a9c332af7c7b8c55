"""What is wrong with a configuration, in words: ``where: rule; what came``, and the near name that was meant."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable
from typing import Any

__all__ = ["nearest"]

ROOT = "configuration"
"""What messages call the outermost object."""

_SHORT = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
# Thousands of wrong names must not take minutes to refuse: the more problems, the fewer names are compared.
_COMPARISONS = 2000

_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlist, _repr.maxdict, _repr.maxstring, _repr.maxother = 3, 4, 4, _SHORT, _SHORT


def shown(value: Any) -> str:
    """The value as a message quotes it: its ``repr``, cut at about 60 characters."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    text = _repr.repr(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 3] + "..."


def listed(names: Iterable[str]) -> str:
    """The first 20 names, cut as `shown` cuts."""
    return shown(", ".join([*names][:20]))[1:-1]


def join(where: str, *keys: str | int) -> str:
    """The JSON path of something inside `where`; a name that would be ambiguous is quoted.

    >>> join("", "areas", 1, "coord_ranges", "x"), join("senses", "my eye")
    ('areas[1].coord_ranges.x', "senses['my eye']")
    """
    for key in keys:
        if isinstance(key, int):
            where += f"[{key}]"
        elif _PLAIN_KEY.fullmatch(key):
            where += f".{key}" if where else key
        else:
            where += f"[{shown(key)}]"
    return where


def with_unit(rule: str, unit: str) -> str:
    """A rule and the unit of the number that it is for; "1" is the unit of a pure number.

    >>> with_unit("> 0", "ms"), with_unit(">= 0", "1/step"), with_unit("finite", "mV")
    ('> 0 ms', '>= 0 per step', 'finite, in mV')
    """
    if unit == "1":
        return rule
    if unit.startswith("1/"):
        return f"{rule} per {unit[2:]}"
    return f"{rule} {unit}" if rule[-1].isdigit() else f"{rule}, in {unit}"


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


class Problems(list[str]):
    """Everything that is wrong, a sentence each."""

    def add(self, where: str, rule: str, came: str) -> None:
        """A rule that is broken, and what came."""
        self.append(f"{where or ROOT}: {rule}; got {came}")

    def near(self, key: str, known: Iterable[str]) -> str | None:
        """The `nearest` name, as long as comparing is cheap."""
        names = list(known)
        return nearest(key, names) if len(names) * (1 + len(self)) <= _COMPARISONS else None

    def unknown_key(self, where: str, key: str, known: Iterable[str], otherwise: str = "") -> None:
        """A key that a section does not have; `otherwise` is added where no known key is near."""
        names = sorted(set(known))
        near = self.near(key, names)
        hint = f"known are {', '.join(names)}{otherwise}" if near is None else f"did you mean {near!r}?"
        self.append(f"{join(where, key)}: unknown key; {hint}")

    def not_registered(self, where: str, name: object, what: str, known: Iterable[str]) -> None:
        """A name that the core does not have; `what` says of what kind, as in "a neuron model"."""
        names = list(known)
        near = self.near(name, names) if isinstance(name, str) else None
        hint = "" if near is None else f" (did you mean {near!r}?)"
        self.add(where, f"must be {what}, one of {', '.join(names)}", shown(name) + hint)

    def no_such(self, where: str, name: str, what: str, known: Iterable[str]) -> None:
        """A name that this configuration does not have; `what` says of what, as in "the name of an area"."""
        names = list(known)
        near = self.near(name, names)
        hint = f"known are {listed(names)}" if near is None else f"did you mean {near!r}?"
        self.add(where, f"must be {what}", f"{shown(name)}; {hint}")
