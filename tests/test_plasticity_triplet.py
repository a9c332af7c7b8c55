"""The triplet rule: its closed form at a constant rate, the published fit to visual cortex, and sums over triplets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracle_plasticity import Learning
from oracle_rules import RULES
from plastic_network import network, random_network

from neuromod import _core
from neuromod.plasticity import stdp_update, triplet_update

DEFAULTS = {name: field["default"] for name, field in _core.plasticity_rules()["triplet"]["params"].items()}
WIDE = {"weight_min": -10.0, "weight_max": 10.0}
STRONG = {"a2_plus": 3e-3, "a3_plus": 4e-3, "a2_minus": 5e-3, "a3_minus": 2e-3, "tau_x": 40.0, "tau_y": 30.0}
MINIMAL = {"a2_plus": 0.0, "a3_plus": 6.5e-3, "a2_minus": 7.1e-3, "a3_minus": 0.0, "tau_y": 114.0}
CLOSE = {
    "rtol": 1e-6,
    "atol": 3e-7,
}  # a float32 after every change, as for stdp; weights pass through 1 and more

# Sjostrom, Turrigiano & Nelson (2001), as Pfister & Gerstner (2006, Table 1) use it: 60 pairs of spikes 10 ms apart
# at a rate; rate (Hz): (relative change of the weight, standard error).
PRE_FIRST = {0.1: (-0.04, 0.05), 10: (0.14, 0.1), 20: (0.29, 0.14), 40: (0.53, 0.11), 50: (0.56, 0.26)}
POST_FIRST = {0.1: (-0.29, 0.08), 10: (-0.41, 0.11), 20: (-0.34, 0.1), 40: (0.56, 0.32), 50: (0.75, 0.19)}


def learning(rule: dict[str, Any], **options: Any) -> Learning:
    common = {key: rule[key] for key in ("weight_min", "weight_max", "weight_decay") if key in rule}
    params = DEFAULTS | {key: rule[key] for key in DEFAULTS if key in rule}
    return Learning(RULES["triplet"], params, **common, **options)


def pairing(rate: float, lag: int, n_pairs: int = 60, **rule: float) -> float:
    """Weight change by n_pairs, `lag` ms from the arrival to the target's spike."""
    period = round(1000.0 / rate)
    arrivals = [20 + k * period for k in range(n_pairs)]
    targets = [at + lag for at in arrivals]
    net = network(
        {"rule": "triplet", **WIDE, **rule},
        [(0, 1)],
        {0: [at - 1 for at in arrivals], 1: targets},
        n_neurons=2,
        weight=0.0,
    )
    net.sim.run(max(arrivals + targets) + 1)
    return float(net.weight[0])


def geometric(period: float, tau: float, n: int) -> float:
    """Sum of exp(-k period / tau) for k = 0 .. n - 1."""
    return (1.0 - math.exp(-n * period / tau)) / (1.0 - math.exp(-period / tau))


def closed_form(rate: float, lag: int, p: dict[str, float], n_pairs: int = 60) -> float:
    """The same, from geometric series: each event sees the traces of all events before it."""
    period, dw, s = float(round(1000.0 / rate)), 0.0, abs(lag)
    for k in range(n_pairs):
        own = k + (lag >= 0)  # arrivals before the k-th spike of the target, and the other way round
        other = k + (lag < 0)
        first_x = s if lag >= 0 else period - s
        first_y = period - s if lag >= 0 else s
        r1 = math.exp(-first_x / p["tau_plus"]) * geometric(period, p["tau_plus"], own)
        o2 = math.exp(-period / p["tau_y"]) * geometric(period, p["tau_y"], k)
        o1 = math.exp(-first_y / p["tau_minus"]) * geometric(period, p["tau_minus"], other)
        r2 = math.exp(-period / p["tau_x"]) * geometric(period, p["tau_x"], k)
        dw += r1 * (p["a2_plus"] + p["a3_plus"] * o2) - o1 * (p["a2_minus"] + p["a3_minus"] * r2)
    return dw


@pytest.mark.parametrize("lag", [10, -10])
@pytest.mark.parametrize("rate", [10, 20, 40, 50])
@pytest.mark.parametrize("params", [DEFAULTS, DEFAULTS | MINIMAL], ids=["full", "minimal"])
def test_pairing_at_a_rate_is_a_geometric_series(rate: int, lag: int, params: dict[str, float]) -> None:
    dw = pairing(rate, lag, **params)
    assert dw == pytest.approx(closed_form(rate, lag, params), rel=2e-6)


