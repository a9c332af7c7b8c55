"""What the view of a neuron answers to a name that it lacks."""

from __future__ import annotations

import pytest

from neuromod import Simulation


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("tau_m", r"Neuron\.tau_m: no such attribute; it is params\['tau_m'\]$"),
        ("tau_mm", r"Neuron\.tau_mm: no such attribute; did you mean params\['tau_m'\]\?$"),
        ("v_mem", r"Neuron\.v_mem: no such attribute; did you mean 'v_membrane'\?$"),
        (
            "refractory_left",
            r"Neuron\.refractory_left: no such attribute; it is a column of populations and of",
        ),
        ("voltage_of_it", r"Neuron\.voltage_of_it: no such attribute$"),
    ],
)
def test_a_name_that_a_neuron_lacks_is_answered_with_where_it_is(name: str, hint: str) -> None:
    neuron = Simulation(seed=1).create(6)[4]
    with pytest.raises(AttributeError, match=hint):
        getattr(neuron, name)
    with pytest.raises(AttributeError, match=hint):
        setattr(neuron, name, 1.0)
    assert not hasattr(neuron, name)
