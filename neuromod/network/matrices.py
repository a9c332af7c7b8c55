"""Matrices with a row for each source and a column for each target: dense, or of any format of ``scipy.sparse``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Entries", "Milliseconds", "Placed", "entries_of", "is_sparse", "values_at"]

Ints = NDArray[np.int64]


class Entries(NamedTuple):
    """Entries of a matrix, row by row, those of a row by column; those of one pair in the order of their storage."""

    row: Ints
    column: Ints
    value: NDArray[Any]
    shape: tuple[int, ...]


class Milliseconds(NamedTuple):
    """A matrix of delays in ms, of which only the entries at synapses are to be whole steps."""

    matrix: Any
    steps: Callable[[NDArray[Any]], NDArray[np.int64]]
    """Turns times into steps, or raises."""


class Placed(NamedTuple):
    """The values of a matrix at synapses, and where each of them stands in the matrix."""

    value: NDArray[Any]
    row: Ints
    column: Ints

    def place(self, k: int) -> str:
        """Words for a message about the value of the k-th synapse."""
        return f" (row {self.row[k]}, column {self.column[k]})"


def is_sparse(value: Any) -> bool:
    """Whether a value is a matrix or an array of ``scipy.sparse``."""
    return hasattr(value, "tocoo")


def entries_of(matrix: Any) -> Entries:
    """Of a sparse matrix the entries that are stored, of a dense one, an array, those that are not 0.

    The zeros that fill the blocks of the format BSR are no entries. The matrix has two axes.
    """
    if not is_sparse(matrix):
        row, column = np.nonzero(matrix)
        return Entries(row, column, matrix[row, column], matrix.shape)
    found = matrix.tocoo()
    row, column, value = found.row.astype(np.int64), found.col.astype(np.int64), found.data
    if getattr(matrix, "format", None) == "bsr":
        there = np.flatnonzero(value)
        row, column, value = row[there], column[there], value[there]
    key = row * found.shape[1] + column
    if np.any(key[1:] < key[:-1]):
        order = np.argsort(key, kind="stable")
        row, column, value = row[order], column[order], value[order]
    return Entries(row, column, value, found.shape)


def values_at(
    where: str, matrix: Any, shape: tuple[int, int], ends: Callable[[], tuple[Ints, Ints]], order: Ints | None
) -> Placed:
    """The values of a matrix at synapses; what stands between other pairs is not looked at.

    Where a sparse matrix has no entry, its value is 0. Where it has several for one pair, the k-th is that of the k-th
    synapse of the pair.

    Parameters
    ----------
    where : str
        Name of the argument, for the message.
    matrix : ndarray or sparse, shape (n_sources, n_targets)
    shape : tuple of int, (n_sources, n_targets)
    ends : callable
        Gives row and column of each synapse, two ndarray of int64, shape (n_synapses,).
    order : ndarray of int64, shape (n_synapses,), optional
        By which the synapses of one pair are counted. Default: as they stand.

    Raises
    ------
    ValueError
        If the shape is another, or a pair has neither one entry nor as many as synapses.
    """
    if tuple(matrix.shape) != tuple(shape):
        raise ValueError(
            f"{where}: a matrix must have a row for each source and a column for each target, {shape}; "
            f"got shape {tuple(matrix.shape)}"
        )
    row, column = ends()
    if not is_sparse(matrix):
        return Placed(matrix[row, column], row, column)
    found = entries_of(matrix)
    held, wanted = found.row * shape[1] + found.column, row * shape[1] + column
    first = np.searchsorted(held, wanted, side="left")
    count = np.searchsorted(held, wanted, side="right") - first
    value = np.zeros(len(wanted), found.value.dtype)
    once = count == 1
    value[once] = found.value[first[once]]
    if np.any(count > 1):
        rank, n_of_pair = _ranks(wanted, order)
        several = np.flatnonzero(count > 1)
        bad = several[count[several] != n_of_pair[several]]
        if len(bad):
            k = bad[0]
            raise ValueError(
                f"{where}: must have one entry for a pair, or one for each of its synapses; got {count[k]} entries for "
                f"{n_of_pair[k]} synapses in row {row[k]}, column {column[k]}; sum_duplicates() adds them"
            )
        value[several] = found.value[first[several] + rank[several]]
    return Placed(value, row, column)


def _ranks(pair: Ints, order: Ints | None) -> tuple[Ints, Ints]:
    """Number of each synapse among those of its pair, from 0, and how many these are."""
    by_pair = np.lexsort((np.arange(len(pair)) if order is None else order, pair))
    ordered = pair[by_pair]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    sizes = np.diff(begins, append=len(ordered))
    rank, n_of_pair = np.empty(len(pair), np.int64), np.empty(len(pair), np.int64)
    rank[by_pair] = np.arange(len(pair)) - np.repeat(begins, sizes)
    n_of_pair[by_pair] = np.repeat(sizes, sizes)
    return rank, n_of_pair
