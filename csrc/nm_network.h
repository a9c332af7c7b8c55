/* The network: structs that point to BORROWED columns. NumPy owns every buffer. Python checks the buffers,
 * binds them, and keeps them alive. Terms: csrc/README.md.
 * SPDX-License-Identifier: MIT */
#ifndef NM_NETWORK_H
#define NM_NETWORK_H

#include "nm_model.h"
#include "nm_round.h"
#include "nm_routes.h"
#include "nm_status.h"

typedef struct nm_lazy nm_lazy;               /* nm_lazy.h */
typedef struct nm_members nm_members;         /* nm_lazy_join.h */
typedef struct nm_short_term nm_short_term;   /* nm_short_term.h */
typedef struct nm_homeostasis nm_homeostasis; /* nm_homeostasis.h */
typedef struct nm_bitmap nm_bitmap;           /* nm_bitmap.h */
typedef struct nm_push nm_push;               /* nm_push.h */
typedef struct nm_events nm_events;           /* nm_events.h */
typedef struct nm_acting nm_acting;           /* nm_levels.h */

/* Greatest number of input ports of a whole network: the two that every model has, and the models' own. */
enum { NM_MAX_INPUTS = 16 };

/* Consecutive neurons of one model in one region, in slot order. Slot: index into the columns. */
typedef struct nm_group {
    const nm_neuron_model *model;
    int64_t first, n;
    int64_t zone;
    int64_t n_ports, port[NM_MAX_PORTS]; /* the network's number of each port of the model */
    double *state[NM_MAX_STATE];         /* columns of the whole network: indexed by slot */
    const double *params[NM_MAX_PARAMS];
    double *seen[NM_MAX_PARAMS]; /* the parameters that `derived` was computed from; NaN: not computed yet */
    double *derived[NM_MAX_DERIVED]; /* [slot]; a block of stride 0 uses only its first entry */
} nm_group;

/* At most NM_CHUNK consecutive neurons of one group: the unit of work. Blocks are cut by slot and where
 * parameters change, never by the number of threads. The cut does not affect results. */
typedef struct nm_block {
    int64_t group, first, n;
    int64_t stride;  /* 0: all neurons have equal parameters; 1: they differ */
    int64_t driven;  /* background drive: 0 none; 1 one rate for all neurons, use the table; 2 rates differ */
    int64_t changed; /* 1: a parameter has changed since the last nm_network_prepare */
    /* Sum over the kinds of background noise that some neuron has: 1 normal, 2 uniform; 4 normal, 8 uniform of
     * a fixed size per step (1 or 2 is then set as well). */
    int64_t noisy;
    int64_t delta_synapses; /* return value of the model's hook of that name */
    int64_t excites;        /* 1: no weight of the background drive is negative */
    int64_t offset;         /* 1: some neuron has an i_offset other than 0 */
} nm_block;

/* Synapses made by one connect(). Rows are ordered by presynaptic slot. A row has one bucket for each
 * partition of the network that this process steps; a bucket has one delay run for each delay; targets ascend within a delay run.
 * The delay run is the unit of delivery and of learning: a spike arrives at all its synapses in the same
 * step. Targets are stored relative to the first slot of their partition, so 16 bits suffice: 6 bytes per
 * synapse with its weight, 2 bytes where all weights are equal. */
