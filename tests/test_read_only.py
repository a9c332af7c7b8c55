"""Arrays that properties give, and names that a neuron lacks: a write acts or raises, and the error says what to do."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from test_writes import others, parts, public, world

from neuromod import Neuron, Simulation, StateMonitor, TDCritic

pytestmark = pytest.mark.filterwarnings("ignore:.*did you mean seconds:neuromod.NeuromodWarning")


# ---- arrays that properties give ----------------------------------------------------------------------------------


def _with_records() -> dict[str, Any]:
    """All public objects, with something recorded, and populations of each kind."""
    found = others()
    sim = found["spikes"]._sim
    sim.create(6, "lif", name="on a grid", positions="grid", region="left")
    pairs = np.stack([sim.populations["own"].ids, sim.populations["on a grid"].ids[:3]], axis=1)
    sim.connect("own", "on a grid", pairs=pairs, weight=1.0, name="pairs")
    sim.run(20)
    critic = TDCritic()
    critic.update([1.0, 0.0], 1.0, [0.0, 1.0])
    more = {
        "grid": sim.populations["on a grid"],
        "area": sim.populations["s"],
        "pairs": sim.projections["pairs"],
        "taught": critic,
    }
    return {**parts(sim), **found, **more}


def test_an_array_of_a_property_is_the_memory_itself_or_cannot_be_written() -> None:
    looked_at = set()
    for owner, thing in _with_records().items():
        for name in public(thing):
            if not isinstance(getattr(type(thing), name, None), property):
                continue
            try:
                one, other = getattr(thing, name), getattr(thing, name)
            except AttributeError:  # what this object has none of
                continue
            if isinstance(one, np.ndarray) and one.size:
                looked_at.add(name)
                assert np.shares_memory(one, other) or not one.flags.writeable, f"{owner}.{name}"
    assert looked_at >= {
        "positions",
        "ids",
        "value",
        "values",
        "time",
        "id",
        "step",
        "rate",
        "bin_end",
        "order",
    }
    assert looked_at >= {"weight", "delay", "pre_id", "spikes", "feature_weights", "level"}


def test_a_write_to_a_copy_raises() -> None:
    sim = Simulation(seed=1)
    E = sim.create(9, positions="grid")
    with pytest.raises(ValueError, match="read-only"):
        E.positions[:] = 7.0
    own = E.positions.copy()
    own += 1.0
    assert own.flags.writeable and E.positions.max() == 2.0


def test_records_of_other_libraries_can_be_written() -> None:
    pytest.importorskip("xarray")
    sim = Simulation(seed=1)
    sim.create(3, "lif")
    monitor = StateMonitor(sim, "v_membrane")
    sim.run(5)
    found = monitor.to_xarray()
    found -= 1.0
    assert found.values.flags.writeable


# ---- where a neuron is ---------------------------------------------------------------------------


def _views(sim: Simulation) -> tuple[Neuron, Neuron]:
    return sim.create(6, positions={"grid": [2, 3], "spacing": 0.5})[4], sim.create(2, "adex")[0]


def test_a_neuron_shows_the_position_that_create_gave_it() -> None:
    sim = Simulation(seed=1)
    on_grid, nowhere = _views(sim)
    assert repr(on_grid).startswith("Neuron(id=4, position=(0.5, 0.5), excitatory lif, ")
    assert repr(nowhere).startswith("Neuron(id=6, excitatory adex, ")
    assert repr(world().model.neurons[45]).startswith("Neuron(id=45, position=(5, 1, 0, 0), ")
    assert repr(Neuron(id=1, x=2)).startswith("Neuron(id=1, position=(2, 0, 0, 0), ")
    assert "(0.5, 0.5)" in on_grid._repr_html_() and "position" not in nowhere._repr_html_()
    for again in (copy.deepcopy(sim), pickle.loads(pickle.dumps(sim))):
        assert repr(again.model.neurons[4]) == repr(on_grid)
