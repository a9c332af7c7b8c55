"""Changes to a configuration: a path of keys with dots between them, and the value to write there."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from neuromod.config.whole import Config
from neuromod.errors import ConfigError
from neuromod.problems import nearest

__all__ = ["at_point", "check_effect", "put"]


def put(content: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Write a value into a configuration; what is left out on the way to it is begun.

    Parameters
    ----------
    content : dict
        Plain JSON values; changed in place.
    path : str
        Keys with dots between them. An entry of a list is named by its number or by its ``name``.
    value : object
    where : str
        What messages begin with.

    Raises
    ------
    ConfigError
        If the path leads nowhere. The keys of sections are checked when the configuration is loaded.

    Examples
    --------
    >>> content = {"areas": [{"name": "V1"}]}
    >>> put(content, "areas.V1.density", 0.5, "over")
    >>> content
    {'areas': [{'name': 'V1', 'density': 0.5}]}
    """
    *parents, last = path.split(".")
    place: Any = content
    for depth, key in enumerate(parents):
        place = _child(place, key, f"{where} {path}", top=depth == 0)
    if isinstance(place, list):
        place[_position(place, last, f"{where} {path}")] = value
    elif isinstance(place, dict):
        if place is content:
            _check_section(content, last, f"{where} {path}")
        place[last] = value
    else:
        raise ConfigError([f"{where} {path}: {'.'.join(parents)} is {place!r}, which has no keys"])


def at_point(content: Mapping[str, Any], point: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A copy of a configuration with the value of each path of `point`.

    Raises
    ------
    ConfigError
        As of `put`.
    """
    there = copy.deepcopy(dict(content))
    for path, value in point.items():
        put(there, path, value, where)
    return there


def check_effect(content: Mapping[str, Any], paths: Iterable[str], where: str) -> None:
    """Refuse a change to a section that the experiment replaces: it would be lost without a word.

    Parameters
    ----------
    content : mapping
    paths : iterable of str
        What was changed.
    where : str
        What messages begin with.

    Raises
    ------
    ConfigError
    """
    experiment = content.get("experiment")
    if not isinstance(experiment, dict) or experiment.get("plasticity") is None:
        return
    problems = [
        f"{where} {path}: has no effect, experiment.plasticity goes before it; set experiment.{path}, "
        "or experiment.plasticity=null first"
        for path in paths
        if path.split(".")[0] == "plasticity"
    ]
    if problems:
        raise ConfigError(problems)


def _child(place: Any, key: str, where: str, *, top: bool) -> Any:
    """What stands at `key`; a section that the file leaves out is begun."""
    if isinstance(place, list):
        return place[_position(place, key, where)]
    if not isinstance(place, dict):
        raise ConfigError([f"{where}: {place!r} has no key {key!r}"])
    if top:
        _check_section(place, key, where)
    return place.setdefault(key, {})


def _check_section(content: Mapping[str, Any], key: str, where: str) -> None:
    """Unknown sections are kept for other tools, so a misspelt one would change nothing: refuse it."""
    known = {*content, *Config.known}
    if key not in known:
        near = nearest(key, known)
        hint = f"did you mean {near!r}?" if near else f"known are {', '.join(sorted(known))}"
        raise ConfigError([f"{where}: unknown section {key!r}; {hint}"])


def _position(items: list[Any], key: str, where: str) -> int:
    """An entry of a list, by its number or by its ``name``."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if key in names:
        return names.index(key)
    if key.isascii() and key.isdigit() and int(key) < len(items):
        return int(key)
    known = [name for name in names if isinstance(name, str)]
    near = nearest(key, known)
    hint = f"did you mean {near!r}?" if near else f"known are {', '.join(known)} and 0 .. {len(items) - 1}"
    raise ConfigError([f"{where}: no entry {key!r}; {hint}"])
