"""One episode of the self-test: a plain run, and the same run cut, saved, copied and interrupted in random ways."""

from __future__ import annotations

import _thread
import contextlib
import copy
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import neuromod
from neuromod.errors import NumericalError
from neuromod.selftest.events import between, event_of, refusals
from neuromod.selftest.models import monitors_of, simulation_of

__all__ = ["Difference", "episode"]

Simulation = Any
_SECONDS = 0.05  # until an interrupt
_ACTIONS = (
    *("run", "run", "steps", "threads", "file", "deepcopy", "twin", "dict", "replicas"),
    *("store", "checkpoints", "stream", "interrupt", "read", "stops", "refused"),
)


class Difference(NamedTuple):
    """What differed in an episode, and the actions that are needed for it."""

    number: int
    what: str
    actions: tuple[int, ...]
    words: tuple[str, ...]


class _Action(NamedTuple):
    """What is done with n steps of a segment."""

    name: str
    n_steps: int
    word: int


class _State:
    """The simulation of an episode with its monitors, which an action may replace by others."""

    def __init__(self, number: int, threads: int, folder: Path) -> None:
        self.sim: Simulation = simulation_of(random.Random(number), threads)
        self.monitors = monitors_of(self.sim)
        self.folder, self.done = folder, Counter[str]()

    def outcome(self) -> tuple[str, list[list[Any]]]:
        """The digest, and what the monitors have."""
        return self.sim.digest(), [_records(each) for each in self.monitors]


def _records(monitor: Any) -> list[Any]:
    saved = monitor._recorder.saved()
    return [saved[name] for name in ("step", "id", "value") if name in saved]


def episode(
    number: int, folder: Path, done: Counter[str], only: tuple[int, ...] | None = None
) -> Difference | None:
    """Compare a random run with a plain one; what differs, after a search for the fewest actions that show it.

    `only`: the positions of the actions to be done; the steps of the others are plainly run. `done` counts what was
    done.
    """
    plan = _plan(number)
    try:
        expected = _plain(number, plan, folder)
    except NumericalError:  # a random model may diverge
        done["episodes that diverged"] += 1
        return None
    everything = tuple(range(sum(len(actions) for actions, _, _ in plan))) if only is None else only
    what = _tried(number, plan, folder, expected, everything, done)
    done["episodes"] += 1
    if what is None:
        return None
    needed = _fewest(
        lambda some: _tried(number, plan, folder, expected, some, Counter()) is not None, everything
    )
    each = [(action, event) for actions, event, _ in plan for action in actions]
    words = tuple(f"{each[k][0].name} {each[k][0].n_steps} steps (then: {each[k][1]})" for k in needed)
    return Difference(number, what, needed, words)


def _plan(number: int) -> list[tuple[list[_Action], str, Callable[[Simulation], None]]]:
    """Segments: actions, and the event that follows them."""
    draw = random.Random(f"plan {number}")
    plan = []
    for _ in range(draw.randint(1, 4)):
        actions = [
            _Action(draw.choice(_ACTIONS), draw.choice([1, 2, 10, 35, 120]), draw.getrandbits(16))
            for _ in range(draw.randint(1, 4))
        ]
        plan.append((actions, *event_of(draw)))
    return plan


def _plain(number: int, plan: Any, folder: Path) -> Any:
    state = _State(number, 1, folder)
    for actions, _, deed in plan:
        state.sim.run(sum(action.n_steps for action in actions), progress=False)
        deed(state.sim)
    state.sim.run(20, progress=False)
    return state.outcome()


def _tried(
    number: int, plan: Any, folder: Path, expected: Any, some: tuple[int, ...], done: Counter[str]
) -> str | None:
    """What differs, where the actions at these positions are done; None: nothing."""
    state, k = _State(number, 1 + number % 4, folder), 0
    state.done = done
    try:
        for actions, _, deed in plan:
            for action in actions:
                if k in some:
                    done[action.name] += 1
                    getattr(_Actions, action.name)(state, action)
                else:
                    state.sim.run(action.n_steps, progress=False)
                k += 1
            deed(state.sim)
        state.sim.run(20, progress=False)
        return _differs(state.outcome(), expected)
    except Exception as error:  # whatever it is, it is a failure of the package, and is reported
        return f"{type(error).__name__}: {error}"


