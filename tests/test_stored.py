"""States in memory: what follows a `restore` is what followed the `store`, to the bit."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from random_models import simulation_of
from test_files import assert_same_records, monitors_on, small

from neuromod import NeuromodWarning, OUCurrent, RateSource, Simulation, SpikeMonitor
from neuromod.beginning import Beginning
from neuromod.errors import NumericalError
from neuromod.network.store import SynapseStore

FIRST = int(os.environ.get("NEUROMOD_FUZZ_SEED", "0"))
MODELS = int(os.environ.get("NEUROMOD_FUZZ_MODELS", "12"))


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore:run. the network has no neurons")
@pytest.mark.parametrize("seed", range(FIRST, FIRST + MODELS))
def test_any_simulation_goes_back(seed: int) -> None:
    """After what a user may write meanwhile, with its monitors, and more than once."""
    sim, plain = simulation_of(seed), simulation_of(seed)
    mine, theirs = monitors_on(sim), monitors_on(plain)
    try:
        sim.run(5), plain.run(5)
        before = sim.digest()
        sim.store("here")
        assert sim.digest() == before
        sim.run(25)
        write_everywhere(sim)
        sim.run(10)
        late = SpikeMonitor(sim)
        sim.run(3)
        sim.restore("here")
        assert sim.digest() == before and late.count == 0
        sim.run(7)
        sim.restore("here")
        sim.run(20), plain.run(20)
    except NumericalError:  # a random model may diverge
        return
    assert sim.digest() == plain.digest()
    assert_same_records(mine, theirs)


def write_everywhere(sim: Any) -> None:
    model = sim.model
    if len(model.neurons):
        model.neurons.drive_weight[:] *= 1.5
    for each in sim.projections.values():
        each.weight[:] = each.weight * np.float32(0.5)
        if each.rule is not None:
            each.learning = not each.learning
        each.plasticity_tag[:] = 2.0
    if sim.neuromodulation is not None:
        sim.neuromodulation.process_reward(0.3, 0.9)
        sim.neuromodulation.dopamine.state.baseline = 0.25
        sim.neuromodulation.add_release("dopamine", list(model._areas.names)[:1], 0.01)


def test_handed_out_views_and_columns_stay_the_network_s() -> None:
    sim = small()
    neuron, projection, synapse = sim.model.neurons[0], sim.projections["p"], sim.model.synapses[3]
    sim.store()
    v, weight = neuron.v_membrane, synapse.weight
    sim.run(30)
    projection.weight[:] = 0.125
    sim.restore()
    assert (neuron.v_membrane, synapse.weight) == (v, weight)
    neuron.v_membrane = -60.0
    assert sim.model.neurons.v_membrane[0] == -60.0 and sim.projections["p"] is projection


def test_a_reset_after_going_back_is_that_of_before() -> None:
    sim, plain = small(), small()
    sim.store()
    sim.run(10)
    sim.restore()
    for each in (sim, plain):
        each.reset(weights=True, parameters=True)
        each.run(20)
    assert sim.digest() == plain.digest()


def test_another_network_is_refused() -> None:
    sim = small()
    sim.store()
    sim.model.add_neuron(19, 19, 19, 19)
    before = sim.digest()
    with pytest.raises(RuntimeError, match="restore: needs the neurons, synapses and rules"):
        sim.restore()
    assert sim.digest() == before


def test_unknown_names_and_runs_are_refused() -> None:
    sim = small()
    with pytest.raises(ValueError, match="name: must be that of a stored state, none yet; got 'default'"):
        sim.restore()
    sim.store("first")
    with pytest.raises(ValueError, match="did you mean 'first'"):
        sim.restore("frist")
    with pytest.raises(TypeError, match="name: must be a str"):
        sim.store(3)  # type: ignore[arg-type]
    for call in (sim.store, sim.restore):
        with (
            pytest.raises(RuntimeError, match="must wait until the run is over"),
            sim.every(
                5.0,
                lambda _, call=call: call("first"),  # type: ignore[misc]
            ),
        ):
            sim.run(10)


@pytest.mark.parametrize("call", ["reset", "restore"])
@pytest.mark.filterwarnings("ignore:reset. . monitors? ends?;")
def test_what_fails_half_way_is_done_by_the_next_call(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For want of memory, say. In between all else is refused; before, the network went on from a state of its own."""
    sim, plain = small(), small()
    for each in (sim, plain):
        each.store()
        each.run(20)
    mine, theirs = monitors_on(sim), monitors_on(plain)
    for each in (sim, plain):
        each.run(10)
    back: Any = {"reset": lambda s: s.reset(weights=True), "restore": lambda s: s.restore()}[call]
    owner: Any = {"reset": Beginning, "restore": SynapseStore}[call]

    def fails(*_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(owner, {"reset": "restore", "restore": "forget_tags"}[call], fails)
        with pytest.raises(MemoryError):
            back(sim)
    for refused in (sim.digest, sim.step, sim.to_dict, sim.copy, sim.store):
        with pytest.raises(
            RuntimeError, match=f"{call}: was left half done, for want of memory; call it again"
        ):
            refused()
    back(sim)
    back(plain)
    assert sim.digest() == plain.digest()
    sim.run(30), plain.run(30)
    assert sim.digest() == plain.digest()
    if call == "restore":
        assert_same_records(mine, theirs)


def test_sources_are_still_those_that_the_user_has() -> None:
    """Others came in their place: `is_on` was False, `value` stood still, and `remove` did nothing."""
    sim = Simulation(seed=1)
    sim.create(5, "lif", name="E")
    sim.create(5, "poisson", name="P")
    noise = OUCurrent(sim, "E", mean=2.0, sd=1.0, tau=5.0)
    rates = RateSource(sim, "P", [0.0, 50.0], interval=4.0, repeat=True)
    sim.run(3)
    sim.store()
    before, value = sim.digest(), noise.value
    sim.run(4)
    rates.remove()
    later = OUCurrent(sim, "E", mean=1.0, sd=1.0, tau=5.0)
    sim.restore()
    assert sim.digest() == before and np.array_equal(noise.value, value)
    assert (noise.is_on, rates.is_on, later.is_on) == (True, True, False)
    sim.run(4)
    assert not np.array_equal(noise.value, value)
    noise.remove()
    rates.remove()
    assert not sim._session.bound().sources and not sim._session.agenda.rates


def test_records_of_before_a_reset_stay() -> None:
    """Those of monitors that had ended were taken for later ones, and were lost."""
    sim = Simulation(seed=1)
    sim.create(5, "lif", name="E", drive={"rate": 3000.0, "weight": 2.0})
    ended, late = SpikeMonitor(sim), SpikeMonitor(sim)
    sim.run(50)
    ended.stop()
    with pytest.warns(NeuromodWarning, match="1 monitor ends"):
        sim.reset()
    before = ended.step.tolist()
    sim.run(5)
    sim.store()
    sim.run(5)
    sim.restore()
    assert ended.step.tolist() == late.step.tolist() == before and len(before) > 20
