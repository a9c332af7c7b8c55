"""Figures of spikes, levels and weights."""

from neuromod.plot.figures import MODULATOR_COLOURS, levels, raster, responses, summary, weights

__all__ = ["MODULATOR_COLOURS", "levels", "raster", "responses", "summary", "weights"]
