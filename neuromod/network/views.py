"""``model.neurons`` and ``model.synapses``: collections of views, and the live columns behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from neuromod._core import Neuron, Synapse, SynapseStore
from neuromod.errors import RemovedError
from neuromod.network.columns import NeuronColumns

if TYPE_CHECKING:
    from neuromod.network.brain_model import BrainModel
    from neuromod.network.projection import Projection

__all__ = ["NeuronCollection", "SynapseCollection"]


def _no_column(where: str, name: str, known: Sequence[str]) -> AttributeError:
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return AttributeError(f"{where}.{name}: no such column{hint}")


class NeuronCollection(Mapping[int, Neuron]):
    """The neurons by id, in id order, and their columns: ``model.neurons.v_membrane`` and so on.

    A column is a live NumPy view, shape (n_neurons,): writing to it writes the network. When the network grows
    past its capacity or a neuron is removed, columns handed out before turn read-only, so that a late
    ``column += d`` raises; a slice made of one before is not caught. Parameters and state variables that a
    neuron's model does not have are NaN.

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
        except RemovedError as error:
            raise KeyError(str(error)) from error
        return Neuron._view(self._columns, int(neuron_id), slot)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._columns.column(name)
        except KeyError:
            raise _no_column("neurons", name, list(self._columns.buffers)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        column = getattr(self, name)
        if value is not column:  # `neurons.v_membrane += d` has written already, and sets what it got
            column[:] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._columns.buffers]

    def __repr__(self) -> str:
        return f"NeuronCollection({len(self):,} neurons)"


