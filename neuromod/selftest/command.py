"""The command ``neuromod selftest``: episodes for some minutes, what was done, and how to show what differed."""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neuromod.errors import NeuromodWarning

__all__ = ["add_arguments", "selftest"]

_MOST = 5  # differences after which it ends


def add_arguments(parser: argparse.ArgumentParser, number: Callable[[str], int]) -> None:
    """The options of the command. `number`: reads that of an episode."""
    parser.add_argument("--minutes", type=_minutes, default=2.0, metavar="N", help="how long (default: 2)")
    parser.add_argument(
        "--seed", type=number, metavar="S", help="number of the first episode (default: drawn)"
    )
    parser.add_argument("--case", type=number, metavar="K", help="the episode of that number alone")
    parser.add_argument(
        "--only",
        type=_positions,
        metavar="I,J",
        help="with --case: its actions at these positions alone, as a difference names them",
    )


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"must be a number > 0; got {text!r}")
    return value


def _positions(text: str) -> tuple[int, ...]:
    parts = [part for part in text.split(",") if part]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"must be whole numbers with commas; got {text!r}")
    return tuple(map(int, parts))


def selftest(
    minutes: float = 2.0,
    seed: int | None = None,
    case: int | None = None,
    only: tuple[int, ...] | None = None,
    say: Callable[[str], object] = print,
) -> int:
    """Run episodes; the number of those that differed."""
    from neuromod.selftest.episodes import episode  # the core is loaded with it

    done, began = Counter[str](), time.process_time()
    first = secrets.randbits(31) if seed is None else seed
    end, number, found = time.monotonic() + 60.0 * minutes, first if case is None else case, 0
    say(f"seed {number}: each episode compares a random simulation with itself, cut, saved and interrupted")
    with tempfile.TemporaryDirectory(prefix="neuromod-selftest-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromodWarning)  # random values look unintended
        while found < _MOST:
            difference = episode(number, Path(folder), done, only)
            if difference is not None:
                found += 1
                say(_told(difference))
            number += 1
            if case is not None or time.monotonic() >= end:
                break
    wall, busy = time.monotonic() - end + 60.0 * minutes, time.process_time() - began
    say(_table(done, found, f"{wall:,.0f} s, of which a processor worked {busy:,.0f} s"))
    return found


def _told(difference: Any) -> str:
    positions = ",".join(map(str, difference.actions))
    lines = [
        f"DIFFERENCE in episode {difference.number}: {difference.what}",
        *(f"  action: {word}" for word in difference.words),
        f"  to see it again: neuromod selftest --case {difference.number} --only '{positions}'",
    ]
    return "\n".join(lines)


def _table(done: Counter[str], found: int, took: str) -> str:
    width = max(map(len, done), default=0) + 2
    rows = [f"{name:<{width}}{count:,}" for name, count in sorted(done.items())]
    return "\n".join([*rows, took, f"differences: {found}"])
