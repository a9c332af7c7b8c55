"""NEST: microcircuit. 500 ms are not measured; ``--record`` keeps the later spikes, for their CV and the rates."""

import sys

import numpy as np
from common import Clock, command_line, emit, memory, numbers

arguments = command_line(["microcircuit"])
m, p = numbers.MICROCIRCUIT, numbers.microcircuit_sizes(arguments.scale, arguments.dc)
duration = arguments.t or m.duration
sys.argv = sys.argv[:1]  # NEST reads it as well
import nest  # noqa: E402

base = memory()
nest.verbosity = nest.VerbosityLevel.ERROR
nest.ResetKernel()
nest.set(
    resolution=m.dt,
    local_num_threads=arguments.threads,
    rng_seed=arguments.seed,
    total_num_virtual_procs=arguments.threads,
)
CAPACITY = 250.0  # pF: the resistance is tau_m / CAPACITY
PER_MV = CAPACITY / m.tau_m  # pA


def populations():
    made = []
    for k in range(8):
        population = nest.Create(
            "iaf_psc_exp",
            int(p["n"][k]),
            params={
                "C_m": CAPACITY, "tau_m": m.tau_m, "E_L": m.rest, "V_reset": m.rest, "V_th": m.threshold,
                "t_ref": m.refractory_period, "tau_syn_ex": m.tau_syn, "tau_syn_in": m.tau_syn,
                "I_e": PER_MV * float(p["current"][k]),
            },
        )  # fmt: skip
        population.V_m = nest.random.normal(*m.start[k])
        if not arguments.dc:
            source = nest.Create("poisson_generator", params={"rate": float(p["rate"][k])})
            nest.Connect(
                source, population, syn_spec={"weight": PER_MV * p["external"], "delay": m.delays[0][0]}
            )
        made.append(population)
    return made


def connect(made):
    for i, j in zip(*np.nonzero(p["synapses"]), strict=True):
        mean, inhibitory = PER_MV * float(p["weight"][i, j]), j % 2 == 1
        low, high = (-np.inf, 0.0) if inhibitory else (0.0, np.inf)
        delay, spread = m.delays[j % 2]
        nest.Connect(
            made[j],
            made[i],
            {"rule": "fixed_total_number", "N": int(p["synapses"][i, j])},
            {
                "weight": nest.math.redraw(nest.random.normal(mean, abs(0.1 * mean)), min=low, max=high),
                "delay": nest.math.redraw(nest.random.normal(delay, spread), min=0.5 * m.dt, max=np.inf),
            },
        )


with Clock() as build:
    made = populations()
    connect(made)
    nest.Prepare()
nest.Run(m.warm)
nest.Cleanup()
if arguments.record:
    recorders = [nest.Create("spike_recorder") for _ in made]
    for population, recorder in zip(made, recorders, strict=True):
        nest.Connect(population, recorder)
nest.Prepare()
with Clock() as run:
    nest.Run(duration)
peak, spikes = memory("VmHWM"), nest.local_spike_counter
nest.Cleanup()
events = {"senders": None, "times": None}
more = {}
if arguments.record:
    each = [recorder.events for recorder in recorders]
    events = {key: np.concatenate([one[key] for one in each]) for key in events}
    sizes = p["n"].tolist()
    more["rates_hz"] = {
        name: round(len(one["times"]) / n / duration * 1000.0, 3)
        for name, one, n in zip(m.names, each, sizes, strict=True)
    }
    if arguments.spikes:  # neurons from 0 in each population
        first = [population[0].global_id for population in made]
        columns = {f"neuron_{k}": one["senders"] - first[k] for k, one in enumerate(each)}
        np.savez(arguments.spikes, **columns, **{f"time_{k}": one["times"] for k, one in enumerate(each)})
emit(
    arguments, "nest", nest.__version__, n_neurons=int(p["n"].sum()), n_synapses=int(p["synapses"].sum()),
    p={"duration": duration, "dt": m.dt}, build=build.wall, run=run.wall, cpu=run.cpu, base=base, peak=peak,
    neuron=events["senders"], time_ms=events["times"], spikes=spikes, **more,
)  # fmt: skip
