"""A small maze."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.agents.tasks.base import Task, checked, gymnasium

__all__ = ["Maze"]

_WALLS = """
#########
#S..#...#
#.#.#.#.#
#.#...#G#
#########
"""
_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


class Maze(Task):
    """Find the way from S to G between walls; actions: up, right, down, left.

    Parameters
    ----------
    walls : str, optional
        Rows of ``#`` (wall), ``.`` (free), ``S`` (start) and ``G`` (goal), with walls all around. Default: one of 15
        places, with a way of 12 steps.
    most_steps : int, >= 1, default 100
        Steps after which an episode is truncated.

    Raises
    ------
    ValueError
        If there is not one start and one goal, another sign stands in `walls`, or they are open.

    Notes
    -----
    The observation is the number of the place, counted along the rows. The goal brings 1; all else 0.

    Examples
    --------
    >>> task = Maze("#####\\n#S.G#\\n#####")
    >>> task.reset(seed=1)[0], task.step(1)[:3], task.step(1)[:3]
    (0, (1, 0.0, False), (2, 1.0, True))
    """

    def __init__(self, walls: str = _WALLS, most_steps: int = 100) -> None:
        checked({"most_steps": (most_steps, 1)}, {})
        rows = walls.split()
        signs = "".join(rows)
        problems = []
        if signs.count("S") != 1 or signs.count("G") != 1 or set(signs) - set("#.SG"):
            problems.append("must have one S, one G, and else # and .")
        if len({len(row) for row in rows}) != 1:
            problems.append("must have rows of one length")
        elif set(rows[0] + rows[-1] + "".join(row[0] + row[-1] for row in rows)) != {"#"}:
            problems.append("must be closed by # all around")
        if problems:
            raise ValueError(f"walls: {'; '.join(problems)}; got {walls!r:.80}")
        free = [(r, c) for r, row in enumerate(rows) for c, sign in enumerate(row) if sign != "#"]
        self._number = {place: k for k, place in enumerate(free)}
        self._start = next(place for place in free if rows[place[0]][place[1]] == "S")
        self._goal = next(place for place in free if rows[place[0]][place[1]] == "G")
        self._place, self.most_steps = self._start, most_steps
        self.observation_space = gymnasium.spaces.Discrete(len(free))
        self.action_space = gymnasium.spaces.Discrete(4)

    def _begin(self) -> Any:
        self._place = self._start
        return self._number[self._place]

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action, as in `Task`; the episode is truncated after `most_steps`.

        Parameters
        ----------
        action : int, 0 to 3

        Returns
        -------
        tuple
            Observation, reward, terminated, truncated, ``info``.
        """
        observation, reward, terminated, _, info = super().step(action)
        return observation, reward, terminated, not terminated and self.n_steps >= self.most_steps, info

    def ways(self) -> tuple[NDArray[np.int64], int, int]:
        """Where each action leads from each place, and the numbers of start and goal.

        Returns
        -------
        tuple
            ndarray of int64, shape (n_places, 4); start; goal.
        """
        ways = [
            [self._number.get((row + down, column + right), number) for down, right in _MOVES]
            for (row, column), number in self._number.items()
        ]
        return np.array(ways, dtype=np.int64), self._number[self._start], self._number[self._goal]

    def _act(self, action: int) -> tuple[Any, float, bool]:
        row, column = self._place[0] + _MOVES[action][0], self._place[1] + _MOVES[action][1]
        if (row, column) in self._number:
            self._place = (row, column)
        ended = self._place == self._goal
        return self._number[self._place], float(ended), ended
