"""What the outcomes of decisions tell the modulators: errors of prediction, uncertainty, aversion and waiting."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from neuromod.agents.settings import Settings
from neuromod.errors import ConfigError
from neuromod.state import SavedPart

__all__ = ["Signals"]

_FAST, _SLOW, _MOOD = 1.0 / 10.0, 1.0 / 200.0, 1.0 / 20.0  # per decision
_LEAST = 0.01  # of the scale: the least error that counts as usual
_BASELINE = 0.5


def _level(shift: float) -> float:
    return min(max(_BASELINE * (1.0 + shift), 0.0), 1.0)


@dataclass
class Signals:
    """Running averages over decisions, in units of ``reward_scale``; plain numbers, so that a state holds them."""

    tonic: float = 0.0  # value that all observations share
    recent_error: float = 0.0  # mean size of errors, of about 10 decisions
    usual_error: float = 0.0  # the same, of about 200
    aversion: float = 0.0  # mean punishment, of about 20
    waiting: float = 0.0  # mean value of what has not come yet, of about 20

    def error(self, reward: float, before: float, after: float | None, settings: Settings) -> float:
        """The error of prediction, -1 to 1 in units of ``reward_scale``, which is noted.

        `before`, `after`: what the critic's potential said of the last observation and says of the present one; None
        where the episode has ended for good.
        """
        earned = reward / settings.reward_scale
        expected = self.tonic + before
        ahead = 0.0 if after is None else settings.discount * (self.tonic + after)
        error = min(max(earned + ahead - expected, -1.0), 1.0)
        self.tonic += settings.tonic_rate * error
        self.recent_error += _FAST * (abs(error) - self.recent_error)
        self.usual_error += _SLOW * (abs(error) - self.usual_error)
        self.aversion += _MOOD * (min(max(-earned, 0.0), 1.0) - self.aversion)
        awaited = min(max(expected, 0.0), 1.0) if reward == 0.0 and after is not None else 0.0
        self.waiting += _MOOD * (awaited - self.waiting)
        return error

    def norepinephrine(self, settings: Settings) -> float:
        """The level, 0 to 1: above the baseline while errors are larger than usual, below it while smaller."""
        surprise = (self.recent_error - self.usual_error) / max(self.usual_error, _LEAST)
        return _level(settings.uncertainty_gain * surprise)

    def serotonin(self, settings: Settings) -> float:
        """The level, 0 to 1: it rises with punishment, and while something good is waited for."""
        return _level(settings.aversion_gain * self.aversion + settings.waiting_gain * self.waiting)

    def state(self) -> dict[str, float]:
        """What `of_state` takes."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: Any, where: str) -> Signals:
        """The signals that were saved, checked."""
        part = SavedPart(state, where)
        names = [field.name for field in fields(cls)]
        part.only(*names)
        values = {name: part.number(name, -1e12, 1e12) for name in names}
        if part.problems:
            raise ConfigError(part.problems)
        return cls(**{name: float(value or 0.0) for name, value in values.items()})
