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
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import neuromod
from neuromod.checkpoints import seconds_of
from neuromod.config.load import load
from neuromod.errors import NeuromodWarning
from neuromod.experiment.datasets import DATASETS, LabelledImages, fit_to_sheet
from neuromod.experiment.effect_size import held_out
from neuromod.experiment.network import ExperimentNetwork, build_network
from neuromod.experiment.results import Results
from neuromod.experiment.resume import Resume
from neuromod.experiment.schedule import Log, Schedule
from neuromod.experiment.section import Experiment, experiment_of
from neuromod.experiment.show import GROUP_NAMES, Show, image_order, synapse_groups
from neuromod.experiment.world import RankWorld, World
from neuromod.modulation.system import create_neuromodulation_system
from neuromod.monitors import LevelMonitor, SpikeMonitor
from neuromod.near_names import names_near
from neuromod.network.brain_model import BrainModel
from neuromod.progress import ProgressCallback
from neuromod.senses import feed_sense_input
from neuromod.simulation import Simulation
from neuromod.state import SavedPart
from neuromod.units import steps_of

__all__ = ["run_experiment", "run_experiment_on_ranks"]

_PIECE = 100  # steps between two looks at the clock and at Ctrl-C, where no image changes
_PLAIN_STEPS = 1000
_FIXED = "fixed"  # group of the synapses without a rule, beside a plastic projection to the readout


# ---- the run -----------------------------------------------------------------------------------------------


@names_near
def run_experiment(
    source: str | Path | Mapping[str, Any],
    *,
    steps: int | None = None,
    seed: int | None = None,
    progress: ProgressCallback | None = None,
    stop: Callable[[], bool] | None = None,
    ms: float | None = None,
    phase: Callable[[str], object] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: str = "1 min",
) -> Results:
    """Build the network of a configuration, run its experiment, and give everything back as arrays.

    Each image is shown to the sense for ``steps_per_image`` steps. A change of class is an uncertainty event,
    an image of the rewarded class a reward, one of the punished class a negative reward and a punishment. The
    expected reward follows the outcomes: it moves by ``expectation_rate`` times each prediction error. With
    ``control`` the same run is done again, from the same seed and with the same images, but with dopamine
    held at its baseline.

    With ``test_images`` the readout's response to images that training does not show is measured before and
    after: on a copy of the network whose weights are fixed and whose modulators rest, always from its first
    step, so that the images, their order and the noise are the same and only the weights differ.

    Parameters
    ----------
    source : str, Path or mapping
        A configuration file, the bare name of a shipped one, or its content.
    steps : int, >= 1, optional
        Steps of training. Default: ``experiment.steps``, else the data set once, else 1,000. More steps than
        images last show the images again from the first.
    seed : int, 0 .. 2**64 - 1, optional
        Default: ``experiment.seed``, else ``simulation.seed``, else drawn.
    progress : callable, optional
        Called after each image as ``progress(done, total, simulated_ms, elapsed_s)``, the steps of tests and
        of a control included.
    stop : callable, optional
        Asked before each image; true ends the run there, and the result holds what was done.
    ms : float, ms, > 0, optional
        In place of `steps`: a whole number of steps of ``simulation.dt``. Default: ``experiment.duration``.
    phase : callable, optional
        Called with the name of each phase when it begins: ``"test before"``, ``"training"``, ``"test after"``,
        ``"control"``, ``"test of the control"``; without images ``"run"``.
    checkpoint : str or Path, optional
        A directory, made where there is none, for checkpoints; what is there from a run with the same arguments is gone
        on from, to the same results. The files stay.
    checkpoint_every : str, default "1 min"
        Wall time from one checkpoint to the next: a number and s, min, h or days.

    Returns
    -------
    Results
        A dict of str to ndarray. ``spike_step, spike_id``; ``level_time, level, level_names``; ``weight_before,
        weight_after, weight_control`` (empty without a control run), ``pre_id, post_id, synapse_group, group_names,
        group_neurons``; ``image_step, image_index, image_label``;
        ``event_step, event_kind, event_value``; ``neuron_id, neuron_area, area_names, area_rate``; ``config``
        (JSON text), ``seed, steps, steps_wanted, dt, wall_seconds, digest, version``; ``response_image,
        response_label, response_group, response_before, response_after, response_control`` (Hz, mean over the
        readout's neurons; empty where not measured). Steps of images and events are the steps completed when
        they came; a group's number is its position in ``group_names``, whose first three go for images, too.

    Raises
    ------
    ConfigError
        If the configuration is wrong; every problem is listed.
    ValueError
        If an argument is out of its domain.
    FileError
        If the directory of checkpoints holds those of another run, or damaged ones.
    BlockingIOError
        If another run writes its checkpoints there now.

    Examples
    --------
    >>> results = run_experiment("brain_base_model.json", steps=200, seed=1)
    >>> int(results["steps"]), str(results["event_kind"][0])
    (200, 'uncertainty')
    """
    told = _Told(progress, stop, phase)
    found = _run_in(World(Simulation), source, steps, seed, ms, checkpoint, checkpoint_every, told)
    assert found is not None
    return found


