"""The part of a network that one of several processes holds: all neurons, and the synapses onto its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.layout import Whole
from neuromod.network.synapses import SynapseTable

__all__ = ["keep_targets", "merged_projections", "own_parts"]

Ints = NDArray[np.int64]


def own_parts(n_neurons: int, rank: int, n_ranks: int) -> tuple[int, int, int, int]:
    """Parts and slots of a rank: first part, one past the last, first slot, one past the last."""
    n_parts, width = _core.partitions(n_neurons)
    first, end = rank * n_parts // n_ranks, (rank + 1) * n_parts // n_ranks
    return first, end, min(first * width, n_neurons), min(end * width, n_neurons)


def keep_targets(store: Any, table: SynapseTable, first: int, end: int) -> None:
    """Give up the synapses of a projection whose targets do not lie in the slots first .. end - 1."""
    n = store.columns.n
    dense = table.learning.rule is None and table.learning.short_term is None
    whole = Whole(
        len(table),
        table.delays,
        dense and len(table) > 0 and bool(_core.is_dense(table.layout(), n)),
        table.sources.copy(),
        np.packbits(table.targets(n)),
    )
    pre, post = table.pre, table.post
    kept = (post >= first) & (post < end)
    columns = {name: column[kept] for name, column in table.contents().items()}
    since = table.since[kept] if isinstance(table.since, np.ndarray) else table.since
    stored = (int(table.pre_first), table.n_rows, table.delays[0])
    other, where = table.replaced(pre[kept], post[kept], columns, since, stored)
    other.whole, other._targets = whole, None
    if table.delays[0] < table.delays[1] and other.run_delay is None:  # the form of the whole
        equal = np.full(len(other), other.equal_delay, np.uint16)
        other.bucket_run, other.run_start, other.run_delay = _core.build_runs(other.run_start, equal)
    moved: list[Ints] = []
    begin = 0
    for one in store.tables:
        new = np.arange(len(one)) + begin
        if one is table:
            new = np.full(len(one), -1)
            new[kept] = where + begin
        moved.append(new)
        begin += len(other) if one is table else len(one)
    store.adopt([(table, other)], np.concatenate(moved))


def merged_projections(n_neurons: int, states: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The states of whole projections, from those of the parts that the ranks hold, as `neuromod.network.saved` has
    them."""
    width = _core.partitions(n_neurons)[1]
    merged = []
    for parts in zip(*states, strict=True):
        pre = np.concatenate([part["pre"] for part in parts])
        post = np.concatenate([part["post"] for part in parts])
        order = np.lexsort((np.arange(len(pre)), post // width, pre))  # a part of the network is one rank's
        columns = {
            name: np.concatenate([part["columns"][name] for part in parts])[order]
            for name in parts[0]["columns"]
        }
        merged.append({**parts[0], "pre": pre[order], "post": post[order], "columns": columns})
    return merged
