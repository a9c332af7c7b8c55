"""The section ``experiment`` of a configuration: its keys, what each may be, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from neuromod.config.describe import section_schema
from neuromod.config.keys import BOUNDS, Section, attempt, domain_rule, key, right_part
from neuromod.config.load import check_rule
from neuromod.config.plasticity import read_rule
from neuromod.config.read import config_error
from neuromod.config.whole import Config
from neuromod.errors import ConfigError
from neuromod.experiment.datasets import DATASETS
from neuromod.network.wiring import lacking
from neuromod.problems import Problem, shown

__all__ = ["Experiment", "check_experiment", "experiment_of", "experiment_schema"]

SHARE, ANY, POSITIVE, NOT_NEGATIVE = "NM_UNIT_INTERVAL", "NM_ANY", "NM_POSITIVE", "NM_NON_NEGATIVE"
Texts = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


def _number(
    default: float | None,
    doc: str,
    domain: str = NOT_NEGATIVE,
    unit: str = "1",
    kind: str = "",
    **bounds: Any,
) -> Any:
    says = kind + domain_rule({"domain": domain, "unit": unit})
    return key(default, doc, unit=unit.removeprefix("1"), says=says, **BOUNDS[domain], **bounds)


_duration = partial(_number, None, domain=POSITIVE, unit="ms")
_count = partial(_number, kind="a whole number ", le=2**64 - 1)
_name = partial(key, None, says="a string")

DURATIONS = {
    "duration": "steps",
    "image_duration": "steps_per_image",
    "outcome_interval": "outcome_every",
    "test_duration": "test_steps",
}
"""Keys in ms, and the key in steps that each replaces."""


class Experiment(Section):
    """The section ``experiment`` of a configuration; every key is optional."""

    dataset: str | None = _name("Images to show; null: run on background drive alone.")
    sense: str | None = _name("Sense that the images go to; needed with a data set.")
    areas: Texts | None = key(None, "Areas that get neurons; null: all.", says="a list of at least one name")
    density: float | None = _number(None, "Part of the sites filled; null: the area's own, else 0.1.", SHARE)
    connection_probability: float = _number(0.1, "Of every ordered pair of different neurons.", SHARE)
    weight_mean: float = _number(0.1, "Mean initial weight.", ANY, "mV")
    weight_std: float = _number(0.05, "Standard deviation of initial weights.", unit="mV")
    readout: str | None = _name(
        "Area that the sense's area feeds by the plastic projection; null: a random lattice."
    )
    readout_weight: float = _number(0.5, "Mean initial weight to the readout.", unit="mV")
    readout_weight_std: float = _number(
        0.1, "Standard deviation of initial weights to the readout.", unit="mV"
    )
    inhibition: float = _number(4.0, "Inhibitory weights, of the excitatory ones; with a readout only.")
    plasticity: dict[str, Any] | None = key(
        None, "Rule of all plastic synapses, in place of the section plasticity."
    )
    steps: int | None = _count(None, "Steps in all; null: the data set once, or 1,000.", POSITIVE, "steps")
    duration: float | None = _duration(doc="Time in all, whatever dt is; null: steps.")
    seed: int | None = _count(None, "Seed where none is given; null: the simulation's.")
    steps_per_image: int = _count(20, "How long an image is shown.", POSITIVE, "steps")
    image_duration: float | None = _duration(
        doc="How long an image is shown, whatever dt is; null: steps_per_image."
    )
    outcome_every: int = _count(
        5, "How often a rewarded or punished image brings its outcome.", POSITIVE, "steps"
    )
    outcome_interval: float | None = _duration(
        doc="How often a rewarded or punished image brings its outcome, whatever dt is; null: outcome_every."
    )
    outcome_shift: int = _count(
        0,
        "An image brings the outcome of the image shown so many later: a control, in which outcomes come as often "
        "but tell nothing of the class.",
        unit="images",
    )
    images_per_block: int = _count(5, "Images of one class in a row.", POSITIVE, "images")
    input_gain: float = _number(20.0, "Current of a fully inked pixel.", unit="mV")
    rewarded_class: int = _count(0, "Its images bring a reward.")
    punished_class: int = _count(1, "Its images bring the reverse, and punishment.")
    reward: float = _number(1.0, "Size of the reward.")
    punishment: float = _number(1.0, "Size of the punishment.")
    stress: float = _number(0.0, "Stress that comes with a punishment.")
    expectation_rate: float = _number(
        0.01, "Part of each prediction error by which the expected reward moves.", SHARE
    )
    uncertainty: float = _number(0.7, "Uncertainty when the class changes.")
    novelty: float = _number(0.3, "Novelty when the class changes.")
    test_images: int = _count(
        0,
        "Images of each class that are kept from training; the readout's response to them is measured before and "
        "after.",
        unit="images",
    )
    test_steps: int = _count(50, "How long a test image is shown.", POSITIVE, "steps")
    test_duration: float | None = _duration(
        doc="How long a test image is shown, whatever dt is; null: test_steps."
    )
    clamp_dopamine: bool = key(False, "Hold dopamine at its baseline, whatever the outcomes.")
    control: bool = key(
        False, "Run once more with dopamine clamped, to tell what dopamine did to the weights."
    )
    class_margin: float = _number(
        0.2, "Excess of mean ink, of full scale, that makes a neuron a class's.", SHARE
    )

    def in_steps(self, dt: float) -> Experiment:
        """The same experiment with each duration that is given written into the key in steps, rounded to >= 1 step.

        Parameters
        ----------
        dt : float, ms, > 0

        Returns
        -------
        Experiment
        """
        given = {steps: getattr(self, name) for name, steps in DURATIONS.items()}
        return self.model_copy(
            update={steps: max(1, round(ms / dt)) for steps, ms in given.items() if ms is not None}
        )


def check_experiment(
    section: Any, areas: Collection[str], senses: Mapping[str, str], where: str = "experiment"
) -> Experiment:
    """Check the section ``experiment`` of a configuration.

    Parameters
    ----------
    section : mapping
        As in the JSON file.
    areas : collection of str
        Names that the configuration defines.
    senses : mapping of str to str
        The configuration's senses, and the area that each feeds.
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
    >>> check_experiment({"steps_per_image": 50}, ["V1"], {}).steps_per_image
    50
    >>> check_experiment({"step_per_image": 50}, ["V1"], {})
    Traceback (most recent call last):
    neuromod.errors.ConfigError: experiment.step_per_image: unknown key; did you mean 'steps_per_image'?
    """
    if not isinstance(section, Mapping):
        raise ConfigError([f"{where}: must be an object; got {shown(section)}"])
    found: list[Problem] = []
    experiment = right_part(Experiment, dict(section), found)
    attempt(
        read_rule, "none" if experiment.plasticity is None else experiment.plasticity, found, "plasticity"
    )
    found += _check_names(experiment, areas, senses)
    found += _check_images(experiment)
    if found:
        raise config_error(found, where)
    if experiment.plasticity is not None:
        check_rule(experiment.plasticity, f"{where}.plasticity")  # warns of what is not acted on
    return experiment


def experiment_of(content: Mapping[str, Any], config: Config) -> Experiment:
    """The experiment of a configuration, checked by itself and against the areas that it uses.

    Parameters
    ----------
    content : mapping
        The configuration as plain JSON.
    config : Config
        The same, checked.

    Returns
    -------
    Experiment

    Raises
    ------
    ConfigError
        With every problem.

    Examples
    --------
    >>> from neuromod.config import load
    >>> experiment_of(*load("brain_base_model.json")).dataset
    'digits'
    """
    section = content.get("experiment", {})
    senses = {name: sense.areal for name, sense in config.senses.items()}
    experiment = check_experiment(section, [area.name for area in config.areas], senses)
    found = [*_check_sheet(experiment, config), *_check_rule_reads(experiment, config)]
    if found:
        raise config_error(found)
    return experiment


def _check_sheet(told: Experiment, config: Config) -> Iterator[Problem]:
    """Whether the sheet of the sense's area holds the images."""
    if told.dataset is None or told.sense is None:
        return
    ranges = config.area(config.senses[told.sense].areal).coord_ranges
    sheet = tuple(ranges[axis][1] - ranges[axis][0] + 1 for axis in "xy")
    image = DATASETS[told.dataset]().images.shape[1:]
    if any(sites < pixels for sites, pixels in zip(sheet, image, strict=True)):
        rule = "must feed an area whose sheet along x and y holds the images of {} x {} pixels".format(*image)
        yield Problem(
            ("experiment", "sense"), f"{rule}; got {told.sense!r} with {{}} x {{}} sites".format(*sheet)
        )


