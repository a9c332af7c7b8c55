"""The doors that no test goes through, and their reasons: `tests/uncovered.txt` is in step with the sources."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from conftest import CHECKOUT

REASONS = "tests/uncovered.txt"


PACKAGE = "tests/uncovered_package.txt"


@pytest.fixture(scope="module")
def program(checkout: Path) -> dict[str, Any]:
    return runpy.run_path(str(checkout / "tests" / "programs" / "uncovered.py"))


@pytest.mark.parametrize("name", [REASONS, PACKAGE])
def test_each_line_of_the_list_stands_in_its_source(
    checkout: Path, program: dict[str, Any], name: str
) -> None:
    gone = []
    for door in program["listed"](checkout / name):
        file, _, line = door.split(": ", 2)
        lines = [each.strip() for each in (checkout / file).read_text().splitlines()]
        gone += [] if line in lines else [door]
    assert gone == []


def test_a_door_without_a_reason_is_named(
    tmp_path: Path, program: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"executed_lines": [1], "missing_lines": [3], "missing_branches": [[1, 3]]}
    (tmp_path / "core.json").write_text(json.dumps([["csrc/nm_rng.c", "f", "if (x)"]]))
    (tmp_path / "python.json").write_text(json.dumps({"files": {"build/covered/neuromod/closed.py": told}}))
    first = (CHECKOUT / "neuromod" / "closed.py").read_text().splitlines()[0]
    c, python = "csrc/nm_rng.c: f: if (x)", f"neuromod/closed.py: : {first}"
    for known in ([c, python], [c, "neuromod/closed.py: : x"], ["csrc/nm_rng.c: g: if (x)", python]):
        for name, door in zip(("reasons.txt", "package.txt"), known, strict=True):
            (tmp_path / name).write_text(f"It is so.\n    {door}\n")
        files = ("reasons.txt", "core.json", "package.txt", "python.json")
        missing = [door for door in (c, python) if door not in known]
        assert program["main"](*(str(tmp_path / name) for name in files)) == len(missing)
        told_of = capsys.readouterr().out
        assert told_of.count("no reason is written down: ") == len(missing)
        assert all(f"no reason is written down: {door}\n" in told_of for door in missing)
        assert told_of.count("and gone through this time: ") == len(missing)


@pytest.mark.parametrize("name", [REASONS, PACKAGE])
def test_each_has_a_reason(checkout: Path, name: str) -> None:
    lines = [line for line in (checkout / name).read_text().splitlines() if not line.startswith("#")]
    kinds = "".join("." if not line else "d" if line[0].isspace() else "r" for line in lines).strip(".")
    assert all(each.startswith("r") and each.strip("r").strip("d") == "" for each in kinds.split("."))


def test_a_piece_that_never_ran_is_one_door(program: dict[str, Any]) -> None:
    told = {
        "executed_lines": [1, 2, 5, 9],
        "missing_lines": [3, 4, 6, 7, 10],
        "missing_branches": [[2, 3], [6, 7], [9, -1]],
    }
    # 2 never went on to 3; 6 began a piece behind 5, an `except`; 9 never ended the function; 10 is a piece of its own
    assert program["lines_of"](told) == [2, 6, 9, 10]


def test_lines_are_in_the_innermost_function(program: dict[str, Any]) -> None:
    source = "x = 1\nclass A:\n    y = 2\n    def f(self):\n        def g():\n            return 3\n        return g\n"
    assert program["functions_of"](source) == {2: "A", 3: "A", 4: "A.f", 5: "A.f.g", 6: "A.f.g", 7: "A.f"}
