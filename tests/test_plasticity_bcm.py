"""The BCM rule: random networks against sums over triplets, its curve, its sliding threshold, and where it rests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle_plasticity import Learning
from oracle_rules import RULES
from plastic_network import random_network

from neuromod import BrainModel, Simulation, _core

DEFAULTS = {name: field["default"] for name, field in _core.plasticity_rules()["bcm"]["params"].items()}
WIDE = {"weight_min": -100.0, "weight_max": 100.0}
QUICK = {"tau_theta": 60.0, "tau_y": 20.0, "target_rate": 120.0}


def learning(rule: dict[str, Any], **options: Any) -> Learning:
    common = {key: rule[key] for key in ("weight_min", "weight_max", "weight_decay") if key in rule}
    params = DEFAULTS | {key: rule[key] for key in DEFAULTS if key in rule}
    return Learning(RULES["bcm"], params, **common, **options)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "rule",
    [
        {**WIDE, **QUICK, "learning_rate": 0.5},
        {**QUICK, "target_rate": 80.0, "learning_rate": 0.2, "weight_min": 0.1, "weight_max": 0.7},
        {**QUICK, "weight_min": 0.1, "weight_max": 0.7, "weight_decay": 0.01},
    ],
    ids=["both ways", "bounded", "decaying"],
)
def test_random_networks_agree_with_the_sum_over_triplets(rule: dict[str, float], seed: int) -> None:
    dt = (1.0, 0.5)[seed % 2]
    net = random_network({"rule": "bcm", **rule}, seed, 150, dt=dt, weight=np.linspace(0.2, 0.65, 60))
    before = net.weight.copy()
    net.sim.run(150)
    expected = net.expected(150, learning(rule, dt=dt))
    np.testing.assert_allclose(net.weight, expected, rtol=1e-6, atol=2e-6)  # a visit rounds by an ulp, 6e-8
    assert np.abs(expected - before).max() > 0.02, "hardly anything was learnt: nothing was compared"
    if rule["target_rate"] == 120.0 and dt == 1.0 and "weight_decay" not in rule:
        assert (expected > before).any()
        assert (expected < before).any()


def independent(rates: list[float], n_ms: list[int], params: dict[str, float]) -> list[float]:
    """Mean weight change per s in each stretch of time: 200 Poisson sources of 20 Hz, onto 20 targets that fire at
    rates of their own, all alike."""
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "S", "coord_ranges": {**line, "x": [0, 199]}, "model": "poisson", "params": {"rate": 20.0}},
        {"name": "T", "coord_ranges": {**line, "x": [200, 219]}, "model": "poisson"},
    ]
    section = {"rule": "bcm", **WIDE, **params}
    sim = Simulation(
        BrainModel(config={"lattice_shape": [220, 1, 1, 1], "areas": areas, "plasticity": section}), seed=7
    )
    sim.initialize_neurons()
    p = sim.connect("S", "T", probability=1.0, weight=0.0, synapse_type="excitatory", name="P")
    slopes = []
    for rate, length in zip(rates, n_ms, strict=True):
        sim.model.neurons.rate[200:] = rate
        before = float(p.weight.mean(dtype=float))
        sim.run(length)
        slopes.append((float(p.weight.mean(dtype=float)) - before) * 1000.0 / length)
    return slopes


def excess(rho: float, tau_theta: float, tau_minus: float) -> float:
    """E[N^2 o] / (E[N]^2 E[o]) of a Poisson train of `rho` 1/ms; N, o: its traces with the two time constants."""
    n, o = rho * tau_theta, rho * tau_minus
    nn, no = rho * tau_theta / 2.0, rho / (1.0 / tau_theta + 1.0 / tau_minus)
    nno = rho / (2.0 / tau_theta + 1.0 / tau_minus)
    return (n * n * o + o * nn + 2.0 * n * no + nno) / (n * n * o)


@pytest.mark.parametrize("rate", [5.0, 10.0, 15.0])
def test_drift_at_a_constant_rate_is_the_published_curve(rate: float) -> None:
    """dw/dt = a tau_plus tau_y rho_pre rho (rho - theta), theta = rho^2 / rho0: up below rho0 = 10 Hz, down above.

    The curve is that of an endless tau_theta. The trace N of the threshold and the trace o of the loss are of the same
    Poisson train, so that theta is larger by E[N^2 o] / (E[N]^2 E[o]): cumulants of shot noise (Campbell's theorem)."""
    params = {"tau_theta": 3000.0, "target_rate": 10.0}
    _, slope = independent([rate, rate], [20_000, 60_000], params)
    rho, rho0, scale = rate / 1000.0, 0.01, DEFAULTS["a"] * DEFAULTS["tau_plus"] * DEFAULTS["tau_y"]
    exact = 1000.0 * scale * 0.02 * rho * (rho - rho**2 / rho0 * excess(rho, 3000.0, DEFAULTS["tau_minus"]))
    largest = 1000.0 * scale * 0.02 * rho**2
    assert slope == pytest.approx(exact, abs=0.06 * largest)


def test_threshold_slides() -> None:
    """At rest at 10 Hz; a rise to 20 Hz lies above the threshold at first, and below it once that has followed."""
    rise = independent([10.0, 20.0, 20.0], [60_000, 2_000, 60_000], {"tau_theta": 10_000.0})
    scale = 1000.0 * DEFAULTS["a"] * DEFAULTS["tau_plus"] * DEFAULTS["tau_y"] * 0.02
    assert rise[1] > 0.5 * scale * 0.02 * (0.02 - 0.01)
    assert rise[2] < 0.0
    fall = independent([10.0, 5.0, 5.0], [60_000, 2_000, 60_000], {"tau_theta": 10_000.0})
    assert fall[1] < 0.0 < fall[2]


@pytest.mark.long
def test_rate_is_stable() -> None:
    """Plastic sources onto lif neurons: from 52 and from 27 Hz to one rate. It is 6.2 Hz, below the 10 Hz at which
    Poisson spikes would rest, since regular ones follow each other less closely."""
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "S", "coord_ranges": {**line, "x": [0, 399]}, "model": "poisson", "params": {"rate": 20.0}},
        {"name": "T", "coord_ranges": {**line, "x": [400, 419]}, "drive": {"rate": 500.0, "weight": 0.5}},
    ]
    section = {"rule": "bcm", "learning_rate": 0.03, "weight_max": 20.0, "tau_theta": 2000.0}
    config = {"lattice_shape": [420, 1, 1, 1], "areas": areas, "plasticity": section}
    rates = []
    for weight in (0.1, 0.3):
        sim = Simulation(BrainModel(config=config), seed=1)
        sim.initialize_neurons()
        sim.connect("S", "T", probability=1.0, weight=weight, synapse_type="excitatory")
        first = sim.run(500)["spike_counts"][400:].mean() / 0.5
        sim.run(150_000)
        halves = [sim.run(20_000)["spike_counts"][400:].mean() / 20.0 for _ in range(2)]
        assert first > 25.0
        assert halves[0] == pytest.approx(halves[1], rel=0.06)
        rates.append(halves[1])
    assert rates[0] == pytest.approx(rates[1], rel=0.06)
    assert 5.0 < rates[0] < 10.0
