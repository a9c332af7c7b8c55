"""`csrc/neuron_lif_adaptive.c` against closed forms, the model without adaptation, and its twin in `oracle.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels

FREE = {"v_reset": -65.0, "refractory_period": 0.0}


def test_defaults() -> None:
    assert Rig("lif_adaptive").params == {
        "tau_m": 20.0,
        "v_rest": -65.0,
        "v_reset": -70.0,
        "v_threshold": -50.0,
        "refractory_period": 5.0,
        "tau_syn_excitatory": 0.0,
        "tau_syn_inhibitory": 0.0,
        "theta_plus": 0.05,
        "tau_theta": 1e7,
    }


def test_intervals_lengthen_until_the_current_does_not_reach_the_threshold() -> None:
    """20 mV of current, threshold 15 mV above rest and reset, 1 mV more at each spike: the k-th interval is
    20 ln(20 / (5 - k)) ms, rounded up to steps; five spikes, then silence."""
    rig = Rig("lif_adaptive", dt=0.01, theta_plus=1.0, tau_theta=1e9, **FREE)
    fired = np.flatnonzero(rig.run(20.0, steps=50_000)["fired"][:, 0]) + 1
    exact = np.cumsum([20.0 * math.log(20.0 / (5.0 - k)) for k in range(5)])
    assert len(fired) == 5
    assert np.all(np.diff(fired * 0.01 - exact, prepend=0.0) <= 0.01 + 1e-6)
    assert np.all(fired * 0.01 - exact >= -1e-4)  # theta has fallen by 1e-7 of itself


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_theta_decays_exactly(dt: float) -> None:
    rig = Rig("lif_adaptive", dt=dt, theta_plus=3.0, tau_theta=40.0)
    kick = np.zeros((round(60 / dt), 1))
    kick[0] = 1e5
    theta = rig.run(kick)["theta"][:, 0]
    np.testing.assert_allclose(theta, 3.0 * np.exp(-dt * np.arange(len(kick)) / 40.0), rtol=0, atol=1e-13)


def test_theta_adds_up_over_spikes_and_decays_in_the_refractory_period() -> None:
    """1,000 mV: a spike in every third step; theta before each is a geometric sum."""
    rig = Rig("lif_adaptive", dt=1.0, theta_plus=2.0, tau_theta=10.0, refractory_period=2.0)
    got = rig.run(1000.0, steps=30)
    assert np.flatnonzero(got["fired"]).tolist() == list(range(0, 30, 3))
    q = math.exp(-0.3)
    sums = 2.0 * (1.0 - q ** np.arange(1, 11)) / (1.0 - q)
    np.testing.assert_allclose(got["theta"][::3, 0], sums, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_without_a_step_it_is_the_lif_to_the_bit(dt: float) -> None:
    current = np.random.default_rng(3).uniform(0.0, 60.0, (2000, 1))
    one = Rig("lif_adaptive", dt=dt, theta_plus=0.0).run(current)
    other = Rig("lif", dt=dt).run(current)
    assert other["fired"].sum() > 3
    for name, values in other.items():
        assert np.array_equal(one[name], values), name


def test_serotonin_raises_the_threshold_without_theta() -> None:
    """-50 mV and 6 % of 50 mV is -47 mV, whatever theta."""
    rig = Rig("lif_adaptive", neuromodulation=levels(serotonin=0.06), weight_exc=1.0)
    neurons, cell = rig.sim.model.neurons, rig.cells[0]
    neurons.theta[cell] = 2.0  # the threshold is -45 mV
    kick = np.zeros((2, 1))
    gain = -math.expm1(-1.0 / 20.0)
    kick[0] = (65.0 - 45.001) / gain  # ends 0.001 mV below
    assert not rig.run(kick)["fired"].any()
    neurons.v_membrane[cell], neurons.theta[cell] = -65.0, 2.0
    kick[0] = (65.0 - 44.999) / gain
    assert rig.run(kick)["fired"][0, 0]


def test_a_theta_below_zero_does_not_end_the_refractory_period() -> None:
    rig = Rig("lif_adaptive", refractory_period=5.0)
    kick = np.zeros((1, 1))
    kick[0] = 1e4
    assert rig.run(kick)["fired"][0, 0]
    rig.sim.model.neurons.theta[rig.cells[0]] = -40.0  # the threshold is -90 mV, below v_reset
    assert np.flatnonzero(rig.run(0.0, steps=8)["fired"][:, 0]).tolist() == [5]


@pytest.mark.parametrize("tau_syn", [(0.0, 0.0), (5.0, 10.0)], ids=["delta", "currents"])
@pytest.mark.parametrize("dt", [0.1, 1.0, 2.3])
def test_like_its_oracle(dt: float, tau_syn: tuple[float, float]) -> None:
    assert_like_oracle(
        "lif_adaptive",
        dt=dt,
        strength=64.0,
        tolerance=1e-11,
        tau_syn_excitatory=tau_syn[0],
        tau_syn_inhibitory=tau_syn[1],
        theta_plus=0.7,
        tau_theta=35.0,
        tau_m=12.0,
        least_spikes=10,
    )
