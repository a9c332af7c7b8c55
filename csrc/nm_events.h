/* Event rules: hooks called at the synapse's own events, after the neurons of a step. For each projection with such
 * a rule the engine keeps the traces of the sources at their arrivals, an index of the synapses by target where the
 * rule has on_post, and, where the rule asks for it, the step of each synapse's last event.
 * SPDX-License-Identifier: MIT */
#ifndef NM_EVENTS_H
#define NM_EVENTS_H

#include "nm_delay.h"
#include "nm_levels.h"
#include "nm_network.h"

/* All arrays are Python's. */
struct nm_events {
    int64_t lag; /* steps by which on_pre lags the arrival */
    double *trace
        [NM_MAX_TRACES]; /* [segment] of the source, right after the last arrival; NULL: none, or low-pass */
    double rate[NM_MAX_TRACES]; /* 1/step: a trace decays by exp(-rate) in a step */
    int64_t *arrived;           /* [segment] step of the last arrival, lag included; < 0: there was none */
    double *lowpass[NM_MAX_TRACES]; /* [slot] of the source's column; NULL: a trace of spikes, or none */
    double *pre_snapshot[NM_MAX_COLUMNS];     /* [slot] pre_columns as at the end of the step before */
    const double *pre_source[NM_MAX_COLUMNS]; /* [slot] where they are copied from */
    const double
        *lowpass_source[NM_MAX_TRACES];        /* [slot] column that a low-pass trace of the source filters */
    const double *post_column[NM_MAX_COLUMNS]; /* [slot] */
    const double
        *post_lowpass_source[NM_MAX_TRACES]; /* [slot] likewise, of the target; NULL: a trace of spikes */
    /* Index by target; NULL without on_post. */
    const int64_t *incoming_start;    /* [n_neurons + 1] */
    const uint32_t *incoming;         /* [synapse] by target, ascending for each */
    const uint32_t *incoming_segment; /* [synapse] segment of each of them */
    int64_t *last; /* [synapse] step of the last event; < 0: there was none; NULL: nobody asks */
    uint32_t salt; /* of the random words: the projection's number */
};

/* Fill the index by target. `next`: scratch, [n_neurons]. */
void nm_events_index(const nm_network *network, const nm_projection *p, int64_t *incoming_start,
                     uint32_t *incoming, uint32_t *incoming_segment, int64_t *next);

/* Before the parts take a step by themselves: columns of the sources, for the whole network. Only where a rule reads
 * them; steps are then taken one at a time. */
void nm_events_sample_sources(const nm_projection *p, int64_t n_neurons);

/* What a rule's hooks need to know of a step, and room for one chunk. */
typedef struct nm_events_step {
    const nm_network *network;
    const nm_projection *projection;
    const nm_delay *ring;
    const nm_factors *factor; /* [zone] */
    const double *fired;      /* [slot] 1.0 where the neuron fires in this step */
    double dt;
    uint64_t seed;
    int64_t now, partition;
} nm_events_step;

/* The end of a step for one part: on_pre for what arrives, on_post for targets that have an event. The spikes of the
 * step are not in the traces of the targets yet. */
void nm_events_run(const nm_events_step *step);

#endif
