"""Networks of spiking neurons learn XOR from reward alone (Florian 2007, doi:10.1162/neco.2007.19.6.1468).

Every spike of the output neuron is rewarded (+1) while the answer to the present pattern is 1, and punished (-1)
while it is 0. "rate": an input bit is 30 Poisson neurons, half of them inhibitory, at 40 Hz for a 1 and silent for
a 0. "temporal": a bit is one neuron, and 0 and 1 are two fixed random trains of 50 spikes. A presentation lasts
500 ms; an epoch is the four patterns in random order. ``--full``: 200 epochs and 20 seeds of each code.

The paper's MSTDPET, with P+ and P- the traces of the two neurons' spikes (20 ms), tau_z = 25 ms, steps of 1 ms:
    z <- z exp(-1/tau_z) + (P+ f_post - P- f_pre) / tau_z ;    w <- w + gamma r z
`rstdp` collects the same pairs in c, without 1/tau_z: c = tau_z z if tau_c = tau_z. Dopamine, set to 1/2 + r/2
after the step of an output spike, is back at its baseline 1/2 a step later (decay_rate 1). In that step c, which
holds the pairs of that very spike, decays: dw = learning_rate (r/2) tau_c (1 - exp(-1/tau_c)) c, which is gamma r z
if learning_rate = 2 gamma / (tau_z^2 (1 - exp(-1/tau_z))). Here a spike is paired when it arrives, in the paper
when it is fired, 1 ms earlier.

The paper learns the signed weight, -5..0 mV from an inhibitory input, by that same rule: a rewarded pair weakens
inhibition. A projection of type "inhibitory" learns its strength |w|, so that the pair would strengthen it; hence
these synapses are signed weights within [-5, 0] mV of a projection that adds what it is given.
"""

import argparse

import numpy as np

from neuromod import BrainModel, Simulation, create_neuromodulation_system

parser = argparse.ArgumentParser(description="XOR learnt from reward by spiking neurons")
parser.add_argument("--seeds", type=int, default=4)
parser.add_argument("--full", action="store_true", help="200 epochs and 20 seeds (3 minutes)")
parser.add_argument("--figure", metavar="FILE", help="draw the learning curves; needs matplotlib")
arguments = parser.parse_args()
if arguments.seeds < 2:
    parser.error(f"--seeds: must be >= 2, or chance decides; got {arguments.seeds}")

SEEDS, EPOCHS = (20, 200) if arguments.full else (arguments.seeds, 50)
PATTERNS, REWARD = ((0, 0), (0, 1), (1, 0), (1, 1)), (-1, 1, 1, -1)
TAU_Z, TESTS = 25.0, 5  # ms; epochs of a test
MODULATORS = {
    "dopamine": {"baseline": 0.5, "decay_rate": 1.0, "learning_rate_modulation": 1.0},
    "serotonin": {"inhibition_strength": 0.0},  # only dopamine acts
    "norepinephrine": {"gain_modulation": 0.0},
}
LIF = {"tau_m": 20.0, "v_rest": -70.0, "v_reset": -70.0, "v_threshold": -54.0, "refractory_period": 0.0}
CODES = {  # gamma, mV; areas: (size, model); projections: (pre, post, bounds of the weights, mV)
    "rate": (0.625,
             dict.fromkeys(("e0", "i0", "e1", "i1"), (15, "poisson")) | {"hidden": (60, "lif"), "out": (1, "lif")},
             [(["e0", "e1"], "hidden", 0, 5), (["i0", "i1"], "hidden", -5, 0), ("hidden", "out", 0, 5)]),
    "temporal": (0.25,
                 {"in0": (1, "spike_source"), "in1": (1, "spike_source"), "hidden": (20, "lif"), "out": (1, "lif")},
                 [(["in0", "in1"], "hidden", -10, 10), ("hidden", "out", 0, 10)]),
}  # fmt: skip


