"""`csrc/neuron_adex.c` against a 30-digit solution (`data/adex.csv`), limits in closed form, and its oracle."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels

CURRENTS = [500, 650, 800, 1000, 2000]  # pA, as in data/generate_adex.py
E_LEAK, V_RESET, G_LEAK, A, B, TAU_W = -70.6, -70.6, 30.0, 4.0, 80.5, 144.0


class Reference(NamedTuple):
    spikes: list[float]  # ms
    samples: list[tuple[float, float, float]]  # ms, mV, pA


def reference(current: int) -> Reference:
    found = Reference([], [])
    with (Path(__file__).parent / "data" / "adex.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if int(row["current_pA"]) == current and row["what"] == "spike":
                found.spikes.append(float(row["time_ms"]))
            elif int(row["current_pA"]) == current:
                found.samples.append((float(row["time_ms"]), float(row["v_mV"]), float(row["w_pA"])))
    assert len(found.samples) == 100
    return found


def test_defaults_are_those_of_the_paper() -> None:
    assert Rig("adex").params == {
        "capacitance": 281.0,
        "g_leak": G_LEAK,
        "e_leak": E_LEAK,
        "v_threshold": -50.4,
        "delta_t": 2.0,
        "a": A,
        "b": B,
        "tau_w": TAU_W,
        "v_reset": V_RESET,
        "v_peak": 0.0,
        "refractory_period": 0.0,
        "tau_syn_excitatory": 0.0,
        "tau_syn_inhibitory": 0.0,
    }
    assert Rig("adex").neuron().v_membrane == E_LEAK
    assert Rig("adex", e_leak=-80.0).neuron().v_membrane == -80.0


@pytest.mark.parametrize("current", CURRENTS)
@pytest.mark.parametrize(("dt", "of_v", "of_w"), [(0.1, 6e-8, 1e-8), (1.0, 2e-6, 3e-7)])
def test_trajectory_up_to_the_first_spike(current: int, dt: float, of_v: float, of_w: float) -> None:
    """Twice the errors measured, which the file's comment states, until 1 ms before the upswing."""
    exact = reference(current)
    got = Rig("adex", dt=dt).run(current, steps=round(200 / dt))
    last = exact.spikes[0] - 1.0 if exact.spikes else 200.0
    before = [row for row in exact.samples if row[0] <= last]
    assert before
    for time, v, w in before:
        k = round(time / dt) - 1
        assert got["v_membrane"][k, 0] == pytest.approx(v, abs=of_v)
        assert got["u_recovery"][k, 0] == pytest.approx(w, abs=of_w)


@pytest.mark.parametrize("current", CURRENTS)
@pytest.mark.parametrize("dt", [0.05, 0.1])
def test_spike_times(current: int, dt: float) -> None:
    """A spike ends with its step, so it is up to one step late, and the substep in which v runs away is found late
    by up to 0.2 of one; every spike starts the next interval late, and adaptation can double that once."""
    exact = np.array(reference(current).spikes)
    found = (np.flatnonzero(Rig("adex", dt=dt).run(current, steps=round(200 / dt))["fired"]) + 1) * dt
    assert len(found) == len(exact)
    late = (found - exact) / dt
    assert np.all(late > 0.0)
    assert np.all(late[:1] <= 1.2)
    assert np.all(late <= 2.0 * np.arange(1, len(exact) + 1))


def test_no_rate_below_rheobase() -> None:
    """With a = 4 nS the resting state is lost, in the paper's parameters, between 500 and 650 pA."""
    assert not reference(500).spikes
    assert len(reference(650).spikes) == 2


def test_adaptation_settles_where_v_does() -> None:
    """dw/dt = 0 at w = a (v - e_leak), for a current without spikes; after 14 tau_w (1e-6 of any start is left)."""
    got = Rig("adex", dt=1.0).run(300.0, steps=2000)
    assert got["u_recovery"][-1, 0] == pytest.approx(A * (got["v_membrane"][-1, 0] - E_LEAK), abs=1e-4)
    assert got["fired"].sum() == 0


def test_a_spike_adds_b_and_resets() -> None:
    got = Rig("adex", dt=0.1).run(1000.0, steps=200)
    spike = int(np.flatnonzero(got["fired"])[0])
    assert got["v_membrane"][spike, 0] == V_RESET
    # in one step w itself moves by less than a (v_peak - v_reset) dt / tau_w = 0.2 pA
    assert got["u_recovery"][spike, 0] - got["u_recovery"][spike - 1, 0] == pytest.approx(B, abs=0.2)


@pytest.mark.parametrize(("period", "dt", "steps"), [(2.0, 0.5, 4), (0.0, 0.5, 0), (5.0, 1.0, 5)])
def test_refractory_period(period: float, dt: float, steps: int) -> None:
    """Under 100 nA a free neuron fires in every step; held, v is v_reset and w goes on."""
    got = Rig("adex", dt=dt, refractory_period=period, b=0.0).run(1e5, steps=40)
    assert np.flatnonzero(got["fired"]).tolist() == list(range(0, 40, steps + 1))
    assert np.all(got["v_membrane"] == V_RESET)


