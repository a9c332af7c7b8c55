"""Delay runs of one projection in few bytes, and the projection as a shared table takes it, some rows at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Member", "PackedRuns"]

Ints = NDArray[np.int64]
Delays = NDArray[np.uint16]
Runs = tuple[Ints, Ints, Delays]  # bucket_run, run_start, run_delay, as `ProjectionLayout` has them

_AT_ONCE = 1 << 14  # buckets that are unpacked at once


class PackedRuns:
    """Delay runs as lengths and delays, of the fewest bytes that hold the longest: mostly 2 bytes a run and not 10."""

    def __init__(self, bucket_run: Ints, run_start: Ints, run_delay: Delays) -> None:
        """As `ProjectionLayout` has them."""
        self._bucket_run, self._delay = _narrow(bucket_run), _narrow(run_delay)
        self._length = _narrow(np.diff(run_start))

    @property
    def n_buckets(self) -> int:
        """Number of buckets."""
        return len(self._bucket_run) - 1

    def some(self, first: int, last: int, start: int) -> Runs:
        """The runs of the buckets first .. last - 1, whose first synapse is `start`. New arrays."""
        bucket_run = self._bucket_run[first : last + 1].astype(np.int64)
        begin, end = int(bucket_run[0]), int(bucket_run[-1])
        run_start = np.empty(end - begin + 1, np.int64)
        run_start[0] = start
        np.cumsum(self._length[begin:end], out=run_start[1:])
        run_start[1:] += start
        return bucket_run - begin, run_start, self._delay[begin:end].astype(np.uint16)

    def all(self) -> Runs:
        """All runs. New arrays."""
        return self.some(0, self.n_buckets, 0)

    def bucket_start(self) -> Ints:
        """First synapse of each bucket; one entry more than there are buckets. A new array."""
        found = np.zeros(self.n_buckets + 1, np.int64)
        for first in range(0, self.n_buckets, _AT_ONCE):
            last = min(first + _AT_ONCE, self.n_buckets)
            bucket_run, run_start, _ = self.some(first, last, int(found[first]))
            found[first : last + 1] = run_start[bucket_run]
        return found

    def delays(self) -> Delays:
        """Delay of each synapse. A new array."""
        return np.repeat(self._delay.astype(np.uint16), self._length)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """The same whole numbers >= 0, in the fewest bytes each. A new array."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))


class Member:
    """One projection of a shared table, until the table has its synapses."""

    def __init__(
        self,
        layout: Any,
        packed: PackedRuns | None,
        row_start: Ints,
        targets: NDArray[np.uint8],
        delays: tuple[int, int],
    ) -> None:
        """`layout`: a `neuromod.network.layout.ProjectionLayout`. `packed`: the runs that it lacks.

        `row_start`: first synapse of each row. `targets`: of which a bit is 1, packed. `delays`: least and greatest.
        """
        self.layout, self.packed, self.row_start, self.targets = layout, packed, row_start, targets
        self.delays = delays

    @property
    def end(self) -> int:
        """One past the slot of the last source."""
        return int(self.layout.pre_first + self.layout.n_rows)

    def n_before(self, slot: int) -> int:
        """Number of synapses of the sources before that slot."""
        return int(self.row_start[min(max(slot - self.layout.pre_first, 0), self.layout.n_rows)])

    def part(self, first: int, end: int) -> Any:
        """The rows of the sources in the slots first .. end - 1; None where these have no synapse."""
        whole = self.layout
        first, end = max(first, whole.pre_first) - whole.pre_first, min(end, self.end) - whole.pre_first
        if end <= first or self.row_start[end] == self.row_start[first]:
            return None
        bucket_run, run_start, run_delay = self._runs(first, end, int(self.row_start[first]))
        return replace(
            whole,
            pre_first=whole.pre_first + first,
            n_rows=end - first,
            run_start=run_start,
            bucket_run=bucket_run,
            run_delay=run_delay,
        )

    def _runs(self, first: int, end: int, start: int) -> tuple[Ints | None, Ints, Delays | None]:
        """The runs of the rows first .. end - 1, whose first synapse is `start`."""
        whole = self.layout
        if self.packed is not None:
            width = self.packed.n_buckets // whole.n_rows
            return self.packed.some(first * width, end * width, start)
        n_buckets = len(whole.run_start if whole.bucket_run is None else whole.bucket_run) - 1
        low, high = first * (n_buckets // whole.n_rows), end * (n_buckets // whole.n_rows)
        if whole.bucket_run is None or whole.run_delay is None:
            return None, whole.run_start[low : high + 1], None
        begin, last = int(whole.bucket_run[low]), int(whole.bucket_run[high])
        run_start, run_delay = whole.run_start[begin : last + 1], whole.run_delay[begin:last]
        return whole.bucket_run[low : high + 1] - begin, run_start, run_delay
