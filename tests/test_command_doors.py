"""The commands where something is missing or comes between: Ctrl-C at the import, launchers, checkpoints, the disk."""

from __future__ import annotations

import errno
import json
import runpy
import signal
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from swept import CONFIG

from neuromod.cli import main
from neuromod.experiment import command, results
from neuromod.experiment.results import load_results
from neuromod.terminal import WrongInput


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.json").write_text(json.dumps(CONFIG))


class Interrupted(ModuleType):
    """A module whose import is interrupted."""

    def __getattr__(self, name: str) -> Any:
        if name == "main":
            raise KeyboardInterrupt
        raise AttributeError(name)


def test_ctrl_c_while_the_package_is_imported_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neuromod.cli", Interrupted("neuromod.cli"))
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("neuromod", run_name="__main__")
    assert caught.value.code == 130


@pytest.mark.parametrize("text", ["long", "0", "inf", "nan"])
def test_a_time_is_a_number_above_zero(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "net.json", "--ms", text])
    assert caught.value.code == 2
    assert f"argument --ms: must be a number > 0; got '{text}'" in capsys.readouterr().err


def test_what_the_run_refuses_names_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "net.json", "--ms", "0.55", "--out", "here"]) == 2
    assert capsys.readouterr().err.startswith("--ms: must be a whole number of steps of 1 ms; got 0.55 ms")
    assert not Path("here").exists()


@pytest.mark.parametrize(("held", "stays"), [(False, False), (True, True)])
def test_a_directory_of_checkpoints_that_was_made_for_nothing_goes(held: bool, stays: bool) -> None:
    if held:
        Path("c").mkdir()
    assert main(["run", "net.json", "--ms", "0.55", "--checkpoint", "c"]) == 2
    assert Path("c").exists() is stays


def test_a_directory_of_checkpoints_that_holds_some_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, checkpoint: Path, **__: Any) -> None:
        (checkpoint / "training.npz").write_bytes(b"PK")
        raise ValueError("ms: must be another")

    monkeypatch.setattr("neuromod.experiment.run.run_experiment", fail)
    assert main(["run", "net.json", "--checkpoint", "c"]) == 2
    assert [path.name for path in Path("c").iterdir()] == ["training.npz"]


def test_several_processes_need_mpi4py(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert main(["run", "net.json"]) == 2
    assert capsys.readouterr().err.startswith("run: several processes were launched; ")


def test_the_launcher_is_that_of_the_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "3")
    command.check_launched(SimpleNamespace(size=3))  # type: ignore[arg-type]
    with pytest.raises(WrongInput, match="it has started 3 processes, and MPI has 1"):
        command.check_launched(SimpleNamespace(size=1))  # type: ignore[arg-type]


@pytest.mark.parametrize("tells", [False, True])
def test_the_first_rank_alone_says_that_it_stops(tells: bool, capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    asked = command._Asked(tells)
    try:
        assert not asked.is_set()
        asked.set(signal.SIGINT, None)
        assert asked.is_set() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert capfd.readouterr().err == (
        "\nstopping; once more to stop at once and lose the results\n" if tells else ""
    )


def test_an_error_of_the_disk_is_not_one_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    Path("results.npz").write_bytes(b"PK\x03\x04")
    monkeypatch.setattr(results, "_read_archive", refuse)
    with pytest.raises(OSError, match="Input/output error") as caught:
        load_results("results.npz")
    assert type(caught.value) is OSError


def test_a_sense_that_is_not_there_is_named_alone(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = CONFIG | {
        "experiment": {"sense": "smell", "readout": "A", "connection_probability": 0.2, "steps": 40}
    }
    Path("bad.json").write_text(json.dumps(wrong))
    assert main(["validate", "bad.json"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["experiment.sense"]
