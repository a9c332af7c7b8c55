"""Sheets that several populations share, and images on populations as on areas of a lattice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuromod import BrainModel, ConfigError, ImageCurrent, Simulation, play_camera


def _sim() -> Simulation:
    return Simulation(dt=1.0, seed=1)


def test_grids_of_one_extent_share_a_sheet() -> None:
    sim = _sim()
    E = sim.create(800, positions={"grid": [40, 20], "extent": [20.0, 10.0]})
    few = sim.create(200, positions={"grid": [20, 10], "extent": [20.0, 10.0]})
    np.testing.assert_allclose(E.positions[[0, -1]], [[0.25, 0.25], [19.75, 9.75]])
    np.testing.assert_allclose(few.positions[[0, -1]], [[0.5, 0.5], [19.5, 9.5]])
    near_square = sim.create(9, positions={"grid": None, "extent": [3, 3]})
    assert near_square.positions.min() == 0.5 and near_square.positions.max() == 2.5


@pytest.mark.parametrize(
    ("positions", "rule"),
    [
        ({"grid": [2, 3], "extent": [1.0]}, r"positions.extent: must be the size along each of 2 axes"),
        ({"grid": [2, 3], "extent": [1.0, 0.0]}, r"positions.extent: must be the size .*, > 0"),
        ({"grid": [2, 3], "extent": [1.0, float("nan")]}, r"positions.extent: must be the size .*, > 0"),
        (
            {"grid": [2, 3], "extent": [1, 1], "spacing": 1},
            r"positions.spacing, positions.extent: must not be",
        ),
        ({"disc": 2.0, "extent": [1.0, 1.0]}, r"positions.extent: is that of a grid"),
    ],
)
def test_an_extent_that_is_none_is_refused(positions: dict[str, Any], rule: str) -> None:
    with pytest.raises(ConfigError, match=rule):
        _sim().create(6, positions=positions)


def test_wrapped_edges_of_populations_name_the_period() -> None:
    sim = _sim()
    E = sim.create(800, positions={"grid": [40, 20]})
    few = sim.create(200, positions={"grid": [20, 10], "spacing": 2.0})
    with pytest.raises(ValueError, match=r"^edge_wrap: .*, \[40.0, 20.0\], where .*; got True$"):
        sim.connect(E, few, probability={"box": [0.5, 2.0]}, weight=1.0, edge_wrap=True)
    sim.connect(E, few, probability={"box": [0.5, 2.0]}, weight=1.0, edge_wrap=[40.0, 20.0])
    disc = sim.create(20, positions="disc")
    with pytest.raises(ValueError, match=r"^edge_wrap: must be a period for each coordinate, where"):
        sim.connect(disc, E, probability={"box": [0.5, 2.0]}, weight=1.0, edge_wrap=True)


# ---- images ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["name", "population", "part", "ids"])
def test_a_population_on_a_grid_sees_an_image(form: str) -> None:
    sim = _sim()
    E = sim.create(12, name="E", positions={"grid": [4, 3], "extent": [8.0, 6.0]})
    group: Any = {"name": "E", "population": E, "part": E[3:], "ids": E.ids[3:]}[form]
    image = np.arange(12.0).reshape(4, 3)
    if form in ("part", "ids"):
        with pytest.warns(UserWarning, match=r"9 of 12 pixels"):
            current = ImageCurrent(sim, group, image, duration=2.0)
    else:
        current = ImageCurrent(sim, group, image, duration=2.0)
    sim.step()
    assert current.value.tolist() == list(range(12 - len(current.ids), 12))


def test_a_population_of_an_area_sees_what_the_area_sees() -> None:
    values = []
    for form in ("name", "population"):
        sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        sim.initialize_neurons(["V1_like"])
        group: Any = "V1_like" if form == "name" else sim.populations["V1_like"]
        current = ImageCurrent(sim, group, np.eye(28), duration=2.0)
        sim.step()
        values.append(current.value)
    assert np.array_equal(*values)


def test_a_layer_of_a_grid_of_three_axes_sees_an_image() -> None:
    sim = _sim()
    E = sim.create(24, name="E", positions={"grid": [4, 3, 2], "spacing": 0.1})
    current = ImageCurrent(sim, E, np.arange(12.0).reshape(4, 3), duration=2.0, z_layer=1)
    sim.step()
    assert current.ids.tolist() == E.ids[1::2].tolist()
    np.testing.assert_allclose(current.value, np.arange(12.0))
    with pytest.raises(ValueError, match=r"^z_layer: must be at most 1; got 2"):
        ImageCurrent(sim, E, np.ones((2, 2)), duration=2.0, z_layer=2)


def test_a_grid_keeps_its_sites_when_neurons_are_gone() -> None:
    sim = _sim()
    E = sim.create(12, name="E", positions={"grid": [4, 3]})
    for k in (0, 1, 2, 7):
        sim.model.remove_neuron(k)
    with pytest.warns(UserWarning, match=r"image: 8 of 12 pixels have a neuron in E"):
        current = ImageCurrent(sim, E, np.arange(12.0).reshape(4, 3), duration=2.0)
    sim.step()
    assert current.value.tolist() == [3.0, 4.0, 5.0, 6.0, 8.0, 9.0, 10.0, 11.0]


def test_a_camera_drives_a_population() -> None:
    sim = _sim()
    E = sim.create(20, "spike_source", name="E", positions={"grid": [5, 4]})
    assert play_camera(sim, E, [0, 4], [1, 3], [1000.0, 2000.0], shape=(5, 4)) == 2
    assert [sim.step()["spikes"] for _ in range(2)] == [[1], [19]]


@pytest.mark.parametrize("positions", [None, "disc", "line", "sphere"])
def test_neurons_on_no_grid_are_refused(positions: str | None) -> None:
    sim = _sim()
    E = sim.create(20, name="E", positions=positions)
    with pytest.raises(
        ValueError, match=r"^area: must be neurons on a grid of two or three axes.*E is on none"
    ):
        ImageCurrent(sim, E, np.eye(3), duration=2.0)
    assert sim._session.bound().sources == []


def test_neurons_of_several_populations_are_refused() -> None:
    sim = _sim()
    E, F = sim.create(4, name="E", positions="grid"), sim.create(4, name="F", positions="grid")
    with pytest.raises(ValueError, match=r"^area: must be neurons of one area or population; got E\+F$"):
        ImageCurrent(sim, E + F, np.eye(3), duration=2.0)
