"""The table of a sweep: a column for each quantity and each figure, a row for each run."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from neuromod.atomic import checked_path
from neuromod.errors import printable
from neuromod.near_names import names_near
from neuromod.notebook import html_table
from neuromod.optional import optional_module
from neuromod.problems import NearAttributes, unknown_name

__all__ = ["SweepTable", "table_of"]


class SweepTable(dict[str, NDArray[Any]], NearAttributes):
    """Columns of a sweep by name, each an array with an entry for each run; a dict.

    The columns are: the quantities of `over`, as they were given; ``seed``; the figures of each run, NaN or "" where a
    run has none; ``seconds``, the time that the run took; ``error``, "" where the run went well. The rows are in the
    order of the points, the seeds of a point one after the other, whatever order the runs ended in.

    Parameters
    ----------
    columns : mapping of str to ndarray
    axes : mapping of str to list
        The values of each quantity, where the points are all combinations; else empty. Kept as ``axes``.

    Examples
    --------
    >>> import neuromod
    >>> table = neuromod.sweep("brain_base_model.json", {"experiment.density": [0.02, 0.05]}, seeds=2, steps=20)
    >>> table["experiment.density"].tolist()
    [0.02, 0.02, 0.05, 0.05]
    >>> table.failures
    []
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], axes: Mapping[str, list[Any]]) -> None:
        super().__init__(columns)
        self.axes = dict(axes)

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return len(self["seed"])

    @property
    def failures(self) -> list[str]:
        """A line for each run that failed: its number, and its error."""
        return [f"run {k}: {error}" for k, error in enumerate(self["error"].tolist()) if error]

    def __missing__(self, name: Any) -> NoReturn:
        raise unknown_name("table", name, self)

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return f"SweepTable({self.n_runs:,} run{'' if self.n_runs == 1 else 's'}{failed}: {printable(', '.join(self))})"

    def _repr_html_(self) -> str:
        rows = [[_cell(self[name][k]) for name in self] for k in range(self.n_runs)]
        return html_table(list(self), rows, repr(self).partition(":")[0] + ")")

    @names_near
    def to_csv(self, path: str | Path) -> None:
        """Write the table as CSV: a line of names, then a line for each run.

        Parameters
        ----------
        path : str or Path
            Replaced, if it exists.
        """
        with checked_path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self)
            writer.writerows(zip(*(column.tolist() for column in self.values()), strict=True))

    def to_pandas(self) -> Any:
        """The table as a table of pandas.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed; it names the extra that installs it.
        """
        pandas = optional_module("pandas", "pandas", "to_pandas")
        return pandas.DataFrame(dict(self))

    @names_near
    def to_parquet(self, path: str | Path) -> None:
        """Write the table as a Parquet file.

        Parameters
        ----------
        path : str or Path
            Replaced, if it exists.

        Raises
        ------
        ImportError
            If pandas or pyarrow is not installed; it names the extra that installs it.
        """
        optional_module("pyarrow", "parquet", "to_parquet")
        self.to_pandas().to_parquet(path, engine="pyarrow", index=False)

    def to_xarray(self) -> Any:
        """The table as labelled arrays of xarray.

        Returns
        -------
        xarray.Dataset
            Of all combinations: an axis for each quantity, and one for the seeds, ``seed``. Of a list of points: one
            axis, ``run``, with the quantities and the seed as coordinates.

        Raises
        ------
        ImportError
            If xarray is not installed; it names the extra that installs it.
        """
        xarray = optional_module("xarray", "xarray", "to_xarray")
        keys = [name for name in self if name in self._quantities() or name == "seed"]
        figures = {name: column for name, column in self.items() if name not in keys}
        if set(self.axes) | {"seed"} != set(keys):
            return xarray.Dataset(
                {name: ("run", column) for name, column in figures.items()},
                coords={name: ("run", self[name]) for name in keys},
            )
        n_seeds = len(np.unique(self["seed"]))
        sizes = [*(len(values) for values in self.axes.values()), n_seeds]
        coords = {name: column_of(values) for name, values in self.axes.items()}
        coords["seed"] = self["seed"][:n_seeds]
        shaped = {name: (keys, column.reshape(sizes)) for name, column in figures.items()}
        return xarray.Dataset(shaped, coords=coords)

    def _quantities(self) -> list[str]:
        names = list(self)
        return names[: names.index("seed")]


def table_of(
    tasks: Sequence[tuple[dict[str, Any], int]],
    rows: Sequence[Mapping[str, Any]],
    axes: Mapping[str, list[Any]],
) -> SweepTable:
    """The table of the runs `tasks`, of which `rows` holds what came out."""
    names = list(tasks[0][0])
    columns = {name: column_of([point[name] for point, _ in tasks]) for name in names}
    columns["seed"] = np.array([seed for _, seed in tasks], dtype=np.uint64)
    figures = {name: None for row in rows for name in row.get("figures", {})}
    for name in sorted(figures, key=lambda name: name == "digest"):  # the longest to read comes last
        shown = f"figure.{name}" if name in {*columns, "seconds", "error"} else name
        columns[shown] = column_of([row.get("figures", {}).get(name) for row in rows])
    columns["seconds"] = np.array([row["seconds"] for row in rows], dtype=np.float64)
    columns["error"] = np.array([row.get("error", "") for row in rows], dtype=str)
    return SweepTable(columns, axes)


def column_of(values: Sequence[Any]) -> NDArray[Any]:
    """An array of numbers, of booleans or of text, NaN or "" for None; others, as too large numbers, as JSON text."""
    there = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in there) and len(there) == len(values):
        return np.array(values, dtype=np.bool_)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in there):
        whole = len(there) == len(values) and all(isinstance(value, int) for value in there)
        if whole and all(-(2**63) <= value < 2**63 for value in there):
            return np.array(values, dtype=np.int64)
        with contextlib.suppress(OverflowError):
            return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    text = [
        "" if value is None else value if isinstance(value, str) else json.dumps(value) for value in values
    ]
    return np.array(text, dtype=str)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:16]
