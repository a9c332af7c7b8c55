"""The main job: images shown to a brain whose learning, thresholds and gain its modulators set.

What happens is said by the configuration's section ``experiment``. Without a data set there, the same network
runs on its background drive alone. The result is a mapping of plain arrays, from which the table, the figure
and the file are made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import neuromod
from neuromod import _core
from neuromod.brain_model import BrainModel
from neuromod.config_read import shown
from neuromod.config_sections import add_unknown_key, nearest
from neuromod.datasets import DATASETS, LabelledImages, fit_to_sheet
from neuromod.errors import ConfigError
from neuromod.monitors import LevelMonitor, SpikeMonitor
from neuromod.neuromodulation import NeuromodulationSystem, create_neuromodulation_system
from neuromod.progress import ProgressCallback
from neuromod.senses import feed_sense_input
from neuromod.simulation import Simulation

__all__ = ["GROUP_NAMES", "Experiment", "check_experiment", "experiment_schema", "run_experiment"]

GROUP_NAMES = ("other", "rewarded", "punished")
"""Groups of synapses that the table compares; see `synapse_groups`."""

_PIECE = 100  # steps between two looks at the clock and at Ctrl-C, where no image changes
_PLAIN_STEPS = 1000
_PLAIN_DENSITY = 0.1


def _key(default: Any, kind: str, domain: str, doc: str, unit: str = "1") -> Any:
    return field(default=default, metadata={"kind": kind, "domain": domain, "doc": doc, "unit": unit})


@dataclass(frozen=True)
class Experiment:
    """The section ``experiment`` of a configuration; its keys are the fields below, all of them optional."""

    dataset: str | None = _key(None, "name", "", "Images to show; null: run on background drive alone.")
    sense: str | None = _key(None, "name", "", "Sense that the images go to; needed with a data set.")
    areas: tuple[str, ...] | None = _key(None, "names", "", "Areas that get neurons; null: all.")
    density: float | None = _key(
        None, "number", "NM_UNIT_INTERVAL", "Part of the sites filled; null: the area's own, else 0.1."
    )
    connection_probability: float = _key(
        0.1, "number", "NM_UNIT_INTERVAL", "Of every ordered pair of different neurons."
    )
    weight_mean: float = _key(0.1, "number", "NM_ANY", "Mean initial weight.", "mV")
    weight_std: float = _key(
        0.05, "number", "NM_NON_NEGATIVE", "Standard deviation of initial weights.", "mV"
    )
    steps: int | None = _key(
        None, "count", "NM_POSITIVE", "Steps in all; null: the data set once, or 1,000.", "steps"
    )
    seed: int | None = _key(
        None, "count", "NM_NON_NEGATIVE", "Seed where none is given; null: the simulation's."
    )
    steps_per_image: int = _key(20, "count", "NM_POSITIVE", "How long an image is shown.", "steps")
    images_per_block: int = _key(5, "count", "NM_POSITIVE", "Images of one class in a row.", "images")
    input_gain: float = _key(20.0, "number", "NM_NON_NEGATIVE", "Current of a fully inked pixel.", "mV")
    rewarded_class: int = _key(0, "count", "NM_NON_NEGATIVE", "Its images bring a reward.")
    punished_class: int = _key(1, "count", "NM_NON_NEGATIVE", "Its images bring the reverse, and punishment.")
    reward: float = _key(1.0, "number", "NM_NON_NEGATIVE", "Size of the reward.")
    punishment: float = _key(1.0, "number", "NM_NON_NEGATIVE", "Size of the punishment.")
    stress: float = _key(0.0, "number", "NM_NON_NEGATIVE", "Stress that comes with a punishment.")
    expectation_rate: float = _key(
        0.05, "number", "NM_UNIT_INTERVAL", "Part of the prediction error by which the expected reward moves."
    )
    uncertainty: float = _key(0.7, "number", "NM_NON_NEGATIVE", "Uncertainty when the class changes.")
    novelty: float = _key(0.3, "number", "NM_NON_NEGATIVE", "Novelty when the class changes.")
    class_margin: float = _key(
        0.2, "number", "NM_UNIT_INTERVAL", "Excess of mean ink, of full scale, that makes a neuron a class's."
    )


# ---- checking the section ----------------------------------------------------------------------------------


def check_experiment(
    section: Any, areas: Collection[str], senses: Collection[str], where: str = "experiment"
) -> Experiment:
    """Check the section ``experiment`` of a configuration.

    Parameters
    ----------
    section : mapping
        As in the JSON file.
    areas, senses : collection of str
        Names that the configuration defines.
    where : str, default "experiment"
        Path of the section, for messages.

    Returns
    -------
    Experiment

    Raises
    ------
    ConfigError
        With every problem, each as ``path: rule; what came``.

    Examples
    --------
    >>> check_experiment({"steps_per_image": 50}, ["V1"], []).steps_per_image
    50
    >>> check_experiment({"step_per_image": 50}, ["V1"], [])
    Traceback (most recent call last):
    neuromod.errors.ConfigError: experiment.step_per_image: unknown key; did you mean 'steps_per_image'?
    """
    if not isinstance(section, Mapping):
        raise ConfigError([f"{where}: must be an object; got {shown(section)}"])
    known = {key.name: key for key in fields(Experiment)}
    problems: list[str] = []
    values: dict[str, Any] = {}
    for name, value in section.items():
        if name not in known:
            add_unknown_key(problems, where, str(name), known)
            continue
        rule = _broken_rule(known[name].metadata, known[name].default, value)
        if rule is not None:
            problems.append(f"{where}.{name}: must be {rule}; got {shown(value)}")
            continue
        values[name] = tuple(value) if isinstance(value, list) else value
    problems += _unknown_names(values, areas, senses, where)
    if problems:
        raise ConfigError(problems)
    return Experiment(**values)


def _broken_rule(about: Mapping[str, Any], default: Any, value: Any) -> str | None:
    """The rule that `value` breaks, or None."""
    if value is None and default is None:
        return None
    kind, number = about["kind"], isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "name":
        return None if isinstance(value, str) else "a string"
    if kind == "names":
        fine = isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value)
        return None if fine else "a list of at least one name"
    phrase = f"{_core.domain_phrase(about['domain'])}{'' if about['unit'] == '1' else ' ' + about['unit']}"
    if kind == "count" and not (number and isinstance(value, int) and value < 2**64):
        return f"a whole number {phrase}"
    return None if number and _core.domain_holds(about["domain"], float(value)) else phrase


def _unknown_names(
    values: Mapping[str, Any], areas: Collection[str], senses: Collection[str], where: str
) -> Iterator[str]:
    for name in values.get("areas") or ():
        if name not in areas:
            yield _unknown(f"{where}.areas", "an area", name, areas)
    dataset, sense = values.get("dataset"), values.get("sense")
    if sense is not None and sense not in senses:
        yield _unknown(f"{where}.sense", "a sense of the section 'senses'", sense, senses)
    if dataset is None:
        return
    if sense is None:
        yield f"{where}.sense: must name the sense that sees the images; got none"
    if dataset not in DATASETS:
        yield _unknown(f"{where}.dataset", "a data set that comes with the package", dataset, DATASETS)
        return
    classes = {int(label) for label in DATASETS[dataset]().labels}
    given = {
        name: values.get(name, getattr(Experiment, name)) for name in ("rewarded_class", "punished_class")
    }
    for name, number in given.items():
        if number not in classes:
            known = f"{min(classes)} .. {max(classes)}"
            yield f"{where}.{name}: must be a class of {dataset!r}, {known}; got {number}"
    if given["rewarded_class"] == given["punished_class"]:
        yield f"{where}.punished_class: must differ from rewarded_class; got {given['punished_class']}"


def _unknown(where: str, what: str, name: str, known: Collection[str]) -> str:
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else f"; known are {', '.join(known) or 'none'}"
    return f"{where}: must be {what}; got {name!r}{hint}"


def experiment_schema() -> dict[str, Any]:
    """JSON Schema of the section ``experiment``.

    Returns
    -------
    dict

    Examples
    --------
    >>> experiment_schema()["properties"]["density"]["maximum"]
    1
    """
    bounds: dict[str, dict[str, Any]] = {
        "NM_POSITIVE": {"exclusiveMinimum": 0},
        "NM_NON_NEGATIVE": {"minimum": 0},
        "NM_UNIT_INTERVAL": {"minimum": 0, "maximum": 1},
    }
    types: dict[str, dict[str, Any]] = {
        "name": {"type": "string"},
        "names": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "count": {"type": "integer"},
        "number": {"type": "number"},
    }
    properties = {}
    for key in fields(Experiment):
        schema = types[key.metadata["kind"]] | bounds.get(key.metadata["domain"], {})
        if key.default is None:
            schema = schema | {"type": [schema["type"], "null"]}
        unit = "" if key.metadata["unit"] == "1" else f" Unit: {key.metadata['unit']}."
        properties[key.name] = schema | {"default": key.default, "description": key.metadata["doc"] + unit}
    return {"type": "object", "additionalProperties": False, "properties": properties}


# ---- what is shown, and when -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Show:
    """Images as currents, in the order in which they are shown."""

    labels: NDArray[np.int64]  # of each image
    order: NDArray[np.int64]  # image of each presentation
    ids: NDArray[np.int64]  # neurons that the sense feeds
    current: NDArray[np.float64]  # [image][neuron of ids], mV


def image_order(labels: NDArray[np.int64], images_per_block: int, seed: int) -> NDArray[np.int64]:
    """Every image once, in blocks of one class; images in the blocks and the blocks themselves in drawn
    order.

    Parameters
    ----------
    labels : ndarray of int, shape (n_images,)
    images_per_block : int, >= 1
        The last block of a class may be shorter.
    seed : int, 0 .. 2**64 - 1

    Returns
    -------
    ndarray of int64, shape (n_images,)

    Examples
    --------
    >>> import numpy as np
    >>> image_order(np.array([0, 1, 0, 1]), 2, seed=7).tolist() in ([0, 2, 1, 3], [2, 0, 1, 3], [0, 2, 3, 1],
    ...     [2, 0, 3, 1], [1, 3, 0, 2], [1, 3, 2, 0], [3, 1, 0, 2], [3, 1, 2, 0])
    True
    """
    words = np.random.Philox(key=seed)  # a bit stream, which NumPy keeps the same for ever
    drawn = np.argsort(words.random_raw(len(labels)), kind="stable")
    blocks = []
    for label in np.unique(labels):
        members = drawn[labels[drawn] == label]
        blocks += np.split(members, range(images_per_block, len(members), images_per_block))
    sequence = np.argsort(words.random_raw(len(blocks)), kind="stable")
    return np.concatenate([blocks[k] for k in sequence])


def _prepared_show(sim: Simulation, experiment: Experiment, data: LabelledImages) -> _Show:
    """The current that each image gives to each neuron of the sense's area, in all its layers."""
    sense = experiment.sense
    assert sense is not None  # check_experiment saw to it
    model = sim.model
    ranges = model._config.area(model._config.senses[sense].areal).coord_ranges
    rows, columns, depth = (ranges[axis][1] - ranges[axis][0] + 1 for axis in "xyz")
    # The sense is linear, so one sheet of numbered sites tells which site each neuron sees.
    received = model.neurons.external_input
    kept = received.copy()
    received[:] = 0.0
    for layer in range(depth):
        feed_sense_input(model, sense, np.arange(1.0, rows * columns + 1.0).reshape(rows, columns), layer)
    fed = np.flatnonzero(received)
    site = received[fed].astype(np.int64) - 1
    received[:] = kept
    scale = experiment.input_gain / data.full_scale
    sheets = np.stack([fit_to_sheet(image, (rows, columns)).ravel() for image in data.images])
    labels = data.labels.astype(np.int64)
    order = image_order(labels, experiment.images_per_block, sim.seed)
    return _Show(labels, order, model.neurons.id[fed].copy(), np.ascontiguousarray(sheets[:, site] * scale))


