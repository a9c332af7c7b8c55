"""Tasks of decision neuroscience as gymnasium's environments; importing this registers them as ``neuromod/...``.

Where the package is installed, gymnasium finds them by itself, by the entry point ``gymnasium.envs``.
"""

from neuromod.agents.tasks.bandits import Bandit, ProbabilisticSelection, ReversalBandit, TwoStep
from neuromod.agents.tasks.base import Task
from neuromod.agents.tasks.control import DelayedReward, GoNoGo, NBack, StopSignal
from neuromod.agents.tasks.maze import Maze
from neuromod.agents.tasks.registered import register, task_names

__all__ = [
    "Bandit",
    "DelayedReward",
    "GoNoGo",
    "Maze",
    "NBack",
    "ProbabilisticSelection",
    "ReversalBandit",
    "StopSignal",
    "Task",
    "TwoStep",
    "register",
    "task_names",
]

register()
