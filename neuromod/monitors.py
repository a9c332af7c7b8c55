"""Recorders: what a simulation keeps of the steps it has done. They record from the step after their making."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import checked_array
from neuromod.closed import fixed
from neuromod.errors import say
from neuromod.inputs import known_ids
from neuromod.near_names import names_near
from neuromod.network.columns import FIXED_FIELDS, MODELS
from neuromod.network.population import Group, settable
from neuromod.network.tracked import Tracked
from neuromod.problems import did_you_mean, shown
from neuromod.recorders import Monitor, Simulation, milliseconds
from neuromod.tables import Samples, Spikes, unit_of
from neuromod.units import checked_every, steps_of

__all__ = ["LevelMonitor", "RateMonitor", "SpikeMonitor", "StateMonitor", "SynapseMonitor"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CURRENTS = ("current", "currents", "i", "i_syn", "input", "input_current")
_OF_SOURCES = "; a hook reads the current of a source, sim.every(ms, lambda sim: kept.append(source.value))"


class SpikeMonitor(Monitor[_core.SpikeRecorder]):
    """Every spike: which neuron, in which step, at what time.

    Parameters
    ----------
    sim : Simulation
    ids : Population, name, sequence of these, or array_like of int, shape (n,), optional
        Neurons to record; names are of areas and populations, of which those are recorded that are there now. Default:
        all neurons, later ones included.

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

    @names_near
    def __init__(self, sim: Simulation, ids: Group | None = None) -> None:
        wanted = None if ids is None else known_ids(sim.model, ids, "ids")
        super().__init__(sim, _core.SpikeRecorder(wanted))
        self._first = sim.current_step

    def _recorded(self) -> Spikes:
        step, id = self._recorder.arrays()
        wanted, ended, sim = self._recorder.wanted_ids, self._recorder.ended, self._sim
        ids = np.union1d(sim.model.neurons.id if wanted is None else wanted, id)
        last = sim.current_step if ended is None else ended
        return Spikes(milliseconds(step, sim), step, id, ids, self._first * sim.dt, last * sim.dt)

    @property
    def step(self) -> Ints:
        """Number of the step of each spike (the first step is 1); int64, shape (n_spikes,). A copy, read-only."""
        return fixed(self._recorder.arrays()[0])

    @property
    def id(self) -> Ints:
        """Neuron of each spike; int64, shape (n_spikes,). A copy, read-only."""
        return fixed(self._recorder.arrays()[1])

    @property
    def time(self) -> Floats:
        """Time of each spike, ms; float64, shape (n_spikes,): the end of its step. A copy, read-only."""
        return fixed(milliseconds(self.step, self._sim))

    @property
    def count(self) -> int:
        """Number of spikes recorded."""
        return len(self.step)

    def __repr__(self) -> str:
        return f"SpikeMonitor(spikes={self.count})"


def _check_has(columns: Any, variable: str, ids: Ints) -> None:
    """Refuse a variable that none of the neurons has, of which all samples would be NaN."""
    if variable in FIXED_FIELDS or not len(ids):
        return
    there = np.unique(columns.column("model")[columns.known_slots(ids, "ids")])
    models = [list(MODELS)[k] for k in there.tolist()]
    known = [name for model in models for name in settable(model)]
    if variable not in known:
        hint = did_you_mean(variable, known) or f"; there are {', '.join(dict.fromkeys(known))}"
        who = " and ".join(f"{model} neurons" for model in models)
        raise ValueError(
            f"variable: must be one that a recorded neuron has; {who} have no {variable!r}{hint}"
        )