def _check_rule_reads(told: Experiment, config: Config) -> Iterator[Problem]:
    """Whether the neurons that the rule connects have the columns that it reads."""
    own = told.plasticity is not None
    rule = read_rule(told.plasticity).rule if own else config.plasticity.rule
    if rule == "none" or told.connection_probability == 0.0:
        return
    placed = [area for area in config.areas if told.areas is None or area.name in told.areas]
    sources = placed if told.readout is None else [config.area(config.senses[str(told.sense)].areal)]
    targets = placed if told.readout is None else [config.area(told.readout)]
    place = ("experiment", "plasticity", "rule") if own else ("plasticity", "rule")
    for end, areas in (("source", sources), ("target", targets)):
        for area in areas:
            model = area.model or config.neuron_model.type
            names = lacking(rule, end, model)
            if names:
                needed = f"must read what its {end}s have, in the experiment those of {area.name!r}"
                yield Problem(place, f"{needed}: {rule} reads {', '.join(names)}; got neurons of {model}")


def _check_names(told: Experiment, areas: Collection[str], senses: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with the names of areas and of the sense."""
    readout, sense, placed = told.readout, told.sense, told.areas or areas
    yield from (_unknown("areas", "an area", name, areas) for name in told.areas or () if name not in areas)
    if sense is not None and sense not in senses:
        yield _unknown("sense", "a sense of the section 'senses'", sense, senses)
    if readout is None:
        if told.test_images:
            yield Problem(("readout",), "must name an area where test_images is > 0; got none")
    elif readout not in areas:
        yield _unknown("readout", "an area", readout, areas)
    elif sense is None:
        yield Problem(("sense",), "must name the sense whose area feeds the readout; got none")
    elif sense in senses:
        if readout == senses[sense]:
            yield Problem(("readout",), "must be another area than that of the sense", readout)
        missing = [name for name in (senses[sense], readout) if name not in placed]
        if missing:
            rule = f"must hold the sense's area and the readout; lacks {', '.join(missing)}"
            yield Problem(("areas",), rule)


def _check_images(told: Experiment) -> Iterator[Problem]:
    """What is wrong with the data set, its classes and what is kept of them for tests."""
    if told.dataset is None:
        return
    if told.sense is None:
        yield Problem(("sense",), "must name the sense that sees the images; got none")
    if told.dataset not in DATASETS:
        yield _unknown("dataset", "a data set that comes with the package", told.dataset, DATASETS)
        return
    labels = DATASETS[told.dataset]().labels.tolist()
    classes = {int(label) for label in labels}
    fewest = min(labels.count(label) for label in classes)
    if told.test_images >= fewest:
        rule = f"must leave images of each class for training, < {fewest}"
        yield Problem(("test_images",), rule, told.test_images)
    for name, number in (("rewarded_class", told.rewarded_class), ("punished_class", told.punished_class)):
        if number not in classes:
            known = f"{min(classes)} .. {max(classes)}"
            yield Problem((name,), f"must be a class of {told.dataset!r}, {known}", number)
    if told.rewarded_class == told.punished_class:
        yield Problem(("punished_class",), "must differ from rewarded_class", told.punished_class)


def _unknown(key: str, what: str, name: str, known: Collection[str]) -> Problem:
    return Problem((key,), f"must be {what}", name, known, f"; known are {', '.join(known) or 'none'}")


def experiment_schema() -> dict[str, Any]:
    """JSON Schema of the section ``experiment``.

    Returns
    -------
    dict

    Examples
    --------
    >>> experiment_schema()["properties"]["steps"]["type"]
    ['integer', 'null']
    """
    return section_schema(Experiment)
