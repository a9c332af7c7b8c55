"""One run of a sweep, in whatever process it is done."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuromod import __version__
from neuromod.errors import NeuromodWarning
from neuromod.parallel import threads
from neuromod.problems import shown

__all__ = ["Work", "run_one"]

Point = dict[str, Any]

_TRACE = 4000  # characters of a traceback that are kept: the last


@dataclass(frozen=True)
class Work:
    """What every run of a sweep does: a configuration's experiment, or a function."""

    config: Mapping[str, Any] | None
    function: Callable[..., Any] | None
    measure: Callable[[Mapping[str, Any]], Any] | None
    steps: int | None
    ms: float | None
    threads: int
    version: str = __version__

    def figures(self, point: Point, seed: int) -> Mapping[str, Any]:
        """What is measured at a point, by name."""
        if self.function is not None:
            given = self.function(**point, seed=seed)
            return given if isinstance(given, Mapping) else {"value": given}
        from neuromod.config.change import at_point  # not where functions are swept: workers begin sooner
        from neuromod.experiment import run_experiment
        from neuromod.sweeps.measure import measured

        assert self.config is not None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NeuromodWarning)  # the sweep has given them at its start
            results = run_experiment(
                at_point(self.config, point, "over"), steps=self.steps, ms=self.ms, seed=seed
            )
        if self.measure is None:
            return measured(results)
        given = self.measure(results)
        own = dict(given) if isinstance(given, Mapping) else {"value": given}
        return {"digest": str(results["digest"]), **own}


def run_one(work: Work, point: Point, seed: int) -> dict[str, Any]:
    """The row of a run: its figures, or its error.

    Parameters
    ----------
    work : Work
    point : dict
    seed : int, 0 .. 2**64 - 1

    Returns
    -------
    dict
        Plain JSON values: ``figures`` or ``error`` and ``trace``, and ``seconds``.
    """
    began = time.perf_counter()
    try:
        if work.version != __version__:
            raise RuntimeError(
                f"neuromod: must be {work.version} as where the sweep began; got {__version__}"
            )
        with threads(work.threads):
            row: dict[str, Any] = {"figures": _plain(work.figures(point, seed))}
    except Exception as error:  # a row like any other: the rest of the sweep goes on
        row = {
            "error": f"{type(error).__name__}: {error}",
            "trace": traceback.format_exc()[-_TRACE:],
        }
    return {**row, "seconds": round(time.perf_counter() - began, 6)}


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and text by name; TypeError for anything else."""
    plain: dict[str, Any] = {}
    for name, value in figures.items():
        one = value.item() if isinstance(value, np.generic | np.ndarray) and value.size == 1 else value
        if not isinstance(name, str) or not isinstance(one, bool | int | float | str):
            raise TypeError(f"{name}: must be a number or text, under a name; got {shown(value)}")
        plain[name] = one
    return plain
