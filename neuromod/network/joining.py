"""Which static projections share a table of rows, so that the cost of a step does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from neuromod import _core
from neuromod.network.joined import JoinedPart
from neuromod.network.synapses import SynapseTable

__all__ = ["join"]

_LONG_ENOUGH = 32  # synapses of a delay run, on average
_TARGETS = 1 << 16  # that a bucket can tell apart


def join(tables: Sequence[SynapseTable], n_neurons: int, threads: int) -> tuple[_core.JoinedRows, ...]:
    """Join the rows of static projections, and return the tables that hold them.

    Projections that can be joined are marked ``joinable``: delivery takes them first, joined or not, so that its sums
    are the same to the bit. Those whose weights somebody may write through an array keep rows of their own. Each of
    so many `threads` finds work.
    """
    for table in tables:
        table.joinable = False
    found: dict[int, _core.JoinedRows] = {}
    groups = list(_joinable(tables, n_neurons))
    parts = _parts(groups, n_neurons, threads)
    for group in groups:
        for table in group:
            table.joinable = True
        shared = [t for t in group if len(t) and not t.is_watched]
        for members in _sharing_sources(shared, 1 if parts > 1 else 2):
            rows = _joined(members, n_neurons, parts)
            found[id(rows)] = rows
    for table in tables:
        if table.joined is not None and id(table.joined.rows) not in found:
            table.part()
    return tuple(found.values())


def _joined(members: list[SynapseTable], n_neurons: int, parts: int) -> _core.JoinedRows:
    """The table of these members; the one that they are in already, where they are all of it."""
    present = members[0].joined
    if (
        present is not None
        and present.members == len(members)
        and present.rows.parts == parts
        and all(table.joined is not None and table.joined.rows is present.rows for table in members)
    ):
        present.rows.fill()
        return present.rows
    for table in members:
        table.part()
    rows = _core.JoinedRows([table.member() for table in members], n_neurons, parts)
    for k, table in enumerate(members):
        table.enter(JoinedPart(rows, k, len(members), table.pre_first, table.row_start))
    rows.fill()
    return rows


def _parts(groups: list[list[SynapseTable]], n_neurons: int, threads: int) -> int:
    """Consecutive partitions that a bucket of a joined table covers, so that delay runs are not too short.

    A run of few synapses costs as much as one of `_LONG_ENOUGH`, since the first cache lines of each are fetched from
    the memory. The work of a step is cut by bucket, so there are at least as many buckets as threads.
    """
    width = _core.partitions(n_neurons)[1]
    tables = [table for group in groups for table in group]
    first, end = tables[0].parts if tables else (0, 1)
    n_partitions = end - first
    synapses = sum(len(table) for table in tables)
    runs = sum(table.n_rows * (1 + table.delays[1] - table.delays[0]) for table in tables) * n_partitions
    parts = 1
    while (
        parts * synapses < _LONG_ENOUGH * runs
        and 2 * parts * threads <= n_partitions
        and 2 * parts * width <= _TARGETS
    ):
        parts *= 2
    return parts


def _joinable(tables: Sequence[SynapseTable], n_neurons: int) -> Iterator[list[SynapseTable]]:
    """For each port, projections of one sign of which no two lead from one source to the same target."""
    groups: dict[str, list[SynapseTable]] = {}
    boxes: dict[str, Boxes] = {}
    for table in tables:
        if not _is_plain(table) or (table.joined is None and table.is_dense(n_neurons)):
            continue
        group = groups.setdefault(table.port, [])
        box = boxes.setdefault(table.port, Boxes(len(tables)))
        if group and group[0].synapse_type != table.synapse_type:
            continue
        targets = np.flatnonzero(table.targets(n_neurons))
        around = (table.pre_first, table.pre_first + table.n_rows, int(targets[0]), int(targets[-1]) + 1)
        if any(_meet(table, group[k], n_neurons) for k in box.near(around)):
            continue
        box.add(around)
        group.append(table)
    yield from groups.values()


class Boxes:
    """Ranges of sources and of targets of some projections."""

    def __init__(self, most: int) -> None:
        self._ends, self._n = np.empty((most, 4), np.int64), 0

    def add(self, around: tuple[int, int, int, int]) -> None:
        """One more: first source and one past the last, first target and one past the last."""
        self._ends[self._n] = around
        self._n += 1

    def near(self, around: tuple[int, int, int, int]) -> list[int]:
        """Numbers of those whose ranges overlap the given ones."""
        ends, (first, last, low, high) = self._ends[: self._n], around
        overlap = (ends[:, 0] < last) & (first < ends[:, 1]) & (ends[:, 2] < high) & (low < ends[:, 3])
        return np.flatnonzero(overlap).tolist()


def _is_plain(table: SynapseTable) -> bool:
    size = len(table) if table.whole is None else table.whole.n_synapses
    return table.learning.rule is None and table.learning.short_term is None and size > 0


def _meet(one: SynapseTable, other: SynapseTable, n_neurons: int) -> bool:
    """Whether two projections, whose ranges of sources overlap, may lead from one source to the same target."""
    first = max(one.pre_first, other.pre_first)
    last = min(one.pre_first + one.n_rows, other.pre_first + other.n_rows)
    own, its = (table.sources[first - table.pre_first : last - table.pre_first] for table in (one, other))
    return bool(np.any(own & its) and np.any(one.targets(n_neurons) & other.targets(n_neurons)))


def _sharing_sources(tables: list[SynapseTable], least: int) -> Iterator[list[SynapseTable]]:
    """`least` and more projections whose ranges of sources overlap, one leading to the next."""
    if len(tables) < least:
        return
    order = sorted(range(len(tables)), key=lambda k: tables[k].pre_first)
    first = np.array([tables[k].pre_first for k in order])
    end = np.maximum.accumulate([tables[k].pre_first + tables[k].n_rows for k in order])
    cuts = [0, *(np.flatnonzero(first[1:] >= end[:-1]) + 1), len(order)]
    for low, high in pairwise(cuts):
        if high - low >= least:
            yield [tables[k] for k in sorted(order[low:high])]
