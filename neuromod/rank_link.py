"""The processes of an MPI communicator that step one network: what they agree on, exchange, and how they end."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.errors import ConfigError
from neuromod.optional import optional_module
from neuromod.problems import shown

__all__ = ["Ranks"]

Ints = NDArray[np.int64]
_NEEDED = (
    "rank",
    "size",
    "Abort",
    "Iallgather",
    "Iallgatherv",
    "Iallreduce",
    "Ialltoallv",
    "Ibarrier",
    "Iexscan",
    "allgather",
    "gather",
)
_LONG = 1e-3  # seconds without the core after which another program is taken to use it
_NAP = 1e-6  # seconds; the system makes it 50 to 100 times as long
_WAITS = 64  # that nap, after a core was away for long
_give_way = getattr(os, "sched_yield", lambda: time.sleep(0.0))


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
        self._naps = 0  # waits to come that nap

    # ---- agreement -------------------------------------------------------------------------------------------

    def each(self, thing: Any, where: str = "") -> list[Any]:
        """What every rank gives. `where`: the call that they have made; ranks in different ones are refused."""
        self.wait(self.comm.Ibarrier())
        found = self.comm.allgather((where, thing))
        if any(its != found[0][0] for its, _ in found):
            calls = ", ".join(f"{its or 'another'} on rank {r}" for r, (its, _) in enumerate(found))
            raise ConfigError([f"ranks: must make the same calls; got {calls}"])
        return [its for _, its in found]

    def at_first(self, thing: Any) -> list[Any] | None:
        """What every rank gives, on rank 0; None on the others."""
        self.wait(self.comm.Ibarrier())
        return self.comm.gather(thing)  # type: ignore[no-any-return]

    def of_first(self, value: Any) -> Any:
        """What rank 0 gives."""
        return self.each(value if self.rank == 0 else None)[0]

    def any(self, value: bool) -> bool:
        """Whether it is so on some rank."""
        return any(self.each(bool(value)))

    @contextlib.contextmanager
    def one_error(self, where: str = "") -> Iterator[None]:
        """A block whose error on one rank is one on all: its own there, a ConfigError that lists them elsewhere."""
        error: Exception | None = None
        try:
            yield
        except Exception as failure:  # raised below, when the others know
            error = failure
        each = self.each(None if error is None else str(error), where)
        if error is not None:
            raise error
        wrong = [f"rank {r}: {text}" for r, text in enumerate(each) if text is not None]
        if wrong:
            raise ConfigError(wrong)

    def check_same(self, told: Mapping[str, Any], where: str = "") -> None:
        """Refuse, on every rank, what differs from rank 0."""
        each = self.each(list(told.values()), where)
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
        each = self.each((platform.node(), sorted(cores)))
        node = platform.node()
        return sum(its_node == node and (not cores or not cores.isdisjoint(its)) for its_node, its in each)

    # ---- exchange --------------------------------------------------------------------------------------------

    def wait(self, request: Any) -> None:
        """Wait for the others. Between two looks the core is given to another rank that waits for it.

        Where another program took the core for long meanwhile, the next waits nap instead: a process that has napped is
        let in before one that computes, so that it need not wait for its turn.
        """
        while not request.Test():
            if self._naps:
                time.sleep(_NAP)
                continue
            began = time.perf_counter()
            _give_way()
            if time.perf_counter() - began > _LONG:
                self._naps = _WAITS
        self._naps = max(0, self._naps - 1)

    def swap(self, packed: NDArray[np.int32]) -> tuple[NDArray[np.int32], Ints]:
        """The spikes that all ranks have packed, and where those of each begin."""
        sizes = np.empty(self.size, np.int64)
        self.wait(self.comm.Iallgather(np.array([len(packed)], np.int64), sizes))
        begins = np.zeros(self.size + 1, np.int64)
        np.cumsum(sizes, out=begins[1:])
        everything = np.empty(begins[-1], np.int32)
        self.wait(self.comm.Iallgatherv(packed, (everything, sizes)))
        return everything, begins

    def total(self, own: NDArray[Any]) -> NDArray[Any]:
        """The sum over all ranks."""
        given = np.ascontiguousarray(own)
        found = np.empty_like(given)
        self.wait(self.comm.Iallreduce(given, found))
        return found

    def before(self, own: Ints) -> Ints:
        """The sum over the ranks of smaller number."""
        found = np.zeros_like(own)
        self.wait(self.comm.Iexscan(np.ascontiguousarray(own), found))
        return found if self.rank else np.zeros_like(own)

    def deal(self, sent: NDArray[Any], to: Ints, of: Ints) -> NDArray[Any]:
        """What all have for this rank: of `sent` so many go `to` each rank, and so many come `of` each."""
        found = np.empty(int(of.sum()), sent.dtype)
        begins = [np.cumsum(sizes) - sizes for sizes in (to, of)]
        self.wait(self.comm.Ialltoallv((sent, (to, begins[0])), (found, (of, begins[1]))))
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
