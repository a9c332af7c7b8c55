"""Nearest-neighbour STDP: the pairs of each scheme, counted and weighed; its drift under Poisson spikes; its twin.

tests/test_events.py runs each scheme for threads, cuts, copies, saved states, replicas, reading in between and other
projections beside, and compares the bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracle_plasticity import Learning
from oracle_rules import RULES
from plastic_network import PlasticNetwork, network, random_network

from neuromod import NeuromodulationSystem, _core

TABLE = _core.plasticity_rules()["stdp_nearest"]["params"]
SCHEMES = ("symmetric", "presynaptic_centred", "reduced_symmetric")
DEFAULTS = {name: field["default"] for name, field in TABLE.items()}
WIDE = {"weight_min": -10.0, "weight_max": 10.0}
STRONG = {"learning_rate": 1.5, "a_plus": 0.03, "a_minus": 0.05, "tau_plus": 7.0, "tau_minus": 11.0}
ORDERS = ("half", "pre_first", "none")

every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def section(scheme: str, **more: Any) -> dict[str, Any]:
    return {"rule": "stdp_nearest", "scheme": scheme, **more}


def learning(rule: dict[str, Any], **options: Any) -> Learning:
    """The oracle's view of a section."""
    keys = ("weight_min", "weight_max", "weight_decay", "weight_dependence")
    common = {key: rule[key] for key in keys if key in rule}
    params = DEFAULTS | {key: rule[key] for key in DEFAULTS if key in rule}
    return Learning(RULES["stdp_nearest"], params, exact=True, **common, **options)


def assert_like_the_twin(
    net: PlasticNetwork, n_steps: int, rule: dict[str, Any], **options: Any
) -> np.ndarray:
    """Within an ulp at each event; `waiting` is below 8, whose ulp is 2^-21, and its factor is that of a gain."""
    oracle, decays = learning(rule, **options), n_steps if "weight_decay" in rule else 0
    of_state = 2.0**-21 * 2.0 * abs(oracle.params["learning_rate"] * oracle.params["a_plus"])
    return net.assert_rounding_apart(n_steps, oracle, decays, at_spikes=True, of_state=of_state)


def change(arrivals: list[int], fired: list[int], delay: int = 1, dt: float = 1.0, **rule: Any) -> float:
    """Weight change of one synapse whose source's spikes arrive, and whose target fires, in the given steps."""
    trains = {0: [step - delay for step in arrivals], 1: fired}
    net = network({**WIDE, **rule}, [(0, 1)], trains, n_neurons=2, weight=0.0, delay=delay, dt=dt)
    net.sim.run(max(arrivals + fired) + 2)
    return float(net.weight[0])


def test_schemes_and_default_are_those_of_the_table() -> None:
    assert TABLE["scheme"]["words"] == SCHEMES
    assert DEFAULTS["scheme"] == "symmetric"


def test_an_unknown_scheme_is_refused() -> None:
    for wrong in ("nearest", 1.0):
        with pytest.raises(ValueError, match=r"scheme: must be one of .*reduced_symmetric"):
            network({"rule": "stdp_nearest", "scheme": wrong}, [(0, 1)], {}, n_neurons=2)


# ---- which spikes are pairs: figure 7 --------------------------------------------------------------------------


@every_scheme
@pytest.mark.parametrize("dt", [1.0, 0.1, 2.5])
@pytest.mark.parametrize("delay", [1, 4])
@pytest.mark.parametrize("distance", [-30, -7, -1, 0, 1, 6, 25])
def test_one_pair_gives_the_window_of_stdp(scheme: str, distance: int, delay: int, dt: float) -> None:
    rule = section(scheme, tau_plus=16.8, tau_minus=33.7)
    dw = change([33], [33 + distance], delay, dt, **rule)
    time = distance * dt
    gain, loss = 0.01 * math.exp(-time / 16.8), -0.012 * math.exp(time / 33.7)
    exact = (gain + loss) / 2.0 if time == 0 else gain if time > 0 else loss
    # Two roundings, of the change and of `waiting`; of a pair at 0 the weight is -0.006 in between.
    assert dw == pytest.approx(exact, rel=1e-6 if time == 0 else 3e-7)


