"""The modulators that have classes of their own, for friendlier method names, and the class of any other.

What a modulator's effect is stands in ``csrc/modulator_<name>.c`` as data, or in the configuration that declares
it; ``csrc/nm_levels.c`` computes it. ``neuromodulation.py`` makes systems of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.modulation.modulator import FurtherModulator, Modulator
from neuromod.near_names import names_near
from neuromod.network.members import Region

__all__ = ["DopamineSystem", "NorepinephrineSystem", "SerotoninSystem", "class_of"]

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

    @names_near
    def update(self, reward: float, expected_reward: float = 0.0, *, region: Region | None = None) -> float:
        """Set the level from a reward prediction error; return the error.

        The level becomes ``clip(baseline + sensitivity * (reward - expected_reward), 0, 1)``: relative to the
        baseline, not to the level before.

        Parameters
        ----------
        reward, expected_reward : float, finite, reward units
        region : str or Population, optional
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

    @names_near
    def update(self, punishment: float = 0.0, stress: float = 0.0, *, region: Region | None = None) -> None:
        """Set the level: ``clip(baseline - sensitivity * (punishment + stress), 0, 1)``.

        Parameters
        ----------
        punishment, stress : float, >= 0
        region : str or Population, optional
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

    @names_near
    def update(self, uncertainty: float = 0.0, novelty: float = 0.0, *, region: Region | None = None) -> None:
        """Set the level: ``clip(baseline + sensitivity * (uncertainty + novelty), 0, 1)``.

        Parameters
        ----------
        uncertainty, novelty : float, >= 0
        region : str or Population, optional
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


def modulator_again(own: type[Modulator] | None, name: str, levels: _core.Levels) -> Modulator:
    """The modulator of that name of `levels`.

    Parameters
    ----------
    own : type or None
        Its class, where it has one that can be imported.
    name : str
    levels : neuromod._core.Levels
    """
    return (own or class_of(name, levels.tables[name]))(levels, levels.regions)


Modulator._again = staticmethod(modulator_again)
