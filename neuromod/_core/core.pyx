# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=True
# binding=False: with function objects of its own Cython needs 160 ns in place of 54 ns for modulate_learning(), under
# the stable ABI; a build for one version of Python needs 39 ns.
# cython: binding=False, embedsignature=True, embedsignature.format=clinic
# cython: freethreading_compatible=False
"""The C core, bound. It decides nothing: it checks buffers, lends them to C, releases the GIL and turns a status
into an exception. One extension module, in parts that follow the C files they transcribe."""

import numpy as np

from neuromod.errors import CoreError, NumericalError, RemovedError
from neuromod.state import SavedPart

from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.string cimport memcpy, memset


include "headers.pxi"
include "headers_engine.pxi"


class CoreFailure(Exception):
    """A negative status of the C core, before the layer above has put names to its numbers."""

    def __init__(self, status, sentence, index, field, value):
        super().__init__(f"{sentence} (index {index}, field {field}, value {value})")
        self.status, self.index, self.field, self.value = status, index, field, value


cdef int check_number(str where, int64_t number, int64_t least, int64_t most) except -1:
    """Refuse an index that lies outside what C may read."""
    if not least <= number <= most:
        raise IndexError(f"{where}: must be between {least} and {most}; got {number}")
    return 0


cdef int raise_error(const nm_error *error) except -1:
    """The one place where a status becomes an exception."""
    raise CoreFailure(nm_status_name(error.status).decode(), nm_status_sentence(error.status).decode(),
                      error.index, error.field, error.value)


# ---- what the models say of themselves -------------------------------------------------------------------------

_DOMAINS = {"NM_ANY": NM_ANY, "NM_POSITIVE": NM_POSITIVE, "NM_NON_NEGATIVE": NM_NON_NEGATIVE,
            "NM_UNIT_INTERVAL": NM_UNIT_INTERVAL, "NM_WORD": NM_WORD}
_DOMAIN_NAMES = {number: name for name, number in _DOMAINS.items()}


cdef dict _field(const nm_field *field):
    about = {"unit": field.unit.decode(), "default": field.fallback, "domain": _DOMAIN_NAMES[field.domain],
             "doc": field.doc.decode()}
    if field.domain == NM_WORD:
        words = tuple(about["unit"].split(" "))
        about |= {"unit": "1", "words": words, "default": words[<int>field.fallback]}
    return about


cdef dict _fields(const nm_field *fields):
    return {fields[k].name.decode(): _field(&fields[k]) for k in range(nm_field_count(fields))}


def field_number(field, value):
    """The number that C has for a value of a field: the position of a word. NaN, which no domain holds, for a word
    where the field is a number, and for anything but its words where the field is one of several words."""
    if "words" in field:
        return float(field["words"].index(value)) if value in field["words"] else np.nan
    return np.nan if isinstance(value, str) else float(value)


def field_value(field, double number):
    """The value of a field for which C has that number: the number itself, or the word at that position."""
    if "words" not in field:
        return number
    if not (nm_domain_holds(NM_WORD, number) and number < len(field["words"])):
        raise ValueError(f"must be the position of {field_phrase(field)}; got {number}")
    return field["words"][<int>number]


cdef list _greater_than(const nm_neuron_model *model):
    """(greater, lesser) pairs of names of parameters."""
    pairs = []
    cdef const nm_greater_than *pair = model.greater_than
    while pair != NULL and pair.greater != pair.lesser:
        pairs.append((model.params[pair.greater].name.decode(), model.params[pair.lesser].name.decode()))
        pair += 1
    return pairs


cdef dict _traces(const nm_trace *traces, const nm_field *params):
    found = {}
    cdef int k = 0
    while traces != NULL and traces[k].name != NULL:
        found[traces[k].name.decode()] = params[traces[k].tau].name.decode()
        k += 1
    return found


cdef list _names(const char *const *names):
    found = []
    cdef int k = 0
    while names != NULL and names[k] != NULL:
        found.append(names[k].decode())
        k += 1
    return found


cdef dict _synapse_columns(const nm_plasticity_rule *rule):
    """Columns that a synapse has besides its weight: name -> (dtype, value of a new synapse)."""
    columns = {name: ("f4", field["default"]) for name, field in _fields(rule.state).items()}
    if rule.needs_elapsed:
        columns["last_event"] = ("i8", -1)  # step; -1: none yet
    return columns


cdef list _ports(const nm_neuron_model *model):
    """Names of the model's input ports, in order."""
    cdef int k = 0
    names = ["excitatory", "inhibitory"]
    while model.ports != NULL and model.ports[k] != NULL:
        names.append(model.ports[k].decode())
        k += 1
    return names


def neuron_models():
    """Every registered neuron model: name -> title, reference, params, state, greater_than, needs_random,
    current_unit, is_source, initial_v_from, ports, bounded_rate, longest_step, published_step (ms; 0: any)."""
    cdef const nm_neuron_model *model
    found, k = {}, 0
    while nm_neuron_models[k] != NULL:
        model = nm_neuron_models[k]
        params, start = _fields(model.params), model.initial_v_from
        pairs = _greater_than(model)
        found[model.name.decode()] = {
            "title": model.title.decode(), "reference": model.reference.decode(),
            "params": params, "state": _fields(model.state), "greater_than": pairs,
            "current_unit": model.current_unit.decode() if model.current_unit != NULL else "mV",
            "needs_random": bool(model.needs_random), "is_source": bool(model.is_source), "ports": _ports(model),
            "initial_v_from": list(params)[start - 1] if start else None,
            "bounded_rate": list(params)[model.bounded_rate - 1] if model.bounded_rate else None,
            "longest_step": model.longest_step, "published_step": model.published_step,
        }
        k += 1
    return found


