"""The cortical microcircuit of Potjans & Diesmann 2014, doi:10.1093/cercor/bhs358, as Senk et al. 2026 measure it.

77,169 neurons in 8 populations, 299 million static synapses in 55 projections with normal delays, and Poisson input, or
a constant current of the same mean (doi:10.1088/2634-4386/ae379a: initial potentials of each population, a warm-up that
is not measured, nothing recorded). Below scale 1 the in-degrees shrink with the scale, weights grow by its root, and a
current stands for the mean input that is lost (van Albada et al. 2015, doi:10.1371/journal.pcbi.1004490).
"""

from __future__ import annotations

import math
import time
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.bench.machine import memory_now
from neuromod.bench.numbers import Options
from neuromod.bench.record import record_of
from neuromod.simulation import Simulation

__all__ = ["DT", "build_microcircuit", "fill_microcircuit", "measure_microcircuit"]

Floats = NDArray[np.float64]

NAMES = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
PROBABILITIES = (  # of at least one synapse, from the population of the column to that of the row
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443),
)
EXTERNAL = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)  # Poisson inputs of a neuron, 8 Hz each
RATES = (0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523)  # Hz, of the whole network
START = (  # mean and standard deviation of the initial potentials, mV
    (-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94), (-63.11, 4.94), (-61.66, 4.55),
    (-66.72, 5.46), (-61.43, 4.48),
)  # fmt: skip
DT, TAU_M, TAU_SYN, REST, EACH = 0.1, 10.0, 0.5, -65.0, 8.0  # ms, ms, ms, mV, Hz
PEAK = 0.15  # mV, of the postsynaptic potential
WARM = 500.0  # ms


def _weight() -> float:
    """The input current, as the potential of its steady state, of which a potential of 0.15 mV is the peak."""
    x = TAU_SYN / TAU_M
    shape: float = x ** (x / (1 - x)) - x ** (1 / (1 - x))
    return PEAK * (TAU_M - TAU_SYN) / TAU_SYN / shape


def _numbers() -> Floats:
    """Synapses of each pair of populations at scale 1: rows are targets."""
    pairs = np.outer(SIZES, SIZES).astype(np.float64)
    found: Floats = np.log(1.0 - np.array(PROBABILITIES)) / np.log(1.0 - 1.0 / pairs)
    return found


def build_microcircuit(options: Options | None = None) -> Simulation:
    """Build the network.

    Parameters
    ----------
    options : Options, optional
        `scale`, `threads`, `seed` and `dc` act.

    Returns
    -------
    Simulation
        Its populations have the names of `NAMES`.

    Examples
    --------
    >>> sim = build_microcircuit(Options(scale=0.002))
    >>> len(sim.model.neurons), len(sim.projections)
    (155, 55)
    """
    o = options or Options()
    sim = Simulation(seed=o.seed, dt=DT, threads=o.threads)
    fill_microcircuit(sim, o)
    return sim


def fill_microcircuit(sim: Any, o: Options) -> None:
    """Build the network in a `Simulation` or `RankSimulation` without neurons, whose dt is `DT`.

    Parameters
    ----------
    sim : Simulation or RankSimulation
    o : Options
        `scale`, `seed` and `dc` act.
    """
    root = math.sqrt(min(o.scale, 1.0))
    weight, numbers = _weight(), _numbers()
    weights = np.where(np.arange(8) % 2 == 0, weight, -4.0 * weight)[None, :].repeat(8, 0)
    weights[0, 2] *= 2.0
    input_rates = EACH * np.array(EXTERNAL)
    in_degrees = numbers / np.array(SIZES)[:, None]
    lost = 0.001 * TAU_SYN * (1.0 - root) * ((weights * in_degrees) @ np.array(RATES) + weight * input_rates)
    external, rates = weight / root, input_rates * min(o.scale, 1.0)
    current = lost + (0.001 * TAU_SYN * rates * external if o.dc else 0.0)
    lif: dict[str, Any] = {
        "tau_m": TAU_M, "v_rest": REST, "v_reset": REST, "v_threshold": -50.0, "refractory_period": 2.0,
        "tau_syn_excitatory": TAU_SYN, "tau_syn_inhibitory": TAU_SYN,
    }  # fmt: skip
    rng = np.random.default_rng(o.seed)
    made = []
    for k, name in enumerate(NAMES):
        drive: dict[str, Any] = (
            {} if o.dc else {"drive": {"rate": float(rates[k]), "weight": float(external)}}
        )
        kind = "excitatory" if k % 2 == 0 else "inhibitory"
        n = max(1, round(SIZES[k] * o.scale))
        group = sim.create(n, "lif", name=name, neuron_type=kind, **drive, **lif)
        group.i_offset[:] = current[k]
        group.v_membrane[:] = rng.normal(*START[k], n)
        made.append(group)
    for i, j in zip(*np.nonzero(numbers), strict=True):
        mean = abs(float(weights[i, j])) / root
        delay = (1.5, 0.75) if j % 2 == 0 else (0.75, 0.375)  # ms
        sim.connect(
            made[j],
            made[i],
            total_number=max(1, round(float(numbers[i, j]) * o.scale**2)),
            weight={"normal": [mean, 0.1 * mean]},
            delay={"normal": [delay[0] / DT, delay[1] / DT]},
            rule="none",
            autapses=True,
            name=f"{NAMES[j]}>{NAMES[i]}",
        )


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
        ends = np.cumsum([0, *(len(sim.populations[name]) for name in NAMES)])
        of_each = [float(counts[a:b].mean()) / duration * 1000.0 for a, b in pairwise(ends)]
        return {"rates_hz": {name: round(rate, 3) for name, rate in zip(NAMES, of_each, strict=True)}}

    base, began = memory_now(), time.perf_counter()
    sim = build_microcircuit(o)
    sim.run(0, progress=False)
    built = time.perf_counter() - began
    sim.run(round(min(WARM, o.duration or WARM) / DT), progress=False)
    n_steps = round((o.duration or 1000.0) / DT)
    name = "microcircuit, DC" if o.dc else "microcircuit"
    return record_of(name, o, sim, n_steps, built, advance, extra, base)
