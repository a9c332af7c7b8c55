"""`sweep`: many runs of a configuration or a function, on any executor, into one table."""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from neuromod import __version__
from neuromod.arguments import checked_count, checked_number
from neuromod.config.load import load
from neuromod.errors import ConfigError
from neuromod.experiment.section import experiment_of
from neuromod.near_names import names_near
from neuromod.parallel import checked_threads
from neuromod.problems import shown
from neuromod.progress import ProgressLine
from neuromod.sweeps.driving import drive
from neuromod.sweeps.engines import Engine, engine_for, mpi_ranks
from neuromod.sweeps.points import Points, check_config, check_function, check_portable, points_of
from neuromod.sweeps.rows import Rows, identity
from neuromod.sweeps.table import SweepTable, table_of
from neuromod.sweeps.work import Work, run_one
from neuromod.together import Together
from neuromod.units import steps_of

__all__ = ["check_points", "sweep", "work_of"]

SweepProgress = Callable[[int, int, int, float], object]
"""Called as ``progress(done, total, failed, elapsed_s)``."""


@names_near
def sweep(
    what: str | Path | Mapping[str, Any] | Callable[..., Any],
    over: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]] | None = None,
    *,
    seeds: int | Sequence[int] = 1,
    seed: int = 0,
    steps: int | None = None,
    ms: float | None = None,
    measure: Callable[[Mapping[str, Any]], Any] | None = None,
    on: str | Executor | Callable[[], Executor] | None = None,
    workers: int | None = None,
    threads: int | None = None,
    to: str | Path | None = None,
    retry_failed: bool = False,
    progress: bool | SweepProgress | None = None,
) -> SweepTable:
    """Run a configuration, or a function, at many points with many seeds, and give one table back.

    Each run has the bits that it has alone. A run that fails is a row with its error, and the others go on.

    Parameters
    ----------
    what : str, Path or mapping, or callable
        A configuration, whose experiment is run as by `neuromod.experiment.run_experiment`. Or a function, called as
        ``what(**point, seed=seed)``, which gives numbers and text by name, or one number; a ``Simulation`` in it may
        give its ``digest``.
    over : mapping of str to sequence, or sequence of mappings, optional
        The values of each quantity, of which all combinations are run; or the points one by one. Names are paths of
        keys with dots between them, as in ``neuromod run --set``, or arguments of the function.
    seeds : int, >= 1, or sequence of int, 0 .. 2**64 - 1, default 1
        How many seeds each point gets, or which. The k-th seed is the same at every point.
    seed : int, 0 .. 2**64 - 1, default 0
        Root of the ``numpy.random.SeedSequence`` of which `seeds` are spawned; 0 where they are given.
    steps : int, >= 1, optional
        Of each run of a configuration, in steps; default: the configuration's.
    ms : float, ms, > 0, optional
        In place of `steps`.
    measure : callable, optional
        Called with the results of a run of a configuration; gives numbers and text by name, or one number. Default:
        rates, levels, changes of weights and effect sizes.
    on : str, Executor or callable, default "here"
        "here", "processes", "dask", "dask://HOST:PORT", "ray", "ray://HOST:PORT" or "mpi".
        Where the runs are done: in this process, one after another (the default); in processes of this machine; on a
        cluster of dask or ray, or a local one; on the other ranks of ``mpiexec``. Or an executor as PEP 3148 has them,
        or a function that makes one.
    workers : int, >= 1, optional
        Of "processes", "dask" and "ray" on this machine. Default: one for each core.
    threads : int, >= 1, optional
        Of each run. Default: the cores that a worker of this machine has for itself, else 1.
    to : str or Path, optional
        File of JSON lines that takes each row when its run has ended. One that exists is gone on with: what is there is
        not run again.
    retry_failed : bool, default False
        Whether runs that the file has as failed are run again.
    progress : bool or callable, optional
        True or False: show progress or not. Default: on a terminal and in a notebook, after two seconds. A callable
        gets ``(done, total, failed, elapsed_s)``.

    Returns
    -------
    SweepTable
        With "mpi", on every rank.

    Raises
    ------
    ConfigError, TypeError, ValueError
        If anything is wrong, at any point; everything that is wrong is listed. Nothing is run, and no file written.
    ImportError
        If the library that `on` needs is not installed; it names the extra that installs it.
    RuntimeError
        If an executor that was given is broken. The rows that there are stay in the file.
    KeyboardInterrupt
        On Ctrl-C, when the runs that are under way have ended; a second one stops them. The rows stay in the file.

    Notes
    -----
    Where a worker dies, the runs that were under way are repeated one at a time, so that the run which ends its
    worker is found: it fails after two deaths. dask and ray repeat runs by themselves.

    Examples
    --------
    >>> import neuromod
    >>> def count(current, seed):
    ...     sim = neuromod.Simulation(seed=seed)
    ...     sim.create(10, "lif", i_offset=current, drive={"rate": 500.0, "weight": 1.0})
    ...     return {"rate": sim.run(ms=200)["mean_rate"], "digest": sim.digest()}
    >>> table = neuromod.sweep(count, {"current": [0.0, 20.0]}, seeds=3)
    >>> table["rate"].reshape(2, 3).mean(axis=1).round().tolist()
    [4.0, 44.0]
    """
    found = Together()
    points = found(points_of, over, seeds, seed)
    engine = found(engine_for, on, *_counts(found, workers, threads))
    work = found(work_of, what, steps, ms, measure, engine)
    found(_check_rest, to, retry_failed, progress)
    if points is not None and work is not None:
        found(check_points, work, points)
    found.finish()
    assert points is not None
    assert engine is not None
    assert work is not None
    told = Sweeping(points, work, engine, to, retry_failed, progress)
    return told.done() if on != "mpi" else _on_ranks(told)


