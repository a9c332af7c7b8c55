"""The state of a model: what is saved of it, and the way back, on which everything is checked before it is used."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.errors import ConfigError
from neuromod.folding import Repeated
from neuromod.network.columns import FIXED_FIELDS, LATER, MODELS
from neuromod.network.layout import Learning
from neuromod.network.saved_populations import check_members, created_of, populations_state
from neuromod.problems import join, shown
from neuromod.state import SavedPart, check_seal, pack, sealed, unpacked

__all__ = [
    "FORMAT",
    "check_format",
    "content_of",
    "from_dict",
    "model_again",
    "plain_content_of",
    "plain_model_again",
    "restore",
    "state_of",
    "to_dict",
]

Model = Any
"""A `neuromod.network.brain_model.BrainModel`; this module does not import it."""

FORMAT = 2
"""1: weights were rounded to the nearest float32, and pairs in one step counted as the arrival first."""
_RULES = _core.plasticity_rules()
_MOST_IDS = 2**32
"""A neuron's id is a word of the random numbers."""
_MOST_MADE = 2**24
"""Projections ever made: likewise, of 24 bits."""
_PARTS = {"weight_min": 0, "weight_max": 1, "weight_decay": 2, "weight_dependence": 3}
"""Where `bounds` has what."""
_PROJECTION = ("name", "number", "synapse_type", "rule", "params", "bounds", "pre", "post", "columns")
_OPTIONAL = ("port", "learning", "modulators", "rounding", "short_term", "homeostatic", "rows")


# ---- saving ----------------------------------------------------------------------------------------------------


