"""Every link of the README, guide, gallery and notebooks leads somewhere; citation, metadata and workflows agree."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from guide_pages import CHECKOUT, anchors, links, pages

import neuromod

DOCUMENTS = sorted(
    [
        *(CHECKOUT / name for name in ("README.md", "CHANGELOG.md", "csrc/README.md", "examples/README.md")),
        *pages(),
        *(CHECKOUT / "examples").glob("*.ipynb"),
    ]
)


def text_of(path: Path) -> str:
    """A document; of a notebook its Markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def broken(path: Path, document: str) -> list[str]:
    """Links that lead nowhere: files and headings that are not there, and addresses that are none."""
    wrong = []
    for link in links(document):
        if re.match(r"\w+:", link):
            parts = urlsplit(link)
            if parts.scheme != "https" or "." not in parts.netloc:
                wrong.append(link)
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        there = target.exists() and target.is_relative_to(CHECKOUT)
        if there and anchor:
            there = anchor in anchors(document if target == path else text_of(target))
        if not there:
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    assert broken(path, text_of(path)) == []


def test_there_are_links_and_a_broken_one_is_found() -> None:
    assert sum(len(links(text_of(path))) for path in DOCUMENTS) > 150
    page = CHECKOUT / "neuromod" / "guide" / "index.md"
    assert broken(page, "[a](nowhere.md) [b](models.md#nothing) [c](http://x.y) [d](#none)\n") == [
        "nowhere.md",
        "models.md#nothing",
        "http://x.y",
        "#none",
    ]


def test_the_gallery_has_every_example_with_a_sentence_and_a_figure() -> None:
    gallery = CHECKOUT / "examples" / "README.md"
    text, folder = gallery.read_text(), gallery.parent
    rows = dict(
        re.findall(
            r"^\| \[(\w+)\.py\]\(\w+\.py\): [^|]+\. \| !\[[^\]]+\]\((figures/\w+\.png)\) \|$", text, re.M
        )
    )
    assert rows == {name: f"figures/{name}.png" for name in rows}
    assert len(rows) > 20
    for path in folder.glob("*.py"):
        assert f"[{path.name}]({path.name}): " in text, f"{path.name}: run `python tests/test_guide.py`"
    for path in folder.glob("*.ipynb"):
        assert f"]({path.name})" in text
    figures = list((folder / "figures").iterdir())
    assert {path.stem for path in figures} == set(rows)
    assert sum(path.stat().st_size for path in figures) < 550_000


def test_citation_metadata_and_changelog_agree_with_the_version() -> None:
    citation = (CHECKOUT / "CITATION.cff").read_text()
    assert citation.startswith("cff-version: 1.2.0\n")
    assert re.search(r"^version: (\S+)$", citation, re.M).group(1) == neuromod.__version__  # type: ignore[union-attr]
    for key in ("message", "title", "authors", "license"):
        assert re.search(rf"^{key}:", citation, re.M), key
    assert f"## {neuromod.__version__}" in (CHECKOUT / "CHANGELOG.md").read_text()
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert all(link.startswith("https://") for link in project["urls"].values())
    assert {"plot", "progress", "notebook", "docs"} <= set(project["optional-dependencies"])


def test_actions_of_workflows_are_pinned_by_commit() -> None:
    used = [
        line
        for path in (CHECKOUT / ".github" / "workflows").glob("*.yml")
        for line in re.findall(r"uses: (.*)$", path.read_text(), re.M)
    ]
    assert len(used) >= 5
    assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v[\d.]+", line)] == []
