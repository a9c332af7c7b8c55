"""Calls with arguments that a function does not take: the error names the nearest one, or what goes by position."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from neuromod.problems import did_you_mean, shown

__all__ = ["names_near"]

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


def names_near(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Decorator: ``TypeError`` of an argument that is not there says where, and the nearest name.

    That of too many arguments by position says which go by position.

    Parameters
    ----------
    function : callable
        What it does, its signature and its docstring stay.

    Examples
    --------
    >>> @names_near
    ... def connect(probability):
    ...     return probability
    >>> try:
    ...     connect(probabilty=0.1)
    ... except TypeError as error:
    ...     print(error)
    connect: no argument 'probabilty'; did you mean 'probability'?
    """

    @functools.wraps(function)
    def call(*args: Arguments.args, **given: Arguments.kwargs) -> Value:
        try:
            return function(*args, **given)
        except TypeError as error:
            trace = error.__traceback__
            own = trace is not None and trace.tb_next is None  # the call itself failed, nothing within it
            wrong = _unknown(function, args, given) if own else None
            if wrong is None:
                raise
        raise TypeError(wrong)

    return call


def _unknown(
    function: Callable[..., object], args: tuple[object, ...], given: dict[str, object]
) -> str | None:
    """What is said of arguments by position that are too many, or of the first by a name that there is not."""
    import inspect  # not needed to import the package

    taken = inspect.signature(function).parameters
    known = {name: about for name, about in taken.items() if name not in ("self", "cls")}
    where = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
    placed = [name for name, about in known.items() if about.kind is about.POSITIONAL_OR_KEYWORD]
    more = args[len(placed) + (len(taken) > len(known)) :]
    if more:
        hint = ", **{...}" if isinstance(more[0], Mapping) else ", NAME=value"
        most = f"{len(placed)} argument" + ("" if len(placed) == 1 else "s")
        return (
            f"{where}: must have no more than {most} by position; got {shown(more[0])}; "
            f"give the others by name, {where}({', '.join(placed)}{hint})"
        )
    if any(about.kind is about.VAR_KEYWORD for about in known.values()):
        return None
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known, (where,)) or f"; there are {', '.join(known)}"
            return f"{where}: no argument {name!r}{hint}"
    return None
