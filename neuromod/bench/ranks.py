"""A network on several ranks of MPI: measured, and planned for other sizes from constants that were measured.

``mpiexec -n 2 python -m neuromod.bench.ranks --neurons 20000 --in-degree 500`` prints what a run of its network takes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from neuromod import _core
from neuromod.bench.machine import memory_now, memory_peak
from neuromod.bench.microcircuit import fill_microcircuit
from neuromod.bench.numbers import Options
from neuromod.rank_link import Ranks
from neuromod.ranks import RankSimulation

__all__ = ["MEASURED", "Constants", "measure_ranks", "plan_ranks"]

_LONGEST = 32  # steps between two exchanges, at most
_SPIKE = 4  # bytes of a spike that is exchanged


@dataclass(frozen=True)
class Constants:
    """What a network on ranks takes of one core, one machine's memory and the links between them."""

    neuron: float  # s, a step of one neuron under background drive
    bucket: float  # s, a spike at one partition: look-up of its synapses there
    event: float  # s, delivery to one synapse
    spike: float  # s, a spike that a rank receives
    call: float  # s, an exchange, whatever the number of ranks
    exchange: float  # s more, for each doubling of the ranks
    byte: float  # s, a byte that a rank receives
    rank_bytes: float  # of a process, without a network
    neuron_bytes: float  # of each neuron of the network, on every rank
    bucket_bytes: float  # of each source and partition of a projection, on the rank that has the partition
    synapse_bytes: float  # of each synapse, on one rank
    building_bytes: float  # of each synapse of a projection, on its rank while it is connected
    source_bytes: float  # of each source of a projection, on every rank while it is connected


MEASURED = Constants(
    neuron=2.2e-9,
    bucket=160e-9,
    event=0.5e-9,
    spike=10e-9,
    call=13e-6,
    exchange=5e-6,
    byte=1e-10,
    rank_bytes=71e6,
    neuron_bytes=590.0,
    bucket_bytes=8.0,
    synapse_bytes=6.0,
    building_bytes=20.0,
    source_bytes=40.0,
)
"""Of one Zen 4 core and networks of up to 400,000 neurons, weights that differ. `bucket` is that of a busy memory: 4 ns
where the rows fit into the cache, 35 ns at 400,000 neurons on a quiet machine. `exchange` and `byte` hold between
processes of one machine; `exchange` is also what links of clusters are known for, where `byte` is the inverse of the
bandwidth."""


def plan_ranks(
    n_neurons: int,
    in_degree: float,
    n_ranks: int,
    *,
    rate: float = 5.0,
    dt: float = 0.1,
    min_delay: float = 1.5,
    rows: float = 1.0,
    n_projections: int = 10,
    slowdown: float = 1.0,
    constants: Constants = MEASURED,
) -> dict[str, Any]:
    """Time and memory of one rank of a network of static synapses, by a sum of what its parts take.

    Parameters
    ----------
    n_neurons : int, >= 1
    in_degree : float, >= 0
        Synapses of each neuron.
    n_ranks : int, >= 1
        Of one thread each.
    rate : float, Hz, >= 0, default 5
        Of each neuron.
    dt, min_delay : float, ms, > 0, default 0.1 and 1.5
    rows : float, >= 0, default 1
        Projections that leave each neuron.
    n_projections : int, >= 1, default 10
        Projections of equal size; the memory for connecting is that of one.
    slowdown : float, >= 1, default 1
        Ranks that share a core.
    constants : Constants, optional

    Returns
    -------
    dict
        ``seconds_per_step``, ``bytes`` and ``building_bytes`` (at its height, while connecting) of the rank with the
        most, each with its parts in ``seconds_of`` and ``bytes_of``; ``partitions``; ``realtime_factor`` (simulated
        time / wall time).

    Examples
    --------
    >>> one, two = (plan_ranks(100_000, 1000, n) for n in (1, 2))
    >>> 1.5 < one["seconds_per_step"] / two["seconds_per_step"] < 2.0
    True
    """
    c = constants
    partitions = _core.partitions(n_neurons)[0]
    own = math.ceil(partitions / min(n_ranks, partitions))  # partitions of the rank with the most
    share = own / partitions
    spikes = n_neurons * rate * dt / 1000.0  # of a step
    steps = max(1, min(_LONGEST, math.floor(min_delay / dt + 1e-9)))
    computed = {
        "neurons": c.neuron * n_neurons * share,
        "look-up": c.bucket * spikes * rows * own,
        "delivery": c.event * spikes * in_degree * share,
    }
    seconds = {name: each * slowdown for name, each in computed.items()}
    seconds["received spikes"] = c.spike * spikes * slowdown
    seconds["exchange"] = (
        c.call + c.exchange * math.log2(n_ranks)
    ) * slowdown / steps + c.byte * _SPIKE * spikes
    memory = {
        "process": c.rank_bytes,
        "columns of neurons": c.neuron_bytes * n_neurons,
        "rows": c.bucket_bytes * rows * n_neurons * own,
        "synapses": c.synapse_bytes * n_neurons * in_degree * share,
    }
    step, held = sum(seconds.values()), sum(memory.values())
    own_synapses, sources = n_neurons * in_degree * share, rows * n_neurons
    building = (c.building_bytes * own_synapses + c.source_bytes * sources) / n_projections
    return {
        "partitions": partitions,
        "seconds_per_step": step,
        "seconds_of": seconds,
        "realtime_factor": dt / 1000.0 / step,
        "bytes": held,
        "bytes_of": memory,
        "building_bytes": held + building,
    }


