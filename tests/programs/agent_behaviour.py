"""What modulators do to behaviour: reversal, go/no-go, and the choice weights of the two-step task.

Usage: ``python agent_behaviour.py [--seeds 20] [--to FOLDER]``; a second call goes on with what is missing.

- Reversal: trials after a change of the probabilities until 8 of 10 choices in a row are of the better option, with
  norepinephrine free, clamped to its baseline, and clamped to 0.
- Go/no-go: hits and false alarms over the level of serotonin, of an agent that has learned with serotonin free, and of
  one that has learned at this level.
- Two-step: logistic regression of whether the first choice is repeated on reward, transition and both (Daw et al. 2011,
  doi:10.1016/j.neuron.2011.02.027). A weight of the reward is a sign of learning without a model, one of reward times
  transition of planning. Two known agents, one of each kind, stand beside it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import gymnasium
import numpy as np
from agent_tasks import TASKS
from numpy.typing import NDArray

import neuromod
from neuromod.agents import Agent
from neuromod.response import cohens_d

Floats = NDArray[np.float64]
_HESITANT: dict[str, Any] = {"discount": 0.0, "silent": 0, "urgency": 20.0, "evidence": 3.0}
_HESITANT |= {"noise": 2.0, "actor_rate": 0.5}
"""Settings with which serotonin's rise of the thresholds is of the size of noise and evidence."""
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
_NAN = float("nan")


def trials_of(
    agent: Any, env: Any, steps: int, seed: int
) -> list[tuple[Any, int, float, dict[str, Any], dict[str, Any]]]:
    """Observation, action, reward, and ``info`` before and after, of each step."""
    observation, info = env.reset(seed=seed)
    found = []
    for _ in range(steps):
        action, _ = agent.predict(observation)
        then, reward, terminated, truncated, after = env.step(action)
        agent.observe(reward, terminated, truncated, then)
        found.append((observation, int(action), float(reward), info, after))
        observation, info = then, after
        if terminated or truncated:
            observation, info = env.reset()
    return found


def made(task: str, seed: int) -> tuple[Agent, Any]:
    env = TASKS[task].make()
    return Agent(env.observation_space, env.action_space, seed=seed, **TASKS[task].settings), env


# ---- reversal --------------------------------------------------------------------------------------------------


def reversal(norepinephrine: str, seed: int) -> dict[str, float]:
    """Mean over the 19 reversals of 2000 trials that follow the first block."""
    agent, env = made("ReversalBandit", seed)
    if norepinephrine != "free":
        agent.clamp(norepinephrine=float(norepinephrine))
    steps = trials_of(agent, env, 2000, seed)
    right = np.array([action == before["best"] for _, action, _, before, _ in steps])
    best = np.array([before["best"] for _, _, _, before, _ in steps])
    turns = np.flatnonzero(np.diff(best)) + 1
    runs = np.convolve(right, np.ones(10), "valid") >= 8  # of the 10 trials from each one on
    needed = [float(np.argmax(np.append(runs[turn : turn + 91], True))) for turn in turns]
    return {"trials": float(np.mean(needed)), "right": float(right.mean())}


# ---- go/no-go --------------------------------------------------------------------------------------------------


def go_no_go(serotonin: float, learned: str, seed: int) -> dict[str, float]:
    """Shares of responses in 500 trials after 1500 of learning, with serotonin "free" or at this "level"."""
    env = TASKS["GoNoGo"].make()
    agent = Agent(env.observation_space, env.action_space, seed=seed, **_HESITANT)
    if learned == "level":
        agent.clamp(serotonin=serotonin)
    agent.learn(env, 1500, progress=False)
    agent.clamp(serotonin=serotonin)
    agent.learning = False
    steps = trials_of(agent, env, 500, seed + 1000)
    go = np.array([observation == 1 for observation, *_ in steps])
    responses = np.array([action for _, action, *_ in steps])
    return {"hits": float(responses[go].mean()), "false_alarms": float(responses[~go].mean())}


# ---- two-step --------------------------------------------------------------------------------------------------


class Planner:
    """Knows the transitions; values of second choices are learned by a rate, and softmax decides."""

    def __init__(
        self, seed: int, rate: float = 0.4, inverse_temperature: float = 5.0, plans: bool = True
    ) -> None:
        self.random, self.rate, self.beta, self.plans = (
            np.random.default_rng(seed),
            rate,
            inverse_temperature,
            plans,
        )
        self.first, self.second = np.zeros(2), np.zeros((2, 2))
        self._seen, self._action, self._choice = 0, 0, 0

    def predict(self, observation: int) -> tuple[int, None]:
        if observation == 0:
            best = self.second.max(axis=1)
            values = np.array([[0.7, 0.3], [0.3, 0.7]]) @ best if self.plans else self.first
        else:
            values = self.second[observation - 1]
        self._seen = int(observation)
        self._action = int(self.random.random() < 1.0 / (1.0 + np.exp(self.beta * (values[0] - values[1]))))
        self._choice = self._action if observation == 0 else self._choice
        return self._action, None

    def observe(self, reward: float, *_: Any) -> None:
        if self._seen:
            own = self.second[self._seen - 1]
            own[self._action] += self.rate * (reward - own[self._action])
            self.first[self._choice] += self.rate * (reward - self.first[self._choice])


