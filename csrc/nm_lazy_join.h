/* Joined rows of a lazy rule. While a simulation runs, the synapses of several projections that share a history, their
 * sources and their parameters stand in the rows of one of them, the first: a spike then finds all its synapses of one
 * delay in one part of the network in one delay run, whatever number of projections they were made by. Within a run they
 * are ordered by target, and the targets of the members are apart: each member has a range of slots to itself. So a
 * member's synapses are one stretch of each run, in the order of its own rows.
 *
 * Nothing else differs. A run and the members' runs that it holds are updated at the same moments, and each member keeps
 * the random words of its own number, so every bit is the same, joined or not.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LAZY_JOIN_H
#define NM_LAZY_JOIN_H

#include "nm_lazy.h"

/* The projections whose synapses stand in joined rows, in the order of their targets. */
struct nm_members {
    int64_t n;
    const int64_t *end;     /* [n] slots below `end` belong to this member or to one before it; ascending */
    const uint32_t *number; /* [n] salts of their random words */
};

/* Some projections, and the rows that they are joined in. All have one delay, the same, or all have `run_delay`. */
typedef struct nm_lazy_join {
    const nm_network *network;
    nm_projection
        *own; /* [n] rows of each by itself, with its own last updates; in the order of their targets */
    nm_visit **visits;  /* [n] */
    uint16_t **targets; /* [n] where nm_lazy_join_part writes the targets of each; not read */
    int64_t n;
    nm_projection *rows; /* the joined rows; their last updates: */
    nm_visit *rows_visits;
    uint16_t *rows_target; /* of the joined rows, to be written */
    int64_t n_traces;
    int64_t *next, *end; /* [n] scratch: the delay runs of each member in one row and partition */
} nm_lazy_join;

/* The slots of the targets of a projection: the first, and one past the last; both 0 where there is none. */
void nm_lazy_join_span(const nm_network *network, const nm_projection *p, int64_t *first, int64_t *end);
/* Fill bucket_run of the joined rows [n_rows * buckets + 1], where delays differ: its last entry is the number of runs. */
void nm_lazy_join_count(const nm_lazy_join *join, int64_t *bucket_run);
/* Fill run_start [n_runs + 1] and, where delays differ, run_delay [n_runs] of the joined rows. */
void nm_lazy_join_measure(const nm_lazy_join *join, int64_t *run_start, uint16_t *run_delay);
/* Copy the rows `first` .. `last` - 1 of the members into the joined rows. Returns 0 where the last updates of two members'
 * runs differ that would be one: then the members cannot be joined. */
int nm_lazy_join_fill(const nm_lazy_join *join, int64_t first, int64_t last);
/* The reverse: copy targets, weights, state and last updates of some rows back to the members. */
void nm_lazy_join_part(const nm_lazy_join *join, int64_t first, int64_t last);
/* Copy the targets of one member, in the order of its own rows. */
void nm_lazy_join_targets(const nm_lazy_join *join, int64_t member, uint16_t *target);

/* As nm_lazy_read, of one member alone: of the buckets first .. last - 1 of the joined rows. Returns the number of
 * synapses written. */
int64_t nm_lazy_join_read(const nm_lazy_step *step, int64_t member, int64_t first, int64_t last,
                          float *weight, float *eligibility);
/* The first member whose targets end behind a slot. */
static inline int64_t nm_lazy_join_member(const nm_members *members, int64_t slot) {
    int64_t low = 0, high = members->n - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (members->end[middle] > slot)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

#endif
