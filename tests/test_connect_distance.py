"""Connections by distance: against all pairs looked at one by one, and against the probabilities asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from grid import all_distances, counts, positions, sheet
from scipy import stats

from neuromod import _core

LEAST_P = 1e-4  # of a right program, once in 10,000 tests; seeds are fixed


def made(sim: Any, name: str | None = None, **how: Any) -> Any:
    return sim.connect("a", how.pop("to", "a"), weight=0.1, rule="none", name=name, **how)


# ---- which pairs are looked at -------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [0.5, 1.0, 2.5, 3.0, 7.3, 9.9, 10.0, 14.2, 100.0])
@pytest.mark.parametrize("wrap", [False, True, [7.0, np.inf], [19.0, 7.0]])
def test_all_pairs_within_a_radius(radius: float, wrap: Any) -> None:
    """Lattice distances are exact: those of the mask's own size are within."""
    sim = sheet(19, 7)
    periods = [19, 7, 1, 1] if wrap is True else None
    if not isinstance(wrap, bool):
        periods = [*wrap, np.inf, np.inf]
        if wrap[0] < 19:
            with pytest.raises(
                ValueError, match=r"^edge_wrap: must be at least the extent of the positions, 18"
            ):
                made(sim, probability=1.0, mask={"radius": radius}, edge_wrap=wrap)
            return
    p = made(sim, probability=1.0, mask={"radius": radius}, edge_wrap=wrap)
    right = (all_distances(sim, periods) <= radius) & ~np.eye(19 * 7, dtype=bool)
    assert np.array_equal(counts(p, 19 * 7), right)
    assert np.array_equal(
        counts(made(sim, all_to_all=True, mask={"radius": radius}, edge_wrap=wrap), 133), right
    )


def test_other_masks_and_three_dimensions() -> None:
    sim = sheet(9, 8, layers=3)
    n, at = 216, positions(sim)
    d = all_distances(sim)
    ring = made(
        sim, probability=1.0, mask={"doughnut": {"inner_radius": 2.0, "outer_radius": 3.0}}, to=["a", "b"]
    )
    right = (d >= 2.0) & (d <= 3.0) & (np.arange(n) < 72)[:, None] & (np.arange(n) < 144)[None, :]
    assert np.array_equal(counts(ring, n), right)
    low, high = [-1.0, 0.0, -1.0], [2.0, 3.0, 1.0]
    box = sim.connect(
        ["a", "b", "c"], ["a", "b", "c"], probability=1.0, weight=0.1, rule="none", autapses=True,
        mask={"rectangular": {"lower_left": low, "upper_right": high}},
    )  # fmt: skip
    step = at[None, :, :3] - at[:, None, :3]
    assert np.array_equal(counts(box, n), np.all((step >= low) & (step <= high), axis=2))


def test_a_box_is_wrapped_by_the_shorter_way() -> None:
    sim = sheet(10, 10)
    p = made(
        sim, probability=1.0, edge_wrap=True, mask={"box": {"lower_left": [1, 0], "upper_right": [1, 0]}}
    )
    x, y = positions(sim)[:, 0], positions(sim)[:, 1]
    assert len(p) == 100
    assert np.array_equal((x[p.pre_id] + 1) % 10, x[p.post_id]) and np.array_equal(y[p.pre_id], y[p.post_id])


# ---- probabilities -------------------------------------------------------------------------------------------


KERNELS = {
    "gaussian": ({"gaussian": [0.8, 2.0]}, lambda d: 0.8 * np.exp(-(d**2) / 8.0)),
    "by name": ({"gaussian": {"p_center": 0.8, "std": 2.0}}, lambda d: 0.8 * np.exp(-(d**2) / 8.0)),
    "exponential": ({"exponential": [0.9, 1.5]}, lambda d: 0.9 * np.exp(-d / 1.5)),
    "box": ({"box": [0.4, 4.0]}, lambda d: np.where(d <= 4.0, 0.4, 0.0)),
    "function": (lambda d: 0.5 / (1.0 + d), lambda d: 0.5 / (1.0 + d)),
}


