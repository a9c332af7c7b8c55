"""Looks decide nothing: two simulations do the same at random, one of them is looked at, copied and saved in between.

NEUROMOD_FUZZ_SEED and NEUROMOD_FUZZ_LOOKS say from which seed on, and how many."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import NeuromodulationSystem, OUCurrent, RateSource, Simulation, SpikeMonitor, StepCurrent

FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
SEEDS = int(os.environ.get("NEUROMOD_FUZZ_LOOKS", "60"))
RULES = ["stdp", "triplet", "bcm", "rstdp", "hebbian", "graupner_brunel", "stdp_nearest", "none"]
REFUSED = (ValueError, TypeError, AttributeError, KeyError)

Act = Callable[[Simulation], Any]


class Draw:
    """What one act is done with: numbers drawn once, the same for both simulations."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.whole, self.share = rng.integers(0, 1 << 30, 8).tolist(), rng.random()

    def of(self, k: int, things: Any) -> Any:
        """One of some things; KeyError where there is none."""
        found = list(things)
        if not found:
            raise KeyError("none")
        return found[self.whole[k] % len(found)]

    def cells(self, sim: Simulation, k: int, kind: str = "") -> Any:
        """A population of a kind that has neurons."""
        return self.of(k, [p for name, p in sim.populations.items() if name.startswith(kind) and len(p)])

    def projection(self, sim: Simulation) -> Any:
        """A projection."""
        return self.of(0, sim.projections.values())


def create(sim: Simulation, d: Draw) -> None:
    how: dict[str, Any] = {"rate": 40.0}
    kind = d.of(0, ["lif", "lif", "poisson"])
    if kind == "lif":
        how = {"drive": {"rate": 1200.0, "weight": 1.2}, "v_membrane": {"uniform": [-65.0, -55.0]}}
    sim.create(3 + d.whole[1] % 8, kind, region=d.of(2, ["r", "q"]), **how)


def connect(sim: Simulation, d: Draw) -> None:
    pairs = d.of(3, [{"probability": 0.4}, {"in_degree": 2}, {"out_degree": 2}, {"total_number": 9}])
    rule: Any = d.of(2, RULES)
    if d.whole[5] % 3 == 0 and rule != "none":
        rule = {"rule": rule, "homeostatic": {"target_rate": 10.0, "tau": 100.0, "every": 20.0}}
    short = {"U": 0.4, "tau_rec": 80.0, "tau_facil": 30.0} if d.whole[6] % 3 == 0 else None
    about = {"weight": {"uniform": [0.1, 0.6]}, "delay": d.of(4, [1, {"uniform": [1, 5]}])}
    ends = d.cells(sim, 0), d.cells(sim, 1)
    sim.connect(*ends, rule=rule, short_term=short, synapse_type="excitatory", **pairs, **about)


def add_synapse(sim: Simulation, d: Draw) -> None:
    ids = sim.model.neurons.id
    kind = d.of(2, ["excitatory", "inhibitory"])
    sim.add_synapse(int(d.of(0, ids)), int(d.of(1, ids)), 0.3, 1 + d.whole[3] % 4, synapse_type=kind)


def remove_neuron(sim: Simulation, d: Draw) -> None:
    if len(sim.model.neurons) > 3:
        sim.model.remove_neuron(int(d.of(0, sim.model.neurons.id)))


def vary(sim: Simulation, d: Draw) -> None:
    RateSource(sim, d.cells(sim, 0, "poisson"), [10.0, 90.0], interval=7.0, repeat=bool(d.whole[1] % 2))


