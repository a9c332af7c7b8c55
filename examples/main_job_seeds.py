"""The main job learns from reward: over seeds, the readout's response to the rewarded digit grows against the other
digits and its response to the punished one falls; with dopamine clamped to its baseline, nothing happens.

Responses are mean rates of the readout to images that were kept from training, with the same noise before and after.
d is Cohen's d of their change, image by image, against the eight digits without an outcome; 0.8 counts as large. In the
second control dopamine has the same ups and downs, but each image brings the outcome of one shown 800 images later:
weights change as much, and the two digits come out of it like the others.

    python examples/main_job_seeds.py            2 seeds, two thirds of the training
    python examples/main_job_seeds.py --full     10 seeds, all of it: a few minutes
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from neuromod.config import load
from neuromod.experiment import run_experiment
from neuromod.experiment.effect_size import Effect, effects

SHIPPED = "brain_base_model.json"
LARGE = 0.8


def run(seed: int, steps: int | None, **changes: Any) -> dict[str, Any]:
    content, _ = load(SHIPPED)
    content["experiment"] |= changes
    return run_experiment(content, steps=steps, seed=seed)


def learned(effect: dict[str, Effect]) -> bool:
    """Whether the rewarded class grew against the others, and the punished fell, by itself and against them."""
    fell = effect["punished"].after < effect["punished"].before
    return effect["rewarded"].size > LARGE and effect["punished"].size < -LARGE and fell


arguments = argparse.ArgumentParser()
arguments.add_argument("--full", action="store_true", help="10 seeds and the whole training set")
full = arguments.parse_args().full
seeds, steps, needed = (range(1, 11), None, 8) if full else (range(1, 3), 32_000, 2)

print("seed   rewarded (Hz)        punished (Hz)        others (Hz)        clamped      shifted")
rows, shifted_rows = [], []
for seed in seeds:
    results = run(seed, steps)
    effect, clamped = effects(results), effects(results, "response_control")
    shifted = effects(run(seed, steps, control=False, outcome_shift=800))
    rows.append(effect)
    shifted_rows.append(shifted)
    columns = [f"{effect[name].before:5.2f} {effect[name].after:5.2f}" for name in effect]
    sizes = [f"d {effect[name].size:+.2f}" for name in ("rewarded", "punished")]
    others = [f"{e['rewarded'].size:+.2f} {e['punished'].size:+.2f}" for e in (clamped, shifted)]
    print(
        f"{seed:4d}   {columns[0]} {sizes[0]}  {columns[1]} {sizes[1]}  {columns[2]}        {others[0]}  {others[1]}"
    )
    assert all(e.size == 0.0 and e.before == e.after for e in clamped.values()), clamped

n_learned = sum(learned(effect) for effect in rows)
n_shifted = sum(learned(effect) for effect in shifted_rows)
for kind, found in (("as shipped", rows), ("shifted", shifted_rows)):
    for name in ("rewarded", "punished"):
        sizes = np.array([effect[name].size for effect in found])
        print(f"{kind}, {name}: d = {sizes.mean():+.2f}, {sizes.min():+.2f} to {sizes.max():+.2f}")
print(f"learned: {n_learned} of {len(rows)} seeds; dopamine clamped: 0; outcomes shifted: {n_shifted}")
assert n_learned >= needed, f"only {n_learned} of {len(rows)} seeds learned"
assert n_shifted <= len(rows) // 5, f"{n_shifted} seeds seem to learn from shifted outcomes"
