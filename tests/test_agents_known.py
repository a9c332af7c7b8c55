"""Settings that the package knows for environments: they make agents, and the guide's table has them."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest

from neuromod import ConfigError

gymnasium = pytest.importorskip("gymnasium")

import neuromod.agents.tasks  # noqa: E402, F401
from neuromod.agents import Agent, Angles, Settings, VectorAgent, settings_for  # noqa: E402
from neuromod.agents.known import known_names  # noqa: E402
from neuromod.agents.registered import task_names  # noqa: E402

PAGE = resources.files("neuromod").joinpath("guide", "agents.md").read_text(encoding="utf-8")


def made(name: str) -> Any:
    if name.startswith("FrozenLake"):
        return gymnasium.make("FrozenLake-v1", is_slippery="not" not in name)
    return gymnasium.make(name)


@pytest.mark.parametrize("name", known_names())
def test_an_environment_and_its_name_have_the_same_settings_and_they_make_an_agent(name: str) -> None:
    env = made(name)
    assert repr(settings_for(env)) == repr(settings_for(name))
    settings_for(name)["discount"] = 0.123  # not kept
    agent = Agent(env.observation_space, env.action_space, seed=1, **settings_for(name))
    agent.learn(env, 20)
    assert agent.num_timesteps == 20 and agent.settings.discount != 0.123


@pytest.mark.parametrize("name", known_names())
def test_the_table_of_the_guide_has_the_settings(name: str) -> None:
    row = re.search(rf"^\| {re.escape(name)} \| (.*?) \| [\d,]+ \|$", PAGE, re.MULTILINE)
    assert row is not None
    own = settings_for(name)
    cells = own.pop("encoder", None)
    told = re.search(r"`(.*?)`", row[1])
    assert (told[1] if told else "") == ", ".join(f"{key}={value}" for key, value in own.items())
    assert ("place cells" in row[1]) == (cells is not None)
    assert cells is None or f"{cells.n_cells:,} place cells" in row[1]
    defaults = vars(Settings())
    assert all(value != defaults.get(key) for key, value in own.items())


def test_every_task_of_the_package_is_known() -> None:
    assert set(task_names()) <= set(known_names())


def test_what_tells_lakes_apart_is_looked_at() -> None:
    slippery, default = gymnasium.make("FrozenLake-v1", is_slippery=True), gymnasium.make("FrozenLake-v1")
    assert settings_for(slippery) == settings_for(default) != {}
    assert settings_for(gymnasium.make("FrozenLake-v1", is_slippery=False)) == {}
    envs = gymnasium.make_vec("Acrobot-v1", 2)
    assert isinstance(settings_for(envs)["encoder"], Angles)
    agents = VectorAgent(envs.single_observation_space, envs.single_action_space, 2, **settings_for(envs))
    assert agents[0].settings.noise == 2.0


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="env: must be one that settings are known for; got 'CartPole-v0'; did you"
    ):
        settings_for("CartPole-v0")
    with pytest.raises(ConfigError, match=r"got 'Blackjack-v1'; known are CartPole-v1, Acrobot-v1"):
        settings_for(gymnasium.make("Blackjack-v1"))
    with pytest.raises(ConfigError, match=r"env: must be made by gymnasium\.make, or a name; got None"):
        settings_for(None)
