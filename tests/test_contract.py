"""The contract of `csrc/nm_model.h`, for every registered neuron model, plasticity rule and modulator.

A new model is covered the moment its word stands in the register. What a model computes is tested in
`test_neuron_<name>.py` and its kin; here is what all must share.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    ConfigError,
    NeuromodulationSystem,
    Simulation,
    _core,
    create_neuromodulation_system,
)

NEURONS = _core.neuron_models()
RULES = _core.plasticity_rules()
MODULATORS = _core.modulators()
DOMAINS = {  # name -> a value inside, values outside; NaN and the infinities lie outside all of them
    "NM_ANY": (-3.0, []),
    "NM_POSITIVE": (3.0, [0.0, -3.0]),
    "NM_NON_NEGATIVE": (0.0, [-3.0]),
    "NM_UNIT_INTERVAL": (0.5, [-0.25, 1.25]),
    "NM_WORD": (1.0, [-1.0, 0.5]),
}
NOT_FINITE = [math.nan, math.inf, -math.inf]
CHUNK = 512  # NM_CHUNK: neurons or synapses in one call of a hook

ORDERS = [(name, *order) for name, model in NEURONS.items() for order in model["greater_than"]]

every_neuron = pytest.mark.parametrize("name", NEURONS)
every_neuron_with_parameters = pytest.mark.parametrize("name", [n for n, m in NEURONS.items() if m["params"]])
every_rule = pytest.mark.parametrize("name", RULES)
every_modulator = pytest.mark.parametrize("name", MODULATORS)


def all_fields() -> list[tuple[str, str, dict[str, Any]]]:
    """(kind.model.table, field name, field) of every table of every model."""
    return [
        (f"{kind}.{name}.{table}", key, field)
        for kind, models, tables in (
            ("neuron", NEURONS, ("params", "state")),
            ("plasticity", RULES, ("params", "state")),
            ("modulator", MODULATORS, ("params", "inputs")),
        )
        for name, model in models.items()
        for table in tables
        for key, field in model[table].items()
    ]


def bad_params(models: dict[str, Any]) -> list[tuple[str, str, float]]:
    return [
        (name, param, value)
        for name, model in models.items()
        for param, field in model["params"].items()
        for value in [*DOMAINS[field["domain"]][1], *NOT_FINITE]
    ]


# ---- tables -------------------------------------------------------------------------------------------------


def test_there_are_models() -> None:
    assert NEURONS
    assert RULES
    assert MODULATORS


@pytest.mark.parametrize(
    ("kind", "name", "model"),
    [
        (kind, name, model)
        for kind, models in (("neuron", NEURONS), ("plasticity", RULES), ("modulator", MODULATORS))
        for name, model in models.items()
    ],
)
def test_title_and_reference_are_given(kind: str, name: str, model: dict[str, Any]) -> None:
    assert model["title"][0].isupper(), f"{kind} {name}"
    assert not model["title"].endswith(".")
    assert (
        any(character.isdigit() for character in model["reference"]) or "none" in model["reference"].lower()
    )


@pytest.mark.parametrize(("table", "key", "field"), all_fields())
def test_field_is_complete_and_its_default_lies_in_its_domain(
    table: str, key: str, field: dict[str, Any]
) -> None:
    assert key.isidentifier(), table
    assert key == key.lower()
    assert field["unit"], "a pure number has the unit '1'"
    assert field["doc"].endswith("."), "one sentence"
    assert field["doc"][0].isupper()
    assert _core.domain_holds(field["domain"], _core.field_number(field, field["default"]))
    assert ("words" in field) is (field["domain"] == "NM_WORD")
    if "words" in field:
        assert "params" in table, "state variables and inputs are numbers"
        assert len(set(field["words"])) == len(field["words"]) >= 2
        assert all(word.isidentifier() and word == word.lower() for word in field["words"])


@pytest.mark.parametrize(("name", "greater", "lesser"), ORDERS)
def test_default_parameters_stand_in_order(name: str, greater: str, lesser: str) -> None:
    params = NEURONS[name]["params"]
    assert params[greater]["default"] > params[lesser]["default"]


def test_a_model_with_a_potential_has_parameters_in_order() -> None:
    assert {name for name, *_ in ORDERS} == {
        n for n, about in NEURONS.items() if "v_membrane" in about["state"]
    }


@pytest.mark.parametrize("domain", DOMAINS)
def test_domain_holds_what_it_says(domain: str) -> None:
    inside, outside = DOMAINS[domain]
    assert _core.domain_holds(domain, inside)
    assert not any(_core.domain_holds(domain, value) for value in [*outside, *NOT_FINITE])
    assert _core.domain_phrase(domain)


# ---- neuron models ------------------------------------------------------------------------------------------


def network(
    name: str, n: int, *, seed: int = 5, params: dict[str, float] | None = None, rule: Any = "none"
) -> Simulation:
    """n neurons of one model in one area, unconnected, without background drive; sources fire every seventh step."""
    config = {
        "lattice_shape": [n, 1, 1, 1],
        "areas": [{"name": "A", "coord_ranges": {"x": [0, n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}],
        "plasticity": {"rule": rule} if isinstance(rule, str) else rule,
    }
    sim = Simulation(BrainModel(config=config), seed=seed)
    ids = sim.initialize_neurons(["A"], model=name, params=params)
    if name == "spike_source":
        sim.set_spike_times(ids, [[float(step) for step in range(1 + int(i) % 7, 60, 7)] for i in ids])
    return sim


def state_of(sim: Simulation, name: str, first: int = 0, last: int | None = None) -> dict[str, np.ndarray]:
    """Copies of the state columns and the spike times of the neurons [first, last)."""
    columns = {key: getattr(sim.model.neurons, key) for key in NEURONS[name]["state"] if key != "v_membrane"}
    if "v_membrane" in NEURONS[name]["state"]:
        columns["v_membrane"] = sim.model.neurons.v_membrane
    columns["last_spike_time"] = sim.model.neurons.last_spike_time
    columns["spike_count"] = sim.model.neurons.spike_count
    return {key: np.array(column[first:last]) for key, column in columns.items()}


def assert_same_bits(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for key in a:
        assert a[key].tobytes() == b[key].tobytes(), (
            f"{key} differs first at {np.flatnonzero(a[key] != b[key])[:1]}"
        )


def noise(name: str, steps: int, n: int, scale: float = 25.0) -> np.ndarray:
    """Currents at which every model that listens fires: of 20 mV on average, or 1,200 pA for adex and its kin."""
    unit = 60.0 if name.startswith("adex") else 1.0
    return unit * np.random.default_rng(3).normal(20.0, scale, (steps, n))


@every_neuron
def test_no_neurons_is_no_error(name: str) -> None:
    sim = network(name, 4, params=None)
    empty = Simulation(BrainModel(config=sim.model.config), seed=1)
    assert len(empty.initialize_neurons(["A"], density=0.0, model=name)) == 0
    assert empty.run(3)["mean_rate"] == 0.0
    assert len(empty.step()["spikes"]) == 0


@every_neuron
def test_three_chunks_are_as_good_as_one(name: str) -> None:
    n, steps = 2 * CHUNK + 77, 60
    currents = noise(name, steps, n)
    small, large = network(name, 100), network(name, n)
    small.run(steps, input=currents[:, :100])
    large.run(steps, input=currents)
    assert_same_bits(state_of(small, name), state_of(large, name, 0, 100))
    assert small.model.neurons.spike_count.sum() > 0


@every_neuron_with_parameters
def test_neurons_with_own_parameters_change_nothing_for_the_others(name: str) -> None:
    """A chunk of equal parameters takes another path (stride 0) than one of different ones (stride 1)."""
    n, steps = 40, 60
    equal, one_differs = network(name, n), network(name, n)
    param = next(iter(NEURONS[name]["params"]))
    one_differs.model.neurons[n - 1].params[param] = equal.model.neurons[n - 1].params[param] * 1.01 + 0.01
    for sim in (equal, one_differs):
        sim.run(steps, input=noise(name, steps, n))
    assert_same_bits(state_of(equal, name, 0, n - 1), state_of(one_differs, name, 0, n - 1))
    assert equal.model.neurons.spike_count.sum() > 0


@every_neuron
def test_another_model_beside_it_is_not_written(name: str) -> None:
    other = next(model for model in NEURONS if model != name)
    config = {
        "lattice_shape": [30, 1, 1, 1],
        "areas": [
            {"name": label, "coord_ranges": {"x": x, "y": [0, 0], "z": [0, 0], "w": [0, 0]}, "model": model}
            for label, x, model in (("A", [0, 9], other), ("B", [10, 19], name), ("C", [20, 29], other))
        ],
        "plasticity": {"rule": "none"},
    }
    sim = Simulation(BrainModel(config=config), seed=5)
    sim.initialize_neurons()
    steps = 60
    sim.run(steps, input=noise(other, steps, 30))
    alone = network(other, 30)
    alone.run(steps, input=noise(other, steps, 30))
    for first, last in ((0, 10), (20, 30)):
        assert_same_bits(state_of(sim, other, first, last), state_of(alone, other, first, last))
    for key in set(NEURONS[other]["state"]) - set(NEURONS[name]["state"]):
        assert np.isnan(getattr(sim.model.neurons, key)[10:20]).all(), f"{name} wrote {key}"


@every_neuron
def test_state_stays_finite_under_strong_noise(name: str) -> None:
    sim = network(name, 20)
    sim.run(10_000, input=noise(name, 10_000, 20, scale=200.0))
    state = state_of(sim, name)
    assert (state["spike_count"] > 0).all(), "silence stays finite, too"
    for key, column in state.items():
        assert np.isfinite(column).all(), key


@pytest.mark.parametrize(("name", "param", "value"), bad_params(NEURONS))
def test_bad_neuron_parameter_is_refused_with_its_path(name: str, param: str, value: float) -> None:
    config = network("lif", 2).model.config | {
        "neuron_model": {"type": name, "params_default": {param: value}}
    }
    with pytest.raises(ConfigError, match=rf"neuron_model\.params_default\.{param}: must be .*; got"):
        BrainModel(config=config)
    with pytest.raises(ConfigError, match=rf"{param}: must be .*; got"):
        network(name, 2, params={param: value})


@pytest.mark.parametrize(("name", "param", "value"), bad_params(NEURONS))
def test_bad_neuron_parameter_set_later_is_refused_before_the_step(
    name: str, param: str, value: float
) -> None:
    sim = network(name, 3)

    def set_and_step() -> None:  # either may refuse
        sim.model.neurons[1].params[param] = value
        sim.step()

    with pytest.raises(ValueError, match=rf"{param}: must be "):
        set_and_step()
    assert sim.current_step == 0


@pytest.mark.parametrize(("name", "greater", "lesser"), ORDERS)
def test_parameters_in_the_wrong_order_are_refused(name: str, greater: str, lesser: str) -> None:
    bad = {greater: NEURONS[name]["params"][lesser]["default"] - 1.0}
    with pytest.raises(ConfigError, match=rf"{greater}.*{lesser}"):
        network(name, 2, params=bad)


@every_neuron
def test_round_trip_in_the_middle_of_a_run(name: str) -> None:
    sim = network(name, 30)
    sim.run(25, input=noise(name, 25, 30))
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    for each in (sim, again):
        each.run(25, input=noise(name, 25, 30))
    assert again.digest() == sim.digest()


@every_neuron_with_parameters
def test_every_parameter_is_a_live_column_and_a_mapping_entry(name: str) -> None:
    sim = network(name, 3)
    for param, field in NEURONS[name]["params"].items():
        params, column = sim.model.neurons[1].params, getattr(sim.model.neurons, param)
        assert params[param] == params.get(param) == field["default"]
        if "words" in field:
            params[param] = field["words"][-1]
        else:
            params[param] = field["default"] + 0.25 * (field["domain"] != "NM_UNIT_INTERVAL")
        assert column[1] == _core.field_number(field, params[param])
        assert column[0] == _core.field_number(field, field["default"])


# ---- plasticity rules ---------------------------------------------------------------------------------------

BOUNDS = {"weight_min": 0.2, "weight_max": 0.7}


def plastic_network(name: str, n_targets: int, section: dict[str, Any] | None = None) -> Simulation:
    """Two exact sources, each connected to all of n_targets targets; dopamine stays above its baseline. Targets are
    exact, too; under a rule that reads their potential they are neurons that one exact driver each makes fire."""
    driven = bool(RULES[name]["post_columns"])
    n = n_targets + 2
    areas = [("S", 0, 2, "spike_source"), ("T", 2, n_targets, "adex_clopath" if driven else "spike_source")]
    areas += [("D", n, n_targets, "spike_source")] * driven
    config = {
        "lattice_shape": [n + n_targets, 1, 1, 1],
        "areas": [
            {
                "name": area,
                "coord_ranges": {"x": [first, first + size - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
                "model": model,
            }
            for area, first, size, model in areas
        ],
        "plasticity": {"rule": name, **BOUNDS, **(section or {})},
    }
    system = create_neuromodulation_system({"dopamine": {"decay_rate": 0.0}})
    system.dopamine.state.level = 0.9
    sim = Simulation(BrainModel(config=config), seed=5, neuromodulation=system)
    sim.initialize_neurons()
    pairs = [(pre, post) for pre in (0, 1) for post in range(2, n)]
    sim.connect("S", "T", pairs=pairs, weight=0.5, delay=2, synapse_type="excitatory", name="P")
    if driven:
        own = [(k + n_targets, k) for k in range(2, n)]
        sim.connect("D", "T", pairs=own, weight=200.0, synapse_type="excitatory", rule="none", name="drive")
    times, rng = [], np.random.default_rng(11)
    # The trains of the first neurons are the same, however many follow. At most 30 spikes each: a neuron whose
    # 32 (NM_SPIKES) last ones have not been seen makes its whole part be brought up to date, which rounds weights.
    for _ in range(n):
        times.append((np.flatnonzero(rng.random(200) < 0.1) + 1.0)[:30])
    sim.set_spike_times(exact_neurons(sim), times)
    return sim


# Of a rule without a learning rate: parameters by which weights meet their bounds within 200 steps.
SWIFT = {"graupner_brunel": {"tau": 4100.0, "sigma": 5.0}}


def exact_neurons(sim: Simulation) -> np.ndarray:
    """Ids of the sources, and of the targets or their drivers."""
    name = "drive" if "drive" in sim.projections else "P"
    projection = sim.projections[name]
    return np.concatenate([[0, 1], projection.pre_id if name == "drive" else np.unique(projection.post_id)])


SPEED = {"clopath": 1000.0}  # rules whose learning rate of 1 is slow


def learning_section(name: str, learning_rate: float = 0.02) -> dict[str, Any]:
    """A learning rate that moves weights visibly within 200 steps, under whatever name the rule has for it."""
    if name in SWIFT:
        return SWIFT[name]
    rate = learning_rate * SPEED.get(name, 1.0)
    return {"learning_rate": rate} if "learning_rate" in RULES[name]["params"] else {}


@every_rule
def test_rule_learns_within_its_bounds(name: str) -> None:
    sim = plastic_network(name, 40, learning_section(name, 5.0))
    sim.run(200)
    weight, low, high = sim.projections["P"].weight, *np.float32([BOUNDS["weight_min"], BOUNDS["weight_max"]])
    assert np.isin(weight, [low, high]).any(), "no bound was met: this test would check nothing"
    assert weight.min() >= low
    assert weight.max() <= high


@every_rule
def test_rule_does_nothing_where_nothing_fires(name: str) -> None:
    sim = plastic_network(name, 40, learning_section(name))
    sim.set_spike_times(exact_neurons(sim), [[] for _ in range(42)])
    rest = np.float32(
        BOUNDS["weight_min"] if RULES[name]["advance"] else 0.5
    )  # weights that move rest at a bound
    sim.projections["P"].weight[:] = rest
    sim.run(50)
    assert (sim.projections["P"].weight == rest).all()


@every_rule
def test_three_chunks_of_synapses_are_as_good_as_one(name: str) -> None:
    section = dict(learning_section(name))
    if "sigma" in RULES[name]["params"]:
        section["sigma"] = 0.0  # noise is drawn by a synapse's place in its projection
    few, many = (plastic_network(name, n, section) for n in (100, 2 * CHUNK + 77))
    for sim in (few, many):
        sim.run(200)
    for source in (0, 1):
        a, b = (
            np.array([s.weight for s in sim.model.get_synapses_for_neuron(source)][:100])
            for sim in (few, many)
        )
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(("name", "param", "value"), bad_params(RULES))
def test_bad_rule_parameter_is_refused_with_its_path(name: str, param: str, value: float) -> None:
    config = network("lif", 2).model.config | {"plasticity": {"rule": name, param: value}}
    with pytest.raises(ConfigError, match=rf"plasticity\.{param}: must be .*; got"):
        BrainModel(config=config)


@every_rule
def test_rule_round_trip_in_the_middle_of_a_run(name: str) -> None:
    sim = plastic_network(name, 30, learning_section(name))
    sim.run(90)
    again = Simulation.from_dict(json.loads(json.dumps(sim.to_dict())))
    assert again.digest() == sim.digest()
    for each in (sim, again):
        each.run(90)
    assert again.digest() == sim.digest()
    assert again.projections["P"].weight.tobytes() == sim.projections["P"].weight.tobytes()


# ---- modulators ---------------------------------------------------------------------------------------------

COMMON = ["baseline", "decay_rate", "sensitivity", "<strength>"]
SHAPE = {"linear": [], "power": ["exponent"], "hill": ["ec50", "n"], "inverted_u": ["peak", "width"]}


def system_with(name: str) -> NeuromodulationSystem:
    return create_neuromodulation_system({name: {}})


@every_modulator
def test_modulator_begins_with_the_common_parameters(name: str) -> None:
    given = list(MODULATORS[name]["params"])
    wanted = [*COMMON, *SHAPE[MODULATORS[name]["response"]]]
    assert len(given) >= len(wanted)
    assert all(want in (have, "<strength>") for want, have in zip(wanted, given, strict=False)), given
    assert MODULATORS[name]["targets"]
    assert set(MODULATORS[name]["targets"]) <= set(_core.target_names())
    assert 1 <= len(MODULATORS[name]["inputs"]) <= 4  # NM_MAX_EVENT


@every_modulator
def test_optional_modulator_is_there_only_where_it_is_named(name: str) -> None:
    assert (name in NeuromodulationSystem().names) is not MODULATORS[name]["optional"]
    assert name in system_with(name).names


@every_modulator
def test_modulator_is_an_attribute_of_the_system_and_decays_to_its_baseline(name: str) -> None:
    system = system_with(name)
    state = getattr(system, name).state
    baseline = MODULATORS[name]["params"]["baseline"]["default"]
    rate = MODULATORS[name]["params"]["decay_rate"]["default"]
    assert state.level == system.get_state()[name] == baseline
    state.level = 1.0
    for k in range(1, 4):
        system.step()
        assert system.get_state()[name] == pytest.approx(
            baseline + (1.0 - baseline) * (1.0 - rate) ** k, rel=1e-14
        )


@pytest.mark.parametrize(("name", "param", "value"), bad_params(MODULATORS))
def test_bad_modulator_parameter_is_refused_with_its_path(name: str, param: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{name}\.{param}: must be .*; got"):
        create_neuromodulation_system({name: {param: value}})


@pytest.mark.parametrize("value", [-0.1, 1.1, *NOT_FINITE])
@every_modulator
def test_bad_level_is_refused_and_changes_nothing(name: str, value: float) -> None:
    state = getattr(system_with(name), name).state
    before = state.level
    with pytest.raises(ValueError, match=r"level: must be "):
        state.level = value
    assert state.level == before


@pytest.mark.parametrize(
    ("name", "event", "value"),
    [
        (name, event, value)
        for name, model in MODULATORS.items()
        for event, field in model["inputs"].items()
        for value in [*DOMAINS[field["domain"]][1], *NOT_FINITE]
    ],
)
def test_bad_event_is_refused_and_changes_nothing(name: str, event: str, value: float) -> None:
    modulator = getattr(system_with(name), name)
    modulator.state.level = 0.25
    with pytest.raises(ValueError, match=rf"{event}: must be "):
        modulator.update(**dict.fromkeys(MODULATORS[name]["inputs"], 0.0) | {event: value})
    assert modulator.state.level == 0.25


@every_modulator
def test_level_stays_in_its_interval_under_any_event(name: str) -> None:
    modulator = getattr(system_with(name), name)
    for size in (0.0, 1e-300, 1.0, 1e6, 1e300):
        for event in MODULATORS[name]["inputs"]:
            modulator.update(**dict.fromkeys(MODULATORS[name]["inputs"], 0.0) | {event: size})
            assert 0.0 <= modulator.state.level <= 1.0


@every_modulator
def test_event_of_zeros_sets_the_baseline(name: str) -> None:
    modulator = getattr(system_with(name), name)
    modulator.state.level = 1.0
    modulator.update(**dict.fromkeys(MODULATORS[name]["inputs"], 0.0))
    assert modulator.state.level == MODULATORS[name]["params"]["baseline"]["default"]
