"""`csrc/modulator_serotonin.c`: figures, its oracle, and firing that more of it inhibits, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from modulator_rig import V_THRESHOLD, assert_like_oracle, lif_spikes, spike_counts, system_at
from oracle_modulators import Serotonin

from neuromod import NeuromodulationSystem, SerotoninSystem, _core

# ---- figures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "raised"), [(0.2, 10.062), (0.8, 10.998)])
def test_serotonin_on_a_threshold_of_10(level: float, raised: float) -> None:
    serotonin = SerotoninSystem()
    serotonin.state.level = level
    assert round(serotonin.modulate_threshold(10.0), 3) == raised
    assert serotonin.get_inhibition_factor() == pytest.approx(raised / 10 - 1, abs=1e-4)


def test_more_serotonin_makes_a_negative_threshold_harder_to_reach() -> None:
    serotonin, raised = SerotoninSystem(), []
    for level in (0.0, 0.2, 0.5, 0.8, 1.0):
        serotonin.state.level = level
        raised.append(serotonin.modulate_threshold(-50.0))
    assert raised == sorted(raised)
    assert (raised[0], raised[-1]) == (-50.0, pytest.approx(-50.0 + 50.0 * 0.156))


def test_punishment_and_stress_lower_the_level_together() -> None:
    serotonin = SerotoninSystem()
    serotonin.update(punishment=0.5, stress=0.25)
    assert serotonin.state.level == 0.5 - 0.3 * 0.75
    serotonin.update(0.5)  # from the baseline again, not from where it was
    assert serotonin.state.level == 0.5 - 0.3 * 0.5


@pytest.mark.parametrize("threshold", [-50.0, 0.0, 10.0])
def test_rise_is_a_part_of_the_magnitude_of_the_threshold(threshold: float) -> None:
    serotonin = SerotoninSystem(inhibition_strength=0.5, exponent=1.0)
    serotonin.state.level = 0.5
    assert serotonin.modulate_threshold(threshold) == threshold + 0.25 * abs(threshold)


# ---- the oracle, published behaviour -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_like_its_oracle(seed: int) -> None:
    assert_like_oracle("serotonin", seed)


CURRENTS = np.array([14.0, 15.5, 17.0, 20.0, 23.0, 26.0, 40.0])  # mV; thresholds lie 15 to 22.8 mV above rest
LEVELS = [0.0, 0.3, 0.6, 1.0]


@pytest.mark.parametrize("level", LEVELS)
def test_neurons_fire_as_the_raised_threshold_says(level: float) -> None:
    """The closed form of a LIF neuron under a constant current, at -50 mV (1 - 0.156 level^2)."""
    twin = Serotonin(
        {name: field["default"] for name, field in _core.modulators()["serotonin"]["params"].items()}
    )
    twin.level = level
    expected = [lif_spikes(current, twin.act(V_THRESHOLD), 1000) for current in CURRENTS]
    assert spike_counts(CURRENTS, 1000, system_at(serotonin=level)) == expected


def test_more_serotonin_inhibits_firing_and_punishment_sets_it_free() -> None:
    """Behavioural inhibition (Cools, Nakamura & Daw 2011): every driven neuron fires less, the weakly driven not at
    all; after a punishment they fire more than before it."""
    counts = np.array([spike_counts(CURRENTS, 1000, system_at(serotonin=level)) for level in LEVELS])
    assert (np.diff(counts, axis=0) <= 0).all()
    assert (np.diff(counts.sum(axis=1)) < 0).all()
    assert (counts[0] > 0).sum() > (counts[-1] > 0).sum()
    before, after = NeuromodulationSystem(), NeuromodulationSystem()
    for system in (before, after):
        system.serotonin.state.decay_rate = 0.0
        system.norepinephrine.gain_modulation = 0.0
    after.process_punishment(1.0)
    assert sum(spike_counts(CURRENTS, 1000, after)) > sum(spike_counts(CURRENTS, 1000, before))
