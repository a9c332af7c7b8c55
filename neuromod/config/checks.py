"""What sections must be together: areas and lattice, areas and each other, senses, releases, receptors.

The functions look at the plain content, so that what is wrong in one key does not hide what is wrong in another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any

import numpy as np

from neuromod.config.keys import registered
from neuromod.config.modulators import known_modulators, modulator_names
from neuromod.config.sections import AXES, MAX_AREAS, NEURON_MODELS
from neuromod.problems import KNOWN_KEYS, KNOWN_NAMES, Place, Problem, shown

MAX_SITES = 2**31 - 1
"""Sites of one area: positions of neurons are 32-bit integers."""


def check_together(content: Mapping[str, Any], found: Collection[Problem]) -> Iterator[Problem]:
    """What is wrong between sections; `found` is what is wrong within them."""
    wrong = {problem.place[:n] for problem in found for n in range(len(problem.place) + 1)}
    shape = content.get("lattice_shape") if ("lattice_shape",) not in wrong else None
    areas: dict[int, dict[str, Any]] = {}
    yield from _check_areas(content, shape, wrong, areas)
    yield from _check_overlaps(areas)
    if ("simulation",) not in wrong and ("neuron_model",) not in wrong:
        yield from _check_steps(content, areas)
    yield from _check_senses(content, {area["name"]: area for area in areas.values()})
    modulators = modulator_names(content.get("neuromodulation"))
    yield from _check_releases(content, modulators, wrong)
    for k, receptors in enumerate(_column(content, "receptors")):
        for name in _object(receptors):
            if name not in modulators:
                place = ("areas", k, "receptors", name)
                yield Problem(place, "unknown key", known=modulators, far=KNOWN_KEYS)
    acting, known = (
        _object(content.get("plasticity")).get("modulators"),
        known_modulators(content.get("neuromodulation")),
    )
    for k, name in enumerate(_names(acting) if isinstance(acting, list) else ()):
        if name not in known:
            yield Problem(("plasticity", "modulators", k), "must be a modulator", name, known, KNOWN_NAMES)


def _check_steps(content: Mapping[str, Any], areas: Mapping[int, Mapping[str, Any]]) -> Iterator[Problem]:
    """Neurons that the step of the file does not serve: of a model whose cost grows with it, or too fast for it."""
    common, dt = _object(content.get("neuron_model")), _object(content.get("simulation")).get("dt")
    if dt is None:  # whoever simulates gives it
        return
    for k, area in areas.items():
        model = registered(area.get("model") or common.get("type", "lif"), NEURON_MODELS)
        assert model is not None  # wrong names are among `found`, and such sections are left out
        about, own = NEURON_MODELS[model], _object(area.get("params"))
        longest, name = about["longest_step"], about["bounded_rate"]
        if longest and dt > longest:
            rule = f"must be at most {longest:g} ms for {model} neurons, as areas[{k}] has them"
            yield Problem(("simulation", "dt"), rule, dt)
            return
        if name is None:
            continue
        shared = {} if area.get("model") else _object(common.get("params_default"))
        rate = own.get(name, shared.get(name, about["params"][name]["default"]))
        if rate * (dt / 1000.0) > 1.0 + 1e-12:
            if name in own:
                yield Problem(
                    ("areas", k, "params", name), f"must be at most 1000 / dt = {1000.0 / dt:g} Hz", rate
                )
            else:
                rule = f"must be at most {1000.0 / rate:g} ms for {model} neurons of {rate:g} Hz"
                yield Problem(("simulation", "dt"), f"{rule}, as areas[{k}] has them", dt)


def _column(content: Mapping[str, Any], key: str) -> list[Any]:
    """One key of every area, also of those that are wrong; None where there is no such key."""
    areas = content.get("areas")
    entries = areas if isinstance(areas, list) else ()
    return [entry.get(key) if isinstance(entry, dict) else None for entry in entries]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(values: list[Any]) -> list[str]:
    """The texts among these, each once."""
    return list(dict.fromkeys(value for value in values if isinstance(value, str)))


def _check_areas(
    content: Mapping[str, Any], shape: list[int] | None, wrong: Set[Place], right: dict[int, dict[str, Any]]
) -> Iterator[Problem]:
    """Names and ranges of the areas; `right` gets those areas that are right, by position."""
    areas = content.get("areas")
    first_of: dict[str, int] = {}
    for k, area in enumerate(areas if isinstance(areas, list) and len(areas) <= MAX_AREAS else ()):
        if not isinstance(area, dict):
            continue
        name, ranges = area.get("name"), area.get("coord_ranges")
        found = list(_check_ranges(_object(ranges), shape, ("areas", k, "coord_ranges")))
        if isinstance(name, str) and first_of.setdefault(name, k) != k:
            rule = f"must differ from areas[{first_of[name]}].name"
            found.append(Problem(("areas", k, "name"), rule, name))
        if not found and ("areas", k) not in wrong:
            right[k] = area
        yield from found


def _check_ranges(ranges: Mapping[str, Any], shape: list[int] | None, place: Place) -> Iterator[Problem]:
    """Each range goes from low to high and lies in the lattice, and the sites can be numbered."""
    fits, n_sites = True, 1
    for position, axis in enumerate(AXES):
        pair = ranges.get(axis)
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair)):
            continue
        low, high = pair
        n_sites *= high - low + 1
        if low > high:
            fits = False
            yield Problem((*place, axis), "must go from low to high", pair)
        elif shape is not None and shape[position] <= high <= MAX_SITES:
            fits = False
            yield Problem((*place, axis), f"must lie in the lattice, 0 .. {shape[position] - 1}", pair)
    if fits and n_sites > MAX_SITES:
        yield Problem(place, f"must hold at most {MAX_SITES} sites", n_sites)


def _check_overlaps(areas: Mapping[int, Mapping[str, Any]]) -> Iterator[Problem]:
    """No site in two areas: it would get two neurons, or which area its neuron is in would depend on the order."""
    positions = list(areas)
    ranges = [[area["coord_ranges"][axis] for axis in AXES] for area in areas.values()]
    low, high = np.array(ranges, dtype=np.int64).reshape(-1, 4, 2).transpose(2, 0, 1)
    for row in range(1, len(positions)):
        shared = np.all((low[:row] <= high[row]) & (low[row] <= high[:row]), axis=1)
        if shared.any():
            first = int(np.argmax(shared))
            ends = zip(np.maximum(low[first], low[row]), np.minimum(high[first], high[row]), strict=True)
            came = ", ".join(f"{axis} {a} .. {b}" for axis, (a, b) in zip(AXES, ends, strict=True))
            other = f"areas[{positions[first]}] ({shown(areas[positions[first]]['name'])})"
            place = ("areas", positions[row], "coord_ranges")
            yield Problem(place, f"must not share sites with {other}; got {came} in both")


def _check_senses(content: Mapping[str, Any], areas: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Senses name areas that there are, and areas senses; a position on the w axis is one of the area's."""
    section = content.get("senses", {})
    if not isinstance(section, dict):
        return
    names = _names(_column(content, "name"))
    for name, sense in section.items():
        place, areal, w = ("senses", name), _object(sense).get("areal"), _object(sense).get("w_index")
        if isinstance(areal, str) and names and areal not in names:
            yield Problem((*place, "areal"), "must be the name of an area", areal, names, KNOWN_NAMES)
        elif isinstance(areal, str) and areal in areas and type(w) is int and w >= 0:
            low, high = areas[areal]["coord_ranges"]["w"]
            if not low <= w <= high:
                yield Problem((*place, "w_index"), f"must lie in the area's range of w, {low} .. {high}", w)
    for k, name in enumerate(_column(content, "sense")):
        if "senses" in content and isinstance(name, str) and name not in section:
            yield Problem(("areas", k, "sense"), "must be the name of a sense", name, section, KNOWN_NAMES)


def _check_releases(
    content: Mapping[str, Any], modulators: list[str], wrong: Set[Place]
) -> Iterator[Problem]:
    """Releases name areas and regions that there are."""
    areas, regions = _names(_column(content, "name")), _names(_column(content, "region"))
    if not areas or None in _column(content, "region"):
        regions.append("global")
    unsure = ("areas",) in wrong
    known = {"areas": ("the name of an area", areas), "regions": ("a region of an area", regions)}
    for name in modulators:
        modulator = _object(_object(content.get("neuromodulation")).get(name))
        several = modulator.get("release", [])
        place: Place = ("neuromodulation", name, "release")
        places: list[tuple[Place, Any]] = [(place, several)]
        if isinstance(several, list):
            places = [((*place, k), one) for k, one in enumerate(several)]
        for key, (what, names) in known.items():
            for where, release in places if names or not unsure else ():
                for j, wanted in enumerate(release.get(key) or () if where not in wrong else ()):
                    if wanted not in names:
                        yield Problem((*where, key, j), f"must be {what}", wanted, names, KNOWN_NAMES)