# Arrivals in steps 10, 16, 23 and 40, spikes of the target in 13, 29, 34 and 47. Pairs by hand, (arrival, spike).
LOSSES = {
    "symmetric": [(16, 13), (23, 13), (40, 34)],
    "presynaptic_centred": [(16, 13), (23, 13), (40, 34)],
    "reduced_symmetric": [(16, 13), (40, 34)],
}
GAINS = {
    "symmetric": [(10, 13), (23, 29), (23, 34), (40, 47)],
    "presynaptic_centred": [(10, 13), (16, 29), (23, 29), (40, 47)],
    "reduced_symmetric": [(10, 13), (23, 29), (40, 47)],
}


@every_scheme
def test_pairs_of_each_scheme_by_hand(scheme: str) -> None:
    """Distances are such that no other set of pairs has the same sum."""
    trains = [10, 16, 23, 40], [13, 29, 34, 47]
    up = change(*trains, **section(scheme, a_minus=0.0, a_plus=1.0, tau_plus=9.0))
    down = change(*trains, **section(scheme, a_minus=1.0, a_plus=0.0, tau_minus=14.0))
    assert up == pytest.approx(sum(math.exp((s - t) / 9.0) for s, t in GAINS[scheme]), rel=1e-6)
    assert down == pytest.approx(-sum(math.exp((t - s) / 14.0) for s, t in LOSSES[scheme]), rel=1e-6)


@every_scheme
def test_an_arrival_comes_before_the_spike_of_its_step(scheme: str) -> None:
    """The arrival of step 10 pairs with the spike of step 5, the spike of step 10 with the arrival of step 10."""
    dw = change([10, 14], [5, 10], **section(scheme, coincident="pre_first"))
    exact = 0.01 - 0.012 * (math.exp(-5 / 20) + math.exp(-4 / 20))
    assert dw == pytest.approx(exact, rel=1e-6)


def test_two_spikes_in_a_step_are_the_mean_of_both_orders() -> None:
    """Arrivals in 4, 10 and 13, spikes of the target in 7, 10 and 18; 4, 7, 13 and 18 pair alike in both orders."""
    trains, slow = ([4, 10, 13], [7, 10, 18]), {"tau_plus": 9.0, "tau_minus": 14.0}

    def gain(*distances: int) -> float:
        return sum(math.exp(-s / 9.0) for s in distances)

    gains = {  # of (pre_first, target first, none)
        "symmetric": (gain(3, 0, 5), gain(3, 6, 5), gain(3, 6, 5)),
        "presynaptic_centred": (gain(3, 0, 5), gain(3, 5, 8), gain(3, 5, 8)),
        "reduced_symmetric": (gain(3, 0, 5), gain(3, 5), gain(3, 5)),
    }
    for scheme, (first, second, none) in gains.items():
        for word, exact in (("pre_first", first), ("half", (first + second) / 2.0), ("none", none)):
            dw = change(*trains, **section(scheme, coincident=word, a_plus=1.0, a_minus=0.0, **slow))
            assert dw == pytest.approx(exact, rel=1e-6), (scheme, word)
    losses = {
        "symmetric": ((3, 3), (0, 3), (3, 3)),
        "presynaptic_centred": ((3, 3), (0, 3), (3, 3)),
        "reduced_symmetric": ((3, 3), (0,), (3,)),
    }
    for scheme, pairs in losses.items():
        first, second, none = (sum(math.exp(-s / 14.0) for s in each) for each in pairs)
        for word, exact in (("pre_first", first), ("half", (first + second) / 2.0), ("none", none)):
            dw = change(*trains, **section(scheme, coincident=word, a_plus=0.0, a_minus=1.0, **slow))
            assert dw == pytest.approx(-exact, rel=1e-6), (scheme, word)


