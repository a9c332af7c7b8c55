"""Ctrl-C at each point where Python may serve it during a run: the run goes on afterwards, to the same bits."""

from __future__ import annotations

import dis
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from neuromod import BrainModel, RateSource, Simulation

STEPS = 6


def plain() -> Simulation:
    sim = Simulation(seed=1)
    sources, cells = sim.create(3, "poisson", name="sources", rate=100.0), sim.create(3, "lif")
    sim.connect(sources, cells, probability=1.0, weight=1.0, rule="stdp")
    sim.run(1, progress=False)  # what the first run brings is not looked at here
    return sim


def rated() -> Simulation:
    """Rates change at the end of each step; where that was left out, they changed at the next one (self-test)."""
    sim = plain()
    RateSource(sim, "sources", [50.0, 400.0, 900.0], interval=sim.dt, repeat=True)
    return sim


def hooked() -> Simulation:
    """What is called at the end of each step counts the calls."""
    sim = plain()
    sim.every(sim.dt, sim.__dict__.setdefault("calls", []).append)
    return sim


def living() -> Simulation:
    """Neurons die, and are replaced, at the end of each second step."""
    about = {
        "enable_death": True,
        "death_probability_per_step": 0.2,
        "interval": 2,
        "enable_reproduction": True,
    }
    sim = Simulation(BrainModel(config={"areas": [], "cell_lifecycle": about}), seed=1)
    sources, cells = sim.create(3, "poisson", rate=100.0), sim.create(20, "lif")
    sim.connect(sources, cells, probability=1.0, weight=1.0, rule="stdp")
    sim.run(1, progress=False)
    return sim


def run(sim: Simulation) -> Any:
    return [sim], lambda: sim.run(STEPS - 1, progress=False)


def step(sim: Simulation) -> Any:
    return [sim], lambda: [sim.step() for _ in range(STEPS - 1)]


def reported(sim: Simulation) -> Any:
    return [sim], lambda: sim.run(STEPS - 1, progress=lambda *_: None)


def together(sim: Simulation) -> Any:
    both = sim.replicas(2, seeds=[1, 1])
    return list(both), lambda: both.run(STEPS - 1, progress=False)


def together_reported(sim: Simulation) -> Any:
    both = sim.replicas(2, seeds=[1, 1])
    return list(both), lambda: both.run(STEPS - 1, progress=lambda *_: None)


class Serve:
    """Ctrl-C at the k-th place where Python looks for signals: at the begin of a function, behind a call, in a loop."""

    def __init__(self, k: int) -> None:
        self.k, self.seen, self.last = k, 0, dict[int, str]()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        looks = event == "call"
        if event == "opcode":
            looks = self.last.get(id(frame), "").startswith(("CALL", "JUMP_BACKWARD"))
            self.last[id(frame)] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        elif event == "call":
            self.last[id(frame)] = ""
        self.seen += looks
        if looks and self.seen == self.k:
            sys.settrace(None)
            handler = signal.getsignal(signal.SIGINT)
            assert callable(handler)
            handler(signal.SIGINT, frame)
        return self


def is_interrupted(act: Callable[[], object], k: int) -> bool:
    """Whether there is a k-th place; what is called by C, a finalizer say, may swallow the Ctrl-C."""
    before, serve = sys.gettrace(), Serve(k)
    sys.settrace(serve)
    try:
        act()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return serve.seen == k


def calls(sim: Simulation) -> list[Any]:
    return sim.__dict__.get("calls", [])


@pytest.mark.parametrize(
    ("network", "way", "stride"),
    [
        *((plain, way, 1) for way in (run, step, reported, together, together_reported)),
        *((rated, way, 5) for way in (run, step, reported)),
        *((rated, way, 11) for way in (together, together_reported)),
        *((hooked, way, 3) for way in (run, step, reported)),
        *((living, way, 101) for way in (run, step, reported)),
    ],
)
def test_a_run_that_ctrl_c_ends_anywhere_goes_on(
    network: Callable[[], Simulation], way: Callable[[Simulation], Any], stride: int
) -> None:
    """Behind the call that begins a run, and before the line that ends it, it left a run without an end (self-test).

    What was due at the end of a step was left out where Ctrl-C came before it had begun (self-test). `stride`: of the
    places that are tried; five steps have the same ones at other numbers.
    """
    alone = network()
    alone.run(STEPS - 1, progress=False)
    expected, k = alone.digest(), 1
    sims, act = way(network())
    while is_interrupted(act, k):
        for sim in sims:
            sim.run(STEPS - sim.current_step, progress=False)
            assert sim.digest() == expected, k
            assert len(calls(sim)) == len(calls(alone)), k
        k += stride
        sims, act = way(network())
    assert k > 100
