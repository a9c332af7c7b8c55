/* Delivery over bit-maps, of projections so dense that a row's targets, one bit for each neuron of a part,
 * take less time than their list: equal weights, one delay. The rows of the spikes that arrive are added bit
 * by bit, in carry-save form, to counts of arrivals, and weight * count goes to the neurons. A target that a
 * row meets more than once has its further synapses in a list beside the bits. When the bit-maps are used:
 * nm_bitmap_deliver.h.
 * SPDX-License-Identifier: MIT */
#ifndef NM_DENSE_H
#define NM_DENSE_H

#include "nm_delay.h"
#include "nm_network.h"

struct nm_bitmap {
    int64_t most;  /* rows that may be added at once */
    int64_t words; /* of 64 bits, of a place: whole blocks */
    /* [place * words]. A place has 4 * words lanes of 16 bits; bit b of lane l stands for the part's neuron
     * 4 * words * b + l: one shift and one mask bring a run of neurons' bits into lanes of their own. */
    const uint64_t *bits;
    const int64_t *extra_start; /* [n_buckets + 1] */
    const uint16_t *extra;      /* targets that their row has met before, counted from their part's first */
};

/* Words of a place of so many neurons, and of their counts. */
int64_t nm_bitmap_words(int64_t partition_width);
int64_t nm_bitmap_counts(int64_t partition_width);

/* 0 where a projection does not gain by bit-maps, else how many rows may be added at once (counts have 16
 * bits); fills extra_start. A function of the synapses alone. */
int64_t nm_bitmap_worth(const nm_projection *p, int64_t n_neurons, int64_t n_partitions,
                        int64_t *extra_start);

/* Fills bits, all zero before, and extra. */
void nm_bitmap_fill(const nm_projection *p, int64_t n_buckets, int64_t words, uint64_t *bits,
                    uint16_t *extra);

/* The spikes of one step, of which each brings the row of its source to a part. */
typedef struct nm_bitmap_arrivals {
    const nm_projection *projection;
    const nm_delay *ring;
    int64_t step, partition;
    /* where the lists of the step, a part's after another's, have been read up to; all 0 at the beginning */
    int64_t source, i;
} nm_bitmap_arrivals;

/* The place of the next row; -1: there are no more. */
static inline int64_t nm_bitmap_next(nm_bitmap_arrivals *a) {
    const nm_projection *p = a->projection;
    for (; a->source < a->ring->n_partitions; a->source++, a->i = 0) {
        const int32_t *slot = nm_delay_list(a->ring, a->step, a->source);
        const int64_t n_spikes = *nm_delay_count(a->ring, a->step, a->source);
        while (a->i < n_spikes) {
            const int64_t row = slot[a->i++] - p->pre_first;
            if (row >= 0 && row < p->n_rows)
                return row * a->ring->n_partitions + a->partition;
        }
    }
    return -1;
}

/* What they bring to the n neurons of the part, over bit-maps: input[i] += weight * count of arrivals.
 * `count` is scratch: [nm_bitmap_counts(partition_width)]. */
void nm_bitmap_add(nm_bitmap_arrivals arrivals, int64_t n, uint64_t *count, double *input);

#endif
