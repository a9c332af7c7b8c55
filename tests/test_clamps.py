"""Levels that are clamped: nothing moves them, and they are part of the state."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from neuromod import (
    ConfigError,
    LevelMonitor,
    NeuromodulationSystem,
    Simulation,
    create_neuromodulation_system,
)


def modulated(**how: Any) -> Simulation:
    """A driven network whose spikes release dopamine."""
    system = create_neuromodulation_system({"dopamine": {"tau": 50.0}, **how}, regions=["left", "right"])
    sim = Simulation(seed=1, neuromodulation=system)
    cells = sim.create(40, name="cells", region="left", drive={"rate": 1500.0, "weight": 1.5})
    system.add_release("dopamine", ["cells"], 0.01)
    sim.connect(cells, cells, in_degree=5, weight=0.3, rule="rstdp", name="p")
    return sim


def test_nothing_moves_a_level_that_is_clamped() -> None:
    sim = modulated()
    system = sim.neuromodulation
    assert system is not None
    system.set_diffusion("dopamine", 0.05, [(0, 1)])
    free = Simulation.from_dict(sim.to_dict())
    system.clamp(dopamine=0.3, region="right")
    system.clamp(serotonin=0.7)
    levels = LevelMonitor(sim)
    for each in (sim, free):
        each.run(20)
        each.neuromodulation.process_reward(1.0)
        each.neuromodulation.process_punishment(1.0)
        each.neuromodulation.dopamine.release(0.2)
        each.run(40)
    assert np.all(levels.values[:, 1, 0] == 0.3) and np.all(levels.values[:, :, 1] == 0.7)
    assert free.neuromodulation.dopamine.state.level.max() > 0.6
    assert np.ptp(levels.values[:, 0, 0]) > 0.05  # the other region is free
    assert np.isnan(system.clamped["dopamine"][0]) and system.clamped["dopamine"][1] == 0.3
    with pytest.raises(ValueError, match=r"serotonin.state.level: is clamped; clamp\(serotonin=None\)"):
        system.serotonin.state.level = 0.5
    system.level[:, 1] = 0.1  # an array is written without a word; the next step undoes it
    sim.run(1)
    assert np.all(system.level[:, 1] == 0.7)
    system.reset()
    assert np.all(system.level[:, 1] == 0.7) and system.level[1, 0] == 0.3


def test_a_clamped_region_is_a_source_that_does_not_run_dry() -> None:
    system = NeuromodulationSystem([str(k) for k in range(6)])
    system.dopamine.state.tonic = 0.0
    system.dopamine.state.tau = 100.0
    system.dopamine.state.level = 0.0
    system.set_diffusion("dopamine", 0.2, [(k, k + 1) for k in range(5)])
    system.clamp(dopamine=0.8, region="0")
    for _ in range(3000):
        system.step()
    steady = system.level[:, 0]
    matrix = np.diag(np.full(5, 0.01)) + 0.2 * (np.diag([2.0] * 4 + [1.0]) - np.eye(5, k=1) - np.eye(5, k=-1))
    expected = np.linalg.solve(matrix, [0.2 * 0.8, 0, 0, 0, 0])
    assert steady[0] == 0.8
    np.testing.assert_allclose(steady[1:], expected, rtol=1e-9)


def test_learning_sees_a_level_that_stands_still_within_a_step() -> None:
    """A level with a tau decays within a step; a clamped one does not, so that its signal is that of the level."""
    system = create_neuromodulation_system({"dopamine": {"tau": 2.0}})
    system.clamp(dopamine=0.9)
    held = system._levels.signal(0, 1.0, 1.0, 1e12)
    other = create_neuromodulation_system({"dopamine": {"decay_rate": 0.0}})
    other.dopamine.state.level = 0.9
    assert held == other._levels.signal(0, 1.0, 1.0, 1e12)


def test_clamps_are_state() -> None:
    sim = modulated()
    before = sim.digest()
    sim.neuromodulation.clamp(dopamine=0.5)
    assert sim.digest() != before
    sim.run(30)
    others = [
        sim.copy(),
        Simulation.from_dict(sim.to_dict()),
        pickle.loads(pickle.dumps(sim)),
        copy.deepcopy(sim),
    ]
    sim.store("here")
    sim.run(20)
    for other in others:
        assert set(other.neuromodulation.clamped) == {"dopamine"}
        other.run(20)
        assert other.digest() == sim.digest()
    whole = sim.digest()
    sim.neuromodulation.clamp(dopamine=None)
    sim.run(20)
    sim.restore("here")
    sim.run(20)
    assert sim.digest() == whole
    sim.reset(weights=True)
    assert sim.neuromodulation.dopamine.state.level.tolist() == [0.5, 0.5] and sim.neuromodulation.clamped
    sim.neuromodulation.clamp(dopamine=None)
    sim.reset(weights=True)
    assert sim.digest() == before


def test_replicas_are_clamped_as_their_simulation() -> None:
    sim = modulated()
    sim.neuromodulation.clamp(dopamine=0.5)
    runs = sim.replicas(2)
    runs.run(40)
    sim.run(40)
    assert runs[0].digest() == sim.digest()
    assert runs[1].neuromodulation.dopamine.state.level.tolist() == [0.5, 0.5]


def test_a_level_that_is_free_again_decays() -> None:
    system = NeuromodulationSystem()
    system.clamp(dopamine=1.0, norepinephrine=0.0)
    system.step()
    system.clamp(dopamine=None)
    assert system.clamped == {"norepinephrine": 0.0}
    assert system.dopamine.state.level == 1.0
    system.step()
    assert 0.5 < system.dopamine.state.level < 1.0 and system.norepinephrine.state.level == 0.0


def test_a_wrong_clamp_changes_nothing_and_tells_all() -> None:
    system = NeuromodulationSystem(["a", "b"])
    before = system.to_dict()
    with pytest.raises(ConfigError) as caught:
        system.clamp(dopamin=0.5, serotonin=1.5, norepinephrine=0.2)
    assert list(caught.value.problems) == [
        "clamp.dopamin: must be one of dopamine, serotonin, norepinephrine; did you mean 'dopamine'?",
        "clamp.serotonin: must be between 0 and 1, or None; got 1.5",
    ]
    for wrong in (float("nan"), True, "0.5"):
        with pytest.raises(ConfigError, match="must be between 0 and 1"):
            system.clamp(dopamine=wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="must name modulators"):
        system.clamp()
    with pytest.raises(ValueError, match="region"):
        system.clamp(dopamine=0.5, region="c")
    assert system.to_dict() == before


@pytest.mark.parametrize("held", [0.5, [0.5], [0.5, 2.0], [0.5, "x"], {"a": 1}])
def test_a_saved_clamp_is_checked(held: Any) -> None:
    system = NeuromodulationSystem(["a", "b"])
    system.clamp(dopamine=0.5)
    state = system.to_dict()
    del state["version"], state["sha256"]
    state["modulators"]["dopamine"]["clamped"] = held
    with pytest.raises(ConfigError, match="clamped: must be 2 numbers from 0 to 1 or null"):
        NeuromodulationSystem.from_dict(state)


def test_a_level_is_held_from_the_first_step_after_a_reset_on() -> None:
    """Whenever the clamp was set: as in a fresh simulation with it, to the bit."""

    def build() -> Simulation:
        system = NeuromodulationSystem(["a", "b"])
        sim = Simulation(seed=1, neuromodulation=system)
        sim.create(20, "lif", region="b", drive={"rate": 900.0, "weight": 1.2})
        return sim

    fresh, again = build(), build()
    again.run(20)
    for sim in (fresh, again):
        sim.neuromodulation.clamp(norepinephrine=0.9, region="b")  # type: ignore[union-attr]
    again.run(20)
    again.reset()
    for sim in (fresh, again):
        levels = sim.neuromodulation.norepinephrine.state.level  # type: ignore[union-attr]
        assert levels.tolist() == [0.5, 0.9]
        sim.step()
    assert fresh.digest() == again.digest()
