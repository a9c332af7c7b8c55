"""Figures of what was learned: changes of response by class, and learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import (
    GROUP_COLOURS,
    legend_above,
    new_axes,
    say_nothing,
    stride_for,
    thousands,
    whole_numbers,
)
from neuromod.plot.given import numbers, offers
from neuromod.problems import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_curve", "responses"]

Floats = NDArray[np.float64]
_FEW_POINTS = 100  # whose dots are large
_LONGEST_WINDOW = 20
_MOST_POINTS = 2000  # of a learning curve that are drawn one by one


@names_near
def responses(
    labels: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    ax: Axes | None = None,
    *,
    groups: Mapping[str, int] | None = None,
    control: ArrayLike | None = None,
) -> Axes:
    """Draw how the response to each image has changed, class by class: a dot for each image, a bar at the mean.

    Parameters
    ----------
    labels : array_like of int, shape (n_images,)
        Class of each image.
    before, after : array_like of float, shape (n_images,), Hz
        Responses to it.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    groups : mapping of str to int, optional
        Class of a group, such as ``{"rewarded": 0, "punished": 1}``: drawn in the group's colour and named.
    control : array_like of float, shape (n_images,), Hz, optional
        Responses after a control run; a diamond at the mean change of each class.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    TypeError
        If something else is given; where another figure draws it, the message names that figure. Nothing is drawn.
    ValueError
        If they are not of one length. Nothing is drawn.

    Examples
    --------
    >>> ax = responses([0, 0, 1], [5.0, 6.0, 5.0], [8.0, 8.0, 4.0], groups={"rewarded": 0})
    >>> ax.get_ylabel()
    'change of response (Hz)'
    """
    label = numbers("responses", "labels", "the class of each image", labels)
    rule = "an array of one response for each image, Hz"
    first, last = (
        numbers("responses", name, rule, each) for name, each in (("before", before), ("after", after))
    )
    if not label.shape == first.shape == last.shape or label.ndim != 1:
        raise ValueError(
            f"before, after: must have the shape of labels, {label.shape}; got {first.shape} and {last.shape}"
        )
    clamped = first if control is None else numbers("responses", "control", rule, control)
    if clamped.shape != label.shape:
        raise ValueError(f"control: must have the shape of labels, {label.shape}; got {clamped.shape}")
    if groups is not None and not isinstance(groups, Mapping):
        raise TypeError(f"groups: must be a mapping of names to classes; got {shown(groups)}")
    ax = new_axes("responses", ax)
    names = {number: name for name, number in (groups or {}).items()}
    classes = np.unique(label).tolist()
    ax.axhline(0.0, color="#7F7F7F", linewidth=0.5)
    for number in classes:
        change = (last - first)[label == number]
        name = names.get(number, "other")
        colour = GROUP_COLOURS.get(name, "black")
        ax.plot(np.full(change.shape, number), change, ".", color=colour, alpha=0.5, markersize=4)
        told = name if number in names else None
        ax.plot([number - 0.35, number + 0.35], [change.mean()] * 2, color=colour, linewidth=2.5, label=told)
    if control is not None:
        means = [(clamped - first)[label == number].mean() for number in classes]
        ax.plot(
            classes,
            means,
            "D",
            color="white",
            markeredgecolor="black",
            markersize=4.5,
            zorder=3,
            label="control",
        )
    ax.set_xticks(classes, [f"{number:g}" for number in classes])
    if not classes:
        say_nothing(ax, "no image")
    ax.set_xlabel("class")
    ax.set_ylabel("change of response (Hz)")
    legend_above(ax)
    return ax


@names_near
def learning_curve(
    scores: Any,
    ax: Axes | None = None,
    *,
    window: int | None = None,
    label: str | None = None,
    color: str = "#0072B2",
) -> Axes:
    """Draw scores of successive trials, and their running mean.

    Of one run, each trial is a dot (of more than 2,000, every k-th), and the line is the mean of the last `window`
    trials. Of several runs, the line is the mean of the runs' running means, and the band one standard deviation over
    runs to either side. Call it again with the same `ax` to compare conditions.

    Parameters
    ----------
    scores : History, or array_like of float, shape (n_trials,) or (n_runs, n_trials), in units of the score
        Rewards, successes (0 or 1), lengths of episodes; of the history of an agent the returns.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    window : int, >= 1, optional
        Trials of a running mean; the first means are over the trials that there are. Default: a tenth of the trials,
        at most 20.
    label : str, optional
        Name in the legend.
    color : str, default "#0072B2"
        Of matplotlib.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is missing; the message says what to install.
    TypeError
        If something else is given; where another figure draws it, the message names that figure. Nothing is drawn.
    ValueError
        If `scores` has another shape, or `window` is below 1. Nothing is drawn.

    Examples
    --------
    >>> ax = learning_curve([0.0, 1.0, 1.0, 1.0], window=2)
    >>> ax.lines[-1].get_ydata().tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    runs = numbers(
        "learning_curve",
        "scores",
        "a History, or an array of shape (n_trials,) or (n_runs, n_trials)",
        scores.returns if offers(scores, "returns", "totals") else scores,
    )
    if runs.ndim not in (1, 2):
        raise ValueError(f"scores: must have shape (n_trials,) or (n_runs, n_trials); got {runs.shape}")
    if window is None:
        window = min(max(runs.shape[-1] // 10, 1), _LONGEST_WINDOW)
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise ValueError(f"window: must be a whole number >= 1; got {shown(window)}")
    if label is not None and not isinstance(label, str):
        raise TypeError(f"label: must be text; got {shown(label)}")
    smooth = np.array([running_mean(run, min(window, len(run) + 1)) for run in np.atleast_2d(runs)])
    ax = new_axes("learning_curve", ax)
    trial = np.arange(1, smooth.shape[1] + 1)
    dots, line, band = _legend_of(runs, window) if label is None else (None, label, None)
    if runs.ndim == 1:
        stride = stride_for(len(runs), _MOST_POINTS)
        size, alpha = (5.0, 0.6) if len(runs) <= _FEW_POINTS else (3.0, 0.3)
        ax.plot(trial[::stride], runs[::stride], ".", color=color, alpha=alpha, markersize=size, label=dots)
    else:
        middle, spread = smooth.mean(axis=0), smooth.std(axis=0)
        low, high = middle - spread, middle + spread
        ax.fill_between(trial, low, high, color=color, alpha=0.2, linewidth=0.0, label=band)
    ax.plot(trial, smooth.mean(axis=0), color=color, linewidth=1.8, label=line)
    if not len(trial):
        say_nothing(ax, "no trial")
    ax.set_xlabel("trial")
    ax.set_ylabel("score" if window == 1 else f"score, mean of last {window:,} trials")
    legend_above(ax)
    whole_numbers(ax.xaxis)
    thousands(ax.xaxis)
    return ax


def _legend_of(runs: Floats, window: int) -> tuple[str | None, str | None, str | None]:
    """What dots, line and band are called where a curve has no name."""
    if runs.ndim == 2:
        n = len(runs)
        return None, f"mean of {n:,} run{'' if n == 1 else 's'}", "standard deviation over runs"
    if window == 1:
        return None, None, None
    return "each trial", f"mean of last {window:,}", None


def running_mean(values: Floats, window: int) -> Floats:
    """Mean of each value and the window - 1 before it, or of those that there are."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - window, 0)
    means: Floats = (total[ends] - total[begins]) / (ends - begins)
    return means
