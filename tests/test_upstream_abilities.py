"""Abilities that readers of other files of the same kind look for: senses, cell types, rules by rates, attributes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromod import BrainModel, NeuromodWarning, Simulation, Synapse, _core
from neuromod.cell_types import izhikevich_type, izhikevich_types
from neuromod.plasticity import (
    ShortTermSynapse,
    bcm_threshold,
    bcm_update,
    homeostatic_update,
    short_term_efficacy,
)
from neuromod.senses import feed_sense_input, sense_ids, text_matrix


@pytest.fixture
def model() -> BrainModel:
    model = BrainModel("brain_base_model.json")
    Simulation(model, seed=1).initialize_neurons(["V1_like"], density=1.0)
    return model


def sheet(model: BrainModel, layer: int = 0) -> np.ndarray:
    neurons = model.neurons
    values = np.zeros((20, 20))
    on = np.isin(neurons.id, sense_ids(model, "vision", layer))
    values[neurons.x[on], neurons.y[on]] = neurons.external_input[on]
    assert not neurons.external_input[~on].any()
    return values


# ---- senses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (30, 5), (64, 48), (1, 1)])
def test_a_matrix_of_any_size_is_laid_on_the_corner_with_a_warning(
    model: BrainModel, shape: tuple[int, int]
) -> None:
    matrix = np.random.default_rng(1).normal(size=shape)
    with pytest.warns(
        NeuromodWarning, match=r"the matrix has shape .* the x-y sheet of V1_like \(20, 20\)"
    ) as caught:
        n = feed_sense_input(model, "vision", matrix, 2)
    assert len(caught) == 1 and caught[0].filename == __file__
    expected = np.zeros((20, 20))
    rows, columns = min(shape[0], 20), min(shape[1], 20)
    expected[:rows, :columns] = matrix[:rows, :columns]
    np.testing.assert_array_equal(sheet(model, 2), expected)
    assert n == rows * columns


@pytest.mark.parametrize("shape", [(8, 8), (30, 5), (64, 48), (1, 1), (20, 20)])
def test_a_stretched_matrix_covers_the_sheet(model: BrainModel, shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(1).normal(size=shape)
    assert feed_sense_input(model, "vision", matrix, fit="stretch") == 400
    found = sheet(model)
    for i in range(20):
        for j in range(20):
            assert found[i, j] == matrix[math.floor(i * shape[0] / 20), math.floor(j * shape[1] / 20)]


def test_what_is_no_matrix_is_refused_and_nothing_changes(model: BrainModel) -> None:
    for bad, words in (
        (np.zeros(400), "two axes"),
        (np.zeros((0, 3)), "two axes"),
        (np.full((3, 3), np.nan), "must be finite; got nan"),
    ):
        with pytest.raises(ValueError, match=words):
            feed_sense_input(model, "vision", bad)
    with pytest.raises(ValueError, match="fit: must be 'stretch' or 'crop'; got 'strech'"):
        feed_sense_input(model, "vision", np.ones((3, 3)), fit="strech")
    with pytest.raises(ValueError, match="z_layer"):
        sense_ids(model, "vision", 20)
    with pytest.raises(ValueError, match="did you mean 'vision'"):
        sense_ids(model, "visoin")
    assert not model.neurons.external_input.any()


def test_text_is_bytes_in_a_matrix() -> None:
    text = "Grüße"
    matrix = text_matrix(text, (3, 4), gain=30.0)
    data = text.encode()
    for k in range(12):
        assert matrix[k // 4, k % 4] == pytest.approx(30.0 * data[k] / 255.0 if k < len(data) else 0.0)
    assert np.array_equal(text_matrix(b"\xff\x00", (1, 2)), [[1.0, 0.0]])
    with pytest.raises(ValueError, match="at most 4 bytes, one for each element; got 5"):
        text_matrix("abcde", (2, 2))
    with pytest.raises(TypeError, match="data: must be text or bytes"):
        text_matrix([1, 2])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shape"):
        text_matrix("a", (2, 0))


# ---- named types -------------------------------------------------------------------------------------------------


def published(name: str, i: float, n_steps: int) -> list[int]:
    """Steps of 1 ms with a spike, by the equations of Izhikevich (2003) in two half steps of v."""
    a, b, c, d = {
        "regular_spiking": (0.02, 0.2, -65, 8),
        "fast_spiking": (0.1, 0.2, -65, 2),
        "bursting": (0.02, 0.2, -55, 4),
    }[name]
    v, u, spikes = -65.0, b * -65.0, []
    for step in range(1, n_steps + 1):
        for _ in range(2):
            v += 0.5 * (0.04 * v * v + 5 * v + 140 - u + i)
        u += a * (b * v - u)
        if v >= 30.0:
            spikes.append(step)
            v, u = c, u + d
    return spikes


@pytest.mark.parametrize("name", ["regular_spiking", "fast_spiking", "bursting"])
def test_named_types_fire_as_published(name: str) -> None:
    sim = Simulation(seed=1, dt=1.0)
    cells = sim.create(1, "izhikevich", **izhikevich_type(name))
    cells.i_offset = 10.0
    spikes = [step for step in range(1, 401) if len(sim.step()["spikes"])]
    expected = published(name, 10.0, 400)
    assert len(spikes) == pytest.approx(len(expected), rel=0.2) and len(spikes) > 4
    intervals = np.diff(spikes)
    if name == "bursting":
        assert intervals[0] * 3 < intervals.max()
    if name == "regular_spiking":
        assert intervals[0] < intervals[-1]


def test_types_are_told_apart() -> None:
    assert {"regular_spiking", "fast_spiking", "bursting"} <= set(izhikevich_types())
    assert len({tuple(izhikevich_type(name).values()) for name in izhikevich_types()}) == len(
        izhikevich_types()
    )
    with pytest.raises(ValueError, match="did you mean 'fast_spiking'"):
        izhikevich_type("fast_spikin")


# ---- rules by rates ----------------------------------------------------------------------------------------------


def test_scaling_drives_a_linear_neuron_to_its_target() -> None:
    """rate = 20 Hz / mV * w: w comes to rest where the rate is the target's, by the rule of a simulation."""
    synapse = Synapse(pre_id=0, post_id=1, weight=0.9)
    for _ in range(3000):
        homeostatic_update(synapse, 20.0 * synapse.weight, target_rate=5.0, strength=0.01)
    assert synapse.weight == pytest.approx(0.25, abs=1e-5)
    inhibitory = Synapse(pre_id=0, post_id=1, weight=-0.5, synapse_type="inhibitory")
    assert homeostatic_update(inhibitory, 0.0, strength=0.1) == pytest.approx(-0.55)
    assert homeostatic_update(0.99, 0.0, strength=0.5) == 1.0
    with pytest.raises(ValueError, match="rate: must be >= 0 Hz; got -1"):
        homeostatic_update(0.5, -1.0)
    with pytest.raises(ValueError, match="strength: must be from 0 to 1"):
        homeostatic_update(0.5, 1.0, strength=2.0)


