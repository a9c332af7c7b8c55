"""One network on several processes (MPI ranks): each holds the synapses onto its own neurons, and steps these."""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import __version__, _core, saved
from neuromod.errors import ConfigError
from neuromod.inputs import checked_input
from neuromod.modulation.system import NeuromodulationSystem
from neuromod.monitors import SpikeMonitor
from neuromod.network import saved as of_model
from neuromod.network.brain_model import BrainModel
from neuromod.network.population import Group, Population
from neuromod.network.ranked import keep_targets, merged_projections, own_parts
from neuromod.notebook import html_of
from neuromod.optional import optional_module
from neuromod.problems import did_you_mean, shown
from neuromod.run_result import RunResult
from neuromod.simulation import Simulation
from neuromod.state import sealed
from neuromod.units import checked_steps

__all__ = ["RankSimulation"]

Ints = NDArray[np.int64]
_NEEDED = ("rank", "size", "Abort", "Allgather", "Allgatherv", "Allreduce", "allgather", "gather")
_LONGEST = 32  # steps between two exchanges: NM_INTERVAL of the core


class RankSimulation:
    """One network of static synapses on the ranks of an MPI communicator, with the bits of one process.

    Every rank makes the same calls. It holds all neurons, and of the synapses those onto its own: memory for synapses,
    and work, divide among the ranks. Once per shortest delay the ranks exchange their spikes.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        Default: ``MPI.COMM_WORLD``.
    model : BrainModel, optional
        Without synapses. Default: one without a lattice, for `create`.
    seed : int, 0 .. 2**64 - 1
        The same on every rank.
    neuromodulation : NeuromodulationSystem, optional
        Every rank computes its levels. Events must be sent on every rank.
    dt : float, ms, > 0, optional
    threads : int, >= 1, optional
        Of this rank. Default: `get_num_threads`.

    Raises
    ------
    ConfigError, ValueError, TypeError
        If an argument is wrong, or the model has synapses or a life cycle.
    ImportError
        If mpi4py is not installed; it names the extra that installs it.

    Notes
    -----
    A network has 1 part below 4,096 neurons, 4 below 32,768, 8 below 131,072, and 16 above. A rank steps whole parts,
    so that ranks beyond their number have nothing to do. While a projection is drawn, each rank has all of it for a
    moment: connect large networks by several projections.

    Only what is listed here is offered. There are no rules of plasticity, current sources, hooks, life cycle, recorders
    of state, replicas and edits of synapses. The last digest of `gather` is that of the same network in a `Simulation`.

    An error that is not caught, an error during a run, and Ctrl-C, on any rank end all ranks.

    Examples
    --------
    >>> from neuromod import RankSimulation
    >>> sim = RankSimulation(seed=1, dt=0.1)  # doctest: +SKIP
    >>> E = sim.create(8000, drive={"rate": 15000.0, "weight": 0.1})  # doctest: +SKIP
    >>> n = sim.connect(E, E, probability=0.1, weight=0.01, delay_ms=1.5)  # doctest: +SKIP
    >>> result = sim.run(ms=100)  # doctest: +SKIP
    """

    def __init__(
        self,
        comm: Any = None,
        model: BrainModel | None = None,
        *,
        seed: int,
        neuromodulation: NeuromodulationSystem | None = None,
        dt: float | None = None,
        threads: int | None = None,
    ) -> None:
        self._comm = (
            optional_module("mpi4py.MPI", "mpi", "RankSimulation").COMM_WORLD if comm is None else comm
        )
        if not all(hasattr(self._comm, name) for name in _NEEDED):
            raise TypeError(f"comm: must be a communicator of mpi4py; got {shown(comm)}")
        if seed is None:
            raise TypeError("seed: must be given, the same on every rank; got None")
        if model is not None and len(model.synapses):
            raise ConfigError([f"model: must have no synapses yet; got {len(model.synapses)}"])
        sim = Simulation(model, seed=seed, neuromodulation=neuromodulation, dt=dt, threads=threads)
        if sim._session.life is not None:
            raise ConfigError(["cell_lifecycle: is not there on several ranks; leave it out or disable it"])
        self._sim = sim
        self._spikes: SpikeMonitor | None = None
        _end_all_on_errors(self._comm)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = [each for each in dir(type(self)) if not each.startswith("_")]
        also = " (a Simulation has it, several ranks do not)" if hasattr(Simulation, name) else ""
        raise AttributeError(f"RankSimulation has no {name!r}{also}{did_you_mean(name, known)}")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """One rank alone is no network."""
        raise TypeError(
            "RankSimulation: must not be copied or pickled; gather() gives a Simulation, which may be"
        )

    def __repr__(self) -> str:
        return f"RankSimulation(rank={self.rank} of {self.n_ranks}, {self._sim!r})"

    def _repr_html_(self) -> str:
        return html_of(self)

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return int(self._comm.rank)

    @property
    def n_ranks(self) -> int:
        """Number of processes."""
        return int(self._comm.size)

    @property
    def neurons(self) -> Any:
        """The columns of all neurons. Parameters may be written before a run, on every rank alike; state is that of the
        last run for this rank's own neurons alone."""
        return self._sim.model.neurons

    @property
    def neuromodulation(self) -> NeuromodulationSystem | None:
        """The system that is applied in every step."""
        return self._sim.neuromodulation

    @property
    def step(self) -> int:
        """Number of completed steps."""
        return self._sim.current_step

    @property
    def own_ids(self) -> Ints:
        """Ids of the neurons that this rank steps."""
        first, end = self._own_slots()
        return np.asarray(self._sim.model.neurons.id[first:end]).copy()

    @property
    def n_own_synapses(self) -> int:
        """Number of synapses that this rank holds."""
        return len(self._sim.model.synapses)

    def _own_slots(self) -> tuple[int, int]:
        return own_parts(len(self._sim.model.neurons), self.rank, self.n_ranks)[2:]

    # ---- building --------------------------------------------------------------------------------------------

    def _check_grows(self, where: str) -> None:
        if self._sim._session.store.tables:
            raise RuntimeError(
                f"{where}: must come before connect, since the ranks have divided the neurons then"
            )

    def create(self, n: int, model: str | None = None, **how: Any) -> Population:
        """Add n neurons of one model.

        Parameters
        ----------
        n : int, >= 0
        model : str, optional
        **how : object
            As of `Simulation.create`.

        Returns
        -------
        Population

        Raises
        ------
        RuntimeError
            If something is connected already.
        """
        self._check_grows("create")
        return self._sim.create(n, model, **how)

    def initialize_neurons(self, area_names: Any = None, density: float = 1.0, **how: Any) -> Ints:
        """Put neurons on free lattice sites of the named areas.

        Parameters
        ----------
        area_names : sequence of str, optional
        density : float, 0 to 1, default 1
        **how : object
            As of `Simulation.initialize_neurons`.

        Returns
        -------
        ndarray of int64

        Raises
        ------
        RuntimeError
            If something is connected already.
        """
        self._check_grows("initialize_neurons")
        return self._sim.initialize_neurons(area_names, density, **how)

    def connect(self, pre: Group, post: Group, **how: Any) -> int:
        """Connect two groups of neurons by static synapses.

        Parameters
        ----------
        pre, post : Population, str, or array_like of int
        **how : object
            As of `Simulation.connect`; `rule` is "none".

        Returns
        -------
        int
            Number of new synapses, on all ranks together.

        Raises
        ------
        ConfigError, ValueError, TypeError
            As of `Simulation.connect`, or if there is a rule, or steps have been done. No synapse is added.
        """
        rule = how.pop("rule", "none")
        if rule != "none":
            raise ConfigError([f"rule: must be 'none' on several ranks; got {shown(rule)}"])
        if self.step:
            raise RuntimeError(f"connect: must come before the first step; got step {self.step}")
        projection = self._sim.connect(pre, post, rule="none", **how)
        store = self._sim._session.store
        table = next(table for table in store.tables if table.name == projection.name)
        n = len(table)
        keep_targets(store, table, *self._own_slots())
        return n

    # ---- running ---------------------------------------------------------------------------------------------

    def record_spikes(self) -> None:
        """Record the spikes of all neurons from the next step on, each rank those of its own; see `gather_spikes`."""
        if self._spikes is None:
            self._spikes = SpikeMonitor(self._sim)

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
        found = self._comm.gather((self._spikes.step, self._spikes.id))
        if found is None:
            return None
        step, number = (np.concatenate([part[k] for part in found]) for k in (0, 1))
        order = np.lexsort((number, step))
        return step[order], number[order]

    def run(
        self,
        n_steps: int | None = None,
        input: ArrayLike | None = None,
        input_ids: Group | None = None,
        *,
        ms: float | None = None,
    ) -> dict[str, Any]:
        """Advance many steps, on all ranks together.

        Parameters
        ----------
        n_steps : int, >= 0
        input : array_like of float, mV, optional
            As of `Simulation.run`, the same on every rank.
        input_ids : Population, area name, or array_like of int, shape (n_ids,), optional
        ms : float, ms, >= 0, optional
            In place of `n_steps`: a whole number of steps of dt.

        Returns
        -------
        dict
            On every rank: ``step``, ``n_steps``, ``spike_counts`` (of all neurons) and ``mean_rate`` (Hz).

        Raises
        ------
        ConfigError
            If the ranks do not have the same network, seed, dt, version and number of steps; on every rank. No step is
            done.
        """
        steps = checked_steps(n_steps, ms, self._sim.dt)
        engine = self._prepared(steps, input, input_ids)
        link = self._link(engine, steps)
        try:
            began = time.perf_counter()
            link.attach(engine)
            found = self._sim.run(steps, input, input_ids, progress=False)
            link.detach()
            self._clear_input()
            own, (first, end) = np.zeros(len(found["spike_counts"]), np.int64), self._own_slots()
            own[first:end] = found["spike_counts"][first:end]
            counts = np.empty_like(own)
            self._comm.Allreduce(own, counts)
        except BaseException:  # the others wait for this rank
            self._fail()
            raise
        seconds = steps * self._sim.dt / 1000.0
        rate = float(counts.sum()) / (len(counts) * seconds) if len(counts) and steps else 0.0
        return RunResult(
            step=self.step,
            n_steps=steps,
            spike_counts=counts,
            mean_rate=rate,
            wall_seconds=time.perf_counter() - began,
        )

    def _clear_input(self) -> None:
        """An input of neurons of other ranks has acted there."""
        column, (first, end) = self._sim.model._store.columns.column("external_input"), self._own_slots()
        column[:first] = 0.0
        column[end:] = 0.0

    def _prepared(self, steps: int, rows: ArrayLike | None, ids: Group | None) -> _core.Engine:
        """The engine, input and what users have written checked; an error on one rank is one on all."""
        error: Exception | None = None
        try:
            checked_input(self._sim.model, steps, rows, ids)
            engine = self._sim._session.prepared()
        except Exception as failure:  # raised below, when the others know
            error = failure
        each = self._comm.allgather(None if error is None else str(error))
        if error is not None:
            raise error
        wrong = [f"rank {r}: {text}" for r, text in enumerate(each) if text is not None]
        if wrong:
            raise ConfigError(wrong)
        return engine

    def _link(self, engine: _core.Engine, steps: int) -> _core.RankLink:
        session = self._sim._session
        if session.agenda.hooks or session.agenda.rates or engine.sources:
            raise ConfigError(
                ["run: must have no hooks, rates that vary and current sources on several ranks"]
            )
        told = (__version__, self._sim.seed, self._sim.dt, self.step, steps, self._fingerprint())
        each = self._comm.allgather(told)
        names = ("version", "seed", "dt", "step", "number of steps", "network")
        problems = [
            f"rank {r}: must have the {name} of rank 0, {shown(each[0][k])}; got {shown(one[k])}"
            for r, one in enumerate(each)
            for k, name in enumerate(names)
            if one[k] != each[0][k]
        ]
        if problems:
            raise ConfigError(problems)
        tables = session.store.tables
        every = min([_LONGEST, *(t.layout().min_delay for t in tables)])
        system = self._sim.neuromodulation
        if system is not None and system._levels.releases:
            every = 1  # spikes act on the levels of the next step
        first, end = own_parts(len(self._sim.model.neurons), self.rank, self.n_ranks)[:2]
        return _core.RankLink(first, end, every, self._swap, self._fail)

    def _fingerprint(self) -> str:
        """Of what is the same on every rank: parameters, names and sizes of projections, levels."""
        sha = hashlib.sha256()
        columns = self._sim.model._store.columns
        state = {name for about in _core.neuron_models().values() for name in about["state"]}
        for name in sorted(
            set(columns.buffers) - state - {"external_input", "last_spike_time", "spike_count"}
        ):
            sha.update(name.encode() + np.ascontiguousarray(columns.column(name)).tobytes())
        for table in self._sim._session.store.tables:
            assert table.whole is not None
            told = (table.name, table.number, table.whole.n_synapses, table.whole.delays, table.learning)
            sha.update(repr(told).encode())
        system = self._sim.neuromodulation
        if system is not None:
            sha.update(repr(system._state()).encode())
        return sha.hexdigest()

    def _swap(self, first: int, last: int, packed: NDArray[np.int32]) -> list[Any]:
        sizes = np.empty(self.n_ranks, np.int64)
        self._comm.Allgather(np.array([len(packed)], np.int64), sizes)
        begins = np.concatenate([[0], np.cumsum(sizes)])
        everything = np.empty(begins[-1], np.int32)
        self._comm.Allgatherv(packed, (everything, sizes))
        n = len(self._sim.model.neurons)
        return [
            (*own_parts(n, r, self.n_ranks)[:2], everything[begins[r] : begins[r + 1]])
            for r in range(self.n_ranks)
        ]

    def _fail(self) -> None:
        """End all ranks, which wait for this one; the error is printed first. Without other ranks, let it pass."""
        if self.n_ranks > 1:
            traceback.print_exc()
            sys.stderr.flush()
            self._comm.Abort(1)

    # ---- the whole -------------------------------------------------------------------------------------------

    def gather(self) -> Simulation | None:
        """The whole network and its state as a `Simulation`, whose digest is that of a run on one process.

        Returns
        -------
        Simulation or None
            On rank 0, which must have the memory for the whole; on the others None. ``to_dict`` of it is a checkpoint,
            and `take` goes on from it on any number of ranks.
        """
        sim, (first, end) = self._sim, self._own_slots()
        own, state = sim._own_state(), of_model.state_of(sim.model, rows=True)
        ours = {name: np.asarray(column[first:end]) for name, column in state["neurons"].items()}
        found = self._comm.gather((ours, state["projections"]))
        if found is None:
            return None
        neurons = {
            name: np.concatenate([part[0].get(name, np.empty(0)) for part in found])
            for name in state["neurons"]
        }
        projections = merged_projections(len(sim.model.neurons), [part[1] for part in found])
        whole = {**state, "neurons": neurons, "projections": projections}
        model = BrainModel._quietly(sim.model.config)
        of_model.restore(model, whole, "state.model.state")
        system = None if sim.neuromodulation is None else sim.neuromodulation.__copy__()
        content = sealed({"format": of_model.FORMAT, "simulation": own})
        again: Simulation = saved.simulation_again(Simulation, model, system, content, sim.threads)
        return again

    @classmethod
    def take(cls, sim: Simulation, comm: Any = None, threads: int | None = None) -> RankSimulation:
        """Go on with a `Simulation` on several ranks; each must have the whole of it, for a moment.

        Parameters
        ----------
        sim : Simulation
            Of static synapses. Not used any more by the caller.
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
        store = sim._session.store
        problems = [
            f"projection {table.name}: must have no rule on several ranks; got {table.learning.rule}"
            for table in store.tables
            if table.learning.rule is not None
        ]
        problems += [
            f"projection {table.name}: must be older than the spikes under way, since connect came after steps"
            for table in store.tables
            if sim._session.step and table.name in sim._session.bound().state().get("born", {})
        ]
        if problems:
            raise ConfigError(problems)
        ranks = cls(comm, None, seed=sim.seed, threads=threads)
        if sim._session.life is not None:
            raise ConfigError(["cell_lifecycle: is not there on several ranks; leave it out or disable it"])
        ranks._sim = sim
        for table in store.tables:
            keep_targets(store, table, *ranks._own_slots())
        return ranks


def _end_all_on_errors(comm: Any) -> None:
    """From now on an error that ends this process ends all, which would wait for it for ever."""
    if comm.size == 1 or getattr(sys.excepthook, "ends_all", False):
        return
    before = sys.excepthook

    def end_all(*error: Any) -> None:
        before(*error)
        sys.stderr.flush()
        comm.Abort(1)

    end_all.ends_all = True  # type: ignore[attr-defined]
    sys.excepthook = end_all
