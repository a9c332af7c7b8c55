"""Projections: the synapses that one call of ``connect`` made, with their rule of plasticity."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

if TYPE_CHECKING:
    from neuromod.columns import NeuronColumns
    from neuromod.config_sections import Plasticity

__all__ = ["Projection"]

Int32s = NDArray[np.int32]
Ints = NDArray[np.int64]
Weights = NDArray[np.float32]


class Projection:
    """Synapses of one kind, in rows by presynaptic neuron, each row sorted by (delay, target).

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
    rows : tuple of (int, ndarray of int64, ndarray of int32)
        First source slot, start of each source's row, target slots.
    weight : ndarray of float32, shape (n_synapses,), mV
        Kept, not copied.
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
        rows: tuple[int, Ints, Int32s],
        weight: Weights,
        delay: NDArray[np.uint16] | int,
    ) -> None:
        self._columns = columns
        self.name, self.number, self.synapse_type = name, number, synapse_type
        self.rule = None if plasticity.rule == "none" else plasticity.rule
        self.rule_params: Mapping[str, float] = MappingProxyType(dict(plasticity.params))
        self.weight_min, self.weight_max = plasticity.weight_min, plasticity.weight_max
        self.weight_decay = plasticity.weight_decay
        self._set_rows(rows, weight, delay)
        self.state: dict[str, Weights] = {}
        self.plasticity_tag: Weights | None = None
        if self.rule is not None:
            for field, about in _core.plasticity_rules()[self.rule]["state"].items():
                self.state[field] = np.full(len(self), about["default"], np.float32)

    def _set_rows(
        self, rows: tuple[int, Ints, Int32s], weight: Weights, delay: NDArray[np.uint16] | int
    ) -> None:
        self.pre_first, self.row_start, self.post = rows
        self._weight = weight
        if isinstance(delay, np.ndarray) and len(delay) and np.all(delay == delay[0]):
            delay = int(delay[0])  # 2 bytes a synapse less
        self.delay_column: NDArray[np.uint16] | None = delay if isinstance(delay, np.ndarray) else None
        self.constant_delay = 1 if isinstance(delay, np.ndarray) else int(delay)

    def __len__(self) -> int:
        return len(self.post)

    @property
    def weight(self) -> Weights:
        """Weight of each synapse, float32, shape (n_synapses,), mV. A view: writing to it writes the network."""
        return self._weight

    @weight.setter
    def weight(self, value: Any) -> None:
        if value is not self._weight:  # `p.weight += d` has written already, and sets what it got
            self._weight[:] = value

    def lend(self, weight: Weights) -> None:
        """Move the weights into a slice of a block that all projections share; the old array turns read-only.

        Parameters
        ----------
        weight : ndarray of float32, shape (n_synapses,), mV
            Written, and kept.
        """
        weight[:] = self._weight
        self._weight.flags.writeable = False
        self._weight = weight

    @property
    def min_delay(self) -> int:
        """Shortest delay, steps."""
        column = self.delay_column
        return self.constant_delay if column is None or not len(column) else int(column.min())

    @property
    def max_delay(self) -> int:
        """Longest delay, steps."""
        column = self.delay_column
        return self.constant_delay if column is None or not len(column) else int(column.max())

    @property
    def delay(self) -> NDArray[np.uint16]:
        """Delay of each synapse, uint16, shape (n_synapses,), steps. A copy."""
        if self.delay_column is None:
            return np.full(len(self), self.constant_delay, np.uint16)
        return self.delay_column.copy()

    @property
    def pre_slot(self) -> Int32s:
        """Slot of each synapse's source, int32, shape (n_synapses,). A new array."""
        rows = np.arange(self.pre_first, self.pre_first + len(self.row_start) - 1, dtype=np.int32)
        return np.repeat(rows, np.diff(self.row_start))

    @property
    def pre_id(self) -> Ints:
        """Id of each synapse's source, int64, shape (n_synapses,). A new array."""
        return self._columns.column("id")[self.pre_slot]

    @property
    def post_id(self) -> Ints:
        """Id of each synapse's target, int64, shape (n_synapses,). A new array."""
        return self._columns.column("id")[self.post]

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
        weight = np.ascontiguousarray(columns["weight"][order], np.float32)
        delay = np.ascontiguousarray(columns["delay"][order], np.uint16)
        where = np.arange(len(order))
        if len(delay) and np.any(delay != delay[0]):
            by_delay = np.lexsort(
                (np.arange(len(delay)), delay, np.repeat(np.arange(len(row_start) - 1), np.diff(row_start)))
            )
            order, weight, delay, targets = (
                order[by_delay],
                weight[by_delay],
                delay[by_delay],
                targets[by_delay],
            )
        self._freeze()
        self._set_rows((int(pre_first), row_start, np.ascontiguousarray(targets)), weight, delay)
        for field in self.state:
            self.state[field] = np.ascontiguousarray(columns[field][order], np.float32)
        if self.plasticity_tag is not None:
            self.plasticity_tag = np.ascontiguousarray(columns["plasticity_tag"][order], np.float32)
        where[order] = np.arange(len(order))
        return where

    def contents(self) -> dict[str, Any]:
        """Every per-synapse column, by name."""
        found: dict[str, Any] = {"weight": self.weight, "delay": self.delay, **self.state}
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
        for array in (self._weight, self.plasticity_tag, *self.state.values()):
            if array is not None:
                array.flags.writeable = False

    def __repr__(self) -> str:
        return f"Projection({self.name!r}, synapses={len(self):,}, {self.synapse_type}, rule={self.rule!r})"
