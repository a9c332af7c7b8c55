"""Files that appear whole or not at all: a temporary file beside the target, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: there are no such locks
    fcntl = None

__all__ = ["DISK", "Disk", "remove_strays", "remove_strays_of", "target_of", "whole_file"]

_CHUNK = 1 << 24  # bytes of one call of write: Ctrl-C is served in between
_DAY = 86400.0  # seconds; where no lock tells, an older temporary file is a stray


class Disk:
    """The calls that writing a file consists of. Tests put one in its place whose calls fail."""

    def create(self, path: str) -> int:
        """A new file, open for writing."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.open(path, flags, 0o666)

    def open_to_append(self, path: str) -> int:
        """A file, made where there is none, open for writing at its end."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)

    def write(self, handle: int, data: Any) -> int:
        """Write some of the data; the number of bytes that were written."""
        return os.write(handle, data)

    def truncate(self, handle: int, size: int) -> None:
        """Cut the file off."""
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        """Flush the file to the disk."""
        os.fsync(handle)

    def close(self, handle: int) -> None:
        """Close the file."""
        os.close(handle)

    def rename(self, old: str, new: str) -> None:
        """Put the file in the place of another."""
        os.replace(old, new)  # noqa: PTH105

    def unlink(self, path: str) -> None:
        """Remove the file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108

    def sync_directory(self, path: str) -> None:
        """Make a rename last; only POSIX lets a directory be flushed."""
        if os.name != "posix":
            return
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


DISK = Disk()


def target_of(path: str | os.PathLike[str]) -> Path:
    """The file that a path stands for: links are followed, so that a link stays one.

    Raises
    ------
    TypeError
        If it is no path.
    FileNotFoundError, IsADirectoryError, FileExistsError
        If its directory does not exist, it is a directory itself, or it is a device, a pipe or a socket.
    """
    if not isinstance(path, str | os.PathLike) or isinstance(path, bytes):
        raise TypeError(f"path: must be a str or Path; got {type(path).__name__}")
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{target}: must be a file; it is a directory")
    if target.exists() and not target.is_file():
        raise FileExistsError(f"{target}: must be an ordinary file; it is a device, a pipe or a socket")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: must be in a directory that exists; {target.parent} does not")
    return target


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Callable[[Any], None]]:
    """``with whole_file(target) as write:`` a file that appears at the end of the block, with all that was written.

    If anything fails, the older file stays as it was and no temporary file is left. Temporary files that writers of
    the same target left when they were killed are removed first.
    """
    remove_strays(target)
    disk = DISK
    temporary, handle = _temporary(target, disk)
    try:
        try:
            yield lambda data: write_all(disk, handle, data)
            disk.sync(handle)
        finally:
            disk.close(handle)
        disk.rename(temporary, str(target))
    except BaseException:
        disk.unlink(temporary)
        raise
    disk.sync_directory(str(target.parent))


def write_all(disk: Disk, handle: int, data: Any) -> None:
    """Write all of the data, however little one call takes."""
    view = memoryview(data).cast("B")
    while len(view):
        view = view[disk.write(handle, view[:_CHUNK]) :]


def _temporary(target: Path, disk: Disk) -> tuple[str, int]:
    """A new file beside the target, locked while it is written: a file without a lock is a stray."""
    while True:
        name = f".{target.name}.{secrets.token_hex(8)}.tmp"
        path = str(target.with_name(name))
        handle = disk.create(path)
        try:
            _lock(handle)
            if _is_there(path, handle):  # another writer may have taken it for a stray meanwhile
                return path, handle
        except BaseException:
            disk.close(handle)
            disk.unlink(path)
            raise
        disk.close(handle)


def _is_there(path: str, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))  # noqa: PTH116
    except FileNotFoundError:
        return False


def _lock(handle: int) -> bool:
    """Lock the file, if nobody else has; the lock goes when the process ends, however it ends."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another process has it, or the file system has no locks
        return False
    return True


def remove_strays(target: Path) -> int:
    """Remove temporary files that killed writers of the target have left; how many there were."""
    return remove_strays_of(target.parent, _literal(target.name))


def remove_strays_of(directory: Path, pattern: str) -> int:
    """The same for all targets whose names match a pattern."""
    count = 0
    for path in directory.glob(f".{pattern}.{'[0-9a-f]' * 16}.tmp"):
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours
            if _is_stray(path):
                path.unlink()
                count += 1
    return count


def _literal(name: str) -> str:
    """The name, as a pattern that matches it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_stray(path: Path) -> bool:
    if fcntl is None:
        return time.time() - path.stat().st_mtime > _DAY
    with path.open("rb") as file:
        return _lock(file.fileno())
