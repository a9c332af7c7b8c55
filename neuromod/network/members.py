"""Names, populations and ids to the slots of neurons: the one place where groups of neurons are resolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_array
from neuromod.errors import printable
from neuromod.network.columns import distinct
from neuromod.problems import shown

__all__ = [
    "HasNeurons",
    "Region",
    "ids_as_given",
    "ids_of",
    "is_group",
    "is_population",
    "label_of",
    "names_of",
    "region_of",
    "slot_of",
    "slots_as_given",
    "slots_of_group",
]

Areas = Any
"""A `neuromod.network.areas.Areas`; this module does not import it, nor `neuromod.network.population`."""
Ints = NDArray[np.int64]


class HasNeurons(Protocol):
    """What a `Population` offers here."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def ids(self) -> Ints:
        """Ids of its neurons."""
        ...


Region = str | HasNeurons
"""A region by its name, or the one in which the neurons of a population lie."""


def is_population(group: Any) -> bool:
    """Whether it is a `Population`, of whatever network."""
    return hasattr(type(group), "_slots_in")


def slots_as_given(areas: Areas, group: Any, where: str) -> Ints:
    """Slots in the order in which neurons were given.

    `group`: the name of an area or population, a `Population`, ids, views of neurons, or a sequence of names and
    populations.
    TypeError or ValueError, in the words of `where`, if it is none of these or names what is not there.
    """
    if isinstance(group, str):
        return areas.slots(group, where).astype(np.int64)  # type: ignore[no-any-return]
    if is_population(group):
        return group._slots_in(areas, where)  # type: ignore[no-any-return]
    if (
        isinstance(group, Sequence)
        and len(group)
        and all(isinstance(g, str) or is_population(g) for g in group)
    ):
        return np.concatenate([slots_as_given(areas, each, where) for each in group])
    if isinstance(group, _core.Neuron):
        return np.array([slot_of(areas, group, where)])
    if isinstance(group, Sequence) and len(group) and all(isinstance(each, _core.Neuron) for each in group):
        return np.array([slot_of(areas, each, where) for each in group])
    try:
        ids = np.atleast_1d(checked_array(group, where, "iu"))
    except (TypeError, ValueError):
        raise TypeError(
            f"{where}: must be neuron ids, area names or populations; got {shown(group)}"
        ) from None
    if ids.ndim != 1:
        raise ValueError(
            f"{where}: must be a row of neuron ids, area names or populations; got shape {ids.shape}"
        )
    return areas.columns.known_slots(ids, where)  # type: ignore[no-any-return]


def is_group(group: Any) -> bool:
    """Whether neurons are given by names, populations or views of neurons, and not as ids."""
    kinds = (str, _core.Neuron)
    if isinstance(group, kinds) or is_population(group):
        return True
    return (
        isinstance(group, Sequence)
        and len(group) > 0
        and all(isinstance(each, kinds) or is_population(each) for each in group)
    )


def slots_of_group(areas: Areas, group: Any, where: str) -> NDArray[np.int32]:
    """The slots of `slots_as_given`, ascending without repeats."""
    return distinct(slots_as_given(areas, group, where))


def ids_of(areas: Areas, group: Any, where: str) -> Ints:
    """Ids of the neurons, in the order in which they were given; see `slots_as_given`."""
    return areas.columns.column("id")[slots_as_given(areas, group, where)]  # type: ignore[no-any-return]


def ids_as_given(areas: Areas, group: Any, where: str) -> Ints:
    """Ids as of `ids_of`, each neuron once; ValueError if one is given twice."""
    ids = ids_of(areas, group, where)
    if len(np.unique(ids)) != len(ids):
        raise ValueError(f"{where}: must name each neuron once; got one twice")
    return ids


def slot_of(areas: Areas, neuron: Any, where: str) -> int:
    """The slot of one neuron: an id, a view of it, or a population of one neuron."""
    if is_population(neuron):
        if len(neuron) != 1:
            raise ValueError(f"{where}: must be one neuron; got {neuron!r}")
        return int(slots_as_given(areas, neuron, where)[0])
    if not isinstance(neuron, _core.Neuron):
        return int(areas.columns.slot_of(neuron))
    number = int(neuron.id)
    slot = int(areas.columns.slot_of(number))
    if neuron != _core.Neuron._view(areas.columns, number, slot):
        raise ValueError(f"{where}: must be a neuron of this network; got one of another")
    return slot


def label_of(group: Any) -> str:
    """How the name of a projection calls one of its ends."""
    if is_population(group):
        return str(group.name)
    return group if isinstance(group, str) else "neurons"


def names_of(groups: Any) -> Any:
    """The same sequence with populations by their names; anything else as it came."""
    if isinstance(groups, list | tuple):
        return [label_of(each) if is_population(each) else each for each in groups]
    return groups


def region_of(region: Any, where: str) -> Any:
    """The name of the region in which a population lies; anything else as it came."""
    if not is_population(region):
        return region
    names = region._regions()
    if len(names) != 1:
        lies = f"{region.name} lies in {', '.join(names) or 'none'}"
        raise ValueError(f"{where}: must be a population of one region; {printable(lies)}")
    return names[0]
