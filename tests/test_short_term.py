"""Short-term plasticity: closed forms, the published depressing and facilitating synapses, every way to deliver."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from oracle_short_term import efficacies, steady

from neuromod import BrainModel, Simulation, _core
from neuromod.config import check_short_term, load
from neuromod.errors import ConfigError, NeuromodWarning
from neuromod.plasticity import short_term_efficacy

DEPRESSING = {"U": 0.5, "tau_rec": 800.0, "tau_facil": 0.0}  # Tsodyks, Pawelzik & Markram (1998), figure 1A
LIF = list(_core.neuron_models()).index("lif")
FACILITATING = {"U": 0.03, "tau_rec": 130.0, "tau_facil": 530.0}  # figure 1B
BOTH = {"U": 0.2, "tau_rec": 150.0, "tau_facil": 60.0}
SETS = pytest.mark.parametrize(
    "params", [DEPRESSING, FACILITATING, BOTH], ids=["depressing", "facilitating", "both"]
)


def network(trains: dict[int, list[int]], n_targets: int = 3, dt: float = 1.0, **connect: Any) -> Simulation:
    """Sources 0, 1, ... that fire in the steps of `trains`, onto lif neurons so leaky that v - v_rest is what arrived
    in the step, and far from their threshold. Every source reaches every target."""
    n, m = len(trains), n_targets
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    quiet = {"v_rest": 0.0, "v_reset": -1.0, "v_threshold": 1e6}
    config = {
        "lattice_shape": [n + m, 1, 1, 1],
        "areas": [
            {"name": "S", "coord_ranges": {**line, "x": [0, n - 1]}, "model": "spike_source"},
            {"name": "T", "coord_ranges": {**line, "x": [n, n + m - 1]}, "model": "lif", "params": quiet},
        ],
        "plasticity": {"rule": "none"},
        "simulation": {"dt": dt},
    }
    sim = Simulation(BrainModel(config=config), seed=1)
    sim.initialize_neurons()
    sim.model.neurons.tau_m[sim.model.neurons.model == LIF] = 1e-3 * dt
    pairs = [(i, n + j) for i in range(n) for j in range(m)]
    sim.connect(
        "S", "T", pairs=pairs, **{"weight": 2.0, "synapse_type": "excitatory", "name": "P", **connect}
    )
    sim.set_spike_times(np.arange(n), [np.array(train) * dt for train in trains.values()])
    return sim


def arrived(sim: Simulation, n_steps: int) -> np.ndarray:
    """What reached each target in each step, shape (n_steps, n_targets), mV."""
    targets = sim.model.neurons.model == LIF
    rows = []
    for _ in range(n_steps):
        sim.step()
        rows.append(sim.model.neurons.v_membrane[targets].copy())
    return np.where(np.abs(rows) < 1e-200, 0.0, rows)  # exp never falls below 1e-304


def random_trains(seed: int, n: int = 4, n_steps: int = 300) -> dict[int, list[int]]:
    rng = np.random.default_rng(seed)
    return {i: [int(s) for s in np.flatnonzero(rng.random(n_steps) < 0.06) + 1] for i in range(n)}


def expected(
    trains: dict[int, list[int]],
    params: dict[str, float],
    weight: np.ndarray,
    delay: np.ndarray,
    n_steps: int,
    dt: float,
) -> np.ndarray:
    rows = np.zeros((n_steps, weight.shape[1]))
    for i, train in trains.items():
        for step, share in zip(train, efficacies([s * dt for s in train], **params), strict=True):
            for j in range(weight.shape[1]):
                if step + delay[i, j] <= n_steps:
                    rows[step + delay[i, j] - 1, j] += share * weight[i, j]
    return rows


@SETS
@pytest.mark.parametrize("rate", [5, 20, 50])
def test_regular_train_comes_to_the_closed_form(params: dict[str, float], rate: int) -> None:
    period = 1000 // rate
    train = list(range(10, 12_000, period))
    sim = network({0: train}, 1, short_term=params)
    rows = arrived(sim, 12_001)[:, 0] / 2.0
    shares = rows[rows != 0.0]
    assert len(shares) == len(train)
    assert shares[0] == pytest.approx(params["U"], rel=1e-14)
    assert shares[-1] == pytest.approx(steady(rate, **params), rel=1e-8)


def test_published_synapses() -> None:
    """Figure 1: at 20 Hz the depressing synapse falls to a ninth of its first response; the facilitating one triples
    and more. Past the limiting frequency a depressing synapse transmits 1 / (rate tau_rec): the sum stays the same."""
    assert check_short_term(True) == DEPRESSING
    assert check_short_term({"kind": "facilitating"}) == FACILITATING
    first, last = (efficacies([50.0 * k for k in range(40)], **DEPRESSING)[k] for k in (0, -1))
    assert 0.1 < last / first < 0.13
    first, last = (efficacies([50.0 * k for k in range(40)], **FACILITATING)[k] for k in (0, -1))
    assert 3.0 < last / first < 8.0
    for rate in (50.0, 100.0):
        assert rate * steady(rate, **DEPRESSING) == pytest.approx(1000.0 / 800.0, rel=0.05)
    rates = np.arange(1.0, 100.0)
    peak = rates[np.argmax([steady(rate, **FACILITATING) for rate in rates])]
    theta = 1000.0 / np.sqrt(0.03 * 530.0 * 130.0)  # their peak frequency
    assert peak == pytest.approx(theta, rel=0.25)


@SETS
@pytest.mark.parametrize("dt", [1.0, 0.25])
@pytest.mark.parametrize("rule", ["none", "hebbian", "stdp", "rstdp"])
@pytest.mark.parametrize("kind", ["excitatory", "inhibitory"])
def test_random_trains_agree_under_every_rule(
    params: dict[str, float], dt: float, rule: str, kind: str
) -> None:
    """Delays of 1 to 12 steps, weights that differ; the rules do not learn, so that what arrives is known."""
    rng = np.random.default_rng(2)
    trains, still = random_trains(7), {"learning_rate": 0.0} if rule != "none" else {}
    weight, delay = rng.uniform(0.2, 0.9, 12), rng.integers(1, 13, 12)
    sim = network(
        trains,
        dt=dt,
        weight=weight,
        delay=delay,
        synapse_type=kind,
        rule={"rule": rule, **still},
        short_term=params,
    )
    sign = -1.0 if kind == "inhibitory" else 1.0
    exact = expected(
        trains, params, sign * np.float32(weight).reshape(4, 3).astype(float), delay.reshape(4, 3), 320, dt
    )
    np.testing.assert_allclose(arrived(sim, 320), exact, rtol=1e-12, atol=1e-13)


def test_all_weights_equal_and_a_weight_that_learns() -> None:
    trains = random_trains(3)
    equal = arrived(network(trains, short_term=BOTH, delay=3), 320)
    exact = expected(trains, BOTH, np.full((4, 3), 2.0), np.full((4, 3), 3), 320, 1.0)
    np.testing.assert_allclose(equal, exact, rtol=1e-12, atol=1e-13)
    # what is learnt is the weight, and does not depend on what of it arrives
    weights = []
    for short_term in (None, BOTH):
        sim = network(
            {0: [5, 30, 31], 1: [6, 33]},
            1,
            weight=0.5,
            rule={"rule": "stdp", "a_plus": 0.0},
            short_term=short_term,
        )
        ids = sim.model.neurons.id
        sim.connect(
            ids[:1],
            ids[1:2],
            pairs=[(0, 1)],
            weight=0.5,
            rule={"rule": "stdp", "weight_max": 5.0},
            short_term=short_term,
            name="Q",
            synapse_type="excitatory",
        )
        sim.run(60)
        weights.append(float(sim.projections["Q"].weight[0]))
    assert weights[0] == weights[1] != 0.5


@pytest.mark.parametrize("rule", ["none", "stdp", "rstdp", "clopath"])
@pytest.mark.parametrize("kind", ["excitatory", "inhibitory"])
def test_a_spike_that_finds_nothing_to_release_brings_nothing(rule: str, kind: str) -> None:
    """The first spike takes all, and nothing has come back at the second: its efficacy is 0, not almost 0."""
    used_up = {"U": 1.0, "tau_rec": 1e20, "tau_facil": 0.0}
    sim = network({0: [1, 5]}, weight=0.5, rule=rule, short_term=used_up, synapse_type=kind)
    found = arrived(sim, 8)
    assert [k for k, row in enumerate(found) if row.any()] == [1]
    assert np.abs(found[1]) == pytest.approx(0.5, rel=1e-3)


def test_nothing_changes_where_none_is_asked_for() -> None:
    trains = random_trains(4)
    plain = network(trains)
    off = network(trains, short_term=False)
    assert plain.projections["P"].short_term is None
    rows = arrived(plain, 200)
    assert (rows == 2.0 * np.rint(rows / 2.0)).all()
    assert rows.any()
    assert (arrived(off, 200) == rows).all()
    assert plain.digest() == off.digest()
    assert "short_term" not in plain.to_dict()["simulation"]["engine"]


@pytest.mark.parametrize("rule", ["none", "stdp"])
def test_state_is_in_the_digest_and_goes_through_json(rule: str) -> None:
    trains = random_trains(5)
    sim = network(trains, delay=7, rule={"rule": rule, "weight_max": 5.0}, short_term=FACILITATING)
    other = network(trains, delay=7, rule={"rule": rule, "weight_max": 5.0}, short_term=DEPRESSING)
    sim.run(100)
    other.run(100)
    assert sim.digest() != other.digest()
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    assert again.projections["P"].short_term == FACILITATING
    assert arrived(again, 100).tobytes() == arrived(sim, 100).tobytes()
    assert again.digest() == sim.digest()


def test_it_is_carried_over_changes_of_the_network() -> None:
    """A neuron more, another one less, a longer delay elsewhere: what arrives is the same."""
    trains = random_trains(6)
    sim, other = (network(trains, delay=4, short_term=BOTH) for _ in range(2))
    whole = arrived(sim, 200)
    parts = [arrived(other, 60)]
    ids = other.model.neurons.id
    other.connect(
        ids[:1], ids[1:2], pairs=[(0, 1)], weight=0.0, delay=30, synapse_type="excitatory", rule="none"
    )
    parts.append(arrived(other, 60))
    other.model.remove_neuron(1)
    parts.append(arrived(other, 80))
    assert np.concatenate(parts)[:124].tobytes() == whole[:124].tobytes()
    alone = {i: train for i, train in trains.items() if i != 1}
    exact = expected(
        {k: alone[i] for k, i in enumerate(alone)}, BOTH, np.full((3, 3), 2.0), np.full((3, 3), 4), 200, 1.0
    )
    np.testing.assert_allclose(np.concatenate(parts)[124:], exact[124:], rtol=1e-12, atol=1e-13)


def test_run_by_steps_is_run_at_once() -> None:
    trains = random_trains(8)
    a, b = (
        network(trains, delay=np.arange(1, 13), short_term=BOTH, rule={"rule": "stdp", "weight_max": 5.0})
        for _ in range(2)
    )
    a.run(250)
    for _ in range(250):
        b.step()
    assert a.digest() == b.digest()


def test_configuration_sets_it_for_all_and_a_rule_for_its_own() -> None:
    config = network({0: [1]}).model.config | {"plasticity": {"rule": "none", "short_term": {"U": 0.25}}}
    sim = Simulation(BrainModel(config=config), seed=1)
    sim.initialize_neurons()
    options: dict[str, Any] = {"probability": 1.0, "weight": 1.0, "synapse_type": "excitatory"}
    p = sim.connect("S", "T", **options)
    assert p.short_term == {"U": 0.25, "tau_rec": 800.0, "tau_facil": 0.0}
    assert sim.connect("S", "T", rule="stdp", **options).short_term == p.short_term
    assert sim.connect("S", "T", rule={"rule": "stdp"}, **options).short_term is None
    assert sim.connect("S", "T", short_term=False, **options).short_term is None
    own = {"rule": "stdp", "short_term": FACILITATING}
    assert sim.connect("S", "T", rule=own, **options).short_term == FACILITATING
    assert sim.connect("S", "T", rule=own, short_term=BOTH, **options).short_term == BOTH


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"U": 0}, r"short_term\.U: must be > 0; got 0"),
        ({"U": 1.5}, r"short_term\.U: must be <= 1; got 1\.5"),
        ({"tau_rec": -1}, r"short_term\.tau_rec: must be >= 0 ms; got -1"),
        (
            {"kind": "fast"},
            r"short_term\.kind: must be 'depressing', 'facilitating', 'mixed' or 'balanced'; got 'fast'",
        ),
        ({"kind": "mixed", "facilitation_fraction": 1.5}, r"facilitation_fraction: must be <= 1; got 1\.5"),
        ({"facilitation_seed": 3}, r"facilitation_seed: acts only with facilitation_fraction, or kind mixed"),
        ({"facilitating_U": 0.1}, r"facilitating_U: acts only with facilitation_fraction, or kind mixed"),
        (3, r"short_term: must be an object; got 3"),
    ],
)
def test_bad_values_are_refused_with_their_path(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_short_term(given)
    sim = network({0: [1]})
    n = len(sim.model.synapses)
    with pytest.raises(ConfigError, match=message):
        sim.connect("S", "T", probability=1.0, weight=1.0, short_term=given)
    assert len(sim.model.synapses) == n


def test_off_is_no_warning_and_other_tools_keys_are_one() -> None:
    config = network({0: [1]}).model.config
    off = {"rule": "none", "short_term": {"enabled": False, "U": "?", "release_sites": 7}}
    assert load(config | {"plasticity": off})[1].plasticity.short_term is None
    other = {"rule": "none", "short_term": {"enabled": True, "default_type": "facilitating", "sites": 7}}
    with pytest.warns(NeuromodWarning) as caught:
        assert load(config | {"plasticity": other})[1].plasticity.short_term == FACILITATING
    assert [str(w.message) for w in caught] == [
        "plasticity.short_term.default_type: read as kind",
        "plasticity.short_term: not acted on: sites",
    ]


@SETS
def test_function_for_a_train(params: dict[str, float]) -> None:
    times = np.cumsum(np.random.default_rng(1).exponential(40.0, 200))
    np.testing.assert_allclose(short_term_efficacy(times, **params), efficacies(times, **params), rtol=1e-12)
    assert short_term_efficacy([]).shape == (0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"U": 0.0}, r"^U: must be > 0 and <= 1; got 0\.0"),
        ({"tau_rec": -1.0}, r"^tau_rec: must be >= 0 ms and finite; got -1\.0"),
        ({"tau_facil": np.inf}, r"^tau_facil: must be >= 0 ms and finite; got inf"),
        ({"times": [3.0, 1.0]}, r"^times: must be a list of ascending times"),
    ],
)
def test_function_refuses_bad_numbers(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        short_term_efficacy(**{"times": [1.0, 2.0], **options})


@pytest.mark.long
def test_same_bits_for_any_number_of_threads() -> None:
    """Several parts; each source belongs to one of them and is read by all."""
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    config = {
        "lattice_shape": [7000, 1, 1, 1],
        "areas": [
            {"name": "A", "coord_ranges": {**line, "x": [0, 6999]}, "drive": {"rate": 3000.0, "weight": 1.0}}
        ],
        "plasticity": {"rule": "stdp", "short_term": BOTH},
    }
    digests = set()
    for threads, cuts in ((1, [100]), (2, [30, 70])):
        sim = Simulation(BrainModel(config=config), seed=3, threads=threads)
        sim.initialize_neurons()
        sim.connect("A", "A", out_degree=20, weight=0.5, delay={"uniform": [1, 9]}, synapse_type="excitatory")
        for n_steps in cuts:
            sim.run(n_steps)
        assert sim.model.neurons.spike_count.sum() > 1000
        digests.add(sim.digest())
    assert _core.partitions(7000)[0] > 1
    assert len(digests) == 1


# ---- two kinds of sources --------------------------------------------------------------------------------------


def of_two_kinds(n: int = 400, seed: int = 1, **short_term: Any) -> tuple[Simulation, np.ndarray]:
    """Sources that fire at 10, 30 and 60 ms onto one target; which of them facilitate, by what arrives."""
    sim = network({i: [10, 30, 60] for i in range(n)}, 1, short_term={"kind": "mixed", **short_term})
    p = sim.projections["P"]
    return sim, _core.facilitating_sources(p.pre_id, p.short_term["facilitation_fraction"],
                                           int(p.short_term["facilitation_seed"]))  # fmt: skip


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_a_fraction_of_the_sources_facilitates_and_the_rest_depress(fraction: float) -> None:
    sim, facilitates = of_two_kinds(facilitation_fraction=fraction)
    error = 4.0 * np.sqrt(400 * fraction * (1.0 - fraction))
    assert abs(facilitates.sum() - 400 * fraction) <= error
    rows = arrived(sim, 70)[:, 0]
    for number, at in enumerate([10, 30, 60]):
        share = {kind: efficacies([10.0, 30.0, 60.0], **kind_of)[number]
                 for kind, kind_of in ((0, DEPRESSING), (1, FACILITATING))}  # fmt: skip
        exact = 2.0 * ((400 - facilitates.sum()) * share[0] + facilitates.sum() * share[1])
        assert rows[at] == pytest.approx(exact, rel=1e-12)


def test_each_kind_may_have_values_of_its_own() -> None:
    assert check_short_term({"kind": "balanced", "U": 0.4, "facilitating_tau_rec": 90}) == {
        "U": 0.4, "tau_rec": 800.0, "tau_facil": 0.0, "facilitation_fraction": 0.5,
        "facilitating_U": 0.03, "facilitating_tau_rec": 90.0, "facilitating_tau_facil": 530.0,
    }  # fmt: skip


def test_the_kinds_follow_from_the_seed_and_outlive_everything() -> None:
    sim, _facilitates = of_two_kinds(50)
    sim.run(20)
    for other in (sim.copy(), sim.copy(seed=9), Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))):
        assert other.projections["P"].short_term == sim.projections["P"].short_term
        assert arrived(other, 60).tobytes() == arrived(sim.copy(), 60).tobytes()
    own = {"kind": "mixed", "facilitation_fraction": 0.5}
    again = network({0: [1]}, 3)
    drawn = [
        again.connect("S", "T", probability=1.0, weight=0.1, short_term=own, rule="none", name=name)
        for name in ("one", "other")
    ]
    assert drawn[0].short_term["facilitation_seed"] != drawn[1].short_term["facilitation_seed"]


def test_it_changes_at_run_time_for_each_kind() -> None:
    """A run with a change in its midst is, for each source, that of its own values."""
    sim, facilitates = of_two_kinds(60)
    sim.run(40)
    sim.projections["P"].short_term["facilitating_U"] = 0.2
    late = arrived(sim, 30)[:, 0]
    alone = 0.0
    for values, many in ((DEPRESSING, (~facilitates).sum()), (FACILITATING, facilitates.sum())):
        one = network({0: [10, 30, 60]}, 1, short_term=values)
        one.run(40)
        if values is FACILITATING:
            one.projections["P"].short_term["U"] = 0.2
        alone += many * arrived(one, 30)[20, 0]
    assert late[20] == pytest.approx(alone, rel=1e-12)


def test_the_file_of_upstream_loads() -> None:
    """Its section plasticity, word for word."""
    section = {
        "rule": "hebb_like", "learning_rate": 0.001, "weight_min": -1.0, "weight_max": 1.0, "weight_decay": 0.00001,
        "homeostatic": {"enabled": True, "target_rate": 5.0, "time_window": 1000, "scaling_rate": 0.01},
        "metaplasticity": {"enabled": True, "bcm_tau": 1000.0, "bcm_target_rate": 5.0},
        "short_term": {"enabled": True, "default_type": "mixed", "facilitation_fraction": 0.3},
    }  # fmt: skip
    config = network({0: [1]}).model.config
    with pytest.warns(NeuromodWarning):
        sim = Simulation(BrainModel(config={**config, "plasticity": section}), seed=1)
    sim.initialize_neurons()
    assert sim.initialize_random_synapses(0.5) > 0
    assert all(p.short_term["facilitation_fraction"] == 0.3 for p in sim.projections.values())
    sim.run(20)


@pytest.mark.parametrize("short_term", [None, True])
@pytest.mark.parametrize("rule", [None, "stdp", "graupner_brunel"])
def test_weights_that_are_written_before_more_threads_act(rule: str | None, short_term: bool | None) -> None:
    """With short-term plasticity the engine went on with the weights before (self-test, episode 416013088)."""
    digests = set()
    for threads in (1, 3):
        sim = Simulation(seed=1, dt=1.0, threads=1)
        cells = sim.create(3, "lif", drive={"rate": 800.0, "weight": 2.0})
        p = sim.connect(
            cells, cells, in_degree=5, weight=0.5, rule=rule, short_term=short_term, autapses=True
        )
        sim.run(200)
        p.weight[:] = p.weight * 0.25
        sim.threads = threads
        sim.run(200)
        digests.add(sim.digest())
    assert len(digests) == 1
