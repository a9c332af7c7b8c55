"""Weights as users read and write them while rules change them: always current, never disturbed by a look, written
exactly; and what survives a change of the network or of the simulation that runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle_plasticity import RULES, Learning, learnt
from plastic_network import PlasticNetwork, config_of, network, random_network

from neuromod import BrainModel, Neuron, Simulation, _core, create_neuromodulation_system
from neuromod.network.projection import Projection

N, STEPS = 12, 150
WIDE = {"weight_min": -50.0, "weight_max": 50.0}
STDP = {"rule": "stdp", **WIDE, "a_plus": 0.03, "a_minus": 0.05}
PROJECTIONS: dict[str, Any] = {
    "static": "none",
    "hebbian": {"rule": "hebbian", "learning_rate": 0.05},
    "stdp": {"rule": "stdp", "a_plus": 0.03, "a_minus": 0.05},
    "rstdp": {"rule": "rstdp", "learning_rate": 0.0005},
}
PAIR_RULES = ("stdp", "rstdp")


def mixed(names: tuple[str, ...] = tuple(PROJECTIONS), *, last_spike: int = STEPS) -> Simulation:
    """12 exact sources that fire in every seventh step or so, up to `last_spike`, and a projection for each rule:
    20 synapses of 0.5 mV in each, with delays of 1 to 5 steps. Dopamine stays at 0.9."""
    rng = np.random.default_rng(4)
    system = create_neuromodulation_system({"dopamine": {"decay_rate": 0.0}})
    system.dopamine.state.level = 0.9
    sim = Simulation(BrainModel(config=config_of(N)), seed=1, neuromodulation=system)
    ids = sim.initialize_neurons(model="spike_source")
    for name in names:
        chosen = rng.choice(N * N, 20, replace=False)
        pairs = np.stack([chosen // N, chosen % N], axis=1)
        sim.connect(
            ids,
            ids,
            pairs=pairs,
            weight=0.5,
            delay=rng.integers(1, 6, 20),
            rule=PROJECTIONS[name],
            name=name,
            autapses=True,
        )
    sim.set_spike_times(ids, [np.flatnonzero(rng.random(last_spike) < 0.15) + 1.0 for _ in ids])
    return sim


def weights(sim: Simulation) -> dict[str, np.ndarray]:
    return {name: sim.projections[name].weight.copy() for name in sim.projections}


# ---- looks ----------------------------------------------------------------------------------------------------

LOOKS: dict[str, Callable[[Simulation], object]] = {
    "projections": lambda sim: [sim.projections[name].weight for name in sim.projections],
    "eligibility": lambda sim: sim.projections["rstdp"].eligibility,
    "all": lambda sim: sim.model.synapses.weight,
    "one synapse": lambda sim: sim.model.synapses[70].weight,
    "every synapse": lambda sim: [s.weight for s in sim.model.synapses],
    "synapses of a neuron": lambda sim: [s.weight for s in sim.model.get_synapses_for_neuron(3)],
    "digest": lambda sim: sim.digest(),
    "to_dict": lambda sim: sim.to_dict(),
    "column and one": lambda sim: (sim.model.synapses.weight.sum(), sim.model.synapses[45].weight),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_in_every_step_leaves_no_trace(look: Callable[[Simulation], object]) -> None:
    """Not in the last bit, of any weight or trace, now or later; nor does one before the first step."""
    plain, looked = mixed(), mixed()
    plain.run(STEPS)
    look(looked)
    for _ in range(STEPS):
        looked.run(1)
        look(looked)
    assert looked.digest() == plain.digest()
    assert all(
        np.array_equal(a, b) for a, b in zip(weights(plain).values(), weights(looked).values(), strict=True)
    )


@pytest.mark.parametrize("rule", ["stdp", "graupner_brunel"])
def test_a_look_at_all_weights_before_there_is_an_engine_leaves_no_trace(rule: str) -> None:
    """The block that all weights were moved into then is written again by later looks."""
    sims = []
    for first in (False, True):
        sim = Simulation(BrainModel(config=config_of(N)), seed=1)
        ids = sim.initialize_neurons(model="poisson", params={"rate": 100.0})
        for name in "ab":
            sim.connect(
                ids, ids, probability=0.5, weight=0.5, rule=rule, synapse_type="excitatory", name=name
            )
        if first:
            held = sim.model.synapses.weight
        for _ in range(3):
            sim.run(50)
            if first:
                assert len(sim.model.synapses.weight) == len(held)
        sims.append(sim)
    plain, looked = sims
    assert looked.digest() == plain.digest()
    assert (plain.projections["a"].weight != 0.5).any()
    with pytest.raises(ValueError, match="read-only"):
        held += 0.1


def test_all_ways_to_look_see_the_same() -> None:
    sim = mixed()
    for _ in range(5):
        sim.run(30)
        one_by_one = [p.weight_of(k) for p in sim.projections.values() for k in range(len(p))]
        singly = [s.weight for s in sim.model.synapses]
        column = sim.model.synapses.weight
        parts = np.concatenate([sim.projections[name].weight for name in PROJECTIONS])
        assert one_by_one == singly == column.tolist() == parts.tolist()
    assert all((sim.projections[name].weight != 0.5).any() for name in ("hebbian", *PAIR_RULES))


@pytest.mark.parametrize("name", PAIR_RULES)
def test_a_column_held_across_steps_turns_read_only_and_asking_again_gives_what_is_current(name: str) -> None:
    sim, other = mixed(), mixed()
    sim.run(20)
    held = sim.projections[name].weight
    assert sim.projections[name].weight is held  # one array for as long as nothing moves
    before = held.copy()
    sim.run(40)
    with pytest.raises(ValueError, match="read-only"):
        held += 0.1
    assert np.array_equal(held, before)
    other.run(60)
    now = sim.projections[name].weight
    assert now is not held and np.array_equal(now, other.projections[name].weight)
    assert (now != before).any()
    now += 0.1  # and this one takes writes
    assert np.array_equal(sim.projections[name].weight, other.projections[name].weight + np.float32(0.1))


def test_the_whole_column_turns_read_only_where_any_rule_is_a_pair_rule() -> None:
    sim = mixed(("hebbian", "stdp"))
    held = sim.model.synapses.weight
    sim.run(1)
    with pytest.raises(ValueError, match="read-only"):
        held += 0.1
    sim.model.synapses.weight += 0.1
    assert np.allclose(sim.model.synapses.weight, 0.6)


def test_without_a_pair_rule_columns_stay_live() -> None:
    sim = mixed(("static", "hebbian"))
    whole = sim.model.synapses.weight
    parts = [sim.projections[name].weight for name in ("static", "hebbian")]
    sim.run(STEPS)
    assert sim.model.synapses.weight is whole
    assert [
        sim.projections[name].weight is part for name, part in zip(("static", "hebbian"), parts, strict=True)
    ]
    assert (parts[1] != 0.5).any()  # it shows what was learnt meanwhile
    parts[0] += 0.25
    assert (whole[:20] == 0.75).all()


def test_the_columns_of_other_rules_stay_live_beside_a_pair_rule() -> None:
    sim = mixed()
    assert len(sim.model.synapses.weight) == 80  # all in one block
    held = {name: sim.projections[name].weight for name in ("static", "hebbian")}
    sim.run(STEPS)
    assert len(sim.model.synapses.weight) == 80  # asked for again: the others' part of it is renewed
    for name, column in held.items():
        assert sim.projections[name].weight is column
        assert column.flags.writeable
        column[:] = 0.125
    assert (sim.model.synapses.weight[:40] == 0.125).all()


# ---- writes ---------------------------------------------------------------------------------------------------


def write_projections(sim: Simulation, values: np.ndarray) -> None:
    for k, name in enumerate(PROJECTIONS):
        sim.projections[name].weight = values[20 * k : 20 * (k + 1)]


def write_in_place(sim: Simulation, values: np.ndarray) -> None:
    for k, name in enumerate(PROJECTIONS):
        column = sim.projections[name].weight
        column *= 0.0
        column += values[20 * k : 20 * (k + 1)]


def write_whole(sim: Simulation, values: np.ndarray) -> None:
    sim.model.synapses.weight[:] = values


def write_whole_in_place(sim: Simulation, values: np.ndarray) -> None:
    sim.model.synapses.weight *= 0.0
    sim.model.synapses.weight += values


def write_synapses(sim: Simulation, values: np.ndarray) -> None:
    for synapse, value in zip(sim.model.synapses, values.tolist(), strict=True):
        synapse.weight = value


def write_held_views(sim: Simulation, values: np.ndarray) -> None:
    """Views made before the run, written last to first."""
    views = list(sim.model.synapses)
    sim.run(1)
    for k in reversed(range(len(views))):
        views[k].weight = float(values[k])


WRITES = [
    write_projections,
    write_in_place,
    write_whole,
    write_whole_in_place,
    write_synapses,
    write_held_views,
]


@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_is_there_to_the_bit(write: Callable[[Simulation, np.ndarray], None]) -> None:
    """At once, by every way to look, and after 40 steps in which nothing fires and dopamine is at its baseline, though
    traces of spikes are left, and of eligibility."""
    values = np.random.default_rng(8).uniform(0.0, 1.0, 80).astype(np.float32)
    sim = mixed(last_spike=60)
    sim.run(67)  # spikes of step 60 have arrived
    sim.neuromodulation.dopamine.state.level = 0.5
    write(sim, values)
    for steps in (0, 1, 39):
        sim.run(steps)
        assert np.array_equal(sim.model.synapses.weight, values)
        assert np.array_equal(np.concatenate([sim.projections[name].weight for name in PROJECTIONS]), values)
        assert [s.weight for s in sim.model.synapses] == values.tolist()
    assert np.abs(sim.projections["rstdp"].eligibility).max() > 0.1


@pytest.mark.parametrize("write", WRITES[:-1])
def test_learning_goes_on_from_what_is_written(write: Callable[[Simulation, np.ndarray], None]) -> None:
    """The same writes, whichever way, between spikes: the same bits at the end."""
    values = np.random.default_rng(8).uniform(0.3, 0.7, 80).astype(np.float32)
    digests = []
    for way in (write_projections, write):
        sim = mixed()
        sim.run(75)
        way(sim, values)
        sim.run(75)
        digests.append(sim.digest())
    assert digests[0] == digests[1]
    assert not np.array_equal(sim.model.synapses.weight, values)


def exact(net: PlasticNetwork, n_steps: int) -> np.ndarray:
    """The oracle's weights, float64."""
    params = {name: field["default"] for name, field in _core.plasticity_rules()["stdp"]["params"].items()}
    rule = Learning(RULES["stdp"], params | {"a_plus": 0.03, "a_minus": 0.05}, exact=True, **WIDE)
    return np.array(learnt(net.synapses, net.spikes, n_steps, rule)[0])


