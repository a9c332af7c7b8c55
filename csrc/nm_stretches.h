/* Which stretches of the network fired in a step. The slots are cut into at most 64 equal stretches, one bit each. Of
 * many projections those can be passed over in whose stretches no source has fired, at 2 ns each.
 * SPDX-License-Identifier: MIT */
#ifndef NM_STRETCHES_H
#define NM_STRETCHES_H

#include "nm_delay.h"

enum { NM_STRETCHES = 64, NM_STRETCH_STEPS = 16 };

/* The steps that were looked up last. */
typedef struct nm_stretches {
    int64_t n_neurons;
    int shift; /* a slot lies in stretch slot >> shift; -1: nothing was looked up yet, all below is not set */
    int64_t step[NM_STRETCH_STEPS];
    uint64_t fired[NM_STRETCH_STEPS];
} nm_stretches;

/* Most calls look nothing up, so what it takes is made ready by the first that does. */
static inline void nm_stretches_begin(nm_stretches *stretches, int64_t n_neurons) {
    stretches->n_neurons = n_neurons, stretches->shift = -1;
}

static inline void nm_stretches_ready(nm_stretches *stretches) {
    stretches->shift = 0;
    while ((stretches->n_neurons - 1) >> stretches->shift >= NM_STRETCHES)
        stretches->shift++;
    for (int k = 0; k < NM_STRETCH_STEPS; k++)
        stretches->step[k] = INT64_MIN;
}

/* The stretches with a spike of this step, which the ring covers. */
static inline uint64_t nm_stretches_fired(nm_stretches *stretches, const nm_delay *ring, int64_t step) {
    const int at = (int)((uint64_t)step % NM_STRETCH_STEPS);
    if (stretches->step[at] == step)
        return stretches->fired[at];
    uint64_t fired = 0;
    for (int64_t partition = 0; partition < ring->n_partitions; partition++) {
        const int32_t *slot = nm_delay_list(ring, step, partition);
        const int64_t n_spikes = *nm_delay_count(ring, step, partition);
        for (int64_t i = 0; i < n_spikes; i++)
            fired |= UINT64_C(1) << (slot[i] >> stretches->shift);
    }
    stretches->step[at] = step, stretches->fired[at] = fired;
    return fired;
}

/* 0: none of the n slots from `first` on fired in this step; 1: some may have. */
static inline int nm_stretches_met(nm_stretches *stretches, const nm_delay *ring, int64_t step, int64_t first,
                                   int64_t n) {
    if (n == 0)
        return 0;
    if (stretches->shift < 0)
        nm_stretches_ready(stretches);
    const int64_t low = first >> stretches->shift, high = (first + n - 1) >> stretches->shift;
    const uint64_t theirs = (UINT64_MAX >> (NM_STRETCHES - 1 - (high - low))) << low;
    return (nm_stretches_fired(stretches, ring, step) & theirs) != 0;
}

#endif
