"""Whether neurons stand on a grid: evenly spaced sites along each axis, some of which may be empty."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "grid_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TOLERANCE = 1e-6
"""Of the spacing: positions this close to a site are on it."""
_MOST_SITES = 1 << 26


class Grid(NamedTuple):
    """The grid that some positions are on."""

    low: Floats
    """Position of its first site, shape (d,)."""
    step: Floats
    """Spacing along each axis; 1 along an axis with one site."""
    size: tuple[int, ...]
    """Number of sites along each axis."""

    @property
    def extent(self) -> Floats:
        """Size along each axis, with half a spacing beyond the outermost sites."""
        extent: Floats = self.step * np.array(self.size)
        return extent

    def sites(self, positions: Floats) -> Ints:
        """Number of the site along each axis, shape (n, d)."""
        return np.rint((positions - self.low) / self.step).astype(np.int64)


def grid_of(positions: Floats) -> Grid | None:
    """The grid that positions of shape (n, d), n >= 1, are on; None where they are not evenly spaced."""
    low, span = positions.min(axis=0), np.ptp(positions, axis=0)
    step = np.array([_step_of(axis, size) for axis, size in zip(positions.T, span.tolist(), strict=True)])
    number = (positions - low) / step
    size = tuple((np.rint(span / step).astype(np.int64) + 1).tolist())
    if np.any(np.abs(number - np.rint(number)) > _TOLERANCE) or math.prod(size) > _MOST_SITES:
        return None
    return Grid(low, step, size)


def _step_of(values: Floats, span: float) -> float:
    """The least distance of two different values; 1 where there is one value."""
    gaps = np.diff(np.unique(values))
    gaps = gaps[gaps > 1e-9 * span]
    return float(gaps.min()) if len(gaps) else 1.0
