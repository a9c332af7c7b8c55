"""Words of NEST, Brian 2 and PyNN on our objects: the message has the word that is meant here."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import neuromod
from neuromod import (
    ConfigError,
    NeuromodulationSystem,
    Simulation,
    SpikeMonitor,
    StateMonitor,
    create_neuromodulation_system,
)
from neuromod._core import neuron_models, plasticity_rules
from neuromod.closed import Closed
from neuromod.problems import NAMES, did_you_mean, nearest, said_of


def rig() -> dict[str, Any]:
    system = NeuromodulationSystem()
    sim = Simulation(dt=0.1, seed=1, neuromodulation=system)
    cells = sim.create(10, "lif", name="E")
    return {
        "neuromod": neuromod,
        "sim": sim,
        "E": cells,
        "p": sim.connect(cells, cells, in_degree=2, weight=0.1),
        "spikes": SpikeMonitor(sim, cells),
        "states": StateMonitor(sim, "v_membrane", cells),
        "system": system,
        "norepinephrine": system.norepinephrine,
    }


@pytest.mark.parametrize(
    ("owner", "name", "said"),
    [
        ("E", "set", "assign it, as in E.v_threshold"), ("E", "get", "read it, as in E.v_threshold"),
        ("E", "weight", "sim.projections[name].weight"), ("E", "record", "SpikeMonitor(sim, ids)"),
        ("E", "size", "len(E)"), ("E", "V_m", "'v_membrane'"), ("E", "t_ref", "'refractory_period'"),
        ("p", "get", "projection.weight"), ("p", "set", "projection.weight = 0.2"), ("p", "w", "'weight'"),
        ("p", "source", "'pre_id'"), ("p", "j", "'post_id'"), ("p", "delays", "'delay'"),
        ("sim", "simulate", "'run'"), ("sim", "Create", "'create'"), ("sim", "Connect", "'connect'"),
        ("sim", "SetStatus", "assign the attribute"), ("sim", "GetConnections", "sim.projections[name]"),
        ("sim", "ResetKernel", "sim.reset()"), ("sim", "t", "'time'"), ("sim", "record", "SpikeMonitor(sim, ids)"),
        ("sim", "dopamine", "sim.neuromodulation.dopamine"), ("sim", "populaitons", "'populations'"),
        ("spikes", "events", "time and id"), ("spikes", "times", "'time'"), ("spikes", "senders", "'id'"),
        ("spikes", "n_events", "'count'"), ("spikes", "get_data", "to_pandas()"), ("spikes", "i", "'id'"),
        ("states", "events", "time and values"), ("states", "V_m", "values"), ("states", "v_membrane", "values"),
        ("neuromod", "Create", "sim.create(n, model"), ("neuromod", "Connect", "sim.connect(pre, post"),
        ("neuromod", "simulate", "sim.run(ms="), ("neuromod", "NeuronGroup", "sim.create(n, model"),
        ("neuromod", "Synapses", "sim.connect"), ("neuromod", "PopulationRateMonitor", "RateMonitor(sim"),
        ("neuromod", "SpikeMonitr", "'SpikeMonitor'"), ("neuromod", "run", "sim.run(ms="),
        ("system", "noradrenaline", "'norepinephrine'"), ("norepinephrine", "level", ".state.level"),
        ("norepinephrine", "tau", ".state.tau"),
    ],
)  # fmt: skip
def test_an_attribute_of_another_simulator_is_answered_with_ours(owner: str, name: str, said: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(rig()[owner], name)
    assert name in str(caught.value) and said in str(caught.value)
    assert not hasattr(rig()[owner], name)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("iaf_psc_alpha", "no model has alpha synapses"), ("parrot_neuron", "same spikes to all their targets"),
        ("multimeter", "StateMonitor(sim, variable, ids)"), ("spike_recorder", "SpikeMonitor(sim, ids)"),
        ("dc_generator", "i_offset"), ("aeif_cond_exp", "nearest is 'adex'"), ("aeif_psc_exp", "'adex'"),
        ("IF_curr_exp", "'lif'"), ("EIF_cond_exp_isfa_ista", "nearest is 'adex'"), ("hh_psc_alpha", "there is none"),
        ("perfect", "neuromod guide extending says how to write a neuron model"),
        ("SpikeSourcePoisson", "'poisson'"), ("fil", "'lif'"),
    ],
)  # fmt: skip
def test_a_model_of_another_simulator_is_answered_with_ours(model: str, said: str) -> None:
    sim = Simulation(seed=1)
    with pytest.raises(ConfigError) as caught:
        sim.create(5, model)
    assert model in str(caught.value) and said in str(caught.value).split("got ")[1]
    assert not sim.populations


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("stdp_dopamine_synapse", "'rstdp'"), ("tsodyks_synapse", "short_term="), ("stdp_synapse", "'stdp'"),
        ("vogels_sprekeler_synapse", "'istdp'"), ("static_synapse", "'none'"),
    ],
)  # fmt: skip
def test_a_rule_of_another_simulator_is_answered_with_ours(rule: str, said: str) -> None:
    sim = Simulation(seed=1)
    cells = sim.create(5)
    with pytest.raises(ConfigError) as caught:
        sim.connect(cells, cells, in_degree=2, weight=0.1, rule=rule)
    assert said in str(caught.value).split("got ")[1]
    assert "hebb_like" not in str(caught.value)  # another name of a rule that is in the list


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("sim.run(t=100)", "'ms'"), ("sim.run(duration=100)", "'ms'"), ("sim.run(simtime=100)", "'ms'"),
        ("Simulation(resolution=0.1)", "'dt'"), ("Simulation(timestep=0.1)", "'dt'"),
        ("StateMonitor(sim, 'v_membrane', record=True)", "'ids'"),
        ("sim.create(5, 'lif', params={'tau_m': 10.0})", "by its name"),
        ("sim.create(5, 'lif', C_m=250.0)", "pA divided by C_m / tau_m"),
        ("sim.create(5, 'adex', C_m=1.0)", "'capacitance'"),
        ("sim.create(5, 'lif', E_ex=0.0)", "'lif_cond'"), ("sim.create(5, 'lif_cond', E_ex=0.0)", "'e_rev_excitatory'"),
        ("sim.create(5, 'lif', {'tau_m': 10.0})", "create(n, model, **{...})"),
        ("sim.create(5, 'lif', 'E')", "no more than 2 arguments by position; got 'E'"),
        ("sim.create('lif', 5)", "the number comes first, create(5, 'lif')"),
        ("sim.run(1, None, None, None, 5)", "run: must have no more than 4 arguments by position; got 5"),
        ("sim.create(5, 'poisson', rate=20000.0)", "drive"),
        ("sim.create(5, name='E')", "sim.populations['E'] is there; a new Simulation"),
    ],
)  # fmt: skip
def test_arguments_of_another_simulator_are_answered_with_ours(code: str, said: str) -> None:
    there = {**rig(), "Simulation": Simulation, "StateMonitor": StateMonitor}
    with pytest.raises((TypeError, ValueError)) as caught:
        eval(code, there)
    assert said in str(caught.value)


def test_a_level_is_set_in_the_state_or_held_by_the_system() -> None:
    system = create_neuromodulation_system({"orexin": {}})
    for name in system.names:
        with pytest.raises(AttributeError, match=rf"is read-only; {name}\.state\.level = .*clamp\({name}="):
            setattr(system, name, 0.7)
        with pytest.raises(AttributeError, match=r"level: no such attribute; it is \.state\.level; clamp"):
            getattr(system, name).level = 0.7


def test_a_name_that_counts_is_there() -> None:
    """No hint leads to a model, a rule or an attribute that there is not."""
    for name, model in {"iaf_psc_exp": "lif", "iaf_cond_exp": "lif_cond", "aeif_psc_exp": "adex"}.items():
        assert NAMES[name] == model and model in neuron_models()
    known = {*neuron_models(), *plasticity_rules(), "none"}
    models = [word for word in NAMES if word.endswith(("_synapse", "_generator")) or word.startswith("iaf_")]
    assert models and {NAMES[word] for word in models} <= known


def test_words_with_one_meaning_are_not_compared_by_letters() -> None:
    assert nearest("aeif_cond_exp", ["lif_cond"]) is None
    assert did_you_mean("aeif_cond_exp", ["lif_cond"]).startswith("; nearest is 'adex'")
    assert said_of("set") is None and said_of("set", ("Population",)) is not None
    assert nearest("set", ["reset"]) == "reset"


def test_what_a_property_raises_is_not_hidden() -> None:
    class Clock(Closed):
        @property
        def dt(self) -> float:
            raise AttributeError("dt: is not known yet")

    with pytest.raises(AttributeError, match=r"^dt: is not known yet$"):
        Clock().dt  # noqa: B018


def test_copies_and_pickles_do_not_ask_in_vain() -> None:
    sim = rig()["sim"]
    assert pickle.loads(pickle.dumps(sim)).digest() == copy.deepcopy(sim).digest() == sim.digest()
    with pytest.raises(AttributeError, match=r"^_repr_png_$"):
        sim._repr_png_  # noqa: B018
