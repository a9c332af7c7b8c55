"""Reward that comes seconds late strengthens one synapse among 80,000 (Izhikevich 2007, figure 1).

1000 neurons fire at random. When a chosen one fires and its target follows within 20 ms, dopamine is raised 1 to 3 s
later. Only this pair fires before every reward: its synapse rises from 0 to the upper bound. Of the others, after an
hour, half are below 0.5 mV, one in twenty is above 3.5. The control gets its rewards with the pauses shuffled.

Network and constants are those of the author's daspnet.m (ModelDB 84167). There a spike sets the trace of STDP to 0.1,
here it adds 0.1 (all-to-all); there weights change every 10 ms, here all the time; 0.95: losses go by one step less.
``--seeds 8 --seconds 3600`` is the published experiment. Cerebral Cortex 17:2443, doi:10.1093/cercor/bhl152.
"""

import argparse
import importlib.util
import math
import time

import numpy as np

from neuromod import BrainModel, Simulation, SpikeMonitor, create_neuromodulation_system

LINE = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
CONFIG = {
    "lattice_shape": [1000, 1, 1, 1], "neuron_model": {"type": "izhikevich"},
    "background_drive": {"noise_uniform": 6.5}, "areas": [
        {"name": "exc", "neuron_type": "excitatory", "coord_ranges": {"x": [0, 799], **LINE}},
        {"name": "inh", "neuron_type": "inhibitory", "coord_ranges": {"x": [800, 999], **LINE},
         "params": {"a": 0.1, "d": 2.0}},
    ],
}  # fmt: skip
UNIT = 5.0  # levels end at 1: one of 1 stands for a concentration of 5
TAU = -1.0 / math.log(0.95)  # ms: traces lose 5 % a ms; dopamine loses 0.5 %, eligibility 1 % in 10 ms
RULE = {
    "rule": "rstdp", "coincident": "pre_first", "learning_rate": 0.1 * UNIT, "a_plus": 0.1, "a_minus": 0.15 / 0.95,
    "tau_plus": TAU, "tau_minus": TAU, "tau_c": -10.0 / math.log(0.99), "subtract_baseline": 0.0, "weight_max": 4.0,
}  # fmt: skip
DOPAMINE = {"baseline": 0.002 / UNIT, "tau": -1.0 / math.log(0.995), "learning_rate_modulation": 1.0}
OTHERS = {"serotonin": {"inhibition_strength": 0.0}, "norepinephrine": {"gain_modulation": 0.0}}


def reinforced(seed: int, seconds: int, scheduled: list[int] | None = None) -> tuple[list, np.ndarray, list]:
    """Weight of the synapse every 10 s, all other weights at the end, and the steps of rewards (`scheduled`: these)."""
    rng, system = np.random.default_rng(seed), create_neuromodulation_system({"dopamine": DOPAMINE} | OTHERS)
    sim = Simulation(BrainModel(config=CONFIG), seed=seed, neuromodulation=system)
    sim.initialize_neurons()
    plastic = sim.connect("exc", ["exc", "inh"], out_degree=100, weight=1.0, rule=RULE)
    sim.connect("inh", "exc", out_degree=100, weight=1.0, rule="none")
    synapse = int(np.flatnonzero((plastic.pre_id == 0) & (plastic.post_id < 800))[0])
    pair, dopamine = [0, int(plastic.post_id[synapse])], system.dopamine.state
    plastic.weight[synapse] = 0.0
    course, rewards, due, fired = [0.0], [], scheduled or [], -100
    while sim.current_step < 1000 * seconds:
        stop = min([sim.current_step // 1000 * 1000 + 1000, *due])
        with SpikeMonitor(sim, pair) as spikes:
            sim.run(stop - sim.current_step)
        for step, neuron in zip(spikes.step.tolist(), spikes.id.tolist(), strict=True):
            if neuron == pair[0]:
                fired = step
            elif scheduled is None and 0 < step - fired < 20:
                due.append(step + 1000 + math.ceil(2000 * rng.random()))
        if stop in due:
            dopamine.level = min(1.0, dopamine.level + 0.5 / UNIT)
            rewards, due = [*rewards, stop], [step for step in due if step > stop]
        if stop % 10_000 == 0:
            course.append(plastic.weight_of(synapse))
    return course, np.delete(plastic.weight, synapse), rewards


def draw(course: list, control: list, others: np.ndarray) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(10 * np.arange(len(control)), control, color="#7F7F7F", label="control")
    left.plot(10 * np.arange(len(course)), course, color="#D55E00", label="rewarded")
    left.legend(title="weight (mV) over time (s)")
    right.hist(others, bins=80, range=(0.0, 4.0), color="#7F7F7F")
    right.axvline(course[-1], color="#D55E00")
    right.set(xlabel="weight at the end (mV)", yscale="log")
    figure.savefig("izhikevich_2007_fig1.png", dpi=150)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seeds", type=int, default=1, help="how many networks (default: 1)")
parser.add_argument("--seconds", type=int, default=900, help="simulated (default: 900; published: 3600)")
arguments = parser.parse_args()
ends, began = [], time.process_time()
for seed in range(1, arguments.seeds + 1):
    course, others, rewards = reinforced(seed, arguments.seconds)
    gaps = np.random.default_rng(seed).permutation(np.diff(rewards, prepend=0))
    control, _, _ = reinforced(seed, arguments.seconds, np.cumsum(gaps).tolist())
    ends.append([course[-1], np.mean(course[len(course) // 2 :]), np.mean(control[len(control) // 2 :])])
    print(f"seed {seed}: {len(rewards)} rewards; {course[-1]:.2f} mV, {(others > course[-1]).mean():.1%} of the others "
          f"are stronger, their mean {others.mean():.2f} mV; control {control[-1]:.2f} mV; "
          "mean of the second half {1:.2f} and {2:.2f} mV".format(*ends[-1]))  # fmt: skip
print(f"{(time.process_time() - began) / (2 * len(ends)):.1f} s of CPU for {arguments.seconds} s simulated")
end, late, shuffled = np.median(ends, axis=0)
assert end > 3.5 if arguments.seconds >= 3600 else end > 1.2  # after 900 s under way
assert late > (2.0 if arguments.seconds >= 3600 else 1.0) * shuffled and others.mean() < 1.0
if importlib.util.find_spec("matplotlib"):
    draw(course, control, others)
