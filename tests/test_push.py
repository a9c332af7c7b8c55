"""Projections of short segments are pushed into a ring of sums: what arrives, and that neither the way a run is cut,
nor threads, nor an early stop change a bit of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, Simulation, SpikeMonitor

STP = {"U": 0.4, "tau_rec": 30.0, "tau_facil": 10.0}
KINDS: dict[str, dict[str, Any]] = {
    "own weights": {"weight": {"uniform": [0.1, 0.9]}},
    "one weight": {"weight": 0.3},
    "inhibitory": {"weight": {"uniform": [0.1, 0.7]}, "synapse_type": "inhibitory"},
    "inhibitory, one weight": {"weight": -0.3, "synapse_type": "inhibitory"},
    "depressing": {"weight": {"normal": [0.5, 0.2], "low": 0}, "short_term": STP},
}


def build(
    kinds: list[str], n: int = 600, threads: int = 1, shortest: int = 1, rate: float = 60.0
) -> Simulation:
    """Poisson sources onto cells that sum what arrives (they leak 1e-9 of it a step) and never fire."""

    def area(name: str, model: str, first: int, params: dict[str, float]) -> dict[str, Any]:
        ranges = {"x": [first, first + n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
        return {"name": name, "coord_ranges": ranges, "model": model, "params": params}

    cell = {"tau_m": 1e9, "v_rest": 0.0, "v_reset": -1.0, "v_threshold": 1e9}
    areas = [area("S", "poisson", 0, {"rate": rate}), area("C", "lif", n, cell)]
    config = {"lattice_shape": [2 * n, 1, 1, 1], "areas": areas}
    sim = Simulation(BrainModel(config=config), seed=3, threads=threads)
    sim.initialize_neurons()
    for kind in kinds:
        how = {"in_degree": 40, "delay": {"uniform": [shortest, 37]}, "rule": "none"} | KINDS[kind]
        sim.connect("S", "C", name=kind, **how)
    return sim


def cells(sim: Simulation) -> np.ndarray:
    return sim.model.neurons.v_membrane[len(sim.model.neurons) // 2 :].copy()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "depressing"])
def test_what_arrives_is_what_numpy_adds_up(kind: str) -> None:
    sim = build([kind])
    spikes = SpikeMonitor(sim)
    p = sim.projections[kind]
    delay = p.delay.astype(int)
    sign = -1.0 if p.synapse_type == "inhibitory" else 1.0
    for until in (1, 5, 16, 17, 50, 133):
        sim.run(until - sim.current_step, progress=False)
        fired = np.zeros((until + 1, len(sim.model.neurons)))
        fired[spikes.step, spikes.id] = 1.0
        before = np.cumsum(fired, axis=0)
        arrived = np.where(delay < until, before[np.maximum(until - delay, 0), p.pre_id], 0.0)
        total = np.bincount(p.post_id, sign * np.abs(p.weight) * arrived, len(sim.model.neurons))
        np.testing.assert_allclose(cells(sim), total[len(total) // 2 :], rtol=1e-6, atol=1e-6)
    assert np.abs(total).max() > 5.0


@pytest.mark.long
@pytest.mark.parametrize("shortest", [1, 3])
@pytest.mark.parametrize(("n", "threads"), [(600, 1), (2300, 1), (2300, 3)])
def test_how_a_run_is_cut_changes_no_bit(n: int, threads: int, shortest: int) -> None:
    whole, cut, stepped = (build(list(KINDS), n, k, shortest) for k in (threads, threads, 1))
    whole.run(150, progress=False)
    for steps in (1, 2, 13, 16, 31, 40, 47):
        cut.run(steps, progress=False)
    for _ in range(150):
        stepped.step()
    assert np.ptp(cells(whole)) > 1.0
    assert whole.digest() == cut.digest() == stepped.digest()


@pytest.mark.long
def test_a_run_that_stops_early_leaves_nothing_behind() -> None:
    """Full recorders stop it, in the midst of blocks, some 30 times."""
    plain, recorded = (build(["own weights"], 600, rate=900.0) for _ in range(2))
    spikes = SpikeMonitor(recorded)
    for sim in (plain, recorded):
        sim.run(3000, progress=False)
    assert spikes.count > 20 * 32_768
    assert np.array_equal(cells(plain), cells(recorded))


def test_a_copy_goes_on_with_what_is_under_way() -> None:
    sim = build(list(KINDS))
    sim.run(43, progress=False)
    other = Simulation.from_dict(sim.to_dict())
    for one in (sim, other):
        one.run(40, progress=False)
    assert sim.digest() == other.digest()


def test_weights_act_as_they_are_at_arrival() -> None:
    """Halved while spikes are under way: what arrives later is half as much."""
    sims = [build(["own weights"]) for _ in range(2)]
    for sim in sims:
        sim.run(20, progress=False)
    early = cells(sims[0])
    sims[1].projections["own weights"].weight[:] *= 0.5
    for sim in sims:
        sim.run(60, progress=False)
    np.testing.assert_allclose(cells(sims[1]) - early, 0.5 * (cells(sims[0]) - early), rtol=1e-5, atol=1e-6)
