"""Dopamine, serotonin and norepinephrine: levels that events set, time relaxes, and the core acts on.

Every modulator has a level in [0, 1]. An event sets it relative to its baseline, a step brings it back towards the
baseline, and its factor scales learning, raises thresholds or amplifies inputs. The levels live in one buffer
which a running simulation shares, so a level set from Python is the level that the next step uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

__all__ = [
    "DopamineSystem",
    "ModulatorState",
    "NeuromodulationSystem",
    "NorepinephrineSystem",
    "SerotoninSystem",
    "create_neuromodulation_system",
]

Number = float | NDArray[np.floating[Any]]


class ModulatorState:
    """Level, baseline and decay of one modulator: a view on the buffer that the core uses.

    Examples
    --------
    >>> from neuromod import DopamineSystem
    >>> dopamine = DopamineSystem()
    >>> dopamine.state.level = 0.9
    >>> dopamine.state
    ModulatorState(level=0.9, baseline=0.5, decay_rate=0.1)
    """

    __slots__ = ("_index", "_levels")

    def __init__(self, levels: _core.Levels, index: int) -> None:
        self._levels, self._index = levels, index

    @property
    def level(self) -> float | NDArray[np.float64]:
        """Level, 0 to 1: a float, or with several regions an ndarray of shape (n_regions,). Setting it to a
        number sets every region."""
        column = self._levels.level[:, self._index]
        return float(column[0]) if len(column) == 1 else column.copy()

    @level.setter
    def level(self, value: float | NDArray[np.float64]) -> None:
        checked = np.asarray(value, dtype=np.float64)
        if not np.all((checked >= 0.0) & (checked <= 1.0)):
            raise ValueError(f"{self._name}.state.level: must be between 0 and 1; got {value!r}")
        self._levels.level[:, self._index] = checked

    @property
    def _name(self) -> str:
        return str(self._levels.names[self._index])

    @property
    def baseline(self) -> float:
        """Level towards which it relaxes, 0 to 1."""
        return float(_get(self._levels, self._index, "baseline"))

    @baseline.setter
    def baseline(self, value: float) -> None:
        _set(self._levels, self._index, "baseline", value, ".state")

    @property
    def decay_rate(self) -> float:
        """Part of the distance to the baseline that is lost in a step, 0 to 1. Setting it puts `tau` out."""
        return float(_get(self._levels, self._index, "decay_rate"))

    @decay_rate.setter
    def decay_rate(self, value: float) -> None:
        _set(self._levels, self._index, "decay_rate", value, ".state")
        self._levels.tau[self._index] = np.nan

    @property
    def tau(self) -> float | None:
        """Time constant of decay, ms, > 0; None where `decay_rate` counts. Setting it puts `decay_rate` out."""
        tau = float(self._levels.tau[self._index])
        return None if np.isnan(tau) else tau

    @tau.setter
    def tau(self, value: float | None) -> None:
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise ValueError(f"{self._name}.state.tau: must be > 0 ms; got {value!r}")
        self._levels.tau[self._index] = np.nan if value is None else value

    def __repr__(self) -> str:
        speed = f"decay_rate={self.decay_rate:g}" if self.tau is None else f"tau={self.tau:g} ms"
        return f"ModulatorState(level={self.level}, baseline={self.baseline:g}, {speed})"


def _position(levels: _core.Levels, index: int, name: str) -> int:
    return list(levels.tables[levels.names[index]]["params"]).index(name)


def _get(levels: _core.Levels, index: int, name: str) -> float:
    return float(levels.params[index, _position(levels, index, name)])


def _set(levels: _core.Levels, index: int, name: str, value: float, place: str = "") -> None:
    modulator = levels.names[index]
    field = levels.tables[modulator]["params"][name]
    if not _core.domain_holds(field["domain"], value):
        rule = _core.domain_phrase(field["domain"])
        raise ValueError(f"{modulator}{place}.{name}: must be {rule}; got {value!r}")
    levels.params[index, _position(levels, index, name)] = value


class _Modulator(_core.ModulatorCore):
    """What the three have in common. Parameters of the modulator's C table are attributes: ``dopamine.sensitivity``."""

    _registered: ClassVar[str]

    def __init__(
        self, levels: _core.Levels | None = None, regions: Sequence[str] | None = None, **params: float
    ) -> None:
        super().__init__(levels, self._registered)
        self._regions = tuple(regions or ("global",))
        _apply(self, params)

    def __init_subclass__(cls) -> None:
        for name, field in _core.modulators()[cls._registered]["params"].items():
            if name not in ("baseline", "decay_rate"):  # those are the state's
                setattr(cls, name, _parameter(name, field))

    @property
    def name(self) -> str:
        """Registered name, which is also the key of its configuration."""
        return self._registered

    @property
    def state(self) -> ModulatorState:
        """Its level, baseline and decay."""
        return ModulatorState(self._levels, self._index)

    def step(self, dt: float = 1.0) -> None:
        """Relax towards the baseline: ``level = baseline + (level - baseline) * (1 - decay_rate)``.

        Parameters
        ----------
        dt : float, ms, > 0, default 1
            Length of the step; matters only where `state.tau` is set, which keeps ``exp(-dt / tau)``.
        """
        if len(self._levels.names) != 1:
            raise ValueError(
                f"{self.name}: belongs to a system; step the system, which steps all its modulators"
            )
        self._levels.step(_checked_dt(dt))

    def _event(self, region: str | None, *values: float) -> None:
        self._levels.event(self._index, _region_index(self._regions, region), values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({repr(self.state)[len('ModulatorState(') : -1]})"


def _parameter(name: str, field: Mapping[str, Any]) -> property:
    def get(self: _Modulator) -> float:
        return _get(self._levels, self._index, name)

    def put(self: _Modulator, value: float) -> None:
        _set(self._levels, self._index, name, value)

    rule = _core.domain_phrase(field["domain"])
    return property(get, put, doc=f"{field['doc']} float, {rule}, default {field['default']:g}.")


def _apply(modulator: _Modulator, params: Mapping[str, float | None]) -> None:
    """Set parameters and state by name; the level goes to a new baseline."""
    state = modulator.state
    for name, value in params.items():
        if name in ("baseline", "decay_rate", "tau"):
            setattr(state, name, value)
        elif name in modulator._levels.tables[modulator.name]["params"]:
            setattr(modulator, name, value)
        else:
            raise TypeError(f"{modulator.name}: has no parameter {name!r}")
    if "baseline" in params:
        state.level = state.baseline


def _region_index(regions: tuple[str, ...], region: str | None) -> int:
    if region is None:
        return -1
    if region not in regions:
        raise ValueError(f"region: must be one of {', '.join(regions)}; got {region!r}")
    return regions.index(region)


def _checked_dt(dt: float) -> float:
    if not (np.isfinite(dt) and dt > 0.0):
        raise ValueError(f"dt: must be > 0 ms; got {dt!r}")
    return float(dt)


class DopamineSystem(_Modulator):
    """Dopamine: a reward prediction error sets its level, its level scales learning.

    Parameters
    ----------
    **params : float
        ``baseline`` (0 to 1, default 0.5), ``decay_rate`` (0 to 1 per step, default 0.1) or ``tau`` (ms, > 0),
        ``sensitivity`` (default 0.4), ``learning_rate_modulation`` (default 2), ``exponent`` (default 1).

    Raises
    ------
    ValueError
        If a value is out of its domain.

    Notes
    -----
    Computed in ``csrc/modulator_dopamine.c``.

    References
    ----------
    .. [1] Schultz, Dayan & Montague (1997), Science 275:1593, doi:10.1126/science.275.5306.1593.

    Examples
    --------
    >>> dopamine = DopamineSystem()
    >>> dopamine.update(reward=1.0, expected_reward=0.0)
    1.0
    >>> dopamine.state.level, round(dopamine.modulate_plasticity(0.01), 6)
    (0.9, 0.018)
    """

    _registered = "dopamine"

    def update(self, reward: float, expected_reward: float = 0.0, *, region: str | None = None) -> float:
        """Set the level from a reward prediction error; return the error.

        The level becomes ``clip(baseline + sensitivity * (reward - expected_reward), 0, 1)``: relative to the
        baseline, not to the level before.

        Parameters
        ----------
        reward, expected_reward : float, finite
        region : str, optional
            Region whose level is set. Default: all.

        Returns
        -------
        float
            ``reward - expected_reward``.

        Raises
        ------
        ValueError
            If an input is NaN or infinite, or `region` is unknown. No level changes.

        Examples
        --------
        >>> DopamineSystem().update(0.0, expected_reward=1.0)
        -1.0
        """
        self._event(region, reward, expected_reward)
        return float(reward) - float(expected_reward)

    def get_learning_rate_multiplier(self) -> float:
        """``learning_rate_modulation * level ** exponent``."""
        return self.factor()

    def modulate_plasticity(self, delta_w: Number) -> Any:
        """``delta_w`` (mV, float or ndarray) times the learning-rate multiplier; the same kind."""
        return self.modulate(delta_w)


class SerotoninSystem(_Modulator):
    """Serotonin: punishment and stress lower its level, its level raises firing thresholds.

    Parameters
    ----------
    **params : float
        ``baseline`` (0 to 1, default 0.5), ``decay_rate`` (0 to 1 per step, default 0.1) or ``tau`` (ms, > 0),
        ``sensitivity`` (default 0.3), ``inhibition_strength`` (default 0.156), ``exponent`` (default 2).

    Raises
    ------
    ValueError
        If a value is out of its domain.

    Notes
    -----
    Computed in ``csrc/modulator_serotonin.c``. A threshold rises by a fraction of its magnitude: at -50 mV more
    serotonin gives -49, never -51.

    References
    ----------
    .. [1] Cools, Nakamura & Daw (2011), Neuropsychopharmacology 36:98, doi:10.1038/npp.2010.121.

    Examples
    --------
    >>> serotonin = SerotoninSystem()
    >>> serotonin.update(punishment=0.5, stress=0.2)
    >>> round(serotonin.state.level, 3)
    0.29
    """

    _registered = "serotonin"

    def update(self, punishment: float = 0.0, stress: float = 0.0, *, region: str | None = None) -> None:
        """Set the level: ``clip(baseline - sensitivity * (punishment + stress), 0, 1)``.

        Parameters
        ----------
        punishment, stress : float, >= 0
        region : str, optional
            Region whose level is set. Default: all.

        Raises
        ------
        ValueError
            If an input is negative, NaN or infinite, or `region` is unknown. No level changes.

        Examples
        --------
        >>> serotonin = SerotoninSystem()
        >>> serotonin.update(punishment=1.0)
        >>> round(serotonin.state.level, 3)
        0.2
        """
        self._event(region, punishment, stress)

    def get_inhibition_factor(self) -> float:
        """``inhibition_strength * level ** exponent``: the rise of a threshold as a fraction of its magnitude."""
        return self.factor()

    def modulate_threshold(self, threshold: Number) -> Any:
        """``threshold`` (mV, float or ndarray) raised by its magnitude times the factor; the same kind."""
        return self.modulate(threshold)


class NorepinephrineSystem(_Modulator):
    """Norepinephrine: uncertainty and novelty raise its level, its level amplifies inputs.

    Parameters
    ----------
    **params : float
        ``baseline`` (0 to 1, default 0.5), ``decay_rate`` (0 to 1 per step, default 0.1) or ``tau`` (ms, > 0),
        ``sensitivity`` (default 0.17), ``gain_modulation`` (default 2.22), ``exponent`` (default 2).

    Raises
    ------
    ValueError
        If a value is out of its domain.

    Notes
    -----
    Computed in ``csrc/modulator_norepinephrine.c``.

    References
    ----------
    .. [1] Aston-Jones & Cohen (2005), Annu. Rev. Neurosci. 28:403,
       doi:10.1146/annurev.neuro.28.061604.135709.

    Examples
    --------
    >>> norepinephrine = NorepinephrineSystem()
    >>> norepinephrine.update(uncertainty=0.5, novelty=0.3)
    >>> round(norepinephrine.modulate_input(5.0), 3)
    9.49
    """

    _registered = "norepinephrine"

    def update(self, uncertainty: float = 0.0, novelty: float = 0.0, *, region: str | None = None) -> None:
        """Set the level: ``clip(baseline + sensitivity * (uncertainty + novelty), 0, 1)``.

        Parameters
        ----------
        uncertainty, novelty : float, >= 0
        region : str, optional
            Region whose level is set. Default: all.

        Raises
        ------
        ValueError
            If an input is negative, NaN or infinite, or `region` is unknown. No level changes.

        Examples
        --------
        >>> norepinephrine = NorepinephrineSystem()
        >>> norepinephrine.update(novelty=1.0)
        >>> round(norepinephrine.state.level, 3)
        0.67
        """
        self._event(region, uncertainty, novelty)

    def get_gain_multiplier(self) -> float:
        """``1 + gain_modulation * level ** exponent``."""
        return self.factor()

    def modulate_input(self, synaptic_input: Number) -> Any:
        """``synaptic_input`` (mV, float or ndarray) times the gain; the same kind."""
        return self.modulate(synaptic_input)


_CLASSES: dict[str, type[_Modulator]] = {
    cls._registered: cls for cls in (DopamineSystem, SerotoninSystem, NorepinephrineSystem)
}


def _class_of(name: str) -> type[_Modulator]:
    """The class of a registered modulator; one without a class of its own gets `update` with its event's inputs."""
    if name not in _CLASSES:
        inputs = _core.modulators()[name]["inputs"]

        def update(self: _Modulator, *, region: str | None = None, **event: float) -> None:
            unknown = set(event) - set(inputs)
            if unknown:
                raise TypeError(f"{name}.update: takes {', '.join(inputs)}; got {', '.join(sorted(unknown))}")
            self._event(region, *(event.get(key, field["default"]) for key, field in inputs.items()))

        _CLASSES[name] = type(f"{name.title()}System", (_Modulator,), {"_registered": name, "update": update})
    return _CLASSES[name]


class NeuromodulationSystem(_core.SystemCore):
    """All registered modulators over one buffer of levels, in one region or several.

    Parameters
    ----------
    regions : sequence of str, optional
        Names of regions with levels of their own. Default: one, for the whole brain.

    Attributes
    ----------
    dopamine : DopamineSystem
    serotonin : SerotoninSystem
    norepinephrine : NorepinephrineSystem

    Raises
    ------
    ValueError
        If region names repeat or are none.

    Notes
    -----
    Computed in ``csrc/nm_levels.c``. Given to a `Simulation`, the core applies it in every step and steps it.

    Examples
    --------
    >>> system = NeuromodulationSystem()
    >>> system.process_reward(reward=1.0, expected_reward=0.0)
    1.0
    >>> for _ in range(10):
    ...     system.step()
    >>> {name: round(level, 3) for name, level in system.get_state().items()}
    {'dopamine': 0.639, 'serotonin': 0.5, 'norepinephrine': 0.5}
    """

    dopamine: DopamineSystem
    serotonin: SerotoninSystem
    norepinephrine: NorepinephrineSystem

    def __init__(self, regions: Sequence[str] | None = None, *, enabled: bool = True) -> None:
        self._regions = ("global",) if regions is None else tuple(regions)
        if not self._regions or len(set(self._regions)) != len(self._regions):
            raise ValueError(f"regions: must be one or more different names; got {regions!r}")
        self._levels = _core.Levels(n_regions=len(self._regions), enabled=enabled)
        for name in self._levels.names:
            setattr(self, name, _class_of(name)(self._levels, self._regions))
        super().__init__(self.dopamine, self.serotonin, self.norepinephrine)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modulators, in the order of the columns of `level`."""
        return tuple(self._levels.names)

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions, in the order of the rows of `level`."""
        return self._regions

    @property
    def enabled(self) -> bool:
        """Whether it acts. A disabled system keeps its levels and leaves everything it is given as it came."""
        return bool(self._levels.enabled)

    @property
    def level(self) -> NDArray[np.float64]:
        """Levels, shape (n_regions, n_modulators), 0 to 1. A view: writing to it sets them."""
        return self._levels.level

    def process_reward(
        self, reward: float, expected_reward: float = 0.0, *, region: str | None = None
    ) -> float:
        """Set dopamine from a reward prediction error; return the error. See `DopamineSystem.update`."""
        return self.dopamine.update(reward, expected_reward, region=region)

    def process_punishment(
        self, punishment: float, stress: float = 0.0, *, region: str | None = None
    ) -> None:
        """Set serotonin from punishment and stress. See `SerotoninSystem.update`."""
        self.serotonin.update(punishment, stress, region=region)

    def process_uncertainty(
        self, uncertainty: float, novelty: float = 0.0, *, region: str | None = None
    ) -> None:
        """Set norepinephrine from uncertainty and novelty. See `NorepinephrineSystem.update`."""
        self.norepinephrine.update(uncertainty, novelty, region=region)

    def step(self, dt: float = 1.0) -> None:
        """Relax all levels towards their baselines by one step.

        Parameters
        ----------
        dt : float, ms, > 0, default 1
            Length of the step; matters only to modulators with a ``tau``.

        Raises
        ------
        ValueError
            If `dt` is not > 0, or a level or parameter has been set outside its domain. Nothing changes.
        """
        self._levels.step(_checked_dt(dt))

    def get_state(self) -> dict[str, float | NDArray[np.float64]]:
        """The levels by name: floats, or with several regions arrays of shape (n_regions,)."""
        return {name: getattr(self, name).state.level for name in self.names}

    def reset(self) -> None:
        """Put every level to its baseline."""
        for name in self.names:
            state = getattr(self, name).state
            state.level = state.baseline

    def to_dict(self) -> dict[str, Any]:
        """Levels and parameters as plain lists and numbers; `from_dict` takes it."""
        modulators = {}
        for m, name in enumerate(self.names):
            params = dict(
                zip(self._levels.tables[name]["params"], self._levels.params[m].tolist(), strict=False)
            )
            tau = getattr(self, name).state.tau
            modulators[name] = {"params": params, "tau": tau, "level": self.level[:, m].tolist()}
        return {"regions": list(self._regions), "enabled": self.enabled, "modulators": modulators}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> NeuromodulationSystem:
        """The system that `to_dict` was called on.

        Examples
        --------
        >>> system = NeuromodulationSystem()
        >>> system.dopamine.state.level = 0.7
        >>> NeuromodulationSystem.from_dict(system.to_dict()).dopamine.state.level
        0.7
        """
        system = cls(state["regions"], enabled=state["enabled"])
        for name, saved in state["modulators"].items():
            modulator = getattr(system, name)
            _apply(modulator, saved["params"])
            modulator.state.tau = saved["tau"]
            modulator.state.level = np.asarray(saved["level"])
        return system

    def __repr__(self) -> str:
        levels = ", ".join(f"{name}={level}" for name, level in self.get_state().items())
        return f"NeuromodulationSystem({levels})"


def create_neuromodulation_system(
    config: Mapping[str, Any] | None = None, *, regions: Sequence[str] | None = None
) -> NeuromodulationSystem:
    """A system from the section ``neuromodulation`` of a configuration.

    Parameters
    ----------
    config : mapping, optional
        For each modulator an object of its parameters, ``tau`` (ms) in place of ``decay_rate`` if wanted; and
        ``enabled``, default true. With false the system acts on nothing.
    regions : sequence of str, optional
        As in `NeuromodulationSystem`.

    Returns
    -------
    NeuromodulationSystem

    Raises
    ------
    ConfigError
        With every unknown key, its JSON path and the nearest known one, and every value out of its domain.

    Examples
    --------
    >>> system = create_neuromodulation_system({"dopamine": {"baseline": 0.6, "decay_rate": 0.05}})
    >>> system.dopamine.state
    ModulatorState(level=0.6, baseline=0.6, decay_rate=0.05)
    """
    from neuromod.config import check_neuromodulation

    section = check_neuromodulation(config)
    system = NeuromodulationSystem(regions, enabled=section["enabled"])
    for name in system.names:
        _apply(getattr(system, name), section[name])
    return system
