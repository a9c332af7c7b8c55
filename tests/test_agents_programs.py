"""The programs that measure agents: their regression, their bootstrap interval, and a run on the disk that goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")
PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PROGRAMS))


@pytest.mark.usefixtures("programs")
def test_the_regression_finds_the_weights_that_made_the_choices() -> None:
    from agent_behaviour import logistic

    random = np.random.default_rng(1)
    signs = np.concatenate([np.ones((40_000, 1)), random.choice([-1.0, 1.0], (40_000, 3))], axis=1)
    weights = np.array([0.3, 0.8, 0.0, -0.5])
    chosen = random.random(40_000) < 1.0 / (1.0 + np.exp(-signs @ weights))
    assert logistic(signs, chosen.astype(float)) == pytest.approx(weights, abs=0.05)


@pytest.mark.usefixtures("programs")
def test_an_interval_holds_the_difference_of_the_means() -> None:
    from agent_curves import interval

    low, high = interval(np.array([3.0, 4.0, 5.0, 4.0]), np.array([1.0, 2.0, 1.0, 2.0]))
    assert 1.0 < low < 2.5 < high < 4.0


@pytest.mark.usefixtures("programs")
def test_a_row_of_the_guide_tells_means_effects_and_other_numbers_of_seeds() -> None:
    from agent_curves import KINDS, markdown_row

    scores: dict[str, list[float]] = {kind: [] for kind in KINDS}
    scores |= {
        "free": [50.0, 52.0] * 10,
        "dopamine": [10.0, 12.0] * 5,
        "serotonin": [51.0],
        "table": [52.0, 50.0],
    }
    cells = markdown_row("Bandit", scores).strip("| ").split(" | ")
    assert cells == [
        "Bandit",
        "51.0 (1.0)",
        "11.0 (1.0) [+38.6]",
        "not run",
        "51.0, 1 seed",
        "51.0 (1.0) [+0.0], 2 seeds",
        "not run",
    ]


@pytest.mark.long
def test_curves_go_on_where_the_files_end(tmp_path: Path) -> None:
    for seeds in ("1", "2"):
        subprocess.run(
            [
                *(sys.executable, str(PROGRAMS / "agent_curves.py"), "run", "Bandit"),
                *("--kinds", "free,table,random", "--seeds", seeds, "--to", str(tmp_path)),
            ],
            check=True,
            capture_output=True,
        )
    rows = [json.loads(line) for line in (tmp_path / "Bandit.free.jsonl").read_text().splitlines()]
    assert [row["seed"] for row in rows[1:]] == [0, 1] and rows[1]["figures"]["score"] > 70.0
    table = subprocess.run(
        [sys.executable, str(PROGRAMS / "agent_curves.py"), "table", "--to", str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "free - random" in table and "Bandit (1500 steps)" in table
    figure = tmp_path / "curves.png"
    subprocess.run(
        [sys.executable, str(PROGRAMS / "agent_figure.py"), str(tmp_path), str(figure)],
        check=True,
        env=os.environ | {"MPLBACKEND": "agg"},
    )
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("programs")
def test_a_curve_goes_on_with_its_last_value_where_a_run_has_ended() -> None:
    from agent_figure import curves_of

    table = curves_of([{"curve": "[null, 1.0, null, 2.0, null]"}, {"curve": "[0.5, 1.5, 2.5, null, null]"}])
    assert np.isnan(table[0, 0]) and table[0, 1:].tolist() == [1.0, 1.0, 2.0, 2.0]
    assert table[1].tolist() == [0.5, 1.5, 2.5, 2.5, 2.5]
