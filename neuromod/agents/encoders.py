"""Encoders: which cells of the sensory population fire for an observation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.arguments import MOST_STEPS, checked_array, checked_count
from neuromod.closed import Once
from neuromod.errors import ConfigError
from neuromod.near_names import names_near
from neuromod.optional import optional_module
from neuromod.problems import shown

__all__ = ["Angles", "Encoder", "OneHot", "Parts", "PlaceCells", "PopulationCode", "encoder_for"]

Ints = NDArray[np.int64]


class Encoder(Protocol):
    """What an `Agent` needs of an encoder; one of your own has these three.

    Attributes
    ----------
    n_cells : int
        Number of cells.
    n_active : int
        Number of cells that fire for an observation, the same for each.
    """

    n_cells: int
    n_active: int

    def encode(self, observation: Any) -> Ints:
        """Indices of the cells that fire, each once, shape (n_active,).

        Parameters
        ----------
        observation : object
            Of the space that the encoder is made for.
        """
        ...


ENCODER = ("n_cells", "n_active", "encode")


def check_part(where: str, part: Any, needs: tuple[str, ...]) -> None:
    """Refuse what lacks attributes of an encoder or a decoder."""
    missing = [each for each in needs if not hasattr(part, each)]
    if missing:
        raise ConfigError(
            [f"{where}: must have {', '.join(needs)}; got {shown(part)}, without {', '.join(missing)}"]
        )


class OneHot(Once):
    """One cell for each value of a whole number.

    Parameters
    ----------
    n : int, >= 1
        Number of values.
    start : int, default 0
        Lowest value.

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> OneHot(16).encode(3).tolist()
    [3]
    """

    _ONCE = ("n_cells", "n_active", "start")

    @names_near
    def __init__(self, n: int, start: int = 0) -> None:
        self.n_cells, self.n_active = checked_count(n, "n", 1), 1
        self.start = checked_count(start, "start", -MOST_STEPS)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.n_cells}, start={self.start})"

    def encode(self, observation: Any) -> Ints:
        """Index of the cell that fires, shape (1,).

        Parameters
        ----------
        observation : int, start .. start + n - 1

        Raises
        ------
        ValueError
            If it is another value.
        """
        try:
            value = np.asarray(observation)
        except ValueError:
            value = np.empty(0)
        if value.size != 1 or value.dtype.kind not in "iub":
            raise ValueError(f"observation: must be a whole number; got {shown(observation)}")
        cell = int(value.reshape(())) - self.start
        if not 0 <= cell < self.n_cells:
            last = self.start + self.n_cells - 1
            raise ValueError(f"observation: must be from {self.start} to {last}; got {shown(observation)}")
        return np.array([cell])


class _Limits:
    """Lowest and highest value of each number of an observation."""

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        self.low = checked_array(low, "low").astype(np.float64).ravel()
        self.high = checked_array(high, "high").astype(np.float64).ravel()
        problems = []
        if self.low.shape != self.high.shape or not self.low.size:
            problems.append(
                f"low, high: must be as many numbers, at least one; got {self.low.size} and {self.high.size}"
            )
        elif not (np.isfinite(self.low).all() and np.isfinite(self.high).all()):
            problems.append(
                "low, high: must be finite; got "
                f"{shown(self.low.tolist())} and {shown(self.high.tolist())}: give the range that is met"
            )
        elif not (self.low < self.high).all():
            problems.append(
                f"low: must be below high; got {shown(self.low.tolist())} and {shown(self.high.tolist())}"
            )
        if problems:
            raise ConfigError(problems)
        with np.errstate(over="ignore"):
            self._per_span = 1.0 / (self.high - self.low)
        if not (np.isfinite(self._per_span) & (self._per_span > 0.0)).all():
            raise ConfigError(
                [
                    f"low, high: must be apart by 1e-307 to 1e308; got {self.low.tolist()} and {self.high.tolist()}"
                ]
            )
        self._space: Any = None

    def hold(self, space: Any) -> None:
        """Refuse from now on what is not in a space."""
        self._space = space

    def __repr__(self) -> str:
        return f"{self.low.tolist()}, {self.high.tolist()}"

    def scaled(self, observation: Any, around: Ints | None = None) -> NDArray[np.float64]:
        """Each number as 0 at its lowest to 1 at its highest value; what is beyond counts as the limit.

        Beyond the limits of a space that is held, by more than rounding, it is refused. `around`: the numbers that go
        round, which are taken modulo their range first.
        """
        try:
            values = np.asarray(observation, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"observation: must be numbers; got {shown(observation)}") from None
        space, flat = self._space, values.ravel()
        if flat.shape != self.low.shape or not math.isfinite(flat.sum()):
            raise ValueError(
                f"observation: must be {len(self.low)} finite numbers; got {shown(values.tolist())}"
            )
        raw: NDArray[np.float64] = (flat - self.low) * self._per_span
        if around is not None:
            raw[around] %= 1.0
        scaled: NDArray[np.float64] = np.minimum(np.maximum(raw, 0.0), 1.0)
        if space is not None and (values.shape != space.shape or not (abs(raw - scaled) < _ROUNDING).all()):
            raise ValueError(
                f"observation: must be in {space}; got {shown(values.tolist())}. Where more is met, give "
                "encoder=PlaceCells(low, high)"
            )
        return scaled


class PlaceCells(Once):
    """Cells with places in the space of an observation, in several grids of shifted places.

    In each grid one cell fires: that in whose place the observation lies. This is tile coding (Sutton & Barto 2018,
    Reinforcement Learning, section 9.5.4): grid g of n is shifted by g (1, 3, 5, ...) / n of a place.

    Parameters
    ----------
    low, high : array_like of float, shape (n_numbers,), in units of the observation
        Range of each number; what is beyond counts as the limit.
    places : int or sequence of int, shape (n_numbers,), >= 1, default 6
        Places along each number, the same in every grid; 1: the number is not seen.
    grids : int, >= 1, default 8
    periodic : sequence of int, default ()
        Which numbers go round, as angles do, by their place in the observation: high is low again, and the last place
        is beside the first. Values beyond the limits count modulo the range.

    Raises
    ------
    ConfigError
        If a limit is not finite, `low` is not below `high`, there is no place, or `periodic` names no number.

    Examples
    --------
    >>> cells = PlaceCells([0.0, 0.0], [1.0, 1.0], places=4, grids=3)
    >>> cells.n_cells, cells.encode([0.2, 0.9]).tolist()
    (48, [8, 24, 41])
    >>> ring = PlaceCells([-180.0], [180.0], places=4, grids=2, periodic=[0])
    >>> ring.encode([179.0]).tolist(), ring.encode([-179.0]).tolist()
    ([3, 4], [0, 4])
    """

    _ONCE = ("n_cells", "n_active", "places", "periodic")

    @names_near
    def __init__(
        self,
        low: ArrayLike,
        high: ArrayLike,
        places: int | Sequence[int] = 6,
        grids: int = 8,
        periodic: Sequence[int] = (),
    ) -> None:
        self._limits = _Limits(low, high)
        n = len(self._limits.low)
        several = isinstance(places, Sequence | np.ndarray) and not isinstance(places, str | bytes)
        each = list(places) if several else [places] * n  # type: ignore[arg-type]
        if len(each) != n:
            raise ConfigError([f"places: must be a number or {n} numbers; got {shown(places)}"])
        self.places = tuple(checked_count(p, "places", 1) for p in each)
        self.n_active = checked_count(grids, "grids", 1)
        sides = np.array(self.places)
        self.periodic = _numbers(periodic, n)
        self._around = np.array(self.periodic, dtype=np.int64) if self.periodic else None
        self._last = sides - 1
        self._spans = (sides - 1).astype(np.float64)
        if self._around is not None:
            self._spans[self._around] += 1.0  # the last place ends where the first begins
        self._shifts = (
            np.arange(self.n_active)[:, None] * (2 * np.arange(n) + 1) % self.n_active
        ) / self.n_active
        self._strides = np.concatenate([[1], np.cumprod(sides)[:-1]]).astype(np.int64)
        self._first = np.arange(self.n_active) * int(np.prod(sides))
        self.n_cells = self.n_active * int(np.prod(sides))

    def __repr__(self) -> str:
        around = f", periodic={self.periodic}" if self.periodic else ""
        return f"PlaceCells({self._limits}, places={self.places}, grids={self.n_active}{around})"

    def encode(self, observation: Any) -> Ints:
        """Indices of the cells that fire, one of each grid.

        Parameters
        ----------
        observation : array_like of float, shape (n_numbers,), in units of the observation

        Raises
        ------
        ValueError
            If it has another number of entries, or one is not finite.
        """
        at = (self._limits.scaled(observation, self._around) * self._spans + self._shifts).astype(np.int64)
        if self._around is not None:
            at[:, self._around] %= self._last[self._around] + 1
        np.minimum(at, self._last, out=at)
        cells: Ints = self._first + at @ self._strides
        return cells


def _numbers(given: Any, n: int) -> tuple[int, ...]:
    """Places of numbers in an observation of `n` numbers, each once, in order."""
    found = (
        list(given) if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str) else [given]
    )
    whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in found)
    if not whole or not all(0 <= k < n for k in found) or len(set(found)) < len(found):
        raise ConfigError(
            [f"periodic: must be different whole numbers from 0 to {n - 1}; got {shown(given)}"]
        )
    return tuple(sorted(int(k) for k in found))


class Angles(Once):
    """Another encoder gets angles in the place of their cosines and sines, which is how pendulums tell them.

    Parameters
    ----------
    pairs : sequence of (int, int)
        Places of the cosine and the sine of each angle in the observation.
    encoder : Encoder
        It gets the angles, in radians from -pi to pi, and then the other numbers, in their order.

    Raises
    ------
    ConfigError
        If `pairs` are not pairs of different whole numbers, or there is none.

    Examples
    --------
    >>> cells = PlaceCells([-np.pi, -8.0], [np.pi, 8.0], places=6, grids=4, periodic=[0])
    >>> pendulum = Angles([(0, 1)], cells)
    >>> pendulum.encode([0.0, 1.0, 2.0]).tolist() == cells.encode([np.pi / 2, 2.0]).tolist()
    True
    """

    _ONCE = ("n_cells", "n_active", "encoder")

    @names_near
    def __init__(self, pairs: Sequence[tuple[int, int]], encoder: Encoder) -> None:
        try:
            places = np.array(pairs)
        except ValueError:
            places = np.empty(0)
        whole = places.dtype.kind in "iu" and places.ndim == 2 and places.shape[1] == 2 and len(places) > 0
        if not whole or places.min() < 0 or len(np.unique(places)) < places.size:
            raise ConfigError([f"pairs: must be pairs of different whole numbers, >= 0; got {shown(pairs)}"])
        check_part("encoder", encoder, ENCODER)
        self.encoder = encoder
        self._cosines, self._sines = places.T
        self._least = int(places.max()) + 1
        self.n_cells, self.n_active = encoder.n_cells, encoder.n_active

    def __repr__(self) -> str:
        pairs = list(zip(self._cosines.tolist(), self._sines.tolist(), strict=True))
        return f"Angles({pairs}, {self.encoder!r})"

    def encode(self, observation: Any) -> Ints:
        """Indices of the cells that fire.

        Parameters
        ----------
        observation : array_like of float, in units of the observation

        Raises
        ------
        ValueError
            If a cosine or sine is missing, or the encoder refuses what it gets.
        """
        try:
            values = np.asarray(observation, dtype=np.float64).ravel()
        except (TypeError, ValueError):
            raise ValueError(f"observation: must be numbers; got {shown(observation)}") from None
        if len(values) < self._least:
            raise ValueError(f"observation: must be at least {self._least} numbers; got {len(values)}")
        angles = np.arctan2(values[self._sines], values[self._cosines])
        return self.encoder.encode(
            np.concatenate([angles, np.delete(values, [*self._cosines, *self._sines])])
        )


class PopulationCode(Once):
    """Each number is told by cells of its own, of which those fire whose preferred values are nearest.

    Parameters
    ----------
    low, high : array_like of float, shape (n_numbers,), in units of the observation
        Preferred values are spread evenly from low to high.
    cells : int, >= 1, default 16
        Cells for each number.
    active : int, 1 .. cells, default 3
        How many of them fire.

    Raises
    ------
    ConfigError
        If a limit is not finite, `low` is not below `high`, or `active` is above `cells`.

    Examples
    --------
    >>> PopulationCode(-1.0, 1.0, cells=5, active=2).encode([0.3]).tolist()
    [2, 3]
    """

    _ONCE = ("n_cells", "n_active", "cells", "active")

    @names_near
    def __init__(self, low: ArrayLike, high: ArrayLike, cells: int = 16, active: int = 3) -> None:
        self._limits = _Limits(low, high)
        self.cells = checked_count(cells, "cells", 1)
        self.active = checked_count(active, "active", 1, self.cells)
        n = len(self._limits.low)
        self.n_cells, self.n_active = n * self.cells, n * self.active

    def __repr__(self) -> str:
        return f"PopulationCode({self._limits}, cells={self.cells}, active={self.active})"

    def encode(self, observation: Any) -> Ints:
        """Indices of the cells that fire.

        Parameters
        ----------
        observation : array_like of float, shape (n_numbers,), in units of the observation

        Raises
        ------
        ValueError
            If it has another number of entries, or one is not finite.
        """
        centre = self._limits.scaled(observation) * (self.cells - 1)
        first = np.ceil(centre - self.active / 2.0).astype(np.int64)
        first = np.clip(first, 0, self.cells - self.active) + np.arange(len(centre)) * self.cells
        return (first[:, None] + np.arange(self.active)).ravel()


class Parts(Once):
    """Several encoders side by side, for observations that are mappings or sequences.

    Parameters
    ----------
    encoders : mapping of str to Encoder, or sequence of Encoder
        One for each part of the observation.

    Raises
    ------
    ConfigError
        If there is none.

    Examples
    --------
    >>> both = Parts({"cue": OneHot(2), "time": OneHot(5)})
    >>> both.encode({"cue": 1, "time": 0}).tolist()
    [1, 2]
    """

    _ONCE = ("n_cells", "n_active")

    @names_near
    def __init__(self, encoders: Mapping[str, Encoder] | Sequence[Encoder]) -> None:
        given: Any = encoders
        if not isinstance(given, Mapping | Sequence) or isinstance(given, str | bytes):
            raise ConfigError([f"encoders: must be a mapping or a sequence of encoders; got {shown(given)}"])
        self._parts: list[tuple[Any, Encoder]] = list(
            given.items() if isinstance(given, Mapping) else enumerate(given)
        )
        for key, encoder in self._parts:
            check_part(f"encoders[{key!r}]", encoder, ENCODER)
        if not self._parts:
            raise ConfigError(["encoders: must be at least one; got none"])
        sizes = [encoder.n_cells for _, encoder in self._parts]
        self._first = [0, *np.cumsum(sizes)[:-1].tolist()]
        self.n_cells = sum(sizes)
        self.n_active = sum(encoder.n_active for _, encoder in self._parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({{{', '.join(f'{key!r}: {part!r}' for key, part in self._parts)}}})"

    _exact = False
    """Whether an observation with further parts is refused."""

    def encode(self, observation: Any) -> Ints:
        """Indices of the cells that fire.

        Parameters
        ----------
        observation : mapping or sequence
            With the parts that there are encoders for.

        Raises
        ------
        ValueError
            If a part is missing, or its encoder refuses it.
        """
        cells = []
        for (key, encoder), first in zip(self._parts, self._first, strict=True):
            try:
                part = observation[key]
            except (KeyError, IndexError, TypeError):
                raise ValueError(f"observation[{key!r}]: is required; got {shown(observation)}") from None
            cells.append(encoder.encode(part) + first)
        if self._exact and len(observation) != len(self._parts):
            raise ValueError(
                f"observation: must have {len(self._parts)} parts; got {len(observation)}: {shown(observation)}"
            )
        return np.concatenate(cells)


_MOST_PLACE_CELLS = 4096
_MOST_JOINT = 512
"""Cells for the values of several whole numbers together."""
_ROUNDING = 1e-5
"""Part of the range of a number by which it may lie beyond the limits of its space."""
_UNBOUNDED = 1e6
"""A limit beyond it counts as none."""


@names_near
def encoder_for(space: Any) -> Encoder:
    """The encoder that an agent uses for a space where it is given none.

    Parameters
    ----------
    space : gymnasium.spaces.Space
        Discrete: `OneHot` cells. MultiDiscrete: one cell for each combination of values, up to 512, else `OneHot` cells
        of each number. MultiBinary: `OneHot` cells of each. Box with finite limits: `PlaceCells` in 8 grids of 6
        places along each number for up to 3 numbers, else a `PopulationCode`. Dict and Tuple: `Parts`.

    Returns
    -------
    Encoder

    Raises
    ------
    ConfigError
        If a limit of a Box is not finite (the message says what to give), or the space is of another kind.

    Examples
    --------
    >>> import gymnasium
    >>> encoder_for(gymnasium.spaces.Discrete(16)).n_cells
    16
    """
    spaces = optional_module("gymnasium.spaces", "rl", "neuromod.agents")
    if isinstance(space, spaces.Discrete):
        return OneHot(int(space.n), int(space.start))
    if isinstance(space, spaces.MultiDiscrete):
        starts, sizes = np.asarray(space.start).ravel().tolist(), np.ravel(space.nvec).tolist()
        if math.prod(sizes) <= _MOST_JOINT:
            return _Joint(sizes, starts, space.shape)
        return _Flat([OneHot(n, s) for n, s in zip(sizes, starts, strict=True)], space.shape)
    if isinstance(space, spaces.MultiBinary):
        return _Flat([OneHot(2) for _ in range(math.prod(space.shape))], space.shape)
    if isinstance(space, spaces.Box):
        return _for_box(space)
    if isinstance(space, spaces.Dict):
        return _whole(Parts({key: encoder_for(part) for key, part in space.spaces.items()}))
    if isinstance(space, spaces.Tuple):
        return _whole(Parts([encoder_for(part) for part in space.spaces]))
    raise wrong_space("observation_space", "encoder", space)


def wrong_space(name: str, part: str, space: Any) -> ConfigError:
    """The error that no encoder or decoder is known for a space, or that it is none."""
    spaces = optional_module("gymnasium.spaces", "rl", "neuromod.agents")
    if not isinstance(space, spaces.Space):
        return ConfigError([f"{name}: must be a space of gymnasium, as env.{name} is; got {shown(space)}"])
    return ConfigError([f"{name}: must be one that {part}_for knows, or give {part}=; got {space}"])


def _whole(parts: Parts) -> Parts:
    """The same for a space, whose observations have no further parts."""
    parts._exact = True
    return parts


def _for_box(space: Any) -> Encoder:
    low, high = np.ravel(space.low).astype(float), np.ravel(space.high).astype(float)
    if (np.abs(low) > _UNBOUNDED).any() or (np.abs(high) > _UNBOUNDED).any():
        raise ConfigError(
            [
                "observation_space: must have finite limits; give "
                "encoder=PlaceCells(low, high) with the range that is met, or **settings_for(env), which has it for "
                f"CartPole-v1; got {space}"
            ]
        )
    high = np.where(high > low, high, low + 1.0)  # a number that is always the same
    few = len(low) <= 3 and 8 * 6 ** len(low) <= _MOST_PLACE_CELLS
    cells = PlaceCells(low, high) if few else PopulationCode(low, high)
    cells._limits.hold(space)
    return cells


class _Flat(Parts):
    """`Parts` of an array's numbers."""

    def __init__(self, encoders: Sequence[Encoder], shape: tuple[int, ...]) -> None:
        super().__init__(encoders)
        self._shape = shape

    def encode(self, observation: Any) -> Ints:
        """Indices of the cells that fire."""
        return super().encode(_of_shape(observation, self._shape).ravel())


class _Joint(OneHot):
    """One cell for each combination of whole numbers."""

    def __init__(self, sizes: Sequence[int], starts: Sequence[int], shape: tuple[int, ...]) -> None:
        super().__init__(math.prod(sizes))
        self._sizes, self._starts, self._shape = tuple(sizes), np.array(starts), shape

    def __repr__(self) -> str:
        return f"_Joint({list(self._sizes)}, {self._starts.tolist()})"

    def encode(self, observation: Any) -> Ints:
        """Index of the cell that fires."""
        at = _of_shape(observation, self._shape).ravel() - self._starts
        if at.dtype.kind not in "iu" or not ((at >= 0) & (at < self._sizes)).all():
            raise ValueError(
                f"observation: must be whole numbers below {self._sizes}; got {shown(observation)}"
            )
        return np.array([np.ravel_multi_index(tuple(at.tolist()), self._sizes)])


def _of_shape(observation: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    found = np.asarray(observation)
    if found.shape != shape or found.dtype.kind not in "iub":
        raise ValueError(f"observation: must be whole numbers of shape {shape}; got {shown(observation)}")
    return found
