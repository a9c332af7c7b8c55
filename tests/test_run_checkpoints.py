"""``neuromod run --checkpoint``: after kill -9 the same command goes on, to the same results."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import atomic
from neuromod.cli import main
from neuromod.errors import FileError, NeuromodWarning
from neuromod.experiment import resume
from neuromod.experiment.results import load_results
from neuromod.experiment.run import run_experiment

pytestmark = pytest.mark.long

BRAIN = "brain_base_model.json"
QUICK = ["--set", "experiment.test_images=1", "--set", "experiment.density=0.02", "--seed", "3"]


def same(one: Any, other: Any) -> None:
    """All results but the wall time."""
    assert set(one) == set(other)
    for name in set(one) - {"wall_seconds"}:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Stopping:
    """Asks for an end at the k-th question."""

    def __init__(self, k: int) -> None:
        self.left = k

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def quick() -> Any:
    from neuromod.config.load import load

    content, _ = load(BRAIN, warn=False)
    content["experiment"] = dict(content["experiment"]) | {"test_images": 1, "control": True, "density": 0.02}
    return content


def test_an_interrupted_run_goes_on_to_the_same_results(tmp_path: Path) -> None:
    """Stopped in the test before, in training, in the test after and in the control."""
    content, whole = quick(), run_experiment(quick(), steps=300, seed=3)
    stopped = []
    for k in (3, 14, 4, 8, 17):
        given = {"steps": 300, "seed": 3, "checkpoint": tmp_path / "c", "checkpoint_every": "0.001 s"}
        stopped.append(int(run_experiment(content, stop=Stopping(k), **given)["steps"]))  # type: ignore[arg-type]
    assert stopped[0] == 0 and stopped == sorted(stopped) and len({*stopped, 0, 300}) >= 4, stopped
    same(run_experiment(content, **given), whole)  # type: ignore[arg-type]
    same(run_experiment(content, **given), whole)  # type: ignore[arg-type]
    with pytest.raises(FileError, match=r"training\.npz: must be of the same run; seed differ"):
        run_experiment(content, **given | {"seed": 4})  # type: ignore[arg-type]


def test_a_plain_network_goes_on(tmp_path: Path) -> None:
    content: Any = quick() | {"experiment": {}}
    whole = run_experiment(content, steps=500, seed=3)
    given: Any = {"steps": 500, "seed": 3, "checkpoint": tmp_path}
    assert int(run_experiment(content, stop=Stopping(3), **given)["steps"]) == 200
    same(run_experiment(content, **given), whole)


def test_kill_9_and_the_same_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "--steps", "900", *QUICK]
    assert main([*command, "--out", "whole"]) == 0
    mine = [*command, "--out", "mine", "--checkpoint", "c", "--checkpoint-every", "0.01 s"]
    program = f"import sys; from neuromod.cli import main; sys.exit(main({mine!r}))"
    victim = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    while not Path("c/training.npz").exists():
        assert victim.poll() is None
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert not Path("mine/results.npz").exists()
    assert main(mine) == 0
    same(load_results("mine/results.npz"), load_results("whole/results.npz"))
    assert not Path("c").exists()


def test_a_wrong_time_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--checkpoint", "c", "--checkpoint-every", "often"]) == 2
    assert "--checkpoint-every: must be a number > 0 and s, min, h or days" in capsys.readouterr().err
    Path("file").touch()
    assert main(["run", "--checkpoint", "file"]) == 2
    assert capsys.readouterr().err == "--checkpoint: must be a directory; file is a file\n"
    with pytest.raises(NotADirectoryError, match=r"^checkpoint: must be a directory; file is a file$"):
        run_experiment("brain_base_model.json", steps=10, checkpoint="file")
    assert not Path("c").exists()


class Full(atomic.Disk):
    """A disk on which no checkpoint has room."""

    def write(self, handle: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_costs_the_checkpoints_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ended with an error at its first checkpoint."""
    content: Any = quick() | {"experiment": {}}
    whole = run_experiment(content, steps=300, seed=3)
    monkeypatch.setattr(atomic, "DISK", Full())
    with pytest.warns(NeuromodWarning, match="checkpoint: could not be written, the run goes on; .*No space"):
        found = run_experiment(content, steps=300, seed=3, checkpoint="c", checkpoint_every="0.001 s")
    same(found, whole)
    assert list(Path("c").iterdir()) == []


