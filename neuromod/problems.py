"""What is wrong with what came, and the words for it: ``where: rule; what came``, and near names.

Near are also the words that other simulators have for the same: the tables at the end.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

__all__ = ["NAMES", "Problem", "Wrong", "did_you_mean", "nearest", "said_of"]

ROOT = "configuration"
"""What messages call the outermost object."""
NOTHING = object()
"""The value at a place where nothing came, or where the rule says what came."""
ALL, SOME = "<all known>", "<some known>"
"""In what is said where no name is near: the known names, sorted; the first of them."""
KNOWN_KEYS, KNOWN_NAMES = f"; known are {ALL}", f"; known are {SOME}"
Place = tuple[int | str, ...]
Value = TypeVar("Value")

_SHORT = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
# Thousands of wrong names must not take minutes to refuse: the more problems, the fewer names are compared.
_COMPARISONS = 2000
_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlist, _repr.maxdict, _repr.maxstring, _repr.maxother = 3, 4, 4, _SHORT, _SHORT


class Problem(NamedTuple):
    """One thing that is wrong: where, the rule, what came.

    `near` is said with that name of `known` which is nearest to what came, `far` where none is near.
    """

    place: Place
    rule: str
    value: Any = NOTHING
    known: Collection[str] = ()
    far: str = ""
    near: str = "; did you mean {!r}?"

    def below(self, *place: int | str) -> Problem:
        """The same problem of a value that stands at `place` of another."""
        return Problem((*place, *self.place), *self[1:])

    def words(self, where: str, before: int) -> str:
        """The message; `before` is the number of problems before this one."""
        text = f"{join(where, *self.place) or ROOT}: {self.rule}"
        name: Any = self.value
        if self.value is not NOTHING:
            text += f"; got {shown(self.value)}"
        elif self.place:
            name = self.place[-1]
        if isinstance(name, str) and len(self.known) * (1 + before) <= _COMPARISONS:
            near = nearest(name, self.known)
            if near is not None:
                return text + self.near.format(near)
            if (said := said_of(name)) is not None:
                return f"{text}; {said}"
        return text + self.far.replace(ALL, ", ".join(sorted(self.known))).replace(SOME, listed(self.known))


class Wrong(ValueError):
    """Everything that is wrong with one value."""

    def __init__(self, found: list[Problem]) -> None:
        super().__init__()
        self.found = found

    def __str__(self) -> str:
        """The first rule alone: pydantic asks at every level of nesting."""
        return self.found[0].rule


def unless(found: list[Problem], value: Value) -> Value:
    """The value, if nothing was found wrong with it; else `Wrong`."""
    if found:
        raise Wrong(found)
    return value


def shown(value: Any) -> str:
    """The value as a message quotes it: its ``repr``, cut at about 60 characters."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    text = _repr.repr(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 3] + "..."


def listed(names: Iterable[str]) -> str:
    """The first 20 names, cut as `shown` cuts."""
    return shown(", ".join([*names][:20]))[1:-1]


def join(where: str, *keys: str | int) -> str:
    """The JSON path of something inside `where`; a name that would be ambiguous is quoted.

    >>> join("", "areas", 1, "coord_ranges", "x"), join("senses", "my eye")
    ('areas[1].coord_ranges.x', "senses['my eye']")
    """
    for key in keys:
        if isinstance(key, str) and _PLAIN_KEY.fullmatch(key):
            where += f".{key}" if where else key
        else:
            where += f"[{shown(key)}]"
    return where


def did_you_mean(name: object, known: Iterable[str], owners: tuple[str, ...] = ()) -> str:
    """The end of a message on a name that is not known: the nearest known one, or what is said of it; else nothing.

    `owners`: classes of the object that lacks the name.

    >>> did_you_mean("v_mem", ["v_membrane", "v_rest"]), did_you_mean("q", ["v_rest"])
    ("; did you mean 'v_membrane'?", '')
    >>> did_you_mean("get", ["age"], ("Population",))
    '; read it, as in E.v_threshold'
    """
    known = list(known)
    near, said = _named_here(name, known), said_of(name, owners)
    if said is None or near is not None:
        near = nearest(name, known)
    return f"; did you mean {near!r}?" if near is not None else "" if said is None else f"; {said}"


