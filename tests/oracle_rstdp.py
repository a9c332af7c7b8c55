"""Three-factor STDP again, in plain NumPy and float64, from Izhikevich 2007 (doi:10.1093/cercor/bhl152): the judge of
the event-driven rule ``rstdp``. Nothing here imports the package.

    dc/dt = -c / tau_c + A+ x (target's spikes) - A- y (arrivals)        dw/dt = learning_rate m g(t) c(t)

x and y are traces of all arrivals and of all the target's spikes (+1 each, exponential), m is the strength of
dopamine and g = level - part * baseline. Step k covers ((k - 1) dt, k dt] and its spikes are at k dt; a spike of the
source arrives `delay` steps later. Within a step all kinetics are continuous and integrated exactly. An arrival sees
y without this step's spike; a spike of the target sees x with this step's arrival, and a pair in one step counts by
its `SHARES`. Weights are clipped in every
step.

Three times over: `dense` goes through every step for all synapses; `replay` knows no steps and goes from event to
event of one synapse; `daspnet` is the author's published program, which sums every 10 ms. ``RULES`` maps the rule's
name to the first of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from oracle_plasticity import SHARES

Floats = np.ndarray


@dataclass(frozen=True)
class Rule:
    """Parameters of the rule, ms and mV. `weight_dependence` > 0 makes bounds soft: what a pair adds to c is scaled
    by the distance to the bound that it drives to, in parts of the range, to this power."""

    learning_rate: float = 0.001
    a_plus: float = 1.0
    a_minus: float = 1.0
    tau_plus: float = 20.0
    tau_minus: float = 20.0
    tau_c: float = 1000.0
    subtract_baseline: float = 1.0
    weight_min: float = 0.25
    weight_max: float = 1.0
    weight_decay: float = 0.0
    weight_dependence: float = 0.0
    coincident: str = "half"

    def clipped(self, weight: Floats) -> Floats:
        """The weight within its bounds."""
        return np.clip(weight, self.weight_min, self.weight_max)

    def scaled(self, change: Floats, weight: Floats) -> Floats:
        """What soft bounds leave of a change."""
        share = (self.clipped(weight) - self.weight_min) / (self.weight_max - self.weight_min)
        return change * np.where(change > 0.0, 1.0 - share, share) ** self.weight_dependence


@dataclass(frozen=True)
class Dopamine:
    """Kinetics of the level: towards the baseline with `tau` (ms), or, where that is None, by a part `decay_rate` of
    the distance at the end of every step; `strength` is m."""

    baseline: float = 0.5
    tau: float | None = None
    decay_rate: float = 0.1
    strength: float = 2.0

    def relaxed(self, level: Floats, duration: float) -> Floats:
        """The level a time (ms) later; with `decay_rate` one step later."""
        kept = 1.0 - self.decay_rate if self.tau is None else math.exp(-duration / self.tau)
        return self.baseline + (level - self.baseline) * kept

    def earned(self, level: Floats, rule: Rule, duration: float, longer: Floats | float = 1.0) -> Floats:
        """What c = 1 earns in a time (ms): learning_rate m times the integral of exp(-s / tau_c) g(s), with tau_c
        `longer` times that of the rule."""

        def integral(rate: Floats) -> Floats:
            return -np.expm1(-rate * duration) / rate

        forgotten = 1.0 / (rule.tau_c * np.asarray(longer))
        signal = (1.0 - rule.subtract_baseline) * self.baseline * integral(forgotten)
        rate = forgotten + (0.0 if self.tau is None else 1.0 / self.tau)
        return rule.learning_rate * self.strength * (signal + (level - self.baseline) * integral(rate))


@dataclass
class Wiring:
    """Synapses as arrays of one entry each: source, target, delay in steps, weight at first, region."""

    pre: np.ndarray
    post: np.ndarray
    delay: np.ndarray
    weight: Floats
    region: np.ndarray


def dense(
    rule: Rule,
    dopamine: Dopamine,
    dt: float,
    wiring: Wiring,
    spikes: np.ndarray,
    levels: Floats,
    factors: Floats | None = None,
) -> tuple[Floats, Floats]:
    """(weight, eligibility) of all synapses after ``len(spikes) - 1`` steps.

    spikes[k, i] tells whether neuron i fires in step k; levels[k, r] is the level that is set before step k in
    region r, NaN for none. Entries of step 0 are not used. factors[k, r], default 1, multiplies A+, A- and tau_c
    during step k.
    """
    factors = np.ones(levels.shape) if factors is None else factors
    before, after = SHARES[rule.coincident]
    w, c = wiring.weight.astype(np.float64), np.zeros(len(wiring.pre))
    x, y, level = np.zeros_like(c), np.zeros_like(c), np.full(levels.shape[1], dopamine.baseline)
    for k in range(1, len(spikes)):
        level = np.where(np.isnan(levels[k]), level, levels[k])
        factor = factors[k, wiring.region]
        w = (1.0 - rule.weight_decay) * w + c * dopamine.earned(level, rule, dt, factors[k])[wiring.region]
        w = rule.clipped(w)
        c = c * np.exp(-dt / (rule.tau_c * factor))
        x, y = x * math.exp(-dt / rule.tau_plus), y * math.exp(-dt / rule.tau_minus)
        sent = k - wiring.delay
        arrives, fires = (sent > 0) & spikes[np.maximum(sent, 0), wiring.pre], spikes[k, wiring.post]
        c = c + np.where(arrives, rule.scaled(-rule.a_minus * factor * y, w), 0.0)
        x = x + arrives
        c = c + np.where(arrives & fires, rule.scaled(-rule.a_minus * factor * after, w), 0.0)
        seen = x - np.where(arrives, 1.0 - before, 0.0)
        c = c + np.where(fires, rule.scaled(rule.a_plus * factor * seen, w), 0.0)
        y = y + fires
        level = dopamine.relaxed(level, dt)
    return rule.clipped(w), c


def replay(
    rule: Rule,
    dopamine: Dopamine,
    weight: float,
    arrivals: Iterable[float],
    fired: Iterable[float],
    doses: Iterable[tuple[float, float]],
    end: float,
) -> tuple[float, float]:
    """(weight, eligibility) of one synapse at time `end`, from event to event, without steps; needs `tau`.

    Times in ms: of arrivals, of the target's spikes, and of doses (time, level from then on).
    """
    events = [(t, 0, 0.0) for t in arrivals] + [(t, 1, 0.0) for t in fired] + [(t, 2, v) for t, v in doses]
    w, c, x, y, level, now = weight, 0.0, 0.0, 0.0, dopamine.baseline, 0.0
    arrived, (before, after) = -math.inf, SHARES[rule.coincident]
    for time, kind, value in [*sorted(e for e in events if e[0] <= end), (end, 3, 0.0)]:
        passed, now = time - now, time
        w += c * float(dopamine.earned(np.float64(level), rule, passed))
        c *= math.exp(-passed / rule.tau_c)
        x, y = x * math.exp(-passed / rule.tau_plus), y * math.exp(-passed / rule.tau_minus)
        level = float(dopamine.relaxed(np.float64(level), passed))
        if kind == 0:
            w, c, x, arrived = float(rule.clipped(np.float64(w))), c - rule.a_minus * y, x + 1.0, time
        elif kind == 1:
            w = float(rule.clipped(np.float64(w)))
            if time == arrived:
                c += rule.a_plus * (x - 1.0 + before) - rule.a_minus * after
            else:
                c += rule.a_plus * x
            y += 1.0
        elif kind == 2:
            level, w = value, float(rule.clipped(np.float64(w)))
    return float(rule.clipped(np.float64(w))), c


def daspnet(pair: float, pulse_ms: int, duration_ms: int = 20_000) -> tuple[float, float]:
    """What the published program (daspnet.m, ModelDB 84167) earns by one pair of eligibility `pair`, at 0 ms, and
    one pulse: (phasic part, part of the constant 0.002). In every ms DA falls by 0.5 %, and the pulse is added in its
    own; then, every 10 ms, s += (0.002 + DA) sd and sd loses 1 %."""
    phasic = constant = da = 0.0
    sd = pair
    for ms in range(1, duration_ms + 1):
        da *= 0.995
        if ms == pulse_ms:
            da += 0.5
        if ms % 10 == 0:
            phasic, constant, sd = phasic + da * sd, constant + 0.002 * sd, 0.99 * sd
    return phasic, constant


RULES = {"rstdp": dense}
