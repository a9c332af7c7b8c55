"""Pairs of neurons as users give them: arrays, lists, tables and CSV files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import checked_array
from neuromod.problems import nearest, shown

__all__ = ["as_pairs", "checked_pairs"]

Areas = Any
"""A `neuromod.network.areas.Areas`; this module does not import it."""

Int32s = NDArray[np.int32]
Columns = dict[str, NDArray[Any]]

_NAMES = {
    "pre": "pre",
    "pre_id": "pre",
    "post": "post",
    "post_id": "post",
    "weight": "weight",
    "delay": "delay",
}
_ORDER = ("pre", "post", "weight", "delay")


def as_pairs(areas: Areas, value: Any) -> tuple[Int32s, Any, Any]:
    """Slots of the ends, shape (n, 2), and the weights and delays that came with them; None: none came."""
    if isinstance(value, str | os.PathLike):
        columns = _of_file(value)
    elif hasattr(value, "columns") and hasattr(value, "to_numpy"):  # a pandas table
        columns = _named({str(name): value[name].to_numpy() for name in value.columns}, "pairs")
    else:
        ids = checked_array(list(value) if isinstance(value, Iterator) else value, "pairs", "iu")
        ids = np.empty((0, 2), np.int64) if ids.shape == (0,) else ids  # an empty list
        if ids.ndim != 2 or ids.shape[1] != 2 or ids.dtype.kind not in "iu":
            hint = "; np.column_stack((pre, post)) has it" if ids.ndim == 2 and len(ids) == 2 else ""
            raise ValueError(
                f"pairs: must be ids of shape (n, 2); got {ids.dtype} of shape {ids.shape}{hint}"
            )
        columns = {"pre": ids[:, 0], "post": ids[:, 1]}
    slots = np.empty((len(columns["pre"]), 2), np.int32, order="F")
    for side, end in enumerate(("pre", "post")):
        slots[:, side] = areas.columns.known_slots(_whole(columns[end], end), "pairs")
    return slots, columns.get("weight"), columns.get("delay")


def _whole(values: NDArray[Any], name: str) -> NDArray[np.int64]:
    given = checked_array(values, f"pairs.{name}")
    if given.dtype.kind not in "iu" and not np.all(given == np.rint(given)):
        raise ValueError(f"pairs.{name}: must be ids, whole numbers; got {given[given != np.rint(given)][0]}")
    return given.astype(np.int64, copy=False)


def _named(columns: Columns, where: str) -> Columns:
    found: Columns = {}
    for name, values in columns.items():
        key = _NAMES.get(name.strip().lower())
        if key is None and name.strip():  # pandas writes its index under no name
            near = nearest(name.strip(), _NAMES)
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"{where}: columns must be {', '.join(_ORDER)}; got {shown(name)}{hint}")
        if key in found:
            raise ValueError(f"{where}: must have each column once; got {key} twice")
        if key is not None:
            found[key] = values
    if not {"pre", "post"} <= set(found):
        raise ValueError(f"{where}: must have the columns pre and post; got {', '.join(found) or 'none'}")
    return found


def _of_file(name: str | os.PathLike[str]) -> Columns:
    """The columns of a CSV file, with a line of names or without one."""
    import csv
    from pathlib import Path

    path = Path(name)
    where = f"pairs ({path.name})"
    if not path.is_file():
        raise ValueError(f"pairs: must be ids or the name of a CSV file; there is no file {str(path)!r:.60}")
    with path.open(newline="", encoding="utf-8") as lines:
        head = next((row for row in csv.reader(lines) if row), [])
    has_names = any(not _is_number(cell) for cell in head)
    names = [cell.strip() for cell in head] if has_names else list(_ORDER[: len(head)])
    if len(head) < 2 or len(head) > len(names):
        raise ValueError(f"{where}: must have 2 to 4 columns, {', '.join(_ORDER)}; got {len(head)}")
    try:
        table = np.loadtxt(path, delimiter=",", skiprows=int(has_names), ndmin=2, encoding="utf-8")
    except ValueError as error:
        raise ValueError(f"{where}: must be numbers parted by commas; {error}") from None
    if not table.size:
        table = np.empty((0, len(names)))
    return _named({name: table[:, k] for k, name in enumerate(names)}, where)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def checked_pairs(
    areas: Areas,
    slots: Int32s,
    pre: Int32s,
    post: Int32s,
    autapses: bool,
    multapses: bool | None,
    where: str = "pairs",
) -> None:
    """Refuse pairs that leave pre and post, and those of a neuron with itself or that occur twice unless allowed."""
    ids = areas.columns.column("id")
    for side, group, name in ((0, pre, "pre"), (1, post, "post")):
        is_in = np.zeros(len(ids), bool)
        is_in[group] = True
        outside = slots[~is_in[slots[:, side]], side]
        if outside.size:
            raise ValueError(
                f"{where}: must lead from pre to post; got {ids[outside[0]]}, which is not in {name}"
            )
    own = slots[slots[:, 0] == slots[:, 1], 0]
    if own.size and not autapses:
        who = ids[own[0]]
        raise ValueError(
            f"{where}: must not connect a neuron to itself unless autapses is True; got ({who}, {who})"
        )
    if multapses is False and len(slots):
        key = np.sort(slots[:, 0].astype(np.int64) << 32 | slots[:, 1])
        twice = key[1:][key[1:] == key[:-1]]
        if twice.size:
            a, b = ids[twice[0] >> 32], ids[twice[0] & 0xFFFFFFFF]
            raise ValueError(
                f"{where}: must have no pair twice unless multapses is True; got ({a}, {b}) twice"
            )
