"""Saved states: what comes back is what was saved, and what was changed since is refused."""

from __future__ import annotations

import copy
import json
import os
import pickle
import random
import signal
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from random_models import mutant_of, places, same_state, simulation_of

from neuromod import (
    BrainModel,
    ConfigError,
    NeuromodulationSystem,
    RescorlaWagner,
    Simulation,
    TDCritic,
    __version__,
    _core,
)
from neuromod.errors import NeuromodWarning, NumericalError
from neuromod.session import Session

pytestmark = pytest.mark.long

FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
MODELS = int(os.environ.get("NEUROMOD_FUZZ_MODELS", "12"))
MUTANTS = int(os.environ.get("NEUROMOD_FUZZ_MUTANTS", "60"))


def through_json(state: Any) -> Any:
    return json.loads(json.dumps(state))


def unsigned(state: dict[str, Any]) -> dict[str, Any]:
    """As a version of the package wrote it that had no sum, no version and no rows."""
    old = copy.deepcopy(state)
    for holder in (old, old.get("model", {})):
        holder.pop("version", None)
        holder.pop("sha256", None)
    for saved in old.get("model", {}).get("state", {}).get("projections", []):
        saved.pop("rows", None)
    return old


def small(rule: Any = "stdp", areas: tuple[str, ...] = ("V1_like",), **given: Any) -> Simulation:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    sim.initialize_neurons(list(areas), density=0.01)
    how = {"in_degree": 3, "weight": 0.5, "synapse_type": "excitatory", "name": "p"} | given
    sim.connect("V1_like", areas[-1], rule=rule, **how)
    sim.run(60)
    return sim


def assert_goes_on_alike(sim: Simulation, again: Simulation, n_steps: int = 50) -> None:
    assert same_state(sim, again)
    for each in (sim, again):
        each.run(n_steps)
    assert same_state(sim, again)


# ---- every state comes back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["none", *_core.plasticity_rules()])
@pytest.mark.parametrize("short_term", [False, True])
def test_sources_without_synapses_come_back(rule: str, short_term: bool) -> None:
    """First and last ones too: rows are those that `connect` made, not those between the sources that have synapses."""
    sim = small(rule, in_degree=1, short_term=short_term)
    again = Simulation.from_dict(through_json(sim.to_dict()))
    table, same = (each._session.store.tables[0] for each in (sim, again))
    assert (same.pre_first, len(same.row_start)) == (table.pre_first, len(table.row_start))
    assert table.pre_first < table.pre.min() or table.pre.max() < table.pre_first + len(table.row_start) - 2
    assert_goes_on_alike(sim, again)


@pytest.mark.parametrize("name", ["L|R", "|", "a\\|b", "dtype", "é☃", "p|post|y", "a/b", "x]['"])
def test_any_letter_of_a_name_comes_back(name: str) -> None:
    box = {"x": [0, 19], "y": [0, 0], "z": [0, 0]}
    areas = [
        {"name": name, "coord_ranges": {**box, "w": [0, 0]}},
        {"name": "B", "coord_ranges": {**box, "w": [1, 1]}},
    ]
    sim = Simulation(BrainModel(config={"lattice_shape": [20, 1, 1, 2], "areas": areas}), seed=1)
    sim.initialize_neurons()
    for label in (None, name, "shape", "values", "|".join((name, "post", "y"))):
        sim.connect(
            name,
            "B",
            in_degree=3,
            weight=0.5,
            rule="stdp",
            synapse_type="excitatory",
            short_term=True,
            name=label,
        )
    sim.run(20)
    assert_goes_on_alike(sim, Simulation.from_dict(through_json(sim.to_dict())))


@pytest.mark.parametrize("delay", [1, 7])
def test_a_projection_without_synapses_comes_back(delay: int) -> None:
    """Also its delay, which sets how long spikes are kept."""
    sim = small("rstdp", in_degree=None, probability=0.0, delay=delay, short_term=True)
    assert len(sim.projections["p"]) == 0
    assert_goes_on_alike(sim, Simulation.from_dict(through_json(sim.to_dict())))


