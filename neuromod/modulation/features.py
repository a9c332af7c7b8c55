"""What a critic's state is, and a weighted sum over it: keys, compounds, features, and the weights of each.

A state is one of

* a key: text, a number, or a tuple of such, like ``"tone"`` or ``(3, 4)``: a table with one value a key;
* a set of keys, all fully present: a compound, whose value is the sum over its members;
* a mapping from keys to how much of each is present (real numbers);
* an array of features, whose length the first one fixes;
* None, or an empty set or mapping: nothing is present; its value is 0 and nothing is learned about it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import arguments
from neuromod.arguments import checked_array
from neuromod.state import SavedPart

__all__ = ["serial_compound"]

Floats = NDArray[np.float64]
Active = dict[Hashable, Any]  # how much of each key is present; under FEATURES an array

FEATURES = ("neuromod", "features")  # the key under which arrays of features have their weights


def serial_compound(onsets: Mapping[Hashable, int], step: int) -> frozenset[Hashable]:
    """Complete serial compound: which stimuli have begun, and how many steps ago each did.

    Parameters
    ----------
    onsets : mapping of key to int, steps
        When each stimulus begins.
    step : int, steps
        The present.

    Returns
    -------
    frozenset
        ``(stimulus, age)`` of each stimulus that has begun, age in steps >= 0: a state for `TDCritic`. Empty
        before the first.

    Notes
    -----
    Also called a tapped delay line. Every stimulus leaves its own trail of keys, so that the time since it began
    has a value of its own.

    References
    ----------
    .. [1] Montague, Dayan & Sejnowski (1996), J. Neurosci. 16:1936, doi:10.1523/JNEUROSCI.16-05-01936.1996.

    Examples
    --------
    >>> serial_compound({"light": 5}, 4), serial_compound({"light": 5}, 7)
    (frozenset(), frozenset({('light', 2)}))
    """
    return frozenset((stimulus, step - onset) for stimulus, onset in onsets.items() if step >= onset)


class LinearWeights:
    """A weight for each key, made when it is first learned, and the sum ``V(s) = sum_i w_i x_i(s)``."""

    def __init__(self, initial_value: float) -> None:
        self.initial = checked_number("initial_value", initial_value)
        self.table: Active = {}

    @property
    def features(self) -> Floats | None:
        """Weights of the features, if an array was learned."""
        return self.table.get(FEATURES)

    @property
    def keyed(self) -> dict[Hashable, float]:
        """Weights of all else. A copy."""
        return {key: weight for key, weight in self.table.items() if key != FEATURES}

    def active(self, state: Any, where: str = "state") -> Active:
        """How much of each key is present, checked."""
        if state is None:
            return {}
        if isinstance(state, list) or (isinstance(state, np.ndarray) and state.ndim):
            return {FEATURES: self._checked_features(state, where)}
        if isinstance(state, Mapping):
            return {
                checked_key(key, where): checked_number(f"{where}[{key!r}]", x) for key, x in state.items()
            }
        if isinstance(state, Set):
            # in a fixed order: that of a set of strings differs between runs, and so would the sum's last bit
            return dict.fromkeys(sorted((checked_key(key, where) for key in state), key=repr), 1.0)
        return {checked_key(state, where): 1.0}

    def _checked_features(self, state: Any, where: str) -> Floats:
        features = checked_array(state, where).astype(np.float64)
        known = self.features
        if features.ndim != 1 or (known is not None and len(features) != len(known)):
            wanted = "(n_features,)" if known is None else f"({len(known)},) as before"
            raise ValueError(f"{where}: must have shape {wanted}; got {features.shape}")
        if not np.all(np.isfinite(features)):
            bad = int(np.argmin(np.isfinite(features)))
            raise ValueError(f"{where}: must be finite; got {features[bad]} (feature {bad})")
        return features

    def value(self, active: Active) -> float:
        """The sum over what is present; not finite where the weights have diverged."""
        total = 0.0
        for key, amount in active.items():
            if key == FEATURES:
                with np.errstate(over="ignore", invalid="ignore"):
                    total += float(np.dot(self._weight(key, amount), amount))
            else:
                total += self._weight(key, amount) * amount
        return total

    def move(self, rate: float, amounts: Active) -> None:
        """Add ``rate * amount`` to the weight of each key."""
        for key, amount in amounts.items():
            if key == FEATURES:
                with np.errstate(over="ignore", invalid="ignore"):
                    self.table[key] = self._weight(key, amount) + rate * amount
            else:
                self.table[key] = self._weight(key, amount) + rate * amount

    def _weight(self, key: Hashable, like: Any) -> Any:
        known = self.table.get(key)
        if known is not None:
            return known
        return np.full(len(like), self.initial) if key == FEATURES else self.initial

    def size(self) -> str:
        """How much is known, for a repr."""
        return f"keys={len(self.keyed)}" if self.features is None else f"features={len(self.features)}"


def checked_number(where: str, value: Any) -> float:
    return arguments.checked_number(value, where)


def checked_part(where: str, value: Any) -> float:
    number = checked_number(where, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{where}: must be between 0 and 1; got {value!r}")
    return number


def checked_key(key: Any, where: str = "state") -> Hashable:
    """A key in the form in which it is kept: what ``json`` can write, and give back."""
    if isinstance(key, np.generic) or (isinstance(key, np.ndarray) and not key.ndim):
        key = key.item()
    if isinstance(key, tuple):
        return tuple(checked_key(part, where) for part in key)
    if isinstance(key, str | int) or (isinstance(key, float) and math.isfinite(key)):
        return key
    kinds = "text, a finite number, a tuple of such, a set or mapping of such, an array of features, or None"
    raise TypeError(f"{where}: must be {kinds}; got {key!r}")


def size_of(amount: Any) -> float:
    """The size of a number, or of the largest one in an array."""
    return abs(amount) if isinstance(amount, float) else float(np.max(np.abs(amount), initial=0.0))


def saved_table(table: Active) -> dict[str, Any]:
    """The table as plain lists and numbers."""
    features = table.get(FEATURES)
    return {
        "keys": [[key, value] for key, value in table.items() if key != FEATURES],
        "features": None if features is None else features.tolist(),
    }


def restored_table(part: SavedPart, name: str, least: float = -np.inf, most: float = np.inf) -> Active:
    """The table that `saved_table` was given, looked at; JSON has made lists of its tuples.

    What is wrong is noted in the part. Weights may be any number, NaN too, as those of a critic that has diverged.
    """
    saved = part.part(name)
    saved.only("keys", "features")
    if not saved.has("keys", "features"):
        return {}
    keys, features = saved.value["keys"], saved.value["features"]
    table: Active = {}
    if not isinstance(keys, list | tuple) or not all(_is_entry(entry) for entry in keys):
        saved.wrong("keys", "must be pairs of a key and a number", keys)
    else:
        table = {_as_key(key): float(value) for key, value in keys}
        if len(table) != len(keys) or not all(
            least <= value <= most or value != value for value in table.values()
        ):
            saved.wrong("keys", f"must be different keys, with numbers from {least} to {most}", keys)
    if features is not None:
        if not isinstance(features, list | tuple) or not all(type(x) in (int, float) for x in features):
            saved.wrong("features", "must be numbers", features)
        else:
            table[FEATURES] = np.array([float(x) for x in features])
    return table


def _is_entry(entry: Any) -> bool:
    """Whether it is a key, as JSON has it, and a number that is one of a double."""
    if not isinstance(entry, list | tuple) or len(entry) != 2 or type(entry[1]) not in (int, float):
        return False
    return _is_key(entry[0]) and (type(entry[1]) is float or abs(entry[1]) <= 2**53)


def _is_key(saved: Any, depth: int = 0) -> bool:
    if isinstance(saved, list | tuple):
        return depth < 32 and all(_is_key(part, depth + 1) for part in saved)
    return isinstance(saved, str | int) or (isinstance(saved, float) and math.isfinite(saved))


def _as_key(saved: Any) -> Hashable:
    return tuple(_as_key(part) for part in saved) if isinstance(saved, list | tuple) else saved
