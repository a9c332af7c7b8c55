"""Checkpoints of the main job: what is written while it runs, and how a run that was killed goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from neuromod.atomic import HeldDirectory, alone_in
from neuromod.errors import FileError, say
from neuromod.experiment.world import World
from neuromod.keeping import load, save
from neuromod.problems import join
from neuromod.state import SavedPart

__all__ = ["Resume", "clear_checkpoints"]


class Run(Protocol):
    """A run of the main job, of which there are checkpoints."""

    world: World
    runner: Any

    @property
    def phase(self) -> str:
        """The name of its checkpoint."""
        ...

    def state(self, besides: Mapping[str, Any]) -> dict[str, Any]:
        """What a checkpoint holds besides the simulation."""
        ...


_PHASES = ("training", "control")


class Resume:
    """The checkpoints of one run of the main job, in a directory; without one nothing is written.

    ``training.npz`` holds the network that learns, its monitors and what the schedule has done; ``control.npz`` the
    same of the control. The tests before and after are computed anew: they give the same numbers.
    """

    def __init__(self, directory: Path | None, seconds: float, identity: Mapping[str, Any]) -> None:
        """`identity`: what the run is of; a checkpoint of another run is refused. JSON."""
        self._directory = None if directory is None else directory.absolute()
        self._seconds = seconds
        self._identity = json.dumps(identity, sort_keys=True)
        self._began = time.monotonic()
        self._lock: HeldDirectory | None = None  # of the process that writes
        if directory is not None and directory.exists() and not directory.is_dir():
            raise NotADirectoryError(f"checkpoint: must be a directory; {directory} is a file")
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self, is_writer: bool) -> Iterator[None]:
        """A block in which no other run has the directory; `is_writer`: whether this process writes there."""
        if self._directory is None or not is_writer:
            yield
            return
        with alone_in(self._directory) as self._lock:
            yield

    @property
    def is_on(self) -> bool:
        """Whether checkpoints are written."""
        return self._directory is not None

    def switch_off(self) -> None:
        """Write and read no more."""
        self._directory = None

    def load(self, phase: str, cls: type[Any], world: World) -> tuple[Any, SavedPart] | None:
        """The simulation of a phase and what was kept besides; None where there is no checkpoint of the phase."""
        with world.one_error():
            if self._directory is None:
                return None
            path = self._path(phase)
            is_there = path.exists()
        if not world.any(is_there):
            return None
        with world.one_error():
            if not is_there:
                raise FileError([f"{path}: must be seen by all ranks"])
            return self._loaded(path, cls)

    def _loaded(self, path: Path, cls: type[Any]) -> tuple[Any, SavedPart]:
        sim, extra = load(cls, path)
        part = SavedPart(extra, join(str(path), "extra"))
        part.has("identity", "state")
        part.finish()
        if part.value["identity"] != self._identity:
            changed = _differences(part.value["identity"], self._identity)
            raise FileError([f"{path}: must be of the same run; {changed} differ"])
        return sim, part.part("state")

    def save_if_due(self, run: Run, besides: Mapping[str, Any]) -> None:
        """Write a checkpoint, if the last one is old enough. `besides`: what it holds, too."""
        if self.is_on and run.world.of_first(time.monotonic() - self._began >= self._seconds):
            self.save(run, besides)

    def save(self, run: Run, besides: Mapping[str, Any]) -> None:
        """Write a checkpoint now."""
        if not self.is_on:
            return
        whole = run.world.whole(run.runner)
        with run.world.one_error():
            if whole is not None:
                self._write(whole, run, besides)
        self._began = time.monotonic()

    def _write(self, whole: Any, run: Run, besides: Mapping[str, Any]) -> None:
        """Where the disk refuses, the run is worth more than its checkpoint."""
        path = self._path(run.phase)
        try:
            if self._lock is not None:
                self._lock.renew(self._look_at_files)  # somebody may have removed the directory
            save(whole, path, {"identity": self._identity, "state": run.state(besides)})
        except OSError as error:
            say(f"checkpoint: could not be written, the run goes on; {error}")

    def _look_at_files(self) -> None:
        for phase in _PHASES:
            if self._path(phase).exists():
                raise FileExistsError(f"{self._path(phase)}: must not be there; it is of another run")

    def _path(self, phase: str) -> Path:
        assert self._directory is not None
        return self._directory / f"{phase}.npz"


def _differences(saved: Any, own: str) -> str:
    """Which parts of two identities differ."""
    try:
        one, other = json.loads(saved), json.loads(own)
        names = [name for name in other if one.get(name) != other[name]]
        return " and ".join(names) or "its keys"
    except (TypeError, ValueError, AttributeError):
        return "its keys"


def clear_checkpoints(directory: Path) -> None:
    """Remove the checkpoints of a run whose results are written, and the directory, if nothing else is in it.

    Where another run has begun there meanwhile, they are its own now, and stay.
    """
    if not directory.is_dir():
        return
    try:
        with alone_in(directory):
            for phase in _PHASES:
                (directory / f"{phase}.npz").unlink(missing_ok=True)
            if not any(directory.iterdir()):
                directory.rmdir()
    except BlockingIOError:
        return
