"""Delay runs in few bytes, and parts of a projection by rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import Simulation, _core
from neuromod.network.runs import PackedRuns


def runs_of(sizes: list[int], longest: int, seed: int = 1) -> tuple[Any, Any]:
    """(start of each bucket, delay of each synapse, sorted in each) of buckets of these sizes."""
    rng = np.random.default_rng(seed)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    delays = [np.sort(rng.integers(1, longest + 1, size)) for size in sizes]
    return start, np.concatenate([*delays, np.empty(0, np.int64)]).astype(np.uint16)


@pytest.mark.parametrize("longest", [1, 3, 255, 256, 65535])
@pytest.mark.parametrize("sizes", [[0], [5], [0, 0, 3, 0], [1] * 40, [300, 0, 70000, 2]])
def test_packed_runs_are_the_runs(sizes: list[int], longest: int) -> None:
    start, delay = runs_of(sizes, longest)
    plain = _core.build_runs(start, delay)
    packed = PackedRuns(*plain)
    for own, of_plain in zip(packed.all(), plain, strict=True):
        assert own.dtype == of_plain.dtype
        assert own.tolist() == of_plain.tolist()
    assert packed.bucket_start().tolist() == start.tolist()
    assert packed.delays().tolist() == delay.tolist()
    assert packed.n_buckets == len(sizes)


def test_packed_runs_of_some_buckets_are_a_slice() -> None:
    start, delay = runs_of([4, 0, 9, 30, 0, 2, 300], 12)
    bucket_run, run_start, run_delay = _core.build_runs(start, delay)
    packed = PackedRuns(bucket_run, run_start, run_delay)
    for first in range(8):
        for last in range(first, 8):
            begin, end = bucket_run[first], bucket_run[last]
            own = packed.some(first, last, int(start[first]))
            assert own[0].tolist() == (bucket_run[first : last + 1] - begin).tolist()
            assert own[1].tolist() == run_start[begin : end + 1].tolist()
            assert own[2].tolist() == run_delay[begin:end].tolist()


def test_more_buckets_than_are_unpacked_at_once() -> None:
    sizes = np.random.default_rng(2).integers(0, 4, 40_000).tolist()
    start, delay = runs_of(sizes, 5)
    assert PackedRuns(*_core.build_runs(start, delay)).bucket_start().tolist() == start.tolist()


def test_two_bytes_a_run_where_delays_and_lengths_are_short() -> None:
    start, delay = runs_of([1000] * 50, 100)
    plain = _core.build_runs(start, delay)
    packed = PackedRuns(*plain)
    assert packed._length.nbytes + packed._delay.nbytes == 2 * len(plain[2])


@pytest.mark.parametrize("delay", [3, {"uniform": [1, 9]}])
def test_a_part_of_a_member_is_its_rows(delay: Any) -> None:
    sim = Simulation(seed=5)
    sim.create(7, "lif")
    pre, post = sim.create(60, "lif", name="pre"), sim.create(50, "lif", name="post")
    sim.connect(pre[::2], post, probability=0.2, weight={"uniform": [0.1, 0.2]}, delay=delay, rule="none")
    table = sim.model._store.tables[0]
    member, whole = table.member(), table.layout()
    delays = table.delay
    assert (member.part(0, 7), member.part(67, 90), member.part(8, 9)) == (None, None, None)
    for first, end in ((0, 100), (10, 40), (7, 8), (60, 66)):
        part = member.part(first, end)
        assert part is not None
        assert part.pre_first == max(first, whole.pre_first)
        low, high = member.n_before(first), member.n_before(end)
        assert (part.run_start[0], part.run_start[-1]) == (low, high)
        sizes = np.diff(part.run_start)
        own = part.equal_delay if part.run_delay is None else part.run_delay
        assert np.repeat(np.broadcast_to(own, len(sizes)), sizes).tolist() == delays[low:high].tolist()
        places = part.run_start if part.bucket_run is None else part.run_start[part.bucket_run]
        assert len(places) == part.n_rows + 1  # the network has one part
        assert (
            places.tolist()
            == (table.row_start[part.pre_first - whole.pre_first :][: part.n_rows + 1]).tolist()
        )
