"""Hooks: when they are called, what they may do, and that they change nothing that they do not write."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driven_network import ids_of, learning, network

from neuromod import LevelMonitor, NeuromodWarning, Simulation, SpikeMonitor, StateMonitor, SynapseMonitor

RULES = ("none", "hebbian", "stdp", "rstdp", "triplet", "stdp_nearest")


def test_every_is_called_at_the_multiples_of_its_time() -> None:
    sim = network(("a", 3, "lif"), dt=0.5)
    seen: list[float] = []
    sim.run(3)
    sim.every(2.0, lambda s: seen.append(s.time))
    sim.run(5)  # up to 4 ms
    sim.step()
    sim.run(11)  # up to 10 ms
    assert seen == [2.0, 4.0, 6.0, 8.0, 10.0]


def test_hooks_are_called_in_the_order_of_their_making_after_the_recorders() -> None:
    sim = learning()
    spikes, v = SpikeMonitor(sim), StateMonitor(sim, "v_membrane", every=10)
    levels, weights = LevelMonitor(sim, every=10), SynapseMonitor(sim, "p", every=10)
    order: list[str] = []

    def look(s: Simulation) -> None:
        order.append("a")
        assert s.current_step == 10 * len(v.time) == 10 * len(levels.time) == 10 * len(weights.time)
        assert np.array_equal(v.values[-1], s.model.neurons.v_membrane)
        assert np.array_equal(weights.values[-1], s.projections["p"].weight)
        assert spikes.id[spikes.step == s.current_step].tolist() == s.spikes.tolist()

    sim.every(10.0, look)
    sim.every(10.0, lambda s: order.append("b"))
    sim.run(100)
    assert order == ["a", "b"] * 10


READS: tuple[Callable[[Simulation], Any], ...] = (
    lambda s: s.projections["q"].weight.sum(),
    lambda s: s.model.neurons.v_membrane.copy(),
    lambda s: s.neuromodulation.level.copy(),
    lambda s: s.digest(),
    lambda s: s.copy(),
    lambda s: s.spikes,
)


@pytest.mark.parametrize("rule", RULES)
def test_a_hook_that_reads_changes_no_bit(rule: str) -> None:
    sims = [learning(rule) for _ in range(2)]
    calls = [0]

    def read(s: Simulation) -> None:
        READS[calls[0] % len(READS)](s)
        calls[0] += 1

    sims[0].every(7.0, read)
    sims[0].when(lambda s: s.projections["p"].weight[0] > 1e9)
    for sim in sims:
        sim.run(300)
    assert calls[0] == 42
    assert sims[0].digest() == sims[1].digest()


def threshold(s: Simulation) -> None:
    s.model.neurons.v_threshold[:] = -60.0


def weights(s: Simulation) -> None:
    s.projections["p"].weight[:] = 0.9


def once(s: Simulation) -> None:
    s.model.neurons.external_input[:] = 40.0


def event(s: Simulation) -> None:
    s.neuromodulation.process_reward(1.0)


def lasting(s: Simulation) -> None:
    s.model.neurons.i_offset[:] = 3.0


@pytest.mark.parametrize("write", [threshold, weights, once, event, lasting], ids=lambda f: f.__name__)
def test_what_a_hook_writes_acts_from_the_next_step_on(write: Callable[[Simulation], None]) -> None:
    sim, alone, never = learning(), learning(), learning()
    hook = sim.when(lambda s: s.current_step == 50, write)
    sim.run(120)
    alone.run(50)
    write(alone)
    alone.step()  # a longer run says that external_input is for its first step alone
    alone.run(69)
    never.run(120)
    assert hook.calls == 1
    assert sim.digest() == alone.digest() != never.digest()


def test_a_spike_set_by_a_hook_is_fired() -> None:
    sim = network(("s", 2, "spike_source"))
    sim.every(5.0, lambda s: s.set_spike_times(1, [s.time + 1.0]))
    spikes = SpikeMonitor(sim)
    sim.run(16)
    assert spikes.step.tolist() == [6, 11, 16]
    assert spikes.id.tolist() == [1, 1, 1]


def test_a_stop_ends_the_run_and_the_rest_is_as_in_one_call() -> None:
    sim, whole = learning(), learning()
    first = SpikeMonitor(whole, ids_of(whole, "B"))
    whole.run(400)
    targets = ids_of(sim, "B")
    hook = sim.when(lambda s: bool(np.isin(s.spikes, targets).any()))
    run = sim.run(400)
    assert run["n_steps"] == run["step"] == sim.current_step == first.step[0] < 400
    assert run["spike_counts"].sum() == sim.model.neurons.spike_count.sum()
    hook.remove()
    sim.run(400 - sim.current_step)
    assert sim.digest() == whole.digest()


def test_a_stop_in_the_last_step_and_one_by_step() -> None:
    sim = network(("a", 3, "lif"))
    sim.every(5.0, lambda s: s.stop())
    assert sim.run(5)["n_steps"] == 5
    assert sim.run(3)["n_steps"] == 3
    assert [sim.step()["step"] for _ in range(3)] == [9, 10, 11]
    assert sim.run(100)["n_steps"] == 4


def test_the_other_hooks_of_a_step_are_called_where_one_stops() -> None:
    sim, seen = network(("a", 3, "lif")), []
    sim.every(5.0, lambda s: s.stop())
    sim.every(5.0, lambda s: seen.append(s.current_step))
    sim.run(20)
    assert seen == [5]


def test_a_stop_outside_a_hook_is_refused() -> None:
    sim = network(("a", 3, "lif"))
    with pytest.raises(RuntimeError, match="stop: must be called by a hook"):
        sim.stop()
    with pytest.raises(RuntimeError, match="stop: must be called by a hook"):
        sim.run(5, progress=lambda *_: sim.stop())
    sim.every(5.0, lambda s: None)
    assert sim.run(20)["n_steps"] == 20


def test_a_hook_that_raises_ends_the_run_in_a_state_that_can_go_on() -> None:
    sim, alone, seen = learning(), learning(), []

    def fail(s: Simulation) -> None:
        if s.current_step == 30:
            s.stop()  # the stop is void
            raise EOFError("enough")

    sim.every(10.0, fail)
    sim.every(10.0, lambda s: seen.append(s.current_step))
    spikes = SpikeMonitor(sim)
    with pytest.raises(EOFError):
        sim.run(100)
    alone.run(30)
    assert sim.current_step == 30
    assert seen == [10, 20]
    assert spikes.count == alone.model.neurons.spike_count.sum()
    assert sim.digest() == alone.digest()
    assert sim.run(70)["n_steps"] == 70
    alone.run(70)
    assert sim.digest() == alone.digest()


def test_bad_values_written_by_a_hook_are_refused_before_the_next_step() -> None:
    sim = network(("a", 3, "lif"))
    sim.every(5.0, lambda s: s.model.neurons.tau_m.fill(-1.0))
    with pytest.raises(ValueError, match="tau_m"):
        sim.run(20)
    assert sim.current_step == 5


REFUSED: dict[str, Callable[[Simulation], Any]] = {
    "run": lambda s: s.run(1),
    "step": lambda s: s.step(),
    "connect": lambda s: s.connect("A", "B", in_degree=1, weight=0.1),
    "add_neuron": lambda s: s.model.add_neuron(0, 3, 0, 0),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_hook_may_not_run_nor_build(what: str) -> None:
    sim, alone = learning(), learning()
    sim.every(10.0, REFUSED[what])
    with pytest.raises(RuntimeError, match="until the run is over"):
        sim.run(20)
    alone.run(10)
    assert sim.digest() == alone.digest()


def test_hooks_and_monitors_may_be_made_and_removed_by_hooks() -> None:
    sim, seen = network(("a", 3, "lif")), []
    monitors = []

    def begin(s: Simulation) -> None:
        first.remove()
        s.every(3.0, lambda s: seen.append(s.current_step))
        monitors.append(StateMonitor(s, "v_membrane"))

    first = sim.every(4.0, begin)
    sim.run(14)
    assert seen == [6, 9, 12]
    assert first.calls == 1 and not first.is_on
    assert monitors[0].time.tolist() == list(range(5, 15))


def test_hooks_are_no_part_of_the_state() -> None:
    sim, seen = learning(), []
    plain = learning().digest()
    hook = sim.every(5.0, lambda s: seen.append(s))
    assert sim.digest() == plain
    again = [
        sim.copy(),
        copy.deepcopy(sim),
        pickle.loads(pickle.dumps(sim)),
        Simulation.from_dict(sim.to_dict()),
    ]
    again += list(sim.replicas(2))
    for other in again:
        other.run(10)
    assert not seen and hook.calls == 0
    sim.run(10)
    assert seen == [sim, sim]


def test_replicas_with_hooks_of_their_own_are_refused() -> None:
    runs = network(("a", 3, "lif")).replicas(2)
    runs[1].every(1.0, lambda s: None)
    with pytest.raises(ValueError, match="replica 1: must have no hooks"):
        runs.run(5)
    assert [one.current_step for one in runs] == [0, 0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.every(0.0, print), "ms: must be >= 0.5 ms; got 0 ms"),
        (lambda s: s.every(0.75, print), "ms: must be a whole number of steps of 0.5 ms; got 0.75 ms"),
        (lambda s: s.every(np.nan, print), "ms: must be finite"),
        (lambda s: s.every("5", print), "ms: must be a number"),
        (lambda s: s.every(5.0, 3), "function: must be callable; got 3"),
        (lambda s: s.when(3), "condition: must be callable; got 3"),
        (lambda s: s.when(print, 3), "function: must be callable; got 3"),
        (lambda s: s.when(print, every=0.3), "every: must be a whole number of steps"),
    ],
)
def test_bad_arguments_add_nothing(call: Callable[[Simulation], Any], words: str) -> None:
    sim = network(("a", 3, "lif"), dt=0.5)
    with pytest.raises((ValueError, TypeError), match=words):
        call(sim)
    assert not sim._session.agenda.hooks


def test_a_condition_gives_true_or_false() -> None:
    sim = network(("a", 3, "lif"))
    sim.when(lambda s: s.spikes)  # an array, which is neither
    with pytest.raises(TypeError, match="condition: must give True or False"):
        sim.run(5)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_make_no_difference(threads: int) -> None:
    sim, alone = learning(), learning()
    sim.threads = threads
    sim.every(3.0, lambda s: s.projections["q"].weight.sum())
    sim.run(100)
    alone.run(100)
    assert sim.digest() == alone.digest()


# ---- at a time ---------------------------------------------------------------------------------------------------


def test_a_function_is_called_once_at_its_time() -> None:
    sim = Simulation(dt=0.5, seed=1)
    sim.create(20, drive={"rate": 1500.0, "weight": 1.5})
    called: list[tuple[str, float]] = []
    hooks = [sim.at(ms, lambda sim, ms=ms: called.append((str(ms), sim.time))) for ms in (20.0, 7.5, 100.0)]
    sim.run(ms=30)
    sim.step()
    assert called == [("7.5", 7.5), ("20.0", 20.0)]
    assert [hook.calls for hook in hooks] == [1, 1, 0]
    assert repr(hooks[1]) == "Hook(at=7.5 ms, calls=1)"
    hooks[2].remove()
    sim.run(ms=100)
    assert len(called) == 2
    sim.reset()
    sim.run(ms=10)
    assert called[2:] == [("7.5", 7.5)]


def test_a_function_at_a_time_may_write_and_stop_and_reading_changes_nothing() -> None:
    one, other = Simulation(seed=1), Simulation(seed=1)
    for sim in (one, other):
        sim.create(20, name="cells", drive={"rate": 1500.0, "weight": 1.5})
    one.run(50)
    other.at(20.0, lambda sim: sim.populations["cells"].v_membrane.mean())
    other.run(50)
    assert one.digest() == other.digest()
    other.at(70.0, lambda sim: sim.stop())
    assert other.run(100)["n_steps"] == 20


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (10.0, "must be >= 11 ms"),
        (10.5, "whole number of steps"),
        (-1.0, "must be >= 11 ms"),
        (float("nan"), "ms"),
    ],
)
def test_a_time_that_is_past_or_no_step_is_refused(ms: float, said: str) -> None:
    sim = Simulation(seed=1)
    sim.create(2)
    sim.run(10)
    with pytest.raises(ValueError, match=said):
        sim.at(ms, print)
    with pytest.raises(TypeError, match="function: must be callable"):
        sim.at(20.0, 3)  # type: ignore[arg-type]
    assert not sim._session.agenda.hooks


# ---- files hold no hooks ----------------------------------------------------------------------------------------


def _with_hooks() -> Simulation:
    sim = Simulation(dt=0.5, seed=1)
    sim.create(5, "lif", name="E", i_offset=20.0)
    return sim


def test_a_save_warns_of_hooks_that_the_file_lacks_and_names_them(tmp_path: Path) -> None:
    sim = _with_hooks()

    def record(sim: Simulation) -> None: ...

    sim.every(20.0, record)
    sim.at(5.0, record)
    sim.when(lambda sim: True, print, every=2.5)
    with pytest.warns(
        NeuromodWarning,
        match=r"^save: a file holds no hooks \(every 20 ms record, at 5 ms record, every 2\.5 ms print\); register",
    ):
        sim.save(tmp_path / "a.npz")
    with (
        pytest.warns(
            NeuromodWarning, match=r"^checkpointing: a file holds no hooks \(every 20 ms record"
        ) as said,
        sim.checkpointing(tmp_path / "kept", every=10.0),
    ):
        sim.run(ms=100)
    assert len(said) == 1


def test_hooks_that_are_over_or_removed_or_save_themselves_are_not_warned_of(tmp_path: Path) -> None:
    sim = _with_hooks()
    sim.at(5.0, lambda sim: None)
    sim.every(5.0, lambda sim: None).remove()
    sim.run(ms=10)
    sim.save(tmp_path / "a.npz")
    sim.every(5.0, lambda sim: sim.save(tmp_path / "b.npz"))
    sim.run(ms=10)
    assert Simulation.load(tmp_path / "b.npz").time == 20.0


def test_many_hooks_are_counted(tmp_path: Path) -> None:
    sim = _with_hooks()
    for k in range(9):
        sim.at(5.0 + k, print)
    with pytest.warns(NeuromodWarning, match=r"at 9 ms print and 4 more\)"):
        sim.save(tmp_path / "a.npz")


def test_where_the_warning_is_an_error_no_file_is_written(tmp_path: Path) -> None:
    sim = _with_hooks()
    sim.every(5.0, print)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NeuromodWarning):
            sim.save(tmp_path / "a.npz")
        with pytest.raises(NeuromodWarning), sim.checkpointing(tmp_path / "kept"):
            raise AssertionError("is not reached")
    assert list(tmp_path.iterdir()) == []
