"""The file format: a manifest and arrays in one uncompressed ``.npz``, of which every byte is known before it is read.

The first member, ``manifest.json``, says which arrays follow, with type, shape, CRC-32 and SHA-256 of each, and holds
everything else. From it the reader computes the size of the file and every byte between the arrays. A file that
differs is refused before memory is taken for it. `FORMAT` is the version of this layout.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.atomic import target_of, whole_file
from neuromod.errors import FileError
from neuromod.folding import Folder, unfolded
from neuromod.problems import shown

__all__ = ["FORMAT", "Saved", "read_archive", "write_archive"]

FORMAT = 2
"""Version of the layout. Every later version of the package reads this one and those before."""
Array = NDArray[np.generic]

_MANIFEST = "manifest.json"
_START = 30 + len(_MANIFEST)  # bytes of the first header and of the name in it
_SUM = len('{"sha256": "",\n') + 64  # bytes before those that the manifest's own sum is over
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}\.npy")
_DTYPE = re.compile(r"<[fiu][248]|\|[iu]1|\|b1")
_BIG = 0xFFFFFFFF  # sizes and positions from here on are in the fields of zip64
_MANY = 0xFFFF  # entries of the directory, likewise
_CHUNK = 1 << 20  # bytes, which stay in the cache
_MOST_AXES = 8


class Member(NamedTuple):
    """An array of the file, or its manifest: name, sum, size, and the bytes of the ``.npy`` header."""

    name: str
    crc32: int
    size: int
    header: bytes


class Saved(NamedTuple):
    """What a file holds."""

    kind: str
    version: str
    content: Any


# ---- writing ---------------------------------------------------------------------------------------------------


def write_archive(path: str | os.PathLike[str], kind: str, content: Any) -> Path:
    """Write nested mappings, sequences, arrays and scalars to a file, whole or not at all.

    Raises
    ------
    OSError
        If the disk refuses. An older file stays as it was.
    """
    target = target_of(path)
    from neuromod import __version__

    folder = Folder()
    tree = folder.folded(content)
    folder.pad()
    about, members = [], []
    for name, array in folder.arrays:
        crc, sha, header = 0, hashlib.sha256(), _npy_header(array.dtype.str, array.shape)
        crc = zlib.crc32(header)
        for chunk in _chunks(array):
            sha.update(chunk)
            crc = zlib.crc32(chunk, crc)
        known = {"name": name, "dtype": array.dtype.str, "shape": list(array.shape)}
        about.append({**known, "crc32": crc, "sha256": sha.hexdigest()})
        members.append(Member(name, crc, len(header) + array.nbytes, header))
    text = _manifest(
        {"format": FORMAT, "version": __version__, "kind": kind, "arrays": about, "content": tree}
    )
    layout = [Member(_MANIFEST, zlib.crc32(text), len(text), b""), *members]
    with whole_file(target) as write:
        write(_local_header(layout[0]) + text)
        for member, (_, array) in zip(members, folder.arrays, strict=True):
            write(_local_header(member) + member.header)
            for chunk in _chunks(array):
                write(chunk)
        write(_directory(layout))
    return target


def _manifest(content: Mapping[str, Any]) -> bytes:
    """JSON whose first line is the SHA-256 of the rest."""
    rest = json.dumps(content, separators=(",", ":"))[1:].encode()
    return b'{"sha256": "' + hashlib.sha256(rest).hexdigest().encode() + b'",\n' + rest


def _chunks(array: Array) -> Iterator[memoryview]:
    """The bytes of an array, each chunk until the next is asked for; a flat array need not be contiguous."""
    if array.size and array.flags.c_contiguous:
        whole = array.reshape(-1).view(np.uint8).data
        for first in range(0, len(whole), _CHUNK):
            yield whole[first : first + _CHUNK]
    elif array.size:
        chunk = np.empty(min(array.size, _CHUNK // array.itemsize), array.dtype)
        for first in range(0, len(array), len(chunk)):
            part = chunk[: len(array) - first]
            part[:] = array[first : first + len(chunk)]
            yield part.view(np.uint8).data


def _npy_header(dtype: str, shape: Sequence[int]) -> bytes:
    """The header of NumPy's format 1.0; the data begin at a multiple of 64 bytes."""
    shape_text = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape_text}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


# ---- the zip layout (PKWARE APPNOTE 6.3), stored members alone ---------------------------------------------------


