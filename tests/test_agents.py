"""Agents: the order of a decision, what is learned against a plain twin, ends of episodes, bits, files, callbacks."""

from __future__ import annotations

import copy
import json
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_agent import PlainAgent

from neuromod import ConfigError, FileError, Simulation, SpikeMonitor, SynapseMonitor

gymnasium = pytest.importorskip("gymnasium")

from neuromod.agents import (  # noqa: E402
    Agent,
    Callback,
    CSVLog,
    LevelLog,
    PlaceCells,
    StopOnMeanReturn,
    VectorAgent,
    evaluate,
)
from neuromod.agents.tasks import DelayedReward, GoNoGo, Maze  # noqa: E402

spaces = gymnasium.spaces
LENGTH = 3 + 14  # steps of a decision with the defaults


def small(seed: int = 1, **settings: Any) -> Agent:
    return Agent(spaces.Discrete(5), spaces.Discrete(3), seed, **settings)


def digest(agent: Agent) -> str:
    return agent.sim.digest()


# ---- the order of a decision -------------------------------------------------------------------------------------


def test_order_observation_spikes_action_reward_learning() -> None:
    agent = small(noise=0.0)
    spikes, pops = SpikeMonitor(agent.sim), agent.sim.populations
    weights = SynapseMonitor(agent.sim, "value")
    for reward in (1.0, 0.5):
        agent.predict(2)
        before = agent.sim.time
        agent.observe(reward)
        assert agent.sim.time == before  # learned when the next observation has a value
    agent.predict(3)
    assert agent.sim.time == 3 * LENGTH

    def when(name: str) -> list[float]:
        own = np.isin(spikes.id, pops[name].id)
        return spikes.time[own].tolist()

    assert when("cells") == when("clock") == [1.0, 18.0, 35.0]
    assert when("critic") == [4.0, 21.0, 38.0]
    actors = np.array(when("actor"))
    assert len(actors) >= 3
    assert ((actors - 1) % LENGTH >= 3).all()
    changes = weights.time[1:][(np.abs(np.diff(weights.values, axis=0)) > 1e-6).any(axis=1)]
    assert changes.tolist() == [LENGTH + 3.0, 2 * LENGTH + 3.0]  # dopamine acts in these steps alone


def played(agent: Agent, plain: PlainAgent, n: int) -> None:
    """n decisions of random observations and rewards, for both; every 7th terminates, every 11th is truncated."""
    random, spikes = np.random.default_rng(5), SpikeMonitor(agent.sim)
    first = int(agent.sim.populations["actor"].id[0])
    n_seen, before, reward = 0, None, 0.0
    observation = 0
    for k in range(n):
        begins = agent.sim.time
        cells = agent.encoder.encode(observation)
        agent.predict(observation)
        value = plain.see(cells)
        if before is not None:
            assert plain.learn(begins + 3.0, reward, before, value) == pytest.approx(agent.error, abs=2e-5)
        new = spikes.id[n_seen:], spikes.time[n_seen:]
        n_seen += len(new[0])
        own = [(float(t), int(i) - first) for i, t in zip(*new, strict=True) if i >= first]
        plain.decide(begins, cells, own)
        reward, observation, before = float(random.normal()), int(random.integers(5)), value
        if k % 7 == 6:
            now = agent.sim.time
            agent.observe(reward, terminated=True)
            plain.learn(now + 1.0, reward, value, None)
        elif k % 11 == 10:
            now, last = agent.sim.time, agent.encoder.encode(observation)
            ahead = plain.see(last)
            agent.observe(reward, truncated=True, observation=observation)
            plain.learn(now + 3.0, reward, value, ahead)
            plain.arrivals.append((now + 2.0, last))
            n_seen = len(spikes.id)
        else:
            agent.observe(reward)
            continue
        plain.forget()
        before, observation = None, int(random.integers(5))


