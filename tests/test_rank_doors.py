"""Ranks that are one, ranks on which a run fails, and records of synapses that are gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from thread_ranks import on_ranks

from neuromod import NumericalError, Simulation
from neuromod.ranks import RankSimulation


def network(comm: Any) -> RankSimulation:
    """Neurons that fire, under a rule."""
    sim = RankSimulation(comm, seed=3)
    a = sim.create(40, "lif", name="A", i_offset=30.0)
    sim.connect(a, a, in_degree=4, weight=0.5, rule="stdp", name="p")
    return sim


def test_spikes_are_recorded_once() -> None:
    def work(comm: Any) -> Any:
        sim = network(comm)
        first = sim.record_spikes()
        again = sim.record_spikes()
        sim.run(30)
        return first is again, first.count

    (same, n), (other, m) = on_ranks(2, work)
    assert same and other and n + m > 0


def test_one_rank_goes_on_after_an_error() -> None:
    def work(comm: Any) -> Any:
        sim = network(comm)
        sim.run(5)
        column = sim._sim.model.neurons.v_membrane
        before = column[0]
        column[0] = np.nan
        with pytest.raises(NumericalError, match=r"neurons\[0\]\.v_membrane: must stay finite"):
            sim.run(5)
        sim._sim.model.neurons.v_membrane[0] = before
        return sim.run(5)["n_steps"]

    assert on_ranks(1, work) == [5]


def test_the_error_of_one_of_several_ends_all() -> None:
    def work(comm: Any) -> Any:
        sim = network(comm)
        sim.run(5)
        sim._sim.model.neurons.v_membrane[:] = np.nan
        sim.run(5)

    with pytest.raises(NumericalError, match="must stay finite"):
        on_ranks(2, work)


def test_records_of_synapses_that_are_gone_stay() -> None:
    def work(comm: Any) -> Any:
        sim = network(comm)
        kept = sim.record_synapses("p", every=2)
        sim.run(10)
        n = len(sim.projections["p"])
        gone = sim.projections["p"].remove(np.ones(n, bool))
        whole = sim.gather()
        assert len(kept.time) == 5
        return gone, None if whole is None else whole.monitors[0].values.tolist()

    (gone, values), _ = on_ranks(2, work)
    assert gone == 160 and np.shape(values) == (5, 160)


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_small_network_is_edited_as_on_one_process(ranks: int) -> None:
    """Of neurons that fit into one partition, the edit of a projection was a `ValueError` of NumPy."""

    def edited(sim: Any) -> Any:
        a = sim.create(40, "lif", name="A", i_offset=30.0)
        sim.connect(a, a, in_degree=4, weight=0.5, delay={"uniform": [1, 5]}, rule="stdp", name="p")
        sim.run(20)
        n = sim.projections["p"].prune(fraction=0.25)
        sim.run(20)
        return n, sim

    def work(comm: Any) -> Any:
        n, sim = edited(RankSimulation(comm, seed=3))
        whole = sim.gather()
        return None if whole is None else (n, whole.digest())

    n, one = edited(Simulation(seed=3))
    assert on_ranks(ranks, work)[0] == (n, one.digest()) and n == 40
