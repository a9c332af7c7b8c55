"""Figures of spikes, rates, levels, weights, space and learning.

Each function draws on `ax` if given, and gives the Axes back. Without `ax` it makes a figure: through ``pyplot`` where
IPython runs or pyplot has been imported, so that the figure is shown as any other, else a bare ``Figure``, which needs
no window and no global state. No function calls ``show``.
"""

from neuromod.plot.drawing import MODULATOR_COLOURS
from neuromod.plot.learning import learning_curve, responses
from neuromod.plot.modulation import levels
from neuromod.plot.overview import summary
from neuromod.plot.space import sheet
from neuromod.plot.spikes import raster, rates
from neuromod.plot.synapses import courses, matrix, weights

__all__ = [
    "MODULATOR_COLOURS",
    "courses",
    "learning_curve",
    "levels",
    "matrix",
    "raster",
    "rates",
    "responses",
    "sheet",
    "summary",
    "weights",
]
