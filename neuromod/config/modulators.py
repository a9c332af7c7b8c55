"""The section ``neuromodulation`` and what refers to it: registered modulators, declared ones, release, receptors.

A registered modulator's parameters are those of its C file. A declared one has no C file: its response, targets and
kinetics stand in the configuration, and its parameters are those that the core has for that response.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from neuromod import _core
from neuromod.config.checks import add_no_such, column
from neuromod.config.read import join, shown
from neuromod.config.sections import Name, Section, add_unknown_key, validated
from neuromod.config.tables import add_unknown_name, checked_values, defaults_of, unit_doubts

__all__ = [
    "COMMON",
    "DECLARED_NAME",
    "MAX_MODULATORS",
    "OFFSET",
    "RESERVED",
    "TAU",
    "NeuromodulationKeys",
    "ReleaseKeys",
    "check_references",
    "checked_neuromodulation",
]

COMMON = ("baseline", "decay_rate", "sensitivity")
"""Parameters that stand beside a declared modulator's response; the others stand inside."""
TAU = {"unit": "ms", "domain": "NM_POSITIVE", "default": 10.0, "doc": "In place of decay_rate."}
OFFSET = {
    "unit": "1",
    "domain": "NM_ANY",
    "default": 1.0,
    "doc": "Factor at a response of 0; thresholds have none.",
}
MAX_MODULATORS = 64
"""Modulators of one system: each costs every region a number and every step a multiplication."""
DECLARED_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = (
    "add_release",
    "set_diffusion",
    "enabled",
    "event",
    "from_dict",
    "get_state",
    "level",
    "modulate_learning",
    "modulate_neuron_update",
    "names",
    "process_punishment",
    "process_reward",
    "process_uncertainty",
    "regions",
    "releases",
    "reset",
    "step",
    "to_dict",
)
"""What a system has under names of its own, which no modulator may take."""


class NeuromodulationKeys(Section):
    """The keys of the section ``neuromodulation`` besides the modulators.

    Parameters
    ----------
    enabled : bool, default True
        Whether modulators act.
    """

    enabled: bool = Field(default=True, description="Whether modulators act.")


Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]


class ReleaseKeys(Section):
    """The key ``release`` of a modulator, or an entry of it.

    Parameters
    ----------
    areas : array of str
        Areas whose spikes release the modulator.
    amount : float, no unit
        What one spike adds to the level of each of the regions; divided by nothing.
    regions : array of str, optional
        Default: all.
    """

    areas: Names = Field(description="Areas whose spikes release the modulator.")
    amount: float = Field(description="What one spike adds to the level of each region; divided by nothing.")
    regions: Names | None = Field(default=None, description="Regions that they project to. Default: all.")


_DECLARES = ("response", "targets")
_DECLARED_KEYS = (*COMMON, "tau", "response", "targets", "offset", "release")


def checked_neuromodulation(
    section: Any, where: str, problems: list[str], notes: list[str]
) -> dict[str, Any]:
    """The section ``neuromodulation``: ``enabled`` and every modulator that a system has, complete.

    Parameters
    ----------
    section : object
        Plain JSON.
    where : str
        JSON path of `section`.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    dict
    """
    registered = _core.modulators()
    if not isinstance(section, dict):
        problems.append(f"{where}: must be an object; got {shown(section)}")
        section = {}
    fixed = {key: value for key, value in section.items() if key in NeuromodulationKeys.model_fields}
    keys = validated(NeuromodulationKeys, fixed, where, problems)
    system: dict[str, Any] = {"enabled": keys is None or keys.enabled}
    for name, about in registered.items():
        if name in section or not about["optional"]:
            given, table = section.get(name, {}), {**about["params"], "tau": TAU}
            system[name] = _modulator(given, table, ("release",), f"{where}.{name}", problems, notes)
    for key, given in section.items():
        if key in fixed or key in registered:
            continue
        if not isinstance(given, dict) or not any(word in given for word in _DECLARES):
            known = [*NeuromodulationKeys.model_fields, *registered]
            add_unknown_key(problems, where, key, known)
            if isinstance(given, dict) and "did you mean" not in problems[-1]:
                problems[-1] += "; one that is declared here has a response and targets"
        elif _is_free(key, where, problems):
            system[key] = _declared(given, join(where, key), problems, notes)
    if len(system) - 1 > MAX_MODULATORS:
        problems.append(f"{where}: must be at most {MAX_MODULATORS} modulators; got {len(system) - 1}")
    return system


def _is_free(name: str, where: str, problems: list[str]) -> bool:
    """Whether a modulator may have that name: it becomes an attribute of the system."""
    if DECLARED_NAME.fullmatch(name) and name not in RESERVED:
        return True
    rule = "differ from what a system has" if name in RESERVED else "be a name of small letters, digits and _"
    problems.append(f"{join(where, name)}: must {rule}; got {shown(name)}")
    return False


