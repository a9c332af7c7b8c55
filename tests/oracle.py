"""Every neuron model again, in plain Python, written from the papers: slow on purpose, and the judge of the C.

One object is one neuron. It has ``state``, a dictionary with the fields of the model's table in C, and
``step(...)``, which says whether the neuron fired.

``NEURONS`` maps each name to its class. Nothing here imports the package.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

State = dict[str, float]


@dataclass(frozen=True)
class Input:
    """What reaches one neuron in one step, already multiplied by norepinephrine's gain."""

    current: float = 0.0
    excitatory: float = 0.0  # summed weights of the spikes that arrive, >= 0
    inhibitory: float = 0.0  # the same, <= 0
    nmda: float = 0.0  # the same, at ports that only some models have
    gaba_b: float = 0.0
    rise: float = 0.0  # fraction of its magnitude by which serotonin raises a threshold
    scheduled: float = 0.0  # spikes set for this step
    word: float = 0.0  # the neuron's random word, 0 .. 2**32 - 1


def raised(threshold: float, rise: float) -> float:
    """More serotonin always makes it harder to fire: the threshold goes up, whatever its sign."""
    return threshold + abs(threshold) * rise


def steps_of(duration: float, dt: float) -> int:
    """A duration in whole steps, halves up."""
    return math.floor(duration / dt + 0.5)


class SynapticCurrent:
    """One exponentially decaying current, or, with a time constant of 0, none.

    A spike arrives at the end of a step: the current that it starts acts from the next step on.
    """

    def __init__(self, tau: float, dt: float) -> None:
        self.tau, self.dt = tau, dt

    @property
    def exists(self) -> bool:
        return self.tau > 0.0

    def mean(self, now: float) -> float:
        """Mean over a step that begins with the current at `now`."""
        return now * self.tau / self.dt * -math.expm1(-self.dt / self.tau) if self.exists else 0.0

    def after(self, now: float, arriving: float) -> float:
        """The current at the end of that step, with what has arrived."""
        return now * math.exp(-self.dt / self.tau) + arriving if self.exists else 0.0


class Neuron:
    """What all models share: parameters, dt, two synaptic currents."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        self.p, self.dt = dict(params), dt
        self.state: State = {}
        self.exc = SynapticCurrent(self.p.get("tau_syn_excitatory", 0.0), dt)
        self.inh = SynapticCurrent(self.p.get("tau_syn_inhibitory", 0.0), dt)

    def step(self, **inputs: float) -> bool:
        """Advance one step; see `Input` for the names. Whether the neuron fired."""
        return self.advance(Input(**inputs))

    def advance(self, x: Input) -> bool:
        raise NotImplementedError

    def start(self, v: float, **more: float) -> None:
        self.state = {"v_membrane": v, **more, "i_syn_excitatory": 0.0, "i_syn_inhibitory": 0.0}

    def mean_synaptic_current(self) -> float:
        return self.exc.mean(self.state["i_syn_excitatory"]) + self.inh.mean(self.state["i_syn_inhibitory"])

    def jump_of_potential(self, x: Input) -> float:
        """Delta synapses: the weights that move the potential at once."""
        return (0.0 if self.exc.exists else x.excitatory) + (0.0 if self.inh.exists else x.inhibitory)

    def let_currents_decay(self, x: Input) -> None:
        self.state["i_syn_excitatory"] = self.exc.after(self.state["i_syn_excitatory"], x.excitatory)
        self.state["i_syn_inhibitory"] = self.inh.after(self.state["i_syn_inhibitory"], x.inhibitory)


class Lif(Neuron):
    """tau_m dv/dt = -(v - v_rest) + I + i ; tau_syn di/dt = -i ; solved exactly (Rotter & Diesmann 1999)."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        super().__init__(params, dt)
        self.start(self.p["v_rest"])
        self.state["refractory_left"] = 0.0

    def response(self, tau: float) -> float:
        """Potential after dt of a current exp(-t / tau) that begins at 1 mV: the convolution, in closed form."""
        tau_m, dt = self.p["tau_m"], self.dt
        if tau == 0.0:
            return 0.0
        if abs(tau - tau_m) < 1e-9 * tau_m:
            return dt / tau_m * math.exp(-dt / tau_m)
        return tau / (tau - tau_m) * (math.exp(-dt / tau) - math.exp(-dt / tau_m))

    def advance(self, x: Input) -> bool:
        s, p = self.state, self.p
        fired = False
        if s["refractory_left"] > 0:
            s["refractory_left"] -= 1
            s["v_membrane"] = p["v_reset"]
        else:
            target = p["v_rest"] + x.current
            v = target + (s["v_membrane"] - target) * math.exp(-self.dt / p["tau_m"])
            v += s["i_syn_excitatory"] * self.response(self.exc.tau)
            v += s["i_syn_inhibitory"] * self.response(self.inh.tau)
            v += self.jump_of_potential(x)
            fired = v >= raised(p["v_threshold"], x.rise) + self.added_to_threshold()
            s["v_membrane"] = p["v_reset"] if fired else v
            if fired:
                s["refractory_left"] = float(steps_of(p["refractory_period"], self.dt))
        self.let_currents_decay(x)
        return fired

    def added_to_threshold(self) -> float:
        return 0.0


