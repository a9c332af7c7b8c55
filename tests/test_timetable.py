"""What is due when, against looking at each thing in each step."""

from __future__ import annotations

import random

import pytest

from neuromod.timetable import FOREVER, Timetable


class Every:
    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.asked = 0

    def steps_to_next(self, step: int) -> int:
        self.asked += 1
        return self.steps - step % self.steps

    def is_due(self, step: int) -> bool:
        return step % self.steps == 0


class Once(Every):
    def steps_to_next(self, step: int) -> int:
        self.asked += 1
        return self.steps - step if step < self.steps else FOREVER

    def is_due(self, step: int) -> bool:
        return step == self.steps


@pytest.mark.parametrize("seed", range(30))
def test_it_says_what_each_thing_says(seed: int) -> None:
    """Things come and go, the clock goes on by some steps, stands still, or goes back as after a reset."""
    draw = random.Random(seed)
    table: Timetable[Every] = Timetable()
    things: list[Every] = []
    step = 0
    for _ in range(300):
        act = draw.random()
        if act < 0.3:
            things.append(draw.choice([Every, Once])(draw.randint(1, 40)))
            table.add(things[-1])
        elif act < 0.4 and things:
            table.remove(things.pop(draw.randrange(len(things))))
        elif act < 0.45:
            step = draw.randint(0, step)
        else:
            step += draw.randint(0, 9)
        ask = draw.choice(["next", "due", "both"])
        if ask != "due":
            plain = min((each.steps_to_next(step) for each in things), default=FOREVER)
            assert table.steps_to_next(step) == plain
        if ask != "next" and step > 0:
            assert table.due(step) == [each for each in things if each.is_due(step)]
            assert table.is_due(step) == any(each.is_due(step) for each in things)
    assert list(table) == things and len(table) == len(things)


def test_going_on_asks_only_what_was_due() -> None:
    things = [Once(10 * k) for k in range(1, 1001)]
    table = Timetable(things)
    step = 0
    while (steps := table.steps_to_next(step)) < FOREVER:
        step += steps
        assert len(table.due(step)) == 1
    assert step == 10_000 and max(each.asked for each in things) <= 3


def test_things_that_come_and_go_leave_nothing_behind() -> None:
    table = Timetable([Every(5)])
    for k in range(1000):
        thing = Once(k + 1)
        table.add(thing)
        table.remove(thing)
    assert len(table) == 1 and len(table._heap) < 100
