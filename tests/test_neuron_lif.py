"""`csrc/neuron_lif.c` against closed forms, and against its twin in `oracle.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels

REST, RESET, THRESHOLD, TAU, REFRACTORY = -65.0, -70.0, -50.0, 20.0, 5.0


def test_defaults() -> None:
    assert Rig("lif").params == {
        "tau_m": TAU,
        "v_rest": REST,
        "v_reset": RESET,
        "v_threshold": THRESHOLD,
        "refractory_period": REFRACTORY,
        "tau_syn_excitatory": 0.0,
        "tau_syn_inhibitory": 0.0,
    }


def test_starts_at_rest() -> None:
    assert Rig("lif").neuron().v_membrane == REST
    assert Rig("lif", v_rest=-60.0).neuron().v_membrane == -60.0


def interval(rig: Rig, current: float) -> float:
    """Between the first two spikes of cell 0, ms. (The first does not count: it starts at rest, not at reset.)"""
    fired = rig.run(current, steps=round(160 / rig.dt))["fired"][:, 0]
    first, second = np.flatnonzero(fired)[:2]
    return float(second - first) * rig.dt


# I (mV), gain, fraction by which the threshold is raised, threshold (mV), rate (Hz) as published to three digits
RATES = [
    (20.0, 1.0, 0.0, -50.0, 26.890),
    (20.0, 1.5, 0.0, -50.0, 45.566),
    (20.0, 2.0, 0.0, -50.0, 59.681),
    (20.0, 1.0, 0.06, -50.0, 18.013),  # -50 mV and 6 % of 50 mV: -47 mV
    (20.0, 1.0, 0.0, -55.0, 42.871),
]


@pytest.mark.parametrize(("current", "gain", "rise", "threshold", "rate"), RATES)
@pytest.mark.parametrize("dt", [1.0, 0.1, 0.005])
def test_rate_under_gain_and_threshold_shift(
    current: float, gain: float, rise: float, threshold: float, rate: float, dt: float
) -> None:
    """T = ref + tau ln((I + rest - reset) / (I + rest - threshold)), with I times the gain.

    A spike ends with its step, and v between is exact: the interval is T rounded up to whole steps (of the part
    after the refractory period, itself a whole number of steps here), so between T and T + dt; 1e-6 ms is for
    rounding. The rate is then low by at most rate^2 dt / 1000 Hz, and the published ones are rounded to 0.0005.
    """
    system = levels(norepinephrine=gain - 1.0, serotonin=rise)
    rig = Rig("lif", dt=dt, neuromodulation=system, v_threshold=threshold)
    drive = REST + current * gain
    shifted = threshold + abs(threshold) * rise
    exact = REFRACTORY + TAU * math.log((drive - RESET) / (drive - shifted))
    found = interval(rig, current)
    assert -1e-6 <= found - exact < dt + 1e-6
    assert -0.0005 - 1e-6 <= rate - 1000.0 / found <= 0.0005 + rate**2 * dt / 1000.0


def test_interval_at_20_mV_is_the_published_one() -> None:
    """37.189 ms, rounded up to steps of 1/256 ms (exact in binary, as is the refractory period)."""
    assert interval(Rig("lif", dt=1 / 256), 20.0) == math.ceil(37.189 * 256) / 256


@pytest.mark.parametrize("dt", [0.1, 1.0, 7.0])
def test_potential_under_constant_current_is_exact_at_any_step(dt: float) -> None:
    """Rounding only: each step adds at most a few ulp of 65 mV (1.4e-14), and the leak forgets them."""
    v = Rig("lif", dt=dt).run(10.0, steps=100)["v_membrane"][:, 0]
    t = dt * np.arange(1, 101)
    np.testing.assert_allclose(v, REST + 10.0 * (1.0 - np.exp(-t / TAU)), rtol=0, atol=2e-13)


@pytest.mark.parametrize(("kind", "sign"), [("exc", 1.0), ("inh", -1.0)])
def test_delta_synapse_moves_the_potential_by_its_weight(kind: str, sign: float) -> None:
    rig = Rig("lif", weight_exc=4.0, weight_inh=4.0)
    rig.pulse(rig.wire_exc if kind == "exc" else rig.wire_inh, [3])
    v = rig.run(0.0, steps=30)["v_membrane"][:, 0]
    assert v[:2].tolist() == [REST, REST]
    np.testing.assert_allclose(v[2:], REST + sign * 4.0 * np.exp(-np.arange(28) / TAU), rtol=0, atol=2e-13)


def test_delta_synapse_can_fire_the_neuron_in_the_step_of_its_arrival() -> None:
    rig = Rig("lif", weight_exc=16.0)
    rig.pulse(rig.wire_exc, [4])
    assert np.flatnonzero(rig.run(0.0, steps=10)["fired"]).tolist() == [3]
    assert rig.neuron().last_spike_time == 4.0


@pytest.mark.parametrize("tau_syn", [0.01, 2.0, 19.9999999, 20.0, 20.0001, 150.0])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_exponential_synapse_is_exact(tau_syn: float, dt: float) -> None:
    """The potential t after the arrival: w tau_s / (tau_s - tau_m) (exp(-t/tau_s) - exp(-t/tau_m)).

    Where the two are nearly equal the formula itself cancels, so it is written with expm1; the same value.
    """
    rig = Rig("lif", dt=dt, weight_exc=8.0, tau_syn_excitatory=tau_syn)
    rig.pulse(rig.wire_exc, [2])
    got = rig.run(0.0, steps=200)
    t = dt * np.arange(199)  # since the arrival, at the end of step 2
    rate = 1.0 / tau_syn - 1.0 / TAU
    # (exp(-t/tau_m) - exp(-t/tau_s)) / rate, the difference as one expm1
    shape = t if rate == 0.0 else -np.expm1(-t * rate) / rate
    expected = REST + 8.0 / TAU * np.exp(-t / TAU) * shape
    np.testing.assert_allclose(got["v_membrane"][1:, 0], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(got["i_syn_excitatory"][1:, 0], 8.0 * np.exp(-t / tau_syn), rtol=0, atol=1e-12)


def test_inhibitory_current_has_its_own_time_constant() -> None:
    rig = Rig("lif", weight_exc=8.0, weight_inh=8.0, tau_syn_excitatory=5.0, tau_syn_inhibitory=10.0)
    rig.pulse(rig.wire_exc, [2])
    rig.pulse(rig.wire_inh, [2])
    got = rig.run(0.0, steps=12)
    t = np.arange(11.0)
    np.testing.assert_allclose(got["i_syn_excitatory"][1:, 0], 8.0 * np.exp(-t / 5.0), atol=1e-13)
    np.testing.assert_allclose(got["i_syn_inhibitory"][1:, 0], -8.0 * np.exp(-t / 10.0), atol=1e-13)


@pytest.mark.parametrize(
    ("period", "dt", "steps"), [(5.0, 1.0, 5), (5.0, 0.5, 10), (2.4, 1.0, 2), (2.6, 1.0, 3), (0.0, 1.0, 0)]
)
def test_refractory_steps(period: float, dt: float, steps: int) -> None:
    """At I = 1,000 mV a free neuron fires in every step: so one spike every 1 + round(period / dt) steps."""
    got = Rig("lif", dt=dt, refractory_period=period).run(1000.0, steps=60)
    assert np.flatnonzero(got["fired"]).tolist() == list(range(0, 60, steps + 1))
    assert np.all(got["v_membrane"] == RESET)


def test_input_in_the_refractory_period_is_lost_but_currents_decay_on() -> None:
    """Spike in step 1; refractory in steps 2 to 6; a weight of 100 mV arrives in step 4."""
    kick = np.zeros((12, 1))
    kick[0] = 2000.0
    rig = Rig("lif", weight_exc=100.0)
    rig.pulse(rig.wire_exc, [4])
    got = rig.run(kick)
    assert np.flatnonzero(got["fired"]).tolist() == [0]
    assert np.all(got["v_membrane"][:6] == RESET)
    assert got["v_membrane"][6, 0] == pytest.approx(REST + (RESET - REST) * math.exp(-1 / TAU), abs=1e-13)

    rig = Rig("lif", weight_exc=64.0, tau_syn_excitatory=5.0)
    rig.pulse(rig.wire_exc, [4])
    got = rig.run(kick)
    assert np.all(got["v_membrane"][:6] == RESET)
    assert got["i_syn_excitatory"][5, 0] == pytest.approx(64.0 * math.exp(-2 / 5.0), abs=1e-13)
    response = 5.0 / (5.0 - TAU) * (math.exp(-1 / 5.0) - math.exp(-1 / TAU))
    expected = REST + (RESET - REST) * math.exp(-1 / TAU) + 64.0 * math.exp(-2 / 5.0) * response
    assert got["v_membrane"][6, 0] == pytest.approx(expected, abs=1e-12)


def test_refractory_steps_count_down() -> None:
    rig = Rig("lif")
    got = rig.run(np.array([[2000.0]] + [[0.0]] * 6))
    assert got["refractory_left"][:, 0].tolist() == [5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "tau_syn",
    [(0.0, 0.0), (5.0, 10.0), (0.0, 3.0), (20.0, 0.5)],
    ids=lambda pair: f"tau_syn_{pair[0]}_{pair[1]}",
)
@pytest.mark.parametrize("dt", [0.1, 1.0, 2.3])
def test_like_its_oracle(dt: float, tau_syn: tuple[float, float]) -> None:
    exc, inh = tau_syn
    assert_like_oracle(
        "lif",
        dt=dt,
        strength=64.0,
        tolerance=1e-11,
        tau_syn_excitatory=exc,
        tau_syn_inhibitory=inh,
        tau_m=12.0,
    )
