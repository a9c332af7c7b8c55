"""In which order a projection keeps its synapses."""

from __future__ import annotations

import numpy as np
import pytest

from neuromod import _core
from neuromod.network.synapses import _sorted


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("n", [50, 40_000])
def test_synapses_stand_by_source_part_delay_and_target(n: int, in_order: bool) -> None:
    """Ties by position, as a plain sort has them; what comes in order, as from a file, is not sorted again."""
    rng = np.random.default_rng(n)
    pre, post = (rng.integers(3, n, 5000).astype(np.int32) for _ in range(2))
    delay = rng.integers(1, 9, 5000).astype(np.uint16)
    width = _core.partitions(n)[1]
    plain = np.lexsort((post, delay, post // width, pre))
    if in_order:
        pre, post, delay, plain = pre[plain], post[plain], delay[plain], np.arange(5000)
    first, row_start, targets, order = _sorted(pre, post, delay, n)
    assert isinstance(order, slice) == in_order
    assert np.array_equal(np.arange(5000)[order], plain)
    assert first == pre.min() and np.array_equal(targets, post[plain])
    assert np.array_equal(np.diff(row_start), np.bincount(pre - first))
