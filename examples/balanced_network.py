"""From nothing to a balanced network in ten lines: neurons fire irregularly, below threshold on average."""

import sys

import numpy as np

import neuromod

sim = neuromod.Simulation(dt=0.1, seed=1)
how = {"v_reset": -60.0, "refractory_period": 2.0, "drive": {"rate": 1500.0, "weight": 0.8}}  # mV, ms, Hz, mV
E = sim.create(800, "lif", name="E", **how)
I = sim.create(200, "lif", name="I", neuron_type="inhibitory", **how)  # noqa: E741
sim.connect(E, E + I, probability=0.1, weight=0.5, delay_ms=1.5)
sim.connect(I, E + I, probability=0.1, weight=4.0, delay_ms=1.5)
spikes = neuromod.SpikeMonitor(sim)
sim.run(ms=1000)

if "--figure" in sys.argv:
    from neuromod import plot

    plot.raster(spikes, areas=[E, I]).figure.savefig("raster.png")

rates = {p.name: np.isin(spikes.id, p).sum() / len(p) for p in (E, I)}  # Hz: the run lasts 1 s
sources = {"drive": 1500.0 * 0.8, "E": 80 * rates["E"] * 0.5, "I": -20 * rates["I"] * 4.0}  # mV/s
mean = sum(sources.values()) * E[0].params["tau_m"] / 1000.0
intervals = [np.diff(np.sort(spikes.time[spikes.id == k])) for k in E.ids[::8]]
cv = np.mean([each.std() / each.mean() for each in intervals if len(each) > 4])
print(f"{E}, {I}: {rates['E']:.1f} and {rates['I']:.1f} Hz")
print(f"mean input {mean:.1f} mV, of 15 mV to the threshold; CV of intervals {cv:.2f}")

assert 10.0 < rates["E"] < 40.0
assert mean < 13.0  # without fluctuations no neuron would fire
assert sources["E"] + sources["drive"] > -sources["I"] > sources["E"]
assert 0.65 < cv < 1.1  # 1: a Poisson process
