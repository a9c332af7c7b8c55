"""The ends of a projection to be, and the synapses that a rule makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.network.layout import Rows

__all__ = ["Built", "Drawing", "Ends", "Parts", "Share"]

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]
Parts = tuple[int, int] | None
"""Partitions that have buckets in the rows: the first, and one past the last; None: all."""


class Ends(NamedTuple):
    """Sources and targets of a projection to be."""

    pre: Int32s
    """Slots, ascending without repeats."""
    post: Int32s
    sources: Ints
    """Slots as they were given."""
    targets: Ints
    autapses: bool
    multapses: bool | None
    seed: int
    number: int


class Share(NamedTuple):
    """Which synapses of a projection one of several processes has made: those onto its own neurons."""

    parts: tuple[int, int]
    """Partitions that have buckets in the rows: the first, and one past the last."""
    begin: Ints
    """Of each row: the number, in the whole projection, of the first of its synapses here."""
    sizes: Ints
    """Of each row: synapses here."""
    sources: NDArray[np.bool_]
    """Of each row: whether it has a synapse in the whole."""
    n_synapses: int
    """Of the whole."""


class Built(NamedTuple):
    """The synapses of a rule, without weights and delays."""

    rows: Rows
    order: Ints | None = None
    """Which of the pairs, or of the entries of the matrix, became each synapse."""
    is_matrix: bool = False
    weight: Any = None
    """What came with the pairs, in their order; or the entries of the matrix."""
    delay: Any = None
    share: Share | None = None
    """What of the whole these are; None: all."""


class Drawing(NamedTuple):
    """How the synapses of a projection are made: all, or the very same ones of some sources or targets alone."""

    by: str
    """What they may be made of: "source", "target" or "slot" (of targets); "whole": all of them together."""
    make: Callable[[int, int, Parts], Built]
    """Those of the sources or targets from one position in `pre` or `post` to another, or between two slots. The rows
    have buckets for the parts, which are all but for "target" and "slot"."""
    trims: bool = False
    """Whether the rows end at the first and last source that has a synapse, not at the ends of `pre`."""
    expected: int = 0
    """Of a "source": about so many synapses in all."""
    tally: Callable[[int, int], Ints] | None = None
    """Share k of n of numbers that `make` needs; their sum goes to `tallied` before."""
    tallied: Ints | None = None

    def all(self, ends: Ends, n_neurons: int) -> Built:
        """All synapses, by one process."""
        if self.tally is not None and self.tallied is not None:
            self.tallied[:] = self.tally(0, 1)
        n = {"source": len(ends.pre), "target": len(ends.post)}.get(self.by, n_neurons)
        return self.make(0, n, None)
