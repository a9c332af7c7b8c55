"""The benchmark workloads, built with the public names as a user would; the numbers stand in ``bench/numbers.py``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.bench.machine import memory_now
from neuromod.bench.numbers import WORKLOADS, Options, brunel_sizes, da_sizes, izhikevich_sizes, spike_figures
from neuromod.bench.record import record_of
from neuromod.modulation.system import NeuromodulationSystem, create_neuromodulation_system
from neuromod.monitors import SpikeMonitor
from neuromod.network.brain_model import BrainModel
from neuromod.network.projection import Projection
from neuromod.simulation import Simulation

__all__ = ["MEASUREMENTS", "Workload", "build_workload", "run_workload"]

Ints = NDArray[np.int64]

_PULSE = 0.5  # what a pulse adds to the level; 1 / (1 - exp(-5)) of it stays below 1, so no pulse is clipped
_MODULATION = 2.0  # dopamine's learning_rate_modulation, m


@dataclass
class Workload:
    """A network ready to run.

    Parameters
    ----------
    name : str
    sim : Simulation
    n_steps : int, >= 1
    advance : callable
        Called with a number of steps; runs them.
    plastic : Projection, optional
        Whose weights are compared.
    unit : float, mV, default 1
        In which weights are compared.
    extra : callable, optional
        Measurements of its own, made after the run; returns a dict of figures.
    """

    name: str
    sim: Simulation
    n_steps: int
    advance: Callable[[int], object]
    plastic: Projection | None = None
    unit: float = 1.0
    extra: Callable[[], dict[str, Any]] = field(default_factory=lambda: dict)

    @property
    def duration(self) -> float:
        """Simulated time of the run, ms."""
        return self.n_steps * self.sim.dt


def build_workload(name: str, options: Options | None = None) -> Workload:
    """Build one of the benchmark networks.

    Parameters
    ----------
    name : str
        A key of `neuromod.bench.numbers.WORKLOADS`.
    options : Options, optional

    Returns
    -------
    Workload

    Raises
    ------
    ValueError
        If there is no such workload.

    Examples
    --------
    >>> workload = build_workload("brunel_static", Options(scale=0.02, duration=5.0))
    >>> workload.advance(workload.n_steps)["step"]
    50
    """
    if name not in _BUILDERS:
        raise ValueError(f"workload: must be one of {', '.join(_BUILDERS)}; got {name!r}")
    return _BUILDERS[name](options or Options())


def _line_of_neurons(
    sizes: Any, neuron: dict[str, Any], inhibitory: dict[str, float] | None = None, **sections: Any
) -> BrainModel:
    """A model of two areas, ``E`` and ``I``, whose sites all get a neuron; `inhibitory`: parameters of ``I``."""
    n_e, n_i = int(sizes["n_excitatory"]), int(sizes["n_inhibitory"])

    def area(name: str, kind: str, first: int, last: int, params: dict[str, float]) -> dict[str, Any]:
        ranges = {"x": [first, last], "y": [0, 0], "z": [0, 0], "w": [0, 0]}
        return {"name": name, "neuron_type": kind, "coord_ranges": ranges, "params": params}

    areas = [
        area("E", "excitatory", 0, n_e - 1, {}),
        area("I", "inhibitory", n_e, n_e + n_i - 1, inhibitory or {}),
    ]
    plain: dict[str, Any] = {"lattice_shape": [n_e + n_i, 1, 1, 1], "areas": areas, "neuron_model": neuron}
    return BrainModel(config=plain | sections)


def _lif(p: Any) -> dict[str, Any]:
    params = {name: p[name] for name in ("tau_m", "v_threshold", "v_reset", "refractory_period")}
    return {"type": "lif", "params_default": params | {"v_rest": 0.0}}


def _simulation(
    model: BrainModel, name: str, options: Options, system: NeuromodulationSystem | None = None
) -> tuple[Simulation, int]:
    dt, own = WORKLOADS[name]["dt"], WORKLOADS[name]["duration"]
    sim = Simulation(model, seed=options.seed, neuromodulation=system, dt=dt, threads=options.threads)
    sim.initialize_neurons()
    return sim, round((options.duration or own) / dt)


def _delay(p: Any, options: Options) -> int:
    """Steps."""
    return round(float(options.delay or p["delay"]) / float(p["dt"]))


def _between_rest_and_threshold(sim: Simulation, threshold: float, seed: int) -> None:
    v = sim.model.neurons.v_membrane
    v[:] = np.random.default_rng(seed).uniform(0.0, threshold, len(v))


def _brunel_static(options: Options) -> Workload:
    p, sizes = WORKLOADS["brunel_static"], brunel_sizes(options.scale)
    drive = {"rate": sizes["drive_rate"], "weight": sizes["weight"]}
    model = _line_of_neurons(sizes, _lif(p), background_drive=drive)
    sim, n_steps = _simulation(model, "brunel_static", options)
    _between_rest_and_threshold(sim, p["v_threshold"], options.seed)
    how: dict[str, Any] = {"delay": _delay(p, options), "rule": "none", "autapses": True}
    sim.connect("E", ["E", "I"], in_degree=int(sizes["in_excitatory"]), weight=sizes["weight"], **how)
    sim.connect(
        "I", ["E", "I"], in_degree=int(sizes["in_inhibitory"]), weight=p["g"] * sizes["weight"], **how
    )
    return Workload("brunel_static", sim, n_steps, _running(sim))


def _running(sim: Simulation) -> Callable[[int], object]:
    return lambda n_steps: sim.run(n_steps, progress=False)


# ---- da_stdp -----------------------------------------------------------------------------------------------


def _dopamine_rule(sizes: dict[str, float]) -> dict[str, Any]:
    """The rule of ``da_stdp`` in our terms.

    There dw/dt = c n, and n jumps by 1/tau at a pulse. Here dw/dt = learning_rate m level c, and the level, 0 to 1,
    jumps by 0.5: so level = 0.5 tau n. With c in units of a_plus, learning_rate = a_plus / (0.5 tau m).
    """
    p = WORKLOADS["da_stdp"]
    return {
        "rule": "rstdp",
        "coincident": "pre_first",
        "learning_rate": sizes["a_plus"] / (_PULSE * p["tau_dopamine"] * _MODULATION),
        "a_plus": 1.0,
        "a_minus": sizes["a_minus"] / sizes["a_plus"],
        **{name: p[name] for name in ("tau_plus", "tau_minus", "tau_c")},
        **{name: sizes[name] for name in ("weight_min", "weight_max")},
    }


def _dopamine_alone() -> NeuromodulationSystem:
    """Dopamine that starts at 0 and decays to it; serotonin and norepinephrine without effect."""
    tau = WORKLOADS["da_stdp"]["tau_dopamine"]
    return create_neuromodulation_system(
        {
            "dopamine": {"baseline": 0.0, "tau": tau, "learning_rate_modulation": _MODULATION},
            "serotonin": {"inhibition_strength": 0.0},
            "norepinephrine": {"gain_modulation": 0.0},
        }
    )


def _da_stdp(options: Options) -> Workload:
    p, sizes = WORKLOADS["da_stdp"], da_sizes(options.scale, options.in_degree)
    drive = {"rate": p["drive_rate"], "weight": p["drive_weight"]}
    model = _line_of_neurons(sizes, _lif(p), background_drive=drive)
    system = _dopamine_alone()
    sim, n_steps = _simulation(model, "da_stdp", options, system)
    _between_rest_and_threshold(sim, p["v_threshold"], options.seed)
    delay = _delay(p, options)
    rule = _dopamine_rule(sizes)
    plastic = sim.connect(
        "E",
        ["E", "I"],
        in_degree=int(sizes["in_excitatory"]),
        weight=sizes["weight"],
        delay=delay,
        rule=rule,
        autapses=True,
    )
    sim.connect(
        "I", ["E", "I"], in_degree=int(sizes["in_inhibitory"]), weight=p["g"] * sizes["weight"], delay=delay,
        rule="none", autapses=True,
    )  # fmt: skip
    every = round(p["pulse_every"] / p["dt"])

    def advance(n_steps: int) -> None:
        end = sim.current_step + n_steps
        while sim.current_step < end:
            step = sim.current_step
            if step > 0 and step % every == 0:
                system.dopamine.state.level += _PULSE
            sim.run(min(end, (step // every + 1) * every) - step, progress=False)

    return Workload("da_stdp", sim, n_steps, advance, plastic, sizes["weight"])


# ---- izhikevich_stdp ---------------------------------------------------------------------------------------


def _izhikevich_stdp(options: Options) -> Workload:
    p, sizes = WORKLOADS["izhikevich_stdp"], izhikevich_sizes(options.scale)
    noise = {"noise": p["noise"]}
    regular = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}
    neuron = {"type": "izhikevich", "params_default": regular}
    model = _line_of_neurons(sizes, neuron, {"a": 0.1, "d": 2.0}, background_drive=noise)
    sim, n_steps = _simulation(model, "izhikevich_stdp", options)
    rule = {
        "rule": "stdp", "learning_rate": 1.0, "a_plus": p["a_plus"], "a_minus": p["a_minus"], "tau_plus": p["tau"],
        "tau_minus": p["tau"], "weight_min": 0.0, "weight_max": p["weight_max"], "coincident": "pre_first",
    }  # fmt: skip
    out, delay = int(p["out_degree"]), _delay(p, options)
    plastic = sim.connect(
        "E", ["E", "I"], out_degree=out, weight=p["weight"], delay=delay, rule=rule, autapses=True
    )
    sim.connect("I", "E", out_degree=out, weight=abs(p["weight_inhibitory"]), delay=delay, rule="none")
    return Workload("izhikevich_stdp", sim, n_steps, _running(sim), plastic)


# ---- tutorial_example_4 ------------------------------------------------------------------------------------


def _tutorial_example_4(options: Options) -> Workload:
    p = WORKLOADS["tutorial_example_4"]
    model = BrainModel("brain_base_model.json")
    system = create_neuromodulation_system(model.config["neuromodulation"])
    sim = Simulation(model, seed=options.seed, dt=p["dt"], threads=options.threads)
    sim.initialize_neurons(area_names=["V1_like", "A1_like"], density=p["density"] * options.scale)
    sim.initialize_random_synapses(connection_probability=p["connection_probability"])
    n, order = len(model.neurons), np.random.default_rng(options.seed).permutation(len(model.neurons))
    groups = round(1.0 / p["driven_share"])  # a neuron's turn comes after 20 ms, past its refractory period
    turn = np.empty(n, np.int64)
    turn[order] = np.arange(n) % groups
    period = np.where(np.arange(groups)[:, None] == turn[None, :], p["current"], 0.0)

    def advance(n_steps: int) -> None:
        for first in range(0, n_steps, 100 * groups):
            steps = min(100 * groups, n_steps - first)
            sim.run(steps, input=np.resize(period, (steps, n)), progress=False)

    def extra() -> dict[str, Any]:
        return _tutorial_by_hand(sim, system, period)

    n_steps = round((options.duration or p["duration"]) / p["dt"])
    return Workload("tutorial_example_4", sim, n_steps, advance, extra=extra)


def _tutorial_by_hand(
    sim: Simulation, system: NeuromodulationSystem, period: NDArray[np.float64]
) -> dict[str, Any]:
    """Figures of the tutorial's own way: one step a call, and its loop over synapses in Python."""
    model, steps = sim.model, 200
    began = time.perf_counter()
    for step in range(steps):
        model.neurons.external_input[:] = period[step % len(period)]
        sim.step()
        system.step()
    a_step = (time.perf_counter() - began) / steps
    began = time.perf_counter()
    for synapse in model.synapses:
        base_delta_w = 0.001
        modulated_delta_w = system.modulate_learning(base_delta_w)
        synapse.weight += modulated_delta_w
    loop = time.perf_counter() - began
    began = time.perf_counter()
    weight = model.synapses.weight
    weight += system.modulate_learning(0.001)
    column = time.perf_counter() - began
    return {
        "step_call_us": round(1e6 * a_step, 2),
        "synapse_loop_s": round(loop, 5),
        "synapse_loop_ns_per_synapse": round(1e9 * loop / max(1, len(model.synapses)), 1),
        "synapse_column_us": round(1e6 * column, 1),
    }