def _on_ranks(told: Sweeping) -> SweepTable:
    """Rank 0 hands out the runs, the others do them; all get the table."""
    with mpi_ranks() as (comm, pool):
        table = None
        if pool is not None:
            own: Executor = pool
            told.engine.start = lambda: own
            try:
                table = told.done()
            except BaseException:
                comm.bcast(None)  # the others wait for it
                raise
    table = comm.bcast(None if table is None else (dict(table), table.axes))
    if table is None:
        raise RuntimeError("sweep: rank 0 has failed; its error stands above")
    return SweepTable(*table)


def _counts(found: Together, workers: Any, threads: Any) -> tuple[int | None, int | None]:
    return (
        None if workers is None else found(checked_threads, workers, "workers"),
        None if threads is None else found(checked_threads, threads),
    )


def work_of(what: Any, steps: Any, ms: Any, measure: Any, engine: Engine | None) -> Work:
    """What every run does, its arguments checked; ConfigError with all that is wrong."""
    threads = 1 if engine is None else engine.threads
    portable = engine is not None and engine.portable
    found = Together()
    if callable(what):
        given = {"steps": steps, "ms": ms, "measure": measure}
        for name in (name for name, value in given.items() if value is not None):
            found.wrong(f"{name}: has no effect where a function is swept; got {shown(given[name])}")
        if portable:
            found(check_portable, what, "what")
        found.finish()
        return Work(None, what, None, None, None, threads)
    if steps is not None and ms is not None:
        found.wrong(f"steps, ms: must not be given both; got {shown(steps)} and {shown(ms)}")
    if steps is not None:
        steps = found(checked_count, steps, "steps", 1)
    if ms is not None:
        ms = found(checked_number, ms, "ms")
        if ms is not None and ms <= 0.0:
            found.wrong(f"ms: must be > 0; got {shown(ms)}")
    if measure is not None and not callable(measure):
        found.wrong(f"measure: must be a function of the results; got {shown(measure)}")
    elif measure is not None and portable:
        found(check_portable, measure, "measure")
    loaded = found(load, what)
    found.finish()
    assert loaded is not None
    return Work(loaded[0], None, measure, steps, ms, threads)


def check_points(work: Work, points: Points) -> None:
    """Refuse points at which nothing can run."""
    if work.function is not None:
        check_function(work.function, points)
    else:
        assert work.config is not None
        length = "steps" if work.steps is not None else "ms" if work.ms is not None else None
        check_config(work.config, points, length, functools.partial(_check_whole, work.ms))


