"""The synapses of one projection: rows by presynaptic neuron, and the columns that go with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.columns import NeuronColumns
from neuromod.network.joined import JoinedPart
from neuromod.network.layout import Learning, ProjectionLayout, Rows, Whole
from neuromod.network.runs import Member, PackedRuns
from neuromod.network.weights import Weights

__all__ = ["SynapseTable", "by_delay", "no_rows"]

Int32s = NDArray[np.int32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Delays = NDArray[np.uint16]
_SOME = 1 << 18  # synapses whose order is looked at together, so that they stay in the cache


def no_rows() -> Rows:
    """The rows of a projection without synapses."""
    return 0, np.zeros(1, np.int64), np.empty(0, np.uint16)


def by_delay(bucket_start: Ints, delay: Delays) -> Ints:
    """The order in which synapses stand once each place is sorted by delay, as `sort_rows_by_delay` sorts them."""
    bucket = np.repeat(np.arange(len(bucket_start) - 1), np.diff(bucket_start))
    return np.lexsort((np.arange(len(delay)), delay, bucket))


def _sorted(
    pre: Int32s, post: Int32s, delay: NDArray[Any], n_neurons: int
) -> tuple[int, Ints, Int32s, Ints | slice]:
    """First source, start of each row, targets and order of synapses by source, part of the target, delay and target.

    The order is a slice of all where they come so, as from a file.
    """
    width = _core.partitions(n_neurons)[1]
    if len(pre) and _ascend(pre, post, delay, width):
        first = int(pre[0])
        row_start = np.concatenate([[0], np.cumsum(np.bincount(pre - first))]).astype(np.int64)
        return first, row_start, np.ascontiguousarray(post, np.int32), slice(None)
    first, row_start, targets, order = _core.build_pairs(pre, post)
    if np.any(delay != delay[:1]):
        by_delay = np.argsort(_place(pre, post, delay, width)[order], kind="stable")
        order, targets = order[by_delay], targets[by_delay]
    return first, row_start, targets, order


def _ascend(pre: Int32s, post: Int32s, delay: NDArray[Any], width: int) -> bool:
    """Whether synapses stand by place, and by target where it is the same."""
    for first in range(0, len(pre), _SOME):
        here = slice(max(first - 1, 0), first + _SOME)
        place, targets = _place(pre[here], post[here], delay[here], width), post[here]
        rise = np.diff(place)
        if np.any(rise < 0) or np.any(targets[1:][rise == 0] < targets[:-1][rise == 0]):
            return False
    return True


def _place(pre: Int32s, post: Int32s, delay: NDArray[Any], width: int) -> Ints:
    """Source, part of the target, and delay of each synapse, as one number that sorts."""
    place = pre.astype(np.int64)
    place <<= 16
    place |= post // width
    place <<= 16
    place |= delay.astype(np.int64)
    return place


def _taken(column: NDArray[Any], order: Ints | slice, dtype: Any) -> NDArray[Any]:
    """A column in another order. A new array."""
    return np.array(column, dtype) if isinstance(order, slice) else np.ascontiguousarray(column[order], dtype)


def _widened(pre_first: int, row_start: Ints, rows: tuple[int, int, int]) -> tuple[int, Ints]:
    """Rows with empty ones before and behind them, so that they are `count` from `first` on."""
    first, count, _ = rows
    before = int(pre_first) - first
    behind = count + 1 - before - len(row_start)
    return first, np.pad(row_start, (before, behind), mode="edge")


class SynapseTable:
    """Synapses of one kind under one rule, each row sorted by (part of the network, delay, target)."""

    def __init__(
        self,
        columns: NeuronColumns,
        name: str,
        number: int,
        synapse_type: str,
        port: str | None,
        learning: Learning,
        rows: Rows,
        weight: Floats | float,
        delay: Delays | int,
        moved: Callable[..., None],
        order: Ints | None = None,
        whole: Whole | None = None,
    ) -> None:
        """`port`: None: the type's. `number`: salt of the draws. `moved`: called when the weights are replaced.

        `order`: of pairs, which one became each synapse; it is sorted here. `whole`: of which the rows are a part.
        """
        self.columns, self.moved = columns, moved
        self.name, self.number, self.synapse_type, self.port = (
            name,
            number,
            synapse_type,
            port or synapse_type,
        )
        scaled = learning.rule is not None and synapse_type == "excitatory"
        self.learning = learning if scaled else replace(learning, homeostatic=None)
        rule = {} if learning.rule is None else _core.plasticity_rules()[learning.rule]
        self.state_columns = self.fields_of(learning)
        self.will_be_kept = bool(rule.get("lazy") or rule.get("advance"))  # by an engine: see `Weights`
        self.tag: Floats | None = None
        self.is_removed = False  # from the network, as a whole
        self.since: Ints | int = (
            0  # count of the network's changes that made each synapse; one number for all
        )
        self.whole = whole  # of which this is the part that one of several processes holds
        self.joinable = False  # see `neuromod.network.joining`
        self.joined: JoinedPart | None = None  # where the rows are, if not here
        self.parted = 0  # times that the rows came back
        self._set_rows(rows, weight, delay, order)
        self.order = order

    @staticmethod
    def fields_of(learning: Learning) -> Mapping[str, tuple[str, Any]]:
        """Columns of the rule beside the weight: type and first value."""
        if learning.rule is None:
            return {}
        return _core.plasticity_rules()[learning.rule].get("synapse_columns", {})  # type: ignore[no-any-return]

    # ---- who is connected to whom ----------------------------------------------------------------------------

    def _set_rows(
        self, rows: Rows, weight: Floats | float, delay: Delays | int, pair: Ints | None = None
    ) -> None:
        """Buckets whose targets ascend, cut into the delay runs that the core works on; `pair` is sorted likewise."""
        self.pre_first, bucket_start, target = rows
        delay = self._one_delay(delay)
        self.n_neurons, self.n_synapses = self.columns.n, len(target)
        first, end = self.parts
        if end > first:
            self.row_start = bucket_start[:: end - first].copy()
        else:  # a process without neurons
            self.row_start = np.zeros(len(self.sources) + 1, np.int64)
        self._targets: NDArray[np.uint8] | None = None
        if isinstance(delay, np.ndarray):
            own = weight if isinstance(weight, np.ndarray) else None
            _core.sort_rows_by_delay(bucket_start, delay, target, own, pair)
            self.equal_delay = 1
        else:
            self.equal_delay = int(delay)
        self._own_rows(bucket_start, target, delay)
        self.weights = Weights(
            len(target),
            weight,
            self.state_columns,
            self.learning.rule is not None,
            self.moved,
            self.columns,
        )

    def _one_delay(self, delay: Delays | int) -> Delays | int:
        """One number where all synapses, of the whole, have the same delay."""
        if not isinstance(delay, np.ndarray):
            return delay
        if self.whole is not None:
            least, greatest = self.whole.delays
            return least if least == greatest else delay
        if not len(delay) or np.all(delay == delay[0]):
            return int(delay[0]) if len(delay) else 1
        return delay

    def _own_rows(self, bucket_start: Ints, target: NDArray[np.uint16], delay: Delays | int) -> None:
        """Keep rows here: `bucket_run` and `run_delay` are None where all delays are equal."""
        self.joined, self.bitmap = None, _core.Bitmap()
        self.target = target
        self._runs: tuple[Ints | None, Ints, Delays | None] | PackedRuns = None, bucket_start, None
        self.delays = (self.equal_delay, self.equal_delay)
        if isinstance(delay, np.ndarray):
            self._runs = runs = _core.build_runs(bucket_start, delay)
            if len(runs[2]):
                self.delays = int(runs[2].min()), int(runs[2].max())
            if self.whole is None and self.learning.rule is None and self.learning.short_term is None:
                self._runs = PackedRuns(*runs)  # until an engine asks: a shared table may take them
        if self.whole is not None:
            self.delays = self.whole.delays

    def _unpacked(self) -> tuple[Ints | None, Ints, Delays | None]:
        """First run of each bucket and delay of each run, None where all delays are equal; and start of each run."""
        if isinstance(self._runs, PackedRuns):
            bucket_run, run_start, run_delay = self._runs.all()
            self._runs = bucket_run, run_start, run_delay
        return self._runs

    def set_runs(self, bucket_run: Ints | None, run_start: Ints, run_delay: Delays | None) -> None:
        """Take these runs; the synapses have been chosen from those there were, in their order."""
        self._runs = bucket_run, run_start, run_delay

    @property
    def bucket_run(self) -> Ints | None:
        """First delay run of each bucket; one entry more than there are buckets. None where all delays are equal."""
        return self._unpacked()[0]

    @property
    def run_start(self) -> Ints:
        """First synapse of each delay run; one entry more than there are runs."""
        return self._unpacked()[1]

    @property
    def run_delay(self) -> Delays | None:
        """Delay of each run, steps. None where all delays are equal."""
        return self._unpacked()[2]

    @property
    def target(self) -> NDArray[np.uint16]:
        """Slot of each synapse's target, from the first slot of its part of the network."""
        if self._target is None:
            assert isinstance(self.weights.keeper, _core.LazyKeeper)
            return self.weights.keeper.targets()
        return self._target

    @target.setter
    def target(self, value: NDArray[np.uint16]) -> None:
        self._target: NDArray[np.uint16] | None = value

    @property
    def order(self) -> Ints | None:
        """Which of the pairs became each synapse; None: they were drawn. A new array; kept in 4 bytes each."""
        return None if self._order is None else self._order.astype(np.int64)

    @order.setter
    def order(self, value: Ints | None) -> None:
        if value is not None and (not len(value) or value.max() < 2**32):
            self._order: NDArray[Any] | None = value.astype(np.uint32)
        else:
            self._order = value

    # ---- rows that are shared --------------------------------------------------------------------------------

    @property
    def n_rows(self) -> int:
        """Number of sources, those without synapses among them."""
        return len(self.row_start) - 1

    @property
    def sources(self) -> NDArray[np.bool_]:
        """Whether each row has a synapse; of the whole."""
        if self.whole is not None:
            return self.whole.sources
        return np.diff(self.row_start) > 0

    def targets(self, n_neurons: int) -> NDArray[np.uint8]:
        """Whether each neuron is a target, 0 or 1, shape (n_neurons,); of the whole. A new array."""
        if self._targets is None and self.whole is not None:
            self._targets = self.whole.targets
        if self._targets is None:
            self._targets = np.packbits(_core.targets_of(self._by_bucket(), self.n_neurons))
        found = np.zeros(n_neurons, np.uint8)
        found[: self.n_neurons] = np.unpackbits(self._targets, count=self.n_neurons)
        return found

    @property
    def is_watched(self) -> bool:
        """Whether the weights may be written through an array, or the synapses were made at several times."""
        return self.parted > 0 or self.weights.is_handed_out or isinstance(self.since, np.ndarray)

    def keep(self, keeper: _core.LazyKeeper | _core.EventKeeper) -> None:
        """An engine takes the synapses over."""
        self.weights.keep(keeper)
        if isinstance(keeper, _core.LazyKeeper):
            keeper.owner = self

    def leave(self) -> None:
        """The keeper has moved the synapses into rows that several projections share while they run."""
        self._target, self.weights.live = None, {}

    def come_back(
        self, keeper: _core.LazyKeeper, target: NDArray[np.uint16], columns: Mapping[str, Floats]
    ) -> None:
        """The keeper has the synapses to itself again; targets that have been renumbered since stay."""
        if keeper is self.weights.keeper:
            self._target = target if self._target is None else self._target
            self.weights.live = dict(columns)

    def enter(self, part: JoinedPart) -> None:
        """Leave rows and weights to a shared table, which has taken them over."""
        self._runs, self._target = (None, np.zeros(1, np.int64), None), None
        self.joined = part
        self.weights.enter(part, self._watch)

    def part(self) -> None:
        """Take rows and weights back from a shared table."""
        if self.joined is None:
            return
        self.weights.part()
        self._take_rows(self.joined)

    def _take_rows(self, part: JoinedPart) -> None:
        """Keep rows here that are in a shared table."""
        start, target, delay = part.own()
        least, greatest = self.delays
        self._own_rows(start, target, least if least == greatest else delay)

    def _watch(self) -> None:
        """Somebody asks for an array of the weights: they stay here from now on."""
        self.parted += 1
        self.part()
        self.moved(rows=True)

    def __len__(self) -> int:
        return self.n_synapses

    @property
    def bucket_start(self) -> Ints:
        """First synapse of each bucket; one entry more than there are buckets."""
        if self.joined is not None:
            return self.joined.own()[0]
        if isinstance(self._runs, PackedRuns):
            return self._runs.bucket_start()
        return self.run_start if self.bucket_run is None else self.run_start[self.bucket_run]

    @property
    def delay(self) -> Delays:
        """Delay of each synapse, steps. A new array."""
        if self.joined is not None:
            return self.joined.own()[2]
        if isinstance(self._runs, PackedRuns):
            return self._runs.delays()
        if self.run_delay is None:
            return np.full(len(self), self.equal_delay, np.uint16)
        return np.repeat(self.run_delay, np.diff(self.run_start))

    @property
    def pre(self) -> Int32s:
        """Slot of each synapse's source. A new array."""
        rows = np.arange(self.pre_first, self.pre_first + len(self.row_start) - 1, dtype=np.int32)
        return np.repeat(rows, np.diff(self.row_start))

    @property
    def post(self) -> Int32s:
        """Slot of each synapse's target. A new array."""
        start, target = self.joined.own()[:2] if self.joined is not None else (self.bucket_start, self.target)
        first, end = self.parts
        return _core.target_slots(
            start, target, first, max(1, end - first), _core.partitions(self.n_neurons)[1]
        )

    @property
    def parts(self) -> tuple[int, int]:
        """Partitions of the network that have buckets in the rows: the first, and one past the last."""
        return (0, _core.partitions(self.n_neurons)[0]) if self.whole is None else self.whole.parts

    @property
    def pre_id(self) -> Ints:
        """Id of each synapse's source. A new array."""
        return self.columns.column("id")[self.pre]

    @property
    def post_id(self) -> Ints:
        """Id of each synapse's target. A new array."""
        return self.columns.column("id")[self.post]

    @property
    def plasticity_tag(self) -> Floats:
        """A number of the user's own for each synapse; made on first use, since most networks never read it."""
        if self.tag is None:
            self.tag = np.zeros(len(self), np.float32)
        return self.tag

    @plasticity_tag.setter
    def plasticity_tag(self, value: Floats) -> None:
        self.tag = value

    def layout(self) -> ProjectionLayout:
        """What an engine needs. The weights must not be kept by an engine."""
        return self._own_layout(self._unpacked()) if self.joined is None else self._joined_layout(self.joined)

    def member(self) -> Member:
        """What a shared table needs, to take the synapses over."""
        packed = self._runs if isinstance(self._runs, PackedRuns) else None
        layout = self._own_layout((None, np.zeros(1, np.int64), None) if packed else self._unpacked())
        self.targets(self.n_neurons)
        assert self._targets is not None
        return Member(layout, packed, self.row_start, self._targets, self.delays)

    def is_dense(self, n_neurons: int) -> bool:
        """Whether the projection, whose rows are its own, has bitmaps."""
        return not isinstance(self._runs, PackedRuns) and bool(_core.is_dense(self.layout(), n_neurons))

    def _by_bucket(self) -> ProjectionLayout:
        """As `layout`, with one run for each bucket, whatever the delays."""
        return self._own_layout((None, self.bucket_start, None))

    def _own_layout(self, runs: tuple[Ints | None, Ints, Delays | None]) -> ProjectionLayout:
        bucket_run, run_start, run_delay = runs
        state = {name: array for name, array in self.weights.live.items() if name != "weight"}
        return ProjectionLayout(
            name=self.name,
            number=self.number,
            pre_first=self.pre_first,
            n_rows=len(self.row_start) - 1,
            run_start=run_start,
            target=self.target,
            weight=self.weights.live.get("weight"),
            equal_weight=self.weights.equal,
            bucket_run=bucket_run,
            run_delay=run_delay,
            equal_delay=self.equal_delay,
            since=self.since,
            inhibitory=self.synapse_type == "inhibitory",
            port=self.port,
            learning=self.learning,
            state=state,
            bitmap=self.bitmap,
            whole=self.whole,
            joinable=self.joinable,
        )

    def _joined_layout(self, part: JoinedPart) -> ProjectionLayout:
        """What an engine needs of a projection whose rows are in a shared table."""
        return ProjectionLayout(
            name=self.name,
            number=self.number,
            pre_first=self.pre_first,
            n_rows=self.n_rows,
            run_start=np.zeros(1, np.int64),
            target=np.empty(0, np.uint16),
            weight=None,
            equal_delay=self.delays[0],
            since=self.since,
            inhibitory=self.synapse_type == "inhibitory",
            port=self.port,
            learning=self.learning,
            whole=self.whole,
            joinable=True,
            joined=(part.rows, part.member),
            joined_size=len(self),
            longest_delay=self.delays[1],
        )

    # ---- change ----------------------------------------------------------------------------------------------

    def fit(self, n_neurons: int) -> bool:
        """Whether places and segments still are those of a network of so many neurons.

        A network of one part needs no new cut when it grows within that part.
        """
        cut, new = _core.partitions(self.n_neurons), _core.partitions(n_neurons)
        if cut != new and (cut[0] > 1 or new[0] > 1):
            return False
        if n_neurons != self.n_neurons:
            self.n_neurons, self.bitmap = n_neurons, _core.Bitmap()
        return True

    def closed_up(self, slot: int) -> SynapseTable | None:
        """A table of the same synapses, for `adopt`, once the neuron in that slot is gone; None where rows change.

        What an engine keeps stays with it: no synapse is brought to the present.
        """
        is_outside = slot < self.pre_first or slot >= self.pre_first + self.n_rows
        is_whole = self.whole is None and _core.partitions(self.columns.n)[0] == 1
        has_own_rows = self.learning.rule is not None or self.learning.short_term is not None
        if not (has_own_rows and is_outside and is_whole) or np.any(self.target == slot):
            return None
        other = copy.copy(self)
        other.pre_first -= slot < self.pre_first
        other.target = self.target - (self.target > slot).astype(np.uint16)
        other._targets, other.bitmap = None, _core.Bitmap()
        return other

    def contents(self) -> dict[str, Any]:
        """Every per-synapse column, by name, as it is now."""
        return {**self.weights.values(), **self.own_columns()}

    def own_columns(self) -> dict[str, Any]:
        """Every per-synapse column but those of `Weights`."""
        found: dict[str, Any] = {"delay": self.delay}
        if self.tag is not None:
            found["plasticity_tag"] = self.tag
        if self.order is not None:
            found["order"] = self.order
        return found

    def replaced(
        self,
        pre: Int32s,
        post: Int32s,
        columns: Mapping[str, Any],
        since: Ints | int,
        rows: tuple[int, int, int] | None = None,
        division: Any = None,
    ) -> tuple[SynapseTable, Ints]:
        """A table of other synapses, with columns as `contents` gives them, for `adopt`; nothing is changed.

        `division`: of a part: by what it is put together with the others, which make the same call.

        Also returns the position of each given synapse.
        """
        other = copy.copy(self)
        order = other._replace(pre, post, columns, since, rows, division)
        where = np.arange(len(pre))
        if not isinstance(order, slice):
            where[order] = where.copy()
        return other, where

    def adopt(self, other: SynapseTable) -> None:
        """Take what `replaced` has made in place of the present synapses. Nothing in here fails."""
        if other.weights is not self.weights:
            self.weights.drop()
        if self.tag is not None and other.tag is not self.tag:
            self.tag.flags.writeable = False
        self.__dict__.update(other.__dict__)

    def replace(
        self,
        pre: Int32s,
        post: Int32s,
        columns: Mapping[str, Any],
        rows: tuple[int, int, int] | None = None,
    ) -> None:
        """Take other synapses, with columns as `contents` gives them, in place of the present ones.

        `rows`: first source, number of sources, and the delay of a projection without synapses; the sources of `pre`
        are among them. Default: from the first source that has a synapse to the last, and 1.
        """
        other = copy.copy(self)
        other._replace(pre, post, columns, 0, rows)
        self.adopt(other)

    def _replace(
        self,
        pre: Int32s,
        post: Int32s,
        columns: Mapping[str, Any],
        since: Ints | int,
        rows: tuple[int, int, int] | None,
        division: Any = None,
    ) -> Ints | slice:
        """Returns the order in which the given synapses stand."""
        pre_first, row_start, targets, order = _sorted(pre, post, columns["delay"], self.columns.n)
        if rows is not None:
            pre_first, row_start = _widened(pre_first if len(pre) else rows[0], row_start, rows)
        delay = _taken(columns["delay"], order, np.uint16)
        weight = columns["weight"]
        unseen = self.weights.is_equal or not len(self)
        plain = self.learning.rule is None and unseen and len(weight) > 0
        equal = plain and bool(np.all(weight == weight[0]))
        if division is not None and self.weights.is_equal and not len(weight):  # as where there are some
            equal, weight = True, np.array([self.weights.equal])
        if self.tag is not None:
            self.tag = _taken(columns["plasticity_tag"], order, np.float32)
        self.since = _taken(since, order, np.int64) if isinstance(since, np.ndarray) else since
        if self.order is not None:
            self.order = _taken(columns["order"], order, np.int64)
        places = _core.build_buckets(row_start, np.ascontiguousarray(targets), self.columns.n)
        own = float(weight[0]) if equal else _taken(weight, order, np.float32)
        made: Rows = (int(pre_first), *places)
        lags = delay if rows is None or len(delay) else rows[2]
        built = None
        if division is not None:
            built, self.whole = division.parted(self, made, delay)
            made = built.rows
            lags = delay if self.whole.n_synapses else self.equal_delay
        self._set_rows(made, own, lags)
        for field, (dtype, _) in self.state_columns.items():
            self.weights.live[field] = _taken(columns[field], order, dtype)
        if division is not None:
            division.finish(self, built)
        return order

    def twin(self, columns: NeuronColumns, moved: Callable[..., None]) -> SynapseTable:
        """The same of a copy of the network, over its columns: what never changes is shared, the rest is copied."""
        other = copy.copy(self)
        other.columns, other.moved, other.since = columns, moved, 0
        other.parted = 0
        if self.joined is not None:
            other._take_rows(self.joined)
        else:
            other.target = self.target
        other.weights = Weights(len(self), self.weights.equal, {}, False, moved, columns)
        if not self.weights.is_equal:
            other.weights.live = {name: array.copy() for name, array in self.weights.values().items()}
        other.tag = None if self.tag is None else self.tag.copy()
        return other
