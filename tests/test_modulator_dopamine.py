"""`csrc/modulator_dopamine.c`: figures, its oracle, the prediction error, and what an eligibility trace earns from it
in one step, against the integral in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from modulator_rig import assert_like_oracle, system_at
from plastic_network import network

from neuromod import DopamineSystem

# ---- figures, the oracle, published behaviour --------------------------------------------------------------


@pytest.mark.parametrize(
    ("reward", "expected", "level", "change"),
    [(1.0, 0.0, 0.9, 0.018), (0.0, 1.0, 0.1, 0.002), (0.4, 0.4, 0.5, 0.01)],
)
def test_dopamine(reward: float, expected: float, level: float, change: float) -> None:
    dopamine = DopamineSystem()
    assert dopamine.update(reward, expected) == reward - expected
    assert dopamine.state.level == pytest.approx(level, abs=1e-15)
    assert dopamine.modulate_plasticity(0.01) == pytest.approx(change, abs=1e-15)
    assert dopamine.get_learning_rate_multiplier() == pytest.approx(100 * change)


@pytest.mark.parametrize("seed", range(8))
def test_like_its_oracle(seed: int) -> None:
    assert_like_oracle("dopamine", seed)


def test_response_moves_from_the_reward_to_its_omission_as_the_reward_becomes_expected() -> None:
    """Schultz, Dayan & Montague (1997), figure 1, with an expectation that learns a tenth of each error: the n-th
    reward raises the level by 0.4 * 0.9^n, and one that is left out lowers it by 0.4 times what was expected."""
    dopamine, expected = DopamineSystem(), 0.0
    for n in range(60):
        error = dopamine.update(1.0, expected)
        assert dopamine.state.level == pytest.approx(0.5 + 0.4 * 0.9**n, rel=1e-13)
        expected += 0.1 * error
    assert dopamine.update(0.0, expected) == -expected
    assert dopamine.state.level == pytest.approx(0.5 - 0.4 * (1.0 - 0.9**60), rel=1e-13)


@pytest.mark.parametrize("level", [0.0, 0.25, 0.5, 1.0])
def test_level_scales_a_change_of_weight_in_the_engine(level: float) -> None:
    """A Hebbian synapse whose target fires on arrival gains 0.125 * 2 level, exactly in float32."""
    rule = {"rule": "hebbian", "learning_rate": 0.125, "weight_min": -10.0, "weight_max": 10.0}
    net = network(
        rule, [(0, 1)], {0: [2], 1: [3]}, n_neurons=2, weight=1.0, neuromodulation=system_at(dopamine=level)
    )
    net.sim.run(5)
    assert net.weight[0] == 1.0 + 0.125 * 2.0 * level


# ---- what an eligibility trace earns -----------------------------------------------------------------------


def integral(
    dt: float,
    tau_c: float,
    level: float,
    baseline: float,
    tau: float | None,
    strength: float = 2.0,
    subtract: float = 1.0,
) -> float:
    """exp(-s / tau_c) * strength * (level(s) - subtract * baseline) over one step, by Gauss's rule with 60 points.

    The integrand is a sum of exponentials that fall by at most exp(-15) here; the rule is exact up to degree 119,
    and 15**120 / 120! is 1e-58.
    """
    points, weights = np.polynomial.legendre.leggauss(60)
    s = dt * (points + 1.0) / 2.0
    deviation = (level - baseline) * (np.ones_like(s) if tau is None else np.exp(-s / tau))
    g = strength * (baseline + deviation - subtract * baseline)
    return dt / 2.0 * math.fsum(weights * np.exp(-s / tau_c) * g)


@pytest.mark.parametrize("subtract", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("level", [0.9, 0.5, 0.1, 0.0])
@pytest.mark.parametrize("tau", [None, 1e6, 200.0, 5.0, 0.7])
@pytest.mark.parametrize(("dt", "tau_c"), [(0.1, 1000.0), (1.0, 1000.0), (1.0, 2.0), (10.0, 25.0)])
def test_signal_of_one_step_is_the_integral(
    dt: float, tau_c: float, tau: float | None, level: float, subtract: float
) -> None:
    dopamine = DopamineSystem(baseline=0.5)
    dopamine.state.tau = tau
    dopamine.state.level = level
    got = dopamine._levels.signal(0, subtract, dt, tau_c)
    scale = 2.0 * dt  # |g| is at most 2 here, so rounding is a few 1e-16 of this
    assert got == pytest.approx(
        integral(dt, tau_c, level, 0.5, tau, subtract=subtract), rel=1e-13, abs=1e-14 * scale
    )
    if level == 0.5 and subtract == 1.0:
        assert got == 0.0


@pytest.mark.parametrize("dt", [0.1, 0.5, 2.0])
def test_signals_of_many_steps_make_up_one_long_integral(dt: float) -> None:
    """Each seen from the start of the pulse, they sum to D / s (1 - exp(-s T)) with s = 1/tau_c + 1/tau_d."""
    tau_c, tau_d, pulse, n_steps = 1000.0, 200.0, 0.1, round(800.0 / dt)
    dopamine = DopamineSystem(baseline=0.0, tau=tau_d, learning_rate_modulation=1.0)
    dopamine.state.level = pulse
    total = 0.0
    for step in range(n_steps):
        total += math.exp(-step * dt / tau_c) * dopamine._levels.signal(0, 1.0, dt, tau_c)
        dopamine.step(dt)
    s = 1.0 / tau_c + 1.0 / tau_d
    assert total == pytest.approx(pulse / s * -math.expm1(-s * 800.0), rel=1e-12)


def test_level_counts_as_constant_within_a_step_where_the_factor_is_not_linear() -> None:
    dopamine = DopamineSystem(tau=5.0, exponent=2.0)
    dopamine.state.level = 0.8
    mean = 20.0 * -math.expm1(-1.0 / 20.0)  # of exp(-s / tau_c) over 1 ms, times 1 ms
    assert dopamine._levels.signal(0, 1.0, 1.0, 20.0) == pytest.approx(2.0 * (0.64 - 0.25) * mean, rel=1e-14)


def test_eternal_trace_and_each_region_by_itself() -> None:
    from neuromod import NeuromodulationSystem

    system = NeuromodulationSystem(["a", "b"])
    system.process_reward(1.0, region="b")
    system.process_punishment(1.0)  # acts on thresholds: no signal
    signal = system._levels.signal
    assert signal(0, 1.0, 1.0, math.inf) == 0.0
    assert signal(1, 1.0, 1.0, math.inf) == pytest.approx(2.0 * 0.4, rel=1e-15)
