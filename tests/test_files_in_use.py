"""Files that others have in use, and places where files do not belong: processes beside each other, forks, pipes."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neuromod import FileError, Simulation, SpikeMonitor, atomic, checkpoints, read_log
from neuromod.errors import NeuromodWarning

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork, locks or pipes on this platform")


def small(seed: int = 1) -> Simulation:
    sim = Simulation(seed=seed)
    group = sim.create(60, "lif", name="E", drive={"rate": 1500.0, "weight": 0.8})
    sim.connect(group, group, in_degree=5, weight=0.2, rule="stdp", name="p")
    return sim


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def in_child(work: Callable[[], object]) -> int:
    """A process that does the work; it ends with 0, or with 1 after any exception."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def forks_once(mother: int, children: list[int]) -> Callable[[Any], None]:
    """A hook after which the block goes on in two processes; the mother waits for the end of the other one."""

    def fork(_: Any) -> None:
        if os.getpid() == mother and not children:
            children.append(os.fork())
            if children[0]:
                os.waitpid(children[0], 0)

    return fork


# ---- several writers ---------------------------------------------------------------------------------------------


def test_processes_that_save_to_one_path_all_succeed(tmp_path: Path) -> None:
    """One took the other's new file for a stray before it was locked, and removed it."""
    path, sims = tmp_path / "a.npz", [small(seed) for seed in range(4)]

    def saves(sim: Simulation) -> Callable[[], None]:
        return lambda: [sim.save(path) for _ in range(60)] and None

    pids = [in_child(saves(sim)) for sim in sims]
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert ends == [0] * len(sims)
    assert Simulation.load(path).digest() in {sim.digest() for sim in sims}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("removed", ["after the lock", "before the lock"])
