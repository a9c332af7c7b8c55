"""Where synapses of earlier numberings stand today, for the views that users hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moves"]

Ints = NDArray[np.int64]


class Moves:
    """New numbers of the synapses that views hold, from epoch to epoch.

    A change of the network numbers the synapses anew and begins an epoch. A view keeps the epoch of its number. Of
    the changes between two epochs of which no view is left only the composition is kept, so there are at most as
    many arrays as epochs with views.
    """

    def __init__(self) -> None:
        # epoch -> the next epoch kept, new numbers of old synapses (-1: removed), and of pending ones; None: as before
        self._steps: dict[int, tuple[int, Ints | None, Ints | None]] = {}

    def __len__(self) -> int:
        return len(self._steps)

    def copy(self) -> Moves:
        """Another with the same contents."""
        other = Moves()
        other._steps = dict(self._steps)
        return other

    def add(self, live: Iterable[int], epoch: int, moved: Ints | None, merged: Ints | None) -> None:
        """The change that ends `epoch`. `live`: the epochs, this one included, of which there are views."""
        self._keep(live, {**self._steps, epoch: (epoch + 1, moved, merged)})

    def trim(self, live: Iterable[int]) -> None:
        """A view is gone: keep no more than the epochs in `live`, of which there are views, need."""
        self._keep(live, self._steps)

    def _keep(self, live: Iterable[int], steps: dict[int, tuple[int, Ints | None, Ints | None]]) -> None:
        wanted = set(live)
        kept: dict[int, tuple[int, Ints | None, Ints | None]] = {}
        for at in sorted(wanted & set(steps)):
            after, moved, merged = steps[at]
            while after in steps and after not in wanted:
                after, moved, merged = _composed(moved, merged, *steps[after])
            kept[at] = (after, moved, merged)
        self._steps = kept

    def follow(self, epoch: int, number: int) -> int:
        """The number today of the synapse that had `number` in `epoch`; below 0: it was removed."""
        while epoch in self._steps:
            epoch, moved, merged = self._steps[epoch]
            if number < 0:
                number = number if merged is None else int(merged[-1 - number])
            elif moved is not None:
                number = int(moved[number])
            if number < 0:
                return number
        return number

    def follow_all(self, epoch: int, numbers: Ints) -> Ints:
        """As `follow`, for synapses that were in the network in `epoch`, or -1 for removed ones."""
        while epoch in self._steps:
            epoch, moved, _ = self._steps[epoch]
            if moved is not None:
                numbers = _renumbered(numbers, moved)
        return numbers


def _composed(
    moved: Ints | None, merged: Ints | None, after: int, then: Ints | None, _: Any
) -> tuple[int, Ints | None, Ints | None]:
    """One change after another; additions that were pending before the first are merged by it."""
    return after, _through(moved, then), None if merged is None else _through(merged, then)


def _through(numbers: Ints | None, then: Ints | None) -> Ints | None:
    if numbers is None or then is None:
        return then if numbers is None else numbers
    return _renumbered(numbers, then)


def _renumbered(numbers: Ints, then: Ints) -> Ints:
    return np.where(numbers < 0, -1, then[np.maximum(numbers, 0)]) if len(then) else np.full(len(numbers), -1)
