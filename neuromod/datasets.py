"""Labelled images that come with the package; see ``neuromod/experiment/datasets.py``."""

from neuromod.experiment.datasets import (
    DATASETS,
    LabelledImages,
    fit_to_sheet,
    load_digits,
)

__all__ = [
    "DATASETS",
    "LabelledImages",
    "fit_to_sheet",
    "load_digits",
]
