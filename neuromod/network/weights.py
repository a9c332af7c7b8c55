"""The weights of one projection, and which copy of them is current."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

__all__ = ["Weights"]

Floats = NDArray[np.float32]


class Weights:
    """Weight and plasticity state of each synapse of one projection.

    ::

        equal --- array() ---> live <--- release() --- kept --- array() ---> snapshot
                                |                       ^ ^                     |
                                +------- keep() --------+ +------ resume() -----+

    equal
        All weights are one number; no array exists. Static projections only.
    live
        The arrays are current at every step. `array` hands out views of them.
    kept
        An engine keeps the synapses under a lazy rule, or under one whose weights move between events: an entry of the
        arrays is as old as the last update of its synapse. `array` asks the engine's keeper for what is current now.
    snapshot
        As kept, and the user holds a copy. `resume`, called before the simulation moves on, gives the entries that
        the user has changed to the keeper and makes the copy read-only.
    """

    def __init__(
        self,
        n: int,
        weight: Floats | float,
        fields: Mapping[str, tuple[str, Any]],
        plastic: bool,
        moved: Callable[[], None],
    ) -> None:
        """`fields`: the rule's synapse columns, dtype and first value. `moved`: called when an array is replaced."""
        self.n, self.moved = n, moved
        self.equal = 0.0 if isinstance(weight, np.ndarray) else float(np.float32(weight))
        if plastic and not isinstance(weight, np.ndarray):
            weight = np.full(n, weight, np.float32)
        self.live: dict[str, NDArray[Any]] = {"weight": weight} if isinstance(weight, np.ndarray) else {}
        self.live |= {name: np.full(n, start, dtype) for name, (dtype, start) in fields.items()}
        self.keeper: _core.LazyKeeper | _core.EventKeeper | None = None
        self._handed: dict[str, Floats] = {}  # views of live arrays, or the snapshot
        self._before: dict[str, Floats] = {}  # the snapshot as it was handed out
        self.is_in_block = False  # whether the live weights are a slice of a block

    @property
    def is_equal(self) -> bool:
        """Whether all weights are one number, and no array of them exists."""
        return "weight" not in self.live

    def array(self, name: str = "weight") -> Floats:
        """The current values, to be read and written by the user until the simulation moves on."""
        if self.keeper is not None:
            return self._snapshot()[name]
        if name == "weight" and self.is_equal:
            self.live["weight"] = np.full(self.n, self.equal, np.float32)
            self.moved()
        if name not in self._handed:
            self._handed[name] = self.live[name][:]
        return self._handed[name]

    def values(self) -> dict[str, Floats]:
        """Every column, current, for reading only; no array is made where all weights are equal."""
        if self.keeper is not None:
            return self._snapshot()
        equal = {"weight": np.full(self.n, self.equal, np.float32)} if self.is_equal else {}
        return {**equal, **self.live}

    def one(self, k: int) -> float:
        """The weight of one synapse now; cheaper than the whole array where an engine keeps the synapses."""
        if self.keeper is not None and not self._handed:
            return self.keeper.read_one(k)
        if self.is_equal:
            return self.equal
        return float(self._handed.get("weight", self.live["weight"])[k])

    def written(self) -> Mapping[str, Floats]:
        """The arrays that the user may have written to since the simulation last moved on."""
        return self._handed

    def _snapshot(self) -> dict[str, Floats]:
        if not self._before and self.keeper is not None:
            self._handed = self.keeper.read()
            self._before = {name: array.copy() for name, array in self._handed.items()}
        return self._handed

    # ---- changes of state ------------------------------------------------------------------------------------

    def keep(self, keeper: _core.LazyKeeper | _core.EventKeeper) -> None:
        """An engine takes the synapses over. Views handed out before turn read-only."""
        self.freeze()
        self.keeper = keeper

    def release(self) -> None:
        """The engine gives the synapses back, complete as they stand in the arrays."""
        if self.keeper is not None:
            self.resume()
            self.keeper.settle()
            self.keeper = None

    def drop(self) -> None:
        """The synapses are about to be replaced: what was handed out turns read-only, and no engine keeps them."""
        self.freeze()
        self.keeper = None

    def resume(self) -> None:
        """The simulation is about to move on: what the user has written to a snapshot goes to the keeper."""
        if self.keeper is None or not self._before:
            return
        handed, before = self._handed, self._before
        changed = np.zeros(self.n, bool)
        for name, array in handed.items():
            changed |= array != before[name]
        where = np.flatnonzero(changed)
        if len(where):
            self.keeper.write(where, {name: array[where] for name, array in handed.items()})
        self.freeze()

    def freeze(self) -> None:
        """What was handed out turns read-only, so that a late ``w += d`` raises."""
        for array in self._handed.values():
            array.flags.writeable = False
        self._handed, self._before = {}, {}

    # ---- one block for several projections -------------------------------------------------------------------

    def lend(self, block: Floats) -> None:
        """Move the weights into a slice of a block that several projections share.

        A live array lives there from now on; a snapshot is handed out from there.
        """
        block[:] = self.array()
        self._handed["weight"].flags.writeable = False
        self._handed["weight"] = block
        if self.keeper is None:
            self.live["weight"], self.is_in_block = block, True
            self.moved()

    def leave_block(self) -> None:
        """Move live weights out of the block that they are in."""
        self.freeze()
        self.live["weight"], self.is_in_block = self.live["weight"].copy(), False
        self.moved()
