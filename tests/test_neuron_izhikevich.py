"""`csrc/neuron_izhikevich.c` against the published program, published firing patterns, and its oracle."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def published(current: Floats, a: float, b: float, c: float, d: float) -> tuple[list[int], Floats, Floats]:
    """The loop of Izhikevich (2003), figure 3, for one neuron, operation by operation.

    Spikes are found at the START of a millisecond, in what the one before has left. Gives the milliseconds (1, 2,
    ...) in which v was left at 30 mV or more, and v and u at the end of each, before any reset.
    """
    v, u = -65.0, b * -65.0
    fired, vs, us = [], [], []
    for t, i in enumerate(current, start=1):
        if v >= 30:
            fired.append(t - 1)
            v, u = c, u + d
        v = v + 0.5 * (0.04 * (v * v) + 5 * v + 140 - u + i)
        v = v + 0.5 * (0.04 * (v * v) + 5 * v + 140 - u + i)
        u = u + a * (b * v - u)
        vs.append(v)
        us.append(u)
    if v >= 30:
        fired.append(len(current))
    return fired, np.array(vs), np.array(us)


def test_defaults_are_regular_spiking() -> None:
    rig = Rig("izhikevich")
    assert rig.params == {
        "a": 0.02,
        "b": 0.2,
        "c": -65.0,
        "d": 8.0,
        "v_peak": 30.0,
        "v_min": -200.0,
        "tau_syn_excitatory": 0.0,
        "tau_syn_inhibitory": 0.0,
    }
    assert rig.neuron().v_membrane == -65.0
    assert rig.neuron().u_recovery == -13.0


@pytest.mark.parametrize(
    ("name", "a", "c", "d"),
    [("RS", 0.02, -65.0, 8.0), ("FS", 0.1, -65.0, 2.0), ("CH", 0.02, -50.0, 2.0), ("IB", 0.02, -55.0, 4.0)],
)
def test_trajectory_is_the_published_one_to_the_last_bit(name: str, a: float, c: float, d: float) -> None:
    """2 s of the published noise, 13 (U - 0.5), on 10; our v and u stand after the reset at the end of a step."""
    current = 10.0 + 13.0 * (np.random.default_rng(7).random(2000) - 0.5)
    fired, v, u = published(current, a, 0.2, c, d)
    got = Rig("izhikevich", a=a, c=c, d=d).run(current[:, None])
    assert (np.flatnonzero(got["fired"]) + 1).tolist() == fired
    assert len(fired) > 20, name
    spike = v >= 30
    assert got["v_membrane"][:, 0].tolist() == np.where(spike, c, v).tolist()
    assert got["u_recovery"][:, 0].tolist() == np.where(spike, u + d, u).tolist()


def intervals(**params: float) -> Floats:
    """In ms, under a current of 10 from rest, for 1 s; at 0.1 ms, where the scheme follows the equations."""
    fired = Rig("izhikevich", dt=0.1, **params).run(10.0, steps=10_000)["fired"]
    return np.diff(np.flatnonzero(fired)) * 0.1


def test_regular_spiking_adapts_and_fast_spiking_does_not() -> None:
    """The 2003 paper's figure 2: RS fires with growing intervals, FS fast and (after the onset) without."""
    regular, fast = intervals(), intervals(a=0.1, d=2.0)
    assert regular[2] > 1.2 * regular[0]
    assert np.ptp(fast[3:]) <= 0.3 + 1e-9
    assert fast.mean() < 0.5 * regular.mean()


def test_chattering_fires_bursts() -> None:
    """Intervals inside a burst are short, those between bursts long, and little lies between."""
    found = intervals(c=-50.0, d=2.0)
    assert np.sum(found < 8.0) > 2 * np.sum(found > 20.0) > 4
    assert np.mean((found >= 8.0) & (found <= 20.0)) < 0.2


def test_a_raised_threshold_raises_the_peak() -> None:
    """Serotonin at 10 %: v_peak counts as 33 mV. A step that ends at 31.5 mV is a spike without it, none with it."""
    kick = np.array([[76.3]])
    free = Rig("izhikevich").run(kick)
    raised = Rig("izhikevich", neuromodulation=levels(serotonin=0.1)).run(kick)
    assert free["fired"].tolist() == [[1.0]]
    assert raised["fired"].tolist() == [[0.0]]
    assert 30.0 < raised["v_membrane"][0, 0] < 33.0


def test_strong_inhibition_ends_at_v_min() -> None:
    """At -2,000 the first half step would end at -1,066 mV; without v_min such input drives u to infinity."""
    got = Rig("izhikevich").run(np.array([[-2000.0]]))
    assert got["v_membrane"].tolist() == [[-200.0]]
    noise = np.random.default_rng(8).normal(0.0, 1000.0, (5000, 4))
    got = Rig("izhikevich", 4).run(noise)
    assert np.abs(got["u_recovery"]).max() < 1e3
    assert got["v_membrane"].min() == -200.0


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_delta_synapse_is_a_current_of_weight_per_step(dt: float) -> None:
    """A weight w acts like a current of w / dt in the step of its arrival."""
    rig = Rig("izhikevich", dt=dt, weight_exc=6.0)
    rig.pulse(rig.wire_exc, [5])
    current = np.zeros((40, 1))
    current[4] = 6.0 / dt
    by_synapse, by_current = rig.run(0.0, steps=40), Rig("izhikevich", dt=dt).run(current)
    assert by_synapse["v_membrane"].tolist() == by_current["v_membrane"].tolist()
    assert by_synapse["v_membrane"][4, 0] != by_synapse["v_membrane"][3, 0]


def test_exponential_synapse_gives_its_mean_from_the_next_step_on() -> None:
    """Weight 8, tau 4 ms: step k after the arrival gets the mean of 8 exp(-t/4) over it, like that current."""
    rig = Rig("izhikevich", weight_inh=8.0, tau_syn_inhibitory=4.0)
    rig.pulse(rig.wire_inh, [5])
    current = np.zeros((60, 1))
    after = np.arange(55)
    current[5:, 0] = -8.0 * 4.0 * (np.exp(-after / 4.0) - np.exp(-(after + 1) / 4.0))
    by_synapse, by_current = rig.run(0.0, steps=60), Rig("izhikevich").run(current)
    np.testing.assert_allclose(by_synapse["v_membrane"], by_current["v_membrane"], rtol=0, atol=1e-11)
    assert by_synapse["v_membrane"][:, 0].min() < -68.0


def test_like_its_oracle_to_the_last_bit_at_1_ms() -> None:
    assert_like_oracle("izhikevich", dt=1.0, strength=16.0, tolerance=0.0, least_spikes=20)


@pytest.mark.parametrize("dt", [0.25, 1.0])
def test_like_its_oracle_with_exponential_synapses(dt: float) -> None:
    """The model amplifies a rounding error around each spike: 1e-6 after 600 steps is still far below any bug."""
    assert_like_oracle(
        "izhikevich",
        dt=dt,
        strength=16.0,
        tolerance=1e-6,
        steps=600,
        tau_syn_excitatory=5.0,
        tau_syn_inhibitory=8.0,
    )
