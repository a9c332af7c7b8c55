"""The simulation that drives neurons: the one given, or the one that a process of several has."""

from __future__ import annotations

from typing import Any

__all__ = ["alone"]


def alone(sim: Any) -> Any:
    """A Simulation, also of a RankSimulation: every rank drives all neurons, and steps its own."""
    return getattr(sim, "_drives", sim)
