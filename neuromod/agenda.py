"""What a run does between steps at given times: rates that change, and hooks. The engine calls an `Agenda`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.arguments import checked_array
from neuromod.state import SavedPart
from neuromod.timetable import FOREVER, Due, Timetable

__all__ = ["Agenda", "DueCall", "Keeper", "RateSchedule"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class DueCall(Due, Protocol):
    """A hook as the agenda sees it."""

    def call(self) -> None:
        """Do it."""
        ...


class Keeper(DueCall, Protocol):
    """What keeps the state or the records at the end of a step, as the agenda sees it."""

    def go_back(self, where: str) -> None:
        """The simulation is about to go back in time; RuntimeError where that cannot be kept."""
        ...


class RateSchedule:
    """Rates of Poisson neurons by time: in rows that begin at given steps, or from a function.

    `steps`: completed steps at which row k begins, ascending. `period` > 0: the rows are gone through again and again,
    every so many steps. `function`: called with a time in ms every `period` steps; then there are no rows.
    """

    def __init__(
        self,
        ids: Ints,
        steps: Ints,
        rates: Floats,
        period: int = 0,
        function: Callable[[float], ArrayLike] | None = None,
    ) -> None:
        self.ids, self.steps, self.rates, self.period, self.function = ids, steps, rates, period, function

    def _within(self, step: int) -> int:
        """The step, within the first period."""
        first = int(self.steps[0])
        return first + (step - first) % self.period if self.period and step > first else step

    def is_due(self, step: int) -> bool:
        """Whether rates change at the end of `step`."""
        if self.function is not None:
            return step >= self.steps[0] and (step - int(self.steps[0])) % self.period == 0
        within = self._within(step)
        at = int(np.searchsorted(self.steps, within))
        return at < len(self.steps) and int(self.steps[at]) == within

    def steps_to_next(self, step: int) -> int:
        """Steps to the next change after `step`."""
        first = int(self.steps[0])
        if step < first:
            return first - step
        if self.function is not None:
            return self.period - (step - first) % self.period
        within = self._within(step)
        at = int(np.searchsorted(self.steps, within, side="right"))
        if at < len(self.steps):
            return int(self.steps[at]) - within
        return first + self.period - within if self.period else FOREVER

    def row(self, step: int, dt: float) -> Floats:
        """The rates, Hz, that hold after `step`; one for all, or one for each neuron."""
        if self.function is not None:
            return checked_rates(self.function(step * dt), f"rate at {step * dt:g} ms", len(self.ids), dt)
        found: Floats = self.rates[int(np.searchsorted(self.steps, self._within(step), side="right")) - 1]
        return found

    def apply(self, store: Any, step: int, dt: float) -> None:
        """Write the rates that hold after `step`."""
        self.write(store, self.row(step, dt))

    def write(self, store: Any, row: Floats) -> None:
        """Write rates that `row` has given; neurons that were removed have none."""
        values = np.broadcast_to(row, self.ids.shape)
        columns = store.columns
        there = np.isin(self.ids, columns.buffers["id"][: columns.n])
        slots = np.searchsorted(columns.buffers["id"][: columns.n], self.ids[there])
        columns.buffers["rate"][slots] = values[there]

    def saved(self, known: Ints | None = None) -> dict[str, Any]:
        """All of it, as `checked_schedule` takes it; a function is not in it. `known`: ids of the network, without
        those that were removed since."""
        there = np.ones(len(self.ids), bool) if known is None else np.isin(self.ids, known)
        each = self.rates.shape[1] == len(there)  # one rate for each neuron, or one for all
        return {
            "ids": self.ids[there],
            "steps": self.steps.copy(),
            "rates": self.rates[:, there] if each and not there.all() else self.rates.copy(),
            "period": self.period,
        }


def checked_rates(values: ArrayLike, where: str, n: int, dt: float) -> Floats:
    """Rates, Hz: a number, or one for each of n neurons; each at most one spike a step."""
    rates = np.atleast_1d(checked_array(values, where)).astype(np.float64)
    if rates.shape not in ((1,), (n,)):
        raise ValueError(f"{where}: must be a number or one for each of {n} neurons; got shape {rates.shape}")
    check_domain(rates, where, dt)
    return rates


def check_domain(rates: Floats, where: str, dt: float) -> None:
    """Refuse rates that are not from 0 to one spike a step."""
    most = 1000.0 / dt
    good = (rates >= 0.0) & (rates <= most)
    if not np.all(good):
        raise ValueError(
            f"{where}: must be from 0 to {most:g} Hz, one spike a step; got {float(rates[~good].flat[0])}"
        )


def checked_schedule(part: SavedPart, known: Ints, dt: float) -> RateSchedule | None:
    """The schedule that was saved; None where something is wrong, which the part notes."""
    part.only("ids", "steps", "rates", "period")
    ids, steps = part.array("ids", "i8", (None,), 0), part.array("steps", "i8", (None,), 0, 2**61)
    period = part.whole("period", 0, 2**61)
    if ids is None or steps is None or period is None:
        return None
    rates = part.array("rates", "f8", (len(steps), None))
    if not np.isin(ids, known).all() or len(np.unique(ids)) != len(ids):
        part.wrong("ids", "must be ids of the network, each once", ids)
    elif not len(steps) or np.any(np.diff(steps) <= 0) or (period and steps[-1] - steps[0] >= period):
        part.wrong("steps", "must ascend, within the period", steps)
    elif rates is not None and rates.shape[1] not in (1, len(ids)):
        part.wrong("rates", f"must have 1 or {len(ids)} columns", rates.shape)
    elif rates is not None and not np.all((rates >= 0.0) & (rates <= 1000.0 / dt)):
        part.wrong("rates", f"must be from 0 to {1000.0 / dt:g} Hz", rates)
    elif rates is not None:
        return RateSchedule(ids, steps, rates, period)
    return None


class Agenda:
    """What is due between the steps of one simulation: first its rates change, then its hooks are called."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._rates: Timetable[RateSchedule] = Timetable()
        self.hooks: Timetable[DueCall] = Timetable()
        self.last: list[Keeper] = []  # called after the hooks: what keeps the state of the end of the step
        self.calling: DueCall | None = None  # the hook that is being called
        self._acting = False
        self._stop = False
        self.stopped = False  # whether a hook has ended the last run

    @property
    def rates(self) -> list[RateSchedule]:
        """The rates that vary in time, in the order of their making."""
        return list(self._rates)

    @rates.setter
    def rates(self, rates: Iterable[RateSchedule]) -> None:
        self._rates = Timetable(rates)

    @property
    def acts(self) -> bool:
        """Whether a hook is being called."""
        return self._acting

    def rates_at(self, step: int, dt: float) -> list[tuple[RateSchedule, Floats]]:
        """The schedules whose rates change at the end of `step`, and the rates."""
        return [(each, each.row(step, dt)) for each in self._rates if each.is_due(step)]

    def rated(self) -> Ints:
        """Ids of the neurons whose rates vary by themselves."""
        return np.concatenate([np.empty(0, np.int64), *(each.ids for each in self._rates)])

    def _all(self) -> list[Due]:
        return [self._rates, self.hooks, *self.last]

    def __bool__(self) -> bool:
        return bool(self._rates or self.hooks or self.last)

    def steps_to_next(self, step: int) -> int:
        """Steps to the next one at whose end something is due, >= 1."""
        return min(each.steps_to_next(step) for each in self._all())

    def is_due(self, step: int) -> bool:
        """Whether something is due at the end of `step`."""
        return any(each.is_due(step) for each in self._all())

    def act(self, step: int) -> bool:
        """Do what is due at the end of `step`; whether the run is to stop there."""
        session = self._session
        rates = self._rates.due(step)
        if rates:
            self._change_rates(rates, step)
        hooks = [*self.hooks.due(step), *(each for each in self.last if each.is_due(step))]
        if hooks:
            if session.life is not None:
                session.life.age()
            self._call(hooks)
        self.stopped, self._stop = self._stop, False
        return self.stopped

    def _change_rates(self, rates: list[RateSchedule], step: int) -> None:
        for each in rates:
            each.apply(self._session.store, step, self._session.dt)
        self._session.take_up()

    def _call(self, hooks: list[DueCall]) -> None:
        session = self._session
        session.gate.leave()  # other threads may read meanwhile
        self._acting, self._stop = True, False
        try:
            for hook in hooks:
                self.calling = hook
                hook.call()
        except BaseException:
            self._stop = False
            raise
        finally:
            self._acting, self.calling = False, None
            session.gate.enter()
        if session.gate.running:  # it does not in a process forked by a hook
            session.take_up()

    def stop(self) -> None:
        """End the run after the hooks of this step."""
        if not self._acting or self._session.gate.foreign:
            raise RuntimeError("stop: must be called by a hook of the run, which every or when makes")
        self._stop = True

    def go_back(self, where: str) -> None:
        """The simulation is about to go back in time."""
        for each in self.last:
            each.go_back(where)

    def check_can_be_saved(self, what: str) -> None:
        """Refuse to save what only a program can say."""
        if any(each.function is not None for each in self._rates):
            raise ValueError(
                f"{what}: must not have a rate given by a function, which cannot be saved; remove the RateSource, "
                "or give it an array"
            )

    def saved(self) -> list[dict[str, Any]]:
        """The rates, for `state`; not the hooks."""
        known = self._session.store.columns.column("id")
        return [each.saved(known) for each in self._rates]

    def copied(self) -> list[RateSchedule]:
        """The rates, for a copy of the simulation; not the hooks."""
        return [
            RateSchedule(each.ids, each.steps, each.rates, each.period, each.function) for each in self.rates
        ]
