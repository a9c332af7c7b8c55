"""A spiking agent for gymnasium's environments."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

import numpy as np

from neuromod.agents.callbacks import as_callback, finite_reward
from neuromod.agents.checks import (
    check_decoder,
    check_single,
    check_spaces,
    end_of,
    first_of,
    goes_on,
    is_batch,
    opened,
    stepped,
)
from neuromod.agents.decoders import DECODER, Decoder, decoder_for
from neuromod.agents.encoders import ENCODER, Encoder, check_part, encoder_for
from neuromod.agents.files import load_minds, save_minds
from neuromod.agents.history import History, saying_how_far
from neuromod.agents.mind import Mind
from neuromod.agents.network import build
from neuromod.agents.settings import EARLY, MODULATORS, SETTINGS, Settings, checked_settings
from neuromod.arguments import checked_count, checked_flag, checked_number, checked_seed
from neuromod.closed import Closed, ReadOnly
from neuromod.errors import ConfigError
from neuromod.near_names import names_near
from neuromod.problems import did_you_mean, shown
from neuromod.progress import ProgressCallback, ProgressLine, reporter_for
from neuromod.simulation import Simulation
from neuromod.together import Together

__all__ = ["Agent", "evaluate"]


class Agent(Closed):
    """An actor and a critic of spiking neurons that learn from reward, for one environment.

    A real spiking network, run by a `Simulation`: cells of the sensory population fire for the observation, the
    critic's potential is its value, and the actor whose neurons fire first decides. Both learn by the rule ``rstdp``
    in C. Dopamine is the error of prediction; norepinephrine follows uncertainty and scales the noise in the actors,
    by which the agent explores; serotonin follows punishment and waiting, and raises the actors' thresholds.

    Parameters
    ----------
    observation_space, action_space : gymnasium.spaces.Space
        Of the environment.
    seed : int, 0 .. 2**64 - 1, optional
        Everything random follows from it. Default: drawn; it is in ``agent.seed``.
    encoder : Encoder, optional
        Which cells fire for an observation. Default: `encoder_for` the space.
    decoder : Decoder, optional
        What action the actors' spikes stand for. Default: `decoder_for` the space.
    silent : int, optional
        Action taken where no actor fires, for a Discrete space. Default: that of the actor nearest to a spike.
    cells_per_action : int, >= 1, default 1
        Actor neurons of each group.
    **settings : float, in units of `Settings`
        Its parameters.

    Raises
    ------
    ConfigError
        With everything that is wrong: unknown settings and the nearest known one, values out of their domain, spaces
        that no encoder or decoder is known for.

    Notes
    -----
    The order of a decision, in steps of 1 ms: the observation's cells fire; the critic's potential gives its value V';
    dopamine gets ``r + discount V' - V`` of the decision before and acts for one step; then the critic is made to fire
    and the actors race, which tags the synapses that have just been active; the action is taken; `observe` takes its
    reward. Where the episode terminates, ``r - V`` comes at once. Where it is truncated, the value of the last
    observation counts. Actor and critic: Barto, Sutton & Anderson (1983), doi:10.1109/TSMC.1983.6313077, with the
    eligibility traces of Fremaux, Sprekeler & Gerstner (2013), doi:10.1371/journal.pcbi.1003024.

    Examples
    --------
    >>> import gymnasium
    >>> env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    >>> agent = Agent(env.observation_space, env.action_space, seed=1)
    >>> history = agent.learn(env, 100)
    >>> agent.num_timesteps, len(history) > 0
    (100, True)
    """

    _HINTS = {  # noqa: RUF012
        **{name: f"it is agent.settings.{name}, fixed when the agent is made" for name in SETTINGS},
        "clamped": "use clamp",
        "levels": "use clamp",
        "seed": "use reset(seed=...)",
    }

    def __init__(
        self,
        observation_space: Any,
        action_space: Any,
        seed: int | None = None,
        *,
        encoder: Encoder | None = None,
        decoder: Decoder | None = None,
        silent: int | None = None,
        cells_per_action: int = 1,
        **settings: float,
    ) -> None:
        parts = parts_for(
            observation_space, action_space, encoder, decoder, silent, cells_per_action, settings
        )
        self._spaces = observation_space, action_space
        self._history: History | None = None
        self._mind = new_mind(*parts, checked_seed(seed))

    # ---- what it is ------------------------------------------------------------------------------------------

    @property
    def sim(self) -> Simulation:
        """The network: populations ``cells``, ``clock``, ``critic``, ``actor``; projections ``value``, ``policy``."""
        sim: Simulation = self._mind.sim
        return sim

    @property
    def observation_space(self) -> Any:
        """Of the environment."""
        return self._spaces[0]

    @property
    def action_space(self) -> Any:
        """Of the environment."""
        return self._spaces[1]

    @property
    def num_timesteps(self) -> int:
        """Steps of environments in `learn` so far."""
        return self._mind.steps

    @property
    def seed(self) -> int:
        """The seed in use, 0 .. 2**64 - 1."""
        return self.sim.seed

    @property
    def settings(self) -> Settings:
        """The numbers that it was made with."""
        return self._mind.settings

    @property
    def encoder(self) -> Encoder:
        """Which cells fire for an observation."""
        return self._mind.encoder

    @property
    def decoder(self) -> Decoder:
        """What action the actors' spikes stand for."""
        return self._mind.decoder

    @property
    def learning(self) -> bool:
        """Whether outcomes become dopamine; may be set. False: the weights stay as they are."""
        return self._mind.learning

    @learning.setter
    def learning(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"learning: must be True or False; got {shown(value)}")
        self._mind.learning = value

    @property
    def levels(self) -> Mapping[str, float]:
        """Levels of the modulators, 0 to 1: dopamine's when it last acted, the others' of the last decision."""
        return ReadOnly(self._mind.levels, "levels")

    @property
    def history(self) -> History | None:
        """The episodes of the last `learn`, of one that was interrupted or failed, too; None before the first."""
        return self._history

    @property
    def value(self) -> float | None:
        """Value of the last observation, reward units; None at the beginning of an episode."""
        own = self._mind.value
        return None if own is None else (own + self._mind.signals.tonic) * self.settings.reward_scale

    @property
    def error(self) -> float:
        """The last error of prediction, reward units, at most ``reward_scale``."""
        return self._mind.last_error * self.settings.reward_scale

    def __copy__(self) -> Self:
        """The same as a deep copy: two that shared a network would each learn from what the other does."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        return (
            f"Agent({self.encoder.n_cells} cells, {sum(self.decoder.groups)} groups of actors, "
            f"{self.num_timesteps} steps, seed={self.seed})"
        )

    # ---- a decision ------------------------------------------------------------------------------------------

    @names_near
    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, None]:
        """Show an observation and take a decision.

        If `observe` has told the outcome of the decision before, that is learned first. If it has not, the decision
        before counts as not taken, and the eligibility traces are cleared.

        Parameters
        ----------
        observation : object
            Of the observation space; or a batch of one, as ``evaluate_policy`` of Stable-Baselines3 gives it.
        state, episode_start : object, optional
            Not used: ``evaluate_policy`` gives them.
        deterministic : bool, default False
            True: without noise in the actors, as with norepinephrine at 0. Between actions that fire in the same
            step chance decides all the same.

        Returns
        -------
        tuple
            The action, or a batch of one, and None.

        Raises
        ------
        ValueError
            If the encoder refuses the observation. The network has not moved.
        """
        mind, quiet = self._mind, checked_flag(deterministic, "deterministic")
        one = is_batch(self.observation_space, observation)
        cells = mind.see(first_of(observation) if one else observation)
        mind.present(cells, quiet=quiet)
        mind.run(EARLY - 1)
        mind.evaluate()
        action = mind.decide(mind.run(mind.rest))
        return (np.asarray(action)[np.newaxis] if one else action), None

    @names_near
    def observe(
        self, reward: float, terminated: bool = False, truncated: bool = False, observation: Any = None
    ) -> None:
        """Tell the outcome of the last decision.

        Parameters
        ----------
        reward : float, finite, reward units
        terminated : bool, default False
            Whether the episode has ended: nothing comes after. It is learned at once.
        truncated : bool, default False
            Whether it was cut off: the value of `observation` counts for what would come after. Learned at once. Where
            both are true, the episode has terminated.
        observation : object, optional
            The last observation; required where the episode was truncated, else not read.

        Raises
        ------
        RuntimeError
            If there is no decision without an outcome.
        ValueError
            If `reward` is not finite, an end is neither True nor False, or `observation` is missing. Nothing is
            learned.
        """
        mind = self._mind
        if not mind.awaits:
            raise RuntimeError("observe: must follow predict; there is no decision without an outcome")
        value, ended, cut = (
            finite_reward(reward),
            end_of(terminated, "terminated"),
            end_of(truncated, "truncated"),
        )
        if cut and not ended:
            if observation is None:
                raise ValueError("observation: is required where truncated; got None")
            mind.cut(value, mind.see(observation))
        else:
            mind.outcome(value, ended)

    @names_near
    def learn(
        self, env: Any, steps: int, callback: Any = None, progress: bool | ProgressCallback | None = None
    ) -> History:
        """Act in an environment and learn.

        Parameters
        ----------
        env : gymnasium.Env
            It is reset first: with the agent's seed if the agent has not learned before, else without a seed.
        steps : int, >= 0
            Steps of the environment.
        callback : Callback, function or list of them, optional
            As in Stable-Baselines3; see `Callback`. A function gets ``locals`` and ``globals`` after each step. False
            ends learning.
        progress : bool or callable, optional
            As of `Simulation.run`.

        Returns
        -------
        History
            The episodes that ended.

        Raises
        ------
        ValueError
            If `steps` is no whole number, or the environment's spaces are not the agent's. Nothing is learned.

        Examples
        --------
        >>> import gymnasium
        >>> env = gymnasium.make("FrozenLake-v1", is_slippery=False)
        >>> agent = Agent(env.observation_space, env.action_space, seed=1)
        >>> agent.learn(env, 5000).returns[-100:].mean() > 0.8
        np.True_
        """
        steps = checked_count(steps, "steps")
        check_single(env)
        check_spaces(self, env.observation_space, env.action_space)
        called, reporter, began = as_callback(callback), reporter_for(progress), time.perf_counter()
        history = self._history = History()
        episodes: list[tuple[float, int]] = []
        own: dict[str, Any] = {"self": self, "episodes": episodes, "members": []}
        called.init_callback(self)
        called.on_training_start(own, {})
        self._mind.forget()
        total, length = 0.0, 0
        try:
            with saying_how_far(self, steps):
                observation = opened(env, self.seed % 2**31 if self.num_timesteps == 0 else None)
                for done in range(1, steps + 1):
                    action, _ = self.predict(observation)
                    observation, reward, terminated, truncated, info = stepped(env, action)
                    self.observe(reward, terminated, truncated, observation)
                    self._mind.steps += 1
                    total, length, ended = total + reward, length + 1, terminated or truncated
                    if ended:
                        history.add(total, length, self.num_timesteps)
                        episodes.append((total, length))
                        total, length = 0.0, 0
                    own |= {"rewards": [reward], "dones": [ended], "infos": [info], "members": [0] * ended}
                    called.update_locals(own)
                    if reporter is not None and (done % 256 == 0 or done == steps):
                        reporter(done, steps, self.sim.time, time.perf_counter() - began)
                    if not goes_on(called.on_step()):
                        break
                    episodes.clear()
                    if ended:
                        observation = opened(env)
        finally:
            if isinstance(reporter, ProgressLine):
                reporter.close()
            called.on_training_end()
        return history

    @names_near
    def reset(self, seed: int | None = None) -> None:
        """Become untrained again, in place; clamps and `learning` stay.

        Parameters
        ----------
        seed : int, 0 .. 2**64 - 1, optional
            Default: the present one.

        Raises
        ------
        ValueError, TypeError
            If `seed` is none. Nothing is changed.
        """
        old, chosen = self._mind, self.seed if seed is None else checked_seed(seed)
        self._mind = new_mind(old.encoder, old.decoder, old.settings, old.per_group, chosen)
        self._mind.clamped, self._mind.learning = dict(old.clamped), old.learning

    def clamp(self, **levels: float | None) -> None:
        """Hold modulators at a level.

        Parameters
        ----------
        **levels : float, 0 to 1, or None
            By name: ``dopamine``, ``serotonin``, ``norepinephrine``; None: no longer. The baseline of each is 0.5:
            there dopamine teaches nothing, and serotonin and norepinephrine change nothing. At 0 norepinephrine takes
            the noise away.

        Raises
        ------
        ConfigError
            If a name is unknown or a level out of its domain. Nothing is changed.

        Examples
        --------
        >>> import gymnasium
        >>> agent = Agent(gymnasium.spaces.Discrete(2), gymnasium.spaces.Discrete(2), seed=1)
        >>> agent.clamp(dopamine=0.5)
        >>> agent.clamped
        {'dopamine': 0.5}
        """
        self._mind.clamped = new_clamps(self._mind.clamped, levels)

    @property
    def clamped(self) -> dict[str, float]:
        """Levels that are held, by name; a copy."""
        return dict(self._mind.clamped)

    # ---- files -----------------------------------------------------------------------------------------------

    @names_near
    def save(self, path: str | PathLike[str]) -> None:
        """Write the agent with its network to a file, in mid-episode too; the file appears whole or not at all.

        Parameters
        ----------
        path : str or Path
            An uncompressed ``.npz`` with a SHA-256 of each array, without pickle: the format of `Simulation.save`.

        Raises
        ------
        OSError
            If it cannot be written. An older file stays as it was.

        Notes
        -----
        The monitors of the network are in the file. The environment is not: its state is its own matter.
        """
        save_minds(path, "agent", [self._mind], self._spaces)

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
    ) -> Agent:
        """An agent that goes on where `save` was called, to the bit.

        Parameters
        ----------
        path : str or Path
        observation_space, action_space : gymnasium.spaces.Space
        encoder, decoder, silent : optional
            As the agent was made with. The settings are those in the file.

        Returns
        -------
        Agent

        Raises
        ------
        FileError
            If the file holds no agent, was cut or damaged, or is that of other spaces, encoder or decoder.
        OSError
            If it cannot be read.

        Examples
        --------
        >>> import gymnasium
        >>> space = gymnasium.spaces.Discrete(2)
        >>> agent = Agent(space, space, seed=1)
        >>> agent.save("agent.npz")
        >>> Agent.load("agent.npz", space, space).sim.digest() == agent.sim.digest()
        True
        """
        eyes, hands, _, _ = parts_for(observation_space, action_space, encoder, decoder, silent, 1, {})
        spaces = observation_space, action_space
        return agent_of(load_minds(path, "agent", eyes, hands, spaces)[0], spaces)


@names_near
def evaluate(agent: Any, env: Any, episodes: int = 100, *, seed: int = 0, deterministic: bool = True) -> Any:
    """Returns of episodes in which nothing is learned.

    An outcome of an `Agent` that is not learned yet, since the observation after it has not come, is dropped.

    Parameters
    ----------
    agent : object
        With `predict`: an `Agent`, or one of Stable-Baselines3.
    env : gymnasium.Env
    episodes : int, >= 1, default 100
    seed : int, default 0
        Of the environment's first episode; that of episode k is ``seed + k``.
    deterministic : bool, default True
        Without noise in the actors.

    Returns
    -------
    ndarray of float64, shape (episodes,), reward units

    Raises
    ------
    ValueError
        If `episodes` is below 1.

    Examples
    --------
    >>> import gymnasium
    >>> env = gymnasium.make("FrozenLake-v1", is_slippery=False)
    >>> evaluate(Agent(env.observation_space, env.action_space, seed=1), env, 5).shape
    (5,)
    """
    history, count = History(), checked_count(episodes, "episodes", 1)
    first, quiet = checked_count(seed, "seed"), checked_flag(deterministic, "deterministic")
    if not callable(getattr(agent, "predict", None)) or hasattr(agent, "__len__"):
        several = "; of a VectorAgent give agents[k]" if hasattr(agent, "__len__") else ""
        raise ConfigError([f"agent: must be one agent with predict{several}; got {shown(agent)}"])
    check_single(env)
    if isinstance(agent, Agent):
        agent._mind.forget()
    for k in range(count):
        observation = opened(env, first + k)
        total, length, ended = 0.0, 0, False
        while not ended:
            action, _ = agent.predict(observation, deterministic=quiet)
            observation, reward, terminated, truncated, _ = stepped(env, action)
            total, length, ended = total + reward, length + 1, terminated or truncated
        history.add(total, length, length)
    return history.returns


def parts_for(
    observation_space: Any,
    action_space: Any,
    encoder: Encoder | None,
    decoder: Decoder | None,
    silent: int | None,
    per_group: int,
    settings: dict[str, Any],
) -> tuple[Encoder, Decoder, Settings, int]:
    """What a mind is made of; all that is wrong at once."""
    found = Together()
    if silent is not None and decoder is not None:
        found.wrong("silent: must not be given with decoder; give it to the decoder")
    for name, part, needs in (("encoder", encoder, ENCODER), ("decoder", decoder, DECODER)):
        if part is not None:
            found(check_part, name, part, needs)
    eyes = encoder if encoder is not None else found(encoder_for, observation_space)
    hands = found(decoder_for, action_space, silent) if decoder is None else decoder
    if hands is decoder and not found:
        found(check_decoder, hands, action_space)
    numbers = found(checked_settings, settings)
    each = found(checked_count, per_group, "cells_per_action", 1, 10_000)
    found.finish()
    assert eyes is not None and hands is not None and numbers is not None and each is not None
    return eyes, hands, numbers, each


def new_mind(encoder: Encoder, decoder: Decoder, settings: Settings, per_group: int, seed: int) -> Mind:
    """An untrained one."""
    sim = build(settings, encoder.n_cells, encoder.n_active, decoder, per_group, seed)
    return Mind(encoder, decoder, settings, per_group, sim)


def new_clamps(old: Mapping[str, float], levels: Mapping[str, float | None]) -> dict[str, float]:
    """The clamps after a call of ``clamp``; all that is wrong at once."""
    found, new = Together(), dict(old)
    for name, level in levels.items():
        if name not in MODULATORS:
            found.wrong(f"{name}: must be one of {', '.join(MODULATORS)}{did_you_mean(name, MODULATORS)}")
        elif level is None:
            new.pop(name, None)
        else:
            new[name] = found(checked_number, level, name, 0.0, 1.0) or 0.0
    if found:
        raise ConfigError(found.problems)
    return new


def agent_of(mind: Mind, spaces: tuple[Any, Any]) -> Agent:
    """An agent with this mind, not a copy of it."""
    agent = Agent.__new__(Agent)
    agent._mind, agent._spaces, agent._history = mind, spaces, None
    return agent
