"""What a run of a workload took, as a record of plain numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from neuromod import __version__
from neuromod.bench.machine import memory_peak
from neuromod.bench.numbers import Options
from neuromod.vector import vector_level

__all__ = ["record_of"]


def record_of(
    name: str,
    options: Options,
    sim: Any,
    n_steps: int,
    built: float,
    advance: Callable[[Any, int], Any],
    extra: Callable[[Any, Any, float], dict[str, Any]],
    base: float | None = None,
) -> dict[str, Any]:
    """Run a network and say what it took.

    Parameters
    ----------
    name : str
        What is measured.
    options : Options
    sim : Simulation
        Ready to run.
    n_steps : int, >= 1
    built : float
        Seconds that building took.
    advance : callable
        Called with the simulation and the number of steps; may return spike counts of the neurons.
    extra : callable
        Called after the run with the simulation, what `advance` returned and the duration (ms); what it returns
        stands in the record in place of what is there.
    base : float, optional
        Memory of the process before building, MiB.

    Returns
    -------
    dict
        As `run_workload` gives it.

    Examples
    --------
    >>> from neuromod import Simulation
    >>> from neuromod.bench.numbers import Options
    >>> sim = Simulation(seed=1)
    >>> _ = sim.create(5, "lif")
    >>> def advance(sim, n_steps):
    ...     return sim.run(n_steps)["spike_counts"]
    >>> record = record_of("small", Options(), sim, 10, 0.0, advance, lambda *about: {})
    >>> record["sim_steps"], record["spikes"]
    (10, 0)
    """
    wall, cpu = time.perf_counter(), time.process_time()
    counts = advance(sim, n_steps)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = memory_peak()  # before anything is read back into Python
    n, n_synapses, duration = len(sim.model.neurons), len(sim.model.synapses), n_steps * sim.dt
    record: dict[str, Any] = {
        "workload": name,
        "simulator": "neuromod",
        "version": __version__,
        "variant": "",
        "scale": options.scale,
        "n_neurons": n,
        "n_synapses": n_synapses,
        "plastic_synapses": 0,
        "sim_steps": n_steps,
        "dt_ms": sim.dt,
        "threads": options.threads,
        "vector": vector_level(),
        "seed": options.seed,
        "build_s": round(built, 4),
        "run_s": round(wall, 5),
        "run_cpu_s": round(cpu, 5),
        "realtime_factor": round(wall / (duration / 1000.0), 5),
        "us_per_step": round(1e6 * wall / n_steps, 3),
        **_memory(base, peak, n_synapses),
        "cv_isi": None,
    }
    if counts is not None:
        spikes = int(np.sum(counts))
        record |= {"spikes": spikes, "mean_rate_hz": round(spikes / n / (duration / 1000.0), 4)}
    record |= extra(sim, counts, duration)
    events = record["spikes"] * n_synapses / n
    return record | {
        "synaptic_events": round(events),
        "events_per_s": round(events / record["run_s"], 1),
        "updates_per_s": round(n * n_steps / record["run_s"], 1),
        "digest": sim.digest(),
    }


def _memory(base: float | None, peak: float | None, n_synapses: int) -> dict[str, float | None]:
    """The peak counts everything since before building: neurons, recorder and what building needed for a while."""
    if base is None or peak is None:
        return {"base_rss_mb": None, "peak_rss_mb": None, "peak_bytes_per_synapse": None}
    return {
        "base_rss_mb": round(base, 1),
        "peak_rss_mb": round(peak, 1),
        "peak_bytes_per_synapse": round((peak - base) * 2**20 / max(1, n_synapses), 2),
    }
