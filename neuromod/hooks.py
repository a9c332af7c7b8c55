"""Hooks: functions that a run calls at the end of chosen steps, and that may read, write, or stop the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.closed import Closed, fixed
from neuromod.errors import say
from neuromod.near_names import names_near
from neuromod.problems import shown
from neuromod.timetable import FOREVER
from neuromod.units import steps_of

__all__ = ["Hook", "Hooked"]


_NAMED = 5
"""Hooks that a warning names."""


class Hook(Closed):
    """A function that runs call at the end of the steps divisible by a number; `every`, `at` and `when` make it.

    Parameters
    ----------
    sim : Simulation
    steps : int, >= 1
        It is due at the end of the steps divisible by it.
    function : callable
        Called with the simulation.
    condition : callable, optional
        Called with the simulation first; `function` is called only where it is true.
    once : bool, default False
        It is due at the end of that step alone.

    Notes
    -----
    Usable in ``with``, which removes it.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> with sim.every(10.0, lambda sim: None) as hook:
    ...     run = sim.run(100)
    >>> hook.calls, hook.is_on
    (10, False)
    """

    def __init__(
        self,
        sim: Any,
        steps: int,
        function: Callable[[Any], object],
        condition: Callable[[Any], object] | None = None,
        *,
        once: bool = False,
    ) -> None:
        self._sim, self._steps, self._function, self._condition = sim, steps, function, condition
        self._once = once
        self._calls = 0

    @property
    def calls(self) -> int:
        """How often the function has been called."""
        return self._calls

    @property
    def is_on(self) -> bool:
        """Whether it is called by runs."""
        return self in self._sim._session.agenda.hooks

    def remove(self) -> None:
        """Call it no more. It may be removed in its own function, too."""
        self._sim._session.remove_hook(self, "Hook.remove")

    def steps_to_next(self, step: int) -> int:
        """Steps from `step` to the next one at whose end it is due.

        Parameters
        ----------
        step : int, >= 0

        Returns
        -------
        int
        """
        if self._once:
            return self._steps - step if step < self._steps else FOREVER
        return self._steps - step % self._steps

    def is_due(self, step: int) -> bool:
        """Whether it is due at the end of a step.

        Parameters
        ----------
        step : int, >= 0

        Returns
        -------
        bool
        """
        return step == self._steps if self._once else step % self._steps == 0

    def call(self) -> None:
        """Look at the condition, then call the function."""
        if self._condition is not None:
            met = _core.at_once(self._condition, self._sim)
            if not isinstance(met, bool | np.bool_):
                raise TypeError(f"condition: must give True or False; got {shown(met)}")
            if not met:
                return
        self._calls += 1
        _core.at_once(self._function, self._sim)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    @property
    def words(self) -> str:
        """When it is called, and the name of its function."""
        word = "at" if self._once else "every"
        name = getattr(self._function, "__qualname__", type(self._function).__name__)
        return f"{word} {self._steps * self._sim.dt:g} ms {name.rpartition('<locals>.')[2]}"

    def __repr__(self) -> str:
        word = "at" if self._once else "every"
        return f"Hook({word}={self._steps * self._sim.dt:g} ms, calls={self._calls})"


def say_of_hooks(session: Any, what: str) -> None:
    """Warn of the hooks that are still to be called and that no file holds; the one that is being called is none."""
    agenda = session.agenda
    hooks = [each for each in agenda.hooks if each is not agenda.calling]
    words = [each.words for each in hooks if each.steps_to_next(session.step) < FOREVER]
    if words:
        more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
        named = ", ".join(words[:_NAMED]) + more
        say(f"{what}: a file holds no hooks ({named}); register them again after load")


class Hooked:
    """What a simulation offers for hooks."""

    _session: Any

    @names_near
    def every(self, ms: float, function: Callable[[Any], object]) -> Hook:
        """Let runs call a function every so many ms of simulated time.

        Parameters
        ----------
        ms : float, ms, > 0
            A whole number of steps. The function is called at the end of the steps at multiples of it, in runs alone
            and by `step`, from the next step on.
        function : callable
            Called as ``function(sim)``; what it returns is not looked at.

        Returns
        -------
        Hook
            ``hook.remove()`` ends it.

        Raises
        ------
        ValueError, TypeError
            If `ms` is no whole number of steps or `function` cannot be called. Nothing is added then.
        RuntimeError
            If another thread runs the simulation.

        Notes
        -----
        Hooks are called after the recorders have taken the step, in the order of their making. A hook may read
        everything; it sees the state at the end of the step, and reading changes no bit of the results. What it writes
        (columns, weights, levels, events, parameters, spike times, further hooks and monitors) acts from the next step
        on. It may not run the simulation nor change the structure of the network. A hook that raises ends the run: its
        step is done, the later hooks of that step are not called, and the simulation can go on.

        Hooks are not part of the state: `copy`, `to_dict` and pickle leave them out, and replicas have none.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> seen = []
        >>> hook = sim.every(20.0, lambda sim: seen.append(sim.time))
        >>> run = sim.run(50)
        >>> seen
        [20.0, 40.0]
        """
        return self._add_hook("every", steps_of(ms, self._session.dt, "ms", 1), function, None)

    @names_near
    def at(self, ms: float, function: Callable[[Any], object]) -> Hook:
        """Let the run that comes to a time call a function there, once.

        Parameters
        ----------
        ms : float, ms
            Simulated time, later than the present: a whole number of steps from the beginning.
        function : callable
            Called as ``function(sim)`` at the end of that step; what it returns is not looked at.

        Returns
        -------
        Hook
            ``hook.remove()`` ends it.

        Raises
        ------
        ValueError, TypeError
            If `ms` is no whole number of steps or not later than the present, or `function` cannot be called. Nothing
            is added then.
        RuntimeError
            If another thread runs the simulation.

        Notes
        -----
        As `every`. A simulation that is `reset` comes to the time again, and calls the function again.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> seen = []
        >>> hook = sim.at(30.0, lambda sim: seen.append(sim.time))
        >>> run = sim.run(50)
        >>> seen, hook.calls
        ([30.0], 1)
        """
        steps = steps_of(ms, self._session.dt, "ms", self._session.step + 1)
        return self._add_hook("at", steps, function, None, once=True)

    @names_near
    def when(
        self,
        condition: Callable[[Any], object],
        function: Callable[[Any], object] | None = None,
        every: float | None = None,
    ) -> Hook:
        """Let runs look at a condition, and call a function, or stop, where it is true.

        Parameters
        ----------
        condition : callable
            Called as ``condition(sim)`` at the end of steps; gives True or False.
        function : callable, optional
            Called as ``function(sim)`` each time that the condition is true. Default: ``sim.stop()``, which ends the
            run at that step.
        every : float, ms, > 0, optional
            The condition is looked at every so many ms, a whole number of steps. Default: in every step.

        Returns
        -------
        Hook

        Raises
        ------
        ValueError, TypeError
            If `every` is no whole number of steps, or what must be called cannot be. Nothing is added then.
        RuntimeError
            If another thread runs the simulation.

        Notes
        -----
        As `every`. A run that looks in every step pauses in every step.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> hook = sim.when(lambda sim: len(sim.spikes) >= 2)
        >>> run = sim.run(1000)
        >>> run["n_steps"] < 1000, len(sim.spikes) >= 2
        (True, True)
        """
        if not callable(condition):
            raise TypeError(f"condition: must be callable; got {shown(condition)}")
        steps = 1 if every is None else steps_of(every, self._session.dt, "every", 1)
        return self._add_hook("when", steps, _stop if function is None else function, condition)

    def stop(self) -> None:
        """End the run at the end of this step; a hook calls it.

        The other hooks of the step are called, too. The run gives its result as usual, with the steps that were done in
        ``n_steps``; the next run goes on from there, with the same bits as one that was not stopped.

        Raises
        ------
        RuntimeError
            If no hook of a run calls it.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> hook = sim.every(30.0, lambda sim: sim.stop())
        >>> sim.run(100)["n_steps"]
        30
        """
        self._session.agenda.stop()

    @property
    def spikes(self) -> NDArray[np.int64]:
        """Ids of the neurons that fired in the last completed step, ascending; int64, shape (n,). A copy, read-only."""
        found: NDArray[np.int64] = self._session.last_spikes()
        return fixed(found)

    def _add_hook(
        self,
        where: str,
        steps: int,
        function: Callable[[Any], object],
        condition: Callable[[Any], object] | None,
        once: bool = False,
    ) -> Hook:
        if not callable(function):
            raise TypeError(f"function: must be callable; got {shown(function)}")
        hook = Hook(self, steps, function, condition, once=once)
        self._session.add_hook(hook, where)
        return hook


def _stop(sim: Any) -> None:
    sim.stop()
