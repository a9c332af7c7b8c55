"""The state of a simulation: what is saved of it beside its model, and the way back, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuromod import _core
from neuromod.agenda import RateSchedule, checked_schedule
from neuromod.arguments import LONGEST_STEP, SHORTEST_STEP
from neuromod.beginning import Beginning
from neuromod.errors import ConfigError
from neuromod.modulation.saved import checked_levels
from neuromod.network import saved as of_model
from neuromod.problems import join
from neuromod.state import SavedPart, check_seal, pack, same_content, sealed, unpacked

__all__ = ["content_of", "from_dict", "own_state", "plain_again", "simulation_again", "to_dict"]

Simulation = Any
"""A `neuromod.simulation.Simulation`; this module imports neither it nor what it consists of."""
BrainModel = Any
NeuromodulationSystem = Any

_LAST_STEP = 2**61


# ---- saving ----------------------------------------------------------------------------------------------------


def content_of(sim: Simulation) -> dict[str, Any]:
    """What is the simulation's and not the model's, with arrays as arrays; sealed."""
    sim._session.agenda.check_can_be_saved("copy.deepcopy and pickle")
    return sealed({"format": of_model.FORMAT, "simulation": own_state(sim)})


def own_state(sim: Simulation) -> dict[str, Any]:
    """The simulation's state, and how it began, of which no digest is."""
    own: dict[str, Any] = sim._own_state()
    beginning = sim._session.beginning.state(sim._session.store)
    return own if beginning is None else {**own, "beginning": beginning}


def to_dict(sim: Simulation) -> dict[str, Any]:
    """All of it, with its model, as ``json`` can write it."""
    sim._session.agenda.check_can_be_saved("to_dict")
    with sim._session.gate:
        own = own_state(sim)  # first: it hands over what users have written
        model = of_model.content_of(sim.model)
        # the model's own sum stands for the model
        seal = sealed({"format": of_model.FORMAT, "model": model["sha256"], "simulation": own})
        return {**seal, "model": {**model, "state": pack(model["state"])}, "simulation": pack(own)}


# ---- the way back ----------------------------------------------------------------------------------------------


def from_dict(cls: type[Simulation], state: Any) -> Simulation:
    """The simulation that `to_dict` was called on."""
    part = SavedPart(of_model.check_format(state, "Simulation"), "state")
    part.only("format", "model", "simulation", "version", "sha256")
    part.has("model", "simulation")
    part.finish()
    own = unpacked(state["simulation"], "state.simulation", state)
    model_sum = state["model"].get("sha256") if isinstance(state["model"], Mapping) else None
    content = {"format": state["format"], "model": model_sum, "simulation": own}
    check_seal(content, state.get("version"), state.get("sha256"))
    model = of_model.from_dict(cls._MODEL, state["model"], "state.model")
    return _again(cls, model, None, own, None, state["format"])


def plain_again(cls: type[Simulation], content: Any, threads: int | None) -> Simulation:
    """The simulation of a content as `neuromod.keeping` writes it to a file, which has a seal of its own."""
    model = of_model.plain_model_again(cls._MODEL, content["model"], "model")
    saved_as = content["model"]["format"]
    return _again(cls, model, None, content["simulation"], threads, saved_as, "simulation", check=False)


def simulation_again(
    cls: type[Simulation],
    model: BrainModel,
    system: NeuromodulationSystem | None,
    content: Mapping[str, Any],
    threads: int,
) -> Simulation:
    """The simulation of a content as `content_of` gives it, checked, and of the objects that came with it."""
    part = SavedPart(content, "state")
    part.only("format", "simulation", "version", "sha256")
    part.has("format", "simulation")
    part.finish()
    own = content["simulation"]
    check_seal(
        {"format": content["format"], "simulation": own}, content.get("version"), content.get("sha256")
    )
    return _again(cls, model, system, own, threads, content["format"])


