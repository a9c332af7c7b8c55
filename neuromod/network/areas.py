"""Areas of the lattice: their names, the neurons in them, and the zones that modulators act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.network.columns import MODELS, NeuronColumns
from neuromod.network.layout import Group, Zone
from neuromod.problems import nearest, shown

__all__ = ["Area", "Areas"]

Int32s = NDArray[np.int32]
Ints = NDArray[np.int64]
Area = Any
"""A checked entry of the configuration's ``areas``."""


class Areas:
    """The areas of one configuration, over the columns of the neurons that lie in them."""

    def __init__(self, areas: Sequence[Area], columns: NeuronColumns) -> None:
        self.columns = columns
        self.all: tuple[Area, ...] = tuple(areas)
        self.names: tuple[str, ...] = tuple(area.name for area in areas)
        self.regions: tuple[str, ...] = tuple(dict.fromkeys(area.region or "global" for area in areas))
        columns.regions = self.regions
        columns.receptors = [MappingProxyType(each) for each in [*map(_unusual, areas), {}]]

    def find(self, name: str, where: str = "area") -> Area:
        """The area of that name; ValueError that names the nearest known one, TypeError for anything but text."""
        if not isinstance(name, str):
            raise TypeError(f"{where}: must be the name of an area; got {shown(name)}")
        if name not in self.names:
            near = nearest(name, self.names)
            hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(self.names)}"
            raise ValueError(f"{where}: must be the name of an area; got {name!r}{hint}")
        return self.all[self.names.index(name)]

    def index(self, name: str) -> int:
        """The number that stands for the area in the neurons' column ``area``."""
        return self.names.index(name)

    def slots(self, name: str, where: str = "area") -> Int32s:
        """Slots of an area's neurons, ascending."""
        self.find(name, where)
        return np.flatnonzero(self.columns.column("area") == self.index(name)).astype(np.int32)

    def ids(self, name: str) -> Ints:
        """Ids of an area's neurons, ascending."""
        return self.columns.column("id")[self.slots(name)]

    def at(self, position: Sequence[int]) -> Area | None:
        """The area that a lattice site lies in."""
        for area in self.all:
            ranges = (area.coord_ranges[axis] for axis in "xyzw")
            if all(low <= at <= high for (low, high), at in zip(ranges, position, strict=True)):
                return area
        return None

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
