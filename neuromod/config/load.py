"""A configuration, JSON file or dict, to a checked `Config`, or to one error that lists every problem.

What a section may hold stands in ``config/sections.py``, what a parameter may be in the C tables. Here they meet:
sections against each other (areas and lattice, senses and areas), and the parts that are not acted on.
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from neuromod import _core
from neuromod.config.checks import (
    checked_areas,
    checked_lattice_shape,
    checked_neuron_model,
    checked_plasticity,
    checked_senses,
    neuron_values,
)
from neuromod.config.modulators import check_references, checked_neuromodulation
from neuromod.config.plasticity import checked_short_term
from neuromod.config.read import MAX_PROBLEMS, ROOT, config_error, join, plain_copy, read_file, shown
from neuromod.config.schema import json_schema
from neuromod.config.sections import (
    Area,
    Config,
    Drive,
    NeuronModel,
    Plasticity,
    Sense,
    Simulation,
    near_name,
    nearest,
    validated,
)
from neuromod.config.tables import add_unknown_name, defaults_of, registered
from neuromod.errors import ConfigError, NeuromodWarning

__all__ = [
    "Area",
    "Config",
    "Drive",
    "NeuronModel",
    "Plasticity",
    "Sense",
    "Simulation",
    "check_neuromodulation",
    "check_params",
    "check_rule",
    "check_short_term",
    "json_schema",
    "load",
    "nearest",
]

_ACTED_ON = (
    "lattice_shape",
    "areas",
    "neuron_model",
    "background_drive",
    "plasticity",
    "neuromodulation",
    "senses",
    "simulation",
    "experiment",
)
_KNOWN_ELSEWHERE = ("model_version", "dimensions", "cell_lifecycle")
_LIFECYCLE_SWITCHES = ("enabled", "enable_death", "enable_reproduction")
# Of unknown sections only those are warned of that are this close to a known one: others belong to other tools.
_LIKELY_MISSPELT = 0.8


def load(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Config]:
    """Read and check a configuration.

    Parameters
    ----------
    source : str, Path or mapping
        A JSON file; the bare name of a configuration that the package ships, if no such file exists; or the
        content itself.

    Returns
    -------
    raw : dict
        The content as plain JSON values, nothing dropped. A copy where `source` is a mapping.
    config : Config
        The parts that are acted on, checked, defaults filled in.

    Raises
    ------
    ConfigError
        With every problem, each as ``path: rule; what came``.

    Warns
    -----
    NeuromodWarning
        Once for each part that is understood but not acted on, or looks unintended.

    Examples
    --------
    >>> raw, config = load("brain_base_model.json")
    >>> config.lattice_shape, config.areas[0].name
    ((20, 20, 20, 20), 'V1_like')
    """
    notes: list[str] = []
    if isinstance(source, Mapping):
        raw, problems = plain_copy(source)
        config = _checked(raw, problems, notes)
    else:
        path = _found(source)
        try:
            raw, problems = read_file(path)
            config = _checked(raw, problems, notes)
        except ConfigError as error:
            error.add_note(f"in {path}")
            raise
    _say(notes)
    return raw, config


def check_params(
    model: str, params: Mapping[str, Any] | None = None, where: str = "params"
) -> dict[str, float]:
    """The complete parameters of a neuron model.

    Parameters
    ----------
    model : str
        A registered neuron model.
    params : mapping of str to float, in the units of the model's table, optional
        Those that differ from the model's defaults, in its units.
    where : str, default "params"
        JSON path or argument name of `params`, for messages.

    Returns
    -------
    dict of str to float
        Every parameter of the model, in the order of its table.

    Raises
    ------
    ConfigError
        With every problem.

    Examples
    --------
    >>> check_params("lif", {"tau_m": 10})["tau_m"]
    10.0
    """
    models = _core.neuron_models()
    name = registered(model, models) if isinstance(model, str) else None
    if name is None:
        unknown: list[str] = []
        add_unknown_name(unknown, "model", model, "a neuron model", models)
        raise ConfigError(unknown)
    given, problems = plain_copy({} if params is None else params, where)
    if not isinstance(given, dict):
        raise ConfigError([f"{where}: must be an object; got {shown(params)}"])
    # Not warned of here: most values come from a configuration, which `load` has already looked at.
    values = neuron_values(name, given, {}, where, problems, notes=[])
    if problems:
        raise config_error(problems)
    return {**defaults_of(models[name]["params"]), **values}


def check_rule(section: str | Mapping[str, Any], where: str = "plasticity") -> Plasticity:
    """A rule of plasticity, complete.

    Parameters
    ----------
    section : str or mapping
        The rule's name, or ``{"rule": name, parameter: value, ...}`` with ``weight_min``, ``weight_max`` and
        ``weight_decay`` beside the rule's own parameters. "none" is no rule; "hebb_like" means "hebbian".
    where : str, default "plasticity"
        JSON path or argument name, for messages.

    Returns
    -------
    Plasticity

    Raises
    ------
    ConfigError
        With every problem.

    Warns
    -----
    NeuromodWarning
        Once for each part that is understood but not acted on.

    Examples
    --------
    >>> check_rule("none").rule, check_rule({"rule": "hebb_like", "weight_max": 2}).rule
    ('none', 'hebbian')
    """
    given, problems = plain_copy({"rule": section} if isinstance(section, str) else section, where)
    notes: list[str] = []
    rule = checked_plasticity(given, where, problems, notes)
    if rule is None or problems:
        raise config_error(problems)
    _say(notes)
    return rule


def check_short_term(section: bool | Mapping[str, Any], where: str = "short_term") -> dict[str, float] | None:
    """Short-term plasticity, complete; None where it is off.

    Parameters
    ----------
    section : bool or mapping
        ``U`` (> 0 and <= 1), ``tau_rec`` and ``tau_facil`` (ms, >= 0), each optional; ``kind`` says what they are by
        default: "depressing" or "facilitating", the two fits of Tsodyks, Pawelzik & Markram (1998). True: all
        defaults; False, or ``enabled`` false: none.
    where : str, default "short_term"
        JSON path or argument name, for messages.

    Returns
    -------
    dict of str to float, or None

    Raises
    ------
    ConfigError
        With every problem.

    Examples
    --------
    >>> check_short_term({"kind": "facilitating", "tau_rec": 100})
    {'U': 0.03, 'tau_rec': 100.0, 'tau_facil': 530.0}
    """
    given, problems = plain_copy(section, where)
    notes: list[str] = []
    found = checked_short_term(given, where, problems, notes)
    if problems:
        raise config_error(problems)
    _say(notes)
    return found


def check_neuromodulation(
    section: Mapping[str, Any] | None, where: str = "neuromodulation"
) -> dict[str, Any]:
    """The section ``neuromodulation``, complete.

    Parameters
    ----------
    section : mapping or None
        ``enabled`` and, for any of the registered modulators, an object of its parameters. ``tau`` (ms, > 0) may
        stand in place of ``decay_rate``. Under other names, modulators that are declared here alone; see
        `neuromod.neuromodulation.create_neuromodulation_system`.
    where : str, default "neuromodulation"
        JSON path, for messages.

    Returns
    -------
    dict
        ``enabled`` (bool) and every modulator with every parameter: those that are not optional, then those that
        were named. A modulator has ``tau`` where that was given, and no ``decay_rate`` then; ``release``, a list,
        where that was given. What comes back may be given again.

    Raises
    ------
    ConfigError
        With every problem.

    Examples
    --------
    >>> check_neuromodulation({"dopamine": {"baseline": 0.6}})["dopamine"]["baseline"]
    0.6
    """
    given, problems = plain_copy({} if section is None else section, where)
    notes: list[str] = []
    system = checked_neuromodulation(given, where, problems, notes)
    if problems:
        raise config_error(problems)
    _say(notes)
    return system


# ---- the whole ---------------------------------------------------------------------------------------------


def _found(source: str | Path) -> Path:
    shipped = {
        entry.name
        for entry in resources.files("neuromod").joinpath("data").iterdir()
        if entry.name.endswith(".json")
    }
    if not isinstance(source, str | Path):
        raise ConfigError([f"config_path: must be a path or an object; got {shown(source)}"])
    try:
        path = Path(source)
        if path.is_file():
            return path
    except (OSError, ValueError) as error:  # too long a name, for example
        raise ConfigError([f"config_path: must be a file; got {shown(str(source))} ({error})"]) from error
    if str(source) in shipped:
        return Path(str(resources.files("neuromod").joinpath("data", str(source))))
    near = nearest(str(source), shipped)
    hint = f"; did you mean {near!r}?" if near else ""
    raise ConfigError(
        [
            f"config_path: must be a file, or one of {', '.join(sorted(shipped))}; got {shown(str(source))}{hint}"
        ]
    )


def _checked(raw: Any, read: list[str], notes: list[str]) -> Config:
    """The raw content as a Config. `read` has what reading found wrong; both kinds are raised together."""
    if not isinstance(raw, dict):
        raise ConfigError([f"{ROOT}: must be an object; got {shown(raw)}"])
    problems: list[str] = []
    _look_at_sections(raw, problems, notes)
    shape = checked_lattice_shape(raw, problems)
    neuron_model = checked_neuron_model(raw.get("neuron_model", {}), problems, notes)
    # Where there are none, _look_at_sections has said so.
    areas = checked_areas(raw["areas"], shape, neuron_model, problems, notes) if "areas" in raw else {}
    parts: dict[str, Any] = {
        "lattice_shape": shape,
        "areas": tuple(areas.values()),
        "neuron_model": neuron_model,
        "drive": validated(Drive, raw.get("background_drive", {}), "background_drive", problems),
        "plasticity": checked_plasticity(raw.get("plasticity", "none"), "plasticity", problems, notes),
        "neuromodulation": checked_neuromodulation(
            raw.get("neuromodulation", {}), "neuromodulation", problems, notes
        ),
        "senses": checked_senses(raw, areas, problems, notes),
        "simulation": validated(Simulation, raw.get("simulation", {}), "simulation", problems),
        "experiment": raw.get("experiment"),
    }
    check_references(parts["neuromodulation"], raw, problems)
    named = {problem.split(": ", 1)[0] for problem in problems}
    problems += (problem for problem in read if problem.split(": ", 1)[0] not in named)
    if problems:
        raise config_error(problems)
    return Config(**parts)


def _look_at_sections(raw: dict[str, Any], problems: list[str], notes: list[str]) -> None:
    """Sections that are missing, misspelt, or known and not acted on."""
    for name in ("lattice_shape", "areas"):
        if name not in raw:
            near = near_name(problems, name, (key for key in raw if key not in _ACTED_ON))
            problems.append(
                f"{name}: is required; got " + ("nothing" if near is None else f"{near!r} in its place")
            )
    known = [*_ACTED_ON, *_KNOWN_ELSEWHERE]
    for key in raw if len(raw) <= MAX_PROBLEMS else ():
        near = nearest(key, known) if key not in known else None
        if (
            near is not None
            and near not in raw
            and difflib.SequenceMatcher(None, key, near).ratio() > _LIKELY_MISSPELT
        ):
            notes.append(f"{join('', key)}: unknown section, not acted on; did you mean {near!r}?")
    if "experiment" in raw and not isinstance(raw["experiment"], dict):
        problems.append(f"experiment: must be an object; got {shown(raw['experiment'])}")
    if raw.get("dimensions", 4) != 4:
        notes.append(f"dimensions: not acted on, a lattice has 4; got {shown(raw['dimensions'])}")
    if _lifecycle_is_on(raw.get("cell_lifecycle")):
        notes.append("cell_lifecycle: not acted on yet; no neuron ages, dies or divides")


def _lifecycle_is_on(section: Any) -> bool:
    if not isinstance(section, dict):
        return section is not None
    switches = [section[name] for name in _LIFECYCLE_SWITCHES if name in section]
    return section.get("enabled", True) is not False and (not switches or any(switches))


def _say(notes: list[str]) -> None:
    """Each note as one warning, at the line of the user's that led here."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "neuromod":
        level, frame = level + 1, frame.f_back
    for note in notes:
        warnings.warn(note, NeuromodWarning, stacklevel=level)
