"""What a run tells of itself: its progress to the end, where Ctrl-C met it, and the rates of its populations."""

from __future__ import annotations

import io
import pickle
import signal
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, NeuromodWarning, Simulation, SpikeMonitor
from neuromod.progress import ProgressLine, Reports
from neuromod.run_result import Rates


def driven(n: int = 50) -> Simulation:
    sim = Simulation(dt=0.5, seed=1)
    sim.create(n, "lif", name="E", drive={"rate": 2000.0, "weight": 1.0})
    return sim


def press(*_: Any) -> None:
    signal.raise_signal(signal.SIGINT)


# ---- progress


@pytest.mark.parametrize("n_steps", [1, 7, 3000])
@pytest.mark.parametrize("replicas", [False, True])
def test_the_end_is_told_once(n_steps: int, replicas: bool) -> None:
    sim, told = driven(), []
    runner: Any = sim.replicas(2) if replicas else sim
    runner.run(n_steps, progress=lambda done, total, ms, s: told.append((done, total, ms)))
    steps = [done for done, _, _ in told]
    assert told[-1] == (n_steps, n_steps, n_steps * 0.5)
    assert steps == sorted(set(steps)) and {total for _, total, _ in told} == {n_steps}


def test_the_end_of_a_run_with_deaths_is_told_once() -> None:
    config = {
        "areas": [{"name": "A", "coord_ranges": {axis: [0, 4] for axis in "xyzw"}}],
        "lattice_shape": [5, 5, 5, 5],
        "cell_lifecycle": {"enabled": True},
    }
    sim, told = Simulation(BrainModel(config=config), seed=1), []
    sim.initialize_neurons(density=0.2)
    sim.run(1000, progress=lambda *call: told.append(call[:2]))
    assert told[-1] == (1000, 1000) and len(set(told)) == len(told)


def test_a_run_that_a_hook_stops_tells_how_far_it_came() -> None:
    sim, told = driven(), []
    sim.every(100.0, lambda sim: sim.stop())
    sim.run(3000, progress=lambda *call: told.append(call[:2]))
    assert told[-1] == (200, 3000)


def test_a_run_of_no_steps_tells_nothing() -> None:
    told: list[Any] = []
    sim = driven()
    sim.run(0, progress=lambda *call: told.append(call))
    sim.run(0, progress=True)
    assert told == []


def test_what_a_progress_raises_ends_the_run_of_its_last_step() -> None:
    def fail(*_: Any) -> None:
        raise OSError("full")

    reports = Reports(fail, 10, 1.0)
    with pytest.raises(OSError, match="full"):
        reports(10)
    reports(10)  # not told again
    assert not Reports(False, 10, 1.0)


@pytest.mark.parametrize(
    ("done", "ms", "elapsed", "said"),
    [
        (50, 1000.0, 1.02, "1 s left  1.00 s simulated  as fast as real time"),
        (1, 10.0, 20.0, "33 min 0 s left"),
        (1, 10.0, 3600.0, "4 d 3 h left"),
        (50, 500.0, 1.0, "2.0 times slower than real time"),
    ],
)
def test_a_line_has_units_and_no_speed_of_one_times(done: int, ms: float, elapsed: float, said: str) -> None:
    log = io.StringIO()
    ProgressLine(log, after=0.0, always=True)(done, 100, ms, elapsed)
    assert said in log.getvalue()


def test_a_bar_has_a_unit_too() -> None:
    pytest.importorskip("tqdm", reason="tqdm is an extra")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    line = ProgressLine(screen, after=0.0)
    line(1, 100, 10.0, 11.1)
    line.close()
    assert "18 min 19 s left" in screen.getvalue()


# ---- Ctrl-C


@pytest.mark.parametrize("replicas", [False, True])
def test_ctrl_c_says_where_the_run_is_and_that_it_goes_on(replicas: bool) -> None:
    sim, alone = driven(), driven()
    runner: Any = sim.replicas(2) if replicas else sim
    one: Any = runner[0] if replicas else sim
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(10**6, progress=press)
    step = one.current_step
    said = f"run: was interrupted after step {step:,} ({step * 0.5:,.12g} ms), {10**6 - step:,} steps before its end"
    assert str(caught.value).startswith(said) and str(caught.value).endswith("run goes on from there")
    assert type(caught.value) is KeyboardInterrupt and caught.value.__suppress_context__
    assert len(caught.traceback) < 6  # none of the frames within the core's loop
    runner.run(100)
    alone.run(step + 100)
    assert one.digest() == alone.digest()


def test_an_interrupt_with_words_of_its_own_keeps_them() -> None:
    sim = driven()

    def stop(_: Any) -> None:
        raise KeyboardInterrupt("enough")

    sim.every(10.0, stop)
    with pytest.raises(KeyboardInterrupt, match=r"^enough$"):
        sim.run(100)


# ---- rates


def test_rates_are_those_of_each_population() -> None:
    sim = driven(40)
    sim.create(1250, "poisson", name="noise", rate=900.0)
    sim.create(3, "spike_source", name="silent")
    spikes = SpikeMonitor(sim)
    run = sim.run(ms=400.0)
    rates = run["rates"]
    assert list(rates) == ["E", "noise", "silent"] and len(rates) == 3 and rates["silent"] == 0.0
    ids = sim.populations["E"].ids
    assert rates["E"] == pytest.approx(np.isin(spikes.id, ids).sum() / 40 / 0.4)
    assert rates["noise"] == pytest.approx(900.0, rel=0.05)
    assert run["mean_rate"] == pytest.approx((40 * rates["E"] + 1250 * rates["noise"]) / 1293)
    assert f"rates=(E {rates['E']:.4g} Hz, noise" in repr(run) and "noise" in run._repr_html_()
    with pytest.raises(KeyError):
        rates["other"]
    assert dict(pickle.loads(pickle.dumps(run))["rates"]) == dict(rates)
    sim.create(2, name="later")
    assert list(rates) == ["E", "noise", "silent"]


def test_rates_of_areas_leave_out_those_without_neurons() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    sim.initialize_neurons(["V1_like"], density=0.01)
    assert list(sim.run(5)["rates"]) == ["V1_like"]
    assert dict(Simulation(seed=1).run(0)["rates"]) == {}
    assert repr(Simulation(seed=1).run(0)["rates"]) == "Rates()"


def test_many_rates_are_cut_in_a_line() -> None:
    sim = Simulation(seed=1)
    for k in range(20):
        sim.create(2, name=f"P{k}")
    assert repr(sim.run(1)["rates"]).endswith("P7 0 Hz, and 12 more)")
    assert isinstance(sim.run(1)["rates"], Rates)


# ---- reset


def test_reset_says_monitors_as_the_pages_do() -> None:
    sim = driven()
    monitors = [SpikeMonitor(sim), SpikeMonitor(sim)]
    sim.run(10)
    with pytest.warns(NeuromodWarning, match=r"^reset: 2 monitors end; what was recorded stays"):
        sim.reset()
    assert all(not monitor._is_on() for monitor in monitors)


def test_a_fact_asked_for_as_an_attribute_is_answered_with_its_key() -> None:
    run = driven().run(5)
    with pytest.raises(
        AttributeError, match=r"RunResult\.mean_rate: no such attribute; it is \['mean_rate'\]"
    ):
        run.mean_rate  # noqa: B018
    with pytest.raises(AttributeError, match=r"did you mean 'spike_counts'\?"):
        run.spike_count  # noqa: B018
    assert dict(pickle.loads(pickle.dumps(run))).keys() == run.keys() == run.copy().keys()
