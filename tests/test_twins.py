"""Every registered neuron model, rule and modulator has a twin in plain Python, and tests that compare the two."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import oracle
import oracle_clopath
import oracle_graupner_brunel
import oracle_modulators
import oracle_plasticity
import oracle_rstdp
import oracle_rules
import pytest

from neuromod import _core

TESTS = Path(__file__).resolve().parent
REGISTERED = {  # family, as in csrc/<family>_<name>.c -> names
    "neuron": list(_core.neuron_models()),
    "plasticity": list(_core.plasticity_rules()),
    "modulator": list(_core.modulators()),
}
TWINS: dict[str, dict[str, Any]] = {  # family -> name -> twin
    "neuron": dict(oracle.NEURONS),
    "plasticity": {
        **oracle_plasticity.RULES,
        **oracle_rules.RULES,
        **oracle_rules.ELIGIBLE,
        **oracle_rstdp.RULES,
        **oracle_clopath.RULES,
        **oracle_graupner_brunel.RULES,
    },
    "modulator": dict(oracle_modulators.MODULATORS),
}
PLACES = {  # family -> where a twin that is missing belongs
    "neuron": "NEURONS in tests/oracle.py",
    "plasticity": "RULES in tests/oracle_rules.py",
    "modulator": "MODULATORS in tests/oracle_modulators.py",
}


REGISTRIES = {"NEURONS", "RULES", "ELIGIBLE", "MODULATORS"}


def file_of(family: str, name: str) -> str:
    return f"test_{family}_{name}.py"


def missing(family: str, names: Iterable[str], twins: Mapping[str, Any], files: Iterable[str]) -> list[str]:
    """What to do, one line a fault, so that each name has a twin and a test file, and each twin a name."""
    names, files = list(names), set(files)
    return [
        *(
            f"{name}: has no twin; write one, and add it to {PLACES[family]}"
            for name in names
            if name not in twins
        ),
        *(
            f"{name}: has no test; write tests/{file}"
            for name in names
            if (file := file_of(family, name)) not in files
        ),
        *(f"{name}: has a twin, but is not registered" for name in twins if name not in names),
    ]


def compares(source: str, name: str) -> bool:
    """Whether a test file takes the twin of that name out of a registry, or hands the name to a rig that does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "assert_like_oracle":
            key = node.args[0]
        elif (
            isinstance(node, ast.Subscript)
            and getattr(node.value, "id", getattr(node.value, "attr", "")) in REGISTRIES
        ):
            key = node.slice
        else:
            continue
        if isinstance(key, ast.Constant) and key.value == name:
            return True
    return False


def packages_of(source: str) -> set[str]:
    """The first words of all that a source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("family", REGISTERED)
def test_every_name_has_a_twin_and_a_test_file(family: str) -> None:
    assert REGISTERED[family]
    files = [path.name for path in TESTS.glob("test_*.py")]
    problems = missing(family, REGISTERED[family], TWINS[family], files)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("family", "name"), [(f, name) for f, names in REGISTERED.items() for name in names])
def test_its_test_file_compares_it_with_its_twin(family: str, name: str) -> None:
    source = (TESTS / file_of(family, name)).read_text()
    assert compares(source, name), f"{file_of(family, name)} makes no use of the twin of {name}"
    assert source.count("\ndef test_") >= 3


@pytest.mark.parametrize("family", TWINS)
def test_no_twin_serves_two_names(family: str) -> None:
    twins = list(TWINS[family].values())
    assert len({id(twin) for twin in twins}) == len(twins)


def test_twins_know_nothing_of_the_package() -> None:
    """Standard library, NumPy, and each other."""
    sources = {path.stem: path.read_text() for path in TESTS.glob("oracle*.py")}
    assert len(sources) >= 8
    for name, source in sources.items():
        foreign = packages_of(source) - {"__future__", "numpy", *sources}
        assert foreign <= {"collections", "dataclasses", "math", "struct", "typing"}, (
            f"{name} imports {foreign}"
        )


# ---- that each fault is found ------------------------------------------------------------------------------


def test_a_missing_twin_a_missing_file_and_a_twin_too_many_are_named() -> None:
    said = missing("neuron", ["lif", "new"], {"lif": 1, "gone": 2}, ["test_neuron_lif.py"])
    assert said == [
        "new: has no twin; write one, and add it to NEURONS in tests/oracle.py",
        "new: has no test; write tests/test_neuron_new.py",
        "gone: has a twin, but is not registered",
    ]


def test_a_file_that_makes_no_use_of_the_twin_is_found() -> None:
    assert compares('def test_it():\n    assert_like_oracle("lif", dt=1.0)\n', "lif")
    assert compares('twin = oracle.NEURONS["lif"]({}, 1.0)\n', "lif")
    assert compares('rule = RULES["stdp"]\n', "stdp")
    assert not compares('assert_like_oracle("lif_cond", dt=1.0)\n', "lif")
    assert not compares("from oracle import NEURONS  # lif\n", "lif")


def test_an_import_of_the_package_is_found() -> None:
    assert packages_of("def f():\n    from neuromod.response import hill\n") == {"neuromod"}
    assert packages_of("import numpy.linalg, math\n") == {"numpy", "math"}