@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize("wrap", [False, True])
def test_a_kernel_is_the_probability_asked_for(kind: str, wrap: bool) -> None:
    """Synapses at each distance over 20 seeds: chi-square, each pair an independent draw."""
    kernel, right = KERNELS[kind]
    n, found = 12 * 11, 0
    for seed in range(20):
        sim = sheet(12, 11, seed=seed)
        found = found + counts(made(sim, probability=kernel, edge_wrap=wrap), n)
    assert np.all(np.diag(found) == 0)
    d = all_distances(sim, [12, 11, 1, 1] if wrap else None)
    p = right(d) * ~np.eye(n, dtype=bool)
    square = np.rint(d**2).astype(int)
    each, p_of, n_of = (np.bincount(square.ravel(), weights=a.ravel()) for a in (found, p, np.ones_like(d)))
    mean, spread = 20 * p_of, 20 * np.bincount(square.ravel(), weights=(p * (1 - p)).ravel())
    many = (spread > 10) & (n_of > 0)
    chi = ((each - mean)[many] ** 2 / spread[many]).sum()
    assert stats.chi2.sf(chi, many.sum()) > LEAST_P and stats.chi2.cdf(chi, many.sum()) > LEAST_P
    rest = ~many & (p_of > 0)
    assert abs((each - mean)[rest].sum()) <= 5 * math.sqrt(spread[rest].sum()) + 1
    assert each[p_of == 0].sum() == 0


def test_two_pairs_are_drawn_independently() -> None:
    """Number of synapses between two neurons in the two directions, over the pairs of a sheet: 2 x 2 table."""
    sim = sheet(40, 40)
    n = 1600
    d = all_distances(sim)
    near = (d > 0) & (d <= 2.0)
    there = counts(made(sim, probability=0.3, mask={"radius": 2.0}), n)
    a, b = np.nonzero(np.triu(near))
    table = np.histogram2d(there[a, b], there[b, a], bins=2)[0]
    assert stats.chi2_contingency(table).pvalue > LEAST_P
    degree = there.sum(axis=1)[near.sum(axis=1) == 12]  # off the edges: binomial
    seen = np.bincount(degree, minlength=13)
    right = stats.binom.pmf(np.arange(13), 12, 0.3) * len(degree)
    seen, right = (np.append(a[:9], a[9:].sum()) for a in (seen, right))
    assert stats.chisquare(seen, right * seen.sum() / right.sum()).pvalue > LEAST_P


def test_the_cut_of_a_kernel_is_below_what_can_be_seen() -> None:
    """At 10,000 neurons: as many synapses as without a cut, to 4.5 standard deviations; none beyond it."""
    sim = sheet(100, 100)
    p = made(sim, probability={"gaussian": [1.0, 3.0]}, edge_wrap=True)
    x = np.minimum(np.arange(100), 100 - np.arange(100))
    d2 = x[:, None] ** 2 + x[None, :] ** 2
    each = np.exp(-d2 / 18.0)
    mean, spread = 10_000 * (each.sum() - 1.0), 10_000 * (each * (1.0 - each)).sum()
    assert abs(len(p) - mean) < 4.5 * math.sqrt(spread)


# ---- draws -----------------------------------------------------------------------------------------------------


