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
#include "nm_status.h"

#include <stddef.h>
#include <stdint.h>

enum {
    NM_CHUNK = 512,     /* neurons or synapses of a chunk at most */
    NM_MAX_PARAMS = 24, /* fields of one table at most; tests/test_contract.py holds every model to it */
    NM_MAX_STATE = 8,
    NM_MAX_DERIVED = 16,
    NM_MAX_PORTS = 6,   /* input ports of one neuron model at most */
    NM_MAX_TRACES = 3,  /* traces of one rule on one side at most */
    NM_MAX_COLUMNS = 4, /* columns of neurons that one rule reads on one side at most */
    NM_MAX_RANDOM = 4   /* random words of one rule for each synapse at most */
};

/* ---- neuron models ------------------------------------------------------------------------------- */

/* Input ports: a synapse adds its weight to one port of its target. Every model has the first two. A model
 * names further ones in `ports`, for receptors with dynamics of their own (NMDA, GABA_B). */
enum { NM_EXCITATORY, NM_INHIBITORY, NM_FIRST_OWN_PORT };

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
    const double *current;        /* external current, times the gain, in `current_unit` */
    const double
        *input[NM_MAX_PORTS]; /* [port][i] summed weights of the spikes that arrive there, times the gain;
                                        * the weight of an inhibitory synapse counts as -|weight| */
    double threshold_rise;    /* serotonin: a threshold T counts as T + |T| * threshold_rise; nm_raised() */
    const double *scheduled;  /* spikes that set_spike_times() has put into this step */
    const uint32_t *random;   /* one 32-bit word per neuron; NULL unless the model sets `needs_random` */
    int64_t *fired;           /* OUT: 1 where the neuron fires, else 0; every entry is to be written */
    int delta_synapses;       /* set by the engine before each run: what the hook of this name returned */
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
    const char *const *ports; /* names of the ports from NM_FIRST_OWN_PORT on; ends with NULL; NULL: none */
    int n_derived;
    int needs_random;         /* 1: `step` reads `random` */
    const char *current_unit; /* of `current`; NULL: mV */
    int is_source;            /* 1: inputs have no effect; an input other than 0 is an error */
    int initial_v_from;       /* 1 + position of the parameter that v_membrane starts from; 0: its fallback */
    int bounded_rate;      /* 1 + position of a rate (Hz) of at most one event a step, 1000 / dt; 0: none */
    double longest_step;   /* ms: largest dt, where the cost of a step grows with dt; 0: any */
    double published_step; /* ms: largest dt of the published scheme; runs warn of a longer one; 0: any */

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

/* Spikes in one step. A spike lies anywhere in its step, so an arrival and a spike of the target in the same step are as
 * often in the one order as in the other. The parameter `coincident` says how a rule counts such a pair:
 *   half        half a pair at distance 0 in each order; sums over steps are then integrals up to second order in dt
 *   pre_first   the arrival comes first
 *   none        in neither order */
enum { NM_COINCIDENT_HALF, NM_COINCIDENT_PRE_FIRST, NM_COINCIDENT_NONE };
#define NM_COINCIDENT_FIELD                                                                                  \
    {                                                                                                        \
        "coincident", "half pre_first none", NM_COINCIDENT_HALF, NM_WORD,                                    \
            "How an arrival and a spike of the target in the same step are counted: half in each order, "    \
            "the arrival "                                                                                   \
            "first, or not as a pair."                                                                       \
    }

/* A trace of one neuron, kept by the engine: decays exponentially with its time constant. */
typedef enum nm_trace_kind {
    NM_TRACE_ALL,     /* +1 at each spike: all-to-all pairing */
    NM_TRACE_NEAREST, /* = 1 at each spike: pairing with the nearest spike */
    NM_TRACE_LOWPASS /* of a column of the neuron: dx/dt = (column - x) / tau, from the column's first value */
} nm_trace_kind;

typedef struct nm_trace {
    const char *name;
    int tau; /* position in the rule's `params` of the time constant, ms */
    nm_trace_kind kind;
    const char
        *column; /* of NM_TRACE_LOWPASS: a state variable or parameter of the neuron's model, by name */
} nm_trace;

/* Ends a table of traces. */
#define NM_NO_TRACE                                                                                          \
    { 0, 0, NM_TRACE_ALL, 0 }

