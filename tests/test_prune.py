"""Synapses and projections that are removed, added, rewired and given other delays, before and during a simulation."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from grid import sheet

from neuromod import RemovedError, Simulation, SpikeMonitor, StateMonitor, SynapseMonitor, _core

SHORT = {"U": 0.5, "tau_rec": 100.0, "tau_facil": 10.0}
RULES = sorted(_core.plasticity_rules())
N = 24


def living(rule: Any = "rstdp", seed: int = 1, **how: Any) -> tuple[Simulation, Any]:
    """24 driven neurons that excite each other, with delays; of Clopath's model where the rule needs it."""
    model = "adex_clopath" if rule == "clopath" else "lif"
    sim = sheet(N, 1, seed=seed, model=model, drive={"rate": 900.0, "weight": 2.0})
    how = {"weight": {"uniform": [0.1, 0.9]}, "delay": {"uniform": [1, 7]}, **how}
    p = sim.connect("a", "a", in_degree=8, rule=rule, name="p", **how)
    return sim, p


def columns(p: Any) -> dict[str, np.ndarray]:
    """All that a projection keeps of its synapses, in order of a tag that is each synapse's own."""
    order = np.argsort(p.plasticity_tag, kind="stable")
    table = p._table
    since = np.broadcast_to(table.since, len(p))
    return {
        **{name: values[order] for name, values in {**table.contents(), **p.to_dict()}.items()},
        "since": since[order],
    }


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        assert np.array_equal(values, other[name]), name


# ---- what is left keeps everything ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["none", *RULES])
@pytest.mark.parametrize("how", ["positions", "marks", "prune"])
def test_what_is_left_keeps_all_to_the_bit(rule: str, how: str) -> None:
    sim, p = living(rule, short_term=SHORT if how == "marks" else None)
    p.plasticity_tag = np.arange(len(p))
    sim.run(60)
    if how == "prune":
        gone = np.abs(p.weight) < np.float32(0.4)
    else:
        gone = np.random.default_rng(5).random(len(p)) < 0.4
    before, tags = columns(p), p.plasticity_tag[gone].copy()
    n = {
        "positions": lambda: p.remove(np.flatnonzero(gone)),
        "marks": lambda: p.remove(gone),
        "prune": lambda: p.prune(below=float(np.float32(0.4))),
    }[how]()
    assert n == gone.sum() and 0 < n < len(gone) and len(p) == len(gone) - n
    kept = ~np.isin(before["plasticity_tag"], tags)
    same(columns(p), {name: values[kept] for name, values in before.items()})


@pytest.mark.parametrize("rule", ["none", *RULES])
def test_it_goes_on_alike_after_a_copy_a_file_and_in_a_replica(rule: str) -> None:
    sim, p = living(rule)
    sim.run(40)
    p.remove(np.arange(0, len(p), 3))
    sim.run(7)
    state = json.loads(json.dumps(sim.to_dict()))
    others = [sim.copy(), Simulation.from_dict(state), sim.replicas(2)[0]]
    assert {other.digest() for other in others} == {sim.digest()}
    for each in (sim, *others):
        each.run(50)
    assert {other.digest() for other in others} == {sim.digest()}


@pytest.mark.parametrize("rule", ["none", *RULES])
def test_pruned_before_a_run_is_as_never_made(rule: str) -> None:
    """The synapses that are left, given as pairs in a fresh network: the same weights and spikes to the bit."""
    sim, p = living(rule)
    p.remove(np.arange(1, len(p), 2))
    fresh = living(rule)[0]
    fresh.remove_projection("p")
    twin = fresh.connect(
        "a",
        "a",
        pairs=np.stack([p.pre_id, p.post_id], axis=1),
        weight=p.weight,
        delay=p.delay,
        rule=rule,
        name="p",
    )
    twin._table.number = 0  # the salt of its later draws
    results = [each.run(150)["spike_counts"] for each in (sim, fresh)]
    assert np.array_equal(*results) and results[0].sum() > 20
    assert np.array_equal(p.weight, twin.weight) and np.array_equal(p.pre_id, twin.pre_id)


