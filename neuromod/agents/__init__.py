"""Agents of spiking neurons for gymnasium's environments; the extra ``rl`` brings gymnasium.

``neuromod.agents.tasks`` holds environments of our own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if (
    TYPE_CHECKING
):  # at run time a name is imported when it is first asked for: gymnasium looks in here at its start
    from neuromod.agents.agent import Agent, evaluate
    from neuromod.agents.callbacks import Callback, CSVLog, LevelLog, StopOnMeanReturn, TensorBoardLog
    from neuromod.agents.decoders import PopulationVector, Rates, Winner, decoder_for
    from neuromod.agents.encoders import Angles, OneHot, Parts, PlaceCells, PopulationCode, encoder_for
    from neuromod.agents.history import History
    from neuromod.agents.known import settings_for
    from neuromod.agents.settings import Settings
    from neuromod.agents.vector import VectorAgent

_HOMES = {
    "Agent": "agent",
    "evaluate": "agent",
    "CSVLog": "callbacks",
    "Callback": "callbacks",
    "LevelLog": "callbacks",
    "StopOnMeanReturn": "callbacks",
    "TensorBoardLog": "callbacks",
    "History": "history",
    "settings_for": "known",
    "Angles": "encoders",
    "OneHot": "encoders",
    "Parts": "encoders",
    "PlaceCells": "encoders",
    "PopulationCode": "encoders",
    "encoder_for": "encoders",
    "PopulationVector": "decoders",
    "Rates": "decoders",
    "Winner": "decoders",
    "decoder_for": "decoders",
    "Settings": "settings",
    "VectorAgent": "vector",
}

__all__ = [
    "Agent",
    "Angles",
    "CSVLog",
    "Callback",
    "History",
    "LevelLog",
    "OneHot",
    "Parts",
    "PlaceCells",
    "PopulationCode",
    "PopulationVector",
    "Rates",
    "Settings",
    "StopOnMeanReturn",
    "TensorBoardLog",
    "VectorAgent",
    "Winner",
    "decoder_for",
    "encoder_for",
    "evaluate",
    "settings_for",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'neuromod.agents' has no attribute {name!r}")
    return getattr(importlib.import_module(f"neuromod.agents.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
