"""Projections that learn share rows while a simulation runs: every bit is as if each had its own, whatever is done."""

from __future__ import annotations

import copy
import pickle
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import Simulation, _core
from neuromod.errors import NumericalError
from neuromod.modulation.system import create_neuromodulation_system

DELAYS: dict[str, Any] = {"one": 3, "few": {"uniform": [1, 3]}, "many": {"normal": [15, 7.5]}}
LAZY = sorted(name for name, about in _core.plasticity_rules().items() if about.get("lazy"))
HOW: dict[str, dict[str, Any]] = {
    "plain": {},
    "decay": {"weight_decay": 1e-3},
    "soft": {"weight_dependence": 0.5},
    "nearest": {"rounding": "nearest"},
}


def build(
    rule: str = "rstdp",
    *,
    n: int = 300,
    threads: int = 1,
    joined: bool = True,
    dt: float = 0.5,
    kind: str = "excitatory",
    delay: Any = 3,
    **how: Any,
) -> Simulation:
    """Six populations, each onto three of them; one pair twice, so that those from its sources cannot be joined."""
    system = create_neuromodulation_system()
    system.process_reward(1.0)
    sim = Simulation(dt=dt, seed=4, threads=threads, neuromodulation=system)
    cells = [sim.create(n, "poisson", name=f"p{k}", rate=40.0) for k in range(3)]
    cells += [sim.create(n, "lif", name=f"l{k}", v_threshold=-64.0) for k in range(3)]
    about: dict[str, Any] = {"rule": {"rule": rule, **how}, "delay": delay, "synapse_type": kind}
    for pre in cells:
        for post in cells[3:]:
            sim.connect(pre, post, in_degree=12, weight={"normal": [0.5, 0.05]}, **about)
    sim.connect(cells[0], cells[3], in_degree=3, weight=0.5, name="again", **about)
    if not joined:
        keep_apart(sim)
    return sim


def keep_apart(sim: Simulation) -> None:
    """A keeper whose synapses nobody else has never joins them."""
    sim._session.bound()
    for projection in sim.projections.values():
        projection._table.weights.keeper.owner = None


def joined_of(sim: Simulation) -> set[str]:
    """Names of the projections whose synapses are in joined rows."""
    found = {}
    for name, projection in sim.projections.items():
        keeper = projection._table.weights.keeper
        found[name] = isinstance(keeper, _core.LazyKeeper) and not keeper.columns()
    return {name for name, is_joined in found.items() if is_joined}


def weights_of(sim: Simulation) -> dict[str, np.ndarray]:
    return {name: np.array(projection.weight) for name, projection in sim.projections.items()}


def pair(*args: Any, steps: int = 150, **how: Any) -> tuple[Simulation, Simulation]:
    """The same network, joined and apart, after some steps."""
    one, other = build(*args, **how), build(*args, **{**how, "threads": 1}, joined=False)
    for sim in (one, other):
        sim.run(steps, progress=False)
    assert len(joined_of(one)) == 15
    assert joined_of(other) == set()
    return one, other


def test_rules_that_join() -> None:
    assert {"rstdp", "stdp"} <= set(LAZY)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("rule", LAZY)
def test_joined_rows_change_no_bit_of_learning(rule: str, how: str) -> None:
    kind = "inhibitory" if "istdp" in rule else "excitatory"
    one, other = pair(rule, kind=kind, **HOW[how])
    assert one.model.neurons.spike_count.sum() > 1000
    before = weights_of(build(rule, kind=kind, **HOW[how]))
    after = weights_of(one)
    assert len(joined_of(one)) == 15
    assert sum(bool(np.any(after[name] != before[name])) for name in before) > 5
    assert one.digest() == other.digest()


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_parts_of_a_network_and_threads_change_no_bit(threads: int, delay: str) -> None:
    """4,500 neurons have four partitions, whose borders cut the populations."""
    one, other = pair(n=750, threads=threads, steps=80, delay=DELAYS[delay])
    assert one.digest() == other.digest()


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_rows_come_apart_and_together_again(dt: float, delay: str) -> None:
    one, other = pair(dt=dt, delay=DELAYS[delay])
    for steps in (1, 7, 40):
        assert one.digest() == other.digest()
        assert joined_of(one) == set()
        for sim in (one, other):
            sim.run(steps, progress=False)
        assert len(joined_of(one)) == 15
    assert one.digest() == other.digest()


def read_all(sim: Simulation) -> Any:
    return weights_of(sim)


def read_some(sim: Simulation) -> Any:
    p = sim.projections["p1_to_l2"]
    weights, some = p._table.weights, np.array([77, 0, 5])
    by_themselves = [weights.sampled(name, some) for name in ("weight", "eligibility")]
    one_by_one = [weights.one(k) for k in range(0, len(p.weight), 101)]
    for name, found in zip(("weight", "eligibility"), by_themselves, strict=True):
        assert np.array_equal(found, weights.looked_at()[name][some])
    return one_by_one, by_themselves, p.eligibility.copy()


