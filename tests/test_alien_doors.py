"""What no caller should pass, given to agents, encoders, decoders, senses, critics, results and figures.

As in ``test_alien_arguments``: only an error that names the argument leaves a call, and no wrong kind is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from test_alien_arguments import ALIENS, NEVER

import neuromod
from neuromod import plot, senses
from neuromod.errors import NeuromodError
from neuromod.experiment import run_experiment
from neuromod.experiment.report import save_report
from neuromod.experiment.results import results_table, save_results

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is an extra")
agents = pytest.importorskip("neuromod.agents")

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning", "ignore::neuromod.NeuromodWarning")

FLAGS = (
    NEVER | {key: ALIENS[key] for key in ("nan", "half", "-1", "empty", "2**64")} | {"one": 1, "none": None}
)
"""Neither True nor False."""
MODEL = neuromod.BrainModel("brain_base_model.json")
RESULTS = run_experiment("brain_base_model.json", steps=2)
DISCRETE = gymnasium.spaces.Discrete(4)
CELLS = agents.PlaceCells([-1.0, -1.0], [1.0, 1.0])


def agent() -> Any:
    return agents.Agent(DISCRETE, DISCRETE, seed=1)


def several() -> Any:
    return agents.VectorAgent(DISCRETE, DISCRETE, 2, seed=1)


def observed(**given: Any) -> None:
    pair = several()
    pair.predict([0, 1])
    pair.observe(**given)


class Door(NamedTuple):
    call: Callable[..., Any]
    right: Mapping[str, Any]
    numeric: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


DOORS: dict[str, Door] = {
    "Agent.predict": Door(
        lambda **a: agent().predict(**a), {"observation": 0, "deterministic": True}, (), ("deterministic",)
    ),
    "VectorAgent.predict": Door(
        lambda **a: several().predict(**a),
        {"observations": [0, 1], "deterministic": True, "mask": [True, False]},
        ("mask",),
        ("deterministic",),
    ),
    "VectorAgent.observe": Door(
        observed,
        {"rewards": [0.0, 1.0], "terminated": [False, True], "truncated": [False, False]},
        ("rewards", "terminated", "truncated"),
    ),
    "evaluate": Door(
        agents.evaluate,
        {"agent": agent(), "env": None, "episodes": 1, "seed": 0, "deterministic": True},
        ("episodes", "seed"),
        ("deterministic",),
    ),
    "OneHot": Door(agents.OneHot, {"n": 3, "start": 0}, ("n", "start")),
    "PlaceCells": Door(
        agents.PlaceCells,
        {"low": [0.0, 0.0], "high": [1.0, 1.0], "places": [3, 4], "grids": 2, "periodic": [0]},
        ("low", "high", "places", "grids", "periodic"),
    ),
    "PopulationCode": Door(
        agents.PopulationCode,
        {"low": [0.0], "high": [1.0], "cells": 8, "active": 2},
        ("low", "high", "cells", "active"),
    ),
    "Angles": Door(agents.Angles, {"pairs": [(0, 1)], "encoder": CELLS}, ("pairs", "encoder")),
    "Parts": Door(agents.Parts, {"encoders": [agents.OneHot(2)]}, ("encoders",)),
    "Winner": Door(agents.Winner, {"n": 3, "start": 1, "silent": 2}, ("n", "start", "silent")),
    "PopulationVector": Door(
        agents.PopulationVector,
        {"low": [0.0], "high": [1.0], "groups": 5, "dtype": np.float32},
        ("low", "high", "groups"),
    ),
    "Rates": Door(agents.Rates, {"low": [0.0], "high": [1.0], "dtype": "float32"}, ("low", "high")),
    "CSVLog": Door(agents.CSVLog, {"path": "log.csv"}),
    "feed_sense_input": Door(
        senses.feed_sense_input,
        {"model": MODEL, "sense_name": "vision", "matrix": np.ones((20, 20)), "z_layer": 0, "fit": "crop"},
        ("model", "sense_name", "matrix", "z_layer", "fit"),
    ),
    "sense_ids": Door(
        senses.sense_ids, {"model": MODEL, "sense_name": "vision", "z_layer": 0}, ("model", "z_layer")
    ),
    "text_matrix": Door(senses.text_matrix, {"data": "a", "shape": (2, 2), "gain": 1.0}, ("gain", "shape")),
    "TDCritic.update": Door(
        lambda **a: neuromod.TDCritic().update(**a),
        {"state": "a", "reward": 1.0, "next_state": "b", "terminal": True},
        ("reward",),
        ("terminal",),
    ),
    "TDCritic.trial": Door(
        lambda **a: neuromod.TDCritic().trial(**a),
        {"onsets": {"a": 1}, "rewards": {3: 1.0}, "n_steps": 5, "learn": True},
        ("n_steps",),
        ("learn",),
    ),
    "RescorlaWagner": Door(
        neuromod.RescorlaWagner,
        {"learning_rate": 0.1, "salience": {"a": 1.0}, "initial_value": 0.0},
        ("learning_rate", "initial_value"),
    ),
    "save_results": Door(
        save_results, {"path": "r.npz", "arrays": {"a": [1.0]}, "overwrite": True}, (), ("overwrite",)
    ),
    "save_report": Door(
        save_report,
        {"path": "r.html", "results": RESULTS, "notes": [], "overwrite": True},
        ("results",),
        ("overwrite",),
    ),
    "results_table": Door(results_table, {"results": RESULTS}, ("results",)),
    "sweep": Door(
        lambda **a: neuromod.sweep(lambda seed, drive: 1.0, **a),
        {"over": {"drive": [1]}, "seeds": 1, "seed": 0},
        ("seeds", "seed"),
    ),
    "sweep, seeds": Door(
        lambda **a: neuromod.sweep(lambda seed, drive: 1.0, {"drive": [1]}, **a),
        {"seeds": [1, 2], "seed": 0},
        ("seeds", "seed"),
    ),
    "objective": Door(
        lambda **a: neuromod.objective(lambda seed, drive: 1.0, {"drive": (1, 2)}, **a), {"figure": "value"}
    ),
    "plot.rates": Door(
        lambda **a: plot.rates(([1.0], [1]), areas={"a": [1]}, **a), {"bin_ms": 10.0}, ("bin_ms",)
    ),
    "plot.summary": Door(lambda **a: plot.summary(RESULTS, **a), {"window_ms": 3000.0}, ("window_ms",)),
    "plot.learning_curve": Door(
        lambda **a: plot.learning_curve([1.0, 2.0], **a), {"window": 1, "label": "a"}, ("window",)
    ),
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def right(name: str) -> dict[str, Any]:
    made = {"env": gymnasium.make("FrozenLake-v1", is_slippery=False, desc=["SF", "FG"])}
    return {key: made.get(key, value) for key, value in DOORS[name].right.items()}


def taken(name: str, door: Door, argument: str, alien: Any) -> str:
    """What is wrong with the answer to an alien; nothing where the error names the argument."""
    try:
        door.call(**{**right(name), argument: alien})
    except (ValueError, TypeError, IndexError, NeuromodError, OSError) as error:
        said = str(error)
        return (
            ""
            if argument.removesuffix("s") in said
            else f"{type(error).__name__} without its name: {said[:90]}"
        )
    except Exception as error:  # what a user must not see: told with all the others
        return f"{type(error).__name__}: {str(error)[:90]}"
    return "accepted"


@pytest.mark.parametrize("name", DOORS)
def test_only_an_error_that_names_the_argument_leaves_a_call(name: str) -> None:
    if name.startswith("plot."):
        pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    door, wrong = DOORS[name], []
    door.call(**right(name))  # else the errors would be those of another argument
    for argument in door.right:
        for kind, alien in (FLAGS if argument in door.flags else ALIENS).items():
            if (argument, kind) == ("window_ms", "tiny"):
                continue  # a window of no width, of which matplotlib warns
            told = taken(name, door, argument, alien)
            never = argument in door.flags or (argument in door.numeric and kind in NEVER)
            if told != "accepted" or never:
                wrong += [f"{argument} = {kind}: {told}"] if told else []
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)
