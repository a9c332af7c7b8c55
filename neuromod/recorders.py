"""The base of the recorders: attached to one simulation, ended, copied and pickled with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.closed import Closed
from neuromod.problems import shown
from neuromod.tables import Tabled

__all__ = ["Monitor", "milliseconds", "monitor_again", "monitors_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Simulation(Protocol):
    """What a `neuromod.simulation.Simulation` offers here; this module does not import it."""

    _session: Any

    @property
    def model(self) -> Any: ...
    @property
    def neuromodulation(self) -> Any: ...
    @property
    def dt(self) -> float: ...
    @property
    def current_step(self) -> int: ...


def milliseconds(steps: Ints, sim: Simulation) -> Floats:
    """The ends of steps as times."""
    return np.multiply(steps, sim.dt, dtype=np.float64)


Recorder = TypeVar("Recorder", _core.SpikeRecorder, _core.SampleRecorder, _core.Probe)


class Monitor(Closed, Tabled, Generic[Recorder]):
    """A recorder of the core attached to one simulation; usable in ``with``, which ends it.

    May be made, read and stopped during a run, too: it then begins and ends at the border of a slice.
    """

    def __init__(self, sim: Simulation, recorder: Recorder) -> None:
        if not hasattr(type(sim), "add_synapse"):
            raise TypeError(f"sim: must be a Simulation; got {shown(sim)}")
        self._sim = sim
        self._recorder: Recorder = recorder
        with sim._session.gate:
            sim._session.bound().add_recorder(recorder)
        _register(self)

    def stop(self) -> None:
        """Record no further; what was recorded stays."""
        with self._sim._session.gate:
            self._sim._session.bound().remove_recorder(self._recorder)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied and pickled with its simulation and its records. A shallow copy records the same simulation."""
        with self._sim._session.gate:
            return monitor_again, (type(self), self._sim, self._own(), self._recorder.saved(), self._is_on())

    def _own(self) -> dict[str, Any]:
        """Its attributes, but what it shares with the simulation."""
        return {name: value for name, value in vars(self).items() if name not in ("_sim", "_recorder")}

    def _is_on(self) -> bool:
        """Whether it still records."""
        engine: _core.Engine = self._sim._session.bound()
        return any(
            each is self._recorder
            for each in (*engine.spike_recorders, *engine.sample_recorders, *engine.probes)
        )

    def _forget(self, steps: Callable[[Ints], NDArray[np.bool_]]) -> None:
        """Forget the records of some steps, and go on. `steps`: which of the steps of the records are to be kept."""
        session = self._sim._session
        with session.gate:
            engine, saved, is_on = session.bound(), self._recorder.saved(), self._is_on()
            kept = steps(saved["step"])
            saved |= {name: saved[name][kept] for name in ("step", "id", "value") if name in saved}
            if is_on:
                engine.remove_recorder(self._recorder)
            self._take_over(saved, is_on, self._own())

    def _take_over(self, saved: Any, is_on: bool, own: dict[str, Any]) -> None:
        """Go on with other records, as a recorder has `saved` them; `own`: attributes, as `_own` gives them."""
        vars(self).update(own)
        made = self._new_recorder()
        made.restore(saved)
        self._recorder = made
        if is_on:
            with self._sim._session.gate:
                self._sim._session.bound().add_recorder(made)

    def _samples(self) -> tuple[Floats, Any]:
        """Times of the samples, ms, and their values: arrays of the caller's own."""
        step, values = self._recorder.arrays()
        return milliseconds(step, self._sim), values

    def _new_recorder(self) -> Any:
        """A recorder of the same, without records, of a copy."""
        return _core.SpikeRecorder()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def _register(monitor: Monitor[Any]) -> None:
    """Let the simulation find the monitor, as long as somebody has it."""
    session = monitor._sim._session
    session.monitors = [*(each for each in session.monitors if each() is not None), ref(monitor)]


def monitors_of(session: Any) -> tuple[Monitor[Any], ...]:
    """The monitors of a simulation that somebody has, in the order of their making."""
    return tuple(monitor for each in session.monitors if (monitor := each()) is not None)


def monitor_again(
    kind: type[Monitor[Any]], sim: Simulation, own: dict[str, Any], saved: dict[str, Any], is_on: bool
) -> Monitor[Any]:
    """A monitor of `sim` that has recorded what another has, and goes on where that did."""
    monitor = kind.__new__(kind)
    vars(monitor).update(own)
    monitor._sim = sim
    made = monitor._new_recorder()
    made.restore(saved)
    monitor._recorder = made
    if is_on:
        with sim._session.gate:
            sim._session.bound().add_recorder(made)
    _register(monitor)
    return monitor
