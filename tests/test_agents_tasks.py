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


# ---- vector forms ------------------------------------------------------------------------------------------------

Mode = gymnasium.vector.AutoresetMode
VARIANTS = [
    *((name, {}) for name in tasks.task_names()),
    ("neuromod/Bandit-v0", {"trials": 3, "probabilities": (0.2, 0.5, 0.8)}),
    ("neuromod/ReversalBandit-v0", {"trials": 9, "block": 2, "probabilities": (0.2, 0.5, 0.8)}),
    ("neuromod/TwoStep-v0", {"trials": 4, "drift": 0.5}),
    ("neuromod/NBack-v0", {"n": 2, "trials": 5, "shown": True}),
    ("neuromod/Maze-v0", {"most_steps": 5}),
    ("neuromod/Maze-v0", {"walls": "####\n#SG#\n####"}),
    ("neuromod/DelayedReward-v0", {"delay": 0}),
]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, np.ndarray) and value.ndim else str(value)


@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("name", "how"), VARIANTS, ids=lambda value: str(value))
def test_a_vector_form_has_the_bits_of_the_tasks_alone(name: str, how: dict[str, Any], mode: Any) -> None:
    n = 3
    native = gymnasium.make_vec(name, n, autoreset_mode=mode, **how).unwrapped
    assert isinstance(native, tasks.VectorTask)
    plain_envs = gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.make(name, **how).unwrapped] * n, autoreset_mode=mode
    )
    assert native.observation_space == plain_envs.observation_space
    assert native.action_space == plain_envs.action_space
    random = np.random.default_rng(1)
    pair = (native, plain_envs)
    got = [envs.reset(seed=4) for envs in pair]
    for _ in range(120):
        assert np.array_equal(got[0][0], got[1][0])
        assert native.observation_space.contains(got[0][0])
        assert plain(got[0][-1]) == plain(got[1][-1])
        actions = random.integers(int(native.single_action_space.n), size=n)
        got = [envs.step(actions) for envs in pair]
        for own, other in zip(got[0][1:4], got[1][1:4], strict=True):
            assert own.dtype == other.dtype and own.tolist() == other.tolist()
        ended = got[0][2] | got[0][3]
        if mode is Mode.DISABLED and ended.any():
            again = [envs.reset(options={"reset_mask": ended}) for envs in pair]
            assert np.array_equal(again[0][0], again[1][0])
            got = [(again[k][0], *got[k][1:]) for k in range(2)]


def test_a_vector_form_refuses_what_is_wrong_and_has_not_moved() -> None:
    envs = gymnasium.make_vec("neuromod/GoNoGo-v0", 2, autoreset_mode=Mode.DISABLED, trials=1).unwrapped
    envs.reset(seed=1)
    for wrong in ([0, 2], [0], [0.0, 1.0], [[0, 1]], [-1, 0]):
        with pytest.raises(ValueError, match="actions: must be in"):
            envs.step(np.array(wrong))
    assert envs.n_steps.tolist() == [0, 0]
    envs.step(np.array([0, 1]))
    with pytest.raises(RuntimeError, match="step: must not be called while an episode has ended"):
        envs.step(np.array([0, 1]))
    for wrong in ([True], [1, 0]):
        with pytest.raises(ValueError, match=r"options\['reset_mask'\]: must be 2 values"):
            envs.reset(options={"reset_mask": np.array(wrong)})
    for seed in ([1], -1, [1, -1], [1, "a"]):
        with pytest.raises(ValueError, match="seed: must be"):
            envs.reset(seed=seed)
    with pytest.raises(ValueError, match="autoreset_mode: must be one of NextStep"):
        gymnasium.make_vec("neuromod/GoNoGo-v0", 2, autoreset_mode="never")
    with pytest.raises(ValueError, match="num_envs"):
        tasks.VectorTask(0)