def test_spikes_under_way_of_what_is_left_arrive() -> None:
    """Delays of 2 to 9 steps; half is removed while a spike is under way: the others' targets move at their steps."""
    sim = sheet(9, 1, model="lif")
    p = sim.connect(
        [0], np.arange(1, 9), all_to_all=True, weight=1.0, delay=np.arange(2, 10)[None, :], rule="none"
    )
    v = StateMonitor(sim, "v_membrane", np.arange(1, 9))
    sim.run(2, input=[[1e4], [0.0]], input_ids=[0])
    p.remove(p.post_id % 2 == 0)
    sim.run(12)
    moved = v.values > -65.0 + 1e-9
    first = [int(np.argmax(column)) + 1 if column.any() else 0 for column in moved.T]
    assert first == [1 + d if post % 2 else 0 for d, post in zip(range(2, 10), range(1, 9), strict=True)]


# ---- whole projections -----------------------------------------------------------------------------------------


def test_a_projection_is_removed_and_the_others_stay() -> None:
    sim, p = living("stdp")
    q = sim.connect("a", "a", out_degree=3, weight=0.2, rule="rstdp", name="q")
    q.plasticity_tag = np.arange(len(q))
    sim.run(30)
    before, monitor = columns(q), SynapseMonitor(sim, "p", every=10)
    sim.run(10)
    before = columns(q)
    sim.remove_projection(p)
    assert list(sim.projections) == ["q"] and len(sim.model.synapses) == len(q)
    same(columns(q), before)
    sim.run(10)
    assert np.isnan(monitor.values[1]).all() and np.isfinite(monitor.values[0]).all()
    assert repr(p) == "Projection('p', removed)"
    for touch in (lambda: p.weight, lambda: len(p), lambda: p.remove([0]), lambda: p.learning):
        with pytest.raises(
            RemovedError, match=r"^projections\['p'\]: must be in the network; it was removed$"
        ):
            touch()
    with pytest.raises(
        ValueError, match=r"^projection: must be one of the network's; got 'qq'; did you mean 'q'\?$"
    ):
        sim.remove_projection("qq")
    with pytest.raises(ValueError, match=r"^projection: must be one of the network's"):
        sim.remove_projection(p)
    again = Simulation.from_dict(sim.to_dict())
    assert again.digest() == sim.digest()


@pytest.mark.parametrize("rule", ["none", "rstdp", "graupner_brunel", "clopath"])
def test_a_new_projection_of_an_old_name_inherits_nothing(rule: str) -> None:
    """The same as a new one of another name: short-term resources, rates and traces begin anew."""
    weights = []
    for name in ("p", "other"):
        sim, _ = living(rule, short_term=SHORT)
        sim.run(50)
        sim.remove_projection("p")
        q = sim.connect(
            "a",
            "a",
            in_degree=8,
            weight=0.5,
            delay={"uniform": [1, 7]},
            rule=rule,
            short_term=SHORT,
            name=name,
        )
        counts = sim.run(80)["spike_counts"]
        weights.append((q.weight.copy(), counts, sim.model.neurons.v_membrane.copy()))
    for one, other in zip(*weights, strict=True):
        assert np.array_equal(one, other)


# ---- added, rewired, delayed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["none", *RULES])
def test_what_is_not_rewired_keeps_all_to_the_bit(rule: str) -> None:
    sim, p = living(rule)
    p.plasticity_tag = np.arange(len(p)) + 1
    sim.run(60)
    before = columns(p)
    chosen = np.random.default_rng(2).permutation(len(p))[:20]
    old = {name: values[np.sort(chosen)] for name, values in p.to_dict().items()}
    tags = p.plasticity_tag[chosen].copy()
    at = p.rewire(chosen, post=np.arange(20))
    assert len(p) == len(before["weight"])
    assert np.array_equal(p.post_id[at], np.arange(20)) and np.array_equal(p.pre_id[at], old["pre_id"])
    assert np.array_equal(p.weight[at], old["weight"]) and np.array_equal(p.delay[at], old["delay"])
    assert set(np.broadcast_to(p._table.since, len(p))[at].tolist()) == {sim._session.store.version}
    kept = ~np.isin(before["plasticity_tag"], tags)
    after = columns(p)
    same(
        {k: v[after["plasticity_tag"] > 0] for k, v in after.items()}, {k: v[kept] for k, v in before.items()}
    )
    sim.run(20)
    assert Simulation.from_dict(sim.to_dict()).digest() == sim.digest()


