"""Prints the vector level of the core, then the digests of random simulations and of the benchmarks' networks.

Usage: python digests.py FIRST COUNT: numbers of the random simulations.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from random_models import simulation_of

from neuromod.bench import Options, run_workload
from neuromod.vector import vector_level

RUNS = {"brunel_static": 20.0, "da_stdp": 50.0, "izhikevich_stdp": 300.0}  # ms


def main(first: int, count: int) -> None:
    print(vector_level())
    for number in range(first, first + count):
        print(number, simulation_of(number).digest())
    for name, duration in RUNS.items():
        print(name, run_workload(name, Options(scale=0.05, duration=duration))["digest"])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
