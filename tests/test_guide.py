"""The guide is executed: every block of every page, every link, and what is generated from tables is in step.

`python tests/test_guide.py` writes anew what is generated: the index, the configuration reference, the models.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import warnings
from pathlib import Path

import pytest
from guide_pages import (
    GENERATED,
    GUIDE,
    blocks,
    generated,
    pages,
    said_and_printed,
    without_code,
    write_generated,
)

from neuromod import BrainModel, cli

TESTS = Path(__file__).resolve().parent
LANGUAGES = {"python", "sh", "json", "c", "console", "text"}


def executed_elsewhere(page: Path) -> bool:
    """Whether another test file names the page and executes its blocks."""
    others = (path.read_text() for path in TESTS.glob("test_*.py") if path.name != Path(__file__).name)
    runs = ("exec(", "subprocess.run(")
    return any(f'"{page.name}"' in text and any(run in text for run in runs) for text in others)


OWN = [page for page in pages() if not executed_elsewhere(page)]


def ids(page: Path) -> str:
    return page.stem


def check(document: str, name: str, folder: Path) -> int:
    """Run a page; the number of figures that were compared."""
    with contextlib.chdir(folder):
        pairs = list(said_and_printed(document, name))
    for said, printed in pairs:
        assert printed == said
    return len(pairs)


@pytest.mark.long
@pytest.mark.parametrize("page", [page for page in OWN if blocks(page.read_text(), "python")], ids=ids)
def test_python_blocks_run_and_print_what_they_say(page: Path, tmp_path: Path) -> None:
    if "neuromod.plot" in page.read_text() or "import plot" in page.read_text():
        pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    assert check(page.read_text(), page.name, tmp_path) >= 1 or blocks(page.read_text(), "sh")


def test_most_pages_are_executed_here() -> None:
    assert {"first_network", "modulators", "learning", "sources_and_recording"} <= {page.stem for page in OWN}


def test_a_wrong_figure_would_be_seen(tmp_path: Path) -> None:
    document = "```python\nprint(1 + 1)  # 3\n```\n"
    with pytest.raises(AssertionError):
        check(document, "page", tmp_path)
    with pytest.raises(AssertionError, match="every print says"):
        check(document.replace("  # 3", ""), "page", tmp_path)


@pytest.mark.parametrize("page", pages(), ids=ids)
def test_every_block_is_of_a_language_that_a_test_runs(page: Path) -> None:
    """`console` is what a reader types to install and build, `text` what another simulator runs."""
    found = re.findall(r"^```(\w*)\n", page.read_text(), re.MULTILINE)
    opened = [language for k, language in enumerate(found) if language]
    assert set(opened) <= LANGUAGES, f"{page.name}: {set(opened) - LANGUAGES}"


@pytest.mark.long
@pytest.mark.parametrize("page", [page for page in OWN if blocks(page.read_text(), "sh")], ids=ids)
def test_commands_run(page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sh blocks, line by line, after the Python blocks of the page, which write the files."""
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    check(page.read_text(), page.name, tmp_path)
    with contextlib.chdir(tmp_path):
        for line in "".join(blocks(page.read_text(), "sh")).splitlines():
            command, *arguments = shlex.split(line)
            assert command == "neuromod", line
            assert cli.main(arguments) == cli.DONE, f"{line}\n{capsys.readouterr()}"


@pytest.mark.parametrize("page", [page for page in OWN if blocks(page.read_text(), "json")], ids=ids)
def test_json_blocks_are_configurations(page: Path) -> None:
    for block in blocks(page.read_text(), "json"):
        content = json.loads(block)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            BrainModel(config={"areas": [], **content})


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.parent.name + "/" + path.name)
def test_what_is_generated_is_in_step(path: Path) -> None:
    assert generated(path.read_text()) == GENERATED[path](), "run `python tests/test_guide.py`"


def test_a_wrong_default_would_be_seen() -> None:
    page = GUIDE / "models.md"
    document = page.read_text()
    assert "`tau_m` 20 ms" in document
    assert generated(document.replace("`tau_m` 20 ms", "`tau_m` 21 ms")) != GENERATED[page]()


def test_each_page_is_in_the_index_and_begins_with_a_title_and_a_sentence() -> None:
    index = (GUIDE / "index.md").read_text()
    for page in pages():
        assert re.match(r"# \S.*\n\n\S", page.read_text()), f"{page.name}: begins with a title and a sentence"
        assert page.stem == "index" or f"]({page.name})" in index, (
            f"{page.name}: run `python tests/test_guide.py`"
        )


def test_options_that_the_page_of_the_command_line_explains_are_options() -> None:
    page = (GUIDE / "command_line.md").read_text()
    told = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", page.split("<!-- generated -->")[0]))
    listed = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", generated(page)))
    assert told and told - {"--help"} <= listed
    assert {"--set", "--report", "--markdown", "--vector"} <= listed


def test_names_of_the_package_on_the_pages_exist() -> None:
    """`neuromod.x.y` in backquotes names something."""
    import importlib

    for page in OWN:
        for name in re.findall(r"`neuromod\.([\w.]+)", page.read_text()):
            parts = name.rstrip(".").split(".")
            thing: object = importlib.import_module("neuromod")
            for k, part in enumerate(parts):
                if not hasattr(thing, part):
                    thing = importlib.import_module(f"neuromod.{'.'.join(parts[: k + 1])}")
                else:
                    thing = getattr(thing, part)


def test_each_of_the_eighteen_expectations_has_tests_that_exist() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", (GUIDE / "expectations.md").read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 19))
    for number, cell in rows:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", cell)
        assert named, f"expectation {number} names no test"
        for file, test in named:
            assert f"def {test}(" in (TESTS / file).read_text(), f"{file} has no {test}"


def test_code_fits_a_page() -> None:
    wide = [
        f"{page.name}: {line}"
        for page in OWN
        for block in blocks(page.read_text(), "python")
        for line in block.splitlines()
        if len(line) > 110
    ]
    assert wide == []


def test_pages_are_short() -> None:
    long = {page.name: n for page in OWN if (n := len(without_code(page.read_text()).split())) > 2500}
    assert set(long) <= {"configuration.md", "models.md"}, long  # tables


if __name__ == "__main__":
    write_generated()
