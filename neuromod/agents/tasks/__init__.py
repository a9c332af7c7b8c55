"""Tasks of decision neuroscience as gymnasium's environments; importing this registers them as ``neuromod/...``.

Without an import, ``gymnasium.make("neuromod.agents.tasks:neuromod/Bandit-v0")`` does the same.
"""

from neuromod.agents.registered import register, task_names
from neuromod.agents.tasks.bandits import Bandit, ProbabilisticSelection, ReversalBandit, TwoStep
from neuromod.agents.tasks.base import Task
from neuromod.agents.tasks.control import DelayedReward, GoNoGo, NBack, StopSignal
from neuromod.agents.tasks.maze import Maze
from neuromod.agents.tasks.vector_base import VectorTask

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
    "VectorTask",
    "register",
    "task_names",
]

register()
