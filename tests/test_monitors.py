"""Recorders: what they hold, across blocks, growth and stops."""

from __future__ import annotations

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    LevelMonitor,
    NeuromodulationSystem,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
)


def network(n=30, **kwargs):
    config = {
        "lattice_shape": [n + 5, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": {"x": [0, n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}],
        "plasticity": {"rule": "none"},
        "background_drive": {"rate": 500.0, "weight": 4.0},
    }
    sim = Simulation(BrainModel(config=config), seed=3, **kwargs)
    sim.initialize_neurons()
    return sim


def test_spike_monitor_has_what_step_returns():
    sim = network()
    spikes = SpikeMonitor(sim)
    expected = [(k, i) for k in range(1, 301) for i in sim.step()["spikes"].tolist()]
    assert len(expected) > 50
    assert list(zip(spikes.step.tolist(), spikes.id.tolist(), strict=True)) == expected
    assert spikes.time.tolist() == [float(k) for k, _ in expected]
    assert repr(spikes) == f"SpikeMonitor(spikes={len(expected)})"


def test_spike_monitor_of_some_neurons():
    sim = network()
    some, every = SpikeMonitor(sim, ids=[3, 7]), SpikeMonitor(sim)
    sim.run(300)
    keep = np.isin(every.id, [3, 7])
    assert keep.any() and some.id.tolist() == every.id[keep].tolist()


def test_spikes_are_kept_across_blocks():
    # a block holds 65,536 spikes; poisson sources at 1 kHz fire with probability 0.632 a step
    config = {
        "lattice_shape": [1000, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": {"x": [0, 999], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}],
        "plasticity": {"rule": "none"},
    }
    sim = Simulation(BrainModel(config=config), seed=3)
    sim.initialize_neurons(model="poisson", params={"rate": 1000.0})
    spikes = SpikeMonitor(sim)
    counts = sim.run(250)["spike_counts"]
    assert spikes.count == counts.sum() > 2 * 65_536
    assert np.array_equal(np.bincount(spikes.id, minlength=1000), counts)
    assert np.all(np.diff(spikes.step) >= 0)


def test_state_monitor_samples_every_kth_step():
    sim = network()
    v = StateMonitor(sim, "v_membrane", ids=[4, 2], every=7)
    by_hand = []
    for k in range(1, 71):
        sim.step()
        if k % 7 == 0:
            by_hand.append(sim.model.neurons.v_membrane[[4, 2]])
    assert np.array_equal(v.values, by_hand)
    assert v.time.tolist() == [7.0 * k for k in range(1, 11)]


def test_state_monitor_outlives_growth_and_blocks():
    sim = network()
    v = StateMonitor(sim, "v_membrane", ids=[4])
    sim.run(200)
    for x in range(30, 35):
        sim.model.add_neuron(x, 0, 0, 0)
    seen = []
    for _ in range(100):
        sim.step()
        seen.append(sim.model.neurons[4].v_membrane)
    assert v.values[200:, 0].tolist() == seen


def test_level_monitor():
    system = NeuromodulationSystem()
    sim = network(neuromodulation=system)
    levels = LevelMonitor(sim, every=2)
    system.process_reward(1.0)
    sim.run(6)
    assert levels.names == ("dopamine", "serotonin", "norepinephrine")
    assert levels.values[:, 0] == pytest.approx(0.5 + 0.4 * 0.9 ** np.array([2, 4, 6]), abs=1e-15)
    assert levels.time.tolist() == [2.0, 4.0, 6.0]


def test_rate_monitor_counts_spikes_per_neuron_and_second():
    sim = network()
    spikes, rate = SpikeMonitor(sim), RateMonitor(sim, bin_ms=50.0)
    sim.run(220)
    expected = np.histogram(spikes.step, bins=[0.5, 50.5, 100.5, 150.5, 200.5])[0] / (30 * 0.05)
    assert rate.rate == pytest.approx(expected)
    assert rate.bin_end.tolist() == [50.0, 100.0, 150.0, 200.0]


def sources(n, size=20):
    box = {"x": [0, size - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    area = {"name": "s", "model": "spike_source", "neuron_type": "excitatory", "coord_ranges": box}
    sim = Simulation(BrainModel(config={"lattice_shape": [size, 1, 1, 1], "areas": [area]}), seed=1)
    return sim, sim.initialize_neurons(["s"], density=n / size)


@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_bin_counts_the_neurons_of_its_own_time(all_of_them):
    """Each neuron fires once in each bin of 10 ms: 100 Hz, while the group grows and shrinks, early and late read."""
    sim, first = sources(4)
    if all_of_them:
        rate = RateMonitor(sim, bin_ms=10.0)
    else:
        rate = RateMonitor(sim, ids=first, bin_ms=10.0)
    sim.set_spike_times(first, [[5.0, 15.0, 25.0, 35.0, 45.0]] * 4)
    sim.run(10)
    early = rate.rate.tolist()
    later = sim.initialize_neurons(["s"], density=0.3)
    sim.set_spike_times(later, [[15.0, 25.0, 35.0, 45.0]] * len(later))
    sim.run(10)
    for gone in (first[1], first[3], later[2]):
        sim.model.remove_neuron(int(gone))
    sim.run(10)
    assert early == rate.rate[:1].tolist() == [100.0]
    assert rate.rate == pytest.approx([100.0, 100.0, 100.0])
    for gone in first[[0, 2]]:
        sim.model.remove_neuron(int(gone))
    sim.run(10)
    assert rate.rate == pytest.approx([100.0, 100.0, 100.0, 100.0 if all_of_them else 0.0])


@pytest.mark.parametrize("variable", ["v_membrane", "v_rest", "health", "spike_count"])
def test_a_removed_neuron_is_nan_and_the_others_stay_themselves(variable):
    sim = network(n=6)
    sim.model.neurons.health[:] = np.linspace(0.5, 1.0, 6)
    sim.model.neurons.v_rest[:] = -60.0 - np.arange(6.0)
    monitors = [StateMonitor(sim, variable), StateMonitor(sim, variable, ids=[5, 2, 0])]
    seen = []
    for gone in (None, 2, 0):
        if gone is not None:
            sim.model.remove_neuron(gone)
        for _ in range(3):
            sim.step()
            ids = sim.model.neurons.id.tolist()
            now = dict(zip(ids, getattr(sim.model.neurons, variable).tolist(), strict=True))
            seen.append([now.get(k, np.nan) for k in range(6)])
    assert np.isnan(seen[-1]).sum() == 2
    np.testing.assert_array_equal(monitors[0].values, seen)
    np.testing.assert_array_equal(monitors[1].values, np.array(seen)[:, [5, 2, 0]])


def test_stop_ends_recording_and_keeps_what_was_recorded():
    sim = network()
    with SpikeMonitor(sim) as spikes:
        sim.run(200)
    count = spikes.count
    sim.run(200)
    assert spikes.count == count > 0


def test_recording_changes_no_bit():
    a, b = network(), network()
    SpikeMonitor(a)
    StateMonitor(a, "v_membrane", every=3)
    a.run(100)
    b.run(100)
    assert a.digest() == b.digest()


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda s: SpikeMonitor(s, ids=[99]), "ids: must be ids of neurons in the network; got 99"),
        (lambda s: SpikeMonitor(s, ids=[0.5]), "ids: must be neuron ids"),
        (lambda s: StateMonitor(s, "voltage"), "variable: must be one of"),
        (lambda s: StateMonitor(s, "v_membrane", every=0), "every: must be a whole number"),
        (lambda s: LevelMonitor(s), "must have a neuromodulation system"),
        (lambda s: RateMonitor(s, bin_ms=-1.0), "bin_ms: must be >= 1 ms; got -1 ms"),
    ],
)
def test_bad_arguments(make, rule):
    sim = network()
    with pytest.raises(ValueError, match=rule):
        make(sim)
    engine = sim._session.bound()
    assert engine.spike_recorders == [] and engine.sample_recorders == []
