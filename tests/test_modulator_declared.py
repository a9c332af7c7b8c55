"""Modulators that stand in the configuration alone, and receptor densities."""

from __future__ import annotations

import copy
import inspect
import json
import math
from typing import Any

import numpy as np
import pytest
from config_samples import problems_of
from oracle_modulators import RESPONSES, effect

from neuromod import (
    BrainModel,
    ConfigError,
    NeuromodulationSystem,
    Simulation,
    _core,
    create_neuromodulation_system,
)
from neuromod.config import check_neuromodulation, json_schema
from neuromod.config.modulators import MAX_MODULATORS, RESERVED

TARGETS = _core.target_names()
SHAPES: dict[str, list[dict[str, float]]] = {  # several of each response, besides its defaults
    "linear": [{"strength": 2.0}, {"strength": -3.0}],
    "power": [{"strength": 0.5, "exponent": 2.5}, {"strength": 1.0, "exponent": 0.0}],
    "hill": [{"strength": 1.5, "ec50": 0.3, "n": 4.0}, {"strength": -0.8, "ec50": 0.9, "n": 0.7}],
    "inverted_u": [{"strength": 2.0, "peak": 0.25, "width": 0.1}, {"peak": 1.0, "width": 3.0}],
}
CASES = [(kind, params) for kind, several in SHAPES.items() for params in [{}, *several]]


def complete(kind: str, params: dict[str, float]) -> dict[str, dict[str, float]]:
    table = _core.responses()[kind]["params"]
    common = ("baseline", "decay_rate", "sensitivity")
    return {kind: {name: field["default"] for name, field in table.items() if name not in common} | params}


def declared(**about: Any) -> NeuromodulationSystem:
    return create_neuromodulation_system({"own": {"response": {"linear": {}}, "targets": ["gain"], **about}})


# ---- responses and targets ---------------------------------------------------------------------------------


def test_the_core_has_the_responses_and_targets_that_are_promised() -> None:
    assert list(_core.responses()) == list(RESPONSES)
    assert {"learning_rate", "ltp", "ltd", "threshold", "gain", "noise", "tau_c"} <= set(TARGETS)


@pytest.mark.parametrize("offset", [1.0, 0.0, -0.25])
@pytest.mark.parametrize(("kind", "params"), CASES)
def test_factor_of_every_target_is_that_of_the_oracle(
    kind: str, params: dict[str, float], offset: float
) -> None:
    system = declared(response={kind: params}, targets=list(TARGETS), offset=offset)
    response = complete(kind, params)
    for level in (0.0, 1e-300, 0.01, 0.3, 0.5, 0.77, 1.0):
        system.own.state.level = level
        for target in TARGETS:
            expected = effect(response, level, target, offset)
            assert system.own.factor(target=target) == pytest.approx(expected, rel=1e-14, abs=1e-15)
    assert system.own.targets == TARGETS
    assert system.own.offset == offset


@pytest.mark.parametrize(
    "params", [{"ec50": 1e-320}, {"ec50": 1e-200, "n": 3.0}, {"ec50": 1e300, "n": 400.0}, {"n": 1e-300}]
)
def test_hill_curve_stays_finite_at_the_ends_of_its_parameters(params: dict[str, float]) -> None:
    system = declared(response={"hill": params})
    for level in (0.0, 1e-310, 1e-3, 1.0):
        system.own.state.level = level
        assert 1.0 <= system.own.factor() <= 2.0


def test_several_modulators_on_one_target_multiply_and_rises_add() -> None:
    both = {
        "response": {"linear": {"strength": 0.5}},
        "targets": ["gain", "threshold", "learning_rate", "tau_c"],
    }
    system = create_neuromodulation_system({"one": both, "two": both})
    system.one.state.level, system.two.state.level = 0.4, 0.8
    system.dopamine.state.level = 0.7
    model = BrainModel(config=two_areas())
    sim = Simulation(model, seed=1, neuromodulation=system)
    sim.step()
    system.level[:] = [[0.7, 0.5, 0.5, 0.4, 0.8]]
    factors = sim._session.bound().effects().factors(0)
    assert factors == pytest.approx(
        {
            **dict.fromkeys(TARGETS, 1.0),
            "learning_rate": 1.4 * 1.2 * 1.4,
            "threshold": 0.156 * 0.25 + 0.2 + 0.4,
            "gain": (1.0 + 2.22 * 0.25) * 1.2 * 1.4,
            "tau_c": 1.2 * 1.4,
        },
        rel=1e-14,
    )
    assert system.modulate_learning(0.5) == pytest.approx(0.5 * factors["learning_rate"], rel=1e-15)
    amplified, raised = system.modulate_neuron_update(sim.model.add_neuron(0, 0, 0, 0), 2.0, -50.0)
    assert amplified == pytest.approx(2.0 * factors["gain"], rel=1e-15)
    assert raised == pytest.approx(-50.0 + 50.0 * factors["threshold"], rel=1e-15)