@pytest.mark.parametrize(("per_group", "discount"), [(1, 0.95), (3, 0.95), (1, 0.0)])
def test_learning_is_that_of_the_plain_twin(per_group: int, discount: float) -> None:
    agent = small(cells_per_action=per_group, noise=2.0, initial_value=0.3, discount=discount)
    plain = PlainAgent(5, 1, 3 * per_group, agent.settings)
    played(agent, plain, 60)
    value, policy = agent.sim.projections["value"], agent.sim.projections["policy"]
    first = int(agent.sim.populations["actor"].id[0])
    learned = np.zeros((3 * per_group, 5))
    learned[policy.post_id - first, policy.pre_id] = policy.weight
    assert np.abs(plain.value).max() > 0.1 and np.abs(plain.policy).max() > 0.1
    np.testing.assert_allclose(value.weight[np.argsort(value.pre_id)], plain.value, atol=1e-4)
    np.testing.assert_allclose(learned, plain.policy, atol=1e-4)


def test_the_race_takes_as_long_as_the_equation_says() -> None:
    agent = small(noise=0.0, evidence=10.0)
    policy = agent.sim.projections["policy"]
    actors = agent.sim.populations["actor"].id
    for k, weight in enumerate((-2.0, 3.0, 1.0)):
        policy.weight[(policy.pre_id == 4) & (policy.post_id == actors[k])] = weight
    spikes = SpikeMonitor(agent.sim)
    assert agent.predict(4)[0] == 1
    v, left, step = 0.0, math.exp(-1.0 / 10.0), 2
    while v < 15.0:  # mV above rest; the race begins after step 2
        step += 1
        v = v * left + 24.0 * (1.0 - left) + (3.0 if step == 4 else 0.0)
    own = np.isin(spikes.id, actors)
    assert spikes.time[own].tolist() == [float(step)] and spikes.id[own].tolist() == [actors[1]]


def test_terminated_counts_nothing_ahead_and_truncated_does() -> None:
    ends = {}
    for how in ("terminated", "truncated"):
        agent = small(noise=0.0)
        agent.sim.projections["value"].weight[:] = [0.0, 0.5, 0.0, 0.0, 0.0]  # of observation 1
        agent.predict(0)
        agent.observe(0.25, **{how: True}, observation=1)
        ends[how] = agent.error
        assert (agent.sim.projections["value"].eligibility == 0.0).all()
        assert (agent.sim.projections["policy"].eligibility == 0.0).all()
        assert agent.value is None
    assert ends == {"terminated": pytest.approx(0.25), "truncated": pytest.approx(0.25 + 0.95 * 0.5)}


def test_both_ends_at_once_are_a_termination() -> None:
    agents = [small(), small()]
    for agent in agents:
        agent.predict(0)
    agents[0].observe(1.0, terminated=True, truncated=True)
    agents[1].observe(1.0, terminated=True)
    assert digest(agents[0]) == digest(agents[1])


@pytest.mark.long
def test_delayed_reward_is_learned_through_traces_and_values() -> None:
    env = DelayedReward(delay=3)
    agent = Agent(env.observation_space, env.action_space, seed=1, discount=0.9)
    assert agent.learn(env, 3000).returns[-100:].mean() > 0.85
    clamped = Agent(env.observation_space, env.action_space, seed=1, discount=0.9)
    clamped.clamp(dopamine=0.5)
    assert clamped.learn(env, 1000).returns[-100:].mean() < 0.7
    assert (clamped.sim.projections["policy"].weight == 0.0).all()


# ---- bits --------------------------------------------------------------------------------------------------------


def test_same_seed_same_bits_other_seed_others() -> None:
    found = []
    for seed in (1, 1, 2):
        agent = small(seed)
        actions = []
        for k in range(30):
            actions.append(agent.predict(k % 5)[0])
            agent.observe(float(k % 3), terminated=k % 10 == 9)
        found.append((digest(agent), actions))
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]


def go_on(agent: Agent, n: int = 25) -> tuple[list[int], str]:
    actions = []
    for k in range(n):
        actions.append(agent.predict((3 * k) % 5)[0])
        agent.observe(float(k % 3) - 1.0, terminated=k % 10 == 9)
    return actions, digest(agent)


