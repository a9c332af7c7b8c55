"""The environments of agent_curves.py, with what an agent is given for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import neuromod.agents.tasks  # noqa: F401
from neuromod.agents import PlaceCells, encoder_for, settings_for

__all__ = ["TASKS", "AgentTask"]


@dataclass(frozen=True)
class AgentTask:
    """An environment, and how long agents learn in it."""

    make: Callable[[], Any]
    steps: int
    settings: dict[str, Any] = field(default_factory=dict)
    encoder: Callable[[Any], Any] = encoder_for
    clamped_seeds: int = 10
    solved: float | None = None
    """Mean return of 100 episodes at which learning ends."""
    evaluated: int = 0
    """Episodes without learning and noise at the end."""
    alpha: float = 0.2
    """Learning rate of the table."""


def _made(name: str, **kwargs: Any) -> Callable[[], Any]:
    return lambda: gymnasium.make(name, **kwargs)


def _car_cells(space: Any) -> PlaceCells:
    return PlaceCells(space.low, space.high, places=8, grids=8)


class _Where(gymnasium.ObservationWrapper[Any, Any, Any]):
    """What a MiniGrid agent sees, as the number of its cell and direction: the room is empty, so that is all of it."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._width = env.unwrapped.width
        self.observation_space = gymnasium.spaces.Discrete(4 * self._width * env.unwrapped.height)

    def observation(self, observation: Any) -> int:
        """Place and direction."""
        inner: Any = self.env.unwrapped
        x, y = inner.agent_pos
        return int(4 * (y * self._width + x) + inner.agent_dir)


class _Turns(gymnasium.ActionWrapper[Any, Any, Any]):
    """Left, right and forward of MiniGrid's seven actions: there is nothing to pick up."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.action_space = gymnasium.spaces.Discrete(3)

    def action(self, action: Any) -> Any:
        """The same number."""
        return int(action)


def _mini_grid() -> Any:
    import minigrid  # type: ignore[import-not-found]  # noqa: F401

    return _Turns(_Where(gymnasium.make("MiniGrid-Empty-5x5-v0")))


class _Trials(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A trial of neurogym as an episode; what was seen in it so far is seen, too, as a mean."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        n = env.observation_space.shape[0]
        self.observation_space = gymnasium.spaces.Box(-1.0, 2.0, (2 * n,), np.float32)
        self._sum, self._steps = np.zeros(n), 0

    def reset(self, **how: Any) -> tuple[Any, dict[str, Any]]:
        """Begin a trial."""
        observation, info = self.env.reset(**how)
        self._sum, self._steps = np.zeros(len(observation)), 0
        return self._both(observation), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """As of the environment; a new trial ends the episode."""
        observation, reward, _, _, info = self.env.step(action)
        return self._both(observation), float(reward), bool(info["new_trial"]), False, info

    def _both(self, observation: Any) -> NDArray[np.float32]:
        self._sum += observation
        self._steps += 1
        both = np.concatenate([observation, self._sum / self._steps])
        return np.clip(both, -1.0, 2.0).astype(np.float32)


def _neurogym(name: str) -> Callable[[], Any]:
    def make() -> Any:
        import neurogym  # type: ignore[import-not-found]

        return _Trials(neurogym.make(name).unwrapped)

    return make


class _Bits:
    """One cell for each combination of what is there now and what has been there in this trial."""

    def __init__(self, space: Any) -> None:
        self.n_cells, self.n_active = 2 ** space.shape[0], 1
        self._worth = 2 ** np.arange(space.shape[0])

    def encode(self, observation: Any) -> NDArray[np.int64]:
        """Index of the cell that fires."""
        return np.array([(observation > 0.02) @ self._worth])


class _Compared:
    """Whether there is a stimulus now, and the difference of the means of the last two channels in this trial."""

    def __init__(self, space: Any) -> None:
        self._gap = PlaceCells([-0.4], [0.4], places=8, grids=4)
        self.n_cells, self.n_active = 2 * self._gap.n_cells, self._gap.n_active

    def encode(self, observation: Any) -> NDArray[np.int64]:
        """Indices of the cells that fire."""
        there = int(np.abs(observation[1 : len(observation) // 2]).sum() > 1e-6)
        return there * self._gap.n_cells + self._gap.encode(observation[-2:-1] - observation[-1:])


def _known(name: str, make: Callable[[], Any], steps: int, **how: Any) -> AgentTask:
    """An environment whose settings are those of the package."""
    own = settings_for(name)
    cells = own.pop("encoder", None)
    if cells is not None:
        how["encoder"] = lambda _: cells
    return AgentTask(make, steps, own, **how)


def _ours(name: str, steps: int, *, alpha: float = 0.2, **kwargs: Any) -> AgentTask:
    """A task of the package."""
    return _known(f"neuromod/{name}-v0", _made(f"neuromod/{name}-v0", **kwargs), steps, alpha=alpha)


TASKS: dict[str, AgentTask] = {
    "CartPole": _known(
        "CartPole-v1", _made("CartPole-v1"), 150_000, clamped_seeds=10, solved=475.0, alpha=0.1
    ),
    "Slippery": _known(
        "FrozenLake-v1, slippery",
        _made("FrozenLake-v1", is_slippery=True),
        60_000,
        evaluated=200,
        alpha=0.1,
    ),
    "Acrobot": _known("Acrobot-v1", _made("Acrobot-v1"), 60_000, solved=-100.0, evaluated=20, alpha=0.1),
    "MountainCar": AgentTask(
        _made("MountainCar-v0"),
        60_000,
        {
            "discount": 0.99,
            "trace": 0.9,
            "reward_scale": 3.0,
            "critic_rate": 0.1,
            "actor_rate": 0.5,
            "tonic_rate": 0.0,
            "noise": 2.0,
        },
        _car_cells,
        clamped_seeds=5,
    ),
    "MiniGrid": AgentTask(_mini_grid, 5000, clamped_seeds=10),
    "GoNogo of neurogym": AgentTask(_neurogym("GoNogo-v0"), 10_000, {"discount": 0.8}, _Bits),
    "PerceptualDecisionMaking of neurogym": AgentTask(
        _neurogym("PerceptualDecisionMaking-v0"), 20_000, {"discount": 0.5}, _Compared
    ),
    "DelayPairedAssociation of neurogym": AgentTask(
        _neurogym("DelayPairedAssociation-v0"), 30_000, {"discount": 0.8}, _Bits
    ),
    "FrozenLake": _known("FrozenLake-v1, not slippery", _made("FrozenLake-v1", is_slippery=False), 5000),
    "Maze": _ours("Maze", 4000),
    "DelayedReward": _ours("DelayedReward", 4000),
    "Bandit": _ours("Bandit", 1500, alpha=0.1),
    "ReversalBandit": _ours("ReversalBandit", 4000),
    "GoNoGo": _ours("GoNoGo", 1500),
    "StopSignal": _ours("StopSignal", 4000),
    "NBack": _ours("NBack", 5000, shown=True),
    "ProbabilisticSelection": _ours("ProbabilisticSelection", 3000, alpha=0.1),
    "TwoStep": _ours("TwoStep", 6000),
}