/* Synapses that share an event: a spike of one source arrives (on_pre), or one target has an event
 * (on_post). Arrays are indexed by j = 0 .. n-1. What belongs to the source is read as `[j * pre_stride]`,
 * what belongs to the target as `[j * post_stride]`; a stride is 0 where all synapses of the chunk share
 * that neuron. */
typedef struct nm_synapse_chunk {
    size_t n, pre_stride, post_stride;
    double dt;            /* ms */
    const double *params; /* the projection's values of the rule's `params` */
    const double *weight; /* [j] before the event; of an inhibitory synapse the strength |weight| */
    const double *pre[NM_MAX_TRACES]; /* [k][j * pre_stride] traces of the source, without this arrival */
    const double
        *post[NM_MAX_TRACES]; /* [k][j * post_stride] traces of the target, without this step's spike */
    double *change;           /* OUT: [j] change before modulation and bounds; every entry is to be written */
    /* Only of an event rule: */
    double weight_min, weight_max;
    const double *post_fired;    /* [j] on_pre: 1.0 where the target fires in this step, else 0.0 */
    double *state[NM_MAX_STATE]; /* [k][j] the rule's `state`, to be read and written */
    const double *pre_column[NM_MAX_COLUMNS];  /* [k][j * pre_stride] as at the end of the step before */
    const double *post_column[NM_MAX_COLUMNS]; /* [k][j * post_stride] as at the end of this step */
    const double *elapsed;   /* [j] ms since the synapse's last event; HUGE_VAL: this is the first */
    const double *learning;  /* [j] factor of the modulators on the learning rate at the target */
    const double *ltp, *ltd; /* [j] their factors on potentiation and on depression there */
    const uint32_t *random;  /* [k * n + j], k < the rule's `n_random` */
    const uint32_t *word; /* advance: random words with which it rounds the state that its weight follows */
    const double *noise;  /* advance: [k * n + j], k < the rule's `n_noise`: standard normal deviates */
} nm_synapse_chunk;

typedef void (*nm_synapse_hook)(const nm_synapse_chunk *chunk);

/* Targets at the end of a step. `event` asks which of them have an event, that is a call of on_post. */
typedef struct nm_target_chunk {
    size_t n;
    double dt; /* ms */
    const double *params;
    const double *post[NM_MAX_TRACES];         /* [k][i] */
    const double *post_column[NM_MAX_COLUMNS]; /* [k][i] */
    const double *fired;                       /* [i] 1.0 where the target fires in this step */
    int64_t *event;                            /* OUT: [i] 1 where on_post is to be called, else 0 */
} nm_target_chunk;

/* Of a lazy rule that writes to a trace c of the synapse, not to the weight:
 *   dc/dt = -c / tau_c        dw/dt = rate * g(t) * c,
 * with g the signal of the modulators of learning in the target's region (nm_levels_signal). Members are
 * positions in `params`. The trace is the rule's state[0]. */
typedef struct nm_eligibility {
    int tau_c, rate, subtract_baseline;
} nm_eligibility;

/* A rule is one of two kinds.
 *
 * LAZY RULE: has `post_amplitude`. A spike of the target changes the weight by the first presynaptic trace
 * times post_amplitude, and post_amplitude depends on the target alone. The engine does not touch a synapse
 * until a spike of its source arrives or the synapse is read; then all spikes of the target since the last
 * update are applied in closed form (nm_lazy.h). The target's spikes cost nothing per synapse. Traces are of
 * NM_TRACE_ALL. Hooks see an arrival in the step in which the target fires as the first of the two;
 * `coincident` tells the engine what to make of it.
 *
 * EVENT RULE: has no `post_amplitude`. At the end of a step the engine calls on_pre for the synapses at which
 * a spike arrives, then on_post for the synapses onto every target that has an event. A target has an event
 * where `event` says so, and without that hook where the target fires. on_post costs an index of 8 bytes a
 * synapse.
 *
 * An event rule with `advance` has weights or state that move between events. `advance` takes synapses from
 * their last update to the present, `elapsed` ms later; both then count as updated. The engine calls it
 * before every hook, before a spike is delivered over the synapse, and on copies where somebody reads or
 * saves weights. So the weight is current whenever it acts or is read, and a reading changes nothing that
 * follows: `noise` and `word` are drawn for the step of the last update, whatever the present is. Its weight
 * is a function of its state, which it rounds by nm_round, so that the engine rounds the weight to the nearest. In the chunk of
 * `advance` only n, dt, params, weight, change, the bounds, state, elapsed, word and noise are set. Its change is
 * bounded, and neither modulated nor softened.
 *
 * The engine applies a change as  w <- clip(w + change * learning, weight_min, weight_max), with the
 * factor `learning` of the modulators in the target's region (1 without modulation). */
