"""The figures of a run of the main job that a table of many runs has: a number each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuromod.experiment.effect_size import effects

__all__ = ["measured"]


def measured(results: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of a run.

    Parameters
    ----------
    results : mapping of str to ndarray
        From `neuromod.experiment.run_experiment`.

    Returns
    -------
    dict of str to float, int or str
        ``digest``, ``steps``, ``spikes``, ``mean_rate`` (Hz); ``rate.AREA`` (Hz); ``level.MODULATOR``, the mean over
        the run; ``weight_change.GROUP`` (mV), the mean over the synapses of a group; ``d.CLASS``, the effect size, and
        ``d_clamped.CLASS``, that of the control.

    Examples
    --------
    >>> from neuromod.experiment import run_experiment
    >>> sorted(measured(run_experiment("brain_base_model.json", steps=30, seed=1)))[:5]
    ['d.punished', 'd.rewarded', 'd_clamped.punished', 'd_clamped.rewarded', 'digest']
    """
    seconds = float(results["steps"]) * float(results["dt"]) / 1000.0
    n, spikes = len(results["neuron_id"]), len(results["spike_id"])
    found: dict[str, Any] = {
        "digest": str(results["digest"]),
        "steps": int(results["steps"]),
        "spikes": spikes,
        "mean_rate": spikes / (n * seconds) if n and seconds else 0.0,
    }
    for name, rate in zip(results["area_names"], results["area_rate"], strict=True):
        found[f"rate.{name}"] = float(rate)
    if results["level"].size:
        for k, name in enumerate(results["level_names"]):
            found[f"level.{name}"] = float(results["level"][..., k].mean())
    change = results["weight_after"] - results["weight_before"].astype(np.float64)
    for k, name in enumerate(results["group_names"]):
        mine = results["synapse_group"] == k
        if mine.any():
            found[f"weight_change.{name}"] = float(change[mine].mean())
    for word, after in (("d", "response_after"), ("d_clamped", "response_control")):
        for name, effect in effects(results, after).items():
            if name != "others":
                found[f"{word}.{name}"] = effect.size
    return found
