"""What a run of the main job showed, in a sentence: for the terminal, the figure and the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from neuromod.experiment.effect_size import Effect, effects
from neuromod.modulation.monoamines import NorepinephrineSystem, SerotoninSystem

__all__ = [
    "advice",
    "class_word",
    "counted",
    "group_labels",
    "headline",
    "outcome_classes",
    "readout_of",
    "seconds_of",
    "speed",
]


def headline(results: Mapping[str, Any]) -> str:
    """What the run showed, in a sentence or two.

    Parameters
    ----------
    results : mapping of str to ndarray
        From `neuromod.experiment.run_experiment` or `neuromod.results.load_results`.

    Returns
    -------
    str
        Of a tested run: how far the mean response to the images of each outcome changed, in percent of the response
        before, or in Hz where that is 0; and the same with dopamine clamped, if there was a control. Of another run:
        its mean rate, or that no neuron fired.

    Examples
    --------
    >>> import numpy as np
    >>> run = {"response_group": np.array([1, 1, 2, 2]), "response_label": np.array([0, 0, 1, 1]),
    ...     "response_before": np.full(4, 5.0), "response_after": np.array([6.0, 6.0, 4.0, 4.0]),
    ...     "image_step": np.arange(50)}
    >>> headline(run)
    'After 50 images the readout answers 20 % more to 0 and 20 % less to 1.'
    """
    told = effects(results)
    if told:
        return _of_responses(results, told)
    if not len(results["neuron_id"]):
        return "The network has no neurons, so nothing happened."
    steps, seconds = int(results["steps"]), seconds_of(results)
    if not steps:
        return "The run was stopped before its first step."
    shown = len(results.get("image_step", ()))
    during = f"in {seconds:g} s" + (f", with {_images(results, shown)} shown" if shown else "")
    n, fired = len(results["neuron_id"]), len(results["spike_id"])
    if not fired:
        return f"No neuron fired: {counted(n, 'neuron')} gave 0 spikes {during}."
    rate = fired / (n * seconds)
    average = " each on average" if n > 1 else ""
    return f"{counted(n, 'neuron')} fired {counted(fired, 'spike')} {during}, {rate:.3g} Hz{average}."


def _of_responses(results: Mapping[str, Any], told: Mapping[str, Effect]) -> str:
    classes = outcome_classes(results)
    parts = [_change(told[name], number) for name, number in classes.items() if name in told]
    begin = f"After {_images(results, len(results.get('image_step', ())))} the readout answers "
    if _experiment(results).get("clamp_dopamine"):
        begin = f"With dopamine clamped, a{begin[1:]}"
    if not parts:
        return f"{begin}with {told['others'].before:.2f} Hz before and {told['others'].after:.2f} Hz after."
    sentence = begin + " and ".join(parts)
    control = effects(results, "response_control")
    if control:
        clamped = [control[name] for name in classes if name in control]
        same = all(abs(each.after - each.before) < 0.005 * max(each.before, 1e-9) for each in clamped)
        others = " and ".join(_change(control[name], classes[name]) for name in classes if name in control)
        sentence += f"; with dopamine clamped, {'nothing changes' if same else others}"
    return sentence + "."


def _change(effect: Effect, number: int) -> str:
    """19 % more to 0."""
    change = effect.after - effect.before
    if effect.before == 0.0:
        return f"{abs(change):.2f} Hz {'less' if change < 0 else 'more'} to {number}"
    percent = 100.0 * change / effect.before
    if abs(percent) < 0.5:
        return f"as before to {number}"
    return f"{abs(percent):.0f} % {'less' if percent < 0 else 'more'} to {number}"


def advice(results: Mapping[str, Any], source: str = "the configuration") -> list[str]:
    """What a user should know of a run that may not be the run that was meant: a sentence each.

    Parameters
    ----------
    results : mapping of str to ndarray
    source : str
        What the configuration is called.
    """
    config: dict[str, Any] = json.loads(str(results["config"])) if "config" in results else {}
    said = []
    if not config.get("experiment"):
        told = _experiment(results)
        density = told.get("density")
        filled = (
            "its density, 0.1 of the sites where it gives none"
            if density is None
            else f"{density:g} of its sites"
        )
        said.append(
            f"{source} has no section experiment, so its network ran without images: each area filled to {filled}; "
            f"pairs of neurons connected with probability {told.get('connection_probability', 0.1):g}; "
            f"{int(results['steps_wanted']):,} steps."
        )
        if "neuromodulation" not in config:
            said.append(_at_rest(source))
    if int(results["steps"]) and len(results["neuron_id"]) and not len(results["spike_id"]):
        driven = config.get("background_drive") or any(area.get("drive") for area in config.get("areas", ()))
        said.append(
            "No neuron fired: the drive is too weak to reach the threshold; raise its rate or weight."
            if driven
            else "No neuron fired: nothing drives the network. Give the section background_drive a rate (Hz) and a "
            'weight (mV), as in --set \'background_drive={"rate": 1000, "weight": 1}\', or show images (experiment).'
        )
    return said


def _at_rest(source: str) -> str:
    """What the three modulators do to a run whose configuration does not name them."""
    gain, threshold = NorepinephrineSystem().modulate_input(1.0), SerotoninSystem().modulate_threshold(1.0)
    return (
        f"{source} has no section neuromodulation, so the three modulators stay at their baseline, where they act: "
        f"norepinephrine multiplies inputs by {gain:.4g}, serotonin raises thresholds by {100 * threshold - 100:.2g} % "
        "of their magnitude. --set neuromodulation.neutral=true takes that away, --set neuromodulation.enabled=false "
        "the modulators."
    )


def outcome_classes(results: Mapping[str, Any]) -> dict[str, int]:
    """Class whose test images are rewarded, and class whose test images are punished, of those that there are."""
    group, label = np.asarray(results["response_group"]), np.asarray(results["response_label"])
    return {
        name: int(label[group == k][0])
        for k, name in ((1, "rewarded"), (2, "punished"))
        if np.any(group == k)
    }


def readout_of(results: Mapping[str, Any]) -> str | None:
    """The area whose response is measured; None where there is none."""
    name = _experiment(results).get("readout")
    return None if name is None else str(name)


def class_word(results: Mapping[str, Any]) -> str:
    """What a class is called: digit, where the images are the digits."""
    return "digit" if _experiment(results).get("dataset") == "digits" else "class"


def group_labels(results: Mapping[str, Any]) -> dict[str, str]:
    """What a group of synapses is called in figures: the synapses themselves are neither rewarded nor punished."""
    told, word = _experiment(results), class_word(results)
    numbers = {"rewarded": told.get("rewarded_class"), "punished": told.get("punished_class")}
    named = {name: f"{name} {word} {number}" for name, number in numbers.items() if number is not None}
    return {"rewarded": "rewarded", "punished": "punished", "other": "other", **named}


def seconds_of(results: Mapping[str, Any]) -> float:
    """Simulated time, s."""
    return float(results["steps"]) * float(results["dt"]) / 1000.0


def speed(results: Mapping[str, Any]) -> str:
    """How fast the computer was, against the time that it simulated."""
    seconds, wall = seconds_of(results), float(results["wall_seconds"])
    if not seconds:
        return "no step was done"
    if not wall:
        return f"{seconds:g} s simulated"
    faster = seconds / wall
    said = f"{_round(faster)} times faster" if faster >= 1.0 else f"{_round(1.0 / faster)} times slower"
    took = f"{wall:.2f}" if wall >= 0.1 else f"{wall:.2g}"
    return f"{said} than real time ({took} s for {seconds:g} s)"


def _round(factor: float) -> str:
    return f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"


def counted(n: int, thing: str) -> str:
    """How many things there are.

    >>> counted(1, "neuron"), counted(1600, "neuron")
    ('1 neuron', '1,600 neurons')
    """
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def _images(results: Mapping[str, Any], n: int) -> str:
    return counted(n, "digit" if class_word(results) == "digit" else "image")


def _experiment(results: Mapping[str, Any]) -> dict[str, Any]:
    """The section ``experiment`` of the run, as it was checked; empty in results that lack it."""
    told: dict[str, Any] = json.loads(str(results["experiment"])) if "experiment" in results else {}
    return told
