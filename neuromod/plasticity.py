"""The rules of plasticity for one synapse or for arrays of weights, outside a simulation.

A simulation applies its rules by itself (see the configuration's ``plasticity`` and ``Simulation.connect``); these
functions are for loops of your own. They call the same C: a weight moves here as it would there, but for the
rounding of a simulation's weights to float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.config_tables import domain_rule

__all__ = ["hebbian_update", "stdp_update", "weight_decay_update"]

Floats = NDArray[np.float64]
Weights = float | NDArray[np.floating[Any]]

_RULES = _core.plasticity_rules()


@runtime_checkable
class SynapseLike(Protocol):
    """What is changed in place: a ``Synapse``, of a network or alone."""

    weight: float

    def is_inhibitory(self) -> bool:
        """Whether it acts as ``-abs(weight)``."""


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
    params = _checked_params("hebbian", {"learning_rate": learning_rate})
    fired = _flags(pre_fired, "pre_fired"), _flags(post_fired, "post_fired")

    def change(weight: Floats, arrives: Floats, fires: Floats) -> Floats:
        return _core.rule_change("hebbian", "pre", params, weight, post_fired=fires) * arrives

    return _updated(synapse, change, fired, modulation, weight_min, weight_max)


def stdp_update(
    synapse: SynapseLike | ArrayLike,
    delta_t: ArrayLike,
    a_plus: float = 0.01,
    a_minus: float = 0.012,
    tau_plus: float = 20.0,
    tau_minus: float = 20.0,
    *,
    learning_rate: float = 1.0,
    weight_min: float = 0.0,
    weight_max: float = 1.0,
    modulation: ArrayLike = 1.0,
) -> Weights:
    """Spike-timing-dependent plasticity by one pair of spikes.

    The weight changes by ``a_plus * exp(-delta_t / tau_plus)`` where the target fires with or after the arrival
    (`delta_t` >= 0), and by ``-a_minus * exp(delta_t / tau_minus)`` where it has fired before it.

    Parameters
    ----------
    synapse : Synapse, or array_like of float, mV
        A synapse is changed in place; of weights, new ones are returned.
    delta_t : array_like of float, ms
        Time of the target's spike less the time at which the source's spike arrived. Infinite: no change.
    a_plus, a_minus : float, mV, default 0.01 and 0.012
        Change at distance 0, up and down.
    tau_plus, tau_minus : float, > 0 ms, default 20
    learning_rate : float, pure number >= 0, default 1
        Multiplies `a_plus` and `a_minus`.
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
    [0.51, 0.503679, 0.495585, 0.5]
    >>> from neuromod import DopamineSystem, Synapse
    >>> dopamine, synapse = DopamineSystem(), Synapse(pre_id=0, post_id=1, weight=0.5)
    >>> dopamine.update(reward=1.0, expected_reward=0.0)
    1.0
    >>> new = stdp_update(synapse, 0.0, modulation=dopamine.get_learning_rate_multiplier())
    >>> round(new, 6)
    0.518
    """
    params = _checked_params(
        "stdp",
        {
            "learning_rate": learning_rate,
            "a_plus": a_plus,
            "a_minus": a_minus,
            "tau_plus": tau_plus,
            "tau_minus": tau_minus,
        },
    )
    pairs = (_not_nan(delta_t, "delta_t"),)

    def change(weight: Floats, distance: Floats) -> Floats:
        after = distance >= 0.0
        x = np.where(after, np.exp(-np.abs(distance) / params["tau_plus"]), 0.0)
        y = np.where(after, 0.0, np.exp(-np.abs(distance) / params["tau_minus"]))
        up = _core.rule_change("stdp", "post", params, weight, pre=[x])
        return up + _core.rule_change("stdp", "pre", params, weight, post=[y])

    return _updated(synapse, change, pairs, modulation, weight_min, weight_max)


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
    share = _number(weight_decay, "weight_decay")
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"weight_decay: must be between 0 and 1; got {weight_decay!r}")
    if isinstance(n_steps, bool) or not isinstance(n_steps, int | np.integer) or n_steps < 0:
        raise ValueError(f"n_steps: must be a whole number >= 0; got {n_steps!r}")
    lost = 1.0 - (1.0 - share) ** int(n_steps)
    return _updated(synapse, lambda weight: -lost * weight, (), 1.0, weight_min, weight_max)


def _updated(
    synapse: SynapseLike | ArrayLike,
    change: Callable[..., Floats],
    events: tuple[Floats, ...],
    modulation: ArrayLike,
    weight_min: float,
    weight_max: float,
) -> Weights:
    """Check, broadcast, change and bound; write a synapse last, so that a call that fails changes nothing."""
    alone = isinstance(synapse, SynapseLike)
    given = _number(synapse.weight, "weight") if isinstance(synapse, SynapseLike) else synapse
    weight, factor = _finite(given, "weight"), _finite(modulation, "modulation")
    low, high = _bounds(weight_min, weight_max)
    sign = 1.0
    if isinstance(synapse, SynapseLike) and synapse.is_inhibitory():
        sign = float(np.copysign(1.0, weight))
        weight, low, high = np.abs(weight), max(low, 0.0), max(high, 0.0)
    try:
        columns = np.broadcast_arrays(weight, factor, *events)
    except ValueError as error:
        shapes = ", ".join(str(np.shape(column)) for column in (weight, factor, *events))
        raise ValueError(f"weight and events: must broadcast to one shape; got {shapes}") from error
    shape = columns[0].shape
    if alone and shape:
        raise ValueError(f"synapse: one synapse takes single numbers; got values of shape {shape}")
    flat, factors, *flat_events = (np.ravel(column) for column in columns)
    new = sign * _core.apply_change(flat, change(flat, *flat_events), factors, low, high).reshape(shape)
    if isinstance(synapse, SynapseLike):
        synapse.weight = float(new)
        return float(synapse.weight)
    if not shape:
        return float(new)
    kind = getattr(synapse, "dtype", np.dtype(np.float64))
    return new.astype(kind) if np.issubdtype(kind, np.floating) else new


def _array(value: Any, where: str) -> Floats:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: must be a number or an array of numbers; got {value!r}") from error


def _refuse(array: Floats, wrong: NDArray[np.bool_], where: str, phrase: str) -> None:
    if wrong.any():
        first = int(np.argmax(np.ravel(wrong)))
        entry = f" (entry {first})" if array.ndim else ""
        raise ValueError(f"{where}: must be {phrase}; got {np.ravel(array)[first]}{entry}")


def _finite(value: Any, where: str) -> Floats:
    array = _array(value, where)
    _refuse(array, ~np.isfinite(array), where, "finite")
    return array


def _not_nan(value: Any, where: str) -> Floats:
    array = _array(value, where)
    _refuse(array, np.isnan(array), where, "a number")
    return array


def _flags(value: Any, where: str) -> Floats:
    array = _array(value, where)
    _refuse(array, (array != 0.0) & (array != 1.0), where, "True or False, or 1 or 0")
    return array


def _number(value: Any, where: str) -> float:
    array = _array(value, where)
    if array.ndim:
        raise ValueError(f"{where}: must be a single number; got shape {array.shape}")
    return float(array)


def _bounds(weight_min: Any, weight_max: Any) -> tuple[float, float]:
    low, high = _number(weight_min, "weight_min"), _number(weight_max, "weight_max")
    if not low <= high:
        raise ValueError(f"weight_min: must be <= weight_max ({high} mV); got {low}")
    return low, high


def _checked_params(rule: str, given: dict[str, Any]) -> dict[str, float]:
    """The parameters of `rule` as floats, in the domains of its table in C."""
    table = _RULES[rule]["params"]
    values = {name: _number(value, name) for name, value in given.items()}
    for name, value in values.items():
        if not _core.domain_holds(table[name]["domain"], value):
            raise ValueError(f"{name}: must be {domain_rule(table[name])}; got {value}")
    return values
