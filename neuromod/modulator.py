"""One modulator: its parameters, level, baseline and decay, read and written where the core keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_dt

__all__ = ["Modulator", "ModulatorState", "apply_params"]


class ModulatorState:
    """Level, baseline and decay of one modulator: a view on the buffer that the core uses.

    Parameters
    ----------
    levels : neuromod._core.Levels
        The buffer.
    index : int, >= 0
        The modulator's column in it.

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
    """A parameter of a modulator.

    Parameters
    ----------
    levels : neuromod._core.Levels
    index : int, >= 0
        The modulator's column.
    name : str
        A parameter of its C table.

    Returns
    -------
    float
        In the unit of the table.
    """
    return float(levels.params[index, _position(levels, index, name)])


def _set(levels: _core.Levels, index: int, name: str, value: float, place: str = "") -> None:
    """Set a parameter of a modulator.

    Parameters
    ----------
    levels : neuromod._core.Levels
    index : int, >= 0
        The modulator's column.
    name : str
        A parameter of its C table.
    value : float, in the units of the table
    place : str, default ""
        What stands between the modulator's and the parameter's name in messages.

    Raises
    ------
    ValueError
        If the value is out of the parameter's domain. Nothing changes.
    """
    modulator = levels.names[index]
    field = levels.tables[modulator]["params"][name]
    if not _core.domain_holds(field["domain"], value):
        rule = _core.domain_phrase(field["domain"])
        raise ValueError(f"{modulator}{place}.{name}: must be {rule}; got {value!r}")
    levels.params[index, _position(levels, index, name)] = value


class Modulator(_core.ModulatorCore):
    """What all modulators have in common. Parameters of the C table are attributes: ``dopamine.sensitivity``.

    Parameters
    ----------
    levels : neuromod._core.Levels, optional
        Buffer of a system that it belongs to. Default: one of its own.
    regions : sequence of str, optional
        Names of the rows of `levels`. Default: one, "global".
    **params : float, no unit but where said
        Parameters by name, as in `apply_params`.

    Raises
    ------
    TypeError, ValueError
        As `apply_params`.
    """

    _registered: ClassVar[str]

    def __init__(
        self, levels: _core.Levels | None = None, regions: Sequence[str] | None = None, **params: float
    ) -> None:
        super().__init__(levels, self._registered)
        self._regions = tuple(regions or ("global",))
        apply_params(self, params)

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
        self._levels.step(checked_dt(dt))

    def _event(self, region: str | None, *values: float) -> None:
        self._levels.event(self._index, _region_index(self._regions, region), values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({repr(self.state)[len('ModulatorState(') : -1]})"


def _parameter(name: str, field: Mapping[str, Any]) -> property:
    def get(self: Modulator) -> float:
        return _get(self._levels, self._index, name)

    def put(self: Modulator, value: float) -> None:
        _set(self._levels, self._index, name, value)

    rule = _core.domain_phrase(field["domain"])
    return property(get, put, doc=f"{field['doc']} float, {rule}, default {field['default']:g}.")


def apply_params(modulator: Modulator, params: Mapping[str, float | None]) -> None:
    """Set parameters and state by name; the level goes to a new baseline.

    Parameters
    ----------
    modulator : Modulator
    params : mapping of str to float, in the units of the modulator's table
        Also ``baseline``, ``decay_rate`` and ``tau`` (ms).

    Raises
    ------
    TypeError
        If the modulator has no such parameter.
    ValueError
        If a value is out of its domain.
    """
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
