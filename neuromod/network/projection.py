"""Projections: the synapses that one call of ``connect`` made, with their rule of plasticity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from neuromod import _core
from neuromod.arguments import checked_array
from neuromod.closed import Closed, fixed
from neuromod.network.columns import MODELS, held, model_of
from neuromod.network.draws import check_sign, check_weight
from neuromod.network.editing import Synapses
from neuromod.network.learning import LiveMapping
from neuromod.network.synapses import SynapseTable
from neuromod.problems import nearest, shown

__all__ = ["Projection"]

Ints = NDArray[np.int64]
Weights = NDArray[np.float32]
_ENDS = "rewire moves synapses, remove and add exchange them"
Column = TypeVar("Column", bound=NDArray[Any])


class Projection(Synapses, Closed):
    """Synapses of one kind under one rule; a view of the network's.

    Made by `Simulation.connect`; found again in ``sim.projections[name]``.

    Parameters
    ----------
    table : SynapseTable
        Where the synapses are. Users do not make projections themselves.
    relearn : callable
        Changes the learning of a table; `neuromod.network.learning.relearn`.
    store : SynapseStore
        All synapses of the network.

    Notes
    -----
    What can be set acts from the next step on, exactly: what the synapses have not yet been updated for is settled
    first, under the values that held until then. A value that is out of its domain raises, and so does setting
    something while a run is under way; nothing is changed then.

    Synapses stand in rows by presynaptic neuron; a row is sorted by (part of the network, delay, target). `pre_id`,
    `post_id`, `delay` and `weight` have the same order, which is not that of the pairs given to ``connect``: see
    `order`.

    Examples
    --------
    >>> from neuromod import BrainModel, Simulation
    >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=1)
    >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
    >>> p = sim.connect("V1_like", "V1_like", out_degree=5, weight=0.1, synapse_type="excitatory", name="local")
    >>> p
    Projection('local', synapses=400, excitatory, rule='hebbian')
    """

    _HINTS = {  # noqa: RUF012
        "rule": "it is fixed by connect; `learning = False` keeps the weights as they are",
        "name": "it is fixed by connect",
        "synapse_type": "it is fixed by connect",
        "port": "it is fixed by connect",
        "pre_id": "connect anew",
        "post_id": "connect anew",
    }

    def __init__(self, table: SynapseTable, relearn: Callable[..., None], store: Any) -> None:
        self._own_table, self._relearn, self._store = table, relearn, store

    @property
    def _table(self) -> SynapseTable:
        if self._own_table.is_removed:
            raise _core.RemovedError(
                f"projections[{self._own_table.name!r}]: must be in the network; it was removed"
            )
        return self._own_table

    def _where(self) -> str:
        return f"projections[{self.name!r}]"

    def _check_can_set(self, name: str) -> None:
        try:
            super()._check_can_set(name)
        except AttributeError as error:
            if not hasattr(type(self), name):
                self._look_into_parts(name, "did you mean" in str(error))
            raise

    def _look_into_parts(self, name: str, told: bool) -> None:
        """Refuse to set an attribute that is a parameter, or near to one where nothing else was `told`."""
        owners = ("homeostatic", "short_term", "rule_params")
        owner_of = {each: owner for owner in owners for each in getattr(self, owner) or ()}
        near = name if name in owner_of else None if told else nearest(name, owner_of)
        if near is not None:
            hint = f"did you mean {owner_of[near]}[{near!r}]?"
            raise AttributeError(f"{self._where()}.{name}: no such attribute; {hint}") from None

    @property
    def name(self) -> str:
        """Name, which is also the key in ``sim.projections``."""
        return self._table.name

    @property
    def synapse_type(self) -> str:
        """ "excitatory" or "inhibitory"; an inhibitory synapse acts as ``-abs(weight)``."""
        return self._table.synapse_type

    @property
    def port(self) -> str:
        """Input port of the targets at which spikes arrive; by default that of the synapse type."""
        return self._table.port

    @property
    def rule(self) -> str | None:
        """Registered rule of plasticity; None: the weights do not change by themselves."""
        return self._table.learning.rule

    @property
    def learning(self) -> bool:
        """Whether the rule changes the weights. May be set, for example to False for a test phase.

        While it is False the weights stand still, to the bit: no rule, decay or homeostatic scaling moves them. All
        else goes on as if the weights had a learning rate of 0: traces, eligibility traces, an event rule's state,
        average rates and short-term plasticity follow the spikes. False where there is no rule.
        """
        return self._table.learning.learns and self.rule is not None

    @learning.setter
    def learning(self, value: bool) -> None:
        self._relearn(self._table, learns=value)

    @property
    def modulators(self) -> tuple[str, ...] | None:
        """Modulators that act on its learning; None: all. May be set, to None or a sequence of names."""
        return self._table.learning.modulators

    @modulators.setter
    def modulators(self, value: Sequence[str] | None) -> None:
        self._relearn(self._table, modulators=value)

    @property
    def rule_params(self) -> Mapping[str, Any]:
        """The rule's parameters by name, floats or words; each may be set.

        For example ``projection.rule_params["tau_plus"] = 10.0``. A parameter by which events are under way, such as a
        lag of arrivals, is fixed by connect.
        """
        return self._mapping("rule_params", "params")

    @rule_params.setter
    def rule_params(self, value: Mapping[str, Any]) -> None:
        self.rule_params.update(value)  # type: ignore[attr-defined]

    @property
    def weight_min(self) -> float:
        """Lower bound of plastic weights, mV. May be set; weights below are moved onto it."""
        return self._table.learning.weight_min

    @weight_min.setter
    def weight_min(self, value: float) -> None:
        self._relearn(self._table, weight_min=value)

    @property
    def weight_max(self) -> float:
        """Upper bound of plastic weights, mV. May be set; weights above are moved onto it."""
        return self._table.learning.weight_max

    @weight_max.setter
    def weight_max(self, value: float) -> None:
        self._relearn(self._table, weight_max=value)

    @property
    def weight_decay(self) -> float:
        """Share of a plastic weight lost in each step, 0 to 1. May be set."""
        return self._table.learning.weight_decay

    @weight_decay.setter
    def weight_decay(self, value: float) -> None:
        self._relearn(self._table, weight_decay=value)

    @property
    def weight_dependence(self) -> float:
        """Exponent of soft bounds, >= 0; 0: bounds are hard. May be set."""
        return self._table.learning.weight_dependence

    @weight_dependence.setter
    def weight_dependence(self, value: float) -> None:
        self._relearn(self._table, weight_dependence=value)

    @property
    def rounding(self) -> str:
        """How plastic weights become float32: "unbiased" or "nearest". May be set.

        "unbiased" (default): the mean of a weight follows every change, however small. "nearest": changes below half
        the spacing of float32 (3e-8 near 1) are lost; a step of many arrivals is a few percent faster.
        """
        return self._table.learning.rounding

    @rounding.setter
    def rounding(self, value: str) -> None:
        self._relearn(self._table, rounding=value)

    @property
    def short_term(self) -> Mapping[str, float] | None:
        """``U``, ``tau_rec`` and ``tau_facil`` (ms) of short-term plasticity; None: a spike has all of the weight.

        Where some sources facilitate and others depress, ``facilitation_fraction``, ``facilitation_seed`` and the three
        values of the facilitating sources (``facilitating_U``, ...) as well.

        Each may be set, ``short_term["U"] = 0.1``, and so may the whole. Resources recover by the old time constants
        until the present; spikes under way keep the efficacy that they were fired with.
        """
        return None if self._table.learning.short_term is None else self._mapping("short_term")

    @short_term.setter
    def short_term(self, value: bool | Mapping[str, Any] | None) -> None:
        self._relearn(self._table, short_term=value)

    @property
    def homeostatic(self) -> Mapping[str, float] | None:
        """``target_rate`` (Hz), ``tau``, ``strength``, ``every`` (ms) of homeostatic scaling; None: there is none.

        Each may be set, ``homeostatic["target_rate"] = 30``, and so may the whole. Average rates go on from what they
        are; an average that is new starts at its target.
        """
        return None if self._table.learning.homeostatic is None else self._mapping("homeostatic")

    @homeostatic.setter
    def homeostatic(self, value: bool | Mapping[str, Any] | None) -> None:
        self._relearn(self._table, homeostatic=value)

    def _mapping(self, shown: str, member: str | None = None) -> LiveMapping:
        table, relearn, name = self._table, self._relearn, member or shown
        return LiveMapping(
            f"{self._where()}.{shown}",
            lambda: getattr(table.learning, name) or {},
            lambda values: relearn(table, **{name: values}),
        )

    @property
    def pre_id(self) -> Ints:
        """Id of each synapse's source, int64, shape (n_synapses,). A new array, read-only."""
        return fixed(self._table.pre_id, f"{self._where()}.pre_id: is read-only; {_ENDS}")

    @property
    def post_id(self) -> Ints:
        """Id of each synapse's target, int64, shape (n_synapses,). A new array, read-only."""
        return fixed(self._table.post_id, f"{self._where()}.post_id: is read-only; {_ENDS}")

    @property
    def delay(self) -> NDArray[np.uint16]:
        """Delay of each synapse, uint16, shape (n_synapses,), steps. A new array, read-only.

        May be set as a whole, also to change some (``d = p.delay.copy(); d[:5] = 3; p.delay = d``), to whole steps from
        1 to 65535, one for all or one for each synapse. Synapses are sorted by delay, so this renumbers them. A synapse
        whose delay changes keeps its weight and state variables, and transmits the spikes that its source fires from
        now on: those under way are lost.
        """
        how = "set it as a whole: d = p.delay.copy(); d[:5] = 3; p.delay = d"
        return fixed(self._table.delay, f"{self._where()}.delay: is read-only; {how}")

    @delay.setter
    def delay(self, value: Any) -> None:
        self._set_delay(value)

    @property
    def weight(self) -> Weights:
        """Weight of each synapse, float32, shape (n_synapses,), mV; writing to the array writes the network.

        Under a lazy rule, and under one whose weights move between events, the array is what is current now. When the
        simulation moves on, what was written to the array goes to the network, and the array turns read-only, so that
        a late ``w += d`` raises: ask for the weights again then. Without a rule, and under any other, the array is
        live. Reading it changes nothing that follows. What a rule leaves between two float32 numbers is rounded to one
        of them at random, with the mean kept: a change far below the spacing of 6e-8 near 1 mV acts on average.

        While a simulation runs, its progress callback may read and write; another thread gets a read-only copy, as
        at the border of a slice of the run (some 20 ms).
        """
        return self._table.weights.array()

    @weight.setter
    def weight(self, value: Any) -> None:
        self._table.columns.gate.check_own(f"projections[{self.name!r}].weight")
        column = self.weight
        if value is column:  # `p.weight += d` has written already, and sets what it got
            return
        if isinstance(value, Mapping):
            how = f"p.weight = rng.normal(mean, sd, {len(column)}) is one of NumPy"
            raise TypeError(f"weight: must be numbers, since connect alone draws distributions; {how}")
        given = checked_array(value, "weight")
        if given.ndim and given.shape != column.shape:
            raise ValueError(f"weight: must be a number or have shape {column.shape}; got {given.shape}")
        inhibitory, columns = self.synapse_type == "inhibitory", self._table.columns
        check_weight("weight", given, self._table.learning, inhibitory)
        check_sign(
            "weight", given, columns, lambda: np.flatnonzero(self._table.targets(columns.n)), inhibitory
        )
        _set(column, given)

    @property
    def weight_unit(self) -> str:
        """Unit of the weights, by the inputs of the targets.

        ``"mV"`` where a spike moves the potential, or the current of a `lif`; ``"g/g_L"``, a conductance in units of
        the leak conductance, where targets have synaptic conductances; the unit of the current where they have others.
        Where targets differ, ``"mV"``.
        """
        return weight_unit(self._table)

    @property
    def eligibility(self) -> Weights:
        """Eligibility trace of each synapse, float32, shape (n_synapses,), mV; as `weight`.

        Raises
        ------
        AttributeError
            If the rule has none.
        """
        if "eligibility" not in self._table.state_columns:
            raise AttributeError(f"projections[{self.name!r}].eligibility: its rule has no eligibility trace")
        return self._table.weights.array("eligibility")

    @eligibility.setter
    def eligibility(self, value: Any) -> None:
        self._table.columns.gate.check_own(f"projections[{self.name!r}].eligibility")
        _set(self.eligibility, value)

    def state(self, name: str) -> Weights:
        """A state variable of the rule at each synapse, as it is now.

        Parameters
        ----------
        name : str
            As in the rule's table: ``rho`` or ``c`` of ``graupner_brunel``.

        Returns
        -------
        ndarray of float32, shape (n_synapses,)
            A copy, in the unit of the table.

        Raises
        ------
        KeyError
            If the rule has no such state variable.
        """
        known = [field for field in self._table.state_columns if field != "last_event"]
        if name not in known:
            has = ", ".join(known) or "none"
            raise KeyError(f"projections[{self.name!r}].state: rule {self.rule!r} has {has}; got {name!r}")
        return self._table.weights.values()[name].copy()

    @property
    def order(self) -> Ints | None:
        """Which of the pairs that ``connect`` was given became each synapse, int64, shape (n_synapses,), read-only.

        So ``p.weight[np.argsort(p.order)]`` is in the order of the pairs, while none of their neurons was removed.
        None where the synapses were not given as pairs.
        """
        found = self._table.order
        return None if found is None else fixed(found)

    @property
    def plasticity_tag(self) -> Weights:
        """A number of the user's own for each synapse, float32, shape (n_synapses,). A view."""
        return self._table.plasticity_tag

    @plasticity_tag.setter
    def plasticity_tag(self, value: Any) -> None:
        _set(self.plasticity_tag, value)

    def weight_of(self, synapse: int) -> float:
        """The weight of one synapse now; cheaper than the whole array under a lazy rule.

        Parameters
        ----------
        synapse : int, 0 .. n_synapses - 1

        Returns
        -------
        float, mV

        Raises
        ------
        IndexError
            If there is no such synapse.
        """
        if isinstance(synapse, bool) or not isinstance(synapse, int | np.integer):
            raise TypeError(f"synapse: must be a whole number; got {shown(synapse)}")
        if not 0 <= synapse < len(self):
            raise IndexError(f"synapse: must be between 0 and {len(self) - 1}; got {shown(synapse)}")
        return self._table.weights.one(int(synapse))

    def __len__(self) -> int:
        return len(self._table)

    def __copy__(self) -> Projection:
        """The same: a view of the network's."""
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Copied deeply and pickled with its model."""
        return projection_of, (model_of(self._table.columns, "projection"), self.name)

    def __repr__(self) -> str:
        if self._own_table.is_removed:
            return f"Projection({self._own_table.name!r}, removed)"
        port = "" if self.port == self.synapse_type else f", port={self.port!r}"
        return f"Projection({self.name!r}, synapses={len(self):,}, {self.synapse_type}{port}, rule={self.rule!r})"


def weight_unit(table: SynapseTable) -> str:
    """The unit of the weights of a table; see `Projection.weight_unit`."""
    columns = table.columns
    slots = np.flatnonzero(table.targets(columns.n))
    numbers = np.unique(columns.column("model")[slots]).tolist()
    found = {_input_unit(list(MODELS)[k], table, slots) for k in numbers}
    return found.pop() if len(found) == 1 else "mV"


def _input_unit(model: str, table: SynapseTable, slots: Ints) -> str:
    """The unit of what a weight adds to, in neurons of a model."""
    about = MODELS[model]
    if f"g_syn_{table.synapse_type}" in about["state"]:
        return "g/g_L"
    decay = f"tau_syn_{table.synapse_type}"
    if decay not in about["params"] or not np.any(table.columns.column(decay)[slots] > 0.0):
        return "mV"  # a jump of the potential
    return str(about["state"].get(f"i_syn_{table.synapse_type}", {}).get("unit", "mV"))


def projection_of(model: Any, name: str) -> Projection:
    """A model's projection of that name."""
    return held(model)._store.projections[name]  # type: ignore[no-any-return]


def _set(column: Weights, value: Any) -> None:
    if value is not column:  # `p.weight += d` has written already, and sets what it got
        column[:] = value
