"""``model.neurons`` and ``model.synapses``: collections of views, and the live columns behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod._core import Neuron, Synapse
from neuromod.network.columns import MODELS, NeuronColumns, collection_of, model_of
from neuromod.network.store import SynapseStore
from neuromod.notebook import html_of
from neuromod.problems import nearest
from neuromod.units import say_unit_doubts

__all__ = ["NeuronCollection", "SynapseCollection"]


def _no_column(where: str, name: str, known: Sequence[str]) -> AttributeError:
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else ""
    return AttributeError(f"{where}.{name}: no such column{hint}", name=name)


class NeuronCollection(Mapping[int, Neuron]):
    """The neurons by id, in id order, and their columns: ``model.neurons.v_membrane`` and so on.

    A column is a live NumPy view, shape (n_neurons,): writing to it writes the network. When the network grows
    past its capacity or a neuron is removed, columns handed out before turn read-only, so that a late
    ``column += d`` raises; a slice made of one before is not caught. What the network was built by (``id``,
    ``x``, ``y``, ``z``, ``w``, ``model``, ``neuron_type``, ``area``, ``region``) is read-only. Parameters and
    state variables that a neuron's model does not have are NaN.

    Parameters
    ----------
    columns : NeuronColumns
        Where the bytes are.

    Examples
    --------
    >>> from neuromod import BrainModel
    >>> model = BrainModel("brain_base_model.json")
    >>> neuron = model.add_neuron(3, 4, 5, 0)
    >>> model.neurons[neuron.id].position()
    (3, 4, 5, 0)
    >>> model.neurons.v_membrane += 1.0
    >>> neuron.v_membrane
    -64.0
    """

    _columns: NeuronColumns

    def __init__(self, columns: NeuronColumns) -> None:
        object.__setattr__(self, "_columns", columns)

    def __len__(self) -> int:
        return self._columns.n

    def __iter__(self) -> Iterator[int]:
        return iter(self._columns.column("id").tolist())

    def __contains__(self, neuron_id: object) -> bool:
        try:
            self._columns.slot_of(neuron_id)  # type: ignore[arg-type]
        except (LookupError, TypeError):
            return False
        return True

    def __getitem__(self, neuron_id: int) -> Neuron:
        try:
            slot = self._columns.slot_of(neuron_id)
        except _core.RemovedError as error:
            raise KeyError(str(error)) from error
        return Neuron._view(self._columns, int(neuron_id), slot)

    def __copy__(self) -> Self:
        """The same: there is one for each model."""
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied deeply and pickled with its model."""
        return collection_of, (model_of(self._columns, "neurons"), "neurons")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_columns":  # asked for by copy and pickle
            raise AttributeError(name)
        try:
            return self._columns.column(name)
        except KeyError:
            raise _no_column("neurons", name, list(self._columns.buffers)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._columns.gate.check_own(f"neurons.{name}")
        column = self.__getattr__(name)
        if value is not column:  # `neurons.v_membrane += d` has written already, and sets what it got
            if not column.flags.writeable:
                raise AttributeError(f"neurons.{name}: is read-only")
            fields = [about["params"][name] for about in MODELS.values() if name in about["params"]]
            say_unit_doubts({name: fields[0]} if fields else {}, {name: value}, "neurons")
            column[:] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._columns.buffers]

    def __repr__(self) -> str:
        return f"NeuronCollection({len(self):,} neurons)"

    _repr_html_ = html_of


