"""Changes of a projection's synapses: removed, added, moved to other neurons, given other delays."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import called, checked_array, checked_number
from neuromod.network.delays import delay_in_steps
from neuromod.network.draws import New, check_sign, delays_of, weights_of
from neuromod.network.export import columns_of, sparse_of, table_of
from neuromod.network.members import slots_as_given
from neuromod.network.pairs import as_pairs
from neuromod.network.synapses import SynapseTable
from neuromod.network.wiring import check_columns, checked_port
from neuromod.problems import nearest, shown

__all__ = [
    "add_synapses",
    "columns_of",
    "remove_projection",
    "remove_synapses",
    "rewire",
    "selected",
    "selected_by_all",
    "set_delays",
    "sparse_of",
    "table_of",
    "weak_synapses",
]

Ints = NDArray[np.int64]
Store = Any
"""A `neuromod.network.store.SynapseStore`; this module does not import it."""


# ---- which synapses ------------------------------------------------------------------------------------------


def selected(table: SynapseTable, which: Any, where: str) -> NDArray[np.bool_]:
    """A mark for each synapse: positions, or marks of shape (n_synapses,)."""
    n = len(table)
    given = np.atleast_1d(checked_array(which, where, "biu"))
    if given.dtype.kind == "b":
        if given.shape != (n,):
            raise ValueError(f"{where}: marks must have shape ({n},); got {given.shape}")
        return given.astype(bool)
    if given.ndim != 1:
        raise ValueError(f"{where}: must be positions or marks of synapses in a row; got shape {given.shape}")
    if given.size and not 0 <= given.min() <= given.max() < n:
        bad = given.min() if given.min() < 0 else given.max()
        raise IndexError(f"{where}: must be positions from 0 to {n - 1}; got {bad}")
    marks = np.zeros(n, bool)
    marks[given.astype(np.int64)] = True
    return marks


def selected_by_all(store: Store, table: SynapseTable, which: Any) -> NDArray[np.bool_]:
    """As `selected`; of a part, each process selects among its own, and an error on one is one on all."""
    division = nullcontext() if table.whole is None else store.division.one_error("remove")
    with division:
        return selected(table, which, "synapses")


def weak_synapses(
    store: Store, table: SynapseTable, below: Any, fraction: Any, condition: Callable[[Any], Any] | None
) -> NDArray[np.bool_]:
    """Synapses of a size below a bound, mV, a part of them of the smallest sizes, or those whose weights meet a
    condition."""
    if table.whole is not None:
        told = {"below": below, "fraction": fraction, "condition": condition is not None}
        store.division.agree(told, "prune")
    if [below, fraction, condition].count(None) != 2:
        raise TypeError("prune: exactly one of below, fraction and condition must be given")
    weight = table.weights.values()["weight"]
    if fraction is not None and table.whole is not None:
        share = checked_number(fraction, "fraction", 0.0, 1.0)
        found: NDArray[np.bool_] = store.division.smallest(np.abs(weight), share, table)
        return found
    if fraction is not None:
        n = round(checked_number(fraction, "fraction", 0.0, 1.0) * len(weight))
        marks = np.zeros(len(weight), bool)
        marks[np.argsort(np.abs(weight), kind="stable")[:n]] = True
        return marks
    if below is not None:
        return np.abs(weight) < checked_number(below, "below", 0.0)
    if table.whole is not None:
        raise ValueError(
            "condition: must not be given on several ranks, where no rank has all weights; remove() takes marks"
        )
    if not callable(condition):
        raise TypeError(f"condition: must be a function of weights; got {shown(condition)}")
    marks = called("condition", condition, weight.copy())
    if marks.dtype.kind != "b":
        raise TypeError(
            f"condition: must give True or False for each weight; got values of type {marks.dtype}"
        )
    if marks.shape != weight.shape:
        raise ValueError(
            f"condition: must give one mark for each of {len(weight)} weights; got {marks.shape}"
        )
    return marks


# ---- changes -------------------------------------------------------------------------------------------------


def remove_synapses(store: Store, table: SynapseTable, gone: NDArray[np.bool_]) -> int:
    """Take synapses out of a projection; the number of them."""
    n = int(gone.sum()) if table.whole is None else store.division.number(gone)
    if n:
        _exchange(store, table, ~gone)
    return n


def _exchange(
    store: Store,
    table: SynapseTable,
    kept: NDArray[np.bool_],
    slots: Any = None,
    fresh: Mapping[str, Any] | None = None,
    delays: NDArray[np.uint16] | None = None,
) -> Ints:
    """Keep some synapses as they are and add others; where the new ones stand.

    `slots`: ends of the new ones, shape (n, 2). `fresh`: columns of the new ones. `delays`: of all present synapses;
    those that change transmit the spikes from now on alone, as new synapses do.
    """
    slots = np.empty((0, 2), np.int32) if slots is None else slots
    n, old = len(slots), np.flatnonzero(kept)
    contents = table.contents()
    reborn = None if delays is None else (delays != contents["delay"])[kept]
    if delays is not None:
        contents["delay"] = delays
    columns = {
        name: np.concatenate([column[kept], _first(table, name, column, fresh or {}, n)])
        for name, column in contents.items()
    }
    since = np.full(len(old) + n, store.version + 1)
    since[: len(old)] = table.since[kept] if isinstance(table.since, np.ndarray) else table.since
    if reborn is not None:
        since[: len(old)][reborn] = store.version + 1
    pre = np.concatenate([table.pre[kept], slots[:, 0]]).astype(np.int32)
    post = np.concatenate([table.post[kept], slots[:, 1]]).astype(np.int32)
    rows = (int(table.pre_first), len(table.row_start) - 1, table.equal_delay)
    is_part = table.whole is not None
    made = since if len(since) and np.any(since != since[0]) else int(since[0]) if len(since) else table.since
    other, where = table.replaced(
        pre,
        post,
        columns,
        made,
        rows if is_part or not len(pre) else None,
        store.division if is_part else None,
    )
    _adopt(store, table, other, old, where)
    return where[len(old) :]


def _first(table: SynapseTable, name: str, column: Any, fresh: Mapping[str, Any], n: int) -> Any:
    """Values of a column at n new synapses; they stand behind the pairs that there were."""
    if name == "order":
        return np.arange(n) + (int(column.max(initial=-1)) + 1)
    default = table.state_columns[name][1] if name in table.state_columns else 0
    return np.broadcast_to(np.asarray(fresh.get(name, default), column.dtype), (n,))


def _adopt(store: Store, table: SynapseTable, other: SynapseTable, old: Ints, where: Ints) -> None:
    """Take the exchanged synapses. The first of them stood at the positions `old`."""
    moved, first = [np.empty(0, np.int64)], 0
    for each in store.tables:
        new = np.arange(len(each)) + first
        if each is table:
            new = np.full(len(each), -1)
            new[old] = where[: len(old)] + first
        moved.append(new)
        first += len(where) if each is table else len(each)
    store.adopt([(table, other)], np.concatenate(moved))


def remove_projection(store: Store, projection: Any) -> None:
    """Take a projection, given or named, out of the network."""
    known = store.projections
    found = next((each for name, each in known.items() if each is projection or name == projection), None)
    if found is None:
        near = nearest(projection, known) if isinstance(projection, str) else None
        hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(map(repr, known)) or 'none'}"
        raise ValueError(f"projection: must be one of the network's; got {shown(projection)}{hint}")
    with store.gate.change("remove_projection"):
        store.remove_table(found._table)


def add_synapses(
    store: Store, table: SynapseTable, pairs: Any, weight: Any, delay: Any, delay_ms: Any = None
) -> Ints:
    """Add synapses to a projection; where they stand."""
    delay = delay_in_steps(delay, delay_ms, 1.0 if delay_ms is None else _step_of(store), None)
    slots, came, lags = as_pairs(store.areas, pairs)
    given = came if weight is None else weight
    if given is None:
        raise TypeError("weight: must be given, since the pairs do not bring it")
    fresh = _checked_new(
        store, table, slots, given, (1 if lags is None else lags) if delay is None else delay
    )
    return _exchange(store, table, np.ones(len(table), bool), slots, fresh) if len(slots) else np.arange(0)


def _step_of(store: Store) -> float:
    """The step of the simulations of a network, ms; ValueError where there is none, or they differ."""
    steps = sorted({clock.dt for clock in store.columns.clocks})
    if len(steps) > 1:
        gc.collect()  # simulations that nobody has any more are in circles
        steps = sorted({clock.dt for clock in store.columns.clocks})
    if len(steps) != 1:
        came = f"simulations with steps of {', '.join(f'{dt:g}' for dt in steps)} ms" if steps else "none"
        raise ValueError(
            f"delay_ms: must be for a network of a simulation, which has a dt; got {came}; give delay in steps"
        )
    return float(steps[0])


def _checked_new(store: Store, table: SynapseTable, slots: Any, weight: Any, delay: Any) -> dict[str, Any]:
    """Weights and delays of new synapses."""
    areas, about = store.areas, table.learning
    if any(isinstance(value, Mapping) or callable(value) for value in (weight, delay)):
        raise TypeError("weight, delay: must be numbers or arrays, one for each new synapse")
    sources, targets = np.unique(slots[:, 0]).astype(np.int32), np.unique(slots[:, 1]).astype(np.int32)
    checked_port(areas, targets, table.port)
    check_columns(areas, about.rule, (sources, targets))
    new = _one_each(len(slots))
    inhibitory = table.synapse_type == "inhibitory"
    weights = weights_of(weight, new, about, inhibitory)
    check_sign("weight", weights, store.columns, targets, inhibitory)
    return {
        "weight": weights,
        "delay": delays_of(delay, new),
    }


def _one_each(n: int) -> New:
    """New synapses that get values in the order in which they stand."""
    each = np.arange(n)
    return New(n, each, lambda: (each, each), (n, n), 0, 0, takes_matrix=False)


def rewire(
    store: Store, table: SynapseTable, marks: NDArray[np.bool_], pre: Any, post: Any, weight: Any
) -> Ints:
    """Let synapses end elsewhere, as new ones with the delays of the old; where they stand."""
    chosen = np.flatnonzero(marks)
    if pre is None and post is None:
        raise TypeError("rewire: pre or post must be given")
    ends = []
    for where, group, own in (("pre", pre, table.pre), ("post", post, table.post)):
        slots = own[chosen].astype(np.int64) if group is None else slots_as_given(store.areas, group, where)
        if len(slots) not in (1, len(chosen)):
            raise ValueError(
                f"{where}: must be one neuron for each of {len(chosen)} synapses; got {len(slots)}"
            )
        ends.append(np.broadcast_to(slots, (len(chosen),)))
    slots = np.stack(ends, axis=1)
    weights = table.weights.values()["weight"][chosen] if weight is None else weight
    fresh = _checked_new(store, table, slots, weights, table.delay[chosen])
    return _exchange(store, table, ~marks, slots, fresh)


def set_delays(store: Store, table: SynapseTable, value: Any) -> None:
    """Give synapses other delays, in the order in which they stand; those that change are as newly made."""
    delays = np.broadcast_to(np.asarray(delays_of(value, _one_each(len(table))), np.uint16), (len(table),))
    if np.any(delays != table.delay):
        _exchange(store, table, np.ones(len(table), bool), delays=delays)
