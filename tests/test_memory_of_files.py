"""The memory that saving and loading take, in bytes a synapse under a rule."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neuromod import Simulation

N = 1000  # neurons, and synapses of each


def network() -> Simulation:
    sim = Simulation(seed=1)
    ids = sim.create(N, "poisson", rate=5.0)
    sim.connect(
        ids,
        ids,
        in_degree=N,
        weight={"uniform": [0.1, 0.3]},
        delay={"uniform": [1, 20]},
        rule="stdp",
        synapse_type="excitatory",
    )
    sim.run(100)
    return sim


def measured(act: Callable[[], Any]) -> tuple[float, float, Any]:
    """Bytes a synapse that are held afterwards, and at the peak."""
    tracemalloc.start()
    try:
        made = act()
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return held / N**2, most / N**2, made


def test_saving_makes_no_array_of_sources(tmp_path: Path) -> None:
    """It took 26.6 bytes a synapse."""
    sim = network()
    held, most, _ = measured(lambda: sim.save(tmp_path / "a.npz"))
    assert held < 0.5 and most < 23.5


def test_a_loaded_network_holds_what_it_needs(tmp_path: Path) -> None:
    """Each synapse held 8 bytes more, its weights as they had been read at the load, and took 12 more at the peak."""
    sim = network()
    sim.save(tmp_path / "a.npz")
    held, most, loaded = measured(lambda: Simulation.load(tmp_path / "a.npz"))
    assert held < 13.5 and most < 34.0
    assert loaded.digest() == sim.digest()
