"""Independent copies of one network, advanced together: for sweeps of parameters and seeds, for vector environments."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import checked_array, checked_count, checked_seed
from neuromod.closed import Closed, fixed
from neuromod.diagnosis import explained
from neuromod.errors import NumericalError
from neuromod.inputs import checked_input
from neuromod.interrupts import told
from neuromod.network.columns import MODELS
from neuromod.network.draws import check_sign, check_weight
from neuromod.network.population import checked_column, settable
from neuromod.parallel import checked_threads
from neuromod.problems import did_you_mean, shown
from neuromod.progress import ProgressCallback, Reports
from neuromod.run_result import RunResult
from neuromod.units import checked_steps, say_unit_doubts

__all__ = ["Replicas"]


class Simulated(Protocol):
    """What a `Simulation` offers here; this module does not import it."""

    @property
    def seed(self) -> int: ...
    @property
    def dt(self) -> float: ...
    @property
    def threads(self) -> int: ...
    @property
    def current_step(self) -> int: ...
    @property
    def projections(self) -> Mapping[str, Any]: ...

    @property
    def model(self) -> Any: ...
    @property
    def neuromodulation(self) -> Any: ...

    _session: Any

    def copy(self, seed: int | None = None) -> Self: ...
    def digest(self) -> str: ...


Sim = TypeVar("Sim", bound=Simulated)


class Replicas(Closed, Generic[Sim]):
    """Simulations of copies of one network, each with its own seed, weights, levels and parameters.

    Made by `Simulation.replicas`. Replica k is a `Simulation` like any other, ``replicas[k]``, and has the bits that
    it would have alone; arrays come with a leading axis of replicas.

    Parameters
    ----------
    sim : Simulation
        Copied as it is now.
    n : int, >= 1
    seeds : sequence of int, shape (n,), optional
        Default: those from the simulation's own on.
    levels : mapping of str to array_like, shape (n,) or (n, n_regions), 0 to 1, optional
    weights : mapping of str to array_like, shape (n,) or (n, n_synapses), mV, optional
    columns : mapping of str to array_like, shape (n,) or (n, n_neurons), optional

    Raises
    ------
    ValueError
        If a name is unknown, a shape does not fit, or a value is out of its domain. Nothing is changed.
    TypeError
        If values are no numbers.

    Notes
    -----
    Advanced in ``csrc/nm_replicas.c``, each replica on one thread at a time.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> runs = sim.replicas(2, seeds=[1, 7])
    >>> _ = runs.run(50), sim.run(50)
    >>> runs[0].digest() == sim.digest()
    True
    """

    def __init__(
        self,
        sim: Sim,
        n: int,
        seeds: Sequence[int] | None = None,
        *,
        levels: Mapping[str, ArrayLike] | None = None,
        weights: Mapping[str, ArrayLike] | None = None,
        columns: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        n = checked_count(n, "n", 1)
        chosen = (
            [(sim.seed + k) % 2**64 for k in range(n)] if seeds is None else [checked_seed(s) for s in seeds]
        )
        if len(chosen) != n:
            raise ValueError(f"seeds: must be {n} seeds, one a replica; got {len(chosen)}")
        given = self._checked(sim, n, levels or {}, weights or {}, columns or {})
        sims = [sim.copy(seed) for seed in chosen]
        for k, one in enumerate(sims):
            for set_value, values in given:
                set_value(one, values[k])
        self._hold(sims, sim.threads)

    def _hold(self, sims: list[Sim], threads: int) -> None:
        if any(one._session.life is not None for one in sims):
            raise ValueError(
                "replicas: must be of a network without cell_lifecycle, since neurons die at different times; "
                "run copies one after the other, sim.copy(seed=...)"
            )
        self._sims: list[Sim] = sims
        self._threads = threads
        self._sessions = [one._session for one in sims]
        self._group = _core.EngineGroup([session.bound() for session in self._sessions])

    def __copy__(self) -> Replicas[Sim]:
        """Replicas of their own that go on from here."""
        return _again([one.copy() for one in self._sims], self.threads)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied deeply and pickled with every replica."""
        return _again, (self._sims, self.threads)

    @staticmethod
    def _checked(
        sim: Sim,
        n: int,
        levels: Mapping[str, ArrayLike],
        weights: Mapping[str, ArrayLike],
        columns: Mapping[str, ArrayLike],
    ) -> list[tuple[Any, NDArray[np.float64]]]:
        """What is to be set in each replica: (setter, values of shape (n, ...)). Everything is looked at first."""
        found: list[tuple[Any, NDArray[np.float64]]] = []
        for name, values in levels.items():
            system = sim.neuromodulation
            if system is None or name not in system.names:
                hint = did_you_mean(name, () if system is None else system.names)
                raise ValueError(
                    f"levels.{name}: must be a modulator of the simulation's system; there is none of that name{hint}"
                )
            shape = (len(system.regions),)
            column = list(system.names).index(name)
            found.append(
                (_level_setter(column), _each(f"levels.{name}", values, n, shape, low=0.0, high=1.0))
            )
        for name, values in weights.items():
            if name not in sim.projections:
                known = ", ".join(sim.projections) or "none"
                raise ValueError(f"weights.{name}: must be a projection; known are {known}")
            each = _each(f"weights.{name}", values, n, (len(sim.projections[name]),))
            _check_weights(sim.projections[name], f"weights.{name}", each)
            found.append((_weight_setter(name), each))
        neurons = sim.model.neurons
        for name, values in columns.items():
            if name not in dir(neurons) or getattr(neurons, name).dtype != np.float64:
                hint = did_you_mean(name, {*dir(neurons), "seeds"} - {name})
                raise ValueError(
                    f"{name}: must be a column of the neurons{hint or '; see dir(model.neurons)'}"
                )
            each = _each(name, values, n, (len(neurons),))
            _check_column(neurons, name, values, each)
            found.append((_column_setter(name), each))
        return found

    # ---- what they are -----------------------------------------------------------------------------------------

    @property
    def threads(self) -> int:
        """Threads that a run may use; may be set. The bits are the same for any number."""
        return self._threads

    @threads.setter
    def threads(self, value: int) -> None:
        self._threads = checked_threads(value)

    def __len__(self) -> int:
        return len(self._sims)

    def __getitem__(self, k: int) -> Sim:
        n = len(self)
        if isinstance(k, int | np.integer) and not -n <= k < n:
            raise IndexError(f"replicas[{k}]: must be between {-n} and {n - 1}; there are {n}")
        return self._sims[k]

    def __iter__(self) -> Iterator[Sim]:
        return iter(self._sims)

    def __repr__(self) -> str:
        return f"Replicas({len(self)} of {self._sims[0]!r})"

    # ---- arrays with a leading axis of replicas ----------------------------------------------------------------

    def column(self, name: str) -> NDArray[Any]:
        """A column of the neurons of every replica.

        Parameters
        ----------
        name : str
            As in ``model.neurons``.

        Returns
        -------
        ndarray, shape (n, n_neurons)
            A copy, read-only.
        """
        return fixed(np.stack([getattr(one.model.neurons, name) for one in self._sims]))

    def weight(self, name: str) -> NDArray[np.float32]:
        """The weights of a projection of every replica.

        Parameters
        ----------
        name : str
            As in ``sim.projections``.

        Returns
        -------
        ndarray of float32, shape (n, n_synapses), mV
            A copy, read-only.

        Raises
        ------
        ValueError
            If there is no such projection.
        """
        known = self._sims[0].projections
        if name not in known:
            there = ", ".join(known) or "none"
            raise ValueError(f"weight: must be a projection; known are {there}; got {shown(name)}")
        return fixed(np.stack([one.projections[name].weight for one in self._sims]))

    def level(self, name: str) -> NDArray[np.float64]:
        """The level of a modulator in every replica.

        Parameters
        ----------
        name : str
            A modulator of the simulation's system.

        Returns
        -------
        ndarray of float64, shape (n, n_regions)
            A copy, read-only.

        Raises
        ------
        ValueError
            If there is no such modulator.
        """
        systems = [one.neuromodulation for one in self._sims]
        own = [s.level[:, list(s.names).index(name)] for s in systems if s is not None and name in s.names]
        if not own:
            known = "none" if systems[0] is None else ", ".join(systems[0].names)
            raise ValueError(
                f"level: must be a modulator of the simulation's system; known are {known}; got {shown(name)}"
            )
        return fixed(np.stack(own))

    def digests(self) -> list[str]:
        """The digest of each replica.

        Returns
        -------
        list of str
        """
        return [one.digest() for one in self._sims]

    # ---- running -----------------------------------------------------------------------------------------------

    def run(
        self,
        n_steps: int | None = None,
        input: ArrayLike | None = None,
        input_ids: Any = None,
        threads: int | None = None,
        progress: bool | ProgressCallback | None = None,
        *,
        ms: float | None = None,
    ) -> dict[str, Any]:
        """Advance every replica; the loop is in C, with the GIL released.

        Parameters
        ----------
        n_steps : int, >= 0
        input : array_like of float, shape (n_steps, n_ids) or (n, n_steps, n_ids), mV, optional
            External current of each step, for all replicas or one for each.
        input_ids : array_like of int, shape (n_ids,), or name of an area or population, optional
            Neurons that `input` is for. Default: all, in id order.
        threads : int, >= 1, optional
            Default: the simulation's.
        progress : bool or callable, optional
            As of `Simulation.run`.
        ms : float, ms, >= 0, optional
            In place of `n_steps`: a whole number of steps of dt.

        Returns
        -------
        dict
            ``step``, ``n_steps``, ``spike_counts`` (ndarray of int64, shape (n, n_neurons)) and ``mean_rate``
            (ndarray of float64, shape (n,), Hz).

        Raises
        ------
        ValueError
            If an argument, parameter or input of some replica is out of its domain, or neurons were added to one or
            removed from it. No step is done.
        NumericalError
            If a state variable of some replica is no longer finite; it names the replica. The others have done their
            steps.
        """
        first = self._sims[0]
        n_steps = checked_steps(n_steps, ms, first.dt)
        rows, ids = None, None
        if input is not None:
            given = checked_array(input, "input").astype(np.float64, copy=False)
            each = given if given.ndim == 3 else np.broadcast_to(given, (len(self), *given.shape))
            if len(each) != len(self):
                raise ValueError(
                    f"input: must have {len(self)} replicas along its first axis; got {len(each)}"
                )
            rows = []
            for one in each:
                row, ids = checked_input(first.model, n_steps, one, input_ids)
                rows.append(row)
        elif input_ids is not None:
            raise ValueError("input_ids: needs input; got none")
        self._check_sizes()
        before = self.column("spike_count")
        self._run(
            n_steps, rows, ids, self._threads if threads is None else checked_threads(threads), progress
        )
        counts = self.column("spike_count") - before
        seconds = n_steps * first.dt / 1000.0
        rates = counts.mean(axis=1) / seconds if counts.shape[1] and n_steps else np.zeros(len(self))
        return RunResult(step=first.current_step, n_steps=n_steps, spike_counts=counts, mean_rate=rates)

    def _check_sizes(self) -> None:
        n = len(self._sims[0].model.neurons)
        for k, one in enumerate(self._sims):
            if len(one.model.neurons) != n:
                raise ValueError(
                    f"replica {k}: must have as many neurons as replica 0, {n}, where replicas run together; "
                    f"got {len(one.model.neurons)}"
                )

    def _refused(self, failure: _core.CoreFailure) -> Exception:
        """Of a run that was not begun: the first replica whose parameters are out of their domains, and which."""
        for k, engine in enumerate(self._group.engines):
            try:
                engine.prepare()
            except _core.CoreFailure as own:
                error = explained(engine, own)
                return type(error)(f"replica {k}: {error}")
        return explained(self._group.engines[0], failure)

    def _run(self, n_steps: int, rows: Any, ids: Any, threads: int, progress: Any) -> None:
        reports, first = Reports(progress, n_steps, self._sims[0].dt), self._sims[0].current_step

        def report(done: int) -> None:
            gates = [session.gate for session in self._sessions]
            with _core.aside(gates):  # other threads may read meanwhile
                _core.at_once(reports, done)
            for session in self._sessions:
                if session.gate.running:  # it does not in a process forked by the callback
                    session.take_up()

        for k, session in enumerate(self._sessions):
            if session.agenda.hooks:
                raise ValueError(f"replica {k}: must have no hooks where replicas run together; got some")
            with _naming(k):
                session.store.check_written(session.step)
        turn = _core.turn()
        try:
            with turn:
                engines = []
                for k, session in enumerate(self._sessions):
                    named = f"run of {n_steps} steps of {len(self)} replicas (this is replica {k})"
                    with _naming(k):
                        engines.append(session.begin(turn, named, n_steps))
                if engines != self._group.engines:  # a replica that was reset or restored has a new one
                    self._group = _core.EngineGroup(engines)
                with _core.whole_steps():
                    failed = self._group.run(n_steps, rows, ids, threads, report if reports else None)
                if failed is None:
                    reports(n_steps)  # the core does not report the last slice
        except _core.CoreFailure as failure:
            raise self._refused(failure) from None
        except KeyboardInterrupt as interrupt:
            now = self._sims[0].current_step
            raise told(interrupt, now, self._sims[0].dt, first + n_steps - now) from None
        finally:
            for session in self._sessions:
                session.end(turn)
            reports.close()
        if failed is not None:
            k, what = failed
            error = explained(self._sessions[k].bound(), what)
            raise type(error)(f"replica {k}: {error}")


