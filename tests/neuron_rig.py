"""A rig for neuron models: unconnected cells with two wires each, and the comparison with their oracle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import oracle
from numpy.typing import NDArray

from neuromod import (
    BrainModel,
    NeuromodulationSystem,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    _core,
    create_neuromodulation_system,
)

Floats = NDArray[np.float64]


def line(start: int, length: int) -> dict[str, list[int]]:
    return {"x": [start, start + length - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}


def levels(**strengths: float) -> NeuromodulationSystem:
    """Modulators that stand still at level 1: the factor of each is its strength, 0 unless given by name."""
    names = {
        "dopamine": "learning_rate_modulation",
        "serotonin": "inhibition_strength",
        "norepinephrine": "gain_modulation",
    }
    return create_neuromodulation_system(
        {
            name: {"baseline": 1.0, "decay_rate": 0.0, key: strengths.get(name, 0.0)}
            for name, key in names.items()
        }
    )


class Rig:
    """`n` cells of one model, ids 0 .. n-1, and spike sources that reach all of them with a delay of one step.

    A spike of `wire_exc`, `wire_inh` or ``wires[port]`` in step k arrives in step k + 1. `weights`: of the model's own
    ports, whose wires are excitatory. Weights are in the model's unit and should
    be exact in float32.
    """

    def __init__(
        self,
        model: str,
        n: int = 1,
        *,
        dt: float = 1.0,
        seed: int = 11,
        weight_exc: float = 0.0,
        weight_inh: float = 0.0,
        weights: Mapping[str, float] | None = None,
        neuromodulation: NeuromodulationSystem | None = None,
        **params: float,
    ) -> None:
        own = dict(weights or {})
        config: dict[str, Any] = {
            "lattice_shape": [n + 2 + len(own), 1, 1, 1],
            "areas": [
                {"name": "cells", "coord_ranges": line(0, n), "model": model, "neuron_type": "excitatory"},
                {
                    "name": "wires",
                    "coord_ranges": line(n, 2 + len(own)),
                    "model": "spike_source",
                    "neuron_type": "excitatory",
                },
            ],
            "plasticity": {"rule": "none"},
        }
        self.sim = Simulation(BrainModel(config=config), seed=seed, dt=dt, neuromodulation=neuromodulation)
        self.cells = self.sim.initialize_neurons(["cells"], params=params)
        self.weights = {"excitatory": weight_exc, "inhibitory": weight_inh, **own}
        self.wires = dict(zip(self.weights, self.sim.initialize_neurons(["wires"]), strict=True))
        self.wire_exc, self.wire_inh = self.wires["excitatory"], self.wires["inhibitory"]
        for port, weight in self.weights.items():
            kind = "inhibitory" if port == "inhibitory" else "excitatory"
            how: dict[str, Any] = {"weight": weight, "synapse_type": kind, "name": port}
            pairs = [[self.wires[port], cell] for cell in self.cells]
            if weight:
                self.sim.connect([self.wires[port]], self.cells, pairs=pairs, port=port, **how)
        self.params = {
            name: field["default"] for name, field in _core.neuron_models()[model]["params"].items()
        } | params
        self.model, self.n, self.dt = model, n, dt

    def neuron(self, cell: int = 0) -> Any:
        return self.sim.model.neurons[int(self.cells[cell])]

    def pulse(self, wire: int, steps: list[int]) -> None:
        """Let spikes of `wire` arrive in these steps (from 2 on: a wire fires in step 1 at the earliest)."""
        self.sim.set_spike_times(wire, [(step - 1) * self.dt for step in steps])

    def run(self, current: Floats | float, steps: int | None = None) -> dict[str, Floats]:
        """Run with a constant or an array (steps, n) of currents; state after each step, and who fired."""
        if not isinstance(current, np.ndarray):
            assert steps is not None
            current = np.full((steps, self.n), float(current))
        names = _core.neuron_models()[self.model]["state"]
        first = self.sim.current_step
        monitors = {name: StateMonitor(self.sim, name, self.cells) for name in names}
        spikes = SpikeMonitor(self.sim, self.cells)
        ids = self.sim.model.neurons.id
        rows = np.zeros((len(current), len(ids)))  # for all neurons: what stands for a source is not read
        rows[:, np.searchsorted(ids, self.cells)] = current
        self.sim.run(len(current), input=rows)
        recorded = {name: monitor.values for name, monitor in monitors.items()}
        fired = np.zeros((len(current), self.n))
        fired[spikes.step - 1 - first, spikes.id - self.cells[0]] = 1.0
        for monitor in (*monitors.values(), spikes):
            monitor.stop()
        return {**recorded, "fired": fired}


def assert_like_oracle(
    model: str,
    *,
    dt: float,
    strength: float,
    tolerance: float,
    steps: int = 1500,
    n: int = 3,
    least_spikes: int = 1,
    **params: float,
) -> None:
    """Random currents and spikes, gain 1.25 and thresholds raised by 2 %: state and spikes of every step."""
    random = np.random.default_rng(2024)
    ports = _core.neuron_models()[model]["ports"]
    weights = dict.fromkeys(ports[2:], 0.125 * strength)
    rig = Rig(
        model,
        n,
        dt=dt,
        weight_exc=0.25 * strength,
        weight_inh=0.125 * strength,
        weights=weights,
        neuromodulation=levels(norepinephrine=0.25, serotonin=0.02),
        **params,
    )
    current = random.uniform(-0.5, 1.0, (steps, n)) * strength
    arrivals = {port: np.flatnonzero(random.random(steps) < 0.1) + 1 for port in ports}  # steps
    arrivals = {port: step[step >= 2] for port, step in arrivals.items()}
    for port, arriving in arrivals.items():
        rig.pulse(rig.wires[port], arriving.tolist())
    got = rig.run(current)

    twins = [oracle.NEURONS[model](rig.params, dt) for _ in range(n)]
    words = [_core.random_words(rig.sim.seed, 1, int(rig.cells[0]), step, n) for step in range(1, steps + 1)]
    arriving_weights = {p: (-1.25 if p == "inhibitory" else 1.25) * w for p, w in rig.weights.items()}
    for k in range(steps):
        for i, twin in enumerate(twins):
            fired = twin.step(
                current=1.25 * current[k, i],
                rise=0.02,
                word=float(words[k][i]),
                **{port: weight * (k + 1 in arrivals[port]) for port, weight in arriving_weights.items()},
            )
            where = f"step {k + 1}, cell {i}"
            assert fired == bool(got["fired"][k, i]), where
            for name, value in twin.state.items():
                assert abs(got[name][k, i] - value) <= tolerance, f"{where}: {name}"
    assert got["fired"].sum() >= least_spikes, "too few spikes: a test of the silence only"
