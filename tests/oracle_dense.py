"""Any rule of plasticity in float64, every synapse in every step: the reference of the learning fuzzer.

`RULES` has the changes that a rule makes at a synapse's events, from `oracle_plasticity.py` and `oracle_rules.py`;
`course` adds decay, bounds, soft bounds, modulation and eligibility, step by step. Nothing here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import oracle_rules
from oracle_plasticity import Params, Rule, Spikes, Synapse, float32, stdp


def rstdp(synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float) -> tuple[float, ...]:
    """Changes of the eligibility trace: pairs, without a learning rate."""
    return stdp(synapse, spikes, step, {**params, "learning_rate": 1.0}, dt)


ELIGIBLE: dict[str, Rule] = {"rstdp": rstdp, **oracle_rules.ELIGIBLE}
RULES: dict[str, Rule] = {**oracle_rules.RULES, **ELIGIBLE}


@dataclass
class Course:
    """What a synapse is held to: how it learns, and what the modulator does in each step."""

    rule: str
    params: Params
    dt: float
    low: float
    high: float
    decay: float
    dependence: float
    inhibitory: bool
    level: Callable[[int], float]  # of dopamine, in a step
    baseline: float = 0.5
    strength: float = 2.0

    def softened(self, change: float, weight: float) -> float:
        """What soft bounds leave of a change."""
        if self.dependence == 0.0:
            return change
        share = min(max((weight - self.low) / (self.high - self.low), 0.0), 1.0)
        return change * (1.0 - share if change > 0.0 else share) ** self.dependence

    def clipped(self, weight: float) -> float:
        """The weight within its bounds; those of a strength are >= 0."""
        least = max(self.low, 0.0) if self.inhibitory else self.low
        return min(max(weight, least), self.high)


def course(
    about: Course, synapse: Synapse, spikes: Spikes, n_steps: int
) -> tuple[list[float], list[float], float]:
    """(weight and eligibility after each step, what c = 1 earns at most); index 0: at the start. Strengths of an
    inhibitory synapse."""
    rule, p, eligible = RULES[about.rule], about.params, about.rule in ELIGIBLE
    w, c, most = abs(float32(synapse.weight)) if about.inhibitory else float32(synapse.weight), 0.0, 0.0
    weights, traces = [w], [0.0]
    events = synapse.arrivals(spikes) | spikes[synapse.post]
    for step in range(1, n_steps + 1):
        kept = w * (1.0 - about.decay)
        if eligible:  # decay and signal act at the same time
            signal = about.strength * (about.level(step) - p["subtract_baseline"] * about.baseline)
            held = p["tau_c"] * -math.expm1(-about.dt / p["tau_c"])
            w = about.clipped(kept + p["learning_rate"] * signal * held * c)
            most = max(most, abs(p["learning_rate"] * signal) * p["tau_c"])
            c *= math.exp(-about.dt / p["tau_c"])
        elif kept != w:
            w = about.clipped(kept)
        factor = 1.0 if eligible else about.strength * about.level(step)
        for change in rule(synapse, spikes, step, p, about.dt) if step in events else ():
            left = about.softened(change * factor, w)
            if eligible:
                c += left
            elif left != 0.0:
                w = about.clipped(w + left)
        weights.append(w)
        traces.append(c)
    return weights, traces, most
