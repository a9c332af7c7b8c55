"""What is called while an agent learns, by the protocol of Stable-Baselines3's callbacks."""

from __future__ import annotations

import csv
import inspect
import math
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import checked_count, checked_number
from neuromod.atomic import checked_path
from neuromod.errors import ConfigError
from neuromod.near_names import names_near
from neuromod.optional import optional_module
from neuromod.problems import shown

__all__ = [
    "CSVLog",
    "Callback",
    "FunctionCallback",
    "LevelLog",
    "StopOnMeanReturn",
    "TensorBoardLog",
    "as_callback",
    "finite_reward",
]


class Callback:
    """Called while an agent learns; a callback of your own overrides the methods with an underscore.

    The methods and attributes are those of Stable-Baselines3's ``BaseCallback``, whose subclasses may be given, too,
    where they use no more than these.

    Attributes
    ----------
    model : Agent or VectorAgent
    locals : dict
        ``rewards``, ``dones`` and ``infos`` of the last step, each with an entry for each environment; ``self``, the
        agent; ``episodes``, the (return, length) of each episode that ended in it; ``members``, the number of the
        environment of each of them.
    n_calls, num_timesteps : int
        Calls of `on_step`, and steps of environments of this agent so far.

    Examples
    --------
    >>> class Count(Callback):
    ...     def _on_step(self):
    ...         return self.n_calls < 10
    >>> Count().n_calls
    0
    """

    def __init__(self) -> None:
        self.model: Any = None
        self.n_calls = self.num_timesteps = 0
        self.locals: dict[str, Any] = {}

    def init_callback(self, model: Any) -> None:
        """Take note of the agent.

        Parameters
        ----------
        model : Agent or VectorAgent
        """
        self.model = model
        self._init_callback()

    def on_training_start(self, locals_: dict[str, Any], globals_: dict[str, Any]) -> None:
        """Called before the first step.

        Parameters
        ----------
        locals_, globals_ : dict
        """
        self.locals, self.num_timesteps = locals_, self.model.num_timesteps
        self._on_training_start()

    def update_locals(self, locals_: dict[str, Any]) -> None:
        """Called before `on_step`.

        Parameters
        ----------
        locals_ : dict
        """
        self.locals.update(locals_)

    def on_step(self) -> bool:
        """Called after each step.

        Returns
        -------
        bool
            False: learning ends here.
        """
        self.n_calls += 1
        self.num_timesteps = self.model.num_timesteps
        return self._on_step()

    def on_training_end(self) -> None:
        """Called after the last step."""
        self._on_training_end()

    def _init_callback(self) -> None:
        """For a subclass."""

    def _on_training_start(self) -> None:
        """For a subclass."""

    def _on_step(self) -> bool:
        """For a subclass."""
        return True

    def _on_training_end(self) -> None:
        """For a subclass."""


class FunctionCallback(Callback):
    """A function as a callback.

    Parameters
    ----------
    function : callable
        Gets ``locals`` and ``globals``; where it returns False or another false value but None, learning ends.

    Examples
    --------
    >>> FunctionCallback(lambda own, _: True).on_training_end()
    """

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def _on_step(self) -> bool:
        answer = self.function(self.locals, globals())
        return answer is None or bool(answer)


class StopOnMeanReturn(Callback):
    """Ends learning when the mean return of the last episodes of this call of `learn` has reached a threshold.

    Parameters
    ----------
    threshold : float, units of the environment's reward
    episodes : int, >= 1, default 100

    Raises
    ------
    ValueError, TypeError
        If `threshold` is no finite number, or `episodes` is below 1.

    Examples
    --------
    >>> StopOnMeanReturn(475.0).episodes
    100
    """

    @names_near
    def __init__(self, threshold: float, episodes: int = 100) -> None:
        super().__init__()
        self.threshold = checked_number(threshold, "threshold")
        self.episodes = checked_count(episodes, "episodes", 1)
        self._returns: list[float] = []

    def _on_training_start(self) -> None:
        self._returns = []

    def _on_step(self) -> bool:
        self._returns += [total for total, _ in self.locals["episodes"]]
        self._returns = self._returns[-self.episodes :]
        return len(self._returns) < self.episodes or float(np.mean(self._returns)) < self.threshold


class CSVLog(Callback):
    """Writes a line for each episode: ``step``, ``episode``, ``return``, ``length``, and the modulators' levels.

    Of a `VectorAgent` the column ``environment``, after ``episode``, has the number of the environment, 0 to n - 1. The
    levels are those of its agent.

    Parameters
    ----------
    path : str or Path
        Written anew when learning starts.

    Examples
    --------
    >>> log = CSVLog("episodes.csv")
    """

    @names_near
    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = checked_path(path)
        self._file: IO[str] | None = None
        self._episode = 0

    def _on_training_start(self) -> None:
        self._file, self._episode = self.path.open("w", newline="", encoding="utf-8"), 0
        self._writer = csv.writer(self._file)
        self._names = list(self.model.levels)
        self._several = hasattr(self.model, "__len__")
        which = ["environment"] if self._several else []
        self._writer.writerow(["step", "episode", *which, "return", "length", *self._names])

    def _on_step(self) -> bool:
        for (total, length), k in zip(self.locals["episodes"], self.locals["members"], strict=True):
            self._episode += 1
            which = [k] if self._several else []
            levels = [float(np.atleast_1d(self.model.levels[name])[k]) for name in self._names]
            self._writer.writerow([self.num_timesteps, self._episode, *which, total, length, *levels])
        return True

    def _on_training_end(self) -> None:
        if self._file is not None:
            self._file.close()