def test_system_without_neurons_to_act_on_is_neutral() -> None:
    system = declared(targets=["gain"])
    assert system.modulate_learning(0.25) == 0.25 * 2.0 * 0.5  # dopamine alone
    off = create_neuromodulation_system(
        {"enabled": False, "own": {"response": {"linear": {}}, "targets": ["gain", "threshold"]}}
    )
    off.own.update(1.0)
    assert off.own.state.level == 1.0
    assert (off.own.factor(), off.own.factor(target="threshold"), off.own.modulate(3.0)) == (1.0, 0.0, 3.0)


# ---- events ------------------------------------------------------------------------------------------------


def test_event_of_a_declared_modulator_sets_its_level_from_its_baseline() -> None:
    system = declared(baseline=0.25, sensitivity=0.5)
    system.event("own", 0.5)
    assert system.own.state.level == 0.5
    system.own.update(1.0)
    system.own.update(amount=-0.25)
    assert system.own.state.level == 0.125
    system.own.sensitivity = -1.0
    system.event("own", amount=0.125)
    assert system.own.state.level == 0.125
    assert system.get_state()["own"] == 0.125
    for wrong in ((1.0, 2.0), ()):
        with pytest.raises(TypeError, match=r"^own\.update: takes amount, each once; got "):
            system.own.update(*wrong, **({} if wrong else {"amout": 1.0}))
    with pytest.raises(TypeError, match=r"each once; got 1\.0, amount$"):
        system.own.update(1.0, amount=1.0)
    with pytest.raises(ValueError, match=r"^amount: must be finite; got nan$"):
        system.event("own", math.nan)
    with pytest.raises(ValueError, match=r"^name: must be one of dopamine, .*own; got 'other'$"):
        system.event("other", 1.0)
    assert system.own.state.level == 0.125


def test_parameters_of_a_declared_modulator_are_attributes_in_their_domains() -> None:
    system = declared(response={"hill": {"ec50": 0.4}}, tau=50)
    assert (system.own.strength, system.own.ec50, system.own.n, system.own.state.tau) == (1.0, 0.4, 2.0, 50.0)
    system.own.n = 3.0
    assert system.own.factor() == pytest.approx(1.0 + 0.125 / (0.064 + 0.125), rel=1e-15)
    with pytest.raises(ValueError, match=r"^own\.ec50: must be > 0; got 0\.0$"):
        system.own.ec50 = 0.0
    with pytest.raises(ValueError, match=r"^target: must be one of gain; got 'noise'$"):
        system.own.factor(target="noise")
    assert repr(system.own) == "OwnSystem(level=0.5, baseline=0.5, tau=50 ms)"


# ---- receptors: zones --------------------------------------------------------------------------------------


