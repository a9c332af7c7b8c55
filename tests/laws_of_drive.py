"""What theory says of sources, trains, currents and noise: for each row a function of the seed, its p-value.

Names of rows end in the step where there is one. See ``laws_of_connecting.py`` for the statistics.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from driven_network import network
from laws_of_connecting import LAWS, Law, of_count, of_values
from scipy import stats

from neuromod import (
    OUCurrent,
    RateSource,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    correlated_trains,
    gamma_trains,
    play_trains,
)

STEPS = (1.0, 0.5, 0.1)  # ms
SILENT = {"tau_m": 20.0, "v_threshold": 1e6}


def first_intervals(trains: Any, many: int) -> Any:
    """The first intervals of each train: all that a window happens to hold would be the shorter ones."""
    return np.concatenate([np.diff(train)[:many] for train in trains])


# ---- rates ---------------------------------------------------------------------------------------------------------


def poisson_count(rate: float, dt: float) -> Law:
    """Each step of each neuron is an independent draw."""

    def law(seed: int) -> float:
        sim = network(("p", 300, "poisson", {"params": {"rate": rate}}), dt=dt, seed=seed)
        n = round(500.0 / dt)
        spikes = int(sim.run(n)["spike_counts"].sum())
        return of_count(stats.binom(300 * n, rate * dt / 1000.0), spikes, seed)

    return law


def poisson_intervals(dt: float) -> Law:
    """Geometric in steps, which is exponential up to the step."""

    def law(seed: int) -> float:
        sim = network(("p", 100, "poisson", {"params": {"rate": 80.0}}), dt=dt, seed=seed)
        spikes = SpikeMonitor(sim)
        sim.run(round(1000.0 / dt))
        trains = [spikes.step[spikes.id == k] for k in range(100)]
        p = 0.08 * dt
        u = stats.geom.cdf(first_intervals(trains, 20) - 1, p)
        part = np.random.default_rng(seed).random(len(u))
        return float(stats.kstest(u + part * (1.0 - u) * p, "uniform").pvalue)

    return law


def varying_rate(dt: float) -> Law:
    """30 + 25 sin over 10 periods: counts in 40 phases."""

    def law(seed: int) -> float:
        sim = network(("p", 200, "poisson"), dt=dt, seed=seed)
        RateSource(sim, "p", lambda t: 30.0 + 25.0 * math.sin(math.pi * t / 100.0), interval=5.0)
        spikes = SpikeMonitor(sim)
        sim.run(round(2000.0 / dt))
        counts = np.bincount((spikes.step - 1) // round(5.0 / dt), minlength=400).reshape(10, 40).sum(axis=0)
        rate = 30.0 + 25.0 * np.sin(math.pi * np.arange(40) / 20.0)
        mean = 10 * 200 * 0.005 * rate
        chi = ((counts - mean) ** 2 / (mean * (1.0 - rate * dt / 1000.0))).sum()
        return float(stats.chi2.sf(chi, 40))

    return law


def events(rate: float, dt: float) -> Law:
    """Background events in the first step: v - v_rest is their number times their weight."""

    def law(seed: int) -> float:
        drive = {"params": SILENT, "drive": {"rate": rate, "weight": 0.5}}
        sim = network(("a", 3000, "lif", drive), dt=dt, seed=seed)
        sim.step()
        counts = (sim.model.neurons.v_membrane + 65.0) / 0.5
        assert np.abs(counts - np.rint(counts)).max() < 1e-9
        return of_values(np.rint(counts), stats.poisson(rate * dt / 1000.0), 100)

    return law


# ---- trains --------------------------------------------------------------------------------------------------------


def gamma_intervals(shape: float) -> Law:
    def law(seed: int) -> float:
        trains = gamma_trains(100, rate=50.0, shape=shape, duration=3000.0, seed=seed)
        found = first_intervals(trains, 15)
        assert len(found) == 1500
        return float(stats.kstest(found, stats.gamma(shape, scale=20.0 / shape).cdf).pvalue)

    return law


def gamma_start(shape: float) -> Law:
    """The first spike of a process that has been going on for ever: density (1 - G(x)) / mean."""

    def cdf(x: Any) -> Any:
        scale = 20.0 / shape
        tail = x * stats.gamma.sf(x, shape, scale=scale)
        return (tail + 20.0 * stats.gamma.cdf(x, shape + 1.0, scale=scale)) / 20.0

    def law(seed: int) -> float:
        trains = gamma_trains(400, rate=50.0, shape=shape, duration=800.0, seed=seed)
        return float(stats.kstest([train[0] for train in trains], cdf).pvalue)

    return law


def gamma_count(shape: float, dt: float) -> Law:
    """Spikes of trains that are played; variance of a stationary renewal process to order 1 (Cox 1962)."""

    def law(seed: int) -> float:
        sim = network(("s", 200, "spike_source"), dt=dt, seed=seed)
        play_trains(sim, "s", gamma_trains(200, 20.0, shape, 2000.0, seed=seed))
        count = sim.run(round(2001.0 / dt))["spike_counts"].sum()
        each = 40.0 / shape + (1.0 - 1.0 / shape**2) / 6.0
        return float(2.0 * stats.norm.sf(abs(count - 8000.0) / math.sqrt(200.0 * each)))

    return law


def correlated_count(correlation: float) -> Law:
    return lambda seed: of_count(
        stats.poisson(800.0), len(correlated_trains(2, 20.0, correlation, 40_000.0, seed)[0]), seed
    )


def correlated_shared(correlation: float) -> Law:
    """Spikes that two trains have in common: Poisson of c times the rate."""

    def law(seed: int) -> float:
        one, other = correlated_trains(2, 20.0, correlation, 40_000.0, seed)
        return of_count(stats.poisson(800.0 * correlation), len(np.intersect1d(one, other)), seed)

    return law


def correlated_windows(correlation: float) -> Law:
    """Counts of two trains in windows of 20 ms: shared and own spikes are independent Poisson processes."""

    def law(seed: int) -> float:
        one, other = correlated_trains(2, 100.0, correlation, 60_000.0, seed)
        a, b = (np.bincount((t // 20.0).astype(int), minlength=3001)[:3000] for t in (one, other))
        # (a - 2)(b - 2) has mean 2 c; its variance is 4 + (2 c) + 2 (2 c)^2 - (2 c)^2 of Poisson counts of mean 2
        m = 2.0 * correlation
        z = ((a - 2.0) * (b - 2.0) - m).sum() / math.sqrt(3000.0 * (4.0 + m + m * m))
        return float(2.0 * stats.norm.sf(abs(z)))

    return law


def correlated_intervals(seed: int) -> float:
    train = correlated_trains(3, 40.0, 0.4, 60_000.0, seed)[seed % 3]
    return float(stats.kstest(np.diff(train)[:1500], stats.expon(scale=25.0).cdf).pvalue)


# ---- currents and noise ----------------------------------------------------------------------------------------------


def ou_values(dt: float) -> Law:
    def law(seed: int) -> float:
        sim = network(("a", 1000, "lif", {"params": SILENT}), dt=dt, seed=seed)
        ou = OUCurrent(sim, "a", mean=3.0, sd=2.0, tau=8.0)
        sim.run(round(20.0 / dt))
        return float(stats.kstest(ou.value, stats.norm(3.0, 2.0).cdf).pvalue)

    return law


def ou_correlation(dt: float) -> Law:
    """Of values 8 ms, one time constant, apart: Fisher's z."""

    def law(seed: int) -> float:
        sim = network(("a", 1000, "lif", {"params": SILENT}), dt=dt, seed=seed)
        ou = OUCurrent(sim, "a", mean=3.0, sd=2.0, tau=8.0)
        sim.run(round(5.0 / dt))
        first = ou.value
        sim.run(round(8.0 / dt))
        z = math.atanh(np.corrcoef(first, ou.value)[0, 1]) - math.atanh(math.exp(-1.0))
        return float(2.0 * stats.norm.sf(abs(z) * math.sqrt(997.0)))

    return law