def _differs(found: Any, expected: Any) -> str | None:
    if found[0] != expected[0]:
        return f"digest {found[0][:16]}, expected {expected[0][:16]}"
    for k, (mine, theirs) in enumerate(zip(found[1], expected[1], strict=True)):
        for one, other in zip(mine, theirs, strict=True):
            if not np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
                return f"records of monitor {k}"
    return None


def _fewest(fails: Callable[[tuple[int, ...]], bool], some: tuple[int, ...]) -> tuple[int, ...]:
    """Actions without which nothing fails: one after another is left out where it still fails without it."""
    for k in some:
        fewer = tuple(each for each in some if each != k)
        if fails(fewer):
            some = fewer
    return some


class _Actions:
    """Ways to do some steps, of which none may change a bit."""

    @staticmethod
    def run(state: _State, action: _Action) -> None:
        state.sim.run(action.n_steps, progress=False)

    @staticmethod
    def steps(state: _State, action: _Action) -> None:
        for _ in range(action.n_steps):
            state.sim.step()

    @staticmethod
    def threads(state: _State, action: _Action) -> None:
        state.sim.threads = 1 + action.word % 4
        state.sim.run(action.n_steps, progress=False)

    @staticmethod
    def file(state: _State, action: _Action) -> None:
        state.sim.run(action.n_steps, progress=False)
        path = state.folder / "state.npz"
        state.sim.save(path)
        state.sim = neuromod.Simulation.load(path, threads=1 + action.word % 4)
        state.monitors = list(state.sim.monitors)

    @staticmethod
    def deepcopy(state: _State, action: _Action) -> None:
        state.sim.run(action.n_steps, progress=False)
        state.sim, state.monitors = copy.deepcopy((state.sim, state.monitors))

    @staticmethod
    def dict(state: _State, action: _Action) -> None:
        again = neuromod.Simulation.from_dict(state.sim.to_dict())
        for sim in (again, state.sim):
            sim.run(action.n_steps, progress=False)
        if again.digest() != state.sim.digest():
            raise ValueError("to_dict, from_dict: must go on alike")

    @staticmethod
    def store(state: _State, action: _Action) -> None:
        draw, before = random.Random(action.word), state.sim.digest()
        state.sim.store()
        state.sim.run(draw.randint(0, 50), progress=False)
        for _ in range(draw.randint(0, 2)):
            between(draw, state.sim)
        with contextlib.suppress(NumericalError, ValueError):  # of what was written
            state.sim.run(draw.randint(0, 3), progress=False)
        state.sim.restore()
        if state.sim.digest() != before:
            raise ValueError("restore: must bring back what was stored")
        state.sim.run(action.n_steps, progress=False)

    @staticmethod
    def twin(state: _State, action: _Action) -> None:
        """A deep copy that goes on, while its original goes another way."""
        old = state.sim
        state.sim, state.monitors = copy.deepcopy((state.sim, state.monitors))
        old.run(1 + action.word % 20, progress=False)
        state.sim.run(action.n_steps, progress=False)

    @staticmethod
    def replicas(state: _State, action: _Action) -> None:
        """Of two replicas the first goes on as the simulation, and the second goes back on the way."""
        both = state.sim.replicas(2, seeds=[state.sim.seed, action.word])
        both.threads = 1 + action.word % 2
        both[1].store()
        both.run(action.n_steps // 2, progress=False)
        both[1].restore()
        both.run(action.n_steps - action.n_steps // 2, progress=False)
        alone = state.sim.copy(seed=action.word)
        alone.run(action.n_steps - action.n_steps // 2, progress=False)
        state.sim.run(action.n_steps, progress=False)
        if both.digests() != [state.sim.digest(), alone.digest()]:
            raise ValueError("replicas must go on as runs alone")

    @staticmethod
    def stops(state: _State, action: _Action) -> None:
        """A hook ends the run again and again, by its word or by an error."""

        def end(sim: Simulation) -> None:
            if sim.current_step % 2:
                raise InterruptedError
            sim.stop()

        last = state.sim.current_step + action.n_steps
        with state.sim.every(state.sim.dt * (1 + action.word % 13), end):
            while state.sim.current_step < last:
                with contextlib.suppress(InterruptedError):
                    state.sim.run(last - state.sim.current_step, progress=False)

    @staticmethod
    def refused(state: _State, action: _Action) -> None:
        """Calls that are refused change nothing, and nothing that follows."""
        before = state.sim.digest()
        for name, call in refusals(state.sim).items():
            with contextlib.suppress(ValueError, TypeError, LookupError):
                call()
                raise AssertionError(f"{name}: must be refused")
        if state.sim.digest() != before:
            raise ValueError("calls that were refused have changed something")
        state.sim.run(action.n_steps, progress=False)

    @staticmethod
    def checkpoints(state: _State, action: _Action) -> None:
        folder = Path(tempfile.mkdtemp(dir=state.folder))  # a search for fewer actions does this one again
        with state.sim.checkpointing(folder, every=(1 + action.word % 30) * state.sim.dt):
            state.sim.run(action.n_steps, progress=False)
        files = sorted(folder.iterdir())
        again = neuromod.Simulation.load(files[0])
        again.run(state.sim.current_step - again.current_step, progress=False)
        if again.digest() != state.sim.digest():
            raise ValueError("a run from a checkpoint must go on alike")
        for path in files:
            path.unlink()
        folder.rmdir()

    @staticmethod
    def stream(state: _State, action: _Action) -> None:
        """A second monitor's records, in a log, are the first one's."""
        path = state.folder / "records.log"
        path.unlink(missing_ok=True)
        first, spikes = state.sim.current_step, neuromod.SpikeMonitor(state.sim)
        with state.sim.streaming(path, {"s": spikes}, every=(1 + action.word % 30) * state.sim.dt):
            state.sim.run(action.n_steps, progress=False)
        spikes.stop()
        logged, whole = neuromod.read_log(path)["s"], state.monitors[0]
        if not np.array_equal(logged["id"], whole.id[whole.step > first]):
            raise ValueError("a log must hold what a monitor holds")

    @staticmethod
    def interrupt(state: _State, action: _Action) -> None:
        """Ctrl-C in a run, which goes on afterwards."""
        end = state.sim.current_step + action.n_steps
        if threading.current_thread() is threading.main_thread():
            _interrupted(state.sim, action.n_steps, _SECONDS * (action.word % 100) / 100.0)
        state.sim.run(end - state.sim.current_step, progress=False)

    @staticmethod
    def read(state: _State, action: _Action) -> None:
        def look(sim: Simulation) -> None:
            sim.digest()
            for each in sim.projections.values():
                each.weight.sum()

        with state.sim.every(state.sim.dt * (1 + action.word % 9), look):
            state.sim.run(action.n_steps, progress=False)


def _interrupted(sim: Simulation, n_steps: int, seconds: float) -> None:
    """A run into which Ctrl-C comes, or comes too late."""
    fired = threading.Event()

    def fire() -> None:
        fired.set()
        _thread.interrupt_main()

    timer = threading.Timer(seconds, fire)
    try:
        try:
            timer.start()  # it may fire before this returns
            sim.run(n_steps, progress=False)
        finally:
            timer.cancel()
            timer.join()
        if fired.is_set():
            time.sleep(0.1)  # it comes here at the latest
    except KeyboardInterrupt:
        if not fired.is_set():  # the user's own
            raise
