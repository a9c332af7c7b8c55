"""Calls of ``connect`` as other simulators spell them, and what they are called here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from neuromod.problems import did_you_mean, shown

__all__ = ["spelled_here"]

Given = ParamSpec("Given")
Made = TypeVar("Made")

_RULES = {  # NEST's rules: the argument here, and the key of its value
    "fixed_indegree": ("in_degree", "indegree"),
    "fixed_outdegree": ("out_degree", "outdegree"),
    "pairwise_bernoulli": ("probability", "p"),
    "fixed_total_number": ("total_number", "N"),
    "one_to_one": ("one_to_one", None),
    "all_to_all": ("all_to_all", None),
}


def spelled_here(connect: Callable[Given, Made]) -> Callable[Given, Made]:
    """Let ``connect`` say how it wants what it does not know: a third argument by position, or another name."""
    known = [name for name in inspect.signature(connect).parameters if name not in ("self", "pre", "post")]

    @functools.wraps(connect)
    def checked(*given: Given.args, **named: Given.kwargs) -> Made:
        if len(given) > 3:  # self, pre, post
            raise TypeError(_of_position(given[3:]))
        for name in named:
            if name not in known and name not in ("pre", "post"):
                raise TypeError(_of_name(name, named[name], known))
        return connect(*given, **named)

    return checked


def _of_position(given: tuple[Any, ...]) -> str:
    """What is said of arguments after the two groups."""
    meant = _spelling(given[0])
    more = [f"{name}=..." for name in given[1] if isinstance(name, str)] if _is_mapping(given[1:]) else []
    hint = f"; did you mean connect(pre, post, {', '.join([meant, *more])})?" if meant else ""
    return (
        f"connect: all but the two groups must be named, as in probability=0.1; got {shown(given[0])}{hint}"
    )


def _is_mapping(given: tuple[Any, ...]) -> bool:
    return bool(given) and isinstance(given[0], Mapping)


def _spelling(given: Any) -> str | None:
    """The argument here for a rule of NEST, a probability or a number; None where it is none of these."""
    rule = given.get("rule") if isinstance(given, Mapping) else given
    if isinstance(rule, str) and rule in _RULES:
        name, key = _RULES[rule]
        if key is None:
            return f"{name}=True"
        value = given.get(key) if isinstance(given, Mapping) else None
        return f"{name}={'...' if value is None else shown(value)}"
    if isinstance(given, float) and 0.0 <= given <= 1.0:
        return f"probability={given}"
    return None


def _of_name(name: str, value: Any, known: list[str]) -> str:
    """What is said of an argument that there is not."""
    if name == "conn_spec" and (meant := _spelling(value)):
        return f"connect: no such argument, {name!r}; did you mean {meant}?"
    return f"connect: no such argument, {name!r}{did_you_mean(name, known)}"
