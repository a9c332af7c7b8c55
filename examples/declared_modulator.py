"""A fifth modulator in ten lines of JSON and no code: histamine, released by spikes, amplifies inputs.

Ten neurons of a nucleus fire fast in the middle second only; each of their spikes raises the level in all regions
(volume transmission). One sheet of cortex feels it; the other has no receptors and stays, to the bit, as it is
without histamine. Histamine and wakefulness: Haas, Sergeeva & Selbach (2008), doi:10.1152/physrev.00043.2007.
"""

import json
from typing import Any

import numpy as np

from neuromod import BrainModel, LevelMonitor, Simulation, SpikeMonitor, create_neuromodulation_system

HISTAMINE = json.loads("""
{
  "histamine": {
    "baseline": 0.1,
    "tau": 200,
    "response": {"hill": {"strength": 1.0, "ec50": 0.4, "n": 3}},
    "targets": ["gain"],
    "release": {"areas": ["nucleus"], "amount": 0.01}
  },
  "serotonin": {"neutral": true},
  "norepinephrine": {"neutral": true}
}
""")
QUIET, AWAKE, SECOND = 1.0, 20.0, 1000  # Hz, Hz, steps of 1 ms


def sheet(z: int, name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "coord_ranges": {"x": [0, 9], "y": [0, 9], "z": [z, z], "w": [0, 0]}, **more}


def simulated(neuromodulation: dict[str, Any], receptors: dict[str, float]) -> tuple[Any, ...]:
    """Rates (Hz) of the two sheets in each second, spikes of the deaf one, levels, and the system."""
    nucleus = {"coord_ranges": {"x": [0, 9], "y": [0, 0], "z": [0, 0], "w": [0, 0]}, "model": "poisson"}
    areas = [sheet(0, "nucleus", **nucleus), sheet(1, "cortex"), sheet(2, "deaf", receptors=receptors)]
    drive = {"rate": 2000.0, "weight": 0.3}
    model = BrainModel(config={"lattice_shape": [10, 10, 3, 1], "areas": areas, "background_drive": drive,
                               "neuromodulation": neuromodulation})  # fmt: skip
    system = create_neuromodulation_system(neuromodulation)
    sim = Simulation(model, seed=4, neuromodulation=system)
    sim.initialize_neurons()
    spikes, levels = SpikeMonitor(sim), LevelMonitor(sim)
    for rate in (QUIET, AWAKE, QUIET):
        model.neurons.rate[:10] = rate
        sim.run(SECOND)
    second = (spikes.step - 1) // SECOND
    of_cortex, of_deaf = (spikes.id >= 10) & (spikes.id < 110), spikes.id >= 110
    rates = [np.bincount(second[of], minlength=3) / 100.0 for of in (of_cortex, of_deaf)]
    return rates, (spikes.step[of_deaf], spikes.id[of_deaf]), levels, system


(cortex, deaf), deaf_spikes, levels, system = simulated(HISTAMINE, {"histamine": 0.0})
level = levels.level("histamine").reshape(3, SECOND)
print("                         quiet   awake   quiet")
print("mean level of histamine", "".join(f"{mean:8.3f}" for mean in level.mean(axis=1)))
print("cortex (Hz)            ", "".join(f"{rate:8.2f}" for rate in cortex))
print("without receptors (Hz) ", "".join(f"{rate:8.2f}" for rate in deaf))

# Released by Poisson spikes: baseline + amount * rate of all * tau, once the level has risen (after 3 tau).
expected = 0.1 + 0.01 * (10 * AWAKE / 1000.0) * 200.0
measured = level[1, 600:].mean()
print(f"level awake: {measured:.3f}, expected {expected:.3f}")
# Standard deviation a sqrt(r tau / 2) = 0.045; 400 ms hold one independent sample, so four of them are allowed.
assert abs(measured - expected) < 4 * 0.01 * np.sqrt(0.2 * 200.0 / 2.0)
assert cortex[1] > 1.5 * max(cortex[0], cortex[2])
assert max(deaf) < 1.3 * min(deaf)
_, without, _, _ = simulated({name: HISTAMINE[name] for name in HISTAMINE if name != "histamine"}, {})
assert all(np.array_equal(a, b) for a, b in zip(deaf_spikes, without, strict=True))

system.event("histamine", 0.5)  # by hand: clip(baseline + sensitivity * 0.5)
print(
    f"after an event of 0.5: level {system.histamine.state.level:.2f}, gain {system.histamine.factor():.3f}"
)
assert abs(system.histamine.factor() - (1.0 + 0.6**3 / (0.4**3 + 0.6**3))) < 1e-12
