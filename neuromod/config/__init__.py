"""Configurations: JSON to a checked `Config`, or to one error that lists every problem."""

from neuromod.config.lifecycle import Lifecycle
from neuromod.config.load import check_neuromodulation, check_params, check_rule, check_short_term, load
from neuromod.config.plasticity import Plasticity
from neuromod.config.reference import reference
from neuromod.config.schema import json_schema
from neuromod.config.sections import Area, Drive, NeuronModel, Sense, Simulation
from neuromod.config.whole import Config
from neuromod.problems import nearest

__all__ = [
    "Area",
    "Config",
    "Drive",
    "Lifecycle",
    "NeuronModel",
    "Plasticity",
    "Sense",
    "Simulation",
    "check_neuromodulation",
    "check_params",
    "check_rule",
    "check_short_term",
    "json_schema",
    "load",
    "nearest",
    "reference",
]
