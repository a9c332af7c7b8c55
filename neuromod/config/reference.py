"""The reference of configurations for people: a table for each section, from the sections."""

from __future__ import annotations

from collections.abc import Mapping

from neuromod.config import lifecycle, modulators, plasticity, sections
from neuromod.config.describe import rows, section_schema
from neuromod.config.keys import Section
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
    ['| `dt` | number | ms | 1e-09 to 1e+15 | 1 | Length of a step. |']
    """
    tables = [_table(title, section) for title, section in {**_SECTIONS, **(more or {})}.items()]
    return "\n\n".join(["# Configuration", *tables]) + "\n"


_SECTIONS: dict[str, type[Section]] = {
    "The whole": Config,
    "areas[k]": sections.Area,
    "areas[k].coord_ranges": sections.CoordRanges,
    "background_drive, and areas[k].drive": sections.Drive,
    "neuron_model": sections.NeuronModel,
    **{f"The neuron model {name}": sections.neuron_section(name) for name in sections.NEURON_MODELS},
    "plasticity": plasticity.Plasticity,
    **{f"The rule {name}": plasticity.rule_section(name) for name in plasticity.RULES},
    "plasticity.short_term": plasticity.ShortTerm,
    "plasticity.homeostatic": plasticity.Homeostatic,
    "neuromodulation": modulators.Neuromodulation,
    "Any modulator": modulators.Modulator,
    **{f"neuromodulation.{name}": modulators.modulator_section(name) for name in modulators.MODULATORS},
    "A modulator of another name": modulators.Declared,
    **{f"Its response {name}": modulators.response_section(name) for name in modulators.RESPONSES},
    "The release of a modulator": modulators.Release,
    "senses.NAME": sections.Sense,
    "cell_lifecycle": lifecycle.Lifecycle,
    "simulation": sections.Simulation,
}


def _table(title: str, section: type[Section]) -> str:
    """A section's own keys; those that a section shares with others stand in the table of what they share."""
    schema, shared = section_schema(section), getattr(section.__base__, "known", {})
    lines = [f"## {title}", "", schema.get("description", "")]
    own = [(f"`{row.key}`", *row[1:]) for row in rows(schema) if row.key not in shared]
    lines += ("", *_HEAD) if own else ()
    lines += (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in own)
    return "\n".join(lines)
