"""`objective`: a configuration or a function as what an optimiser makes small or large."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuromod.errors import ConfigError
from neuromod.near_names import names_near
from neuromod.problems import did_you_mean, shown
from neuromod.sweeps.engines import engine_for
from neuromod.sweeps.points import Point, Points, seeds_of
from neuromod.sweeps.run import check_points, work_of
from neuromod.sweeps.work import run_one
from neuromod.together import Together

__all__ = ["objective"]


@names_near
def objective(
    what: str | Path | Mapping[str, Any] | Callable[..., Any],
    over: Mapping[str, Any],
    figure: str = "value",
    *,
    seeds: int | Sequence[int] = 1,
    seed: int = 0,
    steps: int | None = None,
    ms: float | None = None,
    measure: Callable[[Mapping[str, Any]], Any] | None = None,
    threads: int | None = None,
) -> Callable[[Any], float]:
    """An objective for Optuna: suggests a value of each quantity, runs, and gives the mean of one figure over seeds.

    Parameters
    ----------
    what : str, Path or mapping, or callable
        As of `sweep`.
    over : mapping of str to tuple or list
        The quantities. A tuple ``(low, high)`` of whole numbers is a range of them, one of other numbers an interval;
        ``(low, high, "log")`` is searched on a logarithmic scale. A list holds the values to choose from.
    figure : str, default "value"
        The figure that counts; "value" where a function or `measure` gives one number.
    seeds, seed : int
        As of `sweep`. The same at every trial.
    steps : int, >= 1, optional
        As of `sweep`, as are the following.
    ms : float, ms, > 0, optional
    measure : callable, optional
    threads : int, >= 1, optional

    Returns
    -------
    callable
        ``study.optimize(it, n_trials=100)`` takes it. It raises RuntimeError where a run fails or has no such figure,
        and notes the figure of each seed in the trial's attribute ``"figures"``.

    Raises
    ------
    ConfigError, TypeError, ValueError
        If an argument is wrong, or the configuration is at an end of a range. Nothing is run.

    References
    ----------
    .. [1] Akiba et al. (2019), Optuna, KDD '19, doi:10.1145/3292500.3330701.

    Examples
    --------
    >>> import neuromod
    >>> def error(tau, seed):
    ...     return (tau - 12.0) ** 2
    >>> goal = neuromod.objective(error, {"tau": (5.0, 50.0)})
    >>> class Trial:  # stands for one of Optuna
    ...     def suggest_float(self, name, low, high, log=False):
    ...         return 10.0
    ...     def set_user_attr(self, name, value):
    ...         print(name, value)
    >>> goal(Trial())
    figures [4.0]
    4.0
    """
    found = Together()
    found(_check_name, figure)
    engine = found(engine_for, None, None, threads)
    drawn = found(seeds_of, seeds, seed)
    work = found(work_of, what, steps, ms, measure, engine)
    ranges = found(_ranges, over)
    if work is not None and ranges is not None:
        ends = {name: each if kind == "choice" else list(each[:2]) for name, (kind, each) in ranges.items()}
        first = {name: values[0] for name, values in ends.items()}
        found(check_points, work, Points(ends, [first], [0]))
    found.finish()
    assert ranges is not None
    chosen = ranges

    def goal(trial: Any) -> float:
        point: Point = {name: _suggested(trial, name, *each) for name, each in chosen.items()}
        values = []
        for each in drawn or ():
            assert work is not None
            row = run_one(work, point, each)
            if "error" in row:
                raise RuntimeError(f"{point}: {row['error']}")
            if figure not in row["figures"]:
                known = ", ".join(row["figures"])
                near = did_you_mean(figure, row["figures"])
                raise RuntimeError(f"figure: must be one of {known}; got {figure!r}{near}")
            values.append(float(row["figures"][figure]))
        trial.set_user_attr("figures", values)
        return float(np.mean(values))

    return goal


def _check_name(figure: Any) -> None:
    if not isinstance(figure, str):
        raise TypeError(f"figure: must be the name of a figure; got {shown(figure)}")


def _ranges(over: Any) -> dict[str, tuple[str, Any]]:
    if not isinstance(over, Mapping) or not over:
        raise TypeError(f"over: must be a mapping of names to ranges; got {shown(over)}")
    problems: list[str] = []
    ranges: dict[str, tuple[str, Any]] = {}
    for name, given in over.items():
        if isinstance(given, list) and given:
            ranges[name] = ("choice", given)
        elif (
            isinstance(given, tuple)
            and (len(given) == 2 or (len(given) == 3 and given[2] == "log"))
            and all(isinstance(end, int | float) and not isinstance(end, bool) for end in given[:2])
            and given[0] < given[1]
            and (len(given) == 2 or given[0] > 0)
        ):
            ranges[name] = ("int" if all(isinstance(end, int) for end in given[:2]) else "float", given)
        else:
            problems.append(
                f'over {name}: must be (low, high), (low, high, "log") with 0 < low, or a list; got {shown(given)}'
            )
    if problems:
        raise ConfigError(problems)
    return ranges


def _suggested(trial: Any, name: str, kind: str, given: Any) -> Any:
    if kind == "choice":
        return trial.suggest_categorical(name, given)
    suggest = trial.suggest_int if kind == "int" else trial.suggest_float
    return suggest(name, given[0], given[1], log=len(given) == 3)
