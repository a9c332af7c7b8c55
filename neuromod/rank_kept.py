"""What a network on several processes offers to record, gather and keep its state."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from neuromod import saved
from neuromod.errors import ConfigError
from neuromod.inputs import known_ids
from neuromod.merging import merged_spikes
from neuromod.monitors import LevelMonitor, RateMonitor, SpikeMonitor, StateMonitor, SynapseMonitor, table_of
from neuromod.network import saved as of_model
from neuromod.network.brain_model import BrainModel
from neuromod.network.population import Group
from neuromod.network.ranked import Cut, keep_targets, merged_projections, places_in_whole
from neuromod.rank_link import Ranks
from neuromod.rank_records import about_records, keep_own_records, sent_records, whole_records
from neuromod.rank_state import Part, cut_state, merged_state, sent_state
from neuromod.recorders import monitors_of
from neuromod.state import sealed

if TYPE_CHECKING:
    import neuromod
    from neuromod.rank_checkpoints import RankCheckpoints
    from neuromod.recorders import Monitor
    from neuromod.streams import Stream

__all__ = ["RankKept"]

Ints = NDArray[np.int64]


class RankKept:
    """Records, files and the whole network of a `RankSimulation`."""

    _sim: Any  # a Simulation
    _SIMULATION: Any  # that class
    _ranks: Ranks
    _spikes: SpikeMonitor | None
    _checkpoints: RankCheckpoints | None
    _grown: bool

    @property
    def _part(self) -> Part:
        raise NotImplementedError

    # ---- records ---------------------------------------------------------------------------------------------

    @property
    def monitors(self) -> tuple[Monitor[Any], ...]:
        """This rank's recorders, in the order of their making; after `load` those of the file."""
        return monitors_of(self._sim._session)

    def record_spikes(self) -> SpikeMonitor:
        """Record the spikes of all neurons from the next step on, each rank those of its own; see `gather_spikes`.

        Returns
        -------
        SpikeMonitor
            Of this rank's neurons.
        """
        if self._spikes is None:
            self._spikes = SpikeMonitor(self._sim)
        return self._spikes

    def record_state(
        self,
        variable: str,
        ids: Group | None = None,
        every: int | None = None,
        *,
        every_ms: float | None = None,
    ) -> StateMonitor:
        """Record a variable of some neurons from the next step on, each rank that of its own.

        Parameters
        ----------
        variable : str
        ids : Population, name, sequence of these, or array_like of int, shape (n,), optional
            Of any neurons, the same on every rank. Default: all.
        every : int, steps, >= 1, default 1
        every_ms : float, ms, > 0, optional
            In place of `every`.

        Returns
        -------
        StateMonitor
            Of those among `ids` that are this rank's.

        Raises
        ------
        ValueError
            As of `StateMonitor`. Nothing is recorded then.
        """
        model, (_, _, first, end) = self._sim.model, self._part
        asked = model.neurons.id.copy() if ids is None else known_ids(model, ids, "ids").copy()
        own = asked[np.isin(asked, model.neurons.id[first:end])]
        monitor = StateMonitor(self._sim, variable, own, every, every_ms=every_ms)
        monitor._asked = asked
        return monitor

    def record_rate(self, ids: Group | None = None, bin_ms: float = 10.0) -> RateMonitor:
        """Record the mean firing rate of a group of neurons from the next step on, each rank that of its own.

        Parameters
        ----------
        ids : Population, name, sequence of these, or array_like of int, shape (n,), optional
            The group, the same on every rank. Default: all neurons.
        bin_ms : float, ms, > 0, default 10
            Width of a bin.

        Returns
        -------
        RateMonitor
            Its rates are the share of this rank's neurons in the rate of the group: the sum over the ranks is the rate.
            That of `gather` has the rate.

        Raises
        ------
        ValueError
            As of `RateMonitor`. Nothing is recorded then.
        """
        return RateMonitor(self._sim, ids, bin_ms)

    def record_levels(self, every: int | None = None, *, every_ms: float | None = None) -> LevelMonitor:
        """Record the levels of the modulators from the next step on; every rank has them all.

        Parameters
        ----------
        every : int, steps, >= 1, default 1
        every_ms : float, ms, > 0, optional
            In place of `every`.

        Returns
        -------
        LevelMonitor

        Raises
        ------
        ValueError
            As of `LevelMonitor`.
        """
        return LevelMonitor(self._sim, every, every_ms=every_ms)

    def record_synapses(
        self,
        projection: Any,
        variable: str = "weight",
        pre: Group | None = None,
        post: Group | None = None,
        every: int | None = None,
        *,
        every_ms: float | None = None,
    ) -> SynapseMonitor:
        """Record the weights, or another variable, of synapses from the next step on, each rank those that it holds.

        Parameters
        ----------
        projection : Projection or str
            One of `projections`, or its name.
        variable : str, default "weight"
            As of `SynapseMonitor`.
        pre, post : Population, name, sequence of these, or array_like of int, shape (n,), optional
            Synapses of these sources and onto these targets, the same on every rank. Default: all.
        every : int, steps, >= 1, default 1
        every_ms : float, ms, > 0, optional
            In place of `every`.

        Returns
        -------
        SynapseMonitor
            Of those synapses that this rank holds. That of `gather` has all.

        Raises
        ------
        ValueError, TypeError
            As of `SynapseMonitor`. Nothing is recorded then.
        """
        sim, given = self._sim, (("pre", pre), ("post", post))
        chosen = [
            (k, known_ids(sim.model, ids, name)) for k, (name, ids) in enumerate(given) if ids is not None
        ]
        table = table_of(sim, projection)
        here = np.ones(len(table), bool)
        for k, ids in chosen:
            here &= np.isin((table.pre_id, table.post_id)[k], ids)
        at = np.flatnonzero(here)
        monitor = SynapseMonitor(sim, projection, variable, at, every, every_ms=every_ms)
        monitor._place = table.pre[at].astype(np.int64)
        return monitor

    def gather_spikes(self) -> tuple[Ints, Ints] | None:
        """What `record_spikes` has recorded.

        Returns
        -------
        tuple of ndarray of int64, or None
            On rank 0, step and id of each spike, by step and id; on the others None.

        Raises
        ------
        RuntimeError
            If nothing is recorded.
        """
        if self._spikes is None:
            raise RuntimeError("gather_spikes: needs record_spikes before the run")
        found = self._ranks.at_first((self._spikes.step, self._spikes.id))
        return None if found is None else merged_spikes(found)

    def streaming(
        self, path: str | PathLike[str], monitors: Mapping[str, Monitor[Any]], every: float = 100.0
    ) -> Stream:
        """``with sim.streaming(path, monitors):`` moves records to files, one of each rank, while it runs.

        Parameters
        ----------
        path : str or Path
            A directory, made where there is none. The files are ``rank-<5 digits>.log``; `read_log` reads the directory
            as one log.
        monitors : mapping of str to monitor
            Of `record_spikes`, `record_state`, `record_synapses` and `record_levels`, by the names of their channels.
        every : float, ms, > 0, default 100
            Simulated time from one block to the next.

        Returns
        -------
        Stream

        Raises
        ------
        ValueError, TypeError, OSError, FileError
            As of `Simulation.streaming`, on all ranks; or if the directory has the files of more ranks.
        """
        from neuromod.atomic import checked_path
        from neuromod.logs import logs_of_ranks

        with self._ranks.one_error():
            if isinstance(monitors, Mapping):  # else refused by the stream
                rates = [name for name, each in monitors.items() if isinstance(each, RateMonitor)]
                if rates:
                    raise ConfigError(
                        [f"monitors[{rates[0]!r}]: must not be of record_rate on several ranks"]
                    )
            folder = checked_path(path)
            folder.mkdir(parents=True, exist_ok=True)
            more = [each for number, each in logs_of_ranks(folder) if number >= self._ranks.size]
            if more:
                raise ConfigError([f"{more[0]}: must be of one of {self._ranks.size} ranks"])
            stream = self._sim.streaming(folder / f"rank-{self._ranks.rank:05d}.log", monitors, every)
            stream._ranks = (self._ranks.rank, self._ranks.size)
            return stream  # type: ignore[no-any-return]

    # ---- the whole -------------------------------------------------------------------------------------------

    def gather(self) -> neuromod.Simulation | None:
        """The whole network and its state as a `Simulation`, whose digest is that of a run on one process.

        Returns
        -------
        Simulation or None
            On rank 0, which must have the memory for the whole; on the others None. Its ``monitors`` have what the
            recorders of all ranks have recorded. `take` goes on from it on any number of ranks.

        Raises
        ------
        ConfigError
            If the ranks have not made the same recorders; on every rank.
        ValueError
            If a rate that varies is given by a function; on every rank.
        """
        sim, part = self._sim, self._part
        sim._session.agenda.check_can_be_saved("gather")
        self._ranks.check_same({"recorders": about_records(self.monitors)}, "gather")
        own, state = sim._own_state(), of_model.state_of(sim.model, rows=True)
        tables = sim._session.store.tables
        neurons = {
            name: np.asarray(column[part.first_slot : part.end_slot])
            for name, column in state["neurons"].items()
        }
        ids = sim.model.neurons.id[part.first_slot : part.end_slot]
        engine, records = sent_state(own["engine"], tables, part, ids), sent_records(self.monitors)
        told = neurons, state["projections"], engine, records
        found = self._ranks.at_first(told)
        if found is None:
            return None
        columns, projections, engines, recorded = zip(*found, strict=True)
        n = len(sim.model.neurons)
        names = state["neurons"]
        ends = {
            table.name: [(parts[k]["pre"], parts[k]["post"]) for parts in projections]
            for k, table in enumerate(tables)
        }
        whole = {
            **state,
            "neurons": {
                name: np.concatenate([one[name] if name in one else np.zeros(0) for one in columns])
                for name in names
            },
            "projections": merged_projections(n, projections),
        }
        model = BrainModel._quietly(sim.model.config)
        of_model.restore(model, whole, "state.model.state")
        system = None if sim.neuromodulation is None else sim.neuromodulation.__copy__()
        own = {**own, "engine": merged_state(own["engine"], engines, ends, n)}
        content = sealed({"format": of_model.FORMAT, "simulation": own})
        again = saved.simulation_again(self._SIMULATION, model, system, content, sim.threads)
        again._session.held = whole_records(again, recorded, lambda name: places_in_whole(ends[name], n))
        return again  # type: ignore[no-any-return]

    @classmethod
    def take(cls, sim: neuromod.Simulation, comm: Any = None, threads: int | None = None) -> Self:
        """Go on with a `Simulation` on several ranks; each must have the whole of it, for a moment.

        Parameters
        ----------
        sim : Simulation
            The same on every rank. Not used any more by the caller.
        comm : mpi4py.MPI.Comm, optional
        threads : int, >= 1, optional

        Returns
        -------
        RankSimulation

        Raises
        ------
        ConfigError
            If the simulation has what is not there on several ranks; everything is listed. It is not changed.
        """
        session = sim._session
        state = session.prepared().state()
        ranks = cls(comm, None, seed=sim.seed, threads=threads)  # type: ignore[call-arg]
        problems = [
            f"projection {name}: must be older than the spikes under way, since connect came after steps"
            for name in state.get("born", {})
            if session.step
        ]
        problems += ranks._rules_not_there([table.learning.rule for table in session.store.tables])
        if session.agenda.hooks:
            problems.append("hooks: must be made on the ranks; remove those of the Simulation")
        if session.life is not None:
            problems.append("cell_lifecycle: is not there on several ranks; leave it out or disable it")
        if problems:
            raise ConfigError(problems)
        monitors, first = list(sim.monitors), ranks._sim
        ranks._sim = sim
        try:
            part, ids = ranks._part, sim.model.neurons.id
            own = ids[part.first_slot : part.end_slot]
            keep_own_records(monitors, own, ids if ranks._ranks.rank == 0 else None)
        except BaseException:
            ranks._sim = first
            raise
        session.keeps_beginning = False
        session.store.division = first._session.store.division
        session.beginning = first._session.beginning
        if threads is not None:
            sim.threads = threads
        ranks._grown = True
        ranks._spikes = next((each for each in monitors if type(each) is SpikeMonitor), None)
        cuts: dict[str, Cut] = {}
        for table in session.store.tables:
            cut = keep_targets(session.store, table, *part[:2])
            if table.learning.rule is not None:
                cuts[table.name] = cut
        session.bound().set_state(cut_state(state, cuts))
        return ranks

    def _rules_not_there(self, rules: list[str | None]) -> list[str]:
        raise NotImplementedError

    # ---- files -----------------------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the whole state to one file, as `Simulation.save`; it does not depend on the number of ranks.

        Parameters
        ----------
        path : str or Path
            Rank 0 writes it, and must have the memory for the whole.

        Raises
        ------
        OSError, ValueError, TypeError
            As of `Simulation.save`, on rank 0; a ConfigError on the others.
        """
        whole = self.gather()
        with self._ranks.one_error():
            if whole is not None:
                whole.save(path)

    @classmethod
    def load(cls, path: str | PathLike[str], comm: Any = None, *, threads: int | None = None) -> Self:
        """Go on where `save`, `Simulation.save` or a checkpoint was written, on any number of ranks.

        Parameters
        ----------
        path : str or Path
            A file, or a directory of checkpoints. Every rank reads it, and has the whole for a moment.
        comm : mpi4py.MPI.Comm, optional
        threads : int, >= 1, optional

        Returns
        -------
        RankSimulation
            With the recorders of the file, which go on.

        Raises
        ------
        FileError, OSError, ConfigError
            If it cannot be read, on all ranks; or as of `take`.
        """
        with Ranks(comm).one_error():
            whole = cls._SIMULATION.load(path, threads=threads)
        return cls.take(whole, comm, threads)

    def checkpointing(
        self, path: str | PathLike[str], every: str | float = "10 min", keep: int = 2
    ) -> RankCheckpoints:
        """``with sim.checkpointing(path):`` runs in the block write checkpoints, from which `load` goes on.

        Parameters
        ----------
        path : str or Path
            A directory, made where there is none. Rank 0 writes the files of `Simulation.checkpointing`.
        every : str or float, ms, > 0, default "10 min"
            As text, wall time of rank 0: a number and s, min, h or days. As a number, simulated time, a whole number
            of steps.
        keep : int, >= 1, default 2
            So many of the newest files are kept.

        Returns
        -------
        RankCheckpoints

        Raises
        ------
        ValueError, TypeError, OSError
            As of `Simulation.checkpointing`, on all ranks.
        """
        from neuromod.rank_checkpoints import RankCheckpoints

        return RankCheckpoints(self, path, every, keep)
