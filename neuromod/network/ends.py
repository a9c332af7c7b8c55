"""The ends of a projection to be, and the synapses that a rule makes of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.network.layout import Rows

__all__ = ["Built", "Ends"]

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]


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


class Built(NamedTuple):
    """The synapses of a rule, without weights and delays."""

    rows: Rows
    order: Ints | None = None
    """Which of the pairs, or of the entries of the matrix, became each synapse."""
    is_matrix: bool = False
    weight: Any = None
    """What came with the pairs, in their order; or the entries of the matrix."""
    delay: Any = None
