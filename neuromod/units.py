"""Times in ms turned into steps, and numbers that look as if they were in another unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import MOST_STEPS, SHORTEST_STEP, checked_count, checked_number
from neuromod.errors import say
from neuromod.problems import shown

__all__ = [
    "SLOW_TIMES",
    "checked_every",
    "checked_steps",
    "counted",
    "dt_doubt",
    "is_odd_current",
    "say_current_doubts",
    "say_unit_doubts",
    "steps_of",
    "steps_of_all",
    "unit_doubt",
    "unit_doubts",
]

_SLOW = ("duration", "tau", "tau_rec", "tau_facil", "facilitating_tau_rec", "facilitating_tau_facil", "every")
SLOW_TIMES: dict[str, dict[str, Any]] = {name: {"unit": "ms", "default": 100.0} for name in _SLOW}
"""Times of modulators, short-term plasticity, homeostasis and trains: below 1 ms they look like seconds."""
ROUNDING = 1e-6
"""Of a step: a time this close to a whole number of steps is one."""
# A value below 1 and a hundred times smaller than its default of 1 or more looks like seconds or volts.
_TOO_SMALL = 0.01
# Where the default is 0 ms, a time below this one looks like seconds.
_SHORTEST_MS = 0.05
# A lasting current whose potential lies so far from rest (mV) looks like pA; one so weak (pA) like nA or mV.
_STRONGEST_MV, _WEAKEST_PA = 200.0, 1.0
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
        near = [step for step in (np.floor(bad / dt), np.ceil(bad / dt)) if least <= step <= most]
        words = " and ".join(f"{step * dt:.12g}" for step in near)
        came = f"got {bad:.12g} ms" + (f"; {words} {'are' if len(near) > 1 else 'is'}" if near else "")
        raise ValueError(f"{where}: must be a whole number of steps of {dt:g} ms; {came}")
    outside = (nearest < least) | (nearest > most)
    if np.any(outside):
        bad = float(wanted[outside].ravel()[0])
        most_words = f"from {least * dt:g} to {most * dt:g} ms, {least} to {most} steps"
        rule = f">= {least * dt:g} ms" if most >= MOST_STEPS and bad < least * dt else most_words
        raise ValueError(f"{where}: must be {rule}; got {bad:.12g} ms")
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


def checked_steps(n_steps: Any, ms: Any, dt: float) -> int:
    """The steps of a run, given as such or in ms; TypeError where both or neither are given."""
    if n_steps is not None and ms is not None:
        raise TypeError(f"n_steps, ms: must not be given both; got {shown(n_steps)} and {shown(ms)}")
    if ms is not None:
        return steps_of(ms, dt, "ms")
    if n_steps is None:
        raise TypeError("n_steps, ms: one of them must be given; got neither")
    return counted(n_steps, "n_steps", "ms", 0)


def checked_every(every: Any, every_ms: Any, dt: float) -> int:
    """The distance of samples in steps, given as such or in ms; 1 where neither is given."""
    if every is not None and every_ms is not None:
        raise TypeError(f"every, every_ms: must not be given both; got {shown(every)} and {shown(every_ms)}")
    if every_ms is not None:
        return steps_of(every_ms, dt, "every_ms", 1)
    return 1 if every is None else counted(every, "every", "every_ms", 1)


def counted(steps: Any, where: str, ms: str, least: int) -> int:
    """Whole steps; a number that is none may be meant in ms."""
    if isinstance(steps, float | np.floating) and np.isfinite(steps) and steps >= least:
        rule = f"must be a whole number >= {least}, of steps"
        raise ValueError(f"{where}: {rule}; got {shown(steps)} ({ms}={float(steps)!r} would be ms)")
    return checked_count(steps, where, least)


# ---- units -------------------------------------------------------------------------------------------------


def unit_doubt(where: str, about: Mapping[str, Any], value: Any) -> str | None:
    """What a warning says of a value that looks as if it were in another unit; None of any other.

    Looked for are seconds, volts, and of a lasting current (`i_offset`) pA in place of mV, and nA in place of pA.
    `about`: unit and default. `value`: a number, an array, or a distribution.
    """
    unit, default = about["unit"], about["default"]
    is_current = where.rpartition(".")[2] == "i_offset"
    if (unit not in _LIKELY_UNIT and not is_current) or isinstance(default, str):
        return None
    if isinstance(value, Mapping):
        value = next(iter(value.values()), 0.0)
    try:
        size = float(np.max(np.abs(np.asarray(value, np.float64)), initial=0.0))
    except (TypeError, ValueError):
        return None
    likely = size <= _TOO_SMALL * abs(default) and size < 1.0 <= abs(default)
    if is_current and is_odd_current(size, unit):
        return _current_doubt(where, unit, value)
    if not (size > 0.0 and (likely or (default == 0.0 and unit == "ms" and size < _SHORTEST_MS))):
        return None
    return f"{where}: is in {unit}; got {shown(value)}, did you mean {_meant(value, unit)}"


def say_current_doubts(values: Mapping[str, Any], unit: str, lasting: Any = True) -> None:
    """A warning of a current that looks as if it were in another unit. `lasting`: which of its values last."""
    for where, value in values.items():
        sizes = np.abs(np.asarray(value, np.float64)) * np.asarray(lasting, np.float64)
        if is_odd_current(float(np.max(sizes, initial=0.0)), unit):
            say(_current_doubt(where, unit, value))


def is_odd_current(size: float, unit: str) -> bool:
    """Whether a lasting current of this size looks as if it were in another unit."""
    return size > _STRONGEST_MV if unit == "mV" else 0.0 < size < _WEAKEST_PA


def _current_doubt(where: str, unit: str, value: Any) -> str:
    """Of a lasting current that looks as if it were in another unit."""
    if unit == "mV":
        meant = "pA? pA divided by C_m / tau_m (pF/ms) are mV"
        return f"{where}: is in mV, the potential that the current causes; got {shown(value)}, did you mean {meant}"
    meant = (
        "nA?"
        if np.ndim(value)
        else f"nA? {float(value):.12g} nA would be {float(f'{value * 1000.0:.12g}')!r}"
    )
    return f"{where}: is in pA; got {shown(value)}, did you mean {meant}"


def _meant(value: Any, unit: str) -> str:
    """The unit that was likely meant, and what the value would be in ours."""
    name, sign = _LIKELY_UNIT[unit]
    if np.ndim(value):
        return f"{name}?"
    meant = float(f"{float(value) * 1000.0:.12g}")
    return f"{name}? {float(value):.12g} {sign} would be {meant!r}"


def unit_doubts(
    table: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any] | None, where: str
) -> list[str]:
    """What warnings say of values that look as if they were in seconds or volts. `table`: unit, default by name."""
    known = {name: value for name, value in (values or {}).items() if name in table}
    each = [
        unit_doubt(f"{where}.{name}" if where else name, table[name], value) for name, value in known.items()
    ]
    return [doubt for doubt in each if doubt is not None]


def say_unit_doubts(
    table: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any] | None, where: str
) -> None:
    """A warning for each of `unit_doubts`."""
    for doubt in unit_doubts(table, values, where):
        say(doubt)


def dt_doubt(dt: Any, where: str = "dt") -> str | None:
    """What a warning says of the length of a step that looks as if it were in seconds; None of any other."""
    if not isinstance(dt, float | np.floating) or not SHORTEST_STEP <= dt <= _SHORTEST_DT:
        return None
    return f"{where}: is in ms; got {float(dt):g}, did you mean {_meant(float(dt), 'ms')}"
