"""Random simulations of everything that the package has, and random changes of what was saved of them."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np

from neuromod import BrainModel, Simulation, _core, create_neuromodulation_system
from neuromod.errors import NumericalError

MODELS = list(_core.neuron_models())
RULES = list(_core.plasticity_rules())
LETTERS = "aZ é|/\\.[]'\"\u0000\u2028☃#*%{}"
NAMES = ("dtype", "shape", "values", "traces", "synapses_", "step", "a|b", "\\", "|", "/", "p|post|y")


def name_of(draw: random.Random) -> str:
    """A name of any letters, or a plain one."""
    if getattr(draw, "plain", False):
        return "".join(draw.choice("abc") for _ in range(4))
    if draw.random() < 0.3:
        return draw.choice(NAMES)
    return "".join(draw.choice(LETTERS) for _ in range(draw.randint(1, 6)))


def names_of(draw: random.Random, count: int) -> list[str]:
    """Different names."""
    found: list[str] = []
    while len(found) < count:
        name = name_of(draw)
        if name not in found:
            found.append(name)
    return found


def config_of(draw: random.Random) -> dict[str, Any]:
    """A lattice of some areas, with regions and receptors, and other neuron models in each."""
    count = draw.randint(1, 4)
    regions = names_of(draw, draw.randint(1, 2)) if draw.random() < 0.4 else []
    areas = []
    for k, name in enumerate(names_of(draw, count)):
        size = draw.choice([1, 5, 20, 40])
        area: dict[str, Any] = {
            "name": name,
            "coord_ranges": {"x": [0, size - 1], "y": [k, k], "z": [0, 0], "w": [0, 0]},
            "model": draw.choice(MODELS),
        }
        if draw.random() < 0.8:
            area["neuron_type"] = draw.choice(["excitatory", "inhibitory"])
        if not _core.neuron_models()[area["model"]]["is_source"] and draw.random() < 0.8:
            area["drive"] = {"rate": draw.choice([500.0, 2000.0]), "weight": draw.choice([0.5, 2.0])}
        if regions:
            area["region"] = draw.choice(regions)
        if draw.random() < 0.3:
            area["receptors"] = {"dopamine": draw.choice([0.0, 0.5, 2.0])}
        areas.append(area)
    config: dict[str, Any] = {"lattice_shape": [40, count, 1, 1], "areas": areas}
    if draw.random() < 0.5:
        config["plasticity"] = {"rule": draw.choice(RULES)}
    if draw.random() < 0.5:
        config["simulation"] = {"dt": draw.choice([0.1, 0.5, 1.0, 2.0])}
    return config


def system_of(draw: random.Random, model: BrainModel) -> Any:
    """A system of modulators, with declared ones, releases and diffusion."""
    section: dict[str, Any] = {"dopamine": {"tau": draw.choice([20.0, 200.0])} if draw.random() < 0.5 else {}}
    if draw.random() < 0.3:
        section["acetylcholine"] = {}
    if draw.random() < 0.4:
        response = draw.choice([{"linear": {"strength": 0.5}}, {"hill": {"ec50": 0.4}}, {"inverted_u": {}}])
        targets = draw.sample(list(_core.target_names()), draw.randint(1, 3))
        section["histamine"] = {"response": response, "targets": targets, "baseline": 0.2}
    if draw.random() < 0.3:
        section["enabled"] = draw.random() < 0.7
    regions = model.regions if len(model.regions) > 1 and draw.random() < 0.7 else None
    system = create_neuromodulation_system(section, regions=regions)
    areas = list(model._areas.names)
    if draw.random() < 0.5:
        system.add_release(draw.choice(system.names), [draw.choice(areas)], draw.choice([0.001, -0.01]))
    if len(system.regions) > 1 and draw.random() < 0.5:
        system.set_diffusion("dopamine", 0.05, [(0, 1)])
    if draw.random() < 0.5:
        system.process_reward(draw.random(), draw.random())
    return system


def connect(draw: random.Random, sim: Simulation, name: str) -> None:
    """One projection; some sources and targets stay without synapses."""
    areas = sim.model._areas.names
    ends = [draw.choice(areas) for _ in range(2)]
    how: dict[str, Any] = draw.choice(
        [{"probability": draw.choice([0.0, 0.02, 0.3])}, {"in_degree": draw.randint(1, 3)}, {"out_degree": 2}]
    )
    delay: Any = draw.choice([1, 1, 3, 40, {"uniform": [1, draw.choice([3, 60])]}])
    rule: Any = draw.choice([None, "none", *RULES])
    if rule not in (None, "none"):
        rule = {"rule": rule}
        if draw.random() < 0.3:
            rule["weight_decay"] = draw.choice([1e-5, 0.01])
        if draw.random() < 0.2:
            rule["weight_dependence"] = 1.0
        if draw.random() < 0.3:
            rule["homeostatic"] = {"every": draw.choice([20.0, 100.0]), "tau": 200.0}
        if draw.random() < 0.3:
            rule["weight_max"] = 2.0
        if draw.random() < 0.2:
            rule["rounding"] = "nearest"
    short_term: Any = draw.choice(
        [None, None, True, {"kind": "facilitating"}, {"U": 0.2, "tau_rec": 0.0}, {"kind": "mixed"}]
    )
    weight: Any = draw.choice([0.5, 0.0, {"uniform": [0.0, 1.0]}, {"normal": [0.5, 0.1]}])
    kind = draw.choice(["excitatory", "inhibitory"])
    named = {} if draw.random() < 0.3 else {"name": name}
    given = {"weight": weight, "delay": delay, "rule": rule, "short_term": short_term, "synapse_type": kind}
    try:
        sim.connect(*ends, **how, **given, **named, autapses=draw.random() < 0.3)
    except (
        ValueError
    ):  # a degree without anybody, a port or a column that a neuron model lacks, a name that is taken
        return


def change(draw: random.Random, sim: Simulation) -> None:
    """Growth, removal, writes of the user's."""
    model, ids = sim.model, list(sim.model.neurons)
    what = draw.choice(["neuron", "synapse", "remove", "weight", "tag", "input", "times", "param", "reward"])
    if what == "neuron" and len(ids) < 150:
        try:
            model.add_neuron(draw.randint(0, 39), draw.randint(0, len(model._areas.names) - 1), 0, 0)
        except ValueError:
            return
    elif what == "synapse" and ids:
        for _ in range(draw.randint(1, 4)):
            model.add_synapse(draw.choice(ids), draw.choice(ids), 0.3, draw.choice([1, 1, 7]), "excitatory")
    elif what == "remove" and ids:
        model.remove_neuron(draw.choice(ids))
    elif what == "weight" and len(model.synapses):
        draw.choice(list(sim.projections.values())).weight[:] = 0.25
    elif what == "tag" and len(model.synapses):
        model.synapses.plasticity_tag[:] = 1.5
    elif what == "input" and ids:
        takes = [not _core.neuron_models()[MODELS[k]]["is_source"] for k in model.neurons.model]
        model.neurons.external_input[:] = np.where(takes, 10.0, 0.0)
        sim.step()
    elif what == "param" and ids:
        model.neurons.drive_weight[:] *= 1.25
    elif what == "reward" and sim.neuromodulation is not None:
        sim.neuromodulation.process_reward(1.0, 0.2)
    elif what == "times":
        known = MODELS.index("spike_source")
        sources = model.neurons.id[model.neurons.model == known]
        if len(sources):
            sim.set_spike_times(sources[:2], [[sim.time + sim.dt * k for k in (1, 5, 70)]] * len(sources[:2]))


