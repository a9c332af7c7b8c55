"""The environments of agent_curves.py, with what an agent is given for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium

import neuromod.agents.tasks  # noqa: F401
from neuromod.agents import PlaceCells, encoder_for

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


def _pole_cells(space: Any) -> PlaceCells:
    return PlaceCells([-2.4, -2.5, -0.21, -3.0], [2.4, 2.5, 0.21, 3.0], places=(2, 3, 6, 6), grids=8)


_CHOICE = {"discount": 0.0, "critic_rate": 0.1}
TASKS: dict[str, AgentTask] = {
    "CartPole": AgentTask(
        _made("CartPole-v1"),
        150_000,
        {
            "discount": 0.97,
            "trace": 0.9,
            "reward_scale": 10.0,
            "critic_rate": 0.04,
            "actor_rate": 0.2,
            "noise": 0.5,
        },
        _pole_cells,
        clamped_seeds=10,
        solved=475.0,
        alpha=0.1,
    ),
    "FrozenLake": AgentTask(_made("FrozenLake-v1", is_slippery=False), 5000),
    "Maze": AgentTask(_made("neuromod/Maze-v0"), 4000),
    "DelayedReward": AgentTask(_made("neuromod/DelayedReward-v0"), 4000, {"discount": 0.9}),
    "Bandit": AgentTask(_made("neuromod/Bandit-v0"), 1500, {**_CHOICE, "actor_rate": 1.0}, alpha=0.1),
    "ReversalBandit": AgentTask(
        _made("neuromod/ReversalBandit-v0"),
        4000,
        {**_CHOICE, "evidence": 5.0, "noise": 0.4, "uncertainty_gain": 2.0},
    ),
    "GoNoGo": AgentTask(_made("neuromod/GoNoGo-v0"), 1500, {"discount": 0.0, "silent": 0}),
    "StopSignal": AgentTask(_made("neuromod/StopSignal-v0"), 4000),
    "NBack": AgentTask(_made("neuromod/NBack-v0", shown=True), 5000, {"discount": 0.0}),
    "ProbabilisticSelection": AgentTask(
        _made("neuromod/ProbabilisticSelection-v0"), 3000, _CHOICE, alpha=0.1
    ),
    "TwoStep": AgentTask(_made("neuromod/TwoStep-v0"), 6000, {"discount": 0.9}),
}
