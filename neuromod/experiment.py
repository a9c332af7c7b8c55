"""The main job: images shown to a brain whose learning, thresholds and gain its modulators set.

What happens is said by the configuration's section ``experiment``. Without a data set there, the same network
runs on its background drive alone. The result is a mapping of plain arrays, from which the table, the figure
and the file are made.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import neuromod
from neuromod.brain_model import BrainModel
from neuromod.config import load
from neuromod.datasets import DATASETS, LabelledImages, fit_to_sheet
from neuromod.errors import NeuromodWarning
from neuromod.experiment_section import Experiment, check_experiment
from neuromod.monitors import LevelMonitor, SpikeMonitor
from neuromod.neuromodulation import NeuromodulationSystem, create_neuromodulation_system
from neuromod.progress import ProgressCallback
from neuromod.senses import feed_sense_input
from neuromod.simulation import Simulation

__all__ = ["GROUP_NAMES", "image_order", "run_experiment", "synapse_groups"]

GROUP_NAMES = ("other", "rewarded", "punished")
"""Groups of synapses that the table compares; see `synapse_groups`."""

_PIECE = 100  # steps between two looks at the clock and at Ctrl-C, where no image changes
_PLAIN_STEPS = 1000
_PLAIN_DENSITY = 0.1


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
) -> tuple[NDArray[np.int8], list[int]]:
    """Which synapses belong to the rewarded and to the punished class, told from the images alone.

    A neuron that the sense feeds belongs to a class if its mean input current over that class's images
    exceeds its mean over all other images by ``class_margin`` of the full-scale current ``input_gain``. A
    synapse is *rewarded* if its presynaptic neuron belongs to the rewarded class and not to the punished one,
    *punished* if it is the other way round, and *other* in every other case. The run's activity and the
    weights play no part in it.

    Parameters
    ----------
    show : object
        Classes of the images, ids of the fed neurons, and the current of each image at each of them, mV.
    pre_id : ndarray of int64, shape (n_synapses,)
    experiment : Experiment

    Returns
    -------
    ndarray of int8, shape (n_synapses,)
        Positions in `GROUP_NAMES`.
    list of int
        Number of neurons that the sense feeds in each group.
    """
    margin = experiment.class_margin * experiment.input_gain
    belongs = []
    for label in (experiment.rewarded_class, experiment.punished_class):
        mine = show.labels == label
        excess = show.current[mine].mean(axis=0) - show.current[~mine].mean(axis=0)
        belongs.append(excess > margin)
    rewarded, punished = belongs[0] & ~belongs[1], belongs[1] & ~belongs[0]
    groups = np.zeros(len(pre_id), dtype=np.int8)
    groups[np.isin(pre_id, show.ids[rewarded])] = GROUP_NAMES.index("rewarded")
    groups[np.isin(pre_id, show.ids[punished])] = GROUP_NAMES.index("punished")
    return groups, [int((~rewarded & ~punished).sum()), int(rewarded.sum()), int(punished.sum())]


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
        if system is not None and changed:
            system.process_uncertainty(told.uncertainty, told.novelty)
            self.log.add_event(step, "uncertainty", told.uncertainty + told.novelty)
        self.bring_outcome(step, label)

    def has_outcome(self, label: int) -> bool:
        """Whether images of that class are rewarded or punished."""
        told = self.experiment
        return self.system is not None and label in (told.rewarded_class, told.punished_class)

    def bring_outcome(self, step: int, label: int) -> None:
        """Reward or punish, if the class is one that is."""
        told, system = self.experiment, self.system
        if system is None:
            return
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
    expected reward follows the outcomes: it moves by ``expectation_rate`` times each prediction error. With
    ``control`` the same run is done again, from the same seed and with the same images, but without any
    outcome.

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
        Called after each image as ``progress(done, total, simulated_ms, elapsed_s)``, a control's steps
        included.
    stop : callable, optional
        Asked before each image; true ends the run there, and the result holds what was done.

    Returns
    -------
    dict of str to ndarray
        ``spike_step, spike_id``; ``level_time, level, level_names``; ``weight_before, weight_after,
        weight_control`` (empty without a control run), ``pre_id, post_id, synapse_group, group_names,
        group_neurons``; ``image_step, image_index, image_label``;
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
    content, experiment = _prepared_config(source)
    run = _built(content, experiment, seed)
    wanted = steps or experiment.steps or run.whole_show
    n_runs = 2 if experiment.control and run.show is not None else 1

    began = time.perf_counter()

    def reported(n_before: int) -> Callable[[int], object] | None:
        if progress is None:
            return None
        total, dt = n_runs * wanted, run.sim.dt
        return lambda done: progress(
            n_before + done, total, (n_before + done) * dt, time.perf_counter() - began
        )

    weight_before = run.sim.model.synapses.weight.copy()
    wall_seconds = run.advance(wanted, reported(0), stop)
    weight_control = np.empty(0, dtype=np.float32)
    if n_runs == 2 and run.sim.current_step == wanted:
        weight_control = _control_weights(content, experiment, run.sim.seed, wanted, reported(wanted), stop)
    results = {
        "wall_seconds": wall_seconds,
        "steps_wanted": wanted,
        "weight_before": weight_before,
        "weight_control": weight_control,
        **_run_arrays(run),
        **_network_arrays(run),
        **_log_arrays(run.schedule.log, run.show),
    }
    return {name: np.asarray(value) for name, value in results.items()}


def _prepared_config(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Experiment]:
    """The plain configuration, the experiment's rule of plasticity put in, and the experiment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromodWarning)  # BrainModel gives them again
        content, config = load(source)
    areas = [area.name for area in config.areas]
    experiment = check_experiment(content.get("experiment", {}), areas, list(config.senses))
    if experiment.plasticity is not None:
        content["plasticity"] = dict(experiment.plasticity)
    return content, experiment


