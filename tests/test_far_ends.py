"""Ways through the core that few networks take: steep upswings, far sources, long rows, births in flight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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


def test_a_factor_ends_at_its_least() -> None:
    """The gain that a strong fall of the level would make negative is 0: nothing that arrives is felt."""
    section: dict[str, Any] = {
        "histamine": {"response": {"linear": {"strength": 5.0}}, "targets": ["gain"], "baseline": 0.9}
    }
    system = create_neuromodulation_system(section)
    system.clamp(histamine=0.0)
    sim = Simulation(seed=1, neuromodulation=system)
    cells = sim.create(50, "lif", name="E", drive={"rate": 3000.0, "weight": 2.0})
    sim.run(50)
    assert np.isfinite(cells.v_membrane).all()


def test_a_level_that_decays_at_once_flows_nowhere() -> None:
    system = create_neuromodulation_system({"dopamine": {"decay_rate": 1.0}}, regions=["a", "b"])
    system.set_diffusion("dopamine", 0.25, [("a", "b")])
    system.process_reward(1.0, region="a")
    before = system.level[:, 0].tolist()
    system.step()
    assert before[0] > before[1] == 0.5
    assert system.level[:, 0].tolist() == [0.5, 0.5]
