"""Event rules, whichever there are: what the index of on_post costs, that state survives every change of the network,
and small networks of all shapes beside lazy rules, held to their twins and to the same bits however they are run."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest
from oracle_plasticity import Learning, Synapse, learnt
from oracle_rules import RULES as TWINS
from plastic_network import config_of, random_network

from neuromod import BrainModel, Simulation, _core, create_neuromodulation_system

pytestmark = pytest.mark.long

RULES = _core.plasticity_rules()
PARTS = 4096  # neurons from which on a network has several parts
WIDE = {"weight_min": -10.0, "weight_max": 10.0}


def sections(name: str) -> list[dict[str, Any]]:
    """The rule with each combination of the words of its parameters."""
    words = {key: about["words"] for key, about in RULES[name]["params"].items() if "words" in about}
    return [{"rule": name, **dict(zip(words, chosen, strict=True))} for chosen in product(*words.values())]


def label(section: Mapping[str, Any]) -> str:
    return " ".join(str(word) for word in section.values())


# Two kinds of rules are left to their own tests: those that read columns, which sources of given spikes lack; and those
# whose weights move between events, for which learnt() has no hook.
EVENT_RULES = [
    section
    for name, about in RULES.items()
    if not (about["lazy"] or about["pre_columns"] or about["post_columns"] or about["advance"])
    for section in sections(name)
]
LAZY_RULES = [section for name in TWINS if RULES[name]["lazy"] for section in sections(name)]
# Of each rule with each word once; with all combinations of them in the networks that hypothesis draws.
EVERY_WORD = [
    section
    for section in EVENT_RULES
    if len(
        {
            RULES[section["rule"]]["params"][key]["words"].index(w)
            for key, w in section.items()
            if key != "rule"
        }
    )
    <= 1
]
every_rule = pytest.mark.parametrize("rule", EVERY_WORD, ids=label)


def test_there_are_rules_of_both_kinds() -> None:
    assert {"hebbian", "stdp_nearest"} <= {rule["rule"] for rule in EVENT_RULES}
    assert {"stdp", "triplet"} <= {rule["rule"] for rule in LAZY_RULES}
    every, all_combined = (
        {(s["rule"], *pair) for s in some for pair in s.items()} for some in (EVERY_WORD, EVENT_RULES)
    )
    assert every == all_combined


# ---- the index of on_post ------------------------------------------------------------------------------------


def bytes_of_an_engine(rule: str | Mapping[str, Any], n: int, n_synapses: int) -> int:
    """What an engine allocates besides the network's own columns."""
    area = {"name": "A", "coord_ranges": {"x": [0, n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}
    sim = Simulation(BrainModel(config={"lattice_shape": [n, 1, 1, 1], "areas": [area]}), seed=1)
    sim.initialize_neurons(model="spike_source")
    sim.connect("A", "A", out_degree=n_synapses // n, weight={"uniform": [0.1, 0.2]}, rule=rule)
    layout = sim.model._store.layout()
    tracemalloc.start()
    try:
        engine = _core.Engine(layout, sim.dt, sim.seed)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert engine.step == 0
    return size


@every_rule
def test_index_costs_8_bytes_a_synapse_under_rules_with_on_post_alone(rule: dict[str, Any]) -> None:
    few, many = (bytes_of_an_engine(rule, 200, n) for n in (20_000, 400_000))
    a_synapse = (many - few) / 380_000
    assert a_synapse == pytest.approx(8.0 if RULES[rule["rule"]]["on_post"] else 0.0, abs=0.01)


# ---- changes of the network ----------------------------------------------------------------------------------


def learning(rule: Mapping[str, Any], **options: Any) -> Learning:
    """The oracle's view of a section."""
    about = RULES[rule["rule"]]["params"]
    params = {key: rule.get(key, entry["default"]) for key, entry in about.items()}
    common = {key: rule[key] for key in ("weight_min", "weight_max", "weight_decay") if key in rule}
    dependence = rule.get("weight_dependence", 0.0)
    return Learning(TWINS[rule["rule"]], params, **common, weight_dependence=dependence, **options)


def static_beside(sim: Simulation) -> None:
    sim.connect(
        [0, 3],
        [5, 7],
        probability=1.0,
        weight=0.5,
        rule="none",
        synapse_type="excitatory",
        name=f"beside {sim.current_step}",
    )


def plastic_beside(sim: Simulation) -> None:
    rule = {"rule": "stdp_nearest", "scheme": "reduced_symmetric"}
    sim.connect(
        [2, 0],
        [1, 7],
        probability=1.0,
        weight=0.5,
        rule=rule,
        synapse_type="excitatory",
        delay=9,
        name=f"beside {sim.current_step}",
    )


def one_synapse(sim: Simulation) -> None:
    sim.model.add_synapse(4, 5, weight=0.25)


def one_neuron(sim: Simulation) -> None:
    sim.model.add_neuron(len(sim.model.neurons), 0, 0, 0, model="spike_source")


def no_neuron(sim: Simulation) -> None:
    """One comes and goes: all rows are made anew."""
    sim.model.remove_neuron(sim.model.add_neuron(19, 0, 0, 0, model="spike_source").id)


def look_at_all(sim: Simulation) -> None:
    """Moves the weights of all projections into one block."""
    assert len(sim.model.synapses.weight) >= 60


CHANGES = [static_beside, plastic_beside, one_synapse, one_neuron, no_neuron, look_at_all]


def spare_sites(rule: Mapping[str, Any], seed: int = 3, n_steps: int = 160) -> Any:
    """The random network on a lattice with room for more neurons; a second projection waits for a block."""
    net = random_network({**WIDE, **rule}, seed, n_steps, n_sites=20)
    net.sim.connect([1], [2], probability=1.0, weight=0.5, rule="none", synapse_type="excitatory", name="Q")
    return net


def kept_of(sim: Simulation) -> list[bytes]:
    """What the engine keeps of the projection besides its synapses: traces of both sides, of the first neurons."""
    state = sim._session.prepared().state()
    own = state.get("events", {}).get("P", {})
    sources = [own["arrived"], *own["traces"].values()] if own else []
    targets = [trace[:12] for (name, _, _), (_, trace) in sorted(state["traces"].items()) if name == "P"]
    return [array.tobytes() for array in (*sources, *targets)]


@pytest.mark.parametrize("n_neurons", [8, PARTS + 100])
@pytest.mark.parametrize("delays", [[50_000, 7, 1], [3]], ids=["far apart", "one"])
def test_arrivals_are_looked_up_by_the_delays_that_there_are(n_neurons: int, delays: list[int]) -> None:
    """The cost of a step follows the delays of the synapses, not the range that the delays span."""
    sim = Simulation(seed=1)
    sources, targets = sim.create(n_neurons, "poisson"), sim.create(3, "poisson")
    pairs = [(int(sources.ids[-1 - k]), int(targets.ids[k])) for k in range(len(delays))]
    for rule in ("hebbian", "graupner_brunel"):
        sim.connect(sources, targets, pairs=pairs, weight=0.5, delay=delays, rule=rule, name=rule)
    sim.connect(sources[:9], targets, probability=1.0, weight=0.1, delay={"uniform": [20, 40]}, rule="none")
    keepers = sim._session.bound().keepers  # of the one; what other event rules have is made alike
    kept = keepers["graupner_brunel"]
    assert isinstance(kept, _core.EventKeeper)
    assert kept.delays.tolist() == delays


@every_rule
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_beside_the_projection_changes_none_of_its_bits(
    rule: dict[str, Any], change: Callable[[Simulation], None]
) -> None:
    """Traces, state and the index come through."""
    whole, changed = spare_sites(rule), spare_sites(rule)
    whole.sim.run(160)
    for part in (37, 41, 82):
        changed.sim.run(part)
        change(changed.sim)
    changed.sim.run(0)
    assert changed.sim.current_step == 160
    assert changed.weight.tobytes() == whole.weight.tobytes()
    assert kept_of(changed.sim) == kept_of(whole.sim)
    assert np.ptp(whole.weight) > 0.3


@every_rule
def test_synapses_of_a_removed_neuron_go_and_the_others_learn_on(rule: dict[str, Any]) -> None:
    whole, cut = spare_sites(rule), spare_sites(rule)
    whole.sim.run(160)
    cut.sim.run(70)
    cut.sim.model.remove_neuron(6)
    cut.sim.run(90)
    kept = [s.pre != 6 and s.post != 6 for s in whole.synapses]
    assert 30 < sum(kept) < 60
    assert cut.weight.tobytes() == whole.weight[kept].tobytes()


def put_column(net: Any, values: np.ndarray) -> None:
    net.sim.projections["P"].weight = values


def put_in_place(net: Any, values: np.ndarray) -> None:
    net.weight[:] = values


def put_in_block(net: Any, values: np.ndarray) -> None:
    block = net.sim.model.synapses.weight
    block[: len(values)] = values


def put_one_by_one(net: Any, values: np.ndarray) -> None:
    for synapse, value in zip(net.sim.model.synapses, values.tolist(), strict=False):
        synapse.weight = value


@every_rule
def test_weights_put_in_are_what_learning_goes_on_from(rule: dict[str, Any]) -> None:
    """By any way, to the same bits; and the changes are those of the twin, which do not depend on the weight."""
    start = np.linspace(-1.0, 1.0, 60, dtype=np.float32)
    ends = []
    for put in (put_column, put_in_place, put_in_block, put_one_by_one):
        net = spare_sites(rule)
        net.sim.run(70)
        put(net, start)
        assert net.weight.tobytes() == start.tobytes()
        net.sim.run(90)
        ends.append(net.weight.copy())
    assert all(end.tobytes() == ends[0].tobytes() for end in ends)
    oracle = learning({**WIDE, **rule}, exact=True)
    before, after = (np.array(learnt(net.synapses, net.spikes, n, oracle)[0]) for n in (70, 160))
    np.testing.assert_allclose(ends[0], start + (after - before), rtol=1e-6, atol=1e-5)
    assert np.abs(after - before).max() > 0.05


# ---- networks of all shapes ----------------------------------------------------------------------------------


@dataclass
class Shape:
    """A projection to be: rule, (source, target) of each synapse, delays, weights."""

    rule: dict[str, Any]
    pairs: list[tuple[int, int]]
    delay: int | list[int]
    weight: list[float]
    inhibitory: bool = False


@dataclass
class Plan:
    """A network to be. Neurons have numbers of their own; `spread` puts them into the parts of a large network."""

    n: int
    trains: dict[int, list[int]]
    shapes: list[Shape]
    n_steps: int
    dt: float = 1.0
    level: float | None = None
    spread: bool = False
    ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = PARTS if self.spread else self.n
        self.ids = [int(k) for k in np.linspace(0, size - 1, self.n)]

    def build(self, threads: int = 1) -> Simulation:
        size = PARTS if self.spread else self.n
        system = None
        if self.level is not None:
            system = create_neuromodulation_system({"dopamine": {"decay_rate": 0.0, "baseline": self.level}})
        model = BrainModel(config=config_of(size, self.dt))
        sim = Simulation(model, seed=1, neuromodulation=system, threads=threads)
        sim.initialize_neurons(model="spike_source")
        for k, shape in enumerate(self.shapes):
            pairs = np.array([(self.ids[a], self.ids[b]) for a, b in shape.pairs], int).reshape(-1, 2)
            kind = "inhibitory" if shape.inhibitory else "excitatory"
            sim.connect(
                self.ids, self.ids, pairs=pairs, weight=shape.weight, delay=shape.delay, rule=shape.rule,
                synapse_type=kind, name=f"P{k}", autapses=True,
            )  # fmt: skip
        firing = [i for i in self.trains if self.trains[i]]
        sim.set_spike_times(
            [self.ids[i] for i in firing], [[s * self.dt for s in self.trains[i]] for i in firing]
        )
        return sim

    def assert_like_twins(self, sim: Simulation, first: Mapping[str, np.ndarray]) -> None:
        """Weights end where those of the twins do, but for rounding: half an ulp of a float32 at each event."""
        number = {neuron: k for k, neuron in enumerate(self.ids)}
        spikes = {k: set(self.trains.get(k, ())) for k in range(self.n)}
        for k, shape in enumerate(self.shapes):
            p = sim.projections[f"P{k}"]
            columns = zip(p.pre_id, p.post_id, p.delay, first[p.name], strict=True)
            synapses = [Synapse(number[a], number[b], int(d), float(w)) for a, b, d, w in columns]
            factor = 1.0 if self.level is None else 2.0 * self.level
            oracle = learning(
                shape.rule,
                dt=self.dt,
                exact=True,
                inhibitory=shape.inhibitory,
                factor=lambda step, post, factor=factor: factor,
            )
            weights, largest = learnt(synapses, spikes, self.n_steps, oracle)
            events = [
                2 + sum(s <= self.n_steps for s in [*synapse.arrivals(spikes), *spikes[synapse.post]])
                for synapse in synapses
            ]
            allowed = np.array(events) * np.spacing(np.maximum(largest, 1.0).astype(np.float32))
            apart = np.abs(p.weight - np.array(weights))
            assert (apart <= allowed).all(), (shape, p.weight.tolist(), weights)


def first_weights(sim: Simulation) -> dict[str, np.ndarray]:
    return {name: np.array(p.weight) for name, p in sim.projections.items()}


def finished(sim: Simulation) -> list[bytes]:
    return [p.weight.tobytes() for p in sim.projections.values()]


def ran(
    plan: Plan, parts: list[int], threads: int, between: Callable[[Simulation], Simulation]
) -> list[bytes]:
    """What the weights are after some runs, with `between` after one of them; reading is done after each."""
    sim = plan.build(threads)
    for k, part in enumerate(parts):
        sim.run(part, progress=False)
        sim = between(sim) if between is read or k == len(parts) // 2 else sim
    assert sim.current_step == plan.n_steps
    return finished(sim)


def alone(sim: Simulation) -> Simulation:
    return sim


def read(sim: Simulation) -> Simulation:
    assert all(len(p.weight) == len(p) for p in sim.projections.values())
    return sim


def copied(sim: Simulation) -> Simulation:
    return sim.copy()


def saved(sim: Simulation) -> Simulation:
    return Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))


def replica(sim: Simulation) -> Simulation:
    runs = sim.replicas(2)
    return runs[0]


WAYS = [alone, read, copied, saved, replica]


def check(plan: Plan, cuts: list[list[int]], threads: tuple[int, ...] = (1,)) -> None:
    """One run against the twins, and against other ways of running it; more threads than parts are not used."""
    whole = plan.build()
    first = first_weights(whole)
    whole.run(plan.n_steps, progress=False)
    plan.assert_like_twins(whole, first)
    expected = finished(whole)
    for k, number in enumerate(threads):
        for j, parts in enumerate(cuts):
            way = WAYS[(k + j) % len(WAYS)]
            assert ran(plan, parts, number, way) == expected, (number, parts, way.__name__)


def each_way(n_steps: int) -> list[list[int]]:
    odd = [1, 2, 4, 7, 11]
    rest = n_steps - sum(odd)
    return [[n_steps], [1] * n_steps, [*odd, rest], [0, n_steps // 2, n_steps - n_steps // 2], [n_steps, 0]]


@pytest.mark.long
@every_rule
@pytest.mark.parametrize("spread", [False, True], ids=["one part", "four parts"])
def test_the_same_bits_by_any_way_of_running(rule: dict[str, Any], spread: bool) -> None:
    """Beside another event rule and a lazy one, over the same pairs, under dopamine."""
    rng = np.random.default_rng(11)
    pairs = [(int(a), int(b)) for a, b in rng.integers(0, 7, (40, 2))]
    delays, weights = rng.integers(1, 6, 40).tolist(), rng.uniform(0.2, 0.7, 40).tolist()
    trains = {k: (np.flatnonzero(rng.random(60) < 0.3) + 1).tolist() for k in range(7)}
    shapes = [
        Shape({**each, "weight_min": 0.1, "weight_max": 0.7, "learning_rate": 2.0}, pairs, delays, weights)
        for each in (rule, {"rule": "hebbian"}, {"rule": "stdp"})
    ]
    plan = Plan(7, trains, shapes, 60, level=0.7, spread=spread)
    check(plan, each_way(60), (1, 2, 3, 4, 6) if spread else (1,))


SMALL = {
    "one neuron onto itself": ([(0, 0)], [1]),
    "the same pair three times": ([(0, 1), (0, 1), (0, 1)], [1]),
    "three delays of one pair": ([(0, 1), (0, 1), (0, 1)], [1, 2, 3]),
    "rows without synapses": ([(0, 1), (4, 1)], [2]),
    "a delay longer than the run": ([(0, 1), (1, 0)], [25, 1]),
    "all delays longer than the run": ([(0, 1), (1, 0)], [25]),
    "no synapse": ([], [1]),
}


@every_rule
@pytest.mark.parametrize("spread", [False, True], ids=["one part", "four parts"])
@pytest.mark.parametrize("name", SMALL)
def test_small_networks(rule: dict[str, Any], name: str, spread: bool) -> None:
    pairs, delay = SMALL[name]
    trains = {0: [1, 2, 5, 9, 14], 1: [2, 3, 6, 14, 15], 4: [4, 13]}
    delays = delay[0] if len(delay) == 1 else delay
    shape = Shape({**WIDE, **rule}, pairs, delays, [0.5] * len(pairs))
    check(Plan(5, trains, [shape], 20, spread=spread), [[1] * 20, [3, 17]], (1, 3) if spread else (1,))


hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
st = hypothesis.strategies
BOUNDS = [WIDE, {"weight_min": 0.0, "weight_max": 1.0}, {"weight_min": 0.25, "weight_max": 0.5}]


@st.composite
def shapes(draw: Any, n: int, n_steps: int) -> Shape:
    rule = dict(draw(st.sampled_from(EVENT_RULES + LAZY_RULES)))
    rule |= draw(st.sampled_from(BOUNDS))
    if "learning_rate" in RULES[rule["rule"]]["params"]:
        rule["learning_rate"] = draw(st.sampled_from([0.5, 2.0]))
    rule["weight_decay"] = draw(st.sampled_from([0.0, 0.0, 0.125]))
    rule["weight_dependence"] = draw(st.sampled_from([0.0, 0.0, 1.0, 2.0]))
    neuron = st.integers(0, n - 1)
    pairs = draw(st.lists(st.tuples(neuron, neuron), max_size=8))
    size, steps = len(pairs), st.integers(1, n_steps + 5)
    delay = draw(steps | st.lists(steps, min_size=size, max_size=size)) if size else 1
    least = 32 if rule["weight_min"] == 0.25 else 16
    weight = draw(st.lists(st.integers(least, 64).map(lambda k: k / 128), min_size=size, max_size=size))
    return Shape(rule, pairs, delay, weight, draw(st.booleans()))


@st.composite
def plans(draw: Any, spread: bool) -> tuple[Plan, list[list[int]], tuple[int, ...]]:
    n, n_steps = draw(st.integers(1, 5)), draw(st.integers(1, 40))
    steps = st.lists(st.integers(1, n_steps), unique=True, max_size=n_steps)
    trains = {k: sorted(draw(steps)) for k in range(n)}
    several = draw(st.lists(shapes(n, n_steps), min_size=1, max_size=3))
    level = draw(st.sampled_from([None, 0.25, 0.8]))
    plan = Plan(n, trains, several, n_steps, draw(st.sampled_from([1.0, 0.5, 0.1])), level, spread)
    cuts = []
    for _ in range(3):
        inner = sorted(draw(st.lists(st.integers(0, n_steps), max_size=4)))
        cuts.append(np.diff([0, *inner, n_steps]).tolist())
    threads = st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=2, max_size=2, unique=True)
    return plan, cuts, tuple(draw(threads)) if spread else (1,)


@pytest.mark.long
@hypothesis.settings(max_examples=150, deadline=None, derandomize=True, database=None)
@hypothesis.given(plans(spread=False))
def test_any_small_network(drawn: tuple[Any, ...]) -> None:
    check(*drawn)


@pytest.mark.long
@hypothesis.settings(max_examples=25, deadline=None, derandomize=True, database=None)
@hypothesis.given(plans(spread=True))
def test_any_network_over_several_parts(drawn: tuple[Any, ...]) -> None:
    check(*drawn)


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": "stdp_nearest", "rounding": "nearest"},
        {"rule": "stdp", "rounding": "nearest", "homeostatic": {"every": 50.0, "tau": 200.0}},
    ],
    ids=["traces", "rates"],
)
def test_a_projection_made_later_shares_no_traces_and_rates_that_were_measured_before(
    rule: dict[str, Any],
) -> None:
    weights = []
    for with_earlier in (False, True):
        sim = Simulation(seed=2)
        pre, post = sim.create(20, "poisson", rate=20.0), sim.create(20, "poisson", rate=30.0)
        about: dict[str, Any] = {"all_to_all": True, "weight": 0.5, "rule": rule}
        if with_earlier:
            sim.connect(pre, post, name="earlier", **about)
        sim.run(ms=310)
        later = sim.connect(pre, post, name="later", **about)
        sim.run(ms=200)
        weights.append(later.weight.copy())
    np.testing.assert_array_equal(*weights)
    assert np.ptp(weights[0]) > 0.0
