"""A failure of the core in the user's words: which neuron, which field, which rule, what came."""

from __future__ import annotations

from neuromod import _core
from neuromod.errors import CoreError, NumericalError

__all__ = ["explained"]

_OF_NEURONS = (
    "NM_ERR_BAD_VALUE",
    "NM_ERR_BAD_ORDER",
    "NM_ERR_NOT_FINITE",
    "NM_ERR_STEP",
    "NM_ERR_NO_INPUT",
)
_COLUMNS = {
    -1: ("drive_rate", ">= 0 Hz"),
    -2: ("drive_weight", "finite"),
    -3: ("external_input", "finite"),
    -4: ("drive_noise", ">= 0 mV sqrt(ms)"),
    -5: ("drive_uniform", ">= 0 mV sqrt(ms)"),
    -6: ("drive_noise_per_step", ">= 0 mV"),
    -7: ("drive_uniform_per_step", ">= 0 mV"),
    -8: ("i_offset", "finite"),
}
"""Columns that every neuron has, by the field that ``csrc/nm_network.h`` gives them."""


def explained(engine: _core.Engine, failure: _core.CoreFailure) -> Exception:
    """The exception that a user is to see.

    Parameters
    ----------
    engine : Engine
        Whose `prepare` or `run` failed.
    failure : CoreFailure

    Returns
    -------
    Exception
        To be raised: ValueError, NumericalError, or CoreError, which asks for a report.
    """
    if failure.status == "NM_ERR_SYNAPSE":
        projection, variable, synapse, value = engine.where_synapse()
        return NumericalError(
            f"projections[{projection!r}].{variable}[{synapse}]: must stay finite; got {value} "
            f"(step {engine.step})"
        )
    if failure.index < 0 or failure.status not in _OF_NEURONS:
        return CoreError(f"please report this: {failure.status}: {failure}")
    neuron, name, area = engine.where(failure)
    model = _core.neuron_models()[name]
    if failure.status == "NM_ERR_STEP":
        return _too_long(neuron, name, area, failure, engine.dt)
    if failure.status == "NM_ERR_NOT_FINITE":
        variable = list(model["state"])[failure.field]
        return NumericalError(
            f"neurons[{neuron}].{variable}: must stay finite; got {failure.value} "
            f"({name} neuron{_of_area(area)}, step {engine.step})"
        )
    if failure.field < 0:
        column, rule = _COLUMNS[failure.field]
        if failure.status == "NM_ERR_NO_INPUT":
            rule = f"0, since a {name} neuron has no input"
        return ValueError(f"neurons[{neuron}].{column}: must be {rule}; got {failure.value}")
    field = list(model["params"])[failure.field]
    if failure.status == "NM_ERR_BAD_ORDER":
        lesser = " and ".join(low for high, low in model["greater_than"] if high == field)
        return ValueError(f"neurons[{neuron}].{field}: must be > {lesser}; got {failure.value}")
    about = model["params"][field]
    rule = f"{_core.field_phrase(about)} {about['unit']}".removesuffix(" 1")
    return ValueError(f"neurons[{neuron}].{field}: must be {rule}; got {failure.value}")


def _of_area(area: str | None) -> str:
    return "" if area is None else f" of area {area!r}"


def _too_long(neuron: int, name: str, area: str | None, failure: _core.CoreFailure, dt: float) -> ValueError:
    model = _core.neuron_models()[name]
    if failure.field < 0:
        return ValueError(f"dt: must be at most {model['longest_step']:g} ms for {name} neurons; got {dt:g}")
    field = list(model["params"])[failure.field]
    return ValueError(
        f"neurons[{neuron}].{field}: must be at most 1000 / dt = {1000.0 / dt:g} Hz at dt {dt:g} ms; "
        f"got {failure.value} ({name} neuron{_of_area(area)})"
    )