def test_added_synapses_are_where_it_is_said_and_transmit_from_now_on() -> None:
    sim = sheet(6, 1, model="spike_source")
    p = sim.connect([0], [1], all_to_all=True, weight=0.1, delay=3, rule="none", synapse_type="excitatory")
    at = p.add([[3, 2], [0, 5], [3, 1]], weight=[0.3, 0.5, 0.7], delay=[4, 2, 1])
    assert p.pre_id[at].tolist() == [3, 0, 3] and p.post_id[at].tolist() == [2, 5, 1]
    assert p.weight[at].tolist() == np.float32([0.3, 0.5, 0.7]).tolist() and p.delay[at].tolist() == [4, 2, 1]
    assert len(p.add(np.empty((0, 2), int), weight=1.0)) == 0
    with pytest.raises(TypeError, match=r"^weight: must be given, since the pairs do not bring it$"):
        p.add([[1, 2]])
    with pytest.raises(ValueError, match=r"^pairs: must be ids of neurons in the network; got 77$"):
        p.add([[1, 77]], weight=0.1)
    assert len(p) == 4


def test_delays_change_and_all_else_stays() -> None:
    sim, p = living("rstdp")
    p.plasticity_tag = np.arange(len(p))
    sim.run(60)
    before = columns(p)
    p.delay = np.where(p.delay > 4, 2, p.delay)
    after = columns(p)
    changed = before["delay"] > 4
    assert np.array_equal(after["delay"], np.where(changed, 2, before["delay"]))
    for name in ("weight", "eligibility", "pre_id", "post_id"):
        assert np.array_equal(after[name], before[name])
    assert np.array_equal(after["since"] != before["since"], changed)
    p.delay = 5
    assert set(p.delay.tolist()) == {5} and p._table.run_delay is None
    sim.run(30)
    assert Simulation.from_dict(sim.to_dict()).digest() == sim.digest()
    for wrong in (0, 65536, 1.5, [1, 2], "a"):
        with pytest.raises((ValueError, TypeError), match=r"^delay: must"):
            p.delay = wrong


def test_a_spike_comes_once_after_its_delay_has_grown_or_shrunk() -> None:
    """Spikes in steps 1, 4 and 20; delays of 3 become 8 or 1 after step 5. The second, under way, is lost."""
    for new in (8, 1):
        sim = sheet(2, 1)
        sim.model.neurons.tau_m[:] = 1e9
        p = sim.connect([0], [1], all_to_all=True, weight=1.0, delay=3, rule="none")
        v = StateMonitor(sim, "v_membrane", [1])
        currents = np.zeros((40, 1))
        sim.model.neurons.refractory_period[:] = 0.0
        currents[[0, 3, 19]] = 1e12
        sim.run(5, input=currents[:5], input_ids=[0])
        p.delay = new
        sim.run(35, input=currents[5:], input_ids=[0])
        steps = (np.flatnonzero(np.diff(v.values[:, 0], prepend=-65.0) > 0.5) + 1).tolist()
        assert steps == [4, 20 + new]


# ---- views, errors, runs -----------------------------------------------------------------------------------------


def test_views_of_synapses_follow() -> None:
    sim, p = living("stdp")
    q = sim.connect("a", "a", in_degree=2, weight=0.3, rule="none", name="q")
    views, gone = list(sim.model.synapses), np.zeros(len(p), bool)
    gone[::3] = True
    ends = list(
        zip(p.pre_id[~gone].tolist(), p.post_id[~gone].tolist(), p.weight[~gone].tolist(), strict=True)
    )
    p.remove(gone)
    left = [view for view, lost in zip(views, [*gone, *np.zeros(len(q), bool)], strict=True) if not lost]
    assert [(v.pre_id, v.post_id, v.weight) for v in left[: len(p)]] == ends
    assert [v.weight for v in left[len(p) :]] == q.weight.tolist()
    with pytest.raises(RemovedError, match=r"^synapse: must be in the network; it was removed$"):
        views[0].weight  # noqa: B018
    p.add([[0, 1], [5, 3], [20, 2]], weight=0.5)  # between the others
    assert [(v.pre_id, v.post_id, v.weight) for v in left[: len(ends)]] == ends
    p.delay = np.where(p.delay == 3, 7, p.delay)
    assert [(v.pre_id, v.post_id, v.weight) for v in left[: len(ends)]] == ends
    assert [v.weight for v in left[len(ends) :]] == q.weight.tolist()
    late = sim.model.synapses.weight
    p.remove([0])
    with pytest.raises(ValueError, match="read-only"):
        late[0] = 1.0


