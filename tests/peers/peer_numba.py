"""Hand-written: brunel_static and da_stdp as one compiled loop over rows of targets by source, with a ring of inputs.

What a person would write who knows Numba: float64, one row a source, plastic synapses brought up to date where they
are touched. A spike counts as presynaptic when it is fired, not when it arrives: for weights to compare with, run both
sides with ``--delay 0.1``.
"""

# ruff: noqa: NPY002  Numba draws by the functions of np.random, seeded inside compiled code

import math

import numpy as np
from common import Clock, command_line, emit, memory, settings

arguments = command_line(["brunel_static", "da_stdp"])
p = settings(arguments)
import numba  # noqa: E402
from numba import njit  # noqa: E402


@njit(cache=True)
def rows_by_source(source, n_sources, each):
    """source[target * each + k] turned round: (row starts, targets, where each of the given ones went)."""
    start = np.zeros(n_sources + 1, np.int64)
    for s in source:
        start[s + 1] += 1
    for k in range(n_sources):
        start[k + 1] += start[k]
    free = start[:-1].copy()
    target, place = np.empty(source.size, np.int32), np.empty(source.size, np.int32)
    for k in range(source.size):
        s = source[k]
        target[free[s]] = k // each
        place[k] = free[s]
        free[s] += 1
    return start, target, place


@njit(cache=True)
def step_neurons(v, left, arrived, kept, jump, mean, threshold, after, refractory, fired):
    """Leak, input, Poisson background, threshold; how many fired."""
    count = 0
    for i in range(v.size):
        if left[i] > 0:
            left[i] -= 1
        else:
            now = v[i] * kept + arrived[i] + jump * np.random.poisson(mean)
            if now >= threshold:
                now = after
                left[i] = refractory
                fired[count] = i
                count += 1
            v[i] = now
        arrived[i] = 0.0
    return count


@njit(cache=True)
def run_brunel(
    steps, v, left, e, i, n_e, weight, inhibition, kept, mean, lif, delay, seed, spike_step, spike_id
):
    np.random.seed(seed)
    threshold, after, refractory = lif
    ring, fired, total = np.zeros((delay + 1, v.size)), np.empty(v.size, np.int32), 0
    for k in range(steps):
        count = step_neurons(
            v, left, ring[k % (delay + 1)], kept, weight, mean, threshold, after, refractory, fired
        )
        later = ring[(k + delay) % (delay + 1)]
        for f in range(count):
            s = fired[f]
            spike_step[total], spike_id[total] = k, s
            total += 1
            if s < n_e:
                for q in range(e[0][s], e[0][s + 1]):
                    later[e[1][q]] += weight
            else:
                for q in range(i[0][s - n_e], i[0][s - n_e + 1]):
                    later[i[1][q]] += inhibition
    return total


@njit(fastmath=True, inline="always")
def brought(w, c, since, t, amount, amount_at, tau_c, tau_d, rate, low, high):
    """Weight and eligibility at t: the integral of two exponentials in closed form."""
    passed = t - since
    left = math.exp(-passed / tau_c)
    grown = (
        w
        + c
        * amount
        * math.exp(-(since - amount_at) / tau_d)
        * (1.0 - left * math.exp(-passed / tau_d))
        / rate
    )
    return min(high, max(low, grown)), c * left


@njit(cache=True, fastmath=True)
def run_da(
    steps, dt, v, left, e, incoming, each, i, n_e, w, c, since, jump, inhibition, kept, mean, lif, delay, rule, every,
    seed, spike_step, spike_id,
):  # fmt: skip
    np.random.seed(seed)
    threshold, after, refractory = lif
    tau_p, tau_m, tau_c, tau_d, up, down, low, high = rule
    rate, amount, amount_at, n, total = 1.0 / tau_c + 1.0 / tau_d, 0.0, 0.0, v.size, 0
    x, y, at = np.zeros(n), np.zeros(n), np.zeros(n)  # traces as they stood at the neuron's last spike
    ring, fired = np.zeros((delay + 1, n)), np.empty(n, np.int32)
    for k in range(steps):
        t = k * dt
        if k > 0 and k % every == 0:
            for q in range(w.size):
                w[q], c[q] = brought(
                    w[q], c[q], since[q], t, amount, amount_at, tau_c, tau_d, rate, low, high
                )
                since[q] = t
            amount = amount * math.exp(-(t - amount_at) / tau_d) + 1.0 / tau_d
            amount_at = t
        count = step_neurons(
            v, left, ring[k % (delay + 1)], kept, jump, mean, threshold, after, refractory, fired
        )
        later = ring[(k + delay) % (delay + 1)]
        for f in range(count):
            s = fired[f]
            spike_step[total], spike_id[total] = k, s
            total += 1
            if s < n_e:
                for q in range(e[0][s], e[0][s + 1]):
                    post = e[1][q]
                    w[q], c[q] = brought(
                        w[q], c[q], since[q], t, amount, amount_at, tau_c, tau_d, rate, low, high
                    )
                    c[q] -= down * y[post] * math.exp(-(t - at[post]) / tau_m)
                    since[q] = t
                    later[post] += w[q]
            else:
                for q in range(i[0][s - n_e], i[0][s - n_e + 1]):
                    later[i[1][q]] += inhibition
        for f in range(count):
            post = fired[f]
            for m in range(post * each, (post + 1) * each):
                q, s = e[2][m], incoming[m]
                w[q], c[q] = brought(
                    w[q], c[q], since[q], t, amount, amount_at, tau_c, tau_d, rate, low, high
                )
                c[q] += up * x[s] * math.exp(-(t - at[s]) / tau_p)
                since[q] = t
        for f in range(count):
            s = fired[f]
            x[s] = x[s] * math.exp(-(t - at[s]) / tau_p) + 1.0
            y[s] = y[s] * math.exp(-(t - at[s]) / tau_m) + 1.0
            at[s] = t
    return total