class LifAdaptive(Lif):
    """The threshold is v_threshold + theta; d theta/dt = -theta / tau_theta, and + theta_plus at a spike
    (Diehl & Cook 2015)."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        super().__init__(params, dt)
        self.state["theta"] = 0.0

    def added_to_threshold(self) -> float:
        return self.state["theta"]

    def advance(self, x: Input) -> bool:
        self.state["theta"] *= math.exp(-self.dt / self.p["tau_theta"])
        fired = super().advance(x)
        self.state["theta"] += self.p["theta_plus"] * fired
        return fired


class Izhikevich(Neuron):
    """Izhikevich (2003), with the arithmetic of its published program: equal to the last bit."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        super().__init__(params, dt)
        self.start(-65.0, u_recovery=-13.0)

    def advance(self, x: Input) -> bool:
        s, p, dt = self.state, self.p, self.dt
        at_once = self.jump_of_potential(x) / dt
        i = x.current + at_once + self.mean_synaptic_current()
        v, u = s["v_membrane"], s["u_recovery"]
        for _ in range(2):
            v = max(p["v_min"], v + 0.5 * dt * (0.04 * (v * v) + 5 * v + 140 - u + i))
        u = u + dt * (p["a"] * (p["b"] * v - u))
        fired = v >= raised(p["v_peak"], x.rise)
        s["v_membrane"], s["u_recovery"] = (p["c"], u + p["d"]) if fired else (v, u)
        self.let_currents_decay(x)
        return fired


