"""One modulator: its parameters, level, baseline and decay, read and written where the core keeps them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_dt
from neuromod.closed import Closed
from neuromod.errors import printable, say
from neuromod.near_names import names_near
from neuromod.network.members import Region, region_of
from neuromod.problems import did_you_mean, shown
from neuromod.units import SLOW_TIMES, say_unit_doubts

__all__ = ["KINETICS", "FurtherModulator", "Modulator", "ModulatorState", "apply_params", "region_row"]

KINETICS = ("baseline", "decay_rate", "tau")
"""Parameters that are the state's; the others are the modulator's."""


def region_row(regions: Sequence[str], region: Region | None) -> int:
    """Row of a region's levels; -1, which means all, for None.

    Parameters
    ----------
    regions : sequence of str
    region : str, Population or None

    Raises
    ------
    ValueError
        If there is no such region.
    """
    if region is None:
        return -1
    name = region_of(region, "region")
    if not isinstance(name, str):
        raise TypeError(f"region: must be the name of a region, or a population; got {shown(name)}")
    if name not in regions:
        hint = did_you_mean(name, regions)
        raise ValueError(f"region: must be one of {printable(', '.join(regions))}; got {name!r}{hint}")
    return list(regions).index(name)


class ModulatorState(Closed):
    """Level, baseline and decay of one modulator: a view on the buffers that the core uses.

    The level has two parts: `tonic`, the baseline that it relaxes towards, and `phasic`, what events, releases and
    spikes have added to it or taken away.

    Parameters
    ----------
    levels : neuromod._core.Levels
        The buffers.
    index : int, >= 0
        The modulator's column in them.

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
        return float(column[0]) if len(column) == 1 else _fixed(column)

    def _write(self, rows: NDArray[np.float64], what: str, value: float | NDArray[np.float64]) -> None:
        given = np.asarray(value)
        if given.dtype.kind not in "biuf" or not np.all((given >= 0.0) & (given <= 1.0)):
            raise ValueError(f"{self._name}.state.{what}: must be between 0 and 1; got {value!r}")
        if given.shape not in ((), (len(rows),)):
            wanted = f"must be one number, or {len(rows)}, one for each region"
            raise ValueError(f"{self._name}.state.{what}: {wanted}; got shape {given.shape}")
        self._levels.check_own(f"{self._name}.state.{what}")
        if what == "level" and not np.all(np.isnan(self._levels.clamped[:, self._index])):
            raise ValueError(
                f"{self._name}.state.level: is clamped; clamp({self._name}=None) of the system frees it"
            )
        if what != "level":
            _say_of_neutral(self._levels, self._index, rows[:, self._index], given)
        rows[:, self._index] = given

    @property
    def _name(self) -> str:
        return str(self._levels.names[self._index])

    @property
    def level(self) -> float | NDArray[np.float64]:
        """Level, 0 to 1: a float, or with several regions an ndarray of shape (n_regions,), a copy that is read-only.
        Setting it to a number sets every region."""
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
        return float(column[0]) if np.all(column == column[0]) else _fixed(column)

    @baseline.setter
    def baseline(self, value: float | NDArray[np.float64]) -> None:
        self._write(self._levels.baseline, "baseline", value)

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
        if value is not None and not _holds("NM_POSITIVE", value):
            raise ValueError(f"{self._name}.state.tau: must be > 0 ms; got {value!r}")
        say_unit_doubts(SLOW_TIMES, {"tau": value}, f"{self._name}.state")
        self._set_tau(value)

    def _set_tau(self, value: float | None) -> None:
        """Set `tau` to what was looked at before."""
        self._levels.check_own(f"{self._name}.state.tau")
        self._levels.tau[self._index] = np.nan if value is None else value

    def __repr__(self) -> str:
        speed = f"decay_rate={self.decay_rate:g}" if self.tau is None else f"tau={self.tau:g} ms"
        rest = self.baseline
        shown = f"{rest:g}" if isinstance(rest, float) else str(rest)
        return f"ModulatorState(level={self.level}, baseline={shown}, {speed})"


