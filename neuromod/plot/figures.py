"""Figures of spikes, levels and weights. Each function draws on `ax` if given, and gives the Axes back.

matplotlib is imported when a figure is made, and never ``pyplot``: a figure needs no window and no global
state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.experiment.effect_size import effects

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MODULATOR_COLOURS", "levels", "raster", "responses", "summary", "weights"]

MODULATOR_COLOURS = {"dopamine": "#D55E00", "serotonin": "#0072B2", "norepinephrine": "#009E73"}
"""Colour of each modulator in every figure, from the colour-blind safe palette of Okabe & Ito."""

_MORE_COLOURS = (
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)  # the rest of that palette, for modulators to come
_GROUP_COLOURS = {"rewarded": "#D55E00", "punished": "#0072B2", "other": "#7F7F7F"}
_EVENT_MODULATOR = {"reward": "dopamine", "punishment": "serotonin", "uncertainty": "norepinephrine"}
_MOST_DOTS = 100_000  # of one raster in a summary: beyond, the page is black and slow


class Spikes(Protocol):
    """What a SpikeMonitor offers."""

    @property
    def time(self) -> NDArray[np.float64]: ...
    @property
    def id(self) -> NDArray[np.int64]: ...


class Levels(Protocol):
    """What a LevelMonitor offers."""

    names: tuple[str, ...]

    @property
    def time(self) -> NDArray[np.float64]: ...
    @property
    def values(self) -> NDArray[np.float64]: ...


def _new_figure(function: str, **options: Any) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f'neuromod.plot.{function} needs matplotlib: pip install "neuromod-snn[plot]"'
        ) from error
    return Figure(layout="constrained", **options)


def _axes(function: str, ax: Axes | None) -> Axes:
    return _new_figure(function).subplots() if ax is None else ax


def raster(
    spikes: Spikes | tuple[ArrayLike, ArrayLike],
    ax: Axes | None = None,
    *,
    areas: Mapping[str, ArrayLike] | Sequence[Any] | None = None,
) -> Axes:
    """Draw one dot for each spike: time to the right, neurons upwards.

    Parameters
    ----------
    spikes : SpikeMonitor, or pair of array_like, shape (n_spikes,)
        Or ``(time, id)``: times in ms and neuron ids.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure, which is ``ax.figure``.
    areas : mapping of str to array_like of int, or sequence of Population, optional
        Neuron ids of each area, or the populations, ``[E, I]``: neurons stand area by area, with their names at
        the axis. Spikes of other neurons are left out. Default: neurons by id.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If there are not as many times as ids.

    Examples
    --------
    >>> ax = raster(([1.0, 2.0, 5.0], [0, 1, 0]))
    >>> ax.get_xlabel()
    'time (ms)'
    >>> ax.figure.savefig("raster.png")  # doctest: +SKIP
    """
    ax = _axes("raster", ax)
    given = spikes if isinstance(spikes, tuple) else (spikes.time, spikes.id)
    time, ids = np.asarray(given[0], dtype=np.float64), np.asarray(given[1])
    if time.shape != ids.shape or time.ndim != 1:
        raise ValueError(f"spikes: must be as many times as ids; got shapes {time.shape} and {ids.shape}")
    if areas is None:
        ax.plot(time, ids, ",", color="black", rasterized=True)
        ax.set_ylabel("neuron id")
    else:
        named = areas if isinstance(areas, Mapping) else {each.name: each.ids for each in areas}
        _raster_by_area(ax, time, ids, named)
    ax.set_xlabel("time (ms)")
    return ax


def _raster_by_area(ax: Axes, time: NDArray[Any], ids: NDArray[Any], areas: Mapping[str, ArrayLike]) -> None:
    bottom, middles = 0, []
    for members in areas.values():
        ordered = np.sort(np.asarray(members, dtype=np.int64))
        inside = np.isin(ids, ordered)
        rows = bottom + np.searchsorted(ordered, ids[inside])
        ax.plot(time[inside], rows, ",", color="black", rasterized=True)
        middles.append(bottom + len(ordered) / 2)
        bottom += len(ordered)
        ax.axhline(bottom - 0.5, color="#7F7F7F", linewidth=0.5)
    ax.set_yticks(middles, list(areas))
    ax.set_ylim(-0.5, max(bottom, 1) - 0.5)


def levels(
    recorded: Levels | tuple[ArrayLike, ArrayLike, Sequence[str]],
    ax: Axes | None = None,
    *,
    events: Mapping[str, ArrayLike] | None = None,
) -> Axes:
    """Draw the modulators' levels against time, each always in the same colour.

    Parameters
    ----------
    recorded : LevelMonitor, or tuple
        Or ``(time, values, names)``: times in ms, levels of shape (n_samples, n_modulators), or with regions
        (n_samples, n_regions, n_modulators), and the modulators' names.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure.
    events : mapping of str to array_like of float, ms, optional
        Times of events by modulator name; each is a tick below the curves, in the modulator's colour.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.

    Examples
    --------
    >>> ax = levels(([1.0, 2.0], [[0.9, 0.5], [0.86, 0.5]], ["dopamine", "serotonin"]))
    >>> ax.get_ylabel()
    'level'
    """
    ax = _axes("levels", ax)
    if isinstance(recorded, tuple):
        time, values, names = recorded
    else:
        time, values, names = recorded.time, recorded.values, recorded.names
    columns = np.asarray(values, dtype=np.float64)
    for k, name in enumerate(names):
        for region in range(columns.shape[1] if columns.ndim == 3 else 1):
            column = columns[:, region, k] if columns.ndim == 3 else columns[:, k]
            label = name if region == 0 else None  # one entry of the legend for all regions
            ax.plot(time, column, color=_colour(name, k), linewidth=1.2, alpha=0.8, label=label)
    for k, (name, when) in enumerate((events or {}).items()):
        times = np.asarray(when, dtype=np.float64)
        height = -0.02 - 0.025 * k
        ax.plot(times, np.full(times.shape, height), "|", color=_colour(name, k), markersize=6)
    ax.set_ylim(-0.1, 1.2)  # room for the legend above the highest level
    ax.set_yticks(np.linspace(0.0, 1.0, 6).tolist())
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("level")
    ax.legend(loc="upper right", ncols=max(1, len(names)), frameon=False)
    return ax


def _colour(name: str, position: int) -> str:
    return MODULATOR_COLOURS.get(name, _MORE_COLOURS[position % len(_MORE_COLOURS)])


def weights(
    before: ArrayLike,
    after: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
) -> Axes:
    """Draw the distribution of synaptic weights, before and after.

    Parameters
    ----------
    before : array_like of float, shape (n_synapses,), mV
    after : array_like of float, shape (n_synapses,), mV, optional
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure.
    groups : mapping of str to array_like of bool, shape (n_synapses,), optional
        Synapses of each group; `after` is then drawn for each of them. An empty group is left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If `after` has another shape than `before`.

    Examples
    --------
    >>> ax = weights([0.1, 0.2, 0.2], [0.1, 0.3, 0.2])
    >>> ax.get_xlabel()
    'weight (mV)'
    """
    ax = _axes("weights", ax)
    first = np.asarray(before, dtype=np.float64)
    last = first if after is None else np.asarray(after, dtype=np.float64)
    if first.shape != last.shape:
        raise ValueError(f"after: must have the shape of before, {first.shape}; got {last.shape}")
    low = min(first.min(initial=0.0), last.min(initial=0.0))
    high = max(first.max(initial=0.0), last.max(initial=0.0))
    bins = np.linspace(low, high if high > low else low + 1.0, 41).tolist()
    ax.hist(first, bins=bins, density=first.size > 0, color="#BBBBBB", label="before")
    drawn = {"after": np.ones(first.shape, dtype=bool)} if groups is None else groups
    for name, members in drawn.items() if after is not None else ():
        chosen = last[np.asarray(members, dtype=bool)]
        if chosen.size:
            label = name if groups is None else f"{name}, after"
            colour = _GROUP_COLOURS.get(name, "black")
            ax.hist(
                chosen, bins=bins, density=True, histtype="step", color=colour, linewidth=1.3, label=label
            )
    ax.set_xlabel("weight (mV)")
    ax.set_ylabel("density (1/mV)")
    ax.legend(frameon=False)
    return ax


def responses(
    labels: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    ax: Axes | None = None,
    *,
    groups: Mapping[str, int] | None = None,
) -> Axes:
    """Draw how the response to each image has changed, class by class: a dot for each image, a bar at the mean.

    Parameters
    ----------
    labels : array_like of int, shape (n_images,)
        Class of each image.
    before, after : array_like of float, shape (n_images,), Hz
        Responses to it.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure.
    groups : mapping of str to int, optional
        Class of a group, such as ``{"rewarded": 0, "punished": 1}``: drawn in the group's colour and named.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If the three are not of one length.

    Examples
    --------
    >>> ax = responses([0, 0, 1], [5.0, 6.0, 5.0], [8.0, 8.0, 4.0], groups={"rewarded": 0})
    >>> ax.get_ylabel()
    'change of response (Hz)'
    """
    ax = _axes("responses", ax)
    label = np.asarray(labels)
    first, last = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if not label.shape == first.shape == last.shape or label.ndim != 1:
        raise ValueError(
            f"before, after: must have the shape of labels, {label.shape}; got {first.shape} and {last.shape}"
        )
    names = {number: name for name, number in (groups or {}).items()}
    ax.axhline(0.0, color="#7F7F7F", linewidth=0.5)
    for number in np.unique(label).tolist():
        change = (last - first)[label == number]
        name = names.get(number, "other")
        colour = _GROUP_COLOURS.get(name, "black")
        ax.plot(np.full(change.shape, number), change, ".", color=colour, alpha=0.5, markersize=4)
        shown = name if number in names else None
        ax.plot([number - 0.35, number + 0.35], [change.mean()] * 2, color=colour, linewidth=2.5, label=shown)
    ax.set_xticks(np.unique(label).tolist())
    ax.set_xlabel("class")
    ax.set_ylabel("change of response (Hz)")
    if names:
        ax.legend(frameon=False)
    return ax


def summary(results: Mapping[str, Any], *, window_ms: float = 3000.0) -> Figure:
    """Draw one run on one page: raster by area, levels with their events, plastic weights, and, where test images
    were shown, how the readout's response to each class has changed.

    Parameters
    ----------
    results : mapping of str to ndarray
        What ``neuromod run`` writes; `neuromod.results.load_results` reads it.
    window_ms : float, ms, > 0, default 3000
        Raster and levels show the last so many ms of the run.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If `window_ms` is not > 0.

    Examples
    --------
    >>> from neuromod.experiment.results import load_results
    >>> figure = summary(load_results("neuromod-results/results.npz"))  # doctest: +SKIP
    >>> figure.savefig("summary.png", dpi=150)  # doctest: +SKIP
    """
    if not (np.isfinite(window_ms) and window_ms > 0):
        raise ValueError(f"window_ms: must be > 0 ms; got {window_ms!r}")
    figure = _new_figure("summary", figsize=(9.0, 9.5))
    tested = len(results.get("response_after", ())) > 0
    rows: list[Any] = [["raster"] * 2, ["levels"] * 2, ["weights", "responses" if tested else "weights"]]
    panels = figure.subplot_mosaic(rows, height_ratios=(2.2, 1.0, 1.2))
    dt, end = float(results["dt"]), float(results["steps"]) * float(results["dt"])
    window = (max(0.0, end - window_ms), end if end > 0.0 else dt)  # a run may end before its first step
    _summary_raster(panels["raster"], results, window)
    _summary_levels(panels["levels"], results, window)
    _summary_weights(panels["weights"], results)
    if tested:
        _summary_responses(panels["responses"], results)
    figure.suptitle(
        f"neuromod {results['version']}: {len(results['neuron_id']):,} neurons, "
        f"{len(results['weight_after']):,} synapses, "
        f"{end / 1000.0:g} s at dt = {dt:g} ms, seed {results['seed']}",
        fontsize="medium",
    )
    return figure


def _summary_weights(ax: Axes, results: Mapping[str, Any]) -> None:
    """Of the plastic synapses; the others stay as they are."""
    names = [str(name) for name in results["group_names"]]
    group = results["synapse_group"]
    plastic = group != (names.index("fixed") if "fixed" in names else -1)
    groups = {name: (group == k)[plastic] for k, name in enumerate(names) if name != "fixed"}
    weights(results["weight_before"][plastic], results["weight_after"][plastic], ax=ax, groups=groups or None)


def _summary_responses(ax: Axes, results: Mapping[str, Any]) -> None:
    label, group = results["response_label"], results["response_group"]
    shown = {
        name: int(label[group == k][0])
        for k, name in ((1, "rewarded"), (2, "punished"))
        if np.any(group == k)
    }
    responses(label, results["response_before"], results["response_after"], ax=ax, groups=shown)
    sizes = [f"{name} d = {effect.size:+.2f}" for name, effect in effects(results).items() if name in shown]
    ax.set_title(", ".join(sizes), fontsize="small")


def _summary_raster(ax: Axes, results: Mapping[str, Any], window: tuple[float, float]) -> None:
    time = results["spike_step"] * float(results["dt"])
    inside = np.flatnonzero(time > window[0])
    shown = inside[:: 1 + len(inside) // _MOST_DOTS]
    areas = {
        str(name): results["neuron_id"][results["neuron_area"] == k]
        for k, name in enumerate(results["area_names"])
        if np.any(results["neuron_area"] == k)
    }
    raster((time[shown], results["spike_id"][shown]), ax=ax, areas=areas)
    ax.set_xlim(*window)
    if len(shown) < len(inside):
        ax.set_title(f"one spike of {1 + len(inside) // _MOST_DOTS} shown", fontsize="small")


def _summary_levels(ax: Axes, results: Mapping[str, Any], window: tuple[float, float]) -> None:
    time = results["level_time"]
    inside = time > window[0]
    event_time = results["event_step"] * float(results["dt"])
    events = {
        modulator: event_time[(results["event_kind"] == kind) & (event_time >= window[0])]
        for kind, modulator in _EVENT_MODULATOR.items()
    }
    names = [str(name) for name in results["level_names"]]
    levels((time[inside], results["level"][inside], names), ax=ax, events=events)
    ax.set_xlim(*window)