class Adex(Neuron):
    """Brette & Gerstner (2005), by the classical Runge-Kutta method in substeps of at most 0.25 ms."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        super().__init__(params, dt)
        self.start(self.p["e_leak"], u_recovery=0.0)
        self.state["refractory_left"] = 0.0
        self.peak = self.p["v_peak" if self.p["delta_t"] > 0.0 else "v_threshold"]

    def slope(self, v: float, w: float, i: float, shift: float) -> tuple[float, float]:
        """dv/dt and dw/dt; above the peak they are those at the peak. Without an upswing the peak is the threshold."""
        p = self.p
        v, upswing = min(v, self.peak + shift), 0.0
        if p["delta_t"] > 0.0:
            exponent = min((v - p["v_threshold"] - shift) / p["delta_t"], 50.0)
            upswing = p["g_leak"] * p["delta_t"] * math.exp(exponent)
        dv = (-p["g_leak"] * (v - p["e_leak"]) + upswing - w + i) / p["capacitance"]
        return dv, (p["a"] * (v - p["e_leak"]) - w) / p["tau_w"]

    def substep(
        self, v: float, w: float, h: float, i: float, shift: float, held: bool
    ) -> tuple[float, float]:
        """v and w after h; a held v stands still, while w goes on."""

        def slope(dv: float, dw: float) -> tuple[float, float]:
            kv, kw = self.slope(v + dv, w + dw, i, shift)
            return (0.0 if held else kv), kw

        v1, w1 = slope(0.0, 0.0)
        v2, w2 = slope(h / 2 * v1, h / 2 * w1)
        v3, w3 = slope(h / 2 * v2, h / 2 * w2)
        v4, w4 = slope(h * v3, h * w3)
        return v + h * (v1 + 2 * v2 + 2 * v3 + v4) / 6, w + h * (w1 + 2 * w2 + 2 * w3 + w4) / 6

    def advance(self, x: Input) -> bool:
        s, p = self.state, self.p
        shift = abs(p["v_threshold"]) * x.rise
        i = x.current + self.mean_synaptic_current()
        refractory, fired = s["refractory_left"] > 0, False
        n = math.ceil(self.dt / 0.25)
        for _ in range(n):
            held = refractory or fired
            v = p["v_reset"] if held else s["v_membrane"]
            v, w = self.substep(v, s["u_recovery"], self.dt / n, i, shift, held)
            fired = self.test(v, w, shift) or fired
        if not (refractory or fired):
            v = s["v_membrane"] + self.jump_of_potential(x)
            fired = self.test(v, s["u_recovery"], shift)
        if fired:
            s["refractory_left"] = float(steps_of(p["refractory_period"], self.dt))
        else:
            s["refractory_left"] = max(0.0, s["refractory_left"] - 1.0)
        self.let_currents_decay(x)
        return fired

    def test(self, v: float, w: float, shift: float) -> bool:
        """Write v and w back, after the reset if v has passed the peak."""
        fired = v >= self.peak + shift
        self.state["v_membrane"] = self.p["v_reset"] if fired else v
        self.state["u_recovery"] = w + self.p["b"] if fired else w
        return fired


class AdexClopath(Neuron):
    """Clopath et al. (2010), Online Methods: `Adex` with an adaptive threshold, an afterpotential, and a spike that
    lasts. V_T and z are exact; u and w by the classical Runge-Kutta method in substeps of at most 0.25 ms."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        super().__init__(params, dt)
        self.start(self.p["e_leak"], u_recovery=0.0, i_afterpotential=0.0, v_threshold_excess=0.0)
        self.state["clamp_left"] = 0.0

    def end_spike(self) -> None:
        s, p = self.state, self.p
        s["v_membrane"] = p["v_reset"]
        s["u_recovery"] += p["b"]
        s["i_afterpotential"] = p["i_sp"]
        s["v_threshold_excess"] = p["v_threshold_max"] - p["v_threshold"]

    def slope(self, t: float, u: float, w: float, i: float, shift: float) -> tuple[float, float]:
        """du/dt and dw/dt, t ms after the beginning of the substep; above the peak they are those at the peak."""
        s, p = self.state, self.p
        z = s["i_afterpotential"] * math.exp(-t / p["tau_z"])
        v_t = p["v_threshold"] + shift + s["v_threshold_excess"] * math.exp(-t / p["tau_v_threshold"])
        u = min(u, p["v_peak"] + shift)
        upswing = p["g_leak"] * p["delta_t"] * math.exp(min((u - v_t) / p["delta_t"], 50.0))
        du = (-p["g_leak"] * (u - p["e_leak"]) + upswing - w + z + i) / p["capacitance"]
        return du, (p["a"] * (u - p["e_leak"]) - w) / p["tau_w"]

    def substep(self, h: float, i: float, shift: float) -> None:
        u, w = self.state["v_membrane"], self.state["u_recovery"]
        u1, w1 = self.slope(0.0, u, w, i, shift)
        u2, w2 = self.slope(h / 2, u + h / 2 * u1, w + h / 2 * w1, i, shift)
        u3, w3 = self.slope(h / 2, u + h / 2 * u2, w + h / 2 * w2, i, shift)
        u4, w4 = self.slope(h, u + h * u3, w + h * w3, i, shift)
        self.state["v_membrane"] = u + h * (u1 + 2 * u2 + 2 * u3 + u4) / 6
        self.state["u_recovery"] = w + h * (w1 + 2 * w2 + 2 * w3 + w4) / 6

    def advance(self, x: Input) -> bool:
        s, p = self.state, self.p
        shift = abs(p["v_threshold"]) * x.rise
        if s["clamp_left"] == 1.0:
            self.end_spike()
        s["clamp_left"] = max(0.0, s["clamp_left"] - 1.0)
        i = x.current + self.mean_synaptic_current()
        n, fired = math.ceil(self.dt / 0.25), False
        clamped = s["clamp_left"] > 0.0
        for _ in range(n):
            if not (clamped or fired):
                self.substep(self.dt / n, i, shift)
                fired = s["v_membrane"] >= p["v_peak"] + shift
            s["i_afterpotential"] *= math.exp(-self.dt / n / p["tau_z"])
            s["v_threshold_excess"] *= math.exp(-self.dt / n / p["tau_v_threshold"])
        if not (clamped or fired):
            s["v_membrane"] += self.jump_of_potential(x)
            fired = s["v_membrane"] >= p["v_peak"] + shift
        if fired:
            s["v_membrane"] = p["v_clamp"]
            s["clamp_left"] = float(steps_of(p["t_clamp"], self.dt))
            if s["clamp_left"] == 0.0:
                self.end_spike()
        self.let_currents_decay(x)
        return fired


