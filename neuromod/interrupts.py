"""Ctrl-C that waits: what a step consists of is done whole, or the next run would not go on to the same bits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

__all__ = ["told", "uninterrupted"]

Result = TypeVar("Result")


def told(interrupt: KeyboardInterrupt, step: int, dt: float, left: int) -> KeyboardInterrupt:
    """A Ctrl-C that says where a run is; one that says something already stays. `left`: steps to the run's end."""
    if interrupt.args or type(interrupt) is not KeyboardInterrupt:
        return interrupt
    at = f"after step {step:,} ({step * dt:,.12g} ms), {left:,} steps before its end"
    return KeyboardInterrupt(f"run: was interrupted {at}; what is done stays, and run goes on from there")


def uninterrupted(function: Callable[[], Result]) -> Result:
    """What the function gives; a Ctrl-C that comes meanwhile is served when it is done."""
    import signal  # not with the package: it takes milliseconds

    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        return function()
    came: list[FrameType | None] = []
    done: list[Result] = []
    while not done:
        try:
            signal.signal(signal.SIGINT, lambda _, frame: came.append(frame))
            try:
                done.append(function())
            finally:
                signal.signal(signal.SIGINT, handler)
        except KeyboardInterrupt:  # before the first of these lines, or after the last
            came.append(None)
    if came:
        handler(signal.SIGINT, came[0])
    return done[0]
