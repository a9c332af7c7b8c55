"""The part of a network that one of several processes holds: all neurons, and the synapses onto its own."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.layout import Whole
from neuromod.network.synapses import SynapseTable
from neuromod.network.weights import Weights

__all__ = [
    "Cut",
    "buckets_of_runs",
    "first_part",
    "keep_targets",
    "merged_projections",
    "order_of_whole",
    "own_parts",
    "places_in_whole",
    "starts_of",
]

Ints = NDArray[np.int64]


class Cut(NamedTuple):
    """What a process has kept of a whole projection, in its order.

    Attributes
    ----------
    kept : ndarray of bool
        Of each synapse of the whole: whether it is kept.
    runs : ndarray of bool
        Of each delay run of the whole: whether it is kept.
    """

    kept: NDArray[np.bool_]
    runs: NDArray[np.bool_]


def first_part(rank: int, n_parts: int, n_ranks: int) -> int:
    """The first part of a rank; of the rank behind the last, the number of parts."""
    return rank * n_parts // n_ranks


def own_parts(n_neurons: int, rank: int, n_ranks: int) -> tuple[int, int, int, int]:
    """Parts and slots of a rank: first part, one past the last, first slot, one past the last."""
    n_parts, width = _core.partitions(n_neurons)
    first, end = (first_part(each, n_parts, n_ranks) for each in (rank, rank + 1))
    return first, end, min(first * width, n_neurons), min(end * width, n_neurons)


def buckets_of_runs(table: SynapseTable) -> Ints:
    """Bucket of each delay run in the whole projection: row times number of partitions, and the partition."""
    n_partitions, (first, end) = _core.partitions(table.n_neurons)[0], table.parts
    rows, parts = np.arange(table.n_rows)[:, np.newaxis], np.arange(first, end)
    buckets = (rows * n_partitions + parts).ravel()
    return buckets if table.bucket_run is None else np.repeat(buckets, np.diff(table.bucket_run))


def keep_targets(store: Any, table: SynapseTable, first: int, end: int) -> Cut:
    """Give up the synapses of a projection whose targets do not lie in the partitions first .. end - 1.

    Whole delay runs are kept, and nothing is sorted anew. The rows have buckets for these partitions alone.
    """
    n, has_rule = store.columns.n, table.learning.rule is not None
    dense = not has_rule and table.learning.short_term is None
    whole = Whole(
        len(table),
        table.delays,
        dense and len(table) > 0 and bool(_core.is_dense(table.layout(), n)),
        table.sources.copy(),
        np.packbits(table.targets(n)),
        (first, end),
    )
    table.part()
    own = _are_of(table, first, end)
    runs = own if table.bucket_run is None else np.repeat(own, np.diff(table.bucket_run))
    sizes = np.diff(table.run_start)
    cut = Cut(np.repeat(runs, sizes), runs)
    other = _part_of(table, cut, own, sizes[runs])
    other.row_start = starts_of(_row_sizes(other, end - first))
    shift = _shift(table, other, cut) if has_rule else None
    other.whole = replace(whole, mark=_mark(table, sizes), shift=shift)
    store.adopt([(table, other)], _moved(store, table, cut))
    return cut


def _mark(table: SynapseTable, sizes: Ints) -> tuple[float, ...]:
    """Sums of targets, delays and weights. `sizes`: of the delay runs."""
    delays = table.equal_delay if table.run_delay is None else table.run_delay.astype(np.int64)
    weight = table.weights.equal if table.weights.is_equal else table.weights.values()["weight"]
    return (
        float(table.target.sum(dtype=np.uint64)),
        float(np.sum(delays * sizes)),
        float(np.sum(weight, dtype=np.float64)),
    )


def _are_of(table: SynapseTable, first: int, end: int) -> NDArray[np.bool_]:
    """Whether each bucket of a whole projection is of the partitions first .. end - 1."""
    own = np.zeros(_core.partitions(table.n_neurons)[0], bool)
    own[first:end] = True
    return np.tile(own, table.n_rows)


def _part_of(table: SynapseTable, cut: Cut, own: NDArray[np.bool_], sizes: Ints) -> SynapseTable:
    """The table of the synapses that are kept.

    `own`: of each bucket of the whole, whether it is kept. `sizes`: synapses of each delay run that is kept.
    """
    other = copy.copy(table)
    values = table.weights.values()
    equal: Any = table.weights.equal if table.weights.is_equal else np.empty(0, np.float32)
    other.n_synapses = int(sizes.sum())
    other.target = table.target[cut.kept]
    other.set_runs(
        None if table.bucket_run is None else starts_of(np.diff(table.bucket_run)[own]),
        starts_of(sizes),
        None if table.run_delay is None else table.run_delay[cut.runs],
    )
    other.bitmap, other._targets = _core.Bitmap(), None
    other.since = table.since[cut.kept] if isinstance(table.since, np.ndarray) else table.since
    other.tag = None if table.tag is None else table.tag[cut.kept]
    order = table.order
    other.order = None if order is None else order[cut.kept]
    other.weights = Weights(other.n_synapses, equal, {}, False, table.moved, table.columns)
    if not table.weights.is_equal:
        other.weights.live = {name: array[cut.kept] for name, array in values.items()}
    return other


def _row_sizes(table: SynapseTable, n_own: int) -> Ints:
    """Synapses of each row, which has so many buckets."""
    sizes: Ints = np.diff(table.bucket_start).reshape(table.n_rows, n_own).sum(axis=1)
    return sizes


def starts_of(sizes: Ints) -> Ints:
    """Where each of so many begins, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _moved(store: Any, table: SynapseTable, cut: Cut) -> Ints | None:
    """New numbers of all synapses, for the views that somebody holds; None where nobody does."""
    if not store.block.live_epochs():
        return None
    moved: list[Ints] = []
    begin = 0
    for one in store.tables:
        new = np.arange(len(one)) + begin
        if one is table:
            new = np.where(cut.kept, np.cumsum(cut.kept) - 1 + begin, -1)
        moved.append(new)
        begin += int(cut.kept.sum()) if one is table else len(one)
    return np.concatenate(moved)


