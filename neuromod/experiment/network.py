"""The network of the main job: a random lattice, or a sensory area that feeds a readout through a plastic
projection."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod.experiment.section import Experiment
from neuromod.network.projection import Projection

__all__ = ["ExperimentNetwork", "build_network"]

_PLAIN_DENSITY = 0.1
Ints = NDArray[np.int64]


class ExperimentNetwork(NamedTuple):
    """What `build_network` built.

    Attributes
    ----------
    area_ids : dict of str to ndarray of int64
        Neuron ids of each area.
    readout : Projection or None
        The plastic projection; None: a random lattice, plastic throughout.
    """

    area_ids: dict[str, Ints]
    readout: Projection | None


def build_network(
    runner: Any, sim: Any, experiment: Experiment, *, frozen: bool = False
) -> ExperimentNetwork:
    """Put neurons into the experiment's areas and connect them.

    Without a readout every ordered pair is connected with the same probability, and all synapses are plastic.
    With one, each area is connected within itself, and the excitatory neurons of the sense's area excite the
    readout through the only plastic projection, while its inhibitory neurons inhibit the readout. Inhibitory
    weights are `inhibition` times the excitatory ones: at 4 to 1 neurons and a factor of 4 the ink that all
    images share cancels in the mean.

    Parameters
    ----------
    runner : Simulation or RankSimulation
        Without neurons.
    sim : Simulation
        What this process has of its network.
    experiment : Experiment
    frozen : bool, default False
        Whether the projection to the readout has no rule.

    Returns
    -------
    ExperimentNetwork

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> told = Experiment(areas=("V1_like", "A1_like"), density=0.01, sense="vision", readout="A1_like")
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> network = build_network(sim, sim, told)
    >>> {name: len(ids) for name, ids in network.area_ids.items()}
    {'V1_like': 80, 'A1_like': 80}
    """
    placed = {}
    for area in sim.model._config.areas:
        if experiment.areas is not None and area.name not in experiment.areas:
            continue
        own = _PLAIN_DENSITY if area.density is None else area.density
        density = own if experiment.density is None else experiment.density
        placed[area.name] = runner.initialize_neurons([area.name], density)
    if experiment.readout is None:
        runner.initialize_random_synapses(
            experiment.connection_probability, experiment.weight_mean, experiment.weight_std
        )
        return ExperimentNetwork(placed, None)
    assert experiment.sense is not None  # experiment_of saw to it
    sensory, readout = placed[sim.model._config.senses[experiment.sense].areal], placed[experiment.readout]
    inside = (experiment.weight_mean, experiment.weight_std)
    between = (experiment.readout_weight, experiment.readout_weight_std)
    for name, ids in placed.items():
        _connect(runner, sim, experiment, ids, ids, "excitatory", inside, f"within {name}")
        _connect(runner, sim, experiment, ids, ids, "inhibitory", inside, f"within {name}, inhibitory")
    _connect(runner, sim, experiment, sensory, readout, "inhibitory", between, "readout, inhibitory")
    plastic = _connect(runner, sim, experiment, sensory, readout, "excitatory", between, "readout", frozen)
    return ExperimentNetwork(placed, plastic)


def _connect(
    runner: Any,
    sim: Any,
    experiment: Experiment,
    pre: Ints,
    post: Ints,
    kind: str,
    weight: tuple[float, float],
    name: str,
    frozen: bool = True,
) -> Projection:
    """One projection from the neurons of one kind; its initial weights are clipped to the rule's bounds."""
    factor = experiment.inhibition if kind == "inhibitory" else 1.0
    everyone = sim.model.neurons.id
    inhibits = sim.model.neurons.neuron_type == 1  # the position in the types' list
    sources = everyone[np.isin(everyone, pre) & (inhibits == (kind == "inhibitory"))]
    bounds = sim.model._config.plasticity
    clipped: dict[str, Any] = {"low": bounds.weight_min if kind == "excitatory" else 0.0, "outside": "clip"}
    if name == "readout":
        clipped["high"] = bounds.weight_max
    runner.connect(
        sources,
        post,
        probability=experiment.connection_probability,
        weight={"normal": [factor * weight[0], factor * weight[1]], **clipped},
        synapse_type=kind,
        rule="none" if frozen else None,
        name=name,
    )
    projection: Projection = sim.projections[name]
    return projection
