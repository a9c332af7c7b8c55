"""Settings with which agents were measured, by the name of the environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neuromod.agents.encoders import Angles, Encoder, PlaceCells
from neuromod.errors import ConfigError
from neuromod.near_names import names_near
from neuromod.problems import did_you_mean, shown

__all__ = ["known_names", "settings_for"]


def _pole_cells() -> Encoder:
    return PlaceCells([-2.4, -2.5, -0.21, -3.0], [2.4, 2.5, 0.21, 3.0], places=(2, 3, 6, 6), grids=8)


def _acrobot_cells() -> Encoder:
    most = np.array([np.pi, np.pi, 5.0, 9.0])  # of the speeds what is often met, not what is possible
    return Angles([(0, 1), (2, 3)], PlaceCells(-most, most, places=4, grids=8, periodic=[0, 1]))


_SLIPPERY, _FIRM = "FrozenLake-v1, slippery", "FrozenLake-v1, not slippery"
_CHOICE = {"discount": 0.0, "critic_rate": 0.1}
_KNOWN: dict[str, dict[str, Any]] = {
    "CartPole-v1": {
        "discount": 0.97,
        "trace": 0.9,
        "reward_scale": 10.0,
        "critic_rate": 0.04,
        "actor_rate": 0.2,
        "noise": 0.5,
    },
    "Acrobot-v1": {
        "discount": 0.99,
        "reward_scale": 20.0,
        "critic_rate": 0.1,
        "actor_rate": 3.0,
        "tonic_rate": 0.0,
        "noise": 2.0,
    },
    _FIRM: {},
    _SLIPPERY: {
        "discount": 0.98,
        "trace": 0.0,
        "critic_rate": 0.1,
        "actor_rate": 4.0,
        "evidence": 16.0,
        "noise": 2.0,
    },
    "neuromod/Bandit-v0": {**_CHOICE, "actor_rate": 1.0},
    "neuromod/ReversalBandit-v0": {**_CHOICE, "evidence": 5.0, "noise": 0.4, "uncertainty_gain": 2.0},
    "neuromod/TwoStep-v0": {"discount": 0.9},
    "neuromod/ProbabilisticSelection-v0": _CHOICE,
    "neuromod/DelayedReward-v0": {"discount": 0.9},
    "neuromod/GoNoGo-v0": {"discount": 0.0, "silent": 0},
    "neuromod/StopSignal-v0": {},
    "neuromod/NBack-v0": {"discount": 0.0},
    "neuromod/Maze-v0": {},
}
_CELLS: dict[str, Callable[[], Encoder]] = {"CartPole-v1": _pole_cells, "Acrobot-v1": _acrobot_cells}


def known_names() -> list[str]:
    """The environments that `settings_for` knows.

    Returns
    -------
    list of str

    Examples
    --------
    >>> known_names()[0]
    'CartPole-v1'
    """
    return list(_KNOWN)


@names_near
def settings_for(env: Any) -> dict[str, Any]:
    """Arguments of `Agent` with which an environment was learned, for those that the guide's table of scores has.

    Parameters
    ----------
    env : gymnasium.Env, gymnasium.vector.VectorEnv or str
        An environment made by ``gymnasium.make`` or ``gymnasium.make_vec``; or a name of `known_names`.

    Returns
    -------
    dict
        Settings, and where it needs one an encoder or the action of silence; a new dict each time. It is empty where
        the defaults are right.

    Raises
    ------
    ConfigError
        If nothing is known of the environment.

    Examples
    --------
    >>> settings_for("neuromod/GoNoGo-v0")
    {'discount': 0.0, 'silent': 0}
    """
    name = env if isinstance(env, str) else _name_of(env)
    if name not in _KNOWN:
        hint = did_you_mean(name, _KNOWN) or f"; known are {', '.join(_KNOWN)}"
        raise ConfigError([f"env: must be one that settings are known for; got {shown(name)}{hint}"])
    found = dict(_KNOWN[name])
    if name in _CELLS:
        found["encoder"] = _CELLS[name]()
    return found


def _name_of(env: Any) -> str:
    """The name of an environment, with what tells it from others of its id."""
    spec = getattr(env, "spec", None)
    if spec is None:
        raise ConfigError([f"env: must be made by gymnasium.make, or a name; got {shown(env)}"])
    if spec.id == "FrozenLake-v1":
        return _SLIPPERY if spec.kwargs.get("is_slippery", True) else _FIRM
    return str(spec.id)
