"""Steps of CartPole-v1 a second while learning: this package, Stable-Baselines3's PPO, and a BindsNET network.

Usage: ``python agent_speed.py [ours] [ours16] [ppo] [ppo16] [bindsnet] [bindsnet16]``; each line is of one thread.

PPO has its default settings (two layers of 64 units), on the CPU. BindsNET has no agent for gymnasium: the network
here has as many input cells and two leaky output neurons under reward-modulated STDP (``MSTDPET``), runs 17 steps of
1 ms for each decision, as ours does, and takes the output that fired more. With 16 environments it is a batch of 16
with one set of weights.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import gymnasium
from agent_tasks import TASKS

POLE = TASKS["CartPole"]
MS = 17
"""Steps of a network for each decision."""


def ours() -> tuple[int, Callable[[], Any]]:
    from neuromod.agents import Agent

    env = POLE.make()
    agent = Agent(
        env.observation_space,
        env.action_space,
        seed=1,
        encoder=POLE.encoder(env.observation_space),
        **POLE.settings,
    )
    agent.learn(env, 300, progress=False)
    return 10_000, lambda: agent.learn(env, 10_000, progress=False)


def ours16() -> tuple[int, Callable[[], Any]]:
    from neuromod.agents import VectorAgent

    envs = gymnasium.make_vec("CartPole-v1", 16)
    agents = VectorAgent(
        envs.single_observation_space,
        envs.single_action_space,
        16,
        seed=1,
        threads=1,
        encoder=POLE.encoder(envs.single_observation_space),
        **POLE.settings,
    )
    agents.learn(envs, 320, progress=False)
    return 16_000, lambda: agents.learn(envs, 16_000, progress=False)


def ppo(n: int = 1) -> tuple[int, Callable[[], Any]]:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)
    model = PPO("MlpPolicy", make_vec_env("CartPole-v1", n), device="cpu", seed=1, n_steps=2048 // n)
    model.learn(2048)
    return 8192, lambda: model.learn(8192)


def bindsnet(n: int = 1) -> tuple[int, Callable[[], Any]]:
    import torch
    from bindsnet.learning import MSTDPET
    from bindsnet.network import Network
    from bindsnet.network.monitors import Monitor
    from bindsnet.network.nodes import Input, LIFNodes
    from bindsnet.network.topology import Connection

    torch.set_num_threads(1)
    envs = gymnasium.make_vec("CartPole-v1", n)
    cells = POLE.encoder(envs.single_observation_space)
    network = Network(dt=1.0, batch_size=n)
    source, target = Input(n=cells.n_cells, traces=True), LIFNodes(n=2, traces=True)
    network.add_layer(source, "cells")
    network.add_layer(target, "actor")
    network.add_connection(
        Connection(
            source, target, wmin=0.0, wmax=10.0, update_rule=MSTDPET, nu=0.1, tc_plus=20.0, tc_minus=20.0
        ),
        "cells",
        "actor",
    )
    spikes = Monitor(target, ["s"], time=MS)
    network.add_monitor(spikes, "spikes")

    def steps(total: int) -> None:
        observations, _ = envs.reset(seed=1)
        rewards = torch.zeros(n, 1, 1)
        for _ in range(total // n):
            given = torch.zeros(MS, n, cells.n_cells)
            for k, observation in enumerate(observations):
                given[0, k, torch.as_tensor(cells.encode(observation))] = 1.0
            network.run(inputs={"cells": given}, time=MS, reward=rewards)
            actions = spikes.get("s").sum(0).reshape(n, -1).argmax(1).numpy()
            observations, earned, terminated, truncated, _ = envs.step(actions)
            rewards = torch.as_tensor(earned, dtype=torch.float32).reshape(n, 1, 1)
            for k in (terminated | truncated).nonzero()[0]:
                target.v[k] = target.rest
                for layer in (source, target):
                    layer.x[k] = 0.0

    steps(20 * n)
    return 300 * n, lambda: steps(300 * n)


MADE: dict[str, Callable[[], tuple[int, Callable[[], Any]]]] = {
    "ours": ours,
    "ours16": ours16,
    "ppo": ppo,
    "ppo16": lambda: ppo(16),
    "bindsnet": bindsnet,
    "bindsnet16": lambda: bindsnet(16),
}


def main() -> None:
    for name in sys.argv[1:] or MADE:
        steps, learn = MADE[name]()
        began, used = time.perf_counter(), time.process_time()
        learn()
        wall, cpu = time.perf_counter() - began, time.process_time() - used
        print(f"{name:9s} {steps / wall:9,.0f} steps/s, {steps / cpu:9,.0f} a CPU second", flush=True)


if __name__ == "__main__":
    main()
