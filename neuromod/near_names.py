"""Calls with an argument that a function does not have: the error names the nearest one that it has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from neuromod.problems import nearest

__all__ = ["names_near"]

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


def names_near(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Decorator: ``TypeError`` of an argument that is not there says where, and the nearest name.

    Parameters
    ----------
    function : callable
        Without ``**`` parameters. What it does, its signature and its docstring stay.

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
            wrong = _unknown(function, given) if own else None
            if wrong is None:
                raise
        raise TypeError(wrong)

    return call


def _unknown(function: Callable[..., object], given: dict[str, object]) -> str | None:
    """What is said of the first argument given by a name that there is not."""
    import inspect  # not needed to import the package

    known = [name for name in inspect.signature(function).parameters if name != "self"]
    for name in given:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
            where = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
            return f"{where}: no argument {name!r}; {hint}"
    return None
