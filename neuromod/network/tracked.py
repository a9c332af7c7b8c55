"""Synapses that are found again after the network has changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuromod.network.store import SynapseStore

__all__ = ["Tracked"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class Tracked:
    """Some synapses of one projection. Those that are removed are NaN from then on."""

    def __init__(self, store: SynapseStore, name: str, positions: Ints) -> None:
        """`positions`: in the projection of that name, as it is now."""
        self._store, self._name = store, name
        first, _ = self._found()
        self._numbers = np.where(positions < 0, -1, positions + first)
        self._anchor = store.block.view(0)  # a view of the present epoch: the moves since are kept
        self._epoch = store.block.epoch

    def _found(self) -> tuple[int, int | None]:
        """Number of the projection's first synapse, and its place among the tables; None: it was removed."""
        first = 0
        for k, table in enumerate(self._store.tables):
            if table.name == self._name:
                return first, k
            first += len(table)
        return 0, None

    def positions(self) -> Ints:
        """Where they stand in the projection today; -1: removed. A new array."""
        first, _ = self._found()  # merges what waits
        if self._epoch != self._store.block.epoch:
            self._numbers = self._store.follow_all(self._epoch, self._numbers)
            self._anchor, self._epoch = self._store.block.view(0), self._store.block.epoch
        return np.where(self._numbers < 0, -1, self._numbers - first)

    def read(self, name: str) -> Floats:
        """Their values of one column as they are now."""
        positions = self.positions()
        there, values = positions >= 0, np.full(len(positions), np.nan, np.float32)
        table = self._found()[1]
        if table is not None and there.any():
            values[there] = self._store.tables[table].weights.sampled(name, positions[there])
        return values
