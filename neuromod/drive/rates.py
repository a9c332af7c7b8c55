"""Rates of Poisson neurons that vary in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.agenda import RateSchedule, check_domain
from neuromod.arguments import MOST_STEPS, checked_array
from neuromod.closed import Closed, fixed
from neuromod.drive.alone import alone
from neuromod.near_names import names_near
from neuromod.network.members import ids_as_given
from neuromod.problems import shown
from neuromod.units import steps_of, steps_of_all

__all__ = ["RateSource"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class RateSource(Closed):
    """Rates of ``poisson`` neurons that vary in time; usable in ``with``, which removes it.

    Parameters
    ----------
    sim : Simulation or RankSimulation
    neurons : str, sequence of str, or array_like of int
        Area names or ids of ``poisson`` neurons, none of them with another RateSource.
    rate : array_like of float, Hz, >= 0, shape (n_times,) or (n_times, n), or callable
        Row k, one rate for all or one for each neuron as given, holds from time k on, the last for ever. A callable
        gets the time in ms and gives one rate or n of them.
    interval : float, ms, > 0, optional
        Row k begins at ``start + k * interval``; a callable is called so often. A whole number of steps.
    times : array_like of float, ms, shape (n_times,), optional
        Or these are the times at which the rows begin; multiples of dt, ascending.
    start : float, ms, >= 0, optional
        Default: the present. Not with `times`.
    repeat : bool, default False
        Whether the rows of `interval` are gone through again and again.

    Raises
    ------
    ValueError, TypeError
        If a neuron is no ``poisson`` neuron or has a RateSource, a rate is not from 0 to one spike a step, or the times
        do not fit. Nothing is changed then. In a run, if a callable gives such a rate: the run ends there.
    RuntimeError
        If another thread runs the simulation.

    Notes
    -----
    At each of its times it writes the column ``rate``; a rate written by hand holds until the next one. The run pauses
    there, so an interval of few steps costs time. The schedule is part of the state: copies, replicas and saved
    simulations go on with it. One that is a callable goes to `copy` and to replicas, and is refused by `to_dict` and
    pickle.

    Examples
    --------
    >>> from neuromod import BrainModel, RateSource, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.05, model="poisson")
    >>> source = RateSource(sim, ids, [0.0, 200.0, 0.0], interval=100.0)
    >>> [int(sim.run(100)["spike_counts"].sum()) for _ in range(3)]
    [0, 8114, 0]
    """

    @names_near
    def __init__(
        self,
        sim: Any,
        neurons: Any,
        rate: ArrayLike | Callable[[float], ArrayLike],
        *,
        interval: float | None = None,
        times: ArrayLike | None = None,
        start: float | None = None,
        repeat: bool = False,
    ) -> None:
        sim = alone(sim)
        ids = ids_as_given(sim.model._store.areas, neurons, "neurons")
        _check_poisson(sim, ids)
        if (interval is None) == (times is None):
            raise ValueError("interval, times: exactly one of them must be given")
        if not isinstance(repeat, bool):
            raise TypeError(f"repeat: must be True or False; got {shown(repeat)}")
        if times is not None and (start is not None or repeat or callable(rate)):
            raise ValueError("times: must not be given together with start, repeat or a callable rate")
        if callable(rate):
            begin, every = (
                _start(sim, start),
                steps_of(interval, sim.dt, "interval", 1),
            )
            if repeat:
                raise ValueError("repeat: must not be given together with a callable rate")
            none = np.empty((1, 0))
            schedule = RateSchedule(ids, np.array([begin], np.int64), none, every, rate)
            if schedule.is_due(sim.current_step):
                schedule.row(sim.current_step, sim.dt)  # checked before anything changes
        else:
            rates = _rows(rate, len(ids), sim.dt)
            if times is not None:
                steps, period = _at(times, len(rates), sim), 0
            else:
                every = steps_of(interval, sim.dt, "interval", 1)
                steps = _start(sim, start) + every * np.arange(len(rates), dtype=np.int64)
                period = every * len(rates) if repeat else 0
            schedule = RateSchedule(ids, steps, rates, period)
        self._sim, self._schedule = sim, schedule
        sim._session.set_rates([*sim._session.agenda.rates, schedule], "RateSource")

    @property
    def ids(self) -> Ints:
        """Neurons whose rates it sets, as given; int64, shape (n,). A copy, read-only."""
        return fixed(self._schedule.ids.copy())

    @property
    def is_on(self) -> bool:
        """Whether the simulation has it."""
        return any(each is self._schedule for each in self._sim._session.agenda.rates)

    def remove(self) -> None:
        """Set no more rates; the present ones stay."""
        left = [each for each in self._sim._session.agenda.rates if each is not self._schedule]
        self._sim._session.set_rates(left, "RateSource.remove")

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied deeply and pickled with its simulation."""
        rates = self._sim._session.agenda.rates
        at = next((k for k, each in enumerate(rates) if each is self._schedule), None)
        return _again, (self._sim, at, self._schedule.saved() if at is None else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"RateSource(neurons={len(self._schedule.ids)})"


def _again(sim: Any, at: int | None, saved: Any) -> RateSource:
    """The handle of a schedule of `sim`, or of one that was removed."""
    source = RateSource.__new__(RateSource)
    source._sim = sim
    source._schedule = RateSchedule(**saved) if at is None else sim._session.agenda.rates[at]
    return source


def _check_poisson(sim: Any, ids: Ints) -> None:
    kinds = sim.model.neurons.model[np.searchsorted(sim.model.neurons.id, ids)]
    names = list(_core.neuron_models())
    other = kinds != names.index("poisson")
    if np.any(other):
        raise ValueError(
            f"neurons: must be poisson neurons; got a {names[kinds[other][0]]} neuron (id {ids[other][0]})"
        )
    taken = [each.ids for each in sim._session.agenda.rates]
    both = np.intersect1d(ids, np.concatenate(taken)) if taken else ids[:0]
    if len(both):
        raise ValueError(f"neurons: must have no other RateSource; got {both[0]}, which has one")


def _start(sim: Any, start: float | None) -> int:
    if start is None:
        return int(sim.current_step)
    return int(_at([start], 1, sim, "start")[0])


def _at(times: ArrayLike, n: int, sim: Any, where: str = "times") -> Ints:
    """Times as completed steps: multiples of dt, ascending, not before the present."""
    given = np.atleast_1d(checked_array(times, where)).astype(np.float64)
    if given.shape != (n,) or n == 0:
        raise ValueError(f"{where}: must be one for each row of rates, {n}; got shape {given.shape}")
    steps = steps_of_all(given, sim.dt, where, 0, MOST_STEPS // 2)
    if np.any(np.diff(steps) <= 0) or steps[0] < sim.current_step:
        raise ValueError(
            f"{where}: must ascend, from the present of {sim.time:g} ms on; got {shown(given.tolist())}"
        )
    return steps


def _rows(rate: ArrayLike, n: int, dt: float) -> Floats:
    rows = np.atleast_1d(checked_array(rate, "rate")).astype(np.float64)
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or rows.shape[1] not in (1, n) or not len(rows):
        raise ValueError(
            f"rate: must have shape (n_times,), (n_times, 1) or (n_times, {n}); got {np.shape(rate)}"
        )
    check_domain(rows, "rate", dt)
    return rows
