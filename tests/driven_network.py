"""A small network with areas of any models, for tests of what drives it and of what watches it."""

from __future__ import annotations

from typing import Any

from neuromod import BrainModel, NeuromodulationSystem, Simulation


def network(
    *areas: tuple[Any, ...], dt: float = 1.0, seed: int = 1, modulated: bool = False, **sections: Any
) -> Simulation:
    """`areas`: (name, number, model, parameters or further keys). All are filled."""
    rows = []
    for y, (name, n, model, *more) in enumerate(areas):
        box = {"x": [0, n - 1], "y": [y, y], "z": [0, 0], "w": [0, 0]}
        rows.append({"name": name, "model": model, "neuron_type": "excitatory", "coord_ranges": box})
        for keys in more:
            rows[-1].update(keys)
    shape = [max(area[1] for area in areas), len(areas), 1, 1]
    config = {"lattice_shape": shape, "areas": rows, "simulation": {"dt": dt}, **sections}
    system = NeuromodulationSystem() if modulated else None
    sim = Simulation(BrainModel(config=config), seed=seed, neuromodulation=system, threads=1)
    for name, *_ in areas:
        sim.initialize_neurons([name])
    return sim


def ids_of(sim: Simulation, area: str) -> Any:
    return sim.model._store.areas.ids(area).copy()


def learning(rule: str = "stdp", seed: int = 4, **given: Any) -> Simulation:
    """Driven neurons with two plastic projections and delays, under modulators."""
    drive = {"drive": {"rate": 1000.0, "weight": 1.5, "noise": 1.0}}
    sim = network(("A", 100, "lif", drive), ("B", 20, "lif", drive), seed=seed, modulated=True, **given)
    for name, delay in (("p", 1), ("q", {"uniform": [1, 9]})):
        sim.connect("A", "B", in_degree=20, weight=0.5, delay=delay, rule=rule, name=name)
    return sim
