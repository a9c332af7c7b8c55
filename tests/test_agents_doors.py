"""What agents, encoders and decoders refuse, and what they say of themselves."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from test_files import rewritten, set_in

from neuromod import ConfigError, FileError

gymnasium = pytest.importorskip("gymnasium")

from gymnasium import spaces  # noqa: E402

import neuromod.agents  # noqa: E402
from neuromod.agents import (  # noqa: E402
    Agent,
    CSVLog,
    OneHot,
    Parts,
    PlaceCells,
    PopulationCode,
    PopulationVector,
    Rates,
    TensorBoardLog,
    VectorAgent,
    Winner,
    decoder_for,
    encoder_for,
    evaluate,
)
from neuromod.agents.tasks import Maze  # noqa: E402


def small(n: int | None = None, **given: Any) -> Any:
    """An agent of three actions, or several."""
    sizes = (spaces.Discrete(4), spaces.Discrete(3))
    return Agent(*sizes, seed=1, **given) if n is None else VectorAgent(*sizes, n, seed=1, **given)


REFUSED: dict[str, tuple[type[Exception], Callable[[], Any], str]] = {
    "no action": (ConfigError, lambda: Winner([]), "n: must be at least one number; got none"),
    "actions without end": (
        ConfigError,
        lambda: Rates([0.0], [np.inf]),
        "low, high: must be finite; got [0.0], [inf]",
    ),
    "actions from nowhere": (
        ConfigError,
        lambda: PopulationVector([np.nan], [1.0]),
        "low, high: must be finite; got [nan], [1.0]",
    ),
    "actions of no number": (
        ConfigError,
        lambda: Rates([], []),
        "low, high: must be at least one number each; got none",
    ),
    "silent of no action": (
        ConfigError,
        lambda: decoder_for(spaces.Discrete(3), silent=3),
        "silent: must be an action of a Discrete space; got 3",
    ),
    "silent of a box": (
        ConfigError,
        lambda: decoder_for(spaces.Box(0.0, 1.0), silent=0),
        "silent: must be an action of a Discrete space; got 0",
    ),
    "silent twice": (
        ConfigError,
        lambda: small(decoder=Winner(3), silent=0),
        "silent: must not be given with decoder; give it to the decoder",
    ),
    "other shapes": (
        ConfigError,
        lambda: PlaceCells([0.0, 0.0], [1.0]),
        "low, high: must be as many numbers, at least one; got 2 and 1",
    ),
    "no numbers": (
        ConfigError,
        lambda: PopulationCode([], []),
        "low, high: must be as many numbers, at least one; got 0 and 0",
    ),
    "limits without end": (
        ConfigError,
        lambda: PlaceCells([-np.inf], [1.0]),
        "low, high: must be finite; got [-inf] and [1.0]: give the range that is met",
    ),
    "limits that are none": (
        ConfigError,
        lambda: PlaceCells([0.0], [np.nan]),
        "low, high: must be finite; got [0.0] and [nan]",
    ),
    "limits upside down": (
        ConfigError,
        lambda: PopulationCode([0.0, 1.0], [1.0, 1.0]),
        "low: must be below high; got [0.0, 1.0] and [1.0, 1.0]",
    ),
    "places of other numbers": (
        ConfigError,
        lambda: PlaceCells([0.0, 0.0], [1.0, 1.0], places=[3]),
        "places: must be a number or 2 numbers; got [3]",
    ),
    "no parts": (ConfigError, lambda: Parts([]), "encoders: must be at least one; got none"),
    "a short mask": (
        ValueError,
        lambda: small(2).predict([0, 1], mask=[True]),
        "mask: must be 2 values; got shape (1,)",
    ),
    "a mask of one value": (
        ValueError,
        lambda: small(2).predict([0, 1], mask=True),
        "mask: must be 2 values; got shape ()",
    ),
    "a mask of rows": (
        ValueError,
        lambda: small(2).predict([0, 1], mask=[[True, False], [False, True]]),
        "mask: must be 2 values; got shape (2, 2)",
    ),
    "learning by a number": (
        TypeError,
        lambda: setattr(small(), "learning", 1),
        "learning: must be True or False; got 1",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_named(what: str) -> None:
    kind, deed, message = REFUSED[what]
    with pytest.raises(kind, match=re.escape(message)):
        deed()


def test_learning_may_be_set() -> None:
    agent = small()
    agent.learning = False
    assert agent.learning is False


REPRS = {
    "Rates([0.0], [1.0], shape (1,), dtype=float32)": lambda: Rates([0.0], [1.0]),
    "PopulationCode([-1.0], [1.0], cells=5, active=2)": lambda: PopulationCode(-1.0, 1.0, cells=5, active=2),
    "_Joint([2, 3], [0, 1])": lambda: encoder_for(spaces.MultiDiscrete([2, 3], start=[0, 1])),
}


@pytest.mark.parametrize("words", REPRS)
def test_parts_say_what_they_are(words: str) -> None:
    assert repr(REPRS[words]()) == words


def test_parts_of_a_mapping_say_their_names() -> None:
    both = Parts({"cue": OneHot(2), "time": OneHot(5)})
    assert repr(both) == f"Parts({{'cue': {OneHot(2)!r}, 'time': {OneHot(5)!r}}})"


def test_the_module_lists_its_names() -> None:
    assert {"Agent", "evaluate", "PlaceCells"} <= set(dir(neuromod.agents))
    with pytest.raises(AttributeError, match=r"module 'neuromod\.agents' has no attribute 'Agnet'"):
        _ = neuromod.agents.Agnet


class Right:
    """No agent of ours: it always takes the same action."""

    def predict(self, observation: Any, deterministic: bool = False) -> tuple[int, None]:
        return 1, None


def test_another_agent_is_evaluated() -> None:
    assert evaluate(Right(), Maze(most_steps=5), 3).shape == (3,)  # type: ignore[arg-type]
    maze = Maze(most_steps=5)
    agent = Agent(maze.observation_space, maze.action_space, seed=1)
    agent.predict(0)
    assert evaluate(agent, maze, 2).shape == (2,)


def test_groups_compete_for_choices_and_not_for_rates() -> None:
    box = spaces.Box(-1.0, 1.0, (1,))
    made = [
        Agent(spaces.Discrete(2), box, seed=1, decoder=kind([-1.0], [1.0]))
        for kind in (PopulationVector, Rates)
    ]
    assert [len(agent.sim.projections) for agent in made] == [4, 3]


class Writer:
    """What tensorboardX writes with."""

    made: ClassVar[list[Writer]] = []

    def __init__(self, directory: str) -> None:
        self.directory, self.told, self.is_closed = directory, [], False
        Writer.made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.told.append(name)

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("log", [CSVLog, TensorBoardLog])
def test_the_end_of_what_never_began_does_nothing(
    log: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = ModuleType("tensorboardX")
    library.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", library)
    monkeypatch.setattr(Writer, "made", [])
    log(tmp_path / "log").on_training_end()
    assert not (tmp_path / "log").exists() and not Writer.made
    maze = Maze(most_steps=5)
    agent = Agent(maze.observation_space, maze.action_space, seed=1)
    agent.learn(maze, 10, callback=log(tmp_path / "log"))
    assert (log is CSVLog) == (tmp_path / "log").exists() == (not Writer.made)
    assert all(one.is_closed and "rollout/ep_rew" in one.told for one in Writer.made)


def test_ends_may_be_whole_numbers() -> None:
    """Environments of other libraries give 0 and 1."""
    ended, plain = small(2), small(2)
    for agents, ends in ((ended, [0, 1]), (plain, [False, True])):
        agents.predict([0, 1])
        agents.observe([1.0, 1.0], ends, [0, 0])
    assert [ended[k].sim.digest() for k in range(2)] == [plain[k].sim.digest() for k in range(2)]
    ended.predict([0, 1])
    with pytest.raises(ValueError, match="terminated: must be True or False; got 2"):
        ended.observe([1.0, 1.0], [0, 2], [0, 0])


def test_a_mode_that_is_none_is_refused() -> None:
    envs = gymnasium.vector.SyncVectorEnv([Maze] * 2)
    agents = VectorAgent(envs.single_observation_space, envs.single_action_space, 2, seed=1)
    envs.metadata = {**envs.metadata, "autoreset_mode": "sometimes"}
    rule = r"envs\.metadata\['autoreset_mode'\]: must be one of NextStep, SameStep, Disabled; got 'sometimes'"
    with pytest.raises(ConfigError, match=rule):
        agents.learn(envs, 4)
    assert agents.num_timesteps == 0


MIND = ("content", "agents", 0, "mind")
FORGED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no agents": (set_in("content", "agents", value=[]), "agents: must be a list of at least one; got []"),
    "agents of another kind": (
        set_in("content", "agents", value={"0": 1}),
        "agents: must be a list of at least one",
    ),
    "no truth": (set_in(*MIND, "learning", value=1), "mind.learning: must be True or False; got 1"),
    "no decision": (set_in(*MIND, "awaits", value=None), "mind.awaits: must be True or False; got None"),
    "a signal that is none": (set_in(*MIND, "signals", "tonic", value="x"), "signals.tonic: must be"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_file_is_refused(what: str, tmp_path: Path) -> None:
    change, message = FORGED[what]
    small().save(tmp_path / "good.npz")
    forged = rewritten(tmp_path / "good.npz", tmp_path / "forged.npz", change)
    with pytest.raises(FileError, match=re.escape(message)):
        Agent.load(forged, spaces.Discrete(4), spaces.Discrete(3))


def test_the_network_of_another_agent_is_refused(tmp_path: Path) -> None:
    small().save(tmp_path / "good.npz")
    forged = rewritten(
        tmp_path / "good.npz", tmp_path / "forged.npz", set_in("content", "cells_per_action", value=2)
    )
    rule = r"agents\[0\]\.simulation: must have the populations of an agent, .*'actor': 6.*; got .*'actor': 3"
    with pytest.raises(FileError, match=rule):
        Agent.load(forged, spaces.Discrete(4), spaces.Discrete(3))


def test_a_decision_of_a_file_without_a_value_teaches_nothing(tmp_path: Path) -> None:
    agent = small()
    agent.predict(1)
    agent.save(tmp_path / "good.npz")
    forged = rewritten(tmp_path / "good.npz", tmp_path / "forged.npz", set_in(*MIND, "value", value=None))
    again = Agent.load(forged, spaces.Discrete(4), spaces.Discrete(3))
    for each in (agent, again):
        each.observe(1.0, terminated=True)
    assert agent.levels["dopamine"] > 0.5 and again.levels["dopamine"] == 0.5


class Own(OneHot):
    """Cells of a user."""


def test_parts_of_a_user_are_told_by_class_and_sizes(tmp_path: Path) -> None:
    path = tmp_path / "agent.npz"
    small(encoder=Own(4)).save(path)
    assert Agent.load(path, spaces.Discrete(4), spaces.Discrete(3), encoder=Own(4)).seed == 1
    with pytest.raises(FileError, match=r"encoder: must be that which was saved, 'Own of 4, 1'"):
        Agent.load(path, spaces.Discrete(4), spaces.Discrete(3))
