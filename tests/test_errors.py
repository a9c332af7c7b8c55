"""The exceptions: what they are kinds of, and what they keep."""

from __future__ import annotations

import pickle

import pytest

import neuromod
from neuromod import errors

KINDS = {
    "NeuromodError": Exception,
    "ConfigError": ValueError,
    "FileError": ValueError,
    "RemovedError": LookupError,
    "StaleColumnError": ValueError,
    "NumericalError": ArithmeticError,
    "CoreError": RuntimeError,
    "NeuromodWarning": UserWarning,
}


def test_every_public_name_is_listed_here():
    assert set(errors.__all__) == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_is_of_the_documented_kind_and_public(name):
    kind = getattr(errors, name)
    assert issubclass(kind, KINDS[name])
    assert issubclass(kind, Warning if name == "NeuromodWarning" else errors.NeuromodError)
    assert getattr(neuromod, name) is kind
    assert kind.__doc__


def test_config_error_keeps_each_problem_and_shows_one_a_line():
    error = errors.ConfigError(["a: must be > 0 ms; got -1", "b: unknown key"])
    assert error.problems == ("a: must be > 0 ms; got -1", "b: unknown key")
    assert str(error).splitlines() == list(error.problems)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("ConfigError", "FileError")])
def test_plain_ones_survive_pickling(name):
    """A process pool hands an exception over by pickle: one that cannot travel hangs or hides the cause."""
    copy = pickle.loads(pickle.dumps(getattr(errors, name)("where: rule; what came")))
    assert type(copy).__name__ == name and str(copy) == "where: rule; what came"


@pytest.mark.parametrize("kind", [errors.ConfigError, errors.FileError])
def test_config_error_survives_pickling(kind):
    copy = pickle.loads(pickle.dumps(kind(["a: x", "b: y"])))
    assert type(copy) is kind
    assert copy.problems == ("a: x", "b: y")
    assert str(copy) == "a: x\nb: y"
