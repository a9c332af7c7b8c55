"""ANNarchy: brunel_static, da_stdp, izhikevich_stdp.

da_stdp as its documentation writes dopamine-modulated rules: traces by event, eligibility and weight by synapse and
step, dopamine a parameter that a loop in Python sets every 10 ms.

ANNarchy draws the sources of a neuron without replacement, the others with: there a source may be drawn twice, which
makes the variance of the recurrent input 1.1 times as large at scale 1. So its neurons fire a little more regularly
(two runs of 1 s of brunel_static: CV 0.402 beside 0.423), at the edge of what compare.py allows.
"""

import sys
import tempfile
import time

import numpy as np
from common import Clock, command_line, emit, memory, settings

arguments = command_line(["brunel_static", "da_stdp", "izhikevich_stdp"])
p = settings(arguments)
sys.argv = sys.argv[:1]  # ANNarchy reads it as well
import ANNarchy as annarchy  # noqa: E402

base = memory()
folder = tempfile.mkdtemp(prefix="annarchy_")
began = time.perf_counter()
net = annarchy.Network(dt=p["dt"], seed=arguments.seed)
net.config(num_threads=arguments.threads)
n_e, n_i = int(p["n_excitatory"]), int(p["n_inhibitory"])
n = n_e + n_i


def lif(weight, rate):
    """Conductances last a step, so they are jumps; the background is a binomial of 1,000 trials a step."""
    kept = float(np.exp(-p["dt"] / p["tau_m"]))
    chance = rate * p["dt"] / 1000.0 / 1000.0
    neuron = annarchy.Neuron(
        parameters={"threshold": p["v_threshold"], "after": p["v_reset"]},
        equations=[f"v = {kept!r}*v + {weight!r}*Binomial(1000, {chance!r}) + g_exc - g_inh"],
        spike="v >= threshold",
        reset="v = after",
        refractory=p["refractory_period"],
    )
    population = net.create(n, neuron)
    population.v = np.random.default_rng(arguments.seed).uniform(0.0, p["v_threshold"], n)
    return population


def inhibition(population):
    projection = net.connect(population[n_e:], population, "inh")
    projection.fixed_number_pre(int(p["in_inhibitory"]), weights=p["g"] * p["weight"], delays=p["delay"])


def brunel_static():
    population = lif(p["weight"], p["drive_rate"])
    projection = net.connect(population[:n_e], population, "exc")
    projection.fixed_number_pre(int(p["in_excitatory"]), weights=p["weight"], delays=p["delay"])
    inhibition(population)
    return population, None


def da_stdp():
    population = lif(p["drive_weight"], p["drive_rate"])
    synapse = annarchy.Synapse(
        parameters={
            "tau_p": p["tau_plus"], "tau_m": p["tau_minus"], "tau_c": p["tau_c"], "dopamine": 0.0, "up": p["a_plus"],
            "down": p["a_minus"], "low": p["weight_min"], "high": p["weight_max"],
        },
        equations=[
            annarchy.Variable("tau_p*dx/dt = -x", method="event-driven"),
            annarchy.Variable("tau_m*dy/dt = -y", method="event-driven"),
            annarchy.Variable("tau_c*dc/dt = -c", method="exponential"),
            annarchy.Variable("dw/dt = c*dopamine", min="low", max="high", method="explicit"),
        ],
        pre_spike="g_target += w\nx += up\nc -= y",
        post_spike="y += down\nc += x",
    )  # fmt: skip
    plastic = net.connect(population[:n_e], population, "exc", synapse)
    plastic.fixed_number_pre(int(p["in_excitatory"]), weights=p["weight"], delays=p["delay"])
    inhibition(population)
    return population, plastic


def izhikevich_stdp():
    neuron = annarchy.Neuron(
        parameters={
            "a": annarchy.Parameter(0.02, locality="local"),
            "d": annarchy.Parameter(8.0, locality="local"),
        },
        equations=[
            f"input = g_exc - g_inh + {p['noise']!r}*Normal(0.0, 1.0)",
            "half = v + 0.5*(0.04*v*v + 5.0*v + 140.0 - u + input)",
            "v = half + 0.5*(0.04*half*half + 5.0*half + 140.0 - u + input)",
            "u += a*(0.2*v - u)",
        ],
        spike="v >= 30.0",
        reset="v = -65.0\nu += d",
        refractory=0.0,
    )
    population = net.create(n, neuron)
    population.v, population.u = -65.0, -13.0
    population[n_e:].a, population[n_e:].d = 0.1, 2.0
    high = p["weight_max"]
    rule = annarchy.STDP(
        tau_plus=p["tau"],
        tau_minus=p["tau"],
        A_plus=p["a_plus"] / high,
        A_minus=p["a_minus"] / high,
        w_min=0.0,
        w_max=high,
    )
    plastic = net.connect(population[:n_e], population, "exc", rule)
    plastic.fixed_number_post(int(p["out_degree"]), weights=p["weight"], delays=p["delay"])
    projection = net.connect(population[n_e:], population[:n_e], "inh")
    projection.fixed_number_post(int(p["out_degree"]), weights=-p["weight_inhibitory"], delays=p["delay"])
    return population, plastic


def simulate_pulses(plastic):
    dopamine, steps = 0.0, round(p["duration"] / 10.0)
    each = round(p["pulse_every"] / 10.0)
    for k in range(steps):
        if k > 0 and k % each == 0:
            dopamine += 1.0 / p["tau_dopamine"]
        plastic.dopamine = dopamine
        net.simulate(10.0)
        dopamine *= np.exp(-10.0 / p["tau_dopamine"])


build = {"brunel_static": brunel_static, "da_stdp": da_stdp, "izhikevich_stdp": izhikevich_stdp}
population, plastic = build[arguments.workload]()
monitor = net.monitor(population, "spike")
net.compile(directory=folder, silent=True)
built = time.perf_counter() - began
with Clock() as run:
    if arguments.workload == "da_stdp":
        simulate_pulses(plastic)
    else:
        net.simulate(p["duration"])
peak = memory("VmHWM")
steps, ids = monitor.raster_plot(monitor.get("spike"))
inputs = n * (p["in_excitatory"] + p["in_inhibitory"]) if "in_excitatory" in p else n * p["out_degree"]
weights = None if plastic is None else np.concatenate([np.asarray(row.w) for row in plastic])
emit(
    arguments, "annarchy", annarchy.__version__, n_neurons=n, n_synapses=int(inputs), p=p, build=built, run=run.wall,
    cpu=run.cpu, base=base, peak=peak, neuron=np.asarray(ids), time_ms=np.asarray(steps), weights=weights,
)  # fmt: skip
