"""Neurons that ``connect`` was given, as slots; and whether they may be connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.areas import Areas
from neuromod.network.layout import Rows
from neuromod.network.members import slots_as_given
from neuromod.problems import shown

__all__ = [
    "check_columns",
    "checked_port",
    "ends_of",
    "lacking",
    "slots_of_rows",
    "type_of_sources",
]

Int32s = NDArray[np.int32]
_RULES = _core.plasticity_rules()


def ends_of(
    areas: Areas, pre: Any, post: Any, rows: Rows, parts: tuple[int, int] | None = None
) -> tuple[tuple[int, int], Callable[[], tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    """Numbers of sources and targets as given, and positions of each synapse's source and target among them.

    `parts`: as of `slots_of_rows`.
    """
    sources, targets = slots_as_given(areas, pre, "pre"), slots_as_given(areas, post, "post")

    def position(given: NDArray[np.int64], slots: NDArray[np.int64], where: str) -> NDArray[np.int64]:
        order = np.argsort(given, kind="stable")
        if np.any(np.diff(given[order]) == 0):
            raise ValueError(f"{where}: must name each neuron once where weights or delays are a matrix")
        return order[np.searchsorted(given[order], slots)]

    def ends() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pre_slots, post_slots = slots_of_rows(areas, rows, parts)
        return position(sources, pre_slots, "pre"), position(targets, post_slots, "post")

    return (len(sources), len(targets)), ends


def slots_of_rows(
    areas: Areas, rows: Rows, parts: tuple[int, int] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Slots of the source and the target of each synapse. `parts`: partitions that have buckets; None: all."""
    first, bucket_start, local = rows
    n_partitions, width = _core.partitions(areas.columns.n)
    begin, end = (0, n_partitions) if parts is None else parts
    n_held = max(1, end - begin)
    bucket = np.repeat(np.arange(len(bucket_start) - 1), np.diff(bucket_start))
    return first + bucket // n_held, (begin + bucket % n_held) * width + local.astype(np.int64)


def check_columns(
    areas: Areas, rule: str | None, rows: Rows | tuple[Any, Any], parts: tuple[int, int] | None = None
) -> None:
    """Refuse synapses, rows or slots of sources and of targets, whose neurons lack a column that the rule reads."""
    reads = {} if rule is None else _RULES[rule]["reads"]
    if rule is None or not any(reads.values()):
        return
    slots: tuple[Any, ...] = slots_of_rows(areas, rows, parts) if len(rows) == 3 else rows
    models = list(_core.neuron_models())
    for end, of_end in zip(reads, slots, strict=True):
        for model in (models[k] for k in np.unique(areas.columns.column("model")[of_end])):
            names = lacking(rule, end, model)
            if names:
                raise ValueError(
                    f"rule: {rule} reads {', '.join(names)} of its {end}s; a {model} neuron has none"
                )


def lacking(rule: str, end: str, model: str) -> list[str]:
    """Columns that the rule reads of its sources or of its targets, and that the neuron model lacks."""
    about = _core.neuron_models()[model]
    return sorted(set(_RULES[rule]["reads"][end]) - set(about["state"]) - set(about["params"]))


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
    if port is None:
        return
    models = list(_core.neuron_models().items())
    numbers = np.unique(areas.columns.column("model")[post])
    for name, model in (models[k] for k in numbers):
        if port not in model["ports"]:
            raise ValueError(
                f"port: must be an input port of every target; {name} has {', '.join(model['ports'])}; got {port!r}"
            )
