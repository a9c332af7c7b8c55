"""What the functions of `neuromod.plasticity` share: a synapse or an array of weights under one change, and the checks
of what is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.config.keys import domain_rule

__all__ = [
    "Floats",
    "SynapseLike",
    "Weights",
    "checked_finite",
    "checked_flags",
    "checked_not_nan",
    "checked_number",
    "checked_params",
    "checked_times",
    "updated",
    "updated_by",
]

Floats = NDArray[np.float64]
Weights = float | NDArray[np.floating[Any]]

_RULES = _core.plasticity_rules()


@runtime_checkable
class SynapseLike(Protocol):
    """What is changed in place: a ``Synapse``, of a network or alone."""

    weight: float

    def is_inhibitory(self) -> bool:
        """Whether it acts as ``-abs(weight)``."""


def updated(
    synapse: SynapseLike | ArrayLike,
    change: Callable[..., Floats],
    events: tuple[Floats, ...],
    modulation: ArrayLike,
    weight_min: float,
    weight_max: float,
) -> Weights:
    """One change, modulated and bounded: `change` takes weights and events."""

    def moved(weight: Floats, factor: Floats, low: float, high: float, *events: Floats) -> Floats:
        return _core.apply_change(weight, change(weight, *events), factor, low, high)

    return updated_by(synapse, moved, events, modulation, weight_min, weight_max)


def updated_by(
    synapse: SynapseLike | ArrayLike,
    change: Callable[..., Floats],
    events: tuple[Floats, ...],
    modulation: ArrayLike,
    weight_min: float,
    weight_max: float,
) -> Weights:
    """Check, broadcast, change and bound; write a synapse last, so that a call that fails changes nothing."""
    alone = isinstance(synapse, SynapseLike)
    given = checked_number(synapse.weight, "weight") if isinstance(synapse, SynapseLike) else synapse
    weight, factor = checked_finite(given, "weight"), checked_finite(modulation, "modulation")
    low, high = _bounds(weight_min, weight_max)
    sign = 1.0
    if isinstance(synapse, SynapseLike) and synapse.is_inhibitory():
        sign = float(np.copysign(1.0, weight))
        weight, low, high = np.abs(weight), max(low, 0.0), max(high, 0.0)
    try:
        columns = np.broadcast_arrays(weight, factor, *events)
    except ValueError as error:
        shapes = ", ".join(str(np.shape(column)) for column in (weight, factor, *events))
        raise ValueError(f"weight and events: must broadcast to one shape; got {shapes}") from error
    shape = columns[0].shape
    if alone and shape:
        raise ValueError(f"synapse: one synapse takes single numbers; got values of shape {shape}")
    flat, factors, *flat_events = (np.ravel(column) for column in columns)
    new = sign * change(flat, factors, low, high, *flat_events).reshape(shape)
    if isinstance(synapse, SynapseLike):
        synapse.weight = float(new)
        return float(synapse.weight)
    if not shape:
        return float(new)
    kind = getattr(synapse, "dtype", np.dtype(np.float64))
    return new.astype(kind) if np.issubdtype(kind, np.floating) else new


def checked_times(value: Any, where: str) -> Floats:
    """Times of events, finite and ascending."""
    times = checked_finite(value, where)
    if times.ndim != 1 or np.any(np.diff(times) < 0.0):
        raise ValueError(f"{where}: must be a list of ascending times; got {value!r}")
    return times


def _array(value: Any, where: str) -> Floats:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: must be a number or an array of numbers; got {value!r}") from error


def _refuse(array: Floats, wrong: NDArray[np.bool_], where: str, phrase: str) -> None:
    if wrong.any():
        first = int(np.argmax(np.ravel(wrong)))
        entry = f" (entry {first})" if array.ndim else ""
        raise ValueError(f"{where}: must be {phrase}; got {np.ravel(array)[first]}{entry}")


def checked_finite(value: Any, where: str) -> Floats:
    """An array of finite numbers."""
    array = _array(value, where)
    _refuse(array, ~np.isfinite(array), where, "finite")
    return array


def checked_not_nan(value: Any, where: str) -> Floats:
    """An array of numbers, infinite ones included."""
    array = _array(value, where)
    _refuse(array, np.isnan(array), where, "a number")
    return array


def checked_flags(value: Any, where: str) -> Floats:
    """An array of 0 and 1."""
    array = _array(value, where)
    _refuse(array, (array != 0.0) & (array != 1.0), where, "True or False, or 1 or 0")
    return array


def checked_number(value: Any, where: str) -> float:
    """A single number."""
    array = _array(value, where)
    if array.ndim:
        raise ValueError(f"{where}: must be a single number; got shape {array.shape}")
    return float(array)


def _bounds(weight_min: Any, weight_max: Any) -> tuple[float, float]:
    low, high = checked_number(weight_min, "weight_min"), checked_number(weight_max, "weight_max")
    if not low <= high:
        raise ValueError(f"weight_min: must be <= weight_max ({high} mV); got {low}")
    return low, high


def checked_params(rule: str, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters of `rule` as floats, in the domains of its table in C, or as words."""
    table = _RULES[rule]["params"]
    values = {
        name: value if "words" in table[name] else checked_number(value, name)
        for name, value in given.items()
    }
    for name, value in values.items():
        if "words" in table[name]:
            if not isinstance(value, str) or value not in table[name]["words"]:
                raise ValueError(f"{name}: must be one of {', '.join(table[name]['words'])}; got {value!r}")
        elif not _core.domain_holds(table[name]["domain"], value):
            raise ValueError(f"{name}: must be {domain_rule(table[name])}; got {value}")
    return values