def _check_whole(ms: float | None, content: dict[str, Any]) -> None:
    whole, config = load(content, warn=False)
    experiment_of(whole, config)
    if ms is None:
        return
    try:
        steps_of(ms, config.simulation.dt, "ms", 1)
    except ValueError as error:
        raise ConfigError([str(error)]) from None


def _check_rest(to: Any, retry_failed: Any, progress: Any) -> None:
    problems = []
    if to is not None and not isinstance(to, str | Path):
        problems.append(f"to: must be the path of a file; got {shown(to)}")
    elif to is not None and (not Path(to).parent.is_dir() or Path(to).is_dir()):
        problems.append(f"to: must be a file in a directory that exists; got {to}")
    if not isinstance(retry_failed, bool):
        problems.append(f"retry_failed: must be True or False; got {shown(retry_failed)}")
    elif retry_failed and to is None:
        problems.append("retry_failed: needs to, the file with the failed runs; got none")
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        problems.append(f"progress: must be True, False, None or callable; got {shown(progress)}")
    if problems:
        raise ConfigError(problems)


class _RunsLine(ProgressLine):
    """Progress of a sweep: runs, not steps."""

    failed = 0

    def _more(self, simulated_ms: float, elapsed_s: float) -> str:
        return f"  {self._behind_bar(simulated_ms, elapsed_s)}" if self.failed else ""

    def _behind_bar(self, simulated_ms: float, elapsed_s: float) -> str:
        return f"{self.failed} failed" if self.failed else ""


class Sweeping:
    """A sweep that has been checked."""

    def __init__(
        self, points: Points, work: Work, engine: Engine, to: Any, retry_failed: bool, progress: Any
    ) -> None:
        self.points, self.work, self.engine = points, work, engine
        self.to, self.retry_failed = to, retry_failed
        self.line: _RunsLine | None = None
        self.report: SweepProgress | None = None
        if progress is None or progress is True:
            self.line = _RunsLine(after=0.0 if progress else 2.0, always=bool(progress), steps=False)
        elif progress is not False:
            self.report = progress

    def head(self) -> dict[str, Any]:
        """What a file of rows is of."""
        work = self.work
        if work.function is not None:
            what = f"function {check_name(work.function)}"
        else:
            text = json.dumps(work.config, sort_keys=True)
            what = f"configuration {hashlib.sha256(text.encode()).hexdigest()[:32]}"
        measure = None if work.measure is None else check_name(work.measure)
        return {"version": __version__, "what": what, "steps": work.steps, "ms": work.ms, "measure": measure}

    def done(self) -> SweepTable:
        """Do what is not done yet; the table of all."""
        tasks, began = self.points.tasks(), time.perf_counter()
        rows = Rows(self.to, self.head())
        try:
            failed = {key for key, row in rows.found.items() if "error" in row and self.retry_failed}
            todo = [task for task in tasks if (key := identity(*task)) not in rows.found or key in failed]
            wrong = sum("error" in rows.found.get(identity(*task), {}) for task in tasks) if not failed else 0
            count = [len(tasks) - len(todo), wrong]

            def keep(task: tuple[dict[str, Any], int], row: dict[str, Any]) -> None:
                point, seed = task
                rows.add({"id": identity(point, seed), "point": point, "seed": seed, **row})
                count[0] += 1
                count[1] += "error" in row
                self._tell(count[0], len(tasks), count[1], time.perf_counter() - began)

            drive(todo, functools.partial(run_one, self.work), self.engine, keep)
        finally:
            rows.close()
            if self.line is not None:
                self.line.close()
        return table_of(tasks, [rows.found[identity(*task)] for task in tasks], self.points.axes)

    def _tell(self, done: int, total: int, failed: int, elapsed: float) -> None:
        if self.report is not None:
            self.report(done, total, failed, elapsed)
        if self.line is not None:
            self.line.failed = failed
            self.line(done, total, 0.0, elapsed)


def check_name(function: Any) -> str:
    """Module and name of a function."""
    home = getattr(function, "__module__", type(function).__module__)
    return f"{home}.{getattr(function, '__qualname__', type(function).__qualname__)}"
