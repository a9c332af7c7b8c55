"""Objects in a notebook: small tables that say what is asked first, safe for any name, and bars of progress."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import neuromod
from neuromod import (
    LevelMonitor,
    NeuromodulationSystem,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    StepCurrent,
    SynapseMonitor,
    TDCritic,
)
from neuromod.progress import ProgressLine


class Checker(HTMLParser):
    """Every tag that opens closes, in order; what stands between tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def shown(thing: Any) -> str:
    """The words of an object's HTML, which is well-formed."""
    html = thing._repr_html_()
    assert len(html) < 20_000
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert not checker.open
    return " ".join(" ".join(checker.words).split())


@pytest.fixture(scope="module")
def sim() -> Simulation:
    sim = Simulation(dt=0.1, seed=7, neuromodulation=NeuromodulationSystem())
    E = sim.create(80, "lif", name="E", v_threshold=-50.5, drive={"rate": 2000.0, "weight": 2.0})
    J = sim.create(20, "lif", name="I", neuron_type="inhibitory")
    sim.connect(E, E + J, probability=0.1, weight=0.5, rule="rstdp", name="<b>&")
    return sim


def test_a_simulation_shows_its_network_and_levels(sim: Simulation) -> None:
    words = shown(sim)
    for part in (
        "Simulation",
        "neurons 100",
        "seed 7",
        "E 80",
        "I 20",
        "excitatory rstdp",
        "dopamine 0.500 0.5",
    ):
        assert part in words


def test_names_cannot_write_html(sim: Simulation) -> None:
    assert "&lt;b&gt;&amp;" in sim._repr_html_()
    assert "<b>&" in shown(sim)


def test_parts_of_a_network_show_themselves(sim: Simulation) -> None:
    assert "v_threshold -50.5 -50.5 -50.5" in shown(sim.populations["E"])
    assert "neurons 20" in shown(sim.populations["I"])
    assert "E 80 I 20" in shown(sim.populations)
    assert "rstdp" in shown(sim.projections)
    words = shown(sim.projections["<b>&"])
    assert "tau_c = 1000" in words and "modulators all" in words and "learning yes" in words
    assert "I" in shown(sim.populations["E"] + sim.populations["I"])


def captions(thing: Any) -> list[str]:
    return re.findall(r"<caption[^>]*>(.*?)</caption>", thing._repr_html_())


def test_every_table_is_titled_with_what_it_shows(sim: Simulation) -> None:
    """Of mappings the title was the beginning of a dict's repr."""
    titles = {
        "Populations": sim.populations,
        "Projections": sim.projections,
        "Population": sim.populations["E"],
        "Projection": sim.projections["<b>&"],
        "Simulation": sim,
    }
    assert {title: captions(thing)[:1] for title, thing in titles.items()} == {
        title: [title] for title in titles
    }
    assert "none yet" in shown(Simulation(seed=1).projections)


def test_a_projection_shows_weights_and_delays_apart_from_their_bounds(sim: Simulation) -> None:
    copy = sim.copy()
    p = copy.projections["<b>&"]
    p.weight = np.linspace(0.25, 0.75, len(p))
    p.delay = np.where(np.arange(len(p)) % 2, 5, 15)
    words = shown(copy.projections["<b>&"])
    assert "weights mean 0.5, 0.25 to 0.75 mV" in words and "bounds of weights 0 to 1 mV" in words
    assert re.search(r"delay mean \d+(\.\d+)?, 5 to 15 steps", words)
    static = Simulation(seed=1)
    g = static.create(4, "lif_cond", name="G")
    words = shown(static.connect(g, g, probability=1.0, weight=0.05))
    assert (
        "weights mean 0.05, 0.05 to 0.05 g/g_L" in words and "delay 1 step" in words and "bounds" not in words
    )


def test_a_projection_is_looked_at_without_a_trace(sim: Simulation) -> None:
    """Its weights are read, and nothing that follows changes by it."""
    plain, seen = sim.copy(), sim.copy()
    for _ in range(5):
        plain.run(ms=10.0)
        seen.run(ms=10.0)
        shown(seen.projections["<b>&"])
    assert plain.digest() == seen.digest()


def test_a_population_shows_units_and_its_type(sim: Simulation) -> None:
    words = shown(sim.populations["E"])
    assert (
        "type excitatory" in words
        and "tau_m 20 20 20 ms" in words
        and "drive_rate 2000 2000 2000 Hz" in words
    )
    assert "type inhibitory" in shown(sim.populations["I"])
    assert "type mixed" in shown(sim.populations["E"] + sim.populations["I"])


