"""From the world to the network: a matrix of the outside becomes input current of an area's sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from neuromod.network.brain_model import BrainModel

__all__ = ["feed_sense_input"]


def feed_sense_input(model: BrainModel, sense_name: str, matrix: ArrayLike, z_layer: int = 0) -> int:
    """Add a matrix to the external input of one x-y sheet of the area that a sense feeds.

    Element ``matrix[i, j]`` goes to the neuron at ``x = x_low + i``, ``y = y_low + j``, ``z = z_low + z_layer``
    and, where the sense names one, ``w = w_index``; sites without a neuron take nothing.

    Parameters
    ----------
    model : BrainModel
    sense_name : str
        A sense of the configuration.
    matrix : array_like of float, shape (x size, y size) of the area, mV
    z_layer : int, 0 to z size - 1, default 0

    Returns
    -------
    int
        Number of neurons that the sheet holds.

    Raises
    ------
    ValueError
        If the sense is unknown, the shape is not the sheet's, a value is not finite, or the layer is outside the
        area. No input changes.

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
    senses = model._config.senses
    if sense_name not in senses:
        from neuromod.config.load import nearest

        near = nearest(sense_name, senses)
        hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(senses) or 'none'}"
        raise ValueError(f"sense_name: must be a sense of the configuration; got {sense_name!r}{hint}")
    sense = senses[sense_name]
    store = model._store
    ranges = store.areas.find(sense.areal).coord_ranges
    sheet = tuple(ranges[axis][1] - ranges[axis][0] + 1 for axis in "xy")
    values = np.asarray(matrix, dtype=np.float64)
    if values.shape != sheet:
        raise ValueError(
            f"matrix: must have the shape {sheet} of the x-y sheet of {sense.areal}; got {values.shape}"
        )
    if not np.all(np.isfinite(values)):
        i, j = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"matrix: must be finite; got {values[i, j]} at [{i}, {j}]")
    depth = ranges["z"][1] - ranges["z"][0] + 1
    if isinstance(z_layer, bool) or not 0 <= z_layer < depth or int(z_layer) != z_layer:
        raise ValueError(f"z_layer: must be a whole number from 0 to {depth - 1}; got {z_layer!r}")
    columns, slots = store.columns, store.areas.slots(sense.areal)
    slots = slots[columns.column("z")[slots] == ranges["z"][0] + z_layer]
    if sense.w_index is not None:
        slots = slots[columns.column("w")[slots] == sense.w_index]
    row = columns.column("x")[slots] - ranges["x"][0]
    column = columns.column("y")[slots] - ranges["y"][0]
    np.add.at(columns.column("external_input"), slots, values[row, column])
    return len(slots)
