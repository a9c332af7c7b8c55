"""An engine and the network that it runs, kept together while the network changes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import ReferenceType

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.agenda import Agenda, DueCall, Keeper, RateSchedule
from neuromod.beginning import Beginning
from neuromod.closed import Closed
from neuromod.diagnosis import explained
from neuromod.errors import say
from neuromod.lifecycle import LifeCycle
from neuromod.network.columns import MODELS
from neuromod.network.population import Population, populations_of
from neuromod.network.projection import Projection
from neuromod.network.store import SynapseStore
from neuromod.parallel import checked_threads

__all__ = ["Facts", "Session"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


_BEFORE = 1 << 62  # more than any step
_MANY_SYNAPSES = 1 << 20
_SHORTEST_PUBLISHED = min(
    (about["published_step"] for about in MODELS.values() if about["published_step"]), default=np.inf
)


class _Run:
    """What runs, for messages."""

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def __str__(self) -> str:
        return f"run of {self.n_steps} steps"


_ONE_STEP = _Run(1)


def _recorders(engine: _core.Engine) -> list[Any]:
    return [*engine.spike_recorders, *engine.sample_recorders, *engine.probes]


class Session:
    """The engine of one simulation. It is made on first use, and bound anew when the network has changed."""

    def __init__(
        self, store: SynapseStore, seed: int, dt: float, levels: _core.Levels | None, threads: int
    ) -> None:
        self.store, self.seed, self.dt = store, seed, dt
        store.columns.clocks.add(self)
        self._levels, self._threads = levels, threads
        self._engine: _core.Engine | None = None
        self.beginning = Beginning()
        self._former: tuple[int, Beginning] | None = (
            None  # where a run that goes on has noted more: its first step
        )
        self.keeps_beginning = True  # False: there is no going back, which saves the memory for it
        self._warned = False  # of an input that does not last
        self._warned_of_step = False  # one that is longer than that of a published model
        self._looked = -1  # the store's structure whose models were looked at for it
        self._ends = False  # while a run reports its end
        self._arrays = 0  # the store's count of moved arrays that the engine knows
        self._rejoined = 0  # likewise of rows that are joined otherwise
        self.gate = store.gate
        self.agenda = Agenda(self)
        self.life: LifeCycle | None = None  # where the neurons age
        self.monitors: list[ReferenceType[Any]] = []  # those made for the simulation, while somebody has them
        self.held: list[Any] = []  # monitors of a file, which nobody else has
        self.stored: dict[str, Any] = {}  # states in memory to go back to
        self._sources: list[_core.CurrentSource] = []  # those of an engine that is being replaced
        self._half = ""  # reset or restore, where one of them failed half-way

    @property
    def threads(self) -> int:
        """Threads that a run may use."""
        return self._threads

    @threads.setter
    def threads(self, value: int) -> None:
        self._threads = value
        if self._engine is not None:
            self._engine.threads = value

    @property
    def step(self) -> int:
        """Completed steps."""
        return 0 if self._engine is None else self._engine.step

    def bound(self) -> _core.Engine:
        """The engine, bound to the network as it is now.

        Raises
        ------
        RuntimeError
            If another simulation of the network runs.
        """
        engine, store = self._engine, self.store
        if self._half:
            raise RuntimeError(
                f"{self._half}: was left half done, for want of memory; call it again before all else"
            )
        if engine is not None and (engine.running or self._ends):
            return engine  # the network stays as it is
        with self.gate.change("simulation"):
            if engine is None:
                engine = _core.Engine(store.layout(self._threads), self.dt, self.seed, self._levels)
                engine.threads, engine.gate = self._threads, self.gate
                engine.agenda = self.agenda if self.agenda else None
                self._attach(engine)
                self._engine = engine
            elif engine.version != store.structure or (store.keeper is not engine and engine.keepers):
                engine.bind(store.layout(self._threads, engine))
                self._attach(engine)
            elif store.rejoined != self._rejoined or self._threads > store.threads:
                engine.rejoin(store.layout_again(self._threads))
                self._rejoined = store.rejoined
                self._lend_weights(engine)  # `rejoin` takes those of plain static projections alone
            elif store.moves != self._arrays:
                self._lend_weights(engine)
        return engine

    @contextlib.contextmanager
    def going_back(self, what: str) -> Iterator[_core.Engine]:
        """A block that brings an earlier state back. Where it fails, nothing but the same call may follow.

        Its value is the engine of the state that is left.
        """
        half, self._half = self._half, ""
        try:
            engine = self.bound()
        except BaseException:
            self._half = half
            raise
        try:
            yield engine
        except BaseException:
            self._half = what
            raise

    def _lend_weights(self, engine: _core.Engine) -> None:
        engine.lend_weights([table.weights.live.get("weight") for table in self.store.tables])
        self._arrays = self.store.moves

    def _attach(self, engine: _core.Engine) -> None:
        self.store.attach(engine)
        self._arrays, self._rejoined = self.store.moves, self.store.rejoined

    def prepared(self) -> _core.Engine:
        """The engine, with everything that users have written since checked and handed over."""
        if not self.gate.foreign:
            self.store.check_written(self.step)
        engine = self.bound()
        if not self.gate.foreign:
            self.take_up()
        return engine

    def take_up(self) -> None:
        """Everything that users have written goes to the engine, and is checked."""
        engine = self._engine
        if engine is None:
            return
        self.store.check_written(self.step)
        self.store.resume()
        if self.store.moves != self._arrays:
            self._lend_weights(engine)
        engine.write_joined()
        try:
            engine.prepare()
        except _core.CoreFailure as failure:
            raise explained(engine, failure) from None

    def schedule(self, ids: Ints, spikes: Ints) -> None:
        """Let sources fire at exact steps, in place of what was set for them. `spikes`: (step, id), of these ids."""
        self.gate.check_own("set_spike_times")
        with self.gate:
            self.prepared().add_schedule(ids, spikes[:, 0], spikes[:, 1])

    # ---- what is due between steps, and current sources -------------------------------------------------------

    def add_hook(self, hook: DueCall, where: str) -> None:
        """A further hook from now on."""
        self.gate.check_own(where)
        self.agenda.hooks.add(hook)
        self._lend_agenda()

    def remove_hook(self, hook: DueCall, where: str) -> None:
        """One hook less from now on."""
        self.gate.check_own(where)
        self.agenda.hooks.remove(hook)
        self._lend_agenda()

    def set_last(self, last: list[Keeper], where: str) -> None:
        """Others that are called after the hooks from now on."""
        self.gate.check_idle(where)
        self.agenda.last = last
        self._lend_agenda()

    def is_before_deaths(self) -> bool:
        """Whether a run is at the end of a step whose deaths and births are still to come."""
        return self.gate.running and self.life is not None and self.life.acts_after(self.step)

    def set_rates(self, rates: list[RateSchedule], where: str) -> None:
        """Other rates that vary in time; those that are new and due hold from now on."""
        self.gate.check_own(where)
        with self.gate:
            old = {id(each) for each in self.agenda.rates}
            self.agenda.rates = rates
            for each in rates:
                if id(each) not in old and each.is_due(self.step):
                    each.apply(self.store, self.step, self.dt)
            self._lend_agenda()

    def _lend_agenda(self) -> None:
        """An engine without an agenda takes no notice of it."""
        if self._engine is not None:
            self._engine.agenda = self.agenda if self.agenda else None

    def set_sources(self, sources: list[_core.CurrentSource], where: str) -> None:
        """Other current sources from the next step on."""
        self.gate.check_own(where)
        with self.gate:
            self.bound().set_sources(sources)

    def recorders(self) -> list[_core.SampleRecorder]:
        """What records columns of neurons."""
        return [] if self._engine is None else list(self._engine.sample_recorders)

    @property
    def deaths(self) -> int:
        """Neurons that died in the last run."""
        return 0 if self.life is None else self.life.deaths

    @property
    def births(self) -> int:
        """Neurons that were born in the last run."""
        return 0 if self.life is None else self.life.births

    def last_spikes(self) -> Ints:
        """Ids of the neurons that fired in the last step."""
        with self.gate:
            return self.bound().spikes()

    def begin(self, turn: Any, what: object, n_steps: int) -> _core.Engine:
        """A run begins: the engine, bound, with what users have written. It ends with the block of `turn`; `end` is to
        follow. RuntimeError at once if the network, or its modulators, are being run. A run of no step is none: what is
        there may still change."""
        self.gate.check_idle("run")
        if n_steps:
            self._warn_of_step()
        with self.gate:
            self.store.check_written(self.step)
            before = self._engine, self.beginning.is_noted
            engine = self.bound()
            self._note_beginning(engine, n_steps)
            if (
                before != (engine, self.beginning.is_noted)
                and sum(map(len, self.store.tables)) >= _MANY_SYNAPSES
            ):
                _core.trim_heap()  # of what connecting and this have left free
            self.store.resume()
            turn.begin(self.gate, self._levels, what, self._abandon)
        return engine

    def end(self, turn: Any) -> None:
        """The run is over, if it has begun in that turn."""
        if turn.has_begun(self.gate):
            self._take_back_note()

    def _abandon(self) -> None:
        """In a process forked during a run, which does not go on there."""
        if self._engine is not None:
            self._engine.abandon()
        if self._levels is not None:
            self._levels.end(self.gate)

    def run(
        self,
        n_steps: int,
        rows: Floats | None = None,
        ids: Ints | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[int, Ints]:
        """Advance n_steps; `rows`: input currents of each step for the neurons `ids`.

        Returns the completed steps, and the spikes of each neuron in this run.
        """
        self._warn_of_input(n_steps)
        if self.life is not None:
            return self.life.run(n_steps, rows, ids, progress)
        return self.stretch(n_steps, rows, ids, progress)

    def stretch(
        self, n_steps: int, rows: Floats | None, ids: Ints | None, progress: Callable[[int], None] | None
    ) -> tuple[int, Ints]:
        """A run, or a part of it, in which no neuron dies."""
        turn = _core.turn()
        try:
            with turn:
                engine = self.begin(turn, _Run(n_steps), n_steps)
                with _core.whole_steps():
                    done = self._stretch(engine, n_steps, rows, ids, progress)
        finally:
            self.end(turn)
        return done

    def _stretch(
        self,
        engine: _core.Engine,
        n_steps: int,
        rows: Floats | None,
        ids: Ints | None,
        progress: Callable[[int], None] | None,
    ) -> tuple[int, Ints]:
        first = engine.step
        try:
            columns = self.store.columns
            now = columns.buffers["spike_count"][: columns.n]
            counts = -now
            engine.run(n_steps, rows, ids, None if progress is None else self._reporting(progress))
            counts += now  # in place: after the run nothing is to fail for want of memory
            if progress is not None and self.life is None:  # the core does not report the last slice
                self._ends = True
                try:
                    _core.at_once(progress, engine.step - first)
                finally:
                    self._ends = False
                if self.gate.running:  # it does not in a process forked by the callback
                    self.take_up()
            return engine.step, counts
        except _core.CoreFailure as failure:
            raise explained(engine, failure) from None

    def advance(self) -> tuple[int, Ints]:
        """Advance one step; the completed steps, and the ids of the neurons that fired."""
        return self.stretch_one() if self.life is None else self.life.advance()

    def stretch_one(self) -> tuple[int, Ints]:
        """One step, without deaths and births."""
        turn = _core.turn()
        try:
            with turn:
                engine = self.begin(turn, _ONE_STEP, 1)
                try:
                    if self.agenda:
                        with _core.whole_steps():
                            engine.run(1)
                    else:
                        engine.run(1)
                    return engine.step, engine.spikes()
                except _core.CoreFailure as failure:
                    raise explained(engine, failure) from None
        finally:
            self.end(turn)

    def _warn_of_input(self, n_steps: int) -> None:
        """Once: an `external_input` is an input of the next step alone."""
        if n_steps > 1 and not self._warned and np.any(self.store.columns.column("external_input")):
            self.prepared()  # what is wrong comes first
            self._warned = True
            say("external_input: acts in the first of the steps alone, then it is cleared; i_offset lasts")

    def _warn_of_step(self) -> None:
        """Once: steps are longer than those of the published scheme of a model."""
        structure = self.store.structure
        if self._warned_of_step or self.dt <= _SHORTEST_PUBLISHED or self._looked == structure:
            return
        self._looked = structure
        there = np.unique(self.store.columns.column("model"))
        for name, about in (list(MODELS.items())[k] for k in there):
            if 0.0 < (longest := about["published_step"]) < self.dt:
                self._warned_of_step = True
                say(
                    f"dt: {name} is published for steps of at most {longest:g} ms, and fires at other rates in longer "
                    f"ones, at last in nearly every step; got {self.dt:g} ms"
                )

    def _reporting(self, progress: Callable[[int], None]) -> Callable[[int], None]:
        def report(done: int) -> None:
            with _core.aside([self.gate]):  # other threads may read meanwhile
                _core.at_once(progress, done)
            if self.gate.running:  # it does not in a process forked by the callback
                self.take_up()

        return report

    # ---- the beginning ---------------------------------------------------------------------------------------

    def _take_back_note(self) -> None:
        """A run that has failed before its first step has noted nothing: what is there may still change."""
        former, self._former = self._former, None
        if former is None:
            return
        if former[0] == self.step:
            self.beginning = former[1]
        del former
        self.store.hold_epoch()  # which lets go of numberings that nobody needs any more

    @property
    def _level(self) -> Floats | None:
        return None if self._levels is None else self._levels.level_buffer

    def _note_beginning(self, engine: _core.Engine, n_steps: int) -> None:
        if engine.step == 0:
            engine.start()
        self._take_back_note()
        if n_steps and self.keeps_beginning and (engine.step == 0 or self.beginning.is_noted):
            noted = self.beginning.noted(self.store, self._level, engine.schedule_arrays())
            if noted is not self.beginning:
                self.beginning, self._former = noted, (engine.step, self.beginning)

    def reset(self, weights: bool, parameters: bool) -> None:
        """Go back to the beginning; recorders end, and before that a warning says how many there are."""
        with self.gate.change("reset"):
            if self.step and not self.beginning.is_noted:
                raise RuntimeError("reset: needs the beginning, which the saved state does not have")
            self.agenda.go_back("reset")
            self.store.check_written(self.step)
            if not self.beginning.is_noted:
                self.bound()
                return
            rates = self.agenda.rates_at(0, self.dt)
            if not self._half and (n := len(_recorders(self.bound()))):
                end = "1 monitor ends" if n == 1 else f"{n} monitors end"
                say(f"reset: {end}; what was recorded stays, make new ones for what follows")
            with self.going_back("reset") as engine:
                recorders = _recorders(engine)
                self._sources = engine.sources or self._sources
                for recorder in recorders:
                    engine.remove_recorder(recorder)
                self.store.resume()
                self.beginning.restore(self.store, self._level, weights, parameters, self.agenda.rated())
                for schedule, row in rates:
                    schedule.write(self.store, row)
                if self._levels is not None:
                    np.copyto(self._levels.level_buffer, held := self._levels.clamped, where=~np.isnan(held))
                self._engine = None
                new = self.bound()  # the engine starts at the columns as they are now
                new.set_schedule(*self.beginning.schedule)
                for source in self._sources:
                    source.state[:] = np.nan
                new.set_sources(self._sources)
                self._sources = []

    def begin_again(self) -> None:
        """The next engine is a new one."""
        self._engine = None

    # ---- state -----------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that is the simulation's, but its modulators' levels; and not the model's."""
        with self.gate:
            engine = self.prepared()
            rates = {"rates": self.agenda.saved()} if self.agenda.rates else {}
            return rates | {
                "seed": self.seed,
                "dt": self.dt,
                "engine": engine.state(),
                "schedule": engine.schedule_arrays(),
            }

    def restore(
        self,
        engine_state: dict[str, Any],
        schedule: tuple[Ints, Ints],
        rates: Sequence[RateSchedule] = (),
    ) -> None:
        """Take over the engine's part of `state`, and rates that vary in time, of this very network."""
        self.agenda.rates = list(rates)
        engine = self.bound()
        engine.set_state(engine_state)
        engine.set_schedule(*schedule)
        self._restore_births(engine, engine_state.get("born", {}))

    def _restore_births(self, engine: _core.Engine, born: dict[str, Ints | int]) -> None:
        """Steps in which synapses were made that are younger than spikes under way; all others are old.

        The store counts its changes from 0; counts below 0 stand for the steps in which these synapses were made.
        """
        for table in self.store.tables:
            table.since = born[table.name] - _BEFORE if table.name in born else 0
        steps = np.unique(np.concatenate([np.ravel(step) for step in born.values()])) if born else ()
        births = [(-_BEFORE - 1, 0), *((int(step) - _BEFORE, int(step)) for step in steps)]
        engine.set_births([*births, (self.store.version, 0)], born)


