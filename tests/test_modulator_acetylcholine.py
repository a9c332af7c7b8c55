"""`csrc/modulator_acetylcholine.c`: optional, its oracle, and potentiation that it favours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from modulator_rig import assert_like_oracle, system_at
from plastic_network import network, random_network

from neuromod import NeuromodulationSystem, create_neuromodulation_system
from neuromod.config import check_neuromodulation

STDP: dict[str, Any] = {
    "rule": "stdp",
    "learning_rate": 1.0,
    "a_plus": 0.01,
    "a_minus": 0.008,
    "tau_plus": 20.0,
    "tau_minus": 30.0,
    "weight_min": -50.0,
    "weight_max": 50.0,
}

# ---- figures -----------------------------------------------------------------------------------------------


def test_acetylcholine_is_off_unless_it_is_named_and_favours_potentiation() -> None:
    assert "acetylcholine" not in NeuromodulationSystem().names
    assert not hasattr(NeuromodulationSystem(), "acetylcholine")
    assert "acetylcholine" not in check_neuromodulation({})
    system = create_neuromodulation_system({"acetylcholine": {"potentiation_modulation": 2.0}})
    system.acetylcholine.update(expected_uncertainty=0.4, attention=0.2)
    assert system.acetylcholine.state.level == pytest.approx(0.8, rel=1e-15)
    assert system.acetylcholine.targets == ("ltp",)
    assert system.acetylcholine.factor() == pytest.approx(1.0 + 2.0 * 0.8, rel=1e-15)
    system.event("acetylcholine", 0.2)
    assert system.acetylcholine.state.level == pytest.approx(0.6, rel=1e-15)


def test_expected_uncertainty_and_attention_raise_the_level_together() -> None:
    acetylcholine = create_neuromodulation_system({"acetylcholine": {}}).acetylcholine
    acetylcholine.update(expected_uncertainty=0.25, attention=0.5)
    assert acetylcholine.state.level == 0.5 + 0.5 * 0.75
    acetylcholine.update(0.0, 0.5)
    assert acetylcholine.state.level == 0.5 + 0.5 * 0.5


# ---- the oracle, published behaviour -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_like_its_oracle(seed: int) -> None:
    assert_like_oracle("acetylcholine", seed)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("distance", [-12, -1, 0, 5, 20])
def test_potentiation_grows_and_depression_does_not(distance: int, level: float) -> None:
    """One arrival and one spike of the target, `distance` steps later: a_plus exp(-s / tau_plus) (1 + level), or
    -a_minus exp(-s / tau_minus) whatever the level (encoding is favoured: Hasselmo 2006); half of each in one step. A
    float32 near 1 is right to 1.2e-7, and the weight is rounded twice."""
    system = system_at(acetylcholine=level)
    net = network(
        STDP, [(0, 1)], {0: [39], 1: [40 + distance]}, n_neurons=2, weight=1.0, neuromodulation=system
    )
    net.sim.run(80)
    gain = 0.01 * math.exp(-distance / 20.0) * (1.0 + level)
    loss = -0.008 * math.exp(distance / 30.0)
    change = (gain + loss) / 2.0 if distance == 0 else gain if distance > 0 else loss
    assert net.weight[0] - 1.0 == pytest.approx(change, rel=0, abs=2.4e-7)


def test_random_networks_learn_as_with_a_larger_a_plus() -> None:
    """At level 1 potentiation is twice as large. Weights are float32, of the order of 1: 3e-6 is 25 of their last
    digits, for some 50 changes each."""
    learnt = []
    for rule, sections in ((STDP, {"acetylcholine": 1.0}), (STDP | {"a_plus": 0.02}, {}), (STDP, {})):
        net = random_network(rule, 6, 200, neuromodulation=system_at(dopamine=0.75, **sections))
        before = net.weight.copy()
        net.sim.run(200)
        learnt.append(net.weight - before)
    np.testing.assert_allclose(learnt[0], learnt[1], rtol=0, atol=3e-6)
    assert np.abs(learnt[0] - learnt[2]).max() > 0.01
