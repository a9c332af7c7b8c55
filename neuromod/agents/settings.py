"""The numbers of an agent, with their domains and defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from neuromod.arguments import checked_number
from neuromod.errors import ConfigError
from neuromod.problems import did_you_mean
from neuromod.together import Together

__all__ = ["BASELINE", "EARLY", "MODULATORS", "SETTINGS", "Settings", "checked_settings"]

EARLY = 3
"""Steps before the actors see the observation: cells, critic, dopamine."""
MODULATORS = ("dopamine", "serotonin", "norepinephrine")
BASELINE = 0.5
"""Of each modulator."""

_ELSEWHERE = {
    "gamma": "discount",
    "gae_lambda": "trace",
    "lambda_": "trace",
    "learning_rate": "critic_rate and actor_rate",
    "ent_coef": "noise",
}
"""What other packages call a setting, and what it is called here."""
_DOMAINS = {
    "discount": (0.0, 0.9999),
    "trace": (0.0, 0.9999),
    "reward_scale": (1e-9, 1e9),
    "critic_rate": (0.0, 10.0),
    "actor_rate": (0.0, 100.0),
    "tonic_rate": (0.0, 1.0),
    "initial_value": (-1e9, 1e9),
    "noise": (0.0, 100.0),
    "evidence": (1e-3, 1000.0),
    "urgency": (0.0, 1000.0),
    "decision_ms": (3.0, 1000.0),
    "uncertainty_gain": (0.0, 10.0),
    "aversion_gain": (0.0, 10.0),
    "waiting_gain": (0.0, 10.0),
}


@dataclass(frozen=True)
class Settings:
    """Numbers of an agent's network and of its modulators.

    Parameters
    ----------
    discount : float, 0 to 1, default 0.95
        Of a reward one decision later.
    trace : float, 0 to 1, default 0.8
        What is left of an eligibility trace one decision later is ``trace * discount``, at least 0.05.
    reward_scale : float, > 0, reward units, default 1
        Error of prediction that takes dopamine to 0 or 1. A larger error counts as this one.
    critic_rate : float, pure number, 0 to 10, default 0.2
        Part of an error by which one decision changes the value of its observation.
    actor_rate : float, mV, 0 to 100, default 2
        Change of the evidence for the action taken, per error of `reward_scale`.
    tonic_rate : float, 0 to 1, default 0.01
        Part of an error by which one decision changes the value that all observations share. At 0 what has not been
        met keeps the `initial_value`: where each step costs, that is more than what is known, and the agent explores.
    initial_value : float, reward units, default 0
        That value at first.
    noise : float, mV, default 1
        Standard deviation of the noise in actor neurons, with norepinephrine at its baseline.
    evidence : float, > 0, mV, default 8
        Most that all cells of an observation together add to an actor neuron, or take from it.
    urgency : float, mV, default 24
        Where a lasting current would take an actor neuron, above rest; its threshold is 15 mV above rest.
    decision_ms : float, ms, 3 to 1000, default 14
        Time from the arrival of the observation to the end of the decision.
    uncertainty_gain, aversion_gain, waiting_gain : float, pure number, 0 to 10, default 1, 1 and 0.2
        How far uncertainty moves norepinephrine; aversive outcomes and waiting, serotonin.

    Examples
    --------
    >>> Settings().discount
    0.95
    """

    discount: float = 0.95
    trace: float = 0.8
    reward_scale: float = 1.0
    critic_rate: float = 0.2
    actor_rate: float = 2.0
    tonic_rate: float = 0.01
    initial_value: float = 0.0
    noise: float = 1.0
    evidence: float = 8.0
    urgency: float = 24.0
    decision_ms: float = 14.0
    uncertainty_gain: float = 1.0
    aversion_gain: float = 1.0
    waiting_gain: float = 0.2


SETTINGS = tuple(field.name for field in fields(Settings))
"""Their names."""


def checked_settings(given: dict[str, Any]) -> Settings:
    """The settings; all that is wrong at once."""
    found = Together()
    clean = {}
    for name, value in given.items():
        if name not in SETTINGS:
            here = _ELSEWHERE.get(name)
            hint = did_you_mean(name, SETTINGS) if here is None else f"; here it is {here}"
            found.wrong(f"{name}: unknown setting{hint}")
        else:
            clean[name] = found(checked_number, value, name, *_DOMAINS[name])
    if found:
        raise ConfigError(found.problems)
    if "decision_ms" in clean:
        clean["decision_ms"] = float(round(clean["decision_ms"] or 0.0))
    return Settings(**{name: value for name, value in clean.items() if value is not None})