def synapse_groups(
    show: _Show, pre_id: NDArray[np.int64], experiment: Experiment
) -> tuple[NDArray[np.int8], dict[str, int]]:
    """Which synapses belong to the rewarded and to the punished class, told from the images alone.

    A neuron that the sense feeds belongs to a class if its mean input current over that class's images
    exceeds its mean over all other images by ``class_margin`` of the full-scale current ``input_gain``. A
    synapse is *rewarded* if its presynaptic neuron belongs to the rewarded class and not to the punished one,
    *punished* if it is the other way round, and *other* in every other case. The run's activity and the
    weights play no part in it.

    Returns
    -------
    ndarray of int8, shape (n_synapses,)
        Positions in `GROUP_NAMES`.
    dict
        Number of neurons of each class, by group name.
    """
    margin = experiment.class_margin * experiment.input_gain
    belongs = []
    for label in (experiment.rewarded_class, experiment.punished_class):
        mine = show.labels == label
        excess = show.current[mine].mean(axis=0) - show.current[~mine].mean(axis=0)
        belongs.append(excess > margin)
    groups = np.zeros(len(pre_id), dtype=np.int8)
    counts = {}
    for number, name, members in (
        (1, "rewarded", belongs[0] & ~belongs[1]),
        (2, "punished", belongs[1] & ~belongs[0]),
    ):
        groups[np.isin(pre_id, show.ids[members])] = number
        counts[name] = int(members.sum())
    return groups, counts