def _fixed(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """A copy that cannot be written to: only setting the attribute writes the levels."""
    values = column.copy()
    values.flags.writeable = False
    return values


def _say_of_neutral(levels: _core.Levels, index: int, old: Any, new: Any) -> None:
    """Say that another baseline of a neutral modulator has no lasting effect, where it is another."""
    if not levels.neutral[index] or np.all(old == new):
        return
    name = levels.names[index]
    say(
        f"{name}: is neutral, and so has no effect at its baseline, wherever that is; another baseline acts only until "
        f"the level has followed it. clamp({name}=...) holds a level beside the baseline; neutral = False lets the "
        "level itself act"
    )


def _holds(domain: str, value: Any) -> bool:
    """Whether a value is a number of that domain."""
    if not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return _core.domain_holds(domain, float(value))
    except OverflowError:  # a whole number beyond the largest double
        return False


def _position(levels: _core.Levels, index: int, name: str) -> int:
    return list(levels.tables[levels.names[index]]["params"]).index(name)


def _get(levels: _core.Levels, index: int, name: str) -> Any:
    """A parameter of modulator `index`, by name: a float, or a word.

    Parameters
    ----------
    levels : Levels
    index : int
    name : str
    """
    field = levels.tables[levels.names[index]]["params"][name]
    return _core.field_value(field, levels.params[index, _position(levels, index, name)])


def _set(levels: _core.Levels, index: int, name: str, value: float | str, place: str = "") -> None:
    """Set a parameter of modulator `index`, by name.

    Parameters
    ----------
    levels : Levels
    index : int
    name : str
    value : float or str
        In the parameter's unit; or one of its words.
    place : str, default ""
        What messages put between the modulator's name and the parameter's.

    Raises
    ------
    ValueError
        If the value is out of its domain. Nothing changes.
    """
    modulator = levels.names[index]
    field = levels.tables[modulator]["params"][name]
    try:
        number = _core.field_number(field, value)
    except (TypeError, ValueError, OverflowError):  # no number at all, or one beyond the largest double
        number = np.nan
    if not _core.domain_holds(field["domain"], number):
        rule = _core.field_phrase(field)
        raise ValueError(f"{modulator}{place}.{name}: must be {rule}; got {value!r}")
    levels.check_own(f"{modulator}{place}.{name}")
    levels.params[index, _position(levels, index, name)] = number


class Modulator(Closed, _core.ModulatorCore):
    """What all modulators have in common. Parameters of its table are attributes: ``dopamine.sensitivity``.

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

    _HINTS = {  # noqa: RUF012
        "targets": "they belong to its kind; create_neuromodulation_system declares a modulator with others",
        "level": "it is .state.level; clamp of the system holds it",
        **{name: f"it is .state.{name}" for name in ("baseline", "decay_rate", "phasic", "tau", "tonic")},
    }
    _registered: ClassVar[str]
    _params: ClassVar[Mapping[str, Any] | None] = None
    _again: ClassVar[Callable[..., Modulator]]  # monoamines.modulator_again, which knows the classes

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
        """What it acts on: one or more of the targets that the core has."""
        return tuple(self._levels.tables[self.name]["targets"])

    @property
    def offset(self) -> float:
        """Factor at a response of 0; thresholds have none."""
        return float(self._levels.offset[self._index])

    @property
    def neutral(self) -> bool:
        """Whether it has no effect at its baseline; may be set.

        A factor is then divided by its value at the baseline, and from a threshold's rise the rise there is
        subtracted. Setting it raises ValueError where a factor is 0 at the baseline; nothing changes then.
        """
        return bool(self._levels.neutral[self._index])

    @neutral.setter
    def neutral(self, value: bool) -> None:
        if not isinstance(value, bool | np.bool_):
            raise TypeError(f"{self.name}.neutral: must be True or False; got {value!r}")
        before = self._levels.neutral[self._index]
        self._levels.neutral[self._index] = value
        try:
            self._levels.check()
        except ValueError:
            self._levels.neutral[self._index] = before
            raise

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

    @names_near
    def release(self, amount: float, *, region: Region | None = None) -> None:
        """Add to the level: ``clip(level + amount, 0, 1)``, relative to the level before, unlike an event.

        Parameters
        ----------
        amount : float, no unit
            Below 0 it takes away, as uptake does.
        region : str or Population, optional
            Region whose level changes. Default: all.

        Raises
        ------
        ValueError
            If `amount` is NaN or infinite, or `region` is unknown. No level changes.

        Examples
        --------
        >>> from neuromod import DopamineSystem
        >>> dopamine = DopamineSystem()
        >>> dopamine.release(0.25)
        >>> dopamine.release(0.125)
        >>> dopamine.state.level, dopamine.state.phasic
        (0.875, 0.375)
        """
        self._levels.add(self._index, region_row(self._regions, region), amount)

    @names_near
    def set_tonic(self, value: float, *, region: Region | None = None) -> None:
        """Set the baseline of one region; its level relaxes towards it.

        A neutral modulator acts relative to its baseline: there it has no effect, wherever the baseline is. So for a
        neutral one a NeuromodWarning names what moves its effect instead.

        Parameters
        ----------
        value : float, 0 to 1
        region : str or Population, optional
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
        if not _holds("NM_UNIT_INTERVAL", value):
            raise ValueError(f"{self.name}.tonic: must be between 0 and 1; got {value!r}")
        self._levels.check_own(f"{self.name}.tonic")
        rows = slice(None) if row < 0 else row
        _say_of_neutral(self._levels, self._index, self._levels.baseline[rows, self._index], value)
        self._levels.baseline[rows, self._index] = value

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickled, and copied deeply, with the levels of the system that it belongs to."""
        own = type(self) if self._params is None else None
        return type(self)._again, (own, self.name, self._levels)

    def __copy__(self) -> Modulator:
        """A modulator with levels of its own."""
        again, (own, name, levels) = self.__reduce_ex__(4)
        return again(own, name, copy.copy(levels))  # type: ignore[no-any-return]

    def _event(self, region: Region | None, *values: float) -> None:
        self._levels.event(self._index, region_row(self._regions, region), values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({repr(self.state)[len('ModulatorState(') : -1]})"


class FurtherModulator(Modulator):
    """A modulator that has no class of its own: declared in a configuration, or registered and optional.

    Parameters
    ----------
    levels : neuromod._core.Levels, optional
        Buffer of a system that it belongs to. Default: one of its own.
    regions : sequence of str, optional
        Names of the rows of `levels`. Default: one, "global".
    **params : float, no unit but where said
        Parameters by name, as in `apply_params`.

    Examples
    --------
    >>> from neuromod import create_neuromodulation_system
    >>> section = {"histamine": {"response": {"linear": {"strength": 0.5}}, "targets": ["gain"]}}
    >>> system = create_neuromodulation_system(section)
    >>> system.histamine.update(0.25)
    >>> system.histamine.state.level, system.histamine.factor()
    (0.75, 1.375)
    """

    def update(self, *amounts: float, region: Region | None = None, **event: float) -> None:
        """Set the level by an event: ``clip(baseline + sensitivity * (sum of the event's inputs), 0, 1)``.

        Parameters
        ----------
        *amounts : float, no unit
            The event's inputs in their order; a declared modulator has one, ``amount``.
        region : str or Population, optional
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


def _parameter(name: str, field: Mapping[str, Any]) -> property:
    def get(self: Modulator) -> Any:
        return _get(self._levels, self._index, name)

    def put(self: Modulator, value: float | str) -> None:
        _set(self._levels, self._index, name, value)

    kind, default = ("str", field["default"]) if "words" in field else ("float", f"{field['default']:g}")
    return property(get, put, doc=f"{field['doc']} {kind}, {_core.field_phrase(field)}, default {default}.")


def apply_params(modulator: Modulator, params: Mapping[str, float | str | None]) -> None:
    """Set parameters and state by name; the level goes to a new baseline.

    Parameters
    ----------
    modulator : Modulator
    params : mapping of str to float or str, in the units of the modulator's table
        Also ``baseline``, ``decay_rate`` and ``tau`` (ms; None: ``decay_rate`` counts).

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
