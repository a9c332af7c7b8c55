"""Figures of modulators: their levels, with the events that moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import colour_of, new_axes, thousands

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["grouped_events", "levels", "thinned"]

Floats = NDArray[np.float64]
_MOST_SAMPLES = 600  # of a curve; beyond, its bins are drawn
_SAME = 0.004  # levels that are closer than this lie on each other: less than a line is wide
_DASH = 7.0  # length of a dash, in widths of the line
_ROW = 0.1  # height of a row of events, in units of the level
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

    A curve of more than 600 samples is drawn in 300 bins of equal numbers of samples: a line at the mean of each bin,
    and a band from its least to its greatest value. Events stand below the curves, a row for each name. Events that
    follow each other within 0.8 % of the time axis are joined into one bar, with their number beside it. Curves that
    lie on each other are dashed, each in the gaps of the others.

    Parameters
    ----------
    recorded : LevelMonitor, or tuple
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

    Examples
    --------
    >>> ax = levels(([1.0, 2.0], [[0.9, 0.5], [0.86, 0.5]], ["dopamine", "serotonin"]))
    >>> ax.get_ylabel()
    'level'
    """
    ax = new_axes("levels", ax)
    given = recorded if isinstance(recorded, tuple) else (recorded.time, recorded.values, recorded.names)
    time, columns = np.asarray(given[0], dtype=np.float64), np.asarray(given[1], dtype=np.float64)
    columns = columns if columns.ndim == 3 else columns[:, np.newaxis]
    for region in range(columns.shape[1]):
        dashes = _dashes(columns[:, region])
        for k, name in enumerate(given[2]):
            label = name if region == 0 else None
            _curve(ax, time, columns[:, region, k], colour_of(name, k), label, dashes[k])
    rows = {name: np.sort(np.asarray(when, dtype=np.float64)) for name, when in (events or {}).items()}
    span = _span(time, rows)
    for k, (name, times) in enumerate(rows.items()):
        _row_of_events(ax, times, -_ROW * (k + 1.1), colour_of(name, k), _APART * span)
    ax.set_ylim(
        -_ROW * (len(rows) + 0.7) if rows else -0.03, 1.18
    )  # room for the legend above the highest level
    _label_rows(ax, rows)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("level")
    _legend(ax, len(given[2]))
    thousands(ax.xaxis)
    return ax


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


def _legend(ax: Axes, n: int) -> None:
    """All in one row above the curves; small on a small figure."""
    small = {"fontsize": "x-small", "handlelength": 1.0, "columnspacing": 0.8} if _is_narrow(ax) else {}
    legend = ax.legend(loc="upper right", ncols=max(1, n), frameon=False, **small)
    for line in legend.get_lines():
        line.set_linestyle("-")


def _is_narrow(ax: Axes) -> bool:
    figure: Any = ax.figure
    return bool(figure.figure.get_size_inches()[0] < 5.0)


def thinned(time: Floats, values: Floats, most: int = _MOST_SAMPLES) -> tuple[Floats, Floats, Floats, Floats]:
    """Time, mean, least and greatest value of each bin, of at most most / 2 bins; the samples where they are few."""
    if len(time) <= most:
        return time, values, values, values
    size = -(-len(time) // (most // 2))
    begins = np.arange(0, len(time), size)
    counts = np.diff(np.append(begins, len(time)))
    mean, when = (np.add.reduceat(column, begins) / counts for column in (values, time))
    return when, mean, np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)


def _curve(ax: Axes, time: Floats, values: Floats, colour: str, label: str | None, style: Any) -> None:
    when, mean, low, high = thinned(time, values)
    ax.plot(when, mean, color=colour, linewidth=1.3, linestyle=style, dash_capstyle="butt", label=label)
    if len(when) < len(time):
        ax.fill_between(when, low, high, color=colour, alpha=0.25, linewidth=0.0)


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


def _label_rows(ax: Axes, rows: Mapping[str, Any]) -> None:
    """Numbers at the levels, names at the rows of events."""
    scale = np.linspace(0.0, 1.0, 6).tolist()
    heights = [-_ROW * (k + 1.1) for k in range(len(rows))]
    ax.set_yticks([*scale, *heights], [*(f"{value:.1f}" for value in scale), *rows])
    for k, (tick, name) in enumerate(zip(ax.get_yticklabels()[len(scale) :], rows, strict=True)):
        tick.set_fontsize("x-small")
        tick.set_color(colour_of(name, k))
