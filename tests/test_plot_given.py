"""What figures take: other objects are refused before a figure is made, and told which figure draws them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from neuromod import (
    LevelMonitor,
    NeuromodulationSystem,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    SynapseMonitor,
    plot,
)
from neuromod.agents.history import History
from neuromod.plot import drawing
from neuromod.results import Results

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an extra")

TAKEN = {  # by the figures, of the things below
    "raster": {"SpikeMonitor", "RateMonitor"},
    "rates": {"SpikeMonitor", "RateMonitor"},
    "levels": {"LevelMonitor"},
    "courses": {"StateMonitor", "SynapseMonitor"},
    "weights": {"Projection"},
    "matrix": {"Projection"},
    "sheet": {"Population"},
    "learning_curve": {"History"},
    "summary": {"Results"},
}


@pytest.fixture(scope="module")
def things() -> dict[str, Any]:
    """Of each kind one, after a run."""
    sim = Simulation(seed=1, neuromodulation=NeuromodulationSystem())
    E = sim.create(20, "lif", name="E", positions="grid", drive={"rate": 2000.0, "weight": 2.0})
    I = sim.create(5, "lif", name="I", positions="grid")  # noqa: E741
    p = sim.connect(E, E + I, probability=0.5, weight={"uniform": [0.1, 0.3]}, rule="stdp", name="p")
    made = [
        SpikeMonitor(sim), RateMonitor(sim), StateMonitor(sim, "v_membrane"), LevelMonitor(sim),
        SynapseMonitor(sim, p, every=10),
    ]  # fmt: skip
    result = sim.run(50)
    assert made[0].count > 0  # type: ignore[attr-defined]
    others = [sim, sim.model, sim.model.neurons, sim.model.synapses, E, E[0], p, result, sim.neuromodulation]
    others += [History([1.0], [3], [3], [0]), Results(a=np.arange(3)), object(), None, 3, "E", {}]
    return {type(thing).__name__: thing for thing in [*made, *others]}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the figures that were begun."""
    names: list[str] = []
    plain = drawing.bare_figure
    monkeypatch.setattr(
        drawing, "bare_figure", lambda function, **how: (names.append(function), plain(function, **how))[1]
    )
    return names


@pytest.mark.parametrize("name", TAKEN)
def test_a_figure_takes_its_things_and_refuses_all_others_before_it_begins(
    name: str, things: dict[str, Any], made: list[str]
) -> None:
    draw = getattr(plot, name)
    for kind, thing in things.items():
        if kind in TAKEN[name] and kind != "Results":
            draw(thing)
            assert made.pop() == name and not made
            continue
        with pytest.raises((TypeError, ValueError), match=r"^\w+: must (be|have) .*; got ") as caught:
            draw(thing)
        assert made == [] and "has no attribute" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind", "hint"),
    [
        ("raster", "StateMonitor", "got a StateMonitor, which plot.courses draws"),
        ("raster", "LevelMonitor", "got a LevelMonitor, which plot.levels draws"),
        ("raster", "Simulation", "got a Simulation; to record it, make SpikeMonitor(sim) before the run"),
        ("rates", "Population", "make SpikeMonitor(sim, population) before the run"),
        ("levels", "SpikeMonitor", "got a SpikeMonitor, which plot.raster and plot.rates draw"),
        ("levels", "NeuromodulationSystem", "to record it, make LevelMonitor(sim) before the run"),
        ("courses", "LevelMonitor", "got a LevelMonitor, which plot.levels draws"),
        (
            "courses",
            "Projection",
            "which plot.weights and plot.matrix draw; to record it, make SynapseMonitor(",
        ),
        ("weights", "SynapseMonitor", "got a SynapseMonitor, which plot.courses draws"),
        ("sheet", "Projection", "got a Projection, which plot.weights and plot.matrix draw"),
        ("summary", "History", "got a History, which plot.learning_curve draws"),
    ],
)
def test_the_message_names_the_figure_or_the_monitor(
    name: str, kind: str, hint: str, things: dict[str, Any]
) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(plot, name)(things[kind])
    assert hint in str(caught.value)


