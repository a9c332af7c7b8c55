"""Streams: records of monitors go to a log while a simulation runs. `neuromod.logs` has the layout, and reads it."""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuromod import _core, atomic
from neuromod.closed import Closed
from neuromod.errors import say
from neuromod.logs import FORMAT, HEAD, error_of, is_begun, packed, payload_of_head, scan, split
from neuromod.problems import shown
from neuromod.recorders import Monitor
from neuromod.units import steps_of

__all__ = ["Stream"]

Array = NDArray[Any]


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
            self._check_alone(session.agenda.last)
            head = json.dumps(self._head()).encode()  # first, so that the file is empty for a short time only
            handle = atomic.DISK.open_to_append(str(self._path))
            if not atomic.held(handle):
                atomic.DISK.close(handle)
                raise BlockingIOError(f"{self._path}: must be of one stream; another one writes to it")
            self._handle, self._process = handle, os.getpid()
            try:
                with self._path.open("rb") as file:
                    is_new = is_begun(file, os.fstat(file.fileno()).st_size)
                if is_new:
                    self._begin(head)
                else:
                    self._go_on()
                session.set_last([self, *session.agenda.last], "streaming")  # before checkpoints
            except BaseException:
                atomic.let_go(self._handle)
                raise
        return self

    def _check_alone(self, others: Iterable[Any]) -> None:
        """Each monitor's records go to one log."""
        taken = {
            id(each): other
            for other in others
            if isinstance(other, Stream)
            for each in other._monitors.values()
        }
        for name, monitor in self._monitors.items():
            if id(monitor) in taken:
                raise ValueError(
                    f"monitors[{name!r}]: must be of one stream; {taken[id(monitor)]._path} has its records"
                )

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: Any) -> None:
        session = self._sim._session
        session.set_last([each for each in session.agenda.last if each is not self], "streaming")
        if os.getpid() != self._process:
            return
        try:
            self._flush()
            self._append(b"NMEN", b"")
            with atomic.naming(self._path):
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
        head, blocks, _ = scan(self._path)
        own = self._head()
        for name in ("dt", "channels"):
            if json.loads(json.dumps(own[name])) != head[name]:
                raise error_of(
                    self._path,
                    f"{name}: must be of the same records, to be gone on with; {shown(head[name])}",
                )
        step = self._sim.current_step
        if head["first"] > step:
            raise error_of(self._path, f"must begin at step {step} or before; got {head['first']}")
        kept = [block for block in blocks if block.until <= step and block.magic == b"NMLG"]
        until = kept[-1].until if kept else head["first"]
        cut = next((block for block in blocks if block.until > step and block.magic == b"NMLG"), None)
        end = kept[-1].end if kept else HEAD.size + len(payload_of_head(self._path))
        self._at = end, len(kept) + 1, until
        self._cut()
        if cut is not None:
            rows = {name: _until(rows, step) for name, rows in split(self._path, head, cut).items()}
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

    def go_back(self, where: str) -> None:
        """Refuse it: a log only goes on.

        Parameters
        ----------
        where : str
        """
        if os.getpid() == self._process:
            raise RuntimeError(
                f"{where}: must not be in a block of streaming, whose log goes on in time; leave the block before, and "
                f"stream to another file than {self._path}"
            )

    def call(self) -> None:
        """Move all records to the file. What the disk refuses stays with the monitors until the next time."""
        if os.getpid() != self._process:
            return
        try:
            _core.at_once(self._flush)
        except OSError as error:
            say(f"streaming: {self._path} could not be written, the records stay in memory; {error}")

    def _flush(self) -> None:
        step = self._sim.current_step
        if os.fstat(self._handle).st_nlink == 0:
            self._begin_again()
        if self._at[1] == 0:
            until = self._at[2]
            self._append(b"NMHD", json.dumps({**self._head(), "first": max(until, 0)}).encode(), until)
        rows = {}
        for name, monitor in self._monitors.items():
            saved = monitor._recorder.saved()
            new = saved["step"] > self._at[2]  # after a Ctrl-C, some may be in the file already
            rows[name] = saved["step"][new], (saved["id"] if "id" in saved else saved["value"])[new]
        self._append(b"NMLG", _payload(rows), step)
        for monitor in self._monitors.values():
            monitor._forget(lambda steps: np.zeros(len(steps), bool))

    def _begin_again(self) -> None:
        """Somebody has removed the log: what follows goes to a new one of that name."""
        handle = atomic.DISK.open_to_append(str(self._path))
        if not atomic.held(handle):
            atomic.DISK.close(handle)
            raise BlockingIOError(f"{self._path}: must be of one stream; another one writes to it")
        if os.fstat(handle).st_size:
            atomic.let_go(handle)
            raise FileExistsError(
                f"{self._path}: must be the log of this stream; another file is in its place"
            )
        old, self._handle, self._at = self._handle, handle, (0, 0, self._at[2])
        atomic.let_go(old)
        say(f"streaming: {self._path} was removed; it is begun again, with what was not in it")

    def _append(self, magic: bytes, payload: bytes, until: int | None = None) -> None:
        """A block more, whole; where that fails, what was written of it is cut off."""
        if self._is_torn:
            self._cut()
        end, number, _ = self._at
        step = self._sim.current_step if until is None else until
        block = packed(magic, number, step, payload)
        try:
            self._is_torn = True
            with atomic.naming(self._path):
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
    place = own.get("_place")  # of a rank: by which its synapses stand among those of all ranks
    if isinstance(place, np.ndarray):
        about["place"] = place.tolist()
    return about


def _payload(rows: Mapping[str, tuple[Array, Array]]) -> bytes:
    counts = struct.pack(f"<{len(rows)}Q", *(len(step) for step, _ in rows.values()))
    data = [part for step, value in rows.values() for part in (step.astype("<i8"), value)]
    return counts + b"".join(np.ascontiguousarray(part).tobytes() for part in data)


def _until(rows: tuple[Array, Array], step: int) -> tuple[Array, Array]:
    kept = rows[0] <= step
    return rows[0][kept], rows[1][kept]
