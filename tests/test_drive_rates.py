"""Rates that vary in time: the counts by theory, whatever dt, and the schedule as part of the state."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from driven_network import ids_of, network
from scipy_free import chi2_quantile, normal_two_sided

from neuromod import RateSource, Simulation, SpikeMonitor
from neuromod.agenda import RateSchedule


def sources(n: int = 400, dt: float = 1.0, seed: int = 1) -> Simulation:
    return network(("p", n, "poisson", {"params": {"rate": 0.0}}), dt=dt, seed=seed)


def counts_by_time(sim: Simulation, ms: float, bin_ms: float) -> Any:
    spikes = SpikeMonitor(sim)
    sim.run(round(ms / sim.dt))
    steps = round(bin_ms / sim.dt)
    return np.bincount((spikes.step - 1) // steps, minlength=round(ms / bin_ms))


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_an_array_of_rates_is_met_in_each_of_its_intervals(dt: float) -> None:
    """Counts are binomial: mean rate T n, variance times (1 - rate dt). z-scores of each, chi-squared of all."""
    rates = np.array([0.0, 20.0, 100.0, 5.0, 60.0])
    sim = sources(dt=dt)
    RateSource(sim, "p", rates, interval=50.0)
    counts = counts_by_time(sim, 300.0, 50.0)
    expected = 400 * 0.05 * np.array([*rates, 60.0])  # the last one stays
    sd = np.sqrt(expected * (1.0 - np.array([*rates, 60.0]) * dt / 1000.0))
    assert counts[0] == 0
    z = (counts[1:] - expected[1:]) / sd[1:]
    assert all(normal_two_sided(one) > 1e-3 for one in z)
    assert (z**2).sum() < 20.5  # chi-squared of 5, p = 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_a_callable_is_sampled_and_gives_an_inhomogeneous_process(seed: int) -> None:
    """30 + 25 sin: counts in 40 phases of the period over 2 s, against the rates at the samples."""

    def rate(t: float) -> float:
        return 30.0 + 25.0 * math.sin(2.0 * math.pi * t / 200.0)

    sim = sources(seed=seed)
    RateSource(sim, "p", rate, interval=5.0)
    counts = counts_by_time(sim, 2000.0, 5.0).reshape(10, 40).sum(axis=0)
    expected = 10 * 400 * 0.005 * np.array([rate(5.0 * k) for k in range(40)])
    chi2 = ((counts - expected) ** 2 / (expected * (1.0 - expected / 20_000.0))).sum()
    assert chi2_quantile(1e-3, 40) < chi2 < chi2_quantile(1.0 - 1e-3, 40)


def test_rates_of_each_neuron_and_at_given_times() -> None:
    sim = network(("p", 3, "poisson", {"params": {"rate": 7.0}}), dt=0.5)
    RateSource(sim, [2, 0], [[1.0, 2.0], [3.0, 4.0]], times=[1.5, 4.0])
    seen = []
    for _ in range(9):
        seen.append(sim.model.neurons.rate.tolist())
        sim.step()
    assert seen[:3] == [[7.0, 7.0, 7.0]] * 3
    assert seen[3:8] == [[2.0, 7.0, 1.0]] * 5
    assert seen[8] == [4.0, 7.0, 3.0]


def test_rows_are_repeated_and_the_first_begins_at_once() -> None:
    sim = network(("p", 2, "poisson"))
    sim.run(4)
    RateSource(sim, "p", [5.0, 6.0, 7.0], interval=2.0, repeat=True)
    seen = []
    for _ in range(14):
        seen.append(sim.model.neurons.rate[0])
        sim.step()
    assert seen == [5.0, 5.0, 6.0, 6.0, 7.0, 7.0] * 2 + [5.0, 5.0]


def plain_next(steps: list[int], period: int, step: int) -> int:
    """The first change after `step`, by looking at one step after the other."""
    for k in range(step + 1, step + 200):
        within = steps[0] + (k - steps[0]) % period if period and k > steps[0] else k
        if within in steps:
            return k - step
    return 2**62


@pytest.mark.parametrize(
    ("steps", "period"), [([0], 0), ([3, 4, 9], 0), ([2, 5, 6], 7), ([0], 3), ([4, 9], 6)]
)
def test_the_next_change_is_found(steps: list[int], period: int) -> None:
    schedule = RateSchedule(np.arange(1), np.array(steps), np.zeros((len(steps), 1)), period)
    for step in range(40):
        assert schedule.steps_to_next(step) == plain_next(steps, period, step)
        assert schedule.is_due(step + 1) == (plain_next(steps, period, step) == 1)


def busy(seed: int = 2) -> Simulation:
    sim = network(
        ("p", 60, "poisson"),
        ("q", 30, "poisson"),
        ("a", 40, "lif", {"drive": {"rate": 900.0, "weight": 1.0}}),
        seed=seed,
        modulated=True,
    )
    sim.connect("p", "a", in_degree=20, weight=1.0, delay={"uniform": [2, 5]}, rule="stdp", name="p")
    RateSource(sim, "p", np.arange(10.0, 70.0).reshape(3, 20).repeat(3, axis=1), interval=7.0, repeat=True)
    RateSource(sim, "q", [50.0, 0.0, 90.0], times=[3.0, 20.0, 31.0])
    return sim


def test_the_bits_do_not_depend_on_cuts_copies_saving_and_replicas() -> None:
    whole, cut = busy(), busy()
    whole.run(100)
    for n in (1, 13, 6, 1):
        cut.run(n)
    again = [cut.copy(), pickle.loads(pickle.dumps(cut)), Simulation.from_dict(cut.to_dict())]
    runs = cut.replicas(2)
    runs.run(79)
    for sim in (cut, *again):
        sim.run(79)
        assert sim.digest() == whole.digest()
    assert runs[0].digest() == whole.digest() != runs[1].digest()


def test_a_callable_goes_to_copies_and_is_refused_where_states_are_saved() -> None:
    sim = sources(5)
    source = RateSource(sim, "p", lambda t: t, interval=10.0)
    sim.run(15)
    other = sim.copy()
    other.run(15)
    sim.run(15)
    assert other.digest() == sim.digest()
    assert other.model.neurons.rate[0] == 30.0
    for save in (sim.to_dict, lambda: pickle.dumps(sim)):
        with pytest.raises(
            ValueError, match="must not have a rate given by a function, which cannot be saved"
        ):
            save()
    source.remove()
    assert Simulation.from_dict(sim.to_dict()).digest() == sim.digest()


def test_a_removed_source_sets_no_more_rates() -> None:
    sim = sources(3)
    with RateSource(sim, "p", [5.0, 6.0], interval=5.0) as source:
        sim.run(2)
    sim.run(10)
    assert sim.model.neurons.rate.tolist() == [5.0] * 3
    assert not source.is_on
    RateSource(sim, "p", [9.0], interval=5.0)
    assert sim.model.neurons.rate.tolist() == [9.0] * 3


def test_a_rate_written_by_hand_holds_until_the_next_time() -> None:
    sim = sources(3)
    RateSource(sim, "p", [5.0, 6.0], interval=5.0)
    sim.run(2)
    sim.model.neurons.rate[:] = 1.0
    sim.run(2)
    assert sim.model.neurons.rate[0] == 1.0
    sim.run(1)
    assert sim.model.neurons.rate[0] == 6.0


@pytest.mark.parametrize("how", ["rows", "late", "times", "repeat", "callable"])
def test_after_a_reset_rates_begin_anew(how: str) -> None:
    """Also those before the first time of a source: they are what they were before the first step."""

    def build() -> Simulation:
        sim = Simulation(seed=1)
        cells = sim.create(50, "poisson", rate=7.0)
        sim.create(50, "poisson", rate=20.0, name="by hand")
        if how == "callable":
            RateSource(sim, cells, lambda ms: 5.0 * ms, interval=5.0, start=10.0)
        elif how == "times":
            RateSource(sim, cells, [300.0, 0.0], times=[15.0, 30.0])
        else:
            start = 20.0 if how == "late" else None
            RateSource(sim, cells, [0.0, 100.0], interval=10.0, start=start, repeat=how == "repeat")
        return sim

    fresh, again = build(), build()
    again.run(45)
    for sim in (fresh, again):
        sim.populations["by hand"].rate = 60.0  # a parameter, which stays
    again.reset()
    for n in (1, 24, 30):
        fresh.run(n), again.run(n)
        assert fresh.digest() == again.digest()
    assert fresh.model.neurons.spike_count[:50].sum() > 10


def test_a_reset_that_a_callable_stops_has_changed_nothing() -> None:
    bad: list[float] = []
    sim = Simulation(seed=1)
    RateSource(sim, sim.create(5, "poisson", rate=7.0), lambda ms: bad[0] if bad else 30.0, interval=5.0)
    sim.run(8)
    before = sim.copy()
    bad.append(-1.0)
    with pytest.raises(ValueError, match="rate at 0 ms: must be from 0"):
        sim.reset()
    bad.clear()
    for each in (sim, before):
        each.run(20)
    assert np.array_equal(sim.model.neurons.spike_count, before.model.neurons.spike_count)
    sim.reset()


def test_a_neuron_that_was_removed_has_no_rate() -> None:
    sim = sources(4)
    RateSource(sim, "p", [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], interval=5.0)
    sim.model.remove_neuron(1)
    sim.run(6)
    assert sim.model.neurons.rate.tolist() == [5.0, 7.0, 8.0]


@pytest.mark.parametrize(
    "rates", [[0.0, 300.0, 900.0], [[0.0, 100.0, 500.0, 900.0], [900.0, 0.0, 100.0, 500.0]]]
)
@pytest.mark.parametrize("gone", [[1], [0, 3], [0, 1, 2, 3]])
def test_a_state_without_neurons_that_had_a_rate_comes_back(gone: list[int], rates: Any) -> None:
    """It was refused, since the rates were still for all neurons: what was saved was lost."""
    sim = sources(4)
    RateSource(sim, "p", rates, interval=5.0, repeat=True)
    sim.run(7)
    for k in gone:
        sim.model.remove_neuron(k)
    again = Simulation.from_dict(sim.to_dict())
    for each in (sim, again):
        each.run(40)
    assert sim.digest() == again.digest()


def test_a_callable_that_gives_a_bad_rate_ends_the_run() -> None:
    sim = sources(4)
    RateSource(sim, "p", lambda t: 1e4 if t > 5 else 1.0, interval=3.0)
    with pytest.raises(ValueError, match="rate at 6 ms: must be from 0 to 1000 Hz"):
        sim.run(20)
    assert sim.current_step == 6


BAD: list[tuple[Callable[[Simulation], Any], str]] = [
    (lambda s: RateSource(s, "a", [1.0], interval=1.0), "must be poisson neurons; got a lif neuron"),
    (lambda s: RateSource(s, "p", [1.0]), "exactly one of them must be given"),
    (lambda s: RateSource(s, "p", [1.0], interval=1.0, times=[1.0]), "exactly one of them must be given"),
    (
        lambda s: RateSource(s, "p", [1001.0], interval=1.0),
        "rate: must be from 0 to 1000 Hz, one spike a step",
    ),
    (lambda s: RateSource(s, "p", [-1.0], interval=1.0), "rate: must be from 0 to 1000 Hz"),
    (lambda s: RateSource(s, "p", [np.nan], interval=1.0), "rate: must be from 0 to 1000 Hz"),
    (lambda s: RateSource(s, "p", [[1.0, 2.0, 3.0]], interval=1.0), "rate: must have shape"),
    (lambda s: RateSource(s, "p", [1.0], interval=0.5), "interval: must be a whole number of steps of 1 ms"),
    (
        lambda s: RateSource(s, "p", [1.0], times=[0.4]),
        "times: must be a whole number of steps of 1 ms; got 0.4 ms",
    ),
    (lambda s: RateSource(s, "p", [1.0, 2.0], times=[3.0, 3.0]), "times: must ascend"),
    (lambda s: RateSource(s, "p", [1.0], times=[1.0]), "times: must ascend, from the present of 2 ms on"),
    (lambda s: RateSource(s, "p", [1.0], interval=1.0, start=1.0), "start: must ascend, from the present"),
    (lambda s: RateSource(s, "p", lambda t: 1.0, times=[3.0]), "times: must not be given together"),
    (lambda s: RateSource(s, "p", lambda t: -1.0, interval=2.0), "rate at 2 ms: must be from 0"),
    (
        lambda s: RateSource(s, "p", lambda t: [1.0, 2.0, 3.0], interval=2.0),
        "rate at 2 ms: must be a number or one",
    ),
]


@pytest.mark.parametrize(("make", "words"), BAD)
def test_bad_arguments_change_nothing(make: Callable[[Simulation], Any], words: str) -> None:
    sim = network(("p", 2, "poisson"), ("a", 2, "lif"))
    sim.run(2)
    digest = sim.digest()
    with pytest.raises((ValueError, TypeError), match=words):
        make(sim)
    assert sim.digest() == digest


def test_two_sources_of_one_neuron_are_refused() -> None:
    sim = network(("p", 4, "poisson"))
    RateSource(sim, [1, 2], [1.0], interval=1.0)
    with pytest.raises(ValueError, match="must have no other RateSource; got 2"):
        RateSource(sim, [2, 3], [1.0], interval=1.0)
    assert ids_of(sim, "p").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ids", np.array([0, 0]), "must be ids of the network, each once"),
        ("steps", np.array([5, 3]), "must ascend"),
        ("rates", np.array([[1.0], [1e9]]), "must be from 0 to 1000 Hz"),
        ("rates", np.array([[1.0, 2.0, 3.0]] * 2), "must have 1 or 2 columns"),
        ("period", 1, "must ascend, within the period"),
    ],
)
def test_a_damaged_schedule_is_refused(key: str, value: Any, words: str) -> None:
    from neuromod.agenda import checked_schedule
    from neuromod.state import SavedPart

    good = {"ids": np.arange(2), "steps": np.array([3, 5]), "rates": np.array([[1.0], [2.0]]), "period": 0}
    part = SavedPart(good, "rates")
    assert checked_schedule(part, np.arange(4), 1.0) is not None
    part.finish()
    part = SavedPart(good | {key: value}, "rates")
    assert checked_schedule(part, np.arange(4), 1.0) is None
    assert words in part.problems[0]
