"""Critics: what reward is expected, learned from what came, for the prediction error that dopamine wants.

A critic predicts by a weighted sum over what is present, ``V(s) = sum_i w_i x_i(s)``, and moves the weights by the
prediction error. `TDCritic` looks ahead to the state that follows, `RescorlaWagner` at the outcome of a trial
alone. Both work by themselves; `reward` gives the error to a dopamine system at the same time.

A state is a key (text, a number, a tuple of such), a set of keys that are present together, a mapping from keys to
how much of each is present, an array of features, or None for nothing, whose value is 0 and of which nothing is
learned; ``neuromod/modulation/features.py`` says it in full. An event costs microseconds of Python: a critic works
per event, never per neuron.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import checked_count, checked_flag, checked_mapping
from neuromod.errors import NumericalError
from neuromod.modulation.features import (
    Active,
    checked_key,
    checked_number,
    checked_part,
    restored_table,
    saved_table,
    serial_compound,
    size_of,
)
from neuromod.modulation.learner import LARGEST, Critic, checked_state
from neuromod.modulation.system import DopamineSystem, NeuromodulationSystem
from neuromod.near_names import names_near
from neuromod.state import sealed

__all__ = ["RescorlaWagner", "TDCritic", "serial_compound"]

Floats = NDArray[np.float64]

_FORGOTTEN = 1e-12  # a trace below this moves a value by less than a double of size 1e-4 can show


class TDCritic(Critic):
    """Temporal-difference critic: TD(0), or TD(lambda) with accumulating traces.

    A step from `state` to `next_state` under `reward` gives the prediction error

        ``error = reward + discount * V(next_state) - V(state)``

    by which the weights move: ``w_i += learning_rate * error * e_i``, where ``e_i`` is how much of i is present in
    `state`; with `trace_decay` > 0, also what is left, ``discount * trace_decay`` a step, from the states before.

    Parameters
    ----------
    learning_rate : float, 0 to 1, default 0.1
    discount : float, 0 to 1, default 0.98
        What a reward is worth one step earlier.
    trace_decay : float, 0 to 1, default 0
        Lambda. 0: only the present state learns.
    initial_value : float, finite, reward units, default 0
        Weight of whatever was not met yet.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain or no number.

    Notes
    -----
    Python; the order of a step is: predict, tell dopamine if asked, learn.

    References
    ----------
    .. [1] Sutton (1988), Machine Learning 3:9, doi:10.1007/BF00115009.
    .. [2] Schultz, Dayan & Montague (1997), Science 275:1593, doi:10.1126/science.275.5306.1593.

    Examples
    --------
    A light at step 5 and a reward at step 15. The error is at the reward at first, later at the light:

    >>> critic = TDCritic(learning_rate=0.3, discount=0.98)
    >>> errors = [critic.trial({"light": 5}, {15: 1.0}, n_steps=20) for _ in range(200)]
    >>> errors[0][[5, 15]].tolist(), errors[-1][[5, 15]].round(3).tolist()
    ([0.0, 1.0], [0.817, 0.0])

    With dopamine, states and rewards as they come:

    >>> from neuromod import NeuromodulationSystem
    >>> system, critic = NeuromodulationSystem(), TDCritic(learning_rate=0.5)
    >>> critic.reward(system, "lever", 1.0), system.dopamine.state.level
    (1.0, 0.9)
    >>> critic.reward(system, "lever", 1.0), system.dopamine.state.level
    (0.5, 0.7)
    >>> critic
    TDCritic(learning_rate=0.5, discount=0.98, trace_decay=0, keys=1)
    """

    @names_near
    def __init__(
        self,
        learning_rate: float = 0.1,
        discount: float = 0.98,
        trace_decay: float = 0.0,
        initial_value: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, initial_value)
        self.discount = discount
        self.trace_decay = trace_decay
        self._traces: dict[Hashable, Any] = {}

    @property
    def discount(self) -> float:
        """What a reward is worth one step earlier, 0 to 1. May be set at any time."""
        return self._discount

    @discount.setter
    def discount(self, value: float) -> None:
        self._discount = checked_part("discount", value)

    @property
    def trace_decay(self) -> float:
        """Lambda, 0 to 1. May be set at any time."""
        return self._trace_decay

    @trace_decay.setter
    def trace_decay(self, value: float) -> None:
        self._trace_decay = checked_part("trace_decay", value)

    @names_near
    def update(self, state: Any, reward: float, next_state: Any = None, terminal: bool = False) -> float:
        """Learn from one step; return the prediction error.

        Parameters
        ----------
        state : key, set, mapping, array_like of float, no unit, or None
            Where the step began, as the module says.
        reward : float, finite, reward units
            What it brought.
        next_state : as `state`, optional
            Where it ended. Default None: nothing that has a value.
        terminal : bool, default False
            Whether an episode ends here: `next_state` then counts 0, and the traces are cleared.

        Returns
        -------
        float
            ``reward + discount * V(next_state) - V(state)``, with the values from before the learning.

        Raises
        ------
        ValueError, TypeError
            If a state is none or a number is not finite. Nothing is learned.
        NumericalError
            If the weights have diverged, as features and a high learning rate can make them. Nothing is learned.

        Examples
        --------
        >>> critic = TDCritic(learning_rate=0.5, discount=0.9)
        >>> critic.update("cue", 0.0, "food"), critic.update("food", 1.0, terminal=True)
        (0.0, 1.0)
        >>> critic.update("cue", 0.0, "food"), critic.value("cue")
        (0.45, 0.225)
        """
        return self._step(None, None, state, reward, next_state, terminal)

    @names_near
    def reward(
        self,
        system: NeuromodulationSystem | DopamineSystem,
        state: Any,
        reward: float,
        next_state: Any = None,
        terminal: bool = False,
        region: str | None = None,
    ) -> float:
        """Learn as `update` does, and set dopamine from the prediction error.

        Parameters
        ----------
        system : NeuromodulationSystem or DopamineSystem
            Takes ``process_reward(reward, expected_reward=V(state) - discount * V(next_state))``.
        state, next_state : key, set, mapping, array_like of float, no unit, or None
        reward : float, finite, reward units
        terminal : bool, default False
        region : str, optional
            Region whose dopamine is set. Default: all.

        Returns
        -------
        float
            The prediction error.

        Raises
        ------
        ValueError, TypeError
            As `update`, or if `region` is unknown. No level changes and nothing is learned.

        Examples
        --------
        >>> from neuromod import DopamineSystem
        >>> dopamine, critic = DopamineSystem(), TDCritic()
        >>> critic.reward(dopamine, "tone", 0.5), dopamine.state.level
        (0.5, 0.7)
        """
        return self._step(_dopamine(system), region, state, reward, next_state, terminal)

    @names_near
    def trial(
        self,
        onsets: Mapping[Hashable, int],
        rewards: Mapping[int, float],
        n_steps: int,
        learn: bool = True,
    ) -> Floats:
        """One trial of conditioning with a `serial_compound` of its stimuli; the error in every step.

        A trial is an episode: traces are cleared before and after it.

        Parameters
        ----------
        onsets : mapping of key to int, steps, 0 to n_steps - 1
            When each stimulus begins.
        rewards : mapping of int to float, steps 0 to n_steps - 1, reward units
            What comes when.
        n_steps : int, steps, >= 1
        learn : bool, default True
            With False only predicts, and changes nothing: a probe.

        Returns
        -------
        ndarray of float64, shape (n_steps,)
            ``r(t) + discount * V(t) - V(t - 1)``: what dopamine shows. Before the first stimulus V is 0.

        Raises
        ------
        ValueError, TypeError
            If an argument is out of its domain. Nothing is learned.

        Examples
        --------
        >>> critic = TDCritic(learning_rate=0.3, discount=1.0)
        >>> for _ in range(100):
        ...     errors = critic.trial({"light": 5}, {15: 1.0}, n_steps=20)
        >>> omission = critic.trial({"light": 5}, {}, n_steps=20, learn=False)
        >>> omission.round(2).nonzero()[0].tolist(), omission[[5, 15]].round(2).tolist()
        ([5, 15], [1.0, -1.0])
        """
        n_steps, learn = checked_count(n_steps, "n_steps", 1), checked_flag(learn, "learn")
        checked_mapping(onsets, "onsets", "stimuli to steps")
        checked_mapping(rewards, "rewards", "steps to rewards")
        _check_steps("onsets", onsets.values(), n_steps)
        _check_steps("rewards", rewards, n_steps)
        came = {step: checked_number(f"rewards[{step}]", reward) for step, reward in rewards.items()}
        states = [None, *(self._weights.active(serial_compound(onsets, step)) for step in range(n_steps))]
        if learn:
            self.clear_traces()
        errors = np.zeros(n_steps)
        for step in range(n_steps):
            before, now = states[step] or {}, states[step + 1] or {}
            expected = self._weights.value(before) - self._discount * self._weights.value(now)
            errors[step] = _told(None, came.get(step, 0.0), expected, None)
            if learn:
                self._learn(before, float(errors[step]))
        if learn:
            self.clear_traces()
        return errors

    def clear_traces(self) -> None:
        """Begin an episode without a past: what was met so far keeps its value but takes no more credit."""
        self._traces.clear()

    def reset(self) -> None:
        """Forget all that was learned, and the traces."""
        super().reset()
        self._traces.clear()

    def to_dict(self) -> dict[str, Any]:
        """Parameters, weights and traces as plain lists and numbers, which ``json`` can write.

        Returns
        -------
        dict
            What `from_dict` takes: also with the version of the package and a SHA-256 over all of it.
        """
        own = {"discount": self._discount, "trace_decay": self._trace_decay}
        return sealed(self._saved() | own | {"traces": saved_table(self._traces)})

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TDCritic:
        """The critic that `to_dict` was called on.

        Parameters
        ----------
        state : mapping
            What `to_dict` gave, also after a way through JSON.

        Returns
        -------
        TDCritic

        Raises
        ------
        ConfigError
            If it is no such mapping, was changed since, or an entry of it breaks a rule; each problem as ``where: rule;
            what came``.

        Examples
        --------
        >>> critic = TDCritic()
        >>> error = critic.update(("maze", 3), 1.0)
        >>> TDCritic.from_dict(critic.to_dict()).value(("maze", 3))
        0.1
        """
        part = checked_state(
            cls, state, "learning_rate", "discount", "trace_decay", "initial_value", "traces"
        )
        weights, traces = restored_table(part, "weights"), restored_table(part, "traces")
        rate, discount, decay = (
            part.number(name, 0.0, 1.0) for name in ("learning_rate", "discount", "trace_decay")
        )
        initial = part.number("initial_value", -LARGEST, LARGEST)
        part.finish()
        critic = cls(rate, discount, decay, initial)  # type: ignore[arg-type]  # None: `finish` has raised
        critic._weights.table, critic._traces = weights, traces
        return critic

    def _step(
        self,
        dopamine: DopamineSystem | None,
        region: str | None,
        state: Any,
        reward: float,
        next_state: Any,
        terminal: bool,
    ) -> float:
        came = checked_number("reward", reward)
        before, after = self._weights.active(state), self._weights.active(next_state, "next_state")
        ahead = 0.0 if checked_flag(terminal, "terminal") else self._discount * self._weights.value(after)
        error = _told(dopamine, came, self._weights.value(before) - ahead, region)
        self._learn(before, error)
        if terminal:
            self._traces.clear()
        return error

    def _learn(self, active: Active, error: float) -> None:
        if not self._trace_decay:
            self._traces.clear()
            self._weights.move(self._learning_rate * error, active)
            return
        keep = self._discount * self._trace_decay
        left = {key: keep * trace for key, trace in self._traces.items()}
        for key, amount in active.items():
            left[key] = left.get(key, 0.0) + amount
        self._traces = {key: trace for key, trace in left.items() if size_of(trace) > _FORGOTTEN}
        self._weights.move(self._learning_rate * error, self._traces)

    def __repr__(self) -> str:
        rates = f"learning_rate={self._learning_rate:g}, discount={self._discount:g}"
        return f"TDCritic({rates}, trace_decay={self._trace_decay:g}, {self._weights.size()})"


class RescorlaWagner(Critic):
    """Rescorla-Wagner: stimuli that are present together share the error of one prediction.

    After a trial, ``error = reward - sum of V over what is present``, and each stimulus i that was present moves by
    ``learning_rate * salience_i * error``.

    Parameters
    ----------
    learning_rate : float, 0 to 1, default 0.1
    salience : mapping of key to float, 0 to 1, optional
        How fast a stimulus learns. Default: 1 for all that are not named.
    initial_value : float, finite, reward units, default 0

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its domain or no number.

    References
    ----------
    .. [1] Rescorla & Wagner (1972), in Black & Prokasy (eds), Classical Conditioning II, Appleton-Century-Crofts, 64.

    Examples
    --------
    Blocking: what the light has taught already, the tone beside it does not learn.

    >>> critic = RescorlaWagner(learning_rate=0.2)
    >>> for _ in range(50):
    ...     error = critic.update("light", 1.0)
    >>> for _ in range(50):
    ...     error = critic.update({"light", "tone"}, 1.0)
    >>> round(critic.value("light"), 3), round(critic.value("tone"), 3)
    (1.0, 0.0)
    >>> critic
    RescorlaWagner(learning_rate=0.2, keys=2)
    """

    @names_near
    def __init__(
        self,
        learning_rate: float = 0.1,
        salience: Mapping[Hashable, float] | None = None,
        initial_value: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, initial_value)
        self._salience = {
            checked_key(key): checked_part(f"salience[{key!r}]", part)
            for key, part in checked_mapping(
                {} if salience is None else salience, "salience", "keys to numbers"
            ).items()
        }

    @property
    def salience(self) -> dict[Hashable, float]:
        """The saliences that were given, 0 to 1. A copy."""
        return dict(self._salience)

    @names_near
    def update(self, state: Any, reward: float) -> float:
        """Learn from one trial; return the prediction error.

        Parameters
        ----------
        state : key, set, mapping, array_like of float, no unit, or None
            The stimuli of the trial, as the module says.
        reward : float, finite, reward units
            Its outcome.

        Returns
        -------
        float
            ``reward - value(state)``, with the values from before the learning.

        Raises
        ------
        ValueError, TypeError
            If `state` is none or a number is not finite. Nothing is learned.

        Examples
        --------
        >>> critic = RescorlaWagner(learning_rate=0.5)
        >>> critic.update("light", 1.0), critic.update("light", 1.0), critic.value("light")
        (1.0, 0.5, 0.75)
        """
        return self._step(None, None, state, reward)

    @names_near
    def reward(
        self,
        system: NeuromodulationSystem | DopamineSystem,
        state: Any,
        reward: float,
        region: str | None = None,
    ) -> float:
        """Learn as `update` does, and set dopamine from the prediction error.

        Parameters
        ----------
        system : NeuromodulationSystem or DopamineSystem
            Takes ``process_reward(reward, expected_reward=value(state))``.
        state : key, set, mapping, array_like of float, no unit, or None
        reward : float, finite, reward units
        region : str, optional
            Region whose dopamine is set. Default: all.

        Returns
        -------
        float
            The prediction error.

        Raises
        ------
        ValueError, TypeError
            As `update`, or if `region` is unknown. No level changes and nothing is learned.

        Examples
        --------
        The same reward, expected better and better:

        >>> from neuromod import NeuromodulationSystem
        >>> system, critic = NeuromodulationSystem(), RescorlaWagner(learning_rate=0.5)
        >>> for _ in range(4):
        ...     print(critic.reward(system, "bell", 1.0), round(system.dopamine.state.level, 3))
        1.0 0.9
        0.5 0.7
        0.25 0.6
        0.125 0.55
        """
        return self._step(_dopamine(system), region, state, reward)

    def to_dict(self) -> dict[str, Any]:
        """Parameters and weights as plain lists and numbers, which ``json`` can write.

        Returns
        -------
        dict
            What `from_dict` takes: also with the version of the package and a SHA-256 over all of it.
        """
        return sealed(self._saved() | {"salience": saved_table(self._salience)})

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> RescorlaWagner:
        """The critic that `to_dict` was called on.

        Parameters
        ----------
        state : mapping
            What `to_dict` gave, also after a way through JSON.

        Returns
        -------
        RescorlaWagner

        Raises
        ------
        ConfigError
            If it is no such mapping, was changed since, or an entry of it breaks a rule; each problem as ``where: rule;
            what came``.

        Examples
        --------
        >>> critic = RescorlaWagner()
        >>> error = critic.update("light", 1.0)
        >>> RescorlaWagner.from_dict(critic.to_dict()).value("light")
        0.1
        """
        part = checked_state(cls, state, "learning_rate", "salience", "initial_value")
        salience, weights = restored_table(part, "salience", 0.0, 1.0), restored_table(part, "weights")
        rate = part.number("learning_rate", 0.0, 1.0)
        initial = part.number("initial_value", -LARGEST, LARGEST)
        part.finish()
        critic = cls(rate, salience, initial)  # type: ignore[arg-type]  # None: `finish` has raised
        critic._weights.table = weights
        return critic

    def _step(self, dopamine: DopamineSystem | None, region: str | None, state: Any, reward: float) -> float:
        came, active = checked_number("reward", reward), self._weights.active(state)
        error = _told(dopamine, came, self._weights.value(active), region)
        salient = {key: self._salience.get(key, 1.0) * amount for key, amount in active.items()}
        self._weights.move(self._learning_rate * error, salient)
        return error

    def __repr__(self) -> str:
        return f"RescorlaWagner(learning_rate={self._learning_rate:g}, {self._weights.size()})"


def _check_steps(where: str, steps: Iterable[Any], n_steps: int) -> None:
    for step in steps:
        if checked_count(step, where) >= n_steps:
            raise ValueError(f"{where}: must be steps below n_steps, {n_steps}; got {step}")


def _dopamine(system: Any) -> DopamineSystem:
    if isinstance(system, NeuromodulationSystem):
        return system.dopamine
    if not isinstance(system, DopamineSystem):
        kinds = "a NeuromodulationSystem or a DopamineSystem"
        raise TypeError(f"system: must be {kinds}; got {type(system).__name__}")
    return system


def _told(dopamine: DopamineSystem | None, reward: float, expected: float, region: str | None) -> float:
    """The prediction error; dopamine, if there is one, is told."""
    error = reward - expected
    if not math.isfinite(error):
        raise NumericalError(f"prediction error: must be finite; got {error}: a lower learning_rate may help")
    return error if dopamine is None else dopamine.update(reward, expected, region=region)