typedef struct nm_projection {
    int64_t pre_first, n_rows; /* row r belongs to the neuron in slot pre_first + r */
    int64_t n_runs, n_synapses;
    int64_t
        parts; /* consecutive partitions that a bucket covers: 0 and 1 one, more in joined tables (nm_join.h) */
    int64_t before,
        behind; /* partitions before and behind those that have buckets: of other processes, or without
                                * targets (lazy rules, whose delay runs have state) */
    const int64_t *bucket_run; /* [bucket, and one more] first delay run of a bucket; NULL: one run each */
    const int64_t *run_start;  /* [n_runs + 1] first synapse of a delay run */
    const uint16_t *run_delay; /* [n_runs] steps >= 1; NULL: `constant_delay` everywhere */
    const uint16_t *target;    /* [synapse] slot of the target minus the first slot of its partition */
    float *weight;             /* [synapse] mV; NULL: all `constant_weight` */
    double constant_weight;
    int64_t constant_delay, min_delay, max_delay;
    /* A synapse transmits the spikes of the steps after the one in which it was made. */
    int64_t born_last;       /* the step in which the last of the synapses was made */
    const int64_t *born;     /* [synapse] the step in which it was made; NULL: all in `born_last` */
    const nm_bitmap *bitmap; /* bitmaps of the targets; NULL: none */
    int64_t joinable;        /* 1: delivered as if joined, before those that are not joinable */
    int64_t joined; /* 1: the synapses are in a joined table (nm_join.h); there are no rows and no weights */
    int64_t inhibitory; /* 1: a weight acts as -|weight| */
    int64_t port;       /* the network's input port that the spikes arrive at */

    const nm_plasticity_rule *rule; /* NULL: static */
    const double *params;           /* the rule's table */
    double weight_min, weight_max;
    double weight_kept;         /* 1 - weight_decay, per step */
    double weight_dependence;   /* 0: changes do not depend on the weight; else the exponent of soft bounds */
    float *state[NM_MAX_STATE]; /* [synapse] */
    double *post_trace[NM_MAX_TRACES];   /* [slot] */
    double post_kept[NM_MAX_TRACES];     /* factor of each trace over one step: exp(-dt / tau) */
    int64_t post_follows[NM_MAX_TRACES]; /* 1: the trace is that of an earlier projection, which updates it */
    nm_lazy *lazy;                       /* of a lazy rule; else NULL */
    const nm_members
        *members; /* of a lazy rule: whose synapses the rows hold (nm_lazy_join.h); NULL: its own */
    /* Of a lazy rule: [partition] 1: some synapse leads there. Elsewhere no arrival is noted. NULL: everywhere. */
    const uint8_t *reached;
    nm_events *events;           /* of an event rule; else NULL */
    nm_short_term *short_term;   /* NULL: the efficacy of every spike is 1 */
    nm_homeostasis *homeostasis; /* NULL: weights are not scaled */
    int64_t frozen; /* 1: weights stand still; traces, eligibility, state and rates go on as always */
    int64_t
        nearest; /* 1: weights and state are rounded to the nearest float32; 0: without bias (nm_round.h) */
    const nm_acting *acting;  /* the modulators that act on its learning; NULL: all do */
    uint32_t number;          /* salt of its random words */
    const uint32_t *run_word; /* [n_runs] nm_round_run of each, for event rules; NULL: 0 */
} nm_projection;

typedef struct nm_network {
    int64_t n_neurons;
    nm_group *groups;
    int64_t n_groups;
    nm_block *blocks; /* made by nm_network_cut */
    int64_t n_blocks;
    const int64_t *id;       /* [slot] ascending; key of the random draws */
    double *external_input;  /* added in the next step, then cleared */
    const double *i_offset;  /* added in every step; NULL: 0 for all */
    double *last_spike_time; /* ms; -inf: never */
    int64_t *spike_count;
    const int32_t *zone;        /* [slot] row of the levels; NULL: row 0 for all */
    const double *drive_rate;   /* Hz: background Poisson input */
    const double *drive_weight; /* mV */
    /* White noise: a current is drawn anew in each step; its size in a step is divided by sqrt(dt). */
    const double *drive_noise;   /* mV sqrt(ms): standard deviation of a normal current */
    const double *drive_uniform; /* mV sqrt(ms): half the width of a uniform one */
    /* Likewise, but of the same size per step at every dt. */
    const double *drive_noise_per_step;   /* mV */
    const double *drive_uniform_per_step; /* mV */
    double *seen_rate;          /* the drive_rate that the tables of the blocks were computed from */
    uint32_t *drive_table;      /* [block * NM_POISSON_TABLE + k] */
    nm_projection *projections; /* [n_projections + n_joined] the last are joined tables */
    int64_t n_projections, n_joined;
    nm_routes routes;
    const nm_push *push; /* push delivery of the projections that are pushed; NULL: there are none */
    int64_t max_delay;
    /* Partitions: fixed ranges of slots, each stepped by one thread at a time. The cut depends on the
     * number of neurons alone. */
    int64_t n_partitions, partition_width;
    int64_t *partition_block; /* [n_partitions + 1] first block of a partition */
    int64_t
        at_once; /* consecutive partitions that one thread steps together: `parts` of joined tables; 0: one */
} nm_network;

