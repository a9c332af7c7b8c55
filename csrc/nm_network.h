/* The network: structs of BORROWED columns. NumPy owns every buffer; Python checks, binds, and keeps them
 * alive. SPDX-License-Identifier: MIT */
#ifndef NM_NETWORK_H
#define NM_NETWORK_H

#include "nm_model.h"

/* A run of neurons of one model in one region, in slot order (slot: position in the columns). */
typedef struct nm_group {
    const nm_neuron_model *model;
    int64_t first, n;
    int64_t region;
    double *state[NM_MAX_STATE]; /* columns of the whole network: indexed by slot */
    const double *params[NM_MAX_PARAMS];
    double *seen[NM_MAX_PARAMS];     /* the values that `derived` was computed from; NaN: never */
    double *derived[NM_MAX_DERIVED]; /* [slot]; a uniform chunk uses only its first entry */
} nm_group;

/* A fixed piece of a group, at most NM_CHUNK neurons; the unit of work. Cut by slot, never by thread count.
 */
typedef struct nm_piece {
    int64_t group, first, n;
    int64_t stride; /* 0: the chunk's parameters are all equal */
    int64_t driven; /* 0: no background drive; 1: one rate for all, use the table; 2: rates differ */
} nm_piece;

/* Synapses drawn by one connect(), rows by presynaptic slot, each row sorted by (delay, target). */
typedef struct nm_projection {
    int64_t pre_first, n_rows; /* row r belongs to the neuron in slot pre_first + r */
    const int64_t *row_start;  /* [n_rows + 1] */
    const int32_t *post;       /* [synapse] slot of the target */
    float *weight;             /* [synapse] mV */
    const uint16_t *delay;     /* [synapse] steps >= 1; NULL: all `constant_delay` */
    int64_t constant_delay, min_delay, max_delay;
    int64_t inhibitory; /* 1: counts as -|weight| and arrives at the inhibitory port */

    const nm_plasticity_rule *rule; /* NULL: static */
    const double *params;           /* the rule's table */
    double weight_min, weight_max;
    double weight_kept;         /* 1 - weight_decay, per step */
    float *state[NM_MAX_STATE]; /* [synapse] */
    /* the incoming index, for rules with on_post: synapses of target slot i are in_synapse[in_start[i] ..] */
    const int64_t *in_start;    /* [n_neurons + 1] */
    const uint32_t *in_synapse; /* position in `weight` */
    const int32_t *in_row;      /* row of that synapse */
    /* traces: pre[k][(step % ring) * n_rows + row] after that step's spikes; post[k][slot] */
    double *pre_trace[NM_MAX_TRACES];
    double *post_trace[NM_MAX_TRACES];
} nm_projection;

typedef struct nm_network {
    int64_t n_neurons;
    nm_group *groups;
    int64_t n_groups;
    nm_piece *pieces; /* made by nm_network_cut */
    int64_t n_pieces;
    const int64_t *id;       /* [slot], ascending; keys the random draws */
    double *external_input;  /* used by the next step, then cleared */
    double *last_spike_time; /* ms; -inf: never */
    int64_t *spike_count;
    const int32_t *region;      /* [slot] row of the levels; NULL: all 0 */
    const double *drive_rate;   /* Hz: background Poisson input */
    const double *drive_weight; /* mV */
    double *seen_rate;          /* drive_rate that the pieces' tables were made from */
    uint32_t *drive_table;      /* [piece * NM_POISSON_TABLE + k] */
    nm_projection *projections;
    int64_t n_projections;
    int64_t max_delay;
} nm_network;

/* The synapses first .. last - 1 of a row over which a spike arrives `delay` steps after it was fired. A row
 * is sorted by delay, so they are found by bisection, and are all of them where the delay is constant. */
static inline void nm_projection_segment(const nm_projection *p, int64_t row, int64_t delay, int64_t *first,
                                         int64_t *last) {
    int64_t low = p->row_start[row], high = p->row_start[row + 1];
    if (p->delay == NULL) {
        *first = low;
        *last = delay == p->constant_delay ? high : low;
        return;
    }
    int64_t end = high;
    while (low < high) { /* the first delay >= `delay` */
        int64_t middle = low + (high - low) / 2;
        if (p->delay[middle] < delay)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    for (high = end; low < high;) { /* the first delay > `delay` */
        int64_t middle = low + (high - low) / 2;
        if (p->delay[middle] <= delay)
            low = middle + 1;
        else
            high = middle;
    }
    *last = low;
}

/* Number of pieces the groups make; fills them if `pieces` is not NULL. */
int64_t nm_network_cut(const nm_group *groups, int64_t n_groups, nm_piece *pieces);

/* Structure: index ranges, row order, delays >= 1, projections. Once per binding, O(neurons + synapses). */
int nm_network_check(const nm_network *network, nm_error *error) NM_MUST_CHECK;

/* Before a run: find parameters that changed since last time, check their domains and orders (before anything
 * is written), recompute what is derived from them. O(neurons) compare, no more where nothing changed.
 * On error: index = slot, field = position in the group's model's table (NM_ERR_BAD_VALUE, NM_ERR_BAD_ORDER)
 * or -1 drive_rate, -2 drive_weight, -3 external_input. `fresh`: recompute all (dt has changed). */
int nm_network_prepare(nm_network *network, double dt, int fresh, nm_error *error) NM_MUST_CHECK;

#endif