def simulation_of(seed: int, plain: bool = False) -> Simulation:
    """The random simulation of that number, after some steps and changes. `plain`: names of letters alone."""
    draw: Any = random.Random(seed)
    draw.plain = plain
    while True:
        try:
            return _simulation_of(draw)
        except (NumericalError, ValueError) as error:
            if "rule" not in str(error) and "finite" not in str(error) and "port" not in str(error):
                raise


def _simulation_of(draw: random.Random) -> Simulation:
    model = BrainModel(config=config_of(draw))
    system = system_of(draw, model) if draw.random() < 0.6 else None
    sim = Simulation(model, seed=draw.getrandbits(64), neuromodulation=system, threads=draw.choice([1, 2]))
    if draw.random() < 0.95:
        sim.initialize_neurons(density=draw.choice([0.1, 0.7, 1.0]))
    for name in names_of(draw, draw.randint(0, 5)):
        connect(draw, sim, name)
    if draw.random() < 0.3:
        sim.initialize_random_synapses(0.05)
    for _ in range(draw.randint(0, 3)):
        sim.run(draw.choice([0, 1, 30, 120]))
        for _ in range(draw.randint(0, 2)):
            change(draw, sim)
    if draw.random() < 0.7:
        sim.run(draw.choice([1, 50, 300]))
    return sim


