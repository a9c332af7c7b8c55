"""A call of ``connect`` that was refused: everything that is wrong with it, at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from neuromod.network.distance import Space, checked_space
from neuromod.network.draws import New, delays_of, weights_of
from neuromod.network.layout import Learning
from neuromod.network.learning import checked_modulators
from neuromod.network.matrices import is_sparse
from neuromod.network.members import slots_of_group
from neuromod.network.new_synapses import checked_ends, made_for
from neuromod.network.rules import build_rows
from neuromod.network.wiring import checked_port, type_of_sources
from neuromod.problems import shown
from neuromod.together import Together

__all__ = ["refuse_connect"]


def refuse_connect(
    found: Together,
    first: Exception | None,
    store: Any,
    pre: Any,
    post: Any,
    how: Mapping[str, Any],
    **about: Any,
) -> NoReturn:
    """Raise what is wrong with a call of `SynapseStore.connect` that raised `first`, or that was never made.

    `found`: what is wrong with arguments that the call does not get. `about`: the other arguments of the call; learning
    and delay are None where they are known to be wrong. Each argument is looked at by itself. Nothing is changed.
    """
    areas, learning = store.areas, about["learning"] or Learning()
    sources, targets = found(slots_of_group, areas, pre, "pre"), found(slots_of_group, areas, post, "post")
    none = np.empty(0, np.int32)
    kind = found(type_of_sources, areas, none if sources is None else sources, about["synapse_type"])
    found(checked_port, areas, none if targets is None else targets, about["port"])
    found(checked_modulators, "modulators", learning.modulators, store.modulators)
    found(store.free_name, about["name"], pre, post)
    for switch, fallback in (("autapses", False), ("multapses", None)):
        value = about[switch]
        if not isinstance(value, bool | np.bool_) and value is not fallback:
            found.errors.append(TypeError(f"{switch}: must be True or False; got {shown(value)}"))
            about[switch] = fallback
    new = _drawn(found, store, pre, post, how, sources, targets, about)
    inhibitory = kind == "inhibitory"
    for check, value, more in (
        (weights_of, about["weight"], (learning, inhibitory)),
        (delays_of, about["delay"], ()),
    ):
        several = isinstance(value, list | tuple) or callable(value) or is_sparse(value)
        plain = isinstance(value, Mapping) or (not several and np.ndim(value) == 0)
        if value is not None and (new is not None or plain):  # arrays and functions need the synapses
            found(check, value, new or _none(about["seed"]), *more)
    if len(found) < 2 and first is not None:
        raise first
    found.finish()
    raise AssertionError("connect: was refused for no reason")


def _drawn(
    found: Together,
    store: Any,
    pre: Any,
    post: Any,
    how: Mapping[str, Any],
    sources: Any,
    targets: Any,
    about: Any,
) -> New | None:
    """What weights and delays are made for; None where there is something wrong with the rule or the neurons."""
    everyone = store.columns.column("id")
    few = everyone if how.get("pairs") is not None else everyone[:2]
    groups = few if sources is None else pre, few if targets is None else post
    ends = found(checked_ends, store, *groups, about["autapses"], about["multapses"], about["seed"])
    space = found(checked_space, how.get("probability"), about["mask"], about["edge_wrap"])
    if ends is None or (space is None and _asks_for_space(how, about)):
        return None
    if store.division is not None:  # no process has all synapses
        return None
    built = found(build_rows, store.areas, ends, how, space)
    if built is None or sources is None or targets is None:
        return None
    return found(made_for, store.areas, pre, post, ends, built, space or Space())


def _asks_for_space(how: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Whether some argument says how a connection depends on distance."""
    odds = how.get("probability")
    return about["mask"] is not None or callable(odds) or isinstance(odds, Mapping)


def _none(seed: int) -> New:
    """No synapses: only the forms of weights and delays are looked at."""
    return New(0, None, lambda: (np.empty(0, np.int64), np.empty(0, np.int64)), (0, 0), seed, 0)
