"""Sweeps where executors break, functions are of other kinds, and files are in each other's way."""

from __future__ import annotations

import functools
import json
import os
import sys
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from swept import CONFIG, count, fails_at_two

import neuromod
from neuromod.cli import main
from neuromod.sweeps import objective, sweep
from neuromod.sweeps.command import axis_of
from neuromod.sweeps.points import check_portable
from neuromod.sweeps.run import work_of
from neuromod.sweeps.table import column_of
from neuromod.sweeps.work import run_one

# ---- executors -------------------------------------------------------------------------------------------------


class Now(Executor):
    """Does each call at once; what it is told to break at its n-th call it breaks at."""

    calls = 0

    def __init__(self, breaks_at: int = 0, fails_at: int = 0) -> None:
        self.breaks_at, self.fails_at = breaks_at, fails_at

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        Now.calls += 1
        if Now.calls == self.breaks_at:
            raise BrokenExecutor("no worker is left")
        future: Future[Any] = Future()
        if Now.calls == self.fails_at:
            future.set_exception(OSError("the connection is gone"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_an_executor_that_takes_no_more_runs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Now, "calls", 0)
    made: list[Now] = []

    def make() -> Now:
        made.append(Now(breaks_at=3))
        return made[-1]

    table = sweep(fails_at_two, {"x": [1, 3, 4, 5]}, on=make)
    assert table["value"].tolist() == [10, 30, 40, 50] and len(made) == 2


def test_an_error_of_the_executor_itself_is_that_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Now, "calls", 0)
    table = sweep(fails_at_two, {"x": [1, 3, 4]}, on=Now(fails_at=2))
    assert table.failures == ["run 1: OSError: the connection is gone"]
    assert table["value"][[0, 2]].tolist() == [10.0, 40.0]


def test_what_makes_no_executor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"on: must make a concurrent\.futures\.Executor; got 3"):
        sweep(fails_at_two, {"x": [1]}, on=lambda: 3)


def test_the_workers_of_a_given_executor_are_its_own() -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(neuromod.ConfigError, match="workers: are the executor's own"),
    ):
        sweep(fails_at_two, {"x": [1]}, on=pool, workers=2)


@pytest.mark.parametrize(("on", "library"), [("dask", "distributed"), ("ray", "ray"), ("mpi", "mpi4py.MPI")])
def test_a_library_that_is_not_there_is_named(
    on: str, library: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=library.split(".")[0]):
        sweep(CONFIG, {}, on=on)
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "brain_base_model.json", "--on", on]) == 2
    assert capsys.readouterr().err.startswith("--on: ")
    assert not list(tmp_path.iterdir())


def test_another_version_on_a_worker_is_an_error_of_the_run() -> None:
    work = replace(work_of(fails_at_two, None, None, None, None), version="0.0")
    assert run_one(work, {"x": 1}, 1)["error"].startswith(
        "RuntimeError: neuromod: must be 0.0 as where the sweep"
    )


# ---- functions and points ----------------------------------------------------------------------------------------


def test_functions_of_any_kind_are_swept() -> None:
    def named(**given: Any) -> int:
        return int(given["x"])

    assert sweep(named, {"x": [1, 2]})["value"].tolist() == [1, 2]
    assert (
        sweep(max, [{"x": 1}]).failures[0].startswith("run 0: TypeError: ")
    )  # in C: it tells when it is called
    assert (
        check_portable(functools.partial(functools.partial(fails_at_two, 1), seed=2), "what")
        == "swept.fails_at_two"
    )
    with pytest.raises(neuromod.ConfigError, match="measure: must be a function of a module"):
        sweep(CONFIG, {}, on="processes", measure=lambda results: 1.0)


@pytest.mark.parametrize(
    ("over", "how", "problem"),
    [
        ([{"x": {1, 2}}], {}, r"over\[0\]\.x: must be"),
        ({3: [1]}, {}, "over: must have a name, or keys with dots between them; got 3"),
        ({"a..b": [1]}, {}, r"over: must have a name, or keys with dots between them; got 'a\.\.b'"),
        ({"x": [1]}, {"to": 3}, "to: must be the path of a file; got 3"),
        ({"x": [1]}, {"retry_failed": 1, "to": "rows"}, "retry_failed: must be True or False; got 1"),
    ],
)
def test_points_and_arguments_of_another_kind_are_refused(
    over: Any, how: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match=problem):
        sweep(fails_at_two, over, **how)
    assert not list(tmp_path.iterdir())


def test_the_figures_of_a_run_that_fails_end_an_objective() -> None:
    class Trial:
        def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
            return choices[0]

    goal = objective(fails_at_two, {"x": [2, 3]})
    with pytest.raises(RuntimeError, match=r"\{'x': 2\}: ValueError: two is too much"):
        goal(Trial())