def test_pairs_are_keyed_by_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain twin: word 0 of the block (source id, target id), whatever the cells and the other neurons."""
    sim = sheet(9, 8, layers=2, seed=77)
    p = sim.connect("a", "a", probability={"exponential": [0.9, 2.0]}, weight=0.1, rule="none")
    d, right = all_distances(sim), np.zeros((144, 144), bool)
    ids = np.arange(72)
    for source in ids:
        words = _core.pair_words(77, "connect", 0, np.full(72, source), ids)
        right[source, :72] = (words + 0.5) / 2**32 < 0.9 * np.exp(-d[source, :72] / 2.0)
        assert words[5] == _core.random_sequence(77, "connect", source, 5, 1)[0]
    np.fill_diagonal(right, False)
    assert np.array_equal(counts(p, 144), right)


def test_the_network_is_the_same_for_any_number_of_threads() -> None:
    one, two = sheet(20, 20), sheet(20, 20)
    one.threads, two.threads = 1, 4
    how = {"probability": {"gaussian": [0.7, 1.5]}, "edge_wrap": True}
    assert np.array_equal(counts(made(one, **how), 400), counts(made(two, **how), 400))
    assert one.digest() == two.digest()


# ---- weights and delays ------------------------------------------------------------------------------------------


def test_weights_and_delays_are_functions_of_distance() -> None:
    sim = sheet(12, 11)
    p = made(sim, probability={"gaussian": [0.8, 2.0]}, edge_wrap=True)
    d = all_distances(sim, [12, 11, 1, 1])
    q = sim.connect(
        "a", "a", in_degree=7, weight=lambda x: 2.0 * np.exp(-x), delay=lambda x: 1.0 + 2.0 * x, edge_wrap=True,
        rule="none",
    )  # fmt: skip
    of = d[q.pre_id, q.post_id]
    assert np.array_equal(q.weight, (2.0 * np.exp(-of)).astype(np.float32))
    assert np.array_equal(q.delay, np.rint(1.0 + 2.0 * of)) and len(np.unique(q.delay)) > 5
    assert len(p) > 100


def test_state_by_distance_follows_the_order_by_delay() -> None:
    sim = sheet(8, 8)
    p = sim.connect(
        "a", "a", in_degree=9, weight=0.1, delay={"uniform": [1, 9]}, rule={"rule": "rstdp"},
        state={"eligibility": lambda d: d},
    )  # fmt: skip
    d = all_distances(sim)
    assert np.allclose(p.eligibility, d[p.pre_id, p.post_id])


# ---- degrees within a mask -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["in_degree", "out_degree"])
@pytest.mark.parametrize("multapses", [True, False])
def test_a_degree_within_a_mask(name: str, multapses: bool) -> None:
    """Each neuron has its degree; partners within the mask, each as often as the others: chi-square over 30 seeds."""
    n, found = 100, 0
    for seed in range(30):
        sim = sheet(10, 10, seed=seed)
        p = made(sim, mask={"radius": 2.0}, edge_wrap=True, multapses=multapses, **{name: 5})
        there = counts(p, n)
        assert np.all(there.sum(axis=0 if name == "in_degree" else 1) == 5)
        assert multapses or there.max() == 1
        found = found + there
    near = (all_distances(sim, [10, 10, 1, 1]) <= 2.0) & ~np.eye(n, dtype=bool)
    assert near.sum() == 1200 and found[~near].sum() == 0
    chi = ((found[near] - 12.5) ** 2 / 12.5).sum()
    if multapses:
        assert 1e-4 < stats.chi2.sf(chi, 1100) < 1 - 1e-4
    else:  # a sample of 5 of 12 without replacement has 7/11 of the variance
        assert 1e-4 < stats.chi2.sf(chi * 11 / 7, 1100) < 1 - 1e-4


@pytest.mark.parametrize("degree", [1, 4])
def test_a_degree_with_odds_by_distance(degree: int) -> None:
    """Partners at each distance over 240 / degree seeds; one partner without replacement is as one with it."""
    found, n = 0, 81
    how = {"probability": {"exponential": [1.0, 1.0]}, "edge_wrap": True, "multapses": degree > 1}
    for seed in range(240 // degree):
        found = found + counts(made(sheet(9, 9, seed=seed), in_degree=degree, **how), n)
    d = all_distances(sheet(9, 9), [9, 9, 1, 1])
    odds = np.exp(-d) * ~np.eye(n, dtype=bool)
    right = 240 * odds / odds.sum(axis=0)
    at = np.rint(d**2).astype(int).ravel()
    seen, mean = np.bincount(at, weights=found.ravel()), np.bincount(at, weights=right.ravel())
    many = mean > 5
    assert stats.chi2.sf(((seen - mean)[many] ** 2 / mean[many]).sum(), many.sum() - 1) > LEAST_P


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"probability": {"gauss": [1, 2]}}, r"^probability: must be .*; did you mean 'gaussian'\?$"),
        (
            {"probability": {"gaussian": [1.5, 2.0]}},
            r"^probability.gaussian.p_center: must be between 0 and 1",
        ),
        ({"probability": {"gaussian": [1.0, 0.0]}}, r"^probability.gaussian.sigma: must be > 0; got 0$"),
        ({"probability": {"gaussian": {"s": 1}}}, r"^probability.gaussian: must have sigma and p_center"),
        ({"probability": lambda d: d}, r"^probability: must give values from 0 to 1; got"),
        ({"probability": lambda d: d[:1]}, r"^probability: must give one value for each of"),
        ({"probability": 1.0, "mask": {"radius": -1}}, r"^mask.circular.radius: must be >= 0; got -1$"),
        ({"probability": 1.0, "mask": {"disc": 1}}, r"^mask: must be "),
        (
            {"probability": 1.0, "mask": {"doughnut": {"inner_radius": 3, "outer_radius": 2}}},
            r"^mask.doughnut: inner_radius must be <= outer_radius",
        ),
        ({"probability": 0.5, "edge_wrap": True}, r"^edge_wrap: acts where something depends on distance"),
        ({"one_to_one": True, "mask": {"radius": 1.0}}, r"^mask: acts with probability, in_degree"),
        (
            {"in_degree": 5, "multapses": False, "mask": {"radius": 1.0}},
            r"^in_degree: must be at most the number of sources within the mask; neuron 0 is to have 5",
        ),
        (
            {"probability": 1.0, "mask": {"radius": 1.0}, "edge_wrap": [0.0, 5.0]},
            r"^edge_wrap: must be True, False, or a period > 0",
        ),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_changes(how: dict, message: str) -> None:
    sim = sheet(6, 6)
    before = sim.digest()
    with pytest.raises((ValueError, TypeError), match=message):
        made(sim, **how)
    assert sim.digest() == before


def test_a_delay_below_one_step_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^delay: must be whole steps from 1 to 65535; got 0"):
        made(sheet(4, 4), probability=1.0, mask={"radius": 2.0}, delay=lambda d: 0.1 * d)
