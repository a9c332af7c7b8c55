/* Network construction: which neurons are connected. Connections are drawn directly in the layout of
 * delivery: rows of sources, one bucket per row and partition, targets ascending and relative to the first
 * slot of their partition. Draws are keyed by (seed, stream, id of the source or target, position). Hence
 * they depend neither on the number of threads nor on the slots of the neurons.
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
        n_rows;       /* rows cover slots pre_first .. pre_first + n_rows - 1, which include all of `pre` */
    int64_t autapses; /* 0: a neuron is never connected to itself */
    uint64_t seed;
    uint32_t salt;                         /* the projection's number */
    int64_t n_partitions, partition_width; /* with buckets in the rows; they cover all of `post` */
    int64_t first_partition; /* the first of them; 0 unless the rows are those of a part of the network */
    int (*interrupted)(void *context); /* called about every NM_BUILD_SHARE draws: not 0 ends the call with
                                          NM_STOP_INTERRUPTED. NULL: nothing is called */
    void *context;
} nm_build;

enum { NM_BUILD_SHARE = 1 << 18 };

/* Check the arguments that all ways of drawing share. */
int nm_build_check(const nm_build *build, nm_error *error) NM_MUST_CHECK;

enum { NM_BUILD_NARROW = 1 << 16 }; /* greatest n_rows for which nm_build_in_degree stores draws in 16 bits */

/* Connect each pair with probability p in [0, 1] by geometric skipping: the cost is per synapse, not per
 * pair. Fills bucket_start[0 .. n_rows * n_partitions] (bucket: row * n_partitions + partition) and
 * `local`. On entry the last entry of bucket_start is the capacity of `local`; NM_ERR_TOO_LARGE if that is
 * not enough. local = NULL: only count. A caller that provides room for the mean plus 8 standard
 * deviations need not count first. */
int nm_build_probability(const nm_build *build, double p, int64_t *bucket_start, uint16_t *local,
                         nm_error *error) NM_MUST_CHECK;

/* Give each target `degree` sources, drawn with replacement (multapses allowed, as in NEST and Brunel
 * 2000): degree * n_post entries of `local`. scratch[n_rows]; `drawn` has as many entries as `local`, with
 * 16 bits up to NM_BUILD_NARROW rows and 32 bits above. */
int nm_build_in_degree(const nm_build *build, int64_t degree, int64_t *scratch, void *drawn,
                       int64_t *bucket_start, uint16_t *local, nm_error *error) NM_MUST_CHECK;

/* Give each source `degree` targets, drawn with replacement: degree * n_pre entries of `local`.
 * scratch[2 * degree]. */
int nm_build_out_degree(const nm_build *build, int64_t degree, int32_t *scratch, int64_t *bucket_start,
                        uint16_t *local, nm_error *error) NM_MUST_CHECK;

/* Give source i degree[i] targets, drawn as by nm_build_out_degree: the sum of the degrees is the entries of `local`.
 * scratch[2 * the greatest degree]. */
int nm_build_out_degrees(const nm_build *build, const int64_t *degree, int32_t *scratch,
                         int64_t *bucket_start, uint16_t *local, nm_error *error) NM_MUST_CHECK;

/* Choose count[i] candidates for each neuron: targets for each source (of_sources), or sources for each target.
 * distinct: no candidate twice; else with replacement. Fills `chosen`, neuron by neuron, in the order of the draws.
 * mark[candidates / 64 + 1]: scratch, all 0. NM_ERR_BAD_VALUE names a neuron with too few candidates. */
int nm_build_chosen(const nm_build *build, int of_sources, const int64_t *count, int distinct, uint64_t *mark,
                    int32_t *chosen, nm_error *error) NM_MUST_CHECK;

/* Rows from explicit pairs of slots, in any order. order[k]: the index of the pair that became synapse k;
 * equal pairs keep their order. */
int nm_build_pairs(const int32_t *pre, const int32_t *post, int64_t n, int64_t pre_first, int64_t n_rows,
                   int64_t *row_start, int32_t *targets, int64_t *order, nm_error *error) NM_MUST_CHECK;

/* Draw the n float32 values from position `first` on, keyed by position: normal(mean, sd), its exponential,
 * or uniform on [low, high). */
void nm_build_normal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t first, int64_t n,
                     float *out);
void nm_build_lognormal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t first, int64_t n,
                        float *out);

enum { NM_BUILD_ATTEMPTS = 4096 }; /* attempts for one value; each has four draws */

/* Draw each value outside [low, high] again until it lies inside, keyed by position and attempt. `lognormal`:
 * 1 for nm_build_lognormal. NM_ERR_BAD_VALUE, with the position, if every attempt fell outside. */
int nm_build_redraw(uint64_t seed, uint32_t stream, double mean, double sd, int lognormal, float low,
                    float high, int64_t first, int64_t n, float *out, nm_error *error) NM_MUST_CHECK;
void nm_build_uniform(uint64_t seed, uint32_t stream, double low, double high, int64_t first, int64_t n,
                      float *out);

/* Sort each row (or bucket) by delay, stably; weights, targets and pairs (numbers below 2^32) move along. `weight` and
 * `pair` may be NULL. The rows may be some of many: row_start[0] >= 0 counts from the first entry of the columns.
 * scratch_order and scratch (4 bytes per entry) are as long as the longest row. */
int nm_build_sort_by_delay(const int64_t *row_start, int64_t n_rows, uint16_t *delay, uint16_t *local,
                           float *weight, int64_t *pair, int64_t *scratch_order, void *scratch,
                           nm_error *error) NM_MUST_CHECK;

/* Cut rows whose targets ascend into buckets: bucket row * n_partitions + partition has the row's targets
 * in that partition. Fills bucket_start[n_rows * n_partitions + 1] and `local`, the targets relative to
 * the first slot of their partition. Within a bucket any order is allowed. */
int nm_build_buckets(const int64_t *row_start, int64_t n_rows, const int32_t *targets, int64_t n_partitions,
                     int64_t partition_width, int64_t *bucket_start, uint16_t *local,
                     nm_error *error) NM_MUST_CHECK;

/* Number of delay runs of buckets that are sorted by delay. Fills bucket_run[n_buckets + 1], run_start[n +
 * 1] and run_delay[n] if they are not NULL. */
int64_t nm_build_runs(const int64_t *bucket_start, int64_t n_buckets, const uint16_t *delay,
                      int64_t *bucket_run, int64_t *run_start, uint16_t *run_delay);

#endif
