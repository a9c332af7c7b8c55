"""While an engine runs, a progress callback and other threads may read anything, as at a slice border, and no more."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    LevelMonitor,
    NeuromodulationSystem,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
)

RULES = ("none", "hebbian", "stdp", "rstdp", "bcm")
LONG = 100_000_000  # steps: more than any test waits for


def network(rule: str = "stdp", n: int = 300, seed: int = 1, **given: Any) -> Simulation:
    """Driven neurons with two projections, delays and modulators."""
    box = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {
            "name": "A",
            "coord_ranges": {"x": [0, n - 1], **box},
            "drive": {"rate": 1000.0, "weight": 1.5, "noise": 1.0},
        }
    ]
    config = {"lattice_shape": [n + 50, 1, 1, 1], "areas": areas, "plasticity": {"rule": "stdp"}}
    sim = Simulation(BrainModel(config=config), seed, NeuromodulationSystem(), threads=1, **given)
    sim.initialize_neurons(["A"])
    for name, delay in (("p", 1), ("q", {"uniform": [1, 9]})):
        sim.connect(
            "A", "A", in_degree=10, weight=0.5, delay=delay, rule=rule, synapse_type="excitatory", name=name
        )
    return sim


LOOKS: dict[str, Callable[[Simulation], Any]] = {
    "weight": lambda s: s.projections["p"].weight.copy(),
    "weight_of": lambda s: s.projections["q"].weight_of(3),
    "synapses.weight": lambda s: s.model.synapses.weight.copy(),
    "synapse.weight": lambda s: s.model.synapses[5].weight,
    "neurons.v_membrane": lambda s: s.model.neurons.v_membrane.copy(),
    "neuron.v_membrane": lambda s: s.model.neurons[7].v_membrane,
    "levels": lambda s: s.neuromodulation.level.copy(),
    "factor": lambda s: s.neuromodulation.dopamine.factor(),
    "to_dict": lambda s: repr(s.to_dict()),
    "model.to_dict": lambda s: repr(s.model.to_dict()["state"]),
    "digest": lambda s: s.digest(),
    "copy": lambda s: s.copy().digest(),
    "deepcopy": lambda s: copy.deepcopy(s).digest(),
    "pickle": lambda s: pickle.loads(pickle.dumps((s, s.model)))[0].digest(),
    "model.copy": lambda s: s.model.copy().neurons.v_membrane.copy(),
}
CHEAP = (
    "weight",
    "weight_of",
    "synapses.weight",
    "neurons.v_membrane",
    "neuron.v_membrane",
    "levels",
    "factor",
)


@pytest.mark.parametrize("rule", RULES)
def test_a_callback_sees_the_state_at_the_border_and_changes_no_bit(rule: str) -> None:
    sim, alone, seen = network(rule), network(rule), {}

    def look(done: int, *_: object) -> None:
        if len(seen) < 3:
            seen[done] = {name: way(sim) for name, way in LOOKS.items()}
            assert sim.current_step == done

    sim.run(1500, progress=look)
    at = 0
    for done, found in seen.items():
        alone.run(done - at)
        at = done
        for name, way in LOOKS.items():
            assert np.array_equal(found[name], way(alone)), f"{name} after {done} steps"
    assert len(seen) >= 2
    alone.run(1500 - at)
    assert sim.digest() == alone.digest()


@contextmanager
def running(sim: Any, n_steps: int = LONG, **given: Any) -> Iterator[list[BaseException]]:
    """A run in another thread, stopped at the end of the block by its own callback."""
    stop, begun, failed = threading.Event(), threading.Event(), []

    def look(*_: object) -> None:
        begun.set()
        if stop.is_set():
            raise EOFError("stopped")

    def run() -> None:
        try:
            sim.run(n_steps, progress=look, **given)
        except EOFError:
            pass
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="runner")
    thread.start()
    try:
        assert begun.wait(60)
        yield failed
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
    assert not failed


@pytest.mark.parametrize("rule", RULES)
def test_another_thread_reads_what_is_right_and_changes_no_bit(rule: str) -> None:
    sim, alone, looks = network(rule), network(rule), []
    with running(sim):
        for name in CHEAP:
            looks.append((name, sim.copy(), LOOKS[name](sim), sim.current_step))
        copies = [sim.copy() for _ in range(3)]
        whole = sim.digest()
        before = sim.current_step
    steps = [one.current_step for one in copies]
    assert steps == sorted(steps) and steps[0] > 0 and before >= steps[2] and len(whole) == 64
    for one in copies:
        alone.run(one.current_step - alone.current_step)
        assert one.digest() == alone.digest()
    alone.run(sim.current_step - alone.current_step)
    assert sim.digest() == alone.digest()
    for name, one, found, last in looks:  # the state of some step between the copy and the look
        while not np.array_equal(LOOKS[name](one), found):
            assert one.current_step <= last, f"{name}: not the state of any step"
            one.step()


@pytest.mark.parametrize("rule", ["none", "rstdp"])
def test_looks_beside_a_run_without_a_callback_change_no_bit(rule: str) -> None:
    """No callback, hence no border at which what was handed out is taken back."""
    sim, alone, n_steps = network(rule), network(rule), 20_000
    thread, during = threading.Thread(target=sim.run, args=(n_steps,)), []
    thread.start()
    while thread.is_alive():
        for name in CHEAP:
            assert np.all(np.isfinite(LOOKS[name](sim)))
        during.append(sim.current_step)
    thread.join()
    assert any(0 < step < n_steps for step in during)
    alone.run(n_steps)
    assert sim.digest() == alone.digest()


def test_what_another_thread_gets_is_read_only() -> None:
    sim = network()
    with running(sim):
        for column in (sim.projections["p"].weight, sim.model.synapses.weight, sim.model.neurons.v_membrane):
            assert not column.flags.writeable
        assert not sim.neuromodulation.level.flags.writeable
    sim.projections["p"].weight[0] = 0.25
    assert sim.projections["p"].weight[0] == np.float32(0.25)


REFUSED: dict[str, Callable[[Simulation], Any]] = {
    "step": lambda s: s.step(),
    "run": lambda s: s.run(3),
    "add_neuron": lambda s: s.model.add_neuron(310, 0, 0, 0),
    "remove_neuron": lambda s: s.model.remove_neuron(3),
    "add_synapse": lambda s: s.model.add_synapse(0, 1),
    "initialize_neurons": lambda s: s.initialize_neurons(["A"]),
    "initialize_random_synapses": lambda s: s.initialize_random_synapses(0.01),
    "connect": lambda s: s.connect("A", "A", in_degree=1, weight=1.0, synapse_type="excitatory"),
    "a second simulation runs": lambda s: Simulation(s.model, seed=2).run(1),
    "a second simulation is bound": lambda s: Simulation(s.model, seed=2).digest(),
    "set_diffusion": lambda s: s.neuromodulation._levels.set_spread(0, 1.0, []),
}
# A whole simulation is pickled part by part, between which a run would go on.
PARTED: dict[str, Callable[[Simulation], Any]] = {
    "deepcopy": lambda s: copy.deepcopy(s),
    "pickle": lambda s: pickle.dumps(s),
    "pickle of a monitor": lambda s: pickle.dumps(SpikeMonitor(s)),
}
LOST: dict[str, Callable[[Simulation], Any]] = {
    "projection.weight": lambda s: setattr(s.projections["p"], "weight", 1.0),
    "synapses.weight": lambda s: setattr(s.model.synapses, "weight", 1.0),
    "synapse.weight": lambda s: setattr(s.model.synapses[0], "weight", 1.0),
    "neurons.v_membrane": lambda s: setattr(s.model.neurons, "v_membrane", 1.0),
    "neuron.v_membrane": lambda s: setattr(s.model.neurons[0], "v_membrane", 1.0),
    "neuron.params": lambda s: s.model.neurons[0].params.update(v_threshold=-40.0),
    "level": lambda s: setattr(s.neuromodulation.dopamine.state, "level", 0.9),
    "tau": lambda s: setattr(s.neuromodulation.dopamine.state, "tau", 10.0),
    "event": lambda s: s.neuromodulation.process_reward(1.0),
    "reset": lambda s: s.neuromodulation.reset(),
    "set_spike_times": lambda s: s.set_spike_times([], []),
}


@pytest.mark.parametrize("what", [*REFUSED, *LOST, *PARTED])
def test_another_thread_is_refused_at_once_and_nothing_changes(what: str) -> None:
    sim, alone = network(), network()
    with running(sim):
        began = time.perf_counter()
        with pytest.raises(RuntimeError, match="already running: run of 100000000 steps in thread 'runner'"):
            {**REFUSED, **LOST, **PARTED}[what](sim)
        assert time.perf_counter() - began < 5.0
    alone.run(sim.current_step)
    assert sim.digest() == alone.digest()


@pytest.mark.parametrize("what", REFUSED)
def test_a_callback_is_refused_and_nothing_changes(what: str) -> None:
    sim, alone, said = network(), network(), []

    def change(*_: object) -> None:
        if not said:
            with pytest.raises(RuntimeError, match="already running") as error:
                REFUSED[what](sim)
            said.append(str(error.value))

    sim.run(500, progress=change)
    alone.run(500)
    assert said and sim.digest() == alone.digest()


WRITES: dict[str, Callable[[Simulation], Any]] = {
    "weight": lambda s: s.projections["p"].weight.__setitem__(slice(0, 50), 0.1),
    "synapses": lambda s: s.model.synapses.weight.__imul__(0.5),
    "v_threshold": lambda s: s.model.neurons.v_threshold.__iadd__(-3.0),
    "tau_m": lambda s: s.model.neurons.tau_m.__imul__(0.5),
    "drive_rate": lambda s: s.model.neurons.drive_rate.__imul__(2.0),
    "external_input": lambda s: s.model.neurons.external_input.__iadd__(300.0),
    "level": lambda s: setattr(s.neuromodulation.serotonin.state, "level", 0.1),
    "tau": lambda s: setattr(s.neuromodulation.serotonin.state, "tau", 10.0),
    "reward": lambda s: s.neuromodulation.process_reward(1.0),
}


@pytest.mark.filterwarnings("ignore:external_input")  # an impulse is meant
@pytest.mark.parametrize("rule", ["none", "rstdp"])
@pytest.mark.parametrize("what", WRITES)
def test_what_a_callback_writes_acts_from_the_next_step_on(what: str, rule: str) -> None:
    sim, alone, at = network(rule), network(rule), []

    def write(done: int, *_: object) -> None:
        if done > 30 and len(at) < 3:
            WRITES[what](sim)
            at.append(done)

    sim.run(2000, progress=write)
    for done in at:
        alone.run(done - alone.current_step)
        WRITES[what](alone)
    alone.run(2000 - alone.current_step)
    assert len(at) == 3 and sim.digest() == alone.digest()


def test_a_bad_value_written_by_a_callback_ends_the_run_with_its_name() -> None:
    sim = network()
    with pytest.raises(ValueError, match=r"neurons\[4\].tau_m: must be > 0 ms"):
        sim.run(2000, progress=lambda *_: sim.model.neurons.tau_m.__setitem__(4, -1.0))
    assert 0 < sim.current_step < 2000


# ---- recorders -----------------------------------------------------------------------------------------------


def test_recorders_that_come_and_go_in_a_callback_record_their_own_steps() -> None:
    sim, alone, changes = network(), network(), []
    whole, sampled = SpikeMonitor(alone), StateMonitor(alone, "v_membrane", [3], every=1)
    first, second, some = (
        SpikeMonitor(sim, [0, 1, 2]),
        SpikeMonitor(sim),
        StateMonitor(sim, "v_membrane", [3]),
    )

    def change(done: int, *_: object) -> None:
        if len(changes) == 2:
            first.stop()
        if len(changes) in (1, 2, 3):
            changes.append((done, SpikeMonitor(sim), StateMonitor(sim, "v_membrane", [3])))
        elif len(changes) == 0:
            changes.append((done, LevelMonitor(sim), None))
        assert second.count == np.searchsorted(second.step, done, "right")  # shows what was recorded so far

    sim.run(4000, progress=change)
    alone.run(4000)
    assert np.array_equal(second.step, whole.step) and np.array_equal(second.id, whole.id)
    assert np.array_equal(some.values, sampled.values)
    stopped = changes[2][0]
    mine = (whole.id <= 2) & (whole.step <= stopped)
    assert np.array_equal(first.step, whole.step[mine])
    for done, spikes, v in changes[1:]:
        assert np.array_equal(spikes.step, whole.step[whole.step > done])
        assert np.array_equal(v.values, sampled.values[done:])
    assert len(changes[0][1].time) == 4000 - changes[0][0]
    assert len(changes) == 4


def test_recorders_that_another_thread_makes_and_stops() -> None:
    sim, alone = network(), network()
    whole = SpikeMonitor(alone)
    every = SpikeMonitor(sim)
    with running(sim):
        ours = [SpikeMonitor(sim) for _ in range(5)]
        for monitor in ours[:3]:
            monitor.stop()
        counts = [every.count for _ in range(3)]
    alone.run(sim.current_step)
    assert np.array_equal(every.step, whole.step) and np.array_equal(every.id, whole.id)
    assert counts == sorted(counts)
    for monitor in ours:
        first = np.searchsorted(whole.step, monitor.step[0]) if monitor.count else 0
        assert np.array_equal(monitor.id, whole.id[first : first + monitor.count])


def test_a_rate_that_is_stopped_has_no_bins_after_it() -> None:
    sim = network()
    rate = RateMonitor(sim, bin_ms=10.0)
    sim.run(40)
    rate.stop()
    before = rate.rate
    sim.run(40)
    assert np.array_equal(rate.rate, before) and len(before) == 4


# ---- several simulations -------------------------------------------------------------------------------------


def test_a_replica_beside_its_group_is_refused_or_takes_its_turn() -> None:
    group = network().replicas(2)
    done = {"alone": 0, "group": 0, "refused": 0}
    times_each = {"alone": 200, "group": 40}

    def many(what: str, run: Callable[[int], Any], n: int, times: int) -> None:
        for _ in range(times):
            try:
                run(n)
                done[what] += n
            except RuntimeError as error:
                done["refused"] += "already running" in str(error)

    threads = [
        threading.Thread(target=many, args=a)
        for a in (
            ("alone", group[0].run, 7, times_each["alone"]),
            ("group", group.run, 50, times_each["group"]),
        )
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert done["refused"] + done["alone"] // 7 + done["group"] // 50 == sum(times_each.values())
    assert group[0].current_step == done["alone"] + done["group"]
    assert group[1].current_step == done["group"]


def test_a_replica_is_read_while_its_group_runs() -> None:
    sim = network()
    group, alone = sim.replicas(2), sim.copy()
    with running(group):
        copy = group[0].copy()
        with pytest.raises(RuntimeError, match=r"run of 100000000 steps of 2 replicas \(this is replica 1\)"):
            group[1].step()
        with pytest.raises(RuntimeError, match="already running"):
            group.run(1)
    alone.run(copy.current_step)
    assert copy.current_step > 0 and copy.digest() == alone.digest()
    group[0].step()


def test_two_simulations_of_one_system_do_not_run_at_a_time() -> None:
    system = NeuromodulationSystem()
    one, two = network(), network()
    one, two = (Simulation(each.model, 1, system) for each in (one, two))
    with running(one), pytest.raises(RuntimeError, match=r"neuromodulation: .* already running"):
        two.run(1)
    two.run(1)


# ---- fork, signals, speed ------------------------------------------------------------------------------------


def child(work: Callable[[], bool]) -> bool:
    """Whether a forked process says yes, within a minute."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_process_forked_during_a_run_has_a_whole_copy_that_goes_on() -> None:
    sim, alone = network(), network()

    def goes_on() -> bool:
        sim.run(20)
        alone.run(sim.current_step)
        return sim.digest() == alone.digest()

    with running(sim):
        assert all(child(goes_on) for _ in range(3))
    alone.run(sim.current_step)
    assert sim.digest() == alone.digest()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_process_forked_by_a_callback_has_a_copy_that_goes_on() -> None:
    sim, alone, found = network(), network(), []

    def goes_on() -> bool:
        sim.run(20)
        alone.run(sim.current_step)
        return sim.digest() == alone.digest()

    sim.run(400, progress=lambda *_: found.append(child(goes_on)) if not found else None)
    assert found == [True]
    alone.run(400)
    assert sim.digest() == alone.digest()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_the_run_itself_ends_in_a_process_forked_by_its_callback() -> None:
    sim, mother, read_end_write_end = network(), os.getpid(), os.pipe()

    def fork(*_: object) -> None:
        if os.getpid() == mother and sim.current_step < 100:
            os.fork()

    try:
        sim.run(400, progress=fork)
        said = "ran"
    except RuntimeError as error:
        said = str(error)
    if os.getpid() != mother:
        os.write(read_end_write_end[1], said.encode())
        os._exit(0)
    os.close(read_end_write_end[1])
    assert said == "ran"
    assert "goes on in the process that began it" in os.read(read_end_write_end[0], 1000).decode()
    os.wait()


