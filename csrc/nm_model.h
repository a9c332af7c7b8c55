/* THE CONTRACT. A neuron model, a plasticity rule and a modulator are each one C file that fills in one of
 * the three structs below and exports it as nm_neuron_<name>, nm_plasticity_<name> or nm_modulator_<name>;
 * one word in csrc/nm_register.h registers it. Nothing else has to be edited.
 *
 * Every hook is called once per chunk, never per neuron or synapse, so the indirect call costs nothing
 * measurable. Hooks do not allocate, print, keep state or touch anything outside the chunk they get.
 * SPDX-License-Identifier: MIT */
#ifndef NM_MODEL_H
#define NM_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nm_clones.h"
#include "nm_field.h"
#include "nm_math.h"
#include "nm_modulator.h"
#include "nm_status.h"

enum {
    NM_CHUNK = 512, /* neurons or synapses in one call at most: 10 columns of doubles = 40 KB, an L1/L2 fit */
    NM_MAX_PARAMS = 24, /* fields of one table at most; tests/test_contract.py holds every model to it */
    NM_MAX_STATE = 8,
    NM_MAX_DERIVED = 16,
    NM_MAX_TRACES = 3 /* traces of one rule on one side at most */
};

/* Two parameters of which one must be greater, e.g. the threshold above the reset. Ends with {0, 0}. */
typedef struct nm_order {
    int greater, lesser; /* positions in `params` */
} nm_order;

/* ---- neuron models ------------------------------------------------------------------------------- */

/* A run of neurons of one model and one region, for one step. Arrays are indexed by 0 .. n-1.
 *
 * params[k] and derived[k] are read as `p[i * stride]`: stride is 0 where all neurons of the chunk share
 * their parameters (the usual case: one cache line instead of a column) and 1 where they do not. Write the
 * loop once, as a NM_INLINE function of `stride`, and call it through NM_STEP_BY_STRIDE: the compiler makes
 * both. */
typedef struct nm_neuron_chunk {
    size_t n;
    size_t stride;                /* of params and derived: 0 or 1 */
    double dt;                    /* ms */
    double *const *state;         /* [state field][i]; field order is that of the model's `state` table */
    const double *const *params;  /* [param field][i * stride] */
    const double *const *derived; /* [k][i * stride], as filled by `prepare` */
    const double *current; /* external current of this step, times the gain; mV unless the model says else */
    const double
        *excitatory; /* summed weights of the excitatory spikes arriving in this step, times the gain */
    const double *inhibitory; /* the same for inhibitory spikes; a sum of weights <= 0 */
    double threshold_rise; /* serotonin: a threshold T counts as T + |T| * threshold_rise; use nm_raised() */
    const double *scheduled; /* spikes that set_spike_times() has put into this step, per neuron */
    const uint32_t *random;  /* one 32-bit word per neuron; NULL unless the model sets `draws` */
    int64_t *fired;          /* OUT: 1 where the neuron fired, else 0; every entry is to be written */
    int at_once;             /* 1: the model's hook of this name has said so of this chunk */
} nm_neuron_chunk;

/* The parameters of a chunk, from which `prepare` computes what the loop needs (propagators, ...). Called
 * when a parameter of the chunk or dt has changed, never inside the loop. n is 1 for a chunk with stride
 * 0. */
typedef struct nm_prepare_chunk {
    size_t n;
    double dt; /* ms */
    const double *const *params;
    double *const *derived; /* OUT: [k][i] */
} nm_prepare_chunk;

typedef struct nm_neuron_model {
    const char *name, *title, *reference;
    const nm_field *params;
    const nm_field
        *state; /* state[0] must be v_membrane where the model has one; `fallback` is the initial value */
    const nm_order *orders; /* NULL: none */
    int n_derived;
    int draws;     /* 1: wants `random` */
    int starts_at; /* 1 + position of the parameter that v_membrane starts from; 0: the state's fallback */
    void (*prepare)(const nm_prepare_chunk *chunk); /* NULL if n_derived is 0 */
    void (*step)(const nm_neuron_chunk *chunk);
    /* Before every run, of a chunk without inputs: 1 where synapses act at once, and the state of synaptic
     * currents is 0 to the bit and would stay so: `step` may then leave it alone, four columns less. NULL:
     * 0. */
    int (*at_once)(const nm_neuron_chunk *chunk);
} nm_neuron_model;

/* A threshold raised by a fraction of its magnitude: at -50 mV more serotonin gives -49, never -51. */
static inline double nm_raised(double threshold, double rise) {
    return threshold + fabs(threshold) * rise;
}

#define NM_INLINE static inline __attribute__((always_inline))
#if defined(__GNUC__)
#define NM_FETCH(address) __builtin_prefetch(address)
#else
#define NM_FETCH(address) ((void)(address))
#endif

/* Before a loop of a few instructions that cannot become vectors (a scatter, a list of hits): gcc does not
 * unroll by itself, and of eight instructions a turn three count and compare. */
#if defined(__GNUC__) && !defined(__clang__)
#define NM_UNROLL _Pragma("GCC unroll 8")
#else
#define NM_UNROLL
#endif