def network(p, rng):
    n_e, n_i = int(p["n_excitatory"]), int(p["n_inhibitory"])
    n, each = n_e + n_i, int(p["in_excitatory"])
    incoming = rng.integers(0, n_e, n * each, dtype=np.int32)
    inhibitory = rng.integers(0, n_i, n * int(p["in_inhibitory"]), dtype=np.int32)
    e = rows_by_source(incoming, n_e, each)
    i = rows_by_source(inhibitory, n_i, int(p["in_inhibitory"]))
    v = rng.uniform(0.0, p["v_threshold"], n)
    return e, i, incoming, v, np.zeros(n, np.int32)


def run(p, net, w, steps, spike_step, spike_id):
    e, i, incoming, v, left = net
    dt, n_e = p["dt"], int(p["n_excitatory"])
    kept, mean, delay = math.exp(-dt / p["tau_m"]), p["drive_rate"] * dt / 1000.0, round(p["delay"] / dt)
    lif, inhibition = (
        (p["v_threshold"], p["v_reset"], round(p["refractory_period"] / dt)),
        -p["g"] * p["weight"],
    )
    if "tau_c" not in p:
        return run_brunel(
            steps,
            v,
            left,
            e,
            i,
            n_e,
            p["weight"],
            inhibition,
            kept,
            mean,
            lif,
            delay,
            arguments.seed,
            spike_step,
            spike_id,
        )
    names = (
        "tau_plus",
        "tau_minus",
        "tau_c",
        "tau_dopamine",
        "a_plus",
        "a_minus",
        "weight_min",
        "weight_max",
    )
    rule = tuple(float(p[name]) for name in names)
    return run_da(
        steps, dt, v, left, e, incoming, int(p["in_excitatory"]), i, n_e, w, np.zeros(w.size), np.zeros(w.size),
        p["drive_weight"], inhibition, kept, mean, lif, delay, rule, round(p["pulse_every"] / dt), arguments.seed,
        spike_step, spike_id,
    )  # fmt: skip


def weights(p, net):
    return np.full(net[0][1].size if "tau_c" in p else 0, p["weight"])


few = p | {"n_excitatory": 8, "n_inhibitory": 2, "in_excitatory": 2, "in_inhibitory": 1}
small = network(few, np.random.default_rng(0))
run(few, small, weights(few, small), 2, np.empty(20, np.int64), np.empty(20, np.int32))  # compiles
base = memory()
with Clock() as build:
    net = network(p, np.random.default_rng(arguments.seed))
    w = weights(p, net)
    steps, n = round(p["duration"] / p["dt"]), len(net[3])
    # no neuron fires oftener; pages that are not touched take no memory
    room = int(n * p["duration"] / p["refractory_period"]) + n
    spike_step, spike_id = np.empty(room, np.int64), np.empty(room, np.int32)
with Clock() as clock:
    total = run(p, net, w, steps, spike_step, spike_id)
peak = memory("VmHWM")
emit(
    arguments, "numba", numba.__version__, n_neurons=n, p=p,
    n_synapses=int(n * (p["in_excitatory"] + p["in_inhibitory"])), build=build.wall,
    run=clock.wall, cpu=clock.cpu, base=base, peak=peak, neuron=spike_id[:total],
    time_ms=spike_step[:total] * p["dt"], weights=w if w.size else None,
)  # fmt: skip
