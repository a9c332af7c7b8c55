"""What every test may rely on: the installed package, never the source folder beside it."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault(
    "PYTHONSAFEPATH", "1"
)  # child processes import the installed package, whatever their folder
os.environ.setdefault("MPLBACKEND", "Agg")
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # as of `pytest &` in a script: no process below would hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHECKOUT = Path(__file__).resolve().parent.parent

# Files of which no test is `fast`: they run examples, the benchmark, whole experiments, the documents, or thousands of
# drawn configurations. A single long test elsewhere is marked `long`.
LONG_FILES = {
    "test_bench.py",
    "test_cli.py",
    "test_config_mutants.py",
    "test_examples.py",
    "test_experiment.py",
    "test_readme.py",
    "test_tutorial.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `fast` what is neither in LONG_FILES nor marked `long` or `slow`: `pytest -m fast`, a minute on one core.
    Without -m the mark selects nothing and leaves nothing out."""
    for item in items:
        own = {mark.name for mark in item.iter_markers()}
        if item.path.name not in LONG_FILES and not own & {"long", "slow"}:
            item.add_marker("fast")


def pytest_sessionstart(session: pytest.Session) -> None:
    package = importlib.util.find_spec("neuromod")
    if package is None or importlib.util.find_spec("neuromod._machine") is None:
        pytest.exit(
            f"the tests need the built and installed package (found: {package and package.origin}): run "
            "`pip install .`, then `pytest` (not `python -m pytest`, which imports the source folder)",
            returncode=2,
        )


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The source tree that the tests belong to."""
    return CHECKOUT


def pytest_collection_finish() -> None:
    """Thousands of collected tests are not walked by each garbage collection."""
    gc.collect()
    gc.freeze()
