"""Calls that did nothing, recorded nothing or took something else, and did not say so."""

from __future__ import annotations

import numpy as np
import pytest

from neuromod import NeuromodWarning, Simulation, StateMonitor, play_spikes


@pytest.fixture
def sim() -> Simulation:
    made = Simulation(dt=0.1, seed=1)
    made.create(4, "lif", name="cells")
    made.create(2, "adex", name="adex")
    made.create(3, "spike_source", name="trains")
    made.create(3, "poisson", name="noise")
    return made


# ---- monitors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "group", "words"),
    [
        ("u_recovery", "cells", "lif neurons have no 'u_recovery'; there are tau_m"),
        ("tau_m", "adex", "adex neurons have no 'tau_m'; did you mean 'tau_w'"),
        ("v_membrane", "noise", "poisson neurons have no 'v_membrane'; there are rate"),
        ("u_recovery", ["cells", "noise"], "lif neurons and poisson neurons have no 'u_recovery'"),
    ],
)
def test_a_variable_that_no_recorded_neuron_has_was_recorded_as_nan(sim, variable, group, words):
    with pytest.raises(ValueError, match=f"variable: must be one that a recorded neuron has; {words}"):
        StateMonitor(sim, variable, group)
    assert sim.monitors == ()


def test_a_variable_of_some_neurons_is_nan_for_the_others(sim):
    u = StateMonitor(sim, "u_recovery")
    rates, none = StateMonitor(sim, "drive_rate", "noise"), StateMonitor(sim, "u_recovery", [])
    sim.run(3)
    assert np.isfinite(u.values).any(axis=0).tolist() == [False] * 4 + [True] * 2 + [False] * 6
    assert rates.values.shape == (3, 3) and none.values.shape == (3, 0)


# ---- synapses onto sources -----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error::neuromod.NeuromodWarning")
def test_synapses_onto_sources_did_nothing_and_nobody_said_so(sim):
    cells, noise = sim.populations["cells"], sim.populations["noise"]
    with pytest.warns(
        NeuromodWarning, match="12 of 24 synapses of 'all' lead to sources, which have no input"
    ):
        sim.connect(cells, cells + noise, all_to_all=True, weight=1.0, name="all")
    sim.connect(cells, noise, all_to_all=True, weight=0.5, rule="stdp")  # the rule sees their spikes
    sim.connect(cells, cells + noise, pairs=[[0, 1]], weight=1.0)
    sim.connect(cells, noise[:0], all_to_all=True, weight=1.0)


# ---- spike times ---------------------------------------------------------------------------------------------


def test_set_spike_times_takes_what_stands_for_neurons_elsewhere(sim):
    trains = sim.populations["trains"]
    for group, times, fired in (
        (trains[1], [1.0, 2.0], [0, 2, 0]),
        ("trains", [[1.0], [], [1.0, 2.0]], [1, 0, 2]),
        (trains[::2], [1.0, 2.0], [1, 0, 1]),
        ([trains[0], trains[2]], [[1.0], [1.0]], [1, 0, 1]),
        ([6, 6], [1.0, 2.0], [2, 0, 0]),
    ):
        sim.reset()
        sim.set_spike_times(trains, [[], [], []])
        sim.set_spike_times(group, times)
        assert sim.run(30)["spike_counts"][trains.ids].tolist() == fired


def test_set_spike_times_took_the_ids_of_another_network(sim):
    other = Simulation(seed=1).create(12, "spike_source")
    with pytest.raises(ValueError, match="ids: must be a population of this network"):
        sim.set_spike_times(other[6:9], [[1.0]] * 3)


def test_an_empty_list_of_spikes_is_one(sim):
    assert play_spikes(sim, []) == 0