@dataclass
class _Log:
    """What the schedule did: presentations, and events with the step before which they came."""

    image_step: list[int] = field(default_factory=list)
    image: list[int] = field(default_factory=list)
    event_step: list[int] = field(default_factory=list)
    event_kind: list[str] = field(default_factory=list)
    event_value: list[float] = field(default_factory=list)

    def add_event(self, step: int, kind: str, value: float) -> None:
        self.event_step.append(step)
        self.event_kind.append(kind)
        self.event_value.append(value)


class _Schedule:
    """The world outside: what each image brings, and what reward is expected by now."""

    def __init__(self, experiment: Experiment, system: NeuromodulationSystem | None, log: _Log) -> None:
        self.experiment, self.system, self.log = experiment, system, log
        self.expected, self.last_label = 0.0, -1

    def begin_image(self, step: int, label: int) -> None:
        """Send the events of an image that is shown from `step` on."""
        told, system, changed = self.experiment, self.system, label != self.last_label
        self.last_label = label
        if system is None:
            return
        if changed:
            system.process_uncertainty(told.uncertainty, told.novelty)
            self.log.add_event(step, "uncertainty", told.uncertainty + told.novelty)
        if label == told.rewarded_class:
            self._reward(system, step, told.reward)
        if label == told.punished_class:
            self._reward(system, step, -told.punishment)
            system.process_punishment(told.punishment, told.stress)
            self.log.add_event(step, "punishment", told.punishment + told.stress)

    def _reward(self, system: NeuromodulationSystem, step: int, reward: float) -> None:
        error = system.process_reward(reward, self.expected)
        self.expected += self.experiment.expectation_rate * error
        self.log.add_event(step, "reward", reward)


