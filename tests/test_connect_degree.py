"""Degrees, totals, one-to-one, matrices, tables and draws: exact where they are exact, else against theory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from grid import counts, sheet
from scipy import sparse, stats

from neuromod import _core

LEAST_P = 1e-4
N = 12


def made(sim: Any, pre: Any = "a", post: Any = "a", **how: Any) -> Any:
    return sim.connect(pre, post, **{"weight": 0.1, "rule": "none", **how})


# ---- degrees ---------------------------------------------------------------------------------------------------


def plain_floyd(ids: Any, own: int, others: list[int], k: int, seed: int, salt: int) -> list[int]:
    """Floyd's sample by the words of the neuron's sequence."""
    words = _core.random_sequence(seed, "connect", int(ids[own]), 0, k // 4 + 1, salt=salt).tolist()
    chosen: list[int] = []
    for j, word in zip(range(len(others) - k, len(others)), words, strict=False):
        at = word * (j + 1) >> 32
        chosen.append(j if at in chosen else at)
    return sorted(others[c] for c in chosen)


@pytest.mark.parametrize("name", ["in_degree", "out_degree"])
@pytest.mark.parametrize("k", [1, 5, 11])
def test_distinct_partners_are_floyds_sample(name: str, k: int) -> None:
    sim = sheet(N, 1, seed=9)
    there = counts(made(sim, **{name: k}, multapses=False), N)
    for own in range(N):
        others = [other for other in range(N) if other != own]
        right = plain_floyd(np.arange(N), own, others, k, 9, 0)
        row = there[:, own] if name == "in_degree" else there[own]
        assert np.flatnonzero(row).tolist() == right and row.max() == 1


def test_distinct_partners_are_chosen_alike() -> None:
    """Each pair, and each pair of partners of one neuron, over 2,000 seeds: chi-square."""
    single, double = np.zeros((6, 6)), np.zeros((6, 6))
    for seed in range(2000):
        there = counts(made(sheet(6, 1, seed=seed), in_degree=2, multapses=False), 6)
        single += there
        a, b = np.nonzero(there[:, 0])[0]
        double[a, b] += 1
    off = ~np.eye(6, dtype=bool)
    # two of five without replacement: the variance of a count is 3/4 of that of independent draws
    chi = ((single[off] - 800) ** 2 / 800).sum() / 0.75
    assert stats.chi2.sf(chi, 24) > LEAST_P and stats.chi2.cdf(chi, 24) > LEAST_P
    assert stats.chisquare(double[np.triu_indices(6, 1)][5:]).pvalue > LEAST_P


def test_many_candidates_take_two_words_each() -> None:
    sim = sheet(300, 230)
    p = made(sim, out_degree=3, multapses=False, pre=[5, 9])
    words = _core.random_sequence(1, "connect", 5, 0, 2, salt=0).tolist()
    n = 300 * 230 - 1
    right = {(words[2 * k] << 32 | words[2 * k + 1]) * (n - 2 + k) >> 64 for k in range(3)}
    assert set(p.post_id[p.pre_id == 5].tolist()) == {c + (c >= 5) for c in right}


@pytest.mark.parametrize("name", ["in_degree", "out_degree"])
def test_a_degree_for_each_neuron_as_given(name: str) -> None:
    sim = sheet(N, 1)
    some, degrees = [7, 2, 9], [3, 0, 5]
    pre, post = ("a", some) if name == "in_degree" else (some, "a")
    for multapses in (True, False):
        there = counts(made(sim, pre, post, **{name: degrees}, multapses=multapses), N)
        of = there.sum(axis=0 if name == "in_degree" else 1)
        assert of[some].tolist() == degrees and of.sum() == 8


@pytest.mark.parametrize(
    ("draw", "law"),
    [
        ({"uniform": [2, 6]}, np.array([0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0, 0])),
        ({"choice": [1, 4, 8], "p": [0.5, 0.3, 0.2]}, np.array([0, 0.5, 0, 0, 0.3, 0, 0, 0, 0.2, 0])),
        ({"normal": [4.0, 1.0], "high": 8}, np.diff(stats.norm.cdf(np.arange(-0.5, 10), 4.0, 1.0))),
    ],
)
def test_degrees_are_drawn(draw: dict, law: Any) -> None:
    p = made(sheet(60, 50), in_degree=draw)
    seen = np.bincount(np.bincount(p.post_id, minlength=3000), minlength=10)
    some = law > 1e-3
    assert seen[law == 0].sum() == 0
    assert (
        stats.chisquare(seen[some], 3000 * law[some] / law[some].sum() * seen[some].sum() / 3000).pvalue
        > LEAST_P
    )


def test_a_degree_is_keyed_by_the_id_of_its_neuron() -> None:
    one, other = sheet(10, 10), sheet(10, 10)
    p = made(one, in_degree={"uniform": [1, 20]})
    q = made(other, post=np.arange(40, 60), in_degree={"uniform": [1, 20]})
    assert np.array_equal(np.bincount(p.post_id)[40:60], np.bincount(q.post_id)[40:60])


# ---- a total number ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("multapses", [True, False])
@pytest.mark.parametrize("autapses", [True, False])
def test_a_total_number_over_all_pairs(multapses: bool, autapses: bool) -> None:
    """Pre and post overlap in part; each possible pair alike over 300 seeds: chi-square."""
    found = 0
    for seed in range(300):
        sim = sheet(10, 1, seed=seed)
        p = made(sim, np.arange(6), np.arange(3, 10), total_number=20, multapses=multapses, autapses=autapses)
        assert len(p) == 20
        there = counts(p, 10)
        assert multapses or there.max() == 1
        found = found + there
    possible = np.zeros((10, 10), bool)
    possible[:6, 3:] = True
    if not autapses:
        np.fill_diagonal(possible, False)
    n = possible.sum()
    assert found[~possible].sum() == 0 and found.sum() == 6000
    mean = 6000 / n
    variance = mean * (1 - 1 / n) if multapses else mean * (1 - 20 / n)
    chi = ((found[possible] - mean) ** 2 / variance).sum() * (n - 1) / n
    assert stats.chi2.sf(chi, n - 1) > LEAST_P and stats.chi2.cdf(chi, n - 1) > LEAST_P


def test_all_and_too_many_pairs_in_total() -> None:
    sim = sheet(5, 1)
    assert len(made(sim, total_number=20, multapses=False)) == 20
    assert len(made(sim, total_number=0)) == 0
    with pytest.raises(ValueError, match=r"^total_number: must be at most .* without multapses, 20; got 21$"):
        made(sim, total_number=21, multapses=False)
    with pytest.raises(ValueError, match=r"^in_degree: must be at most .*, 4 for neuron 0; got 5$"):
        made(sim, in_degree=5, multapses=False)


WAYS: dict[str, dict[str, Any]] = {
    "probability": {"probability": 0.1},
    "in_degree": {"in_degree": 20},
    "in_degree, distinct": {"in_degree": 20, "multapses": False},
    "out_degree, drawn": {"out_degree": {"uniform": [3, 30]}},
    "total": {"total_number": 5000},
    "total, distinct": {"total_number": 5000, "multapses": False},
    "all_to_all": {"all_to_all": True},
    "distance": {"probability": {"exponential": [0.9, 2.0]}, "edge_wrap": True},
    "in_degree in a mask": {"in_degree": 5, "mask": {"radius": 2.0}},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_network_is_the_same_for_any_number_of_threads(way: str) -> None:
    digests = set()
    for threads in (1, 2, 3, 7):
        sim = sheet(23, 22, seed=6)
        sim.threads = threads
        made(sim, **{**WAYS[way], "weight": {"lognormal": [-1.0, 0.5]}, "delay": {"uniform": [1, 9]}})
        digests.add(sim.digest())
    assert len(digests) == 1


# ---- one to one, matrices, tables ---------------------------------------------------------------------------------


def test_one_to_one_is_in_the_order_given() -> None:
    sim = sheet(N, 1)
    p = made(sim, [3, 1, 2], [7, 8, 9], one_to_one=True, weight=[0.3, 0.1, 0.2], delay=[3, 1, 2])
    assert {(a, b): w for a, b, w in zip(p.pre_id, p.post_id, p.weight.round(3), strict=True)} == {
        (3, 7): np.float32(0.3), (1, 8): np.float32(0.1), (2, 9): np.float32(0.2)
    }  # fmt: skip
    assert dict(zip(p.pre_id.tolist(), p.delay.tolist(), strict=True)) == {3: 3, 1: 1, 2: 2}
    with pytest.raises(ValueError, match=r"^one_to_one: must have as many targets as sources, 3; got 2$"):
        made(sim, [3, 1, 2], [7, 8], one_to_one=True)
    with pytest.raises(ValueError, match=r"^one_to_one: must not connect a neuron to itself"):
        made(sim, one_to_one=True)


def dense(p: Any, pre: Any, post: Any, what: str = "weight") -> np.ndarray:
    found = np.zeros((len(pre), len(post)))
    row, column = ({int(i): k for k, i in enumerate(group)} for group in (pre, post))
    for a, b, value in zip(p.pre_id, p.post_id, getattr(p, what), strict=True):
        found[row[int(a)], column[int(b)]] += value
    return found


@pytest.mark.parametrize("kind", ["dense", "coo", "csr", "csc", "csr_array"])
def test_a_matrix_says_who_is_connected_and_how(kind: str) -> None:
    """Rows and columns are neurons as given, in any order."""
    sim = sheet(N, 1)
    random = np.random.default_rng(3)
    pre, post = np.array([5, 1, 3, 0]), np.array([8, 6, 11, 9, 7])
    w = np.where(random.random((4, 5)) < 0.5, random.random((4, 5)), 0.0).astype(np.float32)
    d = random.integers(1, 9, (4, 5))
    given = {
        "dense": w, "coo": sparse.coo_matrix(w), "csr": sparse.csr_matrix(w), "csc": sparse.csc_matrix(w),
        "csr_array": sparse.csr_array(w),
    }[kind]  # fmt: skip
    p = sim.connect(pre, post, matrix=given, delay=d, rule="none")
    assert len(p) == (w != 0).sum()
    assert np.array_equal(dense(p, pre, post), w)
    assert np.array_equal(dense(p, pre, post, "delay"), np.where(w != 0, d, 0))
    assert np.array_equal(p.to_scipy(pre=pre, post=post).toarray(), w)
    q = sim.connect(pre, post, matrix=given, weight=10 * w, rule="none")
    assert np.array_equal(dense(q, pre, post), 10 * w)
    some = sim.connect(pre, post, matrix=w != 0, weight=0.5, rule="none")
    assert len(some) == len(p) and set(some.weight.tolist()) == {0.5}


def test_all_to_all_with_a_matrix_of_weights() -> None:
    sim = sheet(N, 1)
    w = np.arange(1.0, 21.0).reshape(4, 5) / 100
    p = sim.connect([5, 1, 3, 0], [8, 6, 11, 9, 7], all_to_all=True, weight=w, rule="none")
    assert np.array_equal(dense(p, [5, 1, 3, 0], [8, 6, 11, 9, 7]), w.astype(np.float32))


CSV = {
    "names": "pre,post,weight,delay\n0,1,0.25,3\n4,2,0.5,1\n",
    "pandas": ",pre_id,post_id,weight,delay\n0,0,1,0.25,3\n1,4,2,0.5,1\n",
    "none": "0,1,0.25,3\n4,2,0.5,1\n",
    "order": "delay, post_id, weight, pre\n3,1,0.25,0\n1,2,0.5,4\n",
}


@pytest.mark.parametrize("kind", CSV)
def test_pairs_come_from_a_file(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(CSV[kind])
    sim = sheet(N, 1)
    p = sim.connect("a", "a", pairs=file, rule="none")
    found = sorted(
        zip(p.pre_id.tolist(), p.post_id.tolist(), p.weight.tolist(), p.delay.tolist(), strict=True)
    )
    assert found == [(0, 1, 0.25, 3), (4, 2, 0.5, 1)]
    table = p.to_pandas()
    q = sim.connect("a", "a", pairs=table, rule="none")
    pandas.testing.assert_frame_equal(q.to_pandas(), table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pre,pots\n1,2\n", r"^pairs \(p.csv\): columns must be .*; got 'pots'; did you mean 'post'\?"),
        ("pre,weight\n1,2\n", r"^pairs \(p.csv\): must have the columns pre and post; got pre, weight$"),
        ("1\n", r"^pairs \(p.csv\): must have 2 to 4 columns"),
        ("pre,post\n1,x\n", r"^pairs \(p.csv\): must be numbers parted by commas"),
        ("pre,post\n1,2.5\n", r"^pairs.post: must be ids, whole numbers; got 2.5"),
        ("pre,post\n1,99\n", r"^pairs: must be ids of neurons in the network; got 99"),
        ("pre,post,weight\n1,2,nan\n", r"^weight: must be finite"),
        ("pre,post,weight,delay\n1,2,0.1,0\n", r"^delay: must be whole steps from 1 to 65535; got 0"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text(text)
    sim = sheet(N, 1)
    with pytest.raises(ValueError, match=message):
        sim.connect("a", "a", pairs=str(file), rule="none", weight=None if "weight" in text else 0.1)
    assert len(sim.projections) == 0


def test_rules_exclude_each_other_and_weights_are_needed() -> None:
    sim = sheet(N, 1)
    with pytest.raises(
        ValueError, match=r"^connect: exactly one of probability, .*; got probability, in_degree$"
    ):
        made(sim, probability=0.5, in_degree=3)
    with pytest.raises(
        TypeError, match=r"^weight: must be given, since neither a matrix nor the pairs bring it$"
    ):
        sim.connect("a", "a", in_degree=3)
    with pytest.raises(ValueError, match=r"^pairs: must have no pair twice .*; got \(1, 2\) twice$"):
        made(sim, pairs=[[1, 2], [3, 4], [1, 2]], multapses=False)
    with pytest.raises(ValueError, match=r"^multapses: acts with in_degree"):
        made(sim, probability=0.5, multapses=True)


# ---- draws -----------------------------------------------------------------------------------------------------------


def test_drawn_weights_are_those_of_the_law() -> None:
    """Kolmogorov-Smirnov of 9,900 weights each."""
    sim = sheet(100, 1)
    log = made(sim, probability=1.0, weight={"lognormal": [-1.0, 0.5]})
    assert stats.kstest(np.log(log.weight), "norm", (-1.0, 0.5)).pvalue > LEAST_P
    cut = made(sim, probability=1.0, weight={"normal": [0.3, 0.2], "low": 0.1, "high": 0.6})
    law = stats.truncnorm(-1.0, 1.5, 0.3, 0.2)
    assert stats.kstest(cut.weight, law.cdf).pvalue > LEAST_P


def test_discrete_weights_and_delays_have_their_probabilities() -> None:
    p = made(
        sheet(100, 1), probability=1.0,
        weight={"choice": [0.1, 0.2, 0.7], "p": [0.5, 0.2, 0.3]}, delay={"choice": [2, 5, 5, 9]},
    )  # fmt: skip
    values, seen = np.unique(p.weight, return_counts=True)
    assert np.array_equal(values, np.float32([0.1, 0.2, 0.7]))
    assert stats.chisquare(seen, 9900 * np.array([0.5, 0.2, 0.3])).pvalue > LEAST_P
    steps, seen = np.unique(p.delay, return_counts=True)
    assert steps.tolist() == [2, 5, 9]
    assert stats.chisquare(seen, 9900 * np.array([0.25, 0.5, 0.25])).pvalue > LEAST_P
    with pytest.raises(ValueError, match=r"^weight.p: must be a probability for each value, in all 1"):
        made(sheet(3, 1), probability=1.0, weight={"choice": [1, 2], "p": [0.5, 0.6]})


def test_state_of_each_synapse_is_set_where_it_is_made() -> None:
    sim = sheet(N, 1)
    pairs = [[4, 2], [0, 1], [4, 1]]
    p = made(sim, pairs=pairs, delay=[5, 2, 1], rule="rstdp", state={"eligibility": [0.4, 0.1, 0.2]})
    assert {(a, b): round(float(e), 3) for a, b, e in zip(p.pre_id, p.post_id, p.eligibility, strict=True)} == {
        (4, 2): 0.4, (0, 1): 0.1, (4, 1): 0.2
    }  # fmt: skip
    with pytest.raises(
        ValueError, match=r"^state: must name state variables .*'eligibilty'; did you mean 'eligibility'\?$"
    ):
        made(sim, pairs=pairs, rule="rstdp", state={"eligibilty": 0.1})
    with pytest.raises(ValueError, match=r"^state: must name .*; there are none$"):
        made(sim, pairs=pairs, state={"eligibility": 0.1})


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    real = importlib.import_module

    def missing(name: str, *rest: Any) -> Any:
        if name.split(".")[0] in ("scipy", "pandas"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    p = made(sheet(4, 1), in_degree=1)
    with pytest.raises(
        ModuleNotFoundError, match=r'^to_scipy needs scipy: pip install "neuromod-snn\[scipy\]", in a clone '
    ):
        p.to_scipy()
    with pytest.raises(
        ModuleNotFoundError,
        match=r'^to_pandas needs pandas: pip install "neuromod-snn\[pandas\]", in a clone ',
    ):
        p.to_pandas()
    assert math.isclose(sum(p.to_dict()["weight"]), 0.4, rel_tol=1e-6)
