/* Poisson counts by inversion: a random word, as a number in [0, 1), is compared with the cumulative
 * probabilities P(count <= k) in units of 2^-32. Many draws with one mean read these from a table; a single
 * draw computes them with the same operations. Hence both give the same count for the same word.
 *
 * SPDX-License-Identifier: MIT */
#ifndef NM_POISSON_H
#define NM_POISSON_H

#include "nm_math.h"

enum {
    NM_POISSON_TABLE = 64, /* entries of a table; P(64 or more) at mean 20 is 1e-14, far below 2^-32 */
    NM_POISSON_MEAN = 20   /* largest mean of a table; counts with a larger mean are drawn one by one */
};

typedef struct nm_poisson {
    double mean, term, sum; /* term = P(count = k), sum = P(count <= k) */
    int k;
} nm_poisson;

/* At k = 0; `none` is exp(-mean). */
static inline nm_poisson nm_poisson_first(double mean, double none) {
    return (nm_poisson){.mean = mean, .term = none, .sum = none, .k = 0};
}

static inline void nm_poisson_next(nm_poisson *p) {
    p->k++;
    p->term *= p->mean / (double)p->k;
    p->sum += p->term;
}

/* The largest word that gives a count <= k; UINT32_MAX where P(count > k) < 2^-33. */
static inline uint32_t nm_poisson_last(const nm_poisson *p) {
    uint64_t words = (uint64_t)(p->sum * 4294967296.0 + 0.5);
    words = words < 1 ? 1 : words;
    return words > UINT32_MAX ? UINT32_MAX : (uint32_t)(words - 1);
}

/* The cumulative probabilities, scaled to 32 bits: the count is the number of entries < word. */
static inline void nm_poisson_tabulate(double mean, uint32_t table[NM_POISSON_TABLE]) {
    nm_poisson p = nm_poisson_first(mean, nm_exp(-mean));
    for (int k = 0; k < NM_POISSON_TABLE; k++) {
        table[k] = nm_poisson_last(&p);
        nm_poisson_next(&p);
    }
}

/* The count for one word. `none` is exp(-mean); mean <= NM_POISSON_MEAN. */
static inline double nm_poisson_invert(double mean, double none, uint32_t word) {
    nm_poisson p = nm_poisson_first(mean, none);
    while (p.k < NM_POISSON_TABLE && nm_poisson_last(&p) < word)
        nm_poisson_next(&p);
    return (double)p.k;
}

#endif
