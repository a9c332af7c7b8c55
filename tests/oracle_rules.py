"""Further rules of plasticity in plain Python, from their papers: slow on purpose, and the judge of the C.

No traces, as in ``oracle_plasticity.py``, whose form the rules have: every event sums over all earlier spikes, alone or
in pairs. ``integrated`` is for rules with an eligibility trace: it goes step by step, and sums over everything that
ever reached the trace. Nothing here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from oracle_plasticity import RULES, SHARES, Params, Rule, Spikes, Synapse, float32


def near(step: int, others: Iterable[int], tau: float, dt: float) -> float:
    """Sum of exp(-distance / tau) over the `others` before `step`."""
    return sum(math.exp(-(step - other) * dt / tau) for other in others if other < step)


def together(synapse: Synapse, spikes: Spikes, step: int, params: Params) -> tuple[float, float]:
    """What a pair in this step counts in either order; 0 where there is none."""
    if step in synapse.arrivals(spikes) and step in spikes[synapse.post]:
        return SHARES[params["coincident"]]
    return 0.0, 0.0


def triplet(synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float) -> tuple[float, ...]:
    """Pfister & Gerstner (2006): pairs, and triplets with one more spike of the side that fires last."""
    arrivals, fired = synapse.arrivals(spikes), spikes[synapse.post]
    before, after = together(synapse, spikes, step, params)
    down = late = up = 0.0
    if step in arrivals:
        loss = params["a2_minus"] + params["a3_minus"] * near(step, arrivals, params["tau_x"], dt)
        down, late = -loss * near(step, fired, params["tau_minus"], dt), -loss * after
    if step in fired:
        gain = params["a2_plus"] + params["a3_plus"] * near(step, fired, params["tau_y"], dt)
        up = gain * (before + near(step, arrivals, params["tau_plus"], dt))
    rate = params["learning_rate"]
    return rate * down, rate * late, rate * up


def vogels(
    synapse: Synapse, spikes: Spikes, step: int, size: float, params: Params, dt: float
) -> tuple[float, ...]:
    """Vogels et al. (2011): near-coincidence, less alpha = 2 rho0 tau at every arrival."""
    arrivals, fired = synapse.arrivals(spikes), spikes[synapse.post]
    before, after = together(synapse, spikes, step, params)
    tau = params["tau"]
    on_arrival = up = 0.0
    if step in arrivals:
        alpha = 2.0 * (params["target_rate"] / 1000.0) * tau
        on_arrival = size * (near(step, fired, tau, dt) - alpha)
    if step in fired:
        up = size * (before + near(step, arrivals, tau, dt))
    return on_arrival, size * after, up


def istdp(synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float) -> tuple[float, ...]:
    """Changes of the strength itself."""
    return vogels(synapse, spikes, step, params["learning_rate"], params, dt)


def ristdp(synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float) -> tuple[float, ...]:
    """Changes of the trace of eligibility."""
    return vogels(synapse, spikes, step, params["a"], params, dt)


def bcm(synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float) -> tuple[float, ...]:
    """Gain by triplets; loss by pairs, in proportion to theta = rate^2 / target_rate (all in 1/ms). A target's spike
    that comes before the arrival counts in the rate as well."""
    arrivals, fired = synapse.arrivals(spikes), spikes[synapse.post]
    before, after = together(synapse, spikes, step, params)
    size = params["learning_rate"] * params["a"]

    def loss(spike: float) -> float:
        rate = (spike + near(step, fired, params["tau_theta"], dt)) / params["tau_theta"]
        theta = rate**2 / (params["target_rate"] / 1000.0)
        scale = params["tau_plus"] * params["tau_y"] / params["tau_minus"]
        return size * scale * theta * (spike + near(step, fired, params["tau_minus"], dt))

    down = up = 0.0
    if step in arrivals:
        down = -loss(0.0)
    if step in fired:
        x = before + near(step, arrivals, params["tau_plus"], dt)
        up = size * x * near(step, fired, params["tau_y"], dt)
    return down, after * (loss(0.0) - loss(1.0)), up


def stdp_nearest(
    synapse: Synapse, spikes: Spikes, step: int, params: Params, dt: float
) -> tuple[float, float]:
    """Morrison, Diesmann & Gerstner (2008), figure 7: the pairs of each scheme, picked out of the two trains. One train
    of events has one order of two spikes in a step; `half` is the mean over all orders, each with its probability.

    The order in one step says nothing about pairs that a spike of another step makes with later ones but which of the
    two spikes stands between, so that a mean over the orders in the last two steps with both is the mean over all.
    """
    arrivals, fired = synapse.arrivals(spikes), spikes[synapse.post]
    both = sorted(s for s in arrivals & fired if s <= step)
    orders = {"half": (0, 1), "pre_first": (0,), "none": (2,)}[params["coincident"]]
    recent = both[-2:]
    down = up = 0.0
    choices: list[tuple[int, ...]] = [()]
    for _ in recent:
        choices = [(*choice, order) for choice in choices for order in orders]
    for choice in choices:
        late = dict(zip(recent, choice, strict=True))
        a, b = nearest(arrivals, fired, step, params, dt, late)
        down, up = down + a / len(choices), up + b / len(choices)
    return params["learning_rate"] * down, params["learning_rate"] * up


def nearest(
    arrivals: set[int], fired: set[int], step: int, params: Params, dt: float, late: dict[int, int]
) -> tuple[float, float]:
    """(loss at an arrival, gains at a spike of the target) in one step. `late`, by steps with both spikes: 0, the
    arrival comes first; 1, the target's spike; 2, neither, and each passes the other by."""
    scheme = params["scheme"]
    at = {("a", s): s + (0.5 if late.get(s) == 1 else 0.0) for s in arrivals if s <= step}
    at |= {("f", t): t + (0.25 if late.get(t, 0) != 2 else 0.0) for t in fired if t <= step}
    down = up = 0.0
    if step in arrivals:
        now = at["a", step]
        before = [t for t in fired if t <= step and at["f", t] < now and not (t == step and late.get(t) == 2)]
        if before:
            last = max(before)
            between = [
                s
                for s in arrivals
                if s < step and (at["a", s] > at["f", last] or (s == last and late.get(s) == 2))
            ]
            if scheme != "reduced_symmetric" or not between:
                down = -params["a_minus"] * math.exp(-(step - last) * dt / params["tau_minus"])
    if step in fired:
        now = at["f", step]
        since = max((t for t in fired if t < step), default=None)
        partners = sorted(
            s for s in arrivals if s <= step and at["a", s] < now and not (s == step and late.get(s) == 2)
        )
        if scheme != "symmetric" and since is not None:
            partners = [
                s for s in partners if at["a", s] > at["f", since] or (s == since and late.get(s) == 2)
            ]
        if scheme != "presynaptic_centred":
            partners = partners[-1:]
        up = sum(params["a_plus"] * math.exp(-(step - s) * dt / params["tau_plus"]) for s in partners)
    return down, up


