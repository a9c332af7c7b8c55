"""Recorders of any column and any subset every so many ms, and what they hand to pandas, xarray and Neo."""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from driven_network import ids_of, learning, network

from neuromod import LevelMonitor, RateMonitor, Simulation, SpikeMonitor, StateMonitor, SynapseMonitor


def test_every_so_many_ms() -> None:
    sim = learning("rstdp", dt=0.5)
    made = [
        StateMonitor(sim, "v_membrane", every_ms=2.5),
        LevelMonitor(sim, every_ms=2.5),
        SynapseMonitor(sim, "p", "eligibility", [3, 1], every_ms=2.5),
    ]
    sim.run(22)
    for monitor in made:
        assert monitor.time.tolist() == [2.5, 5.0, 7.5, 10.0]
    for make in (
        lambda: StateMonitor(sim, "v_membrane", every_ms=0.7),
        lambda: LevelMonitor(sim, every=2, every_ms=1.0),
        lambda: SynapseMonitor(sim, "p", every_ms=0.0),
    ):
        with pytest.raises((ValueError, TypeError), match="every"):
            make()


COLUMNS = ("spike_count", "last_spike_time", "i_offset", "external_input", "tau_m", "refractory_left", "age")


@pytest.mark.filterwarnings("ignore:StateMonitor. external_input is cleared:neuromod.NeuromodWarning")
def test_any_column_against_one_read_step_by_step() -> None:
    sim, alone = learning(), learning()
    monitors = {name: StateMonitor(sim, name) for name in COLUMNS}
    sim.run(60)
    read: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for _ in range(60):
        alone.step()
        for name in COLUMNS:
            read[name].append(getattr(alone.model.neurons, name).copy())
    for name, monitor in monitors.items():
        assert np.array_equal(monitor.values, np.array(read[name], np.float64)), name
    assert monitors["spike_count"].values[-1].sum() > 50
    again = copy.deepcopy(monitors["spike_count"])
    assert np.array_equal(again.values, monitors["spike_count"].values)


def test_a_name_that_is_no_column_is_refused_with_the_near_one() -> None:
    sim = learning()
    with pytest.raises(
        ValueError, match=r"variable: must be one of .*; got 'v_mem'; did you mean 'v_membrane'"
    ):
        StateMonitor(sim, "v_mem")
    with pytest.raises(ValueError, match="variable: must be one of"):
        StateMonitor(sim, "id")


def test_areas_stand_for_their_neurons() -> None:
    sim = learning()
    b, both = StateMonitor(sim, "v_membrane", "B"), SpikeMonitor(sim, ["B", "A"])
    only = SpikeMonitor(sim, "B")
    rate = RateMonitor(sim, "B", bin_ms=50.0)
    sim.run(100)
    assert b.ids.tolist() == ids_of(sim, "B").tolist()
    assert set(only.id) <= set(ids_of(sim, "B"))
    assert both.count == sim.model.neurons.spike_count.sum() > only.count > 0
    assert rate.rate.sum() * 20 * 0.05 == pytest.approx(only.count)
    sim.run(3, input=5.0, input_ids="B")
    with pytest.raises(ValueError, match="ids: must be the name of an area; got 'C'"):
        SpikeMonitor(sim, "C")


# ---- input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "full"),
    [
        (4.0, np.full((6, 3), 4.0)),
        ([1.0, 2.0, 3.0], np.tile([1.0, 2.0, 3.0], (6, 1))),
        (np.arange(6.0)[:, None], np.repeat(np.arange(6.0)[:, None], 3, axis=1)),
        (np.arange(18.0).reshape(6, 3), np.arange(18.0).reshape(6, 3)),
        (np.float32(4.0), np.full((6, 3), 4.0)),
        (7, np.full((6, 3), 7.0)),
    ],
)
@pytest.mark.parametrize("ids", [None, [2, 0, 1]])
def test_input_is_broadcast(given: Any, full: Any, ids: Any) -> None:
    sim, other = (network(("a", 3, "lif"), ("s", 2, "poisson")) for _ in range(2))
    if ids is None:
        ids = [0, 1, 2]
    sim.run(6, input=given, input_ids=ids)
    other.run(6, input=full, input_ids=ids)
    assert sim.digest() == other.digest()
    assert sim.model.neurons.v_membrane[0] != -65.0


