/* What the ways of drawing share: the candidates of a neuron, and rows written straight in the form in which
 * they are delivered.
 * SPDX-License-Identifier: MIT */
#ifndef NM_BUILD_ROW_H
#define NM_BUILD_ROW_H

#include "nm_status.h"

#include <stddef.h>
#include <stdint.h>

enum { NM_BUILD_BATCH = 512 }; /* draws at a time: words and a row's targets stay in L1 */

/* The candidates of one neuron: a list of slots less, where autapses are not wanted, its own. Candidate c is
 * list[c + (c >= hole)], so leaving one out costs no redraw and favours nobody. */
typedef struct nm_candidates {
    const int32_t *list;
    int64_t n;    /* how many are left */
    int64_t hole; /* position of the one left out; n where none is */
} nm_candidates;

/* For slots asked in ascending order; *at is the caller's place in the list, 0 at first. */
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

/* Places as far as they are written. */
typedef struct nm_rows {
    int64_t n_partitions, partition_width;
    int64_t *bucket_start;
    uint16_t *local; /* NULL: only count */
    int64_t room;    /* entries of `local` */
    int64_t n;       /* synapses so far */
    int64_t bucket;  /* the first place whose start is not known yet */
} nm_rows;

/* Further targets of a row, ascending, none before those that it has. 0 if there is no room. */
int nm_rows_append(nm_rows *rows, int64_t row, const int32_t *target, int64_t n) NM_MUST_CHECK;

/* The starts of all places that are left, and the end. */
void nm_rows_close(nm_rows *rows, int64_t n_rows);

#endif
