"""Random simulations for the self-test, and random events of a user's. The same number gives the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import neuromod
from neuromod import _core

__all__ = ["event_of", "monitors_of", "simulation_of"]

Simulation = Any
_SIZES = (3, 20, 60, 150)
_LARGE = 4500  # neurons from which a run uses several threads


def simulation_of(draw: random.Random, threads: int) -> Simulation:
    """A random simulation: populations of any model, projections under any rule, modulators, currents."""
    system = _system(draw) if draw.random() < 0.6 else None
    dt = draw.choice([0.1, 0.5, 1.0])
    sim = neuromod.Simulation(seed=draw.getrandbits(64), neuromodulation=system, dt=dt, threads=threads)
    is_large = draw.random() < 0.2
    names = []
    for k in range(draw.randint(1, 3)):
        n = _LARGE if is_large and k == 0 else draw.choice(_SIZES)
        names.append(_population(draw, sim, f"P{k}", n))
    for k in range(draw.randint(0, 4)):
        _projection(draw, sim, names, f"W{k}")
    if draw.random() < 0.3:
        _current(draw, sim, names)
    return sim


def _system(draw: random.Random) -> Any:
    section: dict[str, Any] = {"dopamine": {"tau": draw.choice([20.0, 200.0])} if draw.random() < 0.5 else {}}
    if draw.random() < 0.3:
        section["acetylcholine"] = {}
    if draw.random() < 0.3:
        targets = draw.sample(list(_core.target_names()), draw.randint(1, 3))
        section["histamine"] = {
            "response": {"linear": {"strength": 0.5}},
            "targets": targets,
            "baseline": 0.2,
        }
    return neuromod.create_neuromodulation_system(section)


def _population(draw: random.Random, sim: Simulation, name: str, n: int) -> str:
    about = _core.neuron_models()
    model = draw.choice(list(about))
    how: dict[str, Any] = {"neuron_type": draw.choice(["excitatory", "excitatory", "inhibitory"])}
    if not about[model]["is_source"]:
        rate, weight = draw.choice([0.0, 800.0, 3000.0]), draw.choice([0.5, 2.0])
        how["drive"] = {"rate": rate, "weight": weight}
    sim.create(n, model, name=name, **how)
    if model == "spike_source":
        ids = sim.populations[name].ids
        sim.set_spike_times(ids[:3], [[sim.dt * k for k in (2, 9, 40, 170)]] * len(ids[:3]))
    return name


def _projection(draw: random.Random, sim: Simulation, names: list[str], name: str) -> None:
    """One projection. A rule that the neurons cannot have is left out by `connect`, which refuses it."""
    rule: Any = draw.choice([None, "none", *_core.plasticity_rules()])
    if rule not in (None, "none"):
        rule = {"rule": rule}
        if draw.random() < 0.3:
            rule["weight_decay"] = draw.choice([1e-5, 0.01])
        if draw.random() < 0.3:
            rule["homeostatic"] = {"every": 100.0, "tau": 200.0}
    given = {
        "in_degree": draw.choice([1, 2, 5]),
        "weight": draw.choice([0.5, 0.0, {"uniform": [0.0, 1.0]}]),
        "delay": draw.choice([1, 1, 3, 40, {"uniform": [1, draw.choice([3, 60])]}]),
        "rule": rule,
        "short_term": draw.choice([None, None, True, {"kind": "facilitating"}]),
        "synapse_type": draw.choice(["excitatory", "inhibitory"]),
        "autapses": True,
        "name": name,
    }
    try:
        sim.connect(draw.choice(names), draw.choice(names), **given)
    except ValueError:  # a column, a port or sources that the neurons lack
        return


def _current(draw: random.Random, sim: Simulation, names: list[str]) -> None:
    name = draw.choice(names)
    try:
        neuromod.OUCurrent(sim, name, mean=2.0, sd=draw.choice([0.0, 3.0]), tau=10.0)
    except ValueError:  # sources take no current
        return


def monitors_of(sim: Simulation) -> list[Any]:
    """Monitors of everything."""
    found: list[Any] = [neuromod.SpikeMonitor(sim), neuromod.RateMonitor(sim, bin_ms=5.0 * sim.dt)]
    found.append(neuromod.StateMonitor(sim, "drive_weight", sim.model.neurons.id[:2].copy(), every=3))
    if sim.neuromodulation is not None:
        found.append(neuromod.LevelMonitor(sim, every=2))
    return found + [neuromod.SynapseMonitor(sim, each, every=7) for each in sim.projections.values()]


def event_of(draw: random.Random) -> tuple[str, Callable[[Simulation], None]]:
    """What a user may do between two runs: its name, and the deed."""
    value, number = draw.random(), draw.getrandbits(32)

    def reward(sim: Simulation) -> None:
        if sim.neuromodulation is not None:
            sim.neuromodulation.process_reward(value, 0.5)

    def weights(sim: Simulation) -> None:
        for each in list(sim.projections.values())[:1]:
            each.weight[:] = each.weight * 0.75

    def neuron(sim: Simulation) -> None:
        ids = sim.model.neurons.id
        if len(ids) > 1:
            sim.model.remove_neuron(int(ids[number % len(ids)]))

    def synapses(sim: Simulation) -> None:
        ids = sim.model.neurons.id
        sources = [int(ids[(number + 7 * k) % len(ids)]) for k in range(3)]
        for each in sources:
            sim.model.add_synapse(each, int(ids[number % len(ids)]), 0.3, 1 + number % 5, "excitatory")

    def drive(sim: Simulation) -> None:
        sim.model.neurons.drive_weight[:] = sim.model.neurons.drive_weight * (0.5 + value)

    deeds = {
        "reward": reward,
        "write weights": weights,
        "remove a neuron": neuron,
        "add synapses": synapses,
        "write drives": drive,
        "nothing": lambda sim: None,
    }
    name = draw.choice(list(deeds))
    return name, deeds[name]
