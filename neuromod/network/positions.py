"""Positions of neurons without a lattice: a line, a grid, a disc, a sphere, or those given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_array, checked_number
from neuromod.problems import nearest, shown

__all__ = ["positions_of"]

Floats = NDArray[np.float64]
_SHAPES = {"line": 1.0, "grid": None, "disc": 1.0, "sphere": 1.0}
"""What a shape is given; None: a near-square of unit spacing."""
_RULE = (
    '"line", "grid", "disc", "sphere", {"line": spacing}, {"grid": [nx, ny], "spacing": 1.0}, '
    '{"grid": [nx, ny], "extent": [width, height]}, {"disc": radius}, {"sphere": radius}, or an array of shape (n, d)'
)
_MOST_AXES = 8


def positions_of(given: Any, n: int | None, seed: int, first: int, share: bool) -> Floats | None:
    """Positions of n neurons, of the ids from `first` on, shape (n, d); None where none are given.

    n None: how many is not known, and only the shape is checked. `share`: several neurons may stand at one site.
    ValueError or TypeError in the words of `positions`.
    """
    if given is None or (n is None and not isinstance(given, str | Mapping)):
        return None
    n = 0 if n is None else n
    if isinstance(given, str):
        _check_shape(given, {given})
        found = _shaped(given, _SHAPES[given], {}, n, seed, first)
    elif isinstance(given, Mapping):
        kind = next((name for name in _SHAPES if name in given), None)
        _check_shape(kind, {*given} - {"spacing", "extent"})
        assert kind is not None
        for name in ("spacing", "extent"):
            if name in given and kind != "grid":
                raise ValueError(f"positions.{name}: is that of a grid; got {shown(dict(given))}")
        found = _shaped(kind, given[kind], given, n, seed, first)
    else:
        found = _as_given(given, n)
    _check_apart(found, share)
    found.flags.writeable = False
    return found


def _check_shape(kind: Any, names: set[Any]) -> None:
    unknown = [name for name in names if name not in _SHAPES]
    if kind is None or unknown or len(names) != 1:
        near = nearest(unknown[0], _SHAPES) if unknown else None
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"positions: must be {_RULE}; got {shown(unknown[0] if unknown else names)}{hint}")


def _size(value: Any, where: str) -> float:
    size = checked_number(value, where)
    if not 0.0 < size <= 1e300:
        raise ValueError(f"{where}: must be > 0; got {size:g}")
    return size


def _shaped(kind: str, size: Any, given: Mapping[str, Any], n: int, seed: int, first: int) -> Floats:
    if kind == "grid":
        return _grid(size, given, n)
    length = _size(size, f"positions.{kind}")
    if kind == "line":
        return np.arange(n, dtype=np.float64)[:, None] * length
    return length * _in_ball(2 if kind == "disc" else 3, n, seed, first)


def _grid(shape: Any, given: Mapping[str, Any], n: int) -> Floats:
    """Sites in order, the last axis fastest, begun anew where there are more neurons than sites.

    With an extent, they stand in the middles of the equal cells that it is cut into, from 0 on.
    """
    side = max(1, math.isqrt(max(n - 1, 0)) + 1)
    sizes = checked_array([-(-n // side) or 1, side] if shape is None else shape, "positions.grid", "iu")
    if sizes.ndim != 1 or not 1 <= len(sizes) <= _MOST_AXES or sizes.min() < 1 or sizes.max() >= 2**31:
        raise ValueError(
            f"positions.grid: must be numbers of sites along each axis, >= 1; got {shown(shape)}"
        )
    site = np.arange(n) % min(math.prod(sizes.tolist()), 2**62)
    at = np.stack(np.unravel_index(site, sizes.tolist()), axis=1).astype(np.float64)
    if "extent" not in given:
        return at * _size(given.get("spacing", 1.0), "positions.spacing")
    if "spacing" in given:
        raise ValueError(
            f"positions.spacing, positions.extent: must not be given both; got {shown(dict(given))}"
        )
    spread: Floats = (at + 0.5) * (_extent(given["extent"], len(sizes)) / sizes)
    return spread


def _extent(value: Any, n_axes: int) -> Floats:
    size = checked_array(value, "positions.extent").astype(np.float64)
    if size.shape != (n_axes,) or not np.all((size > 0.0) & (size <= 1e300)):
        raise ValueError(
            f"positions.extent: must be the size along each of {n_axes} axes, > 0; got {shown(value)}"
        )
    return size


def _in_ball(d: int, n: int, seed: int, first: int) -> Floats:
    """Uniform in the ball of radius 1: what falls outside is drawn again. Each depends on the seed and its id."""
    found, left, attempt = np.empty((n, d)), np.arange(n), 0
    while len(left):
        words = [_core.random_words(seed, "place", first, attempt * d + axis, n, salt=2) for axis in range(d)]
        drawn = (np.stack(words, axis=1)[left] + 0.5) * 2.0**-31 - 1.0
        inside = (drawn * drawn).sum(axis=1) <= 1.0
        found[left[inside]] = drawn[inside]
        left, attempt = left[~inside], attempt + 1
    return found


def _as_given(given: Any, n: int) -> Floats:
    array = checked_array(given, "positions").astype(np.float64)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or len(array) != n or not array.shape[1]:
        raise ValueError(f"positions: must be {_RULE} with n = {n}; got shape {np.shape(given)}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"positions: must be finite; got {array[~np.isfinite(array)][0]}")
    return array + 0.0  # -0 is 0


def _check_apart(positions: Floats, share: bool) -> None:
    """Refuse two neurons at one site, unless it is asked for."""
    if share or len(positions) < 2:
        return
    order = np.lexsort(positions.T)
    same = np.all(positions[order[1:]] == positions[order[:-1]], axis=1)
    if same.any():
        k = int(np.flatnonzero(same)[0])
        a, b = sorted((int(order[k]), int(order[k + 1])))
        raise ValueError(
            f"positions: must differ unless share_sites is True; got {positions[a].tolist()} "
            f"for neurons {a} and {b}, {int(same.sum())} such neurons in all"
        )
