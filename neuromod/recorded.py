"""Monitors in files: what is saved of one, and the way back, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import neuromod
from neuromod import _core
from neuromod.errors import ConfigError
from neuromod.recorders import Monitor
from neuromod.state import SavedPart

__all__ = ["monitor_of", "state_of_monitor"]

Simulation = Any

_KINDS = ("SpikeMonitor", "RateMonitor", "StateMonitor", "LevelMonitor", "SynapseMonitor")
_LAST = 2**61


def state_of_monitor(monitor: Monitor[Any]) -> dict[str, Any]:
    """What is saved of a monitor: its kind, what it was made with, its records, and whether it still records."""
    if type(monitor).__name__ not in _KINDS:
        known = ", ".join(_KINDS)
        raise TypeError(f"save: holds monitors of the classes {known}; got {type(monitor).__name__}")
    own = {name.lstrip("_"): value for name, value in monitor._own().items()}
    return {
        "kind": type(monitor).__name__,
        "own": own,
        "recorder": monitor._recorder.saved(),
        "is_on": monitor._is_on(),
    }


def monitor_of(part: SavedPart, sim: Simulation) -> Monitor[Any]:
    """The monitor that was saved, of this simulation.

    It is made as a user makes one, with the same checks; then it takes over the records.
    """
    part.only("kind", "own", "recorder", "is_on")
    part.has("own", "recorder", "is_on")
    kind = part.choice("kind", _KINDS)
    if not isinstance(part.value.get("is_on"), bool):
        part.wrong("is_on", "must be true or false", part.value.get("is_on"))
    own = part.part("own")
    part.finish()
    assert kind is not None
    try:
        monitor: Monitor[Any] = _MAKERS[kind](own, sim)
    except ConfigError:
        raise
    except (ValueError, TypeError, IndexError, LookupError) as error:
        raise ConfigError([f"{own.where}.{error}"]) from None
    monitor.stop()
    try:
        monitor._take_over(part.value["recorder"], part.value["is_on"], {})
    except ConfigError as error:
        raise ConfigError([f"{part.where}.{line}" for line in error.problems]) from None
    return monitor


def _spikes(own: SavedPart, sim: Simulation) -> Monitor[Any]:
    own.only("first")
    first = own.whole("first", 0, _LAST)
    own.finish()
    monitor = neuromod.SpikeMonitor(sim)
    monitor._first = first or 0
    return monitor


def _rates(own: SavedPart, sim: Simulation) -> Monitor[Any]:
    own.only("first", "bin", "began")
    first, width, began = (
        own.whole("first", 0, _LAST),
        own.whole("bin", 1, _LAST),
        own.whole("began", 0, _LAST),
    )
    own.finish()
    monitor = neuromod.RateMonitor(sim)
    monitor._first, monitor._bin, monitor._began = first or 0, width or 1, began or 0
    return monitor


def _states(own: SavedPart, sim: Simulation) -> Monitor[Any]:
    own.only("variable", "ids", "period")
    own.has("variable")
    ids, period = own.array("ids", "i8", (None,), 0), own.whole("period", 1, _LAST)
    variable = own.value.get("variable")
    if not isinstance(variable, str):
        own.wrong("variable", "must be the name of a column", variable)
    own.finish()
    assert ids is not None and isinstance(variable, str)
    # a neuron that was removed meanwhile is no neuron to begin with, but goes on as NaN
    monitor = neuromod.StateMonitor(sim, variable, np.empty(0, np.int64), every=period)
    ids.flags.writeable = False
    monitor._ids = ids
    return monitor


def _levels(own: SavedPart, sim: Simulation) -> Monitor[Any]:
    own.only("period", "shape", "names", "regions")
    period = own.whole("period", 1, _LAST)
    own.finish()
    monitor = neuromod.LevelMonitor(sim, period)
    known: Mapping[str, Any] = {
        "names": list(monitor._names),
        "regions": list(monitor._regions),
        "shape": list(monitor._shape),
    }
    for name, value in known.items():
        if own.value.get(name) != value:
            own.wrong(name, "must be that of the modulators", own.value.get(name))
    own.finish()
    return monitor


def _synapses(own: SavedPart, sim: Simulation) -> Monitor[Any]:
    own.only("period", "variable", "projection", "ends", "tracked")
    own.has("projection", "variable")
    period, positions = own.whole("period", 1, _LAST), own.array("tracked", "i8", (None,), -1)
    ends = own.value.get("ends")
    if not isinstance(ends, list) or len(ends) != 2:
        own.wrong("ends", "must be the ids of sources and targets", ends)
    own.finish()
    assert positions is not None and ends is not None
    pair = SavedPart({"pre": ends[0], "post": ends[1]}, own.at("ends"), own.problems)
    pre, post = (pair.array(name, "i8", positions.shape, 0) for name in ("pre", "post"))
    name, variable = own.value["projection"], own.value["variable"]
    if not isinstance(name, str) or not isinstance(variable, str):
        own.wrong("projection", "must be the name of a projection, and of a variable", (name, variable))
    own.finish()
    for values in (pre, post):
        assert values is not None
        values.flags.writeable = False
    monitor = neuromod.SynapseMonitor.__new__(neuromod.SynapseMonitor)
    there = positions[positions >= 0]
    if name in sim.projections:
        neuromod.SynapseMonitor.__init__(monitor, sim, name, variable, there, period)
    elif len(there):
        own.wrong("projection", "must be one of the network's", name)
        own.finish()
    else:  # all of its synapses are gone
        return _gone(sim, name, variable, positions, period or 1, (pre, post))
    monitor._tracked, monitor._ends = positions, (pre, post)  # type: ignore[assignment]
    return monitor


def _gone(
    sim: Simulation, name: str, variable: str, positions: Any, period: int, ends: tuple[Any, Any]
) -> Monitor[Any]:
    """A monitor of a projection that was removed: it goes on with NaN."""
    monitor = neuromod.SynapseMonitor.__new__(neuromod.SynapseMonitor)
    monitor._sim, monitor._variable, monitor._projection = sim, variable, name
    monitor._period, monitor._ends = period, ends
    Monitor.__init__(monitor, sim, _core.Probe(lambda: np.empty(0, np.float32), period, 0))
    monitor._tracked = positions
    return monitor


_MAKERS = {
    "SpikeMonitor": _spikes,
    "RateMonitor": _rates,
    "StateMonitor": _states,
    "LevelMonitor": _levels,
    "SynapseMonitor": _synapses,
}
