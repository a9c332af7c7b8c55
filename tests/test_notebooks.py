"""The notebooks: stored without outputs, and executed; their own assertions hold."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_all_are_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "agents",
        "analysis",
        "first_network",
        "learning",
        "modulators",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_without_outputs_and_asserts_what_it_shows(path: Path) -> None:
    cells = read(path)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert sum(source(cell).count("assert ") for cell in code) >= 2
    first = source(cells[0])
    assert cells[0]["cell_type"] == "markdown" and first.startswith("# ")
    extras = "notebook,rl" if path.stem == "agents" else "notebook"
    assert f'install in a clone `pip install ".[{extras}]" jupyterlab`' in " ".join(first.split())


@pytest.fixture(autouse=True)
def kernels_draw_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)


def executed(content: dict[str, Any], folder: Path) -> Any:
    for module in ("nbclient", "ipykernel", "matplotlib", "gymnasium"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f'{module} is not installed: pip install "neuromod-snn[notebook]"')
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.reads(json.dumps(content), as_version=4)  # type: ignore[no-untyped-call]
    about = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=120, kernel_name="python3", resources=about).execute()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_shows_figures_and_says_nothing_on_standard_error(path: Path, tmp_path: Path) -> None:
    cells = executed(read(path), tmp_path)["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) >= 3


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_notebook_that_shows_something_else_fails(tmp_path: Path) -> None:
    content = read(FOLDER / "modulators.ipynb")
    changed = json.loads(json.dumps(content).replace("errors[0].argmax() == 15", "errors[0].argmax() == 14"))
    assert changed != content
    content["cells"] = [changed["cells"][1], *changed["cells"][-4:-1]]
    pytest.importorskip("nbclient", reason="nbclient is an extra")
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match="AssertionError"):
        executed(content, tmp_path)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_figures_of_later_cells_are_shown_too(tmp_path: Path) -> None:
    """What the first figure sets up stays, also where it was made by a plot of ours."""
    content = read(FOLDER / "modulators.ipynb")
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    draw = "from neuromod import plot\nplot.weights([0.1, 0.2]);"
    cells = [{**cell, "id": f"c{k}", "source": draw} for k in range(3)]
    shown = [each["outputs"] for each in executed({**content, "cells": cells}, tmp_path)["cells"]]
    assert [sum("image/png" in output.get("data", {}) for output in each) for each in shown] == [1, 1, 1]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_first_figure_of_a_notebook_shows_itself_once(tmp_path: Path) -> None:
    """Of whichever function it is: nothing has set up figures before."""
    content = read(FOLDER / "modulators.ipynb")
    run = "from neuromod.experiment import run_experiment\nr = run_experiment('brain_base_model.json', steps=30)"
    for last in (f"{run}\nplot.summary(r)", "plot.weights([0.1, 0.2])"):
        cell = {"cell_type": "code", "execution_count": None, "id": "one", "metadata": {}, "outputs": []}
        cells = [{**cell, "source": f"from neuromod import plot\n{last}"}]
        outputs = executed({**content, "cells": cells}, tmp_path)["cells"][0]["outputs"]
        assert sum("image/png" in output.get("data", {}) for output in outputs) == 1, last
