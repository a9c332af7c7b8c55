"""Spike trains: gamma renewal processes, correlated trains, and the playing of trains and spike lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import checked_array, checked_count, checked_number, checked_seed, spike_list
from neuromod.errors import say
from neuromod.inputs import check_sources, spike_steps
from neuromod.near_names import names_near
from neuromod.network.members import ids_as_given
from neuromod.problems import shown
from neuromod.units import SLOW_TIMES, say_unit_doubts

__all__ = ["correlated_trains", "gamma_trains", "play", "play_spikes", "play_trains"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MOTHER, _COPY, _GAMMA = 0, 1, 2  # salts of the random words


# ---- random trains -------------------------------------------------------------------------------------------


@names_near
def gamma_trains(
    n: int, rate: ArrayLike, shape: float, duration: float, seed: int, start: float = 0.0
) -> list[Floats]:
    """Independent gamma renewal trains: intervals between spikes are gamma distributed.

    Parameters
    ----------
    n : int, >= 1
        Number of trains.
    rate : float, or array_like of float, Hz, >= 0, shape (n,)
    shape : float, >= 0.01
        Of the gamma distribution: the coefficient of variation of the intervals is ``1 / sqrt(shape)``; 1 is a Poisson
        process.
    duration : float, ms, >= 0
    seed : int, 0 .. 2**64 - 1
    start : float, ms, default 0
        Time at which the trains begin.

    Returns
    -------
    list of ndarray of float64, ms
        The times of each train, ascending, from `start` to ``start + duration``. `play_trains` takes them.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain.

    Notes
    -----
    The trains are stationary from the start on: the first interval is that of an equilibrium renewal process (Cox 1962,
    Renewal Theory, Methuen). Gamma deviates by Marsaglia & Tsang (2000), ACM Trans. Math. Softw. 26:363,
    doi:10.1145/358407.358414, from random words that are keyed by seed and train.

    Examples
    --------
    >>> import numpy as np
    >>> from neuromod import gamma_trains
    >>> trains = gamma_trains(100, rate=50.0, shape=4.0, duration=10_000.0, seed=1)
    >>> intervals = np.concatenate([np.diff(train) for train in trains])
    >>> round(float(intervals.mean())), round(float(intervals.std() / intervals.mean()), 1)
    (20, 0.5)
    """
    n, form = checked_count(n, "n", 1, 2**31), checked_number(shape, "shape", 0.01, 1e6)
    rates, length = _rates(rate, n), checked_number(duration, "duration", 0.0, 1e12)
    begin, key = checked_number(start, "start"), checked_seed(seed)
    say_unit_doubts(SLOW_TIMES, {"duration": length}, "")
    return [begin + _gamma_train(float(rates[k]), form, length, key, k) for k in range(n)]


def _gamma_train(rate: float, form: float, length: float, seed: int, k: int) -> Floats:
    """Times of train k from 0 to length."""
    if rate == 0.0 or length == 0.0:
        return np.empty(0)
    mean = 1000.0 / rate
    wanted = length / mean
    first = _gammas(
        form + 1.0, 1, seed, 2 * k
    )  # an interval as it lies around a point of time: weighted by its length
    share = (float(_core.random_word(seed, "train", 2 * k + 1, 2**40, _GAMMA)) + 0.5) / 2.0**32
    count = int(wanted + 6.0 * np.sqrt(wanted / form + 1.0) + 10.0)
    while True:
        times = share * first[0] + np.cumsum(_gammas(form, count, seed, 2 * k + 1))
        times = np.concatenate([share * first, times]) * (mean / form)
        if times[-1] > length:
            inside: Floats = times[times <= length]
            return inside
        count *= 2


def _gammas(form: float, count: int, seed: int, id: int) -> Floats:
    """Gamma deviates of unit scale (Marsaglia & Tsang 2000); the first `count` of an endless sequence."""
    boost = form < 1.0
    d = form + boost - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    n_blocks = int(count * 1.1) + 16
    while True:
        words = _core.random_sequence(seed, "train", id, 0, n_blocks, _GAMMA).reshape(-1, 4)
        x = _core.normal_quantiles(np.ascontiguousarray(words[:, 0])).astype(np.float64)
        u, w = ((words[:, j].astype(np.float64) + 0.5) / 2.0**32 for j in (1, 2))
        v = np.maximum(1.0 + c * x, 0.0) ** 3
        good = v > 0.0
        good[good] = np.log(u[good]) < 0.5 * x[good] ** 2 + d - d * v[good] + d * np.log(v[good])
        found: Floats = d * v[good] * (w[good] ** (1.0 / form) if boost else 1.0)
        if len(found) >= count:
            return found[:count]
        n_blocks *= 2


@names_near
def correlated_trains(
    n: int, rate: float, correlation: float, duration: float, seed: int, start: float = 0.0
) -> list[Floats]:
    """Poisson trains with common spikes: a multiple-interaction process.

    Parameters
    ----------
    n : int, >= 1
        Number of trains.
    rate : float, Hz, >= 0
        Of each train.
    correlation : float, 0 to 1
        Correlation coefficient of the spike counts of any two trains, in windows of any length.
    duration : float, ms, >= 0
    seed : int, 0 .. 2**64 - 1
    start : float, ms, default 0
        Time at which the trains begin.

    Returns
    -------
    list of ndarray of float64, ms
        The times of each train, ascending. `play_trains` takes them.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain.

    Notes
    -----
    Kuhn, Aertsen & Rotter (2003), Neural Computation 15:67, doi:10.1162/089976603321043702: a mother process of rate
    ``rate / correlation``, of which each train takes each spike with probability `correlation`. Common spikes are
    simultaneous. Random words are keyed by seed, train and spike of the mother; the mother is independent of n.

    Examples
    --------
    >>> import numpy as np
    >>> from neuromod import correlated_trains
    >>> trains = correlated_trains(2, rate=20.0, correlation=0.3, duration=200_000.0, seed=1)
    >>> counts = [np.bincount((train // 10).astype(int), minlength=20_000) for train in trains]
    >>> round(float(np.corrcoef(counts)[0, 1]), 1)
    0.3
    """
    n, share = checked_count(n, "n", 1, 2**31), checked_number(correlation, "correlation", 0.0, 1.0)
    each, length = checked_number(rate, "rate", 0.0, 1e6), checked_number(duration, "duration", 0.0, 1e12)
    begin, key = checked_number(start, "start"), checked_seed(seed)
    say_unit_doubts(SLOW_TIMES, {"duration": length}, "")
    if each == 0.0 or share == 0.0:
        return [begin + _gamma_train(each, 1.0, length, key, k) for k in range(n)]
    mother = _poisson(each / share, length, key)
    n_blocks = -(-len(mother) // 4)
    trains = []
    for k in range(n):
        words = _core.random_sequence(key, "train", k, 0, n_blocks, _COPY) if n_blocks else np.empty(0)
        trains.append(begin + mother[(words[: len(mother)].astype(np.float64) + 0.5) / 2.0**32 < share])
    return trains


def _poisson(rate: float, length: float, seed: int) -> Floats:
    """Times of a Poisson process from 0 to length."""
    wanted = length * rate / 1000.0
    n_blocks = int(wanted + 6.0 * np.sqrt(wanted) + 10.0) // 4 + 1
    while True:
        words = _core.random_sequence(seed, "train", 0, 0, n_blocks, _MOTHER)
        times = np.cumsum(-np.log((words.astype(np.float64) + 0.5) / 2.0**32)) * (1000.0 / rate)
        if times[-1] > length:
            return times[times <= length]
        n_blocks *= 2


def _rates(rate: ArrayLike, n: int) -> Floats:
    rates = checked_array(rate, "rate").astype(np.float64)
    if rates.shape not in ((), (n,)):
        raise ValueError(f"rate: must be a number or one for each of {n} trains; got shape {rates.shape}")
    if not np.all((rates >= 0.0) & (rates <= 1e6)):
        raise ValueError(f"rate: must be from 0 to 1e+06 Hz; got {shown(rates.tolist())}")
    return np.broadcast_to(rates, (n,))


# ---- playing -------------------------------------------------------------------------------------------------


@names_near
def play_trains(sim: Any, neurons: Any, trains: Sequence[ArrayLike], start: float = 0.0) -> int:
    """Let ``spike_source`` neurons fire at the times of a ragged list, in place of what was set for them.

    Parameters
    ----------
    sim : Simulation
    neurons : str, sequence of str, or array_like of int
        Area names or ids of ``spike_source`` neurons, each once.
    trains : sequence of array_like of float, ms, one for each neuron as given
        Of any lengths, in any order; after the present time.
    start : float, ms, default 0
        Added to every time.

    Returns
    -------
    int
        Number of spikes that are set. Several times of one neuron in one step are one spike; a warning tells their
        number.

    Raises
    ------
    ValueError, TypeError
        If a neuron is no ``spike_source``, there are not as many trains as neurons, or a time is not after the present.
        Nothing is changed then.

    Notes
    -----
    A time is rounded to the nearest step, and to the next one if it is less than half a step away.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, gamma_trains, play_trains
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1, dt=0.1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01, model="spike_source")
    >>> n = play_trains(sim, ids, gamma_trains(len(ids), rate=20.0, shape=3.0, duration=1000.0, seed=7))
    >>> bool(n == sim.run(10_000)["spike_counts"].sum())
    True
    """
    ids = ids_as_given(sim.model._store.areas, neurons, "neurons")
    try:
        each_id, times = spike_list(ids, trains)
    except (TypeError, ValueError) as error:
        raise type(error)(
            str(error).replace("times_ms", "trains").replace("as ids,", "as neurons,")
        ) from None
    return play(sim, each_id, times + checked_number(start, "start"), ids)


@names_near
def play_spikes(sim: Any, spikes: ArrayLike, start: float = 0.0) -> int:
    """Let ``spike_source`` neurons fire as a list of (time, id) says, in place of what was set for them.

    Parameters
    ----------
    sim : Simulation
    spikes : array_like of float, shape (n_spikes, 2), ms and ids >= 0
        A row is a time, after the present, and the id of a ``spike_source`` neuron; in any order.
    start : float, ms, default 0
        Added to every time.

    Returns
    -------
    int
        Number of spikes that are set, as `play_trains` counts them.

    Raises
    ------
    ValueError, TypeError
        If an id is that of no ``spike_source`` or a time is not after the present. Nothing is changed then.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, play_spikes
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=1 / 4000, model="spike_source")
    >>> play_spikes(sim, [[3.0, ids[0]], [1.0, ids[1]], [3.0, ids[1]]])
    3
    >>> [sim.step()["spikes"].tolist() for _ in range(3)]
    [[1], [], [0, 1]]
    """
    rows = checked_array(spikes, "spikes").astype(np.float64)
    rows = rows if rows.shape != (0,) else rows.reshape(0, 2)  # an empty list
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(f"spikes: must be rows of (time, id), shape (n_spikes, 2); got {rows.shape}")
    each_id = rows[:, 1]
    whole = (each_id >= 0.0) & (each_id == np.rint(each_id)) & (each_id < 2.0**53)
    if not np.all(whole):
        raise ValueError(f"spikes: must have ids of neurons in the second column; got {each_id[~whole][0]}")
    ids = each_id.astype(np.int64)
    return play(sim, ids, rows[:, 0] + checked_number(start, "start"), np.unique(ids))


def play(sim: Any, each_id: Ints, times: Floats, ids: Ints) -> int:
    """Let neurons fire at times, in ms, an id for each; `ids`: all whose spikes so far are replaced."""
    check_sources(sim.model, ids)
    dt, now = sim.dt, sim.current_step
    soon = (times > now * dt) & (np.rint(times / dt) <= now)  # less than half a step away
    steps = spike_steps(np.where(soon, (now + 1) * dt, times), dt, now).astype(np.int64)
    spikes = np.unique(np.stack([steps, each_id], axis=1), axis=0)
    if len(spikes) < len(steps):
        say(
            f"spike times: {len(steps) - len(spikes)} of {len(steps)} fall into a step in which their neuron fires "
            f"already; a neuron fires at most once in a step of {dt:g} ms"
        )
    sim._session.schedule(ids, spikes)
    return len(spikes)
