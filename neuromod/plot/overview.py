"""The figure of a whole run, and its panels one by one, as the report shows them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromod.experiment.effect_size import effects
from neuromod.experiment.story import (
    class_word,
    group_labels,
    headline,
    outcome_classes,
    seconds_of,
)
from neuromod.near_names import names_near
from neuromod.plot.drawing import EVENT_MODULATOR, in_notebook, legend_above, new_figure, time_axis
from neuromod.plot.given import above_zero, refused
from neuromod.plot.learning import responses
from neuromod.plot.modulation import levels
from neuromod.plot.spikes import raster
from neuromod.plot.synapses import weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_summary", "panels", "summary"]

Results = Mapping[str, Any]
Window = tuple[float, float]
_MOST_DOTS = 50_000  # of a raster a few inches high: more cover each other


@names_near
def summary(results: Results, *, window_ms: float = 3000.0) -> Figure:
    """Draw one run on one page: what it showed in a sentence, raster by area, levels with their events, plastic weights
    before and after, and, where test images were shown, how the readout's response to each class has changed. Where the
    run had a control, with dopamine clamped, it is drawn as well.

    Parameters
    ----------
    results : mapping of str to ndarray
        What ``neuromod run`` writes; `neuromod.results.load_results` reads it.
    window_ms : float, ms, > 0, default 3000
        Raster and levels show the last so many ms of the run.

    Returns
    -------
    matplotlib.figure.Figure
        In a notebook, make it the last expression of a cell.

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError, TypeError
        If `window_ms` is not > 0, or `results` are none.

    Examples
    --------
    >>> from neuromod.experiment import run_experiment
    >>> figure = summary(run_experiment("brain_base_model.json", steps=60, seed=1))
    >>> [ax.get_title(loc="left") for ax in figure.axes][1]
    'Modulator levels and events'
    >>> figure.savefig("summary.png", dpi=150)  # doctest: +SKIP
    """
    _check(results, window_ms)
    figure = new_figure("summary", figsize=(9.0, 10.2))
    if (
        in_notebook()
    ):  # shown as the cell's value, by what the first figure of pyplot has set up, and not twice
        import matplotlib.pyplot as plt

        plt.close(figure)
    return draw_summary(figure, results, window_ms)


def draw_summary(figure: Figure, results: Results, window_ms: float = 3000.0) -> Figure:
    """Draw the summary on an empty figure."""
    _check(results, window_ms)
    drawn = panels(results, window_ms)
    rows: list[Any] = [[name] * 2 for name in ("raster", "levels") if name in drawn]
    rows.append(["weights", "responses" if "responses" in drawn else "weights"])
    heights = {"raster": 2.2, "levels": 1.25, "weights": 1.35}
    axes = figure.subplot_mosaic(rows, height_ratios=[heights[row[0]] for row in rows])
    for name, draw in drawn.items():
        draw(axes[name])
    figure.suptitle(textwrap.fill(headline(results), 84), fontsize="large", fontweight="bold")
    dt = float(results["dt"])
    figure.supxlabel(
        f"neuromod {results['version']}: {len(results['neuron_id']):,} neurons, "
        f"{len(results['weight_after']):,} synapses, {seconds_of(results):g} s at dt = {dt:g} ms, "
        f"seed {results['seed']}",
        fontsize="small",
        color="#555555",
    )
    return figure


def _check(results: Any, window_ms: float) -> None:
    if not isinstance(results, Mapping) or "dt" not in results:
        rule = "what neuromod.experiment.run_experiment or neuromod.results.load_results gives"
        raise refused("summary", "results", rule, results)
    above_zero("window_ms", window_ms)


def panels(results: Results, window_ms: float = 3000.0) -> dict[str, Callable[[Axes], None]]:
    """What draws each panel that the results have, by name, in the order of the page."""
    dt, end = float(results["dt"]), float(results["steps"]) * float(results["dt"])
    window = (
        max(0.0, end - float(window_ms)),
        end if end > 0.0 else dt,
    )  # a run may end before its first step
    found: dict[str, Callable[[Axes], None]] = {"raster": lambda ax: _raster(ax, results, window)}
    if np.asarray(results["level"]).size:
        found["levels"] = lambda ax: _levels(ax, results, window)
    found["weights"] = lambda ax: _weights(ax, results)
    if len(results.get("response_after", ())):
        found["responses"] = lambda ax: _responses(ax, results)
    return found


def _titled(ax: Axes, title: str) -> None:
    ax.set_title(title, loc="left", fontsize="medium")


def _when(results: Results, window: Window) -> str:
    """Which part of the run a panel shows."""
    whole, shown = seconds_of(results), (window[1] - window[0]) / 1000.0
    return f"all {whole:g} s" if window[0] == 0.0 else f"the last {shown:g} s of {whole:g} s"


def _raster(ax: Axes, results: Results, window: Window) -> None:
    step = np.asarray(results["spike_step"])
    inside = slice(int(np.searchsorted(step, window[0] / float(results["dt"]), side="right")), None)
    areas = {
        str(name): results["neuron_id"][results["neuron_area"] == k]
        for k, name in enumerate(results["area_names"])
        if np.any(results["neuron_area"] == k)
    }
    spikes = (step[inside] * float(results["dt"]), results["spike_id"][inside])
    raster(spikes, ax=ax, areas=areas, most_dots=_MOST_DOTS)
    thinned = ax.get_title()
    ax.set_title("")
    ax.set_xlim(*window)
    time_axis(ax)
    _titled(ax, f"Spikes, {_when(results, window)}" + (f" ({thinned})" if thinned else ""))


def _levels(ax: Axes, results: Results, window: Window) -> None:
    time = results["level_time"]
    inside = time > window[0]
    names = [str(name) for name in results["level_names"]]
    has_events = len(results["event_step"]) > 0
    events = _events(results, window) if has_events else None
    levels((time[inside], results["level"][inside], names), ax=ax, events=events)
    ax.set_xlim(*window)
    time_axis(ax)
    _titled(ax, "Modulator levels" + (" and events" if has_events else ""))


def _events(results: Results, window: Window) -> dict[str, Any]:
    """Times of events by kind; a negative reward comes with a punishment, and is not drawn twice."""
    time, kind = np.asarray(results["event_step"]) * float(results["dt"]), np.asarray(results["event_kind"])
    value = np.asarray(results.get("event_value", np.ones(len(time))))
    shown = (time >= window[0]) & ~((kind == "reward") & (value < 0))
    return {name: time[shown & (kind == name)] for name in EVENT_MODULATOR}


def _weights(ax: Axes, results: Results) -> None:
    """Of the plastic synapses; the others stay as they are."""
    names = [str(name) for name in results["group_names"]]
    group, labels = results["synapse_group"], group_labels(results)
    plastic = group != (names.index("fixed") if "fixed" in names else -1)
    groups = {
        labels.get(name, name): (group == k)[plastic] for k, name in enumerate(names) if name != "fixed"
    }
    control = results.get("weight_control", ())
    weights(
        results["weight_before"][plastic],
        results["weight_after"][plastic],
        ax=ax,
        groups=groups or None,
        control=np.asarray(control)[plastic] if len(control) else None,
    )
    counts = {f"{name}, after": int(members.sum()) for name, members in groups.items()}
    told = {name: f"{name} (n = {n:,})" for name, n in {"before": int(plastic.sum()), **counts}.items()}
    _relabel(ax, told)
    _titled(
        ax,
        f"Weights onto the readout, by {class_word(results)} of the source"
        if "fixed" in names
        else "Weights of plastic synapses",
    )


def _relabel(ax: Axes, told: Mapping[str, str]) -> None:
    """Call curves otherwise, and say what the control was."""
    new = {**told, "control": "with dopamine clamped"}
    for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
        handle.set_label(new.get(label, label))
    legend_above(ax)


def _responses(ax: Axes, results: Results) -> None:
    control = results.get("response_control", ())
    shown, sizes, label = outcome_classes(results), effects(results), np.asarray(results["response_label"])
    responses(
        label,
        results["response_before"],
        results["response_after"],
        ax=ax,
        groups=shown,
        control=control if len(control) else None,
    )
    told = {
        name: f"{name} (n = {np.count_nonzero(label == number)}), d = {sizes[name].size:+.2f}"
        for name, number in shown.items()
        if name in sizes
    }
    _relabel(ax, told)
    ax.set_xlabel(class_word(results))
    _titled(ax, "Change of response to test images (d: effect size)")
