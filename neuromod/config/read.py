"""From a file or a dict to plain JSON values, or to an error that says where it stops being JSON.

Nothing here knows what a configuration means; the sections do. Parsing is the standard library's; this adds
what it lets pass: duplicate keys, NaN and infinities, files without end, nesting without end.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from neuromod.config.problems import ROOT, join, nearest, shown
from neuromod.errors import ConfigError

MAX_BYTES = 64 * 1024 * 1024
"""Largest configuration file that is read."""
MAX_DEPTH = 64
"""Deepest nesting of arrays and objects; the deepest that anything here means is 5."""
MAX_DIGITS = 1000
"""Digits of an integer; one with more counts as infinite. Python's own limit is 4300."""
MAX_VALUES = 10_000_000
"""Values in a configuration that is given as a dict: one that shares its parts may have endlessly many."""
MAX_PROBLEMS = 100
"""Problems listed in one error; the rest are counted."""

# Only numbers with such an exponent, or so many digits, can overflow a double: all others need no second look.
# Apart, each begins with one letter, which the search jumps to.
_LARGE_EXPONENTS = (re.compile(r"e\+?\d{3}"), re.compile(r"E\+?\d{3}"))
_MANY_DIGITS = re.compile(r"\d{300}")
_HOLDERS = (dict, list)


def config_error(problems: list[str]) -> ConfigError:
    """All problems as one error; beyond MAX_PROBLEMS they are counted."""
    extra = len(problems) - MAX_PROBLEMS
    if extra > 0:
        problems = [*problems[:MAX_PROBLEMS], f"{ROOT}: must be free of problems; got {extra} more of them"]
    return ConfigError(problems)


def not_finite(where: str, value: float) -> str:
    """The problem of a number that JSON does not have."""
    return f"{where or ROOT}: must be finite; got {value}"


def plain_copy(value: Any, where: str = "") -> tuple[Any, list[str]]:
    """A deep copy of dict, list, str, int, float, bool and None only, as ``json`` would read it, and its problems.

    Tuples and arrays become lists, NumPy scalars Python numbers. A problem is whatever else is in the value, keys that
    are no text, numbers that are not finite. ConfigError, where the value is nested more than MAX_DEPTH deep, contains
    itself, or has more than MAX_VALUES parts.
    """
    problems: list[str] = []
    copy = _copied(value, where, 0, problems, [0])
    return copy, problems


def _copied(value: Any, where: str, depth: int, problems: list[str], seen: list[int]) -> Any:
    seen[0] += 1
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biuf":
        value = value.tolist()
    if isinstance(value, Mapping | list | tuple):
        if depth >= MAX_DEPTH:
            raise ConfigError(
                [f"{ROOT}: must be nested at most {MAX_DEPTH} deep; got more, or a part of itself"]
            )
        if seen[0] > MAX_VALUES:
            raise ConfigError([f"{ROOT}: must have at most {MAX_VALUES} values; got more"])
        return _copied_holder(value, where, depth + 1, problems, seen)
    if isinstance(value, str):
        return str(value)
    if value is not None and not isinstance(value, bool | int | float):
        problems.append(f"{where or ROOT}: must be a JSON value; got {shown(value)}")
        return None
    if isinstance(value, int) and value.bit_length() > MAX_DIGITS * math.log2(10):
        value = math.inf if value > 0 else -math.inf  # as if it had been read
    if _is_not_finite(value):
        problems.append(not_finite(where, value))
    return value


def _copied_holder(
    value: Mapping[Any, Any] | Sequence[Any], where: str, depth: int, problems: list[str], seen: list[int]
) -> Any:
    if not isinstance(value, Mapping):
        return [_copied(item, join(where, k), depth, problems, seen) for k, item in enumerate(value)]
    found = {}
    for key, item in value.items():
        if isinstance(key, str):
            found[key] = _copied(item, join(where, key), depth, problems, seen)
        else:
            problems.append(f"{where or ROOT}: must have text for keys; got {shown(key)}")
    return found


