"""What can be done to a projection's synapses, and how they are handed to other libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Synapses"]

Ints = NDArray[np.int64]


class Synapses:
    """The synapses of a projection, which can be removed, added and moved; the base of `Projection`.

    Positions are those of the arrays of the projection (`weight`, `pre_id`, ...) as they are now; a change of the
    synapses renumbers them. All that is not named in a change keeps its weight, traces, state and order, to the bit.
    """

    _store: Any
    _table: Any

    def remove(self, synapses: Any) -> int:
        """Take synapses out of the network.

        Parameters
        ----------
        synapses : array_like of int, positions, or of bool, shape (n_synapses,)
            Those to be removed.

        Returns
        -------
        int
            Number of synapses removed; on several ranks, where each names some of its own, on all together.

        Raises
        ------
        IndexError, ValueError, TypeError
            If a position is out of range or there is not one mark for each synapse. Nothing is removed.
        RuntimeError
            If the network is being run.

        Notes
        -----
        Spikes under way of removed synapses are lost. The time grows with the number of synapses of the projection,
        so remove many at once.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> p = sim.connect("V1_like", "V1_like", out_degree=5, weight=0.1, synapse_type="excitatory")
        >>> p.remove(p.pre_id == ids[0]), len(p)
        (5, 395)
        """
        with self._change("remove", True):
            marks = self._store.edits.selected_by_all(self._store, self._table, synapses)
            return int(self._store.edits.remove_synapses(self._store, self._table, marks))

    def prune(
        self,
        below: float | None = None,
        *,
        fraction: float | None = None,
        condition: Callable[[Any], Any] | None = None,
    ) -> int:
        """Remove synapses by their weight.

        Parameters
        ----------
        below : float, mV, >= 0, optional
            Those of a smaller size are removed; or
        fraction : float, 0 to 1, optional
            this part of the synapses, rounded to a whole number, those of the smallest sizes; of equal ones those that
            come first; or
        condition : callable, optional
            those for which it is True: it gets the weights of all synapses, ndarray of float32, and gives as many
            marks. Exactly one of the three must be given. Not on several ranks.

        Returns
        -------
        int
            Number of synapses removed, on all ranks together.

        Raises
        ------
        ValueError, TypeError
            If an argument is out of its domain. Nothing is removed.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> how = {"weight": {"uniform": [0.0, 1.0]}, "synapse_type": "excitatory"}
        >>> p = sim.connect("V1_like", "V1_like", out_degree=5, **how)
        >>> removed = p.prune(below=0.5)
        >>> bool(p.weight.min() >= 0.5), removed + len(p)
        (True, 400)
        """
        with self._change("prune", True):
            marks = self._store.edits.weak_synapses(self._store, self._table, below, fraction, condition)
            return int(self._store.edits.remove_synapses(self._store, self._table, marks))

    def add(self, pairs: Any, weight: Any = None, delay: Any = None, *, delay_ms: Any = None) -> Ints:
        """Add synapses between given pairs; they transmit the spikes that their sources fire from now on.

        Parameters
        ----------
        pairs : array_like of int of shape (n, 2), str, Path, or pandas.DataFrame
            (pre id, post id), or a CSV file or table as for ``connect``.
        weight : float or array_like, mV
            One for all, or one for each pair. Default: that of the file or table.
        delay : int or array_like of int, steps, 1 to 65535, default 1
            Likewise.
        delay_ms : float or array_like of float, ms, optional
            In place of `delay`: whole steps of the simulation's dt.

        Returns
        -------
        ndarray of int64, shape (n,)
            Positions of the new synapses, in the order of the pairs.

        Raises
        ------
        ValueError, TypeError
            If an argument is out of its domain, or a neuron cannot have such a synapse. Nothing is added.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> p = sim.connect("V1_like", "V1_like", out_degree=5, weight=0.1, synapse_type="excitatory")
        >>> at = p.add([[ids[0], ids[1]]], weight=0.5)
        >>> len(p), p.weight[at].tolist()
        (401, [0.5])
        """
        with self._change("add"):
            add = self._store.edits.add_synapses
            added: Ints = add(self._store, self._table, pairs, weight, delay, delay_ms)
            return added

    def rewire(self, synapses: Any, *, pre: Any = None, post: Any = None, weight: Any = None) -> Ints:
        """Let synapses begin or end at other neurons, as new synapses with the delays of the old.

        Parameters
        ----------
        synapses : array_like of int, positions, or of bool, shape (n_synapses,)
            Those to be moved; in ascending order of their positions whatever the order given.
        pre, post : array_like of int, optional
            New sources or targets, ids: one for all, or one for each. Default: as they are; one must be given.
        weight : float or array_like, mV, optional
            Default: as they are.

        Returns
        -------
        ndarray of int64
            Positions of the moved synapses, in the order of the old positions.

        Raises
        ------
        ValueError, TypeError, IndexError
            If an argument is out of its domain. Nothing is changed.

        Notes
        -----
        A moved synapse has no eligibility trace and transmits the spikes from now on alone, as a new one.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> p = sim.connect("V1_like", "V1_like", out_degree=5, weight=0.1, synapse_type="excitatory")
        >>> at = p.rewire([0, 1], post=ids[-2:])
        >>> len(p), bool((p.post_id[at] == ids[-2:]).all())
        (400, True)
        """
        with self._change("rewire"):
            marks = self._store.edits.selected(self._table, synapses, "synapses")
            moved: Ints = self._store.edits.rewire(self._store, self._table, marks, pre, post, weight)
            return moved

    def _change(self, what: str, on_ranks: bool = False) -> Any:
        where = f"projections[{self._table.name!r}].{what}"
        if self._table.whole is not None and not on_ranks:
            raise RuntimeError(
                f"{where}: is not there on several ranks; gather() gives the whole, which may be edited, and "
                "RankSimulation.take goes on from it"
            )
        return self._store.gate.change(where)

    def _set_delay(self, value: Any) -> None:
        with self._change("delay"):
            self._store.edits.set_delays(self._store, self._table, value)

    # ---- for other libraries ---------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """All synapses as columns, in their order.

        Returns
        -------
        dict of str to ndarray, shape (n_synapses,)
            ``pre_id``, ``post_id``, ``weight`` (mV), ``delay`` (steps) and the state variables of the rule; copies. The
            state of a network is saved by `Simulation.to_dict`.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> p = sim.connect("V1_like", "V1_like", one_to_one=True, autapses=True, weight=0.1, synapse_type="excitatory")
        >>> list(p.to_dict())
        ['pre_id', 'post_id', 'weight', 'delay']
        """
        columns: dict[str, NDArray[Any]] = self._store.edits.columns_of(self._table)
        return columns

    def to_pandas(self) -> Any:
        """All synapses as a table; needs pandas.

        Returns
        -------
        pandas.DataFrame
            With the columns of `to_dict`. ``connect(pairs=table[["pre_id", "post_id", "weight", "delay"]])`` takes it.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed; names the extra that brings it.
        """
        return self._store.edits.table_of(self._table)

    def to_scipy(self, variable: str = "weight", *, pre: Any = None, post: Any = None) -> Any:
        """One variable of all synapses as a sparse matrix; needs scipy.

        Parameters
        ----------
        variable : str, default "weight"
            Or another column of `to_dict`.
        pre, post : Population, str, sequence of these, or array_like of int, optional
            Populations, area names or neuron ids that the rows, and the columns, stand for, in this order; synapses of
            others are left out. Default: all neurons of the network, in id order.

        Returns
        -------
        scipy.sparse.coo_array, shape (n_pre, n_post)
            Entry [i, j] is from the i-th source to the j-th target. A pair that is connected several times has several
            entries, which most operations add up. ``connect`` takes such matrices as `matrix`, `weight`, `delay` and
            `state`.

        Raises
        ------
        ModuleNotFoundError
            If scipy is not installed; names the extra that brings it.
        ValueError
            If the variable or a neuron is unknown.
        """
        return self._store.edits.sparse_of(self._store.areas, self._table, variable, pre, post)
