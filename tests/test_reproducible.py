"""The same seed gives the same bits: for run(n) and n steps, across processes, before and after a round trip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from neuromod import BrainModel, Simulation, create_neuromodulation_system

PROGRAM = """
import sys
from neuromod import BrainModel, Simulation
sim = Simulation(BrainModel("brain_base_model.json"), seed=int(sys.argv[1]))
sim.initialize_neurons(area_names=["V1_like"], density=0.05)
sim.initialize_random_synapses(connection_probability=0.1)
sim.run(100)
print(sim.digest())
"""


def build(seed: int = 42, modulated: bool = True) -> Simulation:
    """The shipped network, two areas, plastic, driven and modulated: everything that draws or learns takes part."""
    model = BrainModel("brain_base_model.json")
    system = create_neuromodulation_system(model.config["neuromodulation"]) if modulated else None
    sim = Simulation(model, seed=seed, neuromodulation=system)
    sim.initialize_neurons(area_names=["V1_like", "A1_like"], density=0.05)
    sim.initialize_random_synapses(connection_probability=0.1, weight_mean=0.4)
    return sim


def events(sim: Simulation) -> None:
    assert sim.neuromodulation is not None
    sim.neuromodulation.process_reward(1.0, 0.25)
    sim.neuromodulation.process_punishment(0.3, 0.1)
    sim.neuromodulation.process_uncertainty(0.6, 0.2)


@pytest.mark.parametrize("n", [100, 1000])
def test_run_equals_as_many_steps(n: int) -> None:
    whole, stepped = build(), build()
    for sim in (whole, stepped):
        events(sim)
    counted = whole.run(n)["spike_counts"].sum()
    fired = sum(len(stepped.step()["spikes"]) for _ in range(n))
    assert counted == fired > 0
    assert whole.digest() == stepped.digest()


def test_run_in_uneven_parts_equals_one_run() -> None:
    whole, parts = build(), build()
    whole.run(100)
    for n in (1, 0, 37, 2, 60):
        parts.run(n)
    assert whole.digest() == parts.digest()


def test_digest_tells_different_states_apart() -> None:
    first, second = build(seed=1), build(seed=2)
    assert first.digest() != second.digest()
    before = first.digest()
    assert before == first.digest()
    first.step()
    assert first.digest() != before


@pytest.mark.parametrize(
    "change",
    [
        lambda sim: sim.model.synapses.weight.__setitem__(7, sim.model.synapses.weight[7] + 1e-6),
        lambda sim: setattr(sim.model.neurons[3], "external_input", 1e-300),
        lambda sim: setattr(sim.neuromodulation.dopamine.state, "level", 0.5000000000000001),
        lambda sim: sim.model.neurons[3].params.__setitem__("tau_m", 20.000000000000004),
    ],
    ids=["weight", "input", "level", "param"],
)
def test_digest_sees_the_last_bit(change) -> None:
    sim = build()
    before = sim.digest()
    change(sim)
    assert sim.digest() != before


def test_round_trip_in_the_middle_goes_on_to_the_bit() -> None:
    sim = build()
    events(sim)
    sim.run(50)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    for each in (sim, again):
        events(each)
        each.run(50)
    assert again.digest() == sim.digest()


def digest_of_another_process(seed: int, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed)],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
    ).stdout.strip()


@pytest.mark.long
def test_two_processes_agree_and_another_seed_does_not(tmp_path: Path) -> None:
    first = digest_of_another_process(42, tmp_path)
    assert len(first) == 64
    assert first == digest_of_another_process(42, tmp_path)
    assert first != digest_of_another_process(43, tmp_path)
