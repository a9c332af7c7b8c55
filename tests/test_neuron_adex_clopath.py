"""`csrc/neuron_adex_clopath.c` against its oracle, against `adex` where it is one, and in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels

E_LEAK, V_RESET, V_CLAMP, A, B, TAU_W = -70.6, -49.5, 31.131, 4.0, 0.805, 144.0
KICK = 1e6  # pA: fires a neuron in one step of 0.1 ms or more
PLAIN = {
    "i_sp": 0.0,
    "v_threshold_max": -50.4,
    "t_clamp": 0.0,
}  # neither afterpotential, new threshold nor clamp


def kicked(steps: int, at: int = 0) -> np.ndarray:
    current = np.zeros((steps, 1))
    current[at] = KICK
    return current


def test_defaults_are_those_of_the_paper_and_its_program() -> None:
    assert Rig("adex_clopath").params == {
        "capacitance": 281.0,
        "g_leak": 30.0,
        "e_leak": E_LEAK,
        "v_threshold": -50.4,
        "v_threshold_max": -30.4,
        "tau_v_threshold": 50.0,
        "delta_t": 2.0,
        "a": A,
        "b": B,
        "tau_w": TAU_W,
        "i_sp": 400.0,
        "tau_z": 40.0,
        "v_reset": V_RESET,
        "v_peak": 20.0,
        "v_clamp": V_CLAMP,
        "t_clamp": 2.0,
        "tau_syn_excitatory": 0.0,
        "tau_syn_inhibitory": 0.0,
    }
    assert Rig("adex_clopath", e_leak=-80.0).neuron().v_membrane == -80.0


@pytest.mark.parametrize(("dt", "n"), [(0.1, 20), (0.5, 4), (1.0, 2), (2.5, 1)])
def test_a_spike_lasts_and_then_resets(dt: float, n: int) -> None:
    """v_clamp at the ends of t_clamp / dt steps, the spike's own the first; then z and V_T decay from I_sp and V_Tmax,
    and w goes on from b above where the spike stopped it."""
    got = Rig("adex_clopath", dt=dt).run(kicked(60))
    assert np.flatnonzero(got["fired"]).tolist() == [0]
    assert np.flatnonzero(got["v_membrane"] == V_CLAMP).tolist() == list(range(n))
    assert got["clamp_left"][: n + 1, 0].tolist() == list(range(n, -1, -1))
    w = got["u_recovery"][:, 0]
    assert np.ptp(w[:n]) == 0.0
    assert w[n] - w[n - 1] == pytest.approx(B + A * (V_RESET - E_LEAK) * dt / TAU_W, rel=0.2)
    t = dt * np.arange(1, 61 - n)
    np.testing.assert_allclose(got["i_afterpotential"][n:, 0], 400.0 * np.exp(-t / 40.0), rtol=1e-12)
    np.testing.assert_allclose(got["v_threshold_excess"][n:, 0], 20.0 * np.exp(-t / 50.0), rtol=1e-12)


def test_after_a_spike_the_potential_is_a_sum_of_exponentials() -> None:
    """Without adaptation and far below V_T: C du/dt = -g (u - E) + z, from v_reset; the upswing, at most 8e-5 of the
    leak there, is what is left."""
    got = Rig("adex_clopath", dt=0.1, a=0.0, b=0.0).run(kicked(600))
    t, tau_m = 0.1 * np.arange(1, 581), 281.0 / 30.0
    gain = 400.0 / 281.0 / (1.0 / tau_m - 1.0 / 40.0)
    exact = E_LEAK + (V_RESET - E_LEAK) * np.exp(-t / tau_m)
    exact += gain * (np.exp(-t / 40.0) - np.exp(-t / tau_m))
    np.testing.assert_allclose(got["v_membrane"][20:, 0], exact, rtol=0, atol=5e-3)


def test_without_a_clamp_the_reset_is_in_the_step_of_the_spike() -> None:
    got = Rig("adex_clopath", t_clamp=0.0).run(kicked(3))
    assert got["v_membrane"][0, 0] == V_RESET
    assert got["i_afterpotential"][0, 0] == 400.0
    assert got["v_threshold_excess"][0, 0] == pytest.approx(20.0, rel=1e-15)


@pytest.mark.parametrize("dt", [0.1, 0.25])
def test_stripped_of_what_is_new_it_is_adex(dt: float) -> None:
    """The same trains and potentials to rounding, of which an upswing makes 1e3 times as much. (One substep a step:
    in later substeps of a spike's step adex goes on with w, and here w stands still.)"""
    current = np.random.default_rng(1).uniform(-500.0, 2500.0, (400, 1))
    same = {"v_reset": -60.0, "v_peak": 20.0, "b": 80.5}
    one = Rig("adex_clopath", dt=dt, **PLAIN, **same).run(current)
    other = Rig("adex", dt=dt, **same).run(current)
    assert one["fired"].sum() >= 2
    for name in ("fired", "v_membrane", "u_recovery"):
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(("v_threshold_max", "in_program"), [(-30.4, 97), (30.4, 18)])
def test_rate_under_a_constant_current_is_that_of_the_authors_program(
    v_threshold_max: float, in_program: int
) -> None:
    """2 s of 1 nA. The program takes Euler steps of 1 ms, in which an upswing lasts up to 1 ms longer: 6 % of rate."""
    rig = Rig("adex_clopath", dt=0.1, b=0.0805, v_threshold_max=v_threshold_max)
    assert rig.run(1000.0, steps=20_000)["fired"].sum() == pytest.approx(in_program, rel=0.06)


def test_jumps_during_a_spike_are_lost() -> None:
    rig, quiet = Rig("adex_clopath", weight_exc=8.0), Rig("adex_clopath")
    rig.pulse(rig.wire_exc, [5, 6])  # the steps that end in the clamp
    one, other = (each.run(kicked(20, at=4))["v_membrane"] for each in (rig, quiet))
    assert one.tobytes() == other.tobytes()
    rig = Rig("adex_clopath", weight_exc=8.0)
    rig.pulse(rig.wire_exc, [7])
    late = rig.run(kicked(20, at=4))["v_membrane"]
    assert late[6, 0] == pytest.approx(other[6, 0] + 8.0, rel=1e-12)


def test_a_raised_threshold_shifts_the_upswing() -> None:
    """Serotonin at 5 %: as if V_Trest, V_Tmax and v_peak were higher by 5 % of 50.4 mV."""
    raised = Rig("adex_clopath", dt=0.1, neuromodulation=levels(serotonin=0.05)).run(800.0, steps=2000)
    shifted = Rig("adex_clopath", dt=0.1, v_threshold=-47.88, v_threshold_max=-27.88, v_peak=22.52)
    plain = Rig("adex_clopath", dt=0.1).run(800.0, steps=2000)
    other = shifted.run(800.0, steps=2000)
    assert np.array_equal(raised["fired"], other["fired"])
    np.testing.assert_allclose(raised["v_membrane"], other["v_membrane"], rtol=0, atol=1e-9)
    assert 0 < raised["fired"].sum() < plain["fired"].sum()


@pytest.mark.parametrize("current", [1e9, -1e6])
def test_absurd_currents_do_not_overflow(current: float) -> None:
    got = Rig("adex_clopath", dt=1.0).run(current, steps=300)
    assert all(np.isfinite(column).all() for column in got.values())
    assert got["fired"].sum() == (150 if current > 0 else 0)


def test_delta_synapse_can_fire_the_neuron() -> None:
    rig = Rig("adex_clopath", weight_exc=128.0)
    rig.pulse(rig.wire_exc, [3])
    got = rig.run(0.0, steps=8)
    assert np.flatnonzero(got["fired"]).tolist() == [2]
    assert np.flatnonzero(got["v_membrane"] == V_CLAMP).tolist() == [2, 3]


@pytest.mark.parametrize("tau_syn", [(0.0, 0.0), (5.0, 10.0)], ids=["delta", "exponential"])
@pytest.mark.parametrize("dt", [0.1, 1.0])
@pytest.mark.parametrize("t_clamp", [0.0, 2.0])
def test_like_its_oracle(dt: float, tau_syn: tuple[float, float], t_clamp: float) -> None:
    """Rounding of exp apart (1 ulp a call) the same operations; an upswing amplifies that by some 1e3."""
    exc, inh = tau_syn
    assert_like_oracle(
        "adex_clopath",
        dt=dt,
        strength=2048.0,
        tolerance=1e-8,
        steps=600,
        tau_syn_excitatory=exc,
        tau_syn_inhibitory=inh,
        t_clamp=t_clamp,
        b=80.5,
    )