ROUNDED = 60 * 1.2e-7  # of weights below 4 mV: 60 visits, each half an ulp (1.2e-7) off at most


def test_what_is_learnt_after_a_write_is_what_the_oracle_adds() -> None:
    net = random_network(STDP, 5, STEPS)
    net.sim.run(80)
    net.weight[:] = 1.5
    net.sim.run(70)
    np.testing.assert_allclose(net.weight, 1.5 + exact(net, 150) - exact(net, 80), rtol=0, atol=ROUNDED)
    assert np.abs(net.weight - 1.5).max() > 0.05


def test_every_way_to_write_shows_in_every_way_to_look() -> None:
    sim = mixed()
    sim.run(50)
    whole, synapse, p = sim.model.synapses.weight, sim.model.synapses[45], sim.projections["stdp"]
    for value in (0.125, 0.25, 0.375):
        if value == 0.125:
            whole[45] = value
        elif value == 0.25:
            synapse.weight = value
        else:
            p.weight[5] = value
        assert (whole[45], synapse.weight, p.weight[5], p.weight_of(5)) == (value,) * 4


def test_only_what_is_written_is_rounded_again() -> None:
    """One synapse written, or all of them with what they are: the others keep their bits."""
    plain, one, same = mixed(), mixed(), mixed()
    for sim in (plain, one, same):
        sim.run(75)
    one.projections["static"].weight[3] = 0.75
    same.model.synapses.weight[:] = same.model.synapses.weight.copy()
    for sim in (plain, one, same):
        sim.run(75)
    assert same.digest() == plain.digest()
    assert all(np.array_equal(weights(one)[name], weights(plain)[name]) for name in ("hebbian", *PAIR_RULES))


