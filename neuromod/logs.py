"""Records that go to a file while a simulation runs: a log of blocks, each with a checksum, only ever appended to.

Layout, all numbers little-endian. The head is a block, too. A block is 48 bytes and the payload: the magic ``NMLG``
(``NMHD`` of the head, ``NMEN`` of the end), the number of the block (u32), the step up to which all channels are
complete (i64), the size of the payload (u64), 8 bytes of zeros, and BLAKE2b-128 over all of this and the payload. The
payload of the head is JSON. That of another block has, for each channel, the number of its rows (u64); then for each
channel the steps (i64) and the values, row by row.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from neuromod import atomic
from neuromod.closed import Closed
from neuromod.errors import FileError, say
from neuromod.merging import merged_samples, merged_spikes
from neuromod.problems import shown
from neuromod.recorders import Monitor
from neuromod.units import steps_of

__all__ = ["RecordLog", "Stream", "read_log"]

Array = NDArray[Any]
FORMAT = 1

_HEAD = struct.Struct("<4sIqQ8x16s")
_MAGIC = {b"NMHD", b"NMLG", b"NMEN"}
_DTYPES = {"<i8", "<f8", "<f4"}
_MOST_HEAD = 1 << 26


class _Block(NamedTuple):
    """A block of a file: where it stands, and what its head says."""

    start: int
    magic: bytes
    until: int
    payload: bytes

    @property
    def end(self) -> int:
        return self.start + _HEAD.size + len(self.payload)


def _packed(magic: bytes, number: int, until: int, payload: bytes) -> bytes:
    head = _HEAD.pack(magic, number, until, len(payload), bytes(16))[:-16]
    return head + hashlib.blake2b(head + payload, digest_size=16).digest() + payload


# ---- reading ---------------------------------------------------------------------------------------------------


class RecordLog(Mapping[str, dict[str, Array]]):
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
        return self._channels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name}: {len(each['step'])}" for name, each in self.items())
        return f"RecordLog({rows}, until={self.until:g} ms, is_complete={self.is_complete})"


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
    if Path(path).is_dir():
        return _of_ranks(Path(path))
    return _of_file(Path(path))[1]


def _of_file(path: Path) -> tuple[dict[str, Any], RecordLog]:
    """The head of a file, and its records."""
    atomic.check_is_plain(path)
    head, blocks, lost = _scan(path)
    channels = _channels_of(path, head, blocks)
    dt, until = head["dt"], blocks[-1].until if blocks else head["first"]
    for each in channels.values():
        each["time"] = np.multiply(each["step"], dt, dtype=np.float64)
    closed = bool(blocks) and blocks[-1].magic == b"NMEN"
    about = {name: {k: v for k, v in one.items() if k != "name"} for name, one in head["channels"].items()}
    return head, RecordLog(channels, about, dt, until * dt, closed, lost)


def _of_ranks(directory: Path) -> RecordLog:
    """The logs of all ranks as one process would have written them."""
    files = sorted(directory.glob("rank-*.log"))
    if not files:
        raise _error(directory, "must hold the logs of ranks, rank-<5 digits>.log; got none")
    heads, logs = zip(*map(_of_file, files), strict=True)
    told = [head.get("ranks") for head in heads]
    if told != [[k, len(files)] for k in range(len(files))]:
        rule = f"must be the logs of all ranks, 0 to {len(files) - 1} of {len(files)}"
        raise _error(directory, f"{rule}; got {shown(told)}")
    first = logs[0]
    if any(list(log) != list(first) or log.dt != first.dt for log in logs):
        raise _error(directory, "must be logs of the same channels and dt")
    until, about = min(log.until for log in logs), {}
    channels: dict[str, dict[str, Array]] = {}
    for name in first:
        parts, abouts = [log[name] for log in logs], [log.about[name] for log in logs]
        channels[name], about[name] = _merged(parts, abouts)
        kept = channels[name]["time"] <= until
        channels[name] = {what: array[kept] for what, array in channels[name].items()}
    complete, lost = all(log.is_complete for log in logs), sum(log.lost_bytes for log in logs)
    return RecordLog(channels, about, first.dt, until, complete, lost)


def _merged(
    parts: Sequence[dict[str, Array]], abouts: Sequence[dict[str, Any]]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """One channel of all ranks, and what it is."""
    if "id" in parts[0]:
        step, number = merged_spikes([(part["step"], part["id"]) for part in parts])
        time = merged_spikes([(part["step"], part["time"]) for part in parts])[1]
        return {"step": step, "id": number, "time": time}, abouts[0]
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


def _error(path: Any, problem: str) -> FileError:
    return FileError([f"{path}: {problem}"])


def _scan(path: Path) -> tuple[dict[str, Any], list[_Block], int]:
    """The content of the head, the other blocks, and the bytes behind the last whole one."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        first = _block(file, 0, 0, size)
        if first is None and _is_begun(file, size):
            raise _error(path, f"must have a head; its writer has not gone on so far; got {size} bytes")
        if first is None or first.magic != b"NMHD":
            raise _error(path, "must be a log that streaming has written")
        head = _head(path, first.payload)
        blocks: list[_Block] = []
        at = first.end
        while (block := _block(file, at, len(blocks) + 1, size)) is not None:
            if block.until < (blocks[-1].until if blocks else head["first"]):
                raise _error(path, f"byte {at}: must go on in time")
            blocks.append(block)
            at = block.end
        _check_tail(path, file, at, size)
    return head, blocks, size - at


