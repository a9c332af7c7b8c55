"""Benchmarks of this machine and of the engine on it; ``neuromod bench``."""

from neuromod.bench.command import append_history, bench_table, run_bench
from neuromod.bench.micro import micro_benchmarks
from neuromod.bench.numbers import Options
from neuromod.bench.workloads import MEASUREMENTS, run_workload

__all__ = [
    "MEASUREMENTS",
    "Options",
    "append_history",
    "bench_table",
    "micro_benchmarks",
    "run_bench",
    "run_workload",
]
