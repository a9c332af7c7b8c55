"""Networks of exact spike trains, for the tests of plasticity: built once for the package, once for the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from oracle_plasticity import Learning, Synapse, learnt

from neuromod import BrainModel, NeuromodulationSystem, Simulation


@dataclass
class PlasticNetwork:
    """A simulation of ``spike_source`` neurons, their spikes, and the projection "P" whose weights learn."""

    sim: Simulation
    spikes: dict[int, set[int]]
    synapses: list[Synapse]

    @property
    def weight(self) -> np.ndarray:
        return self.sim.projections["P"].weight

    def expected(self, n_steps: int, learning: Learning) -> np.ndarray:
        return np.array(learnt(self.synapses, self.spikes, n_steps, learning)[0], np.float32)

    def assert_rounding_apart(
        self,
        n_steps: int,
        learning: Learning,
        more_visits: int = 0,
        *,
        at_spikes: bool = False,
        of_state: float = 0.0,
    ) -> np.ndarray:
        """The weights are those of the oracle in float64, but for rounding; returns the latter.

        Under a lazy rule a weight is rounded to one of the two nearest float32 at each arrival, and at the last look.
        That takes it off by an ulp at most (6e-8 below 1 mV), and nothing makes the distance grow: changes do not
        depend on the weight, bounds and decay only bring two weights closer. Soft bounds: see there. Under an event
        rule weight decay is rounded as well, once a step: `more_visits`; and one with on_post rounds at the target's
        spikes: `at_spikes`. `of_state`: what a rounding of the rule's state moves the weight by.
        """
        exact, largest = (np.array(v) for v in learnt(self.synapses, self.spikes, n_steps, learning))
        visits = [
            sum(step <= n_steps for step in s.arrivals(self.spikes))
            + (sum(step <= n_steps for step in self.spikes[s.post]) if at_spikes else 0)
            + 1
            + more_visits
            for s in self.synapses
        ]
        ulp = np.spacing(largest.astype(np.float32)).astype(np.float64)
        # 1e-13: exp and sums in float64, of changes that come to less than 100 mV in all
        apart, allowed = np.abs(self.weight - exact), np.array(visits) * (ulp + of_state) + 1e-13
        worst = int(np.argmax(apart - allowed))
        assert apart[worst] <= allowed[worst], (
            f"synapse {worst}: {self.weight[worst]} instead of {exact[worst]}, {apart[worst]:.2e} apart; "
            f"{visits[worst]} visits allow {allowed[worst]:.2e}"
        )
        return exact


def config_of(n_neurons: int, dt: float = 1.0, regions: int = 1, **sections: Any) -> dict[str, Any]:
    """A line of sites, one a neuron, cut into as many areas "A0", "A1", ... as there are regions."""
    cuts = np.linspace(0, n_neurons, regions + 1).astype(int)
    areas = [
        {
            "name": f"A{k}",
            "coord_ranges": {"x": [int(low), int(high) - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
            **({"region": f"R{k}"} if regions > 1 else {}),
        }
        for k, (low, high) in enumerate(pairwise(cuts))
    ]
    return {
        "lattice_shape": [n_neurons, 1, 1, 1],
        "areas": areas,
        "plasticity": {"rule": "none"},
        "simulation": {"dt": dt},
        **sections,
    }


def network(
    rule: Mapping[str, Any],
    pairs: list[tuple[int, int]],
    trains: Mapping[int, list[int]],
    *,
    n_neurons: int,
    weight: Any = 0.5,
    delay: Any = 1,
    dt: float = 1.0,
    synapse_type: str = "excitatory",
    regions: int = 1,
    neuromodulation: Any = None,
    n_sites: int = 0,
    seed: int = 1,
) -> PlasticNetwork:
    """Sources that fire in the steps of `trains`, joined as `pairs` say, all under one rule.

    `n_sites`: of the lattice, if it is to have room for more neurons."""
    more = {"lattice_shape": [n_sites, 1, 1, 1]} if n_sites else {}
    model = BrainModel(config=config_of(n_neurons, dt, regions, **more))
    sim = Simulation(model, seed=seed, neuromodulation=neuromodulation)
    ids = sim.initialize_neurons(model="spike_source")
    assert list(ids) == list(range(n_neurons))
    projection = sim.connect(
        ids,
        ids,
        pairs=pairs,
        weight=weight,
        delay=delay,
        synapse_type=synapse_type,
        rule=dict(rule),
        name="P",
        autapses=True,
    )
    sim.set_spike_times(ids, [[step * dt for step in trains.get(int(i), [])] for i in ids])
    delays = np.broadcast_to(np.asarray(projection.delay), len(projection))
    columns = zip(projection.pre_id, projection.post_id, delays, projection.weight, strict=True)
    synapses = [Synapse(int(a), int(b), int(d), float(w)) for a, b, d, w in columns]
    return PlasticNetwork(sim, {int(i): set(trains.get(int(i), [])) for i in ids}, synapses)


def random_network(rule: Mapping[str, Any], seed: int, n_steps: int, **options: Any) -> PlasticNetwork:
    """12 neurons, 60 different pairs (autapses among them), delays of 1 to 9 steps, weights of 0.2 to 0.8 mV, and
    spikes in every fourth step or so."""
    rng, n = np.random.default_rng(seed), 12
    chosen = rng.choice(n * n, 60, replace=False)
    pairs = [(int(k) // n, int(k) % n) for k in chosen]
    trains = {i: [int(s) for s in np.flatnonzero(rng.random(n_steps) < 0.25) + 1] for i in range(n)}
    low, high = (float(rule.get(f"weight_{end}", default)) for end, default in (("min", 0.0), ("max", 1.0)))
    options = {
        "weight": np.clip(rng.uniform(0.2, 0.8, 60), low, high),
        "delay": rng.integers(1, 10, 60),
        **options,
    }
    return network(rule, pairs, trains, n_neurons=n, **options)


def settled(rule: Mapping[str, Any], system: NeuromodulationSystem | None = None) -> tuple[float, float]:
    """Mean rate (Hz) of 40 driven neurons under plastic inhibition by 400: in the first second, and after 80 s."""
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    excitatory = {
        "name": "E",
        "coord_ranges": {**line, "x": [0, 39]},
        "drive": {"rate": 1000.0, "weight": 2.0},
    }
    inhibitory = {
        "name": "I",
        "coord_ranges": {**line, "x": [40, 439]},
        "model": "poisson",
        "params": {"rate": 20.0},
    }
    config = {
        "lattice_shape": [440, 1, 1, 1],
        "areas": [excitatory, inhibitory],
        "plasticity": {"rule": "none"},
    }
    sim = Simulation(BrainModel(config=config), seed=3, neuromodulation=system)
    sim.initialize_neurons()
    sim.connect("I", "E", probability=1.0, weight=-0.01, synapse_type="inhibitory", rule=dict(rule), name="P")
    if system is not None:
        system.dopamine.state.level = 0.8
    first = sim.run(1000)["spike_counts"][:40].mean()
    sim.run(79_000)
    last = sim.run(40_000)["spike_counts"][:40].mean() / 40.0
    return float(first), float(last)
