"""Temporal-difference learning and Rescorla-Wagner again, in plain Python lists, from their definitions.

Slow on purpose, and the judge of ``neuromod/modulation/critics.py``. Nothing here imports the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def td_trials(
    n_trials: int,
    alpha: float,
    gamma: float,
    cue: int = 5,
    reward: int = 15,
    n_steps: int = 20,
    lam: float = 0.0,
) -> list[list[float]]:
    """Errors of each step of each trial: a tapped delay line from the cue on (Montague et al. 1996).

    ``delta(t) = r(t) + gamma V(t) - V(t - 1)``; V is a list over the steps, fixed at 0 before the cue. With
    lambda, every V(k) up to t - 1 moves by ``alpha delta(t) (gamma lambda)^(t - 1 - k)``: no traces, a sum.
    """
    value = [0.0] * n_steps
    trials = []
    for _ in range(n_trials):
        errors = []
        for t in range(n_steps):
            came = 1.0 if t == reward else 0.0
            before = value[t - 1] if t > 0 else 0.0
            delta = came + gamma * value[t] - before
            errors.append(delta)
            for k in range(cue, t):
                value[k] += alpha * delta * (gamma * lam) ** (t - 1 - k)
        trials.append(errors)
    return trials


def linear_td(
    steps: Sequence[tuple[Sequence[float], float, Sequence[float] | None]],
    alpha: float,
    gamma: float,
    lam: float,
) -> tuple[list[float], list[float]]:
    """(errors, weights) of linear TD(lambda) over (features, reward, next features or None at an end)."""
    weights = [0.0] * len(steps[0][0])
    episode: list[Sequence[float]] = []
    errors = []
    for features, reward, following in steps:
        episode.append(features)
        here = sum(w * x for w, x in zip(weights, features, strict=True))
        there = 0.0 if following is None else sum(w * x for w, x in zip(weights, following, strict=True))
        delta = reward + gamma * there - here
        errors.append(delta)
        for i in range(len(weights)):
            trace = sum((gamma * lam) ** age * past[i] for age, past in enumerate(reversed(episode)))
            weights[i] += alpha * delta * trace
        if following is None:
            episode = []
    return errors, weights


def rescorla_wagner(
    trials: Sequence[tuple[Sequence[str], float]], alpha: float, salience: Mapping[str, float]
) -> tuple[list[float], dict[str, float]]:
    """(errors, associative strengths): delta V_i = alpha s_i (lambda - sum of V over the stimuli present)."""
    strength: dict[str, float] = {}
    errors = []
    for present, outcome in trials:
        error = outcome - sum(strength.get(name, 0.0) for name in present)
        errors.append(error)
        for name in present:
            strength[name] = strength.get(name, 0.0) + alpha * salience.get(name, 1.0) * error
    return errors, strength
