"""How many threads a simulation may use. The number never changes what comes out, only how soon."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from neuromod.problems import shown

__all__ = [
    "asked_threads",
    "available_threads",
    "checked_threads",
    "get_num_threads",
    "set_num_threads",
    "share_of_threads",
    "threads",
]

_QUOTA = "/sys/fs/cgroup/cpu.max"
_VARIABLES = ("NEUROMOD_NUM_THREADS", "OMP_NUM_THREADS")
MOST_THREADS = 2**31 - 1
_chosen: list[int] = []  # by set_num_threads and threads(), innermost last


def checked_threads(value: Any, where: str = "threads") -> int:
    """A number of threads.

    Parameters
    ----------
    value : int, >= 1
    where : str, default "threads"
        How the message names it.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is no whole number from 1 to 2**31 - 1.

    Examples
    --------
    >>> checked_threads(2)
    2
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{where}: must be a whole number >= 1; got {shown(value)}")
    if value > MOST_THREADS:
        raise ValueError(f"{where}: must be at most {MOST_THREADS}; got {shown(value)}")
    return int(value)


def _quota() -> int | None:
    """Whole cores that the control group grants, rounded up; None where it sets no limit."""
    try:
        with open(_QUOTA) as quota:  # noqa: PTH123
            granted, period = quota.read().split()
    except (OSError, ValueError):  # no such file, or of another form: no limit that we know of
        return None
    return None if granted == "max" else max(1, math.ceil(int(granted) / int(period)))


def available_threads() -> int:
    """Cores that this process may use: its affinity, and its control group's quota.

    Returns
    -------
    int, >= 1

    Examples
    --------
    >>> available_threads() >= 1
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return cores if quota is None else min(cores, quota)


def get_num_threads() -> int:
    """Threads of a simulation that is given none.

    The innermost `threads` block or the last `set_num_threads`, else the environment's ``NEUROMOD_NUM_THREADS``,
    else its ``OMP_NUM_THREADS``, else `available_threads`.

    Returns
    -------
    int, >= 1

    Raises
    ------
    ValueError
        If the environment's is no whole number >= 1.

    Examples
    --------
    >>> with threads(3):
    ...     get_num_threads()
    3
    """
    return asked_threads() or available_threads()


def asked_threads() -> int | None:
    """Threads that the program or the environment asks for; None where neither does.

    Returns
    -------
    int or None

    Raises
    ------
    ValueError
        If the environment's is no whole number >= 1.

    Examples
    --------
    >>> with threads(3):
    ...     asked_threads()
    3
    """
    if _chosen:
        return _chosen[-1]
    for name in _VARIABLES:
        given = os.environ.get(name, "").split(",")[0].strip()  # OMP_NUM_THREADS may be a list, one a level
        if given:
            return checked_threads(int(given) if given.isdecimal() else given, name)
    return None


def share_of_threads(n_processes: int) -> int:
    """As `get_num_threads`, where so many processes share the cores.

    Parameters
    ----------
    n_processes : int, >= 1

    Returns
    -------
    int, >= 1

    Examples
    --------
    >>> share_of_threads(10_000)
    1
    """
    return asked_threads() or max(1, available_threads() // n_processes)


def set_num_threads(n: int) -> None:
    """Set the number of threads of simulations that are made from now on without one of their own.

    Parameters
    ----------
    n : int, >= 1

    Raises
    ------
    ValueError
        If it is no whole number >= 1. Nothing is changed then.

    Examples
    --------
    >>> with threads(1):
    ...     set_num_threads(2)
    ...     get_num_threads()
    2
    """
    n = checked_threads(n)
    if _chosen:
        _chosen[-1] = n
    else:
        _chosen.append(n)


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    """A block in which simulations are made with so many threads.

    Parameters
    ----------
    n : int, >= 1

    Raises
    ------
    ValueError
        If it is no whole number >= 1.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> with threads(2):
    ...     Simulation(BrainModel("brain_base_model.json"), seed=1).threads
    2
    """
    _chosen.append(checked_threads(n))
    try:
        yield
    finally:
        _chosen.pop()