def found_file(source: object) -> Path:
    """The file that is meant: a path, or the bare name of a configuration that the package ships."""
    folder = resources.files("neuromod").joinpath("data")
    shipped = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    if not isinstance(source, str | Path):
        raise ConfigError([f"config_path: must be a path or an object; got {shown(source)}"])
    try:
        path = Path(source)
        if path.is_file():
            return path
    except (OSError, ValueError) as error:  # too long a name, for example
        raise ConfigError([f"config_path: must be a file; got {shown(str(source))} ({error})"]) from error
    if str(source) in shipped:
        return Path(str(folder.joinpath(str(source))))
    near = nearest(str(source), shipped)
    hint = f"; did you mean {near!r}?" if near else ""
    rule = f"must be a file, or one of {', '.join(shipped)}"
    raise ConfigError([f"config_path: {rule}; got {shown(str(source))}{hint}"])


def read_file(path: Path) -> tuple[Any, list[str]]:
    """The JSON value that a file holds, and its problems: keys that an object repeats; NaN and infinities.

    ConfigError, where the file cannot be read, is empty, is no UTF-8 or no JSON (with line and column), has more than
    MAX_BYTES, or is nested more than MAX_DEPTH deep.
    """
    name = shown(path.name)[1:-1]
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{name}: must be a readable file; got {error.strerror}"]) from error
    if len(data) > MAX_BYTES:
        raise ConfigError([f"{name}: must be at most {MAX_BYTES} bytes; got more"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise ConfigError(
            [f"{name}: must be UTF-8; got byte {byte:#04x} at position {error.start}"]
        ) from error
    if not text.strip():
        raise ConfigError([f"{name}: must be a JSON object; got an empty file"])
    return _parsed(text, name)


def _parsed(text: str, name: str) -> tuple[Any, list[str]]:
    repeated: list[int] = []
    constants: list[str] = []

    def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            repeated.append(len(pairs))
            return _Repeating(pairs)
        return found

    def as_constant(literal: str) -> float:
        constants.append(literal)
        return float(literal)

    many_digits = _MANY_DIGITS.search(text) is not None
    try:
        value = json.loads(
            text,
            object_pairs_hook=as_object,
            parse_constant=as_constant,
            # Python's own reader of integers, which is the fast one, refuses more than 4300 digits
            parse_int=_from_digits if many_digits else None,
        )
    except json.JSONDecodeError as error:
        line = text.splitlines()[error.lineno - 1] if error.pos < len(text) else ""
        came = shown(line[error.colno - 1 :][:60]) if line else "the end of the file"
        place = f"{name}, line {error.lineno}, column {error.colno}"
        raise ConfigError([f"{place}: must be JSON ({error.msg}); got {came}"]) from error
    except RecursionError:
        raise ConfigError([f"{name}: must be nested at most {MAX_DEPTH} deep; got far more"]) from None
    if _depth_exceeds(value):
        raise ConfigError([f"{name}: must be nested at most {MAX_DEPTH} deep; got more"])
    problems = list(_repetitions(value)) if repeated else []
    if constants or many_digits or any(exponent.search(text) for exponent in _LARGE_EXPONENTS):
        problems += (not_finite(*place) for place in _walk(value) if _is_not_finite(place[1]))
    return value, problems


class _Repeating(dict[str, Any]):
    """An object that gave a key more than once; lives only until the error says so."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeats = {key: n for key, n in Counter(key for key, _ in pairs).items() if n > 1}


def _from_digits(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _depth_exceeds(value: Any) -> bool:
    level = [value] if isinstance(value, _HOLDERS) else []
    for _ in range(MAX_DEPTH):
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, _HOLDERS)
        ]
    return bool(level)


def _walk(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    yield where, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, join(where, key))
    elif isinstance(value, list):
        for k, item in enumerate(value):
            yield from _walk(item, join(where, k))


def _repetitions(value: Any) -> Iterator[str]:
    for where, item in _walk(value):
        if isinstance(item, _Repeating):
            for key, times in item.repeats.items():
                yield f"{join(where, key)}: must be given once; got it {times} times"


def _is_not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