def told(ax: Any) -> list[str]:
    """The words of the legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def rows(ax: Any) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def test_areas_may_be_a_population_a_name_or_several(things: dict[str, Any]) -> None:
    spikes, E, sim = things["SpikeMonitor"], things["Population"], things["Simulation"]
    both = ["E\n20 neurons", "I\n5 neurons"]
    assert rows(plot.raster(spikes, areas=E)) == rows(plot.raster(spikes, areas="E")) == both[:1]
    assert rows(plot.raster(spikes, areas=["E", sim.populations["I"]])) == both
    assert rows(plot.raster(spikes, areas=sim.populations)) == both
    assert rows(plot.raster(spikes, areas={"first": E[:3]})) == ["first\n3 neurons"]
    curve = plot.rates(spikes, areas=E).lines[0].get_ydata()
    assert np.array_equal(curve, plot.rates(spikes, areas={"E": E.ids}).lines[0].get_ydata())
    many = plot.raster(spikes, areas={"a0": [0], "others": range(1, 25)})
    assert rows(many)[0] == "a0 (1)"


@pytest.mark.parametrize("areas", [3, [1, 2], {"E": "v"}, {"E": [0.5]}, {"E": {1, 2}}, object()])
def test_other_areas_are_refused(areas: Any, things: dict[str, Any], made: list[str]) -> None:
    for draw in (plot.raster, plot.rates):
        with pytest.raises((TypeError, ValueError), match=r"^areas: must be "):
            draw(things["SpikeMonitor"], areas=areas)
    assert made == []


def test_a_neuron_is_no_area_and_a_misspelt_name_has_a_near_one(things: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"^areas: must be a Population, .*; got a Neuron$"):
        plot.raster(things["SpikeMonitor"], areas=[things["Neuron"]])
    with pytest.raises(ValueError, match=r"^areas: must be the name .*; got 'EE'; did you mean 'E'\?$"):
        plot.raster(things["SpikeMonitor"], areas="EE")
    with pytest.raises(ValueError, match=r"^areas: must be populations or ids where spikes are a pair"):
        plot.raster(([1.0], [1]), areas="E")


def test_a_population_of_another_simulation_is_refused_in_every_figure(
    things: dict[str, Any], made: list[str]
) -> None:
    """Its ids name other neurons here."""
    other = Simulation(seed=2).create(20, "lif", name="E2")
    copied = things["Simulation"].copy().populations["E"]
    spikes, rate, p, E = (
        things[name] for name in ("SpikeMonitor", "RateMonitor", "Projection", "Population")
    )
    pair, triple = ([1.0], [1]), ([1], [2], [0.5])
    draws = [
        lambda each: plot.raster(spikes, areas=each),
        lambda each: plot.raster(spikes, areas=[E, each]),
        lambda each: plot.raster(rate, areas={"mine": each}),
        lambda each: plot.rates(spikes, areas=each[:3]),
        lambda each: plot.rates(rate, areas=[each]),
        lambda each: plot.raster(pair, areas=[E, each]),
        lambda each: plot.matrix(p, sources=each),
        lambda each: plot.matrix(p, targets=each),
        lambda each: plot.matrix(triple, sources=E, targets=each),
    ]
    for draw in draws:
        for foreign in (other, copied):
            with pytest.raises(ValueError, match=r"^\w+: must be a population of this network; got "):
                draw(foreign)
    assert made == []


def test_axes_that_are_none_are_refused(things: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"^ax: must be Axes .*; neurons are given as areas=$"):
        plot.raster(things["SpikeMonitor"], things["Population"])
    with pytest.raises(TypeError, match=r"^ax: must be Axes .*; take figure.subplots\(\)$"):
        plot.weights(things["Projection"], ax=matplotlib.figure.Figure())


def test_groups_are_masks(things: dict[str, Any], made: list[str]) -> None:
    """Ids in their place were taken as truth values."""
    n = len(things["Projection"])
    for draw in (lambda groups: plot.courses(things["SynapseMonitor"], groups=groups),
                 lambda groups: plot.weights(things["Projection"], groups=groups)):  # fmt: skip
        with pytest.raises(ValueError, match=rf"^groups: must be a mapping of names to {n} truth values"):
            draw({"a": np.arange(n)})
        with pytest.raises(TypeError, match=r"^groups: must be a mapping .*; got \[True\]"):
            draw([True])
    assert made == []


def test_other_events_and_names_of_levels_are_refused(made: list[str]) -> None:
    given = ([1.0], [[0.5, 0.5]], ["dopamine", "serotonin"])
    with pytest.raises(TypeError, match=r"^events: must be a mapping of names to times"):
        plot.levels(given, events=[1.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a name for each of 2 columns"):
        plot.levels((*given[:2], ["dopamine"]))
    with pytest.raises(ValueError, match="a row a time"):
        plot.levels(([1.0, 2.0], *given[1:]))
    assert made == []


# ---- units, words and axes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "settings", "unit"),
    [
        ("lif", {}, "mV"),
        ("lif_cond", {}, "g/g_L"),
        ("adex", {}, "mV"),
        ("adex", {"tau_syn_excitatory": 5.0}, "pA"),
    ],
)
def test_weights_have_the_unit_of_their_targets_inputs(
    model: str, settings: dict[str, Any], unit: str
) -> None:
    sim = Simulation(seed=1)
    source, target = sim.create(3, "lif", name="a"), sim.create(3, model, name="b", **settings)
    p = sim.connect(source, target, all_to_all=True, weight=0.5, rule="stdp")
    watched = SynapseMonitor(sim, p, every=1)
    sim.run(3)
    assert plot.weights(p).get_xlabel() == f"weight ({unit})"
    assert plot.courses(watched).get_ylabel() == f"weight ({unit})"
    assert plot.matrix(p).figure.axes[1].get_ylabel() == f"weight ({unit})"
    assert plot.weights([0.1], unit="nS").get_xlabel() == "weight (nS)"


def test_a_variable_of_neurons_has_its_unit() -> None:
    sim = Simulation(seed=1)
    sim.create(3, "lif_cond")
    for variable, label in (("v_membrane", "v_membrane (mV)"), ("g_syn_excitatory", "g_syn_excitatory")):
        watched = StateMonitor(sim, variable)
        sim.run(3)
        assert plot.courses(watched).get_ylabel() == label


def test_one_array_of_weights_is_not_called_before() -> None:
    assert plot.weights([0.1, 0.2]).get_legend() is None
    weights = plot.weights([0.1, np.nan, 0.3], [0.1, np.nan, np.nan])  # synapses that were removed
    assert told(weights) == ["before", "after"]


def words(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_an_empty_figure_says_so(things: dict[str, Any]) -> None:
    sim = Simulation(seed=1)
    sim.create(3, "lif", name="E")
    spikes, v = SpikeMonitor(sim), StateMonitor(sim, "v_membrane", every=1000)
    rate = RateMonitor(sim, bin_ms=1000.0)
    sim.run(50)
    raster = plot.raster(spikes)
    assert words(raster) == ["no spike"] and raster.get_xlim() == (0.0, 50.0)
    assert words(plot.raster(([], []))) == ["no spike"]
    assert words(plot.courses(v)) == ["nothing recorded"]
    assert words(plot.rates(rate)) == ["no bin is over yet"]
    assert words(plot.levels(([], np.empty((0, 1)), ["dopamine"]))) == ["no level recorded"]
    assert words(plot.weights([])) == words(plot.matrix(([], [], []))) == ["no synapse"]
    assert words(plot.learning_curve([])) == ["no trial"] and words(plot.sheet(np.empty((0, 2)))) == [
        "no neuron"
    ]


def test_a_long_axis_of_time_counts_seconds() -> None:
    for last, label, tick in ((9000.0, "time (ms)", "8,000"), (160_000.0, "time (s)", "40")):
        time = np.linspace(0.0, last, 50)
        drawn = [
            plot.raster((time, np.arange(50))),
            plot.rates((time, np.arange(50)), areas={"E": range(50)}),
            plot.levels((time, np.full((50, 1), 0.5), ["dopamine"])),
            plot.courses((time, np.ones((50, 3)))),
        ]
        for ax in drawn:
            ax.figure.canvas.draw()
            assert ax.get_xlabel() == label
            assert tick in [text.get_text() for text in ax.get_xticklabels()]
            assert ax.get_xlim()[1] >= last  # the values are ms in any case


def test_neurons_and_trials_have_whole_numbers_at_their_ticks() -> None:
    curve, matrix = plot.learning_curve([0.0, 1.0, 1.0]), plot.matrix(([0, 1], [0, 1], [0.5, 0.5]))
    for axis in (curve.xaxis, matrix.xaxis, matrix.yaxis):
        assert all(float(tick) == int(tick) for tick in axis.get_ticklocs())


def test_the_window_of_a_learning_curve_fits_its_trials() -> None:
    for n, window in ((5, 1), (30, 3), (100, 10), (1000, 20)):
        ax = plot.learning_curve(np.arange(n))
        assert ax.get_ylabel() == ("score" if window == 1 else f"score, mean of last {window} trials")
    assert told(ax) == ["each trial", "mean of last 20"]
    assert told(plot.learning_curve(np.ones((4, 30)))) == ["standard deviation over runs", "mean of 4 runs"]


def overlap(ax: Any) -> bool:
    """Whether the legend lies on a curve, or leaves the axes."""
    ax.figure.canvas.draw()
    box, frame = ax.get_legend().get_window_extent(), ax.get_window_extent()
    inside = frame.x0 <= box.x0 + 1 and box.x1 <= frame.x1 + 1 and box.y1 <= frame.y1 + 1
    points = [
        ax.transData.transform(np.transpose(line.get_data())) for line in ax.lines if len(line.get_xdata())
    ]
    return not inside or any((each[:, 1] > box.y0 + 1).any() for each in points)


@pytest.mark.parametrize("size", [(4.5, 3.0), (3.0, 2.5), (6.4, 4.8), (9.0, 3.0)])
def test_legends_lie_above_the_curves_and_inside_the_axes(size: tuple[float, float]) -> None:
    time, names = np.arange(300.0), [*drawing.MODULATOR_COLOURS]
    values = np.random.default_rng(1).random((300, 5))
    values[7] = 1.0
    first = np.arange(5) < 3

    def ax() -> Any:
        return matplotlib.figure.Figure(figsize=size, layout="constrained").subplots()

    drawn = [
        plot.levels((time, values, names), ax=ax(), events={"reward": [10.0], "uncertainty": [50.0]}),
        plot.courses((time, values), ax=ax(), groups={"rewarded": first, "other": ~first}),
        plot.rates((time, np.arange(300)), ax=ax(), areas={"excitatory": range(200), "inhibitory": range(200, 300)}),
        plot.learning_curve(values[:, 0], ax=ax()),
    ]  # fmt: skip
    assert [overlap(each) for each in drawn] == [False] * 4


def test_names_of_events_do_not_lie_on_each_other() -> None:
    ax = matplotlib.figure.Figure(figsize=(4.5, 1.5), layout="constrained").subplots()
    events = {name: [1.0] for name in ("reward", "punishment", "uncertainty")}
    plot.levels(([0.0, 9.0], [[0.5], [0.5]], ["dopamine"]), ax=ax, events=events)
    ax.figure.canvas.draw()
    boxes = sorted((label.get_window_extent() for label in ax.get_yticklabels()), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes))


def test_groups_have_colours_that_can_be_told_apart() -> None:
    masks = np.eye(4, dtype=bool)
    groups = dict(zip(("rewarded", "other", "E", "I"), masks, strict=True))
    ax = plot.courses((np.arange(5.0), np.random.default_rng(1).random((5, 4))), groups=groups, most_curves=0)
    colours = [line.get_color() for line in ax.lines]
    assert len({*colours}) == 4 and "#000000" not in colours


@pytest.mark.long
def test_many_figures_of_one_cell_are_made_without_a_warning() -> None:
    import subprocess
    import sys

    program = (
        "import sys, types, warnings; warnings.simplefilter('error')\n"
        "shell = types.ModuleType('IPython'); events = types.SimpleNamespace(register=print)\n"
        "ip = types.SimpleNamespace(events=events)\n"
        "shell.get_ipython = lambda: ip; shell.version_info = (8, 24, 0); sys.modules['IPython'] = shell\n"
        "import matplotlib; matplotlib.use('agg')\n"
        "from neuromod import plot\nfor _ in range(25): plot.learning_curve([0.0, 1.0])\nprint('quiet')"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("quiet\n")
