"""What commands say, and the codes that they exit with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from neuromod.errors import printable

__all__ = [
    *("DONE", "FAILED", "INTERRUPTED", "WRONG", "WrongInput"),
    *("check_output", "hold_streams", "say_line"),
]

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


class WrongInput(Exception):
    """A sentence for the user; exit code 2."""


def hold_streams() -> None:
    """Open those of the first three descriptors that are closed, to nowhere.

    A file that is written later would else get the number of standard error, and messages would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def check_output(option: str, path: Path, force: bool) -> None:
    """Refuse a file that cannot be written, or that is there already, before the work.

    Parameters
    ----------
    option : str
        What names the file.
    path : Path
    force : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    WrongInput
    """
    from neuromod.atomic import target_of

    try:
        if path.is_dir():
            raise WrongInput(f"{option}: {path} exists already")
        if not path.parent.is_dir():
            raise WrongInput(f"{option}: must be a file in a directory that exists; got {path}")
        target_of(path)
        there = path.exists()
    except (OSError, ValueError) as error:
        raise WrongInput(f"{option}: {error}") from error
    if there and not force:
        raise WrongInput(f"{option}: {path} exists already; --force replaces it")


def say_line(text: str, end: str = "\n") -> None:
    """Print at once. A reader that has closed the pipe, as ``head`` does, is no error: what follows goes nowhere.

    What acts on a terminal, and what the output's encoding lacks, is printed as escapes.
    """
    text = printable(text)
    try:
        try:
            print(text, end=end, flush=True)
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding
            print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, flush=True)
    except BrokenPipeError:
        _drop_output()
    except OSError:  # a full disk: an error, after which Python must not try once more when it ends
        _drop_output()
        raise


def _drop_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
