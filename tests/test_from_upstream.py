"""The page for readers of upstream's files: its examples run, its names exist, and upstream's sections load."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import warnings
from importlib import resources
from pathlib import Path

import pytest

from neuromod import BrainModel, Simulation

PAGE = resources.files("neuromod").joinpath("guide", "from_upstream.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_examples_run_and_print_what_they_say(number: int) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(BLOCKS[number], {"__name__": "guide"})
    said = re.findall(r"^print\(.*\)  # (.*)$", BLOCKS[number], re.MULTILINE)
    assert said and out.getvalue().splitlines() == said


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 5


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "plasticity",
            "hebbian_update weight_decay_update stdp_update homeostatic_update bcm_threshold bcm_update",
        ),
        ("plasticity", "ShortTermSynapse"),
        ("senses", "feed_sense_input text_matrix sense_ids"),
        ("cell_types", "izhikevich_type"),
    ],
)
def test_names_of_the_page_exist(module: str, names: str) -> None:
    found = importlib.import_module(f"neuromod.{module}")
    for name in names.split():
        assert name in found.__all__ and f"`{name}" in PAGE.replace(
            "izhikevich_type(", "`izhikevich_type("
        ), name


def test_the_table_of_the_life_cycle_is_that_of_the_section() -> None:
    from neuromod.config import Lifecycle

    part = PAGE.split("## The life cycle")[1].split("Within a step:")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|[^|]*\| ([^|]+) \|", part, re.MULTILINE)
    told = {name.strip("` "): default.strip() for names, default in rows for name in names.split(",")}
    assert {name: json.loads(default) for name, default in told.items()} == {
        name: field.default for name, field in Lifecycle.known.items()
    }


def test_a_file_from_upstream_lives() -> None:
    content = json.loads((Path(__file__).parent / "data" / "foreign_brain.json").read_text(encoding="utf-8"))
    content["cell_lifecycle"] |= {"max_age": 150}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sim = Simulation(BrainModel(config=content), seed=1)
    sim.initialize_neurons(["Gustatory_like"], density=0.1)
    sim.initialize_random_synapses(0.1)
    n, found = len(sim.model.neurons), sim.run(250)
    assert found["births"] == found["deaths"] == n
    assert (sim.model.neurons.generation == 1).all()
