"""The three modulators together: events, decay, domains, the system, regions, configuration. What each does by itself
is tested in test_modulator_<name>.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    ConfigError,
    DopamineSystem,
    NeuromodulationSystem,
    Neuron,
    NorepinephrineSystem,
    SerotoninSystem,
    Simulation,
    create_neuromodulation_system,
)

# ---- events and decay --------------------------------------------------------------------------------------


def test_an_event_is_relative_to_the_baseline_not_to_the_level_before() -> None:
    dopamine = DopamineSystem(baseline=0.6)
    dopamine.update(1.0)
    dopamine.update(0.5, expected_reward=0.5)
    assert dopamine.state.level == 0.6


@pytest.mark.parametrize(
    ("modulator", "event", "level"),
    [
        (DopamineSystem(), (100.0,), 1.0),
        (DopamineSystem(), (-100.0,), 0.0),
        (SerotoninSystem(), (100.0, 1.0), 0.0),
        (NorepinephrineSystem(), (100.0, 0.0), 1.0),
    ],
)
def test_the_level_is_clipped(modulator: Any, event: tuple[float, ...], level: float) -> None:
    modulator.update(*event)
    assert modulator.state.level == level


@pytest.mark.parametrize("start", [1.0, 0.0])
def test_decay_by_rate_from_above_and_below(start: float) -> None:
    dopamine = DopamineSystem(baseline=0.4, decay_rate=0.05)
    dopamine.state.level = start
    for k in range(1, 101):
        dopamine.step()
        assert dopamine.state.level == pytest.approx(0.4 + (start - 0.4) * 0.95**k, abs=1e-14)


@pytest.mark.parametrize("dt", [0.1, 1.0, 5.0])
def test_decay_by_tau_does_not_depend_on_the_step(dt: float) -> None:
    serotonin = SerotoninSystem(tau=25.0)
    serotonin.state.level = 0.9
    for _ in range(round(50 / dt)):
        serotonin.step(dt)
    assert serotonin.state.level == pytest.approx(0.5 + 0.4 * np.exp(-2.0), abs=1e-13)


def test_tau_and_decay_rate_put_each_other_out() -> None:
    state = DopamineSystem(tau=10.0).state
    assert state.tau == 10.0
    state.decay_rate = 0.2
    assert state.tau is None
    assert repr(state) == "ModulatorState(level=0.5, baseline=0.5, decay_rate=0.2)"
    state.tau = 40.0
    assert repr(state) == "ModulatorState(level=0.5, baseline=0.5, tau=40 ms)"


# ---- domains -----------------------------------------------------------------------------------------------

BAD_EVENTS = [
    (DopamineSystem, (np.nan,), "reward: must be finite; got nan"),
    (DopamineSystem, (0.0, np.inf), "expected_reward: must be finite; got inf"),
    (SerotoninSystem, (-0.1,), "punishment: must be >= 0; got -0.1"),
    (SerotoninSystem, (0.0, np.nan), "stress: must be >= 0; got nan"),
    (NorepinephrineSystem, (np.inf,), "uncertainty: must be >= 0; got inf"),
    (NorepinephrineSystem, (0.0, -1.0), "novelty: must be >= 0; got -1.0"),
]


@pytest.mark.parametrize(("kind", "event", "message"), BAD_EVENTS)
def test_a_bad_event_is_refused_and_changes_nothing(
    kind: Any, event: tuple[float, ...], message: str
) -> None:
    modulator = kind()
    modulator.state.level = 0.3
    with pytest.raises(ValueError) as caught:
        modulator.update(*event)
    assert str(caught.value) == message
    assert modulator.state.level == 0.3


@pytest.mark.parametrize("field", ["level", "baseline", "decay_rate"])
@pytest.mark.parametrize("value", [np.nan, -0.01, 1.01, np.inf])
def test_a_bad_state_is_refused_by_name_and_changes_nothing(field: str, value: float) -> None:
    dopamine = DopamineSystem()
    before = repr(dopamine)
    with pytest.raises(ValueError, match=rf"dopamine.state.{field}: must be between 0 and 1; got"):
        setattr(dopamine.state, field, value)
    assert repr(dopamine) == before


def test_a_level_written_past_the_checks_is_found_before_the_step() -> None:
    system = NeuromodulationSystem()
    system.level[0, 1] = 2.0
    with pytest.raises(ValueError, match=r"serotonin.state.level: must be between 0 and 1; got 2.0"):
        system.step()


def test_unknown_parameter_is_refused() -> None:
    with pytest.raises(TypeError, match="dopamine: has no parameter 'sensitvity'"):
        DopamineSystem(sensitvity=1.0)


@pytest.mark.parametrize("cls", [DopamineSystem, SerotoninSystem, NorepinephrineSystem])
def test_modulate_gives_the_kind_that_came_and_leaves_it_alone(cls: Any) -> None:
    modulator = cls()
    modulate = {
        DopamineSystem: "modulate_plasticity",
        SerotoninSystem: "modulate_threshold",
        NorepinephrineSystem: "modulate_input",
    }[cls]
    values = np.array([[-50.0, 0.0], [2.0, 10.0]])
    given = values.copy()
    out = getattr(modulator, modulate)(given)
    assert isinstance(out, np.ndarray)
    assert out.shape == (2, 2)
    assert np.array_equal(given, values)
    each = [getattr(modulator, modulate)(float(value)) for value in values.ravel()]
    assert all(type(value) is float for value in each)
    assert out.ravel().tolist() == each


# ---- the system --------------------------------------------------------------------------------------------


def test_system_joins_the_three() -> None:
    system = NeuromodulationSystem()
    assert system.process_reward(1.0, expected_reward=0.25) == 0.75
    system.process_punishment(0.5, stress=0.5)
    system.process_uncertainty(0.7, novelty=0.3)
    levels = system.get_state()
    assert list(levels) == ["dopamine", "serotonin", "norepinephrine"]
    assert list(levels.values()) == pytest.approx([0.8, 0.2, 0.67])
    assert system.modulate_learning(0.01) == pytest.approx(0.016)
    amplified, raised = system.modulate_neuron_update(Neuron(id=0, x=0, y=0, z=0, w=0), 10.0, -50.0)
    assert (round(amplified, 3), round(raised, 3)) == (19.966, -49.688)
    system.step()
    assert list(system.get_state().values()) == pytest.approx([0.77, 0.23, 0.653])
    system.reset()
    assert set(system.get_state().values()) == {0.5}


def test_a_modulator_of_a_system_is_stepped_by_the_system() -> None:
    with pytest.raises(ValueError, match="dopamine: belongs to a system"):
        NeuromodulationSystem().dopamine.step()


def test_a_disabled_system_acts_on_nothing() -> None:
    system = create_neuromodulation_system({"enabled": False})
    system.dopamine.state.level = 0.9
    assert system.modulate_learning(0.01) == 0.01
    assert system.modulate_neuron_update(Neuron(id=0), 10.0, -50.0) == (10.0, -50.0)


def test_regions_have_levels_of_their_own() -> None:
    system = NeuromodulationSystem(["cortex", "striatum"])
    system.process_reward(1.0, region="striatum")
    assert system.dopamine.state.level.tolist() == [0.5, 0.9]
    system.process_reward(0.0, 1.0)
    assert system.dopamine.state.level == pytest.approx([0.1, 0.1])
    with pytest.raises(ValueError, match="region: must be one of cortex, striatum; got 'cerebellum'"):
        system.process_punishment(1.0, region="cerebellum")
    with pytest.raises(ValueError, match="regions: must be one or more different names"):
        NeuromodulationSystem(["a", "a"])


def test_round_trip_keeps_levels_parameters_and_regions() -> None:
    system = create_neuromodulation_system(
        {"dopamine": {"baseline": 0.6, "tau": 200.0}, "serotonin": {"sensitivity": 0.25}}, regions=["a", "b"]
    )
    system.process_reward(0.3, region="b")
    twin = NeuromodulationSystem.from_dict(system.to_dict())
    for one in (system, twin):
        one.step(2.0)
    assert twin.to_dict() == system.to_dict()
    assert twin.regions == ("a", "b")


def test_a_level_is_shared_with_the_running_simulation_both_ways() -> None:
    system = NeuromodulationSystem()
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1, neuromodulation=system)
    sim.initialize_neurons(["A1_like"], density=0.01)
    system.dopamine.state.level = 0.9
    sim.run(10)
    assert system.dopamine.state.level == pytest.approx(0.5 + 0.4 * 0.9**10, abs=1e-15)


# ---- configuration -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"dopamin": {}}, "neuromodulation.dopamin: unknown key; did you mean 'dopamine'?"),
        (
            {"dopamine": {"base_line": 0.6}},
            "neuromodulation.dopamine.base_line: unknown key; did you mean 'baseline'?",
        ),
        (
            {"serotonin": {"decay_rate": 1.5}},
            "neuromodulation.serotonin.decay_rate: must be between 0 and 1 per step; got 1.5",
        ),
        ({"norepinephrine": {"tau": 0.0}}, "neuromodulation.norepinephrine.tau: must be > 0 ms; got 0.0"),
        (
            {"dopamine": {"tau": 5.0, "decay_rate": 0.1}},
            "neuromodulation.dopamine: must have decay_rate or tau, not both; got 0.1 and 5.0 ms",
        ),
        ({"enabled": "yes"}, "neuromodulation.enabled: must be true or false; got 'yes'"),
    ],
)
def test_a_bad_section_is_refused_with_path_and_near_key(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        create_neuromodulation_system(section)
    assert message in str(caught.value)


def test_the_section_sets_parameters_and_the_level_starts_at_the_baseline() -> None:
    system = create_neuromodulation_system(
        {"dopamine": {"baseline": 0.3, "learning_rate_modulation": 1.5}, "norepinephrine": {"exponent": 1.0}}
    )
    assert system.dopamine.state.level == 0.3
    assert system.modulate_learning(1.0) == pytest.approx(0.45)
    assert system.norepinephrine.get_gain_multiplier() == pytest.approx(1 + 2.22 * 0.5)
