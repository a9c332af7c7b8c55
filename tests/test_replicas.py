"""`Simulation.copy` and `Simulation.replicas`: every replica has the bits that it would have alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    NeuromodWarning,
    NumericalError,
    Simulation,
    SpikeMonitor,
    create_neuromodulation_system,
)

AREA = {"x": [0, 9], "y": [0, 9], "z": [0, 0], "w": [0, 0]}
CONFIG: dict[str, Any] = {
    "lattice_shape": [10, 10, 1, 1],
    "areas": [{"name": "A", "coord_ranges": AREA}],
    "background_drive": {"rate": 900.0, "weight": 1.5, "noise": 0.5},
    "plasticity": {"rule": "rstdp", "learning_rate": 0.01, "weight_max": 2.0},
    "neuromodulation": {"dopamine": {"tau": 100.0}},
}


def network(seed: int = 5) -> Simulation:
    system = create_neuromodulation_system(CONFIG["neuromodulation"])
    sim = Simulation(BrainModel(config=CONFIG), seed=seed, neuromodulation=system)
    sim.initialize_neurons()
    sim.connect("A", "A", probability=0.2, weight=0.5, delay={"uniform": [1, 4]}, name="P")
    system.process_reward(1.0)
    return sim


def test_a_copy_goes_on_alike_and_stands_alone() -> None:
    sim = network()
    sim.run(120)
    other = sim.copy()
    assert other.digest() == sim.digest()
    sim.run(80)
    assert other.current_step == 120
    other.run(80)
    assert other.digest() == sim.digest()
    other.projections["P"].weight *= 0.9
    assert other.digest() != sim.digest()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_replica_has_the_bits_of_a_run_alone(threads: int) -> None:
    sim = network()
    sim.run(50)
    runs = sim.replicas(
        4, v_threshold=[-52.0, -51.0, -50.0, -49.0], levels={"dopamine": [0.1, 0.5, 0.9, 1.0]}
    )
    result = runs.run(300, threads=threads)
    assert result["spike_counts"].shape == (4, 100)
    assert len(set(result["mean_rate"])) == 4
    for k, (threshold, level) in enumerate(
        zip([-52.0, -51.0, -50.0, -49.0], [0.1, 0.5, 0.9, 1.0], strict=True)
    ):
        alone = sim.copy(seed=sim.seed + k)
        alone.model.neurons.v_threshold[:] = threshold
        alone.neuromodulation.dopamine.state.level = level
        alone.run(300)
        assert runs[k].digest() == alone.digest()
    assert runs.weight("P").shape == (4, len(sim.projections["P"]))
    assert len(set(runs.digests())) == 4


def test_replica_0_is_the_simulation_itself_and_seeds_tell_the_others_apart() -> None:
    sim = network()
    runs = sim.replicas(3)
    runs.run(200)
    sim.run(200)
    assert runs[0].digest() == sim.digest()
    assert [one.seed for one in runs] == [5, 6, 7]
    assert len(set(runs.digests())) == 3
    same = network().replicas(2, seeds=[5, 5])
    same.run(200)
    assert same[0].digest() == same[1].digest() == sim.digest()


def test_weights_of_each_and_input_for_each() -> None:
    sim = network()
    n = len(sim.projections["P"])
    weights = np.stack([np.zeros(n), np.full(n, 0.25)])
    currents = np.zeros((2, 40, 100))
    currents[1] = 30.0
    runs = sim.replicas(2, weights={"P": weights})
    assert np.array_equal(runs.weight("P"), weights.astype(np.float32))
    result = runs.run(40, input=currents)
    assert result["mean_rate"][1] > 1.5 * result["mean_rate"][0]
    alone = sim.copy(seed=6)
    alone.projections["P"].weight[:] = 0.25
    alone.run(40, input=currents[1])
    assert runs[1].digest() == alone.digest()


def test_recorders_of_a_replica_get_new_blocks() -> None:
    """More spikes than one block of 65,536 holds."""
    sim = network()
    runs = sim.replicas(2, v_threshold=[-64.0, -64.0])
    monitor = SpikeMonitor(runs[1])
    result = runs.run(9000, threads=2)
    assert monitor.count == result["spike_counts"][1].sum() > 65_536


def test_bad_arguments_change_nothing() -> None:
    sim = network()
    before = sim.digest()
    for arguments, message in (
        ({"n": 0}, "n: must be"),
        ({"n": 2, "seeds": [1]}, "seeds: must be 2 seeds"),
        ({"n": 2, "v_treshold": [1.0, 2.0]}, "v_treshold: must be a column .*did you mean 'v_threshold'"),
        ({"n": 2, "v_threshold": [1.0, 2.0, 3.0]}, r"v_threshold: must have shape \(2,\)"),
        ({"n": 2, "levels": {"dopamine": [0.5, 1.5]}}, "levels.dopamine: must be finite and from 0 to 1"),
        ({"n": 2, "levels": {"histamine": [0.5, 1.0]}}, "levels.histamine: must be a modulator"),
        ({"n": 2, "levels": {"dopamin": [0.5, 1.0]}}, "there is none of that name; did you mean 'dopamine'"),
        ({"n": 2, "weights": {"Q": [0.5, 1.0]}}, "weights.Q: must be a projection; known are P"),
        ({"n": 2, "weights": {"P": [0.5, 3.0]}}, "weights.P, replica 1: must be at most weight_max, 2 mV"),
        ({"n": 2, "weights": {"P": [0.5, np.nan]}}, "weights.P: must be finite; got"),
        ({"n": 2, "tau_m": [10.0, 0.0]}, "tau_m, replica 1: must be > 0 ms; got 0"),
        ({"n": 2, "drive_rate": [10.0, -1.0]}, "drive_rate, replica 1: must be >= 0 Hz; got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            sim.replicas(**arguments)
    runs = sim.replicas(2)
    runs[1].model.neurons.tau_m[3] = -1.0
    with pytest.raises(ValueError, match=r"^replica 1: neurons\[3\].tau_m: must be > 0 ms; got -1.0"):
        runs.run(5)
    with pytest.raises(IndexError, match=r"replicas\[2\]: must be between -2 and 1; there are 2"):
        runs[2]
    assert [one.current_step for one in runs] == [0, 0]
    assert sim.digest() == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["10", "20"], "tau_m: must be numbers; got values of type <U2"),
        (np.ma.masked_array([10.0, 20.0], [False, True]), "tau_m: must not be a masked array"),
        ({"uniform": [10.0, 20.0]}, "tau_m: must be numbers, since create and connect alone draw"),
        ([10.0, 1j], "tau_m: must be numbers; got values of type complex128"),
    ],
)
def test_values_of_replicas_are_numbers(values: Any, message: str) -> None:
    """Text and what a mask hides were taken, here and as input of a run."""
    sim = network()
    with pytest.raises(TypeError, match=message):
        sim.replicas(2, tau_m=values)
    with pytest.raises(TypeError, match="input: must be numbers"):
        sim.replicas(2).run(1, input=[["1"] * 100])


def test_values_of_replicas_are_refused_where_neurons_have_them() -> None:
    """Of a column that one model has, those of the other neurons are not looked at."""
    sim = network()
    sim.create(2, "lif_cond", name="C")
    values = np.full((2, 102), -1.0)
    values[:, :100] = 10.0
    with pytest.raises(ValueError, match="tau_syn_excitatory, replica 0: must be > 0 ms; got -1"):
        sim.replicas(2, tau_syn_excitatory=values)
    sim.connect("A", "C", all_to_all=True, weight=0.1, name="Q", rule="none")
    with pytest.raises(ValueError, match=r"weights.Q, replica 1: must not be below 0 onto lif_cond neurons"):
        sim.replicas(2, weights={"Q": [0.1, -0.1]})
    theta = np.full((2, 103), -1.0)
    theta[:, 102] = 0.1
    sim.create(1, "lif_adaptive", name="T")
    assert sim.replicas(2, theta_plus=theta).column("theta_plus")[1, 102] == 0.1
    with pytest.warns(NeuromodWarning, match="i_offset: is in mV, .*did you mean pA"):
        sim.replicas(2, i_offset=[300.0, 0.0])


def test_one_that_diverges_is_named_and_the_others_go_on() -> None:
    sim = network()
    runs = sim.replicas(2)
    runs[1].model.neurons.v_membrane[0] = np.nan
    with pytest.raises(NumericalError, match=r"replica 1: neurons\[0\].v_membrane: must stay finite"):
        runs.run(300)
    assert runs[0].current_step == 300


@pytest.mark.parametrize("way", ["reset", "restore"])
def test_a_replica_that_went_back_runs_on_with_the_others(way: str) -> None:
    """The engine that it had before went on in its place: its clock stood still, and its weights were wrong."""
    sim, alone = network(), network()
    runs = sim.replicas(3)
    runs[1].store()
    runs.run(30)
    alone.run(60)
    if way == "reset":
        runs[1].reset(weights=True)
    else:
        runs[1].restore()
    runs.run(30)
    again = network().copy(seed=6)
    again.run(30)
    assert [each.current_step for each in runs] == [60, 30, 60]
    assert (runs[0].digest(), runs[1].digest()) == (alone.digest(), again.digest())


def test_replicas_of_different_sizes_do_not_run_together() -> None:
    runs = network().replicas(2)
    runs[1].create(3, "lif", name="late")
    before = runs.digests()
    with pytest.raises(
        ValueError, match=r"replica 1: must have as many neurons as replica 0, 100, where .*; got 103"
    ):
        runs.run(5)
    assert runs.digests() == before
