"""Benchmarks of this machine and of the engine on it; ``neuromod bench``."""

from neuromod.bench.command import append_history, bench_table, run_bench, run_workload

__all__ = ["append_history", "bench_table", "run_bench", "run_workload"]
