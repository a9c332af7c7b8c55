"""Records and files of several ranks: read as one, and the same as those of one process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from thread_ranks import ThreadComm, on_ranks

from neuromod import (
    ConfigError,
    LevelMonitor,
    NeuromodulationSystem,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    SynapseMonitor,
    read_log,
)
from neuromod.errors import FileError
from neuromod.ranks import RankSimulation

IDS = [4900, 3, 2000, 2500]


def network(make: Any, *comm: Any) -> Any:
    sim = make(*comm, seed=3, neuromodulation=NeuromodulationSystem())
    cells = sim.create(5000, drive={"rate": 1500.0, "weight": 1.2})
    sim.connect(cells, cells, in_degree=5, weight=0.3, delay=4, rule="stdp")
    return sim


def recorded(make: Any, *comm: Any) -> Any:
    """A network with a recorder of each kind."""
    sim = network(make, *comm)
    if not comm:
        return sim, {
            "s": SpikeMonitor(sim),
            "v": StateMonitor(sim, "v_membrane", IDS, 5),
            "l": LevelMonitor(sim, 10),
        }
    return sim, {
        "s": sim.record_spikes(),
        "v": sim.record_state("v_membrane", IDS, 5),
        "l": sim.record_levels(10),
    }


def same(log: Any, other: Any) -> None:
    assert list(log) == list(other) and log.until == other.until and log.is_complete == other.is_complete
    for name in log:
        for what in other[name]:
            assert np.array_equal(log[name][what], other[name][what]), (name, what)
        about = [{k: v for k, v in one.about[name].items() if k != "asked"} for one in (log, other)]
        assert about[0] == about[1]


@pytest.fixture
def whole_log(tmp_path: Path) -> Any:
    one, monitors = recorded(Simulation)
    with one.streaming(tmp_path / "one.log", monitors, every=20.0):
        one.run(90)
    return read_log(tmp_path / "one.log")


def stream(comm: ThreadComm, folder: Path) -> None:
    sim, monitors = recorded(RankSimulation, comm)
    with sim.streaming(folder, monitors, every=20.0):
        sim.run(37)
        sim.run(53)


def test_the_files_of_all_ranks_are_read_as_one(tmp_path: Path, whole_log: Any) -> None:
    on_ranks(3, lambda comm: stream(comm, tmp_path / "log"))
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == [
        f"rank-0000{k}.log" for k in range(3)
    ]
    assert len(whole_log["s"]["id"]) > 1000
    same(read_log(tmp_path / "log"), whole_log)


def test_of_a_run_that_was_killed_what_all_ranks_have_is_read(tmp_path: Path, whole_log: Any) -> None:
    on_ranks(3, lambda comm: stream(comm, tmp_path / "log"))
    cut = tmp_path / "log" / "rank-00001.log"
    os.truncate(cut, cut.stat().st_size - 100)
    log = read_log(tmp_path / "log")
    assert log.until == 80.0 and not log.is_complete and log.lost_bytes > 0
    for name in ("s", "v", "l"):
        kept = whole_log[name]["time"] <= 80.0
        for what, array in whole_log[name].items():
            assert np.array_equal(log[name][what], array[kept])


def test_a_folder_that_lacks_a_rank_is_refused(tmp_path: Path) -> None:
    on_ranks(2, lambda comm: stream(comm, tmp_path / "log"))
    (tmp_path / "log" / "rank-00001.log").unlink()
    with pytest.raises(FileError, match="must be the logs of all ranks, 0 to 0 of 1"):
        read_log(tmp_path / "log")
    (tmp_path / "log" / "rank-00000.log").unlink()
    with pytest.raises(FileError, match="must hold the logs of ranks"):
        read_log(tmp_path / "log")


def test_the_whole_has_the_records_of_all_ranks() -> None:
    one, own = recorded(Simulation)
    one.run(60)

    def work(comm: ThreadComm) -> Any:
        sim, _ = recorded(RankSimulation, comm)
        sim.run(60)
        return sim.gather()

    whole = on_ranks(3, work)[0]
    spikes, states, levels = whole.monitors
    assert np.array_equal(spikes.id, own["s"].id) and np.array_equal(spikes.step, own["s"].step)
    assert states.ids.tolist() == IDS and np.array_equal(states.values, own["v"].values)
    assert np.array_equal(levels.values, own["l"].values)
    one.run(20), whole.run(20)
    assert np.array_equal(spikes.id, own["s"].id) and np.array_equal(states.values, own["v"].values)


def test_a_file_goes_on_with_its_recorders_on_any_number_of_ranks(tmp_path: Path) -> None:
    one, own = recorded(Simulation)
    one.run(30)
    one.save(tmp_path / "one.npz")

    def first(comm: ThreadComm) -> None:
        sim = RankSimulation.load(tmp_path / "one.npz", comm)
        sim.run(20)
        sim.save(tmp_path / "two.npz")

    def second(comm: ThreadComm) -> Any:
        sim = RankSimulation.load(tmp_path / "two.npz", comm, threads=2)
        assert len(sim.monitors) == 3
        sim.run(10)
        return sim.gather()

    on_ranks(3, first)
    whole = on_ranks(2, second)[0]
    one.run(30)
    assert whole.digest() == one.digest()
    assert np.array_equal(whole.monitors[0].id, own["s"].id)
    assert np.array_equal(whole.monitors[1].values, own["v"].values)


@pytest.mark.parametrize("every", [20.0, "0.001 s"])
def test_checkpoints_are_those_of_one_process(tmp_path: Path, every: Any) -> None:
    one = network(Simulation)
    one.run(130)

    def work(comm: ThreadComm) -> Any:
        sim = network(RankSimulation, comm)
        with sim.checkpointing(tmp_path, every=every, keep=2) as checkpoints:
            sim.run(50)
            sim.run(40)
        return [path.name for path in checkpoints.files]

    names = on_ranks(2, work)[0]
    assert names[-1] == "step-000000000000090.npz" and len(names) == 2
    if every == 20.0:
        assert names[0] == "step-000000000000080.npz"
    again = Simulation.load(tmp_path)
    again.run(40)
    assert again.digest() == one.digest()


def test_what_cannot_be_read_or_written_is_refused_on_all_ranks(tmp_path: Path) -> None:
    watched = network(Simulation)
    kept = SynapseMonitor(watched, next(iter(watched.projections)), every=10)

    def work(comm: ThreadComm) -> list[str]:
        said = []
        sim = network(RankSimulation, comm)
        for call in (
            lambda: sim.save(tmp_path / "missing" / "file.npz"),
            lambda: RankSimulation.load(tmp_path / "none.npz", comm),
            lambda: sim.checkpointing(tmp_path, every="soon"),
            lambda: sim.streaming(tmp_path, {}, every=1.0),
        ):
            with pytest.raises((ConfigError, OSError, ValueError, TypeError)) as caught:
                call()
            said.append(str(caught.value))
        return said

    first, second = on_ranks(2, work)
    assert "missing" in first[0] and "rank 0: " in second[0]
    assert "none.npz" in first[1] and "every" in first[2] and "monitors" in first[3]

    def take(comm: ThreadComm) -> None:
        with pytest.raises(ConfigError, match=r"monitors: must be .* on several ranks; got SynapseMonitor"):
            RankSimulation.take(watched, comm)
        assert kept._is_on()

    on_ranks(1, take)
