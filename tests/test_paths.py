"""Paths that users give: what no file can be called is refused before anything is made, and errors name the file."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, Simulation, SpikeMonitor, atomic, read_log
from neuromod.errors import NeuromodWarning
from neuromod.experiment.results import save_results


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"a.npz"


def cells(n: int = 20) -> Simulation:
    sim = Simulation(seed=1)
    sim.create(n, "lif", name="E", drive={"rate": 1500.0, "weight": 0.8})
    return sim


def streamed(path: Any) -> None:
    sim = cells()
    with sim.streaming(path, {"spikes": SpikeMonitor(sim)}):
        sim.run(5)


DOORS: dict[str, Callable[[Any], Any]] = {
    "save": lambda path: cells().save(path),
    "load": Simulation.load,
    "model.save": lambda path: cells().model.save(path),
    "model.load": BrainModel.load,
    "checkpointing": lambda path: cells().checkpointing(path),
    "streaming": streamed,
    "read_log": read_log,
    "save_results": lambda path: save_results(path, {"a": np.arange(3)}),
}
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "bytes": (b"a.npz", TypeError, "^path: must be a str or Path; got bytes$"),
    "a path of bytes": (BytesPath(), TypeError, "^path: must be a str or Path; got BytesPath$"),
    "a file": (io.BytesIO(), TypeError, "^path: must be a str or Path; got BytesIO$"),
    "a descriptor": (1, TypeError, "^path: must be a str or Path; got int$"),
    "None": (None, TypeError, "^path: must be a str or Path; got NoneType$"),
    "nothing": ("", ValueError, "^path: must not be empty; got ''$"),
    "a null character": ("a\0b", ValueError, r"^path: must hold no null character; got 'a\\x00b'$"),
    "half a character": (
        "\ud800.npz",
        ValueError,
        r"^path: must have characters .* utf-8; got '\\ud800.npz'$",
    ),
    "home": (
        "~/a.npz",
        FileNotFoundError,
        r"in place of ~, as Path\(path\)\.expanduser\(\) .* got '~/a.npz'$",
    ),
    "another's home": ("~ada/a.npz", FileNotFoundError, "got '~ada/a.npz'$"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_path_is_refused_with_its_rule(
    door: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`read_log` raised what pathlib says; "" was the current directory, and checkpoints went to one called "~"."""
    monkeypatch.chdir(tmp_path)
    path, kind, message = WRONG[wrong]
    with pytest.raises(kind, match=message):
        DOORS[door](path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="names of POSIX")
@pytest.mark.parametrize(
    "name", ["a b", "new\nline", "tab\t", "'\"", "-dash", "ü☃", "\x1b[31m", "~", "a~", ".x", " "]
)
def test_a_file_may_have_any_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sim = cells()
    sim.run(5)
    sim.save(tmp_path / name)
    assert Simulation.load(name).digest() == sim.digest()
    Path(name).unlink()
    with sim.checkpointing(tmp_path / name):
        sim.run(5)
    assert Simulation.load(name).digest() == sim.digest()


def test_a_directory_called_tilde_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    cells().save("~/a.npz")
    assert (tmp_path / "~" / "a.npz").is_file()


@pytest.mark.skipif(os.name != "posix", reason="encodings of POSIX")
def test_a_name_that_the_locale_cannot_write_is_refused(tmp_path: Path) -> None:
    """It was a UnicodeEncodeError out of posixpath."""
    program = (
        "from neuromod import Simulation\n"
        "try:\n    Simulation(seed=1).save('\\u2603.npz')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    rule = "path: must have characters that names of files can have here, in ascii; got '\\u2603.npz'"
    assert done.stdout in (f"{rule}\n", "")  # "": the platform has no such locale
    assert done.stdout or (tmp_path / "☃.npz").exists()


def test_a_directory_that_is_a_link_to_nowhere_is_refused_at_the_start(tmp_path: Path) -> None:
    """It was `File exists`."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(
        NotADirectoryError, match=r"link: must be a directory; it is a link that leads to none$"
    ):
        cells().checkpointing(link)
    (tmp_path / "nowhere").mkdir()
    sim = cells()
    with sim.checkpointing(link, every=10.0) as kept:
        sim.run(30)
    assert link.is_symlink() and len(kept.files) == 2
    assert Simulation.load(link).digest() == sim.digest()


# ---- what the disk refuses names the file --------------------------------------------------------------------------


class Full(atomic.Disk):
    """A disk on which nothing more can be written."""

    def write(self, handle: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class ReadOnly(atomic.Disk):
    """A disk on which no file can be made."""

    def create(self, path: str) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)


@pytest.mark.parametrize("disk", [Full, ReadOnly])
def test_what_the_disk_refuses_names_the_file(
    disk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk named none, and one that is read-only a temporary one."""
    sim = cells()
    monkeypatch.setattr(atomic, "DISK", disk())
    for path, act in (("a.npz", sim.save), ("m.npz", sim.model.save), ("r.npz", DOORS["save_results"])):
        with pytest.raises(OSError, match=rf"{path}'$") as caught:
            act(tmp_path / path)  # type: ignore[operator]
        assert caught.value.filename == str(tmp_path / path)
        assert caught.value.errno in (errno.ENOSPC, errno.EROFS)
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_and_logs_on_a_full_disk_name_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = cells()
    monkeypatch.setattr(atomic, "DISK", Full())
    with (
        pytest.warns(NeuromodWarning, match=r"could not be written, the run goes on; .*step-0{13}20\.npz'$"),
        pytest.raises(OSError, match=r"step-0{13}30\.npz'$"),
        sim.checkpointing(tmp_path / "kept", every=20.0),
    ):
        sim.run(30)
    with pytest.raises(OSError, match=r"a\.log'$"):
        streamed(tmp_path / "a.log")


def test_a_file_that_does_not_fit_into_the_memory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuromod import archive

    def none_left(*_: Any) -> Any:
        raise MemoryError("Unable to allocate 9 GiB")

    cells().save(tmp_path / "a.npz")
    monkeypatch.setattr(archive, "unfolded", none_left)
    with pytest.raises(MemoryError, match=r"a\.npz: must fit into the memory; Unable to allocate 9 GiB$"):
        Simulation.load(tmp_path / "a.npz")
