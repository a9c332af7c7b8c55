"""Figures of spikes: the raster, and rates over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import (
    MOST_DOTS,
    Areas,
    line_colours,
    named_areas,
    new_axes,
    stride_for,
    thousands,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["raster", "rates"]

Floats = NDArray[np.float64]
_TICKS_UP_TO = 60  # rows of a raster whose spikes are drawn as upright strokes


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
    most_dots: int = MOST_DOTS,
) -> Axes:
    """Draw one dot for each spike: time to the right, neurons upwards.

    Parameters
    ----------
    spikes : SpikeMonitor, or pair of array_like, shape (n_spikes,)
        Or ``(time, id)``: times in ms and neuron ids.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure, which is ``ax.figure``; in a notebook it is shown.
    areas : mapping of str to array_like of int, or sequence of Population, optional
        Neuron ids of each area, or the populations, ``[E, I]``: neurons stand area by area, with their names at
        the axis. Spikes of other neurons are left out. Default: neurons by id.
    most_dots : int, >= 1, default 200000
        Of more spikes, every k-th is drawn, in the order in which they are given, with the smallest k that keeps to
        this number; the title says k.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If there are not as many times as ids, or `most_dots` is below 1. Nothing is drawn.

    Examples
    --------
    >>> ax = raster(([1.0, 2.0, 5.0], [0, 1, 0]))
    >>> ax.get_xlabel()
    'time (ms)'
    >>> ax.figure.savefig("raster.png")  # doctest: +SKIP
    """
    time, ids = _arrays(spikes)
    if isinstance(most_dots, bool) or not isinstance(most_dots, int) or most_dots < 1:
        raise ValueError(f"most_dots: must be a whole number >= 1; got {most_dots!r}")
    ax = new_axes("raster", ax)
    stride = stride_for(len(time), most_dots)
    time, ids = time[::stride], ids[::stride]
    if areas is None:
        _dots(ax, time, ids, int(ids.max(initial=0)) + 1)
        ax.set_ylabel("neuron id")
        ax.locator_params(axis="y", integer=True)
    else:
        _raster_by_area(ax, time, ids, named_areas(areas))
    if stride > 1:
        ax.set_title(f"one spike of {stride} shown", fontsize="small")
    ax.set_xlabel("time (ms)")
    thousands(ax.xaxis)
    return ax


def _arrays(spikes: Spikes | tuple[ArrayLike, ArrayLike]) -> tuple[Floats, NDArray[Any]]:
    given = spikes if isinstance(spikes, tuple) else (spikes.time, spikes.id)
    time, ids = np.asarray(given[0], dtype=np.float64), np.asarray(given[1])
    if time.shape != ids.shape or time.ndim != 1:
        raise ValueError(f"spikes: must be as many times as ids; got shapes {time.shape} and {ids.shape}")
    return time, ids


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
    ax.set_yticks(middles, list(areas))
    ax.set_ylim(-0.5, max(bottom, 1) - 0.5)


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
    areas : mapping of str to array_like of int, or sequence of Population, optional
        Neuron ids of each area, or the populations. Needed with a pair of arrays, which do not say how many neurons
        there are. Default: all neurons that the monitor records.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If `bin_ms` is not > 0, there are not as many times as ids, or a pair comes without `areas`. Nothing is drawn.

    Examples
    --------
    >>> ax = rates(([1.0, 2.0, 15.0], [0, 1, 0]), areas={"E": [0, 1]})
    >>> ax.lines[0].get_ydata().tolist()
    [100.0, 50.0]
    """
    if hasattr(spikes, "bin_end") and areas is None:
        ax = new_axes("rates", ax)
        ax.plot(spikes.bin_end, spikes.rate, color="black", linewidth=1.2)
    else:
        ax = _rates_by_area(spikes, ax, bin_ms, areas)
    ax.set_ylim(0.0, max(1.15 * ax.get_ylim()[1], 1.0))  # room for the legend
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("rate (Hz)")
    thousands(ax.xaxis)
    return ax


def _rates_by_area(spikes: Any, ax: Axes | None, bin_ms: float, areas: Areas | None) -> Axes:
    if not (np.isfinite(bin_ms) and bin_ms > 0):
        raise ValueError(f"bin_ms: must be > 0 ms; got {bin_ms!r}")
    time, ids = _arrays(spikes)
    if areas is None and isinstance(spikes, tuple):
        raise ValueError(
            "areas: must be given with a pair of arrays, which has no number of neurons; got None"
        )
    named = {"": spikes._recorded().ids} if areas is None else named_areas(areas)
    # A spike at the very end of a bin belongs to that bin, since a step's spikes have the time of its end.
    which = np.ceil(time / bin_ms - 1e-9).astype(np.int64) - 1
    first, last = int(which.min(initial=0)), int(which.max(initial=0))
    if not isinstance(spikes, tuple):  # the monitor's own span, silent bins at its ends included
        span = spikes._recorded()
        first, last = int(span.begin // bin_ms), max(int(np.ceil(span.end / bin_ms)) - 1, 0)
    ends = (np.arange(first, last + 1) + 1) * bin_ms
    ax = new_axes("rates", ax)
    for (name, members), colour in zip(named.items(), line_colours(len(named)), strict=True):
        inside = which[np.isin(ids, members)] - first
        counts = np.bincount(inside[inside >= 0], minlength=len(ends))
        rate = counts * 1000.0 / (max(len(members), 1) * bin_ms)
        ax.plot(ends - bin_ms / 2.0, rate, color=colour, linewidth=1.2, label=name or None)
    if any(named):
        ax.legend(frameon=False, ncols=max(1, len(named)), loc="upper right")
    return ax
