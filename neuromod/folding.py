"""Nested mappings with arrays, as a tree that JSON can write and a list of arrays; and the way back, checked.

An array stands once in the list, however often it occurs. One whose values are all equal is kept as one of them. Values
that stay the same for long are kept as runs, other whole numbers in the narrowest type that holds them, also where a
flag in one of their two upper bits makes them large. Of large arrays the halves of the values are kept apart where the
upper ones take less room so, as `neuromod.planes` has it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.planes import coded, decoded, halved, joined
from neuromod.problems import shown
from neuromod.state import packed_key, unpacked_key

__all__ = ["Folder", "Repeated", "unfolded"]

Array = NDArray[Any]

_MARK = "$"
"""The only key of a mapping that stands for an array."""
_FEW = 64  # entries; a smaller array is kept as it is
_LARGE = 4096  # entries from which on halves and codes are tried
_HALVINGS = 2  # of a value: 4 bytes, 2, 1
_WORDS = np.dtype("<u8")
_FLAGS = 2  # upper bits of a whole number of 8 bytes, which are flags
_DEEPEST = 100
_MOST = 32
"""Bytes in memory for each byte of the file; and `_SPARE` bytes besides."""
_SPARE = 1 << 24
_BLOCK = 1 << 18  # entries that are looked at together, so that they stay in the cache
_MOST_AXES = 8
_DTYPE = re.compile(r"<[fiu][248]|\|[iu]1|\|b1")
_SLUG = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True, eq=False)
class Repeated:
    """A flat array that is never made: values, no neighbours of which are equal, and how often each stands."""

    values: Array
    counts: Array

    @property
    def size(self) -> int:
        """Entries of the array."""
        return int(self.counts.sum())

    def runs(self) -> tuple[Array, Array] | None:
        """As `_runs` gives them of the array; None where it gives none, or where the array is kept otherwise."""
        some = self.counts > 0
        n = int(np.count_nonzero(some))
        if self.size < _FEW or n < 2 or n > self.size // 8:
            return None
        return self.values[some], self.counts[some]

    def whole(self) -> Array:
        """The array."""
        return np.repeat(self.values, self.counts)


class Folder:
    """Puts the arrays of nested mappings into a list."""

    def __init__(self) -> None:
        self.arrays: list[tuple[str, Array]] = []
        self.room = 0  # bytes that the arrays take in memory beyond what the file holds as it is
        self._known: dict[int, tuple[Any, Any]] = {}  # by identity: the array, held, and what stands for it

    def folded(self, value: Any, path: tuple[str, ...] = ()) -> Any:
        """The same with a mapping in place of each array."""
        if len(path) > _DEEPEST:
            raise ValueError(f"state: must not be nested more than {_DEEPEST} deep")
        if isinstance(value, np.ndarray | Repeated):
            if id(value) not in self._known:
                kept = self._repeated(value, path) if isinstance(value, Repeated) else self._kept(value, path)
                self._known[id(value)] = value, {_MARK: kept}
            return self._known[id(value)][1]
        if isinstance(value, Mapping):
            keys = {key: packed_key(key) for key in value}
            return {
                ("\\" + name if name.startswith(_MARK) else name): self.folded(value[key], (*path, name))
                for key, name in keys.items()
            }
        if isinstance(value, list | tuple):
            return [self.folded(item, (*path, str(k))) for k, item in enumerate(value)]
        return value.item() if isinstance(value, np.generic) else value

    def pad(self) -> None:
        """Add zeros where the arrays would take so little room in a file that `unfolded` refused it."""
        wanted = (self.room - _SPARE) // _MOST + 1 - sum(array.nbytes for _, array in self.arrays)
        if wanted > 0:
            self._add(np.zeros(wanted, np.uint8), ("padding",))

    def _kept(self, array: Array, path: tuple[str, ...]) -> list[Any]:
        """How the array is kept; what it takes in memory is counted as `_Unfolder` counts it."""
        kept = self._form(array, path)
        if kept[0] != "array":
            self.room += array.nbytes
        return kept

    def _repeated(self, array: Repeated, path: tuple[str, ...]) -> list[Any]:
        """As `_kept` keeps the array."""
        runs, size, dtype = array.runs(), array.size, array.values.dtype
        if runs is None:
            return self._kept(array.whole(), path)
        self.room += size * dtype.itemsize
        return self._as_runs(runs, dtype.newbyteorder("<"), [size], path)

    def _as_runs(
        self, runs: tuple[Array, Array], dtype: np.dtype[Any], shape: list[int], path: tuple[str, ...]
    ) -> list[Any]:
        values, counts = (self._add(_narrow(part), path) for part in runs)
        return ["runs", values, counts, dtype.str, shape]

    def _form(self, array: Array, path: tuple[str, ...]) -> list[Any]:
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        if array.ndim == 0 or little.size < _FEW:
            return ["array", self._add(little.reshape(array.shape), path)]
        flat, shape = little.reshape(-1), list(array.shape)
        if _all_equal(flat):
            return ["equal", self._add(flat[:1], path), shape]
        runs = _runs(flat)
        if runs is not None:
            return self._as_runs(runs, flat.dtype, shape, path)
        narrow = _narrow(flat)
        if narrow.dtype.itemsize == 8 and narrow.dtype.kind in "iu":
            turned = _turned(flat, _FLAGS)
            if len(turned) and int(turned.max()) < 2**32:
                return ["flagged", self._form(turned.reshape(array.shape), path), flat.dtype.str]
        parts = self._parts(narrow, path)
        if parts is not None:
            return [*parts, narrow.dtype.str, flat.dtype.str, shape]
        if narrow.dtype == flat.dtype:
            return ["array", self._add(little, path)]
        return ["narrow", self._add(narrow, path), flat.dtype.str, shape]

    def _parts(self, flat: Array, path: tuple[str, ...]) -> list[Any] | None:
        """Codes of bytes, or halves of which the upper ones take less room than as they are; None for neither."""
        if flat.size < _LARGE:
            return None
        if flat.dtype.itemsize == 1 and flat.dtype.kind in "iu":
            codes = coded(_bits(flat))
            return None if codes is None else ["coded", *(self._add(part, path) for part in codes)]
        if flat.dtype.itemsize not in (2, 4):
            return None
        low, high = halved(flat)
        upper = self._kept(high, path)
        if upper[0] == "array":
            self.arrays.pop()
            return None
        return ["halves", self._add(low, path), upper]

    def _add(self, array: Array, path: tuple[str, ...]) -> int:
        number = len(self.arrays)
        slug = "-".join(_SLUG.sub("_", part)[-20:] for part in path[-3:])
        self.arrays.append((f"{number:05d}-{slug}.npy", array))
        return number


def _bits(array: Array) -> Array:
    """The same bits as whole numbers: NaN and -0.0 are what they are."""
    return array.view(f"u{array.dtype.itemsize}")


def _all_equal(array: Array) -> bool:
    """Whether all have the same bits."""
    bits = _bits(array)
    if bits[0] != bits[-1]:
        return False
    return all(bool((bits[k : k + _BLOCK] == bits[0]).all()) for k in range(0, len(bits), _BLOCK))


def _runs(array: Array) -> tuple[Array, Array] | None:
    """Values and lengths of the runs of equal values, where these take less room than the values."""
    most, starts, count, bits = len(array) // 8, [np.zeros(1, np.int64)], 1, _bits(array)
    for k in range(1, len(array), _BLOCK):
        part = bits[k - 1 : k + _BLOCK]
        found = np.flatnonzero(part[1:] != part[:-1]) + k
        starts.append(found)
        count += len(found)
        if count > most:
            return None
    first = np.concatenate(starts)
    return array[first], np.diff(first, append=len(array))


def _turned(array: Array, left: int) -> NDArray[np.uint64]:
    """Whole numbers of 8 bytes whose upper bits, so many, are their lowest ones."""
    words = array.view(_WORDS)
    turned: NDArray[np.uint64] = (words << np.uint64(left)) | (words >> np.uint64(64 - left))
    return turned


def _narrow(array: Array) -> Array:
    """The same values in the narrowest type that holds them."""
    if not array.size or array.dtype.kind not in "iu":
        return array
    least, most = int(array.min()), int(array.max())
    for name in ("u1", "i1", "u2", "i2", "u4", "i4"):
        limits, dtype = np.iinfo(name), np.dtype(f"<{name}")
        if dtype.itemsize < array.dtype.itemsize and limits.min <= least and most <= limits.max:
            return array.astype(dtype)
    return array


# ---- the way back ------------------------------------------------------------------------------------------------


def unfolded(tree: Any, arrays: Sequence[Array], size: int) -> Any:
    """What `Folder.folded` was given, of a file of so many bytes.

    Raises
    ------
    ValueError
        If the tree is none that a `Folder` has made, or would take far more memory than the file has bytes.
    """
    return _Unfolder(arrays, _MOST * size + _SPARE).value(tree, 0)


class _Unfolder:
    def __init__(self, arrays: Sequence[Array], room: int) -> None:
        self.arrays, self.room, self.most = arrays, room, room
        self._known: dict[str, Array] = {}

    def value(self, tree: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError(f"content: must not be nested more than {_DEEPEST} deep")
        if isinstance(tree, dict):
            if _MARK in tree:
                return self._array(tree)
            return {unpacked_key(key): self.value(inner, depth + 1) for key, inner in tree.items()}
        if isinstance(tree, list):
            return [self.value(inner, depth + 1) for inner in tree]
        return tree

    def _array(self, tree: dict[str, Any]) -> Array:
        about = tree[_MARK]
        if len(tree) != 1 or not isinstance(about, list):
            raise ValueError(f"content: must say where an array is; got {shown(tree)}")
        key = repr(about)
        if key not in self._known:
            self._known[key] = self._made(about)
        return self._known[key]

    def _made(self, about: list[Any], depth: int = 0) -> Array:
        how = about[0] if about else None
        if how == "array" and len(about) == 2:
            return self._at(about[1])
        if how == "equal" and len(about) == 3:
            one = self._at(about[1])
            if one.shape != (1,):
                raise ValueError(f"content: must be one value; got {one.shape}")
            return np.full(self._shape(about[2], one.dtype), one[0], one.dtype)
        if how == "narrow" and len(about) == 4:
            return self._shaped(self._at(about[1]), _type(about[2]), about[3])
        if how == "flagged" and len(about) == 3 and isinstance(about[1], list) and about[1][:1] != [how]:
            return _unflagged(self._made(about[1]), _type(about[2]))
        if how == "halves" and len(about) == 6 and isinstance(about[2], list) and depth < _HALVINGS:
            whole, dtype = (
                joined(self._at(about[1]), self._made(about[2], depth + 1), _type(about[3])),
                about[4],
            )
            return self._shaped(whole, _type(dtype), about[5])
        if how == "coded" and len(about) == 7 and about[4] in ("|u1", "|i1"):
            dtype, parts = _type(about[5]), (self._at(about[1]), self._at(about[2]), self._at(about[3]))
            shape = self._shape(about[6], dtype)
            return _wide(decoded(parts, math.prod(shape)).view(about[4]), dtype).reshape(shape)
        if how == "runs" and len(about) == 5:
            dtype, counts = _type(about[3]), _lengths(self._at(about[2]))
            shape = self._shape(about[4], dtype, sum(counts))
            return np.repeat(_wide(self._at(about[1]), dtype, len(counts)), counts).reshape(shape)
        raise ValueError(f"content: must say how an array is kept; got {shown(about)}")

    def _shaped(self, values: Array, dtype: np.dtype[Any], shape: Any) -> Array:
        """Flat values as this type, in a shape that is checked."""
        return _wide(values, dtype).reshape(self._shape(shape, dtype, len(values)))

    def _at(self, number: Any) -> Array:
        if type(number) is not int or not 0 <= number < len(self.arrays):
            raise ValueError(f"content: must be one of {len(self.arrays)} arrays; got {shown(number)}")
        return self.arrays[number]

    def _shape(self, shape: Any, dtype: np.dtype[Any], size: int | None = None) -> tuple[int, ...]:
        """A checked shape, of `size` entries, whose memory the file may take."""
        if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(type(n) is int for n in shape):
            raise ValueError(f"content: must be a shape; got {shown(shape)}")
        n = math.prod(shape)
        if min(shape, default=1) < 0 or (size is not None and n != size):
            raise ValueError(f"content: must be a shape of {size} entries; got {shown(shape)}")
        self.room -= n * dtype.itemsize
        if self.room < 0:
            raise ValueError(f"content: must not take more than {self.most} bytes of memory")
        return tuple(shape)


def _unflagged(turned: Array, dtype: np.dtype[Any]) -> Array:
    """The values of which `_turned` gave these."""
    if turned.dtype != _WORDS or dtype.str not in ("<i8", "<u8"):
        raise ValueError(f"content: must be whole numbers of 8 bytes; got {turned.dtype} for {dtype}")
    return _turned(turned, 64 - _FLAGS).view(dtype)


def _lengths(counts: Array) -> list[int]:
    """How long runs are."""
    if counts.ndim != 1 or counts.dtype.kind not in "iu":
        raise ValueError(f"content: must be lengths of runs; got {counts.dtype}, {counts.shape}")
    each: list[int] = counts.tolist()
    if min(each, default=1) < 1:
        raise ValueError("content: must be runs of at least one value")
    return each


def _type(text: Any) -> np.dtype[Any]:
    if not isinstance(text, str) or not _DTYPE.fullmatch(text) or text == "<f2":
        raise ValueError(f"content: must be a type of numbers; got {shown(text)}")
    return np.dtype(text)


def _wide(values: Array, dtype: np.dtype[Any], n: int | None = None) -> Array:
    """The values, whole numbers perhaps in a narrower type, as that type."""
    if values.ndim != 1 or (n is not None and len(values) != n):
        raise ValueError(f"content: must be {n} values; got {values.shape}")
    if values.dtype == dtype:
        return values
    if values.dtype.kind not in "iu" or dtype.kind not in "iu":
        raise ValueError(f"content: must be numbers of type {dtype}; got {values.dtype}")
    if values.size:
        limits = np.iinfo(dtype)
        if not limits.min <= int(values.min()) <= int(values.max()) <= limits.max:
            raise ValueError(f"content: must be numbers of type {dtype}")
    return values.astype(dtype)
