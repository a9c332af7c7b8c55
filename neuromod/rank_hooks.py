"""Hooks of a network on several processes: each process calls its own, and all agree on conditions and on the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.hooks import Hook
from neuromod.problems import shown
from neuromod.rank_link import Ranks

__all__ = ["RankHooked"]

Ints = NDArray[np.int64]
Called = Callable[[Any], object]


class RankHooked:
    """What a `RankSimulation` offers for hooks."""

    _sim: Any  # a Simulation
    _ranks: Ranks
    _stops = False  # whether a hook of this rank has asked for the end of the run

    def every(self, ms: float, function: Called) -> Hook:
        """Let runs call a function every so many ms of simulated time, on every rank.

        Parameters
        ----------
        ms : float, ms, > 0
            A whole number of steps.
        function : callable
            Called as ``function(sim)`` with this `RankSimulation`.

        Returns
        -------
        Hook
            ``hook.remove()`` ends it, on every rank.

        Raises
        ------
        ValueError, TypeError
            As of `Simulation.every`.

        Notes
        -----
        A hook sees the state of this rank's neurons and synapses, and may use the communicator where all ranks call it.
        What it writes to parameters, levels and rates must be the same on every rank; weights are those of its own
        synapses. A hook that raises ends all ranks.
        """
        return self._sim.every(ms, self._called(function))  # type: ignore[no-any-return]

    def at(self, ms: float, function: Called) -> Hook:
        """Let the run that comes to a time call a function there, once, on every rank.

        Parameters
        ----------
        ms : float, ms
            Simulated time, later than the present: a whole number of steps from the beginning.
        function : callable
            Called as ``function(sim)`` with this `RankSimulation`.

        Returns
        -------
        Hook

        Raises
        ------
        ValueError, TypeError
            As of `Simulation.at`.
        """
        return self._sim.at(ms, self._called(function))  # type: ignore[no-any-return]

    def when(self, condition: Called, function: Called | None = None, every: float | None = None) -> Hook:
        """Let runs look at a condition on every rank; where it is true on any, every rank calls a function, or stops.

        Parameters
        ----------
        condition : callable
            Called as ``condition(sim)`` with this `RankSimulation`; gives True or False.
        function : callable, optional
            Default: ``sim.stop()``, which ends the run at that step.
        every : float, ms, > 0, optional
            The condition is looked at every so many ms. Default: in every step.

        Returns
        -------
        Hook

        Raises
        ------
        ValueError, TypeError
            As of `Simulation.when`.
        """
        if not callable(condition):
            raise TypeError(f"condition: must be callable; got {shown(condition)}")

        def is_met(_: Any) -> bool:
            met = condition(self)
            if not isinstance(met, bool | np.bool_):
                raise TypeError(f"condition: must give True or False; got {shown(met)}")
            return self._ranks.any(bool(met))

        called = self._called(RankHooked.stop if function is None else function)
        return self._sim.when(is_met, called, every)  # type: ignore[no-any-return]

    def stop(self) -> None:
        """End the run at the end of this step, on all ranks; a hook of any rank calls it.

        Raises
        ------
        RuntimeError
            If no hook of a run calls it.
        """
        if not self._sim._session.agenda.acts:
            raise RuntimeError("stop: must be called by a hook of the run, which every or when makes")
        self._stops = True

    @property
    def spikes(self) -> Ints:
        """Ids of this rank's neurons that fired in the last completed step, ascending; int64, shape (n,). A copy."""
        fired = self._sim.spikes
        return fired[np.isin(fired, self.own_ids)]  # type: ignore[no-any-return]

    @property
    def own_ids(self) -> Ints:
        """Ids of the neurons that this rank steps."""
        raise NotImplementedError

    def _called(self, function: Called) -> Called:
        """The function, called with this object; a stop on any rank is one on all."""
        if not callable(function):
            raise TypeError(f"function: must be callable; got {shown(function)}")

        def call(_: Any) -> None:
            self._stops = False
            function(self)
            if self._ranks.any(self._stops):
                self._sim.stop()

        return call

    def _hooks(self) -> list[tuple[Any, ...]]:
        """What all ranks must have in common of their hooks."""
        return [
            (hook._steps, hook._once, hook._condition is not None) for hook in self._sim._session.agenda.hooks
        ]
