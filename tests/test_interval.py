"""Parts of a network take as many steps at a time as the shortest delay allows; what comes out is what single steps
give, to the bit, and what acts on the whole network in between acts in its own step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, Simulation, SpikeMonitor, StateMonitor, create_neuromodulation_system

N = 4400  # two and more parts
STEPS = 230  # F is measured anew every 4 tau_c = 40 ms, 80 steps
RSTDP = {
    "rule": "rstdp",
    "learning_rate": 1.0,
    "a_plus": 0.2,
    "a_minus": 0.1,
    "tau_c": 10.0,
    "weight_min": -1.0,
    "weight_max": 9.0,
}
STP = {"U": 0.4, "tau_rec": 40.0, "tau_facil": 20.0}


def build(threads: int = 1, shortest: int = 4, release: float = 0.0) -> Simulation:
    """Driven neurons in two areas under dopamine; plastic, static, depressing, scaled and unmodulated projections. And
    sources that fire at 780 Hz, for efficacies that the next spikes must not overwrite too early."""

    def area(name: str, first: int, last: int, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "coord_ranges": {"x": [first, last], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
        } | more

    config = {
        "lattice_shape": [N, 1, 1, 1],
        "areas": [
            area("P", 0, 99, model="poisson", params={"rate": 1000.0}),
            area("A", 100, 3499),
            area("B", 3500, N - 1),
        ],
        "neuron_model": {
            "type": "lif",
            "params_default": {"v_rest": 0.0, "v_reset": 0.0, "v_threshold": 15.0},
        },
        "background_drive": {"rate": 700.0, "weight": 2.0},
    }
    system = create_neuromodulation_system({"dopamine": {"tau": 60.0}})
    if release:
        system.add_release("dopamine", ["B"], release)
    sim = Simulation(BrainModel(config=config), seed=5, neuromodulation=system, dt=0.5, threads=threads)
    sim.initialize_neurons()
    sim.connect("A", ["A", "B"], in_degree=6, weight=0.4, delay={"uniform": [shortest, 11]}, rule=RSTDP)
    sim.connect("A", "B", in_degree=4, weight=0.5, delay=shortest + 1, rule="none", short_term=STP)
    sim.connect("P", "A", in_degree=2, weight=0.5, delay=shortest + 5, rule="none", short_term=STP)
    sim.connect(
        "B", "A", in_degree=5, weight=-0.8, delay=shortest + 3, rule="none", synapse_type="inhibitory"
    )
    sim.connect(
        "B", "B", in_degree=5, weight=0.5, delay=9,
        rule={"rule": "stdp", "homeostatic": {"target_rate": 8.0, "tau": 50.0, "strength": 0.1, "every": 13.0}},
    )  # fmt: skip
    sim.connect("B", "A", in_degree=3, weight=0.3, delay=shortest, rule={"rule": "hebbian"})
    return sim


def by_steps(sim: Simulation, n_steps: int) -> None:
    for _ in range(n_steps):
        sim.step()


def ran(sim: Simulation, n_steps: int) -> None:
    sim.run(n_steps, progress=False)


def advanced(sim: Simulation, way: Any) -> str:
    """A reward, half of the steps, one more that the levels feel at once, and the rest."""
    assert sim.neuromodulation is not None
    sim.neuromodulation.process_reward(0.9)
    way(sim, STEPS // 2)
    sim.neuromodulation.process_reward(0.1, 0.3)
    way(sim, STEPS - STEPS // 2)
    return sim.digest()


@pytest.mark.parametrize("shortest", [1, 2, 4])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_run_is_its_single_steps(shortest: int, threads: int) -> None:
    stepped, whole = build(shortest=shortest), build(threads, shortest)
    assert advanced(whole, ran) == advanced(stepped, by_steps)
    assert stepped.model.neurons.spike_count.sum() > 5000
    assert np.ptp(stepped.projections[next(iter(stepped.projections))].weight) > 1.0


@pytest.mark.parametrize("name", ["course", "recent", "origin"])
def test_a_state_that_another_version_kept_in_another_form_is_refused(name: str) -> None:
    sim = build()
    saved = sim.to_dict()
    for part in (saved, saved["model"]):  # as saved before there were sums
        del part["version"], part["sha256"]
    kept = next(iter(saved["simulation"]["engine"]["pairs"].values()))
    if name == "origin":
        del kept[name]
    else:
        kept[name]["shape"], kept[name]["values"] = [2], [0, 0]
    rule = "is required" if name == "origin" else "must have the shape"
    with pytest.raises(ValueError, match=rf"^state\.simulation\.engine\.pairs\..*\.{name}: {rule}"):
        Simulation.from_dict(saved)


def test_spikes_that_release_a_modulator_act_on_the_next_step() -> None:
    stepped, whole, without = build(release=0.002), build(2, release=0.002), build()
    assert advanced(whole, ran) == advanced(stepped, by_steps) != advanced(without, ran)


def test_monitors_and_input_are_served_in_their_own_steps() -> None:
    """Spikes of all neurons, samples every 3 and 7 steps, and a current of its own in each of the first 50 steps."""
    current = np.random.default_rng(1).uniform(0.0, 30.0, (50, N))
    seen = []
    for threads, way in ((1, by_steps), (1, ran), (2, ran)):
        sim = build(threads)
        spikes, often = SpikeMonitor(sim), StateMonitor(sim, "v_membrane", ids=range(100, N, 300), every=3)
        rarely = StateMonitor(sim, "v_membrane", ids=[170, 4000], every=7)
        if way is ran:
            sim.run(50, input=current, progress=False)
        else:
            for row in current:
                sim.model.neurons.external_input[:] = row
                sim.step()
        way(sim, 100)
        seen.append([spikes.step, spikes.id, often.time, often.values, rarely.time, rarely.values])
        assert spikes.count == sim.model.neurons.spike_count.sum() > 5000
        assert np.array_equal(often.time, np.arange(3, 151, 3) * 0.5)
    for other in seen[1:]:
        for mine, theirs in zip(seen[0], other, strict=True):
            assert np.array_equal(mine, theirs)


def test_scheduled_spikes_come_in_their_own_steps() -> None:
    """A source whose spikes lie closer than the shortest delay; each arrives 6 steps later."""
    config = {
        "lattice_shape": [5000, 1, 1, 1],
        "areas": [
            {
                "name": name, "coord_ranges": {"x": x, "y": [0, 0], "z": [0, 0], "w": [0, 0]}, "model": model,
                "params": params,
            }
            for name, x, model, params in (
                ("S", [0, 0], "spike_source", {}),
                ("C", [1, 4999], "lif", {"tau_m": 1e9, "v_rest": 0.0, "v_reset": -1.0, "v_threshold": 1e9}),
            )
        ],
    }  # fmt: skip
    sim = Simulation(BrainModel(config=config), seed=1, threads=2)
    ids = sim.initialize_neurons()
    sim.connect("S", "C", probability=1.0, weight=1.0, delay=6, rule="none")
    at = np.array([1, 2, 4, 5, 9, 30, 31])
    sim.set_spike_times(np.full(len(at), ids[0]), at.astype(float))
    for now in (6, 8, 10, 11, 36, 40):
        sim.run(now - sim.current_step, progress=False)
        arrived = (at + 6 <= now).sum()
        assert np.allclose(sim.model.neurons.v_membrane[1:], arrived, atol=1e-6), now
