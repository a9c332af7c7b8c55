"""What the main job shows, and when: images as currents, in drawn order, and the classes that synapses belong to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuromod.experiment.section import Experiment

__all__ = ["GROUP_NAMES", "Show", "image_order", "synapse_groups"]

GROUP_NAMES = ("other", "rewarded", "punished")
"""Groups of synapses that the table compares; see `synapse_groups`."""


@dataclass(frozen=True)
class Show:
    """Images as currents, in the order in which they are shown."""

    labels: NDArray[np.int64]  # of each image
    order: NDArray[np.int64]  # image of each presentation in training
    ids: NDArray[np.int64]  # neurons that the sense feeds
    current: NDArray[np.float64]  # [image][neuron of ids], mV
    test: NDArray[np.int64] = field(
        default_factory=lambda: np.empty(0, dtype=np.int64)
    )  # images kept from it


def image_order(labels: NDArray[np.int64], images_per_block: int, seed: int) -> NDArray[np.int64]:
    """Every image once, in blocks of one class; images in the blocks and the blocks themselves in drawn
    order.

    Parameters
    ----------
    labels : ndarray of int, shape (n_images,)
    images_per_block : int, >= 1
        The last block of a class may be shorter.
    seed : int, 0 .. 2**64 - 1

    Returns
    -------
    ndarray of int64, shape (n_images,)

    Examples
    --------
    >>> import numpy as np
    >>> image_order(np.array([0, 1, 0, 1]), 2, seed=7).tolist() in ([0, 2, 1, 3], [2, 0, 1, 3], [0, 2, 3, 1],
    ...     [2, 0, 3, 1], [1, 3, 0, 2], [1, 3, 2, 0], [3, 1, 0, 2], [3, 1, 2, 0])
    True
    """
    words = np.random.Philox(key=seed)  # a bit stream, which NumPy keeps the same for ever
    drawn = np.argsort(words.random_raw(len(labels)), kind="stable")
    blocks = []
    for label in np.unique(labels):
        members = drawn[labels[drawn] == label]
        blocks += np.split(members, range(images_per_block, len(members), images_per_block))
    sequence = np.argsort(words.random_raw(len(blocks)), kind="stable")
    return np.concatenate([blocks[k] for k in sequence])


def synapse_groups(
    show: Show, pre_id: NDArray[np.int64], experiment: Experiment
) -> tuple[NDArray[np.int8], list[int]]:
    """Which synapses belong to the rewarded and to the punished class, told from the images alone.

    A neuron that the sense feeds belongs to a class if its mean input current over that class's images
    exceeds its mean over all other images by ``class_margin`` of the full-scale current ``input_gain``. A
    synapse is *rewarded* if its presynaptic neuron belongs to the rewarded class and not to the punished one,
    *punished* if it is the other way round, and *other* in every other case. The run's activity and the
    weights play no part in it.

    Parameters
    ----------
    show : object
        Classes of the images, ids of the fed neurons, and the current of each image at each of them, mV.
    pre_id : ndarray of int64, shape (n_synapses,)
    experiment : Experiment

    Returns
    -------
    ndarray of int8, shape (n_synapses,)
        Positions in `GROUP_NAMES`.
    list of int
        Number of neurons that the sense feeds in each group.
    """
    margin = experiment.class_margin * experiment.input_gain
    belongs = []
    for label in (experiment.rewarded_class, experiment.punished_class):
        mine = show.labels == label
        excess = show.current[mine].mean(axis=0) - show.current[~mine].mean(axis=0)
        belongs.append(excess > margin)
    rewarded, punished = belongs[0] & ~belongs[1], belongs[1] & ~belongs[0]
    groups = np.zeros(len(pre_id), dtype=np.int8)
    groups[np.isin(pre_id, show.ids[rewarded])] = GROUP_NAMES.index("rewarded")
    groups[np.isin(pre_id, show.ids[punished])] = GROUP_NAMES.index("punished")
    return groups, [int((~rewarded & ~punished).sum()), int(rewarded.sum()), int(punished.sum())]