def test_a_neuron_shows_what_there_is(sim: Simulation) -> None:
    """-1 stands for no site, and -inf for no spike."""
    neuron = Simulation(seed=1).create(1, "lif")[0]
    assert "position" not in shown(neuron) and "position" not in repr(neuron)
    assert "last_spike_time no spike yet" in shown(neuron) and "inf" not in shown(neuron)
    assert "tau_m 20 ms" in shown(neuron) and "v_threshold -50 mV" in shown(neuron)
    lattice = Simulation(neuromod.BrainModel("brain_base_model.json"), seed=1)
    lattice.initialize_neurons(["V1_like"], density=0.01)
    assert "position (" in shown(lattice.model.neurons[0]) and "position=(" in repr(lattice.model.neurons[0])


def test_agents_and_their_histories_show_themselves() -> None:
    gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is an extra")
    from neuromod.agents import Agent, VectorAgent
    from neuromod.agents.history import History

    env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    agent = Agent(env.observation_space, env.action_space, seed=3)
    agent.clamp(serotonin=0.5)
    words = shown(agent)
    for part in (
        "Agent",
        "16 cells",
        "4 groups of actors",
        "clamped serotonin = 0.5",
        "seed 3",
        "dopamine 0.500",
    ):
        assert part in words
    several = VectorAgent(env.observation_space, env.action_space, 2, seed=3)
    assert "agents 2" in shown(several) and "0 3 0 1 4 0" in shown(several)
    history = History([1.0, 0.0, 3.0], [7, 8, 9], [7, 15, 24], [0, 0, 0])
    assert "3 1.33333 1.33333 1.33333 8" in shown(history)
    both = History([1.0, 0.0], [7, 8], [7, 15], [0, 1])
    assert "environment 0 1 1 1 1 7 environment 1 1 0 0 0 8" in shown(both)
    assert "0" in shown(History())


def test_the_neurons_and_synapses_of_a_model_show_themselves(sim: Simulation) -> None:
    words = shown(sim.model.neurons)
    assert "neurons 100" in words and "model neurons lif 100" in words
    assert "v_membrane" in words and "tau_m 20 20 20" in words
    assert f"<b>& {len(sim.projections['<b>&']):,} excitatory rstdp" in shown(sim.model.synapses)
    assert f"synapses {len(sim.model.synapses):,}" in shown(sim.model.synapses)
    mixed = Simulation(seed=1)
    assert "neurons 0" in shown(mixed.model.neurons) and "synapses 0" in shown(mixed.model.synapses)
    mixed.create(3, "poisson"), mixed.create(4, "adex")
    assert "adex 4 poisson 3" in shown(mixed.model.neurons) and "tau_w" not in shown(mixed.model.neurons)


def test_every_public_class_shows_itself() -> None:
    classes = {name: getattr(neuromod, name) for name in neuromod.__all__}
    held = {
        name: kind
        for name, kind in classes.items()
        if isinstance(kind, type) and not issubclass(kind, Exception)
    }
    assert len(held) > 15
    assert [name for name, kind in held.items() if not hasattr(kind, "_repr_html_")] == []


def test_what_is_recorded_shows_itself(sim: Simulation) -> None:
    copy = sim.copy()
    projection = copy.projections["<b>&"]
    made = {
        "spikes": SpikeMonitor(copy),
        "bins 2": RateMonitor(copy, bin_ms=10.0),
        "variable v_membrane": StateMonitor(copy, "v_membrane", every=10),
        "dopamine, serotonin, norepinephrine": LevelMonitor(copy, every=10),
        "variable weight": SynapseMonitor(copy, projection, every=100),
    }
    empty = [shown(monitor) for monitor in made.values()]
    assert all("records yes" in words for words in empty)
    result = copy.run(ms=20.0)
    for part, monitor in made.items():
        assert part in shown(monitor)
    assert f"spikes {result['spike_counts'].sum():,}" in shown(made["spikes"])
    made["spikes"].stop()
    assert "records no" in shown(made["spikes"])


def test_modulators_currents_hooks_critics_and_runs_show_themselves(sim: Simulation) -> None:
    copy = sim.copy()
    system = copy.neuromodulation
    assert system is not None
    system.dopamine.state.level = 0.8
    assert "dopamine 0.800 0.5" in shown(system)
    assert "width:80%" in system._repr_html_()
    assert "acts on learning_rate" in shown(system.dopamine)
    assert "decay rate 0.1 per step" in shown(system.dopamine.state)
    current = StepCurrent(copy, "E", 5.0)
    assert "unit mV" in shown(current) and "acts yes" in shown(current)
    current.remove()
    assert "acts no" in shown(current)
    assert "every=10 ms" in shown(copy.every(10.0, print))
    critic = TDCritic(0.5, 0.9)
    critic.update("<a>", 1.0, None) if hasattr(critic, "update") else None
    assert "learning rate 0.5" in shown(critic)
    assert "replica" in shown(sim.replicas(2))


