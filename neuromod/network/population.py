"""Populations: groups of neurons by name, with their columns; what `Simulation.create` gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuromod import _core
from neuromod._core import Neuron
from neuromod.arguments import checked_array
from neuromod.closed import ReadOnly, fixed
from neuromod.errors import printable
from neuromod.network.areas import Areas
from neuromod.network.columns import FIXED_FIELDS, MODELS, NEURON_TYPES, STRUCTURAL, held, model_of
from neuromod.notebook import html_of
from neuromod.problems import did_you_mean, shown
from neuromod.units import say_unit_doubts

__all__ = ["Population"]

Ints = NDArray[np.int64]
Group: TypeAlias = "Population | Neuron | str | Sequence[Any] | ArrayLike"
"""What stands for neurons in a call: populations, views of neurons, names of areas or populations, ids."""
_FIELDS = frozenset(name for name in FIXED_FIELDS if name not in ("external_input", "i_offset"))
"""Columns that every neuron has."""
_DRIVES = {
    name: {"domain": "NM_NON_NEGATIVE", "unit": unit}
    for name, unit in {
        "drive_rate": "Hz",
        "drive_noise": "mV sqrt(ms)",
        "drive_uniform": "mV sqrt(ms)",
        "drive_noise_per_step": "mV",
        "drive_uniform_per_step": "mV",
    }.items()
}
"""Columns of the background drive that must not be negative."""


class Population(Sequence[Neuron]):
    """Neurons in an order, with their columns: ``population.v_membrane`` and so on.

    Made by `Simulation.create`, found again in ``sim.populations``. It stands wherever ids or the names of areas do.

    An index gives a view of one neuron. A slice, a mask or an array of positions gives a population of these neurons.
    ``E + I`` joins two populations that share no neuron. A population that `create` made, or an area, has the neurons
    that are there now. A part of one, or a sum, keeps its neurons: it raises `RemovedError` once one of them was
    removed.

    A column is a live NumPy view where the neurons are evenly spaced in memory, as those of one `create` and their
    slices are: writing to it writes the network. Else it is a read-only copy. Assignment, ``population.tau_m = 10.0``,
    writes the network in either case. When the network has grown or lost a neuron, a column that was taken before is
    read-only, unless it still is the network's memory; a slice made of that column is not caught.

    Parameters
    ----------
    areas : Areas
        Of the network. Users do not make populations themselves.
    name : str
    ids : array_like of int, shape (n,), optional
        Default: the neurons of the area, or created population, of that name.

    Attributes
    ----------
    ids : ndarray of int64, shape (n,)
    name : str
    positions : ndarray of float64, shape (n, d), or None

    Raises
    ------
    AttributeError
        Where a column is read or set that no neuron, or not every neuron, has.
    ValueError, TypeError
        Where a value is set that is out of its domain. Nothing is changed.

    Examples
    --------
    >>> from neuromod import Simulation
    >>> sim = Simulation(seed=1)
    >>> E = sim.create(800, "lif", name="E", tau_m=10.0)
    >>> I = sim.create(200, "lif", name="I", neuron_type="inhibitory")
    >>> E
    Population('E', neurons=800, model='lif', excitatory)
    >>> E.v_threshold = -48.0
    >>> len(E + I), len(E[:100]), E[3].params["v_threshold"]
    (1000, 100, -48.0)
    """

    _areas: Areas
    _name: str
    _own: Ints | None
    _known: tuple[tuple[int, int], tuple[slice | None, tuple[str, ...]]] | None

    __array_ufunc__ = None  # an array's operators leave the work to the population

    def __init__(self, areas: Areas, name: str, ids: ArrayLike | None = None) -> None:
        own = None if ids is None else np.array(ids, np.int64)
        if own is None:
            areas.find(name, "name")
        else:
            own.flags.writeable = False
        for attribute, value in (("_areas", areas), ("_name", name), ("_own", own), ("_known", None)):
            object.__setattr__(self, attribute, value)

    # ---- who they are ----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name; that of a part or a sum says what it was made of."""
        return self._name

    @property
    def _told(self) -> str:
        """The name as messages print it."""
        return printable(self._name)

    @property
    def ids(self) -> Ints:
        """Ids of the neurons; int64, shape (n,). Read-only."""
        if self._own is not None:
            return self._own
        return fixed(self._areas.ids(self._name))

    @property
    def positions(self) -> NDArray[np.float64] | None:
        """Positions, float64, shape (n, d). A copy, read-only: positions are fixed by `create`.

        Those that `create` was given; of neurons on the lattice x, y, z and w, d = 4. None where some neuron has none,
        or where neurons have positions of different d.
        """
        found = self._areas.positions(self._slots())
        how = f"{self._told}.positions: is read-only; they are fixed by create"
        return None if found is None else fixed(found, how)

    def _slots(self) -> Ints:
        if self._own is None:
            return self._areas.slots(self._name).astype(np.int64)
        return self._areas.columns.slots_of(self._own)

    def _slots_in(self, areas: Any, where: str) -> Ints:
        """The slots, for an argument of a call on the network of `areas`."""
        self._check_in(areas, where)
        return self._slots()

    def _check_in(self, network: Any, where: str) -> None:
        """Refuse to stand for neurons of another network, of which these are the areas or the columns."""
        if network is not self._areas and network is not self._areas.columns:
            raise ValueError(
                f"{where}: must be a population of this network; got {self._name!r} of another "
                f"(a copy has its own, copy.populations[{self._name!r}])"
            )

    def __len__(self) -> int:
        return len(self._areas.slots(self._name) if self._own is None else self._own)

    def __iter__(self) -> Iterator[Neuron]:
        slots = self._slots()
        for number, slot in zip(self.ids.tolist(), slots.tolist(), strict=True):
            yield Neuron._view(self._areas.columns, number, slot)

    def __contains__(self, neuron: object) -> bool:
        if isinstance(neuron, Neuron):
            return bool(np.isin(neuron.id, self.ids)) and neuron == self._view(int(neuron.id))
        if isinstance(neuron, bool) or not isinstance(neuron, int | np.integer):
            return False
        return bool(np.isin(neuron, self.ids))

    def _view(self, number: int) -> Neuron:
        return Neuron._view(self._areas.columns, number, self._areas.columns.slot_of(number))

    @overload
    def __getitem__(self, index: int) -> Neuron: ...
    @overload
    def __getitem__(self, index: slice | ArrayLike) -> Population: ...
    def __getitem__(self, index: Any) -> Neuron | Population:
        n = len(self)
        if isinstance(index, int | np.integer) and not isinstance(index, bool):
            if not -n <= index < n:
                raise IndexError(f"{self._told}[{index}]: must be between {-n} and {n - 1}; there are {n}")
            if self._own is not None:
                return self._view(int(self._own[index]))
            slot = int(self._areas.slots(self._name)[index])
            return Neuron._view(self._areas.columns, int(self._areas.columns.column("id")[slot]), slot)
        ids = self.ids
        if isinstance(index, slice):
            first, last, step = (
                "" if end is None else str(end) for end in (index.start, index.stop, index.step)
            )
            return self._part(ids[index], f"{first}:{last}" + (f":{step}" if step else ""))
        given = checked_array(index, f"{self._told}[...]", "biu")
        if given.ndim == 0 and given.dtype != bool:
            return self[int(given)]
        if given.dtype == bool and given.shape != (n,):
            raise IndexError(f"{self._told}[...]: a mask must have shape {(n,)}; got {given.shape}")
        if given.dtype != bool and (
            given.ndim != 1 or (given.size and not -n <= given.min() <= given.max() < n)
        ):
            raise IndexError(f"{self._told}[...]: must be positions from {-n} to {n - 1}; got {shown(index)}")
        chosen = ids[given if given.dtype == bool else given.astype(np.int64)]
        if len(np.unique(chosen)) != len(chosen):
            raise ValueError(f"{self._told}[...]: must name each neuron once; got {shown(index)}")
        return self._part(chosen, f"{len(chosen)} of {n}")

    def _part(self, ids: Ints, which: str) -> Population:
        name = f"({self._name})" if "+" in self._name else self._name
        return Population(self._areas, f"{name}[{which}]", ids)

    def __add__(self, other: Population) -> Population:
        if not isinstance(other, Population):
            return NotImplemented
        other._slots_in(self._areas, f"{self._told} + {other._told}")
        shared = np.intersect1d(self.ids, other.ids)
        if len(shared):
            raise ValueError(
                f"{self._told} + {other._told}: must share no neuron; got neuron {shared[0]} in both"
            )
        return Population(self._areas, f"{self._name}+{other._name}", np.concatenate([self.ids, other.ids]))

    def __eq__(
        self, other: object
    ) -> bool:  # whether it has the same neurons of the same model, in the same order
        if not isinstance(other, Population):
            return NotImplemented
        return self._areas is other._areas and np.array_equal(self.ids, other.ids)

    def __hash__(self) -> int:
        return hash((Population, id(self._areas)))  # its neurons may change

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The ids."""
        return np.array(self.ids, dtype)

    def __copy__(self) -> Population:
        """The same: it cannot be changed, only its neurons can."""
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied deeply and pickled with its model."""
        return _population_of, (model_of(self._areas.columns, "population"), self._name, self._own)

    # ---- columns ---------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked for by copy, pickle and NumPy
            raise AttributeError(name)
        span, models = self._facts()
        there = self._areas.columns.buffers
        if name not in FIXED_FIELDS and not any(self._has(name)) and (models or name not in there):
            self._refuse(name)
        if span is not None:
            return self._areas.columns.part(name, span)
        copy = self._areas.columns.column(name)[self._slots()]
        copy.flags.writeable = False
        return copy

    def __setattr__(self, name: str, value: Any) -> None:
        columns = self._areas.columns
        columns.gate.check_own(f"{self._told}.{name}")
        if name in STRUCTURAL or isinstance(getattr(type(self), name, None), property):
            raise AttributeError(f"{self._told}.{name}: is read-only")
        has = self._has(name) or [
            any(name in settable(model) for model in MODELS)
        ]  # of no neurons: any model's
        if name not in _FIELDS and not all(has):
            self._refuse(name)
        slots, where = self._slots(), f"{self._told}.{name}"
        if (
            name.startswith("drive_")
            and self._models()
            and all(MODELS[m]["is_source"] for m in self._models())
        ):
            raise AttributeError(f"{where}: {' and '.join(self._models())} neurons have no input", name=name)
        written = checked_column(where, name, value, self._models(), len(slots))
        if not len(slots):
            return
        if columns.column(name).dtype.kind == "i":
            _check_whole(where, written, value, columns.column(name).dtype)
        say_unit_doubts(settable(self._models()[0]), {name: value}, self._told)
        columns.column(name)[slots] = written

    def _regions(self) -> list[str]:
        """Names of the regions in which its neurons lie."""
        numbers = np.unique(self._areas.columns.column("region")[self._slots()])
        return [self._areas.regions[k] for k in numbers.tolist()]

    def _models(self) -> tuple[str, ...]:
        """Names of the neuron models that its neurons have."""
        return self._facts()[1]

    def _facts(self) -> tuple[slice | None, tuple[str, ...]]:
        """The slice that takes its slots, if there is one, and its models; computed anew when the network changes."""
        columns = self._areas.columns
        now = columns.epoch, columns.n
        if self._known is None or self._known[0] != now:
            slots = self._slots()
            numbers = np.unique(columns.column("model")[slots])
            found = _span(slots), tuple(list(MODELS)[k] for k in numbers.tolist())
            object.__setattr__(self, "_known", (now, found))
        return self._known[1]  # type: ignore[index]

    def _has(self, name: str) -> list[bool]:
        """For each of its neuron models, whether its neurons have that column."""
        return [name in settable(model) for model in self._models()]

    def _refuse(self, name: str) -> NoReturn:
        models = self._models()
        lacking = [model for model in models if name not in settable(model)]
        known = {*_FIELDS, *(each for model in models for each in settable(model))}
        others = [each for each in dir(type(self)) if not each.startswith("_")]
        hint = did_you_mean(name, known - {name}, ("Population",)) or did_you_mean(name, others)
        who = f"a {lacking[0]} neuron has none" if lacking else "no such column"
        raise AttributeError(f"{self._told}.{name}: {who}{hint}", name=name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_FIELDS, *(name for model in self._models() for name in settable(model))]

    def __repr__(self) -> str:
        models = "".join(f", model={model!r}" for model in self._models()[:1])
        if len(self._models()) > 1:
            models = f", models={', '.join(self._models())}"
        types = np.unique(self._areas.columns.column("neuron_type")[self._slots()])
        kind = "".join(f", {NEURON_TYPES[types[0]]}" for _ in types[:1]) if len(types) < 2 else ", mixed"
        return f"Population({self._name!r}, neurons={len(self):,}{models}{kind})"

    _repr_html_ = html_of


