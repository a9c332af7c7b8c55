"""Micro-benchmarks: one part of the engine at a time. What surrounds it is measured without it and subtracted."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

from neuromod import _core
from neuromod.bench.machine import best_time
from neuromod.bench.numbers import Options
from neuromod.network.brain_model import BrainModel
from neuromod.simulation import Simulation

__all__ = ["micro_benchmarks"]

_DT = 0.1
_REPEATS = 3
_LONGEST = 100.0  # ms of each run, of which every part of the engine has enough


def micro_benchmarks(options: Options | None = None) -> dict[str, Any]:
    """Rates of single parts: construction, neuron models, Poisson input, delivery, plasticity, a call of step.

    Parameters
    ----------
    options : Options, optional
        ``scale`` goes with the numbers of neurons; ``duration`` (ms) of each run, at most 100 ms; default
        100 ms.

    Returns
    -------
    dict
        ``figures``: a list of dicts with ``key``, ``name``, ``value``, ``unit`` and, where memory may be the limit,
        ``gb_s`` (moved by it) with ``stream``, and ``scatter``: the limits to compare with, by their names in
        `neuromod.bench.machine.machine_bandwidth`.

    Examples
    --------
    >>> keys = [figure["key"] for figure in micro_benchmarks(Options(scale=0.01, duration=1.0))["figures"]]
    >>> "construction" in keys and "step_call" in keys
    True
    """
    options = options or Options()
    figures = [*_construction(options)]
    figures += [_updates(model, 10_000, options) for model in _core.neuron_models()]
    figures += [_updates(model, 1_000_000, options) for model in ("lif", "izhikevich")]
    figures += [_poisson(mean, options) for mean in (2.0, 0.2, 0.01, 0.001)]
    figures += _delivery(options)
    figures.append(_step_call(options))
    return {"figures": figures}


def _figure(key: str, name: str, value: float, unit: str, **beside: Any) -> dict[str, Any]:
    return {"key": key, "name": name, "value": float(f"{value:.4g}"), "unit": unit, **beside}


def _moved(rate: float, size: float, stream: str) -> dict[str, Any]:
    """What to put beside a rate of things that move `size` bytes each."""
    return {"gb_s": float(f"{rate * size * 1e-9:.4g}"), "stream": f"{stream}_gb_s"}


def _network(
    groups: dict[str, tuple[str, int]],
    options: Options,
    drive: dict[str, float] | None = None,
    dt: float = _DT,
) -> Simulation:
    """Areas by name, each of (neuron model, number of neurons)."""
    areas, first = [], 0
    for name, (kind, n) in groups.items():
        ranges = {"x": [first, first + n - 1], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
        areas.append({"name": name, "model": kind, "coord_ranges": ranges, "drive": drive or {}})
        first += n
    model = BrainModel(config={"lattice_shape": [first, 1, 1, 1], "areas": areas})
    sim = Simulation(model, seed=options.seed, dt=dt, threads=options.threads)
    sim.initialize_neurons()
    return sim


def _size(n: int, options: Options) -> int:
    return max(20, int(n * options.scale))


def _seconds_per_step(sim: Simulation, options: Options) -> float:
    """Best of a few runs, the first of which is not counted."""
    steps = max(1, round(min(options.duration or _LONGEST, _LONGEST) / sim.dt))
    sim.run(min(10, steps), progress=False)
    return best_time(lambda: sim.run(steps, progress=False), 0.0, _REPEATS) / steps


# ---- construction ------------------------------------------------------------------------------------------


def _construction(options: Options) -> list[dict[str, Any]]:
    """A random graph of 12,500 neurons with probability 0.1, one weight and one delay for all: topology only."""
    n, figures = _size(12500, options), []
    ways: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("construction", "construction, probability 0.1", {"probability": 0.1}),
        ("construction_in_degree", "construction, fixed in-degree", {"in_degree": max(1, n // 10)}),
    )
    for key, name, how in ways:
        best = {"connect": float("inf"), "ready": float("inf")}
        for _ in range(_REPEATS):
            sim = _network({"all": ("lif", n)}, options)
            start = time.perf_counter()
            made = len(sim.connect("all", "all", weight=0.1, rule="none", synapse_type="excitatory", **how))
            connected = time.perf_counter()
            sim.run(0, progress=False)
            best["connect"] = min(best["connect"], connected - start)
            best["ready"] = min(best["ready"], time.perf_counter() - start)
        figures.append(_figure(key, name, made / best["connect"], "synapses/s"))
        figures.append(
            _figure(f"{key}_ready", f"{name}, until it can run", made / best["ready"], "synapses/s")
        )
    return figures


# ---- neurons -----------------------------------------------------------------------------------------------


def _updates(model: str, neurons: int, options: Options) -> dict[str, Any]:
    """Up to 10,000 neurons stay in the cache; a million do not, and memory is what limits them."""
    n = _size(neurons, options)
    rate = n / _seconds_per_step(_network({"all": (model, n)}, options), options)
    beside = {}
    if neurons >= 1_000_000:
        # Read and written: the state, but for currents of synapses that act at once, and two inputs, which are
        # cleared. An external current that nobody has written is not looked at.
        state = [name for name in _core.neuron_models()[model]["state"] if not name.startswith("i_syn")]
        beside = _moved(rate, 16.0 * (len(state) + 2), "update")
    return _figure(
        f"updates_{model}_{neurons}", f"neuron updates, {model}, {n:,}", rate, "updates/s", **beside
    )


def _poisson(mean: float, options: Options) -> dict[str, Any]:
    """Counts drawn, one for each neuron and step; `mean` events in each."""
    n = _size(12500, options)
    drive = {"rate": mean / _DT * 1000.0, "weight": 1e-6}
    driven, idle = _network({"all": ("lif", n)}, options, drive), _network({"all": ("lif", n)}, options)
    took = _difference(driven, idle, options)
    return _figure(f"poisson_{mean:g}", f"Poisson counts, {mean:g} events a step", n / took, "draws/s")


def _difference(more: Simulation, less: Simulation, options: Options) -> float:
    """Seconds a step that `more` takes beyond `less`."""
    return max(_seconds_per_step(more, options) - _seconds_per_step(less, options), 1e-9)


# ---- synapses ----------------------------------------------------------------------------------------------


def _delivery(options: Options) -> list[dict[str, Any]]:
    """Poisson sources at 30 Hz onto as many neurons at rest, a tenth of all pairs. Then the rules of plasticity,
    where sources and targets both fire at 5 Hz: an arrival's price has that of a target's spike in it. The targets of
    a rule that reads their potential are at rest."""
    fixed, drawn = 1e-6, {"uniform": [0.0, 2e-6]}
    figures = [
        _deliveries(key, name, {"weight": weight, "delay": delay, "rule": "none"}, "lif", 30.0, options)
        for key, name, weight, delay in (
            ("delivery_constant", "delivery, one weight, one delay", fixed, 15),
            ("delivery_weights", "delivery, own weights, one delay", drawn, 15),
            ("delivery_delays", "delivery, own weights and delays", drawn, {"uniform": [1, 50]}),
        )
    ]
    for rule, about in _core.plasticity_rules().items():
        how = {"weight": drawn, "delay": 15, "rule": {"rule": rule, "weight_max": 2e-6}}
        name = f"arrivals at plastic synapses, {rule}"
        target = "lif" if about["post_columns"] else "poisson"
        figures.append(_deliveries(f"plastic_{rule}", name, how, target, 5.0, options))
    return figures


def _deliveries(
    key: str, name: str, how: dict[str, Any], target: str, rate: float, options: Options
) -> dict[str, Any]:
    n = _size(12500, options)
    connected, alone = (
        _network({"sources": ("poisson", n), "targets": (target, n)}, options) for _ in range(2)
    )
    for sim in (connected, alone):
        sim.model.neurons.rate[:] = rate
    tracemalloc.start()  # NumPy owns every array and tells it; resident memory would hide what is used again
    made = len(connected.connect("sources", "targets", probability=0.1, synapse_type="excitatory", **how))
    connected.run(0, progress=False)
    size = tracemalloc.get_traced_memory()[0] / max(1, made)
    tracemalloc.stop()
    took = _difference(connected, alone, options)
    spikes = float(connected.model.neurons.spike_count[:n].sum()) / connected.current_step
    events = spikes * made / n / took
    beside: dict[str, Any] = {"scatter": "scatter_512k_m_s"}  # the inputs of 12,500 neurons are 100 KiB
    beside |= _moved(events, size, "read") | {"bytes": round(size, 2)}
    return _figure(key, name, events, "events/s", **beside)


# ---- one step from Python ----------------------------------------------------------------------------------


def _step_call(options: Options) -> dict[str, Any]:
    """What a call of `step` costs beyond the step itself, at 1,000 neurons."""
    sim = _network({"all": ("lif", 1000)}, options, dt=1.0)
    calls = 2000 if options.scale >= 0.1 else 20

    def step_often() -> None:
        for _ in range(calls):
            sim.step()

    sim.run(10, progress=False)
    inside = best_time(lambda: sim.run(calls, progress=False), 0.0, _REPEATS)
    outside = best_time(step_often, 0.0, _REPEATS)
    return _figure(
        "step_call",
        "call of step() at 1,000 neurons, beyond its work",
        1e6 * (outside - inside) / calls,
        "us",
    )
