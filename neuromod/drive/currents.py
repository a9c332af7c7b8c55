"""Currents that are functions of time, or random, added to the external current of chosen neurons in every step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod.arguments import checked_array, checked_number
from neuromod.closed import Closed, fixed
from neuromod.drive.alone import alone
from neuromod.near_names import names_near
from neuromod.network.members import ids_as_given
from neuromod.units import say_current_doubts, say_unit_doubts

__all__ = ["Current", "OUCurrent", "RampCurrent", "SineCurrent", "StepCurrent"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MODELS = _core.neuron_models()
_PULSE = 5.0  # ms: shorter ones, which make neurons fire, may be of any size


class Current(Closed):
    """A source of current of one simulation; usable in ``with``, which removes it.

    Sources add up, with each other and with ``i_offset``, ``external_input`` and noise. They are part of the state:
    copies, replicas, saved and pickled simulations have them too.
    """

    def __init__(
        self,
        sim: Any,
        neurons: Any,
        kind: str,
        span: tuple[float, float],
        values: ArrayLike,
        factor: Floats | float = 1.0,
    ) -> None:
        ids, self._unit = _targets(sim, neurons)
        order = np.argsort(ids)
        engine = sim._session.bound()
        spec = {
            "kind": kind,
            "ids": ids[order],
            "span": np.array(span, np.float64),
            "number": 1 + max((each.number for each in engine.sources), default=0),
            "values": np.array(values, np.float64),
            "factor": np.broadcast_to(np.asarray(factor, np.float64), ids.shape)[order].copy(),
            "state": np.full(len(ids), np.nan),
        }
        self._sim, self._source = sim, _core.CurrentSource(spec)
        sim._session.set_sources([*engine.sources, self._source], type(self).__name__)

    @property
    def ids(self) -> Ints:
        """Neurons that get the current, ascending; int64, shape (n,). A copy, read-only."""
        return fixed(self._source.ids.copy())

    @property
    def unit(self) -> str:
        """Unit of the current: that of the neurons' ``i_offset``."""
        return self._unit

    @property
    def value(self) -> Floats:
        """What was added in the last completed step; float64, shape (n,), in `unit`. A copy, read-only."""
        source, step = self._source, self._sim.current_step
        if source.kind != "ou":
            return fixed(source.factor * source.mean(step))
        begin, end = max(source.span[0], step - 1.0), min(source.span[1], float(step))
        added = source.factor * source.state * max(0.0, end - begin)
        return fixed(np.where(np.isnan(source.state), 0.0, added))

    @property
    def is_on(self) -> bool:
        """Whether the simulation has it."""
        return any(each is self._source for each in self._sim._session.bound().sources)

    def remove(self) -> None:
        """Take it away; it acts no more from the next step on."""
        left = [each for each in self._sim._session.bound().sources if each is not self._source]
        self._sim._session.set_sources(left, f"{type(self).__name__}.remove")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied deeply and pickled with its simulation."""
        sources = self._sim._session.bound().sources
        at = next((k for k, each in enumerate(sources) if each is self._source), None)
        saved = self._source.saved() if at is None else None
        return _again, (type(self), self._sim, self._unit, at, saved, self._own())

    def _own(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_sim", "_source", "_unit")}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(neurons={len(self._source.ids)})"


def _again(
    kind: type[Current], sim: Any, unit: str, at: int | None, saved: Any, own: dict[str, Any]
) -> Current:
    """The handle of a source of `sim`, or of one that was removed."""
    current = kind.__new__(kind)
    vars(current).update(own)
    current._sim, current._unit = sim, unit
    current._source = _core.CurrentSource(saved) if at is None else sim._session.bound().sources[at]
    return current


class StepCurrent(Current):
    """Current that is constant between given times.

    Parameters
    ----------
    sim : Simulation or RankSimulation
    neurons : str, sequence of str, or array_like of int
        Area names or neuron ids; no sources, and all of one unit of current.
    amplitudes : float, or array_like of float, shape (n_times,), in the unit of the neurons' ``i_offset``, >= -1e300
        ``amplitudes[k]`` acts from ``times[k]`` to ``times[k + 1]``, the last one to `stop`.
    times : float, or array_like of float, ms, shape (n_times,), optional
        Simulated time, ascending. Default for one amplitude: the present.
    stop : float, ms, optional
        Default: never.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain. Nothing is added then.
    RuntimeError
        If another thread runs the simulation.

    Notes
    -----
    Computed in ``csrc/nm_current.c``. A step of the simulation gets the mean of the current over it, so that the charge
    does not depend on dt, wherever in a step the current begins.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, StepCurrent
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.001)
    >>> pulse = StepCurrent(sim, "V1_like", 5.0, 2.0, stop=3.5)  # mV, ms
    >>> [float(pulse.value[0]) for _ in range(5) if sim.step()]
    [0.0, 0.0, 5.0, 2.5, 0.0]
    """

    @names_near
    def __init__(
        self,
        sim: Any,
        neurons: Any,
        amplitudes: ArrayLike,
        times: ArrayLike | None = None,
        stop: float | None = None,
    ) -> None:
        sim = alone(sim)
        values = _row(amplitudes, "amplitudes")
        if times is None and len(values) != 1:
            raise ValueError(
                f"times: must be given for {len(values)} amplitudes, which follow each other in time, the same for all "
                "neurons; got none"
            )
        begin = _row(sim.time if times is None else times, "times")
        if len(begin) != len(values) or not len(begin):
            raise ValueError(
                f"times: must be as many as amplitudes, {len(values)}, >= 1, which follow each other in time, the same "
                f"for all neurons; got {len(begin)}"
            )
        if np.any(np.diff(begin) <= 0.0):
            raise ValueError(f"times: must ascend; got {begin.tolist()!r:.60}")
        span = _span(sim, float(begin[0]), stop)
        steps = _steps(begin, sim.dt)
        super().__init__(sim, neurons, "lines", span, [steps, values, np.zeros(len(steps))])
        lasting = np.diff(steps, append=span[1]) * sim.dt >= _PULSE
        say_current_doubts({"amplitudes": amplitudes}, self._unit, lasting)


class RampCurrent(Current):
    """Current that changes linearly between two times.

    Parameters
    ----------
    sim : Simulation or RankSimulation
    neurons : str, sequence of str, or array_like of int
        Area names or neuron ids; no sources, and all of one unit of current.
    first, last : float, in the unit of the neurons' ``i_offset``, >= -1e300
        Current at `start` and at `end`.
    start, end : float, ms
        Simulated time; `end` is after `start`.
    hold : bool, default False
        Whether the current stays at `last` after `end`; else it is 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain. Nothing is added then.
    RuntimeError
        If another thread runs the simulation.

    Notes
    -----
    Computed in ``csrc/nm_current.c``. A step of the simulation gets the mean of the current over it.

    Examples
    --------
    >>> from neuromod import BrainModel, RampCurrent, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.001)
    >>> ramp = RampCurrent(sim, ids, 0.0, 4.0, start=1.0, end=3.0, hold=True)
    >>> [float(ramp.value[0]) for _ in range(4) if sim.step()]
    [0.0, 1.0, 3.0, 4.0]
    """

    @names_near
    def __init__(
        self,
        sim: Any,
        neurons: Any,
        first: float,
        last: float,
        start: float,
        end: float,
        hold: bool = False,
    ) -> None:
        sim = alone(sim)
        begins, ends = checked_number(first, "first"), checked_number(last, "last")
        if not isinstance(hold, bool):
            raise TypeError(f"hold: must be True or False; got {hold!r:.60}")
        a, b = _span(sim, checked_number(start, "start"), checked_number(end, "end"))
        lines = [[a, b], [begins, ends], [(ends - begins) / (b - a), 0.0]]
        span = (a, math.inf if hold else b)
        super().__init__(sim, neurons, "lines", span, lines if hold else [row[:1] for row in lines])
        say_current_doubts({"first, last": [begins, ends]}, self._unit)


class SineCurrent(Current):
    """Sinusoidal current, ``offset + amplitude sin(2 pi frequency t + phase)``.

    Parameters
    ----------
    sim : Simulation or RankSimulation
    neurons : str, sequence of str, or array_like of int
        Area names or neuron ids; no sources, and all of one unit of current.
    amplitude : float, in the unit of the neurons' ``i_offset``, >= -1e300
    frequency : float, Hz, >= 0
        At most ``1000 / (2 dt)``.
    phase : float, radians (no unit), default 0
        At simulated time 0.
    offset : float, in the unit of the neurons' ``i_offset``, default 0
    start, stop : float, ms, optional
        The current is 0 before and after. Default: from the present on, for ever.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain. Nothing is added then.
    RuntimeError
        If another thread runs the simulation.

    Notes
    -----
    Computed in ``csrc/nm_current.c``. A step of the simulation gets the mean of the sine over it, in closed form.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, SineCurrent
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1, dt=0.5)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.001)
    >>> sine = SineCurrent(sim, ids, amplitude=2.0, frequency=10.0)
    >>> _ = sim.run(50)  # a quarter of a turn
    >>> round(float(sine.value[0]), 3)
    2.0
    """

    @names_near
    def __init__(
        self,
        sim: Any,
        neurons: Any,
        amplitude: float,
        frequency: float,
        phase: float = 0.0,
        offset: float = 0.0,
        start: float | None = None,
        stop: float | None = None,
    ) -> None:
        sim = alone(sim)
        most = 500.0 / sim.dt
        turns = checked_number(frequency, "frequency", 0.0, most) * sim.dt / 1000.0
        values = [
            checked_number(amplitude, "amplitude"),
            checked_number(offset, "offset"),
            turns,
            checked_number(phase, "phase") / (2.0 * math.pi) % 1.0,
        ]
        span = _span(sim, sim.time if start is None else start, stop)
        super().__init__(sim, neurons, "sine", span, values)
        say_current_doubts({"amplitude": amplitude, "offset": offset}, self._unit)


class OUCurrent(Current):
    """Ornstein-Uhlenbeck current: Gaussian noise with a correlation time, independent in each neuron.

    Parameters
    ----------
    sim : Simulation or RankSimulation
    neurons : str, sequence of str, or array_like of int
        Area names or neuron ids; no sources, and all of one unit of current.
    mean : float, in the unit of the neurons' ``i_offset``, >= -1e300
    sd : float, in the unit of the neurons' ``i_offset``, >= 0
        Standard deviation of the current.
    tau : float, ms, > 0
        Correlation time: the autocorrelation is ``exp(-t / tau)``.
    start, stop : float, ms, optional
        The current is 0 before and after. Default: from the present on, for ever.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain. Nothing is added then.
    RuntimeError
        If another thread runs the simulation.

    Notes
    -----
    Computed in ``csrc/nm_current.c`` by the exact update of Gillespie (1996), Phys. Rev. E 54:2084,
    doi:10.1103/PhysRevE.54.2084: mean, standard deviation and correlation time hold at any dt. The first value is drawn
    from the stationary distribution. The current is constant over a step; the variance of a membrane potential that it
    drives is that of the continuous current up to second order in dt. Random numbers are keyed by seed, source, neuron
    and step.

    Examples
    --------
    >>> from neuromod import BrainModel, OUCurrent, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.5)
    >>> noise = OUCurrent(sim, ids, mean=3.0, sd=2.0, tau=10.0)
    >>> _ = sim.run(10)
    >>> round(float(noise.value.mean()), 1), round(float(noise.value.std()), 1)
    (3.0, 2.0)
    """

    @names_near
    def __init__(
        self,
        sim: Any,
        neurons: Any,
        mean: float,
        sd: float,
        tau: float,
        start: float | None = None,
        stop: float | None = None,
    ) -> None:
        sim = alone(sim)
        time_constant = checked_number(tau, "tau", 0.0) / sim.dt
        if time_constant == 0.0:
            raise ValueError(f"tau: must be > 0 ms; got {tau}")
        values = [checked_number(mean, "mean"), checked_number(sd, "sd", 0.0), time_constant]
        span = _span(sim, sim.time if start is None else start, stop)
        super().__init__(sim, neurons, "ou", span, values)
        say_current_doubts({"mean": mean, "sd": sd}, self._unit)
        say_unit_doubts({"tau": {"unit": "ms", "default": 10.0}}, {"tau": tau}, "")


# ---- checks --------------------------------------------------------------------------------------------------


def _targets(sim: Any, neurons: Any) -> tuple[Ints, str]:
    """Ids of neurons, as given, and the unit of current that they share."""
    ids = ids_as_given(sim.model._store.areas, neurons, "neurons")
    kinds = sim.model.neurons.model[np.searchsorted(sim.model.neurons.id, ids)]
    abouts = {name: about for k, (name, about) in enumerate(_MODELS.items()) if np.any(kinds == k)}
    sources = [name for name, about in abouts.items() if about["is_source"]]
    if sources:
        raise ValueError(f"neurons: must not be sources, which have no input; got {sources[0]} neurons")
    units = {about["current_unit"]: name for name, about in abouts.items()}
    if len(units) > 1:
        named = ", ".join(f"{name} ({unit})" for unit, name in units.items())
        raise ValueError(f"neurons: must share one unit of current; got {named}")
    return ids, next(iter(units), "mV")


def _row(values: ArrayLike, where: str) -> Floats:
    row = np.atleast_1d(checked_array(values, where)).astype(np.float64)
    if row.ndim != 1:
        raise ValueError(f"{where}: must be a number or a row of numbers; got shape {row.shape}")
    if not np.all(np.isfinite(row)):
        raise ValueError(f"{where}: must be finite; got {row[~np.isfinite(row)][0]}")
    return row


def _steps(ms: Floats | float, dt: float) -> Floats:
    """Times in steps; those within 1e-6 of a border of steps are on it."""
    steps = np.asarray(ms, np.float64) / dt
    whole = np.rint(steps)
    return np.where(np.abs(steps - whole) <= 1e-6, whole, steps)


def _span(sim: Any, start: float, stop: float | None) -> tuple[float, float]:
    """Begin and end of a current, in steps."""
    begin = checked_number(start, "start")
    end = math.inf if stop is None else checked_number(stop, "stop")
    a = float(_steps(begin, sim.dt))
    b = math.inf if stop is None else float(_steps(end, sim.dt))
    if not a < b:
        raise ValueError(f"stop: must be after the start of {begin:g} ms; got {end:g}")
    if end <= sim.time:
        raise ValueError(f"stop: must be after the present, {sim.time:g} ms; got {end:g}")
    return a, b


def currents_of(sim: Any) -> Sequence[Current]:
    """Handles of the current sources of a simulation, say of one that was restored."""
    kinds: dict[str, type[Current]] = {"lines": StepCurrent, "sine": SineCurrent, "ou": OUCurrent}
    sources = sim._session.bound().sources
    return tuple(
        _again(kinds[each.kind], sim, _targets(sim, each.ids)[1], k, None, {})
        for k, each in enumerate(sources)
    )