def test_names_that_a_slash_or_a_bar_parts_are_not_mixed_up() -> None:
    from neuromod.state import digest_of, pack, unpack

    state = {
        "a|b": {"dtype": 1, "shape": 2, "values": 3},
        ("a", "b"): 4,
        "\\": {"|": np.arange(3)},
        "dtype": 5,
    }
    again = unpack(through_json(pack(state)))
    assert digest_of(again) == digest_of(state) and list(again) == list(state)
    assert digest_of({"a/b": 1}) != digest_of({"a": {"b": 1}})


def test_states_of_before_there_was_a_sum_still_load() -> None:
    sim = small("rstdp", out_degree=5, in_degree=None)
    old = unsigned(sim.to_dict())
    old["simulation"]["engine"] = json.loads(json.dumps(old["simulation"]["engine"]))
    assert_goes_on_alike(sim, Simulation.from_dict(old))
    system = NeuromodulationSystem()
    state = {k: v for k, v in system.to_dict().items() if k not in ("version", "sha256")}
    assert NeuromodulationSystem.from_dict(state).to_dict() == system.to_dict()


@pytest.mark.fuzz
@pytest.mark.long
@pytest.mark.filterwarnings("ignore:run. the network has no neurons")
@pytest.mark.parametrize("seed", range(FIRST, FIRST + MODELS))
def test_any_model_comes_back(seed: int) -> None:
    """Through JSON and pickle, with an equal digest, and 50 steps later too. The seed is the number of the test."""
    sim = simulation_of(seed)
    others = [
        Simulation.from_dict(through_json(sim.to_dict())),
        pickle.loads(pickle.dumps(sim)),
        copy.deepcopy(sim),
        sim.copy(),
        sim.replicas(1)[0],
    ]
    for other in others:
        assert same_state(sim, other)
    try:
        sim.run(50)
    except NumericalError:  # a random model may diverge
        return
    for other in others:
        other.run(50)
        assert same_state(sim, other)


# ---- what was changed since is refused ----------------------------------------------------------------------------


def test_a_state_says_its_version_and_sum() -> None:
    state = small().to_dict()
    assert state["version"] == state["model"]["version"] == __version__
    assert len(state["sha256"]) == len(state["model"]["sha256"]) == 64


