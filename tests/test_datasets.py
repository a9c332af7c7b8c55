"""The shipped digits are the source's, and images land on a sheet as they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from neuromod.experiment.datasets import DATASETS, fit_to_sheet, load_digits


def test_digits_are_those_of_the_source() -> None:
    digits = load_digits()
    assert digits.images.shape == (1797, 8, 8)
    assert digits.images.dtype == digits.labels.dtype == np.uint8
    assert (digits.images.min(), digits.images.max(), digits.full_scale) == (0, 16, 16)
    # Counts by class as published for optdigits.tes (178 182 177 183 181 182 181 179 174 180).
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # First image of the file, its first two rows.
    assert digits.images[0, :2].tolist() == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]


def test_digits_to_the_byte() -> None:
    """Pixels, then labels; the sum is that of the arrays that tests/data/generate_digits.py made."""
    digits = load_digits()
    content = hashlib.sha256(digits.images.tobytes() + digits.labels.tobytes()).hexdigest()
    assert content == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_every_load_gives_arrays_of_its_own() -> None:
    load_digits().images[:] = 0
    assert load_digits().images.max() == 16


def test_the_source_is_named_where_the_data_are(checkout: Path) -> None:
    notice = (checkout / "neuromod" / "data" / "digits.txt").read_text()
    for said in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0", "generate_digits.py"):
        assert said in notice
    assert (checkout / "neuromod" / "data" / "digits.npz").stat().st_size < 100_000


def test_registered_loaders_load() -> None:
    assert "digits" in DATASETS
    for load in DATASETS.values():
        data = load()
        assert len(data.images) == len(data.labels) > 0
        assert data.images.max() <= data.full_scale


def test_an_8_by_8_image_doubles_and_is_centred_on_20_by_20() -> None:
    image = np.arange(64).reshape(8, 8)
    sheet = fit_to_sheet(image, (20, 20))
    assert sheet.shape == (20, 20)
    assert np.array_equal(sheet[2:18:2, 2:18:2], image)
    assert np.array_equal(sheet[3:18:2, 3:18:2], image)
    outside = np.ones((20, 20), dtype=bool)
    outside[2:18, 2:18] = False
    assert not sheet[outside].any()


@pytest.mark.parametrize("shape", [(8, 8), (15, 30), (9, 8)])
def test_an_image_that_fits_once_is_not_enlarged(shape: tuple[int, int]) -> None:
    sheet = fit_to_sheet(np.ones((8, 8)), shape)
    assert sheet.sum() == 64
    rows, columns = np.nonzero(sheet)
    assert (rows.min(), columns.min()) == ((shape[0] - 8) // 2, (shape[1] - 8) // 2)


@pytest.mark.parametrize(
    ("image", "rule"),
    [
        (np.ones((9, 8)), "must not be larger than the sheet"),
        (np.ones(8), "must be a matrix"),
        (np.ones((0, 8)), "at least one pixel"),
    ],
)
def test_images_that_do_not_fit_are_refused(image: np.ndarray, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        fit_to_sheet(image, (8, 8))
