"""Calls of ``connect`` in the spelling of other simulators: the message has the one that is meant."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from neuromod import NeuromodWarning, Simulation


def ends() -> tuple[Simulation, Any, Any]:
    sim = Simulation(seed=1)
    return sim, sim.create(20), sim.create(10, neuron_type="inhibitory")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (({"rule": "fixed_indegree", "indegree": 3},), "connect(pre, post, in_degree=3)?"),
        (({"rule": "fixed_outdegree", "outdegree": 4},), "connect(pre, post, out_degree=4)?"),
        (({"rule": "pairwise_bernoulli", "p": 0.1},), "connect(pre, post, probability=0.1)?"),
        (({"rule": "fixed_total_number", "N": 50},), "connect(pre, post, total_number=50)?"),
        (("all_to_all",), "connect(pre, post, all_to_all=True)?"),
        (("one_to_one",), "connect(pre, post, one_to_one=True)?"),
        ((0.1,), "connect(pre, post, probability=0.1)?"),
        (
            ({"rule": "fixed_indegree", "indegree": 3}, {"weight": 1.0, "delay": 1.5}),
            "connect(pre, post, in_degree=3, weight=..., delay=...)?",
        ),
        (({"rule": "something"},), "all but the two groups must be named, as in probability=0.1; got"),
        ((7,), "all but the two groups must be named, as in probability=0.1; got 7"),
    ],
)
def test_a_third_argument_is_answered_with_the_name_that_it_has(given: tuple[Any, ...], said: str) -> None:
    sim, a, b = ends()
    with pytest.raises(TypeError) as caught:
        sim.connect(a, b, *given)
    assert str(caught.value).startswith("connect: ") and said in str(caught.value)
    assert not sim.projections


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("p", "'probability'"), ("prob", "'probability'"), ("indegree", "'in_degree'"), ("weights", "'weight'"),
        ("N", "'total_number'"), ("allow_autapses", "'autapses'"), ("delay_msec", "'delay_ms'"),
        ("syn_spec", "weight="),
    ],
)  # fmt: skip
def test_another_name_is_answered_with_the_name_here(name: str, meant: str) -> None:
    sim, a, b = ends()
    with pytest.raises(TypeError, match=f"connect: no such argument, {name!r}.*{meant}"):
        sim.connect(a, b, weight=0.1, **{name: 0.1})
    assert not sim.projections


def test_a_rule_by_its_name_in_nest_is_translated() -> None:
    sim, a, b = ends()
    with pytest.raises(TypeError, match="'conn_spec'; did you mean in_degree=3"):
        sim.connect(a, b, conn_spec={"rule": "fixed_indegree", "indegree": 3})  # type: ignore[call-arg]


@pytest.mark.parametrize("about", [{"weight": -0.1}, {"weight": 0.1, "rule": "rstdp"}])
def test_where_warnings_are_errors_a_connect_that_warns_has_changed_nothing(about: dict[str, Any]) -> None:
    """The error came when the projection was there already."""
    sim, a, _ = ends()
    before = sim.digest()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NeuromodWarning):
            sim.connect(a, a, in_degree=3, **about)
    assert not sim.projections and not len(sim.model.synapses)
    assert sim.digest() == before
    sim.connect(a, a, in_degree=3, weight=0.1, rule="none")
    assert len(sim.model.synapses) == 3 * len(a)


@pytest.mark.parametrize("weight", [-0.1, -1, np.full((20, 20), -0.1)])
def test_negative_weights_of_excitatory_synapses_are_told(weight: Any) -> None:
    sim, a, b = ends()
    with pytest.warns(NeuromodWarning, match="is excitatory and has weights below 0"):
        sim.connect(a, a, in_degree=3, weight=weight)
    with pytest.warns(NeuromodWarning, match="is excitatory and has weights below 0"):
        sim.connect(a, b, matrix=np.full((20, 10), -0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sim.connect(b, a, in_degree=3, weight=-0.1)
        sim.connect(a, b, in_degree=3, weight=0.1)
        sim.connect(a, b, in_degree=3, weight={"normal": [-0.5, 0.1], "low": -1.0})
        sim.connect(a, b, in_degree=3, weight=-0.1, rule={"rule": "stdp", "weight_min": -1.0})


NEARLY = (
    "neuromod.Simulatio",
    "sim.runn",
    "E.v_thresold",
    "sim.model.neurons.v_membran",
    "neuromod.SpikeMonitor(sim).ids",
    "sim.run(1, progress=False).spike_count",
)


@pytest.mark.parametrize("expression", NEARLY)
def test_a_script_that_ends_with_a_wrong_name_is_told_once_what_was_meant(expression: str) -> None:
    """Python adds a hint of its own to an AttributeError that names its object."""
    setup = "import neuromod; sim = neuromod.Simulation(); E = sim.create(3, 'lif', name='E')"
    done = subprocess.run(
        [sys.executable, "-c", f"{setup}; {expression}"], capture_output=True, text=True, check=False
    )
    assert done.stderr.lower().count("did you mean") == 1, done.stderr
