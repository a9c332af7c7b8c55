"""Records that go to a file while a simulation runs: a log of blocks, each with a checksum, only ever appended to.

Layout, all numbers little-endian. The head is a block, too. A block is 48 bytes and the payload: the magic ``NMLG``
(``NMHD`` of the head, ``NMEN`` of the end), the number of the block (u32), the step up to which all channels are
complete (i64), the size of the payload (u64), 8 bytes of zeros, and BLAKE2b-128 over all of this and the payload. The
payload of the head is JSON. That of another block has, for each channel, the number of its rows (u64); then for each
channel the steps (i64) and the values, row by row.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod import atomic
from neuromod.errors import FileError
from neuromod.merging import merged_samples, merged_spikes
from neuromod.near_names import names_near
from neuromod.problems import NearAttributes, shown, unknown_name

__all__ = ["RecordLog", "read_log"]

Array = NDArray[Any]
FORMAT = 1

HEAD = struct.Struct("<4sIqQ8x16s")
_MAGIC = {b"NMHD", b"NMLG", b"NMEN"}
_DTYPES = {"<i8", "<f8", "<f4"}
_MOST_HEAD = 1 << 26
_LONGEST_STEP = 1e300  # ms
_RANK_LOG = re.compile(r"rank-(\d{5})\.log")
_SHARED = ("kind", "column", "dtype", "every", "variable", "asked")  # what ranks say alike of a channel


class _Block(NamedTuple):
    """A block of a file: where it stands, and what its head says."""

    start: int
    magic: bytes
    until: int
    payload: bytes

    @property
    def end(self) -> int:
        return self.start + HEAD.size + len(self.payload)


def packed(magic: bytes, number: int, until: int, payload: bytes) -> bytes:
    """The bytes of a block."""
    head = HEAD.pack(magic, number, until, len(payload), bytes(16))[:-16]
    return head + hashlib.blake2b(head + payload, digest_size=16).digest() + payload


# ---- reading ---------------------------------------------------------------------------------------------------


class RecordLog(Mapping[str, dict[str, Array]], NearAttributes):
    """Records of a log by channel: for spikes ``step``, ``id``, ``time``; for samples ``step``, ``value``, ``time``.

    `read_log` makes it.

    Parameters
    ----------
    channels : dict of str to dict of str to ndarray
    about : dict
        What each channel is: ``kind``, and for samples ``variable``, ``ids``.
    dt : float, ms
        Length of a step.
    until : float, ms
        The time up to which the channels are complete.
    is_complete : bool
        Whether the log was closed.
    lost_bytes : int
        Bytes at the end that are no whole block: what a kill cut.
    """

    def __init__(
        self,
        channels: dict[str, dict[str, Array]],
        about: dict[str, Any],
        dt: float,
        until: float,
        is_complete: bool,
        lost_bytes: int,
    ) -> None:
        self._channels, self.about, self.dt, self.until = channels, about, dt, until
        self.is_complete, self.lost_bytes = is_complete, lost_bytes

    def __getitem__(self, name: str) -> dict[str, Array]:
        if name not in self._channels:
            raise unknown_name("log", name, self._channels)
        return self._channels[name]

    def __contains__(self, name: object) -> bool:
        return name in self._channels  # without a search for near names

    def __iter__(self) -> Iterator[str]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name}: {len(each['step'])}" for name, each in self.items())
        return f"RecordLog({rows}, until={self.until:g} ms, is_complete={self.is_complete})"


@names_near
def read_log(path: str | PathLike[str]) -> RecordLog:
    """All whole blocks of a log, which may still be written to.

    Parameters
    ----------
    path : str or Path
        A file of `Simulation.streaming`, or the directory of `RankSimulation.streaming`.

    Returns
    -------
    RecordLog
        A mapping of channels to arrays, with the facts of the log as attributes. The last block of a run that was
        killed may be cut: then ``lost_bytes`` > 0. Of several ranks it has what all of them are complete up to.

    Raises
    ------
    FileError
        If the file is no log, is of a newer format, or a block before the last one is damaged.
    OSError
        If it cannot be read.
    TypeError, ValueError
        If it is no path.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, SpikeMonitor
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.05)
    >>> with sim.streaming("spikes.log", {"spikes": SpikeMonitor(sim)}, every=50.0):
    ...     run = sim.run(200)
    >>> log = read_log("spikes.log")
    >>> bool(len(log["spikes"]["id"]) == run["spike_counts"].sum()), log.until, log.is_complete
    (True, 200.0, True)
    """
    where = atomic.checked_path(path)
    return _of_ranks(where) if where.is_dir() else _of_file(where)[1]


def _of_file(path: Path) -> tuple[dict[str, Any], RecordLog]:
    """The head of a file, and its records."""
    atomic.check_is_plain(path)
    head, blocks, lost = scan(path)
    channels = _channels_of(path, head, blocks)
    dt, until = head["dt"], blocks[-1].until if blocks else head["first"]
    for each in channels.values():
        each["time"] = np.multiply(each["step"], dt, dtype=np.float64)
    closed = bool(blocks) and blocks[-1].magic == b"NMEN"
    about = {name: {k: v for k, v in one.items() if k != "name"} for name, one in head["channels"].items()}
    return head, RecordLog(channels, about, dt, until * dt, closed, lost)


def logs_of_ranks(directory: Path) -> list[tuple[int, Path]]:
    """(number, file) of the logs of ranks in a directory, ascending."""
    found = [(match, path) for path in directory.iterdir() if (match := _RANK_LOG.fullmatch(path.name))]
    return sorted((int(match[1]), path) for match, path in found)


def _of_ranks(directory: Path) -> RecordLog:
    """The logs of all ranks as one process would have written them."""
    files = [path for _, path in logs_of_ranks(directory)]
    if not files:
        raise error_of(directory, "must hold the logs of ranks, rank-<5 digits>.log; got none")
    heads, logs = zip(*map(_of_file, files), strict=True)
    told = [head.get("ranks") for head in heads]
    if told != [[k, len(files)] for k in range(len(files))]:
        rule = f"must be the logs of all ranks, 0 to {len(files) - 1} of {len(files)}"
        raise error_of(directory, f"{rule}; got {shown(told)}")
    first = logs[0]
    if any(list(log) != list(first) or log.dt != first.dt for log in logs):
        raise error_of(directory, "must be logs of the same channels and dt")
    until, about = min(log.until for log in logs), {}
    channels: dict[str, dict[str, Array]] = {}
    for name in first:
        parts, abouts = [log[name] for log in logs], [log.about[name] for log in logs]
        if not _are_of_one(parts, abouts):
            raise error_of(directory, f"channels[{name!r}]: must be of one run on all ranks")
        channels[name], about[name] = _merged(parts, abouts)
        kept = channels[name]["time"] <= until
        channels[name] = {what: array[kept] for what, array in channels[name].items()}
    complete, lost = all(log.is_complete for log in logs), sum(log.lost_bytes for log in logs)
    return RecordLog(channels, about, first.dt, until, complete, lost)


def _are_of_one(parts: Sequence[dict[str, Array]], abouts: Sequence[dict[str, Any]]) -> bool:
    """Whether ranks of one run can have recorded these."""
    told = [[*(about.get(what) for what in _SHARED), "ids" in about, "place" in about] for about in abouts]
    if any(each != told[0] for each in told):
        return False
    if "id" in parts[0]:
        return True
    n = min(len(part["step"]) for part in parts)
    if not all(np.array_equal(part["step"][:n], parts[0]["step"][:n]) for part in parts):
        return False
    if "place" in abouts[0]:
        return True
    if "ids" not in abouts[0]:
        return len({about["width"] for about in abouts}) == 1
    each = [set(about["ids"]) for about in abouts]
    have = set().union(*each)
    return sum(map(len, each)) == len(have) and set(abouts[0].get("asked", have)) <= have


def _merged(
    parts: Sequence[dict[str, Array]], abouts: Sequence[dict[str, Any]]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """One channel of all ranks, and what it is."""
    if "id" in parts[0]:
        step, number = merged_spikes([(part["step"], part["id"]) for part in parts])
        time = merged_spikes([(part["step"], part["time"]) for part in parts])[1]
        return {"step": step, "id": number, "time": time}, abouts[0]
    if "place" in abouts[0]:
        return _merged_synapses(parts, abouts)
    if "ids" not in abouts[0]:  # the same on every rank
        longest = max(parts, key=lambda part: len(part["step"]))
        return longest, abouts[0]
    ids = [np.array(about["ids"], np.int64) for about in abouts]
    asked = abouts[0].get("asked")
    wanted = np.sort(np.concatenate(ids)) if asked is None else np.array(asked, np.int64)
    n = min(len(part["step"]) for part in parts)
    values = merged_samples([part["value"][:n] for part in parts], ids, wanted)
    about = {what: value for what, value in abouts[0].items() if what != "asked"}
    about |= {"ids": wanted.tolist(), "width": len(wanted)}
    return {"step": parts[0]["step"][:n], "value": values, "time": parts[0]["time"][:n]}, about


def _merged_synapses(
    parts: Sequence[dict[str, Array]], abouts: Sequence[dict[str, Any]]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """A channel of synapses, each of which one rank has."""
    order = np.argsort(np.concatenate([np.array(one["place"], np.int64) for one in abouts]), kind="stable")
    n = min(len(part["step"]) for part in parts)
    values = np.concatenate([part["value"][:n] for part in parts], axis=1)[:, order]
    about = {what: value for what, value in abouts[0].items() if what != "place"} | {"width": len(order)}
    return {"step": parts[0]["step"][:n], "value": values, "time": parts[0]["time"][:n]}, about


def error_of(path: Any, problem: str) -> FileError:
    """The error that says what is wrong with the file."""
    return FileError([f"{path}: {problem}"])


def scan(path: Path) -> tuple[dict[str, Any], list[_Block], int]:
    """The content of the head, the other blocks, and the bytes behind the last whole one."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        first = _block(file, 0, 0, size)
        if first is None and is_begun(file, size):
            raise error_of(path, f"must have a head; its writer has not gone on so far; got {size} bytes")
        if first is None or first.magic != b"NMHD":
            file.seek(0)
            start = file.read(16)
            more = "; Simulation.load reads a file of save" if start.startswith(b"PK\x03\x04") else ""
            raise error_of(
                path, f"must be a log that streaming has written; it begins with {shown(start)}{more}"
            )
        head = _head(path, first.payload)
        blocks: list[_Block] = []
        at = first.end
        while (block := _block(file, at, len(blocks) + 1, size)) is not None:
            if block.until < (blocks[-1].until if blocks else head["first"]):
                raise error_of(path, f"byte {at}: must go on in time")
            blocks.append(block)
            at = block.end
        _check_tail(path, file, at, size)
    return head, blocks, size - at


