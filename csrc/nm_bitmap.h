/* Bitmap delivery, for dense projections with equal weights and one delay. A bucket has one bit for each
 * neuron of its partition. The bitmaps of the arriving spikes are added with carry-save adders to counts of
 * arrivals, and weight * count is added to the inputs. A list beside the bits holds the further synapses of a
 * target that one source reaches more than once. nm_bitmap_deliver.h decides when the bitmaps are used.
 * SPDX-License-Identifier: MIT */
#ifndef NM_BITMAP_H
#define NM_BITMAP_H

#include "nm_delay.h"
#include "nm_network.h"

enum { NM_BITMAP_READ = 32 }; /* of `extra`, entries that are read at once: a cache line */

struct nm_bitmap {
    int64_t most;  /* greatest number of spikes whose bitmaps can be added: counts have 16 bits */
    int64_t words; /* 64-bit words of a bucket; whole cache lines */
    /* [bucket * words]. A bucket has 4 * words lanes of 16 bits. Bit b of lane l stands for neuron 4 *
     * words * b + l of the partition. One shift and one mask put the bits of consecutive neurons into
     * lanes of their own. */
    const uint64_t *bits;
    const int64_t *extra_start; /* [n_buckets + 1] */
    /* [extra_start[n_buckets] + NM_BITMAP_READ]: targets of further synapses from the same source, relative to their
     * partition; then entries of any value, which are read and do not count. */
    const uint16_t *extra;
};

/* 64-bit words of the bits, and of the counts, of a partition. */
int64_t nm_bitmap_words(int64_t partition_width);
int64_t nm_bitmap_counts(int64_t partition_width);

/* Whether bitmap delivery is faster for a projection with equal weights and one delay. `extras`: synapses beyond the first
 * from a source to a target. */
int nm_bitmap_pays(int64_t n_synapses, int64_t n_rows, int64_t n_neurons, int64_t extras);

/* The value of `most` for a projection; 0 where bitmap delivery is not faster. Fills extra_start. Depends
 * on the synapses alone. `part`: 1 for a part of a projection for whose whole bitmap delivery is faster. */
int64_t nm_bitmap_worth(const nm_projection *p, int64_t n_neurons, int64_t n_buckets, int part,
                        int64_t *extra_start);

/* Fill `bits`, all zero before, and `extra`. */
void nm_bitmap_fill(const nm_projection *p, int64_t n_buckets, int64_t words, uint64_t *bits,
                    uint16_t *extra);

/* Iterator over the spikes of one step that arrive at a partition over a projection. */
typedef struct nm_bitmap_arrivals {
    const nm_network *network;
    const nm_projection *projection;
    const nm_delay *ring;
    int64_t step, partition;
    /* position in the spike lists of the step, which are read partition by partition; 0 at the beginning */
    int64_t source, i;
} nm_bitmap_arrivals;

/* The bucket of the next spike; -1: there are no more. */
static inline int64_t nm_bitmap_next(nm_bitmap_arrivals *a) {
    const nm_projection *p = a->projection;
    for (; a->source < a->ring->n_partitions; a->source++, a->i = 0) {
        const int32_t *slot = nm_delay_list(a->ring, a->step, a->source);
        const int64_t n_spikes = *nm_delay_count(a->ring, a->step, a->source);
        while (a->i < n_spikes) {
            const int64_t row = slot[a->i++] - p->pre_first;
            if (row >= 0 && row < p->n_rows)
                return nm_bucket(a->network, p, row, a->partition);
        }
    }
    return -1;
}

/* Deliver the spikes, one at least, to the n neurons of the partition: input[i] += weight * number of arrivals.
 * `count` is scratch: [nm_bitmap_counts(partition_width)]. */
void nm_bitmap_add(nm_bitmap_arrivals arrivals, int64_t n, uint64_t *count, double *input);

#endif
