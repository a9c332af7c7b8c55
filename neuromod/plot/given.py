"""What the figures take. Another object is refused before a figure is made, and the figure that draws it is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.arguments import checked_number
from neuromod.network.members import is_population
from neuromod.problems import shown
from neuromod.tables import unit_of

__all__ = [
    "Areas",
    "above_zero",
    "masks",
    "named_areas",
    "numbers",
    "offers",
    "order_along",
    "refused",
    "spikes_of",
    "time_and_values",
    "unit_of_values",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Areas = Any
"""A Population, the name of one, a sequence of these, or a mapping of names to ids."""

_DRAWN_BY = {
    "RateMonitor": "plot.rates draws",
    "SpikeMonitor": "plot.raster and plot.rates draw",
    "StateMonitor": "plot.courses draws",
    "SynapseMonitor": "plot.courses draws",
    "LevelMonitor": "plot.levels draws",
    "LevelLog": "plot.levels draws",
    "Projection": "plot.weights and plot.matrix draw",
    "Population": "plot.sheet draws",
    "Results": "plot.summary draws",
    "History": "plot.learning_curve draws",
}
_SPIKES = {"Simulation": "SpikeMonitor(sim)", "Population": "SpikeMonitor(sim, population)"}
_SPIKES |= {"Neuron": "SpikeMonitor(sim, neuron)", "NeuronCollection": "SpikeMonitor(sim)"}
_LEVELS = dict.fromkeys(
    ("Simulation", "NeuromodulationSystem", "Modulator", "ModulatorState"), "LevelMonitor(sim)"
)
_COURSES = {
    "Simulation": 'StateMonitor(sim, "v_membrane")',
    "Population": 'StateMonitor(sim, "v_membrane", population)',
    "Neuron": 'StateMonitor(sim, "v_membrane", neuron)',
    "Projection": "SynapseMonitor(sim, projection)",
}
_RECORDED_BY: dict[str, dict[str, str]] = {
    "raster": _SPIKES,
    "rates": _SPIKES,
    "levels": _LEVELS,
    "courses": _COURSES,
}
_OTHERS = {
    *(
        "Simulation",
        "BrainModel",
        "Neuron",
        "NeuronCollection",
        "SynapseCollection",
        "RunResult",
        "RecordLog",
    ),
    *("NeuromodulationSystem", "Modulator", "ModulatorState", "Agent", "VectorAgent"),
}


def refused(function: str, where: str, rule: str, given: Any) -> TypeError:
    """The error of an object that a figure does not take."""
    kind = _kind(given)
    if kind is None:
        return TypeError(f"{where}: must be {rule}; got {shown(given)}")
    got = f"a {type(given).__name__}"
    if kind in _DRAWN_BY:
        got += f", which {_DRAWN_BY[kind]}"
    recorder = _RECORDED_BY.get(function, {}).get(kind)
    if recorder is not None:
        got += f"; to record it, make {recorder} before the run"
    return TypeError(f"{where}: must be {rule}; got {got}")


def _kind(given: Any) -> str | None:
    """The nearest class of this package that the messages name."""
    for each in type(given).__mro__:
        if each.__module__.startswith("neuromod.") and (
            each.__name__ in _DRAWN_BY or each.__name__ in _OTHERS
        ):
            return each.__name__
    return None


def offers(given: Any, *names: str) -> bool:
    """Whether an object has attributes of these names; none of them is read."""
    return set(names) <= set(dir(given))


def _is_tuple(given: Any, n: int) -> bool:
    return isinstance(given, tuple | list) and len(given) == n


def above_zero(where: str, value: Any) -> float:
    """A length of time > 0 ms."""
    try:
        number = checked_number(value, where)
    except (TypeError, ValueError):
        number = 0.0
    if not number > 0.0:
        raise ValueError(f"{where}: must be > 0 ms; got {shown(value)}")
    return number


def numbers(function: str, where: str, rule: str, given: Any) -> Floats:
    """An array of floats; TypeError of anything that is none, also of objects that stand for ids."""
    if given is None or isinstance(given, str) or _kind(given) is not None:
        raise refused(function, where, rule, given)
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise refused(function, where, rule, given) from None


def spikes_of(function: str, spikes: Any, rule: str) -> tuple[Floats, NDArray[Any]]:
    """Times and ids of the spikes of a monitor or a pair."""
    if _is_tuple(spikes, 2):
        given = spikes
    elif offers(spikes, "time", "id"):
        given = (spikes.time, spikes.id)
    else:
        raise refused(function, "spikes", rule, spikes)
    time = numbers(function, "spikes", "times in ms and neuron ids", given[0])
    ids = numbers(function, "spikes", "times in ms and neuron ids", given[1])
    if time.shape != ids.shape or time.ndim != 1:
        raise ValueError(f"spikes: must be as many times as ids; got shapes {time.shape} and {ids.shape}")
    return time, np.asarray(given[1])


def time_and_values(function: str, recorded: Any, rule: str, named: bool) -> tuple[Any, ...]:
    """Times and values of a monitor or a tuple, with the names of columns where `named`."""
    if _is_tuple(recorded, 3 if named else 2):
        given = tuple(recorded)
    elif offers(recorded, "time", "values") and offers(recorded, "names") == named:
        given = (recorded.time, recorded.values, *((recorded.names,) if named else ()))
    else:
        raise refused(function, "recorded", rule, recorded)
    arrays = (numbers(function, "recorded", rule, each) for each in given[:2])
    return (*arrays, *given[2:])


def masks(groups: Any, n: int, what: str) -> dict[str, NDArray[np.bool_]] | None:
    """Groups of synapses or neurons by name: whether each belongs to the group."""
    if groups is None:
        return None
    rule = f"groups: must be a mapping of names to {n} truth values, one for each {what}"
    if not isinstance(groups, Mapping):
        raise TypeError(f"{rule}; got {shown(groups)}")
    found = {}
    for name, given in groups.items():
        mask = np.asarray(given)
        if mask.dtype != bool or mask.shape != (n,):
            raise ValueError(f"{rule}; got {name!r} of {mask.dtype}, shape {mask.shape}")
        found[str(name)] = mask
    return found


# ---- neurons by name ---------------------------------------------------------------------------------------


def named_areas(areas: Areas, spikes: Any = None) -> dict[str, Ints]:
    """Neuron ids, ascending, by the name of an area or a population.

    `spikes`: what was recorded; populations must be of the network of a monitor.
    """
    rule = "areas: must be a Population, its name, a sequence of these, or a mapping of names to neuron ids"
    if isinstance(areas, str) or is_population(areas):
        areas = [areas]
    if isinstance(areas, Mapping):
        items = [(str(name), each) for name, each in areas.items()]
    elif isinstance(areas, Sequence) and all(isinstance(each, str) or is_population(each) for each in areas):
        items = [(each if isinstance(each, str) else each.name, each) for each in areas]
    else:
        got = next((_kind(each) for each in areas if _kind(each)), None) if _is_row(areas) else _kind(areas)
        raise TypeError(f"{rule}; got {shown(areas) if got is None else f'a {got}'}")
    network = _network_of(spikes, (each for _, each in items))
    return {name: np.sort(_ids(each, network, rule)) for name, each in items}


def _is_row(given: Any) -> bool:
    return isinstance(given, Iterable) and isinstance(given, Sequence)


def _network_of(spikes: Any, given: Iterable[Any]) -> Any:
    """The areas of the monitor's network; else of the first population's."""
    store = getattr(getattr(getattr(spikes, "_sim", None), "model", None), "_store", None)
    first = (each._areas for each in given if is_population(each))
    return next(first, None) if store is None else store.areas


def _ids(given: Any, network: Any, rule: str) -> Ints:
    if is_population(given):
        given._check_in(network, "areas")
        return np.asarray(given.ids, dtype=np.int64)
    if isinstance(given, str):
        if network is None:
            raise ValueError(
                f"areas: must be populations or ids where spikes are a pair of arrays; got {given!r}"
            )
        return network.columns.column("id")[network.slots(given, "areas")].astype(np.int64)  # type: ignore[no-any-return]
    ids = np.asarray(given)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise TypeError(f"{rule}; got {shown(given)}")
    return ids.astype(np.int64)


def order_along(where: str, given: Any, network: Any) -> Ints | None:
    """Ids of the neurons along a side of a matrix; a population must be of the network."""
    if given is None:
        return None
    if is_population(given):
        given._check_in(network, where)
        return np.asarray(given.ids, dtype=np.int64)
    ids = np.asarray(given)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise TypeError(f"{where}: must be a Population, or a row of neuron ids; got {shown(given)}")
    return ids.astype(np.int64)


# ---- units -------------------------------------------------------------------------------------------------


def unit_of_values(recorded: Any) -> str:
    """The unit of what a monitor records; empty where it is none or not known."""
    variable = getattr(recorded, "variable", None)
    if variable is None:
        return ""
    if not offers(recorded, "pre_id"):
        unit = unit_of(variable)
        return "" if unit == "1" else unit
    if variable not in ("weight", "eligibility"):
        return ""
    known = recorded._sim._session.store.projections
    there = known.get(recorded._projection)
    return "mV" if there is None else str(there.weight_unit)


def columns_named(values: ArrayLike, names: Sequence[str]) -> None:
    """Refuse names that are not one for each column."""
    n = np.shape(values)[-1]
    if len(names) != n:
        raise ValueError(f"recorded: must have a name for each of {n} columns; got {shown(list(names))}")
