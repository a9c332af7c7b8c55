"""Learning of a projection that is changed while the network lives: what may be set, and what is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.errors import ConfigError
from neuromod.network.layout import Learning
from neuromod.problems import nearest

__all__ = [
    "LiveMapping",
    "changed_learning",
    "checked_modulators",
    "relearn",
    "use_modulators",
    "with_drawn_kinds",
]

CheckRule = Callable[[dict[str, Any], str], Any]
RULES = _core.plasticity_rules()
_SLOWEST = 700.0  # exp(-700) is the smallest decay that a double holds with all its digits


class LiveMapping(MutableMapping[str, Any]):
    """Parameters of one projection by name: setting one acts from the next step on, or raises.

    `update` checks all values, then sets them together. No parameter can be added or removed.
    """

    __slots__ = ("_put", "_read", "_where")

    def __init__(
        self, where: str, read: Callable[[], Mapping[str, Any]], put: Callable[[dict[str, Any]], None]
    ) -> None:
        """`put` gets every parameter, of which some may be new."""
        self._where, self._read, self._put = where, read, put

    def __getitem__(self, name: str) -> Any:
        known = self._read()
        if name not in known:
            self._unknown(name, known)
        return known[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{self._where}.{name}: must not be removed; set it instead")

    def update(self, *args: Any, **values: Any) -> None:
        """Set several, after checking all."""
        known, given = dict(self._read()), dict(*args, **values)
        for name in given:
            if name not in known:
                self._unknown(name, known)
        self._put(known | given)

    def _unknown(self, name: object, known: Mapping[str, Any]) -> NoReturn:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known) or 'none'}"
        raise KeyError(f"{self._where}.{name}: unknown parameter; {hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is a plain dict, which sets nothing."""
        return dict, (dict(self),)

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return repr(dict(self))


def checked_modulators(where: str, names: Any, known: Sequence[str]) -> tuple[str, ...] | None:
    """Names of modulators as given, each once; None stands for all."""
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TypeError(f"{where}: must be a sequence of names of modulators, or None; got {names!r}")
    for k, name in enumerate(names):
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(known)}"
            raise ValueError(f"{where}: must be names of modulators; got {name!r}{hint}")
        if name in names[:k]:
            raise ValueError(f"{where}: must name each modulator once; got {name!r} twice")
    return tuple(names)


def changed_learning(
    where: str,
    about: Learning,
    excitatory: bool,
    changes: Mapping[str, Any],
    modulators: Sequence[str],
    check: CheckRule,
) -> Learning:
    """`about` with some members changed, checked as a whole; nothing is changed if one is wrong.

    `changes`: members of `Learning` by name. `modulators`: those that there are. `check(section, where)`:
    a rule, complete; `config.load.check_rule`.
    """
    changes = dict(changes)
    fixed: dict[str, Any] = {}
    if "modulators" in changes:
        names = changes.pop("modulators")
        fixed["modulators"] = checked_modulators(f"{where}.modulators", names, modulators)
    if "learns" in changes:
        fixed["learns"] = _checked_switch(f"{where}.learning", changes.pop("learns"))
    if about.rule is None:
        _refuse_without_rule(where, {**changes, **fixed})
    if changes:
        _check_parts(where, about, excitatory, changes)
        fixed |= _checked_rule(where, about, changes, check)
    return replace(about, **fixed)


