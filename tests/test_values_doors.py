"""Values that are refused at the front door: other shapes, other kinds, numbers beyond those of the machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neuromod
from neuromod import (
    LevelMonitor,
    NeuromodulationSystem,
    RateSource,
    Simulation,
    SpikeMonitor,
    one_synapse,
    plasticity,
    senses,
    units,
)
from neuromod.arguments import spike_list
from neuromod.near_names import names_near
from neuromod.optional import optional_module


def lone(n: int = 3) -> Simulation:
    """A few neurons that fire, with modulators."""
    sim = Simulation(seed=1, neuromodulation=NeuromodulationSystem())
    sim.create(n, "lif", name="A", i_offset=30.0)
    return sim


def noisy() -> Simulation:
    """A few Poisson sources."""
    sim = Simulation(seed=1)
    sim.create(2, "poisson", name="B")
    return sim


def state() -> Any:
    """Of dopamine in two regions."""
    return NeuromodulationSystem(["a", "b"]).dopamine.state


REFUSED: dict[str, tuple[type[Exception], Callable[[], Any], str]] = {
    "rows of ids": (
        ValueError,
        lambda: spike_list([[1, 2]], [[1.0], [2.0]]),
        "ids: must be a number or a row of numbers; got shape (1, 2)",
    ),
    "rows of times": (
        ValueError,
        lambda: spike_list(1, [[1.0, 2.0]]),
        "times_ms: must be a row of times for one id; got shape (1, 2)",
    ),
    "no model": (TypeError, lambda: Simulation("brain"), "model: must be a BrainModel; got str"),  # type: ignore[arg-type]
    "no simulation": (TypeError, lambda: SpikeMonitor(3), "sim: must be a Simulation; got 3"),  # type: ignore[arg-type]
    "levels of other regions": (
        ValueError,
        lambda: setattr(state(), "level", [0.1, 0.2, 0.3]),
        "dopamine.state.level: must be one number, or 2, one for each region; got shape (3,)",
    ),
    "no time constant": (
        ValueError,
        lambda: setattr(state(), "tau", 0.0),
        "dopamine.state.tau: must be > 0 ms; got 0.0",
    ),
    "a time constant in words": (
        ValueError,
        lambda: setattr(state(), "tau", "slow"),
        "dopamine.state.tau: must be > 0 ms; got 'slow'",
    ),
    "a time constant beyond": (
        ValueError,
        lambda: setattr(state(), "tau", 10**400),
        "dopamine.state.tau: must be > 0 ms; got 1000",
    ),
    "a rate in words": (
        ValueError,
        lambda: setattr(state(), "decay_rate", "slow"),
        "dopamine.state.decay_rate: must be ",
    ),
    "a rate beyond": (
        ValueError,
        lambda: setattr(state(), "decay_rate", 10**400),
        "dopamine.state.decay_rate: must be ",
    ),
    "no rate": (
        ValueError,
        lambda: setattr(state(), "decay_rate", None),
        "dopamine.state.decay_rate: must be ",
    ),
    "no resources": (
        ValueError,
        lambda: one_synapse.ShortTermSynapse(U=0.0),
        "U: must be > 0 and <= 1; got 0.0",
    ),
    "time backwards": (
        ValueError,
        lambda: one_synapse.ShortTermSynapse(tau_rec=-1.0),
        "tau_rec: must be >= 0 ms and finite; got -1.0",
    ),
    "endless time": (
        ValueError,
        lambda: one_synapse.ShortTermSynapse(tau_facil=np.inf),
        "tau_facil: must be ",
    ),
    "another word": (
        ValueError,
        lambda: plasticity.stdp_update(0.5, 1.0, coincident="both"),
        "coincident: must be one of ",
    ),
    "no word": (
        ValueError,
        lambda: plasticity.stdp_update(0.5, 1.0, coincident=1),  # type: ignore[arg-type]
        "coincident: must be one of ",
    ),
    "endless gain": (
        ValueError,
        lambda: senses.text_matrix("Hi", (1, 2), gain=np.inf),
        "gain: must be finite; got inf",
    ),
    "endless times": (
        ValueError,
        lambda: RateSource(noisy(), "B", [1.0, 2.0], times=[0.0, np.nan]),
        "must be finite, in ms; got nan",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_named(what: str) -> None:
    kind, deed, message = REFUSED[what]
    with pytest.raises(kind, match=re.escape(message)):
        deed()


def test_a_refused_value_changes_nothing() -> None:
    own = state()
    before = own.tau, own.decay_rate, own.level.tolist()
    for name in ("tau", "decay_rate", "level"):
        with pytest.raises(ValueError, match=name):
            setattr(own, name, -1.0)
    assert (own.tau, own.decay_rate, own.level.tolist()) == before
    own.tau = 20
    assert own.tau == 20.0
    own.tau = None
    assert own.tau is None


def test_a_value_that_is_no_number_leaves_no_doubt_of_its_unit() -> None:
    about = {"unit": "ms", "default": 20.0}
    assert units.unit_doubt("tau_m", about, "slow") is None
    assert units.unit_doubt("tau_m", about, [[1.0], [1.0, 2.0]]) is None
    assert units.unit_doubt("tau_m", about, 0.02) is not None


def test_a_function_that_takes_any_name_tells_of_none() -> None:
    @names_near
    def anything(least: float, **more: float) -> float:
        return least

    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'least'"):
        anything(leest=1.0)  # type: ignore[call-arg]
    assert anything(1.0, leest=2.0) == 1.0


def test_a_library_that_lacks_another_one_says_so(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where the library itself is not there is its extra the remedy."""
    (tmp_path / "halfthere.py").write_text("import notthereatall\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'notthereatall'"):
        optional_module("halfthere", "plot", "a test")
    with pytest.raises(ModuleNotFoundError, match="a test needs notthereatall: "):
        optional_module("notthereatall.part", "plot", "a test")


