"""Files that appear whole or not at all: a temporary file beside the target, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from neuromod.errors import printable

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: there are no such locks
    fcntl = None

__all__ = [
    "DISK",
    "Disk",
    "HeldDirectory",
    "alone_in",
    "checked_path",
    "held",
    "hold_directory",
    "let_go",
    "naming",
    "remove_strays",
    "remove_strays_of",
    "target_of",
    "whole_file",
]

_CHUNK = 1 << 24  # bytes of one call of write: Ctrl-C is served in between
_DAY = 86400.0  # seconds; where no lock tells, an older temporary file is a stray
_LONGEST = 255 - len(f"..{'0' * 16}.tmp")  # bytes of a name that a temporary file's name can begin with


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


def checked_path(path: Any) -> Path:
    """What a user has given as a path, as it is.

    Raises
    ------
    TypeError
        If it is no path.
    ValueError, FileNotFoundError
        If no file can have such a name, or it begins with a ``~`` that stands for no directory here.
    """
    given = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(given, str):
        raise TypeError(f"path: must be a str or Path; got {type(path).__name__}")
    if not given:
        raise ValueError("path: must not be empty; got ''")
    if "\0" in given:
        raise ValueError(f"path: must hold no null character; got {given!a}")
    try:
        os.fsencode(given)
    except UnicodeEncodeError as error:
        rule = f"must have characters that names of files can have here, in {error.encoding}"
        raise ValueError(f"path: {rule}; got {given!a}") from None
    first = Path(given).parts[0] if Path(given).parts else given
    if first.startswith("~") and not os.path.lexists(first):
        raise FileNotFoundError(
            f"path: must have the name of a directory in place of ~, as Path(path).expanduser() puts it there; "
            f"got {given!a}"
        )
    return Path(given)


def target_of(path: str | os.PathLike[str]) -> Path:
    """The file that a path stands for: links are followed, so that a link stays one.

    Raises
    ------
    TypeError, ValueError
        If it is no path.
    FileNotFoundError, IsADirectoryError, OSError
        If its directory does not exist, it is a directory itself, or it is a device, a pipe or a link to itself.
    """
    target = Path(os.path.realpath(checked_path(path)))
    name = printable(str(target))
    if target.is_dir():
        raise IsADirectoryError(f"{name}: must be a file; it is a directory")
    if not target.parent.is_dir():
        parent = printable(str(target.parent))
        raise FileNotFoundError(f"{name}: must be in a directory that exists; {parent} does not")
    if target.is_symlink():
        raise OSError(f"{name}: must lead to a file; it is a link that leads back to itself")
    check_is_plain(target)
    return target


def check_is_plain(path: Path) -> None:
    """A path that exists must be of a file: another would be replaced by one, or block the reader.

    Raises
    ------
    OSError
        If it is a device, a pipe or a socket.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{printable(str(path))}: must be a file; it is a device, a pipe or a socket")


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Callable[[Any], None]]:
    """``with whole_file(target) as write:`` a file that appears at the end of the block, with all that was written.

    If anything fails, the older file stays as it was and no temporary file is left. Temporary files that writers of
    the same target left when they were killed are removed first.
    """
    with naming(target), _beside(target) as write:
        yield write


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """An error of the disk names this file, where it names none or a temporary one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (error.filename is None or str(error.filename).endswith(".tmp")):
            error.filename = str(path)
            if error.filename2 is not None:
                del error.filename2  # of a rename
        raise


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Callable[[Any], None]]:
    """A temporary file that takes the place of the target at the end of the block."""
    remove_strays(target)
    disk = DISK
    temporary, handle = _temporary(target, disk)
    lock = handle
    try:
        try:
            lock = _second(handle)
            yield lambda data: write_all(disk, handle, data)
            disk.sync(handle)
        finally:
            disk.close(handle)
        _take_over_mode(target, temporary)
        disk.rename(temporary, str(target))
    except BaseException:
        disk.unlink(temporary)
        raise
    finally:
        if lock != handle:
            os.close(lock)
    disk.sync_directory(str(target.parent))


def write_all(disk: Disk, handle: int, data: Any) -> None:
    """Write all of the data, however little one call takes."""
    view = memoryview(data).cast("B")
    while len(view):
        view = view[disk.write(handle, view[:_CHUNK]) :]


def _take_over_mode(target: Path, temporary: str) -> None:
    """Who may read the older file may read the new one, and nobody else."""
    with contextlib.suppress(FileNotFoundError):  # there is no older file
        Path(temporary).chmod(stat.S_IMODE(target.stat().st_mode))


def _temporary(target: Path, disk: Disk) -> tuple[str, int]:
    """A new file beside the target, locked while it is written: a file without a lock is a stray."""
    while True:
        path = str(target.with_name(f".{_stem(target.name)}.{secrets.token_hex(8)}.tmp"))
        handle = disk.create(path)
        try:
            # Another writer may have taken it for a stray before it was locked.
            if _locked(handle) is not False and _is_there(path, handle):
                return path, handle
        except BaseException:
            disk.close(handle)
            disk.unlink(path)
            raise
        disk.close(handle)


def _second(handle: int) -> int:
    """Another handle of the file, which keeps it locked from its closing to its renaming; itself without locks."""
    return handle if fcntl is None else os.dup(handle)


def _stem(name: str) -> str:
    """What temporary files of a target are called by: its name, or for a long one its sum."""
    whole = os.fsencode(name)
    return name if len(whole) <= _LONGEST else hashlib.blake2b(whole, digest_size=16).hexdigest()


def _is_there(path: str, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))  # noqa: PTH116
    except FileNotFoundError:
        return False


def _locked(handle: int) -> bool | None:
    """Lock the file; False where another has locked it, None where there are no locks.

    The lock goes when the process ends, however it ends.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return None
    return True


