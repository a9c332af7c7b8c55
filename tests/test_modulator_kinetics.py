"""Levels in time: decay, additive release, tonic and phasic parts; and the tutorial's three, to the last bit."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from neuromod import (
    BrainModel,
    DopamineSystem,
    LevelMonitor,
    NeuromodulationSystem,
    NorepinephrineSystem,
    SerotoninSystem,
    Simulation,
    _core,
    create_neuromodulation_system,
)


def one_neuron(dt: float, system: NeuromodulationSystem) -> Simulation:
    area = {"name": "A", "coord_ranges": {axis: [0, 0] for axis in "xyzw"}}
    model = BrainModel(config={"lattice_shape": [1, 1, 1, 1], "areas": [area], "simulation": {"dt": dt}})
    return Simulation(model, seed=1, neuromodulation=system)


# ---- decay -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0, 2.0])
@pytest.mark.parametrize(("start", "baseline"), [(0.9, 0.3), (0.05, 0.3), (1.0, 0.0), (0.0, 1.0)])
def test_level_with_tau_decays_exactly_whatever_dt_is(dt: float, start: float, baseline: float) -> None:
    """b + (x0 - b) exp(-t / tau) after 20 ms, from above and from below; alone, and in a simulation's steps.

    200 steps at most, each with a rounding of 1e-16: 1e-13 is five times their sum.
    """
    tau, n_steps = 7.0, round(20.0 / dt)
    expected = baseline + (start - baseline) * math.exp(-20.0 / tau)
    alone = DopamineSystem(baseline=baseline, tau=tau)
    alone.state.level = start
    for _ in range(n_steps):
        alone.step(dt)
    assert alone.state.level == pytest.approx(expected, rel=0, abs=1e-13)
    system = create_neuromodulation_system({"dopamine": {"baseline": baseline, "tau": tau}})
    system.dopamine.state.level = start
    one_neuron(dt, system).run(n_steps)
    assert system.dopamine.state.level == alone.state.level


def test_level_with_a_decay_rate_loses_the_same_part_in_each_step_whatever_dt_is() -> None:
    for dt in (0.1, 1.0):
        system = NeuromodulationSystem()
        system.dopamine.state.level = 1.0
        one_neuron(dt, system).run(10)
        assert system.dopamine.state.level == pytest.approx(0.5 + 0.5 * 0.9**10, rel=1e-15)


def test_a_level_long_left_alone_reaches_its_baseline_and_no_denormal_number() -> None:
    dopamine = DopamineSystem(baseline=0.0, decay_rate=0.5)
    dopamine.state.level = 1.0
    for _ in range(400):
        dopamine.step()
    assert dopamine.state.level == 0.0


# ---- tonic and phasic --------------------------------------------------------------------------------------


def test_tonic_and_phasic_are_the_two_parts_of_the_level() -> None:
    dopamine = DopamineSystem(baseline=0.25, tau=10.0)
    dopamine.release(0.5)
    assert (dopamine.state.level, dopamine.state.tonic, dopamine.state.phasic) == (0.75, 0.25, 0.5)
    dopamine.state.tonic = 0.5  # moves no level: what was phasic now is tonic
    assert (dopamine.state.level, dopamine.state.phasic) == (0.75, 0.25)
    dopamine.step(10.0)
    assert dopamine.state.level == pytest.approx(0.5 + 0.25 * math.exp(-1.0), rel=1e-15)
    dopamine.state.level = 0.25
    assert dopamine.state.phasic == -0.25


def test_each_region_has_its_own_tonic_level() -> None:
    system = NeuromodulationSystem(["cortex", "striatum"])
    dopamine = system.dopamine
    dopamine.set_tonic(0.25, region="striatum")
    assert dopamine.state.tonic.tolist() == [0.5, 0.25]
    assert dopamine.state.baseline.tolist() == [0.5, 0.25]
    assert dopamine.state.phasic.tolist() == [0.0, 0.25]
    for _ in range(300):
        system.step()
    np.testing.assert_allclose(dopamine.state.level, [0.5, 0.25], rtol=0, atol=1e-13)
    system.process_reward(1.0)  # relative to each region's baseline
    np.testing.assert_allclose(dopamine.state.level, [0.9, 0.65], rtol=1e-15)
    system.reset()
    assert dopamine.state.level.tolist() == [0.5, 0.25]
    dopamine.state.baseline = 0.125
    assert dopamine.state.baseline == 0.125
    assert dopamine.state.tonic.tolist() == [0.125, 0.125]
    assert (system.serotonin.state.tonic == 0.5).all()


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_bad_tonic_level_is_refused_and_changes_nothing(value: float) -> None:
    dopamine = DopamineSystem()
    for what, put in (
        ("state.tonic", lambda: setattr(dopamine.state, "tonic", value)),
        ("state.baseline", lambda: setattr(dopamine.state, "baseline", value)),
        ("tonic", lambda: dopamine.set_tonic(value)),
    ):
        with pytest.raises(ValueError, match=rf"^dopamine\.{what}: must be between 0 and 1; got {value!r}$"):
            put()
    assert dopamine.state.tonic == 0.5


def test_tonic_level_set_out_of_bounds_in_the_buffer_stops_the_next_step() -> None:
    system = NeuromodulationSystem()
    sim = one_neuron(1.0, system)
    system._levels.baseline[0, 1] = 1.5
    with pytest.raises(ValueError, match=r"^serotonin\.baseline: must be between 0 and 1; got 1\.5$"):
        sim.step()
    assert sim.current_step == 0


# ---- additive release --------------------------------------------------------------------------------------


def test_release_adds_to_the_level_and_is_clipped() -> None:
    system = NeuromodulationSystem(["a", "b"])
    system.dopamine.release(0.25, region="b")
    system.dopamine.release(0.125)
    assert system.dopamine.state.level.tolist() == [0.625, 0.875]
    system.dopamine.release(0.5)
    assert system.dopamine.state.level.tolist() == [1.0, 1.0]
    system.dopamine.release(-2.0, region="a")
    assert system.dopamine.state.level.tolist() == [0.0, 1.0]
    assert (system.level[:, 1:] == 0.5).all()


@pytest.mark.parametrize(
    ("amount", "region", "message"),
    [
        (math.nan, None, r"^amount: must be finite; got nan$"),
        (math.inf, "a", r"^amount: must be finite; got inf$"),
        (0.1, "c", r"^region: must be one of a, b; got 'c'$"),
    ],
)
def test_bad_release_is_refused_and_changes_nothing(amount: float, region: str | None, message: str) -> None:
    system = NeuromodulationSystem(["a", "b"])
    with pytest.raises(ValueError, match=message):
        system.dopamine.release(amount, region=region)
    assert (system.level == 0.5).all()


# ---- the tutorial's three, to the last bit ---------------------------------------------------------------------


def test_the_three_are_what_they_were_to_the_last_bit() -> None:
    """Python's arithmetic is the core's: products and sums in the order of the tutorial's formulas."""
    draw = random.Random(7)
    dopamine, serotonin, norepinephrine = DopamineSystem(), SerotoninSystem(), NorepinephrineSystem()
    for _ in range(1000):
        one, two = draw.uniform(0.0, 2.0), draw.uniform(0.0, 1.0)
        x = draw.uniform(-80.0, 80.0)
        dopamine.update(one, two)
        serotonin.update(one, two)
        norepinephrine.update(one, two)
        levels = (
            0.5 + 0.4 * (one - two),
            0.5 - 0.3 * (one + two),
            0.5 + 0.17 * (one + two),
        )
        da, ht, ne = (min(1.0, max(0.0, level)) for level in levels)
        assert (dopamine.state.level, serotonin.state.level, norepinephrine.state.level) == (da, ht, ne)
        assert dopamine.modulate_plasticity(x) == x * (2.0 * da)
        assert serotonin.modulate_threshold(x) == x + abs(x) * (0.156 * (ht * ht))
        assert norepinephrine.modulate_input(x) == x * (1.0 + 2.22 * (ne * ne))


