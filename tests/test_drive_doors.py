"""Currents, rates, sheets and trains: what is refused by name, and random trains that need a second draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from grid import sheet

from neuromod import (
    RateSource,
    Simulation,
    StepCurrent,
    correlated_trains,
    gamma_trains,
)
from neuromod.drive.sheets import sheet_of


def network() -> Simulation:
    sim = Simulation(dt=1.0, seed=1)
    sim.create(4, name="E")
    sim.create(2, "poisson", name="P")
    sim.run(5)
    return sim


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (
        lambda sim: StepCurrent(sim, "E", [[1.0]], [9.0]),
        ValueError,
        r"^amplitudes: must be a number or a row of numbers; got shape \(1, 1\)$",
    ),
    (
        lambda sim: StepCurrent(sim, "E", [1.0], [[9.0]]),
        ValueError,
        r"^times: must be a number or a row of numbers; got shape \(1, 1\)$",
    ),
    (
        lambda sim: StepCurrent(sim, "E", 1.0, 0.0, stop=5.0),
        ValueError,
        r"^stop: must be after the present, 5 ms; got 5$",
    ),
    (
        lambda sim: RateSource(sim, "P", [[1.0]], interval=1.0, repeat=1),
        TypeError,
        r"^repeat: must be True or False; got 1$",
    ),
    (
        lambda sim: RateSource(sim, "P", lambda t: 1.0, interval=1.0, repeat=True),
        ValueError,
        r"^repeat: must not be given together with a callable rate$",
    ),
    (
        lambda sim: RateSource(sim, "P", [[1.0], [2.0]], times=[10.0, 20.0, 30.0]),
        ValueError,
        r"^times: must be one for each row of rates, 2; got shape \(3,\)$",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_a_wrong_argument_is_named_and_adds_nothing(
    call: Callable[[Any], Any], error: type[Exception], message: str
) -> None:
    sim = network()
    before = sim.digest()
    with pytest.raises(error, match=message):
        call(sim)
    assert sim.digest() == before


def test_the_end_of_a_current_is_later_than_the_present() -> None:
    sim = network()
    pulse = StepCurrent(sim, "E", 2.0, 0.0, stop=6.5)
    assert [float(pulse.value[0]) for _ in range(3) if sim.step()] == [2.0, 1.0, 0.0]


def test_a_sheet_has_neurons() -> None:
    """None are on the sheet of an empty part, or of a layer in which none of a part stand."""
    sim = Simulation(dt=1.0, seed=1)
    cells = sim.create(8, name="G", positions="grid")
    with pytest.raises(ValueError, match=r"^area: must have neurons on its sheet; .*G\[:0\].* has none$"):
        sheet_of(sim, cells[:0], None)
    assert sheet_of(sim, cells[2:5], None).ids.tolist() == [2, 3, 4]
    layered = Simulation(dt=1.0, seed=1)
    where = np.stack(np.meshgrid(range(2), range(3), range(2), indexing="ij"), axis=-1).reshape(-1, 3)
    cells = layered.create(12, name="L", positions=where)
    low = cells[np.flatnonzero(where[:, 2] == 0)]
    assert len(sheet_of(layered, low, 0).ids) == 6
    with pytest.raises(ValueError, match=r"^area: must have neurons on its sheet; .* has none$"):
        sheet_of(layered, low, 1)
    assert sheet_of(sheet(3, 2), "a", None).size == (3, 2)


@pytest.mark.parametrize("shape", [0.01, 0.1, 3.0])
def test_a_longer_train_begins_as_the_shorter_one(shape: float) -> None:
    """Also where the intervals of the first draw do not reach its end: of shape 0.01 some in a thousand do not."""
    n, about = 4000, {"rate": 1.0, "shape": shape, "seed": 5}
    short, long = (gamma_trains(n, duration=length, **about) for length in (1000.0, 30_000.0))
    for one, other in zip(short, long, strict=True):
        assert np.allclose(one, other[other <= 1000.0], rtol=1e-12, atol=0.0)
        assert len(one) == np.count_nonzero(other <= 1000.0)
    number = sum(map(len, long)) / n
    assert number == pytest.approx(30.0, abs=5.0 * np.sqrt(30.0 / shape / n))


def test_a_longer_mother_begins_as_the_shorter_one() -> None:
    short, long = (correlated_trains(2, 20.0, 0.5, length, seed=3) for length in (500.0, 5000.0))
    for one, other in zip(short, long, strict=True):
        assert len(one) and np.array_equal(one, other[other <= 500.0])
