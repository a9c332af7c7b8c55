"""The section ``experiment`` of a configuration: its keys, what each may be, and its JSON Schema.

Each fact about a key stands once, in `Experiment`; the checks, the messages and the schema are computed from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from neuromod import _core
from neuromod.config.load import check_rule
from neuromod.config.read import shown
from neuromod.config.sections import add_unknown_key, nearest
from neuromod.config.tables import domain_rule
from neuromod.errors import ConfigError
from neuromod.experiment.datasets import DATASETS

__all__ = ["Experiment", "check_experiment", "experiment_schema"]


def _key(default: Any, kind: str, domain: str, doc: str, unit: str = "1") -> Any:
    return field(default=default, metadata={"kind": kind, "domain": domain, "doc": doc, "unit": unit})


@dataclass(frozen=True)
class Experiment:
    # its docstring is made below, from the keys

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
    readout: str | None = _key(
        None,
        "name",
        "",
        "Area that the sense's area feeds by the plastic projection; null: a random lattice.",
    )
    readout_weight: float = _key(
        0.5, "number", "NM_NON_NEGATIVE", "Mean initial weight to the readout.", "mV"
    )
    readout_weight_std: float = _key(
        0.1, "number", "NM_NON_NEGATIVE", "Standard deviation of initial weights to the readout.", "mV"
    )
    inhibition: float = _key(
        4.0, "number", "NM_NON_NEGATIVE", "Inhibitory weights, of the excitatory ones; with a readout only."
    )
    plasticity: Mapping[str, Any] | None = _key(
        None, "rule", "", "Rule of all plastic synapses, in place of the section plasticity."
    )
    steps: int | None = _key(
        None, "count", "NM_POSITIVE", "Steps in all; null: the data set once, or 1,000.", "steps"
    )
    seed: int | None = _key(
        None, "count", "NM_NON_NEGATIVE", "Seed where none is given; null: the simulation's."
    )
    steps_per_image: int = _key(20, "count", "NM_POSITIVE", "How long an image is shown.", "steps")
    outcome_every: int = _key(
        5, "count", "NM_POSITIVE", "How often a rewarded or punished image brings its outcome.", "steps"
    )
    outcome_shift: int = _key(
        0,
        "count",
        "NM_NON_NEGATIVE",
        "An image brings the outcome of the image shown so many later: a control, in which outcomes come as often "
        "but tell nothing of the class.",
        "images",
    )
    images_per_block: int = _key(5, "count", "NM_POSITIVE", "Images of one class in a row.", "images")
    input_gain: float = _key(20.0, "number", "NM_NON_NEGATIVE", "Current of a fully inked pixel.", "mV")
    rewarded_class: int = _key(0, "count", "NM_NON_NEGATIVE", "Its images bring a reward.")
    punished_class: int = _key(1, "count", "NM_NON_NEGATIVE", "Its images bring the reverse, and punishment.")
    reward: float = _key(1.0, "number", "NM_NON_NEGATIVE", "Size of the reward.")
    punishment: float = _key(1.0, "number", "NM_NON_NEGATIVE", "Size of the punishment.")
    stress: float = _key(0.0, "number", "NM_NON_NEGATIVE", "Stress that comes with a punishment.")
    expectation_rate: float = _key(
        0.01,
        "number",
        "NM_UNIT_INTERVAL",
        "Part of each prediction error by which the expected reward moves.",
    )
    uncertainty: float = _key(0.7, "number", "NM_NON_NEGATIVE", "Uncertainty when the class changes.")
    novelty: float = _key(0.3, "number", "NM_NON_NEGATIVE", "Novelty when the class changes.")
    test_images: int = _key(
        0,
        "count",
        "NM_NON_NEGATIVE",
        "Images of each class that are kept from training; the readout's response to them is measured before and "
        "after.",
        "images",
    )
    test_steps: int = _key(50, "count", "NM_POSITIVE", "How long a test image is shown.", "steps")
    clamp_dopamine: bool = _key(False, "switch", "", "Hold dopamine at its baseline, whatever the outcomes.")
    control: bool = _key(
        False, "switch", "", "Run once more with dopamine clamped, to tell what dopamine did to the weights."
    )
    class_margin: float = _key(
        0.2, "number", "NM_UNIT_INTERVAL", "Excess of mean ink, of full scale, that makes a neuron a class's."
    )


def _described() -> str:
    """The docstring of `Experiment`: one entry for each key, told by the key itself."""
    kinds = {"name": "str", "names": "sequence of str", "count": "int", "number": "float", "switch": "bool"}
    lines = ["The section ``experiment`` of a configuration, checked; every key is optional.", ""]
    lines += ["Parameters", "----------"]
    for key in fields(Experiment):
        about = key.metadata
        domain = f", {domain_rule(about)}" if about["domain"] else ""
        unit = ", no unit" if about["domain"] and about["unit"] == "1" else ""
        kind = kinds.get(about["kind"], "mapping")
        lines += [f"{key.name} : {kind}{domain}{unit}, default {key.default}", f"    {about['doc']}"]
    return "\n".join(lines) + "\n"


Experiment.__doc__ = _described()


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
    problems += _broken_plasticity(values, where)
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
    if kind == "switch":
        return None if isinstance(value, bool) else "true or false"
    if kind == "rule":
        return None if isinstance(value, Mapping) else "an object"
    if kind == "names":
        fine = isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value)
        return None if fine else "a list of at least one name"
    phrase = domain_rule(about)
    if kind == "count":
        fine = (
            number and isinstance(value, int) and value < 2**64 and _core.domain_holds(about["domain"], value)
        )
        return None if fine else f"a whole number {phrase}"
    return None if number and _core.domain_holds(about["domain"], float(value)) else phrase


def _broken_plasticity(values: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if values.get("plasticity") is None:
        return ()
    try:
        check_rule(values["plasticity"], f"{where}.plasticity")
    except ConfigError as error:
        return error.problems
    return ()


def _unknown_names(
    values: Mapping[str, Any], areas: Collection[str], senses: Mapping[str, str], where: str
) -> Iterator[str]:
    for name in values.get("areas") or ():
        if name not in areas:
            yield _unknown(f"{where}.areas", "an area", name, areas)
    dataset, sense = values.get("dataset"), values.get("sense")
    if sense is not None and sense not in senses:
        yield _unknown(f"{where}.sense", "a sense of the section 'senses'", sense, senses)
    yield from _broken_readout(values, areas, senses, where)
    if dataset is None:
        return
    if sense is None:
        yield f"{where}.sense: must name the sense that sees the images; got none"
    if dataset not in DATASETS:
        yield _unknown(f"{where}.dataset", "a data set that comes with the package", dataset, DATASETS)
        return
    labels = DATASETS[dataset]().labels.tolist()
    classes = {int(label) for label in labels}
    fewest = min(labels.count(label) for label in classes)
    held = values.get("test_images", Experiment.test_images)
    if held >= fewest:
        yield f"{where}.test_images: must leave images of each class for training, < {fewest}; got {held}"
    given = {
        name: values.get(name, getattr(Experiment, name)) for name in ("rewarded_class", "punished_class")
    }
    for name, number in given.items():
        if number not in classes:
            known = f"{min(classes)} .. {max(classes)}"
            yield f"{where}.{name}: must be a class of {dataset!r}, {known}; got {number}"
    if given["rewarded_class"] == given["punished_class"]:
        yield f"{where}.punished_class: must differ from rewarded_class; got {given['punished_class']}"


def _broken_readout(
    values: Mapping[str, Any], areas: Collection[str], senses: Mapping[str, str], where: str
) -> Iterator[str]:
    """What is wrong with the readout, and with test images that nobody reads out."""
    readout, sense = values.get("readout"), values.get("sense")
    placed = values.get("areas") or areas
    if readout is None:
        if values.get("test_images", Experiment.test_images):
            yield f"{where}.readout: must name an area where test_images is > 0; got none"
        return
    if readout not in areas:
        yield _unknown(f"{where}.readout", "an area", readout, areas)
    elif sense is None:
        yield f"{where}.sense: must name the sense whose area feeds the readout; got none"
    elif sense in senses:
        if readout == senses[sense]:
            yield f"{where}.readout: must be another area than that of the sense; got {readout!r}"
        missing = [name for name in (senses[sense], readout) if name not in placed]
        if missing:
            yield f"{where}.areas: must hold the sense's area and the readout; lacks {', '.join(missing)}"


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
        "switch": {"type": "boolean"},
        "rule": {"type": "object"},
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
