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
NOTHING = object()
"""The value at a place where nothing came, or where the rule says what came."""
Place = tuple[int | str, ...]

_SHORT = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
# Thousands of wrong names must not take minutes to refuse: the more problems, the fewer names are compared.
_COMPARISONS = 2000
_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlist, _repr.maxdict, _repr.maxstring, _repr.maxother = 3, 4, 4, _SHORT, _SHORT


class Problem(NamedTuple):
    """One thing that is wrong: where, the rule, what came.

    `near` is said with that name of `known` which is nearest to what came, `far` where none is near.
    """

    place: Place
    rule: str
    value: Any = NOTHING
    known: Collection[str] = ()
    far: str = ""
    near: str = "; did you mean {!r}?"

    def words(self, where: str, before: int) -> str:
        """The message; `before` is the number of problems before this one."""
        came = "" if self.value is NOTHING else f"; got {shown(self.value)}"
        name = self.place[-1] if self.value is NOTHING and self.place else self.value
        cheap = isinstance(name, str) and len(self.known) * (1 + before) <= _COMPARISONS
        near = nearest(str(name), self.known) if cheap else None
        hint = self.near.format(near) if near else self.far
        return f"{join(where, *self.place) or ROOT}: {self.rule}{came}{hint}"


class Wrong(ValueError):
    """Everything that is wrong with one value."""

    def __init__(self, *found: Problem) -> None:
        super().__init__()
        self.found = list(found)

    def __str__(self) -> str:
        return "\n".join(self.words())

    def words(self, where: str = "") -> list[str]:
        """A message for each problem; `where` is the path of the value."""
        return [problem.words(where, before) for before, problem in enumerate(self.found)]


def unknown_keys(
    names: Iterable[str], known: Iterable[str], place: Place = (), more: str = ""
) -> list[Problem]:
    """The problems of keys that a section at `place` does not have; `more` is added where none is near."""
    keys = sorted(known)
    far = f"; known are {', '.join(keys)}{more}"
    return [Problem((*place, name), "unknown key", known=keys, far=far) for name in names]


def unknown_name(place: Place, name: str, what: str, known: Collection[str]) -> Problem:
    """The problem of a name that means nothing in this configuration; `what` says what it must name."""
    return Problem(place, f"must be {what}", name, known, f"; known are {listed(known)}")


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
        if isinstance(key, str) and _PLAIN_KEY.fullmatch(key):
            where += f".{key}" if where else key
        else:
            where += f"[{shown(key)}]"
    return where


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
