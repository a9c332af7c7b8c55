"""One call of ``connect``: everything is checked and drawn before a projection is added."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuromod.arguments import checked_number
from neuromod.network.columns import NEURON_TYPES
from neuromod.network.distance import Space, checked_space, checked_wrap
from neuromod.network.division import Alone
from neuromod.network.draws import MAX_WEIGHT, New, check_sign, delays_of, states_of, weights_of
from neuromod.network.ends import Built
from neuromod.network.layout import Learning, Rows
from neuromod.network.learning import checked_modulators, with_drawn_kinds
from neuromod.network.new_synapses import checked_ends, made_for
from neuromod.network.rules import drawing_of
from neuromod.network.synapses import SynapseTable, by_delay
from neuromod.network.wiring import check_columns, checked_port, type_of_sources
from neuromod.problems import nearest, shown

if TYPE_CHECKING:
    from neuromod.network.projection import Projection

__all__ = ["connect", "connect_at_random"]


def connect(
    store: Any,
    pre: Any,
    post: Any,
    how: Mapping[str, Any],
    *,
    weight: Any = None,
    delay: Any = None,
    learning: Learning,
    synapse_type: str | None = None,
    port: str | None = None,
    autapses: bool = False,
    multapses: bool | None = None,
    mask: Any = None,
    edge_wrap: Any = False,
    state: Mapping[str, Any] | None = None,
    name: str | None = None,
    seed: int = 0,
    look: Callable[[Projection], None] | None = None,
) -> Any:
    """Connect two groups of neurons of a SynapseStore; `Simulation.connect` says what each argument means and raises.

    `how`: the rules of `neuromod.network.rules.RULES`, of which one is given. `look`: called with the new projection;
    where it raises, there is none. Returns the `Projection`.
    """
    division: Alone = store.division or Alone()
    with store.gate.change("connect"):
        with division.one_error():
            ends = checked_ends(store, pre, post, autapses, multapses, seed)
            kind = type_of_sources(store.areas, ends.pre, synapse_type)
            checked_port(store.areas, ends.post, port)
            checked_modulators("modulators", learning.modulators, store.modulators)
            label = store.free_name(name, pre, post)
            space = checked_space(how.get("probability"), mask, edge_wrap)
            _check_wrap(edge_wrap, space, weight, delay, state)
            drawing = drawing_of(store.areas, ends, how, space)
        values = (weight, delay, state)
        division.check_same((*ends, kind, port, learning, label, how, mask, edge_wrap, *values))
        built = division.built(drawing, ends, store.columns.n, values)
        with division.one_error():
            check_columns(store.areas, learning.rule, built.rows, built.share and built.share.parts)
            new = made_for(store.areas, pre, post, ends, built, space or Space(wrap=checked_wrap(edge_wrap)))
            weights = weights_of(_one_of("weight", weight, built), new, learning, kind == "inhibitory")
            check_sign("weight", weights, store.columns, ends.post, kind == "inhibitory")
            delays = delays_of(_one_of("delay", delay, built, 1), new)
            states = _sorted_by_delay(_states(state, learning, new), built.rows, delays)
            learning = with_drawn_kinds(learning, seed, store.made)
        whole, order = division.whole(built, delays), _kept_order(built)
        with store.all_or_nothing(adds=True):
            table = store.append(label, kind, learning, port, built.rows, weights, delays, order, whole)
            for field, given in states.items():
                table.weights.live[field][:] = given
            division.finish(table, built)
            made = store.projections[table.name]
            if look is not None:
                look(made)
            return made


def _check_wrap(edge_wrap: Any, space: Space | None, *uses: Any) -> None:
    """Refuse wrapped edges where nothing depends on a distance."""
    wraps = not isinstance(edge_wrap, bool | np.bool_) or bool(edge_wrap)
    functions = [use for use in uses if callable(use)]
    functions += [
        value for use in uses if isinstance(use, Mapping) for value in use.values() if callable(value)
    ]
    if wraps and space is None and not functions:
        raise ValueError(
            "edge_wrap: acts where something depends on distance: a mask, a kernel, or a function as weight or delay"
        )


def _kept_order(built: Built) -> NDArray[np.int64] | None:
    """What `Projection.order` gives: a matrix needs none, since its entries are found by the ends."""
    return None if built.is_matrix else built.order


def _one_of(where: str, given: Any, built: Built, default: Any = None) -> Any:
    """The argument, or what came with the pairs or the matrix."""
    came = built.weight if where == "weight" else built.delay
    if given is not None and came is not None and not built.is_matrix:
        raise ValueError(f"{where}: must be given once; the pairs bring {where}s of their own")
    if given is not None:
        return given
    if came is None and default is None:
        raise TypeError(f"{where}: must be given, since neither a matrix nor the pairs bring it")
    return default if came is None else came


# ---- state variables of the rule -----------------------------------------------------------------------------


def _states(state: Mapping[str, Any] | None, learning: Learning, new: New) -> dict[str, Any]:
    if state is None:
        return {}
    if not isinstance(state, Mapping):
        raise TypeError(f"state: must be a mapping of names to values; got {shown(state)}")
    known = SynapseTable.fields_of(learning)
    for name in state:
        if name not in known or name == "last_event":
            names = [each for each in known if each != "last_event"]
            near = nearest(str(name), names)
            hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(names) or 'none'}"
            raise ValueError(f"state: must name state variables of the rule; got {shown(name)}{hint}")
    return {name: states_of(value, f"state.{name}", new) for name, value in state.items()}


def _sorted_by_delay(states: dict[str, Any], rows: Rows, delays: Any) -> dict[str, Any]:
    """Values in the order in which the synapses will stand; the rows themselves are sorted when the table is made."""
    if not isinstance(delays, np.ndarray) or not any(map(np.ndim, states.values())):
        return states
    order = by_delay(rows[1], delays)
    return {name: values[order] if np.ndim(values) else values for name, values in states.items()}


# ---- all neurons of a network ---------------------------------------------------------------------------------


def connect_at_random(store: Any, probability: float, mean: float, sd: float, seed: int) -> int:
    """Connect all neurons of a SynapseStore, as `Simulation.initialize_random_synapses`; the number of synapses."""
    probability = checked_number(probability, "connection_probability", 0.0, 1.0)
    mean = checked_number(mean, "weight_mean", -MAX_WEIGHT, MAX_WEIGHT)
    sd = checked_number(sd, "weight_std", 0.0, MAX_WEIGHT)
    with store.gate.change("initialize_random_synapses"), store.all_or_nothing():
        before, everyone = len(store), store.columns.column("id")
        for number, kind in enumerate(NEURON_TYPES):
            sources = everyone[store.columns.column("neuron_type") == number]
            if len(sources) or kind == "excitatory":
                label = "random" if kind == "excitatory" else "random_inhibitory"
                _connect_all(store, sources, label, kind, probability, (mean, sd), seed)
        return len(store) - before


def _connect_all(
    store: Any,
    sources: NDArray[np.int64],
    label: str,
    kind: str,
    probability: float,
    weight: tuple[float, float],
    seed: int,
) -> None:
    """Connect some neurons to all, with normal weights clipped to the bounds of the configuration."""
    bounds = {"low": store.learning.weight_min, "high": store.learning.weight_max, "outside": "clip"}
    connect(
        store,
        sources,
        store.columns.column("id"),
        {"probability": probability},
        weight={"normal": list(weight), **bounds},
        learning=store.learning,
        synapse_type=kind,
        name=store.free_name(None, label, "all"),
        seed=seed,
    )
