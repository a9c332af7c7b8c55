"""Networks without a lattice: `Simulation.create` and its populations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuromod
from neuromod import (
    BrainModel,
    ConfigError,
    NeuromodulationSystem,
    NeuromodWarning,
    Neuron,
    Population,
    RateMonitor,
    Simulation,
    SpikeMonitor,
    StateMonitor,
)


@pytest.fixture
def sim() -> Simulation:
    return Simulation(dt=0.1, seed=1)


@pytest.fixture
def pair(sim: Simulation) -> tuple[Simulation, Population, Population]:
    return sim, sim.create(8, "lif", name="E"), sim.create(4, "lif", name="I", neuron_type="inhibitory")


# ---- from nothing to a network ---------------------------------------------------------------------------------


def test_ten_lines_make_a_balanced_network() -> None:
    sim = neuromod.Simulation(dt=0.1, seed=1)
    v = {"uniform": [-60.0, -50.0]}
    E = sim.create(800, "lif", name="E", i_offset=20.0, v_membrane=v)
    I = sim.create(200, "lif", name="I", neuron_type="inhibitory", i_offset=20.0, v_membrane=v)  # noqa: E741
    sim.connect(E, E + I, probability=0.1, weight=0.4, delay=15)
    sim.connect(I, E + I, probability=0.1, weight=2.0, delay=15)
    spikes = neuromod.SpikeMonitor(sim, E)
    result = sim.run(5000)
    assert list(sim.projections) == ["E_to_E+I", "I_to_E+I"]
    assert 1.0 < result["mean_rate"] < 100.0
    assert spikes.count == result["spike_counts"][E.ids].sum() > 0


def test_ids_ascend_with_slots_and_groups_are_runs_of_one_model(sim: Simulation) -> None:
    a, b, c = sim.create(3, "lif"), sim.create(2, "izhikevich"), sim.create(4, "lif")
    assert [p.ids.tolist() for p in (a, b, c)] == [[0, 1, 2], [3, 4], [5, 6, 7, 8]]
    assert [p.name for p in (a, b, c)] == ["lif", "izhikevich", "lif_2"]
    assert sim.model._store.layout().groups == (("lif", 0, 3, 0), ("izhikevich", 3, 2, 0), ("lif", 5, 4, 0))


def test_the_same_network_as_on_a_lattice() -> None:
    """Neurons without a site are stepped as those with one."""
    areas = [{"name": "E", "coord_ranges": {"x": [0, 49], "y": [0, 0], "z": [0, 0], "w": [0, 0]}}]
    on = Simulation(BrainModel(config={"lattice_shape": [50, 1, 1, 1], "areas": areas}), seed=3)
    on.initialize_neurons()
    off = Simulation(seed=3)
    off.create(50, name="E")
    for sim in (on, off):
        sim.model.neurons.i_offset = 20.0
        sim.connect("E", "E", probability=0.2, weight=0.3)
        sim.run(300)
    assert np.array_equal(on.model.neurons.v_membrane, off.model.neurons.v_membrane)
    assert np.array_equal(on.model.neurons.spike_count, off.model.neurons.spike_count)
    assert on.model.neurons.spike_count.sum() > 0


def test_create_beside_a_lattice() -> None:
    sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    before = sim.initialize_neurons(["V1_like"], density=0.001)
    p = sim.create(5, name="extra")
    after = sim.initialize_neurons(["A1_like"], density=0.001)
    assert p.ids.tolist() == list(range(len(before), len(before) + 5))
    assert p[0].position() == (-1, -1, -1, -1)
    assert sim.populations["A1_like"].ids.tolist() == after.tolist()
    assert len(sim.initialize_neurons(density=0.0)) == 0  # all areas of the lattice: not the population
    with pytest.raises(ValueError, match=r"area_names: must be areas of the lattice; 'extra' has no sites"):
        sim.initialize_neurons([p])
    more = sim.initialize_neurons([sim.populations["V1_like"]], density=0.002)
    assert set(more) < set(sim.model.area_ids("V1_like"))


def test_a_configuration_without_a_lattice() -> None:
    model = BrainModel(config={"areas": [], "neuron_model": {"params_default": {"tau_m": 7.0}}})
    assert Simulation(model).create(3).tau_m.tolist() == [7.0] * 3
    with pytest.raises(ConfigError, match="lattice_shape: is required"):
        BrainModel(config={})
    with pytest.raises(ValueError, match="position: must be a site of a lattice, and there is none"):
        model.add_neuron(0, 0, 0, 0)


# ---- what a population is --------------------------------------------------------------------------------------


def test_repr_len_and_iteration(pair: Any) -> None:
    sim, E, I = pair  # noqa: E741
    assert repr(sim.model) == "BrainModel(areas=0, populations=2, neurons=12, synapses=0)"
    assert repr(E) == "Population('E', neurons=8, model='lif', excitatory)"
    assert repr(E + I) == "Population('E+I', neurons=12, model='lif', mixed)"
    assert len(E) == 8 and [n.id for n in E] == list(range(8))
    assert all(isinstance(n, Neuron) for n in E) and E[-1].id == 7
    assert E[2] in E and E[2] not in I and 3 in E and 9 not in E and "E" not in E and True not in E


def test_populations_by_name(pair: Any) -> None:
    sim, E, _ = pair
    assert dict(sim.populations) == dict(sim.model.populations) and sim.populations["E"] == E
    with pytest.raises(KeyError, match=r"populations\['e'\]: must be one of 'E', 'I'; did you mean 'E'"):
        sim.populations["e"]
    with pytest.raises(AttributeError, match=r"Simulation\.populations: is read-only; create makes them"):
        sim.populations = {}
    with pytest.raises(TypeError):
        sim.populations["E"] = E


def test_an_index_costs_no_search(sim: Simulation) -> None:
    E = sim.create(200_000)
    E[0]  # makes the list of its neurons
    slots = sim.model._areas.slots("lif")
    assert E[199_999].id == 199_999 and sim.model._areas.slots("lif") is slots
    sim.create(1)
    assert sim.model._areas.slots("lif") is not slots


def test_indices_slices_and_masks(pair: Any) -> None:
    _, E, I = pair  # noqa: E741
    assert E[2:5].ids.tolist() == [2, 3, 4] and E[2:5].name == "E[2:5]"
    assert E[::-3].ids.tolist() == [7, 4, 1]
    assert E[[5, 1]].ids.tolist() == [5, 1]
    assert E[E.ids % 2 == 0].ids.tolist() == [0, 2, 4, 6]
    assert (E + I)[6:10].name == "(E+I)[6:10]" and (E + I)[6:10].ids.tolist() == [6, 7, 8, 9]
    with pytest.raises(IndexError, match=r"E\[8\]: must be between -8 and 7"):
        E[8]
    with pytest.raises(IndexError, match=r"a mask must have shape \(8,\); got \(3,\)"):
        E[np.array([True, False, True])]
    with pytest.raises(ValueError, match="must name each neuron once"):
        E[[1, 1]]
    for wrong in ("a", 1.0, [0.0, 1.0]):
        with pytest.raises(TypeError, match=r"E\[...\]: must be whole numbers or a mask"):
            E[wrong]
    assert E[np.array(3)].id == 3
    with pytest.raises(IndexError, match=r"E\[8\]: must be between -8 and 7"):
        E[np.array(8)]


def test_joining(pair: Any) -> None:
    sim, E, I = pair  # noqa: E741
    assert (I + E).ids.tolist() == [8, 9, 10, 11, *range(8)]
    with pytest.raises(ValueError, match=r"E \+ E\[:3\]: must share no neuron; got neuron 0 in both"):
        E + E[:3]
    with pytest.raises(ValueError, match="must be a population of this network"):
        E + sim.copy().populations["I"]
    with pytest.raises(TypeError):
        E + 1
    with pytest.raises(TypeError):
        np.arange(8) + E


def test_equality_and_hash(pair: Any) -> None:
    sim, E, I = pair  # noqa: E741
    assert E == sim.populations["E"] == E[:] and hash(E) == hash(E[:])
    assert E != I and E[:4] != E and E[::-1] != E and E != "E"
    assert sim.copy().populations["E"] != E
    assert {E: 1}[E[:]] == 1 and np.asarray(E).tolist() == E.ids.tolist()


def test_it_cannot_be_changed(pair: Any) -> None:
    _, E, _ = pair
    for name in ("ids", "name", "positions"):
        with pytest.raises(AttributeError, match="read-only"):
            setattr(E, name, 3)
    with pytest.raises(ValueError, match="read-only"):
        E.ids[0] = 3


# ---- columns ---------------------------------------------------------------------------------------------------


def test_columns_are_live(pair: Any) -> None:
    sim, E, I = pair  # noqa: E741
    E.tau_m = 10.0
    E[::2].v_membrane += 3.0
    I.i_offset = np.arange(4.0)
    E.v_rest[3] = -61.0
    assert sim.model.neurons.tau_m.tolist() == [10.0] * 8 + [20.0] * 4
    assert sim.model.neurons.v_membrane[:4].tolist() == [-62.0, -65.0, -62.0, -65.0]
    assert sim.model.neurons.i_offset.tolist() == [0.0] * 8 + [0.0, 1.0, 2.0, 3.0]
    assert E[3].params["v_rest"] == -61.0
    sim.model.neurons.v_membrane[0] = -1.0
    assert E.v_membrane[0] == -1.0 and E[::-1].v_membrane[-1] == -1.0


def test_columns_of_scattered_neurons_are_copies_that_cannot_be_written(pair: Any) -> None:
    _, E, _ = pair
    some = E[[5, 1, 2]]
    assert not some.v_membrane.flags.writeable
    some.v_membrane = [-51.0, -52.0, -53.0]
    assert E.v_membrane[[5, 1, 2]].tolist() == [-51.0, -52.0, -53.0]
    some.v_membrane = some.v_membrane + 1.0
    assert E.v_membrane[[5, 1, 2]].tolist() == [-50.0, -51.0, -52.0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("tau_m", -1.0, r"E\.tau_m: must be > 0 ms; got -1"),
        ("tau_m", [1.0, 2.0, -3.0] + [1.0] * 5, r"E\.tau_m: must be > 0 ms; got -3 \(position 2\)"),
        ("v_membrane", np.nan, r"E\.v_membrane: must be finite mV; got nan"),
        ("tau_m", [1.0], r"E\.tau_m: must be a number or have shape \(8,\); got shape \(1,\)"),
        ("tau_m", "fast", r"E\.tau_m: must be"),
        ("age", 2.5, r"E\.age: must be whole numbers; got 2\.5"),
    ],
)
def test_a_bad_value_is_refused_and_nothing_is_changed(
    pair: Any, name: str, value: Any, message: str
) -> None:
    sim, E, _ = pair
    before = sim.digest()
    with pytest.raises((ValueError, TypeError), match=message):
        setattr(E, name, value)
    assert sim.digest() == before


def test_columns_that_are_not_there(sim: Simulation) -> None:
    E, S = sim.create(3, name="E"), sim.create(2, "poisson", name="S")
    with pytest.raises(AttributeError, match=r"E\.v_mem: a lif neuron has none; did you mean 'v_membrane'\?"):
        _ = E.v_mem
    with pytest.raises(AttributeError, match=r"E\.tau_n: a lif neuron has none; did you mean 'tau_m'\?"):
        E.tau_n = 3.0
    with pytest.raises(AttributeError, match=r"S\.i_offset: a poisson neuron has none"):
        S.i_offset = 3.0
    with pytest.raises(AttributeError, match=r"E\+S\.tau_m: a poisson neuron has none"):
        (E + S).tau_m = 3.0
    assert np.isnan((E + S).tau_m[3:]).all()
    with pytest.raises(AttributeError, match=r"E\.neuron_type: is read-only"):
        E.neuron_type = 1
    assert {"tau_m", "v_membrane", "ids"} <= set(dir(E))


# ---- wherever ids or names stand -------------------------------------------------------------------------------


def test_populations_names_and_ids_mean_the_same(pair: Any) -> None:
    sim, E, I = pair  # noqa: E741
    ends = [(E, I), ("E", "I"), (E.ids, I.ids), (E, [I]), (["E"], [I])]
    made = [
        sim.connect(a, b, probability=1.0, weight=0.1, synapse_type="excitatory", name=f"p{k}")
        for k, (a, b) in enumerate(ends)
    ]
    for p in made:
        assert len(p) == 32 and np.array_equal(p.post_id, made[0].post_id)
    assert (
        sim.connect([E, I], E[:2], probability=1.0, weight=0.1, synapse_type="excitatory").pre_id.max() == 11
    )
    assert sim.connect(E[0], I[1], probability=1.0, weight=0.1).post_id.tolist() == [9]
    matrix = np.arange(8.0).reshape(4, 2)
    weights = sim.connect(E[[3, 1, 0, 2]], I[:2], probability=1.0, weight=matrix)
    placed = {(a, b): w for a, b, w in zip(weights.pre_id, weights.post_id, weights.weight, strict=True)}
    assert [placed[a, 8] for a in (3, 1, 0, 2)] == [0.0, 2.0, 4.0, 6.0]


def test_monitors_inputs_and_synapses_take_populations(pair: Any) -> None:
    sim, E, I = pair  # noqa: E741
    monitors = (
        SpikeMonitor(sim, E),
        SpikeMonitor(sim, "E"),
        StateMonitor(sim, "v_membrane", I[[2, 0]]),
        RateMonitor(sim, I),
    )
    synapse = sim.model.add_synapse(E[0], I[1], weight=0.5)
    assert (synapse.pre_id, synapse.post_id) == (0, 9)
    sim.run(300, input=np.full((300, 8), 40.0), input_ids=E)
    assert monitors[0].count == monitors[1].count > 0
    assert monitors[2].ids.tolist() == [10, 8] and set(monitors[0].id) == set(range(8))
    source = sim.create(2, "spike_source", name="source")
    sim.set_spike_times(source, [[40.0], [50.0]])
    assert sim._engine.schedule_arrays()[1].tolist() == [12, 13]


def test_a_region_of_its_own() -> None:
    system = NeuromodulationSystem(["cortex", "striatum"])
    sim = Simulation(seed=1, neuromodulation=system)
    C, S = sim.create(5, name="C", region="cortex"), sim.create(5, name="S", region="striatum")
    system.process_uncertainty(1.0, 1.0, region="striatum")
    (C + S).i_offset = 8.0
    v = C.v_membrane.copy()
    sim.run(20)
    assert np.all(S.v_membrane > C.v_membrane) and np.all(C.v_membrane > v)
    assert sim.model.regions == ("cortex", "striatum")
    system.add_release("dopamine", ["S"], 0.1)
    with pytest.raises(
        ConfigError, match="region: must be one of the neuromodulation system's, cortex, striatum"
    ):
        sim.create(5, region="thalamus")
    with pytest.raises(ConfigError, match="region: must be one of the neuromodulation system's"):
        sim.create(5)


def test_rewards_by_the_region_of_a_population() -> None:
    system = NeuromodulationSystem(["cortex", "striatum"])
    sim = Simulation(seed=1, neuromodulation=system)
    C, S = sim.create(5, name="C", region="cortex"), sim.create(5, name="S", region="striatum")
    system.process_reward(1.0, region=S)
    system.process_punishment(1.0, region=C[:2])
    system.event("norepinephrine", 1.0, region=S)
    system.dopamine.release(-0.25, region=C)
    assert system.level.tolist() == pytest.approx(np.array([[0.25, 0.2, 0.5], [0.9, 0.5, 0.67]]))
    with pytest.raises(
        ValueError, match=r"region: must be a population of one region; C\+S lies in cortex, striatum"
    ):
        system.process_reward(1.0, region=C + S)
    with pytest.raises(
        ValueError, match="region: must be one of cortex, striatum; got 'cortx'; did you mean 'cortex'"
    ):
        system.process_reward(1.0, region="cortx")
    other = Simulation(seed=1).create(1, region="elsewhere")
    with pytest.raises(ValueError, match="region: must be one of cortex, striatum; got 'elsewhere'"):
        system.process_reward(1.0, region=other)


def test_spikes_of_a_population_release_a_modulator() -> None:
    system = NeuromodulationSystem()
    sim = Simulation(seed=1, neuromodulation=system)
    source, other = sim.create(2, "spike_source", name="source"), sim.create(2, "spike_source", name="other")
    system.add_release("dopamine", [source], 0.1)
    assert system.releases[0]["areas"] == ["source"]
    sim.set_spike_times(source, [[2.0], [2.0]])
    sim.set_spike_times(other, [[1.0], [1.0]])
    sim.run(1)
    assert system.dopamine.state.level == 0.5
    sim.run(1)
    assert system.dopamine.state.level == pytest.approx(0.7)
    with pytest.raises(ValueError, match=r"areas: must be areas of the model \(source, other\); got 'sauce'"):
        system.add_release("dopamine", ["sauce"], 0.1)


def test_receptors_scale_a_modulator() -> None:
    system = NeuromodulationSystem()
    sim = Simulation(seed=1, neuromodulation=system)
    few, many = sim.create(1, receptors={"norepinephrine": 0.0}), sim.create(1)
    (few + many).i_offset = 5.0
    sim.run(10)
    assert many.v_membrane[0] > few.v_membrane[0]
    with pytest.raises(ConfigError, match=r"receptors\.dopamin: unknown key; did you mean 'dopamine'\?"):
        sim.create(1, receptors={"dopamin": 1.0})


def test_the_background_drive(sim: Simulation) -> None:
    driven = sim.create(50, drive={"rate": 2000.0, "weight": 1.0})
    still = sim.create(50)
    sim.run(1000)
    assert driven.spike_count.sum() > 0 == still.spike_count.sum()
    with pytest.raises(ConfigError, match="drive: must not be given for poisson neurons"):
        sim.create(2, "poisson", drive={"rate": 1.0, "weight": 1.0})


# ---- arguments -------------------------------------------------------------------------------------------------


def test_all_problems_at_once(sim: Simulation) -> None:
    sim.create(1, name="E")
    with pytest.raises(ConfigError) as error:
        sim.create(
            -1,
            name="E",
            neuron_type="exc",
            positions="dics",
            tau_m=-1.0,
            tau_n=2,
            v_reset=-20.0,
            share_sites=2,
        )
    assert [line.split(":")[0] for line in error.value.problems] == [
        *("n", "neuron_type", "name", "share_sites", "positions", "tau_n"),
    ]
    with pytest.raises(ConfigError) as error:
        sim.create(2, tau_m=-1.0, v_reset=-20.0, drive={"rat": 1.0})
    assert [line.split(":")[0] for line in error.value.problems] == ["drive.rat", "tau_m", "v_reset"]
    with pytest.raises(ConfigError, match=r"did you mean 'izhikevich'"):
        sim.create(2, "izhikevic")
    assert len(sim.model.neurons) == 1 and list(sim.populations) == ["E"]


def test_orders_of_parameters_that_differ_between_neurons(sim: Simulation) -> None:
    with pytest.raises(ConfigError, match=r"v_reset: must be < v_threshold \(-50 mV\); got -40"):
        sim.create(2, v_reset=[-60.0, -40.0])
    with pytest.raises(ConfigError, match=r"v_threshold: must be > v_reset \(-70 mV\); got -80"):
        sim.create(2, v_threshold=[-60.0, -80.0])
    sim.create(2, v_threshold=[-60.0, -30.0], v_reset=[-61.0, -31.0])


def test_a_rate_above_one_spike_a_step(sim: Simulation) -> None:
    assert sim.create(2, "poisson", rate=[1.0, 10_000.0]).rate.tolist() == [1.0, 10_000.0]
    with pytest.raises(ConfigError, match=r"rate: must be at most 1000 / dt = 10000 Hz"):
        sim.create(2, "poisson", rate=[1.0, 10_001.0])


def test_the_potential_begins_at_rest_unless_it_is_given(sim: Simulation) -> None:
    assert sim.create(2, v_rest=[-60.0, -55.0]).v_membrane.tolist() == [-60.0, -55.0]
    assert sim.create(2, v_rest=-60.0, v_membrane=-58.0).v_membrane.tolist() == [-58.0, -58.0]


def test_drawn_columns(sim: Simulation) -> None:
    p = sim.create(20_000, v_membrane={"uniform": [-65.0, -50.0]}, tau_m={"normal": [20.0, 2.0], "low": 15.0})
    v = np.sort(p.v_membrane)
    assert np.abs((v + 65.0) / 15.0 - (np.arange(len(v)) + 0.5) / len(v)).max() < 1.95 / np.sqrt(len(v))
    assert p.tau_m.min() >= 15.0 and abs(p.tau_m.mean() - 20.0) < 0.1
    assert abs(np.corrcoef(p.v_membrane, p.tau_m)[0, 1]) < 4 / np.sqrt(len(v))
    other = sim.create(20_000, v_membrane={"uniform": [-65.0, -50.0]})
    assert abs(np.corrcoef(p.v_membrane, other.v_membrane)[0, 1]) < 4 / np.sqrt(len(v))
    with pytest.raises(ConfigError, match=r"tau_m\.normal: must fall between"):
        sim.create(3, tau_m={"normal": [20.0, 1.0], "low": 90.0})
    with pytest.raises(ConfigError, match=r"tau_m: must be > 0 ms"):
        sim.create(300, tau_m={"normal": [1.0, 2.0]})


def test_seconds_and_volts_are_doubted(sim: Simulation) -> None:
    with pytest.warns(
        NeuromodWarning, match=r"tau_m: is in ms; got 0\.02, did you mean seconds\? 0\.02 s would be 20\.0"
    ):
        sim.create(1, tau_m=0.02)
    with pytest.warns(NeuromodWarning, match=r"v_membrane: is in mV; got -0\.07, did you mean volts\?"):
        sim.create(1, v_membrane=-0.07)


def test_inhibitory_fraction_of_the_configuration() -> None:
    model = BrainModel(config={"areas": [], "neuron_model": {"inhibitory_fraction": 0.2}})
    types = Simulation(model, seed=1).create(10_000).neuron_type
    assert abs(types.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 10_000)