# ---- the run -----------------------------------------------------------------------------------------------


def run_experiment(
    source: str | Path | Mapping[str, Any],
    *,
    steps: int | None = None,
    seed: int | None = None,
    progress: ProgressCallback | None = None,
    stop: Callable[[], bool] | None = None,
) -> dict[str, NDArray[Any]]:
    """Build the network of a configuration, run its experiment, and give everything back as arrays.

    Each image is shown to the sense for ``steps_per_image`` steps. A change of class is an uncertainty event,
    an image of the rewarded class a reward, one of the punished class a negative reward and a punishment. The
    expected reward follows the outcomes: it moves by ``expectation_rate`` times each prediction error.

    Parameters
    ----------
    source : str, Path or mapping
        A configuration file, the bare name of a shipped one, or its content.
    steps : int, >= 1, optional
        Steps in all. Default: ``experiment.steps``, else the data set once, else 1,000. More steps than
        images last show the images again from the first.
    seed : int, 0 .. 2**64 - 1, optional
        Default: ``experiment.seed``, else ``simulation.seed``, else drawn.
    progress : callable, optional
        Called after each image as ``progress(done, total, simulated_ms, elapsed_s)``.
    stop : callable, optional
        Asked before each image; true ends the run there, and the result holds what was done.

    Returns
    -------
    dict of str to ndarray
        ``spike_step, spike_id``; ``level_time, level, level_names``; ``weight_before, weight_after, pre_id,
        post_id, synapse_group, group_names, group_neurons``; ``image_step, image_index, image_label``;
        ``event_step, event_kind, event_value``; ``neuron_id, neuron_area, area_names, area_rate``; ``config``
        (JSON text), ``seed, steps, steps_wanted, dt, wall_seconds, digest, version``. Steps of images and
        events are the steps completed when they came; a group's number is its position in ``group_names``.

    Raises
    ------
    ConfigError
        If the configuration is wrong; every problem is listed.
    ValueError
        If an argument is out of its domain.

    Examples
    --------
    >>> results = run_experiment("brain_base_model.json", steps=200, seed=1)
    >>> int(results["steps"]), str(results["event_kind"][0])
    (200, 'uncertainty')
    """
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise ValueError(f"steps: must be a whole number >= 1; got {steps!r}")
    model = BrainModel(
        **({"config": dict(source)} if isinstance(source, Mapping) else {"config_path": source})
    )
    experiment = experiment_of(model)
    system = _system_of(model)
    chosen = experiment.seed if seed is None else seed
    sim = Simulation(model, seed=chosen, neuromodulation=system)
    area_ids = _populate(sim, experiment)
    show = None
    if experiment.dataset is not None:
        show = _prepared_show(sim, experiment, DATASETS[experiment.dataset]())
    wanted = steps or experiment.steps or _whole_show(show, experiment)
    weight_before = model.synapses.weight.copy()
    spikes = SpikeMonitor(sim)
    levels = None if system is None else LevelMonitor(sim)
    log = _Log()
    began = time.perf_counter()
    _run_pieces(sim, experiment, show, log, wanted, progress, stop)
    results = {
        "wall_seconds": np.float64(time.perf_counter() - began),
        "steps_wanted": np.int64(wanted),
        "weight_before": weight_before,
        **_run_arrays(sim, spikes, levels),
        **_network_arrays(sim, area_ids, show, experiment),
        **_log_arrays(log, show),
    }
    return {name: np.asarray(value) for name, value in results.items()}


