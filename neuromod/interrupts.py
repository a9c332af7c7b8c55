"""Ctrl-C that waits: what a step consists of is done whole, or the next run would not go on to the same bits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

__all__ = ["uninterrupted"]

Result = TypeVar("Result")


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