def unknown_name(where: str, name: object, known: Iterable[object]) -> KeyError:
    """The error of a mapping that lacks a name: the names that there are, and the nearest one.

    >>> print(unknown_name("rates", "Ex", ["E", "I"]).args[0])
    rates['Ex']: must be one of 'E', 'I'; did you mean 'E'?
    """
    names = [*map(str, known)]
    there = ", ".join(map(repr, names[:20])) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return KeyError(
        f"{where}[{shown(name)}]: must be one of {there or 'none yet'}{did_you_mean(name, names)}"
    )


def no_attribute(thing: object, name: str) -> AttributeError:
    """The error of an attribute that is not there; a name in a mapping is found in brackets, as in a dict.

    >>> no_attribute({"rate": 1.0}, "rate").args[0]
    "dict.rate: no such attribute; it is ['rate']"
    """
    names = [*thing] if isinstance(thing, Mapping) else []
    if name in names:
        hint = f"; it is [{name!r}]"
    else:
        hint = did_you_mean(name, [each for each in (*names, *dir(thing)) if not each.startswith("_")])
    return AttributeError(f"{type(thing).__name__}.{name}: no such attribute{hint}", name=name)


class NearAttributes:
    """Base of what users read: of an attribute that is not there, the error names what is near."""

    __slots__ = ()

    if not TYPE_CHECKING:  # type checkers are to go on refusing what is not there

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):  # asked for by copy, pickle, NumPy and IPython
                raise AttributeError(name)
            raise no_attribute(self, name)


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely means.

    Parameters
    ----------
    name : object
        What came; only text can be near to a name.
    known : iterable of str

    Returns
    -------
    str or None
        None where nothing is near.

    Examples
    --------
    >>> nearest("tau_pluss", ["tau_minus", "tau_plus"])
    'tau_plus'
    >>> nearest("V_th", ["v_rest", "v_threshold"])
    'v_threshold'
    """
    if not isinstance(name, str) or len(name) > 100:  # the comparison takes time quadratic in the length
        return None
    known = list(known)
    meant = _named_here(name, known)
    if meant is not None or said_of(name) is not None:  # a likeness of letters would mislead
        return meant
    names = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    letters = sorted(name.lower())
    found = found or [each for each in names if sorted(each) == letters]  # letters in another order
    return names[found[0]] if found else None


def _named_here(name: object, known: Iterable[str]) -> str | None:
    """The known name that a word of another simulator stands for."""
    meant = NAMES.get(name, "").split() if isinstance(name, str) else []
    names = {each.lower(): each for each in known} if meant else {}
    return next((names[each.lower()] for each in meant if each.lower() in names), None)


# ---- words of NEST, Brian 2, PyNN and upstream, and what they are called here ---------------------------------

NAMES = {
    "bounds": "coord_ranges",
    "model_type": "type",
    "tau_membrane": "tau_m",
    "default_type": "kind",
    "p": "probability",
    "prob": "probability",
    "p_connect": "probability",
    "T": "ms",
    "t": "time ms",
    "time": "ms",
    "simtime": "ms",
    "total_timesteps": "steps",
    "timesteps": "steps",
    "n_steps": "steps",
    "n_episodes": "episodes",
    "reward": "returns",
    "rewards": "returns",
    "mean_reward": "returns",
    "episode_reward": "returns",
    "episode_rewards": "returns",
    "n_eval_episodes": "episodes",
    "num_envs": "n",
    "n_envs": "n",
    "duration": "ms",
    "N": "n total_number",
    "n": "total_number",
    "resolution": "dt",
    "timestep": "dt",
    "rng_seed": "seed",
    "local_num_threads": "threads",
    "V_th": "v_threshold",
    "v_thresh": "v_threshold",
    "E_L": "v_rest e_leak",
    "EL": "v_rest e_leak",
    "E_ex": "e_rev_excitatory",
    "E_in": "e_rev_inhibitory",
    "e_rev_E": "e_rev_excitatory",
    "e_rev_I": "e_rev_inhibitory",
    "tau_syn_E": "tau_syn_excitatory",
    "tau_syn_I": "tau_syn_inhibitory",
    "t_ref": "refractory_period",
    "tau_refrac": "refractory_period",
    "refractory": "refractory_period",
    "V_m": "v_membrane",
    "v": "v_membrane",
    "I_e": "i_offset",
    "C_m": "capacitance",
    "cm": "capacitance",
    "g_L": "g_leak",
    "V_T": "v_threshold",
    "indegree": "in_degree",
    "outdegree": "out_degree",
    "i": "id pre_id pairs",
    "j": "post_id pairs",
    "w": "weight",
    "weights": "weight",
    "delays": "delay",
    "source": "pre_id pre",
    "sources": "pre_id",
    "target": "post_id post",
    "targets": "post_id",
    "receptor_type": "port",
    "allow_autapses": "autapses",
    "allow_multapses": "multapses",
    "synapse_model": "rule",
    "neuron_model": "model",
    "record": "ids",
    "amp": "amplitude amplitudes",
    "freq": "frequency",
    "times": "time",
    "senders": "id",
    "n_events": "count",
    "num_spikes": "count",
    "Create": "create",
    "Connect": "connect",
    "Simulate": "run",
    "simulate": "run",
    "Run": "run",
    "run_for": "run",
    "network_operation": "every",
    "noradrenaline": "norepinephrine",
    "iaf_psc_delta": "lif",
    "iaf_psc_exp": "lif",
    "iaf_cond_exp": "lif_cond",
    "IF_curr_exp": "lif",
    "IF_curr_delta": "lif",
    "IF_cond_exp": "lif_cond",
    "Izhikevich": "izhikevich",
    "aeif_psc_delta": "adex",
    "aeif_psc_exp": "adex",
    "poisson_generator": "poisson",
    "SpikeSourcePoisson": "poisson",
    "spike_generator": "spike_source",
    "SpikeSourceArray": "spike_source",
    "stdp_synapse": "stdp",
    "STDPMechanism": "stdp",
    "stdp_dopamine_synapse": "rstdp",
    "stdp_triplet_synapse": "triplet",
    "clopath_synapse": "clopath",
    "vogels_sprekeler_synapse": "istdp",
    "static_synapse": "none",
}
"""What keys, parameters, models and attributes are called here, one or several; that counts which the caller knows."""

_CREATE = "sim.create(n, model, **parameters) makes a population"
_CONNECT = "sim.connect(pre, post, ...) makes a projection"
_RUN = "sim.run(ms=...) runs a Simulation"
_RECORD = "SpikeMonitor(sim, ids) and StateMonitor(sim, variable, ids) record"
_ALPHA = "no model has alpha synapses; nearest is {}: neuromod guide from_nest says how"
_CURRENT = "it is no neuron: i_offset of create is a lasting current, and StepCurrent, SineCurrent and OUCurrent vary"
_SHORT_TERM = "it is no rule here: connect(short_term={'U': ..., 'tau_rec': ..., 'tau_facil': ...})"
_NEW = "a new Simulation begins anew, and sim.reset() in place"
_SET = "assign it, as in E.v_threshold = -50.0, or give it to create"
_GET = "read it, as in E.v_threshold"
_ONE_CURRENT = "pA divided by C_m / tau_m (pF/ms) are the mV of this model, which has tau_m alone"

_ANYWHERE = {
    "Create": _CREATE,
    "NeuronGroup": _CREATE,
    "PoissonGroup": "sim.create(n, 'poisson', rate=...) makes sources",
    "SpikeGeneratorGroup": "sim.create(n, 'spike_source') and sim.set_spike_times(ids, times_ms)",
    "PoissonInput": "create(..., drive={'rate': N * rate, 'weight': weight}) is one for each neuron",
    "Connect": _CONNECT,
    "Synapses": _CONNECT,
    "Projection": _CONNECT,
    "Network": "a Simulation holds its network: sim.create, sim.connect, sim.run",
    "Simulate": _RUN,
    "simulate": _RUN,
    "Run": _RUN,
    "Prepare": _RUN,
    "Cleanup": "nothing is to be cleaned up after sim.run",
    "setup": "Simulation(dt=..., seed=..., threads=...) is made first",
    "SetKernelStatus": "Simulation(dt=..., seed=..., threads=...) is made with it",
    "ResetKernel": _NEW,
    "start_scope": _NEW,
    "defaultclock": "Simulation(dt=...), in ms",
    "SetStatus": "assign the attribute, as in E.tau_m = 10.0 or projection.weight = 0.2",
    "GetStatus": "read the attribute, as in E.tau_m or projection.weight",
    "GetConnections": "sim.projections[name] has weight, delay, pre_id and post_id",
    "CopyModel": "give the parameters to create, or to connect as rule={'rule': 'stdp', ...}",
    "SetDefaults": "give the parameters to create and connect",
    "PopulationRateMonitor": "RateMonitor(sim, ids)",
    "TimedArray": "StepCurrent, RateSource, or run(n_steps, input=array)",
    "network_operation": "sim.every(ms, function)",
    # models, and what is a model elsewhere
    "iaf_psc_alpha": _ALPHA.format("'lif' with tau_syn_excitatory and tau_syn_inhibitory"),
    "iaf_cond_alpha": _ALPHA.format("'lif_cond'"),
    "IF_curr_alpha": _ALPHA.format("'lif' with tau_syn_excitatory and tau_syn_inhibitory"),
    "IF_cond_alpha": _ALPHA.format("'lif_cond'"),
    "aeif_psc_alpha": _ALPHA.format("'adex' with tau_syn_excitatory and tau_syn_inhibitory"),
    "aeif_cond_alpha": _ALPHA.format("'adex', whose synapses are currents"),
    "aeif_cond_exp": "nearest is 'adex', whose synapses are currents; 'lif_cond' has conductances and no adaptation",
    "EIF_cond_exp_isfa_ista": "nearest is 'adex', whose synapses are currents; 'lif_cond' has conductances",
    "EIF_cond_alpha_isfa_ista": "nearest is 'adex', whose synapses are currents; 'lif_cond' has conductances",
    "hh_psc_alpha": "there is none with channels of Hodgkin and Huxley; neuromod guide from_nest lists what there is",
    "HH_cond_exp": "there is none with channels of Hodgkin and Huxley; neuromod guide from_nest lists what there is",
    "parrot_neuron": "neurons of 'poisson' and 'spike_source' send the same spikes to all their targets",
    "multimeter": "StateMonitor(sim, variable, ids) records",
    "voltmeter": "StateMonitor(sim, 'v_membrane', ids) records",
    "spike_recorder": "SpikeMonitor(sim, ids) records",
    "spike_detector": "SpikeMonitor(sim, ids) records",
    "weight_recorder": "SynapseMonitor(sim, projection) records",
    "volume_transmitter": "dopamine is a level: system.add_release('dopamine', areas=[...], amount=...)",
    "dc_generator": _CURRENT,
    "ac_generator": _CURRENT,
    "step_current_generator": _CURRENT,
    "noise_generator": _CURRENT,
    "DCSource": _CURRENT,
    "inhomogeneous_poisson_generator": "'poisson' neurons, whose rate a RateSource varies",
    "tsodyks_synapse": _SHORT_TERM,
    "tsodyks2_synapse": _SHORT_TERM,
    "TsodyksMarkramSynapse": _SHORT_TERM,
    "gap_junction": "there are no gap junctions; neuromod guide limits lists what there is not",
    # parameters
    "C_m": _ONE_CURRENT,
    "cm": _ONE_CURRENT,
    "params": "give each by its name, create(n, model, tau_m=10.0), or **params",
    "cellparams": "give each by its name, create(n, model, tau_m=10.0), or **params",
    "tau_minus": "it belongs to the rule: connect(rule={'rule': 'stdp', 'tau_minus': ...})",
    "E_ex": "'lif_cond' has reversal potentials, e_rev_excitatory and e_rev_inhibitory",
    "E_in": "'lif_cond' has reversal potentials, e_rev_excitatory and e_rev_inhibitory",
    "syn_spec": "give weight=, delay_ms= and rule= by name",
}
"""What is said of words that can mean one thing alone, wherever they come."""

_OF = {
    "Population": {
        "set": _SET,
        "tset": _SET,
        "rset": _SET,
        "initialize": _SET,
        "get": _GET,
        "record": _RECORD,
        "sample": "E[:10] has the first ten neurons; a list of positions or a mask chooses others",
        "inject": "StepCurrent, SineCurrent and OUCurrent are made with the simulation and its ids",
        "get_data": _RECORD,
        "N": "len(E) is the number of neurons",
        "size": "len(E) is the number of neurons",
        "spikes": _RECORD,
        "rates": "RateMonitor(sim, ids) records rates",
        "weight": "weights are a projection's: sim.projections[name].weight",
        "weights": "weights are a projection's: sim.projections[name].weight",
        "connect": _CONNECT,
    },
    "Projection": {
        "get": "read the attribute, as in projection.weight",
        "set": "assign the attribute, as in projection.weight = 0.2",
        "set_weights": "assign it: projection.weight = 0.2",
        "setWeights": "assign it: projection.weight = 0.2",
        "getWeights": "read projection.weight",
        "w_max": "it is rule_params['weight_max'], and weight_max",
        "synapse_model": "did you mean 'rule'?",
    },
    "Simulation": {
        "add": "sim.create and sim.connect add to it",
        "Population": _CREATE,
        "record": _RECORD,
        "monitor": "monitors are in sim.monitors; SpikeMonitor(sim, ids) makes one",
        "weight": "weights are a projection's: sim.projections[name].weight",
        "weights": "weights are a projection's: sim.projections[name].weight",
        "dopamine": "it is sim.neuromodulation.dopamine",
        "serotonin": "it is sim.neuromodulation.serotonin",
        "norepinephrine": "it is sim.neuromodulation.norepinephrine",
        "levels": "they are sim.neuromodulation.level; LevelMonitor(sim) records them",
        "neurons": "they are sim.model.neurons, and sim.populations by name",
        "synapses": "they are sim.model.synapses, and sim.projections by name",
        "areas": "they are sim.populations, by name",
    },
    "Monitor": {
        "events": "time and id are its spikes",
        "get": "read the attribute, as in monitor.time",
        "get_data": "to_neo(), to_pandas() and to_xarray() give its records",
        "spike_trains": "time and id are its spikes, m.time[m.id == 3] those of neuron 3; to_neo() gives trains",
    },
    "StateMonitor": {
        "events": "time and values are its samples",
        "V_m": "values are its samples, shape (samples, neurons)",
        "v": "values are its samples, shape (samples, neurons)",
        "v_membrane": "values are its samples, shape (samples, neurons)",
    },
    "neuromod": {
        "run": _RUN,
        "reset": "sim.reset() brings a Simulation back to its beginning",
        "create": _CREATE,
        "connect": _CONNECT,
    },
}
"""What is said of words on one kind of object, by the name of its class."""


def said_of(name: object, owners: tuple[str, ...] = ()) -> str | None:
    """What is said of a word of another simulator that has no single name here; None of any other word.

    Parameters
    ----------
    name : object
    owners : tuple of str, optional
        Classes of the object that lacks the name, the nearest first.

    Examples
    --------
    >>> said_of("SetStatus")
    'assign the attribute, as in E.tau_m = 10.0 or projection.weight = 0.2'
    >>> said_of("get"), said_of("get", ("Population",))
    (None, 'read it, as in E.v_threshold')
    """
    if not isinstance(name, str):
        return None
    tables: list[Mapping[str, str]] = [*(_OF[owner] for owner in owners if owner in _OF), _ANYWHERE]
    return next((table[name] for table in tables if name in table), None)
