"""Runs that are fed in uncommon ways, replicas that are asked for what they lack, and failures of the core in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_lifecycle import neurons_only

from neuromod import CoreError, NeuromodulationSystem, NumericalError, Simulation, _core
from neuromod.diagnosis import explained


def plain(**given: Any) -> Simulation:
    """A few neurons that fire under a rule."""
    sim = Simulation(seed=1, **given)
    a = sim.create(3, "lif", name="A", i_offset=30.0)
    sim.connect(a, a, probability=1.0, weight=0.5, rule="stdp", name="p")
    return sim


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "level": (
        lambda r: r.level("dopamine"),
        "level: must be a modulator of the simulation's system; known are none; ",
    ),
    "weight": (lambda r: r.weight("q"), "weight: must be a projection; known are p; got 'q'"),
    "input of three": (
        lambda r: r.run(3, input=np.zeros((3, 3, 3))),
        "input: must have 2 replicas along its first axis; got 3",
    ),
    "ids alone": (lambda r: r.run(3, input_ids=[0]), "input_ids: needs input; got none"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_replicas_lack_is_named(what: str) -> None:
    deed, message = REFUSED[what]
    replicas = plain().replicas(2)
    with pytest.raises(ValueError, match=re.escape(message)):
        deed(replicas)
    assert [one.current_step for one in replicas] == [0, 0]


def test_replicas_have_levels_of_their_own() -> None:
    replicas = plain(neuromodulation=NeuromodulationSystem()).replicas(2, levels={"dopamine": [0.25, 0.75]})
    assert replicas.level("dopamine").tolist() == [[0.25], [0.75]]
    with pytest.raises(ValueError, match=r"known are dopamine, serotonin, norepinephrine; got 'dopamin'"):
        replicas.level("dopamin")


def test_input_without_ids_is_for_all_neurons_of_each() -> None:
    given, named = plain().replicas(2), plain().replicas(2)
    rows = np.random.default_rng(1).uniform(0.0, 5.0, (2, 4, 3))
    given.run(4, input=rows)
    named.run(4, input=rows, input_ids="A")
    named.run(2), given.run(2)
    assert given.digests() == named.digests()


def test_weights_may_be_set_in_the_report_of_replicas() -> None:
    """What a callback writes is taken up, as between runs."""
    told, apart = plain().replicas(2), plain().replicas(2)

    def report(done: int, *_: Any) -> None:
        if done == 5:
            told[1].projections["p"].weight[:] = 0.25

    told.run(5, progress=report)
    apart.run(5)
    apart[1].projections["p"].weight[:] = 0.25
    for each in (told, apart):
        each.run(5)
    assert told.digests() == apart.digests()
    assert told.digests()[0] != told.digests()[1]


@pytest.mark.parametrize("shape", ["one number", "one row", "rows"])
def test_input_follows_neurons_that_die(shape: str) -> None:
    """However it is given, it goes to the same neurons when some of them have died."""
    runs = []
    for given in (shape, "in full"):
        sim = neurons_only(40, death_probability_per_step=0.05, enable_reproduction=False, interval=5)
        ids = sim.model.neurons.id[10:30].copy()
        row = np.full(20, 3.0) if shape == "one number" else np.linspace(1.0, 30.0, 20)
        values: Any = np.tile(row, (60, 1))
        if given != "in full":
            values = 3.0 if shape == "one number" else row if shape == "one row" else values.copy()
        sim.run(60, input=values, input_ids=ids)
        runs.append((sim.digest(), sim.model.neurons.id.tolist(), sim.model.neurons.v_membrane.tolist()))
    assert runs[0] == runs[1] and len(runs[0][1]) < 40


def test_a_failure_that_no_neuron_has_asks_for_a_report() -> None:
    engine = plain()._session.prepared()
    with pytest.raises(_core.CoreFailure) as caught:
        raise _core.CoreFailure("NM_ERR_MEMORY", "no memory", -1, -1, 0.0)
    error = explained(engine, caught.value)
    assert type(error) is CoreError and str(error).startswith("please report this: NM_ERR_MEMORY: ")


def test_a_weight_that_is_none_is_named() -> None:
    sim = plain()
    sim.projections["p"].weight[:] = np.nan
    with pytest.raises((NumericalError, ValueError), match=r"projections\['p'\]\.weight"):
        sim.run(5)