@dataclass(frozen=True)
class _Run:
    """A network, built and ready to be shown images."""

    experiment: Experiment
    sim: Simulation
    area_ids: Mapping[str, NDArray[np.int64]]
    show: _Show | None
    schedule: _Schedule
    spikes: SpikeMonitor | None
    levels: LevelMonitor | None

    @property
    def whole_show(self) -> int:
        """Steps that show every image once."""
        return _PLAIN_STEPS if self.show is None else len(self.show.order) * self.experiment.steps_per_image

    def advance(
        self, n_steps: int, progress: Callable[[int], object] | None, stop: Callable[[], bool] | None
    ) -> float:
        """Run so many steps, image by image; the wall time that it took, s."""
        sim, show = self.sim, self.show
        piece = _PIECE if show is None else self.experiment.steps_per_image
        began = time.perf_counter()
        while sim.current_step < n_steps and not (stop is not None and stop()):
            n = min(piece, n_steps - sim.current_step)
            if show is None:
                sim.run(n, progress=False)
            else:
                _show_image(sim, show, self.schedule, n)
            if progress is not None:
                progress(sim.current_step)
        return time.perf_counter() - began


def _built(content: dict[str, Any], experiment: Experiment, seed: int | None, *, record: bool = True) -> _Run:
    model = BrainModel(config=content)
    section = content.get("neuromodulation", {})
    system = (
        create_neuromodulation_system(section, regions=model.regions)
        if section.get("enabled", True)
        else None
    )
    chosen = experiment.seed if seed is None else seed
    sim = Simulation(model, seed=chosen, neuromodulation=system)
    area_ids = _populate(sim, experiment)
    show = None
    if experiment.dataset is not None:
        show = _prepared_show(sim, experiment, DATASETS[experiment.dataset]())
    spikes = SpikeMonitor(sim) if record else None
    levels = LevelMonitor(sim) if record and system is not None else None
    return _Run(experiment, sim, area_ids, show, _Schedule(experiment, system, _Log()), spikes, levels)


