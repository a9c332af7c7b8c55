"""The same activity changes synapses more when it is rewarded: dopamine gates learning.

Two groups of Poisson inputs take turns in driving the same neurons for 100 ms each. Whenever the group under
``rewarded`` begins, a reward better than expected raises dopamine; when the other begins, one worse than
expected lowers it. Both groups are equally active, so whatever differs between their synapses is dopamine's
work.
"""

import numpy as np

from neuromod import BrainModel, Simulation, create_neuromodulation_system

N_INPUTS, N_OUTPUTS, TURNS = 100, 50, 200
TURN, PAUSE = 100, 100  # steps of 1 ms; a pause keeps a turn's spikes out of the next turn's learning


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
    "plasticity": {
        "rule": "stdp",
        "coincident": "pre_first",
        "learning_rate": 0.02,
        "a_plus": 0.01,
        "a_minus": 0.005,
        "weight_min": 0.0,
        "weight_max": 2.0,
    },
    "neuromodulation": {
        "dopamine": {"decay_rate": 0.005},
        "serotonin": {"neutral": True},  # at rest these two would raise thresholds and amplify inputs
        "norepinephrine": {"neutral": True},
    },
}


def mean_changes(rewarded: str) -> dict[str, float]:
    """Mean weight change, mV, of the synapses of each group after all turns."""
    neuromod = create_neuromodulation_system(CONFIG["neuromodulation"])
    sim = Simulation(BrainModel(config=CONFIG), seed=7, neuromodulation=neuromod)
    groups = {name: sim.initialize_neurons([name]) for name in ("group_a", "group_b")}
    sim.initialize_neurons(["outputs"])
    sim.model.neurons.rate[:] = 0.0
    for name in groups:
        sim.connect(name, "outputs", probability=1.0, weight=0.8, name=name)
    before = {name: sim.projections[name].weight.mean(dtype=np.float64) for name in groups}
    rate = sim.model.neurons.rate  # Hz, a view: writing to it writes the network
    slots = {name: np.searchsorted(sim.model.neurons.id, ids) for name, ids in groups.items()}
    for turn in range(TURNS):
        active = ("group_a", "group_b")[turn % 2]
        rate[slots[active]] = 30.0
        neuromod.process_reward(1.0 if active == rewarded else -1.0, expected_reward=0.0)
        sim.run(TURN)
        rate[slots[active]] = 0.0
        sim.run(PAUSE)
    return {name: sim.projections[name].weight.mean(dtype=np.float64) - before[name] for name in groups}


for rewarded, other in (("group_a", "group_b"), ("group_b", "group_a")):
    change = mean_changes(rewarded)
    print(f"{rewarded} rewarded: " + ", ".join(f"{name} {value:+.4f} mV" for name, value in change.items()))
    # Dopamine falls from 0.9, or rises from 0.1, by 0.5 % a step: 0.82 or 0.18 in the mean over a turn, 4.4 to 1.
    assert 3.0 * change[other] < change[rewarded] < 6.0 * change[other], change
