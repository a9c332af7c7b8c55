"""A projection's synapses for other libraries: plain columns, a sparse matrix, a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod.network.members import slots_as_given
from neuromod.network.synapses import SynapseTable
from neuromod.optional import optional_module
from neuromod.problems import nearest, shown

__all__ = ["columns_of", "sparse_of", "table_of"]


def columns_of(table: SynapseTable) -> dict[str, NDArray[Any]]:
    """Ends, weights, delays and the rule's state variables of all synapses, in their order; copies."""
    now = table.weights.values()
    state = {name: now[name].copy() for name in table.state_columns if name != "last_event"}
    ends = {"pre_id": table.pre_id, "post_id": table.post_id}
    return {**ends, "weight": now["weight"].copy(), "delay": table.delay, **state}


def table_of(table: SynapseTable) -> Any:
    """The same as a pandas.DataFrame."""
    pandas = optional_module("pandas", "pandas", "to_pandas")
    return pandas.DataFrame(columns_of(table))


def sparse_of(areas: Any, table: SynapseTable, variable: Any, pre: Any, post: Any) -> Any:
    """One column as a scipy.sparse.coo_array, a row for each source, a column for each target."""
    sparse = optional_module("scipy.sparse", "scipy", "to_scipy")
    columns = columns_of(table)
    known = [name for name in columns if name not in ("pre_id", "post_id")]
    if not isinstance(variable, str) or variable not in known:
        near = nearest(str(variable), known)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"variable: must be one of {', '.join(known)}; got {shown(variable)}{hint}")
    n = areas.columns.n
    row, n_rows = _positions(areas, pre, "pre", table.pre, n)
    column, n_columns = _positions(areas, post, "post", table.post, n)
    there = (row >= 0) & (column >= 0)
    return sparse.coo_array(
        (columns[variable][there], (row[there], column[there])), shape=(n_rows, n_columns)
    )


def _positions(areas: Any, group: Any, where: str, slots: Any, n: int) -> tuple[NDArray[np.int64], int]:
    """Where each neuron stands in a group, -1: nowhere; and the size of the group. None: the whole network."""
    if group is None:
        return slots.astype(np.int64), n
    given = slots_as_given(areas, group, where)
    position = np.full(n, -1)
    position[given] = np.arange(len(given))
    if len(np.unique(given)) != len(given):
        raise ValueError(f"{where}: must name each neuron once")
    return position[slots], len(given)
