"""The network at rest; see ``neuromod/network/brain_model.py``."""

from neuromod.network.brain_model import (
    BrainModel,
    Neuron,
    Synapse,
)

__all__ = [
    "BrainModel",
    "Neuron",
    "Synapse",
]
