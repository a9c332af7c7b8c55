"""Docstrings: every example runs, and every public name says its parameters, units, errors and an example."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import pkgutil
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest

import neuromod

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(neuromod.__path__, "neuromod.")
    if not module.name.endswith("__main__")
)
# Where users find what they call: full numpydoc. Everything else is internal: one sentence.
FOR_USERS = tuple(
    f"neuromod.{name}"
    for name in (
        *(
            "bench",
            "brain_model",
            "building",
            "config",
            "connects",
            "critic",
            "datasets",
            "drive",
            "errors",
            "experiment",
        ),
        *(
            "agents",
            "agents.tasks",
            "checkpoints",
            "hooks",
            "keeping",
            "logs",
            "monitors",
            "tables",
            "network.population",
            "network.editing",
        ),
        *("network.projection", "network.views", "neuromodulation", "parallel", "plasticity", "plot"),
        *(
            "cell_types",
            "progress",
            "ranks",
            "replicas",
            "response",
            "results",
            "senses",
            "simulation",
            "sweeps",
        ),
    )
)
UNIT_WORDS = (
    r"\b(ms|mV|Hz|steps?|0 (?:to|\.\.) 1|0 \.\. 2\*\*64 - 1|units? of|reward units|no unit|pure number)\b"
    r"|>=? ?\d"
)


def public_objects() -> Iterator[tuple[str, Any]]:
    """(dotted name, object) of every public class, function and method of this package, once."""
    seen = set()
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if id(thing) in seen or isinstance(thing, types.GenericAlias):  # an alias has no docstring
                continue
            if not (inspect.isclass(thing) or callable(thing)):
                continue
            seen.add(id(thing))
            yield f"{module_name}.{name}", thing
            if inspect.isclass(thing):
                for key, member in vars(thing).items():
                    if not key.startswith("_") and (
                        callable(member) or isinstance(member, property | classmethod)
                    ):
                        yield f"{module_name}.{name}.{key}", member


OBJECTS = dict(public_objects())


def called_by_users() -> dict[str, Any]:
    """Those of OBJECTS that a module for users lists, under whatever name they were found first."""
    modules = [importlib.import_module(name) for name in FOR_USERS]
    listed = {id(getattr(module, name)) for module in modules for name in getattr(module, "__all__", ())}
    classes = {name: id(thing) for name, thing in OBJECTS.items()}
    return {
        name: thing
        for name, thing in OBJECTS.items()
        if id(thing) in listed or classes.get(name.rpartition(".")[0]) in listed
    }


USED = called_by_users()


def doc_of(thing: Any) -> str:
    return inspect.cleandoc(getattr(thing, "__doc__", None) or "")


def sections(doc: str) -> dict[str, str]:
    """numpydoc's underlined sections by title."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def arguments(thing: Any) -> list[str]:
    """Names of the arguments that a caller gives."""
    if isinstance(thing, property) or (inspect.isclass(thing) and issubclass(thing, BaseException)):
        return []
    if inspect.isclass(thing) and issubclass(thing, pydantic.BaseModel):
        return list(thing.model_fields)
    function = thing.__init__ if inspect.isclass(thing) else getattr(thing, "__func__", thing)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    return [
        name
        for name, parameter in signature.parameters.items()
        if name not in {"self", "cls", "args", "kwargs"} and parameter.kind is not parameter.VAR_POSITIONAL
    ]


@pytest.mark.parametrize("module_name", MODULES)
def test_examples_in_docstrings_run(module_name: str, tmp_path: Path) -> None:
    module = importlib.import_module(module_name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    runner = doctest.DocTestRunner(optionflags=flags)
    with contextlib.chdir(tmp_path):
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, module_name):
            runner.run(test)
    assert not runner.failures, (
        f"{runner.failures} of {runner.tries} examples failed; see the captured output"
    )


def test_there_are_examples_to_run() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    counts = {
        name: sum(len(t.examples) for t in finder.find(importlib.import_module(name), name))
        for name in MODULES
    }
    assert counts["neuromod.simulation"] >= 20
    assert sum(counts.values()) >= 100


@pytest.mark.parametrize("name", OBJECTS)
def test_public_name_has_a_docstring_of_a_sentence(name: str) -> None:
    first = doc_of(OBJECTS[name]).split("\n\n")[0].replace("\n", " ")
    assert first, f"{name} has no docstring"
    assert first[0].isupper() or first[0] in "`\"'"
    assert first.endswith((".", "::")), f"{name}: the first line is a sentence; got {first!r}"


def test_what_users_call_is_known() -> None:
    assert {f"neuromod.{m}" for m in ("simulation.Simulation.run", "brain_model.BrainModel")} <= set(USED)
    assert len(USED) >= 200


@pytest.mark.parametrize("name", [name for name, thing in USED.items() if arguments(thing)])
def test_every_argument_is_described_with_its_type(name: str) -> None:
    described = sections(doc_of(OBJECTS[name])).get("Parameters", "")
    heads = re.findall(r"^(\S[^\n]*)$", described, re.MULTILINE)
    named = {word.strip("* ") for head in heads for word in head.split(" :")[0].split(",")}
    missing = [argument for argument in arguments(OBJECTS[name]) if argument not in named]
    assert not missing, f"{name}: Parameters lacks {missing}"
    untyped = [head for head in heads if " : " not in head]
    assert not untyped, f"{name}: no type in {untyped}"


def number_heads() -> list[tuple[str, str]]:
    """Head lines of parameters that are numbers or arrays of numbers."""
    return [
        (name, head)
        for name, thing in USED.items()
        for head in re.findall(
            r"^(\S[^\n]* : [^\n]*)$", sections(doc_of(thing)).get("Parameters", ""), re.MULTILINE
        )
        if re.search(r"\b(float|array_like of float|ndarray of float\d*)\b", head)
    ]


def test_numbers_say_their_unit_or_domain() -> None:
    heads = number_heads()
    assert heads
    bare = [f"{name}: {head}" for name, head in heads if not re.search(UNIT_WORDS, head)]
    assert not bare, "no unit or domain in\n" + "\n".join(bare)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in getattr(neuromod, "__all__", ())
        if inspect.isclass(getattr(neuromod, name, None)) or inspect.isfunction(getattr(neuromod, name, None))
        if not (inspect.isclass(getattr(neuromod, name)) and issubclass(getattr(neuromod, name), Exception))
    ],
)
def test_top_level_names_show_an_example(name: str) -> None:
    assert ">>> " in sections(doc_of(getattr(neuromod, name))).get("Examples", "")
