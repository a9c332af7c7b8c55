"""A balanced network of 12,500 neurons and 15.6 million synapses (Brunel 2000, J. Comput. Neurosci. 8:183).

10,000 excitatory and 2,500 inhibitory leaky integrate-and-fire neurons, each with 1,000 excitatory and 250
inhibitory sources drawn at random, J = 0.1 mV, g = 5, delay 1.5 ms, and an external Poisson drive of twice
the threshold rate (20 kHz). A neuron may be its own source, as in the others' code; without that it is 0.6 Hz
more. NEST, Brian2 and ANNarchy give 37.1 to 37.5 Hz for the first second of this network.

``python brunel.py --scale 0.1`` runs a tenth of it, with J grown so that the mean input of a neuron stays.
"""

import argparse
import sys
import time

import numpy as np

from neuromod import BrainModel, Simulation

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--scale", type=float, default=1.0, help="part of the full size (default: 1)")
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()
if not 0.1 <= arguments.scale <= 4.0:
    parser.error(f"--scale: must be 0.1 to 4; got {arguments.scale}")

N_EXCITATORY, N_INHIBITORY = int(10_000 * arguments.scale), int(2_500 * arguments.scale)
K_EXCITATORY, K_INHIBITORY = N_EXCITATORY // 10, N_INHIBITORY // 10
J, G, ETA = 100.0 / K_EXCITATORY, 5.0, 2.0  # mV; J = 0.1 mV at full size
TAU_M, THRESHOLD, DT, DELAY_MS, MILLISECONDS = 20.0, 20.0, 0.1, 1.5, 1000.0


def area(name: str, first: int, n: int, neuron_type: str) -> dict:
    """A row of n neurons."""
    ranges = {"x": [first, first + n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    return {"name": name, "coord_ranges": ranges, "neuron_type": neuron_type}


def peak_memory() -> str:
    """The largest resident set so far."""
    if sys.platform == "win32":
        return "not known on this platform"
    import resource

    unit = 1024.0**2 if sys.platform == "darwin" else 1024.0  # ru_maxrss counts bytes on macOS, KiB on Linux
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:.0f} MiB"


config = {
    "lattice_shape": [N_EXCITATORY + N_INHIBITORY, 1, 1, 1],
    "areas": [
        area("excitatory", 0, N_EXCITATORY, "excitatory"),
        area("inhibitory", N_EXCITATORY, N_INHIBITORY, "inhibitory"),
    ],
    "neuron_model": {
        "type": "lif",
        "params_default": {
            "tau_m": TAU_M, "v_rest": 0.0, "v_reset": 10.0, "v_threshold": THRESHOLD, "refractory_period": 2.0
        },
    },
    "background_drive": {"rate": 1000.0 * ETA * THRESHOLD / (J * TAU_M), "weight": J},
    "simulation": {"dt": DT},
}  # fmt: skip

began = time.perf_counter()
sim = Simulation(BrainModel(config=config), seed=arguments.seed)
sim.initialize_neurons()
both, delay = ["excitatory", "inhibitory"], round(DELAY_MS / DT)
sim.connect("excitatory", both, in_degree=K_EXCITATORY, weight=J, delay=delay, autapses=True)
sim.connect("inhibitory", both, in_degree=K_INHIBITORY, weight=G * J, delay=delay, autapses=True)
sim.model.neurons.v_membrane[:] = np.random.default_rng(arguments.seed).uniform(
    0.0, THRESHOLD, len(sim.model.neurons)
)
built = time.perf_counter()
run = sim.run(round(MILLISECONDS / DT))
ended = time.perf_counter()

print(f"{len(sim.model.neurons):,} neurons, {len(sim.model.synapses):,} synapses, dt {DT} ms")
print(f"mean rate {run['mean_rate']:.2f} Hz")
print(f"build {built - began:.2f} s, run {ended - built:.2f} s, peak memory {peak_memory()}")

assert len(sim.model.synapses) == (N_EXCITATORY + N_INHIBITORY) * (K_EXCITATORY + K_INHIBITORY)
if arguments.scale == 1.0:
    # Eight seeds gave 37.45 Hz with a standard deviation of 0.14 Hz: four of them on each side.
    assert 36.9 < run["mean_rate"] < 38.0, run["mean_rate"]
else:
    # A tenth, simulated in plain NumPy from ten seeds, gave 61 Hz with a standard deviation of 4 Hz.
    assert 45.0 < run["mean_rate"] < 77.0, run["mean_rate"]
