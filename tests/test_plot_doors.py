"""Figures of little and of wrong things: nothing, ids out of order, axes of the user's, and what is refused."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromod import Simulation, StateMonitor, SynapseMonitor, plot

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an extra")


@pytest.fixture
def ax() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots()


def words(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


TIMES, VALUES = [1.0, 2.0], [[0.5, 1.0], [0.75, 1.25]]

REFUSED: dict[str, tuple[type[Exception], Callable[[Any], Any], str]] = {
    "groups of classes": (
        TypeError,
        lambda ax: plot.responses([0], [1.0], [2.0], ax=ax, groups=["rewarded"]),  # type: ignore[arg-type]
        "groups: must be a mapping of names to classes; got ['rewarded']",
    ),
    "a column of positions": (
        TypeError,
        lambda ax: plot.sheet([[0.0, 1.0]], "v_membrane", ax=ax),
        "values: must be numbers where neurons are positions; got 'v_membrane'",
    ),
    "half a curve": (
        ValueError,
        lambda ax: plot.courses((TIMES, VALUES), ax=ax, most_curves=0.5),  # type: ignore[arg-type]
        "most_curves: must be a whole number >= 0; got 0.5",
    ),
    "fewer than no curve": (
        ValueError,
        lambda ax: plot.courses((TIMES, VALUES), ax=ax, most_curves=-1),
        "most_curves: must be a whole number >= 0; got -1",
    ),
    "true curves": (
        ValueError,
        lambda ax: plot.courses((TIMES, VALUES), ax=ax, most_curves=True),
        "most_curves: must be a whole number >= 0; got True",
    ),
    "ids that are none": (
        TypeError,
        lambda ax: plot.matrix(([0.5], [1], [0.1]), ax=ax),
        "projection: must have whole numbers as ids; got [0.5]",
    ),
    "a side of rows": (
        TypeError,
        lambda ax: plot.matrix(([0], [1], [0.1]), ax=ax, sources=[[0, 1]]),
        "sources: must be a Population, or a row of neuron ids; got [[0, 1]]",
    ),
    "a side of fractions": (
        TypeError,
        lambda ax: plot.matrix(([0], [1], [0.1]), ax=ax, targets=[0.5]),
        "targets: must be a Population, or a row of neuron ids; got [0.5]",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_named_and_nothing_is_drawn(what: str, ax: Any) -> None:
    kind, draw, message = REFUSED[what]
    with pytest.raises(kind, match=re.escape(message)):
        draw(ax)
    assert not ax.lines and not ax.images and not ax.collections


def test_no_image_is_said(ax: Any) -> None:
    plot.responses([], [], [], ax=ax)
    assert words(ax) == ["no image"]


def test_no_samples_and_empty_groups_draw_nothing(ax: Any) -> None:
    plot.courses(([], np.empty((0, 3))), ax=ax)
    plot.courses((TIMES, np.empty((2, 0))), ax=ax)
    assert not ax.lines
    plot.courses((TIMES, VALUES), ax=ax, most_curves=0)
    assert [line.get_label() for line in ax.lines] == ["mean of 2 columns"]
    ax.clear()
    plot.courses((TIMES, VALUES), ax=ax, groups={"a": [True, True], "b": [False, False]}, most_curves=0)
    assert [line.get_label() for line in ax.lines] == ["a, 2 columns"]


def test_counts_stand_beside_few_groups_of_events_alone() -> None:
    from matplotlib.figure import Figure

    found = []
    for n in (3, 31):
        ax = Figure().subplots()
        times = np.concatenate([1000.0 * np.arange(n), 1000.0 * np.arange(n) + 1.0])
        plot.levels(
            ([0.0, 1000.0 * n], [[0.5], [0.5]], ["dopamine"]), ax=ax, events={"dopamine": np.sort(times)}
        )
        found.append((words(ax).count("2"), sum(line.get_linewidth() == 3.0 for line in ax.lines)))
    assert found == [(3, 3), (0, 31)]


@pytest.mark.parametrize("ids", [[-3, -1], [5, 2**40]])
def test_any_id_has_its_row(ids: list[int], ax: Any) -> None:
    plot.matrix((ids, [0, 1], [0.5, 0.25]), ax=ax)
    assert ax.images[0].get_array().tolist() == [[0.5, None], [None, 0.25]]


def test_a_side_of_no_neuron_has_no_synapse(ax: Any) -> None:
    plot.matrix(([-3, -1], [0, 1], [0.5, 0.25]), ax=ax, sources=[])
    assert words(ax) == ["no synapse"]


def test_no_synapse_at_all(ax: Any) -> None:
    plot.matrix(([], [], []), ax=ax)
    assert words(ax) == ["no synapse"]


def test_a_population_orders_a_side() -> None:
    sim = Simulation(seed=1)
    a, b = sim.create(2, name="A"), sim.create(3, name="B")
    p = sim.connect(a, b, probability=1.0, weight=0.5)
    for given in (p, (p.pre_id, p.post_id, p.weight)):
        drawn = plot.matrix(given, sources=a, targets=b)
        assert drawn.images[0].get_array().shape == (2, 3)
    other = Simulation(seed=1).create(3)
    with pytest.raises(ValueError, match="targets"):
        plot.matrix(p, targets=other)


def test_the_unit_of_what_is_recorded_stands_at_the_axis() -> None:
    sim = Simulation(seed=1)
    a, b = sim.create(2, name="A"), sim.create(2, name="B")
    p = sim.connect(a, b, probability=1.0, weight=0.5, rule="graupner_brunel")
    made = [SynapseMonitor(sim, p), SynapseMonitor(sim, p, "rho"), StateMonitor(sim, "v_membrane")]
    sim.run(3)
    assert [plot.courses(each).get_ylabel() for each in made] == [
        "weight (mV)",
        "rho",
        "v_membrane (mV)",
    ]


def test_the_ticks_that_a_user_has_set_stay(ax: Any) -> None:
    ax.set_yticks([0.25, 0.5])
    plot.raster(([1.0, 2.0], [0, 1]), ax=ax)
    assert ax.get_yticks().tolist() == [0.25, 0.5]


@pytest.mark.parametrize("gone", [["matplotlib.pyplot"], ["matplotlib.pyplot", "matplotlib.figure"]])
def test_without_pyplot_a_figure_is_bare(gone: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in gone:
        monkeypatch.setitem(sys.modules, name, None)
    if len(gone) == 1:
        assert plot.raster(([1.0], [0])).figure.canvas.manager is None
        return
    with pytest.raises(ImportError, match=r"neuromod\.plot\.raster needs matplotlib: "):
        plot.raster(([1.0], [0]))


def test_a_column_of_a_population_is_drawn_by_its_name(ax: Any) -> None:
    cells = Simulation(seed=1).create(4, name="A", positions="grid")
    cells.v_membrane = np.array([-60.0, -61.0, -62.0, -63.0])
    plot.sheet(cells, "v_membrane", ax=ax)
    assert sorted(ax.collections[0].get_array().tolist()) == [-63.0, -62.0, -61.0, -60.0]
