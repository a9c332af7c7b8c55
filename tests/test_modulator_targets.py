"""What modulators act on, in a simulation: a factor of 2 on a target is a parameter twice as large."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plastic_network import random_network
from test_c import compiler

from neuromod import BrainModel, NeuromodulationSystem, Simulation, _core, create_neuromodulation_system

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


ON_RULES: list[tuple[dict[str, Any], str, dict[str, float]]] = [
    (STDP, "learning_rate", {"learning_rate": 2.0}),
    (STDP, "ltp", {"a_plus": 0.02}),
    (STDP, "ltd", {"a_minus": 0.016}),
    (RSTDP, "ltp", {"a_plus": 0.2}),
    (RSTDP, "ltd", {"a_minus": 0.1}),
    (RSTDP, "tau_c", {"tau_c": 400.0}),
    (HEBBIAN, "learning_rate", {"learning_rate": 0.02}),
]


@pytest.mark.parametrize(
    ("rule", "target", "params"),
    ON_RULES,
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


# ---- inputs and thresholds -----------------------------------------------------------------------------------

BACKGROUND = {"events": 0.125, "noise": 0.5, "noise_uniform": 0.75}  # what neurons get of their own, mV
INPUTS = {**BACKGROUND, "current": 0.375, "synapses": 0.25}
ON_INPUTS = {
    "noise": tuple(BACKGROUND),
    "gain": tuple(INPUTS),
}  # target -> the inputs that its factor multiplies


def without_effect(system: NeuromodulationSystem) -> NeuromodulationSystem:
    """Norepinephrine and serotonin at level 0: a gain of 1, a rise of 0."""
    for modulator in (system.norepinephrine, system.serotonin):
        modulator.state.decay_rate = 0.0
        modulator.state.level = 0.0
    return system


def potentials(system: NeuromodulationSystem, v_threshold: float = 1e9, **larger: float) -> bytes:
    """50 cells after 50 steps of all INPUTS at once, each times its factor in `larger` (1)."""
    size = {name: mv * larger.get(name, 1.0) for name, mv in INPUTS.items()}
    ranges = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    config = {
        "lattice_shape": [60, 1, 1, 1],
        "areas": [
            {"name": "S", "coord_ranges": {"x": [0, 9], **ranges}, "model": "spike_source"},
            {"name": "A", "coord_ranges": {"x": [10, 59], **ranges}, "params": {"v_threshold": v_threshold}},
        ],
        "background_drive": {
            "rate": 500.0,
            "weight": size["events"],
            "noise": size["noise"],
            "noise_uniform": size["noise_uniform"],
        },
    }
    sim = Simulation(BrainModel(config=config), seed=7, neuromodulation=without_effect(system))
    ids = sim.initialize_neurons()
    sim.connect("S", "A", in_degree=4, weight=size["synapses"], delay=1, rule="none")
    sim.set_spike_times(np.tile(ids[:10], 12), np.repeat(np.arange(1.0, 49.0, 4.0), 10))
    sim.run(50, input=np.full((50, 60), size["current"]))
    return sim.model.neurons.v_membrane[10:].tobytes()


@pytest.mark.parametrize("target", ON_INPUTS)
def test_factor_on_inputs_multiplies_those_of_its_target_alone(target: str) -> None:
    """Products with 2 are exact, so potentials agree to the last bit. Noise is of the background; gain of all."""
    as_if = potentials(doubling(), **dict.fromkeys(ON_INPUTS[target], 2.0))
    assert potentials(doubling(target)) == as_if


def test_each_input_acts() -> None:
    """So that the comparison above says something of each."""
    assert len({potentials(doubling(), **{name: 2.0}) for name in INPUTS} | {potentials(doubling())}) == 6


def test_rise_is_a_higher_threshold() -> None:
    """`doubling` makes a rise of 1, which takes a threshold of -60 mV to 0 mV."""
    strong = {"current": 150.0}
    raised = potentials(doubling("threshold"), v_threshold=-60.0, **strong)
    assert raised == potentials(doubling(), v_threshold=0.0, **strong)
    assert raised != potentials(doubling(), v_threshold=-60.0, **strong)


# ---- the list of targets -------------------------------------------------------------------------------------


def test_every_target_is_tested_above() -> None:
    assert {*(target for _, target, _ in ON_RULES), *ON_INPUTS, "threshold"} == set(_core.target_names())


def with_a_new_target(checkout: Path, folder: Path) -> Path:
    """A copy of csrc with one more line in NM_TARGET_LIST."""
    csrc = Path(shutil.copytree(checkout / "csrc", folder / "csrc"))
    header, before = csrc / "nm_modulator.h", "    X(NM_TAU_C, tau_c,"
    text = header.read_text()
    assert text.count(before) == 1
    header.write_text(text.replace(before, "    X(NM_FRESH, fresh, NM_FACTOR, 0.0) \\\n" + before))
    return csrc


def compiled(csrc: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Whether files of csrc compile; nothing is written."""
    cc = compiler()
    if cc is None:
        pytest.skip("no C compiler")
    command = [
        cc,
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsyntax-only",
        *(str(csrc / name) for name in names),
    ]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("tau_c", [0.5, 20.0, 1000.0])
def test_a_trace_that_a_modulator_shortens_stays_finite(tau_c: float) -> None:
    """To a tenth at most: what it does then is what a rule with a tenth of tau_c does. Rare arrivals: long gaps."""
    declared = {
        "response": {"linear": {"strength": -1.0}},
        "targets": ["tau_c"],
        "baseline": 1.0,
        "decay_rate": 0.0,
    }
    found = []
    for own, modulators in ((tau_c, {"other": declared}), (tau_c / 10.0, {})):
        system = create_neuromodulation_system({"dopamine": {}, **modulators})
        system.clamp(dopamine=0.8)
        sim = Simulation(seed=1, dt=1.0, neuromodulation=system)
        cells = [sim.create(40, "poisson", rate=rate) for rate in (0.5, 30.0)]
        rule = {"rule": "rstdp", "tau_c": own, "learning_rate": 1.0 / tau_c, "weight_max": 1e6}
        p = sim.connect(*cells, probability=1.0, weight=50.0, rule=rule, synapse_type="excitatory")
        sim.run(8000)
        found.append(p.weight.copy())
    assert np.ptp(found[0]) > 1e-3
    np.testing.assert_allclose(found[0], found[1], rtol=2e-6)


def test_a_target_that_acts_nowhere_does_not_compile(checkout: Path, tmp_path: Path) -> None:
    done = compiled(with_a_new_target(checkout, tmp_path), "nm_sim.c")
    assert done.returncode != 0
    assert "say where the new target acts" in done.stderr


def test_a_target_that_acts_needs_no_other_place(checkout: Path, tmp_path: Path) -> None:
    csrc = with_a_new_target(checkout, tmp_path)
    engine = (csrc / "nm_sim.c").read_text()
    for was, becomes in (
        ("_Static_assert((", "_Static_assert((NM_ON(NM_FRESH) | "),
        (
            "amplify(current, block->n, factors.gain)",
            "amplify(current, block->n, factors.gain * factors.fresh)",
        ),
    ):
        assert engine.count(was) == 1
        engine = engine.replace(was, becomes)
    (csrc / "nm_sim.c").write_text(engine)
    done = compiled(csrc, "nm_sim.c", "nm_levels.c", "nm_response.c", "nm_plasticity.c", "nm_lazy.c")
    assert done.returncode == 0, done.stderr
