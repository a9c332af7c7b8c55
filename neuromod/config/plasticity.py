"""The parts of the section ``plasticity`` that stand beside its rule: short-term plasticity, homeostatic scaling,
metaplasticity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from neuromod.config.read import join, shown
from neuromod.config.sections import Section, validated

__all__ = [
    "PARTS",
    "HomeostaticKeys",
    "ShortTermKeys",
    "checked_homeostatic",
    "checked_short_term",
    "look_at_rest",
]

PARTS = ("homeostatic", "metaplasticity", "short_term")
"""Keys of the section ``plasticity`` that hold a part of their own."""

Duration = Annotated[float, Field(ge=0.0)]
_MS: dict[str, Any] = {"unit": "ms"}
Span = Annotated[float, Field(gt=0.0, json_schema_extra={"unit": "ms"})]
Rate = Annotated[float, Field(gt=0.0, json_schema_extra={"unit": "Hz"})]

# Fits of Tsodyks, Pawelzik & Markram (1998), figure 1: U, tau_rec (ms), tau_facil (ms).
KINDS = {"depressing": (0.5, 800.0, 0.0), "facilitating": (0.03, 130.0, 530.0)}
# Names that keys of these parts have elsewhere.
_ALIASES = {"default_type": "kind", "time_window": "tau", "scaling_rate": "strength"}


class ShortTermKeys(Section):
    """The keys of ``plasticity.short_term``.

    Parameters
    ----------
    enabled : bool, default True
    kind : {"depressing", "facilitating"}, default "depressing"
        What the others are by default: U 0.5, tau_rec 800 ms, tau_facil 0; or U 0.03, 130 ms, 530 ms.
    U : float, > 0 and <= 1, optional
        Share of the resources that a first spike releases.
    tau_rec : float, ms, >= 0, optional
        Time constant of recovery.
    tau_facil : float, ms, >= 0, optional
        Time constant of facilitation; 0: none.
    """

    model_config = ConfigDict(extra="ignore")

    enabled: bool = Field(default=True, description="Whether efficacies change.")
    kind: Literal["depressing", "facilitating"] = Field(
        default="depressing", description="Sets the defaults of the others."
    )
    U: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(
        default=None, description="Share of the resources that a first spike releases."
    )
    tau_rec: Duration | None = Field(
        default=None, description="Time constant of recovery.", json_schema_extra=_MS
    )
    tau_facil: Duration | None = Field(
        default=None, description="Time constant of facilitation; 0: none.", json_schema_extra=_MS
    )


class HomeostaticKeys(Section):
    """The keys of ``plasticity.homeostatic``.

    Parameters
    ----------
    enabled : bool, default True
    target_rate : float, Hz, > 0, default 5
        Rate that the targets are held to.
    tau : float, ms, > 0, default 5000
        Time constant of the average rate.
    strength : float, 0 to 1, default 0.01
        Share by which weights grow in one scaling where the target is silent, or shrink where it fires twice as
        much as it should.
    every : float, ms, > 0, default 1000
        Time from one scaling to the next; rounded to whole steps.
    """

    model_config = ConfigDict(extra="ignore")

    enabled: bool = Field(default=True, description="Whether weights are scaled.")
    target_rate: Rate = Field(default=5.0, description="Rate that the targets are held to.")
    tau: Span = Field(default=5000.0, description="Time constant of the average rate.")
    strength: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.01, description="Share by which weights grow in one scaling where the target is silent."
    )
    every: Span = Field(default=1000.0, description="Time from one scaling to the next.")


def checked_short_term(
    section: Any, where: str, problems: list[str], notes: list[str]
) -> dict[str, float] | None:
    """The part ``short_term``, complete; None where it is off or wrong.

    Parameters
    ----------
    section : object
        Plain JSON: an object, or whether it is on.
    where : str
        JSON path of `section`.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    dict of str to float, or None
        ``U``, ``tau_rec`` and ``tau_facil``.
    """
    given = _own_keys(section, ShortTermKeys, where, notes)
    if given is None:
        return None
    keys = validated(ShortTermKeys, given, where, problems)
    if keys is None or not keys.enabled:
        return None
    values = zip((keys.U, keys.tau_rec, keys.tau_facil), KINDS[keys.kind], strict=True)
    return dict(zip(("U", "tau_rec", "tau_facil"), (b if a is None else a for a, b in values), strict=True))


def checked_homeostatic(
    section: Any, where: str, problems: list[str], notes: list[str]
) -> dict[str, float] | None:
    """The part ``homeostatic``, complete; None where it is off or wrong.

    Parameters
    ----------
    section : object
        Plain JSON: an object, or whether it is on.
    where : str
        JSON path of `section`.
    problems : list of str
        Gets one entry for each problem.
    notes : list of str
        Gets one entry for each warning.

    Returns
    -------
    dict of str to float, or None
        ``target_rate``, ``tau``, ``strength`` and ``every``.
    """
    given = _own_keys(section, HomeostaticKeys, where, notes)
    if given is None:
        return None
    keys = validated(HomeostaticKeys, given, where, problems)
    return None if keys is None or not keys.enabled else keys.model_dump(exclude={"enabled"})


def look_at_rest(section: Mapping[str, Any], name: str, where: str, notes: list[str]) -> None:
    """Say what of the section ``plasticity`` is not acted on under its rule.

    Parameters
    ----------
    section : mapping
    name : str
        The rule's registered name, or "none".
    where : str
        JSON path of `section`.
    notes : list of str
        Gets one entry for each warning.
    """
    if name != "bcm" and _is_on(section, "metaplasticity"):
        notes.append(f"{join(where, 'metaplasticity')}: not acted on; the rule 'bcm' has a sliding threshold")
    if name == "none" and _is_on(section, "homeostatic"):
        notes.append(f"{join(where, 'homeostatic')}: not acted on; the rule is 'none'")


def _is_on(section: Mapping[str, Any], part: str) -> bool:
    given = section.get(part, False)
    return given.get("enabled", True) is not False if isinstance(given, dict) else given is not False


def _own_keys(section: Any, cls: type[Section], where: str, notes: list[str]) -> Any:
    """What is given, under our names; None where the part is off. Keys of other tools are named in one warning."""
    if section is None or section is False or section is True:
        return {} if section else None
    if not isinstance(section, dict):
        return section
    if section.get("enabled") is False:  # whatever else stands there is nobody's concern
        return None
    given = {key: value for key, value in section.items() if key in cls.model_fields}
    extra = []
    for key in section:
        name = _ALIASES.get(key)
        if key in given:
            continue
        if name in cls.model_fields and name not in given:
            given[name] = section[key]
            notes.append(f"{join(where, key)}: read as {name}")
        else:
            extra.append(key)
    if extra:
        notes.append(f"{where}: not acted on: {shown(', '.join(extra[:20]))[1:-1]}")
    return given
