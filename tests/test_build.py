"""Who is connected to whom: a plain twin in Python of each rule, exact counts, statistics over many draws, errors.

Statistical tests have fixed seeds and bounds of 4.5 standard deviations (probability 7e-6 for a right program)."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuromod import _core

Ints = NDArray[np.int64]
Drawn = tuple[int, Ints, NDArray[np.int32]]
SIGMAS = 4.5


def everyone(n: int) -> Ints:
    return np.arange(n)


def in_rows(build: Callable[..., tuple[int, Ints, NDArray[np.uint16]]]) -> Callable[..., Drawn]:
    """A way of drawing whose places are put together again: (first slot, row starts, targets as slots)."""

    def drawn(pre: Any, post: Any, ids: Any, *arguments: Any, **options: Any) -> Drawn:
        first, bucket_start, local = build(pre, post, ids, *arguments, **options)
        n_partitions, width = _core.partitions(len(ids))
        assert (bucket_start.dtype, local.dtype) == (np.int64, np.uint16)
        assert (
            bucket_start[0] == 0
            and bucket_start[-1] == len(local)
            and len(bucket_start) % n_partitions == 1 % n_partitions
        )
        assert local.max(initial=0) < width
        part = np.repeat(np.arange(len(bucket_start) - 1) % n_partitions, np.diff(bucket_start))
        return first, bucket_start[::n_partitions].copy(), (local + part * width).astype(np.int32)

    return drawn


build_probability = in_rows(_core.build_probability)
build_in_degree = in_rows(_core.build_in_degree)
build_out_degree = in_rows(_core.build_out_degree)


def rows(drawn: Drawn) -> dict[int, list[int]]:
    """Source slot -> its targets, for sources that have any."""
    first, starts, targets = drawn
    return {
        first + r: targets[starts[r] : starts[r + 1]].tolist()
        for r in range(len(starts) - 1)
        if starts[r] < starts[r + 1]
    }


def pair_counts(drawn: Drawn, n: int) -> Ints:
    """How often each (source, target) occurs: shape (n, n)."""
    first, starts, targets = drawn
    source = first + np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return np.bincount(source * n + targets, minlength=n * n).reshape(n, n)


def in_deviations(chi_square: float, dof: int) -> float:
    return (chi_square - dof) / math.sqrt(2 * dof)


def words_of(id: int, seed: int, salt: int, n: int) -> list[int]:
    return _core.random_sequence(seed, "connect", id, 0, -(-n // 4), salt=salt).tolist()


# ---- the plain twins -------------------------------------------------------------------------------------------


def plain_probability(
    pre: Ints, post: Ints, ids: Ints, p: float, autapses: bool, seed: int, salt: int
) -> dict:
    found = {}
    for source in pre.tolist():
        candidates = [t for t in post.tolist() if autapses or t != source]
        words = iter(words_of(int(ids[source]), seed, salt, 2 * len(candidates) + 16))
        at = -1
        while True:
            if p >= 1e-3:
                u = (next(words) + 0.5) / 2**32
            else:
                u = ((next(words) << 20 | next(words) >> 12) + 0.5) / 2**52
            at += 1 + math.floor(math.log(u) / math.log1p(-p))
            if at >= len(candidates):
                break
            found.setdefault(source, []).append(candidates[at])
    return found


def plain_bounded(id: int, seed: int, salt: int, bound: int, n: int) -> list[int]:
    words = words_of(id, seed, salt, 2 * n + 4)
    if bound <= 1 << 16:
        return [words[k] * bound >> 32 for k in range(n)]
    return [(words[2 * k] << 32 | words[2 * k + 1]) * bound >> 64 for k in range(n)]


def plain_out_degree(
    pre: Ints, post: Ints, ids: Ints, degree: int, autapses: bool, seed: int, salt: int
) -> dict:
    found = {}
    for source in pre.tolist():
        candidates = [t for t in post.tolist() if autapses or t != source]
        drawn = plain_bounded(int(ids[source]), seed, salt, len(candidates), degree)
        found[source] = sorted(candidates[k] for k in drawn)
    return found


def plain_in_degree(
    pre: Ints, post: Ints, ids: Ints, degree: int, autapses: bool, seed: int, salt: int
) -> dict:
    found: dict[int, list[int]] = {}
    for target in post.tolist():
        candidates = [s for s in pre.tolist() if autapses or s != target]
        for k in plain_bounded(int(ids[target]), seed, salt, len(candidates), degree):
            found.setdefault(candidates[k], []).append(target)
    return dict(sorted(found.items()))


RULES: dict[str, tuple[Callable[..., Drawn], Callable[..., dict], Any]] = {
    "probability": (build_probability, plain_probability, 0.15),
    "rare": (build_probability, plain_probability, 9e-4),
    "in_degree": (build_in_degree, plain_in_degree, 37),
    "out_degree": (build_out_degree, plain_out_degree, 37),
}


@pytest.mark.parametrize("autapses", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_the_plain_twin(rule: str, autapses: bool) -> None:
    build, plain, value = RULES[rule]
    ids = np.cumsum(np.arange(120) % 5 + 1)  # with gaps, as after removals
    pre, post = np.arange(10, 110, 3), np.arange(4, 120)
    arguments = (pre, post, ids, value, autapses, 2**63 + 5, 12)
    drawn = build(*arguments)
    assert rows(drawn) == plain(*arguments)
    assert drawn[0] == 10 and len(drawn[1]) == 109 - 10 + 2
    assert len(drawn[2]) == drawn[1][-1] > 0


@pytest.mark.parametrize("n_rows", [65_536, 65_537, 140_000])
@pytest.mark.parametrize("rule", RULES)
def test_more_rows_than_16_bits_count_agree_with_the_plain_twin(rule: str, n_rows: int) -> None:
    """Few neurons far apart: 65,536 rows are the last whose numbers are kept in 16 bits while drawn by in-degree."""
    build, plain, value = RULES[rule]
    n = 150_000  # 16 parts
    rng = np.random.default_rng(n_rows)
    between = np.sort(rng.choice(n_rows - 2, 58, replace=False)) + 1
    pre = 9_000 + np.concatenate([[0], between, [n_rows - 1]])
    post = np.union1d(rng.choice(n, 90, replace=False), pre[::6])
    arguments = (pre, post, everyone(n), value, False, 17, 5)
    drawn = build(*arguments)
    assert rows(drawn) == plain(*arguments)
    assert drawn[0] == 9_000 and len(drawn[1]) == n_rows + 1 and len(drawn[2]) > 0


@pytest.mark.long
@pytest.mark.parametrize("p", [9e-4, 0.3, 0.97])
def test_rows_of_several_batches_agree_with_the_plain_twin(p: float) -> None:
    n = 1_000_000 if p < 1e-3 else 4000  # 900 to 3900 draws a row, 512 at a time
    arguments = (np.array([3, n // 2]), everyone(n), everyone(n), p, False, 9, 2)
    assert rows(build_probability(*arguments)) == plain_probability(*arguments)


def test_rare_gaps_use_all_52_bits() -> None:
    """At p = 2e-8 the 32 high bits alone would move 1 gap in 86 by one: 4 of the 300 here."""
    n, n_pre, p = 5_000_000, 3000, 2e-8
    first, starts, targets = build_probability(everyone(n_pre), everyone(n), everyone(n), p, True, 21, 0)
    expected = []
    for id in range(n_pre):
        words, at = iter(words_of(id, 21, 0, 16)), -1
        while True:
            u = ((next(words) << 20 | next(words) >> 12) + 0.5) / 2**52
            at += 1 + math.floor(math.log(u) / math.log1p(-p))
            if at >= n:
                break
            expected.append(at)
    assert first == 0 and starts[-1] == len(expected) > 200
    assert targets.tolist() == expected


@pytest.mark.parametrize("n", [70_000, 60_000])
@pytest.mark.parametrize("build", [build_in_degree, build_out_degree])
def test_long_rows_of_32_and_64_bit_draws_agree_with_the_plain_twin(
    build: Callable[..., Drawn], n: int
) -> None:
    degree = (
        3000  # more and fewer candidates than 2**16, more draws than a batch, rows of several radix passes
    )
    few, many = np.array([5, n - 1000]), everyone(n)
    if build is build_in_degree:
        drawn, plain = (
            build(many, few, many, degree, False, 3, 1),
            plain_in_degree(many, few, many, degree, False, 3, 1),
        )
    else:
        drawn, plain = (
            build(few, many, many, degree, False, 3, 1),
            plain_out_degree(few, many, many, degree, False, 3, 1),
        )
    assert rows(drawn) == plain


def test_64_bit_draws_use_their_low_words() -> None:
    """The high words alone would be wrong in 1 of 122,000 draws: 16 of these."""
    n, degree = 70_001, 2_000_000
    words = _core.random_sequence(4, "connect", 0, 0, degree // 2, salt=1).astype(np.uint64).reshape(-1, 2)
    bound, half = np.uint64(n), np.uint64(32)
    expected = (words[:, 0] * bound + (words[:, 1] * bound >> half)) >> half
    _, _, targets = build_out_degree([0], everyone(n), everyone(n), degree, True, 4, 1)
    assert np.array_equal(targets, np.sort(expected))


def test_a_very_long_row_is_sorted() -> None:
    drawn = build_out_degree([0], everyone(300), everyone(300), 500_000, False, 3, 1)
    assert np.all(np.diff(drawn[2]) >= 0) and drawn[2].min() == 1 and drawn[2].max() == 299


# ---- probability -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1e-5, 9.9e-4, 1.1e-3, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_number_of_synapses(p: float) -> None:
    n = 3000
    found = len(build_probability(everyone(n), everyone(n), everyone(n), p, False, 17, 4)[2])
    pairs = n * (n - 1)
    assert abs(found - pairs * p) < SIGMAS * math.sqrt(pairs * p * (1 - p))


def test_rare_pairs_in_a_large_network() -> None:
    n, p = 100_000, 1e-6  # gaps of a million on average, ten times the row
    first, starts, targets = build_probability(everyone(n), everyone(n), everyone(n), p, False, 5, 1)
    expected = n * (n - 1) * p
    assert abs(len(targets) - expected) < SIGMAS * math.sqrt(expected)
    bins = np.bincount(targets // 1000, minlength=100)
    assert abs(in_deviations(float(np.sum((bins - expected / 100) ** 2) / (expected / 100)), 99)) < SIGMAS
    assert first == 0 and len(starts) == n + 1


@pytest.mark.parametrize("p", [0.3, 0.02])
def test_every_pair_is_equally_likely_and_independent(p: float) -> None:
    """Chi-square over all pairs, over row lengths (binomial variance), and of neighbours both connected."""
    n, seeds = 150, 200
    total, lengths, neighbours = np.zeros((n, n), np.int64), [], 0
    for seed in range(seeds):
        found = pair_counts(build_probability(everyone(n), everyone(n), everyone(n), p, False, seed, 0), n)
        assert found.max() == 1  # never twice
        total += found
        lengths.append(found.sum(axis=1))
        own = np.eye(n, dtype=bool)
        beside = ~own[:, 1:] & ~own[:, :-1]
        neighbours += int((found[:, 1:] & found[:, :-1])[beside].sum())
    assert np.all(np.diag(total) == 0)
    off = total[~np.eye(n, dtype=bool)]
    scale = seeds * p * (1 - p)  # each is binomial(seeds, p)
    # the variance of (x - np)^2 / npq is 2 + (1 - 6pq) / npq, not 2: at p = 0.02 that is 2.2
    deviation = (np.sum((off - seeds * p) ** 2) / scale - off.size) / math.sqrt(
        off.size * (2 + (1 - 6 * p * (1 - p)) / scale)
    )
    assert abs(deviation) < SIGMAS
    rows_of_all = np.concatenate(lengths).astype(np.float64)
    variance = (n - 1) * p * (1 - p)
    assert abs(np.mean((rows_of_all - (n - 1) * p) ** 2) / variance - 1) < SIGMAS * math.sqrt(
        (2 + 1 / variance) / len(rows_of_all)
    )
    # both of (t, t + 1): n (n - 1) - 2 (n - 1) chances a seed of p^2; overlapping ones raise the variance at most
    # by the covariance of two that share a target, 2 p^3 (1 - p) for each
    chances = seeds * (n - 1) * (n - 2)
    spread = math.sqrt(chances * (p**2 * (1 - p**2) + 2 * p**3 * (1 - p)))
    assert abs(neighbours - chances * p**2) < SIGMAS * spread


def test_the_neighbours_of_the_hole_are_not_favoured() -> None:
    n, p, seeds = 40, 0.25, 2000
    beside = np.zeros(2, np.int64)
    for seed in range(seeds):
        found = pair_counts(build_probability(everyone(n), everyone(n), everyone(n), p, False, seed, 0), n)
        beside += [np.trace(found, offset=1), np.trace(found, offset=-1)]
    chances = seeds * (n - 1)
    assert np.all(np.abs(beside - chances * p) < SIGMAS * math.sqrt(chances * p * (1 - p)))


def test_autapses_are_drawn_like_any_other_pair() -> None:
    n, p, seeds = 40, 0.25, 500
    found = sum(
        int(
            np.trace(
                pair_counts(build_probability(everyone(n), everyone(n), everyone(n), p, True, seed, 0), n)
            )
        )
        for seed in range(seeds)
    )
    assert abs(found - seeds * n * p) < SIGMAS * math.sqrt(seeds * n * p * (1 - p))


@pytest.mark.parametrize("autapses", [False, True])
def test_certainty_and_impossibility(autapses: bool) -> None:
    n = 50
    whole = pair_counts(build_probability(everyone(n), everyone(n), everyone(n), 1.0, autapses, 1, 0), n)
    assert np.array_equal(whole, np.ones((n, n)) if autapses else 1 - np.eye(n))
    for p in (0.0, 5e-324, 1e-300):
        _, starts, targets = build_probability(everyone(n), everyone(n), everyone(n), p, autapses, 1, 0)
        assert len(targets) == 0 and np.array_equal(starts, np.zeros(n + 1))
    almost = pair_counts(
        build_probability(everyone(n), everyone(n), everyone(n), math.nextafter(1.0, 0.0), autapses, 1, 0),
        n,
    )
    assert np.array_equal(almost, whole)


@pytest.mark.parametrize("p", [9e-4, 0.1, 1.0])
@pytest.mark.parametrize("room", [0, 1, 1000, 500_000])
def test_the_room_lent_changes_nothing(p: float, room: int) -> None:
    arguments = (everyone(400), everyone(400), everyone(400), p, False, 8, 1)
    usual = build_probability(*arguments)
    other = build_probability(*arguments, room=room)
    assert np.array_equal(usual[1], other[1]) and np.array_equal(usual[2], other[2])


# ---- fixed degrees ---------------------------------------------------------------------------------------------


def test_degrees_are_exact() -> None:
    n, degree = 200, 31
    arriving = pair_counts(build_in_degree(everyone(n), everyone(n), everyone(n), degree, False, 1, 0), n)
    assert np.all(arriving.sum(axis=0) == degree) and np.all(np.diag(arriving) == 0)
    leaving = pair_counts(build_out_degree(everyone(n), everyone(n), everyone(n), degree, False, 1, 0), n)
    assert np.all(leaving.sum(axis=1) == degree) and np.all(np.diag(leaving) == 0)
    assert arriving.max() > 1 and leaving.max() > 1  # drawn with replacement


@pytest.mark.parametrize("n", [101, 70_001])  # 32-bit and 64-bit draws
@pytest.mark.parametrize("build", [build_in_degree, build_out_degree])
def test_partners_are_uniform(build: Callable[..., Drawn], n: int) -> None:
    one, many, degree = np.array([n // 3]), everyone(n), 2_000_000
    if build is build_in_degree:
        counts = np.diff(build(many, one, many, degree, False, 6, 2)[1])
    else:
        counts = np.bincount(build(one, many, many, degree, False, 6, 2)[2], minlength=n)
    assert counts[one[0]] == 0 and counts.sum() == degree
    others, expected = np.delete(counts, one[0]), degree / (n - 1)
    assert abs(in_deviations(float(np.sum((others - expected) ** 2) / expected), n - 2)) < SIGMAS


@pytest.mark.parametrize("build", [build_in_degree, build_out_degree])
def test_degree_zero_and_no_neurons(build: Callable[..., Drawn]) -> None:
    assert len(build(everyone(5), everyone(5), everyone(5), 0, False, 1, 0)[2]) == 0
    nobody = everyone(0)
    build_of_nobody = build(nobody, nobody, everyone(5), 3, False, 1, 0)
    assert build_of_nobody[0] == 0 and build_of_nobody[1].tolist() == [0] and len(build_of_nobody[2]) == 0


# ---- what the draws depend on ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_seed_and_salt_make_different_networks(rule: str) -> None:
    build, _, value = RULES[rule]
    n = everyone(400)
    draws = [
        build(n, n, n, value, False, seed, salt) for seed, salt in [(1, 0), (2, 0), (1, 1), (1 + 2**40, 0)]
    ]
    assert len({(d[1].tobytes(), d[2].tobytes()) for d in draws}) == 4
    again = build(n, n, n, value, False, 1, 0)
    assert np.array_equal(again[1], draws[0][1]) and np.array_equal(again[2], draws[0][2])


@pytest.mark.parametrize("rule", RULES)
def test_ids_and_not_slots_key_the_draws(rule: str) -> None:
    build, _, value = RULES[rule]
    n, shift = 400, 7
    base = build(everyone(n), everyone(n), everyone(n) + 50, value, False, 1, 3)
    ids = np.concatenate([np.arange(shift), everyone(n) + 50])  # other neurons now stand before them
    moved = build(everyone(n) + shift, everyone(n) + shift, ids, value, False, 1, 3)
    assert (
        moved[0] == shift and np.array_equal(moved[1], base[1]) and np.array_equal(moved[2], base[2] + shift)
    )
    renamed = build(everyone(n), everyone(n), everyone(n) + 51, value, False, 1, 3)
    assert rows(renamed) != rows(base)


def test_further_sources_leave_the_rows_of_others_alone() -> None:
    n = everyone(300)
    some = rows(build_probability(n[::2], n, n, 0.1, False, 1, 3))
    assert some == {
        slot: row for slot, row in rows(build_probability(n, n, n, 0.1, False, 1, 3)).items() if slot % 2 == 0
    }


# ---- errors ----------------------------------------------------------------------------------------------------


def failure(build: Callable[..., Any], *arguments: Any) -> tuple[str, int, int]:
    with pytest.raises(_core.CoreFailure) as caught:
        build(*arguments)
    return caught.value.status, caught.value.index, caught.value.field


@pytest.mark.parametrize("p", [-1e-9, 1.0 + 1e-9, math.nan, math.inf])
def test_a_probability_outside_0_to_1_is_refused(p: float) -> None:
    n = everyone(3)
    assert failure(build_probability, n, n, n, p, False, 1, 0) == ("NM_ERR_BAD_VALUE", -1, -1)


@pytest.mark.parametrize("build", [build_in_degree, build_out_degree])
def test_bad_degrees_and_lonely_neurons_are_refused(build: Callable[..., Drawn]) -> None:
    n = everyone(3)
    assert failure(build, n, n, n, -1, False, 1, 0) == ("NM_ERR_BAD_VALUE", -1, -1)
    assert failure(build, [2], [2], n, 1, False, 1, 0) == ("NM_ERR_BAD_VALUE", 2, -2)
    lonely = ([], [1]) if build is build_in_degree else ([1], [])
    assert failure(build, *lonely, n, 1, True, 1, 0) == ("NM_ERR_BAD_VALUE", 1, -2)


@pytest.mark.parametrize("rule", RULES)
def test_bad_slots_and_ids_are_refused(rule: str) -> None:
    build, _, value = RULES[rule]
    n = everyone(9)
    assert failure(build, [1, 1], n, n, value, False, 1, 0) == ("NM_ERR_BAD_LAYOUT", 1, 0)
    assert failure(build, n, [3, 2], n, value, False, 1, 0) == ("NM_ERR_BAD_LAYOUT", 1, 1)
    assert failure(build, n, [-1, 2], n, value, False, 1, 0) == ("NM_ERR_BAD_INDEX", 0, 1)
    assert failure(build, n, n, n + 2**32 - 8, value, False, 1, 0) == ("NM_ERR_TOO_LARGE", 8, 2)
    with pytest.raises(IndexError, match=r"^slot: must be below 9; got 9$"):
        build(n, [9], n, value, False, 1, 0)
    with pytest.raises(ValueError, match=r"^salt: must be below 2\*\*24; got 16777216$"):
        build(n, n, n, value, False, 1, 2**24)


# ---- pairs, delays ---------------------------------------------------------------------------------------------


def test_pairs_become_sorted_rows_with_stable_repeats() -> None:
    rng = np.random.default_rng(3)
    pre, post = rng.integers(20, 50, 5000), rng.integers(0, 60, 5000)
    first, starts, targets, order = _core.build_pairs(pre, post)
    expected = np.lexsort((np.arange(5000), post, pre))
    assert first == 20 and np.array_equal(order, expected) and np.array_equal(targets, post[expected])
    assert np.array_equal(starts, np.searchsorted(pre[expected], np.arange(20, 51)))


def test_pairs_that_come_sorted_keep_their_order() -> None:
    first, starts, targets, order = _core.build_pairs([3, 3, 5, 5, 5], [1, 4, 0, 0, 2])
    assert (first, starts.tolist(), targets.tolist(), order.tolist()) == (
        3,
        [0, 2, 2, 5],
        [1, 4, 0, 0, 2],
        [0, 1, 2, 3, 4],
    )


def test_no_pairs_and_bad_pairs() -> None:
    first, starts, targets, order = _core.build_pairs([], [])
    assert (first, starts.tolist(), len(targets), len(order)) == (0, [0], 0, 0)
    assert failure(_core.build_pairs, [0, 1], [5, -5]) == ("NM_ERR_BAD_INDEX", 1, 1)
    with pytest.raises(ValueError, match=r"^post: must be as long as pre, 2; got 1$"):
        _core.build_pairs([0, 1], [5])


@pytest.mark.parametrize("longest", [1, 3, 50, 255, 256, 65_535])
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_are_sorted_by_delay_and_stay_together(longest: int, weighted: bool) -> None:
    rng = np.random.default_rng(longest)
    lengths = np.array([0, 1, 2, 24, 25, 1000, 0, 7])  # nothing, insertion sort, counting sort
    starts = np.concatenate([[0], np.cumsum(lengths)])
    n = int(starts[-1])
    delay = rng.integers(1, longest + 1, n).astype(np.uint16)
    targets, weight = np.arange(n, dtype=np.uint16), rng.random(n).astype(np.float32)
    order = np.concatenate([a + np.argsort(delay[a:b], kind="stable") for a, b in pairwise(starts)])
    pair = rng.permutation(n)
    expected = delay[order], targets[order], *((c[order] if weighted else c.copy()) for c in (weight, pair))
    _core.sort_rows_by_delay(starts, delay, targets, *((weight, pair) if weighted else ()))
    assert all(
        np.array_equal(found, want)
        for found, want in zip((delay, targets, weight, pair), expected, strict=True)
    )


def test_degrees_of_each_source_take_the_first_draws_of_an_equal_degree() -> None:
    """Source by source: the first degrees[k] of the targets that `plain_bounded` draws for it."""
    pre, post = np.array([3, 5, 9, 200]), np.arange(100, 300)
    ids, degrees = np.arange(300) * 3 + 1, np.array([0, 40, 7, 300])
    first, starts, targets = in_rows(_core.build_out_degrees)(pre, post, ids, degrees, False, 6, 2)
    for source, degree in zip(pre.tolist(), degrees.tolist(), strict=True):
        candidates = [t for t in post.tolist() if t != source]
        drawn = plain_bounded(int(ids[source]), 6, 2, len(candidates), degree)
        row = targets[starts[source - first] : starts[source - first + 1]]
        assert row.tolist() == sorted(candidates[k] for k in drawn)


def test_degrees_that_cannot_be_are_refused() -> None:
    some = np.arange(3)
    with pytest.raises(ValueError, match=r"^degrees: must have shape \(3,\); got \(2,\)$"):
        _core.build_out_degrees(some, some, some, np.array([1, 1]), True, 1, 0)
    assert (
        failure(_core.build_out_degrees, [0], [0], some, np.array([1]), False, 1, 0)[0] == "NM_ERR_BAD_VALUE"
    )


def test_columns_of_other_lengths_are_refused() -> None:
    starts = np.array([0, 2, 5])
    with pytest.raises(_core.CoreError, match=r"^local: must have row_start\[-1\] entries; got 4$"):
        _core.sort_rows_by_delay(starts, np.ones(5, np.uint16), np.zeros(4, np.uint16))
    with pytest.raises(_core.CoreError, match=r"^targets: must have row_start\[-1\] entries; got 4$"):
        _core.build_buckets(starts, np.zeros(4, np.int32), 9)
    with pytest.raises(_core.CoreError, match=r"^delay: must have row_start\[-1\] entries; got 4$"):
        _core.build_runs(starts, np.ones(4, np.uint16))


# ---- parts, places, segments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "n_partitions"),
    [
        (0, 1),
        (1, 1),
        (4095, 1),
        (4096, 4),
        (32_767, 4),
        (32_768, 8),
        (131_071, 8),
        (131_072, 16),
        (10**7, 153),
    ],
)
def test_a_network_is_cut_into_parts_that_16_bits_can_count(n: int, n_partitions: int) -> None:
    """Whole chunks of 512 neurons, at most 65,536 a part, and the parts cover the network without an empty one."""
    found, width = _core.partitions(n)
    assert found == n_partitions
    assert width % 512 == 0 and width <= 65_536
    assert (found - 1) * width < max(n, 1) <= found * width


@pytest.mark.long
@pytest.mark.parametrize("n", [120, 5000, 40_000])
def test_places_hold_each_target_once_in_its_part(n: int) -> None:
    """Against a plain search: row r's targets in part q are those of the row between q * width and (q + 1) * width."""
    some = np.sort(np.random.default_rng(1).choice(n, 40, replace=False))
    first, starts, targets = build_out_degree(some, everyone(n), everyone(n), 200, False, 4, 0)
    bucket_start, local = _core.build_buckets(starts, targets, n)
    n_partitions, width = _core.partitions(n)
    assert (bucket_start.dtype, local.dtype) == (np.int64, np.uint16)
    assert len(bucket_start) == (len(starts) - 1) * n_partitions + 1 and bucket_start[-1] == len(targets)
    assert np.array_equal(bucket_start[::n_partitions], starts)
    assert local.max() < width
    for place, (a, b) in enumerate(pairwise(bucket_start.tolist())):
        row, part = divmod(place, n_partitions)
        whole = targets[starts[row] : starts[row + 1]]
        inside = whole[(whole >= part * width) & (whole < (part + 1) * width)]
        assert np.array_equal(local[a:b].astype(np.int64) + part * width, inside)
    assert first == some[0]
    drawn = _core.build_out_degree(some, everyone(n), everyone(n), 200, False, 4, 0)
    assert np.array_equal(drawn[1], bucket_start) and np.array_equal(drawn[2], local)