def two_areas(neuromodulation: Any = None, **receptors: dict[str, float]) -> dict[str, Any]:
    """Areas A and B of four sites each, in one region; `receptors` by area."""
    areas = [
        {
            "name": name,
            "coord_ranges": {"x": [4 * k, 4 * k + 3], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
            **({"receptors": receptors[name]} if name in receptors else {}),
        }
        for k, name in enumerate("AB")
    ]
    return {"lattice_shape": [8, 1, 1, 1], "areas": areas, "neuromodulation": neuromodulation or {}}


def test_receptor_density_scales_gain_and_rise_of_its_area() -> None:
    """One step of the exact LIF neuron from rest: 30 mV times gain, times 1 - exp(-1 / 20)."""
    densities = {"norepinephrine": 0.25, "serotonin": 2.0}
    sim = Simulation(
        BrainModel(config=two_areas(B=densities)), seed=1, neuromodulation=create_neuromodulation_system()
    )
    ids = sim.initialize_neurons()
    sim.model.neurons.external_input = 30.0
    sim.step()
    gain = 1.0 + 2.22 * 0.25
    gains = np.repeat([gain, 1.0 + 0.25 * (gain - 1.0)], 4)
    rise = 0.156 * 0.25
    np.testing.assert_allclose(
        sim.model.neurons.v_membrane, -65.0 + 30.0 * gains * -math.expm1(-1.0 / 20.0), rtol=1e-14
    )
    system = sim.neuromodulation
    for neuron, (amplified, raised) in {
        sim.model.neurons[ids[0]]: (gain, rise),
        sim.model.neurons[ids[4]]: (1.0 + 0.25 * (gain - 1.0), 2.0 * rise),
    }.items():
        assert dict(neuron.receptors) == (densities if neuron.id == ids[4] else {})
        system.level[:] = 0.5
        got = system.modulate_neuron_update(neuron, 1.0, -50.0)
        assert got == pytest.approx((amplified, -50.0 + 50.0 * raised), rel=1e-14)
    # the threshold of B, raised by 2 * 3.9 %, is -46.1 mV: a neuron at -47 mV fires in A (-48.05 mV) and not in B
    system.level[:] = 0.5
    sim.model.neurons.v_membrane = -47.0
    sim.model.neurons.external_input = 18.0 / gains
    assert sim.step()["spikes"].tolist() == ids[:4].tolist()


def test_area_without_dopamine_receptors_learns_as_if_there_were_no_dopamine() -> None:
    config = two_areas(A={"dopamine": 0.0}, B={"dopamine": 1.0})
    config["plasticity"] = {"rule": "hebbian", "learning_rate": 0.01, "weight_min": -10.0, "weight_max": 10.0}
    system = create_neuromodulation_system({"dopamine": {"decay_rate": 0.0}})
    system.dopamine.state.level = 0.9
    sim = Simulation(BrainModel(config=config), seed=1, neuromodulation=system)
    sim.initialize_neurons(model="spike_source")
    projection = sim.connect([0], [1, 5], pairs=[[0, 1], [0, 5]], weight=1.0, synapse_type="excitatory")
    sim.set_spike_times([0, 1, 5], [1.0, 2.0, 2.0])
    sim.run(3)
    change = projection.weight - 1.0
    assert change == pytest.approx([0.01, 0.018], abs=1e-7)  # float32 weights


def test_density_scales_the_signal_of_eligibility_traces() -> None:
    levels = create_neuromodulation_system({"dopamine": {"tau": 200}})._levels
    levels.level[0, 0] = 0.9
    zones = [("global", {}), ("global", {"dopamine": 0.25}), ("global", {"dopamine": 0.0, "serotonin": 3.0})]
    lent = _core.LentLevels(levels, zones, [])
    for subtract in (1.0, 0.3, 0.0):
        full = levels.signal(0, subtract, 1.0, 1000.0)
        assert [lent.signal(zone, subtract, 1.0, 1000.0) for zone in range(3)] == [full, 0.25 * full, 0.0]


def test_neurons_that_stand_alone_have_no_region_and_all_receptors() -> None:
    from neuromod import Neuron

    neuron = Neuron(id=0)
    assert (neuron.region_name, dict(neuron.receptors)) == (None, {})
    system = NeuromodulationSystem(["a", "b"])
    system.norepinephrine.state.level = np.array([0.0, 1.0])
    assert system.modulate_neuron_update(neuron, 1.0, 1.0)[0] == 1.0
    config = two_areas()
    for area, region in zip(config["areas"], "ba", strict=True):
        area["region"] = region
    model = BrainModel(config=config)
    first, second = model.add_neuron(0, 0, 0, 0), model.add_neuron(4, 0, 0, 0)
    assert (first.region_name, second.region_name) == (
        "b",
        "a",
    )  # rows 0 and 1 of the model's, 1 and 0 of the system's
    gains = [system.modulate_neuron_update(neuron, 1.0, 1.0)[0] for neuron in (first, second)]
    assert gains == pytest.approx([3.22, 1.0], rel=1e-15)
    with pytest.raises(ValueError, match=r"^neuron: must lie in one of the regions x, y; got 'b'$"):
        NeuromodulationSystem(["x", "y"]).modulate_neuron_update(first, 1.0, 1.0)


# ---- the configuration -------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "baseline": 0.2,
    "tau": 500,
    "sensitivity": -2,
    "offset": 0,
    "response": {"hill": {"strength": 1.5, "ec50": 0.4}},
    "targets": ["gain", "noise"],
    "release": {"areas": ["A"], "amount": 0.01},
}


