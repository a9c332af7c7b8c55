"""Which of the processes that an MPI launcher has started this one is."""

from __future__ import annotations

import os

__all__ = ["launched"]

_LAUNCHED = ("OMPI_COMM_WORLD", "PMI", "MV2_COMM_WORLD")
"""Launchers (Open MPI; MPICH, Intel MPI and MS-MPI; MVAPICH) set <name>_RANK and <name>_SIZE."""


def launched() -> tuple[int, int]:
    """Number of this process, and how many an MPI launcher has started; 0 and 1 where there is no launcher.

    MPI is not loaded for it.
    """
    pairs = [(f"{name}_RANK", f"{name}_SIZE") for name in _LAUNCHED]
    for rank, size in [*pairs, ("PMIX_RANK", "SLURM_STEP_NUM_TASKS")]:
        given = os.environ.get(rank, ""), os.environ.get(size, "")
        if all(text.isascii() and text.isdigit() for text in given):
            return int(given[0]), int(given[1])
    return 0, 1
