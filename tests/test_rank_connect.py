"""Each rank makes its own synapses alone: the very ones that it would keep of the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from thread_ranks import ThreadComm, on_ranks

from neuromod import ConfigError, Simulation
from neuromod.network import division
from neuromod.network.ranked import keep_targets, own_parts
from neuromod.ranks import RankSimulation

N = 4200
GRID = np.stack(np.meshgrid(np.arange(60.0), np.arange(70.0), indexing="ij"), axis=-1).reshape(-1, 2)
PAIRS = np.random.default_rng(3).integers(0, N, (3000, 2))
GIVEN = np.random.default_rng(4).random((40, 60)) * (np.random.default_rng(5).random((40, 60)) < 0.3)
DRAWN = {"weight": {"normal": [0.4, 0.1], "low": 0.0}, "delay": {"uniform": [2, 9]}}
LEARNS = {
    "rule": {"rule": "graupner_brunel"},
    "weight": {"uniform": [0.2, 0.8]},
    "delay": {"uniform": [2, 9]},
}

CASES: dict[str, dict[str, Any]] = {
    "in_degree": {"in_degree": 5},
    "in_degree, drawn values": {"in_degree": 5, **DRAWN},
    "in_degree, one delay": {"in_degree": 5, "weight": {"lognormal": [-2.0, 0.5]}, "delay": {"uniform": [4, 4]}},
    "in_degree, different": {"in_degree": 5, "multapses": False, **DRAWN},
    "in_degree, of each": {"in_degree": np.arange(N) % 4, **DRAWN},
    "in_degree, drawn": {"in_degree": {"uniform": [0, 6]}, **DRAWN},
    "in_degree, near": {"in_degree": 5, "mask": {"circular": {"radius": 6.0}}, "autapses": True},
    "out_degree": {"out_degree": 5, **DRAWN},
    "out_degree, different": {"out_degree": 5, "multapses": False, **DRAWN},
    "out_degree, drawn": {"out_degree": {"choice": [0, 3, 9]}, **DRAWN},
    "out_degree, few": {"out_degree": np.where(np.arange(N) % 1000 == 400, 30, 0), "multapses": False},
    "total_number": {"total_number": 40_001, **DRAWN},
    "total_number, different": {"total_number": 40_001, "multapses": False, **DRAWN},
    "probability": {"probability": 0.001, **DRAWN},
    "probability, rare": {"probability": 2e-7, **DRAWN},
    "probability, choices": {
        "probability": 0.001, "weight": {"choice": [0.1, 0.3], "p": [0.2, 0.8]}, "delay": {"choice": [1, 4]}
    },
    "probability, clipped": {"probability": 0.001, "weight": {"normal": [0.1, 0.1], "low": 0.0, "outside": "clip"}},
    "dense": {"probability": 0.6, "few": 400},
    "all_to_all": {"all_to_all": True, "few": 90, **DRAWN},
    "law": {"probability": {"gaussian": [0.8, 2.0]}, "mask": {"circular": {"radius": 4.0}}, **DRAWN},
    "law, wrapped": {
        "probability": {"exponential": [0.8, 2.0]}, "mask": {"circular": {"radius": 4.0}}, "edge_wrap": [61.3, 70.7]
    },
    "box": {
        "probability": 0.5, "few": 300, "mask": {"rectangular": {"lower_left": [-2.5, -1.0], "upper_right": [3.0, 1.0]}}
    },
    "kernel": {"probability": lambda d: np.exp(-d), "mask": {"circular": {"radius": 3.0}}},
    "functions": {"in_degree": 3, "weight": lambda d: 0.1 + 0.001 * d, "delay": lambda d: 1 + d // 20},
    "one_to_one": {"one_to_one": True, "autapses": True, **DRAWN},
    "pairs": {"pairs": PAIRS, "weight": np.linspace(0.1, 1.0, len(PAIRS)), "delay": 1 + np.arange(len(PAIRS)) % 7},
    "pairs, drawn values": {"pairs": PAIRS, **DRAWN},
    "no pairs": {"pairs": np.empty((0, 2), np.int64), "weight": 0.2},
    "matrix": {"matrix": GIVEN, "delay": {"uniform": [1, 5]}},
    "matrix of weights": {"probability": 0.4, "weight": np.linspace(0.1, 1.0, 2400).reshape(40, 60), "ends": (40, 60)},
    "learns": {"in_degree": 5, **LEARNS},
    "learns, by source": {"probability": 0.001, **LEARNS},
    "learns, one delay": {"out_degree": 3, **LEARNS, "delay": 5},
    "state": {"pairs": PAIRS, **LEARNS, "state": {"rho": np.linspace(0.0, 1.0, len(PAIRS))}},
    "short-term": {"in_degree": 5, "short_term": True, **DRAWN},
    "inhibitory": {"probability": 0.001, "synapse_type": "inhibitory", "weight": {"normal": [-0.5, 0.05], "high": 0.0}},
}  # fmt: skip
FIELDS = ("pre_first", "n_synapses", "equal_delay", "delays", "synapse_type", "port", "learning", "number")
ARRAYS = (
    "run_start",
    "target",
    "bucket_run",
    "run_delay",
    "row_start",
    "bucket_start",
    "order",
    "pre",
    "post",
)


def connected(sim: Any, how: dict[str, Any]) -> Any:
    """The projection of a case, as its table."""
    how = {"rule": "none", "weight": 0.1, "autapses": True, **how}
    if "matrix" in how:
        del how["weight"]
    few, ends = how.pop("few", N), how.pop("ends", GIVEN.shape if "matrix" in how else None)
    cells = sim.create(N, positions=GRID)
    ids = np.arange(N)
    pre, post = (ids[:few], ids[-few:]) if ends is None else (ids[3000 : 3000 + ends[0]], ids[-ends[1] :])
    n = sim.connect(
        cells if few == N and ends is None else pre, cells if few == N and ends is None else post, **how
    )
    (projection,) = sim.projections.values()
    return projection._table, n


def same(one: Any, other: Any) -> bool:
    """Whether two arrays, or None, are equal in type and content."""
    if one is None or other is None:
        return one is other
    return bool(one.dtype == other.dtype and np.array_equal(one, other))


@pytest.mark.parametrize("ranks", [1, 3, 9])
@pytest.mark.parametrize("case", CASES)
def test_a_rank_makes_what_it_would_keep_of_the_whole(
    case: str, ranks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "_ROUND", 2000)

    def work(comm: ThreadComm) -> Any:
        return connected(RankSimulation(comm, seed=7, threads=1), dict(CASES[case]))

    for rank, (made, n) in enumerate(on_ranks(ranks, work)):
        one = Simulation(seed=7)
        kept, _ = connected(one, dict(CASES[case]))
        assert n == len(kept)
        keep_targets(one._session.store, kept, *own_parts(N, rank, ranks)[:2])
        for name in FIELDS:
            assert getattr(made, name) == getattr(kept, name), name
        for name in ARRAYS:
            assert same(getattr(made, name), getattr(kept, name)), name
        values = made.weights.values(), kept.weights.values()
        assert values[0].keys() == values[1].keys()
        assert all(same(values[0][name], values[1][name]) for name in values[0])
        for name in ("n_synapses", "delays", "dense", "parts"):
            assert getattr(made.whole, name) == getattr(kept.whole, name), name
        for name in ("sources", "targets", "shift"):
            assert same(getattr(made.whole, name), getattr(kept.whole, name)), name


def test_some_cases_are_dense_and_some_have_shifts() -> None:
    """The cases above are not all alike."""

    def work(comm: ThreadComm) -> Any:
        found = [
            connected(RankSimulation(comm, seed=7), dict(CASES[case]))[0] for case in ("dense", "learns")
        ]
        return found[0].whole.dense, found[1].whole.shift is not None and bool(found[1].whole.shift.any())

    assert on_ranks(2, work) == [(True, True), (True, True)]


def test_no_rank_draws_for_the_targets_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    build = division._core.build_in_degree

    def counting(pre: Any, post: Any, *more: Any) -> Any:
        seen.append(len(post))
        return build(pre, post, *more)

    monkeypatch.setattr("neuromod.network.rules._core.build_in_degree", counting)
    on_ranks(4, lambda comm: connected(RankSimulation(comm, seed=7), {"in_degree": 5}))
    assert sum(seen) == N and len(seen) == 4


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (lambda r: {"in_degree": 2 + r}, "must have the arguments of connect of rank 0"),
        (lambda r: {"in_degree": 2, "weight": 0.1 * (r + 1)}, "must have the arguments of connect of rank 0"),
        (lambda r: {"pairs": PAIRS[r:]}, "must have the arguments of connect of rank 0"),
        (lambda r: {"in_degree": 2, "rule": "none" if r else "stdp"}, "must have the arguments of connect"),
        (lambda r: {"in_degree": 2, "synapse_type": "wrong" if r else None}, "synapse_type"),
        (lambda r: {"in_degree": 2, "weight": {"normal": [0.1, 0.1]}}, "must not be below 0"),
    ],
)
def test_what_is_wrong_on_one_rank_is_refused_on_all(how: Callable[[int], dict[str, Any]], text: str) -> None:
    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=7)
        with pytest.raises(ValueError, match=text):
            connected(sim, how(comm.rank))
        return len(sim.projections), sim.connect(
            [0, 1], [4000, 4001], all_to_all=True, weight=0.3, rule="none"
        )

    assert on_ranks(2, work) == [(0, 4), (0, 4)]


def test_ranks_that_make_different_calls_are_refused() -> None:
    def work(comm: ThreadComm) -> str:
        sim = RankSimulation(comm, seed=7)
        cells = sim.create(5000)
        calls: list[Callable[[], Any]] = [
            lambda: sim.run(3),
            lambda: sim.connect(cells, cells, in_degree=2, weight=0.1),
        ]
        with pytest.raises(ConfigError) as caught:
            calls[comm.rank]()
        return str(caught.value)

    first, second = on_ranks(2, work)
    assert (
        first == second and "ranks: must make the same calls; got run on rank 0, connect on rank 1" in first
    )
