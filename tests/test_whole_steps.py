"""Times of monitors, sources, hooks and files: whole steps, or refused before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neuromod import (
    LevelMonitor,
    NeuromodulationSystem,
    NeuromodWarning,
    OUCurrent,
    RateMonitor,
    RateSource,
    Simulation,
    StateMonitor,
    SynapseMonitor,
)

TIMES: dict[str, Callable[[Any, Any], object]] = {
    "RateMonitor bin_ms": lambda sim, ms: RateMonitor(sim, bin_ms=ms),
    "StateMonitor every_ms": lambda sim, ms: StateMonitor(sim, "v_membrane", every_ms=ms),
    "LevelMonitor every_ms": lambda sim, ms: LevelMonitor(sim, every_ms=ms),
    "SynapseMonitor every_ms": lambda sim, ms: SynapseMonitor(sim, "p", every_ms=ms),
    "RateSource interval": lambda sim, ms: RateSource(sim, "in", [1.0, 2.0], interval=ms),
    "RateSource times": lambda sim, ms: RateSource(sim, "in", [1.0], times=[ms]),
    "RateSource start": lambda sim, ms: RateSource(sim, "in", [1.0, 2.0], interval=1.0, start=ms),
    "every": lambda sim, ms: sim.every(ms, print),
    "at": lambda sim, ms: sim.at(ms, print),
    "when every": lambda sim, ms: sim.when(bool, print, every=ms),
    "checkpointing every": lambda sim, ms: sim.checkpointing("kept", every=ms),
}


@pytest.fixture
def sim() -> Simulation:
    sim = Simulation(dt=0.1, seed=1, neuromodulation=NeuromodulationSystem())
    E = sim.create(4, "lif", name="E")
    sim.create(4, "poisson", name="in")
    sim.connect(E, E, all_to_all=True, weight=0.1, name="p")
    return sim


@pytest.mark.parametrize("ms", [0.14, 0.05, 0.001, 100_000.05])
@pytest.mark.parametrize("what", TIMES)
def test_a_time_that_is_no_whole_number_of_steps_is_refused(sim: Simulation, what: str, ms: float) -> None:
    with pytest.raises(ValueError, match=r": must be a whole number of steps of 0\.1 ms; got "):
        TIMES[what](sim, ms)
    engine = sim._session.bound()
    assert not (engine.sample_recorders or engine.spike_recorders or engine.probes)
    assert not sim._session.agenda


@pytest.mark.parametrize("ms", [0.2, 100.0, 0.1 + 0.2])
def test_whole_numbers_of_steps_are_taken(sim: Simulation, ms: float) -> None:
    for what in TIMES:
        if what not in ("RateSource start", "RateSource times"):
            TIMES[what](sim, ms)
            for rate in list(sim._session.agenda.rates):
                sim._session.agenda.rates.remove(rate)


@pytest.mark.parametrize(("dt", "width"), [(0.1, 100), (0.3, 33), (3.0, 3), (40.0, 1)])
def test_a_bin_that_is_not_given_is_near_10_ms(dt: float, width: int) -> None:
    sim = Simulation(dt=dt, seed=1)
    sim.create(2, "poisson")
    rate = RateMonitor(sim)
    sim.run(2 * width)
    assert rate.bin_end.tolist() == pytest.approx([width * dt, 2 * width * dt])


@pytest.mark.parametrize("name", ["current", "I", "input"])
def test_a_monitor_of_a_current_is_told_how_to_record_one(sim: Simulation, name: str) -> None:
    with pytest.raises(
        ValueError, match=r"^variable: must be one of .*; a hook reads .*source\.value"
    ) as error:
        StateMonitor(sim, name)
    assert "external_input" not in str(error.value)


def test_a_monitor_of_the_input_that_is_cleared_is_warned_of(sim: Simulation) -> None:
    with pytest.warns(NeuromodWarning, match=r"external_input is cleared in each step, .*source\.value"):
        monitor = StateMonitor(sim, "external_input", "E")
    noise = OUCurrent(sim, "E", mean=1.0, sd=0.1, tau=5.0)
    sim.run(3)
    assert not monitor.values.any() and noise.value.all()
