"""The populations of a model: what is saved of them, and the way back, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuromod.network.areas import Areas, Created
from neuromod.problems import join
from neuromod.state import SavedPart

__all__ = ["check_members", "created_of", "populations_state"]

_MOST_RECEPTORS = 1e6


def populations_state(areas: Areas) -> dict[str, Any]:
    """What is saved of them; nothing where there are none, so that older digests stay."""
    each = [
        {
            "name": made.name,
            "region": made.region,
            "receptors": {name: float(density) for name, density in made.receptors.items()},
            "ids": made.ids,
            **({} if made.positions is None else {"positions": made.positions}),
        }
        for made in areas.created
    ]
    return {"populations": each} if each else {}


def created_of(part: SavedPart, areas: Areas, next_id: int | None) -> list[Created]:
    """The populations of `populations_state`; what is wrong is noted in `part`."""
    saved = part.value.get("populations", [])
    if not isinstance(saved, list | tuple):
        part.wrong("populations", "must be a list", saved)
        return []
    found, taken = [], set(areas.names)
    for k, entry in enumerate(saved):
        one = SavedPart(entry, f"{part.where}.populations[{k}]", part.problems)
        made = _created(one, taken, next_id)
        found += [] if made is None else [made]
    return found


def _created(one: SavedPart, taken: set[str], next_id: int | None) -> Created | None:
    one.only("name", "region", "receptors", "ids", "positions")
    if not one.has("name", "region", "receptors", "ids"):
        return None
    name, region = one.value["name"], one.value["region"]
    if not isinstance(name, str) or not name or name in taken:
        one.wrong("name", "must be a new, non-empty text", name)
        return None
    taken.add(name)
    if region is not None and (not isinstance(region, str) or not region):
        one.wrong("region", "must be a non-empty text or null", region)
    receptors = one.value["receptors"]
    if not isinstance(receptors, Mapping):
        one.wrong("receptors", "must be a mapping", receptors)
        receptors = {}
    for modulator, density in receptors.items():
        if type(density) is not float or not 0.0 <= density <= _MOST_RECEPTORS:
            rule = f"must be a number from 0 to {_MOST_RECEPTORS:g}"
            one.wrong(("receptors", str(modulator)), rule, density)
    ids = one.array("ids", "i8", (None,), 0, None if next_id is None else next_id - 1)
    if ids is None:
        return None
    if np.any(np.diff(ids) <= 0):
        one.wrong("ids", "must ascend", ids)
    positions = one.array("positions", "f8", (len(ids), None)) if "positions" in one.value else None
    if positions is not None and not np.all(np.isfinite(positions)):
        one.problems.append(f"{join(one.where, 'positions')}: must be finite")
    return Created(name, region, dict(receptors), ids, positions)


def check_members(part: SavedPart, created: list[Created], first: int, neurons: Mapping[str, Any]) -> None:
    """Whether the neurons of each population, by their column `area`, are among its ids."""
    for k, made in enumerate(created):
        mine = neurons["id"][neurons["area"] == first + k]
        if not np.isin(mine, made.ids).all():
            part.wrong(("populations",), f"must hold the ids of the neurons of {made.name!r}", mine)
