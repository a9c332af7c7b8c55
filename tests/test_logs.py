"""Logs of records: what is read is what the monitors would have held, whatever killed the run."""

from __future__ import annotations

import errno
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    FileError,
    LevelMonitor,
    NeuromodulationSystem,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    SynapseMonitor,
    atomic,
    read_log,
)
from neuromod.errors import NeuromodWarning


def small() -> Simulation:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1, neuromodulation=NeuromodulationSystem())
    ids = sim.initialize_neurons(["V1_like"], density=0.02)
    sim.connect(ids, ids, in_degree=4, weight=0.5, rule="rstdp", synapse_type="excitatory", name="p")
    return sim


def channels(sim: Simulation) -> dict[str, Any]:
    ids = sim.model.neurons.id
    return {
        "spikes": SpikeMonitor(sim),
        "half": SpikeMonitor(sim, ids[::2]),
        "rate": RateMonitor(sim),
        "v": StateMonitor(sim, "v_membrane", ids[:3], every=3),
        "none": StateMonitor(sim, "v_membrane", ids[:0]),
        "levels": LevelMonitor(sim, every=7),
        "w|/ é": SynapseMonitor(sim, "p", synapses=[0, 3, 5, 1], every=4),
    }


def assert_holds(log: Any, monitors: dict[str, Any], until: int | None = None) -> None:
    assert list(log) == list(monitors)
    for name, monitor in monitors.items():
        saved = monitor._recorder.saved()
        kept = slice(None) if until is None else saved["step"] <= until
        column = "id" if "id" in saved else "value"
        np.testing.assert_array_equal(log[name]["step"], saved["step"][kept], err_msg=name)
        np.testing.assert_array_equal(log[name][column], saved[column][kept], err_msg=name)
        assert log[name][column].dtype == saved[column].dtype
        np.testing.assert_array_equal(log[name]["time"], log[name]["step"] * log.dt)


def test_the_log_holds_what_the_monitors_would(tmp_path: Path) -> None:
    """Of a network that grows and shrinks meanwhile; the bits of the run are the same."""
    path, sim, plain = tmp_path / "r.log", small(), small()
    moved, kept = channels(sim), channels(plain)
    with sim.streaming(path, moved, every=20.0):
        for each in (sim, plain):
            each.run(70)
            each.model.add_neuron(19, 19, 19, 19)
            each.model.remove_neuron(1)
            each.run(45)
            each.step()
        log = read_log(path)  # while it is written
        assert (log.until, log.is_complete, log.lost_bytes) == (100.0, False, 0)
        assert_holds(log, kept, 100)
        assert moved["v"].values.shape == (5, 3)  # steps 102 to 114
    log = read_log(path)
    assert (log.until, log.is_complete, log.lost_bytes) == (116.0, True, 0)
    assert_holds(log, kept)
    assert sim.digest() == plain.digest()
    assert log.about["v"]["variable"] == "v_membrane" and log.about["v"]["ids"] == [0, 1, 2]
    sim.run(10), plain.run(10)
    assert moved["spikes"].count == (kept["spikes"].step > 116).sum()
    np.testing.assert_array_equal(moved["rate"].bin_end, kept["rate"].bin_end)


def test_what_was_recorded_before_goes_to_the_log_too(tmp_path: Path) -> None:
    sim, plain = small(), small()
    mine, kept = channels(sim), channels(plain)
    sim.run(50), plain.run(80)
    with sim.streaming(tmp_path / "r.log", mine, every=20.0):
        sim.run(30)
    assert_holds(read_log(tmp_path / "r.log"), kept)


def test_memory_is_bounded_by_the_interval(tmp_path: Path) -> None:
    sim = small()
    spikes = SpikeMonitor(sim)
    most = 0
    with sim.streaming(tmp_path / "r.log", {"spikes": spikes}, every=10.0):
        for _ in range(40):
            sim.run(10)
            most = max(most, spikes.count)
    assert most == 0 < len(read_log(tmp_path / "r.log")["spikes"]["id"])