def counts(scheme: str, arrivals: np.ndarray, fired: np.ndarray) -> tuple[int, int]:
    """(gains, losses) of two trains, one entry a step, by the order of events alone.

    symmetric            gains: spikes after the first arrival; losses: arrivals after the first spike
    presynaptic_centred  gains: arrivals before the last spike; losses as above
    reduced_symmetric    gains: spikes that come right after an arrival; losses: arrivals right after a spike
    """
    order = "".join("a" * int(a) + "f" * int(f) for a, f in zip(arrivals, fired, strict=True))
    losses = order.count("a") - len(order.split("f")[0])
    if scheme == "symmetric":
        return order.count("f") - len(order.split("a")[0]), losses
    if scheme == "presynaptic_centred":
        return order.count("a") - len(order.rsplit("f", 1)[-1]), losses
    return order.count("af"), order.count("fa")


@every_scheme
@pytest.mark.parametrize("probability", [(0.3, 0.3), (0.6, 0.1), (0.1, 0.6), (0.9, 0.9)])
def test_numbers_of_pairs_are_those_of_the_order_of_spikes(
    scheme: str, probability: tuple[float, float]
) -> None:
    """With time constants without end each pair counts 1 mV: weights are numbers of pairs."""
    rng = np.random.default_rng(5)
    rate = {"weight_min": -1000.0, "weight_max": 1000.0, "tau_plus": 1e12, "tau_minus": 1e12}
    for _ in range(5):
        arrivals, fired = (rng.random(150) < p for p in probability)
        trains = [(np.flatnonzero(train) + 2).tolist() for train in (arrivals, fired)]
        gains, losses = counts(scheme, arrivals, fired)
        first = section(scheme, coincident="pre_first", **rate)
        assert change(*trains, **first, a_plus=1.0, a_minus=0.0) == gains
        assert change(*trains, **first, a_plus=0.0, a_minus=1.0) == -losses
        assert gains + losses > 10


@every_scheme
@pytest.mark.parametrize("lag", [10, -10])
@pytest.mark.parametrize("period", [25, 100])
def test_pairing_at_a_rate(scheme: str, lag: int, period: int) -> None:
    """60 pairs in turn have the same neighbours in every scheme: 60 on one side and 59 on the other."""
    arrivals = [20 + k * period for k in range(60)]
    dw = change(arrivals, [s + lag for s in arrivals], **section(scheme))
    near, far = (60, 59) if lag > 0 else (59, 60)
    ahead, behind = lag % period, -lag % period
    exact = near * 0.01 * math.exp(-ahead / 20) - far * 0.012 * math.exp(-behind / 20)
    assert dw == pytest.approx(exact, rel=1e-5)


# ---- Poisson spikes --------------------------------------------------------------------------------------------


def bernoulli(p: float, q: float, n_steps: int, seed: int, dt: float, **rule: Any) -> float:
    """Mean weight change by an arrival, of 30 x 30 synapses; sources fire in a step with probability p, targets with
    q, all independently."""
    rng, n = np.random.default_rng(seed), 30
    fires = [rng.random(n_steps) < probability for probability in [p] * n + [q] * n]
    trains = {k: (np.flatnonzero(train) + 1).tolist() for k, train in enumerate(fires)}
    pairs = [(a, b) for a in range(n) for b in range(n, 2 * n)]
    wide = {"weight_min": -1e6, "weight_max": 1e6}
    net = network({**wide, **rule}, pairs, trains, n_neurons=2 * n, weight=0.0, dt=dt)
    net.sim.run(n_steps + 1)
    return float(net.weight.astype(np.float64).mean()) / (p * n_steps)


def expected_gain(scheme: str, p: float, q: float, left: float) -> float:
    """Expectation of the gain by an arrival, a_plus 1, left = exp(-dt / tau_plus): a geometric series over the
    distance 0, 1, ... to the paired spike of the target. Under `symmetric` a spike of the target gains the sum of
    p (1 - p)^s left^s, and q / p such spikes fall to an arrival."""
    if scheme == "symmetric":
        return q / (1.0 - (1.0 - p) * left)
    none = 1.0 - q if scheme == "presynaptic_centred" else (1.0 - p) * (1.0 - q)
    return q / (1.0 - none * left)


def expected_loss(scheme: str, p: float, q: float, left: float) -> float:
    """Likewise, over the distance 1, 2, ... from the target's last spike."""
    none = (1.0 - p) * (1.0 - q) if scheme == "reduced_symmetric" else 1.0 - q
    return q * left / (1.0 - none * left)


