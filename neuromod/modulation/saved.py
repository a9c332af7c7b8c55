"""The state of a system of modulators: what is saved of it, and the way back, on which everything is checked."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Mapping
from typing import Any

import numpy as np

from neuromod import _core
from neuromod.errors import ConfigError
from neuromod.problems import join, shown
from neuromod.state import SavedPart, check_seal

__all__ = ["checked_levels", "levels_state"]

_MOST_MODULATORS = 64
_MOST_REGIONS = 2**20
_PARTS = ("regions", "enabled", "names", "modulators", "declared", "releases", "diffusion")
_LARGEST = 1.7976931348623157e308
_LIMITS = {
    "NM_ANY": (-_LARGEST, _LARGEST),
    "NM_POSITIVE": (5e-324, _LARGEST),
    "NM_NON_NEGATIVE": (0.0, _LARGEST),
    "NM_UNIT_INTERVAL": (0.0, 1.0),
}


def levels_state(levels: _core.Levels) -> dict[str, Any]:
    """Levels, parameters, declarations, releases and diffusion as plain lists and numbers."""
    registered, level = (
        _core.modulators(),
        levels.level,
    )  # at once: another thread may read while a run goes on
    modulators = {}
    for m, name in enumerate(levels.names):
        numbers = zip(levels.tables[name]["params"].items(), levels.params[m].tolist(), strict=False)
        params = {key: _core.field_value(field, number) for (key, field), number in numbers}
        del params["baseline"]  # stands beside, by region
        tau = float(levels.tau[m])
        modulators[name] = {
            "params": params,
            "tau": None if np.isnan(tau) else tau,
            "baseline": levels.baseline[:, m].tolist(),
            "level": level[:, m].tolist(),
            **({"neutral": True} if levels.neutral[m] else {}),
            **_clamped(levels.clamped[:, m].tolist()),
        }
    own = {name: levels.tables[name] for name in levels.names if name not in registered}
    return {
        "regions": list(levels.regions),
        "enabled": bool(levels.enabled),
        "names": list(levels.names),
        "modulators": modulators,
        "declared": {
            name: {
                "response": about["response"],
                "targets": list(about["targets"]),
                "offset": about["offset"],
            }
            for name, about in own.items()
        },
        "releases": copy.deepcopy(levels.releases),
        "diffusion": {
            name: {"rate": rate, "neighbours": pairs.tolist()}
            for name, (rate, pairs, _) in levels.spread.items()
        },
    }


def _clamped(column: list[float]) -> dict[str, Any]:
    """Levels that are held, None where a region is free; nothing where all are."""
    held = [None if np.isnan(level) else level for level in column]
    return {"clamped": held} if any(level is not None for level in held) else {}


def checked_levels(state: Any, where: str) -> _core.Levels:
    """The levels of a state as `levels_state` gives it, with or without the sum."""
    part = SavedPart(state, where)
    part.only(*_PARTS, "version", "sha256")
    part.has(*_PARTS)
    part.finish()
    content = {name: state[name] for name in _PARTS}
    check_seal(content, state.get("version"), state.get("sha256"), where)
    regions = _names(part, "regions", _MOST_REGIONS)
    declared = _declared(part.part("declared"))
    names = _names(part, "names", _MOST_MODULATORS, [*_core.modulators(), *declared])
    if not isinstance(state["enabled"], bool):
        part.wrong("enabled", "must be true or false", state["enabled"])
    part.finish()
    levels = _core.Levels(names, tuple(regions), state["enabled"], declared)
    modulators = part.part("modulators")
    modulators.has(*names)
    modulators.only(*names)
    part.finish()
    for m, name in enumerate(names):
        _fill(levels, m, modulators.part(name))
    _fill_releases(levels, part)
    _fill_diffusion(levels, part.part("diffusion"))
    part.finish()
    _check_neutral(levels, where)
    return levels


def _names(
    part: SavedPart, name: str, most: int, known: list[str] | None = None, differ: bool = True
) -> list[str]:
    """Texts, one or more where it is not said which are known."""
    value = part.value[name]
    least = 1 if known is None else 0
    texts = isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)
    if not texts or not least <= len(value) <= most or (differ and len(set(value)) != len(value)):
        part.wrong(name, f"must be {least} to {most} {'different ' if differ else ''}names", value)
        return []
    for text in value:
        if known is not None and text not in known:
            part.wrong(name, f"must be of {', '.join(known)}", text)
    return list(value)


def _declared(part: SavedPart) -> dict[str, dict[str, Any]]:
    """Modulators without a C file."""
    from neuromod.config.modulators import DECLARED_NAME, RESERVED

    found = {}
    for name in part.value:
        if not isinstance(name, str) or not DECLARED_NAME.fullmatch(name) or name in RESERVED:
            part.problems.append(f"{part.where}: must have names of modulators; got {shown(name)}")
            continue
        if name in _core.modulators():
            part.wrong(name, "must not be a registered modulator", name)
        about = part.part(name)
        about.only("response", "targets", "offset")
        response, offset = (
            about.choice("response", [*_core.responses()]),
            about.number("offset", -_LARGEST, _LARGEST),
        )
        targets = _names(about, "targets", 64, list(_core.target_names())) if about.has("targets") else []
        if about.is_there and not targets:
            about.wrong("targets", "must be one or more", about.value.get("targets"))
        found[name] = {"response": response, "targets": targets, "offset": offset}
    return found


def _fill(levels: _core.Levels, m: int, part: SavedPart) -> None:
    """Parameters, kinetics, baseline, level and neutrality of modulator m."""
    part.only("params", "tau", "baseline", "level", "neutral", "clamped")
    table = levels.tables[levels.names[m]]["params"]
    own = part.part("params")
    own.only(*(name for name in table if name != "baseline"))
    for k, (name, field) in enumerate(table.items()):
        if name == "baseline":  # stands beside, by region
            continue
        words = field.get("words")
        value = own.choice(name, words) if words else own.number(name, *_LIMITS[field["domain"]])
        if value is not None:
            levels.params[m, k] = _core.field_number(field, value)
    if part.has("tau") and part.value["tau"] is not None:
        tau = part.number("tau", 5e-324, _LARGEST)
        levels.tau[m] = np.nan if tau is None else tau
    for name, rows in (("baseline", levels.baseline), ("level", levels.level)):
        each: Any = part.value[name] if part.has(name) else None
        numbers = isinstance(each, list | tuple) and all(type(v) in (int, float) for v in each)
        if not numbers or len(each) != len(levels.regions) or not all(0.0 <= v <= 1.0 for v in each):
            part.wrong(name, f"must be {len(levels.regions)} numbers from 0 to 1, one a region", each)
        else:
            rows[:, m] = each
    held = part.value.get("clamped", [None] * len(levels.regions))
    numbers = isinstance(held, list | tuple) and all(v is None or type(v) in (int, float) for v in held)
    if not numbers or len(held) != len(levels.regions) or not all(v is None or 0.0 <= v <= 1.0 for v in held):
        part.wrong(
            "clamped", f"must be {len(levels.regions)} numbers from 0 to 1 or null, one a region", held
        )
    else:
        levels.clamped[:, m] = [np.nan if v is None else v for v in held]
    neutral = part.value.get("neutral", False)
    if not isinstance(neutral, bool):
        part.wrong("neutral", "must be true or false", neutral)
    else:
        levels.neutral[m] = neutral


def _check_neutral(levels: _core.Levels, where: str) -> None:
    """A neutral modulator has something to divide by at its baseline."""
    try:
        if np.any(levels.neutral):
            levels.check()
    except ValueError as error:
        raise ConfigError([f"{where}.modulators.{error}"]) from None


def _fill_releases(levels: _core.Levels, part: SavedPart) -> None:
    saved = part.value["releases"]
    if not isinstance(saved, list | tuple):
        part.wrong("releases", "must be a list", saved)
        return
    for k, one in enumerate(saved):
        each = SavedPart(one, join(part.where, "releases", k), part.problems)
        each.only("modulator", "areas", "amount", "regions")
        if not each.has("modulator", "areas", "amount", "regions"):
            continue
        name, amount = each.choice("modulator", levels.names), each.number("amount", -_LARGEST, _LARGEST)
        areas = _names(each, "areas", _MOST_REGIONS, differ=False)
        reached = each.value["regions"]
        if reached is not None:
            reached = _names(each, "regions", _MOST_REGIONS, list(levels.regions), differ=False)
        levels.releases.append({"modulator": name, "areas": areas, "amount": amount, "regions": reached})


def _fill_diffusion(levels: _core.Levels, part: SavedPart) -> None:
    part.only(*levels.names)
    for name in levels.names:
        if name not in part.value:
            continue
        each = part.part(name)
        each.only("rate", "neighbours")
        rate = each.number("rate", 0.0, _LARGEST)
        pairs = each.value["neighbours"] if each.has("neighbours") else None
        most = len(levels.regions) - 1
        if not isinstance(pairs, list | tuple) or not all(_is_pair(pair, most) for pair in pairs):
            each.wrong("neighbours", f"must be pairs of different regions from 0 to {most}", pairs)
        elif rate is not None:
            levels.set_spread(levels.names.index(name), rate, np.array(pairs, np.int32).reshape(-1, 2))


def _is_pair(pair: Any, most: int) -> bool:
    numbers = isinstance(pair, list | tuple) and len(pair) == 2 and all(type(k) is int for k in pair)
    return numbers and all(0 <= k <= most for k in pair) and pair[0] != pair[1]


# ---- pickle and copy: systems, modulators and states that share levels share them again --------------------------


def _levels_again(state: Mapping[str, Any]) -> _core.Levels:
    return checked_levels(state, "levels")


def _reduced(levels: _core.Levels) -> tuple[Any, ...]:
    return _levels_again, (levels_state(levels),)


copyreg.pickle(_core.Levels, _reduced)
