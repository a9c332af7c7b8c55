"""Who is connected to whom, by the one rule that ``connect`` was given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_array, checked_count, checked_number
from neuromod.network.distance import Geometry, Space
from neuromod.network.draws import degrees_of
from neuromod.network.ends import Built, Drawing, Ends, Parts
from neuromod.network.layout import Rows
from neuromod.network.matrices import entries_of, is_sparse
from neuromod.network.near import choose_near, near_rows
from neuromod.network.pairs import as_pairs, checked_pairs
from neuromod.problems import shown

__all__ = ["RULES", "build_rows", "drawing_of"]

Areas = Any
"""A `neuromod.network.areas.Areas`; this module does not import it."""

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]

RULES = (
    "probability",
    "in_degree",
    "out_degree",
    "total_number",
    "one_to_one",
    "all_to_all",
    "pairs",
    "matrix",
)
MOST_SYNAPSES = 2**40
"""Of one neuron, and more than a machine holds: what is below is memory's to refuse."""
_AT_ONCE = 1 << 16
"""Pairs whose sources are drawn at once."""


def build_rows(areas: Areas, ends: Ends, how: Mapping[str, Any], space: Space | None) -> Built:
    """Rows by the one rule that is given, cut by the parts of the network."""
    return drawing_of(areas, ends, how, space).all(ends, areas.columns.n)


def drawing_of(areas: Areas, ends: Ends, how: Mapping[str, Any], space: Space | None) -> Drawing:
    """How the one rule that is given makes synapses; everything is checked."""
    given = {name: value for name, value in how.items() if value is not None and value is not False}
    if space is not None and ("in_degree" in given or "out_degree" in given):
        given.pop("probability", None)  # how the odds fall with distance
    if len(given) != 1:
        raise ValueError(
            f"connect: exactly one of {', '.join(RULES)} must be given; got {', '.join(given) or 'none'}"
        )
    name, value = next(iter(given.items()))
    _check_that_it_acts(name, space, ends)
    if name in ("one_to_one", "all_to_all") and not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: must be True or False; got {shown(value)}")
    if name in ("probability", "all_to_all"):
        return _by_probability(areas, ends, 1.0 if name == "all_to_all" else value, space)
    if name in ("in_degree", "out_degree"):
        return _by_degree(areas, ends, name, value, space)
    if name == "total_number":
        return _total_number(areas, ends, value)
    if name == "one_to_one":
        return _one_to_one(areas, ends)
    if name == "matrix":
        return _by_matrix(areas, ends, value)
    slots, weight, delay = as_pairs(areas, value)
    checked_pairs(areas, slots, ends.pre, ends.post, ends.autapses, ends.multapses)
    return _given(areas, slots, weight=weight, delay=delay)


def _check_that_it_acts(name: str, space: Space | None, ends: Ends) -> None:
    """Refuse what would have no effect beside the rule."""
    if space is not None and name not in ("probability", "in_degree", "out_degree", "all_to_all"):
        raise ValueError(f"mask: acts with probability, in_degree, out_degree or all_to_all; got {name}")
    if ends.multapses and name in ("probability", "all_to_all", "one_to_one", "matrix"):
        raise ValueError(f"multapses: acts with in_degree, out_degree, total_number or pairs; got {name}")


def _by_probability(areas: Areas, ends: Ends, value: Any, space: Space | None) -> Drawing:
    if space is not None:
        return _by_distance(areas, ends, space)
    p = checked_number(value, "probability", 0.0, 1.0)
    ids = areas.columns.column("id")
    how = (ids, p, ends.autapses, ends.seed, ends.number)
    if p == 1.0:
        return Drawing(
            "target",
            lambda low, high, parts: Built(
                _core.build_probability(ends.pre, ends.post[low:high], *how, parts=parts)
            ),
        )
    return Drawing(
        "source",
        lambda low, high, parts: Built(_core.build_probability(ends.pre[low:high], ends.post, *how)),
        expected=int(p * len(ends.pre) * len(ends.post)),
    )


