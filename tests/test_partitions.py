"""Networks of several parts (from 4,096 neurons on): who is connected to whom, and what arrives, as plain NumPy says;
and networks that grow or shrink across the border."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, Simulation, _core

STEPS = 40
# The cells sum what arrives and never fire: v moves by the weights alone (they leak 4e-8 of it over 40 steps).
CELL = {"tau_m": 1e9, "v_rest": 0.0, "v_reset": -1.0, "v_threshold": 1e9}
STILL = {"rule": "stdp", "a_plus": 0.0, "a_minus": 0.0}  # takes the path of a pair rule, and changes nothing
STDP = {"rule": "stdp", "weight_min": -50.0, "weight_max": 50.0, "a_plus": 0.03, "a_minus": 0.05}


def line(sizes: list[int]) -> Simulation:
    """Areas A0, A1, ... of the given sizes along a line: sources and cells in turn. No neuron stands there yet."""
    first = np.concatenate([[0], np.cumsum(sizes)])
    areas = [
        {
            "name": f"A{k}",
            "coord_ranges": {
                "x": [int(first[k]), int(first[k + 1]) - 1],
                "y": [0, 0],
                "z": [0, 0],
                "w": [0, 0],
            },
            "model": "lif" if k % 2 else "spike_source",
            "params": CELL if k % 2 else {},
        }
        for k in range(len(sizes))
    ]
    config = {"lattice_shape": [int(first[-1]), 1, 1, 1], "areas": areas, "plasticity": {"rule": "none"}}
    return Simulation(BrainModel(config=config), seed=2)


def sources_of(sim: Simulation) -> np.ndarray:
    """Ids of all exact sources."""
    return np.array([n.id for a in sim.model._areas.names[::2] for n in sim.model.get_area_neurons(a)])


def spikes_of(ids: np.ndarray, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """(step, id) of spikes in every tenth step or so, of the given ids."""
    step, k = np.nonzero(np.random.default_rng(seed).random((STEPS, len(ids))) < 0.1)
    return step + 1, ids[k]


def arrived(sim: Simulation, step: np.ndarray, ids: np.ndarray, until: int) -> np.ndarray:
    """All that has reached each neuron in the steps up to `until`, mV, by id."""
    total = np.zeros(int(sim.model.neurons.id.max()) + 1)
    raster = np.zeros((until + 1, len(total)), bool)
    there = step <= until
    raster[step[there], ids[there]] = True
    for name in sim.projections:
        p = sim.projections[name]
        sign = -1.0 if p.synapse_type == "inhibitory" else 1.0
        weight = np.abs(p.weight) if sign < 0 else p.weight
        for delay in np.unique(p.delay):
            mine = p.delay == delay
            counts = raster[: until + 1 - int(delay)].sum(axis=0)
            np.add.at(total, p.post_id[mine], sign * weight[mine] * counts[p.pre_id[mine]])
    return total


KINDS: dict[str, dict[str, Any]] = {
    "constant": {"weight": 0.5, "delay": 1},
    "constant, late": {"weight": 0.25, "delay": 7},
    "inhibitory": {"weight": -0.3, "delay": 2, "synapse_type": "inhibitory"},
    "drawn": {"weight": {"normal": [0.5, 0.2], "low": 0.0}, "delay": {"uniform": [1, 9]}},
    "drawn, inhibitory": {
        "weight": {"uniform": [0.1, 0.9]},
        "delay": {"uniform": [2, 4]},
        "synapse_type": "inhibitory",
    },
    "pair rule": {"weight": {"uniform": [0.1, 0.9]}, "delay": {"uniform": [1, 6]}, "rule": STILL},
    "pair rule, one delay": {"weight": {"uniform": [0.1, 0.9]}, "delay": 3, "rule": STILL},
}


def wired(sim: Simulation) -> None:
    areas = list(sim.model._areas.names)
    for k, (name, how) in enumerate(KINDS.items()):
        degree = {"in_degree": 7} if k % 2 else {"out_degree": 5}
        sim.connect(areas[::2], areas, **degree, **({"rule": "none"} | how), name=name)


@pytest.mark.long
@pytest.mark.parametrize(
    ("sizes", "n_partitions"), [([300, 400], 1), ([700, 1300] * 3, 4), ([9000, 9000] * 2, 8)]
)
def test_what_arrives_is_what_numpy_adds_up(sizes: list[int], n_partitions: int) -> None:
    """Cells of all parts, from sources of all parts, over delays, signs, and both kinds of rules."""
    sim = line(sizes)
    ids = sim.initialize_neurons()
    assert _core.partitions(len(ids))[0] == n_partitions
    wired(sim)
    sources = sources_of(sim)
    step, fired = spikes_of(sources)
    sim.set_spike_times(fired, step.astype(float))
    is_cell = ~np.isin(ids, sources)
    for until in (1, 9, 20, STEPS):
        sim.run(until - sim.current_step)
        expected = arrived(sim, step, fired, until)
        np.testing.assert_allclose(
            sim.model.neurons.v_membrane[is_cell], expected[ids][is_cell], rtol=1e-6, atol=1e-6
        )
    assert (np.abs(expected[ids][is_cell]) > 1.0).mean() > 0.5


def test_who_is_connected_to_whom_is_what_was_asked_for() -> None:
    """Rows are kept by (part, delay, target); ends, delays and weights stay together."""
    sim = line([2500, 2500])
    ids = sim.initialize_neurons()
    rng = np.random.default_rng(1)
    pre, post = rng.choice(ids, 3000), rng.choice(ids, 3000)
    weight, delay = rng.random(3000).astype(np.float32), rng.integers(1, 8, 3000)
    pairs = np.stack([pre, post], axis=1)
    p = sim.connect(ids, ids, pairs=pairs, weight=weight, delay=delay, name="P", autapses=True)
    given = sorted(zip(pre.tolist(), post.tolist(), delay.tolist(), weight.tolist(), strict=True))
    columns = (p.pre_id, p.post_id, p.delay, p.weight)
    assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == given
    synapses = sim.model.synapses
    assert sorted((s.pre_id, s.post_id, s.delay, s.weight) for s in synapses) == given
    n_partitions, width = _core.partitions(len(ids))
    assert n_partitions == 4
    keys = np.stack([p._table.pre, p._table.post // width, p.delay, p._table.post])
    assert np.array_equal(np.lexsort(keys[::-1]), np.arange(3000))
    some = int(pre[0])
    mine = [(s.post_id, s.weight) for s in synapses if s.pre_id == some]
    found = sim.model.get_synapses_for_neuron(some, "pre")
    assert [(s.post_id, s.weight) for s in found] == mine and mine


# ---- growth and removal -----------------------------------------------------------------------------------------


def connected(sim: Simulation, ids: np.ndarray, rule: Any = STDP) -> tuple[np.ndarray, np.ndarray]:
    """1,500 synapses of each kind among the ids that are there, and spikes of the sources among them."""
    rng = np.random.default_rng(6)
    sources = np.intersect1d(sources_of(sim), ids)
    for name in ("static", "STDP", "equal"):
        pairs = np.stack([rng.choice(sources, 1500), rng.choice(ids, 1500)], axis=1)
        weight = 0.5 if name == "equal" else rng.uniform(0.2, 0.8, 1500)
        delay = 3 if name == "equal" else rng.integers(1, 7, 1500)
        sim.connect(
            sources,
            ids,
            pairs=pairs,
            weight=weight,
            delay=delay,
            rule=rule if name == "STDP" else "none",
            name=name,
            autapses=True,
        )
    step, fired = spikes_of(sources)
    sim.set_spike_times(fired, step.astype(float))
    return step, fired


def contents(sim: Simulation) -> dict[str, list[tuple[int, int, int, float]]]:
    return {
        name: sorted(
            zip(
                *(c.tolist() for c in (p.pre_id, p.post_id, p.delay, p.weight)),
                strict=True,
            )
        )
        for name in sim.projections
        for p in [sim.projections[name]]
    }


def test_growth_across_the_border_keeps_synapses_views_and_learning() -> None:
    """4,000 neurons, one part, become 5,000, four parts, between two steps; a network that had them from the start
    learns and receives the same, but for one rounding of the weights (2e-6 in 60 visits of weights below 4 mV)."""
    grown, ready = line([2000, 2000, 1000]), line([2000, 2000, 1000])
    old = grown.initialize_neurons(["A0", "A1"])
    ready.initialize_neurons()
    for sim in (grown, ready):
        connected(sim, old)
        sim.run(15)
    before, held = contents(grown), grown.model.synapses.weight
    views = {k: grown.model.synapses[k] for k in (0, 700, 1499, 1500, 2200, 3100, 4499)}
    ends = {k: (v.pre_id, v.post_id, v.delay, v.weight) for k, v in views.items()}
    assert _core.partitions(len(grown.model.neurons))[0] == 1
    grown.initialize_neurons(["A2"])
    assert _core.partitions(len(grown.model.neurons))[0] == _core.partitions(len(ready.model.neurons))[0] == 4
    grown.run(0)
    assert contents(grown) == before
    assert {k: (v.pre_id, v.post_id, v.delay, v.weight) for k, v in views.items()} == ends
    with pytest.raises(ValueError, match="read-only"):
        held += 0.1
    for sim in (grown, ready):
        sim.run(STEPS - 15)
    ours, theirs = contents(grown), contents(ready)
    assert ours["static"] == theirs["static"] and ours["equal"] == theirs["equal"]
    assert [s[:3] for s in ours["STDP"]] == [s[:3] for s in theirs["STDP"]]
    learnt = [np.array([s[3] for s in each["STDP"]]) for each in (ours, theirs, before)]
    np.testing.assert_allclose(learnt[0], learnt[1], rtol=0, atol=2e-6)
    assert np.abs(learnt[1] - learnt[2]).max() > 0.05
    np.testing.assert_allclose(
        grown.model.neurons.v_membrane, ready.model.neurons.v_membrane, rtol=1e-5, atol=1e-5
    )
    for k, view in views.items():
        view.weight = 0.125 * (1 + k % 8)
    for k, view in views.items():
        p = grown.projections[("static", "STDP", "equal")[k // 1500]]
        match = (p.pre_id == ends[k][0]) & (p.post_id == ends[k][1]) & (p.delay == ends[k][2])
        assert view.weight == 0.125 * (1 + k % 8) and view.weight in p.weight[match]


def test_to_and_fro_across_the_border() -> None:
    """4,096 neurons are four parts, 4,095 one: a neuron goes and another comes, twice, while spikes are under way."""
    sim = line([2048, 2048, 2])
    old = sim.initialize_neurons(["A0", "A1"])
    step, fired = connected(sim, old, STILL)
    lonely = int(next(i for i in old[::-1] if not sim.model.get_synapses_for_neuron(int(i))))
    new = lonely
    for k in range(2):
        before = contents(sim)
        assert _core.partitions(len(sim.model.neurons))[0] == 4
        sim.model.remove_neuron(new)
        assert _core.partitions(len(sim.model.neurons))[0] == 1
        assert contents(sim) == before
        sim.run(7)
        between = contents(sim)
        new = sim.model.add_neuron(4096 + k, 0, 0, 0, model="lif", params=CELL).id
        sim.run(0)
        assert contents(sim) == between
        sim.run(6)
    ids = sim.model.neurons.id
    cells = ~np.isin(ids, sources_of(sim))
    expected = arrived(sim, step, fired, 26)[ids]
    np.testing.assert_allclose(sim.model.neurons.v_membrane[cells], expected[cells], rtol=1e-6, atol=1e-6)
    assert (np.abs(expected[cells]) > 0.1).sum() > 500


def test_a_checkpoint_of_several_parts_goes_on_to_the_bit() -> None:
    sim = line([2500, 2500])
    connected(sim, sim.initialize_neurons())
    sim.run(17)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    for each in (sim, again):
        each.run(STEPS - 17)
    assert again.digest() == sim.digest()
    assert contents(again) == contents(sim)


def _traces(sim: Simulation, name: str) -> np.ndarray[Any, Any]:
    """Presynaptic trace now of each source (rows) in each partition from the first to the last that is reached."""
    traces = sim._session.bound().keepers[name].traces()
    return np.asarray(traces["trace_x"]).reshape(sim.projections[name]._table.n_rows, -1)


def test_a_source_keeps_its_trace_where_its_projection_comes_to_reach_another_partition() -> None:
    """No arrival is noted in partitions that a projection does not reach; its first synapse there knows the source's
    spikes all the same."""
    sim = Simulation(seed=1)
    sources = sim.create(100, "poisson", rate=50.0, name="sources")
    targets = sim.create(5000, "lif", name="targets")
    how: dict[str, Any] = {"rule": "stdp", "weight": 0.1, "synapse_type": "excitatory", "delay": 1}
    p = sim.connect(sources, targets[-50:], in_degree=10, name="p", **how)
    sim.run(200)
    saved = sim._session.bound().state()["pairs"]["p"]
    assert np.all(saved["since"].reshape(-1, 4)[:, :3] == 401)
    assert np.all(saved["trace_x"].reshape(-1, 4)[:, :3] == 0.0)
    before = _traces(sim, "p")[:, -1]
    assert before.max() > 1.0
    p.add([(int(sources.ids[0]), int(targets.ids[0]))], weight=0.1)
    after = _traces(sim, "p")
    assert np.array_equal(after, np.repeat(before[:, np.newaxis], 4, axis=1))
    digest = sim.digest()
    again = sim.copy()
    assert again.digest() == digest
    for each in (sim, again):
        each.run(100)
    assert again.digest() == sim.digest()
    assert np.array_equal(_traces(sim, "p")[0, :1], _traces(sim, "p")[0, 3:])
