"""`csrc/neuron_lif_nmda_gaba_b.c` against closed forms, a fine Runge-Kutta solution, and its twin in `oracle.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from neuron_rig import Rig, assert_like_oracle, levels

from neuromod import BrainModel, Simulation

MODEL = "lif_nmda_gaba_b"
REST = -70.0


def dual(t: Any, rise: float, decay: float) -> Any:
    """A conductance of maximum 1; the maximum by search, not by formula."""

    def shape(at: Any) -> Any:
        return np.exp(-at / decay) - np.exp(-at / rise)

    return shape(t) / shape(np.linspace(0, 10 * decay, 2_000_001)).max()


@pytest.mark.parametrize(
    ("port", "rise", "decay", "rest_of"), [("nmda", 4.0, 40.0, "gaba_b"), ("gaba_b", 60.0, 200.0, "nmda")]
)
@pytest.mark.parametrize("dt", [0.1, 1.0, 5.0])
def test_a_spike_gives_its_port_the_conductance_of_the_paper(
    port: str, rise: float, decay: float, rest_of: str, dt: float
) -> None:
    rig = Rig(MODEL, dt=dt, weights={"nmda": 0.5, "gaba_b": 0.5}, v_threshold=100.0)
    rig.pulse(rig.wires[port], [2])
    steps = round(200 / dt)
    got = rig.run(0.0, steps=steps)
    g = (got[f"g_decay_{port}"] - got[f"g_rise_{port}"])[1:, 0]
    np.testing.assert_allclose(g, 0.5 * dual(dt * np.arange(steps - 1), rise, decay), atol=1e-9)
    assert not got[f"g_decay_{rest_of}"].any()
    assert not got["g_syn_excitatory"].any()


def test_the_largest_conductance_is_the_weight() -> None:
    rig = Rig(MODEL, dt=0.01, weights={"nmda": 2.0, "gaba_b": 0.0}, v_threshold=100.0)
    rig.pulse(rig.wires["nmda"], [2])
    got = rig.run(0.0, steps=3000)
    g = (got["g_decay_nmda"] - got["g_rise_nmda"])[:, 0]
    assert g.max() == pytest.approx(2.0, rel=1e-6)
    assert (np.argmax(g) - 1) * 0.01 == pytest.approx(4 * 40 / 36 * math.log(10), abs=0.011)


@pytest.mark.filterwarnings("ignore:.*did you mean seconds:neuromod.NeuromodWarning")
@pytest.mark.parametrize("v", [-80.0, -60.0, -40.0, -20.0, 20.0])
def test_magnesium_blocks_nmda_as_jahr_and_stevens_say(v: float) -> None:
    """A membrane of 1e-6 ms is at its equilibrium in every step: from it the conductance that acts is read off."""
    rig = Rig(
        MODEL, dt=0.001, weights={"nmda": 4.0}, v_threshold=1e3, tau_m=1e-9, v_rest=v, e_rev_nmda=v + 1e-3
    )
    rig.pulse(rig.wires["nmda"], [2])
    got = rig.run(0.0, steps=9000)
    g = (got["g_decay_nmda"] - got["g_rise_nmda"])[-2, 0]
    moved = got["v_membrane"][-1, 0] - v  # g B / (1 + g B) of 1e-3 mV
    block = moved / (1e-3 - moved) / g
    assert block == pytest.approx(1 / (1 + math.exp(-0.062 * v) / 3.57), rel=1e-3)


def test_without_magnesium_nmda_is_linear() -> None:
    """With mg = 0 and equal times NMDA and GABA_B differ in nothing but the reversal potential."""
    times = {
        f"tau_{part}_{port}": t for part, t in (("rise", 3.0), ("decay", 30.0)) for port in ("nmda", "gaba_b")
    }
    common = {**times, "mg": 0.0, "e_rev_nmda": -20.0, "e_rev_gaba_b": -20.0, "v_threshold": 100.0}
    found = []
    for port in ("nmda", "gaba_b"):
        rig = Rig(MODEL, weights={"nmda": 0.75, "gaba_b": 0.75}, **common)
        rig.pulse(rig.wires[port], [2, 5, 40])
        found.append(rig.run(0.0, steps=100)["v_membrane"][:, 0])
    np.testing.assert_allclose(*found, rtol=0, atol=1e-11)
    assert found[0].max() > REST + 10


def slope(t: float, v: float) -> float:
    """AMPA 2, GABA_A 1, NMDA 4 and GABA_B 2, all started at 0."""
    peaks = {"nmda": 4 * 40 / 36 * math.log(10), "gaba_b": 60 * 200 / 140 * math.log(200 / 60)}
    times = {"nmda": (4.0, 40.0), "gaba_b": (60.0, 200.0)}

    def g(port: str, at: float) -> float:
        rise, decay = times[port]
        return math.exp(-at / decay) - math.exp(-at / rise)

    nmda, gaba_b = (g(port, t) / g(port, peaks[port]) for port in times)
    block = 1 / (1 + math.exp(-0.062 * v) / 3.57)
    fast = 2 * math.exp(-t / 2) * (0 - v) + math.exp(-t / 7) * (-70 - v)
    return (REST - v + fast + 4 * nmda * block * (0 - v) + 2 * gaba_b * (-90 - v)) / 20


def errors(dt: float) -> float:
    """Largest error of v over 60 ms after a spike at every port."""
    weights = {"nmda": 4.0, "gaba_b": 2.0}
    rig = Rig(MODEL, dt=dt, v_threshold=100.0, weight_exc=2.0, weight_inh=1.0, weights=weights)
    for wire in rig.wires.values():
        rig.pulse(wire, [2])
    got = rig.run(0.0, steps=round(60 / dt) + 2)["v_membrane"][1:, 0]
    v, exact, h = REST, [], 1 / 256
    for k in range(len(got)):
        for i in range(round(dt / h) if k else 0):
            t = (k - 1) * dt + i * h
            a = slope(t, v)
            b = slope(t + h / 2, v + h / 2 * a)
            c = slope(t + h / 2, v + h / 2 * b)
            v += h / 6 * (a + 2 * b + 2 * c + slope(t + h, v + h * c))
        exact.append(v)
    return float(np.max(np.abs(got - exact)))


def test_error_is_of_second_order() -> None:
    coarse, middle, fine = errors(1.0), errors(0.5), errors(0.125)
    assert coarse < 0.2
    assert coarse / middle == pytest.approx(4.0, rel=0.2)
    assert middle / fine == pytest.approx(16.0, rel=0.2)


def test_serotonin_raises_the_threshold() -> None:
    """At 22 mV the neuron settles at -48 mV: above -50, below -50 + 0.06 * 50 = -47 mV."""
    spikes = [
        Rig(MODEL, neuromodulation=levels(serotonin=rise)).run(22.0, steps=200)["fired"].sum()
        for rise in (0.0, 0.06)
    ]
    assert spikes[0] > 0
    assert spikes[1] == 0


@pytest.mark.parametrize("dt", [0.1, 1.0, 2.3])
def test_like_its_oracle(dt: float) -> None:
    assert_like_oracle("lif_nmda_gaba_b", dt=dt, strength=32.0, tolerance=1e-10, tau_m=12.0, v_reset=-63.0)


# ---- ports, which this model shows -----------------------------------------------------------------------------


def network() -> Simulation:
    config: dict[str, Any] = {
        "lattice_shape": [40, 1, 1, 1],
        "areas": [
            {
                "name": "slow",
                "coord_ranges": {"x": [0, 19], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
                "model": MODEL,
            },
            {
                "name": "fast",
                "coord_ranges": {"x": [20, 39], "y": [0, 0], "z": [0, 0], "w": [0, 0]},
                "model": "lif",
            },
        ],
        "plasticity": {"rule": "none"},
    }
    sim = Simulation(BrainModel(config=config), seed=5)
    sim.initialize_neurons(["slow", "fast"])
    return sim


def test_a_port_that_a_target_lacks_is_refused() -> None:
    sim = network()
    how: dict[str, Any] = {"probability": 0.5, "weight": 0.5, "synapse_type": "excitatory"}
    with pytest.raises(
        ValueError, match="port: must be an input port of every target; lif has excitatory, inhibitory"
    ):
        sim.connect("slow", ["slow", "fast"], port="nmda", **how)
    with pytest.raises(
        ValueError, match="lif_nmda_gaba_b has excitatory, inhibitory, nmda, gaba_b; got 'nmdb'"
    ):
        sim.connect("slow", "slow", port="nmdb", **how)
    assert not sim.projections
    p = sim.connect("fast", "slow", port="nmda", **how)
    assert (p.port, p.synapse_type) == ("nmda", "excitatory")
    assert "port='nmda'" in repr(p)
    sim.run(5)


def test_ports_of_one_population_among_many() -> None:
    """A fault in the search for the population of a target had passed all tests of two populations."""
    sim = Simulation(seed=1)
    models = ["lif", MODEL, "lif", "lif", MODEL, "lif", MODEL, "lif"]
    groups = [sim.create(3, model, name=f"P{k}") for k, model in enumerate(models)]
    for k, model in enumerate(models):
        if model == MODEL:
            sim.connect(groups[0], groups[k], in_degree=2, weight=0.5, rule="none", port="nmda", name=f"W{k}")
    sim.run(2)
    assert len(sim.projections) == 3


@pytest.mark.parametrize(
    "how",
    [
        {"rule": "none"},
        {"rule": "none", "delay": {"uniform": [1, 40]}},  # pushed
        {"rule": "none", "weight": {"uniform": [0.1, 0.5]}, "synapse_type": "inhibitory"},
        {"rule": "none", "short_term": {"U": 0.5, "tau_rec": 80.0, "tau_facil": 20.0}},
        {"rule": "stdp"},
        {"rule": "hebbian", "delay": 3},
    ],
    ids=lambda how: "-".join(map(str, how.values())),
)
def test_whatever_the_delivery_and_the_rule_the_port_gets_it(how: dict[str, Any]) -> None:
    """With equal parameters NMDA and GABA_B get the same from the same synapses, and no other port gets anything."""
    found = {}
    for port, other in (("nmda", "gaba_b"), ("gaba_b", "nmda")):
        sim = network()
        sim.model.neurons.tau_rise_nmda, sim.model.neurons.tau_decay_nmda = 60.0, 200.0
        sim.model.neurons.mg = sim.model.neurons.e_rev_gaba_b = 0.0
        given = {"probability": 0.5, "weight": 0.5, "synapse_type": "excitatory", "port": port, **how}
        sim.connect("fast", "slow", **given)
        sim.run(80, input=np.full((80, 20), 25.0), input_ids=np.arange(20, 40))
        neurons = sim.model.neurons
        found[port] = getattr(neurons, f"g_decay_{port}")[:20].tolist()
        assert not getattr(neurons, f"g_decay_{other}")[:20].any()
        assert not neurons.g_syn_excitatory[:20].any()
        assert not neurons.g_syn_inhibitory[:20].any()
    assert max(found["nmda"]) > 0.1
    assert found["nmda"] == found["gaba_b"]


def test_a_saved_network_keeps_its_ports() -> None:
    sim = network()
    sim.connect(
        "fast", "slow", probability=0.5, weight=0.5, port="nmda", synapse_type="excitatory", name="slow ones"
    )
    again = Simulation.from_dict(sim.to_dict())
    assert again.projections["slow ones"].port == "nmda"
    old = sim.to_dict()
    for part in (old, old["model"]):  # as saved before there were ports, and sums
        del part["version"], part["sha256"]
    del old["model"]["state"]["projections"][0]["port"]
    assert Simulation.from_dict(old).projections["slow ones"].port == "excitatory"
