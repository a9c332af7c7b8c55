"""One network on several ranks: the digest of one process, for any number of ranks and threads; the rest is refused."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ranked import alone, built, microcircuit, random_case, stimulated, system_of, together
from thread_ranks import ThreadComm, on_ranks

from neuromod import BrainModel, ConfigError, NeuromodulationSystem, Simulation, SpikeMonitor, rank_link
from neuromod.ranks import RankSimulation

SCRIPT = Path(__file__).parent / "ranked.py"
CASE: dict[str, Any] = {
    "n": 5000, "dt": 1.0, "threads": 1, "delay": {"uniform": [2, 9]}, "equal": True, "dense": True,
    "short_term": True, "modulated": True, "degree": 10, "steps": [30, 7, 41],
}  # fmt: skip
MPIEXEC = shutil.which(
    "mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
)
needs_mpi = pytest.mark.skipif(
    MPIEXEC is None or find_spec("mpi4py") is None, reason="needs mpi4py and mpiexec"
)


@pytest.mark.parametrize(("ranks", "threads"), [(1, 1), (2, 2), (3, 1), (4, 1), (5, 1)])
def test_the_digest_is_that_of_one_process(ranks: int, threads: int) -> None:
    case = {**CASE, "threads": threads}
    digests = on_ranks(ranks, lambda comm: together(case, comm))
    assert digests == [alone(CASE)] + [None] * (ranks - 1)


@pytest.mark.parametrize("delay", [1, 15, {"uniform": [1, 60]}])
def test_so_it_is_for_other_delays_and_weights(delay: Any) -> None:
    case = {**CASE, "delay": delay, "equal": False, "dense": False}
    assert on_ranks(3, lambda comm: together(case, comm))[0] == alone(case)


@pytest.mark.parametrize("dense", [True, False])
def test_inputs_are_summed_in_the_same_order(dense: bool) -> None:
    case = {**CASE, "wide": True, "dense": dense, "delay": 2, "short_term": False, "degree": 400}
    assert on_ranks(2, lambda comm: together(case, comm))[0] == alone(case)


def test_ranks_beyond_the_parts_of_a_network_have_nothing_to_do() -> None:
    case = {**CASE, "n": 100}
    own: list[int] = []

    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=1)
        built(sim, case)
        own.append(len(sim.own_ids))
        sim.run(20)
        return sim.gather()

    whole = on_ranks(3, work)[0]
    one = Simulation(seed=1)
    built(one, case)
    one.run(20)
    assert sorted(own) == [0, 0, 100] and whole.digest() == one.digest()


@pytest.mark.parametrize("short_term", [False, True])
def test_rows_over_several_partitions_of_a_rank(short_term: bool) -> None:
    """Delay runs of few synapses: joined rows, whose buckets cover several of a rank's partitions."""
    case = {**CASE, "n": 40_000, "degree": 4, "dense": False, "short_term": short_term, "steps": [30, 11]}
    together_of: list[int] = []

    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=5, neuromodulation=system_of(case), threads=1)
        built(sim, case)
        for steps in case["steps"]:
            stimulated(sim)
            sim.run(steps)
        tables = sim._sim._session.store.tables
        together_of.extend(table.joined.rows.parts for table in tables if table.joined is not None)
        whole = sim.gather()
        return None if whole is None else whole.digest()

    assert on_ranks(3, work)[0] == alone(case)
    assert together_of and all(parts == 2 for parts in together_of)  # of 8 / 3 partitions


def test_synapses_and_spikes_divide_and_come_together() -> None:
    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=5)
        built(sim, CASE)
        sim.record_spikes()
        ran = sim.run(60)
        return sim.n_own_synapses, ran["spike_counts"], ran["mean_rate"], sim.gather_spikes(), sim.own_ids

    found = on_ranks(3, work)
    one = Simulation(seed=5)
    built(one, CASE)
    spikes = SpikeMonitor(one)
    ran = one.run(60)
    assert sum(part[0] for part in found) == len(one.model.synapses)
    assert all(part[0] > 0.1 * len(one.model.synapses) for part in found)
    for part in found:
        assert (part[1] == ran["spike_counts"]).all() and part[2] == pytest.approx(ran["mean_rate"])
    assert np.concatenate([part[4] for part in found]).tolist() == list(range(5000))
    step, number = found[0][3]
    assert (step == spikes.step).all() and (number == spikes.id).all() and found[1][3] is None
    assert len(step) > 1000


