"""Deaths and births: neurons taken out of a network, and children put in their places with mutated inheritance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.network.columns import MODELS
from neuromod.network.learning import put_in_bounds

__all__ = ["Succession", "succeed"]

Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
Store = Any
"""A `neuromod.network.store.SynapseStore`."""

_AXES = ("x", "y", "z", "w")
_INHERITED = (
    *(*_AXES, "area", "region", "neuron_type", "external_input", "i_offset", "drive_rate", "drive_weight"),
    *("drive_noise", "drive_uniform", "drive_noise_per_step", "drive_uniform_per_step"),
)
"""Columns that a child has from its parent as they are; the model's parameters are mutated."""

# Salts of the random words of one step. Of the parameters: by place in the model's table; of synapses: by projection.
DEATH, _PARAMETER = 0, 16
_WEIGHT, _REWIRED, _PARTNER = 1 << 20, 2 << 20, 3 << 20
_PROJECTIONS = 1 << 20


class Succession(NamedTuple):
    """What has happened: ids of the dead, and of the children with their parents, in the same order."""

    dead: Ints
    parents: Ints
    children: Ints


def succeed(store: Store, dead: Marks, about: Any, seed: int, step: int) -> Succession:
    """Take the neurons of the marked slots out, and put a child in the place of each.

    `about`: the section ``cell_lifecycle``. `seed` and `step` choose the random words. All or nothing.
    """
    columns = store.columns
    with store.gate.change("cell_lifecycle"), store.all_or_nothing(), columns.all_or_nothing():
        ids = columns.column("id").copy()
        parents = _in_order_of_birth(columns, dead) if about.enable_reproduction else np.empty(0, np.int64)
        heirs = _Heirs(columns, dead, parents, about, seed, step)
        old = [
            (t, t.pre.astype(np.int64), t.post.astype(np.int64), t.contents(), t.since) for t in store.tables
        ]
        groups = [_children(heirs, first, count) for first, count in _runs_of_models(columns, parents)]
        children = columns.exchange(~dead, groups)
        moved, first, changes = [np.empty(0, np.int64)], 0, []
        for table, pre, post, contents, since in old:
            other, where = _inherited(store, heirs, table, pre, post, contents, since)
            where[where >= 0] += first
            moved.append(where)
            first += len(other)
            changes.append((table, other))
        store.adopt(changes, np.concatenate(moved))
        store.areas.replace_members(ids[dead], ids[parents], children)
    return Succession(ids[dead], ids[parents], children)


class _Heirs:
    """Who dies and who follows, in slots before the change."""

    def __init__(self, columns: Any, dead: Marks, parents: Ints, about: Any, seed: int, step: int) -> None:
        self.columns, self.dead, self.parents, self.about = columns, dead, parents, about
        self.seed, self.step, self.first_id = seed, step, columns.next_id
        self.slot_after = np.cumsum(~dead) - 1
        self.slot_after[dead] = -1
        self.slot_after[parents] = int((~dead).sum()) + np.arange(len(parents))
        self.site = np.stack([columns.column(axis) for axis in _AXES]).astype(np.int64)

    def words(self, n: int, salt: int, first: int = 0) -> NDArray[np.uint32]:
        """Random words of this step, one for each of n positions or ids from `first` on."""
        return _core.random_words(self.seed, "life", first, self.step, n, salt=salt)

    def normal(self, n: int, salt: int, first: int = 0) -> NDArray[np.float64]:
        """Standard normal deviates of these words."""
        return _core.normal_quantiles(self.words(n, salt, first)).astype(np.float64)


# ---- neurons ---------------------------------------------------------------------------------------------------


def _in_order_of_birth(columns: Any, dead: Marks) -> Ints:
    """Slots of the dead, those of one model and area together, so that the core works on long runs of neurons."""
    slots = np.flatnonzero(dead)
    return slots[np.lexsort((slots, columns.column("area")[slots], columns.column("model")[slots]))]


def _runs_of_models(columns: Any, parents: Ints) -> list[tuple[int, int]]:
    """First entry and length of each run of parents of one model."""
    if not len(parents):
        return []
    cuts = np.flatnonzero(np.diff(columns.column("model")[parents])) + 1
    firsts = [0, *cuts.tolist()]
    return [(a, b - a) for a, b in zip(firsts, [*firsts[1:], len(parents)], strict=True)]


def _children(heirs: _Heirs, first: int, count: int) -> tuple[int, str, Mapping[str, Any]]:
    """The columns of some children, all of one model, as `NeuronColumns.append` takes them."""
    columns, slots = heirs.columns, heirs.parents[first : first + count]
    model = list(MODELS)[int(columns.column("model")[slots[0]])]
    values: dict[str, Any] = {name: columns.column(name)[slots] for name in _INHERITED}
    values |= _mutated(heirs, model, slots, first)
    start = MODELS[model]["initial_v_from"]
    if start is not None:
        values["v_membrane"] = values[start]
    values |= {
        "generation": columns.column("generation")[slots] + 1,
        "parent_id": columns.column("id")[slots],
    }
    return count, model, values


