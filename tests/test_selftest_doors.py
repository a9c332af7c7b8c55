"""The self-test told of faults in each of its actions, and run where there is little to act on."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuromod
from neuromod import NumericalError, Simulation
from neuromod.cli import main
from neuromod.selftest import episodes, events, models
from neuromod.selftest.command import selftest
from neuromod.selftest.episodes import Difference, _Action, episode

pytestmark = pytest.mark.filterwarnings("ignore::neuromod.NeuromodWarning")


def plan_of(name: str, n_steps: int = 10, word: int = 3) -> Callable[[int], Any]:
    """A plan of one action."""
    return lambda number: [([_Action(name, n_steps, word)], "nothing", lambda sim: None)]


def spoiled(sim: Simulation) -> Simulation:
    """A simulation whose neurons are slower."""
    sim.model.neurons.tau_m[:] *= 1.5
    return sim


def forgetful(path: Any) -> Any:
    """A log without its last spike."""
    log = dict(READ(path))
    log["s"] = {name: values[:-1] for name, values in log["s"].items()}
    return log


READ = neuromod.read_log
FROM_DICT = Simulation.from_dict.__func__  # type: ignore[attr-defined]
LOAD = Simulation.load.__func__  # type: ignore[attr-defined]

FAULTS: dict[str, tuple[Any, str, Any, str]] = {
    "dict": (
        Simulation,
        "from_dict",
        classmethod(lambda cls, state: spoiled(FROM_DICT(cls, state))),
        "ValueError: to_dict, from_dict: must go on alike",
    ),
    "checkpoints": (
        Simulation,
        "load",
        classmethod(lambda cls, path, **given: spoiled(LOAD(cls, path, **given))),
        "ValueError: a run from a checkpoint must go on alike",
    ),
    "stream": (neuromod, "read_log", forgetful, "ValueError: a log must hold what a monitor holds"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_an_action_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, attribute, faulty, words = FAULTS[name]
    monkeypatch.setattr(episodes, "_plan", plan_of(name))
    monkeypatch.setattr(episodes, "simulation_of", firing)
    assert episode(1, tmp_path, Counter()) is None
    monkeypatch.setattr(place, attribute, faulty)
    found = episode(1, tmp_path, Counter())
    assert found is not None and found.what == words and found.actions == (0,)


def firing(draw: random.Random, threads: int) -> Simulation:
    """A network in which each neuron fires."""
    sim = Simulation(seed=1, threads=threads)
    sim.create(5, "lif", name="A", i_offset=60.0)
    return sim


def test_other_records_are_a_difference() -> None:
    whole = [np.arange(3), np.array([0.5, np.nan, 1.0])]
    assert episodes._differs(("a", [whole]), ("a", [whole])) is None
    assert episodes._differs(("a", [whole]), ("b", [whole])) == "digest a, expected b"
    other = [np.arange(3), np.array([0.5, np.nan, 2.0])]
    assert episodes._differs(("a", [whole, other]), ("a", [whole, whole])) == "records of monitor 1"


def test_a_model_that_diverges_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverges(*_: Any) -> Any:
        raise NumericalError("neurons[0].v_membrane: must stay finite; got nan")

    done: Counter[str] = Counter()
    monkeypatch.setattr(episodes, "_plain", diverges)
    assert episode(1, tmp_path, done) is None and done == {"episodes that diverged": 1}


def test_it_ends_when_it_has_found_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "episode", lambda number, *_: Difference(number, "digest", (0,), ("file",)))
    said: list[str] = []
    found = selftest(minutes=5.0, seed=3, say=said.append)
    assert found == sum("DIFFERENCE in episode" in line for line in said) > 1


def test_it_goes_on_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: list[int] = []
    monkeypatch.setattr(episodes, "episode", lambda number, *_: numbers.append(number))
    assert selftest(minutes=0.0001, seed=3, say=lambda line: None) == 0
    assert numbers[:2] == [3, 4]


def test_a_text_is_no_number_of_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["selftest", "--minutes", "long"])
    assert caught.value.code == 2
    assert "argument --minutes: must be a number > 0; got 'long'" in capsys.readouterr().err


@pytest.mark.parametrize("word", [0, 99])
def test_an_interrupt_comes_in_time_or_too_late(
    word: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episodes, "_plan", plan_of("interrupt", 1, word))
    monkeypatch.setattr(episodes, "_SECONDS", 30.0 if word else 0.0)
    assert episode(1, tmp_path, Counter()) is None


def test_other_threads_are_not_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes to the main thread alone; elsewhere the action is a plain run."""
    monkeypatch.setattr(episodes, "_plan", plan_of("interrupt", 5, 0))
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(episode(1, tmp_path, Counter())))
    thread.start()
    thread.join()
    assert found == [None]


def test_sources_take_no_current() -> None:
    sim = Simulation(seed=1)
    sim.create(2, "poisson", name="A", rate=5.0)
    before = sim.digest()
    models._current(random.Random(1), sim, ["A"])
    assert sim.digest() == before and "currents" not in sim.to_dict()["simulation"]


@pytest.mark.parametrize("name", ["reward", "remove a neuron"])
def test_events_find_something_to_act_on(name: str) -> None:
    """A single neuron stays, and a network without modulators has no reward."""
    number = random.Random(1)
    deed = lambda sim: events.EVENTS[name](sim, number)  # noqa: E731
    alone = Simulation(seed=1)
    alone.create(1, "lif", name="A")
    deed(alone)
    assert len(alone.model.neurons) == 1
    several = Simulation(seed=1, neuromodulation=neuromod.NeuromodulationSystem())
    several.create(3, "lif", name="A")
    before = several.digest()
    deed(several)
    assert several.digest() != before and len(several.model.neurons) == (2 if "neuron" in name else 3)


class Run:
    """A simulation whose run is something else."""

    def __init__(self, deed: Callable[[], object]) -> None:
        self.deed = deed

    def run(self, n_steps: int, progress: bool) -> None:
        self.deed()


def test_an_interrupt_that_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    came, waited = threading.Event(), []
    monkeypatch.setattr(episodes._thread, "interrupt_main", came.set)
    monkeypatch.setattr(episodes.time, "sleep", waited.append)
    episodes._interrupted(Run(lambda: came.wait(30.0)), 1, 0.0)  # type: ignore[arg-type]
    assert came.is_set() and waited == [0.1]


def test_ctrl_c_of_the_user_ends_it() -> None:
    def press() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        episodes._interrupted(Run(press), 1, 60.0)  # type: ignore[arg-type]
