"""Looking at all weights makes the engine bind the network anew; a lazy rule must come through it unharmed."""

from __future__ import annotations

import numpy as np
import pytest

from neuromod import BrainModel, Simulation, create_neuromodulation_system


def weights(look: bool) -> np.ndarray:
    """Weights of two projections after each of 12 stretches, read and written all at once or one by one."""
    boxes = [{"x": [0, 9], "y": [y, y], "z": [0, 0], "w": [0, 0]} for y in (0, 1)]
    areas = [
        {"name": "a", "coord_ranges": boxes[0], "model": "poisson"},
        {"name": "b", "coord_ranges": boxes[1]},
    ]
    system = create_neuromodulation_system({"dopamine": {"tau": 50.0}})
    model = BrainModel(config={"lattice_shape": [10, 2, 1, 1], "areas": areas})
    sim = Simulation(model, seed=3, neuromodulation=system)
    sim.initialize_neurons(["a"])
    sim.initialize_neurons(["b"])
    sim.model.neurons.rate[:10] = 60.0
    rule = {"rule": "rstdp", "weight_max": 10.0, "learning_rate": 0.01}
    pair = [sim.connect("a", "b", probability=0.5, weight=5.0, rule=rule, name=name) for name in "pq"]
    seen = []
    for k in range(12):
        system.dopamine.state.level = 0.9 if k % 2 else 0.3
        sim.run(50)
        if look:
            sim.model.synapses.weight += 0.01
        else:
            for projection in pair:
                projection.weight += 0.01
        seen.append(np.concatenate([projection.weight for projection in pair]))
    return np.array(seen)


def test_looking_at_all_weights_changes_nothing() -> None:
    one_by_one = weights(look=False)
    assert one_by_one[-1].std() > 0.1  # they do learn: mV
    # What a synapse is worth is rounded to float32 at every binding: 12 times half a last bit of 10 mV.
    assert weights(look=True) == pytest.approx(one_by_one, abs=12 * 4.8e-7)
