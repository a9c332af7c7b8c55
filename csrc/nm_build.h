/* Network construction: who is connected to whom, drawn straight into the places that delivery walks: rows of
 * sources, each cut by the parts of the network, targets ascending and counted in 16 bits from the first slot
 * of their part. Draws are keyed by (seed, stream, source or target id, position): the same for any number of
 * threads and wherever the neurons stand.
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
    uint32_t salt;                         /* the projection's number */
    int64_t n_partitions, partition_width; /* of the network; the parts hold all of `post` */
} nm_build;

/* The arguments of any way of drawing. */
int nm_build_check(const nm_build *build, nm_error *error) NM_MUST_CHECK;

enum { NM_BUILD_NARROW = 1 << 16 }; /* rows up to which nm_build_in_degree keeps what it draws in 16 bits */

/* Each pair with probability p in [0, 1], by geometric skipping: cost is per synapse, not per pair. Fills
 * bucket_start[0 .. n_rows * n_partitions] (place row * n_partitions + part) and `local`, which has room for as many
 * entries as the last of bucket_start says on entry; NM_ERR_TOO_LARGE if that is not enough. local = NULL:
 * only counts. So a caller with room to spare (mean + 8 standard deviations) need not count, at half the
 * cost. */
int nm_build_probability(const nm_build *build, double p, int64_t *bucket_start, uint16_t *local,
                         nm_error *error) NM_MUST_CHECK;

/* Each target gets `degree` sources drawn with replacement (multapses allowed, as in NEST and Brunel 2000):
 * degree * n_post entries of `local`. scratch[n_rows]; `drawn` has as many entries as `local`, of 16 bits up
 * to NM_BUILD_NARROW rows and of 32 above. */
int nm_build_in_degree(const nm_build *build, int64_t degree, int64_t *scratch, void *drawn,
                       int64_t *bucket_start, uint16_t *local, nm_error *error) NM_MUST_CHECK;

/* Each source gets `degree` targets drawn with replacement: degree * n_pre entries. scratch[2 * degree]. */
int nm_build_out_degree(const nm_build *build, int64_t degree, int32_t *scratch, int64_t *bucket_start,
                        uint16_t *local, nm_error *error) NM_MUST_CHECK;

/* Rows from explicit pairs (slots), in any order. order[k]: which pair became synapse k (equal
 * pairs stay in their order). */
int nm_build_pairs(const int32_t *pre, const int32_t *post, int64_t n, int64_t pre_first, int64_t n_rows,
                   int64_t *row_start, int32_t *targets, int64_t *order, nm_error *error) NM_MUST_CHECK;

/* n values into float32, keyed by position: normal(mean, sd), exp of it, or uniform[low, high). */
void nm_build_normal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t n, float *out);
void nm_build_lognormal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t n, float *out);

enum { NM_BUILD_ATTEMPTS = 4096 }; /* of four draws each, for one value */

/* Draws each value outside low .. high again until it lies inside; keyed by position and attempt. `lognormal`: 1 for
 * nm_build_lognormal. NM_ERR_BAD_VALUE, with the position, where every attempt fell outside. */
int nm_build_redraw(uint64_t seed, uint32_t stream, double mean, double sd, int lognormal, float low,
                    float high, int64_t n, float *out, nm_error *error) NM_MUST_CHECK;
void nm_build_uniform(uint64_t seed, uint32_t stream, double low, double high, int64_t n, float *out);

/* Stable sort of each row, or place, by delay; weight and targets move along. `weight` may be NULL.
 * scratch_order and scratch (4 bytes an entry): as long as the longest row. */
int nm_build_sort_by_delay(const int64_t *row_start, int64_t n_rows, uint16_t *delay, uint16_t *local,
                           float *weight, int64_t *scratch_order, void *scratch,
                           nm_error *error) NM_MUST_CHECK;

/* The places of rows whose targets ascend: place row * n_partitions + part holds the row's targets in that part of
 * the network, of partition_width slots. Fills bucket_start[n_rows * n_partitions + 1] and `local`, each target counted
 * from the first slot of its part. (Within a place any order will do.) */
int nm_build_buckets(const int64_t *row_start, int64_t n_rows, const int32_t *targets, int64_t n_partitions,
                     int64_t partition_width, int64_t *bucket_start, uint16_t *local,
                     nm_error *error) NM_MUST_CHECK;

/* Number of segments, runs of one delay in a place that is sorted by delay; fills bucket_run[n_buckets + 1],
 * run_start[n + 1] and run_delay[n] if they are not NULL. */
int64_t nm_build_runs(const int64_t *bucket_start, int64_t n_buckets, const uint16_t *delay,
                      int64_t *bucket_run, int64_t *run_start, uint16_t *run_delay);

#endif
