"""What users try with agents: spaces of every kind, what is outside them, ends, rewards, and no environment at all."""

from __future__ import annotations

import copy
import math
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import ConfigError

gymnasium = pytest.importorskip("gymnasium")

from neuromod.agents import (  # noqa: E402
    Agent,
    Callback,
    LevelLog,
    PlaceCells,
    PopulationVector,
    StopOnMeanReturn,
    TensorBoardLog,
    VectorAgent,
    Winner,
    evaluate,
)

spaces = gymnasium.spaces


class Sampled(gymnasium.Env[Any, Any]):
    """Any observation, and a reward of 1."""

    def __init__(self, observed: Any, acted: Any, length: int = 3, reward: Any = 1.0) -> None:
        self.observation_space, self.action_space = observed, acted
        self.length, self.reward, self.done = length, reward, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.observation_space.seed(0)
        self.done = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        self.done += 1
        return self.observation_space.sample(), self.reward, self.done >= self.length, False, {}


TWO = spaces.Discrete(2)


@pytest.mark.parametrize(
    "space",
    [
        spaces.MultiDiscrete(np.array([[2, 3], [4, 2]])),
        spaces.MultiDiscrete(np.array([[2, 3]]), start=np.array([[5, -1]])),
        spaces.MultiBinary((2, 2)),
        spaces.MultiBinary(3),
        spaces.Box(0, 10, (2, 1), np.int64),
        spaces.Box(0.0, 1.0, ()),
        spaces.Discrete(3, start=-1),
    ],
    ids=str,
)
def test_actions_are_in_the_action_space(space: Any) -> None:
    assert len(Agent(TWO, space, seed=1).learn(Sampled(TWO, space), 12)) == 4
    if space.shape == () and not hasattr(space, "n"):
        return  # gymnasium gives the environments numbers in place of arrays, which it warns of
    envs = gymnasium.vector.SyncVectorEnv([lambda: Sampled(TWO, space)] * 2)
    assert len(VectorAgent(TWO, space, 2, seed=1).learn(envs, 12)) == 4


@pytest.mark.parametrize(
    ("space", "outside"),
    [
        (spaces.Box(-1.0, 1.0, (2,)), [1.1, 0.0]),
        (spaces.Box(-1.0, 1.0, (2,)), [[0.0], [0.0]]),
        (spaces.Box(-1.0, 1.0, (2,)), "a"),
        (spaces.Box(-1.0, 1.0, (2,)), None),
        (spaces.Box(-1.0, 1.0, (9,)), [0.0] * 8 + [-2.0]),
        (spaces.Box(0, 255, (2, 3), np.uint8), np.zeros((3, 2), np.uint8)),
        (spaces.MultiBinary(2), [0, 1, 1]),
        (spaces.MultiBinary(2), [0, 2]),
        (spaces.MultiDiscrete([2, 3]), [0]),
        (spaces.MultiDiscrete([2, 3]), [0, 1, 1]),
        (spaces.MultiDiscrete([2, 3]), [2, 0]),
        (spaces.Dict({"a": TWO}), {"a": 1, "b": 2}),
        (spaces.Tuple((TWO, TWO)), (1, 1, 0)),
        (spaces.Discrete(2), 2),
    ],
    ids=str,
)
def test_an_observation_outside_the_space_is_refused(space: Any, outside: Any) -> None:
    agent = Agent(space, TWO, seed=1)
    before = agent.sim.digest()
    with pytest.raises(ValueError, match="observation"):
        agent.predict(outside)
    assert agent.sim.digest() == before


def test_limits_of_cells_of_ones_own_are_no_limits_of_observations() -> None:
    cells = PlaceCells([-1.0], [1.0])
    assert Agent(spaces.Box(-9.0, 9.0, (1,)), TWO, seed=1, encoder=cells).predict([5.0])[0] in (0, 1)
    always = spaces.Box(np.array([0.0, 2.0], np.float32), np.array([1.0, 2.0], np.float32))
    assert len(Agent(always, TWO, seed=1).learn(Sampled(always, TWO), 12)) == 4