class TensorBoardLog(Callback):
    """Writes for TensorBoard what `CSVLog` writes for spreadsheets, by tensorboardX (extra ``tensorboard``).

    Each episode is a point of ``rollout/ep_rew`` and ``rollout/ep_len``, and of ``levels/`` with the name of each
    modulator, over the number of steps.

    Parameters
    ----------
    directory : str or Path
        Of TensorBoard's files; made where there is none. ``tensorboard --logdir`` takes it.

    Raises
    ------
    ModuleNotFoundError
        If tensorboardX is missing; the message says what to install.

    Examples
    --------
    >>> log = TensorBoardLog("runs/first")  # doctest: +SKIP
    """

    @names_near
    def __init__(self, directory: str | Path) -> None:
        super().__init__()
        self.directory = Path(directory)
        self._made = optional_module("tensorboardX", "tensorboard", "TensorBoardLog").SummaryWriter
        self._writer: Any = None

    def _on_training_start(self) -> None:
        self._writer = self._made(str(self.directory))

    def _on_step(self) -> bool:
        for total, length in self.locals["episodes"]:
            self._writer.add_scalar("rollout/ep_rew", total, self.num_timesteps)
            self._writer.add_scalar("rollout/ep_len", length, self.num_timesteps)
        if self.locals["episodes"]:
            for name, level in self.model.levels.items():
                self._writer.add_scalar(f"levels/{name}", float(np.mean(level)), self.num_timesteps)
        return True

    def _on_training_end(self) -> None:
        if self._writer is not None:
            self._writer.close()


class LevelLog(Callback):
    """Keeps the modulators' levels after each step, for `neuromod.plot.levels`.

    Dopamine's is the level at which it last acted. It acts for one step of the network, so that a `LevelMonitor`, which
    looks at the ends of steps, does not see it.

    Attributes
    ----------
    names : tuple of str
        Of the modulators.

    Examples
    --------
    >>> LevelLog().time.size
    0
    """

    names: tuple[str, ...] = ("dopamine", "serotonin", "norepinephrine")

    def __init__(self) -> None:
        super().__init__()
        self._time: list[float] = []
        self._values: list[NDArray[np.float64]] = []

    def _on_step(self) -> bool:
        one = self.model[0] if hasattr(self.model, "__len__") else self.model
        self._time.append(one.sim.time)
        self._values.append(np.stack([self.model.levels[name] for name in self.names], axis=-1))
        return True

    @property
    def time(self) -> NDArray[np.float64]:
        """Time of the network, or of the first one, after each step, ms, shape (n_steps,)."""
        return np.array(self._time)

    @property
    def values(self) -> NDArray[np.float64]:
        """Levels, 0 to 1, shape (n_steps, n_modulators); with several agents (n_steps, n_agents, n_modulators)."""
        return np.array(self._values)


class _Several(Callback):
    """Callbacks one after the other."""

    def __init__(self, callbacks: list[Any]) -> None:
        super().__init__()
        self.callbacks = callbacks

    def init_callback(self, model: Any) -> None:
        self.model = model
        for callback in self.callbacks:
            callback.init_callback(model)

    def on_training_start(self, locals_: dict[str, Any], globals_: dict[str, Any]) -> None:
        for callback in self.callbacks:
            callback.on_training_start(locals_, globals_)

    def update_locals(self, locals_: dict[str, Any]) -> None:
        for callback in self.callbacks:
            callback.update_locals(locals_)

    def on_step(self) -> bool:
        going = [callback.on_step() for callback in self.callbacks]  # each is called
        return all(each is None or each for each in going)

    def on_training_end(self) -> None:
        for callback in self.callbacks:
            callback.on_training_end()


_METHODS = ("init_callback", "on_training_start", "update_locals", "on_step", "on_training_end")


def as_callback(given: Any) -> Callback:
    """A callback of what `learn` was given: None, a callback, a function, or a sequence of them."""
    if given is None:
        return Callback()
    if isinstance(given, list | tuple):
        return _Several([as_callback(each) for each in given])
    if not isinstance(given, type) and all(callable(getattr(given, name, None)) for name in _METHODS):
        return given  # type: ignore[no-any-return]
    if callable(given) and not isinstance(given, type):
        _check_takes_two(given)
        return FunctionCallback(given)
    hint = (
        f"; {given.__name__}(...) is one" if isinstance(given, type) and issubclass(given, Callback) else ""
    )
    raise ConfigError(
        [f"callback: must be a Callback, a function or a list of them; got {shown(given)}{hint}"]
    )


def _check_takes_two(function: Any) -> None:
    """Refuse a function that cannot be called with two arguments, before anything is learned."""
    try:
        inspect.signature(function).bind({}, {})
    except TypeError as error:
        raise ConfigError(
            [f"callback: must take two arguments, as in f(locals, globals); got {shown(function)}: {error}"]
        ) from None
    except ValueError:  # a function that does not tell what it takes
        return


def finite_reward(value: Any) -> float:
    """A reward as a finite number."""
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    found = np.asarray(value)
    if found.size != 1 or found.dtype.kind not in "biuf" or not np.isfinite(found).all():
        raise ValueError(f"reward: must be a finite number; got {shown(value)}")
    return float(found.reshape(()))
