"""What drives a network: current sources, rates that vary in time, spike trains, images and events of a camera."""

from neuromod.drive.currents import OUCurrent, RampCurrent, SineCurrent, StepCurrent
from neuromod.drive.images import ImageCurrent, play_camera
from neuromod.drive.rates import RateSource
from neuromod.drive.trains import correlated_trains, gamma_trains, play_spikes, play_trains

__all__ = [
    "ImageCurrent",
    "OUCurrent",
    "RampCurrent",
    "RateSource",
    "SineCurrent",
    "StepCurrent",
    "correlated_trains",
    "gamma_trains",
    "play_camera",
    "play_spikes",
    "play_trains",
]