def test_a_thread_that_waits_can_be_interrupted_and_the_lock_goes_on() -> None:
    sim = network()
    gate = sim._session.gate
    sim.step()
    held, stop = threading.Event(), threading.Event()

    def hold() -> None:
        with gate:
            held.set()
            stop.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        sim.digest()
    stop.set()
    thread.join()
    assert len(sim.digest()) == 64


def counted(seconds: float) -> float:
    """Loops a second of a thread that counts."""
    began, n = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(1000):
            n += 1
    return n / seconds


@contextmanager
def running_elsewhere(sim: Simulation) -> Iterator[None]:
    """A run in another process, for comparison: it uses a core, but not this interpreter."""
    pid = os.fork()
    if pid == 0:
        try:
            sim.run(LONG)
        finally:
            os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_the_counting_thread_keeps_its_speed() -> None:
    """Nine tenths of what it counts beside another process. The best of several: others use the machine, too."""
    sim, shares = network(n=2000), [0.0]
    for _ in range(12):
        if max(shares) < 0.9:
            with running_elsewhere(sim):
                beside = counted(0.2)
            with running(sim):
                shares.append(counted(0.2) / beside)
    assert max(shares) >= 0.9, shares


@pytest.mark.parametrize("n_steps", [5, 3000])
def test_the_last_report_of_a_run_may_read_all_and_change_nothing(n_steps: int) -> None:
    """The core is done, the run is not: what is read is right, and changes of the network are refused."""

    def made() -> Simulation:
        sim = Simulation(seed=1, neuromodulation=NeuromodulationSystem())
        sources, targets = sim.create(50, "poisson", rate=50.0, name="A"), sim.create(50, "lif", name="B")
        sim.connect(sources, targets, in_degree=10, weight=1.0, rule="rstdp", name="p")
        return sim

    sim, plain = made(), made()
    stopped, kept = SpikeMonitor(sim), SpikeMonitor(sim)
    said: list[Any] = []

    def look(done: int, total: int, *_: Any) -> None:
        if done < total:
            return
        said.append((sim.digest(), float(sim.projections["p"].weight.sum()), sim.copy().digest()))
        stopped.stop()
        for change in (lambda: sim.run(1), lambda: sim.create(3)):
            with pytest.raises(RuntimeError, match="must wait until the run is over"):
                change()

    sim.run(n_steps, progress=look)
    plain.run(n_steps)
    assert said == [(plain.digest(), float(plain.projections["p"].weight.sum()), plain.copy().digest())]
    sim.run(50)
    plain.run(50)
    assert sim.digest() == plain.digest() and kept.count >= stopped.count
