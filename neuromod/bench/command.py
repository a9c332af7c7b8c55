"""``neuromod bench``: the benchmark workloads and micro-benchmarks, with this machine's bandwidth beside them.

Each workload runs in a process of its own, so that its peak of memory is its own; several runs (``repeat``)
are several processes, of which the median counts. Figures of one machine drift by 1.3 to 2 times within minutes:
compare within one call, and look at the spread.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import neuromod
from neuromod.bench.machine import machine_bandwidth, machine_facts
from neuromod.bench.numbers import Options
from neuromod.bench.shapes_table import shapes_table
from neuromod.processes import in_a_process
from neuromod.vector import VARIABLE, available_levels, vector_level

__all__ = ["append_history", "bench_table", "run_bench"]

APART = ("microcircuit", "populations", "shapes")
"""Long measurements, made only if they are named."""
Measurement = Callable[[Options], dict[str, Any]]
"""A workload, or the micro-benchmarks: builds, runs and measures; a record as `run_workload` gives it."""


# ---- all of it ---------------------------------------------------------------------------------------------


def run_bench(
    measurements: Mapping[str, Measurement],
    names: Sequence[str] | None = None,
    options: Options | None = None,
    repeat: int = 1,
    report: Callable[[str], object] | None = None,
    vector: str | None = None,
) -> list[dict[str, Any]]:
    """Measure the machine, then workloads and micro-benchmarks, each in a process of its own.

    Parameters
    ----------
    measurements : mapping of str to callable
        What there is to measure, by name: workloads, and ``"micro"`` for the micro-benchmarks. Each function is
        found by its module and name in the new process.
    names : sequence of str, optional
        Which of them. Default: all but those in `APART`.
    options : Options, optional
    repeat : int, >= 1, default 1
        Runs of each workload.
    report : callable, optional
        Called with a line of text before each measurement.
    vector : str, optional
        Vector level of the core, one of `neuromod.vector.available_levels`. Default: the one in use.

    Returns
    -------
    list of dict
        One for the machine (``workload`` is ``"machine"``), then one for each name. The times of a workload are
        the run's with the median ``run_s``; all are in ``run_s_all``.

    Raises
    ------
    ValueError
        If a name is unknown, or this machine or build lacks the vector level. Nothing has been run then.
    """
    options = options or Options()
    level = vector or vector_level()
    if level not in available_levels():
        have = ", ".join(available_levels())
        raise ValueError(f"vector: must be a level of this machine and build ({have}); got {level!r}")
    wanted = list(dict.fromkeys(names or (name for name in measurements if name not in APART)))
    unknown = [name for name in wanted if name not in measurements]
    if unknown:
        raise ValueError(f"workload: must be one of {', '.join(measurements)}; got {unknown[0]!r}")
    say = report or (lambda line: None)
    say("machine: bandwidth")
    # small runs get a small measurement: their arrays stay in the caches, and so may its
    size, each = (128, 300.0) if options.scale >= 0.1 else (1, 0.0)
    machine = {
        "workload": "machine",
        **machine_facts(),
        "vector": level,
        **in_a_process(machine_bandwidth, size, each),
    }
    records = [machine]
    with _at_level(level):
        for name in wanted:
            say(
                f"{name}: scale {options.scale:g}, vector level {level}"
                + (f", {repeat} runs" if name not in _TABLES and repeat > 1 else "")
            )
            records.append(_measured(name, measurements[name], options, repeat))
    machine["load_after"] = machine_facts()["load"]
    return records


@contextmanager
def _at_level(level: str) -> Iterator[None]:
    """A block in which new processes load the core of this vector level."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = level
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _measured(name: str, measurement: Measurement, options: Options, repeat: int) -> dict[str, Any]:
    if name in _TABLES:
        return {"workload": name, "threads": options.threads, **in_a_process(measurement, options)}
    runs = sorted((in_a_process(measurement, options) for _ in range(repeat)), key=lambda run: run["run_s"])
    if len({run["digest"] for run in runs}) != 1:
        raise neuromod.CoreError(f"please report this: {name}: runs with one seed ended in different states")
    median = runs[(len(runs) - 1) // 2]
    return median | {"run_s_all": [run["run_s"] for run in runs]}


# ---- for people --------------------------------------------------------------------------------------------


def bench_table(records: Sequence[Mapping[str, Any]]) -> str:
    """What `run_bench` returned, as text.

    Parameters
    ----------
    records : sequence of mapping

    Returns
    -------
    str
    """
    machine = records[0]
    blocks = [_machine_block(machine)]
    for record in records[1:]:
        blocks.append(_TABLES.get(record["workload"], _block)(record, machine))
    return "\n\n".join(blocks)


def _rows(title: str, rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join([title, *(f"  {name:<30}{value}" for name, value in rows)])


def _machine_block(machine: Mapping[str, Any]) -> str:
    streams = ", ".join(
        f"{name} {machine[f'{name}_gb_s']:.1f}" for name in ("read", "copy", "update", "triad")
    )
    scatter = {name.split("_")[1]: value for name, value in machine.items() if name.startswith("scatter_")}
    places = ", ".join(f"{size.upper()}iB {value:.0f}" for size, value in scatter.items())
    return _rows(
        f"{machine['processor']}, {machine['processors']} processors",
        [
            ("memory, one thread", f"{streams} GB/s"),
            ("random scatter-add", f"{places} million/s"),
            ("vector level", machine["vector"]),
            ("load", f"{machine['load']} before, {machine['load_after']} after"),
        ],
    )


def _block(r: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    threads = f"{r['threads']} thread{'s' * (r['threads'] > 1)}"
    title = (
        f"{r['workload']}: {r['n_neurons']:,} neurons, {r['n_synapses']:,} synapses, "
        f"{r['sim_steps']:,} steps of {r['dt_ms']:g} ms, {threads}, seed {r['seed']}"
    )
    runs = r["run_s_all"]
    spread = f"  (median of {len(runs)}: {runs[0]:.4g} to {runs[-1]:.4g})" if len(runs) > 1 else ""
    cv = "-" if r["cv_isi"] is None else f"{r['cv_isi']:.3f}"
    rows = [
        ("build", f"{r['build_s']:.4g} s"),
        ("run", f"{r['run_s']:.4g} s{spread}; {r['us_per_step']:.4g} us a step"),
        ("real-time factor", f"{r['realtime_factor']:.4g}"),
        ("spikes", f"{r['spikes']:,}; mean rate {r['mean_rate_hz']:.3f} Hz, CV of intervals {cv}"),
        ("synaptic events", f"{_si(r['events_per_s'])}/s{_beside_events(r, machine)}"),
        ("neuron updates", f"{_si(r['updates_per_s'])}/s"),
    ]
    if "w_mean" in r:
        rows.append(("plastic weights", f"mean {r['w_mean']:.4f}, sd {r['w_sd']:.4f}"))
    if "rates_hz" in r:
        rows.append(("rates", " ".join(f"{name} {rate:.2f}" for name, rate in r["rates_hz"].items()) + " Hz"))
    if r["peak_bytes_per_synapse"] is not None:
        rows.append(("memory at the peak", f"{r['peak_bytes_per_synapse']:.4g} B a synapse"))
    rows += [(name.replace("_", " "), f"{r[name]:,}") for name in _OWN if name in r]
    rows.append(("digest", r["digest"]))
    return _rows(title, rows)


_OWN = (
    *("us_per_step_of_one", "ratio", "step_call_us", "synapse_loop_s", "synapse_loop_ns_per_synapse"),
    "synapse_column_us",
)


def _beside_events(r: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    """Beside the rate of events: what it would be if reading the synapse's memory were all there is to do."""
    size = r["peak_bytes_per_synapse"]
    if size is None or r["n_synapses"] < 100_000:  # below, neurons and recorders are most of the memory
        return ""
    used = r["events_per_s"] * size * 1e-9
    return f" x {size:.3g} B = {used:.3g} GB/s, {100 * used / machine['read_gb_s']:.0f} % of reading"


def _micro_block(record: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    rows = [
        (figure["name"], f"{_si(figure['value'])}{figure['unit']}{_beside_figure(figure, machine)}")
        for figure in record["figures"]
    ]
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(["micro-benchmarks", *(f"  {name:<{width}}{value}" for name, value in rows)])


def _shapes_block(record: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    return shapes_table(record["cells"])


_TABLES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
    "micro": _micro_block,
    "shapes": _shapes_block,
}
"""What has a table of its own, and does not run one workload."""


def _beside_figure(figure: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    """The machine's limits beside a figure."""
    parts = []
    if "gb_s" in figure:
        size = f" x {figure['bytes']:.3g} B" if "bytes" in figure else ""
        share = 100 * figure["gb_s"] / machine[figure["stream"]]
        parts.append(f"{size} = {figure['gb_s']:.3g} GB/s, {share:.0f} % of {figure['stream'].split('_')[0]}")
    if figure.get("scatter") in machine:
        share = 100 * figure["value"] * 1e-6 / machine[figure["scatter"]]
        parts.append(f"{share:.0f} % of scatter-add")
    return (" " if parts and not parts[0].startswith(" ") else "") + "; ".join(parts)


def _si(value: float) -> str:
    for unit, size in ((" G", 1e9), (" M", 1e6), (" k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g} "


# ---- for machines ------------------------------------------------------------------------------------------


def append_history(path: Path, records: Sequence[Mapping[str, Any]], options: Options) -> None:
    """Add one line of JSON to a history: the version, the day, the machine, and every figure by one flat name.

    Parameters
    ----------
    path : Path
        Made where it is missing.
    records : sequence of mapping
        From `run_bench`.
    options : Options
        That they were run with.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> append_history(Path("history.jsonl"), [{"workload": "machine", "read_gb_s": 17.0}], Options())
    >>> json.loads(Path("history.jsonl").read_text())["figures"]
    {'machine.read_gb_s': 17.0}
    """
    figures: dict[str, float] = {}
    for record in records:
        for name, value in record.items():
            if (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and name not in ("seed", "scale")
            ):
                figures[f"{record['workload']}.{name}"] = value
        for figure in record.get("figures", []):
            figures[f"micro.{figure['key']}"] = figure["value"]
    line = {
        "version": neuromod.__version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": records[0].get("processor"),
        "vector": records[0].get("vector"),
        "options": asdict(options),
        "figures": figures,
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
