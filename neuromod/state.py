"""State as nested mappings of arrays: its digest, its form in JSON, and the way to read what was saved with checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.errors import ConfigError
from neuromod.problems import join, shown

__all__ = [
    "SavedPart",
    "check_seal",
    "digest_of",
    "pack",
    "packed_key",
    "same_content",
    "sealed",
    "unpack",
    "unpacked",
    "unpacked_key",
]

_DEEPEST = 100
"""Levels of nesting of a state; a saved one has about ten."""
_DTYPES = {"f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1"}
_RESERVED = {"dtype", "shape", "values"}
_CHANGED = "must be the SHA-256 of the state; the state has been changed or damaged since it was saved"


# ---- the digest ------------------------------------------------------------------------------------------------


def _leaves(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        raise ConfigError([f"state: must not be nested more than {_DEEPEST} deep"])
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            name = str(key).replace("/", "\\/")  # a name with a slash is not a path
            yield from _leaves(value[key], f"{path}/{name}", depth + 1)
    elif isinstance(value, list | tuple):
        yield f"{path}#", len(value)
        for k, item in enumerate(value):
            yield from _leaves(item, f"{path}/{k}", depth + 1)
    else:
        yield path, value


def _array_bytes(array: NDArray[Any]) -> bytes:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    if (
        little.dtype.kind == "f" and np.isnan(little).any()
    ):  # NaN has many bit patterns, of which JSON keeps one
        little = np.where(np.isnan(little), little.dtype.type(np.nan), little)
    return f"{little.dtype.str}{little.shape}".encode() + little.tobytes()


def _scalar_bytes(value: Any) -> bytes:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, int) and plain.bit_length() > 256:
        return hex(plain).encode()
    return repr(plain).encode("utf-8", "backslashreplace")


def digest_of(state: Mapping[str, Any]) -> str:
    """SHA-256 of nested mappings, sequences, arrays and scalars; arrays count as little-endian bytes.

    Parameters
    ----------
    state : mapping

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    ConfigError
        If it is nested more than 100 deep.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2.0}) == digest_of({"b": 2.0, "a": 1})
    True
    """
    import hashlib  # it loads a library: 4 ms

    sha = hashlib.sha256()
    for path, value in _leaves(state, ""):
        sha.update(path.encode("utf-8", "surrogatepass") + b"\0")
        sha.update(_array_bytes(value) if isinstance(value, np.ndarray) else _scalar_bytes(value))
        sha.update(b"\0")
    return sha.hexdigest()


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with ``version``, that of the package, and ``sha256``, over the content and the version."""
    from neuromod import __version__

    whole = {**content, "version": __version__}
    return {**whole, "sha256": digest_of(whole)}


def check_seal(content: Mapping[str, Any], version: Any, sha256: Any, where: str = "state") -> None:
    """Refuse a content that is not the one that was `sealed`. Neither version nor sum: a state from before there were.

    Raises
    ------
    ConfigError
        If the sum is missing or another. One sentence.
    """
    if version is None and sha256 is None:
        return
    if not isinstance(version, str):
        raise ConfigError([f"{where}.version: must be that of a package; got {shown(version)}"])
    if not isinstance(sha256, str):
        raise ConfigError([f"{where}.sha256: is required where there is a version; got {shown(sha256)}"])
    if digest_of({**content, "version": version}) != sha256:
        raise ConfigError([f"{where}.sha256: {_CHANGED}"])


# ---- the form in JSON ------------------------------------------------------------------------------------------


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("|", "\\|")


def packed_key(key: Any) -> str:
    """A key, which may be a tuple of names, as one text."""
    if isinstance(key, tuple):
        return "|".join(map(_escaped, key))
    return "\\" + key if key in _RESERVED else _escaped(key)


def _parts(key: str) -> list[str]:
    """The names in a packed key: parted by bars, but not by those behind a backslash."""
    parts, escaped = [""], False
    for letter in key:
        if letter == "|" and not escaped:
            parts.append("")
        elif letter != "\\" or escaped:
            parts[-1] += letter
        escaped = letter == "\\" and not escaped
    return parts


def unpacked_key(text: str) -> Any:
    """The key that `packed_key` was given."""
    parts = _parts(text)
    return parts[0] if len(parts) == 1 else tuple(parts)


