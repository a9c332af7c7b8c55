"""What a projection knows of its synapses while they are in a table that it shares with others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

__all__ = ["JoinedPart"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class JoinedPart:
    """The synapses of one projection in a table that it shares with others."""

    def __init__(
        self, rows: _core.JoinedRows, member: int, members: int, pre_first: int, row_start: Ints
    ) -> None:
        """`member`: which of the `members` projections. `pre_first`, `row_start`: its rows."""
        self.rows, self.member, self.members = rows, member, members
        self.pre_first, self.row_start = pre_first, row_start

    def own(self) -> tuple[Ints, NDArray[np.uint16], NDArray[np.uint16]]:
        """Start of each bucket, targets, and delay of each synapse, as of a projection by itself. New arrays."""
        start, target, delay = self.rows.rows(self.member, self.pre_first, len(self.row_start) - 1)
        return start, target, delay

    def read(self) -> Floats:
        """Weight of each synapse. A new array."""
        assert self.rows.weight is not None
        return self.rows.weights(self.member)

    def read_one(self, synapse: int) -> float:
        """Weight of one synapse."""
        assert self.rows.weight is not None
        row = int(np.searchsorted(self.row_start, synapse, side="right")) - 1
        first = self.pre_first + row
        at = self.rows.positions(self.member, first, first + 1)[synapse - self.row_start[row]]
        return float(self.rows.weight[at])