def test_a_checkpoint_goes_on_on_any_number_of_ranks() -> None:
    def begin(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=5, neuromodulation=system_of(CASE))
        built(sim, CASE)
        sim.run(33)
        whole = sim.gather()
        return None if whole is None else whole.to_dict()

    saved = on_ranks(3, begin)[0]

    def go_on(comm: ThreadComm) -> Any:
        sim = RankSimulation.take(Simulation.from_dict(saved), comm)
        sim.run(40)
        whole = sim.gather()
        return None if whole is None else whole.digest()

    one = Simulation(seed=5, neuromodulation=system_of(CASE))
    built(one, CASE)
    one.run(33)
    one.run(40)
    assert on_ranks(2, go_on)[0] == one.digest()


def test_input_from_python_reaches_the_rank_whose_neurons_it_is_for() -> None:
    rows = np.random.default_rng(1).uniform(0.0, 30.0, (25, 3000))

    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=5)
        a = built(sim, CASE)
        sim.run(25, input=rows, input_ids=a)
        sim.run(10)
        return sim.gather()

    one = Simulation(seed=5)
    a = built(one, CASE)
    one.run(25, input=rows, input_ids=a)
    one.run(10)
    assert on_ranks(2, work)[0].digest() == one.digest()


def test_spikes_of_all_ranks_release_a_modulator_in_the_next_step() -> None:
    ranges = {"x": [0, 19], "y": [0, 19], "z": [0, 19], "w": [0, 0]}
    config = {
        "lattice_shape": [20, 20, 20, 1],
        "areas": [{"name": "A", "coord_ranges": ranges}],
        "background_drive": {"rate": 1000.0, "weight": 1.5},
    }

    def run(make: Any, comm: Any) -> Any:
        system = NeuromodulationSystem()
        model = BrainModel(config=config)
        sim = make(comm, model, system)
        sim.initialize_neurons(["A"], density=0.6)
        system.add_release("norepinephrine", ["A"], 0.0002)
        sim.connect("A", "A", in_degree=5, weight=0.5, delay=6, synapse_type="excitatory", rule="none")
        sim.run(40)
        return sim

    def work(comm: ThreadComm) -> Any:
        def make(comm: Any, model: Any, system: Any) -> Any:
            return RankSimulation(comm, model, seed=3, neuromodulation=system)

        sim = run(make, comm)
        return sim.neuromodulation.norepinephrine.state.level, sim.gather()

    one = run(lambda _, model, system: Simulation(model, seed=3, neuromodulation=system), None)
    found = on_ranks(3, work)
    level = one.neuromodulation.norepinephrine.state.level
    assert level > 0.55 and [part[0] for part in found] == [level] * 3
    assert found[0][1].digest() == one.digest()


