"""The self-test: an episode finds nothing in what is right, and finds what is wrong with the actions that show it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from neuromod import Simulation
from neuromod.cli import main
from neuromod.selftest import episodes
from neuromod.selftest.episodes import episode

pytestmark = pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")


def test_episodes_find_nothing(tmp_path: Path) -> None:
    done: Counter[str] = Counter()
    assert [episode(number, tmp_path, done) for number in range(202, 205)] == [None] * 3
    assert done["episodes"] + done["episodes that diverged"] == 3


def test_the_same_number_is_the_same_episode(tmp_path: Path) -> None:
    one, other = (episodes._plan(7) for _ in range(2))
    assert [(actions, name) for actions, name, _ in one] == [(actions, name) for actions, name, _ in other]
    assert len({str(episodes._plan(k)[0][0]) for k in range(20)}) > 10


def test_a_fault_is_found_with_the_actions_that_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fault: what is loaded has lost one spike under way, or a bit of a weight."""
    load = Simulation.load.__func__  # type: ignore[attr-defined]

    def faulty(cls: Any, path: Any, **given: Any) -> Any:
        sim = load(cls, path, **given)
        sim.model.neurons.drive_weight[:] *= 1.0 + 2**-40
        return sim

    monkeypatch.setattr(Simulation, "load", classmethod(faulty))
    number = next(
        k for k in range(309, 400) if any(a.name == "file" for part in episodes._plan(k) for a in part[0])
    )
    found = episode(number, tmp_path, Counter())
    assert found is not None and found.what.startswith("digest ")
    assert len(found.words) == 1 and found.words[0].split()[0] in ("file", "checkpoints")
    assert main(["selftest", "--case", str(number), "--only", ",".join(map(str, found.actions))]) == 1
    said = capsys.readouterr().out
    assert f"DIFFERENCE in episode {number}" in said and "differences: 1" in said
    assert f"neuromod selftest --case {number} --only '{found.actions[0]}'" in said


def test_the_command_says_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--case", "200"]) == 0
    assert capsys.readouterr().out.endswith("differences: 0\n")


@pytest.mark.parametrize(
    "given", [["--minutes", "-1"], ["--minutes", "nan"], ["--only", "1"], ["--case", "1", "--only", "x"]]
)
def test_wrong_options_are_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["selftest", *given])
    except SystemExit as error:
        code = int(str(error.code))
    assert code == 2 and "--" in capsys.readouterr().err
