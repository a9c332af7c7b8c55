"""The page on sweeps: its examples run, and what it names is there."""

from __future__ import annotations

import contextlib
import io
import re
from importlib import resources
from pathlib import Path

import pytest

from neuromod.sweeps.engines import NAMES

PAGE = resources.files("neuromod").joinpath("guide", "sweeps.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_examples_run_and_print_what_they_say(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(BLOCKS[number], {"__name__": "guide"})
    said = re.findall(r"^print\(.*\)  # (.*)$", BLOCKS[number], re.MULTILINE)
    assert said and out.getvalue().splitlines() == said


def test_the_page_names_every_engine_and_what_it_needs(checkout: Path) -> None:
    assert len(BLOCKS) == 2
    assert all(f'`"{name}"' in PAGE for name in NAMES)
    extras = (checkout / "pyproject.toml").read_text()
    for extra in re.findall(r"(?:neuromod-snn|`)\[(\w[\w-]*)\]", PAGE):
        assert f"\n{extra} = [" in extras, extra
    for script in re.findall(r"examples/\w+\.py", PAGE):
        assert (checkout / script).exists()