class LifCond(Neuron):
    """tau_m dv/dt = -(v - v_rest) + sum g (e_rev - v) + I ; g in units of the leak, its mean over each step."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        super().__init__(params, dt)
        self.state = dict.fromkeys(("g_syn_excitatory", "g_syn_inhibitory", "refractory_left"), 0.0)
        self.state["v_membrane"] = self.p["v_rest"]

    def advance(self, x: Input) -> bool:
        s, p = self.state, self.p
        fired = False
        if s["refractory_left"] > 0:
            s["refractory_left"] -= 1
            s["v_membrane"] = p["v_reset"]
        else:
            g_exc, g_inh = self.exc.mean(s["g_syn_excitatory"]), self.inh.mean(s["g_syn_inhibitory"])
            g = 1 + g_exc + g_inh
            drive = p["v_rest"] + x.current + g_exc * p["e_rev_excitatory"] + g_inh * p["e_rev_inhibitory"]
            v = drive / g + (s["v_membrane"] - drive / g) * math.exp(-g * self.dt / p["tau_m"])
            fired = v >= raised(p["v_threshold"], x.rise)
            s["v_membrane"] = p["v_reset"] if fired else v
            if fired:
                s["refractory_left"] = float(steps_of(p["refractory_period"], self.dt))
        s["g_syn_excitatory"] = self.exc.after(s["g_syn_excitatory"], x.excitatory)
        s["g_syn_inhibitory"] = self.inh.after(s["g_syn_inhibitory"], -x.inhibitory)
        return fired


class DualExponential:
    """A conductance that rises and decays, scaled to a maximum of 1 per unit of weight (found numerically)."""

    def __init__(self, rise: float, decay: float, dt: float) -> None:
        self.rise, self.decay = SynapticCurrent(rise, dt), SynapticCurrent(decay, dt)
        at = math.log(decay / rise) / (1 / rise - 1 / decay)
        self.scale = 1 / (math.exp(-at / decay) - math.exp(-at / rise))

    def mean(self, now: tuple[float, float]) -> float:
        return self.decay.mean(now[1]) - self.rise.mean(now[0])

    def after(self, now: tuple[float, float], arriving: float) -> tuple[float, float]:
        more = abs(arriving) * self.scale
        return self.rise.after(now[0], more), self.decay.after(now[1], more)


class LifNmdaGabaB(Neuron):
    """`LifCond` with NMDA (blocked by magnesium, Jahr & Stevens 1990) and GABA_B, which rise and decay."""

    def __init__(self, params: Mapping[str, float], dt: float) -> None:
        super().__init__(params, dt)
        self.slow = {
            name: DualExponential(self.p[f"tau_rise_{name}"], self.p[f"tau_decay_{name}"], dt)
            for name in ("nmda", "gaba_b")
        }
        zero = ["g_syn_excitatory", "g_syn_inhibitory", "refractory_left"]
        zero += [f"g_{part}_{name}" for name in self.slow for part in ("rise", "decay")]
        self.state = {"v_membrane": self.p["v_rest"], **dict.fromkeys(zero, 0.0)}

    def slow_now(self, name: str) -> tuple[float, float]:
        return self.state[f"g_rise_{name}"], self.state[f"g_decay_{name}"]

    def relaxed(self, v: float, block_at: float, g: Mapping[str, float], current: float) -> float:
        """v after a step with the conductances `g`, NMDA's blocked as at the potential `block_at`."""
        blocked = {**g, "nmda": g["nmda"] / (1 + self.p["mg"] / 3.57 * math.exp(-0.062 * block_at))}
        total = 1 + sum(blocked.values())
        drive = self.p["v_rest"] + current + sum(g * self.p[f"e_rev_{k}"] for k, g in blocked.items())
        return drive / total + (v - drive / total) * math.exp(-total * self.dt / self.p["tau_m"])

    def advance(self, x: Input) -> bool:
        s, p = self.state, self.p
        fired = False
        if s["refractory_left"] > 0:
            s["refractory_left"] -= 1
            s["v_membrane"] = p["v_reset"]
        else:
            g = {"excitatory": self.exc.mean(s["g_syn_excitatory"])}
            g["inhibitory"] = self.inh.mean(s["g_syn_inhibitory"])
            g |= {name: slow.mean(self.slow_now(name)) for name, slow in self.slow.items()}
            v0 = s["v_membrane"]
            middle = (v0 + self.relaxed(v0, v0, g, x.current)) / 2
            v = self.relaxed(v0, middle, g, x.current)
            fired = v >= raised(p["v_threshold"], x.rise)
            s["v_membrane"] = p["v_reset"] if fired else v
            if fired:
                s["refractory_left"] = float(steps_of(p["refractory_period"], self.dt))
        s["g_syn_excitatory"] = self.exc.after(s["g_syn_excitatory"], x.excitatory)
        s["g_syn_inhibitory"] = self.inh.after(s["g_syn_inhibitory"], -x.inhibitory)
        for name, slow in self.slow.items():
            rise, decay = slow.after(self.slow_now(name), x.nmda if name == "nmda" else x.gaba_b)
            s[f"g_rise_{name}"], s[f"g_decay_{name}"] = rise, decay
        return fired


class Poisson(Neuron):
    """Fires in a step with probability rate dt."""

    def advance(self, x: Input) -> bool:
        return (x.word + 0.5) / 2.0**32 < self.p["rate"] * (self.dt / 1000.0)


class SpikeSource(Neuron):
    """Fires where it is told to."""

    def advance(self, x: Input) -> bool:
        return x.scheduled > 0


NEURONS: dict[str, type[Neuron]] = {
    "lif": Lif,
    "lif_adaptive": LifAdaptive,
    "izhikevich": Izhikevich,
    "adex": Adex,
    "adex_clopath": AdexClopath,
    "lif_cond": LifCond,
    "lif_nmda_gaba_b": LifNmdaGabaB,
    "poisson": Poisson,
    "spike_source": SpikeSource,
}
