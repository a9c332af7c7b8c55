"""The colours of the modulators stay apart for readers who lack one kind of cone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from neuromod import plot

Floats = NDArray[np.float64]

# Machado, Oliveira & Fernandes (2009), severity 1: linear RGB as those readers see it.
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, seen: Floats) -> Floats:
    """CIELAB coordinates of a colour such as "#D55E00"."""
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.asarray(seen) @ linear, 0.0, 1.0) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.array([116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])])


def least_distance(colours: list[str], seen: str) -> float:
    """CIE76; 2.3 is what can just be told apart side by side."""
    found = [lab(colour, SEEN[seen]) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(found, 2))


@pytest.mark.parametrize("seen", SEEN)
def test_the_colours_of_the_modulators_stay_apart(seen: str) -> None:
    assert least_distance([*plot.MODULATOR_COLOURS.values()], seen) > 15.0


def test_red_and_green_of_one_lightness_would_not() -> None:
    assert least_distance(["#C05050", "#747430"], "deuteranopia") < 15.0