def experiment_of(model: BrainModel) -> Experiment:
    """The checked section ``experiment`` of a model's configuration; defaults where there is none."""
    areas = [area["name"] for area in model.config["areas"]]
    senses = [area["sense"] for area in model.config["areas"] if area.get("sense") is not None]
    return check_experiment(model.config.get("experiment", {}), areas, senses)


def _system_of(model: BrainModel) -> NeuromodulationSystem | None:
    section = model.config.get("neuromodulation", {})
    return create_neuromodulation_system(section) if section.get("enabled", True) else None


def _whole_show(show: _Show | None, experiment: Experiment) -> int:
    return _PLAIN_STEPS if show is None else len(show.order) * experiment.steps_per_image


def _populate(sim: Simulation, experiment: Experiment) -> dict[str, NDArray[np.int64]]:
    """Neurons area by area, then random synapses; the ids of each area."""
    placed = {}
    for area in sim.model.config["areas"]:
        name = area["name"]
        if experiment.areas is not None and name not in experiment.areas:
            continue
        density = experiment.density
        if density is None:
            density = area["density"] if area.get("density") is not None else _PLAIN_DENSITY
        placed[name] = sim.initialize_neurons([name], density)
    sim.initialize_random_synapses(
        experiment.connection_probability, experiment.weight_mean, experiment.weight_std
    )
    return placed