def test_a_run_goes_on_from_a_checkpoint_in_the_same_log(tmp_path: Path) -> None:
    """What the first run wrote after its checkpoint is cut off and written again."""
    path, sim, plain = tmp_path / "r.log", small(), small()
    mine, kept = channels(sim), channels(plain)
    with sim.streaming(path, mine, every=20.0), sim.checkpointing(tmp_path / "c", every=35.0):
        sim.run(90)
    plain.run(130)
    for step in (35, 70, 90):
        names = [p for p in (tmp_path / "c").iterdir() if int(p.stem[5:]) == step]
        if not names:
            continue
        again = Simulation.load(names[0])
        monitors = dict(zip(mine, again.monitors, strict=True))
        with again.streaming(path, monitors, every=20.0):
            again.run(130 - again.current_step)
        assert_holds(read_log(path), kept)


def test_the_log_of_other_records_is_refused(tmp_path: Path) -> None:
    path, sim = tmp_path / "r.log", small()
    with sim.streaming(path, {"spikes": SpikeMonitor(sim)}):
        sim.run(20)
    before = path.read_bytes()
    for given in ({"other": SpikeMonitor(sim)}, {"spikes": StateMonitor(sim, "v_membrane")}):
        with (
            pytest.raises(FileError, match="channels: must be of the same records"),
            sim.streaming(path, given),
        ):
            pass
    path.write_bytes(b"something else, of some length, that is no log at all, really")
    with pytest.raises(FileError, match="must be a log"), sim.streaming(path, {"spikes": SpikeMonitor(sim)}):
        pass
    assert b"something" in path.read_bytes() and before


@pytest.mark.parametrize(
    ("monitors", "error", "message"),
    [
        (lambda sim: {}, TypeError, "must be a mapping of names to monitors"),
        (lambda sim: [SpikeMonitor(sim)], TypeError, "must be a mapping"),
        (lambda sim: {"": SpikeMonitor(sim)}, TypeError, "must have names"),
        (lambda sim: {"a": 3}, ValueError, r"monitors\['a'\]: must be a monitor of this simulation"),
        (lambda sim: {"a": SpikeMonitor(small())}, ValueError, "must be a monitor of this simulation"),
        (lambda sim: dict.fromkeys("ab", SpikeMonitor(sim)), ValueError, "each monitor once"),
    ],
)
def test_wrong_monitors_are_refused(monitors: Any, error: Any, message: str, tmp_path: Path) -> None:
    sim = small()
    with pytest.raises(error, match=message):
        sim.streaming(tmp_path / "r.log", monitors(sim))
    assert not list(tmp_path.iterdir())


# ---- faults --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, sim = tmp_path_factory.mktemp("log") / "r.log", small()
    with sim.streaming(path, {"spikes": SpikeMonitor(sim), "levels": LevelMonitor(sim, every=9)}, every=10.0):
        sim.run(30)
    return path


def read_or_none(path: Path) -> Any:
    """The log; None where it is refused in words that name the file."""
    try:
        return read_log(path)
    except FileError as error:
        return None if str(error).startswith(f"{path}: ") else error


def test_a_log_that_is_cut_at_any_byte_holds_the_blocks_before(good: Path, tmp_path: Path) -> None:
    whole, cut, full = good.read_bytes(), tmp_path / "cut.log", read_log(good)
    counts = set()
    for n in range(len(whole)):
        cut.write_bytes(whole[:n])
        log = read_or_none(cut)
        if log is None:
            assert n < 500
            continue
        assert log.lost_bytes < n and not log.is_complete
        for name in log:
            k = len(log[name]["step"])
            np.testing.assert_array_equal(log[name]["step"], full[name]["step"][:k])
        assert (full["spikes"]["step"] <= log.until / log.dt).sum() == len(log["spikes"]["step"])
        counts.add(log.until)
    assert counts == {0.0, 10.0, 20.0, 30.0}
    cut.write_bytes(whole + bytes(3000))  # zeros where the power failed
    assert read_log(cut).lost_bytes == 3000