def _block(file: Any, at: int, number: int, size: int) -> _Block | None:
    """The block that begins there; None where none does that is whole."""
    file.seek(at)
    start = file.read(_HEAD.size)
    if len(start) < _HEAD.size:
        return None
    magic, own, until, n, digest = _HEAD.unpack(start)
    if magic not in _MAGIC or own != number or n > size - at - _HEAD.size:
        return None
    payload = file.read(n)
    whole = hashlib.blake2b(start[:-16] + payload, digest_size=16).digest()
    return _Block(at, magic, until, payload) if whole == digest and len(payload) == n else None


def _is_begun(file: Any, size: int) -> bool:
    """Whether the file is empty, or has the beginning of a head, as a kill leaves it."""
    file.seek(0)
    start = file.read(_HEAD.size)
    if not start.startswith(b"NMHD") or len(start) < _HEAD.size:
        return size == 0 or start.startswith(b"NMHD")
    n = _HEAD.unpack(start)[3]
    return bool(size - _HEAD.size < n <= _MOST_HEAD)


def _check_tail(path: Path, file: Any, at: int, size: int) -> None:
    """What follows the last whole block must be the beginning of one that was cut: nothing follows it."""
    file.seek(at)
    start = file.read(_HEAD.size)
    if len(start) < _HEAD.size or not any(start):
        return
    magic, _, _, n, _ = _HEAD.unpack(start)
    if magic not in _MAGIC or at + _HEAD.size + n < size:
        raise _error(path, f"byte {at}: must be a block with its checksum; the file has been damaged")


def _head(path: Path, payload: bytes) -> dict[str, Any]:
    try:
        head = json.loads(payload)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or type(head.get("format")) is not int:
        raise _error(path, "head: must be JSON with a format")
    if head["format"] > FORMAT:
        from neuromod import __version__

        rule = f"format: must be at most {FORMAT}, which neuromod {__version__} reads"
        raise _error(path, f"{rule}; got {head['format']}, written by neuromod {shown(head.get('version'))}")
    dt, first, channels = head.get("dt"), head.get("first"), head.get("channels")
    if type(dt) not in (int, float) or type(first) is not int or not isinstance(channels, dict):
        raise _error(path, "head: must have dt, first and channels")
    for name, about in channels.items():
        good = isinstance(about, dict) and about.get("dtype") in _DTYPES and type(about.get("width")) is int
        good = (
            good
            and about.get("column") in ("id", "value")
            and (about["column"] == "value" or about["width"] == 1)
        )
        if not good or not 0 <= about["width"] < 2**40:
            raise _error(path, f"head.channels[{shown(name)}]: must have dtype and width; got {shown(about)}")
    return head


def _channels_of(path: Any, head: Mapping[str, Any], blocks: list[_Block]) -> dict[str, dict[str, Array]]:
    parts: dict[str, list[tuple[Array, Array]]] = {
        name: [_rows(about, b"", 0)] for name, about in head["channels"].items()
    }
    for block in blocks:
        for name, rows in _split(path, head, block).items():
            parts[name].append(rows)
    found = {}
    for name, about in head["channels"].items():
        step, value = (np.concatenate(each) for each in zip(*parts[name], strict=True))
        found[name] = {"step": step, about["column"]: value}
    return found


def _split(path: Any, head: Mapping[str, Any], block: _Block) -> dict[str, tuple[Array, Array]]:
    """Steps and values of each channel in a block."""
    if block.magic == b"NMEN":
        return {}
    channels, found = head["channels"], {}
    at = 8 * len(channels)
    counts = struct.unpack(f"<{len(channels)}Q", block.payload[:at]) if len(block.payload) >= at else ()
    sizes = [n * (8 + _row(about)) for n, about in zip(counts, channels.values(), strict=False)]
    if len(counts) != len(channels) or at + sum(sizes) != len(block.payload):
        raise _error(path, f"byte {block.start}: must have the rows that it counts")
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


