"""A disk that records the calls of a writer, and all that a power failure may leave of them.

What a file system promises (POSIX, and ext4 as it is mounted by default, are no weaker): `sync` makes the bytes of its
file last, `sync_directory` the names in its directory. Of all else that was done before the failure, anything may be
lost: any of the creations, renames and removals of names; any of the writes, a part of one, with zeros in the place of
what is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from neuromod import atomic


class Call(NamedTuple):
    """One call: its kind, the number of the file that it acts on, and the rest."""

    kind: str
    file: int
    what: Any = None


class Recording(atomic.Disk):
    """Does what the disk does, and keeps the calls. `mark` notes that something was promised to the user."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._open: dict[int, tuple[int, int]] = {}  # handle -> number of the file, position
        self._files = itertools.count()
        self._names: dict[str, int] = {}

    def mark(self, promise: Any) -> None:
        """From here on the user may rely on the promise."""
        self.calls.append(Call("mark", -1, promise))

    def create(self, path: str) -> int:
        handle = super().create(path)
        self._is_new(handle, path)
        return handle

    def open_to_append(self, path: str) -> int:
        handle = super().open_to_append(path)
        if path in self._names:
            self._open[handle] = self._names[path], Path(path).stat().st_size
        else:
            self._is_new(handle, path)
        return handle

    def _is_new(self, handle: int, path: str) -> None:
        number = self._names[path] = next(self._files)
        self._open[handle] = number, 0
        self.calls.append(Call("link", number, path))

    def write(self, handle: int, data: Any) -> int:
        n = super().write(handle, data)
        number, at = self._open[handle]
        self.calls.append(Call("write", number, (at, bytes(data[:n]))))
        self._open[handle] = number, at + n
        return n

    def truncate(self, handle: int, size: int) -> None:
        super().truncate(handle, size)
        number, _ = self._open[handle]
        self.calls.append(Call("truncate", number, size))
        self._open[handle] = number, size

    def sync(self, handle: int) -> None:
        super().sync(handle)
        self.calls.append(Call("sync", self._open[handle][0]))

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        number = self._names[new] = self._names.pop(old)
        self.calls.append(Call("rename", number, (old, new)))

    def unlink(self, path: str) -> None:
        super().unlink(path)
        if path in self._names:
            self.calls.append(Call("unlink", self._names.pop(path), path))

    def sync_directory(self, path: str) -> None:
        super().sync_directory(path)
        self.calls.append(Call("sync_directory", -1, path))


Contents = dict[int, bytes]
Names = dict[str, int]


def _with_names(names: Names, calls: list[Call]) -> Names:
    found = dict(names)
    for call in calls:
        if call.kind == "link":
            found[call.what] = call.file
        elif call.kind == "unlink":
            found.pop(call.what, None)
        else:
            found.pop(call.what[0], None)
            found[call.what[1]] = call.file
    return found


def _with_bytes(content: bytes, calls: list[Call]) -> bytes:
    data = bytearray(content)
    for call in calls:
        if call.kind == "truncate":
            del data[call.what :]
            continue
        at, new = call.what
        data.extend(bytes(max(0, at + len(new) - len(data))))
        data[at : at + len(new)] = new
    return bytes(data)


def _left_of(content: bytes, calls: list[Call]) -> Iterator[bytes]:
    """What may be left of a file: all, nothing, a prefix of the calls, all but one, half of the last one.

    Of many calls some prefixes and some omissions.
    """
    yield _with_bytes(content, calls)
    if not calls:
        return
    step = 1 + len(calls) // 6
    for n in range(0, len(calls), step):
        yield _with_bytes(content, calls[:n])
    for n in range(0, len(calls) - 1, step):
        yield _with_bytes(content, [*calls[:n], *calls[n + 1 :]])
    if calls[-1].kind == "write":
        at, data = calls[-1].what
        half = calls[-1]._replace(what=(at, data[: len(data) // 2]))
        yield _with_bytes(content, [*calls[:-1], half])
        zeros = calls[-1]._replace(what=(at, bytes(len(data))))
        yield _with_bytes(content, [*calls[:-1], zeros])


def states(calls: list[Call], first: int = 0) -> Iterator[tuple[Any, dict[str, bytes]]]:
    """(the newest promise, the files) of each state that a power failure may leave after `first` calls or later.

    Files differ one at a time from what was written, names in every subset.
    """
    seen: set[tuple[Any, ...]] = set()
    for end in range(first, len(calls) + 1):
        promise, contents, names = None, dict[int, bytes](), dict[str, int]()
        waiting: dict[int, list[Call]] = {}
        waiting_names: list[Call] = []
        for call in calls[:end]:
            if call.kind == "mark":
                promise = call.what
            elif call.kind in ("write", "truncate"):
                waiting.setdefault(call.file, []).append(call)
            elif call.kind == "sync":
                contents[call.file] = _with_bytes(contents.get(call.file, b""), waiting.pop(call.file, []))
            elif call.kind == "sync_directory":
                names, waiting_names = _with_names(names, waiting_names), []
            else:
                waiting_names.append(call)
        whole = {file: _with_bytes(contents.get(file, b""), each) for file, each in waiting.items()}
        for kept in itertools.product([False, True], repeat=len(waiting_names)):
            chosen = [call for call, keep in zip(waiting_names, kept, strict=True) if keep]
            there = _with_names(names, chosen)
            for spoilt in [None, *(file for file in there.values() if file in waiting)]:
                left = [None] if spoilt is None else _left_of(contents.get(spoilt, b""), waiting[spoilt])
                for data in left:
                    known = {**contents, **whole, **({} if spoilt is None else {spoilt: data})}
                    files = {path: known.get(file, b"") for path, file in there.items()}
                    key = promise, *sorted((path, hash(content)) for path, content in files.items())
                    if key not in seen:
                        seen.add(key)
                        yield promise, files


def put(files: dict[str, bytes], directory: Path) -> None:
    """The files in place of those of the directory."""
    for path in directory.iterdir():
        path.unlink()
    for name, content in files.items():
        Path(name).write_bytes(content)
