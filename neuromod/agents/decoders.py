"""Decoders: which action the spikes of the actor stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuromod.agents.encoders import wrong_space
from neuromod.arguments import MOST_STEPS, checked_array, checked_count
from neuromod.closed import Once
from neuromod.errors import ConfigError
from neuromod.near_names import names_near
from neuromod.optional import optional_module
from neuromod.problems import shown

__all__ = ["Decoder", "PopulationVector", "Rates", "Winner", "decoder_for"]

Floats = NDArray[np.float64]


class Decoder(Protocol):
    """What an `Agent` needs of a decoder; one of your own has these four.

    Attributes
    ----------
    groups : tuple of int
        Number of groups of actor neurons for each number of the action.
    compete : bool
        Whether the groups of one number inhibit each other, so that the first spike decides.
    """

    groups: tuple[int, ...]
    compete: bool

    def decode(self, votes: Floats, chance: Callable[[], Floats]) -> Any:
        """The action.

        Parameters
        ----------
        votes : ndarray of float64, shape (sum of groups,), spikes per step or pure number
            Spikes of each group; of a group without any, a number below 0 that is higher the nearer it was to a spike.
        chance : callable
            Gives random numbers from 0 to 1, one for each group, for what spikes leave open.
        """
        ...


DECODER = ("groups", "compete", "decode")


class Winner(Once):
    """The group with most spikes: the first that fires, since groups inhibit each other.

    Parameters
    ----------
    n : int or array_like of int, >= 1
        Number of actions; an array for an action of several numbers, which then has its shape.
    start : int or array_like of int, default 0
        The lowest action.
    silent : int, optional
        Action where no group fires; of an action of one number. Default: that of the group that is nearest to a spike.

    Raises
    ------
    ConfigError, TypeError, ValueError
        If `n` is below 1, or an argument holds anything but whole numbers.

    Examples
    --------
    >>> Winner(3).decode(np.array([0.0, 1.0, 0.0]), lambda: np.zeros(3))
    1
    """

    compete = True

    _ONCE = ("groups", "silent")

    @names_near
    def __init__(self, n: Any, start: Any = 0, silent: int | None = None) -> None:
        sizes, starts = checked_array(n, "n", "iu"), checked_array(start, "start", "iu")
        if not sizes.size:
            raise ConfigError(["n: must be at least one number; got none"])
        if starts.ndim and starts.shape != sizes.shape:
            raise ConfigError([f"start: must be a number, or as many as n; got {shown(start)}"])
        self._single, self._shape = sizes.ndim == 0, sizes.shape
        self.groups = tuple(checked_count(k, "n", 1) for k in sizes.ravel().tolist())
        for each in starts.ravel().tolist():
            checked_count(each, "start", -MOST_STEPS)
        self._start = np.broadcast_to(np.ravel(starts), (sizes.size,)).astype(np.int64)
        if silent is not None and not self._single:
            raise ConfigError([f"silent: must be None for an action of several numbers; got {shown(silent)}"])
        self.silent = None if silent is None else checked_count(silent, "silent", -MOST_STEPS)

    def __repr__(self) -> str:
        n = self.groups[0] if self._single else np.reshape(self.groups, self._shape).tolist()
        return f"Winner({n}, start={self._start.tolist()}, silent={self.silent})"

    def decode(self, votes: Floats, chance: Callable[[], Floats]) -> Any:
        """The action: an int, or an ndarray of int64 for an action of several numbers.

        Parameters
        ----------
        votes : ndarray of float64, shape (sum of groups,), pure number
        chance : callable
            Gives random numbers from 0 to 1, one for each group: the highest decides between as many spikes.
        """
        if self._single:
            return self._one(votes.tolist(), chance)
        action, first = self._start.copy(), 0
        for k, n in enumerate(self.groups):
            own = votes[first : first + n]
            best = np.flatnonzero(own == own.max())
            action[k] += best[0] if len(best) == 1 else best[np.argmax(chance()[first + best])]
            first += n
        return action.reshape(self._shape)

    def _one(self, votes: list[float], chance: Callable[[], Floats]) -> int:
        """The action of a single number."""
        most = max(votes)
        if self.silent is not None and most <= 0.0:
            return self.silent
        first = votes.index(most)
        if votes.count(most) > 1:
            drawn = chance()
            first = max((k for k, vote in enumerate(votes) if vote == most), key=drawn.__getitem__)
        return first + int(self._start[0])


class _Continuous(Once):
    """Actions within limits."""

    _ONCE = ("groups",)

    def __init__(self, low: Any, high: Any, dtype: Any) -> None:
        lowest = checked_array(low, "low").astype(np.float64)
        highest = checked_array(high, "high").astype(np.float64)
        self._shape, self._low, self._high = lowest.shape, np.ravel(lowest), np.ravel(highest)
        came = f"{shown(self._low.tolist())}, {shown(self._high.tolist())}"
        if not len(self._low):
            raise ConfigError(["low, high: must be at least one number each; got none"])
        if not (np.isfinite(self._low).all() and np.isfinite(self._high).all()):
            raise ConfigError([f"low, high: must be finite; got {came}"])
        if lowest.shape != highest.shape or not (lowest <= highest).all():
            raise ConfigError([f"low, high: must be as many, and low not above high; got {came}"])
        try:
            self._dtype = np.dtype(dtype)
        except (TypeError, ValueError):
            self._dtype = np.dtype(object)
        if self._dtype.kind not in "fiu" or dtype is None:
            raise TypeError(f"dtype: must be a type of numbers; got {shown(dtype)}")

    def _limits(self) -> str:
        """For ``repr``."""
        return f"{self._low.tolist()}, {self._high.tolist()}, shape {self._shape}, dtype={self._dtype.name}"

    def _action(self, part: Floats) -> Any:
        value = self._low + part * (self._high - self._low)
        return value.reshape(self._shape).astype(self._dtype)


class PopulationVector(_Continuous):
    """Groups with preferred values, evenly spread; the action is the mean of those that fire, weighted by spikes.

    Groups inhibit each other, so these are the groups that fire first.

    Parameters
    ----------
    low, high : array_like of float, in units of the action
        Limits of each number.
    groups : int, >= 2, default 9
        Groups for each number.
    dtype : dtype, default float32
        Of the action.

    Raises
    ------
    ConfigError
        If a limit is not finite.

    Examples
    --------
    >>> PopulationVector([-1.0], [1.0], groups=3).decode(np.array([0.0, 1.0, 1.0]), lambda: np.zeros(3)).tolist()
    [0.5]
    """

    compete = True

    @names_near
    def __init__(self, low: Any, high: Any, groups: int = 9, dtype: Any = np.float32) -> None:
        super().__init__(low, high, dtype)
        self.groups = (checked_count(groups, "groups", 2),) * len(self._low)

    def __repr__(self) -> str:
        return f"PopulationVector({self._limits()}, groups={self.groups[0]})"

    def decode(self, votes: Floats, chance: Callable[[], Floats]) -> Any:
        """The action; where no group fires, the preferred value of the group nearest to a spike.

        Parameters
        ----------
        votes : ndarray of float64, shape (sum of groups,), pure number
        chance : callable
            Not used.
        """
        own = votes.reshape(len(self.groups), -1)
        spikes = np.maximum(own, 0.0)
        quiet = spikes.sum(axis=1) == 0.0
        spikes[quiet, own[quiet].argmax(axis=1)] = 1.0
        return self._action(spikes @ np.linspace(0.0, 1.0, own.shape[1]) / spikes.sum(axis=1))


class Rates(_Continuous):
    """Two opposed groups for each number: the action is between its limits as their spikes are.

    Groups do not inhibit each other; several neurons for each (``cells_per_action``) make the action finer.

    Parameters
    ----------
    low, high : array_like of float, in units of the action
        Limits of each number.
    dtype : dtype, default float32
        Of the action.

    Raises
    ------
    ConfigError
        If a limit is not finite.

    Examples
    --------
    >>> Rates([0.0], [1.0]).decode(np.array([1.0, 3.0]), lambda: np.zeros(2)).tolist()
    [0.75]
    """

    compete = False

    @names_near
    def __init__(self, low: Any, high: Any, dtype: Any = np.float32) -> None:
        super().__init__(low, high, dtype)
        self.groups = (2,) * len(self._low)

    def __repr__(self) -> str:
        return f"Rates({self._limits()})"

    def decode(self, votes: Floats, chance: Callable[[], Floats]) -> Any:
        """The action; the middle where no group fires.

        Parameters
        ----------
        votes : ndarray of float64, shape (sum of groups,), pure number
        chance : callable
            Not used.
        """
        spikes = np.maximum(votes.reshape(-1, 2), 0.0)
        total = spikes.sum(axis=1)
        part = np.where(total > 0.0, spikes[:, 1] / np.where(total > 0.0, total, 1.0), 0.5)
        return self._action(part)


@names_near
def decoder_for(space: Any, silent: int | None = None) -> Decoder:
    """The decoder that an agent uses for a space where it is given none.

    Parameters
    ----------
    space : gymnasium.spaces.Space
        Discrete, MultiDiscrete and MultiBinary: `Winner`. Box with finite limits: `PopulationVector`.
    silent : int, optional
        Of `Winner`, for a Discrete space.

    Returns
    -------
    Decoder

    Raises
    ------
    ConfigError
        If the space is of another kind, or `silent` is no action of it.

    Examples
    --------
    >>> import gymnasium
    >>> decoder_for(gymnasium.spaces.Discrete(2)).groups
    (2,)
    """
    spaces = optional_module("gymnasium.spaces", "rl", "neuromod.agents")
    if silent is not None and not (isinstance(space, spaces.Discrete) and space.contains(silent)):
        raise ConfigError([f"silent: must be an action of a Discrete space; got {shown(silent)}"])
    if isinstance(space, spaces.Discrete):
        return Winner(int(space.n), int(space.start), silent)
    if isinstance(space, spaces.MultiDiscrete):
        return Winner(space.nvec, space.start)
    if isinstance(space, spaces.MultiBinary):
        return Winner(np.full(space.shape, 2))
    if isinstance(space, spaces.Box):
        if not space.is_bounded("both"):
            raise ConfigError(
                [
                    "action_space: must have finite limits; give decoder=PopulationVector(low, high) with the range "
                    f"that is of use; got {space}"
                ]
            )
        return PopulationVector(space.low, space.high, dtype=space.dtype)
    raise wrong_space("action_space", "decoder", space)
