"""Checkpoints: files that a simulation writes while it runs, of which the last ones are kept."""

from __future__ import annotations

import os
import re
import time
from os import PathLike
from pathlib import Path
from typing import Any, Self

from neuromod import _core, atomic
from neuromod.atomic import remove_strays_of
from neuromod.closed import Closed
from neuromod.errors import FileError, say
from neuromod.hooks import say_of_hooks
from neuromod.problems import shown
from neuromod.units import steps_of

__all__ = ["Checkpoints"]

_NAME = re.compile(r"step-(\d{15})\.npz")
_TIME = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|day|days)\s*")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0, "days": 86400.0}
_LOOK = 0.05  # seconds between two looks at the clock
_FAR = 1 << 20  # steps to the next look, at most


def seconds_of(text: str, where: str) -> float:
    """A time such as "10 min" in seconds.

    Parameters
    ----------
    text : str
        A number > 0 and one of s, min, h, days.
    where : str
        For the message.
    """
    found = _TIME.fullmatch(text)
    if found is None or not float(found[1]) > 0.0:
        raise ValueError(
            f"{where}: must be a number > 0 and s, min, h or days, as in '10 min'; got {shown(text)}"
        )
    return float(found[1]) * _SECONDS[found[2]]


def checkpoint_files(directory: Path) -> list[tuple[int, Path]]:
    """(step, file) of the checkpoints in a directory, ascending; none where there is no directory."""
    if not directory.is_dir():
        return []
    found = [(match, path) for path in directory.iterdir() if (match := _NAME.fullmatch(path.name))]
    return sorted((int(match[1]), path) for match, path in found)


def newest_of(directory: Path) -> list[Path]:
    """The checkpoints in a directory, the newest first.

    Raises
    ------
    FileError
        If there is none.
    """
    found = [path for _, path in reversed(checkpoint_files(directory))]
    if not found:
        raise FileError([f"{directory}: must hold a checkpoint, step-<15 digits>.npz; got none"])
    return found


