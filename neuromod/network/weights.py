"""The weights of one projection, and which copy of them is current."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

__all__ = ["Weights"]

Floats = NDArray[np.float32]

_FEW, _SHARE = 16, 4096
"""Where the weights are not in arrays, `_FEW` synapses, and one for each `_SHARE` of the projection, are read one by
one; more are picked from all, which then costs less."""


class SharedWeights(Protocol):
    """The weights of one projection in a table that it shares with others: a `neuromod.network.joined.JoinedPart`."""

    def read(self) -> Floats:
        """Weight of each synapse. A new array."""
        ...

    def read_one(self, synapse: int) -> float:
        """Weight of one synapse."""
        ...


class Network(Protocol):
    """What the weights of a network share: a `neuromod.network.columns.Columns`."""

    gate: _core.Gate
    handed_out: set[Any]  # the `Weights` of which users have arrays


class Weights:
    """Weight and plasticity state of each synapse of one projection.

    ::

        equal --- array() ---> live <--- release() --- kept --- array() ---> snapshot
                                |                       ^ ^                     |
                                +------- keep() --------+ +------ resume() -----+

    equal
        All weights are one number; no array exists. Static projections only.
    joined
        Equal or live before: the weights are in a table that several static projections share. `array` takes them back.
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
        moved: Callable[..., None],
        network: Network,
    ) -> None:
        """`fields`: the rule's synapse columns, dtype and first value. `moved`: called when an array is replaced.

        `network`: has the gate. While a run goes on, another thread gets copies, as at the border of a slice.
        """
        self.n, self.moved, self.gate, self._all = n, moved, network.gate, network.handed_out
        self.equal = 0.0 if isinstance(weight, np.ndarray) else float(np.float32(weight))
        if plastic and not isinstance(weight, np.ndarray):
            weight = np.full(n, weight, np.float32)
        self.live: dict[str, NDArray[Any]] = {"weight": weight} if isinstance(weight, np.ndarray) else {}
        self.fields = tuple(fields)
        self.live |= {name: np.full(n, start, dtype) for name, (dtype, start) in fields.items()}
        self.keeper: _core.LazyKeeper | _core.EventKeeper | None = None
        self.joined: SharedWeights | None = None
        self._watch: Callable[[], None] = lambda: None  # takes the synapses back from the shared table
        self._handed: dict[str, Floats] = {}  # views of live arrays, or the snapshot
        self._before: dict[str, Floats] = {}  # the snapshot as it was handed out
        self.was_equal = False  # before the weights were joined
        self.is_in_block = False  # whether the live weights are a slice of a block

    @property
    def is_equal(self) -> bool:
        """Whether all weights are one number, and no array of them exists."""
        unseen = "weight" not in self.live and self.keeper is None
        return unseen and (self.joined is None or self.was_equal)

    def array(self, name: str = "weight") -> Floats:
        """The current values, to be read and written by the user until the simulation moves on."""
        if self.keeper is not None:
            with self.gate:  # no run begins meanwhile: `read` releases the GIL
                return self._glance(name) if self.gate.foreign else self._snapshot()[name]
        if self.gate.running and self.gate.foreign:
            return self._glance(name)
        if self.joined is not None:
            with self.gate:  # no run begins meanwhile
                if self.gate.running and self.gate.foreign:
                    return self._glance(name)
                self._watch()
        if name == "weight" and self.is_equal:
            self.live["weight"] = np.full(self.n, self.equal, np.float32)
            self.moved()
        if name not in self._handed:
            self._handed[name] = self.live[name][:]
            self._all.add(self)
        return self._handed[name]

    def values(self) -> dict[str, Floats]:
        """Every column, current, for reading only; no array is made where all weights are equal."""
        if self.gate.running and self.gate.foreign:
            return {name: self._glance(name) for name in ("weight", *self.fields)}
        if self.keeper is not None:
            with self.gate:
                return self._snapshot()
        if self.joined is not None and not self.is_equal:
            return {"weight": self.joined.read()}
        equal = {"weight": np.full(self.n, self.equal, np.float32)} if self.is_equal else {}
        return {**equal, **self.live}

    def looked_at(self) -> Mapping[str, Floats]:
        """As `values`, but nothing is kept for the next reader."""
        if self.keeper is None or self._handed or (self.gate.running and self.gate.foreign):
            return self.values()
        with self.gate:
            return self._read()

    def one(self, k: int) -> float:
        """The weight of one synapse now; cheaper than the whole array where an engine keeps the synapses."""
        if self.gate.running and self.gate.foreign:
            return self._glance_one(k)
        if self.keeper is not None and not self._handed:
            return self._glance_one(k)
        if self.is_equal:
            return self.equal
        if self.joined is not None:
            return self.joined.read_one(k)
        return float((self._handed if "weight" in self._handed else self.live)["weight"][k])

    def sampled(self, name: str, where: NDArray[np.int64]) -> Floats:
        """Current values of some synapses, for a recorder: a copy."""
        are_few = len(where) <= _FEW + self.n // _SHARE
        if self.keeper is not None:
            if are_few:
                return np.array([self.keeper.read_one(int(k), name) for k in where], np.float32)
            found = self._read()[name]
        elif name == "weight" and self.is_equal:
            return np.full(len(where), self.equal, np.float32)
        elif self.joined is not None:
            if are_few:
                return np.array([self.joined.read_one(int(k)) for k in where], np.float32)
            found = self.joined.read()
        else:
            found = self.live[name]
        return found[where]

    def written(self) -> Mapping[str, Floats]:
        """The arrays that the user may have written to since the simulation last moved on."""
        return self._handed

    def _read(self) -> dict[str, Floats]:
        """What the keeper says is current now."""
        return {} if self.keeper is None else self.keeper.read()

    def _glance(self, name: str) -> Floats:
        """For another thread than the one that runs: a read-only copy, which is never taken back."""
        with self.gate:
            if self.keeper is not None:
                found = self._read()[name]
            elif name == "weight" and self.is_equal:
                found = np.full(self.n, self.equal, np.float32)
            elif self.joined is not None:
                found = self.joined.read()
            else:
                found = self.live[name].copy()
        found.flags.writeable = False
        return found

    def _glance_one(self, k: int) -> float:
        with self.gate:
            if self.keeper is not None:
                return self.keeper.read_one(k)
            if self.is_equal:
                return self.equal
            return float(self.live["weight"][k]) if self.joined is None else self.joined.read_one(k)

    def _snapshot(self) -> dict[str, Floats]:
        if not self._before and self.keeper is not None:
            self._handed = self._read()
            self._before = {name: array.copy() for name, array in self._handed.items()}
            self._all.add(self)
        return self._handed

    @property
    def is_handed_out(self) -> bool:
        """Whether somebody may hold an array of the live weights."""
        if self.joined is not None or self.is_equal:
            return False
        if self.is_in_block or "weight" in self._handed:
            mine = 1 + (
                "weight" in self._handed
            )  # the dictionary, and the view that is kept for the next reader
            held = self._handed.get("weight")
            return (
                self.is_in_block
                or sys.getrefcount(self.live["weight"]) > mine + 1
                or (held is not None and sys.getrefcount(held) > 3)
            )
        return False

    # ---- changes of state ------------------------------------------------------------------------------------

    def enter(self, part: SharedWeights, watch: Callable[[], None]) -> None:
        """A shared table has taken the weights over. `watch`: called when somebody asks for an array of them."""
        self.was_equal = self.is_equal
        self.freeze()
        self.live.pop("weight", None)
        self.joined, self._watch = part, watch

    def part(self) -> None:
        """Take the weights back from the shared table."""
        if self.joined is not None and not self.was_equal:
            self.live["weight"] = self.joined.read()
        self.joined = None

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

    def settle(self) -> None:
        """As `release`, and every synapse is brought to the present, by the rule as the engine has it."""
        if isinstance(self.keeper, _core.EventKeeper):
            self.resume()
            self.keeper.write(np.arange(self.n), self.keeper.read())
        self.release()

    def hand_over(self) -> None:
        """As `settle`, and time counts from the first step of whichever engine keeps the synapses next."""
        is_kept = self.keeper is not None
        self.settle()
        if is_kept and "last_event" in self.live:
            self.live["last_event"][:] = -1

    def marked(self) -> tuple[Any, ...]:
        """What `restore` takes."""
        joined = self.joined, self._watch, self.was_equal
        return joined, self.keeper, self.is_in_block, dict(self.live), dict(self._handed), dict(self._before)

    def restore(self, mark: tuple[Any, ...]) -> None:
        """After a change that has failed: hand out and be kept as when `marked` was called."""
        joined, self.keeper, self.is_in_block, self.live, self._handed, self._before = mark
        if isinstance(self.keeper, _core.LazyKeeper):  # its synapses may have come back from shared rows
            self.live = self.keeper.columns()
        self.joined, self._watch, self.was_equal = joined
        for array in self._handed.values():
            array.flags.writeable = True
        if self._handed:
            self._all.add(self)

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
        self._all.discard(self)

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
        own = self.live["weight"].copy()
        self.freeze()
        self.live["weight"], self.is_in_block = own, False
        self.moved()
