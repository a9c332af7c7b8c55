"""Encoders and decoders of agents: which cells fire for an observation, and which action spikes are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import ConfigError, SpikeMonitor

gymnasium = pytest.importorskip("gymnasium")

from neuromod.agents import (  # noqa: E402
    Agent,
    Angles,
    OneHot,
    Parts,
    PlaceCells,
    PopulationCode,
    PopulationVector,
    Rates,
    Winner,
    decoder_for,
    encoder_for,
)

spaces = gymnasium.spaces


# ---- encoders and decoders ---------------------------------------------------------------------------------------


def test_every_place_fires_one_cell_of_each_grid_and_near_places_share_cells() -> None:
    cells = PlaceCells([-1.0, 0.0], [1.0, 10.0], places=(4, 5), grids=8)
    random = np.random.default_rng(1)
    seen = set()
    for x in random.uniform([-1.2, -1.0], [1.2, 11.0], (3000, 2)):
        fired = cells.encode(x)
        assert (fired // 20 == np.arange(8)).all()
        seen |= set(fired.tolist())
    assert len(seen) > 0.9 * cells.n_cells and max(seen) < cells.n_cells
    a, near, far = cells.encode([0.0, 5.0]), cells.encode([0.02, 5.0]), cells.encode([-0.9, 0.5])
    assert (a == near).sum() >= 7 and (a == far).sum() == 0


def test_a_number_that_goes_round_has_its_last_place_beside_the_first() -> None:
    cells = PlaceCells([0.0, -180.0], [1.0, 180.0], places=(3, 6), grids=8, periodic=[1])
    seen: set[int] = set()
    for angle in np.arange(-180.0, 180.0, 1.0):
        fired = cells.encode([0.5, angle])
        assert (fired // 18 == np.arange(8)).all()
        assert (fired == cells.encode([0.5, angle + 360.0])).all()
        assert (fired == cells.encode([0.5, angle + 1.0])).sum() >= 7  # past 180, too
        seen |= set((fired % 18 // 3).tolist())
    assert seen == set(range(6))
    widths = [(cells.encode([0.5, a])[0] % 18 // 3) for a in np.arange(-179.5, 180.0)]
    assert np.bincount(widths).tolist() == [60] * 6
    plain = PlaceCells([0.0, -180.0], [1.0, 180.0], places=(3, 6), grids=8)
    assert (plain.encode([0.5, 180.0]) == plain.encode([0.5, -180.0])).sum() == 0
    assert "periodic" not in repr(plain) and "periodic=(1,)" in repr(cells)
    for wrong in ([2], [-1], [0, 0], [0.5], [True], "0", 1.0):
        with pytest.raises(ConfigError, match="periodic: must be different whole numbers from 0 to 1; got"):
            PlaceCells([0.0, 0.0], [1.0, 1.0], periodic=wrong)  # type: ignore[arg-type]


def test_angles_come_from_cosines_and_sines() -> None:
    class Keeps:
        n_cells, n_active = 1, 1

        def encode(self, observation: Any) -> Any:
            self.got = np.asarray(observation)
            return np.array([0])

    inner = Keeps()
    code = Angles([(1, 0), (4, 3)], inner)
    code.encode([np.sin(2.0), np.cos(2.0), 7.0, np.sin(-3.0), np.cos(-3.0), 8.0])
    assert np.allclose(inner.got, [2.0, -3.0, 7.0, 8.0])
    with pytest.raises(ValueError, match="observation: must be at least 5 numbers; got 4"):
        code.encode([0.0, 1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="observation: must be numbers; got 'up'"):
        code.encode("up")
    for wrong in ([], [(0, 0)], [(0, 1), (1, 2)], [(0, 1, 2)], [(0, -1)], [(0.0, 1.0)], [(0, 1), (2,)], 3):
        with pytest.raises(ConfigError, match="pairs: must be pairs of different whole numbers, >= 0; got"):
            Angles(wrong, inner)  # type: ignore[arg-type]
    limits = np.array([np.pi, 8.0])
    pendulum = Angles([(0, 1)], PlaceCells(-limits, limits, periodic=[0]))
    most = np.array([1.0, 1.0, 8.0], dtype=np.float32)
    agent = Agent(spaces.Box(-most, most), spaces.Discrete(2), seed=1, encoder=pendulum)
    assert agent.predict([0.0, -1.0, 2.0])[0] in (0, 1)
    assert repr(pendulum).startswith("Angles([(0, 1)], PlaceCells([-3.14")


def test_population_code_fires_the_nearest() -> None:
    code = PopulationCode([0.0], [9.0], cells=10, active=3)
    for x in np.linspace(0.0, 9.0, 50):
        fired = code.encode([x])
        nearest = np.sort(np.argsort(np.abs(np.arange(10) - x), kind="stable")[:3])
        assert np.abs(fired - x).max() <= np.abs(nearest - x).max() + 1e-9


class Odd:
    """An encoder of a user's own."""

    n_cells, n_active = 4, 2

    def __init__(self, *answers: Any) -> None:
        self.answers = answers

    def encode(self, observation: int) -> Any:
        return self.answers[observation]


