"""The form of a saved state: arrays, scalars, digests, and steps of any length come back as they were."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromod import ConfigError, Simulation
from neuromod.state import digest_of, pack, unpack


def test_scalars_of_numpy_are_saved_as_plain_ones() -> None:
    state = {"a": np.float32(0.1), "b": np.int8(-3), "c": np.bool_(True)}
    packed = json.loads(json.dumps(pack(state)))
    assert packed == {"a": float(np.float32(0.1)), "b": -3, "c": True}
    assert digest_of(unpack(packed)) == digest_of(state)


def test_marks_and_large_numbers_come_back() -> None:
    state = {"marks": np.array([True, False]), "large": 10**400}
    again = unpack(json.loads(json.dumps(pack(state))))
    assert again["marks"].dtype == bool and again["marks"].tolist() == [True, False]
    assert digest_of(again) == digest_of(state) != digest_of({**state, "large": 10**400 + 1})


@pytest.mark.parametrize("depth", [99, 100, 101])
def test_a_digest_is_of_at_most_100_levels(depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = {"a": nested}
    if depth <= 100:
        assert len(digest_of(nested)) == 64
    else:
        with pytest.raises(ConfigError, match=r"^state: must not be nested more than 100 deep$"):
            digest_of(nested)


def test_whole_numbers_of_numpy_are_taken() -> None:
    from neuromod.state import SavedPart

    part = SavedPart({"n": np.int64(3)}, "state")
    found = part.whole("n", 0, 5)
    assert type(found) is int and found == 3 and not part.problems
    assert part.whole("n", 4, 5) is None
    assert part.problems == ["state.n: must be a whole number from 4 to 5; got 3"]


@pytest.mark.parametrize("dt", [1e-9, 2e9, 1e15])
def test_a_simulation_of_any_step_comes_back(dt: float, tmp_path: Path) -> None:
    """Those above 1e9 ms were saved and could not be loaded."""
    sim = Simulation(dt=dt, seed=1)
    sim.create(3, "spike_source")
    sim.step()
    sim.save(tmp_path / "a.npz")
    for again in (
        Simulation.from_dict(json.loads(json.dumps(sim.to_dict()))),
        Simulation.load(tmp_path / "a.npz"),
        pickle.loads(pickle.dumps(sim)),
    ):
        assert again.dt == dt and again.digest() == sim.digest()