# ---- constant weights -----------------------------------------------------------------------------------------


def test_equal_weights_are_kept_as_one_until_somebody_writes() -> None:
    """The target, a LIF neuron at rest, jumps by the weight that arrives: 0.5 mV each, then what was written."""
    config = config_of(4)
    sim = Simulation(BrainModel(config=config), seed=1)
    sim.initialize_neurons(density=0.5, model="spike_source")
    sim.initialize_neurons(model="lif")
    sources, cells = (sim.model.neurons.id[:2], sim.model.neurons.id[2:])
    p = sim.connect(
        sources, cells, pairs=[(a, b) for a in sources for b in cells], weight=0.5, rule="none", name="P"
    )
    sim.set_spike_times(sources, [[2.0, 42.0], [22.0]])
    rest = sim.model.neurons.v_membrane[2]

    def jumps(until: int) -> list[float]:
        before = sim.model.neurons.v_membrane.copy()
        sim.run(until - sim.current_step)
        return np.round(sim.model.neurons.v_membrane[2:] - before[2:], 9).tolist()

    sim.run(2)
    assert jumps(3) == [0.5, 0.5]
    assert p._table.weights.is_equal  # 2 bytes a synapse
    sim.model.neurons.v_membrane = rest
    p.weight[1:3] = [0.75, 0.25]
    assert not p._table.weights.is_equal
    sim.run(19)
    sim.model.neurons.v_membrane = rest
    assert jumps(23) == [0.25, 0.5]
    sim.run(19)
    sim.model.neurons.v_membrane = rest
    assert jumps(43) == [0.5, 0.75]


