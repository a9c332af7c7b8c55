"""The x-y sheet that an image is laid on: of an area of the lattice, or of a population on a grid."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import checked_count
from neuromod.errors import printable
from neuromod.network.grids import grid_of
from neuromod.network.members import label_of, slots_of_group

__all__ = ["Sheet", "sheet_of"]

Ints = NDArray[np.int64]


class Sheet(NamedTuple):
    """Neurons on a sheet."""

    name: str
    ids: Ints
    at: Ints
    """Site of each neuron along x and along y, shape (n, 2)."""
    size: tuple[int, int]
    """Number of sites along x and along y."""


def sheet_of(sim: Any, group: Any, z_layer: Any) -> Sheet:
    """The sheet of an area or population, given or named, and where its neurons stand on it.

    A part of a population is on the sheet of the whole. ValueError or TypeError, in the words of `area`, if the neurons
    are of several populations, or of one that is on no grid of two or three axes.
    """
    areas = sim.model._store.areas
    slots = slots_of_group(areas, group, "area")
    numbers = np.unique(areas.columns.column("area")[slots]).tolist()
    name = label_of(group)
    if len(numbers) > 1 or -1 in numbers:
        raise ValueError(f"area: must be neurons of one area or population; got {printable(name)}")
    if numbers and numbers[0] < len(areas.lattice):
        sites, size = _on_lattice(areas, numbers[0], slots)
    elif numbers:
        sites, size = _on_grid(areas, areas.created[numbers[0] - len(areas.lattice)], slots)
    else:
        raise ValueError(f"area: must have neurons on its sheet; {printable(name)} has none")
    if z_layer is not None:
        layer = checked_count(z_layer, "z_layer", 0, size[2] - 1)
        chosen = sites[:, 2] == layer
        slots, sites = slots[chosen], sites[chosen]
    if not len(slots):
        raise ValueError(f"area: must have neurons on its sheet; {printable(name)} has none")
    return Sheet(name, areas.columns.column("id")[slots].copy(), sites[:, :2], size[:2])


def _on_lattice(areas: Any, number: int, slots: Any) -> tuple[Ints, Any]:
    """Sites along x, y and z, counted from the area's lowest, and its size."""
    ranges = areas.all[number].coord_ranges
    sites = [areas.columns.column(axis)[slots] - ranges[axis][0] for axis in "xyz"]
    size = tuple(ranges[axis][1] - ranges[axis][0] + 1 for axis in "xyz")
    return np.stack(sites, axis=1).astype(np.int64), size


def _on_grid(areas: Any, created: Any, slots: Any) -> tuple[Ints, Any]:
    """The same of a population that `create` made."""
    where = created.positions
    grid = grid_of(where) if where is not None and len(where) and where.shape[1] in (2, 3) else None
    if grid is None:
        raise ValueError(
            "area: must be neurons on a grid of two or three axes, as create(..., positions='grid') makes them; "
            f"{created.name} is on none"
        )
    sites = grid.sites(where)[np.searchsorted(created.ids, areas.columns.column("id")[slots])]
    if len(grid.size) == 3:
        return sites, grid.size
    return np.column_stack([sites, np.zeros(len(sites), np.int64)]), (*grid.size, 1)
