"""Delays given in ms, turned into the delays in steps that `neuromod.network.draws` takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from neuromod.arguments import checked_array
from neuromod.network.draws import MAX_DELAY
from neuromod.network.matrices import Milliseconds, is_sparse
from neuromod.problems import shown
from neuromod.units import counted, steps_of, steps_of_all

__all__ = ["delay_in_steps"]


def delay_in_steps(delay: Any, delay_ms: Any, dt: float, default: Any = 1) -> Any:
    """The delay in steps: as it was given, or from `delay_ms`; `default` where neither was given.

    Numbers and arrays in ms must be whole steps of dt; a matrix is left to `delays_of`, which knows the entries that
    stand at synapses. Of a distribution the drawn values are rounded to the nearest
    step; its bounds must be whole steps.
    """
    if delay_ms is None:
        if isinstance(delay, float | np.floating):
            return counted(delay, "delay", "delay_ms", 1)
        return default if delay is None else delay
    if delay is not None:
        raise TypeError(f"delay, delay_ms: must not be given both; got {shown(delay)} and {shown(delay_ms)}")
    if is_sparse(delay_ms):
        return _matrix(delay_ms, dt)
    if isinstance(delay_ms, Mapping):
        return {name: _part(name, value, dt) for name, value in delay_ms.items()}
    if callable(delay_ms):
        return lambda distance: np.asarray(delay_ms(distance), np.float64) / dt
    given = checked_array(delay_ms, "delay_ms")
    if given.ndim == 2:
        return _matrix(given, dt)
    if given.ndim == 0:
        return steps_of(
            given.item() if isinstance(delay_ms, np.ndarray) else delay_ms, dt, "delay_ms", 1, MAX_DELAY
        )
    return steps_of_all(given, dt, "delay_ms", 1, MAX_DELAY)


def _matrix(delay_ms: Any, dt: float) -> Milliseconds:
    return Milliseconds(delay_ms, lambda times: steps_of_all(times, dt, "delay_ms", 1, MAX_DELAY))


def _part(name: Any, value: Any, dt: float) -> Any:
    """One entry of a distribution in ms, in steps; what is no such entry is left to `delays_of`."""
    where = f"delay_ms.{name}"
    if name in ("low", "high"):
        return float(steps_of(value, dt, where, 1, MAX_DELAY))
    if name not in ("normal", "lognormal", "uniform"):
        return value
    pair = checked_array(value, where).astype(np.float64)
    if pair.shape != (2,) or not np.all(np.isfinite(pair)):
        raise ValueError(f"{where}: must be two finite numbers, in ms; got {shown(value)}")
    if name == "uniform":
        return steps_of_all(pair, dt, where, 1, MAX_DELAY).tolist()
    a, b = pair.tolist()
    return [a / dt, b / dt] if name == "normal" else [a - math.log(dt), b]