def _block(file: Any, at: int, number: int, size: int) -> _Block | None:
    """The block that begins there; None where none does that is whole."""
    file.seek(at)
    start = file.read(HEAD.size)
    if len(start) < HEAD.size:
        return None
    magic, own, until, n, digest = HEAD.unpack(start)
    if magic not in _MAGIC or own != number or n > size - at - HEAD.size:
        return None
    payload = file.read(n)
    whole = hashlib.blake2b(start[:-16] + payload, digest_size=16).digest()
    return _Block(at, magic, until, payload) if whole == digest and len(payload) == n else None


def is_begun(file: Any, size: int) -> bool:
    """Whether the file is empty, or has the beginning of a head, as a kill leaves it."""
    file.seek(0)
    start = file.read(HEAD.size)
    if not start.startswith(b"NMHD") or len(start) < HEAD.size:
        return size == 0 or start.startswith(b"NMHD")
    n = HEAD.unpack(start)[3]
    return bool(size - HEAD.size < n <= _MOST_HEAD)


def _check_tail(path: Path, file: Any, at: int, size: int) -> None:
    """What follows the last whole block must be the beginning of one that was cut: nothing follows it."""
    file.seek(at)
    start = file.read(HEAD.size)
    if len(start) < HEAD.size or not any(start):
        return
    magic, _, _, n, _ = HEAD.unpack(start)
    if magic not in _MAGIC or at + HEAD.size + n < size:
        raise error_of(path, f"byte {at}: must be a block with its checksum; the file has been damaged")


