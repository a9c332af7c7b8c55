"""Ctrl-C at each point where Python may serve it during a run: the run goes on afterwards, to the same bits."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from neuromod import Simulation

STEPS = 6


def network() -> Simulation:
    sim = Simulation(seed=1)
    sources, cells = sim.create(3, "poisson", rate=100.0), sim.create(3, "lif")
    sim.connect(sources, cells, probability=1.0, weight=1.0, rule="stdp")
    sim.run(1, progress=False)  # what the first run brings is not looked at here
    return sim


def run() -> Any:
    sim = network()
    return [sim], lambda: sim.run(STEPS - 1, progress=False)


def step() -> Any:
    sim = network()
    return [sim], lambda: [sim.step() for _ in range(STEPS - 1)]


def reported() -> Any:
    sim = network()
    return [sim], lambda: sim.run(STEPS - 1, progress=lambda *_: None)


def together() -> Any:
    both = network().replicas(2, seeds=[1, 1])
    return list(both), lambda: both.run(STEPS - 1, progress=False)


def together_reported() -> Any:
    both = network().replicas(2, seeds=[1, 1])
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
            raise KeyboardInterrupt
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


@pytest.mark.parametrize("way", [run, step, reported, together, together_reported])
def test_a_run_that_ctrl_c_ends_anywhere_goes_on(way: Callable[[], Any]) -> None:
    """Behind the call that begins a run, and before the line that ends it, it left a run without an end (self-test)."""
    alone = network()
    alone.run(STEPS - 1, progress=False)
    expected, k = alone.digest(), 1
    sims, act = way()
    while is_interrupted(act, k):
        for sim in sims:
            sim.run(STEPS - sim.current_step, progress=False)
            assert sim.digest() == expected, k
        k += 1
        sims, act = way()
    assert k > 100
