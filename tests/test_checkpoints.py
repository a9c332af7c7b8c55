"""Checkpoints: a run that was killed goes on to the bits of one that was not; the disk may refuse at any call."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from neuromod import BrainModel, FileError, NeuromodulationSystem, Simulation, SpikeMonitor, atomic
from neuromod.errors import NeuromodWarning

KILLS = int(os.environ.get("NEUROMOD_KILLS", "4"))


def small(seed: int = 1) -> Simulation:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=seed, neuromodulation=NeuromodulationSystem())
    ids = sim.initialize_neurons(["V1_like"], density=0.01)
    sim.connect(ids, ids, in_degree=4, weight=0.5, rule="rstdp", synapse_type="excitatory", name="p")
    return sim


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_checkpoints_by_simulated_time(tmp_path: Path) -> None:
    sim, plain, directory = small(), small(), tmp_path / "new" / "c"
    with sim.checkpointing(directory, every=20.0, keep=3) as checkpoints:
        sim.run(70)
        sim.step()
    assert names(directory) == [f"step-{k:015d}.npz" for k in (40, 60, 71)]
    assert [path.name for path in checkpoints.files] == names(directory)
    plain.run(71)
    assert Simulation.load(directory).digest() == sim.digest() == plain.digest()
    earlier = Simulation.load(directory / "step-000000000000040.npz")
    earlier.run(31)
    assert earlier.digest() == sim.digest()
    sim.run(20)
    assert names(directory)[-1] == f"step-{71:015d}.npz"  # the block is over


def test_checkpoints_by_wall_time(tmp_path: Path) -> None:
    sim, plain = small(), small()
    with sim.checkpointing(tmp_path, every="0.05 s", keep=100):
        while len(names(tmp_path)) < 3:
            sim.run(200)
    plain.run(sim.current_step)
    assert sim.digest() == plain.digest()


def test_a_long_interval_writes_at_the_end_alone(tmp_path: Path) -> None:
    sim = small()
    with sim.checkpointing(tmp_path):
        sim.run(3000)
    assert names(tmp_path) == [f"step-{3000:015d}.npz"]
    with sim.checkpointing(tmp_path):
        pass
    assert len(names(tmp_path)) == 1


def interrupted_by(error: type[BaseException], sim: Simulation, directory: Path) -> None:
    with sim.checkpointing(directory):
        sim.run(30)
        raise error


def test_ctrl_c_leaves_a_checkpoint_and_another_error_none(tmp_path: Path) -> None:
    for error, count in ((KeyboardInterrupt, 1), (ValueError, 0)):
        sim, directory = small(), tmp_path / error.__name__
        with pytest.raises(error):
            interrupted_by(error, sim, directory)
        assert len(names(directory)) == count


def test_another_run_s_directory_is_refused(tmp_path: Path) -> None:
    sim = small()
    with sim.checkpointing(tmp_path, every=10.0):
        sim.run(20)
    before = names(tmp_path)
    with pytest.raises(FileExistsError, match="it is of another run"), small().checkpointing(tmp_path):
        pass
    assert names(tmp_path) == before
    again = Simulation.load(tmp_path)
    with again.checkpointing(tmp_path, every=10.0):
        again.run(20)
    assert names(tmp_path) == [f"step-{k:015d}.npz" for k in (30, 40)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"every": "10"}, "every: must be a number > 0 and s, min, h or days"),
        ({"every": "0 s"}, "every: must be a number > 0"),
        ({"every": "ten min"}, "every: must be"),
        ({"every": 0.5}, "every"),
        ({"every": 0.0}, "every"),
        ({"keep": 0}, "keep: must be a whole number >= 1"),
        ({"keep": True}, "keep: must be"),
    ],
)
def test_wrong_arguments_are_refused(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        small().checkpointing(tmp_path, **given)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    sim = small()
    with sim.checkpointing(tmp_path, every=10.0):
        sim.run(20)
    newest = tmp_path / f"step-{20:015d}.npz"
    newest.write_bytes(newest.read_bytes()[:-5])
    with pytest.warns(NeuromodWarning, match="the newest checkpoint is damaged"):
        again = Simulation.load(tmp_path)
    again.run(10)
    assert again.digest() == sim.digest()
    (tmp_path / f"step-{10:015d}.npz").write_bytes(b"")
    with pytest.warns(NeuromodWarning), pytest.raises(FileError):
        Simulation.load(tmp_path)


def test_deaths_of_a_step_are_in_no_file_before_they_are_done(tmp_path: Path) -> None:
    """A hook sees the state before the deaths of its step; a file of it would lack them."""

    def mortal() -> Simulation:
        model = BrainModel(
            config={
                "lattice_shape": [10, 10, 1, 1],
                "areas": [
                    {"name": "A", "coord_ranges": {"x": [0, 9], "y": [0, 9], "z": [0, 0], "w": [0, 0]}}
                ],
                "cell_lifecycle": {
                    "enable_death": True,
                    "enable_reproduction": True,
                    "max_age": 15,
                    "interval": 5,
                },
            }
        )
        sim = Simulation(model, seed=1)
        sim.initialize_neurons(["A"], density=0.5)
        return sim

    sim, plain = mortal(), mortal()
    with (
        pytest.raises(RuntimeError, match="save: must not be called by a hook of a step after which"),
        sim.every(5.0, lambda each: each.save(tmp_path / "a.npz")),
    ):
        sim.run(7)
    sim = mortal()
    with sim.checkpointing(tmp_path / "c", every=10.0, keep=9):
        sim.run(27)
    assert names(tmp_path / "c") == [f"step-{k:015d}.npz" for k in (11, 21, 27)]
    plain.run(40)
    for name in names(tmp_path / "c"):
        again = Simulation.load(tmp_path / "c" / name)
        again.run(40 - again.current_step)
        assert again.digest() == plain.digest()


# ---- kill -9 -------------------------------------------------------------------------------------------------------


def victim(directory: Path) -> int:
    """Another process, which runs with checkpoints until it is killed; its number."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = any(directory.glob("step-*.npz"))
            sim = Simulation.load(directory) if found else small()
            os.write(writer, b"begins")
            with sim.checkpointing(directory, every=1.0):  # it writes nearly all of the time
                while True:
                    sim.run(1000)
        finally:
            os._exit(1)
    os.close(writer)
    assert os.read(reader, 6) == b"begins"
    os.close(reader)
    return child


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_kill_9_at_any_moment(tmp_path: Path) -> None:
    """Each victim goes on from the checkpoints of the one before. NEUROMOD_KILLS says how many there are.

    Nothing is unreadable or torn, no step is lost but those of the last interval, and strays are removed.
    """
    draw, step, directory, strays, written = random.Random(5), 0, tmp_path / "c", 0, 0
    directory.mkdir()
    plain = small()
    for _ in range(KILLS):
        before = step
        child = victim(directory)
        time.sleep(draw.uniform(0.0, 0.3))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        found = [path for path in directory.iterdir() if path.name.startswith("step-")]
        left = [path for path in directory.iterdir() if path.suffix == ".tmp"]
        assert len(left) <= 1  # that of this victim
        strays += len(left)
        if not found:
            continue
        sims = [Simulation.load(path) for path in found]  # whole, every one of them
        again = max(sims, key=lambda each: each.current_step)
        step = again.current_step
        assert step >= before
        written += step - before
        plain.run(step - plain.current_step)
        assert again.digest() == plain.digest()
    assert step > 0
    with again.checkpointing(directory, every=5.0):
        again.run(5)
    assert len(names(directory)) == 2  # and no stray
    print(f"{KILLS} kills, {written} checkpoints, {strays} strays seen, step {step}")


