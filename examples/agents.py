"""Which modulator helps a spiking agent where: returns of late episodes, beside controls with clamped modulators.

Each agent is the same spiking actor and critic of ``neuromod.agents``; a control has one modulator clamped to its
baseline: dopamine then teaches nothing, so that actions are random; norepinephrine leaves the noise as it is, and
serotonin the thresholds. d is the effect size (Cohen's d over seeds) of the free agent against the control.
``--seeds 20 --full`` takes hours; it adds more tasks, the slippery lake, and CartPole-v1, which counts as solved at a
mean return of 475 over 100 episodes.
"""

import argparse

import gymnasium
import numpy as np

import neuromod.agents.tasks  # noqa: F401
from neuromod.agents import Agent, StopOnMeanReturn, evaluate, settings_for

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--seeds", type=int, default=2)
parser.add_argument("--full", action="store_true", help="longer, with the slippery lake and CartPole")
arguments = parser.parse_args()
if arguments.seeds < 1:
    parser.error(f"--seeds: must be >= 1; got {arguments.seeds}")

TASKS = {  # steps
    "FrozenLake-v1": 5000,
    "neuromod/Maze-v0": 4000,
    "neuromod/DelayedReward-v0": 4000,
    "neuromod/Bandit-v0": 1500,
    "neuromod/ReversalBandit-v0": 4000,
    "neuromod/GoNoGo-v0": 1500,
    "neuromod/StopSignal-v0": 4000,
}
CLAMPS = ("none", "dopamine", "norepinephrine", "serotonin")
if not arguments.full:
    TASKS = {
        name: TASKS[name] for name in ("FrozenLake-v1", "neuromod/Bandit-v0", "neuromod/ReversalBandit-v0")
    }


def made(name: str) -> gymnasium.Env:
    return gymnasium.make(name, **({"is_slippery": False} if name == "FrozenLake-v1" else {}))


def late(name: str, steps: int, clamp: str, seed: int) -> float:
    """Mean return of the last third of the episodes."""
    env = made(name)
    agent = Agent(env.observation_space, env.action_space, seed=seed, **settings_for(env))
    if clamp != "none":
        agent.clamp(**{clamp: 0.5})
    returns = agent.learn(env, steps).returns
    return float(returns[-max(1, len(returns) // 3) :].mean())


def effect(free: np.ndarray, control: np.ndarray) -> float:
    spread = np.sqrt((free.var(ddof=1) + control.var(ddof=1)) / 2.0)
    return float((free.mean() - control.mean()) / spread) if spread else 0.0


found = {}
print(f"{'task':27s}" + "".join(f"{clamp:>22s}" for clamp in ("free", *CLAMPS[1:])))
for name, steps in TASKS.items():
    rows = {c: np.array([late(name, steps, c, s) for s in range(arguments.seeds)]) for c in CLAMPS}
    found[name] = {clamp: row.mean() for clamp, row in rows.items()}
    cells = [f"{row.mean():.2f} (d {effect(rows['none'], row):.1f})" for row in rows.values()]
    print(f"{name:27s}" + "".join(f"{cell:>22s}" for cell in cells), flush=True)

if arguments.full:
    for seed in range(arguments.seeds):
        env = gymnasium.make("FrozenLake-v1")
        agent = Agent(env.observation_space, env.action_space, seed=seed, **settings_for(env))
        returns = agent.learn(env, 60_000).returns
        share = evaluate(agent, env, 200).mean()
        print(
            f"slippery lake, seed {seed}: {returns[-500:].mean():.2f} late, {share:.2f} without noise",
            flush=True,
        )
    for seed in range(arguments.seeds):
        env = gymnasium.make("CartPole-v1")
        agent = Agent(env.observation_space, env.action_space, seed=seed, **settings_for(env))
        history = agent.learn(env, 150_000, callback=StopOnMeanReturn(475.0))
        mean = history.returns[-100:].mean()
        print(
            f"CartPole, seed {seed}: {mean:.0f} after {len(history)} episodes, {agent.num_timesteps} steps",
            flush=True,
        )

lake = found["FrozenLake-v1"]
assert lake["none"] > 0.9 and lake["dopamine"] < 0.2
bandit = found["neuromod/Bandit-v0"]
assert bandit["none"] > 70.0 > 62.0 > bandit["dopamine"]
if arguments.full:
    assert found["neuromod/GoNoGo-v0"]["none"] > 60.0
