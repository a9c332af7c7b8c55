"""Figures of spikes: the raster, and rates over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import (
    legend_above,
    line_colours,
    literal,
    new_axes,
    say_nothing,
    stride_for,
    time_axis,
    whole_numbers,
)
from neuromod.plot.given import Areas, above_zero, named_areas, spikes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["raster", "rates"]

Floats = NDArray[np.float64]
_TICKS_UP_TO = 60  # rows of a raster whose spikes are drawn as upright strokes
_LEAST_DOTS = 10_000  # that are drawn of a raster of dots, however small it is
_MOST_STROKES = 200_000
_COVERED = 0.25  # of the pixels, by dots: with more, a raster turns black and shows no rates
_LEAST_ROWS = 0.08  # of all rows, of every area: labels have two lines


class Spikes(Protocol):
    """What a SpikeMonitor offers."""

    @property
    def time(self) -> NDArray[np.float64]: ...
    @property
    def id(self) -> NDArray[np.int64]: ...


@names_near
def raster(
    spikes: Spikes | tuple[ArrayLike, ArrayLike],
    ax: Axes | None = None,
    *,
    areas: Areas | None = None,
    most_dots: int | None = None,
) -> Axes:
    """Draw one dot for each spike: time to the right, neurons upwards.

    Parameters
    ----------
    spikes : SpikeMonitor, or pair of array_like, shape (n_spikes,)
        Or ``(time, id)``: times in ms and neuron ids.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure, which is ``ax.figure``; in a notebook it is shown.
    areas : Population, name, sequence of these, or mapping of str to array_like of int, optional
        A population, populations, ``[E, I]``, or neuron ids of each area: neurons stand area by area, with names and
        numbers of neurons at the axis. Spikes of other neurons are left out. Default: neurons by id.
    most_dots : int, >= 1, optional
        Of more spikes, every k-th is drawn, in the order in which they are given, with the smallest k that keeps to
        this number; the title says k. Default: as many as cover a quarter of the pixels of the axes; for up to 60
        neurons, whose spikes are strokes, 200,000.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    TypeError
        If `spikes`, `areas` or `ax` are something else; where another figure draws it, the message names that figure.
        Nothing is drawn.
    ValueError
        If there are not as many times as ids, a population is of another network, or `most_dots` is below 1. Nothing
        is drawn.

    Examples
    --------
    >>> ax = raster(([1.0, 2.0, 5.0], [0, 1, 0]))
    >>> ax.get_xlabel()
    'time (ms)'
    >>> ax.figure.savefig("raster.png")  # doctest: +SKIP
    """
    time, ids = spikes_of("raster", spikes, "a SpikeMonitor or a pair (time, id)")
    if most_dots is not None and (
        isinstance(most_dots, bool) or not isinstance(most_dots, int) or most_dots < 1
    ):
        raise ValueError(f"most_dots: must be a whole number >= 1; got {most_dots!r}")
    named = None if areas is None else named_areas(areas, spikes)
    ax = new_axes("raster", ax)
    n_rows = int(ids.max(initial=-1)) + 1 if named is None else sum(map(len, named.values()))
    stride = stride_for(len(time), most_dots or _most_that_show(ax, n_rows))
    if not len(time):
        say_nothing(ax, "no spike")
        ax.set_xlim(*_span(spikes))
    time, ids = time[::stride], ids[::stride]
    if named is None:
        _dots(ax, time, ids, n_rows)
        ax.set_ylabel("neuron id")
        whole_numbers(ax.yaxis)
    else:
        _raster_by_area(ax, time, ids, named)
    if stride > 1:
        ax.set_title(f"one spike of {stride:,} shown", fontsize="small")
    time_axis(ax)
    return ax


def _most_that_show(ax: Axes, n_rows: int) -> int:
    """How many spikes are drawn: beyond, the raster would be black."""
    if n_rows <= _TICKS_UP_TO:
        return _MOST_STROKES
    return max(_LEAST_DOTS, int(_COVERED * ax.bbox.width * ax.bbox.height))


def _span(spikes: Any) -> tuple[float, float]:
    """From when to when was recorded, ms; 0 to 1 where that is not known."""
    if not hasattr(spikes, "_recorded") or hasattr(spikes, "bin_end"):
        return 0.0, 1.0
    span = spikes._recorded()
    return (span.begin, span.end) if span.end > span.begin else (span.begin, span.begin + 1.0)


def _dots(ax: Axes, time: Floats, rows: NDArray[Any], n_rows: int) -> None:
    """A pixel for each spike; a stroke where rows are few."""
    if n_rows <= _TICKS_UP_TO:
        ax.plot(time, rows, "|", color="black", markersize=max(3.0, 150.0 / max(n_rows, 1)) ** 0.8)
    else:
        ax.plot(time, rows, ",", color="black", rasterized=True)


def _raster_by_area(ax: Axes, time: Floats, ids: NDArray[Any], areas: dict[str, NDArray[np.int64]]) -> None:
    n_rows = sum(len(members) for members in areas.values())
    bottom, middles = 0, []
    for members in areas.values():
        inside = np.isin(ids, members)
        _dots(ax, time[inside], bottom + np.searchsorted(members, ids[inside]), n_rows)
        middles.append(bottom + len(members) / 2)
        bottom += len(members)
        ax.axhline(bottom - 0.5, color="#7F7F7F", linewidth=0.5)
    sizes = {name: len(members) for name, members in areas.items()}
    in_two_lines = min(sizes.values(), default=0) >= _LEAST_ROWS * n_rows
    ax.set_yticks(middles, [_labelled(name, n, in_two_lines) for name, n in sizes.items()])
    ax.set_ylim(-0.5, max(bottom, 1) - 0.5)


def _labelled(name: str, n: int, in_two_lines: bool) -> str:
    """An area with its number of neurons."""
    name = literal(name)
    return f"{name}\n{n:,} neuron{'' if n == 1 else 's'}" if in_two_lines else f"{name} ({n:,})"


@names_near
def rates(
    spikes: Any,
    ax: Axes | None = None,
    *,
    bin_ms: float = 10.0,
    areas: Areas | None = None,
) -> Axes:
    """Draw mean firing rates against time, a curve for each area.

    Parameters
    ----------
    spikes : RateMonitor, SpikeMonitor, or pair of array_like, shape (n_spikes,)
        Or ``(time, id)``: times in ms and neuron ids, in any order.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure, which is ``ax.figure``; in a notebook it is shown.
    bin_ms : float, ms, > 0, default 10
        Width of a bin. A RateMonitor has bins of its own, and this is not used.
    areas : Population, name, sequence of these, or mapping of str to array_like of int, optional
        A population, populations, or neuron ids of each area. Needed with a pair of arrays, which do not say how many
        neurons there are. Default: all neurons that the monitor records.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    TypeError
        If `spikes`, `areas` or `ax` are something else; where another figure draws it, the message names that figure.
        Nothing is drawn.
    ValueError
        If `bin_ms` is not > 0, there are not as many times as ids, a population is of another network, or a pair comes
        without `areas`. Nothing is drawn.

    Examples
    --------
    >>> ax = rates(([1.0, 2.0, 15.0], [0, 1, 0]), areas={"E": [0, 1]})
    >>> ax.lines[0].get_ydata().tolist()
    [100.0, 50.0]
    """
    if hasattr(spikes, "bin_end") and areas is None:
        ends, rate = spikes.bin_end, spikes.rate
        ax = new_axes("rates", ax)
        ax.plot(ends, rate, color="black", linewidth=1.2)
        if not len(ends):
            say_nothing(ax, "no bin is over yet")
    else:
        ax = _rates_by_area(spikes, ax, bin_ms, areas)
    ax.set_ylim(0.0, max(1.05 * ax.dataLim.y1, 1.0))
    ax.set_ylabel("rate (Hz)")
    legend_above(ax)
    time_axis(ax)
    return ax


_MOST_BINS = 10_000_000


def _rates_by_area(spikes: Any, ax: Axes | None, bin_ms: float, areas: Areas | None) -> Axes:
    bin_ms = above_zero("bin_ms", bin_ms)
    time, ids = spikes_of("rates", spikes, "a RateMonitor, a SpikeMonitor or a pair (time, id)")
    is_monitor = hasattr(spikes, "_recorded")
    if areas is None and not is_monitor:
        raise ValueError(
            "areas: must be given with a pair of arrays, which has no number of neurons; got None"
        )
    named = {"": spikes._recorded().ids} if areas is None else named_areas(areas, spikes)
    # A spike at the very end of a bin belongs to that bin, since a step's spikes have the time of its end.
    is_span = is_monitor and not hasattr(spikes, "bin_end")
    span = spikes._recorded() if is_span else None
    latest = max(float(np.abs(time).max(initial=0.0)), 0.0 if span is None else span.end)
    if latest > _MOST_BINS * bin_ms:
        raise ValueError(f"bin_ms: must make at most {_MOST_BINS:,} bins of {latest:g} ms; got {bin_ms:g}")
    which = np.ceil(time / bin_ms - 1e-9).astype(np.int64) - 1
    first, last = int(which.min(initial=0)), int(which.max(initial=0))
    if span is not None:  # its own span, silent bins at its ends included
        first, last = int(span.begin // bin_ms), max(int(np.ceil(span.end / bin_ms)) - 1, 0)
    ends = (np.arange(first, last + 1) + 1) * bin_ms
    ax = new_axes("rates", ax)
    for (name, members), colour in zip(named.items(), line_colours(len(named)), strict=True):
        inside = which[np.isin(ids, members)] - first
        counts = np.bincount(inside[inside >= 0], minlength=len(ends))
        rate = counts * 1000.0 / (max(len(members), 1) * bin_ms)
        ax.plot(ends - bin_ms / 2.0, rate, color=colour, linewidth=1.2, label=literal(name) or None)
    return ax
