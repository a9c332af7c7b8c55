"""What commands say, and the codes that they exit with."""

from __future__ import annotations

import os
import sys

__all__ = ["DONE", "FAILED", "INTERRUPTED", "WRONG", "WrongInput", "say_line"]

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


class WrongInput(Exception):
    """A sentence for the user; exit code 2."""


def say_line(text: str, end: str = "\n") -> None:
    """Print at once. A reader that has closed the pipe, as ``head`` does, is no error: what follows goes nowhere.

    What the output's encoding lacks, such as a file name that is no UTF-8, is printed as escapes.
    """
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