class Checkpoints(Closed):
    """Writes checkpoints of a simulation in ``with``; `Simulation.checkpointing` makes it.

    Parameters
    ----------
    sim : Simulation
    path : str or Path
        A directory.
    every : str, or float, ms, > 0
        Wall time as text, or simulated time.
    keep : int, >= 1
        So many of the newest files are kept.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> with sim.checkpointing("checkpoints", every=20.0, keep=2) as checkpoints:
    ...     run = sim.run(100)
    >>> [path.name for path in checkpoints.files]
    ['step-000000000000080.npz', 'step-000000000000100.npz']
    >>> Simulation.load("checkpoints").time
    100.0
    """

    def __init__(self, sim: Any, path: str | PathLike[str], every: str | float, keep: int) -> None:
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ValueError(f"keep: must be a whole number >= 1; got {shown(keep)}")
        self._sim, self._keep = sim, keep
        self._directory = Path(os.path.abspath(atomic.checked_path(path)))  # noqa: PTH100
        self._seconds = seconds_of(every, "every") if isinstance(every, str) else None
        self._steps = None if isinstance(every, str) else steps_of(every, sim.dt, "every", 1)
        if self._directory.exists() and not self._directory.is_dir():
            raise NotADirectoryError(f"{path}: must be a directory; it is a file")
        if os.path.islink(self._directory) and not self._directory.is_dir():  # noqa: PTH114
            raise NotADirectoryError(f"{path}: must be a directory; it is a link that leads to none")
        self._last = -1  # step of the last checkpoint
        self._next = 0  # step of the next look at the clock
        self._began = self._looked = 0.0
        self._look_steps = 1
        self._late = False  # whether a checkpoint waits for a step in which no neuron dies
        self._lock = atomic.HeldDirectory(
            self._directory
        )  # a process that is forked in the block writes nothing

    @property
    def files(self) -> tuple[Path, ...]:
        """The checkpoints that are in the directory, oldest first."""
        return tuple(path for _, path in checkpoint_files(self._directory))

    # ---- with ------------------------------------------------------------------------------------------------

    @property
    def simulated(self) -> int | None:
        """Steps from one checkpoint to the next; None where wall time counts."""
        return self._steps

    @property
    def seconds(self) -> float:
        """Wall time from one checkpoint to the next; infinite where simulated time counts."""
        return float("inf") if self._seconds is None else self._seconds

    @property
    def is_behind(self) -> bool:
        """Whether steps have been done since the last checkpoint."""
        return bool(self._sim.current_step != self._last)

    def prepare(self) -> None:
        """Make the directory, lock it, and look at what is there."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if not os.access(self._directory, os.W_OK | os.X_OK):
            raise PermissionError(f"{self._directory}: must be writable; it is not")
        self._lock.take()
        try:
            step = self._sim.current_step
            self._look_at_files(step)
            self._last = step
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Unlock the directory, in the process that has locked it."""
        self._lock.release()

    def _look_at_files(self, step: int) -> None:
        later = [path for at, path in checkpoint_files(self._directory) if at > step]
        if later:
            raise FileExistsError(
                f"{later[-1]}: must not be later than step {step}; it is of another run. Load it to go on from there, "
                "or choose another directory"
            )
        remove_strays_of(self._directory, "step-*.npz")

    def __enter__(self) -> Self:
        say_of_hooks(self._sim._session, "checkpointing")
        self.prepare()
        self._began = self._looked = time.monotonic()
        self._next = self._sim.current_step + 1
        try:
            self._sim._session.set_last([*self._sim._session.agenda.last, self], "checkpointing")
        except BaseException:
            self.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: Any) -> None:
        session = self._sim._session
        session.set_last([each for each in session.agenda.last if each is not self], "checkpointing")
        interrupted = kind is None or issubclass(kind, KeyboardInterrupt)
        try:
            if interrupted and self.is_behind and self._lock.is_ours:
                self.write(self._sim)
        finally:
            self.release()

    # ---- what the agenda asks for ------------------------------------------------------------------------------

    def steps_to_next(self, step: int) -> int:
        """Steps to the next one at whose end a checkpoint, or a look at the clock, is due.

        Parameters
        ----------
        step : int, >= 0
        """
        if self._late:
            return 1
        if self._steps is not None:
            return self._steps - step % self._steps
        return max(1, self._next - step)

    def is_due(self, step: int) -> bool:
        """Whether a checkpoint, or a look at the clock, is due at the end of a step.

        Parameters
        ----------
        step : int, >= 0
        """
        if self._late:
            return True
        if self._steps is not None:
            return step % self._steps == 0
        return step >= self._next

    def go_back(self, where: str) -> None:
        """What is written next is of another course, whatever its step.

        Parameters
        ----------
        where : str
        """
        self._last, self._next = -1, 0

    def call(self) -> None:
        """Look at the clock; write a checkpoint if it is time."""
        if not self._lock.is_ours:
            return
        step, now = self._sim.current_step, time.monotonic()
        if self._seconds is not None:
            self._plan(step, now, self._seconds)
            if now - self._began < self._seconds:
                return
        if self._sim._session.is_before_deaths():  # the next step is soon enough
            self._next, self._late = step + 1, True
            return
        self._late = False
        try:
            _core.at_once(self.write, self._sim)
        except OSError as error:
            say(f"checkpoint: could not be written, the run goes on; {error}")
        self._began = time.monotonic()

    def _plan(self, step: int, now: float, seconds: float) -> None:
        """The next look: in about 50 ms, or a tenth of the interval, whichever is less."""
        took, wanted = now - self._looked, min(_LOOK, seconds / 10.0)
        if took < wanted / 2:
            self._look_steps = min(2 * self._look_steps, _FAR)
        elif took > wanted:
            self._look_steps = max(1, self._look_steps // 2)
        self._looked, self._next = now, step + self._look_steps

    def write(self, sim: Any) -> None:
        """Write a checkpoint of the simulation, or of its network as another one has it; forget the oldest ones.

        Parameters
        ----------
        sim : Simulation
        """
        step = sim.current_step
        path = self._directory / f"step-{step:015d}.npz"
        self._lock.renew(lambda: self._look_at_files(step))  # somebody may have removed the directory
        sim._write(path)
        self._last = step
        files = checkpoint_files(self._directory)
        left = [path for at, path in files if at > step]  # of a course that the simulation has gone back from
        for old in [*left, *[path for at, path in files if at <= step][: -self._keep]]:
            atomic.DISK.unlink(str(old))

    def __repr__(self) -> str:
        return f"Checkpoints({str(self._directory)!r}, last step {self._last})"
