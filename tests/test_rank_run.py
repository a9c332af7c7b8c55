"""``neuromod run`` on several ranks: the results of one process; errors, Ctrl-C and kills end all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_ranks import MPIEXEC, needs_mpi
from thread_ranks import ThreadComm, on_ranks

from neuromod.config.load import load
from neuromod.errors import ConfigError
from neuromod.experiment import run_experiment, run_experiment_on_ranks
from neuromod.experiment.results import load_results
from neuromod.ranks import RankSimulation

SMALL = {"density": 0.4, "connection_probability": 0.002, "test_images": 1, "test_steps": 5}
SETS = [word for name, value in SMALL.items() for word in ("--set", f"experiment.{name}={value}")]


def content(**changes: Any) -> dict[str, Any]:
    found = load("brain_base_model.json")[0]
    found["experiment"] |= {**SMALL, "control": False, **changes}
    return found


def on(comm: ThreadComm, config: dict[str, Any], **given: Any) -> Any:
    return run_experiment_on_ranks(RankSimulation, config, comm=comm, **given)


def same(one: Any, other: Any) -> None:
    assert list(one) == list(other)
    for name in one:
        assert name == "wall_seconds" or np.array_equal(one[name], other[name]), name


@pytest.mark.long
@pytest.mark.parametrize("ranks", [2, 3])
def test_the_results_are_those_of_one_process(ranks: int) -> None:
    config = content(control=True, images_per_block=1)
    one = run_experiment(config, steps=200, seed=1)
    found = on_ranks(ranks, lambda comm: on(comm, config, steps=200, seed=1))
    assert found[1:] == [None] * (ranks - 1)
    same(found[0], one)
    assert len(one["spike_id"]) > 1000 and np.any(one["weight_after"] != one["weight_before"])


def test_so_it_is_without_images() -> None:
    config = content(test_images=0, dataset=None, sense=None, readout=None)
    one = run_experiment(config, ms=150.0, seed=1)
    same(on_ranks(2, lambda comm: on(comm, config, ms=150.0, seed=1))[0], one)


def test_a_run_that_one_rank_stops_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    config = content(test_images=0)
    whole = run_experiment(config, steps=60, seed=1)
    given: dict[str, Any] = {"steps": 60, "seed": 1, "checkpoint": tmp_path}
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] > 2

    def cut(comm: ThreadComm) -> Any:
        return on(comm, config, stop=stop if comm.rank == 1 else None, **given)

    assert int(on_ranks(2, cut)[0]["steps"]) < 60
    same(on_ranks(3, lambda comm: on(comm, config, **given))[0], whole)
    same(run_experiment(config, **given), whole)


def test_ranks_of_different_configurations_are_refused_at_the_start() -> None:
    def work(comm: ThreadComm) -> str:
        with pytest.raises(ConfigError) as caught:
            on(comm, content(weight_mean=0.1 + 0.1 * comm.rank), steps=5, seed=1)
        return str(caught.value)

    first, second = on_ranks(2, work)
    assert first == second and "rank 1: must have the run of rank 0" in first


def test_a_wrong_configuration_on_one_rank_is_one_on_all() -> None:
    def work(comm: ThreadComm) -> str:
        with pytest.raises(ConfigError) as caught:
            on(comm, content(density=0.4 + comm.rank), steps=5, seed=1)
        return str(caught.value)

    first, second = on_ranks(2, work)
    assert "density" in second and first == f"rank 1: {second}"


# ---- the command line under a launcher ---------------------------------------------------------------------------


def launched(ranks: int, folder: Path, *words: str) -> subprocess.Popen[str]:
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", str(ranks), sys.executable, "-m", "neuromod", "run", *words]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env={**os.environ, "NEUROMOD_NUM_THREADS": "1"}, **pipes)


@needs_mpi
@pytest.mark.long
def test_the_command_line_prints_once_and_writes_what_one_process_writes(tmp_path: Path) -> None:
    words = ["--steps", "40", "--seed", "1", *SETS, "--set", "experiment.control=false"]
    job = launched(2, tmp_path, *words, "--out", "two")
    said, errors = job.communicate(timeout=200)
    assert job.returncode == 0, errors
    assert said.count("digest") == 1 and said.count("written: ") == 2
    one = run_experiment(content(), steps=40, seed=1)
    same(load_results(tmp_path / "two" / "results.npz"), one)


@needs_mpi
@pytest.mark.long
def test_a_wrong_command_line_is_told_once(tmp_path: Path) -> None:
    job = launched(2, tmp_path, "--set", "experiment.densty=1")
    said, errors = job.communicate(timeout=100)
    assert job.returncode == 2 and said == ""
    assert errors.count("experiment.densty") == 1 and "did you mean" in errors
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "results.npz").touch()
    job = launched(2, tmp_path, "--out", "taken")
    errors = job.communicate(timeout=100)[1]
    assert job.returncode == 2 and errors.count("exists already") == 1


def children_of(job: subprocess.Popen[str]) -> list[int]:
    """The processes of a job that compute."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                variables = (folder / "environ").read_bytes()
            except OSError:
                continue
            if b"neuromod" in words and b"-m" in words and f"JOB={job.args[-1]}".encode() in variables:
                found.append(int(folder.name))
    return sorted(found)


@needs_mpi
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_one_rank_ends_all_and_the_run_goes_on_from_its_checkpoint(how: str, tmp_path: Path) -> None:
    words = ["--seed", "1", *SETS, "--set", "experiment.control=false", "--set", "experiment.test_images=0"]
    words += ["--checkpoint", "saved", "--checkpoint-every", "0.2 s", "--steps", "600"]
    before = dict(os.environ)
    os.environ["JOB"] = str(tmp_path)
    job = launched(2, tmp_path, *words, "--out", str(tmp_path))
    os.environ.clear()
    os.environ.update(before)
    until = time.monotonic() + 60.0
    while not (tmp_path / "saved" / "training.npz").exists():
        assert time.monotonic() < until and job.poll() is None
        time.sleep(0.05)
    victim = children_of(job)[1]
    began = time.monotonic()
    os.kill(victim, signal.SIGINT if how == "interrupt" else signal.SIGKILL)
    errors = job.communicate(timeout=60)[1]
    assert time.monotonic() - began < (10.0 if how == "interrupt" else 30.0)
    assert job.returncode == (130 if how == "interrupt" else job.returncode) != 0, errors
    again = launched(3, tmp_path, *words, "--out", str(tmp_path), "--force")
    errors = again.communicate(timeout=200)[1]
    assert again.returncode == 0, errors
    whole = run_experiment(content(test_images=0), steps=600, seed=1)
    same(load_results(tmp_path / "results.npz"), whole)