class SynapseCollection(Sequence[Synapse]):
    """The synapses, projection by projection, and their columns over all projections.

    ``weight`` is one live NumPy array, so ``model.synapses.weight += d`` is the fast form of a loop over all
    synapses. When synapses are added or removed (and, where a projection has a pair rule, when the simulation moves
    on), an array handed out before turns read-only, so that a late ``w += d`` raises; a slice made of one before is
    not caught.

    Parameters
    ----------
    store : SynapseStore
        Where the synapses are.

    Attributes
    ----------
    weight : ndarray of float32, shape (n_synapses,), mV
        A view: writing to it writes the network.
    pre_id, post_id : ndarray of int64, shape (n_synapses,)
        Read-only.
    delay : ndarray of uint16, shape (n_synapses,), steps
        Read-only.
    plasticity_tag : ndarray of float32, shape (n_synapses,)
        A view.

    Examples
    --------
    >>> from neuromod import BrainModel
    >>> model = BrainModel("brain_base_model.json")
    >>> a, b = model.add_neuron(0, 0, 0, 0), model.add_neuron(1, 0, 0, 0)
    >>> synapse = model.add_synapse(a.id, b.id, weight=0.5)
    >>> model.synapses.weight += 0.25
    >>> synapse.weight, len(model.synapses)
    (0.75, 1)
    """

    _COLUMNS = ("weight", "pre_id", "post_id", "delay", "plasticity_tag")

    _store: SynapseStore

    def __init__(self, store: SynapseStore) -> None:
        object.__setattr__(self, "_store", store)

    def __len__(self) -> int:
        return len(self._store)

    @overload
    def __getitem__(self, index: int) -> Synapse: ...
    @overload
    def __getitem__(self, index: slice) -> list[Synapse]: ...
    def __getitem__(self, index: int | slice) -> Synapse | list[Synapse]:
        n = len(self)
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(n))]
        if not -n <= index < n:
            raise IndexError(f"synapses[{index}]: must be between {-n} and {n - 1}; there are {n}")
        return self._store.view(index % n)

    def __iter__(self) -> Iterator[Synapse]:
        return self._store.views()

    def __contains__(self, value: object) -> bool:
        return isinstance(value, Synapse) and self._store.number_of(value) is not None

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Position of a synapse, as that of a list's entry.

        Parameters
        ----------
        value : Synapse
        start, stop : int, optional
            Between which it is looked for. Default: everywhere.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If it is not there.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> a, b = model.add_neuron(0, 0, 0, 0), model.add_neuron(1, 0, 0, 0)
        >>> model.synapses.index(model.add_synapse(a.id, b.id))
        0
        """
        found = self._store.number_of(value) if isinstance(value, Synapse) else None
        if found is None or found not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"synapses.index: must be a synapse of this model; got {value!r}")
        return found

    def count(self, value: Any) -> int:
        """How often a synapse occurs: once where it is of this model, else never.

        Parameters
        ----------
        value : object

        Returns
        -------
        int
        """
        return int(value in self)

    def __copy__(self) -> Self:
        """The same: there is one for each model."""
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied deeply and pickled with its model."""
        return collection_of, (model_of(self._store, "synapses"), "synapses")

    @property
    def weight(self) -> NDArray[np.float32]:
        """Weights, float32, shape (n_synapses,), mV. A view: writing to it writes the network."""
        return self._store.weight()

    @property
    def pre_id(self) -> NDArray[np.int64]:
        """Ids of the sources, int64, shape (n_synapses,). Read-only."""
        return self._store.pre_id()

    @property
    def post_id(self) -> NDArray[np.int64]:
        """Ids of the targets, int64, shape (n_synapses,). Read-only."""
        return self._store.post_id()

    @property
    def delay(self) -> NDArray[np.uint16]:
        """Delays, uint16, shape (n_synapses,), steps. Read-only."""
        return self._store.delay()

    @property
    def plasticity_tag(self) -> NDArray[np.float32]:
        """Tags, float32, shape (n_synapses,). A view."""
        return self._store.tags()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._COLUMNS:
            raise _no_column("synapses", name, self._COLUMNS)
        self._store.gate.check_own(f"synapses.{name}")
        column = getattr(self, name)
        if value is not column:
            if not column.flags.writeable:
                raise AttributeError(f"synapses.{name}: is read-only")
            column[:] = value

    def __repr__(self) -> str:
        return f"SynapseCollection({len(self):,} synapses)"

    _repr_html_ = html_of