def _by_distance(areas: Areas, ends: Ends, space: Space) -> Drawing:
    @cache
    def geometry() -> Geometry:
        return Geometry(areas, ends.pre, ends.post, space.wrap)

    def make(low: int, high: int, parts: Parts) -> Built:
        pre = ends.pre[low:high]
        return Built(
            near_rows(areas, geometry(), pre, ends.post, space, ends.autapses, ends.seed, ends.number)
        )

    # a user's function gets many distances in one call, and may make of them what it likes
    return Drawing("source" if space.function is None else "whole", make)


# ---- degrees -------------------------------------------------------------------------------------------------


def _by_degree(areas: Areas, ends: Ends, name: str, value: Any, space: Space | None) -> Drawing:
    for_each, chosen_from = (ends.post, ends.pre) if name == "in_degree" else (ends.pre, ends.post)
    each = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
    fixed = not each and not isinstance(value, Mapping)
    if fixed:
        degrees = np.full(len(for_each), checked_count(value, name, 0, MOST_SYNAPSES))
    else:
        degrees = _drawn_or_given(areas, ends, name, value, for_each)
    _check_partners(areas, ends, name, for_each, chosen_from, degrees)
    if space is not None:
        return Drawing("whole", lambda low, high, parts: _degree_near(areas, ends, name, degrees, space))
    by = "target" if name == "in_degree" else "source"
    trims = ends.multapses is False or (by == "target" and not fixed)
    return Drawing(
        by,
        lambda low, high, parts: _of_degree(areas, ends, by, degrees, fixed, (low, high), parts),
        trims,
        int(degrees.sum()),
    )


def _degree_near(areas: Areas, ends: Ends, name: str, degrees: Ints, space: Space) -> Built:
    multapses = ends.multapses is not False
    found = choose_near(
        areas, ends.pre, ends.post, name, degrees, space, multapses, ends.autapses, ends.seed, ends.number
    )
    return Built(_rows_of_pairs(areas, *found)[0])


def _of_degree(
    areas: Areas, ends: Ends, by: str, degrees: Ints, fixed: bool, some: tuple[int, int], parts: Parts
) -> Built:
    """The synapses of some of the sources or targets, which draw each by itself."""
    pre, post, degrees = ends.pre, ends.post, degrees[slice(*some)]
    pre, post = (pre, post[slice(*some)]) if by == "target" else (pre[slice(*some)], post)
    common, keys = (pre, post, areas.columns.column("id")), (ends.autapses, ends.seed, ends.number)
    if fixed and ends.multapses is not False:
        degree = int(degrees[0]) if len(degrees) else 0
        if by == "target":
            return Built(_core.build_in_degree(*common, degree, *keys, parts))
        return Built(_core.build_out_degree(*common, degree, *keys))
    if by == "source" and ends.multapses is not False:
        return Built(_core.build_out_degrees(*common, degrees, *keys))
    chosen = _core.build_chosen(*common, by == "source", degrees, ends.multapses is False, *keys)
    own = np.repeat(post if by == "target" else pre, degrees)
    of, to = (chosen, own) if by == "target" else (own, chosen)
    return Built(_rows_of_pairs(areas, of, to, parts)[0])


def _drawn_or_given(areas: Areas, ends: Ends, name: str, value: Any, for_each: Int32s) -> Ints:
    """A degree for each neuron in slot order: drawn by its id, or as given in the order of `pre` or `post`."""
    ids = areas.columns.column("id")[for_each]
    if isinstance(value, Mapping):
        return degrees_of(value, name, ids, ends.seed, ends.number)
    given, as_given = checked_array(value, name, "iu"), ends.targets if name == "in_degree" else ends.sources
    if given.shape != as_given.shape or len(as_given) != len(for_each):
        side = "post" if name == "in_degree" else "pre"
        raise ValueError(
            f"{name}: must have one degree for each neuron of {side}, {len(as_given)}; got {given.shape}"
        )
    if given.size and not 0 <= given.min() <= given.max() <= MOST_SYNAPSES:
        raise ValueError(f"{name}: must be whole numbers >= 0; got {given.min()}")
    return given[np.argsort(as_given, kind="stable")].astype(np.int64)


