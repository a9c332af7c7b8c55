"""What the scripts share that run the benchmark workloads on one simulator each: the command line, the clock, and
the one line of JSON that each prints. The workloads' numbers are the package's own, read by their path, so that the
scripts run where neuromod is not installed."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


numbers = _load(HERE.parent.parent / "neuromod" / "bench" / "numbers.py")


def command_line(workloads: Sequence[str], variant: str = "") -> argparse.Namespace:
    """The arguments; one thread is asked of every library that reads OMP_NUM_THREADS."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", required=True, choices=workloads)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--t", type=float, default=0.0, help="simulated ms (0: the workload's own)")
    parser.add_argument(
        "--indegree", type=int, default=0, help="da_stdp: plastic inputs of a neuron (0: by the scale)"
    )
    parser.add_argument("--delay", type=float, default=0.0, help="ms (0: the workload's own)")
    parser.add_argument("--dc", action="store_true", help="microcircuit: no Poisson input")
    parser.add_argument("--record", action="store_true", help="NEST: keep the spikes, for their CV")
    parser.add_argument("--spikes", help="NEST's microcircuit: write the kept spikes to this .npz")
    parser.add_argument("--variant", default=variant)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(arguments.threads))
    return arguments


def settings(arguments: argparse.Namespace) -> dict[str, float]:
    """The workload's numbers at this scale, under the command line's duration and delay."""
    name, p = arguments.workload, dict(numbers.WORKLOADS[arguments.workload])
    if name == "brunel_static":
        p |= numbers.brunel_sizes(arguments.scale)
    elif name == "da_stdp":
        p |= numbers.da_sizes(arguments.scale, arguments.indegree)
    elif name == "izhikevich_stdp":
        p |= numbers.izhikevich_sizes(arguments.scale)
    p["duration"] = arguments.t or p["duration"]
    p["delay"] = arguments.delay or p.get("delay", 0.0)
    return p


class Clock:
    """Wall and CPU seconds of a block."""

    def __enter__(self) -> Clock:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exc: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu


def memory(field: str = "VmRSS") -> float:
    """MiB now (VmRSS) or at the peak (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def emit(
    arguments: argparse.Namespace,
    simulator: str,
    version: str,
    *,
    n_neurons: int,
    n_synapses: int,
    p: dict[str, float],
    build: float,
    run: float,
    cpu: float,
    base: float,
    peak: float,
    neuron: Any,
    time_ms: Any,
    weights: Any = None,
    spikes: int | None = None,
    **more: Any,
) -> None:
    """Print the record of a run, with the keys of `neuromod.bench.run_workload`. Where the spikes were not kept,
    `neuron` and `time_ms` are None and `spikes` is their number."""
    unit = p["weight"] if arguments.workload == "da_stdp" else 1.0
    kept = ([], []) if neuron is None else (neuron, time_ms)
    figures = numbers.spike_figures(*kept, n_neurons, p["duration"], weights, unit)
    if neuron is None:
        figures["spikes"] = spikes
        figures["mean_rate_hz"] = round(spikes / n_neurons / (p["duration"] / 1000.0), 4)
    events = figures["spikes"] * n_synapses / n_neurons
    steps = round(p["duration"] / p["dt"])
    record = {
        "workload": arguments.workload,
        "simulator": simulator,
        "version": version,
        "variant": arguments.variant,
        "scale": arguments.scale,
        "n_neurons": int(n_neurons),
        "n_synapses": int(n_synapses),
        "sim_steps": steps,
        "dt_ms": p["dt"],
        "threads": arguments.threads,
        "seed": arguments.seed,
        "build_s": round(build, 4),
        "run_s": round(run, 5),
        "run_cpu_s": round(cpu, 5),
        "realtime_factor": round(run / (p["duration"] / 1000.0), 5),
        "us_per_step": round(1e6 * run / steps, 3),
        "synaptic_events": round(events),
        "events_per_s": round(events / run, 1),
        "updates_per_s": round(n_neurons * steps / run, 1),
        "base_rss_mb": round(base, 1),
        "peak_rss_mb": round(peak, 1),
        "peak_bytes_per_synapse": round((peak - base) * 2**20 / max(1, n_synapses), 2),
        **figures,
    }
    print(json.dumps(record | more), flush=True)
