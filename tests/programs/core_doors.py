"""Call everything public in `neuromod._core` with arguments that nobody should give; a crash ends this process.

Run by tests/test_core_doors.py; prints each door before going through it, so that the last one printed is the
one that crashed. ``python core_doors.py SEED [DOOR]``.
"""

from __future__ import annotations

import inspect
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from neuromod import _core

VALUES: list[Any] = [
    *(None, True, 0, 1, -1, 2, 7, 10**6, -(10**9), 2**31, 2**62, 2**63, -(2**63), 10**30),
    *(0.0, -1.0, 0.5, 1e300, -1e300, float("nan"), float("inf"), 5e-324),
    *("", "dopamine", "stdp", "rstdp", "lif", "drive", "NM_ANY", "x" * 1000),
    *((), (1.0,), (1.0,) * 100, [], [1], ["a"], {}, {"a": 1}, object()),
    np.empty(0),
    np.ones(3),
    np.array([2.0, -5.0, 1e9]),
    np.arange(4),
    np.array([0, 5, 3, 10**9]),
    np.array([-1, -2, -3], np.int64),
    np.array([3, 2, 1], np.int32),
    np.array([65535, 0, 9], np.uint16),
    np.zeros((2, 3)),
    np.zeros((3, 2), np.int32),
    np.full((2, 2), 10**8, np.int32),
    np.ones(3, np.float32),
    np.ones(6)[::2],
]
TRIES = 100


def small_layout() -> Any:
    from neuromod import BrainModel, Simulation

    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    ids = sim.initialize_neurons(["V1_like"], density=0.002)
    sim.connect(
        ids,
        ids,
        probability=0.3,
        weight=0.5,
        rule="rstdp",
        synapse_type="excitatory",
        delay={"uniform": [1, 3]},
    )
    return sim._session.store.layout()


def levels() -> Any:
    return _core.Levels(None, ("a", "b"))


def engine() -> Any:
    return _core.Engine(small_layout(), 1.0, 1, _core.Levels())


MADE: dict[str, Callable[[], Any]] = {
    "Levels": levels,
    "Engine": engine,
    "Binding": lambda: _core.Binding(small_layout(), 1.0, 1, 0, None),
    "EngineGroup": lambda: _core.EngineGroup([engine(), engine()]),
    "LentLevels": lambda: _core.LentLevels(levels(), [("a", {}), ("b", {})], []),
    "ModulatorCore": lambda: _core.ModulatorCore(None, "dopamine"),
    "SystemCore": lambda: _core.SystemCore(levels()),
    "SynapseBlock": lambda: _core.SynapseBlock(object()),
    "Synapse": lambda: _core.Synapse(0, 1),
    "Neuron": lambda: _core.Neuron(0),
    "SpikeRecorder": lambda: _core.SpikeRecorder(None),
    "SampleRecorder": lambda: _core.SampleRecorder(lambda: (np.ones(3), np.arange(2)), 1),
    "LazyKeeper": lambda: next(iter(engine().keepers.values())),
    "ShortTermKeeper": lambda: _core.ShortTermKeeper(
        {"U": 0.5, "tau_rec": 1, "tau_facil": 1}, np.arange(3), 4
    ),
    "HomeostasisKeeper": lambda: _core.HomeostasisKeeper(
        {"target_rate": 1.0, "tau": 1.0, "strength": 1.0, "every": 1.0}, 3, 1.0, 0
    ),
    "CurrentSource": lambda: _core.CurrentSource(
        {
            "kind": "ou",
            "ids": np.arange(3),
            "span": np.array([0.0, 9.0]),
            "number": 1,
            "values": np.array([0.0, 1.0, 5.0]),
            "factor": np.ones(3),
            "state": np.zeros(3),
        }
    ),
    "Bitmap": lambda: _core.Bitmap(),
    "Pool": lambda: _core.Pool(),
}


def arguments(most: int) -> list[Any]:
    pool = [*VALUES, random.choice(list(MADE.values()))]
    chosen = [random.choice(pool) for _ in range(random.randint(0, most))]
    return [value() if callable(value) and not isinstance(value, type) else value for value in chosen]


class OutOfTime(Exception):
    pass


def stop(*_: object) -> None:
    raise OutOfTime


signal.signal(signal.SIGALRM, stop)


def attempt(function: Callable[..., Any], most: int = 8) -> None:
    given = arguments(most)
    signal.setitimer(signal.ITIMER_REAL, 0.2)  # a run of a million steps is fine, and long
    try:
        function(*given)
    except Exception:
        return
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def look(thing: Any) -> None:
    """Read and write every attribute, call every method, also the special ones that Python calls."""
    for name in dir(thing):
        if name in {"__class__", "__new__", "__init__", "__subclasshook__", "__init_subclass__"}:
            continue
        for _ in range(8):
            try:
                member = getattr(thing, name)
            except Exception:
                break
            if callable(member):
                attempt(member, 4)
            else:
                try:
                    setattr(thing, name, random.choice(VALUES))
                except Exception:
                    continue


def doors() -> list[str]:
    names = []
    for name, thing in vars(_core).items():
        if name.startswith("__") or inspect.ismodule(thing) or name in {"np"}:
            continue
        if getattr(thing, "__module__", "") != "neuromod._core" and isinstance(thing, type):
            continue
        if isinstance(thing, type) and not issubclass(thing, BaseException):
            names += [f"{name} made raw", f"{name} made", f"{name} as made"]
        elif callable(thing) and not isinstance(thing, type):
            names.append(name)
    return names


def go_through(door: str) -> None:
    name, _, how = door.partition(" ")
    thing = getattr(_core, name)
    if how == "made raw":
        for _ in range(6):
            try:
                raw = thing.__new__(thing)
            except TypeError:
                return
            look(raw)
    elif how == "made":
        for _ in range(TRIES):
            attempt(thing, 6)
    elif how == "as made":
        if name in MADE:
            for _ in range(6):
                look(MADE[name]())
    else:
        for _ in range(TRIES):
            attempt(thing)


if __name__ == "__main__":
    for each in doors() if len(sys.argv) < 3 else [sys.argv[2]]:
        random.seed(f"{sys.argv[1]} {each}")
        print(each, flush=True)
        go_through(each)
    print("all doors hold")