def test_w_decays_while_v_is_held() -> None:
    """At v = v_reset = e_leak: w exp(-t / tau_w), to the error of the method (1e-9 of it)."""
    rig = Rig("adex", refractory_period=50.0, b=1000.0)
    kick = np.zeros((40, 1))
    kick[0] = 1e5
    w = rig.run(kick)["u_recovery"][:, 0]
    np.testing.assert_allclose(w[1:], w[0] * np.exp(-np.arange(1, 40) / TAU_W), rtol=1e-9)


def test_a_raised_threshold_shifts_the_upswing() -> None:
    """Serotonin at 5 %: as if v_threshold and v_peak were higher by 5 % of 50.4 mV."""
    raised = Rig("adex", dt=0.1, neuromodulation=levels(serotonin=0.05)).run(1000.0, steps=1000)
    shifted = Rig("adex", dt=0.1, v_threshold=-50.4 + 2.52, v_peak=2.52).run(1000.0, steps=1000)
    plain = Rig("adex", dt=0.1).run(1000.0, steps=1000)
    assert np.array_equal(raised["fired"], shifted["fired"])
    np.testing.assert_allclose(raised["v_membrane"], shifted["v_membrane"], rtol=0, atol=1e-9)
    assert 0 < raised["fired"].sum() < plain["fired"].sum()


@pytest.mark.parametrize("current", [1e9, -1e6])
def test_absurd_currents_do_not_overflow(current: float) -> None:
    got = Rig("adex", dt=1.0).run(current, steps=300)
    assert all(np.isfinite(column).all() for column in got.values())
    assert got["fired"].sum() == (300 if current > 0 else 0)


def test_a_sharp_upswing_does_not_overflow_while_v_is_held_above_it() -> None:
    """The upswing at v_reset would be 1e5 nS * 1e-3 mV * exp(10,400), and 0 times infinity is not a number.

    While v is held, w goes to a (v_reset - e_leak) with tau_w.
    """
    sharp = {"v_reset": -40.0, "delta_t": 1e-3, "g_leak": 1e5, "capacitance": 1e6, "refractory_period": 5.0}
    got = Rig("adex", **sharp).run(1e9, steps=12)
    assert np.flatnonzero(got["fired"]).tolist() == [0, 6]
    held = got["u_recovery"][:6, 0]
    target = A * (-40.0 - E_LEAK)
    np.testing.assert_allclose(
        held[1:], target + (held[0] - target) * np.exp(-np.arange(1, 6) / TAU_W), rtol=1e-9
    )


@pytest.mark.parametrize("dt", [0.1, 0.05])
@pytest.mark.parametrize("current", [700.0, 1000.0, 3000.0])
def test_without_a_slope_factor_it_is_a_leaky_integrator(current: float, dt: float) -> None:
    """From v_reset to v_threshold in tau ln((RI - 0) / (RI - V)); a step late at most, as spikes end with steps."""
    rise = -50.0 - E_LEAK
    got = Rig("adex", dt=dt, delta_t=0.0, v_threshold=-50.0, a=0.0, b=0.0).run(current, steps=round(200 / dt))
    intervals = np.diff(np.flatnonzero(got["fired"])) * dt
    right = 281.0 / G_LEAK * np.log(current / G_LEAK / (current / G_LEAK - rise))
    assert len(intervals) > 5
    assert right <= intervals.mean() <= right + dt
    assert got["v_membrane"].max() < -50.0


def test_delta_synapse_moves_the_potential() -> None:
    """Far below v_threshold the upswing is 1e-4 of the leak, and w hardly moves: a leaky decay from the jump."""
    rig = Rig("adex", dt=0.1, weight_exc=4.0)
    rig.pulse(rig.wire_exc, [3])
    v = rig.run(0.0, steps=20)["v_membrane"][:, 0]
    assert v[2] - v[1] == pytest.approx(4.0, abs=1e-4)
    t = 0.1 * np.arange(18)
    np.testing.assert_allclose(v[2:], E_LEAK + 4.0 * np.exp(-t * G_LEAK / 281.0), rtol=0, atol=2e-3)


@pytest.mark.parametrize("weight", [128.0])
def test_delta_synapse_can_fire_the_neuron(weight: float) -> None:
    rig = Rig("adex", weight_exc=weight)
    rig.pulse(rig.wire_exc, [3])
    got = rig.run(0.0, steps=5)
    assert np.flatnonzero(got["fired"]).tolist() == [2]
    assert got["u_recovery"][2, 0] == pytest.approx(B, abs=1e-2)


@pytest.mark.parametrize("tau_syn", [(0.0, 0.0), (5.0, 10.0)], ids=["delta", "exponential"])
@pytest.mark.parametrize("dt", [0.1, 1.0])
@pytest.mark.parametrize(("refractory_period", "delta_t"), [(0.0, 2.0), (2.0, 2.0), (2.0, 0.0)])
def test_like_its_oracle(
    dt: float, tau_syn: tuple[float, float], refractory_period: float, delta_t: float
) -> None:
    """Rounding of exp apart (1 ulp a call) the same operations; an upswing amplifies that by some 1e3."""
    exc, inh = tau_syn
    assert_like_oracle(
        "adex",
        dt=dt,
        strength=2048.0,
        tolerance=1e-8,
        steps=600,
        tau_syn_excitatory=exc,
        tau_syn_inhibitory=inh,
        refractory_period=refractory_period,
        delta_t=delta_t,
    )
