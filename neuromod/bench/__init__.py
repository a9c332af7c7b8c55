"""Benchmarks of this machine and of the engine on it; ``neuromod bench``."""

from neuromod.bench.command import append_history, bench_table, run_bench
from neuromod.bench.micro import micro_benchmarks
from neuromod.bench.microcircuit import build_microcircuit, measure_microcircuit
from neuromod.bench.numbers import Options
from neuromod.bench.populations import build_populations, measure_populations
from neuromod.bench.shapes import Shape, build_shape, measure_shape, measure_shapes
from neuromod.bench.shapes_table import shapes_table
from neuromod.bench.workloads import MEASUREMENTS, run_workload

__all__ = [
    "MEASUREMENTS",
    "Options",
    "Shape",
    "append_history",
    "bench_table",
    "build_microcircuit",
    "build_populations",
    "build_shape",
    "measure_microcircuit",
    "measure_populations",
    "measure_shape",
    "measure_shapes",
    "micro_benchmarks",
    "run_bench",
    "run_workload",
    "shapes_table",
]
