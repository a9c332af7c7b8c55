"""What is due at the end of which step, for any number of things: finding the next one does not look at all of them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

__all__ = ["FOREVER", "Due", "Timetable"]

FOREVER = 2**62
"""Steps to what never comes."""


class Due(Protocol):
    """Something that is due at the end of some steps."""

    def steps_to_next(self, step: int) -> int:
        """Steps from `step` to the next one at whose end it is due, >= 1."""
        ...

    def is_due(self, step: int) -> bool:
        """Whether it is due at the end of `step`."""
        ...


D = TypeVar("D", bound=Due)


class Timetable(Generic[D]):
    """Things in the order in which they were added, and a heap of the steps at which each is due next.

    The heap holds, of each thing, the first step after `_step` at which it is due, so that going on by one event costs
    the logarithm of their number. A step before `_step` is asked for after a reset: all things are looked at anew.
    """

    def __init__(self, things: Iterable[D] = ()) -> None:
        self._things: dict[int, tuple[int, D]] = {}  # by id(): number, thing
        self._heap: list[tuple[int, int, D]] = []  # step, number, thing; those that were removed are skipped
        self._step = 0
        self._made = 0
        for each in things:
            self.add(each)

    def __len__(self) -> int:
        return len(self._things)

    def __iter__(self) -> Iterator[D]:
        return iter([thing for _, thing in self._things.values()])

    def __contains__(self, thing: object) -> bool:
        return id(thing) in self._things

    def add(self, thing: D) -> None:
        """Add a thing behind the others."""
        self._made += 1
        self._things[id(thing)] = (self._made, thing)
        self._push(self._made, thing, self._step)

    def remove(self, thing: D) -> None:
        """Take a thing out; one that is not there is left out."""
        self._things.pop(id(thing), None)
        if len(self._heap) > 2 * len(self._things) + 16:
            self._look_anew(self._step)

    def steps_to_next(self, step: int) -> int:
        """Steps from `step` to the next one at whose end something is due, >= 1."""
        self._go_to(step)
        return self._heap[0][0] - step if self._heap else FOREVER

    def is_due(self, step: int) -> bool:
        """Whether something is due at the end of `step`."""
        self._go_to(step - 1)
        return bool(self._heap) and self._heap[0][0] == step

    def due(self, step: int) -> list[D]:
        """What is due at the end of `step`, in the order in which it was added."""
        if not self.is_due(step):
            return []
        found = []
        while self._heap and self._heap[0][0] == step:
            entry = heapq.heappop(self._heap)
            if self._is_there(entry):
                found.append(entry)
        for entry in found:  # they stay due until the step is over
            heapq.heappush(self._heap, entry)
        return [thing for _, _, thing in found]

    def _is_there(self, entry: tuple[int, int, D]) -> bool:
        return self._things.get(id(entry[2]), (0, None))[0] == entry[1]

    def _push(self, number: int, thing: D, step: int) -> None:
        steps = thing.steps_to_next(step)
        if steps < FOREVER:
            heapq.heappush(self._heap, (step + steps, number, thing))

    def _look_anew(self, step: int) -> None:
        self._heap.clear()
        self._step = step
        for number, thing in self._things.values():
            self._push(number, thing, step)

    def _go_to(self, step: int) -> None:
        """Let the heap hold what is due after `step`."""
        if step < self._step:
            self._look_anew(step)
        self._step = step
        while self._heap and (self._heap[0][0] <= step or not self._is_there(self._heap[0])):
            entry = heapq.heappop(self._heap)
            if self._is_there(entry):
                self._push(entry[1], entry[2], step)
