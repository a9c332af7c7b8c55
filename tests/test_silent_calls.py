"""Calls that did nothing, recorded nothing or took something else, and did not say so."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from neuromod import (
    ConfigError,
    NeuromodWarning,
    OUCurrent,
    RampCurrent,
    Simulation,
    SineCurrent,
    StateMonitor,
    StepCurrent,
    _core,
    play_spikes,
)


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


# ---- currents in another unit --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda sim, cells, big: StepCurrent(sim, cells, big, 10.0),
        lambda sim, cells, big: StepCurrent(sim, cells, [0.0, big, 0.0], [1.0, 10.0, 20.0]),
        lambda sim, cells, big: SineCurrent(sim, cells, amplitude=big, frequency=5.0),
        lambda sim, cells, big: SineCurrent(sim, cells, amplitude=0.0, frequency=5.0, offset=big),
        lambda sim, cells, big: RampCurrent(sim, cells, 0.0, big, 1.0, 50.0),
        lambda sim, cells, big: OUCurrent(sim, cells, mean=big, sd=0.0, tau=5.0),
    ],
)
def test_only_i_offset_was_looked_at_for_pa_and_na(sim, make):
    with pytest.warns(NeuromodWarning, match="is in mV, .*did you mean pA"):
        make(sim, "cells", 500.0)
    with pytest.warns(NeuromodWarning, match="is in pA; .*did you mean nA"):
        make(sim, "adex", 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(sim, "cells", 20.0)
        make(sim, "adex", 500.0)


def test_a_short_pulse_may_be_of_any_size(sim):
    StepCurrent(sim, "cells", 1000.0, 10.0, stop=11.0)
    StepCurrent(sim, "cells", [1000.0, 0.0], [10.0, 11.0])


# ---- arguments and columns -----------------------------------------------------------------------------------


def test_an_unknown_key_of_short_term_was_left_out(sim):
    how = {"all_to_all": True, "weight": 1.0, "name": "a"}
    with pytest.raises(ConfigError, match=r"short_term.tau_fac: unknown key; did you mean 'tau_facil'?"):
        sim.connect("cells", "adex", short_term={"U": 0.5, "tau_fac": 1000.0}, **how)
    assert not sim.projections
    with pytest.warns(NeuromodWarning, match="not acted on: traget_rate; did you mean 'target_rate'?"):
        sim.connect("cells", "adex", rule={"rule": "stdp", "homeostatic": {"traget_rate": 3.0}}, **how)


def test_the_background_drive_took_what_the_next_run_refuses(sim):
    cells, noise = sim.populations["cells"], sim.populations["noise"]
    for name in (
        "drive_rate",
        "drive_noise",
        "drive_uniform",
        "drive_noise_per_step",
        "drive_uniform_per_step",
    ):
        with pytest.raises(ValueError, match=f"cells.{name}: must be >= 0 .*; got -1"):
            setattr(cells, name, -1.0)
        with pytest.raises(AttributeError, match=f"noise.{name}: poisson neurons have no input"):
            setattr(noise, name, 1.0)
    cells.drive_rate, cells.drive_weight = [0.0, 1.0, 2.0, 3.0], -1.0
    with pytest.warns(
        NeuromodWarning, match="drive.rate: is 0 Hz unless given, so a weight of 2 mV changes nothing"
    ):
        sim.create(1, "lif", drive={"weight": 2.0})


def test_a_distribution_for_a_column_was_answered_with_a_type_of_numpy(sim):
    with pytest.raises(TypeError, match=r"cells\.v_membrane: must be numbers, since create alone draws"):
        sim.populations["cells"].v_membrane = {"uniform": [-65.0, -50.0]}
    p = sim.connect("cells", "adex", all_to_all=True, weight=1.0)
    with pytest.raises(TypeError, match="weight: must be numbers, since connect alone draws"):
        p.weight = {"normal": [1.0, 0.1]}


def test_degrees_of_0_pairs_of_zip_and_a_probability_of_true(sim):
    assert [
        len(sim.connect("cells", "adex", **{way: 0}, weight=1.0)) for way in ("in_degree", "out_degree")
    ] == [0, 0]
    assert len(sim.connect("cells", "adex", pairs=zip([0, 1], [4, 5], strict=True), weight=1.0)) == 2
    with pytest.raises(TypeError, match="probability: must be a number; got True"):
        sim.connect("cells", "adex", probability=True, weight=1.0)
    with pytest.raises(ValueError, match=r"shape \(2, 3\); np.column_stack\(\(pre, post\)\) has it"):
        sim.connect("cells", "adex", pairs=[[0, 1, 2], [4, 5, 4]], weight=1.0)


# ---- the sign of weights -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["lif_cond", "lif_nmda_gaba_b"])
def test_weights_below_0_onto_conductances_excited_and_were_said_to_hyperpolarise(model):
    sim = Simulation(dt=0.1, seed=1)
    train, cell = sim.create(1, "spike_source"), sim.create(1, model)
    cells = sim.create(1, "lif")
    for how in ({"weight": -0.5}, {"weight": [-0.5]}, {"weight": lambda d: -d}):
        if callable(how["weight"]):
            sim = Simulation(dt=0.1, seed=1)
            train, cell = (sim.create(1, each, positions=[[x]]) for x, each in enumerate(("poisson", model)))
        with pytest.raises(
            ValueError, match=f"weight: must not be below 0 onto {model} neurons, whose conductances"
        ):
            sim.connect(train, cell, one_to_one=True, **how)
        assert not sim.projections
    p = sim.connect(train, cell, one_to_one=True, weight=0.5)
    for change in (
        lambda: setattr(p, "weight", -0.5),
        lambda: p.add([[train.ids[0], cell.ids[0]]], weight=-0.5),
        lambda: p.rewire([0], post=cell.ids, weight=-0.5),
        lambda: sim.add_synapse(train[0], cell[0], weight=-0.5),
    ):
        with pytest.raises(ValueError, match="weight: must not be below 0"):
            change()
    p.weight[:] = -0.5
    with pytest.raises(ValueError, match=r"projections\['.*'\].weight: must not be below 0"):
        sim.run(1)
    p.weight = 0.5
    inhibition = sim.connect(train, cell, one_to_one=True, weight=-0.5, synapse_type="inhibitory")
    inhibition.weight = -0.25
    sim.run(1)
    assert len(cells) == 1


@pytest.mark.parametrize("rule", ["none", "stdp"])
def test_weights_that_are_well_are_looked_at_in_one_pass(rule, monkeypatch):
    """It is done in each slice of a run."""
    sim = Simulation(seed=1)
    cells = sim.create(4, "lif_cond")
    p = sim.connect(cells, cells, all_to_all=True, weight=0.5, rule=rule)
    sim.run(1)
    weight = p.weight  # whoever has it may write to it
    passes, look = [], _core.first_outside
    monkeypatch.setattr(
        _core, "first_outside", lambda values, *ends: passes.append(ends) or look(values, *ends)
    )
    sim._session.store.check_written(1)
    assert len(passes) == 1 and len(weight)


def test_the_sign_of_weights_is_looked_at_by_their_own_targets():
    sim = Simulation(seed=1)
    first, train, cells = sim.create(3, "lif_cond"), sim.create(2, "lif"), sim.create(4, "lif")
    p = sim.connect(train, cells, all_to_all=True, weight=0.5)
    p.weight = -0.5  # hyperpolarises; the first neurons of the network are none of its targets
    p.weight[:] = -0.25
    sim.run(1)
    p.weight[:] = -0.125
    sim.model.remove_neuron(int(first.ids[0]))
    sim.run(1)
    q = sim.connect(train, first, all_to_all=True, weight=0.5)
    with pytest.raises(ValueError, match="weight: must not be below 0 onto lif_cond"):
        q.weight = -0.5
    assert len(p) == 8


def test_weights_below_0_of_a_function_of_distance_were_not_warned_of():
    sim = Simulation(seed=1)
    cells = sim.create(5, "lif", positions="line")
    with pytest.warns(NeuromodWarning, match="is excitatory and has weights below 0"):
        sim.connect(cells, cells, all_to_all=True, weight=lambda d: 1.5 - d)


# ---- populations without neurons -----------------------------------------------------------------------------


def test_a_column_of_no_neurons_could_be_read_and_not_set():
    sim = Simulation(seed=1)
    cells, none = sim.create(2, "lif", name="cells"), sim.create(0, "lif", name="none")
    none.tau_m, none.i_offset, none.drive_rate, none.spike_count = 10.0, [], 3.0, 0
    none.u_recovery = 1.0  # of a model that no neuron of the network has
    with pytest.raises(AttributeError, match=r"none\.tau_mm: no such column"):
        none.tau_mm = 1.0
    with pytest.raises(ValueError, match=r"none.tau_m: must be a number or have shape \(0,\)"):
        none.tau_m = [1.0, 2.0]
    assert cells.tau_m.tolist() == [20.0, 20.0] and none.tau_m.shape == (0,)
    rates = sim.run(1)["rates"]
    with pytest.raises(KeyError, match="had no neurons in the run"):
        rates["none"]
    with pytest.raises(KeyError, match="must be one of 'cells'; did you mean 'cells'"):
        rates["cell"]
    assert rates.get("none") is None and "none" not in rates


def test_a_number_too_large_for_a_column_was_an_error_of_numpy():
    cells = Simulation(seed=1).create(2, "lif", name="cells")
    for large in (1e30, -1e30, 2.0**63):
        with pytest.raises(ValueError, match=r"cells.spike_count: must be from -9.223e\+18 to 9.223e\+18"):
            cells.spike_count = large