@pytest.mark.long
@pytest.mark.parametrize("between", ["predict", "observe"])
def test_saved_and_copied_agents_go_on_alike(between: str, tmp_path: Path) -> None:
    agent = small()
    agent.clamp(serotonin=0.7)
    go_on(agent, 13)
    agent.predict(1)
    if between == "observe":
        agent.observe(0.5)
    path = tmp_path / "agent.npz"
    agent.save(path)
    others = [Agent.load(path, spaces.Discrete(5), spaces.Discrete(3))]
    others += [copy.deepcopy(agent), pickle.loads(pickle.dumps(agent))]
    if between == "predict":
        for each in (agent, *others):
            each.observe(0.5)
    want = go_on(agent)
    for other in others:
        assert other.clamped == {"serotonin": 0.7} and other.settings == agent.settings
        assert go_on(other) == want
        assert other.levels == agent.levels and other.num_timesteps == agent.num_timesteps


def test_a_file_of_another_agent_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.npz"
    small().save(path)
    with pytest.raises(FileError, match=r"encoder: must be that which was saved, 'OneHot\(5"):
        Agent.load(path, spaces.Discrete(6), spaces.Discrete(3))
    with pytest.raises(FileError, match="observation_space: must be that which was saved"):
        Agent.load(path, spaces.Discrete(5, start=1), spaces.Discrete(3))
    with pytest.raises(FileError, match=r"kind: must be 'simulation'; got 'agent'"):
        Simulation.load(path)
    with pytest.raises(FileError, match=r"kind: must be 'agents'; got 'agent'; Agent\.load reads it"):
        VectorAgent.load(path, spaces.Discrete(5), spaces.Discrete(3))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FileError, match=r"agent\.npz: must have \d+ bytes"):
        Agent.load(path, spaces.Discrete(5), spaces.Discrete(3))


