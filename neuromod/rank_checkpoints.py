"""Checkpoints of a network on several processes: rank 0 writes them, between two pieces of a run."""

from __future__ import annotations

import time
from os import PathLike
from pathlib import Path
from typing import Any, Self

from neuromod.checkpoints import Checkpoints
from neuromod.closed import Closed
from neuromod.errors import say

__all__ = ["RankCheckpoints"]

_PIECE = 0.25  # seconds of a run between two looks at the clock


class RankCheckpoints(Closed):
    """Writes checkpoints of a `RankSimulation` in ``with``; `RankSimulation.checkpointing` makes it.

    Parameters
    ----------
    sim : RankSimulation
    path : str or Path
        A directory.
    every : str, or float, ms, > 0
        Wall time as text, or simulated time.
    keep : int, >= 1
        So many of the newest files are kept.
    """

    def __init__(self, sim: Any, path: str | PathLike[str], every: str | float, keep: int) -> None:
        self._ranks_sim, self._ranks = sim, sim._ranks
        with self._ranks.one_error():
            self._files = Checkpoints(sim._sim, path, every, keep)
        self._steps = 1  # of a piece, where wall time counts
        self._began = self._written = 0.0

    @property
    def files(self) -> tuple[Path, ...]:
        """The checkpoints that are in the directory, oldest first."""
        return self._files.files

    def __enter__(self) -> Self:
        if self._ranks_sim._checkpoints is not None:
            raise RuntimeError("checkpointing: must not be within another one")
        with self._ranks.one_error():
            if self._ranks.rank == 0:
                self._files.prepare()
        self._written = self._began = time.monotonic()
        self._ranks_sim._checkpoints = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: Any) -> None:
        self._ranks_sim._checkpoints = None
        try:
            if kind is None and self._ranks.of_first(self._files.is_behind):
                self._write(raises=True)
        finally:
            self._files.release()

    # ---- what a run asks -------------------------------------------------------------------------------------

    def piece(self, most: int) -> int:
        """Steps to go on before `look`, at most so many; the same on all ranks."""
        self._began = time.monotonic()
        steps = self._files.simulated
        if steps is not None:
            agreed: int = steps - self._ranks_sim.step % steps
        else:
            agreed = self._ranks.of_first(self._steps)
        return min(most, agreed)

    def look(self) -> None:
        """After a piece: write a checkpoint if it is time."""
        now, steps = time.monotonic(), self._files.simulated
        if steps is not None:
            if self._ranks_sim.step % steps == 0:
                self._write()
            return
        took = now - self._began
        self._steps = (
            self._steps * 2
            if took < _PIECE / 2
            else max(1, self._steps // 2)
            if took > _PIECE
            else self._steps
        )
        if self._ranks.of_first(now - self._written >= self._files.seconds):
            self._write()

    def _write(self, raises: bool = False) -> None:
        whole = self._ranks_sim.gather()
        failure: OSError | None = None
        if whole is not None:
            try:
                self._files.write(whole)
            except OSError as error:
                failure = error
                if not raises:
                    say(f"checkpoint: could not be written, the run goes on; {error}")
        self._written = time.monotonic()
        if raises:
            with self._ranks.one_error():
                if failure is not None:
                    raise failure

    def __repr__(self) -> str:
        return f"Rank{self._files!r}"