def test_a_new_file_that_another_writer_takes_for_a_stray_is_made_again(
    removed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Meddled(atomic.Disk):
        other = ""

        def create(self, path: str) -> int:
            handle = super().create(path)
            if not Meddled.other:
                Meddled.other = path
                self.file = os.open(path, os.O_RDONLY)
                fcntl.flock(self.file, fcntl.LOCK_EX)
                if removed == "before the lock":
                    Path(path).unlink()
                    os.close(self.file)
            return handle

        def write(self, handle: int, data: Any) -> int:
            Path(Meddled.other).unlink(missing_ok=True)
            return super().write(handle, data)

    monkeypatch.setattr(atomic, "DISK", Meddled())
    small().save(tmp_path / "a.npz")
    assert Meddled.other
    assert names(tmp_path) == ["a.npz"]


def test_a_log_has_one_stream_at_a_time(tmp_path: Path) -> None:
    """Blocks of two streams in one file were a log that nobody could read."""
    path, one, other = tmp_path / "r.log", small(1), small(2)
    mine, theirs = SpikeMonitor(one), SpikeMonitor(other)
    with one.streaming(path, {"s": mine}, every=10.0):
        one.run(15)
        with pytest.raises(BlockingIOError, match=r"r\.log: must be of one stream"):
            other.streaming(path, {"s": theirs}, every=10.0).__enter__()
        one.run(15)
    assert read_log(path).until == 30.0
    with one.streaming(path, {"s": mine}, every=10.0):
        one.run(5)
    assert read_log(path).until == 35.0


def test_a_directory_of_checkpoints_has_one_run_at_a_time(tmp_path: Path) -> None:
    """Checkpoints of two runs would lie beside each other, and each would remove the other's."""
    one, other = small(1), small(2)
    with one.checkpointing(tmp_path, every=10.0):
        with pytest.raises(BlockingIOError, match="must be of one run"):
            other.checkpointing(tmp_path, every=10.0).__enter__()
        one.run(20)
    with one.checkpointing(tmp_path, every=10.0):
        one.run(5)
    assert Simulation.load(tmp_path).digest() == one.digest()


def test_a_block_that_is_refused_keeps_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = small()
    spikes = SpikeMonitor(sim)

    def refused(*_: object) -> None:
        raise RuntimeError("refused")

    for begun in (
        lambda: sim.checkpointing(tmp_path / "c", every=10.0),
        lambda: sim.streaming(tmp_path / "r.log", {"s": spikes}, every=10.0),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(type(sim._session), "set_last", refused)
            with pytest.raises(RuntimeError, match="refused"):
                begun().__enter__()
        with begun():
            sim.run(10)


def test_a_process_that_outlives_its_mother_keeps_no_lock(tmp_path: Path) -> None:
    """A worker that was forked in the block: the run that was killed can go on."""
    ready, end = os.pipe(), os.pipe()

    def run_with_a_worker() -> None:
        sim = small()
        stream = sim.streaming(tmp_path / "r.log", {"s": SpikeMonitor(sim)}, every=10.0)
        with sim.checkpointing(tmp_path / "c", every=10.0), stream:
            sim.run(20)
            worker = in_child(lambda: (os.close(end[1]), os.read(end[0], 1)))
            os.write(ready[1], b"%d" % worker)
            os._exit(0)  # as by a kill

    mother = in_child(run_with_a_worker)
    assert int(os.read(ready[0], 20)) > 0
    os.waitpid(mother, 0)
    again = Simulation.load(tmp_path / "c")
    stream = again.streaming(tmp_path / "r.log", {"s": again.monitors[0]}, every=10.0)
    with again.checkpointing(tmp_path / "c", every=10.0), stream:
        again.run(10)
    assert read_log(tmp_path / "r.log").until == 30.0
    for handle in (*ready, *end):
        os.close(handle)


def test_a_forked_process_leaves_the_files_of_its_mother_alone(tmp_path: Path) -> None:
    """Its part of the block ended with blocks in the log, and the log could not be read any more."""
    sim, plain, mother, children = small(), small(), os.getpid(), list[int]()
    spikes, kept = SpikeMonitor(sim), SpikeMonitor(plain)
    at_40: list[str] = []
    try:
        stream = sim.streaming(tmp_path / "r.log", {"s": spikes}, every=10.0)
        with stream, sim.checkpointing(tmp_path / "c", every=1000.0) as written:
            with sim.every(33.0, forks_once(mother, children)):
                sim.run(40)
            at_40 = [path.name for path in written.files]
            sim.run(60)
    finally:
        if os.getpid() != mother:
            os._exit(0)
    assert len(children) == 1 and at_40 == []
    plain.run(100)
    log = read_log(tmp_path / "r.log")
    assert log["s"]["id"].tolist() == kept.id.tolist()
    assert sim.digest() == plain.digest() == Simulation.load(tmp_path / "c").digest()


def test_a_forked_copy_that_runs_writes_no_files_of_its_mother(tmp_path: Path) -> None:
    sim = small()
    with (
        sim.streaming(tmp_path / "r.log", {"s": SpikeMonitor(sim)}, every=10.0),
        sim.checkpointing(tmp_path / "c", every=10.0),
    ):
        sim.run(15)
        pid = in_child(lambda: sim.run(50))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert [path.name for path in (tmp_path / "c").iterdir()] == ["step-000000000000010.npz"]
        sim.run(15)
    assert read_log(tmp_path / "r.log").until == 30.0


def test_a_checkpoint_that_goes_while_it_is_loaded_gives_way_to_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = small()
    with sim.checkpointing(tmp_path, every=10.0, keep=1):
        sim.run(10)
        real, seen = checkpoints.newest_of, list[list[Path]]()

        def listed(directory: Path) -> list[Path]:
            seen.append(real(directory))
            if len(seen) == 1:
                sim.run(10)
            return seen[-1]

        monkeypatch.setattr(checkpoints, "newest_of", listed)
        assert Simulation.load(tmp_path).time == 20.0
        assert len(seen) == 3


# ---- time that goes back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("back", ["reset", "restore"])
def test_what_goes_back_in_time_is_refused_while_a_log_goes_on(back: str, tmp_path: Path) -> None:
    """The log could not be read any more."""
    sim, plain = small(), small()
    spikes, kept = SpikeMonitor(sim), SpikeMonitor(plain)
    sim.store()
    with sim.streaming(tmp_path / "r.log", {"s": spikes}, every=10.0):
        sim.run(35)
        before = sim.digest()
        with pytest.raises(RuntimeError, match=f"^{back}: must not be in a block of streaming"):
            getattr(sim, back)()
        assert sim.digest() == before
        sim.run(25)
    plain.run(60)
    assert read_log(tmp_path / "r.log")["s"]["id"].tolist() == kept.id.tolist()
    spikes.stop()
    getattr(sim, back)()
    assert sim.current_step == 0


@pytest.mark.parametrize("back", ["reset", "restore"])
@pytest.mark.parametrize("every", [10.0, "0.001 s"])
def test_checkpoints_after_going_back_in_time_are_those_that_stay(
    back: str, every: Any, tmp_path: Path
) -> None:
    """Those of the course before stayed, the new ones were removed, and `load` read the wrong state."""
    sim = small()
    sim.store()
    with sim.checkpointing(tmp_path, every=every) as written:
        sim.run(85)
        getattr(sim, back)()
        sim.projections["p"].weight[:] = 0.1
        for _ in range(7):
            sim.run(5)
            time.sleep(0.002)
            assert len(written.files) <= 2
        names_at_35 = [path.name for path in written.files]
        assert Simulation.load(tmp_path).current_step in range(20, 36), names_at_35
    again = Simulation.load(tmp_path)
    assert (again.current_step, again.digest()) == (35, sim.digest())


def test_a_block_that_ends_at_a_step_that_another_course_has_saved_saves_its_own(tmp_path: Path) -> None:
    sim = small()
    sim.store()
    with sim.checkpointing(tmp_path, every="1 h") as written:
        sim.run(20)
        written.write(sim)
        sim.restore()
        sim.projections["p"].weight[:] = 0.1
        sim.run(20)
    assert Simulation.load(tmp_path).digest() == sim.digest()


def test_a_monitor_has_one_log(tmp_path: Path) -> None:
    """The inner stream took all, and the outer one's log was empty."""
    sim = small()
    spikes, other = SpikeMonitor(sim), SpikeMonitor(sim)
    with sim.streaming(tmp_path / "one.log", {"s": spikes}, every=10.0):
        with pytest.raises(
            ValueError, match=r"monitors\['t'\]: must be of one stream; .*one\.log has its records"
        ):
            sim.streaming(tmp_path / "two.log", {"t": spikes}, every=10.0).__enter__()
        with sim.streaming(tmp_path / "three.log", {"o": other}, every=10.0):
            sim.run(30)
    assert not (tmp_path / "two.log").exists()
    one, three = read_log(tmp_path / "one.log"), read_log(tmp_path / "three.log")
    assert one["s"]["id"].tolist() == three["o"]["id"].tolist() != []


@pytest.mark.parametrize("room", [True, False])
def test_a_log_that_is_removed_meanwhile_is_begun_again(
    room: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What followed went to a file that no longer had a name."""
    sim, plain = small(), small()
    spikes, kept = SpikeMonitor(sim), SpikeMonitor(plain)
    plain.run(60)

    class Full(atomic.Disk):
        def write(self, handle: int, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with sim.streaming(tmp_path / "r.log", {"s": spikes}, every=10.0):
        sim.run(15)
        (tmp_path / "r.log").unlink()
        with pytest.warns(NeuromodWarning) as said:  # noqa: PT031
            if not room:
                with monkeypatch.context() as patch:
                    patch.setattr(atomic, "DISK", Full())
                    sim.run(10)
            sim.run(60 - sim.current_step)
        words = ["was removed; it is begun again", *([] if room else ["could not be written"])]
        assert [word in str(each.message) for word, each in zip(words, said, strict=True)] == [True] * len(
            words
        )
    log = read_log(tmp_path / "r.log")
    assert log["s"]["id"].tolist() == kept.id[kept.step > 10].tolist()
    assert log.until == 60.0


# ---- places --------------------------------------------------------------------------------------------------------


def test_a_directory_that_is_removed_meanwhile_is_made_again(tmp_path: Path) -> None:
    """No checkpoint was written any more, and the block ended with an error."""
    sim, where = small(), tmp_path / "a" / "c"
    with sim.checkpointing(where, every=10.0):
        sim.run(15)
        shutil.rmtree(tmp_path / "a")
        sim.run(30)
    assert [path.name for path in sorted(where.iterdir())][-1] == "step-000000000000045.npz"


def test_a_directory_that_is_made_again_is_locked_again(tmp_path: Path) -> None:
    """Another run could write into it."""
    one, other, where = small(1), small(2), tmp_path / "c"
    with one.checkpointing(where, every=10.0):
        one.run(15)
        shutil.rmtree(where)
        one.run(10)
        with pytest.raises(BlockingIOError, match="must be of one run"):
            other.checkpointing(where, every=10.0).__enter__()
        one.run(10)
    with other.checkpointing(tmp_path / "d", every=10.0):
        other.run(10)
    with one.checkpointing(where, every=10.0):
        one.run(5)
    assert Simulation.load(where).digest() == one.digest()


@pytest.mark.parametrize("ends", [False, True])
def test_a_directory_that_another_run_has_made_meanwhile_is_left_alone(ends: bool, tmp_path: Path) -> None:
    """Its checkpoints are not mixed with ours, which come again when the directory is free."""
    one, other, where = small(1), small(2), tmp_path / "c"
    theirs = other.checkpointing(where, every=10.0)
    words = "must not be later than step 20; it is of another run" if ends else "must be of one run"
    with one.checkpointing(where, every=10.0) as ours:
        one.run(15)
        shutil.rmtree(where)
        theirs.__enter__()
        other.run(50)
        if ends:
            theirs.__exit__(None, None, None)
        with pytest.warns(NeuromodWarning, match=f"could not be written, the run goes on; .*{words}"):
            one.run(5)
        assert [path.name for path in ours.files] == [f"step-{step:015d}.npz" for step in (40, 50)]
        assert Simulation.load(where).digest() == other.digest()
        if not ends:
            theirs.__exit__(None, None, None)
        shutil.rmtree(where)
        one.run(10)
    assert Simulation.load(where).digest() == one.digest()


def test_checkpoints_stay_where_they_were_when_the_program_changes_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    sim = small()
    with sim.checkpointing("c", every=10.0) as written:
        sim.run(15)
        os.chdir("other")
        sim.run(15)
    assert [path.parent for path in written.files] == [tmp_path / "c"] * 2


def test_a_pipe_is_refused_and_stays(tmp_path: Path) -> None:
    """A file took its place; a reader waited for ever."""
    path, sim = tmp_path / "pipe", small()
    os.mkfifo(path)
    calls = [
        lambda: sim.save(path),
        lambda: Simulation.load(path),
        lambda: read_log(path),
        lambda: sim.streaming(path, {"s": SpikeMonitor(sim)}, every=10.0),
        lambda: sim.save(os.devnull),
    ]
    for call in calls:
        with pytest.raises(OSError, match="must be a file; it is a device, a pipe or a socket"):
            call()
    assert stat.S_ISFIFO(path.stat().st_mode) and names(tmp_path) == ["pipe"]


def test_a_link_to_itself_is_refused_and_stays(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(OSError, match="a link that leads back to itself"):
        small().save(one)
    assert one.is_symlink() and other.is_symlink()


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    small().save(path)
    handle = atomic.DISK.create(str(tmp_path / f".{atomic._stem(path.name)}.{'0' * 16}.tmp"))
    os.close(handle)
    small().save(path)
    assert names(tmp_path) == [path.name]


def test_who_may_read_a_file_stays_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    small().save(path)
    path.chmod(0o600)
    small().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    """Files of any name come back, and what is said of them can be printed."""
    name = os.fsdecode(b"caf\xe9")
    path, sim = tmp_path / name, small()
    path.mkdir()
    sim.save(path / name)
    with (
        sim.checkpointing(path / f"{name}c", every=10.0),
        sim.streaming(path / f"{name}l", {"s": SpikeMonitor(sim)}, every=10.0),
    ):
        sim.run(20)
    assert Simulation.load(path / name).time == 0.0
    assert Simulation.load(path / f"{name}c").time == read_log(path / f"{name}l").until == 20.0
    (path / name).write_bytes(b"not ours" * 100)
    with pytest.raises(FileError, match=r"caf\\udce9: must be a file that save has written") as refused:
        Simulation.load(path / name)
    assert str(refused.value).encode()
    with pytest.raises(OSError, match="it is a directory") as refused_directory:
        sim.save(path)
    assert str(refused_directory.value).encode()


def test_a_directory_that_cannot_be_written_to_is_refused_at_the_start() -> None:
    """Before a run of days, not at its end."""
    sim = small()

    def as_nobody(where: str) -> None:
        if os.getuid() == 0:
            os.setuid(65534)
        with pytest.raises(PermissionError, match="must be writable"):
            sim.checkpointing(where, every=10.0).__enter__()

    with tempfile.TemporaryDirectory() as where:  # tmp_path lies in folders that nobody may enter
        Path(where).chmod(0o555)
        ended = os.waitstatus_to_exitcode(os.waitpid(in_child(lambda: as_nobody(where)), 0)[1])
    assert ended == 0


def test_a_file_that_can_only_be_read_loads(tmp_path: Path) -> None:
    path, sim = tmp_path / "a.npz", small()
    sim.run(5)
    sim.save(path)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert Simulation.load(path).digest() == sim.digest()
    finally:
        tmp_path.chmod(0o755)


def test_a_clock_that_goes_back_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim, now = small(), [1e6]

    def back() -> float:
        now[0] -= 5.0
        return now[0]

    monkeypatch.setattr(checkpoints.time, "monotonic", back)
    with sim.checkpointing(tmp_path, every="1 s"):
        sim.run(200)
    assert Simulation.load(tmp_path).digest() == sim.digest()


def test_a_full_disk_at_the_end_of_a_stream_leaves_the_records_to_the_monitor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(atomic.Disk):
        def write(self, handle: int, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    sim, plain = small(), small()
    spikes, kept = SpikeMonitor(sim), SpikeMonitor(plain)
    plain.run(50)

    def streamed() -> None:
        with sim.streaming(tmp_path / "r.log", {"s": spikes}, every=10.0):
            sim.run(20)
            monkeypatch.setattr(atomic, "DISK", Full())
            sim.run(30)

    with (
        pytest.warns(NeuromodWarning, match="could not be written"),
        pytest.raises(OSError, match="No space"),
    ):
        streamed()
    monkeypatch.undo()
    log = read_log(tmp_path / "r.log")
    assert [*log["s"]["id"].tolist(), *spikes.id.tolist()] == kept.id.tolist()
