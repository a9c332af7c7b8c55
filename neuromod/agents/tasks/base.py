"""What the tasks have in common: random numbers by episode and step, and ``info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_count, checked_number
from neuromod.optional import optional_module
from neuromod.together import Together

if TYPE_CHECKING:
    import gymnasium
else:
    gymnasium = optional_module("gymnasium", "rl", "neuromod.agents.tasks")

__all__ = ["Task", "checked", "gymnasium"]


class Task(gymnasium.Env[Any, Any]):
    """An environment whose random numbers are counter-based: they depend on the seed, the episode and the step alone.

    Attributes
    ----------
    n_steps : int
        Steps of the present episode so far.

    Examples
    --------
    >>> Task().n_steps
    0
    """

    metadata = {"render_modes": []}  # noqa: RUF012
    n_steps = 0
    _episode = -1
    _key = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Parameters
        ----------
        seed : int, >= 0, optional
            Default: the next episode of the seed that there is.
        options : dict, optional
            Not used: there are none.

        Returns
        -------
        tuple
            The observation, and ``info``.
        """
        super().reset(seed=seed)
        if seed is not None or self._episode < 0:
            self._key, self._episode = int(self.np_random_seed or 0) % 2**64, -1
        self._episode += 1
        self.n_steps = 0
        return self._begin(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action.

        Parameters
        ----------
        action : int
            Of the action space.

        Returns
        -------
        tuple
            Observation, reward, terminated, truncated, ``info``.

        Raises
        ------
        ValueError
            If the action is not in the action space. Nothing has happened.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"action: must be in {self.action_space}; got {action!r}")
        self.n_steps += 1
        observation, reward, terminated = self._act(int(action))
        return observation, float(reward), bool(terminated), False, self._info()

    def _begin(self) -> Any:
        """The first observation."""
        raise NotImplementedError

    def _act(self, action: int) -> tuple[Any, float, bool]:
        """Observation, reward and whether the episode has ended."""
        raise NotImplementedError

    def _info(self) -> dict[str, Any]:
        return {}

    def _random(self, n: int = 1, salt: int = 0) -> NDArray[np.float64]:
        """Numbers from 0 to 1, the same for the same seed, episode, step and salt."""
        words = _core.random_words(self._key, "user", self._episode * 64 % 2**32, self.n_steps, n, salt)
        return words / 2.0**32


def checked(counts: dict[str, tuple[Any, int]], chances: dict[str, Any]) -> None:
    """Whole numbers of at least so many, and probabilities; all that is wrong at once."""
    found = Together()
    for name, (value, least) in counts.items():
        found(checked_count, value, name, least)
    for name, value in chances.items():
        for each in np.ravel(value).tolist():
            found(checked_number, each, name, 0.0, 1.0)
    found.finish()
