"""Synapses that are added twice by one and the same call, as where a notebook's cell is run again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from neuromod import NeuromodWarning, Simulation
from neuromod.network.repeats import likeness


def network() -> tuple[Simulation, Any, Any]:
    sim = Simulation(seed=1)
    return sim, sim.create(10, name="E", positions="line"), sim.create(5, name="I", positions="line")


def calls() -> Iterator[Callable[[Simulation, Any, Any], Any]]:
    """Each connects anew with equal arguments, which are other objects where they can be."""
    yield lambda sim, e, i: sim.connect(e, i, probability=0.5, weight=0.1)
    yield lambda sim, e, i: sim.connect("E", i, in_degree=2, weight={"normal": [0.5, 0.1]}, rule="stdp")
    yield lambda sim, e, i: sim.connect(e[:4], i, out_degree=2, weight=lambda d: 0.1 + 0 * d)
    yield lambda sim, e, i: sim.connect([e, i], i, matrix=np.full((15, 5), 0.1), autapses=True)
    yield lambda sim, e, i: sim.connect(e, i, pairs=[[k % 10, 10 + k % 5] for k in range(80)], weight=0.1)
    yield lambda sim, e, i: sim.connect(e + i, "I", total_number=7, weight=0.1, delay_ms=2.0)
    yield lambda sim, e, i: sim.initialize_random_synapses(0.5)


@pytest.mark.parametrize("connect", list(calls()))
def test_the_same_call_twice_is_told(connect: Callable[..., Any]) -> None:
    sim, e, i = network()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        connect(sim, e, i)
    with pytest.warns(NeuromodWarning, match=r"same arguments.*both calls.*remove_projection"):
        connect(sim, e, i)
    assert len(sim.projections) == 2


def test_ordinary_use_is_not_warned_of() -> None:
    sim, e, i = network()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pre in (e, i, e[:3]):
            for post in (e, i):
                sim.connect(pre, post, in_degree=2, weight=0.1)
        for weight in (0.2, 0.3):  # other arguments
            sim.connect(e, i, in_degree=2, weight=weight)
            sim.connect(e, i, matrix=np.full((10, 5), weight))
            sim.connect(e, i, in_degree=2, weight=lambda d, w=weight: w + 0 * d)
            sim.connect(e, i, in_degree=2, weight=lambda d: weight + 0 * d)  # noqa: B023
        for name in ("a", "b"):  # named on purpose
            sim.connect(e, i, in_degree=2, weight=0.1, name=name)
        sim.remove_projection(sim.connect(e, i, in_degree=3, weight=0.1))
        sim.connect(e, i, in_degree=3, weight=0.1)
        sim.initialize_random_synapses(0.1)
        sim.create(3)
        sim.initialize_random_synapses(0.1)  # other neurons


def test_a_name_that_another_call_took_over_is_none_of_the_earlier() -> None:
    sim, e, i = network()
    first = sim.connect(e, i, in_degree=2, weight=0.1)
    sim.remove_projection(first)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sim.connect(e, i, in_degree=3, weight=0.1).name == "E_to_I"
        sim.connect(e, i, in_degree=2, weight=0.1)


def test_equal_values_are_alike_and_others_are_not() -> None:
    _, e, i = network()
    groups = [e, i, e[:3], e[3:6], e[0], e[1], [e, i], "E", [0, 1], np.array([0, 1]), (i, e)]
    values = [None, 1, 1.0, True, "a", {"a": 1}, {"a": 2}, [1, 2], np.zeros(3), np.zeros(3, np.int64)]
    keys = [likeness(value) for value in [*groups, *values]]
    assert len(set(keys)) == len(keys)
    assert keys == [likeness(value) for value in [*groups, *values]]
    assert likeness(object()) != likeness(object())
    ragged = [[k] * (k % 3) for k in range(100)]
    assert likeness(ragged) != likeness(ragged)

    def itself(d: Any) -> Any:
        return itself

    assert likeness(itself) != likeness(itself)  # it closes over what is not plain
