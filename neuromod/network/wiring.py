"""Arguments of ``connect`` turned into slots and rows. Everything is checked before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_array, checked_count, checked_number
from neuromod.network.areas import Areas
from neuromod.network.columns import NEURON_TYPES
from neuromod.network.draws import MAX_WEIGHT
from neuromod.network.layout import Rows
from neuromod.problems import shown

__all__ = [
    "build_rows",
    "check_columns",
    "checked_port",
    "connect_at_random",
    "ends_of",
    "ids_as_given",
    "slots_of_group",
    "type_of_sources",
]

Int32s = NDArray[np.int32]
_RULES = _core.plasticity_rules()
MOST_SYNAPSES = 2**40
"""Of one neuron, and more than a machine holds: what is below is memory's to refuse."""


def slots_of_group(areas: Areas, group: Any, where: str) -> Int32s:
    """Slots of area names or ids, ascending without repeats."""
    if isinstance(group, str):
        return areas.slots(group, where)
    return np.unique(_slots_as_given(areas, group, where)).astype(np.int32)


def _slots_as_given(areas: Areas, group: Any, where: str) -> NDArray[np.int64]:
    """Slots in the order in which names or ids were given."""
    if isinstance(group, str):
        return areas.slots(group, where).astype(np.int64)
    if isinstance(group, Sequence) and len(group) and all(isinstance(name, str) for name in group):
        return np.concatenate([areas.slots(name, where) for name in group]).astype(np.int64)
    try:
        ids = np.atleast_1d(checked_array(group, where, "iu"))
    except (TypeError, ValueError):
        raise TypeError(f"{where}: must be area names or neuron ids; got {shown(group)}") from None
    if ids.ndim != 1:
        raise ValueError(f"{where}: must be area names or a row of neuron ids; got shape {ids.shape}")
    missing = ids[~np.isin(ids, areas.columns.column("id"))]
    if missing.size:
        raise ValueError(f"{where}: must be ids of neurons in the network; got {missing[0]}")
    return areas.columns.slots_of(ids)


