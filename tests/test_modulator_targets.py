"""What modulators act on, in a simulation: a factor of 2 on a target is a parameter twice as large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plastic_network import random_network

from neuromod import BrainModel, NeuromodulationSystem, Simulation, create_neuromodulation_system

STEPS = 200
STDP = {
    "rule": "stdp",
    "learning_rate": 1.0,
    "a_plus": 0.01,
    "a_minus": 0.008,
    "tau_plus": 20.0,
    "tau_minus": 30.0,
    "weight_min": -50.0,
    "weight_max": 50.0,
}
RSTDP = {**STDP, "rule": "rstdp", "learning_rate": 0.001, "a_plus": 0.1, "a_minus": 0.05, "tau_c": 200.0}
HEBBIAN = {"rule": "hebbian", "learning_rate": 0.01, "weight_min": -50.0, "weight_max": 50.0}


def doubling(*targets: str) -> NeuromodulationSystem:
    """A modulator of factor 2 on each target, and dopamine held above its baseline."""
    own = {
        "response": {"linear": {"strength": 4.0}},
        "targets": list(targets),
        "decay_rate": 0.0,
        "baseline": 0.25,
    }
    sections: dict[str, Any] = {"dopamine": {"decay_rate": 0.0}, **({"own": own} if targets else {})}
    system = create_neuromodulation_system(sections)
    system.dopamine.state.level = 0.75
    return system


def change(rule: dict[str, Any], system: NeuromodulationSystem, seed: int) -> np.ndarray:
    """Of 60 weights by 200 steps of random spikes."""
    net = random_network(rule, seed, STEPS, neuromodulation=system)
    before = net.weight.copy()
    net.sim.run(STEPS)
    return net.weight - before


@pytest.mark.parametrize(
    ("rule", "target", "params"),
    [
        (STDP, "learning_rate", {"learning_rate": 2.0}),
        (STDP, "ltp", {"a_plus": 0.02}),
        (STDP, "ltd", {"a_minus": 0.016}),
        (RSTDP, "ltp", {"a_plus": 0.2}),
        (RSTDP, "ltd", {"a_minus": 0.1}),
        (RSTDP, "tau_c", {"tau_c": 400.0}),
        (HEBBIAN, "learning_rate", {"learning_rate": 0.02}),
    ],
    ids=lambda value: value if isinstance(value, str) else value.get("rule"),
)
def test_factor_on_a_rule_is_a_larger_parameter(
    rule: dict[str, Any], target: str, params: dict[str, float]
) -> None:
    """Weights are float32, of the order of 1: 3e-6 is 25 of their last digits, for some 50 changes each."""
    modulated = change(rule, doubling(target), seed=4)
    as_if = change(rule | params, doubling(), seed=4)
    np.testing.assert_allclose(modulated, as_if, rtol=0, atol=3e-6)
    plain = change(rule, doubling(), seed=4)
    assert np.abs(modulated - plain).max() > 0.01  # so that the comparison says something


def test_signals_of_eligibility_traces_add_up() -> None:
    """The own modulator's signal, 4 (0.375 - 0.25) = 0.5, is as large as dopamine's, 2 (0.75 - 0.5)."""
    system = doubling("learning_rate")
    system.own.state.level = 0.375
    modulated = change(RSTDP, system, seed=5)
    np.testing.assert_allclose(
        modulated, change(RSTDP | {"learning_rate": 0.002}, doubling(), seed=5), rtol=0, atol=3e-6
    )
    assert np.abs(modulated).max() > 0.02


@pytest.mark.parametrize("target", ["noise", "gain"])
def test_factor_on_the_drive_is_a_larger_weight(target: str) -> None:
    """Background drive and noise alone; products with 2 are exact, so potentials agree to the last bit."""

    def potentials(system: NeuromodulationSystem, weight: float) -> bytes:
        area = {"name": "A", "coord_ranges": {"x": [0, 49], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}
        drive = {"rate": 500.0, "weight": weight}
        sim = Simulation(
            BrainModel(config={"lattice_shape": [50, 1, 1, 1], "areas": [area], "background_drive": drive}),
            seed=7,
            neuromodulation=system,
        )
        sim.initialize_neurons()
        sim.run(50)
        assert sim.model.neurons.spike_count.sum() == 0
        assert np.ptp(sim.model.neurons.v_membrane) > 0.1
        return sim.model.neurons.v_membrane.tobytes()

    system, plain = doubling(target), doubling()
    for each in (system, plain):
        each.norepinephrine.state.decay_rate = 0.0
        each.norepinephrine.state.level = 0.0  # gain 1
    assert potentials(system, 0.125) == potentials(plain, 0.25) != potentials(plain, 0.125)