def test_an_evaluation_in_mid_episode_teaches_nothing() -> None:
    agent = Agent(spaces.Discrete(5), spaces.Discrete(3), seed=1)
    agent.predict(1)
    agent.observe(1.0)  # its error is known when the next observation comes
    weights = [agent.sim.projections[name].weight.copy() for name in ("value", "policy")]
    evaluate(agent, Sampled(spaces.Discrete(5), spaces.Discrete(3)), 2)
    for name, before in zip(("value", "policy"), weights, strict=True):
        assert (agent.sim.projections[name].weight == before).all()


@pytest.mark.parametrize("reward", [math.nan, "1", None, [1.0, 2.0], 1j])
def test_a_reward_that_is_no_number_is_refused(reward: Any) -> None:
    with pytest.raises(ValueError, match="reward: must be a finite number"):
        Agent(TWO, TWO, seed=1).learn(Sampled(TWO, TWO, reward=reward), 5)
    assert len(Agent(TWO, TWO, seed=1).learn(Sampled(TWO, TWO, reward=np.array([1.0])), 6)) == 2


def test_what_is_no_environment_or_no_callback_is_refused_by_name() -> None:
    agent, agents = Agent(TWO, TWO, seed=1), VectorAgent(TWO, TWO, 2, seed=1)
    for env in (None, "FrozenLake-v1"):
        with pytest.raises(ConfigError, match=r"env: must be a gymnasium\.Env; got"):
            agent.learn(env, 5)
    with pytest.raises(ConfigError, match=r"envs: must be a gymnasium\.vector\.VectorEnv; got"):
        agents.learn(Sampled(TWO, TWO), 5)
    with pytest.raises(ConfigError, match="callback: must be a Callback"):
        agent.learn(Sampled(TWO, TWO), 5, callback=StopOnMeanReturn)
    endless = spaces.Box(-np.inf, np.inf, (1,))
    with pytest.raises(
        ConfigError, match=r"action_space: must have finite limits; give decoder=PopulationVector"
    ):
        Agent(TWO, endless)


@pytest.mark.parametrize("mode", list(gymnasium.vector.AutoresetMode), ids=lambda mode: mode.value)
def test_episodes_of_one_step_and_wrappers(mode: Any) -> None:
    wrappers = gymnasium.wrappers
    env = wrappers.RecordEpisodeStatistics(wrappers.TimeLimit(Sampled(TWO, TWO, 99), 1))
    agent = Agent(TWO, TWO)
    assert agent.learn(env, 7).lengths.tolist() == [1] * 7 and list(env.length_queue) == [1] * 7
    assert len(agent.learn(env, 2)) == 2 and agent.num_timesteps == 9
    inner = gymnasium.vector.SyncVectorEnv([lambda: Sampled(TWO, TWO, 1)] * 2, autoreset_mode=mode)
    history = VectorAgent(TWO, TWO, 2).learn(wrappers.vector.RecordEpisodeStatistics(inner), 8)
    assert history.lengths.tolist() == [1] * 8 and sorted(history.members) == [0] * 4 + [1] * 4


def test_what_interrupts_learning_leaves_an_agent_that_goes_on() -> None:
    agent = Agent(TWO, TWO, seed=1)

    def interrupt(local: Any, _: Any) -> None:
        if local["self"].num_timesteps == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        agent.learn(Sampled(TWO, TWO), 20, callback=interrupt)
    assert agent.num_timesteps == 5
    assert len(agent.learn(Sampled(TWO, TWO), 6)) == 2
    assert agent.learn(Sampled(TWO, TWO), 20, callback=lambda *_: False).totals == []
    assert agent.num_timesteps == 12


def test_tensorboard_gets_each_episode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"TensorBoardLog needs tensorboardX: pip install .*\[tensorboard\]"
    ):
        TensorBoardLog(tmp_path)
    written: list[Any] = []

    class Writer:
        def __init__(self, directory: str) -> None:
            written.append(directory)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def close(self) -> None:
            written.append("closed")

    stand_in = types.ModuleType("tensorboardX")
    stand_in.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", stand_in)
    agent = Agent(TWO, TWO, seed=1)
    agent.clamp(serotonin=0.75)
    agent.learn(Sampled(TWO, TWO), 7, callback=TensorBoardLog(tmp_path))
    assert written[0] == str(tmp_path) and written[-1] == "closed" and len(written) == 2 + 2 * 5
    assert ("rollout/ep_rew", 3.0, 6) in written and ("rollout/ep_len", 3, 3) in written
    assert ("levels/serotonin", 0.75, 6) in written


