/* THE CONTRACT. A neuron model, a plasticity rule and a modulator are each one C file. The file fills in a
 * struct nm_neuron_model, nm_plasticity_rule or nm_modulator and exports the struct as nm_neuron_<name>,
 * nm_plasticity_<name> or nm_modulator_<name>. One word in csrc/nm_register.h registers it. Nothing else has
 * to be edited. Modulators: nm_modulator.h. Macros for speed, not needed for a first model: nm_loop.h.
 *
 * The engine calls a hook once per chunk, a run of neurons or synapses, never per neuron or synapse. Every
 * chunk holds at least one: n >= 1. Hooks do not allocate, print, keep state or touch anything outside the
 * chunk that they get.
 * SPDX-License-Identifier: MIT */
#ifndef NM_MODEL_H
#define NM_MODEL_H

#include "nm_field.h"
#include "nm_math.h"
#include "nm_modulator.h"

#include <stddef.h>
#include <stdint.h>

enum {
    NM_CHUNK = 512,     /* neurons or synapses of a chunk at most */
    NM_MAX_PARAMS = 24, /* fields of one table at most; tests/test_contract.py holds every model to it */
    NM_MAX_STATE = 8,
    NM_MAX_DERIVED = 16,
    NM_MAX_TRACES = 3 /* traces of one rule on one side at most */
};

/* ---- neuron models ------------------------------------------------------------------------------- */

/* Neurons of one model and one region, in one step. Arrays are indexed by 0 .. n-1.
 *
 * params[k] and derived[k] are read as `[i * stride]`. stride is 0 where all neurons of the chunk have equal
 * parameters, the usual case, and 1 where they differ. */
typedef struct nm_neuron_chunk {
    size_t n;
    size_t stride;                /* of params and derived: 0 or 1 */
    double dt;                    /* ms */
    double *const *state;         /* [state field][i], in the order of the model's `state` table */
    const double *const *params;  /* [param field][i * stride] */
    const double *const *derived; /* [k][i * stride], as filled by `prepare` */
    const double *current;        /* external current, times the gain; mV unless the model says else */
    const double *excitatory;     /* summed weights of the excitatory spikes that arrive, times the gain */
    const double *inhibitory;     /* the same for inhibitory spikes; a sum of weights <= 0 */
    double threshold_rise;   /* serotonin: a threshold T counts as T + |T| * threshold_rise; nm_raised() */
    const double *scheduled; /* spikes that set_spike_times() has put into this step */
    const uint32_t *random;  /* one 32-bit word per neuron; NULL unless the model sets `needs_random` */
    int64_t *fired;          /* OUT: 1 where the neuron fires, else 0; every entry is to be written */
    int delta_synapses;      /* set by the engine before each run: what the hook of this name returned */
} nm_neuron_chunk;

/* The parameters of a chunk, from which `prepare` computes what `step` needs (propagators, ...). */
typedef struct nm_prepare_chunk {
    size_t n;  /* 1 for a chunk with stride 0 */
    double dt; /* ms */
    const double *const *params;
    double *const *derived; /* OUT: [k][i] */
} nm_prepare_chunk;

/* Positions in `params` of two parameters of which the first must be greater: the threshold and the reset. */
typedef struct nm_greater_than {
    int greater, lesser;
} nm_greater_than;

typedef struct nm_neuron_model {
    const char *name, *title, *reference;
    const nm_field *params;
    const nm_field *state; /* v_membrane first where the model has one; `fallback`: the initial value */
    const nm_greater_than *greater_than; /* ends with {0, 0}; NULL: none */
    int n_derived;
    int needs_random;   /* 1: `step` reads `random` */
    int initial_v_from; /* 1 + position of the parameter that v_membrane starts from; 0: its fallback */

    /* Called when a parameter of the chunk or dt has changed, before a run. NULL if n_derived is 0. */
    void (*prepare)(const nm_prepare_chunk *chunk);

    void (*step)(const nm_neuron_chunk *chunk);

    /* Optional, for speed; NULL: 0. Called before each run, with a chunk without inputs. Returns 1 if every
     * tau_syn in the chunk is 0 and the synaptic currents are exactly 0. The engine then sets the chunk's
     * flag of this name, and `step` may skip the current columns. */
    int (*delta_synapses)(const nm_neuron_chunk *chunk);
} nm_neuron_model;

/* A threshold raised by a fraction of its magnitude: at -50 mV more serotonin gives -49, never -51. */
static inline double nm_raised(double threshold, double rise) {
    return threshold + fabs(threshold) * rise;
}

/* ---- plasticity rules ---------------------------------------------------------------------------- */

/* An exponentially decaying trace of one neuron's spikes, +1 at each (all-to-all pairing). The engine keeps
 * the trace. */
typedef struct nm_trace {
    const char *name;
    int tau; /* position in the rule's `params` of the time constant, ms */
} nm_trace;

/* Synapses of one source, when a spike of the source arrives. Arrays are indexed by 0 .. n-1; the source's
 * traces are one number each. */
typedef struct nm_synapse_chunk {
    size_t n;
    double dt;                         /* ms */
    const double *params;              /* the projection's values of the rule's `params` */
    const double *weight;              /* [j] before the event */
    const double *pre;                 /* [k] presynaptic traces, without this arrival */
    const double *post[NM_MAX_TRACES]; /* [k][j] postsynaptic traces, without a spike in this step */
    const double *post_fired;          /* [j] 1.0 where the target fires in this step; NULL for a pair rule */
    double *change; /* OUT: [j] change before modulation and bounds; every entry is to be written */
} nm_synapse_chunk;

typedef void (*nm_synapse_hook)(const nm_synapse_chunk *chunk);

/* Of a pair rule that writes to a trace c of the synapse, not to the weight:
 *   dc/dt = -c / tau_c        dw/dt = rate * g(t) * c,
 * with g the signal of the modulators of learning in the target's region (nm_levels_signal). Members are
 * positions in `params`. The trace is the rule's state[0]. */
typedef struct nm_eligibility {
    int tau_c, rate, subtract_baseline;
} nm_eligibility;

/* A rule is one of two kinds.
 *   Without `post_gain` a rule acts at arrivals alone, at the end of the step, and may ask whether the target
 * fires in this very step (`post_fired`).
 *   With `post_gain` a rule is a PAIR RULE: a spike of the target changes the weight by pre_traces[0] *
 * post_gain, and post_gain depends on the target alone. The engine then leaves a synapse alone until a spike
 * of its source arrives, or somebody reads the synapse, and makes up for all the target's spikes at once
 * (nm_pairs.h). A spike that arrives in the step in which the target fires counts as "pre before post" at
 * distance 0.
 *
 * The engine applies a change as  w <- clip(w + change * learning, weight_min, weight_max), with the factor
 * `learning` of the modulators in the target's region (1 without modulation). */
typedef struct nm_plasticity_rule {
    const char *name, *title, *reference;
    const nm_field *params;      /* besides the common weight_min, weight_max, weight_decay */
    const nm_field *state;       /* per synapse; NULL: none */
    const nm_trace *pre_traces;  /* of a pair rule; ends with {NULL, 0}; NULL: none */
    const nm_trace *post_traces; /* likewise, of any rule */
    nm_synapse_hook on_pre;      /* NULL: nothing happens at an arrival */
    double (*post_gain)(const double *params, const double *post); /* post: [k] traces without this spike */
    const nm_eligibility *eligibility; /* of a pair rule; NULL: the rule changes the weight itself */
} nm_plasticity_rule;

#endif
