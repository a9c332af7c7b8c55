"""Three-factor STDP: its closed forms, published figures, and a network of 10,000 spike trains under random courses of
dopamine, held to a dense integration in float64 (``oracle_rstdp.py``)."""

from __future__ import annotations

import functools
import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from oracle_rstdp import RULES, Dopamine, Rule, Wiring, daspnet, replay
from plastic_network import PlasticNetwork, config_of, network

from neuromod import BrainModel, NeuromodulationSystem, Simulation, create_neuromodulation_system

WIDE = {"weight_min": -1000.0, "weight_max": 1000.0}
dense = RULES["rstdp"]


def system_of(
    dopamine: Dopamine, regions: list[str] | None = None, **more: dict[str, Any]
) -> NeuromodulationSystem:
    kinetics = {"decay_rate": dopamine.decay_rate} if dopamine.tau is None else {"tau": dopamine.tau}
    section = {"baseline": dopamine.baseline, "learning_rate_modulation": dopamine.strength, **kinetics}
    return create_neuromodulation_system({"dopamine": section, **more}, regions=regions)


def synapse(dopamine: Dopamine, arrival: int, target: int, dt: float = 1.0, **rule: Any) -> PlasticNetwork:
    """One synapse of weight 0 and delay 1, at which a spike arrives in one step and the target fires in another."""
    return network(
        {"rule": "rstdp", **WIDE, **rule},
        [(0, 1)],
        {0: [arrival - 1], 1: [target]},
        n_neurons=2,
        weight=0.0,
        dt=dt,
        neuromodulation=system_of(dopamine),
    )


def pulse(net: PlasticNetwork, until_step: int, size: float) -> None:
    """Go on until that step is over, then add to the level."""
    assert net.sim.neuromodulation is not None
    net.sim.run(until_step - net.sim.current_step)
    net.sim.neuromodulation.dopamine.state.level += size


# ---- closed forms and published figures ----------------------------------------------------------------------


@pytest.mark.parametrize(("arrival", "read", "published"), [(1500, 2400, 10.055271), (1501, 2401, 11.113348)])
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_one_pair_and_one_pulse(arrival: int, read: int, published: float, dt: float) -> None:
    """dw = c(t) D / s (1 - exp(-s T)), s = 1 / tau_c + 1 / tau_d, whatever the step: the set-up of sPyNNaker's test,
    target at 1504 ms, dopamine at 1601 ms. The figures are given to 5e-7; a float32 near 10 holds 5e-7 more, and its
    trace, of 6e-8 relative error, as much again."""
    steps = round(1 / dt)
    net = synapse(
        Dopamine(0.0, tau=200.0, strength=1.0),
        arrival * steps,
        1504 * steps,
        dt,
        learning_rate=1.0,
        tau_plus=10.0,
        tau_minus=10.0,
        tau_c=1000.0,
    )
    pulse(net, 1601 * steps, 0.1)
    net.sim.run((read - 1601) * steps)
    assert abs(net.weight[0] - published) < 2e-6
    s = 1 / 1000 + 1 / 200
    exact = math.exp(-(1504 - arrival) / 10 - 97 / 1000) * 0.1 / s * -math.expm1(-s * (read - 1601))
    assert net.weight[0] == pytest.approx(exact, rel=1.2e-7)


def test_one_pair_and_one_pulse_in_nests_convention() -> None:
    """There a pulse adds 1 / tau_n: a pair at 0 and 10 ms, dopamine at 60 ms, read at 1060 ms. (Here 1 ms later: the
    first step that a spike can arrive in is 1.)"""
    net = synapse(Dopamine(0.0, tau=200.0, strength=1.0), 2, 12, learning_rate=1.0)
    pulse(net, 62, 1 / 200)
    net.sim.run(1000)
    assert abs(net.weight[0] - 0.4795997) < 1e-7


