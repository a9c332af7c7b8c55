"""What environments and callbacks give, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromod.agents.callbacks import finite_reward
from neuromod.agents.encoders import wrong_space
from neuromod.errors import ConfigError
from neuromod.problems import shown

__all__ = [
    "check_decoder",
    "check_several",
    "check_single",
    "check_spaces",
    "end_of",
    "ends_of",
    "first_of",
    "goes_on",
    "is_batch",
    "opened",
    "stepped",
]

_SINGLE = ("observation_space", "action_space", "reset", "step")
_SEVERAL = ("num_envs", "single_observation_space", "single_action_space", "reset", "step", "metadata")


def check_single(env: Any) -> None:
    """Refuse what is no environment, and several environments in one object."""
    if hasattr(env, "num_envs"):
        raise ConfigError(
            [
                f"env: must be one environment, a gymnasium.Env; got {env.num_envs} in {shown(env)}. "
                "VectorAgent takes vector environments of gymnasium"
            ]
        )
    _has(env, "env", "a gymnasium.Env", _SINGLE)


def check_several(envs: Any) -> None:
    """Refuse what is no vector environment."""
    one = not hasattr(envs, "num_envs") and all(hasattr(envs, each) for each in _SINGLE)
    hint = "; Agent takes one environment, gymnasium.make_vec makes several" if one else ""
    _has(envs, "envs", "a gymnasium.vector.VectorEnv", _SEVERAL, hint)


def _has(env: Any, name: str, kind: str, needs: tuple[str, ...], hint: str = "") -> None:
    missing = [each for each in needs if not hasattr(env, each)]
    if missing:
        raise ConfigError([f"{name}: must be {kind}; got {shown(env)}, without {', '.join(missing)}{hint}"])


def check_spaces(agent: Any, observation_space: Any, action_space: Any) -> None:
    """Refuse an environment with other spaces than the agent's."""
    problems = [
        f"env.{name}: must be the agent's, {want}; got {came}"
        for name, want, came in (
            ("observation_space", agent.observation_space, observation_space),
            ("action_space", agent.action_space, action_space),
        )
        if want != came
    ]
    if problems:
        raise ConfigError(problems)


def check_decoder(decoder: Any, space: Any) -> None:
    """Refuse a decoder that gives an action outside the space where one group alone fires."""
    if not hasattr(space, "contains"):
        raise wrong_space("action_space", "decoder", space)
    n = sum(decoder.groups)
    for k in range(n):
        votes = np.full(n, -1.0)
        votes[k] = 1.0
        action = decoder.decode(votes, lambda: np.zeros(n))
        if not space.contains(action):
            raise ConfigError(
                [f"decoder: must give actions of {space}; {shown(decoder)} gives {shown(action)}"]
            )


def opened(env: Any, seed: int | None = None) -> Any:
    """The first observation of an episode."""
    came = env.reset() if seed is None else env.reset(seed=seed)
    if not (isinstance(came, tuple) and len(came) == 2):
        raise ValueError(
            f"env.reset: must give an observation and a dict, as gymnasium says; got {shown(came)}"
        )
    return came[0]


def stepped(env: Any, action: Any) -> tuple[Any, float, bool, bool, Any]:
    """Observation, reward, terminated, truncated and info after an action."""
    came = env.step(action)
    if not (isinstance(came, tuple) and len(came) == 5):
        raise ValueError(
            "env.step: must give observation, reward, terminated, truncated and info, as gymnasium says; "
            f"got {shown(came)}"
        )
    observation, reward, terminated, truncated, info = came
    return (
        observation,
        finite_reward(reward),
        end_of(terminated, "terminated"),
        end_of(truncated, "truncated"),
        info,
    )


def end_of(value: Any, name: str) -> bool:
    """Whether an episode has ended."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    found = np.asarray(value)
    if found.size != 1 or found.dtype.kind not in "biu" or found.reshape(()) not in (0, 1):
        raise ValueError(f"{name}: must be True or False; got {shown(value)}")
    return bool(found.reshape(()))


def ends_of(values: Any, name: str) -> list[bool]:
    """Whether the episode of each environment has ended."""
    found = np.asarray(values)
    if found.dtype == np.bool_:
        return list(found.tolist())
    return [end_of(each, name) for each in found.tolist()]


def goes_on(answer: Any) -> bool:
    """Whether learning goes on after a callback's answer: where it has not said anything, it does."""
    return answer is None or bool(answer)


def is_batch(space: Any, observation: Any) -> bool:
    """Whether this is a batch of one observation, in arrays: one more axis, of length 1, than the space has."""
    if isinstance(observation, np.ndarray):
        shape = getattr(space, "shape", None)
        return shape is not None and observation.shape == (1, *shape)
    if isinstance(observation, dict) and hasattr(space, "spaces"):
        inner = space.spaces
        return all(key in observation and is_batch(inner[key], observation[key]) for key in inner)
    return False


def first_of(batch: Any) -> Any:
    """The only observation of a batch of one."""
    return {key: first_of(part) for key, part in batch.items()} if isinstance(batch, dict) else batch[0]
