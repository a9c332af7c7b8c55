"""The model's projections in order, with the single additions that wait to be merged among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod.network.projection import Projection
from neuromod.network.wiring import (
    build_rows,
    checked_rule,
    delays_of,
    slots_of_group,
    type_of_sources,
    weights_of,
)

if TYPE_CHECKING:
    from neuromod.config.plasticity import Plasticity
    from neuromod.network.brain_model import BrainModel

__all__ = ["Addition", "Projections"]

Ints = NDArray[np.int64]
Addition = tuple[int, int, float, int, str]
"""A single synapse: source slot, target slot, weight (mV), delay (steps), type."""

_TYPES = ("excitatory", "inhibitory")
_SINGLE = {"excitatory": "synapses", "inhibitory": "synapses_inhibitory"}


def _no_rows() -> tuple[int, Ints, NDArray[np.uint16]]:
    return 0, np.zeros(1, np.int64), np.empty(0, np.uint16)


class Projections:
    """What `BrainModel` knows of its synapses; `changed` is told of every change of their order.

    Single additions wait in a list and are merged in one sort when somebody asks, so that a loop of n additions
    costs n and not n squared.

    Parameters
    ----------
    model : BrainModel
        Whose neurons they connect.
    """

    def __init__(self, model: BrainModel) -> None:
        self._model = model
        self._list: list[Projection] = []
        self._pending: list[Addition] = []
        self.made = 0  # projections ever made: the salt of their draws
        self.changed: Callable[..., None] = lambda moved=None, merged=None: None

    @property
    def waiting(self) -> int:
        """Number of single additions that wait."""
        return len(self._pending)

    def add(self, addition: Addition) -> int:
        """Let a single synapse wait to be merged.

        Parameters
        ----------
        addition : tuple
            Source slot, target slot, weight (mV), delay (steps), type.

        Returns
        -------
        int
            How many wait now.
        """
        self._pending.append(addition)
        return len(self._pending)

    def merged(self) -> list[Projection]:
        """The projections, single additions included."""
        if self._pending:
            pending, self._pending = self._pending, []
            self._merge(pending)
        return self._list

    def _merge(self, pending: list[Addition]) -> None:
        merged = np.empty(len(pending), np.int64)
        placed: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        sizes = {p.name: len(p) for p in self._list}
        for kind, name in _SINGLE.items():
            mine = np.flatnonzero([p[4] == kind for p in pending])
            if len(mine):
                placed[name] = (mine, self._extend(name, kind, [pending[k] for k in mine]))
        moved, first = [], 0
        for p in self._list:
            old, new = sizes.get(p.name, 0), np.arange(len(p))
            if p.name in placed:
                mine, new = placed[p.name]
                merged[mine] = first + new[old:]
            moved.append(first + new[:old])
            first += len(p)
        self._model.version += 1
        self.changed(moved=np.concatenate(moved), merged=merged)

    def _extend(self, name: str, kind: str, rows: list[Addition]) -> Ints:
        """Add rows to the projection of single additions; returns where its old and new synapses now stand."""
        pre, post, weight, delay = (np.array(column) for column in list(zip(*rows, strict=True))[:4])
        found = next((p for p in self._list if p.name == name), None)
        if found is None:
            found = self.new(name, kind, self._model._config.plasticity)
        columns = {
            field: np.concatenate([old, np.zeros(len(rows), old.dtype)])
            for field, old in found.contents().items()
        }
        columns["weight"][-len(rows) :], columns["delay"][-len(rows) :] = weight, delay
        return found.replace(
            np.concatenate([found.pre_slot, pre]).astype(np.int32),
            np.concatenate([found.post, post]).astype(np.int32),
            columns,
        )

    def new(
        self,
        name: str,
        kind: str,
        plasticity: Plasticity,
        rows: Any = None,
        weight: NDArray[np.float32] | float | None = None,
        delay: NDArray[np.uint16] | int = 1,
    ) -> Projection:
        """Append a projection; an empty one where no rows are given.

        Parameters
        ----------
        name : str
            Not taken.
        kind : {"excitatory", "inhibitory"}
        plasticity : Plasticity
            Its rule.
        rows : tuple of (int, ndarray of int64, ndarray of uint16), optional
            First source slot, start of each place, targets counted from the first slot of their part.
        weight : float or ndarray of float32, shape (n_synapses,), mV, optional
        delay : int or ndarray of uint16, shape (n_synapses,), steps, default 1

        Returns
        -------
        Projection
        """
        synapses = np.empty(0, np.float32) if weight is None else weight
        projection = Projection(
            self._model._columns, name, self.made, kind, plasticity, rows or _no_rows(), synapses, delay
        )
        self.made += 1
        self._list.append(projection)
        self._model.version += 1
        return projection

    def connect(
        self,
        pre: str | Sequence[str] | ArrayLike,
        post: str | Sequence[str] | ArrayLike,
        *,
        probability: float | None = None,
        in_degree: int | None = None,
        out_degree: int | None = None,
        pairs: ArrayLike | None = None,
        weight: Any,
        delay: Any = 1,
        synapse_type: str | None = None,
        rule: str | Mapping[str, Any] | None = None,
        short_term: bool | Mapping[str, Any] | None = None,
        autapses: bool = False,
        name: str | None = None,
        seed: int = 0,
    ) -> Projection:
        """Connect two groups of neurons; `Simulation.connect` says what each argument means and raises.

        Parameters
        ----------
        pre, post : str, sequence of str or array_like of int
        probability : float, 0 to 1, optional
        in_degree, out_degree : int, >= 1, optional
        pairs : array_like of int, shape (n, 2), optional
        weight : float, array_like of float or mapping, mV
        delay : int, array_like of int or mapping, steps, >= 1, default 1
        synapse_type : {"excitatory", "inhibitory"}, optional
        rule : str or mapping, optional
        short_term : bool or mapping, optional
        autapses : bool, default False
        name : str, optional
        seed : int, 0 .. 2**64 - 1, default 0

        Returns
        -------
        Projection
        """
        how = {"probability": probability, "in_degree": in_degree, "out_degree": out_degree, "pairs": pairs}
        sources, targets = slots_of_group(self._model, pre, "pre"), slots_of_group(self._model, post, "post")
        kind = type_of_sources(self._model, sources, synapse_type)
        plasticity = checked_rule(self._model, rule, short_term)
        self.merged()
        label = self._free_name(name, pre, post)
        rows, order = build_rows(self._model, sources, targets, how, bool(autapses), seed, self.made)
        n = len(rows[2])
        weights = weights_of(weight, n, order, seed, self.made)
        delays = delays_of(delay, n, order, seed, self.made)
        projection = self.new(label, kind, plasticity, rows, weights, delays)
        self.changed()
        return projection

    def _free_name(self, name: str | None, pre: Any, post: Any) -> str:
        taken = {p.name for p in self._list} | set(_SINGLE.values())
        if name is not None:
            if not isinstance(name, str) or not name or name in taken or "|" in name:
                raise ValueError(f"name: must be a new, non-empty string without '|'; got {name!r}")
            return name
        ends = [end if isinstance(end, str) else "neurons" for end in (pre, post)]
        base = "_to_".join(ends)
        number = 2
        label = base
        while label in taken:
            label, number = f"{base}_{number}", number + 1
        return label

    def connect_at_random(self, probability: float, mean: float, sd: float, seed: int) -> int:
        """Connect all neurons at random; `Simulation.initialize_random_synapses` says how.

        Parameters
        ----------
        probability : float, 0 to 1
        mean, sd : float, mV
            Of the weights.
        seed : int, 0 .. 2**64 - 1

        Returns
        -------
        int
            Number of new synapses.
        """
        columns = self._model._columns
        bounds = self._model._config.plasticity
        before = len(self)
        everyone = columns.column("id")
        weights = {"normal": [mean, sd]}
        for number, kind in enumerate(_TYPES):
            sources = everyone[columns.column("neuron_type") == number]
            if len(sources) or kind == "excitatory":
                label = self._free_name(
                    None, "random" if kind == "excitatory" else "random_inhibitory", "all"
                )
                projection = self.connect(
                    sources,
                    everyone,
                    probability=probability,
                    weight=weights,
                    synapse_type=kind,
                    name=label,
                    seed=seed,
                )
                np.clip(projection.weight, bounds.weight_min, bounds.weight_max, out=projection.weight)
        return len(self) - before

    def __len__(self) -> int:
        return sum(len(p) for p in self.merged())

    def fit(self) -> None:
        """Cut all rows anew where the network has grown into other parts."""
        n = self._model._columns.n
        if all(p.fit(n) for p in self.merged()):
            return
        moved, first = [np.empty(0, np.int64)], 0
        for p in self.merged():
            where = np.arange(len(p)) if p.fit(n) else p.replace(p.pre_slot, p.post, p.contents())
            moved.append(where + first)
            first += len(p)
        self._model.version += 1
        self.changed(moved=np.concatenate(moved))

    def remove(self, slot: int) -> None:
        """Take out the synapses of one neuron and close up the slots behind it.

        Parameters
        ----------
        slot : int
            Where the neuron stands.
        """
        moved, offset = [np.empty(0, np.int64)], 0
        close_up = np.arange(self._model._columns.n, dtype=np.int32)
        close_up[slot + 1 :] -= 1
        for p in self.merged():
            pre, post = p.pre_slot, p.post
            kept = (pre != slot) & (post != slot)
            columns = {name: column[kept] for name, column in p.contents().items()}
            where = p.replace(close_up[pre[kept]], close_up[post[kept]], columns)
            new = np.full(len(kept), -1)
            new[kept] = where + offset
            moved.append(new)
            offset += int(kept.sum())
        self._model.version += 1
        self.changed(moved=np.concatenate(moved))

    def copy_from(self, others: Projections) -> None:
        """Take over twins of another network's projections.

        Parameters
        ----------
        others : Projections
            Of a network with the same neurons.
        """
        self._list = [p.twin(self._model._columns) for p in others.merged()]
        self.made = others.made
        self._model.version += 1
        self.changed()

    # ---- state -----------------------------------------------------------------------------------------------

    def states(self) -> Iterator[dict[str, Any]]:
        """Each projection as nested mappings of arrays and scalars."""
        for p in self.merged():
            yield {
                "name": p.name,
                "number": p.number,
                "synapse_type": p.synapse_type,
                "rule": p.rule or "none",
                "params": dict(p.rule_params),
                "bounds": [p.weight_min, p.weight_max, p.weight_decay, p.weight_dependence],
                "pre": p.pre_slot,
                "post": p.post,
                "columns": p.contents(),
                **({} if p.short_term is None else {"short_term": dict(p.short_term)}),
                **({} if p.homeostatic is None else {"homeostatic": dict(p.homeostatic)}),
            }

    def restore(self, states: Sequence[Mapping[str, Any]], made: int) -> None:
        """Take over what `states` gave.

        Parameters
        ----------
        states : sequence of mapping
        made : int
            Projections ever made: the salt of the draws to come.
        """
        from neuromod.config.plasticity import read_rule

        for saved in states:
            names = ("weight_min", "weight_max", "weight_decay", "weight_dependence")
            bounds = dict(zip(names, saved["bounds"], strict=True))
            parts = {name: saved.get(name) for name in ("short_term", "homeostatic")}
            plasticity = read_rule({"rule": saved["rule"], **saved["params"], **bounds, **parts})
            self.made = saved["number"]
            p = self.new(saved["name"], saved["synapse_type"], plasticity)
            if "plasticity_tag" in saved["columns"]:
                p.tags()
            p.replace(saved["pre"], saved["post"], saved["columns"])
        self.made = made
        self.changed()
