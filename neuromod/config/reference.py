"""The reference of configurations for people: a table for each section, from the sections."""

from __future__ import annotations

from collections.abc import Mapping

from neuromod.config.describe import rows, section_schema
from neuromod.config.keys import Section
from neuromod.config.modulators import (
    MODULATORS,
    RESPONSES,
    Declared,
    Modulator,
    Neuromodulation,
    Release,
    modulator_section,
    response_section,
)
from neuromod.config.plasticity import RULES, Homeostatic, Plasticity, ShortTerm, rule_section
from neuromod.config.sections import (
    NEURON_MODELS,
    Area,
    CoordRanges,
    Drive,
    NeuronModel,
    Sense,
    Simulation,
    neuron_section,
)
from neuromod.config.whole import Config

__all__ = ["reference"]

_HEAD = ("| key | kind | unit | domain | default | what it is |", "|---|---|---|---|---|---|")


def reference(more: Mapping[str, type[Section]] | None = None) -> str:
    """Every key of a configuration, in Markdown: a table for each section.

    Parameters
    ----------
    more : mapping of str to type, optional
        Sections that are checked elsewhere, by name: ``experiment``.

    Returns
    -------
    str
        Of each key the kind, unit, domain, default and what it is.

    Examples
    --------
    >>> [line for line in reference().splitlines() if line.startswith("| `dt`")]
    ['| `dt` | number | ms | > 0 | 1 | Length of a step. |']
    """
    sections = {**_SECTIONS, **(more or {})}
    return (
        "\n\n".join(["# Configuration", *(_table(title, section) for title, section in sections.items())])
        + "\n"
    )


_SECTIONS: dict[str, type[Section]] = {
    "The whole": Config,
    "areas[k]": Area,
    "areas[k].coord_ranges": CoordRanges,
    "background_drive, and areas[k].drive": Drive,
    "neuron_model": NeuronModel,
    **{f"Parameters of the neuron model {name}": neuron_section(name) for name in NEURON_MODELS},
    "plasticity": Plasticity,
    **{f"Parameters of the rule {name}": rule_section(name) for name in RULES},
    "plasticity.short_term": ShortTerm,
    "plasticity.homeostatic": Homeostatic,
    "neuromodulation": Neuromodulation,
    "Any modulator": Modulator,
    **{f"neuromodulation.{name}": modulator_section(name) for name in MODULATORS},
    "A modulator of another name": Declared,
    **{f"Its response {name}": response_section(name) for name in RESPONSES},
    "The release of a modulator": Release,
    "senses.NAME": Sense,
    "simulation": Simulation,
}


def _table(title: str, section: type[Section]) -> str:
    """A section's own keys; those that a section shares with others stand in the table of what they share."""
    schema, shared = section_schema(section), getattr(section.__base__, "known", {})
    lines = [f"## {title}", "", schema.get("description", ""), "", *_HEAD]
    for row in rows(schema):
        if row.key not in shared:
            cells = (f"`{row.key}`", *row[1:])
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)
