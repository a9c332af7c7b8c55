"""Tasks for agents: gymnasium's checker, their rules, and random numbers that depend on seed, episode and step."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from neuromod.agents import Agent, tasks  # noqa: E402


@pytest.mark.parametrize("name", tasks.task_names())
def test_the_checker_finds_nothing(name: str) -> None:
    check_env(gymnasium.make(name).unwrapped, skip_render_check=True)


def test_the_checker_finds_nothing_in_variants() -> None:
    check_env(tasks.NBack(2, shown=True), skip_render_check=True)
    check_env(tasks.Bandit((0.1, 0.2, 0.7)), skip_render_check=True)


@pytest.mark.long
def test_gymnasium_makes_them_by_module_and_name() -> None:
    code = (
        "import gymnasium; print(gymnasium.make('neuromod.agents.tasks:neuromod/Maze-v0').observation_space)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "Discrete(15)\n"


def trace(env: Any, seed: int | None, n: int = 60) -> list[Any]:
    observation, info = env.reset(seed=seed)
    found: list[Any] = [str(observation), str(info)]
    for k in range(n):
        observation, reward, terminated, truncated, info = env.step(k * 7 % 5 % int(env.action_space.n))
        found.append((str(observation), reward, terminated, truncated, str(info)))
        if terminated or truncated:
            observation, _ = env.reset()
            found.append(str(observation))
    return found


@pytest.mark.parametrize("name", [name for name in tasks.task_names() if "Maze" not in name])
def test_same_seed_same_course_other_seed_another(name: str) -> None:
    env = gymnasium.make(name).unwrapped
    first = trace(env, 3)
    assert trace(env, 3) == first == trace(gymnasium.make(name).unwrapped, 3)
    assert trace(env, 4) != first


def test_a_bandit_pays_as_often_as_it_says_whatever_is_chosen() -> None:
    env = tasks.Bandit((0.8, 0.3), trials=4000)
    env.reset(seed=1)
    paid = {0: [], 1: []}
    for k in range(4000):
        paid[k % 2].append(env.step(k % 2)[1])
    assert np.mean(paid[0]) == pytest.approx(0.8, abs=0.03)
    assert np.mean(paid[1]) == pytest.approx(0.3, abs=0.03)


def test_reversals_come_in_blocks() -> None:
    env = tasks.ReversalBandit(trials=30, block=10)
    best = [env.reset(seed=1)[1]["best"], *(env.step(0)[4]["best"] for _ in range(29))]
    assert best == [0] * 10 + [1] * 10 + [0] * 10


@pytest.mark.long
def test_norepinephrine_helps_to_find_the_new_best_after_a_reversal() -> None:
    how = {"discount": 0.0, "critic_rate": 0.1, "evidence": 5.0, "noise": 0.4, "uncertainty_gain": 2.0}
    right = {}
    for clamp in (None, 0.5):
        env = tasks.ReversalBandit(trials=1000)
        agent = Agent(env.observation_space, env.action_space, seed=1, **how)
        agent.clamp(norepinephrine=clamp)
        observation, info = env.reset(seed=1)
        found = []
        for _ in range(1000):
            action, _ = agent.predict(observation)
            found.append(action == info["best"])
            observation, reward, _, _, info = env.step(action)
            agent.observe(reward)
        right[clamp] = np.mean(found[100:])
    assert right[None] > 0.8 and right[None] > right[0.5] + 0.02


def test_two_step_transitions_and_walks() -> None:
    env = tasks.TwoStep(trials=3000)
    env.reset(seed=2)
    common = []
    for _ in range(3000):
        place = env.step(0)[0]
        _, _, _, _, info = env.step(0)
        common.append(info["common"])
        assert (place == 1) == info["common"] and info["first"] == 0
        assert all(0.25 <= chance <= 0.75 for chance in env._chances)
    assert np.mean(common) == pytest.approx(0.7, abs=0.03)


def test_better_stimuli_pay_more_often_on_either_side() -> None:
    env = tasks.ProbabilisticSelection(trials=9000)
    shown, info = env.reset(seed=1)
    right: dict[int, list[bool]] = {k: [] for k in range(6)}
    for _ in range(9000):
        was = shown
        shown, reward, _, _, info = env.step(info["best"])
        right[was].append(reward > 0.0)
    for pair, chance in enumerate((0.8, 0.7, 0.6)):
        for side in (0, 1):
            assert np.mean(right[2 * pair + side]) == pytest.approx(chance, abs=0.05)


def test_stop_signal_trials() -> None:
    env, outcomes = tasks.StopSignal(), Counter()
    for seed in range(400):
        cue, info = env.reset(seed=seed)
        assert cue in (0, 1)
        _, reward, terminated, _, _ = env.step(1 + cue)
        assert terminated and reward == (-1.0 if info["stop"] else 1.0)
        outcomes[info["stop"]] += 1
    assert outcomes[True] / 400 == pytest.approx(0.25, abs=0.07)
    with pytest.raises(ValueError, match="deadline: must be a whole number >= 2"):
        tasks.StopSignal(deadline=1)


def test_n_back_answers() -> None:
    env = tasks.NBack(n=2, letters=3, trials=300)
    seen, total = [env.reset(seed=1)[0]], 0.0
    for _ in range(300):
        answer = int(len(seen) > 2 and seen[-1] == seen[-3])
        letter, reward, _, _, _ = env.step(answer)
        seen.append(letter)
        total += reward
    assert total == 300.0


def test_the_maze_has_a_way_of_twelve_steps() -> None:
    env = tasks.Maze()
    env.reset()
    for action in (1, 1, 2, 2, 1, 1, 0, 0, 1, 1, 2):
        assert not env.step(action)[2]
    assert env.step(2)[1:3] == (1.0, True)
    env.reset()
    assert [env.step(0)[3] for _ in range(100)] == [False] * 99 + [True]


@pytest.mark.parametrize(
    "walls", ["###\n#S#\n###", "#####\n#S.G.\n#####", "####\n#SGx#\n####", "####\n#SG#\n###"]
)
def test_broken_walls_are_refused(walls: str) -> None:
    with pytest.raises(ValueError, match="walls: must"):
        tasks.Maze(walls)


def test_actions_outside_the_space_are_refused() -> None:
    env = tasks.GoNoGo()
    env.reset(seed=1)
    for action in (2, -1, 0.5, "go"):
        with pytest.raises(ValueError, match="action: must be in"):
            env.step(action)
    assert env.n_steps == 0
    for wrong in ({"go": 1.5}, {"trials": 0}, {"punishment": -1.0}):
        with pytest.raises(ValueError, match="must be"):
            tasks.GoNoGo(**wrong)
