"""The processes of an MPI communicator that step one network: what they agree on, exchange, and how they end."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.errors import ConfigError
from neuromod.network.ranked import own_parts
from neuromod.optional import optional_module
from neuromod.problems import shown

__all__ = ["Ranks"]

Ints = NDArray[np.int64]
_NEEDED = ("rank", "size", "Abort", "Allgather", "Allgatherv", "Allreduce", "allgather", "gather")


class Ranks:
    """The processes of a communicator, of which this is one."""

    def __init__(self, comm: Any) -> None:
        """`comm`: None: that of all processes of the launcher."""
        given = comm
        if comm is None:
            comm = optional_module("mpi4py.MPI", "mpi", "RankSimulation").COMM_WORLD
        if not all(hasattr(comm, name) for name in _NEEDED):
            raise TypeError(f"comm: must be a communicator of mpi4py; got {shown(given)}")
        self.comm = comm
        self.rank, self.size = int(comm.rank), int(comm.size)

    # ---- agreement -------------------------------------------------------------------------------------------

    def of_first(self, value: Any) -> Any:
        """What rank 0 gives."""
        return self.comm.allgather(value if self.rank == 0 else None)[0]

    def any(self, value: bool) -> bool:
        """Whether it is so on some rank."""
        return any(self.comm.allgather(bool(value)))

    @contextlib.contextmanager
    def one_error(self) -> Iterator[None]:
        """A block whose error on one rank is one on all: its own there, a ConfigError that lists them elsewhere."""
        error: Exception | None = None
        try:
            yield
        except Exception as failure:  # raised below, when the others know
            error = failure
        each = self.comm.allgather(None if error is None else str(error))
        if error is not None:
            raise error
        wrong = [f"rank {r}: {text}" for r, text in enumerate(each) if text is not None]
        if wrong:
            raise ConfigError(wrong)

    def check_same(self, told: Mapping[str, Any]) -> None:
        """Refuse, on every rank, what differs from rank 0."""
        each = self.comm.allgather(list(told.values()))
        problems = [
            f"rank {r}: must have the {name} of rank 0, {shown(each[0][k])}; got {shown(one[k])}"
            for r, one in enumerate(each)
            for k, name in enumerate(told)
            if one[k] != each[0][k]
        ]
        if problems:
            raise ConfigError(problems)

    def beside(self) -> int:
        """Number of ranks on this machine that may use a core that this one may use."""
        if self.size == 1:
            return 1
        cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        each = self.comm.allgather((platform.node(), sorted(cores)))
        node = platform.node()
        return sum(its_node == node and (not cores or not cores.isdisjoint(its)) for its_node, its in each)

    # ---- exchange --------------------------------------------------------------------------------------------

    def swap(self, n_neurons: int, packed: NDArray[np.int32]) -> list[tuple[int, int, NDArray[np.int32]]]:
        """Partitions of each rank, first and one past the last, and the spikes that it has packed."""
        sizes = np.empty(self.size, np.int64)
        self.comm.Allgather(np.array([len(packed)], np.int64), sizes)
        begins = np.concatenate([[0], np.cumsum(sizes)])
        everything = np.empty(begins[-1], np.int32)
        self.comm.Allgatherv(packed, (everything, sizes))
        return [
            (*own_parts(n_neurons, r, self.size)[:2], everything[begins[r] : begins[r + 1]])
            for r in range(self.size)
        ]

    def total(self, own: Ints) -> Ints:
        """The sum over all ranks."""
        found = np.empty_like(own)
        self.comm.Allreduce(own, found)
        return found

    # ---- the end ---------------------------------------------------------------------------------------------

    def end_all(self) -> None:
        """End all ranks, which wait for this one; the error is printed first. Without other ranks, let it pass."""
        if self.size == 1:
            return
        if isinstance(sys.exception(), KeyboardInterrupt):
            print(f"rank {self.rank}: interrupted", file=sys.stderr)
        else:
            traceback.print_exc()
        sys.stderr.flush()
        self.comm.Abort(1)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """A block in which the others wait for this rank: an error ends all."""
        try:
            yield
        except BaseException:
            self.end_all()
            raise

    def end_all_on_errors(self) -> None:
        """From now on an error that ends this process ends all, which would wait for it for ever."""
        if self.size == 1 or getattr(sys.excepthook, "ends_all", False):
            return
        before, comm = sys.excepthook, self.comm

        def end_all(*error: Any) -> None:
            before(*error)
            sys.stderr.flush()
            comm.Abort(1)

        end_all.ends_all = True  # type: ignore[attr-defined]
        sys.excepthook = end_all
