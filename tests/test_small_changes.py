"""Changes far below the spacing of float32: their expectation is kept, and bounds are rounded inwards."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from plastic_network import network

from neuromod import NeuromodulationSystem, Simulation

N = 200  # synapses


def slow(
    rule: dict[str, Any], steps: int, seed: int = 1, threads: int | None = None, **options: Any
) -> Simulation:
    """N sources of which each has a synapse of its own; all fire every 10 steps, the targets 5 steps later."""
    trains = {i: list(range(10, steps, 10)) for i in range(N)}
    trains |= {N + i: list(range(15, steps, 10)) for i in range(N)}
    net = network(rule, [(i, N + i) for i in range(N)], trains, n_neurons=2 * N, **{"weight": 1.0, **options})
    return net.sim


@pytest.mark.parametrize("amplitude", [3e-8, 1e-9])
@pytest.mark.parametrize("kind", ["excitatory", "inhibitory"])
def test_small_gains_add_up_in_the_mean(amplitude: float, kind: str) -> None:
    """100 gains of a half and of a sixtieth of the spacing at 1 (1.2e-7 above it). The mean over 200 synapses errs by
    up to half a spacing times sqrt(100 / 200): five of these standard deviations are allowed."""
    rule = {"rule": "stdp", "a_plus": amplitude, "a_minus": 0.0, "tau_plus": 2.0, "weight_max": 10.0}
    sim = slow(rule, 1000, synapse_type=kind)
    sim.run(1000)
    gained = np.abs(sim.projections["P"].weight).astype(np.float64).mean() - 1.0
    exact = 98 * amplitude * math.exp(-4.0 / 2.0)
    noise = math.sqrt(98 * amplitude * math.exp(-2.0) * 1.2e-7 / N)
    assert abs(gained - exact) < 5.0 * noise + 1e-12
    if amplitude == 3e-8:
        assert exact > 5.0 * noise, "no gain at all would pass"


@pytest.mark.parametrize("rule", ["stdp", "hebbian", "stdp_nearest"])
@pytest.mark.parametrize("decay", [1e-8, 1e-9])
def test_slow_decay_acts_however_small(rule: str, decay: float) -> None:
    """0.6 (1 - decay)^n: 3e-5 in 5,000 steps of 1e-8, by steps of a tenth of the spacing of 6e-8."""
    net = network(
        {"rule": rule, "weight_decay": decay}, [(i, N) for i in range(N)], {}, n_neurons=N + 1, weight=0.6
    )
    net.sim.run(5000)
    lost = 0.6 - net.weight.astype(np.float64).mean()
    exact = 0.6 * -math.expm1(5000 * math.log1p(-decay))
    noise = math.sqrt(exact * 6e-8 / N)
    assert abs(lost - exact) < 5.0 * noise + 2.5e-8  # 0.6 itself is 2.4e-8 off
    assert exact > 5.0 * noise


def test_slow_reward_learning_adds_up_in_the_mean() -> None:
    """c = 1 earns 1e-9 mV in a step: 1e-6 in 1,000 steps, a visit at every tenth."""
    system = NeuromodulationSystem()
    system.dopamine.state.decay_rate, system.dopamine.state.level = 0.0, 1.0
    rule = {
        "rule": "rstdp",
        "learning_rate": 1e-9,
        "a_plus": 0.0,
        "a_minus": 0.0,
        "tau_c": 1e9,
        "weight_max": 10.0,
    }
    sim = slow(rule, 1000, neuromodulation=system)
    sim.projections["P"].eligibility[:] = 1.0
    sim.run(1000)
    gained = sim.projections["P"].weight.astype(np.float64).mean() - 1.0
    noise = math.sqrt(1e-6 * 1.2e-7 / N)
    assert abs(gained - 1e-6) < 5.0 * noise


def test_bounds_are_rounded_inwards() -> None:
    """float32 has 0.800000012 and 0.79999995; 0.1 lies below float32's 0.100000001."""
    rule = {"rule": "stdp", "a_plus": 0.3, "a_minus": 0.0, "weight_max": 0.8}
    sim = slow(rule, 200, weight=0.5)
    sim.run(200)
    assert (sim.projections["P"].weight.astype(np.float64) <= 0.8).all()
    assert (sim.projections["P"].weight > 0.79999).all()
    down = slow({"rule": "hebbian", "learning_rate": 0.3, "weight_min": 0.1}, 200, weight=0.5)
    down.run(200)
    assert (down.projections["P"].weight.astype(np.float64) >= 0.1).all()
    assert (down.projections["P"].weight < 0.10001).all()


def test_the_seed_alone_decides_the_rounding() -> None:
    """Cuts of the run and looks change no bit; another seed does."""
    rule = {"rule": "stdp", "a_plus": 3e-8, "a_minus": 0.0, "weight_max": 10.0}
    whole, cut = slow(rule, 500), slow(rule, 500)
    whole.run(500)
    for _ in range(100):
        cut.run(5)
        _ = cut.projections["P"].weight.sum()
    assert whole.digest() == cut.digest()
    assert len(np.unique(whole.projections["P"].weight)) > 3, "all synapses were rounded alike"
