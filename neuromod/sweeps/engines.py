"""Where the runs of a sweep are done: what `on` may be, and the executor that it stands for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from neuromod.errors import ConfigError
from neuromod.optional import optional_module
from neuromod.parallel import available_threads, get_num_threads
from neuromod.problems import nearest, shown
from neuromod.processes import begin_processes, stop_processes

__all__ = ["NAMES", "Engine", "engine_for"]

NAMES = ("here", "processes", "dask", "ray", "mpi")
_MANY = 1000  # runs under way at once, where it is not known how many workers there are


@dataclass
class Engine:
    """How the executor of a sweep is made and ended.

    Attributes
    ----------
    name : str
    threads : int
        Of each run: a worker's share of the cores.
    window : int
        Runs that are handed over at once.
    start : callable
        Gives the executor; None in a process that only serves another's sweep, when it has served.
    stop : callable
        Ends the executor; the second argument says whether at once.
    renews : bool
        Whether an executor whose worker has died can be replaced.
    portable : bool
        Whether functions must be importable by other processes.
    """

    name: str
    threads: int
    window: int
    start: Callable[[], Executor]
    stop: Callable[[Executor, bool], None]
    renews: bool = True
    portable: bool = False


class _Here(Executor):
    """Does each call at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future that has its result."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def engine_for(on: Any, workers: int | None, threads: int | None) -> Engine:
    """The engine that `on` names, is or makes.

    Parameters
    ----------
    on : str, Executor, callable or None
    workers, threads : int, >= 1, optional

    Raises
    ------
    ConfigError, TypeError, ImportError
        If there is none of that name, or its library is not installed.
    """
    cores = available_threads()
    if on is None or on == "here":
        if workers is not None:
            raise ConfigError(
                [f"workers: has no effect in this process; got {workers}, which on='processes' has"]
            )
        return Engine("here", threads or get_num_threads(), 1, _Here, lambda pool, now: None, renews=False)
    if isinstance(on, Executor) or callable(on):
        if workers is not None:
            raise ConfigError([f"workers: are the executor's own; got {workers}"])
        return _given(on, threads or 1, max(64, 4 * cores))
    if not isinstance(on, str):
        raise TypeError(f"on: must be one of {', '.join(NAMES)}, or an executor; got {shown(on)}")
    kind, _, address = on.partition("://")
    if kind == "processes" and not address:
        n = workers or cores
        share = threads or max(1, cores // n)
        return Engine(on, share, 2 * n, lambda: begin_processes(n), stop_processes, portable=True)
    if kind == "dask":
        return _dask(address, workers, threads)
    if kind == "ray":
        return _ray(address, workers, threads)
    if on == "mpi":
        return Engine(on, threads or 1, _MANY, _no_pool, lambda pool, now: None, renews=False, portable=True)
    near = nearest(kind, NAMES)
    hint = f"; did you mean {near!r}?" if near else ""
    raise ConfigError([f"on: must be one of {', '.join(NAMES)}, dask://HOST:PORT; got {shown(on)}{hint}"])


def _stop(pool: Executor, now: bool) -> None:
    pool.shutdown(wait=not now, cancel_futures=True)


def _given(on: Any, threads: int, window: int) -> Engine:
    if isinstance(on, Executor):
        return Engine(type(on).__name__, threads, window, lambda: on, lambda pool, now: None, renews=False)

    def start() -> Executor:
        made = on()
        if not isinstance(made, Executor):
            raise TypeError(f"on: must make a concurrent.futures.Executor; got {shown(made)}")
        return made

    return Engine(getattr(on, "__name__", "executor"), threads, window, start, _stop)


# ---- dask, ray, MPI ----------------------------------------------------------------------------------------


def _dask(address: str, workers: int | None, threads: int | None) -> Engine:
    distributed = optional_module("distributed", "dask", "on='dask'")
    if address and workers is not None:
        raise ConfigError([f"workers: are those of the scheduler at {address}; got {workers}"])
    n = workers or available_threads()
    share = threads or (1 if address else max(1, available_threads() // n))
    held: list[Any] = []

    def start() -> Executor:
        if address:
            held.append(distributed.Client(f"tcp://{address}"))
        else:
            held.append(distributed.Client(n_workers=n, threads_per_worker=1, dashboard_address=None))
        pool: Executor = held[-1].get_executor(pure=False)
        return pool

    def stop(pool: Executor, now: bool) -> None:
        pool.shutdown(wait=not now)
        held.pop().close()

    return Engine("dask", share, _MANY, start, stop, renews=False, portable=True)


class _RayExecutor(Executor):
    """Calls as tasks of ray, which has no executor of its own."""

    def __init__(self, ray: Any) -> None:
        self._call = ray.remote(_call)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future of the task, which ray repeats where its worker dies."""
        future: Future[Any] = self._call.remote(fn, args, kwargs).future()
        return future


def _call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return fn(*args, **kwargs)


def _ray(address: str, workers: int | None, threads: int | None) -> Engine:
    ray = optional_module("ray", "ray", "on='ray'")
    if address and workers is not None:
        raise ConfigError([f"workers: are those of the cluster at {address}; got {workers}"])
    n = workers or available_threads()
    share = threads or (1 if address else max(1, available_threads() // n))
    began: list[bool] = []

    def start() -> Executor:
        if not ray.is_initialized():
            how = {"address": address} if address else {"num_cpus": n, "include_dashboard": False}
            ray.init(**how, log_to_driver=False, logging_level="error")
            began.append(True)
        return _RayExecutor(ray)

    def stop(pool: Executor, now: bool) -> None:
        if began:
            began.pop()
            ray.shutdown()

    return Engine("ray", share, _MANY, start, stop, renews=False, portable=True)


def _no_pool() -> Executor:
    raise AssertionError("mpi_ranks gives the executor")


@contextlib.contextmanager
def mpi_ranks() -> Iterator[tuple[Any, Executor | None]]:
    """The communicator of all ranks, and on rank 0 the executor whose workers are the others; they serve it here."""
    mpi = optional_module("mpi4py.MPI", "mpi", "on='mpi'")
    if mpi.COMM_WORLD.size < 2:
        raise ConfigError(
            ["on: 'mpi' needs 2 ranks or more, one of which hands out the runs; got 1 (mpiexec -n 4)"]
        )
    futures = optional_module("mpi4py.futures", "mpi", "on='mpi'")
    with futures.MPICommExecutor(mpi.COMM_WORLD, root=0) as pool:
        yield mpi.COMM_WORLD, pool
