"""Every example runs, and its own assertions hold."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
PUBLISHED = {  # replications of whole experiments: what makes them short enough for a test
    "florian_xor.py": ["--seeds", "2"],
    "actor_critic_gridworld.py": ["--seeds", "3"],
}


def run(script: Path, folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=280)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    arguments = PUBLISHED.get(script.name, [])
    draws = bool(arguments) and importlib.util.find_spec("matplotlib") is not None
    if draws:
        importlib.import_module("matplotlib.font_manager")  # its cache, made once, is there for the script
        arguments = [*arguments, "--figure", "curves.png"]
    done = run(script, tmp_path, arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout
    assert "assert " in script.read_text()
    assert (tmp_path / "curves.png").exists() == draws


def test_there_are_examples_and_they_are_short() -> None:
    lengths = {script.name: len(script.read_text().splitlines()) for script in SCRIPTS}
    assert {"quick_start.py", "brunel.py", "reward_learning.py", *PUBLISHED} <= set(lengths)
    assert {"td_dopamine.py", "discounting.py", "metalearning.py", "uncertainty.py"} <= set(lengths)
    assert {"inverted_u.py", "gain.py", "lc_burst.py"} <= set(lengths)
    long = [name for name, lines in lengths.items() if lines > (160 if name in PUBLISHED else 100)]
    assert not long, lengths


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


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (
            "td_dopamine.py",
            "critic = TDCritic(learning_rate, discount)",
            "critic = TDCritic(0.99 * learning_rate, discount)",
        ),
        ("discounting.py", "range(WAIT + 1)", "range(WAIT)"),
        ("gain.py", "z = y + rng", "z = x + rng"),
        ("inverted_u.py", "SEEDS = 60, 30, 40, 20", "SEEDS = 60, 30, 40, 4"),
        ("lc_burst.py", "TO_LC = 1.84, 2.0, 0.3", "TO_LC = 1.84, 2.0, 0.0"),
        ("reward_per_stimulus.py", 'stimulus if expect_each else "any"', "stimulus"),
        ("florian_xor.py", "(-1, 1, 1, -1)", "(1, -1, -1, 1)"),
        ("actor_critic_gridworld.py", "self.learn(1.0, expected)", "self.learn(0.0, expected)"),
    ],
)
def test_an_example_whose_model_is_broken_fails(name: str, old: str, new: str, tmp_path: Path) -> None:
    text = (FOLDER / name).read_text()
    assert old in text
    if name == "inverted_u.py":  # a sweep that ends before too much has no optimum inside
        text = text.replace("np.linspace(0.0, 1.0, 11)", "np.linspace(0.0, 0.5, 3)")
    broken = tmp_path / name
    broken.write_text(text.replace(old, new))
    done = run(broken, tmp_path, PUBLISHED.get(name, []))
    assert done.returncode == 1
    assert "AssertionError" in done.stderr


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("brunel.py", ["--scale", "0"]),
        ("brunel.py", ["--scale", "nan"]),
        ("florian_xor.py", ["--seeds", "1"]),
        ("actor_critic_gridworld.py", ["--seeds", "0"]),
        ("agents.py", ["--seeds", "-1"]),
    ],
)
def test_an_option_with_which_nothing_can_be_shown_is_refused(
    name: str, options: list[str], tmp_path: Path
) -> None:
    """It ended in a ZeroDivisionError, or in a bare AssertionError after the whole run."""
    words = [sys.executable, str(FOLDER / name), *options]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"error: {options[0]}" in ended.stderr