@pytest.mark.parametrize(("pulse_ms", "published"), [(1000, 0.18953), (2000, 0.06937), (3000, 0.02539)])
@pytest.mark.parametrize("level", [0.0, 0.002])
def test_the_discretisation_of_daspnet(pulse_ms: int, published: float, level: float) -> None:
    """The author's program is this rule at dt = 10 ms, in other units: its sd loses 1 % every 10 ms, of which a trace
    with tau_c = -10 / ln 0.99 earns tau_c * 0.01 = 9.95 ms; its dopamine falls by 0.995**10 a step.

    There the pulse counts in the 100th sum after the pair (and the 200th, 300th): here it is set after 99 steps.
    """
    tau_c, kept = -10.0 / math.log(0.99), 0.995**10
    net = synapse(
        Dopamine(level, decay_rate=1.0 - kept, strength=1.0),
        10,
        11,
        10.0,
        learning_rate=1.0 / (0.01 * tau_c),
        a_plus=0.1,
        a_minus=0.15,
        tau_plus=-1.0 / math.log(0.95),
        tau_minus=-1.0 / math.log(0.95),
        tau_c=tau_c,
        subtract_baseline=0.0,
    )
    pulse(net, 11 + pulse_ms // 10 - 1, 0.5)
    net.sim.run(2000 - (pulse_ms // 10 - 1))
    phasic, constant = daspnet(0.1 * 0.95**10, pulse_ms)
    expected = phasic + (constant if level else 0.0)
    assert net.weight[0] == pytest.approx(expected, rel=4e-7)
    assert abs(phasic - published) < 5e-6 and abs(constant - 0.01197) < 5e-6


@pytest.mark.long
def test_chance_drift() -> None:
    """Of independent Poisson trains: mean c = tau_c r_pre r_post (A+ tau+ - A- tau-) = -0.001 in continuous time.

    In steps of dt pairs at distance 0 are half a gain and half a loss: r r dt tau_c (A+ - A-) (1 + q) / (1 - q) / 2,
    q = exp(-dt / tau). Under a constant g a weight moves by g times the integral of its c, so 200,000 weights tell
    the mean c of a minute. Over six seeds the ratio to the exact value was 1.005 with a standard deviation of 0.004;
    the bound is five of them.
    """
    dt, n, seconds, tau_c = 0.25, 500, 60, 1000.0
    config = config_of(
        2 * n, dt, regions=2, neuron_model={"type": "poisson", "params_default": {"rate": 1.0}}
    )
    dopamine = Dopamine(0.5, tau=200.0, strength=1.0)
    sim = Simulation(BrainModel(config=config), seed=5, neuromodulation=system_of(dopamine, ["R0", "R1"]))
    sim.initialize_neurons()
    rule = {
        "rule": "rstdp",
        "learning_rate": 1.0,
        "a_plus": 0.1,
        "a_minus": 0.15,
        "subtract_baseline": 0.0,
        **WIDE,
    }
    p = sim.connect("A0", "A1", out_degree=400, weight=0.0, rule=rule)
    sim.run(round(seconds * 1000 / dt))
    mean_c = p.weight.mean(dtype=np.float64) / (0.5 * (1000 * seconds - tau_c))
    q, per_ms = math.exp(-dt / 20.0), 1e-3
    exact = tau_c * per_ms**2 * dt * (0.1 - 0.15) * (1.0 + q) / (1.0 - q) / 2.0
    assert exact == pytest.approx(-0.001, rel=1e-4)
    assert mean_c == pytest.approx(exact, rel=0.02)


def test_no_presynaptic_spikes_change_nothing() -> None:
    """NEST's ticket 716 asks for 1e-13; here every weight keeps its bits, while targets fire and dopamine moves."""
    weight = np.random.default_rng(0).uniform(0.0, 1.0, 100)
    net = network(
        {"rule": "rstdp", "learning_rate": 1.0},
        [(i, j) for i in range(10) for j in range(10, 20)],
        {i: list(range(1, 3000, 7)) for i in range(10, 20)},
        n_neurons=20,
        weight=weight,
        neuromodulation=system_of(Dopamine(0.1, tau=200.0)),
    )
    before = net.weight.tobytes()
    for _ in range(5):
        pulse(net, net.sim.current_step + 600, 0.4)
        assert net.weight.tobytes() == before
        assert not net.sim.projections["P"].eligibility.any()


@pytest.mark.parametrize("dt", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("level", [0.9, 0.05])
def test_modulator_decays_exponentially_from_above_and_below(level: float, dt: float) -> None:
    """x(t) = b + (x0 - b) exp(-t / tau) at any step, while a network runs."""
    net = synapse(Dopamine(0.3, tau=150.0), 2, 3, dt)
    state = net.sim.neuromodulation.dopamine.state  # type: ignore[union-attr]
    state.level = level
    for n in (1, 10, 50):
        net.sim.run(n - net.sim.current_step)
        assert state.level == pytest.approx(0.3 + (level - 0.3) * math.exp(-n * dt / 150.0), rel=1e-14)


# ---- against dense integration -------------------------------------------------------------------------------

# Bounds of 0.25 and 1 mV, so that a relative error means something: what is kept between visits, the weight and c, is
# a float32, and errs by up to 1.2e-7 of itself.
CASES: dict[str, tuple[Rule, Dopamine, float]] = {
    "plain": (Rule(0.0015), Dopamine(0.5, tau=200.0), 1.0),
    "level itself, arrivals first": (
        Rule(0.0003, subtract_baseline=0.0, coincident="pre_first"),
        Dopamine(0.2, tau=30.0, strength=1.0),
        1.0,
    ),
    "decay per step": (Rule(0.002, a_minus=0.6, subtract_baseline=0.7), Dopamine(0.5), 0.5),
    "renormalised": (Rule(0.004, tau_plus=7.0, tau_minus=33.0, tau_c=25.0), Dopamine(0.5, tau=200.0), 1.0),
    "very short trace, not as pairs": (
        Rule(0.1, a_minus=0.8, tau_c=2.0, coincident="none"),
        Dopamine(0.5, tau=200.0),
        1.0,
    ),
    "a trace that is gone in a step": (Rule(4.0, tau_c=0.03), Dopamine(0.5, tau=200.0), 1.0),
    "a trace that falls to a millionth": (Rule(2.0, tau_c=0.07), Dopamine(0.5, tau=200.0), 1.0),
    "at the bounds": (Rule(0.005, weight_min=0.35, weight_max=0.65), Dopamine(0.5, tau=100.0), 1.0),
    "renormalised, at the bounds": (
        Rule(0.1, tau_c=40.0, weight_min=0.35, weight_max=0.65),
        Dopamine(0.5, tau=200.0),
        1.0,
    ),
    "weights decay": (Rule(0.003, weight_decay=2e-4), Dopamine(0.5, tau=200.0), 1.0),
    "soft": (Rule(0.0005, weight_dependence=1.0), Dopamine(0.5, tau=200.0), 1.0),
}
N_SOURCES = N_TARGETS = 5000
N_REGIONS = 100  # of targets, each with a course of dopamine of its own
N_STEPS = 2500


def random_trains(rng: np.random.Generator, dt: float) -> np.ndarray:
    """spikes[step, neuron]: 10,000 Poisson trains, each of its own rate from 0.5 to 30 Hz; a hundred burst as well,
    at up to 150 Hz for 300 ms: more spikes than the engine keeps sums for (8), or at all (32)."""
    n = N_SOURCES + N_TARGETS
    rate = np.tile(np.exp(rng.uniform(np.log(0.5), np.log(30.0), n)), (N_STEPS + 1, 1))
    for i in rng.choice(n, 100, replace=False):
        start = rng.integers(1, N_STEPS - 300)
        rate[start : start + 300, i] = rng.uniform(50.0, 150.0)
    spikes = rng.random(rate.shape) < rate * dt / 1000.0
    spikes[0] = False
    return spikes


def random_levels(rng: np.random.Generator) -> np.ndarray:
    """levels[step, region]: in each of 30 steps, a third of the regions is set to another level; else NaN."""
    levels = np.full((N_STEPS + 1, N_REGIONS), np.nan)
    for step in rng.choice(np.arange(1, N_STEPS), 30, replace=False):
        chosen = rng.random(N_REGIONS) < 1 / 3
        levels[step, chosen] = rng.uniform(0.0, 1.0, int(chosen.sum()))
    return levels


def wired(rng: np.random.Generator) -> Wiring:
    """20,000 synapses: most sources have 1 to 9; ten have 700 each, more than the engine takes in one run."""
    pre = np.concatenate([rng.integers(0, N_SOURCES, 13_000), np.repeat(np.arange(10), 700)])
    post = N_SOURCES + np.concatenate([rng.integers(0, N_TARGETS, 13_000), rng.integers(0, N_TARGETS, 7000)])
    pre, post = np.unique(np.stack([pre, post]), axis=1)
    n = len(pre)
    region = (post - N_SOURCES) * N_REGIONS // N_TARGETS
    return Wiring(pre, post, rng.integers(1, 6, n), rng.uniform(0.3, 0.7, n).astype(np.float32), region)


@functools.cache
def drawn(dt: float, seed: int) -> tuple[np.ndarray, np.ndarray, Wiring]:
    rng = np.random.default_rng(seed)
    return random_trains(rng, dt), random_levels(rng), wired(rng)


class Whole:
    """The simulation of one case: 10,000 sources in rows of areas, the targets' regions R1, R2, ... after R0.

    `other`: the levels of a declared modulator, which acts on potentiation, depression and tau_c by a factor of
    1 + 2 level.
    """

    def __init__(
        self,
        rule: Rule,
        dopamine: Dopamine,
        dt: float,
        seed: int,
        threads: int | None = None,
        other: np.ndarray | None = None,
    ) -> None:
        self.other = other
        declared = {
            "response": {"linear": {"strength": 2.0}},
            "targets": ["ltp", "ltd", "tau_c"],
            "decay_rate": 0.0,
            "baseline": 0.0,
        }
        more = {} if other is None else {"other": declared}
        self.spikes, self.levels, self.wiring = drawn(dt, seed)
        inside = np.clip(self.wiring.weight, rule.weight_min, rule.weight_max)
        self.wiring = replace(self.wiring, weight=inside.astype(np.float32))
        regions = ["R0", *(f"R{k + 1}" for k in range(N_REGIONS))]
        width = N_TARGETS // N_REGIONS
        sizes = [N_SOURCES] + [width] * N_REGIONS
        first = np.concatenate([[0], np.cumsum(sizes)])
        areas = [
            {
                "name": f"A{k}",
                "region": region,
                "coord_ranges": {
                    "x": [int(first[k]), int(first[k + 1]) - 1],
                    "y": [0, 0],
                    "z": [0, 0],
                    "w": [0, 0],
                },
            }
            for k, region in enumerate(regions)
        ]
        config = config_of(N_SOURCES + N_TARGETS, dt) | {"areas": areas}
        self.system = system_of(dopamine, regions, **more)
        self.sim = Simulation(
            BrainModel(config=config), seed=seed, neuromodulation=self.system, threads=threads
        )
        ids = self.sim.initialize_neurons(model="spike_source")
        self.projection = self.sim.connect(
            ids,
            ids,
            pairs=np.stack([self.wiring.pre, self.wiring.post], axis=1),
            weight=self.wiring.weight,
            delay=self.wiring.delay,
            rule={"rule": "rstdp", **asdict(rule)},
            name="P",
        )
        step, neuron = np.nonzero(self.spikes)
        self.sim.set_spike_times(neuron, step * dt)

    def run(self, *, looks: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
        """(weight, eligibility) at the end, in the order of the wiring. `looks`: steps after which both are read."""
        courses = {"dopamine": self.levels} | ({} if self.other is None else {"other": self.other})
        doses = np.flatnonzero(~np.isnan(np.hstack(list(courses.values()))).all(axis=1)) - 1  # after these
        for stop in sorted({*doses.tolist(), *looks, N_STEPS}):
            self.sim.run(stop - self.sim.current_step)
            if stop in looks:
                _ = self.projection.weight, self.projection.eligibility
            for name, course in courses.items() if stop < N_STEPS else ():
                level = self.system.level[1:, self.system.names.index(name)]
                level[:] = np.where(np.isnan(course[stop + 1]), level, course[stop + 1])
        p = self.projection
        order = np.lexsort((p.post_id, p.pre_id))  # np.unique has sorted the wiring likewise
        return p.weight[order], p.eligibility[order]


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_ten_thousand_spike_trains_agree_with_dense_integration(case: str) -> None:
    """Relative error of every one of 20,000 weights <= 2e-6: half of them are within 7e-8, 99 % within 5e-7. What is
    left is rounding: a synapse is visited up to 200 times, each time with up to 1.2e-7 for the weight and for c. Soft
    bounds feed the weight's error back into c, and get 5e-6. Where weights stay off their bounds, which cut errors off
    on one side, the mean of all errors is 0: up to 5 of its standard errors, of 1e-9."""
    rule, dopamine, dt = CASES[case]
    whole = Whole(rule, dopamine, dt, seed=3)
    weight, eligibility = whole.run()
    expected, trace = dense(rule, dopamine, dt, whole.wiring, whole.spikes, whole.levels)
    tolerance = 5e-6 if case == "soft" else 2e-6
    signed = (weight - expected) / np.abs(expected)
    error = np.abs(signed)
    assert error.max() <= tolerance, (
        f"{np.sum(error > tolerance)} synapses; the worst is off by {error.max():.2e}"
    )
    assert "bounds" in case or abs(signed.mean()) < 5.0 * signed.std() / math.sqrt(signed.size)
    np.testing.assert_allclose(
        eligibility, trace, rtol=2 * tolerance, atol=2 * tolerance * np.abs(trace).max()
    )
    assert np.abs(expected - whole.wiring.weight).mean() > 0.02, (
        "hardly anything was learnt: nothing was compared"
    )
    at_bound = np.mean((expected == rule.weight_min) | (expected == rule.weight_max))
    assert "bounds" not in case or at_bound > 0.2, at_bound


@pytest.mark.long
def test_potentiation_depression_and_tau_c_may_change_on_the_way() -> None:
    """By a factor from 1 to 3 that is new in a third of the regions every 80 steps or so."""
    rule, dopamine, dt = Rule(0.0005, tau_c=100.0), Dopamine(0.5, tau=200.0), 1.0
    levels = random_levels(np.random.default_rng(9))
    whole = Whole(rule, dopamine, dt, seed=3, other=levels)
    weight, eligibility = whole.run()
    factors = np.full(levels.shape, 1.0)
    for k in range(1, len(levels)):
        factors[k] = np.where(np.isnan(levels[k]), factors[k - 1], 1.0 + 2.0 * levels[k])
    expected, trace = dense(rule, dopamine, dt, whole.wiring, whole.spikes, whole.levels, factors)
    np.testing.assert_allclose(weight, expected, rtol=2e-6)
    np.testing.assert_allclose(eligibility, trace, rtol=4e-6, atol=4e-6 * np.abs(trace).max())
    constant, _ = dense(rule, dopamine, dt, whole.wiring, whole.spikes, whole.levels)
    assert np.abs(constant - expected).mean() > 0.01


@pytest.mark.long
def test_any_number_of_threads_gives_the_same_bits() -> None:
    """NEST's issue 410 asks for equal weights from 1, 2, 4, 8, 16 and 32 threads."""
    case = CASES["at the bounds"]
    one, *others = (Whole(*case, seed=3, threads=n).run() for n in (1, 2, 8, 32))
    for other in others:
        assert other[0].tobytes() == one[0].tobytes()
        assert other[1].tobytes() == one[1].tobytes()


@pytest.mark.long
def test_looks_in_between_leave_no_trace() -> None:
    """Reading weights and traces, also in the steps of spikes, changes no bit of what follows."""
    case = CASES["renormalised, at the bounds"]
    plain, looked = (
        Whole(*case, seed=3).run(looks=looks) for looks in ((), (1, 700, 701, 1500, N_STEPS - 1))
    )
    assert plain[0].tobytes() == looked[0].tobytes()
    assert plain[1].tobytes() == looked[1].tobytes()


@pytest.mark.long
def test_the_oracle_from_event_to_event_agrees_with_the_one_from_step_to_step() -> None:
    """Neither knows the other's way of counting time; 1e-11 is rounding over 2500 steps."""
    rule, dopamine, dt = Rule(0.02, tau_c=300.0), Dopamine(0.5, tau=80.0), 1.0
    spikes, levels, wiring = drawn(dt, 3)
    some = np.random.default_rng(1).choice(len(wiring.pre), 60, replace=False)
    few = Wiring(*(getattr(wiring, name)[some] for name in ("pre", "post", "delay", "weight", "region")))
    weights, traces = dense(rule, dopamine, dt, few, spikes, levels)
    for k in range(len(some)):
        course = levels[:, few.region[k]]
        doses = [(dt * (step - 1), course[step]) for step in np.flatnonzero(~np.isnan(course))]
        arrivals = dt * (np.flatnonzero(spikes[:, few.pre[k]]) + few.delay[k])
        fired = dt * np.flatnonzero(spikes[:, few.post[k]])
        one = replay(rule, dopamine, float(few.weight[k]), arrivals, fired, doses, dt * N_STEPS)
        assert one == pytest.approx((weights[k], traces[k]), rel=1e-11, abs=1e-11)
    assert np.mean(np.abs(weights - few.weight) > 0.01) > 0.5


# ---- small networks -------------------------------------------------------------------------------------------


def small(seed: int, regions: int = 1, **options: Any) -> tuple[PlasticNetwork, Wiring, np.ndarray]:
    """12 neurons, 60 synapses, 400 steps, spikes in every tenth or so; dopamine at 0.9 at first."""
    rng, n = np.random.default_rng(seed), 12
    spikes = rng.random((401, n)) < 0.1
    spikes[0] = False
    chosen = np.sort(rng.choice(n * n, 60, replace=False))
    pre, post = chosen // n, chosen % n
    wiring = Wiring(
        pre, post, rng.integers(1, 10, 60), rng.uniform(0.3, 0.9, 60).astype(np.float32), post * regions // n
    )
    system = system_of(DOPAMINE, None if regions == 1 else [f"R{k}" for k in range(regions)])
    rule = {"rule": "rstdp", **asdict(RULE)}
    net = network(
        rule,
        list(zip(pre.tolist(), post.tolist(), strict=True)),
        {i: np.flatnonzero(spikes[:, i]).tolist() for i in range(n)},
        n_neurons=n,
        **{"weight": wiring.weight, "delay": wiring.delay, "regions": regions, **options},
        neuromodulation=system,
    )
    system.level[:, system.names.index("dopamine")] = 0.9
    return net, wiring, spikes


RULE, DOPAMINE = Rule(0.001, a_minus=1.2, weight_min=0.0, weight_max=1.0), Dopamine(0.5, tau=100.0)


def ordered(net: PlasticNetwork) -> np.ndarray:
    p = net.sim.projections["P"]
    return p.weight[np.lexsort((p.post_id, p.pre_id))]


def expected_of(wiring: Wiring, spikes: np.ndarray) -> np.ndarray:
    levels = np.full((len(spikes), int(wiring.region.max()) + 1), np.nan)
    levels[1] = 0.9
    return dense(RULE, DOPAMINE, 1.0, wiring, spikes, levels)[0]


@pytest.mark.parametrize("seed", range(4))
def test_recurrent_networks_with_autapses_agree(seed: int) -> None:
    net, wiring, spikes = small(seed)
    net.sim.run(400)
    expected = expected_of(wiring, spikes)
    np.testing.assert_allclose(ordered(net), expected, rtol=1e-6, atol=2e-7)
    assert np.abs(expected - wiring.weight).max() > 0.1


def test_inhibitory_synapses_learn_strengths_and_keep_their_signs() -> None:
    signs = np.where(np.arange(60) % 2, 1.0, -1.0)
    net, wiring, spikes = small(1)
    strengths = wiring.weight.copy()
    net, wiring, spikes = small(1, synapse_type="inhibitory", weight=signs * strengths)
    net.sim.run(400)
    np.testing.assert_allclose(np.abs(ordered(net)), expected_of(wiring, spikes), rtol=1e-6, atol=2e-7)
    assert np.array_equal(np.copysign(1.0, ordered(net)), signs)


def test_steps_one_by_one_are_a_run() -> None:
    nets = [small(2)[0] for _ in range(2)]
    nets[0].sim.run(400)
    for _ in range(400):
        nets[1].sim.run(1)
    assert nets[0].weight.tobytes() == nets[1].weight.tobytes()
    assert nets[0].sim.digest() == nets[1].sim.digest()


def test_resumed_is_uninterrupted() -> None:
    nets = [small(3)[0] for _ in range(2)]
    nets[0].sim.run(400)
    nets[1].sim.run(150)
    again = Simulation.from_dict(nets[1].sim.to_dict())
    again.run(250)
    assert again.digest() == nets[0].sim.digest()
    assert again.projections["P"].weight.tobytes() == nets[0].weight.tobytes()


def test_a_reward_given_to_one_region_leaves_the_other_as_it_was() -> None:
    """Three regions by target; a dose to R1 alone: R0's and R2's synapses keep their bits, R1's do not, but for those
    that stand at a bound without it."""
    nets = [small(4, regions=3) for _ in range(2)]
    for net, _, _ in nets:
        net.sim.run(200)
    nets[0][0].sim.neuromodulation.process_reward(1.0, region="R1")  # type: ignore[union-attr]
    for net, _, _ in nets:
        net.sim.run(200)
    region = nets[0][1].region
    rewarded, other = (ordered(net) for net, _, _ in nets)
    assert rewarded[region != 1].tobytes() == other[region != 1].tobytes()
    free = (region == 1) & (other > 0.0) & (other < 1.0)
    assert free.sum() >= 10 and (rewarded != other)[free].all()


def test_weights_written_between_steps_count_from_then_on() -> None:
    """In place, at once, while c goes on as it was (rounded once more, to float32). A column held across steps is
    stale, and says so."""
    net, _, _ = small(5)
    net.sim.run(200)
    held = net.weight
    before = held.copy()
    held *= 0.5
    untouched, _, _ = small(5)
    untouched.sim.run(200)
    for each in (net, untouched):
        each.sim.neuromodulation.dopamine.state.level = 0.5  # type: ignore[union-attr]
        each.sim.run(1)
    assert np.array_equal(net.weight, np.float32(0.5) * before)
    with pytest.raises(ValueError, match="read-only"):
        held *= 0.5
    ours, theirs = (each.sim.projections["P"].eligibility for each in (net, untouched))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
