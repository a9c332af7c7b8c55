"""Spiking neural networks under dopamine, serotonin and norepinephrine: a C core with a Python face.

``neuromod guide`` on the command line lists and prints the pages of the guide, which begins with ``first_network``.
The names below are all there is to know for most work; ``neuromod.plasticity`` and ``neuromod.senses`` hold
functions of their own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers; at run time a name is imported when it is first asked for
    from neuromod import agents as agents
    from neuromod import cell_types as cell_types
    from neuromod import plasticity as plasticity
    from neuromod import plot as plot
    from neuromod import senses as senses
    from neuromod.drive.currents import OUCurrent, RampCurrent, SineCurrent, StepCurrent
    from neuromod.drive.images import ImageCurrent, play_camera
    from neuromod.drive.rates import RateSource
    from neuromod.drive.trains import correlated_trains, gamma_trains, play_spikes, play_trains
    from neuromod.errors import (
        ConfigError,
        CoreError,
        FileError,
        NeuromodError,
        NeuromodWarning,
        NumericalError,
        RemovedError,
        StaleColumnError,
    )
    from neuromod.installed import show_config
    from neuromod.logs import read_log
    from neuromod.modulation.critics import RescorlaWagner, TDCritic
    from neuromod.modulation.system import (
        DopamineSystem,
        NeuromodulationSystem,
        NorepinephrineSystem,
        SerotoninSystem,
        create_neuromodulation_system,
    )
    from neuromod.monitors import LevelMonitor, RateMonitor, SpikeMonitor, StateMonitor, SynapseMonitor
    from neuromod.network.brain_model import BrainModel, Neuron, Synapse
    from neuromod.network.population import Population
    from neuromod.parallel import get_num_threads, set_num_threads, threads
    from neuromod.ranks import RankSimulation
    from neuromod.simulation import Simulation
    from neuromod.sweeps.run import sweep
    from neuromod.sweeps.table import SweepTable
    from neuromod.sweeps.tuning import objective

__version__ = "0.1.0"

_HOMES = {
    "BrainModel": "network.brain_model",
    "Neuron": "network.brain_model",
    "Synapse": "network.brain_model",
    "Population": "network.population",
    "Simulation": "simulation",
    "DopamineSystem": "modulation.system",
    "SerotoninSystem": "modulation.system",
    "NorepinephrineSystem": "modulation.system",
    "NeuromodulationSystem": "modulation.system",
    "create_neuromodulation_system": "modulation.system",
    "RescorlaWagner": "modulation.critics",
    "TDCritic": "modulation.critics",
    "SpikeMonitor": "monitors",
    "StateMonitor": "monitors",
    "LevelMonitor": "monitors",
    "RateMonitor": "monitors",
    "SynapseMonitor": "monitors",
    "StepCurrent": "drive.currents",
    "RampCurrent": "drive.currents",
    "SineCurrent": "drive.currents",
    "OUCurrent": "drive.currents",
    "ImageCurrent": "drive.images",
    "RateSource": "drive.rates",
    "gamma_trains": "drive.trains",
    "correlated_trains": "drive.trains",
    "play_trains": "drive.trains",
    "play_spikes": "drive.trains",
    "play_camera": "drive.images",
    "read_log": "logs",
    "RankSimulation": "ranks",
    "sweep": "sweeps.run",
    "SweepTable": "sweeps.table",
    "objective": "sweeps.tuning",
    "get_num_threads": "parallel",
    "set_num_threads": "parallel",
    "threads": "parallel",
    "show_config": "installed",
    "NeuromodError": "errors",
    "ConfigError": "errors",
    "FileError": "errors",
    "RemovedError": "errors",
    "StaleColumnError": "errors",
    "NumericalError": "errors",
    "CoreError": "errors",
    "NeuromodWarning": "errors",
}

_MODULES = ("agents", "cell_types", "plasticity", "plot", "senses")
"""Found as attributes without an import of their own; what they need is imported then."""

__all__ = [
    "__version__",
    "BrainModel",
    "Neuron",
    "Synapse",
    "Population",
    "Simulation",
    "DopamineSystem",
    "SerotoninSystem",
    "NorepinephrineSystem",
    "NeuromodulationSystem",
    "create_neuromodulation_system",
    "RescorlaWagner",
    "TDCritic",
    "SpikeMonitor",
    "StateMonitor",
    "LevelMonitor",
    "RateMonitor",
    "SynapseMonitor",
    "StepCurrent",
    "RampCurrent",
    "SineCurrent",
    "OUCurrent",
    "ImageCurrent",
    "RateSource",
    "gamma_trains",
    "correlated_trains",
    "play_trains",
    "play_spikes",
    "play_camera",
    "read_log",
    "RankSimulation",
    "sweep",
    "SweepTable",
    "objective",
    "get_num_threads",
    "set_num_threads",
    "threads",
    "show_config",
    "NeuromodError",
    "ConfigError",
    "FileError",
    "RemovedError",
    "StaleColumnError",
    "NumericalError",
    "CoreError",
    "NeuromodWarning",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"neuromod.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'neuromod' has no attribute {name!r}{_hint(name)}", name=name)
    return getattr(importlib.import_module(f"neuromod.{_HOMES[name]}"), name)


def _hint(name: str) -> str:
    """What is said of a name that is not here, such as one of another simulator."""
    if name.startswith("_"):
        return ""
    from neuromod.problems import did_you_mean  # not needed to import the package

    return did_you_mean(name, __dir__(), ("neuromod",))


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, *(name for name in globals() if name.startswith("__"))})