@pytest.mark.parametrize(
    ("which", "error", "message"),
    [
        ([-1], IndexError, r"^synapses: must be positions from 0 to 191; got -1$"),
        ([192], IndexError, r"^synapses: must be positions from 0 to 191; got 192$"),
        ([True], ValueError, r"^synapses: marks must have shape \(192,\); got \(1,\)$"),
        (
            [[1]],
            ValueError,
            r"^synapses: must be positions or marks of synapses in a row; got shape \(1, 1\)$",
        ),
        ([1.5], TypeError, r"^synapses: must be whole numbers or a mask"),
    ],
)
def test_wrong_positions_are_refused(which: Any, error: type, message: str) -> None:
    sim, p = living("none")
    before = sim.digest()
    for call in (p.remove, lambda w: p.rewire(w, post=[0])):
        with pytest.raises(error, match=message):
            call(which)
    assert sim.digest() == before


def test_wrong_conditions_are_refused() -> None:
    _, p = living("none")
    for call, message in (
        (lambda: p.prune(), r"^prune: exactly one of below, fraction and condition must be given$"),
        (lambda: p.prune(0.1, condition=lambda w: w < 1), r"^prune: exactly one"),
        (lambda: p.prune(condition=3), r"^condition: must be a function of weights; got 3$"),
        (lambda: p.prune(condition=lambda w: w), r"^condition: must give True or False"),
        (lambda: p.rewire([0]), r"^rewire: pre or post must be given$"),
    ):
        with pytest.raises(TypeError, match=message):
            call()
    assert p.prune(condition=lambda w: w < 0.0) == 0 and len(p) == 192
    assert p.prune(condition=lambda w: w >= 0.0) == 192 and len(p) == 0


def test_an_emptied_projection_lives_on() -> None:
    sim, p = living("rstdp")
    sim.run(20)
    p.remove(np.ones(len(p), bool))
    sim.run(20)
    again = Simulation.from_dict(sim.to_dict())
    assert again.digest() == sim.digest() and len(again.projections["p"]) == 0
    p.add([[0, 1]], weight=0.5)
    sim.run(20)
    assert len(p) == 1 and p.delay.tolist() == [1]


@pytest.mark.parametrize("none", [[], (), np.array([]), np.empty((0, 2), int)])
def test_no_pairs_are_added_as_any_number_is(none: Any) -> None:
    """A loop that prunes and adds as many has nothing to add where nothing was pruned."""
    sim = Simulation(seed=1)
    cells = sim.create(5, "lif")
    p = sim.connect(cells, cells, probability=0.5, weight=0.3, rule="stdp")
    n, before = len(p), sim.digest()
    assert len(p.add(none, weight=0.3, delay=1)) == 0
    assert (len(p), sim.digest()) == (n, before)
    assert len(sim.connect(cells, cells, pairs=none, weight=0.3, name="none")) == 0
    with pytest.raises(ValueError, match=r"pairs: must be ids of shape \(n, 2\); got"):
        p.add([1, 2], weight=0.3, delay=1)


def test_nothing_is_removed_while_it_runs() -> None:
    sim, p = living("stdp")
    found = []

    def during(*_: Any) -> None:
        for call in (lambda: p.remove([0]), lambda: sim.remove_projection("p"), lambda: sim.reset()):
            with pytest.raises(RuntimeError, match="must wait until the run is over"):
                call()
            found.append(1)

    sim.run(3000, progress=during)
    assert found and len(p) == 192