def test_a_number_for_all_neurons_takes_no_memory_and_passes_sources_by() -> None:
    sim, other = (network(("a", 3, "lif"), ("s", 2, "poisson")) for _ in range(2))
    sim.run(20_000, input=10.0)
    other.model.neurons.i_offset[:3] = 10.0
    other.run(20_000)
    assert sim.model.neurons.v_membrane[0] == other.model.neurons.v_membrane[0]
    assert np.array_equal(sim.model.neurons.spike_count, other.model.neurons.spike_count)


def test_input_of_replicas_is_broadcast() -> None:
    sim = network(("a", 3, "lif"))
    runs = sim.replicas(2)
    runs.run(5, input=4.0)
    sim.run(5, input=4.0)
    assert runs[0].digest() == sim.digest()


@pytest.mark.parametrize("shape", [(5,), (6,), (3, 6), (6, 2), (1, 3), (6, 3, 1)])
def test_the_shapes_that_are_taken_are_named(shape: tuple[int, ...]) -> None:
    sim = network(("a", 3, "lif"))
    words = (
        r"input: must be a number, or must have shape \(n_ids,\) = \(3,\), \(n_steps, 1\) = \(6, 1\) or "
        r"\(n_steps, n_ids\) = \(6, 3\); got"
    )
    with pytest.raises(ValueError, match=words):
        sim.run(6, input=np.ones(shape))
    with pytest.raises(ValueError, match="input: must be finite; got nan"):
        sim.run(6, input=np.nan)
    assert sim.current_step == 0


# ---- other libraries ----------------------------------------------------------------------------------------


def recorded() -> tuple[Simulation, dict[str, Any]]:
    sim = learning("rstdp")
    monitors = {
        "spikes": SpikeMonitor(sim, "B"),
        "state": StateMonitor(sim, "v_membrane", [5, 0], every=10),
        "levels": LevelMonitor(sim, every=10),
        "weights": SynapseMonitor(sim, "p", synapses=[2, 7, 4], every=10),
        "rate": RateMonitor(sim, "A", bin_ms=20.0),
    }
    sim.run(100)
    return sim, monitors


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    _, m = recorded()
    spikes = m["spikes"].to_pandas()
    assert list(spikes.columns) == ["time", "step", "id"]
    assert np.array_equal(spikes["id"], m["spikes"].id) and np.array_equal(spikes["time"], m["spikes"].time)
    state = m["state"].to_pandas()
    assert state.columns.tolist() == [5, 0] and state.columns.name == "id" and state.index.name == "time"
    assert (
        np.array_equal(state.to_numpy(), m["state"].values) and state.loc[30.0, 5] == m["state"].values[2, 0]
    )
    levels = m["levels"].to_pandas()
    assert np.array_equal(levels["serotonin"], m["levels"].level("serotonin"))
    weights = m["weights"].to_pandas()
    assert isinstance(weights.columns, pandas.MultiIndex) and weights.columns.names == ["pre", "post"]
    assert weights.columns.tolist() == list(zip(m["weights"].pre_id, m["weights"].post_id, strict=True))
    assert np.array_equal(weights.to_numpy(), m["weights"].values)
    rate = m["rate"].to_pandas()
    assert np.array_equal(rate["rate"], m["rate"].rate) and rate.index.tolist() == [
        20.0,
        40.0,
        60.0,
        80.0,
        100.0,
    ]


def test_xarray() -> None:
    pytest.importorskip("xarray")
    _, m = recorded()
    state = m["state"].to_xarray()
    assert state.dims == ("time", "neuron") and state.attrs["units"] == "mV" and state.name == "v_membrane"
    assert state.coords["id"].values.tolist() == [5, 0]
    assert np.array_equal(state.values, m["state"].values)
    levels = m["levels"].to_xarray()
    assert np.array_equal(levels.sel(modulator="dopamine").values, m["levels"].level("dopamine"))
    weights = m["weights"].to_xarray()
    assert weights.coords["post"].values.tolist() == m["weights"].post_id.tolist()
    spikes = m["spikes"].to_xarray()
    assert np.array_equal(spikes.values, m["spikes"].id)
    assert np.array_equal(spikes.coords["time"].values, m["spikes"].time)
    assert m["rate"].to_xarray().dims == ("time",)