/* Whether all entries are +0, to the bit. */
NM_INLINE int nm_all_zero(const double *column, size_t n) {
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &column[i], sizeof bits);
        any |= bits;
    }
    return any == 0;
}

/* The `at_once` of a model that keeps two synaptic currents, by the numbers of their time constants and of
 * their columns. */
NM_INLINE int nm_synapses_at_once(const nm_neuron_chunk *c, int tau_excitatory, int tau_inhibitory,
                                  int i_excitatory, int i_inhibitory) {
    const size_t n = c->stride == 0 ? 1 : c->n;
    return nm_all_zero(c->params[tau_excitatory], n) && nm_all_zero(c->params[tau_inhibitory], n) &&
           nm_all_zero(c->state[i_excitatory], c->n) && nm_all_zero(c->state[i_inhibitory], c->n);
}

/* Before the loop over a chunk: its columns do not overlap, so iterations are independent. (`restrict` does
 * not tell gcc: it is lost on pointers that are loaded from a struct.) A `step` or `on_pre` is best marked
 * NM_CLONES, too. */
#if defined(__clang__)
#define NM_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define NM_INDEPENDENT _Pragma("GCC ivdep")
#else
#define NM_INDEPENDENT
#endif
#define NM_STEP_BY_STRIDE(chunk, body)                                                                       \
    do {                                                                                                     \
        if ((chunk)->stride == 0)                                                                            \
            body((chunk), 0);                                                                                \
        else                                                                                                 \
            body((chunk), 1);                                                                                \
    } while (0)
/* Likewise for a loop over (chunk, stride, currents), currents 0 where synapses act at once. */
#define NM_STEP_BY_CURRENTS(chunk, body)                                                                     \
    do {                                                                                                     \
        if ((chunk)->at_once && (chunk)->stride == 0)                                                        \
            body((chunk), 0, 0);                                                                             \
        else if ((chunk)->at_once)                                                                           \
            body((chunk), 1, 0);                                                                             \
        else if ((chunk)->stride == 0)                                                                       \
            body((chunk), 0, 1);                                                                             \
        else                                                                                                 \
            body((chunk), 1, 1);                                                                             \
    } while (0)

/* ---- plasticity rules ---------------------------------------------------------------------------- */

/* An exponentially decaying trace of one neuron's spikes, +1 at each (all-to-all pairing). The engine keeps
 * it. */
typedef struct nm_trace {
    const char *name;
    int tau; /* position in the rule's `params` of its time constant, ms */
} nm_trace;

/* A run of synapses of one source, at the ARRIVAL of a spike of it. Read a trace as `pre[k]` (one number: all
 * share the source) and `post[k][j]`. */
typedef struct nm_synapse_chunk {
    size_t n;
    double dt;                         /* ms */
    const double *params;              /* the projection's values of the rule's `params` */
    const double *weight;              /* [j] before the event */
    const double *pre;                 /* [k] presynaptic traces, this arrival not included */
    const double *post[NM_MAX_TRACES]; /* postsynaptic traces, without this step's spike */
    const double *post_fired;          /* [j] 1.0 where the target fires in this step; NULL for a pair rule */
    double *change; /* OUT: [j] change before modulation and bounds; every entry is to be written */
} nm_synapse_chunk;

typedef void (*nm_synapse_hook)(const nm_synapse_chunk *chunk);

/* Where a pair rule keeps what pairs leave behind: not in the weight but in a trace c of the synapse,
 *   dc/dt = -c / tau_c        dw/dt = rate * g(t) * c,
 * g being the signal of the modulators of learning in the target's region (nm_levels_signal). Positions in
 * `params`; the trace is the rule's state[0]. */
typedef struct nm_eligibility {
    int tau_c, rate, subtract_baseline;
} nm_eligibility;

/* A rule is one of two kinds.
 *   Without `post_gain` it acts at arrivals alone, at the end of the step, and may ask whether the target
 *   fires in this very step.
 *   With it, it is a PAIR RULE: a spike of the target changes a synapse by pre_traces[0] * post_gain, a
 * number that depends on the target alone. The engine then leaves a synapse alone until a spike of its source
 * arrives (or somebody reads it) and makes up for all the target's spikes at once: see nm_pairs.h. A spike
 * that arrives in the step in which the target fires counts as "pre before post" at distance 0. */
typedef struct nm_plasticity_rule {
    const char *name, *title, *reference;
    const nm_field *params;     /* besides the common weight_min, weight_max, weight_decay */
    const nm_field *state;      /* per synapse; NULL: none */
    const nm_trace *pre_traces; /* of a pair rule; ends with {NULL, 0}; NULL: none */
    const nm_trace *post_traces;
    nm_synapse_hook on_pre;                                        /* NULL: nothing happens at an arrival */
    double (*post_gain)(const double *params, const double *post); /* post: traces without this spike */
    const nm_eligibility *eligibility; /* of a pair rule; NULL: it changes the weight itself */
} nm_plasticity_rule;
/* The engine applies a change as  w <- clip(w + change * learning, weight_min, weight_max), learning being
 * the dopamine factor of the target's region (1 without modulation); `none` is a NULL rule. */

#endif
