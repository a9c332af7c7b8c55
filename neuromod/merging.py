"""Records of several processes, each of its own neurons, in the order in which one process records all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["merged_samples", "merged_spikes"]

Array = NDArray[Any]
Ints = NDArray[np.int64]


def merged_spikes(parts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Steps and ids of all spikes, in the order in which one process records them: by step, then id."""
    step, number = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    order = np.lexsort((number, step))
    return step[order], number[order]


def merged_samples(parts: Sequence[Array], ids: Sequence[Ints], wanted: Ints | None = None) -> Array:
    """Samples of all neurons, from those of the neurons `ids` that each process has: of `wanted`, or ascending."""
    values, have = np.concatenate(parts, axis=1), np.concatenate(ids)
    order = np.argsort(have, kind="stable")
    if wanted is not None:
        order = order[np.searchsorted(have[order], wanted)]
    return values[:, order]
