"""Neurons put on lattice sites: which sites, which model and parameters, which type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.areas import Area, Areas
from neuromod.network.columns import MODELS, NEURON_TYPES

__all__ = ["Placement"]

Ints = NDArray[np.int64]


class Placement:
    """Adds neurons to the columns of one network."""

    def __init__(self, areas: Areas, config: Any, complete: Callable[..., dict[str, Any]]) -> None:
        """`config`: checked. `complete(model, params, where)`: all parameters of a model, checked."""
        self.areas, self.columns, self.config, self.complete = areas, areas.columns, config, complete

    def add(
        self,
        position: Sequence[int],
        model: str | None,
        params: Mapping[str, float | str] | None,
        neuron_type: str | None,
        fields: Mapping[str, Any],
    ) -> int:
        """Add one neuron on a free site; its id. `BrainModel.add_neuron` says what the arguments mean."""
        with self.columns.gate.change("add_neuron"):
            return self._add(position, model, params, neuron_type, fields)

    def _add(
        self,
        position: Sequence[int],
        model: str | None,
        params: Mapping[str, float | str] | None,
        neuron_type: str | None,
        fields: Mapping[str, Any],
    ) -> int:
        self._check_free(position)
        area = self.areas.at(position)
        name, values = self._values(area, model, params, "params")
        kind = checked_type(neuron_type) or (area and area.neuron_type) or "excitatory"
        values |= dict(zip("xyzw", position, strict=True))
        values |= {"neuron_type": NEURON_TYPES.index(kind), **fields}
        return int(self.columns.append(1, name, values)[0])

    def fill(
        self,
        area_names: Sequence[str] | None,
        density: float,
        seed: int,
        model: str | None,
        params: Mapping[str, float | str] | None,
        neuron_type: str | None,
    ) -> Ints:
        """Put neurons on free sites of areas; their ids. `Simulation.initialize_neurons` says how."""
        if isinstance(area_names, str):
            raise TypeError(f"area_names: must be a sequence of names; got the string {area_names!r}")
        if not (isinstance(density, int | float | np.floating) and 0.0 <= density <= 1.0):
            raise ValueError(f"density: must be between 0 and 1; got {density!r}")
        if model is not None and model not in MODELS:
            raise ValueError(f"model: must be one of {', '.join(MODELS)}; got {model!r}")
        names = self.areas.names if area_names is None else tuple(area_names)
        kind = checked_type(neuron_type)
        plans = []
        with self.columns.gate.change("initialize_neurons"), self.columns.all_or_nothing():
            for name in names:
                area = self.areas.find(name, "area_names")
                sites = self._free_sites(area, density, seed)
                plans.append((area, sites, *self._values(area, model, params, "params")))
            ids = [self._fill(area, sites, name, values, kind, seed) for area, sites, name, values in plans]
            return np.concatenate(ids) if ids else np.empty(0, np.int64)

    def _check_free(self, position: Sequence[int]) -> None:
        for axis, at, size in zip("xyzw", position, self.config.lattice_shape, strict=True):
            if not 0 <= at < size:
                raise ValueError(f"{axis}: must be between 0 and {size - 1}; got {at}")
        here = np.ones(self.columns.n, bool)
        for axis, at in zip("xyzw", position, strict=True):
            here &= self.columns.column(axis) == at
        if here.any():
            taken = self.columns.column("id")[here][0]
            raise ValueError(f"position: must be free; {tuple(position)} holds neuron {taken}")

    def _values(
        self, area: Area | None, model: str | None, params: Mapping[str, float | str] | None, where: str
    ) -> tuple[str, dict[str, Any]]:
        """Model and columns of new neurons of an area: the argument's, else the area's, else the configuration's."""
        section = self.config.neuron_model
        name = model or (area and area.model) or section.type
        base = dict(section.params_default) if name == section.type else {}
        if area is not None and (area.model or section.type) == name:
            base |= area.params
        complete = self.complete(name, base | dict(params or {}), where)
        drive = (area and area.drive) or self.config.drive
        values: dict[str, Any] = {
            **complete,
            "drive_rate": drive.rate,
            "drive_weight": drive.weight,
            "drive_noise": drive.noise,
            "drive_uniform": drive.noise_uniform,
        }
        if MODELS[name]["initial_v_from"] is not None:
            values["v_membrane"] = complete[MODELS[name]["initial_v_from"]]
        if area is not None:
            values["area"] = self.areas.index(area.name)
            values["region"] = self.areas.regions.index(area.region or "global")
        return name, values

    def _free_sites(self, area: Area, density: float, seed: int) -> Ints:
        """Positions, shape (n, 4), of the chosen free sites of an area: those with the smallest random words."""
        ranges = [area.coord_ranges[axis] for axis in "xyzw"]
        shape = [high - low + 1 for low, high in ranges]
        n_sites = math.prod(shape)
        salt = self.areas.index(area.name)
        words = np.asarray(_core.random_words(seed, "place", 0, salt, n_sites), np.int64)
        there = self.areas.slots(area.name)
        taken = np.stack([self.columns.column(axis)[there] for axis in "xyzw"])
        lows = np.array([low for low, _ in ranges])
        occupied = np.ravel_multi_index(tuple(taken - lows[:, None]), shape)
        words[occupied] = 1 << 32  # behind every free site
        chosen = min(round(density * n_sites), n_sites - len(occupied))
        sites = np.sort(np.argsort(words, kind="stable")[:chosen])
        at: Ints = np.stack(np.unravel_index(sites, shape), axis=1) + lows
        return at

    def _fill(
        self, area: Area, sites: Ints, model: str, values: dict[str, Any], kind: str | None, seed: int
    ) -> Ints:
        """Neurons on the chosen sites; the inhibitory ones are drawn by id where no type is given."""
        n, first = len(sites), self.columns.next_id
        chosen = kind or area.neuron_type
        if chosen is not None:
            types = np.full(n, NEURON_TYPES.index(chosen), np.int8)
        else:
            words = _core.random_words(seed, "place", first, 0, n, salt=1) if n else np.empty(0, np.uint32)
            types = (words < self.config.neuron_model.inhibitory_fraction * 2.0**32).astype(np.int8)
        position = dict(zip("xyzw", sites.T, strict=True))
        return self.columns.append(n, model, {**values, **position, "neuron_type": types})


def checked_type(neuron_type: str | None) -> str | None:
    """The type as given, "excitatory", "inhibitory" or None; ValueError for anything else."""
    if neuron_type is not None and neuron_type not in NEURON_TYPES:
        raise ValueError(f"neuron_type: must be 'excitatory' or 'inhibitory'; got {neuron_type!r}")
    return neuron_type