def test_other_exponents_go_through_the_core_s_own_exp_and_log() -> None:
    dopamine = DopamineSystem(exponent=1.5)
    dopamine.state.level = 0.7
    assert dopamine.factor() == 2.0 * _core.exp(1.5 * _core.log(0.7))


# ---- recording ---------------------------------------------------------------------------------------------


def test_monitor_records_every_modulator_in_every_region() -> None:
    areas = [
        {"name": name, "region": name, "coord_ranges": {"x": [k, k], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}
        for k, name in enumerate("ab")
    ]
    model = BrainModel(config={"lattice_shape": [2, 1, 1, 1], "areas": areas})
    own = {"tau": 10, "baseline": 0.25, "response": {"linear": {}}, "targets": ["noise"]}
    system = create_neuromodulation_system({"acetylcholine": {}, "own": own}, regions=model.regions)
    sim = Simulation(model, seed=1, neuromodulation=system)
    levels = LevelMonitor(sim)
    system.own.release(0.5, region="b")
    sim.run(3)
    assert levels.names == ("dopamine", "serotonin", "norepinephrine", "acetylcholine", "own")
    assert levels.regions == ("a", "b")
    assert levels.values.shape == (3, 2, 5)
    course = 0.25 + 0.5 * np.exp(-np.arange(1, 4) / 10.0)
    np.testing.assert_allclose(levels.level("own", region="b"), course, rtol=1e-14)
    assert (levels.level("own", region="a") == 0.25).all()
    assert levels.level("own").shape == (3, 2)
    with pytest.raises(ValueError, match=r"^name: must be one of dopamine, .*, own; got 'other'$"):
        levels.level("other")
    with pytest.raises(ValueError, match=r"^region: must be one of a, b; got 'c'$"):
        levels.level("own", region="c")
