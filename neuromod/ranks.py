"""One network on several processes (MPI ranks): each holds the synapses onto its own neurons, and steps these."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import __version__, _core
from neuromod.errors import ConfigError
from neuromod.inputs import checked_input
from neuromod.modulation.system import NeuromodulationSystem
from neuromod.monitors import SynapseMonitor
from neuromod.network.brain_model import BrainModel
from neuromod.network.division import Divided, told
from neuromod.network.population import Group, Population
from neuromod.network.projection import Projection
from neuromod.network.ranked import first_part, keep_targets, own_parts
from neuromod.notebook import html_of
from neuromod.parallel import share_of_threads
from neuromod.problems import did_you_mean
from neuromod.rank_hooks import RankHooked
from neuromod.rank_kept import RankKept
from neuromod.rank_link import Ranks
from neuromod.rank_records import about_records
from neuromod.rank_state import Part
from neuromod.run_result import Rates, RunResult
from neuromod.simulation import Simulation
from neuromod.units import checked_steps

__all__ = ["RankSimulation"]

Ints = NDArray[np.int64]
_LONGEST = 32  # steps between two exchanges: NM_INTERVAL of the core
_MANY = 1_000_000  # synapses, from which on a process gives back what connecting has left free
_REMOTE = {name: about["reads"]["source"] for name, about in _core.plasticity_rules().items()}
"""Columns of sources that rules read: of other ranks they are not known."""


def _digest(*arrays: Any) -> str:
    """Of arrays; of rows that are one row, of that row."""
    sha = hashlib.sha256()
    for array in arrays:
        one = array is not None and array.ndim == 2 and len(array) and array.strides[0] == 0
        content = array[:1] if one else array
        sha.update(repr(None if array is None else array.shape).encode())
        sha.update(b"" if array is None else np.ascontiguousarray(content).tobytes())
    return sha.hexdigest()[:16]


def _told(things: Any) -> str:
    """Of what users have given."""
    sha = hashlib.sha256()
    told(things, sha)
    return sha.hexdigest()[:16]


class RankSimulation(RankHooked, RankKept):
    """One network on the ranks of an MPI communicator, with the bits of one process.

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
        Of this rank. Default: as `get_num_threads`, but an equal share of the cores that several ranks may use.

    Raises
    ------
    ConfigError, ValueError, TypeError
        If an argument is wrong, or the model has synapses or a life cycle.
    ImportError
        If mpi4py is not installed; it names the extra that installs it.

    Notes
    -----
    A network has 1 part below 4,096 neurons, 4 below 32,768, 8 below 131,072, and 16 above. A rank steps whole parts,
    so that ranks beyond their number have nothing to do. Each rank draws the synapses onto its own neurons alone. All
    of a projection, for a moment, is on every rank where there are functions of distance, degrees under a mask, or a
    total number without multapses.

    All rules of plasticity are there that come with the package: what a synapse needs of a source are its spikes.

    Only what is listed here is offered, and current sources and `RateSource`, which take a `RankSimulation`. There are
    no life cycle and no replicas; synapses may be removed between runs, not added or moved. The last digest of `gather`
    is that of the same network in a `Simulation`.

    An error that is not caught, an error during a run, and Ctrl-C, on any rank end all ranks.

    Examples
    --------
    >>> from neuromod import RankSimulation
    >>> sim = RankSimulation(seed=1, dt=0.1)  # doctest: +SKIP
    >>> E = sim.create(8000, drive={"rate": 15000.0, "weight": 0.1})  # doctest: +SKIP
    >>> n = sim.connect(E, E, probability=0.1, weight=0.01, delay_ms=1.5)  # doctest: +SKIP
    >>> result = sim.run(ms=100)  # doctest: +SKIP
    """

    _SIMULATION = Simulation
    _sim: Simulation
    _grown = False  # whether something has been connected since the last run

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
        self._ranks = Ranks(comm)
        if seed is None:
            raise TypeError("seed: must be given, the same on every rank; got None")
        if model is not None and len(model.synapses):
            raise ConfigError([f"model: must have no synapses yet; got {len(model.synapses)}"])
        beside = self._ranks.beside()
        own = share_of_threads(beside) if threads is None else threads
        sim = Simulation(model, seed=seed, neuromodulation=neuromodulation, dt=dt, threads=own)
        if sim._session.life is not None:
            raise ConfigError(["cell_lifecycle: is not there on several ranks; leave it out or disable it"])
        sim._session.keeps_beginning = False
        sim._session.store.division = Divided(self._ranks)
        self._sim = sim
        self._spikes = None
        self._checkpoints = None
        self._ranks.end_all_on_errors()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = [each for each in dir(type(self)) if not each.startswith("_")]
        also = " (a Simulation has it, several ranks do not)" if hasattr(Simulation, name) else ""
        raise AttributeError(f"RankSimulation has no {name!r}{also}{did_you_mean(name, known)}", name=name)

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
        return self._ranks.rank

    @property
    def n_ranks(self) -> int:
        """Number of processes."""
        return self._ranks.size

    @property
    def projections(self) -> Mapping[str, Projection]:
        """The projections by name, read-only: each with the synapses that this rank holds."""
        return self._sim.projections

    @property
    def _drives(self) -> Simulation:
        """What current sources and rates that vary are added to."""
        return self._sim

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

    @property
    def _part(self) -> Part:
        return Part(*own_parts(len(self._sim.model.neurons), self.rank, self.n_ranks))

    def _own_slots(self) -> tuple[int, int]:
        return self._part[2:]

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
        """Connect two groups of neurons.

        Parameters
        ----------
        pre, post : Population, str, or array_like of int
        **how : object
            As of `Simulation.connect`.

        Returns
        -------
        int
            Number of new synapses, on all ranks together.

        Raises
        ------
        ConfigError, ValueError, TypeError
            As of `Simulation.connect`, or if the rule reads columns of the sources. No synapse is added.
        RuntimeError
            If steps have been done.
        """
        self._check_rule(how.get("rule"))
        self._check_may_connect("connect")
        projection = self._sim.connect(pre, post, **how)
        return self._keep_own([projection.name])

    def initialize_random_synapses(
        self, connection_probability: float = 0.01, weight_mean: float = 0.1, weight_std: float = 0.05
    ) -> int:
        """Connect every ordered pair of different neurons with the same probability.

        Parameters
        ----------
        connection_probability : float, 0 to 1, default 0.01
        weight_mean, weight_std : float, mV, default 0.1 and 0.05
            As of `Simulation.initialize_random_synapses`.

        Returns
        -------
        int
            Number of new synapses, on all ranks together.

        Raises
        ------
        ValueError
            If an argument is out of its domain. No synapse is added.
        RuntimeError
            If steps have been done.
        """
        self._check_rule(None)
        self._check_may_connect("initialize_random_synapses")
        before = set(self._sim.projections)
        self._sim.initialize_random_synapses(connection_probability, weight_mean, weight_std)
        return self._keep_own([name for name in self._sim.projections if name not in before])

    def _check_may_connect(self, where: str) -> None:
        if self.step:
            raise RuntimeError(f"{where}: must come before the first step; got step {self.step}")

    def _check_rule(self, rule: Any) -> None:
        """Refuse a rule that reads what this rank does not know of the sources."""
        given = rule.get("rule") if isinstance(rule, Mapping) else rule
        name = self._sim.model._config.plasticity.rule if given is None else given
        problems = self._rules_not_there([name] if isinstance(name, str) else [])
        if problems:
            raise ConfigError(problems)

    def _rules_not_there(self, rules: list[str | None]) -> list[str]:
        return [
            f"rule: must not read columns of the sources on several ranks; {name} reads {', '.join(_REMOTE[name])}"
            for name in dict.fromkeys(rules)
            if name is not None and _REMOTE.get(name)
        ]

    def _keep_own(self, names: list[str]) -> int:
        """Of new projections that every rank has drawn whole, keep this rank's; how many synapses all have."""
        store, total = self._sim._session.store, 0
        self._grown = True
        for table in store.tables:
            if table.name in names:
                if table.whole is None:
                    keep_targets(store, table, *self._part[:2])
                assert table.whole is not None
                total += table.whole.n_synapses
        return total

    # ---- running ---------------------------------------------------------------------------------------------

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
            On every rank: ``step``, ``n_steps`` (fewer where a hook stops it), ``spike_counts`` (of all neurons),
            ``mean_rate`` and ``rates`` (Hz).

        Raises
        ------
        ConfigError
            If the ranks do not have the same network, seed, dt, version and number of steps; on every rank. No step is
            done.
        """
        steps = checked_steps(n_steps, ms, self._sim.dt)
        with self._ranks.one_error("run"):
            rows, ids = checked_input(self._sim.model, steps, input, input_ids)
            engine = self._sim._session.prepared()
        link = self._link(engine, steps, None if rows is None else (ids, rows))
        if self._grown and self.n_own_synapses >= _MANY:
            _core.trim_heap()  # of what connecting has left free
        self._grown = False
        began, counts = time.perf_counter(), np.zeros(len(self._sim.model.neurons), np.int64)
        with self._ranks.together():
            done = 0
            while done < steps or not steps:
                piece = steps - done if self._checkpoints is None else self._checkpoints.piece(steps - done)
                given = None if rows is None else rows[done : done + piece]
                begun = self.step
                counts += self._advance(link, engine, piece, given, ids)
                done += self.step - begun
                if self._checkpoints is not None:
                    self._checkpoints.look()
                if not steps or self.step - begun < piece:  # a hook has ended it
                    break
            counts = self._ranks.total(counts)
        seconds = done * self._sim.dt / 1000.0
        rate = float(counts.sum()) / (len(counts) * seconds) if len(counts) and done else 0.0
        return RunResult(
            step=self.step,
            n_steps=done,
            spike_counts=counts,
            mean_rate=rate,
            rates=Rates(counts, self._sim._session.store.areas, done * self._sim.dt),
            wall_seconds=time.perf_counter() - began,
        )

    def _advance(self, link: _core.RankLink, engine: _core.Engine, n: int, rows: Any, ids: Any) -> Ints:
        """Some steps; the spikes of each of this rank's neurons, 0 for the others."""
        first, end = self._own_slots()
        link.attach(engine)
        try:
            found = self._sim.run(n, rows, ids, progress=False)["spike_counts"]
        except BaseException:
            if self.n_ranks == 1:  # the error passes; else it ends all ranks, and nobody exchanges any more
                link.detach()
            raise
        link.detach()
        found[:first] = found[end:] = 0
        self._clear_input()
        return found  # type: ignore[no-any-return]

    def _clear_input(self) -> None:
        """An input of neurons of other ranks has acted there."""
        column, (first, end) = self._sim.model._store.columns.column("external_input"), self._own_slots()
        column[:first] = 0.0
        column[end:] = 0.0

    def _link(self, engine: _core.Engine, steps: int, given: Any) -> _core.RankLink:
        """Tie the engine to the others, after a comparison of what must be the same.

        `given`: ids and rows of an input.
        """
        session, ranks = self._sim._session, self._ranks
        ranks.check_same(
            {
                "version": __version__,
                "configuration": self._config_digest(),
                "seed": self._sim.seed,
                "dt": self._sim.dt,
                "step": self.step,
                "number of steps": steps,
                "network": self._fingerprint(),
                "input": None if given is None else _digest(*given),
                "hooks": self._hooks(),
                "recorders of synapses": about_records(
                    [one for one in self.monitors if isinstance(one, SynapseMonitor) and one._is_on()]
                ),
                "current sources": _told(
                    [
                        (one.kind, one.ids, one.span, one.number, one.values, one.factor)
                        for one in engine.sources
                    ]
                ),
                "rates that vary": _told([vars(one) for one in session.agenda.rates]),
            },
            "run",
        )
        every = min([_LONGEST, *(t.whole.delays[0] for t in session.store.tables if t.whole is not None)])
        system = self._sim.neuromodulation
        if system is not None and system._levels.releases:
            every = 1  # spikes act on the levels of the next step
        n_parts = _core.partitions(len(self._sim.model.neurons))[0]
        parts = [first_part(rank, n_parts, ranks.size) for rank in range(ranks.size + 1)]
        return _core.RankLink(parts, ranks.rank, every, ranks.swap, ranks.end_all)

    def _config_digest(self) -> str:
        text = repr(sorted(self._sim.model.config.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

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
            whole = table.whole
            told = (table.name, table.number, whole.n_synapses, whole.delays, whole.mark, table.learning)
            sha.update(repr(told).encode())
        system = self._sim.neuromodulation
        if system is not None:
            sha.update(repr(system._state()).encode())
        return sha.hexdigest()
