"""Recorders: what a simulation keeps of the steps it has done. They record from the step after their making."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import checked_count
from neuromod.inputs import known_ids

__all__ = ["LevelMonitor", "RateMonitor", "SpikeMonitor", "StateMonitor"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Simulation(Protocol):
    """What a `neuromod.simulation.Simulation` offers here; this module does not import it."""

    model: Any
    neuromodulation: Any
    _session: Any

    @property
    def dt(self) -> float: ...
    @property
    def current_step(self) -> int: ...


def _milliseconds(steps: Ints, sim: Simulation) -> Floats:
    return np.multiply(steps, sim.dt, dtype=np.float64)


Recorder = TypeVar("Recorder", _core.SpikeRecorder, _core.SampleRecorder)


class _Monitor(Generic[Recorder]):
    """A recorder of the core attached to one simulation; usable in ``with``, which ends it."""

    def __init__(self, sim: Simulation, recorder: Recorder) -> None:
        self._sim = sim
        self._recorder: Recorder = recorder
        sim._session.bound().add_recorder(recorder)

    def stop(self) -> None:
        """Record no further; what was recorded stays."""
        self._sim._session.bound().remove_recorder(self._recorder)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied and pickled with its simulation and its records. A shallow copy records the same simulation."""
        own = {name: value for name, value in vars(self).items() if name not in ("_sim", "_recorder")}
        return _again, (type(self), self._sim, own, self._recorder.saved(), self._is_on())

    def _is_on(self) -> bool:
        """Whether it still records."""
        engine: _core.Engine = self._sim._session.bound()
        return any(each is self._recorder for each in (*engine.spike_recorders, *engine.sample_recorders))

    def _resolver(self) -> Callable[[], tuple[Floats, Ints]] | None:
        """Finds what a recorder of samples reads; None for spikes."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


class SpikeMonitor(_Monitor[_core.SpikeRecorder]):
    """Every spike: which neuron, in which step, at what time.

    Parameters
    ----------
    sim : Simulation
    ids : array_like of int, shape (n,), optional
        Neurons to record. Default: all, later ones included.

    Raises
    ------
    ValueError
        If an id is not in the network. Nothing is recorded then.

    Notes
    -----
    Written by ``csrc/nm_record.c`` into blocks of 65,536 spikes or more; 16 bytes a spike.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, SpikeMonitor
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.05)
    >>> spikes = SpikeMonitor(sim)
    >>> run = sim.run(200)
    >>> bool(spikes.count == run["spike_counts"].sum())
    True
    """

    def __init__(self, sim: Simulation, ids: ArrayLike | None = None) -> None:
        wanted = None if ids is None else known_ids(sim.model, ids, "ids")
        super().__init__(sim, _core.SpikeRecorder(wanted))

    @property
    def step(self) -> Ints:
        """Number of the step of each spike (the first step is 1); int64, shape (n_spikes,). A copy."""
        return self._recorder.arrays()[0]

    @property
    def id(self) -> Ints:
        """Neuron of each spike; int64, shape (n_spikes,). A copy."""
        return self._recorder.arrays()[1]

    @property
    def time(self) -> Floats:
        """Time of each spike, ms; float64, shape (n_spikes,): the end of its step. A copy."""
        return _milliseconds(self.step, self._sim)

    @property
    def count(self) -> int:
        """Number of spikes recorded."""
        return len(self.step)

    def __repr__(self) -> str:
        return f"SpikeMonitor(spikes={self.count})"


class StateMonitor(_Monitor[_core.SampleRecorder]):
    """Samples of one neuron variable.

    Parameters
    ----------
    sim : Simulation
    variable : str
        A column of ``model.neurons``: ``"v_membrane"``, ``"u_recovery"``, ...
    ids : array_like of int, shape (n,), optional
        Neurons to record. Default: those present now.
    every : int, steps, >= 1, default 1
        Distance of the samples; taken at the end of the steps divisible by it.

    Raises
    ------
    ValueError
        If the variable, an id or `every` is unknown or out of range. Nothing is recorded then.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, StateMonitor
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> v = StateMonitor(sim, "v_membrane", ids[:3], every=10)
    >>> _ = sim.run(100)
    >>> v.values.shape
    (10, 3)
    """

    def __init__(self, sim: Simulation, variable: str, ids: ArrayLike | None = None, every: int = 1) -> None:
        columns = sim._session.store.columns
        if variable not in columns.buffers or columns.buffers[variable].dtype != np.float64:
            known = sorted(name for name, column in columns.buffers.items() if column.dtype == np.float64)
            raise ValueError(f"variable: must be one of {', '.join(known)}; got {variable!r}")
        self.variable: str = variable
        self.ids: Ints = sim.model.neurons.id.copy() if ids is None else known_ids(sim.model, ids, "ids")
        self._sim = sim
        super().__init__(sim, _core.SampleRecorder(self._resolver(), checked_count(every, "every", 1)))

    def _resolver(self) -> Callable[[], tuple[Floats, Ints]]:
        columns, variable, wanted = self._sim._session.store.columns, self.variable, self.ids

        def resolve() -> tuple[Floats, Ints]:
            return columns.buffers[variable], np.searchsorted(columns.column("id"), wanted)

        return resolve

    @property
    def time(self) -> Floats:
        """Time of each sample, ms; float64, shape (n_samples,). A copy."""
        return _milliseconds(self._recorder.arrays()[0], self._sim)

    @property
    def values(self) -> Floats:
        """The samples, float64, shape (n_samples, n_ids), in the variable's unit. A copy."""
        return self._recorder.arrays()[1]

    def __repr__(self) -> str:
        samples, width = self.values.shape
        return f"StateMonitor({self.variable!r}, samples={samples}, neurons={width})"


