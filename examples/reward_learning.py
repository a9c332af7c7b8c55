"""The same activity changes synapses more when it is rewarded: dopamine gates learning.

Two groups of Poisson inputs take turns in driving the same neurons for 100 ms each. Whenever the group under
``rewarded`` begins, a reward better than expected raises dopamine; when the other begins, one worse than
expected lowers it. Both groups are equally active, so whatever differs between their synapses is dopamine's
work.
"""

import numpy as np

from neuromod import BrainModel, Simulation, create_neuromodulation_system

N_INPUTS, N_OUTPUTS, TURNS, TURN = 100, 50, 200, 100  # neurons, neurons, turns in all, steps of 1 ms


def area(name: str, first: int, n: int, **more: object) -> dict:
    ranges = {"x": [first, first + n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    return {"name": name, "coord_ranges": ranges, **more}


CONFIG = {
    "lattice_shape": [2 * N_INPUTS + N_OUTPUTS, 1, 1, 1],
    "areas": [
        area("group_a", 0, N_INPUTS, model="poisson"),
        area("group_b", N_INPUTS, N_INPUTS, model="poisson"),
        area("outputs", 2 * N_INPUTS, N_OUTPUTS, model="lif"),
    ],
    "plasticity": {"rule": "stdp", "weight_min": 0.0, "weight_max": 2.0},
    "neuromodulation": {"dopamine": {"decay_rate": 0.005}},
}


def mean_changes(rewarded: str) -> dict[str, float]:
    """Mean weight change, mV, of the synapses of each group after all turns."""
    neuromod = create_neuromodulation_system(CONFIG["neuromodulation"])
    sim = Simulation(BrainModel(config=CONFIG), seed=7, neuromodulation=neuromod)
    groups = {name: sim.initialize_neurons([name]) for name in ("group_a", "group_b")}
    sim.initialize_neurons(["outputs"])
    for name in groups:
        sim.connect(name, "outputs", probability=1.0, weight=0.8, name=name)
    before = {name: sim.projections[name].weight.mean(dtype=np.float64) for name in groups}
    rate = sim.model.neurons.rate  # Hz, a view: writing to it writes the network
    for turn in range(TURNS):
        active = ("group_a", "group_b")[turn % 2]
        for name, ids in groups.items():
            rate[np.searchsorted(sim.model.neurons.id, ids)] = 30.0 if name == active else 0.0
        neuromod.process_reward(1.0 if active == rewarded else -1.0, expected_reward=0.0)
        sim.run(TURN)
    return {name: sim.projections[name].weight.mean(dtype=np.float64) - before[name] for name in groups}


for rewarded, other in (("group_a", "group_b"), ("group_b", "group_a")):
    change = mean_changes(rewarded)
    print(f"{rewarded} rewarded: " + ", ".join(f"{name} {value:+.4f} mV" for name, value in change.items()))
    assert abs(change[rewarded]) > 1.5 * abs(change[other]), change
