"""Sweeps: each run has the bits that it has alone, whatever does it; rows outlive crashes; wrong points are refused."""

from __future__ import annotations

import copy
import csv
import functools
import itertools
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from swept import CONFIG, always_dies_at_two, cores, count, dies_once, fails_at_two, rate_only, slow

import neuromod
from neuromod.cli import main
from neuromod.experiment import run_experiment
from neuromod.sweeps import SweepTable, objective, sweep
from neuromod.sweeps.command import axis_of
from neuromod.sweeps.rows import Rows

TAU = "neuron_model.params_default.tau_m"
OVER = {TAU: [10.0, 30.0], "areas.A.density": [0.3, 0.6]}


def one_by_one(over: dict[str, list[Any]], seeds: list[int]) -> list[str]:
    """The plain twin: a loop over `run_experiment`."""
    digests = []
    for tau, density in itertools.product(*over.values()):
        content = copy.deepcopy(CONFIG)
        content["neuron_model"] = {"params_default": {"tau_m": tau}}
        content["areas"][0]["density"] = density
        digests += [str(run_experiment(content, seed=seed)["digest"]) for seed in seeds]
    return digests


def same(one: SweepTable, other: SweepTable) -> bool:
    """But for the time that runs took."""
    assert list(one) == list(other)
    return all((one[name] == other[name]).all() for name in one if name != "seconds")


@pytest.fixture(scope="module")
def plain() -> SweepTable:
    return sweep(CONFIG, OVER, seeds=3, seed=7)


# ---- what comes out ------------------------------------------------------------------------------------------


def test_each_run_has_the_bits_that_it_has_alone(plain: SweepTable) -> None:
    seeds = [int(s.generate_state(1, np.uint64)[0]) for s in np.random.SeedSequence(7).spawn(3)]
    assert plain["seed"].tolist() == seeds * 4
    assert plain["digest"].tolist() == one_by_one(OVER, seeds)
    assert len(set(plain["digest"].tolist())) == 12
    assert plain[TAU].tolist() == [10.0] * 6 + [30.0] * 6
    assert plain.failures == []


@pytest.mark.long
@pytest.mark.parametrize("on", ["processes", "threads", "made"])
def test_the_table_is_the_same_wherever_the_runs_are_done(on: str, plain: SweepTable) -> None:
    if on == "processes":
        table = sweep(CONFIG, OVER, seeds=3, seed=7, on=on, workers=2)
    elif on == "threads":
        with ThreadPoolExecutor(3) as pool:
            table = sweep(CONFIG, OVER, seeds=3, seed=7, on=pool)
    else:
        table = sweep(CONFIG, OVER, seeds=3, seed=7, on=lambda: ThreadPoolExecutor(2))
    assert same(table, plain)


@pytest.mark.long
def test_the_table_is_the_same_on_loky(plain: SweepTable) -> None:
    loky = pytest.importorskip("loky")
    with loky.ProcessPoolExecutor(2) as pool:
        assert same(sweep(CONFIG, OVER, seeds=3, seed=7, on=pool), plain)


@pytest.mark.slow
@pytest.mark.parametrize(("on", "library"), [("dask", "distributed"), ("ray", "ray")])
@pytest.mark.filterwarnings("ignore")  # of the libraries
def test_the_table_is_the_same_on_clusters(on: str, library: str, plain: SweepTable) -> None:
    pytest.importorskip(library)
    assert same(sweep(CONFIG, OVER, seeds=3, seed=7, on=on, workers=2), plain)


def test_seeds_are_those_of_a_seed_sequence_and_more_of_them_begin_alike() -> None:
    few, many = sweep(count, {"current": [5.0]}, seeds=2), sweep(count, {"current": [5.0]}, seeds=4)
    assert many["seed"][:2].tolist() == few["seed"].tolist()
    assert sweep(count, {"current": [5.0]}, seeds=[8, 3])["seed"].tolist() == [8, 3]


