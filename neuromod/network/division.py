"""Which synapses of a new projection a process makes: all; or, as one of several, those onto its own neurons."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.ends import Built, Drawing, Ends, Share
from neuromod.network.layout import Rows, Whole
from neuromod.network.ranked import first_part, own_parts, starts_of
from neuromod.network.synapses import SynapseTable

__all__ = ["Alone", "Divided", "Link", "told"]

Ints = NDArray[np.int64]
Many = NDArray[Any]
_ROUND = 1 << 24
"""Synapses, about, that a process draws before they are exchanged."""


class Link(Protocol):
    """What processes that make one network do together, each by the same calls."""

    rank: int
    size: int

    def one_error(self, where: str) -> contextlib.AbstractContextManager[None]:
        """A block whose error on one process is one on all."""
        ...

    def check_same(self, told: Mapping[str, Any], where: str) -> None:
        """Refuse what differs."""
        ...

    def each(self, thing: Any, where: str) -> list[Any]:
        """What every process gives."""
        ...

    def total(self, own: Many) -> Many:
        """The sum over all."""
        ...

    def before(self, own: Ints) -> Ints:
        """The sum over those of smaller number."""
        ...

    def deal(self, sent: Many, to: Ints, of: Ints) -> Many:
        """What all have for this one: of `sent` so many go `to` each, and so many come `of` each."""
        ...


class Alone:
    """One process, which makes all synapses."""

    def one_error(self) -> contextlib.AbstractContextManager[None]:
        """A block whose error on one process is one on all."""
        return contextlib.nullcontext()

    def check_same(self, arguments: tuple[Any, ...]) -> None:
        """Refuse arguments that differ between processes."""

    def built(self, drawing: Drawing, ends: Ends, n_neurons: int, values: Any) -> Built:
        """The synapses that this process holds. `values`: what weights, delays and states are given by."""
        return drawing.all(ends, n_neurons)

    def whole(self, built: Built, delays: Any) -> Whole | None:
        """What these synapses are a part of."""
        return None

    def finish(self, table: SynapseTable, built: Built) -> None:
        """The table of the synapses is made."""


class Divided(Alone):
    """One of several processes.

    Draws depend on the source or the target alone. Where each target draws, a process lets its own targets draw. Where
    each source draws, a process lets a share of the sources draw, and the processes deal out what they have drawn.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def one_error(self, where: str = "connect") -> contextlib.AbstractContextManager[None]:
        """A block whose error on one process is one on all."""
        return self._link.one_error(where)

    def agree(self, told: Mapping[str, Any], where: str) -> None:
        """Refuse what differs between processes."""
        self._link.check_same(told, where)

    def check_same(self, arguments: tuple[Any, ...]) -> None:
        """Refuse arguments that differ between processes."""
        sha = hashlib.sha256()
        told(arguments, sha)
        self._link.check_same({"arguments of connect": sha.hexdigest()[:16]}, "connect")

    def built(self, drawing: Drawing, ends: Ends, n_neurons: int, values: Any) -> Built:
        """The synapses onto the neurons of this process; or all, where they cannot be made apart."""
        link = self._link
        first, end, first_slot, end_slot = own_parts(n_neurons, link.rank, link.size)
        if drawing.by == "whole" or _has_functions(values):
            with self.one_error():
                return drawing.all(ends, n_neurons)
        self._tally(drawing)
        if drawing.by == "source":
            found = Built(self._dealt(drawing, ends, n_neurons))
        else:
            low, high = first_slot, end_slot
            if drawing.by == "target":
                low, high = np.searchsorted(ends.post, (low, high)).tolist()
            with self.one_error():
                found = drawing.make(low, high, (first, end))
                found = found._replace(rows=_widened(found.rows, *_span(ends.pre), end - first))
        return self._share(found, (first, end), _span(ends.pre)[1], drawing.trims)

    def _tally(self, drawing: Drawing) -> None:
        """Numbers that all draws need, each process a share of them."""
        if drawing.tally is not None and drawing.tallied is not None:
            with self.one_error():
                own = drawing.tally(self._link.rank, self._link.size)
            drawing.tallied[:] = self._link.total(own)

    # ---- each source draws -----------------------------------------------------------------------------------

    def _dealt(self, drawing: Drawing, ends: Ends, n_neurons: int) -> Rows:
        """Rows of which each process has drawn a share of the sources."""
        link, n = self._link, len(ends.pre)
        n_parts = _core.partitions(n_neurons)[0]
        firsts = np.array([first_part(k, n_parts, link.size) for k in range(link.size + 1)])
        rounds = max(1, -(-drawing.expected // (_ROUND * link.size)))
        cuts = [n * k // (rounds * link.size) for k in range(rounds * link.size + 1)]
        pre_first, n_rows = _span(ends.pre)
        edges = [pre_first, *(int(ends.pre[k]) if k < n else pre_first + n_rows for k in cuts[1:-1])]
        edges.append(pre_first + n_rows)
        sizes, targets = [], []
        for k in range(rounds):
            mine = k * link.size + link.rank
            with self.one_error():
                drawn = drawing.make(cuts[mine], cuts[mine + 1], None).rows
                drawn = _widened(drawn, edges[mine], edges[mine + 1] - edges[mine], n_parts)
                parted = _core.parted_rows(drawn[1], drawn[2], n_parts, firsts)
            of = np.diff(edges[k * link.size : (k + 1) * link.size + 1])
            got = self._deal(parted, of, np.diff(firsts))
            sizes.append(got[0])
            targets.append(got[1])
        with self.one_error():
            return pre_first, starts_of(np.concatenate(sizes)), np.concatenate(targets)

    def _deal(self, parted: tuple[Many, Many, Ints], rows: Ints, parts: Ints) -> tuple[Many, Many]:
        """Give each process what is its own of the rows that this one has drawn; what this one gets.

        `rows`: that each process has drawn. `parts`: of each process.
        """
        link, (sizes, targets, totals) = self._link, parted
        mine = int(parts[link.rank])
        found = link.deal(sizes, rows[link.rank] * parts, rows * mine)
        ends = np.concatenate([[0], np.cumsum(rows * mine)])
        come = np.array([int(found[a:b].sum(dtype=np.int64)) for a, b in itertools.pairwise(ends)])
        return found, link.deal(targets, totals, come)

    # ---- changes of synapses that are there ----------------------------------------------------------------------

    def number(self, marks: NDArray[np.bool_]) -> int:
        """How many are marked, on all processes together."""
        return int(self._link.total(np.array([np.count_nonzero(marks)]))[0])

    def smallest(self, size: NDArray[np.float32], fraction: float, table: SynapseTable) -> NDArray[np.bool_]:
        """A fraction of all synapses, those of the smallest sizes; of equal ones those that come first in the whole."""
        link = self._link
        key = np.ascontiguousarray(size, np.float32).view(np.uint32)  # of numbers >= 0: ascends
        assert table.whole is not None
        n = round(fraction * table.whole.n_synapses)
        ranked, low, high = np.sort(key), -1, 0xFFFFFFFF  # fewer than n are <= low; n or more are <= high
        while high - low > 1:
            middle = (low + high) // 2
            is_enough = self._up_to(ranked, middle) >= n
            low, high = (low, middle) if is_enough else (middle, high)
        marks = key <= low
        ties = np.flatnonzero(key == high)
        row = np.searchsorted(table.row_start, ties, "right") - 1
        own = np.bincount(row, minlength=table.n_rows).astype(np.int64)
        before = starts_of(link.total(own))[:-1] + link.before(own)
        number = before[row] + np.arange(len(ties)) - starts_of(own)[:-1][row]
        marks[ties[number < n - self._up_to(ranked, low)]] = True
        return marks

    def _up_to(self, ranked: NDArray[np.uint32], bound: int) -> int:
        """How many of all numbers are at most the bound. `ranked`: of this process."""
        own = 0 if bound < 0 else int(np.searchsorted(ranked, np.uint32(bound), "right"))
        return int(self._link.total(np.array([own]))[0])

    def parted(self, table: SynapseTable, rows: Rows, delay: Many) -> tuple[Built, Whole]:
        """Rows of a part that have buckets of all partitions, as a part has them, and what they are a part of. The rows
        of other processes are as many."""
        parts, n_all = table.parts, _core.partitions(table.columns.n)[0]
        first, start, target = rows
        n_rows = (len(start) - 1) // n_all
        held = np.append(start[:-1].reshape(n_rows, n_all)[:, parts[0] : parts[1]].ravel(), len(target))
        total = self.number(np.ones(len(target), bool))
        found = self._share(Built((first, held, target)), parts, n_rows, total > 0)
        whole = self.whole(found, delay if total else table.equal_delay)
        assert whole is not None
        return found, whole

    # ---- what is a part of what ------------------------------------------------------------------------------

    def _share(self, found: Built, parts: tuple[int, int], n_rows: int, trims: bool) -> Built:
        """Which synapses of the whole these are. `trims`: as of the drawing."""
        (first, start, target), n_held = found.rows, parts[1] - parts[0]
        own = np.diff(start[::n_held]) if n_held else np.zeros(n_rows, np.int64)
        total = self._link.total(own)
        begin = starts_of(total)[:-1] + self._link.before(own)
        if trims and n_rows:
            there = np.flatnonzero(total)
            low, high = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 0)
            first = first + low if len(there) else 0
            start = start[low * n_held : high * n_held + 1].copy()
            begin, own, total = begin[low:high].copy(), own[low:high], total[low:high]
        share = Share(parts, begin, own, total > 0, int(total.sum()))
        return found._replace(rows=(first, start, target), share=share)

    def whole(self, built: Built, delays: Any) -> Whole | None:
        """What these synapses are a part of; None where they are all."""
        share = built.share
        if share is None:
            return None
        several = isinstance(delays, np.ndarray)
        own = (int(delays.min()), int(delays.max())) if several and len(delays) else None
        each = [one for one in self._link.each(own, "connect") if one is not None]
        span = (min(low for low, _ in each), max(high for _, high in each)) if each else (1, 1)
        if not several:
            span = (int(delays), int(delays))
        return Whole(share.n_synapses, span, False, share.sources, np.empty(0, np.uint8), share.parts)

    def finish(self, table: SynapseTable, built: Built) -> None:
        """Put together what the table has to know of the whole."""
        share = built.share
        if share is None or table.whole is None:
            return
        n, about = table.n_neurons, table.learning
        plain = about.rule is None and about.short_term is None and table.run_delay is None
        with self.one_error():
            own = np.packbits(_core.targets_of(table.layout(), n))
            plain = plain and _core.bitmap_pays(share.n_synapses, table.n_rows, n, 0)
            extras = np.array([_repeats(table.bucket_start, table.target) if plain else 0])
            shift = None
            if about.rule is not None and _core.plasticity_rules()[about.rule]["draws"]:
                shift = _shift(table, share.begin)
        targets, extra = self._link.total(own), int(self._link.total(extras)[0])
        dense = plain and _core.bitmap_pays(share.n_synapses, table.n_rows, n, extra)
        table.whole = replace(table.whole, targets=targets, dense=dense, shift=shift)


def _span(pre: NDArray[np.int32]) -> tuple[int, int]:
    """First row, and number of rows, of these sources."""
    return (int(pre[0]), int(pre[-1]) - int(pre[0]) + 1) if len(pre) else (0, 0)


def _widened(rows: Rows, first: int, n_rows: int, n_parts: int) -> Rows:
    """Rows with empty ones before and behind them."""
    own_first, start, target = rows
    if len(start) == n_rows * n_parts + 1 and (own_first == first or not n_rows):
        return first, start, target
    before = (own_first - first) * n_parts if len(start) > 1 else 0
    behind = n_rows * n_parts + 1 - before - len(start)
    return first, np.pad(start, (before, behind), mode="edge"), target


def _repeats(start: Ints, target: NDArray[np.uint16]) -> int:
    """Synapses beyond the first from a source to a target, where the targets of a bucket ascend."""
    same = target[1:] == target[:-1]
    begins = start[:-1][np.diff(start) > 0][1:]  # of the buckets that have synapses, but for the first
    return int(np.count_nonzero(same) - np.count_nonzero(same[begins - 1]))


def _shift(table: SynapseTable, begin: Ints) -> Ints:
    """Of each delay run, how far its synapses stand further on in the whole."""
    first, end = table.parts
    n_held = end - first
    runs = (
        np.full(table.n_rows, n_held)
        if table.bucket_run is None
        else np.diff(table.bucket_run[::n_held])
        if n_held
        else np.zeros(table.n_rows, np.int64)
    )
    return np.repeat(begin - table.row_start[:-1], runs)


def _has_functions(values: Any) -> bool:
    """Whether a user's function is among some arguments: it gets all synapses at once."""
    if isinstance(values, Mapping):
        values = values.values()
    elif not isinstance(values, tuple):
        return callable(values)
    return any(_has_functions(each) for each in values)


def told(thing: Any, sha: Any) -> None:
    """Let a hash follow from what users have given as an argument."""
    if isinstance(thing, np.ndarray | np.generic):
        sha.update(f"{thing.dtype}{thing.shape}".encode() + np.ascontiguousarray(thing).tobytes())
    elif isinstance(thing, Mapping):
        told([[str(name), thing[name]] for name in sorted(thing, key=str)], sha)
    elif is_dataclass(thing) and not isinstance(thing, type):
        told([getattr(thing, field.name) for field in fields(thing)], sha)
    elif isinstance(thing, list | tuple):
        sha.update(f"[{len(thing)}]".encode())
        for each in thing:
            told(each, sha)
    elif hasattr(thing, "tocoo"):
        sparse = thing.tocoo()
        told([sparse.shape, sparse.row, sparse.col, sparse.data], sha)
    elif hasattr(thing, "columns") and hasattr(thing, "to_numpy"):
        told([list(thing.columns), *(thing[name].to_numpy() for name in thing.columns)], sha)
    else:
        sha.update((repr(callable(thing)) if callable(thing) else repr(thing)).encode())