def settable(model: str) -> Mapping[str, Any]:
    """The parameters and state variables of a model by name, and the inputs that its neurons have: their fields."""
    own = {**_core.neuron_params(model), **MODELS[model]["state"]}
    return own if MODELS[model]["is_source"] else {**own, "external_input": own["i_offset"]}


def checked_column(
    where: str, name: str, value: Any, models: Sequence[str], n: int
) -> float | NDArray[np.float64]:
    """A value, or n of them, for the column of neurons of these models; ValueError or TypeError if it is no such."""
    fields = [settable(model)[name] for model in models if name in settable(model)]
    fields = fields or [_DRIVES.get(name, {"domain": "NM_ANY", "unit": "1"})]
    if isinstance(value, Mapping):
        came = f"got {shown(dict(value))}; {where} = rng.uniform(low, high, {n}) is one of NumPy"
        raise TypeError(f"{where}: must be numbers, since create alone draws distributions; {came}")
    if isinstance(value, str) and "words" in fields[0]:
        try:
            return float(_core.field_number(fields[0], value))
        except ValueError:
            raise ValueError(f"{where}: must be {_core.field_phrase(fields[0])}; got {value!r}") from None
    given = checked_array(value, where).astype(np.float64)
    if given.ndim and given.shape != (n,):
        raise ValueError(f"{where}: must be a number or have shape {(n,)}; got shape {given.shape}")
    for field in fields:
        ends = (given.min(initial=np.inf), given.max(initial=-np.inf)) if given.size else ()
        if np.isnan(given).any() or not all(_core.domain_holds(field["domain"], end) for end in ends):
            bad = next(x for x in given.ravel().tolist() if not _core.domain_holds(field["domain"], x))
            at = f" (position {given.tolist().index(bad)})" if given.ndim and bad == bad else ""
            rule = f"{_core.field_phrase(field)} {field['unit']}".removesuffix(" 1")
            raise ValueError(f"{where}: must be {rule}; got {bad:g}{at}")
    return given if given.ndim else float(given)


