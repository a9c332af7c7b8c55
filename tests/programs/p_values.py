"""Prints whether every way of connecting, every source and every noise has the distribution that theory gives.

Each row is one test against theory, made anew under many seeds. The p-values of a right program are uniform between 0
and 1. So the last column is the p-value of Kolmogorov and Smirnov's test of the row's p-values. The tests
test_connect_degree.py, test_connect_distance.py, test_drive_*.py and test_time_step.py hold the same under fixed seeds,
and test_p_values.py holds a few seeds of each row.
Usage: python p_values.py [--seeds 100] [--only WORD]. Exit code 1: a row whose last column is below 1e-3 / rows.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1]))

import laws_of_connecting
import laws_of_drive

from neuromod import NeuromodWarning

ROWS = {**laws_of_connecting.ROWS, **laws_of_drive.ROWS}
LEAST = 1e-3  # of all rows together


def uniformity(found: list[float]) -> float:
    """The p-value of Kolmogorov and Smirnov's test that these are uniform between 0 and 1."""
    return float(stats.kstest(found, "uniform").pvalue)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--only", default="", help="rows whose name has this word")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", NeuromodWarning)
    names = [name for name in ROWS if asked.only in name]
    print(f"{'':<58}{'least p':>9}{'p < .05':>9}{'mean p':>8}{'uniform':>9}{'s':>6}")
    wrong, all_uniform = 0, []
    for name in names:
        start = time.perf_counter()
        found = [ROWS[name](seed) for seed in range(asked.seeds)]
        uniform = uniformity(found)
        all_uniform.append(uniform)
        wrong += uniform < LEAST / len(names)
        print(
            f"{name:<58}{min(found):>9.4f}{np.mean(np.array(found) < 0.05):>9.2f}{np.mean(found):>8.3f}"
            f"{uniform:>9.4f}{time.perf_counter() - start:>6.1f}",
            flush=True,
        )
    print(
        f"{len(names)} rows, {asked.seeds} seeds each: least of the last column {min(all_uniform):.5f}, "
        f"allowed {LEAST / len(names):.1e}; below 0.05: {sum(p < 0.05 for p in all_uniform)} rows"
    )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
