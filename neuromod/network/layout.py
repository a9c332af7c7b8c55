"""What an engine needs of a network, as arrays and numbers: made by the network, taken by ``neuromod._core.Engine``.

An engine sees nothing else of a network: it can be made from a `Layout` that somebody filled in by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

__all__ = ["Group", "Layout", "Learning", "ProjectionLayout", "Rows", "Whole", "Zone"]

Zone = tuple[str, dict[str, float]]
"""A region, and the receptor densities there that are not 1."""
Group = tuple[str, int, int, int]
"""A run of neurons of one model in one zone: model, first slot, number of neurons, zone."""
Rows = tuple[int, NDArray[np.int64], NDArray[np.uint16]]
"""First source slot; start of each place (row, part of the network); targets from the first slot of their part."""


@dataclass(frozen=True)
class Learning:
    """What changes the weights of a projection, and what its spikes arrive with."""

    rule: str | None = None  # registered name; None: weights do not change by themselves
    params: Mapping[str, float | str] = field(default_factory=dict)  # of the rule, complete
    learns: bool = True  # False: weights stand still, all else goes on
    modulators: tuple[str, ...] | None = None  # that act on learning; None: all
    weight_min: float = 0.0  # mV
    weight_max: float = 1.0  # mV
    weight_decay: float = 0.0  # share lost in each step
    weight_dependence: float = 0.0  # exponent of soft bounds; 0: hard
    rounding: str = (
        "unbiased"  # of weights and state to float32; "nearest": changes below half its spacing are lost
    )
    short_term: Mapping[str, float] | None = None  # as `check_short_term` gives it
    homeostatic: Mapping[str, float] | None = None  # target_rate (Hz), tau (ms), strength, every (ms)

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound of the weights, mV."""
        return self.weight_min, self.weight_max


@dataclass(frozen=True, eq=False)
class Whole:
    """A projection, of which a process holds the synapses onto its own neurons: what decides how it is delivered."""

    n_synapses: int
    delays: tuple[int, int]  # shortest and longest, steps
    dense: bool  # whether it has bitmaps
    sources: NDArray[np.bool_]  # (n_rows,): whether each row has a synapse
    targets: NDArray[np.uint8]  # packed bits: whether each neuron is a target
    parts: tuple[int, int]  # partitions that have buckets in the rows: the first, and one past the last
    mark: tuple[
        float, ...
    ] = ()  # sums over the synapses, which tell whether two processes have drawn the same
    # (n_runs,) of the part: how far its synapses stand further on in the whole; None: nothing is drawn by position
    shift: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class ProjectionLayout:
    """One projection: rows by source slot, cut into partitions and runs of one delay; arrays are lent, not copied."""

    name: str
    number: int  # salt of its draws
    pre_first: int  # slot of the source of row 0
    n_rows: int
    run_start: NDArray[np.int64]  # (n_runs + 1,): first synapse of each segment
    target: NDArray[np.uint16]  # (n_synapses,): target slots, from the first slot of their partition
    weight: NDArray[np.float32] | None  # (n_synapses,), mV; None: all are `equal_weight`
    equal_weight: float = 0.0  # mV
    bucket_run: NDArray[np.int64] | None = None  # (n_rows * n_partitions + 1,); None: one segment each
    run_delay: NDArray[np.uint16] | None = None  # (n_runs,), steps; None: all are `equal_delay`
    equal_delay: int = 1
    since: NDArray[np.int64] | int = (
        0  # (n_synapses,): count of the network's changes that made each; or one for all
    )
    inhibitory: bool = False
    port: str | None = None  # input port of the targets; None: that of the sign
    learning: Learning = Learning()
    state: Mapping[str, NDArray[Any]] = field(
        default_factory=dict
    )  # synapse columns of the rule, (n_synapses,)
    bitmap: _core.Bitmap = field(default_factory=lambda: _core.Bitmap())  # filled by the first engine
    whole: Whole | None = None  # of which this is the part that one of several processes holds
    joinable: bool = False  # delivered before those that are not
    joined: tuple[_core.JoinedRows, int] | None = (
        None  # the table that has the synapses, and which member it is
    )
    joined_size: int = 0  # synapses of a projection whose rows are joined, static ones or while it runs
    longest_delay: int = 1  # steps, of a joined projection; `equal_delay` is its shortest

    @property
    def dense(self) -> bool | None:
        """Of a part: whether the whole has bitmaps; else None, and the synapses tell."""
        return None if self.whole is None else self.whole.dense

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return self.joined_size or len(self.target)

    @property
    def min_delay(self) -> int:
        """Shortest delay, steps; of the whole."""
        if self.whole is not None:
            return self.whole.delays[0]
        return self.equal_delay if self.run_delay is None else int(self.run_delay.min())

    @property
    def max_delay(self) -> int:
        """Longest delay, steps; of the whole."""
        if self.whole is not None:
            return self.whole.delays[1]
        if self.joined is not None:
            return self.longest_delay
        return self.equal_delay if self.run_delay is None else int(self.run_delay.max())


@dataclass(frozen=True, eq=False)
class Layout:
    """A whole network."""

    version: int  # of the network's structure; an engine is bound anew when it has changed
    n: int  # neurons
    columns: Mapping[str, NDArray[Any]]  # by name, each with room for `n` entries; lent
    groups: tuple[Group, ...]  # runs of neurons of one model in one zone, which cover all slots
    zone_of: NDArray[np.int32]  # (n,): zone of each neuron
    zones: tuple[Zone, ...]
    area_of: NDArray[np.int32]  # (n,): position in `area_names`; -1: in no area
    area_names: tuple[str, ...]
    projections: tuple[ProjectionLayout, ...]
    changes: int = 0  # of who is connected to whom, so far
    joined: tuple[_core.JoinedRows, ...] = ()  # tables that hold the synapses of joined projections
