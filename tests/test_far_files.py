"""Files where locks, rights and other processes are as few systems have them."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_files import rewritten, set_in
from test_files_in_use import in_child, names, small

from neuromod import FileError, Simulation, SpikeMonitor, archive, atomic, read_log
from neuromod.errors import NeuromodWarning
from neuromod.folding import Folder, unfolded

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork and no locks on this platform")
STRAY = f".a.npz.{'0' * 16}.tmp"


def write_all_kinds(folder: Path) -> None:
    """A file, checkpoints and a log, which all come back."""
    sim = small()
    spikes = SpikeMonitor(sim)
    with (
        sim.checkpointing(folder / "c", every=10.0),
        sim.streaming(folder / "r.log", {"s": spikes}, every=10.0),
    ):
        sim.run(25)
    sim.save(folder / "a.npz")
    for path in ("a.npz", "c"):
        assert Simulation.load(folder / path).digest() == sim.digest()
    assert read_log(folder / "r.log").is_complete
    assert sorted(names(folder)) == ["a.npz", "c", "r.log"] and len(names(folder / "c")) == 2


# ---- locks -----------------------------------------------------------------------------------------------------


def test_files_are_whole_where_there_are_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows: a temporary file is a stray when it is older than a day."""
    monkeypatch.setattr(atomic, "fcntl", None)
    with monkeypatch.context() as patched:
        patched.setattr(os, "name", "another")  # no directory can be opened there
        write_all_kinds(tmp_path)
    now = time.time()
    (tmp_path / STRAY).touch()
    os.utime(tmp_path / STRAY, (now - 3600.0, now - 3600.0))
    small().save(tmp_path / "a.npz")
    assert (tmp_path / STRAY).exists()
    os.utime(tmp_path / STRAY, (now - 90000.0, now - 90000.0))
    small().save(tmp_path / "a.npz")
    assert sorted(names(tmp_path)) == ["a.npz", "c", "r.log"]


def test_files_are_whole_on_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, what: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(atomic.fcntl, "flock", refuse)
    write_all_kinds(tmp_path)


