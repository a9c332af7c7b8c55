"""Acetylcholine for expected, norepinephrine for unexpected uncertainty: Yu & Dayan (2005), Neuron 46:681.

One of four cues predicts on which side a target appears, rightly in 99, 85 or 70 % of the trials; after 200 trials
it is another cue. Acetylcholine reports how often the cue in use is thought to fail, norepinephrine how likely it
is that another cue counts now. Where ``NE > ACh / (0.5 + ACh)`` the learner goes over to the likeliest cue. It
is compared with Rescorla-Wagner learners at fixed rates, and with itself when either signal is clamped low.

The light version: the learner weighs the four cues and three validities by Bayes' rule, with the true chance of a
change, where the paper follows one context at a time.
"""

import numpy as np

from neuromod import RescorlaWagner

N_CUES, TRIALS, BLOCKS, SEEDS, HELD = 4, 200, 11, 24, 10
VALIDITIES, CHANGE = np.array([0.99, 0.85, 0.70]), 1.0 / TRIALS


def task(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(index of the right cue; the cues' sides, shape (n, N_CUES); the target's side), sides -1 or 1."""
    rng = np.random.default_rng(seed)
    order = [int(rng.integers(N_CUES))]
    while len(order) < BLOCKS:
        order.append(int(rng.choice([cue for cue in range(N_CUES) if cue != order[-1]])))
    right = np.repeat(order, TRIALS)
    holds = rng.random(len(right)) < np.repeat(rng.choice(VALIDITIES, BLOCKS), TRIALS)
    sides = rng.choice([-1, 1], (len(right), N_CUES))
    return right, sides, sides[np.arange(len(right)), right] * np.where(holds, 1, -1)


def with_uncertainty(sides: np.ndarray, target: np.ndarray, ne: float = 1.0, ach: float = 1.0) -> np.ndarray:
    """The cue in use in each trial; `ne` and `ach` scale the two signals."""
    failure = ach * (1.0 - VALIDITIES)  # what acetylcholine says of each validity
    belief = np.full((N_CUES, len(failure)), 1.0 / (N_CUES * len(failure)))
    used, cue = np.empty(len(target), dtype=int), 0
    for trial, agrees in enumerate(sides == target[:, None]):
        used[trial] = cue
        others = (1.0 - belief.sum(axis=1)) / (N_CUES - 1) / len(failure)
        belief = (1.0 - CHANGE) * belief + CHANGE * others[:, None]
        belief *= np.where(agrees[:, None], 1.0 - failure, failure)
        belief /= belief.sum()
        of_cue = belief.sum(axis=1)
        acetylcholine = belief[cue] @ failure / of_cue[cue]
        norepinephrine = ne * (1.0 - of_cue[cue])
        if norepinephrine > acetylcholine / (0.5 + acetylcholine):
            cue = int(of_cue.argmax())
    return used


def at_fixed_rate(sides: np.ndarray, target: np.ndarray, rate: float) -> np.ndarray:
    critic, used = RescorlaWagner(rate), np.zeros(len(target), dtype=int)
    for trial, (cues, side) in enumerate(zip(sides, target, strict=True)):
        used[trial] = 0 if trial == 0 else critic.feature_weights.argmax()
        critic.update(cues, side)
    return used


def measured(right: np.ndarray, used: np.ndarray) -> tuple[float, float, float]:
    """Mean trials until the right cue is held for `HELD` trials; part of trials with it; changes of the cue."""
    waits = []
    for block in np.split(used == right, BLOCKS)[1:]:
        held = np.convolve(block, np.ones(HELD), "valid") == HELD
        waits.append(held.argmax() if held.any() else TRIALS)
    return float(np.mean(waits)), float(np.mean(used == right)), float(np.sum(np.diff(used) != 0))


learners = {
    "uncertainty": with_uncertainty,
    "low norepinephrine": lambda sides, target: with_uncertainty(sides, target, ne=0.25),
    "low acetylcholine": lambda sides, target: with_uncertainty(sides, target, ach=0.1),
}
for rate in (0.03, 0.05, 0.1):
    learners[f"fixed rate {rate}"] = lambda sides, target, rate=rate: at_fixed_rate(sides, target, rate)
tasks = [task(seed) for seed in range(SEEDS)]
print("learner              trials to recover   right cue in use   changes of the cue")
found = {}
for name, learner in learners.items():
    found[name] = np.mean([measured(right, learner(sides, target)) for right, sides, target in tasks], axis=0)
    print("{:18s}   {:17.1f}   {:16.3f}   {:18.1f}".format(name, *found[name]))

recovery, part, changes = found["uncertainty"]
fixed = [row for name, row in found.items() if name.startswith("fixed")]
# Standard errors over 24 seeds: 0.9 trials, 0.005 of the trials, 2 changes; differences are paired, theirs smaller.
assert part > 0.02 + max(row[1] for row in fixed)
assert (
    recovery < max(fixed, key=lambda row: row[1])[0] - 2.0
)  # that of the fixed rate which is right most often
assert found["low norepinephrine"][0] > 1.5 * recovery  # slow to notice a change
assert (
    found["low acetylcholine"][2] > 3.0 * changes and found["low acetylcholine"][1] < part - 0.05
)  # follows noise
