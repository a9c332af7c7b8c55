"""Diffusion between regions: the closed forms of a point release, what it conserves, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, NeuromodulationSystem, Simulation
from neuromod.neuromodulation import lattice_neighbours


def lattice(
    shape: tuple[int, ...], tau: float, coefficient: float, spacing: float = 1.0
) -> NeuromodulationSystem:
    """A lattice of regions at level 0, in which dopamine decays with `tau` (ms) and spreads."""
    system = NeuromodulationSystem([f"r{k}" for k in range(math.prod(shape))])
    system.dopamine.state.tonic = 0.0
    system.dopamine.state.level = 0.0
    system.dopamine.state.tau = tau
    system.set_diffusion("dopamine", coefficient, lattice_neighbours(shape), spacing)
    return system


def steady(system: NeuromodulationSystem, source: int, amount: float, n_steps: int, dt: float) -> np.ndarray:
    """Levels after a release of `amount` into one region at each step's end, long enough to settle."""
    for _ in range(n_steps):
        system.step(dt)
        system.dopamine.release(amount, region=f"r{source}")
    return system.level[:, 0].copy()


@pytest.mark.long
@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_a_point_release_in_one_dimension_falls_off_exponentially(spacing: float) -> None:
    """lambda = sqrt(D / k) is ten regions; on a lattice it is 1 / arccosh(1 + (spacing / lambda)^2 / 2), 0.04 % off.
    The ends, 10 lambda away, turn back e^-20 of it."""
    n, dt, k = 201, 0.05, 0.02
    coefficient = k * (10.0 * spacing) ** 2
    level = steady(lattice((n,), 1.0 / k, coefficient, spacing), n // 2, 1e-4, 20_000, dt)
    distance = np.abs(np.arange(n) - n // 2)
    near = distance <= 40  # four lambda
    slope = np.polyfit(distance[near & (distance > 0)], np.log(level[near & (distance > 0)]), 1)[0]
    assert slope == pytest.approx(-math.acosh(1.0 + 1.0 / (2.0 * 100.0)), rel=1e-5)
    assert slope == pytest.approx(-1.0 / 10.0, rel=1e-3)


@pytest.mark.long
def test_a_point_release_in_three_dimensions_falls_off_as_exp_over_r() -> None:
    """lambda is 3 regions. Where the lattice is seen least, along the diagonal of the plane, and away from source and
    walls the profile exp(-r / lambda) / r holds to 4 %: the lattice's error is of order (spacing / r)^2 / 8."""
    n, dt, k = 25, 0.5, 0.02
    level = steady(lattice((n, n, n), 1.0 / k, k * 9.0), (n**3) // 2, 1e-3, 600, dt).reshape(n, n, n)
    c = n // 2
    at = [3, 4, 5]
    r = np.array([math.hypot(x, x) for x in at])
    found = np.array([level[c + x, c + x, c] for x in at])
    expected = np.exp(-r / 3.0) / r
    np.testing.assert_allclose(found / found[0], expected / expected[0], rtol=0.04)


@pytest.mark.parametrize("coefficient", [0.0, 0.3, 3.0])
def test_the_sum_is_release_over_decay_whatever_the_coefficient(coefficient: float) -> None:
    """A release at each step's end is seen after it, so the sum is amount / (1 - exp(-k dt)) right then."""
    dt, k, amount = 0.5, 0.05, 2e-3
    level = steady(lattice((31,), 1.0 / k, coefficient), 15, amount, 1_500, dt)
    assert level.sum() == pytest.approx(amount / (1.0 - math.exp(-k * dt)), rel=1e-12)
    assert level.sum() == pytest.approx(amount / dt / k, rel=0.5 * k * dt * 1.05)


def test_flow_keeps_the_sum_and_evens_out() -> None:
    system = lattice((5, 4), 1e16, 0.4)
    system.level[:, 0] = np.random.default_rng(1).random(20)
    before = system.level[:, 0].sum()
    for _ in range(2_000):
        system.step(1.0)
    assert system.level[:, 0].sum() == pytest.approx(before, rel=1e-12)
    assert np.ptp(system.level[:, 0]) < 1e-9
    assert np.all(system.level[:, 1] == 0.5)  # serotonin was not told to spread


def test_large_steps_stay_stable() -> None:
    """Ten times beyond the limit of one forward step, which would swing; n_substeps keep it a mean of neighbours."""
    system = lattice((9,), 1e16, 10.0)
    system.level[4, 0] = 1.0
    for _ in range(5):
        system.step(1.0)
        assert np.all(np.diff(system.level[:5, 0]) >= -1e-15)
        assert np.all(np.diff(system.level[4:, 0]) <= 1e-15)


def test_it_acts_in_a_simulation_and_survives_saving() -> None:
    areas = [
        {
            "name": f"A{k}",
            "region": f"r{k}",
            "coord_ranges": {"x": [k, k], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
        }
        for k in range(4)
    ]
    config: dict[str, Any] = {"lattice_shape": [4, 1, 1, 1], "areas": areas, "plasticity": {"rule": "none"}}
    system = lattice((4,), 100.0, 0.2)
    sim = Simulation(BrainModel(config=config), seed=1, neuromodulation=system)
    sim.initialize_neurons()
    twin = lattice((4,), 100.0, 0.2)
    for one in (system, twin):
        one.dopamine.release(0.8, region="r0")
    sim.run(30)
    for _ in range(30):
        twin.step(1.0)
    assert system.level[:, 0].tolist() == twin.level[:, 0].tolist()
    again = Simulation.from_dict(sim.to_dict())
    sim.run(20)
    again.run(20)
    assert again.digest() == sim.digest()
    assert again.neuromodulation is not None
    assert again.neuromodulation.level[3, 0] > 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("histamine", 0.1, [[0, 1]]), "histamine"),
        (("dopamine", -0.1, [[0, 1]]), r"^coefficient: must be >= 0; got -0.1$"),
        (("dopamine", float("nan"), [[0, 1]]), r"^coefficient: must be >= 0; got nan$"),
        (("dopamine", 0.1, [[0, 1]], 0.0), r"^spacing: must be > 0; got 0.0$"),
        (
            ("dopamine", 0.1, [0, 1]),
            r"^neighbours: must be pairs of regions, of shape \(n, 2\); got shape \(2,\)$",
        ),
        (("dopamine", 0.1, [[0, 3]]), r"^neighbours: must be from 0 to 2; got 3$"),
        (("dopamine", 0.1, [[1, 1]]), r"^neighbours: must be two different regions"),
        (("dopamine", 0.1, [["a", "d"]]), r"^neighbours: must be regions of the system; got 'd'$"),
    ],
)
def test_bad_arguments_are_refused_and_change_nothing(arguments: tuple[Any, ...], message: str) -> None:
    system = NeuromodulationSystem(["a", "b", "c"])
    system.set_diffusion("dopamine", 0.25, [("a", "b")])
    before = system.to_dict()
    with pytest.raises(ValueError, match=message):
        system.set_diffusion(*arguments)
    assert system.to_dict() == before
