"""What the machine itself can do: memory bandwidth, and how much memory this process has taken."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["best_time", "machine_bandwidth", "machine_facts", "memory_now", "memory_peak"]

MIB = 2**20


def best_time(work: Callable[[], object], duration: float = 300.0, least: int = 3) -> float:
    """The shortest of several runs of `work`.

    Parameters
    ----------
    work : callable
    duration : float, ms, >= 0, default 300
        Run for so long,
    least : int, >= 1, default 3
        and at least so often.

    Returns
    -------
    float
        Seconds, wall clock.

    Examples
    --------
    >>> best_time(lambda: None, duration=0.0) >= 0.0
    True
    """
    best, began, runs = float("inf"), time.perf_counter(), 0
    while runs < least or 1000.0 * (time.perf_counter() - began) < duration:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
        runs += 1
    return best


def _status(field: str) -> float | None:
    """An entry of /proc/self/status, MiB. Not getrusage: its peak outlives exec, and would be the parent's."""
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    for line in path.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return None


def memory_now() -> float | None:
    """Resident memory of this process, MiB; None where the system does not tell.

    Examples
    --------
    >>> now = memory_now()
    >>> now is None or now > 1.0
    True
    """
    return _status("VmRSS")


def memory_peak() -> float | None:
    """Highest resident memory of this process so far, MiB; None where the system does not tell.

    Examples
    --------
    >>> peak = memory_peak()
    >>> peak is None or peak > 1.0
    True
    """
    peak = _status("VmHWM")
    if peak is None and sys.platform != "win32":
        import resource

        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB
    return peak


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine_facts() -> dict[str, Any]:
    """Name and size of the machine, and how busy it is.

    Returns
    -------
    dict
        ``processor``, ``processors`` (those this process may use), ``system``, ``python``, ``numpy``, ``load``
        (mean number of running processes in the last minute; None where the system does not tell).

    Examples
    --------
    >>> machine_facts()["processors"] >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    return {
        "processor": _processor(),
        "processors": processors,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def machine_bandwidth(mebibytes: int = 128, duration: float = 300.0) -> dict[str, float]:
    """Measured limits of one thread: streams through memory, and additions at random places.

    Parameters
    ----------
    mebibytes : int, MiB, >= 1, default 128
        Size of each array of the streams, and of the largest scatter-add. It should be beyond the caches.
    duration : float, ms, >= 0, default 300
        For each measurement.

    Returns
    -------
    dict
        ``read_gb_s``; ``copy_gb_s`` (2 bytes moved for each byte copied); ``update_gb_s`` (in place, 2 moved);
        ``triad_gb_s`` (a = b + s c, 3 moved);
        ``scatter_<size>_m_s``: millions of float32 additions a second at random places of a table of that size.

    Notes
    -----
    Measured through NumPy, so with its overhead: the triad goes by blocks of 16,384 numbers, whose
    intermediate result stays in the cache; a scatter-add is ``numpy.add.at``. A C program reaches somewhat more.

    Examples
    --------
    >>> figures = machine_bandwidth(mebibytes=1, duration=0.0)
    >>> figures["read_gb_s"] > 0.0
    True
    """
    n = mebibytes * MIB // 8
    a, b, c, block = np.zeros(n), np.ones(n), np.full(n, 2.0), 16384
    product, words = np.empty(block), b.view(np.uint64)

    def triad() -> None:
        for first in range(0, n, block):
            size = min(block, n - first)
            np.multiply(c[first : first + size], 3.0, out=product[:size])
            np.add(b[first : first + size], product[:size], out=a[first : first + size])

    figures = {
        "read_gb_s": 8e-9 * n / best_time(lambda: np.bitwise_or.reduce(words), duration),
        "copy_gb_s": 16e-9 * n / best_time(lambda: np.copyto(a, b), duration),
        "update_gb_s": 16e-9 * n / best_time(lambda: np.multiply(c, 1.0, out=c), duration),
        "triad_gb_s": 24e-9 * n / best_time(triad, duration),
    }
    rng, count = np.random.default_rng(1), min(1 << 20, n)
    for name, size in (("64k", 1 / 16), ("512k", 0.5), ("4m", 4.0), ("32m", 32.0), ("128m", 128.0)):
        if size > mebibytes:
            break
        table = np.zeros(int(size * MIB / 4), np.float32)
        place, one = rng.integers(0, len(table), count), np.float32(1.0)
        took = best_time(lambda t=table, p=place, o=one: np.add.at(t, p, o), duration)  # type: ignore[misc]
        figures[f"scatter_{name}_m_s"] = 1e-6 * count / took
    return {name: round(value, 2) for name, value in figures.items()}
