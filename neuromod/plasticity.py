"""The rules of plasticity for one synapse or for arrays of weights, outside a simulation.

A simulation applies its rules by itself (see the configuration's ``plasticity`` and ``Simulation.connect``); these
functions are for loops of your own. They call the same C: a weight moves here as it would there, but for the
rounding of a simulation's weights to float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuromod import _core
from neuromod.near_names import names_near
from neuromod.one_synapse import ShortTermSynapse, bcm_threshold, bcm_update, homeostatic_update
from neuromod.updates import (
    Floats,
    SynapseLike,
    Weights,
    checked_flags,
    checked_not_nan,
    checked_number,
    checked_params,
    checked_times,
    updated,
    updated_by,
)

__all__ = [
    "ShortTermSynapse",
    "bcm_threshold",
    "bcm_update",
    "hebbian_update",
    "homeostatic_update",
    "istdp_update",
    "short_term_efficacy",
    "stdp_update",
    "triplet_update",
    "weight_decay_update",
]

_TARGET = np.array([0.0, 0.0, 1.0, 0.0])  # a spike of the target, in the first of its two traces of `triplet`
_SHARES = {"half": (0.5, 0.5), "pre_first": (1.0, 0.0), "none": (0.0, 0.0)}  # of pairs at distance 0


@names_near
def hebbian_update(
    synapse: SynapseLike | ArrayLike,
    pre_fired: ArrayLike,
    post_fired: ArrayLike,
    learning_rate: float = 0.01,
    *,
    weight_min: float = 0.0,
    weight_max: float = 1.0,
    modulation: ArrayLike = 1.0,
) -> Weights:
    """Hebbian plasticity: stronger where both fire, weaker by half of that where the source fires alone.

    The weight changes by ``learning_rate`` where `pre_fired` and `post_fired`, by ``-learning_rate / 2`` where only
    `pre_fired`, and not at all where the source is silent.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of weights, new ones are returned.
    pre_fired : array_like of bool
        Whether a spike of the source arrives.
    post_fired : array_like of bool
        Whether the target fires in the same step.
    learning_rate : float, >= 0 mV, default 0.01
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of a weight that changes; of an inhibitory synapse's strength ``abs(weight)``, whose sign is kept.
    modulation : array_like of float, pure number, default 1
        Multiplies the change, as dopamine does in a simulation: ``dopamine.get_learning_rate_multiplier()``.

    Returns
    -------
    float or ndarray
        The new weight or weights, mV. An array has the type of the weights given, if that is a floating one.

    Raises
    ------
    ValueError
        If a number is NaN or outside its domain, or the shapes do not fit. Nothing is changed then.

    Notes
    -----
    Computed in ``csrc/plasticity_hebbian.c``. A weight whose change is 0 stays as it is, even outside the bounds.

    References
    ----------
    .. [1] Hebb (1949), The Organization of Behavior, Wiley.

    Examples
    --------
    >>> from neuromod import Synapse
    >>> synapse = Synapse(pre_id=0, post_id=1, weight=0.5)
    >>> round(hebbian_update(synapse, True, True), 6), round(synapse.weight, 6)
    (0.51, 0.51)
    >>> import numpy as np
    >>> hebbian_update(np.array([0.5, 0.5, 0.5]), [1, 1, 0], [1, 0, 1], learning_rate=0.2).tolist()
    [0.7, 0.4, 0.5]
    """
    params = checked_params("hebbian", {"learning_rate": learning_rate})
    fired = checked_flags(pre_fired, "pre_fired"), checked_flags(post_fired, "post_fired")

    def change(weight: Floats, arrives: Floats, fires: Floats) -> Floats:
        return _core.rule_change("hebbian", "pre", params, weight, post_fired=fires) * arrives

    return updated(synapse, change, fired, modulation, weight_min, weight_max)


@names_near
def stdp_update(
    synapse: SynapseLike | ArrayLike,
    delta_t: ArrayLike,
    a_plus: float = 0.01,
    a_minus: float = 0.012,
    tau_plus: float = 20.0,
    tau_minus: float = 20.0,
    *,
    learning_rate: float = 1.0,
    coincident: str = "half",
    weight_min: float = 0.0,
    weight_max: float = 1.0,
    modulation: ArrayLike = 1.0,
) -> Weights:
    """Spike-timing-dependent plasticity by one pair of spikes.

    The weight changes by ``a_plus * exp(-delta_t / tau_plus)`` where the target fires after the arrival, `delta_t` > 0,
    and by ``-a_minus * exp(delta_t / tau_minus)`` where it has fired before it. At `delta_t` 0 `coincident` decides.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of weights, new ones are returned.
    delta_t : array_like of float, ms
        Time of the target's spike less the time at which the source's spike arrived. Infinite: no change.
    a_plus, a_minus : float, mV, default 0.01 and 0.012
        Limits of the change at short distances, up and down.
    tau_plus, tau_minus : float, > 0 ms, default 20
    learning_rate : float, pure number >= 0, default 1
        Multiplies `a_plus` and `a_minus`.
    coincident : {"half", "pre_first", "none"}, default "half"
        Two spikes at one time, as in a simulation: half a pair in each order, first the loss; the arrival first, so a
        gain; or no pair.
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of a weight that changes; of an inhibitory synapse's strength ``abs(weight)``, whose sign is kept.
    modulation : array_like of float, pure number, default 1
        Multiplies the change, as dopamine does in a simulation: ``dopamine.get_learning_rate_multiplier()``.

    Returns
    -------
    float or ndarray
        The new weight or weights, mV. An array has the type of the weights given, if that is a floating one.

    Raises
    ------
    ValueError
        If a number is NaN or outside its domain, or the shapes do not fit. Nothing is changed then.

    Notes
    -----
    Computed in ``csrc/plasticity_stdp.c``. In a simulation every spike is paired with every other (all-to-all), and
    their changes add up.

    References
    ----------
    .. [1] Song, Miller & Abbott (2000), Nature Neuroscience 3:919, doi:10.1038/78829.
    .. [2] Bi & Poo (1998), Journal of Neuroscience 18:10464.
    .. [3] Morrison, Diesmann & Gerstner (2008), Biological Cybernetics 98:459, doi:10.1007/s00422-008-0233-1.

    Examples
    --------
    >>> import numpy as np
    >>> stdp_update(np.full(4, 0.5), [0.0, 20.0, -20.0, np.inf]).round(6).tolist()
    [0.499, 0.503679, 0.495585, 0.5]
    >>> stdp_update(0.5, 0.0, coincident="pre_first")
    0.51
    >>> from neuromod import DopamineSystem, Synapse
    >>> dopamine, synapse = DopamineSystem(), Synapse(pre_id=0, post_id=1, weight=0.5)
    >>> dopamine.update(reward=1.0, expected_reward=0.0)
    1.0
    >>> new = stdp_update(synapse, 20.0, modulation=dopamine.get_learning_rate_multiplier())
    >>> round(new, 6)
    0.506622
    """
    params = checked_params(
        "stdp",
        {
            "learning_rate": learning_rate,
            "a_plus": a_plus,
            "a_minus": a_minus,
            "tau_plus": tau_plus,
            "tau_minus": tau_minus,
            "coincident": coincident,
        },
    )
    pairs = (checked_not_nan(delta_t, "delta_t"),)
    gained, lost = _SHARES[params["coincident"]]

    def change(now: Floats, factor: Floats, low: float, high: float, distance: Floats) -> Floats:
        at_once = distance == 0.0
        y = np.where(distance < 0.0, np.exp(-np.abs(distance) / params["tau_minus"]), lost * at_once)
        x = np.where(distance > 0.0, np.exp(-np.abs(distance) / params["tau_plus"]), gained * at_once)
        now = _bounded(now, "stdp", "pre", params, y, factor, low, high)
        return _bounded(now, "stdp", "post", params, x, factor, low, high)

    return updated_by(synapse, change, pairs, modulation, weight_min, weight_max)


@names_near
def triplet_update(
    synapse: SynapseLike | ArrayLike,
    arrivals: ArrayLike,
    spikes: ArrayLike,
    *,
    learning_rate: float = 1.0,
    a2_plus: float = 5e-10,
    a3_plus: float = 6.2e-3,
    a2_minus: float = 7e-3,
    a3_minus: float = 2.3e-4,
    tau_plus: float = 16.8,
    tau_x: float = 101.0,
    tau_minus: float = 33.7,
    tau_y: float = 125.0,
    coincident: str = "half",
    weight_min: float = 0.0,
    weight_max: float = 1.0,
    modulation: ArrayLike = 1.0,
) -> Weights:
    """Triplet rule of spike-timing-dependent plasticity, for whole trains of spikes.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of weights, new ones are returned, all after the same trains.
    arrivals, spikes : array_like of float, shape (n,), ms, ascending
        When spikes of the source arrive, and when the target fires. At equal times `coincident` decides.
    learning_rate : float, pure number >= 0, default 1
        Multiplies the four amplitudes.
    a2_plus, a3_plus : float, >= 0 mV, default 5e-10 and 6.2e-3
        Gain by a pair, and by a pair with one more spike of the target before it.
    a2_minus, a3_minus : float, >= 0 mV, default 7e-3 and 2.3e-4
        Loss by a pair, and by a pair with one more arrival before it.
    tau_plus, tau_x, tau_minus, tau_y : float, > 0 ms, default 16.8, 101, 33.7 and 125
        From an arrival to a gain; between arrivals; from a spike of the target to a loss; between spikes of the target.
    coincident : {"half", "pre_first", "none"}, default "half"
        Two spikes at one time, as in a simulation: half a pair in each order, the arrival first, or no pair.
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of a weight that changes, at every event; of an inhibitory synapse's strength, whose sign is kept.
    modulation : array_like of float, pure number, default 1
        Multiplies the changes.

    Returns
    -------
    float or ndarray
        The new weight or weights, mV. An array has the type of the weights given, if that is a floating one.

    Raises
    ------
    ValueError
        If a number is not finite or outside its domain, or times do not ascend. Nothing is changed then.

    Notes
    -----
    Computed in ``csrc/plasticity_triplet.c``. The defaults are the paper's full model of visual cortex.

    References
    ----------
    .. [1] Pfister & Gerstner (2006), Journal of Neuroscience 26:9673, doi:10.1523/JNEUROSCI.1425-06.2006.

    Examples
    --------
    60 pairs, the target 10 ms before the arrival: depression at 20 Hz, potentiation at 50 Hz.

    >>> import numpy as np
    >>> for period in (50.0, 20.0):
    ...     spikes = period * np.arange(60)
    ...     print(round(triplet_update(1.0, spikes + 10.0, spikes, weight_max=2.0), 3))
    0.648
    1.727
    """
    given = {
        "learning_rate": learning_rate,
        "a2_plus": a2_plus,
        "a3_plus": a3_plus,
        "a2_minus": a2_minus,
        "a3_minus": a3_minus,
        "tau_plus": tau_plus,
        "tau_x": tau_x,
        "tau_minus": tau_minus,
        "tau_y": tau_y,
        "coincident": coincident,
    }
    params = checked_params("triplet", given)
    events = _merged(checked_times(arrivals, "arrivals"), checked_times(spikes, "spikes"))
    taus = np.array([params[name] for name in ("tau_plus", "tau_x", "tau_minus", "tau_y")])
    before, after = _SHARES[params["coincident"]]

    def moved(now: Floats, event: str, traces: Floats) -> Floats:
        pre, post = (np.repeat(traces[side], len(now)).reshape(2, -1) for side in (slice(0, 2), slice(2, 4)))
        return _core.rule_change("triplet", event, params, now, pre=pre, post=post)

    def change(weight: Floats, factor: Floats, low: float, high: float) -> Floats:
        traces, last, now, arrived = np.zeros(4), -np.inf, weight, False
        for time, fires in events:
            traces *= np.exp(-(time - last) / taus)
            seen = traces.copy()
            if fires and arrived and time == last:  # two spikes at one time; the traces have the arrival
                seen -= [1.0, 1.0, 0.0, 0.0]
                late = moved(now, "pre", seen + _TARGET) - moved(now, "pre", seen)
                now = _core.apply_change(now, after * late, factor, low, high)
                seen[:2] += before, 1.0
            now = _core.apply_change(now, moved(now, "post" if fires else "pre", seen), factor, low, high)
            traces[2 * fires : 2 * fires + 2] += 1.0
            last, arrived = time, not fires
        return now

    return updated_by(synapse, change, (), modulation, weight_min, weight_max)


@names_near
def istdp_update(
    synapse: SynapseLike | ArrayLike,
    delta_t: ArrayLike,
    learning_rate: float = 0.01,
    tau: float = 20.0,
    target_rate: float = 5.0,
    *,
    coincident: str = "half",
    weight_min: float = 0.0,
    weight_max: float = 1.0,
    modulation: ArrayLike = 1.0,
) -> Weights:
    """Inhibitory plasticity by one arrival and one spike of the target.

    The strength changes by ``learning_rate * (exp(-abs(delta_t) / tau) - 2 * target_rate * tau)``. The second term acts
    at the arrival, the first at the later spike, each within the bounds.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of strengths, new ones are returned.
    delta_t : array_like of float, ms
        Time of the target's spike less the time at which the source's spike arrived. Infinite: an arrival alone.
    learning_rate : float, >= 0 mV, default 0.01
    tau : float, > 0 ms, default 20
    target_rate : float, >= 0 Hz, default 5
        Rate of the target at which gains and losses are in balance.
    coincident : {"half", "pre_first", "none"}, default "half"
        Two spikes at one time, as in a simulation: a pair, in whatever order, or under ``none`` an arrival alone.
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of a strength that changes; an inhibitory synapse keeps its sign.
    modulation : array_like of float, pure number, default 1
        Multiplies the change.

    Returns
    -------
    float or ndarray
        The new strength or strengths, mV; of an inhibitory synapse its weight. An array has the type of the given one,
        if that is a floating one.

    Raises
    ------
    ValueError
        If a number is NaN or outside its domain, or the shapes do not fit. Nothing is changed then.

    Notes
    -----
    Computed in ``csrc/plasticity_istdp.c``. In a simulation every spike is paired with every other (all-to-all).

    References
    ----------
    .. [1] Vogels et al. (2011), Science 334:1569, doi:10.1126/science.1211095.

    Examples
    --------
    >>> istdp_update([0.5, 0.5, 0.5], [0.0, -20.0, float("inf")]).round(6).tolist()
    [0.508, 0.501679, 0.498]
    """
    params = checked_params(
        "istdp",
        {"learning_rate": learning_rate, "tau": tau, "target_rate": target_rate, "coincident": coincident},
    )

    at_once = sum(_SHARES[params["coincident"]])

    def change(now: Floats, factor: Floats, low: float, high: float, distance: Floats) -> Floats:
        near = np.where(distance == 0.0, at_once, np.exp(-np.abs(distance) / params["tau"]))
        y, x = np.where(distance < 0.0, near, 0.0), np.where(distance < 0.0, 0.0, near)
        now = _bounded(now, "istdp", "pre", params, y, factor, low, high)
        return _bounded(now, "istdp", "post", params, x, factor, low, high)

    return updated_by(
        synapse, change, (checked_not_nan(delta_t, "delta_t"),), modulation, weight_min, weight_max
    )


@names_near
def short_term_efficacy(
    times: ArrayLike, U: float = 0.5, tau_rec: float = 800.0, tau_facil: float = 0.0
) -> Floats:
    """Short-term plasticity of a train of spikes: the share of its weight with which a synapse answers each.

    Parameters
    ----------
    times : array_like of float, shape (n,), ms, ascending
    U : float, > 0 and <= 1, default 0.5
        Share of the resources that a first spike releases.
    tau_rec : float, >= 0 ms, default 800
        Time constant of recovery.
    tau_facil : float, >= 0 ms, default 0
        Time constant of facilitation; 0: none.

    Returns
    -------
    ndarray of float64, shape (n,), 0 to 1

    Raises
    ------
    ValueError
        If a number is not finite or outside its domain, or times do not ascend.

    Notes
    -----
    Computed in ``csrc/nm_short_term.c``; `Simulation.connect` takes the parameters as ``short_term``.

    References
    ----------
    .. [1] Tsodyks & Markram (1997), PNAS 94:719, doi:10.1073/pnas.94.2.719.
    .. [2] Tsodyks, Pawelzik & Markram (1998), Neural Computation 10:821, doi:10.1162/089976698300017502.

    Examples
    --------
    Their depressing and their facilitating synapse, at 20 Hz.

    >>> short_term_efficacy([0, 50, 100, 150]).round(3).tolist()
    [0.5, 0.265, 0.155, 0.103]
    >>> short_term_efficacy([0, 50, 100, 150], U=0.03, tau_rec=130, tau_facil=530).round(3).tolist()
    [0.03, 0.055, 0.076, 0.092]
    """
    values = {
        "U": checked_number(U, "U"),
        "tau_rec": checked_number(tau_rec, "tau_rec"),
        "tau_facil": checked_number(tau_facil, "tau_facil"),
    }
    if not 0.0 < values["U"] <= 1.0:
        raise ValueError(f"U: must be > 0 and <= 1; got {U!r}")
    for name in ("tau_rec", "tau_facil"):
        if not 0.0 <= values[name] < np.inf:
            raise ValueError(f"{name}: must be >= 0 ms and finite; got {values[name]}")
    return _core.short_term_efficacies(checked_times(times, "times"), **values)


@names_near
def weight_decay_update(
    synapse: SynapseLike | ArrayLike,
    weight_decay: float,
    n_steps: int = 1,
    *,
    weight_min: float = 0.0,
    weight_max: float = 1.0,
) -> Weights:
    """Weight decay: each step takes the share `weight_decay` of a weight away.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of weights, new ones are returned.
    weight_decay : float, 0 to 1 per step
    n_steps : int, >= 0, default 1
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of a weight that changes; of an inhibitory synapse's strength ``abs(weight)``, whose sign is kept.

    Returns
    -------
    float or ndarray
        The new weight or weights, mV. An array has the type of the weights given, if that is a floating one.

    Raises
    ------
    ValueError
        If a number is NaN or outside its domain. Nothing is changed then.

    Notes
    -----
    A simulation does the same to every weight of a projection that has a rule, whether spikes come or not, and
    dopamine does not change it.

    Examples
    --------
    >>> round(weight_decay_update(0.5, 0.1), 6)
    0.45
    >>> weight_decay_update([0.5, -0.5], 0.1, 2, weight_min=-1.0).round(6).tolist()
    [0.405, -0.405]
    """
    share = checked_number(weight_decay, "weight_decay")
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"weight_decay: must be between 0 and 1; got {weight_decay!r}")
    if isinstance(n_steps, bool) or not isinstance(n_steps, int | np.integer) or n_steps < 0:
        raise ValueError(f"n_steps: must be a whole number >= 0; got {n_steps!r}")
    lost = 1.0 - (1.0 - share) ** int(n_steps)
    return updated(synapse, lambda weight: -lost * weight, (), 1.0, weight_min, weight_max)


def _bounded(
    weight: Floats,
    rule: str,
    event: str,
    params: dict[str, Any],
    trace: Floats,
    factor: Floats,
    low: float,
    high: float,
) -> Floats:
    """Weights after one event, at which the trace of the other side has that value."""
    pre, post = (None, [trace]) if event == "pre" else ([trace], None)
    change = _core.rule_change(rule, event, params, weight, pre=pre, post=post)
    return _core.apply_change(weight, change, factor, low, high)


def _merged(arrivals: Floats, spikes: Floats) -> list[tuple[float, int]]:
    """Events in order: (time, 0 for an arrival and 1 for a spike of the target); arrivals first at equal times."""
    return sorted([(float(t), 0) for t in arrivals] + [(float(t), 1) for t in spikes])
