/* The network: structs of BORROWED columns. NumPy owns every buffer; Python checks, binds, and keeps them
 * alive.
 * SPDX-License-Identifier: MIT */
#ifndef NM_NETWORK_H
#define NM_NETWORK_H

#include "nm_model.h"
#include "nm_status.h"

typedef struct nm_lazy nm_lazy;               /* nm_lazy.h */
typedef struct nm_short_term nm_short_term;   /* nm_short_term.h */
typedef struct nm_homeostasis nm_homeostasis; /* nm_homeostasis.h */
typedef struct nm_bitmap nm_bitmap;           /* nm_bitmap.h */
typedef struct nm_push nm_push;               /* nm_push.h */
typedef struct nm_events nm_events;           /* nm_events.h */

/* Input ports of a whole network at most: the two that every model has, and the models' own. */
enum { NM_MAX_INPUTS = 16 };

/* A run of neurons of one model in one region, in slot order (slot: position in the columns). */
typedef struct nm_group {
    const nm_neuron_model *model;
    int64_t first, n;
    int64_t zone;
    int64_t n_ports, port[NM_MAX_PORTS]; /* the network's number of each port of the model */
    double *state[NM_MAX_STATE];         /* columns of the whole network: indexed by slot */
    const double *params[NM_MAX_PARAMS];
    double *seen[NM_MAX_PARAMS];     /* the values that `derived` was computed from; NaN: never */
    double *derived[NM_MAX_DERIVED]; /* [slot]; a uniform chunk uses only its first entry */
} nm_group;

/* A fixed piece of a group, at most NM_CHUNK neurons; the unit of work. Cut by slot and by where
 * parameters change, never by thread count; how it is cut changes no bit. */
typedef struct nm_block {
    int64_t group, first, n;
    int64_t stride;         /* 0: the chunk's parameters are all equal */
    int64_t driven;         /* 0: no background drive; 1: one rate for all, use the table; 2: rates differ */
    int64_t changed;        /* some parameter, since nm_network_prepare last looked */
    int64_t noisy;          /* some neuron has background noise: 1 normal, 2 uniform, 3 both */
    int64_t delta_synapses; /* what the model's hook says */
    int64_t excites;        /* 1: no weight of its background drive is negative */
} nm_block;

/* Synapses drawn by one connect(): rows by presynaptic slot, each row cut into the parts of the network that
 * its targets lie in, each of those into segments of one delay, targets ascending. A segment is the unit of
 * delivery and of learning: a spike reaches all of it at once. Targets are counted from their part's first
 * slot, so 16 bits hold them: 6 bytes a synapse with its weight, 2 where all weights are equal. */
typedef struct nm_projection {
    int64_t pre_first, n_rows; /* row r belongs to the neuron in slot pre_first + r */
    int64_t n_runs, n_synapses;
    const int64_t
        *bucket_run; /* [n_rows * n_partitions + 1] first segment of a row in a part; NULL: one each */
    const int64_t *run_start;  /* [n_runs + 1] first synapse of a segment */
    const uint16_t *run_delay; /* [n_runs] steps >= 1; NULL: all `constant_delay` */
    const uint16_t *target;    /* [synapse] slot of the target, from the first of its part */
    float *weight;             /* [synapse] mV; NULL: all `constant_weight` */
    double constant_weight;
    int64_t constant_delay, min_delay, max_delay;
    /* A synapse transmits the spikes of the steps after the one in which it was made. */
    int64_t born_last;       /* the step in which the last of the synapses was made */
    const int64_t *born;     /* [synapse] the step in which it was made; NULL: all in `born_last` */
    const nm_bitmap *bitmap; /* bit-maps of the targets, of weights made equal; NULL: none */
    const nm_push *push;     /* pushed, since segments are short; NULL: pulled */
    int64_t inhibitory;      /* 1: a weight counts as -|weight| */
    int64_t port;            /* input port of the network at which it arrives */

    const nm_plasticity_rule *rule; /* NULL: static */
    const double *params;           /* the rule's table */
    double weight_min, weight_max;
    double weight_kept;         /* 1 - weight_decay, per step */
    double weight_dependence;   /* 0: changes do not depend on the weight; else the exponent of soft bounds */
    float *state[NM_MAX_STATE]; /* [synapse] */
    double *post_trace[NM_MAX_TRACES]; /* [slot] */
    double post_kept[NM_MAX_TRACES];   /* what is left of each after one step */
    nm_lazy *lazy;                     /* of a lazy rule, else NULL */
    nm_events *events;                 /* of an event rule, else NULL */
    nm_short_term *short_term;         /* NULL: a spike arrives with all of the weight */
    nm_homeostasis *homeostasis;       /* NULL: weights are not scaled */
} nm_projection;

