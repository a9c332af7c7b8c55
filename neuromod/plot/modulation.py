"""Figures of modulators: their levels, with the events that moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import (
    colour_of,
    legend_above,
    literal,
    new_axes,
    say_nothing,
    size_of,
    time_axis,
)
from neuromod.plot.given import columns_named, numbers, time_and_values
from neuromod.problems import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["grouped_events", "levels", "thinned"]

Floats = NDArray[np.float64]
_MOST_SAMPLES = 1200  # of a curve; beyond, the least and greatest of each bin are drawn
_RULE = "a LevelMonitor, a LevelLog or a triple (time, values, names)"
_SAME = 0.004  # levels that are closer than this lie on each other: less than a line is wide
_DASH = 7.0  # length of a dash, in widths of the line
_ROW = 0.1  # least height of a row of events, in units of the level
_ROW_POINTS = 9.5  # least height of a row of events, points
_LOW_AXES = 2.0  # inches: fewer numbers at the levels
_APART = 0.008  # events closer than this part of the time axis are joined into a bar


class Levels(Protocol):
    """What a LevelMonitor offers."""

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def time(self) -> NDArray[np.float64]: ...
    @property
    def values(self) -> NDArray[np.float64]: ...


@names_near
def levels(
    recorded: Levels | tuple[ArrayLike, ArrayLike, Sequence[str]],
    ax: Axes | None = None,
    *,
    events: Mapping[str, ArrayLike] | None = None,
) -> Axes:
    """Draw the modulators' levels against time, each always in the same colour.

    Of a curve of more than 1,200 samples, the least and the greatest value of each of 600 bins are drawn, in the order
    of their times, so that every peak has its height. Events stand below the curves, a row for each name. Events that
    follow each other within 0.8 % of the time axis are joined into one bar, with their number beside it. Curves that
    lie on each other are dashed, each in the gaps of the others.

    Parameters
    ----------
    recorded : LevelMonitor, LevelLog, or tuple
        Or ``(time, values, names)``: times in ms, levels of shape (n_samples, n_modulators), or with regions
        (n_samples, n_regions, n_modulators), and the modulators' names.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    events : mapping of str to array_like of float, ms, optional
        Times of events by name: of a modulator, or ``reward``, ``punishment``, ``uncertainty``. An event is a tick in
        the modulator's colour.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    TypeError
        If `recorded`, `events` or `ax` are something else; where another figure draws it, the message names it.
        Nothing is drawn.
    ValueError
        If there are not as many times as rows of values, or names as columns. Nothing is drawn.

    Examples
    --------
    >>> ax = levels(([1.0, 2.0], [[0.9, 0.5], [0.86, 0.5]], ["dopamine", "serotonin"]))
    >>> ax.get_ylabel()
    'level'
    """
    time, columns, names = time_and_values("levels", recorded, _RULE, named=True)
    if columns.ndim not in (2, 3) or time.shape != columns.shape[:1]:
        raise ValueError(
            f"recorded: must be values of shape ({time.size}, n_modulators), a row a time; got shape {columns.shape}"
        )
    columns_named(columns, names)
    rows = _times_of(events)
    columns = columns if columns.ndim == 3 else columns[:, np.newaxis]
    ax = new_axes("levels", ax)
    for region in range(columns.shape[1]):
        dashes = _dashes(columns[:, region])
        for k, name in enumerate(names):
            label = literal(name) if region == 0 else None
            _curve(ax, time, columns[:, region, k], colour_of(name, k), label, dashes[k])
    if not len(time):
        say_nothing(ax, "no level recorded")
    span, height = _span(time, rows), _row_height(ax, len(rows))
    for k, (name, times) in enumerate(rows.items()):
        _row_of_events(ax, times, -height * (k + 1.1), colour_of(name, k), _APART * span)
    ax.set_ylim(-height * (len(rows) + 0.7) if rows else -0.03, 1.03)
    _label_rows(ax, rows, height)
    ax.set_ylabel("level")
    legend = legend_above(ax)
    for line in () if legend is None else legend.get_lines():
        line.set_linestyle("-")
    time_axis(ax)
    return ax


def _times_of(events: Any) -> dict[str, Floats]:
    """Times of events by name, ascending."""
    rule = "a mapping of names to times in ms"
    if events is not None and not isinstance(events, Mapping):
        raise TypeError(f"events: must be {rule}; got {shown(events)}")
    return {
        str(name): np.sort(np.atleast_1d(numbers("levels", "events", rule, when)))
        for name, when in (events or {}).items()
    }


def _row_height(ax: Axes, n: int) -> float:
    """Height of a row of events, in units of the level: room for its name."""
    part = min(_ROW_POINTS / 72.0 / max(size_of(ax)[1], 0.1), 0.5 / (n + 1))
    return max(_ROW, part * 1.15 / (1.0 - part * (n + 1)))


def _dashes(columns: Floats) -> list[Any]:
    """The line style of each column: dashes, in turn, of those that lie on each other."""
    styles: list[Any] = ["-"] * columns.shape[1]
    for k in range(columns.shape[1]):
        alike = [
            j for j in range(columns.shape[1]) if not np.any(np.abs(columns[:, j] - columns[:, k]) > _SAME)
        ]
        if len(alike) > 1 and k in alike:
            styles[k] = (_DASH * alike.index(k), (_DASH, _DASH * (len(alike) - 1)))
    return styles


def thinned(time: Floats, values: Floats, most: int = _MOST_SAMPLES) -> tuple[Floats, Floats]:
    """The least and the greatest value of each of at most most / 2 bins, with their times; few samples as they are."""
    if len(time) <= most:
        return time, values
    size = -(-len(time) // (most // 2))
    n_bins = -(-len(time) // size)
    filled = np.pad(values, (0, n_bins * size - len(values)), mode="edge").reshape(n_bins, size)
    # A bin of NaN alone has no least value; its first sample stands for it.
    is_gap = np.isnan(filled)
    least = np.where(is_gap, np.inf, filled).argmin(axis=1)
    greatest = np.where(is_gap, -np.inf, filled).argmax(axis=1)
    within = np.sort(np.stack([least, greatest], axis=1), axis=1) + size * np.arange(n_bins)[:, np.newaxis]
    kept = np.minimum(within.reshape(-1), len(time) - 1)
    return time[kept], values[kept]


def _curve(ax: Axes, time: Floats, values: Floats, colour: str, label: str | None, style: Any) -> None:
    when, drawn = thinned(time, values)
    ax.plot(when, drawn, color=colour, linewidth=1.3, linestyle=style, dash_capstyle="butt", label=label)


def _span(time: Floats, rows: Mapping[str, Floats]) -> float:
    every = np.concatenate([time, *rows.values()]) if rows else time
    return float(np.ptp(every)) if len(every) else 0.0


def grouped_events(times: Floats, apart: float) -> list[tuple[float, float, int]]:
    """First time, last time and number of events of each group; groups are more than `apart` from each other."""
    if not len(times):
        return []
    cuts = np.flatnonzero(np.diff(times) > apart) + 1
    return [(float(group[0]), float(group[-1]), len(group)) for group in np.split(times, cuts)]


def _row_of_events(ax: Axes, times: Floats, height: float, colour: str, apart: float) -> None:
    groups = grouped_events(times, apart)
    single = [first for first, _, n in groups if n == 1]
    if single or not groups:
        ax.plot(single, np.full(len(single), height), "|", color=colour, markersize=6)
    for first, last, n in groups:
        if n == 1:
            continue
        ax.plot([first, last], [height] * 2, color=colour, linewidth=3.0, solid_capstyle="butt")
        if len(groups) <= 30:
            ax.annotate(
                str(n),
                (last, height),
                xytext=(3, 0),
                textcoords="offset points",
                color=colour,
                fontsize="x-small",
                va="center",
                annotation_clip=True,
            )


def _label_rows(ax: Axes, rows: Mapping[str, Any], height: float) -> None:
    """Numbers at the levels, names at the rows of events."""
    scale = np.linspace(0.0, 1.0, 3 if size_of(ax)[1] < _LOW_AXES else 6).tolist()
    heights = [-height * (k + 1.1) for k in range(len(rows))]
    ax.set_yticks([*scale, *heights], [*(f"{value:.1f}" for value in scale), *map(literal, rows)])
    for k, (tick, name) in enumerate(zip(ax.get_yticklabels()[len(scale) :], rows, strict=True)):
        tick.set_fontsize("x-small")
        tick.set_color(colour_of(name, k))
