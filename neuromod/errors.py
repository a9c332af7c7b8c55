"""Exceptions of the package. Plain ``ValueError``, ``TypeError`` and ``IndexError`` serve bad arguments."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

__all__ = [
    "ConfigError",
    "CoreError",
    "FileError",
    "NeuromodError",
    "NeuromodWarning",
    "NumericalError",
    "RemovedError",
    "StaleColumnError",
]


def printable(text: str) -> str:
    r"""The text as it may be printed: what acts on a terminal, and what no encoding has, as escapes.

    These are control characters except the tab and the end of a line, marks that change the direction of writing, and
    bytes of a file name that are no UTF-8.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> print(printable("\x1b[31mred"))
    \x1b[31mred
    """
    return text.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()


_ACTING = (
    *range(0x09),
    *range(0x0B, 0x20),
    *range(0x7F, 0xA0),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
)
_ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in _ACTING}


class NeuromodError(Exception):
    """Base class of everything that this package raises on its own account."""


class ConfigError(NeuromodError, ValueError):
    """A configuration breaks one or more rules; every one of them is listed, one a line.

    Parameters
    ----------
    problems : sequence of str
        Each reads ``where: rule; what came``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(map(printable, problems))
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[str, ...]]]:
        """Made anew from its problems: its message is one string, of which `__init__` would list the letters."""
        return type(self), (self.problems,)


class FileError(ConfigError):
    """A saved file is cut, damaged, of a newer format, or none; each problem reads ``path: rule; what came``."""


class RemovedError(NeuromodError, LookupError):
    """A view's neuron or synapse is no longer in the network."""


class StaleColumnError(NeuromodError, ValueError):
    """A column was used that an earlier state of the network had handed out."""


class NumericalError(NeuromodError, ArithmeticError):
    """A state variable is no longer finite."""


class CoreError(NeuromodError, RuntimeError):
    """The C core reports what the layers above should have caught: a bug of ours; please report it."""


class NeuromodWarning(UserWarning):
    """Something in a configuration or a call is not acted on, or looks unintended."""


def say(note: str) -> None:
    """A warning at the line of the user's that led here.

    Parameters
    ----------
    note : str
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "neuromod":
        level, frame = level + 1, frame.f_back
    warnings.warn(printable(note), NeuromodWarning, stacklevel=level)
