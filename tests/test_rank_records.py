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
    _core,
    read_log,
)
from neuromod.errors import FileError
from neuromod.ranks import RankSimulation

IDS = [4900, 3, 2000, 2500]


def network(make: Any, *comm: Any) -> Any:
    sim = make(*comm, seed=3, neuromodulation=NeuromodulationSystem())
    cells = sim.create(5000, drive={"rate": 1500.0, "weight": 1.2})
    sim.connect(cells, cells, in_degree=5, weight=0.3, delay=4, rule="stdp", name="p")
    return sim


def recorded(make: Any, *comm: Any) -> Any:
    """A network with a recorder of each kind."""
    sim = network(make, *comm)
    if not comm:
        return sim, {
            "s": SpikeMonitor(sim),
            "v": StateMonitor(sim, "v_membrane", IDS, 5),
            "l": LevelMonitor(sim, 10),
            "w": SynapseMonitor(sim, "p", every=15),
        }
    return sim, {
        "s": sim.record_spikes(),
        "v": sim.record_state("v_membrane", IDS, 5),
        "l": sim.record_levels(10),
        "w": sim.record_synapses("p", every=15),
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


def test_a_neuron_that_is_asked_for_twice_is_there_twice(tmp_path: Path) -> None:
    def work(comm: ThreadComm) -> None:
        sim = network(RankSimulation, comm)
        with sim.streaming(tmp_path / "log", {"v": sim.record_state("v_membrane", [3, 4900, 3])}, every=20.0):
            sim.run(20)

    one = network(Simulation)
    values = StateMonitor(one, "v_membrane", [3, 4900, 3])
    one.run(20)
    on_ranks(3, work)
    assert np.array_equal(read_log(tmp_path / "log")["v"]["value"], values.values)


def test_of_a_run_that_was_killed_what_all_ranks_have_is_read(tmp_path: Path, whole_log: Any) -> None:
    on_ranks(3, lambda comm: stream(comm, tmp_path / "log"))
    cut = tmp_path / "log" / "rank-00001.log"
    os.truncate(cut, cut.stat().st_size - 100)
    log = read_log(tmp_path / "log")
    assert log.until == 80.0 and not log.is_complete and log.lost_bytes > 0
    for name in ("s", "v", "l", "w"):
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
    spikes, states, levels, weights = whole.monitors
    assert np.array_equal(spikes.id, own["s"].id) and np.array_equal(spikes.step, own["s"].step)
    assert states.ids.tolist() == IDS and np.array_equal(states.values, own["v"].values)
    assert np.array_equal(levels.values, own["l"].values)
    one.run(20), whole.run(20)
    assert np.array_equal(spikes.id, own["s"].id) and np.array_equal(states.values, own["v"].values)
    assert np.array_equal(weights.values, own["w"].values) and np.ptp(weights.values) > 0.0
    assert np.array_equal(weights.pre_id, own["w"].pre_id) and np.array_equal(
        weights.post_id, own["w"].post_id
    )


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
        assert len(sim.monitors) == 4
        sim.run(10)
        return sim.gather()

    on_ranks(3, first)
    whole = on_ranks(2, second)[0]
    one.run(30)
    assert whole.digest() == one.digest()
    assert np.array_equal(whole.monitors[0].id, own["s"].id)
    assert np.array_equal(whole.monitors[1].values, own["v"].values)
    assert np.array_equal(whole.monitors[3].values, own["w"].values)


VARIABLES = [
    (rule, name)
    for rule, about in (("none", {}), *_core.plasticity_rules().items())
    for name in ("weight", *about.get("synapse_columns", ()))
    if name != "last_event"
]


@pytest.mark.parametrize(("rule", "variable"), VARIABLES)
def test_synapses_are_recorded_as_on_one_process(rule: str, variable: str) -> None:
    def run(sim: Any, record: Any) -> Any:
        cells = sim.create(4500, "adex_clopath", name="cells", drive={"rate": 1500.0, "weight": 1.2})
        kind = "inhibitory" if rule in ("istdp", "ristdp") else "excitatory"
        how = {"in_degree": 3, "weight": {"uniform": [0.2, 0.6]}, "synapse_type": kind}
        sim.connect(cells, cells, rule="none", name="other", **how)
        sim.connect(cells, cells, rule=rule, delay={"uniform": [2, 9]}, name="p", **how)
        monitor = record(sim)
        sim.run(17)
        sim.run(12)
        return monitor

    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=3, neuromodulation=NeuromodulationSystem())
        held = run(sim, lambda sim: sim.record_synapses("p", variable, range(900, 3000), every=7))
        assert len(held.pre_id) < 6000 and np.isin(held.post_id, sim.own_ids).all()
        return sim.gather()

    def chosen(sim: Any) -> Any:
        pre = sim.projections["p"].pre_id
        return SynapseMonitor(sim, "p", variable, np.flatnonzero((pre >= 900) & (pre < 3000)), 7)

    one = Simulation(seed=3, neuromodulation=NeuromodulationSystem())
    own, whole = run(one, chosen), on_ranks(3, work)[0]
    assert whole.digest() == one.digest()
    (found,) = whole.monitors
    assert np.array_equal(found.values, own.values) and found.time.tolist() == [7.0, 14.0, 21.0, 28.0]
    assert np.array_equal(found.pre_id, own.pre_id) and np.array_equal(found.post_id, own.post_id)
    one.run(6), whole.run(6)
    assert np.array_equal(found.values, own.values) and len(own.values) == 5


