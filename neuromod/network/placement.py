"""Neurons put on lattice sites: which sites, which model and parameters, which type."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_names, checked_number
from neuromod.errors import ConfigError, say
from neuromod.network.areas import Area, Areas
from neuromod.network.columns import MODELS, NEURON_TYPES
from neuromod.network.members import Region, is_population, label_of, names_of
from neuromod.problems import did_you_mean, shown
from neuromod.units import say_unit_doubts, unit_doubts

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
        if model is not None and not isinstance(model, str):
            raise TypeError(f"model: must be the name of a neuron model; got {shown(model)}")
        kind = checked_type(neuron_type)
        area = self.areas.at(position)
        name, values = self._values(area, model, params, "params")
        kind = kind or (area and area.neuron_type) or "excitatory"
        self._check_free(position)
        values |= dict(zip("xyzw", position, strict=True))
        values |= {"neuron_type": NEURON_TYPES.index(kind), **fields}
        return int(self.columns.append(1, name, values)[0])

    def fill(
        self,
        area_names: Sequence[Region] | None,
        density: float,
        seed: int,
        model: str | None,
        params: Mapping[str, float | str] | None,
        neuron_type: str | None,
        dt: float,
    ) -> Ints:
        """Put neurons on free sites of areas; their ids. `Simulation.initialize_neurons` says how.

        All is checked, drawn and allocated before a neuron is added.
        """
        names = self._checked_names(area_names)
        density = checked_number(density, "density", 0.0, 1.0)
        _check_model(model)
        kind = checked_type(neuron_type)
        with self.columns.gate.change("initialize_neurons"):
            plans, first = [], self.columns.next_id
            for name in names:
                area = self.areas.find(name, "area_names")
                sites = self._free_sites(area, density, seed)
                own, values = self._values(area, model, params, "params")
                check_step(own, values, dt, f" (area {name!r})")
                plans.append((len(sites), own, {**values, **self._places(area, sites, first, kind, seed)}))
                first += len(sites)
            return self.columns.append_all(plans)

    def _checked_names(self, area_names: Sequence[Region] | None) -> tuple[str, ...]:
        if area_names is None:
            return self.areas.names[: len(self.areas.lattice)]
        if is_population(area_names):
            area_names = [label_of(area_names)]
        names = checked_names(names_of(area_names), "area_names")
        for name in names:
            self.areas.find(name, "area_names")
            if self.areas.index(name) >= len(self.areas.lattice):
                raise ValueError(
                    f"area_names: must be areas of the lattice; {name!r} has no sites, create made it"
                )
        repeated = [name for k, name in enumerate(names) if name in names[:k]]
        if repeated:
            raise ValueError(f"area_names: must name each area once; got {repeated[0]!r} twice")
        return names

    def _check_free(self, position: Sequence[int]) -> None:
        if not self.config.lattice_shape:
            raise ValueError(
                f"position: must be a site of a lattice, and there is none; got {tuple(position)}"
            )
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
        if params is not None and not isinstance(params, Mapping):
            raise TypeError(f"{where}: must be a mapping of names to numbers; got {shown(params)}")
        section = self.config.neuron_model
        name = model or (area and area.model) or section.type
        base = dict(section.params_default) if name == section.type else {}
        if area is not None and (area.model or section.type) == name:
            base |= area.params
        try:
            complete = self.complete(name, base | dict(params if params is not None else {}), where)
        except ConfigError as error:
            doubts = unit_doubts(MODELS[name]["params"], params, where) if name in MODELS else []
            raise ConfigError([*error.problems, *doubts]) from None
        say_unit_doubts(MODELS[name]["params"], params, where)
        values: dict[str, Any] = dict(complete)
        drive = (area and area.drive) or (None if MODELS[name]["is_source"] else self.config.drive)
        if drive is not None:  # a source has no input
            values |= drive_columns(drive)
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

    def _places(self, area: Area, sites: Ints, first: int, kind: str | None, seed: int) -> dict[str, Any]:
        """Positions and types of neurons of the ids from `first` on; types are drawn where none is given."""
        n = len(sites)
        chosen = kind or area.neuron_type
        if chosen is not None:
            types = np.full(n, NEURON_TYPES.index(chosen), np.int8)
        else:
            words = _core.random_words(seed, "place", first, 0, n, salt=1) if n else np.empty(0, np.uint32)
            types = (words < self.config.neuron_model.inhibitory_fraction * 2.0**32).astype(np.int8)
        return {**dict(zip("xyzw", sites.T, strict=True)), "neuron_type": types}


def drive_columns(drive: Any) -> dict[str, float]:
    """The columns of a section ``background_drive``."""
    if drive.rate > 0.0 and drive.weight == 0.0:
        say(f"drive.weight: is 0, so events at {drive.rate:g} Hz change nothing; give a weight, mV")
    if drive.weight != 0.0 and "rate" not in drive.model_fields_set:
        say(
            f"drive.rate: is 0 Hz unless given, so a weight of {drive.weight:g} mV changes nothing; give a rate, Hz"
        )
    return {
        "drive_rate": drive.rate,
        "drive_weight": drive.weight,
        "drive_noise": drive.noise,
        "drive_uniform": drive.noise_uniform,
        "drive_noise_per_step": drive.noise_per_step,
        "drive_uniform_per_step": drive.noise_uniform_per_step,
    }


def _check_model(model: str | None) -> None:
    if model is not None and (not isinstance(model, str) or model not in MODELS):
        hint = did_you_mean(model, MODELS)
        raise ValueError(f"model: must be one of {', '.join(MODELS)}; got {shown(model)}{hint}")


def check_step(model: str, values: Mapping[str, Any], dt: float, where: str = "") -> None:
    """Refuse what steps of dt (ms) cannot serve: a rate above one spike a step, a model whose cost grows with dt."""
    about = MODELS[model]
    if about["longest_step"] and dt > about["longest_step"]:
        raise ValueError(
            f"dt: must be at most {about['longest_step']:g} ms for {model} neurons; got {dt:g}{where}"
        )
    name = about["bounded_rate"]
    if name is not None and values[name] * (dt / 1000.0) > 1.0 + 1e-12:
        raise ValueError(
            f"params.{name}: must be at most 1000 / dt = {1000.0 / dt:g} Hz at dt {dt:g} ms; "
            f"got {values[name]}{where}; "
            "a train of any rate to each neuron of a population is its drive, {'rate': Hz, 'weight': mV}"
        )


def checked_type(neuron_type: str | None) -> str | None:
    """The type as given, "excitatory", "inhibitory" or None; ValueError for anything else."""
    if neuron_type is not None and not (isinstance(neuron_type, str) and neuron_type in NEURON_TYPES):
        raise ValueError(f"neuron_type: must be 'excitatory' or 'inhibitory'; got {shown(neuron_type)}")
    return neuron_type
