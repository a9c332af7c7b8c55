"""Acts between two runs after which an engine is bound anew, or its arrays move: what learns comes through unharmed."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, NeuromodulationSystem, Simulation, create_neuromodulation_system


def weights(look: bool) -> np.ndarray:
    """Weights of two projections after each of 12 stretches, read and written all at once or one by one."""
    boxes = [{"x": [0, 9], "y": [y, y], "z": [0, 0], "w": [0, 0]} for y in (0, 1)]
    areas = [
        {"name": "a", "coord_ranges": boxes[0], "model": "poisson"},
        {"name": "b", "coord_ranges": boxes[1]},
    ]
    system = create_neuromodulation_system({"dopamine": {"tau": 50.0}})
    model = BrainModel(config={"lattice_shape": [10, 2, 1, 1], "areas": areas})
    sim = Simulation(model, seed=3, neuromodulation=system)
    sim.initialize_neurons(["a"])
    sim.initialize_neurons(["b"])
    sim.model.neurons.rate[:10] = 60.0
    rule = {"rule": "rstdp", "weight_max": 100.0, "learning_rate": 0.01}
    pair = [sim.connect("a", "b", probability=0.5, weight=5.0, rule=rule, name=name) for name in "pq"]
    seen = []
    for k in range(12):
        system.dopamine.state.level = 0.9 if k % 2 else 0.3
        sim.run(50)
        if look:
            sim.model.synapses.weight += 0.01
        else:
            for projection in pair:
                projection.weight += 0.01
        seen.append(np.concatenate([projection.weight for projection in pair]))
    return np.array(seen)


def test_looking_at_all_weights_changes_nothing() -> None:
    one_by_one = weights(look=False)
    assert one_by_one[-1].std() > 0.1  # they do learn: mV
    assert np.array_equal(weights(look=True), one_by_one)  # nor does it round: only pointers are lent anew


# ---- acts elsewhere in the network ---------------------------------------------------------------------------------

LAZY = ["stdp", "triplet", "bcm", "rstdp", "istdp", "ristdp"]
OTHERS = ["stdp_nearest", "hebbian", "clopath", "graupner_brunel"]


def learning(rule: str, dt: float = 1.0, threads: int = 1) -> Simulation:
    """Two projections onto `b` that learn by one rule and share a history, another onto `c`, and static ones."""
    system = create_neuromodulation_system({"neutral": True, "dopamine": {"tau": 200.0}})
    sim = Simulation(seed=3, dt=dt, neuromodulation=system, threads=threads)
    kind = "inhibitory" if rule in ("istdp", "ristdp") else "excitatory"
    about = {"neuron_type": kind, "rate": 40.0}
    first = sim.create(7, "lif", name="first")
    a = sim.create(30, "poisson", name="a", **about)
    model, weight = ("adex_clopath", 30.0) if rule == "clopath" else ("lif", 1.2)
    b = sim.create(20, model, name="b", drive={"rate": 1500.0, "weight": weight})
    c = sim.create(20, "lif", name="c", drive={"rate": 1500.0, "weight": 1.2})
    short = {"U": 0.5, "tau_rec": 100.0, "tau_facil": 30.0}
    drawn = {"weight": {"uniform": [0.1, 0.6]}, "delay": {"uniform": [1, 5]}}
    sim.connect(a, b, probability=0.5, rule=rule, short_term=short, name="learns", **drawn)
    sim.connect(a, b, probability=0.3, rule=rule, name="mate", **drawn)
    sim.connect(c, c, probability=0.5, weight=0.2, rule="stdp", name="other")
    sim.connect(c, c, probability=0.5, weight=0.1, delay=2, rule="none", name="static")
    sim.connect(c, first, probability=0.5, weight=0.1, rule="none", short_term=short, name="depresses")
    sim.run(137, progress=False)
    system.process_reward(1.0)
    sim.run(33, progress=False)
    return sim


def second_projection(sim: Simulation) -> None:
    """One that shares the history of those that learn."""
    rule = sim.projections["learns"].rule
    drawn = {"weight": 0.0, "delay": 3, "synapse_type": sim.projections["learns"].synapse_type}
    sim.connect("c", "c", probability=0.3, rule=rule if rule != "clopath" else "stdp", name="new", **drawn)


def one_after_another(sim: Simulation) -> None:
    """Several changes, an engine bound in between."""
    for k in range(3):
        sim.connect("c", "c", probability=0.1, weight=0.0, rule="none", name=f"new{k}")
        sim.digest()


ACTS: dict[str, Callable[[Simulation], Any]] = {
    "prune": lambda sim: sim.projections["static"].prune(fraction=0.1),
    "remove": lambda sim: sim.projections["static"].remove([0]),
    "add": lambda sim: sim.projections["static"].add([[57, 58]], weight=0.1, delay=1),
    "delay": lambda sim: setattr(sim.projections["static"], "delay", 3),
    "connect": lambda sim: sim.connect("c", "c", probability=0.1, weight=0.0, rule="none", name="new"),
    "connect, short-term": lambda sim: sim.connect(
        "c", "c", probability=0.1, weight=0.0, short_term={"U": 0.5, "tau_rec": 9.0, "tau_facil": 0.0}
    ),
    "connect, plastic": second_projection,
    "add_synapse": lambda sim: sim.add_synapse(57, 58, 0.1),
    "create": lambda sim: sim.create(10, "lif", name="d"),
    "remove_projection": lambda sim: sim.remove_projection("static"),
    "remove_neuron": lambda sim: sim.model.remove_neuron(60),
    "remove_neuron, an earlier one": lambda sim: sim.model.remove_neuron(3),
    "freeze another": lambda sim: setattr(sim.projections["other"], "learning", False),
    "bound of another": lambda sim: setattr(sim.projections["other"], "weight_max", 0.5),
    "prune another": lambda sim: sim.projections["other"].prune(fraction=0.2),
    "short-term of another": lambda sim: sim.projections["depresses"].short_term.update(U=0.4),
    "one after another": one_after_another,
}


def state_of(sim: Simulation) -> tuple[np.ndarray, ...]:
    """What has become of the two projections that learn alike, and of their targets."""
    pair = [sim.projections[name] for name in ("learns", "mate")]
    found = [p.weight.copy() for p in pair]
    if pair[0].rule in ("rstdp", "ristdp"):
        found += [p.eligibility.copy() for p in pair]
    cells = sim.populations["b"]
    return (*found, cells.v_membrane.copy(), cells.spike_count.copy())


@pytest.mark.parametrize("rule", LAZY + OTHERS)
def test_acts_elsewhere_change_no_later_bit_of_what_learns(rule: str) -> None:
    plain = learning(rule)
    states = []
    for n in (1, 170):
        plain.run(n, progress=False)
        states.append(state_of(plain))
    assert np.ptp(states[1][0] - learning(rule).projections["learns"].weight) > 0.0
    for name, act in ACTS.items():
        sim = learning(rule)
        act(sim)
        for n, state in zip((1, 170), states, strict=True):
            sim.run(n, progress=False)
            for own, right in zip(state_of(sim), state, strict=True):
                np.testing.assert_array_equal(own, right, err_msg=name)


@pytest.mark.parametrize("rule", ["stdp", "rstdp", "graupner_brunel"])
def test_a_state_saved_after_an_act_elsewhere_goes_on_to_the_bit(rule: str) -> None:
    for name, act in ACTS.items():
        sim = learning(rule, dt=0.5)
        act(sim)
        again = [Simulation.from_dict(sim.to_dict()), sim.copy(), pickle.loads(pickle.dumps(sim))]
        for each in (sim, *again):
            each.run(60, progress=False)
        assert len({each.digest() for each in (sim, *again)}) == 1, name


@pytest.mark.parametrize("rule", ["stdp", "rstdp", "graupner_brunel"])
def test_what_was_written_before_an_act_elsewhere_is_not_lost(rule: str) -> None:
    def written() -> Simulation:
        sim = learning(rule)
        sim.projections["learns"].weight[::2] = 0.25
        return sim

    plain = written()
    plain.run(100, progress=False)
    for name, act in ACTS.items():
        sim = written()
        act(sim)
        assert np.all(sim.projections["learns"].weight[::2] == np.float32(0.25)), name
        sim.run(100, progress=False)
        for own, right in zip(state_of(sim), state_of(plain), strict=True):
            np.testing.assert_array_equal(own, right, err_msg=name)


def test_growth_that_cuts_the_network_anew_loses_no_learning() -> None:
    """From 4,096 neurons on rows are cut into partitions: synapses are brought to the present, and rounded."""
    for rule in LAZY:
        plain, grown = learning(rule), learning(rule)
        grown.create(5000, "lif", name="many")
        for sim in (plain, grown):
            sim.run(170, progress=False)
        for p, q in zip(plain.projections.values(), grown.projections.values(), strict=True):
            pair = [np.lexsort((x.delay, x.post_id, x.pre_id)) for x in (p, q)]
            np.testing.assert_allclose(p.weight[pair[0]], q.weight[pair[1]], atol=1e-6)


def test_learning_changed_under_a_shared_history() -> None:
    """Of two projections that share a history one learns otherwise, onto other targets; the other goes on as it was."""

    def build() -> Simulation:
        sim = Simulation(seed=3)
        a = sim.create(30, "poisson", name="a", rate=40.0)
        cells = [sim.create(20, "lif", drive={"rate": 1500.0, "weight": 1.2}) for _ in range(2)]
        for k, post in enumerate(cells):
            sim.connect(a, post, probability=0.5, weight=0.3, rule="triplet", name=f"p{k}")
        sim.run(100, progress=False)
        return sim

    for first, second in (("p0", "p1"), ("p1", "p0")):
        plain, changed, back = build(), build(), build()
        changed.projections[first].rule_params["tau_plus"] = 10.0
        back.projections[first].learning = False
        back.run(20, progress=False)
        back.projections[first].learning = True
        for sim, n in ((plain, 150), (changed, 150), (back, 130)):
            sim.run(n, progress=False)
        for sim in (changed, back):
            np.testing.assert_array_equal(sim.projections[second].weight, plain.projections[second].weight)
            assert not np.array_equal(sim.projections[first].weight, plain.projections[first].weight)


def test_a_region_that_changes_nothing_elsewhere() -> None:
    """A population in a region that had none before: another zone, and the zones before it keep their course."""

    def build() -> Simulation:
        sim = Simulation(seed=3, neuromodulation=NeuromodulationSystem(["cortex", "striatum"]))
        a = sim.create(30, "poisson", name="a", rate=40.0, region="cortex")
        b = sim.create(20, "lif", region="cortex", drive={"rate": 1500.0, "weight": 1.2})
        sim.connect(a, b, probability=0.5, weight=0.3, rule="rstdp", name="p")
        sim.run(100, progress=False)
        sim.neuromodulation.process_reward(1.0)  # type: ignore[union-attr]
        sim.run(20, progress=False)
        return sim

    plain, grown = build(), build()
    about = {"receptors": {"dopamine": 0.5}, "drive": {"rate": 1500.0, "weight": 1.2}}
    new = grown.create(5, "lif", region="striatum", name="new", **about)
    grown.connect("a", new, all_to_all=True, weight=0.3, rule="rstdp", name="q")
    for sim in (plain, grown):
        sim.run(200, progress=False)
    for name in ("weight", "eligibility"):
        one, other = (getattr(sim.projections["p"], name) for sim in (plain, grown))
        np.testing.assert_array_equal(one, other)
    assert np.ptp(grown.projections["q"].eligibility) > 0.0


def test_the_clock_of_a_second_simulation_is_its_own() -> None:
    """Synapses whose weights move between events go to and fro: each simulation adds the time that it has run."""

    def build() -> Simulation:
        sim = Simulation(seed=3)
        pre, post = (sim.create(5, "spike_source") for _ in range(2))
        rule = {"rule": "graupner_brunel", "sigma": 0.0, "tau": 10_000.0}
        sim.connect(pre, post, all_to_all=True, weight=0.4, rule=rule, name="p")
        sim.set_spike_times(np.r_[pre.ids, post.ids], [[10.0]] * 5 + [[20.0]] * 5)
        sim.run(2000, progress=False)
        return sim

    plain, shared = build(), build()
    second = Simulation(shared.model, seed=9)
    second.run(500, progress=False)
    shared.run(1500, progress=False)
    second.run(1, progress=False)
    plain.run(2001, progress=False)
    np.testing.assert_allclose(second.projections["p"].weight, plain.projections["p"].weight, atol=1e-5)


def test_looks_while_a_network_is_built_change_no_bit() -> None:
    """An engine is bound before there is anything; no neuron is in the first of the two regions yet."""

    def build(look: Callable[[Simulation], Any]) -> Simulation:
        sim = Simulation(seed=3, dt=0.5, neuromodulation=NeuromodulationSystem(["r", "q"]))
        look(sim)
        a = sim.create(30, "poisson", name="a", rate=40.0, region="q")
        look(sim)
        b = sim.create(20, "lif", name="b", region="r", drive={"rate": 1200.0, "weight": 1.2})
        look(sim)
        z = sim.create(5, "adex_clopath", name="z", region="r", drive={"rate": 1500.0, "weight": 30.0})
        drawn = {"weight": {"uniform": [0.1, 0.6]}, "delay": {"uniform": [1, 5]}}
        for k, rule in enumerate([*LAZY, *OTHERS]):
            kind = "inhibitory" if rule in ("istdp", "ristdp") else "excitatory"
            post = z if rule == "clopath" else b
            sim.connect(a, post, probability=0.3, rule=rule, synapse_type=kind, name=f"p{k}", **drawn)
            look(sim)
        sim.projections["p0"].weight[:3] = 0.5
        z.v_membrane = -60.0
        look(sim)
        b.v_membrane = -60.0
        return sim

    def every(sim: Simulation) -> None:
        sim.digest(), sim.copy(), sim.to_dict(), pickle.dumps(sim), repr(sim), sim.run(0, progress=False)
        sim.model.synapses.weight.sum(), sim.store("here"), sim.spikes.sum()

    plain, looked = build(lambda sim: None), build(every)
    for sim in (plain, looked):
        sim.run(200, progress=False)
        sim.neuromodulation.process_reward(1.0, region="r")  # type: ignore[union-attr]
        sim.run(100, progress=False)
    assert plain.digest() == looked.digest()


def test_neurons_in_no_area_are_in_the_first_region() -> None:
    """Also where there is no area, and the regions of the system have names of their own."""
    box = {axis: [0, 0] for axis in "xyzw"}
    for areas in ([], [{"name": "one", "region": "r", "coord_ranges": box}]):
        model = BrainModel(config={"lattice_shape": [3, 1, 1, 1], "areas": areas})
        system = NeuromodulationSystem(["r", "q"])
        system.clamp(norepinephrine=1.0, region="r")
        sim = Simulation(model, seed=1, neuromodulation=system)
        model.add_neuron(2, 0, 0, 0).external_input = 10.0
        sim.step()
        assert model.neurons.v_membrane[0] == pytest.approx(
            -65.0 + 10.0 * 3.22 * (1.0 - math.exp(-1.0 / 20.0))
        )


CHANGES: dict[str, Callable[[Any], Any]] = {
    "short_term": lambda p: p.short_term.update(U=0.3, tau_facil=300.0),
    "target_rate": lambda p: p.homeostatic.update(target_rate=50.0),
    "tau": lambda p: p.homeostatic.update(tau=50.0),
    "every": lambda p: p.homeostatic.update(every=33.0),
    "bounds": lambda p: setattr(p, "weight_max", 1.5),
    "decay": lambda p: setattr(p, "weight_decay", 1e-4),
    "rule": lambda p: p.rule_params.update(a_plus=0.02, tau_minus=30.0),
    "modulators": lambda p: setattr(p, "modulators", []),
    "freeze": lambda p: setattr(p, "learning", False),
    "weights": lambda p: p.weight.__setitem__(slice(None), 0.3),
    "delay": lambda p: setattr(p, "delay", 4),
    "prune": lambda p: p.prune(fraction=0.1),
}


@pytest.mark.parametrize("begun", [0, 50])
@pytest.mark.parametrize("change", CHANGES)
def test_a_look_before_its_first_step_does_not_count(change: str, begun: int) -> None:
    """An average rate that is held to a target begins at the target, the one that there is at its first step."""

    def build(look: bool) -> Simulation:
        sim = Simulation(
            seed=3, neuromodulation=create_neuromodulation_system({"neutral": True, "dopamine": {}})
        )
        a = sim.create(20, "poisson", rate=40.0)
        b = sim.create(10, "lif", drive={"rate": 1000.0, "weight": 1.1})
        rule = {"rule": "stdp", "homeostatic": {"target_rate": 5.0, "tau": 200.0, "every": 20.0}}
        short = {"U": 0.5, "tau_rec": 100.0, "tau_facil": 10.0}
        sim.run(begun, progress=False)
        p = sim.connect(a, b, all_to_all=True, weight=0.4, rule=rule, short_term=short)
        if look:
            sim.digest()
        CHANGES[change](p)
        sim.run(120, progress=False)
        return sim

    assert build(look=True).digest() == build(look=False).digest()


def test_looks_between_single_synapses_draw_the_same_network() -> None:
    """Single synapses wait to be merged; a draw, and the order of projections, do not depend on who has looked."""

    def build(look: Callable[[Simulation], Any]) -> tuple[str, list[str]]:
        sim = Simulation(seed=3)
        cells = sim.create(10, "lif", drive={"rate": 1500.0, "weight": 1.2})
        sim.add_synapse(2, 4, 0.2, synapse_type="inhibitory")
        look(sim)
        sim.add_synapse(0, 1, 0.3)
        look(sim)
        sim.connect(cells, cells, in_degree=3, weight={"normal": [0.3, 0.05]}, rule="stdp", name="first")
        look(sim)
        sim.run(20, progress=False)
        sim.add_synapse(1, 2, 0.2)
        look(sim)
        sim.connect(cells, cells, probability=0.3, weight={"uniform": [0.1, 0.5]}, rule="none", name="second")
        look(sim)
        sim.run(50, progress=False)
        return sim.digest(), list(sim.projections)

    plain = build(lambda sim: None)
    for look in (
        Simulation.digest,
        Simulation.copy,
        lambda sim: len(sim.model.synapses),
        lambda sim: list(sim.projections),
    ):
        assert build(look) == plain


@pytest.mark.parametrize("rule", ["none", "stdp", "hebbian", "graupner_brunel"])
def test_weights_can_be_written_after_a_look_at_all_and_a_change_elsewhere(rule: str) -> None:
    """The array over all synapses turns read-only when the network changes; that of the only projection does not."""
    for change in ("connect", "create", "remove_neuron"):
        sim = Simulation(seed=1)
        other, cells = sim.create(3, "lif", name="other"), sim.create(5, "lif", name="cells")
        p = sim.connect(cells, cells, all_to_all=True, weight=0.3, rule=rule)
        sim.run(5)
        own, whole = p.weight, sim.model.synapses.weight
        whole[1], own[2] = 0.2, 0.4
        if change == "connect":
            sim.connect(other, other, all_to_all=True, weight=0.2, rule="none")
        elif change == "create":
            sim.create(2, "lif")
        else:
            sim.model.remove_neuron(0)
        p.weight[0] = 0.1
        assert p.weight[:3].tolist() == np.float32([0.1, 0.2, 0.4]).tolist(), change
        sim.run(1)
        np.testing.assert_allclose(sim.model.synapses.weight[:3], [0.1, 0.2, 0.4], atol=1e-5, err_msg=change)
        if change != "create":
            with pytest.raises(ValueError, match="read-only"):
                whole[0] = 0.5
