"""Who owns the neurons' bytes: one NumPy block per field, borrowed by the C core, seen by users as live views."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakSet, ref

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core

__all__ = [
    "FIXED_FIELDS",
    "LATER",
    "MODELS",
    "NEURON_TYPES",
    "STRUCTURAL",
    "NeuronColumns",
    "collection_of",
    "distinct",
    "held",
    "model_of",
    "synapse_of",
]

MODELS: dict[str, dict[str, Any]] = _core.neuron_models()
"""Every registered neuron model and what its C table says; a neuron's ``model`` is a position in it."""

NEURON_TYPES = ("excitatory", "inhibitory")
"""What the numbers in the column ``neuron_type`` stand for."""

STRUCTURAL = frozenset({"id", "x", "y", "z", "w", "model", "neuron_type", "area", "region"})
"""Columns that the network was built by: they are read-only."""

FIXED_FIELDS = _core.NEURON_FIELDS
"""Fields that every neuron has: dtype and default. Those of the models in use come besides, as float64."""

PER_STEP = {"drive_noise_per_step": "drive_noise", "drive_uniform_per_step": "drive_uniform"}
"""Columns that older saved models lack: by the columns that had their meaning there."""

LATER = frozenset({*PER_STEP, "i_offset"})
"""Columns that a saved model may lack; `i_offset` is saved only where it is not 0."""


_MANY = 64  # views of a column from which on dead ones are looked for


def _set_writeable(lent: Sequence[ref[NDArray[Any]]], value: bool) -> None:
    for each in lent:
        if (view := each()) is not None:
            view.flags.writeable = value


