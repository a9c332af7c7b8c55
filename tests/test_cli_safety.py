"""The command line under bad hands: exit codes 0, 1, 2 and 130 alone, and no file is replaced unasked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from neuromod.cli import main
from neuromod.experiment import command

QUICK = ["--steps", "30", "--set", "experiment.test_images=1", "--set", "experiment.test_steps=10"]
BENCH = ["bench", "tutorial_example_4", "--t", "1"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def code_of(*words: str) -> int:
    try:
        return main(words)
    except SystemExit as end:  # argparse
        return end.code if isinstance(end.code, int) else -1


def names(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def told(*words: str, closed: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own. `closed`: what a shell does with its streams."""
    line = " ".join([sys.executable, "-m", "neuromod", *words, closed])
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=120, check=False)


# ---- places for the output -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--out", "--report", "--checkpoint"])
def test_an_empty_name_is_no_place(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It was the current directory."""
    assert code_of("run", *QUICK, option, "") == 2
    assert "must be the name of a file or directory; got ''" in capsys.readouterr().err
    assert names() == []


@pytest.mark.parametrize(
    "report", ["here", "here/results.npz", "here/summary.png", "loop", "x" * 300, "pipe"]
)
def test_a_report_where_none_can_be_is_refused_before_the_run(
    report: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the place of the results it replaced them."""
    Path("loop").symlink_to("loop")
    os.mkfifo("pipe")
    monkeypatch.setattr(command, "_write", None)
    for force in ([], ["--force"]):
        assert code_of("run", *QUICK, "--out", "here", "--report", report, *force) == 2
        assert capsys.readouterr().err.startswith("--report: ")
    assert not Path("here").exists()


def test_a_report_may_stand_beside_the_results() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    assert code_of("run", *QUICK, "--out", "here", "--report", "here/report.html") == 0
    assert names("here") == ["report.html", "results.npz", "summary.png"]


def test_what_comes_in_mid_run_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program's figure and report: ours go beside them."""
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    write = command._write

    def late(*given: Any) -> bool:
        Path("here/summary.png").write_text("mine")
        Path("r.html").write_text("mine")
        return write(*given)

    monkeypatch.setattr(command, "_write", late)
    assert code_of("run", *QUICK, "--out", "here", "--report", "r.html") == 0
    assert Path("here/summary.png").read_text() == Path("r.html").read_text() == "mine"
    assert Path("here-2/summary.png").exists() and Path("r-2.html").exists()


def test_checkpoints_where_none_can_be_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("mine")
    assert code_of("run", *QUICK, "--out", "here", "--checkpoint", "file/c") == 2
    assert capsys.readouterr().err.startswith("--checkpoint: ")
    assert names() == ["file"]


@pytest.mark.parametrize("option", ["--json", "--history"])
@pytest.mark.parametrize("where", ["nowhere/f", "folder", "loop", ""])
def test_a_bench_with_nowhere_to_write_is_refused_before_it(
    option: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    assert code_of(*BENCH, option, where) == 2
    assert option in capsys.readouterr().err


def test_a_bench_replaces_no_file_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path("f").write_text("mine")
    assert code_of(*BENCH, "--json", "f") == 2
    assert "--json: f exists already; --force replaces it" in capsys.readouterr().err
    assert Path("f").read_text() == "mine"
    assert code_of(*BENCH, "--json", "f", "--force") == 0
    assert json.loads(Path("f").read_text().splitlines()[0])["workload"] == "machine"


def test_a_sweep_replaces_no_table_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    Path("neuromod-sweep.csv").write_text("mine")
    sweep = ["sweep", "brain_base_model.json", "--steps", "5", "--on", "here"]
    sweep += ["--over", "experiment.test_images=0"]
    assert code_of(*sweep) == 2
    assert "--table: neuromod-sweep.csv exists already; --force replaces it" in capsys.readouterr().err
    assert Path("neuromod-sweep.csv").read_text() == "mine" and not Path("neuromod-sweep.jsonl").exists()
    assert code_of(*sweep, "--force") == 0
    assert code_of(*sweep) == 0  # goes on with its own rows, and writes its own table again


# ---- numbers, streams, Ctrl-C --------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--case", "--seed"])
@pytest.mark.parametrize("value", ["-3", "1e3", str(2**64), ""])
def test_a_number_of_an_episode_that_is_none(option: str, value: str) -> None:
    assert code_of("selftest", "--minutes", "0.001", f"{option}={value}") == 2


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "0<&- 1>&- 2>&-"])
def test_a_message_that_nobody_can_read_leaves_the_exit_code(closed: str) -> None:
    assert told("validate", "missing.json", closed=closed).returncode == 2


def test_closed_streams_do_not_get_into_files() -> None:
    """A file that is opened when standard error is closed would get its number, and the messages."""
    assert told("run", *QUICK, "--out", "here", closed="0<&- 1>&- 2>&-").returncode == 0
    assert Path("here/results.npz").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["selftest", "--minutes", "9"],
        ["bench", "micro"],
        ["bench", "shapes"],
        ["run", "--steps", "9000000", "--out", "o"],
    ],
)
def test_ctrl_c_is_130(words: list[str]) -> None:
    started = [sys.executable, "-m", "neuromod", *words]
    with subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3.0)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_bench_that_is_killed_leaves_no_process(how: signal.Signals) -> None:
    """Its workers, and theirs, waited for work for ever, with the memory of a network."""
    started = [sys.executable, "-m", "neuromod", "bench", "shapes"]
    with subprocess.Popen(started, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:  # itself, a tracker, a worker, and that one's
            assert soon(lambda: len(processes_of(process.pid)) >= 4)
            process.send_signal(how)
        except BaseException:
            process.kill()
            raise
    assert soon(lambda: not processes_of(process.pid))


def soon(is_so: Callable[[], bool]) -> bool:
    """Whether it is so at some moment of the next minute."""
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def processes_of(session: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, _, _, its_session = file.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append(int(file.parent.name))
    return found


def console_script() -> str:
    """What the script of the command calls: in a clone as it would be installed now."""
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if project.exists():
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["scripts"]["neuromod"])
    (entry,) = entry_points(group="console_scripts", name="neuromod")
    return entry.value


@pytest.mark.parametrize("module", ["argparse", "numpy"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "module"])
def test_ctrl_c_while_modules_are_imported_is_130(module: str, script: bool, tmp_path: Path) -> None:
    """The script of the command printed Python's traceback; NumPy makes an ``ImportError`` of it."""
    (tmp_path / f"{module}.py").write_text(
        "import os, signal, time\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(9)\n"
        "except KeyboardInterrupt as error:\n    raise ImportError from error\n"
    )
    module, _, name = console_script().partition(":")
    code = f"import sys; from {module} import {name} as main; sys.argv[1:] = ['info']; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, *(["-c", code] if script else ["-m", "neuromod", "info"])],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (130, b"interrupted; nothing was written\n")


def test_ctrl_c_that_is_ignored_stays_so() -> None:
    """As behind ``nohup``, or in the background of a script."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from neuromod.__main__ import main; "
        "main(); print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "guide"], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.endswith("True\n")


def test_ctrl_c_while_the_command_line_is_read_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neuromod.cli._parser", press)
    assert main(["info"]) == 130
