"""One network cut into few or many populations: neurons, synapses and spikes stay, and so should the cost of a step.

P populations have P x P projections. Measured in pairs, one population beside P, each in turn.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from neuromod.bench.connected import connect_each
from neuromod.bench.machine import memory_now
from neuromod.bench.numbers import NEUTRAL, Options
from neuromod.bench.record import record_of
from neuromod.modulation.system import create_neuromodulation_system
from neuromod.simulation import Simulation

__all__ = ["build_populations", "measure_populations"]

N, IN_DEGREE, RATE, DT = 10_000, 400, 5.0, 0.1  # neurons, inputs of each, Hz, ms
DELAY = {"one": 15, "many": {"normal": [15, 7.5]}}  # steps
PAIRS, WARM = 7, 500  # pairs of runs; steps before them


def build_populations(options: Options, populations: int) -> Simulation:
    """Build the network: Poisson neurons, connected by in-degree.

    Parameters
    ----------
    options : Options
        `scale`, `threads`, `seed`, `delays` and `rule` act.
    populations : int, >= 1

    Returns
    -------
    Simulation

    Examples
    --------
    >>> sim = build_populations(Options(scale=0.01), 4)
    >>> len(sim.model.neurons), len(sim.projections), len(sim.model.synapses)
    (100, 16, 400)
    """
    n = max(1, round(N * options.scale) // populations)
    inputs = max(1, round(IN_DEGREE * options.scale) // populations)
    system = None if options.rule == "none" else create_neuromodulation_system(NEUTRAL)
    sim = Simulation(seed=options.seed, neuromodulation=system, dt=DT, threads=options.threads)
    groups = [sim.create(n, "poisson", name=f"P{k}", rate=RATE) for k in range(populations)]
    how: dict[str, Any] = {
        "rule": options.rule,
        "weight": {"normal": [0.1, 0.01]},
        "delay": DELAY[options.delays],
    }
    connect_each(sim, groups, groups, in_degree=inputs, **how)
    return sim


def measure_populations(options: Options | None = None) -> dict[str, Any]:
    """Time a step of one population and of `options.populations`, in pairs.

    Parameters
    ----------
    options : Options, optional

    Returns
    -------
    dict
        As `neuromod.bench.workloads.run_workload` gives it, for the network of many populations, and
        ``us_per_step_of_one`` (median of the network of one population), ``ratio`` (median of the pairs' ratios of
        processor time) and ``ratios``.

    Examples
    --------
    >>> record = measure_populations(Options(scale=0.01, duration=1.0, populations=2))
    >>> record["sim_steps"], len(record["ratios"])
    (70, 7)
    """
    o = options or Options()
    one = build_populations(o, 1)
    base, began = memory_now(), time.perf_counter()
    many = build_populations(o, o.populations)
    many.run(0, progress=False)
    built = time.perf_counter() - began
    each = round((o.duration or 200.0) / DT)
    seconds: dict[Simulation, list[float]] = {one: [], many: []}
    for sim in seconds:
        sim.run(WARM, progress=False)

    def timed(sim: Simulation) -> Any:
        start = time.process_time()
        counts = sim.run(each, progress=False)["spike_counts"]
        seconds[sim].append(time.process_time() - start)
        return counts

    def advance(sim: Simulation, n_steps: int) -> Any:
        counts = 0
        for _ in range(n_steps // each):
            timed(one)
            counts = counts + timed(sim)
        return counts

    def extra(sim: Simulation, counts: Any, duration: float) -> dict[str, Any]:
        median = statistics.median(seconds[many])
        ratios = [b / max(a, 1e-9) for a, b in zip(seconds[one], seconds[many], strict=True)]
        return {  # the clock of the run has seen both networks
            "run_s": round(PAIRS * median, 5),
            "realtime_factor": round(PAIRS * median / duration * 1000.0, 5),
            "us_per_step": round(1e6 * median / each, 3),
            "us_per_step_of_one": round(1e6 * statistics.median(seconds[one]) / each, 3),
            "ratio": round(statistics.median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
        }

    name = f"populations, {o.populations}, {o.delays} delay{'s' * (o.delays != 'one')}, {o.rule}"
    return record_of(name, o, many, PAIRS * each, built, advance, extra, base)
