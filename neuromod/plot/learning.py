"""Figures of what was learned: changes of response by class, and learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.near_names import names_near
from neuromod.plot.drawing import GROUP_COLOURS, new_axes, stride_for, thousands

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_curve", "responses"]

Floats = NDArray[np.float64]
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
    ValueError
        If they are not of one length. Nothing is drawn.

    Examples
    --------
    >>> ax = responses([0, 0, 1], [5.0, 6.0, 5.0], [8.0, 8.0, 4.0], groups={"rewarded": 0})
    >>> ax.get_ylabel()
    'change of response (Hz)'
    """
    label = np.asarray(labels)
    first, last = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if not label.shape == first.shape == last.shape or label.ndim != 1:
        raise ValueError(
            f"before, after: must have the shape of labels, {label.shape}; got {first.shape} and {last.shape}"
        )
    clamped = first if control is None else np.asarray(control, dtype=np.float64)
    if clamped.shape != label.shape:
        raise ValueError(f"control: must have the shape of labels, {label.shape}; got {clamped.shape}")
    ax = new_axes("responses", ax)
    names = {number: name for name, number in (groups or {}).items()}
    numbers = np.unique(label).tolist()
    ax.axhline(0.0, color="#7F7F7F", linewidth=0.5)
    for number in numbers:
        change = (last - first)[label == number]
        name = names.get(number, "other")
        colour = GROUP_COLOURS.get(name, "black")
        ax.plot(np.full(change.shape, number), change, ".", color=colour, alpha=0.5, markersize=4)
        shown = name if number in names else None
        ax.plot([number - 0.35, number + 0.35], [change.mean()] * 2, color=colour, linewidth=2.5, label=shown)
    if control is not None:
        means = [(clamped - first)[label == number].mean() for number in numbers]
        ax.plot(
            numbers,
            means,
            "D",
            color="white",
            markeredgecolor="black",
            markersize=4.5,
            zorder=3,
            label="control",
        )
    ax.set_xticks(numbers)
    ax.set_xlabel("class")
    ax.set_ylabel("change of response (Hz)")
    if names or control is not None:
        ax.legend(frameon=False)
    return ax


@names_near
def learning_curve(
    scores: ArrayLike,
    ax: Axes | None = None,
    *,
    window: int = 20,
    label: str | None = None,
    color: str = "#0072B2",
) -> Axes:
    """Draw scores of successive trials, and their running mean.

    Of one run, each trial is a dot (of more than 2,000, every k-th), and the line is the mean of the last `window`
    trials. Of several runs, the line is the mean of the runs' running means, and the band one standard deviation over
    runs to either side. Call it again with the same `ax` to compare conditions.

    Parameters
    ----------
    scores : array_like of float, shape (n_trials,) or (n_runs, n_trials), in units of the score
        Rewards, successes (0 or 1), lengths of episodes.
    ax : matplotlib.axes.Axes, optional
        Default: of a new figure; in a notebook it is shown.
    window : int, >= 1, default 20
        Trials of a running mean; the first means are over the trials that there are.
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
    ValueError
        If `scores` has another shape, or `window` is below 1. Nothing is drawn.

    Examples
    --------
    >>> ax = learning_curve([0.0, 1.0, 1.0, 1.0], window=2)
    >>> ax.lines[-1].get_ydata().tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    runs = np.asarray(scores, dtype=np.float64)
    if runs.ndim not in (1, 2):
        raise ValueError(f"scores: must have shape (n_trials,) or (n_runs, n_trials); got {runs.shape}")
    if isinstance(window, bool) or not isinstance(window, int) or window < 1:
        raise ValueError(f"window: must be a whole number >= 1; got {window!r}")
    ax = new_axes("learning_curve", ax)
    smooth = np.array([running_mean(run, window) for run in np.atleast_2d(runs)])
    trial = np.arange(1, smooth.shape[1] + 1)
    if runs.ndim == 1:
        stride = stride_for(len(runs), _MOST_POINTS)
        ax.plot(trial[::stride], runs[::stride], ".", color=color, alpha=0.3, markersize=3)
    else:
        middle, spread = smooth.mean(axis=0), smooth.std(axis=0)
        ax.fill_between(trial, middle - spread, middle + spread, color=color, alpha=0.2, linewidth=0.0)
    ax.plot(trial, smooth.mean(axis=0), color=color, linewidth=1.8, label=label)
    ax.set_xlabel("trial")
    ax.set_ylabel("score" if window == 1 else f"score, mean of {window} trials")
    if label is not None:
        ax.legend(frameon=False)
    thousands(ax.xaxis)
    return ax


def running_mean(values: Floats, window: int) -> Floats:
    """Mean of each value and the window - 1 before it, or of those that there are."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - window, 0)
    means: Floats = (total[ends] - total[begins]) / (ends - begins)
    return means