@pytest.mark.parametrize("end", [None, "yes", 2, 0.5, [True, False]])
def test_an_end_that_is_neither_true_nor_false_is_refused(end: Any) -> None:
    class Odd(Sampled):
        def step(self, action: Any) -> Any:
            observation, reward, _, truncated, info = super().step(action)
            return observation, reward, end, truncated, info

    agent = Agent(TWO, TWO, seed=1)
    with pytest.raises(ValueError, match="terminated: must be True or False; got"):
        agent.learn(Odd(TWO, TWO), 5)
    with pytest.raises(ValueError, match="terminated: must be True or False; got"):
        evaluate(agent, Odd(TWO, TWO), 1)
    agent.predict(0)
    with pytest.raises(ValueError, match="truncated: must be True or False; got"):
        agent.observe(1.0, False, end)


@pytest.mark.parametrize("end", [np.bool_(True), np.array([True]), 1, np.int64(1)])
def test_an_end_may_be_of_numpy_or_a_number(end: Any) -> None:
    class Short(Sampled):
        def step(self, action: Any) -> Any:
            observation, reward, *_ = super().step(action)
            return observation, reward, end, np.bool_(False), {}

    assert len(Agent(TWO, TWO, seed=1).learn(Short(TWO, TWO), 4)) == 4


def test_environments_of_the_older_interface_are_named() -> None:
    class Older(Sampled):
        def step(self, action: Any) -> Any:
            observation, reward, ended, _, info = super().step(action)
            return observation, reward, ended, info

    class Oldest(Older):
        def reset(self, **how: Any) -> Any:
            return super().reset(**how)[0]

    with pytest.raises(
        ValueError, match=r"env\.step: must give observation, reward, terminated, truncated and"
    ):
        Agent(TWO, TWO, seed=1).learn(Older(TWO, TWO), 5)
    with pytest.raises(ValueError, match=r"env\.reset: must give an observation and a dict"):
        Agent(TWO, TWO, seed=1).learn(Oldest(TWO, TWO), 5)


@pytest.mark.parametrize(
    ("answer", "episodes"), [(np.bool_(False), 1), (False, 1), (0, 1), (None, 9), (True, 9)]
)
def test_any_false_answer_of_a_callback_but_none_ends_learning(answer: Any, episodes: int) -> None:
    class Answers(Callback):
        def _on_step(self) -> Any:
            return answer

    for callback in (lambda *_: answer, Answers(), [Answers(), LevelLog()]):
        env = Sampled(TWO, TWO, 1)
        assert len(Agent(TWO, TWO, seed=1).learn(env, 9, callback=callback)) == episodes
    envs = gymnasium.vector.SyncVectorEnv([lambda: Sampled(TWO, TWO, 1)])
    assert len(VectorAgent(TWO, TWO, 1, seed=1).learn(envs, 9, callback=Answers())) == episodes


def test_a_stop_at_a_mean_return_begins_anew_with_each_call() -> None:
    stop = StopOnMeanReturn(0.5, episodes=10)
    for _ in range(2):
        assert len(Agent(TWO, TWO, seed=1).learn(Sampled(TWO, TWO, 1), 50, callback=stop)) == 10


def test_names_of_other_packages_and_what_is_no_space_are_told() -> None:
    with pytest.raises(ConfigError, match="gamma: unknown setting; here it is discount"):
        Agent(TWO, TWO, gamma=0.9)
    with pytest.raises(
        ConfigError, match="learning_rate: unknown setting; here it is critic_rate and actor_rate"
    ):
        Agent(TWO, TWO, learning_rate=0.1)
    wanted = "observation_space: must be a space of gymnasium, as env.observation_space is; got 'MlpPolicy'"
    with pytest.raises(ConfigError, match=wanted) as problem:
        Agent("MlpPolicy", Sampled(TWO, TWO))
    assert "action_space: must be a space of gymnasium, as env.action_space is" in str(problem.value)