def measure_ranks(
    n_neurons: int,
    in_degree: int,
    ms: float = 200.0,
    drive: float = 0.4,
    seed: int = 1,
    threads: int = 1,
    comm: Any = None,
) -> dict[str, Any] | None:
    """Build and run a network of weak static synapses whose rate its background drive sets; every rank calls it.

    Parameters
    ----------
    n_neurons : int, >= 1
    in_degree : int, >= 0
    ms : float, ms, > 0, default 200
        Simulated time that is measured, after a tenth of it.
    drive : float, mV, default 0.4
        Weight of the background drive, which sets the rate.
    seed : int, default 1
    threads : int, >= 1, default 1
        Of each rank.
    comm : mpi4py.MPI.Comm, optional
        Default: ``MPI.COMM_WORLD``.

    Returns
    -------
    dict, or None on other ranks than 0
        Figures of the slowest rank and of the one with the most memory.
    """

    def build(sim: RankSimulation) -> None:
        background = {"rate": 2000.0, "weight": drive}
        cells = sim.create(n_neurons, "lif", v_reset=-60.0, refractory_period=2.0, drive=background)
        if in_degree:
            sim.connect(cells, cells, in_degree=in_degree, weight=1e-4, delay_ms=1.5, rule="none")

    found = _measured(build, ms, max(0.1, round(ms / 10.0, 1)), seed, threads, comm)
    return None if found is None else {"neurons": n_neurons, "in_degree": in_degree, **found}


def _measured(
    build: Callable[[RankSimulation], None], ms: float, warm: float, seed: int, threads: int, comm: Any
) -> dict[str, Any] | None:
    """What it takes to build and run a network; on rank 0."""
    ranks, before = Ranks(comm), memory_now() or 0.0
    began = time.perf_counter()
    sim = RankSimulation(comm, seed=seed, dt=0.1, threads=threads)
    build(sim)
    sim.run(0)
    built = time.perf_counter() - began
    sim.run(ms=warm)
    waited, used, swap = [0.0], [0.0], sim._ranks.swap

    def timed(*given: Any) -> Any:
        start, cpu = time.perf_counter(), time.process_time()
        found = swap(*given)
        waited[0] += time.perf_counter() - start
        used[0] += time.process_time() - cpu  # MPI waits busily
        return found

    sim._ranks.swap = timed  # type: ignore[assignment, method-assign]
    start, cpu = time.perf_counter(), time.process_time()
    run = sim.run(ms=ms)
    took, steps = time.perf_counter() - start, run["n_steps"]
    computed = (time.process_time() - cpu - used[0]) / steps
    told = (
        took / steps,
        waited[0] / steps,
        built,
        memory_now() or 0.0,
        before,
        memory_peak() or 0.0,
        computed,
    )
    each = list(zip(*ranks.comm.allgather((*told, sim.n_own_synapses)), strict=True))
    if ranks.rank:
        return None
    return {
        "ranks": ranks.size,
        "threads": threads,
        "synapses": sum(each[7]),
        "rate_hz": round(run["mean_rate"], 3),
        "spikes_per_step": round(float(run["spike_counts"].sum()) / steps, 3),
        "us_per_step": round(1e6 * max(each[0]), 2),
        "cpu_us_per_step": round(1e6 * max(each[6]), 2),
        "us_per_step_waited": round(1e6 * max(each[1]), 2),
        "run_s": round(took, 2),
        "build_s": round(max(each[2]), 2),
        "mib": [round(one, 1) for one in each[3]],
        "mib_before": round(max(each[4]), 1),
        "mib_peak": [round(one, 1) for one in each[5]],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print one line of JSON on rank 0."""
    parser = argparse.ArgumentParser(prog="python -m neuromod.bench.ranks", description=__doc__)
    parser.add_argument("--neurons", type=int, default=20000)
    parser.add_argument("--in-degree", type=int, default=500)
    parser.add_argument(
        "--microcircuit", type=float, metavar="SCALE", help="this network in place of the other"
    )
    parser.add_argument("--ms", type=float, default=200.0)
    parser.add_argument("--drive", type=float, default=0.4)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(argv)
    if given.microcircuit is None:
        found = measure_ranks(given.neurons, given.in_degree, given.ms, given.drive, threads=given.threads)
    else:
        options = Options(scale=given.microcircuit, seed=1)
        found = _measured(
            lambda sim: fill_microcircuit(sim, options), given.ms, 100.0, 1, given.threads, None
        )
    if found is not None:
        print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