def remove_strays(target: Path) -> int:
    """Remove temporary files that killed writers of the target have left; how many there were."""
    return remove_strays_of(target.parent, _literal(_stem(target.name)))


def remove_strays_of(directory: Path, pattern: str) -> int:
    """The same for all targets whose names match a pattern."""
    count = 0
    for path in directory.glob(f".{pattern}.{'[0-9a-f]' * 16}.tmp"):
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours
            count += _is_removed(path)
    return count


def _literal(name: str) -> str:
    """The name, as a pattern that matches it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_removed(path: Path) -> bool:
    """Remove a temporary file if it is a stray; whether it was."""
    if fcntl is None:
        if time.time() - path.stat().st_mtime <= _DAY:
            return False
        path.unlink()
        return True
    with path.open("rb") as file:
        if not _locked(file.fileno()):
            return False
        path.unlink()  # under the lock: its writer, if it has just made it, sees that it is taken, or gone
    return True


# ---- handles that one process at a time has ----------------------------------------------------------------------

_HELD: set[int] = set()


def held(handle: int) -> bool:
    """Lock an open file or directory until `let_go`; False where another writer has it.

    A process that is forked meanwhile has neither the lock nor the handle.
    """
    if _locked(handle) is False:
        return False
    _HELD.add(handle)
    return True


def let_go(handle: int) -> None:
    """Unlock and close what `held` has locked."""
    _HELD.discard(handle)
    if fcntl is not None:
        with contextlib.suppress(OSError):  # the file system has no locks
            fcntl.flock(handle, fcntl.LOCK_UN)
    DISK.close(handle)


def hold_directory(directory: Path) -> int:
    """Lock the checkpoints of a directory until `let_go`; the handle, or -1 where no directory can be locked.

    Raises
    ------
    BlockingIOError
        If another run has locked it.
    """
    if os.name != "posix":
        return -1
    handle = os.open(directory, os.O_RDONLY)
    if not held(handle):
        os.close(handle)
        name = printable(str(directory))
        raise BlockingIOError(f"{name}: must be of one run; another one writes checkpoints there")
    return handle


class HeldDirectory:
    """The lock of a directory of checkpoints, which one run at a time has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = self._process = -1

    @property
    def is_ours(self) -> bool:
        """Whether this process took it, and is not one that was forked meanwhile."""
        return os.getpid() == self._process

    def take(self) -> None:
        """Lock the directory.

        Raises
        ------
        BlockingIOError
            If another run has locked it.
        """
        self._process = os.getpid()
        self._handle = hold_directory(self.path)

    def renew(self, look: Callable[[], None]) -> None:
        """Make and lock the directory again, where somebody has removed it, or put another in its place.

        `look` is called under the new lock. If it raises, the lock is as it was, and the next call tries again.

        Raises
        ------
        BlockingIOError
            If another run has locked what is there now.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if self._handle < 0 or _is_there(str(self.path), self._handle):
            return
        handle = hold_directory(self.path)
        try:
            look()
        except BaseException:
            let_go(handle)
            raise
        let_go(self._handle)
        self._handle = handle

    def release(self) -> None:
        """Unlock it; a forked process has closed its handle already."""
        if self._handle >= 0 and self.is_ours:
            let_go(self._handle)
        self._handle = -1


@contextlib.contextmanager
def alone_in(directory: Path) -> Iterator[HeldDirectory]:
    """A block in which no other run writes checkpoints into the directory.

    Raises
    ------
    BlockingIOError
        If another run is in such a block.
    """
    lock = HeldDirectory(directory)
    lock.take()
    try:
        yield lock
    finally:
        lock.release()


def _close_in_child() -> None:
    for handle in _HELD:
        os.close(handle)
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
