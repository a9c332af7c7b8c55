"""Networks without a lattice: populations by number, model and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from neuromod._core import Neuron, Synapse
from neuromod.errors import printable
from neuromod.near_names import names_near
from neuromod.network.delays import delay_in_steps
from neuromod.network.population import Population
from neuromod.session import Facts

__all__ = ["Building"]


class Building(Facts):
    """What adds populations to the network of a simulation."""

    @names_near
    def create(
        self,
        n: int,
        model: str | None = None,
        *,
        name: str | None = None,
        neuron_type: str | None = None,
        positions: str | Mapping[str, Any] | ArrayLike | None = None,
        share_sites: bool = False,
        region: str | None = None,
        receptors: Mapping[str, float] | None = None,
        drive: Mapping[str, float] | None = None,
        **columns: Any,
    ) -> Population:
        """Add n neurons of one model: a population, which stands wherever ids or the names of areas do.

        Parameters
        ----------
        n : int, >= 0
        model : str, optional
            A registered neuron model. Default: the configuration's, which by default is ``lif``.
        name : str, optional
            Another than those of the areas and populations that there are. Default: the model's, with a number where
            it is taken.
        neuron_type : {"excitatory", "inhibitory"}, optional
            Default: inhibitory with the configuration's ``inhibitory_fraction``, which by default is 0.
        positions : str, mapping or array_like of float, shape (n, d) or (n,), no unit, optional
            ``"line"`` (or ``{"line": spacing}``), ``"grid"`` (``{"grid": [nx, ny], "spacing": 1.0}``; by default
            near-square), ``"disc"`` and ``"sphere"`` (``{"disc": radius}``; uniform inside, by the seed), or given.
            Grids of one spacing and of different sizes lie over each other's corner alone: for populations that share a
            sheet, ``{"grid": [nx, ny], "extent": [width, height]}`` puts the neurons in the middles of nx ny equal
            cells of it. Default: none. The neurons have no site of the lattice: their x, y, z and w are -1.
        share_sites : bool, default False
            Whether several neurons may have one position.
        region : str, optional
            Region whose modulator levels act on the neurons. Default: "global".
        receptors : mapping of str to float, >= 0, optional
            By modulator: part of its effect that is felt here. Default: 1.
        drive : mapping of str to float, Hz and mV, optional
            Background input, as the configuration's section ``background_drive``: ``{"rate": Hz, "weight": mV}`` and
            more. Default: the configuration's.
        **columns : float, array_like, shape (n,), or mapping, in the units of the model's table
            Parameters, state variables and ``i_offset``: one for all, one for each, or a distribution,
            ``v_membrane={"uniform": [-65, -50]}`` (mV); see `connect`. Default: the configuration's, else the model's.

        Returns
        -------
        Population

        Raises
        ------
        ConfigError
            If arguments are unknown or out of their domains; it lists all problems. No neuron is added.

        Warns
        -----
        NeuromodWarning
            Where a value looks as if it were in seconds or volts.

        Examples
        --------
        >>> from neuromod import Simulation
        >>> sim = Simulation(dt=0.1, seed=1)
        >>> E = sim.create(800, "lif", name="E", tau_m=10.0, v_membrane={"uniform": [-65, -50]})
        >>> I = sim.create(200, "lif", name="I", neuron_type="inhibitory", positions="grid")
        >>> I.positions.shape
        (200, 2)
        >>> sim.connect(E, E + I, probability=0.1, weight=0.2).name
        'E_to_E+I'
        """
        given: dict[str, Any] = {"name": name, "model": model, "neuron_type": neuron_type, "region": region}
        given |= {"receptors": receptors, "drive": drive}
        about = {key: value for key, value in given.items() if value is not None}
        whole: Any = self  # a Simulation, with its model and modulators
        made: Population = whole.model._creation.create(
            n, about, positions, share_sites, columns, self.seed, self.dt, self._check_region
        )
        if whole.neuromodulation is not None:
            areas = whole.model._areas
            whole.neuromodulation._check_fits(areas.own_regions, areas.names)
        return made

    @names_near
    def add_synapse(
        self,
        pre: int | Neuron,
        post: int | Neuron,
        weight: float = 0.1,
        delay: int | None = None,
        synapse_type: str | None = None,
        *,
        delay_ms: float | None = None,
    ) -> Synapse:
        """Add one synapse, as `BrainModel.add_synapse`, with a delay in steps or in ms.

        Parameters
        ----------
        pre, post : int or Neuron
        weight : float, mV, finite, default 0.1
        delay : int, steps, 1 to 65535, default 1
        synapse_type : {"excitatory", "inhibitory"}, optional
            Default: the type of the presynaptic neuron.
        delay_ms : float, ms, optional
            In place of `delay`: a whole number of steps of dt.

        Returns
        -------
        Synapse

        Raises
        ------
        ValueError, TypeError, RemovedError
            If an argument is out of its domain or a neuron is not there. Nothing is added.

        Examples
        --------
        >>> from neuromod import Simulation
        >>> sim = Simulation(dt=0.1, seed=1)
        >>> E = sim.create(10)
        >>> sim.add_synapse(E[0], E[1], weight=0.5, delay_ms=1.5).delay
        15
        """
        whole: Any = self
        steps = delay_in_steps(delay, delay_ms, self.dt)
        return whole.model.add_synapse(pre, post, weight, steps, synapse_type)  # type: ignore[no-any-return]

    def _check_region(self, region: str) -> None:
        """Refuse a region that the system of modulators has no levels of."""
        whole: Any = self
        system = whole.neuromodulation
        if system is not None and len(system.regions) > 1 and region not in system.regions:
            known = printable(", ".join(system.regions))
            raise ValueError(f"region: must be one of the neuromodulation system's, {known}; got {region!r}")
