"""Regions on a lattice, for the diffusion of modulators."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import checked_array
from neuromod.problems import shown

__all__ = ["lattice_neighbours"]

MOST_REGIONS = 2**24
"""More than one diffusion step can serve."""


def lattice_neighbours(shape: Sequence[int]) -> NDArray[np.int64]:
    """Pairs of neighbours on a lattice of regions, for `NeuromodulationSystem.set_diffusion`.

    Parameters
    ----------
    shape : sequence of int
        Regions along each axis; regions are numbered with the last axis fastest.

    Returns
    -------
    ndarray of int64, shape (n_pairs, 2)

    Raises
    ------
    TypeError, ValueError
        If it is no sequence of whole numbers >= 1.

    Examples
    --------
    >>> lattice_neighbours([2, 2]).tolist()
    [[0, 2], [1, 3], [0, 1], [2, 3]]
    """
    sizes = checked_array(shape, "shape", "iu")
    if sizes.ndim != 1 or not sizes.size or sizes.min() < 1 or math.prod(sizes.tolist()) > MOST_REGIONS:
        raise ValueError(
            f"shape: must be numbers of regions, >= 1, {MOST_REGIONS} in all at most; got {shown(shape)}"
        )
    number = np.arange(math.prod(sizes.tolist()), dtype=np.int64).reshape(tuple(sizes.tolist()))
    pairs = []
    for axis in range(number.ndim):
        moved = np.moveaxis(number, axis, 0)
        pairs.append(np.stack([moved[:-1].ravel(), moved[1:].ravel()], axis=1))
    return np.concatenate(pairs)
