"""NEST: brunel_static, da_stdp, izhikevich_stdp.

da_stdp: the volume transmitter brings all synapses up to date every 100.5 ms, which is 67 delays of 1.5 ms (``di67``);
NEST's own default, ``--variant di1``, is every delay, and 17 times slower. ``--record``: also the coefficient of
variation, by a recorder, which nearly doubles NEST's memory for synapses (its vectors of connections then grow by
doubling); without it spikes are only counted. NEST takes the delay of a plastic synapse as dendritic: for weights to
compare with, run both sides with ``--delay 0.1``.
"""

import sys

import numpy as np
from common import Clock, command_line, emit, memory, settings

arguments = command_line(["brunel_static", "da_stdp", "izhikevich_stdp"])
p = settings(arguments)
sys.argv = sys.argv[:1]  # NEST reads it as well
import nest  # noqa: E402

base = memory()
nest.verbosity = nest.VerbosityLevel.ERROR
nest.ResetKernel()
nest.set(
    resolution=p["dt"],
    local_num_threads=arguments.threads,
    rng_seed=arguments.seed,
    total_num_virtual_procs=arguments.threads,
)
SAMPLED = 200_000  # plastic synapses whose weights are read back; more take longer than the run


def lif():
    shared = {
        "C_m": 1.0, "E_L": 0.0, "tau_m": p["tau_m"], "t_ref": p["refractory_period"], "V_reset": p["v_reset"],
        "V_th": p["v_threshold"],
    }  # fmt: skip
    tau_minus = {"tau_minus": p["tau_minus"]} if "tau_minus" in p else {}
    e = nest.Create("iaf_psc_delta", int(p["n_excitatory"]), params=shared | tau_minus)
    i = nest.Create("iaf_psc_delta", int(p["n_inhibitory"]), params=shared | tau_minus)
    (e + i).V_m = nest.random.uniform(0.0, p["v_threshold"])
    return e, i


def inputs(count):
    return {"rule": "fixed_indegree", "indegree": int(count)}


def brunel_static():
    e, i = lif()
    background = nest.Create("poisson_generator", params={"rate": p["drive_rate"]})
    excitatory = {"weight": p["weight"], "delay": p["delay"]}
    nest.Connect(background, e + i, syn_spec=excitatory)
    nest.Connect(e, e + i, inputs(p["in_excitatory"]), excitatory)
    nest.Connect(i, e + i, inputs(p["in_inhibitory"]), {"weight": -p["g"] * p["weight"], "delay": p["delay"]})
    return e, i, None


def da_stdp():
    e, i = lif()
    background = nest.Create("poisson_generator", params={"rate": p["drive_rate"]})
    nest.Connect(background, e + i, syn_spec={"weight": p["drive_weight"], "delay": p["delay"]})
    arguments.variant = arguments.variant or f"di{round(100.5 / p['delay'])}"
    interval = int(arguments.variant.removeprefix("di"))
    transmitter = nest.Create("volume_transmitter", params={"deliver_interval": interval})
    pulses = np.arange(p["pulse_every"], p["duration"] - 0.5 * p["dt"], p["pulse_every"])
    source = nest.Create("spike_generator", params={"spike_times": pulses})
    neuron = nest.Create("parrot_neuron")  # only a neuron may feed the transmitter
    nest.Connect(source, neuron, syn_spec={"delay": p["delay"]})
    nest.Connect(neuron, transmitter, syn_spec={"delay": p["delay"]})
    nest.CopyModel(
        "stdp_dopamine_synapse",
        "plastic",
        {
            "volume_transmitter": transmitter, "A_plus": p["a_plus"], "A_minus": p["a_minus"],
            "tau_plus": p["tau_plus"], "tau_c": p["tau_c"], "tau_n": p["tau_dopamine"], "b": 0.0,
            "Wmin": p["weight_min"], "Wmax": p["weight_max"],
        },
    )  # fmt: skip
    plastic = {"synapse_model": "plastic", "weight": p["weight"], "delay": p["delay"]}
    nest.Connect(e, e + i, inputs(p["in_excitatory"]), plastic)
    nest.Connect(i, e + i, inputs(p["in_inhibitory"]), {"weight": -p["g"] * p["weight"], "delay": p["delay"]})
    return e, i, "plastic"


def izhikevich_stdp():
    # not `consistent_integration`: the published two half steps of v
    shared = {
        "b": 0.2,
        "c": -65.0,
        "V_m": -65.0,
        "U_m": -13.0,
        "tau_minus": p["tau"],
        "consistent_integration": False,
    }
    e = nest.Create("izhikevich", int(p["n_excitatory"]), params=shared | {"a": 0.02, "d": 8.0})
    i = nest.Create("izhikevich", int(p["n_inhibitory"]), params=shared | {"a": 0.1, "d": 2.0})
    noise = nest.Create("noise_generator", params={"mean": 0.0, "std": p["noise"], "dt": p["dt"]})
    nest.Connect(noise, e + i)
    nest.CopyModel(
        "stdp_synapse",
        "plastic",
        {
            "tau_plus": p["tau"], "lambda": p["a_plus"] / p["weight_max"], "alpha": p["a_minus"] / p["a_plus"],
            "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": p["weight_max"],
        },
    )  # fmt: skip
    outputs = {"rule": "fixed_outdegree", "outdegree": int(p["out_degree"])}
    plastic = {"synapse_model": "plastic", "weight": p["weight"], "delay": p["delay"]}
    nest.Connect(e, e + i, outputs, plastic)
    nest.Connect(i, e, outputs, {"weight": p["weight_inhibitory"], "delay": p["delay"]})
    return e, i, "plastic"


with Clock() as build:
    e, i, plastic = {"brunel_static": brunel_static, "da_stdp": da_stdp, "izhikevich_stdp": izhikevich_stdp}[
        arguments.workload
    ]()
    if arguments.record:
        recorder = nest.Create("spike_recorder")
        nest.Connect(e + i, recorder)
    nest.Prepare()
with Clock() as run:
    nest.Run(p["duration"])
peak, spikes = memory("VmHWM"), nest.local_spike_counter
nest.Cleanup()
n = len(e) + len(i)
per_neuron = p["in_excitatory"] + p["in_inhibitory"] if "in_excitatory" in p else p["out_degree"]
n_synapses = int(n * per_neuron)
weights = None
if plastic:
    rows = max(1, min(len(e), SAMPLED * len(e) // n_synapses))
    weights = np.array(nest.GetConnections(source=e[:rows], synapse_model=plastic).weight)
events = recorder.events if arguments.record else {"senders": None, "times": None}
emit(
    arguments, "nest", nest.__version__, n_neurons=n, n_synapses=n_synapses, p=p, build=build.wall, run=run.wall,
    cpu=run.cpu, base=base, peak=peak, neuron=events["senders"], time_ms=events["times"], weights=weights,
    spikes=spikes,
)  # fmt: skip
