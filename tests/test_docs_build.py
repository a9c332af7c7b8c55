"""The reference of the API holds every public name, and the documentation builds without a warning."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import neuromod

BUILD = Path(__file__).resolve().parent.parent / ".docs" / "build"
NEEDED = ("sphinx", "numpydoc", "myst_nb", "pydata_sphinx_theme", "gymnasium")


@pytest.fixture(scope="module")
def build() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("docs_build", str(BUILD))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("docs_build", loader))  # type: ignore[arg-type]
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def test_the_reference_holds_every_public_name(build: ModuleType) -> None:
    pages = "".join(build.reference_page(*page) for page in build.reference().values())
    held = set(re.findall(r":: neuromod\.(?:[\w.]+\.)?(\w+)$", pages, re.MULTILINE))
    assert set(neuromod.__all__) - {"__version__"} <= held


def test_a_name_that_is_new_gets_a_page(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        build, "REFERENCE", {name: page for name, page in build.REFERENCE.items() if name != "monitors"}
    )
    assert "SpikeMonitor" in build.reference()["further"][1]


def test_a_page_of_the_reference_lists_its_classes_and_functions(build: ModuleType) -> None:
    page = build.reference_page(*build.REFERENCE["monitors"])
    assert ".. autoclass:: neuromod.SpikeMonitor" in page
    assert ".. autofunction:: neuromod.plot.raster" in build.reference_page(*build.REFERENCE["plot"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_builds_without_a_warning() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f'{", ".join(missing)} not installed: pip install "neuromod-snn[docs]"')
    done = subprocess.run([sys.executable, str(BUILD), "--no-notebooks"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = BUILD.parent.parent / "build" / "docs" / "html"
    assert "Simulation.connect" in (pages / "api" / "simulation.html").read_text()
    assert (pages / "searchindex.js").stat().st_size > 100_000


def test_the_front_page_of_the_reference_links_to_entries(build: ModuleType) -> None:
    links = set(re.findall(r"\{py:obj\}`\w+ <([\w.]+)>`", build.reference_index()))
    pages = "".join(build.reference_page(*page) for page in build.reference().values())
    entries = set(re.findall(r"^\.\. auto(?:class|function):: ([\w.]+)$", pages, re.MULTILINE))
    assert "neuromod.Simulation" in links and links == entries
