"""Calls that add synapses twice: whether a call was made before, as where a notebook's cell is run again."""

from __future__ import annotations

import types
import zlib
from collections.abc import Hashable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from neuromod._core import Neuron
from neuromod.network.members import is_population

__all__ = ["likeness"]


def likeness(value: Any) -> Hashable:
    """What equal values have in common: a key that equal arguments of two calls share, and others as good as never do.

    Numbers, text, populations, mappings and sequences count by what they hold, arrays by a checksum, functions by
    their code and the plain values that they close over. Any other object is like nothing, not even itself.

    Parameters
    ----------
    value : object

    Returns
    -------
    Hashable

    Examples
    --------
    >>> likeness({"normal": [0.5, 0.1]}) == likeness({"normal": [0.5, 0.1]})
    True
    >>> likeness(np.zeros(3)) == likeness(np.ones(3))
    False
    """
    if value is None or isinstance(value, _PLAIN):
        return type(value).__name__, value
    if isinstance(value, Neuron):
        return "neuron", value.id
    if is_population(value):
        return ("population", value.name) if value._own is None else ("neurons", likeness(value.ids))
    if isinstance(value, Mapping):
        return "mapping", _all((key, each) for key, each in value.items())
    if isinstance(value, list | tuple) and len(value) <= _SHORT:
        return "sequence", _all(value)
    if hasattr(value, "tocoo"):
        sparse = value.tocoo()
        return "sparse", sparse.shape, _all((sparse.row, sparse.col, sparse.data))
    if isinstance(value, types.FunctionType):
        own = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        own += [_content(cell) for cell in value.__closure__ or ()]
        return "function", value.__code__, _all(map(_plain, own))
    if isinstance(value, np.ndarray | list | tuple) or hasattr(value, "to_numpy"):
        return _checksum(value)
    return object()


_PLAIN = (str, bool, int, float, np.generic, PurePath)
_SHORT = 64


def _all(values: Iterable[Any]) -> tuple[Hashable, ...]:
    return tuple(likeness(each) for each in values)


def _content(cell: types.CellType) -> Any:
    """What a function closes over; an object of no kind where that is not set yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return object()


def _plain(value: Any) -> Any:
    """The value, if it is plain: a function may close over itself."""
    return value if isinstance(value, (*_PLAIN, np.ndarray)) else object()


def _checksum(value: Any) -> Hashable:
    """Of an array of numbers, or of a long sequence of them."""
    try:
        array = np.ascontiguousarray(value)
    except ValueError:  # rows that differ in length
        return object()
    if array.dtype.hasobject:
        return object()
    return array.dtype.str, np.shape(value), zlib.crc32(array.reshape(-1).view(np.uint8).data)
