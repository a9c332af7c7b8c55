"""The loop of a sweep: runs are handed to an executor, their rows kept as they come, those of dead workers repeated."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any

from neuromod.sweeps.engines import Engine
from neuromod.sweeps.rows import identity

__all__ = ["ATTEMPTS", "drive"]

ATTEMPTS = 2
"""Deaths of a worker that did one run alone, after which the run counts as failed."""
_HOPELESS = 3  # runs that failed so before any other has ended: it is not the runs

Row = dict[str, Any]
Task = tuple[dict[str, Any], int]
Run = Callable[[dict[str, Any], int], Row]
Keep = Callable[[Task, Row], object]


def drive(tasks: Sequence[Task], run: Run, engine: Engine, keep: Keep) -> None:
    """Do all runs, each by `run`, which raises nothing; `keep` gets the row of each when it has ended.

    Where a worker dies, the runs that were under way are repeated one at a time: the one that kills its worker
    ATTEMPTS times has failed, and all others end well. Ctrl-C lets the runs that are under way end; a second one
    stops them.

    Raises
    ------
    RuntimeError
        If the executor is broken and cannot be replaced, or its workers die at their start.
    KeyboardInterrupt
        After Ctrl-C. The rows are kept.
    """
    if not tasks:
        return
    loop = _Loop(tasks, run, engine, keep)
    try:
        loop.run()
    except KeyboardInterrupt:
        loop.end_running()
        raise
    finally:
        loop.stop()


class _Loop:
    def __init__(self, tasks: Sequence[Task], run_one: Run, engine: Engine, keep: Keep) -> None:
        self.run_one, self.engine, self.keep = run_one, engine, keep
        self.todo, self.suspects = deque(tasks), deque[Task]()
        self.pending: dict[Future[Row], Task] = {}
        self.deaths: Counter[str] = Counter()
        self.ended = 0  # runs that came back from a worker
        self.pool: Executor | None = engine.start()

    def run(self) -> None:
        while self.todo or self.suspects or self.pending:
            broken = not self._hand_over()
            alone = len(self.pending) == 1
            lost: list[Task] = []
            if not broken:
                lost = self._collect(wait(self.pending, return_when=FIRST_COMPLETED).done)
            if broken or lost:
                lost += self._collect(wait(self.pending).done)  # the others of a broken executor end at once
                self._renew(lost, alone)

    def _hand_over(self) -> bool:
        """Fill the executor; a suspect is done alone. False: it is broken."""
        assert self.pool is not None
        queue, room = (self.suspects, 1) if self.suspects else (self.todo, self.engine.window)
        while queue and len(self.pending) < room:
            try:
                future = self.pool.submit(self.run_one, *queue[0])
            except BrokenExecutor:
                return False
            self.pending[future] = queue.popleft()
        return True

    def _collect(self, done: set[Future[Row]]) -> list[Task]:
        """Keep the rows of futures that are done; the runs whose worker has died."""
        lost = []
        for future in done:
            task = self.pending.pop(future)
            try:
                row = future.result()
                self.ended += 1
            except BrokenExecutor:
                lost.append(task)
                row = None
            except Exception as error:  # of the executor itself
                row = _failed(f"{type(error).__name__}: {error}")
            if row is not None:
                self.keep(task, row)
        return lost

    def _renew(self, lost: list[Task], alone: bool) -> None:
        """Another executor in place of one whose worker has died; a run that was alone did it."""
        if not self.engine.renews:
            raise RuntimeError(
                f"on: the executor {self.engine.name} is broken, since a worker has died; the rows stay: "
                "sweep again with another executor, or with a function that makes one"
            )
        if alone and len(lost) == 1:
            key = identity(*lost[0])
            self.deaths[key] += 1
            if self.deaths[key] >= ATTEMPTS:
                self.keep(lost.pop(), _failed(f"WorkerDied: the worker of this run died {ATTEMPTS} times"))
        self.suspects.extend(lost)
        given_up = sum(n >= ATTEMPTS for n in self.deaths.values())
        if given_up >= _HOPELESS and not self.ended:
            raise RuntimeError(
                f"on: the workers of {self.engine.name} die at their start; in a script that starts processes, what is "
                "run must stand under `if __name__ == '__main__':`"
            )
        self.stop()
        self.pool = self.engine.start()

    def end_running(self) -> None:
        """Let what is under way end, and keep it."""
        self.pending = {future: task for future, task in self.pending.items() if not future.cancel()}
        while self.pending:
            self._collect(wait(self.pending, return_when=FIRST_COMPLETED).done)

    def stop(self) -> None:
        """End the executor; at once, if anything is under way."""
        if self.pool is not None:
            pool, self.pool = self.pool, None
            self.engine.stop(pool, bool(self.pending))


def _failed(error: str) -> Row:
    return {"error": error, "trace": "", "seconds": 0.0}