def test_points_may_be_given_one_by_one() -> None:
    table = sweep(count, [{"current": 20.0, "n": 3}, {"n": 1, "current": 0.0}], seeds=[1])
    assert table["n"].tolist() == [3, 1] and table.axes == {}
    assert table["digest"][0] == count(20.0, 1, n=3)["digest"]


def test_a_measure_and_a_function_of_one_number_are_the_column_value() -> None:
    table = sweep(CONFIG, seeds=2, measure=rate_only, ms=20.0)
    alone = run_experiment(CONFIG, seed=int(table["seed"][1]), steps=20)
    assert table["value"][1] == alone["area_rate"][0] and table["digest"][1] == alone["digest"]
    assert sweep(fails_at_two, {"x": [1]})["value"].tolist() == [10]


def test_threads_are_the_worker_s_share() -> None:
    assert sweep(cores, threads=3)["value"].tolist() == [3]
    with ThreadPoolExecutor(2) as pool:
        assert sweep(cores, on=pool)["value"].tolist() == [1]


@pytest.mark.long
def test_two_processes_have_half_of_the_cores_each() -> None:
    share = max(1, neuromod.parallel.available_threads() // 2)
    assert sweep(cores, on="processes", workers=2)["value"].tolist() == [share]


# ---- failures and deaths ---------------------------------------------------------------------------------------


def test_a_run_that_fails_is_a_row_with_its_error(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    table = sweep(fails_at_two, {"x": [1, 2, 3]}, to=file)
    assert table["error"].tolist() == ["", "ValueError: two is too much", ""]
    assert np.isnan(table["value"][1]) and table["value"][2] == 30.0
    assert table.failures == ["run 1: ValueError: two is too much"]
    row = next(row for row in map(json.loads, file.read_text().splitlines()) if "error" in row)
    assert "fails_at_two" in row["trace"] and row["point"] == {"x": 2}


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_sweep_ends_complete_where_a_worker_is_killed(tmp_path: Path) -> None:
    over = {"x": list(range(8)), "folder": [str(tmp_path)]}
    table = sweep(dies_once, over, on="processes", workers=2)
    assert (tmp_path / "died").exists()
    assert table["value"].tolist() == [10 * x for x in range(8)] and table.failures == []


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_the_run_that_always_kills_its_worker_fails_alone() -> None:
    table = sweep(always_dies_at_two, {"x": [1, 2, 3, 4]}, on="processes", workers=2)
    assert table.failures == ["run 1: WorkerDied: the worker of this run died 2 times"]
    assert table["value"][[0, 2, 3]].tolist() == [10.0, 30.0, 40.0]


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_broken_executor_of_the_user_s_is_said(tmp_path: Path) -> None:
    over, file = {"x": list(range(4)), "folder": [str(tmp_path)]}, tmp_path / "rows.jsonl"
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(RuntimeError, match="ProcessPoolExecutor is broken"),
    ):
        sweep(dies_once, over, on=pool, to=file)
    table = sweep(dies_once, over, to=file)
    assert table["value"].tolist() == [0, 10, 20, 30]


class _Dead(Executor):
    """All workers die at their start."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        from concurrent.futures import BrokenExecutor, Future

        future: Any = Future()
        future.set_exception(BrokenExecutor())
        return future


def test_workers_that_die_at_their_start_end_the_sweep() -> None:
    with pytest.raises(RuntimeError, match="die at their start"):
        sweep(count, {"current": [1.0, 2.0, 3.0, 4.0]}, on=_Dead)


def test_an_interrupt_keeps_what_is_done_and_lets_end_what_runs(tmp_path: Path) -> None:
    def stop(done: int, total: int, failed: int, elapsed: float) -> None:
        if done == 2:
            raise KeyboardInterrupt

    file, over = tmp_path / "rows.jsonl", {"x": list(range(6))}
    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        sweep(slow, over, on=pool, to=file, progress=stop)
    assert 3 <= len(file.read_text().splitlines()) - 1 <= 5  # two, and the one that was running
    done = []
    table = sweep(slow, over, to=file, progress=lambda *told: done.append(told[:3]))
    assert len(done) < 4 and done[-1] == (6, 6, 0)
    assert table["value"].tolist() == [0, 10, 20, 30, 40, 50]


# ---- the file ------------------------------------------------------------------------------------------------


def runs_of(file: Path, over: dict[str, list[float]], **how: Any) -> tuple[SweepTable, int]:
    done: list[int] = []
    table = sweep(count, over, seeds=2, to=file, progress=lambda *told: done.append(told[0]), **how)
    return table, len(done)


def test_a_sweep_goes_on_where_its_file_ends(tmp_path: Path) -> None:
    file, over = tmp_path / "rows.jsonl", {"current": [5.0, 20.0]}
    whole, n = runs_of(file, over)
    assert n == 4
    again, n = runs_of(file, over)
    assert n == 0 and same(again, whole)
    longer, n = runs_of(file, {"current": [5.0, 10.0, 20.0]})
    assert n == 2 and same(longer, sweep(count, {"current": [5.0, 10.0, 20.0]}, seeds=2))


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_line_that_a_crash_has_cut_is_run_again(tmp_path: Path, cut: int) -> None:
    file, over = tmp_path / "rows.jsonl", {"current": [5.0, 20.0]}
    whole, _ = runs_of(file, over)
    file.write_bytes(file.read_bytes()[:-cut])
    again, n = runs_of(file, over)
    assert n == 1 and same(again, whole)
    assert all(json.loads(line) for line in file.read_text().splitlines())


def test_a_damaged_line_is_said_and_run_again(tmp_path: Path) -> None:
    file, over = tmp_path / "rows.jsonl", {"current": [5.0, 20.0]}
    whole, _ = runs_of(file, over)
    lines = file.read_text().splitlines(keepends=True)
    digit = lines[2].index('"spikes":') + 9
    lines[2] = lines[2][:digit] + ("7" if lines[2][digit] != "7" else "8") + lines[2][digit + 1 :]
    file.write_text("".join(lines))
    with pytest.warns(neuromod.NeuromodWarning, match="1 of 5 lines are damaged"):
        again, n = runs_of(file, over)
    assert n == 1 and same(again, whole)


def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    sweep(count, {"current": [5.0]}, to=file)
    before = file.read_bytes()
    with pytest.raises(
        neuromod.ConfigError, match=r"is of another sweep: what must be function swept\.cores"
    ):
        sweep(cores, to=file)
    other = tmp_path / "notes.txt"
    for text in ("my notes\n", "my notes", '{"a": 1}\n'):
        other.write_text(text)
        with pytest.raises(neuromod.ConfigError, match="to: must be a file of a sweep, or none"):
            sweep(count, {"current": [5.0]}, to=other)
        assert other.read_text() == text
    assert file.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_two_sweeps_do_not_write_to_one_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = Rows(file, {"what": "a"})
    with pytest.raises(neuromod.ConfigError, match="one sweep at a time"):
        sweep(count, {"current": [5.0]}, to=file)
    rows.close()


def test_failed_runs_are_run_again_where_asked_for(tmp_path: Path) -> None:
    file, done = tmp_path / "rows.jsonl", []
    over = {"x": [1, 2]}
    sweep(fails_at_two, over, to=file)
    sweep(fails_at_two, over, to=file, progress=lambda *told: done.append(told[:3]))
    assert done == []
    sweep(fails_at_two, over, to=file, retry_failed=True, progress=lambda *told: done.append(told[:3]))
    assert done == [(2, 2, 1)]


# ---- what is refused -------------------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_said_before_anything_is_run(tmp_path: Path) -> None:
    over = {
        "neuron_modle.type": ["lif"],
        "neuron_model.params_default.tau_mm": [10.0],
        TAU: [10.0, -3.0],
        "areas.B.density": [0.1],
        "simulation.seed": [1, 2],
        "experiment.steps": [5],
    }
    with pytest.raises(neuromod.ConfigError) as caught:
        sweep(CONFIG, over, steps=20, seeds=0, on="proceses", to=tmp_path / "no" / "rows.jsonl")
    said = str(caught.value)
    for part in (
        "seeds: must be",
        "did you mean 'processes'?",
        "to: must be a file in a directory that exists",
    ):
        assert part in said
    with pytest.raises(neuromod.ConfigError) as caught:
        sweep(CONFIG, over, steps=20, to=tmp_path / "rows.jsonl")
    said = str(caught.value)
    for part in (
        "over neuron_modle.type: unknown section 'neuron_modle'; did you mean 'neuron_model'?",
        "tau_mm: unknown key; did you mean 'tau_m'?",
        "neuron_model.params_default.tau_m: must be > 0 ms; got -3",
        "over areas.B.density: no entry 'B'",
        "over simulation.seed: has no effect",
        "over experiment.steps: has no effect beside steps",
    ):
        assert part in said, part
    assert not list(tmp_path.iterdir())


def test_what_is_wrong_in_one_combination_alone_is_refused() -> None:
    over = {
        "neuron_model.params_default.v_reset": [-70.0, -45.0],
        "neuron_model.params_default.v_threshold": [-50.0, -40.0],
    }
    with pytest.raises(neuromod.ConfigError, match="v_reset"):
        sweep(CONFIG, over)


@pytest.mark.parametrize(
    ("function", "over", "how", "problem"),
    [
        (count, {"curent": [1.0]}, {}, "over curent: must be an argument of what; .* did you mean 'current'?"),
        (count, {"n": [1]}, {}, "must have the argument 'current' of what"),
        (count, {"current": []}, {}, "over current: must have at least one value"),
        (count, {"current": [1, 1]}, {}, "over current: must have each value once; got 1 again"),
        (count, {"current": [float("nan")]}, {}, "must be finite"),
        (count, {"current": "ab"}, {}, "over current: must be a sequence of values; got 'ab'"),
        (count, [{"current": 1}, {"n": 1}], {}, r"over\[1\]: must have the names of the first point"),
        (count, [], {}, "over: must be at least one point"),
        (count, 3, {}, "over: must be a mapping"),
        (count, {"current": [1]}, {"steps": 3}, "steps: has no effect where a function is swept"),
        (count, {"current": [1]}, {"seeds": [1, 1]}, "seeds: must have each value once"),
        (count, {"current": [1]}, {"seeds": "12"}, "seeds: must be a number of seeds"),
        (count, {"current": [1]}, {"on": 3}, "on: must be one of here, processes"),
        (count, {"current": [1]}, {"on": "processes", "workers": 0}, "workers: must be a whole number >= 1"),
        (count, {"current": [1]}, {"workers": 2}, "workers: has no effect in this process"),
        (count, {"current": [1]}, {"retry_failed": True}, "retry_failed: needs to"),
        (count, {"current": [1]}, {"progress": 3}, "progress: must be True"),
        (CONFIG, {}, {"steps": 3, "ms": 1.0}, "steps, ms: must not be given both"),
        (CONFIG, {}, {"ms": -1.0}, "ms: must be > 0"),
        (CONFIG, {}, {"measure": 3}, "measure: must be a function"),
        ("nowhere.json", {}, {}, "must be a file"),
        (lambda seed: 1, {}, {"on": "processes"}, "what: must be a function of a module"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(function: Any, over: Any, how: dict[str, Any], problem: str) -> None:
    with pytest.raises((ValueError, TypeError), match=problem):
        sweep(function, over, **how)


def test_a_function_that_gives_something_else_is_a_failure() -> None:
    def pair(seed: int) -> Any:
        return {"a": [1, 2]}

    assert sweep(pair).failures == ["run 0: TypeError: a: must be a number or text, under a name; got [1, 2]"]


def test_a_partial_and_an_object_can_be_swept() -> None:
    table = sweep(functools.partial(count, n=2), {"current": [20.0]}, seeds=[1])
    assert table["digest"][0] == count(20.0, 1, n=2)["digest"]


# ---- the table -------------------------------------------------------------------------------------------------


def test_the_table_as_csv_pandas_xarray_and_parquet(tmp_path: Path, plain: SweepTable) -> None:
    plain.to_csv(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["digest"] for line in lines] == plain["digest"].tolist()
    assert [float(line["mean_rate"]) for line in lines] == plain["mean_rate"].tolist()
    pandas = pytest.importorskip("pandas")
    frame = plain.to_pandas()
    assert list(frame.columns) == list(plain) and frame["seed"].tolist() == plain["seed"].tolist()
    if pytest.importorskip("pyarrow"):
        plain.to_parquet(tmp_path / "table.parquet")
        assert pandas.read_parquet(tmp_path / "table.parquet").equals(frame)


def test_the_table_as_an_array_with_an_axis_for_each_quantity(plain: SweepTable) -> None:
    pytest.importorskip("xarray")
    data = plain.to_xarray()
    assert dict(data.sizes) == {TAU: 2, "areas.A.density": 2, "seed": 3}
    rate = data["mean_rate"].sel({TAU: 30.0, "areas.A.density": 0.3})
    assert rate.values.tolist() == plain["mean_rate"][6:9].tolist()
    listed = sweep(count, [{"current": 1.0}, {"current": 2.0}]).to_xarray()
    assert dict(listed.sizes) == {"run": 2} and listed["current"].values.tolist() == [1.0, 2.0]


def test_the_table_shows_itself(plain: SweepTable) -> None:
    assert repr(plain).startswith("SweepTable(12 runs: neuron_model.params_default.tau_m,")
    assert "<table" in plain._repr_html_()


# ---- the command -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("a.b=1:3:3", ("a.b", [1.0, 2.0, 3.0])),
        ("a=1:100:3:log", ("a", [1.0, 10.0, 100.0])),
        ("a=1,2.5", ("a", [1, 2.5])),
        ("a=stdp", ("a", ["stdp"])),
        ("a=x,1,true", ("a", ["x", 1, True])),
        ('a={"rate": 1},null', ("a", [{"rate": 1}, None])),
    ],
)
def test_values_on_the_command_line(text: str, axis: tuple[str, list[Any]]) -> None:
    path, values = axis_of(text)
    assert path == axis[0] and values == pytest.approx(axis[1]) if path == "a.b" else values == axis[1]


@pytest.mark.long
def test_the_command_writes_rows_and_a_table_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], plain: SweepTable
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.json").write_text(json.dumps(CONFIG))
    command = ["sweep", "net.json", "--over", f"{TAU}=10:30:2", "--over", "areas.A.density=0.3,0.6"]
    command += ["--seeds", "3", "--seed", "7", "--on", "processes", "--workers", "2"]
    assert main(command) == 0
    assert "12 runs, 0 failed" in capsys.readouterr().out
    rows = Path("neuromod-sweep.jsonl").read_bytes()
    with Path("neuromod-sweep.csv").open(newline="") as file:
        assert [line["digest"] for line in csv.DictReader(file)] == plain["digest"].tolist()
    assert main([*command, "--table", "table.csv"]) == 0
    assert Path("neuromod-sweep.jsonl").read_bytes() == rows and Path("table.csv").exists()


@pytest.mark.long
def test_the_command_hands_runs_to_the_other_ranks_of_mpi(tmp_path: Path, plain: SweepTable) -> None:
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if mpiexec is None or find_spec("mpi4py") is None:
        pytest.skip("needs mpi4py and mpiexec")
    (tmp_path / "net.json").write_text(json.dumps(CONFIG))
    command = [mpiexec, "-n", "3", sys.executable, "-m", "neuromod", "sweep", "net.json", "--on", "mpi"]
    command += [
        "--over",
        f"{TAU}=10:30:2",
        "--over",
        "areas.A.density=0.3,0.6",
        "--seeds",
        "3",
        "--seed",
        "7",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=200)
    assert done.returncode == 0 and done.stdout.count("12 runs, 0 failed") == 1, done.stderr
    with (tmp_path / "neuromod-sweep.csv").open(newline="") as file:
        assert [line["digest"] for line in csv.DictReader(file)] == plain["digest"].tolist()


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        (["--over", "plasticty.rule=stdp"], "did you mean 'plasticity'?"),
        (["--over", "tau"], "--over: must be PATH=VALUES"),
        (["--over", "a=1:2:1"], "--over a: must have a whole number of values, 2 to"),
        (["--over", "a=0:2:3:log"], "--over a: must be low:high:number:log"),
        (["--over", f"{TAU}=1", "--over", f"{TAU}=2"], "--over: must name each quantity once"),
        (["--table", "table.xls"], "--table: must end in .csv or .parquet"),
        (["--on", "dsk"], "did you mean 'dask'?"),
    ],
)
def test_a_wrong_command_line_is_2_and_writes_nothing(
    extra: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "brain_base_model.json", *extra]) == 2
    assert problem in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# ---- optimisers -------------------------------------------------------------------------------------------------


class Trial:
    """Stands for one of Optuna: takes the middle, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.noted: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, log: bool = False) -> float:
        self.asked.append((name, low, high, log))
        return (low * high) ** 0.5 if log else 0.5 * (low + high)

    def suggest_int(self, name: str, low: int, high: int, log: bool = False) -> int:
        self.asked.append((name, low, high, log))
        return low

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        self.asked.append((name, choices))
        return choices[-1]

    def set_user_attr(self, name: str, value: Any) -> None:
        self.noted[name] = value


