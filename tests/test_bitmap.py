"""Dense projections of equal weights are delivered over bit-maps: what arrives is what NumPy adds up, and the bits are
those of the list, whoever has looked at the weights, for any number of threads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from test_partitions import arrived, line, sources_of

from neuromod import Simulation, threads

STEPS = 30
SIZES = [600, 900]
LARGE = [1500, 3500]  # four parts


def network(sizes: list[int] = SIZES, firing: float = 0.02, **how: Any) -> Simulation:
    """Sources and cells, A0 and A1, joined by one dense projection 'D'; a share of the sources fires in each step."""
    sim = line(sizes)
    sim.initialize_neurons()
    sim.connect(
        "A0",
        ["A0", "A1"],
        **({"probability": 0.1, "weight": 0.3, "delay": 3, "rule": "none"} | how),
        name="D",
    )
    schedule(sim, firing)
    return sim


def schedule(sim: Simulation, firing: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    sources = sources_of(sim)
    step, k = np.nonzero(np.random.default_rng(seed).random((STEPS, len(sources))) < firing)
    sim.set_spike_times(sources[k], step + 1.0)
    return step + 1, sources[k]


def has_bitmap(sim: Simulation, name: str = "D") -> bool:
    sim.step()
    bitmap = sim.projections[name]._table.bitmap
    return bitmap is not None and bool(bitmap.worth)


@pytest.mark.long
@pytest.mark.parametrize("sizes", [SIZES, LARGE])
@pytest.mark.parametrize("firing", [0.002, 0.02, 0.3])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"probability": 1.0, "autapses": True},
        {"probability": None, "in_degree": 150},
        {"probability": None, "out_degree": 400},
        {"weight": -0.3, "synapse_type": "inhibitory"},
    ],
    ids=["probability", "all", "in_degree", "out_degree", "inhibitory"],
)
def test_what_arrives_is_what_numpy_adds_up(how: dict[str, Any], firing: float, sizes: list[int]) -> None:
    """Few spikes, tens (one pass of rows), hundreds (several); with degrees, targets that a row meets twice."""
    sim = network(sizes, firing, **{k: v for k, v in how.items() if v is not None} | how)
    step, fired = schedule(sim, firing)
    sim.run(STEPS)
    bitmap = sim.projections["D"]._table.bitmap
    assert bitmap is not None and bitmap.worth
    cells = sim.model._areas.slots("A1")
    ids = sim.model.neurons.id[cells]
    expected = arrived(sim, step, fired, STEPS)[ids]
    np.testing.assert_allclose(sim.model.neurons.v_membrane[cells], expected, rtol=1e-6, atol=1e-6)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize(
    ("how", "bitmap"),
    [
        ({"probability": 0.06}, True),
        ({"probability": 0.02}, False),
        ({"delay": {"uniform": [1, 4]}}, False),
        ({"weight": {"uniform": [0.1, 0.2]}}, True),  # by its structure; it has no bits
        ({"rule": "hebbian"}, False),
        ({"rule": {"rule": "none", "short_term": {"U": 0.5, "tau_rec": 100.0, "tau_facil": 0.0}}}, False),
    ],
)
def test_which_projections_are_dense(how: dict[str, Any], bitmap: bool) -> None:
    assert has_bitmap(network(**how)) == bitmap


def test_a_row_that_meets_few_targets_often_goes_by_its_list() -> None:
    sim = line(SIZES)
    ids = sim.initialize_neurons()
    pairs = np.stack([np.repeat(ids[:10], 500), np.tile(ids[600:700], 50)], axis=1)
    sim.connect("A0", "A1", pairs=pairs, weight=0.1, delay=1, rule="none", name="D")
    assert not has_bitmap(sim)


def mixed(seen: bool = False, n_threads: int = 1) -> Simulation:
    """Three projections at one port, of which a released share of 1/3 cannot be added without rounding."""
    with threads(n_threads):
        sim = network(LARGE, 0.01, weight=0.1)
    released = {"rule": "none", "short_term": {"U": 1 / 3, "tau_rec": 50.0, "tau_facil": 20.0}}
    sim.connect("A0", "A1", in_degree=30, weight=0.7, delay=3, rule=released, name="S")
    sim.connect("A0", "A1", in_degree=150, weight=1e-7, delay=3, rule="none", name="D2")
    sim.connect("A0", "A1", in_degree=150, weight=3.7, delay=2, rule="none", name="D3")
    if seen:
        for name in ("D", "D2", "D3"):
            assert sim.projections[name].weight.flags.writeable
    return sim


def test_a_look_at_the_weights_changes_no_bit() -> None:
    plain, seen = mixed(), mixed(seen=True)
    plain.run(STEPS)
    seen.run(10)
    seen.run(STEPS - 10)
    assert plain.projections["D2"]._table.weights.is_equal and seen.projections["D2"]._table.weights.live
    assert plain.digest() == seen.digest()


def test_the_bits_are_the_same_for_any_threads_and_step_by_step() -> None:
    one, three, steps = mixed(), mixed(n_threads=3), mixed()
    one.run(STEPS)
    three.run(STEPS)
    for _ in range(STEPS):
        steps.step()
    assert one.digest() == three.digest() == steps.digest()


@pytest.mark.long
def test_a_saved_run_goes_on_with_the_same_bits() -> None:
    whole, begun = mixed(), mixed()
    whole.run(STEPS)
    begun.run(11)
    later = Simulation.from_dict(json.loads(json.dumps(begun.to_dict())))
    later.run(STEPS - 11)
    assert whole.digest() == later.digest()


def test_weights_that_were_written_act() -> None:
    sim = network()
    step, fired = schedule(sim, 0.02)
    sim.run(5)
    sim.projections["D"].weight[:] = 0.0
    sim.run(STEPS - 5)
    cells = sim.model._areas.slots("A1")
    before = (step <= 2).sum()
    assert before > 0
    sim.projections["D"].weight[:] = 0.3
    expected = arrived(sim, step, fired, 5)[sim.model.neurons.id[cells]]
    np.testing.assert_allclose(sim.model.neurons.v_membrane[cells], expected, rtol=1e-6, atol=1e-6)


def test_a_network_that_changes_has_bits_of_its_own() -> None:
    """A neuron goes, one comes: the map is made anew, and what arrives is still what NumPy says."""
    sim = network(firing=0.0)
    sim.run(3)
    old = sim.projections["D"]._table.bitmap
    sim.model.remove_neuron(int(sim.model.neurons.id[700]))
    sources = sources_of(sim)
    step, k = np.nonzero(np.random.default_rng(8).random((STEPS, len(sources))) < 0.05)
    sim.set_spike_times(sources[k], step + 4.0)
    sim.run(STEPS)
    assert sim.projections["D"]._table.bitmap is not old and sim.projections["D"]._table.bitmap is not None
    cells = sim.model._areas.slots("A1")
    expected = arrived(sim, step + 1, sources[k], STEPS)[sim.model.neurons.id[cells]]
    np.testing.assert_allclose(sim.model.neurons.v_membrane[cells], expected, rtol=1e-6, atol=1e-6)


def test_replicas_share_the_bits() -> None:
    sim = network()
    alone = network()
    alone.run(STEPS)
    group = sim.replicas(2, seeds=[2, 2])
    group.run(STEPS)
    assert [one.digest() for one in group] == [alone.digest()] * 2
    assert group[0].projections["D"]._table.bitmap is group[1].projections["D"]._table.bitmap