def plasticity_rules():
    """Every registered plasticity rule: name -> title, reference, params, state, traces, what it has."""
    cdef const nm_plasticity_rule *rule
    found, k = {}, 0
    while nm_plasticity_rules[k] != NULL:
        rule = nm_plasticity_rules[k]
        found[rule.name.decode()] = {
            "title": rule.title.decode(), "reference": rule.reference.decode(),
            "params": _fields(rule.params), "state": _fields(rule.state),
            "pre_traces": _traces(rule.pre_traces, rule.params),
            "post_traces": _traces(rule.post_traces, rule.params),
            "on_pre": rule.on_pre != NULL, "on_post": rule.on_post != NULL, "lazy": rule.post_amplitude != NULL,
            "pre_lag": list(_fields(rule.params))[rule.pre_lag - 1] if rule.pre_lag else None,
            "advance": rule.advance != NULL, "draws": rule.n_random > 0 or rule.n_noise > 0,
            "eligibility": rule.eligibility != NULL, "synapse_columns": _synapse_columns(rule),
            "pre_columns": _names(rule.pre_columns), "post_columns": _names(rule.post_columns),
            "reads": {"source": sorted({*_names(rule.pre_columns), *_filtered(rule.pre_traces)}),
                      "target": sorted({*_names(rule.post_columns), *_filtered(rule.post_traces)})},
        }
        k += 1
    return found


cdef dict _modulator(const nm_modulator *modulator):
    return {
        "title": modulator.title.decode(), "reference": modulator.reference.decode(),
        "params": _fields(modulator.params), "inputs": _fields(modulator.inputs),
        "response": nm_response_name(modulator.response).decode(), "offset": modulator.offset,
        "targets": [name for t, name in enumerate(target_names()) if modulator.targets & NM_ON(t)],
        "optional": bool(modulator.optional),
    }


def modulators():
    """Every registered modulator: name -> title, reference, params, inputs, response, offset, targets, optional."""
    found, k = {}, 0
    while nm_modulators[k] != NULL:
        found[nm_modulators[k].name.decode()] = _modulator(nm_modulators[k])
        k += 1
    return found


def responses():
    """What modulators can be declared of: name of the response -> the same as `modulators` says."""
    cdef int k
    found = {}
    for k in range(<int>NM_N_RESPONSES):
        found[nm_response_name(<nm_response>k).decode()] = _modulator(&nm_declared[k])
    return found


def target_names():
    """What modulators can act on, in the order of the core's numbers."""
    return tuple([nm_targets[t].word.decode() for t in range(<int>NM_N_TARGETS)])


def first_outside(const float[::1] values, float low, float high):
    """Position of the first value outside low .. high, NaN among them; -1: none."""
    return nm_first_outside(&values[0], len(values), low, high)


def trim_heap():
    """Give free memory back to the system, where the C library can."""
    with nogil:
        nm_heap_trim()


def domain_holds(str domain, double value):
    """Whether `value` lies in the domain of that name; NaN and the infinities lie in none."""
    return bool(nm_domain_holds(_DOMAINS[domain], value))


def domain_phrase(str domain):
    """The domain's phrase in messages, which read "must be <phrase>"."""
    return nm_domain_phrase(_DOMAINS[domain]).decode()


def field_phrase(field):
    """The same for a field: its domain's phrase, or "one of" and its words."""
    return "one of " + ", ".join(field["words"]) if "words" in field else domain_phrase(field["domain"])


def exp(double x):
    """The core's own exponential: the same bits on every platform."""
    return nm_exp(x)


def log(double x):
    """The core's own logarithm, for finite x > 0 that is not denormal."""
    return nm_log(x)


def normal_quantiles(words):
    """The normal deviate of each 32-bit word, as background noise has it: float32."""
    word = np.ascontiguousarray(words, np.uint32)
    deviate = np.empty(word.size, np.float32)
    nm_quantile_fill(<const uint32_t *>_address(word, "u4", 0, "words"), word.size,
                     <float *>_address(deviate, "f4", 0, "deviate"))
    return deviate


def check_rules():
    """Refuse registered rules that break the contract of nm_model.h; called when the module is made."""
    cdef nm_error error
    cdef int k = 0
    while nm_plasticity_rules[k] != NULL:
        if nm_rule_check(nm_plasticity_rules[k], &error) != NM_OK:
            raise CoreError(f"plasticity_{nm_plasticity_rules[k].name.decode()}.c: breaks rule {error.field} of nm_model.h")
        k += 1


check_rules()
_MODELS = neuron_models()  # for the views, which ask often
_RULES = plasticity_rules()


include "gate.pxi"
include "interrupts.pxi"
include "build.pxi"
include "near.pxi"
include "levels.pxi"
include "rules.pxi"
include "views.pxi"
include "synapses.pxi"
include "lone.pxi"
include "records.pxi"
include "pool.pxi"
include "lazy.pxi"
include "events.pxi"
include "short_term.pxi"
include "bitmap.pxi"
include "routes.pxi"
include "join.pxi"
include "lazy_join.pxi"
include "binding.pxi"
include "currents.pxi"
include "schedule.pxi"
include "carried.pxi"
include "engine.pxi"
include "ranks.pxi"
include "replicas.pxi"