def read_ends(sim: Simulation) -> Any:
    return [(p.pre_id, p.post_id, p.delay) for p in sim.projections.values()]


def read_as_columns(sim: Simulation) -> Any:
    return np.array(sim.model.synapses.weight), [sim.model.synapses[k].weight for k in (0, 5_000, 20_000)]


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("read", [read_all, read_some, read_as_columns, read_ends])
def test_looks_leave_rows_joined(read: Callable[[Simulation], Any], delay: str) -> None:
    one, other = pair(delay=DELAYS[delay])
    for _ in range(3):
        seen = [read(sim) for sim in (one, other)]
        np.testing.assert_equal(seen[0], seen[1])
        assert len(joined_of(one)) == 15
        for sim in (one, other):
            sim.run(20, progress=False)
    assert one.digest() == other.digest()


def write_some(sim: Simulation) -> None:
    sim.projections["p1_to_l2"].weight[::7] *= 0.5


def write_one(sim: Simulation) -> None:
    sim.model.synapses[17_001].weight = 0.25


def write_eligibility(sim: Simulation) -> None:
    sim.projections["l0_to_l1"].eligibility[:] = 0.01


def change_a_parameter(sim: Simulation) -> None:
    sim.projections["p1_to_l2"].rule_params["a_plus"] = 0.03


def change_bounds(sim: Simulation) -> None:
    sim.projections["p1_to_l1"].weight_max = 0.5


def stop_learning(sim: Simulation) -> None:
    sim.projections["l1_to_l0"].learning = False


def choose_modulators(sim: Simulation) -> None:
    sim.projections["l1_to_l0"].modulators = ["dopamine"]


def add_neurons(sim: Simulation) -> None:
    sim.create(7, "lif", name="more")


def add_a_projection(sim: Simulation) -> None:
    sim.connect("p0", "l2", in_degree=2, weight=0.4, rule="rstdp", delay=3, name="late")


def remove_a_projection(sim: Simulation) -> None:
    sim.remove_projection("p2_to_l1")


def remove_a_neuron(sim: Simulation) -> None:
    sim.model.remove_neuron(950)


def more_threads(sim: Simulation) -> None:
    sim.threads = 2


def punish(sim: Simulation) -> None:
    assert sim.neuromodulation is not None
    sim.neuromodulation.process_reward(-1.0)


CHANGES = [
    write_some,
    write_one,
    write_eligibility,
    change_a_parameter,
    change_bounds,
    stop_learning,
    choose_modulators,
    add_neurons,
    add_a_projection,
    remove_a_projection,
    remove_a_neuron,
    more_threads,
    punish,
]


