"""Plastic inhibition brings neurons to one rate, however strongly each is driven (Vogels et al. 2011).

Forty neurons get a background that grows from neuron to neuron, and 400 inhibitory synapses of nearly no strength.
Under ``istdp`` (doi:10.1126/science.1211095) the strengths grow until every neuron fires at the target rate.
"""

from typing import Any

import numpy as np

from neuromod import BrainModel, Simulation

TARGET = 5.0  # Hz
N, N_INHIBITORY, SECOND = 40, 400, 1000  # neurons, neurons, steps of 1 ms


def simulation(rule: dict[str, Any]) -> Simulation:
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "E", "coord_ranges": {**line, "x": [0, N - 1]}, "drive": {"rate": 1000.0, "weight": 1.0}},
        {
            "name": "I",
            "coord_ranges": {**line, "x": [N, N + N_INHIBITORY - 1]},
            "model": "poisson",
            "params": {"rate": 20.0},
        },
    ]
    config = {"lattice_shape": [N + N_INHIBITORY, 1, 1, 1], "areas": areas, "plasticity": {"rule": "none"}}
    sim = Simulation(BrainModel(config=config), seed=1)
    sim.initialize_neurons()
    sim.model.neurons.drive_weight[:N] = np.linspace(1.0, 2.5, N)
    sim.connect(
        "I", "E", probability=1.0, weight=-0.01, synapse_type="inhibitory", rule=rule, name="inhibition"
    )
    return sim


def rates(sim: Simulation, seconds: int) -> np.ndarray:
    """Hz, of each driven neuron."""
    return sim.run(seconds * SECOND)["spike_counts"][:N] / seconds


rule = {"rule": "istdp", "learning_rate": 0.002, "target_rate": TARGET, "weight_max": 10.0}
sim = simulation(rule)
before = rates(sim, 2)
sim.run(100 * SECOND)
after = rates(sim, 40)
strength = -sim.projections["inhibition"].weight.reshape(N_INHIBITORY, N).mean(axis=0)
print(f"before: {before.min():5.1f} to {before.max():5.1f} Hz, mean {before.mean():5.1f}")
print(f"after:  {after.min():5.1f} to {after.max():5.1f} Hz, mean {after.mean():5.1f} (target {TARGET})")
print(
    f"mean strength of inhibition: {strength[0]:.3f} mV onto the weakest driven, {strength[-1]:.3f} onto the strongest"
)

assert before.max() > 2.0 * before.min()
assert before.min() > 2.0 * TARGET
assert abs(after.mean() - TARGET) < 0.05 * TARGET
assert np.abs(after - TARGET).max() < 0.25 * TARGET
assert strength[-1] > 2.0 * strength[0]
