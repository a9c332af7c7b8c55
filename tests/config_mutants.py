"""Random configurations of every section, random changes of them, and whether the path of a message exists."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from neuromod import _core
from neuromod.config import json_schema, load
from neuromod.experiment.section import experiment_schema
from neuromod.problems import join

MODELS, RULES = _core.neuron_models(), {k: v for k, v in _core.plasticity_rules().items() if k != "none"}
RESPONSES = (
    {"linear": {"strength": 0.5}},
    {"power": {}},
    {"hill": {"ec50": 0.4}},
    {"inverted_u": {"peak": 0.3}},
)
SHIPPED = load("brain_base_model.json")[0]


def _keys(schema: Any) -> Iterator[str]:
    """Every name that the schema knows."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}) if isinstance(schema.get("properties"), dict) else ()
        yield from (each for each in schema.get("enum", ()) if isinstance(each, str))
        for inner in schema.values():
            yield from _keys(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _keys(inner)


KEYS = sorted({*_keys(json_schema()), *_keys(experiment_schema())})
ODD_TEXTS = ("", " ", "a.b", "a[0]", "é☃", "\x00", "\ud800", "__class__", "x" * 300, "1", "|", "'\"", "nan")
NUMBERS: tuple[Any, ...] = (
    *(
        0,
        1,
        -1,
        2,
        3,
        5,
        20,
        255,
        2**31 - 1,
        2**31,
        2**53 + 1,
        2**62,
        2**63,
        2**64 - 1,
        2**64,
        10**15,
        10**400,
    ),
    *(0.0, -0.0, 0.5, 1.0, -1.0, 1e-3, 5e-324, 1e-300, 1e12, 1e38, 1e300, 1.7e308, 1e5000, float("nan")),
    *(float("inf"), -float("inf")),
)


# ---- what is right ---------------------------------------------------------------------------------------------------


def _some(draw: random.Random, params: dict[str, Any]) -> dict[str, Any]:
    """Some of a table's parameters, at their defaults or near them."""
    found = {}
    for name, about in params.items():
        if draw.random() < 0.3:
            value = about["default"]
            near = draw.choice([1.0, 1.0, 0.9, 1.1])
            found[name] = value * near if type(value) is float and value > 0 else value
    return found


def _area(draw: random.Random, k: int, regions: list[str]) -> dict[str, Any]:
    """One row of a lattice of 20 sites a row."""
    model = draw.choice(list(MODELS))
    box = {"x": [0, draw.choice([0, 4, 19])], "y": [k, k], "z": [0, 0], "w": [0, 0]}
    area: dict[str, Any] = {"name": f"area_{k}", "coord_ranges": box}
    if draw.random() < 0.6:
        area |= {"model": model, "params": _some(draw, MODELS[model]["params"])}
    if draw.random() < 0.5:
        area["neuron_type"] = draw.choice(["excitatory", "inhibitory"])
    if draw.random() < 0.3:
        area["density"] = draw.choice([0.5, 1.0])
    if regions:
        area["region"] = draw.choice(regions)
    if draw.random() < 0.3 and not MODELS[area.get("model", "lif")]["is_source"]:
        area["drive"] = {"rate": 500.0, "weight": 2.0, "noise": draw.choice([0.0, 1.0])}
    if draw.random() < 0.3:
        area["receptors"] = {"dopamine": draw.choice([0.0, 0.5, 2.0])}
    return area


def _plasticity(draw: random.Random) -> dict[str, Any]:
    rule = draw.choice(list(RULES))
    section: dict[str, Any] = {"rule": rule, **_some(draw, RULES[rule]["params"])}
    if draw.random() < 0.3:
        section |= {"weight_min": 0.0, "weight_max": 2.0}
    if draw.random() < 0.4:
        section["short_term"] = draw.choice(
            [{"kind": "facilitating"}, {"U": 0.2, "tau_rec": 100.0}, {"kind": "mixed"}]
        )
    if draw.random() < 0.4:
        section["homeostatic"] = {"every": 20.0, "tau": 200.0, "target_rate": 5.0}
    return section


def _modulators(draw: random.Random, areas: list[str], regions: list[str]) -> dict[str, Any]:
    section: dict[str, Any] = {
        "enabled": draw.random() < 0.9,
        "dopamine": {"tau": 50.0},
        "serotonin": {"baseline": 0.4},
    }
    if draw.random() < 0.5:
        section["histamine"] = {
            "response": copy.deepcopy(draw.choice(RESPONSES)),
            "targets": draw.sample(list(_core.target_names()), draw.randint(1, 3)),
            "baseline": 0.2,
        }
    if draw.random() < 0.5:
        section["dopamine"]["release"] = [{"areas": [draw.choice(areas)], "amount": 0.01}]
        if regions:
            section["dopamine"]["release"][0]["regions"] = [regions[0]]
    return section


def _experiment(draw: random.Random, areas: list[str]) -> dict[str, Any]:
    section: dict[str, Any] = {
        "areas": areas,
        "density": 0.5,
        "connection_probability": 0.1,
        "steps": 4,
        "seed": 3,
    }
    if draw.random() < 0.5 and len(areas) > 1:
        section |= {"sense": "vision", "readout": areas[1], "readout_weight": 0.5, "inhibition": 4.0}
        section |= {"dataset": "digits", "steps_per_image": 2, "reward": 1.0, "rewarded_class": 2}
    if draw.random() < 0.5:
        section["plasticity"] = {"rule": "rstdp", "learning_rate": 0.002, "tau_c": 20.0}
    return section


def base(draw: random.Random) -> dict[str, Any]:
    """The shipped configuration, or a small one with most sections; nothing is wrong with either."""
    if draw.random() < 0.15:
        return copy.deepcopy(SHIPPED)
    count = draw.randint(1, 4)
    regions = draw.sample(["left", "right", "my region"], draw.randint(1, 2)) if draw.random() < 0.5 else []
    content: dict[str, Any] = {"lattice_shape": [20, count, 1, 1]}
    content["areas"] = [_area(draw, k, regions) for k in range(count)]
    names = [area["name"] for area in content["areas"]]
    model = draw.choice([name for name in MODELS if not MODELS[name]["is_source"]])
    params = _some(draw, MODELS[model]["params"])
    sections: dict[str, Any] = {
        "neuron_model": {"type": model, "params_default": params, "inhibitory_fraction": 0.2},
        "background_drive": {"rate": 100.0, "weight": 2.0},
        "plasticity": _plasticity(draw),
        "neuromodulation": _modulators(draw, names, regions),
        "cell_lifecycle": {"max_age": 2, "interval": 2, "reconnection_probability": 0.5},
        "simulation": {"dt": draw.choice([0.1, 0.5, 1.0]), "seed": 7},
        "senses": {"vision": {"areal": names[0], "w_index": 0, "input_size": [4, 5]}},
        "elsewhere": {"colours": ["red", {"deep": None}]},
    }
    content |= {name: section for name, section in sections.items() if draw.random() < 0.7}
    if "senses" in content and draw.random() < 0.5:
        content["experiment"] = _experiment(draw, names)
    return content


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, item in inner:
        found += places(item, (*path, key))
    return found


def any_value(draw: random.Random, depth: int = 0) -> Any:
    """A JSON value of any kind."""
    what = draw.randrange(8 if depth < 3 else 5)
    if what < 3:
        return draw.choice(NUMBERS)
    if what == 3:
        return draw.choice([None, True, False])
    if what == 4:
        return draw.choice([*ODD_TEXTS, draw.choice(KEYS), *MODELS, *RULES, "area_0", "left"])
    if what == 5:
        return [any_value(draw, depth + 1) for _ in range(draw.randint(0, 4))]
    if what == 6:
        return {
            draw.choice([*ODD_TEXTS, *KEYS]): any_value(draw, depth + 1) for _ in range(draw.randint(0, 4))
        }
    value: Any = 0
    for _ in range(draw.choice([5, 60, 63, 64, 200])):
        value = [value] if draw.random() < 0.5 else {"a": value}
    return value


def _near(draw: random.Random, old: Any) -> Any:
    """A value of the same kind."""
    if type(old) is float or (type(old) is int and abs(old) < 2**64):
        return draw.choice(
            [old + 1, -old, old * 2, old * 10, old * 1000, old / 10, old * 1e12, old + 0.5, float(old)]
        )
    if isinstance(old, bool):
        return not old
    if isinstance(old, str):
        return draw.choice([old.upper(), old + "s", old[1:], draw.choice(KEYS), *MODELS, *RULES])
    if isinstance(old, list):
        return draw.choice([old[::-1], old * 2, old[1:], [*old, any_value(draw)]])
    return any_value(draw)


def change(draw: random.Random, content: dict[str, Any]) -> None:
    """One change somewhere in the configuration."""
    known = places(content)
    *parents, last = draw.choice(known)
    holder: Any = content
    for key in parents:
        holder = holder[key]
    what = draw.choice(
        ["near", "near", "near", "value", "value", "remove", "add", "rename", "swap", "repeat"]
    )
    if what == "near":
        holder[last] = _near(draw, holder[last])
    elif what == "value":
        holder[last] = any_value(draw)
    elif what == "remove":
        del holder[last]
    elif what == "add" and isinstance(holder, dict):
        holder[draw.choice([*KEYS, *ODD_TEXTS])] = any_value(draw)
    elif what == "rename" and isinstance(holder, dict):
        holder[draw.choice([last + "_", last[1:], last.upper(), draw.choice(KEYS)])] = holder.pop(last)
    elif what == "swap":  # with a section or value from anywhere else
        other: Any = content
        for key in draw.choice(known):
            other = other[key]
        holder[last] = copy.deepcopy(other)
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[last]))


