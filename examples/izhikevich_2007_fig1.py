"""Reinforcing one synapse among 80,000 with reward that comes seconds later (Izhikevich 2007, figure 1).

1000 neurons fire at random, a few times a second. Whenever one chosen neuron fires and, within 20 ms, its target does
so too, dopamine is raised, 1 to 3 s later, long after the spikes. Many other pairs have fired in between, but only
this one does so before every reward: its synapse starts at 0 and ends at the upper bound, the others stay weak. The
control gets as many rewards, with the same pauses between them in another order.

Network and constants are those of the author's program (daspnet.m, ModelDB 84167). What is different: there a spike
sets the trace of STDP to 0.1, here it adds 1 (all-to-all), times 0.1; there weights change every 10 ms, here between
the events of a synapse, exactly; there a neuron may be its own target. A loss counts exp(-1/20) less here because the
author's program reads the trace of the target one step earlier.

``python izhikevich_2007_fig1.py --seeds 8 --seconds 3600`` is the published experiment.
Cerebral Cortex 17:2443, doi:10.1093/cercor/bhl152.
"""

import argparse
import heapq
import math
import time

import numpy as np

from neuromod import BrainModel, Simulation, SpikeMonitor, create_neuromodulation_system

UNIT = 5.0  # a level of 1 stands for a dopamine concentration of 5 of the paper's units, a dose of 0.5 for 0.1
TAU = -1.0 / math.log(0.95)  # ms; 5 % of a trace of STDP, 0.5 % of dopamine a ms, 1 % of eligibility in 10 ms
RULE = {
    "rule": "rstdp", "learning_rate": 0.1 * UNIT, "a_plus": 0.1, "a_minus": 0.15 / 0.95, "tau_plus": TAU,
    "tau_minus": TAU, "tau_c": -10.0 / math.log(0.99), "subtract_baseline": 0.0, "weight_min": 0.0, "weight_max": 4.0,
}  # fmt: skip
LEVELS = {
    "dopamine": {"baseline": 0.002 / UNIT, "tau": -1.0 / math.log(0.995), "learning_rate_modulation": 1.0},
    "serotonin": {"inhibition_strength": 0.0},
    "norepinephrine": {"gain_modulation": 0.0},
}
DOSE, COINCIDENCE = 0.5 / UNIT, 20


def area(name: str, first: int, n: int) -> dict:
    ranges = {"x": [first, first + n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    return {"name": name, "coord_ranges": ranges, "neuron_type": name}


CONFIG = {
    "lattice_shape": [1000, 1, 1, 1],
    "areas": [area("excitatory", 0, 800), area("inhibitory", 800, 200)],
    "neuron_model": {"type": "izhikevich"},
    "background_drive": {"noise_uniform": 6.5},
}


class Experiment:
    """The network of one seed, and the weight of its synapse every 10 s."""

    def __init__(self, seed: int) -> None:
        self.system = create_neuromodulation_system(LEVELS)
        self.rng = np.random.default_rng(seed)
        self.sim = Simulation(BrainModel(config=CONFIG), seed=seed, neuromodulation=self.system)
        self.sim.initialize_neurons(["excitatory"])
        self.sim.initialize_neurons(["inhibitory"], params={"a": 0.1, "d": 2.0})
        both = ["excitatory", "inhibitory"]
        self.plastic = self.sim.connect("excitatory", both, out_degree=100, weight=1.0, rule=RULE)
        self.sim.connect("inhibitory", "excitatory", out_degree=100, weight=1.0, rule="none")
        self.synapse = int(np.flatnonzero((self.plastic.pre_id == 0) & (self.plastic.post_id < 800))[0])
        self.pair = (0, int(self.plastic.post_id[self.synapse]))
        self.plastic.weight[self.synapse] = 0.0
        self.course, self.rewards, self.fired = [0.0], [], [-100, -100]

    def coincidences(self, spikes: SpikeMonitor) -> list[int]:
        """When the target has fired within 20 ms after its source (each time once)."""
        found = []
        for step, neuron in zip(spikes.step.tolist(), spikes.id.tolist(), strict=True):
            if neuron == self.pair[1] and 0 < step - self.fired[0] < COINCIDENCE:
                found.append(step)
            self.fired[int(neuron == self.pair[1])] = step
        return found

    def run(self, seconds: int, scheduled: list[int] | None = None) -> None:
        """With rewards by coincidence, or at the scheduled times whatever happens."""
        due = [] if scheduled is None else list(scheduled)
        end = 1000 * seconds
        while self.sim.current_step < end:
            now = self.sim.current_step
            stop = min(now + 1000 - now % 1000, due[0] if due else end)
            with SpikeMonitor(self.sim, self.pair) as spikes:
                self.sim.run(stop - now, progress=False)
            if scheduled is None:
                for step in self.coincidences(spikes):
                    heapq.heappush(due, step + 1000 + math.ceil(2000 * self.rng.random()))
            while due and due[0] == stop:
                self.rewards.append(heapq.heappop(due))
                self.system.dopamine.state.level = min(1.0, self.system.dopamine.state.level + DOSE)
            if stop % 10_000 == 0:
                self.course.append(self.plastic.weight_of(self.synapse))

    def weights(self) -> tuple[float, float]:
        """Of the synapse, and the mean of the others, mV."""
        weight = self.plastic.weight.astype(np.float64)
        own = float(weight[self.synapse])
        return own, (float(weight.sum()) - own) / (len(weight) - 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    a = parser.parse_args()
    for seed in range(a.first, a.first + a.seeds):
        t0 = time.perf_counter(); c0=time.process_time()
        e = Experiment(seed)
        e.run(a.seconds)
        t1 = time.perf_counter(); c1=time.process_time()
        gaps = np.diff([0, *e.rewards])
        rng = np.random.default_rng(seed + 1000)
        c = Experiment(seed)
        c.run(a.seconds, np.cumsum(rng.permutation(gaps)).tolist())
        rates=e.sim.model.neurons.spike_count[:800].mean()/a.seconds
        print(seed, "own/others", e.weights(), "control", c.weights(), "rewards", len(e.rewards), len(c.rewards), "rate", rates, "wall", t1-t0, "cpu", c1-c0, flush=True)
        print("  course", [round(x,2) for x in e.course[::6]], flush=True)
        print("  control", [round(x,2) for x in c.course[::6]], flush=True)
