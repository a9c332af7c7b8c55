"""All synapses of a network: projection by projection, and as columns over all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.closed import ReadOnly
from neuromod.network.areas import Areas
from neuromod.network.columns import model_of, synapse_of
from neuromod.network.draws import check_written
from neuromod.network.joining import join
from neuromod.network.layout import Layout, Learning, Rows, Whole
from neuromod.network.learning import relearn
from neuromod.network.members import label_of
from neuromod.network.moves import Moves
from neuromod.network.projection import Projection
from neuromod.network.synapses import SynapseTable, no_rows
from neuromod.network.wiring import checked_port
from neuromod.problems import shown

__all__ = ["Addition", "SynapseStore"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Addition = tuple[int, int, float, int, str]
"""A single synapse: source slot, target slot, weight (mV), delay (steps), type."""

_SINGLE = {"excitatory": "synapses", "inhibitory": "synapses_inhibitory"}


class SynapseStore:
    """The projections of one network in order, and the single additions that wait to be merged.

    Single additions wait in a list and are merged in one sort when somebody reads the synapses, so that a loop of n
    additions costs n and not n squared. `Weights` knows for each projection which copy of its weights is current;
    this class tells it when: `attach`, `release`, `resume`.

    The columns over all projections (`weight`, `pre_id`, ...) and the views of single synapses number the synapses
    through, projection by projection. A view remembers the epoch of its number; `moved` finds its number of today.
    """

    def __init__(self, areas: Areas, learning: Learning, check_rule: Any) -> None:
        """`learning`: the configuration's, which single synapses have. `check_rule`: see `changed_learning`."""
        self.check_rule = check_rule
        self.areas, self.columns, self.learning = areas, areas.columns, learning
        self.gate = areas.columns.gate
        self.edits: Any = None  # functions that change a projection's synapses: `neuromod.network.edits`
        self.model: Callable[[], Any] = lambda: None  # a weak reference to the model that they are of
        self.made = 0  # projections ever made: the salt of their draws
        self.threads = 1  # most that an engine of the network has had
        self.rejoined = 0  # changes of which static projections share rows, and how
        self.relearned = 0  # changes of the learning of a projection, and returns of joined rows
        self.division: Any = None  # `neuromod.network.division`; None: this process makes all synapses
        self.modulators: tuple[str, ...] = ()  # that a projection may name
        self.moves = 0  # times that an array of weights that engines borrow was replaced
        self.keeper: _core.Engine | None = None  # keeps projections whose weights are not current
        self.block = _core.SynapseBlock(self, self.gate)  # what views of synapses read and write
        self._tables: list[SynapseTable] = []
        self._faces: dict[str, Projection] = {}
        self._pending: list[Addition] = []
        self._version, self._moves = 0, Moves()
        self._weight: Floats | None = None  # over all projections, as handed out
        self._memory: Floats | None = None  # behind it, where there are several projections
        self._cache: dict[str, NDArray[Any]] = {}

    # ---- projections -----------------------------------------------------------------------------------------

    @property
    def tables(self) -> list[SynapseTable]:
        """The projections' synapses, in order; single additions are merged first."""
        self._settle_additions()
        return self._tables

    def _settle_additions(self) -> None:
        if self._pending:
            with self.all_or_nothing():
                pending, self._pending = self._pending, []
                self._merge(pending)

    @property
    def version(self) -> int:
        """Grows with every change of who is connected to whom."""
        self._settle_additions()
        return self._version

    @property
    def structure(self) -> int:
        """Grows with every change of neurons, synapses or learning."""
        return self.version + self.columns.epoch + self.relearned

    @property
    def projections(self) -> Mapping[str, Projection]:
        """The projections by name, read-only."""
        if len(self._faces) != len(self.tables):
            new, change = self.tables[len(self._faces) :], partial(relearn, self)
            self._faces = self._faces | {t.name: Projection(t, change, self) for t in new}
        return ReadOnly(self._faces, "projections")

    def __len__(self) -> int:
        return sum(len(table) for table in self.tables)

    def _new(
        self,
        name: str,
        kind: str,
        learning: Learning,
        port: str | None = None,
        rows: Rows | None = None,
        weight: Floats | float | None = None,
        delay: NDArray[np.uint16] | int = 1,
        order: Ints | None = None,
        whole: Whole | None = None,
    ) -> SynapseTable:
        """Append a projection; an empty one where no rows are given."""
        synapses = np.empty(0, np.float32) if weight is None else weight
        table = SynapseTable(
            self.columns,
            name,
            self.made,
            kind,
            port,
            learning,
            rows or no_rows(),
            synapses,
            delay,
            self._move,
            order,
            whole,
        )
        table.since = self._version + 1
        self.made += 1
        self._tables.append(table)
        return table

    def append(self, *about: Any) -> SynapseTable:
        """Add a projection; the arguments are those of `_new`."""
        table = self._new(*about)
        self._changed()
        return table

    def free_name(self, name: str | None, pre: Any, post: Any) -> str:
        """A checked name of a projection to be, made from its ends where none is given."""
        there, single = self.projections, _SINGLE.values()
        if name is not None:
            if not isinstance(name, str) or not name or name in there or name in single:
                raise ValueError(f"name: must be a new, non-empty string; got {shown(name)}")
            return name
        base = "_to_".join(map(label_of, (pre, post)))
        label, number = base, 2
        while label in there or label in single:
            label, number = f"{base}_{number}", number + 1
        return label

    def set_learning(self, table: SynapseTable, learning: Learning) -> None:
        """Let a projection learn otherwise from the next step on; its weights are current."""
        self._freeze_weight()
        self._weight = None
        table.learning = learning
        self.relearned += 1

    # ---- single synapses -------------------------------------------------------------------------------------

    def add(self, addition: Addition) -> _core.Synapse:
        """Let a single synapse wait to be merged, in a projection that is there at once; a view of it."""
        if all(table.name != _SINGLE[addition[4]] for table in self._tables):
            self._new(_SINGLE[addition[4]], addition[4], self.learning)
        view = self.block.view(-len(self._pending) - 1)
        self._pending.append(addition)
        return view

    def _merge(self, pending: list[Addition]) -> None:
        merged = np.empty(len(pending), np.int64)
        placed: dict[str, tuple[Ints, Ints]] = {}
        sizes = {table.name: len(table) for table in self._tables}
        for kind, name in _SINGLE.items():
            mine = np.flatnonzero([each[4] == kind for each in pending])
            if len(mine):
                placed[name] = (mine, self._extend(name, [pending[k] for k in mine]))
        moved, first = [], 0
        for table in self._tables:
            old, new = sizes.get(table.name, 0), np.arange(len(table))
            if table.name in placed:
                mine, new = placed[table.name]
                merged[mine] = first + new[old:]
            moved.append(first + new[:old])
            first += len(table)
        self._changed(moved=np.concatenate(moved), merged=merged)

    def _extend(self, name: str, rows: list[Addition]) -> Ints:
        """Add rows to the projection of single additions; returns where its old and new synapses now stand."""
        pre, post, weight, delay = (np.array(column) for column in list(zip(*rows, strict=True))[:4])
        table = next(t for t in self._tables if t.name == name)
        columns = {
            field: np.concatenate(
                [old, np.full(len(rows), table.state_columns.get(field, (None, 0))[1], old.dtype)]
            )
            for field, old in table.contents().items()
        }
        columns["weight"][-len(rows) :], columns["delay"][-len(rows) :] = weight, delay
        made = np.full(len(columns["weight"]), self._version + 1)
        made[: -len(rows)] = table.since
        other, where = table.replaced(
            np.concatenate([table.pre, pre]).astype(np.int32),
            np.concatenate([table.post, post]).astype(np.int32),
            columns,
            made if np.any(made != made[0]) else int(made[0]),
        )
        table.adopt(other)
        return where

    # ---- change ----------------------------------------------------------------------------------------------

    def remove_neuron(self, slot: int) -> None:
        """Take out the synapses of the neuron in that slot, and close up the slots behind it."""
        moved, offset, changes = [np.empty(0, np.int64)], 0, []
        close_up = np.arange(self.columns.n, dtype=np.int32)
        close_up[slot + 1 :] -= 1
        for table in self.tables:
            same = table.closed_up(slot)
            if same is not None:
                changes.append((table, same))
                moved.append(np.arange(len(table)) + offset)
                offset += len(table)
                continue
            pre, post = table.pre, table.post
            kept = (pre != slot) & (post != slot)
            columns = {name: column[kept] for name, column in table.contents().items()}
            since = table.since[kept] if isinstance(table.since, np.ndarray) else table.since
            other, where = table.replaced(close_up[pre[kept]], close_up[post[kept]], columns, since)
            changes.append((table, other))
            new = np.full(len(kept), -1)
            new[kept] = where + offset
            moved.append(new)
            offset += int(kept.sum())
        self.adopt(changes, np.concatenate(moved))

    def fit(self) -> None:
        """Cut all rows anew where the network has grown into other parts."""
        n = self.columns.n
        if all(table.fit(n) for table in self.tables):
            return
        moved, first, changes = [np.empty(0, np.int64)], 0, []
        for table in self.tables:
            where = np.arange(len(table))
            if not table.fit(n):
                other, where = table.replaced(table.pre, table.post, table.contents(), table.since)
                changes.append((table, other))
            moved.append(where + first)
            first += len(table)
        self.adopt(changes, np.concatenate(moved))

    def copy_from(self, other: SynapseStore) -> None:
        """Take over twins of the projections of another network with the same neurons."""
        self._tables = [table.twin(self.columns, self._move) for table in other.tables]
        self.made, self.modulators = other.made, other.modulators
        self._changed()

    def _move(self, rows: bool = False) -> None:
        self.moves += 1
        self.rejoined += rows

    def remove_table(self, gone: SynapseTable) -> None:
        """Take a projection out of the network, with its synapses."""
        moved, first = [np.empty(0, np.int64)], 0
        for table in self.tables:
            moved.append(np.full(len(table), -1) if table is gone else np.arange(len(table)) + first)
            first += 0 if table is gone else len(table)
        with self.all_or_nothing():
            self._tables = [table for table in self._tables if table is not gone]
            self._faces = {name: face for name, face in self.projections.items() if name != gone.name}
            self._changed(moved=np.concatenate(moved))
        gone.weights.drop()
        gone.is_removed = True

    def adopt(self, changes: Sequence[tuple[SynapseTable, SynapseTable]], moved: Ints | None) -> None:
        """Take what `SynapseTable.replaced` has made of some tables, all at once."""
        with self.all_or_nothing():
            for table, other in changes:
                table.adopt(other)
            self._changed(moved=moved)

    @contextlib.contextmanager
    def all_or_nothing(self, adds: bool = False) -> Iterator[None]:
        """A block after whose failure, say for want of memory, the synapses are what they were before it.

        References are all that is kept: no array of synapses is written in place in such a block. `adds`: no table that
        is there is changed.
        """
        touched = [] if adds else self._tables
        own, tables = dict(self.__dict__), [(t, dict(t.__dict__), t.weights.marked()) for t in touched]
        lists = list(self._tables), list(self._pending), dict(self._cache), self._moves.copy()
        block = self.block.epoch, self.block.stale
        try:
            yield
        except BaseException:
            self.__dict__.update(own)
            self._tables, self._pending, self._cache, self._moves = lists
            self.block.retreat(*block)
            if self._weight is not None:
                self._weight.flags.writeable = True
            for table, attributes, mark in tables:
                table.__dict__.update(attributes)
                table.weights.restore(mark)
                if table.tag is not None:
                    table.tag.flags.writeable = True
            raise

    def _changed(self, moved: Any = None, merged: Any = None) -> None:
        """Synapses were added (at the end, or `merged` from pending ones) or `moved`."""
        self._moves.add(self.block.live_epochs(), self.block.epoch, moved, merged)
        self._version += 1
        if self._weight is not None:
            self._weight.flags.writeable = False
        self._weight = None
        self._cache.clear()
        self.block.advance()

    # ---- for a simulation ------------------------------------------------------------------------------------

    def layout(self, threads: int = 1, engine: _core.Engine | None = None) -> Layout:
        """The network as an engine of so many threads takes it.

        `engine`: the one that is to be bound to it. Projections that it keeps, and that are as they were, stay with it:
        none of their synapses is brought to the present, so that their later bits stay as they are.
        """
        self._serve(threads)
        self.fit()
        if engine is None or engine is not self.keeper:
            self.hand_over()
        else:
            self.resume()
        self._part_with_kept()
        return self._layout()

    def layout_again(self, threads: int) -> Layout:
        """The same network, joined as fits now; what engines keep stays with them."""
        self._serve(threads)
        return self._layout()

    def _serve(self, threads: int) -> None:
        if threads > self.threads:
            self.threads = threads
            self.rejoined += 1

    def _layout(self) -> Layout:
        if self.keeper is not None:
            self.keeper.part_lazy()
        zone_of, zones = self.areas.zones()
        joined = join(self.tables, self.columns.n, self.threads)
        return Layout(
            version=self.structure,
            n=self.columns.n,
            columns=self.columns.buffers,
            groups=tuple(self.areas.groups(zone_of)),
            zone_of=zone_of,
            zones=tuple(zones),
            area_of=self.columns.column("area"),
            area_names=self.areas.names,
            projections=tuple(table.layout() for table in self.tables),
            changes=self._version,
            joined=joined,
        )

    def _part_with_kept(self) -> None:
        """Weights that an engine will keep leave the block of all weights: readings of them are written there."""
        for table in self._tables:
            if table.will_be_kept and table.weights.is_in_block:
                table.weights.leave_block()
                if self._weight is not None:
                    self._weight.flags.writeable = False
                    self.block.stale = True

    def attach(self, engine: _core.Engine) -> None:
        """An engine has been bound to the layout: it keeps what its `keepers` name from now on."""
        self.keeper = engine if engine.keepers else None
        for table in self._tables:
            if table.name in engine.keepers:
                table.keep(engine.keepers[table.name])
        self._freeze_weight()

    def release(self) -> None:
        """The engine that keeps projections gives them back."""
        self._freeze_weight()
        for table in self.tables:
            table.weights.release()
        self.keeper = None

    def hand_over(self) -> None:
        """As `release`, to an engine with another clock: every synapse is brought to the present."""
        self._freeze_weight()
        for table in self.tables:
            table.weights.hand_over()
        self.keeper = None

    def check_written(self, step: int) -> None:
        """Refuse what users have written to weights and eligibility traces that no simulation can go on from."""
        if self.columns.handed_out:
            check_written(self._tables, step)

    def resume(self) -> None:
        """The simulation is about to move on: what users have written goes to the keepers."""
        if self.keeper is None:
            return
        for table in self._tables if self.columns.handed_out else ():
            table.weights.resume()
        self._freeze_weight()

    def _freeze_weight(self) -> None:
        """The array over all projections is no longer current where an engine keeps some of them."""
        if self._weight is not None and self.keeper is not None:
            self._weight.flags.writeable = False
            self.block.stale = True

    # ---- columns over all projections ------------------------------------------------------------------------

    def weight(self) -> Floats:
        """All weights in one array, of which each projection holds a slice; made on first request."""
        with self.gate:
            return self._weights()

    def _weights(self) -> Floats:
        tables = self.tables
        if self.gate.foreign:
            whole = np.concatenate([t.weights.array() for t in tables] or [np.empty(0, np.float32)])
            whole.flags.writeable = False
            return whole
        if self._weight is None or self.block.stale:
            if len(tables) == 1:
                self._weight = tables[0].weights.array()[
                    :
                ]  # a change of the network makes this view stale alone
            else:
                self._weight = self._gather(tables)
            self.block.bind(self._weight)
            self.block.stale = False
        return self._weight

    def _gather(self, tables: list[SynapseTable]) -> Floats:
        """The slices of the projections that are not there already or not current, in a new array object."""
        known = self._memory if self._weight is not None else None
        memory = self._memory = np.empty(len(self), np.float32) if known is None else known
        block, first = memory[:], 0
        for table in tables:
            if known is None or not table.weights.is_in_block:
                table.weights.lend(block[first : first + len(table)])
            first += len(table)
        return block

    def _cached(self, name: str, dtype: Any) -> Any:
        tables = self.tables
        if name not in self._cache:
            parts = [getattr(table, name) for table in tables]
            column = np.concatenate(parts) if parts else np.empty(0, dtype)
            column.flags.writeable = False
            self._cache[name] = column
        return self._cache[name]

    def pre_id(self) -> Ints:
        """Id of each synapse's source."""
        return self._cached("pre_id", np.int64)  # type: ignore[no-any-return]

    def post_id(self) -> Ints:
        """Id of each synapse's target."""
        return self._cached("post_id", np.int64)  # type: ignore[no-any-return]

    def delay(self) -> NDArray[np.uint16]:
        """Delay of each synapse, steps."""
        return self._cached("delay", np.uint16)  # type: ignore[no-any-return]

    def tags(self) -> Floats:
        """All tags in one array, of which each projection holds a slice."""
        tables = self.tables
        if "tags" not in self._cache:
            block = np.concatenate([table.plasticity_tag for table in tables] or [np.empty(0, np.float32)])
            first = 0
            for table in tables:
                table.plasticity_tag = block[first : first + len(table)]
                first += len(table)
            self._cache["tags"] = block
        return self._cache["tags"]

    def forget_tags(self) -> None:
        """The array of all tags is no longer that of the projections."""
        self._cache.pop("tags", None)

    # ---- for views of single synapses ------------------------------------------------------------------------

    def view(self, number: int) -> _core.Synapse:
        """The synapse of that number today."""
        self._show()
        return self.block.view(number)

    def views(self) -> Iterator[_core.Synapse]:
        """All synapses, in order."""
        n = len(self)
        self._show()
        return self.block.iterate(n)

    def _show(self) -> None:
        """Make the block current that views read; another thread than the one that runs reads synapse by synapse."""
        if not (self.gate.running and self.gate.foreign):
            self.weight()

    def _table_of(self, number: int) -> tuple[SynapseTable, int]:
        for table in self.tables:
            if number < len(table):
                return table, number
            number -= len(table)
        raise IndexError(number)

    def weight_of(self, number: int) -> float:
        """The weight of one synapse now."""
        table, k = self._table_of(number)
        return table.weights.one(k)

    def field(self, number: int, name: str) -> Any:
        """A field of one synapse."""
        if name == "plasticity_tag":
            return self.tags()[number]
        return getattr(self._table_of(number)[0], name)

    def set_field(self, number: int, name: str, value: float) -> None:
        """Set the tag of one synapse, the only field that can be set here."""
        self.tags()[number] = value

    def moved(self, epoch: int, number: int) -> int:
        """The number today of the synapse that had `number` at `epoch`; RemovedError if it was removed."""
        self._show()
        number = self._moves.follow(epoch, number)
        if number < 0:
            raise _core.RemovedError("synapse: must be in the network; it was removed")
        return number

    def follow_all(self, epoch: int, numbers: Ints) -> Ints:
        """As `moved`, of many; -1 for a synapse that was removed."""
        return self._moves.follow_all(epoch, numbers)

    def hold_epoch(self) -> tuple[Any, int]:
        """A view of the present epoch, from which `follow_all` leads on while it is held; and the epoch."""
        view = self.block.view(0)
        self._moves.trim(self.block.live_epochs())
        return view, self.block.epoch

    def number_of(self, synapse: _core.Synapse) -> int | None:
        """The number of a view's synapse today; None where it is of another network, or was removed."""
        len(self)  # merges what waits
        try:
            return synapse._number(self.block)
        except _core.RemovedError:
            return None

    def ends(self, epoch: int, number: int) -> tuple[int, int]:
        """Ids of source and target of a synapse, which never change; of one that waits, without merging it."""
        if number < 0 and epoch == self.block.epoch:
            pre, post = self._pending[-1 - number][:2]
            ids = self.columns.column("id")
            return int(ids[pre]), int(ids[post])
        today = self.moved(epoch, number)
        return int(self.pre_id()[today]), int(self.post_id()[today])

    def synapse_again(self, synapse: _core.Synapse) -> tuple[Any, ...]:
        """How a view of a synapse is pickled: with its model."""
        model = model_of(self, "synapse")
        return synapse_of, (model, model.synapses.index(synapse))

    # ---- state -----------------------------------------------------------------------------------------------

    def restore_projection(
        self,
        name: str,
        number: int,
        synapse_type: str,
        port: str | None,
        learning: Learning,
        pre: NDArray[np.int32],
        post: NDArray[np.int32],
        columns: Mapping[str, Any],
        rows: tuple[int, int, int] | None,
    ) -> None:
        """Append a projection as it was saved; `neuromod.network.saved` has checked it. `restored` ends them."""
        checked_port(self.areas, post, port)
        self.made = number
        table = self._new(name, synapse_type, learning, port)
        if "plasticity_tag" in columns:
            table.plasticity_tag = np.empty(0, np.float32)
        if "order" in columns:
            table.order = np.empty(0, np.int64)
        table.replace(pre, post, columns, rows)

    def restored(self, made: int) -> None:
        """All projections are there. `made`: projections ever made, the salt of the draws to come."""
        self.made = made
        self._changed()
