"""Which modulators act on a projection's learning, and modulators that are neutral at their baseline."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    ConfigError,
    NeuromodulationSystem,
    NeuromodWarning,
    Simulation,
    create_neuromodulation_system,
)
from neuromod._core import plasticity_rules
from neuromod.modulation import at_rest

RULES = sorted(plasticity_rules())
LINE = {"z": [0, 0], "w": [0, 0]}
TAU_C = {"response": {"linear": {"strength": 2.0}}, "targets": ["tau_c"], "offset": 0.5, "baseline": 0.5}
LEVELS = {"neutral": True, "dopamine": {}, "serotonin": {}, "norepinephrine": {}}


def network(
    rule: str,
    section: dict[str, Any] | None,
    names: Any = None,
    *,
    plasticity: dict[str, Any] | None = None,
    n: int = 60,
    threads: int = 1,
) -> Simulation:
    """Two projections of the same kind onto the same targets: p names its modulators, control does not."""
    areas = [
        {"name": "a", "model": "poisson", "params": {"rate": 60.0}, "neuron_type": "excitatory",
         "coord_ranges": {"x": [0, n - 1], "y": [0, 0], **LINE}},
        {"name": "b", "neuron_type": "excitatory", "drive": {"rate": 1500.0, "weight": 0.8},
         "coord_ranges": {"x": [0, n // 3 - 1], "y": [1, 1], **LINE}, "receptors": {"dopamine": 0.75}},
    ]  # fmt: skip
    config: dict[str, Any] = {"lattice_shape": [n, 2, 1, 1], "areas": areas}
    if plasticity is not None:
        config["plasticity"] = plasticity
    if section is not None:
        config["neuromodulation"] = section
    system = None if section is None else create_neuromodulation_system(section)
    sim = Simulation(BrainModel(config=config), seed=2, neuromodulation=system, threads=threads)
    for name in "ab":
        sim.initialize_neurons([name])
    how: dict[str, Any] = {"in_degree": 20, "weight": {"uniform": [0.1, 0.5]}, "delay": {"uniform": [1, 4]}}
    given = rule if plasticity is None else None
    sim.connect("a", "b", rule=given, name="p", modulators=names, **how)
    sim.connect("a", "b", rule=rule, name="control", **how)
    return sim


def excite(sim: Simulation, name: str) -> None:
    """Move one modulator far from its baseline, again and again, and run."""
    for level in (1.0, 0.0, 0.9):
        if sim.neuromodulation is not None:
            getattr(sim.neuromodulation, name).state.level = level
        sim.run(120)


@pytest.mark.parametrize("rule", RULES)
def test_a_projection_that_dopamine_is_not_to_touch_learns_as_without_it(rule: str) -> None:
    """Its weights are those of a network in which dopamine acts on nothing; the control beside it differs."""
    acting = {"acetylcholine": {"neutral": False}, **LEVELS}
    ends = {}
    for strength in (2.0, 0.0):
        dopamine = {"learning_rate_modulation": strength, "neutral": False}
        sim = network(rule, acting | {"dopamine": dopamine}, ["acetylcholine", "serotonin"])
        sim.projections["control"].weight[:] = 0.0  # the control's spikes move no target
        sim.projections["control"].weight_max = 1e-9
        excite(sim, "dopamine")
        ends[strength] = sim.projections["p"].weight.copy()
    assert np.array_equal(ends[2.0], ends[0.0])


@pytest.mark.parametrize("rule", RULES)
def test_all_modulators_named_is_the_same_as_none_named(rule: str) -> None:
    section = LEVELS | {"acetylcholine": {}, "own": TAU_C}
    sims = [
        network(rule, section, names)
        for names in (None, ["own", "acetylcholine", *["dopamine", "serotonin"]])
    ]
    for sim in sims:
        excite(sim, "acetylcholine")
        excite(sim, "dopamine")
    for name in ("p", "control"):
        assert np.array_equal(*(sim.projections[name].weight for sim in sims))


NAMED = [
    ("rstdp", "own", ["dopamine", "own"], ["dopamine"]),
    ("rstdp", "dopamine", ["dopamine"], ["serotonin"]),
    ("stdp", "dopamine", ["dopamine"], ["serotonin"]),
    ("bcm", "acetylcholine", ["acetylcholine"], ["dopamine"]),
]


@pytest.mark.parametrize(("rule", "moved", "names", "others"), NAMED)
def test_a_modulator_that_is_named_acts_and_one_that_is_not_does_not(
    rule: str, moved: str, names: list[str], others: list[str]
) -> None:
    ends = {}
    for acting, level in ((True, 0.95), (True, 0.5), (False, 0.95), (False, 0.5)):
        section = LEVELS | {"acetylcholine": {}, "own": TAU_C}
        sim = network(rule, section, names if acting else others)
        sim.projections["control"].learning = False
        for _ in range(3):
            sim.neuromodulation.dopamine.state.level = 0.8
            getattr(sim.neuromodulation, moved).state.level = level
            sim.run(60)
        ends[acting, level] = sim.projections["p"].weight.copy()
    assert not np.array_equal(ends[True, 0.95], ends[True, 0.5])
    assert np.array_equal(ends[False, 0.95], ends[False, 0.5])


def test_an_empty_list_is_a_control_without_any_modulator() -> None:
    """stdp: as without a system. rstdp: nothing is learned."""
    bare, sim = network("stdp", None), network("stdp", LEVELS | {"acetylcholine": {}}, [])
    sim.projections["control"].modulators = ()
    for one in (bare, sim):
        excite(one, "dopamine")
    for name in ("p", "control"):
        assert np.array_equal(bare.projections[name].weight, sim.projections[name].weight)
    sim = network("rstdp", LEVELS, [])
    before = sim.projections["p"].weight.copy()
    excite(sim, "dopamine")
    assert np.array_equal(sim.projections["p"].weight, before)
    assert not np.array_equal(sim.projections["control"].weight, before)


@pytest.mark.parametrize("rule", ["stdp", "rstdp", "hebbian"])
def test_names_are_kept_by_copies_and_saved_states_and_work_for_any_threads(rule: str) -> None:
    digests = set()
    for threads in (1, 2):
        sim = network(rule, LEVELS | {"acetylcholine": {}}, ["acetylcholine"], n=6000, threads=threads)
        sim.run(50)
        again, twin = Simulation.from_dict(json.loads(json.dumps(sim.to_dict()))), sim.copy()
        for one in (sim, again, twin):
            assert one.projections["p"].modulators == ("acetylcholine",)
            one.neuromodulation.dopamine.state.level = 1.0
            one.run(50)
            digests.add(one.digest())
    assert len(digests) == 1


def test_a_configuration_and_a_rule_may_name_them() -> None:
    sim = network("stdp", LEVELS, plasticity={"rule": "stdp", "modulators": ["serotonin"]})
    assert sim.projections["p"].modulators == ("serotonin",)
    assert sim.projections["control"].modulators == ("serotonin",)
    p = sim.connect("a", "b", in_degree=1, weight=0.1, rule={"rule": "stdp", "modulators": []}, name="q")
    assert p.modulators == ()
    assert sim.connect("a", "b", in_degree=1, weight=0.1, rule={"rule": "stdp"}, name="r").modulators is None
    p = sim.connect("a", "b", in_degree=1, weight=0.1, modulators=["dopamine"], name="s")
    assert p.modulators == ("dopamine",)
    areas = sim.model.config["areas"]
    for names, message in (
        (["dopamin"], r"plasticity.modulators\[0\]: must be a modulator; got 'dopamin'.*'dopamine'"),
        ("dopamine", "plasticity.modulators: must be an array of names"),
        (["dopamine"] * 2, r"plasticity.modulators\[1\]: must not stand twice"),
    ):
        plasticity = {"rule": "stdp", "modulators": names}
        with pytest.raises(ConfigError, match=message):
            BrainModel(config={"lattice_shape": [60, 2, 1, 1], "areas": areas, "plasticity": plasticity})
    BrainModel(
        config={
            "lattice_shape": [60, 2, 1, 1],
            "areas": areas,
            "neuromodulation": {"own": TAU_C},
            "plasticity": {"rule": "stdp", "modulators": ["own"]},
        }
    )


def test_unknown_names_are_refused_and_nothing_is_added() -> None:
    sim = network("stdp", LEVELS, ["dopamine"])
    how: dict[str, Any] = {"in_degree": 1, "weight": 0.1}
    before = sim.digest()
    for names, error in ((["dopamin"], ValueError), ("dopamine", TypeError), (["acetylcholine"], ValueError)):
        with pytest.raises(error, match="modulators: must be"):
            sim.connect("a", "b", modulators=names, **how)
        with pytest.raises(ValueError, match="modulators: must be"):
            sim.connect("a", "b", rule={"rule": "stdp", "modulators": names}, **how)
    assert sim.digest() == before
    bare = network("stdp", None, ["acetylcholine"])
    with pytest.raises(
        ValueError, match=r"projections\['p'\].modulators: must be names of modulators; got 'acetyl"
    ):
        Simulation(bare.model, neuromodulation=NeuromodulationSystem())


# ---- neutral -------------------------------------------------------------------------------------------------


EVERY = {
    **LEVELS,
    "acetylcholine": {},
    "own": {
        "response": {"hill": {"strength": 3.0, "ec50": 0.3}},
        "targets": ["noise", "gain", "tau_c"],
        "baseline": 0.3,
    },
    "peak": {"response": {"inverted_u": {"strength": 0.2}}, "targets": ["threshold", "ltd"], "offset": 0.5},
}


def factors(system: NeuromodulationSystem) -> dict[tuple[str, str], float]:
    each = [(name, target) for name in system.names for target in getattr(system, name).targets]
    return {(name, target): getattr(system, name).factor(0, target) for name, target in each}


def test_a_neutral_system_does_nothing_at_its_baselines() -> None:
    for (name, target), effect in factors(create_neuromodulation_system(EVERY)).items():
        assert effect == (0.0 if target == "threshold" else 1.0), (name, target)
    sims = [network("stdp", section) for section in (None, EVERY)]
    for sim in sims:
        sim.run(300)
    assert np.array_equal(*(sim.model.neurons.v_membrane for sim in sims), equal_nan=True)
    assert np.array_equal(*(sim.projections["p"].weight for sim in sims))


def test_a_factor_is_divided_and_a_rise_is_reduced_by_what_it_is_at_the_baseline() -> None:
    neutral, plain = (create_neuromodulation_system(EVERY | {"neutral": on}) for on in (True, False))
    rest = factors(plain)
    for system in (neutral, plain):
        system.level[:] = 0.85
    now, wanted = factors(neutral), factors(plain)
    for key, effect in now.items():
        target = key[1]
        expected = wanted[key] - rest[key] if target == "threshold" else wanted[key] / rest[key]
        assert effect == pytest.approx(expected, rel=1e-14), key
    assert neutral.modulate_learning(0.5) == 0.5 * now["dopamine", "learning_rate"]


def test_19_spikes_not_34_for_a_system_made_for_dopamine_alone() -> None:
    area = {"name": "A", "coord_ranges": {"x": [0, 0], "y": [0, 0], **LINE}, "params": {"i_offset": 17.0}}
    counts = []
    for section in (None, {"dopamine": {}, "neutral": True}, {"dopamine": {}}):
        system = None if section is None else create_neuromodulation_system(section)
        sim = Simulation(
            BrainModel(config={"lattice_shape": [1, 1, 1, 1], "areas": [area]}),
            seed=1,
            neuromodulation=system,
        )
        sim.initialize_neurons(["A"])
        counts.append(int(sim.run(1000)["spike_counts"][0]))
    assert counts[0] == counts[1] < counts[2]


def test_the_eligibility_signal_is_divided_too() -> None:
    """Dopamine's factor 1 + 3 L (offset 1, baseline 0.5): 2.5 at rest, so the signal is 0.4 of the plain one's."""
    own = {
        "response": {"linear": {"strength": 3.0}},
        "targets": ["learning_rate"],
        "offset": 1.0,
        "tau": 100.0,
    }
    base: dict[str, Any] = {name: {"neutral": True} for name in ("serotonin", "norepinephrine")}
    base["dopamine"] = {"learning_rate_modulation": 0.0}
    moved = []
    for on in (False, True):
        sim = network("rstdp", base | {"own": own | {"neutral": on}})
        p = sim.projections["p"]
        p.weight_max, p.weight_min = 1e6, -1e6
        sim.projections["control"].learning = False
        before = p.weight.copy()
        sim.run(30)
        sim.neuromodulation.own.update(1.0)
        sim.run(5)
        moved.append((p.weight - before).astype(float))
    assert np.abs(moved[0]).max() > 1e-3
    assert np.allclose(moved[1], 0.4 * moved[0], atol=1e-6)


@pytest.mark.filterwarnings("ignore:.* is neutral:neuromod.NeuromodWarning")
def test_one_modulator_alone_may_be_neutral_and_may_be_set() -> None:
    system = create_neuromodulation_system({"dopamine": {}, "norepinephrine": {"neutral": True}})
    assert [getattr(system, name).neutral for name in system.names] == [False, False, True]
    assert not system.neutral
    assert system.norepinephrine.factor() == 1.0
    assert system.serotonin.factor() != 0.0
    again = NeuromodulationSystem.from_dict(json.loads(json.dumps(system.to_dict())))
    assert again.to_dict() == system.to_dict()
    assert again.norepinephrine.factor() == 1.0
    system.neutral = True
    assert system.serotonin.factor() == 0.0
    override = create_neuromodulation_system({"neutral": True, "norepinephrine": {"neutral": False}})
    assert override.norepinephrine.factor() == pytest.approx(1.555)
    system.norepinephrine.state.tonic = 0.2  # neutral at the new baseline
    system.norepinephrine.state.level = 0.2
    assert system.norepinephrine.factor() == 1.0


@pytest.mark.filterwarnings("ignore:.* is neutral:neuromod.NeuromodWarning")
def test_a_factor_of_0_at_the_baseline_cannot_be_neutral() -> None:
    message = "dopamine.neutral: must have a factor > 0 at the baseline to divide by; got the baseline 0.0"
    with pytest.raises(ValueError, match=message):
        create_neuromodulation_system({"dopamine": {"baseline": 0.0, "neutral": True}})
    system = create_neuromodulation_system({"dopamine": {"baseline": 0.0}})
    before = system.to_dict()
    with pytest.raises(ValueError, match=message):
        system.neutral = True
    assert system.to_dict() == before
    with pytest.raises(TypeError, match=r"dopamine\.neutral: must be True or False; got 1"):
        system.dopamine.neutral = 1
    system = create_neuromodulation_system({"dopamine": {"neutral": True}})
    system.dopamine.state.baseline = 0.0
    with pytest.raises(ValueError, match=message):
        system.step()


# ---- said once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            {"dopamine": {"tau": 200.0}},
            "serotonin raises thresholds by 3.9 %; norepinephrine multiplies gain by 1.555",
        ),
        (
            {"dopamine": {"tau": 200.0}, "norepinephrine": {"exponent": 2}},
            'at rest, serotonin raises thresholds by 3.9 %; "neutral": true',
        ),
        (
            {"acetylcholine": {}, "serotonin": {"exponent": 2}, "norepinephrine": {"exponent": 2}},
            'at rest, acetylcholine multiplies ltp by 1.5; "neutral": true',
        ),
        ({"dopamine": {"tau": 200.0}, "neutral": True}, None),
        ({"dopamine": {"tau": 200.0}, "enabled": False}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_acts_at_rest_is_said_once(
    section: Any, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_rest, "_SAID", [])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        create_neuromodulation_system(section)
        create_neuromodulation_system(section)
    assert [each.category for each in caught] == [NeuromodWarning] * (said is not None)
    assert said is None or said in str(caught[0].message)
    assert said is None or caught[0].filename == __file__


@pytest.mark.parametrize(
    ("dt", "taus", "said"),
    [
        (1.0, (), None),
        (0.1, (), "dopamine, serotonin, norepinephrine decay by steps"),
        (0.5, ("dopamine",), "the time constant of serotonin is 4.75 ms at dt 0.5 ms, 9.49 ms at dt 1 ms"),
        (0.1, ("dopamine", "serotonin", "norepinephrine"), None),
    ],
)
def test_a_decay_by_steps_is_said_once_where_dt_is_not_1_ms(
    dt: float, taus: tuple[str, ...], said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_rest, "_SAID_OF_DECAY", [])
    system = NeuromodulationSystem()
    for name in taus:
        getattr(system, name).state.tau = 200.0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Simulation(neuromodulation=system, dt=dt)
        Simulation(neuromodulation=NeuromodulationSystem(enabled=False), dt=dt)
        Simulation(neuromodulation=system, dt=dt)
    assert [each.category for each in caught] == [NeuromodWarning] * (said is not None)
    assert said is None or (said in str(caught[0].message) and caught[0].filename == __file__)


@pytest.mark.filterwarnings("default::neuromod.NeuromodWarning")
@pytest.mark.parametrize("rule", ["rstdp", "ristdp", "stdp"])
def test_learning_from_reward_without_a_system_is_said(rule: str) -> None:
    def connect(system: NeuromodulationSystem | None) -> list[str]:
        sim = Simulation(seed=1, neuromodulation=system)
        cells = sim.create(3, "lif")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            sim.connect(cells, cells, all_to_all=True, weight=0.1, rule=rule, synapse_type="excitatory")
        return [str(each.message) for each in said]

    assert connect(NeuromodulationSystem()) == []
    assert [note.partition(",")[0] for note in connect(None)] == (
        [] if rule == "stdp" else [f"connect: under {rule} weights change by dopamine"]
    )


def test_another_baseline_of_a_neutral_modulator_is_said_to_have_no_lasting_effect() -> None:
    system = create_neuromodulation_system({"neutral": True})
    state = system.norepinephrine.state
    for change in (
        lambda: system.norepinephrine.set_tonic(0.8),
        lambda: setattr(state, "tonic", 0.7),
        lambda: setattr(state, "baseline", 0.6),
    ):
        with pytest.warns(
            NeuromodWarning, match="norepinephrine: is neutral, and so has no effect at its baseline"
        ):
            change()
    state.baseline = 0.6  # as it is
    system.norepinephrine.neutral = False
    state.baseline = 0.5
