/* Tools of all ways of drawing: the candidates of a neuron, and rows written directly in the layout of
 * delivery.
 * SPDX-License-Identifier: MIT */
#ifndef NM_BUILD_ROW_H
#define NM_BUILD_ROW_H

#include "nm_build.h"

#include <stddef.h>
#include <stdint.h>

enum { NM_BUILD_BATCH = 512 }; /* draws per batch; the batch stays in the first-level cache */

/* The candidates of one neuron: a list of slots, without the neuron's own slot if autapses are excluded.
 * Candidate c is list[c + (c >= hole)]: no redraws, and all candidates are equally likely. */
typedef struct nm_candidates {
    const int32_t *list;
    int64_t n;    /* number of candidates */
    int64_t hole; /* index of the excluded slot in the list; n where none is excluded */
} nm_candidates;

/* The candidates of `slot`. Calls must have ascending slots; *at is the caller's index into the list, 0 at
 * first. */
static inline nm_candidates nm_candidates_of(int32_t slot, const int32_t *list, int64_t n, int64_t autapses,
                                             int64_t *at) {
    while (*at < n && list[*at] < slot)
        ++*at;
    if (autapses || *at == n || list[*at] != slot)
        return (nm_candidates){.list = list, .n = n, .hole = n};
    return (nm_candidates){.list = list, .n = n - 1, .hole = *at};
}

static inline int32_t nm_candidate(const nm_candidates *from, int64_t c) {
    return from->list[c + (c >= from->hole)];
}

/* Whether the caller wants the call to end, after n more draws. *since: draws since it was last asked. */
static inline int nm_build_is_interrupted(const nm_build *build, int64_t n, int64_t *since) {
    *since += n;
    if (build->interrupted == NULL || *since < NM_BUILD_SHARE)
        return 0;
    *since = 0;
    return build->interrupted(build->context);
}

/* The buckets written so far. */
typedef struct nm_rows {
    int64_t n_partitions, partition_width, first_partition; /* as in nm_build */
    int64_t *bucket_start;
    uint16_t *local; /* NULL: only count */
    int64_t room;    /* entries of `local` */
    int64_t n;       /* synapses so far */
    int64_t bucket;  /* the first bucket whose start is not known yet */
} nm_rows;

/* Append n targets to a row, ascending and not below the row's last target. Returns 0 if there is no room. */
int nm_rows_append(nm_rows *rows, int64_t row, const int32_t *target, int64_t n) NM_MUST_CHECK;

/* Set the starts of all remaining buckets, and the end. */
void nm_rows_close(nm_rows *rows, int64_t n_rows);

#endif
