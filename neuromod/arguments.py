"""Checks of the plain arguments of `Simulation`: seeds, steps, spike lists. Each returns the clean value."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "called",
    "checked_array",
    "checked_count",
    "checked_dt",
    "checked_flag",
    "checked_mapping",
    "checked_names",
    "checked_number",
    "checked_seed",
    "spike_list",
]

Ints = NDArray[np.int64]
SHORTEST_STEP, LONGEST_STEP = 1e-9, 1e15
"""Of `Simulation`, ms: beyond them times divided by the step, or multiplied by it, lose their meaning."""
MOST_STEPS = 2**62
"""Steps of one simulation: below the largest 64-bit integer, so that a step's successor is one."""


def checked_seed(seed: Any) -> int:
    """The seed as a whole number.

    Parameters
    ----------
    seed : int, 0 .. 2**64 - 1, Generator, SeedSequence or None
        None: drawn by the operating system. A Generator is advanced by one draw.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        If it is of another kind or out of range.

    Examples
    --------
    >>> checked_seed(42)
    42
    """
    if seed is None:
        return int.from_bytes(os.urandom(8), "little") >> 1  # of 63 bits
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**63))
    if isinstance(seed, np.random.SeedSequence):
        return int(seed.generate_state(1, np.uint64)[0])
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed: must be a whole number, a Generator or a SeedSequence; got {_shown(seed)}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed: must be between 0 and 2**64 - 1; got {_shown(seed)}")
    return int(seed)


def checked_dt(dt: Any) -> float:
    """The length of a step.

    Parameters
    ----------
    dt : float, ms, 1e-9 to 1e15

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If it is no number, or out of bounds.

    Examples
    --------
    >>> checked_dt(1)
    1.0
    """
    if isinstance(dt, bool) or not isinstance(dt, int | float | np.integer | np.floating):
        raise TypeError(f"dt: must be a number of ms; got {_shown(dt)}")
    try:
        length = float(dt)
    except OverflowError:
        length = math.inf
    if not SHORTEST_STEP <= length <= LONGEST_STEP:
        raise ValueError(f"dt: must be > 0 ms, from {SHORTEST_STEP:g} to {LONGEST_STEP:g}; got {_shown(dt)}")
    return length


def spike_list(ids: ArrayLike, times_ms: ArrayLike | Sequence[ArrayLike]) -> tuple[Ints, NDArray[np.float64]]:
    """One id for each time, both flat.

    Parameters
    ----------
    ids : int or array_like of int, shape (n,)
    times_ms : array_like of float, ms, shape (n_times,), or a sequence of n of them
        For one id its times; for n ids a row of times each, of any lengths.

    Returns
    -------
    ids : ndarray of int64, shape (n_spikes,)
    times : ndarray of float64, shape (n_spikes,), ms

    Raises
    ------
    ValueError, TypeError
        If there are not as many rows as ids, or they are no numbers.

    Examples
    --------
    >>> ids, times = spike_list([4, 7], [[1.0, 2.0], [3.0]])
    >>> ids.tolist(), times.tolist()
    ([4, 4, 7], [1.0, 2.0, 3.0])
    """
    wanted = checked_array(ids, "ids", "iu")
    if wanted.ndim > 1:
        raise ValueError(f"ids: must be a number or a row of numbers; got shape {wanted.shape}")
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < 2**63:
        raise ValueError(f"ids: must be ids of neurons in the network; got {_shown(wanted.max().item())}")
    wanted = wanted.astype(np.int64)
    if wanted.ndim == 0:
        times = np.atleast_1d(checked_array(times_ms, "times_ms")).astype(np.float64)
        if times.ndim != 1:
            raise ValueError(f"times_ms: must be a row of times for one id; got shape {times.shape}")
        return np.full(len(times), wanted, dtype=np.int64), times
    if not isinstance(times_ms, Iterable) or isinstance(times_ms, str | bytes | Mapping):
        raise TypeError(f"times_ms: must be a sequence, one entry for each id; got {_shown(times_ms)}")
    if isinstance(times_ms, np.ma.MaskedArray):
        raise TypeError("times_ms: must not be a masked array; fill or select its values first")
    each: list[Any] = list(times_ms)  # a sequence of rows may be ragged
    if len(each) != len(wanted):
        raise ValueError(f"times_ms: must be as long as ids, {len(wanted)}; got {len(each)}")
    rows = [np.atleast_1d(checked_array(row, "times_ms")).astype(np.float64) for row in each]
    if any(row.ndim != 1 for row in rows):
        raise ValueError("times_ms: must be a number or a row of numbers for each id; got more dimensions")
    flat = np.concatenate(rows) if rows else np.empty(0)
    return np.repeat(wanted, [len(row) for row in rows]), flat