def _check_partners(
    areas: Areas, ends: Ends, name: str, for_each: Int32s, chosen_from: Int32s, degrees: Ints
) -> None:
    """Refuse a degree for which there are not enough neurons."""
    side = "pre" if name == "in_degree" else "post"
    own = np.zeros(len(for_each), bool) if ends.autapses else np.isin(for_each, chosen_from)
    there = len(chosen_from) - own
    if np.any((there == 0) & (degrees > 0)):
        raise ValueError(f"{side}, {name}: needs another neuron to connect to; got {len(chosen_from)}")
    short = np.flatnonzero((degrees > there) & (ends.multapses is False))
    if len(short):
        k = int(short[0])
        who = int(areas.columns.column("id")[for_each[k]])
        raise ValueError(
            f"{name}: must be at most the number of different neurons in {side} without multapses, {there[k]} for "
            f"neuron {who}; got {degrees[k]}"
        )


# ---- a total number ------------------------------------------------------------------------------------------


def _total_number(areas: Areas, ends: Ends, value: Any) -> Drawing:
    """So many pairs drawn from all: the k-th draw is that of the projection's sequence."""
    n = checked_count(value, "total_number", 0, MOST_SYNAPSES)
    n_pre, n_post = len(ends.pre), len(ends.post)
    own = np.zeros(n_pre, bool) if ends.autapses else np.isin(ends.pre, ends.post)
    n_own = int(own.sum())
    n_pairs = n_pre * n_post - n_own
    if n and n_pairs == 0:
        raise ValueError("pre, total_number: needs two neurons to connect; got none")
    if ends.multapses is False and n > n_pairs:
        raise ValueError(
            f"total_number: must be at most the number of pairs without multapses, {n_pairs}; got {n}"
        )
    if n_pairs >= 1 << 52:
        raise ValueError(f"total_number: must be drawn from fewer than 2**52 pairs; got {n_pairs}")
    # sources that are targets themselves come first: each has one target fewer
    sources = np.concatenate([ends.pre[own], ends.pre[~own]])
    if ends.multapses is False:
        return Drawing(
            "whole", lambda low, high, parts: _distinct_pairs(areas, ends, n, n_pairs, sources, n_own)
        )
    degrees, place = np.zeros(n_pre, np.int64), np.searchsorted(ends.pre, sources)

    def tally(k: int, of: int) -> Ints:
        found = np.empty(n_pre, np.int64)
        found[place] = _degrees(ends, (n * k // of, n * (k + 1) // of), n_pairs, (n_own, n_pre, n_post))
        return found

    def make(low: int, high: int, parts: Parts) -> Built:
        ids, keys = areas.columns.column("id"), (ends.autapses, ends.seed, ends.number)
        return Built(_core.build_out_degrees(ends.pre[low:high], ends.post, ids, degrees[low:high], *keys))

    return Drawing("source", make, False, n, tally, degrees)


def _distinct_pairs(areas: Areas, ends: Ends, n: int, n_pairs: int, sources: Int32s, n_own: int) -> Built:
    """n different pairs. `sources`: those that are targets themselves come first, n_own of them."""
    n_post = len(ends.post)
    border, pair = n_own * (n_post - 1), _distinct(ends, n, n_pairs)
    low = pair < border
    row, column = np.empty(n, np.int64), np.empty(n, np.int64)
    row[low], column[low] = np.divmod(pair[low], max(n_post - 1, 1))
    row[~low], column[~low] = np.divmod(pair[~low] - border, max(n_post, 1))
    row[~low] += n_own
    pre = sources[row]
    hole = np.searchsorted(ends.post, pre[low])
    column[low] += column[low] >= hole
    return Built(_rows_of_pairs(areas, pre, ends.post[column])[0])


def _degrees(ends: Ends, draws: tuple[int, int], n_pairs: int, sizes: tuple[int, int, int]) -> Ints:
    """How many of some pairs, drawn with replacement, lead from each source: those that are targets come first.

    `draws`: the first, and one past the last. `sizes`: sources that are targets and lack themselves, sources, targets.
    """
    n_own, n_pre, n_post = sizes
    border, found = n_own * (n_post - 1), np.zeros(n_pre, np.int64)
    for first in range(*draws, _AT_ONCE):
        pair = _pair_numbers(ends, first, min(_AT_ONCE, draws[1] - first), n_pairs)
        row = np.where(pair < border, pair // max(n_post - 1, 1), n_own + (pair - border) // max(n_post, 1))
        found += np.bincount(row, minlength=n_pre)
    return found


def _pair_numbers(ends: Ends, first: int, n: int, bound: int) -> Ints:
    """Draws first .. first + n - 1 of the projection's sequence of numbers below `bound`, from 52 bits each."""
    before, blocks = first % 2, (first + n + 1) // 2 - first // 2
    words = _core.random_sequence(ends.seed, "connect", 0, first // 2, blocks, ends.number).reshape(-1, 2)
    words = words[before : before + n]
    share = (words[:, 0].astype(np.float64) * 2.0**20 + (words[:, 1] >> 12)) * 2.0**-52
    return np.minimum((share * bound).astype(np.int64), bound - 1)


def _distinct(ends: Ends, n: int, n_pairs: int) -> Ints:
    """The first n different numbers of the sequence, ascending; where they are most of all, the others are left out."""
    if 2 * n > n_pairs:
        kept = np.ones(n_pairs, bool)
        kept[_distinct(ends, n_pairs - n, n_pairs)] = False
        return np.flatnonzero(kept)
    found, drawn = np.empty(0, np.int64), 0
    while len(found) < n:
        missing = n - len(found)  # no more are drawn: the n-th different number is the last
        new = _pair_numbers(ends, drawn, missing, n_pairs)
        new.sort()
        new = new[np.diff(new, prepend=-1) > 0]
        drawn += missing
        at = np.searchsorted(found, new)
        there = at < len(found)
        there[there] = found[at[there]] == new[there]
        found = np.insert(found, at[~there], new[~there]) if len(found) else new
    return found


# ---- pairs ---------------------------------------------------------------------------------------------------


def _rows_of_pairs(areas: Areas, pre: Any, post: Any, parts: Parts = None) -> tuple[Rows, Ints]:
    """Rows of pairs of slots in any order, and which pair became each synapse."""
    first, row_start, targets, order = _core.build_pairs(pre, post)
    return (first, *_core.build_buckets(row_start, targets, areas.columns.n, parts)), order


def _given(
    areas: Areas, slots: Int32s, is_matrix: bool = False, weight: Any = None, delay: Any = None
) -> Drawing:
    """Pairs that were given, all or those onto the neurons between two slots."""

    def make(low: int, high: int, parts: Parts) -> Built:
        if parts is None:
            rows, order = _rows_of_pairs(areas, slots[:, 0], slots[:, 1])
        else:
            kept = np.flatnonzero((slots[:, 1] >= low) & (slots[:, 1] < high))
            rows, order = _rows_of_pairs(areas, slots[kept, 0], slots[kept, 1], parts)
            order = kept[order]
        return Built(rows, order, is_matrix, weight, delay)

    return Drawing("slot", make, True)


def _one_to_one(areas: Areas, ends: Ends) -> Drawing:
    if len(ends.sources) != len(ends.targets):
        raise ValueError(
            f"one_to_one: must have as many targets as sources, {len(ends.sources)}; got {len(ends.targets)}"
        )
    slots = np.stack([ends.sources, ends.targets], axis=1).astype(np.int32)
    checked_pairs(areas, slots, ends.pre, ends.post, ends.autapses, ends.multapses, "one_to_one")
    return _given(areas, slots)


def _by_matrix(areas: Areas, ends: Ends, value: Any) -> Drawing:
    """A synapse for each entry: of a dense matrix those that are not 0, of a sparse one those that are stored."""
    shape = (len(ends.sources), len(ends.targets))
    given = value if is_sparse(value) else checked_array(value, "matrix")
    if given.shape != shape:
        raise ValueError(
            f"matrix: must have a row for each source and a column for each target, {shape}; got shape {given.shape}"
        )
    row, column, entry, _ = entries_of(given)
    checked_array(entry, "matrix")
    slots = np.stack([ends.sources[row], ends.targets[column]], axis=1).astype(np.int32)
    checked_pairs(areas, slots, ends.pre, ends.post, ends.autapses, ends.multapses, "matrix")
    return _given(areas, slots, True, None if entry.dtype.kind == "b" else entry.astype(np.float64))