typedef struct nm_network {
    int64_t n_neurons;
    nm_group *groups;
    int64_t n_groups;
    nm_block *blocks; /* made by nm_network_cut */
    int64_t n_blocks;
    const int64_t *id;       /* [slot], ascending; keys the random draws */
    double *external_input;  /* used by the next step, then cleared */
    double *last_spike_time; /* ms; -inf: never */
    int64_t *spike_count;
    const int32_t *zone;         /* [slot] row of the levels; NULL: all 0 */
    const double *drive_rate;    /* Hz: background Poisson input */
    const double *drive_weight;  /* mV */
    const double *drive_noise;   /* mV: standard deviation of a normal current, drawn anew in each step */
    const double *drive_uniform; /* mV: half the width of a uniform one */
    double *seen_rate;           /* drive_rate that the pieces' tables were made from */
    uint32_t *drive_table;       /* [piece * NM_POISSON_TABLE + k] */
    nm_projection *projections;
    int64_t n_projections;
    int64_t max_delay;
    /* Parts: fixed runs of slots, each stepped by one thread. Cut by the number of neurons alone. */
    int64_t n_partitions, partition_width;
    int64_t *partition_block; /* [n_partitions + 1] first piece of a part */
} nm_network;

static inline int64_t nm_network_partition_first(const nm_network *network, int64_t partition) {
    return partition * network->partition_width;
}
static inline int64_t nm_network_partition_end(const nm_network *network, int64_t partition) {
    int64_t end = (partition + 1) * network->partition_width;
    return end < network->n_neurons ? end : network->n_neurons;
}

/* Where the columns of a piece begin; unused entries are not set. */
typedef struct nm_columns {
    double *state[NM_MAX_STATE];
    const double *params[NM_MAX_PARAMS], *derived[NM_MAX_DERIVED];
} nm_columns;

/* The piece as its model gets it, without inputs; it points into `columns`. */
static inline nm_neuron_chunk nm_network_chunk(const nm_group *group, const nm_block *block, double dt,
                                               nm_columns *columns) {
    for (int k = 0; k < NM_MAX_STATE && group->state[k] != NULL; k++)
        columns->state[k] = group->state[k] + block->first;
    for (int k = 0; k < NM_MAX_PARAMS && group->params[k] != NULL; k++)
        columns->params[k] = group->params[k] + block->first;
    for (int k = 0; k < group->model->n_derived; k++)
        columns->derived[k] = group->derived[k] + block->first;
    return (nm_neuron_chunk){.n = (size_t)block->n,
                             .stride = (size_t)block->stride,
                             .dt = dt,
                             .state = columns->state,
                             .params = columns->params,
                             .derived = columns->derived,
                             .delta_synapses = block->delta_synapses != 0};
}

/* The segment of a row in a part over which a spike arrives `delay` steps after it was fired; -1: none. Where
 * the row has every delay from its first on, the first guess is right. */
static inline int64_t nm_projection_run(const nm_projection *p, int64_t bucket, int64_t delay) {
    if (p->bucket_run == NULL)
        return delay == p->constant_delay ? bucket : -1;
    int64_t low = p->bucket_run[bucket], end = p->bucket_run[bucket + 1], high = end;
    if (low == high)
        return -1;
    int64_t guess = low + delay - p->run_delay[low];
    if (guess >= low && guess < high && p->run_delay[guess] == delay)
        return guess;
    while (low < high) { /* the first delay >= `delay` */
        int64_t middle = low + (high - low) / 2;
        if (p->run_delay[middle] < delay)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && p->run_delay[low] == delay ? low : -1;
}

/* Whether a spike of step `fired` reaches all synapses of a projection, any of them, a single one, or any of a run. */
static inline int nm_projection_reaches_all(const nm_projection *p, int64_t fired) {
    return fired > p->born_last;
}
static inline int nm_projection_reaches(const nm_projection *p, int64_t fired) {
    return fired > p->born_last || p->born != NULL;
}
static inline int nm_projection_reaches_synapse(const nm_projection *p, int64_t synapse, int64_t fired) {
    return fired > (p->born == NULL ? p->born_last : p->born[synapse]);
}
static inline int nm_projection_reaches_run(const nm_projection *p, int64_t delay_run, int64_t fired) {
    for (int64_t s = p->run_start[delay_run]; s < p->run_start[delay_run + 1]; s++)
        if (nm_projection_reaches_synapse(p, s, fired))
            return 1;
    return 0;
}

/* How many neurons make a part: at most 65,536 (targets have 16 bits); small networks are one part, since
 * every part costs each row a segment (at 12,500 neurons x 1,250 synapses four parts cost 3 % of
 * delivery). */
int64_t nm_network_partition_width(int64_t n_neurons);
int64_t nm_network_count_partitions(int64_t n_neurons); /* at least 1 */

/* Number of pieces that the groups make, none across the border of a part; fills them, and partition_block
 * [n_partitions + 1], if `pieces` is not NULL. */
int64_t nm_network_cut(const nm_group *groups, int64_t n_groups, int64_t partition_width, nm_block *blocks,
                       int64_t *partition_block);

/* Structure: index ranges, row order, delays >= 1, projections. Once per binding, O(neurons + synapses). */
int nm_network_check(const nm_network *network, nm_error *error) NM_MUST_CHECK;

/* Before a run: find parameters that changed since last time, check their domains and orders (before anything
 * is written), recompute what is derived from them. O(neurons) compare, no more where nothing changed.
 * On error: index = slot, field = position in the group's model's table (NM_ERR_BAD_VALUE, NM_ERR_BAD_ORDER)
 * or -1 drive_rate, -2 drive_weight, -3 external_input, -4 drive_noise, -5 drive_uniform. `fresh`: recompute
 * all (dt has changed). */
int nm_network_prepare(nm_network *network, double dt, int fresh, nm_error *error) NM_MUST_CHECK;

#endif