class StateMonitor(Monitor[_core.SampleRecorder]):
    """Samples of one neuron variable.

    Parameters
    ----------
    sim : Simulation
    variable : str
        A column of ``model.neurons``: ``"v_membrane"``, ``"u_recovery"``, ... The current of a source, such as
        `OUCurrent`, is none of them: a hook reads its ``value``. NaN for neurons whose model has no such variable.
    ids : Population, name, sequence of these, or array_like of int, shape (n,), optional
        Neurons to record; names are of areas and populations. Default: those present now. A neuron that is removed is
        NaN from then on.
    every : int, steps, >= 1, default 1
        Distance of the samples; taken at the end of the steps divisible by it.
    every_ms : float, ms, > 0, optional
        In place of `every`: a whole number of steps of dt.

    Raises
    ------
    ValueError
        If the variable, an id or `every` is unknown or out of range, or no neuron to record has the variable. Nothing
        is recorded then.

    Warns
    -----
    NeuromodWarning
        For ``"external_input"``, which is cleared in each step before samples are taken.

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

    @names_near
    def __init__(
        self,
        sim: Simulation,
        variable: str,
        ids: Group | None = None,
        every: int | None = None,
        *,
        every_ms: float | None = None,
    ) -> None:
        buffers = sim._session.store.columns.buffers
        known = sorted(
            name for name, column in buffers.items() if column.dtype.str[1:] in ("f8", "i8") and name != "id"
        )
        if variable not in known:
            hint = _OF_SOURCES if str(variable).lower() in _CURRENTS else did_you_mean(variable, known)
            listed = ", ".join(name for name in known if name != "external_input")
            raise ValueError(f"variable: must be one of {listed}; got {shown(variable)}{hint}")
        if variable == "external_input":
            say(
                "StateMonitor: external_input is cleared in each step, before samples are taken: each is 0"
                + _OF_SOURCES
            )
        count = checked_every(every, every_ms, sim.dt)
        wanted = sim.model.neurons.id.copy() if ids is None else known_ids(sim.model, ids, "ids").copy()
        _check_has(sim._session.store.columns, variable, wanted)
        wanted.flags.writeable = False
        self._variable, self._ids, self._period = variable, wanted, count
        self._sim = sim
        super().__init__(sim, _core.SampleRecorder(self._resolver(), count))

    def _recorded(self) -> Samples:
        period, axes = self._period * self._sim.dt, {"neuron": {"id": self._ids}}
        time, values = self._samples()
        return Samples(self._variable, unit_of(self._variable), time, values, period, axes)

    def _new_recorder(self) -> _core.SampleRecorder:
        return _core.SampleRecorder(self._resolver(), 1)

    def _resolver(self) -> Callable[[], tuple[Floats, Ints]]:
        columns, variable, wanted = self._sim._session.store.columns, self._variable, self._ids

        def resolve() -> tuple[Floats, Ints]:
            ids = columns.buffers["id"][: columns.n]
            there = np.isin(wanted, ids)
            return columns.buffers[variable], np.where(there, np.searchsorted(ids, wanted), -1)

        return resolve

    @property
    def variable(self) -> str:
        """The column that is recorded."""
        return self._variable

    @property
    def ids(self) -> Ints:
        """Neurons that are recorded; int64, shape (n_ids,). Read-only."""
        return self._ids

    @property
    def time(self) -> Floats:
        """Time of each sample, ms; float64, shape (n_samples,). A copy, read-only."""
        return fixed(milliseconds(self._recorder.arrays()[0], self._sim))

    @property
    def values(self) -> Floats:
        """The samples, float64, shape (n_samples, n_ids), in the variable's unit. A copy, read-only."""
        return fixed(self._recorder.arrays()[1])

    def __repr__(self) -> str:
        samples, width = self.values.shape
        return f"StateMonitor({self.variable!r}, samples={samples}, neurons={width})"


class LevelMonitor(Monitor[_core.SampleRecorder]):
    """Samples of the modulators' levels, after the step's decay and release.

    Parameters
    ----------
    sim : Simulation
        One with a ``neuromodulation`` system.
    every : int, steps, >= 1, default 1
        Distance of the samples.
    every_ms : float, ms, optional
        In place of `every`: a whole number of steps of dt.

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

    @names_near
    def __init__(self, sim: Simulation, every: int | None = None, *, every_ms: float | None = None) -> None:
        system = sim.neuromodulation
        if system is None:
            raise ValueError("sim: must have a neuromodulation system; got none")
        self._sim, self._period = sim, checked_every(every, every_ms, sim.dt)
        super().__init__(sim, _core.SampleRecorder(self._resolver(), self._period))
        self._shape = system._levels.level.shape
        self._names: tuple[str, ...] = tuple(system.names)
        self._regions: tuple[str, ...] = tuple(system.regions)

    def _recorded(self) -> Samples:
        axes = {"region": {"region": list(self._regions)}, "modulator": {"modulator": list(self._names)}}
        if len(self._regions) == 1:
            del axes["region"]
        time, values = self._samples()
        return Samples("level", "1", time, self._in_regions(values), self._period * self._sim.dt, axes)

    def _new_recorder(self) -> _core.SampleRecorder:
        return _core.SampleRecorder(self._resolver(), 1)

    def _resolver(self) -> Callable[[], tuple[Floats, Ints]]:
        level = self._sim.neuromodulation._levels.level_buffer

        def resolve() -> tuple[Floats, Ints]:
            return level.reshape(-1), np.arange(level.size)

        return resolve

    @property
    def names(self) -> tuple[str, ...]:
        """The modulators, declared ones included, in the order of the last axis of `values`."""
        return self._names

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions, in the order of the middle axis of `values`."""
        return self._regions

    @property
    def time(self) -> Floats:
        """Time of each sample, ms; float64, shape (n_samples,). A copy, read-only."""
        return fixed(milliseconds(self._recorder.arrays()[0], self._sim))

    @property
    def values(self) -> Floats:
        """Levels in [0, 1]; shape (n_samples, n_modulators), or (n_samples, n_regions, n_modulators).

        A copy, read-only.
        """
        return fixed(self._in_regions(self._recorder.arrays()[1]))

    def _in_regions(self, values: Floats) -> Floats:
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
                hint = did_you_mean(wanted, known)
                raise ValueError(f"{what}: must be one of {', '.join(known)}; got {wanted!r}{hint}")
        of_each = self._recorder.arrays()[1].reshape(-1, *self._shape)[:, :, self.names.index(name)]
        if region is not None or len(self.regions) == 1:
            of_each = of_each[:, self.regions.index(region or self.regions[0])]
        return of_each.copy()

    def __repr__(self) -> str:
        return f"LevelMonitor({', '.join(self.names)}, samples={len(self.time)})"


