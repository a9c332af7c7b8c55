"""Projections: the synapses that one call of ``connect`` made, with their rule of plasticity."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

if TYPE_CHECKING:
    from neuromod.config.plasticity import Plasticity
    from neuromod.network.columns import NeuronColumns

__all__ = ["Projection"]

Int32s = NDArray[np.int32]
Ints = NDArray[np.int64]
Weights = NDArray[np.float32]
Rows = tuple[int, Ints, NDArray[np.uint16]]


class Projection:
    """Synapses of one kind, in rows by presynaptic neuron, each row sorted by (part of the network, delay, target).

    Made by `Simulation.connect`; found again in ``sim.projections[name]``.

    Parameters
    ----------
    columns : NeuronColumns
        The neurons that it connects.
    name : str
    number : int, >= 0
        Salt of its draws; no other projection of the model had it.
    synapse_type : {"excitatory", "inhibitory"}
        An inhibitory synapse acts as ``-abs(weight)``.
    plasticity : Plasticity
        Its rule, checked.
    rows : tuple of (int, ndarray of int64, ndarray of uint16)
        First source slot, start of each place, targets counted from the first slot of their part.
    weight : float or ndarray of float32, shape (n_synapses,), mV
        One for all, or kept, not copied.
    delay : int or ndarray of uint16, shape (n_synapses,), steps

    Attributes
    ----------
    name, number, synapse_type
        As given.
    rule : str or None
        Registered rule of plasticity; None: the weights do not change by themselves.
    rule_params : mapping of str to float
        The rule's parameters, read-only.
    weight_min, weight_max : float, mV
        Bounds of plastic weights.
    weight_decay : float, 0 to 1
        Share of a plastic weight lost in each step.
    weight_dependence : float, >= 0
        0: hard bounds; else the exponent of soft ones.
    short_term : mapping of str to float, or None
        ``U``, ``tau_rec`` and ``tau_facil`` (ms) of short-term plasticity; None: a spike has all of the weight.
    homeostatic : mapping of str to float, or None
        ``target_rate`` (Hz), ``tau``, ``strength`` and ``every`` (ms) of homeostatic scaling; None: there is none.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> p = sim.connect("V1_like", "V1_like", out_degree=5, weight=0.1, synapse_type="excitatory", name="local")
    >>> p
    Projection('local', synapses=400, excitatory, rule='hebbian')
    """

    def __init__(
        self,
        columns: NeuronColumns,
        name: str,
        number: int,
        synapse_type: str,
        plasticity: Plasticity,
        rows: Rows,
        weight: Weights | float,
        delay: NDArray[np.uint16] | int,
    ) -> None:
        self._columns = columns
        self.name, self.number, self.synapse_type = name, number, synapse_type
        self.rule = None if plasticity.rule == "none" else plasticity.rule
        self.rule_params: Mapping[str, float] = MappingProxyType(dict(plasticity.params))
        self.weight_min, self.weight_max = plasticity.weight_min, plasticity.weight_max
        self.weight_decay = plasticity.weight_decay
        self.weight_dependence = plasticity.weight_dependence
        self.short_term, self.homeostatic = plasticity.short_term, plasticity.homeostatic
        if self.rule is None or synapse_type == "inhibitory":
            self.homeostatic = None
        self.keeper: _core.PairKeeper | None = None
        self.dense: _core.DenseMap | None = None  # the core's, of these synapses
        self._handed: dict[str, Weights] = {}
        self._state: dict[str, Weights] = {}
        self.plasticity_tag: Weights | None = None
        if self.rule is not None and not isinstance(weight, np.ndarray):
            weight = np.full(len(rows[2]), weight, np.float32)
        self._set_rows(rows, weight, delay)
        if self.rule is not None:
            for field, about in _core.plasticity_rules()[self.rule]["state"].items():
                self._state[field] = np.full(len(self), about["default"], np.float32)

    # ---- who is connected to whom ----------------------------------------------------------------------------

    def _set_rows(self, rows: Rows, weight: Weights | float, delay: NDArray[np.uint16] | int) -> None:
        """Places whose targets ascend, cut into the segments that the core works on."""
        self.pre_first, place_start, self.target = rows
        self._weight = weight if isinstance(weight, np.ndarray) else None
        self.constant_weight = 0.0 if isinstance(weight, np.ndarray) else float(np.float32(weight))
        if isinstance(delay, np.ndarray) and (not len(delay) or np.all(delay == delay[0])):
            delay = int(delay[0]) if len(delay) else 1
        self.n_neurons = self._columns.n
        self.row_start = place_start[:: _core.parts(self.n_neurons)[0]].copy()
        self.row_segment: Ints | None = None
        self.segment_delay: NDArray[np.uint16] | None = None
        if isinstance(delay, np.ndarray):
            _core.sort_rows_by_delay(place_start, delay, self.target, self._weight)
            self.row_segment, self.segment_start, self.segment_delay = _core.build_segments(
                place_start, delay
            )
            self.constant_delay = 1
        else:
            self.segment_start, self.constant_delay = place_start, int(delay)

    def __len__(self) -> int:
        return len(self.target)

    @property
    def _place_start(self) -> Ints:
        return self.segment_start if self.row_segment is None else self.segment_start[self.row_segment]

    @property
    def min_delay(self) -> int:
        """Shortest delay, steps."""
        delays = self.segment_delay
        return self.constant_delay if delays is None else int(delays.min())

    @property
    def max_delay(self) -> int:
        """Longest delay, steps."""
        delays = self.segment_delay
        return self.constant_delay if delays is None else int(delays.max())

    @property
    def delay(self) -> NDArray[np.uint16]:
        """Delay of each synapse, uint16, shape (n_synapses,), steps. A new array."""
        if self.segment_delay is None:
            return np.full(len(self), self.constant_delay, np.uint16)
        return np.repeat(self.segment_delay, np.diff(self.segment_start))

    @property
    def pre_slot(self) -> Int32s:
        """Slot of each synapse's source, int32, shape (n_synapses,). A new array."""
        rows = np.arange(self.pre_first, self.pre_first + len(self.row_start) - 1, dtype=np.int32)
        return np.repeat(rows, np.diff(self.row_start))

    @property
    def post(self) -> Int32s:
        """Slot of each synapse's target, int32, shape (n_synapses,). A new array."""
        places = np.arange(len(self._place_start) - 1)
        n_parts, width = _core.parts(self.n_neurons)
        first = (places % n_parts * width).astype(np.int32)
        return np.repeat(first, np.diff(self._place_start)) + self.target.astype(np.int32)

    @property
    def pre_id(self) -> Ints:
        """Id of each synapse's source, int64, shape (n_synapses,). A new array."""
        return self._columns.column("id")[self.pre_slot]

    @property
    def post_id(self) -> Ints:
        """Id of each synapse's target, int64, shape (n_synapses,). A new array."""
        return self._columns.column("id")[self.post]

    def segment_ends(self) -> tuple[Ints, NDArray[np.uint16]]:
        """Id of the source and delay of each segment, shape (n_segments,): for the core."""
        n_places = len(self._place_start) - 1
        segments = np.ones(n_places, int) if self.row_segment is None else np.diff(self.row_segment)
        rows = np.repeat(np.arange(n_places) // _core.parts(self.n_neurons)[0], segments)
        sources = self._columns.column("id")[self.pre_first + rows]
        if self.segment_delay is None:
            return sources, np.full(len(rows), self.constant_delay, np.uint16)
        return sources, self.segment_delay

    # ---- weights ---------------------------------------------------------------------------------------------

    @property
    def weight(self) -> Weights:
        """Weight of each synapse, float32, shape (n_synapses,), mV; writing to it writes the network.

        Where the rule is a pair rule, synapses are brought up to date by the look, and the array turns read-only
        when the simulation moves on, so that a late ``w += d`` raises: ask for it again then. Elsewhere it is live.
        """
        if self.keeper is not None:
            return self._hand_out()["weight"]
        if self._weight is None:  # all equal until somebody asks: 4 bytes a synapse less
            self._weight = np.full(len(self), self.constant_weight, np.float32)
        return self._weight

    @weight.setter
    def weight(self, value: Any) -> None:
        column = self.weight
        if value is not column:  # `p.weight += d` has written already, and sets what it got
            column[:] = value

    @property
    def eligibility(self) -> Weights:
        """Eligibility trace of each synapse, float32, shape (n_synapses,), mV; as `weight`.

        AttributeError where the rule has none.
        """
        if "eligibility" not in self._state:
            raise AttributeError(f"projections[{self.name!r}].eligibility: its rule has no eligibility trace")
        return self._state["eligibility"] if self.keeper is None else self._hand_out()["eligibility"]

    @eligibility.setter
    def eligibility(self, value: Any) -> None:
        column = self.eligibility
        if value is not column:
            column[:] = value

    def _hand_out(self) -> dict[str, Weights]:
        """What is current, kept until the simulation moves on."""
        if not self._handed and self.keeper is not None:
            weight, eligibility = self.keeper.read()
            self._handed = {"weight": weight}
            if eligibility is not None:
                self._handed["eligibility"] = eligibility
        return self._handed

    def weight_of(self, synapse: int) -> float:
        """The weight of one synapse now; cheaper than the whole column under a pair rule.

        Parameters
        ----------
        synapse : int, 0 .. n_synapses - 1

        Returns
        -------
        float, mV
        """
        if self.keeper is not None and not self._handed:
            return self.keeper.read_one(synapse)
        return float(self.weight[synapse])

    def take_back(self) -> None:
        """The simulation is about to move on: what users have written to columns handed out goes to the network."""
        handed, self._handed = self._handed, {}
        if not handed or self.keeper is None:
            return
        weight, eligibility = self.keeper.read()
        changed = handed["weight"] != weight
        if eligibility is not None:
            changed |= handed["eligibility"] != eligibility
        where = np.flatnonzero(changed)
        if len(where):
            self.keeper.write(
                where,
                handed["weight"][where],
                handed["eligibility"][where] if eligibility is not None else None,
            )
        for array in handed.values():
            array.flags.writeable = False

    def keep(self, keeper: _core.PairKeeper | None) -> None:
        """An engine takes its pair rule over; the one before brings the synapses up to date.

        Parameters
        ----------
        keeper : PairKeeper or None
            What the engine keeps besides the synapses.
        """
        if self.keeper is not None:
            self.take_back()
            self.keeper.settle()
        self.keeper = keeper

    def raw_weight(self) -> Weights | None:
        """The core's own column: under a pair rule of each synapse's last visit; None where all are equal."""
        return self._weight

    def raw_state(self) -> dict[str, Weights]:
        """The core's own columns of the rule's state."""
        return self._state

    def lend(self, weight: Weights) -> None:
        """Move the weights into a slice of a block that all projections share; the old array turns read-only.

        Parameters
        ----------
        weight : ndarray of float32, shape (n_synapses,), mV
            Written, and kept.
        """
        weight[:] = self.weight
        if self.keeper is None:
            if self._weight is not None:
                self._weight.flags.writeable = False
            self._weight = weight
        else:
            self._handed["weight"].flags.writeable = False
            self._handed["weight"] = weight

    # ---- change ----------------------------------------------------------------------------------------------

    def fit(self, n_neurons: int) -> bool:
        """Whether places and segments still are those of a network of so many neurons.

        Parameters
        ----------
        n_neurons : int, >= 0
            As many as the network has now; one part needs no new cut when it grows.

        Returns
        -------
        bool
        """
        cut, new = _core.parts(self.n_neurons), _core.parts(n_neurons)
        if cut != new and (cut[0] > 1 or new[0] > 1):
            return False
        self.n_neurons = n_neurons
        return True

    def replace(self, pre: Int32s, post: Int32s, columns: Mapping[str, Any]) -> Ints:
        """Take other synapses in place of the present ones.

        Parameters
        ----------
        pre, post : ndarray of int32, shape (n,)
            Slots of sources and targets.
        columns : mapping of str to ndarray, shape (n,)
            As `contents` gives them.

        Returns
        -------
        ndarray of int64, shape (n,)
            The position of each given synapse.
        """
        pre_first, row_start, targets, order = _core.build_pairs(pre, post)
        delay = np.ascontiguousarray(columns["delay"][order], np.uint16)
        if len(delay) and np.any(delay != delay[0]):
            rows = np.repeat(np.arange(len(row_start) - 1), np.diff(row_start))
            parts = targets // _core.parts(self._columns.n)[1]
            by_delay = np.lexsort((np.arange(len(delay)), delay, parts, rows))
            order, delay, targets = order[by_delay], delay[by_delay], targets[by_delay]
        weight = columns["weight"][order]
        unseen = self._weight is None or not len(self._weight)
        constant = self.rule is None and unseen and np.all(weight == weight[:1])
        self._freeze()
        self.keeper, self._handed = None, {}
        places = _core.build_places(row_start, np.ascontiguousarray(targets), self._columns.n)
        self._set_rows(
            (int(pre_first), *places),
            float(weight[0]) if constant and len(weight) else np.ascontiguousarray(weight, np.float32),
            delay,
        )
        for field in self._state:
            self._state[field] = np.ascontiguousarray(columns[field][order], np.float32)
        if self.plasticity_tag is not None:
            self.plasticity_tag = np.ascontiguousarray(columns["plasticity_tag"][order], np.float32)
        where = np.empty(len(order), np.int64)
        where[order] = np.arange(len(order))
        return where

    def twin(self, columns: NeuronColumns) -> Projection:
        """The same projection of a copy of the network: what never changes is shared, the rest is copied.

        Parameters
        ----------
        columns : NeuronColumns
            The copy's neurons.

        Returns
        -------
        Projection
        """
        other = copy.copy(self)
        current = self.contents()
        other._columns, other.keeper, other._handed = columns, None, {}
        other._weight = None if self._weight is None else current["weight"].copy()
        other._state = {field: current[field].copy() for field in self._state}
        other.plasticity_tag = None if self.plasticity_tag is None else self.plasticity_tag.copy()
        return other

    def contents(self) -> dict[str, Any]:
        """Every per-synapse column, by name, as it is now."""
        equal = self.keeper is None and self._weight is None
        weight = np.full(len(self), self.constant_weight, np.float32) if equal else self.weight
        found: dict[str, Any] = {"weight": weight, "delay": self.delay}
        for field, column in self._state.items():
            found[field] = column if self.keeper is None else self._hand_out()[field]
        if self.plasticity_tag is not None:
            found["plasticity_tag"] = self.plasticity_tag
        return found

    def tags(self) -> Weights:
        """The column of tags, made on first use: most networks never read it."""
        if self.plasticity_tag is None:
            self.plasticity_tag = np.zeros(len(self), np.float32)
        return self.plasticity_tag

    def _freeze(self) -> None:
        """What was handed out turns read-only before it is dropped."""
        for array in (self._weight, self.plasticity_tag, *self._state.values(), *self._handed.values()):
            if array is not None:
                array.flags.writeable = False

    def __repr__(self) -> str:
        return f"Projection({self.name!r}, synapses={len(self):,}, {self.synapse_type}, rule={self.rule!r})"
