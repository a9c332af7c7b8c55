"""The engine's state of a network on several processes: the part that each one sends, the whole of them, and the way
back.

Levels, short-term plasticity, spikes under way and what lazy rules keep of zones are the same on every process. Of
neurons, delay runs and synapses a process has the state of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.network.ranked import Cut, buckets_of_runs, order_of_whole

__all__ = ["Part", "cut_state", "merged_state", "sent_state"]

Array = NDArray[Any]
Ints = NDArray[np.int64]
Each = Callable[[str, Array], Array]

_BY_SLOT = frozenset(("newest", "spike", "gain", "late", "n_spikes", "recent", "sums"))
"""What lazy rules keep of each target."""
_BY_SYNAPSE = frozenset(("weight", "eligibility"))


class Part(NamedTuple):
    """What a process has of a network: its partitions, and the slots of their neurons."""

    first: int
    end: int
    first_slot: int
    end_slot: int


def _axis_of_lazy(name: str) -> str:
    """What the entries of an array of a lazy rule belong to."""
    if name == "since" or name.startswith("trace_"):
        return "run"
    if name in _BY_SLOT:
        return "slot"
    if name in _BY_SYNAPSE:
        return "synapse"
    return "partition" if name == "floor" else "zone"


def _each_lazy(state: Mapping[str, Any], do: Each) -> dict[str, Any]:
    """The state of a lazy rule, each of its arrays given to `do` with what its entries belong to."""
    return {
        name: do(_axis_of_lazy(name), value) if isinstance(value, np.ndarray) else value
        for name, value in state.items()
    }


def _each_event(state: Mapping[str, Any], do: Each) -> dict[str, Any]:
    """Likewise of an event rule."""
    axes = {"columns": "synapse", "traces": "run", "lowpass": "slot", "history": "last"}
    found: dict[str, Any] = {
        what: {name: do(axes[what], array) for name, array in state[what].items()}
        for what in axes
        if what in state
    }
    if "arrived" in state:
        found["arrived"] = None if state["arrived"] is None else do("run", state["arrived"])
    return found


_LEARNING = {"pairs": _each_lazy, "events": _each_event}


# ---- from the parts to the whole -------------------------------------------------------------------------------


def sent_state(state: Mapping[str, Any], tables: Sequence[Any], part: Part, ids: Ints) -> dict[str, Any]:
    """What a process tells of its engine's state: the entries of its own neurons, delay runs and synapses.

    `ids`: of its own neurons.
    """
    own = slice(part.first_slot, part.end_slot)
    named = {table.name: table for table in tables}
    sent: dict[str, Any] = {
        what: {key: values[own] for key, (_, values) in state.get(what, {}).items()}
        for what in ("traces", "rates")
    }
    sent["currents"] = [source["state"][np.isin(source["ids"], ids)] for source in state.get("currents", ())]
    sent["buckets"] = {}
    for what, each in _LEARNING.items():
        sent[what] = {}
        for name, one in state.get(what, {}).items():
            sent["buckets"][name] = buckets_of_runs(named[name])
            picks: dict[str, Any] = {
                "run": slice(len(sent["buckets"][name])),
                "slot": own,
                "last": (slice(None), own),
                "partition": slice(part.first, part.end),
                "synapse": slice(None),
            }
            sent[what][name] = each(one, _picked(picks))
    return sent


def _picked(picks: Mapping[str, Any]) -> Each:
    return lambda axis, array: array if axis == "zone" else array[picks[axis]]


def merged_state(
    state: Mapping[str, Any], sent: Sequence[Mapping[str, Any]], ends: Mapping[str, Sequence[Any]], n: int
) -> dict[str, Any]:
    """The state of the whole network's engine.

    `state`: of this process. `sent`: what all have told, in their order. `ends`: of each projection the slots of the
    sources and of the targets, as each process has them. `n`: number of neurons.
    """
    whole = dict(state)
    for what in ("traces", "rates"):
        if what in state:
            whole[what] = {
                key: (ids, np.concatenate([one[what][key] for one in sent]))
                for key, (ids, _) in state[what].items()
            }
    if "currents" in state:
        whole["currents"] = [
            {**source, "state": np.concatenate([one["currents"][k] for one in sent])}
            for k, source in enumerate(state["currents"])
        ]
    for what, each in _LEARNING.items():
        if what in state:
            whole[what] = {
                name: _merged(
                    each,
                    one,
                    [part[what][name] for part in sent],
                    [part["buckets"][name] for part in sent],
                    ends[name],
                    n,
                )
                for name, one in state[what].items()
            }
    return whole


def _merged(
    each: Any,
    state: Mapping[str, Any],
    parts: Sequence[Mapping[str, Any]],
    buckets: Sequence[Ints],
    ends: Sequence[Any],
    n: int,
) -> dict[str, Any]:
    """What one projection keeps, of all its synapses."""
    runs = np.argsort(np.concatenate(buckets), kind="stable")
    pre, post = (np.concatenate([end[k] for end in ends]) for k in (0, 1))
    synapses = order_of_whole(pre, post, n)
    given: list[list[Array]] = [[] for _ in parts]
    for part, arrays in zip(parts, given, strict=True):
        each(part, _noted(arrays))
    columns = iter(list(zip(*given, strict=True)))

    def joined(axis: str, array: Array) -> Array:
        found = next(columns)
        if axis == "zone":
            return array
        if axis == "last":
            return np.concatenate(found, axis=1)
        whole = np.concatenate(found)
        if axis == "run":
            return whole[runs] if len(runs) else array  # without runs there may be an entry that nobody reads
        return whole[synapses] if axis == "synapse" else whole

    merged: dict[str, Any] = each(state, joined)
    return merged


def _noted(into: list[Array]) -> Each:
    def note(axis: str, array: Array) -> Array:
        into.append(array)
        return array

    return note


# ---- from the whole to a part ----------------------------------------------------------------------------------


def cut_state(state: Mapping[str, Any], cuts: Mapping[str, Cut]) -> dict[str, Any]:
    """The state of an engine that keeps a part of each projection, from that of the whole network.

    `cuts`: what is kept of each projection under a rule.
    """
    own = dict(state)
    for what, each in _LEARNING.items():
        least = 1 if what == "events" else 0  # entries where there is no delay run
        if what in state:
            own[what] = {name: each(one, _cut(cuts[name], least)) for name, one in state[what].items()}
    return own


def _cut(cut: Cut, least: int) -> Each:
    def do(axis: str, array: Array) -> Array:
        if axis == "synapse":
            return array[cut.kept]
        if axis != "run":
            return array
        kept = array[: len(cut.runs)][cut.runs]
        return kept if len(kept) else array[:least]

    return do
