"""The network at rest: neurons on a lattice, areas, synapses, and the configuration they come from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod._core import Neuron, Synapse
from neuromod.network.columns import MODELS, NeuronColumns
from neuromod.network.projection import Projection
from neuromod.network.projections import Projections
from neuromod.network.views import NeuronCollection, SynapseCollection
from neuromod.network.wiring import delays_of, type_of_sources
from neuromod.state import pack, unpack

__all__ = ["BrainModel", "Neuron", "Synapse"]

Ints = NDArray[np.int64]
_TYPES = ("excitatory", "inhibitory")


class BrainModel:
    """Neurons, synapses and areas of one brain.

    Parameters
    ----------
    config_path : str or Path, optional
        A JSON file; or the bare name of a configuration that the package ships, ``"brain_base_model.json"``.
    config : dict, optional
        The configuration itself. Exactly one of the two must be given.

    Attributes
    ----------
    config : dict
        The plain configuration as it was loaded, sections of other tools included.
    neurons : mapping of int to Neuron
        By id, in id order; columns as attributes, ``model.neurons.v_membrane``.
    synapses : sequence of Synapse
        Columns as attributes, ``model.synapses.weight``.

    Raises
    ------
    ConfigError
        With every problem of the configuration: where, rule, what came.

    Examples
    --------
    >>> from neuromod import BrainModel
    >>> model = BrainModel(config_path="brain_base_model.json")
    >>> model.config["lattice_shape"]
    [20, 20, 20, 20]
    """

    def __init__(
        self, config_path: str | Path | None = None, config: Mapping[str, Any] | None = None
    ) -> None:
        from neuromod.config.load import load

        if (config_path is None) == (config is None):
            raise TypeError("BrainModel: exactly one of config_path and config must be given")
        self.config, self._config = load(config_path if config is None else config)  # type: ignore[arg-type]
        self._areas = {area.name: area for area in self._config.areas}
        self.regions: tuple[str, ...] = tuple(dict.fromkeys(a.region or "global" for a in self._config.areas))
        self._columns = NeuronColumns()
        self._columns.regions = self.regions
        densities = [{name: d for name, d in a.receptors.items() if d != 1.0} for a in self._config.areas]
        self._columns.receptors = [MappingProxyType(each) for each in [*densities, {}]]
        self._synapses = Projections(self)
        self._changes = 0
        self.neurons = NeuronCollection(self._columns)
        self.synapses = SynapseCollection(self)

    @property
    def version(self) -> int:
        """Grows with every structural change; additions that wait are merged first."""
        if self._synapses.waiting:
            self._synapses.merged()
        return self._changes

    @version.setter
    def version(self, value: int) -> None:
        self._changes = value

    # ---- areas -----------------------------------------------------------------------------------------------

    def _area(self, name: str, where: str = "area") -> Any:
        if name not in self._areas:
            from neuromod.config.problems import nearest

            near = nearest(name, self._areas)
            hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(self._areas)}"
            raise ValueError(f"{where}: must be the name of an area; got {name!r}{hint}")
        return self._areas[name]

    def _area_slots(self, name: str, where: str = "area") -> NDArray[np.int32]:
        """Slots of an area's neurons, ascending, int32."""
        self._area(name, where)
        return np.flatnonzero(self._columns.column("area") == list(self._areas).index(name)).astype(np.int32)

    def area_ids(self, name: str) -> Ints:
        """Ids of an area's neurons.

        Parameters
        ----------
        name : str
            An area of the configuration.

        Returns
        -------
        ndarray of int64, shape (n_neurons_of_area,)
            Ascending.

        Raises
        ------
        ValueError
            If there is no such area; names the nearest known one.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> BrainModel("brain_base_model.json").area_ids("V1_like").tolist()
        []
        """
        return self._columns.column("id")[self._area_slots(name)]

    def get_area_neurons(self, area_name: str) -> list[Neuron]:
        """Views of an area's neurons, in id order.

        Parameters
        ----------
        area_name : str
            An area of the configuration.

        Returns
        -------
        list of Neuron

        Raises
        ------
        ValueError
            If there is no such area; names the nearest known one.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> neuron = model.add_neuron(0, 0, 0, 0)
        >>> [n.id for n in model.get_area_neurons("V1_like")]
        [0]
        """
        return [self.neurons[neuron_id] for neuron_id in self.area_ids(area_name).tolist()]

    def _area_at(self, position: tuple[int, int, int, int]) -> int:
        for k, area in enumerate(self._config.areas):
            ranges = area.coord_ranges
            if all(
                ranges[axis][0] <= at <= ranges[axis][1] for axis, at in zip("xyzw", position, strict=True)
            ):
                return k
        return -1

    # ---- neurons ---------------------------------------------------------------------------------------------

    def _defaults(
        self, area: Any, model: str | None, params: Mapping[str, float] | None, where: str
    ) -> tuple[str, dict[str, Any]]:
        """Model and columns of new neurons of an area: argument, else the area's, else the configuration's."""
        from neuromod.config.load import check_params

        section = self._config.neuron_model
        name = model or (area and area.model) or section.type
        base = dict(section.params_default) if name == section.type else {}
        if area is not None and (area.model or section.type) == name:
            base |= area.params
        complete = check_params(name, base | dict(params or {}), where)
        drive = (area and area.drive) or self._config.drive
        values: dict[str, Any] = {
            **complete,
            "drive_rate": drive.rate,
            "drive_weight": drive.weight,
            "drive_noise": drive.noise,
            "drive_uniform": drive.noise_uniform,
        }
        if MODELS[name]["starts_at"] is not None:
            values["v_membrane"] = complete[MODELS[name]["starts_at"]]
        if area is not None:
            values["area"] = list(self._areas).index(area.name)
            values["region"] = self.regions.index(area.region or "global")
        return name, values

    def add_neuron(
        self,
        x: int,
        y: int,
        z: int,
        w: int,
        *,
        model: str | None = None,
        params: Mapping[str, float] | None = None,
        neuron_type: str | None = None,
        generation: int = 0,
        parent_id: int = -1,
    ) -> Neuron:
        """Add one neuron on a lattice site.

        Parameters
        ----------
        x, y, z, w : int
            A free site of the lattice.
        model : str, optional
            Default: that of the area the site lies in, else the configuration's.
        params : mapping of str to float, in the units of the model's table, optional
            Parameters that differ from the configuration's.
        neuron_type : {"excitatory", "inhibitory"}, optional
            Default: the area's, else excitatory.
        generation, parent_id : int, optional
            For life cycles.

        Returns
        -------
        Neuron

        Raises
        ------
        ValueError
            If the site is off the lattice or taken, or a parameter is out of its domain. Nothing is added.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> BrainModel("brain_base_model.json").add_neuron(1, 2, 3, 0, params={"tau_m": 10.0}).params["tau_m"]
        10.0
        """
        position = (int(x), int(y), int(z), int(w))
        for axis, at, size in zip("xyzw", position, self._config.lattice_shape, strict=True):
            if not 0 <= at < size:
                raise ValueError(f"{axis}: must be between 0 and {size - 1}; got {at}")
        columns = self._columns
        here = np.ones(columns.n, bool)
        for axis, at in zip("xyzw", position, strict=True):
            here &= columns.column(axis) == at
        if here.any():
            raise ValueError(
                f"position: must be free; {position} holds neuron {columns.column('id')[here][0]}"
            )
        number = self._area_at(position)
        area = None if number < 0 else self._config.areas[number]
        name, values = self._defaults(area, model, params, "params")
        kind = _checked_type(neuron_type) or (area and area.neuron_type) or "excitatory"
        values |= dict(zip("xyzw", position, strict=True))
        values |= {"neuron_type": _TYPES.index(kind), "generation": generation, "parent_id": parent_id}
        neuron_id = int(columns.append(1, name, values)[0])
        self._changes += 1
        return self.neurons[neuron_id]

    def _place_neurons(
        self,
        area_names: Sequence[str] | None,
        density: float,
        seed: int,
        *,
        model: str | None = None,
        params: Mapping[str, float] | None = None,
        neuron_type: str | None = None,
    ) -> Ints:
        """Put neurons on free sites of areas; `Simulation.initialize_neurons` says how."""
        if isinstance(area_names, str):
            raise TypeError(f"area_names: must be a sequence of names; got the string {area_names!r}")
        if not (isinstance(density, int | float | np.floating) and 0.0 <= density <= 1.0):
            raise ValueError(f"density: must be between 0 and 1; got {density!r}")
        if model is not None and model not in MODELS:
            raise ValueError(f"model: must be one of {', '.join(MODELS)}; got {model!r}")
        names = list(self._areas) if area_names is None else list(area_names)
        kind = _checked_type(neuron_type)
        plans = []
        for name in names:
            area = self._area(name, "area_names")
            plans.append(
                (area, self._sites(area, density, seed), *self._defaults(area, model, params, "params"))
            )
        ids = [self._fill(area, sites, name, values, kind, seed) for area, sites, name, values in plans]
        self._changes += 1
        return np.concatenate(ids) if ids else np.empty(0, np.int64)

    def _sites(self, area: Any, density: float, seed: int) -> NDArray[np.int64]:
        """Positions, shape (n, 4), of the chosen free sites of an area: those with the smallest random words."""
        ranges = [area.coord_ranges[axis] for axis in "xyzw"]
        shape = [high - low + 1 for low, high in ranges]
        n_sites = math.prod(shape)
        salt = list(self._areas).index(area.name)
        words = np.asarray(_core.random_words(seed, "place", 0, salt, n_sites), np.int64)
        there = self._area_slots(area.name)
        taken = np.stack([self._columns.column(axis)[there] for axis in "xyzw"])
        lows = np.array([low for low, _ in ranges])
        occupied = np.ravel_multi_index(tuple(taken - lows[:, None]), shape)
        words[occupied] = 1 << 32  # behind every free site
        chosen = min(round(density * n_sites), n_sites - len(occupied))
        sites = np.sort(np.argsort(words, kind="stable")[:chosen])
        at: Ints = np.stack(np.unravel_index(sites, shape), axis=1) + lows
        return at

    def _fill(
        self, area: Any, sites: Ints, model: str, values: dict[str, Any], kind: str | None, seed: int
    ) -> Ints:
        """Neurons on the chosen sites; the inhibitory ones are drawn by id where no type is given."""
        n, first = len(sites), self._columns.next_id
        chosen = kind or area.neuron_type
        if chosen is not None:
            types = np.full(n, _TYPES.index(chosen), np.int8)
        else:
            words = _core.random_words(seed, "place", first, 0, n, salt=1) if n else np.empty(0, np.uint32)
            types = (words < self._config.neuron_model.inhibitory_fraction * 2.0**32).astype(np.int8)
        position = dict(zip("xyzw", sites.T, strict=True))
        return self._columns.append(n, model, {**values, **position, "neuron_type": types})

    def remove_neuron(self, neuron_id: int) -> None:
        """Take a neuron out of the network, with its synapses.

        Parameters
        ----------
        neuron_id : int
            Never used again.

        Raises
        ------
        RemovedError
            If there is no such neuron. Nothing is changed.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> neuron = model.add_neuron(0, 0, 0, 0)
        >>> model.remove_neuron(neuron.id)
        >>> len(model.neurons)
        0
        """
        slot = self._columns.slot_of(neuron_id)
        self._synapses.remove(slot)
        self._columns.remove(slot)
        self._changes += 1

    # ---- synapses --------------------------------------------------------------------------------------------

    def add_synapse(
        self,
        pre_id: int,
        post_id: int,
        weight: float = 0.1,
        delay: int = 1,
        synapse_type: str | None = None,
    ) -> Synapse:
        """Add one synapse, under the configuration's plasticity.

        Parameters
        ----------
        pre_id, post_id : int
        weight : float, mV, finite, default 0.1
        delay : int, steps, 1 to 65535, default 1
        synapse_type : {"excitatory", "inhibitory"}, optional
            Default: the type of the presynaptic neuron.

        Returns
        -------
        Synapse
            Additions wait and are merged when the network is next read or run, so a loop of them costs one sort.

        Raises
        ------
        ValueError, RemovedError
            If an argument is out of its domain or a neuron is not there. Nothing is added.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> a, b = model.add_neuron(0, 0, 0, 0), model.add_neuron(1, 0, 0, 0)
        >>> model.add_synapse(a.id, b.id, weight=0.5).post_id
        1
        """
        pre, post = self._columns.slot_of(pre_id), self._columns.slot_of(post_id)
        if not math.isfinite(weight):
            raise ValueError(f"weight: must be finite; got {weight!r}")
        steps = delays_of(delay, 1, None, 0, 0)
        kind = type_of_sources(self, np.array([pre], np.int32), synapse_type)
        waiting = self._synapses.add((pre, post, float(weight), int(steps), kind))
        return self.synapses._owner.pending_view(waiting)

    def get_synapses_for_neuron(self, neuron_id: int, direction: str = "both") -> list[Synapse]:
        """Views of a neuron's synapses.

        Parameters
        ----------
        neuron_id : int
        direction : {"both", "pre", "post"}, default "both"
            Those where the neuron is presynaptic, postsynaptic, or either.

        Returns
        -------
        list of Synapse

        Raises
        ------
        ValueError, RemovedError
            If `direction` is unknown or the neuron is not there.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> a, b = model.add_neuron(0, 0, 0, 0), model.add_neuron(1, 0, 0, 0)
        >>> synapse = model.add_synapse(a.id, b.id)
        >>> len(model.get_synapses_for_neuron(a.id, "pre")), len(model.get_synapses_for_neuron(a.id, "post"))
        (1, 0)
        """
        if direction not in ("both", "pre", "post"):
            raise ValueError(f"direction: must be 'both', 'pre' or 'post'; got {direction!r}")
        self._columns.slot_of(neuron_id)
        found = np.zeros(len(self.synapses), bool)
        if direction in ("both", "pre"):
            found |= self.synapses.pre_id == neuron_id
        if direction in ("both", "post"):
            found |= self.synapses.post_id == neuron_id
        return [self.synapses[int(k)] for k in np.flatnonzero(found)]

    @property
    def _projections(self) -> list[Projection]:
        """The projections, single additions included."""
        return self._synapses.merged()

    # ---- for the engine --------------------------------------------------------------------------------------

    def _zones(self) -> tuple[NDArray[np.int32], list[tuple[str, dict[str, float]]]]:
        """Zone of each neuron; and the zones: a region and the receptor densities there that are not 1."""
        kinds: dict[tuple[str, tuple[tuple[str, float], ...]], int] = {}
        regions = [area.region or "global" for area in self._config.areas] + [self.regions[0]]
        of_area = [
            kinds.setdefault((region, tuple(sorted(receptors.items()))), len(kinds))
            for region, receptors in zip(regions, self._columns.receptors, strict=True)
        ]
        zones = [(region, dict(densities)) for region, densities in kinds]
        return np.array(of_area, np.int32)[self._columns.column("area")], zones

    def _groups(self) -> list[tuple[str, int, int, int]]:
        """Runs of neurons of one model in one zone: (model, first slot, number, zone)."""
        model, zone = self._columns.column("model"), self._zones()[0]
        if not len(model):
            return []
        cuts = np.flatnonzero((np.diff(model) != 0) | (np.diff(zone) != 0)) + 1
        firsts, lasts = [0, *cuts.tolist()], [*cuts.tolist(), len(model)]
        names = list(MODELS)
        return [(names[model[a]], a, b - a, int(zone[a])) for a, b in zip(firsts, lasts, strict=True)]

    # ---- state -----------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        """All that is the model's, but its configuration."""
        names = sorted(self._columns.buffers)
        return {
            "next_id": self._columns.next_id,
            "neurons": {name: self._columns.column(name) for name in names},
            "projections": list(self._synapses.states()),
            "made": self._synapses.made,
        }

    def copy(self) -> BrainModel:
        """A model with the same neurons and synapses, of which writing to one does not write the other.

        Returns
        -------
        BrainModel

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> neuron = model.add_neuron(0, 0, 0, 0)
        >>> other = model.copy()
        >>> other.neurons[0].v_membrane = -50.0
        >>> neuron.v_membrane
        -65.0
        """
        other = BrainModel(config=self.config)
        columns = {name: self._columns.column(name) for name in self._columns.buffers}
        other._columns.restore(columns["id"], self._columns.next_id, columns)
        other._synapses.copy_from(self._synapses)
        return other

    def to_dict(self) -> dict[str, Any]:
        """Configuration, neurons and synapses as plain lists, numbers and strings, which ``json`` can write.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> neuron = model.add_neuron(0, 0, 0, 0)
        >>> BrainModel.from_dict(model.to_dict()).neurons[0].position()
        (0, 0, 0, 0)
        """
        return {"format": 1, "models": list(MODELS), "config": self.config, "state": pack(self._state())}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> BrainModel:
        """The model that `to_dict` was called on, to the bit.

        Parameters
        ----------
        state : mapping
            From `to_dict`.

        Returns
        -------
        BrainModel

        Raises
        ------
        ValueError
            If it is no such mapping, or was made with other neuron models.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> BrainModel.from_dict(BrainModel("brain_base_model.json").to_dict())
        BrainModel(areas=6, neurons=0, synapses=0)
        """
        if not isinstance(state, Mapping) or state.get("format") != 1:
            raise ValueError("state: must be a mapping made by BrainModel.to_dict; got something else")
        if state["models"] != list(MODELS):
            raise ValueError(f"state: made with the neuron models {state['models']}; here are {list(MODELS)}")
        model, own = cls(config=state["config"]), unpack(state["state"])
        model._columns.restore(own["neurons"]["id"], own["next_id"], own["neurons"])
        model._synapses.restore(own["projections"], own["made"])
        return model

    def __repr__(self) -> str:
        return (
            f"BrainModel(areas={len(self._areas)}, neurons={len(self.neurons):,}, "
            f"synapses={len(self.synapses):,})"
        )

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{len(self._area_slots(name)):,}</td></tr>"
            for name in list(self._areas)[:50]
        )
        more = "".join(
            f"<tr><td>{escape(p.name)}</td><td>{len(p):,} {p.synapse_type}, {p.rule}</td></tr>"
            for p in self._synapses.merged()[:50]
        )
        return (
            f"<table><caption>{escape(repr(self))}</caption><tr><th>area</th><th>neurons</th></tr>{rows}"
            f"<tr><th>projection</th><th>synapses</th></tr>{more}</table>"
        )


def _checked_type(neuron_type: str | None) -> str | None:
    if neuron_type is not None and neuron_type not in _TYPES:
        raise ValueError(f"neuron_type: must be 'excitatory' or 'inhibitory'; got {neuron_type!r}")
    return neuron_type
