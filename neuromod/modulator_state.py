"""Level, baseline and decay of one modulator, as views on the buffers that the core uses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuromod import _core

__all__ = ["KINETICS", "ModulatorState", "get_param", "region_row", "set_param"]

KINETICS = ("baseline", "decay_rate", "tau")
"""Parameters that are the state's; the others are the modulator's."""


def region_row(regions: Sequence[str], region: str | None) -> int:
    """Row of a region's levels; -1, which means all, for None.

    Parameters
    ----------
    regions : sequence of str
    region : str or None

    Raises
    ------
    ValueError
        If there is no such region.
    """
    if region is None:
        return -1
    if region not in regions:
        raise ValueError(f"region: must be one of {', '.join(regions)}; got {region!r}")
    return list(regions).index(region)


class ModulatorState:
    """Level, baseline and decay of one modulator: a view on the buffers that the core uses.

    The level has two parts: `tonic`, the baseline that it relaxes towards, and `phasic`, what events, releases and
    spikes have added to it or taken away.

    Examples
    --------
    >>> from neuromod import DopamineSystem
    >>> dopamine = DopamineSystem()
    >>> dopamine.state.level = 0.9
    >>> dopamine.state
    ModulatorState(level=0.9, baseline=0.5, decay_rate=0.1)
    >>> dopamine.state.tonic, dopamine.state.phasic
    (0.5, 0.4)
    """

    __slots__ = ("_index", "_levels")

    def __init__(self, levels: _core.Levels, index: int) -> None:
        self._levels, self._index = levels, index

    def _read(self, rows: NDArray[np.float64]) -> float | NDArray[np.float64]:
        column = rows[:, self._index]
        return float(column[0]) if len(column) == 1 else column.copy()

    def _write(self, rows: NDArray[np.float64], what: str, value: float | NDArray[np.float64]) -> None:
        checked = np.asarray(value, dtype=np.float64)
        if not np.all((checked >= 0.0) & (checked <= 1.0)):
            raise ValueError(f"{self._name}.state.{what}: must be between 0 and 1; got {value!r}")
        rows[:, self._index] = checked

    @property
    def _name(self) -> str:
        return str(self._levels.names[self._index])

    @property
    def level(self) -> float | NDArray[np.float64]:
        """Level, 0 to 1: a float, or with several regions an ndarray of shape (n_regions,). Setting it to a
        number sets every region."""
        return self._read(self._levels.level)

    @level.setter
    def level(self, value: float | NDArray[np.float64]) -> None:
        self._write(self._levels.level, "level", value)

    @property
    def tonic(self) -> float | NDArray[np.float64]:
        """Baseline of each region, 0 to 1: a float, or with several regions an ndarray of shape (n_regions,).
        Setting it, to one number or one for each region, moves no level: levels relax towards it."""
        return self._read(self._levels.baseline)

    @tonic.setter
    def tonic(self, value: float | NDArray[np.float64]) -> None:
        self._write(self._levels.baseline, "tonic", value)

    @property
    def phasic(self) -> float | NDArray[np.float64]:
        """Level less tonic level, -1 to 1, of the same kind; below 0 in a dip."""
        return self._read(self._levels.level - self._levels.baseline)

    @property
    def baseline(self) -> float | NDArray[np.float64]:
        """Level towards which it relaxes, 0 to 1: a float, or an ndarray where the regions' differ. Setting it to
        a number sets every region; see `tonic`."""
        column = self._levels.baseline[:, self._index]
        return float(column[0]) if np.all(column == column[0]) else column.copy()

    @baseline.setter
    def baseline(self, value: float | NDArray[np.float64]) -> None:
        self._write(self._levels.baseline, "baseline", value)

    @property
    def decay_rate(self) -> float:
        """Part of the distance to the baseline that is lost in a step, 0 to 1. Setting it puts `tau` out."""
        return float(get_param(self._levels, self._index, "decay_rate"))

    @decay_rate.setter
    def decay_rate(self, value: float) -> None:
        set_param(self._levels, self._index, "decay_rate", value, ".state")
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
        rest = self.baseline
        shown = f"{rest:g}" if isinstance(rest, float) else str(rest)
        return f"ModulatorState(level={self.level}, baseline={shown}, {speed})"


def _position(levels: _core.Levels, index: int, name: str) -> int:
    return list(levels.tables[levels.names[index]]["params"]).index(name)


def get_param(levels: _core.Levels, index: int, name: str) -> float:
    """A parameter of modulator `index`, by name.

    Parameters
    ----------
    levels : Levels
    index : int
    name : str
    """
    return float(levels.params[index, _position(levels, index, name)])


def set_param(levels: _core.Levels, index: int, name: str, value: float, place: str = "") -> None:
    """Set a parameter of modulator `index`, by name.

    Parameters
    ----------
    levels : Levels
    index : int
    name : str
    value : float
        In the parameter's unit.
    place : str, default ""
        What messages put between the modulator's name and the parameter's.

    Raises
    ------
    ValueError
        If the value is out of its domain. Nothing changes.
    """
    modulator = levels.names[index]
    field = levels.tables[modulator]["params"][name]
    if not _core.domain_holds(field["domain"], value):
        rule = _core.domain_phrase(field["domain"])
        raise ValueError(f"{modulator}{place}.{name}: must be {rule}; got {value!r}")
    levels.params[index, _position(levels, index, name)] = value
