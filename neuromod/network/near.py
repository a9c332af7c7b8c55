"""Connections by distance: pairs within reach, thinned by a probability, or so many of them for each neuron."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.distance import Geometry, Space, probabilities
from neuromod.network.layout import Rows

__all__ = ["choose_near", "near_rows", "rows_of"]

Areas = Any
"""A `neuromod.network.areas.Areas`; this module does not import it."""

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]
Floats = NDArray[np.float64]
Pairs = tuple[Int32s, Int32s]
_LATER = 1 << 40  # second numbers of the draws that choose with replacement: no degree is drawn with them


def near_rows(
    areas: Areas,
    geometry: Geometry,
    pre: Int32s,
    post: Int32s,
    space: Space,
    autapses: bool,
    seed: int,
    number: int,
) -> Rows:
    """Connect pairs with the probability that their distance has. `geometry`: of all of the projection."""
    chunks = _near(areas, geometry, pre, post, space, autapses, seed, number)
    if space.function is not None or space.box is not None:
        chunks = _thinned(areas, geometry, chunks, space, seed, number)
    return rows_of(chunks, pre, areas.columns.n)


def _near(
    areas: Areas,
    geometry: Geometry,
    pre: Int32s,
    post: Int32s,
    space: Space,
    autapses: bool,
    seed: int,
    number: int,
) -> Iterator[Pairs]:
    """Pairs within the radius, connected by the law where C can tell, else all of them."""
    order, corner, width, count, start = geometry.cells(post, space.radius)
    kind, p_center, scale = (
        space.law if space.function is None and space.box is None else ("constant", 1.0, 1.0)
    )
    reach = space.radius * (1.0 + 1e-9) + 1e-9 * float(np.max(np.abs(corner) + geometry.span, initial=0.0))
    pairs = _core.NearPairs(
        pre,
        post,
        areas.columns.column("id"),
        (kind, p_center, scale, space.inner, space.radius),
        geometry.at(pre),
        geometry.at(post[order]),
        post[order],
        geometry.period,
        corner,
        width,
        count,
        start,
        reach,
        autapses,
        seed,
        number,
    )
    while (found := pairs.next()) is not None:
        yield found


def _chance(geometry: Geometry, pre: Int32s, post: Int32s, space: Space, relative: bool = False) -> Floats:
    """Probability of each pair by the law or the function."""
    distance = geometry.distances(pre, post)
    if space.function is not None:
        return probabilities(space.function, distance, relative)
    kind, p_center, scale = space.law
    if kind == "gaussian":
        return p_center * np.exp(-0.5 * (distance / scale) ** 2)
    return p_center * np.exp(-distance / scale) if kind == "exponential" else np.full(len(pre), p_center)


def _thinned(
    areas: Areas, geometry: Geometry, chunks: Iterable[Pairs], space: Space, seed: int, number: int
) -> Iterator[Pairs]:
    ids = areas.columns.column("id")
    for pre, post in chunks:
        if space.box is not None:
            inside = geometry.inside(space.box, pre, post)
            pre, post = pre[inside], post[inside]
        if not len(pre):
            continue
        words = _core.pair_words(seed, "connect", number, ids[pre], ids[post])
        kept = (words + 0.5) * 2.0**-32 < _chance(geometry, pre, post, space)
        yield pre[kept], post[kept]


def rows_of(chunks: Iterable[Pairs], pre: Int32s, n_neurons: int) -> Rows:
    """Rows of pairs whose sources ascend from chunk to chunk; 2 bytes a synapse beside one chunk."""
    n_partitions, width = _core.partitions(n_neurons)
    first = int(pre[0]) if len(pre) else 0
    n_rows = int(pre[-1]) - first + 1 if len(pre) else 0
    counts = np.zeros(n_rows * n_partitions + 1, np.int64)
    parts = []
    for of, to in chunks:
        key = of.astype(np.int64) << 32 | to
        key.sort()
        target = key & 0xFFFFFFFF
        bucket = ((key >> 32) - first) * n_partitions + target // width
        if len(bucket):
            found = np.bincount(bucket - bucket[0])
            counts[bucket[0] + 1 : bucket[0] + 1 + len(found)] += found
            parts.append((target % width).astype(np.uint16))
    return first, np.cumsum(counts), np.concatenate(parts) if parts else np.empty(0, np.uint16)


# ---- degrees among the neurons near by -----------------------------------------------------------------------


def choose_near(
    areas: Areas,
    pre: Int32s,
    post: Int32s,
    name: str,
    degrees: Ints,
    space: Space,
    multapses: bool,
    autapses: bool,
    seed: int,
    number: int,
) -> Pairs:
    """So many sources of each target (or targets of each source) among those near by, with odds by distance."""
    of, among = (post, pre) if name == "in_degree" else (pre, post)
    geometry = Geometry(areas, pre, post, space.wrap)
    plain = space._replace(law=("constant", 1.0, 1.0))
    wanted = np.zeros(areas.columns.n, np.int64)
    wanted[of] = degrees
    found: list[Pairs] = []
    for mine, other in _near(areas, geometry, of, among, plain, autapses, seed, number):
        ends = (other, mine) if name == "in_degree" else (mine, other)
        if space.box is not None:
            inside = geometry.inside(space.box, *ends)
            mine, other = mine[inside], other[inside]
            ends = (other, mine) if name == "in_degree" else (mine, other)
        chance = _chance(geometry, *ends, space, relative=True)
        mine, other, chance = mine[chance > 0.0], other[chance > 0.0], chance[chance > 0.0]
        choose = _with_replacement if multapses else _distinct
        found.append(choose(areas.columns.column("id"), mine, other, chance, wanted, seed, number))
    mine = np.concatenate([each[0] for each in found]) if found else np.empty(0, np.int32)
    other = np.concatenate([each[1] for each in found]) if found else np.empty(0, np.int32)
    _check_enough(areas, name, of, wanted, np.bincount(mine, minlength=areas.columns.n))
    return (other, mine) if name == "in_degree" else (mine, other)


def _check_enough(areas: Areas, name: str, of: Int32s, wanted: Ints, got: Ints) -> None:
    short = of[got[of] < wanted[of]]
    if len(short):
        who = int(areas.columns.column("id")[short[0]])
        what = "sources" if name == "in_degree" else "targets"
        raise ValueError(
            f"{name}: must be at most the number of {what} within the mask; neuron {who} is to have "
            f"{wanted[short[0]]} and too few are there ({len(short)} neurons in all)"
        )


def _distinct(
    ids: Any, of: Int32s, other: Int32s, chance: Floats, wanted: Ints, seed: int, number: int
) -> Pairs:
    """The first to come of exponential waiting times with rates `chance` (Efraimidis & Spirakis 2006)."""
    words = _core.pair_words(seed, "connect", number, ids[of], ids[other])
    wait = -np.log((words + 0.5) * 2.0**-32) / chance
    order = np.lexsort((other, wait, of))
    of, other = of[order], other[order]
    kept = _rank(of) < wanted[of]
    return of[kept], other[kept]


def _rank(of: Int32s) -> Ints:
    """Position of each entry among those of its neuron, which stand together."""
    begins = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1]])) if len(of) else np.empty(0, np.int64)
    return np.arange(len(of)) - np.repeat(begins, np.diff(np.append(begins, len(of))))


def _with_replacement(
    ids: Any, of: Int32s, other: Int32s, chance: Floats, wanted: Ints, seed: int, number: int
) -> Pairs:
    order = np.lexsort((other, of))
    of, other, chance = of[order], other[order], chance[order]
    who, begins = np.unique(of, return_index=True)
    ends = np.append(begins[1:], len(of))
    below = np.concatenate([[0.0], np.cumsum(chance)])
    each = wanted[who]
    drawn = np.repeat(np.arange(len(who)), each)
    second = np.arange(len(drawn)) - np.repeat(np.cumsum(each) - each, each) + _LATER
    words = _core.pair_words(seed, "connect", number, ids[who[drawn]], second)
    total = below[ends] - below[begins]
    at = below[begins][drawn] + (words + 0.5) * 2.0**-32 * total[drawn]
    picked = np.clip(np.searchsorted(below, at, side="right") - 1, begins[drawn], ends[drawn] - 1)
    return who[drawn].astype(np.int32), other[picked]
