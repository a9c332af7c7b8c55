"""What a model says of itself: its lattice, areas, senses and sections, and which neuron stands where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neuromod._core import Neuron
from neuromod.arguments import checked_count
from neuromod.closed import Closed, ReadOnly

if TYPE_CHECKING:
    from neuromod.network.areas import Areas
    from neuromod.network.store import SynapseStore

__all__ = ["Described"]


class Described(Closed):
    """Reading of a model's configuration and lattice."""

    _config: Any
    _areas: Areas
    _store: SynapseStore

    @property
    def lattice_shape(self) -> tuple[int, ...]:
        """Sites along x, y, z and w; empty where there is no lattice."""
        return tuple(self._config.lattice_shape)

    @property
    def areas(self) -> Mapping[str, Any]:
        """The lattice's areas by name, read-only: ``model.areas["V1_like"].coord_ranges["x"]``, ``.n_sites``."""
        return ReadOnly({area.name: area for area in self._areas.lattice}, "areas")

    @property
    def senses(self) -> Mapping[str, Any]:
        """The senses by name, read-only: ``model.senses["vision"].areal``, ``.input_size``."""
        return ReadOnly(dict(self._config.senses), "senses")

    @property
    def plasticity(self) -> Any:
        """The section ``plasticity``, complete: ``model.plasticity.rule``, ``.weight_max``, ``.params``."""
        return self._config.plasticity

    @property
    def lifecycle(self) -> Any:
        """The section ``cell_lifecycle``, complete: ``model.lifecycle.enabled``, ``.max_age``."""
        return self._config.lifecycle

    def neuron_at(self, x: int, y: int, z: int, w: int) -> Neuron | None:
        """The neuron on a site of the lattice.

        Parameters
        ----------
        x, y, z, w : int
            A site.

        Returns
        -------
        Neuron or None
            None where the site is free.

        Raises
        ------
        ValueError, TypeError
            If a coordinate is no whole number, or off the lattice.

        Examples
        --------
        >>> from neuromod import BrainModel
        >>> model = BrainModel("brain_base_model.json")
        >>> neuron = model.add_neuron(1, 2, 3, 0)
        >>> model.neuron_at(1, 2, 3, 0) == neuron, model.neuron_at(1, 2, 4, 0)
        (True, None)
        """
        shape = self.lattice_shape
        if not shape:
            raise ValueError("neuron_at: needs a lattice, and there is none")
        site = {"x": x, "y": y, "z": z, "w": w}
        columns = self._store.columns
        here = None
        for (axis, at), size in zip(site.items(), shape, strict=True):
            found = columns.column(axis) == checked_count(at, axis, 0, size - 1)
            here = found if here is None else here & found
        assert here is not None
        slots = here.nonzero()[0]
        if not len(slots):
            return None
        return Neuron._view(columns, int(columns.column("id")[slots[0]]), int(slots[0]))