def run_experiment_on_ranks(
    ranks: Any,
    source: str | Path | Mapping[str, Any],
    *,
    comm: Any = None,
    steps: int | None = None,
    seed: int | None = None,
    progress: ProgressCallback | None = None,
    stop: Callable[[], bool] | None = None,
    ms: float | None = None,
    phase: Callable[[str], object] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: str = "1 min",
) -> Results | None:
    """As `run_experiment`, by the ranks of MPI together: every rank makes the same call.

    Parameters
    ----------
    ranks : type
        `RankSimulation`.
    source : str, Path or mapping
    comm : mpi4py.MPI.Comm, optional
        Default: ``MPI.COMM_WORLD``.
    steps : int, >= 1, optional
    seed : int, 0 .. 2**64 - 1, optional
        One that is drawn is that of rank 0.
    progress : callable, optional
    stop : callable, optional
        The run ends where it is true on any rank.
    ms : float, ms, > 0, optional
    phase : callable, optional
    checkpoint : str or Path, optional
        Rank 0 writes; every rank must be able to read.
    checkpoint_every : str, default "1 min"
        All of these as of `run_experiment`.

    Returns
    -------
    Results or None
        On rank 0, which must have the memory for the whole, what `run_experiment` gives, to the bit; on the others
        None.

    Raises
    ------
    ConfigError
        Also if the ranks do not have the same configuration, arguments and version.
    ValueError, FileError, BlockingIOError
        As of `run_experiment`. Before the first step an error on one rank is one on all; afterwards it ends all.
    """
    told = _Told(progress, stop, phase)
    world = RankWorld(ranks, comm)
    return _run_in(world, source, steps, seed, ms, checkpoint, checkpoint_every, told)


def _run_in(
    world: World,
    source: str | Path | Mapping[str, Any],
    steps: int | None,
    seed: int | None,
    ms: float | None,
    checkpoint: str | Path | None,
    checkpoint_every: str,
    told: _Told,
) -> Results | None:
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise ValueError(f"steps: must be a whole number >= 1; got {steps!r}")
    if steps is not None and ms is not None:
        raise TypeError(f"steps, ms: must not be given both; got {steps!r} and {ms!r}")
    with world.one_error():
        content, experiment, dt = _prepared_config(source)
        wanted = steps if ms is None else steps_of(ms, dt, "ms", 1)
    identity = {"configuration": content, "steps": steps, "ms": ms, "seed": seed}
    world.check_same({"version": neuromod.__version__, "run": json.dumps(identity, sort_keys=True)})
    with ExitStack() as stack:
        with world.one_error():
            resume = Resume(
                None if checkpoint is None else Path(checkpoint),
                seconds_of(checkpoint_every, "checkpoint_every"),
                identity,
            )
            stack.enter_context(resume.alone(world.is_first))
            run = _built(world, content, experiment, seed)
        with world.together():
            return _run(content, experiment, run, wanted, resume, told)


@dataclass(frozen=True)
class _Told:
    """Whom a run tells how far it is, and who may stop it."""

    progress: ProgressCallback | None
    stop: Callable[[], bool] | None
    phase: Callable[[str], object] | None


