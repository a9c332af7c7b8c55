"""More synapses than 31 bits count: the last rows lie beyond, and their spikes reach their targets."""

from __future__ import annotations

import os

import numpy as np
import pytest

from neuromod import Simulation, _core

NEURONS, IN_DEGREE = 50_000, 43_000


@pytest.mark.skipif(
    not os.environ.get("NEUROMOD_TEST_HUGE"), reason="NEUROMOD_TEST_HUGE=1 runs it, in 8.5 GB"
)
def test_synapses_beyond_2_31_transmit() -> None:
    """2,150,000,000 synapses in one projection: 4.3 GB, 8.5 while they are drawn; a minute."""
    sim = Simulation(seed=3, threads=2)
    sources = sim.create(NEURONS, "spike_source")
    cells = sim.create(NEURONS, "lif", v_threshold=1e6)
    sim.connect(sources, cells, in_degree=IN_DEGREE, weight=0.001, delay=3, rule="none")
    table = sim.model._store.tables[0]
    assert len(table) == NEURONS * IN_DEGREE > 2**31
    last_row = table.n_rows - 1
    assert table.row_start[last_row] > 2**31
    n_partitions, width = _core.partitions(2 * NEURONS)
    expected, start = np.zeros(NEURONS), table.bucket_start
    for part in range(n_partitions):
        bucket = last_row * n_partitions + part
        own = table.target[start[bucket] : start[bucket + 1]]
        np.add.at(expected, part * width + own.astype(np.int64) - NEURONS, 1)
    sim.set_spike_times(sources[last_row:], [[2.0]])
    sim.run(10, progress=False)
    rise = cells.v_membrane - cells.v_membrane.min()
    assert np.count_nonzero(expected) > NEURONS // 2
    assert np.array_equal(rise > 0.0, expected > 0)
    assert np.allclose(rise, rise[expected == 1][0] * expected, rtol=1e-6)