class Network:
    """The network of one seed."""

    def __init__(self, code: str, seed: int) -> None:
        gamma, layers, projections = CODES[code]
        self.code, self.random = code, np.random.default_rng(seed)
        self.trains = [self.random.choice(np.arange(1, 501), 50, replace=False) for _ in (0, 1)]
        areas = []
        for y, (name, (size, model)) in enumerate(layers.items()):
            box = {"x": [0, size - 1], "y": [y, y], "z": [0, 0], "w": [0, 0]}
            areas.append({"name": name, "model": model, "coord_ranges": box})
        lif = {"type": "lif", "params_default": LIF}
        model = BrainModel(
            config={"lattice_shape": [60, len(areas), 1, 1], "areas": areas, "neuron_model": lif}
        )
        self.system = create_neuromodulation_system(MODULATORS)
        self.sim = Simulation(model, seed=seed, neuromodulation=self.system)
        self.ids = {name: self.sim.initialize_neurons([name]) for name in layers}
        rule = {"rule": "rstdp", "tau_c": TAU_Z, "a_plus": 1, "a_minus": 1, "tau_plus": 20, "tau_minus": 20}
        rule["coincident"] = "pre_first"
        rule["learning_rate"] = 2 * gamma / (TAU_Z**2 * (1 - np.exp(-1 / TAU_Z)))
        for pre, post, low, high in projections:
            rule |= {"weight_min": low, "weight_max": high}
            weight = {"uniform": [low, high]}
            self.sim.connect(pre, post, probability=1, weight=weight, synapse_type="excitatory", rule=rule)

    def show(self, pattern: tuple[int, int], reward: int) -> float:
        """Rate of the output neuron (Hz) in a presentation; each of its spikes is given the reward."""
        for bit, value in enumerate(pattern):
            if self.code == "rate":
                for kind in "ei":
                    self.sim.model.neurons.rate[self.ids[f"{kind}{bit}"]] = 40.0 * value
            else:
                self.sim.set_spike_times(self.ids[f"in{bit}"][0], self.sim.time + self.trains[value])
        n_spikes, out = 0, self.ids["out"][0]
        for _ in range(500):
            if out in self.sim.step()["spikes"]:
                n_spikes += 1
                self.system.dopamine.state.level = 0.5 + 0.5 * reward
        return 2.0 * n_spikes

    def epoch(self, learn: bool = True) -> np.ndarray:
        """Output rate (Hz) for each pattern."""
        rates = np.zeros(4)
        for k in self.random.permutation(4):
            rates[k] = self.show(PATTERNS[k], REWARD[k] if learn else 0)
        return rates

    def test(self) -> np.ndarray:
        """Output rate (Hz) for each pattern without reward, which leaves every weight as it is."""
        self.sim.step()  # a reward for the last spike acts now
        before = self.sim.model.synapses.weight.copy()
        rates = np.mean([self.epoch(learn=False) for _ in range(TESTS)], axis=0)
        assert np.abs(self.sim.model.synapses.weight - before).max() < 1e-6  # mV: the last bits of float32
        return rates


def margin(rates: np.ndarray) -> np.ndarray:
    """By how much the lower of the rates for 01 and 10 exceeds the higher of those for 00 and 11, Hz."""
    return rates[..., 1:3].min(axis=-1) - rates[..., [0, 3]].max(axis=-1)


def draw(curves: dict[str, np.ndarray], file: str) -> None:
    """Learning curves: median and quartiles over the seeds of the rate for each pattern."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, (code, rates) in zip(figure.subplots(1, 2), curves.items(), strict=True):
        low, median, high = np.quantile(rates, [0.25, 0.5, 0.75], axis=0)
        for k, pattern in enumerate(PATTERNS):
            line = axes.plot(np.arange(1, EPOCHS + 1), median[:, k], label="{} xor {}".format(*pattern))[0]
            axes.fill_between(
                np.arange(1, EPOCHS + 1), low[:, k], high[:, k], color=line.get_color(), alpha=0.2
            )
        axes.set(title=f"{code} code, {SEEDS} seeds", xlabel="epoch", ylabel="output rate (Hz)")
        axes.legend(frameon=False)
    figure.savefig(file, dpi=150)


curves = {}
for code in CODES:
    networks = [Network(code, seed) for seed in range(SEEDS)]
    untrained = np.array([network.test() for network in networks])
    curves[code] = np.array([[network.epoch() for _ in range(EPOCHS)] for network in networks])
    fixed = np.array([network.test() for network in networks])
    stages = {"untrained": untrained, "last epoch": curves[code][:, -1], "trained, synapses fixed": fixed}
    print(f"{code} code, {EPOCHS} epochs: median output rate (Hz) for 00 01 10 11, and seeds that pass")
    for stage, rates in stages.items():
        median = " ".join(f"{rate:6.1f}" for rate in np.median(rates, axis=0))
        gap = margin(rates)
        print(f"  {stage:25s}{median}   margin {np.median(gap):+6.1f}   {np.sum(gap > 0)} of {SEEDS}")
    # The paper: 98.2 % (rate) and 99.5 % (temporal) of 1000 networks pass. One in ten may fail here; of 20 seeds
    # all passed. Most of the temporal networks pass untrained, but by a few Hz: training must widen that.
    assert np.sum(margin(curves[code][:, -1]) > 0) >= SEEDS - max(1, SEEDS // 10)
    assert np.median(margin(fixed)) > 3.0 * max(np.median(margin(untrained)), 2.0)
    assert code == "temporal" or np.sum(margin(untrained) > 0) == 0
if arguments.figure:
    draw(curves, arguments.figure)