def test_a_byte_that_changes_is_noticed(good: Path, tmp_path: Path) -> None:
    whole, full, target = good.read_bytes(), read_log(good), tmp_path / "m.log"
    draw, refused = random.Random(1), 0
    for _ in range(300):
        new = bytearray(whole)
        new[draw.randrange(len(new))] ^= 1 << draw.randrange(8)
        target.write_bytes(new)
        log = read_or_none(target)
        if log is None:
            refused += 1
        else:  # the last block, or one whose size says that it goes on to the end
            assert log.lost_bytes > 0 and not log.is_complete
            for name in log:
                k = len(log[name]["step"])
                np.testing.assert_array_equal(log[name]["step"], full[name]["step"][:k])
    assert refused > 200


class Full(atomic.Disk):
    """Takes `room` bytes, then none."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, handle: int, data: Any) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        n = super().write(handle, data[: self.room])
        self.room -= n
        return n


@pytest.mark.parametrize("room", [0, 1, 47, 100, 2000])
def test_a_full_disk_loses_nothing(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sim, plain = tmp_path / "r.log", small(), small()
    mine, kept = channels(sim), channels(plain)
    plain.run(90)
    with sim.streaming(path, mine, every=20.0):
        sim.run(20)
        monkeypatch.setattr(atomic, "DISK", Full(room))
        with pytest.warns(NeuromodWarning, match="the records stay in memory"):
            sim.run(40)
        assert_holds(read_log(path), kept, int(read_log(path).until))
        monkeypatch.setattr(atomic, "DISK", atomic.Disk())
        sim.run(30)
    assert_holds(read_log(path), kept)


VICTIM = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_logs import small
from neuromod import SpikeMonitor
sim = small()
with sim.streaming({path!r}, {{"spikes": SpikeMonitor(sim)}}, every=5.0):
    print("begins", flush=True)
    while True:
        sim.run(1000)
"""


def test_kill_9_loses_the_last_block_alone(tmp_path: Path) -> None:
    """NEUROMOD_KILLS says how many are killed."""
    draw, plain = random.Random(2), small()
    spikes, seen = SpikeMonitor(plain), 0.0
    for k in range(int(os.environ.get("NEUROMOD_KILLS", "2"))):
        path = tmp_path / f"{k}.log"
        program = VICTIM.format(tests=str(Path(__file__).parent), path=str(path))
        victim = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert victim.stdout is not None and victim.stdout.readline() == b"begins\n"
        time.sleep(draw.uniform(0.02, 0.2))
        before = read_log(path).until  # acknowledged: must be there after the kill
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        victim.stdout.close()
        log = read_log(path)
        assert log.until >= before
        plain.run(max(0, int(log.until) - plain.current_step))
        kept = spikes.step <= log.until
        np.testing.assert_array_equal(log["spikes"]["id"], spikes.id[kept])
        seen = max(seen, log.until)
    assert seen > 0


def test_a_log_whose_head_was_cut_is_begun_anew(good: Path, tmp_path: Path) -> None:
    """A kill while the head is written: the same program could not go on."""
    head = 48 + struct.unpack("<Q", good.read_bytes()[16:24])[0]
    path, sim = tmp_path / "cut.log", small()
    spikes = SpikeMonitor(sim)
    for size in (0, 4, 5, 47, 48, 49, head - 1):
        path.write_bytes(good.read_bytes()[:size])
        with pytest.raises(
            FileError, match=f"must have a head; its writer has not gone on so far; got {size} b"
        ):
            read_log(path)
        with sim.streaming(path, {"s": spikes}, every=10.0):
            sim.run(5)
        assert read_log(path).is_complete
    for other in (b"NM", b"NMHDx" * 100, b"some text"):
        path.write_bytes(other)
        with pytest.raises(FileError, match="must be a log that streaming has written"):
            sim.streaming(path, {"s": spikes}, every=10.0).__enter__()
        assert path.read_bytes() == other
