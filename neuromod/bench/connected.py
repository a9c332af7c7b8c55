"""The projections of the bench's networks of many populations."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from neuromod.errors import NeuromodWarning

__all__ = ["connect_each"]


def connect_each(sim: Any, sources: Sequence[Any], targets: Sequence[Any], **how: Any) -> None:
    """Connect each population of sources to each of targets, by the arguments of `Simulation.connect`."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", NeuromodWarning
        )  # sources as targets: what reaches them is what is measured
        for i, post in enumerate(targets):
            for j, pre in enumerate(sources):
                sim.connect(pre, post, synapse_type="excitatory", name=f"P{j}>P{i}", **how)