class LevelMonitor(_Monitor[_core.SampleRecorder]):
    """Samples of the modulators' levels, after the step's decay and release.

    Parameters
    ----------
    sim : Simulation
        One with a ``neuromodulation`` system.
    every : int, steps, >= 1, default 1
        Distance of the samples.

    Attributes
    ----------
    names, regions : tuple of str
        The modulators, declared ones included, and the regions, in the order of the axes of `values`.

    Raises
    ------
    ValueError
        If the simulation has no neuromodulation system, or `every` is out of range.

    Examples
    --------
    >>> from neuromod import BrainModel, LevelMonitor, NeuromodulationSystem, Simulation
    >>> system = NeuromodulationSystem()
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1, neuromodulation=system)
    >>> levels = LevelMonitor(sim)
    >>> error = system.process_reward(1.0)
    >>> _ = sim.run(2)
    >>> levels.names[0], levels.values[:, 0].round(3).tolist()
    ('dopamine', [0.86, 0.824])
    """

    def __init__(self, sim: Simulation, every: int = 1) -> None:
        system = sim.neuromodulation
        if system is None:
            raise ValueError("sim: must have a neuromodulation system; got none")
        self._sim = sim
        super().__init__(sim, _core.SampleRecorder(self._resolver(), checked_count(every, "every", 1)))
        self._shape = system._levels.level.shape
        self.names: tuple[str, ...] = tuple(system.names)
        self.regions: tuple[str, ...] = tuple(system.regions)

    def _resolver(self) -> Callable[[], tuple[Floats, Ints]]:
        level = self._sim.neuromodulation._levels.level

        def resolve() -> tuple[Floats, Ints]:
            return level.reshape(-1), np.arange(level.size)

        return resolve

    @property
    def time(self) -> Floats:
        """Time of each sample, ms; float64, shape (n_samples,). A copy."""
        return _milliseconds(self._recorder.arrays()[0], self._sim)

    @property
    def values(self) -> Floats:
        """Levels in [0, 1]; shape (n_samples, n_modulators), or (n_samples, n_regions, n_modulators). A copy."""
        values = self._recorder.arrays()[1]
        return values if self._shape[0] == 1 else values.reshape(-1, *self._shape)

    def level(self, name: str, region: str | None = None) -> Floats:
        """Levels of one modulator.

        Parameters
        ----------
        name : str
            One of `names`.
        region : str, optional
            One of `regions`. Default: all.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            In [0, 1]; without a region, where there are several, shape (n_samples, n_regions). A copy.

        Raises
        ------
        ValueError
            If `name` or `region` is unknown.
        """
        for what, wanted, known in (("name", name, self.names), ("region", region, self.regions)):
            if wanted not in known and not (what == "region" and wanted is None):
                raise ValueError(f"{what}: must be one of {', '.join(known)}; got {wanted!r}")
        of_each = self._recorder.arrays()[1].reshape(-1, *self._shape)[:, :, self.names.index(name)]
        if region is not None or len(self.regions) == 1:
            of_each = of_each[:, self.regions.index(region or self.regions[0])]
        return of_each.copy()

    def __repr__(self) -> str:
        return f"LevelMonitor({', '.join(self.names)}, samples={len(self.time)})"