class SynapseMonitor(Monitor[_core.Probe]):
    """Samples of the weights, or of another variable of the synapses, of one projection.

    Parameters
    ----------
    sim : Simulation
    projection : Projection or str
        One of ``sim.projections``, or its name.
    variable : str, default "weight"
        Or ``"eligibility"``, or a state variable of the projection's rule (`Projection.state`).
    synapses : array_like of int, shape (n,), optional
        Positions in the projection's arrays, as they are now. Default: all synapses that are there now. A synapse that
        is removed is NaN from then on.
    every : int, steps, >= 1, default 1
        Distance of the samples; taken at the end of the steps divisible by it.
    every_ms : float, ms, optional
        In place of `every`: a whole number of steps of dt.

    Raises
    ------
    ValueError, TypeError, IndexError
        If the projection is none of the simulation's, the variable is not one of its rule's, or a position or `every`
        is out of range. Nothing is recorded then.

    Notes
    -----
    A run pauses for each sample. Where the rule brings synapses up to date only when they are read, the sample costs
    what its synapses cost, up to 16 and one for each 4,096 of the projection; of more, all are read. What follows has
    the same bits as without the monitor. 4 bytes a value.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, SynapseMonitor
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> p = sim.connect("V1_like", "V1_like", in_degree=5, weight=0.5, rule="stdp", synapse_type="excitatory")
    >>> weights = SynapseMonitor(sim, p, every=20)
    >>> _ = sim.run(100)
    >>> weights.values.shape, weights.time[:2].tolist()
    ((5, 400), [20.0, 40.0])
    """

    @names_near
    def __init__(
        self,
        sim: Simulation,
        projection: Any,
        variable: str = "weight",
        synapses: ArrayLike | None = None,
        every: int | None = None,
        *,
        every_ms: float | None = None,
    ) -> None:
        table = table_of(sim, projection)
        known = ["weight", *(name for name in table.state_columns if name != "last_event")]
        if not isinstance(variable, str) or variable not in known:
            raise ValueError(
                f"variable: must be one of {', '.join(known)}; got {shown(variable)}{did_you_mean(variable, known)}"
            )
        positions = np.arange(len(table)) if synapses is None else _positions(synapses, len(table))
        count = self._period = checked_every(every, every_ms, sim.dt)
        self._sim, self._variable, self._projection = sim, variable, table.name
        self._ends: tuple[Ints, ...] = tuple(fixed(ends[positions]) for ends in (table.pre_id, table.post_id))
        self._tracked = Tracked(sim._session.store, table.name, positions)
        super().__init__(sim, _core.Probe(self._reader(), count, len(positions)))

    @property
    def variable(self) -> str:
        """The variable that is recorded."""
        return self._variable

    @property
    def pre_id(self) -> Ints:
        """Sources of the recorded synapses; int64, shape (n,). Read-only."""
        return self._ends[0]

    @property
    def post_id(self) -> Ints:
        """Targets of the recorded synapses; int64, shape (n,). Read-only."""
        return self._ends[1]

    def _recorded(self) -> Samples:
        axes = {"synapse": {"pre": self._ends[0], "post": self._ends[1]}}
        unit = "mV" if self._variable == "weight" else "1"
        time, values = self._samples()
        return Samples(self._variable, unit, time, values, self._period * self._sim.dt, axes)

    def _reader(self) -> Callable[[], NDArray[np.float32]]:
        """What the probe calls. It does not hold the monitor, which is gone when nobody has it."""
        tracked, variable = self._tracked, self._variable
        return lambda: tracked.read(variable)

    def _own(self) -> dict[str, Any]:
        own = super()._own()
        return {**own, "_tracked": self._tracked.positions()}

    def _new_recorder(self) -> _core.Probe:
        positions: Any = self._tracked  # as `_own` gave them
        self._tracked = Tracked(self._sim._session.store, self._projection, positions)
        return _core.Probe(self._reader(), 1, len(positions))

    @property
    def time(self) -> Floats:
        """Time of each sample, ms; float64, shape (n_samples,). A copy, read-only."""
        return fixed(milliseconds(self._recorder.arrays()[0], self._sim))

    @property
    def values(self) -> NDArray[np.float32]:
        """The samples, float32, shape (n_samples, n_synapses), in the variable's unit. A copy, read-only."""
        return fixed(self._recorder.arrays()[1])

    def __repr__(self) -> str:
        samples, width = self.values.shape
        return (
            f"SynapseMonitor({self._projection!r}, {self._variable!r}, samples={samples}, synapses={width})"
        )