def test_a_writer_s_file_is_no_stray(tmp_path: Path) -> None:
    target = tmp_path / "a.npz"
    stray = tmp_path / f".a.npz.{'0' * 16}.tmp"
    other = tmp_path / ".b.npz.0000000000000000.tmp"
    for path in (stray, other):
        path.write_bytes(b"left by a kill")
    with atomic.whole_file(target) as write:
        assert not stray.exists() and other.exists()
        write(b"mine")
        assert atomic.remove_strays(target) == 0
    assert target.read_bytes() == b"mine" and names(tmp_path) == [other.name, "a.npz"]


# ---- the disk refuses ------------------------------------------------------------------------------------------------


class Failing(atomic.Disk):
    """The k-th call fails; with `persistent` all calls from there on do, but those that clean up."""

    def __init__(self, k: int, error: int, persistent: bool = False) -> None:
        self.left, self.error, self.persistent, self.failed = k, error, persistent, False

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0 or (self.persistent and self.left < 0):
            self.failed = True
            raise OSError(self.error, os.strerror(self.error))

    def create(self, path: str) -> int:
        self._count()
        return super().create(path)

    def write(self, handle: int, data: Any) -> int:
        self._count()
        return super().write(handle, data[: max(1000, len(data) // 2)])  # and short writes

    def sync(self, handle: int) -> None:
        self._count()
        super().sync(handle)

    def rename(self, old: str, new: str) -> None:
        self._count()
        super().rename(old, new)

    def sync_directory(self, path: str) -> None:
        self._count()
        super().sync_directory(path)


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EDQUOT], ids=["full", "broken", "quota"])
def test_failure_at_call_k(
    error: int, persistent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all k: OSError, the file of before or of after is whole, and no temporary file is left."""
    model, path = BrainModel("brain_base_model.json"), tmp_path / "a.npz"
    model.save(path)
    old = path.read_bytes()
    model.add_neuron(0, 0, 0, 0)
    monkeypatch.setattr(atomic, "DISK", atomic.Disk())
    model.save(tmp_path / "b.npz")
    new = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").unlink()
    k, last = 0, False
    while not last:
        k += 1
        disk = Failing(k, error, persistent)
        monkeypatch.setattr(atomic, "DISK", disk)
        try:
            model.save(path)
            last = True
        except OSError as caught:
            last = caught.errno != error
        assert disk.failed != last
        assert path.read_bytes() in (old, new) and names(tmp_path) == ["a.npz"]
    assert k > 20 and path.read_bytes() == new


def test_a_run_goes_on_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim, plain = small(), small()
    with sim.checkpointing(tmp_path, every=20.0):
        sim.run(30)
        monkeypatch.setattr(atomic, "DISK", Failing(3, errno.ENOSPC))
        with pytest.warns(NeuromodWarning, match="could not be written, the run goes on"):
            sim.run(20)
        sim.run(20)
    plain.run(70)
    assert Simulation.load(tmp_path).digest() == sim.digest() == plain.digest()
    monkeypatch.setattr(atomic, "DISK", Failing(3, errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"), sim.checkpointing(tmp_path):
        sim.run(1)
    assert Simulation.load(tmp_path).current_step == 70


def test_every_prefix_of_the_system_calls_leaves_a_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power loss: the process is gone after call k. What was written and not flushed may be lost, too.

    Before the rename the older file is untouched. The rename comes after the flush of all that was written.
    """
    calls: list[tuple[str, Any]] = []

    class Traced(atomic.Disk):
        def create(self, path: str) -> int:
            calls.append(("create", path))
            return super().create(path)

        def write(self, handle: int, data: Any) -> int:
            n = super().write(handle, data)
            calls.append(("write", bytes(data[:n])))
            return n

        def sync(self, handle: int) -> None:
            calls.append(("sync", None))
            super().sync(handle)

        def rename(self, old: str, new: str) -> None:
            calls.append(("rename", (old, new)))
            super().rename(old, new)

        def sync_directory(self, path: str) -> None:
            calls.append(("sync_directory", path))
            super().sync_directory(path)

    monkeypatch.setattr(atomic, "DISK", Traced())
    sim, path = small(), tmp_path / "a.npz"
    sim.save(path)
    kinds = [kind for kind, _ in calls]
    assert kinds == ["create"] + ["write"] * kinds.count("write") + ["sync", "rename", "sync_directory"]
    assert b"".join(data for kind, data in calls if kind == "write") == path.read_bytes()
    assert calls[-2][1] == (calls[0][1], str(path)) and calls[-1][1] == str(tmp_path)


def test_spikes_go_on_in_a_checkpoint(tmp_path: Path) -> None:
    sim = small()
    spikes = SpikeMonitor(sim)
    with sim.checkpointing(tmp_path, every=50.0):
        sim.run(120)
    earlier = Simulation.load(min(tmp_path.iterdir()))
    earlier.run(120 - earlier.current_step)
    assert (earlier.monitors[0].step == spikes.step).all()  # type: ignore[attr-defined]
