"""Every public function gets values that no caller should pass, one argument at a time.

What must hold: only ValueError or TypeError (ConfigError is one), or an error of the package, leaves the call; the
message holds the argument's name; a call that failed has changed nothing; a value of the wrong kind is not accepted.
"""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest

import neuromod
from neuromod import BrainModel, NeuromodulationSystem, Simulation
from neuromod.errors import NeuromodError
from neuromod.neuromodulation import lattice_neighbours

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::neuromod.NeuromodWarning")

NEVER: dict[str, Any] = {
    "complex": 1 + 1j,
    "complex array": np.array([1j, 1.0]),
    "date": np.datetime64("2020-01-01"),
    "dates": np.array(["2020-01-01", "2020-01-02"], "M8[D]"),
    "date of Python": datetime.date(2020, 1, 1),
    "decimal": decimal.Decimal("1.5"),
    "number as text": "1.5",
    "numbers as text": ["1.5", "2"],
    "bytes": b"1",
    "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
    "object": object(),
    "objects": np.array([None, 1], object),
    "ragged": [[1], [1, 2]],
    "type": complex,
    "set": {1, 2},
    "mapping": {"normul": [1, 2]},
}
"""Of the wrong kind for any number or array of numbers."""
NUMBERS: dict[str, Any] = {
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "1e400": 10**400,
    "-1e400": -(10**400),
    "2**63": 2**63,
    "2**64": 2**64,
    "1e39": 1e39,
    "1e308": 1e308,
    "tiny": 5e-324,
    "-1": -1,
    "half": 0.5,
    "true": True,
    "nan array": np.array([np.nan, 1.0]),
    "cube": np.ones((2, 2, 2)),
    "empty": [],
    "none inside": [None, 1.0],
    "huge inside": [10**400, 1],
    "unsigned": np.array([2**64 - 1], np.uint64),
    "number of NumPy": np.float64("nan"),
}
"""Numbers that may or may not be right."""
ALIENS = NEVER | NUMBERS


class World(NamedTuple):
    """A small network with everything in it."""

    sim: Simulation
    system: NeuromodulationSystem

    def state(self) -> str:
        return self.sim.digest() + json.dumps(self.system.to_dict(), sort_keys=True, default=str)


def world() -> World:
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "S", "model": "spike_source", "coord_ranges": {**line, "x": [0, 3]}},
        {"name": "P", "model": "poisson", "coord_ranges": {**line, "x": [4, 7]}},
        {"name": "A", "neuron_type": "excitatory", "coord_ranges": {**line, "x": [8, 15]}},
    ]
    config = {"lattice_shape": [16, 1, 1, 1], "areas": areas}
    system = NeuromodulationSystem()
    sim = Simulation(BrainModel(config=config), seed=1, neuromodulation=system)
    sim.initialize_neurons(density=0.5)
    sim.connect("A", "A", probability=1.0, weight=0.1, rule="stdp", name="p")
    sim.run(3)
    sim.model.remove_neuron(sim.model.neurons.id[-1])  # its site is free: add_neuron's
    sim.run(1)
    return World(sim, system)


class Door(NamedTuple):
    """A function and right values of its arguments; `numeric` ones take numbers or arrays of numbers alone."""

    call: Callable[[World], Callable[..., Any]]
    right: Mapping[str, Any]
    numeric: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    """Arguments that take what is in NEVER, too: text, mappings or names."""