def table_of(sim: Simulation, projection: Any) -> Any:
    """The synapses of a projection of the simulation, given or named."""
    known = sim._session.store.projections
    name = projection if isinstance(projection, str) else getattr(projection, "name", None)
    found = known[name] if isinstance(name, str) and name in known else None
    if found is None or (found is not projection and not isinstance(projection, str)):
        names = ", ".join(map(repr, known)) or "none yet"
        raise ValueError(f"projection: must be one of the simulation's, {names}; got {shown(projection)}")
    return found._table


def _positions(synapses: ArrayLike, n: int) -> Ints:
    given = np.atleast_1d(checked_array(synapses, "synapses", "iu"))
    if given.ndim != 1 or (given.size and not 0 <= given.min() <= given.max() < n):
        raise IndexError(f"synapses: must be positions from 0 to {n - 1}; got {shown(synapses)}")
    return given.astype(np.int64)


class RateMonitor(SpikeMonitor):
    """Mean firing rate of a group of neurons in successive bins.

    Parameters
    ----------
    sim : Simulation
    ids : Population, name, sequence of these, or array_like of int, shape (n,), optional
        The group; names are of areas and populations. Default: all neurons.
    bin_ms : float, ms, > 0, optional
        Width of a bin: a whole number of steps of dt. Default: 10 ms, to the nearest step, at least one.

    Raises
    ------
    ValueError, TypeError
        If an id is not in the network or `bin_ms` is no whole number of steps. Nothing is recorded then.

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

    @names_near
    def __init__(self, sim: Simulation, ids: Group | None = None, bin_ms: float | None = None) -> None:
        steps = max(1, round(10.0 / sim.dt)) if bin_ms is None else steps_of(bin_ms, sim.dt, "bin_ms", 1)
        super().__init__(sim, ids)
        self._bin = steps
        self._began = self._recorder.sizes[0][0]

    def _recorded(self) -> Samples:  # type: ignore[override]
        return Samples("rate", "Hz", self._bin_ends(), self._rates(), self._bin * self._sim.dt)

    def _bins(self) -> int:
        ended = self._recorder.ended
        return ((self._sim.current_step if ended is None else ended) - self._began) // self._bin

    def _neuron_steps(self, n_bins: int) -> Ints:
        """Neurons of the group that were there, summed over the steps of each bin."""
        border = self._began + np.arange(n_bins + 1) * self._bin
        steps, sizes = np.array(self._recorder.sizes, np.int64).T
        # sum over the steps up to each border: neurons that joined (or left) at `step` count from the next one on
        joined = np.diff(sizes, prepend=0)
        until: Ints = (np.maximum(border[:, None] - steps, 0) * joined).sum(axis=1)
        return np.diff(until)

    @property
    def bin_end(self) -> Floats:
        """End of each full bin, ms; float64, shape (n_bins,). Read-only."""
        return fixed(self._bin_ends())

    def _bin_ends(self) -> Floats:
        return milliseconds(self._began + (np.arange(self._bins()) + 1) * self._bin, self._sim)

    @property
    def rate(self) -> Floats:
        """Spikes per neuron and second in each full bin, Hz; float64, shape (n_bins,).

        A bin counts the neurons of its own time: those of the group that were in the network, step by step. It is 0
        where there was none. Read-only.
        """
        return fixed(self._rates())

    def _rates(self) -> Floats:
        n_bins = self._bins()
        which = (self.step - self._began - 1) // self._bin
        counts = np.bincount(which[which < n_bins], minlength=n_bins)
        return counts * 1000.0 / (np.maximum(self._neuron_steps(n_bins), 1) * self._sim.dt)

    def __repr__(self) -> str:
        return f"RateMonitor(bin={self._bin * self._sim.dt:g} ms, bins={self._bins()})"