def _each(
    where: str,
    values: ArrayLike,
    n: int,
    shape: tuple[int, ...],
    low: float = -np.inf,
    high: float = np.inf,
) -> NDArray[np.float64]:
    """Values of each replica, shape (n, *shape); one number of a replica counts for all of `shape`."""
    if isinstance(values, Mapping):
        raise TypeError(f"{where}: must be numbers, since create and connect alone draw; got {shown(values)}")
    given = checked_array(values, where).astype(np.float64, copy=False)
    if given.shape not in ((n,), (n, *shape)):
        raise ValueError(f"{where}: must have shape {(n,)} or {(n, *shape)}; got {given.shape}")
    if not np.all(np.isfinite(given)) or given.min(initial=low) < low or given.max(initial=high) > high:
        bounds = f" and from {low:g} to {high:g}" if np.isfinite(low) else ""
        raise ValueError(f"{where}: must be finite{bounds}; got {given.tolist()!r:.60}")
    return np.broadcast_to(given.reshape(n, *([1] * len(shape))), (n, *shape)) if given.ndim == 1 else given


def _check_weights(projection: Any, where: str, each: NDArray[np.float64]) -> None:
    """Refuse weights that the projection refuses; the message names the replica."""
    table, inhibitory = projection._table, projection.synapse_type == "inhibitory"
    for k, row in enumerate(each):
        named = f"{where}, replica {k}"
        check_weight(named, row, table.learning, inhibitory)
        check_sign(
            named, row, table.columns, lambda: np.flatnonzero(table.targets(table.columns.n)), inhibitory
        )