class Facts(Closed):
    """Where a simulation stands."""

    _session: Session

    _HINTS = {  # noqa: RUF012
        "seed": "it is fixed when the simulation is made; copy(seed=...) goes on with another",
        "dt": "it is fixed when the simulation is made",
        "model": "it is fixed when the simulation is made",
        "neuromodulation": "it is fixed when the simulation is made; its levels and parameters may be set",
        "projections": "connect makes them",
        "populations": "create makes them",
    }

    @property
    def seed(self) -> int:
        """The seed in use, 0 .. 2**64 - 1."""
        return self._session.seed

    @property
    def dt(self) -> float:
        """Length of a step, ms."""
        return self._session.dt

    @property
    def threads(self) -> int:
        """Threads that a run may use; may be set. The bits are the same for any number."""
        return self._session.threads

    @threads.setter
    def threads(self, value: int) -> None:
        self._session.threads = checked_threads(value)

    @property
    def _engine(self) -> _core.Engine:
        """The engine, bound to the network as it is now."""
        return self._session.bound()

    @property
    def current_step(self) -> int:
        """Number of completed steps."""
        return self._session.step

    @property
    def time(self) -> float:
        """Simulated time, ms."""
        return self._session.step * self._session.dt

    @property
    def projections(self) -> Mapping[str, Projection]:
        """The model's projections by name, read-only."""
        return self._session.store.projections

    @property
    def populations(self) -> Mapping[str, Population]:
        """The model's areas, and the populations that `create` made, by name; read-only."""
        return populations_of(self._session.store.areas)