RULES = {**RULES, "triplet": triplet, "istdp": istdp, "bcm": bcm, "stdp_nearest": stdp_nearest}
ELIGIBLE: dict[str, Rule] = {"ristdp": ristdp}


def integrated(
    synapse: Synapse,
    spikes: Spikes,
    n_steps: int,
    rule: Rule,
    params: Params,
    signal: Callable[[int], float],
    *,
    dt: float = 1.0,
    low: float = -math.inf,
    high: float = math.inf,
) -> tuple[float, float]:
    """(strength, eligibility) after n_steps: dc/dt = -c / tau_c, dw/dt = learning_rate g c, g = signal(step)
    throughout a step. Bounds act in every step."""
    tau_c, weight = params["tau_c"], abs(float32(synapse.weight))
    reached: list[tuple[int, float]] = []  # (step, what the trace gained)

    def eligibility(step: int) -> float:
        return sum(gain * math.exp(-(step - at) * dt / tau_c) for at, gain in reached)

    for step in range(1, n_steps + 1):
        held = tau_c * (1.0 - math.exp(-dt / tau_c))
        weight += params["learning_rate"] * signal(step) * eligibility(step - 1) * held
        weight = min(max(weight, low), high)
        reached += [(step, change) for change in rule(synapse, spikes, step, params, dt) if change != 0.0]
    return weight, eligibility(n_steps)