def test_checked_section_is_complete_and_may_be_given_again() -> None:
    section = check_neuromodulation({"own": GOOD, "acetylcholine": {"tau": 5}})
    assert list(section) == ["enabled", "dopamine", "serotonin", "norepinephrine", "acetylcholine", "own"]
    assert section["own"] == {
        "baseline": 0.2,
        "tau": 500.0,
        "sensitivity": -2.0,
        "offset": 0.0,
        "response": {"hill": {"strength": 1.5, "ec50": 0.4, "n": 2.0}},
        "targets": ["gain", "noise"],
        "release": [{"areas": ["A"], "amount": 0.01, "regions": None}],
    }
    assert check_neuromodulation(section) == section
    system = create_neuromodulation_system(section)
    again = NeuromodulationSystem.from_dict(json.loads(json.dumps(system.to_dict())))
    assert again.to_dict() == system.to_dict()
    assert again.releases == system.releases != ()


MISTAKES: list[tuple[Any, str]] = [  # of the section `own`
    ({**GOOD, "baseline": 1.5}, ".baseline: must be between 0 and 1; got 1.5"),
    ({**GOOD, "baselin": 0.5}, ".baselin: unknown key; did you mean 'baseline'?"),
    ({**GOOD, "relaese": {}}, ".relaese: unknown key; did you mean 'release'?"),
    ({**GOOD, "decay_rate": 0.1}, ": must have decay_rate or tau, not both; got 0.1 and 500 ms"),
    ({**GOOD, "tau": 0}, ".tau: must be > 0 ms; got 0"),
    ({**GOOD, "offset": math.inf}, ".offset: must be finite; got inf"),
    ({**GOOD, "sensitivity": "1"}, ".sensitivity: must be a finite number; got '1'"),
    ({"targets": ["gain"]}, ".response: is required; got nothing"),
    ({"response": {"linear": {}}}, ".targets: is required; got nothing"),
    (
        {**GOOD, "response": {}},
        ".response: must be an object with one of linear, power, hill, inverted_u; got {}",
    ),
    ({**GOOD, "response": {"linear": {}, "hill": {}}}, ".response: must be an object with one of linear, "),
    ({**GOOD, "response": "linear"}, ".response: must be an object with one of linear, "),
    ({**GOOD, "response": {"hil": {}}}, ".response.hil: unknown key; did you mean 'hill'?"),
    ({**GOOD, "response": {"hill": 3}}, ".response.hill: must be an object; got 3"),
    ({**GOOD, "response": {"hill": {"ec50": 0}}}, ".response.hill.ec50: must be > 0; got 0"),
    (
        {**GOOD, "response": {"hill": {"peak": 1}}},
        ".response.hill.peak: unknown key; known are ec50, n, strength",
    ),
    ({**GOOD, "response": {"linear": {"baseline": 0.5}}}, ".response.linear.baseline: unknown key; "),
    ({**GOOD, "targets": []}, ".targets: must be an array of one or more of learning_rate, "),
    ({**GOOD, "targets": "gain"}, ".targets: must be an array of one or more of learning_rate, "),
    ({**GOOD, "targets": ["gian"]}, ".targets[0]: must be a target, one of learning_rate, "),
    ({**GOOD, "targets": ["gain", 3]}, ".targets[1]: must be a target, one of learning_rate, "),
    ({**GOOD, "targets": ["gain", "gain"]}, ".targets[1]: must not stand twice; got 'gain'"),
    ({**GOOD, "release": 3}, ".release: must be an object; got 3"),
    ({**GOOD, "release": {"areas": ["A"]}}, ".release.amount: is required; got nothing"),
    ({**GOOD, "release": [{"areas": [], "amount": 1}]}, ".release[0].areas: must be at least 1 long; got []"),
    ({**GOOD, "release": {"areas": ["A"], "amount": math.nan}}, ".release.amount: must be finite; got nan"),
    (
        {**GOOD, "release": {"areas": ["C"], "amount": 1}},
        ".release.areas[0]: must be the name of an area; got 'C'",
    ),
    (
        {**GOOD, "release": [{"areas": ["A"], "amount": 1, "regions": ["globall"]}]},
        ".release[0].regions[0]: must be a region of an area; got 'globall'; did you mean 'global'?",
    ),
]


