"""A communicator of threads of one process, with what `RankSimulation` needs of mpi4py's: tests need no MPI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np


class Ended(Exception):
    """A rank has ended all."""


class _Shared:
    def __init__(self, size: int) -> None:
        self.barrier, self.slots = threading.Barrier(size), [None] * size


class _Done:
    """A request of a call that has been answered."""

    def Test(self) -> bool:
        return True


class ThreadComm:
    """One rank of several; every collective call is a meeting of all."""

    def __init__(self, shared: Any, rank: int, size: int) -> None:
        self._shared, self.rank, self.size = shared, rank, size

    def allgather(self, thing: Any) -> list[Any]:
        self._shared.slots[self.rank] = thing
        try:
            self._shared.barrier.wait(60)
            found = list(self._shared.slots)
            self._shared.barrier.wait(60)
        except threading.BrokenBarrierError:
            raise Ended from None
        return found

    def gather(self, thing: Any) -> list[Any] | None:
        found = self.allgather(thing)
        return found if self.rank == 0 else None

    def Ibarrier(self) -> _Done:
        self.allgather(None)
        return _Done()

    def Iallgather(self, own: Any, everything: Any) -> _Done:
        everything[:] = np.concatenate(self.allgather(np.array(own)))
        return _Done()

    def Iallgatherv(self, own: Any, everything: Any) -> _Done:
        buffer, sizes = everything
        found = self.allgather(np.array(own))
        assert [len(part) for part in found] == list(sizes)
        buffer[:] = np.concatenate(found)
        return _Done()

    def Iallreduce(self, own: Any, total: Any) -> _Done:
        total[:] = sum(self.allgather(np.array(own)))
        return _Done()

    def Iexscan(self, own: Any, before: Any) -> _Done:
        found = self.allgather(np.array(own))
        if self.rank:
            before[:] = sum(found[: self.rank])
        return _Done()

    def Ialltoallv(self, own: Any, found: Any) -> _Done:
        sent, (to, begins) = own
        buffer, (of, places) = found
        parts = [np.array(sent[at : at + n]) for at, n in zip(begins, to, strict=True)]
        for part, n, at in zip(self.allgather(parts), of, places, strict=True):
            assert len(part[self.rank]) == n
            buffer[at : at + n] = part[self.rank]
        return _Done()

    def Abort(self, code: int) -> None:
        self._shared.barrier.abort()


def on_ranks(size: int, work: Callable[[ThreadComm], Any]) -> list[Any]:
    """What `work` gives on each rank; the first error, if there is one."""
    shared, found, errors = _Shared(size), [None] * size, []

    def one(rank: int) -> None:
        try:
            found[rank] = work(ThreadComm(shared, rank, size))
        except BaseException as error:
            errors.append(error)
            shared.barrier.abort()

    threads = [threading.Thread(target=one, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise next((error for error in errors if not isinstance(error, Ended)), errors[0])
    return found
