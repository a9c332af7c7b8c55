"""The page on files: its examples run and print what they say, in order, in one interpreter."""

from __future__ import annotations

import contextlib
import io
import re
from importlib import resources
from pathlib import Path

import pytest

PAGE = resources.files("neuromod").joinpath("guide", "files.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_examples_run_and_print_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "guide"}
    for block in BLOCKS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(block, names)
        said = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
        assert said and out.getvalue().splitlines() == said
    assert len(BLOCKS) == 5


def test_the_page_names_the_keys_of_the_manifest(tmp_path: Path) -> None:
    import json
    import zipfile

    from neuromod import BrainModel, archive

    BrainModel("brain_base_model.json").save(tmp_path / "m.npz")
    with zipfile.ZipFile(tmp_path / "m.npz") as file:
        manifest = json.loads(file.read("manifest.json"))
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == list(manifest)
    assert f"| `format` | {archive.FORMAT}, " in PAGE
