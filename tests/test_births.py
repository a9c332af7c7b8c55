"""A synapse transmits the spikes that its source fires after it was made: all rules, all ways of delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, ConfigError, Simulation, SpikeMonitor

LINE = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
N = 40
STRONG = 200.0  # mV: the target fires in the step of the arrival
BOUNDS = {"weight_min": 0.0, "weight_max": 1000.0}
SHORT = {"U": 0.5, "tau_rec": 100.0, "tau_facil": 10.0}
WAYS: dict[str, dict[str, Any]] = {
    "equal": {"rule": "none"},
    "array": {"rule": "none", "weight": {"uniform": [200.0, 201.0]}},
    "short_term": {"rule": "none", "short_term": SHORT},
    "lazy": {"rule": {"rule": "stdp", **BOUNDS}},
    "lazy, short_term": {"rule": {"rule": "stdp", **BOUNDS}, "short_term": SHORT},
    "eligibility": {"rule": {"rule": "rstdp", **BOUNDS}},
    "triplet": {"rule": {"rule": "triplet", **BOUNDS}},
    "hebbian": {"rule": {"rule": "hebbian", **BOUNDS}},
    "bcm": {"rule": {"rule": "bcm", **BOUNDS}},
}


def network(plasticity: Any = "none", n_targets: int = N) -> tuple[Simulation, np.ndarray, np.ndarray]:
    areas = [
        {
            "name": "s",
            "model": "spike_source",
            "neuron_type": "excitatory",
            "coord_ranges": {"x": [0, N - 1], **LINE},
        },
        {
            "name": "t",
            "model": "lif",
            "neuron_type": "excitatory",
            "params": {"refractory_period": 0.0},
            "coord_ranges": {"x": [N, N + n_targets - 1], **LINE},
        },
    ]
    rule = {"rule": plasticity} if isinstance(plasticity, str) else plasticity
    config = {"lattice_shape": [N + n_targets, 1, 1, 1], "areas": areas, "plasticity": rule}
    sim = Simulation(BrainModel(config=config), seed=1, threads=1)
    return sim, sim.initialize_neurons(["s"]), sim.initialize_neurons(["t"])


def fired(monitor: SpikeMonitor, ids: np.ndarray) -> set[tuple[int, int]]:
    mine = np.isin(monitor.id, ids)
    return set(zip(monitor.step[mine].tolist(), monitor.id[mine].tolist(), strict=True))


def expected(pairs: Any, delays: Any, trains: dict[int, list[int]], born: int) -> set[tuple[int, int]]:
    return {
        (f + int(d), int(post))
        for (pre, post), d in zip(pairs, np.broadcast_to(delays, len(pairs)), strict=True)
        for f in trains[int(pre)]
        if f > born
    }


def drive(sim: Simulation, sources: np.ndarray) -> dict[int, list[int]]:
    """Every source fires in a step of its own before 20, and much later again."""
    trains = {int(i): [2 + int(i) % 17, 60 + int(i) % 17] for i in sources}
    sim.set_spike_times(sources, [[float(t) for t in trains[int(i)]] for i in sources])
    return trains


@pytest.mark.parametrize("delay", [1, 30, {"uniform": [1, 30]}], ids=["1", "30", "1 to 30"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("later", ["run", "copy", "to_dict", "steps", "bound"])
def test_a_projection_made_while_spikes_are_under_way(way: str, delay: Any, later: str) -> None:
    sim, sources, targets = network()
    trains = drive(sim, sources)
    # an older one, so that the spikes are looked up at all
    sim.connect(sources, sources[:1], probability=1.0, weight=0.0, delay=30, rule="none", autapses=True)
    sim.run(12)
    kind = {"weight": STRONG, **WAYS[way]}
    new = sim.connect(
        sources, targets, probability=0.6, delay=delay, synapse_type="excitatory", name="new", **kind
    )
    sim.run(3)
    if later == "copy":
        sim = sim.copy()
    elif later == "to_dict":
        sim = Simulation.from_dict(sim.to_dict())
    elif later == "bound":  # bound anew while they are young
        sim.connect(sources[:1], targets[:1], probability=1.0, weight=0.0, delay=20, rule="none")
    monitor = SpikeMonitor(sim)
    if later == "steps":
        for _ in range(100):
            sim.step()
    else:
        sim.run(100)
    pairs = np.stack([new.pre_id, new.post_id], axis=1)
    right = {(t, i) for t, i in expected(pairs, new.delay, trains, 12) if t > 15}
    assert len(right) > 100
    assert fired(monitor, targets) == right


@pytest.mark.parametrize("way", WAYS)
def test_single_synapses_beside_older_ones_of_the_same_source_and_delay(way: str) -> None:
    plasticity = {**({"rule": "none"} if WAYS[way]["rule"] == "none" else WAYS[way]["rule"]), **BOUNDS}
    if "short_term" in WAYS[way]:
        plasticity["short_term"] = SHORT
    sim, sources, targets = network(plasticity)
    trains = drive(sim, sources)
    rng = np.random.default_rng(3)
    weights = rng.uniform(200.0, 201.0, N) if way == "array" else np.full(N, STRONG)
    monitor, right, made = SpikeMonitor(sim), set(), []
    for k, born in enumerate((0, 9, 14)):  # three generations on the same sources, with delays of 5 and 25
        pairs = [(int(sources[j]), int(targets[(3 * j + 13 * k) % N])) for j in range(0, N, 2)]
        delays = [5 if j % 4 else 25 for j in range(0, N, 2)]
        sim.run(born - sim.current_step)
        made += [
            (sim.model.add_synapse(*pair, weight=float(w), delay=d), w)
            for pair, d, w in zip(pairs, delays, weights[: len(pairs)], strict=True)
        ]
        right |= expected(pairs, delays, trains, born)
        if k == 2:
            clones = [sim.copy(), Simulation.from_dict(sim.to_dict())]
            views = [SpikeMonitor(clone) for clone in clones]
            untouched = [(s, s.weight) for s, _ in made[-len(pairs) :]]
    sim.run(15)  # to 29: nothing that the last generation transmits has arrived
    if way in ("equal", "array", "eligibility"):
        assert [s.weight for s, _ in untouched] == [w for _, w in untouched]
    sim.run(91)
    assert fired(monitor, targets) == right
    for clone, view in zip(clones, views, strict=True):
        clone.run(15)
        clone.run(91)
        assert clone.digest() == sim.digest()
        assert fired(view, targets) == {(t, i) for t, i in right if t > 14}


def test_a_lazy_synapse_learns_from_no_spike_before_it() -> None:
    def learnt(born: int) -> float:
        sim, sources, _ = network({"rule": "stdp", "weight_max": 10.0})
        sim.set_spike_times(sources[:2], [[3.0, 50.0], [14.0, 60.0]])
        old = sim.model.add_synapse(int(sources[0]), int(sources[1]), weight=1.0, delay=10)
        sim.run(born)
        # of a delay of its own: synapses of one source and delay share the trace of the source's spikes
        new = sim.model.add_synapse(int(sources[0]), int(sources[1]), weight=1.0, delay=9)
        sim.run(40)
        assert old.weight > 1.0
        return float(new.weight)

    assert learnt(0) > 1.0
    assert learnt(5) == 1.0  # the spike of step 3, which arrives at 12, before the target's at 14


@pytest.mark.parametrize("n_targets", [40, 6000], ids=["one part", "parts"])
@pytest.mark.parametrize("delay", [20, {"uniform": [18, 22]}], ids=["bitmap", "push"])
def test_bits_do_not_depend_on_when_the_network_is_bound_again(n_targets: int, delay: Any) -> None:
    def run(change: Callable[[Simulation], Any] | None, threads: int) -> np.ndarray:
        sim, sources, targets = network(n_targets=n_targets)
        sim._session.threads = threads
        sim.model.neurons.v_threshold[:] = 1e6
        drive(sim, sources)
        sim.connect(sources, targets, probability=0.5, weight=0.1, delay=delay, rule="none")
        sim.run(9)
        sim.connect(
            sources, targets, probability=0.5, weight=0.3, delay=delay, rule="none", synapse_type="excitatory"
        )
        for _ in range(10):
            sim.run(9)
            if change is not None:
                change(sim)
        return sim.model.neurons.v_membrane[N:].copy()

    plain = run(None, 1)
    assert np.ptp(plain) > 0
    assert np.array_equal(plain, run(lambda s: s._session._engine.bind(s.model._store.layout()), 2))


def test_without_young_synapses_nothing_is_kept() -> None:
    sim, sources, targets = network({"rule": "stdp"})
    drive(sim, sources)
    for k in range(20):
        sim.model.add_synapse(int(sources[k]), int(targets[k]), delay=5)
        sim.run(3)
    state = sim._session.state()["engine"]
    assert set(state["born"]) == {"synapses"}
    assert np.count_nonzero(state["born"]["synapses"]) <= 3  # those made within 5 steps
    sim.run(10)
    assert "born" not in sim._session.state()["engine"]
    sim.connect("s", "t", probability=0.1, weight=1.0, rule="none")
    sim.run(1)
    assert len(sim._session.bound()._births_with(sim.model._store.layout())) <= 2


BAD_BIRTHS: dict[str, Any] = {
    "other": {"no such": 3},
    "negative": {"synapses": -1},
    "later": {"synapses": 99},
    "text": {"synapses": "3"},
    "short": {"synapses": {"dtype": "<i8", "shape": [1], "values": [3]}},
    "far": {"synapses": {"dtype": "<i8", "shape": [3], "values": [3, 3, 99]}},
    "type": {"synapses": {"dtype": "<i4", "shape": [3], "values": [3, 3, 3]}},
    "no mapping": [3],
}


@pytest.mark.parametrize("kind", BAD_BIRTHS)
def test_births_that_no_simulation_can_have_are_refused(kind: str) -> None:
    sim, sources, targets = network({"rule": "stdp"})
    sim.run(4)
    for k in range(3):
        sim.model.add_synapse(int(sources[k]), int(targets[k]), delay=20)
        sim.run(1)
    state = sim.to_dict()
    for part in (state, state["model"], state["simulation"]["neuromodulation"] or {}):
        part.pop("sha256", None)
        part.pop("version", None)
    assert Simulation.from_dict(state).digest() == sim.digest()
    assert set(state["simulation"]["engine"]["born"]) == {"synapses"}
    state["simulation"]["engine"]["born"] = BAD_BIRTHS[kind]
    with pytest.raises(ConfigError, match=r"^state\.simulation\.engine\.born"):
        Simulation.from_dict(state)


@pytest.mark.parametrize("way", ["load", "copy", "restore"])
def test_old_synapses_beside_young_ones_after_a_state_was_taken_up(way: str) -> None:
    """Within the first `delay` steps the old ones counted as made in step -1: another digest, and a state that was
    refused when it was read."""
    sims = [network()[0] for _ in range(2)]
    for sim in sims:
        sim.connect("s", "t", in_degree=2, weight=STRONG, delay=30, name="W")
    if way == "load":
        sims[1] = Simulation.from_dict(sims[1].to_dict())
    elif way == "copy":
        sims[1] = sims[1].copy()
    else:
        sims[1].store()
        sims[1].run(3)
        sims[1].restore()
    for sim in sims:
        sim.run(5)
        sim.projections["W"].add([[0, N]], weight=STRONG, delay=30)
        sim.run(5)
    assert sims[0].digest() == sims[1].digest() == Simulation.from_dict(sims[1].to_dict()).digest()


def test_a_later_synapse_with_a_long_delay_makes_no_older_one_young() -> None:
    """The state said of an older synapse that spikes were under way, by the delay of the new one; a copy did not."""
    sim = Simulation(seed=1, dt=1.0)
    cells = sim.create(5, "lif", drive={"rate": 2000.0, "weight": 2.0})
    sim.run(5, progress=False)
    sim.model.add_synapse(int(cells.id[0]), int(cells.id[1]), 0.3, 3, "excitatory")
    sim.run(1, progress=False)
    twin = sim.copy()
    for each in (sim, twin):
        each.run(10, progress=False)
        each.model.add_synapse(int(cells.id[2]), int(cells.id[1]), 0.3, 40, "excitatory")
        each.run(5, progress=False)
    assert sim.digest() == twin.digest()
    assert sim._session.bound().state()["born"]["synapses"].tolist() == [0, 16]


def test_a_young_synapse_of_a_joined_projection_is_young_after_two_copies() -> None:
    """Its delay was taken for the least of the projection: a copy forgot that it was young, and a copy of that one
    transmitted spikes of before."""
    sim, sources, targets = network()
    for name, first in {"W": 0, "V": 5}.items():
        pairs = np.column_stack([sources[:3], targets[first : first + 3]])
        sim.connect("s", "t", pairs=pairs, weight=STRONG, delay=[1, 40, 1], name=name)
    sim.set_spike_times(sources[:1], [[8.0, 12.0]])
    sim.run(10, progress=False)
    sim.projections["W"].add([[int(sources[0]), int(targets[9])]], weight=STRONG, delay=40)
    sim.run(5, progress=False)
    sims = [sim]
    for _ in range(3):
        sims.append(sims[-1].copy())
    assert len({each.digest() for each in sims}) == 1
    assert sims[1].projections["W"]._table.joined is not None
    for each in sims:
        monitor = SpikeMonitor(each)
        each.run(60, progress=False)
        assert fired(monitor, targets[9:10]) == {(52, int(targets[9]))}
