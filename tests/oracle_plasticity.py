"""The rules of plasticity again, in plain Python, from their definitions: slow on purpose, and the judge of the C.

No traces: STDP sums over all pairs of spikes, anew at every event. Synapses are a list, spikes a set of steps for
each neuron, and time goes on step by step. ``RULES`` maps each name to its function. Nothing here imports the
package.

Inside a step: weights decay; then spikes that were fired `delay` steps ago arrive; then targets fire. An arrival in
the step in which the target fires is a pair at distance 0: `SHARES` of it in either order.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Spikes = Mapping[int, set[int]]
Params = Mapping[str, Any]
SHARES = {"half": (0.5, 0.5), "pre_first": (1.0, 0.0), "none": (0.0, 0.0)}
"""By `coincident`: what a pair in one step counts as the arrival before the target's spike, and after it."""


@dataclass
class Synapse:
    """One synapse: who it joins, its delay in steps, and its weight, which is stored as a float32."""

    pre: int
    post: int
    delay: int
    weight: float

    def arrivals(self, spikes: Spikes) -> set[int]:
        """Steps in which spikes of the source reach the target."""
        return {step + self.delay for step in spikes[self.pre]}


def float32(value: float) -> float:
    """The nearest number that a float32 can hold."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def hebbian(synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float) -> tuple[float, float]:
    """(change on arrival, change as the target fires) in one step."""
    if step not in synapse.arrivals(spikes):
        return 0.0, 0.0
    eta = params["learning_rate"]
    return (eta if step in spikes[synapse.post] else -eta / 2.0), 0.0


def stdp(synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float) -> tuple[float, ...]:
    """(change on arrival, what the target's spike in the same step adds to that, change as the target fires) in one
    step: sums over all earlier spikes."""
    down = late = up = 0.0
    arrivals = synapse.arrivals(spikes)
    before, after = SHARES[params["coincident"]]
    if step in arrivals and step in spikes[synapse.post]:
        late, up = -params["a_minus"] * after, params["a_plus"] * before
    if step in arrivals:
        for fired in spikes[synapse.post]:
            if fired < step:
                down -= params["a_minus"] * math.exp(-(step - fired) * dt / params["tau_minus"])
    if step in spikes[synapse.post]:
        for arrived in arrivals:
            if arrived < step:
                up += params["a_plus"] * math.exp(-(step - arrived) * dt / params["tau_plus"])
    rate = params["learning_rate"]
    return rate * down, rate * late, rate * up


Rule = Callable[[Synapse, Spikes, int, Params, float], tuple[float, ...]]
RULES: dict[str, Rule] = {"hebbian": hebbian, "stdp": stdp}


@dataclass
class Learning:
    """One projection's plasticity: its rule, bounds, decay, and the factor that modulation puts on a change.

    `factor` takes the step and the target. An inhibitory projection learns strengths, abs(weight), and keeps signs.
    `weight_dependence` makes bounds soft (Guetig et al. 2003): growth counts (1 - share)^weight_dependence, loss
    share^weight_dependence, share being how far the weight has come from one bound to the other. `exact`: weights are
    kept in float64; otherwise they are stored as a float32 after every change.
    """

    rule: Rule
    params: Params
    dt: float = 1.0
    weight_min: float = 0.0
    weight_max: float = 1.0
    weight_decay: float = 0.0
    inhibitory: bool = False
    factor: Callable[[int, int], float] = lambda step, post: 1.0
    weight_dependence: float = 0.0
    exact: bool = False

    def softened(self, weight: float, change: float) -> float:
        """What soft bounds leave of a change."""
        if self.weight_dependence == 0.0:
            return change
        strength = abs(weight) if self.inhibitory else weight
        low = max(0.0, self.weight_min) if self.inhibitory else self.weight_min
        share = min(max((strength - low) / (self.weight_max - low), 0.0), 1.0)
        return change * (1.0 - share if change > 0.0 else share) ** self.weight_dependence

    def moved(self, weight: float, change: float) -> float:
        """The weight after a change: bounded, unless there is none."""
        sign, low, high = 1.0, self.weight_min, self.weight_max
        if self.inhibitory:
            sign, weight, low, high = math.copysign(1.0, weight), abs(weight), max(0.0, low), max(0.0, high)
        if change != 0.0:
            weight = min(max(weight + change, low), high)
        return sign * weight if self.exact else float32(sign * weight)

    def decayed(self, weight: float) -> float:
        strength = abs(weight) if self.inhibitory else weight
        return self.moved(weight, -self.weight_decay * strength)


def learnt(
    synapses: list[Synapse], spikes: Spikes, n_steps: int, learning: Learning
) -> tuple[list[float], list[float]]:
    """The weights after n_steps, and how large each was at most; the synapses themselves stay as they are."""
    weights, largest = [], []
    for synapse in synapses:
        weight = float32(synapse.weight)
        most = abs(weight)
        for step in range(1, n_steps + 1):
            weight = learning.decayed(weight)
            changes = learning.rule(synapse, spikes, step, learning.params, learning.dt)
            for change in changes:
                scaled = learning.softened(weight, change * learning.factor(step, synapse.post))
                weight = learning.moved(weight, scaled)
                most = max(most, abs(weight))
        weights.append(weight)
        largest.append(most)
    return weights, largest
