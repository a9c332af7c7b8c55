"""A model in motion: initialise, connect, step, run. The loop itself is ``csrc/nm_sim.c``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import saved
from neuromod.arguments import checked_dt, checked_seed, spike_list
from neuromod.building import Building
from neuromod.connects import Connects
from neuromod.errors import say
from neuromod.hooks import Hooked
from neuromod.inputs import check_run, check_sources, checked_input, ids_given, spike_steps
from neuromod.interrupts import told
from neuromod.keeping import Kept
from neuromod.lifecycle import LifeCycle
from neuromod.modulation.at_rest import say_what_decays_by_step
from neuromod.modulation.system import NeuromodulationSystem
from neuromod.near_names import names_near
from neuromod.network.brain_model import BrainModel, learning_of
from neuromod.network.learning import use_modulators
from neuromod.network.members import Region
from neuromod.network.population import Group
from neuromod.network.saved import state_of
from neuromod.parallel import checked_threads, get_num_threads
from neuromod.progress import ProgressCallback, Reports
from neuromod.run_result import Rates, RunResult
from neuromod.session import Session
from neuromod.state import digest_of
from neuromod.units import checked_steps, dt_doubt

if TYPE_CHECKING:
    from neuromod.replicas import Replicas

__all__ = ["Simulation"]

Ints = NDArray[np.int64]


class Simulation(Building, Connects, Hooked, Kept):
    """One run of a model, with its own clock, seed, spikes under way and recorders.

    Parameters
    ----------
    model : BrainModel, optional
        Simulated in place: its columns are the state. Default: one without a lattice, for `create`.
    seed : int, 0 .. 2**64 - 1, or numpy.random.Generator or SeedSequence, optional
        Everything random follows from it. Default: the configuration's ``simulation.seed``, else drawn; the one
        used is in ``sim.seed``.
    neuromodulation : NeuromodulationSystem, optional
        Applied by the core in every step: norepinephrine's gain on inputs, serotonin's shift of thresholds,
        dopamine's factor on learning, and their decay. Default: nothing is modulated.
    dt : float, ms, > 0, optional
        Length of a step. Default: the configuration's ``simulation.dt``, which is 1 ms by default.
    threads : int, >= 1, optional
        Threads at most; a small network uses fewer. The bits are those of any number. Default:
        `get_num_threads`.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain. The model is not touched.

    Notes
    -----
    Computed in ``csrc/nm_sim.c``. The same seed gives the same bits, for ``run(n)`` and n times ``step()``.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=42)
    >>> len(sim.initialize_neurons(area_names=["V1_like"], density=0.1))
    800
    >>> n_synapses = sim.initialize_random_synapses(connection_probability=0.1)
    >>> sim.step()["step"]
    1
    """

    _model: BrainModel
    _learning_of = staticmethod(learning_of)
    _MODEL, _SYSTEM = BrainModel, NeuromodulationSystem  # what `from_dict` makes

    @names_near
    def __init__(
        self,
        model: BrainModel | None = None,
        seed: int | np.random.Generator | np.random.SeedSequence | None = None,
        neuromodulation: NeuromodulationSystem | None = None,
        dt: float | None = None,
        threads: int | None = None,
    ) -> None:
        model = BrainModel(config={"areas": []}) if model is None else model
        if not isinstance(model, BrainModel):
            raise TypeError(f"model: must be a BrainModel; got {type(model).__name__}")
        if neuromodulation is not None and not isinstance(neuromodulation, NeuromodulationSystem):
            raise TypeError(
                f"neuromodulation: must be a NeuromodulationSystem; got {type(neuromodulation).__name__}"
            )
        section, doubt = model._config.simulation, dt_doubt(dt)
        if doubt is not None:
            say(doubt)
        length = checked_dt(section.dt if dt is None else dt)
        most = get_num_threads() if threads is None else checked_threads(threads)
        number = checked_seed(section.seed if seed is None else seed)
        if neuromodulation is not None:  # nothing fails behind it
            neuromodulation._check_fits(
                model._areas.own_regions,
                model._areas.names,
                lambda: use_modulators(model._store, neuromodulation.names),
            )
        self._model = model
        self._calls, self._made_by = {}, {}
        self._neuromodulation = neuromodulation
        levels = None if neuromodulation is None or not neuromodulation.enabled else neuromodulation._levels
        self._session = Session(model._store, number, length, levels, most)
        if neuromodulation is not None and neuromodulation.enabled:
            moves = [name for name in neuromodulation.names if name not in neuromodulation.clamped]
            say_what_decays_by_step([neuromodulation._modulator(n) for n in moves], self._session.dt)
        if model._config.lifecycle.enabled:
            self._session.life = LifeCycle(self._session, model._config.lifecycle)

    @property
    def model(self) -> BrainModel:
        """The model that is simulated."""
        return self._model

    @property
    def neuromodulation(self) -> NeuromodulationSystem | None:
        """The system that is applied in every step; None where nothing is modulated."""
        return self._neuromodulation

    def __repr__(self) -> str:
        return (
            f"Simulation(neurons={len(self.model.neurons):,}, synapses={len(self.model.synapses):,}, "
            f"dt={self.dt:g} ms, t={self.time:g} ms, seed={self.seed})"
        )

    @names_near
    def initialize_neurons(
        self,
        area_names: Sequence[Region] | None = None,
        density: float = 1.0,
        *,
        model: str | None = None,
        params: Mapping[str, float | str] | None = None,
        neuron_type: str | None = None,
    ) -> Ints:
        """Put neurons on free lattice sites of the named areas.

        Parameters
        ----------
        area_names : sequence of str or Population, each area once, optional
            Default: all areas of the configuration.
        density : float, 0 to 1, default 1
            Exactly ``round(density * sites)`` of an area's sites are filled, chosen by the seed.
        model : str, optional
            A registered neuron model. Default: the area's, else the configuration's.
        params : mapping of str to float or str, in the units of the table, optional
            Parameters that differ from the configuration's, in the model's units.
        neuron_type : {"excitatory", "inhibitory"}, optional
            Default: the area's, else inhibitory with the configuration's ``inhibitory_fraction``.

        Returns
        -------
        ndarray of int64, shape (n_new,)
            The new ids, ascending.

        Raises
        ------
        ValueError
            If an area, model or parameter is unknown or out of its domain, an area is named twice, or a rate exceeds
            one spike a step. No neuron is added, in any area.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=42)
        >>> sim.initialize_neurons(["A1_like"], density=0.001).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7]
        """
        return self.model._placement.fill(area_names, density, self.seed, model, params, neuron_type, self.dt)

    @names_near
    def initialize_random_synapses(
        self, connection_probability: float = 0.01, weight_mean: float = 0.1, weight_std: float = 0.05
    ) -> int:
        """Connect every ordered pair of different neurons with the same probability.

        Parameters
        ----------
        connection_probability : float, 0 to 1, default 0.01
        weight_mean, weight_std : float, mV, default 0.1 and 0.05
            Weights are normal, clipped to the bounds of the configuration's plasticity.

        Returns
        -------
        int
            Number of new synapses.

        Raises
        ------
        ValueError
            If an argument is out of its domain. No synapse is added.

        Notes
        -----
        Drawn in ``csrc/nm_build.c`` by geometric skipping: the cost is per synapse, not per pair.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=42)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> sim.initialize_random_synapses(0.1) == len(sim.model.synapses)
        True
        """
        from neuromod.network.connecting import connect_at_random

        store = self._session.store
        before = set(store.projections)
        n = connect_at_random(store, connection_probability, weight_mean, weight_std, self.seed)
        given = (connection_probability, weight_mean, weight_std)
        for made in [name for name in store.projections if name not in before][:1]:
            self._say_what_is_doubled("initialize_random_synapses", made, given)
        return n

    @names_near
    def set_spike_times(self, ids: Group, times_ms: ArrayLike | Sequence[ArrayLike]) -> None:
        """Let ``spike_source`` neurons fire at exact times, in place of what was set for them before.

        Parameters
        ----------
        ids : int, or array_like of int, shape (n,), Population, Neuron, or name of an area or population
        times_ms : array_like of float, ms, after the present time
            For one id or view of a neuron, its times. For several, either one sequence of times for each, or as many
            numbers as ids (then ``ids[k]`` fires at ``times_ms[k]``, and an id may occur more than once). A time is
            rounded to the nearest step.

        Raises
        ------
        ValueError
            If an id is no ``spike_source``, a time is not after the present or not before step 2**62, or two spikes of
            a neuron fall into one step. Nothing is changed then.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> source = sim.initialize_neurons(["V1_like"], density=1 / 8000, model="spike_source")
        >>> sim.set_spike_times(source[0], [2.0, 5.0])
        >>> [len(sim.step()["spikes"]) for _ in range(6)]
        [0, 1, 0, 0, 1, 0]
        """
        given = ids_given(self.model, ids, "ids")
        each_id, each_time = spike_list(given, times_ms)
        check_sources(self.model, each_id)
        steps = spike_steps(each_time, self.dt, self.current_step)
        spikes = np.stack([steps.astype(np.int64), each_id], axis=1)
        different, times = np.unique(spikes, axis=0, return_counts=True)
        if len(different) != len(spikes):
            step, neuron = different[np.argmax(times > 1)].tolist()
            raise ValueError(
                f"times_ms: must have at most one spike of a neuron in one step; got {times.max()} of neuron {neuron} "
                f"in that of {step * self.dt:g} ms"
            )
        self._session.schedule(np.asarray(given, dtype=np.int64), spikes)

    def step(self) -> dict[str, Any]:
        """Advance one step.

        Returns
        -------
        dict
            ``step`` (number of completed steps), ``spikes`` (ndarray of int64: ids of the neurons that fired,
            ascending), ``deaths`` and ``births`` (numbers of neurons, by the section ``cell_lifecycle``).

        Raises
        ------
        ValueError
            If a parameter or input has been set outside its domain. The step is not begun.
        NumericalError
            If a state variable is no longer finite (looked at every 256 steps; of synapses every 4,096).
        """
        check_run(self.model, self.current_step, 1, self.neuromodulation is not None)
        step, spikes = self._session.advance()
        return {
            "step": step,
            "spikes": spikes,
            "deaths": self._session.deaths,
            "births": self._session.births,
        }

    @names_near
    def run(
        self,
        n_steps: int | None = None,
        input: ArrayLike | None = None,
        input_ids: Group | None = None,
        progress: bool | ProgressCallback | None = None,
        *,
        ms: float | None = None,
    ) -> dict[str, Any]:
        """Advance many steps; the loop is in C, with the GIL released.

        Parameters
        ----------
        n_steps : int, >= 0
        input : array_like of float, mV, optional
            External current, added to ``external_input``: a number, or of shape (n_ids,), the same in each step; or of
            shape (n_steps, n_ids); or (n_steps, 1), the same for all.
        input_ids : Population, area name, or array_like of int, shape (n_ids,), optional
            Neurons that `input` is for; a source has no input, and what a neuron gets that comes twice is summed.
            Default: all, in id order, and what stands for a source is not read.
        progress : bool or callable, optional
            True or False: show progress or not. Default: on a terminal and in a notebook, after two seconds. A
            callable gets ``(done, total, simulated_ms, elapsed_s)`` several times a second and at the end of the run.
        ms : float, ms, >= 0, optional
            In place of `n_steps`: a whole number of steps of dt.

        Returns
        -------
        dict
            ``step`` (completed steps in all), ``n_steps`` (done by this run; fewer where a hook stops it),
            ``spike_counts`` (ndarray of int64, shape (n_neurons,), of this run, of the neurons at its end in id order:
            ids are positions in it unless neurons were removed, ``searchsorted(sim.model.neurons.id, E.ids)`` always),
            ``mean_rate`` (float, Hz: of all neurons, sources too), ``rates`` (mapping of str to float, Hz: of each
            population and area, ``run["rates"]["E"]``), ``deaths``, ``births`` (numbers of neurons).

        Raises
        ------
        ValueError
            If an argument, parameter or input is outside its domain. No step is done.
        NumericalError
            If a state variable is no longer finite. The steps up to there are done.
        KeyboardInterrupt
            On Ctrl-C, at a step boundary, within about 20 ms; says which. The simulation can go on.

        Examples
        --------
        >>> import numpy as np
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> run = sim.run(50, input=np.full((50, 80), 30.0))
        >>> run["step"], run["spike_counts"].shape
        (50, (80,))
        """
        steps = checked_steps(n_steps, ms, self.dt)
        check_run(self.model, self.current_step, steps, self.neuromodulation is not None)
        rows, ids = checked_input(self.model, steps, input, input_ids)
        reports, first = Reports(progress, steps, self.dt), self.current_step
        try:
            step, counts = self._session.run(steps, rows, ids, reports if reports else None)
            life, done = self._session.life, step - first
            lived = None if life is None else life.lived  # the dead had spikes, too
            rates = Rates(counts, self._session.store.areas, done * self.dt, lived, done)
            reports(step - first)  # where neurons may die, the last slice is not reported yet
        except KeyboardInterrupt as interrupt:
            now = self.current_step
            raise told(interrupt, now, self.dt, first + steps - now) from None
        finally:
            reports.close()
        steps = step - first  # fewer where a hook has stopped the run
        seconds = steps * self.dt / 1000.0
        mean_rate = float(counts.sum()) / (len(counts) * seconds) if len(counts) and steps else 0.0
        if life is not None:
            mean_rate = life.mean_rate(self.dt)
        return RunResult(
            step=step,
            n_steps=steps,
            spike_counts=counts,
            mean_rate=mean_rate,
            rates=rates,
            deaths=self._session.deaths,
            births=self._session.births,
        )

    @names_near
    def reset(self, *, weights: bool = False, parameters: bool = False) -> None:
        """Begin anew, in place: the clock at 0, all state as it was before the first step.

        Parameters
        ----------
        weights : bool, default False
            Whether the weights of projections with a rule are also what they were then; else they stay as trained.
        parameters : bool, default False
            Whether the parameters of neurons, lasting currents and background drive are also what they were then; else
            they stay as they were set since. Parameters of rules and of modulators stay.

        Raises
        ------
        TypeError
            If an argument is neither True nor False. Nothing is changed.
        RuntimeError
            If the network is being run, or a log of `streaming` goes on, or it was restored from a state that was
            saved without its beginning.

        Notes
        -----
        State is: potentials and all other state variables of neurons, external inputs, traces, eligibility, state
        variables of rules, short-term plasticity, average rates, spikes under way, scheduled spikes, levels of
        modulators and the clock. The seed stays, so the same draws come again: a run after
        ``reset(weights=True, parameters=True)`` gives the digest of a fresh simulation built alike. A neuron or
        projection that was added later goes back to what it was when first stepped; what was removed stays removed.
        Currents, rate sources and hooks stay; their times count from 0 again, and until the first time of a rate source
        the rates are what they were before the first step. Monitors end, with a `NeuromodWarning`
        where one was on: make new ones.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=42)
        >>> ids = sim.initialize_neurons(area_names=["V1_like"], density=0.1)
        >>> first = sim.run(100)["spike_counts"]
        >>> sim.reset()
        >>> sim.time, bool((sim.run(100)["spike_counts"] == first).all())
        (0.0, True)
        """
        for name, value in (("weights", weights), ("parameters", parameters)):
            if not isinstance(value, bool | np.bool_):
                raise TypeError(f"{name}: must be True or False; got {value!r:.60}")
        self._session.reset(bool(weights), bool(parameters))

    def _own_state(self) -> dict[str, Any]:
        """All that is the simulation's and not the model's."""
        system = self.neuromodulation
        return self._session.state() | {"neuromodulation": None if system is None else system._state()}

    def digest(self) -> str:
        """SHA-256 over all state: equal digests mean the same state to the bit.

        Returns
        -------
        str
            64 hexadecimal digits. Covers every column of neurons and synapses, spikes under way, traces, levels,
            scheduled spikes, clock and seed; not the recorders, and no order of storage.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sims = [Simulation(BrainModel("brain_base_model.json"), seed=1) for _ in range(2)]
        >>> _ = [(sim.initialize_neurons(["V1_like"], density=0.01), sim.run(20)) for sim in sims]
        >>> sims[0].digest() == sims[1].digest()
        True
        """
        with self._session.gate:
            return digest_of({"simulation": self._own_state(), "model": state_of(self.model)})

    @names_near
    def copy(self, seed: int | None = None) -> Simulation:
        """A simulation of a copy of the network that goes on from here.

        Parameters
        ----------
        seed : int, 0 .. 2**64 - 1, optional
            What is random from here on follows from it. Default: the same, so both go on alike.

        Returns
        -------
        Simulation
            With levels of its own, and no recorders.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> other = sim.copy()
        >>> _ = sim.run(20), other.run(20)
        >>> other.digest() == sim.digest()
        True
        """
        system = self.neuromodulation
        with self._session.gate:
            engine = self._session.prepared()
            other = Simulation(
                self.model.copy(),
                seed=self.seed if seed is None else seed,
                dt=self.dt,
                neuromodulation=None if system is None else system.__copy__(),
                threads=self.threads,
            )
            other._session.restore(engine.state(), engine.schedule_arrays(), self._session.agenda.copied())
            other._session.beginning = self._session.beginning.of_copy(
                self._session.store, other._session.store
            )
        return other

    def replicas(
        self,
        n: int,
        seeds: Sequence[int] | None = None,
        *,
        levels: Mapping[str, ArrayLike] | None = None,
        weights: Mapping[str, ArrayLike] | None = None,
        **columns: ArrayLike,
    ) -> Replicas[Simulation]:
        """Independent copies of the network as it is now, advanced together over the threads.

        Parameters
        ----------
        n : int, >= 1
        seeds : sequence of int, shape (n,), optional
            Default: this simulation's, and the n - 1 that follow it.
        levels : mapping of str to array_like, shape (n,) or (n, n_regions), 0 to 1, optional
        weights : mapping of str to array_like, shape (n,) or (n, n_synapses), mV, optional
        **columns : array_like, shape (n,) or (n, n_neurons)
            What differs: levels of modulators, weights of projections, columns of neurons (parameters, ...).

        Returns
        -------
        Replicas

        Raises
        ------
        ValueError
            If a name is unknown or a shape does not fit. This simulation is not touched.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> runs = sim.replicas(3, v_threshold=[-52.0, -50.0, -48.0])
        >>> runs.run(100)["spike_counts"].shape
        (3, 80)
        """
        from neuromod.replicas import Replicas

        return Replicas(self, n, seeds, levels=levels, weights=weights, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """The whole state as plain lists, numbers and strings, which ``json`` can write.

        Returns
        -------
        dict
            What `from_dict` takes, with a SHA-256 over all of it. Recorders are not in it.
        """
        return saved.to_dict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Simulation:
        """A simulation that goes on where `to_dict` was called, to the bit.

        Parameters
        ----------
        state : mapping
            From `to_dict`.

        Returns
        -------
        Simulation

        Raises
        ------
        ConfigError, ValueError
            If it is no such mapping, was changed since, or an entry breaks a rule: ``where: rule; what came``. A state
            from before there was a SHA-256 has none, and is checked entry by entry alone.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> _ = sim.run(20)
        >>> again = Simulation.from_dict(sim.to_dict())
        >>> again.digest() == sim.digest()
        True
        """
        return saved.from_dict(cls, state)  # type: ignore[no-any-return]

    def __copy__(self) -> Simulation:
        """As `copy`: two simulations of one model would be none."""
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickled, and copied deeply, as what `from_dict` takes and checks, with its model and modulators."""
        self._session.gate.check_own("copy.deepcopy and pickle")  # the model follows, as it is then
        own = saved.content_of(self)  # first: it brings the model up to date
        return saved.simulation_again, (type(self), self.model, self.neuromodulation, own, self.threads)