static inline int64_t nm_network_partition_first(const nm_network *network, int64_t partition) {
    return partition * network->partition_width;
}
static inline int64_t nm_network_partition_end(const nm_network *network, int64_t partition) {
    int64_t end = (partition + 1) * network->partition_width;
    return end < network->n_neurons ? end : network->n_neurons;
}

/* Ids of the targets of one partition, as the rounding takes them: where ids follow one another they are counted. */
typedef struct nm_ids {
    const int64_t *id; /* of the partition; NULL: target t has the id first + t */
    uint32_t first;
} nm_ids;

static inline nm_ids nm_network_ids(const nm_network *network, int64_t partition) {
    const int64_t first = nm_network_partition_first(network, partition),
                  end = nm_network_partition_end(network, partition);
    if (network->id == NULL || end <= first) /* the last partition of a network may be empty */
        return (nm_ids){NULL, (uint32_t)first};
    const int follow = network->id[end - 1] - network->id[first] == end - 1 - first;
    return (nm_ids){follow ? NULL : network->id + first, (uint32_t)network->id[first]};
}

static inline uint32_t nm_id_of(nm_ids ids, size_t target) {
    return ids.id == NULL ? ids.first + (uint32_t)target : (uint32_t)ids.id[target];
}

/* The word that rounds the weight of a projection's synapse. `key`: of the event and the delay run. */
static inline uint32_t nm_projection_word(const nm_projection *p, uint32_t key, nm_ids ids, size_t target) {
    return p->nearest ? NM_ROUND_NEAREST : nm_round_word(key, nm_id_of(ids, target));
}

/* Addresses of the first entries of a block's columns. Unused entries are not set. */
typedef struct nm_columns {
    double *state[NM_MAX_STATE];
    const double *params[NM_MAX_PARAMS], *derived[NM_MAX_DERIVED];
} nm_columns;

/* The chunk that the model's hooks get for a block, without inputs. The chunk points into `columns`. */
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

/* Partitions that a bucket covers, buckets of a row, and the bucket of a row for a partition that has buckets. */
static inline int64_t nm_parts(const nm_projection *p) {
    return p->parts > 1 ? p->parts : 1;
}
static inline int64_t nm_buckets(const nm_network *network, const nm_projection *p) {
    const int64_t n = network->n_partitions - p->before - p->behind;
    return p->parts > 1 ? (n + p->parts - 1) / p->parts : n;
}
static inline int64_t nm_all_buckets(const nm_network *network, const nm_projection *p) {
    return p->n_rows * nm_buckets(network, p);
}
static inline int64_t nm_bucket(const nm_network *network, const nm_projection *p, int64_t row,
                                int64_t partition) {
    const int64_t place = partition - p->before;
    return row * nm_buckets(network, p) + (p->parts > 1 ? place / p->parts : place);
}

/* Whether a row of a projection has a bucket for a partition. */
static inline int nm_has_bucket(const nm_network *network, const nm_projection *p, int64_t partition) {
    return partition >= p->before && partition < network->n_partitions - p->behind;
}

/* The row of a bucket, and the first partition that the bucket covers. */
static inline int64_t nm_row_of(const nm_network *network, const nm_projection *p, int64_t bucket) {
    return bucket / nm_buckets(network, p);
}
static inline int64_t nm_partition_of(const nm_network *network, const nm_projection *p, int64_t bucket) {
    return p->before + bucket % nm_buckets(network, p) * nm_parts(p);
}