def _modulator(
    given: Any,
    table: Mapping[str, Any],
    others: Iterable[str],
    where: str,
    problems: list[str],
    notes: list[str],
) -> dict[str, Any]:
    """Those parameters of a modulator that `table` has, complete, and its release. `others`: further keys."""
    if not isinstance(given, dict):
        problems.append(f"{where}: must be an object; got {shown(given)}")
        return {}
    for key in given:
        if key not in table and key not in others:
            add_unknown_key(problems, where, key, [*table, *others])
    values = checked_values({k: v for k, v in given.items() if k in table}, table, where, problems)
    notes += unit_doubts(values, table, where)
    if "tau" in given and "decay_rate" in given:
        problems.append(
            f"{where}: must have decay_rate or tau, not both; "
            f"got {shown(given['decay_rate'])} and {shown(given['tau'])} ms"
        )
    defaults = defaults_of(table)
    defaults.pop("decay_rate" if "tau" in given else "tau")
    found: dict[str, Any] = {**defaults, **values}
    if "release" in given:
        found["release"] = _releases(given["release"], f"{where}.release", problems)
    return found


def _releases(given: Any, where: str, problems: list[str]) -> list[dict[str, Any]]:
    """One release or an array of them, as a list."""
    several = isinstance(given, list)
    found = []
    for k, entry in enumerate(given if several else [given]):
        keys = validated(ReleaseKeys, entry, join(where, k) if several else where, problems)
        if keys is not None:
            regions = None if keys.regions is None else list(keys.regions)
            found.append({"areas": list(keys.areas), "amount": keys.amount, "regions": regions})
    return found


# ---- declared modulators -----------------------------------------------------------------------------------


def _declared(given: dict[str, Any], where: str, problems: list[str], notes: list[str]) -> dict[str, Any]:
    """A modulator that stands in the configuration alone, complete."""
    table = next(iter(_core.responses().values()))["params"]
    beside = {**{name: table[name] for name in COMMON}, "tau": TAU, "offset": OFFSET}
    others = [key for key in _DECLARED_KEYS if key not in beside]
    found = _modulator(given, beside, others, where, problems, notes)
    found["response"] = _response(given, where, problems)
    found["targets"] = _targets(given, where, problems)
    return found


def _response(given: dict[str, Any], where: str, problems: list[str]) -> dict[str, dict[str, float]]:
    """The one response with its parameters, complete."""
    kinds = _core.responses()
    if "response" not in given:
        problems.append(f"{where}.response: is required; got nothing")
        return {}
    response, where = given["response"], f"{where}.response"
    if not isinstance(response, dict) or len(response) != 1:
        problems.append(f"{where}: must be an object with one of {', '.join(kinds)}; got {shown(response)}")
        return {}
    [(kind, values)] = response.items()
    if kind not in kinds:
        add_unknown_key(problems, where, kind, kinds)
        return {}
    if not isinstance(values, dict):
        problems.append(f"{where}.{kind}: must be an object; got {shown(values)}")
        return {}
    table = {name: field for name, field in kinds[kind]["params"].items() if name not in COMMON}
    return {kind: {**defaults_of(table), **checked_values(values, table, f"{where}.{kind}", problems)}}


def _targets(given: dict[str, Any], where: str, problems: list[str]) -> list[str]:
    known = list(_core.target_names())
    if "targets" not in given:
        problems.append(f"{where}.targets: is required; got nothing")
        return []
    targets, where = given["targets"], f"{where}.targets"
    if not isinstance(targets, list) or not 1 <= len(targets) <= len(known):
        problems.append(
            f"{where}: must be an array of one or more of {', '.join(known)}; got {shown(targets)}"
        )
        return []
    for k, target in enumerate(targets):
        if not isinstance(target, str) or target not in known:
            add_unknown_name(problems, f"{where}[{k}]", target, "a target", known)
        elif target in targets[:k]:
            problems.append(f"{where}[{k}]: must not stand twice; got {shown(target)}")
    return targets


# ---- what refers to areas, regions and modulators ----------------------------------------------------------


def check_references(system: Mapping[str, Any], raw: Mapping[str, Any], problems: list[str]) -> None:
    """Whether releases name areas and regions that there are, and areas' receptors modulators.

    Parameters
    ----------
    system : mapping
        From `checked_neuromodulation`.
    raw : mapping
        The whole configuration as it came.
    problems : list of str
        Gets one entry for each problem.
    """
    areas = [name for name in column(raw.get("areas"), "name") if isinstance(name, str)]
    regions = [name for name in column(raw.get("areas"), "region") if isinstance(name, str)]
    if None in column(raw.get("areas"), "region"):
        regions.append("global")
    modulators = [name for name in system if name != "enabled"]
    for name in modulators:
        given = raw["neuromodulation"].get(name, {}) if system[name].get("release") else {}
        several = isinstance(given.get("release"), list)
        for k, release in enumerate(system[name].get("release", ())):
            where = f"neuromodulation.{name}.release" + (f"[{k}]" if several else "")
            for key, what, known in (
                ("areas", "the name of an area", areas),
                ("regions", "a region of an area", regions),
            ):
                for j, wanted in enumerate(release[key] or ()):
                    if known and wanted not in known:
                        add_no_such(problems, f"{where}.{key}[{j}]", what, wanted, list(dict.fromkeys(known)))
    for k, receptors in enumerate(column(raw.get("areas"), "receptors")):
        for name in receptors if isinstance(receptors, dict) else ():
            if name not in modulators:
                add_unknown_key(problems, f"areas[{k}].receptors", name, modulators)
