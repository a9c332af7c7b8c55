"""Choices between options that pay with a probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from neuromod.agents.tasks.base import Task, checked, gymnasium

__all__ = ["Bandit", "ProbabilisticSelection", "ReversalBandit", "TwoStep"]


class Bandit(Task):
    """Options that pay 1 with a fixed probability, else 0; there is nothing to see.

    Parameters
    ----------
    probabilities : sequence of float, 0 to 1, default (0.8, 0.2)
        Of each option.
    trials : int, >= 1, default 100
        Steps of an episode.

    Raises
    ------
    ValueError
        If a probability or `trials` is out of its domain.

    Examples
    --------
    >>> task = Bandit((1.0, 0.0))
    >>> task.reset(seed=1)
    (0, {'best': 0})
    >>> task.step(0)[1], task.step(1)[1]
    (1.0, 0.0)
    """

    def __init__(self, probabilities: Sequence[float] = (0.8, 0.2), trials: int = 100) -> None:
        checked({"trials": (trials, 1)}, {"probabilities": probabilities})
        self.probabilities, self.trials = tuple(probabilities), trials
        self.observation_space = gymnasium.spaces.Discrete(1)
        self.action_space = gymnasium.spaces.Discrete(len(self.probabilities))

    def _begin(self) -> Any:
        return 0

    def _chances(self) -> tuple[float, ...]:
        """Of the present trial."""
        return self.probabilities

    def _act(self, action: int) -> tuple[Any, float, bool]:
        paid = self._random()[0] < self._chances()[action]
        return 0, float(paid), self.n_steps >= self.trials

    def _info(self) -> dict[str, Any]:
        chances = self._chances()
        return {"best": chances.index(max(chances))}


class ReversalBandit(Bandit):
    """A `Bandit` whose probabilities change places in every block of trials; blocks go on over episodes.

    Parameters
    ----------
    probabilities : sequence of float, 0 to 1, default (0.8, 0.2)
    trials : int, >= 1, default 400
        Steps of an episode.
    block : int, >= 1, default 100
        Trials until the probabilities move on by one option.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> task = ReversalBandit((1.0, 0.0), block=2)
    >>> _ = task.reset(seed=1)
    >>> [task.step(0)[1] for _ in range(4)]
    [1.0, 0.0, 0.0, 1.0]
    """

    def __init__(
        self, probabilities: Sequence[float] = (0.8, 0.2), trials: int = 400, block: int = 100
    ) -> None:
        checked({"block": (block, 1)}, {})
        super().__init__(probabilities, trials)
        self.block = block

    def _chances(self) -> tuple[float, ...]:
        turn = self.n_steps // self.block % len(self.probabilities)
        return self.probabilities[-turn:] + self.probabilities[:-turn] if turn else self.probabilities


class ProbabilisticSelection(Task):
    """Three pairs of stimuli, of which one pays more often (Frank, Seeberger & O'Reilly 2004).

    Stimuli of a pair stand left and right in random order; a right guess brings 1, a wrong one -1. Paper:
    doi:10.1126/science.1102941.

    Parameters
    ----------
    probabilities : sequence of float, 0 to 1, default (0.8, 0.7, 0.6)
        That the better stimulus of each pair is right; the other is right in the other trials.
    trials : int, >= 1, default 120
        Steps of an episode.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    The observation is ``2 * pair``, and one more where the better stimulus stands right; ``info`` has the better
    action as ``best``.

    Examples
    --------
    >>> task = ProbabilisticSelection((1.0,))
    >>> _, info = task.reset(seed=1)
    >>> task.step(info["best"])[1]
    1.0
    """

    def __init__(self, probabilities: Sequence[float] = (0.8, 0.7, 0.6), trials: int = 120) -> None:
        checked({"trials": (trials, 1)}, {"probabilities": probabilities})
        self.probabilities, self.trials = tuple(probabilities), trials
        self.observation_space = gymnasium.spaces.Discrete(2 * len(self.probabilities))
        self.action_space = gymnasium.spaces.Discrete(2)
        self._shown = 0

    def _begin(self) -> Any:
        which, side = self._random(2, salt=1)
        self._shown = 2 * min(int(which * len(self.probabilities)), len(self.probabilities) - 1) + int(
            side >= 0.5
        )
        return self._shown

    def _act(self, action: int) -> tuple[Any, float, bool]:
        pair, better = divmod(self._shown, 2)
        chance = self.probabilities[pair] if action == better else 1.0 - self.probabilities[pair]
        reward = 1.0 if self._random()[0] < chance else -1.0
        return self._begin(), reward, self.n_steps >= self.trials

    def _info(self) -> dict[str, Any]:
        return {"best": self._shown % 2}


class TwoStep(Task):
    """The two-step task: a choice leads to one of two places, where a second one pays (Daw et al. 2011).

    The first choice leads to its own place with a probability, else to the other. There each action pays 1 with a
    probability that walks at random between bounds. Paper: doi:10.1016/j.neuron.2011.02.027.

    Parameters
    ----------
    common : float, 0 to 1, default 0.7
        Probability of the transition to the choice's own place.
    drift : float, pure number, 0 to 1, default 0.025
        Standard deviation of the walk per trial.
    trials : int, >= 1, default 200
        Pairs of steps of an episode.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    Observations: 0 the first choice, 1 and 2 the places. ``info`` of a second choice has the trial's ``first`` action,
    whether the transition was ``common``, and the ``reward``, for an analysis of how often the first choice is
    repeated.

    Examples
    --------
    >>> task = TwoStep(common=1.0)
    >>> _ = task.reset(seed=1)
    >>> task.step(1)[0], task.step(0)[0]
    (2, 0)
    """

    _LOW, _HIGH = 0.25, 0.75  # bounds of the walk

    def __init__(self, common: float = 0.7, drift: float = 0.025, trials: int = 200) -> None:
        checked({"trials": (trials, 1)}, {"common": common, "drift": drift})
        self.common, self.drift, self.trials = common, drift, trials
        self.observation_space = gymnasium.spaces.Discrete(3)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._place, self._first, self._was_common = 0, 0, True
        self._chances = [0.5] * 4
        self._last: dict[str, Any] = {}

    def _begin(self) -> Any:
        span = self._HIGH - self._LOW
        self._chances = [self._LOW + span * r for r in self._random(4, salt=1).tolist()]
        self._place, self._last = 0, {}
        return 0

    def _act(self, action: int) -> tuple[Any, float, bool]:
        if self._place == 0:
            self._was_common = bool(self._random()[0] < self.common)
            self._first = action
            self._place = 1 + (action if self._was_common else 1 - action)
            self._last = {}
            return self._place, 0.0, False
        reward = float(self._random()[0] < self._chances[2 * (self._place - 1) + action])
        self._last = {"first": self._first, "common": self._was_common, "reward": reward}
        self._walk()
        self._place = 0
        return 0, reward, self.n_steps >= 2 * self.trials

    def _walk(self) -> None:
        self._chances = self.walked(self._chances, self._random(8, salt=2).tolist())

    def walked(self, chances: Sequence[float], draws: Sequence[float]) -> list[float]:
        """Probabilities after a step of each, reflected at the bounds.

        Parameters
        ----------
        chances : sequence of float, 0 to 1, length 4
        draws : sequence of float, length 8, 0 to 1

        Returns
        -------
        list of float
        """
        after = []
        for k, chance in enumerate(chances):  # Box & Muller (1958)
            radius = math.sqrt(-2.0 * math.log(1.0 - draws[2 * k]))
            moved = chance + self.drift * radius * math.cos(2.0 * math.pi * draws[2 * k + 1])
            moved = 2.0 * self._LOW - moved if moved < self._LOW else moved
            after.append(max(self._LOW, 2.0 * self._HIGH - moved if moved > self._HIGH else moved))
        return after

    def _info(self) -> dict[str, Any]:
        return dict(self._last)
