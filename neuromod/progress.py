"""One line that says how far a long run has come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from neuromod.problems import shown

__all__ = ["ProgressCallback", "ProgressLine", "reporter_for"]

ProgressCallback = Callable[[int, int, float, float], object]
"""Called as ``callback(done, total, simulated_ms, elapsed_s)``."""


class ProgressLine:
    """Write progress to a terminal, at most five times a second and not before `after` seconds.

    Parameters
    ----------
    stream : file, optional
        Default: ``sys.stderr``. Nothing is written where it is not a terminal.
    after : float, s, >= 0, default 2
        A run shorter than this shows nothing.
    """

    def __init__(self, stream: TextIO | None = None, after: float = 2.0) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._after = after
        self._last = 0.0
        self._shown = False
        self._on = bool(self._stream.isatty())

    def __call__(self, done: int, total: int, simulated_ms: float, elapsed_s: float) -> None:
        """Show that `done` of `total` steps are through."""
        now = time.monotonic()
        if not self._on or elapsed_s < self._after or (now - self._last < 0.2 and done < total):
            return
        self._last, self._shown = now, True
        left = elapsed_s * (total - done) / max(done, 1)
        factor = elapsed_s / max(simulated_ms / 1000.0, 1e-9)
        self._stream.write(
            f"\r{100.0 * done / total:5.1f} %  step {done:,} of {total:,}  "
            f"{simulated_ms / 1000.0:.2f} s simulated  real-time factor {factor:.2f}  {left:.0f} s left "
        )
        self._stream.flush()

    def close(self) -> None:
        """End the line."""
        if self._shown:
            self._stream.write("\n")
            self._stream.flush()


def reporter_for(progress: bool | ProgressCallback | None) -> ProgressCallback | None:
    """What the argument ``progress`` of a run asks for.

    Parameters
    ----------
    progress : bool or callable, optional
        True or False: show a line or not. Default: on a terminal, after two seconds.

    Returns
    -------
    callable or None

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> reporter_for(False) is None
    True
    """
    if progress is None:
        return ProgressLine()
    if progress is True:
        return ProgressLine(after=0.0)
    if progress is False:
        return None
    if not callable(progress):
        raise TypeError(f"progress: must be True, False, None or callable; got {shown(progress)}")
    return progress
