"""Figures of synapses: distributions of weights, courses of weights and eligibility, and the connectivity matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import GROUP_COLOURS, line_colours, new_axes, thousands

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["courses", "matrix", "weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MOST_SAMPLES = 2000  # of a course
_MOST_CELLS = 500  # of a matrix, along each side


@names_near
def weights(
    before: ArrayLike,
    after: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    control: ArrayLike | None = None,
) -> Axes:
    """Draw the distribution of synaptic weights, before and after.

    Parameters
    ----------
    before : array_like of float, shape (n_synapses,), mV
    after : array_like of float, shape (n_synapses,), mV, optional
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    groups : mapping of str to array_like of bool, shape (n_synapses,), optional
        Synapses of each group; `after` is then drawn for each of them. An empty group is left out.
    control : array_like of float, shape (n_synapses,), mV, optional
        Weights after a control run; drawn as a dotted line, of all synapses.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If `after` or `control` has another shape than `before`. Nothing is drawn.

    Examples
    --------
    >>> ax = weights([0.1, 0.2, 0.2], [0.1, 0.3, 0.2])
    >>> ax.get_xlabel()
    'weight (mV)'
    """
    first = np.asarray(before, dtype=np.float64)
    last, clamped = _like(first, after, "after"), _like(first, control, "control")
    ax = new_axes("weights", ax)
    low, high = (
        func(column, initial=0.0)
        for func, column in ((np.min, _all(first, last)), (np.max, _all(first, last)))
    )
    bins = np.linspace(low, high if high > low else low + 1.0, 41).tolist()
    ax.hist(first, bins=bins, density=first.size > 0, color="#BBBBBB", label="before")
    drawn = {"after": np.ones(first.shape, dtype=bool)} if groups is None else groups
    for name, members in drawn.items() if after is not None else ():
        label = name if groups is None else f"{name}, after"
        colour = next((GROUP_COLOURS[key] for key in GROUP_COLOURS if name.startswith(key)), "black")
        _steps(ax, last[np.asarray(members, dtype=bool)], bins, label, color=colour, linewidth=1.3)
    if control is not None:
        _steps(ax, clamped, bins, "control", color="black", linewidth=1.1, linestyle=":")
    ax.set_xlabel("weight (mV)")
    ax.set_ylabel("density (1/mV)")
    ax.legend(frameon=False)
    return ax


def _like(first: Floats, given: ArrayLike | None, name: str) -> Floats:
    column = first if given is None else np.asarray(given, dtype=np.float64)
    if first.shape != column.shape:
        raise ValueError(f"{name}: must have the shape of before, {first.shape}; got {column.shape}")
    return column


def _all(*columns: Floats) -> Floats:
    return np.concatenate([column.ravel() for column in columns])


def _steps(ax: Axes, values: Floats, bins: list[float], label: str, **how: Any) -> None:
    if values.size:
        ax.hist(
            np.clip(values, bins[0], bins[-1]), bins=bins, density=True, histtype="step", label=label, **how
        )


@names_near
def courses(
    recorded: Any,
    ax: Axes | None = None,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    most_curves: int = 20,
) -> Axes:
    """Draw how weights, eligibility traces, or other variables of synapses move in time.

    The mean is a thick line, the range from the 5th to the 95th percentile a band, and single synapses, at equal
    distances in the order of the columns, are thin lines. Of more than 2,000 samples, every k-th is drawn.

    Parameters
    ----------
    recorded : SynapseMonitor, StateMonitor, or pair
        Or ``(time, values)``: times in ms, values of shape (n_samples, n_synapses).
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    groups : mapping of str to array_like of bool, shape (n_synapses,), optional
        Synapses of each group, which then has a mean and a band of its own. An empty group is left out.
    most_curves : int, >= 0, default 20
        Single synapses that are drawn, of each group.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If there are not as many times as rows of values. Nothing is drawn.

    Examples
    --------
    >>> ax = courses(([1.0, 2.0], [[0.5, 0.1], [0.6, 0.2]]))
    >>> ax.lines[-1].get_ydata().round(2).tolist()
    [0.3, 0.4]
    """
    given = recorded if isinstance(recorded, tuple) else (recorded.time, recorded.values)
    time, values = np.asarray(given[0], dtype=np.float64), np.asarray(given[1], dtype=np.float64)
    if values.ndim != 2 or time.shape != values.shape[:1]:
        raise ValueError(
            f"recorded: must be values of shape ({time.size}, n_synapses), a row a time; got shape {values.shape}"
        )
    ax = new_axes("courses", ax)
    stride = max(1, -(-len(time) // _MOST_SAMPLES))
    time, values = time[::stride], values[::stride]
    named = {"": np.ones(values.shape[1], dtype=bool)} if groups is None else groups
    for (name, members), colour in zip(named.items(), line_colours(len(named)), strict=True):
        chosen = values[:, np.asarray(members, dtype=bool)]
        if not chosen.size:
            continue
        shade = next((GROUP_COLOURS[key] for key in GROUP_COLOURS if name.startswith(key)), colour)
        _course(ax, time, chosen, shade, name, most_curves)
    variable = getattr(recorded, "variable", "value")
    ax.set_xlabel("time (ms)")
    ax.set_ylabel(f"{variable} (mV)" if variable in ("weight", "eligibility", "v_membrane") else variable)
    if groups is not None:
        ax.legend(frameon=False)
    thousands(ax.xaxis)
    return ax


def _course(ax: Axes, time: Floats, values: Floats, colour: str, name: str, most: int) -> None:
    width = values.shape[1]
    if most and width > 1:
        shown = np.unique(np.linspace(0, width - 1, min(most, width)).round().astype(np.int64))
        ax.plot(time, values[:, shown], color=colour, linewidth=0.5, alpha=0.35)
    if width > 2:
        low, high = np.nanpercentile(values, [5.0, 95.0], axis=1)
        ax.fill_between(time, low, high, color=colour, alpha=0.15, linewidth=0.0)
    ax.plot(time, np.nanmean(values, axis=1), color=colour, linewidth=2.0, label=name or "mean")


@names_near
def matrix(
    projection: Any,
    ax: Axes | None = None,
    *,
    sources: Any = None,
    targets: Any = None,
) -> Axes:
    """Draw the connectivity matrix: sources upwards, targets to the right, the weight as colour.

    A cell is the sum of the weights of its pair of neurons; white where there is no synapse. With more than 500 sources
    or targets, a cell covers a block of neurons, and is the mean over the block's pairs, those without a synapse
    counted as 0.

    Parameters
    ----------
    projection : Projection, or triple of array_like, shape (n_synapses,)
        Or ``(pre_id, post_id, weight)``: ids and weights in mV.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    sources, targets : Population or array_like of int, optional
        Neurons along each side, in this order. Default: those that have a synapse, by id. A synapse of another neuron
        is left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    ValueError
        If the three are not of one length. Nothing is drawn.

    Examples
    --------
    >>> ax = matrix(([0, 1], [5, 6], [0.5, 0.25]))
    >>> ax.images[0].get_array().tolist()
    [[0.5, None], [None, 0.25]]
    """
    given = (
        projection
        if isinstance(projection, tuple)
        else (projection.pre_id, projection.post_id, projection.weight)
    )
    pre, post = (np.asarray(each, dtype=np.int64) for each in given[:2])
    weight = np.asarray(given[2], dtype=np.float64)
    if not pre.shape == post.shape == weight.shape or pre.ndim != 1:
        raise ValueError(
            f"projection: must be ids and weights of one length; got {pre.shape}, {post.shape} and {weight.shape}"
        )
    ax = new_axes("matrix", ax)
    row, n_rows = _ranks(pre, sources)
    column, n_columns = _ranks(post, targets)
    inside = (row >= 0) & (column >= 0)
    row, column, weight = row[inside], column[inside], weight[inside]
    block = max(1, -(-max(n_rows, n_columns) // _MOST_CELLS))
    shape = (-(-max(n_rows, 1) // block), -(-max(n_columns, 1) // block))
    cell = row // block * shape[1] + column // block
    total = np.bincount(cell, weight, minlength=shape[0] * shape[1]).reshape(shape)
    there = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape) > 0
    values = total / np.outer(_sizes(n_rows, block, shape[0]), _sizes(n_columns, block, shape[1]))
    _image(ax, np.ma.array(values, mask=~there), (n_rows, n_columns), block)
    return ax


def _ranks(ids: Ints, along: Any) -> tuple[Ints, int]:
    """Position of each id along a side, -1 where it is not there; and the length of the side."""
    order = np.unique(ids) if along is None else np.asarray(getattr(along, "ids", along), dtype=np.int64)
    if not len(order):
        return np.full(len(ids), -1), 0
    by_id = np.argsort(order, kind="stable")
    at = np.minimum(np.searchsorted(order[by_id], ids), len(order) - 1)
    return np.where(order[by_id][at] == ids, by_id[at], -1), len(order)


def _sizes(n: int, block: int, n_blocks: int) -> Ints:
    """Neurons of each block; the last may have fewer."""
    return np.clip(n - block * np.arange(n_blocks), 1, block)


def _image(ax: Axes, values: Any, sides: tuple[int, int], block: int) -> None:
    low, high = (float(values.min()), float(values.max())) if values.count() else (0.0, 1.0)
    signed = low < 0.0 < high
    most = max(abs(low), abs(high))
    bounds = (-most, most) if signed else (min(low, 0.0), max(high, 0.0))
    colours = "RdBu_r" if signed else "Blues_r" if high <= 0.0 else "Reds"
    extent = (-0.5, max(sides[1], 1) - 0.5, -0.5, max(sides[0], 1) - 0.5)
    image = ax.imshow(
        values,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=extent,
        cmap=colours,
        vmin=bounds[0],
        vmax=bounds[1],
    )
    ax.set_xlabel("target")
    ax.set_ylabel("source")
    label = "weight (mV)" if block == 1 else f"mean weight in blocks of {block} x {block} (mV)"
    ax.figure.colorbar(image, ax=ax, label=label, fraction=0.05)