# ---- writing -----------------------------------------------------------------------------------------------------


class Stream(Closed):
    """Moves the records of monitors to a log in ``with``; `Simulation.streaming` makes it.

    Parameters
    ----------
    sim : Simulation
    path : str or Path
        A file.
    monitors : mapping of str to monitor
        Names of the channels, and monitors of the simulation.
    every : float, ms, > 0
        Simulated time from one block to the next.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation, StateMonitor
    >>> from neuromod.logs import read_log
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> v = StateMonitor(sim, "v_membrane", ids[:3], every=10)
    >>> with sim.streaming("v.log", {"v": v}, every=20.0):
    ...     run = sim.run(100)
    >>> len(v.values), read_log("v.log")["v"]["value"].shape
    (0, (10, 3))
    """

    def __init__(
        self, sim: Any, path: str | PathLike[str], monitors: Mapping[str, Monitor[Any]], every: float
    ) -> None:
        if not isinstance(monitors, Mapping) or not monitors:
            raise TypeError(f"monitors: must be a mapping of names to monitors; got {shown(monitors)}")
        for name, monitor in monitors.items():
            if not isinstance(name, str) or not name:
                raise TypeError(f"monitors: must have names as keys; got {shown(name)}")
            if not isinstance(monitor, Monitor) or monitor._sim is not sim:
                raise ValueError(
                    f"monitors[{name!r}]: must be a monitor of this simulation; got {shown(monitor)}"
                )
        if len({id(each) for each in monitors.values()}) != len(monitors):
            raise ValueError("monitors: must name each monitor once")
        self._sim, self._path, self._monitors = sim, atomic.target_of(path), dict(monitors)
        self._steps = steps_of(every, sim.dt, "every", 1)
        self._ranks: tuple[int, int] | None = None  # of a rank: its number, and how many there are
        self._handle = -1
        self._process = -1  # the process that is in the block; one that is forked there writes nothing
        # where the last whole block ends, how many there are, and the step up to which they are complete: set at once,
        # so that Ctrl-C finds either the block or none
        self._at = (0, 0, -1)
        self._is_torn = False  # whether something may stand behind the last whole block

    # ---- with ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        session = self._sim._session
        with session.gate.change("streaming"):
            head = json.dumps(self._head()).encode()  # first, so that the file is empty for a short time only
            handle = atomic.DISK.open_to_append(str(self._path))
            if not atomic.held(handle):
                atomic.DISK.close(handle)
                raise BlockingIOError(f"{self._path}: must be of one stream; another one writes to it")
            self._handle, self._process = handle, os.getpid()
            try:
                with self._path.open("rb") as file:
                    is_new = _is_begun(file, os.fstat(file.fileno()).st_size)
                if is_new:
                    self._begin(head)
                else:
                    self._go_on()
                session.set_last([self, *session.agenda.last], "streaming")  # before checkpoints
            except BaseException:
                atomic.let_go(self._handle)
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: Any) -> None:
        session = self._sim._session
        session.set_last([each for each in session.agenda.last if each is not self], "streaming")
        if os.getpid() != self._process:
            return
        try:
            self._flush()
            self._append(b"NMEN", b"")
            atomic.DISK.sync(self._handle)
        finally:
            atomic.let_go(self._handle)

    def _head(self) -> dict[str, Any]:
        from neuromod import __version__

        channels = {name: _about(monitor) for name, monitor in self._monitors.items()}
        first = self._sim.current_step
        return {
            "format": FORMAT,
            "version": __version__,
            "dt": self._sim.dt,
            "first": first,
            "channels": channels,
            **({} if self._ranks is None else {"ranks": list(self._ranks)}),
        }

    def _begin(self, head: bytes) -> None:
        self._cut()  # the beginning of a head that a kill has left
        self._append(b"NMHD", head)
        self._at = *self._at[:2], -1  # what the monitors have by now goes to the file, too
        atomic.DISK.sync_directory(str(self._path.parent))

    def _go_on(self) -> None:
        """Go on in the log of a run that was stopped: what is later than the present step is cut off."""
        head, blocks, _ = _scan(self._path)
        own = self._head()
        for name in ("dt", "channels"):
            if json.loads(json.dumps(own[name])) != head[name]:
                raise _error(
                    self._path,
                    f"{name}: must be of the same records, to be gone on with; {shown(head[name])}",
                )
        step = self._sim.current_step
        if head["first"] > step:
            raise _error(self._path, f"must begin at step {step} or before; got {head['first']}")
        kept = [block for block in blocks if block.until <= step and block.magic == b"NMLG"]
        until = kept[-1].until if kept else head["first"]
        cut = next((block for block in blocks if block.until > step and block.magic == b"NMLG"), None)
        end = kept[-1].end if kept else _HEAD.size + len(_payload_of_head(self._path))
        self._at = end, len(kept) + 1, until
        self._cut()
        if cut is not None:
            rows = {name: _until(rows, step) for name, rows in _split(self._path, head, cut).items()}
            self._append(b"NMLG", _payload(rows), step)
            until = step
        for monitor in self._monitors.values():
            monitor._forget(lambda steps: steps > until)

    # ---- what the agenda asks for ------------------------------------------------------------------------------

    def steps_to_next(self, step: int) -> int:
        """Steps to the next one at whose end a block is due.

        Parameters
        ----------
        step : int, >= 0
        """
        return self._steps - step % self._steps

    def is_due(self, step: int) -> bool:
        """Whether a block is due at the end of a step.

        Parameters
        ----------
        step : int, >= 0
        """
        return step % self._steps == 0

    def call(self) -> None:
        """Move all records to the file. What the disk refuses stays with the monitors until the next time."""
        if os.getpid() != self._process:
            return
        try:
            self._flush()
        except OSError as error:
            say(f"streaming: {self._path} could not be written, the records stay in memory; {error}")

    def _flush(self) -> None:
        step = self._sim.current_step
        rows = {}
        for name, monitor in self._monitors.items():
            saved = monitor._recorder.saved()
            new = saved["step"] > self._at[2]  # after a Ctrl-C, some may be in the file already
            rows[name] = saved["step"][new], (saved["id"] if "id" in saved else saved["value"])[new]
        self._append(b"NMLG", _payload(rows), step)
        for monitor in self._monitors.values():
            monitor._forget(lambda steps: np.zeros(len(steps), bool))

    def _append(self, magic: bytes, payload: bytes, until: int | None = None) -> None:
        """A block more, whole; where that fails, what was written of it is cut off."""
        if self._is_torn:
            self._cut()
        end, number, _ = self._at
        step = self._sim.current_step if until is None else until
        block = _packed(magic, number, step, payload)
        try:
            self._is_torn = True
            atomic.write_all(atomic.DISK, self._handle, block)
            self._at = end + len(block), number + 1, step
            self._is_torn = False
        except BaseException:
            with contextlib.suppress(OSError):  # tried once more before the next block
                self._cut()
            raise

    def _cut(self) -> None:
        atomic.DISK.truncate(self._handle, self._at[0])
        self._is_torn = False

    def __repr__(self) -> str:
        return f"Stream({str(self._path)!r}, blocks={self._at[1] - 1})"


