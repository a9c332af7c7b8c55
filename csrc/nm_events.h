/* Event rules: hooks are called at the synapse's own events, after the neurons of a step. For each projection
 * with an event rule the engine keeps the traces of the sources at their arrivals; an index of the synapses
 * by target if the rule has on_post; and the step of each synapse's last event if the rule reads `elapsed`.
 * SPDX-License-Identifier: MIT */
#ifndef NM_EVENTS_H
#define NM_EVENTS_H

#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_network.h"
#include "nm_stretches.h"

/* Python owns all arrays. */
struct nm_events {
    int64_t lag; /* steps by which on_pre lags the arrival */
    int64_t n_delays;
    const int64_t *delays; /* [n_delays] those of the projection, descending: no others are looked up */
    double *trace
        [NM_MAX_TRACES]; /* [delay run] of the source, right after the last arrival; NULL: none, or low-pass */
    double rate[NM_MAX_TRACES]; /* 1/step: a trace decays by exp(-rate) in a step */
    int64_t *arrived;           /* [delay run] step of the last arrival, lag included; < 0: there was none */
    double
        *lowpass[NM_MAX_TRACES]; /* [slot] low-pass traces of the sources; NULL: a trace of spikes, or none */
    double *pre_snapshot[NM_MAX_COLUMNS];     /* [slot] pre_columns at the end of the previous step */
    const double *pre_source[NM_MAX_COLUMNS]; /* [slot] the columns that are copied to pre_snapshot */
    const double
        *lowpass_source[NM_MAX_TRACES];        /* [slot] column that a low-pass trace of the source filters */
    const double *post_column[NM_MAX_COLUMNS]; /* [slot] */
    const double
        *post_lowpass_source[NM_MAX_TRACES]; /* [slot] likewise, of the target; NULL: a trace of spikes */
    int64_t lowpass_lag;                 /* steps by which low-pass traces of the target lag their columns */
    double *post_history[NM_MAX_TRACES]; /* [step % lowpass_lag * n_neurons + slot] the column in the last
                                          * lowpass_lag steps; NULL: no lag. Traces of one column share one */
    /* Index by target; NULL without on_post. */
    const int64_t *incoming_start; /* [n_neurons + 1] */
    const uint32_t *incoming;      /* [synapse] by target, ascending for each */
    const uint32_t *incoming_run;  /* [synapse] delay run of each entry of `incoming` */
    int64_t
        *last; /* [synapse] step of the last event or update; < 0: there was none (never so under a rule with
                    * `advance`); NULL: the rule does not read `elapsed` */
    uint32_t salt; /* of the random words: number of the projection */
    /* [delay run] Random words are drawn for the position of a synapse in the whole projection. Where a process holds
     * a part of it, the positions there are greater by this; NULL: it holds the whole. */
    const int64_t *shift;
};

/* Fill the index by target. `next`: scratch, [n_neurons]. */
void nm_events_index(const nm_network *network, const nm_projection *p, int64_t *incoming_start,
                     uint32_t *incoming, uint32_t *incoming_run, int64_t *next);

/* Sample the columns of the sources for the whole network, before the partitions take a step. Intervals
 * have one step where a rule reads columns of the sources. */
void nm_events_sample_sources(const nm_projection *p, int64_t n_neurons);

/* The arguments of all calls for one projection in one step. */
typedef struct nm_events_step {
    const nm_network *network;
    const nm_projection *projection;
    const nm_delay *ring;
    const nm_factors *factor; /* [zone] */
    const double *fired;      /* [slot] 1.0 where the neuron fires in this step */
    double dt;
    uint64_t seed;
    int64_t now, partition;
    nm_stretches
        *stretches; /* nm_events_run: of this step, for all its projections; NULL: all spikes are looked at */
} nm_events_step;

/* Of a rule with `advance`: update the synapses of a delay run to the end of step->now. ring, factor and
 * fired of the step are not read. */
void nm_events_advance(const nm_events_step *step, int64_t delay_run);
/* Between steps, likewise for the synapses first .. last - 1 of any partition, but the results are written to
 * [synapse - first] of `weight` and of `state`, one array for each state of the rule. Nothing else is written. */
void nm_events_read(const nm_events_step *step, int64_t first, int64_t last, float *weight,
                    float *const *state);

/* The end of a step for one partition: call on_pre for the arrivals and on_post for the targets that have
 * an event. The traces of the targets do not contain the spikes of this step yet. */
void nm_events_run(const nm_events_step *step);

#endif
