"""The file of a sweep: JSON lines, of which each has a checksum, and each row is written when its run has ended."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from neuromod.errors import ConfigError, say

__all__ = ["Rows", "identity"]

Line = dict[str, Any]
_FORM = 1


class Rows:
    """The rows of a sweep by the identity of their run, in memory and, where a file is given, on the disk.

    A line that was cut by a crash at the end of the file is removed. A line that does not fit its checksum is
    reported by a `NeuromodWarning`, and its run is done again.

    Parameters
    ----------
    path : str, Path or None
    head : mapping
        What the sweep is; a file with another one is refused.

    Raises
    ------
    ConfigError
        If the file holds something else, or another sweep writes to it. The file is not touched then.
    """

    def __init__(self, path: str | Path | None, head: Mapping[str, Any]) -> None:
        self.found: dict[str, Line] = {}
        self._file: BinaryIO | None = None
        if path is None:
            return
        self._where = Path(path)
        self._file = self._where.open("a+b")
        try:
            self._lock()
            self._read({"sweep": _FORM, **head})
        except BaseException:
            self._file.close()
            raise

    def _lock(self) -> None:
        """Held until the file is closed; only POSIX has such locks."""
        if os.name != "posix":
            return
        fcntl: Any = importlib.import_module("fcntl")
        assert self._file is not None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError([f"to: must be written by one sweep at a time; got {self._where}"]) from None

    def _read(self, head: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.seek(0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if not lines:
            if data and not data.startswith(b'{"sweep'):
                raise ConfigError([f"to: must be a file of a sweep, or none; got {self._where}"])
            self._file.truncate(0)
            self._write(dict(head))
            return
        there = _line(lines[0])
        if there is None or "sweep" not in there:
            raise ConfigError([f"to: must be a file of a sweep, or none; got {self._where}"])
        others = [key for key in {**there, **head} if there.get(key) != head.get(key)]
        if others:
            raise ConfigError(
                [
                    f"to: {self._where} is of another sweep: {key} must be {head.get(key)}; got {there.get(key)}"
                    for key in others
                ]
            )
        bad = 0
        for text in lines[1:]:
            row = _line(text)
            if row is None or "id" not in row:
                bad += 1
            else:
                self.found[row["id"]] = row
        if bad:
            say(f"{self._where}: {bad} of {len(lines)} lines are damaged; their runs are done again")
        self._file.truncate(len(whole))

    def add(self, row: Line) -> None:
        """Keep a row; it is in the file when this returns."""
        self.found[row["id"]] = row
        if self._file is not None:
            self._write(row)

    def _write(self, content: Line) -> None:
        assert self._file is not None
        self._file.write(_text({**content, "sum": _checksum(content)}) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Leave the file, its content flushed to the disk."""
        if self._file is None:
            return
        with contextlib.closing(self._file):
            os.fsync(self._file.fileno())


def identity(point: Mapping[str, Any], seed: int) -> str:
    """What tells a run from every other of its sweep."""
    text = json.dumps([point, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _text(content: Line) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _checksum(content: Line) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _line(text: bytes) -> Line | None:
    """The content of a line; None where it is damaged."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    told = content.pop("sum", None)
    return content if told == _checksum(content) else None