def test_bcm_changes_sign_at_its_threshold_and_comes_to_rest_at_the_target_rate() -> None:
    for post in (2.0, 8.0, 12.0, 40.0):
        change = bcm_update(0.5, 10.0, post, threshold=10.0, learning_rate=1e-5) - 0.5
        assert change == pytest.approx(1e-5 * 10.0 * post * (post - 10.0))
    weight, theta = 0.5, 0.0
    for _ in range(20_000):
        rate = 40.0 * weight
        theta = bcm_threshold(theta, rate, dt=10.0, target_rate=8.0, tau=200.0)
        weight = bcm_update(weight, 20.0, rate, theta, learning_rate=2e-6)
    assert 40.0 * weight == pytest.approx(8.0, rel=1e-3) and theta == pytest.approx(8.0, rel=1e-3)


def test_the_threshold_is_that_of_many_small_steps() -> None:
    small = 3.0
    for _ in range(1000):
        small = bcm_threshold(small, 12.0, dt=0.5, target_rate=6.0, tau=300.0)
    assert bcm_threshold(3.0, 12.0, dt=500.0, target_rate=6.0, tau=300.0) == pytest.approx(small, rel=1e-9)


@pytest.mark.parametrize("kind", [{}, {"U": 0.03, "tau_rec": 130.0, "tau_facil": 530.0}, {"tau_rec": 0.0}])
def test_short_term_plasticity_spike_by_spike_is_that_of_a_train(kind: dict[str, float]) -> None:
    times = np.cumsum(np.random.default_rng(3).exponential(40.0, 60))
    synapse = ShortTermSynapse(**kind)
    found = []
    for time in times.tolist():
        looked = synapse.efficacy(time)
        found.append(synapse.spike(time))
        assert looked == found[-1]
    np.testing.assert_allclose(found, short_term_efficacy(times, **kind), rtol=1e-12)
    with pytest.raises(ValueError, match="not before the last spike"):
        synapse.spike(0.0)
    synapse.reset()
    assert synapse.spike(0.0) == pytest.approx(kind.get("U", 0.5))
    with pytest.raises(ValueError, match="U: must be > 0 and <= 1"):
        ShortTermSynapse(U=1.5)


# ---- a model's own facts -----------------------------------------------------------------------------------------


def test_a_model_says_its_shape_areas_senses_and_sections(model: BrainModel) -> None:
    assert model.lattice_shape == (20, 20, 20, 20)
    assert list(model.areas)[:2] == ["V1_like", "A1_like"] and model.areas["V1_like"].n_sites == 8000
    assert model.senses["vision"].areal == "V1_like" and model.senses["vision"].input_size == (20, 20)
    assert model.plasticity.rule == "hebbian" and model.lifecycle.enabled is False
    with pytest.raises(TypeError):
        model.areas["V1_like"] = None  # type: ignore[index]
    with pytest.raises(AttributeError, match="read-only"):
        model.lattice_shape = (1, 1, 1, 1)  # type: ignore[misc]
    assert Simulation().model.lattice_shape == () and not Simulation().model.areas


def test_a_site_has_its_neuron(model: BrainModel) -> None:
    for neuron in list(model.neurons.values())[::1000]:
        assert model.neuron_at(*neuron.position()) == neuron
    assert model.neuron_at(0, 0, 0, 5) is None
    with pytest.raises(ValueError, match="x: must be"):
        model.neuron_at(20, 0, 0, 0)
    with pytest.raises(ValueError, match="needs a lattice"):
        Simulation().model.neuron_at(0, 0, 0, 0)


def test_a_neuron_may_be_added_with_its_health(model: BrainModel) -> None:
    neuron = model.add_neuron(0, 0, 0, 1, health=0.25)
    assert neuron.health == 0.25 and neuron.age == 0
    with pytest.raises(ValueError, match="health: must be"):
        model.add_neuron(0, 0, 0, 2, health=1.5)
    assert model.neuron_at(0, 0, 0, 2) is None
    assert "health" in _core.NEURON_FIELDS