def ends_of(
    areas: Areas, pre: Any, post: Any, rows: Rows
) -> tuple[tuple[int, int], Callable[[], tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    """Numbers of sources and targets as given, and positions of each synapse's source and target among them."""
    sources, targets = _slots_as_given(areas, pre, "pre"), _slots_as_given(areas, post, "post")

    def position(given: NDArray[np.int64], slots: NDArray[np.int64], where: str) -> NDArray[np.int64]:
        order = np.argsort(given, kind="stable")
        if np.any(np.diff(given[order]) == 0):
            raise ValueError(f"{where}: must name each neuron once where weights or delays are a matrix")
        return order[np.searchsorted(given[order], slots)]

    def ends() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pre_slots, post_slots = _slots_of(areas, rows)
        return position(sources, pre_slots, "pre"), position(targets, post_slots, "post")

    return (len(sources), len(targets)), ends


def _slots_of(areas: Areas, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Slots of the source and the target of each synapse."""
    first, bucket_start, local = rows
    n_partitions, width = _core.partitions(areas.columns.n)
    bucket = np.repeat(np.arange(len(bucket_start) - 1), np.diff(bucket_start))
    return first + bucket // n_partitions, bucket % n_partitions * width + local.astype(np.int64)


def check_columns(areas: Areas, rule: str | None, rows: Rows | tuple[int, int]) -> None:
    """Refuse synapses, rows or one pair of slots, whose neurons lack a column that the rule reads."""
    reads = {} if rule is None else _RULES[rule]["reads"]
    if not any(reads.values()):
        return
    slots: tuple[Any, ...] = _slots_of(areas, rows) if len(rows) == 3 else rows
    models = list(_core.neuron_models().items())
    for (end, names), of_end in zip(reads.items(), slots, strict=True):
        for model, about in (models[k] for k in np.unique(areas.columns.column("model")[of_end])):
            lacking = sorted(set(names) - set(about["state"]) - set(about["params"]))
            if lacking:
                raise ValueError(
                    f"rule: {rule} reads {', '.join(lacking)} of its {end}s; a {model} neuron has none"
                )


def type_of_sources(areas: Areas, pre: Int32s, synapse_type: str | None) -> str:
    """The type given, or that of the sources where they agree."""
    if synapse_type is not None:
        if not isinstance(synapse_type, str) or synapse_type not in ("excitatory", "inhibitory"):
            raise ValueError(f"synapse_type: must be 'excitatory' or 'inhibitory'; got {shown(synapse_type)}")
        return synapse_type
    types = np.unique(areas.columns.column("neuron_type")[pre])
    if len(types) > 1:
        raise ValueError(
            "synapse_type: must be given where pre mixes excitatory and inhibitory neurons; "
            "or connect the two apart"
        )
    return "inhibitory" if len(types) and types[0] == 1 else "excitatory"


def checked_port(areas: Areas, post: Int32s, port: str | None) -> None:
    """Whether every target's neuron model has the port; None stands for that of the synapse type, which all have."""
    if port is not None and not isinstance(port, str):
        raise TypeError(f"port: must be the name of an input port; got {shown(port)}")
    models = list(_core.neuron_models().items())
    numbers = np.unique(areas.columns.column("model")[post])
    for name, model in (models[k] for k in numbers if port is not None):
        if port not in model["ports"]:
            raise ValueError(
                f"port: must be an input port of every target; {name} has {', '.join(model['ports'])}; got {port!r}"
            )


def build_rows(
    areas: Areas,
    pre: Int32s,
    post: Int32s,
    how: Mapping[str, Any],
    autapses: bool,
    seed: int,
    number: int,
) -> tuple[Rows, NDArray[np.int64] | None]:
    """Rows by the one rule that is given, cut by the parts of the network."""
    given = [name for name, value in how.items() if value is not None]
    if len(given) != 1:
        raise ValueError(
            f"connect: exactly one of {', '.join(how)} must be given; got {', '.join(given) or 'none'}"
        )
    name, value = given[0], how[given[0]]
    if name == "pairs":
        return _pairs(areas, value, pre, post, autapses)
    ids = areas.columns.column("id")
    if name == "probability":
        p = checked_number(value, "probability", 0.0, 1.0)
        return _core.build_probability(pre, post, ids, p, autapses, seed, number), None
    degree = checked_count(value, name, 1, MOST_SYNAPSES)
    chosen_from, for_each = (pre, post) if name == "in_degree" else (post, pre)
    alone = len(chosen_from) == 1 and not autapses and bool(np.isin(chosen_from, for_each).any())
    if len(for_each) and (len(chosen_from) == 0 or alone):
        side = "pre" if name == "in_degree" else "post"
        raise ValueError(f"{side}, {name}: needs another neuron to connect to; got {len(chosen_from)}")
    build = _core.build_in_degree if name == "in_degree" else _core.build_out_degree
    return build(pre, post, ids, degree, autapses, seed, number), None


def _pairs(
    areas: Areas, pairs: Any, pre: Int32s, post: Int32s, autapses: bool
) -> tuple[Rows, NDArray[np.int64]]:
    ids = checked_array(pairs, "pairs", "iu")
    if ids.ndim != 2 or ids.shape[1] != 2 or ids.dtype.kind not in "iu":
        raise ValueError(f"pairs: must be ids of shape (n, 2); got {ids.dtype} of shape {ids.shape}")
    missing = ids[~np.isin(ids, areas.columns.column("id"))]
    if missing.size:
        raise ValueError(f"pairs: must be ids of neurons in the network; got {missing[0]}")
    slots = areas.columns.slots_of(ids).astype(np.int32)
    for side, group, name in ((0, pre, "pre"), (1, post, "post")):
        outside = ids[~np.isin(slots[:, side], group), side]
        if outside.size:
            raise ValueError(f"pairs: must lead from pre to post; got {outside[0]}, which is not in {name}")
    own = ids[ids[:, 0] == ids[:, 1], 0]
    if own.size and not autapses:
        raise ValueError(
            f"pairs: must not connect a neuron to itself unless autapses is True; got ({own[0]}, {own[0]})"
        )
    first, row_start, targets, order = _core.build_pairs(slots[:, 0], slots[:, 1])
    return (first, *_core.build_buckets(row_start, targets, areas.columns.n)), order


def connect_at_random(store: Any, probability: float, mean: float, sd: float, seed: int) -> int:
    """Connect all neurons of a SynapseStore, as `Simulation.initialize_random_synapses`; the number of synapses."""
    probability = checked_number(probability, "connection_probability", 0.0, 1.0)
    mean = checked_number(mean, "weight_mean", -MAX_WEIGHT, MAX_WEIGHT)
    sd = checked_number(sd, "weight_std", 0.0, MAX_WEIGHT)
    with store.gate.change("initialize_random_synapses"), store.all_or_nothing():
        before, everyone = len(store), store.columns.column("id")
        for number, kind in enumerate(NEURON_TYPES):
            sources = everyone[store.columns.column("neuron_type") == number]
            if len(sources) or kind == "excitatory":
                label = "random" if kind == "excitatory" else "random_inhibitory"
                _connect_all(store, sources, label, kind, probability, (mean, sd), seed)
        return len(store) - before


def _connect_all(
    store: Any,
    sources: NDArray[np.int64],
    label: str,
    kind: str,
    probability: float,
    weight: tuple[float, float],
    seed: int,
) -> None:
    """Connect some neurons to all, with normal weights clipped to the bounds of the configuration."""
    bounds = {"low": store.learning.weight_min, "high": store.learning.weight_max, "outside": "clip"}
    store.connect(
        sources,
        store.columns.column("id"),
        {"probability": probability},
        weight={"normal": list(weight), **bounds},
        learning=store.learning,
        synapse_type=kind,
        name=store.free_name(None, label, "all"),
        seed=seed,
    )


def ids_as_given(areas: Areas, group: Any, where: str) -> NDArray[np.int64]:
    """Ids of area names or ids, in the order in which they were given; each neuron once."""
    slots = _slots_as_given(areas, group, where)
    ids: NDArray[np.int64] = areas.columns.column("id")[slots]
    if len(np.unique(ids)) != len(ids):
        raise ValueError(f"{where}: must name each neuron once; got one twice")
    return ids
