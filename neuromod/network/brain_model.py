"""The network at rest: neurons on a lattice, areas, synapses, and the configuration they come from."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Self
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from neuromod._core import Neuron, Synapse
from neuromod.arguments import checked_count, checked_number
from neuromod.closed import read_only
from neuromod.near_names import names_near
from neuromod.network import edits, saved
from neuromod.network.areas import Areas
from neuromod.network.columns import NeuronColumns
from neuromod.network.creation import Creation
from neuromod.network.described import Described
from neuromod.network.draws import MAX_DELAY, check_sign, check_weight
from neuromod.network.layout import Learning
from neuromod.network.members import slot_of
from neuromod.network.placement import Placement
from neuromod.network.population import Population, populations_of
from neuromod.network.store import SynapseStore
from neuromod.network.views import NeuronCollection, SynapseCollection
from neuromod.network.wiring import check_columns, type_of_sources
from neuromod.problems import shown

__all__ = ["BrainModel", "Neuron", "Synapse"]

Ints = NDArray[np.int64]


class BrainModel(Described):
    """Neurons, synapses and areas of one brain.

    Parameters
    ----------
    config_path : str or Path, optional
        A JSON file; or the bare name of a configuration that the package ships, ``"brain_base_model.json"``.
    config : dict, optional
        The configuration itself. Exactly one of the two must be given.

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

    @names_near
    def __init__(
        self, config_path: str | PathLike[str] | None = None, config: Mapping[str, Any] | None = None
    ) -> None:
        from neuromod.config.load import load

        if (config_path is None) == (config is None):
            raise TypeError("BrainModel: exactly one of config_path and config must be given")
        self._make(*load(config_path if config is None else config))  # type: ignore[arg-type]

    def _make(self, content: dict[str, Any], config: Any) -> None:
        """An empty network. `content`: plain; `config`: the same, checked."""
        from neuromod.config.load import check_params, check_population, check_rule
        from neuromod.config.modulators import known_modulators

        self._raw: dict[str, Any] = read_only(content)
        self._config = config
        columns = NeuronColumns()
        self._areas = Areas(self._config.areas, columns)
        self._placement = Placement(self._areas, self._config, check_params)
        self._store = SynapseStore(self._areas, learning_of(self._config.plasticity), check_rule)
        self._creation = Creation(self._placement, check_population, self._store)
        self._store.edits = edits
        self._store.modulators = tuple(known_modulators(content.get("neuromodulation")))
        self._neurons = NeuronCollection(columns)
        self._synapses = SynapseCollection(self._store)
        columns.model = self._store.model = ref(self)

    @classmethod
    def _quietly(cls, config: Mapping[str, Any]) -> Self:
        """A model of a configuration that was loaded before: what it was warned of is not said again."""
        from neuromod.config.load import load

        model = cls.__new__(cls)
        model._make(*load(config, warn=False))
        return model

    @staticmethod
    def _saved_rule(section: Mapping[str, Any], where: str) -> Any:
        """A rule that has been saved, checked as a section ``plasticity``."""
        from neuromod.config.load import check_saved_rule

        return check_saved_rule(section, where)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration as it was loaded, sections of other tools included. It cannot be changed.

        The model was built from it. ``copy.deepcopy(model.config)`` is a plain dict, from which another model can be
        made.
        """
        return self._raw

    @property
    def neurons(self) -> NeuronCollection:
        """The neurons by id, in id order; columns as attributes, ``model.neurons.v_membrane``. Columns can be set."""
        return self._neurons

    @property
    def synapses(self) -> SynapseCollection:
        """The synapses in order; columns as attributes, ``model.synapses.weight``."""
        return self._synapses

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions that the areas lie in, in the order in which they occur."""
        return self._areas.regions

    @property
    def populations(self) -> Mapping[str, Population]:
        """Areas and the populations of `Simulation.create` by name, read-only."""
        return populations_of(self._areas)

    @property
    def version(self) -> int:
        """Grows with every structural change; additions that wait are merged first."""
        return self._store.structure

    # ---- areas -----------------------------------------------------------------------------------------------

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
        return self._areas.ids(name)

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

    # ---- neurons ---------------------------------------------------------------------------------------------

    @names_near
    def add_neuron(
        self,
        x: int,
        y: int,
        z: int,
        w: int,
        *,
        model: str | None = None,
        params: Mapping[str, float | str] | None = None,
        neuron_type: str | None = None,
        generation: int = 0,
        parent_id: int = -1,
        health: float = 1.0,
    ) -> Neuron:
        """Add one neuron on a lattice site.

        Parameters
        ----------
        x, y, z, w : int
            A free site of the lattice.
        model : str, optional
            Default: that of the area the site lies in, else the configuration's.
        params : mapping of str to float or str, in the units of the model's table, optional
            Parameters that differ from the configuration's.
        neuron_type : {"excitatory", "inhibitory"}, optional
            Default: the area's, else excitatory.
        generation, parent_id : int, optional
            For life cycles.
        health : float, finite, 0 to 1, default 1
            For life cycles, too.

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
        place = {"x": x, "y": y, "z": z, "w": w}
        position = tuple(checked_count(at, axis, -(2**63), 2**63 - 1) for axis, at in place.items())
        fields = {
            "generation": checked_count(generation, "generation", -(2**31), 2**31 - 1),
            "parent_id": checked_count(parent_id, "parent_id", -(2**63), 2**63 - 1),
            "health": checked_number(health, "health", 0.0, 1.0),
        }
        return self.neurons[self._placement.add(position, model, params, neuron_type, fields)]

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
        columns, store = self._store.columns, self._store
        with store.gate.change("remove_neuron"):
            slot = columns.slot_of(neuron_id)
            with store.all_or_nothing(), columns.all_or_nothing():
                store.remove_neuron(slot)
                columns.remove(slot)

    # ---- synapses --------------------------------------------------------------------------------------------

    @names_near
    def add_synapse(
        self,
        pre_id: int | Neuron,
        post_id: int | Neuron,
        weight: float = 0.1,
        delay: int = 1,
        synapse_type: str | None = None,
    ) -> Synapse:
        """Add one synapse, under the configuration's plasticity.

        Parameters
        ----------
        pre_id, post_id : int or Neuron
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
        self._store.gate.check_idle("add_synapse")
        pre, post = slot_of(self._areas, pre_id, "pre_id"), slot_of(self._areas, post_id, "post_id")
        steps = checked_count(delay, "delay", 1, MAX_DELAY)
        check_columns(self._areas, self._store.learning.rule, (pre, post))
        kind = type_of_sources(self._areas, np.array([pre], np.int32), synapse_type)
        size = checked_number(weight, "weight")
        check_weight("weight", size, self._store.learning, kind == "inhibitory")
        check_sign("weight", size, self._store.columns, [post], kind == "inhibitory")
        return self._store.add((pre, post, size, steps, kind))

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
        if not isinstance(direction, str) or direction not in ("both", "pre", "post"):
            raise ValueError(f"direction: must be 'both', 'pre' or 'post'; got {shown(direction)}")
        self._store.columns.slot_of(neuron_id)
        found = np.zeros(len(self.synapses), bool)
        if direction in ("both", "pre"):
            found |= self.synapses.pre_id == neuron_id
        if direction in ("both", "post"):
            found |= self.synapses.post_id == neuron_id
        return [self.synapses[int(k)] for k in np.flatnonzero(found)]

    # ---- state -----------------------------------------------------------------------------------------------

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
        other = type(self)._quietly(self.config)
        columns = self._store.columns
        with self._store.gate:
            other._areas.add(*self._areas.created)
            other._store.columns.restore(
                columns.column("id"),
                columns.next_id,
                {name: columns.column(name) for name in columns.buffers},
            )
            other._store.copy_from(self._store)
        return other

    def to_dict(self) -> dict[str, Any]:
        """Configuration, neurons and synapses as plain lists, numbers and strings, which ``json`` can write.

        Returns
        -------
        dict
            What `from_dict` takes: also with the version of the package and a SHA-256 over all of it.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> neuron = model.add_neuron(0, 0, 0, 0)
        >>> BrainModel.from_dict(model.to_dict()).neurons[0].position()
        (0, 0, 0, 0)
        """
        return saved.to_dict(self)

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
        ConfigError, ValueError
            If it is no such mapping, was changed since, was made with other neuron models, or an entry of it breaks a
            rule; each problem as ``where: rule; what came``.

        Notes
        -----
        The SHA-256 in ``sha256`` is over all of it. A state that was saved before there was one has none, and is
        checked entry by entry alone.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> BrainModel.from_dict(BrainModel("brain_base_model.json").to_dict())
        BrainModel(areas=6, neurons=0, synapses=0)
        """
        return saved.from_dict(cls, state)  # type: ignore[no-any-return]

    def save(self, path: str | PathLike[str]) -> None:
        """Write the whole model to a file, which appears whole or not at all; `load` reads it.

        Parameters
        ----------
        path : str or Path
            The file, in a directory that exists; an older file of that name is replaced.

        Raises
        ------
        OSError
            If the disk refuses. An older file stays as it was.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> BrainModel("brain_base_model.json").save("brain.npz")
        >>> BrainModel.load("brain.npz")
        BrainModel(areas=6, neurons=0, synapses=0)
        """
        from neuromod.network import files

        files.save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> BrainModel:
        """The model that `save` wrote to a file, to the bit.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        BrainModel

        Raises
        ------
        FileError
            If the file is cut, damaged, of a newer format or none of a model: ``path: rule; what came``.
        OSError
            If it cannot be read.
        """
        from neuromod.network import files

        return files.load(cls, path)  # type: ignore[no-any-return]

    def __copy__(self) -> BrainModel:
        """As `copy`: a model of which two share the columns would be none."""
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickled, and copied deeply, as what `from_dict` takes and checks."""
        return saved.model_again, (type(self), saved.content_of(self))

    def __repr__(self) -> str:
        made = f"populations={len(self._areas.created)}, " if self._areas.created else ""
        return (
            f"BrainModel(areas={len(self._areas.lattice)}, {made}neurons={len(self.neurons):,}, "
            f"synapses={len(self.synapses):,})"
        )

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{len(self._areas.slots(name)):,}</td></tr>"
            for name in self._areas.names[:50]
        )
        more = "".join(
            f"<tr><td>{escape(p.name)}</td><td>{len(p):,} {p.synapse_type}, {p.learning.rule}</td></tr>"
            for p in self._store.tables[:50]
        )
        return (
            f"<table><caption>{escape(repr(self))}</caption><tr><th>area</th><th>neurons</th></tr>{rows}"
            f"<tr><th>projection</th><th>synapses</th></tr>{more}</table>"
        )


def learning_of(
    common: Any,
    rule: str | Mapping[str, Any] | None = None,
    short_term: bool | Mapping[str, Any] | None = None,
    modulators: Any = None,
) -> Learning:
    """The rule given, or the configuration's; with a bare name the rest of the configuration's plasticity holds."""
    from neuromod.config.load import check_rule, check_short_term

    if isinstance(rule, str):
        bounds = {"weight_min": common.weight_min, "weight_max": common.weight_max}
        parts = {
            name: getattr(common, name) for name in ("rounding", "short_term", "homeostatic", "modulators")
        }
        found = check_rule({"rule": rule, **bounds}, "rule").model_copy(update=parts)
    else:
        found = common if rule is None else check_rule(rule, "rule")
    return Learning(
        rule=None if found.rule == "none" else found.rule,
        params=dict(found.params),
        modulators=found.modulators if modulators is None else modulators,
        weight_min=found.weight_min,
        weight_max=found.weight_max,
        weight_decay=found.weight_decay,
        weight_dependence=found.weight_dependence,
        rounding=found.rounding,
        short_term=found.short_term if short_term is None else check_short_term(short_term),
        homeostatic=found.homeostatic,
    )
