"""What `learn` returns: returns and lengths of the episodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.notebook import html_of
from neuromod.optional import optional_module
from neuromod.problems import NearAttributes

__all__ = ["History", "saying_how_far"]


@dataclass
class History(NearAttributes):
    """The episodes that ended while an agent learned, in the order of their ends.

    Parameters
    ----------
    totals : list of float, units of the environment's reward
    steps : list of int, steps
        Length of each.
    ends : list of int, steps
        Steps of this agent's environments so far when it ended.
    members : list of int
        Number of the environment, 0 where there is one.

    Examples
    --------
    >>> History([1.0], [7], [7], [0]).returns
    array([1.])
    """

    totals: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    members: list[int] = field(default_factory=list)

    def add(self, total: float, length: int, end: int, member: int = 0) -> None:
        """Note an episode.

        Parameters
        ----------
        total : float, units of the environment's reward
        length, end, member : int
        """
        self.totals.append(total)
        self.steps.append(length)
        self.ends.append(end)
        self.members.append(member)

    def __len__(self) -> int:
        return len(self.totals)

    @property
    def returns(self) -> NDArray[np.float64]:
        """Return of each episode; `neuromod.plot.learning_curve` draws it."""
        return np.array(self.totals, dtype=np.float64)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each episode, steps."""
        return np.array(self.steps, dtype=np.int64)

    def to_pandas(self) -> Any:
        """The episodes as a table of pandas, in the columns of `CSVLog`, without the levels.

        Returns
        -------
        pandas.DataFrame
            ``step``, ``environment``, ``return`` and ``length`` of each episode.

        Raises
        ------
        ImportError
            If pandas is not installed; it names the extra that installs it.
        """
        pandas = optional_module("pandas", "pandas", "to_pandas")
        columns = {
            "step": self.ends,
            "environment": self.members,
            "return": self.returns,
            "length": self.lengths,
        }
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        of = "the last 100" if len(self) > 100 else "all"
        last = f", mean return of {of} {np.mean(self.totals[-100:]):.4g}" if self.totals else ""
        return f"History({len(self):,} episode{'' if len(self) == 1 else 's'}{last})"

    _repr_html_ = html_of


@contextmanager
def saying_how_far(agent: Any, steps: int) -> Iterator[None]:
    """A Ctrl-C in ``learn`` says how far it came, and where its episodes are.

    Parameters
    ----------
    agent : Agent or VectorAgent
    steps : int
        Of the call.
    """
    before = agent.num_timesteps
    try:
        yield
    except KeyboardInterrupt:
        done = agent.num_timesteps - before
        raise KeyboardInterrupt(
            f"learn: was interrupted after {done:,} of {steps:,} steps; what is learned stays, and learn goes on from "
            "there; history has the episodes"
        ) from None
