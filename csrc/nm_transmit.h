/* What the synapses of one delay run add to the inputs of a partition: the inner loops of pull and push delivery.
 * SPDX-License-Identifier: MIT */
#ifndef NM_TRANSMIT_H
#define NM_TRANSMIT_H

#include "nm_loop.h"
#include "nm_network.h"
#include "nm_short_term.h"

#include <math.h>

/* The input from a synapse of weight w. The stored weight of an inhibitory synapse may have either sign. `shared`: the
 * weight is multiplied by the efficacy `share` of the spike. */
NM_INLINE double nm_brought(double w, const int inhibitory, const int shared, double share) {
    const double signed_w = inhibitory ? -fabs(w) : w;
    return shared ? share * signed_w : signed_w;
}

/* Add the synapses `first` .. `last` - 1 to sum [target]. */
NM_INLINE void nm_transmit_by(const nm_projection *p, int64_t first, int64_t last, const int inhibitory,
                              const int shared, double share, double *restrict sum) {
    const uint16_t *restrict target = p->target;
    const float *restrict weight = p->weight;
    const double each = nm_brought(p->constant_weight, inhibitory, shared, share);
    if (weight == NULL) {
        NM_UNROLL
        for (int64_t s = first; s < last; s++)
            sum[target[s]] += each;
    } else {
        NM_UNROLL
        for (int64_t s = first; s < last; s++)
            sum[target[s]] += nm_brought((double)weight[s], inhibitory, shared, share);
    }
}

/* Likewise those alone that were made before step `fired`. */
NM_INLINE void nm_transmit_older(const nm_projection *p, int64_t first, int64_t last, int64_t fired,
                                 double share, double *sum) {
    for (int64_t s = first; s < last; s++)
        if (nm_projection_reaches_synapse(p, s, fired))
            sum[p->target[s]] += nm_brought(p->weight == NULL ? p->constant_weight : (double)p->weight[s],
                                            p->inhibitory != 0, p->short_term != NULL, share);
}

/* The efficacy of the spike of a row in step `fired`; 1 without short-term plasticity. */
NM_INLINE double nm_share_of(const nm_projection *p, int64_t row, int64_t fired) {
    return p->short_term == NULL ? 1.0 : nm_short_term_efficacy(p, row, fired);
}

/* Fetch the cache lines from `from` to `to`, the latter excluded, at most so many. Always inlined: gcc considers a function
 * that only prefetches free of effects, and drops the call. */
NM_INLINE void nm_fetch_lines(const void *from, const void *to, int most) {
    enum { LINE = 64 };
    const char *first = (const char *)from - (uintptr_t)from % LINE;
    for (const char *at = first; at < (const char *)to && most > 0; at += LINE, most--)
        NM_FETCH(at);
}

#endif
