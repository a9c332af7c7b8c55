"""Sources, hooks and recorders of rates on several ranks: what they do on one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from thread_ranks import ThreadComm, on_ranks

from neuromod import (
    ConfigError,
    NeuromodulationSystem,
    OUCurrent,
    RampCurrent,
    RateMonitor,
    RateSource,
    Simulation,
    SineCurrent,
    StepCurrent,
)
from neuromod.ranks import RankSimulation

N = 4500
Sim = Any


def network(sim: Sim) -> None:
    """Neurons that fire, sources, and a rule of reward."""
    cells = sim.create(N - 200, name="cells", drive={"rate": 1500.0, "weight": 1.1})
    sources = sim.create(200, "poisson", name="sources", rate=20.0)
    sim.connect(sources, cells, in_degree=4, weight=0.8, delay=3, rule="none")
    learns = {"rule": "rstdp"} if sim.neuromodulation is not None else "none"
    sim.connect(
        cells, cells, in_degree=6, weight={"uniform": [0.2, 0.6]}, delay={"uniform": [2, 6]}, rule=learns
    )


def currents(sim: Sim) -> Any:
    """One of each kind, onto neurons of several ranks."""
    StepCurrent(sim, np.arange(0, 4000, 7), [3.0, -1.0], times=[4.0, 15.0])
    RampCurrent(sim, [4000, 3, 2000], 0.0, 9.0, start=2.0, end=25.0)
    SineCurrent(sim, "cells", 2.0, 40.0)
    return OUCurrent(sim, np.arange(100, 4100), 1.0, 3.0, tau=4.0)


def rates(sim: Sim) -> Any:
    return RateSource(sim, "sources", [[5.0], [300.0], [0.0]], interval=7.0, repeat=True)


def several_rates(sim: Sim) -> Any:
    return RateSource(
        sim, "sources", np.linspace(0.0, 400.0, 800).reshape(4, 200), times=[0.0, 5.0, 11.0, 30.0]
    )


def function_of_time(sim: Sim) -> Any:
    return RateSource(sim, "sources", lambda ms: 100.0 + 10.0 * ms, interval=3.0)


def every(sim: Sim) -> Any:
    """A hook that writes parameters, weights and levels."""

    def act(sim: Sim) -> None:
        neurons = sim.model.neurons if isinstance(sim, Simulation) else sim.neurons
        neurons.i_offset[:2000] += 0.5
        sim.neuromodulation.process_reward(0.9, 0.1)
        for projection in sim.projections.values():
            projection.weight[:] *= np.float32(1.01)

    sim.at(8.0, lambda sim: sim.neuromodulation.process_uncertainty(0.5, 0.5))
    return sim.every(7.0, act)


def stops(sim: Sim) -> Any:
    return sim.when(lambda sim: 4300 in sim.spikes or 1000 in sim.spikes)


def stops_by_itself(sim: Sim) -> Any:
    return sim.at(13.0, lambda sim: sim.stop())


DRIVEN: list[Callable[[Sim], Any]] = [
    currents, rates, several_rates, function_of_time, every, stops, stops_by_itself
]  # fmt: skip


def driven(make: Callable[[], Sim], drive: Callable[[Sim], Any]) -> tuple[list[int], Any]:
    """Steps of two runs, and the simulation."""
    sim = make()
    network(sim)
    held = drive(sim)
    steps = [sim.run(k)["n_steps"] for k in (19, 22)]
    held.remove()
    steps.append(sim.run(5)["n_steps"])
    return steps, sim


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("drive", DRIVEN)
def test_the_digest_is_that_of_one_process(drive: Callable[[Sim], Any], ranks: int) -> None:
    def work(comm: ThreadComm) -> Any:
        system = NeuromodulationSystem()
        steps, sim = driven(lambda: RankSimulation(comm, seed=3, neuromodulation=system, threads=1), drive)
        whole = sim.gather()
        return steps, None if whole is None else whole.digest()

    steps, one = driven(lambda: Simulation(seed=3, neuromodulation=NeuromodulationSystem()), drive)
    found = on_ranks(ranks, work)
    assert found[0] == (steps, one.digest())
    assert all(part == (steps, None) for part in found[1:])
    assert (sum(steps) < 46) == (drive in (stops, stops_by_itself))


@pytest.mark.parametrize("drive", [currents, rates])
def test_what_is_on_goes_on_on_another_number_of_ranks(drive: Callable[[Sim], Any]) -> None:
    def begin(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=3)
        network(sim)
        drive(sim)
        sim.run(17)
        whole = sim.gather()
        return None if whole is None else whole.to_dict()

    saved = on_ranks(3, begin)[0]

    def go_on(comm: ThreadComm) -> Any:
        sim = RankSimulation.take(Simulation.from_dict(saved), comm)
        sim.run(20)
        whole = sim.gather()
        return None if whole is None else whole.digest()

    one = Simulation(seed=3)
    network(one)
    drive(one)
    one.run(17)
    one.run(20)
    assert on_ranks(2, go_on)[0] == one.digest()


def test_rates_of_a_group_are_those_of_one_process(tmp_path: Path) -> None:
    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=3)
        network(sim)
        monitor = sim.record_rate(np.arange(500, 4400), 5.0)
        other = sim.record_rate("sources")
        sim.run(30)
        with pytest.raises(ConfigError, match="must not be of record_rate"):
            sim.streaming(tmp_path / "log", {"rate": monitor})
        return monitor.rate, sim.gather(), other

    one = Simulation(seed=3)
    network(one)
    expected = [RateMonitor(one, np.arange(500, 4400), 5.0), RateMonitor(one, "sources")]
    one.run(30)
    found = on_ranks(3, work)
    assert sum(part[0] for part in found) == pytest.approx(expected[0].rate)
    for monitor, wanted in zip(found[0][1].monitors, expected, strict=True):
        assert np.array_equal(monitor.rate, wanted.rate) and np.array_equal(monitor.bin_end, wanted.bin_end)
    assert expected[0].rate.any() and expected[1].rate.any()


@pytest.mark.parametrize(
    ("drive", "what"),
    [
        (lambda sim: StepCurrent(sim, "cells", 1.0 + sim.rank), "current sources"),
        (lambda sim: RateSource(sim, "sources", [1.0 + sim.rank], interval=1.0), "network"),
        (lambda sim: RateSource(sim, "sources", [1.0 + sim.rank], times=[5.0]), "rates that vary"),
        (lambda sim: sim.every(1.0 + sim.rank, lambda _: None), "hooks"),
    ],
)
def test_ranks_that_are_driven_otherwise_are_refused(drive: Callable[[Sim], Any], what: str) -> None:
    def work(comm: ThreadComm) -> str:
        sim = RankSimulation(comm, seed=3)
        network(sim)
        drive(sim)
        with pytest.raises(ConfigError) as caught:
            sim.run(10)
        assert sim.step == 0
        return str(caught.value)

    first, second = on_ranks(2, work)
    assert first == second and f"rank 1: must have the {what} of rank 0" in first


def test_what_cannot_be_is_refused() -> None:
    def work(comm: ThreadComm) -> None:
        sim = RankSimulation(comm, seed=3)
        network(sim)
        with pytest.raises(RuntimeError, match="stop: must be called by a hook"):
            sim.stop()
        with pytest.raises(TypeError, match="function: must be callable"):
            sim.every(1.0, 3)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="condition: must be callable"):
            sim.when(3)  # type: ignore[arg-type]
        source = function_of_time(sim)
        sim.run(5)
        with pytest.raises(ValueError, match="gather: must not have a rate given by a function"):
            sim.gather()
        source.remove()
        sim.gather()
        hooked = Simulation(seed=3)
        hooked.every(1.0, lambda sim: None)
        with pytest.raises(ConfigError, match="hooks: must be made on the ranks"):
            RankSimulation.take(hooked, comm)

    on_ranks(2, work)


def test_a_hook_sees_the_spikes_of_its_own_neurons() -> None:
    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=3)
        network(sim)
        seen: list[Any] = []
        sim.every(1.0, lambda sim: seen.append(sim.spikes))
        sim.run(30)
        return seen

    one = Simulation(seed=3)
    network(one)
    seen: list[Any] = []
    one.every(1.0, lambda sim: seen.append(sim.spikes))
    one.run(30)
    for k, parts in enumerate(zip(*on_ranks(3, work), strict=True)):
        assert np.concatenate(parts).tolist() == seen[k].tolist()
    assert sum(map(len, seen)) > 1000
