"""Configurations spoilt at random: whatever comes, ConfigError with a path or a Config that the schema accepts."""

from __future__ import annotations

import copy
import json
import random
import re
import time
import warnings
from typing import Any

import pytest
from config_samples import written

from neuromod.config import json_schema, load
from neuromod.errors import ConfigError, NeuromodWarning

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
st = hypothesis.strategies

SHIPPED = load("brain_base_model.json")[0]
TEXT = json.dumps(SHIPPED, indent=1).encode()
# A JSON path, or the file and, where there is one, the place in it; then what is wrong.
PROBLEM = re.compile(
    r"^(?:brain\.json(?:, line \d+, column \d+)?"
    r"|configuration|(?:[A-Za-z_][\w-]*|\[[^\]]*(?:\].*)?\])(?:\.[A-Za-z_][\w-]*|\[(?:\d+|['\"].*['\"])\])*"
    r"): (?:must |is required|unknown key)",
    re.DOTALL,
)
SECONDS = 2.0  # of the process; 2 to 20 ms is usual, and a busy machine took 340
EXAMPLES = 300


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, item in inner:
        found += places(item, (*path, key))
    return found


PLACES = places(SHIPPED)
KEYS = sorted({key for path in PLACES for key in path if isinstance(key, str)})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 25),
    st.integers(-(10**400), 10**400),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([5e-324, 1e308, -0.0, 2**31, 2**63, 2**64, "", "lif", "V1_like", "none", "stdp", "adex"]),
    st.text(st.characters(), max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def mutants(draw: Any) -> dict[str, Any]:
    """The shipped configuration with one to four values replaced, removed, added, renamed or moved."""
    content = copy.deepcopy(SHIPPED)
    for _ in range(draw(st.integers(1, 4))):
        *parents, last = draw(st.sampled_from(PLACES))
        place: Any = content
        try:
            for key in parents:
                place = place[key]
            what = draw(st.sampled_from(["replace", "remove", "add", "rename", "copy"]))
            if what == "replace":
                place[last] = draw(VALUES)
            elif what == "remove":
                del place[last]
            elif what == "add" and isinstance(place, dict):
                place[draw(st.sampled_from(KEYS) | st.text(max_size=6))] = draw(VALUES)
            elif what == "rename" and isinstance(place, dict):
                place[last + draw(st.sampled_from(["s", "_", "\ud800", " "]))] = place.pop(last)
            elif isinstance(place, list):
                place.append(copy.deepcopy(place[last]))
        except (KeyError, IndexError, TypeError):  # an earlier change took the place away
            continue
    return content


def outcome(source: Any) -> tuple[str, ...] | None:
    """The problems, or None where it was accepted; anything but ConfigError goes through and fails the test."""
    began = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NeuromodWarning)
            load(source)
    except ConfigError as error:
        problems: tuple[str, ...] | None = error.problems
        assert problems
        for problem in problems:
            assert PROBLEM.match(problem), problem
            assert len(problem) < 700
            problem.encode()
    else:
        problems = None
    assert time.process_time() - began <= SECONDS
    return problems


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@hypothesis.given(mutants())
def test_mutated_dict(content):
    outcome(content)


@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(mutants())
def test_mutated_file_has_the_same_problems_as_the_dict(tmp_path, content):
    """Written and read, with Python's NaN and Infinity literals: what a file holds is judged as the dict is."""
    text = json.dumps(content)
    assert outcome(written(tmp_path, text)) == outcome(json.loads(text))


def test_spoilt_bytes(tmp_path):
    """Bytes replaced, removed, doubled or inserted: mostly no JSON any more."""
    draw = random.Random(20)
    refused = 0
    for _ in range(EXAMPLES):
        data = bytearray(TEXT)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            chunk = bytes(
                draw.choice(b'{}[],:"0123456789eE+-.ntf\\\x00\xff\xc3') for _ in range(draw.randint(0, 3))
            )
            data[at : at + draw.randint(0, 3)] = chunk
        refused += outcome(written(tmp_path, bytes(data))) is not None
    assert refused > EXAMPLES // 2


def test_every_way_to_cut_the_file_short(tmp_path):
    for end in range(0, len(TEXT), 7):
        assert outcome(written(tmp_path, TEXT[:end])) is not None, end


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@hypothesis.given(mutants())
def test_what_is_accepted_is_valid_by_the_schema(content):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    if outcome(content) is None:
        jsonschema.Draft202012Validator(SCHEMA).validate(content)


SCHEMA = json_schema()


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_every_value_is_looked_at(path: tuple[Any, ...]):
    """Nothing in a section that is acted on can be replaced by an object of nonsense without being refused."""
    content = copy.deepcopy(SHIPPED)
    place: Any = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = {"nonsense": 0}
    if path[0] in ("model_version", "dimensions") or path[0] == "experiment":
        assert outcome(content) is None  # not acted on; or handed on, and checked by those who act on it
        return
    problems = outcome(content)
    assert problems is not None
    dotted = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, path)))
    assert any(problem.startswith(dotted) for problem in problems), problems