def test_targets_that_no_part_holds_are_refused() -> None:
    starts = np.array([0, 1, 3])
    for bad in (512, -1):  # 512 neurons are one part of 512
        targets = np.array([0, bad, 2], np.int32)
        assert failure(_core.build_buckets, starts, targets, 500) == ("NM_ERR_BAD_INDEX", 1, -1)
    falling = np.array([0, 4999, 2], np.int32)  # back to an earlier part
    assert failure(_core.build_buckets, starts, falling, 5000) == ("NM_ERR_BAD_INDEX", 2, -1)


@pytest.mark.parametrize("longest", [1, 2, 7, 65_535])
def test_runs_are_the_runs_of_one_delay(longest: int) -> None:
    rng = np.random.default_rng(longest)
    lengths = rng.integers(0, 12, 300)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    delay = rng.integers(1, longest + 1, starts[-1]).astype(np.uint16)
    for a, b in pairwise(starts):
        delay[a:b].sort()
    bucket_run, run_start, run_delay = _core.build_runs(starts, delay)
    expected = [
        (place, a + int(k), int(delay[a + k]))
        for place, (a, b) in enumerate(pairwise(starts.tolist()))
        for k in np.flatnonzero(np.diff(delay[a:b], prepend=0))  # delays are >= 1: the first one counts
    ]
    assert bucket_run[0] == 0 and bucket_run[-1] == len(run_delay) == len(expected)
    assert run_start[-1] == starts[-1]
    places = np.repeat(np.arange(len(lengths)), np.diff(bucket_run))
    found = zip(places.tolist(), run_start[:-1].tolist(), run_delay.tolist(), strict=True)
    assert list(found) == expected


def test_places_and_runs_of_nothing() -> None:
    bucket_start, local = _core.build_buckets(np.zeros(4, np.int64), np.empty(0, np.int32), 5000)
    assert bucket_start.tolist() == [0] * 13 and len(local) == 0
    bucket_run, run_start, run_delay = _core.build_runs(bucket_start, np.empty(0, np.uint16))
    assert bucket_run.tolist() == [0] * 13 and run_start.tolist() == [0] and len(run_delay) == 0
