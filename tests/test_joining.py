"""Static projections that share rows: the same bits as by themselves, whatever is read, written, grown or removed."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from neuromod import Simulation
from neuromod.network.runs import Member

DELAYS: dict[str, Any] = {"one": 15, "few": {"uniform": [1, 3]}, "many": {"normal": [15, 7.5]}}
WEIGHTS: dict[str, Any] = {"own": {"normal": [0.5, 0.05]}, "equal": 0.5}


def build(delay: Any, weight: Any, joined: bool = True, threads: int = 1, n: int = 300) -> Simulation:
    """Four populations, each onto each, excitatory and inhibitory; the last pair twice, which cannot be joined."""
    sim = Simulation(dt=0.5, seed=4, threads=threads)
    cells = [sim.create(n, "poisson", name=f"p{k}", rate=40.0) for k in range(2)]
    cells += [sim.create(n, "lif", name=f"l{k}", v_threshold=-64.0) for k in range(2)]
    for k, pre in enumerate(cells):
        for post in cells[2:]:
            kind = "inhibitory" if k == 3 else "excitatory"
            sim.connect(pre, post, in_degree=12, weight=weight, delay=delay, rule="none", synapse_type=kind)
    sim.connect(cells[0], cells[2], in_degree=3, weight=weight, delay=delay, rule="none", name="again")
    if not joined:
        for projection in sim.projections.values():
            projection._table.parted = 1
    return sim


def joined_of(sim: Simulation) -> list[str]:
    return [name for name, p in sim.projections.items() if p._table.joined is not None]


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("delay", DELAYS)
def test_joined_rows_change_no_bit(delay: str, weight: str) -> None:
    one, other = (build(DELAYS[delay], WEIGHTS[weight], joined) for joined in (True, False))
    for sim in (one, other):
        sim.run(300, progress=False)
    assert len(joined_of(one)) >= 6
    assert joined_of(other) == []
    assert "again" not in joined_of(one)
    assert one.model.neurons.spike_count[600:].sum() > 100
    assert one.digest() == other.digest()


def parts_of(sim: Simulation) -> set[int]:
    """Partitions of the network that a bucket of the joined tables covers."""
    return {p._table.joined.rows.parts for p in sim.projections.values() if p._table.joined is not None}


def test_buckets_of_several_partitions_change_no_bit() -> None:
    """4,400 neurons have four partitions; short delay runs are joined over as many as the threads leave."""
    plain = build(DELAYS["many"], WEIGHTS["own"], joined=False, n=1100)
    plain.run(200, progress=False)
    assert plain.model.neurons.spike_count[2200:].sum() > 1000
    for threads, parts in ((1, 4), (2, 2), (3, 1), (4, 1)):
        sim = build(DELAYS["many"], WEIGHTS["own"], threads=threads, n=1100)
        sim.run(200, progress=False)
        assert (parts_of(sim), sim.digest()) == ({parts}, plain.digest())
        for name in joined_of(sim):
            p, q = sim.projections[name], plain.projections[name]
            for field in ("pre_id", "post_id", "delay", "weight"):
                np.testing.assert_array_equal(getattr(p, field), getattr(q, field))


def test_more_threads_cut_the_buckets_anew() -> None:
    """Also for another simulation of the same network; fewer threads do not join them again."""
    sims = [build(DELAYS["many"], WEIGHTS["own"], n=1100) for _ in range(2)]
    for sim in sims:
        sim.run(100, progress=False)
    sims[0].threads = 4
    for sim in sims:
        sim.run(100, progress=False)
    assert [parts_of(sim) for sim in sims] == [{1}, {4}]
    sims[0].threads = 1
    for sim in sims:
        sim.run(50, progress=False)
    assert parts_of(sims[0]) == {1}
    assert sims[0].digest() == sims[1].digest()


@pytest.mark.parametrize("rule", ["stdp", "graupner_brunel"])
def test_what_joins_or_parts_rows_changes_nothing_that_learns(rule: str) -> None:
    """Reading weights of a joined projection, and more threads, cut rows anew; plastic synapses stay as they are."""

    def learning(n: int) -> Simulation:
        sim = Simulation(seed=1, threads=1)
        drive = {"rate": 1500.0, "weight": 1.2}
        cells, others = sim.create(n, drive=drive), sim.create(100, drive=drive)
        for post, name in ((cells, "a"), (others, "b")):
            sim.connect(
                cells, post, in_degree=10, weight=0.3, delay={"uniform": [1, 9]}, rule="none", name=name
            )
        sim.connect(cells, cells, in_degree=4, weight={"uniform": [0.2, 0.8]}, rule=rule, name="plastic")
        sim.run(33, progress=False)
        return sim

    for n in (300, 4200):
        plain, read, cut = (learning(n) for _ in range(3))
        read.projections["a"].weight.copy()
        cut.threads = 3
        cut.run(5, progress=False)
        plain.run(40, progress=False), read.run(40, progress=False), cut.run(35, progress=False)
        assert (joined_of(plain), joined_of(read)) == (["a", "b"], ["b"] if n > 4096 else [])
        assert plain.model.neurons.spike_count.sum() > n
        assert plain.digest() == read.digest() == cut.digest()


def test_a_projection_by_itself_is_joined_over_partitions() -> None:
    def lone(threads: int) -> Simulation:
        sim = Simulation(dt=0.5, seed=3, threads=threads)
        pre, post = sim.create(2000, "poisson", rate=40.0), sim.create(3000, "lif", v_threshold=-64.0)
        sim.connect(pre, post, in_degree=20, weight=0.5, delay={"uniform": [1, 20]}, rule="none")
        sim.run(200, progress=False)
        return sim

    one, four = lone(1), lone(4)
    assert (parts_of(one), parts_of(four)) == ({4}, set())
    assert one.digest() == four.digest()


@pytest.mark.parametrize("delay", DELAYS)
def test_readings_are_those_of_rows_by_themselves(delay: str) -> None:
    one, other = (build(DELAYS[delay], WEIGHTS["own"], joined) for joined in (True, False))
    for sim in (one, other):
        sim.run(20, progress=False)
    for name in joined_of(one):
        p, q = one.projections[name], other.projections[name]
        for field in ("pre_id", "post_id", "delay"):
            np.testing.assert_array_equal(getattr(p, field), getattr(q, field))
        assert [p.weight_of(k) for k in (0, 17, len(p) - 1)] == [q.weight_of(k) for k in (0, 17, len(q) - 1)]
        np.testing.assert_array_equal(p._table.weights.values()["weight"], q.weight)
        assert p._table.joined is not None  # looking has not taken it out


def test_a_written_array_acts_and_stays_live() -> None:
    one, other = (build(DELAYS["many"], WEIGHTS["own"], joined) for joined in (True, False))
    name = "p0_to_l0"
    for sim in (one, other):
        sim.run(50, progress=False)
        weight = sim.projections[name].weight
        weight *= 2.0
        sim.run(50, progress=False)
        weight[::2] = 0.0
        sim.run(50, progress=False)
        assert sim.projections[name].weight is weight
    assert name not in joined_of(one)
    assert len(joined_of(one)) >= 5
    assert one.digest() == other.digest()


def test_weights_written_in_a_callback_act_from_the_next_slice_on() -> None:
    one, other = (build(DELAYS["many"], WEIGHTS["own"], joined) for joined in (True, False))
    sums = []
    for sim in (one, other):
        sim.run(16, progress=False)
        at = []

        def silence(*_: Any, sim: Simulation = sim, at: list[int] = at) -> None:
            if not at:
                sim.projections["p1_to_l1"].weight[:] = 0.0
            at.append(sim.current_step)

        sim.run(4000, progress=silence)
        np.testing.assert_array_equal(sim.projections["p1_to_l1"].weight, 0.0)
        sums.append(sim.model.neurons.spike_count[900:].sum())
    silent = build(DELAYS["many"], WEIGHTS["own"])
    silent.run(4016, progress=False)
    assert max(sums) < 0.9 * silent.model.neurons.spike_count[900:].sum()


@pytest.mark.parametrize("change", ["connect", "remove", "create", "copy", "to_dict", "prune"])
def test_changes_of_the_network_change_no_bit(change: str) -> None:
    done = []
    for joined in (True, False):
        sim = build(DELAYS["many"], WEIGHTS["own"], joined)
        sim.run(100, progress=False)
        if change == "connect":
            cells = sim.populations
            sim.connect(cells["l0"], cells["l1"], in_degree=5, weight=0.3, delay=7, rule="none", name="new")
        elif change == "remove":
            sim.model.remove_neuron(int(sim.populations["l0"].ids[3]))
        elif change == "create":
            sim.create(30, "lif", name="more")
        elif change == "copy":
            sim = sim.copy()
        elif change == "to_dict":
            sim = Simulation.from_dict(sim.to_dict())
        else:
            sim.projections["p0_to_l1"].prune(below=0.5)
        sim.run(150, progress=False)
        done.append(sim.digest())
    assert done[0] == done[1]


def test_any_number_of_threads() -> None:
    sims = [build(DELAYS["many"], WEIGHTS["own"], threads=threads, n=700) for threads in (1, 2, 3)]
    for sim in sims:
        sim.run(40, progress=False)
    assert len({sim.digest() for sim in sims}) == 1


def test_how_a_run_is_cut() -> None:
    whole, cut = (build(DELAYS["many"], WEIGHTS["own"]) for _ in range(2))
    whole.run(120, progress=False)
    for steps in (1, 3, 16, 30, 70):
        cut.run(steps, progress=False)
    assert whole.digest() == cut.digest()


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("delay", DELAYS)
def test_weights_that_a_hook_writes_act_from_the_next_step_on(delay: str, weight: str) -> None:
    def double(sim: Simulation) -> None:
        for projection in list(sim.projections.values())[:3]:
            projection.weight[:] *= 2.0

    one, other = (build(DELAYS[delay], WEIGHTS[weight], joined) for joined in (True, False))
    for sim in (one, other):
        sim.run(20)
    assert set(list(one.projections)[:3]) <= {*joined_of(one)}
    for sim in (one, other):
        sim.every(6.0, double)
        sim.run(40)
    assert one.digest() == other.digest()


def large(joined: bool = True) -> Simulation:
    """Two tables of more synapses than are copied at once: 2.2 million, from one population onto two, and back."""
    sim = Simulation(dt=0.5, seed=6)
    source = sim.create(1500, "poisson", name="source", rate=40.0)
    cells = [sim.create(1500, "lif", name=f"l{k}", v_threshold=-64.0) for k in range(2)]
    for k, pre in enumerate([source, source, cells[0]]):
        how: dict[str, Any] = {
            "weight": {"normal": [0.1, 0.01]},
            "delay": {"normal": [15, 7.5]},
            "rule": "none",
        }
        sim.connect(pre, cells[k % 2], probability=0.5, **how)
    if not joined:
        for projection in sim.projections.values():
            projection._table.parted = 1
    return sim


@pytest.fixture(scope="module")
def large_digest() -> str:
    plain = large(joined=False)
    plain.run(50, progress=False)
    assert joined_of(plain) == []
    return plain.digest()


class Interrupted:
    """Ctrl-C when a shared table takes some rows of a member, for the k-th time."""

    def __init__(self, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.k, self.calls, self.part = k, 0, Member.part
        monkeypatch.setattr(Member, "part", lambda *about: self(*about))

    def __call__(self, member: Member, first: int, end: int) -> Any:
        self.calls += 1
        if self.calls == self.k:
            raise KeyboardInterrupt
        return self.part(member, first, end)


@pytest.mark.parametrize("then", ["run", "read", "copy", "connect", "save"])
@pytest.mark.parametrize("k", [1, 3, 8, 11, 14])
def test_joining_that_is_interrupted_goes_on(
    k: int, then: str, large_digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of the synapses are in the shared table already, and their old place is given up."""
    sim, fresh = large(), large()
    interrupted = Interrupted(k, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        sim.run(50, progress=False)
    assert interrupted.calls == k
    assert sim.current_step == 0
    if then == "read":
        for name, projection in sim.projections.items():
            assert np.array_equal(
                projection._table.weights.values()["weight"], fresh.projections[name].weight
            )
            assert np.array_equal(projection.delay, fresh.projections[name].delay)
    elif then == "copy":
        sim = copy.deepcopy(sim)
    elif then == "connect":
        for each in (sim, fresh):
            made = each.connect([0], [1], weight=1.0, delay=1, rule="none", one_to_one=True)
            each.remove_projection(made.name)
        fresh.run(50, progress=False)
        large_digest = fresh.digest()
    elif then == "save":
        sim = pickle.loads(pickle.dumps(sim))
    sim.run(50, progress=False)
    assert sim.digest() == large_digest


def test_a_copy_keeps_the_synapses_that_a_shared_table_takes_over(large_digest: str) -> None:
    """Both have the same arrays; the memory of neither is given up."""
    sim = large()
    other = copy.deepcopy(sim)
    sim.run(50, progress=False)
    assert len(joined_of(sim)) >= 2
    other.run(50, progress=False)
    assert sim.digest() == other.digest() == large_digest


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_joining_needs_no_memory_for_the_synapses_twice() -> None:
    """14 million synapses are 84 MB: joining adds less than a third of it, unless somebody holds the arrays."""
    program = """
import sys
from neuromod import Simulation

def mib(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1024

sim = Simulation(seed=6)
cells = [sim.create(2000, "lif") for _ in range(3)]
for pre in cells[:2]:
    for post in cells:
        sim.connect(pre, post, in_degree=1200, weight={"normal": [0.1, 0.01]}, delay={"uniform": [1, 20]}, rule="none")
held = [(t.target, t.weights.live["weight"]) for t in sim.model._store.tables] if sys.argv[1] == "held" else []
before = mib("VmRSS")
sim.step()
assert all(p._table.joined for p in sim.projections.values())
print(mib("VmHWM") - before)
"""
    added = {}
    for held in ("lone", "held"):
        done = subprocess.run(
            [sys.executable, "-c", program, held], capture_output=True, text=True, check=True
        )
        added[held] = float(done.stdout)
    assert added["lone"] < 28.0
    assert added["held"] > 60.0
