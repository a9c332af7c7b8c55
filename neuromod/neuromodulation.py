"""Dopamine, serotonin and norepinephrine: levels that events set, time relaxes, and the core acts on.

Every modulator has a level in [0, 1]. An event sets it relative to its baseline, a step brings it back towards the
baseline, and its factor scales learning, raises thresholds or amplifies inputs. The levels live in one buffer
which a running simulation shares, so a level set from Python is the level that the next step uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_dt
from neuromod.modulator import Modulator, ModulatorState, apply_params

__all__ = [
    "DopamineSystem",
    "ModulatorState",
    "NeuromodulationSystem",
    "NorepinephrineSystem",
    "SerotoninSystem",
    "create_neuromodulation_system",
]

Number = float | NDArray[np.floating[Any]]


class DopamineSystem(Modulator):
    """Dopamine: a reward prediction error sets its level, its level scales learning.

    Parameters
    ----------
    levels : neuromod._core.Levels, optional
        Buffer of a system that it belongs to. Default: one of its own.
    regions : sequence of str, optional
        Names of the rows of `levels`. Default: one, "global".
    **params : float, no unit but where said
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
        reward, expected_reward : float, finite, reward units
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
        """Scale a weight change by the learning-rate multiplier.

        Parameters
        ----------
        delta_w : float or ndarray of float, mV

        Returns
        -------
        float or ndarray, mV
            ``delta_w * learning_rate_modulation * level ** exponent``, of the same kind.

        Examples
        --------
        >>> DopamineSystem().modulate_plasticity(0.01)
        0.01
        """
        return self.modulate(delta_w)


class SerotoninSystem(Modulator):
    """Serotonin: punishment and stress lower its level, its level raises firing thresholds.

    Parameters
    ----------
    levels : neuromod._core.Levels, optional
        Buffer of a system that it belongs to. Default: one of its own.
    regions : sequence of str, optional
        Names of the rows of `levels`. Default: one, "global".
    **params : float, no unit but where said
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
        """Raise a threshold by a fraction of its magnitude.

        Parameters
        ----------
        threshold : float or ndarray of float, mV

        Returns
        -------
        float or ndarray, mV
            ``threshold + abs(threshold) * inhibition_strength * level ** exponent``, of the same kind.

        Examples
        --------
        >>> round(SerotoninSystem(baseline=0.8).modulate_threshold(-50.0), 3)
        -45.008
        """
        return self.modulate(threshold)


class NorepinephrineSystem(Modulator):
    """Norepinephrine: uncertainty and novelty raise its level, its level amplifies inputs.

    Parameters
    ----------
    levels : neuromod._core.Levels, optional
        Buffer of a system that it belongs to. Default: one of its own.
    regions : sequence of str, optional
        Names of the rows of `levels`. Default: one, "global".
    **params : float, no unit but where said
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
        """Amplify an input by the gain.

        Parameters
        ----------
        synaptic_input : float or ndarray of float, mV

        Returns
        -------
        float or ndarray, mV
            ``synaptic_input * (1 + gain_modulation * level ** exponent)``, of the same kind.

        Examples
        --------
        >>> round(NorepinephrineSystem(baseline=0.2).modulate_input(5.0), 3)
        5.444
        """
        return self.modulate(synaptic_input)


_CLASSES: dict[str, type[Modulator]] = {
    cls._registered: cls for cls in (DopamineSystem, SerotoninSystem, NorepinephrineSystem)
}


def _class_of(name: str) -> type[Modulator]:
    """The class of a registered modulator; one without a class of its own gets `update` with its event's inputs."""
    if name not in _CLASSES:
        inputs = _core.modulators()[name]["inputs"]

        def update(self: Modulator, *, region: str | None = None, **event: float) -> None:
            unknown = set(event) - set(inputs)
            if unknown:
                raise TypeError(f"{name}.update: takes {', '.join(inputs)}; got {', '.join(sorted(unknown))}")
            self._event(region, *(event.get(key, field["default"]) for key, field in inputs.items()))

        _CLASSES[name] = type(f"{name.title()}System", (Modulator,), {"_registered": name, "update": update})
    return _CLASSES[name]


class NeuromodulationSystem(_core.SystemCore):
    """All registered modulators over one buffer of levels, in one region or several.

    Parameters
    ----------
    regions : sequence of str, optional
        Names of regions with levels of their own. Default: one, for the whole brain.
    enabled : bool, default True
        Whether it acts.

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
        """Set dopamine from a reward prediction error; return the error.

        Parameters
        ----------
        reward : float, finite, reward units
        expected_reward : float, finite, reward units, default 0
        region : str, optional
            Region whose level is set. Default: all.

        Returns
        -------
        float
            ``reward - expected_reward``.

        Raises
        ------
        ValueError
            As `DopamineSystem.update`. No level changes.
        """
        return self.dopamine.update(reward, expected_reward, region=region)

    def process_punishment(
        self, punishment: float, stress: float = 0.0, *, region: str | None = None
    ) -> None:
        """Set serotonin from punishment and stress.

        Parameters
        ----------
        punishment : float, >= 0
        stress : float, >= 0, default 0
        region : str, optional
            Region whose level is set. Default: all.

        Raises
        ------
        ValueError
            As `SerotoninSystem.update`. No level changes.
        """
        self.serotonin.update(punishment, stress, region=region)

    def process_uncertainty(
        self, uncertainty: float, novelty: float = 0.0, *, region: str | None = None
    ) -> None:
        """Set norepinephrine from uncertainty and novelty.

        Parameters
        ----------
        uncertainty : float, >= 0
        novelty : float, >= 0, default 0
        region : str, optional
            Region whose level is set. Default: all.

        Raises
        ------
        ValueError
            As `NorepinephrineSystem.update`. No level changes.
        """
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
        self._levels.step(checked_dt(dt))

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

        Parameters
        ----------
        state : mapping
            From `to_dict`.

        Returns
        -------
        NeuromodulationSystem

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
            apply_params(modulator, saved["params"])
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
        apply_params(getattr(system, name), section[name])
    return system
