"""Modulators again, in plain Python: responses, factors, receptor densities, kinetics and release, one at a time.

Written from the definitions in the docstrings, not from the C. Nothing here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

NEUTRAL = {"threshold": 0.0}  # of every other target it is 1
LEAST = {"tau_c": 1e-3}  # of every other factor it is 0


def clip(level: float) -> float:
    return min(1.0, max(0.0, level))


def hill(level: float, strength: float, ec50: float, n: float) -> float:
    return strength * level**n / (ec50**n + level**n)


def inverted_u(level: float, strength: float, peak: float, width: float) -> float:
    return strength * math.exp(-(((level - peak) / width) ** 2) / 2.0)


RESPONSES: dict[str, Callable[..., float]] = {
    "linear": lambda level, strength: strength * level,
    "power": lambda level, strength, exponent: strength * level**exponent,
    "hill": hill,
    "inverted_u": inverted_u,
}


def effect(
    response: Mapping[str, Mapping[str, float]],
    level: float,
    target: str,
    offset: float = 1.0,
    density: float = 1.0,
) -> float:
    """A factor, or the rise of a threshold; density d leaves d times the deviation from no effect."""
    [(kind, params)] = response.items()
    size = RESPONSES[kind](level, **params)
    if target == "threshold":
        return density * size
    return max(LEAST.get(target, 0.0), 1.0 + density * (offset + size - 1.0))


class Level:
    """The level of one modulator in one region, step by step."""

    def __init__(
        self,
        baseline: float,
        *,
        tau: float | None = None,
        decay_rate: float = 0.1,
        dt: float = 1.0,
        start: float | None = None,
    ) -> None:
        self.baseline = baseline
        self.kept = 1.0 - decay_rate if tau is None else math.exp(-dt / tau)
        self.level = baseline if start is None else start

    def event(self, sensitivity: float, drive: float) -> None:
        self.level = clip(self.baseline + sensitivity * drive)

    def step(self, released: Iterable[tuple[float, int]] = ()) -> float:
        """One step's decay, then what its spikes release: pairs of amount and number of spikes."""
        self.level = self.baseline + (self.level - self.baseline) * self.kept
        self.level = clip(self.level + sum(amount * n for amount, n in released))
        return self.level