def two_step(agent: str, seed: int) -> dict[str, float]:
    """Weights of the choice over 3000 trials, after 300 that do not count."""
    env = gymnasium.make("neuromod/TwoStep-v0", trials=3300)
    if agent in ("planner", "without a model"):
        one: Any = Planner(seed, plans=agent == "planner")
    else:
        one = Agent(env.observation_space, env.action_space, seed=seed, **TASKS["TwoStep"].settings)
        if agent != "free":
            one.clamp(**{agent: 0.5})
    steps = trials_of(one, env, 6600, seed)
    told = [after for *_, after in steps if "reward" in after]
    first = np.array([each["first"] for each in told])[300:]
    reward = np.array([each["reward"] for each in told])[300:]
    common = np.array([each["common"] for each in told])[300:]
    stays = (first[1:] == first[:-1]).astype(float)
    r, c = reward[:-1] > 0.5, common[:-1]
    signs = np.stack(
        [np.ones(len(stays)), 2.0 * r - 1.0, 2.0 * c - 1.0, (2.0 * r - 1.0) * (2.0 * c - 1.0)], axis=1
    )
    weights = logistic(signs, stays)
    names = ("stay", "reward", "transition", "reward_x_transition")
    cells = {
        f"p_{'paid' if paid else 'unpaid'}_{'common' if usual else 'rare'}": _mean(
            stays[(r == paid) & (c == usual)]
        )
        for paid in (True, False)
        for usual in (True, False)
    }
    return dict(zip(names, weights.tolist(), strict=True)) | cells | {"earned": float(reward.mean())}


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else _NAN


def logistic(signs: Floats, outcomes: Floats, ridge: float = 1e-3) -> Floats:
    """Weights of a logistic regression by Newton's method; a small ridge keeps them finite."""
    weights = np.zeros(signs.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-signs @ weights))
        slope = signs.T @ (outcomes - p) - ridge * weights
        curvature = (signs * (p * (1.0 - p))[:, None]).T @ signs + ridge * np.eye(len(weights))
        step = np.linalg.solve(curvature, slope)
        weights += step
        if np.abs(step).max() < 1e-10:
            break
    return weights


# ---- tables ----------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--to", type=Path, default=Path("behaviour"))
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    how: dict[str, Any] = {"seeds": list(range(given.seeds)), "progress": False}

    kinds = ["free", "0.5", "0.0"]
    table = neuromod.sweep(reversal, {"norepinephrine": kinds}, to=given.to / "reversal.jsonl", **how)
    print("reversal", *table.failures)
    free = table["trials"][table["norepinephrine"] == "free"]
    for kind in kinds:
        own = table["norepinephrine"] == kind
        print(
            f"  norepinephrine {kind:5s} {spread(table['trials'][own])} trials to recover, d of free "
            f"{cohens_d(free, table['trials'][own]):+.2f}; {table['right'][own].mean():.3f} right",
            flush=True,
        )

    points = {"serotonin": list(LEVELS), "learned": ["free", "level"]}
    table = neuromod.sweep(go_no_go, points, to=given.to / "go_no_go.jsonl", **how)
    print("go/no-go", *table.failures)
    for learned in ("free", "level"):
        for level in LEVELS:
            own = (table["serotonin"] == level) & (table["learned"] == learned)
            print(
                f"  learned {learned:5s} serotonin {level:.3f}: hits {spread(table['hits'][own])}, "
                f"false alarms {spread(table['false_alarms'][own])}",
                flush=True,
            )

    agents = ["free", "dopamine", "norepinephrine", "serotonin", "planner", "without a model"]
    table = neuromod.sweep(two_step, {"agent": agents}, to=given.to / "two_step.jsonl", **how)
    print("two-step", *table.failures)
    for agent in agents:
        own = table["agent"] == agent
        names = ("stay", "reward", "transition", "reward_x_transition", "earned")
        names += ("p_paid_common", "p_paid_rare", "p_unpaid_common", "p_unpaid_rare")
        print(f"  {agent:16s}", ", ".join(f"{name} {spread(table[name][own])}" for name in names), flush=True)


def spread(values: Any) -> str:
    return f"{np.nanmean(values):.3f} +- {np.nanstd(values):.3f}"


if __name__ == "__main__":
    main()
