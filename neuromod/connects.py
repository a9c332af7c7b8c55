"""How a simulation's neurons are connected: ``Simulation.connect``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neuromod.errors import say
from neuromod.near_names import names_near
from neuromod.network.columns import MODELS
from neuromod.network.delays import delay_in_steps
from neuromod.network.habits import spelled_here
from neuromod.network.learning import RULES, checked_modulators
from neuromod.network.members import slots_of_group
from neuromod.network.population import Group
from neuromod.session import Facts
from neuromod.together import Together

if TYPE_CHECKING:
    from neuromod.network.projection import Projection

__all__ = ["Connects"]


class Connects(Facts):
    """A simulation whose neurons can be connected; the base of `Simulation`."""

    _model: Any  # a BrainModel
    _calls: dict[Any, str]  # the projection that a call without a name made last, by the call
    _made_by: dict[str | None, Any]  # such calls, by the projection
    _learning_of: Any

    @spelled_here
    @names_near
    def connect(
        self,
        pre: Group,
        post: Group,
        *,
        probability: float | Mapping[str, Any] | Callable[..., Any] | None = None,
        in_degree: Any = None,
        out_degree: Any = None,
        total_number: int | None = None,
        one_to_one: bool = False,
        all_to_all: bool = False,
        pairs: Any = None,
        matrix: Any = None,
        mask: Mapping[str, Any] | None = None,
        edge_wrap: bool | ArrayLike = False,
        multapses: bool | None = None,
        autapses: bool = False,
        weight: Any = None,
        delay: Any = None,
        delay_ms: Any = None,
        state: Mapping[str, Any] | None = None,
        synapse_type: str | None = None,
        port: str | None = None,
        rule: str | Mapping[str, Any] | None = None,
        short_term: bool | Mapping[str, Any] | None = None,
        modulators: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Projection:
        """Connect two groups of neurons: one projection, with its own rule of plasticity or none.

        Parameters
        ----------
        pre, post : Population, str, sequence of these, or array_like of int
            Populations, area names or neuron ids.
        probability : float, 0 to 1, or mapping, or callable
            Each pair is connected with this probability. It may fall with the distance d of the two neurons:
            ``{"gaussian": [p_center, sigma]}`` is p_center exp(-d^2 / (2 sigma^2)),
            ``{"exponential": [p_center, tau]}`` is p_center exp(-d / tau), both cut where they are below 1e-6 p_center;
            ``{"box": [p_center, radius]}`` is p_center up to the radius. Names are taken, too:
            ``{"gaussian": {"p_center": 0.8, "sigma": 2.0}}``. A
            callable gets an array of distances and gives their probabilities. Or
        in_degree : int, >= 0, array_like of int, or mapping
            each target gets so many sources: one number for all, one for each target as given, or drawn from a
            distribution as for `weight`, rounded, >= 0. With `mask`, the sources are chosen within it; with a
            `probability` that falls with distance, in proportion to that. Or
        out_degree : int, >= 0, array_like of int, or mapping
            each source gets so many targets; as `in_degree`. Or
        total_number : int, >= 0
            so many synapses between pairs drawn from all pairs. Or
        one_to_one : bool, default False
            the k-th source as given is connected to the k-th target as given. Or
        all_to_all : bool, default False
            each source is connected to each target. Or
        pairs : array_like of int of shape (n, 2), str, Path, or pandas.DataFrame
            exactly these (pre id, post id): as an array or list; or the columns ``pre``, ``post`` and, if need be,
            ``weight`` and ``delay`` of a CSV file (without a line of names: in this order) or of a table. Or
        matrix : array_like of float, mV, or of bool, or a scipy.sparse matrix, shape (n_pre, n_post)
            a synapse for each entry that is not 0 (of a sparse matrix: that is stored), with the entry as weight unless
            `weight` is given. Rows are sources as given, columns targets. A sparse matrix may have any format. Exactly
            one of the rules must be given.
        mask : mapping, optional
            Only pairs within it are connected: ``{"radius": r}`` or ``{"circular": {"radius": r}}``,
            ``{"doughnut": {"inner_radius": r, "outer_radius": R}}``, or ``{"rectangular": {"lower_left": [x, y],
            "upper_right": [x, y]}}``, which bounds the displacement from source to target. Bounds count as within.
        edge_wrap : bool or array_like of float, sites, > 0, default False
            True: distances go the shorter way around a torus, whose size along each coordinate is that of the box
            around the areas that the neurons are of. Or the size along each coordinate; inf: not wrapped.
        multapses : bool, optional
            Whether a pair may be connected more than once. Default: True for degrees and a total number, which are then
            drawn with replacement, and for `pairs`. False: without replacement.
        autapses : bool, default False
            Whether a neuron may be connected to itself; pairs that do are refused unless it is True.
        weight : float, array_like, scipy.sparse matrix, mapping or callable, mV
            Must be given, unless `pairs` or `matrix` bring it. Onto ``lif_cond`` and ``lif_nmda_gaba_b`` it is a
            conductance over that of the leak, g / g_L, no unit. One for all; with `pairs` and `one_to_one` one for
            each; with `matrix` one for each of its entries, row by row, whatever its format. Or a matrix, dense or
            sparse, with a row for each source as given: entries between pairs without a synapse are not looked at, and
            a sparse matrix is 0 where it has no entry. Or a distribution: ``{"normal": [mean, sd]}``,
            ``{"lognormal": [mu, sigma]}`` (both with ``"low"``, ``"high"``: what falls outside is drawn again, or
            clipped with ``"outside": "clip"``), ``{"uniform": [low, high]}`` or ``{"choice": values, "p":
            probabilities}``. Or a function that gets the distances of all synapses and gives
            their weights. Drawn weights must have one sign, excitatory ones none below 0 unless ``"low"`` or the rule's
            weight_min is. Sizes must keep to the rule's bounds.
        delay : int, array_like of int, scipy.sparse matrix, mapping or callable, steps, 1 to 65535, default 1
            As `weight`. A uniform has each whole step from low to high alike; others are drawn again below 1 step. What
            a function of distance gives is rounded to whole steps.
        delay_ms : float, array_like of float, scipy.sparse matrix, mapping or callable, ms, optional
            In place of `delay`: whole steps of dt. What a distribution or a function of distance gives is rounded to
            the nearest step.
        state : mapping of str to float, array_like or callable, pure numbers or mV as in the rule's table, optional
            First values of state variables of the rule, such as ``{"eligibility": 0.1}``: one for all, one for each as
            `weight`, a matrix as there, or a function of distance.
        synapse_type : {"excitatory", "inhibitory"}, optional
            Inhibitory synapses act as ``-abs(weight)``. Default: from the type of the sources.
        port : str, optional
            Input port at which spikes arrive, one that every target's neuron model has: "excitatory", "inhibitory",
            or the model's own, such as "nmda" of ``lif_nmda_gaba_b``. Default: that of the synapse type.
        rule : str or mapping, optional
            ``"none"``, a registered rule, or ``{"rule": name, parameter: value, ...}``. Default: the
            configuration's ``plasticity``.
        short_term : bool or mapping, optional
            Short-term plasticity, ``{"U": 0.5, "tau_rec": 800, "tau_facil": 0}`` (ms): see ``check_short_term``.
            Default: that of `rule`, if it is a mapping, else of the configuration.
        modulators : sequence of str, optional
            Modulators that act on its learning, ``["dopamine"]``; an empty sequence: none. Default: that of `rule`, if
            it is a mapping, else of the configuration, which by default is all.
        name : str, optional
            Under which ``sim.projections`` keeps it. Default: made from pre and post.

        Returns
        -------
        Projection

        Raises
        ------
        ValueError, TypeError
            If arguments are unknown or out of their domains; it lists all problems. No synapse is added.

        Warns
        -----
        NeuromodWarning
            Where weights are given below 0 for excitatory synapses; where a rule needs dopamine and there is none;
            where synapses without a rule lead to sources, which have no input;
            where targets are sources, which have no input, and there is no rule to see their spikes;
            where no name is given, and an earlier call with the same arguments has made synapses that are still there.

        Notes
        -----
        The network depends on the seed, the number of the projection and the ids of neurons alone: it is the same for
        any number of threads. Distances are Euclidean: over all four coordinates of the lattice, in sites, or over the
        positions of populations.

        The time grows with the number of synapses, not of pairs (``csrc/nm_build.c``). By distance, it grows with the
        number of pairs within the mask or the cut of the kernel, which cell lists find (``csrc/nm_build_distance.c``).
        In two dimensions these are, for each synapse, 1 / p_center pairs of a box, 14 / p_center of a gaussian and 95 /
        p_center of an exponential; a mask makes them fewer. The cut leaves out 1e-6 of the synapses of a gaussian and
        1.5e-5 of those of an exponential. A callable as `probability` is evaluated for all pairs within the mask, or
        for all pairs where there is none.

        Synapses do not stand in the order of `pairs`: `Projection.order` gives that.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=42)
        >>> ids = sim.initialize_neurons(["V1_like", "A1_like"], density=0.01)
        >>> p = sim.connect("V1_like", "A1_like", in_degree=10, weight=0.2, synapse_type="excitatory", name="vis")
        >>> len(p), len(sim.projections["vis"].weight)
        (800, 800)
        >>> near = sim.connect(
        ...     "V1_like", "V1_like", probability={"gaussian": [0.9, 2.0]}, weight=0.1, delay=lambda d: 1 + 0.5 * d,
        ...     synapse_type="excitatory",
        ... )
        >>> bool(near.delay.min() >= 1)
        True
        """
        how = {
            "probability": probability,
            "in_degree": in_degree,
            "out_degree": out_degree,
            "total_number": total_number,
            "one_to_one": one_to_one,
            "all_to_all": all_to_all,
            "pairs": pairs,
            "matrix": matrix,
        }
        from neuromod.network.connecting import connect  # not needed to import the package
        from neuromod.network.refused import refuse_connect

        store, found = self._session.store, Together()
        acting = found(checked_modulators, "modulators", modulators, store.modulators)
        about: dict[str, Any] = {
            "weight": weight,
            "delay": found(delay_in_steps, delay, delay_ms, self.dt, None),
            "learning": found(self._learning_of, self._model._config.plasticity, rule, short_term, acting),
            "synapse_type": synapse_type,
            "port": port,
            "autapses": autapses,
            "multapses": multapses,
            "mask": mask,
            "edge_wrap": edge_wrap,
            "state": state,
            "name": name,
            "seed": self.seed,
        }
        try:
            found.finish()
            call = None
            if name is None:
                drawn = {
                    key: value for key, value in about.items() if key not in ("learning", "name", "seed")
                }
                acts = {"rule": rule, "short_term": short_term, "modulators": acting}
                call = pre, post, {**how, **drawn, **acts}
            made: Projection = connect(
                store, pre, post, how, **about, look=partial(self._say, post, weight, matrix, call)
            )
        except (ValueError, TypeError) as error:
            refuse_connect(found, error, store, pre, post, how, **about)
        return made

    def _say(self, post: Any, weight: Any, matrix: Any, call: Any, made: Projection) -> None:
        """What is unusual about a projection; where warnings are errors, or memory is short, there will be none."""
        if call is not None:
            self._say_what_is_doubled("connect", made.name, call)
        self._say_what_is_missing(made)
        self._say_what_is_idle(made, post)
        self._say_what_is_negative(made, weight, matrix)

    def _say_what_is_doubled(self, where: str, made: str, given: Any) -> None:
        """A call with the arguments of an earlier one, whose synapses are there: both calls' are there now."""
        from neuromod.network.repeats import likeness  # not needed to import the package

        store = self._session.store
        key = where, store.columns.next_id, likeness(given)
        before = self._calls.get(key)
        is_there = before != made and before in store.projections and self._made_by.get(before) == key
        if is_there:
            say(
                f"{where}: was called before with the same arguments, and the network has the synapses of both calls, "
                f"{before!r} and {made!r}; remove_projection({made!r}) takes the later ones out"
                + ("; give a name where both are meant" if where == "connect" else "")
            )
        self._calls[key], self._made_by[made] = made, key

    def _say_what_is_missing(self, made: Projection) -> None:
        """A rule of reward needs a level of dopamine."""
        if made.rule is not None and RULES[made.rule]["eligibility"] and self._session._level is None:
            say(
                f"connect: under {made.rule} weights change by dopamine, and this simulation has no neuromodulation, "
                "so they stay; give Simulation(neuromodulation=NeuromodulationSystem())"
            )

    def _say_what_is_idle(self, made: Projection, post: Any) -> None:
        """Synapses onto sources, which have no input: without a rule, which would see their spikes, they do nothing."""
        areas = self._session.store.areas
        model, is_source = (
            areas.columns.column("model"),
            np.array([MODELS[name]["is_source"] for name in MODELS]),
        )
        if made.rule is not None or not is_source[model[slots_of_group(areas, post, "post")]].any():
            return
        idle = int(np.count_nonzero(is_source[model[areas.columns.known_slots(made.post_id, "post")]]))
        if idle:
            say(
                f"connect: {idle:,} of {len(made):,} synapses of {made.name!r} lead to sources, which have no input; "
                "without a rule they do nothing"
            )

    def _say_what_is_negative(self, made: Projection, weight: Any, matrix: Any) -> None:
        """Weights that are given below 0, as for inhibition elsewhere, though the synapses are excitatory."""
        given: Any = made.weight if callable(weight) else matrix if weight is None else weight
        sparse = hasattr(given, "tocoo")
        drawn = given is None or (not sparse and isinstance(given, Mapping))
        learning = made._table.learning
        meant = learning.rule is not None and learning.weight_min < 0.0
        if drawn or meant or made.synapse_type != "excitatory":
            return
        numbers = given.tocoo().data if sparse else np.asarray(given)
        if numbers.dtype.kind in "if" and np.any(numbers < 0):
            say(
                f"connect: {made.name!r} is excitatory and has weights below 0, which hyperpolarise its targets; for "
                "inhibitory synapses give synapse_type='inhibitory', or sources of that neuron_type"
            )

    @names_near
    def remove_projection(self, projection: str | Projection) -> None:
        """Take a projection out of the network, with all its synapses.

        Parameters
        ----------
        projection : str or Projection
            One of ``sim.projections``, or its name.

        Raises
        ------
        ValueError
            If it is none of the network's; names the nearest known one. Nothing is changed.
        RuntimeError
            If the network is being run.

        Notes
        -----
        Spikes of its synapses that are under way are lost. All other synapses keep their weights, traces and order. A
        monitor of its synapses goes on as NaN; the projection itself raises `RemovedError` from then on.

        Examples
        --------
        >>> from neuromod import BrainModel, Simulation
        >>> sim = Simulation(BrainModel("brain_base_model.json"), seed=42)
        >>> ids = sim.initialize_neurons(["V1_like"], density=0.01)
        >>> p = sim.connect("V1_like", "V1_like", in_degree=10, weight=0.2, synapse_type="excitatory", name="local")
        >>> sim.remove_projection("local")
        >>> len(sim.projections), len(sim.model.synapses)
        (0, 0)
        """
        from neuromod.network.edits import remove_projection

        remove_projection(self._session.store, projection)