def spoilt_text(draw: random.Random, text: bytes) -> bytes:
    """Some bytes flipped, removed, doubled or inserted, or a key given twice."""
    data = bytearray(text)
    for _ in range(draw.randint(1, 3)):
        at, what = draw.randrange(len(data)), draw.randrange(5)
        if what == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif what == 1:
            data[at : at + draw.randint(1, 20)] = b""
        elif what == 2:
            data[at:at] = data[at : at + draw.randint(1, 40)]
        elif what == 3:
            data[at:at] = draw.choice(
                [b"NaN", b"1e999", b"9" * 400, b"9" * 5000, b"-", b"\xff", b"\\ud800", b'"']
            )
        else:
            digits = [found.span() for found in re.finditer(rb"-?\d+\.?\d*", bytes(data))]
            start, end = draw.choice(digits) if digits else (at, at)
            data[start:end] = draw.choice(
                [b"NaN", b"-Infinity", b"1e400", b"1E+308", b"00", b"1e-400", b"0x1", b"-0"]
            )
    return bytes(data)


def mutant(seed: int) -> bytes:
    """The text of the mutant of that number; one in ten is left as it was."""
    draw = random.Random(seed)
    content = base(draw)
    kind = draw.choice(["none", *["values"] * 6, "bytes", "bytes", "both"])
    if kind in ("values", "both"):
        for _ in range(draw.choice([1, 1, 1, 2, 3, 5])):
            if content:
                change(draw, content)
    text = json.dumps(content, indent=draw.choice([None, 1])).encode()
    if draw.random() < 0.03:  # a key of the outermost object a second time
        text = b'{"areas": [], ' + text.lstrip()[1:]
    return spoilt_text(draw, text) if kind in ("bytes", "both") else text


# ---- the path of a message -------------------------------------------------------------------------------------------

_MISSING = re.compile(r"(?:\.?[A-Za-z_][\w-]*|\[\d+\]): (?:is required|.*; got (?:none|nothing)$)")
_AT = re.compile(r"line (\d+), column (\d+)")


def path_exists(problem: str, text: bytes, file: str) -> bool:
    """Whether a problem begins with a path that is in the text, or with that of a key which it says is missing."""
    if problem.startswith(file):
        found = _AT.match(problem.removeprefix(f"{file}, "))
        lines = text.decode("utf-8-sig", "replace").splitlines() or [""]
        return found is None or (int(found[1]) <= len(lines) + 1 and int(found[2]) >= 1)
    content = json.loads(text.decode("utf-8-sig"), parse_int=float)
    return problem.startswith("configuration: ") or _leads(problem, content, "")


def _leads(problem: str, value: Any, path: str) -> bool:
    """Whether the problem's path goes on from this value, whose own path is given."""
    if path and problem.startswith(f"{path}: "):
        return True
    if path and not problem.startswith(path):
        return False
    if _MISSING.match(problem[len(path) :]):
        return isinstance(value, dict | list)
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return any(_leads(problem, item, join(path, key)) for key, item in inner)