static inline int64_t nm_first_run(const nm_projection *p, int64_t bucket) {
    return p->bucket_run == NULL ? bucket : p->bucket_run[bucket];
}
static inline int64_t nm_delay_of(const nm_projection *p, int64_t delay_run) {
    return p->run_delay == NULL ? p->constant_delay : p->run_delay[delay_run];
}

/* The delay run of a bucket with the given delay; -1: the bucket has none. */
static inline int64_t nm_projection_run(const nm_projection *p, int64_t bucket, int64_t delay) {
    if (p->bucket_run == NULL)
        return delay == p->constant_delay ? bucket : -1;
    int64_t low = p->bucket_run[bucket], end = p->bucket_run[bucket + 1], high = end;
    /* Right if the bucket has every delay; else the run is not there, or before it. */
    const int64_t guess = low + delay - p->min_delay;
    if (low == high || guess < low)
        return -1;
    if (guess < high && p->run_delay[guess] == delay)
        return guess;
    if (guess < high)
        high = guess;
    else if (p->run_delay[high - 1] < delay)
        return -1;
    while (low < high) { /* the first delay >= `delay` */
        int64_t middle = low + (high - low) / 2;
        if (p->run_delay[middle] < delay)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && p->run_delay[low] == delay ? low : -1;
}

static inline uint32_t nm_run_word(const nm_projection *p, int64_t delay_run) {
    return p->run_word == NULL ? 0 : p->run_word[delay_run];
}

/* Likewise, computed from the row: under a lazy rule this costs less than a cache line of words. */
static inline uint32_t nm_row_run_word(const nm_network *network, const nm_projection *p, int64_t row,
                                       int64_t delay_run) {
    const int64_t slot = p->pre_first + row;
    return nm_round_run(network->id == NULL ? slot : network->id[slot], nm_delay_of(p, delay_run));
}

/* Whether a spike of step `fired` reaches all synapses of a projection; possibly some of them; one synapse;
 * some synapse of a delay run. */
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

/* Slots of one partition: at most 65,536, since targets have 16 bits. A small network has one partition,
 * since each further partition costs every row a bucket. */
int64_t nm_network_partition_width(int64_t n_neurons);
int64_t nm_network_count_partitions(int64_t n_neurons); /* at least 1 */

/* Number of blocks of the groups; no block crosses the border of a partition. `drive_rate`: NULL: not looked at. Fills `blocks` and
 * partition_block[n_partitions + 1] if `blocks` is not NULL. */
int64_t nm_network_cut(const nm_group *groups, int64_t n_groups, const double *drive_rate,
                       int64_t partition_width, nm_block *blocks, int64_t *partition_block);

/* Check the structure: index ranges, order of rows, delays >= 1, projections. Called once per binding.
 * O(neurons + synapses). */
int nm_network_check(const nm_network *network, nm_error *error) NM_MUST_CHECK;

/* Before a run: find the parameters that have changed since the last call, check their domains and orders,
 * then recompute the derived values. Nothing is written before all checks have passed. O(neurons).
 * `fresh`: 1 if dt has changed; everything is recomputed. On error: index = slot; field = position in the
 * parameters of the group's model (NM_ERR_BAD_VALUE, NM_ERR_BAD_ORDER), or -1 drive_rate, -2 drive_weight,
 * -3 external_input, -4 drive_noise, -5 drive_uniform, -6 drive_noise_per_step, -7 drive_uniform_per_step,
 * -8 i_offset. NM_ERR_NO_INPUT: an input (`field`) of a model that has none. NM_ERR_STEP: dt is too long for
 * the rate in `field`, or, with field -1 and value dt, for the model. */
int nm_network_prepare(nm_network *network, double dt, int fresh, nm_error *error) NM_MUST_CHECK;

/* Fill run_word of a projection: [n_runs]. */
void nm_network_run_words(const nm_network *network, const nm_projection *p, uint32_t *word);

#endif
