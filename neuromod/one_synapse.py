"""Plasticity of one synapse, or of an array, in a loop of one's own, by rates and in the short term."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuromod.closed import Closed
from neuromod.near_names import names_near
from neuromod.updates import (
    Floats,
    SynapseLike,
    Weights,
    checked_finite,
    checked_not_nan,
    checked_number,
    updated,
)

__all__ = ["ShortTermSynapse", "bcm_threshold", "bcm_update", "homeostatic_update"]


def _least(value: Any, where: str, low: float, what: str, strict: bool = False) -> float:
    number = checked_number(value, where)
    if not (number > low if strict else number >= low) or not math.isfinite(number):
        raise ValueError(f"{where}: must be {what}; got {value!r}")
    return number


def _rates(value: ArrayLike, where: str) -> Floats:
    rates = checked_finite(value, where)
    if np.any(rates < 0.0):
        raise ValueError(f"{where}: must be >= 0 Hz; got {float(rates.min())!r}")
    return rates


@names_near
def homeostatic_update(
    synapse: SynapseLike | ArrayLike,
    rate: ArrayLike,
    target_rate: float = 5.0,
    strength: float = 0.01,
    *,
    weight_min: float = 0.0,
    weight_max: float = 1.0,
) -> Weights:
    """Homeostatic scaling: a weight grows where the target fires too little, and shrinks where it fires too much.

    The weight is multiplied by ``1 + strength * clip((target_rate - rate) / target_rate, -1, 1)``.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of weights, new ones are returned.
    rate : array_like of float, Hz, >= 0
        Average rate of the target.
    target_rate : float, > 0 Hz, default 5
    strength : float, 0 to 1, default 0.01
        Share by which a weight grows where the target is silent.
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of a weight that changes; of an inhibitory synapse's strength ``abs(weight)``, whose sign is kept.

    Returns
    -------
    float or ndarray
        The new weight or weights, mV. An array has the type of the weights given, if that is a floating one.

    Raises
    ------
    ValueError
        If a number is outside its domain, or the shapes do not fit. Nothing is changed then.

    Notes
    -----
    A simulation does the same every so many ms, with rates that it measures: the part ``homeostatic`` of a rule.

    References
    ----------
    .. [1] Turrigiano et al. (1998), Nature 391:892, doi:10.1038/36103.

    Examples
    --------
    >>> homeostatic_update([0.5, 0.5, 0.5], [0.0, 5.0, 10.0], strength=0.1).round(6).tolist()
    [0.55, 0.5, 0.45]
    """
    target = _least(target_rate, "target_rate", 0.0, "> 0 Hz", strict=True)
    share = _least(strength, "strength", 0.0, "from 0 to 1")
    if share > 1.0:
        raise ValueError(f"strength: must be from 0 to 1; got {strength!r}")

    def change(weight: Floats, rates: Floats) -> Floats:
        return weight * (share * np.clip((target - rates) / target, -1.0, 1.0))

    return updated(synapse, change, (_rates(rate, "rate"),), 1.0, weight_min, weight_max)


@names_near
def bcm_update(
    synapse: SynapseLike | ArrayLike,
    pre_rate: ArrayLike,
    post_rate: ArrayLike,
    threshold: ArrayLike,
    learning_rate: float = 1e-6,
    *,
    weight_min: float = 0.0,
    weight_max: float = 1.0,
    modulation: ArrayLike = 1.0,
) -> Weights:
    """Rule of Bienenstock, Cooper & Munro by rates: gain above a threshold of the target's rate, loss below.

    The weight changes by ``learning_rate * pre_rate * post_rate * (post_rate - threshold)``.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of weights, new ones are returned.
    pre_rate, post_rate : array_like of float, Hz, >= 0
        Rates of the source and of the target.
    threshold : array_like of float, Hz, >= 0
        See `bcm_threshold`.
    learning_rate : float, mV / Hz**3, >= 0, default 1e-6
    weight_min, weight_max : float, mV, default 0 and 1
        Bounds of a weight that changes; of an inhibitory synapse's strength ``abs(weight)``, whose sign is kept.
    modulation : array_like of float, pure number, default 1
        Multiplies the change.

    Returns
    -------
    float or ndarray
        The new weight or weights, mV. An array has the type of the weights given, if that is a floating one.

    Raises
    ------
    ValueError
        If a number is outside its domain, or the shapes do not fit. Nothing is changed then.

    Notes
    -----
    In a simulation the rule ``bcm`` does the same by spikes.

    References
    ----------
    .. [1] Bienenstock, Cooper & Munro (1982), Journal of Neuroscience 2:32, doi:10.1523/JNEUROSCI.02-01-00032.1982.

    Examples
    --------
    >>> bcm_update([0.5, 0.5, 0.5], 10.0, [5.0, 10.0, 20.0], threshold=10.0, learning_rate=1e-4).round(6).tolist()
    [0.475, 0.5, 0.7]
    """
    eta = _least(learning_rate, "learning_rate", 0.0, ">= 0 and finite")
    rates = _rates(pre_rate, "pre_rate"), _rates(post_rate, "post_rate"), _rates(threshold, "threshold")

    def change(weight: Floats, pre: Floats, post: Floats, theta: Floats) -> Floats:
        return eta * pre * post * (post - theta)

    return updated(synapse, change, rates, modulation, weight_min, weight_max)


@names_near
def bcm_threshold(
    threshold: ArrayLike, rate: ArrayLike, dt: float = 1.0, target_rate: float = 10.0, tau: float = 10_000.0
) -> Any:
    """The sliding threshold of `bcm_update` after a time in which the target fires at a rate.

    It relaxes to ``rate**2 / target_rate`` with the time constant `tau`, by the exact solution.

    Parameters
    ----------
    threshold : array_like of float, Hz, >= 0
        Before.
    rate : array_like of float, Hz, >= 0
        Rate of the target.
    dt : float, ms, >= 0, default 1
        Length of the time.
    target_rate : float, > 0 Hz, default 10
        Rate at which the target comes to rest: the threshold is then equal to it.
    tau : float, > 0 ms, default 10000

    Returns
    -------
    float or ndarray of float64, Hz

    Raises
    ------
    ValueError
        If a number is outside its domain.

    Examples
    --------
    >>> round(bcm_threshold(0.0, 10.0, dt=1e6), 6)
    10.0
    """
    before, rates = _rates(threshold, "threshold"), _rates(rate, "rate")
    time = _least(dt, "dt", 0.0, ">= 0 ms and finite")
    target = _least(target_rate, "target_rate", 0.0, "> 0 Hz", strict=True)
    goal = rates**2 / target
    after = goal + (before - goal) * math.exp(-time / _least(tau, "tau", 0.0, "> 0 ms", strict=True))
    return after if after.ndim else float(after)


class ShortTermSynapse(Closed):
    """Short-term plasticity of one synapse in a loop of one's own: efficacy spike by spike.

    Parameters
    ----------
    U : float, > 0 and <= 1, default 0.5
        Share of the resources that a first spike releases.
    tau_rec : float, >= 0 ms, default 800
        Time constant of recovery.
    tau_facil : float, >= 0 ms, default 0
        Time constant of facilitation; 0: none.

    Raises
    ------
    ValueError
        If a number is outside its domain.

    Notes
    -----
    The same figures as `short_term_efficacy`, which takes a whole train. A depressing synapse of [1]_ has the
    defaults; a facilitating one has U 0.03, tau_rec 130 and tau_facil 530.

    References
    ----------
    .. [1] Tsodyks, Pawelzik & Markram (1998), Neural Computation 10:821, doi:10.1162/089976698300017502.

    Examples
    --------
    >>> synapse = ShortTermSynapse()
    >>> [round(synapse.spike(time), 3) for time in (0.0, 50.0, 100.0)]
    [0.5, 0.265, 0.155]
    """

    @names_near
    def __init__(self, U: float = 0.5, tau_rec: float = 800.0, tau_facil: float = 0.0) -> None:
        self._U = _least(U, "U", 0.0, "> 0 and <= 1", strict=True)
        if self._U > 1.0:
            raise ValueError(f"U: must be > 0 and <= 1; got {U!r}")
        self._taus = (
            _least(tau_rec, "tau_rec", 0.0, ">= 0 ms and finite"),
            _least(tau_facil, "tau_facil", 0.0, ">= 0 ms and finite"),
        )
        self.reset()

    def reset(self) -> None:
        """Forget all spikes."""
        self._last, self._u, self._left = -math.inf, 0.0, 1.0

    def _now(self, time: float) -> tuple[float, float]:
        """Share that a spike would release of the resources, and the resources."""
        elapsed = time - self._last
        recovered, faded = (math.exp(-elapsed / tau) if tau > 0.0 else 0.0 for tau in self._taus)
        return self._U + (1.0 - self._U) * self._u * faded, 1.0 - (1.0 - self._left) * recovered

    def _checked(self, time: float) -> float:
        at = float(checked_not_nan(checked_number(time, "time"), "time"))
        if not math.isfinite(at) or at < self._last:
            raise ValueError(
                f"time: must be finite and not before the last spike, {self._last:g} ms; got {time!r}"
            )
        return at

    def efficacy(self, time: float) -> float:
        """Share of the weight with which a spike at that time would act; nothing is changed.

        Parameters
        ----------
        time : float, ms
            Not before the last spike.

        Returns
        -------
        float, 0 to 1

        Raises
        ------
        ValueError
            If the time is not finite or before the last spike.
        """
        u, resources = self._now(self._checked(time))
        return u * resources

    def spike(self, time: float) -> float:
        """Let a spike of the source come; the share of the weight with which it acts.

        Parameters
        ----------
        time : float, ms
            Not before the last spike.

        Returns
        -------
        float, 0 to 1

        Raises
        ------
        ValueError
            If the time is not finite or before the last spike. Nothing is changed then.
        """
        at = self._checked(time)
        u, resources = self._now(at)
        self._last, self._u, self._left = at, u, resources * (1.0 - u)
        return u * resources

    def __repr__(self) -> str:
        return (
            f"ShortTermSynapse(U={self._U:g}, tau_rec={self._taus[0]:g} ms, tau_facil={self._taus[1]:g} ms)"
        )
