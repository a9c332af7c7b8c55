"""Every allocation of one call fails in turn, in forked children: the call raises MemoryError and has changed nothing.

Usage: LD_PRELOAD=failing_malloc.so python no_memory.py SCENARIO:EVERY:FIRST .... Of the allocations, those of number
FIRST, FIRST + EVERY, ... fail. Prints one JSON object for each scenario: the number of allocations, and what was found.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import sys
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from neuromod import BrainModel, NeuromodulationSystem, Simulation, SpikeMonitor, StateMonitor, SynapseMonitor

arm = ctypes.CDLL(None).failing_malloc_arm
arm.restype, arm.argtypes = ctypes.c_long, [ctypes.c_long]
Ready = tuple[Simulation, list[Any], Any, list[Any]]
BOX = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}


def network() -> Simulation:
    areas = [
        {"name": "A", "coord_ranges": {"x": [0, 59], **BOX}, "drive": {"rate": 2000.0, "weight": 1.5}},
        {"name": "B", "coord_ranges": {"x": [60, 99], **BOX}, "model": "izhikevich"},
    ]
    config = {"lattice_shape": [100, 1, 1, 1], "areas": areas, "plasticity": {"rule": "stdp"}}
    sim = Simulation(BrainModel(config=config), 1, NeuromodulationSystem(), threads=1)
    sim.initialize_neurons(["A"])
    sim.connect(
        "A", "A", in_degree=8, weight=0.5, delay={"uniform": [1, 9]}, synapse_type="excitatory", name="p"
    )
    sim.connect("A", "A", probability=0.3, weight=0.1, rule="none", synapse_type="excitatory", name="dense")
    short_term = {"U": 0.5, "tau_rec": 100, "tau_facil": 10}
    sim.connect(
        "A",
        "A",
        in_degree=4,
        weight=0.5,
        rule="hebbian",
        synapse_type="excitatory",
        short_term=short_term,
        name="live",
    )
    sim.model.add_synapse(1, 2)
    sim.run(60)
    return sim


def second_growth(sim: Simulation) -> Any:
    sim.initialize_neurons(["B"], 0.5)


def waiting(sim: Simulation) -> Any:
    sim.model.add_synapse(3, 4, delay=3)
    sim.model.add_synapse(4, 5, synapse_type="inhibitory")


def saved_once(sim: Simulation) -> Any:
    sim.save("a.npz")


def whole_file() -> str:
    """What is wrong with the file of a scenario, or nothing: it is whole, and nothing is beside it."""
    files = sorted(path.name for path in Path().iterdir())
    if files != ["a.npz"]:
        return f"files are left: {files}"
    Simulation.load("a.npz").digest()
    return ""


# What comes before, and the call whose allocations fail.
SCENARIOS = {
    "bind after growth": (second_growth, lambda s: s._session.bound()),
    "bind after additions": (waiting, lambda s: s._session.bound()),
    "run after growth": (second_growth, lambda s: s._session.run(1)),
    "initialize_neurons": (None, lambda s: s.initialize_neurons(["A", "B"], 0.9)),
    "remove_neuron": (None, lambda s: s.model.remove_neuron(7)),
    "add_neuron": (None, lambda s: s.model.add_neuron(70, 0, 0, 0)),
    "add_synapse": (None, lambda s: s.model.add_synapse(5, 6)),
    "merge": (waiting, lambda s: len(s.model.synapses)),
    "connect": (
        None,
        lambda s: s.connect(
            "A",
            "A",
            probability=0.2,
            weight={"normal": [0.5, 0.1]},
            delay={"uniform": [1, 5]},
            synapse_type="excitatory",
        ),
    ),
    "pairs": (
        None,
        lambda s: s.connect([1, 2], [3, 4], pairs=[(1, 3), (2, 4)], weight=[0.1, 0.2], delay=[2, 1]),
    ),
    "initialize_random_synapses": (None, lambda s: s.initialize_random_synapses(0.1)),
    "SpikeMonitor": (None, lambda s: SpikeMonitor(s, [1, 2, 3])),
    "StateMonitor": (None, lambda s: StateMonitor(s, "v_membrane")),
    "SynapseMonitor": (None, lambda s: SynapseMonitor(s, "p")),
    "set_spike_times": (
        lambda s: s.initialize_neurons(["B"], 0.1, model="spike_source"),
        lambda s: s.set_spike_times([60, 61], [[70.0, 71.0], [80.0]]),
    ),
    "copy": (None, lambda s: s.copy()),
    "digest": (None, lambda s: s.digest()),
    "weight": (None, lambda s: s.model.synapses.weight),
    "create": (
        None,
        lambda s: s.create(30, "adex", name="C", v_membrane=-60.0, drive={"rate": 9.0, "weight": 1.0}),
    ),
    "run": (None, lambda s: s.run(20)),
    "reset": (None, lambda s: s.reset(weights=True)),
    "store": (None, lambda s: s.store()),
    "restore": (lambda s: (s.store(), s.run(3)), lambda s: s.restore()),
    "to_dict": (None, lambda s: s.to_dict()),
    "save": (saved_once, lambda s: s.save("a.npz")),
    "load": (saved_once, lambda s: Simulation.load("a.npz")),
}
AFTER = {"save": whole_file, "load": whole_file}
AGAIN = {"reset", "restore"}
"""After a failure they have done nothing, or all else is refused until the same call has succeeded."""


def seen(sim: Simulation, monitors: list[Any]) -> list[Any]:
    """All that a failed call must leave as it was: the state, the views, and what comes after."""
    sizes = [len(sim.model.neurons), len(sim.model.synapses), list(sim.projections)]
    engine = sim._session.bound()
    recorders = len(engine.spike_recorders), len(engine.sample_recorders), len(engine.probes)
    before = sim.digest()
    sim.run(40)
    spikes = [np.stack([monitors[0].step, monitors[0].id]).tolist(), monitors[1].values.tolist()]
    return [sizes, recorders, before, sim.digest(), spikes]


def as_json(what: Any) -> Any:
    return json.loads(json.dumps(what))


def called_again(sim: Simulation, call: Any) -> str | None:
    """What is wrong with a call that was left half done, and is done once more; None where it had done nothing."""
    try:
        sim.digest()
    except RuntimeError as error:
        if "was left half done" not in str(error):
            return str(error)
        call(sim)
        return ""
    return None


def attempt(name: str, ready: Ready, k: int, results: tuple[list[Any], list[Any]]) -> str:
    """One allocation fails; in this process, which is a child. What is wrong, or nothing."""
    sim, monitors, call, held = ready
    arm(k)
    try:
        call(sim)
        said = "went on"
    except MemoryError:
        said = "MemoryError"
    except SystemError as error:  # NumPy's iterators return NULL without an exception
        said = "MemoryError" if "without" in str(error) else f"SystemError: {error}"
    except OSError as error:  # of a system call that needs memory, opendir
        said = "MemoryError" if error.errno == errno.ENOMEM else f"OSError: {error}"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"[:200]
    counted = arm(0)
    if counted < k:
        return "done"
    wrong = AFTER[name]() if name in AFTER else ""
    if wrong:
        return wrong
    if said == "MemoryError":
        if name in AGAIN and (wrong := called_again(sim, call)) is not None:
            return wrong or (
                "" if as_json(seen(sim, monitors)) == results[1] else "called again, it did another thing"
            )
        writable = all(array.flags.writeable for array in held)
        if not writable:
            return "a column held before turned read-only"
        after = as_json(seen(sim, monitors))
        # NumPy sums the spikes when a run is done: what it lacks memory for changes nothing of that.
        return (
            ""
            if after == results[0] or (name == "run" and after == results[1])
            else "the failed call changed something"
        )
    if said == "went on":  # somebody has caught it, or the memory was a cache's
        return "" if as_json(seen(sim, monitors)) == results[1] else "went on with another result"
    return said


def prepared(name: str) -> Ready:
    """Network, monitors, the call, and live columns that a user holds."""
    before, call = SCENARIOS[name]
    sim = network()
    monitors = [SpikeMonitor(sim), StateMonitor(sim, "v_membrane", [1, 2])]
    sim.run(5)
    held = [sim.projections["live"].weight, sim.model.neurons.v_membrane]
    if before is not None:
        before(sim)
    held = [array for array in held if array.flags.writeable]  # growth has already replaced the others
    return sim, monitors, call, held


def in_child(work: Any) -> tuple[int, str]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            os.write(writing, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def main(name: str, every: int, first: int) -> None:
    sim, monitors, *_ = prepared(name)
    untouched = as_json(seen(sim, monitors))
    sim, monitors, call, _ = prepared(name)
    call(sim)
    done = as_json(seen(sim, monitors))
    found: dict[str, list[int]] = {}
    ready = prepared(name)  # every child has its own copy of it
    for k in count(first, every):
        status, text = in_child(partial(attempt, name, ready, k, (untouched, done)))
        if text == "done":
            break
        if status != 0 or not (status == 0 and text == ""):
            found.setdefault(f"signal {-status}" if status else text, []).append(k)
    print(json.dumps({"scenario": name, "sites": k - every, "found": found}), flush=True)


if __name__ == "__main__":
    for scenario in sys.argv[1:]:
        name, every, first = scenario.split(":")
        main(name, int(every), int(first))
