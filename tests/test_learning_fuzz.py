"""Every rule of plasticity at random parameters, held to a plain reference in float64 that goes through every synapse
in every step: inhibitory synapses, long silences, narrow bounds, a signal of either sign, slow decay, soft bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracle_dense import ELIGIBLE, RULES, Course, course
from oracle_plasticity import Synapse
from plastic_network import PlasticNetwork, network

from neuromod import NeuromodulationSystem, _core

TABLES = {name: about["params"] for name, about in _core.plasticity_rules().items()}
EVENT_RULES = {"hebbian", "stdp_nearest"}
NAMES = ["bcm", "hebbian", "istdp", "ristdp", "rstdp", "stdp", "stdp_nearest", "triplet"]
ELSEWHERE = {"graupner_brunel", "clopath"}  # event rules that read columns: held to twins of their own
N_SOURCES, N_TARGETS = 4, 3


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
    for i in range(N_SOURCES + N_TARGETS):
        chance = np.full(n_steps, 10.0 ** rng.uniform(-2.5, -0.6))
        kind = rng.integers(4)
        if kind == 0:
            chance[rng.integers(20, n_steps) :] = 0.0
        elif kind == 1:
            start = rng.integers(0, n_steps)
            chance[start : start + 60] = 0.9
        trains[i] = [int(s) + 1 for s in np.flatnonzero(rng.random(n_steps) < chance)]
    return trains


def drawn_levels(rng: np.random.Generator, n_steps: int) -> np.ndarray:
    """Level of dopamine in each step, constant for a while: for 1 step up to all of them."""
    length = int(10.0 ** rng.uniform(0.0, math.log10(n_steps)))
    return np.repeat(rng.uniform(0.0, 1.0, n_steps // length + 1), length)[:n_steps]


def allowed(about: Course, w: list[float], c: list[float], most: float, visits: int) -> float:
    """How far roundings may have taken a weight: an ulp of it at each visit, and what an ulp of c earns."""
    ulp_w, ulp_c = (float(np.spacing(np.float32(max(map(abs, column))))) for column in (w, c))
    soft = 20.0 if about.dependence > 0.0 else 1.0  # the error of the weight feeds back
    return soft * visits * (ulp_w + most * ulp_c) + 1e-9


def hold(name: str, seed: int) -> float:
    """Compare all weights with the reference in ten steps of a run; how far the weights have moved at most."""
    rng = np.random.default_rng([seed, NAMES.index(name)])
    rule, n_steps, dt = (
        drawn_rule(rng, name),
        int(rng.integers(400, 2500)),
        float(rng.choice([0.5, 1.0, 2.5])),
    )
    inhibitory = bool(rng.integers(2))
    trains, levels = drawn_trains(rng, n_steps), drawn_levels(rng, n_steps)
    low, high = max(rule["weight_min"], 0.0 if inhibitory else -5.0), rule["weight_max"]
    weight = rng.uniform(max(low, -1.0), min(high, 1.0), N_SOURCES * N_TARGETS)
    system = NeuromodulationSystem()
    system.dopamine.state.decay_rate = 0.0
    net = network(
        rule,
        [(i, N_SOURCES + j) for i in range(N_SOURCES) for j in range(N_TARGETS)],
        trains,
        n_neurons=N_SOURCES + N_TARGETS,
        weight=np.where(rng.random(len(weight)) < 0.5, -weight, weight) if inhibitory else weight,
        delay=rng.integers(1, 6, len(weight)),
        dt=dt,
        synapse_type="inhibitory" if inhibitory else "excitatory",
        neuromodulation=system,
    )
    looks = sorted({*rng.integers(1, n_steps, 9).tolist(), n_steps})
    params = {key: rule.get(key, field["default"]) for key, field in TABLES[name].items()}
    about = Course(
        name,
        params,
        dt,
        rule["weight_min"],
        high,
        rule["weight_decay"],
        rule["weight_dependence"],
        inhibitory,
        lambda step: float(levels[step - 1]),
    )
    expected = [course(about, synapse, net.spikes, n_steps) for synapse in net.synapses]
    seen = run_and_look(net, system, levels, looks)
    moved = 0.0
    for k, (w, c, most) in enumerate(expected):
        synapse = net.synapses[k]
        for look, weights in zip(looks, seen, strict=True):
            visits = visits_of(name, rule, synapse, net, look)
            is_now = abs(weights[k]) if inhibitory else weights[k]
            apart, bound = abs(is_now - w[look]), allowed(about, w[: look + 1], c[: look + 1], most, visits)
            assert apart <= bound, (
                f"seed {seed}, {rule}, inhibitory {inhibitory}, dt {dt}, step {look} of {n_steps}, synapse {k}: "
                f"{is_now} instead of {w[look]}; {visits} visits allow {bound:.1e}"
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


def run_and_look(
    net: PlasticNetwork, system: NeuromodulationSystem, levels: np.ndarray, looks: list[int]
) -> list[np.ndarray]:
    seen = []
    changes = (np.flatnonzero(np.diff(levels, prepend=np.nan))).tolist()  # before step k + 1
    for stop in sorted({*changes, *looks}):
        net.sim.run(stop - net.sim.current_step)
        if stop in looks:
            seen.append(net.weight.astype(np.float64))
        if stop < len(levels):
            system.dopamine.state.level = float(levels[stop])
    return seen


def test_every_rule_is_drawn() -> None:
    assert set(TABLES) - set(NAMES) <= ELSEWHERE, "give the rule a reference in tests/oracle_dense.py"
    assert set(NAMES) <= set(RULES)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", NAMES)
def test_rules_agree_with_the_reference(name: str, seed: int) -> None:
    hold(name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
@pytest.mark.parametrize("name", NAMES)
def test_rules_agree_with_the_reference_at_many_seeds(name: str, block: int) -> None:
    moved = [hold(name, seed) for seed in range(100 + 20 * block, 120 + 20 * block)]
    assert max(moved) > 0.01, "hardly anything was learnt: nothing was compared"