def test_the_number_of_threads_may_be_set_and_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from neuromod import parallel

    monkeypatch.setattr(parallel, "_chosen", [])
    for n in (2, 3):
        neuromod.set_num_threads(n)
        assert neuromod.get_num_threads() == n and Simulation(seed=1).threads == n
    assert parallel._chosen == [3]


def test_a_hook_of_one_step_is_due_once() -> None:
    sim = lone()
    once, often = sim.at(2.0, lambda _: None), sim.every(2.0, lambda _: None)
    assert [once.is_due(step) for step in range(5)] == [False, False, True, False, False]
    assert [often.is_due(step) for step in range(1, 5)] == [False, True, False, True]


@pytest.mark.parametrize("stopped", [False, True])
def test_records_are_kept_or_forgotten_whether_or_not_they_go_on(stopped: bool) -> None:
    sim = lone()
    spikes, levels = SpikeMonitor(sim), LevelMonitor(sim)
    sim.run(30)
    if stopped:
        spikes.stop()
        levels.stop()
    assert spikes.count > 0
    for each in (spikes, levels):
        each._forget(lambda steps: steps > 20)
    assert spikes.step.min() > 20 and levels.time.tolist() == list(range(21, 31))
    before = spikes.count
    sim.run(30)
    assert (spikes.count == before) is stopped
    assert len(levels.time) == (10 if stopped else 40)


def test_times_and_words_that_are_taken() -> None:
    ids, times = spike_list(7, [1.0, 2.0])
    assert ids.tolist() == [7, 7] and times.tolist() == [1.0, 2.0]
    plain = plasticity.stdp_update(0.5, 1.0)
    assert plasticity.stdp_update(0.5, 1.0, coincident="half") == plain
    assert senses.text_matrix("Hi", (1, 2), gain=255.0).tolist() == [[72.0, 105.0]]
