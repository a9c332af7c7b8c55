"""The README is executed: its Python blocks in order, the figures in their comments compared.

`python tests/test_readme.py` writes what is computed into the guide, as `python tests/test_guide.py` does.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from guide_pages import write_generated

README = Path(__file__).resolve().parent.parent / "README.md"


def blocks(language: str, document: str | None = None) -> list[str]:
    """Blocks of the README, or of a copy of it."""
    text = README.read_text() if document is None else document
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_first_two_shell_blocks_are_one_line_to_paste_each() -> None:
    main_job, tests = blocks("sh")[:2]
    for block in (main_job, tests):
        assert block.count("\n") == 1
        assert re.match(r"python3 -m venv \S+ && ", block)
    assert main_job.rstrip().endswith("neuromod run")
    assert tests.rstrip().endswith("pytest -q -n 2")


def run_python_blocks(document: str) -> list[tuple[str, str]]:
    """(what a comment says is printed, what was printed), over all Python blocks in one interpreter."""
    namespace: dict[str, Any] = {"__name__": "readme"}
    pairs = []
    for block in blocks("python", document):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, "README.md", "exec"), namespace)
        said = re.findall(r"^print\(.*\)\s+# (\S+)$", block, re.MULTILINE)
        lines = printed.getvalue().splitlines()
        assert len(said) == len(lines), f"every print says what it prints:\n{block}"
        pairs += zip(said, lines, strict=True)
    return pairs


def check_python_blocks(document: str, folder: Path) -> None:
    """Every figure in a comment is the one that is printed; files are written into the folder."""
    with contextlib.chdir(folder):
        pairs = run_python_blocks(document)
    assert len(pairs) >= 8
    for said, printed in pairs:
        assert printed == said


def test_python_blocks_run_and_print_what_they_say(tmp_path: Path) -> None:
    check_python_blocks(README.read_text(), tmp_path)


@pytest.mark.parametrize(("said", "wrong"), [("1.0", "1.1"), ("-45.0", "-55.0"), ("16000", "16001")])
def test_a_wrong_figure_would_be_seen(said: str, wrong: str, tmp_path: Path) -> None:
    """The check itself, on a copy of the README in which one printed figure is another."""
    document = README.read_text()
    changed = re.sub(
        rf"^(print\(.*\)\s+# ){re.escape(said)}$", rf"\g<1>{wrong}", document, count=1, flags=re.M
    )
    assert changed != document, f"no print of the README says {said}"
    with pytest.raises(AssertionError, match=rf"assert '{re.escape(said)}' == '{re.escape(wrong)}'"):
        check_python_blocks(changed, tmp_path)


def test_a_print_without_its_figure_would_be_seen(tmp_path: Path) -> None:
    document = README.read_text()
    changed = re.sub(r"^(print\(.*\))\s+# 16000$", r"\1", document, count=1, flags=re.M)
    assert changed != document
    with pytest.raises(AssertionError, match="every print says what it prints"):
        check_python_blocks(changed, tmp_path)


def test_developing_commands_are_run_by_ci(checkout: Path) -> None:
    """.ci/run takes them from the README, so none can be forgotten; here: that it still does, and that they exist."""
    commands = blocks("sh")[2].splitlines()
    assert len(commands) >= 6
    assert "## Developing" in (checkout / ".ci" / "run").read_text()
    for command in commands:
        for script in re.findall(r"(?<![\w/])\.ci/[\w.]+", command):
            assert (checkout / script).is_file()


def test_it_is_a_front_door() -> None:
    """Short; what is long stands in the guide."""
    assert len(README.read_text().split()) < 1800
    assert "neuromod/guide/index.md" in README.read_text()


if __name__ == "__main__":
    write_generated()
