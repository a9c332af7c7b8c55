"""What `learn` returns: returns and lengths of the episodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuromod.notebook import html_of

__all__ = ["History"]


@dataclass
class History:
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

    def __repr__(self) -> str:
        last = f", mean return of the last 100 {np.mean(self.totals[-100:]):.4g}" if self.totals else ""
        return f"History({len(self)} episodes{last})"

    _repr_html_ = html_of
