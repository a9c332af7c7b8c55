"""State as nested mappings of arrays: its digest, and its form in JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["digest_of", "pack", "unpack"]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _leaves(value[key], f"{path}/{key}")
    elif isinstance(value, list | tuple):
        yield f"{path}#", len(value)
        for k, item in enumerate(value):
            yield from _leaves(item, f"{path}/{k}")
    else:
        yield path, value


def digest_of(state: Mapping[str, Any]) -> str:
    """SHA-256 of nested mappings, sequences, arrays and scalars; arrays count as little-endian bytes.

    Parameters
    ----------
    state : mapping

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2.0}) == digest_of({"b": 2.0, "a": 1})
    True
    """
    sha = hashlib.sha256()
    for path, value in _leaves(state, ""):
        sha.update(path.encode() + b"\0")
        if isinstance(value, np.ndarray):
            little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
            sha.update(f"{little.dtype.str}{little.shape}".encode())
            sha.update(little.tobytes())
        else:
            sha.update(repr(value).encode())
        sha.update(b"\0")
    return sha.hexdigest()


def pack(value: Any) -> Any:
    """The same with arrays as ``{"dtype", "shape", "values"}`` and pairs as lists, which ``json`` can write.

    Keys that are tuples become strings with ``|`` between their parts. float32 and float64 values survive
    exactly: Python writes the shortest text that reads back as the same bits.

    Parameters
    ----------
    value : object
        Nested mappings, sequences, arrays and scalars.

    Returns
    -------
    object

    Examples
    --------
    >>> pack({"a": np.arange(2)})
    {'a': {'dtype': '<i8', 'shape': [2], 'values': [0, 1]}}
    """
    if isinstance(value, np.ndarray):
        values = [None if v == -np.inf else v for v in value.ravel().tolist()]
        return {"dtype": value.dtype.str, "shape": list(value.shape), "values": values}
    if isinstance(value, Mapping):
        return {"|".join(k) if isinstance(k, tuple) else k: pack(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [pack(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def unpack(value: Any) -> Any:
    """What `pack` was given.

    Parameters
    ----------
    value : object
        From `pack`, or read from JSON that it was written to.

    Returns
    -------
    object

    Examples
    --------
    >>> unpack(pack({"a": np.arange(2)}))["a"].tolist()
    [0, 1]
    """
    if isinstance(value, Mapping):
        if set(value) == {"dtype", "shape", "values"}:
            values = [-np.inf if v is None else v for v in value["values"]]
            return np.array(values, dtype=np.dtype(value["dtype"])).reshape(value["shape"])
        return {tuple(k.split("|")) if "|" in k else k: unpack(v) for k, v in value.items()}
    if isinstance(value, list):
        return [unpack(v) for v in value]
    return value