def spectrum(x: Any, sd: float, q: float) -> float:
    """Of a process x[k+1] = q x[k] + noise with stationary sd: power in 16 bands over that of theory.

    It is divided by the theory's before the transform, by taking the differences x[k+1] - q x[k]: these are white.
    `x`: shape (steps, neurons). The power of a band is a sum of exponentials.
    """
    white = (x[1:] - q * x[:-1]) / (sd * math.sqrt(1.0 - q * q))
    power = np.abs(np.fft.rfft(white, axis=0)[1 : (len(white) + 1) // 2]) ** 2 / len(white)
    bands = np.array_split(power, 16)
    scores = [stats.norm.isf(stats.gamma.sf(band.sum(), band.size)) for band in bands]
    return float(stats.chi2.sf(np.square(scores).sum(), 16))


def ou_spectrum(dt: float) -> Law:
    def law(seed: int) -> float:
        sim = network(("a", 8, "lif", {"params": SILENT}), dt=dt, seed=seed)
        ou = OUCurrent(sim, "a", mean=3.0, sd=2.0, tau=8.0)
        found = []
        for _ in range(1025):
            sim.step()
            found.append(ou.value)
        return spectrum(np.array(found) - 3.0, 2.0, math.exp(-dt / 8.0))

    return law


def ou_membrane(dt: float) -> Law:
    """Variance of v: two filters of first order in steps, one behind the other."""

    def law(seed: int) -> float:
        sim = network(("a", 1000, "lif", {"params": SILENT}), dt=dt, seed=seed)
        OUCurrent(sim, "a", 0.0, 4.0, 5.0)
        sim.run(round(200.0 / dt))
        a, r = math.exp(-dt / 20.0), math.exp(-dt / 5.0)
        variance = 16.0 * (1.0 - a) / (1.0 + a) * (1.0 + a * r) / (1.0 - a * r)
        return variance_p(sim.model.neurons.v_membrane + 65.0, variance)

    return law


def variance_p(x: Any, variance: float) -> float:
    """Two-sided, of normal deviates of mean 0."""
    below = stats.chi2.cdf(np.square(x).sum() / variance, len(x))
    return float(2.0 * min(below, 1.0 - below))


def noise_step(kind: str, dt: float) -> Law:
    """v after the first step: (1 - e^(-dt/tau)) times the current, of size 10 / sqrt(dt)."""

    def law(seed: int) -> float:
        sim = network(("a", 1500, "lif", {"params": SILENT, "drive": {kind: 10.0}}), dt=dt, seed=seed)
        sim.step()
        size = -math.expm1(-dt / 20.0) * 10.0 / math.sqrt(dt)
        right = stats.norm(0.0, size) if kind == "noise" else stats.uniform(-size, 2.0 * size)
        return float(stats.kstest(sim.model.neurons.v_membrane + 65.0, right.cdf).pvalue)

    return law


def noise_sd(dt: float) -> Law:
    def law(seed: int) -> float:
        sim = network(("a", 1000, "lif", {"params": SILENT, "drive": {"noise": 10.0}}), dt=dt, seed=seed)
        sim.run(round(200.0 / dt))
        return variance_p(sim.model.neurons.v_membrane + 65.0, 100.0 * math.tanh(dt / 40.0) / dt)

    return law


def noise_spectrum(dt: float) -> Law:
    def law(seed: int) -> float:
        sim = network(("a", 8, "lif", {"params": SILENT, "drive": {"noise": 10.0}}), dt=dt, seed=seed)
        sim.run(round(200.0 / dt))
        v = StateMonitor(sim, "v_membrane")
        sim.run(1025)
        return spectrum(v.values + 65.0, 10.0 * math.sqrt(math.tanh(dt / 40.0) / dt), math.exp(-dt / 20.0))

    return law


def column(name: str) -> Law:
    """Parameters of a population that are drawn."""
    draw, law = LAWS[name]
    return lambda seed: float(
        stats.kstest(Simulation(seed=seed).create(2000, "lif", i_offset=draw).i_offset, law.cdf).pvalue
    )


def at_each_step(name: str, law: Any) -> dict[str, Law]:
    return {f"{name}, {dt:g} ms": law(dt) for dt in STEPS}


ROWS: dict[str, Law] = {
    **{
        key: law
        for rate in (20.0, 100.0, 900.0)
        for key, law in at_each_step(
            f"poisson, {rate:g} Hz: count", lambda dt, r=rate: poisson_count(r, dt)
        ).items()
    },
    **at_each_step("poisson, 80 Hz: intervals", poisson_intervals),
    **at_each_step("RateSource, 30 + 25 sin: counts by phase", varying_rate),
    **at_each_step("background, 900 Hz: events in a step", lambda dt: events(900.0, dt)),
    **at_each_step("background, 30 kHz: events in a step", lambda dt: events(30_000.0, dt)),
    **{
        f"gamma trains, shape {shape:g}: intervals": gamma_intervals(shape) for shape in (0.5, 1.0, 4.0, 20.0)
    },
    **{f"gamma trains, shape {shape:g}: first spike": gamma_start(shape) for shape in (0.5, 1.0, 4.0, 20.0)},
    **at_each_step("gamma trains, shape 3, played: count", lambda dt: gamma_count(3.0, dt)),
    **{f"correlated trains, c = {c:g}: count": correlated_count(c) for c in (0.05, 0.3, 0.9)},
    **{f"correlated trains, c = {c:g}: shared spikes": correlated_shared(c) for c in (0.05, 0.3, 0.9)},
    **{
        f"correlated trains, c = {c:g}: counts in 20 ms": correlated_windows(c) for c in (0.0, 0.05, 0.3, 0.9)
    },
    "correlated trains, c = 0.4: intervals": correlated_intervals,
    **at_each_step("OU current: values", ou_values),
    **at_each_step("OU current: correlation 8 ms apart", ou_correlation),
    **at_each_step("OU current: spectrum", ou_spectrum),
    **at_each_step("OU current: sd of v", ou_membrane),
    **at_each_step("noise: first step", lambda dt: noise_step("noise", dt)),
    **at_each_step("noise_uniform: first step", lambda dt: noise_step("noise_uniform", dt)),
    **at_each_step("noise: sd of v", noise_sd),
    **at_each_step("noise: spectrum of v", noise_spectrum),
    "i_offset of a population, normal": column("normal"),
    "i_offset of a population, lognormal": column("lognormal"),
    "i_offset of a population, uniform": column("uniform"),
}