def _check_whole(where: str, written: Any, value: Any, dtype: Any) -> None:
    """Refuse what a column of whole numbers cannot hold."""
    if np.any(written != np.rint(written)):
        raise ValueError(f"{where}: must be whole numbers; got {shown(value)}")
    low, high = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
    if np.any((np.asarray(written) < low) | (np.asarray(written) >= high)):
        raise ValueError(f"{where}: must be from {low:.4g} to {high:.4g}; got {shown(value)}")


def _span(slots: Ints) -> slice | None:
    """The slice that takes these slots; None where they are not evenly spaced."""
    if not len(slots):
        return slice(0, 0)
    step = int(slots[1] - slots[0]) if len(slots) > 1 else 1
    if step == 0 or np.any(np.diff(slots) != step):
        return None
    end = int(slots[-1]) + (1 if step > 0 else -1)
    return slice(int(slots[0]), end if end >= 0 else None, step)


class Populations(ReadOnly[Population]):
    """The populations of a network by name."""


def populations_of(areas: Areas) -> Populations:
    """The areas and created populations of a network by name, read-only."""
    return Populations({name: Population(areas, name) for name in areas.names}, "populations")


def _population_of(model: Any, name: str, ids: Ints | None) -> Population:
    """The population of a model that was pickled with it."""
    return Population(held(model)._areas, name, ids)
