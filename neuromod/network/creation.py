"""Neurons without a lattice: what `Simulation.create` is given, checked and turned into a population."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from neuromod import _core
from neuromod.arguments import checked_count
from neuromod.errors import ConfigError
from neuromod.network.areas import Created
from neuromod.network.columns import MODELS, NEURON_TYPES
from neuromod.network.draws import drawn_values
from neuromod.network.placement import Placement, check_step, drive_columns
from neuromod.network.population import Population, checked_column, settable
from neuromod.network.positions import positions_of
from neuromod.problems import did_you_mean, shown
from neuromod.together import Together
from neuromod.units import say_unit_doubts, unit_doubts

__all__ = ["Creation"]

Values = dict[str, Any]
MOST_NEURONS = 2**32 - 1
"""Of one network: an id is a word of the random numbers."""


class Creation:
    """Adds populations to one network."""

    def __init__(self, placement: Placement, check: Callable[[Mapping[str, Any]], Any], store: Any) -> None:
        """`check`: of the section that describes a population, `check_population`."""
        self.placement, self.check, self.store = placement, check, store
        self.areas, self.columns = placement.areas, placement.columns

    def create(
        self,
        n: Any,
        about: Mapping[str, Any],
        positions: Any,
        share: Any,
        values: Mapping[str, Any],
        seed: int,
        dt: float,
        regions: Callable[[str], None],
    ) -> Population:
        """Add n neurons; `Simulation.create` says what the arguments mean. All problems come at once.

        `about`: name, model, neuron_type, region, receptors and drive. `values`: of columns. `regions` refuses a
        region that a system of modulators lacks.
        """
        if isinstance(n, str) and isinstance(about.get("model"), int):
            turned = f"create({about['model']}, {shown(n)})"
            raise ConfigError(
                [f"n: must be a whole number >= 0; got {shown(n)}; the number comes first, {turned}"]
            )
        with self.columns.gate.change("create"):
            found = Together()
            first = self.columns.next_id
            count = found(checked_count, n, "n", 0, MOST_NEURONS - first)
            told = found(self.check, about)
            name, model = about.get("name"), self._model_of(told, about)
            if isinstance(name, str) and name in self.areas.names:
                there = f"sim.populations[{name!r}] is there; a new Simulation begins without it"
                found.wrong(f"name: must be a new one; got {name!r}, and {there}")
            if not isinstance(share, bool | np.bool_):
                found.wrong(f"share_sites: must be True or False; got {shown(share)}")
            size = 0 if count is None else count
            where = found(positions_of, positions, count, seed, first, bool(share))
            if told is not None:
                self._check_zone(told, regions, found)
            own = {} if model is None else self._columns(model, count, values, seed, dt, found)
            if told is not None and told.drive is not None and model is not None:
                if MODELS[model]["is_source"]:
                    found.wrong(f"drive: must not be given for {model} neurons, which have no input")
                own |= drive_columns(told.drive)
            if found and model is not None:
                for doubt in unit_doubts(settable(model), values, ""):
                    found.wrong(doubt)
            if found:
                raise ConfigError(found.problems)
            assert told is not None and model is not None
            say_unit_doubts(settable(model), values, "")
            told = told.model_copy(update={"model": model, "name": told.name or self._free_name(model)})
            return self._add(size, told, where, own, seed)

    def _model_of(self, told: Any, about: Mapping[str, Any]) -> str | None:
        """The neuron model; None where what was given is none."""
        given = about.get("model")
        if told is None and given is not None:
            return given if isinstance(given, str) and given in MODELS else None
        return (told and told.model) or self.placement.config.neuron_model.type  # type: ignore[no-any-return]

    def _check_zone(self, told: Any, regions: Callable[[str], None], found: Together) -> None:
        """What is wrong with the region and the receptors is added to `found`."""
        found(regions, told.region or "global")
        for name in told.receptors:
            if name not in self.store.modulators:
                known = self.store.modulators
                hint = did_you_mean(name, known) or f"; known are {', '.join(known)}"
                found.wrong(f"receptors.{name}: unknown key{hint}")

    def _free_name(self, model: str) -> str:
        number, name = 2, model
        while name in self.areas.names:
            name, number = f"{model}_{number}", number + 1
        return name

    def _columns(
        self, model: str, n: int | None, values: Mapping[str, Any], seed: int, dt: float, found: Together
    ) -> Values:
        """The columns of the new neurons, complete; what is wrong is added to `found`."""
        about, known = MODELS[model], settable(model)
        own: Values = {}
        for name, value in values.items():
            if name not in known:
                hint = (
                    did_you_mean(name, [*known, *_ARGUMENTS]) or f"; a {model} neuron has {', '.join(known)}"
                )
                found.wrong(f"{name}: unknown parameter{hint}")
            elif n is not None:
                own[name] = found(self._column, name, value, model, n, seed)
        own = {name: value for name, value in own.items() if value is not None}
        whole = self.placement._values(None, model, None, "create")[1] | own
        if about["initial_v_from"] is not None and "v_membrane" not in own:
            whole["v_membrane"] = whole[about["initial_v_from"]]
        for problem in _broken_orders(about, own, whole):
            found.wrong(problem)
        rate = about["bounded_rate"]
        highest = {} if rate is None else {rate: float(np.max(whole[rate], initial=0.0))}
        found(_check_step, model, {**whole, **highest}, dt)
        return whole

    def _column(self, name: str, value: Any, model: str, n: int, seed: int) -> Any:
        """What is given for a column, checked; each column of each population has draws of its own."""
        if isinstance(value, Mapping):
            column = zlib.crc32(name.encode())
            words = _core.random_words(seed, "place", self.columns.next_id, column, 2, salt=3).tolist()
            value = drawn_values(value, name, words[0] << 32 | words[1], n)
        return checked_column(name, name, value, [model], n)

    def _add(self, n: int, told: Any, positions: Any, values: Values, seed: int) -> Population:
        """Everything is checked: append the neurons and note the population."""
        areas, columns = self.areas, self.columns
        region = told.region or "global"
        regions = areas.own_regions
        kind = told.neuron_type
        if kind is None:
            share = self.placement.config.neuron_model.inhibitory_fraction
            words = _core.random_words(seed, "place", columns.next_id, 0, n, salt=1) if n else np.zeros(0)
            types: Any = (words < share * 2.0**32).astype(np.int8)
        else:
            types = NEURON_TYPES.index(kind)
        off_lattice = dict.fromkeys("xyzw", -1)
        place = {"area": len(areas.names), "region": [*dict.fromkeys([*regions, region])].index(region)}
        ids = columns.append(n, told.model, {**values, **off_lattice, **place, "neuron_type": types})
        areas.add(Created(told.name, told.region, dict(told.receptors), ids, positions))
        return Population(areas, told.name)


_ARGUMENTS = ("name", "neuron_type", "positions", "share_sites", "region", "receptors", "drive")


def _check_step(model: str, values: Values, dt: float) -> None:
    """As `check_step`, in the words of the arguments of ``create``."""
    try:
        check_step(model, values, dt)
    except ValueError as error:
        raise ValueError(str(error).removeprefix("params.")) from None


def _broken_orders(about: Mapping[str, Any], own: Values, whole: Values) -> Iterator[str]:
    """Each pair of parameters of which one must be greater and is not, e.g. the threshold and the reset."""
    for greater, lesser in about["greater_than"]:
        high, low = np.broadcast_arrays(np.asarray(whole[greater]), np.asarray(whole[lesser]))
        bad = ~(high > low).ravel()
        if not bad.any() or not (greater in own or lesser in own):
            continue
        a, b = float(high.ravel()[bad][0]), float(low.ravel()[bad][0])
        unit = about["params"][greater]["unit"]
        if greater in own:
            yield f"{greater}: must be > {lesser} ({b:g} {unit}); got {a:g}"
        else:
            yield f"{lesser}: must be < {greater} ({a:g} {unit}); got {b:g}"
