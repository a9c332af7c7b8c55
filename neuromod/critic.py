"""Critics that turn rewards into prediction errors; see ``neuromod/modulation/critics.py``."""

from neuromod.modulation.critics import (
    RescorlaWagner,
    TDCritic,
    serial_compound,
)

__all__ = [
    "RescorlaWagner",
    "TDCritic",
    "serial_compound",
]