def _run(
    content: dict[str, Any],
    experiment: Experiment,
    run: _Run,
    steps: int | None,
    resume: Resume,
    told: _Told,
) -> Results | None:
    """The phases of a run that is built."""
    world, phase = run.world, told.phase
    wanted = steps or experiment.steps or run.whole_show
    gated = run.show is not None and run.schedule.system is not None and not experiment.clamp_dopamine
    with_control = experiment.control and gated
    n_runs, n_tested = 2 if with_control else 1, 0 if run.show is None else len(run.show.test)
    total = n_runs * wanted + (1 + n_runs) * n_tested * experiment.test_steps
    watch = _Watch(told.progress, told.stop, total, run.sim.dt, world)
    say = phase if phase is not None and n_tested else lambda _: None

    before = {"weight": run.weights(), "response": np.empty(0)}
    found = resume.load("training", Simulation, world)
    if found is None:
        say("test before")
        before["response"] = _response(content, run, run, watch)
        if resume.is_on and watch.stopped():  # the test is not complete
            resume.switch_off()
    else:
        run, state = _resumed(run, *found)
        before = {name: state.part("before").value[name] for name in before}
        watch.advance(n_tested * experiment.test_steps + run.sim.current_step)
    responses = {"response_before": before["response"]}
    if phase is not None:
        phase("run" if run.show is None else "training")
    run.advance(wanted, watch, resume, {"before": before})
    whole = run.sim.current_step == wanted
    say("test after")
    responses["response_after"] = _response(content, run, run, watch) if whole else np.empty(0)
    weight_control, responses["response_control"] = np.empty(0, dtype=np.float32), np.empty(0)
    if with_control and whole:
        clamped = experiment.model_copy(update={"clamp_dopamine": True})
        control = _built(world, content, clamped, run.sim.seed, record=False)
        found = resume.load("control", Simulation, world)
        if found is not None:
            control, _ = _resumed(control, *found)
            watch.advance(control.sim.current_step)
        if phase is not None:
            phase("control")
        control.advance(wanted, watch, resume, {})
        if control.sim.current_step == wanted:
            weight_control = control.weights()
            say("test of the control")
            responses["response_control"] = _response(content, run, control, watch)
    shown = run.of_whole()
    if shown is None:
        return None
    results = {
        "wall_seconds": run.wall_seconds,
        "steps_wanted": wanted,
        "weight_before": before["weight"],
        "weight_control": weight_control,
        **_run_arrays(shown),
        **_network_arrays(shown),
        **_log_arrays(run.schedule.log, run.show),
        **_test_arrays(run.show, experiment),
        **responses,
    }
    return Results({name: np.asarray(value) for name, value in results.items()})


class _Watch:
    """How far all phases together are, for the caller to show; and whether the caller wants to stop."""

    def __init__(
        self,
        progress: ProgressCallback | None,
        stop: Callable[[], bool] | None,
        total: int,
        dt: float,
        world: World,
    ) -> None:
        self._progress, self._stop, self._total, self._dt, self._world = progress, stop, total, dt, world
        self._done, self._began = 0, time.perf_counter()

    def stopped(self) -> bool:
        return self._world.any(self._stop is not None and bool(self._stop()))

    def advance(self, n: int) -> None:
        self._done += n
        if self._progress is not None:
            elapsed = time.perf_counter() - self._began
            self._progress(self._done, self._total, self._done * self._dt, elapsed)


