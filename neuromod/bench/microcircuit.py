"""The cortical microcircuit of Potjans & Diesmann 2014, doi:10.1093/cercor/bhs358, as Senk et al. 2026 measure it.

77,169 neurons in 8 populations, 299 million static synapses in 55 projections with normal delays, and Poisson input, or
a constant current of the same mean (doi:10.1088/2634-4386/ae379a: initial potentials of each population, a warm-up that
is not measured, nothing recorded). Below scale 1 the in-degrees shrink with the scale, weights grow by its root, and a
current stands for the mean input that is lost (van Albada et al. 2015, doi:10.1371/journal.pcbi.1004490).
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.bench.machine import memory_now
from neuromod.bench.numbers import MICROCIRCUIT as M
from neuromod.bench.numbers import Options, microcircuit_sizes
from neuromod.bench.record import record_of
from neuromod.simulation import Simulation

__all__ = ["build_microcircuit", "measure_microcircuit"]

Floats = NDArray[np.float64]


def build_microcircuit(options: Options | None = None) -> Simulation:
    """Build the network.

    Parameters
    ----------
    options : Options, optional
        `scale`, `threads`, `seed` and `dc` act.

    Returns
    -------
    Simulation
        Its populations have the names of `MICROCIRCUIT.names`.

    Examples
    --------
    >>> sim = build_microcircuit(Options(scale=0.002))
    >>> len(sim.model.neurons), len(sim.projections)
    (155, 55)
    """
    o = options or Options()
    p = microcircuit_sizes(o.scale, o.dc)
    sim = Simulation(seed=o.seed, dt=M.dt, threads=o.threads)
    lif: dict[str, Any] = {
        "tau_m": M.tau_m, "v_rest": M.rest, "v_reset": M.rest, "v_threshold": M.threshold,
        "refractory_period": M.refractory_period,
        "tau_syn_excitatory": M.tau_syn, "tau_syn_inhibitory": M.tau_syn,
    }  # fmt: skip
    rng = np.random.default_rng(o.seed)
    made = []
    for k, name in enumerate(M.names):
        drive: dict[str, Any] = (
            {} if o.dc else {"drive": {"rate": float(p["rate"][k]), "weight": p["external"]}}
        )
        kind = "excitatory" if k % 2 == 0 else "inhibitory"
        n = int(p["n"][k])
        group = sim.create(n, "lif", name=name, neuron_type=kind, **drive, **lif)
        group.i_offset[:] = p["current"][k]
        group.v_membrane[:] = rng.normal(*M.start[k], n)
        made.append(group)
    for i, j in zip(*np.nonzero(p["synapses"]), strict=True):
        mean, delay = abs(float(p["weight"][i, j])), M.delays[j % 2]
        sim.connect(
            made[j],
            made[i],
            total_number=int(p["synapses"][i, j]),
            weight={"normal": [mean, 0.1 * mean]},
            delay={"normal": [delay[0] / M.dt, delay[1] / M.dt]},
            rule="none",
            autapses=True,
            name=f"{M.names[j]}>{M.names[i]}",
        )
    return sim


def measure_microcircuit(options: Options | None = None) -> dict[str, Any]:
    """Build and run the network, 500 ms before the clock starts and 1,000 ms (or `options.duration`) behind it.

    Parameters
    ----------
    options : Options, optional

    Returns
    -------
    dict
        As `neuromod.bench.workloads.run_workload` gives it, and ``rates_hz``, the mean rate of each population. No
        spike is recorded, so ``cv_isi`` is None.

    Examples
    --------
    >>> record = measure_microcircuit(Options(scale=0.002, duration=10.0))
    >>> record["n_neurons"], record["sim_steps"], len(record["rates_hz"])
    (155, 100, 8)
    """
    o = options or Options()

    def advance(sim: Simulation, n_steps: int) -> Any:
        return sim.run(n_steps, progress=False)["spike_counts"]

    def extra(sim: Simulation, counts: Any, duration: float) -> dict[str, Any]:
        ends = np.cumsum([0, *(len(sim.populations[name]) for name in M.names)])
        of_each = [float(counts[a:b].mean()) / duration * 1000.0 for a, b in pairwise(ends)]
        return {"rates_hz": {name: round(rate, 3) for name, rate in zip(M.names, of_each, strict=True)}}

    base, began = memory_now(), time.perf_counter()
    sim = build_microcircuit(o)
    sim.run(0, progress=False)
    built = time.perf_counter() - began
    sim.run(round(min(M.warm, o.duration or M.warm) / M.dt), progress=False)
    n_steps = round((o.duration or M.duration) / M.dt)
    name = "microcircuit, DC" if o.dc else "microcircuit"
    return record_of(name, o, sim, n_steps, built, advance, extra, base)