class SynapseCollection(Sequence[Synapse]):
    """The synapses, projection by projection, and their columns over all projections.

    ``weight`` is one live NumPy array, so ``model.synapses.weight += d`` is the fast form of a loop over all
    synapses. When synapses are added or removed (and, where a projection has a pair rule, when the simulation moves
    on), an array handed out before turns read-only, so that a late ``w += d`` raises; a slice made of one before is
    not caught.

    Parameters
    ----------
    model : BrainModel
        Whose synapses they are.

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

    def __init__(self, model: BrainModel) -> None:
        owner = _Owner(model)
        model._synapses.changed = owner.changed
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_store", owner.store)

    _owner: _Owner
    _store: SynapseStore

    def __len__(self) -> int:
        return self._owner.total()

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
        self._owner.hand_out()
        return self._store.view(index % n)

    def __iter__(self) -> Iterator[Synapse]:
        n = len(self)
        self._owner.hand_out()
        return self._store.iterate(n)

    @property
    def weight(self) -> NDArray[np.float32]:
        """Weights, float32, shape (n_synapses,), mV. A view: writing to it writes the network."""
        return self._owner.weight()

    @property
    def pre_id(self) -> NDArray[np.int64]:
        """Ids of the sources, int64, shape (n_synapses,). Read-only."""
        return self._owner.pre_id()

    @property
    def post_id(self) -> NDArray[np.int64]:
        """Ids of the targets, int64, shape (n_synapses,). Read-only."""
        return self._owner.post_id()

    @property
    def delay(self) -> NDArray[np.uint16]:
        """Delays, uint16, shape (n_synapses,), steps. Read-only."""
        return self._owner.delay()

    @property
    def plasticity_tag(self) -> NDArray[np.float32]:
        """Tags, float32, shape (n_synapses,). A view."""
        return self._owner.tags()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._COLUMNS:
            raise _no_column("synapses", name, self._COLUMNS)
        column = getattr(self, name)
        if value is not column:
            column[:] = value

    def take_back(self) -> None:
        """For the engine: what was handed out under a pair rule goes back before the simulation moves on."""
        self._owner.take_back()

    def __repr__(self) -> str:
        return f"SynapseCollection({len(self):,} synapses)"


class _Owner:
    """The bookkeeping behind `SynapseCollection` and its views: one block, cached columns, moves between epochs."""

    def __init__(self, model: BrainModel) -> None:
        self._model = model
        self.store = SynapseStore(self)
        self._block: NDArray[np.float32] | None = None
        self._cache: dict[str, NDArray[Any]] = {}
        self._handed = False
        # Of each epoch: new slots of old synapses, and of pending ones; None where all stay as they were.
        self._moves: list[tuple[Any, Any]] = []

    # ---- what the model tells ------------------------------------------------------------------------------------

    def changed(self, moved: Any = None, merged: Any = None) -> None:
        """Synapses were added (at the end, or `merged` from pending ones) or `moved`."""
        self._moves.append((moved, merged) if self._handed else (None, None))
        if self._block is not None:
            self._block.flags.writeable = False
        self._block = None
        self._cache.clear()
        self.store.epoch += 1

    def pending_view(self, waiting: int) -> Synapse:
        """The last of `waiting` single additions, which gets its slot when they are merged."""
        self._handed = True
        return self.store.view(-waiting)

    def hand_out(self) -> None:
        """A view is about to be made."""
        self._handed = True
        self.weight()

    def take_back(self) -> None:
        """The simulation is about to move on, and some weights are brought up to date only when looked at."""
        for p in self._projections():
            p.take_back()
        if self._block is not None:
            self._block.flags.writeable = False
            self.store.stale = True

    # ---- columns -------------------------------------------------------------------------------------------------

    def _projections(self) -> list[Projection]:
        return self._model._projections

    def total(self) -> int:
        return sum(len(p) for p in self._projections())

    def weight(self) -> NDArray[np.float32]:
        """One block of all weights, of which each projection holds a slice; made on first request."""
        projections = self._projections()
        if self.store.stale and self._block is not None:
            self._renew()
        if self._block is None:
            if len(projections) == 1:
                self._block = projections[0].weight
            else:
                self._memory = np.empty(self.total(), np.float32)
                self._block = self._memory[:]
                first = 0
                for p in projections:
                    p.lend(self._block[first : first + len(p)])
                    first += len(p)
            self.store.bind(self._block)
            self.store.stale = False
        return self._block

    def weight_of(self, slot: int) -> float:
        """The weight in one slot now."""
        for p in self._projections():
            if slot < len(p):
                return p.weight_of(slot)
            slot -= len(p)
        raise IndexError(slot)

    def _renew(self) -> None:
        """What is current, in a new array on the old memory."""
        projections = self._projections()
        if len(projections) == 1:
            self._block = projections[0].weight
        else:
            self._block = self._memory[:]
            first = 0
            for p in projections:
                if p.keeper is not None:
                    p.lend(self._block[first : first + len(p)])
                first += len(p)
        self.store.bind(self._block)
        self.store.stale = False

    def _cached(self, name: str, dtype: Any) -> Any:
        self._projections()
        if name not in self._cache:
            parts = [getattr(p, name) for p in self._projections()]
            column = np.concatenate(parts) if parts else np.empty(0, dtype)
            column.flags.writeable = False
            self._cache[name] = column
        return self._cache[name]

    def pre_id(self) -> NDArray[np.int64]:
        return self._cached("pre_id", np.int64)  # type: ignore[no-any-return]

    def post_id(self) -> NDArray[np.int64]:
        return self._cached("post_id", np.int64)  # type: ignore[no-any-return]

    def delay(self) -> NDArray[np.uint16]:
        return self._cached("delay", np.uint16)  # type: ignore[no-any-return]

    def tags(self) -> NDArray[np.float32]:
        """One block of all tags, of which each projection holds a slice."""
        if "tags" not in self._cache:
            projections = self._projections()
            block = np.concatenate([p.tags() for p in projections] or [np.empty(0, np.float32)])
            first = 0
            for p in projections:
                p.plasticity_tag = block[first : first + len(p)]
                first += len(p)
            self._cache["tags"] = block
        return self._cache["tags"]

    # ---- what views ask ------------------------------------------------------------------------------------------

    def field(self, slot: int, name: str) -> Any:
        if name == "plasticity_tag":
            return self.tags()[slot]
        for p in self._projections():
            if slot < len(p):
                return getattr(p, name)
            slot -= len(p)
        raise IndexError(slot)

    def set_field(self, slot: int, name: str, value: float) -> None:
        self.tags()[slot] = value

    def moved(self, epoch: int, slot: int) -> int:
        """Where the synapse that stood in `slot` at `epoch` stands now."""
        self._projections()
        for moved, merged in self._moves[epoch:]:
            if slot < 0:
                if merged is not None:
                    slot = int(merged[-1 - slot])
                    continue
            elif moved is not None:
                slot = int(moved[slot])
            if slot < 0 and moved is not None:
                raise RemovedError("synapse: must be in the network; it was removed with one of its neurons")
        self.weight()
        return slot
