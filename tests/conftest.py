"""What every test may rely on: the installed package, never the source folder beside it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

os.environ.setdefault(
    "PYTHONSAFEPATH", "1"
)  # child processes import the installed package, whatever their folder
os.environ.setdefault("MPLBACKEND", "Agg")

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_sessionstart(session: pytest.Session) -> None:
    package = importlib.util.find_spec("neuromod")
    if package is None or importlib.util.find_spec("neuromod._core") is None:
        pytest.exit(
            f"the tests need the built and installed package (found: {package and package.origin}): run "
            "`pip install .`, then `pytest` (not `python -m pytest`, which imports the source folder)",
            returncode=2,
        )


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The source tree that the tests belong to."""
    return CHECKOUT