def _about(monitor: Monitor[Any]) -> dict[str, Any]:
    """What the head says of a channel."""
    saved = monitor._recorder.saved()
    own = vars(monitor)
    about: dict[str, Any] = {"kind": type(monitor).__name__}
    if "id" in saved:
        return {**about, "column": "id", "dtype": "<i8", "width": 1}
    value = saved["value"]
    about |= {"column": "value", "dtype": value.dtype.str, "width": value.shape[1], "every": saved["every"]}
    if isinstance(own.get("_variable"), str):
        about["variable"] = own["_variable"]
    if isinstance(own.get("_ids"), np.ndarray):
        about["ids"] = own["_ids"].tolist()
    asked = own.get("_asked")  # of a rank: those of all ranks, where they do not ascend
    if isinstance(asked, np.ndarray) and np.any(np.diff(asked) <= 0):
        about["asked"] = asked.tolist()
    return about


def _payload(rows: Mapping[str, tuple[Array, Array]]) -> bytes:
    counts = struct.pack(f"<{len(rows)}Q", *(len(step) for step, _ in rows.values()))
    data = [part for step, value in rows.values() for part in (step.astype("<i8"), value)]
    return counts + b"".join(np.ascontiguousarray(part).tobytes() for part in data)


def _payload_of_head(path: Path) -> bytes:
    with path.open("rb") as file:
        _, _, _, n, _ = _HEAD.unpack(file.read(_HEAD.size))
        return file.read(min(n, _MOST_HEAD))


def _until(rows: tuple[Array, Array], step: int) -> tuple[Array, Array]:
    kept = rows[0] <= step
    return rows[0][kept], rows[1][kept]