@every_scheme
@pytest.mark.parametrize(("p", "q"), [(0.03, 0.09), (0.12, 0.04)])
def test_drift_under_independent_spikes(scheme: str, p: float, q: float) -> None:
    """To 3 %, about three standard errors; the gains of the schemes lie 16 % and more apart."""
    first = section(scheme, coincident="pre_first")
    up = bernoulli(p, q, 4000, 1, 1.0, **first, a_plus=1.0, a_minus=0.0)
    down = bernoulli(p, q, 4000, 2, 1.0, **first, a_plus=0.0, a_minus=1.0, tau_minus=30.0)
    assert up == pytest.approx(expected_gain(scheme, p, q, math.exp(-1 / 20)), rel=0.03)
    assert down == pytest.approx(-expected_loss(scheme, p, q, math.exp(-1 / 30)), rel=0.03)


def test_presynaptic_centred_scheme_has_the_threshold_of_bcm() -> None:
    """Izhikevich & Desai (2003, doi:10.1162/089976603321891783): at a rate x of the target the drift by an arrival is
    x (a_plus / (1 / tau_plus + x) - a_minus / (1 / tau_minus + x)). It is a loss below the rate
    (a_minus / tau_plus - a_plus / tau_minus) / (a_plus - a_minus), and a gain above; with the window of Froemke & Dan
    (2002, doi:10.1038/416433a), +103 % and -51 % with 13.3 and 34.5 ms, that is 16.3 Hz."""
    a_plus, a_minus, tau_plus, tau_minus = 1.03, 0.51, 13.3, 34.5
    threshold = (a_minus / tau_plus - a_plus / tau_minus) / (a_plus - a_minus)
    assert 1000.0 * threshold == pytest.approx(16.3, abs=0.05)
    rule = section(
        "presynaptic_centred", a_plus=a_plus, a_minus=a_minus, tau_plus=tau_plus, tau_minus=tau_minus
    )
    for times in (0.4, 3.0):
        x = times * threshold
        drift = x * (a_plus / (1.0 / tau_plus + x) - a_minus / (1.0 / tau_minus + x))
        assert (drift > 0.0) is (times > 1.0)
        measured = bernoulli(0.004, 0.1 * x, 200_000, 3, 0.1, **rule)
        assert measured == pytest.approx(drift, abs=0.004)
        assert abs(drift) > 0.01


# ---- the twin --------------------------------------------------------------------------------------------------

RULES_OF_NETWORKS = {
    "default": {**WIDE},
    "strong": {**WIDE, **STRONG},
    "bounded": {**STRONG, "weight_min": 0.1, "weight_max": 0.7},
    "decaying": {**STRONG, "weight_min": 0.1, "weight_max": 0.7, "weight_decay": 0.01},
    "anti-Hebbian": {"a_plus": -0.01, "a_minus": -0.02},
    "soft": {**STRONG, "weight_max": 0.9, "weight_dependence": 1.0},
    "softer and decaying": {**STRONG, "weight_min": 0.1, "weight_dependence": 2.0, "weight_decay": 0.01},
}


@every_scheme
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", RULES_OF_NETWORKS)
def test_random_networks_agree_with_the_pairs_picked_out(scheme: str, name: str, seed: int) -> None:
    order = ORDERS[max(seed - 1, 0)]
    rule, dt = section(scheme, coincident=order, **RULES_OF_NETWORKS[name]), (1.0, 0.5, 0.1, 2.5)[seed]
    net = random_network(rule, seed, 150, dt=dt)
    before = net.weight.copy()
    net.sim.run(150)
    expected = assert_like_the_twin(net, 150, rule, dt=dt)
    assert np.abs(expected - before).max() > 0.02, "hardly anything was learnt: nothing was compared"
    assert len(np.unique(expected)) > 5


@every_scheme
@pytest.mark.parametrize("delay", [1, 3, 20])
def test_constant_delay_of_any_length_agrees_too(scheme: str, delay: int) -> None:
    rule = section(scheme, **WIDE, **STRONG)
    net = random_network(rule, 40, 120, delay=delay)
    net.sim.run(120)
    assert_like_the_twin(net, 120, rule)


