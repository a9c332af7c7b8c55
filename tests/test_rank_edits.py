"""Changes between the runs of several ranks: what they do on one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from thread_ranks import ThreadComm, on_ranks

from neuromod import ConfigError, NeuromodulationSystem, Simulation, SynapseMonitor, _core, ranks
from neuromod.ranks import RankSimulation

N = 4500
Sim = Any
RULES = ["none", *_core.plasticity_rules()]
CASES = [(3, True), ({"uniform": [2, 9]}, False)]
"""Delays; whether all weights are equal."""


def network(sim: Sim, rule: str = "stdp", delay: Any = 3, equal: bool = False, n: int = N) -> None:
    """Driven neurons; the projection under test, of one type, behind another."""
    cells = sim.create(n, "adex_clopath", name="cells", drive={"rate": 1500.0, "weight": 1.2})
    kind = "inhibitory" if rule in ("istdp", "ristdp") else "excitatory"
    weight: Any = 0.4 if equal else {"uniform": [0.2, 0.6]}
    how = {"weight": weight, "synapse_type": kind}
    sim.connect(cells, cells, in_degree=3, rule="none", name="other", **how)
    sim.connect(cells, cells, in_degree=6, rule=rule, delay=delay, name="p", **how)


def digests(
    n_ranks: int, build: Callable[[Sim], None], edits: list[Callable[[Sim], None]]
) -> tuple[str, str]:
    """Of one process and of several, after a run, and a run after each edit."""

    def course(sim: Sim) -> Sim:
        build(sim)
        sim.run(21)
        for edit in edits:
            edit(sim)
            sim.run(13)
        return sim

    def work(comm: ThreadComm) -> Any:
        sim = course(RankSimulation(comm, seed=3, neuromodulation=NeuromodulationSystem(), threads=1))
        whole = sim.gather()
        return None if whole is None else whole.digest()

    one = course(Simulation(seed=3, neuromodulation=NeuromodulationSystem()))
    return one.digest(), on_ranks(n_ranks, work)[0]


def set_one(sim: Sim) -> None:
    sim.projections["p"].weight = 0.3


def scale(sim: Sim) -> None:
    for projection in sim.projections.values():
        projection.weight[:] *= np.float32(1.25)


def write_some(sim: Sim) -> None:
    p = sim.projections["p"]
    p.weight[(p.pre_id < 800) & (p.post_id % 7 == 0)] = 0.1


def bound(sim: Sim) -> None:
    sim.projections["p"].weight_max = 0.35


def freeze(sim: Sim) -> None:
    sim.projections["p"].learning = False


@pytest.mark.parametrize(("delay", "equal"), CASES, ids=["one delay", "several"])
@pytest.mark.parametrize("rule", RULES)
def test_weights_are_written_between_runs(rule: str, delay: Any, equal: bool) -> None:
    edits = [scale, write_some, set_one, *([bound, freeze] if rule != "none" else [])]
    one, several = digests(3, lambda sim: network(sim, rule, delay, equal), edits)
    assert several == one


def remove_some(sim: Sim) -> None:
    p = sim.projections["p"]
    assert p.remove((p.pre_id % 3 == 0) & (p.post_id < 4000)) > 100


def remove_first_and_last_sources(sim: Sim) -> None:
    p = sim.projections["p"]
    p.remove((p.pre_id < 700) | (p.pre_id > 4100))


def remove_of_one_rank(sim: Sim) -> None:
    p = sim.projections["p"]
    assert p.remove(np.flatnonzero(p.post_id < 1000)) > 100


def prune_below(sim: Sim) -> None:
    sim.projections["p"].prune(below=0.3)


def prune_half(sim: Sim) -> None:
    p = sim.projections["p"]
    p.prune(fraction=0.37)
    sim.projections["other"].prune(fraction=0.1)


def remove_all(sim: Sim) -> None:
    p = sim.projections["p"]
    p.remove(np.ones(len(p), bool))


def prune_equal(sim: Sim) -> None:
    p = sim.projections["p"]
    before, whole = len(p), getattr(sim, "n_own_synapses", None)
    removed = p.prune(fraction=0.5)
    assert removed >= before - len(p) > 0 and (whole is not None or removed == before - len(p))


REMOVALS = [
    remove_some,
    remove_of_one_rank,
    prune_half,
    remove_first_and_last_sources,
    prune_below,
    remove_all,
]


@pytest.mark.parametrize(("delay", "equal"), CASES, ids=["one delay", "several"])
@pytest.mark.parametrize("rule", RULES)
def test_synapses_are_removed_between_runs(rule: str, delay: Any, equal: bool) -> None:
    one, several = digests(3, lambda sim: network(sim, rule, delay, equal), REMOVALS)
    assert several == one


@pytest.mark.parametrize("edit", [prune_equal, remove_some, remove_first_and_last_sources])
@pytest.mark.parametrize("how", ["short_term", "dense", "pairs"])
def test_so_it_is_for_other_projections(how: str, edit: Callable[[Sim], None]) -> None:
    """Short-term plasticity; bit-maps; pairs, whose order is kept."""

    def build(sim: Sim) -> None:
        cells = sim.create(N, name="cells", drive={"rate": 1500.0, "weight": 1.2})
        about: dict[str, Any] = {"weight": 0.4, "rule": "none", "name": "p"}
        if how == "dense":
            sim.connect(cells, cells, probability=0.05, delay=2, **{**about, "weight": 0.01})
        elif how == "pairs":
            pairs = np.random.default_rng(1).integers(0, N, (9000, 2))
            sim.connect(
                cells, cells, pairs=pairs, autapses=True, multapses=True, delay=[1, 2, 9] * 3000, **about
            )
        else:
            sim.connect(cells, cells, in_degree=6, delay=4, short_term=True, **about)

    one, several = digests(3, build, [edit, prune_equal])
    assert several == one


def test_what_is_removed_stays_so_in_files_and_records(tmp_path: Path) -> None:
    def course(sim: Sim, record: Any) -> Any:
        network(sim)
        monitor = record(sim)
        sim.run(10)
        sim.projections["p"].prune(fraction=0.3)
        sim.run(10)
        sim.save(tmp_path / f"{type(sim).__name__}.npz")
        sim.run(5)
        return monitor

    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=3, threads=1)
        kept = course(sim, lambda sim: sim.record_synapses("p", every=4))
        again = RankSimulation.load(tmp_path / "Simulation.npz", comm)
        assert kept in sim.monitors
        again.run(5)
        return sim.gather(), again.gather()

    one = Simulation(seed=3)
    own = course(one, lambda sim: SynapseMonitor(sim, "p", every=4))
    whole, again = on_ranks(3, work)[0]
    assert whole.digest() == again.digest() == one.digest()
    for found in (whole, again):
        assert np.array_equal(found.monitors[0].values, own.values, equal_nan=True)
    taken = Simulation.load(tmp_path / "RankSimulation.npz")
    taken.run(5)
    assert taken.digest() == one.digest() and np.isnan(own.values[-1]).mean() > 0.2


def test_edits_that_ranks_do_not_have_in_common_change_nothing() -> None:
    def work(comm: ThreadComm) -> list[str]:
        sim = RankSimulation(comm, seed=3, threads=1)
        network(sim)
        p, told = sim.projections["p"], []
        n = len(p)
        for call in (
            lambda: p.prune(below=0.1 + comm.rank),
            lambda: p.remove([0, n if comm.rank else 1]),
            lambda: p.prune(condition=lambda weight: weight > 0.0),
            lambda: p.prune(),
        ):
            with pytest.raises((ConfigError, ValueError, TypeError, IndexError)) as caught:
                call()
            told.append(str(caught.value))
        assert len(p) == n
        return told

    first, second = on_ranks(2, work)
    assert "rank 1: must have the below of rank 0, 0.1; got 1.1" in first[0]
    assert "rank 1: synapses: must be positions from 0" in first[1] and "synapses: must be" in second[1]
    assert "must not be given on several ranks" in first[2] and "exactly one" in first[3]


def test_a_rank_gives_back_what_connecting_has_left_free(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []
    monkeypatch.setattr(_core, "trim_heap", lambda: called.append(1))
    monkeypatch.setattr(ranks, "_MANY", 1000)

    def work(comm: ThreadComm) -> None:
        sim = RankSimulation(comm, seed=3)
        network(sim)
        for _ in range(3):
            sim.run(1)

    on_ranks(1, work)
    assert len(called) == 1