def pack(value: Any) -> Any:
    """The same with arrays as ``{"dtype", "shape", "values"}`` and pairs as lists, which ``json`` can write.

    Keys that are tuples become strings with ``|`` between their parts; a ``|`` or backslash of a name has a backslash
    before it. float32 and float64 values survive exactly: Python writes the shortest text that reads back as the same
    bits.

    Parameters
    ----------
    value : object
        Nested mappings, sequences, arrays and scalars.

    Returns
    -------
    object

    Examples
    --------
    >>> pack({"a": np.arange(2)})
    {'a': {'dtype': '<i8', 'shape': [2], 'values': [0, 1]}}
    """
    if isinstance(value, np.ndarray):
        values = [None if v == -np.inf else v for v in value.ravel().tolist()]
        return {"dtype": value.dtype.str, "shape": list(value.shape), "values": values}
    if isinstance(value, Mapping):
        return {packed_key(k): pack(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [pack(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def unpacked(value: Any, where: str, owner: Mapping[str, Any], path: str = "state") -> Any:
    """The content of a saved state, `owner`, which stands at `path`; one sentence where a sealed one is damaged."""
    try:
        return unpack(value, where, escapes="version" in owner)
    except ConfigError:
        if "sha256" in owner:
            raise ConfigError([f"{path}.sha256: {_CHANGED}"]) from None
        raise


def unpack(value: Any, where: str = "state", escapes: bool = True) -> Any:
    """What `pack` was given, checked as far as that is possible without knowing what it is.

    Parameters
    ----------
    value : object
        From `pack`, or read from JSON that it was written to.
    where : str, default "state"
        What messages call it.
    escapes : bool, default True
        False: as written before names could hold a bar.

    Returns
    -------
    object

    Raises
    ------
    ConfigError
        With every array that has another type, shape or values than it says.

    Examples
    --------
    >>> unpack(pack({"a": np.arange(2)}))["a"].tolist()
    [0, 1]
    """
    problems: list[str] = []
    found = _unpacked(value, where, escapes, problems, 0)
    if problems:
        raise ConfigError(problems)
    return found


def _unpacked(value: Any, where: str, escapes: bool, problems: list[str], depth: int) -> Any:
    if depth > _DEEPEST:
        problems.append(f"{where[:60]}: must not be nested more than {_DEEPEST} deep")
        return None
    if isinstance(value, Mapping):
        if set(value) == _RESERVED:
            return _array(value, where, problems)
        return _unpacked_mapping(value, where, escapes, problems, depth)
    if isinstance(value, list | tuple):
        return [_unpacked(v, join(where, k), escapes, problems, depth + 1) for k, v in enumerate(value)]
    return value


def _unpacked_mapping(
    value: Mapping[Any, Any], where: str, escapes: bool, problems: list[str], depth: int
) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, inner in value.items():
        if not isinstance(key, str):
            problems.append(f"{where}: keys must be text; got {shown(key)}")
            continue
        parts = _parts(key) if escapes else key.split("|")
        name = parts[0] if len(parts) == 1 else tuple(parts)
        found[name] = _unpacked(inner, join(where, *parts), escapes, problems, depth + 1)
    return found


def _array(saved: Mapping[str, Any], where: str, problems: list[str]) -> NDArray[Any] | None:
    """The array, or None and what is wrong with it."""
    text, shape, values = saved["dtype"], saved["shape"], saved["values"]
    if not (isinstance(text, str) and text[:1] in {"<", ">", "|"} and text[1:] in _DTYPES):
        problems.append(f"{where}.dtype: must be that of numbers; got {shown(text)}")
    elif not isinstance(values, list | tuple) or not _fits(shape, len(values)):
        problems.append(f"{where}.shape: must be that of the values; got {shown(shape)}")
    else:
        array = _numbers(np.dtype(text), values)
        if array is not None:
            return array.reshape(tuple(shape))
        problems.append(f"{where}.values: must be numbers of type {text}; got {shown(values)}")
    return None


def _fits(shape: Any, n: int) -> bool:
    if not isinstance(shape, list | tuple) or len(shape) > 4 or not all(type(k) is int for k in shape):
        return False
    size = 1
    for k in shape:
        size *= k
    return size == n and all(0 <= k <= 2**40 for k in shape)


def _numbers(dtype: np.dtype[Any], values: Sequence[Any]) -> NDArray[Any] | None:
    """The values as an array of that type; None where one does not fit."""
    kinds = set(map(type, values))
    try:
        if dtype.kind == "f" and kinds <= {float, int, type(None)}:
            wide = np.array([-np.inf if v is None else v for v in values], np.float64)
            with np.errstate(over="ignore"):
                array = wide.astype(dtype)
            return array if np.array_equal(np.isinf(array), np.isinf(wide)) else None
        if dtype.kind == "b" and kinds <= {bool}:
            return np.array(values, dtype)
        if dtype.kind in "iu" and kinds <= {int}:
            limits = np.iinfo(dtype)
            inside = not values or limits.min <= min(values) <= max(values) <= limits.max
            return np.array(values, dtype) if inside else None
    except OverflowError:  # an integer that is no double
        return None
    return None


# ---- reading what was saved ------------------------------------------------------------------------------------


class SavedPart:
    """A mapping of a saved state, of which each field is read with its check; what is wrong is collected.

    A method returns None where it has found something wrong, so that all of a part can be looked at before
    `finish` raises.
    """

    def __init__(self, value: Any, where: str, problems: list[str] | None = None) -> None:
        self.where = where
        self.problems: list[str] = [] if problems is None else problems
        self.is_there = isinstance(value, Mapping)
        self.value: Mapping[Any, Any] = value if self.is_there else {}
        if not self.is_there:
            self.problems.append(f"{where}: must be a mapping; got {shown(value)}")

    def finish(self) -> None:
        """Raise ConfigError with all that was found."""
        if self.problems:
            raise ConfigError(self.problems)

    def at(self, name: Any) -> str:
        """The path of a field."""
        return join(self.where, *map(str, name)) if isinstance(name, tuple) else join(self.where, str(name))

    def wrong(self, name: Any, rule: str, came: Any = None) -> None:
        """Note that a field breaks a rule."""
        self.problems.append(f"{self.at(name)}: {rule}; got {shown(came)}")

    def has(self, *names: Any) -> bool:
        """Note each of the names that is missing; True where none is."""
        missing = [name for name in names if name not in self.value]
        if self.is_there:
            self.problems += [f"{self.at(name)}: is required" for name in missing]
        return not missing and self.is_there

    def only(self, *names: Any) -> None:
        """Note each field that has another name."""
        unknown = [key for key in self.value if key not in names]
        self.problems += [f"{self.at(key)}: unknown key" for key in unknown]

    def part(self, name: Any) -> SavedPart:
        """The mapping of that name."""
        if not self.has(name):
            return SavedPart({}, self.at(name), [])
        return SavedPart(self.value[name], self.at(name), self.problems)

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number from least to most."""
        if not self.has(name):
            return None
        value = self.value[name]
        if isinstance(value, np.integer):
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            self.wrong(name, f"must be a whole number from {least} to {most}", value)
            return None
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number from least to most."""
        if not self.has(name):
            return None
        value = self.value[name]
        if type(value) not in (int, float) or not least <= value <= most:
            self.wrong(name, f"must be a number from {least:g} to {most:g}", value)
            return None
        return float(value)

    def choice(self, name: str, known: Sequence[str]) -> str | None:
        """One of the known words."""
        if not self.has(name):
            return None
        value = self.value[name]
        if not isinstance(value, str) or value not in known:
            self.wrong(name, f"must be one of {', '.join(known)}", value)
            return None
        return value

    def array(
        self,
        name: str,
        dtype: str,
        shape: tuple[int | None, ...],
        least: float | None = None,
        most: float | None = None,
    ) -> NDArray[Any] | None:
        """An array of that type and shape (None: any length), with whole numbers from least to most.

        In the machine's own byte order, writeable or not as it came.
        """
        if not self.has(name):
            return None
        value = self.value[name]
        if not isinstance(value, np.ndarray) or value.dtype.str[1:] != dtype:
            self.wrong(name, f"must be an array of type {dtype}", value)
        elif len(value.shape) != len(shape) or any(
            want is not None and want != has for want, has in zip(shape, value.shape, strict=True)
        ):
            self.wrong(name, f"must have the shape {_shape_words(shape)}", value.shape)
        elif value.size and (
            (least is not None and value.min() < least) or (most is not None and value.max() > most)
        ):
            self.wrong(name, f"must be from {least} to {most}", [value.min().item(), value.max().item()])
        else:
            return np.ascontiguousarray(value, np.dtype(dtype))
        return None


def _shape_words(shape: tuple[int | None, ...]) -> str:
    words = ", ".join("any" if k is None else str(k) for k in shape)
    return f"({words},)" if len(shape) == 1 else f"({words})"


def same_content(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays hold the same, NaN included."""
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
