"""A rig for modulators: random parameters, events and steps, held to their oracle; and LIF neurons under them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from oracle_modulators import MODULATORS

from neuromod import BrainModel, NeuromodulationSystem, Simulation, _core, create_neuromodulation_system

TAU_M, REFRACTORY = 20.0, 5  # ms and steps, the defaults of the LIF neuron
V_REST, V_RESET, V_THRESHOLD = -65.0, -70.0, -50.0


def system_at(**levels: float) -> NeuromodulationSystem:
    """The modulators that are named stand still at these levels; serotonin and norepinephrine are without effect unless
    named, and dopamine multiplies changes by 2 * 0.5."""
    sections: dict[str, dict[str, float]] = {
        "serotonin": {"inhibition_strength": 0.0},
        "norepinephrine": {"gain_modulation": 0.0},
    }
    still = {name: {"decay_rate": 0.0, "baseline": level} for name, level in levels.items()}
    return create_neuromodulation_system({**sections, **still})


def neurons(n: int, system: NeuromodulationSystem) -> Simulation:
    """`n` LIF neurons at rest, not connected, at 1 ms."""
    area = {"name": "A", "coord_ranges": {"x": [0, n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}
    model = BrainModel(config={"lattice_shape": [n, 1, 1, 1], "areas": [area]})
    sim = Simulation(model, seed=1, neuromodulation=system)
    sim.initialize_neurons()
    return sim


def spike_counts(currents: NDArray[np.float64], steps: int, system: NeuromodulationSystem) -> list[int]:
    """Of LIF neurons under constant currents, mV."""
    sim = neurons(len(currents), system)
    sim.run(steps, input=np.tile(currents, (steps, 1)), input_ids=np.arange(len(currents)))
    return [int(count) for count in sim.model.neurons.spike_count]


def lif_spikes(current: float, threshold: float, steps: int) -> int:
    """The count in closed form: v runs to `v_rest + current` as 1 - exp(-t / tau), from rest and then from reset, and
    fires at the first step at which it has reached the threshold."""
    if V_REST + current <= threshold:
        return 0

    def needed(start: float) -> int:
        end = V_REST + current
        return math.ceil(TAU_M * math.log((end - start) / (end - threshold)))

    first, period = needed(V_REST), REFRACTORY + needed(V_RESET)
    return 0 if first > steps else 1 + (steps - first) // period


def random_params(name: str, rng: np.random.Generator) -> dict[str, float]:
    """Within the domains of the table: a baseline inside 0 .. 1, exponents of 0 to 4, strengths of 0 to 3."""
    drawn = {
        "baseline": rng.uniform(0.0, 1.0),
        "decay_rate": rng.uniform(0.0, 1.0),
        "sensitivity": rng.uniform(0.0, 1.0),
        "exponent": rng.choice([0.0, 0.5, 1.0, 1.7, 2.0, 4.0]),
        MODULATORS[name].strength: rng.uniform(0.0, 3.0),
    }
    return {key: float(value) for key, value in drawn.items()}


def assert_like_oracle(name: str, seed: int, steps: int = 150) -> None:
    """An event in every third step or so, else decay: the level, the factor in the engine, and what becomes of a
    number. The core's own exp and log err by some 1e-15; 150 steps bring levels no nearer than 1e-14."""
    rng = np.random.default_rng(seed)
    params = random_params(name, rng)
    # norepinephrine acts on the gain as well, and every system has it
    others = {} if name == "norepinephrine" else {"norepinephrine": {"gain_modulation": 0.0}}
    system = create_neuromodulation_system({**others, name: params})
    modulator, twin = getattr(system, name), MODULATORS[name](params)
    sim = neurons(1, system)
    signed = [field["domain"] == "NM_ANY" for field in _core.modulators()[name]["inputs"].values()]
    seen = []
    for _ in range(steps):
        if rng.random() < 0.3:
            event = [float(rng.uniform(-1.0 if any_sign else 0.0, 1.0)) for any_sign in signed]
            system.event(name, *event)
            twin.event(*event)  # type: ignore[attr-defined]
        else:
            sim.run(1)
            twin.step()
        seen.append(twin.level)
        value = float(rng.uniform(-80.0, 80.0))
        assert modulator.state.level == pytest.approx(twin.level, rel=1e-13, abs=1e-14)
        assert modulator.modulate(value) == pytest.approx(twin.act(value), rel=1e-12, abs=1e-12)  # type: ignore[attr-defined]
        assert factor_in_engine(sim, twin.target) == pytest.approx(factor_of(twin), rel=1e-12, abs=1e-13)
    assert np.ptp(seen) > 0.05, "the level hardly moved: nothing was compared"


def factor_in_engine(sim: Simulation, target: str) -> float:
    sim.run(0)
    effects = sim._engine.effects()
    assert effects is not None
    return float(effects.factors(0)[target])


def factor_of(twin: Any) -> float:
    """What the twin does to 1, or by how much of itself a threshold of 1 rises."""
    return float(twin.act(1.0)) - (1.0 if twin.target == "threshold" else 0.0)
