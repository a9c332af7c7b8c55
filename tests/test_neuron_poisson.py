"""`csrc/neuron_poisson.c`: its probability, its independence, and its oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels

from neuromod import BrainModel, Simulation


def fired(n: int, steps: int, *, seed: int = 3, dt: float = 1.0, rate: float) -> np.ndarray:
    return Rig("poisson", n, seed=seed, dt=dt, rate=rate).run(0.0, steps=steps)["fired"]


def test_default_rate() -> None:
    assert Rig("poisson").params == {"rate": 10.0}


@pytest.mark.parametrize(("rate", "dt"), [(10.0, 1.0), (100.0, 1.0), (100.0, 0.1), (800.0, 1.0)])
def test_probability_of_a_spike_in_a_step(rate: float, dt: float) -> None:
    """Fixed seed. The count of N = 600 * 1000 draws is binomial with p = rate dt / 1000; it lies within 4 standard
    deviations but once in 16,000 seeds. 1 - exp(-rate dt / 1000) would be off by 13 sd at 100 Hz, 1 ms."""
    p = rate * dt / 1000.0
    draws = 600 * 1000
    count = fired(600, 1000, rate=rate, dt=dt).sum()
    assert abs(count - draws * p) <= 4.0 * math.sqrt(draws * p * (1.0 - p))


def test_counts_vary_like_independent_draws() -> None:
    """Variance of 1,000 neurons' counts over that of a binomial is chi-square / 999: 1 within 4 * sqrt(2 / 999).
    The same over steps, which neurons that fired together would widen."""
    p = 0.05
    spikes = fired(1000, 1000, rate=50.0)
    for axis in (0, 1):
        ratio = spikes.sum(axis=axis).var(ddof=1) / (1000 * p * (1.0 - p))
        assert abs(ratio - 1.0) <= 4.0 * math.sqrt(2.0 / 999.0)


def test_neighbours_in_time_and_space_are_uncorrelated() -> None:
    """A correlation of 1e6 pairs of independent draws has standard deviation 1e-3; 4 of them."""
    spikes = fired(1001, 1001, rate=200.0)
    for a, b in ((spikes[1:], spikes[:-1]), (spikes[:, 1:], spikes[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) <= 4e-3


def test_rate_zero_never_fires_and_the_largest_rate_always() -> None:
    assert fired(100, 200, rate=0.0).sum() == 0
    assert fired(100, 200, rate=1000.0).sum() == 100 * 200
    assert fired(100, 200, dt=0.1, rate=10_000.0).sum() == 100 * 200


@pytest.mark.parametrize("dt", [0.1, 0.3, 1.0, 7.0])
def test_a_rate_above_one_spike_a_step_is_refused_where_it_is_set_and_where_it_is_met(dt: float) -> None:
    most = 1000.0 / dt
    config = {
        "lattice_shape": [4, 1, 1, 1],
        "areas": [{"name": "noise", "coord_ranges": {"x": [0, 3], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}],
    }
    sim = Simulation(BrainModel(config=config), seed=1, dt=dt)
    with pytest.raises(
        ValueError, match=rf"^params.rate: must be at most 1000 / dt = .* at dt {dt:g} ms; got .*'noise'"
    ):
        sim.initialize_neurons(model="poisson", params={"rate": most * 1.001})
    assert len(sim.model.neurons) == 0
    sim.initialize_neurons(model="poisson", params={"rate": most})
    sim.run(2)
    sim.model.neurons.rate[2] = most * 1.001
    before = sim.model.neurons.spike_count.copy()
    with pytest.raises(
        ValueError, match=r"^neurons\[2\].rate: must be at most 1000 / dt = .*poisson neuron of area 'noise'"
    ):
        sim.run(2)
    assert sim.current_step == 2
    assert np.array_equal(before, sim.model.neurons.spike_count)
    sim.model.neurons.rate[2] = most
    assert sim.run(10)["spike_counts"].tolist() == [10] * 4


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
    rig.neuron(1).params["rate"] = 1e3
    assert rig.run(0.0, steps=50)["fired"].sum(axis=0).tolist() == [0.0, 50.0, 0.0]


@pytest.mark.parametrize("rate", [20.0, 900.0])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_like_its_oracle(rate: float, dt: float) -> None:
    assert_like_oracle("poisson", dt=dt, strength=1.0, tolerance=0.0, rate=rate)
