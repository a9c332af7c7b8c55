"""Modulators one by one: a level that events set, spikes and the caller raise, and time relaxes.

What a modulator's effect is stands in ``csrc/modulator_<name>.c`` as data, or in the configuration that declares
it; ``csrc/nm_levels.c`` computes it. ``neuromodulation.py`` makes systems of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_dt
from neuromod.modulator_state import KINETICS, ModulatorState, get_param, region_row, set_param

__all__ = [
    "DopamineSystem",
    "FurtherModulator",
    "Modulator",
    "NorepinephrineSystem",
    "SerotoninSystem",
    "apply_params",
    "class_of",
]

Number = float | NDArray[np.floating[Any]]


class Modulator(_core.ModulatorCore):
    """One modulator. Parameters of its table are attributes: ``dopamine.sensitivity``.

    Parameters
    ----------
    levels : Levels, optional
        Where its level stands. Default: a buffer of its own, with one region.
    regions : sequence of str, optional
        Names of the rows of `levels`.
    **params : float
        Any of the parameters of its table, and ``tau`` (ms, > 0).
    """

    _registered: ClassVar[str]
    _params: ClassVar[Mapping[str, Any] | None] = None

    def __init__(
        self, levels: _core.Levels | None = None, regions: Sequence[str] | None = None, **params: float
    ) -> None:
        super().__init__(levels, self._registered)
        self._regions = tuple(regions or ("global",))
        apply_params(self, params)

    def __init_subclass__(cls) -> None:
        if not hasattr(cls, "_registered"):
            return
        params = _core.modulators()[cls._registered]["params"] if cls._params is None else cls._params
        for name, field in params.items():
            if name not in KINETICS:  # those are the state's
                setattr(cls, name, _parameter(name, field))

    @property
    def name(self) -> str:
        """Name, which is also the key of its configuration."""
        return self._registered

    @property
    def state(self) -> ModulatorState:
        """Its level, baseline and decay."""
        return ModulatorState(self._levels, self._index)

    @property
    def targets(self) -> tuple[str, ...]:
        """What it acts on: any of learning_rate, ltp, ltd, threshold, gain, noise, tau_c."""
        return tuple(self._levels.tables[self.name]["targets"])

    @property
    def offset(self) -> float:
        """Factor at a response of 0; thresholds have none."""
        return float(self._levels.offset[self._index])

    def step(self, dt: float = 1.0) -> None:
        """Relax towards the baseline: ``level = baseline + (level - baseline) * (1 - decay_rate)``.

        Parameters
        ----------
        dt : float, ms, > 0, default 1
            Length of the step; matters only where `state.tau` is set, which keeps ``exp(-dt / tau)``.

        Raises
        ------
        ValueError
            If `dt` is not > 0, or it belongs to a system, which steps all its modulators. Nothing changes.
        """
        if len(self._levels.names) != 1:
            raise ValueError(
                f"{self.name}: belongs to a system; step the system, which steps all its modulators"
            )
        self._levels.step(checked_dt(dt))

    def release(self, amount: float, *, region: str | None = None) -> None:
        """Add to the level: ``clip(level + amount, 0, 1)``, relative to the level before, unlike an event.

        Parameters
        ----------
        amount : float, no unit
            Below 0 it takes away, as uptake does.
        region : str, optional
            Region whose level changes. Default: all.

        Raises
        ------
        ValueError
            If `amount` is NaN or infinite, or `region` is unknown. No level changes.

        Examples
        --------
        >>> dopamine = DopamineSystem()
        >>> dopamine.release(0.25)
        >>> dopamine.release(0.125)
        >>> dopamine.state.level, dopamine.state.phasic
        (0.875, 0.375)
        """
        self._levels.add(self._index, region_row(self._regions, region), amount)

    def set_tonic(self, value: float, *, region: str | None = None) -> None:
        """Set the baseline of one region; its level relaxes towards it.

        Parameters
        ----------
        value : float, 0 to 1
        region : str, optional
            Default: all.

        Raises
        ------
        ValueError
            If `value` is out of its domain or `region` is unknown. Nothing changes.

        Examples
        --------
        >>> from neuromod import NeuromodulationSystem
        >>> system = NeuromodulationSystem(["cortex", "striatum"])
        >>> system.dopamine.set_tonic(0.25, region="striatum")
        >>> system.dopamine.state.tonic.tolist()
        [0.5, 0.25]
        """
        row = region_row(self._regions, region)
        if not _core.domain_holds("NM_UNIT_INTERVAL", value):
            raise ValueError(f"{self.name}.tonic: must be between 0 and 1; got {value!r}")
        self._levels.baseline[slice(None) if row < 0 else row, self._index] = value

    def _event(self, region: str | None, *values: float) -> None:
        self._levels.event(self._index, region_row(self._regions, region), values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({repr(self.state)[len('ModulatorState(') : -1]})"


def _parameter(name: str, field: Mapping[str, Any]) -> property:
    def get(self: Modulator) -> float:
        return get_param(self._levels, self._index, name)

    def put(self: Modulator, value: float) -> None:
        set_param(self._levels, self._index, name, value)

    rule = _core.domain_phrase(field["domain"])
    return property(get, put, doc=f"{field['doc']} float, {rule}, default {field['default']:g}.")


def apply_params(modulator: Modulator, params: Mapping[str, float | None]) -> None:
    """Set parameters and state by name; the level goes to a new baseline.

    Parameters
    ----------
    modulator : Modulator
    params : mapping of str to float or None
        In the units of the modulator's table; ``tau`` in ms, where None means that ``decay_rate`` counts.

    Raises
    ------
    ValueError, TypeError
        If a name is unknown or a value out of its domain.
    """
    state = modulator.state
    for name, value in params.items():
        if name in KINETICS:
            setattr(state, name, value)
        elif name in modulator._levels.tables[modulator.name]["params"]:
            setattr(modulator, name, value)
        else:
            raise TypeError(f"{modulator.name}: has no parameter {name!r}")
    if "baseline" in params:
        state.level = state.tonic


class DopamineSystem(Modulator):
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


class SerotoninSystem(Modulator):
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


class NorepinephrineSystem(Modulator):
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


class FurtherModulator(Modulator):
    """A modulator that has no class of its own: declared in a configuration, or registered and optional.

    Parameters
    ----------
    **params : float
        Any of the parameters of its table, and ``tau`` (ms, > 0).

    Examples
    --------
    >>> from neuromod import create_neuromodulation_system
    >>> section = {"histamine": {"response": {"linear": {"strength": 0.5}}, "targets": ["gain"]}}
    >>> system = create_neuromodulation_system(section)
    >>> system.histamine.update(0.25)
    >>> system.histamine.state.level, system.histamine.factor()
    (0.75, 1.375)
    """

    def update(self, *amounts: float, region: str | None = None, **event: float) -> None:
        """Set the level by an event: ``clip(baseline + sensitivity * (sum of the event's inputs), 0, 1)``.

        Parameters
        ----------
        *amounts : float, no unit
            The event's inputs in their order; a declared modulator has one, ``amount``.
        region : str, optional
            Region whose level is set. Default: all.
        **event : float, no unit
            Inputs by name; those not given are 0.

        Raises
        ------
        ValueError, TypeError
            If an input is unknown or out of its domain, or `region` is unknown. No level changes.
        """
        inputs = self._levels.tables[self.name]["inputs"]
        given = dict(zip(inputs, amounts, strict=False))
        if len(amounts) > len(inputs) or set(event) - set(inputs) or set(event) & set(given):
            came = ", ".join([*map(repr, amounts), *sorted(event)])
            raise TypeError(f"{self.name}.update: takes {', '.join(inputs)}, each once; got {came}")
        values = {key: field["default"] for key, field in inputs.items()} | given | event
        self._event(region, *values.values())


_CLASSES: dict[str, type[Modulator]] = {
    cls._registered: cls for cls in (DopamineSystem, SerotoninSystem, NorepinephrineSystem)
}


def class_of(name: str, table: Mapping[str, Any]) -> type[Modulator]:
    """The class of a modulator; one without a class of its own gets one with the parameters of its table.

    Parameters
    ----------
    name : str
        Registered or declared.
    table : mapping
        What the core says of it; see `neuromod._core.modulators`.
    """
    if name in _CLASSES:
        return _CLASSES[name]
    title = name.title().replace("_", "")
    members = {"_registered": name, "_params": table["params"], "__module__": __name__}
    return type(f"{title}System", (FurtherModulator,), members)