SOME = ([8, 9], [9, 8])
DOORS: dict[str, Door] = {
    "Simulation": Door(
        lambda w: lambda **a: Simulation(w.sim.model, **a),
        {"seed": 1, "neuromodulation": None, "dt": 1.0, "threads": 1},
        ("dt", "threads"),
    ),
    "initialize_neurons": Door(
        lambda w: w.sim.initialize_neurons,
        {
            "area_names": ["A"],
            "density": 0.6,
            "model": "lif",
            "params": {"tau_m": 10.0},
            "neuron_type": "excitatory",
        },
        ("density",),
    ),
    "initialize_random_synapses": Door(
        lambda w: w.sim.initialize_random_synapses,
        {"connection_probability": 0.1, "weight_mean": 0.1, "weight_std": 0.05},
        ("connection_probability", "weight_mean", "weight_std"),
    ),
    "connect, probability": Door(
        lambda w: lambda **a: w.sim.connect(**{"rule": "none", **a}),
        {
            "pre": "A",
            "post": "A",
            "probability": 0.5,
            "weight": 0.1,
            "delay": 1,
            "synapse_type": "excitatory",
            "port": "excitatory",
            "short_term": False,
            "autapses": False,
            "name": "q",
        },
        ("probability", "weight", "delay"),
    ),
    "connect, in_degree": Door(
        lambda w: w.sim.connect,
        {"pre": "A", "post": "A", "in_degree": 2, "weight": 0.1, "rule": "stdp"},
        ("in_degree",),
    ),
    "connect, out_degree": Door(
        lambda w: w.sim.connect, {"pre": "A", "post": "A", "out_degree": 2, "weight": 0.1}, ("out_degree",)
    ),
    "connect, pairs": Door(
        lambda w: w.sim.connect,
        {"pre": "A", "post": "A", "pairs": [[4, 5], [5, 4]], "weight": [0.1, 0.2], "delay": [1, 2]},
        ("pairs", "weight", "delay"),
    ),
    "set_spike_times": Door(
        lambda w: w.sim.set_spike_times, {"ids": [0, 1], "times_ms": [10.0, 11.0]}, ("ids", "times_ms")
    ),
    "run": Door(
        lambda w: w.sim.run,
        {"n_steps": 2, "input": np.zeros((2, 2)), "input_ids": [4, 5], "progress": None},
        ("n_steps", "input", "input_ids"),
    ),
    "add_neuron": Door(
        lambda w: w.sim.model.add_neuron,
        {
            "x": 15,
            "y": 0,
            "z": 0,
            "w": 0,
            "model": "lif",
            "params": {"tau_m": 10.0},
            "neuron_type": "excitatory",
            "generation": 0,
            "parent_id": -1,
        },
        ("x", "y", "z", "w", "generation", "parent_id"),
    ),
    "add_synapse": Door(
        lambda w: w.sim.model.add_synapse,
        {"pre_id": 4, "post_id": 5, "weight": 0.1, "delay": 1, "synapse_type": "excitatory"},
        ("pre_id", "post_id", "weight", "delay"),
    ),
    "remove_neuron": Door(lambda w: w.sim.model.remove_neuron, {"neuron_id": 5}, ("neuron_id",)),
    "area_ids": Door(lambda w: w.sim.model.area_ids, {"name": "A"}),
    "get_area_neurons": Door(lambda w: w.sim.model.get_area_neurons, {"area_name": "A"}),
    "get_synapses_for_neuron": Door(
        lambda w: w.sim.model.get_synapses_for_neuron, {"neuron_id": 5, "direction": "both"}, ("neuron_id",)
    ),
    "weight=": Door(
        lambda w: lambda weight: setattr(w.sim.projections["p"], "weight", weight),
        {"weight": 0.2},
        ("weight",),
    ),
    "synapse.weight=": Door(
        lambda w: lambda weight: setattr(w.sim.model.synapses[0], "weight", weight),
        {"weight": 0.2},
        ("weight",),
    ),
    "weight_of": Door(lambda w: w.sim.projections["p"].weight_of, {"synapse": 1}, ("synapse",)),
    "NeuromodulationSystem": Door(lambda w: NeuromodulationSystem, {"regions": ["a", "b"]}),
    "add_release": Door(
        lambda w: w.system.add_release,
        {"name": "dopamine", "areas": ["A"], "amount": 0.1, "regions": ["global"]},
        ("amount",),
    ),
    "set_diffusion": Door(
        lambda w: NeuromodulationSystem(["a", "b"]).set_diffusion,
        {"name": "dopamine", "coefficient": 0.1, "neighbours": [[0, 1]], "spacing": 1.0},
        ("coefficient", "spacing"),
    ),
    "system.step": Door(lambda w: w.system.step, {"dt": 1.0}, ("dt",)),
    "lattice_neighbours": Door(lambda w: lattice_neighbours, {"shape": (2, 2)}, ("shape",)),
    "set_num_threads": Door(
        lambda w: lambda threads: neuromod.threads(threads).__enter__(), {"threads": 1}, ("threads",)
    ),
}


def named(message: str, argument: str) -> bool:
    """Whether a message says which argument is meant."""
    of_an_id = argument.endswith("_id") and "neurons[" in message
    return argument in message or argument.split("_")[-1] in message or of_an_id


@pytest.mark.parametrize("name", DOORS)
def test_nothing_but_an_error_that_names_the_argument_leaves_a_door(name: str) -> None:
    door = DOORS[name]
    wrong = []
    w = world()
    before = w.state()
    for argument in door.right:
        for kind, alien in ALIENS.items():
            if (argument, kind) == ("progress", "type"):
                continue  # is callable
            given = {**door.right, argument: alien}
            try:
                door.call(w)(**given)
            except (ValueError, TypeError, IndexError, NeuromodError, MemoryError) as error:
                if not isinstance(error, MemoryError) and not named(str(error), argument):
                    wrong.append(
                        f"{argument} = {kind}: {type(error).__name__} without its name: {str(error)[:90]}"
                    )
                if w.state() != before:
                    wrong.append(f"{argument} = {kind}: failed, and changed something")
                    w = world()
            except Exception as error:  # what a user must not see: said with all the others
                wrong.append(f"{argument} = {kind}: {type(error).__name__}: {str(error)[:90]}")
                w = world()
            else:
                if argument in door.numeric and kind in NEVER:
                    wrong.append(f"{argument} = {kind}: accepted")
                w = world()
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)


@pytest.mark.parametrize("name", DOORS)
def test_the_right_values_are_right(name: str) -> None:
    """Else the errors above would be those of another argument."""
    door = DOORS[name]
    door.call(world())(**door.right)
