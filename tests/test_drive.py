"""Background Poisson drive: thresholds, one count by either path, the distribution, and what a draw depends on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from neuromod import BrainModel, Simulation, _core

CHUNK = 512
SIGMAS = 4.5  # fixed seeds; a right program passes all with probability > 0.999
Floats = NDArray[np.float64]


def counts(mean: float, n_steps: int, *, tabled: bool, seed: int = 11) -> Floats:
    """Events of CHUNK neurons in n_steps steps, at mean events per step (dt 1 ms): shape (n_steps, CHUNK)."""
    rate, weight, ids = np.full(CHUNK, mean * 1000.0), np.ones(CHUNK), np.arange(CHUNK)
    return np.stack(
        [_core.drive_input(rate, weight, ids, 1.0, seed, step, tabled)[0] for step in range(n_steps)]
    )


def plain_cumulative(mean: float, n: int) -> list[float]:
    """P(count <= k), k = 0 .. n - 1, each summed on its own."""
    return [
        math.fsum(math.exp(j * math.log(mean) - mean - math.lgamma(j + 1)) for j in range(k + 1))
        for k in range(n)
    ]


@pytest.mark.parametrize("mean", [1e-6, 0.02, 0.2, 2.0, 11.7, 20.0])
def test_thresholds_are_the_cumulative_probabilities(mean: float) -> None:
    table = _core.drive_table(mean)
    expected = np.minimum(np.round(np.array(plain_cumulative(mean, len(table))) * 2.0**32), 2.0**32) - 1.0
    assert table.tolist() == expected.tolist()  # the last word of each count
    assert table[-1] == 2**32 - 1


@pytest.mark.parametrize("mean", [-0.1, 20.1, math.nan])
def test_a_table_is_for_means_up_to_20(mean: float) -> None:
    assert _core.DRIVE_MEAN == 20
    with pytest.raises(ValueError, match=r"^mean: must be between 0 and 20; got "):
        _core.drive_table(mean)


@pytest.mark.parametrize("mean", [1e-3, 1 / 128, 0.02, 0.2, 2.0, 7.3, 20.0])
def test_table_and_inversion_give_the_same_counts(mean: float) -> None:
    by_table, inverted = counts(mean, 40, tabled=True), counts(mean, 40, tabled=False)
    assert np.array_equal(by_table, inverted)
    assert by_table.sum() > 0 and np.all(by_table == np.floor(by_table))
    assert [_core.drive_count(mean, 11, id, 3) for id in range(CHUNK)] == by_table[3].tolist()


def test_a_word_on_the_threshold_still_belongs_to_the_lower_count() -> None:
    """The mean is chosen for the neuron's word to be the last that gives no event, or the first that gives one."""
    for id in range(100):
        word = _core.random_word(11, "drive", id, 7)
        for last, fires in ((word, False), (word - 1, True)):
            mean = -math.log((last + 1) / 2.0**32)
            assert _core.drive_table(mean)[0] == last
            assert (_core.drive_count(mean, 11, id, 7) > 0) is fires
            by_table, _ = _core.drive_input([mean * 1000.0], [1.0], [id], 1.0, 11, 7, tabled=True)
            assert bool(by_table[0] > 0) is fires


def test_counts_are_those_of_the_words() -> None:
    words = _core.random_words(11, "drive", 0, 3, CHUNK).astype(np.int64)
    expected = np.searchsorted(_core.drive_table(2.0).astype(np.int64), words, side="left")
    assert np.array_equal(counts(2.0, 4, tabled=True)[3], expected)