def test_random_changes_against_a_plain_list() -> None:
    """Removals, additions, rewirings and delays in any order, a run between them: the same synapses as a list has."""
    draw = random.Random(7)
    for seed in range(6):
        sim, p = living(draw.choice(["none", "rstdp", "stdp", "graupner_brunel"]), seed=seed)
        other = sim.connect("a", "a", in_degree=3, weight=0.2, rule="stdp", name="other")
        other.plasticity_tag = -1.0
        p.plasticity_tag = np.arange(len(p)) + 1
        tags = len(p) + 1
        plain = {
            int(t): (int(a), int(b), int(d))
            for t, a, b, d in zip(p.plasticity_tag, p.pre_id, p.post_id, p.delay, strict=True)
        }
        for _ in range(12):
            what, n = draw.choice(["remove", "add", "rewire", "delay", "run"]), len(p)
            some = np.array(sorted(draw.sample(range(n), min(n, draw.randint(0, 20)))), np.int64)
            mine = p.plasticity_tag[some].astype(int).tolist()
            if what == "remove":
                p.remove(some)
                for tag in mine:
                    del plain[tag]
            elif what == "add":
                pairs = [(draw.randrange(N), draw.randrange(N)) for _ in range(5)]
                at = p.add(pairs, weight=0.4, delay=[1, 2, 3, 4, 5])
                p.plasticity_tag[at] = np.arange(tags, tags + 5)
                plain |= {tags + k: (*pair, k + 1) for k, pair in enumerate(pairs)}
                tags += 5
            elif what == "rewire" and len(some):
                at = p.rewire(some, pre=[3])
                p.plasticity_tag[at] = mine
                plain |= {tag: (3, *plain[tag][1:]) for tag in mine}
            elif what == "delay":
                p.delay = np.where(np.isin(np.arange(n), some), 6, p.delay)
                plain |= {tag: (*plain[tag][:2], 6) for tag in mine}
            else:
                sim.run(draw.randint(1, 30))
            found = zip(p.plasticity_tag.astype(int).tolist(), p.pre_id, p.post_id, p.delay, strict=True)
            assert {t: (int(a), int(b), int(d)) for t, a, b, d in found} == plain
            assert len(other) == 72 and set(other.plasticity_tag.tolist()) == {-1.0}
        assert Simulation.from_dict(sim.to_dict()).digest() == sim.digest()


def test_recorded_spikes_are_those_of_a_network_never_pruned_where_it_had_no_effect() -> None:
    """Synapses of weight 0 are removed in mid-run: static weights, so the rest goes on to the bit."""
    runs = []
    for prunes in (False, True):
        sim, p = living("none", weight=np.where(np.random.default_rng(1).random((N, N)) < 0.5, 0.0, 0.8))
        spikes = SpikeMonitor(sim)
        sim.run(100)
        if prunes:
            assert p.prune(below=0.5) > 50
        sim.run(200)
        runs.append((spikes.step, spikes.id, sim.model.neurons.v_membrane.copy()))
    assert all(map(np.array_equal, *runs)) and len(runs[0][0]) > 100


# ---- a part of the synapses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 1.0])
def test_a_fraction_of_the_weakest_is_removed(fraction: float) -> None:
    _, p = living("none", synapse_type="inhibitory")
    size = np.sort(np.abs(p.weight))
    n = round(fraction * len(size))
    assert p.prune(fraction=fraction) == n
    assert np.array_equal(np.sort(np.abs(p.weight)), size[n:])


def test_of_equal_synapses_the_first_are_removed() -> None:
    _, p = living("none", weight=0.5)
    ends = list(zip(p.pre_id.tolist(), p.post_id.tolist(), strict=True))
    assert p.prune(fraction=0.1) == 19
    assert list(zip(p.pre_id.tolist(), p.post_id.tolist(), strict=True)) == ends[19:]


def test_a_wrong_fraction_removes_nothing() -> None:
    _, p = living("none")
    n = len(p)
    for wrong in (-0.1, 1.1, float("nan"), "x"):
        with pytest.raises((ValueError, TypeError), match="fraction"):
            p.prune(fraction=wrong)  # type: ignore[arg-type]
    for given in ({}, {"below": 0.1, "fraction": 0.1}):
        with pytest.raises(TypeError, match="exactly one of below, fraction and condition"):
            p.prune(**given)
    assert len(p) == n