def test_regions_show_their_own_levels() -> None:
    system = NeuromodulationSystem(regions=["left", "right"])
    words = shown(system)
    assert words.count("dopamine") == 2 and "right" in words


def test_the_result_of_a_run_is_a_dict_of_one_line(sim: Simulation) -> None:
    result = sim.copy().run(ms=10.0)
    assert isinstance(result, dict) and set(result) >= {"step", "spike_counts", "mean_rate"}
    assert re.fullmatch(
        r"RunResult\(step=100, n_steps=100, spike_counts=\d+ spikes of 100 neurons, mean_rate=[\d.]+ Hz, "
        r"rates=\(E [\d.]+ Hz, I [\d.]+ Hz\), deaths=0, births=0\)",
        repr(result),
    )
    assert "step 100" in shown(result)


def test_views_are_cheap_and_change_nothing(sim: Simulation) -> None:
    digest = sim.digest()
    sim._repr_html_()
    began = time.process_time()
    for _time in range(20):
        sim._repr_html_()
    assert (time.process_time() - began) / 20 < 0.005
    assert sim.digest() == digest


def test_more_rows_than_fit_are_counted() -> None:
    sim = Simulation(seed=1)
    for k in range(40):
        sim.create(1, name=f"p{k}")
    assert "and 10 more" in shown(sim.populations)


# ---- progress -------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_tqdm_draws_the_bar() -> None:
    pytest.importorskip("tqdm", reason="tqdm is an extra")
    screen = Terminal()
    line = ProgressLine(screen, after=0.0)
    line.phase("training")
    line(50, 100, 3000.0, 0.1)
    line(100, 100, 6000.0, 0.2)
    line.close()
    drawn = screen.getvalue()
    assert "training:  50 %|" in drawn and "50/100 steps" in drawn
    assert "100 %|" in drawn and "30 times faster than real time" in drawn
    assert drawn.endswith("\n")


def test_a_bar_without_steps_counts_none() -> None:
    pytest.importorskip("tqdm", reason="tqdm is an extra")
    screen = Terminal()
    line = ProgressLine(screen, after=0.0, steps=False)
    line(50, 125_820, 50.0, 0.1)
    line.close()
    assert "steps" not in screen.getvalue() and "125" not in screen.getvalue()


def test_a_short_run_shows_nothing() -> None:
    screen = Terminal()
    line = ProgressLine(screen)
    line(100, 100, 100.0, 1.9)
    line.close()
    assert screen.getvalue() == ""


def test_a_bar_starts_no_thread_and_touches_no_global_of_tqdm() -> None:
    pytest.importorskip("tqdm", reason="tqdm is an extra")
    program = (
        "import io, threading, tqdm; before = tqdm.tqdm.monitor_interval\n"
        "class T(io.StringIO):\n    def isatty(self): return True\n"
        "from neuromod.progress import ProgressLine; line = ProgressLine(T(), after=0.0); line(1, 2, 1.0, 1.0)\n"
        "print(threading.active_count(), tqdm.tqdm.monitor_interval == before, hasattr(tqdm.tqdm, '_lock'))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "1 True False\n"


def test_in_a_notebook_a_run_draws_a_bar_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for a kernel's shell: standard error is no terminal there."""
    pytest.importorskip("tqdm", reason="tqdm is an extra")
    import types

    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    assert not ProgressLine()._on
    shell = types.ModuleType("IPython")
    shell.get_ipython = lambda: types.SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    line = ProgressLine(after=0.0)
    line(50, 100, 50.0, 0.1)
    line.close()
    assert "50 %|" in log.getvalue()


def test_a_run_reports_to_the_bar(sim: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(ProgressLine, "__call__", lambda self, done, total, *_: told.append((done, total)))
    sim.copy().run(200, progress=True)
    assert told[-1] == (200, 200)
    assert np.all(np.diff([done for done, _ in told]) > 0)


def test_the_package_has_no_view_that_needs_ipython() -> None:
    program = "import neuromod, sys; neuromod.Simulation()._repr_html_(); print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
    assert neuromod.__version__
