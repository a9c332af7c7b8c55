"""`csrc/neuron_poisson.c`: its probability, its independence, and its oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels


def fired(n: int, steps: int, *, seed: int = 3, dt: float = 1.0, rate: float) -> np.ndarray:
    return Rig("poisson", n, seed=seed, dt=dt, rate=rate).run(0.0, steps=steps)["fired"]


def test_default_rate() -> None:
    assert Rig("poisson").params == {"rate": 10.0}


@pytest.mark.parametrize(("rate", "dt"), [(10.0, 1.0), (100.0, 1.0), (100.0, 0.1), (800.0, 1.0)])
def test_probability_of_a_spike_in_a_step(rate: float, dt: float) -> None:
    """Fixed seed. The count of N = 600 * 1000 draws is binomial with p = 1 - exp(-rate dt / 1000); it lies within
    4 standard deviations but once in 16,000 seeds. `rate dt / 1000` itself would be off by 9 sd at 100 Hz, 1 ms."""
    p = -math.expm1(-rate * dt / 1000.0)
    draws = 600 * 1000
    count = fired(600, 1000, rate=rate, dt=dt).sum()
    assert abs(count - draws * p) <= 4.0 * math.sqrt(draws * p * (1.0 - p))


def test_counts_vary_like_independent_draws() -> None:
    """Variance of 1,000 neurons' counts over that of a binomial is chi-square / 999: 1 within 4 * sqrt(2 / 999).
    The same over steps, which neurons that fired together would widen."""
    p = -math.expm1(-0.05)
    spikes = fired(1000, 1000, rate=50.0)
    for axis in (0, 1):
        ratio = spikes.sum(axis=axis).var(ddof=1) / (1000 * p * (1.0 - p))
        assert abs(ratio - 1.0) <= 4.0 * math.sqrt(2.0 / 999.0)


def test_neighbours_in_time_and_space_are_uncorrelated() -> None:
    """A correlation of 1e6 pairs of independent draws has standard deviation 1e-3; 4 of them."""
    spikes = fired(1001, 1001, rate=200.0)
    for a, b in ((spikes[1:], spikes[:-1]), (spikes[:, 1:], spikes[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) <= 4e-3


def test_rate_zero_never_fires_and_a_huge_rate_always() -> None:
    assert fired(100, 200, rate=0.0).sum() == 0
    assert fired(100, 200, rate=1e7).sum() == 100 * 200


def test_a_tiny_rate_is_met() -> None:
    """1e-4 Hz at 0.1 ms is p = 1e-8, 43 of 2^32 words: in 2e5 steps of 1,000 neurons 2 are expected; more than 12
    come once in 1e6 seeds. Lost digits (p rounded to 0 or 2^-24) would give 0 of 2e8, or 12."""
    count = Rig("poisson", 1000, rate=1e-4, dt=0.1, seed=5).sim.run(200_000)["spike_counts"].sum()
    assert 1 <= count <= 11


def test_seed_decides() -> None:
    one, same, other = (fired(50, 200, rate=100.0, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_neuron_draws_the_same_whoever_is_beside_it() -> None:
    few, many = fired(5, 300, rate=100.0), fired(700, 300, rate=100.0)
    assert np.array_equal(few, many[:, :5])


def test_inputs_and_modulators_have_no_effect() -> None:
    loud = Rig(
        "poisson", 20, rate=100.0, weight_exc=64.0, neuromodulation=levels(norepinephrine=3.0, serotonin=0.5)
    )
    loud.pulse(loud.wire_exc, list(range(2, 200)))
    quiet = Rig("poisson", 20, rate=100.0)
    assert np.array_equal(loud.run(500.0, steps=200)["fired"], quiet.run(0.0, steps=200)["fired"])


def test_neurons_have_rates_of_their_own() -> None:
    rig = Rig("poisson", 3, rate=0.0)
    rig.neuron(1).params["rate"] = 1e7
    assert rig.run(0.0, steps=50)["fired"].sum(axis=0).tolist() == [0.0, 50.0, 0.0]


@pytest.mark.parametrize("rate", [20.0, 900.0])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_like_its_oracle(rate: float, dt: float) -> None:
    assert_like_oracle("poisson", dt=dt, strength=1.0, tolerance=0.0, rate=rate)