def test_an_encoder_of_ones_own_is_used_and_looked_at() -> None:
    wrong = ([0], [1, 1], [0, 4], [-1, 0], [0.0, 1.0])
    agent = Agent(spaces.Discrete(6), spaces.Discrete(2), seed=1, encoder=Odd(np.array([1, 3]), *wrong))
    spikes = SpikeMonitor(agent.sim)
    agent.predict(0)
    assert spikes.id[spikes.time == 1.0].tolist() == [1, 3, 4]  # and the clock
    before = agent.sim.digest()
    for k in range(1, 6):
        with pytest.raises(ValueError, match=r"encoder\.encode: must give"):
            agent.predict(k)
    assert agent.sim.digest() == before
    with pytest.raises(
        ConfigError, match=r"encoder: must have n_cells, n_active, encode; got .*, without n_cells"
    ):
        Agent(spaces.Discrete(6), spaces.Discrete(2), encoder=len)


def test_encoders_of_spaces() -> None:
    parts = spaces.Dict({"a": spaces.Discrete(3, start=1), "b": spaces.Tuple([spaces.MultiBinary(2)])})
    encoder = encoder_for(parts)
    assert (encoder.n_cells, encoder.n_active) == (7, 3)
    fired = encoder.encode({"a": 3, "b": (np.array([0, 1], dtype=np.int8),)})
    assert fired.tolist() == [2, 3, 6]
    joint = encoder_for(spaces.MultiDiscrete([2, 3]))
    assert {tuple(joint.encode(np.array([a, b]))) for a in range(2) for b in range(3)} == {
        (k,) for k in range(6)
    }
    assert encoder_for(spaces.MultiDiscrete([30, 30])).encode(np.array([1, 2])).tolist() == [1, 32]
    assert isinstance(encoder_for(spaces.Box(-1.0, 1.0, (2,))), PlaceCells)
    assert isinstance(encoder_for(spaces.Box(-1.0, 1.0, (5,))), PopulationCode)
    for space in (spaces.Box(-np.inf, 1.0, (2,)), spaces.Text(3)):
        with pytest.raises(ConfigError, match="observation_space: must"):
            encoder_for(space)
    with pytest.raises(ValueError, match=r"observation\['a'\]: is required"):
        Parts({"a": OneHot(2)}).encode({"b": 1})


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(3, start=-1),
        spaces.MultiDiscrete([2, 3]),
        spaces.MultiBinary(2),
        spaces.Box(-2.0, 2.0, (2,)),
    ],
    ids=str,
)
def test_actions_are_in_their_space(space: Any) -> None:
    agent = Agent(spaces.Discrete(2), space, seed=1)
    for k in range(20):
        assert space.contains(agent.predict(k % 2)[0])


def test_continuous_actions_follow_the_spikes() -> None:
    vector = PopulationVector([-1.0], [1.0], groups=5)
    assert vector.decode(np.array([-1.0, -1.0, -1.0, 2.0, 2.0]), lambda: np.zeros(5)).tolist() == [0.75]
    assert vector.decode(np.array([-1.0, -0.5, -1.0, -1.0, -1.0]), lambda: np.zeros(5)).tolist() == [-0.5]
    rates = Rates([-1.0], [1.0])
    assert rates.decode(np.array([-1.0, -1.0]), lambda: np.zeros(2)).tolist() == [0.0]
    assert Winner([2, 2]).decode(np.array([0.0, 1.0, 1.0, 0.0]), lambda: np.zeros(4)).tolist() == [1, 0]
    assert Winner(2).decode(np.array([1.0, 1.0]), lambda: np.array([0.1, 0.9])) == 1
    assert decoder_for(spaces.Discrete(2), silent=1).decode(np.array([-1.0, -1.0]), lambda: np.zeros(2)) == 1


@pytest.mark.long
def test_a_continuous_action_is_learned() -> None:
    class Target(gymnasium.Env[Any, Any]):
        observation_space, action_space = spaces.Discrete(1), spaces.Box(-1.0, 1.0, (1,))

        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
            super().reset(seed=seed)
            return 0, {}

        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            return 0, -abs(float(action[0]) - 0.6), True, False, {}

    env, late = Target(), {}
    for clamp in (None, 0.5):
        agent = Agent(env.observation_space, env.action_space, seed=1, discount=0.0, actor_rate=4.0)
        agent.clamp(dopamine=clamp)
        late[clamp] = agent.learn(env, 800).returns[-200:].mean()
    assert late[0.5] < -0.45 and late[None] > -0.2