def test_numbers_that_no_column_holds_are_text() -> None:
    """The table ended with an OverflowError, after all the runs."""
    assert column_of([1, 10**400]).tolist() == ["1", str(10**400)]
    assert column_of([1, 2**70, None])[:2].tolist() == [1.0, 2.0**70]
    assert column_of([True, False]).dtype == np.bool_
    table = sweep(lambda x, seed: 10**x, {"x": [3, 400]})
    assert table["value"].tolist() == ["1000", str(10**400)]


# ---- files and the command --------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.json").write_text(json.dumps(CONFIG))
    return tmp_path


@pytest.mark.parametrize("extra", [["--out", "rows.csv"], ["--out", "a.csv", "--table", "./a.csv"]])
def test_the_table_does_not_go_to_the_file_of_the_rows(
    extra: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It replaced the rows, so that the sweep could not be gone on with."""
    assert main(["sweep", "net.json", "--on", "here", *extra]) == 2
    assert "--table: must be another file than --out, which has the rows; got" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["net.json"]


def test_a_table_whose_library_is_not_there_is_refused_before_the_runs(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was refused after them, as a wrong --on."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["sweep", "net.json", "--on", "here", "--table", "t.parquet"]) == 2
    said = capsys.readouterr().err
    assert "--table: " in said and "pyarrow" in said and "--on" not in said
    assert [path.name for path in folder.iterdir()] == ["net.json"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=x:2:3", ["x:2:3"]),
        ("a=1:x:3", ["1:x:3"]),
        ("a=" + "[" * 100_000, ["[" * 100_000]),
    ],
)
def test_what_is_no_range_is_text(text: str, values: list[Any]) -> None:
    """A value nested beyond reason was a RecursionError."""
    assert axis_of(text) == ("a", values)


def test_many_failures_are_counted_in_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("neuromod.experiment.run_experiment", fail)
    command = ["sweep", "net.json", "--on", "here", "--over", "experiment.steps=1,2,3,4,5,6,7"]
    assert main(command) == 1
    said = capsys.readouterr().out
    assert "7 runs, 7 failed" in said and "... and 2 more, in the column error" in said
    assert said.count("ValueError: broken") == 5


def test_ctrl_c_says_how_to_go_on(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neuromod.experiment.run_experiment", interrupt)
    assert main(["sweep", "net.json", "--on", "here"]) == 130
    said = capsys.readouterr().err
    assert said.endswith("interrupted; the same command goes on, the rows are in neuromod-sweep.jsonl\n")
    monkeypatch.undo()
    os.chdir(folder)
    assert main(["sweep", "net.json", "--on", "here"]) == 0


@pytest.mark.parametrize("line", ["[1]", "[" * 100_000, "{"])
def test_a_line_of_another_kind_is_damaged(line: str, folder: Path) -> None:
    rows = folder / "rows.jsonl"
    first = sweep(count, {"current": [5.0]}, to=rows)
    with rows.open("a") as file:
        file.write(f"{line}\n")
    with pytest.warns(neuromod.NeuromodWarning, match="1 of 3 lines are damaged; their runs are done again"):
        again = sweep(count, {"current": [5.0]}, to=rows)
    assert again["digest"].tolist() == first["digest"].tolist()


def test_a_name_that_the_package_has_not_is_an_attribute_error() -> None:
    import neuromod.sweeps

    with pytest.raises(AttributeError, match="nothing"):
        neuromod.sweeps.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("over", "seeds", "said"),
    [
        ({"a": range(10**9)}, 1, "over a: must have at most 1,000,000 values; got 1,000,000,000"),
        ({"a": range(2000), "b": range(2000)}, 1, "over: must make at most 1,000,000 points; got 4,000,000"),
        ({"a": range(2000)}, 1000, "seeds: must make at most 1,000,000 runs with the points; got 2,000,000"),
        ({"a": [1]}, 10**10, "seeds: must be at most 1000000; got 10000000000"),
    ],
)
def test_a_sweep_that_no_memory_holds_is_refused_at_once(over: dict[str, Any], seeds: int, said: str) -> None:
    """A zero too many, and the machine was taken until it ended."""
    with pytest.raises(ValueError, match=said):
        neuromod.sweep(lambda seed, **point: 1.0, over, seeds=seeds)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("1:2:99999999", "must have a whole number of values, 2 to 1,000,000; got 99999999"),
        ("100:200", "must be low:high:number, or values with commas; got 100:200"),
    ],
)
def test_values_of_over_that_are_wrong(values: str, said: str) -> None:
    with pytest.raises(neuromod.ConfigError, match=said):
        axis_of(f"background_drive.rate={values}")


def test_one_run_is_told_as_one() -> None:
    assert repr(neuromod.sweep(lambda seed: 1.0)).startswith("SweepTable(1 run: ")


def test_a_place_for_the_rows_that_is_none_is_named_by_its_own_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was told of --table, which was not given."""
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "brain_base_model.json", "--out", "nowhere/rows.jsonl"]) == 2
    assert capsys.readouterr().err.startswith("--out: must be a file in a directory that exists; got nowhere")