def _local_header(member: Member) -> bytes:
    """What stands before a member's bytes."""
    big, name = member.size >= _BIG, member.name.encode()
    extra = struct.pack("<HHQQ", 1, 16, member.size, member.size) if big else b""
    size = _BIG if big else member.size
    fixed = struct.pack(
        *("<4sHHHHHIIIHH", b"PK\x03\x04", 45 if big else 20, 0, 0, 0, 0x21),
        *(member.crc32, size, size, len(name), len(extra)),
    )
    return fixed + name + extra


def _directory(members: Sequence[Member]) -> bytes:
    """What stands behind the last member: the entries of all members, and the end record."""
    entries, at = [], 0
    for member in members:
        entries.append(_entry(member, at))
        at += len(_local_header(member)) + member.size
    whole = b"".join(entries)
    count = len(members)
    end = b""
    if count >= _MANY or at >= _BIG or len(whole) >= _BIG:
        end = struct.pack(
            "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(whole), at
        ) + struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(whole), 1)
    few, size, first = min(count, _MANY), min(len(whole), _BIG), min(at, _BIG)
    return whole + end + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, few, few, size, first, 0)


def _entry(member: Member, at: int) -> bytes:
    name, big, far = member.name.encode(), member.size >= _BIG, at >= _BIG
    wide = ([member.size, member.size] if big else []) + ([at] if far else [])
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    size, version = _BIG if big else member.size, 45 if wide else 20
    fixed = struct.pack(
        *("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", version, version, 0, 0, 0, 0x21),
        *(member.crc32, size, size, len(name), len(extra), 0, 0, 0, 0, _BIG if far else at),
    )
    return fixed + name + extra


# ---- reading -----------------------------------------------------------------------------------------------------


_READERS = {
    "agent": "Agent.load reads it",
    "agents": "VectorAgent.load reads it",
    "simulation": "Simulation.load reads it",
    "model": "BrainModel.load reads it",
}


def read_archive(path: str | os.PathLike[str], kind: str) -> Saved:
    """What `write_archive` wrote, every byte of it checked.

    Parameters
    ----------
    kind : str
        What the file must hold.

    Raises
    ------
    FileError
        ``path: rule; what came``, where the file is none of this kind, of a newer format, cut, or changed.
    OSError
        If it cannot be read.
    """
    target = target_of(path)
    with target.open("rb", buffering=0) as file:
        reader = _Reader(target, file)
        manifest, text = reader.manifest()
        if manifest["kind"] != kind:
            more = _READERS.get(manifest["kind"])
            if (kind, manifest["kind"]) == ("model", "simulation"):
                more = "Simulation.load(path).model has it"
            hint = f"; {more}" if more else ""
            raise reader.error(f"kind: must be {kind!r}; got {shown(manifest['kind'])}{hint}")
        arrays = reader.arrays(manifest["arrays"], text)
        try:
            content = unfolded(manifest["content"], arrays, reader.size)
        except ValueError as error:
            raise reader.error(f"{_MANIFEST}: {error}") from None
    return Saved(kind, manifest["version"], content)


