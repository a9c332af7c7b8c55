"""What a run gives back: a dict that shows itself in a line, and in a notebook as a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromod.notebook import html_table

__all__ = ["RunResult"]


class RunResult(dict[str, Any]):
    """The facts of a run by name; a dict, whose repr has a sum where an array would fill the screen."""

    def __repr__(self) -> str:
        return f"RunResult({', '.join(f'{name}={value}' for name, value in self._shown())})"

    def _repr_html_(self) -> str:
        return html_table(("", ""), self._shown(), "RunResult")

    def _shown(self) -> list[tuple[str, str]]:
        return [(name, _short(name, value)) for name, value in self.items()]


def _short(name: str, value: Any) -> str:
    if name == "spike_counts":
        return f"{int(np.sum(value)):,} spikes of {np.shape(value)[-1]:,} neurons"
    if name == "mean_rate" and np.ndim(value) == 0:
        return f"{value:.4g} Hz"
    return f"array of shape {np.shape(value)}" if np.ndim(value) else str(value)