def _head(path: Path, payload: bytes) -> dict[str, Any]:
    try:
        head = json.loads(payload)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or type(head.get("format")) is not int:
        raise error_of(path, "head: must be JSON with a format")
    if head["format"] > FORMAT:
        from neuromod import __version__

        rule = f"format: must be at most {FORMAT}, which neuromod {__version__} reads"
        raise error_of(
            path, f"{rule}; got {head['format']}, written by neuromod {shown(head.get('version'))}"
        )
    dt, first, channels = head.get("dt"), head.get("first"), head.get("channels")
    right = isinstance(dt, int | float) and 0.0 < dt <= _LONGEST_STEP and _is_whole(first)
    if not right or not isinstance(channels, dict):
        raise error_of(path, "head: must have dt, first and channels")
    for name, about in channels.items():
        if not isinstance(about, dict) or not _is_channel(about):
            raise error_of(
                path, f"head.channels[{shown(name)}]: must have dtype and width; got {shown(about)}"
            )
    return head


def _is_whole(value: Any) -> bool:
    """Whether it is a whole number of 64 bits."""
    return type(value) is int and -(2**63) <= value < 2**63


def _is_channel(about: Mapping[str, Any]) -> bool:
    """Whether a head can say this of a channel."""
    dtype, width, column = (about.get(what) for what in ("dtype", "width", "column"))
    if not isinstance(dtype, str) or dtype not in _DTYPES or column not in ("id", "value"):
        return False
    if type(width) is not int or not 0 <= width < 2**40 or (column == "id" and (dtype, width) != ("<i8", 1)):
        return False
    lists = {what: about[what] for what in ("ids", "asked", "place") if what in about}
    if any(type(each) is not list or not all(map(_is_whole, each)) for each in lists.values()):
        return False
    return all(len(each) == width for what, each in lists.items() if what != "asked")


