"""Did the network learn? Its response to images that it was not trained on, before and after, as effect sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Effect", "cohens_d", "effects", "held_out"]


class Effect(NamedTuple):
    """What training did to the response to one group of images.

    Attributes
    ----------
    before, after : float, Hz
        Mean rate of the readout over the group's images.
    size : float
        Cohen's d of the change, image by image, against the images of classes without an outcome; 0 for these
        themselves.
    """

    before: float
    after: float
    size: float


def held_out(labels: NDArray[np.int64], per_class: int, seed: int) -> NDArray[np.int64]:
    """Draw images of every class that are kept from training.

    Parameters
    ----------
    labels : ndarray of int64, shape (n_images,)
    per_class : int, >= 0
        Images of each class; a smaller class gives all of its own.
    seed : int, 0 .. 2**64 - 1

    Returns
    -------
    ndarray of int64
        Positions of the images, in drawn order, so that classes are mixed.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat([0, 1, 2], 10)
    >>> np.bincount(labels[held_out(labels, 4, seed=1)]).tolist()
    [4, 4, 4]
    """
    words = np.random.Philox(key=seed).jumped()  # a stream of its own: the order of training does not follow
    drawn = np.argsort(words.random_raw(len(labels)), kind="stable").astype(np.int64)
    kept = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        kept[drawn[labels[drawn] == label][:per_class]] = True
    return drawn[kept[drawn]]


def cohens_d(sample: ArrayLike, reference: ArrayLike) -> float:
    """Difference of two means in units of the pooled standard deviation.

    Parameters
    ----------
    sample, reference : array_like of float, no unit or the same
        At least one value each and three in all, else the result is 0.

    Returns
    -------
    float
        0 where neither sample varies and the means are equal; infinite where only the means differ.

    References
    ----------
    .. [1] Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed.,
       doi:10.4324/9780203771587.

    Examples
    --------
    >>> cohens_d([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    2.0
    """
    a, b = np.asarray(sample, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if not len(a) or not len(b) or len(a) + len(b) < 3:
        return 0.0
    difference = float(a.mean() - b.mean())
    squares = float(((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum())
    if squares == 0.0:
        return 0.0 if difference == 0.0 else float(np.copysign(np.inf, difference))
    return difference / float(np.sqrt(squares / (len(a) + len(b) - 2)))


def effects(results: Mapping[str, Any], after: str = "response_after") -> dict[str, Effect]:
    """Effect of training on the response to the rewarded, the punished and the other classes.

    Parameters
    ----------
    results : mapping of str to ndarray
        From `neuromod.experiment.run_experiment` or `neuromod.results.load_results`.
    after : {"response_after", "response_control"}
        Which response is set against ``response_before``.

    Returns
    -------
    dict of str to Effect
        ``rewarded``, ``punished``, ``others``; empty where that response was not measured.

    Examples
    --------
    >>> import numpy as np
    >>> run = {"response_group": np.array([1, 1, 2, 2, 0, 0]), "response_before": np.full(6, 5.0),
    ...     "response_after": np.array([8.0, 9.0, 2.0, 1.0, 5.0, 6.0])}
    >>> {name: round(effect.size, 2) for name, effect in effects(run).items()}
    {'rewarded': 4.24, 'punished': -5.66, 'others': 0.0}
    """
    measured = np.asarray(results.get(after, ()))
    if not len(measured):
        return {}
    group, before = np.asarray(results["response_group"]), np.asarray(results["response_before"])
    change = measured - before
    found = {}
    for number, name in ((1, "rewarded"), (2, "punished"), (0, "others")):  # as in synapse_group
        mine = group == number
        if mine.any():
            size = cohens_d(change[mine], change[group == 0])
            found[name] = Effect(float(before[mine].mean()), float(measured[mine].mean()), size)
    return found
