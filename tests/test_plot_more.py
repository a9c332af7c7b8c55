"""Figures of rates, courses, matrices, sheets and learning; thinning of many values; pyplot where it is used."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from neuromod import (
    NeuromodulationSystem,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    SynapseMonitor,
    plot,
)
from neuromod.plot.modulation import grouped_events, thinned

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an extra")


@pytest.fixture
def ax() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots()


def told(ax: Any) -> list[str]:
    """The words of the legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


# ---- rates ----------------------------------------------------------------------------------------------------------


def test_rates_of_areas_are_counts_by_neuron_and_second(ax: Any) -> None:
    """Spikes at the end of a bin count in it: 10.0 ms is in the first bin of 10 ms, 10.1 in the second."""
    plot.rates(([10.0, 3.0, 10.1, 19.0], [0, 1, 7, 9]), ax=ax, areas={"E": [0, 1], "I": [7, 9, 11, 12]})
    assert [line.get_ydata().tolist() for line in ax.lines] == [[100.0, 0.0], [0.0, 50.0]]
    assert ax.lines[0].get_xdata().tolist() == [5.0, 15.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["E", "I"]


def test_rates_of_monitors_agree(ax: Any) -> None:
    sim = Simulation(seed=1)
    sim.create(3, name="E", i_offset=30.0)
    spikes, rate = SpikeMonitor(sim), RateMonitor(sim, bin_ms=20.0)
    sim.run(100)
    plot.rates(rate, ax=ax)
    plot.rates(spikes, ax=ax, bin_ms=20.0)
    assert rate.rate.sum() > 0
    assert ax.lines[0].get_ydata().tolist() == rate.rate.tolist()
    assert np.allclose(ax.lines[1].get_ydata(), rate.rate, rtol=1e-12)


def test_rates_need_to_know_how_many_neurons_there_are(ax: Any) -> None:
    with pytest.raises(ValueError, match="areas: must be given with a pair"):
        plot.rates(([1.0], [0]), ax=ax)
    with pytest.raises(ValueError, match="bin_ms: must be > 0 ms; got 0"):
        plot.rates(([1.0], [0]), ax=ax, areas={"E": [0]}, bin_ms=0)
    assert not ax.lines


# ---- levels ---------------------------------------------------------------------------------------------------------


def test_a_thinned_curve_keeps_every_peak_at_its_time() -> None:
    """Each bin gives its least and its greatest sample, in the order of their times; the last bin may be short."""
    values = np.sin(np.arange(1003.0))
    when, drawn = thinned(np.arange(1003.0), values, most=100)
    plain = [values[k : k + 21] for k in range(0, 1003, 21)]
    assert len(when) == 2 * len(plain) <= 100
    assert (np.diff(when) >= 0.0).all() and (values[when.astype(int)] == drawn).all()
    assert [pair.tolist() for pair in np.sort(drawn.reshape(-1, 2))] == [[p.min(), p.max()] for p in plain]


def test_few_samples_are_drawn_as_they_are() -> None:
    when, drawn = thinned(np.arange(5.0), np.arange(5.0))
    assert when.tolist() == drawn.tolist() == [0, 1, 2, 3, 4]


def test_equal_rewards_have_equal_peaks_however_long_the_run(ax: Any) -> None:
    """Sixteen rewards to 0.9, each over within 50 ms, in 160 s of samples at 1 ms."""
    time_ = np.arange(1.0, 160_001.0)
    level = 0.5 + 0.4 * np.exp(-((time_ - 3_333.0) % 9_973.0) / 10.0)
    plot.levels((time_, level[:, None], ["dopamine"]), ax=ax)
    drawn = np.asarray(ax.lines[0].get_ydata())
    assert len(drawn) <= 1200
    peaks = drawn[drawn > 0.7]
    assert len(peaks) == 16 and np.allclose(peaks, 0.9)


def test_a_gap_in_the_levels_stays_a_gap() -> None:
    values = np.where(np.arange(4000) // 1000 == 2, np.nan, 0.5)
    _, drawn = thinned(np.arange(4000.0), values)
    assert 0 < np.isnan(drawn).sum() < len(drawn) and np.nanmax(drawn) == 0.5


def test_thirty_outcomes_in_a_row_are_one_bar_with_their_number(ax: Any) -> None:
    times = np.concatenate([1000.0 + 5.0 * np.arange(30), [2500.0]])
    plot.levels(([0.0, 3000.0], [[0.5], [0.5]], ["dopamine"]), ax=ax, events={"reward": times})
    ticks, bar = ax.lines[1:]
    assert list(ticks.get_xdata()) == [2500.0]
    assert list(bar.get_xdata()) == [1000.0, 1145.0]
    assert [text.get_text() for text in ax.texts] == ["30"]
    assert bar.get_color() == plot.MODULATOR_COLOURS["dopamine"]
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "reward"


def test_groups_of_events_end_where_a_gap_is() -> None:
    assert grouped_events(np.array([1.0, 2.0, 9.0]), 1.0) == [(1.0, 2.0, 2), (9.0, 9.0, 1)]
    assert grouped_events(np.array([1.0, 2.0]), 0.5) == [(1.0, 1.0, 1), (2.0, 2.0, 1)]
    assert grouped_events(np.empty(0), 1.0) == []


# ---- synapses -------------------------------------------------------------------------------------------------------


def test_a_control_is_drawn_beside_the_weights(ax: Any) -> None:
    plot.weights([0.1, 0.2], [0.1, 0.3], ax=ax, control=[0.1, 0.2])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["before", "after", "control"]
    with pytest.raises(ValueError, match="control: must have the shape of before"):
        plot.weights([0.1, 0.2], [0.1, 0.3], ax=ax, control=[0.1])


def test_courses_of_weights_and_eligibility_of_a_monitor(ax: Any) -> None:
    sim = Simulation(seed=1, neuromodulation=NeuromodulationSystem())
    E = sim.create(30, name="E", drive={"rate": 2000.0, "weight": 2.0})
    p = sim.connect(E, E, in_degree=5, weight=0.5, rule="rstdp")
    for variable in ("weight", "eligibility"):
        recorded = SynapseMonitor(sim, p, variable, every=10)
        sim.run(60)
        ax.clear()
        plot.courses(recorded, ax=ax, most_curves=7)
        assert len(ax.lines) == 8
        assert np.allclose(ax.lines[-1].get_ydata(), recorded.values.mean(axis=1), rtol=1e-5)
        assert ax.get_ylabel() == f"{variable} (mV)"


def test_a_few_synapses_are_told_apart(ax: Any) -> None:
    sim = Simulation(seed=1)
    E = sim.create(5, name="E", drive={"rate": 2000.0, "weight": 2.0})
    p = sim.connect(E, E, pairs=[[0, 1], [1, 2], [4, 3]], weight=0.5, rule="stdp")
    recorded, v = SynapseMonitor(sim, p, every=10), StateMonitor(sim, "v_membrane", E[:2])
    sim.run(60)
    plot.courses(recorded, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0 -> 1", "1 -> 2", "4 -> 3"]
    assert len({line.get_color() for line in ax.lines}) == len(ax.lines) == 3
    assert np.allclose(ax.lines[1].get_ydata(), recorded.values[:, 1])
    ax.clear()
    plot.courses(v, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1"]
    ax.clear()
    plot.courses(recorded, ax=ax, most_curves=0)
    assert told(ax) == ["5th to 95th percentile", "mean of 3 synapses"] and len(ax.lines) == 1


def test_courses_by_group_and_thinned(ax: Any) -> None:
    values = np.arange(10_000.0)[:, None] * [1.0, 3.0, 5.0]
    plot.courses(
        (np.arange(10_000.0), values), ax=ax, groups={"a": [True, False, False], "b": [False, True, True]}
    )
    assert len(ax.lines[0].get_xdata()) == 2000
    assert ax.lines[0].get_ydata()[1] == 5.0
    assert ax.lines[-1].get_ydata()[1] == 20.0
    assert told(ax) == ["a, 1 column", "b, 2 columns"]
    assert ax.get_legend().get_title().get_text() == "mean, and 5th to 95th percentile"
    with pytest.raises(ValueError, match="a row a time"):
        plot.courses(([1.0], [[1.0], [2.0]]), ax=ax)


def test_a_matrix_has_the_weight_of_each_pair(ax: Any) -> None:
    plot.matrix(([3, 3, 8, 3], [1, 2, 1, 1], [0.5, -0.25, 1.0, 0.25]), ax=ax)
    assert ax.images[0].get_array().tolist() == [[0.75, -0.25], [1.0, None]]
    assert ax.images[0].get_clim() == (-1.0, 1.0)  # both signs: white in the middle


def test_a_matrix_takes_a_projection_and_populations(ax: Any) -> None:
    sim = Simulation(seed=1)
    E, S = sim.create(6, name="E"), sim.create(4, name="S")
    p = sim.connect(E, S, probability=0.5, weight=0.5)
    plot.matrix(p, ax=ax, sources=E, targets=S)
    drawn = ax.images[0].get_array().filled(0.0)
    plain = np.zeros((6, 4))
    np.add.at(plain, (p.pre_id - E.ids[0], p.post_id - S.ids[0]), p.weight)
    assert plain.any() and np.array_equal(drawn, plain)


def test_a_large_matrix_is_the_mean_of_blocks(ax: Any) -> None:
    pre, post = np.repeat(np.arange(1001), 2), np.tile([0, 1], 1001)
    plot.matrix((pre, post, np.ones(2002)), ax=ax, targets=[0, 1, 2])
    drawn = ax.images[0].get_array()
    assert drawn.shape == (334, 1)  # blocks of 3, the last of 2 sources
    assert np.allclose(drawn, 2 / 3)
    assert "blocks of 3 x 3" in ax.figure.axes[1].get_ylabel()


def test_an_empty_matrix_is_drawn(ax: Any) -> None:
    plot.matrix(([], [], []), ax=ax)
    ax.figure.canvas.draw()
    assert ax.images[0].get_array().count() == 0
    with pytest.raises(ValueError, match="of one length"):
        plot.matrix(([1], [1, 2], [0.5]), ax=ax)


# ---- space, learning ------------------------------------------------------------------------------------------------


def test_a_sheet_draws_populations_by_column_and_by_value(ax: Any) -> None:
    sim = Simulation(seed=1)
    E = sim.create(
        5, name="E", positions=[[k, 2.0 * k] for k in range(5)], v_threshold=[-50, -51, -52, -53, -54]
    )
    plot.sheet(E, "v_threshold", ax=ax)
    assert ax.collections[0].get_offsets().tolist() == [[k, 2.0 * k] for k in range(5)]
    assert ax.collections[0].get_array().tolist() == [-50, -51, -52, -53, -54]
    assert ax.figure.axes[1].get_ylabel() == "v_threshold"
    with pytest.raises(ValueError, match="values: must be one for each of 5 neurons; got shape"):
        plot.sheet(E, [1.0], ax=ax)
    with pytest.raises(ValueError, match="the population 'S' has none"):
        plot.sheet(sim.create(2, name="S"), ax=ax)


def test_a_learning_curve_is_a_running_mean_and_a_band_over_runs(ax: Any) -> None:
    scores = np.random.default_rng(1).random((3, 50))
    plot.learning_curve(scores, ax=ax, window=7, label="seeds")
    plain = np.array([[run[max(0, k - 6) : k + 1].mean() for k in range(50)] for run in scores])
    assert np.allclose(ax.lines[0].get_ydata(), plain.mean(axis=0), atol=1e-12)
    low = ax.collections[0].get_paths()[0].vertices[:, 1].min()
    assert low == pytest.approx((plain.mean(axis=0) - plain.std(axis=0)).min())
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match="window: must be a whole number >= 1"):
            plot.learning_curve(scores, ax=ax, window=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scores: must have shape"):
        plot.learning_curve(1.0, ax=ax)


def test_responses_show_the_control(ax: Any) -> None:
    plot.responses([0, 0, 1], [5.0, 5.0, 5.0], [6.0, 8.0, 4.0], ax=ax, control=[5.0, 6.0, 5.0])
    assert list(ax.lines[-1].get_ydata()) == [0.5, 0.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["control"]
    with pytest.raises(ValueError, match="control: must have the shape of labels"):
        plot.responses([0], [5.0], [6.0], ax=ax, control=[1.0, 2.0])


# ---- very many values -----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_ten_million_spikes_are_drawn_within_seconds(ax: Any) -> None:
    rng = np.random.default_rng(1)
    spikes = (np.sort(rng.random(10**7)) * 1e5, rng.integers(0, 1000, 10**7))
    began = time.process_time()
    plot.raster(spikes, ax=ax, areas={"E": range(800), "I": range(800, 1000)})
    ax.figure.canvas.draw()
    assert time.process_time() - began < 10.0
    assert ax.get_title() == "one spike of 219 shown"
    covered = sum(len(line.get_xdata()) for line in ax.lines[::2]) / (ax.bbox.width * ax.bbox.height)
    assert 0.24 < covered <= 0.25


@pytest.mark.parametrize("most", [0, True, 2.0])
def test_a_raster_refuses_other_numbers_of_dots(ax: Any, most: Any) -> None:
    with pytest.raises(ValueError, match="most_dots: must be a whole number >= 1"):
        plot.raster(([1.0], [1]), ax=ax, most_dots=most)


# ---- pyplot ---------------------------------------------------------------------------------------------------------


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.long
def test_where_pyplot_is_at_work_it_knows_the_figure() -> None:
    program = (
        "import matplotlib.pyplot as plt; from neuromod import plot; ax = plot.raster(([1.0], [1]));"
        "print(plt.gcf() is ax.figure, len(plt.get_fignums()));"
        "plot.raster(([1.0], [1]), ax=ax); print(len(plt.get_fignums()))"
    )
    assert printed(program) == "True 1\n1"


@pytest.mark.long
def test_in_ipython_figures_are_pyplot_s() -> None:
    """A stand-in for IPython: what is asked of it, and no more."""
    program = (
        "import sys, types; shell = types.ModuleType('IPython'); "
        "ip = types.SimpleNamespace(events=types.SimpleNamespace(register=print)); shell.get_ipython = lambda: ip;"
        "shell.version_info = (8, 24, 0); sys.modules['IPython'] = shell;"
        "from neuromod import plot; ax = plot.weights([0.1, 0.2]);"
        "import matplotlib.pyplot as plt; print(plt.gcf() is ax.figure)"
    )
    assert printed(program).endswith("True")


@pytest.mark.parametrize("far", [0, 3, 10**12], ids=["near", "some apart", "far apart"])
@pytest.mark.parametrize("given", [False, True], ids=["all", "along"])
def test_ranks_of_ids_are_those_of_a_plain_search(far: int, given: bool) -> None:
    """By a table, and by search where ids are large; an id along the side twice counts where it stands first."""
    from neuromod.plot.synapses import _ranks

    rng = np.random.default_rng(1)
    for n in (0, 1, 50):
        ids = rng.integers(0, 30, n) * (1 + far)
        along = np.concatenate([rng.permutation(25), [3, 3]]) * (1 + far) if given else None
        order = sorted({*ids.tolist()}) if along is None else along.tolist()
        ranks, length = _ranks(ids, along)
        assert length == len(order)
        assert ranks.tolist() == [order.index(i) if i in order else -1 for i in ids.tolist()]
