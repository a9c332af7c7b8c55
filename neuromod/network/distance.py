"""Distances between neurons: positions, wrapped edges, masks, and probabilities that fall with distance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import called, checked_array, checked_number
from neuromod.network.columns import distinct
from neuromod.network.grids import grid_of
from neuromod.problems import nearest, shown

__all__ = ["CUT", "Geometry", "Space", "checked_space", "checked_wrap", "positions_of", "probabilities"]

Areas = Any
"""A `neuromod.network.areas.Areas`; this module does not import it."""

Floats = NDArray[np.float64]
Int32s = NDArray[np.int32]
Function = Callable[[Floats], Any]

CUT = 1e-6
"""A kernel is cut where it is below this share of its peak: a gaussian at 5.3 sigma, an exponential at 13.8 tau."""
_SCALES = {"gaussian": ("sigma", "std"), "exponential": ("tau", "beta"), "box": ("radius",)}
_PEAKS = ("p_center", "p")
_KERNELS = '{"gaussian": [p_center, sigma]}, {"exponential": [p_center, tau]} or {"box": [p_center, radius]}'
_MASKS = (
    '{"radius": r}, {"circular": {"radius": r}}, {"doughnut": {"inner_radius": r, "outer_radius": R}} or '
    '{"rectangular": {"lower_left": [x, y], "upper_right": [x, y]}}'
)


class Space(NamedTuple):
    """Which pairs may be connected by distance, and with what probability; checked."""

    law: tuple[str, float, float] = ("constant", 1.0, 1.0)  # kind, p_center, scale
    function: Function | None = None  # probability at an array of distances
    inner: float = 0.0
    radius: float = math.inf  # only pairs with inner <= distance <= radius
    box: tuple[Floats, Floats] | None = None  # least and greatest displacement along each coordinate
    wrap: bool | Floats = False  # True: the box of the areas; or the period along each coordinate


# ---- what a user writes --------------------------------------------------------------------------------------


def checked_space(probability: Any, mask: Any, edge_wrap: Any) -> Space | None:
    """What `connect` was told of distances; None: they do not matter."""
    wrap = checked_wrap(edge_wrap)
    kernel = isinstance(probability, Mapping) or callable(probability)
    if mask is None and not kernel:
        return None
    space = Space(wrap=wrap)
    if callable(probability):
        space = space._replace(function=probability)
    elif kernel:
        space = _of_kernel(probability, space)
    elif probability is not None:
        space = space._replace(law=("constant", checked_number(probability, "probability", 0.0, 1.0), 1.0))
    return space if mask is None else _of_mask(mask, space)


def checked_wrap(value: Any) -> bool | Floats:
    """False, True, or the period along each coordinate."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    periods = np.atleast_1d(checked_array(value, "edge_wrap")).astype(np.float64)
    if periods.ndim != 1 or np.any(np.isnan(periods)) or np.any(periods <= 0.0):
        raise ValueError(
            f"edge_wrap: must be True, False, or a period > 0 for each coordinate (inf: none); got {shown(value)}"
        )
    return periods


def _of_kernel(value: Mapping[Any, Any], space: Space) -> Space:
    kinds = [kind for kind in _SCALES if kind in value]
    if len(kinds) != 1 or len(value) != 1:
        near = next((nearest(str(key), _SCALES) for key in value if key not in _SCALES), None)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(
            f"probability: must be {_KERNELS}, or a function of distances; got {shown(value)}{hint}"
        )
    kind = kinds[0]
    where, given = f"probability.{kind}", value[kind]
    p_center, scale = _kernel_numbers(where, kind, given)
    p_center = checked_number(p_center, f"{where}.p_center", 0.0, 1.0)
    scale = checked_number(scale, f"{where}.{_SCALES[kind][0]}", 0.0)
    if scale == 0.0:
        raise ValueError(f"{where}.{_SCALES[kind][0]}: must be > 0; got 0")
    if kind == "box":
        return space._replace(law=("constant", p_center, 1.0), radius=scale)
    reach = math.sqrt(-2.0 * math.log(CUT)) if kind == "gaussian" else -math.log(CUT)
    return space._replace(law=(kind, p_center, scale), radius=reach * scale)