class RateMonitor(SpikeMonitor):
    """Mean firing rate of a group of neurons in successive bins.

    Parameters
    ----------
    sim : Simulation
    ids : array_like of int, shape (n,), optional
        The group. Default: all neurons.
    bin_ms : float, ms, > 0, default 10
        Width of a bin; rounded to whole steps, at least one.

    Raises
    ------
    ValueError
        If an id is not in the network or `bin_ms` is not > 0. Nothing is recorded then.

    Examples
    --------
    >>> from neuromod import BrainModel, RateMonitor, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.05)
    >>> rate = RateMonitor(sim, bin_ms=50.0)
    >>> _ = sim.run(200)
    >>> rate.rate.shape
    (4,)
    """

    def __init__(self, sim: Simulation, ids: ArrayLike | None = None, bin_ms: float = 10.0) -> None:
        if not (np.isfinite(bin_ms) and bin_ms > 0):
            raise ValueError(f"bin_ms: must be > 0 ms; got {bin_ms!r}")
        super().__init__(sim, ids)
        self._bin = max(1, round(bin_ms / sim.dt))
        self._began = sim.current_step
        self._n = None if ids is None else len(np.unique(np.asarray(ids)))

    def _bins(self) -> int:
        return (self._sim.current_step - self._began) // self._bin

    @property
    def bin_end(self) -> Floats:
        """End of each full bin, ms; float64, shape (n_bins,)."""
        return _milliseconds(self._began + (np.arange(self._bins()) + 1) * self._bin, self._sim)

    @property
    def rate(self) -> Floats:
        """Spikes per neuron and second in each full bin, Hz; float64, shape (n_bins,)."""
        n_bins = self._bins()
        which = (self.step - self._began - 1) // self._bin
        counts = np.bincount(which[which < n_bins], minlength=n_bins)
        n = len(self._sim.model.neurons) if self._n is None else self._n
        return np.multiply(counts, 1000.0 / (max(n, 1) * self._bin * self._sim.dt), dtype=np.float64)

    def __repr__(self) -> str:
        return f"RateMonitor(bin={self._bin * self._sim.dt:g} ms, bins={self._bins()})"


def _again(
    kind: type[_Monitor[Any]], sim: Simulation, own: dict[str, Any], saved: dict[str, Any], is_on: bool
) -> _Monitor[Any]:
    """A monitor of `sim` that has recorded what another has, and goes on where that did."""
    monitor = kind.__new__(kind)
    vars(monitor).update(own)
    monitor._sim = sim
    resolve = monitor._resolver()
    made = _core.SpikeRecorder() if resolve is None else _core.SampleRecorder(resolve, 1)
    made.restore(saved)
    monitor._recorder = made
    if is_on:
        sim._session.bound().add_recorder(made)
    return monitor