typedef struct nm_plasticity_rule {
    const char *name, *title, *reference;
    const nm_field *params;      /* besides the common weight_min, weight_max, weight_decay */
    const nm_field *state;       /* per synapse; NULL: none. Only where a hook or `eligibility` uses it */
    const nm_trace *pre_traces;  /* ends with NM_NO_TRACE; NULL: none */
    const nm_trace *post_traces; /* likewise */
    nm_synapse_hook on_pre;      /* NULL: nothing happens at an arrival */

    /* Lazy rule. */
    double (*post_amplitude)(const double *params,
                             const double *post); /* post: [k] traces, without this spike */
    const nm_eligibility *eligibility;            /* NULL: the rule changes the weight itself */
    /* What on_pre's change gains where the target's spike in the step of the arrival comes first:
     * coincident_pre(params, pre) * coincident_post(params, post), of the traces without either spike. NULL: nothing
     * for the first, 1 for the second. */
    double (*coincident_pre)(const double *params, const double *pre);
    double (*coincident_post)(const double *params, const double *post);

    /* Event rule. */
    nm_synapse_hook on_post; /* NULL: a target's event changes nothing */
    void (*event)(const nm_target_chunk *chunk);
    const char *const *pre_columns;  /* state variables or parameters, by name; ends with NULL; NULL: none */
    const char *const *post_columns; /* likewise */
    int pre_lag;     /* 1 + position of the parameter (ms) by which on_pre lags the arrival; 0: no lag */
    int lowpass_lag; /* 1 + position of the parameter (ms) by which the low-pass traces of the target lag their
                      * columns; 0: no lag */
    int needs_elapsed; /* 1: the hooks read `elapsed`: 8 bytes a synapse. Always with `advance`, where it counts
                        * from the last update, and from the first step before there was one */
    nm_synapse_hook advance; /* NULL: weight and state stand still between events */
    int n_noise;             /* deviates that `advance` reads for each synapse, at most NM_MAX_RANDOM */
    int n_random;            /* 32-bit words that the hooks read for each synapse */
    int applies_learning;    /* 1: `change` has the factor `learning` already */

    /* Of both kinds. Of an event rule the traces of NM_TRACE_ALL that the hooks see have the shares of this step's
     * spikes; under traces of NM_TRACE_NEAREST the hooks take the shares into account themselves. */
    int coincident; /* 1 + position of NM_COINCIDENT_FIELD; 0: arrivals come first */
} nm_plasticity_rule;

/* Shares of a pair in one step: as the arrival before the target's spike, and after it. */
typedef struct nm_shares {
    double before, after;
} nm_shares;

static inline nm_shares nm_shares_of(int coincident) {
    if (coincident == NM_COINCIDENT_HALF)
        return (nm_shares){0.5, 0.5};
    return (nm_shares){coincident == NM_COINCIDENT_PRE_FIRST ? 1.0 : 0.0, 0.0};
}

static inline nm_shares nm_rule_shares(const nm_plasticity_rule *rule, const double *params) {
    return nm_shares_of(rule->coincident ? (int)params[rule->coincident - 1] : NM_COINCIDENT_PRE_FIRST);
}

/* Whether a rule keeps to what is said above: NM_OK, or NM_ERR_BAD_LAYOUT with the number of what it
 * breaks in `field`: 1 state that nothing reads, 2 a lazy rule with hooks or members of an event rule, 3
 * traces of a lazy rule that are not of NM_TRACE_ALL, 4 a low-pass trace without a column, or lowpass_lag
 * without a low-pass trace of the target, 5 more of something than there is room for, 6 `event` without
 * on_post, 7 `advance` without needs_elapsed, or n_noise without `advance`. */
int nm_rule_check(const nm_plasticity_rule *rule, nm_error *error) NM_MUST_CHECK;

#endif
