"""Functions that tests sweep: of a module, so that other processes can import them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from neuromod import Simulation, get_num_threads

CONFIG: dict[str, Any] = {
    "lattice_shape": [8, 8, 1, 1],
    "areas": [
        {"name": "A", "coord_ranges": {"x": [0, 7], "y": [0, 7], "z": [0, 0], "w": [0, 0]}, "density": 0.5}
    ],
    "background_drive": {"rate": 800.0, "weight": 2.0},
    "plasticity": {"rule": "stdp"},
    "experiment": {"connection_probability": 0.2, "steps": 40},
}


def count(current: float, seed: int, n: int = 5) -> dict[str, Any]:
    """Spikes of a few driven neurons."""
    sim = Simulation(seed=seed)
    sim.create(n, "lif", i_offset=current, drive={"rate": 500.0, "weight": 1.0})
    return {"spikes": int(sim.run(60)["spike_counts"].sum()), "digest": sim.digest()}


def cores(seed: int) -> int:
    """Threads that a simulation made here gets."""
    return Simulation(seed=seed).threads + 100 * (get_num_threads() != Simulation(seed=seed).threads)


def fails_at_two(x: int, seed: int) -> int:
    """An error at one point."""
    if x == 2:
        raise ValueError("two is too much")
    return 10 * x


def slow(x: int, seed: int) -> int:
    """A run that takes a while."""
    time.sleep(0.2)
    return 10 * x


def dies_once(x: int, folder: str, seed: int) -> int:
    """The worker is killed in its first run of one point."""
    mark = Path(folder) / "died"
    if x == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    time.sleep(0.02)
    return 10 * x


def always_dies_at_two(x: int, seed: int) -> int:
    """The worker is killed in every run of one point."""
    if x == 2:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return 10 * x


def rate_only(results: Any) -> float:
    """One figure of a run of a configuration."""
    return float(results["area_rate"][0])