@every_scheme
def test_inhibitory_projection_learns_strengths(scheme: str) -> None:
    signs = np.where(np.arange(60) % 2, 1.0, -1.0)
    rule = section(scheme, **STRONG, weight_max=0.9)
    net = random_network(rule, 7, 100, synapse_type="inhibitory", weight=signs * np.linspace(0.2, 0.8, 60))
    given = np.sign(net.weight)
    net.sim.run(100)
    assert_like_the_twin(net, 100, rule, inhibitory=True)
    assert np.array_equal(np.copysign(1.0, net.weight), given)


def test_projections_of_three_schemes_over_the_same_pairs() -> None:
    """Each learns by its own parameters, as if alone. The first does to the bit; the random words of the rounding
    depend on the projection's number, so that the others may be an ulp apart at each of 120 steps."""
    rules = [
        section(scheme, **WIDE, **STRONG, weight_dependence=0.0) | {"tau_plus": tau}
        for scheme, tau in zip(SCHEMES, (5.0, 9.0, 30.0), strict=True)
    ]
    nets = [random_network(rule, 6, 120) for rule in rules]
    together = random_network(rules[0], 6, 120)
    p = together.sim.projections["P"]
    pairs = np.column_stack([p.pre_id, p.post_id])
    for k in (1, 2):
        together.sim.connect(
            range(12), range(12), pairs=pairs, weight=p.weight.copy(), delay=p.delay, rule=rules[k],
            name=f"P{k}", autapses=True, synapse_type="excitatory",
        )  # fmt: skip
    for net in (*nets, together):
        net.sim.run(120)
    assert together.weight.tobytes() == nets[0].weight.tobytes()
    for net, name in zip(nets, ("P", "P1", "P2"), strict=True):
        np.testing.assert_allclose(together.sim.projections[name].weight, net.weight, rtol=0, atol=120 * 6e-8)
    assert len({net.weight.tobytes() for net in nets}) == 3


@every_scheme
def test_silent_sources_and_silent_targets_change_nothing(scheme: str) -> None:
    """And no rounding either: every weight keeps its bits."""
    weight = np.random.default_rng(0).uniform(0.0, 1.0, 100)
    pairs = [(i, j) for i in range(10) for j in range(10, 20)]
    for firing in (range(10), range(10, 20)):
        trains = {i: list(range(1, 100, 3)) for i in firing}
        net = network(section(scheme), pairs, trains, n_neurons=20, weight=weight)
        before = net.weight.tobytes()
        net.sim.run(100)
        assert net.weight.tobytes() == before


# ---- dopamine --------------------------------------------------------------------------------------------------


@every_scheme
def test_learning_follows_the_level_at_the_start_of_each_step(scheme: str) -> None:
    """After a reward dopamine decays from 0.9 to 0.5 by a tenth a step; a change in step k counts 2 L_k."""
    system, rule = NeuromodulationSystem(), section(scheme, **WIDE, **STRONG)
    net = random_network(rule, 8, 100, neuromodulation=system)
    system.process_reward(1.0, 0.0)
    net.sim.run(100)
    assert_like_the_twin(net, 100, rule, factor=lambda step, post: 2.0 * (0.5 + 0.4 * 0.9 ** (step - 1)))


@every_scheme
def test_each_target_learns_by_its_own_region(scheme: str) -> None:
    """Neurons 0 .. 5 lie in region R0, 6 .. 11 in R1; what counts is the target's. Pairs are kept where nothing is
    learnt: they count once the level is back."""
    system = NeuromodulationSystem(("R0", "R1"))
    system.dopamine.state.decay_rate = 0.0
    rule = section(scheme, **WIDE, **STRONG)
    net = random_network(rule, 10, 100, regions=2, neuromodulation=system)
    levels = {0: (0.9, 0.0), 1: (0.25, 0.6)}
    for half in (0, 1):
        system.level[:, system.names.index("dopamine")] = levels[half]
        net.sim.run(50)
    assert_like_the_twin(net, 100, rule, factor=lambda step, post: 2.0 * levels[step > 50][post >= 6])
