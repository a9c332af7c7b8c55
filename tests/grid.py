"""Small networks for tests of connections: areas on a lattice, with positions that are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromod import BrainModel, Simulation

Ints = np.ndarray


def sheet(n: int, m: int, seed: int = 1, model: str = "lif", layers: int = 1, **area: Any) -> Simulation:
    """One area "a" on n x m sites, one neuron on each; with `layers`, areas "a", "b", ... one above the other.

    `area`: further keys of each area.
    """
    areas = [
        {
            "name": "abc"[z],
            "model": model,
            "neuron_type": "excitatory",
            "coord_ranges": {"x": [0, n - 1], "y": [0, m - 1], "z": [z, z], "w": [0, 0]},
            **area,
        }
        for z in range(layers)
    ]
    sim = Simulation(BrainModel(config={"lattice_shape": [n, m, layers, 1], "areas": areas}), seed=seed)
    sim.initialize_neurons()
    return sim


def positions(sim: Simulation) -> np.ndarray:
    """Coordinates of each neuron by id, shape (n, 4)."""
    neurons = sim.model.neurons
    return np.stack([neurons.x, neurons.y, neurons.z, neurons.w], axis=1).astype(float)


def all_distances(sim: Simulation, periods: Any = None) -> np.ndarray:
    """Distance of each source (row) and target (column), the shorter way around; the plain twin."""
    at = positions(sim)
    d = np.abs(at[:, None, :] - at[None, :, :])
    if periods is not None:
        around = np.asarray(periods, float)
        d = np.where(np.isfinite(around), np.minimum(d, around - d), d)
    return np.sqrt((d**2).sum(axis=2))


def counts(p: Any, n: int) -> Ints:
    """How often each pair is connected, shape (n, n)."""
    return np.bincount(p.pre_id * n + p.post_id, minlength=n * n).reshape(n, n)
