"""Tables, reprs and copies of small and of uncommon objects: nothing in them, other units, names that mislead."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from test_notebook_views import shown

from neuromod import RateSource, RescorlaWagner, Simulation, SpikeMonitor, TDCritic
from neuromod.closed import Closed, read_only
from neuromod.notebook import html_of
from neuromod.one_synapse import ShortTermSynapse


def test_a_projection_that_is_removed_says_so_and_one_of_that_name_does_not() -> None:
    sim = Simulation(seed=1)
    a = sim.create(3, name="A")
    p = sim.connect(a, a, probability=1.0, weight=0.5, name="removed")
    assert "name removed" in shown(p) and "synapses 6" in shown(p)
    sim.remove_projection("removed")
    assert shown(p).endswith("removed yes")


def test_a_projection_without_synapses_has_no_mean() -> None:
    sim = Simulation(seed=1)
    a = sim.create(3, name="A")
    words = shown(sim.connect(a, a, probability=0.0, weight=0.5))
    assert "synapses 0" in words and "weights" not in words and "delay" not in words


def test_a_population_that_has_died_out_has_no_ids() -> None:
    sim = Simulation(seed=1)
    a = sim.create(2, name="A")
    for number in a.ids.tolist():
        sim.model.remove_neuron(number)
    words = shown(a)
    assert "name A" in words and "neurons 0" in words and "ids" not in words and "column" not in words


def test_a_population_of_two_models_has_no_columns() -> None:
    sim = Simulation(seed=1)
    both = sim.create(2, "lif", name="A") + sim.create(2, "adex", name="B")
    words = shown(both)
    assert "model lif, adex" in words and "ids 0 to 3" in words and "v_membrane" not in words


def test_sources_have_no_current() -> None:
    words = shown(Simulation(seed=1).create(2, "poisson", name="A", rate=5.0))
    assert "rate 5 5 5 Hz" in words and "i_offset" not in words and "drive_rate" not in words


def test_a_source_of_rates_has_no_unit() -> None:
    sim = Simulation(seed=1)
    words = shown(RateSource(sim, sim.create(2, "poisson", name="A"), [1.0, 2.0], interval=5.0))
    assert "neurons 2" in words and "acts yes" in words and "unit" not in words


@pytest.mark.parametrize("critic", [TDCritic(0.5, 0.9), RescorlaWagner(0.5)])
def test_a_critic_shows_its_values(critic: Any) -> None:
    assert "learning rate 0.5" in shown(critic) and "key value" not in shown(critic)
    critic.update("<a>", 1.0)
    assert "key value '<a>' 0.5" in shown(critic)


def test_mappings_of_other_things_are_names_and_reprs() -> None:
    from neuromod.closed import ReadOnly

    assert "name value a 3 b 'x'" in shown(ReadOnly({"a": 3, "b": "x"}, "things"))


def test_what_has_no_rows_is_its_repr() -> None:
    class Own(Closed):
        def __repr__(self) -> str:
            return "Own(<3>)"

    assert html_of(Own()) == "<pre>Own(&lt;3&gt;)</pre>"
    assert html_of(3) == "<pre>3</pre>"


def test_a_run_in_its_callback_is_shown_without_weights() -> None:
    """While a run is on, the weights are not read; between its pieces they are."""
    sim = Simulation(seed=1)
    a = sim.create(3, name="A")
    p = sim.connect(a, a, probability=1.0, weight=0.5, rule="stdp")
    seen: list[str] = []
    sim.every(1.0, lambda _: seen.append(shown(p)))
    sim.run(2)
    assert len(seen) == 2 and all("synapses 6" in words and "weights mean" not in words for words in seen)
    assert "weights mean" in shown(p)


def test_attributes_are_not_deleted() -> None:
    sim = Simulation(seed=1)
    with pytest.raises(AttributeError, match=r"Simulation\.dt: must not be deleted"):
        del sim.dt
    monitor = SpikeMonitor(sim)
    monitor._mine = 3
    del monitor._mine
    assert not hasattr(monitor, "_mine")


def test_copies_of_what_is_read_only_are_plain() -> None:
    fixed = read_only({"areas": [{"name": "V1"}, {"name": "A1"}]})
    for value, kind in ((fixed, dict), (fixed["areas"], list)):
        for made in (copy.copy(value), copy.deepcopy(value)):
            assert type(made) is kind and made == value
        again = pickle.loads(pickle.dumps(value))
        assert type(again) is type(value) and again == value
    assert type(copy.copy(fixed)["areas"]) is type(fixed["areas"])
    assert type(copy.deepcopy(fixed["areas"])[0]) is dict


def test_a_synapse_with_short_term_plasticity_says_what_it_is() -> None:
    words = repr(ShortTermSynapse(U=0.5, tau_rec=800.0, tau_facil=0.0))
    assert words == "ShortTermSynapse(U=0.5, tau_rec=800 ms, tau_facil=0 ms)"
