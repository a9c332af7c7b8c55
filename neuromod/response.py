"""Effect sizes of responses; see ``neuromod/experiment/effect_size.py``."""

from neuromod.experiment.effect_size import (
    Effect,
    cohens_d,
    effects,
    held_out,
)

__all__ = [
    "Effect",
    "cohens_d",
    "effects",
    "held_out",
]