def checked_count(value: Any, where: str, least: int = 0, most: int = MOST_STEPS) -> int:
    """A whole number from `least` to `most`.

    Parameters
    ----------
    value : int
    where : str
        Name of the argument, for the message.
    least : int, default 0
    most : int, default 2**62

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is not a whole number, or out of bounds.

    Examples
    --------
    >>> checked_count(3, "every", 1)
    3
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{where}: must be a whole number >= {least}; got {_shown(value)}")
    if value > most:
        raise ValueError(f"{where}: must be at most {most}; got {_shown(value)}")
    return int(value)


def checked_number(value: Any, where: str, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number within bounds.

    Parameters
    ----------
    value : int or float
    where : str
        Name of the argument, for the message.
    least, most : float, default without bound

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If it is no real number: text, None, a bool, a complex number, an array.
    ValueError
        If it is not finite or out of bounds.

    Examples
    --------
    >>> checked_number(3, "density", 0.0, 10.0)
    3.0
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{where}: must be a number; got {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{where}: must be finite; got {_shown(value)}")
    if not least <= number <= most:
        if math.isinf(least) or math.isinf(most):
            rule = f"<= {most:g}" if math.isinf(least) else f">= {least:g}"
        else:
            rule = f"between {least:g} and {most:g}"
        raise ValueError(f"{where}: must be {rule}; got {_shown(value)}")
    return number


def checked_array(value: Any, where: str, kinds: str = "biuf") -> NDArray[Any]:
    """An array of real numbers, of whatever shape.

    Parameters
    ----------
    value : array_like
    where : str
        Name of the argument, for the message.
    kinds : str, default "biuf"
        Kinds of NumPy types that are taken; "iu": whole numbers.

    Returns
    -------
    ndarray
        Not copied where it is one already.

    Raises
    ------
    TypeError
        If it is masked or a sparse matrix, or its values are complex, dates, text or objects.
    ValueError
        If its rows differ in length.

    Examples
    --------
    >>> checked_array([[1, 2], [3, 4]], "pairs", "iu").shape
    (2, 2)
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{where}: must not be a masked array; fill or select its values first")
    if hasattr(value, "tocoo"):
        raise TypeError(f"{where}: must not be a sparse matrix here; its toarray() is a dense one")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{where}: must be an array of numbers; got {_shown(value)}") from None
    if array.size and array.dtype.kind not in kinds:
        wanted = (
            "numbers" if "f" in kinds else "whole numbers" if "b" not in kinds else "whole numbers or a mask"
        )
        raise TypeError(f"{where}: must be {wanted}; got values of type {array.dtype}")
    return array


def called(where: str, function: Callable[[Any], Any], values: NDArray[Any]) -> NDArray[Any]:
    """What a user's function gives for an array.

    Parameters
    ----------
    where : str
        Name of the argument, for the message.
    function : callable
    values : ndarray
        For example distances.

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError
        If the function fails, or does not give numbers; names the argument.

    Examples
    --------
    >>> called("delay", lambda d: 1 + d, np.array([2.0])).tolist()
    [3.0]
    """
    try:
        if isinstance(function, type):
            raise TypeError("it is a type")
        found = function(values)
    except Exception as error:
        raise TypeError(
            f"{where}: must be a function of an array of numbers; got {type(error).__name__}: {error}"
        ) from error
    return checked_array(found, where)


def checked_flag(value: Any, where: str) -> bool:
    """True or False.

    Parameters
    ----------
    value : bool
    where : str
        Name of the argument, for the message.

    Returns
    -------
    bool

    Raises
    ------
    TypeError
        If it is anything else, 0 and 1 included.

    Examples
    --------
    >>> checked_flag(True, "overwrite")
    True
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{where}: must be True or False; got {_shown(value)}")
    return bool(value)


def checked_mapping(value: Any, where: str, of: str) -> Mapping[Any, Any]:
    """A mapping.

    Parameters
    ----------
    value : mapping
    where : str
        Name of the argument, for the message.
    of : str
        What it maps to what, as in "names to arrays".

    Returns
    -------
    mapping
        The same.

    Raises
    ------
    TypeError
        If it is none.

    Examples
    --------
    >>> checked_mapping({"a": 1}, "arrays", "names to arrays")
    {'a': 1}
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{where}: must be a mapping of {of}; got {_shown(value)}")
    return value


def checked_names(value: Any, where: str) -> tuple[str, ...]:
    """A sequence of names.

    Parameters
    ----------
    value : sequence of str
    where : str
        Name of the argument, for the message.

    Returns
    -------
    tuple of str

    Raises
    ------
    TypeError
        If it is one text, no sequence, or holds anything but text.

    Examples
    --------
    >>> checked_names(["a", "b"], "regions")
    ('a', 'b')
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        hint = f" ([{_shown(value)}] is one)" if isinstance(value, str) else ""
        raise TypeError(f"{where}: must be a sequence of names; got {_shown(value)}{hint}")
    names = tuple(value)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{where}: must be a sequence of names; got {_shown(value)}")
    return names


def _shown(value: Any) -> str:
    """The value as a message quotes it: its repr, cut at 60 characters; numbers of thousands of digits by bits."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    return f"{value!r:.60}"