def _shift(table: SynapseTable, other: SynapseTable, cut: Cut) -> Ints | None:
    """Of each delay run of the part, how far its synapses have moved down; None where nothing is drawn for them."""
    rule = table.learning.rule
    if rule is None or not _core.plasticity_rules()[rule]["draws"]:
        return None
    begin: Ints = table.run_start[:-1]
    return begin[cut.runs] - other.run_start[:-1]


def order_of_whole(pre: NDArray[Any], post: NDArray[Any], n_neurons: int) -> Ints:
    """The order of the synapses of a whole projection, from those of its parts one after another."""
    width = _core.partitions(n_neurons)[1]  # a part of the network is one process's
    return np.lexsort((np.arange(len(pre)), post // width, pre))


def places_in_whole(ends: Sequence[tuple[NDArray[Any], NDArray[Any]]], n_neurons: int) -> list[Ints]:
    """Of each part of a projection, where its synapses stand in the whole. `ends`: sources and targets of each part."""
    pre, post = (np.concatenate([end[k] for end in ends]) for k in (0, 1))
    places = np.empty(len(pre), np.int64)
    places[order_of_whole(pre, post, n_neurons)] = np.arange(len(pre))
    return np.split(places, np.cumsum([len(end[0]) for end in ends])[:-1])


def merged_projections(n_neurons: int, states: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The states of whole projections, from those of the parts that the ranks hold, as `neuromod.network.saved` has
    them."""
    merged = []
    for parts in zip(*states, strict=True):
        pre = np.concatenate([part["pre"] for part in parts])
        post = np.concatenate([part["post"] for part in parts])
        order = order_of_whole(pre, post, n_neurons)
        columns = {
            name: np.concatenate([part["columns"][name] for part in parts])[order]
            for name in parts[0]["columns"]
        }
        merged.append({**parts[0], "pre": pre[order], "post": post[order], "columns": columns})
    return merged
