"""Prints what recording, hooks and progress cost: alternating pairs of runs without and with, in percent of the time.

A random balanced network of `--neurons` lif neurons at 0.1 ms, 100 synapses a neuron, one thread. A pair is two copies
of the network that take the same steps; a row is the median over the pairs, and their quartiles.
Usage: python cost_of_watching.py [--neurons 1000] [--ms 500] [--pairs 15] [--only WORD]
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import neuromod
from neuromod import RateMonitor, Simulation, SpikeMonitor, StateMonitor, SynapseMonitor
from neuromod.progress import ProgressLine


def network(n: int) -> Simulation:
    sim = Simulation(dt=0.1, seed=1, threads=1)
    how: dict[str, Any] = {
        "v_reset": -60.0,
        "refractory_period": 2.0,
        "drive": {"rate": 1500.0, "weight": 0.8},
    }
    e = sim.create(4 * n // 5, "lif", name="E", **how)
    i = sim.create(n // 5, "lif", name="I", neuron_type="inhibitory", **how)
    sim.connect(e, e + i, in_degree=80, weight=0.5, delay_ms=1.5, rule={"rule": "stdp", "weight_max": 1.0})
    sim.connect(i, e + i, in_degree=20, weight=4.0, delay_ms=1.5, rule="none")
    sim.run(ms=200)
    return sim


class Screen(io.StringIO):
    """A terminal that nobody looks at."""

    def isatty(self) -> bool:
        return True


def nothing(_sim: Any) -> bool:
    return False


WAYS: dict[str, Callable[[Simulation], Any]] = {
    "no progress, nothing (two plain runs)": lambda sim: None,
    "SpikeMonitor, all": SpikeMonitor,
    "RateMonitor, bins of 10 ms": lambda sim: RateMonitor(sim, bin_ms=10.0),
    "StateMonitor, v of 10 neurons every 1 ms": lambda sim: StateMonitor(
        sim, "v_membrane", np.arange(10), every_ms=1.0
    ),
    "StateMonitor, v of 10 neurons every step": lambda sim: StateMonitor(sim, "v_membrane", np.arange(10)),
    "StateMonitor, v of all every 1 ms": lambda sim: StateMonitor(sim, "v_membrane", every_ms=1.0),
    "StateMonitor, v of all every step": lambda sim: StateMonitor(sim, "v_membrane"),
    "SynapseMonitor, weights of all every 100 ms": lambda sim: SynapseMonitor(
        sim, next(iter(sim.projections.values())), "weight", every_ms=100.0
    ),
    "every(10 ms, f)": lambda sim: sim.every(10.0, nothing),
    "every(1 ms, f)": lambda sim: sim.every(1.0, nothing),
    "when(f, every=1 ms)": lambda sim: sim.when(nothing, every=1.0),
    "progress: a callable": lambda sim: lambda *about: None,
    "progress: a bar on a terminal": lambda sim: ProgressLine(Screen(), after=0.0),
}


def seconds(sim: Simulation, way: str | None, ms: float) -> float:
    """Processor time of a run of a copy of the network."""
    copy = sim.copy()
    made = WAYS[way](copy) if way else None
    told = {"progress": made if way and way.startswith("progress") else False}
    start = time.process_time()
    copy.run(ms=ms, **told)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--neurons", type=int, default=1000)
    parser.add_argument("--ms", type=float, default=500.0)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--only", default="", help="rows whose name has this word")
    asked = parser.parse_args()
    sim = network(asked.neurons)
    per_step = 1e6 * seconds(sim, None, asked.ms) / (asked.ms / sim.dt)
    rate = sim.copy().run(ms=asked.ms, progress=False)["mean_rate"]
    print(
        f"neuromod {neuromod.__version__}: {asked.neurons:,} neurons, {asked.neurons * 100:,} synapses, "
        f"{rate:.1f} Hz, {per_step:.1f} us a step; cost in percent, median (quartiles) of {asked.pairs} pairs"
    )
    for way in (way for way in WAYS if asked.only in way):
        ratios = []
        for k in range(asked.pairs):
            order = (None, way) if k % 2 else (way, None)
            took = {one: seconds(sim, one, asked.ms) for one in order}
            ratios.append(100.0 * (took[way] / took[None] - 1.0))
        low, median, high = np.percentile(ratios, [25, 50, 75])
        print(f"  {way:<46}{median:>8.1f}   ({low:.1f} to {high:.1f})", flush=True)


if __name__ == "__main__":
    main()
