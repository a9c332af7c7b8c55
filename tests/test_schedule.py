"""Exact spikes that sources are given one by one, between and within runs, against a plain table of times."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from neuromod import Simulation, SpikeMonitor

N = 12


class Sources:
    """Sources, and beside them what each should still do."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.sim = Simulation(seed=1)
        self.ids = self.sim.create(N, "spike_source", name="S").ids
        self.plan: dict[int, set[int]] = {int(i): set() for i in self.ids}
        self.due: set[tuple[int, int]] = set()

    def give(self, sim: Simulation) -> None:
        """Set the times of one, two or no sources anew."""
        some = self.draw.choice(
            list(self.plan), size=min(len(self.plan), self.draw.integers(1, 3)), replace=False
        )
        at = [
            sim.current_step + 1 + self.draw.choice(30, self.draw.integers(0, 6), replace=False) for _ in some
        ]
        given = np.array(some)
        if len(some) == 1:
            sim.set_spike_times(int(some[0]), at[0].astype(float))
        else:
            sim.set_spike_times(given, [steps.astype(float) for steps in at])
        given[:] = -1  # an array that its owner goes on to use
        for source, steps in zip(some, at, strict=True):
            self.plan[int(source)] = set(steps.tolist())

    def expect(self, first: int, last: int) -> None:
        self.due |= {(s, i) for i, steps in self.plan.items() for s in steps if first < s <= last}


def fired(monitor: SpikeMonitor) -> set[tuple[int, int]]:
    return set(zip(monitor.step.tolist(), monitor.id.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_of_several_calls_the_last_one_holds_for_each_source(seed: int) -> None:
    world = Sources(seed)
    sim = world.sim
    monitor = SpikeMonitor(sim)
    for _ in range(25):
        for _ in range(world.draw.integers(0, 5)):
            world.give(sim)
        act = world.draw.integers(6)
        if act == 0:
            sim.digest()  # a look merges what waits
        elif act == 1 and len(world.plan) > 4:
            gone = int(world.draw.choice(list(world.plan)))
            sim.model.remove_neuron(gone)
            del world.plan[gone]
        elif act == 2:
            sim.create(1, "lif", name=f"L{sim.current_step}_{world.draw.integers(1 << 30)}")
        n = int(world.draw.integers(0, 12))
        world.expect(sim.current_step, sim.current_step + n)
        sim.run(n)
    assert fired(monitor) == world.due


@pytest.mark.parametrize("again", [copy.deepcopy, Simulation.copy, lambda s: pickle.loads(pickle.dumps(s))])
def test_what_waits_goes_with_a_copy(again: Any) -> None:
    world = Sources(3)
    for _ in range(9):
        world.give(world.sim)
    other = again(world.sim)
    monitors = [SpikeMonitor(sim) for sim in (world.sim, other)]
    for sim in (world.sim, other):
        sim.run(40)
    world.expect(0, 40)
    assert fired(monitors[0]) == fired(monitors[1]) == world.due


def test_times_set_by_a_hook_act_in_that_run() -> None:
    world = Sources(5)
    monitor = SpikeMonitor(world.sim)

    def change(sim: Simulation) -> None:
        world.expect(sim.current_step - 3, sim.current_step)
        world.give(sim)
        world.give(sim)

    world.sim.every(3.0, change)
    world.sim.run(60)
    assert fired(monitor) == world.due and len(world.due) > 10


def test_a_failed_call_leaves_what_waits() -> None:
    world = Sources(6)
    world.give(world.sim)
    with pytest.raises(ValueError, match="times_ms"):
        world.sim.set_spike_times(world.ids[:1], [[-1.0]])
    with pytest.raises(ValueError, match="ids"):
        world.sim.set_spike_times([999], [[5.0]])
    monitor = SpikeMonitor(world.sim)
    world.sim.run(40)
    world.expect(0, 40)
    assert fired(monitor) == world.due
