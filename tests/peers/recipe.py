"""The microcircuit's activity, by the recipe of Senk et al. 2026 (doi:10.1088/2634-4386/ae379a), beside NEST's.

    python tests/peers/recipe.py --scale 0.1 --t 10000 --seeds 10 --python nest=/venvs/nest/bin/python

Of each population: the rate; the coefficient of variation of the intervals between spikes, mean over the neurons with
three spikes and more; the correlation of spike counts in bins of 2 ms, mean over pairs of the first 200 neurons, where
both have fired. 500 ms are not measured. Each seed draws anew on both sides. The table has means over the seeds, and
in brackets how far seeds lie apart (standard deviation). Exit code: 0 every rate within 5 %, 1 not, 2 NEST is missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from compare import HERE, environment, installed, interpreter
from numpy.typing import NDArray

from neuromod import Simulation, SpikeMonitor
from neuromod.bench.microcircuit import build_microcircuit
from neuromod.bench.numbers import MICROCIRCUIT as M
from neuromod.bench.numbers import Options, microcircuit_sizes

BIN, CORRELATED, RATES_WITHIN = 2.0, 200, 0.05  # ms; neurons; of a rate
FIGURES = ("rate, Hz", "CV", "correlation")
Spikes = tuple[
    NDArray[np.int64], NDArray[np.float64]
]  # neuron from 0, time in ms from the begin of the recording


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--t", type=float, default=10_000.0, help="ms")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dc", action="store_true", help="no Poisson input")
    parser.add_argument("--python", action="append", default=[], metavar="nest=PYTHON")
    parser.add_argument("--json", type=Path, help="append the figures of each run to this file")
    return parser.parse_args()


def run_neuromod(a: argparse.Namespace, seed: int) -> list[Spikes]:
    sim: Simulation = build_microcircuit(
        Options(scale=a.scale, seed=seed, threads=a.threads, duration=a.t, dc=a.dc)
    )
    sim.run(round(M.warm / M.dt), progress=False)
    monitors = [SpikeMonitor(sim, sim.populations[name]) for name in M.names]
    sim.run(round(a.t / M.dt), progress=False)
    first = [int(sim.populations[name].ids[0]) for name in M.names]
    return [
        (np.asarray(monitor.id) - low, np.asarray(monitor.time) - M.warm)
        for monitor, low in zip(monitors, first, strict=True)
    ]


def run_nest(a: argparse.Namespace, seed: int) -> list[Spikes]:
    python = interpreter("nest", a.python)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spikes.npz"
        command = [python, str(HERE / "peer_nest_microcircuit.py"), "--workload", "microcircuit"]
        command += ["--scale", str(a.scale), "--seed", str(seed), "--threads", str(a.threads)]
        command += ["--t", str(a.t), *["--dc"] * a.dc, "--record", "--spikes", str(file)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(python, a.threads), check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        with np.load(file, allow_pickle=False) as saved:
            return [(saved[f"neuron_{k}"], saved[f"time_{k}"] - M.warm) for k in range(len(M.names))]


def mean_cv(spikes: Spikes) -> float:
    neuron, time = spikes
    order = np.lexsort((time, neuron))
    trains = np.split(time[order], np.flatnonzero(np.diff(neuron[order])) + 1)
    intervals = [np.diff(train) for train in trains if len(train) > 2]
    return float(np.mean([each.std() / each.mean() for each in intervals])) if intervals else float("nan")


def mean_correlation(spikes: Spikes, n: int, duration: float) -> float:
    neuron, time = spikes
    few = neuron < min(n, CORRELATED)
    counts = np.zeros((min(n, CORRELATED), int(duration / BIN)))
    column = np.minimum((time[few] / BIN).astype(int), counts.shape[1] - 1)
    np.add.at(counts, (neuron[few], column), 1.0)
    fired = counts[counts.any(axis=1)]
    if len(fired) < 2:
        return float("nan")
    pairs = np.asarray(np.corrcoef(fired))
    return float(pairs[np.triu_indices(len(fired), 1)].mean())


def figures_of(spikes: list[Spikes], a: argparse.Namespace) -> NDArray[np.float64]:
    """Shape (population, figure)."""
    sizes = microcircuit_sizes(a.scale, a.dc)["n"].tolist()
    return np.array(
        [
            [len(each[1]) / n / a.t * 1000.0, mean_cv(each), mean_correlation(each, n, a.t)]
            for each, n in zip(spikes, sizes, strict=True)
        ]
    )


def of_seeds(
    name: str, run: Callable[[argparse.Namespace, int], list[Spikes]], a: argparse.Namespace
) -> NDArray[np.float64]:
    """Shape (seed, population, figure)."""
    found = []
    for seed in range(1, a.seeds + 1):
        found.append(figures_of(run(a, seed), a))
        print(f"  {name:<9} seed {seed}: {np.array2string(found[-1][:, 0], precision=3)} Hz", flush=True)
        if a.json:
            with a.json.open("a", encoding="utf-8") as file:
                record = {"simulator": name, "seed": seed, "scale": a.scale, "t": a.t, "dc": a.dc}
                file.write(json.dumps(record | {"figures": found[-1].tolist()}) + "\n")
    return np.array(found)


def table(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> str:
    lines = [f"{'':<6}" + "".join(f"{name:>34}" for name in FIGURES)]
    for k, name in enumerate(M.names):
        line = f"{name:<6}"
        for j in range(len(FIGURES)):
            pair = [f"{each[:, k, j].mean():.4f} ({each[:, k, j].std():.4f})" for each in (ours, theirs)]
            line += f"{' '.join(pair):>34}"
        apart = abs(ours[:, k, 0].mean() / theirs[:, k, 0].mean() - 1.0)
        lines.append(f"{line}   rates {100.0 * apart:.1f} % apart")
    return "\n".join(lines)


def main() -> int:
    a = arguments()
    if not installed("nest", interpreter("nest", a.python)):
        print("nest: not installed; pip install nest-simulator", file=sys.stderr)
        return 2
    print(f"microcircuit{', DC' * a.dc}, scale {a.scale}, {a.t / 1000.0:g} s, {a.seeds} seeds")
    ours, theirs = of_seeds("neuromod", run_neuromod, a), of_seeds("nest", run_nest, a)
    print("of each figure: neuromod, NEST\n" + table(ours, theirs))
    apart = np.abs(ours[:, :, 0].mean(axis=0) / theirs[:, :, 0].mean(axis=0) - 1.0)
    return int(bool((apart > RATES_WITHIN).any()))


if __name__ == "__main__":
    sys.exit(main())
