"""Systems of modulators; see ``neuromod/modulation/system.py``."""

from neuromod.modulation.system import (
    DopamineSystem,
    FurtherModulator,
    Modulator,
    ModulatorState,
    NeuromodulationSystem,
    NorepinephrineSystem,
    SerotoninSystem,
    create_neuromodulation_system,
    lattice_neighbours,
)

__all__ = [
    "DopamineSystem",
    "FurtherModulator",
    "Modulator",
    "ModulatorState",
    "NeuromodulationSystem",
    "NorepinephrineSystem",
    "SerotoninSystem",
    "create_neuromodulation_system",
    "lattice_neighbours",
]
