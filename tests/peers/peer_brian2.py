"""Brian2: brunel_static, da_stdp, izhikevich_stdp, compiled as a C++ program of its own (``--variant cpp``).

da_stdp is the fast formulation: eligibility and weight are brought up to date where a synapse is touched, and all of
them at a pulse.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from common import Clock, command_line, emit, settings

arguments = command_line(["brunel_static", "da_stdp", "izhikevich_stdp"], "cpp")
p = settings(arguments)
import brian2  # noqa: E402
from brian2 import Hz, Network, NeuronGroup, PoissonInput, SpikeMonitor, Synapses, defaultclock, ms  # noqa: E402

folder = tempfile.mkdtemp(prefix="brian2_")
began = time.perf_counter()
if arguments.threads > 1:
    brian2.prefs.devices.cpp_standalone.openmp_threads = arguments.threads
brian2.set_device("cpp_standalone", build_on_run=False, directory=folder)
brian2.seed(arguments.seed)
defaultclock.dt = p["dt"] * ms
rng = np.random.default_rng(arguments.seed)
n_e, n_i = int(p["n_excitatory"]), int(p["n_inhibitory"])
n, delay = n_e + n_i, p["delay"] * ms


def lif(more=""):
    group = NeuronGroup(
        n, f"dv/dt = -v/tau_m : 1 (unless refractory)\n{more}", threshold="v >= v_threshold", reset="v = v_reset",
        refractory=p["refractory_period"] * ms, method="exact",
        namespace={"tau_m": p["tau_m"] * ms, "v_threshold": p["v_threshold"], "v_reset": p["v_reset"]},
    )  # fmt: skip
    group.v = rng.uniform(0.0, p["v_threshold"], n)
    return group


def with_inputs(synapses, sources, count):
    """So many sources for each target, drawn with replacement."""
    synapses.connect(i=rng.integers(0, sources, n * int(count)), j=np.repeat(np.arange(n), int(count)))
    return synapses


def constant(source, target, weight):
    return Synapses(source, target, "", on_pre=f"v_post += {weight!r}", delay=delay)


def brunel_static():
    group = lif()
    # one binomial of 1,000 trials for each neuron and step: what PoissonInput draws
    background = PoissonInput(group, "v", N=1000, rate=p["drive_rate"] / 1000.0 * Hz, weight=p["weight"])
    e = with_inputs(constant(group[:n_e], group, p["weight"]), n_e, p["in_excitatory"])
    i = with_inputs(constant(group[n_e:], group, -p["g"] * p["weight"]), n_i, p["in_inhibitory"])
    return group, [background], [e, i], None


def da_stdp():
    group = lif("amount : Hz (shared)\nsince : second (shared)")  # dopamine: amount exp(-(t - since)/tau_d)
    background = PoissonInput(group, "v", N=100, rate=p["drive_rate"] / 100.0 * Hz, weight=p["drive_weight"])
    rate = (1.0 / p["tau_c"] + 1.0 / p["tau_dopamine"]) / ms
    names = {
        "tau_p": p["tau_plus"] * ms, "tau_m": p["tau_minus"] * ms, "tau_c": p["tau_c"] * ms,
        "tau_d": p["tau_dopamine"] * ms, "rate": rate, "low": p["weight_min"],
        "high": p["weight_max"], "up": p["a_plus"], "down": p["a_minus"],
    }  # fmt: skip
    current = """w = clip(w + c*amount_post*exp(-(seen - since_post)/tau_d)*(1 - exp(-rate*(t - seen)))/rate, low, high)
                 c = c*exp(-(t - seen)/tau_c)
                 seen = t
                 """
    e = Synapses(
        group[:n_e], group,
        "dx/dt = -x/tau_p : 1 (event-driven)\ndy/dt = -y/tau_m : 1 (event-driven)\nw : 1\nc : 1\nseen : second",
        on_pre=current + "v_post += w\nx += up\nc -= y", on_post=current + "y += down\nc += x",
        delay=delay, namespace=names,
    )  # fmt: skip
    every = p["pulse_every"] * ms
    e.run_regularly(current, dt=every, when="start", order=0)
    group.run_regularly(
        "amount = amount*exp(-(t - since)/tau_d) + int(t > 0.5*second)/tau_d\nsince = t",
        dt=every, when="start", order=1,
    )  # fmt: skip
    group.namespace["tau_d"] = p["tau_dopamine"] * ms
    with_inputs(e, n_e, p["in_excitatory"])
    e.w = p["weight"]
    i = with_inputs(constant(group[n_e:], group, -p["g"] * p["weight"]), n_i, p["in_inhibitory"])
    return group, [background], [e, i], e


def izhikevich_stdp():
    group = NeuronGroup(
        n,
        "v : 1\nu : 1\ninput : 1\na : 1 (constant)\nd : 1 (constant)",
        threshold="v >= 30",
        reset="v = -65\nu += d",
    )
    group.v, group.u = -65.0, -13.0
    inhibitory = np.arange(n) >= n_e
    group.a, group.d = np.where(inhibitory, 0.1, 0.02), np.where(inhibitory, 2.0, 8.0)
    group.run_regularly(
        f"""now = input + {p["noise"]!r}*randn()
            v += 0.5*(0.04*v**2 + 5*v + 140 - u + now)
            v += 0.5*(0.04*v**2 + 5*v + 140 - u + now)
            u += a*(0.2*v - u)
            input = 0""",
        when="groups",
    )
    names = {"tau": p["tau"] * ms, "up": p["a_plus"], "down": p["a_minus"], "high": p["weight_max"]}
    e = Synapses(
        group[:n_e], group, "w : 1\ndx/dt = -x/tau : 1 (event-driven)\ndy/dt = -y/tau : 1 (event-driven)",
        on_pre="input_post += w\nx += up\nw = clip(w - y, 0, high)", on_post="y += down\nw = clip(w + x, 0, high)",
        delay=delay, namespace=names,
    )  # fmt: skip
    out = int(p["out_degree"])
    e.connect(i=np.repeat(np.arange(n_e), out), j=rng.integers(0, n, n_e * out))
    e.w = p["weight"]
    i = Synapses(group[n_e:], group[:n_e], on_pre=f"input_post += {p['weight_inhibitory']!r}", delay=delay)
    i.connect(i=np.repeat(np.arange(n_i), out), j=rng.integers(0, n_e, n_i * out))
    return group, [], [e, i], e


build = {"brunel_static": brunel_static, "da_stdp": da_stdp, "izhikevich_stdp": izhikevich_stdp}
group, inputs, synapses, plastic = build[arguments.workload]()
monitor = SpikeMonitor(group)
Network(group, monitor, *inputs, *synapses).run(p["duration"] * ms)
brian2.get_device().build(directory=folder, compile=True, run=False)
compiled = time.perf_counter() - began
with Clock() as program:
    process = subprocess.Popen(["./main"], cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
assert process.returncode == 0
run = float(Path(folder, "results", "last_run_info.txt").read_text().split()[0])
brian2.get_device().has_been_run = True
weights = None if plastic is None else np.asarray(plastic.w[:])
emit(
    arguments, "brian2", brian2.__version__, n_neurons=n, n_synapses=sum(int(np.asarray(s.N)) for s in synapses), p=p,
    build=compiled + program.wall - run, run=run, cpu=(used.ru_utime + used.ru_stime) * run / program.wall, base=0.0,
    peak=used.ru_maxrss / 1024, neuron=np.asarray(monitor.i[:]), time_ms=np.asarray(monitor.t[:] / ms), weights=weights,
)  # fmt: skip
shutil.rmtree(folder, ignore_errors=True)
