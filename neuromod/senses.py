"""From the world to the network: a matrix of the outside becomes input current of an area's sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.arguments import checked_array, checked_count, checked_number
from neuromod.errors import say
from neuromod.near_names import names_near
from neuromod.problems import nearest, shown

if TYPE_CHECKING:
    from neuromod.network.brain_model import BrainModel

__all__ = ["feed_sense_input", "sense_ids", "text_matrix"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_FITS = ("stretch", "crop")


@names_near
def feed_sense_input(
    model: BrainModel, sense_name: str, matrix: ArrayLike, z_layer: int = 0, *, fit: str | None = None
) -> int:
    """Add a matrix to the external input of one x-y sheet of the area that a sense feeds.

    Element ``matrix[i, j]`` goes to the neuron at ``x = x_low + i``, ``y = y_low + j``, ``z = z_low + z_layer``
    and, where the sense names one, ``w = w_index``; sites without a neuron take nothing.

    Parameters
    ----------
    model : BrainModel
    sense_name : str
        A sense of the configuration.
    matrix : array_like of float, shape (n_rows, n_columns), mV
        Of the shape of the sheet, (x size, y size) of the area; another shape is fitted to it.
    z_layer : int, 0 to z size - 1, default 0
    fit : {"crop", "stretch"}, optional
        How another shape is fitted. ``"crop"``: the matrix is laid on the sheet with element [0, 0] in its corner;
        what juts out is not read, and sites that are not covered take nothing. ``"stretch"``: site (i, j) takes the
        element at its place, ``matrix[i * n_rows // x_size, j * n_columns // y_size]``. Default: ``"crop"``, with a
        warning.

    Returns
    -------
    int
        Number of neurons that the sheet holds; of a smaller matrix under ``"crop"``, those that it covers.

    Raises
    ------
    ValueError
        If the sense is unknown, the matrix does not have two axes or is empty, a value is not finite, or the layer is
        outside the area. No input changes.

    Warns
    -----
    NeuromodWarning
        If the shape is another and `fit` is not given.

    Examples
    --------
    >>> import numpy as np
    >>> from neuromod import BrainModel
    >>> from neuromod.senses import feed_sense_input
    >>> model = BrainModel("brain_base_model.json")
    >>> neuron = model.add_neuron(2, 3, 0, 0)
    >>> feed_sense_input(model, "vision", np.arange(400.0).reshape(20, 20))
    1
    >>> neuron.external_input
    43.0
    """
    area, ranges = _sheet(model, sense_name)
    sheet = tuple(ranges[axis][1] - ranges[axis][0] + 1 for axis in "xy")
    if fit is not None and not (isinstance(fit, str) and fit in _FITS):
        raise ValueError(f"fit: must be 'stretch' or 'crop'; got {shown(fit)}")
    values = checked_array(matrix, "matrix").astype(np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(
            f"matrix: must have two axes, as the {sheet} of the x-y sheet of {area}; got shape {values.shape}"
        )
    if not np.all(np.isfinite(values)):
        i, j = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"matrix: must be finite; got {values[i, j]} at [{i}, {j}]")
    slots = _slots(model, sense_name, z_layer)
    if values.shape != sheet:
        if fit is None:
            say(
                f"feed_sense_input: the matrix has shape {values.shape}, the x-y sheet of {area} {sheet}; laid on its "
                "corner. fit='crop' does so without a word, fit='stretch' scales it"
            )
        if fit == "stretch":
            rows, columns = (np.arange(n) * m // n for n, m in zip(sheet, values.shape, strict=True))
            values = values[np.ix_(rows, columns)]
    columns_of = model._store.columns
    row = columns_of.column("x")[slots] - ranges["x"][0]
    column = columns_of.column("y")[slots] - ranges["y"][0]
    covered = (row < values.shape[0]) & (column < values.shape[1])
    np.add.at(columns_of.column("external_input"), slots[covered], values[row[covered], column[covered]])
    return int(covered.sum())


@names_near
def sense_ids(model: BrainModel, sense_name: str, z_layer: int = 0) -> Ints:
    """Ids of the neurons that `feed_sense_input` feeds.

    Parameters
    ----------
    model : BrainModel
    sense_name : str
        A sense of the configuration.
    z_layer : int, 0 to z size - 1, default 0

    Returns
    -------
    ndarray of int64, shape (n,)
        Ascending.

    Raises
    ------
    ValueError
        If the sense is unknown, or the layer is outside the area.

    Examples
    --------
    >>> from neuromod import BrainModel
    >>> from neuromod.senses import sense_ids
    >>> model = BrainModel("brain_base_model.json")
    >>> neurons = model.add_neuron(2, 3, 0, 0), model.add_neuron(2, 3, 1, 0)
    >>> sense_ids(model, "vision", z_layer=1).tolist()
    [1]
    """
    slots = _slots(model, sense_name, z_layer)
    found: Ints = model._store.columns.column("id")[slots]
    return found


@names_near
def text_matrix(data: str | bytes, shape: tuple[int, int] = (20, 20), gain: float = 1.0) -> Floats:
    """Text or bytes as a matrix for a sense: byte after byte, row by row, each as ``gain * byte / 255``.

    Parameters
    ----------
    data : str or bytes
        Text is encoded as UTF-8.
    shape : tuple of two int, default (20, 20)
        Rows and columns; elements behind the last byte are 0.
    gain : float, mV, -1e9 to 1e9, default 1
        Value of the byte 255.

    Returns
    -------
    ndarray of float64, shape `shape`, mV

    Raises
    ------
    ValueError, TypeError
        If the bytes are more than the matrix has elements, or an argument is out of its domain.

    Examples
    --------
    >>> from neuromod.senses import text_matrix
    >>> text_matrix("Hi", (1, 3), gain=255.0).tolist()
    [[72.0, 105.0, 0.0]]
    """
    if not isinstance(data, str | bytes):
        raise TypeError(f"data: must be text or bytes; got {shown(data)}")
    if not isinstance(shape, tuple | list | np.ndarray) or len(shape) != 2:
        raise ValueError(f"shape: must be two whole numbers >= 1; got {shown(shape)}")
    size = tuple(checked_count(n, "shape", 1) for n in shape)
    scale = checked_number(gain, "gain", -1e9, 1e9)
    content = np.frombuffer(data.encode("utf-8") if isinstance(data, str) else data, np.uint8)
    if len(content) > size[0] * size[1]:
        raise ValueError(
            f"data: must be at most {size[0] * size[1]} bytes, one for each element; got {len(content)}"
        )
    values = np.zeros(size[0] * size[1])
    values[: len(content)] = scale * content / 255.0
    return values.reshape(size)


def _sheet(model: BrainModel, sense_name: str) -> tuple[str, Any]:
    """The area that a sense feeds, and its ranges."""
    if not hasattr(model, "_config"):
        hint = "; of a simulation give sim.model" if hasattr(model, "model") else ""
        raise TypeError(f"model: must be a BrainModel; got {shown(model)}{hint}")
    senses = model._config.senses
    if not isinstance(sense_name, str):
        raise TypeError(f"sense_name: must be the name of a sense; got {shown(sense_name)}")
    if sense_name not in senses:
        near = nearest(sense_name, senses)
        hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(senses) or 'none'}"
        raise ValueError(f"sense_name: must be a sense of the configuration; got {sense_name!r}{hint}")
    area: str = senses[sense_name].areal
    return area, model._store.areas.find(area).coord_ranges


def _slots(model: BrainModel, sense_name: str, z_layer: int) -> NDArray[np.int32]:
    """Slots of the neurons on the sheet."""
    area, ranges = _sheet(model, sense_name)
    depth = ranges["z"][1] - ranges["z"][0] + 1
    whole = isinstance(z_layer, int | np.integer) and not isinstance(z_layer, bool)
    if not whole or not 0 <= z_layer < depth:
        raise ValueError(f"z_layer: must be a whole number from 0 to {depth - 1}; got {shown(z_layer)}")
    columns, w_index = model._store.columns, model._config.senses[sense_name].w_index
    slots: NDArray[np.int32] = model._store.areas.slots(area)
    slots = slots[columns.column("z")[slots] == ranges["z"][0] + z_layer]
    return slots if w_index is None else slots[columns.column("w")[slots] == w_index]
