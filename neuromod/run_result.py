"""What a run gives back: a dict that shows itself in a line, and in a notebook as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from neuromod.errors import printable
from neuromod.notebook import html_table
from neuromod.problems import NearAttributes, unknown_name

__all__ = ["Rates", "RunResult"]


class Rates(Mapping[str, float]):
    """Mean rates in a run, Hz, of each population and area that has neurons at its end; computed when looked at.

    Where neurons die and are born, of each that had neurons in the run: spikes by neurons and seconds lived.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_neurons,)
        Spikes of each neuron.
    areas : Areas
        Of the network, as it is now.
    ms : float, ms, >= 0
        Length of the run.
    lived : ndarray of int64, shape (2, n_areas + 1), optional
        Of each area spikes, and steps that its neurons lived, where neurons die and are born.
    n_steps : int, default 0
        Steps of the run, for `lived`.

    Examples
    --------
    >>> from neuromod import Simulation
    >>> sim = Simulation(seed=1)
    >>> E, noise = sim.create(10, "lif", name="E"), sim.create(50, "poisson", name="noise", rate=1000.0)
    >>> sim.run(100)["rates"]
    Rates(E 0 Hz, noise 1000 Hz)
    """

    def __init__(
        self,
        counts: NDArray[np.int64],
        areas: Any,
        ms: float,
        lived: NDArray[np.int64] | None = None,
        n_steps: int = 0,
    ) -> None:
        self._counts, self._ms = counts, ms
        self._lived, self._steps = lived if n_steps else None, n_steps
        self._names, self._area = areas.names, areas.columns.column("area").copy()
        self._known: dict[str, float] | None = None

    def _found(self) -> dict[str, float]:
        if self._known is None:
            inside = self._area >= 0
            numbers, n = self._area[inside], len(self._names)
            if self._lived is not None:
                spikes, neurons = self._lived[0, :n], self._lived[1, :n] / self._steps
            else:
                spikes = np.bincount(numbers, self._counts[inside], n)
                neurons = np.bincount(numbers, minlength=n).astype(np.float64)
            rates = spikes / np.where(neurons, neurons, 1) / (self._ms / 1000.0 or 1.0)
            each = zip(self._names, rates.tolist(), neurons.tolist(), strict=True)
            self._known = {name: rate for name, rate, size in each if size}
        return self._known

    def __getitem__(self, name: str) -> float:
        found = self._found()
        if name in found:
            return found[name]
        if name in self._names:
            raise KeyError(f"rates[{name!r}]: had no neurons in the run, so no rate")
        raise unknown_name("rates", name, found)

    def __contains__(self, name: object) -> bool:
        return name in self._found()  # without a search for near names

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def __repr__(self) -> str:
        return f"Rates({_listed(self)})"


def _listed(rates: Mapping[str, float]) -> str:
    """The first rates, and how many there are besides."""
    shown = [f"{printable(name)} {rates[name]:.4g} Hz" for name in list(rates)[:_MOST]]
    more = len(rates) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")


_MOST = 8
"""Rates that a line shows."""


class RunResult(dict[str, Any], NearAttributes):
    """The facts of a run by name; a dict, whose repr has a sum where an array would fill the screen."""

    def __missing__(self, name: Any) -> NoReturn:
        raise unknown_name("run", name, self)

    def __repr__(self) -> str:
        shown = [(name, f"({value})" if name == "rates" else value) for name, value in self._shown()]
        return f"RunResult({', '.join(f'{name}={value}' for name, value in shown)})"

    def _repr_html_(self) -> str:
        return html_table(("", ""), self._shown(), "RunResult")

    def _shown(self) -> list[tuple[str, str]]:
        return [(name, _short(name, value)) for name, value in self.items()]


def _short(name: str, value: Any) -> str:
    if name == "spike_counts":
        return f"{int(np.sum(value)):,} spikes of {np.shape(value)[-1]:,} neurons"
    if name == "mean_rate" and np.ndim(value) == 0:
        return f"{value:.4g} Hz"
    if isinstance(value, Rates):
        return _listed(value) or "none"
    return f"array of shape {np.shape(value)}" if np.ndim(value) else str(value)
