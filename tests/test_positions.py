"""Positions of neurons without a lattice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, ConfigError, Simulation


@pytest.fixture
def sim() -> Simulation:
    return Simulation(dt=0.1, seed=1)


def test_lines_and_grids(sim: Simulation) -> None:
    assert sim.create(3, positions="line").positions.tolist() == [[0.0], [1.0], [2.0]]
    assert sim.create(3, positions={"line": 0.5}).positions.ravel().tolist() == [0.0, 0.5, 1.0]
    grid = sim.create(6, positions={"grid": [2, 3], "spacing": 2.0}).positions
    assert grid.tolist() == [[0, 0], [0, 2], [0, 4], [2, 0], [2, 2], [2, 4]]
    for n in (1, 2, 5, 9, 800):
        found = sim.create(n, positions="grid").positions
        assert len(np.unique(found, axis=0)) == n and found.max() < np.sqrt(n) + 1
    assert sim.create(3).positions is None


@pytest.mark.parametrize(("shape", "d"), [("disc", 2), ("sphere", 3)])
def test_discs_and_spheres_are_filled_evenly(sim: Simulation, shape: str, d: int) -> None:
    n = 20_000
    r = np.linalg.norm(sim.create(n, positions={shape: 5.0}).positions, axis=1) / 5.0
    assert r.max() <= 1.0
    # r**d is uniform: the largest distance from it, by Kolmogorov, is below 1.95 / sqrt(n) once in a thousand times
    assert np.abs(np.sort(r**d) - (np.arange(n) + 0.5) / n).max() < 1.95 / np.sqrt(n)
    centre = sim.populations["lif"].positions.mean(axis=0)
    assert np.abs(centre).max() < 4 * 5.0 / np.sqrt(n)


def test_positions_follow_the_seed() -> None:
    def at(seed: int, before: int) -> Any:
        sim = Simulation(seed=seed)
        sim.create(before, positions="disc", name="first")
        return sim.create(10, positions="disc").positions

    assert np.array_equal(at(1, 5), at(1, 5))
    assert not np.array_equal(at(1, 5), at(2, 5)) and not np.array_equal(at(1, 5), at(1, 6))


def test_positions_of_parts_sums_and_lattices(sim: Simulation) -> None:
    a, b = sim.create(4, positions="grid", name="a"), sim.create(3, positions=np.eye(3)[:, :2] + 9, name="b")
    line, none = sim.create(2, positions="line"), sim.create(2)
    assert (a + b)[3:5].positions.tolist() == [[1.0, 1.0], [10.0, 9.0]]
    assert b[::-1].positions.tolist() == b.positions[::-1].tolist()
    assert (a + line).positions is None and (a + none).positions is None
    lattice = Simulation(BrainModel("brain_base_model.json"), seed=1)
    ids = lattice.initialize_neurons(["V1_like"], density=0.001)
    found = lattice.populations["V1_like"].positions
    assert found.dtype == np.float64 and found.tolist() == [
        list(lattice.model.neurons[k].position()) for k in ids
    ]


def test_several_neurons_share_a_site_where_asked(sim: Simulation) -> None:
    with pytest.raises(
        ConfigError, match=r"positions: must differ unless share_sites is True; got \[0\.0, 0\.0\]"
    ):
        sim.create(8, positions={"grid": [2, 2]})
    shared = sim.create(8, positions={"grid": [2, 2]}, share_sites=True)
    assert np.array_equal(shared.positions[:4], shared.positions[4:])


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ("gird", "did you mean 'grid'"),
        ({"disc": -1.0}, r"positions\.disc: must be > 0; got -1"),
        ({"disc": 1.0, "line": 1.0}, "positions: must be"),
        ({"disc": 1.0, "spacing": 1.0}, r"positions\.spacing: is that of a grid"),
        ({"grid": [0, 2]}, r"positions\.grid: must be numbers of sites"),
        ({"grid": 2.5}, r"positions\.grid: must be whole numbers"),
        (np.zeros((2, 2)), r"positions: must be .* with n = 3; got shape \(2, 2\)"),
        ([0.0, np.nan, 1.0], "positions: must be finite; got nan"),
        (3j, "positions"),
        ({}, "positions: must be"),
    ],
)
def test_bad_positions_are_refused(sim: Simulation, positions: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sim.create(3, positions=positions)
    assert len(sim.model.neurons) == 0 and len(sim.populations) == 0
