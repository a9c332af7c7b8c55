"""A configuration, JSON file or dict, to a checked `Config`, or to one error that lists every problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neuromod.config.checks import check_together
from neuromod.config.keys import not_registered, problems_in, registered
from neuromod.config.modulators import read_neuromodulation
from neuromod.config.plasticity import KEY_ALIASES, Plasticity, ShortTerm, is_on, read_rule, read_short_term
from neuromod.config.population import Population
from neuromod.config.read import config_error, found_file, plain_copy, read_file
from neuromod.config.sections import NEURON_MODELS, neuron_values
from neuromod.config.whole import Config, modulator_notes, part_notes, read_sections, rule_notes, whole_notes
from neuromod.errors import ConfigError, say
from neuromod.problems import KNOWN_KEYS, Problem, Wrong

__all__ = [
    "check_neuromodulation",
    "check_params",
    "check_population",
    "check_rule",
    "check_saved_rule",
    "check_short_term",
    "load",
]


def load(source: str | Path | Mapping[str, Any], warn: bool = True) -> tuple[dict[str, Any], Config]:
    """Read and check a configuration.

    Parameters
    ----------
    source : str, Path or mapping
        A JSON file; the bare name of a configuration that the package ships, if no such file exists; or the
        content itself.
    warn : bool, default True
        False: no warnings, for a configuration that has been loaded before.

    Returns
    -------
    raw : dict
        The content as plain JSON values, nothing dropped; a copy.
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
    with _one_error():
        path = None if isinstance(source, Mapping) else found_file(source)
    try:
        content, problems = plain_copy(source) if path is None else read_file(path)
        with _one_error(problems):
            config = read_whole(content)
    except ConfigError as error:
        if path is not None:
            error.add_note(f"in {path}")
        raise
    if warn:
        _say(whole_notes(content, config))
    return content, config


def check_params(
    model: str, params: Mapping[str, Any] | None = None, where: str = "params"
) -> dict[str, Any]:
    """The complete parameters of a neuron model.

    Parameters
    ----------
    model : str
        A registered neuron model.
    params : mapping of str to float or str, in the units of the model's table, optional
        Those that differ from the model's defaults, in its units; of a parameter that is one of several words the
        word.
    where : str, default "params"
        JSON path or argument name of `params`, for messages.

    Returns
    -------
    dict of str to float or str
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
    content, problems = plain_copy({} if params is None else params)
    name = registered(model, NEURON_MODELS)
    if name is None:
        raise config_error([not_registered(("model",), model, "a neuron model", NEURON_MODELS)])
    # Not warned of here: most values come from a configuration, which `load` has already looked at.
    with _one_error(problems, where):
        values = neuron_values(name, content, {})
    return {param: about["default"] for param, about in NEURON_MODELS[name]["params"].items()} | values


def check_population(about: Mapping[str, Any]) -> Population:
    """What describes a population beside the columns of its neurons.

    Parameters
    ----------
    about : mapping
        Name, model, neuron_type, region, drive and receptors, each optional.

    Returns
    -------
    Population

    Raises
    ------
    ConfigError
        With every problem, in the words of the arguments.
    """
    content, problems = plain_copy(about)
    with _one_error(problems):
        return Population.model_validate(content)


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
    content, problems = plain_copy(section)
    with _one_error(problems, where):
        rule = read_rule(content)
    _say(rule_notes(content, rule, where))
    return rule


def check_saved_rule(section: Mapping[str, Any], where: str) -> Plasticity:
    """As `check_rule`, for a rule that has been in use: without warnings.

    Parameters
    ----------
    section : mapping
    where : str

    Returns
    -------
    Plasticity

    Raises
    ------
    ConfigError
        With every problem.
    """
    content, problems = plain_copy(section)
    with _one_error(problems, where):
        return read_rule(content)


def check_short_term(section: bool | Mapping[str, Any], where: str = "short_term") -> dict[str, float] | None:
    """Short-term plasticity, complete; None where it is off.

    Parameters
    ----------
    section : bool or mapping
        ``U`` (> 0 and <= 1), ``tau_rec`` and ``tau_facil`` (ms, >= 0), each optional; ``kind`` says what they are by
        default: "depressing" or "facilitating", the two fits of Tsodyks, Pawelzik & Markram (1998). "mixed" and
        "balanced": each source facilitates with the probability ``facilitation_fraction`` (default 0.5) and else
        depresses; the former have ``facilitating_U``, ``facilitating_tau_rec`` and ``facilitating_tau_facil``. All
        synapses of a source are of one kind. True: all defaults; False, or ``enabled`` false: none.
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
    content, problems = plain_copy(section)
    if isinstance(content, dict) and is_on(content):  # of an argument; a section may have keys of other tools
        unknown = [name for name in content if KEY_ALIASES.get(name, name) not in ShortTerm.known]
        problems = [
            *problems,
            *(Problem((name,), "unknown key", known=ShortTerm.known, far=KNOWN_KEYS) for name in unknown),
        ]
    with _one_error(problems, where):
        values = read_short_term(content)
    _say(part_notes(ShortTerm, content, where))
    return values


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
    content, problems = plain_copy({} if section is None else section)
    with _one_error(problems, where):
        system = read_neuromodulation(content)
    _say(modulator_notes(system, where))
    return system


def read_whole(content: Any) -> Config:
    """A configuration from plain JSON; what is wrong within and between its sections comes at once."""
    found: list[Problem] = []
    try:
        config = read_sections(content)
    except ValidationError as error:
        found = problems_in(error)
    if isinstance(content, dict):
        found += check_together(content, tuple(found))
    if found:
        raise Wrong(found)
    return config


@contextmanager
def _one_error(read: Iterable[Problem] = (), where: str = "") -> Iterator[None]:
    """What is wrong in the block, as one error; with what reading found wrong at other places."""
    found: list[Problem] = []
    try:
        yield
    except (Wrong, ValidationError) as error:
        found += problems_in(error)
    named = {problem.place for problem in found}
    found += (problem for problem in read if problem.place not in named)
    if found:
        raise config_error(found, where)


def _say(notes: Iterable[str]) -> None:
    """Each note as one warning, at the line of the user's that led here."""
    for note in notes:
        say(note)
