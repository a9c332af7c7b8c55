"""Configurations: JSON to a checked `Config`, or to one error that lists every problem."""

from neuromod.config.load import (
    Area,
    Config,
    Drive,
    NeuronModel,
    Plasticity,
    Sense,
    Simulation,
    check_neuromodulation,
    check_params,
    check_rule,
    check_short_term,
    json_schema,
    load,
    nearest,
)

__all__ = [
    "Area",
    "Config",
    "Drive",
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
]