def _kernel_numbers(where: str, kind: str, given: Any) -> tuple[Any, Any]:
    """Peak and scale, as a pair or by name."""
    names = _SCALES[kind]
    if isinstance(given, Mapping):
        scale = [name for name in names if name in given]
        peak = [name for name in _PEAKS if name in given]
        unknown = [key for key in given if key not in (*names, *_PEAKS)]
        if unknown or len(scale) != 1 or len(peak) > 1:
            raise ValueError(f"{where}: must have {names[0]} and p_center; got {shown(dict(given))}")
        return (given[peak[0]] if peak else 1.0), given[scale[0]]
    pair = checked_array(given, where)
    if pair.shape != (2,):
        raise ValueError(f"{where}: must be [p_center, {names[0]}]; got {shown(given)}")
    return pair[0].item(), pair[1].item()


def _of_mask(value: Any, space: Space) -> Space:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(f"mask: must be {_MASKS}; got {shown(value)}")
    kind, given = next(iter(value.items()))
    if kind == "radius":
        kind, given = "circular", {"radius": given}
    names = {
        "circular": ("radius",),
        "spherical": ("radius",),
        "doughnut": ("inner_radius", "outer_radius"),
        "rectangular": ("lower_left", "upper_right"),
        "box": ("lower_left", "upper_right"),
    }.get(kind)
    if names is None or not isinstance(given, Mapping) or set(given) != set(names):
        raise ValueError(f"mask: must be {_MASKS}; got {shown(value)}")
    where = f"mask.{kind}"
    if "lower_left" in given:
        low, high = (np.atleast_1d(checked_array(given[name], f"{where}.{name}")) for name in names)
        if low.ndim != 1 or low.shape != high.shape or not np.all(low <= high):
            raise ValueError(f"{where}: lower_left must be below upper_right; got {shown(given)}")
        return space._replace(box=(low.astype(np.float64), high.astype(np.float64)))
    radii = [checked_number(given[name], f"{where}.{name}", 0.0) for name in names]
    inner = radii[0] if kind == "doughnut" else 0.0
    if inner > radii[-1]:
        raise ValueError(f"{where}: inner_radius must be <= outer_radius; got {shown(given)}")
    return space._replace(inner=inner, radius=min(space.radius, radii[-1]))


# ---- where neurons are ---------------------------------------------------------------------------------------


def positions_of(areas: Areas, slots: Any) -> Floats:
    """Positions of neurons, shape (n, d): of a population as it was created, else all four of the lattice."""
    found: Floats | None = areas.positions(slots)
    if found is None:
        raise ValueError(
            "pre, post: must have positions of one number of coordinates where something depends on distance; "
            "see `positions` of create"
        )
    return found


def _extent_of(areas: Areas, slots: Any) -> Floats:
    """Size along each coordinate of the box around the areas that neurons are of."""
    numbers = np.unique(areas.columns.column("area")[slots])
    if len(numbers) and not 0 <= numbers[0] <= numbers[-1] < len(areas.lattice):
        sizes = "".join(f", {size}" for size in [_sizes_of_grids(areas, slots)] if size)
        raise ValueError(
            f"edge_wrap: must be a period for each coordinate{sizes}, where neurons are of no area of the lattice; "
            "got True"
        )
    boxes = np.array([[areas.all[k].coord_ranges[axis] for axis in "xyzw"] for k in numbers], np.float64)
    return boxes[:, :, 1].max(axis=0) - boxes[:, :, 0].min(axis=0) + 1.0 if len(boxes) else np.ones(4)


def _sizes_of_grids(areas: Areas, slots: Any) -> str:
    """The largest extent of the grids that populations stand on, as a user writes it; "" where some is on none."""
    of_each = areas.columns.column("area")[slots]
    found = [grid_of(positions_of(areas, slots[of_each == number])) for number in np.unique(of_each)]
    grids = [grid for grid in found if grid is not None]
    if len(grids) < len(found):
        return ""
    return str([float(f"{size:.12g}") for size in np.max([grid.extent for grid in grids], axis=0)])


