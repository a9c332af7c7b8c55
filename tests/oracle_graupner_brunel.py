"""The calcium-based rule of Graupner & Brunel (2012) in plain Python: slow on purpose, and the judge of the C.

It integrates the equations of the paper's supplement, with the noise of its correction, step by step by the classical
Runge-Kutta method, cut where calcium crosses a threshold. Of rho it integrates the mean and, for the noise, the
variance about it (d variance / dt = 2 f'(mean) variance + power). The closed forms of the paper for regular pairs
stand below. Nothing here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from oracle_plasticity import Params, Spikes, Synapse, float32

SUBSTEPS = 4  # of Runge & Kutta between two borders of a step


@dataclass
class Efficacy:
    """One synapse: rho is `mean`, plus noise of this `variance` that calcium above a threshold has brought so far."""

    params: Params
    mean: float
    calcium: float = 0.0
    variance: float = 0.0
    deviate: float = 0.0  # of the noise, in standard deviations
    potentiates: float = 1.0  # factors of the modulators since calcium last came in
    depresses: float = 1.0

    @property
    def rho(self) -> float:
        return self.mean + math.sqrt(self.variance) * self.deviate

    def settle(self) -> None:
        self.mean, self.variance = self.rho, 0.0

    def slopes(self, mean: float, variance: float, p: float, d: float) -> tuple[float, float]:
        """Of mean and variance, per ms; p and d: factors of potentiation and depression, 0 below the threshold."""
        q = self.params
        up, down, star = p * q["gamma_p"], d * q["gamma_d"], q["rho_star"]
        drift = -mean * (1.0 - mean) * (star - mean) + up * (1.0 - mean) - down * mean
        steepness = -star + 2.0 * (1.0 + star) * mean - 3.0 * mean**2 - up - down
        return drift / q["tau"], (2.0 * steepness * variance + q["sigma"] ** 2 * (p + d)) / q["tau"]

    def integrate(self, duration: float, p: float, d: float) -> None:
        h = duration / SUBSTEPS
        for _ in range(SUBSTEPS):
            m, v = self.mean, self.variance
            a = self.slopes(m, v, p, d)
            b = self.slopes(m + h / 2 * a[0], v + h / 2 * a[1], p, d)
            c = self.slopes(m + h / 2 * b[0], v + h / 2 * b[1], p, d)
            e = self.slopes(m + h * c[0], v + h * c[1], p, d)
            self.mean = m + h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + e[0])
            self.variance = v + h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + e[1])

    def crossing(self, threshold: float) -> float:
        """Time until calcium falls to the threshold; 0 if it is not above."""
        above = self.calcium / self.params[threshold]
        return self.params["tau_ca"] * math.log(above) if above > 1.0 else 0.0

    def pass_time(self, duration: float) -> None:
        while duration > 0.0:
            to_p, to_d = self.crossing("theta_p"), self.crossing("theta_d")
            piece = min([duration, *(t for t in (to_p, to_d) if t > 1e-9)])
            p, d = to_p > 1e-9, to_d > 1e-9
            if not (p or d):
                self.settle()
            self.integrate(piece, p * self.potentiates, d * self.depresses)
            self.calcium *= math.exp(-piece / self.params["tau_ca"])
            duration -= piece


@dataclass(frozen=True)
class Moment:
    """A synapse at the end of a step."""

    weight: float
    rho: float
    calcium: float
    updates: int  # so far


def graupner_brunel(
    synapse: Synapse,
    spikes: Spikes,
    n_steps: int,
    params: Params,
    *,
    dt: float = 1.0,
    low: float = 0.0,
    high: float = 1.0,
    inhibitory: bool = False,
    deviate: Callable[[int], float] = lambda step: 0.0,
    factors: Callable[[int], tuple[float, float]] = lambda step: (1.0, 1.0),
) -> list[Moment]:
    """The synapse at the start and after each step.

    `deviate`: of the noise that follows the update in a step. `factors`: of the modulators on potentiation and
    depression in a step. A step ends with what happens in it: spikes arrive, calcium of earlier arrivals comes in, the
    target fires. Each is an update: noise starts anew.
    """
    weight = float32(synapse.weight)
    sign = math.copysign(1.0, weight) if inhibitory else 1.0
    efficacy = Efficacy(params, (min(max(sign * weight, low), high) - low) / (high - low))
    efficacy.deviate, updates = deviate(0), 0
    arrivals, lag = synapse.arrivals(spikes), round(params["delay_ca"] / dt)
    moments = [Moment(synapse.weight, efficacy.rho, 0.0, 0)]
    for step in range(1, n_steps + 1):
        efficacy.pass_time(dt)
        jumps = [params["c_pre"]] * (step - lag in arrivals) + [params["c_post"]] * (
            step in spikes[synapse.post]
        )
        if jumps or step in arrivals:
            efficacy.settle()
            efficacy.deviate, updates = deviate(step), updates + 1
        if jumps:
            efficacy.calcium += sum(jumps)
            efficacy.potentiates, efficacy.depresses = factors(step)
        weight = sign * min(max(low + efficacy.rho * (high - low), low), high)
        moments.append(Moment(weight, efficacy.rho, efficacy.calcium, updates))
    return moments


RULES = {"graupner_brunel": graupner_brunel}


def drifted(rho: float | np.ndarray, t: float, tau: float) -> np.ndarray:
    """rho after t without calcium, in closed form: dy/dt = y (1/4 - y^2) / tau, y = rho - 1/2, where rho_star = 1/2."""
    y = np.asarray(rho) - 0.5
    return 0.5 + y * math.exp(t / (4.0 * tau)) / np.sqrt(1.0 + 4.0 * y**2 * math.expm1(t / (2.0 * tau)))


# ---- closed forms of the paper for regular pairs -------------------------------------------------------------


def time_above(events: Iterable[tuple[float, float]], period: float, tau_ca: float, theta: float) -> float:
    """Fraction of a period that calcium is above theta, in the steady state of (time, jump) events that recur."""
    train = sorted((time % period, jump) for time, jump in events)
    start = train[0][0]
    calcium = sum(jump * math.exp(-(period - (time - start)) / tau_ca) for time, jump in train)
    calcium /= 1.0 - math.exp(-period / tau_ca)  # just before the first event
    above = 0.0
    for (time, jump), (following, _) in zip(train, [*train[1:], (start + period, 0.0)], strict=True):
        calcium += jump
        if calcium > theta:
            above += min(following - time, tau_ca * math.log(calcium / theta))
        calcium *= math.exp(-(following - time) / tau_ca)
    return above / period


@dataclass(frozen=True)
class Outcome:
    """Of a protocol: probabilities to go up from 0 and down from 1, mean rho from 0 and from 1 at its end."""

    up: float
    down: float
    from_down: float
    from_up: float

    def strength(self, ratio: float, downs: float) -> float:
        """Mean weight after over that before; `ratio`: w1 / w0 (b), `downs`: share that starts at 0 (beta)."""
        low = downs * (1.0 - self.up) + (1.0 - downs) * self.down
        return (low + (1.0 - low) * ratio) / (downs + (1.0 - downs) * ratio)


def pairs_in_closed_form(params: Params, lag: float, rate: float, n_pairs: int) -> Outcome:
    """n_pairs of spikes, the target's `lag` ms after the source's, at a rate in Hz; without the term of rho_star."""
    period = 1000.0 / rate
    events = [(params["delay_ca"], params["c_pre"]), (lag, params["c_post"])]
    alpha_d, alpha_p = (
        time_above(events, period, params["tau_ca"], params[k]) for k in ("theta_d", "theta_p")
    )
    total = params["gamma_p"] * alpha_p + params["gamma_d"] * alpha_d
    if total == 0.0:
        return Outcome(0.0, 0.0, 0.0, 1.0)
    rest, left = params["gamma_p"] * alpha_p / total, math.exp(-n_pairs * period * total / params["tau"])
    spread = math.sqrt(params["sigma"] ** 2 * (alpha_p + alpha_d) / total * (1.0 - left**2))
    from_down, from_up = rest * (1.0 - left), rest + (1.0 - rest) * left
    if spread == 0.0:
        return Outcome(float(from_down > 0.5), float(from_up <= 0.5), from_down, from_up)
    up, down = ((1.0 + math.erf(side / spread)) / 2.0 for side in (from_down - 0.5, 0.5 - from_up))
    return Outcome(up, down, from_down, from_up)
