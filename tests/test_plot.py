"""Figures draw what they are given, where they are told, and name the extra where matplotlib is missing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from neuromod import Simulation, SpikeMonitor, plot

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an extra")


class Recorded:
    """Stands for a monitor: what plot asks of one, and no more."""

    names = ("dopamine", "serotonin", "norepinephrine")

    def __init__(self, **columns: Any) -> None:
        self.__dict__.update(columns)


@pytest.fixture
def ax() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots()


def points(ax: Any, line: int = 0) -> list[list[float]]:
    return np.transpose(ax.lines[line].get_data()).tolist()


def test_a_raster_has_one_dot_for_each_spike(ax: Any) -> None:
    assert plot.raster(Recorded(time=np.array([1.0, 2.0]), id=np.array([7, 3])), ax=ax) is ax
    assert points(ax) == [[1.0, 7.0], [2.0, 3.0]]
    assert ax.get_xlabel() == "time (ms)"


def test_a_raster_by_area_stacks_the_areas(ax: Any) -> None:
    spikes = ([1.0, 2.0, 3.0, 4.0], [10, 4, 12, 99])
    plot.raster(spikes, ax=ax, areas={"V1": [4, 5], "A1": [12, 10]})
    dots = [point for line in (0, 2) for point in points(ax, line)]
    assert dots == [[2.0, 0.0], [1.0, 2.0], [3.0, 3.0]]  # id 99 is in no area
    assert [label.get_text() for label in ax.get_yticklabels()] == ["V1\n2 neurons", "A1\n2 neurons"]


def test_a_raster_takes_populations(ax: Any) -> None:
    sim = Simulation(seed=1)
    E, S = sim.create(3, name="E", i_offset=30.0), sim.create(2, name="S", i_offset=30.0)
    spikes = SpikeMonitor(sim)
    sim.run(50)
    plot.raster(spikes, ax=ax, areas=[S, E])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["S\n2 neurons", "E\n3 neurons"]
    assert sum(len(line.get_xdata()) for line in ax.lines[::2]) == spikes.count > 0
    assert set(ax.lines[0].get_ydata()) == {0, 1}


def test_a_raster_refuses_times_without_ids(ax: Any) -> None:
    with pytest.raises(ValueError, match="as many times as ids"):
        plot.raster(([1.0, 2.0], [1]), ax=ax)


def test_levels_have_their_fixed_colours(ax: Any) -> None:
    values = np.array([[0.9, 0.5, 0.2], [0.8, 0.5, 0.3]])
    plot.levels(Recorded(time=np.array([1.0, 2.0]), values=values), ax=ax, events={"serotonin": [1.5]})
    assert [line.get_color() for line in ax.lines] == [
        *(plot.MODULATOR_COLOURS[name] for name in Recorded.names),
        plot.MODULATOR_COLOURS["serotonin"],
    ]
    assert points(ax, 0) == [[1.0, 0.9], [2.0, 0.8]]
    assert ax.lines[3].get_xdata().tolist() == [1.5]
    assert ax.lines[3].get_ydata()[0] < 0
    assert ax.get_ylim()[0] < ax.lines[3].get_ydata()[0]


def test_levels_of_regions_are_one_curve_each(ax: Any) -> None:
    values = np.zeros((2, 2, 1))
    values[:, 1] = 0.7
    plot.levels(([1.0, 2.0], values, ["dopamine"]), ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.0, 0.0], [0.7, 0.7]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["dopamine"]


def test_a_modulator_to_come_gets_a_colour_of_its_own(ax: Any) -> None:
    plot.levels(([1.0], [[0.5, 0.5]], ["dopamine", "histamine"]), ax=ax)
    assert ax.lines[1].get_color() not in plot.MODULATOR_COLOURS.values()


def test_weights_are_two_histograms(ax: Any) -> None:
    plot.weights([0.0, 0.0, 1.0], [1.0, 1.0, 1.0], ax=ax)
    before = [bar.get_height() for bar in ax.patches[:40]]
    width = 1.0 / 40
    assert before[0] * width == pytest.approx(2 / 3)
    assert before[-1] * width == pytest.approx(1 / 3)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["before", "after"]


def test_weights_by_group_leave_out_empty_groups(ax: Any) -> None:
    groups = {"rewarded": [True, False], "punished": [False, False]}
    plot.weights([0.1, 0.2], [0.1, 0.3], ax=ax, groups=groups)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["before", "rewarded, after"]


def test_weights_need_the_same_synapses(ax: Any) -> None:
    with pytest.raises(ValueError, match="must have the shape of before"):
        plot.weights([0.1], [0.1, 0.2], ax=ax)


@pytest.mark.parametrize("weights", [[], [0.5], [0.0, 0.0]])
def test_no_weights_and_equal_weights_are_drawn(ax: Any, weights: list[float]) -> None:
    """40 bars, whose area is 1, or 0 where there is no weight."""
    plot.weights(weights, ax=ax)
    ax.figure.canvas.draw()
    areas = [bar.get_height() * bar.get_width() for bar in ax.patches]
    assert len(areas) == 40
    assert sum(areas) == pytest.approx(1.0 if weights else 0.0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot.raster(([1.0], [1])),
        lambda: plot.levels(([1.0], [[0.5]], ["dopamine"])),
        lambda: plot.weights([0.1]),
        lambda: plot.responses([0], [1.0], [2.0]),
    ],
)
def test_without_axes_there_is_a_new_figure(draw: Any) -> None:
    assert draw().figure is not draw().figure


def results(n_spikes: int = 50) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    made = {
        "version": "1.2.3", "seed": 5, "dt": 1.0, "steps": 5000,
        "neuron_id": np.arange(20), "neuron_area": np.repeat([0, 1], 10), "area_names": ["V1", "A1"],
        "spike_step": np.sort(rng.integers(3001, 5001, n_spikes)), "spike_id": rng.integers(0, 20, n_spikes),
        "level_time": np.arange(1.0, 5001.0), "level": rng.random((5000, 3)), "level_names": Recorded.names,
        "event_step": [100, 3000, 3500], "event_kind": ["reward", "reward", "punishment"],
        "event_value": [1.0, 1.0, 1.0],
        "weight_before": rng.random(30), "weight_after": rng.random(30),
        "synapse_group": np.arange(30) % 3, "group_names": ["other", "rewarded", "punished"],
    }  # fmt: skip
    return {name: np.asarray(value) for name, value in made.items()}


def test_a_summary_shows_the_last_window_of_all_three() -> None:
    made = results()
    figure = plot.summary(made, window_ms=2000.0)
    raster, levels, weights = figure.axes
    assert raster.get_xlim() == levels.get_xlim() == (3000.0, 5000.0)
    assert sum(len(line.get_xdata()) for line in raster.lines[::2]) == 50
    drawn = levels.lines[0].get_ydata()
    assert (
        len(drawn) == 2 * 500 and drawn[0:2].max() == made["level"][3000:3004, 0].max()
    )  # bins of 4 samples
    assert levels.lines[3].get_xdata().tolist() == [3000.0]  # the reward before the window is left out
    assert weights.get_xlabel() == "weight (mV)"
    assert figure.get_suptitle().startswith("20 neurons fired 50 spikes in 5 s")
    assert "1.2.3" in figure.get_supxlabel()
    assert "seed 5" in figure.get_supxlabel()
    assert raster.get_title(loc="left") == "Spikes, the last 2 s of 5 s"


def test_a_summary_of_very_many_spikes_says_that_it_thins_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot.overview, "_MOST_DOTS", 20)
    raster = plot.summary(results()).axes[0]
    assert raster.get_title(loc="left").endswith("(one spike of 3 shown)")
    assert sum(len(line.get_xdata()) for line in raster.lines[::2]) == 17


def test_a_summary_of_a_run_without_events_has_no_rows_for_them(ax: Any) -> None:
    made = results()
    without = made | {name: made[name][:0] for name in made if name.startswith("event_")}
    for given, rows, title in ((made, 3, "Modulator levels and events"), (without, 0, "Modulator levels")):
        levels = plot.summary(given).axes[1]
        labels = [label.get_text() for label in levels.get_yticklabels()]
        assert len({"reward", "punishment", "uncertainty"} & {*labels}) == rows
        assert levels.get_title(loc="left") == title


def test_levels_that_lie_on_each_other_are_dashed_in_turn(ax: Any) -> None:
    same = np.full(50, 0.5)
    plot.levels(
        (np.arange(50.0), np.stack([same, same + 0.1, same, same], axis=1), [*Recorded.names, "orexin"]),
        ax=ax,
    )
    assert [line.is_dashed() for line in ax.lines] == [True, False, True, True]
    offsets = [line._dash_pattern[0] for line in ax.lines if line.is_dashed()]
    assert len({*offsets}) == 3
    assert not any(line.is_dashed() for line in ax.get_legend().get_lines())


TESTED = {
    "response_label": np.array([0, 0, 1, 1, 7, 7]), "response_group": np.array([1, 1, 2, 2, 0, 0]),
    "response_before": np.full(6, 5.0), "response_after": np.array([8.0, 9.0, 2.0, 1.0, 5.0, 6.0]),
}  # fmt: skip


def test_a_summary_of_a_tested_run_shows_the_responses_too() -> None:
    made = results() | TESTED | {"group_names": np.array(["other", "rewarded", "punished"])}
    axes = plot.summary(made).axes
    assert len(axes) == 4
    assert [text.get_text() for text in axes[3].get_legend().get_texts()] == [
        "rewarded (n = 2), d = +4.24",
        "punished (n = 2), d = -5.66",
    ]


def test_responses_are_dots_of_change_with_a_bar_at_the_mean(ax: Any) -> None:
    told = [TESTED[f"response_{name}"] for name in ("label", "before", "after")]
    plot.responses(*told, ax=ax, groups={"rewarded": 0, "punished": 1})
    assert points(ax, 1) == [[0.0, 3.0], [0.0, 4.0]]
    assert points(ax, 2) == [[-0.35, 3.5], [0.35, 3.5]]
    assert points(ax, 6) == [[6.65, 0.5], [7.35, 0.5]]
    assert ax.lines[2].get_color() == "#D55E00"
    assert ax.lines[6].get_color() == "#7F7F7F"
    with pytest.raises(ValueError, match="must have the shape of labels"):
        plot.responses([0, 1], [1.0], [2.0], ax=ax)


def test_a_summary_draws_plastic_weights_alone() -> None:
    made = results() | {"group_names": np.array(["fixed", "rewarded", "punished"])}  # every third is fixed
    weights = plot.summary(made).axes[2]
    bars = [bar.get_height() * bar.get_width() * 20 for bar in weights.patches[:40]]
    assert sum(bars) == pytest.approx(20)
    assert max(bars) == pytest.approx(round(max(bars)))
    assert [text.get_text() for text in weights.get_legend().get_texts()] == [
        "before (n = 20)", "rewarded, after (n = 10)", "punished, after (n = 10)",
    ]  # fmt: skip


@pytest.mark.parametrize("window", [0.0, -1.0, np.nan, np.inf])
def test_a_summary_refuses_windows_that_are_none(window: float) -> None:
    with pytest.raises(ValueError, match="window_ms: must be > 0 ms"):
        plot.summary(results(), window_ms=window)


@pytest.mark.long
def test_the_summary_file_is_an_image(tmp_path: Any) -> None:
    plot.summary(results()).savefig(tmp_path / "summary.png")
    assert (tmp_path / "summary.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("name", ["raster", "levels", "weights", "summary"])
def test_without_matplotlib_the_message_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    arguments = {"raster": ([1.0], [1]), "levels": ([1.0], [[0.5]], ["dopamine"]), "weights": [0.1]}
    with pytest.raises(ImportError) as caught:
        getattr(plot, name)(arguments.get(name, results()))
    assert (
        str(caught.value)
        == f'neuromod.plot.{name} needs matplotlib: pip install "neuromod-snn[plot]", in a clone pip install ".[plot]"'
    )
    assert caught.value.__cause__ is not None


@pytest.mark.long
def test_pyplot_is_never_imported() -> None:
    program = (
        "import sys; from neuromod import plot; plot.raster(([1.0], [1])).figure.canvas.draw();"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("given", [None, 3, {}, Simulation(seed=1)])
def test_a_summary_of_something_else_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^results: must be what neuromod.experiment.run_experiment or"):
        plot.summary(given)


def test_a_wrong_name_of_an_argument_is_said() -> None:
    with pytest.raises(
        TypeError, match=r"^raster: no argument 'windw'; there are spikes, ax, areas, most_dots$"
    ):
        plot.raster(([1.0], [1]), windw=3)  # type: ignore[call-arg]