def _again(
    cls: type[Simulation],
    model: BrainModel,
    system: NeuromodulationSystem | None,
    own: Any,
    threads: int | None,
    saved_as: int,
    where: str = "state.simulation",
    check: bool = True,
) -> Simulation:
    """`check`: the columns of synapses under rules are as they are now; else as the engine keeps them."""
    part = SavedPart(own, where)
    part.only("seed", "dt", "engine", "schedule", "neuromodulation", "rates", "beginning")
    part.has("neuromodulation")
    seed, dt = part.whole("seed", 0, 2**64 - 1), part.number("dt", SHORTEST_STEP, LONGEST_STEP)
    engine, schedule = part.part("engine"), _schedule(part)
    engine.whole("step", 0, _LAST_STEP)
    rates = _rates(part, model, dt)
    part.finish()
    modulators = own["neuromodulation"]
    if system is None and modulators is not None:
        system = cls._SYSTEM._of(checked_levels(modulators, f"{where}.neuromodulation"))
    if (system is None) != (modulators is None):
        raise ConfigError([f"{where}.neuromodulation: must be that of the system that came with it"])
    sim = cls(model, seed=seed, dt=dt, neuromodulation=system, threads=threads)
    now = _plastic_columns(model) if check and saved_as == of_model.FORMAT else None
    _restore(sim, engine.value, schedule, rates, where)
    if "beginning" in own:
        session, levels = sim._session, 0 if system is None else system._levels.level_buffer.size
        session.beginning = Beginning.of_state(part.part("beginning"), session.store, levels)
        part.finish()
    if now is not None:  # with an older format, what follows from it is rounded in another way
        _check_kept(sim, now)
    return sim


def _restore(
    sim: Simulation, engine: Mapping[str, Any], schedule: Any, rates: list[RateSchedule | None], where: str
) -> None:
    """The engine's part; what is wrong with it as one error."""
    try:
        sim._session.restore(engine, schedule, rates)
        sim._session.prepared()  # parameters and levels are looked at
    except ConfigError as error:
        raise ConfigError([f"{where}.{line}" for line in error.problems]) from None
    except (_core.CoreFailure, OverflowError) as error:
        raise ConfigError([f"state: must be one that fits into the core; {error!r}"]) from None
    except ValueError as error:
        raise ConfigError([f"state: {error}"]) from None
    if not all(map(np.array_equal, schedule, sim._session.bound().schedule_arrays())):
        raise ConfigError([f"{where}.schedule: must be steps to come, ascending"])


def _rates(part: SavedPart, model: BrainModel, dt: float | None) -> list[RateSchedule | None]:
    """The rates that vary in time; a state without any has no such key."""
    value = part.value.get("rates", [])
    if not isinstance(value, list | tuple):
        part.wrong("rates", "must be a list of rates that vary in time", value)
        return []
    if dt is None:
        return []
    where = part.at("rates")
    known = model.neurons.id
    return [
        checked_schedule(SavedPart(one, join(where, k), part.problems), known, dt)
        for k, one in enumerate(value)
    ]


def _schedule(part: SavedPart) -> Any:
    """The spikes to come: steps and ids, of the same length."""
    if not part.has("schedule"):
        return None
    value = part.value["schedule"]
    if not isinstance(value, list | tuple) or len(value) != 2:
        part.wrong("schedule", "must be steps and ids", value)
        return None
    pair = SavedPart({"steps": value[0], "ids": value[1]}, f"{part.where}.schedule", part.problems)
    steps, ids = pair.array("steps", "i8", (None,), 0, _LAST_STEP), pair.array("ids", "i8", (None,), 0)
    if steps is not None and ids is not None and len(steps) != len(ids):
        pair.wrong("ids", f"must be as long as steps, {len(steps)}", len(ids))
    return steps, ids


def _plastic_columns(model: BrainModel) -> dict[str, dict[str, Any]]:
    """Every column of the synapses under rules, as it is now."""
    plastic = [table for table in model._store.tables if table.learning.rule is not None]
    return {table.name: {name: a.copy() for name, a in table.weights.values().items()} for table in plastic}


def _check_kept(sim: Simulation, now: Mapping[str, Mapping[str, Any]]) -> None:
    """Synapses that an engine keeps are saved twice: as they are now, and as of their last update. The first must
    follow from the second."""
    for name, keeper in sim._session.bound().keepers.items():
        for column, values in keeper.read().items():
            if not same_content(values, now[name][column]):
                where = join("state.model.state.projections", name, "columns", column)
                raise ConfigError([f"{where}: must be what follows from simulation.engine; got another"])
