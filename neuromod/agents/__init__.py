"""Agents of spiking neurons for gymnasium's environments; the extra ``rl`` brings gymnasium.

``neuromod.agents.tasks`` holds environments of our own.
"""

from neuromod.agents.agent import Agent, evaluate
from neuromod.agents.callbacks import Callback, CSVLog, StopOnMeanReturn
from neuromod.agents.decoders import PopulationVector, Rates, Winner, decoder_for
from neuromod.agents.encoders import OneHot, Parts, PlaceCells, PopulationCode, encoder_for
from neuromod.agents.history import History
from neuromod.agents.settings import Settings
from neuromod.agents.vector import VectorAgent

__all__ = [
    "Agent",
    "CSVLog",
    "Callback",
    "History",
    "OneHot",
    "Parts",
    "PlaceCells",
    "PopulationCode",
    "PopulationVector",
    "Rates",
    "Settings",
    "StopOnMeanReturn",
    "VectorAgent",
    "Winner",
    "decoder_for",
    "encoder_for",
    "evaluate",
]
