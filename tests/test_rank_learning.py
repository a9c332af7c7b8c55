"""Learning on several ranks: every rule, modulators and their release, checkpoints; the bits of one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ranked import RULES, alone, built, prepared, random_case, rule_case, stimulated, system_of, together
from thread_ranks import ThreadComm, on_ranks

from neuromod import BrainModel, ConfigError, Simulation, ranks
from neuromod.ranks import RankSimulation

CASE: dict[str, Any] = {
    "n": 4500, "dt": 1.0, "threads": 1, "delay": 3, "equal": True, "dense": False, "short_term": False,
    "modulated": True, "released": True, "degree": 8, "steps": [60], "rules": [],
}  # fmt: skip


def learning(rule: str) -> dict[str, Any]:
    """A case with three projections under a rule: with one delay, with several, and with all that goes with it."""
    more: dict[str, Any] = {"rule": rule, "weight_decay": 1e-3, "modulators": ["serotonin"]}
    if rule not in ("istdp", "ristdp"):
        more["homeostatic"] = {"every": 20.0, "tau": 200.0}
    rules = [
        rule_case({"rule": rule}, 1, 1),
        rule_case({"rule": rule}, {"uniform": [2, 9]}),
        rule_case({**more, "short_term": True}, 3),
    ]
    return {**CASE, "rules": rules}


def begun(make: Any, case: dict[str, Any], comm: Any = None) -> Any:
    """A network of a case, after some steps."""
    given = {"seed": 5, "dt": case["dt"], "neuromodulation": system_of(case), "threads": case["threads"]}
    sim = make(**given) if comm is None else make(comm, **given)
    built(sim, case)
    prepared(sim, case)
    stimulated(sim)
    sim.run(33)
    return sim


@pytest.mark.long
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_the_bits_of_one_process_also_on_other_ranks(rule: str) -> None:
    case = learning(rule)
    one = begun(Simulation, case)
    halfway = one.digest()
    weights = {name: one.projections[name].weight.copy() for name in ("learns_0", "learns_1", "learns_2")}

    def begin(comm: ThreadComm) -> Any:
        whole = begun(RankSimulation, case, comm).gather()
        return None if whole is None else (whole.digest(), [whole.copy(), whole.copy()])

    digest, copies = on_ranks(3, begin)[0]
    assert digest == halfway

    def go_on(comm: ThreadComm) -> Any:
        sim = RankSimulation.take(copies[comm.rank], comm)
        stimulated(sim)
        sim.run(40)
        whole = sim.gather()
        return None if whole is None else whole.digest()

    stimulated(one)
    one.run(40)
    assert on_ranks(2, go_on)[0] == one.digest()
    for name, before in weights.items():
        assert np.mean(one.projections[name].weight != before) > 0.05, name


@pytest.mark.parametrize("number", [2, 3, 5])
def test_random_networks_that_learn_have_the_bits_of_one_process(number: int) -> None:
    case = random_case(number) | {"n": 4500, "dense": False}
    assert case["rules"]
    assert on_ranks(2, lambda comm: together(case, comm))[0] == alone(case)


def test_a_rank_without_targets_notes_arrivals_as_one_process_does() -> None:
    def run(make: Any, *comm: Any) -> Any:
        sim = make(*comm, seed=1)
        first, last = sim.create(3000, drive={"rate": 1500.0, "weight": 1.2}), sim.create(3000)
        sim.connect(first, last[2500:], in_degree=5, weight=0.5, rule="stdp", name="far")
        sim.run(50)
        return sim

    one = run(Simulation)
    found = on_ranks(
        4, lambda comm: (lambda sim: (sim.n_own_synapses, sim.gather()))(run(RankSimulation, comm))
    )
    assert [part[0] for part in found] == [0, 0, 0, 2500]
    assert found[0][1].digest() == one.digest()


def test_levels_that_spikes_release_are_the_same_on_all_ranks() -> None:
    case = {**learning("rstdp"), "steps": [80]}
    case["rules"] = case["rules"][:1]
    one = begun(Simulation, case)
    found = on_ranks(3, lambda comm: begun(RankSimulation, case, comm).neuromodulation.level.tolist())
    assert found == [one.neuromodulation.level.tolist()] * 3
    assert found[0][0][0] != 0.5


def test_the_rule_is_the_configuration_s_where_none_is_given() -> None:
    def work(comm: ThreadComm) -> Any:
        sim = RankSimulation(comm, BrainModel(config={"areas": [], "plasticity": {"rule": "stdp"}}), seed=1)
        cells = sim.create(50, drive={"rate": 1500.0, "weight": 1.2})
        sim.connect(cells, cells, in_degree=3, weight=0.2, name="p")
        assert sim.initialize_random_synapses(0.1) == sum(len(p) for p in sim.projections.values()) - 150
        return {p.rule for p in sim.projections.values()}

    assert on_ranks(1, work)[0] == {"stdp"}


def test_a_rule_that_reads_its_sources_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ranks._REMOTE, "clopath", ["v_membrane"])
    told = "rule: must not read columns of the sources on several ranks; clopath reads v_membrane"
    learns = Simulation(seed=1)
    some = learns.create(10)
    learns.connect(some, some, in_degree=2, weight=0.1, rule="clopath")

    def work(comm: ThreadComm) -> None:
        sim = RankSimulation(comm, seed=1)
        cells = sim.create(10)
        for rule in ("clopath", {"rule": "clopath"}):
            with pytest.raises(ConfigError, match=told):
                sim.connect(cells, cells, in_degree=2, weight=0.1, rule=rule)
        assert not sim.projections
        with pytest.raises(ConfigError, match=told):
            RankSimulation.take(learns, comm)

    on_ranks(1, work)