def test_ctrl_c_while_a_new_file_is_locked_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(handle: int, what: int) -> None:
        raise KeyboardInterrupt

    sim, handles = small(), len(names(Path("/dev/fd")))
    monkeypatch.setattr(atomic.fcntl, "flock", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sim.save(tmp_path / "a.npz")
    assert names(tmp_path) == [] and len(names(Path("/dev/fd"))) == handles


# ---- what the disk does ------------------------------------------------------------------------------------------


def test_a_rename_that_is_refused_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the system names the temporary file and the new one."""

    class Elsewhere(atomic.Disk):
        def rename(self, old: str, new: str) -> None:
            super().rename(old, f"{new}/x")

    sim, path = small(), tmp_path / "a.npz"
    monkeypatch.setattr(atomic, "DISK", Elsewhere())
    with pytest.raises(OSError, match=r"a\.npz'$") as caught:
        sim.save(path)
    assert caught.value.filename == str(path) and caught.value.filename2 is None
    assert names(tmp_path) == []


def test_an_error_that_names_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="other") as caught, atomic.naming(tmp_path / "a.npz"):
        raise OSError(errno.EIO, os.strerror(errno.EIO), "other")
    assert caught.value.filename == "other"


def test_a_file_that_is_cut_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    small().save(path)
    real, size = archive.hashlib.sha256, path.stat().st_size

    def cut(*given: Any) -> Any:
        os.truncate(path, size - 30)
        return real(*given)

    monkeypatch.setattr(archive, "hashlib", SimpleNamespace(sha256=cut))
    with pytest.raises(
        FileError, match=rf"a\.npz: must not end before its last member; .* cut, at {size} bytes"
    ):
        Simulation.load(path)


def test_a_block_that_can_be_neither_written_nor_cut_off_is_cut_off_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(atomic.Disk):
        def write(self, handle: int, data: Any) -> int:
            super().write(handle, data[:20])
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        def truncate(self, handle: int, size: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    path, sim, plain = tmp_path / "r.log", small(), small()
    mine, kept = SpikeMonitor(sim), SpikeMonitor(plain)
    plain.run(50)
    with sim.streaming(path, {"s": mine}, every=10.0) as stream:
        sim.run(10)
        monkeypatch.setattr(atomic, "DISK", Broken())
        with pytest.warns(NeuromodWarning, match="the records stay in memory"):
            sim.run(10)
        assert read_log(path).lost_bytes == 20
        monkeypatch.setattr(atomic, "DISK", atomic.Disk())
        sim.run(30)
        assert repr(stream) == f"Stream({str(path)!r}, blocks=4)"
    log = read_log(path)
    assert log.is_complete and np.array_equal(log["s"]["step"], kept._recorder.saved()["step"])


# ---- logs and checkpoints that others have made ----------------------------------------------------------------


def test_a_log_that_begins_later_is_not_gone_on_with(tmp_path: Path) -> None:
    sim, early = small(), small()
    sim.run(20)
    with sim.streaming(tmp_path / "r.log", {"l": SpikeMonitor(sim)}, every=10.0):
        sim.run(10)
    before = (tmp_path / "r.log").read_bytes()
    with pytest.raises(FileError, match=r"r\.log: must begin at step 0 or before; got 20"):
        early.streaming(tmp_path / "r.log", {"l": SpikeMonitor(early)}, every=10.0).__enter__()
    assert (tmp_path / "r.log").read_bytes() == before


def test_a_log_that_another_has_begun_in_the_place_of_a_removed_one_is_left_alone(tmp_path: Path) -> None:
    """The records went to the removed file, which no name led to, without a word."""
    path, sim, other, plain = tmp_path / "r.log", small(), small(2), small()
    mine, theirs, kept = SpikeMonitor(sim), SpikeMonitor(other), SpikeMonitor(plain)
    plain.run(50)
    with sim.streaming(path, {"s": mine}, every=10.0):
        sim.run(10)
        path.unlink()
        with other.streaming(path, {"s": theirs}, every=10.0):
            other.run(20)
            with pytest.warns(NeuromodWarning, match="must be of one stream; another one writes to it"):
                sim.run(10)
        log = path.read_bytes()
        with pytest.warns(
            NeuromodWarning, match="must be the log of this stream; another file is in its place"
        ):
            sim.run(10)
        assert path.read_bytes() == log and read_log(path).is_complete
        path.unlink()
        with pytest.warns(NeuromodWarning, match="was removed; it is begun again, with what was not in it"):
            sim.run(20)
    found, records = read_log(path)["s"], kept._recorder.saved()
    assert found["id"].tolist() == records["id"][records["step"] > 10].tolist()


def test_a_log_in_whose_place_another_file_is_leaves_the_records_to_the_monitor(tmp_path: Path) -> None:
    path, sim = tmp_path / "r.log", small()
    spikes = SpikeMonitor(sim)

    def streamed() -> None:
        with sim.streaming(path, {"s": spikes}, every=100.0):
            sim.run(10)
            (tmp_path / "other").write_text("mine")
            (tmp_path / "other").rename(path)

    with pytest.raises(FileExistsError, match=r"r\.log: must be the log of this stream; another file"):
        streamed()
    assert path.read_text() == "mine" and len(spikes.id) > 0


def test_a_forked_process_may_go_back_in_a_block_of_streaming(tmp_path: Path) -> None:
    sim = small()
    sim.store()
    with sim.streaming(tmp_path / "r.log", {"s": SpikeMonitor(sim)}, every=10.0):
        sim.run(15)

        def back() -> None:
            sim.restore()
            assert sim.current_step == 0

        assert os.waitpid(in_child(back), 0)[1] == 0
        sim.run(5)
    assert read_log(tmp_path / "r.log").until == 20.0


def test_checkpoints_that_are_no_directory_or_lead_nowhere_are_refused(tmp_path: Path) -> None:
    sim, path = small(), tmp_path / "c"
    path.write_text("a file")
    with pytest.raises(NotADirectoryError, match="c: must be a directory; it is a file"):
        sim.checkpointing(path)
    path.unlink()
    path.mkdir()
    (path / "step-000000000000010.npz").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        Simulation.load(path)


def test_checkpoints_where_nothing_may_be_written_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the rights of root allow everything
    sim = small()
    checkpoints = sim.checkpointing(tmp_path, every=10.0)
    with pytest.raises(PermissionError, match="must be writable; it is not"):
        checkpoints.__enter__()
    assert repr(checkpoints) == f"Checkpoints({str(tmp_path)!r}, last step -1)"


# ---- content -----------------------------------------------------------------------------------------------------


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_nested_too_deep_is_not_written() -> None:
    assert Folder().folded(deep(100)) == deep(100)
    with pytest.raises(ValueError, match="state: must not be nested more than 100 deep"):
        Folder().folded(deep(101))


@pytest.mark.parametrize(
    ("about", "rule"),
    [
        (["equal", 0, "x"], "must be a shape; got 'x'"),
        (["equal", 0, [1] * 9], "must be a shape; got "),
        (["runs", 1, 2, "<i8", [3]], "must be runs of at least one value"),
        (["runs", 1, 1, "<f2", [3]], "must be a type of numbers; got '<f2'"),
        (["narrow", 1, ["<i8"], [2]], "must be a type of numbers; got "),
        (["narrow", 3, "<i2", [2]], "must be numbers of type int16$"),
    ],
)
def test_arrays_that_are_kept_in_no_such_way_are_refused(about: Any, rule: str) -> None:
    arrays = [
        np.array([7]),
        np.array([1, 2], np.uint8),
        np.array([3, 0], np.uint8),
        np.array([1, 70000], "<i4"),
    ]
    with pytest.raises(ValueError, match=f"content: {rule}"):
        unfolded({"$": about}, arrays, 1000)


def test_no_values_in_a_narrow_type_are_none() -> None:
    found = unfolded({"$": ["narrow", 0, "<i8", [0, 3]]}, [np.empty(0, np.uint8)], 1000)
    assert found.dtype == np.int64 and found.shape == (0, 3)


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [("model", [], "model.format: is required"), ("monitors", {}, "monitors: must be a list")],
)
def test_a_file_whose_parts_are_of_another_kind_is_refused(
    key: str, value: Any, rule: str, tmp_path: Path
) -> None:
    small().save(tmp_path / "a.npz")
    forged = rewritten(tmp_path / "a.npz", tmp_path / "b.npz", set_in("content", key, value=value))
    with pytest.raises(FileError, match=rf"b\.npz: {rule}"):
        Simulation.load(forged)
