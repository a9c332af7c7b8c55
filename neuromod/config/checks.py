"""What two sections must be together: areas and lattice, areas and each other, senses, releases, receptors.

The functions look at the plain content, so that what is wrong in one key does not hide what is wrong in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np

from neuromod.config.modulators import modulator_names
from neuromod.config.problems import Problems, join, shown
from neuromod.config.sections import AXES, MAX_AREAS, Sense

MAX_SITES = 2**31 - 1
"""Sites of one area: positions of neurons are 32-bit integers."""
MAX_KEYS = 100
"""Keys of a sense among which misspelt ones are looked for."""

Place = tuple[int | str, ...]


def check_together(content: Mapping[str, Any], wrong: Set[Place], problems: Problems) -> None:
    """Add what is wrong between sections; `wrong` are the places that have an error in or below them."""
    shape = content.get("lattice_shape") if ("lattice_shape",) not in wrong else None
    areas = _right_areas(content.get("areas"), shape, wrong, problems)
    _check_overlaps(areas, problems)
    _check_senses(content, areas, problems)
    _check_releases(content, wrong, problems)
    modulators = modulator_names(content.get("neuromodulation"))
    for k, receptors in enumerate(_column(content, "receptors")):
        for name in receptors if isinstance(receptors, dict) else ():
            if name not in modulators:
                problems.unknown_key(f"areas[{k}].receptors", name, modulators)


def _column(content: Mapping[str, Any], key: str) -> list[Any]:
    """One key of every area, also of those that are wrong; None where there is no such key."""
    areas = content.get("areas")
    areas = areas if isinstance(areas, list) else []
    return [entry.get(key) if isinstance(entry, dict) else None for entry in areas]


def _texts(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


# ---- areas -------------------------------------------------------------------------------------------------


def _right_areas(
    section: Any, shape: list[int] | None, wrong: Set[Place], problems: Problems
) -> dict[int, dict[str, Any]]:
    """Those areas that are right, by position; what is wrong with their names and ranges is added."""
    right: dict[int, dict[str, Any]] = {}
    first_of: dict[str, int] = {}
    for k, entry in enumerate(section if isinstance(section, list) and len(section) <= MAX_AREAS else ()):
        if not isinstance(entry, dict):
            continue
        before, name = len(problems), entry.get("name")
        if isinstance(name, str) and first_of.setdefault(name, k) != k:
            problems.add(f"areas[{k}].name", f"must differ from areas[{first_of[name]}].name", shown(name))
        _check_ranges(entry.get("coord_ranges"), shape, f"areas[{k}].coord_ranges", problems)
        if len(problems) == before and ("areas", k) not in wrong:
            right[k] = entry
    return right


def _check_ranges(ranges: Any, shape: list[int] | None, where: str, problems: Problems) -> None:
    """Each range goes from low to high and lies in the lattice, and the sites can be numbered."""
    before, n_sites = len(problems), 1
    for position, axis in enumerate(AXES if isinstance(ranges, dict) else ()):
        pair = ranges.get(axis)
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair)):
            continue
        low, high = pair
        n_sites *= high - low + 1
        if low > high:
            problems.add(f"{where}.{axis}", "must go from low to high", shown(pair))
        elif shape is not None and shape[position] <= high <= MAX_SITES:
            problems.add(
                f"{where}.{axis}", f"must lie in the lattice, 0 .. {shape[position] - 1}", shown(pair)
            )
    if len(problems) == before and n_sites > MAX_SITES:
        problems.add(where, f"must hold at most {MAX_SITES} sites", shown(n_sites))


def _check_overlaps(areas: Mapping[int, Mapping[str, Any]], problems: Problems) -> None:
    """No site in two areas: it would get two neurons, or which area its neuron is in would depend on the order."""
    positions = list(areas)
    ranges = [[areas[k]["coord_ranges"][axis] for axis in AXES] for k in positions]
    bounds = np.array(ranges, dtype=np.int64).reshape(-1, 4, 2)
    low, high = bounds[:, :, 0], bounds[:, :, 1]
    for row in range(1, len(positions)):
        shared = np.all((low[:row] <= high[row]) & (low[row] <= high[:row]), axis=1)
        if shared.any():
            first = int(np.argmax(shared))
            both = zip(
                AXES, np.maximum(low[first], low[row]), np.minimum(high[first], high[row]), strict=True
            )
            name = shown(areas[positions[first]]["name"])
            problems.add(
                f"areas[{positions[row]}].coord_ranges",
                f"must not share sites with areas[{positions[first]}] ({name})",
                ", ".join(f"{axis} {a} .. {b}" for axis, a, b in both) + " in both",
            )


# ---- senses ------------------------------------------------------------------------------------------------


def _check_senses(
    content: Mapping[str, Any], areas: Mapping[int, Mapping[str, Any]], problems: Problems
) -> None:
    """Senses name areas that there are, and areas senses; a position on the w axis is one of the area's."""
    section = content.get("senses", {})
    if not isinstance(section, dict):
        return
    by_name = {area["name"]: area for area in areas.values()}
    names = _texts(_column(content, "name"))
    for name, entry in section.items():
        if not isinstance(entry, dict):
            continue
        where = join("senses", name)
        _check_spelling(entry, where, problems)
        areal, w = entry.get("areal"), entry.get("w_index")
        if isinstance(areal, str) and names and areal not in names:
            problems.no_such(f"{where}.areal", areal, "the name of an area", names)
        elif isinstance(areal, str) and areal in by_name and type(w) is int and w >= 0:
            low, high = by_name[areal]["coord_ranges"]["w"]
            if not low <= w <= high:
                rule = f"must lie in the area's range of w, {low} .. {high}"
                problems.add(f"{where}.w_index", rule, shown(w))
    for k, given in enumerate(_column(content, "sense")):
        if "senses" in content and isinstance(given, str) and given not in section:
            problems.no_such(f"areas[{k}].sense", given, "the name of a sense", section)


def _check_spelling(entry: Mapping[str, Any], where: str, problems: Problems) -> None:
    """Senses carry keys of other tools; one that is near to a key of ours is a mistake."""
    for key in entry if len(entry) <= MAX_KEYS else ():
        near = problems.near(key, Sense.known) if key not in Sense.known else None
        if near is not None and near not in entry:
            problems.unknown_key(where, key, Sense.known)


# ---- what refers to areas and regions ----------------------------------------------------------------------


def _check_releases(content: Mapping[str, Any], wrong: Set[Place], problems: Problems) -> None:
    """Releases name areas and regions that there are."""
    regions = _column(content, "region")
    named = _texts(regions) + (["global"] if None in regions else [])
    known = {
        "areas": ("the name of an area", dict.fromkeys(_texts(_column(content, "name")))),
        "regions": ("a region of an area", dict.fromkeys(named)),
    }
    for place, release in _releases(content.get("neuromodulation")):
        for key, (what, names) in known.items():
            for j, wanted in enumerate((place not in wrong and release.get(key)) or ()):
                if names and wanted not in names:
                    problems.no_such(join("", *place, key, j), wanted, what, names)


def _releases(section: Any) -> Iterator[tuple[Place, Any]]:
    """The place of each release, and the release."""
    for name in modulator_names(section) if isinstance(section, dict) else ():
        given = section.get(name)
        release = given.get("release", []) if isinstance(given, dict) else []
        place = ("neuromodulation", name, "release")
        if isinstance(release, list):
            yield from (((*place, k), entry) for k, entry in enumerate(release))
        else:
            yield place, release
