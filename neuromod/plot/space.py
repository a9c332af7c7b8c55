"""Figures of neurons in space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.network.members import is_population
from neuromod.plot.drawing import new_axes, say_nothing
from neuromod.plot.given import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["sheet"]

_PLAIN_COLOUR = "#0072B2"


@names_near
def sheet(
    neurons: Any,
    values: ArrayLike | str | None = None,
    ax: Axes | None = None,
    *,
    label: str | None = None,
) -> Axes:
    """Draw neurons where they stand, seen along the z axis, a value of each as colour.

    Parameters
    ----------
    neurons : Population, or array_like of float, shape (n_neurons, >= 2), no unit
        Positions, of which the first two columns are drawn; or a population of `Simulation.create` with ``positions``,
        or an area of the lattice.
    values : array_like of float, shape (n_neurons,), or str, optional, in units of the colour bar
        One for each neuron: spike counts, rates, weights onto it. Or the name of a column of the population:
        ``"v_membrane"``. Default: positions alone. Where several neurons stand at one place, as the layers of a
        lattice do, the mean of their values is drawn.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    label : str, optional
        What the colours mean. Default: the name of the column.

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
        If the neurons have no positions, or there are not as many values as neurons. Nothing is drawn.

    Examples
    --------
    >>> ax = sheet([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]], [4.0, 1.0, 2.0], label="spikes")
    >>> ax.collections[0].get_array().tolist()
    [4.0, 1.5]
    """
    where = _positions(neurons)
    column = _column(neurons, values)
    if column is not None and column.shape != (len(where),):
        raise ValueError(f"values: must be one for each of {len(where)} neurons; got shape {column.shape}")
    places, which, counts = np.unique(where, axis=0, return_inverse=True, return_counts=True)
    ax = new_axes("sheet", ax)
    size = float(np.clip(30_000.0 / max(len(places), 1), 1.0, 60.0))
    if column is None:
        ax.scatter(places[:, 0], places[:, 1], s=size, color=_PLAIN_COLOUR, linewidths=0.0)
    else:
        mean = np.bincount(which.reshape(-1), column, minlength=len(places)) / counts
        dots = ax.scatter(places[:, 0], places[:, 1], c=mean, s=size, cmap="viridis", linewidths=0.0)
        named = values if isinstance(values, str) else "value"
        ax.figure.colorbar(dots, ax=ax, label=label or named, fraction=0.05)
    if not len(places):
        say_nothing(ax, "no neuron")
    ax.set_aspect("equal")
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    return ax


def _column(neurons: Any, values: Any) -> NDArray[np.float64] | None:
    """The value of each neuron; None: positions alone."""
    if values is None:
        return None
    if isinstance(values, str):
        if not is_population(neurons):
            raise TypeError(f"values: must be numbers where neurons are positions; got {values!r}")
        values = getattr(neurons, values)
    return numbers(
        "sheet", "values", "an array of one number for each neuron, or the name of a column", values
    )


def _positions(neurons: Any) -> NDArray[np.float64]:
    if is_population(neurons):
        given = neurons.positions
        if given is None:
            raise ValueError(f"neurons: must have positions; the population {neurons.name!r} has none")
    else:
        given = neurons
    where = numbers("sheet", "neurons", "a Population, or positions of shape (n_neurons, 2 or more)", given)
    if where.ndim != 2 or where.shape[1] < 2:
        raise ValueError(f"neurons: must be positions of shape (n_neurons, 2 or more); got {where.shape}")
    return where[:, :2]
