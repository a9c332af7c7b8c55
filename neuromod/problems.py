"""What is wrong with what came, and the words for it: ``where: rule; what came``, and near names."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, TypeVar

__all__ = ["Problem", "Wrong", "did_you_mean", "nearest"]

ROOT = "configuration"
"""What messages call the outermost object."""
NOTHING = object()
"""The value at a place where nothing came, or where the rule says what came."""
ALL, SOME = "<all known>", "<some known>"
"""In what is said where no name is near: the known names, sorted; the first of them."""
KNOWN_KEYS, KNOWN_NAMES = f"; known are {ALL}", f"; known are {SOME}"
Place = tuple[int | str, ...]
Value = TypeVar("Value")

SYNONYMS = {
    "bounds": "coord_ranges",
    "model_type": "type",
    "tau_membrane": "tau_m",
    "default_type": "kind",
    "p": "probability",
    "T": "ms",
    "duration": "ms",
    "N": "n",
    "V_th": "v_threshold",
    "v_thresh": "v_threshold",
    "E_L": "v_rest e_leak",
    "EL": "v_rest e_leak",
    "t_ref": "refractory_period",
    "tau_refrac": "refractory_period",
    "refractory": "refractory_period",
    "V_m": "v_membrane",
    "v": "v_membrane",
    "I_e": "i_offset",
    "C_m": "capacitance",
    "g_L": "g_leak",
    "V_T": "v_threshold",
    "iaf_psc_delta": "lif",
    "iaf_psc_exp": "lif",
    "iaf_cond_exp": "lif_cond",
    "aeif_psc_delta": "adex",
    "aeif_psc_exp": "adex",
    "poisson_generator": "poisson",
    "spike_generator": "spike_source",
    "stdp_synapse": "stdp",
    "stdp_dopamine_synapse": "rstdp",
}
"""Names that keys, parameters and models have in other simulators, which no likeness of letters finds."""
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

    def below(self, *place: int | str) -> Problem:
        """The same problem of a value that stands at `place` of another."""
        return Problem((*place, *self.place), *self[1:])

    def words(self, where: str, before: int) -> str:
        """The message; `before` is the number of problems before this one."""
        text = f"{join(where, *self.place) or ROOT}: {self.rule}"
        name: Any = self.value
        if self.value is not NOTHING:
            text += f"; got {shown(self.value)}"
        elif self.place:
            name = self.place[-1]
        if isinstance(name, str) and len(self.known) * (1 + before) <= _COMPARISONS:
            near = nearest(name, self.known)
            if near is not None:
                return text + self.near.format(near)
        return text + self.far.replace(ALL, ", ".join(sorted(self.known))).replace(SOME, listed(self.known))


class Wrong(ValueError):
    """Everything that is wrong with one value."""

    def __init__(self, found: list[Problem]) -> None:
        super().__init__()
        self.found = found

    def __str__(self) -> str:
        """The first rule alone: pydantic asks at every level of nesting."""
        return self.found[0].rule


def unless(found: list[Problem], value: Value) -> Value:
    """The value, if nothing was found wrong with it; else `Wrong`."""
    if found:
        raise Wrong(found)
    return value


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


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of a message on a name that is not known: the nearest known one, if any.

    >>> did_you_mean("v_mem", ["v_membrane", "v_rest"]), did_you_mean("q", ["v_rest"])
    ("; did you mean 'v_membrane'?", '')
    """
    near = nearest(name, known)
    return "" if near is None else f"; did you mean {near!r}?"


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely means.

    Parameters
    ----------
    name : object
        What came; only text can be near to a name.
    known : iterable of str

    Returns
    -------
    str or None
        None where nothing is near.

    Examples
    --------
    >>> nearest("tau_pluss", ["tau_minus", "tau_plus"])
    'tau_plus'
    >>> nearest("V_th", ["v_rest", "v_threshold"])
    'v_threshold'
    """
    if not isinstance(name, str) or len(name) > 100:  # the comparison takes time quadratic in the length
        return None
    names = {each.lower(): each for each in known}
    for meant in SYNONYMS.get(name, "").split():
        if meant in names:
            return names[meant]
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    letters = sorted(name.lower())
    found = found or [each for each in names if sorted(each) == letters]  # letters in another order
    return names[found[0]] if found else None
