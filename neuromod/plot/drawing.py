"""What all figures share: new axes, colours, legends, the axis of time, and how many values are drawn.

matplotlib is imported when a figure is made. ``pyplot`` is used only where a user already works with it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from neuromod.errors import printable
from neuromod.problems import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "EVENT_MODULATOR",
    "GROUP_COLOURS",
    "MODULATOR_COLOURS",
    "bare_figure",
    "colour_of",
    "in_notebook",
    "legend_above",
    "line_colours",
    "literal",
    "new_axes",
    "new_figure",
    "say_nothing",
    "size_of",
    "stride_for",
    "thousands",
    "time_axis",
    "whole_numbers",
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

_DECLARED_COLOURS = ("#56B4E9", "#000000", "#7F7F7F")  # the rest of that palette, for declared modulators
_LINE_COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_SECONDS_FROM = 10_500.0  # ms: a longer axis of time, its margin included, counts seconds
_NARROW = 4.0  # inches of axes: fewer ticks and smaller legends
_SMALL = 0.7  # size of a legend on narrow axes, in that of the text


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
    if not in_notebook():
        return plt.figure(layout="constrained", **options)
    # A notebook closes the figures of a cell at its end: many are no leak. `rc_context` would also take back what the
    # first figure sets up.
    known = plt.rcParams["figure.max_open_warning"]
    plt.rcParams["figure.max_open_warning"] = 0
    try:
        return plt.figure(layout="constrained", **options)
    finally:
        plt.rcParams["figure.max_open_warning"] = known


def new_axes(function: str, ax: Axes | None, **options: Any) -> Axes:
    """The axes given, or those of a new figure."""
    if ax is None:
        return new_figure(function, **options).subplots()
    if not hasattr(ax, "add_line"):
        hint = "; take figure.subplots()" if hasattr(ax, "subplots") else ""
        if function in ("raster", "rates"):
            hint = hint or "; neurons are given as areas="
        raise TypeError(f"ax: must be Axes of matplotlib; got {shown(ax)}{hint}")
    return ax


def colour_of(name: str, position: int) -> str:
    """Colour of a modulator, or of the modulator that an event goes to."""
    known = MODULATOR_COLOURS.get(EVENT_MODULATOR.get(name, name))
    return _DECLARED_COLOURS[position % len(_DECLARED_COLOURS)] if known is None else known


def line_colours(n: int, taken: Collection[str] = ()) -> list[str]:
    """Colours of n curves of one kind, none of them `taken` by others."""
    free = [colour for colour in _LINE_COLOURS if colour not in taken] or [*_LINE_COLOURS]
    return [free[k % len(free)] for k in range(n)]


def literal(name: str) -> str:
    """A name as matplotlib is to write it: its dollar signs make no formula, and no control character is drawn."""
    return printable(name).replace("$", r"\$")


def stride_for(n: int, most: int) -> int:
    """One value of how many is drawn, so that at most `most` of `n` are."""
    return max(1, -(-n // most))


def thousands(axis: Any, scale: float = 1.0) -> None:
    """Write numbers of an axis, divided by `scale`, with a comma at the thousands."""
    axis.set_major_formatter(lambda value, _: f"{value / scale:,.10g}")


def size_of(ax: Axes) -> tuple[float, float]:
    """Width and height of axes, inches, before the layout."""
    dpi = float(ax.figure.dpi)
    return float(ax.bbox.width) / dpi, float(ax.bbox.height) / dpi


def time_axis(ax: Axes) -> None:
    """Label the axis of time. Its values are ms in any case; its numbers are s in a figure of more than 10 s."""
    in_seconds = max(map(abs, ax.get_xlim())) > _SECONDS_FROM
    ax.set_xlabel(f"time ({'s' if in_seconds else 'ms'})")
    thousands(ax.xaxis, 1000.0 if in_seconds else 1.0)
    if size_of(ax)[0] < _NARROW:
        _set_locator(ax.xaxis, nbins=4)


def whole_numbers(axis: Any) -> None:
    """Ticks of neurons and trials stand at whole numbers."""
    _set_locator(axis, integer=True)


def _set_locator(axis: Any, **how: Any) -> None:
    locator = axis.get_major_locator()
    if hasattr(locator, "set_params") and hasattr(locator, "_nbins"):  # the usual one, a MaxNLocator
        locator.set_params(**how)


def say_nothing(ax: Axes, what: str) -> None:
    """Say in the middle of the axes that there is nothing to be drawn."""
    ax.text(0.5, 0.5, what, transform=ax.transAxes, ha="center", va="center", color="#555555")


def legend_above(ax: Axes, title: str | None = None) -> Any:
    """The legend, in rows above all that is drawn: the axes get room for it. None where nothing has a label."""
    labels = ax.get_legend_handles_labels()[1]
    if not labels:
        return None
    width, height = (72.0 * inches for inches in size_of(ax))
    import matplotlib

    font = float(matplotlib.rcParams["font.size"]) * (1.0 if width >= 72.0 * _NARROW else _SMALL)
    widest = font * (0.5 * max(map(len, labels)) + 4.0)  # a letter is about half as wide as high
    columns = min(len(labels), max(1, int(width // widest)))
    rows = -(-len(labels) // columns)
    legend = ax.legend(
        loc="upper right",
        ncols=columns,
        frameon=False,
        fontsize=font,
        handlelength=1.6,
        columnspacing=1.2,
        title=title,
        title_fontsize=font,
        alignment="right",
    )
    if ax.get_autoscaley_on():
        ax.autoscale_view(scalex=False)
    low, high = ax.get_ylim()
    room = min(font * (1.5 * (rows + (title is not None)) + 0.8) / height, 0.6)
    ax.set_ylim(low, low + (high - low) / (1.0 - room), auto=None)
    return legend
