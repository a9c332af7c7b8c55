"""What is wrong with a configuration, and the words for it: ``where: rule; what came``, and near names."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

__all__ = ["nearest"]

ROOT = "configuration"
"""What messages call the outermost object."""
Place = tuple[int | str, ...]
NOTHING = object()
"""The value of a place at which nothing came, or at which the rule says what came."""

_SHORT = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
# Thousands of wrong names must not take minutes to refuse: the more problems, the fewer names are compared.
_COMPARISONS = 2000
# By kind of hint: what is said where a known name is near, and where none is.
_HINTS = {
    "key": ("; did you mean {!r}?", "; known are {}"),
    "modulator": (
        "; did you mean {!r}?",
        "; known are {}; one that is declared here has a response and targets",
    ),
    "name": ("; did you mean {!r}?", "; known are {}"),
    "one of": (" (did you mean {!r}?)", ""),
    "stand-in": ("; got {!r} in its place", "; got nothing"),
}

_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlist, _repr.maxdict, _repr.maxstring, _repr.maxother = 3, 4, 4, _SHORT, _SHORT


class Problem(NamedTuple):
    """One thing that is wrong: where, the rule, what came; and names of which the nearest to what came is a hint."""

    place: Place
    rule: str
    value: Any = NOTHING
    known: Collection[str] = ()
    hint: str = ""

    def words(self, where: str, before: int) -> str:
        """The message; `before`: how many problems there are before this one."""
        text = f"{join(where, *self.place) or ROOT}: {self.rule}"
        if self.value is not NOTHING:
            text += f"; got {shown(self.value)}"
        if not self.hint:
            return text
        name = self.place[-1] if self.value is NOTHING else self.value
        cheap = len(self.known) * (1 + before) <= _COMPARISONS
        near = nearest(name, self.known) if cheap and isinstance(name, str) else None
        near_hint, other_hint = _HINTS[self.hint]
        return text + (near_hint.format(near) if near else other_hint.format(self._listed()))

    def _listed(self) -> str:
        return listed(self.known) if self.hint == "name" else ", ".join(sorted(self.known))


class Wrong(ValueError):
    """Everything that is wrong with one value."""

    def __init__(self, found: Iterable[Problem] = ()) -> None:
        super().__init__()
        self.found = list(found)

    def __str__(self) -> str:
        return "\n".join(self.words())

    def words(self, where: str = "") -> list[str]:
        """A message for each problem; `where` is the path of the value."""
        return [problem.words(where, before) for before, problem in enumerate(self.found)]


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
    """A rule and the unit of the number that it is for; a pure number has the unit "1".

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