def _prepared_config(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Experiment, float]:
    """The plain configuration, the experiment's rule of plasticity put in, the experiment, and the step in ms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromodWarning)  # BrainModel gives them again
        content, config = load(source)
    experiment = experiment_of(content, config).in_steps(config.simulation.dt)
    if experiment.plasticity is not None:
        content["plasticity"] = dict(experiment.plasticity)
    return content, experiment, config.simulation.dt


@dataclass
class _Run:
    """A network, built and ready to be shown images."""

    world: World
    experiment: Experiment
    runner: Any  # what moves on
    sim: Simulation  # what this process has of the network
    network: ExperimentNetwork
    show: Show | None
    schedule: Schedule
    spikes: SpikeMonitor | None
    levels: LevelMonitor | None
    wall_seconds: float = 0.0  # of its steps

    @property
    def whole_show(self) -> int:
        """Steps that show every image once."""
        return _PLAIN_STEPS if self.show is None else len(self.show.order) * self.experiment.steps_per_image

    @property
    def phase(self) -> str:
        """The name of its checkpoint."""
        return "control" if self.spikes is None else "training"

    def advance(self, n_steps: int, watch: _Watch, resume: Resume, besides: Mapping[str, Any]) -> None:
        """Run so many steps, image by image, with checkpoints; `besides`: what a checkpoint holds, too."""
        sim, show = self.sim, self.show
        piece = _PIECE if show is None else self.experiment.steps_per_image
        began, before = time.perf_counter(), self.wall_seconds
        while sim.current_step < n_steps and not watch.stopped():
            n = min(piece, n_steps - sim.current_step)
            if show is None:
                self.world.run(self.runner, n)
            else:
                _show_image(self, show, n)
            self.wall_seconds = before + time.perf_counter() - began
            watch.advance(n)
            resume.save_if_due(self, besides)
        resume.save(self, besides)

    def state(self, besides: Mapping[str, Any]) -> dict[str, Any]:
        """What a checkpoint holds, too."""
        return {**besides, "schedule": self.schedule.state(), "wall_seconds": self.wall_seconds}

    def weights(self) -> NDArray[np.float32]:
        """The weights of the whole network as they are now; none on other ranks than the first."""
        whole = self.world.whole(self.runner)
        return np.empty(0, np.float32) if whole is None else whole.model.synapses.weight.copy()

    def of_whole(self) -> _Run | None:
        """The same with the whole network; None on other ranks than the first."""
        whole = self.world.whole(self.runner)
        return None if whole is None else self.going_on(whole, whole)

    def going_on(self, runner: Any, sim: Simulation) -> _Run:
        """The same with another simulation of the network, and its monitors."""
        if sim is self.sim:
            return self
        monitors = sim.monitors  # spikes first, then levels
        spikes = next((each for each in monitors if isinstance(each, SpikeMonitor)), None)
        levels = next((each for each in monitors if isinstance(each, LevelMonitor)), None)
        readout = None if self.network.readout is None else sim.projections[self.network.readout.name]
        network = self.network._replace(readout=readout)
        return replace(self, runner=runner, sim=sim, network=network, spikes=spikes, levels=levels)


def _resumed(run: _Run, sim: Simulation, state: SavedPart) -> tuple[_Run, SavedPart]:
    """The run with the simulation of a checkpoint in place of the one that was built."""
    runner = run.world.resumed(sim)
    own = run.going_on(runner, run.world.here(runner))
    own.schedule = Schedule(run.experiment, own.sim.neuromodulation, Log())
    own.schedule.resume(state.part("schedule"))
    seconds = state.number("wall_seconds", 0.0, 1e300)
    state.finish()
    assert seconds is not None
    own.wall_seconds = seconds
    return own, state


def _prepared_show(sim: Simulation, experiment: Experiment, data: LabelledImages) -> Show:
    """The current that each image gives to each neuron of the sense's area, in all its layers."""
    sense = experiment.sense
    assert sense is not None  # experiment_of saw to it
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
    test = held_out(labels, experiment.test_images, sim.seed)
    train = np.setdiff1d(np.arange(len(labels)), test)
    order = train[image_order(labels[train], experiment.images_per_block, sim.seed)]
    current = np.ascontiguousarray(sheets[:, site] * scale)
    return Show(labels, order, model.neurons.id[fed].copy(), current, test)


def _built(
    world: World,
    content: dict[str, Any],
    experiment: Experiment,
    seed: int | None,
    *,
    record: bool = True,
    frozen: bool = False,
) -> _Run:
    model = BrainModel(config=content)
    section = content.get("neuromodulation", {})
    system = (
        create_neuromodulation_system(section, regions=model.regions)
        if section.get("enabled", True)
        else None
    )
    chosen = experiment.seed if seed is None else seed
    runner = world.make(model, chosen, system)
    sim = world.here(runner)
    network = build_network(runner, sim, experiment, frozen=frozen)
    show = None
    if experiment.dataset is not None and not frozen:
        show = _prepared_show(sim, experiment, DATASETS[experiment.dataset]())
    spikes = SpikeMonitor(sim) if record else None
    levels = LevelMonitor(sim) if record and system is not None else None
    schedule = Schedule(experiment, system, Log())
    return _Run(world, experiment, runner, sim, network, show, schedule, spikes, levels)


