"""What a run is fed with, checked against the neurons that are there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core

__all__ = ["check_sources", "checked_input", "known_ids"]

Ints = NDArray[np.int64]


def known_ids(model: Any, ids: ArrayLike, where: str) -> Ints:
    """Ids of neurons, all of them in the network.

    Parameters
    ----------
    model : BrainModel
    ids : int or array_like of int, shape (n,)
    where : str
        How the message names them.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ValueError
        If they are no whole numbers, or one is not in the network.
    """
    wanted = np.atleast_1d(np.asarray(ids))
    if wanted.size and wanted.dtype.kind not in "iu":
        raise ValueError(f"{where}: must be neuron ids; got values of type {wanted.dtype}")
    wanted = wanted.astype(np.int64)
    missing = wanted[~np.isin(wanted, model.neurons.id)]
    if missing.size:
        raise ValueError(f"{where}: must be ids of neurons in the network; got {missing[0]}")
    return wanted


def check_sources(model: Any, ids: Ints) -> None:
    """Refuse ids that are no ``spike_source`` neurons.

    Parameters
    ----------
    model : BrainModel
    ids : ndarray of int64, shape (n,)

    Raises
    ------
    ValueError
        If one is another neuron, or none; names it.
    """
    known = known_ids(model, np.unique(ids), "ids")
    names = list(_core.neuron_models())
    kinds = model.neurons.model[np.searchsorted(model.neurons.id, known)]
    for neuron, kind in zip(known, kinds, strict=True):
        if names[kind] != "spike_source":
            raise ValueError(f"ids: must be spike_source neurons; got a {names[kind]} neuron (id {neuron})")


def checked_input(
    model: Any, n_steps: int, input: ArrayLike | None, input_ids: ArrayLike | None
) -> tuple[NDArray[np.float64] | None, Ints | None]:
    """The currents of a run and whom they are for.

    Parameters
    ----------
    model : BrainModel
    n_steps : int, >= 0
    input : array_like of float, shape (n_steps, n_ids), mV, or None
    input_ids : array_like of int, shape (n_ids,), or None
        None: all neurons, in id order.

    Returns
    -------
    tuple of ndarray of float64 or None, ndarray of int64 or None

    Raises
    ------
    ValueError
        If the shape is another, a value is not finite, an id is not in the network, or is that of a source and has an
        input other than 0.
    """
    if input is None:
        if input_ids is not None:
            raise ValueError("input_ids: needs input; got none")
        return None, None
    ids = model.neurons.id if input_ids is None else known_ids(model, input_ids, "input_ids")
    rows = np.asarray(input, dtype=np.float64)
    if rows.shape != (n_steps, len(ids)):
        raise ValueError(
            f"input: must have shape (n_steps, n_ids) = ({n_steps}, {len(ids)}); got {rows.shape}"
        )
    if not np.all(np.isfinite(rows)):
        step, column = np.argwhere(~np.isfinite(rows))[0]
        raise ValueError(f"input: must be finite; got {rows[step, column]} (step {step}, id {ids[column]})")
    if input_ids is not None:  # of an array for all neurons, what stands for a source is not read
        _check_not_to_sources(model, rows, ids)
    return rows, ids


def _check_not_to_sources(model: Any, rows: NDArray[np.float64], ids: Ints) -> None:
    """A source has no input: a current would be lost."""
    sources = [k for k, about in enumerate(_core.neuron_models().values()) if about["is_source"]]
    columns = np.flatnonzero(np.isin(model.neurons.model[np.searchsorted(model.neurons.id, ids)], sources))
    lost = np.argwhere(rows[:, columns])
    if len(lost):
        step, column = lost[0]
        came, neuron = rows[step, columns[column]], ids[columns[column]]
        raise ValueError(
            f"input: must be 0 for a source, which has no input; got {came} (step {step}, id {neuron})"
        )
