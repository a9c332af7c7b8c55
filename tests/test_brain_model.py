"""BrainModel: areas, neurons and synapses one by one, views and columns over them, growth, removal, state."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, ConfigError, Neuron, RemovedError, Simulation, Synapse


def line(n: int = 8, **sections: Any) -> BrainModel:
    """A lattice of n sites in a row: area A is its first half, area B its second."""
    half = {"y": [0, 0], "z": [0, 0], "w": [0, 0]}
    areas = [
        {"name": "A", "coord_ranges": {"x": [0, n // 2 - 1], **half}},
        {"name": "B", "coord_ranges": {"x": [n // 2, n - 1], **half}},
    ]
    return BrainModel(config={"lattice_shape": [n, 1, 1, 1], "areas": areas, **sections})


def filled(n: int = 8, **sections: Any) -> BrainModel:
    model = line(n, **sections)
    Simulation(model, seed=1).initialize_neurons()
    return model


def chain(n: int = 4) -> BrainModel:
    """Neurons 0 .. n - 1, each connected to the next with the weight (source + 1) / 8."""
    model = filled(n)
    for pre in range(n - 1):
        model.add_synapse(pre, pre + 1, weight=(pre + 1) / 8)
    return model


# ---- opening -----------------------------------------------------------------------------------------------


def test_shipped_configuration_opens_by_its_bare_name() -> None:
    model = BrainModel("brain_base_model.json")
    assert model.config["lattice_shape"] == [20, 20, 20, 20]
    assert {"V1_like", "A1_like"} <= {area["name"] for area in model.config["areas"]}


@pytest.mark.parametrize("given", [{}, {"config_path": "brain_base_model.json", "config": {}}])
def test_exactly_one_source_is_wanted(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="exactly one of config_path and config"):
        BrainModel(**given)


def test_config_stays_the_plain_dict_with_sections_of_others() -> None:
    model = line(other_tool={"keep": [1, 2]})
    assert isinstance(model.config, dict)
    assert json.loads(json.dumps(model.config)) == model.config
    assert model.config["other_tool"] == {"keep": [1, 2]}


def test_a_bad_configuration_names_every_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        line(neuron_model={"params_default": {"tau_m": -3.0}}, plasticity={"rule": "stpd"})
    message = str(caught.value)
    assert "neuron_model.params_default.tau_m: must be > 0 ms; got -3.0" in message
    assert "plasticity.rule" in message
    assert "'stdp'" in message


# ---- neurons -----------------------------------------------------------------------------------------------


def test_neuron_gets_its_areas_defaults_and_its_own_parameters() -> None:
    model = line(neuron_model={"type": "lif", "params_default": {"tau_m": 10.0}})
    neuron = model.add_neuron(5, 0, 0, 0, params={"v_threshold": -45.0})
    assert neuron.params["tau_m"] == 10.0
    assert neuron.params["v_threshold"] == -45.0
    assert neuron.v_membrane == neuron.params["v_rest"] == -65.0
    assert [n.id for n in model.get_area_neurons("B")] == [neuron.id]
    assert model.get_area_neurons("A") == []


@pytest.mark.parametrize(
    ("position", "options", "rule"),
    [
        ((8, 0, 0, 0), {}, "x: must be between 0 and 7; got 8"),
        ((0, -1, 0, 0), {}, "y: must be between 0 and 0; got -1"),
        ((1, 0, 0, 0), {}, "position: must be free"),
        ((0, 0, 0, 0), {"params": {"tau_m": 0.0}}, "params.tau_m: must be > 0 ms; got 0.0"),
        ((0, 0, 0, 0), {"params": {"tau": 1.0}}, "params.tau: unknown key"),
        ((0, 0, 0, 0), {"model": "lyf"}, "model: must be a neuron model"),
        ((0, 0, 0, 0), {"neuron_type": "both"}, "neuron_type: must be 'excitatory' or 'inhibitory'"),
    ],
)
def test_a_refused_neuron_changes_nothing(position: Any, options: dict[str, Any], rule: str) -> None:
    model = line()
    model.add_neuron(1, 0, 0, 0)
    before = model.to_dict()
    with pytest.raises(ValueError, match=rule):
        model.add_neuron(*position, **options)
    assert model.to_dict() == before


def test_unknown_area_names_the_nearest() -> None:
    with pytest.raises(
        ValueError, match="area: must be the name of an area; got 'V1_lik'; did you mean 'V1_like'"
    ):
        BrainModel("brain_base_model.json").get_area_neurons("V1_lik")


def test_density_fills_exactly_its_share_and_goes_on_with_free_sites() -> None:
    model = line(100)
    sim = Simulation(model, seed=3)
    first = sim.initialize_neurons(["A"], density=0.3)
    second = sim.initialize_neurons(["A"], density=1.0)
    assert (len(first), len(second)) == (15, 35)
    positions = {neuron.position() for neuron in model.neurons.values()}
    assert positions == {(x, 0, 0, 0) for x in range(50)}


def test_neurons_is_a_mapping_in_id_order() -> None:
    model = filled()
    assert list(model.neurons) == list(range(8))
    assert [n.id for n in model.neurons.values()] == list(range(8))
    assert 7 in model.neurons
    assert 8 not in model.neurons
    assert "a" not in model.neurons
    assert model.neurons.get(99) is None
    with pytest.raises(KeyError, match="never existed"):
        model.neurons[8]


def test_neuron_is_a_view_and_so_is_its_column() -> None:
    model = filled()
    neuron, column = model.neurons[2], model.neurons.v_membrane
    neuron.v_membrane = -55.0
    assert column[2] == -55.0
    column[2] = -52.0
    assert neuron.v_membrane == -52.0
    model.neurons.v_threshold += 1.0
    assert neuron.params["v_threshold"] == -49.0
    neuron.external_input = 3.0
    assert model.neurons.external_input.tolist() == [0.0, 0.0, 3.0] + [0.0] * 5


def test_params_is_a_live_mapping_with_get_item_and_update() -> None:
    params = filled().neurons[0].params
    params["v_threshold"] = params["v_threshold"] + 2.0
    assert params.get("v_threshold") == -48.0
    assert params.get("nothing", 7) == 7
    params.update(tau_m=15.0, v_reset=-66.0)
    assert (params["tau_m"], params["v_reset"]) == (15.0, -66.0)
    before = dict(params)
    with pytest.raises(ValueError, match=r"neurons\[0\].params.tau_m: must be > 0 ms; got -1"):
        params.update(v_rest=-60.0, tau_m=-1)
    with pytest.raises(KeyError, match="unknown key"):
        params["tau_n"] = 1.0
    assert dict(params) == before


def test_a_neuron_and_a_synapse_made_by_hand_stand_alone() -> None:
    neuron = Neuron(id=3, x=1, y=2, z=3, w=4)
    neuron.external_input = 2.5
    neuron.params["v_threshold"] = -45.0
    assert (neuron.id, neuron.position(), neuron.external_input) == (3, (1, 2, 3, 4), 2.5)
    assert (neuron.generation, neuron.parent_id, neuron.health, neuron.age) == (0, -1, 1.0, 0)
    assert neuron.last_spike_time == -np.inf
    synapse = Synapse(pre_id=0, post_id=1, weight=0.5, synapse_type="inhibitory")
    assert (synapse.get_effective_weight(), synapse.is_inhibitory()) == (-0.5, True)
    with pytest.raises(ValueError, match="weight: must be finite"):
        synapse.weight = np.nan
    assert synapse.weight == 0.5


# ---- synapses ----------------------------------------------------------------------------------------------


def test_synapse_is_a_view_and_the_column_is_the_fast_form_of_the_loop() -> None:
    model = chain()
    for synapse in model.synapses:
        synapse.weight += 0.5
    model.synapses.weight += 0.25
    assert model.synapses.weight.tolist() == [0.875, 1.0, 1.125]
    assert [s.weight for s in model.synapses] == [0.875, 1.0, 1.125]


def test_synapses_is_a_sequence() -> None:
    synapses = chain().synapses
    assert len(synapses) == 3
    assert [s.pre_id for s in synapses[1:]] == [1, 2]
    assert synapses[-1].post_id == 3
    with pytest.raises(IndexError, match=r"synapses\[3\]: must be between -3 and 2; there are 3"):
        synapses[3]
    assert list(synapses.pre_id), list(synapses.post_id) == ([0, 1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="read-only"):
        synapses.pre_id[0] = 1
    with pytest.raises(AttributeError, match=r"synapses.wieght: no such column; did you mean 'weight'"):
        synapses.wieght = 1.0


def test_synapses_of_a_neuron() -> None:
    model = chain()
    ends = {
        how: [(s.pre_id, s.post_id) for s in model.get_synapses_for_neuron(1, how)] for how in ("pre", "post")
    }
    assert ends == {"pre": [(1, 2)], "post": [(0, 1)]}
    assert len(model.get_synapses_for_neuron(1)) == 2
    with pytest.raises(ValueError, match="direction: must be 'both', 'pre' or 'post'; got 'in'"):
        model.get_synapses_for_neuron(1, "in")


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"weight": np.nan}, "weight: must be finite"),
        ({"delay": 0}, "delay: must be a whole number >= 1"),
        ({"delay": 65536}, "delay: must be at most 65535"),
        ({"synapse_type": "gap"}, "synapse_type: must be 'excitatory' or 'inhibitory'; got 'gap'"),
        ({"post_id": 99}, r"neurons\[99\]: must be in the network; it never existed"),
    ],
)
def test_a_refused_synapse_changes_nothing(arguments: dict[str, Any], rule: str) -> None:
    model = chain()
    before = model.to_dict()
    with pytest.raises((ValueError, RemovedError), match=rule):
        model.add_synapse(**{"pre_id": 0, "post_id": 1, **arguments})
    assert model.to_dict() == before


@pytest.mark.parametrize("field", ["weight", "pre_id", "post_id", "delay", "plasticity_tag", "synapse_type"])
def test_a_synapse_that_waits_to_be_merged_is_read_as_it_is(field: str) -> None:
    """Read first thing after its making; another of each type waits beside it."""
    model = line()
    for x, kind in enumerate(["excitatory", "inhibitory", "excitatory"]):
        model.add_neuron(x, 0, 0, 0, neuron_type=kind)
    model.add_synapse(1, 0, weight=0.25)
    synapse = model.add_synapse(0, 2, weight=0.5, delay=3)
    model.add_synapse(2, 1, weight=0.75)
    wanted = {
        "weight": 0.5,
        "pre_id": 0,
        "post_id": 2,
        "delay": 3,
        "plasticity_tag": 0.0,
        "synapse_type": "excitatory",
    }
    assert getattr(synapse, field) == wanted[field]


def test_a_synapse_that_waits_to_be_merged_can_be_written() -> None:
    model = chain()
    model.add_synapse(3, 0, weight=0.5).weight = 0.875
    assert model.synapses.weight.tolist() == [0.125, 0.25, 0.375, 0.875]


def test_type_of_a_synapse_follows_its_source() -> None:
    model = line()
    inhibitory, excitatory = (
        model.add_neuron(0, 0, 0, 0, neuron_type="inhibitory"),
        model.add_neuron(1, 0, 0, 0),
    )
    assert model.add_synapse(inhibitory.id, excitatory.id).is_inhibitory()
    assert not model.add_synapse(excitatory.id, inhibitory.id).is_inhibitory()


# ---- growth and removal ------------------------------------------------------------------------------------


def test_views_outlive_growth_and_removal() -> None:
    model = chain(8)
    neuron, synapse = model.neurons[5], model.synapses[5]
    extra = [model.add_synapse(7, 0, weight=0.5) for _ in range(50)]
    model.remove_neuron(2)
    neuron.v_membrane = -51.0
    synapse.weight = 0.75
    assert model.neurons[5].v_membrane == -51.0
    assert (synapse.pre_id, synapse.post_id, synapse.weight) == (5, 6, 0.75)
    assert (extra[-1].pre_id, extra[-1].post_id, extra[-1].weight) == (7, 0, 0.5)
    assert len(model.synapses) == 7 - 2 + 50


def test_removed_neuron_and_its_synapses_say_so() -> None:
    model = chain()
    neuron, before, behind, other = model.neurons[1], model.synapses[0], model.synapses[1], model.synapses[2]
    model.remove_neuron(1)
    with pytest.raises(RemovedError, match=r"neurons\[1\]: must be in the network; it was removed"):
        neuron.v_membrane = 0.0
    for synapse in (before, behind):
        with pytest.raises(RemovedError, match="it was removed"):
            synapse.weight += 1.0
    assert (other.pre_id, other.post_id) == (2, 3)
    with pytest.raises(RemovedError):
        model.remove_neuron(1)
    assert list(model.neurons) == [0, 2, 3]
    assert model.add_neuron(1, 0, 0, 0).id == 4, "an id is never used again"


def test_a_stale_column_raises_and_never_loses_a_write() -> None:
    model = chain()
    weight, v = model.synapses.weight, model.neurons.v_membrane
    model.add_synapse(0, 2)
    assert len(model.synapses) == 4
    with pytest.raises(ValueError, match="read-only"):
        weight += 1.0
    model.remove_neuron(3)
    with pytest.raises(ValueError, match="read-only"):
        v += 1.0
    assert weight.tolist() == [0.125, 0.25, 0.375], "NumPy keeps what was handed out"


@pytest.mark.parametrize("how", ["append", "append_twice", "remove"])
def test_a_stale_column_of_a_population_raises_too(how: str) -> None:
    """Whole or in part; and one from before neurons for which there was room yet."""
    sim = Simulation(seed=1)
    cells = sim.create(5, "lif")
    if how == "append_twice":
        sim.create(3, "lif")  # there is room for 10 now
    taken = [cells.i_offset, cells[:].i_offset, cells[1:4].i_offset, sim.model.neurons.i_offset]
    if how == "append_twice":
        sim.create(1, "lif")
        taken[1] += 3.0  # still the network's memory
        assert cells.i_offset[0] == 3.0
        sim.create(40, "lif")
    elif how == "append":
        sim.create(1, "lif")
    else:
        sim.model.remove_neuron(0)
    for stale in taken:
        with pytest.raises(ValueError, match="read-only"):
            stale += 20.0
    cells.i_offset[:] = 20.0
    assert cells.i_offset.tolist() == [20.0] * len(cells)


def test_columns_are_live_again_after_a_change_that_failed() -> None:
    sim = Simulation(seed=1)
    cells = sim.create(5, "lif")
    part, columns = cells[1:3].i_offset, cells._areas.columns

    def fails() -> None:
        with columns.all_or_nothing():
            columns.append(100, "lif", {})
            assert not part.flags.writeable
            raise MemoryError

    with pytest.raises(MemoryError):
        fails()
    part += 3.0
    assert cells.i_offset.tolist() == [0.0, 3.0, 3.0, 0.0, 0.0]


def test_a_stale_column_of_one_projection_raises_too() -> None:
    model = chain()
    sim = Simulation(model, seed=1)
    weight, tags = sim.projections["synapses"].weight, sim.projections["synapses"].plasticity_tag
    model.remove_neuron(0)
    for stale in (weight, tags):
        with pytest.raises(ValueError, match="read-only"):
            stale += 1.0
    assert sim.projections["synapses"].weight.tolist() == [0.25, 0.375]


def test_a_slice_made_before_is_not_caught_as_the_docstring_says() -> None:
    model = chain()
    part = model.synapses.weight[:2]
    model.add_synapse(0, 2)
    assert len(model.synapses) == 4
    part += 1.0
    assert model.synapses.weight.max() < 1.0


def test_iteration_notices_a_change_under_it() -> None:
    model = chain()
    under_way = iter(model.synapses)
    next(under_way)
    model.add_synapse(0, 2)
    assert len(model.synapses) == 4
    with pytest.raises(RuntimeError, match="must not be added or removed while they are iterated over"):
        next(under_way)


# ---- state -------------------------------------------------------------------------------------------------


def test_round_trip_by_json_keeps_every_bit_ids_with_their_gaps_too() -> None:
    model = chain(8)
    model.neurons.v_membrane[:] = np.random.default_rng(0).normal(-60.0, 3.0, 8)
    model.synapses.plasticity_tag[:] = 0.1
    model.remove_neuron(3)
    twin = BrainModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert twin.to_dict() == model.to_dict()
    assert list(twin.neurons) == [0, 1, 2, 4, 5, 6, 7]
    assert twin.neurons.v_membrane.tobytes() == model.neurons.v_membrane.tobytes()
    assert twin.synapses.weight.tobytes() == model.synapses.weight.tobytes()


@pytest.mark.parametrize("state", [None, 3, {}, {"format": 3}])
def test_from_dict_refuses_other_things(state: Any) -> None:
    with pytest.raises(ValueError, match=r"state: must be a mapping made by BrainModel\.to_dict"):
        BrainModel.from_dict(state)


def test_repr_counts_and_html_escapes() -> None:
    model = chain()
    assert repr(model) == "BrainModel(areas=2, neurons=4, synapses=3)"
    assert "<table>" in model._repr_html_()
