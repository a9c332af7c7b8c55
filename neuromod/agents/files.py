"""Files of agents, in the package's format: see ``neuromod/guide/files.md``."""

from __future__ import annotations

from os import PathLike
from typing import Any

from neuromod.agents.decoders import Decoder
from neuromod.agents.encoders import Encoder
from neuromod.agents.mind import Mind
from neuromod.agents.settings import checked_settings
from neuromod.agents.signals import Signals
from neuromod.archive import read_archive, write_archive
from neuromod.errors import ConfigError
from neuromod.keeping import again, settled_content
from neuromod.network.files import problems_of
from neuromod.problems import shown
from neuromod.simulation import Simulation
from neuromod.state import SavedPart

__all__ = ["load_minds", "save_minds"]

_MOST_STEPS = 2**61


def save_minds(path: str | PathLike[str], kind: str, minds: list[Mind], spaces: tuple[Any, Any]) -> None:
    """Write agents of one kind to a file, which appears whole or not at all."""
    about = told(spaces, minds[0].encoder, minds[0].decoder)
    write_archive(
        path,
        kind,
        {
            **about,
            "settings": dict(vars(minds[0].settings)),
            "cells_per_action": minds[0].per_group,
            "agents": [
                {
                    "num_timesteps": mind.steps,
                    "mind": mind.state(),
                    "simulation": settled_content(mind.sim),
                }
                for mind in minds
            ],
        },
    )


def load_minds(
    path: str | PathLike[str], kind: str, encoder: Encoder, decoder: Decoder, spaces: tuple[Any, Any]
) -> list[Mind]:
    """The agents of a file, checked."""
    found = read_archive(path, kind)
    with problems_of(path):
        part = SavedPart(found.content, "content")
        about = told(spaces, encoder, decoder)
        part.only(*about, "settings", "cells_per_action", "agents")
        part.has(*about, "settings", "cells_per_action", "agents")
        each = part.whole("cells_per_action", 1, 10_000)
        part.finish()
        other = [
            f"{key}: must be that which was saved, {shown(found.content[key])}; got {shown(value)}"
            for key, value in about.items()
            if found.content[key] != value
        ]
        agents = found.content["agents"]
        if not isinstance(agents, list) or not agents:
            other.append(f"agents: must be a list of at least one; got {shown(agents)}")
        if other:
            raise ConfigError(other)
        settings = checked_settings(dict(part.part("settings").value))
        minds = []
        for k, content in enumerate(agents):
            own = SavedPart(content, f"agents[{k}]")
            own.only("num_timesteps", "mind", "simulation")
            own.has("num_timesteps", "mind", "simulation")
            own.finish()
            steps = own.whole("num_timesteps", 0, _MOST_STEPS) or 0
            own.finish()
            sim, _ = again(Simulation, content["simulation"], 1)
            minds.append(_mind(sim, encoder, decoder, settings, each or 1, own.part("mind"), k))
            minds[-1].steps = steps
    return minds


def _mind(
    sim: Simulation,
    encoder: Encoder,
    decoder: Decoder,
    settings: Any,
    per_group: int,
    part: SavedPart,
    k: int,
) -> Mind:
    """One agent of a file."""
    sizes = {name: len(population) for name, population in sim.populations.items()}
    want = {
        "cells": encoder.n_cells,
        "clock": 1,
        "critic": 1,
        "actor": sum(decoder.groups) * per_group,
    }
    if sizes != want or not {"value", "policy"} <= set(sim.projections):
        raise ConfigError(
            [f"agents[{k}].simulation: must have the populations of an agent, {want}; got {sizes}"]
        )
    part.has("signals")
    part.finish()
    mind = Mind(
        encoder,
        decoder,
        settings,
        per_group,
        sim,
        Signals.of_state(part.value["signals"], f"agents[{k}].mind.signals"),
    )
    mind.restore(part.value)
    return mind


def told(spaces: tuple[Any, Any], encoder: Encoder, decoder: Decoder) -> dict[str, Any]:
    """What tells one agent's spaces and parts from another's, as text."""
    return {
        "observation_space": str(spaces[0]),
        "action_space": str(spaces[1]),
        "encoder": _told_part(encoder, encoder.n_cells, encoder.n_active),
        "decoder": _told_part(decoder, *decoder.groups),
    }


def _told_part(part: Any, *sizes: int) -> str:
    """An encoder or decoder of ours by its arguments; another one by its class and sizes."""
    kind = type(part)
    if kind.__module__.startswith("neuromod.agents."):
        return repr(part)
    return f"{kind.__qualname__} of {', '.join(map(str, sizes))}"
