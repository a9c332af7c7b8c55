"""Prints what the same network gives in steps of 1, 0.5 and 0.1 ms, beside theory: drift under each rule, rate and sd.

The tests test_coincident.py, test_time_step.py, test_drive_currents.py and test_song_2000.py hold these figures.
Usage: python time_steps.py [--song]: with --song also Song, Miller & Abbott's rates, which take minutes.
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from plastic_network import network
from test_coincident import RULES, drift, theory
from test_drive_currents import lif
from test_plasticity_clopath import paired
from test_song_2000 import settled
from test_time_step import LINEAR, N, cells, spread

from neuromod import NeuromodWarning, OUCurrent, RateSource, play_trains
from neuromod.drive.trains import gamma_trains

STEPS = (1.0, 0.5, 0.1)  # ms


def row(what: str, figures: list[float], right: float | str, form: str = ".4f") -> None:
    shown = right if isinstance(right, str) else format(right, form)
    print(f"{what:<42}" + "".join(f"{figure:>11{form}}" for figure in figures) + f"{shown:>12}", flush=True)


def of_each(what: str, measure: Callable[[float], float], right: float | str, form: str = ".4f") -> None:
    row(what, [measure(dt) for dt in STEPS], right, form)


def mean_weight(rule: str, dt: float) -> float:
    """Mean weight of 200 synapses after 5 s of the same Poisson trains of 20 Hz, whose spikes lie at whole ms."""
    rng, n = np.random.default_rng(7), 20
    ms = {i: np.flatnonzero(rng.random(5000) < 0.02) + 1 for i in range(2 * n)}
    trains = {i: (np.round(at / dt)).astype(int).tolist() for i, at in ms.items()}
    pairs = [(i, n + j) for i in range(n) for j in range(10)]
    about = {"graupner_brunel": {"sigma": 0.0}}.get(rule, {"weight_min": -1e3, "weight_max": 1e3})
    net = network(
        {"rule": rule, **about}, pairs, trains, n_neurons=2 * n, weight=0.5, dt=dt, delay=round(1.0 / dt)
    )
    net.sim.run(round(5010.0 / dt))
    return float(net.weight.mean(dtype=float))


def of_drift() -> None:
    print("drift of independent trains: the integral of the window, mV ms")
    for rule in RULES:
        of_each(f"  {rule}", lambda dt, rule=rule: drift(rule, dt), theory(rule), ".6f")  # type: ignore[misc]
    print("mean weight after 5 s of the same trains, mV; by clopath after 60 pairings at 20 Hz, %")
    for rule in ("bcm", "graupner_brunel"):
        of_each(f"  {rule}", lambda dt, rule=rule: mean_weight(rule, dt), "", ".5f")  # type: ignore[misc]
    of_each("  clopath", lambda dt: paired(20, 10, dt), "", ".2f")


def poisson_rate(rate: float, dt: float) -> float:
    sim = cells(500, dt=dt, model="poisson", params={"rate": rate})
    return float(sim.run(round(2000.0 / dt))["spike_counts"].sum()) / 1000.0


def source_rate(dt: float) -> float:
    """A rate of 30 + 25 sin in a callable, over ten periods."""
    sim = cells(500, dt=dt, model="poisson")
    RateSource(sim, "A", lambda t: 30.0 + 25.0 * math.sin(2.0 * math.pi * t / 200.0), interval=5.0)
    return float(sim.run(round(2000.0 / dt))["spike_counts"].sum()) / 1000.0


def gamma_rate(dt: float) -> float:
    sim = cells(200, dt=dt, model="spike_source")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromodWarning)  # spikes of a neuron that fall into one step
        play_trains(sim, "A", gamma_trains(200, 30.0, 3.0, 5000.0, seed=2))
    return float(sim.run(round(5001.0 / dt))["spike_counts"].sum()) / 1000.0


def background(dt: float) -> tuple[float, float]:
    """Mean and sd of v under 2,000 events of 0.5 mV a second, at the ends of steps."""
    sim = cells(
        dt=dt,
        params={"tau_m": 10.0, "v_threshold": 1e6},
        drive={"rate": 2000.0, "weight": 0.5},
        seed=5,
    )
    sim.run(round(200.0 / dt))
    v = sim.model.neurons.v_membrane + 65.0
    return float(v.mean()), float(v.std())


def ou_sd(dt: float) -> float:
    sim = lif(N, dt=dt, seed=3)
    OUCurrent(sim, "a", 0.0, 4.0, 5.0)
    sim.run(round(200.0 / dt))
    return float(sim.model.neurons.v_membrane.std())


def izhikevich_sd(dt: float) -> float:
    sim = cells(dt=dt, model="izhikevich", drive={"noise": 0.5})
    sim.run(round(600.0 / dt))
    return float(sim.model.neurons.v_membrane.std())


def linear_izhikevich_sd() -> float:
    matrix = np.array([[0.08 * -70.0 + 5.0, -1.0], [0.02 * 0.2, -0.02]])
    both = np.kron(np.eye(2), matrix) + np.kron(matrix, np.eye(2))
    return math.sqrt(np.linalg.solve(both, -np.array([0.25, 0.0, 0.0, 0.0]))[0])


def of_rates() -> None:
    print("rate, Hz")
    for rate in (20.0, 100.0, 900.0):
        of_each(f"  poisson, {rate:g} Hz", lambda dt, rate=rate: poisson_rate(rate, dt), rate, ".2f")  # type: ignore[misc]
    of_each("  RateSource, mean 30 Hz", source_rate, 30.0, ".2f")
    of_each("  gamma trains, 30 Hz", gamma_rate, 30.0, ".2f")


def of_spreads() -> None:
    print("stationary sd of v, mV")
    for model, (params, size, tau, gain) in LINEAR.items():
        for kind in ("noise", "noise_uniform"):
            sd = size * gain / math.sqrt(2.0 * tau) / (1.0 if kind == "noise" else math.sqrt(3.0))
            of_each(
                f"  {model}, {kind}",
                lambda dt, m=model, p=params, k=kind, s=size: spread(m, dt, {k: s}, p)[0],
                sd,
            )  # type: ignore[misc]
    of_each("  izhikevich, noise", izhikevich_sd, linear_izhikevich_sd())
    of_each("  lif, OU current", ou_sd, math.sqrt(4.0**2 * 5.0 / 25.0))
    both = [background(dt) for dt in STEPS]
    print("background events, which stand at the ends of steps; x is dt / tau_m")
    row("  mean of v, mV", [mean for mean, _ in both], "10 x/(1-e^-x)")
    row("  the same, theory", [dt / -math.expm1(-dt / 10.0) for dt in STEPS], "")
    row("  sd of v, mV", [sd for _, sd in both], math.sqrt(2.0 * 0.25 * 10.0 / 2.0))


def of_song() -> None:
    print("Song, Miller & Abbott (2000): rate in Hz; shares of weights in the lowest and the highest fifth")
    found = [settled(dt) for dt in STEPS]
    for k, what in enumerate(("rate", "lowest fifth", "highest fifth")):
        row(f"  {what}", [one[k] for one in found], "about 20" if k == 0 else "", ".3f")
    row("  rate, coincident pre_first, 1 ms alone", [settled(1.0, coincident="pre_first")[0]], "", ".3f")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--song", action="store_true", help="also the rates of Song et al., which take minutes"
    )
    asked = parser.parse_args()
    warnings.simplefilter("ignore", NeuromodWarning)  # rules of reward without dopamine are meant
    print(f"{'':<42}" + "".join(f"{dt:>8g} ms" for dt in STEPS) + f"{'theory':>12}")
    of_drift()
    of_rates()
    of_spreads()
    if asked.song:
        of_song()
