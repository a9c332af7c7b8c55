"""Modulators again, in plain Python: responses, factors, receptor densities, kinetics and release, one at a time.

Written from the definitions in the docstrings, not from the C. ``MODULATORS`` maps each name to its class. Nothing
here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

NEUTRAL = {"threshold": 0.0}  # of every other target it is 1
LEAST = {"tau_c": 0.1}  # of every other factor it is 0


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


# ---- the modulators that have names ------------------------------------------------------------------------


class Modulator:
    """One modulator in one region: `p` are the parameters of its table in C, by name."""

    target = ""  # what it acts on
    strength = ""  # its parameter of that meaning

    def __init__(self, params: Mapping[str, float]) -> None:
        self.p = dict(params)
        self.level = self.p["baseline"]

    def move(self, drive: float) -> None:
        """An event: the level is told from the baseline, whatever it was before."""
        self.level = clip(self.p["baseline"] + self.p["sensitivity"] * drive)

    def step(self) -> None:
        rest = self.p["baseline"]
        self.level = rest + (self.level - rest) * (1.0 - self.p["decay_rate"])

    def response(self) -> float:
        return self.p[self.strength] * self.level ** self.p["exponent"]


class Dopamine(Modulator):
    """Schultz, Dayan & Montague (1997): the level tells what was better than expected, and scales learning."""

    target, strength = "learning_rate", "learning_rate_modulation"

    def event(self, reward: float, expected_reward: float) -> None:
        self.move(reward - expected_reward)

    def act(self, change_of_weight: float) -> float:
        return change_of_weight * self.response()


class Serotonin(Modulator):
    """Cools, Nakamura & Daw (2011): punishment lowers the level, the level inhibits: thresholds rise."""

    target, strength = "threshold", "inhibition_strength"

    def event(self, punishment: float, stress: float) -> None:
        self.move(-(punishment + stress))

    def act(self, threshold: float) -> float:
        return threshold + abs(threshold) * self.response()


class Norepinephrine(Modulator):
    """Aston-Jones & Cohen (2005): uncertainty raises the level, the level amplifies inputs."""

    target, strength = "gain", "gain_modulation"

    def event(self, uncertainty: float, novelty: float) -> None:
        self.move(uncertainty + novelty)

    def act(self, current: float) -> float:
        return current * (1.0 + self.response())


class Acetylcholine(Modulator):
    """Yu & Dayan (2005), Hasselmo (2006): known unreliability raises the level, the level favours potentiation."""

    target, strength = "ltp", "potentiation_modulation"

    def event(self, expected_uncertainty: float, attention: float) -> None:
        self.move(expected_uncertainty + attention)

    def act(self, potentiation: float) -> float:
        return potentiation * (1.0 + self.response())


class Orexin(Modulator):
    """Sakurai (2007): the circadian drive raises the level, the need for sleep lowers it, the level arouses."""

    target, strength = "gain", "arousal_strength"

    def event(self, circadian_phase: float, sleep_need: float) -> None:
        self.move(circadian_phase - sleep_need)

    def act(self, current: float) -> float:
        return current * (1.0 + self.response())


MODULATORS: dict[str, type[Modulator]] = {
    "dopamine": Dopamine,
    "serotonin": Serotonin,
    "norepinephrine": Norepinephrine,
    "acetylcholine": Acetylcholine,
    "orexin": Orexin,
}
