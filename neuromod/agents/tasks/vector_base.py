"""What the vector forms of the tasks have in common: arrays of states, autoreset, ``info``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.agents.tasks.base import Task
from neuromod.arguments import checked_count
from neuromod.optional import optional_module
from neuromod.problems import shown

if TYPE_CHECKING:
    import gymnasium.vector as vector
else:
    vector = optional_module("gymnasium.vector", "rl", "neuromod.agents.tasks")

__all__ = ["VectorTask"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_MODES = {mode.value: mode for mode in vector.AutoresetMode}


class VectorTask(vector.VectorEnv[Any, Any, Any]):
    """Environments of one task as one object; environment k has the bits of the task alone with seed ``seed + k``.

    Parameters
    ----------
    num_envs : int, >= 1, default 1
    autoreset_mode : gymnasium.vector.AutoresetMode or str, default "NextStep"
        When an environment whose episode has ended begins the next one: in the next step, in the same one, or by a
        ``reset`` with a mask ("Disabled").
    **arguments : object
        Of the task.

    Raises
    ------
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> import gymnasium, neuromod.agents.tasks
    >>> envs = gymnasium.make_vec("neuromod/Bandit-v0", 3, probabilities=(1.0, 0.0))
    >>> _ = envs.reset(seed=1)
    >>> envs.step(np.array([0, 1, 0]))[1].tolist()
    [1.0, 0.0, 1.0]
    """

    task: ClassVar[type[Task]] = Task
    """The task alone."""

    def __init__(self, num_envs: int = 1, autoreset_mode: Any = "NextStep", **arguments: Any) -> None:
        self.num_envs = checked_count(num_envs, "num_envs", 1)
        mode = _MODES.get(getattr(autoreset_mode, "value", autoreset_mode))
        if mode is None:
            raise ValueError(
                f"autoreset_mode: must be one of {', '.join(_MODES)}; got {shown(autoreset_mode)}"
            )
        self.one: Any = self.task(**arguments)
        self.metadata = {"render_modes": [], "autoreset_mode": mode}
        self._mode = mode.value
        self.single_observation_space = self.one.observation_space
        self.single_action_space = self.one.action_space
        utils = vector.utils
        self.observation_space = utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = utils.batch_space(self.single_action_space, num_envs)
        self.n_steps = np.zeros(num_envs, dtype=np.int64)
        self._episode = np.full(num_envs, -1, dtype=np.int64)
        self._keys: list[int] = [0] * num_envs
        self._over = np.zeros(num_envs, dtype=bool)
        self._seen = np.zeros(self.observation_space.shape or (num_envs,), dtype=self.observation_space.dtype)
        self._prepare()

    # ---- gymnasium -------------------------------------------------------------------------------------------

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode of each environment.

        Parameters
        ----------
        seed : int, >= 0, or sequence of them, optional
            Environment k gets ``seed + k``, or the k-th. Default: the next episode of the seed that there is.
        options : dict, optional
            ``reset_mask``, an array of bool: which environments begin anew. Default: all.

        Returns
        -------
        tuple
            The observations, and ``info``.

        Raises
        ------
        ValueError
            If there are not as many seeds, or values of the mask, as environments. Nothing has happened.
        """
        n = self.num_envs
        chosen = (options or {}).get("reset_mask")
        mask = np.ones(n, dtype=bool) if chosen is None else np.asarray(chosen)
        if mask.shape != (n,) or mask.dtype != bool:
            raise ValueError(f"options['reset_mask']: must be {n} values of bool; got {shown(chosen)}")
        seeds = [seed + k for k in range(n)] if isinstance(seed, int | np.integer) else seed
        seeds = [None] * n if seeds is None else list(seeds)
        if len(seeds) != n:
            raise ValueError(f"seed: must be a number or {n} numbers; got {shown(seed)}")
        if any(s is not None and (not isinstance(s, int | np.integer) or s < 0) for s in seeds):
            raise ValueError(f"seed: must be whole numbers >= 0; got {shown(seed)}")
        who = np.flatnonzero(mask)
        for k in who.tolist():
            if seeds[k] is not None or self._episode[k] < 0:
                drawn = int.from_bytes(os.urandom(8), "little") if seeds[k] is None else int(seeds[k])
                self._keys[k], self._episode[k] = drawn % 2**64, -1
        self._start(who)
        return self._seen.copy(), self._info(who)

    def step(self, actions: Any) -> tuple[Any, Floats, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Take an action in each environment.

        Parameters
        ----------
        actions : array_like of int, shape (num_envs,)
            Of the action space.

        Returns
        -------
        tuple
            Observations, rewards, terminated, truncated, ``info``; in the mode "SameStep" ``info["final_obs"]`` has
            the last observation of each episode that has ended.

        Raises
        ------
        ValueError
            If an action is not in the action space. Nothing has happened.
        RuntimeError
            In the mode "Disabled", if an episode has ended and was not reset. Nothing has happened.
        """
        taken = self._checked(actions)
        if self._mode == "Disabled" and self._over.any():
            raise RuntimeError(
                "step: must not be called while an episode has ended; reset it with reset_mask"
            )
        begins, who = np.flatnonzero(self._over), np.flatnonzero(~self._over)
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros(self.num_envs, dtype=bool), np.zeros(self.num_envs, dtype=bool)
        self.n_steps[who] += 1
        self._seen[who], rewards[who], terminated[who] = self._act(taken[who], who)
        truncated[who] = self._cut(who) & ~terminated[who]
        self._start(begins)
        info = self._info(np.arange(self.num_envs))
        self._over = terminated | truncated
        if self._mode == "SameStep" and self._over.any():
            info = self._same_step(info)
        return self._seen.copy(), rewards, terminated, truncated, info

    def _same_step(self, info: dict[str, Any]) -> dict[str, Any]:
        """Begin what has ended; ``info`` with the last observations."""
        over = self._over.copy()
        final = np.full(self.num_envs, None, dtype=object)
        for k in np.flatnonzero(over).tolist():
            final[k] = self._seen[k].copy()
        last = {}
        for name in [name for name in info if not name.startswith("_")]:
            there = info["_" + name] & over
            last[name] = np.where(there, info[name], np.zeros_like(info[name]))
            last["_" + name] = there
        self._start(np.flatnonzero(over))
        new = self._info(np.arange(self.num_envs))
        return new | {"final_obs": final, "_final_obs": over, "final_info": last, "_final_info": over}

    def _checked(self, actions: Any) -> Ints:
        taken = np.asarray(actions)
        last = int(self.one.action_space.n) - 1
        right = taken.shape == (self.num_envs,) and taken.dtype.kind in "iu"
        if not right or taken.min() < 0 or taken.max() > last:
            raise ValueError(f"actions: must be in {self.action_space}; got {shown(actions)}")
        return taken.astype(np.int64)

    def _start(self, who: Ints) -> None:
        """Begin an episode of each of these environments."""
        if len(who):
            self._episode[who] += 1
            self.n_steps[who] = 0
            self._over[who] = False
            self._seen[who] = self._begin(who)

    def _random(self, who: Ints, n: int = 1, salt: int = 0) -> Floats:
        """Numbers from 0 to 1, shape (len(who), n): those of the tasks alone."""
        draw, key = _core.random_words, self._keys
        at = zip(
            who.tolist(), (self._episode[who] * 64 % 2**32).tolist(), self.n_steps[who].tolist(), strict=True
        )
        words = [draw(key[k], "user", first, step, n, salt) for k, first, step in at]
        return np.array(words, dtype=np.float64).reshape(len(who), n) / 2.0**32

    # ---- for a task ------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Make the arrays of the state."""

    def _begin(self, who: Ints) -> Any:
        """The first observations."""
        raise NotImplementedError

    def _act(self, actions: Ints, who: Ints) -> tuple[Any, Any, Any]:
        """Observations, rewards, and whether the episodes have ended."""
        raise NotImplementedError

    def _cut(self, who: Ints) -> Any:
        """Whether the episodes are truncated."""
        return np.zeros(len(who), dtype=bool)

    def _info(self, who: Ints) -> dict[str, Any]:
        """Values by name, and under the name with ``_`` before it for which environments they are."""
        return {}

    def _told(self, who: Ints, **values: Any) -> dict[str, Any]:
        """``info`` of arrays with a value for each environment; empty where it is of none."""
        if not len(who):
            return {}
        mask = np.zeros(self.num_envs, dtype=bool)
        mask[who] = True
        found: dict[str, Any] = {}
        for name, value in values.items():
            found[name] = np.where(mask, value, np.zeros_like(value))
            found["_" + name] = mask.copy()
        return found
