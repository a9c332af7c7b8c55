"""Spiking neural networks under dopamine, serotonin and norepinephrine: a C core with a Python face.

The names below are all there is to know for most work; ``neuromod.plasticity`` and ``neuromod.senses`` hold
functions of their own.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "BrainModel": "brain_model",
    "Neuron": "brain_model",
    "Synapse": "brain_model",
    "Simulation": "simulation",
    "DopamineSystem": "neuromodulation",
    "SerotoninSystem": "neuromodulation",
    "NorepinephrineSystem": "neuromodulation",
    "NeuromodulationSystem": "neuromodulation",
    "create_neuromodulation_system": "neuromodulation",
    "RescorlaWagner": "critic",
    "TDCritic": "critic",
    "SpikeMonitor": "monitors",
    "StateMonitor": "monitors",
    "LevelMonitor": "monitors",
    "RateMonitor": "monitors",
    "get_num_threads": "parallel",
    "set_num_threads": "parallel",
    "threads": "parallel",
    "NeuromodError": "errors",
    "ConfigError": "errors",
    "RemovedError": "errors",
    "StaleColumnError": "errors",
    "NumericalError": "errors",
    "CoreError": "errors",
    "NeuromodWarning": "errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'neuromod' has no attribute {name!r}")
    return getattr(importlib.import_module(f"neuromod.{_HOMES[name]}"), name)
