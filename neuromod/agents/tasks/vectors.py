"""The vector forms of the tasks, which ``gymnasium.make_vec`` makes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from neuromod.agents.tasks import bandits, control, maze
from neuromod.agents.tasks.base import Task
from neuromod.agents.tasks.vector_base import Floats, Ints, VectorTask

__all__ = [
    "VectorBandit",
    "VectorDelayedReward",
    "VectorGoNoGo",
    "VectorMaze",
    "VectorNBack",
    "VectorProbabilisticSelection",
    "VectorReversalBandit",
    "VectorStopSignal",
    "VectorTwoStep",
]


class VectorBandit(VectorTask):
    """`Bandit` in several environments; see `VectorTask`."""

    task: ClassVar[type[Task]] = bandits.Bandit

    def _prepare(self) -> None:
        self._pays = np.array(self.one.probabilities, dtype=np.float64)

    def _begin(self, who: Ints) -> Any:
        return 0

    def _chances(self, who: Ints) -> Floats:
        """Of each option in each environment."""
        return np.broadcast_to(self._pays, (len(who), len(self._pays)))

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        chances = self._chances(who)[np.arange(len(who)), actions]
        return 0, self._random(who)[:, 0] < chances, self.n_steps[who] >= self.one.trials

    def _info(self, who: Ints) -> dict[str, Any]:
        return self._told(who, best=self._chances(np.arange(self.num_envs)).argmax(axis=1))


class VectorReversalBandit(VectorBandit):
    """`ReversalBandit` in several environments; see `VectorTask`."""

    task = bandits.ReversalBandit

    def _chances(self, who: Ints) -> Floats:
        n = len(self._pays)
        turns = self.n_steps[who] // self.one.block
        chances: Floats = self._pays[(np.arange(n) - turns[:, None]) % n]
        return chances


class VectorProbabilisticSelection(VectorTask):
    """`ProbabilisticSelection` in several environments; see `VectorTask`."""

    task = bandits.ProbabilisticSelection

    def _prepare(self) -> None:
        self._pays = np.array(self.one.probabilities, dtype=np.float64)
        self._shown = np.zeros(self.num_envs, dtype=np.int64)

    def _begin(self, who: Ints) -> Any:
        which, side = self._random(who, 2, salt=1).T
        pair = np.minimum((which * len(self._pays)).astype(np.int64), len(self._pays) - 1)
        self._shown[who] = 2 * pair + (side >= 0.5)
        return self._shown[who]

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        pair, better = np.divmod(self._shown[who], 2)
        chances = np.where(actions == better, self._pays[pair], 1.0 - self._pays[pair])
        rewards = np.where(self._random(who)[:, 0] < chances, 1.0, -1.0)
        return self._begin(who), rewards, self.n_steps[who] >= self.one.trials

    def _info(self, who: Ints) -> dict[str, Any]:
        return self._told(who, best=self._shown % 2)


class VectorTwoStep(VectorTask):
    """`TwoStep` in several environments; see `VectorTask`."""

    task = bandits.TwoStep

    def _prepare(self) -> None:
        n = self.num_envs
        self._chances = np.full((n, 4), 0.5)
        self._place, self._first = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._common, self._told_last = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
        self._reward = np.zeros(n)

    def _begin(self, who: Ints) -> Any:
        low, high = bandits.TwoStep._LOW, bandits.TwoStep._HIGH
        self._chances[who] = low + (high - low) * self._random(who, 4, salt=1)
        self._place[who], self._told_last[who] = 0, False
        return 0

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        draws, place = self._random(who)[:, 0], self._place[who]
        first = place == 0
        paid = draws < self._chances[who, np.maximum(2 * (place - 1), 0) + actions]
        begins, ends = who[first], who[~first]
        self._common[begins] = draws[first] < self.one.common
        self._first[begins] = actions[first]
        own = np.where(self._common[begins], actions[first], 1 - actions[first])
        self._place[begins], self._told_last[begins] = 1 + own, False
        self._reward[ends], self._told_last[ends], self._place[ends] = paid[~first], True, 0
        for k, drawn in zip(ends.tolist(), self._random(ends, 8, salt=2).tolist(), strict=True):
            self._chances[k] = self.one.walked(self._chances[k].tolist(), drawn)
        over = ~first & (self.n_steps[who] >= 2 * self.one.trials)
        return self._place[who], np.where(first, 0.0, paid), over

    def _info(self, who: Ints) -> dict[str, Any]:
        told = who[self._told_last[who]]
        return self._told(told, first=self._first, common=self._common, reward=self._reward)


class VectorDelayedReward(VectorTask):
    """`DelayedReward` in several environments; see `VectorTask`."""

    task = control.DelayedReward

    def _prepare(self) -> None:
        self._cue = np.zeros(self.num_envs, dtype=np.int64)
        self._right = np.zeros(self.num_envs, dtype=bool)

    def _begin(self, who: Ints) -> Any:
        self._cue[who] = self._random(who)[:, 0] >= 0.5
        return self._cue[who]

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        steps = self.n_steps[who]
        self._right[who] = np.where(steps == 1, actions == self._cue[who], self._right[who])
        over = steps > self.one.delay
        return 2, over & self._right[who], over


class VectorGoNoGo(VectorTask):
    """`GoNoGo` in several environments; see `VectorTask`."""

    task = control.GoNoGo

    def _prepare(self) -> None:
        self._shown = np.zeros(self.num_envs, dtype=np.int64)

    def _begin(self, who: Ints) -> Any:
        self._shown[who] = self._random(who, salt=1)[:, 0] < self.one.go
        return self._shown[who]

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        gains = np.where(self._shown[who] == 1, 1.0, -self.one.punishment)
        return self._begin(who), np.where(actions == 0, 0.0, gains), self.n_steps[who] >= self.one.trials

    def _info(self, who: Ints) -> dict[str, Any]:
        return self._told(who, go=self._shown == 1)


class VectorStopSignal(VectorTask):
    """`StopSignal` in several environments; see `VectorTask`."""

    task = control.StopSignal

    def _prepare(self) -> None:
        self._cue = np.zeros(self.num_envs, dtype=np.int64)
        self._stops = np.zeros(self.num_envs, dtype=bool)

    def _begin(self, who: Ints) -> Any:
        side, stops = self._random(who, 2).T
        self._cue[who], self._stops[who] = side >= 0.5, stops < self.one.stop
        return self._cue[who]

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        steps, cue, stops = self.n_steps[who], self._cue[who], self._stops[who]
        seen = np.where(stops & (steps >= self.one.delay), 4, 2 + cue)
        responds, late = actions != 0, steps >= self.one.deadline
        gains = np.where(stops | (actions - 1 != cue), -1.0, 1.0)
        return seen, np.where(responds, gains, np.where(late & stops, 1.0, 0.0)), responds | late

    def _info(self, who: Ints) -> dict[str, Any]:
        return self._told(who, stop=self._stops)


class VectorNBack(VectorTask):
    """`NBack` in several environments; see `VectorTask`."""

    task = control.NBack

    def _prepare(self) -> None:
        # letter j of an episode is in column n + j; before the first there is none
        self._letters = np.full((self.num_envs, self.one.n + self.one.trials + 1), self.one.letters)

    def _begin(self, who: Ints) -> Any:
        self._letters[who] = self.one.letters
        return self._next(who)

    def _next(self, who: Ints) -> Any:
        """Draw the letters; what is to be seen."""
        n, at = self.one.n, self.one.n + self.n_steps[who]
        which, copies = self._random(who, 2).T
        letters = np.minimum((which * self.one.letters).astype(np.int64), self.one.letters - 1)
        same = (self.n_steps[who] >= n) & (copies < self.one.match)
        letters = np.where(same, self._letters[who, at - n], letters)
        self._letters[who, at] = letters
        return self._letters[who[:, None], at[:, None] - np.arange(n + 1)] if self.one.shown else letters

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        at = self.one.n + self.n_steps[who] - 1
        same = self._letters[who, at] == self._letters[who, at - self.one.n]
        rewards = np.where(actions == same, 1.0, -1.0)
        return self._next(who), rewards, self.n_steps[who] >= self.one.trials


class VectorMaze(VectorTask):
    """`Maze` in several environments; see `VectorTask`."""

    task = maze.Maze

    def _prepare(self) -> None:
        self._ways, self._from, self._goal = self.one.ways()
        self._place = np.zeros(self.num_envs, dtype=np.int64)

    def _begin(self, who: Ints) -> Any:
        self._place[who] = self._from
        return self._place[who]

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        self._place[who] = self._ways[self._place[who], actions]
        ended = self._place[who] == self._goal
        return self._place[who], ended, ended

    def _cut(self, who: Ints) -> Any:
        return self.n_steps[who] >= self.one.most_steps