@pytest.mark.parametrize(
    ("mean", "n_steps"),
    [
        (1e-3, 4000),
        (6e-3, 2000),
        (1 / 128, 2000),
        (0.02, 400),
        (0.2, 400),
        (2.0, 400),
        (20.0, 400),
        (57.0, 100),
    ],
)
def test_the_distribution_is_poisson(mean: float, n_steps: int) -> None:
    drawn = counts(mean, n_steps, tabled=mean <= 20.0)
    n = drawn.size
    assert abs(drawn.mean() - mean) < SIGMAS * math.sqrt(mean / n)
    # the sample variance has variance (mu4 - mu2^2) / n, for a Poisson count (mean + 2 mean^2) / n
    assert abs(np.mean((drawn - mean) ** 2) - mean) < SIGMAS * math.sqrt((mean + 2 * mean**2) / n)
    most = int(drawn.max()) + 1
    cumulative = np.array([0.0, *plain_cumulative(mean, most), 1.0])
    expected, found = np.diff(cumulative) * n, np.bincount(drawn.astype(np.int64).ravel(), minlength=most + 1)
    kept = expected > 10  # the rest as one class
    expected = np.append(expected[kept], expected[~kept].sum())
    found = np.append(found[kept], found[~kept].sum())
    dof = len(found) - 1
    chi_square = np.sum((found - expected) ** 2 / expected)
    assert (
        abs(chi_square - dof) < SIGMAS * math.sqrt(2 * dof) + 2 * SIGMAS
    )  # chi-square of few dof has a long tail


@pytest.mark.parametrize(("mean", "n_steps"), [(2.0, 300), (5e-3, 3000)])
def test_neurons_and_steps_are_independent(mean: float, n_steps: int) -> None:
    drawn = counts(mean, n_steps, tabled=True) - mean
    n = drawn.size
    for product in (drawn[1:] * drawn[:-1], drawn[:, 1:] * drawn[:, :-1], drawn[:, 4:] * drawn[:, :-4]):
        assert abs(product.mean()) < SIGMAS * mean / math.sqrt(n)


def test_few_events_depend_on_the_neuron_alone() -> None:
    """Not on its neighbours' rates, nor on whether they are there; and each has its weight's sign."""
    rng = np.random.default_rng(1)
    rate, ids = (
        rng.choice([0.0, 0.5, 1.0, 3.0, 7.8, 40.0, 3000.0], CHUNK),
        np.sort(rng.choice(2000, CHUNK, False)),
    )
    weight, met = rng.choice([0.25, -0.5], CHUNK), 0
    for step in range(60):
        excitatory, inhibitory = _core.drive_input(rate, weight, ids, 1.0, 11, step)
        count = np.array([_core.drive_count(r * 1e-3, 11, id, step) for r, id in zip(rate, ids, strict=True)])
        assert np.array_equal(excitatory, np.where(weight > 0, 0.25 * count, 0.0))
        assert np.array_equal(inhibitory, np.where(weight < 0, -0.5 * count, 0.0))
        met += count[(rate > 0) & (rate < 7.9)].sum()
    assert met > 20


def test_further_words_of_a_large_mean_are_its_own() -> None:
    """Parts of one neuron's count are independent: its variance is the mean, not parts times that."""
    drawn = np.array([[_core.drive_count(300.0, 2, id, step) for id in range(60)] for step in range(60)])
    assert abs(np.mean((drawn - 300.0) ** 2) / 300.0 - 1.0) < SIGMAS * math.sqrt(2.0 / drawn.size)


@pytest.mark.parametrize("mean", [70_000.0, 1e9])
def test_very_large_means_are_a_skewed_normal_deviate(mean: float) -> None:
    """The twin: Box & Muller on the neuron's word and its first further word, with the Poisson skewness."""
    for id in range(50):
        word, more = _core.random_word(5, "drive", id, 8), _core.random_sequence(5, "drive_more", id, 8, 1)
        turns = (int(more[0]) >> 30) + ((int(more[0]) & 0x3FFFFFFF) + 0.5) / 2**30 - 0.5
        z = math.sqrt(-2.0 * math.log((word + 0.5) / 2**32)) * math.cos(turns * math.pi / 2)
        expected = mean + math.sqrt(mean) * z + (z * z - 1.0) / 6.0
        assert abs(_core.drive_count(mean, 5, id, 8) - expected) <= 0.5 + 1e-6