def test_neo() -> None:
    pytest.importorskip("neo")
    sim, m = recorded()
    trains = m["spikes"].to_neo().spiketrains
    assert [train.annotations["id"] for train in trains] == ids_of(sim, "B").tolist()
    for train in trains:
        own = m["spikes"].time[m["spikes"].id == train.annotations["id"]]
        assert np.array_equal(train.magnitude, own) and float(train.t_stop) == 100.0
    (signal,) = m["state"].to_neo().analogsignals
    assert signal.units.dimensionality.string == "mV" and np.array_equal(signal.magnitude, m["state"].values)
    assert np.allclose(signal.times.rescale("ms").magnitude, m["state"].time)
    assert signal.array_annotations["id"].tolist() == [5, 0]
    (weights,) = m["weights"].to_neo().analogsignals
    assert weights.array_annotations["pre"].tolist() == m["weights"].pre_id.tolist()
    assert m["levels"].to_neo().analogsignals[0].array_annotations["modulator"].tolist() == list(
        m["levels"].names
    )


def with_regions() -> LevelMonitor:
    boxes = [{"x": [k, k], "y": [0, 0], "z": [0, 0], "w": [0, 0]} for k in range(2)]
    areas = [{"name": f"a{k}", "region": f"r{k}", "coord_ranges": box} for k, box in enumerate(boxes)]
    from neuromod import BrainModel, create_neuromodulation_system

    model = BrainModel(config={"lattice_shape": [2, 1, 1, 1], "areas": areas})
    system = create_neuromodulation_system({"neutral": True}, regions=["r0", "r1"])
    sim = Simulation(model, seed=1, neuromodulation=system)
    levels = LevelMonitor(sim)
    system.process_reward(1.0, region="r1")
    sim.run(3)
    return levels


def test_levels_of_several_regions() -> None:
    pytest.importorskip("pandas")
    levels = with_regions()
    table = levels.to_pandas()
    assert table.columns.names == ["region", "modulator"]
    assert np.array_equal(table[("r1", "dopamine")], levels.level("dopamine", "r1"))
    assert not np.array_equal(table[("r0", "dopamine")], levels.level("dopamine", "r1"))


@pytest.mark.parametrize("name", ["pandas", "xarray", "neo"])
def test_a_library_that_is_missing_is_named_with_its_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    spikes = SpikeMonitor(network(("a", 3, "lif")))
    with pytest.raises(ImportError, match=rf'to_{name} needs {name}: pip install "neuromod-snn\[{name}\]"'):
        getattr(spikes, f"to_{name}")()


def test_the_libraries_are_not_imported_with_the_package(checkout: Any) -> None:
    source = (checkout / "neuromod" / "tables.py").read_text()
    assert importlib.import_module("neuromod.tables").__name__ == "neuromod.tables"
    assert not [
        line
        for line in source.splitlines()
        if line.startswith(("import pandas", "import xarray", "import neo"))
    ]
    extras = (checkout / "pyproject.toml").read_text()
    assert all(f'{name} = ["{name}>=' in extras for name in ("pandas", "xarray", "neo"))


EMPTY: tuple[Callable[[Simulation], Any], ...] = (
    lambda s: SpikeMonitor(s),
    lambda s: StateMonitor(s, "v_membrane"),
    lambda s: SynapseMonitor(s, "p"),
    lambda s: RateMonitor(s),
    lambda s: LevelMonitor(s),
)


@pytest.mark.parametrize("make", EMPTY)
def test_nothing_recorded_gives_an_empty_table(make: Callable[[Simulation], Any]) -> None:
    pytest.importorskip("pandas")
    assert len(make(learning()).to_pandas()) == 0


def test_sizes_of_a_network_that_changes_twice_between_two_steps_are_noted_once() -> None:
    sim = learning("rstdp")
    monitor = SpikeMonitor(sim)
    n = len(sim.model.neurons)
    sim.run(3)
    sim.model.remove_neuron(int(sim.model.neurons.id[0]))
    sim.digest()
    sim.model.remove_neuron(int(sim.model.neurons.id[0]))
    sim.digest()
    assert monitor._recorder.sizes == [(0, n), (3, n - 2)]
