"""Ctrl-C in the middle of a step's end: what belongs to the step is done, and the run goes on to the same bits."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
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
    _core,
    atomic,
    lifecycle,
    read_log,
)


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


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def whole(*acts: Callable[[], object]) -> None:
    """Calls them in whole steps."""
    with _core.whole_steps():
        for act in acts:
            act()


def test_ctrl_c_waits_for_the_end_of_whole_steps() -> None:
    before, done = signal.getsignal(signal.SIGINT), list[int]()
    with pytest.raises(KeyboardInterrupt):
        whole(press, lambda: whole(press, lambda: done.append(1)), lambda: done.append(2))
    assert done == [1, 2] and signal.getsignal(signal.SIGINT) is before
    whole(lambda: done.append(3))
    assert done == [1, 2, 3]


def test_what_is_to_be_interrupted_at_once_is() -> None:
    done: list[int] = []

    def inner() -> None:
        with pytest.raises(KeyboardInterrupt):
            _core.at_once(press)
        done.append(1)

    whole(inner)
    whole(lambda: _core.at_once(whole, inner))
    assert done == [1, 1] and _core.at_once(max, 2, 5) == 5


def test_an_error_in_whole_steps_stays_beside_ctrl_c() -> None:
    def fail(error: BaseException) -> None:
        raise error

    with pytest.raises(KeyboardInterrupt) as found:
        whole(press, lambda: fail(ValueError("own")))
    assert isinstance(found.value.__context__, ValueError)
    with pytest.raises(KeyboardInterrupt, match="own"):
        whole(press, lambda: fail(KeyboardInterrupt("own")))
    whole()
    with pytest.raises(ValueError, match="own"):
        whole(lambda: fail(ValueError("own")))


def test_a_second_ctrl_c_waits_for_nothing_after_a_second() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        whole(press, press, lambda: done.append(1), lambda: time.sleep(1.1), press, lambda: done.append(2))
    assert done == [1]


def test_a_handler_that_is_set_in_whole_steps_stays() -> None:
    before, came = signal.getsignal(signal.SIGINT), list[int]()

    def own(number: int, _: object) -> None:
        came.append(number)

    try:
        whole(lambda: signal.signal(signal.SIGINT, own))
        assert signal.getsignal(signal.SIGINT) is own
        whole(press, lambda: came.append(0))
        assert came == [0, signal.SIGINT] and signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_ctrl_c_is_ignored_nothing_waits() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        whole(press, lambda: _core.at_once(press))
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_comes_at_once_in_code_of_the_users() -> None:
    sim, seen = small(), list[int]()

    def look(*_: object) -> None:
        seen.append(1)
        press()
        seen.append(2)

    with sim.every(sim.dt, look), pytest.raises(KeyboardInterrupt):
        sim.run(5)
    with pytest.raises(KeyboardInterrupt):
        sim.run(5, progress=look)
    assert seen == [1, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_process_that_another_thread_forks_is_served() -> None:
    """In whole steps of the main thread, which is not there."""
    before, found = signal.getsignal(signal.SIGINT), list[int]()

    def fork() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0 if signal.getsignal(signal.SIGINT) is before else 1)
        found.append(os.waitpid(child, 0)[1])

    thread = threading.Thread(target=fork)
    whole(thread.start, thread.join)
    assert found == [0]
