"""What a user may do to a simulation between two runs, at random. The same number does the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

import neuromod
from neuromod import _core

__all__ = ["EVENTS", "between", "event_of", "refusals"]

Simulation = Any
Draw = random.Random
_FEW = 300  # pairs that are connected at random, on average


def event_of(draw: Draw) -> tuple[str, Callable[[Simulation], None]]:
    """One event: its name, and the deed. What the package refuses is left out, and must have changed nothing."""
    name, number = draw.choice(list(EVENTS)), draw.getrandbits(32)
    return name, lambda sim: _done(name, number, sim)


def between(draw: Draw, sim: Simulation) -> None:
    """One of the events that `restore` can take back."""
    name = draw.choice([each for each in EVENTS if each not in _STRUCTURE])
    _done(name, draw.getrandbits(32), sim)


def _done(name: str, number: int, sim: Simulation) -> None:
    try:
        EVENTS[name](sim, random.Random(number))
    except ValueError:  # say a port that the neurons lack; the digests show whether something was changed
        return


# ---- modulators -----------------------------------------------------------------------------------------------------


def _reward(sim: Simulation, draw: Draw) -> None:
    if sim.neuromodulation is not None:
        sim.neuromodulation.process_reward(draw.random(), 0.5)


def _levels(sim: Simulation, draw: Draw) -> None:
    system = sim.neuromodulation
    if system is None:
        return
    name, region = draw.choice(list(system.names)), draw.choice([None, *system.regions])
    modulator = getattr(system, name)
    what = draw.randrange(6)
    if what == 0:
        system.clamp(**{name: draw.choice([None, 0.0, 0.7])}, region=region)
    elif what == 1:
        modulator.set_tonic(draw.random(), region=region)
    elif what == 2:
        modulator.release(draw.choice([0.3, -0.2]), region=region)
    elif what == 3:
        modulator.state.tau = draw.choice([1.0, 50.0])
    elif what == 4:
        modulator.neutral = draw.random() < 0.5
    else:
        system.level[:, system.names.index(name)] = draw.random()


# ---- weights and learning -------------------------------------------------------------------------------------------


def _projection(sim: Simulation, draw: Draw, ruled: bool = False) -> Any:
    """A projection with synapses; None where there is none."""
    found = [each for each in sim.projections.values() if len(each) and (not ruled or each.rule is not None)]
    return draw.choice(found) if found else None


def _all_weights(sim: Simulation, draw: Draw) -> None:
    for each in list(sim.projections.values())[:1]:
        each.weight[:] = each.weight * 0.75


def _some_weights(sim: Simulation, draw: Draw) -> None:
    """By the array of a projection, that of all, or the view of one synapse: towards 0, so within most bounds."""
    chosen = _projection(sim, draw)
    if chosen is None or (chosen.rule is not None and chosen.weight_min > 0.0):
        return
    synapses, way = sim.model.synapses, draw.randrange(3)
    if way == 0:
        chosen.weight[::7] *= np.float32(0.5)
    elif way == 1:
        first = sum(len(each) for each in sim.projections.values() if each.name != chosen.name)
        synapses.weight[first // 2 : first // 2 + 3] *= np.float32(0.75)
    else:
        view = synapses[draw.randrange(len(synapses))]
        view.weight = view.weight * 0.5


def _traces(sim: Simulation, draw: Draw) -> None:
    chosen = _projection(sim, draw, ruled=True)
    if chosen is not None and "eligibility" in chosen.to_dict():
        chosen.eligibility[::3] = draw.choice([0.0, 0.01])
    elif chosen is not None:
        chosen.plasticity_tag[::2] = 1.5


def _learning(sim: Simulation, draw: Draw) -> None:
    """A switch, a parameter, a bound or a part of the learning of a projection."""
    chosen = _projection(sim, draw, ruled=True)
    if chosen is None:
        return
    settings: dict[str, list[Any]] = {
        "learning": [not chosen.learning],
        "weight_max": [0.4, 3.0],
        "weight_decay": [0.0, 1e-5, 0.01],
        "weight_dependence": [0.0, 1.0],
        "rounding": ["nearest", "unbiased"],
        "homeostatic": [None, {"every": 40.0, "tau": 50.0}, {"every": 10.0, "tau": 100.0}],
        "modulators": [None, (), ("dopamine",)],
    }
    name = draw.choice([*settings, "rule_params"])
    if name != "rule_params":
        setattr(chosen, name, draw.choice(settings[name]))
        return
    fields = _core.plasticity_rules()[chosen.rule]["params"]
    key = draw.choice(
        [each for each in fields if "words" not in fields[each] and not each.startswith("delay")]
    )
    chosen.rule_params[key] = chosen.rule_params[key] * draw.choice([0.5, 0.9])


def _short_term(sim: Simulation, draw: Draw) -> None:
    chosen = _projection(sim, draw)
    if chosen is not None:
        chosen.short_term = draw.choice([True, {"kind": "mixed"}, {"U": 0.4, "tau_rec": 50.0}])


# ---- neurons, sources -----------------------------------------------------------------------------------------------


def _population(sim: Simulation, draw: Draw, is_source: bool) -> Any:
    """A population of sources or of others; None where there is none."""
    about = _core.neuron_models()
    numbers, names = sim.model.neurons.model, list(about)
    found = [
        each
        for each in sim.populations.values()
        if len(each)
        and about[names[numbers[np.searchsorted(sim.model.neurons.id, each.ids[0])]]]["is_source"]
        == is_source
    ]
    return draw.choice(found) if found else None


def _drives(sim: Simulation, draw: Draw) -> None:
    sim.model.neurons.drive_weight[:] = sim.model.neurons.drive_weight * (0.5 + draw.random())


def _columns(sim: Simulation, draw: Draw) -> None:
    chosen = _population(sim, draw, is_source=False)
    if chosen is None:
        return
    name = draw.choice(["v_membrane", "i_offset", "external_input"])
    setattr(chosen, name, {"v_membrane": -62.0, "i_offset": 1.0, "external_input": 5.0}[name])


def _currents(sim: Simulation, draw: Draw) -> None:
    """One more current, or one fewer."""
    chosen = _population(sim, draw, is_source=False)
    if chosen is None:
        return
    now, dt, kind = sim.time, sim.dt, draw.randrange(4)
    if kind == 0:
        neuromod.OUCurrent(sim, chosen, mean=1.0, sd=draw.choice([0.0, 2.0]), tau=10.0)
    elif kind == 1:
        neuromod.StepCurrent(sim, chosen, [2.0, 0.0], [now + 3 * dt, now + 30 * dt])
    elif kind == 2:
        neuromod.SineCurrent(sim, chosen, 2.0, 50.0)
    else:
        with neuromod.OUCurrent(sim, chosen, mean=1.0, sd=1.0, tau=5.0):
            sim.run(3, progress=False)


def _sources(sim: Simulation, draw: Draw) -> None:
    """Further spikes, or rates that vary."""
    chosen = _population(sim, draw, is_source=True)
    if chosen is None:
        return
    if "rate" in dir(chosen):
        neuromod.RateSource(
            sim, chosen, [0.0, 80.0, 20.0], interval=draw.choice([1, 20]) * sim.dt, repeat=True
        )
    else:
        ids = chosen.ids[:5]
        sim.set_spike_times(ids, [[sim.time + sim.dt * k for k in (1, 5, 70)]] * len(ids))


# ---- the network ----------------------------------------------------------------------------------------------------


def _fewer_neurons(sim: Simulation, draw: Draw) -> None:
    ids = sim.model.neurons.id
    if len(ids) > 1:
        sim.model.remove_neuron(int(draw.choice(ids)))


def _more_neurons(sim: Simulation, draw: Draw) -> None:
    about = {"rate": 2000.0, "weight": 2.0}
    sim.create(draw.choice([1, 2, 63, 64, 65]), draw.choice(["lif", "lif_adaptive", "adex"]), drive=about)


def _single_synapses(sim: Simulation, draw: Draw) -> None:
    ids = sim.model.neurons.id
    for _ in range(3):
        sim.model.add_synapse(
            int(draw.choice(ids)), int(draw.choice(ids)), 0.3, draw.choice([1, 5, 90]), "excitatory"
        )


def _synapses(sim: Simulation, draw: Draw) -> None:
    """Synapses of a projection are removed, added, moved, or have other delays."""
    chosen = _projection(sim, draw)
    if chosen is None:
        return
    way = draw.randrange(4)
    if way == 0:
        chosen.remove(np.arange(len(chosen)) % draw.choice([2, 3, 10]) == 0)
    elif way == 1:
        pairs = np.stack([chosen.pre_id[:3], chosen.post_id[-3:][: len(chosen.pre_id[:3])]], axis=1)
        chosen.add(pairs, weight=0.3, delay=draw.choice([1, 3, 90]))
    elif way == 2:
        chosen.rewire([draw.randrange(len(chosen))], post=int(draw.choice(chosen.post_id)))
    else:
        delay = chosen.delay.copy()
        delay[::3] = draw.choice([1, 7, 70])
        chosen.delay = delay


def _projections(sim: Simulation, draw: Draw) -> None:
    """A projection fewer, or one more, perhaps of a name that there was before."""
    if len(sim.projections) and draw.random() < 0.5:
        sim.remove_projection(draw.choice(list(sim.projections)))
        return
    ids = sim.model.neurons.id
    odds = min(1.0, _FEW / len(ids) ** 2)
    rule = draw.choice(["none", *_core.plasticity_rules()])
    about = {
        "weight": 0.5,
        "delay": draw.choice([1, 4, {"uniform": [1, 60]}]),
        "rule": rule,
        "name": f"W{draw.randrange(6)}",
    }
    sim.connect(ids, ids, probability=odds, synapse_type="excitatory", **about)


_STRUCTURE: dict[str, Callable[[Simulation, Draw], None]] = {
    "remove a neuron": _fewer_neurons,
    "add neurons": _more_neurons,
    "add synapses": _single_synapses,
    "change synapses": _synapses,
    "change projections": _projections,
}
EVENTS: dict[str, Callable[[Simulation, Draw], None]] = {
    "reward": _reward,
    "set levels": _levels,
    "write weights": _all_weights,
    "write some weights": _some_weights,
    "write traces": _traces,
    "change learning": _learning,
    "change short-term plasticity": _short_term,
    "write drives": _drives,
    "write columns": _columns,
    "change currents": _currents,
    "change sources": _sources,
    **_STRUCTURE,
    "nothing": lambda sim, draw: None,
}
"""By name: what a user may do. Those that are in `_STRUCTURE`, too, are refused by `restore`."""


def refusals(sim: Simulation) -> dict[str, Callable[[], object]]:
    """Calls that the package refuses, by a name; some of them after much of the work."""
    ids, named = sim.model.neurons.id, next(iter(sim.populations))
    found: dict[str, Callable[[], object]] = {
        "run": lambda: sim.run(3, input=np.zeros((3, len(ids) + 1))),
        "create": lambda: sim.create(3, "lif", tau_m=[1.0, 2.0, -3.0]),
        "create again": lambda: sim.create(3, "lif", name=named),
        "connect": lambda: sim.connect(ids, ids, total_number=5, weight=0.1, delay=0),
        "connect beyond a bound": lambda: sim.connect(
            ids, ids, total_number=5, weight=99.0, rule="stdp", autapses=True
        ),
        "add_synapse": lambda: sim.add_synapse(int(ids[0]), 10**9),
        "remove_neuron": lambda: sim.model.remove_neuron(10**9),
        "remove_projection": lambda: sim.remove_projection("none of them"),
        "restore": lambda: sim.restore("none of them"),
        "set_spike_times": lambda: sim.set_spike_times(ids[:1], [[sim.time - 1.0]]),
        "a current": lambda: neuromod.OUCurrent(sim, named, mean=1.0, sd=-1.0, tau=1.0),
        "a simulation": lambda: type(sim)(sim.model, neuromodulation=sim.neuromodulation, dt=-1.0),
    }
    for each in sim.projections.values():
        found |= _refusals_of(each)
    return found


def _refusals_of(projection: Any) -> dict[str, Callable[[], object]]:
    if not len(projection):
        return {}
    pair = [int(projection.pre_id[0]), int(projection.post_id[0])]
    return {
        f"{projection.name}, add": lambda: projection.add([pair, [pair[0], 10**9]], weight=0.1),
        f"{projection.name}, remove": lambda: projection.remove([10**9]),
        f"{projection.name}, rewire": lambda: projection.rewire([0], post=10**9),
        f"{projection.name}, weight": lambda: setattr(projection, "weight", np.nan),
        f"{projection.name}, delay": lambda: setattr(projection, "delay", [1] * (len(projection) - 1) + [0]),
    }
