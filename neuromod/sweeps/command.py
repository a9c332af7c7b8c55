"""The command ``neuromod sweep``: its arguments, and what it prints and writes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromod.errors import ConfigError
from neuromod.terminal import check_output

if TYPE_CHECKING:
    from neuromod.sweeps.table import SweepTable

__all__ = ["add_arguments", "axis_of", "run_command"]

_OUT = "neuromod-sweep.jsonl"
_SHOWN = 5  # failures that are printed


def add_arguments(sweep: argparse.ArgumentParser, path: Callable[[str], Path]) -> None:
    """Add the arguments of the command but the seed and the length of a run, which `neuromod run` has, too.

    Parameters
    ----------
    sweep : ArgumentParser
    path : callable
        Reads the name of a file.
    """
    sweep.add_argument("config", metavar="CONFIG", help="JSON file, or the name of one that is shipped")
    sweep.add_argument(
        "--over", action="append", default=[], metavar="PATH=VALUES",
        help="values of a quantity, e.g. areas.V1_like.density=0.1,0.2 or neuron_model.params_default.tau_m=10:30:5 "
        "(low:high:number; low:high:number:log). Several: all combinations",
    )  # fmt: skip
    sweep.add_argument(
        "--on", default="processes", metavar="WHERE",
        help="here, processes (default), dask, dask://HOST:PORT, ray, ray://HOST:PORT, or mpi under mpiexec",
    )  # fmt: skip
    sweep.add_argument(
        "--out", type=path, default=Path(_OUT), metavar="FILE.jsonl",
        help=f"takes each row when its run has ended; one that exists is gone on with (default: {_OUT})",
    )  # fmt: skip
    sweep.add_argument(
        "--table", type=path, metavar="FILE", help="the table, .csv or .parquet (default: beside --out, .csv)"
    )
    sweep.add_argument(
        "--force", action="store_true", help="replace a table that is there though --out is not"
    )
    sweep.add_argument("--retry-failed", action="store_true", help="run again what --out has as failed")


def axis_of(text: str) -> tuple[str, list[Any]]:
    """The quantity and the values that ``PATH=VALUES`` means.

    Parameters
    ----------
    text : str

    Raises
    ------
    ConfigError

    Examples
    --------
    >>> axis_of("a.b=1:3:3"), axis_of("c=stdp,triplet"), axis_of("d=[1,2],[3,4]")
    (('a.b', [1.0, 2.0, 3.0]), ('c', ['stdp', 'triplet']), ('d', [[1, 2], [3, 4]]))
    """
    path, equals, values = text.partition("=")
    if not equals or not all(path.split(".")) or not values:
        raise ConfigError([f"--over: must be PATH=VALUES, as in simulation.dt=0.5,1; got {text!r}"])
    parts = values.split(":")
    if len(parts) == 2 and all(_is_number(part) for part in parts):
        raise ConfigError([f"--over {path}: must be low:high:number, or values with commas; got {values}"])
    if len(parts) in (3, 4) and all(_is_number(part) for part in parts[:3]):
        return path, _spaced(path, parts)
    try:
        listed = json.loads(f"[{values}]")
    except (ValueError, RecursionError):
        listed = [_value(part) for part in values.split(",")]
    return path, listed


def _spaced(path: str, parts: list[str]) -> list[Any]:
    import numpy as np

    from neuromod.sweeps.points import MOST_RUNS

    low, high = float(parts[0]), float(parts[1])
    if not parts[2].isdecimal() or not 2 <= int(parts[2]) <= MOST_RUNS:
        rule = f"must have a whole number of values, 2 to {MOST_RUNS:,}"
        raise ConfigError([f"--over {path}: {rule}; got {parts[2]}"])
    if len(parts) == 3:
        return [float(value) for value in np.linspace(low, high, int(parts[2]))]
    if parts[3] != "log" or not 0.0 < low < high:
        raise ConfigError(
            [f"--over {path}: must be low:high:number:log with 0 < low < high; got {':'.join(parts)}"]
        )
    return [float(value) for value in np.geomspace(low, high, int(parts[2]))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def run_command(arguments: argparse.Namespace) -> tuple[str, bool]:
    """Sweep; what is to be printed, and whether every run went well.

    Raises
    ------
    ConfigError
        If the command line or the configuration is wrong.
    """
    from neuromod.optional import optional_module
    from neuromod.sweeps.run import sweep
    from neuromod.together import Together

    found = Together()
    axes = [found(axis_of, text) for text in arguments.over]
    over = dict(axis for axis in axes if axis is not None)
    if len(over) < len([axis for axis in axes if axis is not None]):
        found.wrong("--over: must name each quantity once")
    table_file = arguments.out.with_suffix(".csv") if arguments.table is None else arguments.table
    if table_file.suffix not in (".csv", ".parquet"):
        found.wrong(f"--table: must end in .csv or .parquet; got {table_file}")
    elif table_file.resolve() == arguments.out.resolve():
        found.wrong(f"--table: must be another file than --out, which has the rows; got {table_file}")
    if table_file.suffix == ".parquet":  # before the runs, not after them
        for library in ("pandas", "pyarrow"):
            try:
                optional_module(library, "parquet", "a .parquet file")
            except ImportError as error:
                found.wrong(f"--table: {error}")
    found.finish()
    check_output("--out", arguments.out, force=True)
    check_output("--table", table_file, arguments.force or arguments.out.exists())
    table = sweep(
        arguments.config,
        over,
        seeds=arguments.seeds,
        seed=0 if arguments.seed is None else arguments.seed,
        steps=arguments.steps,
        ms=arguments.ms,
        on=arguments.on,
        workers=arguments.workers,
        threads=arguments.threads,
        to=arguments.out,
        retry_failed=arguments.retry_failed,
    )
    if arguments.on == "mpi" and not _is_first_rank():
        return "", True
    if table_file.suffix == ".csv":
        table.to_csv(table_file)
    else:
        table.to_parquet(table_file)
    return "\n".join(
        [*_told(table), f"written: {arguments.out}", f"written: {table_file}"]
    ), not table.failures


def _told(table: SweepTable) -> list[str]:
    failures = table.failures
    busy = float(table["seconds"].sum())
    lines = [
        f"{table.n_runs:,} run{'' if table.n_runs == 1 else 's'}, {len(failures):,} failed; {busy:.1f} s of work"
    ]
    lines += failures[:_SHOWN]
    if len(failures) > _SHOWN:
        lines.append(f"... and {len(failures) - _SHOWN:,} more, in the column error")
    return lines


def _is_first_rank() -> bool:
    from neuromod.optional import optional_module

    return bool(optional_module("mpi4py.MPI", "mpi", "--on mpi").COMM_WORLD.rank == 0)
