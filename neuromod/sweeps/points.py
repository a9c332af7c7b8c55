"""The points of a sweep: which values each quantity takes, which seeds each point gets, and that all are possible."""

from __future__ import annotations

import functools
import inspect
import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from neuromod.arguments import checked_count, checked_seed
from neuromod.config.change import at_point, check_effect
from neuromod.config.read import config_error, plain_copy
from neuromod.errors import ConfigError
from neuromod.problems import did_you_mean, shown
from neuromod.together import Together

__all__ = ["MOST_RUNS", "Point", "Points", "check_config", "check_function", "points_of", "seeds_of"]

Point = dict[str, Any]
MOST_RUNS = 1_000_000
"""Of one sweep, whose rows and table are in memory."""
Check = Callable[[dict[str, Any]], object]
_SEEDS = ("experiment.seed", "simulation.seed")
_LENGTHS = ("experiment.steps", "experiment.duration")


class Points(NamedTuple):
    """What is run: each point with each seed."""

    axes: dict[
        str, list[Any]
    ]  # values of each quantity, where the points are all their combinations; else empty
    points: list[Point]
    seeds: list[int]

    def tasks(self) -> list[tuple[Point, int]]:
        """Every run, in the order of the table: the seed changes fastest."""
        return [(point, seed) for point in self.points for seed in self.seeds]


def points_of(over: Any, seeds: Any, seed: Any) -> Points:
    """The points that `over` describes, and the seeds; everything that is wrong is reported at once."""
    found = Together()
    axes, points = found(_axes_and_points, over) or ({}, [{}])
    drawn = found(seeds_of, seeds, seed) or []
    n = len(points) * len(drawn)
    if not found and n > MOST_RUNS:
        found.wrong(f"seeds: must make at most {MOST_RUNS:,} runs with the points; got {n:,}")
    found.finish()
    return Points(axes, points, drawn)


def _axes_and_points(over: Any) -> tuple[dict[str, list[Any]], list[Point]]:
    if over is None:
        return {}, [{}]
    if isinstance(over, Mapping):
        axes = _axes(over)
        n = math.prod(map(len, axes.values()))
        if n > MOST_RUNS:
            raise ConfigError([f"over: must make at most {MOST_RUNS:,} points; got {n:,}"])
        combined = itertools.product(*axes.values())
        return axes, [dict(zip(axes, values, strict=True)) for values in combined]
    if isinstance(over, str | bytes) or not isinstance(over, Sequence):
        raise TypeError(f"over: must be a mapping of names to values, or a list of points; got {shown(over)}")
    points, found = plain_copy(list(over))
    if found:
        raise config_error(found, "over")
    if not points or not all(isinstance(point, dict) for point in points):
        raise ConfigError([f"over: must be at least one point, each a mapping; got {shown(over)}"])
    names = list(points[0])
    problems = [
        f"over[{k}]: must have the names of the first point, {', '.join(names) or 'none'}; "
        f"got {', '.join(point) or 'none'}"
        for k, point in enumerate(points)
        if set(point) != set(names)
    ]
    problems += _repeats("over", [json.dumps(point, sort_keys=True) for point in points])
    if problems:
        raise ConfigError(problems)
    return {}, [{name: point[name] for name in names} for point in points]


def _axes(over: Mapping[Any, Any]) -> dict[str, list[Any]]:
    axes: dict[str, list[Any]] = {}
    problems: list[str] = []
    for name, values in over.items():
        where = f"over {name}"
        if not isinstance(name, str) or not all(name.split(".")):
            problems.append(f"over: must have a name, or keys with dots between them; got {shown(name)}")
            continue
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence | np.ndarray | range):
            problems.append(f"{where}: must be a sequence of values; got {shown(values)}")
            continue
        if len(values) > MOST_RUNS:
            problems.append(f"{where}: must have at most {MOST_RUNS:,} values; got {len(values):,}")
            continue
        plain, found = plain_copy(list(values))
        problems += [problem.words(where, 0) for problem in found]
        if not plain:
            problems.append(f"{where}: must have at least one value; got none")
        problems += _repeats(where, [json.dumps(value, sort_keys=True) for value in plain])
        axes[name] = plain
    if problems:
        raise ConfigError(problems)
    return axes