def state_of(
    model: Model,
    rows: bool = False,
    contents: Callable[[Any], Mapping[str, Any]] | None = None,
    sources: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """All that is the model's, but its configuration. `rows`: also how synapses are stored, of which no digest is.

    `contents`: gives the columns of the synapses of a table. Default: as they are now. `sources`: gives their sources.
    Default: an array.
    """
    store, columns = model._store, model._store.columns
    return {
        "next_id": columns.next_id,
        "neurons": _neurons_of(columns),
        **populations_state(store.areas),
        "projections": [_state_of(table, rows, contents, sources) for table in store.tables],
        "made": store.made,
    }


def _neurons_of(columns: Any) -> dict[str, NDArray[Any]]:
    """The columns by name; a lasting current only where some neuron has one, so that digests without it stay."""
    each = {name: columns.column(name) for name in sorted(columns.buffers)}
    return each if np.any(each["i_offset"]) else {k: column for k, column in each.items() if k != "i_offset"}


def _sources_of(table: Any) -> Repeated:
    """Slot of each synapse's source, as `pre` of the table."""
    counts = np.diff(table.row_start)
    return Repeated(np.arange(table.pre_first, table.pre_first + len(counts), dtype=np.int32), counts)


def _state_of(
    table: Any,
    rows: bool,
    contents: Callable[[Any], Mapping[str, Any]] | None,
    sources: Callable[[Any], Any] | None,
) -> dict[str, Any]:
    about = table.learning
    own: dict[str, Any] = {} if about.learns else {"learning": False}
    if about.rounding != "unbiased":
        own["rounding"] = about.rounding
    if about.modulators is not None:
        own["modulators"] = list(about.modulators)
    slow = {"short_term": about.short_term, "homeostatic": about.homeostatic}
    own_port = {} if table.port == table.synapse_type else {"port": table.port}
    stored = {"first": int(table.pre_first), "count": len(table.row_start) - 1, "delay": table.equal_delay}
    return {
        "name": table.name,
        "number": table.number,
        "synapse_type": table.synapse_type,
        **own_port,
        **own,
        "rule": about.rule or "none",
        "params": dict(about.params),
        "bounds": [about.weight_min, about.weight_max, about.weight_decay, about.weight_dependence],
        "pre": table.pre if sources is None else sources(table),
        "post": table.post,
        "columns": table.contents() if contents is None else contents(table),
        **{name: dict(part) for name, part in slow.items() if part is not None},
        **({"rows": stored} if rows else {}),
    }


def content_of(model: Model) -> dict[str, Any]:
    """What a saved model consists of, with arrays as arrays; sealed."""
    with model._store.gate:
        return sealed(_content_of(model, state_of(model, True)))


def plain_content_of(
    model: Model, contents: Callable[[Any], Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The same without a seal, for a file, which has its own; of sources the file has runs, and no array is made."""
    return _content_of(model, state_of(model, True, contents, _sources_of))


def _content_of(model: Model, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "models": list(MODELS),
        "config": copy.deepcopy(model.config),
        "state": state,
    }


def to_dict(model: Model) -> dict[str, Any]:
    """The same as ``json`` can write it."""
    with model._store.gate:
        content = content_of(model)
        return {**content, "state": pack(content["state"])}


# ---- the way back ----------------------------------------------------------------------------------------------


def check_format(state: Any, maker: str) -> Mapping[str, Any]:
    """Refuse what is no saved state at all."""
    if (
        not isinstance(state, Mapping)
        or type(state.get("format")) is not int
        or not 1 <= state["format"] <= FORMAT
    ):
        raise ValueError(f"state: must be a mapping made by {maker}.to_dict; got something else")
    return state


def from_dict(cls: type[Model], state: Any, where: str = "state") -> Model:
    """The model that `to_dict` was called on."""
    found = check_format(state, "BrainModel")
    SavedPart(found, where).only("format", "models", "config", "state", "version", "sha256")
    if "state" in found:
        found = {**found, "state": unpacked(found["state"], f"{where}.state", found, where)}
    return model_again(cls, found, where)


def model_again(cls: type[Model], content: Mapping[str, Any], where: str = "state") -> Model:
    """The model of a content as `content_of` gives it, checked."""
    part = SavedPart(content, where)
    part.only("format", "models", "config", "state", "version", "sha256")
    part.has("format", "models", "config", "state")
    part.finish()
    sealed_part = {name: content[name] for name in ("format", "models", "config", "state")}
    check_seal(sealed_part, content.get("version"), content.get("sha256"), where)
    return _model_of(cls, content, where, "version" in content)


def plain_model_again(cls: type[Model], content: Any, where: str) -> Model:
    """The model of a content as `plain_content_of` gives it, checked."""
    part = SavedPart(content, where)
    part.only("format", "models", "config", "state")
    part.has("format", "models", "config", "state")
    part.whole("format", 1, FORMAT)
    part.finish()
    return _model_of(cls, content, where, known_rows=True)


def _model_of(cls: type[Model], content: Mapping[str, Any], where: str, known_rows: bool) -> Model:
    if content["models"] != list(MODELS):
        came, here = shown(content["models"]), ", ".join(MODELS)
        raise ConfigError([f"{where}: made with the neuron models {came}; here are {here}"])
    if not isinstance(content["config"], Mapping):
        raise ConfigError([f"{where}.config: must be a configuration; got {shown(content['config'])}"])
    try:
        model = cls._quietly(content["config"])
    except ConfigError as error:
        raise ConfigError([f"{where}.config: {problem}" for problem in error.problems]) from None
    restore(model, content["state"], f"{where}.state", known_rows)
    return model


def restore(model: Model, state: Any, where: str, known_rows: bool = True) -> None:
    """Take over what `state_of` gave, checked, into a model without neurons."""
    part = SavedPart(state, where)
    part.only("next_id", "neurons", "populations", "projections", "made")
    made = part.whole("made", 0, _MOST_MADE)
    next_id = part.whole("next_id", 0, _MOST_IDS)
    created, first = created_of(part, model._areas, next_id), len(model._areas.lattice)
    model._areas.add(*created)
    neurons = _neurons(part.part("neurons"), model, next_id)
    part.finish()
    check_members(part, created, first, neurons or {})
    part.finish()
    assert neurons is not None and next_id is not None and made is not None
    model._store.columns.restore(neurons["id"], next_id, neurons)
    saved = part.value.get("projections")
    if not isinstance(saved, list | tuple):
        raise ConfigError([f"{where}.projections: must be a list; got {shown(saved)}"])
    each = [SavedPart(one, f"{where}.projections[{k}]", part.problems) for k, one in enumerate(saved)]
    found = [_projection(one, model, made, known_rows) for one in each]
    part.finish()
    for name in ("name", "number"):
        values = [one[name] for one in found if one]
        if len({*values}) != len(values):
            part.problems.append(f"{where}.projections: each {name} must be another; got {shown(values)}")
    part.finish()
    for one in found:
        assert one is not None
        model._store.restore_projection(**one)
    model._store.restored(made)


def _neurons(part: SavedPart, model: Model, next_id: int | None) -> dict[str, NDArray[Any]] | None:
    """The columns of the neurons."""
    ids = part.array("id", "i8", (None,), 0, (_MOST_IDS if next_id is None else next_id) - 1)
    if ids is None:
        return None
    if np.any(np.diff(ids) <= 0):
        part.wrong("id", "must ascend", ids)
    limits = {
        "model": (0, len(MODELS) - 1),
        "neuron_type": (0, 1),
        "area": (-1, len(model._areas.names) - 1),
        "region": (0, max(len(model.regions) - 1, 0)),
        "spike_count": (0, None),
    }
    own = {name for about in MODELS.values() for kind in ("state", "params") for name in about[kind]}
    part.only(*FIXED_FIELDS, *own)
    columns = {}
    for name, (dtype, _) in FIXED_FIELDS.items():
        if name in LATER and name not in part.value:
            continue
        columns[name] = part.array(name, dtype, ids.shape, *limits.get(name, (None, None)))
    used = [] if columns["model"] is None else [list(MODELS)[k] for k in np.unique(columns["model"])]
    part.has(
        *{name for model_name in used for kind in ("state", "params") for name in MODELS[model_name][kind]}
    )
    for name in sorted(own & set(part.value)):
        columns[name] = part.array(name, "f8", ids.shape)
    return columns  # type: ignore[return-value]  # None stands only where a problem has been noted


def _projection(part: SavedPart, model: Model, made: int, known_rows: bool) -> dict[str, Any] | None:
    """The arguments of `SynapseStore.restore_projection`."""
    part.only(*_PROJECTION, *_OPTIONAL)
    if not part.has(*_PROJECTION):
        return None
    name = part.value["name"]
    if not isinstance(name, str) or not name:
        part.wrong("name", "must be a non-empty text", name)
    number = part.whole("number", 0, made - 1)
    kind = part.choice("synapse_type", ("excitatory", "inhibitory"))
    learning = _learning(part, model._saved_rule)
    n = model._store.columns.n
    pre, post = (part.array(end, "i4", (None,), 0, n - 1) for end in ("pre", "post"))
    if pre is not None and post is not None and len(pre) != len(post):
        part.wrong("post", f"must be as long as pre, {len(pre)}", len(post))
    if learning is None or pre is None:
        return None
    columns = _columns(part.part("columns"), learning, len(pre))
    rows = _rows(part, pre, n) if "rows" in part.value else None
    if known_rows and rows is None:
        part.has("rows")
    port = None
    if "port" in part.value:
        known = {port for about in MODELS.values() for port in about["ports"]}
        port = part.choice("port", sorted(known))
    about = {"name": name, "number": number, "synapse_type": kind, "port": port, "learning": learning}
    return {**about, "pre": pre, "post": post, "columns": columns, "rows": rows}


def _learning(part: SavedPart, check: Callable[[Mapping[str, Any], str], Any]) -> Learning | None:
    """What changes the weights; looked at by the same rules as a section ``plasticity``."""
    rule = part.choice("rule", ("none", *_RULES))
    params, bounds = part.part("params"), part.value["bounds"]
    if not isinstance(bounds, list | tuple) or len(bounds) != len(_PARTS):
        part.wrong("bounds", f"must be {', '.join(_PARTS)}", bounds)
    elif rule is not None and params.is_there:
        if "coincident" in (_RULES[rule]["params"] if rule != "none" else ()):
            # Before it was a parameter, arrivals came first.
            params.value = {"coincident": "pre_first", **params.value}
        params.has(*(_RULES[rule]["params"] if rule != "none" else ()))
        params.only(*(_RULES[rule]["params"] if rule != "none" else ()))
        slow = {name: part.value[name] for name in ("short_term", "homeostatic") if name in part.value}
        for name, value in slow.items():
            if not isinstance(value, Mapping):
                part.wrong(name, "must be a mapping", value)
                return None
        learns = part.value.get("learning", True)
        if not isinstance(learns, bool):
            part.wrong("learning", "must be true or false", learns)
        acting = {name: part.value[name] for name in ("modulators", "rounding") if name in part.value}
        bound = {name: bounds[k] for name, k in _PARTS.items()}
        section = {"rule": rule, **params.value, **bound, **slow, **acting}
        try:
            found = check(section, part.where)
        except ConfigError as error:
            part.problems += error.problems
            return None
        return Learning(
            rule=None if found.rule == "none" else found.rule,
            params=dict(found.params) if rule != "none" else {},
            learns=bool(learns),
            **{
                name: getattr(found, name)
                for name in (*_PARTS, "modulators", "rounding", "short_term", "homeostatic")
            },
        )
    return None


def _columns(part: SavedPart, learning: Learning, n: int) -> dict[str, Any]:
    """The columns of the synapses."""
    own = {} if learning.rule is None else _RULES[learning.rule]["synapse_columns"]
    part.only("weight", "delay", "plasticity_tag", "order", *own)
    columns = {"weight": part.array("weight", "f4", (n,)), "delay": part.array("delay", "u2", (n,), 1)}
    for name, (dtype, _) in own.items():
        columns[name] = part.array(name, dtype, (n,), -1 if dtype == "i8" else None)
    if "plasticity_tag" in part.value:
        columns["plasticity_tag"] = part.array("plasticity_tag", "f4", (n,))
    if "order" in part.value:
        columns["order"] = part.array("order", "i8", (n,), 0)
    return columns


def _rows(part: SavedPart, pre: NDArray[Any], n: int) -> tuple[int, int, int] | None:
    """First source, number of sources, and the delay of a projection without synapses."""
    rows = part.part("rows")
    rows.only("first", "count", "delay")
    first, count = rows.whole("first", 0, max(n, 0)), rows.whole("count", 0, n)
    delay = rows.whole("delay", 1, 65535)
    if first is None or count is None or delay is None:
        return None
    if first + count > n or (len(pre) and not first <= pre.min() <= pre.max() < first + count):
        came = f"{count} from {first}"
        part.problems.append(f"{join(part.where, 'rows')}: must be neurons that hold all of pre; got {came}")
        return None
    return first, count, delay
