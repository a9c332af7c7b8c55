/* Network construction: who is connected to whom, drawn straight into rows sorted by (source, target). Every
 * function is called twice, first to count (fills row_start, targets NULL), then to fill, so that Python can
 * allocate exactly. Draws are keyed by (seed, stream, source or target id, position): the same for any number
 * of threads and for both calls.
 * SPDX-License-Identifier: MIT */
#ifndef NM_BUILD_H
#define NM_BUILD_H

#include "nm_status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct nm_build {
    const int32_t *pre, *post; /* slots, each ascending without repeats */
    int64_t n_pre, n_post;
    const int64_t *id; /* [slot] ids, which key the draws */
    int64_t pre_first,
        n_rows;       /* rows cover slots pre_first .. pre_first + n_rows - 1, all of `pre` among them */
    int64_t autapses; /* 0: a neuron is never connected to itself */
    uint64_t seed;
    uint32_t salt; /* the projection's number */
} nm_build;

/* Each pair with probability p in [0, 1], by geometric skipping: cost is per synapse, not per pair.
 * Count: targets = NULL, row_start[0 .. n_rows] is filled. Fill: targets has room for row_start[n_rows]
 * entries, and row_start is filled again. So a caller with room to spare (mean + 8 standard deviations) may
 * fill without counting, at half the cost; NM_ERR_TOO_LARGE if the room was not enough. */
int nm_build_probability(const nm_build *build, double p, int64_t *row_start, int32_t *targets,
                         nm_error *error) NM_MUST_CHECK;

/* Each target gets `degree` sources drawn with replacement (multapses allowed, as in NEST and Brunel 2000).
 */
int nm_build_in_degree(const nm_build *build, int64_t degree, int64_t *row_start, int32_t *targets,
                       nm_error *error) NM_MUST_CHECK;

/* Each source gets `degree` targets drawn with replacement. */
int nm_build_out_degree(const nm_build *build, int64_t degree, int64_t *row_start, int32_t *targets,
                        nm_error *error) NM_MUST_CHECK;

/* Rows from explicit pairs (slots), in any order. order[k]: which pair became synapse k (equal
 * pairs stay in their order). */
int nm_build_pairs(const int32_t *pre, const int32_t *post, int64_t n, int64_t pre_first, int64_t n_rows,
                   int64_t *row_start, int32_t *targets, int64_t *order, nm_error *error) NM_MUST_CHECK;

/* n values into float32, keyed by position: normal(mean, sd) or uniform[low, high). */
void nm_build_normal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t n, float *out);
void nm_build_uniform(uint64_t seed, uint32_t stream, double low, double high, int64_t n, float *out);

/* Stable sort of each row by delay; weight and targets move along. `weight` may be NULL. scratch_order and
 * scratch (4 bytes an entry): as long as the longest row. */
int nm_build_sort_by_delay(const int64_t *row_start, int64_t n_rows, uint16_t *delay, int32_t *targets,
                           float *weight, int64_t *scratch_order, void *scratch,
                           nm_error *error) NM_MUST_CHECK;

/* The incoming index of n_neurons targets: in_start[n_neurons + 1], in_synapse and in_row ascending by
 * synapse. NM_ERR_TOO_LARGE for more than 2^32 - 1 synapses. */
int nm_build_incoming(const int64_t *row_start, int64_t n_rows, const int32_t *targets, int64_t n_neurons,
                      int64_t *in_start, uint32_t *in_synapse, int32_t *in_row,
                      nm_error *error) NM_MUST_CHECK;

#endif
