"""Every example runs, and its own assertions hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))


def run(script: Path, folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=280)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    done = run(script, tmp_path, [])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout
    assert "assert " in script.read_text()


def test_there_are_examples_and_they_are_short() -> None:
    assert {"quick_start.py", "brunel.py", "reward_learning.py"} <= {script.name for script in SCRIPTS}
    long = [script.name for script in SCRIPTS if len(script.read_text().splitlines()) > 100]
    assert not long


def test_an_example_that_shows_something_else_fails(tmp_path: Path) -> None:
    text = (FOLDER / "quick_start.py").read_text()
    assert "abs(dopamine - 0.9)" in text
    broken = tmp_path / "broken.py"
    broken.write_text(text.replace("abs(dopamine - 0.9)", "abs(dopamine - 0.8)"))
    done = run(broken, tmp_path, [])
    assert done.returncode == 1
    assert "AssertionError" in done.stderr


def test_brunel_also_runs_at_a_tenth(tmp_path: Path) -> None:
    done = run(FOLDER / "brunel.py", tmp_path, ["--scale", "0.1"])
    assert done.returncode == 0, done.stderr
    assert "1,250 neurons, 156,250 synapses" in done.stdout