@pytest.mark.parametrize("params", [{}, MINIMAL], ids=["full", "minimal"])
def test_published_dependence_on_frequency(params: dict[str, float]) -> None:
    """Both models of Pfister & Gerstner's Table 4 (visual cortex, all-to-all) stay within a mean squared error of 0.4
    standard errors of the data, and have the data's signs; no pair rule can turn from loss to gain at lag -10 ms."""
    error = 0.0
    for lag, data in ((10, PRE_FIRST), (-10, POST_FIRST)):
        for rate, (mean, sem) in data.items():
            dw = pairing(rate, lag, **params)
            error += ((dw - mean) / sem) ** 2 / 10
            assert dw == pytest.approx(mean, abs=1.4 * sem)
            assert (
                abs(dw) < 1e-3
                if (rate, lag) == (0.1, 10)
                else math.copysign(1.0, dw) == math.copysign(1.0, mean)
            )
    assert error < 0.4


def test_pair_rule_has_no_such_dependence() -> None:
    """The control: without triplets, lag -10 ms loses at every rate."""
    pairs_only = {"a2_plus": 7e-3, "a3_plus": 0.0, "a3_minus": 0.0}
    assert all(pairing(rate, -10, **pairs_only) < 0.0 for rate in (10, 20, 40, 50))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "rule",
    [
        {**WIDE, "learning_rate": 0.3, "a2_minus": 0.04},
        {**WIDE, **STRONG},
        {**STRONG, "weight_min": 0.1, "weight_max": 0.7},
        {**STRONG, "weight_min": 0.1, "weight_max": 0.7, "weight_decay": 0.01},
    ],
    ids=["slow traces", "strong", "bounded", "decaying"],
)
def test_random_networks_agree_with_the_sum_over_triplets(rule: dict[str, float], seed: int) -> None:
    dt = (1.0, 0.5)[seed % 2]
    net = random_network({"rule": "triplet", **rule}, seed, 80, dt=dt, weight=np.linspace(0.2, 0.65, 60))
    before = net.weight.copy()
    net.sim.run(80)
    expected = net.expected(80, learning(rule, dt=dt))
    np.testing.assert_allclose(net.weight, expected, **CLOSE)
    assert np.abs(expected - before).max() > 0.02, "hardly anything was learnt: nothing was compared"
    assert (expected > before).any()
    assert (expected < before).any()


def test_without_triplets_it_is_the_pair_rule() -> None:
    rule = {
        "a2_plus": 0.01,
        "a2_minus": 0.012,
        "a3_plus": 0.0,
        "a3_minus": 0.0,
        "tau_plus": 20.0,
        "tau_minus": 20.0,
    }
    one = random_network({"rule": "triplet", **WIDE, **rule}, 5, 150)
    two = random_network({"rule": "stdp", **WIDE}, 5, 150)
    for net in (one, two):
        net.sim.run(150)
    assert one.weight.tobytes() == two.weight.tobytes()
    net = network({"rule": "triplet", **WIDE, **rule}, [(0, 1)], {0: [9], 1: [17]}, n_neurons=2)
    net.sim.run(20)
    assert net.weight[0] == pytest.approx(stdp_update(0.5, 7.0), rel=1e-7)


# ---- outside a simulation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("coincident", ["half", "pre_first", "none"])
@pytest.mark.parametrize("seed", range(4))
def test_trains_of_one_synapse_do_what_the_simulation_does(seed: int, coincident: str) -> None:
    rng = np.random.default_rng(seed)
    trains = {i: [int(s) for s in np.flatnonzero(rng.random(150) < 0.3) + 1] for i in range(2)}
    assert {s + 2 for s in trains[0]} & set(trains[1])
    rule: dict[str, Any] = {**STRONG, "weight_min": 0.3, "weight_max": 0.6, "coincident": coincident}
    net = network({"rule": "triplet", **rule}, [(0, 1)], trains, n_neurons=2, delay=2)
    net.sim.run(160)
    arrivals = np.array(trains[0]) + 2.0
    alone = triplet_update(0.5, arrivals, np.array(trains[1], float), **rule)
    assert alone == pytest.approx(net.weight[0], abs=(len(arrivals) + 1) * 6e-8)  # an ulp at each arrival
    assert alone != 0.5
    many = triplet_update(np.array([0.5, 0.31]), arrivals, np.array(trains[1], float), **rule)
    assert many[0] == pytest.approx(alone, rel=1e-15)


@pytest.mark.parametrize(
    ("arrivals", "spikes", "message"),
    [
        ([2.0, 1.0], [3.0], r"^arrivals: must be a list of ascending times"),
        ([1.0], [np.nan], r"^spikes: must be finite; got nan"),
        ([1.0], 3.0, r"^spikes: must be a list of ascending times; got 3\.0"),
    ],
)
def test_bad_trains_are_refused(arrivals: Any, spikes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        triplet_update(0.5, arrivals, spikes)
    assert triplet_update(0.5, [], []) == 0.5