def after_a_checkpoint(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Something happens in mid-run, after the first checkpoint."""
    real, deeds = resume.save, [deed]

    def save(*given: Any) -> None:
        real(*given)
        while deeds:  # the deed may save, too
            deeds.pop()()

    monkeypatch.setattr(resume, "save", save)


MINE = ["run", "--steps", "300", *QUICK, "--out", "out", "--checkpoint", "c", "--checkpoint-every", "0.001 s"]


def test_directories_that_are_removed_in_mid_run_lose_no_results(monkeypatch: pytest.MonkeyPatch) -> None:
    after_a_checkpoint(monkeypatch, lambda: (shutil.rmtree("c"), shutil.rmtree("out")))
    assert main(MINE) == 0
    assert load_results("out/results.npz")["steps"] == 300


def test_a_directory_that_is_removed_in_mid_run_is_locked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run could begin in it."""
    codes: list[int] = []

    def begin_there() -> None:
        shutil.rmtree("c")
        after_a_checkpoint(monkeypatch, lambda: codes.append(main([*MINE, "--out", "theirs"])))

    after_a_checkpoint(monkeypatch, begin_there)
    assert main(MINE) == 0
    assert codes == [1]
    assert load_results("out/results.npz")["steps"] == 300


@pytest.mark.parametrize("ends", [False, True])
def test_a_directory_that_another_run_has_made_in_mid_run_is_left_alone(
    ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = atomic.HeldDirectory(Path("c"))
    content: Any = quick() | {"experiment": {}}

    def begin_there() -> None:
        shutil.rmtree("c")
        Path("c").mkdir()
        lock.take()
        Path("c/training.npz").write_bytes(b"theirs")
        if ends:
            lock.release()

    after_a_checkpoint(monkeypatch, begin_there)
    words = "must not be there; it is of another run" if ends else "must be of one run"
    with pytest.warns(NeuromodWarning, match=f"could not be written, the run goes on; .*{words}"):
        run_experiment(content, steps=300, seed=3, checkpoint="c", checkpoint_every="0.001 s")
    assert Path("c/training.npz").read_bytes() == b"theirs"
    lock.release()


def test_results_of_another_run_that_came_in_mid_run_stay_and_lose_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs with one --out: the later one ended with FileExistsError, and its results were lost."""
    after_a_checkpoint(monkeypatch, lambda: Path("out/results.npz").write_bytes(b"theirs"))
    assert main(MINE) == 0
    assert Path("out/results.npz").read_bytes() == b"theirs"
    assert load_results("out-2/results.npz")["steps"] == 300
    assert f"written: {Path('out-2/results.npz')}" in capsys.readouterr().out
    assert sorted(path.name for path in Path("out-2").iterdir()) == ["results.npz", "summary.png"]


def test_two_runs_in_one_directory_of_checkpoints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each wrote over the checkpoints of the other one, and the first to end removed them."""
    codes: list[int] = []
    after_a_checkpoint(monkeypatch, lambda: codes.append(main([*MINE, "--out", "theirs"])))
    assert main(MINE) == 0
    assert codes == [1]
    name = Path("c").absolute()
    assert f"{name}: must be of one run; another one writes checkpoints there\n" in capsys.readouterr().err
    assert load_results("out/results.npz")["steps"] == 300
    assert not Path("theirs").exists() and not Path("c").exists()
    assert main([*MINE, "--out", "theirs"]) == 0  # the lock is gone


def test_the_checkpoints_of_a_run_that_has_begun_meanwhile_stay() -> None:
    """Results are written when the run is done; another one may have begun in the directory by then."""
    Path("c").mkdir()
    Path("c/training.npz").write_bytes(b"theirs")
    with atomic.alone_in(Path("c")):
        resume.clear_checkpoints(Path("c"))
    assert Path("c/training.npz").read_bytes() == b"theirs"
    resume.clear_checkpoints(Path("c"))
    assert not Path("c").exists()


def test_a_figure_that_does_not_fit_leaves_no_stray(monkeypatch: pytest.MonkeyPatch) -> None:
    class AlmostFull(atomic.Disk):
        def rename(self, old: str, new: str) -> None:
            if new.endswith(".png"):
                raise OSError(errno.ENOSPC, "No space left on device")
            super().rename(old, new)

    monkeypatch.setattr(atomic, "DISK", AlmostFull())
    assert main(["run", "--steps", "50", *QUICK, "--out", "out"]) == 1
    assert [path.name for path in Path("out").iterdir()] == ["results.npz"]
