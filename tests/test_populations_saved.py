"""Populations survive saving, copying, pickling and the removal of neurons."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, ConfigError, NeuromodulationSystem, RemovedError, Simulation
from neuromod.network import saved


@pytest.fixture
def rich() -> Simulation:
    sim = Simulation(dt=0.1, seed=1, neuromodulation=NeuromodulationSystem(["cortex", "striatum"]))
    E = sim.create(
        20, name="E", positions="disc", region="cortex", i_offset=25.0, receptors={"dopamine": 0.5}
    )
    S = sim.create(10, "izhikevich", name="S", region="striatum")
    sim.connect(E, S, probability=0.5, weight=0.4, rule="stdp")
    sim.run(100)
    sim.model.remove_neuron(3)
    return sim


def test_everything_survives_saving(rich: Simulation) -> None:
    again = Simulation.from_dict(json.loads(json.dumps(rich.to_dict())))
    for other in (again, rich.copy(), copy.deepcopy(rich), pickle.loads(pickle.dumps(rich))):
        assert other.digest() == rich.digest()
        assert list(other.populations) == ["E", "S"]
        assert other.populations["E"].ids.tolist() == rich.populations["E"].ids.tolist()
        assert np.array_equal(other.populations["E"].positions, rich.populations["E"].positions)
        assert other.populations["E"][0].receptors == {"dopamine": 0.5}
        assert other.model.regions == ("cortex", "striatum")
    for other in (again, rich):
        other.run(100)
    assert again.digest() == rich.digest()
    more = [other.create(2, region="cortex").name for other in (again, rich)]
    assert more == ["lif", "lif"]


def test_views_are_pickled_with_their_model(rich: Simulation) -> None:
    E = rich.populations["E"]
    whole, part, joined = pickle.loads(pickle.dumps((E, E[2:5], E[:2] + rich.populations["S"])))
    assert whole.ids.tolist() == E.ids.tolist() and part.ids.tolist() == E[2:5].ids.tolist()
    assert joined.name == "E[:2]+S" and (whole[2:5] == part)
    assert copy.copy(E) is E and copy.deepcopy(E) != E


def test_removed_neurons(rich: Simulation) -> None:
    E = rich.populations["E"]
    part = E[:5]
    assert len(E) == 19 and 3 not in E and E.positions.shape == (19, 2)
    rich.model.remove_neuron(4)
    assert len(E) == 18
    with pytest.raises(RemovedError, match="it was removed"):
        _ = part.v_membrane


def test_states_without_populations_are_as_before() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    sim.initialize_neurons(["V1_like"], density=0.001)
    assert "populations" not in sim.model.to_dict()["state"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.update(name="S"), r"populations\[1\]\.name: must be a new, non-empty text; got 'S'"),
        (lambda p: p.update(region=3), r"populations\[0\]\.region"),
        (lambda p: p.update(receptors={"dopamine": -1.0}), r"populations\[0\]\.receptors\.dopamine"),
        (lambda p: p.pop("ids"), r"populations\[0\]\.ids: is required"),
        (lambda p: p.update(more=1), r"populations\[0\]\.more: unknown key"),
        (lambda p: p.update(ids=p["ids"][:-1]), r"positions: must have the shape \(19, any\)"),
        (
            lambda p: p.update(ids=p["ids"][:-1], positions=p["positions"][:-1]),
            r"populations: must hold the ids of the neurons of 'E'",
        ),
        (lambda p: p.update(ids=p["ids"][::-1].copy()), r"populations\[0\]\.ids: must ascend"),
        (lambda p: p["positions"].__setitem__((0, 0), np.nan), r"positions: must be finite"),
    ],
)
def test_a_damaged_population_is_named(rich: Simulation, change: Any, message: str) -> None:
    state = saved.state_of(rich.model, rows=True)
    state = copy.deepcopy(state)
    for name in ("ids", "positions"):
        state["populations"][0][name] = state["populations"][0][name].copy()
    change(state["populations"][0])
    with pytest.raises(ConfigError, match=message):
        saved.restore(BrainModel(config={"areas": []}), state, "state")


def test_a_failed_create_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = Simulation(seed=1)
    sim.create(8, name="E"), sim.create(4, name="I")
    before = sim.digest()

    def full(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(sim.model._store.columns, "append", full)
    with pytest.raises(MemoryError):
        sim.create(5, name="more", region="elsewhere")
    assert sim.digest() == before and list(sim.populations) == ["E", "I"] and sim.model.regions == ("global",)
