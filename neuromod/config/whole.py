"""The whole configuration: its sections, each checked by itself."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator

from neuromod.config.keys import Section, broken, key, said
from neuromod.config.modulators import read_neuromodulation
from neuromod.config.plasticity import Plasticity, read_rule
from neuromod.config.problems import shown
from neuromod.config.sections import (
    MAX_AREAS,
    Area,
    Drive,
    NeuronModel,
    Sense,
    Simulation,
    Size,
    common_neuron,
)

__all__ = ["Config"]


def _few(given: Any) -> Any:
    if isinstance(given, list | tuple) and 1 <= len(given) <= MAX_AREAS:
        return given
    came = f"{len(given)} of them" if isinstance(given, list | tuple) else shown(given)
    raise said(f"must be an array of 1 to {MAX_AREAS} areas; got {came}")


def _object(given: Any) -> Any:
    if isinstance(given, dict):
        return given
    raise broken("must be an object")


class Config(Section):
    """A configuration; sections that are not listed here are kept and not acted on."""

    model_config = ConfigDict(extra="ignore")
    stands_in = True

    lattice_shape: Annotated[tuple[Size, Size, Size, Size], Field(strict=False)] = key(
        ..., "Sites along x, y, z and w."
    )
    areas: Annotated[tuple[Area, ...], Field(strict=False), BeforeValidator(_few)] = key(
        ..., "The areas; no two share a site."
    )
    neuron_model: NeuronModel = key(NeuronModel, "What neurons are unless their area says otherwise.")
    drive: Drive = key(Drive, "Background input of each neuron.", validation_alias="background_drive")
    plasticity: Annotated[Plasticity, PlainValidator(read_rule, json_schema_input_type=Plasticity)] = key(
        lambda: read_rule("none"), "The rule of plastic projections."
    )
    neuromodulation: Annotated[
        dict[str, Any], PlainValidator(read_neuromodulation, json_schema_input_type=dict[str, Any])
    ] = key(lambda: read_neuromodulation({}), "Modulators, by name.")
    senses: dict[str, Sense] = key(dict, "Senses, by name.")
    simulation: Simulation = key(Simulation, "Length of a step, and the seed.")
    experiment: Annotated[dict[str, Any] | None, BeforeValidator(_object)] = key(
        None, "What `neuromod run` does; checked there."
    )

    @classmethod
    def read(cls, content: Any) -> Config:
        """A configuration from plain JSON, each section checked by itself."""
        section = content.get("neuron_model") if isinstance(content, dict) else None
        return cls.model_validate(content, context=common_neuron(section))

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.lattice_shape))
        return (
            f"Config(lattice={shape}, areas={len(self.areas)}, model={self.neuron_model.type!r}, "
            f"rule={self.plasticity.rule!r}, dt={self.simulation.dt:g} ms)"
        )

    def __str__(self) -> str:
        return repr(self)

    def area(self, name: str) -> Area:
        """The area of that name.

        Parameters
        ----------
        name : str

        Returns
        -------
        Area

        Raises
        ------
        KeyError
            If there is none.
        """
        for area in self.areas:
            if area.name == name:
                return area
        raise KeyError(name)
