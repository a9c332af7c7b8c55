"""What all figures share: new axes, colours, areas by name, and the rules by which many values are thinned.

matplotlib is imported when a figure is made. ``pyplot`` is used only where a user already works with it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "EVENT_MODULATOR",
    "GROUP_COLOURS",
    "MODULATOR_COLOURS",
    "MOST_DOTS",
    "Areas",
    "bare_figure",
    "colour_of",
    "in_notebook",
    "line_colours",
    "named_areas",
    "new_axes",
    "new_figure",
    "stride_for",
    "thousands",
]

MODULATOR_COLOURS = {
    "dopamine": "#D55E00",
    "serotonin": "#0072B2",
    "norepinephrine": "#009E73",
    "acetylcholine": "#CC79A7",
    "orexin": "#E69F00",
}
"""Colour of each modulator in every figure, from the colour-blind safe palette of Okabe & Ito."""

GROUP_COLOURS = {"rewarded": "#D55E00", "punished": "#0072B2", "other": "#7F7F7F"}
EVENT_MODULATOR = {"reward": "dopamine", "punishment": "serotonin", "uncertainty": "norepinephrine"}
MOST_DOTS = 200_000  # of one raster: more take seconds, and cover each other

_DECLARED_COLOURS = ("#56B4E9", "#000000", "#7F7F7F")  # the rest of that palette, for declared modulators
_LINE_COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_GREY = "#7F7F7F"

Areas = Mapping[str, ArrayLike] | Sequence[Any]


def in_notebook() -> bool:
    """Whether IPython runs this program."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return shell is not None and shell() is not None


def bare_figure(function: str, **options: Any) -> Figure:
    """A figure that belongs to no window. `function` is named where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        from neuromod.optional import installing

        raise ImportError(
            f"neuromod.{function if '.' in function else f'plot.{function}'} needs matplotlib: "
            f"{installing('plot')}"
        ) from error
    return Figure(layout="constrained", **options)


def new_figure(function: str, **options: Any) -> Figure:
    """A figure of pyplot where pyplot or IPython is at work, so that it is shown as any other; else a bare one."""
    if not (in_notebook() or "matplotlib.pyplot" in sys.modules):
        return bare_figure(function, **options)
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return bare_figure(function, **options)  # says what to install
    return plt.figure(layout="constrained", **options)


def new_axes(function: str, ax: Axes | None, **options: Any) -> Axes:
    """The axes given, or those of a new figure."""
    return new_figure(function, **options).subplots() if ax is None else ax


def colour_of(name: str, position: int) -> str:
    """Colour of a modulator, or of the modulator that an event goes to."""
    known = MODULATOR_COLOURS.get(EVENT_MODULATOR.get(name, name))
    return _DECLARED_COLOURS[position % len(_DECLARED_COLOURS)] if known is None else known


def line_colours(n: int) -> list[str]:
    """Colours of n curves of one kind."""
    return [_LINE_COLOURS[k % len(_LINE_COLOURS)] for k in range(n)]


def named_areas(areas: Areas) -> dict[str, NDArray[np.int64]]:
    """Neuron ids, ascending, by the name of an area or a population."""
    named = areas if isinstance(areas, Mapping) else {each.name: each.ids for each in areas}
    return {str(name): np.sort(np.asarray(ids, dtype=np.int64)) for name, ids in named.items()}


def stride_for(n: int, most: int) -> int:
    """One value of how many is drawn, so that at most `most` of `n` are."""
    return max(1, -(-n // most))


def thousands(axis: Any) -> None:
    """Write numbers of an axis with a comma at the thousands."""
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
