"""Arrays in fewer bytes, without loss: halves of each value apart, and bytes of which a few values are most.

The upper bytes of weights are their signs and exponents, which take few values. Those of sorted targets stay the same
for long. The lower bytes are kept as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coded", "coded", "decoded", "halved", "joined"]

Array = NDArray[Any]
Coded = tuple[Array, Array, Array]
"""The values that have a code, the packed codes, and the bytes that have none, in their order."""

_BITS = (2, 4)  # of a code; the last code stands for a byte that has none
_BLOCK = 1 << 18
_WORTH = 0.9  # of the bytes before; more is not worth the time


def halved(array: Array) -> tuple[Array, Array]:
    """Lower and upper half of each value of a flat little-endian array of 2 or 4 bytes a value: strided views."""
    parts = array.reshape(-1, 1).view(f"<u{array.dtype.itemsize // 2}")
    return parts[:, 0], parts[:, 1]


def joined(low: Array, high: Array, dtype: np.dtype[Any]) -> Array:
    """What `halved` was given.

    Raises
    ------
    ValueError
        If they are no halves of values of this type.
    """
    half = np.dtype(f"<u{dtype.itemsize // 2}") if dtype.itemsize in (2, 4) else None
    if low.dtype != half or high.dtype != half or low.ndim != 1 or low.shape != high.shape:
        raise ValueError(
            f"content: must be halves of {dtype}; got {low.dtype}, {low.shape} and {high.dtype}, {high.shape}"
        )
    both = np.empty((len(low), 2), half)
    both[:, 0], both[:, 1] = low, high
    return both.reshape(-1).view(dtype)


def coded(array: Array) -> Coded | None:
    """Flat bytes with a code for each of the most frequent, where that takes less room."""
    counts = _counts(array)
    order = np.argsort(-counts, kind="stable")
    sizes = {}
    for bits in _BITS:
        sizes[bits] = len(array) * bits / 8 + counts[order[2**bits - 1 :]].sum()
    bits = min(_BITS, key=lambda each: sizes[each])
    if sizes[bits] >= _WORTH * len(array):
        return None
    values = order[: 2**bits - 1].astype(np.uint8)
    codes = np.full(256, 2**bits - 1, np.uint8)
    codes[values] = np.arange(len(values))
    packed, rest = _packed(array, codes.tobytes(), bits)
    return values, packed, rest


def _counts(array: Array) -> NDArray[np.int64]:
    """How often each byte occurs; pairs are counted, which takes half the time."""
    pairs, even = np.zeros(1 << 16, np.int64), len(array) // 2 * 2
    for k in range(0, even, _BLOCK):
        part = np.ascontiguousarray(array[k : min(k + _BLOCK, even)])
        pairs += np.bincount(part.view("<u2"), minlength=1 << 16)
    square = pairs.reshape(256, 256)
    counts: NDArray[np.int64] = square.sum(0) + square.sum(1)
    counts += np.bincount(array[even:], minlength=256)
    return counts


def _packed(array: Array, codes: bytes, bits: int) -> tuple[Array, Array]:
    """The codes of all bytes, several in a byte, and the bytes that have none."""
    each, n = 8 // bits, len(array)
    packed, rest = np.empty(-(-n // each), np.uint8), []
    for k in range(0, n, _BLOCK):
        part = array[k : k + _BLOCK]
        code = np.zeros(-(-len(part) // each) * each, np.uint8)
        code[: len(part)] = np.frombuffer(part.tobytes().translate(codes), np.uint8)
        rest.append(part[code[: len(part)] == 2**bits - 1])
        words = code.view(f"<u{each}")
        first = k // each
        # Code j, which begins at bit 8 j of a word, goes to bit j * bits of its lowest byte.
        for j in range(each):
            moved = (words >> words.dtype.type((8 - bits) * j)).astype(np.uint8)
            if j:
                packed[first : first + len(words)] |= moved & np.uint8((2**bits - 1) << (j * bits))
            else:
                packed[first : first + len(words)] = moved
    return packed, np.concatenate(rest)


def decoded(parts: Coded, n: int) -> Array:
    """The n bytes that `coded` was given.

    Raises
    ------
    ValueError
        If the parts are none that `coded` gives for so many bytes.
    """
    values, packed, rest = parts
    bits = {2**bits - 1: bits for bits in _BITS}.get(values.size, 0)
    if not bits or any(part.dtype != np.uint8 or part.ndim != 1 for part in parts):
        about = ", ".join(f"{part.dtype} {part.shape}" for part in parts)
        raise ValueError(f"content: must be values, codes and other bytes; got {about}")
    each = 8 // bits
    if len(packed) != -(-n // each):
        raise ValueError(f"content: must be {-(-n // each)} bytes of codes; got {len(packed)}")
    codes_of = _unpacked(np.arange(256), bits)
    values_of = np.append(values, np.uint8(0))[codes_of.view(np.uint8)].view(codes_of.dtype)
    found, first = np.empty(n, np.uint8), 0
    for k in range(0, n, _BLOCK):
        some = packed[k // each : (k + _BLOCK) // each]
        part = values_of[some].view(np.uint8)[: n - k]
        others = np.flatnonzero(codes_of[some].view(np.uint8)[: n - k] == 2**bits - 1)
        more = rest[first : first + len(others)]
        if len(more) < len(others):
            raise ValueError(f"content: must have a byte for each that has no code; got {len(rest)}")
        part[others] = more
        found[k : k + len(part)] = part
        first += len(others)
    if first != len(rest):
        raise ValueError(f"content: must be {first} bytes that have no code; got {len(rest)}")
    return found


def _unpacked(packed: Array, bits: int) -> Array:
    """The codes in each byte, as a word of one byte for each code, the first one lowest."""
    each = 8 // bits
    codes = np.empty((len(packed), each), np.uint8)
    for j in range(each):
        codes[:, j] = (packed >> (j * bits)) & (2**bits - 1)
    return codes.reshape(-1).view(f"<u{each}")
