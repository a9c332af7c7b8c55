"""The page on agents: its examples run, one after the other, and print what they say."""

from __future__ import annotations

import contextlib
import io
import re
from importlib import resources

import pytest

pytest.importorskip("gymnasium")

PAGE = resources.files("neuromod").joinpath("guide", "agents.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.long
def test_examples_run_and_print_what_they_say() -> None:
    own: dict[str, object] = {"__name__": "guide"}
    for block in BLOCKS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(block, own)
        said = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
        assert said and out.getvalue().splitlines() == said, block


def test_every_task_and_public_name_is_on_the_page() -> None:
    from neuromod import agents
    from neuromod.agents.tasks import task_names

    assert len(BLOCKS) >= 7
    assert all(f"`{name}`" in PAGE for name in task_names())
    missing = [name for name in agents.__all__ if name not in PAGE]
    assert set(missing) <= {"History", "Settings", "decoder_for", "encoder_for"}
