"""Every rule of plasticity at random parameters, held to a plain reference in float64 that goes through every synapse
in every step: inhibitory synapses, long silences, narrow bounds, a signal of either sign, in one zone or in many, slow
decay, soft bounds; looks, and a state that is saved and taken up again, on the way.

NEUROMOD_FUZZ_SEED and NEUROMOD_FUZZ_LEARNING say from which seed on, and how many for each rule."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle_dense import ELIGIBLE, RULES, Course, course
from oracle_plasticity import Synapse
from plastic_network import PlasticNetwork, network

from neuromod import NeuromodulationSystem, Simulation, _core

TABLES = {name: about["params"] for name, about in _core.plasticity_rules().items()}
EVENT_RULES = {"hebbian", "stdp_nearest"}
NAMES = ["bcm", "hebbian", "istdp", "ristdp", "rstdp", "stdp", "stdp_nearest", "triplet"]
ELSEWHERE = {"graupner_brunel", "clopath"}  # event rules that read columns: held to twins of their own
N_SOURCES, N_TARGETS = 4, 3
N = N_SOURCES + N_TARGETS
FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
SEEDS = int(os.environ.get("NEUROMOD_FUZZ_LEARNING", "4"))


def drawn_rule(rng: np.random.Generator, name: str) -> dict[str, Any]:
    """A rule as `connect` takes it: time constants and amplitudes within a factor of 4 of their defaults."""
    rule: dict[str, Any] = {"rule": name}
    for key, field in TABLES[name].items():
        if "words" in field:
            rule[key] = str(rng.choice(field["words"]))
        elif field["domain"] != "NM_UNIT_INTERVAL" and field["default"] > 0.0:
            rule[key] = float(field["default"] * 4.0 ** rng.uniform(-1.0, 1.0))
    if name in ELIGIBLE:
        rule["tau_c"] = float(10.0 ** rng.uniform(0.7, 3.3))
        rule["learning_rate"] = float(10.0 ** rng.uniform(-2.5, -0.5) / rule["tau_c"])
        rule["subtract_baseline"] = float(rng.choice([0.0, 0.5, 1.0]))
    low, high = [(0.0, 1.0), (-5.0, 5.0), (0.3, 0.7), (0.0, 0.8)][rng.integers(4)]
    soft = float(rng.choice([0.0, 0.0, 0.0, 1.0])) if high - low < 2.0 else 0.0
    decay = float(rng.choice([0.0, 0.0, 2e-8, 1e-3]))
    return {**rule, "weight_min": low, "weight_max": high, "weight_decay": decay, "weight_dependence": soft}


def drawn_trains(rng: np.random.Generator, n_steps: int) -> dict[int, list[int]]:
    """Spikes of all neurons: sparse or dense, some only at the start, some in bursts."""
    trains = {}
    for i in range(N):
        chance = np.full(n_steps, 10.0 ** rng.uniform(-2.5, -0.6))
        kind = rng.integers(4)
        if kind == 0:
            chance[rng.integers(20, n_steps) :] = 0.0
        elif kind == 1:
            start = rng.integers(0, n_steps)
            chance[start : start + 60] = 0.9
        trains[i] = [int(s) + 1 for s in np.flatnonzero(rng.random(n_steps) < chance)]
    return trains


def drawn_levels(rng: np.random.Generator, n_steps: int, n_zones: int) -> np.ndarray:
    """Level of dopamine in each step and zone, constant for a while: for 1 step up to all of them."""
    length = int(10.0 ** rng.uniform(0.0, math.log10(n_steps)))
    return np.repeat(rng.uniform(0.0, 1.0, (n_steps // length + 1, n_zones)), length, axis=0)[:n_steps]


def allowed(about: Course, w: list[float], c: list[float], most: float, visits: int) -> float:
    """How far roundings may have taken a weight: an ulp of it at each visit, and what an ulp of c earns."""
    ulp_w, ulp_c = (float(np.spacing(np.float32(max(map(abs, column))))) for column in (w, c))
    soft = 20.0 if about.dependence > 0.0 else 1.0  # the error of the weight feeds back
    return soft * visits * (ulp_w + most * ulp_c) + 1e-9


def drawn_network(
    rng: np.random.Generator, rule: dict[str, Any], n_steps: int, dt: float, zones: int
) -> PlasticNetwork:
    """All sources onto all targets; of inhibitory synapses half of the weights have a sign of their own."""
    inhibitory = bool(rng.integers(2))
    low, high = max(rule["weight_min"], 0.0 if inhibitory else -5.0), rule["weight_max"]
    weight = rng.uniform(max(low, -1.0), min(high, 1.0), N_SOURCES * N_TARGETS)
    system = NeuromodulationSystem([f"R{k}" for k in range(zones)]) if zones > 1 else NeuromodulationSystem()
    system.dopamine.state.decay_rate = 0.0
    return network(
        rule,
        [(i, N_SOURCES + j) for i in range(N_SOURCES) for j in range(N_TARGETS)],
        drawn_trains(rng, n_steps),
        n_neurons=N,
        weight=np.where(rng.random(len(weight)) < 0.5, -weight, weight) if inhibitory else weight,
        delay=rng.integers(1, 6, len(weight)),
        dt=dt,
        synapse_type="inhibitory" if inhibitory else "excitatory",
        neuromodulation=system,
        regions=zones,
    )


def course_of(rule: dict[str, Any], net: PlasticNetwork, level: Callable[[int], float]) -> Course:
    """What the reference is told of the network."""
    name = rule["rule"]
    return Course(
        name,
        {key: rule.get(key, field["default"]) for key, field in TABLES[name].items()},
        net.sim.dt,
        rule["weight_min"],
        rule["weight_max"],
        rule["weight_decay"],
        rule["weight_dependence"],
        net.sim.projections["P"].synapse_type == "inhibitory",
        level,
    )


def hold(name: str, seed: int) -> float:
    """Compare all weights with the reference in ten steps of a run; how far the weights have moved at most."""
    rng = np.random.default_rng([seed, NAMES.index(name)])
    rule, n_steps = drawn_rule(rng, name), int(rng.integers(400, 2500))
    dt, zones = float(rng.choice([0.5, 1.0, 2.5])), int(rng.choice([1, N]))
    net = drawn_network(rng, rule, n_steps, dt, zones)
    levels = drawn_levels(rng, n_steps, zones)
    looks = sorted({*rng.integers(1, n_steps, 9).tolist(), n_steps})
    each = [course_of(rule, net, level_in(levels, synapse.post % zones)) for synapse in net.synapses]
    expected = [course(a, s, net.spikes, n_steps) for a, s in zip(each, net.synapses, strict=True)]
    seen = run_and_look(net, levels, looks, int(rng.choice([0, *looks])))
    moved = 0.0
    for k, (w, c, most) in enumerate(expected):
        for look, weights in zip(looks, seen, strict=True):
            visits = visits_of(name, rule, net.synapses[k], net, look)
            is_now = abs(weights[k]) if each[k].inhibitory else weights[k]
            bound = allowed(each[k], w[: look + 1], c[: look + 1], most, visits)
            assert abs(is_now - w[look]) <= bound, (
                f"seed {seed}, {each[k]}, {zones} zones, step {look} of {n_steps}, synapse {k}: {is_now} instead of "
                f"{w[look]}; {visits} visits allow {bound:.1e}"
            )
            moved = max(moved, abs(w[look] - w[0]))
    return moved


def visits_of(name: str, rule: dict[str, Any], synapse: Synapse, net: PlasticNetwork, look: int) -> int:
    events = sum(s <= look for s in synapse.arrivals(net.spikes)) + 2
    if name in EVENT_RULES:
        events += sum(s <= look for s in net.spikes[synapse.post])
        return events + (look if rule["weight_decay"] > 0.0 else 0)
    most = max(len(net.spikes[i]) for i in range(N_SOURCES, N_SOURCES + N_TARGETS))
    return events + look // 16 + most // 32 + 2  # a sweep takes 16 steps or more


def level_in(levels: np.ndarray, zone: int) -> Callable[[int], float]:
    return lambda step: float(levels[step - 1, zone])


def run_and_look(net: PlasticNetwork, levels: np.ndarray, looks: list[int], saved: int) -> list[np.ndarray]:
    """The weights after some steps. After step `saved` the simulation goes on from its saved state."""
    seen = []
    changes = np.flatnonzero(
        (np.diff(levels, axis=0, prepend=np.nan) != 0.0).any(axis=1)
    )  # before step k + 1
    for stop in sorted({*changes.tolist(), *looks}):
        net.sim.run(stop - net.sim.current_step)
        if stop in looks:
            seen.append(net.weight.astype(np.float64))
        if stop == saved:
            net.sim = Simulation.from_dict(net.sim.to_dict())
        if stop < len(levels):
            system = net.sim.neuromodulation
            system.level[:, system.names.index("dopamine")] = levels[stop]
    return seen


def test_every_rule_is_drawn() -> None:
    assert set(TABLES) - set(NAMES) <= ELSEWHERE, "give the rule a reference in tests/oracle_dense.py"
    assert set(NAMES) <= set(RULES)


@pytest.mark.fuzz
@pytest.mark.long
@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
@pytest.mark.parametrize("name", NAMES)
def test_rules_agree_with_the_reference(name: str, seed: int) -> None:
    hold(name, seed)


@pytest.mark.parametrize("name", NAMES)
def test_something_is_learnt(name: str) -> None:
    """Else nothing would be compared."""
    assert hold(name, 0) > 0.01
