"""How far a long run has come: a bar on a terminal and in a notebook, lines elsewhere."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, TextIO

from neuromod.problems import shown

__all__ = ["ProgressCallback", "ProgressLine", "Reports", "reporter_for"]

ProgressCallback = Callable[[int, int, float, float], object]
"""Called as ``callback(done, total, simulated_ms, elapsed_s)``."""


class ProgressLine:
    """Show progress: on a terminal and in a notebook as a bar, elsewhere, if asked for, as lines.

    The bar is ``tqdm.auto``'s. Without tqdm (the extra ``progress``), a terminal has one line, and a notebook lines. It
    is drawn at most five times a second.

    Parameters
    ----------
    stream : file, optional
        Default: ``sys.stderr``.
    after : float, s, >= 0, default 2
        A run shorter than this shows nothing.
    always : bool, default False
        Also where `stream` is no terminal and no notebook, for logs: then at most one line in ten seconds, and one at
        the end.
    steps : bool, default True
        Whether steps are counted in words. False: only the part of the whole that is done is shown.

    Examples
    --------
    >>> import io
    >>> log = io.StringIO()
    >>> line = ProgressLine(log, after=0.0, always=True)
    >>> line(50, 100, 50.0, 0.01)
    >>> log.getvalue()
    ' 50.0 %  step 50 of 100  0 s left  0.05 s simulated  5.0 times faster than real time\\n'
    """

    def __init__(
        self, stream: TextIO | None = None, after: float = 2.0, always: bool = False, steps: bool = True
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._after, self._steps = after, steps
        self._last = -float("inf")
        self._phase = ""
        self._shown = False
        self._terminal = bool(self._stream.isatty())
        self._notebook = stream is None and not self._terminal and _in_kernel()
        self._on = always or self._terminal or self._notebook
        self._bars: Any = _bar_class() if self._terminal or self._notebook else None
        self._bar: Any = None
        self._pause = 0.2 if self._terminal or self._bars else 10.0

    def phase(self, name: str) -> None:
        """Say what the run is at now.

        Parameters
        ----------
        name : str
        """
        self._phase = name

    def __call__(self, done: int, total: int, simulated_ms: float, elapsed_s: float) -> None:
        """Show that `done` of `total` steps are through."""
        now = time.monotonic()
        if not self._on or elapsed_s < self._after or (now - self._last < self._pause and done < total):
            return
        self._last, self._shown = now, True
        if self._bars is not None:
            self._draw(done, total, simulated_ms, elapsed_s)
            return
        left = elapsed_s * (total - done) / max(done, 1)
        counted = f"step {done:,} of {total:,}  " if self._steps else ""
        phase = self._phase + "  " if self._phase else ""
        text = (
            f"{100.0 * done / total:5.1f} %  {phase}{counted}{_duration(left)} left"
            f"{self._more(simulated_ms, elapsed_s)}"
        )
        self._stream.write(self._fitted(text) if self._terminal else text + "\n")
        self._stream.flush()

    def _more(self, simulated_ms: float, elapsed_s: float) -> str:
        """What a line says behind the time that is left."""
        return f"  {simulated_ms / 1000.0:.2f} s simulated  {_speed(simulated_ms, elapsed_s)}"

    def _behind_bar(self, simulated_ms: float, elapsed_s: float) -> str:
        """What a bar says behind the time that is left."""
        return _speed(simulated_ms, elapsed_s)

    def _draw(self, done: int, total: int, simulated_ms: float, elapsed_s: float) -> None:
        if self._bar is None:
            counted = "{n_fmt}/{total_fmt} steps, " if self._steps else ""
            self._bar = self._bars(
                total=total,
                file=None if self._notebook else self._stream,
                dynamic_ncols=True,
                delay=1e-9,  # no bar before the first figures
                bar_format="{desc}{percentage:3.0f} %|{bar}| " + counted + "{unit} left{postfix}",
            )
            self._bar.start_t -= elapsed_s  # the run began before its bar
        self._bar.unit = _duration(elapsed_s * (total - done) / max(done, 1))
        self._bar.set_description_str(self._phase and f"{self._phase}: ", refresh=False)
        self._bar.set_postfix_str(self._behind_bar(simulated_ms, elapsed_s), refresh=False)
        self._bar.n = done
        self._bar.refresh()

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
        if self._bar is not None:
            self._bar.close()
        elif self._shown and self._terminal:
            self._stream.write("\n")
            self._stream.flush()


def _speed(simulated_ms: float, elapsed_s: float) -> str:
    factor = simulated_ms / 1000.0 / max(elapsed_s, 1e-9)
    if 0.95 <= factor < 1.05:
        return "as fast as real time"
    said, word = (factor, "faster") if factor >= 1.0 else (1.0 / max(factor, 1e-9), "slower")
    return f"{said:,.{1 if said < 10 else 0}f} times {word} than real time"


def _duration(seconds: float) -> str:
    """A time as one reads it.

    >>> _duration(7.4), _duration(1099.0), _duration(7500.0), _duration(200_000.0)
    ('7 s', '18 min 19 s', '2 h 5 min', '2 d 7 h')
    """
    whole = round(seconds)
    for size, unit, part, of in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {of}"
    return f"{whole} s"


def _in_kernel() -> bool:
    """Whether a notebook's kernel runs this program."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


def _bar_class() -> Any:
    """tqdm's bar, without a thread and without locks between processes of its own; None where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a notebook without widgets, in which a bar of text is drawn
            tqdm: Any = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None
    bars: Any = type("Bar", (tqdm,), {"monitor_interval": 0})
    bars.set_lock(threading.RLock())
    return bars


def reporter_for(progress: bool | ProgressCallback | None) -> ProgressCallback | None:
    """What the argument ``progress`` of a run asks for.

    Parameters
    ----------
    progress : bool or callable, optional
        True: show progress from the start, without a terminal as lines of their own. False: show nothing. Default: on
        a terminal and in a notebook, after two seconds.

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


class Reports:
    """What one run reports to what its argument ``progress`` asks for: its end, too, and no number of steps twice.

    Parameters
    ----------
    progress : bool or callable, optional
        As of `reporter_for`, which raises what is wrong with it.
    total : int, >= 0
        Steps of the run.
    dt : float, ms

    Examples
    --------
    >>> told = []
    >>> reports = Reports(lambda done, total, ms, s: told.append((done, total, ms)), 20, 0.5)
    >>> for done in (8, 16, 20, 20):
    ...     reports(done)
    >>> told
    [(8, 20, 4.0), (16, 20, 8.0), (20, 20, 10.0)]
    """

    def __init__(self, progress: bool | ProgressCallback | None, total: int, dt: float) -> None:
        self._reporter = reporter_for(progress)
        self._total, self._dt, self._began, self._last = total, dt, time.perf_counter(), 0

    def __bool__(self) -> bool:
        """Whether somebody is told."""
        return self._reporter is not None

    def __call__(self, done: int) -> None:
        """So many steps are done."""
        if self._reporter is not None and done != self._last:
            self._last = done
            self._reporter(done, self._total, done * self._dt, time.perf_counter() - self._began)

    def close(self) -> None:
        """End a line or a bar."""
        if isinstance(self._reporter, ProgressLine):
            self._reporter.close()
