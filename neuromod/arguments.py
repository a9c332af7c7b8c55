"""Checks of the plain arguments of `Simulation`: seeds, steps, spike lists. Each returns the clean value."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["checked_count", "checked_dt", "checked_seed", "nearest", "spike_list"]

Ints = NDArray[np.int64]


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
        return secrets.randbits(63)
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**63))
    if isinstance(seed, np.random.SeedSequence):
        return int(seed.generate_state(1, np.uint64)[0])
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed: must be a whole number, a Generator or a SeedSequence; got {seed!r}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed: must be between 0 and 2**64 - 1; got {seed}")
    return int(seed)


def checked_dt(dt: Any) -> float:
    """The length of a step.

    Parameters
    ----------
    dt : float, ms, > 0

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If it is no number, not finite or not > 0.

    Examples
    --------
    >>> checked_dt(1)
    1.0
    """
    if isinstance(dt, bool) or not isinstance(dt, int | float | np.integer | np.floating):
        raise TypeError(f"dt: must be a number of ms; got {dt!r}")
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt: must be > 0 ms; got {dt}")
    return float(dt)


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
    ValueError
        If there are not as many rows as ids.

    Examples
    --------
    >>> ids, times = spike_list([4, 7], [[1.0, 2.0], [3.0]])
    >>> ids.tolist(), times.tolist()
    ([4, 4, 7], [1.0, 2.0, 3.0])
    """
    if np.ndim(ids) == 0:
        times = np.atleast_1d(np.asarray(times_ms, dtype=np.float64))
        return np.full(len(times), ids, dtype=np.int64), times
    wanted = np.asarray(ids, dtype=np.int64)
    each: list[Any] = list(times_ms)  # type: ignore[arg-type]  # a sequence of rows may be ragged
    if len(each) != len(wanted):
        raise ValueError(f"times_ms: must be as long as ids, {len(wanted)}; got {len(each)}")
    rows = [np.atleast_1d(np.asarray(row, dtype=np.float64)) for row in each]
    flat = np.concatenate(rows) if rows else np.empty(0)
    return np.repeat(wanted, [len(row) for row in rows]), flat


def checked_count(value: Any, where: str, least: int = 0) -> int:
    """A whole number not below `least`.

    Parameters
    ----------
    value : int
    where : str
        Name of the argument, for the message.
    least : int, default 0

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is not a whole number >= `least`.

    Examples
    --------
    >>> checked_count(3, "every", 1)
    3
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{where}: must be a whole number >= {least}; got {value!r}")
    return int(value)


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely means; None where none is near."""
    if not isinstance(name, str) or len(name) > 100:  # the comparison takes time quadratic in the length
        return None
    names = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None
