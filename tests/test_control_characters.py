"""Names with control characters, which would act on a terminal, are shown as escapes wherever they are printed."""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import neuromod
from neuromod import plot
from neuromod.cli import main
from neuromod.errors import printable
from neuromod.senses import feed_sense_input

RED, BACK = "\x1b[31mred", "a\u202eb"
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def configuration(path: str) -> str:
    ranges = {"x": [0, 4], "y": [0, 4], "z": [0, 0], "w": [0, 0]}
    area = {"name": RED, "coord_ranges": ranges, "density": 1.0}
    content = {"lattice_shape": [5, 5, 1, 1], "areas": [area], "senses": {BACK: {"areal": RED}}}
    Path(path).write_text(json.dumps({**content, "neuromodulation": {"neutral": True}}))
    return path


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_printable() -> None:
    assert printable("\x1b[31m\x9b\r\x7f\u202e\udcff\0") == r"\x1b[31m\x9b\r\x7f\u202e\udcff\x00"
    assert printable("tab\t, lines\n, µ, 視覚") == "tab\t, lines\n, µ, 視覚"


@pytest.mark.parametrize(
    "line",
    [
        "validate {}.json",
        "run {}.json --ms 5 --out {} --force",
        "run {}.json --set {}=3",
        "run {}.json --{}",
        "run brain_base_model.json a {}",
        "sweep {}.json --over {}=3",
        "sweep {}.json --on here --ms 2 --over areas.{}.density=1 --out {}",
        "validate missing/{}",
        "guide {}",
    ],
)
def test_the_command_prints_no_control_characters(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Areas in the table, files, options and paths of ``--set`` came raw."""
    configuration(f"{RED}.json")
    with contextlib.suppress(SystemExit):  # of argparse
        main(line.replace("{}", RED).split())
    said = capsys.readouterr()
    assert not ACTING.search(said.out + said.err)
    assert r"\x1b[31m" in said.out + said.err


def network() -> tuple[Any, Any]:
    sim = neuromod.Simulation(seed=1, neuromodulation=neuromod.NeuromodulationSystem([RED, "b"]))
    return sim, sim.create(3, "lif", name=RED, region=RED)


SAID: list[Callable[[Any, Any], object]] = [
    lambda sim, red: red + red,
    lambda sim, red: red.tau,
    lambda sim, red: red[7],
    lambda sim, red: red[[0, 0]],
    lambda sim, red: setattr(red, "tau_m", [1.0, 2.0]),
    lambda sim, red: sim.create(1, "lif", region="c"),
    lambda sim, red: sim.create(1, "lif", **{RED: 1.0}),
    lambda sim, red: sim.neuromodulation.process_reward(1.0, region="c"),
    lambda sim, red: sim.neuromodulation.add_release("dopamine", areas=[red], amount=0.1, regions=["c"]),
    lambda sim, red: sim.neuromodulation.clamp(**{RED: 1.0}),
    lambda sim, red: sim.connect("q", red, in_degree=1),
    lambda sim, red: neuromod.sweep(configuration("c.json"), {f"areas.{RED}x.density": [0.5]}),
]


@pytest.mark.parametrize("call", SAID, ids=map(str, range(len(SAID))))
def test_messages_have_no_control_characters(call: Callable[[Any, Any], object]) -> None:
    sim, red = network()
    with pytest.raises((ValueError, AttributeError, IndexError)) as caught:
        call(sim, red)
    assert not ACTING.search(str(caught.value))


def test_reprs_tables_figures_and_warnings_have_no_control_characters() -> None:
    sim, red = network()
    rates = sim.run(2)["rates"]
    table = neuromod.sweep(lambda seed, **over: {RED: 1.0}, {BACK: [1]})
    assert repr(rates) == r"Rates(\x1b[31mred 0 Hz)"
    for thing in (red, red[:1], sim, sim.neuromodulation, rates, table, sim.populations):
        assert not ACTING.search(repr(thing))
    model = neuromod.BrainModel(configuration("c.json"))
    neuromod.Simulation(model, seed=1).initialize_neurons()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        feed_sense_input(model, BACK, [[1.0]])
    assert len(told) == 1
    assert not ACTING.search(str(told[0].message))
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    ax = plot.raster(neuromod.SpikeMonitor(sim), areas=[red])
    assert not ACTING.search("".join(text.get_text() for text in ax.get_yticklabels()))