def _checked_switch(where: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{where}: must be True or False; got {value!r}")
    return bool(value)


def _refuse_without_rule(where: str, changes: Mapping[str, Any]) -> None:
    for name in changes:
        if name != "short_term" and not (name == "learns" and not changes[name]):
            shown = {"learns": "learning", "params": "rule_params"}.get(name, name)
            raise AttributeError(f"{where}.{shown}: has no effect, since the projection has no rule")


def _check_parts(where: str, about: Learning, excitatory: bool, changes: Mapping[str, Any]) -> None:
    """What a running network cannot take, whatever the values."""
    lag = RULES[about.rule]["pre_lag"] if about.rule is not None else None
    if lag is not None and changes.get("params", about.params)[lag] != about.params[lag]:
        raise ValueError(f"{where}.rule_params.{lag}: is fixed by connect, since events are under way by it")
    if about.short_term is not None and changes.get("short_term", True) in (None, False):
        raise ValueError(
            f"{where}.short_term: must not be taken off while spikes are under way with it; "
            "{'U': 1, 'tau_rec': 0, 'tau_facil': 0} lets every spike have all of the weight"
        )
    if changes.get("homeostatic") not in (None, False) and not excitatory:
        raise ValueError(f"{where}.homeostatic: must be None; only excitatory synapses are scaled")


def _checked_rule(
    where: str, about: Learning, changes: Mapping[str, Any], check: CheckRule
) -> dict[str, Any]:
    names = (
        "weight_min",
        "weight_max",
        "weight_decay",
        "weight_dependence",
        "rounding",
        "short_term",
        "homeostatic",
    )
    section = {name: changes.get(name, getattr(about, name)) for name in names}
    params = dict(changes.get("params", about.params))
    try:
        found = check({"rule": about.rule or "none", **params, **section}, where)
    except ConfigError as error:
        raise ConfigError([_of_rule_params(where, params, problem) for problem in error.problems]) from None
    _check_rates(where, about.homeostatic, found.homeostatic)
    return {"params": dict(found.params), **{name: getattr(found, name) for name in names}}


def _of_rule_params(where: str, params: Mapping[str, Any], problem: str) -> str:
    """A problem of one of the rule's parameters, named as `Projection.rule_params` has it."""
    name = problem.removeprefix(f"{where}.").split(":")[0]
    return problem.replace(f"{where}.", f"{where}.rule_params.", 1) if name in params else problem


def _check_rates(where: str, old: Mapping[str, float] | None, new: Mapping[str, float] | None) -> None:
    """Averages that have decayed below what a double holds cannot be measured anew."""
    if old is None or new is None or (old["tau"], old["every"]) == (new["tau"], new["every"]):
        return
    for each in (old, new):
        if each["every"] > _SLOWEST * each["tau"]:
            raise ValueError(
                f"{where}.homeostatic: tau and every must not change where every > {_SLOWEST:g} tau; "
                f"got {each['every']:g} ms and {each['tau']:g} ms"
            )


def put_in_bounds(weight: NDArray[np.float32], low: float, high: float, inhibitory: bool) -> None:
    """Move weights, of an inhibitory projection strengths, that lie outside the bounds onto the bound."""
    if inhibitory:
        low, high = max(low, 0.0), max(high, 0.0)
    strength = np.abs(weight) if inhibitory else weight
    outside = np.flatnonzero((strength < low) | (strength > high))
    if len(outside):
        moved = np.clip(strength[outside], _inwards(low, np.inf), _inwards(high, -np.inf))
        weight[outside] = np.copysign(moved, weight[outside]) if inhibitory else moved


def _inwards(bound: float, towards: float) -> np.float32:
    """The float32 nearest to a bound that does not lie outside it."""
    near = np.float32(bound)
    outside = float(near) < bound if towards > 0 else float(near) > bound
    return np.nextafter(near, np.float32(towards)) if outside else near


def relearn(store: Any, table: Any, **changes: Any) -> None:
    """Change the learning of a projection from the next step on; nothing is changed if a value is wrong.

    `store`: its SynapseStore. `changes`: members of `Learning`. Weights outside new bounds are moved onto them.
    """
    where = f"projections[{table.name!r}]"
    with store.gate.change(f"{where}, its learning"):
        old, excitatory = table.learning, table.synapse_type == "excitatory"
        new = changed_learning(where, old, excitatory, changes, store.modulators, store.check_rule)
        if new == old:
            return
        len(store)  # merges what waits
        store.relearned += 1  # the engine is bound anew, whatever fails from here on
        table.weights.settle()
        if "eligibility" in table.state_columns or new.bounds != old.bounds:
            put_in_bounds(table.weights.array(), *new.bounds, not excitatory)
        store.set_learning(table, with_drawn_kinds(new, 0, 0))


def use_modulators(store: Any, known: Sequence[str]) -> None:
    """Those of a system, among which must be all that the projections of a SynapseStore name."""
    for table in store.tables:
        checked_modulators(f"projections[{table.name!r}].modulators", table.learning.modulators, known)
    store.modulators = tuple(known)


def with_drawn_kinds(learning: Learning, seed: int, number: int) -> Learning:
    """Short-term plasticity of two kinds with the seed by which sources are of one or the other."""
    short_term = learning.short_term
    if short_term is None or "facilitation_fraction" not in short_term or "facilitation_seed" in short_term:
        return learning
    word = int(_core.random_words(seed, "short_term", 0, 0, 1, number)[0])
    return replace(learning, short_term={**short_term, "facilitation_seed": word})
