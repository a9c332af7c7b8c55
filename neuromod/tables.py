"""Recorded data as tables of pandas, arrays of xarray and segments of Neo, which are imported where they are used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.optional import optional_module

__all__ = ["Tabled"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass
class Samples:
    """Values at times, in ms: `axes` names each further axis of `values` and says what its entries are."""

    name: str
    unit: str
    time: Floats
    values: NDArray[Any]
    period: float  # ms between two samples
    axes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass
class Spikes:
    """Spikes of neurons `ids` (None: of all) from `begin` to `end`, ms."""

    time: Floats
    step: Ints
    id: Ints
    ids: Ints
    begin: float
    end: float


class Tabled:
    """What monitors offer for other libraries."""

    def _recorded(self) -> Samples | Spikes:
        raise NotImplementedError

    def to_pandas(self) -> Any:
        """What was recorded as a table of pandas.

        Returns
        -------
        pandas.DataFrame
            Of spikes: columns ``time`` (ms), ``step`` and ``id``, a row each. Of samples: a row each, with the time in
            ms as index, and a column for each neuron (its id), synapse (source and target), or modulator (with several
            regions: region and modulator). A copy.

        Raises
        ------
        ImportError
            If pandas is not installed; it names the extra that installs it.
        """
        pandas = optional_module("pandas", "pandas", "to_pandas")
        data = self._recorded()
        if isinstance(data, Spikes):
            return pandas.DataFrame({"time": data.time, "step": data.step, "id": data.id})
        index = pandas.Index(data.time, name="time")
        if not data.axes:
            return pandas.DataFrame({data.name: data.values}, index=index)
        labels = [
            pandas.MultiIndex.from_arrays(list(coords.values()), names=list(coords))
            for coords in data.axes.values()
        ]
        columns = labels[0]
        if len(labels) > 1:
            names = [name for label in labels for name in label.names]
            pairs = [(*a, *b) for a in labels[0] for b in labels[1]]
            columns = pandas.MultiIndex.from_tuples(pairs, names=names)
        if columns.nlevels == 1:
            columns = columns.get_level_values(0)
        return pandas.DataFrame(_wide(data), index=index, columns=columns)

    def to_xarray(self) -> Any:
        """What was recorded as labelled arrays of xarray.

        Returns
        -------
        xarray.DataArray
            Of samples: axis ``time`` (ms), and ``neuron``, ``synapse``, or ``modulator`` and ``region``, with their ids
            or names as coordinates and the unit in ``attrs["units"]``. Of spikes: the ids, over the axis ``spike`` with
            the coordinates ``time`` (ms) and ``step``. A copy.

        Raises
        ------
        ImportError
            If xarray is not installed; it names the extra that installs it.
        """
        xarray = optional_module("xarray", "xarray", "to_xarray")
        data = self._recorded()
        if isinstance(data, Spikes):
            coords: dict[str, Any] = {
                "time": ("spike", data.time, {"units": "ms"}),
                "step": ("spike", data.step),
            }
            return xarray.DataArray(data.id, dims=("spike",), coords=coords, name="id")
        coords = {"time": ("time", data.time, {"units": "ms"})}
        for axis, labels in data.axes.items():
            coords |= {name: (axis, values) for name, values in labels.items()}
        dims, attrs = ("time", *data.axes), {"units": data.unit}
        return xarray.DataArray(data.values, dims=dims, coords=coords, name=data.name, attrs=attrs)

    def to_neo(self) -> Any:
        """What was recorded as a segment of Neo.

        Returns
        -------
        neo.Segment
            Of spikes: a ``SpikeTrain`` for each recorded neuron, with its id in ``annotations["id"]``. Of samples: one
            ``AnalogSignal`` with the labels of its channels in ``array_annotations``. A copy.

        Raises
        ------
        ImportError
            If neo is not installed; it names the extra that installs it.
        """
        neo = optional_module("neo", "neo", "to_neo")
        data = self._recorded()
        segment = neo.Segment(name=type(self).__name__)
        if isinstance(data, Spikes):
            for neuron in data.ids.tolist():
                train = neo.SpikeTrain(
                    data.time[data.id == neuron], units="ms", t_start=data.begin, t_stop=data.end, id=neuron
                )
                segment.spiketrains.append(train)
            return segment
        wide = _wide(data).astype(np.float64)
        labels: dict[str, Any] = {}
        shape = [len(next(iter(coords.values()))) for coords in data.axes.values()]
        for k, coords in enumerate(data.axes.values()):
            before, after = int(np.prod(shape[:k])), int(np.prod(shape[k + 1 :]))
            labels |= {name: np.tile(np.repeat(values, after), before) for name, values in coords.items()}
        units = data.unit if data.unit in ("mV", "pA", "nS", "ms", "Hz") else "dimensionless"
        signal = neo.AnalogSignal(
            wide,
            units=units,
            t_start=(data.time[0] if len(data.time) else 0.0) * _milliseconds(),
            sampling_period=data.period * _milliseconds(),
            name=data.name,
            array_annotations=labels,
        )
        segment.analogsignals.append(signal)
        return segment


def _wide(data: Samples) -> NDArray[Any]:
    """A row for each time, whatever the axes."""
    return data.values.reshape(len(data.time), int(np.prod(data.values.shape[1:], dtype=np.int64)))


def _milliseconds() -> Any:
    return importlib.import_module("quantities").ms


def unit_of(variable: str) -> str:
    """Unit of a column of the neurons; "1" where the tables say none, or several."""
    found = {
        fields[variable]["unit"]
        for about in _core.neuron_models().values()
        for fields in (about["state"], about["params"])
        if variable in fields
    }
    known = {"i_offset": "mV", "external_input": "mV", "last_spike_time": "ms", "drive_rate": "Hz"}
    return found.pop() if len(found) == 1 else known.get(variable, "1")