def _channels_of(path: Any, head: Mapping[str, Any], blocks: list[_Block]) -> dict[str, dict[str, Array]]:
    parts: dict[str, list[tuple[Array, Array]]] = {
        name: [_rows(about, b"", 0)] for name, about in head["channels"].items()
    }
    for block in blocks:
        for name, rows in split(path, head, block).items():
            parts[name].append(rows)
    found = {}
    for name, about in head["channels"].items():
        step, value = (np.concatenate(each) for each in zip(*parts[name], strict=True))
        found[name] = {"step": step, about["column"]: value}
    return found


def split(path: Any, head: Mapping[str, Any], block: _Block) -> dict[str, tuple[Array, Array]]:
    """Steps and values of each channel in a block."""
    if block.magic == b"NMEN":
        return {}
    channels, found = head["channels"], {}
    at = 8 * len(channels)
    counts = struct.unpack(f"<{len(channels)}Q", block.payload[:at]) if len(block.payload) >= at else ()
    sizes = [n * (8 + _row(about)) for n, about in zip(counts, channels.values(), strict=False)]
    if len(counts) != len(channels) or at + sum(sizes) != len(block.payload):
        raise error_of(path, f"byte {block.start}: must have the rows that it counts")
    for (name, about), n, size in zip(channels.items(), counts, sizes, strict=True):
        found[name] = _rows(about, block.payload[at : at + size], n)
        at += size
    return found


def _row(about: Mapping[str, Any]) -> int:
    """Bytes of the values of one row."""
    return int(about["width"] * np.dtype(about["dtype"]).itemsize)


def _rows(about: Mapping[str, Any], data: bytes, n: int) -> tuple[Array, Array]:
    step = np.frombuffer(data, "<i8", n)
    value = np.frombuffer(data, about["dtype"], offset=8 * n)
    return step, value if about["column"] == "id" else value.reshape(n, about["width"])


def payload_of_head(path: Path) -> bytes:
    """The JSON of the head, as it is in the file."""
    with path.open("rb") as file:
        _, _, _, n, _ = HEAD.unpack(file.read(HEAD.size))
        return file.read(min(n, _MOST_HEAD))