class _Reader:
    """A file that is read from its first byte to its last."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self.file = path, file
        self.size = os.fstat(file.fileno()).st_size

    def error(self, problem: str) -> FileError:
        """The file breaks a rule."""
        return FileError([f"{self.path}: {problem}"])

    def manifest(self) -> tuple[dict[str, Any], bytes]:
        """The manifest, whose sum and form are right, and its bytes."""
        start = self._read(min(_START, self.size))
        signature, name = b"PK\x03\x04", _MANIFEST.encode()
        if not (start and signature.startswith(start[:4]) and name.startswith(start[30:])):
            what = f"begins with {shown(bytes(start[:16]))}" if start else "has 0 bytes"
            more = "; read_log reads it" if start[:4] == b"NMHD" else ""
            raise self.error(
                f"must be a file that save has written; it is no file of neuromod's, it {what}{more}"
            )
        if len(start) < _START:
            raise self.error(f"must have {_START} bytes or more; the file is cut, at {self.size} bytes")
        length = struct.unpack("<I", start[22:26])[0]
        if length < _SUM or len(start) + length > self.size:
            raise self.error(
                f"{_MANIFEST}: must lie within the file of {self.size} bytes; got {length} bytes"
            )
        text = self._read(length)
        try:
            found = json.loads(text.decode())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self.error(f"{_MANIFEST}: must be a JSON object; the file has been changed or damaged")
        self._check_version(found)
        if found.get("sha256") != hashlib.sha256(text[_SUM:]).hexdigest() or not text.startswith(
            b'{"sha256": "'
        ):
            raise self.error(
                f"{_MANIFEST}: must have its SHA-256; the file has been changed or damaged since"
            )
        if set(found) != {"sha256", "format", "version", "kind", "arrays", "content"}:
            raise self.error(f"{_MANIFEST}: must have other keys; got {shown(list(found))}")
        if not isinstance(found["kind"], str) or not isinstance(found["version"], str):
            raise self.error(f"{_MANIFEST}: must name kind and version; got {shown(found['kind'])}")
        if start != _local_header(Member(_MANIFEST, zlib.crc32(text), len(text), b"")):
            raise self.error(
                f"{_MANIFEST}: must have the header of a stored member; the file has been changed"
            )
        return found, text

    def _check_version(self, found: Mapping[str, Any]) -> None:
        number = found.get("format")
        if type(number) is not int or number < 1:
            raise self.error(f"{_MANIFEST}.format: must be a version of the format; got {shown(number)}")
        if number > FORMAT:
            from neuromod import __version__

            by = shown(found.get("version"))
            raise self.error(
                f"format: must be at most {FORMAT}, which neuromod {__version__} reads; got {number}, written by "
                f"neuromod {by}; a later version of neuromod reads it"
            )

    def arrays(self, about: Any, text: bytes) -> list[Array]:
        """All arrays; memory is taken only for a file that has the size that its manifest says."""
        if not isinstance(about, list):
            raise self.error(f"{_MANIFEST}.arrays: must be a list; got {shown(about)}")
        members = [self._member(k, each) for k, each in enumerate(about)]
        if len({member.name for member, _ in members}) != len(members):
            raise self.error(f"{_MANIFEST}.arrays: must have different names")
        layout = [Member(_MANIFEST, zlib.crc32(text), len(text), b""), *(member for member, _ in members)]
        directory = _directory(layout)
        size = sum(len(_local_header(member)) + member.size for member in layout) + len(directory)
        if size != self.size:
            raise self.error(f"must have {size} bytes, as its manifest says; got {self.size}")
        found = [self._array(member, one) for member, one in members]
        if self._read(len(directory)) != directory:
            raise self.error("directory: must be that of the manifest; the file has been changed or damaged")
        return found

    def _member(self, k: int, about: Any) -> tuple[Member, Mapping[str, Any]]:
        """A member, by what the manifest says of it."""
        where = f"{_MANIFEST}.arrays[{k}]"
        if not isinstance(about, dict) or set(about) != {"name", "dtype", "shape", "crc32", "sha256"}:
            raise self.error(f"{where}: must have name, dtype, shape, crc32 and sha256; got {shown(about)}")
        name, dtype, shape, crc = (about[key] for key in ("name", "dtype", "shape", "crc32"))
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("."):
            raise self.error(f"{where}.name: must be a plain name that ends in .npy; got {shown(name)}")
        if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype) or dtype in ("<f2", "<f1"):
            raise self.error(f"{where}.dtype: must be that of numbers; got {shown(dtype)}")
        if (
            not isinstance(shape, list)
            or len(shape) > _MOST_AXES
            or not all(type(n) is int and 0 <= n < 2**62 for n in shape)
        ):
            raise self.error(f"{where}.shape: must be a list of whole numbers; got {shown(shape)}")
        if type(crc) is not int or not 0 <= crc <= _BIG:
            raise self.error(f"{where}.crc32: must be a whole number of 32 bits; got {shown(crc)}")
        header = _npy_header(dtype, shape)
        size = len(header) + math.prod(shape) * np.dtype(dtype).itemsize
        if size > self.size:
            raise self.error(f"{where}: must lie within the file of {self.size} bytes; got {size} bytes")
        return Member(name, crc, size, header), about

    def _array(self, member: Member, about: Mapping[str, Any]) -> Array:
        before = _local_header(member) + member.header
        if self._read(len(before)) != before:
            raise self.error(
                f"{member.name}: must have the header that the manifest says; the file has been changed"
            )
        array: Array = np.empty(about["shape"], about["dtype"])
        sha = hashlib.sha256()
        for chunk in _chunks(array):
            self._fill(chunk)
            sha.update(chunk)
        if sha.hexdigest() != about["sha256"]:
            raise self.error(
                f"{member.name}: must have its SHA-256; the file has been changed or damaged since"
            )
        return array

    def _read(self, n: int) -> bytes:
        """The next n bytes, which the file had when it was opened; fewer are an error."""
        found = bytearray(n)
        self._fill(memoryview(found))
        return bytes(found)

    def _fill(self, view: memoryview) -> None:
        while len(view):
            n = self.file.readinto(view)  # type: ignore[attr-defined]
            if not n:
                raise self.error(
                    f"must not end before its last member; the file is cut, at {self.size} bytes"
                )
            view = view[n:]