def test_a_file_of_an_agent_is_of_the_format_of_the_package(tmp_path: Path) -> None:
    path = tmp_path / "agent.npz"
    agent = small()
    agent.save(path)
    with zipfile.ZipFile(path) as file:
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        manifest = json.loads(file.read("manifest.json"))
    assert manifest["kind"] == "agent" and manifest["format"] == 2
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays.files) >= {each["name"].removesuffix(".npy") for each in manifest["arrays"]}
    whole = path.read_bytes()
    for at in (len(whole) // 2, len(whole) - 200, len(whole) // 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(FileError, match=r"agent\.npz: "):
            Agent.load(path, spaces.Discrete(5), spaces.Discrete(3))


def test_cells_with_other_limits_are_refused_at_load(tmp_path: Path) -> None:
    box, path = spaces.Box(-1.0, 1.0, (2,)), tmp_path / "agent.npz"
    Agent(box, spaces.Discrete(2), seed=1, encoder=PlaceCells([-1.0, -1.0], [1.0, 1.0])).save(path)
    assert Agent.load(path, box, spaces.Discrete(2)).seed == 1  # the same cells by default
    with pytest.raises(FileError, match=r"encoder: must be that which was saved, 'PlaceCells"):
        Agent.load(path, box, spaces.Discrete(2), encoder=PlaceCells([-1.0, -2.0], [1.0, 1.0]))
    with pytest.raises(FileError, match=r"decoder: must be that which was saved, 'Winner\(2"):
        Agent.load(path, box, spaces.Discrete(2), silent=0)


def test_reset_makes_it_as_new() -> None:
    agent, new = small(3), small(4)
    go_on(agent)
    agent.reset(seed=4)
    assert agent.num_timesteps == 0 and go_on(agent) == go_on(new)


# ---- predictions and modulators ----------------------------------------------------------------------------------


def test_a_prediction_without_an_outcome_teaches_nothing() -> None:
    agent = small()
    go_on(agent)
    agent.predict(1)
    weights = agent.sim.projections["policy"].weight.copy()
    for _ in range(5):
        agent.predict(1)
        assert (agent.sim.projections["value"].eligibility != 0.0).sum() <= 5
    assert (agent.sim.projections["policy"].weight == weights).all()
    agent.observe(1.0)
    agent.learning = False
    agent.predict(2)
    assert (agent.sim.projections["policy"].weight == weights).all()


def test_a_deterministic_prediction_has_no_noise() -> None:
    agent = small(noise=20.0)
    policy = agent.sim.projections["policy"]
    policy.weight[policy.post_id == agent.sim.populations["actor"].id[2]] = 3.0
    assert {agent.predict(0, deterministic=True)[0] for _ in range(20)} == {2}
    assert len({agent.predict(0)[0] for _ in range(20)}) > 1
    agent.clamp(norepinephrine=0.0)
    assert {agent.predict(0)[0] for _ in range(20)} == {2}
    agent.clamp(norepinephrine=None)
    assert len({agent.predict(0)[0] for _ in range(20)}) > 1


@pytest.mark.long
def test_norepinephrine_follows_uncertainty_and_widens_the_noise() -> None:
    agent = small(discount=0.0)
    for _ in range(300):
        agent.predict(0)
        agent.observe(1.0)
    calm = agent.levels["norepinephrine"]
    for _ in range(5):
        agent.predict(0)
        agent.observe(-1.0)
    agent.predict(0)
    assert calm < 0.5 < agent.levels["norepinephrine"]
    spread = {}
    for level in (0.25, 0.5, 1.0):
        agent = small(urgency=0.0, noise=1.0)  # far from threshold
        agent.clamp(norepinephrine=level)
        v = []
        for _ in range(400):
            agent.predict(0)
            v.append(agent.sim.populations["actor"].v_membrane[0])
        spread[level] = np.std(v)
    assert spread[0.25] / spread[0.5] == pytest.approx(0.25, rel=0.15)  # (level / baseline)^2
    assert spread[1.0] / spread[0.5] == pytest.approx(4.0, rel=0.15)


def test_serotonin_follows_punishment_and_slows_the_race() -> None:
    agent = small(noise=0.0, actor_rate=0.0)
    spikes = SpikeMonitor(agent.sim)

    def latency() -> float:
        began = agent.sim.time
        agent.predict(0)
        own = np.isin(spikes.id, agent.sim.populations["actor"].id)
        return float(spikes.time[own][-1]) - began

    first = latency()
    for _ in range(5):
        agent.observe(-1.0)
        late = latency()
    assert agent.levels["serotonin"] > 0.5 and late > first
    agent.clamp(serotonin=0.5)
    assert latency() == first


def test_waiting_for_what_is_expected_raises_serotonin() -> None:
    agent = small(initial_value=1.0)
    for _ in range(10):
        agent.predict(0)
        agent.observe(0.0)
    assert agent.levels["serotonin"] > 0.5


def test_without_a_tonic_rate_what_was_not_met_keeps_the_initial_value() -> None:
    values = {}
    for rate in (0.0, 0.01):
        agent = small(initial_value=0.5, tonic_rate=rate)
        for _ in range(20):
            agent.predict(0)
            agent.observe(-1.0)
        agent.predict(4)  # learns the last outcome
        agent.predict(3)
        values[rate] = agent.value
    assert values[0.0] == 0.5 and values[0.01] is not None and values[0.01] < 0.4


def test_levels_can_be_drawn() -> None:
    plot = pytest.importorskip("neuromod.plot")
    pytest.importorskip("matplotlib")
    agent = small()
    levels, env = LevelLog(), _Like(agent)
    agent.learn(env, 6, callback=levels)
    assert levels.values.shape == (6, 3) and (levels.values[:, 0] != 0.5).any()
    assert levels.time.tolist() == [LENGTH * k for k in range(1, 7)]
    assert plot.levels(levels).get_ylabel() == "level"


def test_silence_is_an_action_where_one_is_named() -> None:
    env = GoNoGo()
    waits = Agent(env.observation_space, env.action_space, seed=1, silent=0, urgency=0.0, noise=0.0)
    assert waits.predict(1)[0] == 0
    forced = Agent(env.observation_space, env.action_space, seed=1, urgency=0.0, noise=0.0)
    policy = forced.sim.projections["policy"]
    policy.weight[policy.post_id == forced.sim.populations["actor"].id[1]] = 0.5
    assert forced.predict(1)[0] == 1  # the nearest to a spike


# ---- arguments ---------------------------------------------------------------------------------------------------


def test_all_that_is_wrong_comes_at_once() -> None:
    with pytest.raises(ConfigError) as failure:
        Agent(spaces.Text(3), spaces.Discrete(2), discont=0.9, noise=-1.0, cells_per_action=0)
    text = str(failure.value)
    for part in (
        "observation_space: must",
        "did you mean 'discount'",
        "noise: must be",
        "cells_per_action: must be",
    ):
        assert part in text
    agent = small()
    with pytest.raises(ConfigError, match="did you mean 'dopamine'"):
        agent.clamp(serotonin=0.9, dopamin=0.5)
    with pytest.raises(ConfigError, match="serotonin: must be between"):
        agent.clamp(serotonin=1.5)
    assert agent.clamped == {}
    with pytest.raises(RuntimeError, match="observe: must follow predict"):
        agent.observe(1.0)
    before = digest(agent)
    for bad in (7, -1, 1.5, "a"):
        with pytest.raises(ValueError, match="observation: must"):
            agent.predict(bad)
    assert digest(agent) == before
    agent.predict(0)
    before = digest(agent)
    with pytest.raises(ValueError, match="reward: must be a finite number"):
        agent.observe(math.nan)
    with pytest.raises(ValueError, match="observation: is required where truncated"):
        agent.observe(1.0, truncated=True)
    assert digest(agent) == before
    with pytest.raises(ConfigError, match=r"env\.observation_space: must be the agent's"):
        agent.learn(GoNoGo(), 5)
    with pytest.raises(ConfigError, match="callback: must be"):
        agent.learn(Maze(), 5, callback=3) if agent.observation_space == 0 else agent.learn(
            _Like(agent), 5, callback=3
        )


class _Like(GoNoGo):
    """With the spaces of an agent."""

    def __init__(self, agent: Agent) -> None:
        super().__init__()
        self.observation_space, self.action_space = agent.observation_space, agent.action_space


# ---- learning in an environment ----------------------------------------------------------------------------------


@pytest.mark.long
def test_frozen_lake_is_learned_and_a_clamped_agent_does_not_learn_it() -> None:
    env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    agent = Agent(env.observation_space, env.action_space, seed=1)
    agent.learn(env, 5000)
    assert evaluate(agent, env, 20).mean() == 1.0
    clamped = Agent(env.observation_space, env.action_space, seed=1)
    clamped.clamp(dopamine=0.5)
    assert clamped.learn(env, 1000).returns.mean() < 0.1


def test_learn_follows_the_callback_protocol(tmp_path: Path) -> None:
    called: list[str] = []

    class Counts(Callback):
        def _init_callback(self) -> None:
            called.append("init")

        def _on_training_start(self) -> None:
            called.append("start")

        def _on_step(self) -> bool:
            assert self.locals["self"] is self.model and len(self.locals["rewards"]) == 1
            return self.n_calls < 40

        def _on_training_end(self) -> None:
            called.append("end")

    env, lines = Maze(), tmp_path / "log.csv"
    agent = Agent(env.observation_space, env.action_space, seed=1)
    seen: list[float] = []
    history = agent.learn(
        env,
        1000,
        callback=[Counts(), CSVLog(lines), lambda own, _: seen.append(own["rewards"][0])],
        progress=False,
    )
    assert called == ["init", "start", "end"]
    assert agent.num_timesteps == len(seen) == 40
    rows = lines.read_text().splitlines()
    assert rows[0] == "step,episode,return,length,dopamine,serotonin,norepinephrine"
    assert len(rows) == 1 + len(history)
    assert agent.learn(env, 1000, callback=lambda own, _: False).lengths.size == 0
    assert agent.num_timesteps == 41


@pytest.mark.long
def test_learning_stops_at_a_mean_return() -> None:
    env = Maze()
    agent = Agent(env.observation_space, env.action_space, seed=1)
    history = agent.learn(env, 20_000, callback=StopOnMeanReturn(0.5, episodes=10))
    assert agent.num_timesteps < 20_000
    assert history.returns[-10:].mean() >= 0.5 > history.returns[:10].mean() or len(history) == 10
