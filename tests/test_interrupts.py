"""Ctrl-C in the middle of a step's end: what belongs to the step is done, and the run goes on to the same bits."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    RateSource,
    Simulation,
    SpikeMonitor,
    SynapseMonitor,
    atomic,
    lifecycle,
    read_log,
)
from neuromod.interrupts import uninterrupted


class Pressing:
    """Calls a function; presses Ctrl-C before the k-th call, and again after it."""

    def __init__(self, function: Any, k: int) -> None:
        self.function, self.left = function, k

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        found = self.function(*given, **named)
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return found


def small() -> Simulation:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    ids = sim.initialize_neurons(["V1_like"], density=0.005)
    sim.connect(ids, ids, in_degree=3, weight=0.5, rule="stdp", synapse_type="excitatory", name="p")
    return sim


def to_step(sim: Simulation, step: int) -> int:
    """Run up to a step; how often Ctrl-C was served."""
    count = 0
    while sim.current_step < step:
        try:
            sim.run(step - sim.current_step)
        except KeyboardInterrupt:
            count += 1
    return count


def test_a_sample_of_synapses_is_not_lost() -> None:
    """Found by the self-test, episode 11: the step was done, and the sample of its end was not taken."""
    sim, plain = small(), small()
    mine, theirs = SynapseMonitor(sim, "p", every=5), SynapseMonitor(plain, "p", every=5)
    mine._recorder.read = Pressing(mine._recorder.read, 3)
    assert to_step(sim, 40) == 1
    plain.run(40)
    np.testing.assert_array_equal(mine.time, theirs.time)
    np.testing.assert_array_equal(mine.values, theirs.values)


def test_a_rate_changes_in_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    sims = []
    for press in (True, False):
        sim = Simulation(seed=1)
        cells = sim.create(50, "poisson", name="S")
        RateSource(sim, cells, [[10.0], [500.0], [0.0]], times=[0.0, 10.0, 20.0])
        if press:
            schedule = sim._session.agenda.rates[0]
            monkeypatch.setattr(schedule, "apply", Pressing(schedule.apply, 1))
        assert to_step(sim, 30) == int(press)
        sims.append(sim)
    assert sims[0].digest() == sims[1].digest()


def test_deaths_of_a_step_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    box = {"x": [0, 9], "y": [0, 9], "z": [0, 0], "w": [0, 0]}
    life = {"enable_death": True, "enable_reproduction": True, "max_age": 15, "interval": 5}
    config = {
        "lattice_shape": [10, 10, 1, 1],
        "areas": [{"name": "A", "coord_ranges": box}],
        "cell_lifecycle": life,
    }
    sims = []
    for press in (True, False):
        sim = Simulation(BrainModel(config=config), seed=1)
        sim.initialize_neurons(["A"], density=0.5)
        with monkeypatch.context() as patch:
            if press:
                patch.setattr(lifecycle, "succeed", Pressing(lifecycle.succeed, 1))
            assert to_step(sim, 27) == int(press)
        sims.append(sim)
    assert sims[0].digest() == sims[1].digest()


@pytest.mark.parametrize("call", ["write", "forget"])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_log_has_each_record_once(
    call: str, k: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim, plain = small(), small()
    mine, theirs = SpikeMonitor(sim), SpikeMonitor(plain)
    with sim.streaming(tmp_path / "r.log", {"s": mine}, every=10.0):
        if call == "write":
            disk = atomic.Disk()
            disk.write = Pressing(disk.write, k)  # type: ignore[method-assign]
            monkeypatch.setattr(atomic, "DISK", disk)
        else:
            monkeypatch.setattr(mine, "_forget", Pressing(mine._forget, k))
        assert to_step(sim, 60) >= 1
    plain.run(60)
    log = read_log(tmp_path / "r.log")
    np.testing.assert_array_equal(log["s"]["step"], theirs.step)
    np.testing.assert_array_equal(log["s"]["id"], theirs.id)


def test_a_checkpoint_that_is_interrupted_leaves_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim, plain = small(), small()
    with sim.checkpointing(tmp_path, every=10.0):
        sim.run(15)
        disk = atomic.Disk()
        disk.sync = Pressing(disk.sync, 1)  # type: ignore[method-assign]
        monkeypatch.setattr(atomic, "DISK", disk)
        assert to_step(sim, 25) == 1
    plain.run(25)
    assert Simulation.load(tmp_path).digest() == plain.digest()
    assert all(path.name.startswith("step-") for path in tmp_path.iterdir())


def test_uninterrupted_serves_ctrl_c_afterwards() -> None:
    done = []

    def work() -> int:
        signal.raise_signal(signal.SIGINT)
        done.append(1)
        return 7

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(work)
    assert done == [1] and signal.getsignal(signal.SIGINT) is before
    assert uninterrupted(lambda: 3) == 3

    def fails() -> None:
        raise ValueError("own")

    with pytest.raises(ValueError, match="own"):
        uninterrupted(fails)
    assert signal.getsignal(signal.SIGINT) is before
