"""Norepinephrine amplifies inputs, serotonin raises thresholds: simulated rates against the closed form.

A leaky integrate-and-fire neuron under a constant current I fires every
``refractory + tau ln((I + v_rest - v_reset) / (I + v_rest - v_threshold))`` ms. Norepinephrine replaces I by
``I (1 + g L^2)``, serotonin v_threshold by ``v_threshold + |v_threshold| k L^2``.
"""

from math import log

import numpy as np

from neuromod import BrainModel, NeuromodulationSystem, Simulation

CURRENT, SECONDS, DT = 20.0, 10.0, 0.1
PARAMS = {"tau_m": 20.0, "v_rest": -65.0, "v_reset": -70.0, "v_threshold": -50.0, "refractory_period": 5.0}
ONE_NEURON = {
    "lattice_shape": [1, 1, 1, 1],
    "areas": [{"name": "cell", "coord_ranges": {"x": [0, 0], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}],
    "neuron_model": {"type": "lif", "params_default": PARAMS},
    "simulation": {"dt": DT},
}


def expected_rate(current: float, threshold: float) -> float:
    """Hz, by the closed form."""
    above = current + PARAMS["v_rest"] - threshold
    if above <= 0:
        return 0.0
    wait = PARAMS["tau_m"] * log((current + PARAMS["v_rest"] - PARAMS["v_reset"]) / above)
    return 1000.0 / (PARAMS["refractory_period"] + wait)


def simulated_rate(norepinephrine: float, serotonin: float) -> float:
    """Hz, of the simulated neuron while the levels are held."""
    system = NeuromodulationSystem()
    system.clamp(dopamine=0.5, norepinephrine=norepinephrine, serotonin=serotonin)
    sim = Simulation(BrainModel(config=ONE_NEURON), seed=1, neuromodulation=system)
    sim.initialize_neurons(["cell"])
    n_steps = round(SECONDS * 1000.0 / DT)
    return float(sim.run(n_steps, input=np.full((n_steps, 1), CURRENT))["mean_rate"])


print("norepinephrine  serotonin   expected  simulated")
for norepinephrine, serotonin in [(0.0, 0.0), (0.3, 0.0), (0.6, 0.0), (0.9, 0.0), (0.0, 0.4), (0.0, 0.9)]:
    system = NeuromodulationSystem()
    system.norepinephrine.state.level, system.serotonin.state.level = norepinephrine, serotonin
    current = system.norepinephrine.modulate_input(CURRENT)
    threshold = system.serotonin.modulate_threshold(PARAMS["v_threshold"])
    expected, simulated = expected_rate(current, threshold), simulated_rate(norepinephrine, serotonin)
    print(f"{norepinephrine:14.1f}  {serotonin:9.1f}  {expected:6.2f} Hz  {simulated:6.2f} Hz")
    # Spikes fall on the grid of dt, and the last interval is cut off: dt an interval, and one spike in all.
    assert abs(simulated - expected) <= expected**2 * DT / 1000.0 + 1.0 / SECONDS
