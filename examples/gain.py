"""Gain helps a chain to detect, not a unit: Servan-Schreiber, Printz & Cohen (1990), Science 249:892.

A unit answers ``f(G x + B)``, f logistic, to an input x that is higher with a signal than without, under noise.
Norepinephrine sets the gain, G = 1 + 2.22 level^2. One unit's answer is a rising function of x, so an observer
with a free criterion detects no better by it, whatever the gain. A second unit that gets this answer, with noise
of its own, does: the gain has moved the two answers apart before the second noise comes in.
"""

import numpy as np

from neuromod import NorepinephrineSystem

N, SIGNAL, NOISE, SECOND_NOISE, BIAS, SEEDS = 20_000, 1.0, 1.0, 0.3, -1.0, 20


def answer(inputs: np.ndarray, bias: float) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-(inputs + bias)))


def detection(with_signal: np.ndarray, without: np.ndarray) -> float:
    """Area under the ROC: how often the answer with a signal is the higher one, over all pairs."""
    order = np.argsort(np.argsort(np.concatenate([with_signal, without]), kind="stable"))
    n = len(with_signal)
    return float((order[:n].sum() - n * (n - 1) / 2) / (n * len(without)))


def areas(level: float, seed: int) -> list[float]:
    """Detection by one unit and by the chain of two."""
    rng, norepinephrine = np.random.default_rng(seed), NorepinephrineSystem()
    norepinephrine.state.level = level
    first = []
    for mean in (SIGNAL, 0.0):
        x = rng.normal(mean, NOISE, N)
        first.append(answer(norepinephrine.modulate_input(x), BIAS))
    second = []
    for y in first:
        z = y + rng.normal(0.0, SECOND_NOISE, N)
        second.append(answer(norepinephrine.modulate_input(z), BIAS))
    return [detection(*first), detection(*second)]


levels = np.linspace(0.0, 1.0, 6)
found = np.array([[areas(level, seed) for seed in range(SEEDS)] for level in levels])
print("norepinephrine   gain   one unit   chain of two")
for level, (one, two) in zip(levels, found.mean(axis=1), strict=True):
    print(f"{level:14.1f}   {1 + 2.22 * level**2:4.2f}   {one:8.4f}   {two:12.4f}")
assert np.all(found[:, :, 0] == found[0, :, 0])  # the same order of the same inputs: to the bit
assert np.all(np.diff(found[:, :, 1], axis=0) > 0.0)  # in every seed, at every rise
# An area over 20,000 of each has an sd of 0.003; from the lowest gain to the highest it rises by 0.048.
assert found[-1, :, 1].min() - found[0, :, 1].max() > 0.03