ACTS: list[Callable[[Simulation, Draw], Any]] = [
    create,
    create,
    create,
    *[connect] * 4,
    *[add_synapse] * 2,
    remove_neuron,
    vary,
    *[lambda sim, d: sim.run(1 + d.whole[0] % 25, progress=False)] * 3,
    lambda sim, d: sim.reset(weights=bool(d.whole[0] % 2), parameters=bool(d.whole[1] % 2)),
    lambda sim, d: sim.remove_projection(d.projection(sim)),
    lambda sim, d: d.projection(sim).prune(fraction=0.2),
    lambda sim, d: setattr(d.projection(sim), "learning", bool(d.whole[1] % 2)),
    lambda sim, d: setattr(d.projection(sim), "weight_max", 1.0 + d.share),
    lambda sim, d: setattr(d.projection(sim), "weight", 0.1 + 0.4 * d.share),
    lambda sim, d: setattr(d.projection(sim), "delay", 1 + d.whole[1] % 5),
    lambda sim, d: d.projection(sim).short_term.update(U=0.2 + 0.5 * d.share),
    lambda sim, d: d.projection(sim).homeostatic.update(target_rate=5.0 + 30.0 * d.share),
    lambda sim, d: StepCurrent(sim, d.cells(sim, 0, "lif"), 3.0, sim.time + 2.0, stop=sim.time + 20.0),
    lambda sim, d: OUCurrent(sim, d.cells(sim, 0, "lif"), mean=1.0, sd=1.0, tau=5.0),
    lambda sim, d: setattr(d.cells(sim, 0, "lif"), "v_membrane", -62.0),
    lambda sim, d: setattr(d.cells(sim, 0, "lif"), "tau_m", 10.0 + 10.0 * d.share),
    lambda sim, d: setattr(d.cells(sim, 0, "poisson"), "rate", 20.0 + 50.0 * d.share),
    lambda sim, d: sim.neuromodulation.process_reward(d.share, region=d.of(0, ["r", "q"])),  # type: ignore[union-attr]
    lambda sim, d: sim.neuromodulation.clamp(dopamine=d.of(0, [d.share, None])),  # type: ignore[union-attr]
]

LOOKS: list[Act] = [
    lambda sim: None,
    Simulation.digest,
    Simulation.copy,
    Simulation.to_dict,
    pickle.dumps,
    lambda sim: sim.run(0, progress=False),
    lambda sim: sim.store("here"),
    lambda sim: (repr(sim), sim.model._repr_html_(), [repr(each) for each in sim.projections.values()]),
    lambda sim: len(sim.model.synapses),
    lambda sim: sim.model.synapses.weight.sum(),
    lambda sim: [synapse.weight for synapse in sim.model.synapses],
    lambda sim: [each.weight.sum() for each in sim.projections.values()],
    lambda sim: [dict(neuron.params) for neuron in sim.model.neurons.values()],
    lambda sim: SpikeMonitor(sim).count,
]
AGAIN: list[Callable[[Simulation], Simulation]] = [
    Simulation.copy,
    lambda sim: pickle.loads(pickle.dumps(sim)),
    lambda sim: Simulation.from_dict(json.loads(json.dumps(sim.to_dict()))),
]


def done(sim: Simulation, act: Callable[[Simulation, Draw], Any], draw: Draw) -> str:
    """What an act has come to."""
    try:
        act(sim, draw)
    except REFUSED as error:
        return f"{type(error).__name__}: {error}"
    return ""


def empty(seed: int) -> Simulation:
    system = NeuromodulationSystem(["r", "q"])
    system.neutral = True
    return Simulation(seed=seed, neuromodulation=system)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")
@pytest.mark.parametrize("block", range(4))
def test_looks_copies_and_saves_decide_nothing(block: int, tmp_path: Path) -> None:
    for seed in range(FIRST + block, FIRST + SEEDS, 4):
        rng = np.random.default_rng(seed)
        plain, looked = empty(seed), empty(seed)
        for _ in range(int(rng.integers(5, 25))):
            act, draw = ACTS[rng.integers(len(ACTS))], Draw(rng)
            assert done(plain, act, draw) == done(looked, act, draw), f"seed {seed}"
            LOOKS[rng.integers(len(LOOKS))](looked)
            if rng.random() < 0.05:
                looked.save(tmp_path / "saved.npz")
                looked = Simulation.load(tmp_path / "saved.npz")
            elif rng.random() < 0.15:
                looked = AGAIN[rng.integers(len(AGAIN))](looked)
        for sim in (plain, looked):
            sim.run(40, progress=False)
        assert plain.digest() == looked.digest(), f"seed {seed}"
