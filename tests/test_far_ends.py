"""Ways through the core that few networks take: steep upswings, far sources, long rows, births in flight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_births import expected, fired
from test_births import network as births

from neuromod import Simulation, SpikeMonitor, create_neuromodulation_system


def test_an_upswing_of_any_steepness_stays_finite() -> None:
    """v_peak lies 1,400 slope factors above the threshold: exp(1400) is no number."""
    sim = Simulation(dt=0.1, seed=1)
    cells = sim.create(20, "adex_clopath", name="E", delta_t=0.05)
    cells.i_offset[:] = 3000.0
    spikes = SpikeMonitor(sim)
    sim.run(500)
    assert spikes.count > 100
    assert np.isfinite(cells.v_membrane).all() and np.isfinite(cells.w).all()


def test_sources_beyond_the_radius_have_no_synapses() -> None:
    sim = Simulation(seed=1)
    near = sim.create(
        200, "lif", name="near", positions=np.random.default_rng(1).uniform(0.0, 10.0, (200, 2))
    )
    far = sim.create(3, "lif", name="far", positions=np.array([[1000.0, 5.0], [-1000.0, 5.0], [5.0, 12.0]]))
    made = sim.connect(far, near, probability=1.0, mask={"radius": 4.0}, weight=0.1, name="p")
    apart = np.hypot(*(near.positions - far.positions[2]).T)
    assert set(made.pre_id.tolist()) == {int(far.ids[2])}
    assert sorted(made.post_id.tolist()) == near.ids[apart <= 4.0].tolist()


@pytest.mark.parametrize("rule", ["stdp_nearest", "hebbian", "clopath"])
def test_more_synapses_of_a_neuron_than_a_chunk_holds(rule: str) -> None:
    """1,300 synapses onto one target, and 1,300 from one source: all of them learn, and alike up to rounding."""
    for weights in learnt(1300, rule):
        assert len(weights) == 1300
        assert np.abs(weights - 0.5).min() > 1e-3 and np.ptp(weights) < 1e-5


def learnt(n: int, rule: str) -> tuple[Any, Any]:
    model = "adex_clopath" if rule == "clopath" else "lif"
    given = {"weight": 0.5, "rule": rule, "probability": 1.0}
    sim = Simulation(dt=1.0, seed=1, threads=1)
    sources = sim.create(n, "spike_source", name="S", neuron_type="excitatory")
    hub = sim.create(1, "spike_source", name="H", neuron_type="excitatory")
    target, targets = sim.create(1, model, name="T"), sim.create(n, model, name="M")
    sim.set_spike_times(sources.ids, [[5.0, 30.0, 31.0]] * n)
    sim.set_spike_times(hub.ids, [[5.0, 30.0, 31.0]])
    for cells in (target, targets):
        cells.i_offset[:] = 1000.0 if rule == "clopath" else 40.0
    into = sim.connect(sources, target, name="in", **given)
    out = sim.connect(hub, targets, name="out", **given)
    sim.run(80)
    return np.asarray(into.weight), np.asarray(out.weight)


@pytest.mark.parametrize("rule", ["none", "hebbian", "stdp"])
def test_a_synapse_of_another_source_brings_no_spike_that_was_under_way(rule: str) -> None:
    """Of its source and delay there is no older one, so that nothing of the run is reached."""
    plasticity = {"rule": rule} if rule == "none" else {"rule": rule, "weight_max": 1000.0}
    sim, sources, targets = births(plasticity)
    sim.set_spike_times(sources[:2], [[3.0], [3.0, 50.0]])
    spikes = SpikeMonitor(sim)
    sim.add_synapse(sources[0], targets[0], weight=200.0, delay=30)
    sim.run(6)
    sim.add_synapse(sources[1], targets[1], weight=200.0, delay=30)
    sim.run(90)
    assert fired(spikes, targets) == {(33, int(targets[0])), (80, int(targets[1]))}


def test_a_chunk_of_synapses_that_are_younger_than_the_spike() -> None:
    """One synapse of the source is older than its spike, and 599 of the same delay are younger: a chunk has 512."""
    sim, sources, targets = births({"rule": "hebbian", "weight_max": 1000.0}, n_targets=600)
    sim.set_spike_times(sources[:1], [[3.0, 50.0]])
    spikes = SpikeMonitor(sim)
    sim.add_synapse(sources[0], targets[0], weight=200.0, delay=30)
    sim.run(6)
    for target in targets[1:]:
        sim.add_synapse(sources[0], target, weight=200.0, delay=30)
    sim.run(90)
    assert fired(spikes, targets) == {(33, int(targets[0])), *((80, int(each)) for each in targets)}


@pytest.mark.parametrize(
    ("given", "rests_at"),
    [
        ({"tau": 0.05, "rho_star": 0.3, "sigma": 0.0}, (0.0, 1.0)),
        ({"weight_min": 0.5, "weight_max": 0.5}, (0.5,)),
    ],
)
def test_a_calcium_rule_whose_weights_rest_or_cannot_move(given: Any, rests_at: tuple[float, ...]) -> None:
    """A spike comes after 2,000 of its time constants; or there is no room between the bounds."""
    sim, sources, targets = births({"rule": "graupner_brunel"})
    sim.set_spike_times(sources[:2], [[3.0, 104.0, 205.0], [50.0, 150.0]])
    made = sim.connect(
        sources[:2], targets, probability=1.0, weight=0.5, rule={"rule": "graupner_brunel", **given}, name="p"
    )
    sim.run(300)
    assert set(np.unique(np.asarray(made.weight)).tolist()) <= set(rests_at)


def test_a_source_whose_synapses_lack_a_delay() -> None:
    """Long rows of several delays; those of the last source have the shortest alone."""
    sim, sources, targets = births("none", n_targets=300)
    trains = {int(each): [2 + k % 9] for k, each in enumerate(sources)}
    sim.set_spike_times(sources, [[float(t) for t in trains[int(i)]] for i in sources])
    made = sim.connect(
        sources,
        targets,
        probability=0.9,
        weight={"uniform": [200.0, 201.0]},
        delay={"uniform": [1, 3]},
        rule="none",
        synapse_type="excitatory",
        name="p",
    )
    delay = made.delay.copy()
    delay[made.pre_id == sources[-1]] = 1
    made.delay = delay
    spikes = SpikeMonitor(sim)
    sim.run(20)
    pairs = np.stack([made.pre_id, made.post_id], axis=1)
    assert fired(spikes, targets) == expected(pairs, made.delay, trains, -1)


def test_a_level_that_decays_at_once_flows_nowhere() -> None:
    system = create_neuromodulation_system({"dopamine": {"decay_rate": 1.0}}, regions=["a", "b"])
    system.set_diffusion("dopamine", 0.25, [("a", "b")])
    system.process_reward(1.0, region="a")
    before = system.level[:, 0].tolist()
    system.step()
    assert before[0] > before[1] == 0.5
    assert system.level[:, 0].tolist() == [0.5, 0.5]