_BUILDERS: dict[str, Callable[[Options], Workload]] = {
    "brunel_static": _brunel_static,
    "da_stdp": _da_stdp,
    "izhikevich_stdp": _izhikevich_stdp,
    "tutorial_example_4": _tutorial_example_4,
}


# ---- built, run and measured -----------------------------------------------------------------------------


def run_workload(name: str, options: Options | None = None) -> dict[str, Any]:
    """Build and run one workload in this process.

    Parameters
    ----------
    name : str
        A key of `neuromod.bench.numbers.WORKLOADS`.
    options : Options, optional

    Returns
    -------
    dict
        Plain numbers and strings: what was run (``workload``, ``scale``, ``n_neurons``, ``n_synapses``, ...), what
        it took (``build_s``, ``run_s``, ``realtime_factor``, ``peak_bytes_per_synapse``, ...) and what came out
        (``spikes``, ``mean_rate_hz``, ``cv_isi``, ``w_mean``, ``w_sd``, ``digest``).

    Raises
    ------
    ValueError
        If there is no such workload.

    Examples
    --------
    >>> record = run_workload("izhikevich_stdp", Options(duration=100.0))
    >>> record["n_neurons"], record["sim_steps"], len(record["digest"])
    (1000, 100, 64)
    """
    options = options or Options()
    base, began = memory_now(), time.perf_counter()
    workload = build_workload(name, options)
    spikes = SpikeMonitor(workload.sim)
    workload.sim.run(0, progress=False)  # the indices of the run are part of building
    built = time.perf_counter() - began

    def advance(sim: Simulation, n_steps: int) -> None:
        workload.advance(n_steps)

    def extra(sim: Simulation, counts: Any, duration: float) -> dict[str, Any]:
        plastic = workload.plastic
        weights = None if plastic is None else plastic.weight
        n = len(sim.model.neurons)
        figures = spike_figures(spikes.id, spikes.time, n, duration, weights, workload.unit)
        return {"plastic_synapses": 0 if plastic is None else len(plastic), **figures, **workload.extra()}

    return record_of(name, options, workload.sim, workload.n_steps, built, advance, extra, base)


MEASUREMENTS = {name: partial(run_workload, name) for name in WORKLOADS}
"""Each workload as `neuromod.bench.run_bench` takes it."""