def _mutated(heirs: _Heirs, model: str, slots: Ints, first: int) -> dict[str, NDArray[np.float64]]:
    """The parents' parameters, each times 1 + x; a value that the model does not allow is the parent's."""
    about, sd = MODELS[model], heirs.about.mutation_std_params
    own = {name: heirs.columns.column(name)[slots] for name in about["params"]}
    new = dict(own)
    for place, (name, field) in enumerate(about["params"].items()):
        if "words" in field or sd == 0.0:
            continue
        x = sd * heirs.normal(len(slots), _PARAMETER + place, heirs.first_id + first)
        value = own[name] * (1.0 + x)
        new[name] = np.where(_allowed(field["domain"], value), value, own[name])
    while True:
        broken = [
            (pair, bad) for pair in about["greater_than"] if (bad := ~(new[pair[0]] > new[pair[1]])).any()
        ]
        broken = [(pair, bad) for pair, bad in broken if any((new[n] != own[n])[bad].any() for n in pair)]
        if not broken:
            return new
        for pair, bad in broken:
            for name in pair:
                new[name] = np.where(bad, own[name], new[name])


def _allowed(domain: str, values: NDArray[np.float64]) -> Marks:
    """Whether each value lies in a domain."""
    ends = (values.min(initial=np.inf), values.max(initial=-np.inf)) if len(values) else ()
    if all(_core.domain_holds(domain, float(end)) for end in ends):  # domains are intervals
        return np.ones(len(values), bool)
    return np.array([_core.domain_holds(domain, value) for value in values.tolist()], bool)


# ---- synapses --------------------------------------------------------------------------------------------------


def _inherited(
    store: Store, heirs: _Heirs, table: Any, pre: Ints, post: Ints, contents: dict[str, Any], since: Any
) -> tuple[Any, Ints]:
    """A projection after the change, and where each old synapse stands in it; -1: it is gone, or a child's."""
    after, dead = heirs.slot_after, heirs.dead
    kept = (after[pre] >= 0) & (after[post] >= 0)
    born = np.flatnonzero(kept & (dead[pre] | dead[post]))
    if len(born):
        pre, post = _reconnected(heirs, table, pre, post, born)
    columns = {name: column[kept] for name, column in contents.items()}
    place = np.cumsum(kept) - 1
    mine = place[born]
    if len(born):
        columns["weight"] = columns["weight"].copy()
        columns["weight"][mine] = _mutated_weights(heirs, table, columns["weight"][mine])
        for name, (_, default) in table.state_columns.items():
            columns[name] = columns[name].copy()
            columns[name][mine] = default
        since = np.array(np.broadcast_to(since, kept.shape), np.int64)
        since[born] = store.version + 1
    ages = since[kept] if isinstance(since, np.ndarray) else since
    ends = after[pre[kept]].astype(np.int32), after[post[kept]].astype(np.int32)
    other, found = table.replaced(*ends, columns, ages)
    where = np.full(len(kept), -1)
    where[kept] = found
    where[born] = -1
    return other, where


def _mutated_weights(heirs: _Heirs, table: Any, weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights with a normal deviate added, within the bounds of a rule; none changes its sign."""
    sd = heirs.about.mutation_std_weights
    if sd == 0.0:
        return weight
    salt = _WEIGHT + table.number % _PROJECTIONS
    sign = np.copysign(1.0, weight)
    size = np.maximum(np.abs(weight.astype(np.float64)) + sd * heirs.normal(len(weight), salt), 0.0)
    new: NDArray[np.float32] = (sign * size).astype(np.float32)
    if table.learning.rule is not None:
        low, high = table.learning.weight_min, table.learning.weight_max
        put_in_bounds(new, low, high, table.synapse_type == "inhibitory")
    return new


def _reconnected(heirs: _Heirs, table: Any, pre: Ints, post: Ints, born: Ints) -> tuple[Ints, Ints]:
    """The ends, in slots before the change, where some of the children's synapses have got other partners.

    A partner is one of the neurons that stand at that end of the projection: of those near the child, and of all
    where there is none. A synapse between two children stays.
    """
    chance = heirs.about.reconnection_probability
    if chance == 0.0:
        return pre, post
    alone = born[heirs.dead[pre[born]] != heirs.dead[post[born]]]
    number = table.number % _PROJECTIONS
    drawn = heirs.words(len(born), _REWIRED + number)[np.isin(born, alone)] < chance * 2.0**32
    if not drawn.any():
        return pre, post
    partner = heirs.words(len(born), _PARTNER + number)[np.isin(born, alone)][drawn].tolist()
    known = {
        side: np.unique(ends)[heirs.slot_after[np.unique(ends)] >= 0] for side, ends in ((0, pre), (1, post))
    }
    ends = [pre.copy(), post.copy()]
    for synapse, word in zip(alone[drawn].tolist(), partner, strict=True):
        far = 1 if heirs.dead[pre[synapse]] else 0
        child = int(ends[1 - far][synapse])
        choice = _near(heirs, child, known[far][known[far] != child])  # the present partner at least
        ends[far][synapse] = choice[word * len(choice) >> 32]
    return ends[0], ends[1]


def _near(heirs: _Heirs, child: int, others: Ints) -> Ints:
    """Those of the others that are near on the lattice; all, where none is or the child has no site."""
    if heirs.site[0, child] < 0:
        return others
    apart = heirs.site[:, others] - heirs.site[:, [child]]
    reach = heirs.about.reconnection_distance
    close = (heirs.site[0, others] >= 0) & ((apart.astype(np.float64) ** 2).sum(axis=0) <= reach**2)
    return others[close] if close.any() else others
