"""What a run is fed with, checked against the neurons that are there."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import MOST_STEPS, checked_array
from neuromod.errors import NeuromodWarning
from neuromod.network.members import ids_of, is_group

__all__ = ["check_run", "check_sources", "checked_input", "ids_given", "known_ids", "spike_steps"]

Ints = NDArray[np.int64]


def known_ids(model: Any, ids: Any, where: str) -> Ints:
    """Ids of neurons, all of them in the network.

    Parameters
    ----------
    model : BrainModel
    ids : int, array_like of int, shape (n,), name of an area or population, Population, or sequence of these
    where : str
        How the message names them.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ValueError
        If they are none of these, or one is not in the network.
    """
    try:
        return ids_of(model._store.areas, ids, where)
    except TypeError as error:
        raise ValueError(str(error)) from None


def ids_given(model: Any, group: Any, where: str) -> Any:
    """Ids of names, populations and views of neurons, one view giving one number; ids as they came, repeats included.

    Parameters
    ----------
    model : BrainModel
    group : as of `known_ids`
    where : str
        How the message names them.

    Returns
    -------
    int, ndarray of int64, or what came

    Raises
    ------
    ValueError
        If a name or population is none of the network's.
    """
    if not is_group(group):
        return group
    ids = known_ids(model, group, where)
    return int(ids[0]) if isinstance(group, _core.Neuron) else ids


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
    model: Any, n_steps: int, input: ArrayLike | None, input_ids: Any
) -> tuple[NDArray[np.float64] | None, Ints | None]:
    """The currents of a run and whom they are for.

    Parameters
    ----------
    model : BrainModel
    n_steps : int, >= 0
    input : array_like of float, mV, or None
        A number, or of shape (n_ids,), (n_steps, n_ids) or (n_steps, 1).
    input_ids : as of `known_ids`, or None
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
    rows = checked_array(input, "input").astype(np.float64, copy=False)
    if rows.shape not in ((), (len(ids),), (n_steps, len(ids)), (n_steps, 1)):
        # a row of steps is not taken: where there are as many neurons, it would be read as one value for each
        hint = "; of one value for each step give input[:, None]" if rows.shape == (n_steps,) else ""
        raise ValueError(
            f"input: must be a number, or must have shape (n_ids,) = ({len(ids)},), (n_steps, 1) = ({n_steps}, 1) or "
            f"(n_steps, n_ids) = ({n_steps}, {len(ids)}); got {rows.shape}{hint}"
        )
    rows = np.broadcast_to(rows, (n_steps, len(ids)))  # the same row again and again takes no memory
    if not np.all(np.isfinite(rows)):
        step, column = np.argwhere(~np.isfinite(rows))[0]
        raise ValueError(f"input: must be finite; got {rows[step, column]} (step {step}, id {ids[column]})")
    if input_ids is not None:  # of an array for all neurons, what stands for a source is not read
        _check_not_to_sources(model, rows, ids)
    return rows, ids


def check_run(model: Any, step: int, n_steps: int, modulated: bool) -> None:
    """Refuse steps beyond 64 bits, and warn of a network that neurons were never added to.

    Parameters
    ----------
    model : BrainModel
    step : int
        Completed steps.
    n_steps : int
        Steps to be done.
    modulated : bool
        Whether there are levels that move without neurons.

    Raises
    ------
    ValueError
        If the last step would be 2**63 - 1 or later.
    """
    if step + n_steps >= 2**63 - 1:
        raise ValueError(f"n_steps: must lead to a step below 2**63 - 1; got {n_steps} from {step}")
    if n_steps and not modulated and model._store.columns.epoch == 0:
        warnings.warn(
            "run: the network has no neurons, so nothing happens; initialize_neurons adds some",
            NeuromodWarning,
            stacklevel=3,
        )


def spike_steps(times: NDArray[np.float64], dt: float, step: int) -> NDArray[np.float64]:
    """The nearest step to each time, after the present one.

    Parameters
    ----------
    times : ndarray of float64, shape (n,), ms
    dt : float, ms
    step : int
        Completed steps.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        If a time is not finite, not after the present, or not before step 2**62.
    """
    with np.errstate(over="ignore"):
        steps = np.rint(times / dt)
    good = np.isfinite(times) & (steps > step)
    if not np.all(good):
        bad = float(times[~good][0])
        rounded = f", once rounded to steps of {dt:g} ms" if step * dt < bad < np.inf else ""
        raise ValueError(f"times_ms: must be after the present time of {step * dt:g} ms{rounded}; got {bad}")
    if np.any(steps >= MOST_STEPS):
        bad = float(times[steps >= MOST_STEPS][0])
        raise ValueError(f"times_ms: must be before step 2**62, {MOST_STEPS * dt:g} ms; got {bad}")
    return steps


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
