"""What ``connect`` was given, as slots; and what weights and delays are drawn for."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.network.distance import Geometry, Space
from neuromod.network.draws import New
from neuromod.network.ends import Built, Ends
from neuromod.network.members import slots_as_given, slots_of_group
from neuromod.network.wiring import ends_of, slots_of_rows
from neuromod.problems import shown

__all__ = ["checked_ends", "made_for"]


def checked_ends(store: Any, pre: Any, post: Any, autapses: Any, multapses: Any, seed: int) -> Ends:
    """Sources and targets, and how often they may be connected."""
    areas = store.areas
    sources, targets = slots_of_group(areas, pre, "pre"), slots_of_group(areas, post, "post")
    _check_switch("autapses", autapses)
    if multapses is not None:
        _check_switch("multapses", multapses)
    as_given = slots_as_given(areas, pre, "pre"), slots_as_given(areas, post, "post")
    often = None if multapses is None else bool(multapses)
    return Ends(sources, targets, *as_given, bool(autapses), often, seed, store.made)


def _check_switch(where: str, value: Any) -> None:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{where}: must be True or False; got {shown(value)}")


def made_for(areas: Any, pre: Any, post: Any, ends: Ends, built: Built, space: Space) -> New:
    """What weights and delays are made for."""
    share = built.share
    parts = None if share is None else share.parts
    shape, positions = ends_of(areas, pre, post, built.rows, parts)

    @cache
    def distance() -> NDArray[np.float64]:
        geometry = Geometry(areas, ends.pre, ends.post, space.wrap)
        return geometry.distances(*slots_of_rows(areas, built.rows, parts))

    n = len(built.rows[2])
    new = New(n, built.order, positions, shape, ends.seed, ends.number, distance=distance)
    if share is None:
        return new
    return new._replace(n_whole=share.n_synapses, at=(share.begin, share.sizes))