@pytest.mark.parametrize(("section", "message"), MISTAKES)
def test_mistake_in_a_declaration_is_named(section: Any, message: str) -> None:
    problems = problems_of(two_areas({"own": section}))
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"neuromodulation.own{message}"), problems[0]


@pytest.mark.parametrize(
    ("neuromodulation", "receptors", "message"),
    [
        (
            {"own": {"baseline": 0.5}},
            {},
            "neuromodulation.own: unknown key; known are .*; one that is declared",
        ),
        ({"own": 0.5}, {}, "neuromodulation.own: unknown key; known are "),
        ({"dopamin": {}}, {}, "neuromodulation.dopamin: unknown key; did you mean 'dopamine'?$"),
        ({"Own": GOOD}, {}, "neuromodulation.Own: must be a name of small letters, digits and _; got 'Own'$"),
        ({"step": GOOD}, {}, "neuromodulation.step: must differ from what a system has; got 'step'$"),
        ({"dopamine": GOOD}, {}, "neuromodulation.dopamine.offset: unknown key; "),
        ({}, {"dopamin": 0.5}, r"areas\[1\].receptors.dopamin: unknown key; did you mean 'dopamine'?$"),
        ({}, {"acetylcholine": 0.5}, r"areas\[1\].receptors.acetylcholine: unknown key; known are "),
        ({}, {"dopamine": -0.5}, r"areas\[1\].receptors.dopamine: must be >= 0; got -0.5$"),
        ({}, {"dopamine": "1"}, r"areas\[1\].receptors.dopamine: must be a number; got '1'$"),
        ({}, 0.5, r"areas\[1\].receptors: must be an object; got 0.5$"),
    ],
)
def test_other_mistakes_are_named(neuromodulation: Any, receptors: Any, message: str) -> None:
    with pytest.raises(ConfigError, match="^" + message.replace("?$", r"\?$")):
        BrainModel(config=two_areas(neuromodulation, B=receptors))


def test_at_most_so_many_modulators() -> None:
    one = {"response": {"linear": {}}, "targets": ["gain"]}
    most = {f"m{k}": one for k in range(MAX_MODULATORS - 3)}
    assert len(create_neuromodulation_system(most).names) == MAX_MODULATORS
    with pytest.raises(ConfigError, match=r"^neuromodulation: must be at most 64 modulators; got 65$"):
        check_neuromodulation({**most, "another": one})


def test_names_that_a_system_has_are_reserved() -> None:
    public = {name for name, _ in inspect.getmembers(NeuromodulationSystem) if not name.startswith("_")}
    assert public == set(RESERVED)


def test_schema_accepts_what_is_good_and_refuses_the_mistakes() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = jsonschema.Draft202012Validator(json_schema())
    good = two_areas({"own": GOOD, "acetylcholine": {"release": [GOOD["release"]]}}, A={"own": 0.5})
    schema.validate(good)
    assert BrainModel(config=good)
    beyond = ("the name of an area", "a region of an area", "must be finite")  # what a schema cannot say
    for section, message in MISTAKES:
        if not any(words in message for words in beyond):
            assert not schema.is_valid(two_areas({"own": section})), message
    for name in ("Own", "step", "o" * 41):
        assert not schema.is_valid(two_areas({name: GOOD}))
    assert not schema.is_valid(two_areas(B={"dopamine": -1}))


def test_a_configuration_is_not_changed_by_its_use() -> None:
    config = two_areas({"own": GOOD}, B={"own": 0.5})
    before = copy.deepcopy(config)
    model = BrainModel(config=config)
    create_neuromodulation_system(model.config["neuromodulation"], regions=model.regions)
    assert config == model.config == before
