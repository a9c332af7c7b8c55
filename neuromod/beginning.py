"""How a simulation began, so that it can begin again: what `Simulation.reset` goes back to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.network.columns import MODELS
from neuromod.state import SavedPart

__all__ = ["Beginning"]

Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

_STATE = {"external_input", "last_spike_time", "spike_count", "health", "age"}
_PARAMETERS = {
    *("i_offset", "drive_rate", "drive_weight", "drive_noise", "drive_uniform"),
    *("drive_noise_per_step", "drive_uniform_per_step"),
}
STATE = frozenset(_STATE.union(*(about["state"] for about in MODELS.values())))
"""Columns of neurons that a reset brings back."""
PARAMETERS = frozenset(_PARAMETERS.union(*(about["params"] for about in MODELS.values()))) - STATE
"""Columns of neurons that it brings back on demand."""


def _compact(values: NDArray[Any]) -> NDArray[Any]:
    """A copy; of length 1 where all values are equal."""
    same = len(values) and np.array_equal(
        values, np.broadcast_to(values[:1], values.shape), equal_nan=values.dtype.kind == "f"
    )
    return values[:1].copy() if same else values.copy()


_MOST_BLOCKS = 16  # of neurons that were noted together


def _merged(blocks: list[tuple[Ints, Columns]]) -> tuple[Ints, Columns]:
    """Several blocks as one; NaN for a column that had no neurons when a block was noted."""
    names = dict.fromkeys(name for _, columns in blocks for name in columns)
    columns = {
        name: np.concatenate(
            [np.broadcast_to(own.get(name, np.array([np.nan])), ids.shape) for ids, own in blocks]
        )
        for name in names
    }
    return np.concatenate([ids for ids, _ in blocks]), {n: _compact(values) for n, values in columns.items()}


def _left(block: tuple[Ints, Columns], ids: Ints) -> tuple[Ints, Columns]:
    """A block of noted neurons without those that are no longer there."""
    there = np.isin(block[0], ids)
    if there.all():
        return block
    return block[0][there], {
        n: values if len(values) == 1 else values[there] for n, values in block[1].items()
    }


_INCOMPLETE = (-1, -1)  # something that was added waits for its first step


class Beginning:
    """The network as it was when the simulation first moved on.

    Neurons and projections that come later are noted as they are when they are first stepped. Of synapses under a rule
    the weights and state variables are kept: 4 bytes each where they differ within a projection.
    """

    def __init__(self) -> None:
        self._noted: tuple[int, int] | None = None  # epoch of the neurons, version of the synapses
        self._neurons: list[tuple[Ints, Columns]] = []
        self._synapses: dict[
            str, tuple[int, Columns, int]
        ] = {}  # name -> number, columns, number of synapses
        self._anchor: Any = None  # a view of the epoch in which they were noted: the moves since are kept
        self._epoch = 0
        self._first: dict[str, int] = {}  # number of each projection's first synapse in that epoch
        self.level: NDArray[np.float64] | None = None
        self.schedule: tuple[Ints, Ints] = (np.empty(0, np.int64), np.empty(0, np.int64))

    @property
    def is_noted(self) -> bool:
        """Whether the simulation has moved on."""
        return self._noted is not None

    # ---- noting ----------------------------------------------------------------------------------------------

    def noted(self, store: Any, level: NDArray[np.float64] | None, schedule: tuple[Ints, Ints]) -> Beginning:
        """The simulation is about to move on: this beginning, or one with what was not there before."""
        now = (store.columns.epoch, store.version)
        if now == self._noted:
            return self
        twin = copy.copy(self)
        if twin._noted is None:
            twin.level, twin.schedule = None if level is None else level.copy(), schedule
        twin._note_neurons(store.columns)
        twin._note_synapses(store)
        twin._noted = now
        return twin

    def _note_neurons(self, columns: Any) -> None:
        ids = columns.column("id")
        self._neurons = [left for block in self._neurons if len((left := _left(block, ids))[0])]
        known = np.concatenate([ids for ids, _ in self._neurons] or [np.empty(0, np.int64)])
        new = np.flatnonzero(~np.isin(ids, known))
        if len(new):
            kept = sorted(name for name in columns.buffers if name in STATE | PARAMETERS)
            self._neurons.append(
                (ids[new].copy(), {name: _compact(columns.column(name)[new]) for name in kept})
            )
        if len(self._neurons) > _MOST_BLOCKS:
            self._neurons = [_merged(self._neurons)]

    def _note_synapses(self, store: Any, new: bool = True) -> None:
        """`new`: also those of projections that are not noted yet, since they are about to be stepped."""
        noted: dict[str, tuple[int, Columns, int]] = {}
        first, firsts = 0, {}
        for table in store.tables:
            is_known = self._synapses.get(table.name, (-1,))[0] == table.number
            if table.learning.rule is not None and (new or is_known):
                noted[table.name] = table.number, self._aligned(store, table, first), len(table)
                firsts[table.name] = first
            first += len(table)
        self._synapses, self._first = noted, firsts
        self._hold(store)

    def _has_synapses_of(self, store: Any) -> bool:
        """Whether the synapses were noted as they are connected now."""
        ruled = {table.name: table.number for table in store.tables if table.learning.rule is not None}
        noted = {name: number for name, (number, _, _) in self._synapses.items()}
        return self._noted is not None and self._noted[1] == store.version and ruled == noted

    def _hold(self, store: Any) -> None:
        self._anchor = None
        self._anchor, self._epoch = store.hold_epoch()

    def _aligned(self, store: Any, table: Any, first: int) -> Columns:
        """Values of each of a projection's synapses when it was first stepped, in the present order."""
        now = table.weights.looked_at()
        number, old, n = self._synapses.get(table.name, (-1, {}, 0))
        if number != table.number:
            return {name: _compact(values) for name, values in now.items()}
        numbers = np.arange(n) + self._first[table.name]
        where = store.follow_all(self._epoch, numbers) - first
        there = where >= 0
        found = {}
        for name, values in now.items():
            whole = values.copy()
            whole[where[there]] = old[name] if len(old[name]) == 1 else old[name][there]
            found[name] = _compact(whole)
        return found

    def of_copy(self, own: Any, other: Any) -> Beginning:
        """The same for a copy of the network, whose store is `other`."""
        if not self.is_noted:
            return Beginning()
        is_complete = self._noted == (own.columns.epoch, own.version)
        self._note_synapses(own, new=False)
        twin = copy.copy(self)
        twin._neurons = list(self._neurons)
        twin._noted = (other.columns.epoch, other.version) if is_complete else _INCOMPLETE
        twin._hold(other)
        return twin

    # ---- going back ------------------------------------------------------------------------------------------

    def restore(
        self,
        store: Any,
        level: NDArray[np.float64] | None,
        weights: bool,
        parameters: bool,
        rated: NDArray[np.int64],
    ) -> None:
        """Bring the network back; no engine keeps its synapses then.

        `rated`: ids of neurons whose rates vary by themselves, so that these are no parameters.
        """
        self._note_neurons(store.columns)
        self._note_synapses(store)
        now = {
            table.name: dict(table.weights.values()) for table in store.tables if table.name in self._synapses
        }
        store.release()
        for table in store.tables:
            if table.name in self._synapses:
                _, columns, _ = self._synapses[table.name]
                for name, live in table.weights.live.items():
                    live[:] = now[table.name][name] if name == "weight" and not weights else columns[name]
        wanted = STATE | PARAMETERS if parameters else STATE
        for ids, columns in self._neurons:
            there = np.isin(ids, store.columns.column("id"))
            slots = store.columns.slots_of(ids[there])
            for name in wanted & set(columns):
                values = columns[name]
                store.columns.column(name)[slots] = values if len(values) == 1 else values[there]
            if "rate" in columns and not parameters:
                there &= np.isin(ids, rated)
                values = columns["rate"]
                slots = store.columns.slots_of(ids[there])
                store.columns.column("rate")[slots] = values if len(values) == 1 else values[there]
        if level is not None and self.level is not None:
            level[...] = self.level.reshape(level.shape)

    # ---- state -----------------------------------------------------------------------------------------------

    def state(self, store: Any) -> dict[str, Any] | None:
        """What `of_state` takes; None where the simulation has not moved on."""
        if not self.is_noted:
            return None
        if not self._has_synapses_of(store):
            self._note_synapses(store, new=False)
        return {
            "neurons": [{"id": ids, "columns": dict(columns)} for ids, columns in self._neurons],
            "synapses": {name: dict(self._synapses[name][1]) for name in sorted(self._synapses)},
            "level": np.empty(0) if self.level is None else self.level.ravel(),
            "schedule": {"steps": self.schedule[0], "ids": self.schedule[1]},
        }

    @classmethod
    def of_state(cls, part: SavedPart, store: Any, n_levels: int) -> Beginning:
        """The beginning that was saved, checked; what is wrong is noted in `part`."""
        made = cls()
        part.only("neurons", "synapses", "level", "schedule")
        if not part.has("neurons", "synapses", "level", "schedule"):
            return made
        blocks = part.value["neurons"]
        if not isinstance(blocks, list | tuple):
            part.wrong("neurons", "must be a list", blocks)
            return made
        for k, block in enumerate(blocks):
            own = SavedPart(block, f"{part.at('neurons')}[{k}]", part.problems)
            ids = own.array("id", "i8", (None,), 0)
            if ids is not None:
                kept = {name: a for name, a in store.columns.buffers.items() if name in STATE | PARAMETERS}
                made._neurons.append((ids, _columns(own.part("columns"), kept, len(ids), needs_all=False)))
        saved = part.part("synapses")
        tables = {table.name: table for table in store.tables if table.learning.rule is not None}
        saved.only(*tables)
        for name in sorted(set(tables) & set(saved.value)):
            table = tables[name]
            dtypes = {"weight": "f4", **{field: dtype for field, (dtype, _) in table.state_columns.items()}}
            kept = {field: np.empty(0, dtype) for field, dtype in dtypes.items()}
            columns = _columns(saved.part(name), kept, len(table), needs_all=True)
            made._synapses[name] = table.number, columns, len(table)
        level, spikes = part.array("level", "f8", (None,), 0.0, 1.0), part.part("schedule")
        steps, ids = spikes.array("steps", "i8", (None,), 0), spikes.array("ids", "i8", (None,), 0)
        if level is not None and len(level) not in (0, n_levels):
            part.wrong("level", f"must have {n_levels} entries", level)
        elif level is not None and len(level):
            made.level = level
        if steps is not None and ids is not None and len(steps) == len(ids):
            made.schedule = steps, ids
        elif steps is not None and ids is not None:
            spikes.wrong("ids", f"must be as long as steps, {len(steps)}", ids)
        made._settle_at(store)
        return made

    def _settle_at(self, store: Any) -> None:
        """What was taken over is that of the network as it stands."""
        if self.level is not None:
            self.level = self.level.copy()
        first = 0
        for table in store.tables:
            if table.name in self._synapses:
                self._first[table.name] = first
            first += len(table)
        known = np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in self._neurons)])
        ruled = {table.name for table in store.tables if table.learning.rule is not None}
        is_complete = np.all(np.isin(store.columns.column("id"), known)) and ruled == set(self._synapses)
        self._noted = (store.columns.epoch, store.version) if is_complete else _INCOMPLETE
        self._hold(store)


def _columns(part: SavedPart, known: Mapping[str, NDArray[Any]], n: int, needs_all: bool) -> Columns:
    """Saved columns of one value, or of n."""
    part.only(*known)
    if needs_all:
        part.has(*known)
    found = {}
    for name in part.value:
        if name not in known:
            continue
        values = part.array(name, known[name].dtype.str[1:], (None,))
        if values is not None and len(values) not in ({1, n} if n else {0, 1}):
            part.wrong(name, f"must have 1 entry or {n}", values)
        elif values is not None:
            found[name] = values
    return found
