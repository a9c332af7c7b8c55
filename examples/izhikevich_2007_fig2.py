"""One stimulus among a hundred, rewarded within a second, comes to stand out (Izhikevich 2007, figure 2).

A hundred random groups of 50 neurons are stimulated in random order, every 100 to 300 ms, in a network that fires at
random. Dopamine follows group S1, up to a second and some other groups later; in the control any group, as often.

Cells as in figure 1; connections and constants as in PyGeNN's version (Knight & Nowotny). There a pair counts for the
nearest spikes only, here for all. ``--seconds 3600`` is the published experiment. Cerebral Cortex 17:2443.
"""

import argparse
import importlib.util
import time

import numpy as np

from neuromod import BrainModel, Simulation, create_neuromodulation_system

LINE = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
CONFIG = {
    "lattice_shape": [1000, 1, 1, 1], "background_drive": {"noise_uniform": 6.5},
    "neuron_model": {"type": "izhikevich"},
    "areas": [
        {"name": "exc", "neuron_type": "excitatory", "coord_ranges": {"x": [0, 799], **LINE}},
        {"name": "inh", "neuron_type": "inhibitory", "coord_ranges": {"x": [800, 999], **LINE},
         "params": {"a": 0.1, "d": 2.0}},
    ],
}  # fmt: skip
RULE = {
    "rule": "rstdp", "coincident": "pre_first", "learning_rate": 1.0, "a_plus": 0.1, "a_minus": 0.15, "tau_plus": 20.0,
    "tau_minus": 20.0, "tau_c": 1000.0, "subtract_baseline": 0.0, "weight_min": 0.0, "weight_max": 4.0,
}  # fmt: skip
LEVELS = {"serotonin": {"inhibition_strength": 0.0}, "norepinephrine": {"gain_modulation": 0.0}}
LEVELS["dopamine"] = {"baseline": 0.0, "tau": 200.0, "learning_rate_modulation": 1.0}
N_GROUPS, STIMULUS, DOSE, EVOKED = 100, 40.0, 0.5, 50  # spikes up to 50 ms after a stimulus are evoked


def conditioned(seed: int, seconds: int, rewarded: bool) -> tuple[np.ndarray, np.ndarray]:
    """(step, group, spikes evoked) of each stimulus, and each group's mean outgoing weight at the end."""
    rng, system = np.random.default_rng(seed), create_neuromodulation_system(LEVELS)
    sim = Simulation(BrainModel(config=CONFIG), seed=seed, neuromodulation=system)
    sim.initialize_neurons()
    both, dopamine = ["exc", "inh"], system.dopamine.state
    plastic = sim.connect("exc", both, probability=0.1, weight=1.0, rule=RULE)
    sim.connect("inh", both, probability=0.1, weight=1.0, rule="none")
    groups, stimuli, doses = [rng.choice(1000, 50, replace=False) for _ in range(N_GROUPS)], [], []

    def run_to(end: int) -> int:
        """With the doses that are due on the way; the number of spikes."""
        n_spikes = 0
        while sim.current_step < end:
            if sim.current_step in doses:
                dopamine.level = min(1.0, dopamine.level + DOSE)
            stop = min([end, *(dose for dose in doses if dose > sim.current_step)])
            n_spikes += int(sim.run(stop - sim.current_step)["spike_counts"].sum())
        return n_spikes

    while sim.current_step < 1000 * seconds:
        now, group = sim.current_step, int(rng.integers(N_GROUPS))
        if group == 0 if rewarded else rng.random() < 1 / N_GROUPS:
            doses = [*(dose for dose in doses if dose >= now), now + int(rng.integers(1, 1000))]
        sim.model.neurons.external_input[groups[group]] = STIMULUS
        stimuli.append((now, group, run_to(now + 1) + run_to(now + EVOKED)))  # the input acts in one step
        run_to(now + int(rng.integers(100, 300)))
    total, n = (np.bincount(plastic.pre_id, each, 1000) for each in (plastic.weight, np.ones(len(plastic))))
    return np.array(stimuli), np.array([total[group].sum() / n[group].sum() for group in groups])


def draw(stimuli: np.ndarray, weights: np.ndarray) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    course, outgoing = figure.subplots(1, 2)
    for name, own, colour in (("others", False, "#7F7F7F"), ("S1", True, "#D55E00")):
        step, _, spikes = stimuli[(stimuli[:, 1] == 0) == own].T
        course.plot(step / 1000.0, spikes, ".", color=colour, label=name, markersize=6 if own else 1)
        outgoing.hist(weights[:1] if own else weights[1:], bins=80, range=(0.0, 4.0), color=colour)
    course.set(xlabel="time (s)", ylabel=f"spikes within {EVOKED} ms")
    outgoing.set(xlabel="mean outgoing weight (mV)", ylabel="groups")
    course.legend()
    figure.savefig("izhikevich_2007_fig2.png", dpi=150)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seeds", type=int, default=1, help="how many networks (default: 1)")
parser.add_argument("--seconds", type=int, default=240, help="simulated (default: 240; published: 3600)")
arguments = parser.parse_args()
for seed in range(1, arguments.seeds + 1):
    for rewarded in (False, True):
        began = time.process_time()
        stimuli, weights = conditioned(seed, arguments.seconds, rewarded)
        _, group, evoked = stimuli[stimuli[:, 0] > 600 * arguments.seconds].T  # the last 40 %
        spikes = np.bincount(group, evoked, N_GROUPS) / np.maximum(np.bincount(group, minlength=N_GROUPS), 1)
        print(
            f"seed {seed}, dopamine after {'S1' if rewarded else 'any'}: spikes {spikes[0]:.0f} by S1, by others "
            f"{spikes[1:].mean():.0f} (most {spikes[1:].max():.0f}); weights {weights[0]:.2f} mV, others "
            f"{weights[1:].mean():.2f} (most {weights[1:].max():.2f}); {time.process_time() - began:.1f} s of CPU"
        )
        assert (spikes[0] > spikes[1:].max() and weights[0] > weights[1:].max()) == rewarded
if importlib.util.find_spec("matplotlib"):
    draw(stimuli, weights)
