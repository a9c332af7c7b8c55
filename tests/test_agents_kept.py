"""Of agents: the history of an interrupted call, tables, encoders that cannot be changed."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import neuromod

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is an extra")
agents = pytest.importorskip("neuromod.agents")


def lake() -> Any:
    return gymnasium.make("FrozenLake-v1", is_slippery=False)


def press_after(steps: int) -> Any:
    """A callback that presses Ctrl-C."""

    def press(local: dict[str, Any], _: dict[str, Any]) -> None:
        if local["self"].num_timesteps >= steps:
            raise KeyboardInterrupt

    return press


def test_the_episodes_of_an_interrupted_call_are_kept() -> None:
    """They were lost, and the interrupt had no word."""
    env = lake()
    agent = agents.Agent(env.observation_space, env.action_space, seed=1)
    assert agent.history is None
    with pytest.raises(
        KeyboardInterrupt, match="learn: was interrupted after 300 of 1,000 steps; what is learned"
    ):
        agent.learn(env, 1000, callback=press_after(300))
    kept = agent.history
    assert len(kept) > 10
    assert agents.Agent(env.observation_space, env.action_space, seed=1).learn(env, 300).ends == kept.ends
    assert agent.learn(env, 100) is agent.history


def test_the_episodes_of_several_are_kept() -> None:
    envs = gymnasium.make_vec("FrozenLake-v1", 2, is_slippery=False)
    pair = agents.VectorAgent(envs.single_observation_space, envs.single_action_space, 2, seed=1)
    with pytest.raises(KeyboardInterrupt, match="learn: was interrupted after 200 of 1,000 steps"):
        pair.learn(envs, 1000, callback=press_after(200))
    assert len(pair.history) > 5


def test_a_history_is_a_table() -> None:
    pytest.importorskip("pandas", reason="pandas is an extra")
    history = agents.History([1.0, 0.0], [7, 3], [7, 10], [0, 1])
    table = history.to_pandas()
    assert list(table.columns) == ["step", "environment", "return", "length"]
    assert table["return"].tolist() == [1.0, 0.0]


def test_a_history_names_what_it_has() -> None:
    """Of 2 episodes it gave the mean of the last 100."""
    history = agents.History([1.0, 0.0], [7, 3], [7, 10], [0, 1])
    assert repr(history) == "History(2 episodes, mean return of all 0.5)"
    for name, meant in (("rewards", "returns"), ("episode_rewards", "returns"), ("total", "totals")):
        with pytest.raises(
            AttributeError, match=f"^History.{name}: no such attribute; did you mean '{meant}'"
        ):
            getattr(history, name)
    for again in (copy.copy(history), copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert again == history


MADE = {
    "start": lambda: agents.OneHot(3),
    "places": lambda: agents.PlaceCells([0.0], [1.0]),
    "periodic": lambda: agents.PlaceCells([0.0], [1.0]),
    "active": lambda: agents.PopulationCode([0.0], [1.0]),
    "encoder": lambda: agents.Angles([(0, 1)], agents.PlaceCells([-1.0], [1.0])),
    "n_cells": lambda: agents.Parts([agents.OneHot(2)]),
    "silent": lambda: agents.Winner(3),
    "groups": lambda: agents.Rates([0.0], [1.0]),
}


@pytest.mark.parametrize("name", MADE)
def test_an_encoder_or_decoder_cannot_be_changed(name: str) -> None:
    """A write was taken and did nothing, as that of a misspelt name."""
    part = MADE[name]()
    with pytest.raises(AttributeError, match=f"{name}: is read-only; make another one"):
        setattr(part, name, 2)
    with pytest.raises(AttributeError, match=f"did you mean '{name}'"):
        setattr(part, name + "z", 2)
    with pytest.raises(AttributeError, match=f"did you mean '{name}'"):
        getattr(part, name + "z")
    for again in (copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        assert repr(again) == repr(part)


def test_an_encoder_of_ones_own_may_be_derived_from_ours() -> None:
    class Mine(agents.OneHot):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(3)
            self.seen = 0

        def encode(self, observation: Any) -> Any:
            self.seen += 1
            return super().encode(observation)

    mine = Mine()
    mine.encode(1)
    assert mine.seen == 1


def test_a_column_that_is_asked_for_as_an_attribute_is_found_in_brackets() -> None:
    """It was a plain AttributeError, where a run's result has a hint."""
    table = neuromod.sweep(lambda seed, drive: {"rate": 1.0}, {"drive": [1]})
    with pytest.raises(AttributeError, match=r"SweepTable.rate: no such attribute; it is \['rate'\]"):
        _ = table.rate
    with pytest.raises(AttributeError, match="did you mean 'to_pandas'"):
        _ = table.to_panda


def test_words_of_stable_baselines_are_answered_with_ours() -> None:
    env = lake()
    agent = agents.Agent(env.observation_space, env.action_space, seed=1)
    with pytest.raises(TypeError, match="learn: no argument 'total_timesteps'; did you mean 'steps'"):
        agent.learn(env, total_timesteps=100)
    with pytest.raises(TypeError, match="evaluate: no argument 'n_eval_episodes'; did you mean 'episodes'"):
        agents.evaluate(agent, env, n_eval_episodes=3)


def test_a_callback_that_cannot_be_called_is_refused_before_learning() -> None:
    """It was a TypeError of the callback after the first step."""
    env = lake()
    agent = agents.Agent(env.observation_space, env.action_space, seed=1)
    with pytest.raises(neuromod.ConfigError, match="callback: must take two arguments"):
        agent.learn(env, 10, callback=lambda: None)
    with pytest.raises(neuromod.ConfigError, match=r"LevelLog\(...\) is one"):
        agent.learn(env, 10, callback=agents.LevelLog)
    assert agent.num_timesteps == 0


def test_another_kind_of_file_says_what_reads_it(tmp_path: Path) -> None:
    env = lake()
    agents.Agent(env.observation_space, env.action_space, seed=1).save(tmp_path / "a.npz")
    for load in (neuromod.Simulation.load, neuromod.BrainModel.load):
        with pytest.raises(neuromod.FileError, match="got 'agent'; Agent"):
            load(tmp_path / "a.npz")