def test_the_agents_of_a_vector_are_taken_by_whole_numbers() -> None:
    agents = VectorAgent(TWO, TWO, 2, seed=5)
    assert agents[-1].seed == agents[np.int64(1)].seed == 6 and [agent.seed for agent in agents] == [5, 6]
    with pytest.raises(IndexError, match="index: must be from -2 to 1; got 2"):
        agents[2]
    with pytest.raises(TypeError, match="index: must be a whole number; got slice"):
        agents[0:1]  # type: ignore[index]


def test_a_batch_of_one_gives_a_batch_of_one() -> None:
    image, both = spaces.Box(0.0, 1.0, (2, 2)), spaces.Dict({"a": TWO, "b": spaces.Box(0.0, 1.0, (2,))})
    acted = spaces.Box(-1.0, 1.0, (2,))
    for space, one, batch in (
        (TWO, 1, np.array([1])),
        (image, np.ones((2, 2)), np.ones((1, 2, 2))),
        (both, {"a": 1, "b": np.ones(2)}, {"a": np.array([1]), "b": np.ones((1, 2))}),
    ):
        for actions in (TWO, acted):
            agent = Agent(space, actions, seed=1)
            twin = copy.deepcopy(agent)
            single, several = agent.predict(one)[0], twin.predict(batch)[0]
            assert several.shape == (1, *np.shape(single)) and np.array_equal(several[0], single)


def test_a_shallow_copy_has_a_network_of_its_own() -> None:
    """It shared the network: each learned from what the other did, and `observe` of the second was refused."""
    agent, agents = Agent(TWO, TWO, seed=1), VectorAgent(TWO, TWO, 2, seed=1)
    agent.predict(1)
    twin = copy.copy(agent)
    agents.predict(np.array([0, 1]))
    twins, one = copy.copy(agents), copy.copy(agents[1])
    for each in (agent, twin):
        each.observe(1.0, terminated=True)
    for several in (agents, twins):
        several.observe(np.ones(2), np.ones(2, bool), np.zeros(2, bool))
    one.observe(1.0, terminated=True)
    assert twin.sim is not agent.sim and twin.sim.digest() == agent.sim.digest()
    assert twins[1].sim is not agents[1].sim and one.sim is not agents[1].sim
    assert twins[1].sim.digest() == one.sim.digest() == agents[1].sim.digest()


def test_an_attribute_that_is_set_acts_or_raises() -> None:
    agents = VectorAgent(TWO, TWO, 2, seed=1)
    for agent in (Agent(TWO, TWO, seed=1), agents[0]):
        agent.learning = False
        with pytest.raises(
            AttributeError, match=r"Agent\.learnig: no such attribute; did you mean 'learning'"
        ):
            agent.learnig = True  # type: ignore[attr-defined]
        with pytest.raises(
            AttributeError, match=r"it is agent\.settings\.noise, fixed when the agent is made"
        ):
            agent.noise = 2.0  # type: ignore[attr-defined]
        with pytest.raises(AttributeError, match=r"Agent\.num_timesteps: is read-only"):
            agent.num_timesteps = 0  # type: ignore[misc]
        with pytest.raises(AttributeError, match=r"Agent\.seed: is read-only; use reset\(seed=\.\.\.\)"):
            agent.seed = 3  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"VectorAgent\.learning: no such attribute"):
        agents.learning = False  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(agents))
    assert again[1].sim.digest() == agents[1].sim.digest() and again.num_timesteps == 0


def test_a_decoder_that_gives_other_actions_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"decoder: must give actions of Discrete\(2\); .*Winner\(5.* gives 2"
    ):
        Agent(TWO, TWO, decoder=Winner(5))
    wide = PopulationVector([-2.0], [2.0])
    with pytest.raises(ConfigError, match=r"decoder: must give actions of Box\(-1\.0, 1\.0"):
        Agent(TWO, spaces.Box(-1.0, 1.0, (1,)), decoder=wide)
    Agent(TWO, spaces.Box(-2.0, 2.0, (1,)), decoder=wide)
    with pytest.raises(ConfigError, match="action_space: must be a space of gymnasium"):
        Agent(TWO, "two", decoder=Winner(2))
