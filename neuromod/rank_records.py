"""Records of a network on several processes: those of one process, and all of them as one process would have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import neuromod
from neuromod.closed import fixed
from neuromod.errors import ConfigError
from neuromod.merging import merged_samples, merged_spikes
from neuromod.recorders import Monitor, monitor_again

__all__ = ["KINDS", "about_records", "keep_own_records", "sent_records", "whole_records"]

Ints = NDArray[np.int64]
KINDS = ("SpikeMonitor", "RateMonitor", "StateMonitor", "LevelMonitor", "SynapseMonitor")
"""Monitors that there are on several processes."""
Where = Callable[[str], Sequence[Ints]]
"""Of a projection: of each process, the positions of its synapses in the whole."""


def about_records(monitors: Sequence[Monitor[Any]]) -> list[tuple[Any, ...]]:
    """What must be the same on all processes of their monitors."""
    names = ("_projection", "_variable", "_period")
    return [(type(one).__name__, *(getattr(one, name, None) for name in names)) for one in monitors]


def sent_records(monitors: Sequence[Monitor[Any]]) -> list[dict[str, Any]]:
    """What a process tells of its monitors."""
    return [
        {
            "kind": type(monitor).__name__,
            "own": monitor._own(),
            "recorder": monitor._recorder.saved(),
            "is_on": monitor._is_on(),
        }
        for monitor in monitors
    ]


def whole_records(sim: Any, told: Sequence[Sequence[Mapping[str, Any]]], where: Where) -> list[Monitor[Any]]:
    """Monitors of the whole network, which have recorded what those of all processes have, and go on.

    `told`: of each process what `sent_records` gave.
    """
    return [_whole(sim, parts, where) for parts in zip(*told, strict=True)]


def _whole(sim: Any, parts: Sequence[Mapping[str, Any]], where: Where) -> Monitor[Any]:
    first = parts[0]
    if first["kind"] == "SynapseMonitor":
        return _whole_of_synapses(sim, parts, where)
    recorder, own = dict(first["recorder"]), dict(first["own"])
    monitor: Monitor[Any]
    if first["kind"] in ("SpikeMonitor", "RateMonitor"):
        monitor = getattr(neuromod, first["kind"])(sim)
        saved = [part["recorder"] for part in parts]
        recorder["step"], recorder["id"] = merged_spikes([(one["step"], one["id"]) for one in saved])
    elif first["kind"] == "StateMonitor":
        ids = [part["own"]["_ids"] for part in parts]
        wanted = own.pop("_asked", None)
        own["_ids"] = np.sort(np.concatenate(ids)) if wanted is None else wanted
        monitor = neuromod.StateMonitor(sim, own["_variable"], own["_ids"], own["_period"])
        values = [part["recorder"]["value"] for part in parts]
        recorder["value"] = merged_samples(values, ids, own["_ids"])
    else:
        monitor = neuromod.LevelMonitor(sim, own["_period"])
    monitor.stop()
    monitor._take_over(recorder, first["is_on"], own)
    return monitor


def _whole_of_synapses(sim: Any, parts: Sequence[Mapping[str, Any]], where: Where) -> Monitor[Any]:
    first, owns = parts[0], [part["own"] for part in parts]
    order = np.argsort(np.concatenate([own["_place"] for own in owns]), kind="stable")
    own = {name: value for name, value in first["own"].items() if name != "_place"}
    positions = [own["_tracked"] for own in owns]
    if any((each >= 0).any() for each in positions):
        there = where(own["_projection"])
        positions = [
            np.where(each < 0, -1, place[each] if len(place) else -1)
            for each, place in zip(positions, there, strict=True)
        ]
    own["_tracked"] = np.concatenate(positions)[order]
    own["_ends"] = tuple(fixed(np.concatenate([one["_ends"][k] for one in owns])[order]) for k in (0, 1))
    values = np.concatenate([part["recorder"]["value"] for part in parts], axis=1)[:, order]
    return monitor_again(
        neuromod.SynapseMonitor, sim, own, {**first["recorder"], "value": values}, first["is_on"]
    )


def keep_own_records(monitors: Sequence[Monitor[Any]], own: Ints, others: Ints | None = None) -> None:
    """Let the monitors of a whole network be those of the process that has the neurons `own`.

    `others`: of the first process, the neurons of all others: synapses that are recorded and whose targets are removed
    are its own.

    Raises
    ------
    ConfigError
        If there are monitors that no process has a part of. Nothing is changed.
    """
    other = [type(monitor).__name__ for monitor in monitors if type(monitor).__name__ not in KINDS]
    if other:
        raise ConfigError([f"monitors: must be {', '.join(KINDS)} on several ranks; got {other[0]}"])
    for monitor in monitors:
        if isinstance(monitor, neuromod.LevelMonitor):
            continue
        saved, attributes, is_on = monitor._recorder.saved(), dict(monitor._own()), monitor._is_on()
        if isinstance(monitor, neuromod.StateMonitor):
            here = np.isin(monitor.ids, own)
            saved["value"] = saved["value"][:, here]
            attributes |= {"_ids": monitor.ids[here], "_asked": monitor.ids}
        elif isinstance(monitor, neuromod.SynapseMonitor):
            here = np.isin(monitor.post_id, own)
            if others is not None:
                here |= ~np.isin(monitor.post_id, others)
            saved["value"] = saved["value"][:, here]
            attributes |= {
                "_ends": tuple(fixed(ends[here]) for ends in attributes["_ends"]),
                "_tracked": attributes["_tracked"][here],
                "_place": np.flatnonzero(here),
            }
        else:
            here = np.isin(saved["id"], own)
            saved |= {"step": saved["step"][here], "id": saved["id"][here]}
        monitor.stop()
        monitor._take_over(saved, is_on, attributes)