def test_an_objective_is_the_mean_over_seeds() -> None:
    trial = Trial()
    over = {TAU: (10.0, 40.0, "log"), "areas.A.density": [0.2, 0.3], "experiment.steps": (30, 90)}
    value = objective(CONFIG, over, "mean_rate", seeds=2)(trial)
    assert trial.asked == [
        (TAU, 10.0, 40.0, True),
        ("areas.A.density", [0.2, 0.3]),
        ("experiment.steps", 30, 90, False),
    ]
    table = sweep(CONFIG, {TAU: [20.0], "areas.A.density": [0.3], "experiment.steps": [30]}, seeds=2)
    assert trial.noted["figures"] == table["mean_rate"].tolist() and value == table["mean_rate"].mean()


@pytest.mark.parametrize(
    ("over", "figure", "problem"),
    [
        ({"tau": (1.0, 2.0)}, "value", "tau"),
        ({TAU: (3.0, 2.0)}, "value", r"must be \(low, high\)"),
        ({TAU: (-3.0, 2.0)}, "value", "must be > 0 ms; got -3"),
        ({TAU: (3.0, 20.0)}, "mean_rat", "did you mean 'mean_rate'?"),
        ({}, "value", "over: must be a mapping of names to ranges"),
    ],
)
def test_a_wrong_objective_is_refused(over: Any, figure: str, problem: str) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError), match=problem):
        objective(CONFIG, over, figure, steps=5)(Trial())


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of the library
def test_optuna_finds_the_current_of_a_rate() -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def error(current: float, seed: int) -> float:
        return abs(count(current, seed, n=20)["spikes"] - 40.0)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(objective(error, {"current": (0.0, 40.0)}), n_trials=25)
    assert study.best_value <= 6.0