def test_writing_to_equal_weights_is_as_giving_them_one_by_one() -> None:
    written, given = (mixed(("static",)) for _ in range(2))
    values = np.linspace(0.1, 0.9, 20).astype(np.float32)
    written.run(3)
    written.projections["static"].weight = values
    given.projections["static"].weight = values
    given.run(3)
    for sim in (written, given):
        sim.run(STEPS)
    assert written.digest() == given.digest()


def test_equal_weights_stay_one_when_neurons_come_and_go() -> None:
    net, free = with_room(STDP, 1, 1)
    sim = net.sim
    p = sim.connect(range(6), range(6, N), probability=1.0, weight=0.5, rule="none", name="equal")
    sim.run(10)
    sim.model.add_neuron(*free[0], model="spike_source")
    sim.run(10)
    sim.model.remove_neuron(3)
    sim.run(10)
    assert p._table.weights.is_equal and len(p) == 30
    assert (p.weight == 0.5).all()


# ---- the network changes in mid-run ---------------------------------------------------------------------------


def with_room(
    rule: dict[str, Any], seed: int, spare: int
) -> tuple[PlasticNetwork, list[tuple[int, int, int, int]]]:
    """`random_network` with a few free sites at the end of the line."""
    net = random_network(rule, seed, STEPS)
    config = config_of(N + spare)
    config["areas"][0]["coord_ranges"]["x"] = [0, N - 1]
    model = BrainModel(config=config)
    sim = Simulation(model, seed=1)
    ids = sim.initialize_neurons(model="spike_source")
    rows = [(s.pre, s.post) for s in net.synapses]
    weight, delay = [s.weight for s in net.synapses], [s.delay for s in net.synapses]
    sim.connect(ids, ids, pairs=rows, weight=weight, delay=delay, rule=rule, name="P", autapses=True)
    sim.set_spike_times(ids, [sorted(float(s) for s in net.spikes[int(i)]) for i in ids])
    net.sim = sim
    return net, [(N + k, 0, 0, 0) for k in range(spare)]


