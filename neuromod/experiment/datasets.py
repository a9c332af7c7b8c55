"""Data that come with the package, and their fitting to an area's sheet of neurons."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["DATASETS", "LabelledImages", "fit_to_sheet", "load_digits"]


class LabelledImages(NamedTuple):
    """Images and what they show.

    Attributes
    ----------
    images : ndarray of uint8, shape (n_images, height, width)
        Rows run from the top.
    labels : ndarray of uint8, shape (n_images,)
        Class of each image.
    full_scale : int
        The value of a fully inked pixel; blank is 0.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    full_scale: int


def load_digits() -> LabelledImages:
    """Handwritten digits: 1,797 images of 8 x 8 pixels with values 0..16.

    Returns
    -------
    LabelledImages
        New arrays at every call; the order is the source's.

    Notes
    -----
    The test part of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak, licensed CC BY
    4.0; ``neuromod/data/digits.txt`` names the source and the changes.

    References
    ----------
    .. [1] Alpaydin & Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.images.shape, int(digits.images.max()), digits.labels[:5].tolist()
    ((1797, 8, 8), 16, [0, 1, 2, 3, 4])
    """
    packed = files("neuromod") / "data" / "digits.npz"
    with packed.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return LabelledImages(stored["images"], stored["labels"], full_scale=16)


DATASETS: dict[str, Callable[[], LabelledImages]] = {"digits": load_digits}
"""Loader of each data set that a configuration may name."""


def fit_to_sheet(image: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Enlarge an image by the largest whole factor that fits a sheet, and centre it there on zeros.

    Parameters
    ----------
    image : array_like, shape (height, width)
    shape : tuple of int, (rows, columns), sites
        Size of the sheet; at least the image's.

    Returns
    -------
    ndarray of float64, shape `shape`

    Raises
    ------
    ValueError
        If `image` is not two-dimensional, is empty, or is larger than the sheet.

    Examples
    --------
    >>> fit_to_sheet([[1, 2]], (3, 5)).tolist()
    [[1.0, 1.0, 2.0, 2.0, 0.0], [1.0, 1.0, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim != 2 or pixels.size == 0:
        raise ValueError(f"image: must be a matrix with at least one pixel; got shape {pixels.shape}")
    factor = min(shape[0] // pixels.shape[0], shape[1] // pixels.shape[1])
    if factor < 1:
        raise ValueError(f"image: must not be larger than the sheet of {shape}; got shape {pixels.shape}")
    sheet = np.zeros(shape)
    height, width = pixels.shape[0] * factor, pixels.shape[1] * factor
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    sheet[top : top + height, left : left + width] = np.kron(pixels, np.ones((factor, factor)))
    return sheet