class NeuronColumns:
    """The columns of all neurons, in id order; grows by doubling.

    A column handed out by `column` or `part` is the live memory until the network grows past its capacity or a neuron
    is removed; it is set read-only then, so that a late write raises. A slice that the caller made of it before is
    not caught.
    """

    def __init__(self) -> None:
        self.n = 0
        self.next_id = 0
        self.epoch = 0
        self.buffers: dict[str, NDArray[Any]] = {
            name: np.empty(0, dtype) for name, (dtype, _) in FIXED_FIELDS.items()
        }
        self.regions: tuple[
            str, ...
        ] = ()  # names of the numbers in `region`; none where a neuron stands alone
        self.receptors: Sequence[
            Mapping[str, float]
        ] = ()  # densities, by the numbers in `area`; last: outside all
        # position that `create` gave the neuron in a slot; None: it has none
        self.place: Callable[[int], tuple[float, ...] | None] = lambda slot: None
        self.clocks: WeakSet[Any] = WeakSet()  # of simulations of the network, which have a dt
        self.gate = _core.Gate()  # of the whole network, its synapses included
        self.handed_out: set[Any] = set()  # the `Weights` of which users have arrays
        self.model: Callable[[], Any] = lambda: None  # a weak reference to the model that they are of
        self._handed: dict[str, NDArray[Any]] = {}
        self._lent: dict[str, list[ref[NDArray[Any]]]] = {}  # what users have of each block
        self._slot_of = np.empty(0, np.int64)

    def column(self, name: str) -> NDArray[Any]:
        """The live column of that name.

        Parameters
        ----------
        name : str
            One of ``buffers``.

        Returns
        -------
        ndarray, shape (n,)
            A view: writing to it writes the network, but for those of `STRUCTURAL`, which are read-only. For another
            thread, while a simulation of the network runs: a read-only copy, as at the border of a slice of the run.

        Raises
        ------
        KeyError
            If there is none.
        """
        if self.gate.running and self.gate.foreign:
            with self.gate:
                copy = self.buffers[name][: self.n].copy()
            copy.flags.writeable = False
            return copy
        if name not in self._handed:
            self._handed[name] = self.buffers[name][: self.n]
            self._handed[name].flags.writeable = name not in STRUCTURAL
            self._lend(name, self._handed[name])
        return self._handed[name]

    def part(self, name: str, span: slice) -> NDArray[Any]:
        """A slice of `column`, which turns read-only when that one does.

        Parameters
        ----------
        name : str
        span : slice
        """
        part = self.column(name)[span]
        self._lend(name, part)
        return part

    def _lend(self, name: str, view: NDArray[Any]) -> None:
        if not view.flags.writeable:
            return
        lent = self._lent.setdefault(name, [])
        n = len(lent)
        if n >= _MANY and n & (n - 1) == 0:  # at powers of two: those that nobody has any more are dropped
            lent[:] = [each for each in lent if each() is not None]
        lent.append(ref(view))

    def slot_of(self, neuron_id: int) -> int:
        """Where the neuron of that id stands now.

        Parameters
        ----------
        neuron_id : int

        Returns
        -------
        int
            0 .. n - 1.

        Raises
        ------
        RemovedError
            If it was removed, or never existed.
        TypeError
            If it is no whole number.
        """
        if isinstance(neuron_id, bool) or not isinstance(neuron_id, int | np.integer):
            raise TypeError(f"neurons[{neuron_id!r:.60}]: an id must be a whole number")
        slot = self._slot(neuron_id) if 0 <= neuron_id < self.next_id else -1
        if slot < 0:
            rule = "was removed" if 0 <= neuron_id < self.next_id else "never existed"
            raise _core.RemovedError(f"neurons[{neuron_id!r:.60}]: must be in the network; it {rule}")
        return slot

    def neuron_again(self, neuron_id: int) -> tuple[Any, ...]:
        """How a view of a neuron is pickled: with its model.

        Parameters
        ----------
        neuron_id : int
        """
        return neuron_of, (model_of(self, "neuron"), neuron_id)

    def slots_of(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Where the neurons of these ids stand now.

        Parameters
        ----------
        ids : array_like of int

        Returns
        -------
        ndarray of int64, of the same shape

        Raises
        ------
        RemovedError
            Naming the first id that is not there.
        """
        wanted = np.asarray(ids, dtype=np.int64)
        slots = self.slots_or_none(wanted)
        if np.any(slots < 0):
            self.slot_of(int(wanted[slots < 0][0]))
        return slots

    def slots_or_none(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Likewise; -1 where there is no such neuron."""
        if ids.size and self.next_id and ids.min() >= 0 and ids.max() < self.next_id:
            return self._slots(ids)  # type: ignore[no-any-return]
        inside = (ids >= 0) & (ids < self.next_id)
        return np.where(inside, self._slots(np.where(inside, ids, 0)) if self.next_id else -1, -1)

    def known_slots(self, ids: NDArray[Any], where: str) -> NDArray[np.int64]:
        """Slots of ids that were given as the argument `where`; ValueError naming the first that is not there."""
        slots = self.slots_or_none(np.asarray(ids, dtype=np.int64))
        if slots.size and slots.min() < 0:
            raise ValueError(f"{where}: must be ids of neurons in the network; got {ids[slots < 0][0]}")
        return slots

    def append(self, count: int, model: str, values: Mapping[str, Any]) -> NDArray[np.int64]:
        """Add neurons of one model behind the others.

        Parameters
        ----------
        count : int, >= 0
        model : str
            Registered name.
        values : mapping of str to float or array_like, in the units of the columns
            By name of the field; what is not given takes its default.

        Returns
        -------
        ndarray of int64, shape (count,)
            The new ids.
        """
        return self.append_all([(count, model, values)])

    def append_all(self, groups: Sequence[tuple[int, str, Mapping[str, Any]]]) -> NDArray[np.int64]:
        """Add several groups of neurons behind the others, all or none of them.

        Parameters
        ----------
        groups : sequence of (int, str, mapping)
            As for `append`.

        Returns
        -------
        ndarray of int64, shape (n_new,)
            The new ids.

        Raises
        ------
        MemoryError
            Nothing is changed.
        """
        total = sum(count for count, _, _ in groups)
        ids = np.arange(self.next_id, self.next_id + total, dtype=np.int64)
        with self.all_or_nothing():
            buffers = self._with_room(self.n + total, [model for _, model, _ in groups])
            first = self.n
            for count, model, values in groups:  # entries from n on belong to nobody yet
                _write(
                    buffers,
                    slice(first, first + count),
                    model,
                    {**values, "id": ids[first - self.n :][:count]},
                )
                first += count
            slot_of = self._indexed(buffers["id"], self.n + total, self.next_id + total)
            self._adopt(buffers)
            self.n, self.next_id, self._slot_of = self.n + total, self.next_id + total, slot_of
            self._handed.clear()
            self.epoch += 1
        return ids

    @contextlib.contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """A block after whose failure the columns are what they were before it.

        No block of memory is written in it where entries of neurons stand, so references are all that is kept.
        """
        before = (self.n, self.next_id, self.epoch, dict(self.buffers), self._slot_of, dict(self._handed))
        lent = dict(self._lent)  # of a block that is replaced, the list is dropped as it is
        try:
            yield
        except BaseException:
            self.n, self.next_id, self.epoch, self.buffers, self._slot_of, self._handed = before
            self._lent = lent
            for views in lent.values():
                _set_writeable(views, True)
            raise

    def restore(self, ids: NDArray[np.int64], next_id: int, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take over saved columns, ids with their gaps.

        Parameters
        ----------
        ids : ndarray of int64, shape (n,)
            Ascending.
        next_id : int
            Id of the next neuron to be added.
        columns : mapping of str to ndarray
            By name of the field, each of shape (n,).
        """
        for name in columns:
            self._ensure(name)
        self._reserve(len(ids))
        self.n, self.next_id = len(ids), next_id
        for name, buffer in self.buffers.items():  # a column that was not saved has its default
            buffer[: self.n] = columns.get(name, FIXED_FIELDS[name][1] if name in FIXED_FIELDS else np.nan)
        for name, old in PER_STEP.items():
            if name not in columns and old in columns:  # saved when noise had one size at any dt
                self.buffers[name][: self.n] = columns[old]
                self.buffers[old][: self.n] = 0.0
                self._clear_sources()
        self._index()

    def _clear_sources(self) -> None:
        """Inputs of sources, which had no effect in older saved models and are refused now."""
        sources = [k for k, about in enumerate(MODELS.values()) if about["is_source"]]
        those = np.isin(self.buffers["model"][: self.n], sources)
        for name in ("external_input", "drive_rate", "drive_noise", "drive_uniform", *PER_STEP):
            self.buffers[name][: self.n][those] = 0.0

    def _with_room(self, n: int, models: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The buffers with room for n neurons and the columns of the models; `self` is not changed."""
        wanted = dict(self.buffers)
        capacity = len(self.buffers["id"])
        for model in models:
            for name in (*MODELS[model]["state"], *MODELS[model]["params"]):
                if name not in wanted:
                    wanted[name] = _core.aligned(capacity)
                    wanted[name][:] = np.nan
        return wanted if n <= capacity else self._grown(wanted, slice(0, self.n), max(n, 2 * capacity))

    def _grown(
        self, buffers: Mapping[str, NDArray[Any]], kept: Any, capacity: int
    ) -> dict[str, NDArray[Any]]:
        """New blocks with the kept entries."""
        new = {}
        for name, old in buffers.items():
            entries = old[: self.n][kept]
            new[name] = _core.aligned(capacity, old.dtype)
            new[name][: len(entries)] = entries
        return new

    def _adopt(self, buffers: dict[str, NDArray[Any]]) -> None:
        """Take other blocks; what was handed out of a block that is replaced turns read-only."""
        replaced = [name for name in self._lent if self.buffers[name] is not buffers[name]]
        for name in replaced:
            _set_writeable(self._lent.pop(name), False)
        self.buffers = buffers

    def _indexed(self, ids: NDArray[np.int64], n: int, next_id: int) -> NDArray[np.int64]:
        """Slots by id, -1 where there is none; empty where most ids are gone, since they are searched for then."""
        if not _is_dense(n, next_id):
            return np.empty(0, np.int64)
        known = len(self._slot_of)
        slot_of = np.full(next_id if next_id <= known else max(next_id, 2 * known), -1, np.int64)
        slot_of[ids[:n]] = np.arange(n)
        return slot_of

    def _ensure(self, name: str) -> None:
        if name not in self.buffers:
            self.buffers[name] = _core.aligned(len(self.buffers["id"]))
            self.buffers[name][:] = np.nan

    def _reserve(self, n: int) -> None:
        capacity = len(self.buffers["id"])
        if n > capacity:
            self._replace(slice(0, self.n), max(n, 2 * capacity))

    def _replace(self, kept: Any, capacity: int) -> None:
        """New blocks with the kept entries; what was handed out turns read-only."""
        self._adopt(self._grown(self.buffers, kept, capacity))
        self._handed.clear()

    def remove(self, slot: int) -> None:
        """Take one neuron out; the others close up.

        Parameters
        ----------
        slot : int
            Where it stands now.
        """
        kept = np.ones(self.n, bool)
        kept[slot] = False
        with self.all_or_nothing():
            self._replace(kept, len(self.buffers["id"]))
            self.n -= 1
            self._index()

    def exchange(
        self, kept: NDArray[np.bool_], groups: Sequence[tuple[int, str, Mapping[str, Any]]]
    ) -> NDArray[np.int64]:
        """Take several neurons out and add others behind the rest, all at once.

        Parameters
        ----------
        kept : ndarray of bool, shape (n,)
            Which of the present neurons stay.
        groups : sequence of (int, str, mapping)
            As for `append`.

        Returns
        -------
        ndarray of int64, shape (n_new,)
            The new ids.
        """
        with self.all_or_nothing():
            self._replace(kept, len(self.buffers["id"]))
            self.n = int(kept.sum())
            self._index()
            return self.append_all(groups)

    def _index(self) -> None:
        self._slot_of = self._indexed(self.buffers["id"], self.n, self.next_id)
        self.epoch += 1

    @property
    def _is_dense(self) -> bool:
        return _is_dense(self.n, self.next_id)

    def _slot(self, neuron_id: int) -> int:
        return int(self._slot_of[neuron_id]) if self._is_dense else int(self._slots(np.int64(neuron_id)))

    def _slots(self, ids: Any) -> Any:
        """Slots of ids from 0 to next_id - 1; -1 where there is none."""
        if self._is_dense:
            return self._slot_of[ids]
        own = self.buffers["id"][: self.n]
        at = np.searchsorted(own, ids)
        there = (
            (at < self.n) & (own[np.minimum(at, self.n - 1)] == ids) if self.n else np.zeros_like(at, bool)
        )
        return np.where(there, at, -1)


def _is_dense(n: int, next_id: int) -> bool:
    """Whether there is a table of all ids; where most of them are gone, they are searched for."""
    return next_id <= 16 * n + (1 << 20)


def model_of(part: Any, what: str) -> Any:
    """The model that columns or synapses are of.

    Parameters
    ----------
    part : NeuronColumns or SynapseStore
    what : str
        What is to be copied, for the message.

    Raises
    ------
    TypeError
        If it is gone.
    """
    model = part.model()
    if model is None:
        raise TypeError(f"{what}: cannot be copied or pickled, as its model is gone; keep the BrainModel")
    return model


def held(model: Any) -> Any:
    """The same model, which what is made of it keeps alive from now on: a view that came alone can travel on.

    Parameters
    ----------
    model : BrainModel
    """
    model._store.columns.model = model._store.model = lambda: model
    return model


def neuron_of(model: Any, neuron_id: int) -> _core.Neuron:
    """The view of a model's neuron of that id.

    Parameters
    ----------
    model : BrainModel
    neuron_id : int
    """
    return held(model).neurons[neuron_id]  # type: ignore[no-any-return]


def collection_of(model: Any, name: str) -> Any:
    """``model.neurons`` or ``model.synapses``.

    Parameters
    ----------
    model : BrainModel
    name : str
    """
    return getattr(held(model), name)


def distinct(slots: NDArray[Any]) -> NDArray[np.int32]:
    """The slots, ascending without repeats. They are marked: `numpy.unique` takes 0.5 us for each of a million."""
    there = np.zeros(int(slots.max(initial=-1)) + 1, bool)
    there[slots] = True
    return np.flatnonzero(there).astype(np.int32)


def _write(buffers: Mapping[str, NDArray[Any]], new: slice, model: str, values: Mapping[str, Any]) -> None:
    """Fill the entries of new neurons of one model; NaN in columns of other models."""
    about = MODELS[model]
    defaults = {name: default for name, (_, default) in FIXED_FIELDS.items()}
    for table in ("state", "params"):
        defaults |= {name: field["default"] for name, field in about[table].items()}
    given = {**defaults, "model": list(MODELS).index(model), **values}
    for name, field in about["params"].items():
        if isinstance(given[name], str):
            given[name] = _core.field_number(field, given[name])
    for name, buffer in buffers.items():
        buffer[new] = given.get(name, np.nan)


def synapse_of(model: Any, number: int) -> _core.Synapse:
    """The view of a model's synapse of that number."""
    return held(model).synapses[number]  # type: ignore[no-any-return]
