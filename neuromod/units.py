"""Times in ms turned into steps, and numbers that look as if they were in another unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import MOST_STEPS, checked_number
from neuromod.errors import say
from neuromod.problems import shown

__all__ = ["check_dt_unit", "check_one", "say_unit_doubts", "steps_of", "steps_of_all", "unit_doubt"]

ROUNDING = 1e-6
"""Of a step: a time this close to a whole number of steps is one."""
# A value below 1 and a hundred times smaller than its default of 1 or more looks like seconds or volts.
_TOO_SMALL = 0.01
# Where the default is 0 ms, a time below this one looks like seconds.
_SHORTEST_MS = 0.05
# Shorter steps are in use nowhere.
_SHORTEST_DT = 0.001
_LIKELY_UNIT = {"ms": ("seconds", "s"), "mV": ("volts", "V")}


def steps_of_all(times: NDArray[Any], dt: float, where: str, least: int, most: int) -> NDArray[np.int64]:
    """Whole steps of times in ms; ValueError naming the first time that is no whole number of steps."""
    wanted = times.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = wanted / dt
        nearest = np.rint(steps)
        good = np.abs(steps - nearest) <= np.maximum(ROUNDING, 1e-15 * np.abs(steps))
    if not np.all(good):
        bad = float(wanted[~good].ravel()[0])
        if not np.isfinite(bad):
            raise ValueError(f"{where}: must be finite, in ms; got {bad:g}")
        low, high = (float(f"{end(bad / dt) * dt:.12g}") for end in (np.floor, np.ceil))
        came = f"got {bad:.12g} ms; {low:.12g} and {high:.12g} are"
        raise ValueError(f"{where}: must be a whole number of steps of {dt:g} ms; {came}")
    outside = (nearest < least) | (nearest > most)
    if np.any(outside):
        bad = float(wanted[outside].ravel()[0])
        came = f"got {bad:.12g} ms"
        raise ValueError(
            f"{where}: must be from {least * dt:g} to {most * dt:g} ms, {least} to {most} steps; {came}"
        )
    return nearest.astype(np.int64)


def steps_of(time: Any, dt: float, where: str, least: int = 0, most: int = MOST_STEPS) -> int:
    """Whole steps of a time.

    Parameters
    ----------
    time : float, ms
    dt : float, ms, > 0
    where : str
        Name of the argument, for the message.
    least, most : int, steps, default 0 and 2**62

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        If it is no number, no whole number of steps (within a millionth of a step), or out of bounds.

    Examples
    --------
    >>> steps_of(1000, 0.1, "ms")
    10000
    """
    number = checked_number(time, where)
    return int(steps_of_all(np.array([number]), dt, where, least, most)[0])


def check_one(steps: tuple[str, Any], ms: tuple[str, Any], dt: float, least: int, default: Any = None) -> Any:
    """The steps that were given by one of two arguments: in steps, as they came, or in ms, whole steps of dt.

    Each of the two is a name and a value, None where it was not given. Both at once: TypeError; neither: `default`, or
    TypeError where there is none.
    """
    if steps[1] is not None and ms[1] is not None:
        raise TypeError(
            f"{steps[0]}, {ms[0]}: must not be given both; got {shown(steps[1])} and {shown(ms[1])}"
        )
    if ms[1] is not None:
        return steps_of(ms[1], dt, ms[0], least)
    if steps[1] is None and default is None:
        raise TypeError(f"{steps[0]}, {ms[0]}: one of them must be given; got neither")
    return default if steps[1] is None else steps[1]


# ---- units -------------------------------------------------------------------------------------------------


def unit_doubt(where: str, about: Mapping[str, Any], value: Any) -> str | None:
    """What a warning says of a value that looks as if it were in seconds or volts; None of any other.

    `about`: unit and default. `value`: a number, an array, or a distribution.
    """
    unit, default = about["unit"], about["default"]
    if unit not in _LIKELY_UNIT or isinstance(default, str):
        return None
    if isinstance(value, Mapping):
        value = next(iter(value.values()), 0.0)
    try:
        size = float(np.max(np.abs(np.asarray(value, np.float64)), initial=0.0))
    except (TypeError, ValueError):
        return None
    likely = size <= _TOO_SMALL * abs(default) and size < 1.0 <= abs(default)
    if not (size > 0.0 and (likely or (default == 0.0 and unit == "ms" and size < _SHORTEST_MS))):
        return None
    return f"{where}: is in {unit}; got {shown(value)}, did you mean {_meant(value, unit)}"


def _meant(value: Any, unit: str) -> str:
    """The unit that was likely meant, and what the value would be in ours."""
    name, sign = _LIKELY_UNIT[unit]
    if np.ndim(value):
        return f"{name}?"
    meant = float(f"{float(value) * 1000.0:.12g}")
    return f"{name}? {float(value):.12g} {sign} would be {meant!r}"


def say_unit_doubts(
    table: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any] | None, where: str
) -> None:
    """A warning for each value that looks as if it were in seconds or volts. `table`: unit and default by name."""
    for name, value in (values or {}).items():
        doubt = (
            unit_doubt(f"{where}.{name}" if where else name, table[name], value) if name in table else None
        )
        if doubt is not None:
            say(doubt)


def check_dt_unit(dt: float, where: str = "dt") -> None:
    """A warning where the length of a step looks as if it were in seconds."""
    if dt <= _SHORTEST_DT:
        say(f"{where}: is in ms; got {dt:g}, did you mean {_meant(dt, 'ms')}")
