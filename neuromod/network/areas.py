"""Areas of the lattice: their names, the neurons in them, and the zones that modulators act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.errors import printable
from neuromod.network.columns import MODELS, NeuronColumns
from neuromod.network.layout import Group, Zone
from neuromod.problems import nearest, shown

__all__ = ["Area", "Areas"]

Int32s = NDArray[np.int32]
Ints = NDArray[np.int64]
Area = Any
"""A checked entry of the configuration's ``areas``, or a `Created`."""


class Created(NamedTuple):
    """A population that `create` made: an area without sites of the lattice."""

    name: str
    region: str | None
    receptors: Mapping[str, float]
    ids: Ints  # as it was made, ascending
    positions: NDArray[np.float64] | None  # (n, d), in the order of `ids`


class Areas:
    """The areas of one configuration, over the columns of the neurons that lie in them."""

    created: tuple[Created, ...]
    all: tuple[Area, ...]
    names: tuple[str, ...]
    regions: tuple[str, ...]

    def __init__(self, areas: Sequence[Area], columns: NeuronColumns) -> None:
        self.columns = columns
        columns.place = self._place
        self.lattice: tuple[Area, ...] = tuple(areas)
        self._slots: dict[
            str, tuple[tuple[int, int], Int32s]
        ] = {}  # by area: of that epoch and number of neurons
        self._set(())

    def _set(self, created: tuple[Created, ...]) -> None:
        self.created, self.all, self.names = (), (), ()
        self.columns.receptors = [MappingProxyType({})]  # of neurons outside all areas, last
        self._append(self.lattice)
        self.add(*created)

    def _append(self, new: Sequence[Area]) -> None:
        """Areas behind those that there are; without any, neurons are in the region "global"."""
        known = self.regions if self.all else ()
        found = dict.fromkeys((*known, *(area.region or "global" for area in new)))
        self.all, self.names = (*self.all, *new), (*self.names, *(area.name for area in new))
        self.columns.regions = self.regions = tuple(found) or ("global",)
        receptors, own = self.columns.receptors, [MappingProxyType(_unusual(area)) for area in new]
        self.columns.receptors = [*receptors[:-1], *own, receptors[-1]]

    @property
    def own_regions(self) -> tuple[str, ...]:
        """Regions of the areas; none where there are no areas."""
        return tuple(dict.fromkeys(area.region or "global" for area in self.all))

    def add(self, *created: Created) -> None:
        """Append populations, whose neurons are there or about to be."""
        self.created += created
        self._append(created)

    def replace_members(self, gone: Ints, mothers: Ints, children: Ints) -> None:
        """Neurons have died; `children[k]`, ascending above all ids, has taken the place of `mothers[k]`."""
        made = [_with_children(each, gone, mothers, children) for each in self.created]
        if made:
            self._set(tuple(made))

    def find(self, name: str, where: str = "area") -> Area:
        """The area of that name; ValueError that names the nearest known one, TypeError for anything but text."""
        if not isinstance(name, str):
            raise TypeError(f"{where}: must be the name of an area; got {shown(name)}")
        if name not in self.names:
            near = nearest(name, self.names)
            hint = (
                f"; did you mean {near!r}?"
                if near
                else f"; there are {printable(', '.join(self.names)) or 'none'}"
            )
            what = "an area or population" if self.created else "an area"
            raise ValueError(f"{where}: must be the name of {what}; got {name!r}{hint}")
        return self.all[self.names.index(name)]

    def index(self, name: str) -> int:
        """The number that stands for the area in the neurons' column ``area``."""
        return self.names.index(name)

    def slots(self, name: str, where: str = "area") -> Int32s:
        """Slots of an area's neurons, ascending. Read-only."""
        self.find(name, where)
        now = self.columns.epoch, self.columns.n
        known = self._slots.get(name)
        if known is None or known[0] != now:
            found = np.flatnonzero(self.columns.column("area") == self.index(name)).astype(np.int32)
            found.flags.writeable = False
            known = self._slots[name] = now, found
        return known[1]

    def ids(self, name: str) -> Ints:
        """Ids of an area's neurons, ascending."""
        return self.columns.column("id")[self.slots(name)]

    def at(self, position: Sequence[int]) -> Area | None:
        """The area that a lattice site lies in."""
        for area in self.lattice:
            ranges = (area.coord_ranges[axis] for axis in "xyzw")
            if all(low <= at <= high for (low, high), at in zip(ranges, position, strict=True)):
                return area
        return None

    def positions(self, slots: Ints | Int32s) -> NDArray[np.float64] | None:
        """Positions of neurons, shape (n, d): those on the lattice have x, y, z and w. None where some neuron has
        none, or where neurons have positions of different d."""
        area, ids = self.columns.column("area")[slots], self.columns.column("id")[slots]
        found: NDArray[np.float64] | None = None
        for number in np.unique(area).tolist():
            mine = area == number
            values = self._positions(number, slots[mine], ids[mine])
            if values is None or (found is not None and found.shape[1] != values.shape[1]):
                return None
            found = np.empty((len(ids), values.shape[1])) if found is None else found
            found[mine] = values
        return found

    def _positions(self, number: int, slots: Ints | Int32s, ids: Ints) -> NDArray[np.float64] | None:
        """Positions of neurons of one area, by its number; -1: outside all areas."""
        first = len(self.lattice)
        if number < first:
            return np.stack([self.columns.column(axis)[slots] for axis in "xyzw"], axis=1).astype(np.float64)
        made = self.created[number - first]
        if made.positions is None or not np.isin(ids, made.ids).all():
            return None
        return made.positions[np.searchsorted(made.ids, ids)]

    def _place(self, slot: int) -> tuple[float, ...] | None:
        """Position that `create` gave the neuron in a slot; None where it has none."""
        if self.columns.buffers["area"][slot] < len(self.lattice):
            return None
        found = self.positions(np.array([slot]))
        return None if found is None else tuple(found[0].tolist())

    def zones(self) -> tuple[Int32s, list[Zone]]:
        """The zone of each neuron, and the zones."""
        kinds: dict[tuple[str, tuple[tuple[str, float], ...]], int] = {}
        regions = [area.region or "global" for area in self.all] + [self.regions[0]]
        of_area = [
            kinds.setdefault((region, tuple(sorted(receptors.items()))), len(kinds))
            for region, receptors in zip(regions, self.columns.receptors, strict=True)
        ]
        zones = [(region, dict(densities)) for region, densities in kinds]
        return np.array(of_area, np.int32)[self.columns.column("area")], zones

    def groups(self, zone: Int32s) -> list[Group]:
        """Runs of neurons of one model in one zone, in slot order."""
        model = self.columns.column("model")
        if not len(model):
            return []
        cuts = np.flatnonzero((np.diff(model) != 0) | (np.diff(zone) != 0)) + 1
        firsts, lasts = [0, *cuts.tolist()], [*cuts.tolist(), len(model)]
        names = list(MODELS)
        return [(names[model[a]], a, b - a, int(zone[a])) for a, b in zip(firsts, lasts, strict=True)]


def _unusual(area: Area) -> Mapping[str, float]:
    return {name: density for name, density in area.receptors.items() if density != 1.0}


def _with_children(made: Created, gone: Ints, mothers: Ints, children: Ints) -> Created:
    """A population after deaths and births; a child has its mother's position."""
    kept, born = ~np.isin(made.ids, gone), np.isin(mothers, made.ids)
    ids = np.concatenate([made.ids[kept], children[born]])
    if made.positions is None:
        return made._replace(ids=ids)
    inherited = made.positions[np.searchsorted(made.ids, mothers[born])]
    positions = np.concatenate([made.positions[kept], inherited])
    positions.flags.writeable = False
    return made._replace(ids=ids, positions=positions)
