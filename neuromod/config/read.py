"""From a file or a dict to plain JSON values, or to an error that says where it stops being JSON.

Nothing here knows what a configuration means; the sections do. Parsing is the standard library's; this adds
what it lets pass: duplicate keys, NaN and infinities, files without end, nesting without end.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from neuromod.errors import ConfigError
from neuromod.problems import ROOT, Place, Problem, Wrong, shown

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


def config_error(found: Sequence[Problem], where: str = "") -> ConfigError:
    """All problems of the value at `where` as one error; beyond MAX_PROBLEMS they are counted."""
    words = [problem.words(where, before) for before, problem in enumerate(found[:MAX_PROBLEMS])]
    if len(found) > MAX_PROBLEMS:
        words.append(f"{ROOT}: must be free of problems; got {len(found) - MAX_PROBLEMS} more of them")
    return ConfigError(words)


def _refused(where: str, rule: str, came: object) -> ConfigError:
    return ConfigError([f"{where}: {rule}; got {came}"])


# ---- from a dict -------------------------------------------------------------------------------------------


class _Repeating(dict[str, Any]):
    """An object that gave a key more than once; lives only until the error says so."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeats = {key: n for key, n in Counter(key for key, _ in pairs).items() if n > 1}


def plain_copy(value: Any) -> tuple[Any, list[Problem]]:
    """A deep copy of dict, list, str, int, float, bool and None only, as ``json`` would read it, and its problems.

    Tuples and arrays become lists, NumPy scalars Python numbers. A problem is whatever else is in the value, keys that
    are no text or are given twice, numbers that are not finite. ConfigError, where the value is nested more than
    MAX_DEPTH deep, contains itself, or has more than MAX_VALUES parts.
    """
    problems: list[Problem] = []
    return _copied(value, (), problems, [0]), problems


def _copied(value: Any, place: Place, problems: list[Problem], seen: list[int]) -> Any:
    seen[0] += 1
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biuf":
        value = value.tolist()
    if isinstance(value, Mapping | list | tuple):
        if len(place) >= MAX_DEPTH:
            raise _refused(ROOT, f"must be nested at most {MAX_DEPTH} deep", "more, or a part of itself")
        if seen[0] > MAX_VALUES:
            raise _refused(ROOT, f"must have at most {MAX_VALUES} values", "more")
        if not isinstance(value, Mapping):
            return [_copied(item, (*place, k), problems, seen) for k, item in enumerate(value)]
        problems += (
            Problem(place, "must have text for keys", key) for key in value if not isinstance(key, str)
        )
        for key, times in value.repeats.items() if isinstance(value, _Repeating) else ():
            problems.append(Problem((*place, key), f"must be given once; got it {times} times"))
        texts = ((key, item) for key, item in value.items() if isinstance(key, str))
        return {key: _copied(item, (*place, key), problems, seen) for key, item in texts}
    if isinstance(value, str):
        return str(value)
    if value is not None and not isinstance(value, bool | int | float):
        problems.append(Problem(place, "must be a JSON value", value))
        return None
    if isinstance(value, int) and value.bit_length() > MAX_DIGITS * math.log2(10):
        value = math.inf if value > 0 else -math.inf  # as if it had been read
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(Problem(place, "must be finite", value))
    return value


# ---- from a file -------------------------------------------------------------------------------------------


def found_file(source: object) -> Path:
    """The file that is meant: a path, or the bare name of a configuration that the package ships."""
    folder = resources.files("neuromod").joinpath("data")
    shipped = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    place = ("config_path",)
    if not isinstance(source, str | Path):
        raise Wrong([Problem(place, "must be a path or an object", source)])
    try:
        path = Path(source)
        if path.is_file():
            return path
    except (OSError, ValueError) as error:  # too long a name, for example
        raise Wrong([Problem(place, "must be a file", str(source), far=f" ({error})")]) from error
    if str(source) in shipped:
        return Path(str(folder.joinpath(str(source))))
    raise Wrong(
        [
            Problem(
                place, f"must be a file, or one that is shipped, {', '.join(shipped)}", str(source), shipped
            )
        ]
    )


def read_file(path: Path) -> tuple[Any, list[Problem]]:
    """The JSON value that a file holds, and its problems: keys that an object repeats; NaN and infinities.

    ConfigError, where the file cannot be read, is empty, is no UTF-8 or no JSON (with line and column), has more than
    MAX_BYTES, or is nested more than MAX_DEPTH deep.
    """
    name = shown(path.name)[1:-1]
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig") if len(data) <= MAX_BYTES else ""
    except OSError as error:
        raise _refused(name, "must be a readable file", error.strerror) from error
    except UnicodeDecodeError as error:
        byte = f"byte {data[error.start]:#04x} at position {error.start}"
        raise _refused(name, "must be UTF-8", byte) from error
    if len(data) > MAX_BYTES:
        raise _refused(name, f"must be at most {MAX_BYTES} bytes", "more")
    if not text.strip():
        raise _refused(name, "must be a JSON object", "an empty file")
    return _parsed(text, name)


def _habit(before: str, rest: str) -> str:
    """What is said of that which other languages allow where JSON has an error."""
    if rest.startswith(("//", "/*", "#")):
        return "; JSON has no comments"
    if rest.startswith(("}", "]")) and before.rstrip().endswith(","):
        return "; the comma before it is one too many"
    if rest.startswith("'"):
        return "; text and keys stand in double quotes"
    meant = {"True": "true", "False": "false", "None": "null"}
    word = next((word for word in meant if rest.startswith(word)), None)
    return f"; JSON writes {meant[word]}" if word else ""


def _parsed(text: str, name: str) -> tuple[Any, list[Problem]]:
    many_digits = _MANY_DIGITS.search(text) is not None
    suspicious = [many_digits, *(exponent.search(text) for exponent in _LARGE_EXPONENTS)]

    def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        suspicious.append(True)
        return _Repeating(pairs)

    def as_constant(literal: str) -> float:
        suspicious.append(True)
        return float(literal)

    def as_integer(
        digits: str,
    ) -> int | float:  # Python's own reader, the fast one, refuses more than 4300 digits
        return int(digits) if len(digits) <= MAX_DIGITS else float(digits)

    try:
        value = json.loads(
            text,
            object_pairs_hook=as_object,
            parse_constant=as_constant,
            parse_int=as_integer if many_digits else None,
        )
    except json.JSONDecodeError as error:
        rest = text[error.pos :].partition("\n")[0].rstrip()
        end = "the end of the line" if error.pos < len(text) else "the end of the file"
        came = shown(rest[:60]) if rest else end
        place = f"{name}, line {error.lineno}, column {error.colno}"
        raise _refused(
            place, f"must be JSON ({error.msg})", came + _habit(text[: error.pos], rest)
        ) from error
    except RecursionError:
        raise _refused(name, f"must be nested at most {MAX_DEPTH} deep", "far more") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        holders = (item for item in level if isinstance(item, dict | list))
        level = [
            item for holder in holders for item in (holder.values() if isinstance(holder, dict) else holder)
        ]
    if any(isinstance(item, dict | list) for item in level):
        raise _refused(name, f"must be nested at most {MAX_DEPTH} deep", "more")
    return plain_copy(value) if any(suspicious) else (value, [])
