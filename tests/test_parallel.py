"""Threads: how many are used, and that their number changes nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuromod
from neuromod import BrainModel, Simulation, create_neuromodulation_system, parallel

N = 5_000
CONFIG: dict[str, Any] = {
    "lattice_shape": [100, 50, 1, 1],
    "areas": [{"name": "A", "coord_ranges": {"x": [0, 99], "y": [0, 49], "z": [0, 0], "w": [0, 0]}}],
    "neuron_model": {"inhibitory_fraction": 0.2},
    "background_drive": {"rate": 900.0, "weight": 1.5, "noise": 1.0},
    "plasticity": {"rule": "rstdp", "learning_rate": 0.01, "weight_max": 2.0},
    "neuromodulation": {"dopamine": {"tau": 50.0}},
}


def network(threads: int) -> Simulation:
    """5,000 neurons, which are four parts: static, Hebbian and three-factor synapses with delays, inhibition."""
    system = create_neuromodulation_system(CONFIG["neuromodulation"])
    sim = Simulation(BrainModel(config=CONFIG), seed=3, neuromodulation=system, threads=threads)
    ids = sim.initialize_neurons()
    kinds = sim.model.neurons.neuron_type
    excitatory, inhibitory = ids[kinds == 0], ids[kinds == 1]
    sim.connect(excitatory, "A", in_degree=20, weight=0.4, delay={"uniform": [1, 6]}, name="three-factor")
    sim.connect(
        excitatory, "A", in_degree=10, weight={"uniform": [0.1, 0.5]}, delay=2, rule="hebbian", name="hebbian"
    )
    sim.connect(inhibitory, "A", in_degree=20, weight=0.8, rule="none", name="inhibition")
    return sim


def run(sim: Simulation) -> str:
    for reward in (1.0, -1.0, 0.5):
        sim.neuromodulation.process_reward(reward)
        sim.run(60)
    return sim.digest()


@pytest.mark.long
def test_any_number_of_threads_gives_the_same_bits() -> None:
    assert len({run(network(threads)) for threads in (1, 2, 3, 4, 7)}) == 1


def test_single_steps_on_threads_are_those_of_a_run() -> None:
    one, other = network(2), network(2)
    one.run(40)
    for _ in range(40):
        other.step()
    assert one.digest() == other.digest()


def test_a_forked_child_runs_on(tmp_path: Path) -> None:
    sim = network(2)
    sim.run(10)
    written = tmp_path / "digest"
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a pool that did not survive the fork would wait for ever
        sim.run(10)
        written.write_text(sim.digest())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    sim.run(10)
    assert written.read_text() == sim.digest()


def test_the_number_is_the_innermost_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEUROMOD_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert neuromod.get_num_threads() == parallel.available_threads() >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert neuromod.get_num_threads() == 5
    monkeypatch.setenv("NEUROMOD_NUM_THREADS", "3")
    assert neuromod.get_num_threads() == 3
    with neuromod.threads(2):
        assert neuromod.get_num_threads() == 2
        with neuromod.threads(7):
            assert Simulation(BrainModel("brain_base_model.json"), seed=1).threads == 7
        neuromod.set_num_threads(4)
        assert neuromod.get_num_threads() == 4
    assert neuromod.get_num_threads() == 3


def test_affinity_and_the_quota_of_the_control_group_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(parallel, "_QUOTA", quota)
    cores = parallel.available_threads()
    for text, granted in (("150000 100000", 2), ("10000 100000", 1), ("max 100000", cores), ("", cores)):
        quota.write_text(text)
        assert parallel.available_threads() == min(cores, granted)
    quota.unlink()
    assert parallel.available_threads() == cores
    if hasattr(os, "sched_setaffinity"):
        mine = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(mine)})
            assert parallel.available_threads() == 1
        finally:
            os.sched_setaffinity(0, mine)


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "two", None])
def test_what_is_no_number_of_threads_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"^threads: must be a whole number >= 1; got"):
        neuromod.set_num_threads(bad)
    if bad is not None:
        with pytest.raises(ValueError, match=r"^threads: must be a whole number >= 1; got"):
            Simulation(BrainModel("brain_base_model.json"), threads=bad)


def test_a_bad_number_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROMOD_NUM_THREADS", "many")
    with pytest.raises(ValueError, match=r"^NEUROMOD_NUM_THREADS: must be a whole number >= 1; got 'many'$"):
        neuromod.get_num_threads()


def test_small_networks_are_one_part_and_large_ones_fit_16_bits() -> None:
    from neuromod import _core

    assert _core.partitions(1000)[0] == 1
    for n in (5_000, 40_000, 200_000, 3_000_000):
        n_partitions, width = _core.partitions(n)
        assert (
            n_partitions >= 4
            and width <= 65_536
            and n_partitions * width >= n
            and (n_partitions - 1) * width < n
        )
    assert np.all(np.diff([_core.partitions(n)[0] for n in (1, 5_000, 50_000, 500_000)]) > 0)
