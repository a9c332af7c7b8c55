"""Looking at all weights moves them into one block under a running engine; a lazy rule must come through unharmed."""

from __future__ import annotations

import numpy as np

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
    rule = {"rule": "rstdp", "weight_max": 100.0, "learning_rate": 0.01}
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
    assert np.array_equal(weights(look=True), one_by_one)  # nor does it round: only pointers are lent anew
