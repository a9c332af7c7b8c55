"""Random simulations for the self-test. The same number gives the same."""

from __future__ import annotations

import random
from typing import Any

import neuromod
from neuromod import _core

__all__ = ["monitors_of", "simulation_of"]

Simulation = Any
_SIZES = (1, 3, 20, 63, 64, 65, 150)
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
    for k in range(draw.randint(1, 5)):
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
    regions = draw.choice([None, None, ["global", "other"]])
    return neuromod.create_neuromodulation_system(section, regions=regions)


def _population(draw: random.Random, sim: Simulation, name: str, n: int) -> str:
    about = _core.neuron_models()
    model = draw.choice(list(about))
    how: dict[str, Any] = {"neuron_type": draw.choice(["excitatory", "excitatory", "inhibitory"])}
    if not about[model]["is_source"]:
        rate, weight = draw.choice([0.0, 800.0, 3000.0]), draw.choice([0.5, 2.0])
        how["drive"] = {"rate": rate, "weight": weight}
        if draw.random() < 0.3:
            how["v_membrane"] = {"uniform": [-68.0, -58.0]}
    elif model == "poisson":
        how["rate"] = draw.choice([20.0, {"uniform": [0.0, 100.0]}])
    if sim.neuromodulation is not None:
        how["region"] = draw.choice(sim.neuromodulation.regions)
        if draw.random() < 0.3:
            how["receptors"] = {"dopamine": draw.choice([0.0, 0.5, 2.0])}
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
            rule["homeostatic"] = {"every": draw.choice([20.0, 100.0]), "tau": 200.0}
        if draw.random() < 0.2:
            rule["weight_dependence"] = 1.0
        if draw.random() < 0.2:
            rule["rounding"] = "nearest"
    given = {
        "in_degree": draw.choice([1, 2, 5]),
        "weight": draw.choice([0.5, 0.0, {"uniform": [0.0, 1.0]}]),
        "delay": draw.choice([1, 1, 3, 40, 70, {"uniform": [1, draw.choice([3, 60])]}]),
        "rule": rule,
        "short_term": draw.choice([None, None, True, {"kind": "facilitating"}, {"kind": "mixed"}]),
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
