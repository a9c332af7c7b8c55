"""Plastic rows have places for those parts of a network alone that their synapses lead to (from 4,096 neurons on)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import Simulation
from neuromod.modulation.system import create_neuromodulation_system

N = 4_600  # four parts of 1,152 and fewer
PARTS = {"first": (0,), "last": (3,), "inner": (1, 2), "with a gap": (0, 2), "all": (0, 1, 2, 3)}
RULES: dict[str, Any] = {
    "rstdp": {"rule": "rstdp"},
    "stdp": {"rule": "stdp"},
    "scaled": {"rule": {"rule": "stdp", "homeostatic": {"every": 40, "target_rate": 20.0}}},
    "triplet": {"rule": "triplet"},
    "short-term": {"rule": "rstdp", "short_term": True},
}


def pairs_onto(parts: tuple[int, ...]) -> np.ndarray:
    """300 sources, each with four targets in each of the parts."""
    rng = np.random.default_rng(len(parts))
    width = 1_152
    targets = [part * width + rng.choice(min(width, N - part * width), (300, 4)) for part in parts]
    sources = np.repeat(np.arange(300) + 2_000, 4)
    found = [np.stack([sources, each.ravel()], axis=1) for each in targets]
    return np.unique(np.concatenate(found), axis=0)


def network(pairs: np.ndarray, further: np.ndarray, rule: dict[str, Any], threads: int = 1) -> Simulation:
    """Neurons that fire by chance, and one projection: synapses, and further ones of weight 0."""
    system = create_neuromodulation_system()
    sim = Simulation(seed=5, neuromodulation=system, dt=1.0, threads=threads)
    sim.create(N, "poisson", rate=30.0, name="N")
    both = np.concatenate([pairs, further])
    weights = np.concatenate([np.full(len(pairs), 0.5), np.zeros(len(further))])
    order = np.lexsort((both[:, 1], both[:, 0]))
    sim.connect(
        "N",
        "N",
        pairs=both[order],
        autapses=True,
        weight=weights[order],
        delay=3,
        synapse_type="excitatory",
        name="P",
        **rule,
    )
    return sim


def weights_of(sim: Simulation, pairs: np.ndarray) -> np.ndarray:
    """Weights of those synapses."""
    p = sim.projections["P"]
    of = {(int(a), int(b)): float(w) for a, b, w in zip(p.pre_id, p.post_id, p.weight, strict=True)}
    return np.array([of[int(a), int(b)] for a, b in pairs])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("parts", PARTS)
def test_synapses_elsewhere_change_no_bit(parts: str, rule: str, tmp_path: Path) -> None:
    """A synapse from each source onto each part widens the rows; read, written, saved and resumed alike."""
    pairs = pairs_onto(PARTS[parts])
    sources = np.array([2_000, 2_299])
    everywhere = [(a, b) for a in sources for b in (1_151, 2_303, 3_455, 4_599)]
    there = set(map(tuple, pairs.tolist()))
    further = np.array([pair for pair in everywhere if pair not in there])
    narrow, wide = (network(pairs, more, RULES[rule]) for more in (further[:0], further))
    for sim in (narrow, wide):
        sim.neuromodulation.process_reward(1.0)  # type: ignore[union-attr]
        sim.run(150, progress=False)
    assert np.array_equal(weights_of(narrow, pairs), weights_of(wide, pairs))
    assert len(np.unique(weights_of(narrow, pairs))) > 100  # they learn
    a, b = (int(k) for k in pairs[7])
    for sim in (narrow, wide):
        p = sim.projections["P"]
        weight = np.array(p.weight)
        weight[np.flatnonzero((p.pre_id == a) & (p.post_id == b))] = 0.25
        p.weight = weight
    narrow.save(tmp_path / "n.nm")
    resumed = Simulation.load(tmp_path / "n.nm")
    copied = narrow.copy()
    for sim in (narrow, wide, resumed, copied):
        sim.run(150, progress=False)
    assert narrow.digest() == resumed.digest() == copied.digest()
    assert np.array_equal(weights_of(narrow, pairs), weights_of(wide, pairs))


def test_what_a_part_of_a_row_keeps_is_saved_for_the_whole_row() -> None:
    """Files say of every place what its synapses were last brought to, as they did before."""
    sim = network(pairs_onto((3,)), np.empty((0, 2), int), RULES["rstdp"])
    sim.run(60, progress=False)
    engine = sim._session.prepared()
    state = engine.state()
    since = state["pairs"]["P"]["since"]
    assert since.shape == (300 * 4,)
    elsewhere = since.reshape(300, 4)[:, :3]
    assert np.all(elsewhere == 2 * 60 + 1)
    engine.set_state(state)
    assert np.array_equal(engine.state()["pairs"]["P"]["since"], since)
