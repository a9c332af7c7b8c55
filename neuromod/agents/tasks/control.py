"""Tasks of waiting, withholding and remembering."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromod.agents.tasks.base import Task, checked, gymnasium

__all__ = ["DelayedReward", "GoNoGo", "NBack", "StopSignal"]


class DelayedReward(Task):
    """One of two cues, a choice, and after a delay 1 if the choice was the cue's, else 0.

    Parameters
    ----------
    delay : int, >= 0, default 3
        Steps between choice and reward, in which nothing is to be seen or done.

    Raises
    ------
    ValueError
        If `delay` is below 0.

    Notes
    -----
    Observations: 0 and 1 the cues, 2 the delay. An episode is one trial.

    Examples
    --------
    >>> task = DelayedReward(delay=1)
    >>> cue, _ = task.reset(seed=1)
    >>> task.step(cue)[:3], task.step(0)[:3]
    ((2, 0.0, False), (2, 1.0, True))
    """

    def __init__(self, delay: int = 3) -> None:
        checked({"delay": (delay, 0)}, {})
        self.delay = delay
        self.observation_space = gymnasium.spaces.Discrete(3)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._cue, self._right = 0, False

    def _begin(self) -> Any:
        self._cue = int(self._random()[0] >= 0.5)
        return self._cue

    def _act(self, action: int) -> tuple[Any, float, bool]:
        if self.n_steps == 1:
            self._right = action == self._cue
        ended = self.n_steps > self.delay
        return 2, float(ended and self._right), ended


class GoNoGo(Task):
    """Respond (action 1) to the go stimulus, and withhold (action 0) at the other.

    Parameters
    ----------
    go : float, 0 to 1, default 0.7
        Probability of the go stimulus.
    punishment : float, reward units, >= 0, default 1
        What a response to the other stimulus costs; a response to the go stimulus brings 1, withholding 0.
    trials : int, >= 1, default 100
        Steps of an episode.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    Observations: 0 no-go, 1 go. ``info`` has the stimulus that is shown as ``go``.

    Examples
    --------
    >>> task = GoNoGo(go=1.0)
    >>> task.reset(seed=1)
    (1, {'go': True})
    >>> task.step(1)[1]
    1.0
    """

    def __init__(self, go: float = 0.7, punishment: float = 1.0, trials: int = 100) -> None:
        checked({"trials": (trials, 1)}, {"go": go})
        if not punishment >= 0.0:
            raise ValueError(f"punishment: must be >= 0; got {punishment!r}")
        self.go, self.punishment, self.trials = go, punishment, trials
        self.observation_space = gymnasium.spaces.Discrete(2)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._shown = 0

    def _begin(self) -> Any:
        self._shown = int(self._random(salt=1)[0] < self.go)
        return self._shown

    def _act(self, action: int) -> tuple[Any, float, bool]:
        reward = 0.0 if action == 0 else 1.0 if self._shown else -self.punishment
        return self._begin(), reward, self.n_steps >= self.trials

    def _info(self) -> dict[str, Any]:
        return {"go": bool(self._shown)}


class StopSignal(Task):
    """Respond left or right as the cue says, but not where a stop signal follows.

    Parameters
    ----------
    stop : float, 0 to 1, default 0.25
        Probability of a stop signal.
    delay : int, >= 1, default 1
        Steps from the cue to the stop signal.
    deadline : int, > delay, default 4
        Steps after which a trial without a response ends.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    Observations: 0 left cue, 1 right cue; from the second step on 2 and 3, the same cue goes on, or 4, the stop signal.
    Actions: 0 wait, 1 left, 2 right. The right
    response brings 1, the wrong one or one in a trial with a stop signal -1, none at the deadline 0, or 1 in a trial
    with a stop signal. An episode is one trial; ``info`` has ``stop``, whether it has a stop signal.

    Examples
    --------
    >>> task = StopSignal(stop=1.0)
    >>> cue, _ = task.reset(seed=1)
    >>> task.step(0)[:3], [task.step(0)[1] for _ in range(3)]
    ((4, 0.0, False), [0.0, 0.0, 1.0])
    """

    def __init__(self, stop: float = 0.25, delay: int = 1, deadline: int = 4) -> None:
        checked({"delay": (delay, 1)}, {"stop": stop})
        checked({"deadline": (deadline, delay + 1)}, {})
        self.stop, self.delay, self.deadline = stop, delay, deadline
        self.observation_space = gymnasium.spaces.Discrete(5)
        self.action_space = gymnasium.spaces.Discrete(3)
        self._cue, self._stops = 0, False

    def _begin(self) -> Any:
        side, stops = self._random(2)
        self._cue, self._stops = int(side >= 0.5), bool(stops < self.stop)
        return self._cue

    def _act(self, action: int) -> tuple[Any, float, bool]:
        seen = 4 if self._stops and self.n_steps >= self.delay else 2 + self._cue
        if action:
            return seen, -1.0 if self._stops or action - 1 != self._cue else 1.0, True
        if self.n_steps >= self.deadline:
            return seen, float(self._stops), True
        return seen, 0.0, False

    def _info(self) -> dict[str, Any]:
        return {"stop": self._stops}


class NBack(Task):
    """Say (action 1) whether the letter is that of n steps before.

    Parameters
    ----------
    n : int, >= 1, default 1
    letters : int, >= 2, default 4
    match : float, 0 to 1, default 0.4
        Probability that a letter is made that of n steps before.
    trials : int, >= 1, default 50
        Steps of an episode.
    shown : bool, default False
        True: the observation also has the n letters before the present one, so that no memory is needed.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Notes
    -----
    The observation is the letter; with `shown` an array of it and the letters before, where `letters` stands for none.
    A right answer brings 1, a wrong one -1; in the first n steps the answer is 0.

    Examples
    --------
    >>> task = NBack(match=1.0)
    >>> first, _ = task.reset(seed=1)
    >>> second, reward, _, _, _ = task.step(0)
    >>> first == second, reward, task.step(1)[1]
    (True, 1.0, 1.0)
    """

    def __init__(
        self, n: int = 1, letters: int = 4, match: float = 0.4, trials: int = 50, shown: bool = False
    ) -> None:
        checked({"n": (n, 1), "letters": (letters, 2), "trials": (trials, 1)}, {"match": match})
        self.n, self.letters, self.match, self.trials, self.shown = n, letters, match, trials, shown
        spaces = gymnasium.spaces
        self.observation_space = (
            spaces.MultiDiscrete([letters] + [letters + 1] * n) if shown else spaces.Discrete(letters)
        )
        self.action_space = spaces.Discrete(2)
        self._seen: list[int] = []

    def _begin(self) -> Any:
        self._seen = []
        return self._next()

    def _next(self) -> Any:
        """Draw a letter; what is to be seen."""
        which, copies = self._random(2)
        letter = min(int(which * self.letters), self.letters - 1)
        if len(self._seen) >= self.n and copies < self.match:
            letter = self._seen[-self.n]
        self._seen.append(letter)
        if not self.shown:
            return letter
        before = [self._seen[-1 - k] if len(self._seen) > k else self.letters for k in range(1, self.n + 1)]
        return np.array([letter, *before], dtype=np.int64)

    def _act(self, action: int) -> tuple[Any, float, bool]:
        is_match = len(self._seen) > self.n and self._seen[-1] == self._seen[-1 - self.n]
        return self._next(), 1.0 if action == int(is_match) else -1.0, self.n_steps >= self.trials
