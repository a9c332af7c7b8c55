"""Sweeps whose executors cannot be made again, on ranks that fail, and tables of little."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from swept import CONFIG, fails_at_two
from test_sweep_ends import Now

from neuromod import ConfigError
from neuromod.cli import main
from neuromod.experiment import run_experiment
from neuromod.processes import _begin_worker, _end_with, begin_processes, stop_processes
from neuromod.sweeps import SweepTable, sweep
from neuromod.sweeps.engines import mpi_ranks
from neuromod.sweeps.measure import measured


def test_a_line_counts_the_runs_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    sweep(fails_at_two, {"x": [1, 3]}, progress=True)
    assert "failed" not in capsys.readouterr().err
    sweep(fails_at_two, {"x": [1, 2, 3]}, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("100.0 %") and lines[-1].endswith("  1 failed")


def test_an_executor_that_cannot_be_made_again_ends_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done stays in the file, and the error is that of the executor."""
    monkeypatch.setattr(Now, "calls", 0)
    made: list[Now] = []

    def make() -> Now:
        if made:
            raise OSError("no machine is left")
        made.append(Now(breaks_at=2))
        return made[0]

    with pytest.raises(OSError, match="no machine is left"):
        sweep(fails_at_two, {"x": [1, 3, 4]}, on=make, to=tmp_path / "rows.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["point"] for row in rows if "point" in row] == [{"x": 1}]


def test_what_processes_do_is_stopped_at_once() -> None:
    pool = begin_processes(1)
    future = pool.submit(time.sleep, 60.0)
    while not future.running():
        time.sleep(0.01)
    began = time.monotonic()
    stop_processes(pool, True)
    assert time.monotonic() - began < 30.0 and future.exception(30.0) is not None


def test_a_worker_without_a_parent_waits_for_none() -> None:
    before, threads = signal.getsignal(signal.SIGINT), threading.active_count()
    try:
        _begin_worker()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert threading.active_count() == threads
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("ms", "over", "rules"),
    [
        (0.3, {}, ["ms: must be a whole number of steps of 1 ms; got 0.3 ms; 1 is"]),
        (
            1.5,
            {"simulation.dt": [0.5, 1.0, 0.4]},
            [
                "ms: must be a whole number of steps of 1 ms; got 1.5 ms; 1 and 2 are",
                "ms: must be a whole number of steps of 0.4 ms; got 1.5 ms; 1.2 and 1.6 are",
            ],
        ),
    ],
)
def test_a_time_that_is_no_number_of_steps_is_refused_before_any_run(
    ms: float, over: dict[str, list[float]], rules: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        sweep(CONFIG, over, seeds=3, ms=ms, to=tmp_path / "rows.jsonl")
    assert [*refused.value.problems] == rules
    assert not any(tmp_path.iterdir())


class Comm:
    """Of one rank; what it tells the others, and what it hears from rank 0."""

    size = 1

    def __init__(self, hears: Any = None) -> None:
        self.told: list[Any] = []
        self.hears = hears

    def bcast(self, thing: Any) -> Any:
        self.told.append(thing)
        return thing if thing is not None else self.hears


def test_one_rank_of_mpi_has_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    mpi = ModuleType("mpi4py.MPI")
    mpi.COMM_WORLD = Comm()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mpi4py", ModuleType("mpi4py"))
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", mpi)
    with pytest.raises(ConfigError, match=r"on: 'mpi' needs 2 ranks or more, .* got 1"), mpi_ranks():
        pass


def on_rank(comm: Comm, pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep on MPI is one on this communicator."""

    @contextlib.contextmanager
    def ranks() -> Iterator[Any]:
        yield comm, pool

    monkeypatch.setattr("neuromod.sweeps.run.mpi_ranks", ranks)


def test_rank_0_tells_the_others_that_it_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    comm = Comm()
    on_rank(comm, Now(), monkeypatch)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(fails_at_two, {"x": [1, 3]}, on="mpi", progress=interrupt)
    assert comm.told == [None]


def test_the_other_ranks_get_the_table_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    on_rank(Comm(), None, monkeypatch)
    with pytest.raises(RuntimeError, match="sweep: rank 0 has failed; its error stands above"):
        sweep(fails_at_two, {"x": [1, 3]}, on="mpi")
    first = Comm()
    on_rank(first, Now(), monkeypatch)
    table = sweep(fails_at_two, {"x": [1, 3]}, on="mpi")
    on_rank(Comm(first.told[0]), None, monkeypatch)
    other = sweep(fails_at_two, {"x": [1, 3]}, on="mpi")
    assert table["value"].tolist() == other["value"].tolist() == [10, 30]


def test_figures_of_a_run_without_levels_and_groups() -> None:
    results = run_experiment(CONFIG, steps=10, seed=1)
    whole = measured(results)
    assert any(name.startswith("weight_change.") for name in whole)
    lacking = dict(results)
    lacking["level"] = np.empty((0, 0))
    lacking["synapse_group"] = np.full_like(results["synapse_group"], -1)
    few = measured(lacking)
    assert {name: value for name, value in whole.items() if name in few} == few
    assert not [name for name in few if name.startswith(("level.", "weight_change."))]


def test_a_table_goes_to_parquet_where_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that writes is asked for before the table is made."""
    table = sweep(fails_at_two, {"x": [1, 3]})
    made: list[Any] = []
    frame = SimpleNamespace(to_parquet=lambda path, **how: made.append((path, how)))
    monkeypatch.setattr(SweepTable, "to_pandas", lambda self: frame)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match="to_parquet needs pyarrow: "):
        table.to_parquet(tmp_path / "table.parquet")
    assert not made
    monkeypatch.setitem(sys.modules, "pyarrow", ModuleType("pyarrow"))
    table.to_parquet(tmp_path / "table.parquet")
    assert made == [(tmp_path / "table.parquet", {"engine": "pyarrow", "index": False})]


def test_the_command_writes_parquet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.json").write_text(json.dumps(CONFIG))
    for library in ("pandas", "pyarrow"):
        monkeypatch.setitem(sys.modules, library, ModuleType(library))
    monkeypatch.setattr(SweepTable, "to_parquet", lambda self, path: Path(path).write_bytes(b"PAR1"))
    assert main(["sweep", "net.json", "--on", "here", "--table", "t.parquet"]) == 0
    assert Path("t.parquet").read_bytes() == b"PAR1"
    assert "written: t.parquet" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="a pipe stands for the parent")
def test_a_worker_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr("neuromod.processes.os._exit", codes.append)
    sentinel, parent = os.pipe()
    try:
        os.close(parent)
        _end_with(sentinel)
    finally:
        os.close(sentinel)
    assert codes == [1]


def test_several_ranks_of_mpi_have_an_executor_on_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    mpi, futures = ModuleType("mpi4py.MPI"), ModuleType("mpi4py.futures")
    mpi.COMM_WORLD = SimpleNamespace(size=2)  # type: ignore[attr-defined]
    futures.MPICommExecutor = lambda comm, root: contextlib.nullcontext((comm, root))  # type: ignore[attr-defined]
    for name, module in (("mpi4py", ModuleType("mpi4py")), ("mpi4py.MPI", mpi), ("mpi4py.futures", futures)):
        monkeypatch.setitem(sys.modules, name, module)
    with mpi_ranks() as (comm, pool):
        assert comm is mpi.COMM_WORLD and pool == (comm, 0)
