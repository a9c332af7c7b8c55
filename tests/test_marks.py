"""The marks: `fast` is what is neither in a file of long tests nor marked `long` or `slow`, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import LONG_FILES

TESTS = Path(__file__).resolve().parent


def test_every_file_of_long_tests_exists() -> None:
    """A name that is left over after a file was renamed would put long tests among the fast ones."""
    assert {path.name for path in TESTS.glob("test_*.py")} >= LONG_FILES


def test_fast_is_never_set_by_hand() -> None:
    by_hand = re.compile(r"mark\.fast\b")
    assert by_hand.search("@pytest.mark.fast\ndef test_it(): ...")
    assert not [
        path.name
        for path in TESTS.glob("test_*.py")
        if path != Path(__file__) and by_hand.search(path.read_text())
    ]


def test_every_collected_test_is_fast_or_has_a_reason(request: pytest.FixtureRequest) -> None:
    """Of the tests that this very run has selected."""
    items = request.session.items
    assert request.node in items
    wrong = []
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        left_out = item.path.name in LONG_FILES or bool(marks & {"long", "slow"})
        if ("fast" in marks) == left_out:
            wrong.append(item.nodeid)
    assert not wrong
