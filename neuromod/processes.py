"""Processes of this machine that work for this one, and end with it, however it ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any, TypeVar

__all__ = ["begin_processes", "in_a_process", "stop_processes"]

Result = TypeVar("Result")


def begin_processes(workers: int) -> Executor:
    """So many processes, which `stop_processes` ends."""
    context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks as they are
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)


def stop_processes(pool: Executor, now: bool) -> None:
    """End the processes of `begin_processes`: when they have done what they do, or now."""
    assert isinstance(pool, ProcessPoolExecutor)
    processes = list((pool._processes or {}).values()) if now else []
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        with contextlib.suppress(OSError, ValueError):  # it has ended by itself
            process.terminate()
    pool.shutdown(wait=True)


def in_a_process(work: Callable[..., Result], *arguments: Any) -> Result:
    """Call `work` in a new process; Ctrl-C ends the process at once."""
    pool, done = begin_processes(1), False
    try:
        found = pool.submit(work, *arguments).result()
        done = True
    finally:
        stop_processes(pool, now=not done)
    return found


def _begin_worker() -> None:
    """In a worker: Ctrl-C is its parent's business; it ends with its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
