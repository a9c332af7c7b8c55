"""Runs on several threads with a callback, a reading thread, recorders and replicas, for the thread sanitizer."""

from __future__ import annotations

import threading

from neuromod import (
    BrainModel,
    NeuromodulationSystem,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    SynapseMonitor,
)


def network(rule: str) -> Simulation:
    sim = Simulation(BrainModel("brain_base_model.json"), 1, NeuromodulationSystem(), threads=2)
    sim.initialize_neurons(["V1_like"], density=0.6)
    sim.connect(
        "V1_like",
        "V1_like",
        in_degree=5,
        weight=0.5,
        delay={"uniform": [1, 9]},
        rule=rule,
        synapse_type="excitatory",
        name="p",
    )
    return sim


def main() -> None:
    for rule in ("stdp", "hebbian", "none"):
        sim, stop, seen = network(rule), threading.Event(), []
        monitors = [SpikeMonitor(sim), StateMonitor(sim, "v_membrane", [1, 2])]
        weights = SynapseMonitor(sim, "p", every=9)

        def look(
            sim: Simulation = sim,
            stop: threading.Event = stop,
            seen: list[float] = seen,
            weights: SynapseMonitor = weights,
        ) -> None:
            while not stop.is_set():
                seen.append(float(sim.projections["p"].weight.mean() + sim.model.neurons.v_membrane.mean()))
                seen.append(sim.model.synapses[3].weight + sim.neuromodulation.dopamine.state.level)
                seen.append(sim.current_step + SpikeMonitor(sim).count)
                seen.append(float(weights.values.sum()))
                sim.copy()

        reader = threading.Thread(target=look)
        reader.start()
        sim.run(300, progress=lambda *_, m=monitors: (m[0].count, m[1].values))
        stop.set()
        reader.join()
        assert len(seen) > 2
    sim.replicas(3).run(50)


if __name__ == "__main__":
    main()