@pytest.mark.parametrize("away", [0.0, 2e-3])
def test_a_wait_naps_where_another_program_takes_the_core(
    away: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    class Request:
        """Answered at the fourth look."""

        def __init__(self) -> None:
            self.looks = 0

        def Test(self) -> bool:
            self.looks += 1
            return self.looks > 3

    now = [0.0]
    monkeypatch.setattr(rank_link.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(rank_link.time, "sleep", lambda _: done.append("nap"))

    def give_way() -> None:
        done.append("way")
        now[0] += away

    monkeypatch.setattr(rank_link, "_give_way", give_way)
    ranks = rank_link.Ranks(alone_comm())
    for _ in range(66):
        ranks.wait(Request())
    assert done == (
        ["way", "nap", "nap"] + 63 * 3 * ["nap"] + ["way", "nap", "nap"] + 3 * ["nap"]
        if away
        else 66 * 3 * ["way"]
    )


# ---- what is refused -------------------------------------------------------------------------------------------


def test_ranks_that_differ_are_refused_before_a_step_is_done() -> None:
    def work(comm: ThreadComm) -> str:
        sim = RankSimulation(comm, seed=5 + comm.rank)
        sim.create(5000, v_threshold=-50.0 + comm.rank)
        with pytest.raises(ConfigError) as caught:
            sim.run(10 + comm.rank)
        assert sim.step == 0
        return str(caught.value)

    first, second = on_ranks(2, work)
    assert first == second
    for part in ("seed of rank 0, 5; got 6", "number of steps of rank 0, 10; got 11", "network of rank 0"):
        assert f"rank 1: must have the {part}" in first


def test_ranks_whose_programs_differ_are_refused() -> None:
    """Weights, inputs and recorders, beside what the network's parameters tell."""

    def work(comm: ThreadComm) -> list[str]:
        told = []
        sim = RankSimulation(comm, seed=5)
        cells = sim.create(5000, positions=np.arange(5000.0)[:, np.newaxis])
        how: dict[str, Any] = {"in_degree": 2, "rule": "none"}
        with pytest.raises(ConfigError) as caught:
            sim.connect(cells, cells, weight={"uniform": [0.0, 0.1 * (1 + comm.rank)]}, **how)
        told.append(str(caught.value))
        assert not sim.projections
        factor = 1.0 + comm.rank
        sim.connect(cells, cells, weight=lambda d: factor + 0.0 * d, **how)
        with pytest.raises(ConfigError) as caught:
            sim.run(3)
        told.append(str(caught.value))
        sim = RankSimulation(comm, seed=5)
        cells = sim.create(5000)
        sim.connect(cells, cells, weight=0.1, **how)
        with pytest.raises(ConfigError) as caught:
            sim.run(3, input=np.full((3, 5000), float(comm.rank)))
        told.append(str(caught.value))
        assert sim.step == 0
        sim = RankSimulation(comm, seed=5)
        sim.create(5000)
        if comm.rank == 0:
            sim.record_spikes()
        with pytest.raises(ConfigError) as caught:
            sim.gather()
        return [*told, str(caught.value)]

    first, second = on_ranks(2, work)
    assert first == second
    for text, part in zip(first, ("arguments of connect", "network", "input", "recorders"), strict=True):
        assert f"rank 1: must have the {part} of rank 0" in text


def test_synapses_of_a_rank_are_neither_added_nor_moved() -> None:
    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, seed=5)
        built(sim, CASE)
        sim.run(20)
        (name, projection), *_ = sim.projections.items()
        pairs = [[0, 1]]
        for edit in (
            lambda: projection.add(pairs, 0.1),
            lambda: projection.rewire([0], post=1),
            lambda: setattr(projection, "delay", 3),
        ):
            with pytest.raises(RuntimeError, match=rf"{name}.*: is not there on several ranks"):
                edit()
        sim.run(30)
        return sim.gather()

    one = Simulation(seed=5)
    built(one, CASE)
    one.run(20)
    one.run(30)
    assert on_ranks(2, work)[0].digest() == one.digest()


def test_a_rank_shows_itself_in_a_notebook() -> None:
    def work(comm: ThreadComm) -> str:
        sim = RankSimulation(comm, seed=5)
        sim.create(5000)
        return sim._repr_html_()

    first, second = on_ranks(2, work)
    assert "0 of 2" in first and "1 of 2" in second
    assert "of 5,000" in first


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_one_rank_is_neither_copied_nor_pickled(way: Callable[[Any], Any]) -> None:
    sim = on_ranks(1, lambda comm: RankSimulation(comm, seed=5))[0]
    with pytest.raises(TypeError, match=r"^RankSimulation: must not be copied or pickled"):
        way(sim)


def test_an_error_before_a_run_is_one_on_all_ranks() -> None:
    def work(comm: ThreadComm) -> str:
        sim = RankSimulation(comm, seed=5)
        sim.create(5000)
        if comm.rank == 1:
            sim.neurons.tau_m[3] = -1.0
        with pytest.raises(ValueError) as caught:
            sim.run(10)
        return str(caught.value)

    first, second = on_ranks(2, work)
    assert "tau_m" in second and first == f"rank 1: {second}"


def alone_comm() -> ThreadComm:
    return on_ranks(1, lambda comm: comm)[0]  # type: ignore[no-any-return]


def test_what_is_not_there_on_several_ranks_is_refused() -> None:
    sim = RankSimulation(alone_comm(), seed=1)
    cells = sim.create(100)
    assert sim.connect(cells, cells, in_degree=3, weight=0.1) == 300
    for grow in (lambda: sim.create(3), lambda: sim.initialize_neurons()):
        with pytest.raises(RuntimeError, match="must come before connect"):
            grow()
    for name in ("replicas", "remove_projection", "add_synapse", "reset", "to_dict", "digest"):
        with pytest.raises(AttributeError, match="several ranks do not"):
            getattr(sim, name)
    with pytest.raises(AttributeError, match="did you mean 'connect'"):
        sim.conect  # noqa: B018
    with pytest.raises(RuntimeError, match="needs record_spikes"):
        sim.gather_spikes()
    with pytest.raises(TypeError, match="comm: must be a communicator"):
        RankSimulation(3, seed=1)
    with pytest.raises(TypeError, match="seed: must be given"):
        RankSimulation(alone_comm(), seed=None)  # type: ignore[arg-type]
    aging = BrainModel(config={"areas": [], "cell_lifecycle": {"enabled": True}})
    with pytest.raises(ConfigError, match="cell_lifecycle"):
        RankSimulation(alone_comm(), aging, seed=1)
    with pytest.raises(ConfigError, match="cell_lifecycle"):
        RankSimulation.take(Simulation(aging, seed=1), alone_comm())


def test_after_the_first_step_nothing_is_connected() -> None:
    def work(comm: ThreadComm) -> None:
        sim = RankSimulation(comm, seed=1)
        cells = sim.create(100)
        sim.run(1)
        with pytest.raises(RuntimeError, match="connect: must come before the first step"):
            sim.connect(cells, cells, in_degree=3, weight=0.1)

    on_ranks(1, work)


# ---- with MPI -------------------------------------------------------------------------------------------------------


def under_mpi(ranks: int, *words: str, timeout: float = 250.0) -> subprocess.CompletedProcess[str]:
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", str(ranks), sys.executable, str(SCRIPT), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


@needs_mpi
@pytest.mark.long
def test_the_digest_is_the_same_under_mpi() -> None:
    done = under_mpi(2, "1", "1", "4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", alone(random_case(1)), "4", alone(random_case(4))]


@needs_mpi
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_random_models_have_the_digest_of_one_process() -> None:
    expected = {str(k): alone(random_case(k)) for k in range(50)}
    for ranks in (1, 2, 3, 4):
        for threads in ("1", "2"):
            done = under_mpi(ranks, threads, *expected, timeout=1800.0)
            assert done.returncode == 0, done.stderr
            assert dict(line.split() for line in done.stdout.splitlines()) == expected, (ranks, threads)


@needs_mpi
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_microcircuit_has_the_digest_of_one_process() -> None:
    expected = microcircuit(0.2, 2, alone=True)
    for ranks in (1, 2, 3, 4):
        for threads in ("1", "2"):
            done = under_mpi(ranks, "microcircuit", "0.2", threads, timeout=900.0)
            assert done.returncode == 0, done.stderr
            assert done.stdout.split() == ["microcircuit", expected], (ranks, threads)


@needs_mpi
@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("how", ["error", "kill"])
def test_an_error_or_a_killed_rank_ends_all(how: str) -> None:
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", "2", sys.executable, str(SCRIPT), "long", how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        victim = int(job.stdout.readline())
        began = time.monotonic()
        if how == "kill":
            os.kill(victim, signal.SIGKILL)
        job.communicate(timeout=60)
        assert job.returncode != 0 and time.monotonic() - began < 30.0
