"""What several ranks are told where one of them is wrong, alone, or ended."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from thread_ranks import ThreadComm, on_ranks

from neuromod import BrainModel, ConfigError, Simulation, SpikeMonitor, atomic
from neuromod.errors import NeuromodWarning
from neuromod.merging import merged_samples
from neuromod.network.division import told
from neuromod.rank_link import Ranks
from neuromod.ranks import RankSimulation


def small(comm: ThreadComm) -> RankSimulation:
    sim = RankSimulation(comm, seed=3)
    sim.create(50, drive={"rate": 1500.0, "weight": 1.2})
    return sim


# ---- what is given -----------------------------------------------------------------------------------------------


def test_a_model_that_has_synapses_is_refused() -> None:
    model = BrainModel("brain_base_model.json")
    first, second = model.add_neuron(1, 1, 1, 1), model.add_neuron(2, 2, 2, 2)
    model.add_synapse(first, second, 0.5, 1)
    with pytest.raises(ConfigError, match="model: must have no synapses yet; got 1"):
        on_ranks(1, lambda comm: RankSimulation(comm, model, seed=1))


def test_a_condition_that_gives_a_number_is_refused_on_its_rank() -> None:
    def work(comm: ThreadComm) -> None:
        sim = small(comm)
        with sim.when(lambda _: 3):
            sim.run(5)

    with pytest.raises(TypeError, match="condition: must give True or False; got 3"):
        on_ranks(1, work)


def test_a_monitor_that_ranks_do_not_have_is_refused() -> None:
    class Own(SpikeMonitor):
        pass

    def work(comm: ThreadComm) -> None:
        sim = Simulation(seed=1)
        sim.create(10)
        own = Own(sim)
        with pytest.raises(
            ConfigError, match=r"monitors: must be SpikeMonitor, .* on several ranks; got Own"
        ):
            RankSimulation.take(sim, comm)
        assert own._is_on()

    on_ranks(2, work)


def test_what_users_give_is_told_apart() -> None:
    """Tables and sparse matrices by their numbers: two of them that print alike are not the same."""
    import hashlib

    pandas, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")

    def digest(thing: Any) -> str:
        sha = hashlib.sha256()
        told(thing, sha)
        return sha.hexdigest()

    whole = np.arange(1000.0)
    other = whole.copy()
    other[500] += 1e-9
    for make in (lambda v: pandas.DataFrame({"a": v}), lambda v: sparse.csr_matrix(v.reshape(10, 100))):
        assert digest(make(whole)) == digest(make(whole.copy())) != digest(make(other))


def test_samples_of_all_neurons_ascend_where_none_are_asked_for() -> None:
    parts, ids = [np.array([[5.0, 1.0]]), np.array([[3.0]])], [np.array([5, 1]), np.array([3])]
    assert merged_samples(parts, ids).tolist() == [[1.0, 3.0, 5.0]]


# ---- checkpoints -------------------------------------------------------------------------------------------------


class Full(atomic.Disk):
    def write(self, handle: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.filterwarnings("ignore:checkpoint. could not be written")
def test_a_full_disk_costs_the_checkpoints_and_at_the_end_is_an_error_on_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(comm: ThreadComm) -> str:
        sim = small(comm)
        with pytest.raises((OSError, ConfigError)) as caught, sim.checkpointing(tmp_path, every=10.0):  # noqa: PT012
            sim.run(25)
            assert sim.step == 25
        return str(caught.value)

    monkeypatch.setattr(atomic, "DISK", Full())
    first, second = on_ranks(2, work)
    assert "No space left" in first and second.startswith("rank 0: ")
    assert list(tmp_path.iterdir()) == []


def test_the_disk_that_refuses_a_checkpoint_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(comm: ThreadComm) -> None:
        sim = small(comm)
        with sim.checkpointing(tmp_path, every=10.0):
            with monkeypatch.context() as patched:
                patched.setattr(atomic, "DISK", Full())
                with pytest.warns(NeuromodWarning, match="checkpoint: could not be written, the run goes on"):
                    sim.run(15)
            sim.run(10)

    on_ranks(1, work)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"step-{k:015d}.npz" for k in (20, 25)]


def test_checkpointing_within_checkpointing_is_refused(tmp_path: Path) -> None:
    def work(comm: ThreadComm) -> None:
        sim = small(comm)
        with sim.checkpointing(tmp_path, every="1 h") as outer:
            assert repr(outer).startswith("RankCheckpoints(")
            with pytest.raises(RuntimeError, match="checkpointing: must not be within another one"):
                sim.checkpointing(tmp_path / "b", every=10.0).__enter__()
            sim.run(5)
            assert outer.files == ()

    on_ranks(1, work)


def test_a_checkpoint_that_one_rank_does_not_see_is_refused_on_all(tmp_path: Path) -> None:
    from neuromod.experiment.resume import Resume
    from neuromod.experiment.world import RankWorld

    def work(comm: ThreadComm) -> str:
        resume = Resume(tmp_path / str(comm.rank), 60.0, {})
        if comm.rank == 0:
            (tmp_path / "0" / "training.npz").touch()
        with pytest.raises(ConfigError) as caught:
            resume.load("training", Simulation, RankWorld(RankSimulation, comm))
        return str(caught.value)

    (tmp_path / "0").mkdir()
    (tmp_path / "1").mkdir()
    first, second = on_ranks(2, work)
    assert "training.npz: must be seen by all ranks" in second
    assert first


# ---- the end -----------------------------------------------------------------------------------------------------


def test_an_error_of_one_rank_ends_all_and_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    def work(comm: ThreadComm) -> None:
        ranks = Ranks(comm)
        with ranks.together():
            if ranks.rank == 1:
                raise ValueError("of rank 1")
            ranks.total(np.array([1]))

    with pytest.raises(ValueError, match="of rank 1"):
        on_ranks(2, work)
    assert "ValueError: of rank 1" in capfd.readouterr().err


def test_ctrl_c_on_one_rank_ends_all_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    def work(comm: ThreadComm) -> None:
        ranks = Ranks(comm)
        with ranks.together():
            if ranks.rank == 1:
                raise KeyboardInterrupt
            ranks.total(np.array([1]))

    with pytest.raises(KeyboardInterrupt):
        on_ranks(2, work)
    said = capfd.readouterr().err
    assert "rank 1: interrupted\n" in said and "KeyboardInterrupt" not in said


def test_one_rank_alone_lets_an_error_pass(capfd: pytest.CaptureFixture[str]) -> None:
    def work(comm: ThreadComm) -> None:
        sim = small(comm)

        def fail(_: Any) -> None:
            raise ValueError("of a hook")

        with sim.every(1.0, fail), pytest.raises(ValueError, match="of a hook"):
            sim.run(5)
        sim.run(5)

    on_ranks(1, work)
    assert capfd.readouterr().err == ""


def test_an_error_that_nobody_catches_ends_all_after_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, said = [], []

    class Comm(ThreadComm):
        def Abort(self, code: int) -> None:
            ended.append(code)

    monkeypatch.setattr(sys, "excepthook", lambda *error: said.append(error[0]))
    ranks = Ranks(Comm(None, 0, 2))
    ranks.end_all_on_errors()
    hook = sys.excepthook
    ranks.end_all_on_errors()
    assert sys.excepthook is hook
    hook(ValueError, ValueError("x"), None)
    assert (said, ended) == ([ValueError], [1])