def _populate(sim: Simulation, experiment: Experiment) -> dict[str, NDArray[np.int64]]:
    """Neurons area by area, then random synapses; the ids of each area."""
    placed = {}
    for area in sim.model._config.areas:
        if experiment.areas is not None and area.name not in experiment.areas:
            continue
        own = _PLAIN_DENSITY if area.density is None else area.density
        density = own if experiment.density is None else experiment.density
        placed[area.name] = sim.initialize_neurons([area.name], density)
    sim.initialize_random_synapses(
        experiment.connection_probability, experiment.weight_mean, experiment.weight_std
    )
    return placed


def _control_weights(
    content: dict[str, Any],
    experiment: Experiment,
    seed: int,
    n_steps: int,
    progress: Callable[[int], object] | None,
    stop: Callable[[], bool] | None,
) -> NDArray[np.float32]:
    """Weights after the same run with every outcome left out; none if it was interrupted."""
    without = replace(experiment, reward=0.0, punishment=0.0, stress=0.0)
    run = _built(content, without, seed, record=False)
    run.advance(n_steps, progress, stop)
    weight: NDArray[np.float32] = run.sim.model.synapses.weight.copy()
    return weight if run.sim.current_step == n_steps else weight[:0]


def _show_image(sim: Simulation, show: _Show, schedule: _Schedule, n: int) -> None:
    """The next image, for n steps: its events, its current, and its outcome again and again."""
    log = schedule.log
    image = int(show.order[len(log.image) % len(show.order)])
    label, end = int(show.labels[image]), sim.current_step + n
    log.image_step.append(sim.current_step)
    log.image.append(image)
    schedule.begin_image(sim.current_step, label)
    piece = schedule.experiment.outcome_every if schedule.has_outcome(label) else n
    while True:
        steps = min(piece, end - sim.current_step)
        rows = np.broadcast_to(show.current[image], (steps, len(show.ids)))
        sim.run(steps, input=rows, input_ids=show.ids, progress=False)
        if sim.current_step == end:
            return
        schedule.bring_outcome(sim.current_step, label)


def _run_arrays(run: _Run) -> dict[str, Any]:
    sim, spikes, levels = run.sim, run.spikes, run.levels
    assert spikes is not None  # only a control records nothing
    return {
        "version": np.array(neuromod.__version__),
        "seed": np.uint64(sim.seed),
        "dt": np.float64(sim.dt),
        "steps": np.int64(sim.current_step),
        "digest": np.array(sim.digest()),
        "config": np.array(json.dumps(sim.model.config)),
        "experiment": np.array(json.dumps(asdict(run.experiment))),
        "spike_step": spikes.step,
        "spike_id": spikes.id,
        "level_time": np.empty(0) if levels is None else levels.time,
        "level": np.empty((0, 0)) if levels is None else levels.values,
        "level_names": np.array([] if levels is None else levels.names, dtype=str),
    }


def _network_arrays(run: _Run) -> dict[str, Any]:
    model, seconds = run.sim.model, run.sim.time / 1000.0
    ids, counts = model.neurons.id.copy(), model.neurons.spike_count
    area = np.full(len(ids), -1, dtype=np.int32)
    for k, members in enumerate(run.area_ids.values()):
        area[np.isin(ids, members)] = k
    per_neuron = [counts[area == k].sum() / max((area == k).sum(), 1) for k in range(len(run.area_ids))]
    pre = np.asarray(model.synapses.pre_id).copy()
    names: tuple[str, ...] = ("all",)
    group, neurons = np.zeros(len(pre), dtype=np.int8), [len(ids)]
    if run.show is not None:
        names = GROUP_NAMES
        group, neurons = synapse_groups(run.show, pre, run.experiment)
    return {
        "neuron_id": ids,
        "neuron_area": area,
        "area_names": np.array(list(run.area_ids), dtype=str),
        "area_rate": np.array([float(n) / seconds if seconds else 0.0 for n in per_neuron]),
        "pre_id": pre,
        "post_id": np.asarray(model.synapses.post_id).copy(),
        "weight_after": model.synapses.weight.copy(),
        "synapse_group": group,
        "group_names": np.array(names, dtype=str),
        "group_neurons": np.array(neurons),
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
