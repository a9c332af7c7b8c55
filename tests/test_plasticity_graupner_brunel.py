"""The calcium-based rule of Graupner & Brunel: its equations, its noise, the published curves. What it has in common
with any rule whose weights move between events: test_weights_that_move.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from oracle_graupner_brunel import RULES, Moment, Outcome, drifted, pairs_in_closed_form, time_above
from plastic_network import PlasticNetwork, network, random_network

from neuromod import _core, create_neuromodulation_system

pytestmark = pytest.mark.long

Floats = NDArray[np.float64]

DEFAULTS = {
    name: field["default"] for name, field in _core.plasticity_rules()["graupner_brunel"]["params"].items()
}
# Moves within 100 ms, by the usual path (tau above 200 tau_ca) and by the general one.
FAST = {"tau": 4100.0, "gamma_d": 20.0, "gamma_p": 30.0, "sigma": 0.5}
GENERAL = {"tau": 1000.0, "gamma_d": 2.0, "gamma_p": 3.0, "sigma": 0.3, "rho_star": 0.3}

# Table S1, and the parameters of the authors' program for figure 2; times in ms.
FIGURE_2 = {
    "DP": {},
    "P": {"c_pre": 2.0, "gamma_d": 160.0, "gamma_p": 257.447, "delay_ca": 0.0},
    "DPD": {"c_pre": 0.9, "c_post": 0.9, "gamma_d": 250.0, "gamma_p": 550.0, "delay_ca": 4.6},
    "D": {"c_pre": 0.6, "c_post": 0.6, "gamma_d": 500.0, "gamma_p": 550.0, "sigma": 5.6568, "delay_ca": 0.0},
    "D'": {"theta_p": 3.5, "gamma_d": 60.0, "gamma_p": 600.0, "delay_ca": 0.0},
}
CORTICAL = {
    "tau_ca": 22.6936,
    "c_pre": 0.5617539,
    "c_post": 1.23964,
    "gamma_d": 331.909,
    "gamma_p": 725.085,
    "sigma": 3.3501,
    "tau": 346361.5,
    "delay_ca": 4.6098,
}
HIPPOCAMPAL = {
    "tau_ca": 48.8373,
    "c_post": 0.275865,
    "gamma_d": 313.0965,
    "gamma_p": 1645.59,
    "sigma": 9.1844,
    "tau": 688355.0,
    "delay_ca": 18.8008,
}


def rule_of(**params: float) -> dict[str, Any]:
    return {"rule": "graupner_brunel", **params}


def rho_of(net: PlasticNetwork) -> Floats:
    return net.sim.projections["P"].state("rho").astype(np.float64)


# ---- the twin --------------------------------------------------------------------------------------------------


def deviates(net: PlasticNetwork, synapse: int, name: str = "P") -> Callable[[int], float]:
    """The noise of one synapse after an update in a step, as nm_events.c draws it: stream 12, salted."""
    stream = 12 | net.sim.projections[name]._table.number << 8

    def deviate(step: int) -> float:
        word = _core.philox((step & 0xFFFFFFFF, step >> 32, synapse, stream), (net.sim.seed, 0))[0]
        return float(_core.normal_quantiles(np.array([word], np.uint32))[0])

    return deviate


def twins(net: PlasticNetwork, n_steps: int, rule: dict[str, Any], **options: Any) -> list[list[Moment]]:
    low, high = rule.get("weight_min", 0.0), rule.get("weight_max", 1.0)
    params = DEFAULTS | {key: rule[key] for key in DEFAULTS if key in rule}
    return [
        RULES["graupner_brunel"](
            synapse,
            net.spikes,
            n_steps,
            params,
            dt=net.sim.dt,
            low=low,
            high=high,
            deviate=deviates(net, k),
            **options,
        )
        for k, synapse in enumerate(net.synapses)
    ]


# The fast set has a tenth of noise in rho after an interval; how it is curved by the term of rho_star while it comes in
# is left out by C and twin, each in its way.
NOISY = 5e-5


def compare(net: PlasticNetwork, moments: list[Moment], composed: float) -> None:
    """Weight, rho and calcium are those of the twin. Each update rounds them to a float32, of which rho keeps half an
    ulp below 2, 6e-8, and calcium 6e-8 of itself, which shifts a crossing by 6e-8 tau_ca. `composed`: see the head of
    the C file."""
    projection = net.sim.projections["P"]
    allowed = composed + (1 + max(m.updates for m in moments)) * 1e-7
    scale = projection.weight_max - projection.weight_min
    assert np.abs(projection.weight - [m.weight for m in moments]).max() <= allowed * scale
    assert np.abs(projection.state("rho") - [m.rho for m in moments]).max() <= allowed
    calcium = np.array([m.calcium for m in moments])
    np.testing.assert_allclose(projection.state("c"), calcium, rtol=1e-5, atol=1e-12)


def sparse_network(
    rule: dict[str, Any], seed: int, n_steps: int, dt: float, **options: Any
) -> PlasticNetwork:
    """As random_network, but with a spike in every 25th ms or so: calcium crosses thresholds in between."""
    rng, n = np.random.default_rng(seed), 12
    chosen = rng.choice(n * n, 60, replace=False)
    pairs = [(int(k) // n, int(k) % n) for k in chosen]
    trains = {i: [int(s) for s in np.flatnonzero(rng.random(n_steps) < 0.04 * dt) + 1] for i in range(n)}
    options = {"weight": rng.uniform(0.0, 1.0, 60), "delay": rng.integers(1, 10, 60), **options}
    return network(rule_of(**rule), pairs, trains, n_neurons=n, dt=dt, **options)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(
    ("rule", "composed"),
    [
        ({}, 0.0),
        ({"sigma": 0.0}, 0.0),
        (FAST, NOISY),
        (FAST | {"sigma": 0.0}, 5e-6),
        (FAST | {"theta_d": 1.6, "theta_p": 0.9, "delay_ca": 0.0}, NOISY),
        (FAST | {"theta_d": 1.2, "theta_p": 1.2, "weight_min": -2.0, "weight_max": 3.0}, NOISY),
        (GENERAL, 2.0 * NOISY),
        (GENERAL | {"rho_star": 0.5, "sigma": 0.0}, 2e-5),
        (FAST | {"gamma_p": 0.0, "gamma_d": 0.0}, NOISY),
    ],
    ids=[
        "published", "without noise", "fast", "fast, without noise", "depression above potentiation",
        "one threshold", "another rho_star", "fast drift", "noise alone",
    ],
)  # fmt: skip
def test_random_networks_agree_with_the_equations(rule: dict[str, float], composed: float, dt: float) -> None:
    n_steps = round(200 / dt)
    net = sparse_network(rule, 3, n_steps, dt)
    expected = twins(net, n_steps, rule)
    for _ in range(10):
        net.sim.run(n_steps // 10)
        compare(net, [moments[net.sim.current_step] for moments in expected], composed)
    moved = [abs(moments[-1].rho - moments[0].rho) for moments in expected]
    assert np.median(moved) > 0.01, "hardly anything was learnt: nothing was compared"


@pytest.mark.parametrize("seed", range(3))
def test_dense_trains_agree_with_the_equations(seed: int) -> None:
    """A spike in every fourth step: several updates in one step, calcium far above both thresholds."""
    net = random_network(rule_of(**FAST), seed, 120, weight=np.linspace(0.0, 1.0, 60))
    expected = twins(net, 120, FAST)
    net.sim.run(120)
    compare(net, [moments[-1] for moments in expected], NOISY)


def test_inhibitory_projection_learns_strengths() -> None:
    signs = np.where(np.arange(60) % 2, 1.0, -1.0)
    rule = FAST | {"weight_max": 0.9}
    net = sparse_network(
        rule, 5, 200, 1.0, synapse_type="inhibitory", weight=signs * np.linspace(0.01, 0.9, 60)
    )
    expected = twins(net, 200, rule, inhibitory=True)
    net.sim.run(200)
    compare(net, [moments[-1] for moments in expected], NOISY)
    assert 20 < (net.weight < 0.0).sum() < 40


def test_local_error_is_of_third_order() -> None:
    """After one spike of the target. In units of the time constant all times halve as that doubles, and the error falls
    to an eighth, or nearly; of second order it would fall to a quarter."""
    errors = []
    for tau in (100.0, 200.0, 400.0):
        rule = {"tau": tau, "gamma_d": 2.0, "gamma_p": 3.0, "sigma": 0.0, "c_post": 1.5}
        net = network(rule_of(**rule), [(0, 1)], {1: [1]}, n_neurons=2, weight=0.95)
        expected = twins(net, 40, rule)[0][-1].rho
        net.sim.run(40)
        errors.append(abs(rho_of(net)[0] - expected))
    assert errors[2] > 1e-6, "rounding alone"
    assert 6.0 < errors[0] / errors[1] < 9.0
    assert 6.0 < errors[1] / errors[2] < 9.0


def test_two_projections_draw_apart_and_each_agrees() -> None:
    rule = rule_of(**FAST)
    net = sparse_network(FAST, 7, 200, 1.0)
    pairs = [(s.pre, s.post) for s in net.synapses]
    own = np.array([s.weight for s in net.synapses])
    other = net.sim.connect(
        range(12), range(12), pairs=pairs, weight=own, delay=[s.delay for s in net.synapses], rule=rule,
        autapses=True, name="Q",
    )  # fmt: skip
    expected = twins(net, 200, FAST)
    net.sim.run(200)
    compare(net, [moments[-1] for moments in expected], NOISY)
    assert (np.abs(other.weight - net.weight) > 1e-3).mean() > 0.9


# ---- modulation ------------------------------------------------------------------------------------------------


def test_modulators_act_by_what_they_were_when_calcium_came_in() -> None:
    """Dopamine decays by a tenth a step, acetylcholine by a fifth; what counts is the step of the calcium, not that of
    the next event."""
    system = create_neuromodulation_system({"dopamine": {}, "acetylcholine": {"decay_rate": 0.2}})
    system.process_reward(1.0, 0.0)
    system.acetylcholine.state.level = 1.0
    base = system.acetylcholine.state.baseline

    def factors(step: int) -> tuple[float, float]:
        dopamine = 2.0 * (0.5 + 0.4 * 0.9 ** (step - 1))
        acetylcholine = base + (1.0 - base) * 0.8 ** (step - 1)
        return dopamine * (1.0 + strength * acetylcholine), dopamine

    strength = _core.modulators()["acetylcholine"]["params"]["potentiation_modulation"]["default"]
    net = sparse_network(FAST, 9, 150, 1.0, neuromodulation=system)
    expected = twins(net, 150, FAST, factors=factors)
    net.sim.run(150)
    compare(net, [moments[-1] for moments in expected], NOISY)
    plain = twins(net, 150, FAST)
    assert max(abs(a[-1].rho - b[-1].rho) for a, b in zip(expected, plain, strict=True)) > 0.05


def test_without_dopamine_there_is_no_learning_and_no_noise_but_the_drift() -> None:
    system = create_neuromodulation_system({"dopamine": {"decay_rate": 0.0}})
    system.dopamine.state.level = 0.0
    net = sparse_network(FAST, 11, 200, 1.0, neuromodulation=system)
    start = np.array([synapse.weight for synapse in net.synapses])
    net.sim.run(200)
    assert net.weight == pytest.approx(drifted(start, 200.0, FAST["tau"]), abs=3e-6)


# ---- without spikes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau_ca", [20.0, 5.0], ids=["general path", "usual path"])
def test_without_spikes_the_weight_drifts_to_the_nearer_stable_state(tau_ca: float) -> None:
    start = np.array([0.0, 0.02, 0.3, 0.499, 0.5, 0.501, 0.7, 1.0])
    pairs = [(0, 1)] * len(start)
    net = network(rule_of(tau=2000.0, tau_ca=tau_ca), pairs, {}, n_neurons=2, weight=start)
    for t in (1, 10, 1000, 4000, 200_000):
        net.sim.run(t - net.sim.current_step)
        assert net.weight == pytest.approx(drifted(np.float32(start), float(t), 2000.0), abs=2e-7)
    assert net.weight == pytest.approx(np.array([0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0]), abs=1e-8)
    assert net.weight[[0, 4, 7]].tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("star", [0.2, 0.5, 0.8])
def test_the_drift_takes_the_time_that_the_equation_says(star: float) -> None:
    """t = -integral of d rho / (rho (1 - rho) (rho_star - rho)), by partial fractions."""

    def primitive(rho: Floats) -> Floats:
        logs = np.log(np.abs(rho)) / star + np.log(np.abs(1 - rho)) / (1 - star)
        return logs - np.log(np.abs(star - rho)) / (star * (1 - star))

    start = np.array([0.05, star - 0.05, star + 0.05, 0.95])
    net = network(rule_of(tau=500.0, rho_star=star), [(0, 1)] * 4, {}, n_neurons=2, weight=start)
    net.sim.run(1500)
    took = primitive(start) - primitive(net.weight.astype(np.float64))
    assert took == pytest.approx(3.0, rel=1e-4)


# ---- time above thresholds -------------------------------------------------------------------------------------

UNDRIFTING = {"tau": 1e9, "sigma": 0.0}  # rho moves by gamma alone


def measured_time(rate: float, lag: float, which: str, n_pairs: int, params: dict[str, float]) -> float:
    """Fraction of the last period above a threshold, from what its term does to rho alone."""
    dt, period = 0.1, round(1e4 / rate)  # steps
    only = {"gamma_p": 0.0, "gamma_d": 0.0} | {f"gamma_{which}": 1e6}
    sources = [5000 + k * period for k in range(n_pairs)]
    targets = [5001 + k * period + round(lag / dt) for k in range(n_pairs)]
    rule = rule_of(**(params | UNDRIFTING | only))
    net = network(
        rule, [(0, 1)], {0: sources, 1: targets}, n_neurons=2, dt=dt, weight=0.0 if which == "p" else 1.0
    )
    rho = []
    for step in (5000 + (n_pairs - 3) * period, 5000 + (n_pairs - 2) * period):
        net.sim.run(step - net.sim.current_step)
        rho.append(1.0 - rho_of(net)[0] if which == "p" else rho_of(net)[0])
    return math.log(rho[0] / rho[1]) * UNDRIFTING["tau"] / 1e6 / (period * dt)


@pytest.mark.parametrize("name", [*FIGURE_2, "cortical"])
@pytest.mark.parametrize("rate", [1.0, 20.0, 50.0])
def test_times_above_thresholds_are_those_of_the_closed_form(rate: float, name: str) -> None:
    """At 50 Hz calcium is above them through the whole period in some of the sets."""
    params = DEFAULTS | ({**CORTICAL, "delay_ca": 4.6} if name == "cortical" else FIGURE_2[name])
    for lag in (-8.0, 0.0, 7.0):
        events = [(params["delay_ca"], params["c_pre"]), (lag, params["c_post"])]
        for which in "pd":
            expected = time_above(events, 1000.0 / rate, params["tau_ca"], params[f"theta_{which}"])
            measured = measured_time(rate, lag, which, 9 if rate < 5.0 else 40, params)
            # rho, a float32, is rounded a few times in a period, in which it moves by 1e-3 for each ms above
            assert measured == pytest.approx(expected, abs=2e-3 * rate / 20.0 + 1e-6)


# ---- noise -----------------------------------------------------------------------------------------------------


def many(
    n: int, trains: dict[int, list[int]], n_steps: int, rule: dict[str, Any], **options: Any
) -> PlasticNetwork:
    """n synapses between two neurons, after a run."""
    net = network(rule_of(**rule), [(0, 1)] * n, trains, n_neurons=2, **options)
    net.sim.run(n_steps, progress=False)
    return net


def kolmogorov(sample: Floats, mean: float, sd: float) -> float:
    """Distance of a sample from a normal distribution, times the root of its size: above 1.95 in one case of 1000."""
    z = np.sort((sample - mean) / sd)
    expected = np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z])
    steps = np.arange(len(z) + 1) / len(z)
    return float(max((expected - steps[:-1]).max(), (steps[1:] - expected).max()) * math.sqrt(len(z)))


@pytest.mark.parametrize("t", [3, 7, 12, 50])
def test_one_spike_leaves_the_ornstein_uhlenbeck_distribution(t: int) -> None:
    """t ms after a spike of the target: in the time above both thresholds, above one (8.6 to 13.9 ms), afterwards."""
    net = many(20_000, {1: [1]}, 1 + t, {"tau": 150000.0}, weight=0.4)
    both, alone = min(t, 20 * math.log(2 / 1.3)), min(t, 20 * math.log(2.0))
    mean, variance = 0.4, 0.0
    for duration, up, down, n in ((both, 321.808, 200.0, 2), (alone - both, 0.0, 200.0, 1)):
        k = (up + down) / 150000.0
        left = math.exp(-k * duration)
        mean = mean * left + up / (up + down) * (1 - left)
        variance = variance * left**2 + n * 2.8284**2 / 150000.0 * (1 - left**2) / (2 * k)
    rho = rho_of(net)
    assert kolmogorov(rho, mean, math.sqrt(variance)) < 1.95
    assert rho.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / 20_000))
    assert rho.var() == pytest.approx(variance, rel=4 * math.sqrt(2 / 20_000))


def test_noise_of_successive_intervals_and_of_synapses_is_independent() -> None:
    """Six spikes of the target, 100 ms apart."""
    net = network(rule_of(), [(0, 1)] * 5000, {1: [1 + 100 * k for k in range(6)]}, n_neurons=2, weight=0.5)
    gains, before = [], rho_of(net)
    for _ in range(6):
        net.sim.run(100)
        gains.append(rho_of(net) - before)
        before = rho_of(net)
    between = np.corrcoef(gains) - np.eye(6)
    between[between == between.min()] = 0.0
    # a gain falls with rho, k T = 0.05 of it, and so with the gains before: by -0.05 / sqrt(...) at most
    assert np.abs(between).max() < 0.05 + 4 / math.sqrt(5000)
    neighbours = np.corrcoef(gains[0][:-1], gains[0][1:])[0, 1]
    assert abs(neighbours) < 4 / math.sqrt(5000)


@pytest.mark.parametrize("rule", [{}, FAST | {"sigma": 1.0}], ids=["published", "fast"])
def test_distribution_after_pairs_is_that_of_fine_euler_maruyama(rule: dict[str, float]) -> None:
    """Five pairs at 20 Hz, 5 ms apart; 8000 paths in steps of 0.05 ms against as many synapses."""
    p, n, dt, end = DEFAULTS | rule, 8000, 0.05, 300.0
    pre, post = [20.0 + 50.0 * k for k in range(5)], [25.0 + 50.0 * k for k in range(5)]
    jumps = [(t + p["delay_ca"], p["c_pre"]) for t in pre] + [(t, p["c_post"]) for t in post]
    rng, rho, c = np.random.default_rng(8), np.full(n, 0.45), 0.0
    coming = sorted((round(t / dt), jump) for t, jump in jumps)
    for step in range(round(end / dt)):
        while coming and coming[0][0] == step:
            c += coming.pop(0)[1]
        above_p, above_d = c > p["theta_p"], c > p["theta_d"]
        drift = -rho * (1 - rho) * (p["rho_star"] - rho)
        drift += p["gamma_p"] * (1 - rho) * above_p - p["gamma_d"] * rho * above_d
        rho += drift * dt / p["tau"]
        if above_p or above_d:
            noise = p["sigma"] * math.sqrt((above_p + above_d) * dt / p["tau"])
            rho += noise * rng.standard_normal(n)
        c *= math.exp(-dt / p["tau_ca"])
    trains = {0: [round(t * 10) - 1 for t in pre], 1: [round(t * 10) for t in post]}
    net = many(n, trains, round(end * 10), rule, weight=0.45, dt=0.1)
    ours = rho_of(net)
    assert ours.mean() == pytest.approx(rho.mean(), abs=4 * math.sqrt(2 / n) * rho.std() + 2e-4)
    assert ours.std() == pytest.approx(rho.std(), rel=4 / math.sqrt(n) + 2e-3)
    merged = np.sort(np.concatenate([ours, rho]))
    distance = (
        np.abs(np.searchsorted(np.sort(ours), merged) - np.searchsorted(np.sort(rho), merged)).max() / n
    )
    assert distance * math.sqrt(n / 2) < 1.95  # Kolmogorov & Smirnov, two samples: one case of 1000


# ---- published -------------------------------------------------------------------------------------------------


def paired(
    params: dict[str, float], lag: float, rate: float, n_pairs: int, n: int, end: float, first: float = 500.0
) -> Outcome:
    """n_pairs of spikes from `first` ms on, in n synapses that start at 0 and n that start at 1, read at `end`."""
    dt, period = 0.1, 1000.0 / rate
    trains = {
        0: [round((first + k * period) / dt) - 1 for k in range(n_pairs)],
        1: [round((first + k * period + lag) / dt) for k in range(n_pairs)],
    }
    net = many(2 * n, trains, round(end / dt), params, weight=np.repeat([0.0, 1.0], n), dt=dt)
    rho = rho_of(net)
    return Outcome((rho[:n] > 0.5).mean(), (rho[n:] <= 0.5).mean(), rho[:n].mean(), rho[n:].mean())


# The authors' simulations of figure 2 (numericalSimulation/output of their repository), 1000 runs each: lag (ms) ->
# share that goes up, share that goes down, mean rho from 0 and from 1 after 60 s, their standard deviations, strength.
AUTHORS: dict[str, dict[int, tuple[float, ...]]] = {
    "DP": {
        -100: (0.301, 0.33, 0.43628, 0.555798, 0.134456, 0.126097, 0.980667),
        -50: (0.273, 0.436, 0.423232, 0.52292, 0.128793, 0.134967, 0.891333),
        -25: (0.187, 0.608, 0.384824, 0.464794, 0.134136, 0.129818, 0.719333),
        -10: (0.369, 0.542, 0.453201, 0.49101, 0.130872, 0.133046, 0.884667),
        5: (0.667, 0.312, 0.554581, 0.559244, 0.127992, 0.124909, 1.23667),
        10: (0.649, 0.308, 0.545684, 0.560932, 0.12602, 0.126694, 1.22733),
        25: (0.542, 0.313, 0.518891, 0.559431, 0.12558, 0.126164, 1.15267),
        50: (0.414, 0.354, 0.471301, 0.551578, 0.129214, 0.125332, 1.04),
    },
    "P": {
        -50: (0.486, 0.457, 0.492416, 0.516566, 0.142771, 0.14018, 1.01933),
        -5: (0.678, 0.293, 0.567047, 0.577122, 0.144086, 0.140971, 1.25667),
        10: (0.627, 0.298, 0.549541, 0.571001, 0.1438, 0.138841, 1.21933),
    },
    "DPD": {
        -50: (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0),
        -25: (0.0, 0.0, 0.00308126, 0.826786, 0.0674878, 0.0697465, 1.0),
        -10: (0.0, 0.205, 0.0775336, 0.592394, 0.096128, 0.107981, 0.863333),
        0: (0.253, 0.258, 0.422605, 0.574576, 0.108699, 0.110184, 0.996667),
        5: (0.471, 0.233, 0.496458, 0.58568, 0.112638, 0.113274, 1.15867),
        15: (0.011, 0.225, 0.24661, 0.58052, 0.106821, 0.112579, 0.857333),
        25: (0.0, 0.024, -0.00168489, 0.682111, 0.0852801, 0.0952425, 0.984),
    },
    "D": {
        -10: (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0),
        -5: (0.0, 0.005, 0.0036238, 0.77911, 0.102532, 0.110921, 0.996667),
        0: (0.0, 0.511, 0.012088, 0.489697, 0.145884, 0.159813, 0.659333),
    },
    "D'": {
        -50: (0.007, 0.16, -0.00219603, 0.682042, 0.175461, 0.192472, 0.898),
        -15: (0.015, 0.466, 0.0304437, 0.524758, 0.203721, 0.227956, 0.699333),
        10: (0.007, 0.262, 0.00520209, 0.629977, 0.184223, 0.208049, 0.834667),
    },
}


@pytest.mark.parametrize(("name", "lag"), [(name, lag) for name, curve in AUTHORS.items() for lag in curve])
def test_figure_2_agrees_with_the_authors_simulations(name: str, lag: int) -> None:
    """60 pairs at 1 Hz from 0.5 s on, rho at 60 s: shares and means within four standard errors of the difference of
    two samples of 1000."""
    n, told = 1000, AUTHORS[name][lag]
    ours = paired(FIGURE_2[name], lag, 1.0, 60, n, 60_000.0)
    for share, theirs in ((ours.up, told[0]), (ours.down, told[1])):
        mean = (share * n + theirs * n + 1.0) / (2 * n + 2.0)
        assert abs(share - theirs) <= 4.0 * math.sqrt(2.0 * mean * (1.0 - mean) / n)
    for mean, theirs, sd in ((ours.from_down, told[2], told[4]), (ours.from_up, told[3], told[5])):
        assert abs(mean - theirs) <= 4.0 * sd * math.sqrt(2.0 / n) + 1e-4
    assert ours.strength(5.0, 0.5) == pytest.approx(told[6], abs=0.1)


@pytest.mark.parametrize("name", FIGURE_2)
def test_figure_2_agrees_with_the_closed_form(name: str) -> None:
    """Which leaves the term of rho_star out: that moves a share by 0.04, and a mean by 0.02 in 60 s."""
    for lag in (-25, -5, 5, 10, 25):
        ours = paired(FIGURE_2[name], lag, 1.0, 60, 1000, 60_000.0)
        theory = pairs_in_closed_form(DEFAULTS | FIGURE_2[name], lag, 1.0, 60)
        assert ours.up == pytest.approx(theory.up, abs=0.085)
        assert ours.down == pytest.approx(theory.down, abs=0.085)
        assert ours.from_down == pytest.approx(theory.from_down, abs=0.045)
        assert ours.from_up == pytest.approx(theory.from_up, abs=0.045)
        assert ours.strength(5.0, 0.5) == pytest.approx(theory.strength(5.0, 0.5), abs=0.09)


def test_figure_2_has_the_shapes_that_its_panels_are_named_for() -> None:
    """Signs of the change over the lag: DP depression, then potentiation; DPD both sides; P and D one sign."""
    change = {
        name: [
            paired(FIGURE_2[name], lag, 1.0, 60, 1000, 60_000.0).strength(5.0, 0.5) - 1.0
            for lag in (-25, -12, 0, 5, 15, 25)
        ]
        for name in ("DP", "P", "DPD", "D")
    }
    assert change["DP"][0] < -0.15 and change["DP"][3] > 0.15 and change["DP"][5] > 0.08
    assert min(change["P"]) > 0.0
    assert change["DPD"][1] < -0.05 and change["DPD"][3] > 0.08 and change["DPD"][4] < -0.05
    assert change["D"][2] < -0.2 and max(change["D"]) < 0.02
    assert abs(change["D"][0]) < 0.01 and abs(change["D"][5]) < 0.01


# Sjostrom, Turrigiano & Nelson (2001): 75 pairs at a rate (Hz): relative change and its standard error, for the target
# 10 ms after the source and 10 ms before.
SJOSTROM = {
    10: ((0.14, 0.10), (-0.41, 0.11)),
    20: ((0.29, 0.14), (-0.34, 0.10)),
    40: ((0.53, 0.11), (0.56, 0.32)),
    50: ((0.56, 0.26), (0.75, 0.19)),
}


@pytest.mark.parametrize("rate", SJOSTROM)
def test_the_cortical_fit_depends_on_the_rate_as_the_data_do(rate: int) -> None:
    """Figure 4B: within one standard error of the data, 0.03 of the closed form."""
    for lag, (change, error) in zip((10.0, -10.0), SJOSTROM[rate], strict=True):
        ours = paired(CORTICAL, lag, rate, 75, 4000, 75 * 1000.0 / rate + 300.0, first=50.0)
        theory = pairs_in_closed_form(DEFAULTS | CORTICAL, lag, rate, 75)
        assert ours.strength(5.40988, 0.5) == pytest.approx(theory.strength(5.40988, 0.5), abs=0.03)
        assert ours.strength(5.40988, 0.5) - 1.0 == pytest.approx(change, abs=error)


def test_the_hippocampal_fit_turns_from_depression_to_potentiation_with_a_second_target_spike() -> None:
    """Figure 3: pairs at 5 Hz depress at every lag; two spikes of the target, 11.5 ms apart, potentiate at short
    positive ones."""

    def strength(lag: float, n: int, burst: bool) -> float:
        first = [500.0 + 200.0 * k for k in range(n)]
        spikes = [t + lag for t in first] + ([t + lag - 11.5 for t in first] if burst else [])
        trains = {0: [round(t * 10) - 1 for t in first], 1: sorted(round(t * 10) for t in spikes)}
        size = 1000
        weight = np.repeat([0.0, 1.0], size)
        net = many(2 * size, trains, round((500 + 200 * n) * 10), HIPPOCAMPAL, weight=weight, dt=0.1)
        rho = rho_of(net)
        shares = Outcome((rho[:size] > 0.5).mean(), (rho[size:] <= 0.5).mean(), 0.0, 0.0)
        return shares.strength(5.28145, 0.7)

    assert max(strength(lag, 200, burst=False) for lag in (-20.0, 0.0, 10.0, 20.0)) < 0.85
    assert strength(20.0, 100, burst=True) > 1.2
    assert strength(-40.0, 100, burst=True) < 0.95


# ---- outside of a run ------------------------------------------------------------------------------------------


def test_bounds_that_meet_hold_every_weight() -> None:
    flat = network(
        rule_of(weight_min=0.25, weight_max=0.25), [(0, 1)], {0: [5], 1: [7]}, n_neurons=2, weight=0.25
    )
    flat.sim.run(100)
    assert flat.weight[0] == 0.25


def test_state_is_read_by_name_as_a_copy() -> None:
    net = network(rule_of(), [(0, 1)], {1: [3]}, n_neurons=2, weight=0.5)
    net.sim.run(3)
    projection = net.sim.projections["P"]
    assert projection.state("c").tolist() == [2.0]
    projection.state("c")[:] = 9.0
    assert projection.state("c").tolist() == [2.0]
    with pytest.raises(KeyError, match="rule 'graupner_brunel' has rho, c, factor_p, factor_d; got 'u'"):
        projection.state("u")