# ---- changes of a saved state ------------------------------------------------------------------------------------

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 17, 255, 2**31, 2**32, 2**53, 2**62, 2**63, -(2**63), 10**30, 10**400),
    *(0.0, -0.0, 0.5, -1.0, 1e-300, 1e300, float("nan"), float("inf"), -float("inf")),
    *("", "lif", "stdp", "none", "excitatory", "V1_like", "<f8", "|O", "a|b", "x" * 5000),
    *([], [1], [[1]], {}, {"a": 1}, {"dtype": "<i8", "shape": [2], "values": [0, 1]}),
]


def places(value: Any, path: tuple[Any, ...] = (), most: int = 30) -> list[tuple[Any, ...]]:
    """The path of every value inside; of a long list of some."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        step = max(1, len(value) // most)
        inner = list(enumerate(value))[::step]
    else:
        inner = []
    found = [path] if path else []
    for key, item in inner:
        found += places(item, (*path, key), most)
    return found


def mutant_of(state: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """The state with one to three values changed, moved or left out; the sums are left out half of the time."""
    mutant = copy.deepcopy(state)
    if draw.random() < 0.6:
        for holder in (mutant, mutant.get("model", {})):
            holder.pop("version", None)
            holder.pop("sha256", None)
    known = places(mutant)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        *parents, last = draw.choice(known)
        place: Any = mutant
        try:
            for key in parents:
                place = place[key]
            _spoil(place, last, draw)
        except (KeyError, IndexError, TypeError):  # gone by a change before
            continue
    return mutant


def _spoil(place: Any, last: Any, draw: random.Random) -> None:
    old, what = place[last], draw.choice(["value", "near", "near", "near", "remove", "add", "swap", "swap"])
    if what == "near" and type(old) in (int, float):
        place[last] = draw.choice(
            [old + 1, old - 1, -old, old * 2, old + 300, old - 9000, old + 2**20, old - 2**40]
        )
    elif what == "near" and isinstance(old, list) and old and all(type(v) in (int, float) for v in old):
        place[last] = [v + draw.choice([0, 1, -1, 40]) for v in old]
    elif what == "remove" and isinstance(place, dict):
        del place[last]
    elif what == "remove":
        place.pop(last)
    elif what == "add" and isinstance(place, list):
        place.insert(last, draw.choice([old, *VALUES]))
    elif what == "add":
        place[draw.choice(["extra", "step", "a|b"])] = old
    elif what == "swap" and isinstance(old, list) and len(old) > 1:
        i, k = draw.randrange(len(old)), draw.randrange(len(old))
        old[i], old[k] = old[k], old[i]
    else:
        place[last] = draw.choice(VALUES)


def same_state(one: Simulation, other: Simulation) -> bool:
    """Whether both have the same digest, columns and clock."""
    return one.digest() == other.digest() and np.array_equal(one.model.neurons.id, other.model.neurons.id)
