"""Figures of synapses: distributions of weights, courses of weights and eligibility, and the connectivity matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import (
    GROUP_COLOURS,
    legend_above,
    line_colours,
    new_axes,
    say_nothing,
    time_axis,
    whole_numbers,
)
from neuromod.plot.given import (
    masks,
    numbers,
    offers,
    order_along,
    refused,
    time_and_values,
    unit_of_values,
)
from neuromod.problems import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["courses", "matrix", "weights"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MOST_SAMPLES = 2000  # of a course
_FEW = 8  # curves that a legend tells apart
_MOST_CELLS = 500  # of a matrix, along each side
_WEIGHTS = "a Projection or an array of weights, shape (n_synapses,)"
_TABLE = 1_000_000  # ids up to this one are looked up in a table, however few they are


@names_near
def weights(
    before: Any,
    after: Any = None,
    ax: Axes | None = None,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    control: Any = None,
    unit: str | None = None,
) -> Axes:
    """Draw the distribution of synaptic weights, alone, or before and after.

    NaN, the weight of a synapse that was removed, is left out.

    Parameters
    ----------
    before : Projection, or array_like of float, shape (n_synapses,), mV or `unit`
        Of a projection the weights that it has now.
    after : Projection, or array_like of float, shape (n_synapses,), mV or `unit`, optional
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    groups : mapping of str to array_like of bool, shape (n_synapses,), optional
        Synapses of each group; `after` is then drawn for each of them. An empty group is left out.
    control : Projection, or array_like of float, shape (n_synapses,), mV or `unit`, optional
        Weights after a control run; drawn as a dotted line, of all synapses.
    unit : str, optional
        Default: that of the projection, ``g/g_L`` where its targets have synaptic conductances; of arrays mV.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    TypeError
        If something else is given; where another figure draws it, the message names that figure. Nothing is drawn.
    ValueError
        If `after` or `control` has another shape than `before`, or a group is no mask of that shape. Nothing is drawn.

    Examples
    --------
    >>> ax = weights([0.1, 0.2, 0.2], [0.1, 0.3, 0.2])
    >>> ax.get_xlabel()
    'weight (mV)'
    """
    first = _weights_of("before", before)
    last, clamped = _like(first, after, "after"), _like(first, control, "control")
    members = masks(groups, len(first), "synapse")
    if unit is None:
        units = [each.weight_unit for each in (before, after, control) if _is_projection(each)]
        unit = units[0] if units else "mV"
    ax = new_axes("weights", ax)
    every = _all(first, last, clamped)
    every = every[np.isfinite(every)]
    low, high = every.min(initial=0.0), every.max(initial=0.0)
    bins = np.linspace(low, high if high > low else low + 1.0, 41).tolist()
    kept = first[np.isfinite(first)]
    alone = after is None and control is None
    ax.hist(kept, bins=bins, density=kept.size > 0, color="#BBBBBB", label=None if alone else "before")
    drawn = {"after": np.ones(first.shape, dtype=bool)} if members is None else members
    for name, chosen in drawn.items() if after is not None else ():
        label = name if members is None else f"{name}, after"
        colour = next((GROUP_COLOURS[key] for key in GROUP_COLOURS if name.startswith(key)), "black")
        _steps(ax, last[chosen], bins, label, color=colour, linewidth=1.3)
    if control is not None:
        _steps(ax, clamped, bins, "control", color="black", linewidth=1.1, linestyle=":")
    if not first.size:
        say_nothing(ax, "no synapse")
    ax.set_xlabel(f"weight ({unit})")
    ax.set_ylabel(f"density (1/{unit})" if unit == "mV" else "density")
    legend_above(ax)
    return ax


def _is_projection(given: Any) -> bool:
    return offers(given, "weight", "pre_id", "rule")


def _weights_of(where: str, given: Any) -> Floats:
    """The weights of a projection or an array."""
    column = numbers("weights", where, _WEIGHTS, given.weight if _is_projection(given) else given)
    if column.ndim != 1:
        raise ValueError(f"{where}: must have shape (n_synapses,); got {column.shape}")
    return column


def _like(first: Floats, given: Any, name: str) -> Floats:
    column = first if given is None else _weights_of(name, given)
    if first.shape != column.shape:
        raise ValueError(f"{name}: must have the shape of before, {first.shape}; got {column.shape}")
    return column


def _all(*columns: Floats) -> Floats:
    return np.concatenate([column.ravel() for column in columns])


def _steps(ax: Axes, values: Floats, bins: list[float], label: str, **how: Any) -> None:
    values = values[np.isfinite(values)]
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
    distances in the order of the columns, are thin lines; the legend says so, and over how many the mean is. At most
    eight synapses (or neurons) of a monitor have lines of their own colours, named ``source -> target`` (or by id), in
    place of mean and band. Of more than 2,000 samples, every k-th is drawn.

    Parameters
    ----------
    recorded : SynapseMonitor, StateMonitor, or pair
        Or ``(time, values)``: times in ms, values of shape (n_samples, n_synapses).
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    groups : mapping of str to array_like of bool, shape (n_synapses,), optional
        Synapses (or neurons) of each group, which then has a mean and a band of its own: of neurons
        ``{"E": np.isin(monitor.ids, E.ids)}``. An empty group is left out.
    most_curves : int, >= 0, default 20
        Single synapses that are drawn, of each group.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    TypeError
        If `recorded`, `groups` or `ax` are something else; where another figure draws it, the message names it.
        Nothing is drawn.
    ValueError
        If there are not as many times as rows of values, a group is no mask of that shape, or `most_curves` is below 0.
        Nothing is drawn.

    Examples
    --------
    >>> ax = courses(([1.0, 2.0], [[0.5, 0.1], [0.6, 0.2]]))
    >>> ax.lines[-1].get_ydata().round(2).tolist()
    [0.3, 0.4]
    """
    time, values = time_and_values(
        "courses", recorded, "a SynapseMonitor, a StateMonitor or a pair (time, values)", named=False
    )
    if values.ndim != 2 or time.shape != values.shape[:1]:
        raise ValueError(
            f"recorded: must be values of shape ({time.size}, n_synapses), a row a time; got shape {values.shape}"
        )
    what = _what(recorded)
    members = masks(groups, values.shape[1], what)
    if isinstance(most_curves, bool) or not isinstance(most_curves, int) or most_curves < 0:
        raise ValueError(f"most_curves: must be a whole number >= 0; got {most_curves!r}")
    variable, unit = getattr(recorded, "variable", "value"), unit_of_values(recorded)
    labels = _labels(recorded) if members is None and values.shape[1] <= _FEW and most_curves else []
    ax = new_axes("courses", ax)
    stride = max(1, -(-len(time) // _MOST_SAMPLES))
    time, values = time[::stride], values[::stride]
    for curve, label, colour in zip(values.T, labels, line_colours(len(labels)), strict=False):
        ax.plot(time, curve, color=colour, linewidth=1.3, label=label)
    if not labels:
        _groups(ax, time, values, members, what, most_curves)
    if not values.size:
        say_nothing(ax, "nothing recorded")
    ax.set_ylabel(f"{variable} ({unit})" if unit else variable)
    legend_above(ax, "mean, and 5th to 95th percentile" if members else None)
    time_axis(ax)
    return ax


def _groups(ax: Axes, time: Floats, values: Floats, members: Any, what: str, most: int) -> None:
    """Mean and band of each group, or of all."""
    if members is None:
        if values.size:
            _course(ax, time, values, "black", "mean", what, most)
        return
    fixed = {name: GROUP_COLOURS[key] for name in members for key in GROUP_COLOURS if name.startswith(key)}
    # Black and grey bands cannot be told apart, so that a grey group keeps black away.
    taken = {*fixed.values(), "#000000", "#7F7F7F"}
    others = iter(line_colours(len(members), taken))
    for name, chosen in members.items():
        colour = fixed.get(name) or next(others)
        if values[:, chosen].size:
            _course(ax, time, values[:, chosen], colour, name, what, most)


def _what(recorded: Any) -> str:
    """What a column stands for."""
    return "synapse" if offers(recorded, "pre_id") else "neuron" if offers(recorded, "ids") else "column"


def _labels(recorded: Any) -> list[str]:
    """What the columns of a monitor are called; empty where nothing is known of them."""
    if hasattr(recorded, "pre_id"):
        return [f"{pre} -> {post}" for pre, post in zip(recorded.pre_id, recorded.post_id, strict=True)]
    return [str(number) for number in recorded.ids] if hasattr(recorded, "ids") else []


def _course(ax: Axes, time: Floats, values: Floats, colour: str, name: str, what: str, most: int) -> None:
    width = values.shape[1]
    if most and width > 1:
        shown = np.unique(np.linspace(0, width - 1, min(most, width)).round().astype(np.int64))
        ax.plot(time, values[:, shown], color=colour, linewidth=0.5, alpha=0.35)
    if width > 2:
        low, high = np.nanpercentile(values, [5.0, 95.0], axis=1)
        label = "5th to 95th percentile" if name == "mean" else None
        ax.fill_between(time, low, high, color=colour, alpha=0.15, linewidth=0.0, label=label)
    several = f"{width:,} {what}s" if width > 1 else f"1 {what}"
    label = f"mean of {several}" if name == "mean" else f"{name}, {several}"
    ax.plot(time, np.nanmean(values, axis=1), color=colour, linewidth=2.0, label=label)


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
        Or ``(pre_id, post_id, weight)``: ids, and weights in mV.
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
    TypeError
        If something else is given; where another figure draws it, the message names that figure. Nothing is drawn.
    ValueError
        If the three are not of one length, or a population is of another network. Nothing is drawn.

    Examples
    --------
    >>> ax = matrix(([0, 1], [5, 6], [0.5, 0.25]))
    >>> ax.images[0].get_array().tolist()
    [[0.5, None], [None, 0.25]]
    """
    rule = "a Projection or a triple (pre_id, post_id, weight)"
    if isinstance(projection, tuple | list) and len(projection) == 3:
        given, network, unit = tuple(projection), None, "mV"
    elif _is_projection(projection):
        given = (projection.pre_id, projection.post_id, projection.weight)
        network, unit = projection._table.columns, projection.weight_unit
    else:
        raise refused("matrix", "projection", rule, projection)
    pre, post = _whole(given[0]), _whole(given[1])
    weight = numbers("matrix", "projection", rule, given[2])
    if not pre.shape == post.shape == weight.shape or pre.ndim != 1:
        raise ValueError(
            f"projection: must be ids and weights of one length; got {pre.shape}, {post.shape} and {weight.shape}"
        )
    if network is None:
        network = next((each._areas for each in (sources, targets) if hasattr(each, "_areas")), None)
    row, n_rows = _ranks(pre, order_along("sources", sources, network))
    column, n_columns = _ranks(post, order_along("targets", targets, network))
    ax = new_axes("matrix", ax)
    inside = (row >= 0) & (column >= 0)
    row, column, weight = row[inside], column[inside], weight[inside]
    block = max(1, -(-max(n_rows, n_columns) // _MOST_CELLS))
    shape = (-(-max(n_rows, 1) // block), -(-max(n_columns, 1) // block))
    cell = row // block * shape[1] + column // block
    total = np.bincount(cell, weight, minlength=shape[0] * shape[1]).reshape(shape)
    there = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape) > 0
    values = total / np.outer(_sizes(n_rows, block, shape[0]), _sizes(n_columns, block, shape[1]))
    _image(ax, np.ma.array(values, mask=~there), (n_rows, n_columns), block, unit)
    return ax


def _whole(ids: Any) -> Ints:
    """Ids as they were given, as whole numbers."""
    given = np.asarray(ids)
    if given.size and given.dtype.kind not in "iu":
        raise TypeError(f"projection: must have whole numbers as ids; got {shown(ids)}")
    return given.astype(np.int64)


def _ranks(ids: Ints, order: Any) -> tuple[Ints, int]:
    """Position of each id along a side, -1 where it is not there; and the length of the side."""
    order = None if order is None else np.asarray(order, dtype=np.int64)
    both = (ids,) if order is None else (ids, order)
    low = min(int(each.min(initial=0)) for each in both)
    top = max(int(each.max(initial=0)) for each in both)
    if low < 0 or top > 4 * len(ids) + _TABLE:  # few ids, far apart
        return _ranks_by_search(ids, np.unique(ids) if order is None else order)
    position = np.full(top + 1, -1, np.int64)
    if order is None:
        there = np.zeros(top + 1, bool)
        there[ids] = True
        order = np.flatnonzero(there)
    position[order[::-1]] = np.arange(len(order))[::-1]  # of an id that is named twice the first
    return position[ids], len(order)


def _ranks_by_search(ids: Ints, order: Ints) -> tuple[Ints, int]:
    """As `_ranks`, for ids of any size."""
    if not len(order):
        return np.full(len(ids), -1), 0
    by_id = np.argsort(order, kind="stable")
    at = np.minimum(np.searchsorted(order[by_id], ids), len(order) - 1)
    return np.where(order[by_id][at] == ids, by_id[at], -1), len(order)


def _sizes(n: int, block: int, n_blocks: int) -> Ints:
    """Neurons of each block; the last may have fewer."""
    return np.clip(n - block * np.arange(n_blocks), 1, block)


def _image(ax: Axes, values: Any, sides: tuple[int, int], block: int, unit: str) -> None:
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
    whole_numbers(ax.xaxis)
    whole_numbers(ax.yaxis)
    if not values.count():
        say_nothing(ax, "no synapse")
    label = f"weight ({unit})" if block == 1 else f"mean weight in blocks of {block} x {block} ({unit})"
    ax.figure.colorbar(image, ax=ax, label=label, fraction=0.05)
