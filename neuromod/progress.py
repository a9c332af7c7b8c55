"""One line that says how far a long run has come."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

from neuromod.problems import shown

__all__ = ["ProgressCallback", "ProgressLine", "reporter_for"]

ProgressCallback = Callable[[int, int, float, float], object]
"""Called as ``callback(done, total, simulated_ms, elapsed_s)``."""


class ProgressLine:
    """Show progress: on a terminal one line, rewritten at most five times a second; elsewhere, if asked for, lines.

    Parameters
    ----------
    stream : file, optional
        Default: ``sys.stderr``.
    after : float, s, >= 0, default 2
        A run shorter than this shows nothing.
    always : bool, default False
        Also where `stream` is no terminal, for logs: then at most one line in ten seconds, and one at the end.
    """

    def __init__(self, stream: TextIO | None = None, after: float = 2.0, always: bool = False) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._after = after
        self._last = -float("inf")
        self._shown = False
        self._terminal = bool(self._stream.isatty())
        self._on = always or self._terminal
        self._pause = 0.2 if self._terminal else 10.0

    def __call__(self, done: int, total: int, simulated_ms: float, elapsed_s: float) -> None:
        """Show that `done` of `total` steps are through."""
        now = time.monotonic()
        if not self._on or elapsed_s < self._after or (now - self._last < self._pause and done < total):
            return
        self._last, self._shown = now, True
        left = elapsed_s * (total - done) / max(done, 1)
        factor = elapsed_s / max(simulated_ms / 1000.0, 1e-9)
        text = (
            f"{100.0 * done / total:5.1f} %  step {done:,} of {total:,}  {left:.0f} s left  "
            f"{simulated_ms / 1000.0:.2f} s simulated  real-time factor {factor:.2f}"
        )
        self._stream.write(self._fitted(text) if self._terminal else text + "\n")
        self._stream.flush()

    def _fitted(self, text: str) -> str:
        """Over the line before, within the width of the terminal: a longer line would not be rewritten."""
        try:
            width = os.get_terminal_size(self._stream.fileno()).columns
        except OSError:
            width = 80
        room = max(width - 1, 10)
        return "\r" + text[:room].ljust(room)

    def close(self) -> None:
        """End the line."""
        if self._shown and self._terminal:
            self._stream.write("\n")
            self._stream.flush()


def reporter_for(progress: bool | ProgressCallback | None) -> ProgressCallback | None:
    """What the argument ``progress`` of a run asks for.

    Parameters
    ----------
    progress : bool or callable, optional
        True: show progress from the start, without a terminal as lines of their own. False: show nothing. Default: on
        a terminal, after two seconds.

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
        return ProgressLine(after=0.0, always=True)
    if progress is False:
        return None
    if not callable(progress):
        raise TypeError(f"progress: must be True, False, None or callable; got {shown(progress)}")
    return progress
