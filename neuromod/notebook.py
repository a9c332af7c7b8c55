"""How objects look in a notebook: a small table of HTML each, with what a user asks first.

The rows of a class are found by its name, or by that of its nearest base. They read what costs little: no column of a
large network, and no weight of a large projection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["html_of", "html_table"]

Row = Sequence[Any]
_MOST_ROWS = 30
_LARGE = 10_000  # neurons, beyond which columns are not read
_MANY = 1_000_000  # synapses, beyond which weights and delays are not read

_STYLE = "font-variant-numeric:tabular-nums;margin:0.2em 0"
_BAR = (
    '<span style="display:inline-block;width:6em;height:0.6em;margin-right:0.5em;border-radius:2px;'
    'background:rgba(128,128,128,0.25)"><span style="display:block;width:{0:.0f}%;height:100%;border-radius:2px;'
    'background:{1}"></span></span>{2:.3f}'
)
_COLOURS = {"dopamine": "#D55E00", "serotonin": "#0072B2", "norepinephrine": "#009E73"}


def escape(text: str) -> str:
    """Text as HTML. The module is imported where it is used: its tables take a millisecond."""
    from html import escape as escaped

    return escaped(text)


class _Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def html_of(thing: Any) -> str:
    """The table of an object; its repr, where its class has no rows."""
    for kind in type(thing).__mro__:
        parts = _PARTS.get(kind.__name__)
        if parts is not None and kind.__module__.startswith("neuromod."):
            title = _title(thing)
            return "".join(
                html_table(head, rows, title if k == 0 else None)
                for k, (head, rows) in enumerate(parts(thing))
            )
    return f"<pre>{escape(repr(thing))}</pre>"


def _title(thing: Any) -> str:
    """The class as its repr has it; of a mapping, whose repr is that of a dict, what it holds."""
    if isinstance(thing, Mapping):
        first = next(iter(thing.values()), None)
        if hasattr(first, "synapse_type"):
            return "Projections"
        return getattr(thing, "_where", "").capitalize() or type(thing).__name__.lstrip("_")
    return repr(thing).partition("(")[0]


def html_table(head: Row, rows: Iterable[Row], title: str | None = None) -> str:
    """A table of at most 30 rows; how many more there are is said in the last."""
    listed = list(rows)
    caption = f'<caption style="text-align:left;font-weight:600">{escape(title)}</caption>' if title else ""
    top = "<tr>" + "".join(f"<th>{escape(str(cell))}</th>" for cell in head) + "</tr>" if any(head) else ""
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in listed[:_MOST_ROWS]
    )
    if len(listed) > _MOST_ROWS:
        body += f"<tr><td>and {len(listed) - _MOST_ROWS:,} more</td></tr>"
    return f'<table style="{_STYLE}">{caption}{top}{body}</table>'


def _cell(value: Any) -> str:
    if isinstance(value, _Html):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}"
    if value is None:
        return "none"
    return escape(str(value))


def _pairs(values: Mapping[str, Any] | None) -> str:
    """a = 1, b = 2."""
    if values is None:
        return "none"
    return ", ".join(f"{name} = {_cell(value)}" for name, value in values.items()) or "none"


# ---- networks ----------------------------------------------------------------------------------------------


def _simulation(sim: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield (
        ("", ""),
        [
            ("neurons", len(sim.model.neurons)),
            ("synapses", len(sim.model.synapses)),
            ("time", f"{sim.time:g} ms ({sim.current_step:,} steps of {sim.dt:g} ms)"),
            ("seed", str(sim.seed)),
            ("threads", sim.threads),
        ],
    )
    yield from _network(sim)
    if sim.neuromodulation is not None:
        yield from _system(sim.neuromodulation)


def _ranks(sim: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield (
        ("", ""),
        [
            ("rank", f"{sim.rank} of {sim.n_ranks}"),
            ("neurons", f"{len(sim.own_ids):,} of {len(sim.neurons):,}"),
            ("synapses held here", sim.n_own_synapses),
            ("steps", sim.step),
        ],
    )


def _network(sim: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    populations, projections = sim.populations, sim.projections
    if len(populations):
        yield from _populations(populations)
    if len(projections):
        yield from _projections(projections)


def _populations(populations: Mapping[str, Any]) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield ("population", "neurons"), [(name, len(each)) for name, each in populations.items()]


def _projections(projections: Mapping[str, Any]) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield (
        ("projection", "synapses", "type", "rule"),
        [(name, len(each), each.synapse_type, each.rule) for name, each in projections.items()],
    )


def _mapping(mapping: Mapping[str, Any]) -> Iterator[tuple[Row, Iterable[Row]]]:
    first = next(iter(mapping.values()), None)
    if first is None:
        yield ("", ""), [("none yet",)]
    elif hasattr(first, "synapse_type"):
        yield from _projections(mapping)
    else:
        yield ("name", "value"), [(name, repr(value)) for name, value in mapping.items()]


def _population(population: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    ids, models = population.ids, population._models()
    rows: list[Row] = [
        ("name", population.name),
        ("neurons", len(ids)),
        ("model", ", ".join(models) or "none"),
    ]
    if len(ids):
        rows += [
            ("type", repr(population).rpartition(", ")[2].rstrip(")")),
            ("ids", f"{int(ids.min())} to {int(ids.max())}"),
        ]
    yield ("", ""), rows
    if len(models) == 1 and 0 < len(ids) <= _LARGE:
        yield _COLUMN_HEAD, list(_columns(population, _variables(models[0], dir(population))))


_COLUMN_HEAD = ("column", "mean", "least", "greatest", "unit")


def _variables(model: str, known: Sequence[str]) -> dict[str, str]:
    """The state variables of a model, its parameters, and the inputs that neurons may have; with units."""
    from neuromod._core import neuron_models

    about = neuron_models()[model]
    fields = {**about["state"], **about["params"]}
    units = {name: field["unit"] for name, field in fields.items()}
    if not about["is_source"]:
        # An event of the background drive is a jump of the potential.
        units |= {"i_offset": about["current_unit"], "drive_rate": "Hz", "drive_weight": "mV"}
    return {name: "" if unit == "1" else unit for name, unit in units.items() if name in known}


def _columns(neurons: Any, units: Mapping[str, str]) -> Iterator[Row]:
    for name, unit in units.items():
        column = np.asarray(getattr(neurons, name))
        yield name, float(column.mean()), float(column.min()), float(column.max()), unit


def _neurons(neurons: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield ("", ""), [("neurons", len(neurons))]
    if 0 < len(neurons) <= _LARGE:
        from neuromod._core import neuron_models

        which, counts = np.unique(neurons.model, return_counts=True)
        models = [list(neuron_models())[k] for k in which]
        yield ("model", "neurons"), [(name, int(n)) for name, n in zip(models, counts, strict=True)]
        if len(models) == 1:
            yield _COLUMN_HEAD, list(_columns(neurons, _variables(models[0], dir(neurons))))


def _synapses(synapses: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield ("", ""), [("synapses", len(synapses))]
    yield (
        ("projection", "synapses", "type", "rule"),
        [
            (table.name, len(table), table.synapse_type, table.learning.rule)
            for table in synapses._store.tables
        ],
    )


def _projection(projection: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    if projection._own_table.is_removed:
        yield ("", ""), [("removed", True)]
        return
    rows = [
        ("name", projection.name),
        ("synapses", len(projection)),
        ("type", projection.synapse_type),
        ("port", projection.port),
        *_weights_and_delays(projection),
        ("rule", projection.rule),
    ]
    if projection.rule is not None:
        named, unit = projection.modulators, projection.weight_unit
        rows += [
            ("parameters", _pairs(projection.rule_params)),
            ("bounds of weights", f"{projection.weight_min:g} to {projection.weight_max:g} {unit}"),
            ("learning", projection.learning),
            ("modulators", "all" if named is None else ", ".join(named) or "none"),
            ("homeostatic", _pairs(projection.homeostatic)),
        ]
    yield ("", ""), [*rows, ("short-term", _pairs(projection.short_term))]


def _weights_and_delays(projection: Any) -> Iterator[Row]:
    """Their means and ranges; nothing where they are many, or another thread runs the simulation."""
    n, table = len(projection), projection._table
    if not 0 < n <= _MANY or table.weights.gate.running:
        return
    weight = table.weights.sampled("weight", np.arange(n)).astype(np.float64)
    unit = projection.weight_unit
    yield "weights", f"mean {weight.mean():.4g}, {weight.min():.4g} to {weight.max():.4g} {unit}"
    delay = projection.delay
    least, most = int(delay.min()), int(delay.max())
    span = f"{least:,}" if least == most else f"mean {delay.mean():.4g}, {least:,} to {most:,}"
    yield "delay", f"{span} step{'' if most == 1 else 's'}"


def _replicas(runs: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield (
        ("replica", "seed", "neurons", "time (ms)"),
        [(k, str(sim.seed), len(sim.model.neurons), sim.time) for k, sim in enumerate(runs)],
    )


# ---- modulators --------------------------------------------------------------------------------------------


def _system(system: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    regions = system.regions
    head: Row = (
        ("modulator", "region", "level", "baseline")
        if len(regions) > 1
        else ("modulator", "level", "baseline")
    )
    yield head, list(_levels(system, regions))


def _levels(system: Any, regions: Sequence[str]) -> Iterator[Row]:
    for name in system.names:
        state = getattr(system, name).state
        levels, rests = (np.atleast_1d(column) for column in (state.level, state.tonic))
        for region, level, rest in zip(regions, levels, rests, strict=True):
            bar = _level_bar(name, float(level))
            yield (name, region, bar, float(rest)) if len(regions) > 1 else (name, bar, float(rest))


def _level_bar(name: str, level: float) -> _Html:
    return _Html(_BAR.format(100.0 * level, _COLOURS.get(name, "#7F7F7F"), level))


def _modulator(modulator: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield from _state(modulator.state, modulator.name)
    yield (
        ("", ""),
        [
            ("acts on", ", ".join(modulator.targets) or "nothing"),
            ("neutral at its baseline", modulator.neutral),
        ],
    )


def _state(state: Any, name: str = "") -> Iterator[tuple[Row, Iterable[Row]]]:
    levels = np.atleast_1d(state.level)
    speed = (
        ("decay rate", f"{state.decay_rate:g} per step")
        if state.tau is None
        else ("tau", f"{state.tau:g} ms")
    )
    bars = [("level", _level_bar(name, float(level))) for level in levels]
    yield ("", ""), [*bars, ("baseline", ", ".join(f"{rest:g}" for rest in np.unique(state.tonic))), speed]


def _critic(critic: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield ("", ""), [("learning rate", critic.learning_rate)]
    values = critic.values
    if values:
        yield ("key", "value"), [(repr(key), value) for key, value in values.items()]


# ---- recorders, currents, hooks ----------------------------------------------------------------------------


def _spikes(monitor: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    time = monitor.time
    rows: list[Row] = [("spikes", len(time))]
    if len(time):
        rows += [("neurons that fired", len(np.unique(monitor.id))), _between(time)]
    yield ("", ""), [*rows, ("records", monitor._is_on())]


def _rate(monitor: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    rate = monitor.rate
    rows: list[Row] = [("bins", len(rate)), ("width", f"{monitor._bin * monitor._sim.dt:g} ms")]
    if len(rate):
        rows += [("mean rate", f"{rate.mean():.4g} Hz"), ("greatest rate", f"{rate.max():.4g} Hz")]
    yield ("", ""), [*rows, ("records", monitor._is_on())]


def _samples(monitor: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    time, values = monitor.time, monitor.values
    rows: list[Row] = [("samples", len(time))]
    if hasattr(monitor, "variable"):
        rows.insert(0, ("variable", monitor.variable))
        rows.append(("neurons or synapses", values.shape[-1]))
    if hasattr(monitor, "names"):
        rows.append(("modulators", ", ".join(monitor.names)))
    if len(time):
        rows.append(_between(time))
    if values.size and values.size <= 1_000_000 and np.isfinite(values).any():
        rows.append(("values", f"{np.nanmin(values):.6g} to {np.nanmax(values):.6g}"))
    yield ("", ""), [*rows, ("records", monitor._is_on())]


def _between(time: Any) -> Row:
    return "time", f"{time[0]:g} to {time[-1]:g} ms"


def _current(current: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    rows: list[Row] = [("neurons", len(current.ids))]
    if hasattr(current, "unit"):
        rows.append(("unit", current.unit))
    yield ("", ""), [*rows, ("acts", current.is_on)]


def _hook(hook: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield ("", ""), [("what", repr(hook)), ("acts", hook.is_on)]


# ---- agents ------------------------------------------------------------------------------------------------


def _agent(agent: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield (
        ("", ""),
        [
            ("encoder", f"{agent.encoder!r}, {agent.encoder.n_cells:,} cells"),
            ("decoder", f"{agent.decoder!r}, {sum(agent.decoder.groups):,} groups of actors"),
            ("steps so far", agent.num_timesteps),
            ("learning", agent.learning),
            ("clamped", _pairs(agent.clamped)),
            ("seed", str(agent.seed)),
        ],
    )
    yield from _network(agent.sim)
    yield ("modulator", "level"), [(name, _level_bar(name, level)) for name, level in agent.levels.items()]


def _agents(agents: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    yield ("", ""), [("agents", len(agents)), ("steps so far, of all", agents.num_timesteps)]
    yield (
        ("agent", "seed", "steps so far"),
        [(k, str(agents[k].seed), agents[k].num_timesteps) for k in range(len(agents))],
    )


def _history(history: Any) -> Iterator[tuple[Row, Iterable[Row]]]:
    returns, lengths, member = history.returns, history.lengths, np.array(history.members)
    head: Row = ("", "episodes", "mean return", "of the first 100", "of the last 100", "mean length (steps)")
    rows: list[Row] = []
    several = np.unique(member).tolist() if len(np.unique(member)) > 1 else []
    for k in several or [None]:
        mine = np.ones(len(returns), dtype=bool) if k is None else member == k
        name = "" if k is None else f"environment {k}"
        got = returns[mine]
        means = (got.mean(), got[:100].mean(), got[-100:].mean(), lengths[mine].mean()) if len(got) else ()
        rows.append((name, len(got), *map(float, means)))
    yield head, rows


_PARTS: dict[str, Callable[[Any], Iterable[tuple[Row, Iterable[Row]]]]] = {
    "Simulation": _simulation,
    "RankSimulation": _ranks,
    "Population": _population,
    "Populations": _populations,
    "ReadOnly": _mapping,
    "Projection": _projection,
    "NeuronCollection": _neurons,
    "SynapseCollection": _synapses,
    "Replicas": _replicas,
    "NeuromodulationSystem": _system,
    "Modulator": _modulator,
    "ModulatorState": _state,
    "Critic": _critic,
    "SpikeMonitor": _spikes,
    "RateMonitor": _rate,
    "Monitor": _samples,
    "Current": _current,
    "RateSource": _current,
    "Hook": _hook,
    "Agent": _agent,
    "VectorAgent": _agents,
    "History": _history,
}
