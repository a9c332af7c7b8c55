"""What describes a population beside the columns of its neurons: the arguments of ``create``."""

from __future__ import annotations

from neuromod.config.keys import Name, Section, key
from neuromod.config.sections import Density, Drive, ModelName, NeuronType

__all__ = ["Population"]


class Population(Section):
    """Neurons without sites of the lattice."""

    name: Name | None = key(None, "Name; that of no other area or population.")
    model: ModelName | None = key(None, "A registered neuron model. Default: neuron_model.type.")
    neuron_type: NeuronType | None = key(None, "Default: by neuron_model.inhibitory_fraction.")
    region: Name | None = key(None, "Region whose modulator levels act here.")
    drive: Drive | None = key(None, "Default: the section background_drive.")
    receptors: dict[str, Density] = key({}, "By modulator: part of its effect that is felt here. Default: 1.")
