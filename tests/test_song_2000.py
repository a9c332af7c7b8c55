"""Song, Miller & Abbott (2000), doi:10.1038/78829: competition of 1,000 inputs under STDP, at any time step.

Poisson inputs of 15 Hz reach one neuron with conductances. Depression is 5 % stronger than potentiation. The weights
part into two groups, and the neuron settles at some 20 Hz.
"""

from __future__ import annotations

import pytest

from neuromod import BrainModel, Simulation

NEURON = {
    "tau_m": 10.0, "v_rest": -74.0, "v_reset": -60.0, "v_threshold": -54.0, "refractory_period": 0.0,
    "tau_syn_excitatory": 5.0, "e_rev_excitatory": 0.0,
}  # fmt: skip
RULE = {"rule": "stdp", "a_plus": 1e-4, "a_minus": 1.05e-4, "weight_max": 0.01}


def settled(dt: float, **rule: str) -> tuple[float, float, float]:
    """Rate (Hz) of the last 20 of 100 s, and the shares of weights in the lowest and the highest fifth."""
    line = {"z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "pre", "model": "poisson", "params": {"rate": 15.0}, "neuron_type": "excitatory",
         "coord_ranges": {"x": [0, 999], "y": [0, 0], **line}},
        {"name": "post", "model": "lif_cond", "params": NEURON, "coord_ranges": {"x": [0, 0], "y": [1, 1], **line}},
    ]  # fmt: skip
    config = {"lattice_shape": [1000, 2, 1, 1], "areas": areas, "simulation": {"dt": dt}}
    sim = Simulation(BrainModel(config=config), seed=1)
    sim.initialize_neurons()
    p = sim.connect("pre", "post", probability=1.0, weight={"uniform": [0.0, 0.01]}, rule={**RULE, **rule})
    sim.run(round(80_000 / dt))
    rate = float(sim.run(round(20_000 / dt))["spike_counts"][-1]) / 20.0
    return rate, float((p.weight < 0.002).mean()), float((p.weight > 0.008).mean())


@pytest.mark.long
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_weights_part_into_two_groups_and_the_rate_settles(dt: float) -> None:
    rate, lowest, highest = settled(dt)
    assert 12.0 < rate < 30.0
    assert lowest > 0.25
    assert highest > 0.2


def test_arrivals_first_run_away_in_steps_of_1_ms() -> None:
    """Pairs within a step, all counted as potentiation, outweigh the 5 %: the neuron fires at some 200 Hz."""
    assert settled(1.0, coincident="pre_first")[0] > 100.0
