"""Arguments of ``connect`` turned into slots, weights and delays. Everything is checked before anything is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import checked_count
from neuromod.network.areas import Areas
from neuromod.network.layout import Rows

__all__ = ["build_rows", "checked_port", "delays_of", "slots_of_group", "type_of_sources", "weights_of"]

Int32s = NDArray[np.int32]

MAX_DELAY = 65535
"""Steps; a delay is kept in 16 bits."""


def slots_of_group(areas: Areas, group: Any, where: str) -> Int32s:
    """Slots of area names or ids, ascending without repeats."""
    if isinstance(group, str):
        return areas.slots(group, where)
    if isinstance(group, Sequence) and len(group) and all(isinstance(name, str) for name in group):
        return np.unique(np.concatenate([areas.slots(name, where) for name in group]))
    ids = np.atleast_1d(np.asarray(group))
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise ValueError(f"{where}: must be area names or neuron ids; got {group!r}")
    missing = ids[~np.isin(ids, areas.columns.column("id"))]
    if missing.size:
        raise ValueError(f"{where}: must be ids of neurons in the network; got {missing[0]}")
    return np.unique(areas.columns.slots_of(ids)).astype(np.int32)


def type_of_sources(areas: Areas, pre: Int32s, synapse_type: str | None) -> str:
    """The type given, or that of the sources where they agree."""
    if synapse_type is not None:
        if synapse_type not in ("excitatory", "inhibitory"):
            raise ValueError(f"synapse_type: must be 'excitatory' or 'inhibitory'; got {synapse_type!r}")
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
        return _pairs(areas, value, pre, post)
    ids = areas.columns.column("id")
    if name == "probability":
        p = _checked_probability(value, "probability")
        return _core.build_probability(pre, post, ids, p, autapses, seed, number), None
    degree = checked_count(value, name, 1)
    chosen_from, for_each = (pre, post) if name == "in_degree" else (post, pre)
    alone = len(chosen_from) == 1 and not autapses and bool(np.isin(chosen_from, for_each).any())
    if len(for_each) and (len(chosen_from) == 0 or alone):
        raise ValueError(f"{name}: needs another neuron to connect to; got {len(chosen_from)}")
    build = _core.build_in_degree if name == "in_degree" else _core.build_out_degree
    return build(pre, post, ids, degree, autapses, seed, number), None


def _checked_probability(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{where}: must be a number; got {value!r}")
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{where}: must be between 0 and 1; got {value}")
    return float(value)


def _pairs(areas: Areas, pairs: ArrayLike, pre: Int32s, post: Int32s) -> tuple[Rows, NDArray[np.int64]]:
    ids = np.asarray(pairs)
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
    first, row_start, targets, order = _core.build_pairs(slots[:, 0], slots[:, 1])
    return (first, *_core.build_buckets(row_start, targets, areas.columns.n)), order


def _distribution(value: Mapping[str, Any], where: str, seed: int, purpose: str, number: int, n: int) -> Any:
    kinds = {"normal": _core.draw_normal, "uniform": _core.draw_uniform}
    if len(value) != 1 or next(iter(value)) not in kinds:
        raise ValueError(
            f"{where}: must be {{'normal': [mean, sd]}} or {{'uniform': [low, high]}}; got {value!r}"
        )
    kind, numbers = next(iter(value.items()))
    pair = np.asarray(numbers, dtype=np.float64)
    if pair.shape != (2,) or not np.all(np.isfinite(pair)):
        raise ValueError(f"{where}.{kind}: must be two finite numbers; got {numbers!r}")
    if kind == "normal" and pair[1] < 0.0:
        raise ValueError(f"{where}.normal: the standard deviation must be >= 0; got {pair[1]}")
    if kind == "uniform" and pair[1] < pair[0]:
        raise ValueError(f"{where}.uniform: the bounds must be in order; got {numbers!r}")
    return kinds[kind](seed, purpose, number, pair[0], pair[1], n)


def weights_of(
    value: Any, n: int, order: NDArray[np.int64] | None, seed: int, number: int
) -> NDArray[np.float32] | float:
    """Weights in the order of the synapses, or one number where all are equal."""
    if isinstance(value, Mapping):
        return _distribution(value, "weight", seed, "weight", number, n)  # type: ignore[no-any-return]
    given = np.asarray(value, dtype=np.float64)
    if given.ndim == 0:
        if not np.isfinite(given):
            raise ValueError(f"weight: must be finite; got {given}")
        return float(given)
    _check_column("weight", given, n, order)
    return given[order].astype(np.float32)


def _check_column(where: str, given: NDArray[np.float64], n: int, order: NDArray[np.int64] | None) -> None:
    if order is None:
        raise ValueError(f"{where}: may be an array only with pairs; give a number or a distribution")
    if given.shape != (n,):
        raise ValueError(f"{where}: must have one value for each of the {n} pairs; got shape {given.shape}")
    if not np.all(np.isfinite(given)):
        k = int(np.flatnonzero(~np.isfinite(given))[0])
        raise ValueError(f"{where}: must be finite; got {given[k]} (pair {k})")


def delays_of(
    value: Any, n: int, order: NDArray[np.int64] | None, seed: int, number: int
) -> NDArray[np.uint16] | int:
    """One delay for all, or one for each synapse, whole steps from 1."""
    if isinstance(value, Mapping):
        drawn: NDArray[np.float64] = np.rint(
            _distribution(value, "delay", seed, "delay", number, n).astype(np.float64)
        )
        return np.clip(drawn, 1, MAX_DELAY).astype(np.uint16)
    if np.ndim(value) == 0:
        delay = checked_count(value, "delay", 1)
        if delay > MAX_DELAY:
            raise ValueError(f"delay: must be at most {MAX_DELAY} steps; got {delay}")
        return delay
    given = np.asarray(value, dtype=np.float64)
    _check_column("delay", given, n, order)
    bad = given[(given != np.rint(given)) | (given < 1) | (given > MAX_DELAY)]
    if bad.size:
        raise ValueError(f"delay: must be whole steps from 1 to {MAX_DELAY}; got {bad[0]}")
    return given[order].astype(np.uint16)
