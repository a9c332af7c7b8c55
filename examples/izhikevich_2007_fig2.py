"""One stimulus among a hundred, rewarded within a second, comes to stand out (Izhikevich 2007, figure 2).

100 random groups of 50 neurons are stimulated in random order, every 100 to 300 ms, in a network of 1000 that fires at
random. Dopamine follows group S1 alone, up to a second later; by then some five other groups have been stimulated.

Cells as in figure 1; connections and constants are those of the GPU version of Knight & Nowotny (PyGeNN, "Izhikevich
Pavlovian"): connection probability 0.1, a stimulus of 40 for 1 ms, dopamine jumps by 0.5. There a pair counts for
the nearest spikes only, here for all; nothing else is different.

``python izhikevich_2007_fig2.py --seconds 3600`` is the published experiment.
Cerebral Cortex 17:2443, doi:10.1093/cercor/bhl152.
"""
import argparse
import time

import numpy as np

from neuromod import BrainModel, Simulation, create_neuromodulation_system

RULE = {
    "rule": "rstdp", "learning_rate": 1.0, "a_plus": 0.1, "a_minus": 0.15, "tau_plus": 20.0, "tau_minus": 20.0,
    "tau_c": 1000.0, "subtract_baseline": 0.0, "weight_min": 0.0, "weight_max": 4.0,
}  # fmt: skip
LEVELS = {
    "dopamine": {"baseline": 0.0, "tau": 200.0, "learning_rate_modulation": 1.0},
    "serotonin": {"inhibition_strength": 0.0},
    "norepinephrine": {"gain_modulation": 0.0},
}
NOISE, DOSE, N_GROUPS, WINDOW = 6.5, 0.5, 100, 50


def area(name: str, first: int, n: int) -> dict:
    ranges = {"x": [first, first + n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    return {"name": name, "coord_ranges": ranges, "neuron_type": name}


CONFIG = {
    "lattice_shape": [1000, 1, 1, 1],
    "areas": [area("excitatory", 0, 800), area("inhibitory", 800, 200)],
    "neuron_model": {"type": "izhikevich"},
}


class Conditioning:
    def __init__(self, seed: int) -> None:
        self.system = create_neuromodulation_system(LEVELS)
        self.rng = np.random.default_rng(seed)
        self.sim = Simulation(BrainModel(config=CONFIG), seed=seed, neuromodulation=self.system)
        self.sim.initialize_neurons(["excitatory"])
        self.sim.initialize_neurons(["inhibitory"], params={"a": 0.1, "d": 2.0})
        both = ["excitatory", "inhibitory"]
        self.plastic = self.sim.connect("excitatory", both, probability=0.1, weight=1.0, rule=RULE)
        self.sim.connect("inhibitory", both, probability=0.1, weight=1.0, rule="none")
        self.groups = [self.rng.choice(1000, 50, replace=False) for _ in range(N_GROUPS)]
        self.stimuli = []  # (step, group, spikes evoked)
        self.due = []

    def go_on(self, n: int) -> int:
        """n steps, with the rewards that are due; returns the number of spikes."""
        end, count = self.sim.current_step + n, 0
        while self.sim.current_step < end:
            stop = min([end, *self.due])
            k = stop - self.sim.current_step
            if k:
                noise = self.rng.uniform(-NOISE, NOISE, (k, 1000))
                count += int(self.sim.run(k, input=noise, progress=False)["spike_counts"].sum())
            while stop in self.due:
                self.due.remove(stop)
                self.system.dopamine.state.level = min(1.0, self.system.dopamine.state.level + DOSE)
        return count

    def run(self, seconds: int) -> None:
        while self.sim.current_step < 1000 * seconds:
            gap = int(self.rng.integers(100, 300))
            group = int(self.rng.integers(N_GROUPS))
            if group == 0:
                self.due.append(self.sim.current_step + 1 + int(self.rng.integers(1000)))
            self.sim.model.neurons.external_input[self.groups[group]] += 40.0
            step = self.sim.current_step
            self.stimuli.append((step, group, self.go_on(WINDOW)))
            self.go_on(gap - WINDOW)

    def outgoing(self) -> np.ndarray:
        w, pre = self.plastic.weight, self.plastic.pre_id
        mean = np.bincount(pre, w, 1000) / np.maximum(np.bincount(pre, minlength=1000), 1)
        return np.array([mean[g[g < 800]].mean() for g in self.groups])

    def evoked(self, first_s: float, last_s: float) -> np.ndarray:
        s = np.array(self.stimuli)
        s = s[(s[:, 0] >= first_s * 1000) & (s[:, 0] < last_s * 1000)]
        return np.bincount(s[:, 1], s[:, 2], N_GROUPS) / np.maximum(np.bincount(s[:, 1], minlength=N_GROUPS), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    c = Conditioning(a.seed)
    c0 = time.process_time()
    T = max(a.seconds // 12, 50)
    for k in range(T, a.seconds + 1, T):
        c.run(k)
        e = c.evoked(k - T, k); o = c.outgoing()
        rank = lambda x: int((x > x[0]).sum()) + 1
        print(k, f"evoked S1 {e[0]:.1f} others {e[1:].mean():.1f} max {e[1:].max():.1f} rank {rank(e)}; weight S1 {o[0]:.3f} others {o[1:].mean():.3f} max {o[1:].max():.3f} rank {rank(o)}", f"rate {c.sim.model.neurons.spike_count.mean()/k:.2f} cpu {time.process_time()-c0:.1f}", flush=True)
