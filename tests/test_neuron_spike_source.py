"""`csrc/neuron_spike_source.c`: it fires where it is told to, and nowhere else."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from neuron_rig import Rig, levels


def steps_of(rig: Rig, cell: int, steps: int) -> list[int]:
    return (np.flatnonzero(rig.run(0.0, steps=steps)["fired"][:, cell]) + 1).tolist()


def test_has_no_parameters() -> None:
    assert Rig("spike_source").params == {}


@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
def test_fires_at_the_times_set(dt: float) -> None:
    """A spike of time t is one of step t / dt, and `last_spike_time` says t again."""
    rig = Rig("spike_source", dt=dt)
    rig.sim.set_spike_times(rig.cells[0], [dt, 3 * dt, 4 * dt, 50 * dt])
    assert steps_of(rig, 0, 100) == [1, 3, 4, 50]
    assert rig.neuron().last_spike_time == 50 * dt


def test_times_are_rounded_to_the_nearest_step() -> None:
    rig = Rig("spike_source")
    rig.sim.set_spike_times(rig.cells[0], [1.4, 2.6, 9.9])
    assert steps_of(rig, 0, 20) == [1, 3, 10]


def test_each_source_has_times_of_its_own() -> None:
    rig = Rig("spike_source", 3)
    rig.sim.set_spike_times(rig.cells[:2], [[2.0, 6.0], [3.0]])
    fired = rig.run(0.0, steps=10)["fired"]
    assert [(np.flatnonzero(fired[:, cell]) + 1).tolist() for cell in range(3)] == [[2, 6], [3], []]


def test_never_fires_by_itself_nor_from_input() -> None:
    rig = Rig("spike_source", 4, weight_exc=64.0, neuromodulation=levels(norepinephrine=3.0))
    rig.pulse(rig.wire_exc, list(range(2, 50)))
    assert rig.run(1e6, steps=60)["fired"].sum() == 0


def test_times_hold_across_runs() -> None:
    rig = Rig("spike_source")
    rig.sim.set_spike_times(rig.cells[0], [5.0, 15.0])
    assert [steps_of(rig, 0, 10) for _ in range(3)] == [[5], [5], []]


def test_like_its_oracle() -> None:
    random = np.random.default_rng(4)
    wanted = random.random(300) < 0.3
    rig = Rig("spike_source")
    rig.sim.set_spike_times(rig.cells[0], (np.flatnonzero(wanted) + 1.0).tolist())
    twin = oracle.NEURONS["spike_source"]({}, 1.0)
    expected = [twin.step(scheduled=float(spike)) for spike in wanted]
    assert rig.run(0.0, steps=300)["fired"][:, 0].astype(bool).tolist() == expected