@pytest.mark.parametrize("delay", ["one", "few"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changes_between_runs_change_no_bit(change: Callable[[Simulation], None], delay: str) -> None:
    one, other = pair(delay=DELAYS[delay])
    for sim in (one, other):
        change(sim)
    keep_apart(other)
    for sim in (one, other):
        sim.run(60, progress=False)
    assert joined_of(one)
    assert joined_of(other) == set()
    assert one.digest() == other.digest()


def test_a_weight_written_in_every_step_costs_no_copy_of_the_others() -> None:
    """The projections that share rows with the one that is written part once; the others stay joined."""
    one, other = pair()
    for _ in range(5):
        for sim in (one, other):
            sim.projections["p1_to_l2"].weight[3] += 0.01
            sim.run(2, progress=False)
        assert joined_of(one) == {name for name in one.projections if name[:2] not in ("p0", "p1", "ag")}
    assert one.digest() == other.digest()


def test_a_hook_that_reads_and_writes() -> None:
    seen: dict[int, list[float]] = {0: [], 1: []}
    one, other = build(), build(joined=False)
    for k, sim in enumerate((one, other)):

        def look(sim: Simulation, k: int = k) -> None:
            p = sim.projections["l1_to_l2"]
            seen[k].append(float(p.weight.sum()))
            if len(seen[k]) == 3:
                p.weight[::3] = 0.4

        sim.every(10.0, look)
        sim.run(150, progress=False)
    assert len(seen[0]) == 7
    assert seen[0] == seen[1]
    assert one.digest() == other.digest()


def test_copies_files_and_stored_states_go_on_alike(tmp_path: Path) -> None:
    one, other = pair()
    twins = [one.copy(), copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    one.run(2, progress=False)
    other.run(2, progress=False)
    twins.append(one.copy())
    for sim in twins[:3]:
        sim.run(2, progress=False)
    one.store()
    one.save(tmp_path / "sim.nmz")
    loaded = Simulation.load(tmp_path / "sim.nmz")
    for sim in (one, other, *twins, loaded):
        sim.run(70, progress=False)
    digests = {sim.digest() for sim in (one, other, *twins, loaded)}
    one.restore()
    one.run(70, progress=False)
    assert len(joined_of(one)) == 15
    assert digests == {one.digest()}


def test_a_file_of_rows_that_were_updated_at_different_times(tmp_path: Path) -> None:
    """After a write the synapses of one projection have another last update than those of the others."""
    one, other = pair()
    for sim in (one, other):
        sim.projections["l1_to_l2"].weight[::2] *= 0.9
        sim.run(3, progress=False)
    one.save(tmp_path / "sim.nmz")
    loaded = Simulation.load(tmp_path / "sim.nmz")
    for sim in (one, other, loaded):
        sim.run(40, progress=False)
    assert one.digest() == other.digest() == loaded.digest()


def test_replicas_join_each_their_own() -> None:
    runs = build().replicas(2)
    runs.run(100, progress=False)
    assert all(len(joined_of(runs[k])) == 15 for k in range(2))
    alone = build(joined=False)
    alone.run(100, progress=False)
    assert runs[0].digest() == alone.digest()


def test_another_thread_reads_meanwhile() -> None:
    one, other = pair()
    found: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            found.append(float(one.projections["p1_to_l2"].weight.mean()))

    reader = threading.Thread(target=look)
    reader.start()
    for sim in (one, other):
        sim.run(1500, progress=False)
    done.set()
    reader.join()
    assert found
    assert all(0.0 < value < 2.0 for value in found)
    assert one.digest() == other.digest()


def test_a_weight_that_is_not_finite_is_named() -> None:
    sim = build()
    sim.run(20, progress=False)
    sim.projections["p1_to_l2"]._table.weights.keeper.write(
        np.array([5]), {"weight": np.array([np.nan]), "eligibility": np.array([0.0])}
    )
    with pytest.raises(NumericalError, match=r"projections\['p1_to_l2'\]\.weight\[5\]: must stay finite"):
        sim.run(20, progress=False)


def unlike(sim: Simulation, **other: Any) -> None:
    about: dict[str, Any] = {"in_degree": 12, "weight": 0.5, "rule": "rstdp", "delay": 3}
    for post in ("a", "b"):
        sim.connect("P", post, **{**about, **(other if post == "b" else {})})


@pytest.mark.parametrize(
    "other",
    [
        {"delay": 4},
        {"delay": {"uniform": [1, 3]}},
        {"rule": "stdp"},
        {"rule": {"rule": "rstdp", "weight_max": 3.0}},
        {"rule": {"rule": "rstdp", "a_plus": 0.5}},
        {"synapse_type": "inhibitory"},
        {"short_term": True},
        {"rule": {"rule": "rstdp", "homeostatic": {"target_rate": 5.0}}},
        {"in_degree": 290},
    ],
    ids=str,
)
def test_what_differs_is_not_joined(other: dict[str, Any]) -> None:
    digests = []
    for joined in (True, False):
        sim = Simulation(seed=1, dt=0.5, neuromodulation=create_neuromodulation_system())
        for name, model in (("P", "poisson"), ("a", "lif"), ("b", "lif")):
            sim.create(300, model, name=name, **({"rate": 40.0} if model == "poisson" else {}))
        unlike(sim, **other)
        if not joined:
            keep_apart(sim)
        sim.run(60, progress=False)
        assert joined_of(sim) == set()
        digests.append(sim.digest())
    assert digests[0] == digests[1]


def test_a_projection_in_between_keeps_rows_apart() -> None:
    """Delivery goes by source, then by projection: sums would be formed in another order."""
    sim = Simulation(seed=1, dt=0.5, neuromodulation=create_neuromodulation_system())
    for name, model in (("P", "poisson"), ("a", "lif"), ("b", "lif")):
        sim.create(300, model, name=name, **({"rate": 40.0} if model == "poisson" else {}))
    about: dict[str, Any] = {"in_degree": 12, "weight": 0.5, "delay": 3}
    sim.connect("P", "a", rule="rstdp", **about)
    sim.connect("P", "b", rule="stdp", name="between", **about)
    sim.connect("P", "b", rule="rstdp", **about)
    sim.run(20, progress=False)
    assert joined_of(sim) == set()


def test_the_arrays_of_the_members_are_gone() -> None:
    """Memory does not hold the synapses twice."""
    sim = build()
    watched = []
    for projection in sim.projections.values():
        table = projection._table
        watched += [weakref.ref(array) for array in (*table.weights.live.values(), table.target)]
    del projection, table
    sim.run(10, progress=False)
    assert sum(ref() is None for ref in watched) == 3 * 15
    assert not any(sim.projections[name]._table.weights.is_equal for name in joined_of(sim))
    sim.digest()
    assert all(set(p._table.weights.live) == {"weight", "eligibility"} for p in sim.projections.values())
