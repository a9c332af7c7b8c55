"""`csrc/modulator_orexin.c`: optional, its oracle, and the arousal of neurons, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from modulator_rig import V_THRESHOLD, assert_like_oracle, lif_spikes, spike_counts, system_at
from oracle_modulators import Orexin

from neuromod import NeuromodulationSystem, _core, create_neuromodulation_system

# ---- figures -----------------------------------------------------------------------------------------------


def test_orexin_is_off_unless_it_is_named() -> None:
    assert "orexin" not in NeuromodulationSystem().names
    system = create_neuromodulation_system({"orexin": {"arousal_strength": 2.0}})
    assert system.orexin.targets == ("gain",)
    assert system.orexin.factor() == pytest.approx(1.0 + 2.0 * 0.5, rel=1e-15)


def test_the_day_raises_the_level_and_the_need_for_sleep_lowers_it() -> None:
    orexin = create_neuromodulation_system({"orexin": {}}).orexin
    orexin.update(circadian_phase=0.5)
    assert orexin.state.level == 0.5 + 0.5 * 0.5
    orexin.update(0.25, sleep_need=0.75)
    assert orexin.state.level == 0.5 - 0.5 * 0.5
    orexin.update(sleep_need=5.0)
    assert orexin.state.level == 0.0


# ---- the oracle, published behaviour -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_like_its_oracle(seed: int) -> None:
    assert_like_oracle("orexin", seed)


CURRENTS = np.array([-20.0, 0.0, 6.0, 8.0, 10.0, 14.0, 16.0])  # mV; the threshold lies 15 mV above rest


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_neurons_fire_as_the_amplified_current_says(level: float) -> None:
    """The closed form of a LIF neuron under a constant current, times 1 + level."""
    table = _core.modulators()["orexin"]["params"]
    twin = Orexin({name: field["default"] for name, field in table.items()})
    twin.level = level
    expected = [lif_spikes(twin.act(current), V_THRESHOLD, 1000) for current in CURRENTS]
    assert spike_counts(CURRENTS, 1000, system_at(orexin=level)) == expected


def test_orexin_and_norepinephrine_multiply() -> None:
    both = spike_counts(CURRENTS, 1000, system_at(orexin=1.0, norepinephrine=0.8))
    gain = 2.0 * (1.0 + 2.22 * 0.8**2)
    assert both == [lif_spikes(current * gain, V_THRESHOLD, 1000) for current in CURRENTS]
