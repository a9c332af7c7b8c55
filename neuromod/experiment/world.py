"""Where the main job is computed: in this process alone, or by the ranks of MPI together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from neuromod.arguments import checked_seed
from neuromod.rank_link import Ranks

__all__ = ["RankWorld", "World"]

Simulation = Any
"""A `neuromod.simulation.Simulation`; this module does not import it."""
Runner = Any
"""What is built and run: a Simulation, or a RankSimulation."""


class World:
    """This process alone."""

    is_first = True

    def __init__(self, cls: Any) -> None:
        """`cls`: the class of runners."""
        self._cls = cls

    def make(self, model: Any, seed: int | None, system: Any) -> Runner:
        """A runner without neurons."""
        return self._cls(model, seed=seed, neuromodulation=system)

    def here(self, runner: Runner) -> Simulation:
        """What this process has of the network."""
        return runner

    def run(self, runner: Runner, n_steps: int, **given: Any) -> Any:
        """Advance."""
        return runner.run(n_steps, progress=False, **given)

    def whole(self, runner: Runner) -> Simulation | None:
        """The whole network, where this process is the first one."""
        return runner

    def resumed(self, sim: Simulation) -> Runner:
        """What goes on with a simulation that a checkpoint has."""
        return sim

    def any(self, value: bool) -> bool:
        """Whether it is so in some process."""
        return value

    def of_first(self, value: Any) -> Any:
        """What the first process gives."""
        return value

    def check_same(self, told: Mapping[str, Any]) -> None:
        """Refuse what differs from the first process."""

    def one_error(self) -> AbstractContextManager[None]:
        """A block whose error in one process is one in all."""
        return nullcontext()

    def together(self) -> AbstractContextManager[None]:
        """A block in which processes wait for each other: an error of one ends all."""
        return nullcontext()


class RankWorld(World):
    """The ranks of a communicator, of which this process is one."""

    def __init__(self, cls: Any, comm: Any = None) -> None:
        super().__init__(cls)
        self._ranks = Ranks(comm)
        self.is_first = self._ranks.rank == 0

    def make(self, model: Any, seed: int | None, system: Any) -> Runner:
        """A runner without neurons; a seed that is drawn is that of rank 0."""
        own = checked_seed(model._config.simulation.seed if seed is None else seed)
        return self._cls(self._ranks.comm, model, seed=self._ranks.of_first(own), neuromodulation=system)

    def here(self, runner: Runner) -> Simulation:
        """What this rank has of the network."""
        return runner._sim

    def run(self, runner: Runner, n_steps: int, **given: Any) -> Any:
        """Advance, on all ranks."""
        return runner.run(n_steps, **given)

    def whole(self, runner: Runner) -> Simulation | None:
        """The whole network on rank 0, None on the others."""
        return runner.gather()

    def resumed(self, sim: Simulation) -> Runner:
        """This rank's part of a simulation that every rank has read."""
        return self._cls.take(sim, self._ranks.comm)

    def any(self, value: bool) -> bool:
        """Whether it is so on some rank."""
        return self._ranks.any(value)

    def of_first(self, value: Any) -> Any:
        """What rank 0 gives."""
        return self._ranks.of_first(value)

    def check_same(self, told: Mapping[str, Any]) -> None:
        """Refuse what differs from rank 0."""
        self._ranks.check_same(told)

    def one_error(self) -> AbstractContextManager[None]:
        """A block whose error on one rank is one on all."""
        return self._ranks.one_error()

    def together(self) -> AbstractContextManager[None]:
        """A block in which the ranks wait for each other: an error of one ends all."""
        return self._ranks.together()