def _check_column(neurons: Any, name: str, values: ArrayLike, each: NDArray[np.float64]) -> None:
    """Refuse values out of the domain of a column, where neurons have it; warn of those in another unit."""
    doubtful = True
    for code in np.unique(neurons.model).tolist():
        model, own = list(MODELS)[code], neurons.model == code
        if not name.startswith("drive_") and name not in settable(model):
            continue
        for k, row in enumerate(each):
            for end in (row[own].min(), row[own].max()):
                checked_column(f"{name}, replica {k}", name, end, [model], 1)
        if doubtful:  # once, whatever the number of models
            say_unit_doubts(settable(model), {name: values}, "")
            doubtful = False


@contextlib.contextmanager
def _naming(k: int) -> Iterator[None]:
    """A block in which what is refused of replica k names it."""
    try:
        yield
    except (ValueError, NumericalError) as error:
        if type(error) not in (ValueError, NumericalError):
            raise
        raise type(error)(f"replica {k}: {error}") from None


def _level_setter(column: int) -> Any:
    def set_level(sim: Simulated, values: NDArray[np.float64]) -> None:
        assert sim.neuromodulation is not None  # `_checked` has refused levels without a system
        sim.neuromodulation.level[:, column] = values

    return set_level


def _weight_setter(name: str) -> Any:
    def set_weight(sim: Simulated, values: NDArray[np.float64]) -> None:
        sim.projections[name].weight[:] = values

    return set_weight


def _column_setter(name: str) -> Any:
    def set_column(sim: Simulated, values: NDArray[np.float64]) -> None:
        column = getattr(sim.model.neurons, name)
        column[:] = np.where(np.isnan(column), column, values)

    return set_column


def _again(sims: list[Sim], threads: int) -> Replicas[Sim]:
    """Replicas of simulations that are there."""
    replicas: Replicas[Sim] = Replicas.__new__(Replicas)
    replicas._hold(sims, threads)
    return replicas
