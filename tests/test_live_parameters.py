"""Learning changed while a network lives: what is set acts from the next step on, exactly, in every copy alike."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, ConfigError, Simulation, create_neuromodulation_system
from neuromod._core import plasticity_rules

RULES = sorted(plasticity_rules())
LINE = {"z": [0, 0], "w": [0, 0]}


def area(name: str, n: int, row: int, **keys: Any) -> dict[str, Any]:
    ranges = {"x": [0, n - 1], "y": [row, row], **LINE}
    return {"name": name, "neuron_type": "excitatory", "coord_ranges": ranges, **keys}


def network(*areas: dict[str, Any], seed: int = 3, threads: int = 1, **modulators: Any) -> Simulation:
    config = {"lattice_shape": [5000, len(areas), 1, 1], "areas": list(areas)}
    section = {"neutral": True, "dopamine": {"tau": 200.0}, **modulators}
    system = create_neuromodulation_system(section)
    sim = Simulation(BrainModel(config=config), seed=seed, neuromodulation=system, threads=threads)
    for each in areas:
        sim.initialize_neurons([each["name"]])
    return sim


def learning_network(rule: str, n: int = 60, threads: int = 1, **keys: Any) -> Simulation:
    sim = network(
        area("a", n, 0, model="poisson", params={"rate": 60.0}),
        area("b", n // 3, 1, model="lif", drive={"rate": 1500.0, "weight": 0.8}),
        threads=threads,
    )
    parts = {"weight_decay": 1e-5, "short_term": True, "homeostatic": {"target_rate": 5.0, "every": 100.0}}
    sim.connect(
        "a",
        "b",
        in_degree=20,
        weight={"uniform": [0.1, 0.5]},
        delay={"uniform": [1, 4]},
        rule={"rule": rule, **parts},
        name="p",
        **keys,
    )
    return sim


def change_everything(sim: Simulation) -> None:
    p = sim.projections["p"]
    p.weight_max, p.weight_min, p.weight_decay, p.weight_dependence = 0.6, 0.01, 1e-4, 0.5
    p.short_term["U"] = 0.2
    p.short_term.update(tau_rec=200.0, tau_facil=50.0)
    p.homeostatic["target_rate"] = 30.0
    p.homeostatic.update(tau=300.0, every=70.0)
    fixed = plasticity_rules()[str(p.rule)]["pre_lag"]
    for name, value in p.rule_params.items():
        if isinstance(value, float) and name != fixed:
            p.rule_params[name] *= 0.5
    p.modulators = ["dopamine"]
    p.rounding = "nearest"


def restored(sim: Simulation) -> Simulation:
    return Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))


@pytest.mark.parametrize("rule", RULES)
def test_a_change_acts_alike_in_the_running_simulation_a_copy_and_a_restored_state(rule: str) -> None:
    sim = learning_network(rule)
    sim.run(317)
    unchanged = sim.copy()
    change_everything(sim)
    copy, again = sim.copy(), restored(sim)
    for one in (sim, copy, unchanged):
        one.run(400)
    for _ in range(400):
        again.step()
    assert sim.digest() == copy.digest() == again.digest()
    assert not np.array_equal(sim.projections["p"].weight, unchanged.projections["p"].weight)
    assert sim.projections["p"].weight.max() <= 0.6


@pytest.mark.parametrize("rule", ["stdp", "rstdp", "hebbian"])
def test_a_change_is_the_same_for_any_threads_and_cut_of_the_run(rule: str) -> None:
    digests = set()
    for threads, cuts in ((1, (150, 200)), (2, (150, 200)), (2, (149, 1, 57, 143))):
        sim = learning_network(rule, n=4800, threads=threads)
        for n_steps in cuts:
            if sim.current_step == 150:
                change_everything(sim)
            sim.run(n_steps)
        digests.add(sim.digest())
    assert len(digests) == 1


@pytest.mark.parametrize("rule", RULES)
def test_a_replica_learns_as_the_simulation_does_after_a_change(rule: str) -> None:
    sim = learning_network(rule)
    sim.run(100)
    runs = sim.replicas(2, seeds=[sim.seed, 9])
    change_everything(sim)
    change_everything(runs[0])
    runs.run(150)
    sim.run(150)
    assert runs[0].digest() == sim.digest()


# ---- learning off ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_weights_stand_still_to_the_bit_while_learning_is_off(rule: str) -> None:
    sim = learning_network(rule)
    p = sim.projections["p"]
    sim.run(300)
    sim.neuromodulation.process_reward(1.0)
    sim.run(33)
    before = p.weight.copy()
    p.learning = False
    assert not p.learning
    for reward in (0.0, 1.0):
        sim.run(200)
        sim.neuromodulation.process_reward(reward, 0.5)
    assert restored(sim).projections["p"].learning is sim.copy().projections["p"].learning is False
    assert np.array_equal(p.weight, before)
    p.learning = True
    sim.run(200)
    assert not np.array_equal(p.weight, before)


def test_bounds_hold_while_learning_is_off() -> None:
    """A weight beyond a bound is refused, and a bound that moves takes the weights beyond it along."""
    for rule in RULES:
        sim = learning_network(rule)
        p = sim.projections["p"]
        p.learning = False
        p.weight[:3] = 7.0
        with pytest.raises(ValueError, match=r"^projections\['p'\].weight: must be at most weight_max, 1 mV"):
            sim.run(300)
        p.weight[:3] = 1.0
        p.weight_max = 0.5
        sim.run(300)
        assert np.all(p.weight[:3] == 0.5), rule


def test_traces_and_eligibility_go_on_while_learning_is_off() -> None:
    """As with a learning rate of 0 in the meantime, to the bit."""
    ends = []
    for name in ("learning", "learning_rate"):
        sim = learning_network("rstdp")
        p = sim.projections["p"]
        p.weight_decay, p.homeostatic = 0.0, None
        sim.run(100)
        rate = p.rule_params["learning_rate"]
        for off in (True, False):
            if name == "learning":
                p.learning = not off
            else:
                p.rule_params["learning_rate"] = 0.0 if off else rate
            sim.neuromodulation.process_reward(1.0)
            sim.run(150)
        assert p.eligibility.any()
        ends.append((p.weight.copy(), p.eligibility.copy()))
    assert all(np.array_equal(a, b) for a, b in zip(*ends, strict=True))


# ---- against the definition, step by step ------------------------------------------------------------------


def pair_network(rule: dict[str, Any]) -> Any:
    """One source and one target that fire when they are told to, by 5 synapses in a row."""
    sim = network(area("s", 1, 0, model="spike_source"), area("t", 1, 1, model="spike_source"))
    p = sim.connect(
        "s", "t", pairs=[[0, 1]], weight=0.5, rule={"weight_max": 2.0, **rule}, name="p", modulators=[]
    )
    return sim, p


PRE = [5, 31, 54, 80, 99, 130, 155, 170]
POST = [9, 25, 60, 77, 95, 120, 141, 163, 182]


def expected_pairs(change_at: int, end: int, before: dict[str, float], after: dict[str, float]) -> float:
    """Traces that decay step by step under the parameters of the step; a spike arrives one step after it."""
    w, x, y = 0.5, 0.0, 0.0
    for step in range(1, end + 1):
        q = after if step > change_at else before
        x *= math.exp(-1.0 / q["tau_plus"])
        y *= math.exp(-1.0 / q["tau_minus"])
        if step - 1 in PRE:
            w -= q["learning_rate"] * q["a_minus"] * y
            x += 1.0
        if step in POST:
            w += q["learning_rate"] * q["a_plus"] * x
            y += 1.0
    return w


def test_parameters_of_a_rule_change_exactly() -> None:
    before = {"learning_rate": 0.01, "a_plus": 1.0, "a_minus": 1.2, "tau_plus": 20.0, "tau_minus": 30.0}
    after = {"learning_rate": 0.02, "a_plus": 0.7, "a_minus": 0.9, "tau_plus": 11.0, "tau_minus": 13.0}
    assert not set(POST) & {step + 1 for step in PRE}
    ends = set()
    for change_at in (0, 57, 99, 100, 200):
        sim, p = pair_network({"rule": "stdp", **before})
        sim.set_spike_times(0, np.array(PRE, float))
        sim.set_spike_times(1, np.array(POST, float))
        sim.run(change_at)
        p.rule_params.update(after)
        sim.run(200 - change_at)
        assert p.weight[0] == pytest.approx(expected_pairs(change_at, 200, before, after), abs=2e-7)
        ends.add(float(p.weight[0]))
    assert len(ends) == 5


def test_short_term_plasticity_changes_exactly() -> None:
    sim = network(
        area("s", 1, 0, model="spike_source"), area("t", 1, 1, model="lif", params={"v_threshold": 1e6})
    )
    first = {"U": 0.5, "tau_rec": 300.0, "tau_facil": 40.0}
    p = sim.connect(
        "s", "t", pairs=[[0, 1]], weight=10.0, delay=3, rule={"rule": "none", "short_term": first}, name="p"
    )
    times = [5, 20, 33, 58, 60, 90]
    sim.set_spike_times(0, np.array(times, float))
    jumps: dict[int, float] = {}
    kept = math.exp(-1.0 / 20.0)

    def advance(n: int) -> None:
        for _ in range(n):
            before = sim.model.neurons[1].v_membrane + 65.0
            sim.step()
            jump = sim.model.neurons[1].v_membrane + 65.0 - before * kept
            if abs(jump) > 1e-6:
                jumps[sim.current_step] = jump

    advance(59)  # the spike of step 58 is under way
    p.short_term.update(U=0.2, tau_rec=100.0, tau_facil=200.0)
    advance(60)
    u, left, wanted = 0.0, 0.0, {}  # share used by the spikes so far, and resources that are missing
    fired = False
    for step in range(1, 100):
        q = first if step <= 59 else {"U": 0.2, "tau_rec": 100.0, "tau_facil": 200.0}
        u *= math.exp(-1.0 / q["tau_facil"])
        left *= math.exp(-1.0 / q["tau_rec"])
        if step in times:
            u = q["U"] + ((1.0 - q["U"]) * u if fired else 0.0)
            fired = True
            efficacy = u * (1.0 - left)
            wanted[step + 3] = 10.0 * efficacy
            left = 1.0 - (1.0 - left) * (1.0 - u)
    assert jumps.keys() == wanted.keys()
    for step, jump in wanted.items():
        assert jumps[step] == pytest.approx(jump, rel=1e-6), step


def test_spikes_under_way_have_all_of_the_weight_when_short_term_plasticity_begins() -> None:
    sim = network(area("s", 1, 0, model="spike_source"), area("t", 1, 1, model="lif"))
    p = sim.connect("s", "t", pairs=[[0, 1]], weight=2.0, delay=5, rule="none", name="p")
    sim.set_spike_times(0, [2.0, 12.0])
    sim.run(4)
    p.short_term = {"U": 0.25, "tau_rec": 100.0, "tau_facil": 0.0}
    sim.run(3)
    assert sim.model.neurons[1].v_membrane == pytest.approx(-63.0)
    sim.run(300)
    assert p.short_term == {"U": 0.25, "tau_rec": 100.0, "tau_facil": 0.0}
    with pytest.raises(ValueError, match="short_term: must not be taken off"):
        p.short_term = None


def test_homeostatic_averages_change_exactly() -> None:
    """The average of a target that fires at known times decays by the time constant of each step."""
    times, change_at, every = [10, 130, 150, 290, 301, 333, 380], 210, 500
    ends = []
    for tau in (100.0, 400.0):
        sim, p = pair_network({"rule": "stdp", "learning_rate": 0.0})
        p.homeostatic = {"target_rate": 50.0, "tau": 200.0, "strength": 0.5, "every": 300.0}
        sim.set_spike_times(1, np.array(times, float))
        sim.run(1)  # bound: the average begins
        sim.run(change_at - 1)
        rates = sim.to_dict()["simulation"]["engine"]["rates"]["p"][1]["values"]
        now = rates[1] * math.exp((300 - change_at) / 200.0)
        p.homeostatic.update(tau=tau, every=float(every))
        sim.run(every - change_at)
        average = now * math.exp(-(every - change_at) / tau)
        seen = -1000.0 * math.expm1(-1.0 / tau)  # a spike, spread over its step of 1 ms
        average += sum(seen * math.exp(-(every - t) / tau) for t in times if t > change_at)
        factor = 1.0 + 0.5 * min(1.0, max(-1.0, (50.0 - average) / 50.0))
        assert p.weight[0] == pytest.approx(0.5 * factor, rel=1e-6)
        ends.append(p.weight[0])
    assert ends[0] != ends[1]


def test_neuron_parameters_change_in_mid_run_exactly() -> None:
    """The propagator of each part of the run, for runs cut anywhere and changes made by a callback."""
    ends = []
    for cut in (1, 2, 3):
        sim = network(area("t", 2, 0, model="lif", params={"v_threshold": 1e6}))
        neurons = sim.model.neurons
        neurons.v_membrane[:] = -55.0
        for _ in range(cut):
            sim.run(6 // cut)
        neurons.tau_m[:] = [5.0, 50.0]
        sim.run(10)
        expected = 10.0 * math.exp(-6.0 / 20.0) * np.exp(-10.0 / np.array([5.0, 50.0]))
        assert np.allclose(neurons.v_membrane + 65.0, expected, atol=1e-12)
        ends.append(sim.digest())
    assert len(set(ends)) == 1


def test_a_column_written_by_a_progress_callback_acts_from_the_next_step_on() -> None:
    sim = network(area("t", 1, 0, model="lif", params={"v_threshold": 1e6}))
    changed: list[int] = []

    def report(done: int, *_: Any) -> None:
        if not changed:
            changed.append(done)
            sim.model.neurons.i_offset[:] = 10.0

    sim.run(200_000, progress=report)
    assert changed
    assert changed[0] < 199_000
    assert sim.model.neurons[0].v_membrane == pytest.approx(-55.0, abs=1e-9)


# ---- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda p: setattr(p, "weight_max", -1.0),
            ConfigError,
            r"weight_min: must be <= weight_max \(-1.0 mV\)",
        ),
        (lambda p: setattr(p, "weight_max", "1"), ConfigError, "weight_max: must be a number"),
        (lambda p: setattr(p, "weight_max", math.nan), ConfigError, "weight_max: must be finite"),
        (lambda p: setattr(p, "weight_decay", 2.0), ConfigError, "weight_decay: must be "),
        (lambda p: p.rule_params.update(tau_plus=0.0), ConfigError, "tau_plus: must be > 0 ms"),
        (lambda p: p.rule_params.update(tau_plu=1.0), KeyError, "unknown parameter; did you mean 'tau_plus'"),
        (lambda p: p.rule_params.pop("tau_plus"), TypeError, "must not be removed"),
        (lambda p: p.short_term.update(U=0.3, tau_rec=-1.0), ConfigError, "short_term.tau_rec: must be >= 0"),
        (
            lambda p: p.homeostatic.update(target_rate=0.0),
            ConfigError,
            "homeostatic.target_rate: must be > 0",
        ),
        (
            lambda p: p.homeostatic.update(every=1e9),
            ValueError,
            "tau and every must not change where every > 700",
        ),
        (lambda p: setattr(p, "learning", 1), TypeError, "learning: must be True or False"),
        (lambda p: setattr(p, "modulators", ["dopamin"]), ValueError, "did you mean 'dopamine'"),
        (lambda p: setattr(p, "modulators", "dopamine"), TypeError, "must be a sequence of names"),
        (lambda p: setattr(p, "modulators", ["dopamine"] * 2), ValueError, "each modulator once"),
        (lambda p: setattr(p, "rule", "none"), AttributeError, "learning = False"),
        (lambda p: setattr(p, "rule", None), AttributeError, "learning = False"),
    ],
)
def test_a_bad_value_changes_nothing(change: Any, error: type[Exception], message: str) -> None:
    sim = learning_network("stdp")
    sim.run(50)
    before = sim.digest()
    with pytest.raises(error, match=message) as caught:
        change(sim.projections["p"])
    assert "projections['p']" in str(caught.value)
    assert sim.digest() == before


def test_learning_is_not_changed_while_a_run_is_under_way() -> None:
    sim = learning_network("stdp")

    def report(*_: Any) -> None:
        sim.projections["p"].weight_max = 0.5

    with pytest.raises(RuntimeError, match="must wait until the run is over"):
        sim.run(100_000, progress=report)
    sim.projections["p"].weight_max = 0.5


def test_without_a_rule_there_is_nothing_to_set() -> None:
    sim = network(area("s", 1, 0, model="spike_source"), area("t", 1, 1, model="lif"))
    p = sim.connect("s", "t", pairs=[[0, 1]], weight=2.0, rule="none", name="p")
    p.learning = False
    for name, value in (("weight_max", 3.0), ("learning", True), ("modulators", []), ("homeostatic", True)):
        with pytest.raises(AttributeError, match=f"{name}: has no effect, since the projection has no rule"):
            setattr(p, name, value)


def test_weights_outside_new_bounds_are_moved_onto_them_inwards() -> None:
    for kind in ("excitatory", "inhibitory"):
        sim = learning_network("stdp", synapse_type=kind) if kind == "excitatory" else None
        if sim is None:
            sim = network(area("s", 3, 0, model="poisson"), area("t", 3, 1, model="lif"))
            sim.connect("s", "t", probability=1.0, weight=-0.5, rule="istdp", name="p", synapse_type=kind)
        p = sim.projections["p"]
        p.weight[:3] = np.array([0.05, 0.5, 0.9]) * (1 if kind == "excitatory" else -1)
        sim.run(1)
        p.learning = False
        p.weight_min, p.weight_max = 0.1, 0.8
        assert np.all(np.abs(p.weight.astype(float)) <= 0.8)
        assert np.all(np.abs(p.weight.astype(float)) >= 0.1)
        assert np.all(np.sign(p.weight) == (1 if kind == "excitatory" else -1))


@pytest.mark.parametrize("rule", RULES)
def test_weights_fetched_before_a_change_do_not_lose_a_write(rule: str) -> None:
    """An array of weights is live, or a late write to it raises."""
    sim = learning_network(rule)
    sim.connect("b", "b", out_degree=2, weight=0.1, rule="stdp", name="q")
    p = sim.projections["p"]
    for change in (
        lambda: sim.run(10),
        lambda: setattr(p, "weight_max", 0.9),
        lambda: setattr(p, "learning", False),
    ):
        for read in (lambda: p.weight, lambda: sim.model.synapses.weight):
            weight = read()
            change()
            try:
                weight[0] = 0.25
            except ValueError:
                continue
            assert p.weight[0] == np.float32(0.25)
            assert sim.model.synapses[0].weight == 0.25
            assert sim.model.synapses.weight[0] == np.float32(0.25)