def by_ends(p: Projection) -> dict[tuple[int, int], float]:
    return dict(zip(zip(p.pre_id.tolist(), p.post_id.tolist(), strict=True), p.weight.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_neurons_that_come_and_go_leave_the_learning_of_others_alone(seed: int) -> None:
    """Traces, spikes under way and what targets have fired are carried over: synapses of the 11 neurons that stay
    learn what the oracle says of an undisturbed network."""
    net, free = with_room(STDP, seed, 2)
    sim = net.sim
    sim.run(40)
    new = sim.model.add_neuron(*free[0], model="spike_source")
    sim.run(23)
    sim.model.add_synapse(new.id, 3, weight=0.5)
    sim.run(17)
    sim.model.remove_neuron(5)  # slots close up behind it
    sim.run(1)
    sim.model.add_neuron(*free[1], model="spike_source")
    sim.model.remove_neuron(new.id)
    sim.run(STEPS - 81)
    found = by_ends(sim.projections["P"])
    expected = exact(net, STEPS)
    kept = {(s.pre, s.post): expected[k] for k, s in enumerate(net.synapses) if 5 not in (s.pre, s.post)}
    assert found.keys() == kept.keys() and 40 < len(kept) < 60
    assert max(abs(found[ends] - kept[ends]) for ends in kept) < ROUNDED
    assert np.ptp(list(kept.values())) > 0.5


def test_eligibility_goes_on_when_a_neuron_comes() -> None:
    plain, grown = (mixed(("rstdp",)) for _ in range(2))
    plain.run(100)
    grown.run(60)
    grown.projections["rstdp"].eligibility[3] += 0.25
    grown.model.add_synapse(0, 1, weight=0.5)  # the network is bound anew
    grown.run(40)
    ours, theirs = (sim.projections["rstdp"] for sim in (grown, plain))
    np.testing.assert_allclose(np.delete(ours.weight, 3), np.delete(theirs.weight, 3), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.delete(ours.eligibility, 3), np.delete(theirs.eligibility, 3), rtol=1e-6)
    left = 0.25 * np.exp(-40 / 1000.0)
    assert ours.eligibility[3] - theirs.eligibility[3] == pytest.approx(left, rel=1e-5)


def test_a_view_made_before_growth_and_steps_reads_and_writes_its_own_synapse() -> None:
    net, free = with_room(STDP, 1, 1)
    sim = net.sim
    views = list(sim.model.synapses)
    ends = [(v.pre_id, v.post_id) for v in views]
    sim.run(50)
    sim.model.add_neuron(*free[0], model="spike_source")
    sim.model.remove_neuron(0)
    sim.run(50)
    found = by_ends(sim.projections["P"])
    for view, end in zip(views, ends, strict=True):
        if 0 not in end:
            assert view.weight == found[end]
            view.weight = 0.25
    assert set(sim.projections["P"].weight.tolist()) == {0.25}


def test_neurons_and_synapses_in_any_order_of_steps_are_found_again() -> None:
    """A neuron that is added gets an id and a slot at the end, and its own spikes are learnt from."""
    net, free = with_room(STDP, 2, 1)
    sim = net.sim
    new = sim.model.add_neuron(*free[0], model="spike_source")
    assert isinstance(new, Neuron) and new.id == N
    q = sim.connect([N], [0], pairs=[(N, 0)], weight=0.5, rule=STDP, name="Q")
    sim.set_spike_times([N], [[10.0, 60.0]])
    sim.run(STEPS)
    fired = net.spikes[0]
    change = sum(0.03 * np.exp(-(t - a) / 20.0) for a in (11, 61) for t in fired if t > a)
    change -= sum(0.05 * np.exp(-(a - t) / 20.0) for a in (11, 61) for t in fired if t < a)
    change += 0.5 * (0.03 - 0.05) * sum(a in fired for a in (11, 61))
    assert q.weight[0] == pytest.approx(0.5 + change, abs=1e-6)


# ---- two simulations of one model ------------------------------------------------------------------------------


def test_two_simulations_of_one_model_hand_its_synapses_over() -> None:
    """Each goes on from the weights as the other has left them, with its own spikes, traces and clock."""
    net, later = random_network(STDP, 6, STEPS), random_network(STDP, 7, STEPS)
    first = net.sim
    second = Simulation(first.model, seed=2)
    second.set_spike_times(np.arange(N), [sorted(float(s) for s in later.spikes[i]) for i in range(N)])
    theirs = PlasticNetwork(second, later.spikes, net.synapses)
    gained = np.array([s.weight for s in net.synapses])
    own = [0, 0]
    for k, n_steps in ((0, 40), (1, 60), (0, 30), (1, 30), (0, 80)):
        held = net.weight
        (first, second)[k].run(n_steps)
        with pytest.raises(ValueError, match="read-only"):
            held += 0.1
        each = (net, theirs)[k]
        gained = gained + exact(each, own[k] + n_steps) - exact(each, own[k])
        own[k] += n_steps
        np.testing.assert_allclose(net.weight, gained, rtol=0, atol=2 * ROUNDED)
    assert own == [150, 90] and np.ptp(gained) > 0.5


def test_a_second_simulation_that_only_looks_changes_nothing() -> None:
    plain, shared = (network(STDP, [(0, 1)], {0: [5, 25], 1: [7, 22]}, n_neurons=2) for _ in range(2))
    plain.sim.run(40)
    shared.sim.run(10)
    assert Simulation(shared.sim.model, seed=9).projections["P"].weight[0] == shared.weight[0]
    shared.sim.run(30)
    assert shared.weight[0] == plain.weight[0]


# ---- checkpoints ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1, 60, 149])
def test_a_checkpoint_under_all_rules_goes_on_to_the_bit(at: int) -> None:
    """By way of JSON, from any step; not even the moments of visits are forgotten."""
    sim = mixed()
    sim.run(at)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    for _ in range(3):
        for each in (sim, again):
            each.run(50)
        assert again.digest() == sim.digest()
        assert all(np.array_equal(weights(again)[name], weights(sim)[name]) for name in PROJECTIONS)


def test_a_checkpoint_holds_what_was_written_just_before() -> None:
    sim = mixed()
    sim.run(60)
    sim.projections["stdp"].weight[:] = 0.375
    sim.projections["rstdp"].eligibility[:] = 0.5
    again = Simulation.from_dict(sim.to_dict())
    assert (again.projections["stdp"].weight == 0.375).all()
    assert (again.projections["rstdp"].eligibility == 0.5).all()
