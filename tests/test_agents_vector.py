"""Agents in vector environments: each has the bits of an agent alone, in every autoreset mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import ConfigError, FileError, threads

gymnasium = pytest.importorskip("gymnasium")

from neuromod.agents import Agent, CSVLog, PlaceCells, VectorAgent, evaluate  # noqa: E402
from neuromod.agents.tasks import DelayedReward, GoNoGo, Maze  # noqa: E402

Mode = gymnasium.vector.AutoresetMode


class Cut(Maze):
    """A maze with short episodes, most of which are truncated."""

    def __init__(self) -> None:
        super().__init__(most_steps=9)


class Told(DelayedReward):
    """With observations that are mappings."""

    def __init__(self) -> None:
        super().__init__(delay=2)
        self.observation_space = gymnasium.spaces.Dict({"cue": gymnasium.spaces.Discrete(3)})

    def reset(self, **how: Any) -> Any:
        observation, info = super().reset(**how)
        return {"cue": observation}, info

    def step(self, action: Any) -> Any:
        observation, *others = super().step(action)
        return {"cue": observation}, *others


def vector(task: Any, n: int, mode: Any) -> Any:
    return gymnasium.vector.SyncVectorEnv([task] * n, autoreset_mode=mode)


@pytest.mark.long
@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("task", [Cut, Told])
def test_each_agent_has_the_bits_of_one_alone(task: Any, mode: Any) -> None:
    n, one = 3, task()
    agents = VectorAgent(one.observation_space, one.action_space, n, seed=5, threads=2)
    history = agents.learn(vector(task, n, mode), 120)
    for k in range(n):
        alone, env = Agent(one.observation_space, one.action_space, seed=5 + k), task()
        single = alone.learn(env, agents[k].num_timesteps)
        assert agents[k].num_timesteps >= 30
        assert agents[k].sim.digest() == alone.sim.digest()
        mine = np.array(history.members) == k
        assert history.returns[mine].tolist() == single.returns.tolist()
        assert history.lengths[mine].tolist() == single.lengths.tolist()
        assert agents[k].levels == alone.levels


def test_a_native_vector_environment_is_taken() -> None:
    envs = gymnasium.make_vec("CartPole-v1", 2, vectorization_mode="vector_entry_point")
    cells = PlaceCells([-2.4, -2.5, -0.21, -3.0], [2.4, 2.5, 0.21, 3.0], places=(1, 1, 3, 3), grids=2)
    agents = VectorAgent(envs.single_observation_space, envs.single_action_space, 2, seed=1, encoder=cells)
    history = agents.learn(envs, 100)
    assert len(history) >= 2 and (history.lengths == history.returns).all()


def test_steps_of_all_environments_count() -> None:
    agents = VectorAgent(Cut().observation_space, Cut().action_space, 4, seed=1)
    agents.learn(vector(Cut, 4, Mode.SAME_STEP), 50)
    assert agents.num_timesteps == 52 and len(agents) == 4
    assert agents.levels["serotonin"].shape == (4,)


def test_clamps_hold_for_all_and_predictions_are_actions() -> None:
    agents = VectorAgent(Cut().observation_space, Cut().action_space, 2, seed=1)
    agents.clamp(dopamine=0.5)
    agents.learn(vector(Cut, 2, Mode.NEXT_STEP), 60)
    assert all((agents[k].sim.projections["policy"].weight == 0.0).all() for k in range(2))
    actions, _ = agents.predict(np.array([0, 1]), deterministic=True)
    assert actions.shape == (2,) and all(Cut().action_space.contains(action) for action in actions)
    before = agents[1].sim.digest()
    agents.predict(np.array([0, 1]), mask=[True, False])
    assert agents[1].sim.digest() == before


def test_agents_of_a_file_go_on_alike(tmp_path: Path) -> None:
    agents, path = (
        VectorAgent(Cut().observation_space, Cut().action_space, 2, seed=1),
        tmp_path / "agents.npz",
    )
    agents.clamp(serotonin=0.6)
    agents.learn(vector(Cut, 2, Mode.NEXT_STEP), 21)
    agents.predict(np.array([0, 1]))  # between a decision and its outcome
    agents.save(path)
    again = VectorAgent.load(path, Cut().observation_space, Cut().action_space, threads=1)
    assert again.num_timesteps == agents.num_timesteps and again[1].clamped == {"serotonin": 0.6}
    for each in (agents, again):
        each.observe([0.5, -0.5], [False, True], [False, False])
        each.learn(vector(Cut, 2, Mode.SAME_STEP), 30)
    assert [again[k].sim.digest() for k in range(2)] == [agents[k].sim.digest() for k in range(2)]
    with pytest.raises(FileError, match=r"kind: must be 'agent'; got 'agents'; VectorAgent\.load reads it"):
        Agent.load(path, Cut().observation_space, Cut().action_space)


def test_what_does_not_fit_is_refused() -> None:
    agents = VectorAgent(Cut().observation_space, Cut().action_space, 2, seed=1)
    with pytest.raises(ConfigError, match="envs: must be 2 environments; got 3"):
        agents.learn(vector(Cut, 3, Mode.SAME_STEP), 10)
    with pytest.raises(ConfigError, match=r"env\.observation_space: must be the agent's"):
        agents.learn(vector(GoNoGo, 2, Mode.SAME_STEP), 10)
    with pytest.raises(RuntimeError, match="observe: must follow predict"):
        agents.observe([0.0, 0.0], [False, False], [False, False])
    agents.predict(np.array([0, 1]))
    before = [agents[k].sim.digest() for k in range(2)]
    with pytest.raises(ValueError, match=r"observations\[1\]: is required"):
        agents.observe([0.0, 0.0], [True, False], [False, True])
    with pytest.raises(ValueError, match="rewards, terminated, truncated: must be 2 each"):
        agents.observe([0.0], [True], [False])
    assert [agents[k].sim.digest() for k in range(2)] == before


@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
def test_a_log_tells_the_environment_of_each_episode(mode: Any, tmp_path: Path) -> None:
    agents = VectorAgent(Cut().observation_space, Cut().action_space, 3, seed=1)
    agents[1].clamp(serotonin=0.75)
    history = agents.learn(vector(Cut, 3, mode), 90, callback=CSVLog(tmp_path / "log.csv"))
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows[0][:5] == ["step", "episode", "environment", "return", "length"]
    assert [int(row[2]) for row in rows[1:]] == history.members and set(history.members) == {0, 1, 2}
    assert [float(row[3]) for row in rows[1:]] == history.totals
    levels = [float(row[rows[0].index("serotonin")]) for row in rows[1:]]
    assert all((level == 0.75) == (k == 1) for level, k in zip(levels, history.members, strict=True))


def test_one_environment_and_several_are_told_apart() -> None:
    one, several = Cut(), vector(Cut, 2, Mode.SAME_STEP)
    agents = VectorAgent(one.observation_space, one.action_space, 2, seed=1)
    alone = Agent(one.observation_space, one.action_space, seed=1)
    batched = Agent(several.observation_space, several.action_space, seed=1)
    for agent in (alone, batched):
        with pytest.raises(ConfigError, match=r"env: must be one environment.*got 2 in .*VectorAgent takes"):
            agent.learn(several, 10)
    with pytest.raises(ConfigError, match=r"envs: must be a gymnasium\.vector\.VectorEnv.*; Agent takes one"):
        agents.learn(one, 10)
    with pytest.raises(ConfigError, match="env: must be one environment"):
        evaluate(alone, several, 1)
    with pytest.raises(ConfigError, match=r"agent: must be one agent with predict; of a VectorAgent give"):
        evaluate(agents, one, 1)
    assert agents.num_timesteps == alone.num_timesteps == 0


def test_small_networks_have_one_thread_unless_more_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEUROMOD_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    spaces = Cut().observation_space, Cut().action_space
    assert VectorAgent(*spaces, 2)._threads == 1
    assert VectorAgent(*spaces, 2, threads=2)._threads == 2
    with threads(3):
        assert VectorAgent(*spaces, 2)._threads == 3
    monkeypatch.setenv("NEUROMOD_NUM_THREADS", "2")
    assert VectorAgent(*spaces, 2)._threads == 2


@pytest.mark.parametrize("batch", [[1], [1, 0, 1], 1, None])
def test_a_batch_of_another_size_is_refused(batch: Any) -> None:
    agents = VectorAgent(Cut().observation_space, Cut().action_space, 2, seed=1)
    before = [agents[k].sim.digest() for k in range(2)]
    with pytest.raises(ValueError, match="observations: must be 2, a batch; got"):
        agents.predict(batch)
    assert [agents[k].sim.digest() for k in range(2)] == before
    agents.predict([0, 1])
    with pytest.raises(ValueError, match="rewards, terminated, truncated: must be 2 each"):
        agents.observe(1.0, False, False)


def test_an_agent_of_several_learns_alone_and_counts_its_steps() -> None:
    agents = VectorAgent(Cut().observation_space, Cut().action_space, 2, seed=1)
    agents[1].learn(Cut(), 7)
    assert (agents[0].num_timesteps, agents[1].num_timesteps, agents.num_timesteps) == (0, 7, 7)
