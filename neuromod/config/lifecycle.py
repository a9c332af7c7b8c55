"""The section ``cell_lifecycle``: how neurons age, die and are replaced by children."""

from __future__ import annotations

from neuromod.config.keys import Section, key

__all__ = ["Lifecycle"]


class Lifecycle(Section):
    """Ageing, death and reproduction of neurons. Without the section no neuron ages."""

    enabled: bool = key(True, "Whether neurons age, die and have children.")
    enable_death: bool = key(True, "Whether neurons die; if not, they age only.")
    enable_reproduction: bool = key(True, "Whether a neuron that dies is replaced by a child on its site.")
    interval: int = key(
        100, "Deaths and births take place in steps divisible by it.", unit="step", ge=1, le=2**31 - 1
    )
    max_age: int = key(100_000, "A neuron that is older dies.", unit="step", ge=0, le=2**62 - 1)
    health_decay_per_step: float = key(1e-4, "Health lost per step; health begins at 1.", ge=0, le=1)
    death_threshold: float = key(0.1, "A neuron of less health dies.", ge=0, le=1)
    death_probability_per_step: float = key(0.0, "Probability of a death without a cause.", ge=0, le=1)
    mutation_std_params: float = key(
        0.05, "Standard deviation of the factor 1 + x on each parameter of a child.", ge=0, le=10
    )
    mutation_std_weights: float = key(
        0.02, "Standard deviation of what is added to each weight of a child.", unit="mV", ge=0, le=1e9
    )
    reconnection_probability: float = key(
        0.0,
        "Probability that a child's synapse leads to a near neuron in place of the parent's partner.",
        ge=0,
        le=1,
    )
    reconnection_distance: float = key(
        5.0, "Euclidean distance on the lattice, in sites, within which a neuron is near.", ge=0, le=1e9
    )
