"""neuromod and peers on the same workload, in alternating runs: medians, ratios, and whether it is the same network.

    python tests/peers/compare.py --workload brunel_static --peer nest numba --pairs 5 --cpu 1 \\
        --python nest=/venvs/nest/bin/python --python numba=/venvs/numba/bin/python

Each peer may live in an environment of its own: ``--python PEER=PYTHON``, or the environment variable
``NEUROMOD_PEER_NEST`` and so on; else this Python is tried. neuromod itself runs in this Python, or
``--python neuromod=PYTHON``.
Pair k has the seed ``--seed`` + k on both sides. Means that lie further apart than is allowed, but less than three
standard errors, do not count as other networks: take more pairs. Rates of ``brunel_static`` at a fifth have a standard
deviation of 4 % over seeds in a second, on both sides.

Exit code: 0 the same networks, 1 not the same, 2 a peer is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS = {  # script, what must be importable, what to install
    "nest": ("peer_nest.py", "nest", "nest-simulator"),
    "brian2": ("peer_brian2.py", "brian2", "brian2 setuptools"),
    "annarchy": ("peer_annarchy.py", "ANNarchy", "ANNarchy cmake"),
    "numba": ("peer_numba.py", "numba", "numba scipy"),
}
HAS_NOT = {("numba", "izhikevich_stdp"), *((name, "microcircuit") for name in PEERS if name != "nest")}
OWN_SCRIPT = {("nest", "microcircuit"): "peer_nest_microcircuit.py"}
# Two networks drawn apart from one description are the same within these; the weights where both count a presynaptic
# spike at its arrival, or where the delay is one step on both sides.
WITHIN = {"mean_rate_hz": 0.02, "cv_isi": 0.05, "w_mean": 0.02, "w_sd": 0.02}
RATES_WITHIN = 0.05  # of each population, where they are known: over 10 s and more
BEYOND_CHANCE = (
    3.0  # standard errors of a difference of means; small networks differ by some per cent between seeds
)
SPREAD = ("run_s", "realtime_factor", "events_per_s", "peak_bytes_per_synapse", "build_s")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workload", required=True, choices=["brunel_static", "da_stdp", "izhikevich_stdp", "microcircuit"]
    )
    parser.add_argument("--peer", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--t", type=float, default=0.0, help="simulated ms (0: the workload's own)")
    parser.add_argument("--dc", action="store_true", help="microcircuit: no Poisson input")
    parser.add_argument("--delay", type=float, default=0.0, help="ms, on both sides (0: the workload's own)")
    parser.add_argument("--cpu", help="processors to keep to, e.g. 1 or 0,1 (Linux)")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PYTHON")
    parser.add_argument("--json", type=Path, help="append every run's record to this file")
    return parser.parse_args()


def interpreter(name: str, given: Sequence[str]) -> str:
    chosen = dict(item.split("=", 1) for item in given)
    return chosen.get(name) or os.environ.get(f"NEUROMOD_PEER_{name.upper()}") or sys.executable


def environment(python: str, threads: int) -> dict[str, str]:
    """ANNarchy calls the cmake that stands beside its Python."""
    path = f"{Path(python).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"PATH": path, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}


def installed(name: str, python: str) -> bool:
    done = subprocess.run(
        [python, "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec({PEERS[name][1]!r}) is None)"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def run(
    script: str, python: str, a: argparse.Namespace, seed: int, more: Sequence[str] = ()
) -> dict[str, Any]:
    command = [
        python,
        str(HERE / script),
        "--workload",
        a.workload,
        "--scale",
        str(a.scale),
        "--seed",
        str(seed),
    ]
    command += [
        "--threads",
        str(a.threads),
        "--t",
        str(a.t),
        "--delay",
        str(a.delay),
        *["--dc"] * a.dc,
        *more,
    ]
    if a.cpu:
        command = ["taskset", "-c", a.cpu, *command]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(python, a.threads), check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    record: dict[str, Any] = json.loads(lines[-1])
    if a.json:
        with a.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    print(
        f"  {record['simulator']:<9} seed {seed}: run {record['run_s']:.4g} s, RTF {record['realtime_factor']:.4g}, "
        f"{record['mean_rate_hz']:.3f} Hz, CV {record['cv_isi']}, load {os.getloadavg()[0]:.2f}",
        flush=True,
    )
    return record


def median(records: Sequence[dict[str, Any]], key: str) -> float | None:
    values = [record[key] for record in records if record.get(key) is not None]
    return statistics.median(values) if values else None


def mean(records: Sequence[dict[str, Any]], key: str) -> float | None:
    values = [record[key] for record in records if record.get(key) is not None]
    return statistics.fmean(values) if values else None


def compare(name: str, a: argparse.Namespace) -> bool:
    """Run the pairs, print the tables; whether it is the same network."""
    script = OWN_SCRIPT.get((name, a.workload), PEERS[name][0])
    python, own = interpreter(name, a.python), interpreter("neuromod", a.python)
    ours, theirs = [], []
    print(
        f"{a.workload}: neuromod and {name}, {a.pairs} pairs, scale {a.scale:g}, {a.threads} threads",
        flush=True,
    )
    for k in range(a.pairs):
        ours.append(run("peer_neuromod.py", own, a, a.seed + k))
        theirs.append(run(script, python, a, a.seed + k))
    recorded = theirs
    if name == "nest":  # its recorder costs memory and time, so the spikes are kept in a run of their own
        recorded = [*theirs, run(script, python, a, a.seed, ["--record"])]
    print(f"\n  {'median of the pairs':<26}{'neuromod':>14}{theirs[0]['simulator']:>14}{'ratio':>10}")
    for key in SPREAD:
        mine, other = median(ours, key), median(theirs, key)
        if mine and other:
            print(f"  {key:<26}{mine:>14.5g}{other:>14.5g}{other / mine:>10.3g}")
    ratios = [other["run_s"] / mine["run_s"] for mine, other in zip(ours, theirs, strict=True)]
    print(
        f"  run_s, pair by pair: {statistics.median(ratios):.3g} times ({min(ratios):.3g} to {max(ratios):.3g})"
    )
    # Brian2 counts a presynaptic spike at its arrival, as neuromod does; the others when it is fired, and NEST takes
    # the delay as dendritic besides: with a delay of 0.1 ms that no longer matters, with one of 1 ms it does
    return same_network(
        ours, recorded, name == "brian2" or (a.workload == "da_stdp" and 0.0 < a.delay <= 0.1)
    )


def standard_errors(
    ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], key: str
) -> float | None:
    """How many standard errors the means lie apart; None where a side has fewer than two runs."""
    sides = [[run[key] for run in runs if run.get(key) is not None] for runs in (ours, theirs)]
    if min(map(len, sides)) < 2:
        return None
    error = sum(statistics.variance(side) / len(side) for side in sides) ** 0.5
    apart = abs(statistics.fmean(sides[0]) - statistics.fmean(sides[1]))
    return apart / error if error else None


def verdict_on(apart: float, allowed: float, errors: float | None) -> tuple[bool, str]:
    """Whether networks may be the same, and words: means that lie apart by chance tell nothing."""
    chance = "" if errors is None else f"{errors:.1f} standard errors"
    if apart <= allowed or (errors is not None and errors < BEYOND_CHANCE):
        return True, chance if apart <= allowed else f"{chance}: take more pairs"
    return False, f"NOT THE SAME  {chance}"


def same_network(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], weights: bool) -> bool:
    """Means over the runs side by side; `weights`: whether those must be the same too."""
    print(
        f"\n  {'mean over the runs':<26}{'neuromod':>14}{theirs[0]['simulator']:>14}{'apart':>10}{'allowed':>10}"
    )
    same = True
    for key, allowed in WITHIN.items():
        mine, other = mean(ours, key), mean(theirs, key)
        if mine is None or other is None:
            continue
        apart = abs(mine - other) / abs(other) if other else float(mine != other)
        judged = weights or not key.startswith("w_")
        fine, verdict = verdict_on(apart, allowed, standard_errors(ours, theirs, key))
        verdict = verdict if judged else "not judged: the delay lies elsewhere"
        same = same and (fine or not judged)
        print(f"  {key:<26}{mine:>14.5g}{other:>14.5g}{apart:>10.2%}{allowed:>10.0%}  {verdict}")
    same = same_rates(ours, theirs) and same
    print(flush=True)
    return same


def same_rates(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> bool:
    """The mean rate of each population, of the runs that have it."""
    mine, other = ([run["rates_hz"] for run in runs if "rates_hz" in run] for runs in (ours, theirs))
    same = True
    for name in mine[0] if mine and other else ():
        a, b = (statistics.fmean(rates[name] for rates in of) for of in (mine, other))
        apart = abs(a - b) / b if b else float(a != b)
        same = same and apart <= RATES_WITHIN
        verdict = "" if apart <= RATES_WITHIN else "NOT THE SAME"
        print(
            f"  {f'rate of {name}, Hz':<26}{a:>14.5g}{b:>14.5g}{apart:>10.2%}{RATES_WITHIN:>10.0%}  {verdict}"
        )
    return same


def main() -> int:
    a = arguments()
    missing, same = [], True
    for name in a.peer:
        if (name, a.workload) in HAS_NOT:
            print(f"{name}: has no {a.workload}")
            continue
        python = interpreter(name, a.python)
        if not installed(name, python):
            print(f"{name}: not installed in {python}; pip install {PEERS[name][2]}")
            missing.append(name)
            continue
        same = compare(name, a) and same
    return 2 if missing else 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
