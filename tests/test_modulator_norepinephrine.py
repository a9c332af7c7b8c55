"""`csrc/modulator_norepinephrine.c`: figures, its oracle, and the gain of neurons, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from modulator_rig import V_THRESHOLD, assert_like_oracle, lif_spikes, spike_counts, system_at
from oracle_modulators import Norepinephrine

from neuromod import NorepinephrineSystem, _core

# ---- figures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "amplified"), [(0.2, 5.444), (0.9, 13.991)])
def test_norepinephrine_on_an_input_of_5(level: float, amplified: float) -> None:
    norepinephrine = NorepinephrineSystem()
    norepinephrine.state.level = level
    assert round(norepinephrine.modulate_input(5.0), 3) == amplified
    assert norepinephrine.get_gain_multiplier() == pytest.approx(amplified / 5, abs=1e-4)


def test_input_of_10_after_uncertainty() -> None:
    norepinephrine = NorepinephrineSystem()
    norepinephrine.update(0.7, 0.3)
    assert round(norepinephrine.modulate_input(10.0), 3) == 19.966


def test_uncertainty_and_novelty_raise_the_level_together() -> None:
    norepinephrine = NorepinephrineSystem()
    norepinephrine.update(uncertainty=1.0, novelty=0.5)
    assert norepinephrine.state.level == 0.5 + 0.17 * 1.5
    norepinephrine.update(0.0, novelty=0.5)
    assert norepinephrine.state.level == 0.5 + 0.17 * 0.5


# ---- the oracle, published behaviour -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_like_its_oracle(seed: int) -> None:
    assert_like_oracle("norepinephrine", seed)


CURRENTS = np.array(
    [-20.0, 0.0, 4.0, 6.0, 8.0, 10.0, 14.0, 16.0, 20.0]
)  # mV; the threshold lies 15 mV above rest
LEVELS = [0.0, 0.4, 0.7, 1.0]


@pytest.mark.parametrize("level", LEVELS)
def test_neurons_fire_as_the_amplified_current_says(level: float) -> None:
    """The closed form of a LIF neuron under a constant current, times 1 + 2.22 level^2."""
    table = _core.modulators()["norepinephrine"]["params"]
    twin = Norepinephrine({name: field["default"] for name, field in table.items()})
    twin.level = level
    expected = [lif_spikes(twin.act(current), V_THRESHOLD, 1000) for current in CURRENTS]
    assert spike_counts(CURRENTS, 1000, system_at(norepinephrine=level)) == expected


def test_gain_sets_apart_what_is_strong_from_what_is_weak() -> None:
    """Neural gain (Aston-Jones & Cohen 2005): what was below the threshold passes it, the response to two inputs
    differs by more, and what inhibits does so still."""
    low, high = (dict(zip(CURRENTS, spike_counts(CURRENTS, 1000, system_at(norepinephrine=level)), strict=True))
                 for level in (0.0, 1.0))  # fmt: skip
    assert low[10.0] == low[14.0] == 0 < high[6.0] < high[10.0] < high[14.0]
    assert high[20.0] - high[10.0] > low[20.0] - low[10.0] > 0
    assert high[-20.0] == low[-20.0] == high[0.0] == 0
