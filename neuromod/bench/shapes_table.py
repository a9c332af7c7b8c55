"""The table of the scan: see `neuromod.bench.shapes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["shapes_table"]

LIMIT = 2.0  # times the cheapest cell of a row, above which a cell is marked


def shapes_table(cells: Sequence[Mapping[str, Any]]) -> str:
    """The scan as text: a line for each cell, marked where it costs more than twice the cheapest of its row.

    Parameters
    ----------
    cells : sequence of mapping
        From `neuromod.bench.measure_shapes`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(shapes_table([{"row": "dt, ms", "label": "0.1", "us_per_step": 8.0, "ns_per_unit": 2.0,
    ...     "bytes_per_synapse": 9.0, "note": ""}]))
    shapes                                               us a step   ns a unit    of row  B a synapse
      dt, ms: 0.1                                             8.00        2.00      1.00         9.00
    """
    lines = [f"{'shapes':<50}{'us a step':>12}{'ns a unit':>12}{'of row':>10}{'B a synapse':>13}"]
    for cell in cells:
        least = min(other["ns_per_unit"] for other in cells if other["row"] == cell["row"])
        times = cell["ns_per_unit"] / least
        name = f"{cell['row']}: {cell['label']}"
        values = (cell["us_per_step"], cell["ns_per_unit"], times, cell["bytes_per_synapse"])
        figures = "".join(
            f"{value:>{width}.2f}" for value, width in zip(values, (12, 12, 10, 13), strict=True)
        )
        lines.append(f"  {name:<48}{figures}" + (f"  {cell['note'] or '!'}" if times > LIMIT else ""))
    return "\n".join(lines)
