"""Named types of cortical neurons: parameters of the Izhikevich model as they were published."""

from __future__ import annotations

from neuromod.near_names import names_near
from neuromod.problems import nearest, shown

__all__ = ["izhikevich_type", "izhikevich_types"]

_TYPES = {
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "thalamo_cortical": (0.02, 0.25, -65.0, 0.05),
    "resonator": (0.1, 0.26, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
}


def izhikevich_types() -> tuple[str, ...]:
    """Names of the types that `izhikevich_type` knows.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> izhikevich_types()[:3]
    ('regular_spiking', 'bursting', 'chattering')
    """
    return tuple(_TYPES)


@names_near
def izhikevich_type(name: str) -> dict[str, float]:
    """Parameters of a type of cortical neuron for the model ``izhikevich``.

    Parameters
    ----------
    name : str
        ``regular_spiking``, ``bursting`` (intrinsically bursting) and ``chattering`` are excitatory in cortex,
        ``fast_spiking`` and ``low_threshold_spiking`` inhibitory; also ``thalamo_cortical`` and ``resonator``.

    Returns
    -------
    dict of str to float
        ``a`` (1/ms), ``b`` (pure number), ``c`` (mV) and ``d`` (mV/ms), for `Simulation.create` and for ``params=``.

    Raises
    ------
    ValueError
        If there is no such type; names the nearest.

    References
    ----------
    .. [1] Izhikevich (2003), IEEE Transactions on Neural Networks 14:1569, doi:10.1109/TNN.2003.820440.

    Examples
    --------
    >>> from neuromod import Simulation
    >>> from neuromod.cell_types import izhikevich_type
    >>> sim = Simulation(seed=1)
    >>> cells = sim.create(100, "izhikevich", neuron_type="inhibitory", **izhikevich_type("fast_spiking"))
    >>> cells[0].params["a"], cells[0].params["d"]
    (0.1, 2.0)
    """
    if not isinstance(name, str) or name not in _TYPES:
        near = nearest(name, _TYPES) if isinstance(name, str) else None
        hint = f"; did you mean {near!r}?" if near else f"; there are {', '.join(_TYPES)}"
        raise ValueError(f"name: must be a type of neuron; got {shown(name)}{hint}")
    return dict(zip("abcd", _TYPES[name], strict=True))
