"""Several agents in a vector environment, each with its own network and weights, advanced together."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuromod.agents.agent import Agent, agent_of, new_clamps, new_mind, parts_for
from neuromod.agents.callbacks import as_callback, finite_reward
from neuromod.agents.checks import check_several, check_spaces, ends_of, goes_on
from neuromod.agents.decoders import Decoder
from neuromod.agents.encoders import Encoder
from neuromod.agents.files import load_minds, save_minds
from neuromod.agents.history import History, saying_how_far
from neuromod.agents.mind import Mind
from neuromod.agents.settings import EARLY, MODULATORS
from neuromod.arguments import checked_array, checked_count, checked_flag, checked_seed
from neuromod.closed import Closed, ReadOnly
from neuromod.errors import ConfigError
from neuromod.near_names import names_near
from neuromod.optional import optional_module
from neuromod.parallel import asked_threads, checked_threads
from neuromod.problems import shown
from neuromod.progress import ProgressCallback, ProgressLine, reporter_for
from neuromod.replicas import Replicas
from neuromod.replicas import _again as replicas_of

__all__ = ["VectorAgent"]


class VectorAgent(Closed):
    """One `Agent` for each environment of a vector environment; one call in C advances all their networks.

    Agent k has seed ``seed + k``, weights of its own, and the bits of ``Agent(..., seed=seed + k)`` alone that meets
    the same observations and outcomes.

    Parameters
    ----------
    observation_space, action_space : gymnasium.spaces.Space
        Of one environment: ``envs.single_observation_space`` and ``envs.single_action_space``.
    n : int, >= 1
        Number of environments.
    seed : int, 0 .. 2**64 - 1, optional
        Of the first agent. Default: drawn.
    encoder : Encoder, optional
    decoder : Decoder, optional
    silent : int, optional
    cells_per_action : int, >= 1, default 1
    **settings : float, in units of `Settings`
        As of `Agent`.
    threads : int, >= 1, optional
        Default: those that `neuromod.set_num_threads`, `neuromod.threads` or the environment's
        ``NEUROMOD_NUM_THREADS`` ask for, else 1: the threads meet twice in each decision, which takes longer than the
        decisions of small networks, above all where other programs use the cores. The bits do not depend on it.

    Raises
    ------
    ConfigError, ValueError
        As of `Agent`, and if `n` is below 1.

    Examples
    --------
    >>> import gymnasium
    >>> envs = gymnasium.make_vec("FrozenLake-v1", 3, is_slippery=False)
    >>> agents = VectorAgent(envs.single_observation_space, envs.single_action_space, 3, seed=1)
    >>> history = agents.learn(envs, 300)
    >>> agents.num_timesteps >= 300, sorted(set(history.members))
    (True, [0, 1, 2])
    """

    def __init__(
        self,
        observation_space: Any,
        action_space: Any,
        n: int,
        seed: int | None = None,
        *,
        encoder: Encoder | None = None,
        decoder: Decoder | None = None,
        silent: int | None = None,
        cells_per_action: int = 1,
        threads: int | None = None,
        **settings: float,
    ) -> None:
        count, first = checked_count(n, "n", 1), checked_seed(seed)
        parts = parts_for(
            observation_space, action_space, encoder, decoder, silent, cells_per_action, settings
        )
        minds = [new_mind(*parts, (first + k) % 2**64) for k in range(count)]
        self._take(minds, (observation_space, action_space), _threads(threads))

    def _take(self, minds: list[Mind], spaces: tuple[Any, Any], threads: int) -> None:
        """Consist of these."""
        self._minds, self._spaces, self._threads = minds, spaces, threads
        self._history: History | None = None
        self._replicas = self._group(minds)
        decoder = minds[0].decoder
        n = sum(decoder.groups)
        self._idle = decoder.decode(np.full(n, -1.0), lambda: np.zeros(n))

    def _group(self, minds: list[Mind]) -> Replicas[Any]:
        """Networks that are advanced together."""
        return replicas_of([mind.sim for mind in minds], self._threads)

    @property
    def observation_space(self) -> Any:
        """Of one environment."""
        return self._spaces[0]

    @property
    def action_space(self) -> Any:
        """Of one environment."""
        return self._spaces[1]

    @property
    def num_timesteps(self) -> int:
        """Steps of environments so far, all together."""
        return sum(mind.steps for mind in self._minds)

    def __len__(self) -> int:
        return len(self._minds)

    def __getitem__(self, k: int) -> Agent:
        """Agent k itself, not a copy."""
        if isinstance(k, bool) or not isinstance(k, int | np.integer):
            raise TypeError(f"index: must be a whole number; got {shown(k)}")
        if not -len(self) <= k < len(self):
            raise IndexError(f"index: must be from {-len(self)} to {len(self) - 1}; got {k}")
        return agent_of(self._minds[k], self._spaces)

    def __copy__(self) -> Self:
        """The same as a deep copy: two that shared a network would each learn from what the other does."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        return f"VectorAgent({len(self)} of {self[0]!r})"

    @property
    def levels(self) -> Mapping[str, NDArray[np.float64]]:
        """Levels of the modulators, 0 to 1, each of shape (n,); see `Agent.levels`."""
        return ReadOnly(
            {name: np.array([m.levels[name] for m in self._minds]) for name in MODULATORS}, "levels"
        )

    @property
    def history(self) -> History | None:
        """The episodes of the last `learn`, of one that was interrupted or failed, too; None before the first."""
        return self._history

    def clamp(self, **levels: float | None) -> None:
        """Hold modulators of every agent at a level; see `Agent.clamp`.

        Parameters
        ----------
        **levels : float, 0 to 1, or None

        Raises
        ------
        ConfigError
            If a name is unknown or a level out of its domain. Nothing is changed.
        """
        new = new_clamps(self._minds[0].clamped, levels)
        for mind in self._minds:
            mind.clamped = dict(new)

    @names_near
    def predict(self, observations: Any, deterministic: bool = False, mask: Any = None) -> tuple[Any, None]:
        """Show each agent its observation; see `Agent.predict`.

        Parameters
        ----------
        observations : object
            A batch of the observation space.
        deterministic : bool, default False
        mask : array_like of bool, shape (n,), optional
            False: the agent sees nothing and its network stands still; its action is one that means nothing. Default:
            all True.

        Returns
        -------
        tuple
            The actions, a batch of the action space, and None.

        Raises
        ------
        ValueError
            If an encoder refuses an observation. No network has moved.
        """
        there, quiet = self._mask(mask), checked_flag(deterministic, "deterministic")
        chosen = [(k, m) for k, m in enumerate(self._minds) if there[k]]
        seen = self._each(observations)
        cells = [mind.see(seen[k]) for k, mind in chosen]
        actions = [self._idle] * len(self)
        if chosen:
            minds = [mind for _, mind in chosen]
            replicas = self._replicas if len(minds) == len(self) else self._group(minds)
            for mind, own in zip(minds, cells, strict=True):
                mind.present(own, quiet=quiet)
            replicas.run(EARLY - 1, progress=False)
            for mind in minds:
                mind.evaluate()
            counts = replicas.run(minds[0].rest, progress=False)["spike_counts"]
            for (k, mind), own in zip(chosen, counts, strict=True):
                actions[k] = mind.decide(own)
        return np.stack([np.asarray(action) for action in actions]), None

    def _mask(self, mask: Any) -> list[bool]:
        if mask is None:
            return [True] * len(self)
        shape = checked_array(mask, "mask").shape
        if shape != (len(self),):
            raise ValueError(f"mask: must be {len(self)} values; got shape {shape}")
        return ends_of(mask, "mask")

    @names_near
    def observe(
        self, rewards: Any, terminated: Any, truncated: Any, observations: Any = None, mask: Any = None
    ) -> None:
        """Tell each agent the outcome of its decision; see `Agent.observe`.

        Parameters
        ----------
        rewards : array_like of float, shape (n,), finite, reward units
        terminated, truncated : array_like of bool, shape (n,)
        observations : sequence, length n, optional
            The last observations; required where an episode was truncated.
        mask : array_like of bool, shape (n,), optional
            As of `predict`: False: there was no decision. Default: all True.

        Raises
        ------
        RuntimeError
            If an agent has no decision without an outcome.
        ValueError
            If a reward is not finite, or an observation is missing. Nothing is learned.
        """
        n = len(self)
        there = self._mask(mask)
        told = {"rewards": rewards, "terminated": terminated, "truncated": truncated}
        sizes = [checked_array(each, name).shape for name, each in told.items()]
        if sizes != [(n,)] * 3:
            raise ValueError(f"rewards, terminated, truncated: must be {n} each; got shapes {sizes}")
        values = [finite_reward(reward) for reward in np.asarray(rewards).tolist()]
        ends = ends_of(terminated, "terminated")
        cuts = [cut and not end for cut, end in zip(ends_of(truncated, "truncated"), ends, strict=True)]
        if not all(mind.awaits for mind, own in zip(self._minds, there, strict=True) if own):
            raise RuntimeError("observe: must follow predict; there is an agent without a decision")
        cells: dict[int, NDArray[np.int64]] = {}
        for k in range(n):
            if there[k] and cuts[k]:
                if observations is None or observations[k] is None:
                    raise ValueError(f"observations[{k}]: is required where truncated; got None")
                cells[k] = self._minds[k].see(observations[k])
        for k, mind in enumerate(self._minds):
            if not there[k]:
                continue
            if cuts[k]:
                mind.cut(values[k], cells[k])
            else:
                mind.outcome(values[k], ends[k])

    @names_near
    def learn(
        self, envs: Any, steps: int, callback: Any = None, progress: bool | ProgressCallback | None = None
    ) -> History:
        """Act in a vector environment and learn.

        Parameters
        ----------
        envs : gymnasium.vector.VectorEnv
            Of n environments, in any autoreset mode. In the mode ``NEXT_STEP`` the step that resets an environment is
            no decision: nothing is learned from it, and it does not count.
        steps : int, >= 0
            Steps of environments, all together; rounded up to a whole number of calls of ``envs.step``.
        callback : Callback, function or list of them, optional
            As of `Agent.learn`.
        progress : bool or callable, optional
            As of `Simulation.run`.

        Returns
        -------
        History
            The episodes that ended; ``members`` are the environments.

        Raises
        ------
        ValueError
            If `steps` is no whole number, or the number or spaces of the environments are not the agents'. Nothing is
            learned.
        """
        steps = checked_count(steps, "steps")
        check_several(envs)
        if envs.num_envs != len(self):
            raise ConfigError([f"envs: must be {len(self)} environments; got {envs.num_envs}"])
        check_spaces(self, envs.single_observation_space, envs.single_action_space)
        mode = _mode_of(envs)
        called, reporter, began = as_callback(callback), reporter_for(progress), time.perf_counter()
        history, target = History(), self.num_timesteps + steps
        self._history = history
        episodes: list[tuple[float, int]] = []
        members: list[int] = []
        own: dict[str, Any] = {"self": self, "episodes": episodes, "members": members}
        called.init_callback(self)
        called.on_training_start(own, {})
        for mind in self._minds:
            mind.forget()
        first = self._minds[0].sim.seed % 2**31  # gymnasium gives environment k the seed first + k
        totals, lengths = np.zeros(len(self)), np.zeros(len(self), dtype=np.int64)
        acts = np.ones(len(self), dtype=bool)
        try:
            with saying_how_far(self, steps):
                observations, _ = envs.reset(seed=first if self.num_timesteps == 0 else None)
                while self.num_timesteps < target:
                    actions, _ = self.predict(observations, mask=acts)
                    observations, rewards, terminated, truncated, infos = envs.step(actions)
                    ended = np.asarray(terminated) | np.asarray(truncated)
                    self.observe(
                        rewards, terminated, truncated, self._last(observations, infos, ended, mode), acts
                    )
                    for k in np.flatnonzero(acts).tolist():
                        self._minds[k].steps += 1
                    totals[acts] += np.asarray(rewards)[acts]
                    lengths[acts] += 1
                    for k in np.flatnonzero(ended & acts).tolist():
                        history.add(float(totals[k]), int(lengths[k]), self.num_timesteps, k)
                        episodes.append((float(totals[k]), int(lengths[k])))
                        members.append(k)
                        totals[k], lengths[k] = 0.0, 0
                    own |= {"rewards": rewards, "dones": ended & acts, "infos": infos}
                    called.update_locals(own)
                    if reporter is not None:
                        done = steps - max(0, target - self.num_timesteps)
                        reporter(done, steps, self._minds[0].sim.time, time.perf_counter() - began)
                    if not goes_on(called.on_step()):
                        break
                    episodes.clear()
                    members.clear()
                    if mode == "NextStep":
                        acts = ~ended
                    elif mode == "Disabled" and ended.any():
                        observations, _ = envs.reset(options={"reset_mask": ended})
        finally:
            if isinstance(reporter, ProgressLine):
                reporter.close()
            called.on_training_end()
        return history

    @names_near
    def save(self, path: str | PathLike[str]) -> None:
        """Write all agents to one file, in mid-episode too; see `Agent.save`.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written. An older file stays as it was.
        """
        save_minds(path, "agents", self._minds, self._spaces)

    @classmethod
    @names_near
    def load(
        cls,
        path: str | PathLike[str],
        observation_space: Any,
        action_space: Any,
        *,
        encoder: Encoder | None = None,
        decoder: Decoder | None = None,
        silent: int | None = None,
        threads: int | None = None,
    ) -> VectorAgent:
        """Agents that go on where `save` was called, to the bit; see `Agent.load`.

        Parameters
        ----------
        path : str or Path
        observation_space, action_space : gymnasium.spaces.Space
            Of one environment.
        encoder, decoder, silent : optional
            As the agents were made with.
        threads : int, >= 1, optional
            As of `VectorAgent`.

        Returns
        -------
        VectorAgent

        Raises
        ------
        FileError
            If the file holds none, was cut or damaged, or is that of other spaces, encoder or decoder.
        OSError
            If it cannot be read.
        """
        eyes, hands, _, _ = parts_for(observation_space, action_space, encoder, decoder, silent, 1, {})
        spaces = observation_space, action_space
        agents = cls.__new__(cls)
        agents._take(load_minds(path, "agents", eyes, hands, spaces), spaces, _threads(threads))
        return agents

    def _each(self, batch: Any) -> list[Any]:
        """The observation of each environment."""
        found = self._parts(batch)
        if len(found) != len(self):
            raise ValueError(f"observations: must be {len(self)}, a batch; got {len(found)}")
        return found

    def _parts(self, batch: Any) -> list[Any]:
        """The observations in a batch of any size."""
        utils = optional_module("gymnasium.vector.utils", "rl", "neuromod.agents")
        spaces = optional_module("gymnasium.spaces", "rl", "neuromod.agents")
        if isinstance(self.observation_space, spaces.Dict | spaces.Tuple):
            batched = utils.batch_space(self.observation_space, len(self))
            return list(utils.iterate(batched, batch))
        try:
            return list(batch)
        except TypeError:
            raise ValueError(f"observations: must be {len(self)}, a batch; got {shown(batch)}") from None

    def _last(self, observations: Any, infos: Mapping[str, Any], ended: Any, mode: str) -> Sequence[Any]:
        """The last observation of each episode, before any reset."""
        if mode != "SameStep" or not ended.any():
            return self._each(observations)
        final: Sequence[Any] = infos["final_obs"]
        return final


def _threads(given: int | None) -> int:
    """Threads in use; small networks have one if nobody asks for more."""
    return (asked_threads() or 1) if given is None else checked_threads(given)


def _mode_of(envs: Any) -> str:
    """The autoreset mode's value: NextStep, SameStep or Disabled."""
    mode = envs.metadata.get("autoreset_mode")
    known = ("NextStep", "SameStep", "Disabled")
    value = getattr(mode, "value", mode)
    if value not in known:
        raise ConfigError(
            [f"envs.metadata['autoreset_mode']: must be one of {', '.join(known)}; got {shown(mode)}"]
        )
    return str(value)