class Geometry:
    """Positions of the sources and targets of one projection, folded where edges are wrapped."""

    def __init__(self, areas: Areas, pre: Int32s, post: Int32s, wrap: bool | Floats) -> None:
        both = distinct(np.concatenate([pre, post]))
        at = positions_of(areas, both)
        n_axes = at.shape[1]
        period = np.full(n_axes, np.inf)
        if wrap is True:
            period = _extent_of(areas, both)
        elif wrap is not False:
            period[: len(wrap)] = wrap[:n_axes]
            if len(wrap) > n_axes:
                raise ValueError(f"edge_wrap: must be at most {n_axes} periods; got {len(wrap)}")
        low = at.min(axis=0) if len(at) else np.zeros(n_axes)
        span = (at.max(axis=0) if len(at) else low) - low
        if np.any(span > period * (1.0 + 1e-12)):
            k = int(np.argmax(span > period))
            raise ValueError(
                f"edge_wrap: must be at least the extent of the positions, {span[k]:g}; got {period[k]:g}"
            )
        self.axes = np.flatnonzero(span > 0.0) if np.any(span > 0.0) else np.zeros(1, np.int64)
        self.period = np.where(np.isfinite(period), period, 0.0)[self.axes]
        self.corner, self.span = low[self.axes], span[self.axes]
        self._first = int(both[0]) if len(both) else 0
        # by slot from the first on: shape (n_axes, n_slots)
        room = int(both[-1]) - self._first + 1 if len(both) else 0
        self._at = np.zeros((len(self.axes), room))
        self._at[:, both - self._first] = self._folded(at[:, self.axes].T)

    def _folded(self, at: Floats) -> Floats:
        corner, period = self.corner[:, None], self.period[:, None]
        wrapped = period > 0.0
        return np.where(wrapped, corner + np.mod(at - corner, np.where(wrapped, period, 1.0)), at)

    def at(self, slots: Any) -> Floats:
        """Positions along the axes that matter, contiguous, shape (n_axes, n)."""
        return np.ascontiguousarray(self._at[:, np.asarray(slots, np.int64) - self._first])

    def displacements(self, pre: Any, post: Any) -> Floats:
        """From each source to its target, the shorter way around, shape (n_axes, n)."""
        d = self.at(post) - self.at(pre)
        for row, period in zip(d, self.period, strict=True):
            if period > 0.0:
                row -= period * np.rint(row / period)
        return d

    def distances(self, pre: Any, post: Any) -> Floats:
        """Distance of each source and target."""
        d = np.abs(self.at(post) - self.at(pre))
        total = np.zeros(d.shape[1])
        for row, period in zip(d, self.period, strict=True):
            near = np.minimum(row, period - row) if period > 0.0 else row
            total += near * near
        return np.sqrt(total)

    def inside(self, box: tuple[Floats, Floats], pre: Any, post: Any) -> NDArray[np.bool_]:
        """Whether each displacement lies in the box; coordinates that the box does not have are not looked at."""
        low, high = box
        within = np.ones(len(pre), bool)
        for axis, row in zip(self.axes, self.displacements(pre, post), strict=True):
            if axis < len(low):
                within &= (row >= low[axis]) & (row <= high[axis])
        dropped = [k for k in range(len(low)) if k not in self.axes]
        return within & all(low[k] <= 0.0 <= high[k] for k in dropped)

    def cells(self, slots: Int32s, radius: float) -> tuple[Any, ...]:
        """A grid over neurons: their order by cell; corner, width and number along each axis; the start of each cell.

        Cells are a third of the radius wide, or as wide as holds eight neurons on average.
        """
        extent = np.where(self.period > 0.0, self.period, self.span)
        extent = np.where(extent > 0.0, extent, 1.0)
        even = extent * (8.0 / max(len(slots), 1)) ** (1.0 / len(extent))
        width = np.maximum(radius / 3.0, even)
        count = np.maximum(np.floor(extent / width), 1.0) + np.where(self.period > 0.0, 0.0, 1.0)
        count = np.where(width >= extent, 1.0, count)
        width = np.where(self.period > 0.0, extent / count, np.where(count == 1.0, 2.0 * extent, width))
        index = np.zeros(len(slots), np.int64)
        for row, corner, size, n in zip(self.at(slots), self.corner, width, count, strict=True):
            index = index * int(n) + np.clip(np.floor((row - corner) / size), 0, n - 1).astype(np.int64)
        n_cells = int(np.prod(count))
        start = np.concatenate([[0], np.cumsum(np.bincount(index, minlength=n_cells))]).astype(np.int64)
        return np.argsort(index, kind="stable"), self.corner, width, count.astype(np.int64), start


def probabilities(function: Function, distance: Floats, relative: bool = False) -> Floats:
    """A user's function of distance at an array of them, checked; `relative`: any size, not only up to 1."""
    given = called("probability", function, distance)
    if given.ndim == 0:
        given = np.broadcast_to(given, distance.shape)
    if given.shape != distance.shape:
        raise ValueError(
            f"probability: must give one value for each of {distance.shape[0]} distances; got shape {given.shape}"
        )
    values: Floats = given.astype(np.float64)
    bad = ~(values >= 0.0) | ~np.isfinite(values) | (False if relative else values > 1.0)
    if bad.any():
        k = int(np.argmax(bad))
        rule = "finite values >= 0" if relative else "values from 0 to 1"
        raise ValueError(f"probability: must give {rule}; got {values[k]:g} at distance {distance[k]:g}")
    return values
