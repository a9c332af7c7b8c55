"""Gamma and correlated trains against theory, and what plays trains, spike lists and events of a camera."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from driven_network import network
from numpy.typing import NDArray
from scipy_free import normal_two_sided

from neuromod import (
    BrainModel,
    NeuromodWarning,
    Simulation,
    SpikeMonitor,
    _core,
    correlated_trains,
    gamma_trains,
    play_camera,
    play_spikes,
    play_trains,
)
from neuromod.drive.trains import _gammas

Floats = NDArray[np.float64]


def regularised_gamma(a: float, x: float) -> float:
    """P(a, x), by its series."""
    term = total = 1.0 / a
    k = a
    while term > 1e-17 * total:
        k += 1.0
        term *= x / k
        total += term
    return total * math.exp(-x + a * math.log(x) - math.lgamma(a))


def kolmogorov(values: Floats, cdf: Callable[[float], float]) -> float:
    """p-value of the test of Kolmogorov and Smirnov, by the series of the limit distribution."""
    n = len(values)
    expected = np.array([cdf(float(x)) for x in np.sort(values)])
    rank = np.arange(1, n + 1) / n
    d = max((rank - expected).max(), (expected - rank + 1.0 / n).max()) * (
        math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)
    )
    return 2.0 * sum((-1) ** (k - 1) * math.exp(-2.0 * k * k * d * d) for k in range(1, 101))


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 2.5, 10.0])
@pytest.mark.parametrize("seed", range(4))
def test_gamma_deviates_have_their_distribution(shape: float, seed: int) -> None:
    """20 p-values with fixed seeds, each above 1e-3."""
    assert kolmogorov(_gammas(shape, 1500, seed, 7), lambda x: regularised_gamma(shape, x)) > 1e-3


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0, 20.0])
def test_rate_and_cv_of_gamma_trains(shape: float) -> None:
    """Rate by the renewal theorem (variance of a count: mean / shape); CV of the intervals 1 / sqrt(shape)."""
    trains = gamma_trains(400, rate=50.0, shape=shape, duration=5000.0, seed=3)
    total = sum(map(len, trains))
    sd = math.sqrt(400 * (250.0 / shape + 1.0))
    assert normal_two_sided((total - 400 * 250.0) / sd) > 1e-3
    intervals = np.concatenate([np.diff(train) for train in trains])
    assert intervals.std() / intervals.mean() == pytest.approx(1.0 / math.sqrt(shape), rel=0.02)
    assert all(np.all(np.diff(train) > 0.0) and train[0] >= 0.0 and train[-1] <= 5000.0 for train in trains)


def test_gamma_trains_are_stationary_from_the_start() -> None:
    """The rate in each 2 ms of the first 40, of regular trains: an ordinary renewal process would begin at 0."""
    trains = gamma_trains(20_000, rate=50.0, shape=16.0, duration=40.0, seed=5)
    counts, _ = np.histogram(np.concatenate(trains), bins=20, range=(0.0, 40.0))
    z = (counts - 2000.0) / math.sqrt(2000.0)
    assert np.abs(z).max() < 4.0


def test_gamma_trains_take_a_rate_for_each_and_do_not_depend_on_how_many_there_are() -> None:
    some = gamma_trains(2, [0.0, 30.0], 2.0, 10_000.0, seed=1, start=100.0)
    more = gamma_trains(5, 30.0, 2.0, 10_000.0, seed=1, start=100.0)
    assert len(some[0]) == 0
    assert np.array_equal(some[1], more[1])
    assert len(set(map(len, more))) > 1
    longer = gamma_trains(2, 30.0, 2.0, 20_000.0, seed=1, start=100.0)[1]
    assert np.array_equal(longer[longer <= 10_100.0], some[1])
    assert some[1][0] > 100.0
    assert not np.array_equal(gamma_trains(2, 30.0, 2.0, 10_000.0, seed=2)[1], more[1])


@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.3, 0.9, 1.0])
def test_correlated_trains_have_their_rate_and_their_correlation(correlation: float) -> None:
    """Counts in windows of 20 ms: correlation coefficient c of any two trains, each train Poisson.

    Fisher's z of the mean over the pairs, over six seeds; pairs of one seed share trains, so the mean of a seed is one
    number, and its spread over seeds gives the error.
    """
    found = []
    for seed in range(6):
        trains = correlated_trains(6, 20.0, correlation, 60_000.0, seed)
        counts = np.array([np.bincount((t // 20.0).astype(int), minlength=3001)[:3000] for t in trains])
        matrix = np.corrcoef(counts)
        found.append(matrix[np.triu_indices(6, 1)].mean())
        total = counts.sum()
        sd = math.sqrt(6 * 1200.0 * (1.0 + 5.0 * correlation))
        assert normal_two_sided((total - 7200.0) / sd) > 1e-3
        assert counts.var(axis=1).mean() / counts.mean() == pytest.approx(1.0, abs=0.1)  # Fano factor
    error = max(float(np.std(found, ddof=1)) / math.sqrt(6), 1e-9)
    assert abs(np.mean(found) - correlation) < 5.0 * error
    if correlation == 1.0:
        assert np.array_equal(trains[0], trains[5])


def test_correlated_trains_have_the_exponential_intervals_of_poisson_trains() -> None:
    trains = correlated_trains(3, 40.0, 0.4, 60_000.0, 8)
    for train in trains:
        assert kolmogorov(np.diff(train)[:1500] / 25.0, lambda x: -math.expm1(-x)) > 1e-3


def plain_mother(rate: float, seed: int, duration: float) -> list[float]:
    """Exponential intervals by inversion, one word each."""
    times, t, k = [], 0.0, 0
    while True:
        word = int(_core.random_sequence(seed, "train", 0, k // 4, 1, 0)[k % 4])
        t += -math.log((word + 0.5) / 2.0**32) * 1000.0 / rate
        if t > duration:
            return times
        times.append(t)
        k += 1


def test_correlated_trains_are_a_thinned_mother() -> None:
    """The multiple-interaction process spike by spike (Kuhn, Aertsen & Rotter 2003)."""
    mother = plain_mother(20.0 / 0.25, 3, 2000.0)
    for k, train in enumerate(correlated_trains(3, 20.0, 0.25, 2000.0, 3)):
        kept = []
        for j, t in enumerate(mother):
            word = int(_core.random_sequence(3, "train", k, j // 4, 1, 1)[j % 4])
            if (word + 0.5) / 2.0**32 < 0.25:
                kept.append(t)
        np.testing.assert_allclose(train, kept, rtol=1e-12)


# ---- playing ------------------------------------------------------------------------------------------------


def recorded(sim: Simulation, steps: int) -> list[tuple[int, int]]:
    spikes = SpikeMonitor(sim)
    sim.run(steps)
    return list(zip(spikes.step.tolist(), spikes.id.tolist(), strict=True))


def test_ragged_lists_go_to_the_neurons_in_the_order_given() -> None:
    sim = network(("s", 4, "spike_source"), dt=0.5)
    assert play_trains(sim, [3, 0, 2], [[1.0, 4.0], [], [2.6]], start=1.0) == 3
    assert recorded(sim, 20) == [(4, 3), (7, 2), (10, 3)]


def test_a_new_list_takes_the_place_of_the_old_one_of_these_neurons() -> None:
    sim = network(("s", 3, "spike_source"))
    play_trains(sim, "s", [[5.0], [5.0], [5.0]])
    play_trains(sim, [0, 1], [[], [6.0]])
    assert recorded(sim, 8) == [(5, 2), (6, 1)]


def test_times_less_than_half_a_step_away_are_in_the_next_step() -> None:
    sim = network(("s", 2, "spike_source"))
    sim.run(3)
    with pytest.warns(NeuromodWarning, match="1 of 3 fall into a step in which their neuron fires already"):
        assert play_trains(sim, "s", [[3.1, 3.6], [3.49]]) == 2
    assert recorded(sim, 3) == [(4, 0), (4, 1)]


def test_rows_of_time_and_id() -> None:
    sim = network(("s", 3, "spike_source"))
    assert play_spikes(sim, np.array([[7.0, 2], [3.0, 0], [3.0, 1], [1.0, 2]])) == 4
    assert recorded(sim, 10) == [(1, 2), (3, 0), (3, 1), (7, 2)]


def test_gamma_trains_play_at_any_dt() -> None:
    trains = gamma_trains(20, 30.0, 3.0, 1000.0, seed=2)
    for dt in (1.0, 0.1):
        sim = network(("s", 20, "spike_source"), dt=dt)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert play_trains(sim, "s", trains) == sum(map(len, trains))
        assert len(recorded(sim, round(1001 / dt))) == sum(map(len, trains))


def retina(n: int = 8, density: float = 1.0) -> Simulation:
    box = {"x": [1, n], "y": [0, n - 1], "z": [0, 0], "w": [0, 0]}
    area = {"name": "r", "model": "spike_source", "coord_ranges": box}
    sim = Simulation(BrainModel(config={"lattice_shape": [n + 1, n, 1, 1], "areas": [area]}), seed=1)
    sim.initialize_neurons(["r"], density=density)
    return sim


def events(n: int, width: int, height: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(5)
    return rng.integers(0, width, n), rng.integers(0, height, n), np.sort(rng.integers(1000, 400_000, n))


@pytest.mark.parametrize("camera", [(8, 8), (16, 24), (4, 2), (8, 4), (13, 5)])
def test_events_of_a_camera_of_any_size(camera: tuple[int, int]) -> None:
    """By hand: a neuron fires in the steps in which an event meets it; as many spikes as there are such pairs."""
    sim = retina()
    x, y, us = events(500, *camera)
    pairs = set()
    for px, py, t in zip(x.tolist(), y.tolist(), us.tolist(), strict=True):
        met = []
        for size, p in zip(camera, (px, py), strict=True):
            if size > 8:
                met.append([p * 8 // size])
            else:  # sites whose middle lies in the pixel
                met.append([s for s in range(8) if math.floor((s + 0.5) * size / 8) == p])
        pairs |= {(round(t / 1000.0), a, b) for a in met[0] for b in met[1]}
    with pytest.warns(NeuromodWarning, match="fall into a step in which their neuron fires already") as said:
        assert play_camera(sim, "r", x, y, us, camera) == len(pairs)
    assert len(said) == 1
    n = sim.model.neurons
    fired = {(step, int(n.x[id] - 1), int(n.y[id])) for step, id in recorded(sim, 450)}
    assert fired == pairs


def test_pixels_without_a_neuron_are_said() -> None:
    sim = retina(density=0.25)
    with pytest.warns(
        NeuromodWarning, match="camera: 16 of 64 pixels have a neuron in r; the others reach nothing"
    ):
        n = play_camera(
            sim, "r", np.repeat(np.arange(8), 8), np.tile(np.arange(8), 8), np.full(64, 2000.0), (8, 8)
        )
    assert n == 16


BAD: list[tuple[Callable[[Simulation], Any], str]] = [
    (lambda s: play_trains(s, "s", [[1.0]]), "trains: must be as long as neurons, 3; got 1"),
    (lambda s: play_trains(s, "s", [[1.0], [0.0], [2.0]]), "must be after the present time"),
    (lambda s: play_trains(s, "s", [[1.0], [np.nan], [2.0]]), "must be after the present time"),
    (lambda s: play_trains(s, "s", 5.0), "trains: must be a sequence"),  # type: ignore[arg-type]
    (lambda s: play_trains(s, [0, 0], [[1.0], [2.0]]), "neurons: must name each neuron once"),
    (lambda s: play_trains(s, "a", [[1.0]]), "ids: must be spike_source neurons; got a lif neuron"),
    (
        lambda s: play_spikes(s, [[1.0, 0.5]]),
        "spikes: must have ids of neurons in the second column; got 0.5",
    ),
    (lambda s: play_spikes(s, [1.0, 2.0]), "spikes: must be rows of"),
    (lambda s: play_spikes(s, [[1.0, 77.0]]), "ids: must be ids of neurons in the network; got 77"),
    (lambda s: play_camera(s, "s", [3], [0], [1000.0], (3, 1)), "x: must be a row of pixels from 0 to 2"),
    (lambda s: play_camera(s, "s", [0], [0, 0], [1000.0], (3, 1)), "must be as many; got 1, 2 and 1"),
    (lambda s: play_camera(s, "s", [0], [0], [1000.0], (3,)), "shape: must be the camera's size"),  # type: ignore[arg-type]
    (lambda s: gamma_trains(2, -1.0, 1.0, 5.0, 1), "rate: must be from 0"),
    (lambda s: gamma_trains(2, [1.0], 1.0, 5.0, 1), "rate: must be a number or one for each of 2 trains"),
    (lambda s: gamma_trains(2, 1.0, 0.0, 5.0, 1), "shape: must be between 0.01"),
    (lambda s: gamma_trains(0, 1.0, 1.0, 5.0, 1), "n: must be a whole number >= 1"),
    (lambda s: correlated_trains(2, 1.0, 1.1, 5.0, 1), "correlation: must be between 0 and 1; got 1.1"),
    (lambda s: correlated_trains(2, 1.0, 0.1, 5.0, -1), "seed: must be between 0"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_bad_arguments_change_nothing(call: Callable[[Simulation], Any], words: str) -> None:
    sim = network(("s", 3, "spike_source"), ("a", 1, "lif"))
    sim.set_spike_times(0, [5.0])
    digest = sim.digest()
    with pytest.raises((ValueError, TypeError), match=words.replace("(", r"\(")):
        call(sim)
    assert sim.digest() == digest