@pytest.mark.parametrize("tabled", [True, False])
def test_a_draw_depends_on_seed_id_and_step_only(tabled: bool) -> None:
    rate, weight = np.full(100, 2000.0), np.ones(100)

    def draw(ids: NDArray[np.int64], seed: int = 1, step: int = 5) -> Floats:
        return _core.drive_input(rate, weight, ids, 1.0, seed, step, tabled)[0]

    base = draw(np.arange(100))
    assert np.array_equal(draw(np.arange(100)), base)
    assert np.array_equal(draw(np.arange(37, 137))[:63], base[37:])
    assert np.array_equal(draw(np.arange(0, 200, 2))[:50], base[::2])  # neurons removed in between
    assert not np.array_equal(draw(np.arange(100), seed=2), base)
    assert not np.array_equal(draw(np.arange(100), step=6), base)
    assert not np.array_equal(draw(np.arange(100), step=5 + 2**32), base)


@pytest.mark.parametrize("tabled", [True, False])
def test_the_sign_of_the_weight_chooses_the_port(tabled: bool) -> None:
    events = counts(2.0, 1, tabled=tabled)[0]
    weight = np.where(np.arange(CHUNK) % 3 == 0, -0.5, 0.25)
    excitatory, inhibitory = _core.drive_input(
        np.full(CHUNK, 2000.0), weight, np.arange(CHUNK), 1.0, 11, 0, tabled
    )
    assert np.array_equal(excitatory, np.where(weight > 0, 0.25 * events, 0.0))
    assert np.array_equal(inhibitory, np.where(weight < 0, -0.5 * events, 0.0))
    assert excitatory.sum() > 0 > inhibitory.sum()


def test_rates_may_differ_within_a_chunk() -> None:
    rate = np.resize([0.0, 20.0, 2000.0, 50_000.0], CHUNK)
    drawn, _ = _core.drive_input(rate, np.ones(CHUNK), np.arange(CHUNK), 1.0, 11, 9)
    assert drawn.tolist() == [_core.drive_count(r * 1e-3, 11, id, 9) for id, r in enumerate(rate)]
    assert np.all(drawn[::4] == 0) and drawn[2::4].sum() > 0 and drawn[3::4].min() > 10


@pytest.mark.parametrize("tabled", [True, False])
def test_the_mean_is_rate_times_dt(tabled: bool) -> None:
    rate, weight, ids = np.full(CHUNK, 4000.0), np.ones(CHUNK), np.arange(CHUNK)
    drawn = [_core.drive_input(rate, weight, ids, 0.1, 3, step, tabled)[0] for step in range(100)]
    assert abs(np.mean(drawn) - 0.4) < SIGMAS * math.sqrt(0.4 / (100 * CHUNK))


@pytest.mark.parametrize("n", [0, CHUNK + 1])
def test_one_chunk_at_a_time(n: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^rate, weight, id: must have the same length, 1 to {CHUNK}; got {n}, "
    ):
        _core.drive_input(np.ones(n), np.ones(n), np.arange(n), 1.0, 1, 0)


def test_a_weight_that_turns_negative_between_runs_inhibits() -> None:
    """Pieces whose weights are all excitatory take a shorter way; it is left when one of them changes."""
    cell = {"v_threshold": 1e9, "tau_syn_excitatory": 5.0, "tau_syn_inhibitory": 5.0}
    ranges = {"x": [0, 99], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    config = {
        "lattice_shape": [100, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": ranges, "params": cell}],
        "background_drive": {"rate": 5000.0, "weight": 0.1},
        "plasticity": {"rule": "none"},
    }
    sim = Simulation(BrainModel(config=config), seed=1)
    sim.initialize_neurons()
    neurons = sim.model.neurons
    sim.run(50)
    assert np.all(neurons.i_syn_excitatory > 0.5) and not neurons.i_syn_inhibitory.any()
    neurons.drive_weight[7] = -0.1
    sim.run(100)
    assert neurons.i_syn_inhibitory[7] < -0.5 and neurons.i_syn_excitatory[7] < 1e-6
    assert not np.delete(neurons.i_syn_inhibitory, 7).any()
