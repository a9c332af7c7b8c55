"""`csrc/neuron_lif_cond.c` against closed forms, a fine Runge-Kutta solution, and its twin in `oracle.py`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels

REST, RESET, THRESHOLD, TAU, REFRACTORY = -60.0, -60.0, -50.0, 20.0, 5.0
E_EXC, E_INH = 0.0, -80.0


def test_defaults_are_those_of_the_benchmark() -> None:
    assert Rig("lif_cond").params == {
        "tau_m": TAU,
        "v_rest": REST,
        "v_reset": RESET,
        "v_threshold": THRESHOLD,
        "refractory_period": REFRACTORY,
        "e_rev_excitatory": E_EXC,
        "e_rev_inhibitory": E_INH,
        "tau_syn_excitatory": 5.0,
        "tau_syn_inhibitory": 10.0,
    }


def test_starts_at_rest() -> None:
    assert Rig("lif_cond", v_rest=-65.0).neuron().v_membrane == -65.0


@pytest.mark.parametrize("dt", [1.0, 0.1, 0.005])
def test_rate_without_synapses_is_that_of_the_lif(dt: float) -> None:
    """T = ref + tau ln(I / (I + rest - threshold)) for reset = rest, rounded up to whole steps."""
    rig = Rig("lif_cond", dt=dt)
    first, second = np.flatnonzero(rig.run(20.0, steps=round(60 / dt))["fired"][:, 0])[:2]
    exact = REFRACTORY + TAU * math.log(20.0 / (20.0 + REST - THRESHOLD))
    assert -1e-6 <= (second - first) * dt - exact < dt + 1e-6


@pytest.mark.parametrize(("wire", "e_rev"), [("exc", E_EXC), ("inh", E_INH)])
@pytest.mark.parametrize("dt", [0.1, 1.0, 7.0])
def test_a_lasting_conductance_is_exact_at_any_step(wire: str, e_rev: float, dt: float) -> None:
    """g = 1/8 for good (tau_syn 1e15 ms): v goes to (rest + g e) / (1 + g) with tau / (1 + g).

    At the end g has lost 200 dt / 1e15 of itself, which moves v by at most 8e-12 mV.
    """
    kind = {"exc": "excitatory", "inh": "inhibitory"}[wire]
    rig = Rig("lif_cond", dt=dt, v_threshold=0.0, **{f"weight_{wire}": 0.125, f"tau_syn_{kind}": 1e15})
    rig.pulse(getattr(rig, f"wire_{wire}"), [2])
    v = rig.run(0.0, steps=200)["v_membrane"][1:, 0]
    settles_at = (REST + 0.125 * e_rev) / 1.125
    exact = settles_at + (REST - settles_at) * np.exp(-dt * np.arange(199) * 1.125 / TAU)
    np.testing.assert_allclose(v, exact, rtol=0, atol=1e-11)


def test_conductances_decay_and_add_by_magnitude() -> None:
    rig = Rig("lif_cond", weight_exc=0.5, weight_inh=2.0, v_threshold=0.0)
    rig.pulse(rig.wire_exc, [2, 4])
    rig.pulse(rig.wire_inh, [2])
    got = rig.run(0.0, steps=12)
    t = np.arange(11.0)
    exc = 0.5 * np.exp(-t / 5.0) + 0.5 * np.where(t >= 2, np.exp(-(t - 2) / 5.0), 0.0)
    np.testing.assert_allclose(got["g_syn_excitatory"][1:, 0], exc, atol=1e-14)
    np.testing.assert_allclose(got["g_syn_inhibitory"][1:, 0], 2.0 * np.exp(-t / 10.0), atol=1e-14)


def runge_kutta(slope: Callable[[float, float], float], v: float, times: list[float]) -> list[float]:
    """v at each of the times, from 0, in steps of 1/512 ms."""
    found, t, h = [], 0.0, 1 / 512
    for end in times:
        while t < end - h / 2:
            a = slope(t, v)
            b = slope(t + h / 2, v + h / 2 * a)
            c = slope(t + h / 2, v + h / 2 * b)
            v += h / 6 * (a + 2 * b + 2 * c + slope(t + h, v + h * c))
            t += h
        found.append(v)
    return found


def errors(dt: float) -> float:
    """Largest error of v over 30 ms after g_exc = 2 and g_inh = 1 at once."""
    rig = Rig("lif_cond", dt=dt, v_threshold=10.0, weight_exc=2.0, weight_inh=1.0)
    rig.pulse(rig.wire_exc, [2])
    rig.pulse(rig.wire_inh, [2])
    v = rig.run(0.0, steps=round(30 / dt) + 2)["v_membrane"][1:, 0]

    def slope(t: float, v: float) -> float:
        return (REST - v + 2 * math.exp(-t / 5) * (E_EXC - v) + math.exp(-t / 10) * (E_INH - v)) / TAU

    exact = runge_kutta(slope, REST, [k * dt for k in range(len(v))])
    return float(np.max(np.abs(v - exact)))


def test_error_is_of_second_order() -> None:
    """Halving the step quarters the error: 0.0156 mV at 1 ms, 2.4e-4 mV at 1/8 ms."""
    coarse, middle, fine = errors(1.0), errors(0.5), errors(0.125)
    assert coarse < 0.02
    assert coarse / middle == pytest.approx(4.0, rel=0.1)
    assert middle / fine == pytest.approx(16.0, rel=0.1)


@pytest.mark.parametrize("dt", [0.1, 1.0, 10.0])
def test_the_potential_stays_between_its_reversal_potentials(dt: float) -> None:
    """Whatever arrives: conductances of 1e6 leaks as well."""
    rig = Rig("lif_cond", dt=dt, v_threshold=1.0, weight_exc=2.0**20, weight_inh=2.0**20)
    rig.pulse(rig.wire_exc, [3, 4, 9, 30])
    rig.pulse(rig.wire_inh, [6, 9, 10])
    v = rig.run(0.0, steps=60)["v_membrane"]
    assert v.min() >= E_INH
    assert v.max() <= E_EXC
    assert v.max() > -1.0, "excitation alone drives it to its reversal potential"


@pytest.mark.parametrize(
    ("period", "dt", "steps"), [(5.0, 1.0, 5), (5.0, 0.5, 10), (2.4, 1.0, 2), (2.6, 1.0, 3), (0.0, 1.0, 0)]
)
def test_refractory_steps(period: float, dt: float, steps: int) -> None:
    """At I = 1,000 mV a free neuron fires in every step: so one spike every 1 + round(period / dt) steps."""
    got = Rig("lif_cond", dt=dt, refractory_period=period).run(1000.0, steps=60)
    assert np.flatnonzero(got["fired"]).tolist() == list(range(0, 60, steps + 1))
    assert np.all(got["v_membrane"] == RESET)


def test_serotonin_raises_the_threshold() -> None:
    """At 12 mV the neuron settles at -48 mV: above -50, below -50 + 0.06 * 50 = -47 mV."""
    spikes = [
        Rig("lif_cond", neuromodulation=levels(serotonin=rise)).run(12.0, steps=200)["fired"].sum()
        for rise in (0.0, 0.06)
    ]
    assert spikes[0] > 0
    assert spikes[1] == 0


@pytest.mark.parametrize("dt", [0.1, 1.0, 2.3])
def test_like_its_oracle(dt: float) -> None:
    assert_like_oracle("lif_cond", dt=dt, strength=32.0, tolerance=1e-11, tau_m=12.0, v_reset=-63.0)