def _repeats(where: str, texts: Sequence[str]) -> list[str]:
    twice = [text for text, times in Counter(texts).items() if times > 1]
    return [f"{where}: must have each value once; got {shown(text)[1:-1]} again" for text in twice[:5]]


def seeds_of(seeds: Any, seed: Any) -> list[int]:
    """The seeds of every point: those given, or as many as asked for, of a `numpy.random.SeedSequence`."""
    if isinstance(seeds, int | np.integer) and not isinstance(seeds, bool):
        entropy = checked_seed(seed)
        children = np.random.SeedSequence(entropy).spawn(checked_count(seeds, "seeds", 1, MOST_RUNS))
        return [checked_seed(child) for child in children]
    if isinstance(seeds, str | bytes) or not isinstance(seeds, Sequence | np.ndarray):
        raise TypeError(f"seeds: must be a number of seeds, or the seeds; got {shown(seeds)}")
    if seed is not None and checked_seed(seed):
        raise ValueError(f"seed: has no effect beside the seeds given; got {shown(seed)}")
    if any(each is None for each in seeds):
        raise TypeError(f"seeds: must be whole numbers; got {shown(seeds)}")
    given = [checked_seed(each) for each in seeds]
    problems = [] if given else ["seeds: must be at least one; got none"]
    problems += _repeats("seeds", [str(each) for each in given])
    if problems:
        raise ConfigError(problems)
    return given


# ---- is every point possible? ------------------------------------------------------------------------------


def check_config(content: Mapping[str, Any], points: Points, length: str | None, check: Check) -> None:
    """Check the configuration at every point; ConfigError with all that is wrong anywhere.

    `length`: the argument that says how long a run is, if there is one. `check` raises for one configuration.
    """
    names = list(points.points[0])
    problems = [
        f"over {path}: has no effect, every run has a seed of the sweep; give seeds in its place"
        for path in names
        if path in _SEEDS
    ]
    problems += [
        f"over {path}: has no effect beside {length}; leave one of them out"
        for path in names
        if length is not None and path in _LENGTHS
    ]
    alone = {path: [{path: value} for value in values] for path, values in points.axes.items()}
    for path, values in alone.items():
        problems += _wrong_at(content, [path], values, check)
    if not problems:  # else each combination would repeat them
        problems += _wrong_at(content, names, points.points, check)
    if problems:
        raise ConfigError([*dict.fromkeys(problems)])


def _wrong_at(
    content: Mapping[str, Any], paths: Sequence[str], points: Sequence[Point], check: Check
) -> list[str]:
    problems: list[str] = []
    for point in points:
        try:
            there = at_point(content, point, "over")
            check_effect(there, paths, "over")
            check(there)
        except ConfigError as error:
            problems += error.problems
    return problems


def check_function(function: Callable[..., Any], points: Points, where: str = "what") -> None:
    """Refuse names that a function does not take, and what it needs and does not get."""
    names = [*points.points[0], "seed"]
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C: it tells when it is called
        return
    kinds = [each.kind for each in parameters.values()]
    by_name = [
        name
        for name, each in parameters.items()
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    problems = []
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        problems += [
            f"{'over ' if name != 'seed' else ''}{name}: must be an argument of {where}; "
            f"known are {', '.join(by_name) or 'none'}{did_you_mean(name, by_name)}"
            for name in names
            if name not in by_name
        ]
    problems += [
        f"over: must have the argument {name!r} of {where}, which has no default; got none"
        for name, each in parameters.items()
        if name in by_name and each.default is each.empty and name not in names
    ]
    if problems:
        raise ConfigError(problems)


def check_portable(function: Any, where: str) -> str:
    """The name of a function that other processes can import; ConfigError for one that they cannot."""
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    name = getattr(inner, "__qualname__", type(inner).__qualname__)
    if "<" in name:
        raise ConfigError(
            [f"{where}: must be a function of a module, which other processes can import; got {name}"]
        )
    return f"{getattr(inner, '__module__', type(inner).__module__)}.{name}"
