"""The scan: what a step costs over shapes, sizes and rates of networks, per unit of its work.

The work of a step is its neuron updates and its synaptic events, each counted as one unit. The law that the scan
looks after: the time of a step follows neurons + spikes + events, whatever the shape. Each row of the scan varies one
thing about a common network. A cell that costs more than twice the cheapest of its row is marked, and `NOTES` says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from neuromod import _core
from neuromod.bench.connected import connect_each
from neuromod.bench.machine import memory_now
from neuromod.bench.numbers import NEUTRAL, Options
from neuromod.modulation.system import create_neuromodulation_system
from neuromod.monitors import LevelMonitor, RateMonitor, SpikeMonitor, StateMonitor, SynapseMonitor
from neuromod.processes import in_a_process
from neuromod.simulation import Simulation

__all__ = ["NOTES", "SHAPES", "Shape", "build_shape", "measure_shape", "measure_shapes"]

WARM, LEAST, MOST = 200, 50, 50_000  # steps before the clock, and of a measurement
APART = 0.1  # scale from which each cell has a process of its own


@dataclass(frozen=True)
class Shape:
    """One network of the scan: half of the neurons are Poisson sources, the others their targets.

    Parameters
    ----------
    neurons : int, >= 2, default 10000
    in_degree : int, >= 0, default 1000
        Of each target.
    rate : float, Hz, default 5
        Of each source.
    populations : int, >= 1, default 1
        Of sources and of targets: there are as many projections as the square.
    delay : int or mapping, steps, default 15
    rule : str, default "none"
    model : str, default "poisson"
        Neuron model of the targets.
    zones : int, default 0
        Regions of the neuromodulation; 0: one, and a neutral system.
    extra : mapping, default {}
        Further arguments of `connect`.
    dt : float, ms, default 0.1
    threads : int, default 1
    way : {"run", "run of one step", "step"}, default "run"
        How the network is advanced.
    record : str, default ""
        What is recorded; a key of `RECORDERS`.

    Examples
    --------
    >>> Shape(neurons=10).in_degree
    1000
    """

    neurons: int = 10_000
    in_degree: int = 1000
    rate: float = 5.0
    populations: int = 1
    delay: Any = 15
    rule: str | Mapping[str, Any] = "none"
    model: str = "poisson"
    zones: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)
    dt: float = 0.1
    threads: int = 1
    way: str = "run"
    record: str = ""


RECORDERS: Mapping[str, Callable[[Simulation], Any]] = MappingProxyType(
    {
        "spikes": lambda sim: SpikeMonitor(sim),
        "rates": lambda sim: RateMonitor(sim, bin_ms=1.0),
        "potentials of 10, each step": lambda sim: StateMonitor(sim, "rate", sim.model.neurons.id[:10]),
        "potentials of all, each ms": lambda sim: StateMonitor(sim, "rate", every_ms=1.0),
        "levels, each step": lambda sim: LevelMonitor(sim),
        "100 weights, each ms": lambda sim: SynapseMonitor(
            sim,
            sim.projections["P0>P0"],
            "weight",
            range(min(100, len(sim.projections["P0>P0"]))),
            every_ms=1.0,
        ),
    }
)


def _over(name: str, values: Any, base: Shape | None = None) -> dict[str, Shape]:
    labels = [f"{value:,}" if isinstance(value, int) else str(value) for value in values]
    return {
        label: replace(base or Shape(), **{name: value}) for label, value in zip(labels, values, strict=True)
    }


def _delays(rule: str) -> dict[str, Shape]:
    longest = 50_000 if rule == "none" else 2_000
    spread: dict[str, Any] = {"one": 15} | {
        f"1 to {most:,}": {"uniform": [1, most]} for most in (10, 500, longest)
    }
    return {label: Shape(delay=delay, rule=rule) for label, delay in spread.items()}


def _sizes() -> dict[str, Shape]:
    return {
        f"{n:,}": Shape(neurons=n, in_degree=min(100, n // 2))
        for n in (10, 100, 1000, 10_000, 100_000, 1_000_000)
    }


def _rules() -> dict[str, Shape]:
    return {
        name: Shape(rule=name, model="adex_clopath" if name == "clopath" else "lif")
        for name in _core.plasticity_rules()
    }


MANY: Mapping[str, Any] = {"normal": [15, 7.5]}
SHAPES: Mapping[str, Mapping[str, Shape]] = MappingProxyType(
    {
        "populations, one delay": _over("populations", (1, 4, 16, 64)),
        "populations, many delays": _over("populations", (1, 4, 16, 64), Shape(delay=MANY)),
        "populations, rstdp": _over("populations", (1, 4, 16, 64), Shape(rule="rstdp")),
        "populations, rstdp, many delays": _over("populations", (1, 4, 16), Shape(rule="rstdp", delay=MANY)),
        "populations, stdp_nearest": _over("populations", (1, 16), Shape(rule="stdp_nearest")),
        "populations, homeostasis": _over(
            "populations", (1, 16), Shape(rule={"rule": "stdp", "homeostatic": True})
        ),
        "delays, static": _delays("none"),
        "delays, rstdp": _delays("rstdp"),
        "neurons": _sizes(),
        "inputs of a neuron": _over("in_degree", (1, 10, 100, 1000, 5000), Shape(neurons=20_000)),
        "rate, Hz": _over("rate", (0.1, 1.0, 10.0, 100.0)),
        "rate, Hz, rstdp": _over("rate", (0.1, 1.0, 10.0, 100.0), Shape(rule="rstdp")),
        "regions, rstdp": _over("zones", (1, 10, 100, 1000), Shape(rule="rstdp")),
        "neuron model": _over("model", [name for name in _core.neuron_models() if name != "spike_source"]),
        "rule": _rules(),
        "short-term, homeostasis": {
            "neither": Shape(),
            "short-term": Shape(extra={"short_term": True}),
            "stdp": Shape(rule="stdp"),
            "stdp, homeostasis": Shape(rule={"rule": "stdp", "homeostatic": True}),
        },
        "dt, ms": _over("dt", (0.1, 1.0)),
        "threads": _over("threads", (1, 2), Shape(neurons=20_000, in_degree=1000)),
        "way": _over("way", ("run", "run of one step", "step")),
        "recorders": {"none": Shape()} | {name: Shape(record=name) for name in RECORDERS},
    }
)  # fmt: skip
"""Row -> label of a cell -> its network."""

_LONE = "a delay run has one synapse or none, and each costs an update of its own"
_FIXED = "a step costs 0.15 us besides the neurons"
_EXPONENTIALS = "bound by its exponentials"
_PLASTIC = "an event of a plastic synapse costs 4 ns, an update of a neuron 1 ns"
_REGION = "0.3 to 0.5 us for each region: its levels, and its neurons in pieces of their own"
_PYTHON = "a call from Python costs 30 to 45 us"
NOTES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("delays, static", "1 to 500"): "a delay run has one synapse or none: bound by the latency of memory",
        (
            "delays, static",
            "1 to 50,000",
        ): "each run looks at all spikes of the last 5 s; runs are short here",
        (
            "populations, stdp_nearest",
            "16",
        ): "an event rule: hooks are called for one projection at a time, 0.5 us each in a step with events",
        ("delays, rstdp", "1 to 500"): _LONE,
        ("delays, rstdp", "1 to 2,000"): _LONE,
        ("neurons", "10"): _FIXED,
        ("neurons", "100"): _FIXED,
        ("rate, Hz, rstdp", "10.0"): _PLASTIC,
        ("rate, Hz, rstdp", "100.0"): _PLASTIC,
        ("regions, rstdp", "100"): _REGION,
        ("regions, rstdp", "1,000"): _REGION,
        ("neuron model", "adex"): f"{_EXPONENTIALS}: 4 of each update",
        ("neuron model", "lif_cond"): f"{_EXPONENTIALS}: 1 of each update",
        ("neuron model", "lif_nmda_gaba_b"): f"{_EXPONENTIALS}: 4 of each update",
        ("neuron model", "adex_clopath"): f"{_EXPONENTIALS}: 4 of each update",
        ("rule", "stdp_nearest"): "an event rule: each event looks up its partner's last spike",
        ("rule", "graupner_brunel"): f"{_EXPONENTIALS}: the weight moves between events",
        ("rule", "clopath"): f"{_EXPONENTIALS} of its neuron model",
        ("way", "run of one step"): _PYTHON,
        ("way", "step"): _PYTHON,
    }
)
"""(row, label) of a cell above the limit -> what bounds it."""


def build_shape(shape: Shape, seed: int = 1) -> Simulation:
    """Build a network of the scan.

    Parameters
    ----------
    shape : Shape
    seed : int, default 1

    Returns
    -------
    Simulation

    Examples
    --------
    >>> sim = build_shape(Shape(neurons=40, in_degree=4, populations=2))
    >>> len(sim.model.neurons), len(sim.projections), len(sim.model.synapses)
    (40, 4, 80)
    """
    names = [f"R{k}" for k in range(shape.zones)]
    acting = {key: value for key, value in NEUTRAL.items() if key != "neutral"}
    system = create_neuromodulation_system(acting if shape.zones else NEUTRAL, regions=names or None)
    sim = Simulation(seed=seed, neuromodulation=system, dt=shape.dt, threads=shape.threads)
    parts = max(shape.populations, shape.zones)
    each, inputs = max(1, shape.neurons // 2 // parts), max(1, shape.in_degree // shape.populations)
    regions: list[str | None] = [*names] or [None] * parts
    own: dict[str, Any] = {"rate": 0.0} if shape.model == "poisson" else {}
    sources = [
        sim.create(each, "poisson", rate=shape.rate, name=f"S{k}", region=regions[k]) for k in range(parts)
    ]
    targets = [sim.create(each, shape.model, name=f"P{k}", region=regions[k], **own) for k in range(parts)]
    if shape.zones > 1:
        sources, targets = [sum(sources[1:], sources[0])], [sum(targets[1:], targets[0])]
    connect_each(
        sim,
        sources,
        targets,
        in_degree=inputs,
        multapses=True,
        weight={"normal": [0.1, 0.01]},
        delay=shape.delay,
        rule=shape.rule,
        **shape.extra,
    )
    return sim


def _advance(sim: Simulation, way: str, steps: int) -> None:
    if way == "run":
        sim.run(steps, progress=False)
    for _ in range(steps if way != "run" else 0):
        sim.step() if way == "step" else sim.run(1, progress=False)


def measure_shape(shape: Shape, seed: int = 1, seconds: float = 0.3) -> dict[str, float]:
    """Build, warm up and time one network.

    Parameters
    ----------
    shape : Shape
    seed : int, default 1
    seconds : float, s, >= 0, default 0.3
        Of processor time in which a measurement is repeated; the shortest counts.

    Returns
    -------
    dict
        ``us_per_step``, ``ns_per_unit`` (of a neuron update or a synaptic event), ``bytes_per_synapse`` (of resident
        memory, building included) and ``units_per_step``.

    Examples
    --------
    >>> sorted(measure_shape(Shape(neurons=20, in_degree=2), seconds=0.0))
    ['bytes_per_synapse', 'ns_per_unit', 'units_per_step', 'us_per_step']
    """
    before = memory_now() or 0.0
    sim = build_shape(shape, seed)
    monitor = RECORDERS[shape.record](sim) if shape.record else None
    sim.run(_longest(shape) if seconds >= 0.01 else WARM, progress=False)
    memory = ((memory_now() or 0.0) - before) * 2**20
    _advance(sim, shape.way, 3)
    began = time.process_time()
    _advance(sim, shape.way, LEAST)
    steps = int(min(MOST, max(LEAST, 0.05 * LEAST / max(1e-6, time.process_time() - began))))
    best, spikes, start = float("inf"), 0, time.process_time()
    while best == float("inf") or time.process_time() - start < seconds:
        fired, began = _fired(sim), time.process_time()
        _advance(sim, shape.way, steps)
        spent = time.process_time() - began
        if spent < best:
            best, spikes = spent, _fired(sim) - fired
    del monitor
    events = spikes * len(sim.model.synapses) / (len(sim.model.neurons) // 2)
    units = len(sim.model.neurons) + events / steps
    return {
        "us_per_step": 1e6 * best / steps,
        "ns_per_unit": 1e9 * best / steps / units,
        "bytes_per_synapse": memory / max(1, len(sim.model.synapses)),
        "units_per_step": units,
    }


def _fired(sim: Simulation) -> int:
    """Spikes of the sources so far."""
    return int(sim.model.neurons.spike_count[: len(sim.model.neurons) // 2].sum())


def _longest(shape: Shape) -> int:
    """Steps until spikes arrive over every delay."""
    most = shape.delay if isinstance(shape.delay, int) else max(shape.delay.get("uniform", [0, 50]))
    return int(most) + WARM


def measure_shapes(options: Options | None = None) -> dict[str, Any]:
    """Measure every cell of the scan.

    Parameters
    ----------
    options : Options, optional
        `scale` of the numbers of neurons and of inputs, `seed`, and `duration`: ms of processor time for each cell
        (0: 300). From a scale of 0.1 on each cell has a process of its own.

    Returns
    -------
    dict
        ``workload`` is ``"shapes"``; ``cells`` is a list of dict: ``row``, ``label``, ``note`` and what
        `measure_shape` returns.

    Examples
    --------
    >>> found = measure_shapes(Options(scale=0.002, duration=0.1))
    >>> len(found["cells"]) == sum(map(len, SHAPES.values()))
    True
    """
    o = options or Options()
    seconds = 0.001 * (o.duration or 300.0)
    cells: list[dict[str, Any]] = []
    for row, shapes in SHAPES.items():
        for label, shape in shapes.items():
            found = _measured(_scaled(shape, o.scale), o.seed, seconds, o.scale >= APART)
            cells.append({"row": row, "label": label, "note": NOTES.get((row, label), "")} | found)
    return {"workload": "shapes", "cells": cells}


def _scaled(shape: Shape, scale: float) -> Shape:
    n = max(2 * max(shape.populations, shape.zones), round(shape.neurons * scale))
    return replace(shape, neurons=n, in_degree=max(1, round(shape.in_degree * scale)))


def _measured(shape: Shape, seed: int, seconds: float, apart: bool) -> dict[str, float]:
    """`apart`: in a process of its own, so that the memory is the network's."""
    if not apart:
        return measure_shape(shape, seed, seconds)
    return in_a_process(measure_shape, shape, seed, seconds)