def test_chosen_and_removed_synapses_keep_their_places(tmp_path: Path) -> None:
    one = network(Simulation)
    own = SynapseMonitor(one, "p", "weight", [900, 3, 20_000, 3, *range(10, 30)], 5)
    one.run(10)
    one.projections["p"].remove([3])
    one.model.remove_neuron(int(own.post_id[10]))
    one.save(tmp_path / "file.npz")
    one.run(10)

    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation.load(tmp_path / "file.npz", comm)
        sim.run(10)
        return sim.gather()

    whole = on_ranks(3, work)[0]
    assert whole.digest() == one.digest()
    (found,) = whole.monitors
    assert np.array_equal(found.values, own.values, equal_nan=True)
    assert np.flatnonzero(np.isnan(own.values[-1])).tolist() == [1, 3, 10]


def test_ranks_that_record_other_synapses_are_refused() -> None:
    def work(comm: ThreadComm) -> str:
        sim = network(RankSimulation, comm)
        monitor = sim.record_synapses("p", every=2 + comm.rank)
        with pytest.raises(ConfigError) as caught:
            sim.run(5)
        assert sim.step == 0 and len(monitor.values) == 0
        with pytest.raises(ValueError, match="variable: must be one of weight"):
            sim.record_synapses("p", "heaviness")
        with pytest.raises(ValueError, match="projection: must be one of the simulation's, 'p'"):
            sim.record_synapses("q")
        return str(caught.value)

    assert "rank 1: must have the recorders of synapses of rank 0" in on_ranks(2, work)[0]


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
    def work(comm: ThreadComm) -> list[str]:
        said = []
        sim = network(RankSimulation, comm)
        for call in (
            lambda: sim.save(tmp_path / "missing" / "file.npz"),
            lambda: RankSimulation.load(tmp_path / "none.npz", comm),
            lambda: sim.checkpointing(tmp_path, every="soon"),
            lambda: sim.streaming(tmp_path, {}, every=1.0),
            lambda: sim.streaming(tmp_path, [sim.record_spikes()], every=1.0),
        ):
            with pytest.raises((ConfigError, OSError, ValueError, TypeError)) as caught:
                call()
            said.append(str(caught.value))
        return said

    first, second = on_ranks(2, work)
    assert "missing" in first[0] and "rank 0: " in second[0]
    assert "none.npz" in first[1] and "every" in first[2]
    assert all(said.startswith("monitors: must be a mapping of names to monitors") for said in first[3:])


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path, whole_log: Any) -> None:
    """A copy that is called rank-old.log was a ValueError of int, and a log of one rank too many."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "rank-old.log").write_text("mine")
    on_ranks(2, lambda comm: stream(comm, tmp_path / "log"))
    same(read_log(tmp_path / "log"), whole_log)
    assert (tmp_path / "log" / "rank-old.log").read_text() == "mine"
    (tmp_path / "log" / "rank-00002.log").touch()
    with pytest.raises(ConfigError, match=r"rank-00002\.log: must be of one of 2 ranks"):
        on_ranks(2, lambda comm: stream(comm, tmp_path / "log"))
