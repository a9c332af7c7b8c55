"""A state in memory to go back to, in place: what `Simulation.store` keeps."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from neuromod.recorders import Monitor, monitors_of

__all__ = ["Stored", "kept_columns"]

Simulation = Any
Array = NDArray[Any]

_LEVELS = ("level_buffer", "baseline", "params", "tau", "neutral", "clamped")


def kept_columns(engine: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Projection -> columns of its synapses as the engine keeps them; the very arrays of its state."""
    kept = {
        name: {what: pairs[what] for what in ("weight", "eligibility") if what in pairs}
        for name, pairs in engine["pairs"].items()
    }
    events = engine.get("events", {})
    return kept | {name: own["columns"] for name, own in events.items() if "columns" in own}


class Stored:
    """Everything that a run changes, of a network whose neurons and synapses stay the same ones."""

    def __init__(self, sim: Simulation) -> None:
        session, system = sim._session, sim.neuromodulation
        store, columns = session.store, session.store.columns
        engine = session.prepared()
        self.step = engine.step
        self.engine, self.schedule = engine.state(), engine.schedule_arrays()
        self.rates, self.sources = (
            list(session.agenda.rates),
            list(engine.sources),
        )  # the very ones that users have
        self.beginning = session.beginning.of_copy(store, store)
        self.version, self.ids = store.version, columns.column("id").copy()
        self.columns = {name: buffer[: columns.n].copy() for name, buffer in columns.buffers.items()}
        kept = kept_columns(self.engine)
        self.tables = [_table_of(table, kept.get(table.name)) for table in store.tables]
        self.levels = None if system is None else _levels_of(system._levels)
        # their records are of before, also where `reset` has set the clock back since
        self.ended = [ref(each) for each in monitors_of(session) if not each._is_on()]
        self._monitors: list[
            tuple[Monitor[Any], bool, dict[str, Any]]
        ] = []  # of a restore that is being done

    def restore(self, sim: Simulation) -> None:
        """Bring the simulation back.

        Raises
        ------
        RuntimeError
            If neurons or synapses were added or removed since, or a projection has another rule. Nothing is changed.
        """
        session = sim._session
        self._check(session.store)
        session.agenda.go_back("restore")
        session.store.check_written(session.step)
        with session.going_back("restore") as engine:
            self._monitors = self._monitors or [
                (each, each._is_on(), each._recorder.saved()) for each in monitors_of(session)
            ]
            for recorder in (*engine.spike_recorders, *engine.sample_recorders, *engine.probes):
                engine.remove_recorder(recorder)
            self._bring_back(sim)
            ended = [monitor for each in self.ended if (monitor := each()) is not None]
            for monitor, is_on, saved in self._monitors:
                if not any(monitor is each for each in ended):
                    _go_back(monitor, is_on, saved, self.step)
            self._monitors = []

    def _bring_back(self, sim: Simulation) -> None:
        """All but the monitors."""
        session, system = sim._session, sim.neuromodulation
        session.store.resume()
        session.store.release()
        for name, values in self.columns.items():
            session.store.columns.buffers[name][: len(values)] = values
        for table, (_, _, learning, own, tag) in zip(session.store.tables, self.tables, strict=True):
            if table.learning != learning:
                session.store.set_learning(table, learning)
            _put(table, own, tag)
        session.store.forget_tags()
        if system is not None and self.levels is not None:
            _put_levels(system._levels, self.levels)
        session.begin_again()
        session.restore(self.engine, self.schedule, self.rates)
        for source, own in zip(self.sources, self.engine.get("currents", ()), strict=True):
            source.state[:] = own["state"]
        session.set_sources(self.sources, "restore")
        session.beginning = self.beginning.of_copy(session.store, session.store)

    def _check(self, store: Any) -> None:
        same = np.array_equal(store.columns.column("id"), self.ids) and store.version == self.version
        rules = [(table.number, table.learning.rule) for table in store.tables]
        if not same or rules != [(number, rule) for number, rule, *_ in self.tables]:
            raise RuntimeError(
                "restore: needs the neurons, synapses and rules that were there when the state was stored; some were "
                "added, removed or changed since. save and load, or copy, keep a whole network"
            )


def _table_of(table: Any, kept: Mapping[str, Array] | None) -> tuple[Any, ...]:
    """Number, rule, learning, columns and tags of a projection."""
    own = (
        {name: array.copy() for name, array in table.weights.values().items()} if kept is None else dict(kept)
    )
    tag = None if table.tag is None else table.tag.copy()
    return table.number, table.learning.rule, table.learning, own, tag


def _put(table: Any, columns: Mapping[str, Array], tag: Array | None) -> None:
    live = table.weights.live
    for name, values in columns.items():
        if name in live:
            live[name][:] = values
        elif not np.array_equal(
            table.weights.values()[name], values
        ):  # equal or joined ones that were written
            table.weights.array(name)[:] = values
    if table.tag is not None and tag is not None:
        table.tag[:] = tag
    elif table.tag is not None:  # there was none yet; what was handed out turns read-only
        table.tag.flags.writeable = False
        table.tag = None


def _levels_of(levels: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(levels, name).copy() for name in _LEVELS}
    spread = {name: (rate, pairs.copy()) for name, (rate, pairs, _) in levels.spread.items()}
    return found | {"releases": copy.deepcopy(levels.releases), "spread": spread}


def _put_levels(levels: Any, saved: Mapping[str, Any]) -> None:
    for name in _LEVELS:
        getattr(levels, name)[...] = saved[name]
    levels.releases[:] = copy.deepcopy(saved["releases"])
    for name in levels.spread:
        rate, pairs = saved["spread"].get(name, (0.0, np.empty((0, 2), np.int32)))
        levels.set_spread(levels.names.index(name), rate, pairs)


def _go_back(monitor: Monitor[Any], is_on: bool, saved: dict[str, Any], step: int) -> None:
    """A monitor forgets what it has recorded after a step."""
    kept = saved["step"] <= step
    saved |= {name: saved[name][kept] for name in ("step", "id", "value") if name in saved}
    if "sizes" in saved:
        sizes, ended = saved["sizes"], saved["ended"]
        before = sizes[sizes[:, 0] <= step]
        saved["sizes"] = before if len(before) else np.array([[step, sizes[0, 1]]], np.int64)
        saved["ended"] = None if ended is None else min(ended, step)
    for name in ("_first", "_began"):
        if hasattr(monitor, name):
            setattr(monitor, name, min(getattr(monitor, name), step))
    monitor._take_over(saved, is_on, monitor._own())