def _response(content: dict[str, Any], shown: _Run, learner: _Run, watch: _Watch) -> NDArray[np.float64]:
    """Mean rate of the readout at each test image, Hz, under the learner's present weights; none if stopped.

    Measured on a copy with the same seed, whose readout projection has no rule: nothing is learned from a
    test, and the learner's own state and noise do not feel it.
    """
    show, told, plastic = shown.show, shown.experiment, learner.network.readout
    if show is None or plastic is None or not len(show.test):
        return np.empty(0)
    copy = _built(shown.world, content, told, shown.sim.seed, record=False, frozen=True)
    assert copy.network.readout is not None
    assert told.readout is not None  # as the learner's
    copy.network.readout.weight[:] = plastic.weight
    readout = np.isin(copy.sim.model.neurons.id, copy.network.area_ids[told.readout])
    rate = np.zeros(len(show.test))
    for k, image in enumerate(show.test):
        if watch.stopped():
            return np.empty(0)
        rows = np.broadcast_to(show.current[image], (told.test_steps, len(show.ids)))
        ran = copy.world.run(copy.runner, told.test_steps, input=rows, input_ids=show.ids)
        counts = ran["spike_counts"]
        rate[k] = counts[readout].mean() / (told.test_steps * copy.sim.dt / 1000.0)
        watch.advance(told.test_steps)
    return rate


def _show_image(run: _Run, show: Show, n: int) -> None:
    """The next image, for n steps: its events, its current, and its outcome again and again."""
    sim, schedule = run.sim, run.schedule
    log = schedule.log
    image = int(show.order[len(log.image) % len(show.order)])
    turn = len(log.image) + schedule.experiment.outcome_shift
    outcome = int(show.labels[show.order[turn % len(show.order)]])
    end = sim.current_step + n
    log.image_step.append(sim.current_step)
    log.image.append(image)
    schedule.begin_image(sim.current_step, int(show.labels[image]), outcome)
    piece = schedule.experiment.outcome_every if schedule.has_outcome(outcome) else n
    while True:
        steps = min(piece, end - sim.current_step)
        rows = np.broadcast_to(show.current[image], (steps, len(show.ids)))
        run.world.run(run.runner, steps, input=rows, input_ids=show.ids)
        if sim.current_step == end:
            return
        schedule.bring_outcome(sim.current_step, outcome)


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
        "experiment": np.array(run.experiment.model_dump_json()),
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
    areas = run.network.area_ids
    for k, members in enumerate(areas.values()):
        area[np.isin(ids, members)] = k
    per_neuron = [counts[area == k].sum() / max((area == k).sum(), 1) for k in range(len(areas))]
    pre = np.asarray(model.synapses.pre_id).copy()
    names: tuple[str, ...] = ("all",)
    group, neurons = np.zeros(len(pre), dtype=np.int8), [len(ids)]
    if run.show is not None:
        names = GROUP_NAMES
        group, neurons = synapse_groups(run.show, pre, run.experiment)
    if run.network.readout is not None:
        names, neurons = (*names, _FIXED), [*neurons, 0]
        plastic = [np.full(len(p), p is run.network.readout) for p in run.sim.projections.values()]
        group[~np.concatenate(plastic)] = names.index(_FIXED)
    return {
        "neuron_id": ids,
        "neuron_area": area,
        "area_names": np.array(list(areas), dtype=str),
        "area_rate": np.array([float(n) / seconds if seconds else 0.0 for n in per_neuron]),
        "pre_id": pre,
        "post_id": np.asarray(model.synapses.post_id).copy(),
        "weight_after": model.synapses.weight.copy(),
        "synapse_group": group,
        "group_names": np.array(names, dtype=str),
        "group_neurons": np.array(neurons),
    }


def _log_arrays(log: Log, show: Show | None) -> dict[str, Any]:
    image = np.array(log.image, dtype=np.int64)
    return {
        "image_step": np.array(log.image_step, dtype=np.int64),
        "image_index": image,
        "image_label": np.empty(0, dtype=np.int64) if show is None else show.labels[image],
        "event_step": np.array(log.event_step, dtype=np.int64),
        "event_kind": np.array(log.event_kind, dtype=str),
        "event_value": np.array(log.event_value, dtype=np.float64),
    }


def _test_arrays(show: Show | None, experiment: Experiment) -> dict[str, Any]:
    image = np.empty(0, dtype=np.int64) if show is None else show.test
    label = image if show is None else show.labels[image]
    rewarded, punished = label == experiment.rewarded_class, label == experiment.punished_class
    group = np.where(rewarded, GROUP_NAMES.index("rewarded"), 0)
    group[punished] = GROUP_NAMES.index("punished")
    return {"response_image": image, "response_label": label, "response_group": group}
