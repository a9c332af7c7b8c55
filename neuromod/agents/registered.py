"""The names of the tasks in gymnasium's registry."""

from __future__ import annotations

from neuromod.optional import optional_module

__all__ = ["register", "task_names"]

_HOMES = {
    "Bandit": "bandits",
    "ReversalBandit": "bandits",
    "TwoStep": "bandits",
    "ProbabilisticSelection": "bandits",
    "DelayedReward": "control",
    "GoNoGo": "control",
    "StopSignal": "control",
    "NBack": "control",
    "Maze": "maze",
}


def task_names() -> list[str]:
    """Names for ``gymnasium.make``.

    Returns
    -------
    list of str

    Examples
    --------
    >>> task_names()[0]
    'neuromod/Bandit-v0'
    """
    return [f"neuromod/{name}-v0" for name in _HOMES]


def register() -> None:
    """Make the tasks known to ``gymnasium.make``; those that are known already stay as they are.

    Raises
    ------
    ModuleNotFoundError
        If gymnasium is missing; the message says what to install.

    Examples
    --------
    >>> import gymnasium
    >>> register()
    >>> gymnasium.make("neuromod/Bandit-v0").action_space
    Discrete(2)
    """
    gymnasium = optional_module("gymnasium", "rl", "neuromod.agents.tasks")
    for name, home in _HOMES.items():
        if f"neuromod/{name}-v0" not in gymnasium.registry:
            gymnasium.register(
                id=f"neuromod/{name}-v0",
                entry_point=f"neuromod.agents.tasks.{home}:{name}",
                vector_entry_point=f"neuromod.agents.tasks.vectors:Vector{name}",
            )
