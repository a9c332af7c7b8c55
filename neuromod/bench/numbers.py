"""The numbers of the benchmark workloads, and what is measured of a run's spikes and weights.

NumPy is all that this file needs, so that the scripts that run the same workloads on other simulators
(``tests/peers/``) read it too, and no script can drift from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "MICROCIRCUIT",
    "NEUTRAL",
    "WORKLOADS",
    "Microcircuit",
    "Options",
    "brunel_sizes",
    "da_sizes",
    "interval_cv",
    "izhikevich_sizes",
    "microcircuit_sizes",
    "spike_figures",
]


@dataclass(frozen=True)
class Options:
    """How large, how long and how a workload is run.

    Parameters
    ----------
    scale : float, no unit, > 0, default 1
        Of the numbers of neurons and of inputs of each; weights grow as inputs get fewer.
    threads : int, >= 1, default 1
    seed : int, 0 .. 2**64 - 1, default 1
    duration : float, ms, >= 0, default 0
        Simulated time; 0: the workload's own.
    in_degree : int, >= 0, default 0
        Plastic inputs of each neuron of ``da_stdp``; 0: by the scale.
    delay : float, ms, >= 0, default 0
        Of all synapses, in place of the workload's own; 0: that one.
    dc : bool, default False
        Whether ``microcircuit`` has a constant current in place of Poisson input.
    populations : int, >= 1, default 8
        Of ``populations``, beside one.
    delays : str, "one" or "many", default "many"
        Of ``populations``.
    rule : str, default "none"
        A rule of plasticity, of ``populations``.

    Examples
    --------
    >>> Options(scale=0.1).threads
    1
    """

    scale: float = 1.0
    threads: int = 1
    seed: int = 1
    duration: float = 0.0
    in_degree: int = 0
    delay: float = 0.0
    dc: bool = False
    populations: int = 8
    delays: str = "many"
    rule: str = "none"


# A neuromodulation that acts on nothing, with time constants that hold at every time step.
NEUTRAL: Mapping[str, Any] = MappingProxyType(
    {"neutral": True, **{name: {"tau": 200.0} for name in ("dopamine", "serotonin", "norepinephrine")}}  # ms
)

WORKLOADS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        # Brunel (2000), doi:10.1023/A:1008925309027, model A: delta synapses, fixed in-degrees, Poisson input at
        # eta times the rate that alone would reach the threshold.
        "brunel_static": MappingProxyType(
            {
                "n_excitatory": 10000, "n_inhibitory": 2500, "share": 0.1, "weight": 0.1, "g": 5.0, "eta": 2.0,
                "tau_m": 20.0, "v_threshold": 20.0, "v_reset": 10.0, "refractory_period": 2.0, "delay": 1.5,
                "duration": 1000.0, "dt": 0.1,
            }
        ),
        # The same neurons; every synapse of an excitatory neuron learns by the three-factor rule of Izhikevich
        # (2007), doi:10.1093/cercor/bhl152: STDP into an eligibility c, dw/dt = c n, where dopamine n jumps by
        # 1/tau_dopamine at every pulse. Background `rate` in Hz.
        "da_stdp": MappingProxyType(
            {
                "n_excitatory": 8000, "n_inhibitory": 2000, "in_degree": 1000, "weight": 0.05, "g": 5.0,
                "drive_weight": 0.5, "drive_rate": 1850.0, "tau_m": 20.0, "v_threshold": 20.0, "v_reset": 10.0,
                "refractory_period": 2.0, "delay": 1.5, "tau_plus": 20.0, "tau_minus": 20.0, "tau_c": 1000.0,
                "tau_dopamine": 200.0, "a_plus": 0.01, "a_minus": 0.012, "weight_min": 0.0, "weight_max": 0.1,
                "pulse_every": 1000.0, "duration": 10000.0, "dt": 0.1,
            }
        ),
        # Izhikevich (2003) neurons under noise, 100 synapses each, classical STDP on those of excitatory neurons.
        "izhikevich_stdp": MappingProxyType(
            {
                "n_excitatory": 800, "n_inhibitory": 200, "out_degree": 100, "weight": 1.0, "weight_inhibitory": -1.0,
                "weight_max": 4.0, "noise": 5.0, "a_plus": 0.1, "a_minus": 0.12, "tau": 20.0, "delay": 1.0,
                "duration": 60000.0, "dt": 1.0,
            }
        ),
        # The network of the tutorial's fourth example; a twentieth of the neurons driven over threshold in each step.
        "tutorial_example_4": MappingProxyType(
            {
                "density": 0.1, "connection_probability": 0.1, "driven_share": 0.05, "current": 1000.0,
                "duration": 1000.0, "dt": 1.0,
            }
        ),
    }
)  # fmt: skip
"""Sizes at scale 1, times and time constants in ms, potentials and weights in mV, rates in Hz."""


@dataclass(frozen=True)
class Microcircuit:
    """The cortical microcircuit of Potjans & Diesmann (2014), doi:10.1093/cercor/bhs358; ms, mV, Hz.

    Examples
    --------
    >>> sum(MICROCIRCUIT.sizes)
    77169
    """

    names: tuple[str, ...] = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
    sizes: tuple[int, ...] = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
    # of at least one synapse, from the population of the column to that of the row
    probabilities: tuple[tuple[float, ...], ...] = (
        (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
        (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
        (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0),
        (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
        (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
        (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0),
        (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
        (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443),
    )
    external: tuple[int, ...] = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)  # Poisson inputs of a neuron
    external_rate: float = 8.0  # of each
    rates: tuple[float, ...] = (
        0.971,
        2.868,
        4.746,
        5.396,
        8.142,
        9.078,
        0.991,
        7.523,
    )  # of the whole network
    # mean and standard deviation of the initial potentials
    start: tuple[tuple[float, float], ...] = (
        (-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94), (-63.11, 4.94), (-61.66, 4.55),
        (-66.72, 5.46), (-61.43, 4.48),
    )  # fmt: skip
    # mean and standard deviation of the delays, of excitatory and of inhibitory sources
    delays: tuple[tuple[float, float], ...] = ((1.5, 0.75), (0.75, 0.375))
    dt: float = 0.1
    tau_m: float = 10.0
    tau_syn: float = 0.5
    rest: float = -65.0
    threshold: float = -50.0
    refractory_period: float = 2.0
    peak: float = 0.15  # of the potential that follows a spike
    warm: float = 500.0  # that is not measured
    duration: float = 1000.0


MICROCIRCUIT = Microcircuit()


def microcircuit_sizes(scale: float, dc: bool = False) -> dict[str, Any]:
    """The microcircuit at a scale.

    Below 1 the in-degrees shrink with the scale, weights grow by its root, and a current stands for the mean input that
    is lost (van Albada et al. 2015, doi:10.1371/journal.pcbi.1004490).

    Parameters
    ----------
    scale : float, > 0
        Of the numbers of neurons and of inputs.
    dc : bool, default False
        Whether a constant current of the same mean stands for the Poisson input.

    Returns
    -------
    dict
        ``n`` (of each population), ``synapses`` (of each pair; rows are targets), ``weight`` (of each pair, mV: the
        potential that the synaptic current would hold), ``external`` (of a Poisson event, mV), ``rate`` (of the
        Poisson input, Hz) and ``current`` (mV).

    Examples
    --------
    >>> p = microcircuit_sizes(0.1)
    >>> int(p["n"].sum()), int(p["synapses"].sum())
    (7717, 2988807)
    """
    m = MICROCIRCUIT
    root, sizes = np.sqrt(min(scale, 1.0)), np.array(m.sizes)
    x = m.tau_syn / m.tau_m
    weight = m.peak * (m.tau_m - m.tau_syn) / m.tau_syn / (x ** (x / (1 - x)) - x ** (1 / (1 - x)))
    numbers = np.log(1.0 - np.array(m.probabilities)) / np.log(1.0 - 1.0 / np.outer(sizes, sizes))
    weights = np.where(np.arange(8) % 2 == 0, weight, -4.0 * weight)[None, :].repeat(8, 0)
    weights[0, 2] *= 2.0
    rates = m.external_rate * np.array(m.external)
    mean = (weights * (numbers / sizes[:, None])) @ np.array(m.rates) + weight * rates
    lost = 0.001 * m.tau_syn * (1.0 - root) * mean
    external, rates = float(weight / root), rates * min(scale, 1.0)
    return {
        "n": np.maximum(1, np.round(sizes * scale)).astype(int),
        "synapses": np.where(numbers > 0, np.maximum(1, np.round(numbers * scale**2)), 0).astype(int),
        "weight": weights / root,
        "external": external,
        "rate": rates,
        "current": lost + (0.001 * m.tau_syn * rates * external if dc else 0.0),
    }


def brunel_sizes(scale: float) -> dict[str, float]:
    """Sizes of ``brunel_static``; the product of in-degree and weight is kept.

    Parameters
    ----------
    scale : float, no unit, > 0

    Returns
    -------
    dict
        ``n_excitatory``, ``n_inhibitory``, ``in_excitatory``, ``in_inhibitory`` (sources of each neuron),
        ``weight`` (mV) and ``drive_rate`` (Hz).

    Examples
    --------
    >>> brunel_sizes(1.0)["in_excitatory"], brunel_sizes(0.1)["weight"], brunel_sizes(1.0)["drive_rate"]
    (1000, 1.0, 20000.0)
    """
    p = WORKLOADS["brunel_static"]
    excitatory, inhibitory = int(p["n_excitatory"] * scale), int(p["n_inhibitory"] * scale)
    inputs = int(p["share"] * excitatory)
    weight = p["weight"] * 1000.0 / inputs
    return {
        "n_excitatory": excitatory,
        "n_inhibitory": inhibitory,
        "in_excitatory": inputs,
        "in_inhibitory": int(p["share"] * inhibitory),
        "weight": weight,
        "drive_rate": p["eta"] * p["v_threshold"] / (weight * p["tau_m"]) * 1000.0,
    }


def da_sizes(scale: float, in_degree: int = 0) -> dict[str, float]:
    """Sizes, rule and bounds of ``da_stdp``; amplitudes and bounds go with the weight.

    Parameters
    ----------
    scale : float, no unit, > 0
    in_degree : int, >= 0, default 0
        Plastic inputs of each neuron; 0: 1000 times the scale.

    Returns
    -------
    dict
        ``n_excitatory``, ``n_inhibitory``, ``in_excitatory``, ``in_inhibitory``, ``weight``, ``a_plus``,
        ``a_minus``, ``weight_min``, ``weight_max`` (mV).

    Examples
    --------
    >>> sizes = da_sizes(0.1)
    >>> sizes["in_excitatory"], sizes["weight"], sizes["weight_max"]
    (100, 0.5, 1.0)
    """
    p = WORKLOADS["da_stdp"]
    excitatory, inhibitory = int(p["n_excitatory"] * scale), int(p["n_inhibitory"] * scale)
    inputs = min(in_degree or max(1, round(p["in_degree"] * scale)), excitatory - 1)
    factor = p["in_degree"] / inputs
    return {
        "n_excitatory": excitatory,
        "n_inhibitory": inhibitory,
        "in_excitatory": inputs,
        "in_inhibitory": max(1, inputs // 4),
        **{name: p[name] * factor for name in ("weight", "a_plus", "a_minus", "weight_min", "weight_max")},
    }


def izhikevich_sizes(scale: float) -> dict[str, int]:
    """Sizes of ``izhikevich_stdp``.

    Parameters
    ----------
    scale : float, no unit, > 0

    Returns
    -------
    dict
        ``n_excitatory``, ``n_inhibitory``.

    Examples
    --------
    >>> izhikevich_sizes(0.5)
    {'n_excitatory': 400, 'n_inhibitory': 100}
    """
    p = WORKLOADS["izhikevich_stdp"]
    return {name: int(p[name] * scale) for name in ("n_excitatory", "n_inhibitory")}


def interval_cv(neuron: ArrayLike, time: ArrayLike, least: int = 3) -> float | None:
    """Coefficient of variation of the intervals between spikes: the mean over neurons of sd / mean.

    Parameters
    ----------
    neuron : array_like of int, shape (n_spikes,)
    time : array_like of float, shape (n_spikes,), ms or steps
        In any order.
    least : int, >= 2, default 3
        Neurons with fewer intervals do not count.

    Returns
    -------
    float or None
        None where no neuron counts.

    Examples
    --------
    >>> interval_cv([0, 0, 0, 0], [1.0, 2.0, 3.0, 4.0])
    0.0
    """
    ids, times = np.asarray(neuron), np.asarray(time, dtype=np.float64)
    order = np.lexsort((times, ids))
    ids, times = ids[order], times[order]
    inside = ids[1:] == ids[:-1]
    intervals, owner = np.diff(times)[inside], ids[1:][inside]
    if not len(owner):
        return None
    _, place = np.unique(owner, return_inverse=True)
    count = np.bincount(place)
    mean = np.bincount(place, intervals) / count
    spread = np.sqrt(np.bincount(place, (intervals - mean[place]) ** 2) / count)
    kept = count >= least
    return float(np.mean(spread[kept] / mean[kept])) if kept.any() else None


def spike_figures(
    neuron: ArrayLike,
    time: ArrayLike,
    n_neurons: int,
    duration: float,
    weights: ArrayLike | None,
    unit: float,
) -> dict[str, Any]:
    """What two simulators of one network are compared by.

    Parameters
    ----------
    neuron : array_like of int, shape (n_spikes,)
    time : array_like of float, shape (n_spikes,), ms
    n_neurons : int, >= 1
    duration : float, ms, > 0
    weights : array_like of float, shape (n_synapses,), mV, or None
        Of the plastic synapses.
    unit : float, mV, > 0
        Weights are given in multiples of it.

    Returns
    -------
    dict
        ``spikes``, ``mean_rate_hz``, ``cv_isi``, and with weights ``w_mean`` and ``w_sd``.

    Examples
    --------
    >>> spike_figures([0, 1], [2.0, 3.0], 2, 1000.0, [1.0, 3.0], 2.0)
    {'spikes': 2, 'mean_rate_hz': 1.0, 'cv_isi': None, 'w_mean': 1.0, 'w_sd': 0.5}
    """
    spikes = int(np.size(neuron))
    cv = interval_cv(neuron, time)
    figures = {
        "spikes": spikes,
        "mean_rate_hz": round(spikes / n_neurons / (duration / 1000.0), 4),
        "cv_isi": None if cv is None else round(cv, 4),
    }
    if weights is not None:
        relative: NDArray[np.float64] = np.asarray(weights, dtype=np.float64) / unit
        figures |= {"w_mean": round(float(relative.mean()), 5), "w_sd": round(float(relative.std()), 5)}
    return figures