def changed(state: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    other = copy.deepcopy(state)
    place: Any = other
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    place[path[-1]] = old + 1 if type(old) in (int, float) and old == old else "changed"
    return other


def test_each_number_that_is_changed_is_noticed() -> None:
    """One sentence, whatever it is: no value of a state is outside the sum."""
    state = through_json(small("rstdp", short_term=True).to_dict())
    draw = random.Random(3)
    for path in draw.sample(places(state, most=5), 150):
        with pytest.raises(ValueError) as caught:
            Simulation.from_dict(changed(state, path))
        text = str(caught.value)
        assert text.count("\n") == 0 and text.startswith("state"), (path, text)


@pytest.mark.parametrize(
    ("part", "missing"), [("sha256", "state.sha256: is required"), ("version", "state.version: must")]
)
def test_half_a_seal_is_none(part: str, missing: str) -> None:
    state = small().to_dict()
    del state[part]
    with pytest.raises(ConfigError, match=missing):
        Simulation.from_dict(state)


ENGINE = [
    (("step",), 2**31, "since"),
    (("step",), -1, "step: must be a whole number from 0"),
    (("step",), True, "step: must be a whole number"),
    (("pairs", "p", "since"), -(2**40), "since: must be from"),
    (("pairs", "p", "since"), 2**40, "since: must be from"),
    (("pairs", "p", "origin"), 2**40, "origin: must be a whole number"),
    (("pairs", "p", "origin"), -(2**40), "origin: must be a whole number"),
    (("pairs", "p", "epoch"), 0, "epoch: must be a whole number"),
    (("pairs", "p", "newest"), 30000, "newest: must be"),
    (("pairs", "p", "recent"), 32000, "recent: must be from"),
    (("pairs", "p", "n_spikes"), 2**62, "n_spikes: must be from"),
    (("pairs", "p", "n_spikes"), -1, "n_spikes: must be from"),
    (("pairs", "p", "spike"), 2**40, "spike: must be from"),
    (("pairs", "p", "floor"), 2**40, "floor: must be from"),
    (("pairs", "p", "turn"), 2**40, "turn: must be from"),
    (("pairs", "p", "n_turns"), -1, "n_turns: must be from"),
    (("pairs", "p", "sign"), 2, "sign: must be from"),
    (("short_term", "p", "last"), 2**40, "last: must be from"),
    (("short_term", "p", "source"), 0, "source: must be the sources"),
    (("fired",), [], "fired: must be"),
]


def filled(state: Any, path: tuple[str, ...], value: Any) -> None:
    """The scalar there, or every value of the array there, becomes `value`."""
    for key in path[:-1]:
        state = state[key]
    old = state[path[-1]]
    if isinstance(old, dict):
        old["values"] = [value] * len(old["values"])
    else:
        state[path[-1]] = value


@pytest.mark.parametrize(("path", "value", "message"), ENGINE)
def test_what_the_core_relies_on_is_checked(path: tuple[str, ...], value: Any, message: str) -> None:
    """Without a sum, entry by entry: an index far outside a table ended the process."""
    state = unsigned(through_json(small("stdp", short_term=True, out_degree=4, in_degree=None).to_dict()))
    Simulation.from_dict(state)
    filled(state["simulation"]["engine"], path, value)
    with pytest.raises(ConfigError) as caught:
        Simulation.from_dict(state)
    lines = caught.value.problems
    assert any(message in line for line in lines), lines
    assert all(line.startswith("state.simulation.engine.") for line in lines)


MODEL = [
    (("next_id",), 0, "id: must be from 0 to -1"),
    (("next_id",), 10**12, "next_id: must be a whole number"),
    (("made",), 0, "number: must be a whole number"),
    (("neurons", "model"), 99, "model: must be from 0"),
    (("neurons", "area"), -2, "area: must be from -1"),
    (("neurons", "region"), 7, "region: must be from 0"),
    (("neurons", "id"), 5, "id: must ascend"),
    (("projections", 0, "pre"), 10**6, "pre: must be from 0"),
    (("projections", 0, "post"), -1, "post: must be from 0"),
    (("projections", 0, "columns", "delay"), 0, "delay: must be from 1"),
    (("projections", 0, "columns", "weight"), 0.25, "weight: must be what follows from"),
    (("projections", 0, "rule"), "nothing", "rule: must be one of"),
    (("projections", 0, "bounds"), [2.0, 1.0, 0.0, 0.0], "weight_min: must be <= weight_max"),
    (("projections", 0, "params", "tau_plus"), -1.0, "tau_plus: must be > 0"),
    (("projections", 0, "port"), "nmda", "port"),
]


@pytest.mark.parametrize(("path", "value", "message"), MODEL)
def test_what_a_model_is_made_of_is_checked(path: tuple[str, ...], value: Any, message: str) -> None:
    state = unsigned(through_json(small("stdp", out_degree=4, in_degree=None).to_dict()))
    own = state["model"]["state"]
    own["projections"][0].setdefault("port", "excitatory")
    filled(own, path, value)
    with pytest.raises(ValueError, match=message):
        Simulation.from_dict(state)


def test_all_problems_come_at_once() -> None:
    state = unsigned(through_json(small(out_degree=4, in_degree=None).to_dict()))
    for path in (("pairs", "p", "since"), ("pairs", "p", "n_spikes"), ("pairs", "p", "origin")):
        filled(state["simulation"]["engine"], path, -(2**40))
    with pytest.raises(ConfigError) as caught:
        Simulation.from_dict(state)
    assert len(caught.value.problems) == 3


SYSTEM: list[tuple[str, Callable[[Any], Any], str]] = [
    ("regions", lambda s: s.update(regions=[]), "regions: must be"),
    ("names", lambda s: s.update(names=["dopamine", "nothing"]), "names: must be of"),
    ("level", lambda s: s["modulators"]["dopamine"].update(level=[2.0]), "level: must be 1 numbers"),
    ("tau", lambda s: s["modulators"]["dopamine"].update(tau=0), "tau: must be a number"),
    ("param", lambda s: s["modulators"]["dopamine"]["params"].update(exponent=None), "exponent: must be"),
    ("amount", lambda s: s["releases"][0].update(amount=float("nan")), r"releases\[0\].amount: must be"),
    ("rate", lambda s: s["diffusion"]["dopamine"].update(rate=-1.0), "rate: must be"),
    ("pairs", lambda s: s["diffusion"]["dopamine"].update(neighbours=[[0, 5]]), "neighbours: must be"),
    ("missing", lambda s: s.pop("declared"), "declared: is required"),
    ("enabled", lambda s: s.update(enabled=1), "enabled: must be"),
]


@pytest.mark.parametrize(("spoil", "message"), [row[1:] for row in SYSTEM], ids=[row[0] for row in SYSTEM])
def test_a_system_of_modulators_is_checked(spoil: Callable[[Any], Any], message: str) -> None:
    system = NeuromodulationSystem(["a", "b"] if message.startswith("neighbours") else None)
    system.add_release("dopamine", ["V1_like"], 0.01)
    system.set_diffusion("dopamine", 0.1, np.empty((0, 2), int))
    state = through_json(system.to_dict())
    spoil(state)
    with pytest.raises(ConfigError, match=r"SHA-256|is required"):
        NeuromodulationSystem.from_dict(state)
    del state["version"], state["sha256"]
    with pytest.raises(ConfigError, match=message):
        NeuromodulationSystem.from_dict(state)


@pytest.mark.parametrize("critic", [TDCritic(trace_decay=0.5), RescorlaWagner(salience={"a": 0.5})])
def test_a_critic_is_checked(critic: Any) -> None:
    critic.update("a", 1.0)
    state = through_json(critic.to_dict())
    assert type(critic).from_dict(state).to_dict() == critic.to_dict()
    state["weights"]["keys"][0][1] = 7.0
    with pytest.raises(ConfigError, match=r"state\.sha256"):
        type(critic).from_dict(state)
    del state["version"], state["sha256"]
    assert type(critic).from_dict(state).value("a") == 7.0
    state["weights"]["keys"] = [[["a", {}], 1.0]]
    with pytest.raises(ConfigError, match="keys: must be pairs"):
        type(critic).from_dict(state)


@pytest.mark.parametrize(
    "state", [None, 3, [], {}, {"format": 3}, {"format": 0}, {"format": True}, {"format": "1"}]
)
@pytest.mark.parametrize("kind", [Simulation, BrainModel])
def test_other_things_are_refused(kind: Any, state: Any) -> None:
    with pytest.raises(ValueError, match=r"state: must be a mapping made by"):
        kind.from_dict(state)


def test_a_state_that_is_nested_without_end_is_refused() -> None:
    state = small().to_dict()
    inner: Any = state["simulation"]
    for _ in range(3000):
        inner["engine"] = {"engine": None}
        inner = inner["engine"]
    with pytest.raises(ConfigError):
        Simulation.from_dict(state)
    with pytest.raises(ConfigError):
        Simulation.from_dict(
            unsigned({k: v for k, v in state.items() if k != "simulation"})
            | {"simulation": state["simulation"]}
        )


def mutants(seed: int, count: int) -> list[str]:
    """What is wrong with how `count` mutants of a random state are taken."""
    sim = simulation_of(seed, plain=True)
    state, digest, found = through_json(sim.to_dict()), sim.digest(), []
    for k in range(count):
        mutant = mutant_of(state, random.Random(f"{seed} {k}"))
        try:
            again = Simulation.from_dict(mutant)
            if "sha256" in mutant and again.digest() != digest:
                found.append(f"mutant {k} of {seed}: taken, with another digest")
            again.run(60)
        except (ValueError, NumericalError):  # ConfigError is a ValueError
            continue
        except Exception as error:
            found.append(f"mutant {k} of {seed}: {type(error).__name__}: {error}")
    return found


@pytest.mark.fuzz
@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a crash ends a child process")
@pytest.mark.parametrize("seed", range(FIRST, FIRST + 3))
def test_no_mutant_of_a_state_crashes_or_passes_for_the_state(seed: int) -> None:
    """In a child process, which a crash or a hang of one mutant ends."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(200 + MUTANTS)
        warnings.simplefilter("ignore", NeuromodWarning)  # a random network may have no neurons
        try:
            found = mutants(seed, MUTANTS)
        except BaseException as error:
            found = [repr(error)]
        os.write(writer, "\n".join(found)[:60000].encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as text:
        found_there = text.read()
    assert os.waitpid(child, 0)[1] == 0, f"seed {seed}: the process ended"
    assert found_there == ""


@pytest.mark.parametrize("part", ["traces", "lowpass", "history"])
def test_an_empty_part_of_a_rule_s_state_may_be_missing(part: str) -> None:
    """Of a rule that had other parts a KeyError came (mutant 60 of random network 0)."""
    for rule in ("graupner_brunel", "clopath"):
        model = {"clopath": "adex_clopath"}.get(rule, "lif")
        sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        ids = sim.initialize_neurons(["V1_like"], density=0.01, model=model)
        sim.connect(ids, ids, in_degree=3, weight=0.5, rule=rule, synapse_type="excitatory", name="p")
        sim.run(20)
        state = through_json(sim.to_dict())
        for holder in (state, state["model"]):
            del holder["version"], holder["sha256"]
        events = state["simulation"]["engine"]["events"]["p"]
        if not events.get(part):
            events.pop(part, None)
            assert Simulation.from_dict(state).digest() == sim.digest()


def test_want_of_memory_is_no_fault_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A MemoryError came as a ConfigError."""

    def fails(*_: object) -> None:
        raise MemoryError

    state = small().to_dict()
    monkeypatch.setattr(Session, "restore", fails)
    with pytest.raises(MemoryError):
        Simulation.from_dict(state)


# ---- the doors of the core ----------------------------------------------------------------------------------------


def test_the_core_refuses_a_state_as_a_whole() -> None:
    """And nothing has changed then."""
    sim = small("stdp", short_term=True)
    engine, before = sim._session.prepared(), sim.digest()
    state = engine.state()
    state["pairs"]["p"]["since"] = state["pairs"]["p"]["since"] + 2**40
    state["short_term"]["p"]["u"] = state["short_term"]["p"]["u"] * 0.0
    with pytest.raises(ValueError, match=r"engine\.pairs\.p\.since: must be from"):
        engine.set_state(state)
    keeper = engine.keepers["p"]
    with pytest.raises(ValueError, match=r"pairs\.since: must be from"):
        keeper.set_state(state["pairs"]["p"])
    with pytest.raises(ValueError, match="traces: must be the rule's"):
        keeper.set_traces({"since": np.zeros(1)})
    for steps, ids in ((np.array([1.5]), np.array([1])), (np.array([100, 200]), np.array([1]))):
        with pytest.raises(ValueError, match="schedule"):
            engine.set_schedule(steps, ids)
    assert sim.digest() == before


@pytest.mark.parametrize(
    "state", [None, 3, {}, {"step": 1}, {"step": 1, "fired": 3, "traces": 3, "pairs": None}]
)
def test_the_core_takes_no_other_thing(state: Any) -> None:
    with pytest.raises(ValueError, match="engine"):
        small()._session.prepared().set_state(state)
