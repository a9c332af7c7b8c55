"""Weights and traces over time: the samples are the state at their steps, and taking them changes no bit."""

from __future__ import annotations

import copy
import gc
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, Simulation, SpikeMonitor, SynapseMonitor, _core

RULES = ["none", *_core.plasticity_rules()]
N = 60


def network(rule: str = "stdp", n: int = N, threads: int = 1, delay: Any = 1) -> Simulation:
    """Driven neurons; the projection under test, of one type, and another in front of it."""
    line = {"x": [0, n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
    model = {"model": "adex_clopath"} if rule == "clopath" else {}
    area = {"name": "A", "coord_ranges": line, "drive": {"rate": 1000.0, "weight": 1.5}, **model}
    config = {"lattice_shape": [n + 50, 1, 1, 1], "areas": [area], "plasticity": {"rule": "stdp"}}
    sim = Simulation(BrainModel(config=config), seed=3, threads=threads)
    sim.initialize_neurons(["A"])
    kind = "inhibitory" if rule in ("istdp", "ristdp") else "excitatory"
    sim.connect("A", "A", in_degree=3, weight=0.2, rule="none", synapse_type="excitatory", name="first")
    about = {"weight": 0.5, "delay": delay, "synapse_type": kind, "name": "p"}
    sim.connect("A", "A", in_degree=5, rule=rule, **about)
    return sim


def variables(sim: Simulation) -> list[str]:
    return ["weight", *(name for name in sim.projections["p"]._table.state_columns if name != "last_event")]


def look(sim: Simulation, name: str) -> np.ndarray:
    p = sim.projections["p"]
    return p.weight.copy() if name == "weight" else p.state(name)


@pytest.mark.parametrize("delay", [1, {"uniform": [2, 9]}], ids=["1", "2 to 9"])
@pytest.mark.parametrize("rule", RULES)
def test_samples_are_the_state_at_their_steps_and_change_no_bit(rule: str, delay: Any) -> None:
    sim, alone, plain = (network(rule, delay=delay) for _ in range(3))
    of_all = {name: SynapseMonitor(sim, "p", name, every=7) for name in variables(sim)}
    some = {name: SynapseMonitor(sim, sim.projections["p"], name, [40, 3, 3], every=14) for name in of_all}
    sim.run(60)
    for _ in range(20):
        sim.step()
    sim.run(40)
    plain.run(120)
    assert sim.digest() == plain.digest()
    for k in range(17):
        alone.run(7)
        for name, monitor in of_all.items():
            assert np.array_equal(monitor.values[k], look(alone, name)), (name, k)
    assert of_all["weight"].time.tolist() == [7.0 * k for k in range(1, 18)]
    for name, monitor in some.items():  # each synapse is read by itself
        assert np.array_equal(monitor.values, of_all[name].values[1::2][:, [40, 3, 3]]), name
    if rule != "none":
        assert max(np.ptp(monitor.values, axis=0).max() for monitor in of_all.values()) > 0


@pytest.mark.parametrize("rule", ["stdp", "hebbian"])
def test_the_bits_are_those_of_any_number_of_threads(rule: str) -> None:
    found = []
    for threads, every in ((1, 1), (2, 1), (2, 40)):
        sim = network(rule, n=6000, threads=threads, delay={"uniform": [3, 6]})
        weights = SynapseMonitor(sim, "p", every=every)
        spikes = SpikeMonitor(sim)  # a block of it is full now and then
        sim.run(80)
        found.append((weights.values[40 // every - 1 :: 40 // every], spikes.step, sim.digest()))
    for other in found[1:]:
        assert all(map(np.array_equal, found[0][:2], other[:2])) and other[2] == found[0][2]


def test_replicas_are_recorded_each_for_itself() -> None:
    sim = network()
    group, alone = sim.replicas(3), sim.replicas(3)
    monitors = [SynapseMonitor(group[k], "p", every=4 + k) for k in (0, 2)]
    seen: list[int] = []
    group.run(40, progress=lambda done, *_: seen.append(done))
    for monitor, k in zip(monitors, (0, 2), strict=True):
        one, every = alone[k], 4 + k
        assert monitor.values.shape == (40 // every, N * 5)
        for row in monitor.values:
            one.run(every)
            assert np.array_equal(row, one.projections["p"].weight)
    alone[1].run(40)
    assert group[1].digest() == alone[1].digest()


@pytest.mark.parametrize("rule", ["none", "stdp", "hebbian"])
def test_synapses_keep_their_column_while_the_network_changes(rule: str) -> None:
    sim = network(rule)
    p = sim.projections["p"]
    monitor, tenth = SynapseMonitor(sim, p), SynapseMonitor(sim, "p", synapses=range(0, len(p), 10))
    pre, post = p.pre_id, p.post_id
    assert np.array_equal(monitor.pre_id, pre) and np.array_equal(monitor.post_id, post)
    p.weight[:] = 0.25 + np.arange(len(p)) / 1000.0  # each has a weight of its own
    sim.run(2)
    sim.model.add_synapse(0, 1, weight=0.3)
    sim.run(2)
    sim.model.remove_neuron(7)
    sim.run(1)
    sim.model.add_neuron(N, 0, 0, 0)
    sim.connect("A", "A", in_degree=2, weight=0.1, rule="none", synapse_type="excitatory")
    sim.model.remove_neuron(int(pre[100]))
    sim.run(5)
    values = monitor.values
    gone = np.isin(pre, [7, pre[100]]) | np.isin(post, [7, pre[100]])
    assert values.shape == (10, len(gone)) and 0 < gone.sum() < len(gone)
    assert np.array_equal(np.isnan(values[-1]), gone)
    assert not np.isnan(values[:4]).any()
    assert np.array_equal(np.sort(values[-1][~gone]), np.sort(p.weight))
    by_pair = {(int(i), int(j)): w for i, j, w in zip(p.pre_id, p.post_id, p.weight, strict=True)}
    for k in np.flatnonzero(~gone):
        twins = np.sum((pre == pre[k]) & (post == post[k]))
        assert twins > 1 or values[-1][k] == by_pair[int(pre[k]), int(post[k])]
    assert np.array_equal(tenth.values, values[:, ::10], equal_nan=True)


@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"]
)
def test_a_copy_goes_on_with_the_samples(way: Callable[[Any], Any]) -> None:
    sim = network("rstdp")
    monitor = SynapseMonitor(sim, "p", "eligibility", every=3)
    sim.run(20)
    sim.model.remove_neuron(5)
    sim.run(1)
    other, same = way((sim, monitor))
    for each in (sim, other):
        each.run(30)
    assert np.array_equal(monitor.values, same.values, equal_nan=True) and len(same.time) == 17
    assert np.array_equal(monitor.time, same.time)
    monitor.stop()
    sim.run(3)
    stopped = way((sim, monitor))[1]
    stopped._sim.run(3)
    assert len(stopped.time) == len(monitor.time) == 17


def test_the_case_of_one_pairing() -> None:
    line = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {
            "name": name,
            "model": "spike_source",
            "neuron_type": "excitatory",
            "coord_ranges": {"x": [x, x], **line},
        }
        for x, name in enumerate(("pre", "post"))
    ]
    sim = Simulation(BrainModel(config={"lattice_shape": [2, 1, 1, 1], "areas": areas}), seed=1)
    sim.set_spike_times(sim.initialize_neurons(), [[9.0], [15.0]])
    p = sim.connect("pre", "post", probability=1.0, weight=0.5, rule="stdp")
    monitor = SynapseMonitor(sim, p, every=5)
    assert monitor.values.shape == (0, 1)
    sim.run(40)
    assert np.allclose(monitor.values[:, 0], [0.5] * 2 + [0.5 + 0.01 * math.exp(-0.25)] * 6, atol=1e-6)


def test_progress_is_not_called_for_samples() -> None:
    sim, calls = network(), []
    SynapseMonitor(sim, "p", every=1)
    sim.run(20_000, progress=lambda done, *_: calls.append(done))
    assert 1 <= len(calls) < 4000


def test_made_and_stopped_in_a_callback() -> None:
    sim, alone, made = network(), network(), []
    plain = SynapseMonitor(alone, "p", every=5)

    def change(done: int, *_: object) -> None:
        if not made:
            made.append((done, SynapseMonitor(sim, "p", every=5)))
        elif len(made) == 1 and done > made[0][0] + 100:
            made.append((done, made[0][1].stop()))

    sim.run(20_000, progress=change)
    alone.run(20_000)
    (first, monitor), (last, _) = made
    assert monitor.time.tolist() == list(range((first // 5 + 1) * 5, last + 1, 5))
    assert np.array_equal(monitor.values, plain.values[first // 5 : last // 5])
    assert sim.digest() == alone.digest()


BAD: dict[str, tuple[type[Exception], str, Callable[[Simulation], Any]]] = {
    "variable": (ValueError, "variable", lambda s: SynapseMonitor(s, "p", "eligibility")),
    "type of variable": (ValueError, "variable", lambda s: SynapseMonitor(s, "p", 3)),  # type: ignore[arg-type]
    "name": (ValueError, "projection", lambda s: SynapseMonitor(s, "q")),
    "other": (ValueError, "projection", lambda s: SynapseMonitor(s, network().projections["p"])),
    "number": (ValueError, "projection", lambda s: SynapseMonitor(s, 3)),
    "every": (ValueError, "every", lambda s: SynapseMonitor(s, "p", every=0)),
    "far": (IndexError, "synapses", lambda s: SynapseMonitor(s, "p", synapses=[N * 5])),
    "negative": (IndexError, "synapses", lambda s: SynapseMonitor(s, "p", synapses=[-1])),
    "float": (TypeError, "synapses", lambda s: SynapseMonitor(s, "p", synapses=[0.5])),
    "matrix": (IndexError, "synapses", lambda s: SynapseMonitor(s, "p", synapses=[[1]])),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_arguments_are_named_and_nothing_is_recorded(kind: str) -> None:
    sim = network()
    before = sim.digest()
    error, where, make = BAD[kind]
    with pytest.raises(error, match=f"^{where}: must be .*got"):
        make(sim)
    assert sim.digest() == before and sim._session.bound().probes == []


def test_a_monitor_that_nobody_has_is_gone_at_once() -> None:
    """It held itself, so that files had monitors which nothing could reach, until Python collected them."""
    sim = Simulation(seed=1)
    sim.create(5, "lif", name="E", drive={"rate": 2000.0, "weight": 2.0})
    projection = sim.connect("E", "E", in_degree=2, weight=0.5, rule="stdp")
    gc.disable()
    try:
        monitor = SynapseMonitor(sim, projection)
        sim.run(3)
        del monitor
        assert sim.monitors == ()
    finally:
        gc.enable()