def _run_pieces(
    sim: Simulation,
    experiment: Experiment,
    show: _Show | None,
    log: _Log,
    wanted: int,
    progress: ProgressCallback | None,
    stop: Callable[[], bool] | None,
) -> None:
    began = time.perf_counter()
    schedule = _Schedule(experiment, sim.neuromodulation, log)
    piece = _PIECE if show is None else experiment.steps_per_image
    while sim.current_step < wanted and not (stop is not None and stop()):
        n = min(piece, wanted - sim.current_step)
        if show is None:
            sim.run(n, progress=False)
        else:
            image = int(show.order[len(log.image) % len(show.order)])
            schedule.begin_image(sim.current_step, int(show.labels[image]))
            log.image_step.append(sim.current_step)
            log.image.append(image)
            rows = np.broadcast_to(show.current[image], (n, len(show.ids)))
            sim.run(n, input=rows, input_ids=show.ids, progress=False)
        if progress is not None:
            progress(sim.current_step, wanted, sim.time, time.perf_counter() - began)


def _run_arrays(sim: Simulation, spikes: SpikeMonitor, levels: LevelMonitor | None) -> dict[str, Any]:
    return {
        "version": np.array(neuromod.__version__),
        "seed": np.uint64(sim.seed),
        "dt": np.float64(sim.dt),
        "steps": np.int64(sim.current_step),
        "digest": np.array(sim.digest()),
        "config": np.array(json.dumps(sim.model.config)),
        "spike_step": spikes.step,
        "spike_id": spikes.id,
        "level_time": np.empty(0) if levels is None else levels.time,
        "level": np.empty((0, 0)) if levels is None else levels.values,
        "level_names": np.array([] if levels is None else levels.names, dtype=str),
    }


def _network_arrays(
    sim: Simulation, area_ids: Mapping[str, NDArray[np.int64]], show: _Show | None, experiment: Experiment
) -> dict[str, Any]:
    model, seconds = sim.model, sim.time / 1000.0
    ids, counts = model.neurons.id.copy(), model.neurons.spike_count
    area = np.full(len(ids), -1, dtype=np.int32)
    for k, members in enumerate(area_ids.values()):
        area[np.isin(ids, members)] = k
    spikes = [int(counts[area == k].sum()) / max(int((area == k).sum()), 1) for k in range(len(area_ids))]
    pre = np.asarray(model.synapses.pre_id).copy()
    names, group, neurons = ("all",), np.zeros(len(pre), dtype=np.int8), {}
    if show is not None:
        names = GROUP_NAMES
        group, neurons = synapse_groups(show, pre, experiment)
    return {
        "neuron_id": ids,
        "neuron_area": area,
        "area_names": np.array(list(area_ids), dtype=str),
        "area_rate": np.array([n / seconds if seconds else 0.0 for n in spikes]),
        "pre_id": pre,
        "post_id": np.asarray(model.synapses.post_id).copy(),
        "weight_after": model.synapses.weight.copy(),
        "synapse_group": group,
        "group_names": np.array(names, dtype=str),
        "group_neurons": np.array([neurons.get(name, -1) for name in names]),
        "experiment": np.array(json.dumps(asdict(experiment))),
    }


def _log_arrays(log: _Log, show: _Show | None) -> dict[str, Any]:
    image = np.array(log.image, dtype=np.int64)
    return {
        "image_step": np.array(log.image_step, dtype=np.int64),
        "image_index": image,
        "image_label": np.empty(0, dtype=np.int64) if show is None else show.labels[image],
        "event_step": np.array(log.event_step, dtype=np.int64),
        "event_kind": np.array(log.event_kind, dtype=str),
        "event_value": np.array(log.event_value, dtype=np.float64),
    }
