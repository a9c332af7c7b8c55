"""Homeostatic scaling in plain Python, after van Rossum, Bi & Turrigiano (2000): an average of the target's spikes
over all of the past, and a product. Nothing here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping


def average_rate(spikes: Iterable[int], step: int, params: Mapping[str, float], dt: float) -> float:
    """Hz: each spike leaves exp(-age / tau) / tau, averaged over its step; before, the rate was the target's."""
    tau = params["tau"]
    over_step = -math.expm1(-dt / tau) * tau / dt
    seen = sum(math.exp(-(step - s) * dt / tau) for s in spikes if s <= step) * over_step * 1000.0 / tau
    return seen + params["target_rate"] * math.exp(-step * dt / tau)


def factor(spikes: Iterable[int], step: int, params: Mapping[str, float], dt: float) -> float:
    """What weights onto a neuron with these spikes are multiplied by in a step in which they are scaled."""
    error = (params["target_rate"] - average_rate(spikes, step, params, dt)) / params["target_rate"]
    return 1.0 + params["strength"] * min(max(error, -1.0), 1.0)
